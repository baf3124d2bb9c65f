//! The inputs that are mapped. What the system has to do for each of their pages when the command
//! ends, one thread would do; here several do it before.

use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;
use rayon::prelude::*;
use rustix::mm::Advice;

/// Bytes of mappings from which on they are worth sharing.
const WORTH: usize = 64 << 20;
/// Bytes that are given back at once, if as many lie side by side. All processors that the command
/// runs on have to be told of it each time, which takes as long as some hundred pages.
const PART: usize = 16 << 20;

/// The mappings, which nobody writes through.
#[derive(Debug, Default)]
pub(crate) struct Mappings(Mutex<Vec<Arc<Mmap>>>);

impl Mappings {
    pub(crate) fn add(&self, map: Arc<Mmap>) {
        // A push is whole or was not made, whatever panicked.
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        maps.push(map);
    }

    /// Gives back what is in memory of them, if there is much and the calling thread is one of a
    /// pool's, by all of its threads. They stay readable.
    pub(crate) fn give_back(&self) {
        let maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

/// The addresses of mappings, in parts: what lies side by side is together.
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

#[allow(
    unsafe_code,
    reason = "the system calls it so: of other memory it would be the end"
)]
fn give_back_part(part: &Range<usize>) {
    let start = ptr::without_provenance_mut(part.start);
    // SAFETY: all of it is pages of mappings that `Mappings` keeps and holds locked, of files, and
    // nothing is ever written through them: what is given back is read from the file again if
    // somebody looks at it.
    let given = unsafe { rustix::mm::madvise(start, part.len(), Advice::LinuxDontNeed) };
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
                // SAFETY: nobody else knows of the file.
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
}
