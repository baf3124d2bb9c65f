//! The prompt: one function is compiled, replaced or freed at a time, and the module that holds
//! them stays.

use std::fs;
use std::io::{self, Write};

use link_core::module::OpenOutput;
use wasi_runner::{Program, RunError};

use super::compiler::parser::{parse_block, parse_program};
use super::compiler::session::{CalcError, Session};
use super::compiler::source::Source;

const HELP: &str = "\
fn f(x: i32) -> i32 { … }   defines a function, or replaces it
fn f(x: i32) -> i32;        says that it will be defined
extern fn f(x: i32);        says that something else defines it
fib(20) + 1                 computes and prints
:list                       what there is
:free NAME                  takes a function away
:flush [FILE]               writes what changed of the module, and says where everything is
:object FILE                writes a relocatable object
:quit                       ends
";

pub(crate) struct Repl {
    session: Session,
    /// The module as it was last flushed, and the file that it is in, if any.
    output: OpenOutput,
    file: String,
    /// What was typed of a function that is not complete.
    pending: String,
    inputs: u32,
}

impl Repl {
    pub(crate) fn new() -> Result<Self, CalcError> {
        Ok(Self {
            session: Session::new()?,
            output: OpenOutput::in_memory(),
            file: String::new(),
            pending: String::new(),
            inputs: 0,
        })
    }

    /// Whether the next line continues the one before.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes a line and writes the answer to `out`. Returns whether to go on.
    pub(crate) fn line(&mut self, line: &str, out: &mut impl Write) -> io::Result<bool> {
        let command = line.trim();
        if !self.is_waiting() {
            if let Some(command) = command.strip_prefix(':') {
                return self.command(command, out);
            }
            if command.is_empty() {
                return Ok(true);
            }
        }
        self.pending.push_str(line);
        if is_open(&self.pending) && !command.is_empty() {
            return Ok(true);
        }
        let text = std::mem::take(&mut self.pending);
        self.inputs += 1;
        let source = Source::new(format!("input {}", self.inputs), text.trim_end());
        let is_function = ["fn", "extern"]
            .iter()
            .any(|word| text.trim_start().starts_with(word));
        if is_function {
            let done = parse_program(&source)
                .map_err(CalcError::from)
                .and_then(|functions| self.session.define(functions));
            if let Err(error) = done {
                writeln!(out, "{error}")?;
            }
            return Ok(true);
        }
        let wasm = parse_block(&source)
            .map_err(CalcError::from)
            .and_then(|block| self.session.evaluate(&source, &block));
        match wasm {
            Ok(wasm) => match Program::new(&wasm).run() {
                Ok(output) => write!(out, "{}{}", output.stdout, output.stderr)?,
                Err(RunError::Trap { error, output }) => {
                    write!(out, "{}{}", output.stdout, output.stderr)?;
                    writeln!(out, "the program trapped: {error}")?;
                }
                Err(error) => writeln!(out, "{error}")?,
            },
            Err(error) => writeln!(out, "{error}")?,
        }
        Ok(true)
    }

    fn command(&mut self, command: &str, out: &mut impl Write) -> io::Result<bool> {
        let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
        let done = match (name, argument.trim()) {
            ("quit" | "q", "") => return Ok(false),
            ("help" | "h", "") => {
                write!(out, "{HELP}")?;
                Ok(())
            }
            ("list", "") => {
                for (_, entry) in self.session.functions() {
                    writeln!(out, "{:12} {}", entry.state(), entry.head())?;
                }
                Ok(())
            }
            ("free", name) if !name.is_empty() => self.session.free(name),
            ("flush", file) => return self.flush(file, out).map(|()| true),
            ("object", file) if !file.is_empty() => match self.session.object() {
                Ok(bytes) => {
                    report(write_file(file, &bytes), out)?;
                    Ok(())
                }
                Err(error) => Err(error),
            },
            _ => {
                writeln!(out, "there is no command `:{command}`; see `:help`")?;
                Ok(())
            }
        };
        if let Err(error) = done {
            writeln!(out, "{error}")?;
        }
        Ok(true)
    }

    /// Writes the module, or what changed of it since it was last written to the same place,
    /// and lists its functions by their indices: those that are imported come first.
    fn flush(&mut self, file: &str, out: &mut impl Write) -> io::Result<()> {
        if file != self.file {
            let opened = if file.is_empty() {
                Ok(OpenOutput::in_memory())
            } else {
                OpenOutput::create(file)
            };
            match opened {
                Ok(output) => self.output = output,
                Err(error) => return writeln!(out, "{error}"),
            }
            file.clone_into(&mut self.file);
        }
        let map = match self.session.flush_open(&mut self.output) {
            Ok(map) => map,
            Err(error) => return writeln!(out, "{error}"),
        };
        let written: usize = map.changed().iter().map(ExactSizeIterator::len).sum();
        let why = map.rewritten().map(|reason| format!(": {reason}"));
        let (size, why) = (self.output.bytes().len(), why.unwrap_or_default());
        writeln!(out, "{size} bytes, {written} of them written{why}")?;
        let map = self.output.map();
        let mut found: Vec<_> = self
            .session
            .functions()
            .filter_map(|(name, entry)| {
                let place = map.get(entry.handle)?;
                Some((place.index?, name, place.range))
            })
            .collect();
        found.sort_by_key(|(index, ..)| *index);
        for (index, name, range) in found {
            if range.is_empty() {
                writeln!(out, "function {index}: {name}, imported")?;
            } else {
                writeln!(out, "function {index}: {name}, bytes {range:?}")?;
            }
        }
        Ok(())
    }
}

fn write_file(file: &str, bytes: &[u8]) -> Result<(), String> {
    fs::write(file, bytes).map_err(|error| format!("{file}: cannot be written: {error}"))
}

fn report(done: Result<(), String>, out: &mut impl Write) -> io::Result<()> {
    match done {
        Ok(()) => Ok(()),
        Err(message) => writeln!(out, "{message}"),
    }
}

/// Whether a brace or parenthesis waits for its partner. Those in strings count too; an empty
/// line ends the input whatever is open.
fn is_open(text: &str) -> bool {
    let count = |marks: [char; 2]| text.matches(marks).count();
    count(['{', '(']) > count(['}', ')'])
}
