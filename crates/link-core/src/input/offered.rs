//! The names that lazy inputs offer to define.

use std::borrow::Cow;
use std::ops::Range;

use crate::fingerprint::{Fingerprint, Numbered};

/// The names that the members of an archive offer, those of a member side by side.
#[derive(Debug)]
pub(super) struct OfferedNames<'a> {
    /// Names that end with nulls, as an archive's index has them.
    text: Cow<'a, [u8]>,
    /// Of each name, made while the name is near the processor. The number beside one is where
    /// the name begins in `text`.
    names: Vec<Numbered>,
}

impl<'a> OfferedNames<'a> {
    /// Names that lie in `text`, not more than 4 GiB; room is made for `count` of them.
    pub(super) fn with_capacity(text: &'a [u8], count: usize) -> Self {
        Self {
            text: text.into(),
            names: Vec::with_capacity(count),
        }
    }

    /// Adds the name at this place in the text.
    #[inline]
    pub(super) fn push(&mut self, place: Range<usize>) {
        let start = place.start as u32;
        let fingerprint = Fingerprint::of(&self.text[place]);
        self.names.push(Numbered::new(fingerprint, start));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Some of the names, such as those of a member, as text.
    pub(super) fn texts(&self, some: Range<usize>) -> impl ExactSizeIterator<Item = Cow<'_, str>> {
        some.map(|place| self.text(place))
    }

    /// The name at this place, as text. One that is no text is no name of an object's.
    pub(super) fn text(&self, place: usize) -> Cow<'_, str> {
        let rest = &self.text[self.names[place].number as usize..];
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..end])
    }

    /// What tells the names of a member from others.
    #[inline]
    pub(super) fn of(&self, member: Range<usize>) -> &[Numbered] {
        &self.names[member]
    }

    /// Puts the names into another order, of which `runs` are the parts: where each stands now.
    pub(super) fn reorder(&mut self, runs: impl Iterator<Item = Range<usize>>) {
        let mut ordered = Vec::with_capacity(self.names.len());
        for run in runs {
            ordered.extend_from_slice(&self.names[run]);
        }
        self.names = ordered;
    }
}

impl<'n> FromIterator<&'n str> for OfferedNames<'_> {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        let mut text = Vec::new();
        let mut places = Vec::new();
        for name in names {
            let start = text.len();
            text.extend_from_slice(name.as_bytes());
            places.push(start..text.len());
            text.push(0);
        }
        let mut offered = Self::with_capacity(&[], places.len());
        offered.text = text.into();
        for place in places {
            offered.push(place);
        }
        offered
    }
}
