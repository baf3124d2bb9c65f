//! Rust programs, by Debian's rustc: older than the objects of today, with a `lib.rmeta` member
//! in every archive. It is unpacked, never installed, so that it replaces nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::linker::Linker;
use super::report::{Check, behaviour};
use super::tools::{self, BUILTINS, LIB};
use super::{Context, compile};
use crate::Result;
use crate::apt::Apt;

const PACKAGES: [&str; 4] = [
    "rustc",
    "libstd-rust-1.63",
    "libstd-rust-dev-wasm32",
    "libllvm14",
];

/// Links a program with the standard library and a static library without it.
pub(super) fn check(context: &mut Context) -> Result {
    if !context.wants("std") && !context.wants("nostd") {
        return Ok(());
    }
    let root = unpack(&context.work)?;
    if context.wants("std") {
        for profile in ["debug", "release"] {
            check_std(context, &root, profile)?;
        }
    }
    if context.wants("nostd") {
        check_nostd(context, &root)?;
    }
    Ok(())
}

/// Unpacks the packages below `work`, unless they are there.
pub(crate) fn unpack(work: &Path) -> Result<PathBuf> {
    let root = work.join("rust-1.63");
    if root.is_dir() {
        return Ok(root);
    }
    let apt = Apt::new(&work.join("apt")).map_err(|error| {
        format!(
            "{error}\nDebian's packages {} are needed",
            PACKAGES.join(", ")
        )
    })?;
    apt.run(&[&["download"], PACKAGES.as_slice()].concat())?;
    // Unpacked beside its place and renamed, so that an interrupted run leaves no half of it.
    let partial = work.join("rust-1.63.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    for package in apt.downloaded()? {
        tools::succeed(Command::new("dpkg").arg("-x").arg(package).arg(&partial))?;
    }
    fs::rename(partial, &root)?;
    apt.remove()?;
    Ok(root)
}

pub(crate) fn rustc(root: &Path) -> Command {
    let mut rustc = Command::new(root.join("usr/bin/rustc"));
    let libraries = [
        root.join("usr/lib/x86_64-linux-gnu"),
        root.join("usr/lib/llvm-14/lib"),
    ];
    rustc.env(
        "LD_LIBRARY_PATH",
        libraries.map(|dir| dir.display().to_string()).join(":"),
    );
    // What the toolchain of this command sets is not for this compiler.
    rustc.env_remove("RUSTFLAGS").env_remove("RUSTUP_TOOLCHAIN");
    rustc
}

/// rustc calls the linker itself here.
fn check_std(context: &mut Context, root: &Path, profile: &str) -> Result {
    let name = format!("std-{profile}");
    let optimise = if profile == "release" {
        ["-Copt-level=2", "-Cdebuginfo=0"]
    } else {
        ["-Copt-level=0", "-Cdebuginfo=2"]
    };
    let build = |linker: &Linker, more: &[&str]| -> Result<PathBuf> {
        let output = context.output(linker, &name, "wasm")?;
        let mut command = rustc(root);
        command
            .args(["--edition=2021", "--target=wasm32-wasi"])
            .args(optimise)
            .arg(format!("-Clinker={}", linker.program.display()))
            .args(more)
            .arg(tools::source("std.rs"))
            .arg("-o")
            .arg(&output);
        // `-flavor wasm` is rustc's own doing.
        for argument in linker.arguments.iter().skip(2) {
            command.arg(format!("-Clink-arg={argument}"));
        }
        tools::succeed(&mut command)?;
        Ok(output)
    };
    // A member that is no object is a warning to LLD, and rustc 1.63 passes --fatal-warnings.
    let for_lld: &[&str] = &["-Clink-arg=--no-fatal-warnings"];
    let theirs = build(&context.theirs, for_lld)?;
    let is_lld = context
        .ours
        .arguments
        .iter()
        .any(|one| one == "--backend=lld");
    let ours = match build(&context.ours, if is_lld { for_lld } else { &[] }) {
        Ok(ours) => ours,
        Err(error) => {
            context.problem(&name, &error.to_string());
            return Ok(());
        }
    };
    let run = |module: &Path| {
        let mut node = tools::node("wasi.mjs");
        node.arg(module);
        node
    };
    context.compare_files(&name, &ours, &theirs)?;
    if let Some(difference) = behaviour(&mut run(&ours), &mut run(&theirs))? {
        context.problem(&name, &difference);
    }
    Ok(())
}

fn check_nostd(context: &mut Context, root: &Path) -> Result {
    let dir = context.work.join("nostd");
    fs::create_dir_all(&dir)?;
    let library = dir.join("libnostd.a");
    tools::succeed(
        rustc(root)
            .args([
                "--edition=2021",
                "--target=wasm32-wasi",
                "--crate-type=staticlib",
            ])
            .args(["-Copt-level=2", "-Ccodegen-units=4", "-Cpanic=abort"])
            .arg(tools::source("nostd.rs"))
            .arg("-o")
            .arg(&library),
    )?;
    let main = compile::object(
        &dir,
        &tools::source("nostd.c"),
        "main",
        &["--target=wasm32-wasi", "-O2"],
    )?;
    let mut arguments: Vec<OsString> = vec![format!("{LIB}/crt1-command.o").into()];
    arguments.push(main.into());
    arguments.push(library.into());
    arguments.push(format!("-L{LIB}").into());
    arguments.push("-lc".into());
    arguments.push(BUILTINS.into());
    context.compare(&Check {
        name: "nostd",
        arguments: &arguments,
        run: &|module| {
            let mut node = tools::node("wasi.mjs");
            node.arg(module);
            node
        },
        may_lack_copies: false,
        debug_function: None,
    })
}
