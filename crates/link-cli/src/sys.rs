//! Everything that asks the platform.
//!
//! `fallback` needs the standard library only; it is used on platforms that are not known, and
//! everywhere without the feature `platform`, so that it can be tested anywhere.

#[cfg_attr(all(unix, feature = "platform"), path = "sys/unix/mod.rs")]
#[cfg_attr(not(all(unix, feature = "platform")), path = "sys/fallback.rs")]
mod platform;
#[cfg_attr(
    all(target_os = "linux", feature = "platform"),
    path = "sys/processors/linux.rs"
)]
#[cfg_attr(
    not(all(target_os = "linux", feature = "platform")),
    path = "sys/processors/fallback.rs"
)]
mod processors;

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use link_core::link::{FileData, Files, Places, SystemFiles};

pub(crate) use self::processors::Apart;
use crate::report::{self, Message};

/// Bytes were not text that the platform can hold in an argument or a path.
#[derive(Debug)]
pub(crate) struct NotText;

/// The argument or path whose bytes are `bytes`.
pub(crate) fn os_string(bytes: Vec<u8>) -> Result<OsString, NotText> {
    platform::os_string(bytes)
}

/// The part of `text` from byte `at` on, which lies behind an ASCII character.
pub(crate) fn tail(text: &OsStr, at: usize) -> Result<OsString, NotText> {
    os_string(
        text.as_encoded_bytes()
            .get(at..)
            .unwrap_or_default()
            .to_vec(),
    )
}

/// What paths that lead to one existing file have in common, through links of any kind (without the
/// feature `platform`: of any but hard ones).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity(platform::FileIdentity);

impl FileIdentity {
    /// That of the file at `path`, if there is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        platform::identity(path).map(Self)
    }
}

/// Ends the process as `signal` would, with what is temporary removed, if `signal` is one by
/// which a user ends a command.
///
/// For a child that was ended so: Ctrl-C goes to both, and the child's end can be noticed first.
pub(crate) fn end_by(signal: i32) {
    platform::end_by(signal);
}

/// Ends the command with success. What it holds is left to the system, but for `files`, which take
/// long; what is temporary is gone or has its place by now, and the standard streams are flushed.
pub(crate) fn exit_well(files: &InputFiles) -> ! {
    files.mappings.give_back();
    std::process::exit(0)
}

/// What a mutex holds, even if a thread panicked meanwhile: for what is whole then, too, since every
/// change is one push, retain or the like.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Directories that are removed when the user ends the command.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A temporary directory. It is removed with what is in it when this value is dropped, and when
/// a signal ends the command (`SIGINT`, `SIGTERM` or `SIGHUP`; without the feature `platform`
/// that cannot be noticed).
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// Makes a directory among the system's temporary files.
    pub(crate) fn new() -> Result<Self, Message> {
        Self::make().map_err(|error| {
            let place = std::env::temp_dir();
            Message::error(format!(
                "cannot make a directory in {}: {}",
                place.display(),
                report::reason(&error)
            ))
        })
    }

    fn make() -> io::Result<Self> {
        // Held from before the directory exists, so that no signal comes between.
        let mut list = lock(&TEMPORARY);
        platform::watch_signals()?;
        let path = tempfile::Builder::new()
            .prefix("wasm-link-")
            .tempdir()?
            .keep();
        list.push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be removed is left to the system; the link has its result.
        let _ = std::fs::remove_dir_all(&self.0);
        lock(&TEMPORARY).retain(|path| *path != self.0);
    }
}

/// A temporary file, removed as a [`TempDir`] is, unless it was renamed before.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: File,
    path: PathBuf,
    renamed: bool,
    _on_signal: platform::RemovedOnSignal,
}

impl TempFile {
    /// Makes a file in `dir`, which everybody may read, write and execute whom the user's mask
    /// does not exclude.
    pub(crate) fn new_in(dir: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
        let made = tempfile::Builder::new()
            .prefix(".wasm-link-")
            .make_in(dir, |path| {
                // From before the file exists, so that no signal comes between.
                let on_signal = platform::RemovedOnSignal::new(path)?;
                Ok((options.open(path)?, on_signal))
            })?;
        let ((file, on_signal), path) = made.keep()?;
        Ok(Self {
            file,
            path,
            renamed: false,
            _on_signal: on_signal,
        })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Makes it the file at `path`, whatever file is there.
    pub(crate) fn rename(&mut self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

/// Makes room for `len` bytes in a new file, which the disk is known to have where it can be
/// asked; returns whether the file can be written part by part (without the feature `platform`
/// it cannot).
pub(crate) fn reserve_places(file: &File, len: usize) -> io::Result<bool> {
    platform::reserve_places(file, len)
}

impl Places for TempFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        platform::write_at(&self.file, bytes, offset)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed is left there; the user is told why there is no output.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The bytes of a new file, to be filled.
#[derive(Debug)]
pub(crate) enum Room {
    /// They are the file's.
    #[cfg(all(unix, feature = "platform"))]
    Mapped(platform::MappedRoom),
    /// They are written into the file in the end.
    Memory(Vec<u8>),
}

impl Room {
    /// Room for `len` bytes, which the disk is known to have where it can be asked.
    pub(crate) fn new(file: &File, len: usize) -> io::Result<Self> {
        platform::room(file, len)
    }

    /// `len` bytes of memory.
    fn memory(len: usize) -> io::Result<Self> {
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.resize(len, 0);
        Ok(Self::Memory(bytes))
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        match self {
            #[cfg(all(unix, feature = "platform"))]
            Self::Mapped(map) => map.bytes(),
            Self::Memory(bytes) => bytes,
        }
    }

    /// Sees to it that the bytes are in the file.
    pub(crate) fn finish(self, mut file: &File) -> io::Result<()> {
        match self {
            #[cfg(all(unix, feature = "platform"))]
            Self::Mapped(_) => Ok(()),
            Self::Memory(bytes) => file.write_all(&bytes),
        }
    }
}

/// The file system for a link. Large files are mapped, not read, where that can be done: a
/// command's inputs do not shrink while it runs, or it ends.
///
/// Remembers what was read.
#[derive(Debug, Default)]
pub(crate) struct InputFiles {
    /// The paths, in any order, some more than once.
    read: Mutex<Vec<PathBuf>>,
    mappings: Arc<platform::Mappings>,
}

impl InputFiles {
    /// The files that were read, in the order of their paths.
    pub(crate) fn all_read(&self) -> Vec<PathBuf> {
        let mut paths = lock(&self.read).clone();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

impl Files for InputFiles {
    fn read(&self, path: &Path) -> io::Result<FileData> {
        let data = platform::read(path, &self.mappings)?;
        lock(&self.read).push(path.to_owned());
        Ok(data)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        SystemFiles.list(directory)
    }

    fn size(&self, path: &Path) -> Option<u64> {
        SystemFiles.size(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_under_another_name() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "a").unwrap();
        std::fs::write(dir.path().join("b"), "a").unwrap();
        let of = |name| FileIdentity::of(&dir.path().join(name));
        assert!(of("a").is_some());
        assert_eq!(of("a"), of("./a"));
        assert_ne!(of("a"), of("b"));
        assert_eq!(of("c"), None);
        let path = dir.path().to_owned();
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn a_temporary_file_gets_a_name_or_goes() {
        let dir = TempDir::new().unwrap();
        let inside = || std::fs::read_dir(dir.path()).unwrap().count();
        let file = TempFile::new_in(dir.path()).unwrap();
        assert_eq!(inside(), 1);
        drop(file);
        assert_eq!(inside(), 0);
        let path = dir.path().join("a");
        std::fs::write(&path, "old").unwrap();
        let mut file = TempFile::new_in(dir.path()).unwrap();
        let mut room = Room::new(file.file(), 3).unwrap();
        room.bytes().copy_from_slice(b"new");
        room.finish(file.file()).unwrap();
        file.rename(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(inside(), 1);
        assert_eq!(InputFiles::default().read(&path).unwrap().bytes(), b"new");
    }

    #[test]
    fn a_file_is_the_same_bytes_whatever_its_size() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        for size in [0, 1, 4096, 1 << 20] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let data = InputFiles::default().read(&path).unwrap();
            assert!(data.bytes() == bytes);
            data.release(1..size);
            assert!(data.bytes() == bytes);
        }
        assert!(InputFiles::default().read(dir.path()).is_err());
    }

    #[test]
    fn a_value_is_cut_from_its_argument() {
        assert_eq!(tail(OsStr::new("--map=ä"), 6).unwrap(), "ä");
        assert_eq!(tail(OsStr::new("-O"), 2).unwrap(), "");
    }
}
