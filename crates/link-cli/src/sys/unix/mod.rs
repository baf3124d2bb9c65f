//! What Unix offers.

mod mappings;
mod signals;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::Read;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use link_core::link::read::ARCHIVE_MAGIC;
use link_core::link::{FileBytes, FileData, ReadAt};
use memmap2::{Mmap, MmapMut, MmapOptions};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use signal_hook::consts::SIGXFSZ;

pub(crate) use self::mappings::Mappings;
pub(super) use self::signals::{RemovedOnSignal, end_by, watch_signals};
use super::{NotText, Room};

#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere not every sequence of bytes is text"
)]
pub(crate) fn os_string(bytes: Vec<u8>) -> Result<OsString, NotText> {
    Ok(OsString::from_vec(bytes))
}

/// Device and inode.
pub(super) type FileIdentity = (u64, u64);

pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Bytes from which on a file is mapped. Below, reading is as fast, and needs no mapping, of which
/// a process cannot have any number.
const MAPPED: u64 = 128 << 10;

/// The contents of a file: a regular one that is large is mapped, and is then one of `mappings`.
#[allow(
    unsafe_code,
    reason = "the system calls it so: a mapping shows what happens to its file"
)]
pub(super) fn read(path: &Path, mappings: &Arc<Mappings>) -> io::Result<FileData> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let len = usize::try_from(metadata.len()).map_err(io::Error::other)?;
    if metadata.is_file() && metadata.len() >= MAPPED {
        // SAFETY: the bytes must not change while they are borrowed. Nothing here writes to an
        // input (an output that is one is refused, and replaced, not written to). If another
        // process does, the link reads what it finds with every offset checked, as it does with
        // any input; if the file shrinks, the system ends the command.
        let map = Arc::new(unsafe { MmapOptions::new().len(len).map(&file) }?);
        mappings.add(map.clone());
        // Of a large archive little may be looked at.
        let file = map.starts_with(ARCHIVE_MAGIC).then_some(file);
        return Ok(FileData::of(MappedFile {
            map,
            mappings: mappings.clone(),
            file: Mutex::new(file),
        }));
    }
    let mut bytes = Vec::with_capacity(len);
    file.read_to_end(&mut bytes)?;
    Ok(FileData::new(bytes))
}

/// An input, mapped.
struct MappedFile {
    map: Arc<Mmap>,
    mappings: Arc<Mappings>,
    /// Of an archive the file itself, until somebody has gone through it. A process cannot have
    /// any number of them open.
    file: Mutex<Option<File>>,
}

impl FileBytes for MappedFile {
    fn bytes(&self) -> &[u8] {
        &self.map
    }

    fn reader(&self) -> Option<ReadAt> {
        let file = self.file.lock().ok()?.take()?;
        Some(Box::new(move |bytes, at| {
            file.read_exact_at(bytes, at as u64)
        }))
    }

    fn release(&self, range: Range<usize>) {
        self.mappings.release(&self.map, range);
    }
}

/// A new file, mapped to be written to.
#[derive(Debug)]
pub(crate) struct MappedRoom(MmapMut);

impl MappedRoom {
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Room of `len` bytes in `file`, which is new and nobody else's. The blocks are reserved before:
/// where the disk is full, writing to a mapping would end the command by a signal.
#[allow(
    unsafe_code,
    reason = "the system calls it so: a mapping shows what happens to its file"
)]
pub(super) fn room(file: &File, len: usize) -> io::Result<Room> {
    // Where nothing can be reserved, writing tells whether there is room.
    if !reserve(file, len)? {
        return Room::memory(len);
    }
    // SAFETY: the file was made by this process under a random name, and is changed through this
    // mapping only until it has another name.
    let map = unsafe { MmapMut::map_mut(file) }?;
    Ok(Room::Mapped(MappedRoom(map)))
}

/// Reserves `len` bytes for a file; returns whether its file system can do that.
fn reserve(file: &File, len: usize) -> io::Result<bool> {
    ignore_size_signal()?;
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len as u64) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn reserve_places(file: &File, len: usize) -> io::Result<bool> {
    // Writing past the end makes a file longer: no harm if nothing can be reserved.
    reserve(file, len).map(|_| true)
}

pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// From now on, a file beyond the limit of sizes (`ulimit -f`) is an error and not the end.
fn ignore_size_signal() -> io::Result<()> {
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.set(()).is_ok() {
        signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    }
    Ok(())
}
