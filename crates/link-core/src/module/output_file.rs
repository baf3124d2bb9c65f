//! Writing to a writer or a file.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use replace_file::NewFile;

use super::Module;
use super::flush::{FlushError, FlushMap};

/// A file that a module will be written to: opened early, so that a bad path fails before
/// the compile. It appears under its name when the module is written and complete; if that
/// fails, or never happens, what was there stays.
///
/// ```
/// use link_core::module::{Module, OutputFile};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("out.wasm");
/// let file = OutputFile::create(&path).unwrap();
/// let module = Module::default(); // and a compiler at work
/// module.flush_to_file(file).unwrap();
/// assert!(path.exists());
/// ```
pub struct OutputFile {
    path: PathBuf,
    destination: Destination,
}

enum Destination {
    /// A regular file, or nothing yet.
    Replaced(NewFile),
    /// A device or a pipe, which cannot be replaced.
    InPlace(File),
}

impl Destination {
    fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(old) if old.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(old) if !old.is_file() => {
                return OpenOptions::new().write(true).open(path).map(Self::InPlace);
            }
            Ok(old) if old.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        NewFile::create(path).map(Self::Replaced)
    }

    fn commit(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::InPlace(mut file) => file.write_all(bytes),
            Self::Replaced(mut file) => {
                file.file().write_all(bytes)?;
                file.commit()
            }
        }
    }
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OutputFile").field(&self.path).finish()
    }
}

impl OutputFile {
    /// Opens a file for output. A regular file is written beside its place and renamed,
    /// through symbolic links and with its permissions kept; what is no regular file, such
    /// as a device, is written to.
    ///
    /// # Errors
    /// If nothing can be written there: the directory does not exist or allows no new
    /// files, the file is read-only or a directory.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, FlushError> {
        let path = path.as_ref().to_owned();
        match Destination::open(&path) {
            Ok(destination) => Ok(Self { path, destination }),
            Err(source) => Err(FlushError::Io {
                action: "create",
                path,
                source,
            }),
        }
    }

    /// [Commits](Self::commit) and returns the file, open for reading and writing; `None` if it
    /// is no regular one.
    pub(super) fn commit_and_keep(self, bytes: &[u8]) -> Result<Option<File>, FlushError> {
        let file = match &self.destination {
            Destination::Replaced(new) => new.file().try_clone().map(Some),
            Destination::InPlace(_) => Ok(None),
        };
        let file = file.map_err(|source| FlushError::Io {
            action: "open",
            path: self.path.clone(),
            source,
        })?;
        self.commit(bytes)?;
        Ok(file)
    }

    fn commit(self, bytes: &[u8]) -> Result<(), FlushError> {
        let Self { path, destination } = self;
        destination.commit(bytes).map_err(|source| FlushError::Io {
            action: "write",
            path,
            source,
        })
    }
}

impl Module {
    /// [Flushes](Self::flush) to a writer. Nothing is written if the module is not complete.
    ///
    /// # Errors
    /// As [`flush`](Self::flush), and if the writer fails.
    pub fn flush_to_writer(&self, mut writer: impl Write) -> Result<FlushMap, FlushError> {
        let flushed = self.flush()?;
        write(&mut writer, &flushed.bytes)?;
        Ok(flushed.map)
    }

    /// [Flushes](Self::flush) to a file.
    ///
    /// # Errors
    /// As [`flush`](Self::flush), and if the file cannot be written.
    pub fn flush_to_file(&self, file: OutputFile) -> Result<FlushMap, FlushError> {
        let flushed = self.flush()?;
        file.commit(&flushed.bytes)?;
        Ok(flushed.map)
    }

    /// Writes the [object](Self::write_object) to a writer.
    ///
    /// # Errors
    /// As [`write_object`](Self::write_object), and if the writer fails.
    pub fn write_object_to_writer(&self, mut writer: impl Write) -> Result<FlushMap, FlushError> {
        let object = self.write_object()?;
        write(&mut writer, &object.bytes)?;
        Ok(object.map)
    }

    /// Writes the [object](Self::write_object) to a file.
    ///
    /// # Errors
    /// As [`write_object`](Self::write_object), and if the file cannot be written.
    pub fn write_object_to_file(&self, file: OutputFile) -> Result<FlushMap, FlushError> {
        let object = self.write_object()?;
        file.commit(&object.bytes)?;
        Ok(object.map)
    }
}

fn write(writer: &mut dyn Write, bytes: &[u8]) -> Result<(), FlushError> {
    let written: io::Result<()> = writer.write_all(bytes).and_then(|()| writer.flush());
    written.map_err(FlushError::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_where_nothing_can_be_written_fails_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("read-only");
        fs::write(&file, "old").unwrap();
        let mut permissions = fs::metadata(&file).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&file, permissions).unwrap();
        for wrong in [directory.path(), &directory.path().join("no/out"), &file] {
            assert!(OutputFile::create(wrong).is_err(), "{}", wrong.display());
        }
        assert_eq!(fs::read(&file).unwrap(), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to() {
        let device = OutputFile::create("/dev/null").unwrap();
        Module::default().flush_to_file(device).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
