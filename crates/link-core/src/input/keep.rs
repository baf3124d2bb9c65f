//! Where the bytes of a link's inputs live.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::env::FileData;

/// Owns what later phases borrow: the contents of the files that were opened, and the
/// little that parsing has to write down anew. Made before a link, dropped after it.
///
/// Files are added while the link runs (a thin archive's members when they are pulled),
/// through a shared reference and from any thread.
#[derive(Debug, Default)]
pub struct LoadedFiles {
    files: AppendOnly<FileData>,
    bytes: AppendOnly<Box<[u8]>>,
}

impl LoadedFiles {
    /// Nothing loaded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a file.
    pub(crate) fn keep_file(&self, data: FileData) -> &FileData {
        self.files.push(data)
    }

    /// Keeps bytes that are in no file.
    pub(super) fn keep_bytes(&self, bytes: Vec<u8>) -> &[u8] {
        self.bytes.push(bytes.into_boxed_slice())
    }
}

/// A list that grows through a shared reference; what is in it never moves.
///
/// Bucket `i` has room for `2^i` items and is made when the first of them arrives.
#[derive(Debug)]
struct AppendOnly<T> {
    len: AtomicUsize,
    buckets: [OnceLock<Box<[OnceLock<T>]>>; usize::BITS as usize],
}

impl<T> Default for AppendOnly<T> {
    fn default() -> Self {
        Self {
            len: AtomicUsize::new(0),
            buckets: [const { OnceLock::new() }; usize::BITS as usize],
        }
    }
}

impl<T> AppendOnly<T> {
    fn push(&self, value: T) -> &T {
        // Every call gets a place of its own: item `n` (from 1) is in the bucket of its
        // highest bit, at the place that the other bits name.
        let n = self.len.fetch_add(1, Ordering::Relaxed) + 1;
        let bucket = n.ilog2();
        let size = 1 << bucket;
        let places = self.buckets[bucket as usize]
            .get_or_init(|| (0..size).map(|_| OnceLock::new()).collect());
        places[n - size].get_or_init(|| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_where_they_are_while_others_arrive() {
        let list = AppendOnly::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let list = &list;
                scope.spawn(move || {
                    let items: Vec<(usize, &usize)> = (0..1000)
                        .map(|i| (thread * 1000 + i, list.push(thread * 1000 + i)))
                        .collect();
                    assert!(items.iter().all(|(value, item)| value == *item));
                });
            }
        });
        assert_eq!(list.len.into_inner(), 4000);
    }
}
