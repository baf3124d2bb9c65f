//! How often each merged string is used, for reports of sizes.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::{MergedInput, MergedStrings};
use crate::par;

/// Bytes that a word of the map of starts is about.
const WORD: usize = 64;

/// A fraction of a byte: uses divide strings into many parts.
const SCALE: u64 = 1 << 16;

/// The strings that take room, and how often each is used.
pub(super) struct StringUses {
    /// A bit for each byte of the result: whether a string begins there.
    starts: Vec<u64>,
    /// For each word of that, how many strings begin before it.
    before: Vec<u32>,
    /// Lengths of the strings in bytes.
    lens: Vec<u32>,
    counts: Vec<AtomicU32>,
}

impl StringUses {
    pub(super) fn count(merged: &MergedStrings<'_>) -> Self {
        let words = (merged.size as usize).div_ceil(WORD);
        let mut uses = Self {
            starts: vec![0; words],
            before: Vec::with_capacity(words),
            lens: Vec::new(),
            counts: Vec::new(),
        };
        let mut at = 0;
        for string in merged.placed.iter().flat_map(|run| &run.strings) {
            uses.starts[at / WORD] |= 1 << (at % WORD);
            uses.lens.push(string.len() as u32);
            at += string.len();
        }
        let mut before = 0;
        for word in &uses.starts {
            uses.before.push(before);
            before += word.count_ones();
        }
        uses.counts.resize_with(uses.lens.len(), AtomicU32::default);
        par::map_indices(merged.inputs.len(), |nth| {
            for piece in merged.input(nth).pieces() {
                if let Some(string) = uses.string(piece.out) {
                    uses.counts[string].fetch_add(1, Relaxed);
                }
            }
        });
        uses
    }

    /// The string that has a byte of the result.
    fn string(&self, at: u32) -> Option<usize> {
        let (word, bit) = (at as usize / WORD, at as usize % WORD);
        // Bits up to this one.
        let upto = self.starts.get(word)? << (WORD - 1 - bit);
        (self.before[word] + upto.count_ones())
            .checked_sub(1)
            .map(|nth| nth as usize)
    }

    /// What an input has of the strings it uses, in fractions of a byte.
    pub(super) fn of(&self, input: MergedInput<'_>) -> u64 {
        let share = |at| {
            let string = self.string(at)?;
            let count = u64::from(self.counts[string].load(Relaxed)).max(1);
            Some(u64::from(self.lens[string]) * SCALE / count)
        };
        let pieces = input.pieces().iter();
        pieces.filter_map(|piece| share(piece.out)).sum()
    }
}
