//! Finding equal pieces by their fingerprints, in shards by hash: several are searched at
//! once, and what is known of one fits the cache.

use super::cut::Batch;
use super::partition::{Hashed, NONE, Partition, Scratch, nothing};
use super::sort::Unplaced;
use crate::link::fingerprint::{Fingerprint, Fingerprints, Numbered};
use crate::link::par;

/// Below this many bytes of input there is one shard;
const SHARDING_FROM: usize = 64 << 10;
/// above, there is one for about as many bytes,
const SHARD_BYTES: usize = 2 << 20;
/// but enough for many threads, and not more than can be filled at once.
const MIN_SHARD_BITS: u32 = 4;
const MAX_SHARD_BITS: u32 = 8;

/// The distinct strings of inputs.
pub(super) struct Distinct<'a> {
    /// For each batch of inputs, those that came up there first.
    pub(super) batches: Vec<Vec<Unplaced<'a>>>,
    /// Their ids are below this.
    pub(super) end: usize,
}

impl<'a> Distinct<'a> {
    /// Cuts batches of inputs, every one of which ends with a null. The pieces say which
    /// strings they are.
    pub(super) fn find(inputs: &[&[&'a [u8]]]) -> (Self, Vec<Batch>) {
        let bytes = inputs.iter().copied().flatten().map(|input| input.len());
        let shard_bits = shard_bits(bytes.sum());
        let fingerprints = Fingerprints::new();
        let mut batches = par::map_with(inputs.to_vec(), Scratch::default, |scratch, inputs| {
            scratch.clear(shard_bits);
            let batch = Batch::cut(inputs, fingerprints, scratch);
            (batch, scratch.partition())
        });

        let mut shards: Vec<_> = (0..1 << shard_bits).map(|nth| (nth, Vec::new())).collect();
        for (_, partition) in &mut batches {
            for (pieces, (_, shard)) in partition.shards().zip(&mut shards) {
                shard.push(pieces);
            }
        }
        let counts = par::map_with(shards, Vec::new, |slots, (nth, pieces)| {
            let id = |place| place << shard_bits | nth;
            Shard::new(slots).find(pieces.into_iter().flatten(), id)
        });

        let batches = batches.into_iter().zip(inputs).collect();
        let told = par::map(
            batches,
            |((mut batch, partition), inputs): ((Batch, Partition), &&[_])| {
                let strings = partition.tell(&mut batch, inputs);
                (batch, strings)
            },
        );
        let (batches, strings) = told.into_iter().unzip();
        let most = counts.into_iter().max().unwrap_or(0);
        let distinct = Self {
            batches: strings,
            end: (most as usize) << shard_bits,
        };
        (distinct, batches)
    }
}

fn shard_bits(bytes: usize) -> u32 {
    if bytes < SHARDING_FROM {
        return 0;
    }
    let bits = (bytes / SHARD_BYTES).checked_ilog2().unwrap_or(0);
    bits.clamp(MIN_SHARD_BITS, MAX_SHARD_BITS)
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
