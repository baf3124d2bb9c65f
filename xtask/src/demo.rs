//! `cargo xtask demo`: a program of generated code and C, from source to output.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{build_dir, capture, cargo, root, run};
use crate::table::Table;
use crate::{Result, fixtures, sections, unknown_argument};

/// Where the demo puts what it makes, in the directory of the workspace.
const OUT: &str = "target/demo";

pub(crate) fn run_command(args: &[String]) -> Result {
    let mut backend = None;
    let mut release = false;
    for arg in args {
        match arg.strip_prefix("--backend=") {
            Some(_) => backend = Some(arg),
            None if arg == "--release" => release = true,
            None => return unknown_argument(arg),
        }
    }

    let mut build = cargo();
    build.args(["build", "--package", "calc", "--package", "link-cli"]);
    // Components are no part of it, and take longer to build than all the rest.
    build.args(["--no-default-features", "--features", "link-cli/platform"]);
    if release {
        build.arg("--release");
    }
    run(&mut build)?;
    let dir = build_dir(release)?;
    let exe = |name: &str| format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let calc = dir.join(exe("calc"));
    let wasm_link = dir.join(exe("wasm-link"));

    fs::create_dir_all(root().join(OUT))?;
    let demo_object = Path::new(OUT).join("demo.o");
    let program = Path::new(OUT).join("demo.wasm");
    let c_objects: Vec<PathBuf> = fixtures::sources()?
        .iter()
        .map(|source| source.with_extension("o"))
        .collect();

    println!();
    let compile = timed(
        at_root(&calc)
            .arg("build")
            .arg("examples/demo.calc")
            .arg("-o")
            .arg(&demo_object),
    )?;
    let link = timed(
        at_root(&wasm_link)
            .args(backend)
            .arg(&demo_object)
            .args(&c_objects)
            .arg("-o")
            .arg(&program),
    )?;
    let execute = timed(at_root(&calc).arg("run").arg(&program))?;

    println!();
    let mut table = Table::new(&["file", "bytes", "functions", "code", "data"]);
    for path in [&demo_object]
        .into_iter()
        .chain(&c_objects)
        .chain([&program])
    {
        let file = fs::read(root().join(path))?;
        let sections =
            sections::read(&file).map_err(|error| format!("{}: {error}", path.display()))?;
        table.row(vec![
            path.display().to_string(),
            file.len().to_string(),
            sections.functions.to_string(),
            sections.code.to_string(),
            sections.data.to_string(),
        ]);
    }
    println!("{table}");
    let mut table = Table::new(&["step", "time"]);
    for (step, time) in [("compile", compile), ("link", link), ("run", execute)] {
        table.row(vec![
            step.to_owned(),
            format!("{:.1} ms", time.as_secs_f64() * 1e3),
        ]);
    }
    print!("{table}");
    Ok(())
}

fn at_root(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs the command, prints what it prints, and returns how long it took from start to end.
fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let output = capture(command)?;
    let time = start.elapsed();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Ok(time)
}
