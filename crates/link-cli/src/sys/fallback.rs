//! The platform as the standard library alone offers it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use link_core::FileData;

use super::{NotText, Room};

pub(crate) fn os_string(bytes: Vec<u8>) -> Result<OsString, NotText> {
    String::from_utf8(bytes)
        .map(OsString::from)
        .map_err(|_| NotText)
}

/// The path without links.
pub(super) type FileIdentity = PathBuf;

pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    path.canonicalize().ok()
}

/// The standard library cannot send a signal.
pub(super) fn end_by(_signal: i32) {}

/// The standard library knows no signals: temporary files stay when one ends the process.
pub(super) fn catch_signals() {}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn watch_signals() -> io::Result<()> {
    Ok(())
}

/// Ends the process with an error, as [`crate::sys`] says.
pub(super) fn end_with_error(prefix: &[u8], parts: &[&[u8]]) -> ! {
    super::remove_files();
    let text = [prefix, &parts.concat(), b"\n"].concat();
    let _ = io::stderr().write_all(&text);
    std::process::exit(1)
}

/// A path that a signal handler could use, if there were one.
pub(super) struct HandlerPath(PathBuf);

impl HandlerPath {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self(path.to_owned()))
    }

    pub(super) fn get(&self) -> &Path {
        &self.0
    }

    /// Removes the file there, if that is possible.
    pub(super) fn remove(&self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The state of a regular file at some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

/// The state of the file at `path` now; `None` if no regular file is there.
pub(super) fn stamp(path: &HandlerPath) -> Option<Stamp> {
    let metadata = std::fs::metadata(&path.0).ok()?;
    metadata.is_file().then(|| Stamp {
        size: metadata.len(),
        modified: metadata.modified().ok(),
    })
}

/// As [`crate::sys::find_all`] says, on one thread.
pub(super) fn find_all<T>(items: &[T], is_one: impl Fn(&T) -> bool) -> Vec<&T> {
    items.iter().filter(|item| is_one(item)).collect()
}

/// A stamp does not say which file it is of.
pub(super) fn identity_of(_stamp: &Stamp, path: &Path) -> Option<FileIdentity> {
    identity(path)
}

/// The bytes are written at the end: a disk that is full is noticed then.
pub(super) fn room(_file: &File, len: usize) -> io::Result<Room> {
    Room::memory(len)
}

/// Nothing is mapped.
#[derive(Debug, Default)]
pub(crate) struct Mappings;

impl Mappings {
    #[expect(clippy::unused_self, reason = "elsewhere there are some")]
    pub(crate) fn give_back(&self) {}
}

/// A file that was read.
pub(super) struct Read {
    pub(super) data: FileData,
    /// Its state before it was read; `None`: no regular file.
    pub(super) stamp: Option<Stamp>,
    /// The addresses where it is mapped, which it is not.
    pub(super) mapped: Range<usize>,
}

pub(super) fn read(path: &Path, _mappings: &Arc<Mappings>) -> io::Result<Read> {
    let stamp = stamp(&HandlerPath::new(path)?);
    Ok(Read {
        data: FileData::new(std::fs::read(path)?),
        stamp,
        mapped: 0..0,
    })
}

/// Files have no places that could be written to whatever else is written.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn reserve_places(_file: &File, _len: usize) -> io::Result<bool> {
    Ok(false)
}

pub(super) fn write_at(_file: &File, _bytes: &[u8], _offset: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
