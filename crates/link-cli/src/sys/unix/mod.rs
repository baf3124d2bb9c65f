//! The platform as Unix offers it.

mod mappings;
mod signals;

use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex};

use link_core::input::ARCHIVE_MAGIC;
use link_core::{FileBytes, FileData, ReadAt};
use memmap2::{Mmap, MmapMut, MmapOptions};
use rayon::prelude::*;
use rustix::buffer::spare_capacity;
use rustix::fs::FallocateFlags;
use rustix::io::{Errno, retry_on_intr};

pub(crate) use self::mappings::Mappings;
pub(super) use self::signals::{catch_signals, end_by, end_with_error, watch_signals};
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

/// A path that a signal handler can use: it has its zero already, so that nothing is allocated.
pub(super) struct HandlerPath(CString);

impl HandlerPath {
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self(CString::new(path.as_os_str().as_bytes())?))
    }

    pub(super) fn get(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.0.as_bytes()))
    }

    /// Removes the file there, if that is possible.
    pub(super) fn remove(&self) {
        let _ = rustix::fs::unlink(&*self.0);
    }
}

/// The state of a regular file at some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

/// The state of the file at `path` now; `None` if no regular file is there. May be called in a signal
/// handler.
#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_fallible_conversions,
    reason = "the types of these numbers differ from system to system"
)]
pub(super) fn stamp(path: &HandlerPath) -> Option<Stamp> {
    let stat = rustix::fs::stat(&*path.0).ok()?;
    let is_file = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
    is_file.then_some(Stamp {
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        size: stat.st_size as u64,
        modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
    })
}

/// As [`crate::sys::find_all`] says.
pub(super) fn find_all<T: Sync>(items: &[T], is_one: impl Fn(&T) -> bool + Sync) -> Vec<&T> {
    const MANY: usize = 256;
    if items.len() < MANY || rayon::current_thread_index().is_none() {
        return items.iter().filter(|item| is_one(item)).collect();
    }
    let items = items.par_iter().with_min_len(MANY / 4);
    items.filter(|item| is_one(item)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere there may be none")]
pub(super) fn identity_of(stamp: &Stamp, _path: &Path) -> Option<FileIdentity> {
    Some((stamp.device, stamp.inode))
}

/// Bytes from which on a file is mapped. Below, reading is as fast, and needs no mapping, of which
/// a process cannot have any number.
const MAPPED: u64 = 128 << 10;

/// A file that was read.
pub(super) struct Read {
    pub(super) data: FileData,
    /// Its state when it was opened; `None`: no regular file.
    pub(super) stamp: Option<Stamp>,
    /// The addresses where it is mapped, of which none was looked at yet.
    pub(super) mapped: Range<usize>,
}

/// The contents of a file: a regular one that is large is mapped, and is then one of `mappings`.
#[allow(
    unsafe_code,
    reason = "the system calls it so: a mapping shows what happens to its file"
)]
pub(super) fn read(path: &Path, mappings: &Arc<Mappings>) -> io::Result<Read> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let stamp = Stamp::of(&metadata);
    let len = usize::try_from(metadata.len()).map_err(io::Error::other)?;
    if stamp.is_some() && metadata.len() >= MAPPED {
        catch_signals();
        // SAFETY: the bytes must not change while they are borrowed. Nothing here writes to an
        // input (an output that is one is refused, and replaced, not written to). If another
        // process does, the link reads what it finds with every offset checked, as it does with
        // any input; if the file shrinks, a signal handler ends the command. Either way there is
        // no output: files that changed are an error before it gets its name.
        let map = Arc::new(unsafe { MmapOptions::new().len(len).map(&file) }?);
        mappings.add(map.clone());
        // Of a large archive little may be looked at. The mapping is not looked at before signal
        // handlers know of it.
        let mut magic = [0; ARCHIVE_MAGIC.len()];
        let is_archive = file.read_exact_at(&mut magic, 0).is_ok() && magic == *ARCHIVE_MAGIC;
        let start = map.as_ptr().addr();
        return Ok(Read {
            data: FileData::of(MappedFile {
                map,
                mappings: mappings.clone(),
                file: Mutex::new(is_archive.then_some(file)),
            }),
            stamp,
            // A mapping is of whole pages.
            mapped: start..start + len.next_multiple_of(rustix::param::page_size()),
        });
    }
    let mut bytes = Vec::with_capacity(len + 1);
    if stamp.is_some() && len > 0 {
        // There is room for a byte more, so that one call reads all and finds the end. If the file
        // becomes longer meanwhile, it has changed.
        while bytes.len() < len
            && retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut bytes)))? > 0
        {}
    } else {
        // Files that the system makes up have no length.
        file.read_to_end(&mut bytes)?;
    }
    Ok(Read {
        data: FileData::new(bytes),
        stamp,
        mapped: 0..0,
    })
}

/// An input, mapped.
struct MappedFile {
    map: Arc<Mmap>,
    mappings: Arc<Mappings>,
    /// Of an archive, the file itself until its headers have been read. The number of open files of
    /// a process is limited.
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

/// Room of `len` bytes in `file`, which is new and used by no other code. The blocks are reserved
/// first: on a full disk, writing to a mapping would end the command by a signal.
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
    // A file beyond the limit of sizes (`ulimit -f`) is an error and not the end.
    catch_signals();
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
