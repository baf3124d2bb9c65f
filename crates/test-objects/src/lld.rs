//! The LLD that outputs and messages are compared with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The release of Rust whose `rust-lld` is the reference.
pub const REFERENCE_RUST: &str = "1.99";

/// The release of LLVM that this is.
pub const REFERENCE_LLVM: &str = "23";

/// The command that installs it beside the toolchain in use.
pub const INSTALL_REFERENCE: &str = "rustup toolchain install 1.99 --profile minimal";

/// The `rust-lld` that `wasm-link` has to agree with; `None` if it is not installed.
pub fn reference() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let mut rustc = Command::new("rustup");
        // To look for a toolchain is not to ask for a download.
        rustc.env("RUSTUP_AUTO_INSTALL", "0");
        rust_lld_of(rustc.args(["run", REFERENCE_RUST, "rustc"]))
    });
    found.as_deref()
}

/// Some `rust-lld`, for what any release of it does: the reference if it is installed, else that
/// of the toolchain in use.
pub fn any() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    reference().unwrap_or_else(|| {
        FOUND.get_or_init(|| {
            let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            rust_lld_of(&mut Command::new(rustc)).expect("the Rust toolchain has a rust-lld")
        })
    })
}

/// The `rust-lld` of the toolchain that a command for `rustc` belongs to.
fn rust_lld_of(rustc: &mut Command) -> Option<PathBuf> {
    let output = rustc.args(["--print", "target-libdir"]).output().ok()?;
    let libraries = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let program = format!("bin/rust-lld{}", std::env::consts::EXE_SUFFIX);
    let path = libraries.parent()?.join(program);
    path.is_file().then_some(path)
}
