//! Where the bytes and holes of declarations live.
//!
//! `bumpalo` hands out memory and takes none back. What keeps a module's memory bounded
//! while declarations are updated and freed millions of times is this allocator on top:
//!
//! - Memory comes from `bumpalo` in pages, each as large as about an eighth of what is
//!   live, so that the unused end of the last page stays small.
//! - It is handed out in *size classes*, four to each power of two. A freed span goes to
//!   the free list of its class and is the next one given out there; a span whose
//!   replacement has the same class is overwritten in place.
//! - Free spans of a class that is no longer requested are recovered by *compaction*:
//!   when more is reserved than [`MAX_RATIO`] times what is live (and a small
//!   floor), the live spans are copied to new pages and the old pages are dropped. That
//!   many bytes were freed since the last time, so the copying is paid for by them.
//!
//! A [`Span`] is an index, not a pointer: compaction changes no holder of one, and a wrong
//! one cannot reach memory that is not there.
#![allow(
    unsafe_code,
    reason = "the arena owns the pages that its spans point into; the borrow checker has \
              no word for that, and a flush reads every span"
)]

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use bumpalo::Bump;
use wasm_format::leb128;
use wasm_format::reloc::RelocType;

use super::handle::{Target, TargetKind};
use crate::reloc::Reloc;

/// Reserved bytes may be this many times the live bytes before the arena is compacted.
const MAX_RATIO: usize = 2;
/// Below this many reserved bytes nothing is compacted.
const FLOOR: usize = 64 * 1024;
/// The size of the smallest class, and what every span is aligned to.
const GRANULE: usize = 16;
/// Bounds of a page's size.
const PAGE: std::ops::RangeInclusive<usize> = 4 * 1024..=1024 * 1024;

/// Holes, and bytes that they are offsets into, in an [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(u32);

impl Span {
    /// The span of nothing. It is every arena's, and freeing it does nothing.
    pub(super) const EMPTY: Span = Span(0);
}

#[derive(Clone, Copy)]
struct ArenaEntry {
    /// `holes` holes, then `calls` calls, then `bytes` bytes; dangling if there are none.
    at: NonNull<u8>,
    holes: u32,
    calls: u32,
    bytes: u32,
}

impl ArenaEntry {
    const NOTHING: ArenaEntry = ArenaEntry {
        at: NonNull::<Hole>::dangling().cast(),
        holes: 0,
        calls: 0,
        bytes: 0,
    };

    fn size(self) -> usize {
        self.holes as usize * size_of::<Hole>()
            + self.calls as usize * size_of::<Call>()
            + self.bytes as usize
    }
}

pub(super) type Hole = Reloc<Target>;

/// The hole that nearly every hole is, in a third of the room: a function index in code. Its
/// target's generation is not needed any more once it was checked, as a slot that is
/// referred to is not reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    /// Where, in bytes from the start of the contents.
    pub(super) offset: u32,
    /// The slot of the function.
    pub(super) function: u32,
}

impl Call {
    pub(super) fn hole(self) -> Hole {
        Reloc {
            offset: self.offset,
            ty: RelocType::FunctionIndexLeb,
            target: Target::new(TargetKind::Function, self.function, 0),
            addend: 0,
        }
    }

    /// Writes the number that the function has if functions are numbered as their slots
    /// are, which they are when imports were announced first and nothing was freed since:
    /// a flush that finds them so has nothing to patch here. The call lies in `code`, which
    /// begins at offset `base` of the contents.
    #[inline]
    pub(super) fn assume_number(self, code: &mut [u8], base: u32) {
        leb128::write_u32_fixed(&mut code[(self.offset - base) as usize..], self.function);
    }
}

/// What the bytes of a module occupy, in bytes. Everything else that a module holds
/// (tables of declarations, names, types) is proportional to the live declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// Bytes of bodies, data and holes that are in use.
    pub live: usize,
    /// Bytes that are reserved for them.
    pub reserved: usize,
}

/// See the documentation of this file.
pub(super) struct Arena {
    /// Every page is a `Bump` of one chunk; only the last one has room.
    pages: Vec<Bump>,
    /// By [`Span`].
    entries: Vec<ArenaEntry>,
    vacant: Vec<u32>,
    /// Free memory, by class.
    free: Vec<Vec<NonNull<u8>>>,
    live: usize,
    reserved: usize,
}

// SAFETY: the pointers in `entries` and `free` point into `pages`, which move along with
// them; nothing else holds such a pointer beyond a borrow of the arena.
unsafe impl Send for Arena {}
// SAFETY: through a shared reference, spans are only read; `pages` is only used under an
// exclusive one.
unsafe impl Sync for Arena {}

/// The class of `size` and the size of its spans; `size` is not 0.
fn class_of(size: usize) -> (usize, usize) {
    let granules = size.div_ceil(GRANULE);
    if granules <= 4 {
        return (granules - 1, granules * GRANULE);
    }
    // Four classes between a power of two (exclusive) and the next (inclusive).
    let log2 = (granules - 1).ilog2() as usize;
    let step = 1 << (log2 - 2);
    let quarter = (granules - 1 - (1 << log2)) / step;
    (
        4 + (log2 - 2) * 4 + quarter,
        ((1 << log2) + (quarter + 1) * step) * GRANULE,
    )
}

impl Arena {
    pub(super) fn new() -> Self {
        Self {
            pages: Vec::new(),
            entries: vec![ArenaEntry::NOTHING],
            vacant: Vec::new(),
            free: Vec::new(),
            live: 0,
            reserved: 0,
        }
    }

    pub(super) fn memory_use(&self) -> MemoryUse {
        MemoryUse {
            live: self.live,
            reserved: self.reserved,
        }
    }

    #[inline]
    pub(super) fn holes(&self, span: Span) -> &[Hole] {
        let entry = &self.entries[span.0 as usize];
        // SAFETY: `fill` wrote that many holes there, suitably aligned (`allocate` aligns to
        // GRANULE), and the memory is neither reused nor dropped before the entry changes,
        // which takes an exclusive borrow. An entry without holes has a well-aligned pointer.
        unsafe {
            std::slice::from_raw_parts(entry.at.cast::<Hole>().as_ptr(), entry.holes as usize)
        }
    }

    #[inline]
    pub(super) fn calls(&self, span: Span) -> &[Call] {
        let entry = &self.entries[span.0 as usize];
        // SAFETY: as in `holes`; the calls follow the holes in the same allocation, and a
        // hole's size is a multiple of a call's alignment.
        unsafe {
            std::slice::from_raw_parts(
                entry
                    .at
                    .cast::<Hole>()
                    .add(entry.holes as usize)
                    .cast::<Call>()
                    .as_ptr(),
                entry.calls as usize,
            )
        }
    }

    #[inline]
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        let entry = &self.entries[span.0 as usize];
        // SAFETY: as in `holes`; the bytes follow the calls in the same allocation.
        unsafe {
            std::slice::from_raw_parts(
                entry
                    .at
                    .cast::<Hole>()
                    .add(entry.holes as usize)
                    .cast::<Call>()
                    .add(entry.calls as usize)
                    .cast::<u8>()
                    .as_ptr(),
                entry.bytes as usize,
            )
        }
    }

    /// Holes, calls and bytes.
    #[inline]
    pub(super) fn parts(&self, span: Span) -> (&[Hole], &[Call], &[u8]) {
        (self.holes(span), self.calls(span), self.bytes(span))
    }

    /// How many bytes there are.
    #[inline]
    pub(super) fn byte_count(&self, span: Span) -> u32 {
        self.entries[span.0 as usize].bytes
    }

    /// Holes and calls together, in the order of their offsets.
    pub(super) fn all_holes(&self, span: Span) -> impl Iterator<Item = Hole> {
        let mut holes = self.holes(span).iter().copied().peekable();
        let mut calls = self.calls(span).iter().copied().map(Call::hole).peekable();
        std::iter::from_fn(move || match (holes.peek(), calls.peek()) {
            (Some(hole), Some(call)) if call.offset < hole.offset => calls.next(),
            (Some(_), _) => holes.next(),
            (None, _) => calls.next(),
        })
    }

    /// Replaces what `span` holds by `holes`, `calls` and the parts of `bytes` one after
    /// another, and returns the span that holds it now. The caller has checked that all
    /// counts fit in 32 bits.
    pub(super) fn replace(
        &mut self,
        span: Span,
        holes: &[Hole],
        calls: &[Call],
        bytes: [&[u8]; 2],
    ) -> Span {
        let byte_count = bytes[0].len() + bytes[1].len();
        let size = size_of_val(holes) + size_of_val(calls) + byte_count;
        if size == 0 {
            self.free(span);
            return Span::EMPTY;
        }
        let old = self.entries[span.0 as usize];
        let in_place = old.size() != 0 && class_of(old.size()).0 == class_of(size).0;
        let span = if in_place {
            self.live -= old.size();
            span
        } else {
            self.free(span);
            let at = self.allocate(size);
            self.entry(at)
        };
        self.live += size;
        let entry = &mut self.entries[span.0 as usize];
        entry.holes = holes.len() as u32;
        entry.calls = calls.len() as u32;
        entry.bytes = byte_count as u32;
        // SAFETY: the allocation has room for `size` bytes (its class says so) and is aligned
        // for holes, whose size keeps the calls aligned; the sources are borrowed from
        // elsewhere, as this borrow is exclusive.
        unsafe {
            let to = entry.at.cast::<Hole>().as_ptr();
            ptr::copy_nonoverlapping(holes.as_ptr(), to, holes.len());
            let to = to.add(holes.len()).cast::<Call>();
            ptr::copy_nonoverlapping(calls.as_ptr(), to, calls.len());
            let to = to.add(calls.len()).cast::<u8>();
            ptr::copy_nonoverlapping(bytes[0].as_ptr(), to, bytes[0].len());
            let to = to.add(bytes[0].len());
            ptr::copy_nonoverlapping(bytes[1].as_ptr(), to, bytes[1].len());
        }
        self.compact_if_worthwhile();
        span
    }

    /// Gives the memory of `span` back. Who holds the span forgets it.
    pub(super) fn free(&mut self, span: Span) {
        let entry = std::mem::replace(&mut self.entries[span.0 as usize], ArenaEntry::NOTHING);
        let size = entry.size();
        if size == 0 {
            return;
        }
        self.live -= size;
        self.vacant.push(span.0);
        let class = class_of(size).0;
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
        }
        self.free[class].push(entry.at);
        self.compact_if_worthwhile();
    }

    fn entry(&mut self, at: NonNull<u8>) -> Span {
        let entry = ArenaEntry {
            at,
            ..ArenaEntry::NOTHING
        };
        if let Some(index) = self.vacant.pop() {
            self.entries[index as usize] = entry;
            return Span(index);
        }
        self.entries.push(entry);
        Span(self.entries.len() as u32 - 1)
    }

    /// Memory for `size` bytes, which is not 0.
    fn allocate(&mut self, size: usize) -> NonNull<u8> {
        let (class, capacity) = class_of(size);
        if let Some(at) = self.free.get_mut(class).and_then(Vec::pop) {
            return at;
        }
        self.bump(capacity)
    }

    fn bump(&mut self, capacity: usize) -> NonNull<u8> {
        let layout = Layout::from_size_align(capacity, GRANULE)
            .expect("no span is larger than 4 GiB of bytes and as many holes");
        let fits = |page: &Bump| page.chunk_capacity() >= capacity;
        if !self.pages.last().is_some_and(fits) {
            let size = (self.live / 8).clamp(*PAGE.start(), *PAGE.end());
            // Alignment may cost up to a granule of the chunk.
            let page = Bump::with_capacity(size.max(capacity + GRANULE));
            self.reserved += page.allocated_bytes();
            if capacity >= size {
                // A span with a page of its own leaves the current page in use.
                let at = page.alloc_layout(layout);
                let last = self.pages.len().saturating_sub(1);
                self.pages.insert(last, page);
                return at;
            }
            self.pages.push(page);
        }
        let page = self
            .pages
            .last()
            .expect("a page was just pushed if there was none");
        page.alloc_layout(layout)
    }

    fn compact_if_worthwhile(&mut self) {
        if self.reserved > FLOOR.max(self.live * MAX_RATIO) {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let mut fresh = Arena::new();
        fresh.live = self.live;
        for entry in &mut self.entries {
            let size = entry.size();
            if size == 0 {
                continue;
            }
            let at = fresh.bump(class_of(size).1);
            // SAFETY: both are allocations of at least `size` bytes, of different arenas.
            unsafe { ptr::copy_nonoverlapping(entry.at.as_ptr(), at.as_ptr(), size) };
            entry.at = at;
        }
        self.pages = fresh.pages;
        self.reserved = fresh.reserved;
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::handle::FuncId;

    fn hole(offset: u32) -> Hole {
        Reloc {
            offset,
            ty: RelocType::FunctionIndexLeb,
            target: FuncId::new(offset, 7).into(),
            addend: -1,
        }
    }

    #[test]
    fn classes_are_tight_and_ordered() {
        let mut last = (0, 0);
        // Miri takes its time.
        for size in 1..if cfg!(miri) { 3_000 } else { 100_000 } {
            let (class, capacity) = class_of(size);
            assert!(capacity >= size && capacity % GRANULE == 0);
            assert!(
                capacity <= size + GRANULE + size / 4,
                "{size} takes {capacity}"
            );
            assert!(class == last.0 || class == last.0 + 1, "{size}");
            assert_eq!(class == last.0, capacity == last.1 || last.1 == 0, "{size}");
            last = (class, capacity);
        }
    }

    type Model = (Span, Vec<Hole>, Vec<Call>, Vec<u8>);

    /// A model of the arena beside it: whatever is done in whatever order, every span
    /// holds what was last put there, and memory stays bounded.
    #[test]
    fn spans_keep_their_contents() {
        const STEPS: usize = if cfg!(miri) { 2_400 } else { 60_000 };
        let mut arena = Arena::new();
        let mut model: Vec<Model> = vec![(Span::EMPTY, vec![], vec![], vec![]); 300];
        let mut seed = 1u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        for step in 0..STEPS {
            let i = random(model.len());
            // Sizes shift over time, so that classes go out of use.
            let scale = 1 << (step / (STEPS / 12));
            let (span, holes, calls, bytes) = &mut model[i];
            if random(4) == 0 {
                arena.free(*span);
                *span = Span::EMPTY;
                holes.clear();
                calls.clear();
                bytes.clear();
            } else {
                *holes = (0..random(6) as u32).map(hole).collect();
                let call = |i| Call {
                    offset: i,
                    function: i * 3,
                };
                *calls = (0..random(5) as u32).map(call).collect();
                *bytes = (0..random(scale + 1)).map(|b| (b ^ step) as u8).collect();
                let (front, back) = bytes.split_at(bytes.len() / 3);
                *span = arena.replace(*span, holes, calls, [front, back]);
            }
            let memory = arena.memory_use();
            assert!(memory.reserved <= FLOOR.max(memory.live * 2), "{memory:?}");
        }
        for (span, holes, calls, bytes) in &model {
            assert_eq!(arena.holes(*span), holes);
            assert_eq!(arena.calls(*span), calls);
            assert_eq!(arena.bytes(*span), bytes);
        }
        for (span, ..) in model {
            arena.free(span);
        }
        assert_eq!(arena.memory_use().live, 0);
    }
}
