//! Programs for which Debian has no library: threads, position-independent code, exceptions,
//! 64-bit memory, and linking in two stages. They bring what little they need.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bundled::Bundled;
use super::linker::Linker;
use super::report::{Check, behaviour};
use super::tools::{self, BUILTINS, LIB};
use super::{Context, compile, sources};
use crate::{Result, process};

const TARGET: &str = "--target=wasm32-unknown-unknown";

/// Runs all of them.
pub(super) fn check(context: &mut Context, bundled: &Bundled) -> Result {
    if context.wants("threads") {
        threads(context)?;
    }
    if context.wants("exceptions") {
        exceptions(context)?;
    }
    if context.wants("dylink") {
        dylink(context)?;
    }
    if context.wants("wasm64") {
        wasm64(context)?;
    }
    if context.wants("relocatable") {
        relocatable(context, bundled)?;
    }
    Ok(())
}

fn object(context: &Context, source: &str, flags: &[&str]) -> Result<PathBuf> {
    let dir = context.work.join("freestanding");
    compile::object(&dir, &tools::source(source), source, flags)
}

/// Two workers and the main thread over one memory.
fn threads(context: &mut Context) -> Result {
    let flags = [TARGET, "-O2", "-matomics", "-mbulk-memory"];
    let mut arguments: Vec<OsString> = vec![object(context, "threads.c", &flags)?.into()];
    arguments.extend(["--no-entry", "--shared-memory", "--import-memory"].map(Into::into));
    arguments.extend(["--initial-memory=262144", "--max-memory=1048576"].map(Into::into));
    for export in [
        "stack_top",
        "tls_block",
        "greet",
        "greeted",
        "work",
        "counted",
        "__stack_pointer",
        "__tls_size",
        "__wasm_init_tls",
    ] {
        arguments.push(format!("--export={export}").into());
    }
    context.compare(&Check {
        name: "threads",
        arguments: &arguments,
        run: &|module| {
            let mut node = tools::node("threads.mjs");
            node.arg(module);
            node
        },
        may_lack_copies: false,
        debug_function: None,
    })
}

/// Thrown in one object, caught in another, something destroyed on the way.
fn exceptions(context: &mut Context) -> Result {
    let flags = [TARGET, "-O2", "-fwasm-exceptions", "-nostdlib"];
    let mut arguments: Vec<OsString> = Vec::new();
    for source in [
        "exceptions_catch.cc",
        "exceptions_throw.cc",
        "exceptions_runtime.cc",
        "exceptions_tag.s",
    ] {
        arguments.push(object(context, source, &flags)?.into());
    }
    arguments.extend(["--no-entry", "--export=run"].map(Into::into));
    context.compare(&Check {
        name: "exceptions",
        arguments: &arguments,
        run: &|module| {
            let mut node = tools::node("exports.mjs");
            node.arg(module).args(["0", "1", "5", "20"]);
            node
        },
        may_lack_copies: false,
        debug_function: None,
    })
}

/// A main module and two shared libraries, one of which needs the other.
fn dylink(context: &mut Context) -> Result {
    let flags = [TARGET, "-O2", "-fPIC"];
    let main = object(context, "dylink_main.c", &flags)?;
    let left = object(context, "dylink_left.c", &flags)?;
    let right = object(context, "dylink_right.c", &flags)?;
    let link = |linker: &Linker| -> Result<[PathBuf; 3]> {
        let paths = [
            context.output(linker, "dylink-main", "wasm")?,
            context.output(linker, "dylink-left", "so")?,
            context.output(linker, "dylink-right", "so")?,
        ];
        let common = ["--unresolved-symbols=import-dynamic"];
        let arguments = |kind: &[&str], inputs: &[&Path]| -> Vec<OsString> {
            let options = common.iter().chain(kind).map(OsString::from);
            options.chain(inputs.iter().map(Into::into)).collect()
        };
        linker.link(&paths[1], arguments(&["-shared"], &[&left]))?;
        linker.link(&paths[2], arguments(&["-shared"], &[&right, &paths[1]]))?;
        let kind = [
            "-pie",
            "--no-entry",
            "--export-dynamic",
            "--import-memory",
            "--import-table",
            "--export=run",
        ];
        linker.link(&paths[0], arguments(&kind, &[&main, &paths[1], &paths[2]]))?;
        Ok(paths)
    };
    let theirs = link(&context.theirs)?;
    let ours = match link(&context.ours) {
        Ok(ours) => ours,
        Err(error) => {
            context.problem("dylink", &error.to_string());
            return Ok(());
        }
    };
    for (ours, theirs) in ours.iter().zip(&theirs) {
        context.compare_files("dylink", ours, theirs)?;
    }
    let run = |paths: &[PathBuf]| {
        let mut node = tools::node("dylink.mjs");
        node.args(paths);
        node
    };
    if let Some(difference) = behaviour(&mut run(&ours), &mut run(&theirs))? {
        context.problem("dylink", &difference);
    }
    Ok(())
}

/// 64-bit memory and table, in the interpreter of the workspace: Node 20 has neither.
fn wasm64(context: &mut Context) -> Result {
    process::run(process::cargo().args([
        "build",
        "--quiet",
        "-p",
        "wasi-runner",
        "--example",
        "run",
    ]))?;
    let runner = process::build_dir(false)?.join("examples/run");
    let flags = ["--target=wasm64-unknown-unknown", "-O2"];
    let arguments: Vec<OsString> = vec![
        "-mwasm64".into(),
        object(context, "wasm64.c", &flags)?.into(),
    ];
    context.compare(&Check {
        name: "wasm64",
        arguments: &arguments,
        run: &|module| {
            let mut command = Command::new(&runner);
            command.arg(module);
            command
        },
        may_lack_copies: false,
        debug_function: None,
    })
}

/// A library linked to one object first, then with the rest of the program. Each linker's
/// object is also linked by the other one.
fn relocatable(context: &mut Context, bundled: &Bundled) -> Result {
    let dir = context.work.join("relocatable");
    let flags = ["--target=wasm32-wasi", "-Wno-everything", "-O2"];
    let include = format!("-I{}", bundled.zlib.display());
    let main = compile::object(
        &dir,
        &tools::source("zlib.c"),
        "main",
        &[flags.as_slice(), &[&include]].concat(),
    )?;
    let parts = sources::zlib_library(&dir, &flags, bundled)?;
    let run = |module: &Path| {
        let mut node = tools::node("wasi.mjs");
        node.arg(module);
        node
    };
    let stage = |first: &Linker, second: &Linker| -> Result<PathBuf> {
        let whole = context.output(first, "relocatable", "o")?;
        let mut arguments: Vec<OsString> = vec!["-r".into()];
        arguments.extend(parts.iter().map(Into::into));
        first.link(&whole, &arguments)?;
        let program = context.output(second, &format!("relocatable-by-{}", first.name), "wasm")?;
        let mut arguments: Vec<OsString> = vec![format!("{LIB}/crt1-command.o").into()];
        arguments.push((&main).into());
        arguments.push(whole.into());
        arguments.push(format!("-L{LIB}").into());
        arguments.extend(["-lc", BUILTINS].map(Into::into));
        second.link(&program, &arguments)?;
        Ok(program)
    };
    let reference = stage(&context.theirs, &context.theirs)?;
    let mut found = Vec::new();
    for (first, second) in [
        (&context.ours, &context.ours),
        (&context.ours, &context.theirs),
        (&context.theirs, &context.ours),
    ] {
        let name = format!("relocatable, {} then {}", first.name, second.name);
        let outcome = stage(first, second)
            .and_then(|program| behaviour(&mut run(&program), &mut run(&reference)));
        match outcome {
            Ok(difference) => found.extend(difference.map(|difference| (name, difference))),
            Err(error) => found.push((name, error.to_string())),
        }
    }
    for (name, difference) in found {
        context.problem(&name, &difference);
    }
    Ok(())
}
