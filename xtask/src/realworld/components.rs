//! Components: Rust programs for `wasm32-wasip2` that are linked by `wasm-link`, called as
//! `wasm-component-ld`, and by the toolchain's `wasm-component-ld`; run in Wasmtime and in Node.
//!
//! Wasmtime comes from PyPI, and jco, which makes JavaScript of components, from npm. Both lie with
//! everything else in `realworld/components` of the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Context;
use super::report::behaviour;
use super::tools::{self, NODE};
use crate::Result;
use crate::process::{self, cargo};

const TARGET: &str = "wasm32-wasip2";

/// The programs, and whether Wasmtime can run them: its Python package has no server of HTTP.
const PROGRAMS: [(&str, bool); 3] = [("cli", true), ("lib", true), ("proxy", false)];

const WASMTIME: &str = "wasmtime==50.0.1";

const PACKAGES: [&str; 2] = [
    "@bytecodealliance/jco-transpile@0.15.0",
    "@bytecodealliance/preview2-shim@0.26.1",
];

/// What runs components.
pub(super) struct Hosts {
    python: PathBuf,
    /// Where the packages of npm are.
    npm: PathBuf,
    /// What commands read.
    input: PathBuf,
}

/// Builds the programs with each linker, and compares them.
pub(super) fn check(context: &mut Context) -> Result {
    if !context.wants("component") {
        return Ok(());
    }
    tools::succeed(Command::new("rustup").args(["target", "add", TARGET]))?;
    let work = context.work.join("components");
    let hosts = Hosts::install(&work)?;
    let linker = named(&work, &context.ours.program)?;
    for profile in ["dev", "release"] {
        let theirs = build(&work, profile, None)?;
        let ours = match build(&work, profile, Some((&linker, &context.ours.arguments))) {
            Ok(ours) => ours,
            Err(error) => {
                context.problem(&format!("components-{profile}"), &error.to_string());
                continue;
            }
        };
        for (program, by_wasmtime) in PROGRAMS {
            let name = format!("component-{program}-{profile}");
            let file = format!("{program}.wasm");
            let (ours, theirs) = (ours.join(&file), theirs.join(&file));
            let difference = hosts.difference(&ours, &theirs, by_wasmtime)?;
            if let Some(difference) = &difference {
                context.problem(&name, difference);
            }
            println!("{name}: {}", difference.as_deref().unwrap_or("the same"));
        }
    }
    Ok(())
}

/// The linker under the name by which it makes components.
fn named(work: &Path, program: &Path) -> Result<PathBuf> {
    let path = work.join("bin").join("wasm-component-ld");
    fs::create_dir_all(work.join("bin"))?;
    fs::copy(program, &path)?;
    Ok(path)
}

/// Builds the programs with `linker` and its arguments, or with the toolchain's. Where they are.
fn build(work: &Path, profile: &str, linker: Option<(&Path, &[String])>) -> Result<PathBuf> {
    let dir = work.join("target");
    let mut build = cargo();
    build
        .args(["build", "--quiet", "--locked", "--target", TARGET])
        .args(["--profile", profile, "--manifest-path"])
        .arg(tools::source("components/Cargo.toml"))
        .arg("--target-dir")
        .arg(&dir)
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS");
    if let Some((linker, arguments)) = linker {
        build.env("CARGO_TARGET_WASM32_WASIP2_LINKER", linker);
        // `-flavor wasm` is rustc's own doing.
        let flags = arguments
            .iter()
            .skip(2)
            .map(|arg| format!("-Clink-arg={arg}"));
        build.env("RUSTFLAGS", flags.collect::<Vec<_>>().join(" "));
    }
    tools::succeed(&mut build)?;
    let made = dir
        .join(TARGET)
        .join(if profile == "dev" { "debug" } else { profile });
    let kept = work
        .join(if linker.is_some() { "ours" } else { "theirs" })
        .join(profile);
    fs::create_dir_all(&kept)?;
    for (program, _) in PROGRAMS {
        let file = format!("{program}.wasm");
        fs::copy(made.join(&file), kept.join(&file))?;
    }
    Ok(kept)
}

impl Hosts {
    pub(super) fn install(work: &Path) -> Result<Self> {
        let npm = work.join("npm");
        let python = tools::python(&work.join("python"), &[WASMTIME])?;
        if !npm
            .join("node_modules/@bytecodealliance/jco-transpile")
            .is_dir()
        {
            process::require("npm", "npm")?;
            fs::create_dir_all(&npm)?;
            let mut install = Command::new("npm");
            install.args([
                "install",
                "--no-audit",
                "--no-fund",
                "--no-save",
                "--prefix",
                ".",
            ]);
            tools::succeed(install.args(PACKAGES).current_dir(&npm))?;
        }
        // Beside the packages that it imports.
        fs::copy(tools::source("component.mjs"), npm.join("component.mjs"))?;
        let input = work.join("input.txt");
        fs::write(&input, "one two\nTwo three four\n")?;
        Ok(Self { python, npm, input })
    }

    /// In what two components differ: their worlds, or what they do.
    pub(super) fn difference(
        &self,
        ours: &Path,
        theirs: &Path,
        by_wasmtime: bool,
    ) -> Result<Option<String>> {
        let [our_world, their_world] = [ours, theirs].map(|component| self.world(component));
        let (our_world, their_world) = (our_world?, their_world?);
        if our_world != their_world {
            return Ok(Some(format!(
                "its world is\n{our_world}\nand not\n{their_world}"
            )));
        }
        if by_wasmtime {
            let run = |component| self.wasmtime(component);
            if let Some(difference) = behaviour(&mut run(ours), &mut run(theirs))? {
                return Ok(Some(format!("in Wasmtime: {difference}")));
            }
        }
        let (mut ours, mut theirs) = (self.node(ours)?, self.node(theirs)?);
        let difference = behaviour(&mut ours, &mut theirs)?;
        Ok(difference.map(|difference| format!("in Node: {difference}")))
    }

    /// The world of a component. The two linkers have adapters of different versions of WASI 0.2.
    fn world(&self, component: &Path) -> Result<String> {
        let mut node = self.node(component)?;
        let text = tools::succeed(node.env("WIT", "1"))?;
        let mut lines = Vec::new();
        for line in text.lines() {
            match line.split_once("@0.2.") {
                Some((name, rest)) => {
                    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                    lines.push(format!("{name}@0.2{rest}"));
                }
                None => lines.push(line.to_owned()),
            }
        }
        Ok(lines.join("\n"))
    }

    fn wasmtime(&self, component: &Path) -> Command {
        let mut python = Command::new(&self.python);
        python.arg(tools::source("component.py")).arg(component);
        python.arg(&self.input).args(["a", "b c"]);
        python
    }

    fn node(&self, component: &Path) -> Result<Command> {
        let mut node = Command::new(NODE);
        node.arg("--no-warnings")
            .arg(self.npm.join("component.mjs"))
            .args(["a", "b c"])
            .env("COMPONENT", component)
            // Beside the packages that it imports.
            .env("DIRECTORY", self.npm.join("component"))
            .env("WORD", "said")
            .stdin(fs::File::open(&self.input)?);
        Ok(node)
    }
}
