//! From typed options to a `wasm-ld` argument list.
//!
//! The list is a value: [`Lld::run`](crate::Lld::run) spawns it, and a linker in
//! the same process can link it just as well.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::sysroot::{ExecModel, UnknownName, Wasi, WasiError};

/// The architecture that the output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 32-bit addresses.
    Wasm32,
    /// 64-bit addresses (the memory64 proposal).
    Wasm64,
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wasm32 => "wasm32",
            Self::Wasm64 => "wasm64",
        })
    }
}

impl FromStr for Arch {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "wasm32" => Ok(Self::Wasm32),
            "wasm64" => Ok(Self::Wasm64),
            _ => Err(UnknownName {
                name: name.to_owned(),
                known: "wasm32, wasm64",
            }),
        }
    }
}

/// The system that the output runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Os {
    /// None that the linker knows of: the host of the module provides everything.
    None,
    /// WASI, with what is linked from its sysroot.
    Wasi(Wasi),
}

/// What the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputMode {
    /// A module that is run.
    Executable,
    /// A module without entry that exports everything it defines.
    DynamicLibrary,
    /// A relocatable object.
    Object,
}

/// How the compiler was told to optimise, which decides how hard the link tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Optimize {
    /// Not at all.
    #[default]
    Debug,
    /// For size.
    Small,
    /// For speed.
    Fast,
    /// For speed, with the checks left in.
    Safe,
}

impl Optimize {
    /// The level for `-O` and `--lto-O`; none leaves the linker's default.
    fn level(self) -> Option<u8> {
        match self {
            Self::Debug => None,
            Self::Small => Some(2),
            Self::Fast | Self::Safe => Some(3),
        }
    }
}

/// The stack of an executable if nothing else is said: 1 MiB.
pub const DEFAULT_STACK_SIZE: u64 = 1 << 20;

/// One link, as a compiler describes it. Fields may be added: start from
/// [`LinkJob::new`].
///
/// ```
/// use lld_driver::{Arch, LinkJob, Os, OutputMode, Plan};
///
/// let mut job = LinkJob::new(Arch::Wasm32, Os::None, OutputMode::Executable, "game.wasm");
/// job.c_objects.push("physics.o".into());
/// job.module_object = Some("game.o".into());
/// job.allow_undefined = false;
///
/// let Plan::Link(args) = job.plan()? else { unreachable!("executables are linked") };
/// let text: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
/// assert_eq!(
///     text,
///     [
///         "--error-limit=0", "-z", "stack-size=1048576", "--stack-first",
///         "-o", "game.wasm", "physics.o", "game.o",
///     ],
/// );
/// # Ok::<(), lld_driver::JobError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkJob {
    /// The architecture of every input and of the output.
    pub arch: Arch,
    /// The system that the output runs on.
    pub os: Os,
    /// What the output is.
    pub mode: OutputMode,
    /// Where the output goes.
    pub output: PathBuf,
    /// Objects and archives from elsewhere: the first of the inputs.
    pub objects: Vec<PathBuf>,
    /// Objects that were compiled from C for this program.
    pub c_objects: Vec<PathBuf>,
    /// The object of the module that the compiler generated: the last of the inputs.
    pub module_object: Option<PathBuf>,
    /// Bytes of stack of an executable. Other outputs have none of their own.
    pub stack_size: u64,
    /// Put an executable's stack below its data, so that an overflow traps instead
    /// of overwriting globals. Where this is off, `--no-stack-first` says so, which
    /// LLVM 22 and later know: the linker's default has changed.
    pub stack_first: bool,
    /// Report every error, not only the first twenty.
    pub all_errors: bool,
    /// Turn undefined symbols into imports instead of errors.
    pub allow_undefined: bool,
    /// Optimise at link time; how much, [`LinkJob::optimize`] says.
    pub lto: bool,
    /// How the inputs were compiled. Without [`LinkJob::lto`] it changes nothing.
    pub optimize: Optimize,
    /// The archive with the few C functions that compilers call (`memcpy` and
    /// such), for programs that link no C library. Not linked into objects, nor
    /// beside the sysroot's `libc.a`.
    pub default_libc: Option<PathBuf>,
    /// Leave [`LinkJob::default_libc`] out: the inputs bring those functions.
    pub skip_defaults: bool,
    /// The archive with the functions that stand for missing instructions
    /// (`libclang_rt.builtins-wasm32.a` and the like). Not linked into objects.
    pub compiler_rt: Option<PathBuf>,
    /// Any other arguments, at the end, where they overrule the ones before.
    pub extra_args: Vec<OsString>,
}

/// What it takes to do a [`LinkJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Link with these arguments (without the linker's name).
    Link(Vec<OsString>),
    /// The output is the only object there is: see
    /// [`copy_object`](crate::copy_object).
    Copy {
        /// The object.
        from: PathBuf,
        /// The output.
        to: PathBuf,
    },
}

/// Why a [`LinkJob`] cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// An object is made of objects.
    #[error("there is nothing to make the object '{}' of: no inputs were given", output.display())]
    NoObjects {
        /// The output.
        output: PathBuf,
    },
    /// What a WASI program is linked with is not to be found.
    #[error(transparent)]
    Wasi(#[from] WasiError),
    /// An input or output path that the linker would read as an option.
    #[error("the path '{}' begins like an option; write it as './{}'", path.display(), path.display())]
    LooksLikeOption {
        /// The path.
        path: PathBuf,
    },
}

impl LinkJob {
    /// A link without inputs, with the defaults: 1 MiB of stack, which comes
    /// first; all errors reported; undefined symbols allowed; no LTO.
    pub fn new(arch: Arch, os: Os, mode: OutputMode, output: impl Into<PathBuf>) -> Self {
        Self {
            arch,
            os,
            mode,
            output: output.into(),
            objects: Vec::new(),
            c_objects: Vec::new(),
            module_object: None,
            stack_size: DEFAULT_STACK_SIZE,
            stack_first: true,
            all_errors: true,
            allow_undefined: true,
            lto: false,
            optimize: Optimize::default(),
            default_libc: None,
            skip_defaults: false,
            compiler_rt: None,
            extra_args: Vec::new(),
        }
    }

    /// The program's own inputs, in the order they are linked.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.objects
            .iter()
            .chain(&self.c_objects)
            .chain(&self.module_object)
            .map(PathBuf::as_path)
    }

    /// Decides what is to be done. Looks into the sysroot for the files that the
    /// job asks for, and at nothing else.
    pub fn plan(&self) -> Result<Plan, JobError> {
        if self.mode == OutputMode::Object {
            let mut inputs = self.inputs();
            match (inputs.next(), inputs.next()) {
                (None, _) => {
                    return Err(JobError::NoObjects {
                        output: self.output.clone(),
                    });
                }
                // Extra arguments may ask for what a copy does not do.
                (Some(only), None) if self.extra_args.is_empty() => {
                    return Ok(Plan::Copy {
                        from: only.to_owned(),
                        to: self.output.clone(),
                    });
                }
                _ => {}
            }
        }
        self.arguments().map(Plan::Link)
    }

    fn arguments(&self) -> Result<Vec<OsString>, JobError> {
        let mut args = Arguments::default();
        self.push_options(&mut args);
        args.words(["-o"]);
        args.path(&self.output)?;

        if let (Os::Wasi(wasi), true) = (&self.os, self.mode != OutputMode::Object) {
            for library in wasi.inputs(self.default_exec_model())? {
                args.path(&library)?;
            }
        }
        for input in self.inputs() {
            args.path(input)?;
        }
        if self.mode != OutputMode::Object {
            if !self.links_libc()
                && !self.skip_defaults
                && let Some(archive) = &self.default_libc
            {
                args.path(archive)?;
            }
            if let Some(archive) = &self.compiler_rt {
                args.path(archive)?;
            }
        }
        args.list.extend(self.extra_args.iter().cloned());
        Ok(args.list)
    }

    fn push_options(&self, args: &mut Arguments) {
        if self.arch == Arch::Wasm64 {
            args.words(["-m", "wasm64"]);
        }
        if self.mode == OutputMode::Object {
            args.words(["-r"]);
        }
        if self.all_errors {
            args.words(["--error-limit=0"]);
        }
        if let (true, Some(level)) = (self.lto, self.optimize.level()) {
            args.words([format!("-O{level}"), format!("--lto-O{level}")]);
        }
        match self.mode {
            OutputMode::Executable => {
                args.words(["-z".to_owned(), format!("stack-size={}", self.stack_size)]);
                args.words([if self.stack_first {
                    "--stack-first"
                } else {
                    "--no-stack-first"
                }]);
                if let Os::Wasi(wasi) = &self.os
                    && let Some(model) = wasi.exec_model
                {
                    args.list.extend(model.arguments().iter().map(Into::into));
                }
            }
            OutputMode::DynamicLibrary => args.words(["--no-entry", "--export-all"]),
            OutputMode::Object => {}
        }
        if self.allow_undefined {
            args.words(["--allow-undefined"]);
        }
    }

    /// A library is not over when its start function returns.
    fn default_exec_model(&self) -> ExecModel {
        match self.mode {
            OutputMode::DynamicLibrary => ExecModel::Reactor,
            OutputMode::Executable | OutputMode::Object => ExecModel::Command,
        }
    }

    fn links_libc(&self) -> bool {
        matches!(&self.os, Os::Wasi(wasi) if wasi.libc)
    }
}

#[derive(Default)]
struct Arguments {
    list: Vec<OsString>,
}

impl Arguments {
    fn words<S: Into<OsString>, const N: usize>(&mut self, words: [S; N]) {
        self.list.extend(words.map(Into::into));
    }

    /// A path where the linker expects a file. `wasm-ld` takes what begins with
    /// `-` for an option and what begins with `@` for a response file.
    fn path(&mut self, path: &Path) -> Result<(), JobError> {
        if matches!(path.as_os_str().as_encoded_bytes(), [b'-' | b'@', ..]) {
            return Err(JobError::LooksLikeOption {
                path: path.to_owned(),
            });
        }
        self.list.push(path.as_os_str().to_owned());
        Ok(())
    }
}
