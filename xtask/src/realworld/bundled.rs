//! The C libraries that come inside crates: fetched by cargo, compiled here, kept nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Result, process};

const SQLITE: &str = "libsqlite3-sys-0.30.1";
const ZLIB: &str = "libz-sys-1.1.31";

const MANIFEST: &str = "\
[package]
name = \"bundled\"
version = \"0.0.0\"
edition = \"2024\"

[lib]
path = \"empty.rs\"

[dependencies]
libsqlite3-sys = { version = \"=0.30.1\", default-features = false }
libz-sys = { version = \"=1.1.31\", default-features = false }

# Not a member of the workspace that the directory lies in.
[workspace]
";

/// Where the sources of the libraries lie.
pub(crate) struct Bundled {
    pub(crate) sqlite: PathBuf,
    pub(crate) zlib: PathBuf,
}

/// Fetches the crates below `work`, unless they are there.
pub(crate) fn fetch(work: &Path) -> Result<Bundled> {
    let vendor = work.join("vendor");
    let bundled = Bundled {
        sqlite: vendor.join(SQLITE).join("sqlite3"),
        zlib: vendor.join(ZLIB).join("src/zlib"),
    };
    let complete = |bundled: &Bundled| {
        bundled.sqlite.join("sqlite3.c").is_file() && bundled.zlib.join("zlib.h").is_file()
    };
    if complete(&bundled) {
        return Ok(bundled);
    }
    let project = work.join("bundled");
    fs::create_dir_all(&project)?;
    fs::write(project.join("Cargo.toml"), MANIFEST)?;
    fs::write(project.join("empty.rs"), "")?;
    process::capture(
        process::cargo()
            .args(["vendor", "--quiet", "--versioned-dirs", "--manifest-path"])
            .arg(project.join("Cargo.toml"))
            .arg(&vendor),
    )?;
    if complete(&bundled) {
        return Ok(bundled);
    }
    Err(format!("the crates in `{}` lack the C sources", vendor.display()).into())
}
