//! Where data lies in memory, and which segments of the output fill it.

use std::ops::Range;

use wasm_format::PAGE_SIZE;

use super::{Form, Problem};
use crate::module::Module;
use crate::module::data::{Bytes, Datum};
use crate::module::decl::Decl;

/// The upper end of what a 32-bit memory can hold, in bytes.
const END_32: u64 = 1 << 32;
/// The upper end of what engines let a 64-bit memory hold (2^48 pages of 2^16 would be
/// the whole address space), in bytes.
const END_64: u64 = 1 << 48;
/// Zeros between two data are written when they take fewer bytes than the header of
/// another segment.
const WRITTEN_GAP: u64 = 8;
/// What room for more data begins at a multiple of, in bytes.
const SPARE_ALIGN: u64 = 16;
/// The least room for more data, in bytes.
const LEAST_SPARE: u64 = 256;
/// What the stack's upper end is aligned to (tool-conventions BasicCABI.md).
const STACK_ALIGN: u64 = 16;

/// Something with an address.
#[derive(Debug, Clone, Copy)]
pub(in crate::module) enum PlacedItem {
    OffsetTable,
    /// A datum, by its slot.
    Datum(u32),
}

/// A segment of the data section.
pub(in crate::module) struct PlacedSegment {
    /// Where it goes; `None` if it is passive.
    pub(in crate::module) address: Option<u64>,
    /// What it holds: items of [`Layout::items`], with zeros between them where their
    /// addresses say so.
    pub(in crate::module) items: Range<usize>,
    /// Its size in bytes.
    pub(in crate::module) len: u64,
}

/// Where data lies.
pub(in crate::module) struct Layout {
    /// By slot; 0 for a datum that is not placed.
    pub(in crate::module) addresses: Vec<u64>,
    /// Address of the offset table.
    pub(in crate::module) offset_table: u64,
    /// Where thread-local data begins.
    pub(in crate::module) tls_base: u64,
    /// Where the stack begins, at its upper end.
    pub(in crate::module) stack_top: Option<u64>,
    /// What the segments hold, with addresses.
    pub(in crate::module) items: Vec<(u64, PlacedItem)>,
    /// The segments, by index; the passive ones come first.
    pub(in crate::module) segments: Vec<PlacedSegment>,
    /// How many of the segments are passive.
    pub(in crate::module) passive: usize,
    /// Where the placed data ends.
    pub(in crate::module) end: u64,
    /// Whether anything is placed.
    pub(in crate::module) has_data: bool,
    /// Addresses behind everything else that nothing has yet, if there is to be room for more.
    pub(in crate::module) spare: Range<u64>,
}

impl Layout {
    /// Places everything: data in the order of last update, thread-local data last. In an
    /// object the linker places it; there, everything has a segment of its own, and its
    /// address is where it would be if the object were all there is.
    pub(in crate::module) fn new(module: &Module, form: Form) -> Result<Self, Problem> {
        Self::with_room(module, form, false)
    }

    /// As [`new`](Self::new); if it is `padded`, data has room to grow, and there is room for
    /// more.
    pub(in crate::module) fn with_room(
        module: &Module,
        form: Form,
        padded: bool,
    ) -> Result<Self, Problem> {
        let decls = &module.decls;
        let pointer = module.options.pointer_size();
        let stack_top = module
            .options
            .stack_size
            .map(|size| align_up(size, STACK_ALIGN));
        let base = align_up(
            module.options.data_base.max(stack_top.unwrap_or(0)),
            pointer,
        );
        let limit = if module.options.memory64 {
            END_64
        } else {
            END_32
        };
        if base == 0 {
            return Err(Problem::DataAtZero);
        }
        let object = form == Form::Object;
        // Memory from elsewhere need not be zero where this module starts.
        let write_zeros = object
            || decls
                .memories
                .iter()
                .any(|(_, memory)| memory.head.imported);

        let mut layout = Layout {
            addresses: vec![0; decls.data.len()],
            offset_table: base,
            tls_base: 0,
            stack_top,
            items: Vec::new(),
            segments: Vec::new(),
            passive: 0,
            end: 0,
            has_data: false,
            spare: 0..0,
        };
        let slots = decls.offset_slots.owners().len() as u64;
        let mut at = base.saturating_add(slots * pointer);
        let mut written = Vec::new();
        if slots > 0 {
            written.push((base, at - base, PlacedItem::OffsetTable));
        }
        let mut place = |at: &mut u64, slot: usize, decl: &Decl<Datum>| {
            let mut size = decl.body.size(&module.arena);
            if padded && has_room(&decl.body) {
                size += room_of(size);
            }
            let address = align_up(*at, 1 << decl.body.align_log2);
            *at = address.saturating_add(size);
            if address == limit {
                // Nothing is too small to have an address, and this one does not exist.
                *at = limit + 1;
            }
            layout.addresses[slot] = address;
            layout.has_data = true;
            let zero = decl.body.contents(&module.arena).is_none();
            let active = size > 0 && !decl.body.passive && (write_zeros || !zero);
            if object || active {
                written.push((address, size, PlacedItem::Datum(slot as u32)));
            }
        };
        for (slot, decl) in decls.placement.iter(&decls.data) {
            if !decl.body.is_tls() {
                place(&mut at, slot, decl);
            }
        }
        let mut tls = decls
            .placement
            .iter(&decls.data)
            .filter(|(_, decl)| decl.body.is_tls());
        let align = tls
            .clone()
            .map(|(_, decl)| decl.body.align_log2)
            .max()
            .unwrap_or(0);
        at = align_up(at, 1 << align);
        layout.tls_base = at;
        tls.by_ref()
            .for_each(|(slot, decl)| place(&mut at, slot, decl));
        if at > limit {
            return Err(Problem::MemoryFull { end: at, limit });
        }
        layout.has_data |= slots > 0;
        layout.end = if layout.has_data {
            at
        } else {
            stack_top.unwrap_or(0)
        };
        if object {
            layout.make_object_segments(module, &written);
        } else {
            layout.make_segments(module, &written);
        }
        if padded && layout.has_data {
            layout.add_spare(limit)?;
        }
        Ok(layout)
    }

    fn make_object_segments(&mut self, module: &Module, written: &[(u64, u64, PlacedItem)]) {
        for (index, &(address, len, item)) in written.iter().enumerate() {
            let passive = match item {
                PlacedItem::OffsetTable => false,
                PlacedItem::Datum(slot) => {
                    let decl = module.decls.data.at(slot as usize);
                    decl.is_some_and(|decl| decl.body.passive)
                }
            };
            self.passive += usize::from(passive);
            self.items.push((address, item));
            self.segments.push(PlacedSegment {
                address: (!passive).then_some(address),
                items: index..index + 1,
                len,
            });
        }
    }

    /// Adds a segment that nothing has anything in yet.
    fn add_spare(&mut self, limit: u64) -> Result<(), Problem> {
        let data: u64 = self.segments.iter().map(|segment| segment.len).sum();
        let address = align_up(self.end, SPARE_ALIGN);
        let len = LEAST_SPARE + room_of(data);
        self.end = address.saturating_add(len);
        if self.end > limit {
            let end = self.end;
            return Err(Problem::MemoryFull { end, limit });
        }
        self.spare = address..self.end;
        self.segments.push(PlacedSegment {
            address: Some(address),
            items: 0..0,
            len,
        });
        Ok(())
    }

    fn make_segments(&mut self, module: &Module, written: &[(u64, u64, PlacedItem)]) {
        for owner in module.decls.passive_slots.owners() {
            let datum = owner.and_then(|slot| Some((slot, module.decls.data.at(slot as usize)?)));
            let datum = datum.filter(|(_, decl)| decl.is_defined() && decl.body.passive);
            let from = self.items.len();
            let mut len = 0;
            if let Some((slot, decl)) = datum {
                self.items
                    .push((self.addresses[slot as usize], PlacedItem::Datum(slot)));
                len = decl.body.size(&module.arena);
            }
            self.segments.push(PlacedSegment {
                address: None,
                items: from..self.items.len(),
                len,
            });
        }
        self.passive = self.segments.len();
        let mut end = 0;
        for &(address, size, item) in written {
            let item_index = self.items.len();
            self.items.push((address, item));
            match self.segments.last_mut() {
                Some(PlacedSegment {
                    address: Some(start),
                    items,
                    len,
                }) if address - end <= WRITTEN_GAP => {
                    items.end = item_index + 1;
                    *len = address + size - *start;
                }
                _ => self.segments.push(PlacedSegment {
                    address: Some(address),
                    items: item_index..item_index + 1,
                    len: size,
                }),
            }
            end = address + size;
        }
    }

    /// Pages that hold everything that is placed.
    pub(in crate::module) fn pages(&self, page_size_log2: Option<u32>) -> u64 {
        let page = page_size_log2.map_or(PAGE_SIZE, |log2| 1 << log2.min(16));
        self.end.div_ceil(page)
    }
}

/// Whether a datum is given room to grow: one whose bytes lie in a segment with others.
pub(in crate::module) fn has_room(datum: &Datum) -> bool {
    !datum.passive && !matches!(datum.bytes, Bytes::Zero(_))
}

/// Bytes of room for contents of `size` bytes.
pub(in crate::module) fn room_of(size: u64) -> u64 {
    size / 16
}

fn align_up(at: u64, align: u64) -> u64 {
    at.checked_next_multiple_of(align).unwrap_or(u64::MAX)
}
