//! The pieces of a batch, spread by hash over the shards that are searched for equal ones.
//!
//! Most pieces are strings that every other object has, too. Those that came up in the same
//! batch a moment ago are told at once, and searched for no more.

use super::cut::{Batch, Piece};
use super::sort::{Splitters, Unplaced, tail_key};
use crate::fingerprint::{Fingerprint, Numbered};
use crate::sharded::Sharded;

/// Strings that are remembered while a batch is cut, by hash.
const RECENT: usize = 4 << 10;

/// A piece on its way to being told which string it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hashed {
    /// The number beside it is that of the piece in its batch. Once the string is found, its
    /// id and whether it was new stand here.
    fingerprint: Numbered,
    /// Its last characters: later, its bytes are far away.
    key: u64,
}

impl Hashed {
    #[inline]
    pub(super) fn new(fingerprint: Numbered, bytes: &[u8]) -> Self {
        Self {
            fingerprint,
            key: tail_key(bytes, 0),
        }
    }

    /// Its hash, until the string is found.
    #[inline]
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.fingerprint()
    }

    /// The string is found.
    #[inline]
    pub(super) fn set_found(&mut self, id: u32, is_new: bool) {
        let found = Fingerprint {
            low: u64::from(id),
            high: u32::from(is_new),
        };
        self.fingerprint = Numbered::new(found, self.fingerprint.number);
    }

    #[inline]
    fn found(&self) -> (u32, bool) {
        let Fingerprint { low, high } = self.fingerprint.fingerprint();
        (low as u32, high != 0)
    }
}

/// Memory for cutting a batch; used again for the next one.
#[derive(Default)]
pub(super) struct BatchScratch {
    /// Room for all pieces.
    pub(super) room: Vec<Piece>,
    /// Pieces to be found.
    pieces: Appended<Hashed>,
    /// There are two to the power of it shards.
    shard_bits: u32,
    /// For each shard, how many pieces it has.
    counts: Vec<u32>,
    /// Recent pieces, each at its hash; empty if there is one shard, which is as near.
    recent: Vec<Numbered>,
}

/// A list to which things are added or not without a branch, since none could be foreseen.
#[derive(Default)]
struct Appended<T> {
    items: Vec<T>,
    len: usize,
}

/// The pieces of a batch by shard.
#[derive(Debug, Default)]
pub(super) struct StringPartition {
    pieces: Sharded<Hashed>,
}

impl<T: Copy + Default> Appended<T> {
    /// Adds `item` if it `counts`.
    #[inline]
    fn push_if(&mut self, counts: bool, item: T) {
        if self.len == self.items.len() {
            let longer = (2 * self.len).max(1 << 10);
            self.items.resize(longer, T::default());
        }
        self.items[self.len] = item;
        self.len += usize::from(counts);
    }

    fn as_slice(&self) -> &[T] {
        &self.items[..self.len]
    }
}

impl BatchScratch {
    /// Makes room for the next batch.
    pub(super) fn clear(&mut self, shard_bits: u32) {
        self.pieces.len = 0;
        self.shard_bits = shard_bits;
        self.counts.clear();
        self.counts.resize(1 << shard_bits, 0);
        self.recent.clear();
        if shard_bits > 0 {
            self.recent.resize(RECENT, Numbered::nothing());
        }
    }

    /// Adds a piece. Returns an earlier piece that is the same string, if there was one a moment
    /// ago.
    #[inline]
    pub(super) fn push(&mut self, piece: Numbered, bytes: &[u8]) -> Option<u32> {
        let mut earlier = None;
        let slot = piece.fingerprint().low as usize % RECENT;
        if let Some(recent) = self.recent.get_mut(slot) {
            let is_repeated = !recent.is_nothing() && recent.fingerprint() == piece.fingerprint();
            earlier = is_repeated.then_some(recent.number);
            *recent = piece;
        }
        let is_repeated = earlier.is_some();
        let shard = piece.fingerprint().shard(self.shard_bits);
        self.counts[shard as usize] += u32::from(!is_repeated);
        self.pieces.push_if(!is_repeated, Hashed::new(piece, bytes));
        earlier
    }

    /// The pieces that were added.
    pub(super) fn partition(&self) -> StringPartition {
        let pieces = self.pieces.as_slice().iter().copied();
        let shard_of = |piece: Hashed| piece.fingerprint().shard(self.shard_bits);
        StringPartition {
            pieces: Sharded::new(pieces.map(|piece| (piece, shard_of(piece))), &self.counts),
        }
    }
}

impl StringPartition {
    /// The pieces of each shard, to be found.
    pub(super) fn shards(&mut self) -> impl Iterator<Item = &mut [Hashed]> {
        self.pieces.shards_mut()
    }

    /// The keys of those of every `step`th piece that are strings which were new.
    pub(super) fn sampled(&self, step: usize) -> impl Iterator<Item = u64> {
        let pieces = self.pieces.items().iter().step_by(step);
        pieces
            .filter(|piece| piece.found().1)
            .map(|piece| piece.key)
    }

    /// Tells the pieces of `batch`, which was cut of `inputs`, which string they are; returns
    /// the strings that were new, by their ranges.
    pub(super) fn tell<'a>(
        self,
        batch: &mut Batch,
        inputs: &[&'a [u8]],
        splitters: &Splitters,
    ) -> Sharded<Unplaced<'a>> {
        let pieces = self.pieces.items();
        let mut counts = vec![0; splitters.ranges()];
        let mut ranges = Vec::new();
        for piece in pieces {
            let (id, is_new) = piece.found();
            batch.pieces[piece.fingerprint.number as usize].out = id;
            if is_new {
                let range = splitters.range_of(piece.key);
                counts[range as usize] += 1;
                ranges.push(range);
            }
        }
        let new = pieces.iter().filter(|piece| piece.found().1).map(|piece| {
            let bytes = batch.bytes(inputs, piece.fingerprint.number);
            Unplaced::new(bytes, piece.key, piece.found().0)
        });
        Sharded::new(new.zip(ranges), &counts)
    }
}
