//! The benchmarks of the inner pieces, which criterion runs.

use std::fs;

use crate::Result;
use crate::process::{cargo, root, run};

/// Runs those whose names contain `filter`.
pub(super) fn run_all(filter: Option<&str>) -> Result {
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
