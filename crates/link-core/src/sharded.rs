//! Things spread over shards, so that each shard's can be worked on by itself.

/// Things by shard, those of a shard side by side and in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Sharded<T> {
    items: Vec<T>,
    /// For each shard, where its things end.
    ends: Vec<u32>,
}

impl<T: Copy + Default> Sharded<T> {
    /// Spreads `items`, each of which comes with its shard; `counts` says how many each
    /// shard gets.
    pub(crate) fn new(items: impl IntoIterator<Item = (T, u32)>, counts: &[u32]) -> Self {
        // Until a shard's things are there, its end is how far they have come.
        let mut ends = Vec::with_capacity(counts.len());
        let mut end = 0;
        for count in counts {
            ends.push(end);
            end += count;
        }
        let mut spread = vec![T::default(); end as usize];
        for (item, shard) in items {
            let end = &mut ends[shard as usize];
            spread[*end as usize] = item;
            *end += 1;
        }
        Self {
            items: spread,
            ends,
        }
    }
}

impl<T> Sharded<T> {
    /// The things of all shards.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// The things of a shard.
    #[inline]
    pub(crate) fn shard(&self, nth: usize) -> &[T] {
        let start = nth.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start as usize..self.ends[nth] as usize]
    }

    /// The things of every shard, to be changed.
    pub(crate) fn shards_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let mut rest = self.items.as_mut_slice();
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let shard;
            (shard, rest) = std::mem::take(&mut rest).split_at_mut((end - start) as usize);
            start = end;
            shard
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_keep_their_order() {
        let items = [('a', 2), ('b', 0), ('c', 2), ('d', 3), ('e', 0)];
        let mut sharded = Sharded::new(items, &[2, 0, 2, 1]);
        let shards: Vec<_> = (0..4).map(|nth| sharded.shard(nth).to_vec()).collect();
        assert_eq!(shards, [vec!['b', 'e'], vec![], vec!['a', 'c'], vec!['d']]);
        let mutable: Vec<_> = sharded.shards_mut().map(|shard| shard.to_vec()).collect();
        assert_eq!(mutable, shards);
        assert_eq!(sharded.items(), ['b', 'e', 'a', 'c', 'd']);
    }
}
