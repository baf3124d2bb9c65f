//! The comdats of an object: groups of which a link keeps one copy, told by their names.
//! Nearly all are one inline function each, and have the name of its symbol: that name is
//! neither kept nor looked up twice.

use super::symbols::Symbols;
use crate::ids::ObjSymbol;

/// Comdats, by the index that their members have.
#[derive(Debug, Default)]
pub struct Comdats<'a> {
    /// For each the symbol that has its name or, less [`OWN`], the place of its own.
    names: Vec<u32>,
    own: Vec<&'a str>,
}

/// From here on numbers are places in [`Comdats::own`]. A file has fewer symbols: each
/// takes three bytes of a section, whose size is a 32-bit number.
const OWN: u32 = 1 << 31;

impl<'a> Comdats<'a> {
    /// None yet of `count`.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            names: Vec::with_capacity(count),
            own: Vec::new(),
        }
    }

    /// Adds one of this name.
    pub(crate) fn push(&mut self, name: &'a str) {
        self.names.push(OWN + self.own.len() as u32);
        self.own.push(name);
    }

    /// Adds one that has the name of a symbol which is visible outside its file.
    pub(crate) fn push_named_by(&mut self, symbol: ObjSymbol) {
        self.names.push(symbol.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names that are no symbols'.
    #[inline]
    pub(crate) fn own_names(&self) -> &[&'a str] {
        &self.own
    }

    /// For each comdat where its name is among those of the object's `symbols`, which
    /// [`Comdats::own_names`] follow.
    pub(crate) fn name_places(&self, symbols: usize) -> impl Iterator<Item = usize> {
        self.names.iter().map(move |&name| match name {
            symbol @ 0..OWN => symbol as usize,
            own => symbols + (own - OWN) as usize,
        })
    }

    /// Their names; `symbols` are those of their object.
    pub fn names(&self, symbols: &Symbols<'a>) -> impl Iterator<Item = &'a str> {
        self.names.iter().map(|&name| self.name(name, symbols))
    }

    fn name(&self, name: u32, symbols: &Symbols<'a>) -> &'a str {
        match name {
            symbol @ 0..OWN => symbols[symbol as usize].name,
            own => self.own[(own - OWN) as usize],
        }
    }

    /// The name of the comdat of this index.
    pub(super) fn name_of(&self, comdat: u32, symbols: &Symbols<'a>) -> &'a str {
        self.name(self.names[comdat as usize], symbols)
    }
}
