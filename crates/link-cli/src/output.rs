//! The output's place: what may not be written to, and outputs that are no regular files.

mod new_file;

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use link_core::link::{Room, Sink};

use crate::config::{InputKind, LinkArgs};
use crate::report::{self, Message};
use crate::sys::FileIdentity;
use new_file::NewFile;

/// Where a linked module goes.
#[derive(Debug)]
pub(crate) enum Target {
    /// A regular file, or a path where there is nothing yet.
    Path(PathBuf),
    /// Something that bytes are written into.
    Stream(Stream),
}

/// Something that cannot be replaced, only written into.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    Stdout,
    /// A device or a named pipe.
    Special(PathBuf),
}

impl Target {
    /// Looks at what `output` is. Fails when it is a directory or one of the inputs.
    pub(crate) fn new(output: &Path, link: &LinkArgs) -> Result<Self, Message> {
        if output.as_os_str() == "-" {
            return Ok(Self::Stream(Stream::Stdout));
        }
        let Ok(metadata) = fs::metadata(output) else {
            return Ok(Self::Path(output.to_owned()));
        };
        if metadata.is_dir() {
            let shown = output.display();
            return Err(Message::error(format!(
                "cannot open output file {shown}: Is a directory"
            )));
        }
        if !metadata.is_file() {
            return Ok(Self::Stream(Stream::Special(output.to_owned())));
        }
        match input_at(output, link) {
            Some(input) => Err(Message::error(format!(
                "{}: the output would overwrite the input {}",
                output.display(),
                input.display()
            ))),
            None => Ok(Self::Path(output.to_owned())),
        }
    }

    /// Its path, or `-`.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Stream(Stream::Special(path)) => path,
            Self::Stream(Stream::Stdout) => Path::new("-"),
        }
    }

    /// Its path as messages show it.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        self.path().to_string_lossy()
    }
}

impl Stream {
    /// Writes all that `module` has.
    pub(crate) fn copy(&self, mut module: impl Read) -> Result<(), Message> {
        let copied = match self {
            Stream::Stdout => {
                let mut stdout = io::stdout().lock();
                io::copy(&mut module, &mut stdout).and_then(|_| stdout.flush())
            }
            Stream::Special(path) => OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut file| io::copy(&mut module, &mut file).map(drop)),
        };
        let name = match self {
            Stream::Stdout => "standard output".to_owned(),
            Stream::Special(path) => path.display().to_string(),
        };
        copied.map_err(|error| {
            let reason = report::reason(&error);
            Message::error(format!("cannot write to {name}: {reason}"))
        })
    }
}

/// An output that is being made in this process. Nothing is seen of it before
/// [`commit`](Self::commit), and what was there before stays until then.
#[derive(Debug)]
pub(crate) enum Output {
    File(NewFile),
    Stream { to: Stream, module: Vec<u8> },
}

impl Output {
    /// Sees whether `target` can be made.
    pub(crate) fn open(target: &Target) -> Result<Self, Message> {
        match target {
            Target::Path(path) => match NewFile::beside(path) {
                Ok(file) => Ok(Self::File(file)),
                Err(error) => Err(Message::error(format!(
                    "cannot open output file {}: {}",
                    path.display(),
                    report::reason(&error)
                ))),
            },
            Target::Stream(to) => Ok(Self::Stream {
                to: to.clone(),
                module: Vec::new(),
            }),
        }
    }

    /// Brings the module to its place.
    pub(crate) fn commit(&mut self) -> Result<(), Message> {
        match self {
            Self::Stream { to, module } => to.copy(&**module),
            Self::File(file) => file.commit().map_err(|error| {
                let name = file.path().display();
                let reason = report::reason(&error);
                Message::error(format!("failed to write output '{name}': {reason}"))
            }),
        }
    }
}

impl Sink for Output {
    fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
        match self {
            Self::File(file) => file.room(len),
            Self::Stream { module, .. } => module.room(len),
        }
    }

    fn room_or_places(&mut self, len: usize) -> io::Result<Room<'_>> {
        match self {
            Self::File(file) => file.room_or_places(len),
            Self::Stream { module, .. } => module.room_or_places(len),
        }
    }
}

/// The input that is the same file as `output`.
fn input_at(output: &Path, link: &LinkArgs) -> Option<PathBuf> {
    let output = FileIdentity::of(output)?;
    let is_output = |path: &Path| FileIdentity::of(path).as_ref() == Some(&output);
    link.inputs.iter().find_map(|input| match &input.what {
        InputKind::File(path) => is_output(path).then(|| path.clone()),
        InputKind::Library(name) => {
            let files = match name.strip_prefix(':') {
                Some(file) => vec![file.to_owned()],
                None if input.allow_shared => vec![format!("lib{name}.so"), format!("lib{name}.a")],
                None => vec![format!("lib{name}.a")],
            };
            let found = link
                .library_paths
                .iter()
                .flat_map(|dir| files.iter().map(move |file| dir.join(file)))
                .find(|path| path.exists())?;
            is_output(&found).then_some(found)
        }
    })
}
