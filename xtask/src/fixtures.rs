//! `cargo xtask fixtures`: the objects that clang makes from `examples/*.c` are checked in, so
//! that the demo and the tests need no clang; here they are made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{require, root, run};
use crate::{Result, unknown_argument};

const CLANG: &str = "clang-22";

pub(crate) fn run_command(args: &[String]) -> Result {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        [.., other] => return unknown_argument(other),
    };
    require(CLANG, "clang-22")?;
    let scratch = root().join("target").join("fixtures");
    fs::create_dir_all(&scratch)?;
    for source in sources()? {
        let object = source.with_extension("o");
        if !check {
            compile(&source, &object)?;
            continue;
        }
        let fresh = scratch.join(object.file_name().ok_or("an object has a name")?);
        compile(&source, &fresh)?;
        if fs::read(&fresh)? != fs::read(root().join(&object))? {
            return Err(format!(
                "{} is not what clang makes of {}; run `cargo xtask fixtures` and commit it",
                object.display(),
                source.display()
            )
            .into());
        }
    }
    Ok(())
}

/// The C sources, relative to the directory of the workspace.
pub(crate) fn sources() -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(root().join("examples"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            sources.push(path.strip_prefix(root())?.to_owned());
        }
    }
    sources.sort();
    Ok(sources)
}

fn compile(source: &Path, object: &Path) -> Result {
    run(Command::new(CLANG)
        .current_dir(root())
        .args(["--target=wasm32-unknown-unknown", "-O2", "-Wall", "-Werror"])
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object))
}
