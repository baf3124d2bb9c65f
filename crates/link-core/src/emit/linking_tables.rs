//! The `linking` section (tool-conventions Linking.md, "Linking Metadata Section") and the
//! names of relocation sections, for every output that can be linked again: an object file
//! and a module with relocations of the linker, and an object of generated code.

use wasm_format::linking::{
    ComdatEntry, ComdatKind, InitFunc, LinkingSection, SegmentInfo, SymbolEntry, SymbolFlags,
};
use wasm_format::reloc::RELOC_PREFIX;

/// What the `linking` section says.
pub(crate) struct LinkingTables<'a> {
    /// One for each data segment, in their order.
    pub(crate) segments: Vec<SegmentInfo<'a>>,
    pub(crate) init_funcs: Vec<InitFunc>,
    pub(crate) comdats: ComdatMembers<'a>,
    pub(crate) symbols: Vec<SymbolEntry<'a>>,
}

impl LinkingTables<'_> {
    /// Appends the section's contents after its name.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let comdats: Vec<(&str, u32, &[ComdatEntry])> = (self.comdats.0.iter())
            .map(|(name, members)| (*name, 0, &members[..]))
            .collect();
        LinkingSection {
            segments: &self.segments,
            init_funcs: &self.init_funcs,
            comdats: &comdats,
            symbols: &self.symbols,
        }
        .encode(out);
    }
}

/// Comdats by name, and what the output has of them.
#[derive(Default)]
pub(crate) struct ComdatMembers<'a>(Vec<(&'a str, Vec<ComdatEntry>)>);

impl<'a> ComdatMembers<'a> {
    /// Comdats that have no members yet.
    pub(crate) fn of_names(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.map(|name| (name, Vec::new())).collect())
    }

    /// Adds what has `index` to the `comdat`th, unless it is in no comdat or not in the output.
    pub(crate) fn add(&mut self, comdat: Option<u32>, kind: ComdatKind, index: Option<u32>) {
        if let (Some(comdat), Some(index)) = (comdat, index)
            && let Some((_, members)) = self.0.get_mut(comdat as usize)
        {
            members.push(ComdatEntry { kind, index });
        }
    }

    /// Leaves out comdats without members.
    pub(crate) fn drop_empty(&mut self) {
        self.0.retain(|(_, members)| !members.is_empty());
    }

    /// Adds other comdats, which follow these.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Orders comdats by their names; those of one name stay as they are.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by_key(|&(name, _)| name);
    }
}

/// The flags whose conditions hold.
pub(crate) fn collect_flags(flags: &[(bool, SymbolFlags)]) -> SymbolFlags {
    flags
        .iter()
        .filter(|(set, _)| *set)
        .fold(SymbolFlags::NONE, |all, &(_, flag)| all | flag)
}

/// The name of the section that relocates the section called `name`.
pub(crate) fn reloc_section_name(name: &str) -> String {
    format!("{RELOC_PREFIX}{name}")
}
