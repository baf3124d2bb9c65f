//! Mapped inputs and their memory. Pages that are no longer needed are released at once. The others
//! are released by all threads when the command ends: otherwise the system would release them on one
//! thread.

use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Mutex};

use memmap2::Mmap;
use rayon::prelude::*;

use crate::sys::lock;

/// Bytes of mappings from which on they are worth sharing.
const WORTH: usize = 64 << 20;
/// Bytes that are given back at once, if as many lie side by side. All processors that the command
/// runs on have to be told of it each time, which takes as long as some hundred pages.
const PART: usize = 16 << 20;
/// Bytes of a mapping from which on they are worth being given back before the end,
const RELEASED: usize = 64 << 10;
/// with as many others like them.
const RELEASED_AT_ONCE: usize = 64;

/// The mappings, which are never written through.
#[derive(Debug, Default)]
pub(crate) struct Mappings {
    maps: Mutex<Vec<Arc<Mmap>>>,
    /// Addresses of parts of them that are to be given back.
    released: Mutex<Vec<Range<usize>>>,
}

impl Mappings {
    pub(crate) fn add(&self, map: Arc<Mmap>) {
        lock(&self.maps).push(map);
    }

    /// Releases the memory of a part of one of these mappings, once there are enough such parts. It
    /// stays readable.
    pub(super) fn release(&self, map: &Mmap, bytes: Range<usize>) {
        let page = rustix::param::page_size();
        let start = bytes.start.next_multiple_of(page);
        let end = bytes.end.min(map.len()) / page * page;
        if end.saturating_sub(start) < RELEASED {
            return;
        }
        let start_of_map = map.as_ptr().addr();
        let enough = {
            let mut released = lock(&self.released);
            released.push(start_of_map + start..start_of_map + end);
            if released.len() < RELEASED_AT_ONCE {
                return;
            }
            std::mem::take(&mut *released)
        };
        give_back_together(&enough);
    }

    /// Releases their memory on all threads of the pool, if they are large and the calling thread
    /// belongs to a pool. They stay readable.
    pub(crate) fn give_back(&self) {
        let maps = lock(&self.maps);
        let bytes: usize = maps.iter().map(|map| map.len()).sum();
        if bytes >= WORTH && rayon::current_thread_index().is_some() {
            give_back(&maps);
        }
    }
}

fn give_back(maps: &[Arc<Mmap>]) {
    parts(maps)
        .par_iter()
        .with_max_len(1)
        .for_each(give_back_part);
}

/// The addresses of mappings, in parts: adjacent mappings are joined.
fn parts(maps: &[Arc<Mmap>]) -> Vec<Range<usize>> {
    let page = rustix::param::page_size();
    let pages_of = |map: &Arc<Mmap>| {
        let start = map.as_ptr().addr();
        // A mapping is of whole pages.
        start..start + map.len().next_multiple_of(page)
    };
    let mut all: Vec<_> = maps.iter().map(pages_of).collect();
    all.sort_unstable_by_key(|pages| pages.start);
    let mut parts: Vec<Range<usize>> = Vec::new();
    for pages in all {
        match parts.last_mut() {
            Some(part) if part.end == pages.start && pages.end - part.start <= PART => {
                part.end = pages.end;
            }
            _ => parts.push(pages),
        }
    }
    parts
}

/// Gives back parts of mappings, whose addresses they are, telling processors of it once.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "the system calls it so: of other memory it would be the end"
)]
fn give_back_together(parts: &[Range<usize>]) {
    use std::os::fd::AsRawFd;

    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    let Ok(this) = pidfd_open(getpid(), PidfdFlags::empty()) else {
        return parts.iter().for_each(give_back_part);
    };
    let all: Vec<_> = (parts.iter())
        .map(|part| libc::iovec {
            iov_base: ptr::without_provenance_mut(part.start),
            iov_len: part.len(),
        })
        .collect();
    // SAFETY: as for `give_back_part`, of this process.
    let given = unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            this.as_raw_fd(),
            all.as_ptr(),
            all.len(),
            libc::MADV_DONTNEED,
            0,
        )
    };
    // Before 6.13 Linux does not do so, nor all of it if it was interrupted.
    let bytes = parts.iter().map(Range::len).sum();
    if usize::try_from(given) != Ok(bytes) {
        parts.iter().for_each(give_back_part);
    }
}

#[cfg(not(target_os = "linux"))]
fn give_back_together(parts: &[Range<usize>]) {
    parts.iter().for_each(give_back_part);
}

#[allow(
    unsafe_code,
    reason = "the system calls it so: of other memory it would be the end"
)]
fn give_back_part(part: &Range<usize>) {
    let start = ptr::without_provenance_mut(part.start);
    // SAFETY: all pages belong to mappings of files that `Mappings` keeps, and nothing is ever written
    // through them: a page that is accessed later is read from the file again.
    let given = unsafe { libc::madvise(start, part.len(), libc::MADV_DONTNEED) };
    // It is advice: a system that does not take it has the memory until the command ends.
    let _ = given;
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::sys::TempDir;

    #[test]
    #[allow(unsafe_code, reason = "a mapping shows what happens to its file")]
    fn what_is_given_back_stays_readable() {
        let dir = TempDir::new().unwrap();
        let contents: Vec<Vec<u8>> = (0..9u8)
            .map(|i| {
                (0..100_000 + usize::from(i))
                    .map(|at| (at % 251) as u8 ^ i)
                    .collect()
            })
            .collect();
        let maps: Vec<Arc<Mmap>> = (contents.iter().enumerate())
            .map(|(i, bytes)| {
                let path = dir.path().join(i.to_string());
                std::fs::write(&path, bytes).unwrap();
                // SAFETY: no other code knows of the file.
                Arc::new(unsafe { Mmap::map(&File::open(&path).unwrap()) }.unwrap())
            })
            .collect();
        // Without one in the middle, whatever has taken its place.
        let lying: Vec<_> = maps
            .iter()
            .filter(|map| map.len() != 100_004)
            .cloned()
            .collect();
        let len_of = |maps: &[Arc<Mmap>]| parts(maps).iter().map(Range::len).sum::<usize>();
        let page = rustix::param::page_size();
        assert_eq!(len_of(&maps), 9 * 100_008_usize.next_multiple_of(page));
        assert_eq!(len_of(&lying), 8 * 100_008_usize.next_multiple_of(page));
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| give_back(&lying));
            for (map, bytes) in maps.iter().zip(&contents) {
                assert!(map[..] == bytes[..]);
            }
        }
    }

    #[test]
    #[allow(unsafe_code, reason = "a mapping shows what happens to its file")]
    fn what_is_released_is_given_back_and_stays_readable() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        let bytes: Vec<u8> = (0..1 << 20).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        // SAFETY: no other code knows of the file.
        let map = Arc::new(unsafe { Mmap::map(&File::open(&path).unwrap()) }.unwrap());
        let mappings = Mappings::default();
        mappings.add(map.clone());
        for nth in 0..RELEASED_AT_ONCE {
            // It is no matter whether others were released before, nor how long they are.
            assert_eq!(lock(&mappings.released).len(), nth);
            mappings.release(&map, nth * 1000..1 << 19);
            mappings.release(&map, 0..RELEASED - 1);
        }
        assert!(lock(&mappings.released).is_empty());
        assert!(map[..] == bytes[..]);
    }
}
