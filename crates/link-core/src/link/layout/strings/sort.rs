//! Sorting strings by their ends, and placing them: one that ends another takes no room.

use super::find::Distinct;
use crate::link::par;

/// Characters of a key.
const KEY_LEN: usize = 8;

/// Where the strings are.
pub(super) struct Placed<'a> {
    /// The size of those that take room, in bytes.
    pub(super) size: u64,
    /// Those, with their terminators, one right behind the other.
    pub(super) strings: Vec<&'a [u8]>,
    /// The offset of every string, by the number of its id.
    pub(super) offsets: Vec<u32>,
}

/// A string on its way to its place.
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
pub(super) fn place(Distinct { mut strings, end }: Distinct<'_>) -> Placed<'_> {
    sort_by_tail(&mut strings);
    let mut placed = Placed {
        size: 0,
        strings: Vec::with_capacity(strings.len()),
        offsets: vec![0; end],
    };
    for string in strings {
        let len = string.bytes.len() as u64;
        // One that ends the string which has room ends the one right before it, too.
        if !string.is_tail {
            placed.strings.push(string.bytes);
            placed.size += len;
        }
        // Nothing of more than 4 GiB is written.
        placed.offsets[string.id as usize] = (placed.size - len) as u32;
    }
    placed
}

/// Sorts strings by their ends, descending: a string follows those that end with it.
fn sort_by_tail(strings: &mut [Unplaced<'_>]) {
    if par::available() {
        use rayon::slice::ParallelSliceMut;
        strings.par_sort_unstable_by_key(|string| std::cmp::Reverse(string.key));
    } else {
        strings.sort_unstable_by_key(|string| std::cmp::Reverse(string.key));
    }
    let mut alike = Vec::new();
    settle(strings, KEY_LEN, &mut alike);
    par::for_each(alike, |(part, depth)| {
        // A list instead of recursion: a long common tail would need a deep stack.
        let mut parts = vec![(part, depth)];
        while let Some((part, depth)) = parts.pop() {
            for string in &mut *part {
                string.key = tail_key(string.bytes, depth);
            }
            part.sort_unstable_by_key(|string| std::cmp::Reverse(string.key));
            settle(part, depth + KEY_LEN, &mut parts);
        }
    });
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
