//! What a link needs of the world outside: files, threads, and whether to stop.

use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// A file's bytes, from wherever they come.
#[derive(Clone)]
pub struct FileData(Arc<dyn FileBytes>);

/// The owner of the bytes of a file.
pub trait FileBytes: Send + Sync + 'static {
    /// The bytes, always the same.
    fn bytes(&self) -> &[u8];

    /// These will hardly be looked at any more: debug info of a link that strips it. What
    /// a memory map has in memory of them can be given back; they stay readable.
    fn release(&self, range: Range<usize>) {
        let _ = range;
    }

    /// A way to read few bytes here and there, for once, of bytes that cost much to look at
    /// where they are: a memory map brings in what lies around them, too.
    fn reader(&self) -> Option<ReadAt> {
        None
    }
}

/// Fills a buffer with the bytes from an offset on; without success if it cannot fill it.
pub type ReadAt = Box<dyn Fn(&mut [u8], usize) -> io::Result<()>>;

/// Bytes that take the same memory whether they are read or not.
struct Held<T>(T);

impl<T: AsRef<[u8]> + Send + Sync + 'static> FileBytes for Held<T> {
    fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl FileData {
    /// Bytes held by `owner`: a `Vec<u8>`, a memory map, a `&'static [u8]`, …
    pub fn new(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::of(Held(owner))
    }

    /// Bytes of which some can be given back.
    pub fn of(bytes: impl FileBytes) -> Self {
        Self(Arc::new(bytes))
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// As [`FileBytes::release`].
    pub fn release(&self, range: Range<usize>) {
        if !range.is_empty() {
            self.0.release(range);
        }
    }

    /// As [`FileBytes::reader`].
    pub fn reader(&self) -> Option<ReadAt> {
        self.0.reader()
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

    /// Whether there is anything at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// Whether there is a regular file at `path`. A link opens nothing else without being given its
    /// path: `-l` libraries, a `.imports` file beside an archive, and archives of
    /// [`list`](Self::list). A pipe could keep the link waiting for ever. The default is what
    /// [`exists`](Self::exists) says.
    fn is_file(&self, path: &Path) -> bool {
        self.exists(path)
    }

    /// The files in `directory`, for messages that name a library that would help.
    /// Without an implementation there are none.
    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let _ = directory;
        Vec::new()
    }

    /// How many bytes the file at `path` has, where that can be told without reading it:
    /// a link of few bytes starts no thread. `None`, the default, is taken for many.
    fn size(&self, path: &Path) -> Option<u64> {
        let _ = path;
        None
    }

    /// What tells the file at `path` from what it was before, without reading it. A
    /// [`Session`](crate::Session) takes a file for changed that has another one, or none, which is
    /// the default.
    fn identity(&self, path: &Path) -> Option<FileIdentity> {
        let _ = path;
        None
    }
}

/// What tells a file that was changed or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// Device and inode, where there are such.
    node: Option<(u64, u64)>,
    /// Size in bytes.
    len: u64,
    /// When it was modified, where that is known.
    modified: Option<SystemTime>,
}

impl FileIdentity {
    /// The identity of a file that has this metadata.
    pub fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let node = {
            use std::os::unix::fs::MetadataExt;
            Some((metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let node = None;
        Self {
            node,
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// When the file was modified, where that is known.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }
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

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn size(&self, path: &Path) -> Option<u64> {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    fn identity(&self, path: &Path) -> Option<FileIdentity> {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then(|| FileIdentity::of(&metadata))
    }

    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        // A directory that cannot be read is skipped.
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}

/// Where the parallel phases run.
#[derive(Clone, Copy, Default)]
pub enum Threads<'a> {
    /// On the calling thread alone, or in a pool made for this link, as
    /// [`Options::threads`](crate::options::Options::threads) says.
    #[default]
    Own,
    /// As [`Own`](Self::Own), but the calling thread is one of the pool's and works with
    /// the others instead of waiting for them. It stays one for as long as it lives, and
    /// further links that it asks for run in that pool: for a command, which links once.
    OwnForGood {
        /// Told of every other thread of the pool right after it was started, which may be
        /// before it runs.
        started: &'a (dyn Fn(&JoinHandle<()>) + Sync),
    },
    /// In the caller's pool.
    Pool(&'a rayon::ThreadPool),
    /// In the pool the caller is running in (a link called from a rayon task).
    Current,
}

/// A phase of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Inputs are opened, told apart and parsed.
    Read,
    /// Names get their meanings; archive members are pulled.
    Resolve,
    /// What nothing reaches is left out.
    Mark,
    /// The linker's own symbols and functions are decided on.
    Synthesize,
    /// Indices, addresses and offsets are decided on.
    Layout,
    /// The module is written into the sink.
    Write,
}

impl Phase {
    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Read => "read",
            Phase::Resolve => "resolve",
            Phase::Mark => "mark",
            Phase::Synthesize => "synthesize",
            Phase::Layout => "layout",
            Phase::Write => "write",
        }
    }
}

/// The world outside, as one link sees it.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// Access to files.
    pub files: &'a dyn Files,
    /// Where the parallel phases run.
    pub threads: Threads<'a>,
    /// Called when a phase begins, on a thread of the link.
    pub progress: Option<&'a (dyn Fn(Phase) + Sync)>,
    /// Set to stop the link: it ends soon after, with an error and no output.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for Env<'_> {
    fn default() -> Self {
        Self {
            files: &SystemFiles,
            threads: Threads::Own,
            progress: None,
            cancel: None,
        }
    }
}

impl Env<'_> {
    /// Tells the caller that `phase` begins.
    pub(crate) fn enter(&self, phase: Phase) {
        if let Some(progress) = self.progress {
            progress(phase);
        }
    }

    /// Whether the caller wants the link to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel
            .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}
