//! What strings are told apart by: a hash of 96 bits, instead of their bytes.
//!
//! Names and strings of debug info lie all over the inputs; to fetch the bytes of one
//! again, to compare them, takes longer than all else that is done with it. The hash is
//! [seeded](crate::hash::seed), so that no input can be made to collide, and shows nowhere in the
//! output.

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::hash::seed;

/// Tells a string from every other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint {
    /// As good a hash as any.
    pub(crate) low: u64,
    pub(crate) high: u32,
}

impl Fingerprint {
    /// The fingerprint of a string.
    #[inline]
    pub(crate) fn of(string: &[u8]) -> Self {
        let hash = xxh3_128_with_seed(string, seed());
        Self {
            low: hash as u64,
            high: (hash >> 64) as u32,
        }
    }

    /// Which of `1 << shard_bits` shards it belongs to. Of those in a shard the low part is still
    /// a hash.
    #[inline]
    pub(crate) fn shard(self, shard_bits: u32) -> u32 {
        self.high & ((1 << shard_bits) - 1)
    }
}

/// A fingerprint and a number beside it, in as little room as they take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbered {
    low: u64,
    high: u32,
    pub(crate) number: u32,
}

impl Numbered {
    /// The number that nothing has.
    const NONE: u32 = u32::MAX;

    /// Stands where there is nothing.
    pub(crate) fn nothing() -> Self {
        Self::new(Fingerprint::default(), Self::NONE)
    }

    #[inline]
    pub(crate) fn is_nothing(self) -> bool {
        self.number == Self::NONE
    }

    #[inline]
    pub(crate) fn new(Fingerprint { low, high }: Fingerprint, number: u32) -> Self {
        Self { low, high, number }
    }

    #[inline]
    pub(crate) fn fingerprint(self) -> Fingerprint {
        Fingerprint {
            low: self.low,
            high: self.high,
        }
    }

    /// The search for the fingerprint has led to this place, which stands in its stead.
    #[inline]
    pub(crate) fn set_place(&mut self, place: u32) {
        self.high = place;
    }

    /// The place that was set.
    #[inline]
    pub(crate) fn place(self) -> u32 {
        self.high
    }
}

/// Numbers by fingerprint: in a list of as many slots as a power of two, each number stands at its
/// fingerprint's hash or in the next free slot.
#[derive(Debug, Default)]
pub(crate) struct FingerprintTable {
    slots: Vec<Numbered>,
    count: usize,
}

impl FingerprintTable {
    /// Slots of a table that has any.
    const FEWEST: usize = 64;

    /// A table that need not grow for `count` fingerprints.
    pub(crate) fn with_capacity(count: usize) -> Self {
        let mut table = Self::default();
        if count > 0 {
            table.resize((count / 3 * 4 + 4).next_power_of_two());
        }
        table
    }

    /// Takes all fingerprints out; the slots stay.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(Numbered::nothing());
        self.count = 0;
    }

    /// How many fingerprints it has.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The number of a fingerprint.
    #[inline]
    pub(crate) fn get(&self, fingerprint: Fingerprint) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[slot_of(&self.slots, fingerprint)];
        (!slot.is_nothing()).then_some(slot.number)
    }

    /// The number of a fingerprint; that is `number` if the table did not have it, as the second
    /// value tells.
    #[inline]
    pub(crate) fn get_or_insert(&mut self, fingerprint: Fingerprint, number: u32) -> (u32, bool) {
        // At most three quarters are taken, so that a free one is near.
        if self.count >= self.slots.len() / 4 * 3 {
            self.resize((2 * self.slots.len()).max(Self::FEWEST));
        }
        let slot = slot_of(&self.slots, fingerprint);
        let slot = &mut self.slots[slot];
        let is_new = slot.is_nothing();
        if is_new {
            *slot = Numbered::new(fingerprint, number);
            self.count += 1;
        }
        (slot.number, is_new)
    }

    #[cold]
    fn resize(&mut self, slots: usize) {
        let mut slots = vec![Numbered::nothing(); slots];
        for &taken in self.slots.iter().filter(|slot| !slot.is_nothing()) {
            let slot = slot_of(&slots, taken.fingerprint());
            slots[slot] = taken;
        }
        self.slots = slots;
    }
}

/// The slot of a fingerprint, or the free one where it belongs; there is a free one.
#[inline]
fn slot_of(slots: &[Numbered], fingerprint: Fingerprint) -> usize {
    let mask = slots.len() - 1;
    let mut slot = fingerprint.low as usize & mask;
    while !slots[slot].is_nothing() && slots[slot].fingerprint() != fingerprint {
        slot = (slot + 1) & mask;
    }
    slot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_grows_and_is_used_again() {
        let fingerprint = |nth: u32| Fingerprint::of(&nth.to_le_bytes());
        for capacity in [0, 1, 3, 1000] {
            let mut table = FingerprintTable::with_capacity(capacity);
            for round in 0..2 {
                assert_eq!(table.get(fingerprint(0)), None);
                for nth in 0..1000 {
                    let number = nth + round;
                    let found = table.get_or_insert(fingerprint(nth), number);
                    assert_eq!(found, (number, true));
                    let found = table.get_or_insert(fingerprint(nth / 2), 5000);
                    assert_eq!(found, (nth / 2 + round, false));
                }
                assert_eq!(table.len(), 1000);
                assert_eq!(table.get(fingerprint(999)), Some(999 + round));
                assert_eq!(table.get(fingerprint(1000)), None);
                table.clear();
                assert_eq!(table.len(), 0);
            }
        }
    }

    /// As many as it was made for do not make it grow.
    #[test]
    fn a_table_has_room_for_what_it_was_made_for() {
        for count in 1..200 {
            let mut table = FingerprintTable::with_capacity(count);
            let slots = table.slots.len();
            for nth in 0..count {
                table.get_or_insert(Fingerprint::of(&nth.to_le_bytes()), nth as u32);
            }
            assert_eq!(table.slots.len(), slots, "{count}");
        }
    }
}
