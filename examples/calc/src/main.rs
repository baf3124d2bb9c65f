//! calc: a small compiler to WebAssembly, and the tutorial of `link_core::module`.
//!
//! ```text
//! calc run FILE.calc [INPUT...]   compiles, links with the inputs if there are any, and runs
//! calc run FILE.wasm              runs a program that was linked
//! calc build FILE.calc [-o OUT]   compiles to a relocatable object, for a linker
//! calc build --module FILE.calc [-o OUT]
//!                                 compiles to a finished module
//! calc link FILE.calc [INPUT...] [-o OUT]
//!                                 compiles and links with objects and archives, all in this
//!                                 process
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
Usage: calc run FILE [INPUT...]                 run a .calc source (linked with objects and archives)
                                                or a .wasm program
       calc build [--module] FILE [-o OUTPUT]   compile to an object, or a finished module
       calc link FILE [INPUT...] [-o OUTPUT]    compile, and link with objects and archives
       calc repl                                read functions and expressions
";

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = args.first().and_then(|arg| arg.to_str());
    let done = match command {
        Some("run") => run(&args[1..]),
        Some("build") => build(&args[1..]).map(|()| ExitCode::SUCCESS),
        Some("link") => link(&args[1..]).map(|()| ExitCode::SUCCESS),
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
    let (file, inputs) = args.split_first().ok_or(USAGE)?;
    let path = Path::new(file);
    let is_source = path
        .extension()
        .is_some_and(|extension| extension == "calc");
    let wasm = if is_source {
        let mut session = compile(path)?;
        if !inputs.is_empty() {
            link_session(&mut session, inputs.iter().map(PathBuf::from).collect())?
        } else if session.has_main() {
            session.flush()?.bytes
        } else {
            return Err(format!("{}: there is no `fn main()` to run", path.display()).into());
        }
    } else if inputs.is_empty() {
        read(path)?
    } else {
        return Err(USAGE.into());
    };
    let output = Program::new(&wasm)
        .inherit_output()
        .run()
        .map_err(|error| match error {
            RunError::Import(_) if is_source => format!(
                "{}: {error}\nwhat is `extern` has to be linked: name the object that defines it",
                path.display()
            ),
            _ => format!("{}: {error}", path.display()),
        })?;
    // The codes that a process can end with; others become one of them that is no success.
    Ok(u8::try_from(output.exit_code).unwrap_or(u8::MAX).into())
}

/// What `build` and `link` are given.
struct Arguments {
    is_module: bool,
    input: PathBuf,
    more: Vec<PathBuf>,
    output: Option<PathBuf>,
}

impl Arguments {
    fn parse(args: &[OsString]) -> Result<Self, Error> {
        let mut is_module = false;
        let mut output = None;
        let mut inputs = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--module" {
                is_module = true;
            } else if arg == "-o" {
                output = Some(PathBuf::from(args.next().ok_or("-o needs a file name")?));
            } else if arg.as_encoded_bytes().starts_with(b"-") {
                return Err(USAGE.into());
            } else {
                inputs.push(PathBuf::from(arg));
            }
        }
        let mut inputs = inputs.into_iter();
        Ok(Self {
            is_module,
            input: inputs.next().ok_or(USAGE)?,
            more: inputs.collect(),
            output,
        })
    }

    fn write(&self, extension: &str, bytes: &[u8]) -> Result<(), Error> {
        let default = || self.input.with_extension(extension);
        let output = self.output.clone().unwrap_or_else(default);
        fs::write(&output, bytes)
            .map_err(|error| format!("{}: cannot be written: {error}", output.display()).into())
    }
}

fn build(args: &[OsString]) -> Result<(), Error> {
    let args = Arguments::parse(args)?;
    if !args.more.is_empty() {
        return Err(USAGE.into());
    }
    let mut session = compile(&args.input)?;
    if args.is_module {
        args.write("wasm", &session.flush()?.bytes)
    } else {
        args.write("o", &session.object()?)
    }
}

fn link(args: &[OsString]) -> Result<(), Error> {
    let mut args = Arguments::parse(args)?;
    if args.is_module {
        return Err(USAGE.into());
    }
    let mut session = compile(&args.input)?;
    let wasm = link_session(&mut session, std::mem::take(&mut args.more))?;
    args.write("wasm", &wasm)
}

fn link_session(session: &mut Session, inputs: Vec<PathBuf>) -> Result<Vec<u8>, Error> {
    let linked = session.link(inputs)?;
    for warning in linked.warnings {
        eprintln!("{warning}");
    }
    Ok(linked.wasm)
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
        let is_over = stdin.read_line(&mut line)? == 0;
        // The end of the input ends what waits for more, as an empty line does.
        let answers = !is_over || repl.is_waiting();
        let goes_on = answers && repl.line(&line, &mut io::stdout())?;
        if is_over || !goes_on {
            return Ok(());
        }
    }
}
