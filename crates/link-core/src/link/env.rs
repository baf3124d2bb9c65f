//! What a link needs of the world outside: files, threads, and whether to stop.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file's bytes, from wherever they come.
#[derive(Clone)]
pub struct FileData(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl FileData {
    /// Bytes held by `owner`: a `Vec<u8>`, a memory map, a `&'static [u8]`, …
    pub fn new(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(owner))
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl std::fmt::Debug for FileData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileData({} bytes)", self.bytes().len())
    }
}

/// Access to files. The default, [`SystemFiles`], is the file system; a caller may serve
/// everything from memory.
pub trait Files: Sync {
    /// The contents of the file at `path`.
    fn read(&self, path: &Path) -> io::Result<FileData>;

    /// Whether there is a file at `path`: used to look for `-l` libraries and for a
    /// `.imports` file beside one.
    fn exists(&self, path: &Path) -> bool;
}

/// Files of the file system, read into memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> io::Result<FileData> {
        std::fs::read(path).map(FileData::new)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }
}

/// Where the parallel phases run.
#[derive(Clone, Copy, Default)]
pub enum Threads<'a> {
    /// On the calling thread alone, or in a pool made for this link, as
    /// [`Options::threads`](super::Options::threads) says.
    #[default]
    Own,
    /// In the caller's pool.
    Pool(&'a rayon::ThreadPool),
    /// In the pool the caller is running in (a link called from a rayon task).
    Current,
}

/// The world outside, as one link sees it.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// Access to files.
    pub files: &'a dyn Files,
    /// Where the parallel phases run.
    pub threads: Threads<'a>,
    /// Set to stop the link: it ends soon after, with an error and no output.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for Env<'_> {
    fn default() -> Self {
        Self {
            files: &SystemFiles,
            threads: Threads::Own,
            cancel: None,
        }
    }
}

impl Env<'_> {
    /// Whether the caller wants the link to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel
            .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}
