//! The output's place: files that must not be overwritten, and outputs that are no regular files.

mod named;
mod new_file;
mod written;

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use link_core::{Room, Sink};
use replace_file::Permissions;

use crate::report::{self, Message};
use crate::sys::FileIdentity;
pub(crate) use named::named_inputs;
pub(crate) use new_file::NewFile;
pub(crate) use replace_file::{directory, follow};
pub(crate) use written::{Written, WrittenFile, WrittenKind};

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
    /// Looks at what `output` is. Fails when it is a directory.
    pub(crate) fn new(output: &Path) -> Result<Self, Message> {
        if output.as_os_str() == "-" {
            return Ok(Self::Stream(Stream::Stdout));
        }
        match is_special(output) {
            Ok(true) => Ok(Self::Stream(Stream::Special(output.to_owned()))),
            Ok(false) => Ok(Self::Path(output.to_owned())),
            Err(error) => Err(Message::error(format!(
                "cannot open output file {}: {}",
                output.display(),
                report::reason(&error)
            ))),
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
                .truncate(true)
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

/// An output that is being made in this process. It appears at [`commit`](Self::commit), and the
/// earlier output stays until then.
#[derive(Debug)]
pub(crate) enum Output {
    File(NewFile),
    Stream {
        to: Stream,
        module: Vec<u8>,
    },
    /// A core module, from which the output is made.
    Core {
        module: Vec<u8>,
        output: Box<Output>,
    },
}

impl Output {
    /// Sees whether `target` can be made.
    pub(crate) fn open(target: &Target) -> Result<Self, Message> {
        match target {
            Target::Path(path) => match NewFile::beside(path, Permissions::Executable) {
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

    /// The same output, made from a core module that is linked first.
    pub(crate) fn behind_core_module(self) -> Self {
        Self::Core {
            module: Vec::new(),
            output: Box::new(self),
        }
    }

    /// Has `make` make the output from the core module. Without one, there is nothing to do.
    pub(crate) fn replace_core_module(
        &mut self,
        make: impl FnOnce(&[u8]) -> Result<Vec<u8>, Message>,
    ) -> Result<(), Message> {
        let Self::Core { module, output } = self else {
            return Ok(());
        };
        let made = make(module)?;
        output.fill(&made)?;
        let output = std::mem::replace(
            &mut **output,
            Self::Stream {
                to: Stream::Stdout,
                module: Vec::new(),
            },
        );
        *self = output;
        Ok(())
    }

    /// Makes `bytes` the output, which still has to be brought to its place.
    fn fill(&mut self, bytes: &[u8]) -> Result<(), Message> {
        let filled = self
            .room(bytes.len())
            .map(|room| room.copy_from_slice(bytes));
        filled.map_err(|error| {
            let (len, reason) = (bytes.len(), report::reason(&error));
            Message::error(format!(
                "cannot make room for {len} bytes of output: {reason}"
            ))
        })
    }

    /// Brings the module to its place.
    pub(crate) fn commit(&mut self) -> Result<(), Message> {
        match self {
            Self::Stream { to, module } => to.copy(&**module),
            Self::Core { output, .. } => output.commit(),
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
            Self::Stream { module, .. } | Self::Core { module, .. } => module.room(len),
        }
    }

    fn room_or_places(&mut self, len: usize) -> io::Result<Room<'_>> {
        match self {
            Self::File(file) => file.room_or_places(len),
            Self::Stream { module, .. } | Self::Core { module, .. } => module.room_or_places(len),
        }
    }
}

/// Whether a device or a pipe is at `path`, which cannot be replaced, only written into. Fails for a
/// directory. A path that cannot be examined counts as free.
pub(crate) fn is_special(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            // In the words of the system.
            Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "Is a directory",
            ))
        }
        Ok(metadata) => Ok(!metadata.is_file() || !is_where_links_lead(path)),
        Err(_) => Ok(false),
    }
}

/// Whether the file at `path` is where its links lead. `/dev/stdout` can be a file that was removed.
fn is_where_links_lead(path: &Path) -> bool {
    follow(path).is_ok_and(|place| {
        let is_there = || FileIdentity::of(&place).is_some();
        place == path || is_there() && FileIdentity::of(&place) == FileIdentity::of(path)
    })
}
