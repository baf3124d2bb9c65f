//! Runs a WASI program: `run PROGRAM.wasm ARGUMENTS...`.

use std::process::ExitCode;

use wasi_runner::Program;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: run PROGRAM.wasm ARGUMENTS...")?;
    let wasm = std::fs::read(&path).map_err(|error| format!("{path}: {error}"))?;
    let program = args.fold(Program::new(&wasm), Program::arg);
    let output = program.inherit_output().run()?;
    Ok(ExitCode::from(u8::try_from(output.exit_code).unwrap_or(1)))
}
