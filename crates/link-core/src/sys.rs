//! What asks the platform: making a file appear under its name at once, and paths that are bytes.
//!
//! The standard library has all of it on every platform, so there is one implementation.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The path that `bytes` are in a file of this platform. Where paths are Unicode, what is none becomes
/// replacement characters, which are in no file's name.
#[cfg(unix)]
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Cow<'_, Path> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Cow<'_, Path> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(Path::new(text)),
        Cow::Owned(text) => Cow::Owned(text.into()),
    }
}

/// How many names are tried for a file beside another; each one that is taken belongs to a
/// writer that runs now or was killed.
const NAMES: u32 = 1000;
/// How many symbolic links are followed to what does not exist yet.
const LINKS: usize = 40;

/// A file that is being made. It appears under its name, complete, when it is committed;
/// dropped before, it leaves what was there as it was.
///
/// What is no regular file (a device, a pipe) cannot be replaced and is written to instead.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: File,
    /// Where it is now, and where it belongs; `None` if it is written to in place.
    moves: Option<(PathBuf, PathBuf)>,
}

impl NewFile {
    /// Opens a file beside `path`, or `path` itself if that is there and no regular file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let target = resolve(path)?;
        let old = match fs::metadata(&target) {
            Ok(old) if old.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(old) if !old.is_file() => {
                let file = OpenOptions::new().write(true).open(&target)?;
                return Ok(Self { file, moves: None });
            }
            Ok(old) if old.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (file, temporary) = beside(&target)?;
        let new = Self {
            file,
            moves: Some((temporary, target)),
        };
        if let (Some(old), Some((temporary, _))) = (old, &new.moves) {
            fs::set_permissions(temporary, old.permissions())?;
        }
        Ok(new)
    }

    /// Writes all of the contents and puts the file in its place.
    pub(crate) fn commit(mut self, contents: &[u8]) -> io::Result<()> {
        self.file.write_all(contents)?;
        if let Some((temporary, target)) = &self.moves {
            fs::rename(temporary, target)?;
        }
        self.moves = None;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.moves {
            // Who made it was told why there is no file; one more that cannot be removed
            // does not change that.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Where `path` leads through symbolic links, whether there is something or not.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_symlink() => {
                let leads_to = fs::read_link(&path)?;
                path = match path.parent() {
                    Some(parent) => parent.join(leads_to),
                    None => leads_to,
                };
            }
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// A new file in the directory of `path`, so that renaming it stays in one file system.
fn beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    for number in 0..NAMES {
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{number}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let new = NewFile::create(&path).unwrap();
        assert!(!path.exists());
        new.commit(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(entries(directory.path()), ["out"]);
    }

    #[test]
    fn a_file_that_is_not_committed_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        fs::write(&path, "old").unwrap();
        drop(NewFile::create(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(entries(directory.path()), ["out"]);
    }

    #[test]
    fn two_writers_do_not_meet() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let (first, second) = (
            NewFile::create(&path).unwrap(),
            NewFile::create(&path).unwrap(),
        );
        second.commit(b"second").unwrap();
        first.commit(b"first").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(entries(directory.path()), ["out"]);
    }

    #[test]
    fn a_bad_path_fails_at_once() {
        let directory = tempfile::tempdir().unwrap();
        assert!(NewFile::create(&directory.path().join("no/out")).is_err());
        assert!(NewFile::create(directory.path()).is_err());
        assert!(NewFile::create(Path::new("")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_modes_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("out"), directory.path().join("link"));
        symlink("out", &link).unwrap();
        NewFile::create(&link).unwrap().commit(b"1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        NewFile::create(&link).unwrap().commit(b"2").unwrap();
        assert!(
            fs::symlink_metadata(&link)
                .unwrap()
                .file_type()
                .is_symlink()
        );
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o750
        );
        symlink("b", directory.path().join("a")).unwrap();
        symlink("a", directory.path().join("b")).unwrap();
        assert!(NewFile::create(&directory.path().join("a")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to() {
        NewFile::create(Path::new("/dev/null"))
            .unwrap()
            .commit(b"x")
            .unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
