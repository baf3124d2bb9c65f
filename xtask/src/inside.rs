//! `cargo xtask inside`: link-core inside WebAssembly, where a `usize` has 32 bits.

use std::process::Command;

use crate::process::{cargo, run, target_dir};
use crate::{Result, unknown_argument};

const TARGET: &str = "wasm32-unknown-unknown";

/// The libraries that are checked: all that a linker inside WebAssembly consists of.
const LIBRARIES: &[&str] = &["wasm-format", "cxx-demangle", "replace-file", "link-core"];

pub(crate) fn run_command(args: &[String]) -> Result {
    if let [argument, ..] = args {
        return unknown_argument(argument);
    }
    run(Command::new("rustup").args(["target", "add", TARGET]))?;
    for library in LIBRARIES {
        run(cargo()
            .args(["clippy", "--package", library, "--target", TARGET])
            .args(["--", "--deny", "warnings"]))?;
    }
    // What overflows is noticed: this is a build for development. But it runs in an interpreter.
    run(cargo()
        .args(["build", "--package", "link-inside", "--target", TARGET])
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1"))?;
    let module = target_dir()?
        .join(TARGET)
        .join("debug")
        .join("link_inside.wasm");
    run(cargo()
        .args(["test", "--package", "link-core", "--test", "inside"])
        .args(["--", "--ignored"])
        .env("LINK_INSIDE", module))
}
