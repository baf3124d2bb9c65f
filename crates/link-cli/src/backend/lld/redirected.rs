//! The files that LLD writes. Each is made in a temporary directory beside its place and renamed when
//! the link is done, so that it appears whole or not at all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::output::{Written, WrittenFile, WrittenKind, directory, follow};
use crate::report::{Message, reason};
use crate::sys::{FileIdentity, TempDir};

/// The files of a link, in temporary directories.
pub(super) struct Redirected<'w> {
    files: Vec<RedirectedFile<'w>>,
}

struct RedirectedFile<'w> {
    file: &'w WrittenFile,
    /// Where symbolic links lead from its path.
    place: PathBuf,
    /// Where LLD makes it: a file of the same name, since modules and archives contain their names.
    made: PathBuf,
    /// The directory of `made`.
    dir: TempDir,
}

impl<'w> Redirected<'w> {
    /// Makes the directories.
    pub(super) fn new(written: &'w Written) -> Result<Self, Message> {
        let files = written.files();
        // The reproduce archive contains the arguments. Of paths it keeps those of the output and of
        // itself out; the others have to be those that the user gave.
        let reproduces = files.iter().any(|file| file.kind == WrittenKind::Reproduce);
        let is_redirected = |file: &&WrittenFile| {
            !reproduces || matches!(file.kind, WrittenKind::Output | WrittenKind::Reproduce)
        };
        let files = files.iter().filter(is_redirected).map(|file| {
            RedirectedFile::new(file).map_err(|error| {
                let (what, path) = (file.kind.as_opened(), file.path.display());
                Message::error(format!("cannot open {what} {path}: {}", reason(&error)))
            })
        });
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// The arguments that have LLD write there, whatever arguments before them say.
    pub(super) fn args(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        for file in &self.files {
            let option = file.file.kind.option();
            if option.ends_with('=') {
                let mut arg = OsString::from(option);
                arg.push(&file.made);
                args.push(arg);
            } else {
                args.extend([option.into(), file.made.clone().into()]);
            }
        }
        args
    }

    /// Where the output is made, if it is a file.
    pub(super) fn output(&self) -> Option<&Path> {
        let mut files = self.files.iter();
        let output = files.find(|file| file.file.kind == WrittenKind::Output)?;
        Some(&output.made)
    }

    /// `text` with the paths that the user knows.
    pub(super) fn restored(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for file in &self.files {
            let (made, path) = (file.made.to_string_lossy(), &file.file.path);
            text = text.replace(&*made, &path.to_string_lossy());
        }
        text
    }

    /// Brings the files to their places; after a link that failed, those that are written of one. None
    /// replaces one of `inputs`.
    pub(super) fn commit(&self, linked: bool, inputs: &[PathBuf]) -> Result<(), Message> {
        // The output comes last.
        for file in self.files.iter().rev() {
            file.commit(linked, inputs)?;
        }
        Ok(())
    }
}

impl<'w> RedirectedFile<'w> {
    fn new(file: &'w WrittenFile) -> io::Result<Self> {
        let place = follow(&file.path)?;
        let dir = TempDir::new_in(directory(&place))?;
        let name = file.path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            file,
            place,
            made: dir.path().join(name),
            dir,
        })
    }

    fn commit(&self, linked: bool, inputs: &[PathBuf]) -> Result<(), Message> {
        let path = &self.file.path;
        let cannot_write = |error: &io::Error| {
            let (path, reason) = (path.display(), reason(error));
            Message::error(match self.file.kind {
                WrittenKind::Output => format!("failed to write output '{path}': {reason}"),
                _ => format!("cannot write to {path}: {reason}"),
            })
        };
        let entries = fs::read_dir(self.dir.path()).and_then(Iterator::collect::<io::Result<_>>);
        let entries: Vec<fs::DirEntry> = entries.map_err(|error| cannot_write(&error))?;
        for entry in entries {
            if entry.path() != self.made {
                // An intermediate file, which is named after this one.
                let place = directory(&self.place).join(entry.file_name());
                check_intermediate(&place, inputs)?;
                fs::rename(entry.path(), place).map_err(|error| cannot_write(&error))?;
            }
        }
        let is_of_failed = matches!(
            self.file.kind,
            WrittenKind::WhyExtract | WrittenKind::Reproduce
        );
        if !self.made.exists() || !linked && !is_of_failed {
            return Ok(());
        }
        self.replace().map_err(|error| cannot_write(&error))
    }

    /// Brings the file itself to its place. LLD replaces an output, and writes into a report that is
    /// there, which keeps its permissions.
    fn replace(&self) -> io::Result<()> {
        if self.file.kind != WrittenKind::Output
            && let Ok(replaced) = fs::metadata(&self.place)
        {
            fs::set_permissions(&self.made, replaced.permissions())?;
        }
        fs::rename(&self.made, &self.place)
    }
}

/// Fails if one of `inputs` is the file at `place`, which an intermediate file is to replace.
fn check_intermediate(place: &Path, inputs: &[PathBuf]) -> Result<(), Message> {
    let Some(there) = FileIdentity::of(place) else {
        return Ok(());
    };
    match (inputs.iter()).find(|input| FileIdentity::of(input).as_ref() == Some(&there)) {
        Some(input) => Err(Message::error(format!(
            "{}: an intermediate file would overwrite the input {}",
            place.display(),
            input.display()
        ))),
        None => Ok(()),
    }
}
