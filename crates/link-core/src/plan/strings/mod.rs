//! Merging of strings: segments of null-terminated strings (`.rodata.str…`) and the
//! string sections of debug info, each string once, and a string that ends another inside
//! that one.
//!
//! Inputs are cut at their nulls ([`inputs`], [`cut`]), some of them ahead of time, and the
//! pieces spread by hash ([`partition`]), so that equal ones are found ([`find`]). What is left
//! is sorted by its end, so that a string stands right behind those it could be the tail of,
//! and placed ([`sort`]); and each piece is told where it went. Every step spreads over
//! threads. The order of the sort is total, so neither threads nor shards show in the result.

pub(crate) mod cut;
pub(crate) mod cut_inputs;
mod find;
mod partition;
mod sort;
mod string_uses;

use self::cut::Batch;
use self::find::Distinct;
use self::string_uses::StringUses;
use crate::par;

pub use self::cut::MergedInput;
pub use self::sort::StringRun;

pub(crate) use self::cut_inputs::CutInputs;

/// Strings of several inputs, merged.
#[derive(Debug, Default)]
pub struct MergedStrings<'a> {
    /// Size of the result, in bytes.
    pub size: u64,
    /// The strings that take room, one run right behind the other.
    pub placed: Vec<StringRun<'a>>,
    batches: Vec<Batch>,
    /// For each input, its batch and its place in that.
    inputs: Vec<(u32, u32)>,
}

/// An input whose last string has no terminator, by its place among the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unterminated(pub usize);

impl<'a> MergedStrings<'a> {
    /// Merges the strings of `inputs`, of characters of one byte. Some of them may have been cut
    /// `ahead`.
    pub fn merge(
        inputs: &[&'a [u8]],
        ahead: Option<CutInputs<'a>>,
    ) -> Result<Self, Vec<Unterminated>> {
        let bad: Vec<_> = inputs
            .iter()
            .enumerate()
            .filter(|(_, bytes)| bytes.last().is_some_and(|&last| last != 0))
            .map(|(i, _)| Unterminated(i))
            .collect();
        if !bad.is_empty() {
            return Err(bad);
        }

        let (cut, places) = CutInputs::complete(ahead, inputs);
        let (distinct, mut batches) = Distinct::find(cut.batches, cut.shard_bits);
        let placed = sort::place(distinct);
        par::for_each(batches.iter_mut().collect(), |batch: &mut Batch| {
            batch.place(&placed.offsets);
        });
        let inputs = places
            .into_iter()
            .map(|place| cut.inputs[place].whole(&mut batches))
            .collect();
        Ok(Self {
            size: placed.size,
            placed: placed.runs,
            batches,
            inputs,
        })
    }

    /// How many bytes of the result are there for each input: the bytes of a string that takes room
    /// are divided equally among its uses, by it and by strings that it ends with. The shares add up
    /// to the size of the result.
    pub(crate) fn shares(&self) -> Vec<u64> {
        let uses = StringUses::count(self);
        let shares = par::map_indices(self.inputs.len(), |nth| uses.of(self.input(nth)));
        let all: u128 = shares.iter().copied().map(u128::from).sum();
        // Rounding the sum of what came so far loses nothing.
        let (mut before, mut sum) = (0, 0);
        let round = |share: u64| {
            sum += u128::from(share);
            let end = (u128::from(self.size) * sum).checked_div(all).unwrap_or(0) as u64;
            end - std::mem::replace(&mut before, end)
        };
        shares.into_iter().map(round).collect()
    }

    /// Where the strings of the nth input went.
    #[inline]
    pub fn input(&self, nth: usize) -> MergedInput<'_> {
        let (batch, input) = self.inputs[nth];
        self.batches[batch as usize].input(input as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings<'a>(merged: &MergedStrings<'a>) -> Vec<&'a [u8]> {
        let runs = merged.placed.iter();
        runs.flat_map(|run| &run.strings).copied().collect()
    }

    fn contents(merged: &MergedStrings<'_>) -> Vec<u8> {
        let out = strings(merged).concat();
        assert_eq!(out.len() as u64, merged.size);
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
        let merged = MergedStrings::merge(&inputs, None).unwrap();
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
            MergedStrings::merge(&inputs, None).unwrap_err(),
            [Unterminated(1)]
        );
    }

    #[test]
    fn tails_are_found_at_every_length() {
        // Common ends of every length around those that are compared at once.
        let text = b"abcdefghijklmnopqrstuvwxyz";
        let mut inputs = Vec::new();
        for start in 0..text.len() {
            for first in [b'A', b'B'] {
                inputs.push([&[first], &text[start..], b"\0"].concat());
            }
            inputs.push([&text[start..], b"\0"].concat());
        }
        let slices: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let merged = MergedStrings::merge(&slices, None).unwrap();
        let out = contents(&merged);
        // The whole text has room of its own only behind another letter.
        assert_eq!(strings(&merged).len(), 2 * text.len());
        for (i, input) in inputs.iter().enumerate() {
            assert_eq!(at(&out, &merged, i, 0), &input[..input.len() - 1]);
        }
    }

    /// A large input is cut in parts, and found again as one.
    #[test]
    fn an_input_may_be_split() {
        let mut large = Vec::new();
        for i in 0..10_000u32 {
            let len = 1 + i as usize * 7 % 40;
            large.extend(format!("{i:0len$}").bytes().chain([0]));
        }
        let inputs: [&[u8]; 3] = [b"small\0", &large, b"42\0small\0"];
        let merged = MergedStrings::merge(&inputs, None).unwrap();
        assert!(merged.batches.len() > 2);
        let out = contents(&merged);
        for (i, input) in inputs.iter().enumerate() {
            for offset in 0..input.len() {
                let len = input[offset..].iter().position(|&b| b == 0).unwrap();
                let found = at(&out, &merged, i, offset as u64);
                assert_eq!(found, &input[offset..offset + len]);
            }
        }
    }

    /// Whatever was cut ahead, the result is the same.
    #[test]
    fn inputs_may_be_cut_ahead() {
        let strings = |range: std::ops::Range<u32>| -> Vec<u8> {
            let lines = range.map(|i| format!("{}-{}\0", i % 1000, i / 7));
            lines.collect::<String>().into_bytes()
        };
        let inputs: Vec<Vec<u8>> = (0..40)
            .map(|i| strings(i * 300..i * 300 + 500 + i % 3 * 9000))
            .collect();
        let all: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let merge = |inputs: &[&[u8]], ahead: &[&[u8]]| {
            let merged = MergedStrings::merge(inputs, Some(CutInputs::new(ahead))).unwrap();
            let out = contents(&merged);
            for (i, input) in inputs.iter().enumerate() {
                for offset in (0..input.len()).step_by(17) {
                    let len = input[offset..].iter().position(|&b| b == 0).unwrap();
                    let found = at(&out, &merged, i, offset as u64);
                    assert_eq!(found, &input[offset..offset + len]);
                }
            }
            out
        };
        let whole = contents(&MergedStrings::merge(&all, None).unwrap());
        let backwards: Vec<&[u8]> = all.iter().rev().copied().collect();
        for ahead in [&all[..], &all[..1], &all[10..30], &backwards, &[]] {
            assert_eq!(merge(&all, ahead), whole);
        }
        // Of what takes no part nothing is left, whether it was split or is one of many.
        for some in [&all[1..], &all[..20], &all[5..7]] {
            let alone = contents(&MergedStrings::merge(some, None).unwrap());
            assert!(alone.len() < whole.len());
            assert_eq!(merge(some, &all), alone);
        }
    }

    /// Many strings, so that batches, shards and hints are used, on one thread and several.
    #[test]
    fn every_piece_is_found_again() {
        let mut inputs = Vec::new();
        let mut state = 1u32;
        for _ in 0..300 {
            let mut input = Vec::new();
            for _ in 0..400 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let len = state >> 27;
                for i in 0..len {
                    input.push(b'a' + ((state >> (i % 16)) % 5) as u8);
                }
                input.push(0);
            }
            // One that is like an earlier one but for its first strings and its end.
            let earlier: &Vec<u8> = inputs.last().unwrap_or(&input);
            let like = [&input[..99], &b"\0"[..], &earlier[99..], &b"end\0"[..]].concat();
            inputs.extend([input, like]);
        }
        let slices: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let merge = || MergedStrings::merge(&slices, None).unwrap();
        let merged = merge();
        assert!(merged.batches.len() > 1);
        let out = contents(&merged);
        for (i, input) in inputs.iter().enumerate() {
            let mut offset = 0;
            for string in input.split_inclusive(|&b| b == 0) {
                for inner in [0, string.len() / 2, string.len() - 1] {
                    let found = at(&out, &merged, i, offset + inner as u64);
                    assert_eq!(found, &string[inner..string.len() - 1]);
                }
                offset += string.len() as u64;
            }
        }
        // Backwards and in order, a string stands before those that it ends.
        let pieces = slices.iter().flat_map(|input| input.split(|&b| b == 0));
        let backwards: std::collections::BTreeSet<Vec<u8>> = pieces
            .map(|string| string.iter().rev().copied().collect())
            .collect();
        let next = backwards.iter().skip(1).map(Some).chain([None]);
        let with_room = backwards
            .iter()
            .zip(next)
            .filter(|(string, next)| !next.is_some_and(|next| next.starts_with(string)));
        assert_eq!(strings(&merged).len(), with_room.count());
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(contents(&pool.install(merge)), out);
        }
    }
}
