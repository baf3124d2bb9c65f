//! Finding LLVM's tests: in a directory that was given, or in Debian's source package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::Apt;
use crate::{Result, process};

/// The source package.
const PACKAGE: &str = "llvm-toolchain-19";

/// The tests inside LLVM's sources.
const TESTS: &str = "lld/test/wasm";

/// Returns the directory `lld/test/wasm`: in `given`, which may also be a directory above it,
/// or below `work`, where it is unpacked from Debian's source package the first time.
pub(super) fn find(given: Option<&Path>, work: &Path) -> Result<PathBuf> {
    if let Some(given) = given {
        let candidates = [given.to_owned(), given.join("test/wasm"), given.join(TESTS)];
        let found = candidates.iter().find(|dir| is_suite(dir)).ok_or_else(|| {
            format!(
                "`{}` holds no LLVM tests: give the directory {TESTS} of LLVM's sources, or the \
                 sources themselves",
                given.display()
            )
        })?;
        return Ok(fs::canonicalize(found)?);
    }
    let suite = work.join("suite");
    if !is_suite(&suite.join(TESTS)) {
        fetch(work, &suite).map_err(|error| {
            format!(
                "{error}\nwithout Debian's source package `{PACKAGE}`, give LLVM's tests with \
                 --suite DIR"
            )
        })?;
    }
    Ok(fs::canonicalize(suite.join(TESTS))?)
}

fn is_suite(dir: &Path) -> bool {
    dir.join("lit.local.cfg").is_file() && dir.join("Inputs").is_dir()
}

/// Downloads the source package and unpacks the tests into `suite`.
fn fetch(work: &Path, suite: &Path) -> Result {
    process::require("tar", "tar")?;
    process::require("xz", "xz-utils")?;
    let apt = Apt::new(&work.join("apt"))?;
    apt.run(&["source", "--download-only", PACKAGE])?;

    let mut archives = Vec::new();
    for path in apt.downloaded()? {
        if path.to_string_lossy().ends_with(".orig.tar.xz") {
            archives.push(path);
        }
    }
    let [archive] = archives.as_slice() else {
        return Err(format!(
            "expected one .orig.tar.xz of `{PACKAGE}`, found {}",
            archives.len()
        )
        .into());
    };
    // Unpacked beside its place and renamed, so that an interrupted run leaves no half a suite.
    let partial = work.join("suite.partial");
    for dir in [&partial, &suite.to_owned()] {
        if dir.exists() {
            fs::remove_dir_all(dir)?;
        }
    }
    fs::create_dir_all(&partial)?;
    process::run(
        Command::new("tar")
            .args(["-xJ", "--wildcards", "--strip-components=1"])
            .arg("-C")
            .arg(&partial)
            .arg("-f")
            .arg(archive)
            .arg(format!("*/{TESTS}")),
    )?;
    fs::rename(&partial, suite)?;
    // 160 MB that are not read again.
    apt.remove()
}
