//! The files that a link reads, and whether they have changed since.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use link_core::input::THIN_MAGIC;
use link_core::{FileData, Files, SystemFiles};

use super::chain::Chain;
use super::{FileIdentity, lock, platform};
use crate::report::Message;

/// Every file that was read, for signal handlers and the panic hook.
static OPENED: Chain<Opened> = Chain::new();

/// A file that was read.
pub(super) struct Opened {
    path: platform::HandlerPath,
    /// Its state when it was opened; `None`: no regular file.
    stamp: Option<platform::Stamp>,
    /// The addresses where it is mapped.
    mapped: Range<usize>,
}

impl Opened {
    pub(super) fn path(&self) -> &Path {
        self.path.get()
    }

    /// Whether another file is at its path now, or it has another size or time of modification. May
    /// be called in a signal handler.
    fn has_changed(&self) -> bool {
        (self.stamp).is_some_and(|stamp| platform::stamp(&self.path) != Some(stamp))
    }

    fn identity(&self) -> Option<FileIdentity> {
        platform::identity_of(self.stamp.as_ref()?, self.path()).map(FileIdentity)
    }
}

/// The message about a file that changed, behind its path.
pub(super) const CHANGED: &str = "changed while it was being linked";

/// The file that is mapped at `address`, if there is one; else a file that has changed since it was
/// read. May be called in a signal handler.
pub(super) fn to_blame(address: Option<usize>) -> Option<&'static Opened> {
    let mapped = |opened: &&Opened| address.is_some_and(|at| opened.mapped.contains(&at));
    (OPENED.iter().find(mapped)).or_else(|| OPENED.iter().find(|opened| opened.has_changed()))
}

/// The file system for a link. Large files are mapped, not read, where that can be done. If another
/// process changes one meanwhile, no output is made ([`changed`](Self::changed)).
///
/// Remembers the files that were read.
#[derive(Debug, Default)]
pub(crate) struct InputFiles {
    /// In any order, some more than once.
    read: Mutex<Vec<&'static Opened>>,
    /// Those that are thin archives, in any order.
    thin: Mutex<Vec<PathBuf>>,
    pub(super) mappings: Arc<platform::Mappings>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path().fmt(f)
    }
}

impl InputFiles {
    /// The files that were read, in the order of their paths.
    pub(crate) fn all_read(&self) -> Vec<PathBuf> {
        let read = lock(&self.read);
        let mut paths: Vec<_> = read.iter().map(|opened| opened.path()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths.into_iter().map(Path::to_owned).collect()
    }

    /// Fails if a file has changed since it was opened. A change within one step of the clock of
    /// its file system that leaves its size as it was is not noticed.
    pub(crate) fn changed(&self) -> Result<(), Message> {
        let read = lock(&self.read);
        let changed = super::find_all(&read, |opened| opened.has_changed());
        none_changed(changed.iter().map(|opened| opened.path()))
    }

    /// The thin archives that were read.
    pub(crate) fn thin_archives(&self) -> Vec<PathBuf> {
        lock(&self.thin).clone()
    }

    /// The path by which the file `file` was read, if it was.
    pub(crate) fn find(&self, file: &FileIdentity) -> Option<PathBuf> {
        let read = lock(&self.read);
        let mut found = read
            .iter()
            .filter(|opened| opened.identity().as_ref() == Some(file));
        found.next().map(|opened| opened.path().to_owned())
    }
}

/// Fails if there is a path in `changed`, of which the error names the first by name.
fn none_changed<'p>(changed: impl Iterator<Item = &'p Path>) -> Result<(), Message> {
    match changed.min() {
        None => Ok(()),
        Some(path) => Err(Message::error(format!("{} {CHANGED}", path.display()))),
    }
}

/// The state of files before another program read them.
pub(crate) struct InputStamps(Vec<(platform::HandlerPath, platform::Stamp)>);

impl InputStamps {
    /// Of those of `paths` where regular files are.
    pub(crate) fn of(paths: &[PathBuf]) -> Self {
        let stamped = |path: &PathBuf| {
            let path = platform::HandlerPath::new(path).ok()?;
            let stamp = platform::stamp(&path)?;
            Some((path, stamp))
        };
        Self(paths.iter().filter_map(stamped).collect())
    }

    /// As [`InputFiles::changed`].
    pub(crate) fn changed(&self) -> Result<(), Message> {
        let changed = |(path, stamp): &&(_, _)| platform::stamp(path) != Some(*stamp);
        none_changed(self.0.iter().filter(changed).map(|(path, _)| path.get()))
    }
}

impl Files for InputFiles {
    fn read(&self, path: &Path) -> io::Result<FileData> {
        let platform::Read {
            data,
            stamp,
            mapped,
        } = platform::read(path, &self.mappings)?;
        let opened = OPENED.push(Opened {
            path: platform::HandlerPath::new(path)?,
            stamp,
            mapped,
        });
        lock(&self.read).push(opened);
        if data.bytes().starts_with(THIN_MAGIC) {
            lock(&self.thin).push(path.to_owned());
        }
        Ok(data)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_file(&self, path: &Path) -> bool {
        SystemFiles.is_file(path)
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
    use std::fs;

    use super::super::TempDir;
    use super::*;

    #[test]
    fn a_file_is_the_same_bytes_whatever_its_size() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        for size in [0, 1, 4096, 1 << 20] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            let data = InputFiles::default().read(&path).unwrap();
            assert!(data.bytes() == bytes);
            data.release(1..size);
            assert!(data.bytes() == bytes);
        }
        assert!(InputFiles::default().read(dir.path()).is_err());
    }

    #[test]
    fn what_was_read_is_found_by_any_name() {
        let dir = TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "a").unwrap();
        fs::write(path("b"), "b").unwrap();
        let files = InputFiles::default();
        files.read(&path("a")).unwrap();
        let find = |name| files.find(&FileIdentity::of(&path(name)).unwrap());
        assert_eq!(find("./a"), Some(path("a")));
        assert_eq!(find("b"), None);
    }

    #[test]
    fn every_change_is_noticed() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        let other = dir.path().join("b");
        let changes: [fn(&Path, &Path); 4] = [
            |path, _| fs::write(path, "longer").unwrap(),
            |path, _| {
                let file = fs::File::options().write(true).open(path).unwrap();
                let old = file.metadata().unwrap().modified().unwrap();
                file.set_modified(old + std::time::Duration::from_millis(1))
                    .unwrap();
            },
            |path, _| fs::remove_file(path).unwrap(),
            |path, _| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
        ];
        let replaced: fn(&Path, &Path) = |path, other| {
            let old = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(other, "same").unwrap();
            fs::File::options()
                .write(true)
                .open(other)
                .unwrap()
                .set_modified(old)
                .unwrap();
            fs::rename(other, path).unwrap();
        };
        // Without the feature `platform`, files of one size and time are taken for the same.
        let all = changes
            .iter()
            .chain(cfg!(all(unix, feature = "platform")).then_some(&replaced));
        for change in all {
            let _ = fs::remove_dir(&path);
            fs::write(&path, "same").unwrap();
            let files = InputFiles::default();
            files.read(&path).unwrap();
            files.changed().unwrap();
            change(&path, &other);
            let error = files.changed().unwrap_err();
            let expected = format!("{} changed while it was being linked", path.display());
            assert_eq!(error, Message::error(expected));
        }
    }
}
