//! Debug info, which has most of all relocations: nearly all of them are offsets in
//! another section of debug info or in a function.

use wasm_format::linking::SymbolKind;
use wasm_format::reloc::{RelocEntry, RelocType, ValueForm};

use super::relocate::Relocated;
use crate::diag::Diagnostic;
use crate::ids::ObjSymbol;
use crate::input::Checker;
use crate::input::object::Object;
use crate::plan::BodyForm;
use crate::plan::customs::PlacedSection;
use crate::plan::values::{Relocator, Site, fits_32};

/// Sections of an object whose places are remembered: a power of two.
const SECTIONS: usize = 8;

/// As [`write_chunk`](super::relocate::write_chunk), for `bytes` of debug info whose
/// relocations that are not decoded yet; they begin `start` bytes into their section.
///
/// # Errors
/// If they are damaged.
// The loop has no registers to share with its caller.
#[inline(never)]
pub(crate) fn write_unchecked(
    relocator: &Relocator<'_, '_>,
    site: &Site,
    bytes: &[u8],
    start: usize,
    relocs: &mut Checker<'_, '_>,
    out: &mut [u8],
) -> Result<Relocated, Diagnostic> {
    out.copy_from_slice(bytes);
    let mut result = Ok(());
    let mut offsets = Offsets {
        relocator,
        site,
        object: relocs.object(),
        sections: [None; SECTIONS],
        function: None,
    };
    loop {
        relocs.apply_while(|entry| match offsets.value(entry) {
            Some(value) => {
                ValueForm::I32.write(&mut out[entry.offset as usize - start..], value);
                true
            }
            None => false,
        });
        let Some(reloc) = relocs.next()? else {
            return Ok(result);
        };
        match relocator.value(site, &reloc) {
            Ok(value) => (reloc.ty.form()).write(&mut out[reloc.offset as usize - start..], value),
            Err(error) => result = result.and(Err(error)),
        }
    }
}

/// What offsets in debug info count from.
#[derive(Clone, Copy)]
enum Base<'l> {
    /// The contents of a section, or the body of a function.
    Placed(PlacedSection<'l>),
    /// What the output does not have.
    LeftOut,
}

/// Knows what the last offsets counted from: those that follow one another often count
/// from the same.
struct Offsets<'l, 'a, 'r> {
    relocator: &'r Relocator<'l, 'a>,
    site: &'r Site,
    object: &'r Object<'a>,
    /// Sections, each with the index of its symbol and at the last digits of that.
    sections: [Option<(u32, Base<'l>)>; SECTIONS],
    /// A function, with the index of its symbol.
    function: Option<(u32, Base<'l>)>,
}

impl<'l> Offsets<'l, '_, '_> {
    /// What `entry` writes; `None` if it is no offset of 32 bits, or not all is as it
    /// should be.
    #[inline]
    fn value(&mut self, entry: &RelocEntry) -> Option<u64> {
        let base = match entry.ty {
            RelocType::SectionOffsetI32 => self.section(entry.index)?,
            // Where code is compressed, not all of a body moves alike.
            RelocType::FunctionOffsetI32 if self.relocator.code.form != BodyForm::Compressed => {
                self.function(entry.index)?
            }
            _ => return None,
        };
        let value = match base {
            Base::Placed(placed) => placed.locate(entry.addend),
            Base::LeftOut => self.site.tombstone.unwrap_or(entry.addend as u64),
        };
        fits_32(value).then_some(value)
    }

    #[inline]
    fn section(&mut self, symbol: u32) -> Option<Base<'l>> {
        let slot = symbol as usize % SECTIONS;
        match self.sections[slot] {
            Some((known, section)) if known == symbol => Some(section),
            _ => {
                let id = self.of_kind(symbol, SymbolKind::Section)?;
                let section = match self.relocator.section(self.site.file, id) {
                    Some(placed) => Base::Placed(placed),
                    None => Base::LeftOut,
                };
                self.sections[slot] = Some((symbol, section));
                Some(section)
            }
        }
    }

    #[inline]
    fn function(&mut self, symbol: u32) -> Option<Base<'l>> {
        match self.function {
            Some((known, function)) if known == symbol => Some(function),
            _ => {
                let id = self.of_kind(symbol, SymbolKind::Function)?;
                let function = match self.relocator.body(self.site.file, id) {
                    Some(start) => Base::Placed(PlacedSection::Whole(u64::from(start))),
                    None => Base::LeftOut,
                };
                self.function = Some((symbol, function));
                Some(function)
            }
        }
    }

    /// The symbol of this index, if there is one and it is of this kind.
    #[inline]
    fn of_kind(&self, symbol: u32, kind: SymbolKind) -> Option<ObjSymbol> {
        let entry = self.object.symbols.get(symbol as usize)?;
        (entry.kind() == kind).then_some(ObjSymbol(symbol))
    }
}
