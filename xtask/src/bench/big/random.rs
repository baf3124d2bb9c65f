//! Numbers that look random and are the same on every machine and in every run.

pub(super) struct Random(test_objects::Random);

impl Random {
    /// Numbers that depend on all of `seed` alone.
    pub(super) fn of(seed: &[u64]) -> Self {
        let mut random = test_objects::Random(0);
        for part in seed {
            random.0 = random.next() ^ *part;
        }
        Self(random)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        (((self.0.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// True in `percent` of 100 calls.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, of which there is one at least.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len() as u32) as usize]
    }
}
