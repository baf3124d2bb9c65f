//! `cargo xtask test`: what must hold for every change. It needs Rust and nothing else; where the
//! reference `rust-lld` is installed, the tests compare with that, too.

use std::process::Command;

use test_objects::lld;

use crate::process::{cargo, run};
use crate::{Result, unknown_argument};

/// The crates that ask the platform for something that the standard library lacks.
const WITH_FALLBACKS: &[&str] = &["lld-driver", "link-cli"];

/// Where they are checked, too: another C library, another Unix, and no Unix.
const ELSEWHERE: &[&str] = &[
    "x86_64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-gnu",
];

pub(crate) fn run_all() -> Result {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo()
        .args(["clippy", "--workspace", "--all-targets"])
        .args(["--", "--deny", "warnings"]))?;
    if lld::reference().is_none() {
        println!(
            "the tests compare nothing with `rust-lld` of LLVM {}, which is not installed; \
             `{}` installs it",
            lld::REFERENCE_LLVM,
            lld::INSTALL_REFERENCE
        );
    }
    // Unit tests, integration tests, the tests of examples and doc tests.
    run(without_updates(cargo().args(["test", "--workspace"])))
}

pub(crate) fn run_fallbacks() -> Result {
    for package in WITH_FALLBACKS {
        // One by one: features are chosen for everything that is built together.
        run(without_updates(cargo().args([
            "test",
            "--package",
            package,
            "--no-default-features",
        ])))?;
    }
    Ok(())
}

/// Runs the tests that compare with tools of LLVM 22 where these are installed; now they have to be.
pub(crate) fn run_with_llvm() -> Result {
    for tests in [
        &["--lib", "debug_gaps"][..],
        &["--test", "link", "debug_info_that_is_patched"],
    ] {
        let mut run_tests = cargo();
        run_tests
            .args(["test", "--package", "link-core"])
            .args(tests);
        run(without_updates(run_tests.env("REQUIRE_LLVM", "1")))?;
    }
    Ok(())
}

/// Checks what asks the platform for something on others than this one, where rustup has their
/// standard libraries.
pub(crate) fn check_elsewhere() -> Result {
    for target in ELSEWHERE {
        let added = Command::new("rustup")
            .args(["target", "add", target])
            .status();
        if !added.is_ok_and(|status| status.success()) {
            println!("not checked for {target}: rustup does not have it");
            continue;
        }
        for package in WITH_FALLBACKS {
            run(cargo()
                .args(["clippy", "--package", package, "--target", target])
                .args(["--", "--deny", "warnings"]))?;
        }
    }
    Ok(())
}

/// A snapshot that differs is a failure and nothing is written.
fn without_updates(command: &mut Command) -> &mut Command {
    command.env("INSTA_UPDATE", "no").env("CI", "1")
}

pub(crate) fn run_command(args: &[String]) -> Result {
    match args {
        [] => run_all(),
        [flag] if flag == "--fallbacks" => run_fallbacks(),
        [.., other] => unknown_argument(other),
    }
}
