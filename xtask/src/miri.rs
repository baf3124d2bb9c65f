//! `cargo xtask miri`: Miri over the tests of library code that is `unsafe`.

use std::process::Command;

use crate::process::{root, run};
use crate::{Result, unknown_argument};

/// Miri comes with nightly toolchains only; this one is known to have it.
const TOOLCHAIN: &str = "nightly-2026-10-13";

/// The tests, by package, of the modules that opt into `unsafe` code, and options of Miri.
const TESTS: &[(&str, &str, &str)] = &[
    ("link-core", "module::arena::", ""),
    // The allocator exposes the provenance of its memory, and keeps that memory to the end.
    (
        "link-heap",
        "",
        "-Zmiri-permissive-provenance -Zmiri-ignore-leaks",
    ),
];

pub(crate) fn run_command(args: &[String]) -> Result {
    if let [argument, ..] = args {
        return unknown_argument(argument);
    }
    run(Command::new("rustup")
        .args(["toolchain", "install", TOOLCHAIN, "--profile", "minimal"])
        .args(["--component", "miri,rust-src"]))?;
    for (package, tests, flags) in TESTS {
        run(Command::new("rustup")
            .args(["run", TOOLCHAIN, "cargo", "miri", "test"])
            .args(["--package", package, "--lib", "--", tests])
            .env("MIRIFLAGS", flags)
            // The toolchain's own, and not those of the one that runs this.
            .env_remove("RUSTC")
            .env_remove("CARGO")
            .current_dir(root()))?;
    }
    Ok(())
}
