//! Finding equal pieces by their fingerprints, in shards by hash: several are searched at
//! once, and what is known of one fits the cache.

use super::cut::Batch;
use super::inputs::CutBatch;
use super::partition::{Hashed, NONE, nothing};
use super::sort::{Splitters, Unplaced};
use crate::link::fingerprint::{Fingerprint, Numbered};
use crate::link::par;
use crate::link::sharded::Sharded;

/// The distinct strings of inputs.
pub(super) struct Distinct<'a> {
    /// For each batch of inputs, those that came up there first, by ranges of their ends.
    pub(super) batches: Vec<Sharded<Unplaced<'a>>>,
    /// How many ranges there are.
    pub(super) ranges: usize,
    /// Their ids are below this.
    pub(super) end: usize,
}

impl<'a> Distinct<'a> {
    /// Finds the strings of batches; the pieces say which they are.
    pub(super) fn find(mut cut: Vec<CutBatch<'a>>, shard_bits: u32) -> (Self, Vec<Batch>) {
        let mut shards: Vec<_> = (0..1 << shard_bits).map(|nth| (nth, Vec::new())).collect();
        for batch in &mut cut {
            for (pieces, (_, shard)) in batch.partition.shards().zip(&mut shards) {
                shard.push(pieces);
            }
        }
        let counts = par::map_with(shards, Vec::new, |slots, (nth, pieces)| {
            let id = |place| place << shard_bits | nth;
            Shard::new(slots).find(pieces.into_iter().flatten(), id)
        });

        let count = counts.iter().map(|&count| count as usize).sum();
        let splitters = Splitters::new(count, |step| {
            let partitions = cut.iter().map(|batch| &batch.partition);
            partitions.flat_map(move |partition| partition.sampled(step))
        });
        let told = par::map(cut, |mut cut: CutBatch<'a>| {
            let strings = cut.partition.tell(&mut cut.batch, &cut.inputs, &splitters);
            (cut.batch, strings)
        });
        let (batches, strings) = told.into_iter().unzip();
        let most = counts.into_iter().max().unwrap_or(0);
        let distinct = Self {
            batches: strings,
            ranges: splitters.ranges(),
            end: (most as usize) << shard_bits,
        };
        (distinct, batches)
    }
}

/// The distinct strings of one shard.
struct Shard<'s> {
    count: u32,
    /// As many as a power of two; each string stands at its hash or in the next free one.
    /// The number beside a fingerprint is the id.
    slots: &'s mut Vec<Numbered>,
}

impl<'s> Shard<'s> {
    /// A shard in the memory of another, which is as long as is needed if that was.
    fn new(slots: &'s mut Vec<Numbered>) -> Self {
        slots.fill(nothing());
        Self { count: 0, slots }
    }

    /// Finds the strings that pieces are and returns how many there are. `id` is of their
    /// place among them.
    fn find<'p>(
        mut self,
        pieces: impl Iterator<Item = &'p mut Hashed>,
        id: impl Fn(u32) -> u32,
    ) -> u32 {
        for piece in pieces {
            // At most three quarters are taken, so that a free one is near.
            if self.count as usize >= self.slots.len() / 4 * 3 {
                self.grow();
            }
            let string = piece.fingerprint();
            let slot = slot_of(self.slots, string);
            let slot = &mut self.slots[slot];
            let is_new = slot.number == NONE;
            if is_new {
                *slot = Numbered::new(string, id(self.count));
                self.count += 1;
            }
            piece.set_found(slot.number, is_new);
        }
        self.count
    }

    fn grow(&mut self) {
        let mut slots = vec![nothing(); (2 * self.slots.len()).max(64)];
        for &taken in self.slots.iter().filter(|slot| slot.number != NONE) {
            let slot = slot_of(&slots, taken.fingerprint());
            slots[slot] = taken;
        }
        *self.slots = slots;
    }
}

/// The slot of a string, or the free one where it belongs.
#[inline]
fn slot_of(slots: &[Numbered], string: Fingerprint) -> usize {
    let mask = slots.len() - 1;
    let mut slot = string.low as usize & mask;
    while slots[slot].number != NONE && slots[slot].fingerprint() != string {
        slot = (slot + 1) & mask;
    }
    slot
}
