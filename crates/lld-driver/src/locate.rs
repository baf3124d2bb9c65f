//! Finding the linker to run.
//!
//! [`Lld`] is a program with the arguments that make it a WebAssembly linker;
//! [`Lld::locate`] finds one. Everything the search reads from the process
//! environment is in an [`Environment`] value, so that a search can be repeated,
//! tested, and made for another process.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sys;

/// A `wasm-ld` that can be run: a program and the arguments that come before
/// the caller's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lld {
    program: PathBuf,
    leading: Vec<OsString>,
    origin: Origin,
}

/// Where a linker was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The caller named the program.
    Explicit,
    /// The environment variable `WASM_LD`.
    WasmLdVariable,
    /// `rust-lld` of the active Rust toolchain.
    RustToolchain,
    /// `wasm-ld`, or a versioned `wasm-ld-NN`, on `PATH`.
    SearchPath,
}

/// A program that the caller names, with arguments that come before all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExplicitLinker {
    /// A path, or a bare name that is looked for on `PATH`.
    pub program: PathBuf,
    /// Arguments between the program and the caller's own, for instance
    /// `-flavor wasm` for a multi-flavor linker under an unusual name.
    pub leading_args: Vec<OsString>,
}

/// What the search reads from the process environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `PATH`.
    pub path: Option<OsString>,
    /// `WASM_LD`: the linker to use, a path or a bare name looked for on `PATH`.
    pub wasm_ld: Option<OsString>,
    /// `CARGO`, which Cargo sets for what it runs: it is inside the toolchain.
    pub cargo: Option<OsString>,
    /// `RUSTC`: the compiler to ask for its sysroot, instead of `rustc` on `PATH`.
    pub rustc: Option<OsString>,
}

impl Environment {
    /// The environment of this process.
    pub fn from_env() -> Self {
        Self {
            path: std::env::var_os("PATH"),
            wasm_ld: std::env::var_os("WASM_LD"),
            cargo: std::env::var_os("CARGO"),
            rustc: std::env::var_os("RUSTC"),
        }
    }
}

/// How to look for the linker; see [`Lld::locate`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocateOptions {
    /// The caller's choice. If it is given nothing else is tried.
    pub explicit: Option<ExplicitLinker>,
    /// What the search knows of the environment.
    pub env: Environment,
}

impl LocateOptions {
    /// No explicit choice, and the environment of this process.
    pub fn from_env() -> Self {
        Self {
            explicit: None,
            env: Environment::from_env(),
        }
    }

    /// The same options with `program` as the caller's choice.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.explicit = Some(ExplicitLinker {
            program: program.into(),
            leading_args: Vec::new(),
        });
        self
    }
}

/// Why no linker was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocateError {
    /// The program that the caller named is not there.
    #[error("the linker '{}' cannot be used: {reason}", program.display())]
    Explicit {
        /// As the caller gave it.
        program: PathBuf,
        /// What is wrong with it.
        reason: Unusable,
    },
    /// The program that `WASM_LD` names is not there.
    #[error(
        "the linker '{}', which the environment variable WASM_LD names, cannot be used: {reason}",
        program.display()
    )]
    WasmLdVariable {
        /// The variable's value.
        program: PathBuf,
        /// What is wrong with it.
        reason: Unusable,
    },
    /// Nothing was named and nothing was found.
    #[error(
        "no wasm-ld found; tried:{}\ninstall Rust with rustup (its toolchains contain rust-lld) or LLVM's lld, or name a linker with WASM_LD",
        TriedList(tried)
    )]
    NotFound {
        /// Each place that was looked at, in order.
        tried: Vec<Tried>,
    },
}

/// What is wrong with a program that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// No such file.
    #[error("there is no such file")]
    Missing,
    /// A bare name that no directory of `PATH` contains.
    #[error("it is not on PATH")]
    NotOnPath,
    /// A file that may not be run, or a directory.
    #[error("it is not an executable file")]
    NotExecutable,
}

/// One place where a linker was looked for in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What was looked for, for instance `WASM_LD` or a path.
    pub what: String,
    /// Why it was not to be used.
    pub why: String,
}

impl Tried {
    fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
        }
    }
}

struct TriedList<'a>(&'a [Tried]);

impl fmt::Display for TriedList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tried in self.0 {
            write!(f, "\n  {}: {}", tried.what, tried.why)?;
        }
        Ok(())
    }
}

impl Lld {
    /// Finds a linker. In this order:
    ///
    /// 1. [`LocateOptions::explicit`];
    /// 2. the environment variable `WASM_LD`;
    /// 3. `rust-lld` of the active Rust toolchain: the toolchain of Cargo
    ///    (`CARGO`), else of the sysroot that `rustc --print sysroot` prints
    ///    (`RUSTC`, else `rustc` on `PATH`);
    /// 4. `wasm-ld` on `PATH`;
    /// 5. the newest `wasm-ld-NN` on `PATH`.
    ///
    /// A linker that is named (1, 2) and cannot be used is an error: falling back
    /// would link with another than was asked for.
    pub fn locate(options: &LocateOptions) -> Result<Self, LocateError> {
        let env = &options.env;
        if let Some(explicit) = &options.explicit {
            let program =
                resolve(&explicit.program, env).map_err(|reason| LocateError::Explicit {
                    program: explicit.program.clone(),
                    reason,
                })?;
            return Ok(Self::found(
                program,
                &explicit.leading_args,
                Origin::Explicit,
            ));
        }

        let mut tried = Vec::new();
        match env.wasm_ld.as_deref().filter(|value| !value.is_empty()) {
            Some(value) => {
                let named = Path::new(value);
                let program =
                    resolve(named, env).map_err(|reason| LocateError::WasmLdVariable {
                        program: named.to_owned(),
                        reason,
                    })?;
                return Ok(Self::found(program, &[], Origin::WasmLdVariable));
            }
            None => tried.push(Tried::new("WASM_LD", "not set")),
        }
        if let Some(program) = rust_lld(env, &mut tried) {
            return Ok(Self::found(program, &[], Origin::RustToolchain));
        }
        if let Some(program) = wasm_ld_on_path(env, &mut tried) {
            return Ok(Self::found(program, &[], Origin::SearchPath));
        }
        Err(LocateError::NotFound { tried })
    }

    fn found(program: PathBuf, leading: &[OsString], origin: Origin) -> Self {
        // It was looked for from here, and may be run in another directory. Without
        // a current directory it stays what it is.
        let program = std::path::absolute(&program).unwrap_or(program);
        let mut leading = leading.to_vec();
        // These two are one binary for all of lld's flavors; any other name has
        // decided its flavor, and does not know the option.
        let generic = program
            .file_stem()
            .is_some_and(|name| name == "rust-lld" || name == "lld");
        if generic && !leading.iter().any(|arg| arg == "-flavor") {
            leading.insert(0, OsString::from("-flavor"));
            leading.insert(1, OsString::from("wasm"));
        }
        Self {
            program,
            leading,
            origin,
        }
    }

    /// The program's path, absolute.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The arguments that come before the caller's own (`-flavor wasm` for a
    /// program that is all of lld's flavors in one).
    pub fn leading_args(&self) -> &[OsString] {
        &self.leading
    }

    /// Where the linker was found.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The linker with these arguments, exactly as they are, not yet started.
    ///
    /// No response file is made: [`Lld::run`] does that where the list is too long
    /// for the system.
    pub fn command<I, S>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(&self.program);
        command.args(&self.leading).args(args);
        command
    }

    /// The whole command as a line that a POSIX shell reads back as the same
    /// words. The linker's name comes first.
    pub fn command_line<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let words = std::iter::once(self.program.as_os_str())
            .chain(self.leading.iter().map(OsString::as_os_str))
            .chain(args.iter().map(AsRef::as_ref));
        crate::quote::shell_line(words)
    }
}

/// The file a named program stands for: itself if it has a directory, else the
/// first of that name on `PATH`.
fn resolve(named: &Path, env: &Environment) -> Result<PathBuf, Unusable> {
    let is_bare = named.components().count() == 1 && named.file_name() == Some(named.as_os_str());
    if is_bare {
        return on_path(named.as_os_str(), env).ok_or(Unusable::NotOnPath);
    }
    if sys::is_executable(named) {
        Ok(named.to_owned())
    } else if named.exists() {
        Err(Unusable::NotExecutable)
    } else {
        Err(Unusable::Missing)
    }
}

fn path_dirs(env: &Environment) -> impl Iterator<Item = PathBuf> {
    env.path
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|dir| !dir.as_os_str().is_empty())
}

fn on_path(name: &OsStr, env: &Environment) -> Option<PathBuf> {
    let mut with_suffix = name.to_owned();
    with_suffix.push(std::env::consts::EXE_SUFFIX);
    path_dirs(env)
        .flat_map(|dir| [dir.join(name), dir.join(&with_suffix)])
        .find(|candidate| sys::is_executable(candidate))
}

/// `rust-lld` of the active toolchain.
fn rust_lld(env: &Environment, tried: &mut Vec<Tried>) -> Option<PathBuf> {
    // Cargo's own place is known without starting a process, so it is asked first.
    match env.cargo.as_deref().map(Path::new) {
        Some(cargo) => {
            let sysroot = cargo.parent().and_then(Path::parent);
            if let Some(found) = sysroot.and_then(|sysroot| rust_lld_in(sysroot, tried)) {
                return Some(found);
            }
        }
        None => tried.push(Tried::new("CARGO", "not set")),
    }

    let rustc = env.rustc.as_deref().unwrap_or(OsStr::new("rustc"));
    let rustc = match resolve(Path::new(rustc), env) {
        Ok(found) => found,
        Err(reason) => {
            tried.push(Tried::new(
                format!("{} --print sysroot", rustc.display()),
                reason.to_string(),
            ));
            return None;
        }
    };
    match print_sysroot(&rustc, env) {
        Ok(sysroot) => rust_lld_in(&sysroot, tried),
        Err(why) => {
            tried.push(Tried::new(
                format!("{} --print sysroot", rustc.display()),
                why,
            ));
            None
        }
    }
}

fn print_sysroot(rustc: &Path, env: &Environment) -> Result<PathBuf, String> {
    let mut command = Command::new(rustc);
    command
        .args(["--print", "sysroot"])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    if let Some(path) = &env.path {
        command.env("PATH", path);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it failed ({})", output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| "it printed no UTF-8".to_owned())?;
    let sysroot = text.trim_end_matches(['\r', '\n']);
    if sysroot.is_empty() {
        return Err("it printed nothing".to_owned());
    }
    Ok(PathBuf::from(sysroot))
}

/// `lib/rustlib/<host>/bin/rust-lld` under a sysroot. Only a host's directory has
/// a `bin`, so the host's name need not be known.
fn rust_lld_in(sysroot: &Path, tried: &mut Vec<Tried>) -> Option<PathBuf> {
    let rustlib = sysroot.join("lib").join("rustlib");
    let name = format!("rust-lld{}", std::env::consts::EXE_SUFFIX);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&rustlib)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(&name)))
        .filter(|candidate| sys::is_executable(candidate))
        .collect();
    found.sort();
    if found.is_empty() {
        let pattern = rustlib.join("*").join("bin").join(&name);
        tried.push(Tried::new(pattern.display().to_string(), "not there"));
    }
    found.into_iter().next()
}

/// `wasm-ld` on `PATH`, else the `wasm-ld-NN` with the highest number; of two with
/// the same number the earlier directory's.
fn wasm_ld_on_path(env: &Environment, tried: &mut Vec<Tried>) -> Option<PathBuf> {
    if let Some(plain) = on_path(OsStr::new("wasm-ld"), env) {
        return Some(plain);
    }
    tried.push(Tried::new("wasm-ld", "not on PATH"));

    let mut newest: Option<(u32, PathBuf)> = None;
    for dir in path_dirs(env) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Some(version) = versioned_name(&entry.file_name()) else {
                continue;
            };
            let better = newest.as_ref().is_none_or(|(best, _)| version > *best);
            if better && sys::is_executable(&entry.path()) {
                newest = Some((version, entry.path()));
            }
        }
    }
    if newest.is_none() {
        tried.push(Tried::new("wasm-ld-NN", "not on PATH"));
    }
    newest.map(|(_, program)| program)
}

fn versioned_name(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    let name = name.strip_suffix(std::env::consts::EXE_SUFFIX)?;
    let digits = name.strip_prefix("wasm-ld-")?;
    // `parse` alone would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
