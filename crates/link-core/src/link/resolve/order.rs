//! The order of symbols: that in which their names were met, in files or among what lazy
//! inputs offer. A name that is only offered has no symbol, so those that are asked for
//! later get theirs out of turn, and what is numbered when all are known is put right here.

use super::Resolver;
use super::table::Table;
use crate::link::ids::SymbolId;

/// For each symbol, by its number so far, the one that it has in the right order.
pub(super) struct Moved(Vec<SymbolId>);

impl Moved {
    fn apply(&self, id: &mut SymbolId) {
        *id = self.0[id.index()];
    }
}

impl Table<'_> {
    /// Puts the symbols into the order in which their names were met; `None` if they are in
    /// it. Nothing but [`Self::symbols`] and the names is put right.
    pub(super) fn sort_symbols(&mut self) -> Option<Moved> {
        let met = |&id: &u32| self.met_of(SymbolId::new(id));
        let mut order: Vec<u32> = (0..self.symbols.len() as u32).collect();
        if order.is_sorted_by_key(met) {
            return None;
        }
        order.sort_unstable_by_key(met);
        self.symbols = (order.iter())
            .map(|&id| self.symbols[id as usize])
            .collect();
        let mut moved = vec![SymbolId::new(0); order.len()];
        for (new, &old) in order.iter().enumerate() {
            moved[old as usize] = SymbolId::new(new as u32);
        }
        let moved = Moved(moved);
        self.names.each_symbol(|id| moved.apply(id));
        Some(moved)
    }
}

impl Resolver<'_> {
    /// Puts right what refers to symbols.
    pub(super) fn move_symbols(&mut self, moved: &Moved) {
        for (_, file, _) in &mut self.done {
            for id in file.symbols.iter_mut().flatten() {
                moved.apply(id);
            }
        }
        let ends = [&mut self.entry, &mut self.call_dtors];
        let made = self.made.symbols_mut();
        for id in made.into_iter().chain(ends).flatten() {
            moved.apply(id);
        }
    }
}
