//! `cargo xtask bench`: the criterion benchmarks of all crates.

mod big;

use std::fs;

use crate::process::{cargo, root, run, target_dir};
use crate::{Result, unknown_argument};

pub(crate) fn run_command(args: &[String]) -> Result {
    if let [flag, scale] = args
        && flag == "--prepare"
    {
        let work = target_dir()?.join("bench");
        let big = big::make(&work, parse_scale(scale)?)?;
        for input in [big.objects, big.archives] {
            println!("cd {}; wasm-link @{input} -o out.wasm", big.dir.display());
        }
        return Ok(());
    }
    let filter = match args {
        [] => None,
        [flag, ..] if flag.starts_with('-') => return unknown_argument(flag),
        [filter] => Some(filter),
        [.., other] => return unknown_argument(other),
    };
    let benches = benches()?;
    if benches.is_empty() {
        return Err("no crate has a benchmark".into());
    }
    for (package, bench) in benches {
        // Each by its name: the tests of a library, which cargo would run as well, do not
        // take a benchmark's arguments.
        run(cargo()
            .args(["bench", "--package", &package, "--bench", &bench, "--"])
            .args(filter))?;
    }
    Ok(())
}

/// A scale as it is written on the command line: `1/10`, `0.1`.
fn parse_scale(text: &str) -> Result<f64> {
    let (part, whole) = text.split_once('/').unwrap_or((text, "1"));
    let scale = part.parse::<f64>()? / whole.parse::<f64>()?;
    if scale > 0.0 && scale <= 10.0 {
        return Ok(scale);
    }
    Err(format!("the scale `{text}` is not above 0 and at most 10").into())
}

/// The benchmarks, each with its package.
fn benches() -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for package in fs::read_dir(root().join("crates"))? {
        let package = package?;
        let Ok(benches) = fs::read_dir(package.path().join("benches")) else {
            continue;
        };
        for bench in benches {
            let path = bench?.path();
            // A directory is a benchmark if it has a `main.rs`; other files are parts.
            let is_bench = path.extension().is_some_and(|extension| extension == "rs")
                || path.join("main.rs").exists();
            if let (true, Some(name)) = (is_bench, path.file_stem()) {
                found.push((
                    package.file_name().to_string_lossy().into_owned(),
                    name.to_string_lossy().into_owned(),
                ));
            }
        }
    }
    found.sort();
    Ok(found)
}
