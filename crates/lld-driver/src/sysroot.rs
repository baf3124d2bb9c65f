//! A WASI sysroot: where its start files and libraries are.
//!
//! The only place of the project that knows this. Layouts that exist:
//! wasi-libc's own install and Debian's (`ROOT/lib/wasm32-wasi/libc.a`) and
//! wasi-sdk's (`ROOT/lib/wasm32-wasip1/libc.a`, where `ROOT` is
//! `share/wasi-sysroot`). A directory that itself contains the libraries is taken
//! as well.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::job::Arch;

/// How a WASI program is run; the WASI "application ABI" document defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExecModel {
    /// Its `_start` is called once, and it is over when that returns.
    Command,
    /// Its `_initialize` is called once, then its exports any number of times.
    Reactor,
}

impl ExecModel {
    /// The arguments of `wasm-ld` for such a program, besides its inputs.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Command => &[],
            Self::Reactor => &["--no-entry", "--export=_initialize"],
        }
    }
}

impl FromStr for ExecModel {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "command" => Ok(Self::Command),
            "reactor" => Ok(Self::Reactor),
            _ => Err(UnknownName {
                name: name.to_owned(),
                known: "command, reactor",
            }),
        }
    }
}

/// A library of wasi-libc that emulates what WASI does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Emulated {
    /// `getpid`.
    Getpid,
    /// `mmap` and `munmap` of files, by copying.
    Mman,
    /// `clock` and the process's times, from the monotonic clock.
    ProcessClocks,
    /// Threads on a target that has none: locks that are never contended.
    Pthread,
    /// `signal` and `raise`, within the program.
    Signal,
}

impl Emulated {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::Getpid,
        Self::Mman,
        Self::ProcessClocks,
        Self::Pthread,
        Self::Signal,
    ];

    /// The name: what stands in `libwasi-emulated-NAME.a`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Getpid => "getpid",
            Self::Mman => "mman",
            Self::ProcessClocks => "process-clocks",
            Self::Pthread => "pthread",
            Self::Signal => "signal",
        }
    }
}

impl fmt::Display for Emulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From the name, with or without the `wasi-emulated-` that compilers are given.
impl FromStr for Emulated {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let short = name.strip_prefix("wasi-emulated-").unwrap_or(name);
        Self::ALL
            .into_iter()
            .find(|library| library.name() == short)
            .ok_or_else(|| UnknownName {
                name: name.to_owned(),
                known: "getpid, mman, process-clocks, pthread, signal",
            })
    }
}

/// A name that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is none of: {known}")]
pub struct UnknownName {
    /// The name that was given.
    pub name: String,
    /// Those that are known, separated by commas.
    pub known: &'static str,
}

/// A sysroot lacks something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SysrootError {
    /// No library directory in it.
    #[error(
        "'{}' is no WASI sysroot for {arch}: no libc.a in {}",
        root.display(), paths(tried)
    )]
    NoLibraries {
        /// The directory that was given.
        root: PathBuf,
        /// The architecture it was to serve.
        arch: Arch,
        /// The directories that were looked at.
        tried: Vec<PathBuf>,
    },
    /// A file is not in its library directory.
    #[error("the WASI sysroot lacks {what}: there is no {}", paths(tried))]
    Missing {
        /// What it is for.
        what: &'static str,
        /// The files of which one has to be there.
        tried: Vec<PathBuf>,
    },
}

fn paths(paths: &[PathBuf]) -> String {
    let quoted: Vec<String> = paths
        .iter()
        .map(|path| format!("'{}'", path.display()))
        .collect();
    quoted.join(", ")
}

/// A sysroot's library directory for one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysroot {
    root: PathBuf,
    lib_dir: PathBuf,
}

impl Sysroot {
    /// Opens the sysroot at `root`. Its library directory is the first of
    /// `lib/ARCH-wasip1`, `lib/ARCH-wasi` and `root` itself that contains `libc.a`.
    pub fn open(root: impl Into<PathBuf>, arch: Arch) -> Result<Self, SysrootError> {
        let root = root.into();
        let tried = vec![
            root.join("lib").join(format!("{arch}-wasip1")),
            root.join("lib").join(format!("{arch}-wasi")),
            root.clone(),
        ];
        match tried.iter().find(|dir| dir.join("libc.a").is_file()) {
            Some(lib_dir) => Ok(Self {
                lib_dir: lib_dir.clone(),
                root,
            }),
            None => Err(SysrootError::NoLibraries { root, arch, tried }),
        }
    }

    /// The directory the sysroot was opened at.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory with `libc.a`: what to give to `-L`.
    pub fn lib_dir(&self) -> &Path {
        &self.lib_dir
    }

    /// The object that calls the program: `crt1-command.o` or `crt1-reactor.o`,
    /// or `crt1.o` of a sysroot that has only one.
    pub fn crt(&self, model: ExecModel) -> Result<PathBuf, SysrootError> {
        let name = match model {
            ExecModel::Command => "crt1-command.o",
            ExecModel::Reactor => "crt1-reactor.o",
        };
        self.first("a start file", &[name, "crt1.o"])
    }

    /// `libc.a`.
    pub fn libc(&self) -> Result<PathBuf, SysrootError> {
        self.first("the C library", &["libc.a"])
    }

    /// `libc++.a` and `libc++abi.a`, in the order to link them.
    pub fn libcxx(&self) -> Result<[PathBuf; 2], SysrootError> {
        let what = "the C++ library";
        Ok([
            self.first(what, &["libc++.a"])?,
            self.first(what, &["libc++abi.a"])?,
        ])
    }

    /// `libwasi-emulated-NAME.a`.
    pub fn emulated(&self, library: Emulated) -> Result<PathBuf, SysrootError> {
        let name = format!("libwasi-emulated-{library}.a");
        self.first("an emulated library", &[&name])
    }

    fn first(&self, what: &'static str, names: &[&str]) -> Result<PathBuf, SysrootError> {
        let tried: Vec<PathBuf> = names.iter().map(|name| self.lib_dir.join(name)).collect();
        match tried.iter().find(|path| path.is_file()) {
            Some(found) => Ok(found.clone()),
            None => Err(SysrootError::Missing { what, tried }),
        }
    }
}

/// What a WASI program is linked with besides its own objects.
///
/// A part of [`LinkJob`](crate::LinkJob); by itself for a caller that has an
/// argument list already and wants these added to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wasi {
    /// Needed if anything below asks for a library.
    pub sysroot: Option<Sysroot>,
    /// Default: a command; a dynamic library is a reactor.
    pub exec_model: Option<ExecModel>,
    /// Libraries that emulate what WASI does not have.
    pub emulated: Vec<Emulated>,
    /// Link the start file and `libc.a`.
    pub libc: bool,
    /// Link `libc++.a` and `libc++abi.a`.
    pub libcxx: bool,
}

/// Why the libraries of a [`Wasi`] could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WasiError {
    /// Libraries are asked for and there is no sysroot to take them from.
    #[error("linking WASI libraries needs a sysroot, and none was given")]
    NoSysroot,
    /// The sysroot does not have what is asked for.
    #[error(transparent)]
    Sysroot(#[from] SysrootError),
}

impl Wasi {
    /// The files to link before the program's own, in order: emulated libraries,
    /// the start file and `libc.a`, `libc++.a` and `libc++abi.a`.
    ///
    /// `model` is the one to use if [`Wasi::exec_model`] does not say.
    pub fn inputs(&self, model: ExecModel) -> Result<Vec<PathBuf>, WasiError> {
        let mut inputs = Vec::new();
        if self.emulated.is_empty() && !self.libc && !self.libcxx {
            return Ok(inputs);
        }
        let sysroot = self.sysroot.as_ref().ok_or(WasiError::NoSysroot)?;
        for &library in &self.emulated {
            inputs.push(sysroot.emulated(library)?);
        }
        if self.libc {
            inputs.push(sysroot.crt(self.exec_model.unwrap_or(model))?);
            inputs.push(sysroot.libc()?);
        }
        if self.libcxx {
            inputs.extend(sysroot.libcxx()?);
        }
        Ok(inputs)
    }
}
