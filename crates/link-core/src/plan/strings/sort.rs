//! Sorting strings by their ends, and placing them: one that ends another takes no room.
//!
//! Strings are spread over ranges of keys, so that each range is sorted near the processor
//! and placed by itself; all that is done for the whole is to add up what ranges take.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU32, Ordering};

use super::find::Distinct;
use crate::par;
use crate::sharded::Sharded;

/// Characters of a key.
const KEY_LEN: usize = 8;
/// There is a range for about as many strings,
const RANGE_STRINGS: usize = 512;
/// but not more than can be filled at once.
const MAX_RANGES: usize = 256;
/// Keys that are looked at to choose where one range ends.
const SAMPLES_PER_RANGE: usize = 16;
/// Bytes of a run.
const RUN_BYTES: u64 = 1 << 18;

/// Where the strings are.
pub(super) struct PlacedStrings<'a> {
    /// The size of those that take room, in bytes.
    pub(super) size: u64,
    /// Those, one run right behind the other.
    pub(super) runs: Vec<StringRun<'a>>,
    /// The offset of every string, by the number of its id.
    pub(super) offsets: Vec<AtomicU32>,
}

/// Some strings with their terminators, one right behind the other.
#[derive(Debug, Default)]
pub struct StringRun<'a> {
    /// Their size, in bytes.
    pub size: u64,
    /// The strings.
    pub strings: Vec<&'a [u8]>,
}

/// A string on its way to its place.
#[derive(Clone, Copy, Default)]
pub(super) struct Unplaced<'a> {
    /// Its characters from its end, at the depth that is being sorted.
    key: u64,
    /// With its terminator.
    bytes: &'a [u8],
    id: u32,
    /// Whether it ends the one before it.
    is_tail: bool,
}

impl<'a> Unplaced<'a> {
    pub(super) fn new(bytes: &'a [u8], key: u64, id: u32) -> Self {
        Self {
            key,
            bytes,
            id,
            is_tail: false,
        }
    }
}

/// Places strings in descending order of their ends, each that ends another in the one
/// right before it.
pub(super) fn place(distinct: Distinct<'_>) -> PlacedStrings<'_> {
    let Distinct {
        batches,
        ranges,
        end,
    } = distinct;
    let mut ranges = par::map_indices(ranges, |nth| Range::sort(nth, &batches));
    drop(batches);

    // The first string of a range may end the last one of the range before.
    let mut before = None;
    let mut size = 0;
    let mut starts = Vec::with_capacity(ranges.len());
    for range in ranges.iter_mut().filter(|range| !range.strings.is_empty()) {
        if let (Some(before), Some(first)) = (before, range.lone_first) {
            range.set_first(ends_with(before, first));
        }
        before = Some(range.last);
        starts.push(size);
        size += range.size;
    }
    ranges.retain(|range| !range.strings.is_empty());

    let offsets: Vec<_> = (0..end).map(|_| AtomicU32::new(0)).collect();
    let placed = ranges.into_iter().zip(starts).collect();
    let runs = par::map(placed, |(range, start): (Range<'_>, u64)| {
        range.place(start, &offsets)
    });
    PlacedStrings {
        size,
        runs: runs.into_iter().flatten().collect(),
        offsets,
    }
}

/// Where ranges of keys end.
pub(super) struct Splitters {
    /// The greatest keys of all ranges but the first, in descending order.
    keys: Vec<u64>,
}

impl Splitters {
    /// For `count` strings. `sampled` gives the keys of about one in as many as it is told.
    pub(super) fn new<S>(count: usize, sampled: impl FnOnce(usize) -> S) -> Self
    where
        S: Iterator<Item = u64>,
    {
        let ranges = (count / RANGE_STRINGS).min(MAX_RANGES);
        if ranges < 2 {
            return Self { keys: Vec::new() };
        }
        let step = (count / (ranges * SAMPLES_PER_RANGE)).max(1);
        let mut samples: Vec<u64> = sampled(step).collect();
        samples.sort_unstable_by_key(|&key| Reverse(key));
        let mut keys: Vec<u64> = samples
            .chunks(samples.len().div_ceil(ranges).max(1))
            .skip(1)
            .map(|chunk| chunk[0])
            .collect();
        keys.dedup();
        Self { keys }
    }

    /// How many ranges there are.
    pub(super) fn ranges(&self) -> usize {
        self.keys.len() + 1
    }

    /// The range of a key.
    #[inline]
    pub(super) fn range_of(&self, key: u64) -> u32 {
        self.keys.partition_point(|&splitter| splitter >= key) as u32
    }
}

/// Strings whose keys lie between two splitters, in order.
struct Range<'a> {
    strings: Vec<Unplaced<'a>>,
    /// Size of those that take room, in bytes.
    size: u64,
    /// The key of the first string, unless others have the same.
    lone_first: Option<u64>,
    /// The key of the last string.
    last: u64,
}

impl<'a> Range<'a> {
    fn sort(nth: usize, batches: &[Sharded<Unplaced<'a>>]) -> Self {
        let count = batches.iter().map(|batch| batch.shard(nth).len()).sum();
        let mut strings = Vec::with_capacity(count);
        for batch in batches {
            strings.extend_from_slice(batch.shard(nth));
        }
        strings.sort_unstable_by_key(|string| Reverse(string.key));
        let lone_first = match strings.as_slice() {
            [first, second, ..] => (first.key != second.key).then_some(first.key),
            rest => rest.first().map(|first| first.key),
        };
        let last = strings.last().map_or(0, |last| last.key);
        sort_alike(&mut strings);
        let with_room = strings.iter().filter(|string| !string.is_tail);
        let size = with_room.map(|string| string.bytes.len() as u64).sum();
        Self {
            strings,
            size,
            lone_first,
            last,
        }
    }

    /// Says whether the first string ends the one before it, which is in another range.
    fn set_first(&mut self, is_tail: bool) {
        let first = &mut self.strings[0];
        first.is_tail = is_tail;
        if is_tail {
            self.size -= first.bytes.len() as u64;
        }
    }

    /// Places the strings behind the first `size` bytes.
    fn place(self, mut size: u64, offsets: &[AtomicU32]) -> Vec<StringRun<'a>> {
        let mut runs = Vec::new();
        let mut run = StringRun::default();
        for string in self.strings {
            let len = string.bytes.len() as u64;
            // One that ends the string which has room ends the one right before it, too.
            if !string.is_tail {
                run.strings.push(string.bytes);
                run.size += len;
                size += len;
                if run.size >= RUN_BYTES {
                    runs.push(std::mem::take(&mut run));
                }
            }
            // Nothing of more than 4 GiB is written. It is not read before all are placed.
            offsets[string.id as usize].store((size - len) as u32, Ordering::Relaxed);
        }
        if run.size > 0 {
            runs.push(run);
        }
        runs
    }
}

/// Sorts strings that are sorted by their keys by what stands before those, too: a string
/// follows those that end with it.
fn sort_alike(strings: &mut [Unplaced<'_>]) {
    // A list instead of recursion: a long common tail would need a deep stack.
    let mut parts = Vec::new();
    settle(strings, KEY_LEN, &mut parts);
    while let Some((part, depth)) = parts.pop() {
        for string in &mut *part {
            string.key = tail_key(string.bytes, depth);
        }
        part.sort_unstable_by_key(|string| Reverse(string.key));
        settle(part, depth + KEY_LEN, &mut parts);
    }
}

/// The eight characters that stand `depth` characters before a string's terminator, the
/// last of them foremost; zeroes before its start.
#[inline]
pub(super) fn tail_key(bytes: &[u8], depth: usize) -> u64 {
    let text = &bytes[..bytes.len() - 1];
    let end = text.len().saturating_sub(depth);
    if let Some(last) = text[..end].last_chunk::<KEY_LEN>() {
        return u64::from_le_bytes(*last);
    }
    text[..end]
        .iter()
        .rev()
        .zip((0..64).step_by(8).rev())
        .fold(0, |key, (&byte, shift)| key | u64::from(byte) << shift)
}

/// Finds out which strings of `sorted` end the one before them: those that start within
/// the characters of their key. Parts that have a key in common are added to `parts`, with
/// the depth at which they are sorted on.
fn settle<'s, 'a>(
    sorted: &'s mut [Unplaced<'a>],
    depth: usize,
    parts: &mut Vec<(&'s mut [Unplaced<'a>], usize)>,
) {
    let mut before = None;
    for part in sorted.chunk_by_mut(|a, b| a.key == b.key) {
        let key = part[0].key;
        if let [string] = part {
            string.is_tail = before.is_some_and(|before| ends_with(before, key));
        } else {
            // Strings differ, so that several that agree go on before these characters,
            // and none of them ends one of another key.
            parts.push((part, depth));
        }
        before = Some(key);
    }
}

/// Whether all characters of `key`, another string's start before them, are in `longer`.
fn ends_with(longer: u64, key: u64) -> bool {
    let missing = key.trailing_zeros() / 8 * 8;
    let mask = u64::MAX.checked_shl(missing).unwrap_or(0);
    longer & mask == key
}
