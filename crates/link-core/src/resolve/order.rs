//! The order of symbols: that in which their names were met, in files or among what lazy
//! inputs offer. A name that is only offered has no symbol, so those that are asked for
//! later get theirs out of turn, and what is numbered when all are known is put right here.

use super::Resolver;
use super::resolution::Symbol;
use super::table::NameTable;
use crate::ids::SymbolId;

/// For each symbol, by its number so far, the one that it has in the right order.
pub(super) struct Moved(Vec<SymbolId>);

impl Moved {
    fn apply(&self, id: SymbolId) -> SymbolId {
        self.0[id.index()]
    }
}

impl NameTable<'_> {
    /// Puts the symbols into the order in which their names were met; `None` if they are in
    /// it. Nothing but [`Self::symbols`] and the names is put right.
    pub(super) fn sort_symbols(&mut self) -> Option<Moved> {
        let ids = || (0..self.symbols.len() as u32).map(SymbolId::new);
        if ids().is_sorted_by_key(|id| self.met_of(id)) {
            return None;
        }
        // No two were met at once, and most of what was met has no symbol. How many of those
        // that have were met before another is counted word by word.
        let mut words = vec![0_u64; self.met_so_far().div_ceil(64)];
        for met in ids().map(|id| self.met_of(id)) {
            words[met as usize / 64] |= 1 << (met % 64);
        }
        let before: Vec<u32> = (words.iter())
            .scan(0, |before, word| {
                let count = word.count_ones();
                Some(std::mem::replace(before, *before + count))
            })
            .collect();
        let place = |met: u32| {
            let (word, bit) = (met as usize / 64, met % 64);
            before[word] + (words[word] & ((1 << bit) - 1)).count_ones()
        };
        let moved: Vec<_> = (ids())
            .map(|id| SymbolId::new(place(self.met_of(id))))
            .collect();
        permute(&mut self.symbols, &moved);
        let moved = Moved(moved);
        self.names.each_symbol(|id| *id = moved.apply(*id));
        Some(moved)
    }
}

/// Moves each symbol to the place that `moved` says, each once.
fn permute(symbols: &mut [Symbol<'_>], moved: &[SymbolId]) {
    let mut is_moved = vec![false; symbols.len()];
    for first in 0..symbols.len() {
        let mut from = first;
        // What lay where something is moved to is moved next, until one comes to `first`.
        while !std::mem::replace(&mut is_moved[from], true) {
            let to = moved[from].index();
            symbols.swap(first, to);
            from = to;
        }
    }
}

impl Resolver<'_> {
    /// Puts right what refers to symbols.
    pub(super) fn move_symbols(&mut self, moved: &Moved) {
        for file in &mut self.files {
            for id in file.symbols.iter_mut().flatten() {
                *id = moved.apply(*id);
            }
        }
        let to = |id| moved.apply(id);
        self.made = self.made.map(to);
        self.entry = self.entry.map(to);
        self.kept.iter_mut().for_each(|id| *id = to(*id));
        self.call_dtors = self.call_dtors.map(to);
    }
}
