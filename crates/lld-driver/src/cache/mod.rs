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
mod record;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use inputs::Bypass;

use crate::diagnostic::{self, Diagnostic};
use crate::locate::Lld;
use crate::run::{self, Mode, RunError, RunOptions, RunReport};
use contents::{Contents, Hasher};
use inputs::Inputs;
use record::Record;

/// A directory that remembers links. See the [module](self).
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
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
            Ok(absolute) => Ok(Self { dir: absolute }),
            Err(source) => Err(CacheError::Open { dir, source }),
        }
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
    /// link: it is given back first, so that this cannot wait for itself. If the
    /// output is the same nobody else gets it in between.
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

        let base = match options.current_dir {
            Some(dir) => std::path::absolute(dir),
            None => std::env::current_dir(),
        };
        let base = base.map_err(CacheError::CurrentDir)?;
        let inputs = Inputs::of(args, &base);
        let Some(output) = &inputs.output else {
            drop(held);
            return Ok(Linked {
                outcome: Outcome::Bypassed(Bypass::NoOutput),
                report: lld.run(args, mode, options)?,
                warnings: Vec::new(),
                output: None,
            });
        };
        let output = absolute_output(output, &base);
        let handle = self.lock(output, held)?;
        let files = Files {
            record: self.dir.join(format!("{}.record", handle.key)),
            manifest: self.dir.join(format!("{}.manifest", handle.key)),
        };

        let link = Link {
            lld,
            args,
            mode,
            options,
            base: &base,
            inputs: &inputs,
            output: &handle.output,
            files: &files,
        };
        let mut warnings = Vec::new();
        let (outcome, report) = link.run(&mut warnings)?;
        span.record("outcome", tracing::field::display(&outcome));
        Ok(Linked {
            outcome,
            report,
            warnings,
            output: Some(handle),
        })
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

struct Files {
    record: PathBuf,
    manifest: PathBuf,
}

/// One link, whose output is locked.
struct Link<'a> {
    lld: &'a Lld,
    args: &'a [OsString],
    mode: Mode,
    options: &'a RunOptions<'a>,
    base: &'a Path,
    inputs: &'a Inputs,
    output: &'a Path,
    files: &'a Files,
}

impl Link<'_> {
    fn run(&self, warnings: &mut Vec<CacheError>) -> Result<(Outcome, RunReport), CacheError> {
        let mut contents = Contents::load(&self.files.manifest);
        let digest = match self.digest(&mut contents) {
            Ok(digest) => digest,
            Err(reason) => {
                self.forget()?;
                let report = self.lld.run(self.args, self.mode, self.options)?;
                return Ok((Outcome::Bypassed(reason), report));
            }
        };

        if let Some(record) = Record::load(&self.files.record)
            && record.digest == digest
            && contents.of_file(self.output).ok() == Some(record.output)
        {
            self.remember(&contents, None, warnings);
            let mut diagnostics = diagnostic::parse(&record.stderr);
            run::warn_only(&mut diagnostics);
            let report = RunReport {
                diagnostics,
                stderr: record.stderr,
            };
            return Ok((Outcome::UpToDate, report));
        }

        self.forget()?;
        let report = self.lld.run(self.args, self.mode, self.options)?;

        // An input that changed while the linker ran was read by it in one state
        // or the other: such an output is nothing to be remembered.
        contents.look_again();
        if self.digest(&mut contents) == Ok(digest)
            && let Ok(output) = contents.of_file(self.output)
        {
            let record = Record {
                digest,
                output,
                stderr: report.stderr.clone(),
            };
            self.remember(&contents, Some(&record), warnings);
        }
        Ok((Outcome::Linked, report))
    }

    /// Everything that the link depends on.
    fn digest(&self, contents: &mut Contents) -> Result<blake3::Hash, Bypass> {
        if let Some(reason) = &self.inputs.bypass {
            return Err(reason.clone());
        }
        if let Ok(metadata) = std::fs::metadata(self.output)
            && !metadata.is_file()
        {
            return Err(Bypass::NotAFile(self.output.to_owned()));
        }
        let mut hasher = Hasher::new("lld-driver link 1");
        hasher.bytes(match self.mode {
            Mode::Passthrough => b"passthrough",
            Mode::Captured => b"captured",
        });

        let program = self.base.join(self.lld.program());
        hasher.os_str(program.as_os_str());
        let linker = contents
            .of_file(&program)
            .map_err(|_| Bypass::Unreadable(program.clone()))?;
        hasher.bytes(linker.as_bytes());
        hasher.list(self.lld.leading_args());

        hasher.os_str(self.base.as_os_str());
        hasher.list(self.args);
        // Response files are inputs as well.
        hasher.list(&self.inputs.args);
        for candidate in &self.inputs.candidates {
            hasher.os_str(candidate.as_os_str());
            hasher.bytes(&contents.state(candidate)?);
        }
        Ok(hasher.finish())
    }

    fn forget(&self) -> Result<(), CacheError> {
        match std::fs::remove_file(&self.files.record) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CacheError::Forget {
                path: self.files.record.clone(),
                source,
            }),
            _ => Ok(()),
        }
    }

    fn remember(
        &self,
        contents: &Contents,
        record: Option<&Record>,
        warnings: &mut Vec<CacheError>,
    ) {
        let mut note = |path: &Path, result: io::Result<()>| {
            if let Err(source) = result {
                warnings.push(CacheError::Remember {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        note(&self.files.manifest, contents.save(&self.files.manifest));
        if let Some(record) = record {
            note(&self.files.record, record.save(&self.files.record));
        }
    }
}
