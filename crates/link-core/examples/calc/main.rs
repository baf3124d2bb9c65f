//! calc: a small compiler to WebAssembly, and the tutorial of `link_core::module`.
//!
//! ```text
//! calc run FILE.calc              compiles and runs a program
//! calc run FILE.wasm              runs a program that was linked
//! calc build FILE.calc [-o OUT]   compiles to a relocatable object, for a linker
//! calc build --module FILE.calc [-o OUT]
//!                                 compiles to a finished module
//! calc repl                       takes functions and expressions from the standard input
//! ```
//!
//! The language has numbers (`i32`, `i64`), string constants (`str`), functions, `let`, `if`
//! and recursion, and calls functions of other languages that are declared `extern`:
//!
//! ```text
//! extern fn roman(n: i32) -> str;        # in C: const char *roman(int n)
//!
//! fn fib(n: i64) -> i64 {
//!     if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
//! }
//!
//! fn main() {
//!     print("fib(20) = ", fib(20));
//! }
//! ```
//!
//! To learn the API, read `compiler/session.rs`, then `compiler/codegen.rs`.

mod compiler;
mod repl;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compiler::parser::parse_program;
use compiler::session::Session;
use compiler::source::Source;
use wasi_runner::{Program, RunError};

const USAGE: &str = "\
Usage: calc run FILE                            run a .calc source or a .wasm program
       calc build [--module] FILE [-o OUTPUT]   compile to an object, or a finished module
       calc repl                                read functions and expressions
";

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = args.first().and_then(|arg| arg.to_str());
    let done = match command {
        Some("run") => run(&args[1..]),
        Some("build") => build(&args[1..]).map(|()| ExitCode::SUCCESS),
        Some("repl") if args.len() == 1 => repl().map(|()| ExitCode::SUCCESS),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(USAGE.into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{}", error.to_string().trim_end());
        ExitCode::FAILURE
    })
}

fn run(args: &[OsString]) -> Result<ExitCode, Error> {
    let [file] = args else {
        return Err(USAGE.into());
    };
    let path = Path::new(file);
    let is_source = path
        .extension()
        .is_some_and(|extension| extension == "calc");
    let wasm = if is_source {
        let mut session = compile(path)?;
        if !session.has_main() {
            return Err(format!("{}: there is no `fn main()` to run", path.display()).into());
        }
        session.flush()?.bytes
    } else {
        read(path)?
    };
    let output = Program::new(&wasm)
        .inherit_output()
        .run()
        .map_err(|error| match error {
            RunError::Import(_) if is_source => format!(
                "{}: {error}\nwhat is `extern` has to be linked: see `calc build`",
                path.display()
            ),
            _ => format!("{}: {error}", path.display()),
        })?;
    // The codes that a process can end with; others become one of them that is no success.
    Ok(u8::try_from(output.exit_code).unwrap_or(u8::MAX).into())
}

fn build(args: &[OsString]) -> Result<(), Error> {
    let mut is_module = false;
    let mut input = None;
    let mut output = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--module" {
            is_module = true;
        } else if arg == "-o" {
            output = Some(PathBuf::from(args.next().ok_or("-o needs a file name")?));
        } else if input.is_none() && !arg.as_encoded_bytes().starts_with(b"-") {
            input = Some(Path::new(arg));
        } else {
            return Err(USAGE.into());
        }
    }
    let input = input.ok_or(USAGE)?;
    let extension = if is_module { "wasm" } else { "o" };
    let output = output.unwrap_or_else(|| input.with_extension(extension));
    let mut session = compile(input)?;
    let bytes = if is_module {
        session.flush()?.bytes
    } else {
        session.object()?
    };
    fs::write(&output, bytes)
        .map_err(|error| format!("{}: cannot be written: {error}", output.display()))?;
    Ok(())
}

fn compile(path: &Path) -> Result<Session, Error> {
    let text = String::from_utf8(read(path)?)
        .map_err(|_| format!("{}: a source text must be UTF-8", path.display()))?;
    let source = Source::new(path.display().to_string(), text);
    let mut session = Session::new()?;
    session.define(parse_program(&source)?)?;
    Ok(session)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn repl() -> Result<(), Error> {
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut repl = repl::Repl::new()?;
    if is_terminal {
        println!("calc: functions, expressions, or `:help`");
    }
    loop {
        if is_terminal {
            print!("{}", if repl.is_waiting() { "... " } else { "> " });
            io::stdout().flush()?;
        }
        let mut line = String::new();
        if stdin.read_line(&mut line)? == 0 || !repl.line(&line, &mut io::stdout())? {
            return Ok(());
        }
    }
}
