//! One link through the cache: whether it is needed, and what is remembered of it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::contents::{Contents, Hasher};
use super::inputs::Inputs;
use super::record::Record;
use super::{Bypass, CacheError, Linked, Outcome, OutputHandle};
use crate::locate::Lld;
use crate::replace::Guard;
use crate::run::{Mode, RunReport};

/// The answer of the cache to a lookup.
#[derive(Debug)]
pub enum Lookup {
    /// The output is there, made from the same inputs.
    UpToDate(Linked),
    /// The link has to be done.
    Needed(Box<PendingLink>),
}

/// A link that has to be done. It keeps other links of the same output away; dropping it
/// means that the link was not done.
#[derive(Debug)]
pub struct PendingLink {
    maker: Maker,
    args: Vec<OsString>,
    base: PathBuf,
    inputs: Inputs,
    /// The locked output; none if the arguments name none.
    locked: Option<(OutputHandle, Files)>,
    contents: Contents,
    digest: Result<blake3::Hash, Bypass>,
    guard: Option<Guard>,
}

/// The linker and the way it is run.
#[derive(Debug)]
pub(super) struct Maker {
    /// Its program, absolute.
    pub(super) program: PathBuf,
    pub(super) leading_args: Vec<OsString>,
    pub(super) mode: Mode,
}

impl Maker {
    /// `lld`, whose path is relative to `base`.
    pub(super) fn of(lld: &Lld, mode: Mode, base: &Path) -> Self {
        Self {
            program: base.join(lld.program()),
            leading_args: lld.leading_args().to_vec(),
            mode,
        }
    }
}

#[derive(Debug)]
struct Files {
    record: PathBuf,
    manifest: PathBuf,
}

pub(super) fn look_up(
    dir: &Path,
    guard: Option<Guard>,
    handle: Option<OutputHandle>,
    maker: Maker,
    args: &[OsString],
    base: PathBuf,
    inputs: Inputs,
) -> Lookup {
    let locked = handle.map(|handle| {
        let files = Files {
            record: dir.join(format!("{}.record", handle.key)),
            manifest: dir.join(format!("{}.manifest", handle.key)),
        };
        (handle, files)
    });
    let contents = match &locked {
        Some((_, files)) => Contents::load(&files.manifest),
        None => Contents::default(),
    };
    let mut pending = PendingLink {
        maker,
        args: args.to_vec(),
        base,
        inputs,
        locked,
        contents,
        digest: Err(Bypass::NoOutput),
        guard,
    };
    pending.digest = pending.compute_digest();
    match pending.up_to_date() {
        Some(report) => Lookup::UpToDate(pending.end(Outcome::UpToDate, report, None)),
        None => Lookup::Needed(Box::new(pending)),
    }
}

impl PendingLink {
    /// Says that the output is about to change: what is known of it is forgotten, so that
    /// a crash from here on costs a link and no more.
    ///
    /// # Errors
    /// [`CacheError::Forget`]: then the output must not be changed.
    pub fn begin(&self) -> Result<(), CacheError> {
        let Some((_, Files { record, .. })) = &self.locked else {
            return Ok(());
        };
        match std::fs::remove_file(record) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CacheError::Forget {
                path: record.clone(),
                source,
            }),
            _ => Ok(()),
        }
    }

    /// Says that the link has succeeded, and what the linker said: it is repeated when the
    /// same link is skipped.
    pub fn finish(mut self, report: RunReport) -> Linked {
        let digest = match &self.digest {
            Ok(digest) => *digest,
            Err(reason) => {
                let outcome = Outcome::Bypassed(reason.clone());
                return Linked {
                    outcome,
                    report,
                    warnings: Vec::new(),
                    output: self.locked.map(|(handle, _)| handle),
                };
            }
        };
        // An input that changed while the linker ran was read by it in one state
        // or the other: such an output is nothing to be remembered.
        self.contents.look_again();
        let mut record = None;
        if self.compute_digest() == Ok(digest)
            && let Some(output) = self.output_hash()
        {
            record = Some(Record {
                digest,
                output,
                stderr: report.stderr.clone(),
            });
        }
        let Some(record) = record else {
            return Linked {
                outcome: Outcome::Linked,
                report,
                warnings: Vec::new(),
                output: self.locked.map(|(handle, _)| handle),
            };
        };
        self.end(Outcome::Linked, report, Some(&record))
    }

    /// The messages of the link that made the output, if the output is up to date.
    fn up_to_date(&mut self) -> Option<RunReport> {
        let digest = *self.digest.as_ref().ok()?;
        let (_, files) = self.locked.as_ref()?;
        let record = Record::load(&files.record)?;
        let is_same = record.digest == digest && self.output_hash() == Some(record.output);
        is_same.then(|| RunReport::of_success(record.stderr))
    }

    fn output_hash(&mut self) -> Option<blake3::Hash> {
        let (handle, _) = self.locked.as_ref()?;
        self.contents.of_file(&handle.output).ok()
    }

    /// Saves what is known of the files, and the record if there is a new one.
    fn end(self, outcome: Outcome, report: RunReport, record: Option<&Record>) -> Linked {
        let mut warnings = Vec::new();
        let mut note = |path: &Path, result: io::Result<()>| {
            if let Err(source) = result {
                warnings.push(CacheError::Remember {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        if let Some((_, files)) = &self.locked {
            let saved = self.contents.save(&files.manifest, self.guard);
            note(&files.manifest, saved);
            if let Some(record) = record {
                note(&files.record, record.save(&files.record, self.guard));
            }
        }
        Linked {
            outcome,
            report,
            warnings,
            output: self.locked.map(|(handle, _)| handle),
        }
    }

    /// Everything that the link depends on.
    fn compute_digest(&mut self) -> Result<blake3::Hash, Bypass> {
        let Some((handle, _)) = &self.locked else {
            return Err(Bypass::NoOutput);
        };
        if let Some(reason) = &self.inputs.bypass {
            return Err(reason.clone());
        }
        if let Ok(metadata) = std::fs::metadata(&handle.output)
            && !metadata.is_file()
        {
            return Err(Bypass::NotAFile(handle.output.clone()));
        }
        let mut hasher = Hasher::new("lld-driver link 1");
        hasher.bytes(match self.maker.mode {
            Mode::Passthrough => b"passthrough",
            Mode::Captured => b"captured",
        });

        let program = &self.maker.program;
        hasher.os_str(program.as_os_str());
        let linker = self
            .contents
            .of_file(program)
            .map_err(|_| Bypass::Unreadable(program.clone()))?;
        hasher.bytes(linker.as_bytes());
        hasher.list(&self.maker.leading_args);

        hasher.os_str(self.base.as_os_str());
        hasher.list(&self.args);
        // Response files are inputs as well.
        hasher.list(&self.inputs.args);
        for candidate in &self.inputs.candidates {
            hasher.os_str(candidate.as_os_str());
            hasher.bytes(&self.contents.state(candidate)?);
        }
        Ok(hasher.finish())
    }
}
