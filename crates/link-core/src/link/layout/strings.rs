//! Merging of strings: segments of null-terminated strings (`.rodata.str…`) and the
//! string sections of debug info, each string once, and a string that ends another inside
//! that one.
//!
//! Done in steps that each spread over threads: cut the inputs at their nulls; hash the
//! pieces; find equal pieces, in shards by hash; sort what is left by its end, so
//! that a string stands right behind those it could be the tail of; place; and tell each
//! input piece where it went. The order of the sort is total, so neither threads nor
//! shards show in the result.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::link::fingerprint::{Fingerprint, Fingerprints, Numbered};
use crate::link::par;

/// Bytes of input per unit of parallel work.
const BATCH_BYTES: usize = 256 << 10;
/// Strings per unit of parallel work.
const CHUNK: usize = 8 << 10;
/// Above this many pieces, the search for equal ones is sharded.
const SHARDING_FROM: usize = 20_000;
const SHARD_BITS: u32 = 5;
/// Inputs longer than this get a table of piece numbers by offset, one entry for every
/// `1 << HINT_SHIFT` bytes.
const HINT_FROM: usize = 256;
const HINT_SHIFT: u32 = 6;

/// Strings of several inputs, merged.
#[derive(Debug, Default)]
pub struct MergedStrings<'a> {
    /// Size of the result, in bytes.
    pub size: u64,
    /// The strings that take room, with their terminators, in the order of their offsets.
    pub placed: Vec<PlacedString<'a>>,
    batches: Vec<Batch>,
    /// For each input, its batch and its place in that.
    inputs: Vec<(u32, u32)>,
}

/// A string of the result.
#[derive(Debug, Clone, Copy)]
pub struct PlacedString<'a> {
    /// Offset in the result, in bytes.
    pub offset: u32,
    /// Its bytes, the terminator included.
    pub bytes: &'a [u8],
}

/// A piece of an input and where it went.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Offset in the input.
    start: u32,
    /// Offset in the result, once that is known.
    out: u32,
}

/// Some consecutive inputs.
#[derive(Debug, Default)]
struct Batch {
    pieces: Vec<Piece>,
    /// For each input, its first piece; one entry more for the end.
    first: Vec<u32>,
    /// For each input, its first entry of `hints`; one entry more for the end.
    first_hint: Vec<u32>,
    /// For every `1 << HINT_SHIFT` bytes of a long input, the piece (counted within the
    /// input) that holds the first of them.
    hints: Vec<u32>,
}

/// An input whose last string has no terminator, by its place among the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unterminated(pub usize);

/// A distinct string, on its way to its place.
struct Distinct<'a> {
    /// Eight characters from its end, at the depth that is being sorted.
    key: u64,
    /// With its terminator.
    bytes: &'a [u8],
    /// Which shard found it.
    shard: u32,
    /// Its place in that shard.
    nth: u32,
}

impl<'a> MergedStrings<'a> {
    /// Merges the strings of `inputs`, of characters of one byte.
    pub fn merge(inputs: &[&'a [u8]]) -> Result<Self, Vec<Unterminated>> {
        let bad: Vec<_> = inputs
            .iter()
            .enumerate()
            .filter(|(_, bytes)| bytes.last().is_some_and(|&last| last != 0))
            .map(|(i, _)| Unterminated(i))
            .collect();
        if !bad.is_empty() {
            return Err(bad);
        }

        let ranges = batch_ranges(inputs);
        let mut places = Vec::with_capacity(inputs.len());
        for (batch, range) in ranges.iter().enumerate() {
            places.extend((0..range.len()).map(|i| (batch as u32, i as u32)));
        }
        let mut batches =
            par::map_indices(ranges.len(), |i| Batch::split(&inputs[ranges[i].clone()]));

        let count: usize = batches.iter().map(|batch| batch.pieces.len()).sum();
        let shard_bits = if count < SHARDING_FROM { 0 } else { SHARD_BITS };
        let fingerprints = Fingerprints::new();

        // Which pieces belong to which shard, batch by batch.
        let by_shard = par::map_indices(batches.len(), |i| {
            Partition::new(
                &batches[i],
                &inputs[ranges[i].clone()],
                shard_bits,
                fingerprints,
            )
        });
        let shards = 1usize << shard_bits;
        let found = par::map_indices(shards, |shard| {
            Found::new(shard as u32, &by_shard, |batch, piece| {
                batches[batch].bytes(&inputs[ranges[batch].clone()], piece)
            })
        });

        let mut strings = Vec::with_capacity(found.iter().map(|found| found.strings.len()).sum());
        let mut offsets = Vec::with_capacity(shards);
        let mut ids = Vec::with_capacity(shards);
        for (shard, found) in found.into_iter().enumerate() {
            offsets.push(vec![0; found.strings.len()]);
            ids.push(found.ids);
            let distinct = (0..).zip(found.strings).map(|(nth, bytes)| Distinct {
                key: 0,
                bytes,
                shard: shard as u32,
                nth,
            });
            strings.extend(distinct);
        }
        sort_by_tail(&mut strings);
        let (size, placed) = place(&strings, &mut offsets);
        drop(strings);

        // Each shard's ids follow the order of the batches, so that a batch's part of
        // them starts where the parts of the batches before it end.
        let mut starts = vec![0u32; shards];
        let mut batch_starts = Vec::with_capacity(batches.len());
        for partition in &by_shard {
            batch_starts.push(starts.clone());
            for (shard, start) in starts.iter_mut().enumerate() {
                *start += partition.of(shard as u32).len() as u32;
            }
        }
        let work: Vec<_> = batches
            .iter_mut()
            .zip(&by_shard)
            .zip(&batch_starts)
            .collect();
        par::for_each(work, |((batch, partition), starts)| {
            for (shard, &start) in starts.iter().enumerate() {
                let ids = &ids[shard][start as usize..];
                for (hashed, &id) in partition.of(shard as u32).iter().zip(ids) {
                    batch.pieces[hashed.number as usize].out = offsets[shard][id as usize];
                }
            }
        });

        Ok(Self {
            size,
            placed,
            batches,
            inputs: places,
        })
    }

    /// Where the strings of the nth input went.
    #[inline]
    pub fn input(&self, nth: usize) -> MergedInput<'_> {
        let (batch, input) = self.inputs[nth];
        self.batches[batch as usize].input(input as usize)
    }
}

/// One of the inputs of [`MergedStrings`]: where its strings went.
#[derive(Debug, Clone, Copy)]
pub struct MergedInput<'m> {
    pieces: &'m [Piece],
    /// Empty if the input is short.
    hints: &'m [u32],
}

impl MergedInput<'_> {
    /// Where byte `offset` of the input went: an offset in the result. An offset beyond
    /// the input's end counts from its last string.
    #[inline]
    pub fn locate(self, offset: u64) -> u64 {
        if self.pieces.is_empty() {
            return offset;
        }
        let nth = if let Some(&hint) = self.hints.get((offset >> HINT_SHIFT) as usize) {
            let after = &self.pieces[hint as usize + 1..];
            let further = after
                .iter()
                .take_while(|piece| u64::from(piece.start) <= offset)
                .count();
            hint as usize + further
        } else {
            self.pieces
                .partition_point(|piece| u64::from(piece.start) <= offset)
                - 1
        };
        let piece = self.pieces[nth];
        u64::from(piece.out).wrapping_add(offset - u64::from(piece.start))
    }
}

/// Cuts the inputs into runs of about [`BATCH_BYTES`].
fn batch_ranges(inputs: &[&[u8]]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (i, input) in inputs.iter().enumerate() {
        bytes += input.len();
        if bytes >= BATCH_BYTES {
            ranges.push(start..i + 1);
            start = i + 1;
            bytes = 0;
        }
    }
    if start < inputs.len() {
        ranges.push(start..inputs.len());
    }
    ranges
}

/// The pieces of one batch, grouped by shard.
struct Partition {
    /// The number beside a fingerprint is that of the piece.
    pieces: Vec<Numbered>,
    starts: Vec<u32>,
}

impl Partition {
    fn new(batch: &Batch, inputs: &[&[u8]], shard_bits: u32, fingerprints: Fingerprints) -> Self {
        let shards = 1usize << shard_bits;
        let mut hashed = Vec::with_capacity(batch.pieces.len());
        let mut starts = vec![0u32; shards + 1];
        for (input, contents) in inputs.iter().enumerate() {
            let range = batch.first[input]..batch.first[input + 1];
            for piece in range.clone() {
                let bytes = batch.bytes_of(contents, piece, piece + 1 == range.end);
                let (hash, bits) = fingerprints.of(bytes);
                let shard = bits & (shards as u32 - 1);
                starts[shard as usize + 1] += 1;
                hashed.push((hash, shard));
            }
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut pieces = vec![Numbered::default(); hashed.len()];
        for (piece, (hash, shard)) in hashed.into_iter().enumerate() {
            let at = &mut next[shard as usize];
            pieces[*at as usize] = Numbered::new(hash, piece as u32);
            *at += 1;
        }
        Self { pieces, starts }
    }

    /// The pieces of a shard, each with its hash, in the order in which they stand.
    fn of(&self, shard: u32) -> &[Numbered] {
        let shard = shard as usize;
        &self.pieces[self.starts[shard] as usize..self.starts[shard + 1] as usize]
    }
}

/// The distinct strings of one shard.
struct Found<'a> {
    strings: Vec<&'a [u8]>,
    /// Which of them each of the shard's pieces is, batch by batch.
    ids: Vec<u32>,
}

impl<'a> Found<'a> {
    fn new(shard: u32, partitions: &[Partition], bytes: impl Fn(usize, u32) -> &'a [u8]) -> Self {
        let count = partitions.iter().map(|partition| partition.of(shard).len());
        let mut ids = Vec::with_capacity(count.sum());
        let mut strings = Vec::new();
        let mut hashes: Vec<Fingerprint> = Vec::new();
        let mut table = HashTable::<u32>::new();
        for (batch, partition) in partitions.iter().enumerate() {
            for hashed in partition.of(shard) {
                let hash = hashed.fingerprint();
                let entry = table.entry(
                    hash.low,
                    |&id| hashes[id as usize] == hash,
                    |&id| hashes[id as usize].low,
                );
                let id = match entry {
                    Entry::Occupied(entry) => *entry.get(),
                    Entry::Vacant(entry) => {
                        let id = hashes.len() as u32;
                        entry.insert(id);
                        hashes.push(hash);
                        strings.push(bytes(batch, hashed.number));
                        id
                    }
                };
                ids.push(id);
            }
        }
        Self { strings, ids }
    }
}

impl Batch {
    /// Cuts inputs at their nulls.
    fn split(inputs: &[&[u8]]) -> Self {
        let mut batch = Batch::default();
        for input in inputs {
            batch.first.push(batch.pieces.len() as u32);
            batch.first_hint.push(batch.hints.len() as u32);
            let first = batch.pieces.len();
            let hinted = input.len() >= HINT_FROM;
            let mut start = 0;
            while start < input.len() {
                // Every input ends with a null, which was checked before.
                let len = memchr::memchr(0, &input[start..]).map_or(input.len() - start, |i| i + 1);
                if hinted {
                    let nth = (batch.pieces.len() - first) as u32;
                    let blocks = (start + len).div_ceil(1 << HINT_SHIFT);
                    let known =
                        batch.hints.len() - batch.first_hint[batch.first_hint.len() - 1] as usize;
                    for block in known..blocks {
                        let block_start = block << HINT_SHIFT;
                        debug_assert!(block_start < start + len);
                        batch.hints.push(nth);
                    }
                }
                batch.pieces.push(Piece {
                    start: start as u32,
                    out: 0,
                });
                start += len;
            }
        }
        batch.first.push(batch.pieces.len() as u32);
        batch.first_hint.push(batch.hints.len() as u32);
        batch
    }

    /// The bytes of piece `piece` (counted within the batch) of the batch's inputs.
    fn bytes<'a>(&self, inputs: &[&'a [u8]], piece: u32) -> &'a [u8] {
        let input = self.first.partition_point(|&first| first <= piece) - 1;
        self.bytes_of(inputs[input], piece, piece + 1 == self.first[input + 1])
    }

    /// The same, of an input of `contents`, of which it may be the last piece.
    fn bytes_of<'a>(&self, contents: &'a [u8], piece: u32, is_last: bool) -> &'a [u8] {
        let start = self.pieces[piece as usize].start as usize;
        let end = if is_last {
            contents.len()
        } else {
            self.pieces[piece as usize + 1].start as usize
        };
        &contents[start..end]
    }

    #[inline]
    fn input(&self, input: usize) -> MergedInput<'_> {
        let of = |first: &[u32]| first[input] as usize..first[input + 1] as usize;
        MergedInput {
            pieces: &self.pieces[of(&self.first)],
            hints: &self.hints[of(&self.first_hint)],
        }
    }
}

/// The eight characters that stand `depth` characters before a string's terminator, the
/// last of them foremost; zeroes before its start.
fn tail_key(bytes: &[u8], depth: usize) -> u64 {
    let text = &bytes[..bytes.len() - 1];
    let end = text.len().saturating_sub(depth);
    if let Some(last) = text[..end].last_chunk::<8>() {
        return u64::from_le_bytes(*last);
    }
    text[..end]
        .iter()
        .rev()
        .zip((0..64).step_by(8).rev())
        .fold(0, |key, (&byte, shift)| key | u64::from(byte) << shift)
}

/// Sorts distinct strings by their ends, descending: a string follows those that end
/// with it.
fn sort_by_tail(strings: &mut [Distinct<'_>]) {
    let chunks = strings.chunks_mut(CHUNK).collect();
    par::for_each(chunks, |chunk: &mut [Distinct<'_>]| {
        for string in chunk {
            string.key = tail_key(string.bytes, 0);
        }
    });
    if par::available() {
        use rayon::slice::ParallelSliceMut;
        strings.par_sort_unstable_by_key(|string| std::cmp::Reverse(string.key));
    } else {
        strings.sort_unstable_by_key(|string| std::cmp::Reverse(string.key));
    }
    let mut alike = Vec::new();
    push_alike(strings, 8, &mut alike);
    par::for_each(alike, |(part, depth)| {
        // A list instead of recursion: a long common tail would need a deep stack.
        let mut parts = vec![(part, depth)];
        while let Some((part, depth)) = parts.pop() {
            for string in &mut *part {
                string.key = tail_key(string.bytes, depth);
            }
            part.sort_unstable_by_key(|string| std::cmp::Reverse(string.key));
            push_alike(part, depth + 8, &mut parts);
        }
    });
}

/// Adds the parts of `sorted` that have a key in common, and the depth at which they are
/// sorted on.
fn push_alike<'s, 'a>(
    sorted: &'s mut [Distinct<'a>],
    depth: usize,
    parts: &mut Vec<(&'s mut [Distinct<'a>], usize)>,
) {
    // Strings differ, so that several that agree go on before these characters.
    let parts_of_one_key = sorted.chunk_by_mut(|a, b| a.key == b.key);
    parts.extend(
        parts_of_one_key
            .filter(|part| part.len() > 1)
            .map(|part| (part, depth)),
    );
}

/// Gives each string its offset, by shard and place in it; also the strings that take
/// room, and the size of them all.
fn place<'a>(strings: &[Distinct<'a>], offsets: &mut [Vec<u32>]) -> (u64, Vec<PlacedString<'a>>) {
    // One that ends the string which has room ends the one right before it, too.
    let chunks = strings.len().div_ceil(CHUNK);
    let tails = par::map_indices(chunks, |chunk| -> Vec<bool> {
        let start = chunk * CHUNK;
        let end = strings.len().min(start + CHUNK);
        (start..end)
            .map(|i| i > 0 && strings[i - 1].bytes.ends_with(strings[i].bytes))
            .collect()
    });
    let mut size = 0u64;
    let mut placed: Vec<PlacedString<'a>> = Vec::with_capacity(strings.len());
    for (string, is_tail) in strings.iter().zip(tails.into_iter().flatten()) {
        let len = string.bytes.len() as u64;
        if !is_tail {
            placed.push(PlacedString {
                offset: size as u32,
                bytes: string.bytes,
            });
            size += len;
        }
        offsets[string.shard as usize][string.nth as usize] = (size - len) as u32;
    }
    (size, placed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(merged: &MergedStrings<'_>) -> Vec<u8> {
        let mut out = vec![0xaa; merged.size as usize];
        for string in &merged.placed {
            out[string.offset as usize..][..string.bytes.len()].copy_from_slice(string.bytes);
        }
        out
    }

    fn at<'o>(out: &'o [u8], merged: &MergedStrings<'_>, input: usize, offset: u64) -> &'o [u8] {
        let at = merged.input(input).locate(offset) as usize;
        let len = out[at..].iter().position(|&b| b == 0).unwrap();
        &out[at..at + len]
    }

    #[test]
    fn equal_strings_and_tails_share_room() {
        let inputs: [&[u8]; 4] = [b"hello\0", b"lo\0", b"one\0two\0three\0", b"\0hello\0"];
        let merged = MergedStrings::merge(&inputs).unwrap();
        let out = contents(&merged);
        assert_eq!(out, b"two\0hello\0one\0three\0");
        assert_eq!(at(&out, &merged, 1, 0), b"lo");
        assert_eq!(at(&out, &merged, 2, 4), b"two");
        assert_eq!(at(&out, &merged, 2, 9), b"hree");
        assert_eq!(at(&out, &merged, 3, 0), b"");
        assert_eq!(at(&out, &merged, 3, 1), b"hello");
    }

    #[test]
    fn a_string_without_end_is_reported() {
        let inputs: [&[u8]; 3] = [b"ok\0", b"bad", b""];
        assert_eq!(
            MergedStrings::merge(&inputs).unwrap_err(),
            [Unterminated(1)]
        );
    }

    /// Many strings, so that batches, shards and hints are used, on one thread and several.
    #[test]
    fn every_piece_is_found_again() {
        let mut inputs = Vec::new();
        let mut state = 1u32;
        for _ in 0..300 {
            let mut input = Vec::new();
            for _ in 0..150 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let len = state >> 27;
                for i in 0..len {
                    input.push(b'a' + ((state >> (i % 16)) % 5) as u8);
                }
                input.push(0);
            }
            inputs.push(input);
        }
        let slices: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let merge = || MergedStrings::merge(&slices).unwrap();
        let merged = merge();
        let out = contents(&merged);
        for (i, input) in inputs.iter().enumerate() {
            let mut offset = 0;
            for string in input.split_inclusive(|&b| b == 0) {
                assert_eq!(at(&out, &merged, i, offset), &string[..string.len() - 1]);
                offset += string.len() as u64;
            }
        }
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(contents(&pool.install(merge)), out);
        }
    }
}
