//! What the standard library alone can do.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use link_core::link::FileData;

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

/// The standard library knows no signals: what is temporary stays when one ends the process.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn watch_signals() -> io::Result<()> {
    Ok(())
}

/// Nor can a file be removed when one does.
#[derive(Debug)]
pub(super) struct RemovedOnSignal;

impl RemovedOnSignal {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn new(_path: &Path) -> io::Result<Self> {
        Ok(Self)
    }
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

pub(super) fn read(path: &Path, _mappings: &Arc<Mappings>) -> io::Result<FileData> {
    std::fs::read(path).map(FileData::new)
}

/// Files have no places that could be written to whatever else is written.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn reserve_places(_file: &File, _len: usize) -> io::Result<bool> {
    Ok(false)
}

pub(super) fn write_at(_file: &File, _bytes: &[u8], _offset: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
