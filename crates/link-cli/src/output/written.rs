//! The files that a link writes. They must be distinct, and no file may be an input.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::named::members_of_thin_archives;
use super::{Stream, Target, is_special};
use crate::config::{Config, Destination};
use crate::report::Message;
use crate::sys::{self, FileIdentity, InputFiles};
use replace_file::{directory, follow};

/// The files that a link writes, devices and pipes aside.
#[derive(Debug)]
pub(crate) struct Written {
    files: Vec<WrittenFile>,
    /// The file that standard output is, if it is one and something is printed there.
    stdout: Option<FileIdentity>,
}

#[derive(Debug)]
pub(crate) struct WrittenFile {
    pub(crate) kind: WrittenKind,
    /// Its path as it was given.
    pub(crate) path: PathBuf,
    place: WrittenPlace,
}

/// The role of a file that a link writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WrittenKind {
    Output,
    Map,
    WhyExtract,
    SizeReport,
    DependencyFile,
    Reproduce,
    LtoObjPath,
    ThinltoIndexOnly,
}

impl WrittenKind {
    /// The option that names it, with `=` if the path is joined to it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Output => "-o",
            Self::Map => "--Map=",
            Self::WhyExtract => "--why-extract=",
            Self::SizeReport => "--size-report=",
            Self::DependencyFile => "--dependency-file=",
            Self::Reproduce => "--reproduce=",
            Self::LtoObjPath => "--lto-obj-path=",
            Self::ThinltoIndexOnly => "--thinlto-index-only=",
        }
    }

    /// Its name in messages about writing it.
    fn as_written(self) -> &'static str {
        match self {
            Self::Output => "the output",
            Self::Map => "the map",
            Self::WhyExtract => "the --why-extract= file",
            Self::SizeReport => "the --size-report= file",
            Self::DependencyFile => "the --dependency-file= file",
            Self::Reproduce => "the --reproduce file",
            Self::LtoObjPath => "the --lto-obj-path= file",
            Self::ThinltoIndexOnly => "the --thinlto-index-only= file",
        }
    }

    /// Its name in messages about opening it.
    pub(crate) fn as_opened(self) -> &'static str {
        match self {
            Self::Output => "output file",
            Self::Map => "map file",
            other => other.as_written().trim_start_matches("the "),
        }
    }
}

/// The identity of a place: paths to one place have the same.
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
    /// The files that `config` names. Fails if two of them are the same file, or one is a response
    /// file, which the command line was read from.
    pub(crate) fn of(
        config: &Config,
        target: &Target,
        response_files: &[PathBuf],
    ) -> Result<Self, Message> {
        let reports = &config.reports;
        let lto = &config.lto;
        let file = |place: &Option<Destination>| place.as_ref().and_then(Destination::file);
        let output = match target {
            Target::Path(path) => Some(path.clone()),
            Target::Stream(_) => None,
        };
        let all = [
            (WrittenKind::Output, output),
            (WrittenKind::Map, file(&reports.map)),
            (WrittenKind::WhyExtract, file(&reports.why_extract)),
            (
                WrittenKind::DependencyFile,
                config.own.dependency_file.clone(),
            ),
            (WrittenKind::Reproduce, reports.reproduce_file()),
            (WrittenKind::LtoObjPath, lto.obj_path.clone()),
            (WrittenKind::ThinltoIndexOnly, lto.index_only_list.clone()),
        ];
        let prints = matches!(target, Target::Stream(Stream::Stdout))
            || config.options.cross_references
            || config.prints_report();
        let mut written = Self {
            files: Vec::new(),
            stdout: if prints { standard_output() } else { None },
        };
        let sizes = (reports.sizes.iter()).map(|size| (WrittenKind::SizeReport, size.place.file()));
        for (kind, path) in all.into_iter().chain(sizes) {
            if let Some(path) = path {
                written.add(kind, path)?;
            }
        }
        for path in response_files {
            written.check_input(path)?;
        }
        Ok(written)
    }

    /// All of them, the output first.
    pub(crate) fn files(&self) -> &[WrittenFile] {
        &self.files
    }

    /// Adds a file; fails if it is one of those before.
    fn add(&mut self, kind: WrittenKind, path: PathBuf) -> Result<(), Message> {
        let Some(place) = WrittenPlace::of(&path) else {
            return Ok(());
        };
        if let Some(other) = self.files.iter().find(|other| other.place == place) {
            let (shown, other_shown) = (path.display(), other.path.display());
            return Err(Message::error(format!(
                "{shown}: {} would overwrite {} {other_shown}",
                kind.as_written(),
                other.kind.as_written()
            )));
        }
        self.files.push(WrittenFile { kind, path, place });
        Ok(())
    }

    /// Fails if one of them is the file at `path`, which is an input.
    fn check_input(&self, path: &Path) -> Result<(), Message> {
        if !self.is_any_there() {
            return Ok(());
        }
        let Some(input) = FileIdentity::of(path) else {
            return Ok(());
        };
        let input = WrittenPlace::File(input);
        match self.files.iter().find(|file| file.place == input) {
            Some(file) => Err(file.would_overwrite(path)),
            None => Ok(()),
        }
    }

    /// Fails if one of them, or standard output, is among `inputs`.
    pub(crate) fn check_named(&self, inputs: &[PathBuf]) -> Result<(), Message> {
        if let Some(stdout) = &self.stdout
            && let Some(input) =
                (inputs.iter()).find(|input| FileIdentity::of(input).as_ref() == Some(stdout))
        {
            return Err(stdout_is(input));
        }
        inputs.iter().try_for_each(|path| self.check_input(path))
    }

    /// Fails if standard output was read. This comes before something is printed there.
    pub(crate) fn check_stdout(&self, files: &InputFiles) -> Result<(), Message> {
        let stdout = self.stdout.as_ref();
        match stdout.and_then(|stdout| files.find(stdout)) {
            Some(input) => Err(stdout_is(&input)),
            None => Ok(()),
        }
    }

    /// Fails if one of them was read, or is a member of a thin archive that was read.
    pub(crate) fn check_read(&self, files: &InputFiles) -> Result<(), Message> {
        for file in &self.files {
            if let WrittenPlace::File(identity) = &file.place
                && let Some(input) = files.find(identity)
            {
                return Err(file.would_overwrite(&input));
            }
        }
        if !self.is_any_there() {
            return Ok(());
        }
        let members = members_of_thin_archives(files.thin_archives());
        let overwritten = sys::find_all(&members, |path| self.check_input(path).is_err());
        overwritten
            .into_iter()
            .min()
            .map_or(Ok(()), |path| self.check_input(path))
    }

    /// Whether one of them would replace a file.
    fn is_any_there(&self) -> bool {
        let mut places = self.files.iter().map(|file| &file.place);
        places.any(|place| matches!(place, WrittenPlace::File(_)))
    }
}

/// The file that standard output is, if it is a regular one.
fn standard_output() -> Option<FileIdentity> {
    // A system without this path does not tell.
    let path = Path::new("/dev/stdout");
    path.is_file().then(|| FileIdentity::of(path)).flatten()
}

fn stdout_is(input: &Path) -> Message {
    Message::error(format!(
        "standard output would overwrite the input {}",
        input.display()
    ))
}

impl WrittenFile {
    fn would_overwrite(&self, input: &Path) -> Message {
        Message::error(format!(
            "{}: {} would overwrite the input {}",
            self.path.display(),
            self.kind.as_written(),
            input.display()
        ))
    }
}
