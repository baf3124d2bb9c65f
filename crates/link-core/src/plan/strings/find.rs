//! Finding equal pieces by their fingerprints, in shards by hash: several are searched at
//! once, and what is known of one fits the cache.

use super::cut::Batch;
use super::cut_inputs::CutBatch;
use super::partition::Hashed;
use super::sort::{Splitters, Unplaced};
use crate::fingerprint::FingerprintTable;
use crate::par;
use crate::sharded::Sharded;

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
        let counts = par::map_with(shards, FingerprintTable::default, |table, (nth, pieces)| {
            let id = |place| place << shard_bits | nth;
            find(table, pieces.into_iter().flatten(), id)
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

/// Finds the strings that the pieces of a shard are, in a table that is empty again, and returns
/// how many there are. `id` is of their place among them.
fn find<'p>(
    table: &mut FingerprintTable,
    pieces: impl Iterator<Item = &'p mut Hashed>,
    id: impl Fn(u32) -> u32,
) -> u32 {
    table.clear();
    for piece in pieces {
        let next = id(table.len() as u32);
        let (found, is_new) = table.get_or_insert(piece.fingerprint(), next);
        piece.set_found(found, is_new);
    }
    table.len() as u32
}
