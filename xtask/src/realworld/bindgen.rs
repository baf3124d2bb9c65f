//! Tools of Rust that cargo compiles: wasm-bindgen and wasm-pack.

use std::path::{Path, PathBuf};

use super::tools;
use crate::Result;
use crate::process::cargo;

/// The packages. `xtask/programs/bindgen` needs the same version of wasm-bindgen.
const VERSIONS: [(&str, &str); 2] = [("wasm-bindgen-cli", "0.2.130"), ("wasm-pack", "0.15.1")];

/// Installs the package below `work`, unless it is there. The directory of its programs.
pub(super) fn install(work: &Path, package: &str) -> Result<PathBuf> {
    let version = VERSIONS.iter().find(|(name, _)| *name == package);
    let (_, version) = version.ok_or_else(|| format!("`{package}` is not known here"))?;
    let root = work.join(format!("{package}-{version}"));
    let programs = root.join("bin");
    if !programs.is_dir() {
        println!("compiling {package} {version}");
        let mut install = cargo();
        // How fast these programs are does not matter here.
        install.args([
            "install",
            "--quiet",
            "--debug",
            package,
            "--version",
            version,
        ]);
        install
            .arg("--root")
            .arg(&root)
            .arg("--target-dir")
            .arg(work.join("tools"));
        install
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env_remove("RUSTFLAGS");
        tools::succeed(&mut install)?;
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_has_the_version_of_the_tool() {
        let manifest = std::fs::read_to_string(tools::source("bindgen/Cargo.toml"));
        let (_, version) = VERSIONS[0];
        let line = format!("wasm-bindgen = \"={version}\"");
        assert!(manifest.expect("the manifest").contains(&line));
    }
}
