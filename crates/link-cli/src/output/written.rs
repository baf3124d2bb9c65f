//! The files that a link writes. None of them may be an input, or another of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::new_file::{directory, follow};
use super::{Target, is_special};
use crate::config::{Config, Destination, InputKind, LinkArgs};
use crate::report::Message;
use crate::sys::{FileIdentity, InputFiles};

/// The files that a link writes, devices and pipes aside.
#[derive(Debug, Default)]
pub(crate) struct Written {
    files: Vec<WrittenFile>,
}

#[derive(Debug)]
struct WrittenFile {
    /// What it is to the user.
    what: &'static str,
    path: PathBuf,
    place: WrittenPlace,
}

/// What paths to one place have in common.
#[derive(Debug, PartialEq, Eq)]
enum WrittenPlace {
    File(FileIdentity),
    /// Nothing is there yet: its directory and its name.
    Free(FileIdentity, OsString),
}

impl WrittenPlace {
    /// `None`: a device or a pipe, or no place at all.
    fn of(path: &Path) -> Option<Self> {
        if is_special(path).unwrap_or(true) {
            return None;
        }
        if let Some(file) = FileIdentity::of(path) {
            return Some(Self::File(file));
        }
        let place = follow(path).ok()?;
        let name = place.file_name()?.to_owned();
        Some(Self::Free(FileIdentity::of(directory(&place))?, name))
    }
}

impl Written {
    /// What `config` says. Fails if two of them are one file, or one is among `response_files`, which
    /// the command line was read from.
    pub(crate) fn of(
        config: &Config,
        target: &Target,
        response_files: &[PathBuf],
    ) -> Result<Self, Message> {
        let reports = &config.link.reports;
        let lto = &config.link.lto;
        let file = |destination: &Option<Destination>| match destination {
            Some(Destination::File(path)) => Some(path.clone()),
            Some(Destination::Stdout) | None => None,
        };
        let output = match target {
            Target::Path(path) => Some(path.clone()),
            Target::Stream(_) => None,
        };
        let all = [
            ("the output", output),
            ("the map", file(&reports.map)),
            ("the --why-extract= file", file(&reports.why_extract)),
            (
                "the --dependency-file= file",
                config.own.dependency_file.clone(),
            ),
            ("the --reproduce file", reports.reproduce_file()),
            ("the --lto-obj-path= file", lto.obj_path.clone()),
            (
                "the --thinlto-index-only= file",
                lto.thin.index_only_list.clone(),
            ),
        ];
        let mut written = Self::default();
        for (what, path) in all {
            if let Some(path) = path {
                written.add(what, path)?;
            }
        }
        for path in response_files {
            written.check_input(path)?;
        }
        Ok(written)
    }

    /// Adds a file; fails if it is one of those before.
    fn add(&mut self, what: &'static str, path: PathBuf) -> Result<(), Message> {
        let Some(place) = WrittenPlace::of(&path) else {
            return Ok(());
        };
        if let Some(other) = self.files.iter().find(|other| other.place == place) {
            let (shown, other_shown) = (path.display(), other.path.display());
            return Err(Message::error(format!(
                "{shown}: {what} would overwrite {} {other_shown}",
                other.what
            )));
        }
        self.files.push(WrittenFile { what, path, place });
        Ok(())
    }

    /// Fails if one of them is the file at `path`, which is an input.
    fn check_input(&self, path: &Path) -> Result<(), Message> {
        let Some(input) = FileIdentity::of(path) else {
            return Ok(());
        };
        let input = WrittenPlace::File(input);
        match self.files.iter().find(|file| file.place == input) {
            Some(file) => Err(file.would_overwrite(path)),
            None => Ok(()),
        }
    }

    /// Fails if one of them is among the inputs that `link` names.
    pub(crate) fn check_named(&self, link: &LinkArgs) -> Result<(), Message> {
        if !self
            .files
            .iter()
            .any(|file| matches!(file.place, WrittenPlace::File(_)))
        {
            return Ok(());
        }
        for input in &link.inputs {
            match &input.what {
                InputKind::File(path) => self.check_input(path)?,
                InputKind::Library(name) => {
                    if let Some(path) = library(name, input.allow_shared, link) {
                        self.check_input(&path)?;
                    }
                }
            }
        }
        for path in &link.symbols.allow_undefined_files {
            self.check_input(path)?;
        }
        Ok(())
    }

    /// Fails if one of them was read. That is more than what the command line names: members of thin
    /// archives are files, too.
    pub(crate) fn check_read(&self, files: &InputFiles) -> Result<(), Message> {
        for file in &self.files {
            if let WrittenPlace::File(identity) = &file.place
                && let Some(input) = files.find(identity)
            {
                return Err(file.would_overwrite(&input));
            }
        }
        Ok(())
    }
}

impl WrittenFile {
    fn would_overwrite(&self, input: &Path) -> Message {
        Message::error(format!(
            "{}: {} would overwrite the input {}",
            self.path.display(),
            self.what,
            input.display()
        ))
    }
}

/// The file of the library `name`, as `-l` has it.
fn library(name: &str, allow_shared: bool, link: &LinkArgs) -> Option<PathBuf> {
    let files = match name.strip_prefix(':') {
        Some(file) => vec![file.to_owned()],
        None if allow_shared => vec![format!("lib{name}.so"), format!("lib{name}.a")],
        None => vec![format!("lib{name}.a")],
    };
    (link.library_paths.iter())
        .flat_map(|dir| files.iter().map(move |file| dir.join(file)))
        .find(|path| path.exists())
}
