#![doc = include_str!("../README.md")]

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// How many random names are tried for a temporary file.
const ATTEMPTS: usize = 1000;

/// How many symbolic links may lead to one another. Linux allows as many.
const LINKS: usize = 40;

/// The permissions of a file that replaces none, as far as the user's mask grants them. A file that
/// replaces another gets that file's permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permissions {
    /// Everyone may read and write the file.
    #[default]
    Plain,
    /// Everyone may execute it as well.
    Executable,
}

/// A file that is being written beside the one it will replace.
///
/// `G` is the caller's guard of the temporary file (see [`NewFile::create_guarded`]).
#[derive(Debug)]
pub struct NewFile<G = ()> {
    file: File,
    /// The file's path until it is committed.
    temporary: PathBuf,
    /// The path it will have.
    place: PathBuf,
    is_committed: bool,
    /// Declared last, hence dropped after the file is gone or has its place.
    _guard: G,
}

impl NewFile {
    /// Makes an empty file beside `path`. Symbolic links are followed, also to where nothing is yet,
    /// so a link stays a link and the file it leads to is replaced.
    ///
    /// # Errors
    /// The directory does not exist or allows no new files, or symbolic links form a cycle.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::create_guarded(path, Permissions::Plain, |_| Ok(()))
    }
}

impl<G> NewFile<G> {
    /// As [`NewFile::create`], with other permissions and a guard: `guard` gets the path of the
    /// temporary file before the file exists, and its result is dropped once the file has its
    /// place or is removed.
    ///
    /// # Errors
    /// As [`NewFile::create`], and those of `guard`.
    pub fn create_guarded(
        path: &Path,
        permissions: Permissions,
        mut guard: impl FnMut(&Path) -> io::Result<G>,
    ) -> io::Result<Self> {
        let place = follow(path)?;
        if place.file_name().is_none() {
            let error = "the path does not name a file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(
            &mut options,
            match permissions {
                Permissions::Plain => 0o666,
                Permissions::Executable => 0o777,
            },
        );
        #[cfg(not(unix))]
        let _ = permissions;
        for _ in 0..ATTEMPTS {
            let temporary = directory(&place).join(random_name());
            let guarded = guard(&temporary)?;
            match options.open(&temporary) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        temporary,
                        place,
                        is_committed: false,
                        _guard: guarded,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The file itself, open for reading and writing, at its start and empty at first.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its place and the permissions of the file that was there.
    ///
    /// # Errors
    /// The file cannot be renamed, for instance because a directory is in its place. What was there
    /// is still there, and the temporary file is removed when this value is dropped.
    pub fn commit(&mut self) -> io::Result<()> {
        if let Ok(replaced) = fs::metadata(&self.place) {
            self.file.set_permissions(replaced.permissions())?;
        }
        fs::rename(&self.temporary, &self.place)?;
        self.is_committed = true;
        Ok(())
    }
}

impl<G> Drop for NewFile<G> {
    fn drop(&mut self) {
        if !self.is_committed {
            // The caller knows why there is no file. That a second file could not be removed
            // would not help.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A name that no other writer uses, and short enough for every file system.
fn random_name() -> String {
    // Every state has keys of its own.
    let random = RandomState::new().build_hasher().finish();
    format!(".wasm-link-{random:016x}")
}

/// The directory of the file at `path`.
pub fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

/// The path that the symbolic links at `path` lead to, whether or not a file is there.
///
/// # Errors
/// A link cannot be read, or links form a cycle.
pub fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        if !place.is_symlink() {
            return Ok(place);
        }
        let target = fs::read_link(&place)?;
        // An absolute target replaces the directory.
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::Write;
    use std::rc::Rc;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn write(new: &mut NewFile, text: &str) {
        new.file().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_file_appears_when_it_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut new = NewFile::create(&path).unwrap();
        write(&mut new, "new");
        assert!(!path.exists());
        new.commit().unwrap();
        drop(new);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["out"]);
    }

    #[test]
    fn a_file_that_is_not_committed_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        fs::write(&path, "old").unwrap();
        write(&mut NewFile::create(&path).unwrap(), "new");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(directory.path()), ["out"]);
    }

    #[test]
    fn two_writers_do_not_interfere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let [mut first, mut second] = [(); 2].map(|()| NewFile::create(&path).unwrap());
        write(&mut first, "first");
        write(&mut second, "second");
        second.commit().unwrap();
        first.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(directory.path()), ["out"]);
    }

    /// The longest file name that file systems allow has 255 bytes.
    #[test]
    fn the_temporary_name_does_not_grow_with_the_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x".repeat(255));
        NewFile::create(&path).unwrap().commit().unwrap();
        assert!(path.exists());
    }

    #[test]
    fn what_cannot_be_a_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert!(NewFile::create(&directory.path().join("missing/out")).is_err());
        assert!(NewFile::create(Path::new("")).is_err());
        assert!(NewFile::create(Path::new("/")).is_err());
        let path = directory.path().join("directory");
        fs::create_dir(&path).unwrap();
        assert!(NewFile::create(&path).unwrap().commit().is_err());
        assert_eq!(names(directory.path()), ["directory"]);
    }

    #[test]
    fn a_guard_lives_as_long_as_the_temporary_file_may() {
        struct Guard(PathBuf, Rc<RefCell<Vec<String>>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                let seen = format!("dropped, temporary: {}", self.0.exists());
                self.1.borrow_mut().push(seen);
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let events = Rc::new(RefCell::new(Vec::new()));
        for commit in [false, true] {
            let mut new = NewFile::create_guarded(&path, Permissions::Plain, |temporary| {
                let seen = format!("guarded, temporary: {}", temporary.exists());
                events.borrow_mut().push(seen);
                Ok(Guard(temporary.to_owned(), events.clone()))
            })
            .unwrap();
            assert!(new.temporary.exists());
            if commit {
                new.commit().unwrap();
            }
        }
        let once = ["guarded, temporary: false", "dropped, temporary: false"];
        assert_eq!(*events.borrow(), [once, once].concat());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let [path, link] = ["out", "link"].map(|name| directory.path().join(name));
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        symlink("out", &link).unwrap();
        let replace = |permissions| {
            let made = NewFile::create_guarded(&link, permissions, |_| Ok(()));
            made.unwrap().commit().unwrap();
        };
        replace(Permissions::Executable);
        assert_ne!(mode() & 0o100, 0);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(Permissions::Executable);
        assert_eq!(mode(), 0o640);
        assert!(link.is_symlink());
        let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
        symlink("b", &a).unwrap();
        symlink("a", &b).unwrap();
        assert!(NewFile::create(&a).is_err());
    }
}
