//! Lists without duplicates.

use std::hash::Hash;

use smallvec::SmallVec;

use crate::hash::HashMap;

/// Items in order, each of them once. Most lists have one item or a few, which are compared one by
/// one; a long list has a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DistinctList<T: Clone + Eq + Hash> {
    list: SmallVec<[T; 1]>,
    /// The place of each item, if there are more than [`Self::FEW`].
    places: Option<Box<HashMap<T, usize>>>,
}

impl<T: Clone + Eq + Hash> DistinctList<T> {
    /// How many items are compared one by one.
    const FEW: usize = 16;

    pub(super) fn new() -> Self {
        Self {
            list: SmallVec::new(),
            places: None,
        }
    }

    /// Where an item is in the list.
    pub(super) fn place(&self, item: &T) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(item).copied(),
            None => self.list.iter().position(|known| known == item),
        }
    }

    /// The item at a place.
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.list.get(place)
    }

    /// Adds an item that is not in the list; its place.
    pub(super) fn push(&mut self, item: T) -> usize {
        let place = self.list.len();
        if let Some(places) = &mut self.places {
            places.insert(item.clone(), place);
        }
        self.list.push(item);
        if self.places.is_none() && self.list.len() > Self::FEW {
            let places = self.list.iter().cloned().zip(0..);
            self.places = Some(Box::new(places.collect()));
        }
        place
    }

    pub(super) fn into_list(self) -> SmallVec<[T; 1]> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_places_however_many_there_are() {
        let mut list = DistinctList::new();
        for item in 0..100_usize {
            assert_eq!(list.place(&item), None);
            assert_eq!(list.push(item), item);
            for place in 0..=item {
                assert_eq!(list.place(&place), Some(place));
                assert_eq!(list.get(place), Some(&place));
            }
        }
        assert_eq!(list.get(100), None);
        assert!(list.into_list().into_iter().eq(0..100));
    }
}
