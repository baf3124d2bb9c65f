#![doc = include_str!("../README.md")]

mod wasi;

use std::time::Instant;

use thiserror::Error;
use wasmi::{Engine, Linker, Module, Store};

use wasi::{Stream, World};

/// The function that a WASI command begins with.
const START: &str = "_start";

/// What a reactor (a module without [`START`]) begins with, if it has anything to prepare.
const INITIALIZE: &str = "_initialize";

/// A program, and what it is run with.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    wasm: &'a [u8],
    args: Vec<String>,
    stdin: Vec<u8>,
    inherit_output: bool,
}

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What it ended with: 0 if it returned.
    pub exit_code: i32,
    /// What it wrote to its standard output; bytes that are no UTF-8 are replaced. Empty if
    /// the output was inherited.
    pub stdout: String,
    /// The same of its standard error output.
    pub stderr: String,
}

/// Why a program could not be run to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The bytes are no module that the interpreter can run.
    #[error("not a module that can be run: {0}")]
    Module(#[source] wasmi::Error),
    /// An import is not there, or has another type.
    #[error("{0}")]
    Import(#[source] wasmi::Error),
    /// There is nothing to call.
    #[error("the module exports no function `{START}` without parameters and results")]
    NoStart,
    /// The program did something that ends it at once.
    #[error("the program trapped: {error}")]
    Trap {
        /// What it did.
        #[source]
        error: wasmi::Error,
        /// What it had written before.
        output: Output,
    },
    /// An argument cannot be passed.
    #[error("argument cannot be passed to the program: {0}")]
    Argument(String),
    /// The interpreter's host functions could not be set up.
    #[error("WASI is not available: {0}")]
    Host(String),
}

impl<'a> Program<'a> {
    /// The program in `wasm`: the binary format of a module that exports its memory as
    /// `memory` and a function `_start`, or `_initialize`, or both.
    pub fn new(wasm: &'a [u8]) -> Self {
        Self {
            wasm,
            args: vec!["program".to_owned()],
            stdin: Vec::new(),
            inherit_output: false,
        }
    }

    /// Adds an argument. The first that the program sees, its name, is `program`.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// What the program reads from its standard input; nothing unless this is called.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Lets the program write to the outputs of this process instead of into [`Output`].
    #[must_use]
    pub fn inherit_output(mut self) -> Self {
        self.inherit_output = true;
        self
    }

    /// Runs the program: it sees its arguments, its standard streams, the clock and random
    /// numbers, but no files and no environment variables.
    ///
    /// # Errors
    /// If the module is invalid or imports what is not there, has nothing to call, or traps.
    /// That it ends with a code other than 0 is no error.
    pub fn run(&self) -> Result<Output, RunError> {
        if let Some(arg) = self.args.iter().find(|arg| arg.contains('\0')) {
            return Err(RunError::Argument(arg.clone()));
        }
        let engine = Engine::default();
        let module = Module::new(&engine, self.wasm).map_err(RunError::Module)?;

        let stream = |stream: Box<dyn std::io::Write + Send>| {
            if self.inherit_output {
                Stream::Inherited(stream)
            } else {
                Stream::Kept(Vec::new())
            }
        };
        let world = World {
            args: self.args.clone(),
            stdin: self.stdin.clone().into(),
            stdout: stream(Box::new(std::io::stdout())),
            stderr: stream(Box::new(std::io::stderr())),
            start: Instant::now(),
        };
        let mut store = Store::new(&engine, world);
        let mut linker = Linker::<World>::new(&engine);
        wasi::define(&mut linker).map_err(|error| RunError::Host(error.to_string()))?;
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .map_err(|error| {
                if error.as_trap_code().is_some() {
                    RunError::Trap {
                        error,
                        output: output(0, store.data()),
                    }
                } else {
                    RunError::Import(error)
                }
            })?;

        let entry = [START, INITIALIZE]
            .iter()
            .find_map(|name| instance.get_typed_func::<(), ()>(&store, name).ok())
            .ok_or(RunError::NoStart)?;
        let exit_code = match entry.call(&mut store, ()) {
            Ok(()) => 0,
            Err(error) => match error.i32_exit_status() {
                Some(code) => code,
                None => {
                    return Err(RunError::Trap {
                        error,
                        output: output(0, store.data()),
                    });
                }
            },
        };
        Ok(output(exit_code, store.data()))
    }
}

fn output(exit_code: i32, world: &World) -> Output {
    Output {
        exit_code,
        stdout: world.stdout.text(),
        stderr: world.stderr.text(),
    }
}
