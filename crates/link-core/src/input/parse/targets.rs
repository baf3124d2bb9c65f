//! What a relocation may refer to.

use wasm_format::linking::SymbolKind;
use wasm_format::reloc::{RelocBase, RelocEntry, RelocTarget, RelocType, ValueForm};

use super::linking::kind_name;
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{ObjectSymbol, expected_kind};
use crate::reloc::takes_slot;

/// A set of kinds of symbols.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds(u8);

impl Kinds {
    /// Whether the kind of this code is among them, of which only the low bits count.
    #[inline]
    pub(super) const fn has(self, kind: u8) -> bool {
        self.0 >> (kind & 7) & 1 != 0
    }
}

/// What a type of relocation asks of its target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// What kinds of symbols it can be; none if it is a type.
    pub(super) kinds: Kinds,
    /// Those of which nothing but an index or address is asked for.
    pub(super) plain: Kinds,
}

/// By the code of a relocation's type.
pub(super) static RULES: [Rule; RelocType::ALL.len()] = {
    let none = Kinds(0);
    let mut rules = [Rule {
        kinds: none,
        plain: none,
    }; RelocType::ALL.len()];
    let mut i = 0;
    while i < RelocType::ALL.len() {
        let ty = RelocType::ALL[i];
        rules[ty as usize] = rule(ty);
        i += 1;
    }
    rules
};

const fn rule(ty: RelocType) -> Rule {
    const GLOBAL: u8 = 1 << SymbolKind::Global as u8;
    // A GOT entry is a global, too.
    const IN_GOT: u8 = 1 << SymbolKind::Function as u8 | 1 << SymbolKind::Data as u8;
    let kinds = match (expected_kind(ty), ty.target(), ty.form()) {
        (Some(kind), _, _) => 1 << kind as u8,
        // Only code reads the GOT.
        (None, RelocTarget::Global, ValueForm::Leb32) => GLOBAL | IN_GOT,
        (None, RelocTarget::Global, _) => GLOBAL,
        (None, _, _) => 0,
    };
    let plain = match expected_kind(ty) {
        _ if takes_slot(ty) || matches!(ty.base(), RelocBase::TlsBase) => 0,
        Some(_) => kinds,
        None => kinds & GLOBAL,
    };
    Rule {
        kinds: Kinds(kinds),
        plain: Kinds(plain),
    }
}

/// Checks that the entry's target is there and of the right kind.
#[inline]
pub(super) fn check_target(
    at: usize,
    entry: &RelocEntry,
    symbols: &[ObjectSymbol<'_>],
    types: usize,
) -> Parsed<()> {
    if entry.ty.target() == RelocTarget::Type {
        if entry.index as usize >= types {
            return Err(Fault::out_of_range(at, "type", entry.index, types));
        }
        return Ok(());
    }
    let Some(symbol) = symbols.get(entry.index as usize) else {
        return Err(Fault::out_of_range(
            at,
            "symbol",
            entry.index,
            symbols.len(),
        ));
    };
    if RULES[entry.ty as usize].kinds.has(symbol.kind() as u8) {
        Ok(())
    } else {
        Err(wrong_kind(at, entry, symbol))
    }
}

#[cold]
fn wrong_kind(at: usize, entry: &RelocEntry, symbol: &ObjectSymbol<'_>) -> Fault {
    Fault::new(
        at,
        format!(
            "{} refers to the {} symbol `{}`",
            entry.ty.name(),
            kind_name(symbol.kind()),
            symbol.name
        ),
    )
}
