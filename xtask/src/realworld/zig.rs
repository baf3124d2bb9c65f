//! Objects of Zig, in each of its ways to optimise. Zig comes from PyPI.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Context;
use super::report::Check;
use super::tools::{self, LIB};
use crate::Result;

/// Build tools that PyPI has.
pub(super) const PACKAGES: &[&str] = &[
    "cmake==4.4.5",
    "meson==1.12.1",
    "ninja==1.13.2",
    "ziglang==0.17.1",
];

const MODES: [&str; 4] = ["Debug", "ReleaseSafe", "ReleaseFast", "ReleaseSmall"];

/// Links a program over libc, and a module that stands alone.
pub(super) fn check(context: &mut Context) -> Result {
    if !context.can_want("zig") {
        return Ok(());
    }
    let python = tools::python(&context.work.join("python"), PACKAGES)?;
    for mode in MODES {
        let program = object(context, &python, "hello.zig", "wasm32-wasi", mode)?;
        let mut arguments: Vec<OsString> = vec![format!("{LIB}/crt1-command.o").into()];
        arguments.push(program.into());
        arguments.push(format!("-L{LIB}").into());
        arguments.push("-lc".into());
        let run = |module: &Path| {
            let mut node = tools::node("wasi.mjs");
            node.arg(module);
            node
        };
        compare(context, &format!("zig-hello-{mode}"), &arguments, &run)?;

        let module = object(context, &python, "run.zig", "wasm32-freestanding", mode)?;
        let mut arguments: Vec<OsString> = vec![module.into()];
        arguments.extend(["--no-entry", "--export=run"].map(Into::into));
        let run = |module: &Path| {
            let mut node = tools::node("exports.mjs");
            node.arg(module).args(["0", "1", "7"]);
            node
        };
        compare(context, &format!("zig-run-{mode}"), &arguments, &run)?;
    }
    Ok(())
}

fn compare(
    context: &mut Context,
    name: &str,
    arguments: &[OsString],
    run: &dyn Fn(&Path) -> Command,
) -> Result {
    if !context.wants(name) {
        return Ok(());
    }
    context.compare(&Check {
        name,
        arguments,
        run,
        may_lack_copies: false,
        debug_function: None,
    })
}

/// Compiles one of the programs. Zig has a cache of its own.
fn object(
    context: &Context,
    python: &Path,
    source: &str,
    target: &str,
    mode: &str,
) -> Result<PathBuf> {
    let dir = context.work.join("zig");
    std::fs::create_dir_all(&dir)?;
    let object = dir.join(format!("{source}-{mode}.o"));
    let mut zig = Command::new(python);
    zig.args(["-m", "ziglang", "build-obj", "-target", target, "-O", mode])
        .arg(tools::source(source))
        .arg("-fcompiler-rt")
        .arg(format!("-femit-bin={}", object.display()))
        .env("ZIG_GLOBAL_CACHE_DIR", dir.join("cache"))
        .current_dir(&dir);
    tools::succeed(&mut zig)?;
    Ok(object)
}
