//! Rust programs by toolchains of rustup, for five targets and in five profiles.
//!
//! cargo builds each program once. Its linker is a script that links by the toolchain's own linker
//! and by the tested one, and keeps both outputs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::components::Hosts;
use super::report::behaviour;
use super::{Context, dwarf, tools};
use crate::Result;

/// The toolchain that is wanted besides the one that builds this project.
const OTHER: &str = "1.99";

const TARGETS: [&str; 5] = [
    "wasm32-unknown-unknown",
    "wasm32v1-none",
    "wasm32-wasip1",
    "wasm32-wasip1-threads",
    "wasm32-wasip2",
];

const PROFILES: [&str; 5] = ["dev", "release", "thin", "small", "debug2"];

/// Whether continuous integration has the time. Each target is built by each toolchain, and each
/// profile for one target.
fn is_quick(toolchain: Option<&str>, target: &str, profile: &str) -> bool {
    match toolchain {
        None => profile == "dev",
        Some(_) => profile == "release" || target == "wasm32-wasip1",
    }
}

/// A toolchain of rustup.
struct Toolchain {
    /// `None` is the one that runs this program.
    name: Option<&'static str>,
    /// Its version, for messages.
    version: String,
    /// The directory of its linkers.
    linkers: PathBuf,
}

/// Builds the programs, and compares those that the two linkers made.
pub(super) fn check(context: &mut Context) -> Result {
    if !context.can_want("rustup") {
        return Ok(());
    }
    let hosts = Hosts::install(&context.work.join("components"))?;
    for name in [None, Some(OTHER)] {
        let toolchain = Toolchain::find(name)?;
        for target in TARGETS {
            if !toolchain.has(target)? {
                println!(
                    "rustup-{}-{target}: rustup does not have it",
                    toolchain.version
                );
                continue;
            }
            for profile in PROFILES {
                let label = format!("rustup-{}-{target}-{profile}", toolchain.version);
                let is_wanted = context.all || is_quick(name, target, profile);
                if !is_wanted || !context.wants(&label) {
                    continue;
                }
                let before = context.problems.len();
                match build(context, &toolchain, target, profile) {
                    Ok(dir) => compare(context, &hosts, &label, target, profile, &dir)?,
                    Err(error) => context.problem(&label, &error.to_string()),
                }
                let is_same = context.problems.len() == before;
                println!("{label}: {}", if is_same { "the same" } else { "differs" });
            }
        }
    }
    Ok(())
}

impl Toolchain {
    /// The toolchain, which rustup installs if it is missing.
    fn find(name: Option<&'static str>) -> Result<Self> {
        if let Some(name) = name {
            let has = tools::output(Command::new("rustup").args(["run", name, "rustc", "-V"]))?;
            if !has.status.success() {
                let mut install = Command::new("rustup");
                install.args(["toolchain", "install", name, "--profile", "minimal"]);
                tools::succeed(&mut install)?;
            }
        }
        let rustc = |what: &[&str]| tools::succeed(start(name, "rustc").args(what));
        let version = rustc(&["-vV"])?;
        let field = |field: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(field));
            line.map(str::trim)
                .ok_or(format!("`rustc -vV` has no {field}"))
        };
        let (release, host) = (field("release:")?.to_owned(), field("host:")?);
        let linkers = Path::new(rustc(&["--print", "sysroot"])?.trim())
            .join("lib/rustlib")
            .join(host)
            .join("bin");
        Ok(Self {
            name,
            version: release,
            linkers,
        })
    }

    /// Whether there is a standard library for `target`, after rustup was asked to install it.
    fn has(&self, target: &str) -> Result<bool> {
        let mut add = Command::new("rustup");
        add.args(["target", "add", target]);
        if let Some(name) = self.name {
            add.args(["--toolchain", name]);
        }
        let added = tools::output(&mut add)?;
        if added.status.success() {
            return Ok(true);
        }
        let said = String::from_utf8_lossy(&added.stderr);
        if said.contains("unavailable for download") {
            return Ok(false);
        }
        Err(format!("`{}` failed:\n{said}", tools::show(&add)).into())
    }
}

/// The command that starts a tool of a toolchain.
fn start(toolchain: Option<&str>, tool: &str) -> Command {
    let Some(toolchain) = toolchain else {
        return Command::new(tool);
    };
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, tool]);
    // Those of the toolchain that runs this program.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}

/// The package that is built for a target. It has one output.
fn package(target: &str) -> &'static str {
    if target.contains("wasi") {
        "cli"
    } else {
        "exports"
    }
}

/// Builds the program. The directory that has `ours.wasm` and `theirs.wasm`.
fn build(context: &Context, toolchain: &Toolchain, target: &str, profile: &str) -> Result<PathBuf> {
    let work = context.work.join("rustup").join(&toolchain.version);
    let kept = work.join("kept").join(target).join(profile);
    fs::create_dir_all(&kept)?;
    let linker = both(context, toolchain, target, &work, &kept)?;
    let dir = work.join("target");
    let package = package(target);
    let profile_dir = if profile == "dev" { "debug" } else { profile };
    forget(&dir.join(target).join(profile_dir).join("deps"), package)?;

    let mut cargo = start(toolchain.name, "cargo");
    let variable = target.to_uppercase().replace('-', "_");
    cargo
        .args(["build", "--quiet", "--locked", "--package", package])
        .args(["--target", target, "--profile", profile, "--manifest-path"])
        .arg(tools::source("rust/Cargo.toml"))
        .arg("--target-dir")
        .arg(&dir)
        .env(format!("CARGO_TARGET_{variable}_LINKER"), linker)
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS");
    tools::succeed(&mut cargo)?;
    Ok(kept)
}

/// Removes earlier outputs, so that cargo links again.
fn forget(deps: &Path, package: &str) -> Result {
    let Ok(entries) = fs::read_dir(deps) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(package) && name.ends_with(".wasm") {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Writes the script that links by both linkers.
fn both(
    context: &Context,
    toolchain: &Toolchain,
    target: &str,
    work: &Path,
    kept: &Path,
) -> Result<PathBuf> {
    let name = if target == "wasm32-wasip2" {
        "wasm-component-ld"
    } else {
        "rust-lld"
    };
    // `wasm-link` is told by its name that components are wanted.
    let bin = work.join("bin");
    fs::create_dir_all(&bin)?;
    let ours = bin.join(name);
    if ours.is_symlink() {
        fs::remove_file(&ours)?;
    }
    std::os::unix::fs::symlink(&context.ours.program, &ours)?;
    let more = context.ours.arguments.iter().skip(2);
    let more: Vec<_> = more.map(|argument| format!("'{argument}'")).collect();
    let text = SCRIPT
        .replace(
            "@THEIRS",
            &toolchain.linkers.join(name).display().to_string(),
        )
        .replace("@OURS", &ours.display().to_string())
        .replace("@MORE", &more.join(" "))
        .replace("@KEPT", &kept.display().to_string());
    // Of one name for all targets and profiles: cargo builds all again for another linker.
    let script = work.join(format!("both-{name}"));
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

const SCRIPT: &str = r#"#!/bin/bash
set -e
arguments=("$@")
for index in "${!arguments[@]}"; do
    if [ "${arguments[index]}" = -o ]; then
        output=${arguments[index + 1]}
        arguments[index + 1]='@KEPT/ours.wasm'
    fi
done
rm -f '@KEPT'/*.wasm
'@THEIRS' "$@"
cp "$output" '@KEPT/theirs.wasm'
'@OURS' "${arguments[@]}" @MORE
"#;

fn compare(
    context: &mut Context,
    hosts: &Hosts,
    label: &str,
    target: &str,
    profile: &str,
    dir: &Path,
) -> Result {
    let (ours, theirs) = (dir.join("ours.wasm"), dir.join("theirs.wasm"));
    if target == "wasm32-wasip2" {
        if let Some(difference) = hosts.difference(&ours, &theirs, true)? {
            context.problem(label, &difference);
        }
        return Ok(());
    }
    context.compare_files(label, &ours, &theirs)?;
    let run = |module: &Path| {
        let (script, arguments) = match target {
            "wasm32-wasip1" => ("wasi.mjs", ["one", "two three"]),
            "wasm32-wasip1-threads" => ("wasi_threads.mjs", ["one", "two three"]),
            _ => ("rust_exports.mjs", ["1", "13"]),
        };
        let mut node = tools::node(script);
        node.arg(module).args(arguments);
        node
    };
    if let Some(difference) = behaviour(&mut run(&ours), &mut run(&theirs))? {
        context.problem(label, &difference);
    }
    if ["dev", "debug2"].contains(&profile) && dwarf::errors(&ours)? != dwarf::errors(&theirs)? {
        context.problem(label, "llvm-dwarfdump --verify finds other errors");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_builds_are_of_every_kind() {
        for profile in PROFILES {
            let any = TARGETS
                .iter()
                .any(|target| is_quick(Some(OTHER), target, profile));
            assert!(any, "{profile}");
        }
        for target in TARGETS {
            for toolchain in [None, Some(OTHER)] {
                let any = PROFILES
                    .iter()
                    .any(|profile| is_quick(toolchain, target, profile));
                assert!(any, "{target}");
            }
        }
    }
}
