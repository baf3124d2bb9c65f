//! `cargo xtask snapshot`: looking after the snapshots that tests compare with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::process::{cargo, root, run};
use crate::{Result, unknown_argument};

pub(crate) fn run_command(args: &[String]) -> Result {
    match args {
        [] => pending(),
        [action] if action == "review" || action == "accept" => insta(action),
        [.., other] => unknown_argument(other),
    }
}

/// Runs the tests so that what differs is written beside the snapshot, and lists it.
fn pending() -> Result {
    run(cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("INSTA_UPDATE", "new")
        .env("INSTA_FORCE_PASS", "1"))?;
    let mut found = Vec::new();
    collect(&root().join("crates"), &mut found)?;
    if found.is_empty() {
        println!("No snapshot changed.");
        return Ok(());
    }
    println!("Changed, see `cargo xtask snapshot review`:");
    for path in &found {
        println!("  {}", path.strip_prefix(root()).unwrap_or(path).display());
    }
    Ok(())
}

/// Hands the work to cargo-insta.
fn insta(action: &str) -> Result {
    let installed = cargo().args(["insta", "--version"]).output()?;
    if !installed.status.success() {
        return Err(
            "cargo-insta is needed for this and is not there; install it with \
             `cargo install cargo-insta`"
                .into(),
        );
    }
    run(cargo().args(["insta", action, "--workspace"]))
}

/// The new snapshots below `dir`.
fn collect(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(dir)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "new") {
            found.push(path);
        }
    }
    Ok(())
}
