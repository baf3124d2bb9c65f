//! Temporary files and directories, which are removed however the command ends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use replace_file::{NewFile, Permissions};

use super::chain::Chain;
use super::{lock, platform};
use crate::report::{self, Message};

/// Directories that are removed when a signal ends the command.
static DIRECTORIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Files that are removed however the command ends.
static FILES: Chain<Listed> = Chain::new();

/// A temporary file, as signal handlers know it.
struct Listed {
    path: platform::HandlerPath,
    /// It may be there, under this name.
    is_there: AtomicBool,
}

/// Removes every temporary file. May be called in a signal handler.
pub(crate) fn remove_files() {
    for file in FILES.iter() {
        if file.is_there.load(Ordering::Acquire) {
            file.path.remove();
        }
    }
}

/// Removes every temporary directory with `remove`, and lets no other be made or removed.
#[cfg(all(unix, feature = "platform"))]
pub(super) fn remove_directories(remove: impl Fn(&Path)) {
    let list = lock(&DIRECTORIES);
    for dir in list.iter() {
        remove(dir);
    }
    // Held to the end of the process, which is near.
    std::mem::forget(list);
}

/// A temporary directory. It is removed with its contents when this value is dropped, and when
/// a signal ends the command (without the feature `platform` that cannot be noticed).
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// Makes a directory among the system's temporary files.
    pub(crate) fn new() -> Result<Self, Message> {
        let place = std::env::temp_dir();
        Self::make(&place, "wasm-link-").map_err(|error| {
            Message::error(format!(
                "cannot make a directory in {}: {}",
                place.display(),
                report::reason(&error)
            ))
        })
    }

    /// Makes a hidden directory in `place`.
    pub(crate) fn new_in(place: &Path) -> io::Result<Self> {
        Self::make(place, ".wasm-link-")
    }

    fn make(place: &Path, prefix: &str) -> io::Result<Self> {
        // Held from before the directory exists, so that no signal comes between.
        let mut list = lock(&DIRECTORIES);
        platform::watch_signals()?;
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(place)?
            .keep();
        list.push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// Removes a directory with its contents. An empty directory takes no descriptor.
pub(super) fn remove_dir(dir: &Path) -> io::Result<()> {
    std::fs::remove_dir(dir).or_else(|_| std::fs::remove_dir_all(dir))
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // If this fails, the system has to clean up; the link has its result.
        let _ = remove_dir(&self.0);
        lock(&DIRECTORIES).retain(|path| *path != self.0);
    }
}

/// Has the file at a path removed however the command ends, until this value is dropped.
#[derive(Debug)]
pub(crate) struct RemovedAtEnd(&'static AtomicBool);

impl RemovedAtEnd {
    /// For the file at `path`, which need not be there yet.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        platform::catch_signals();
        let listed = FILES.push(Listed {
            path: platform::HandlerPath::new(path)?,
            is_there: AtomicBool::new(true),
        });
        Ok(Self(&listed.is_there))
    }
}

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A file beside its place, removed however the command ends unless it was committed.
pub(crate) type TempFile = NewFile<RemovedAtEnd>;

/// Makes a file that will take the place of the one at `path`.
pub(crate) fn new_file(path: &Path, permissions: Permissions) -> io::Result<TempFile> {
    NewFile::create_guarded(path, permissions, RemovedAtEnd::new)
}

#[cfg(test)]
mod tests {
    use super::super::{InputFiles, Room};
    use super::*;
    use link_core::Files;

    #[test]
    fn room_in_a_new_file_becomes_its_contents() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "old").unwrap();
        let mut file = new_file(&path, Permissions::Plain).unwrap();
        let mut room = Room::new(file.file(), 3).unwrap();
        room.bytes().copy_from_slice(b"new");
        room.finish(file.file()).unwrap();
        file.commit().unwrap();
        assert_eq!(InputFiles::default().read(&path).unwrap().bytes(), b"new");
    }

    /// A file that has its place is not removed with those that have none.
    #[test]
    fn only_what_is_temporary_is_removed() {
        let dir = TempDir::new().unwrap();
        let place = dir.path().join("a");
        let mut committed = new_file(&place, Permissions::Plain).unwrap();
        committed.commit().unwrap();
        let dropped = RemovedAtEnd::new(&place).unwrap();
        drop(dropped);
        for file in FILES.iter() {
            let is_here = file.path.get().parent() == Some(dir.path());
            if is_here && file.is_there.load(Ordering::Acquire) {
                file.path.remove();
            }
        }
        assert!(place.exists());
    }
}
