//! What strings are told apart by: a hash of about a hundred bits, instead of their bytes.
//!
//! Names and strings of debug info lie all over the inputs; to fetch the bytes of one
//! again, to compare them, takes longer than all else that is done with it. The hash is
//! seeded anew for each link, so that no input can be made to collide, and shows nowhere
//! in the output.

use std::hash::{BuildHasher, RandomState};

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Makes fingerprints that can be compared with one another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprints {
    seed: u64,
}

/// Tells a string from every other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint {
    /// As good a hash as any.
    pub(crate) low: u64,
    pub(crate) high: u32,
}

/// A fingerprint and a number beside it, in as little room as they take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbered {
    low: u64,
    high: u32,
    pub(crate) number: u32,
}

impl Numbered {
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

impl Fingerprints {
    pub(crate) fn new() -> Self {
        Self {
            seed: RandomState::new().hash_one(0),
        }
    }

    /// The fingerprint of a string, and bits of its hash that are not in it: to spread
    /// strings by.
    #[inline]
    pub(crate) fn of(self, string: &[u8]) -> (Fingerprint, u32) {
        let hash = xxh3_128_with_seed(string, self.seed);
        let high = (hash >> 64) as u64;
        let fingerprint = Fingerprint {
            low: hash as u64,
            high: high as u32,
        };
        (fingerprint, (high >> 32) as u32)
    }
}
