//! Not linking again what was linked already.
//!
//! For each output the cache directory has up to three files, named by a hash of
//! the output's path:
//!
//! - `KEY.lock`, which the link that is under way holds a lock on;
//! - `KEY.record`: the digest of the link that made the output, the hash of the
//!   output, and what the linker said;
//! - `KEY.manifest`: the hashes of the files that were read, each with the stamp
//!   that tells whether the file is still the same without reading it.
//!
//! The *digest* covers everything that the link depends on: the linker (the
//! contents of its program; not of shared libraries that are replaced under it), the
//! arguments, the directory, and the contents of every file that can be an input,
//! including that a file is *not* there which would be taken if it were.
//!
//! Links that do more than write their output, or read what cannot be compared, are
//! done each time: [`Bypass`] lists them.
//!
//! The record is removed before a link starts and written when it has succeeded,
//! so that a crash at any time costs a link and never leaves a stale output taken
//! for a good one.

mod contents;
mod inputs;
mod lookup;
mod record;

use std::any::Any;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use inputs::Bypass;
pub use lookup::{Lookup, PendingLink};

use crate::diagnostic::Diagnostic;
use crate::locate::Lld;
use crate::replace::{Guard, no_special_file};
use crate::run::{Mode, RunError, RunOptions, RunReport};
use inputs::Inputs;
use lookup::Maker;

/// A directory that remembers links. See the [module](self).
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    guard: Option<Guard>,
}

/// A successful link through the [`Cache`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Linked {
    /// Whether the linker ran, and why.
    pub outcome: Outcome,
    /// What the linker said; if it did not run, what it said when it made this
    /// output. (A [`Mode::Passthrough`] link is not listened to, so there is
    /// nothing to be repeated.)
    pub report: RunReport,
    /// What went wrong with the cache. It costs a link next time, no more.
    pub warnings: Vec<CacheError>,
    /// Keeps other links away from the output while the caller uses it. None if the
    /// arguments name no output and the linker did not mind (`--version`).
    pub output: Option<OutputHandle>,
}

/// Whether the linker ran.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It did not: the output is there, made from the same inputs.
    UpToDate,
    /// It did: something is new.
    Linked,
    /// It did: this link is not one that can be remembered.
    Bypassed(Bypass),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UpToDate => f.write_str("up to date, link skipped"),
            Self::Linked => f.write_str("linked"),
            Self::Bypassed(reason) => write!(f, "linked, cache not used: {reason}"),
        }
    }
}

/// The right to use an output: while it lives, a link of the same output through a
/// cache in the same directory waits.
#[derive(Debug)]
pub struct OutputHandle {
    output: PathBuf,
    key: String,
    lock_path: PathBuf,
    // Closing the file releases the lock.
    _lock: File,
}

impl OutputHandle {
    /// The output's path, absolute.
    pub fn path(&self) -> &Path {
        &self.output
    }
}

/// What can go wrong around a cached link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The cache directory cannot be made or used.
    #[error("cannot use the cache directory '{}': {source}", dir.display())]
    Open {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output's lock cannot be had.
    #[error("cannot lock '{}': {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory that relative paths are relative to is not known.
    #[error("cannot tell the current directory: {0}")]
    CurrentDir(#[source] io::Error),
    /// The record of the earlier link cannot be removed. Linking now could leave
    /// it beside an output that it does not describe.
    #[error("cannot remove the record of an earlier link '{}': {source}", path.display())]
    Forget {
        /// The record.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The link could not be remembered: only a warning.
    #[error("cannot remember the link in '{}': {source}", path.display())]
    Remember {
        /// The record or manifest.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The linker did not succeed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl CacheError {
    /// What the linker said before it failed.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Run(error) => error.diagnostics(),
            _ => &[],
        }
    }
}

impl Cache {
    /// Opens a cache directory, which is made if it is not there.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let dir = dir.into();
        let open = || {
            std::fs::create_dir_all(&dir)?;
            dir.canonicalize()
        };
        match open() {
            Ok(absolute) => Ok(Self {
                dir: absolute,
                guard: None,
            }),
            Err(source) => Err(CacheError::Open { dir, source }),
        }
    }

    /// Has `guard` called with the path of each temporary file before it is made in the
    /// directory. What it returns is dropped when the file has its name or is gone: for a
    /// program that removes its temporary files when a signal ends it.
    #[must_use]
    pub fn guard_temporary_files(mut self, guard: fn(&Path) -> io::Result<Box<dyn Any>>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Runs the linker with `args`, unless the output they name is up to date.
    ///
    /// Waits while another link of the same output is under way, or its
    /// [`OutputHandle`] is alive: a caller that holds one calls
    /// [`Cache::relink`].
    pub fn link(
        &self,
        lld: &Lld,
        args: &[OsString],
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<Linked, CacheError> {
        self.link_with(None, lld, args, mode, options)
    }

    /// The same for a caller that has an output's handle, of this or of another
    /// link: it is released first, so that this cannot wait for itself. If the
    /// output is the same, no other link gets it in between.
    pub fn relink(
        &self,
        held: OutputHandle,
        lld: &Lld,
        args: &[OsString],
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<Linked, CacheError> {
        self.link_with(Some(held), lld, args, mode, options)
    }

    fn link_with(
        &self,
        held: Option<OutputHandle>,
        lld: &Lld,
        args: &[OsString],
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<Linked, CacheError> {
        let span = tracing::info_span!("cached link", outcome = tracing::field::Empty);
        let _entered = span.enter();

        let base = absolute_base(options.current_dir)?;
        let maker = Maker::of(lld, mode, &base);
        let linked = match self.look_up_with(held, maker, args, base)? {
            Lookup::UpToDate(linked) => linked,
            Lookup::Needed(pending) => {
                pending.begin()?;
                let report = lld.run(args, mode, options)?;
                pending.finish(report)
            }
        };
        span.record("outcome", tracing::field::display(&linked.outcome));
        Ok(linked)
    }

    /// Asks whether the output that `args` name is up to date, for a linker that this crate
    /// does not run: `program` is what links, `args` are in `wasm-ld`'s form, and
    /// `current_dir` is what their paths are relative to, if not the current directory.
    /// What stands for something else than an input or an option that matters (where the
    /// cache is, say) is better left out of them.
    ///
    /// Waits as [`Cache::link`] does.
    ///
    /// ```no_run
    /// use lld_driver::{Cache, Lookup, RunReport};
    /// # fn link_myself() -> String { String::new() }
    ///
    /// let cache = Cache::open("target/link-cache")?;
    /// let args = ["main.o", "-o", "main.wasm"].map(Into::into);
    /// match cache.look_up(&std::env::current_exe()?, &args, None)? {
    ///     Lookup::UpToDate(linked) => println!("{}", linked.outcome),
    ///     Lookup::Needed(pending) => {
    ///         pending.begin()?;
    ///         let messages: String = link_myself();
    ///         let linked = pending.finish(RunReport::of_success(messages));
    ///         println!("{}", linked.outcome);
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn look_up(
        &self,
        program: &Path,
        args: &[OsString],
        current_dir: Option<&Path>,
    ) -> Result<Lookup, CacheError> {
        let base = absolute_base(current_dir)?;
        let maker = Maker {
            program: base.join(program),
            leading_args: Vec::new(),
            mode: Mode::Captured,
        };
        self.look_up_with(None, maker, args, base)
    }

    /// The same for `lld`, run by the caller with other arguments that make the same output, such as
    /// one that makes it in another place and moves it.
    ///
    /// # Errors
    /// As [`Cache::look_up`].
    pub fn look_up_lld(
        &self,
        lld: &Lld,
        args: &[OsString],
        current_dir: Option<&Path>,
    ) -> Result<Lookup, CacheError> {
        let base = absolute_base(current_dir)?;
        let maker = Maker::of(lld, Mode::Captured, &base);
        self.look_up_with(None, maker, args, base)
    }

    fn look_up_with(
        &self,
        held: Option<OutputHandle>,
        maker: Maker,
        args: &[OsString],
        base: PathBuf,
    ) -> Result<Lookup, CacheError> {
        let inputs = Inputs::of(args, &base);
        // A handle of another output is given back here.
        let lock = |output: &PathBuf| self.lock(absolute_output(output, &base), held);
        let handle = inputs.output.as_ref().map(lock).transpose()?;
        Ok(lookup::look_up(
            &self.dir, self.guard, handle, maker, args, base, inputs,
        ))
    }

    fn lock(
        &self,
        output: PathBuf,
        held: Option<OutputHandle>,
    ) -> Result<OutputHandle, CacheError> {
        let key = blake3::hash(output.as_os_str().as_encoded_bytes())
            .to_hex()
            .to_string();
        let path = self.dir.join(format!("{key}.lock"));
        match held {
            // Of this output, in this cache.
            Some(held) if held.key == key && held.lock_path == path => return Ok(held),
            // One lock at a time: two callers can never wait for each other's.
            other => drop(other),
        }
        let open = || {
            no_special_file(&path)?;
            let file = File::options()
                .create(true)
                .write(true)
                .truncate(false)
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        match open() {
            Ok(lock) => Ok(OutputHandle {
                output,
                key,
                lock_path: path,
                _lock: lock,
            }),
            Err(source) => Err(CacheError::Lock { path, source }),
        }
    }
}

/// One spelling for all ways to name the output, whether or not it exists.
fn absolute_output(output: &Path, base: &Path) -> PathBuf {
    let path = base.join(output);
    if let (Some(dir), Some(name)) = (path.parent(), path.file_name())
        && let Ok(dir) = dir.canonicalize()
    {
        return dir.join(name);
    }
    // A directory that is not there: the linker will say so.
    path
}

fn absolute_base(current_dir: Option<&Path>) -> Result<PathBuf, CacheError> {
    let base = match current_dir {
        Some(dir) => std::path::absolute(dir),
        None => std::env::current_dir(),
    };
    base.map_err(CacheError::CurrentDir)
}
