//! Finding LLVM's tests: in a directory that was given, or in Debian's source package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, process};

/// The source package, and where it is published.
const PACKAGE: &str = "llvm-toolchain-19";
const SOURCES: &str = "\
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main
";

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
///
/// apt works on lists and sources of its own below `work`: the machine's stay as they are, and
/// nobody needs to be root.
fn fetch(work: &Path, suite: &Path) -> Result {
    process::require("apt-get", "apt")?;
    process::require("tar", "tar")?;
    process::require("xz", "xz-utils")?;
    let apt = work.join("apt");
    for dir in ["lists/partial", "cache/archives/partial", "download"] {
        fs::create_dir_all(apt.join(dir))?;
    }
    fs::write(apt.join("sources.list"), SOURCES)?;
    let apt_get = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        for (key, value) in [
            ("Dir::Etc::SourceList", apt.join("sources.list")),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::State::Lists", apt.join("lists")),
            ("Dir::Cache", apt.join("cache")),
            // Without this, root would hand the download to a user who may not write here.
            ("APT::Sandbox::User", "".into()),
        ] {
            command.arg("-o").arg(format!("{key}={}", value.display()));
        }
        command
            .arg("-q")
            .args(words)
            .current_dir(apt.join("download"));
        command
    };
    process::run(&mut apt_get(&["update"]))?;
    process::run(&mut apt_get(&["source", "--download-only", PACKAGE]))?;

    let mut archives = Vec::new();
    for entry in fs::read_dir(apt.join("download"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".orig.tar.xz") {
            archives.push(path);
        }
    }
    let [archive] = archives.as_slice() else {
        return Err(format!(
            "expected one .orig.tar.xz in `{}`, found {}",
            apt.join("download").display(),
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
    // 160 MB that nobody reads again.
    fs::remove_dir_all(apt)?;
    Ok(())
}
