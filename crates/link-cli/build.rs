//! Links the unwinder of gcc into the command, where the linker is gcc's and has it.
//!
//! The standard library takes it from the shared `libgcc_s`, for nothing but the backtrace of a
//! panic. To load that takes a thirtieth of the smallest link's time.

use std::env;
use std::path::Path;
use std::process::Command;

/// The archive with the unwinder.
const ARCHIVE: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    // Elsewhere it is called something else, or is of another kind.
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if !is_gnu || env::var("TARGET").ok() != env::var("HOST").ok() {
        return;
    }
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".into());
    let asked = Command::new(linker)
        .arg(format!("-print-file-name={ARCHIVE}"))
        .output();
    // Who does not know the file says its bare name.
    let Some(path) = asked
        .ok()
        .and_then(|said| String::from_utf8(said.stdout).ok())
    else {
        return;
    };
    let path = Path::new(path.trim());
    if let (true, Some(dir)) = (path.is_file(), path.parent()) {
        println!("cargo::rustc-link-search=native={}", dir.display());
        println!("cargo::rustc-link-lib=static:+whole-archive=gcc_eh");
    }
}
