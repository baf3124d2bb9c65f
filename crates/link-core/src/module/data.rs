//! Data: what a caller hands in, and what the module keeps of it.

use std::sync::Arc;

use smallvec::SmallVec;
use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;

use super::arena::{Arena, Hole, Span};
use super::handle::Target;
use crate::reloc::Reloc;

/// The contents of a datum, its place in the scheme of segments, and the holes in it.
///
/// ```
/// use link_core::module::{DataDef, Module};
/// use wasm_format::reloc::RelocType;
///
/// let mut module = Module::default();
/// let text = module.announce_data("text").unwrap();
/// module.update(text, DataDef::fixed(b"hello\0").segment(".rodata")).unwrap();
/// let pointer = module.announce_data("pointer").unwrap();
/// let mut def = DataDef::copied(vec![0; 4]).align(4);
/// def.hole(0, RelocType::MemoryAddrI32, text, 0);
/// module.update(pointer, def).unwrap();
/// assert_eq!(module.flush().unwrap().map.get(pointer).unwrap().address, Some(1032));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDef {
    pub(super) contents: DataContents,
    pub(super) align: u64,
    pub(super) segment: Option<Arc<str>>,
    pub(super) flags: SegmentFlags,
    pub(super) passive: bool,
    pub(super) holes: SmallVec<[Hole; 4]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DataContents {
    Copied(Vec<u8>),
    Shared(Arc<[u8]>),
    Static(&'static [u8]),
    Zero(u64),
}

impl DataDef {
    fn new(contents: DataContents) -> Self {
        Self {
            contents,
            align: 1,
            segment: None,
            flags: SegmentFlags::NONE,
            passive: false,
            holes: SmallVec::new(),
        }
    }

    /// Bytes that the module copies into its arena.
    pub fn copied(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(DataContents::Copied(bytes.into()))
    }

    /// Bytes that the module shares with the caller.
    pub fn shared(bytes: Arc<[u8]>) -> Self {
        Self::new(DataContents::Shared(bytes))
    }

    /// Bytes that are there for as long as the program runs.
    pub fn fixed(bytes: &'static [u8]) -> Self {
        Self::new(DataContents::Static(bytes))
    }

    /// `size` zero bytes, which take no room in a finished module whose memory starts
    /// zeroed.
    pub fn zeroed(size: u64) -> Self {
        Self::new(DataContents::Zero(size))
    }

    /// Aligns the datum to `align` bytes: a power of two, 1 unless this is called.
    #[must_use]
    pub fn align(mut self, align: u64) -> Self {
        self.align = align;
        self
    }

    /// Names the segment, such as `.rodata`. A linker puts data whose segments have names
    /// with one beginning together. Without this, `.data.` or `.bss.` and the name of the
    /// declaration.
    #[must_use]
    pub fn segment(mut self, name: impl Into<Arc<str>>) -> Self {
        self.segment = Some(name.into());
        self
    }

    /// Sets the segment's flags: thread-local, mergeable strings, retained.
    ///
    /// A finished module has one thread's block of thread-local data, at the place that
    /// [`Module::tls_base`](super::Module::tls_base) holds. String merging and retaining
    /// are a linker's, so those two flags matter in an object alone.
    #[must_use]
    pub fn flags(mut self, flags: SegmentFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Makes the segment passive: memory is reserved for the datum, but only
    /// `memory.init` fills it. In a finished module the segment has the index that
    /// [`Module::passive_index`](super::Module::passive_index) says.
    #[must_use]
    pub fn passive(mut self) -> Self {
        self.passive = true;
        self
    }

    /// Adds a hole: when addresses are known, `ty` is written at `offset` bytes. Holes are
    /// added in the order of their offsets.
    pub fn hole(
        &mut self,
        offset: u32,
        ty: RelocType,
        target: impl Into<Target>,
        addend: i64,
    ) -> &mut Self {
        self.holes.push(Reloc {
            offset,
            ty,
            target: target.into(),
            addend,
        });
        self
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        match &self.contents {
            DataContents::Copied(bytes) => bytes.len() as u64,
            DataContents::Shared(bytes) => bytes.len() as u64,
            DataContents::Static(bytes) => bytes.len() as u64,
            DataContents::Zero(size) => *size,
        }
    }
}

/// Where the bytes of a committed datum are.
#[derive(Debug, Default)]
pub(super) enum Bytes {
    /// In the span that also has the holes.
    #[default]
    Arena,
    Shared(Arc<[u8]>),
    Static(&'static [u8]),
    Zero(u64),
}

/// A datum as the module keeps it.
#[derive(Debug)]
pub(super) struct Datum {
    pub(super) bytes: Bytes,
    /// The holes, and the bytes if they were copied.
    pub(super) span: Span,
    pub(super) align_log2: u8,
    pub(super) flags: SegmentFlags,
    pub(super) passive: bool,
    pub(super) segment: Option<Arc<str>>,
    /// Its entry in the offset table, for as long as it is declared.
    pub(super) offset_slot: Option<u32>,
    /// How many references there are to that entry, rather than to the datum itself.
    pub(super) slot_uses: u32,
    /// Its number among passive segments, from the first time it is one.
    pub(super) passive_slot: Option<u32>,
    /// Neighbours in the order of placement.
    pub(super) links: Links,
}

impl Default for Datum {
    fn default() -> Self {
        Self {
            bytes: Bytes::Arena,
            span: Span::EMPTY,
            align_log2: 0,
            flags: SegmentFlags::NONE,
            passive: false,
            segment: None,
            offset_slot: None,
            slot_uses: 0,
            passive_slot: None,
            links: Links::default(),
        }
    }
}

impl Datum {
    pub(super) fn size(&self, arena: &Arena) -> u64 {
        match &self.bytes {
            Bytes::Zero(size) => *size,
            _ => self.contents(arena).map_or(0, |bytes| bytes.len() as u64),
        }
    }

    /// The bytes; `None` if they are all zero.
    pub(super) fn contents<'a>(&'a self, arena: &'a Arena) -> Option<&'a [u8]> {
        match &self.bytes {
            Bytes::Arena => Some(arena.bytes(self.span)),
            Bytes::Shared(bytes) => Some(bytes),
            Bytes::Static(bytes) => Some(bytes),
            Bytes::Zero(_) => None,
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.flags.contains(SegmentFlags::TLS)
    }
}

/// A datum's neighbours in the chain, by their slots; [`NONE`](Self::NONE) at an end and
/// outside the chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    pub(super) previous: u32,
    pub(super) next: u32,
}

impl Links {
    pub(super) const NONE: u32 = u32::MAX;
}

impl Default for Links {
    fn default() -> Self {
        Self {
            previous: Self::NONE,
            next: Self::NONE,
        }
    }
}
