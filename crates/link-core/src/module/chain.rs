//! The order in which data is placed: a list through the data declarations themselves, so
//! that moving one to the end takes no search.

use super::data::{Datum, Links};
use super::decl::Decl;
use super::slab::Slab;

pub(super) struct Chain {
    first: u32,
    last: u32,
}

type DataDecls = Slab<Decl<Datum>>;

impl Chain {
    pub(super) const fn new() -> Self {
        Self {
            first: Links::NONE,
            last: Links::NONE,
        }
    }

    /// Puts the datum in slot `index`, which is in no chain, at the end.
    pub(super) fn push(&mut self, data: &mut DataDecls, index: usize) {
        let last = self.last;
        if let Some(datum) = data.at_mut(index) {
            datum.body.links = Links {
                previous: last,
                next: Links::NONE,
            };
        }
        match data.at_mut(last as usize) {
            Some(datum) => datum.body.links.next = index as u32,
            None => self.first = index as u32,
        }
        self.last = index as u32;
    }

    /// Takes the datum in slot `index`, which is in the chain, out of it.
    pub(super) fn remove(&mut self, data: &mut DataDecls, index: usize) {
        let Some(datum) = data.at_mut(index) else {
            return;
        };
        let Links { previous, next } = std::mem::take(&mut datum.body.links);
        match data.at_mut(previous as usize) {
            Some(datum) => datum.body.links.next = next,
            None => self.first = next,
        }
        match data.at_mut(next as usize) {
            Some(datum) => datum.body.links.previous = previous,
            None => self.last = previous,
        }
    }

    /// The data in order, with their slots.
    pub(super) fn iter<'a>(
        &self,
        data: &'a DataDecls,
    ) -> impl Iterator<Item = (usize, &'a Decl<Datum>)> + Clone + use<'a> {
        let mut next = self.first;
        std::iter::from_fn(move || {
            let index = next as usize;
            let datum = data.at(index)?;
            next = datum.body.links.next;
            Some((index, datum))
        })
    }
}
