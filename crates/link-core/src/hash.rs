//! Hash tables. Every table of this crate uses these, so that no input can choose keys that
//! collide: names, types and numbers of an input are hashed with a seed that it cannot know.

use std::hash::{BuildHasher, Hasher};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::{hash::RandomState, sync::LazyLock};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A map whose order is that of the seed: iterating over it must not show in the output.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, Seeded>;
/// A set; the same holds for its order.
pub(crate) type HashSet<T> = std::collections::HashSet<T, Seeded>;
/// A map in the order in which its keys were inserted.
pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, Seeded>;
/// A set in the order in which its items were inserted.
pub(crate) type IndexSet<T> = indexmap::IndexSet<T, Seeded>;

/// The random number with which the hashes of this process begin.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) fn seed() -> u64 {
    static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    *SEED
}

/// A fixed number: a module without imports has no source of random numbers.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) const fn seed() -> u64 {
    0x9ae1_6a3b_2f90_404f
}

/// Makes hashers that begin with the seed of the process.
#[derive(Debug, Clone, Copy)]
pub struct Seeded {
    seed: u64,
}

impl Default for Seeded {
    #[inline]
    fn default() -> Self {
        Self { seed: seed() }
    }
}

impl BuildHasher for Seeded {
    type Hasher = SeededHasher;

    #[inline]
    fn build_hasher(&self) -> SeededHasher {
        SeededHasher { state: self.seed }
    }
}

/// XXH3 of strings; of numbers, whose keys are short, one multiplication each.
#[derive(Debug, Clone, Copy)]
pub struct SeededHasher {
    state: u64,
}

impl SeededHasher {
    /// Multiplies to 128 bits and folds them: all bits of the number reach all bits of the hash.
    #[inline]
    fn number(&mut self, number: u64) {
        /// Odd, its bits in no order.
        const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
        let product = u128::from(self.state ^ number) * u128::from(FACTOR);
        self.state = product as u64 ^ (product >> 64) as u64;
    }
}

impl Hasher for SeededHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.state = xxh3_64_with_seed(bytes, self.state);
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.number(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.number(number.into());
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.number(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.number(number);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.number(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slots that keys get in a table of `1 << bits` slots.
    fn slots<K: std::hash::Hash>(seed: u64, bits: u32, keys: impl Iterator<Item = K>) -> usize {
        let mask = (1 << bits) - 1;
        let slots = keys.map(|key| Seeded { seed }.hash_one(key) & mask);
        slots.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Of as many keys as slots, a hash fills 63 of 100 slots on average.
    #[test]
    fn keys_are_spread() {
        let count = 1 << 12;
        for seed in [0, 1, seed()] {
            let numbers = |shift: u32| slots(seed, 12, (0..count).map(|nth: u64| nth << shift));
            for shift in [0, 3, 12, 16, 32, 52] {
                assert!(numbers(shift) > 2400, "{shift}: {}", numbers(shift));
            }
            let texts = |len: usize| slots(seed, 12, (0..count).map(|nth| format!("{nth:0len$}")));
            for len in [1, 4, 8, 16, 17, 40, 200, 300] {
                assert!(texts(len) > 2400, "{len}: {}", texts(len));
            }
            let pairs = (0..count).map(|nth| (nth as u32 % 64, "name", Some(nth / 64)));
            assert!(slots(seed, 12, pairs) > 2400);
        }
    }

    /// Keys that collide with one seed do not with another.
    #[test]
    fn the_seed_decides_what_collides() {
        let slot = |seed, key: &str| Seeded { seed }.hash_one(key) % 64;
        let names = (0..10_000).map(|nth| format!("name_{nth}"));
        let colliding: Vec<_> = names.filter(|name| slot(1, name) == 0).collect();
        assert!(colliding.len() > 100);
        let still = colliding.iter().filter(|name| slot(2, name) == 0).count();
        assert!(still < 20, "{still}");

        let numbers: Vec<u32> = (0..10_000)
            .filter(|number| Seeded { seed: 1 }.hash_one(number) % 64 == 0)
            .collect();
        let still = (numbers.iter())
            .filter(|number| Seeded { seed: 1 << 40 }.hash_one(number) % 64 == 0)
            .count();
        assert!(numbers.len() > 100 && still < 20, "{still}");
    }
}
