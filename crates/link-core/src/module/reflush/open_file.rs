//! The file of an open output.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::env::FileIdentity;
use crate::module::flush::FlushError;
use crate::module::output_file::OutputFile;

/// What a module begins with, and what a file that is being patched begins with.
const TORN: [u8; 4] = [0; 4];

/// A file that is written whole, and then in place.
pub(super) struct OpenFile {
    path: PathBuf,
    /// Opened for the first write.
    first: Option<OutputFile>,
    /// The file as it was left; `None` if it has to be written whole.
    open: Option<(File, LeftFile)>,
}

/// What tells a file that others changed, replaced or gave another name.
#[derive(Debug, PartialEq, Eq)]
struct LeftFile {
    identity: FileIdentity,
    /// How many names it has, where that is known.
    links: Option<u64>,
}

impl LeftFile {
    fn new(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let links = Some(std::os::unix::fs::MetadataExt::nlink(metadata));
        #[cfg(not(unix))]
        let links = None;
        Self {
            identity: FileIdentity::of(metadata),
            links,
        }
    }
}

impl OpenFile {
    pub(super) fn create(path: &Path) -> Result<Self, FlushError> {
        let first = OutputFile::create(path)?;
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(FlushError::Io {
                action: "patch",
                path: path.to_owned(),
                source: io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            first: Some(first),
            open: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file at the path is the one that was written, and as it was left.
    pub(super) fn is_as_it_was_left(&self) -> bool {
        let now = fs::metadata(&self.path).map(|metadata| LeftFile::new(&metadata));
        let left = self.open.as_ref();
        now.is_ok_and(|now| left.is_some_and(|(_, left)| *left == now))
    }

    /// Writes everything to a new file, which takes the place of what was there.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> Result<(), FlushError> {
        self.open = None;
        let new = match self.first.take() {
            Some(first) => first,
            None => OutputFile::create(&self.path)?,
        };
        if let Some(file) = new.commit_and_keep(bytes)? {
            let identity = file.metadata().map_err(|source| self.error(source))?;
            self.open = Some((file, LeftFile::new(&identity)));
        }
        Ok(())
    }

    /// Writes what changed.
    pub(super) fn patch(
        &mut self,
        bytes: &[u8],
        changed: &[Range<usize>],
    ) -> Result<(), FlushError> {
        if changed.is_empty() {
            return Ok(());
        }
        // Whatever goes wrong from here on, the file is written whole the next time.
        let Some((file, _)) = self.open.take() else {
            return self.replace(bytes);
        };
        let identity = write_ranges(&file, bytes, changed);
        let identity = identity.map_err(|source| self.error(source))?;
        self.open = Some((file, identity));
        Ok(())
    }

    fn error(&self, source: io::Error) -> FlushError {
        FlushError::Io {
            action: "write",
            path: self.path.clone(),
            source,
        }
    }
}

fn write_ranges(mut file: &File, bytes: &[u8], changed: &[Range<usize>]) -> io::Result<LeftFile> {
    let mut write = |at: usize, bytes: &[u8]| {
        file.seek(SeekFrom::Start(at as u64))?;
        file.write_all(bytes)
    };
    write(0, &TORN)?;
    for range in changed {
        write(range.start, &bytes[range.clone()])?;
    }
    write(0, &bytes[..TORN.len()])?;
    file.metadata().map(|metadata| LeftFile::new(&metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_patched_is_written_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut file = OpenFile::create(&path).unwrap();
        file.replace(b"\0asm, old").unwrap();
        assert!(file.is_as_it_was_left());
        if let Some((open, _)) = &mut file.open {
            *open = File::open(&path).unwrap(); // to be read
        }
        let new = b"\0asm, new";
        let error = file.patch(new, &[4..5, 6..9]).unwrap_err().to_string();
        assert!(error.starts_with("cannot write "), "{error}");
        assert!(!file.is_as_it_was_left());
        assert_eq!(fs::read(&path).unwrap(), b"\0asm, old");
        file.replace(new).unwrap();
        assert!(file.is_as_it_was_left());
        file.patch(b"\0asm: now", &[4..5, 6..9]).unwrap();
        assert!(file.is_as_it_was_left());
        assert_eq!(fs::read(&path).unwrap(), b"\0asm: now");
    }

    /// A writer that is killed leaves what does not load.
    #[test]
    fn what_is_written_in_part_is_no_module() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        fs::write(&path, b"\0asm, old").unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let killed = std::panic::catch_unwind(|| {
            // The second range lies outside of the bytes.
            let outside = 20..22;
            write_ranges(&file, b"\0asm, new", &[6..9, outside])
        });
        assert!(killed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"\0\0\0\0, new");
    }
}
