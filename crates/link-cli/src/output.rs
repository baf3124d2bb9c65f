//! The output's place: what may not be written to, and outputs that are no regular files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config::{InputKind, LinkArgs};
use crate::report::Message;
use crate::sys::{self, TempDir};

/// Where a linked module goes.
#[derive(Debug)]
pub(crate) enum Target {
    /// A regular file, or a path where there is nothing yet: the backend makes it.
    Path(PathBuf),
    /// Something that bytes are written into: the backend makes `made`, which is then copied.
    Stream {
        to: Stream,
        made: PathBuf,
        /// Where `made` is; removed with this value.
        dir: TempDir,
    },
}

/// Something that cannot be replaced, only written into.
#[derive(Debug)]
pub(crate) enum Stream {
    Stdout,
    /// A device or a named pipe.
    Special(PathBuf),
}

impl Target {
    /// Looks at what `output` is. Fails when it is a directory or one of the inputs.
    pub(crate) fn new(output: &Path, link: &LinkArgs) -> Result<Self, Message> {
        if output.as_os_str() == "-" {
            return Self::stream(Stream::Stdout, output);
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
            return Self::stream(Stream::Special(output.to_owned()), output);
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

    /// The temporary module has the output's file name, since that is the name of the module.
    fn stream(to: Stream, output: &Path) -> Result<Self, Message> {
        let dir = TempDir::new()?;
        let made = dir
            .path()
            .join(output.file_name().unwrap_or("a.wasm".as_ref()));
        Ok(Self::Stream { to, made, dir })
    }

    /// The file that the backend has to make.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Stream { made, .. } => made,
        }
    }

    /// Whether the output is copied to its place after the link.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }

    /// Brings what the backend made to its place.
    pub(crate) fn finish(self) -> Result<(), Message> {
        let Self::Stream {
            to,
            made,
            dir: _dir,
        } = self
        else {
            return Ok(());
        };
        let mut module = File::open(&made)
            .map_err(|error| Message::error(format!("cannot open {}: {error}", made.display())))?;
        let copied = match &to {
            Stream::Stdout => {
                let mut stdout = io::stdout().lock();
                io::copy(&mut module, &mut stdout).and_then(|_| stdout.flush())
            }
            Stream::Special(path) => OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut file| io::copy(&mut module, &mut file).map(drop)),
        };
        let name = match &to {
            Stream::Stdout => "standard output".to_owned(),
            Stream::Special(path) => path.display().to_string(),
        };
        copied.map_err(|error| Message::error(format!("cannot write to {name}: {error}")))
    }
}

/// The input that is the same file as `output`, which exists.
fn input_at(output: &Path, link: &LinkArgs) -> Option<PathBuf> {
    link.inputs.iter().find_map(|input| match &input.what {
        InputKind::File(path) => sys::same_file(path, output).then(|| path.clone()),
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
            sys::same_file(&found, output).then_some(found)
        }
    })
}
