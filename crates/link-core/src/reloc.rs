//! The one relocation of this crate. A hole in a generated body, an entry of an object
//! file written for another linker, and an entry that the linker applies are all this.

use wasm_format::reloc::{RelocBase, RelocEntry, RelocTarget, RelocType};

/// A place in a chunk that is patched once the value of its target is known.
///
/// `T` is what the target is called where the relocation lives: a handle in
/// generated code, a symbol or type of its file in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reloc<T> {
    /// Where, in bytes from the start of the chunk's contents.
    pub offset: u32,
    /// What value of the target is written, and how.
    pub ty: RelocType,
    /// What it refers to.
    pub target: T,
    /// Added to the target's value, in bytes; 0 for types that carry none.
    pub addend: i64,
}

impl<T> Reloc<T> {
    /// Offset of the first byte after the patched place.
    #[inline]
    pub fn end(&self) -> usize {
        (self.offset as usize).saturating_add(self.ty.form().width())
    }

    /// Writes `value` at the relocation's place in `chunk`.
    ///
    /// # Panics
    /// If the place does not lie in `chunk`; who makes a relocation checks [`Reloc::end`]
    /// against the chunk's size.
    #[inline]
    pub fn write(&self, chunk: &mut [u8], value: u64) {
        self.ty
            .form()
            .write(&mut chunk[self.offset as usize..], value);
    }
}

impl Reloc<u32> {
    /// The entry of a file, its offset relative to a chunk that starts at `chunk_start`
    /// of the section; `None` if it lies before.
    #[inline]
    pub fn from_entry(entry: &RelocEntry, chunk_start: u32) -> Option<Self> {
        Some(Self {
            offset: entry.offset.checked_sub(chunk_start)?,
            ty: entry.ty,
            target: entry.index,
            addend: entry.addend,
        })
    }

    /// The entry of a file, its offset relative to the section in which the chunk starts at
    /// `chunk_start`.
    #[inline]
    pub fn entry(&self, chunk_start: u32) -> RelocEntry {
        RelocEntry {
            ty: self.ty,
            offset: chunk_start.wrapping_add(self.offset),
            index: self.target,
            addend: self.addend,
        }
    }
}

/// Whether a relocation writes an address as it is, of data or of a table slot: a loader that
/// places the module has to adjust it.
#[inline]
pub const fn is_absolute_address(ty: RelocType) -> bool {
    matches!(ty.target(), RelocTarget::Memory | RelocTarget::TableSlot)
        && matches!(ty.base(), RelocBase::Absolute)
}

/// Whether a relocation's value is a slot of the indirect function table.
#[inline]
pub const fn takes_slot(ty: RelocType) -> bool {
    matches!(ty.target(), RelocTarget::TableSlot)
}
