//! Where everything went.

use std::ops::Range;

use super::number::{FunctionNumbers, NONE};
use crate::module::handle::{Handle, Target, TargetKind};
use crate::module::reflush::Rewritten;

/// What a flush says about one declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its index: of a datum the index of the segment that holds it, of a custom section
    /// its number among the caller's, of anything else its number in the index space of its
    /// kind. `None` for a datum that no segment holds, as it is zero or lies elsewhere.
    pub index: Option<u32>,
    /// Its bytes in the output: of a function locals and code, of a datum its contents, of
    /// a custom section what follows its name, of anything else its entry in its section.
    /// Empty for what takes no bytes of its own: zero-filled data, and what is imported.
    pub range: Range<usize>,
    /// Of a datum, its address in memory.
    pub address: Option<u64>,
}

/// Where everything went: handle → index and byte range, for debuggers and tools. A handle
/// that was stale at the flush, or made after it, has no place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlushMap {
    functions: FunctionNumbers,
    /// The bytes of the defined functions, in the order of their numbers: where they begin,
    /// and their size.
    bodies: Vec<(usize, u32)>,
    /// By kind, functions apart, and slot.
    kinds: [Vec<MapEntry>; 6],
    /// By slot of the datum.
    addresses: Vec<u64>,
    /// Of a flush into an open output.
    changed: Vec<Range<usize>>,
    rewritten: Option<Rewritten>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MapEntry {
    /// [`MapEntry::NOBODY`] where no declaration is.
    generation: u32,
    index: u32,
    start: usize,
    len: u32,
}

impl MapEntry {
    /// More than any generation.
    const NOBODY: u32 = u32::MAX;
    /// The index of what has none.
    const NO_INDEX: u32 = u32::MAX;
    const EMPTY: MapEntry = MapEntry {
        generation: Self::NOBODY,
        index: Self::NO_INDEX,
        start: 0,
        len: 0,
    };
}

impl FlushMap {
    /// The ranges of the output that the flush changed, in their order. They are those of a
    /// flush into an [`OpenOutput`](crate::module::OpenOutput); of any other flush there are
    /// none.
    pub fn changed(&self) -> &[Range<usize>] {
        &self.changed
    }

    /// Why a flush into an [`OpenOutput`](crate::module::OpenOutput) wrote all of the output;
    /// `None` if it wrote what changed.
    pub fn rewritten(&self) -> Option<Rewritten> {
        self.rewritten
    }

    /// Where the declaration of `handle` went.
    pub fn get(&self, handle: impl Handle) -> Option<Location> {
        let target = handle.target();
        if target.kind() == TargetKind::Function {
            return self.function(target);
        }
        let entry = self.kinds[place(target.kind())?].get(target.index())?;
        if entry.generation != target.generation() {
            return None;
        }
        let is_data = target.kind() == TargetKind::Data;
        Some(Location {
            index: (entry.index != MapEntry::NO_INDEX).then_some(entry.index),
            range: entry.start..entry.start + entry.len as usize,
            address: if is_data {
                self.addresses.get(target.index()).copied()
            } else {
                None
            },
        })
    }

    fn function(&self, target: Target) -> Option<Location> {
        let slot = target.index();
        let number = *self.functions.number.get(slot)?;
        let generation = *self.functions.generation.get(slot)?;
        if number == NONE || generation != target.generation() {
            return None;
        }
        let body = (number as usize).checked_sub(self.functions.imports.len());
        let &(start, len) = body
            .and_then(|body| self.bodies.get(body))
            .unwrap_or(&(0, 0));
        Some(Location {
            index: Some(number),
            range: start..start + len as usize,
            address: None,
        })
    }

    pub(in crate::module) fn with_functions(mut self, functions: FunctionNumbers) -> Self {
        self.functions = functions;
        self
    }

    pub(in crate::module) fn set_changed(
        &mut self,
        changed: Vec<Range<usize>>,
        rewritten: Option<Rewritten>,
    ) {
        self.changed = changed;
        self.rewritten = rewritten;
    }

    /// Sets the number that the function in a slot has; `NONE` if it is gone.
    pub(in crate::module) fn set_function(&mut self, slot: usize, generation: u32, number: u32) {
        self.functions.set(slot, generation, number);
    }

    /// Sets where the defined function of that place among all of them is.
    pub(in crate::module) fn set_body(&mut self, place: usize, start: usize, len: u32) {
        if self.bodies.len() <= place {
            self.bodies.resize(place + 1, (0, 0));
        }
        self.bodies[place] = (start, len);
    }

    /// Says that a datum is gone.
    pub(in crate::module) fn remove_datum(&mut self, slot: usize) {
        if let Some(entry) = self.kinds[0].get_mut(slot) {
            *entry = MapEntry::EMPTY;
        }
    }

    /// Sets the address of the datum in a slot.
    pub(in crate::module) fn set_address(&mut self, slot: usize, address: u64) {
        if self.addresses.len() <= slot {
            self.addresses.resize(slot + 1, 0);
        }
        self.addresses[slot] = address;
    }

    /// Changes where everything but functions is: `place` says where what began at an offset
    /// begins, and its size if that is another.
    pub(in crate::module) fn relocate(&mut self, place: impl Fn(usize) -> (usize, Option<u32>)) {
        for entry in self.kinds.iter_mut().flatten() {
            if entry.start > 0 {
                let (start, len) = place(entry.start);
                entry.start = start;
                entry.len = len.unwrap_or(entry.len);
            }
        }
    }

    pub(in crate::module) fn set_bodies(&mut self, bodies: Vec<(usize, u32)>) {
        self.bodies = bodies;
    }

    pub(super) fn bodies(&self) -> &[(usize, u32)] {
        &self.bodies
    }

    pub(super) fn set_addresses(&mut self, addresses: Vec<u64>) {
        self.addresses = addresses;
    }

    /// Makes room for `slots` entries, so that setting them is nothing but that.
    pub(super) fn reserve(&mut self, kind: TargetKind, slots: usize) {
        if let Some(place) = place(kind) {
            self.kinds[place].resize(slots, MapEntry::EMPTY);
        }
    }

    /// `len` is that of an entry of a section, so it fits.
    #[inline]
    pub(in crate::module) fn set(
        &mut self,
        target: Target,
        index: Option<u32>,
        start: usize,
        len: usize,
    ) {
        let Some(place) = place(target.kind()) else {
            return;
        };
        let entries = &mut self.kinds[place];
        let entry = MapEntry {
            generation: target.generation(),
            index: index.unwrap_or(MapEntry::NO_INDEX),
            start,
            len: len as u32,
        };
        if let Some(place) = entries.get_mut(target.index()) {
            *place = entry;
        } else {
            entries.resize(target.index(), MapEntry::EMPTY);
            entries.push(entry);
        }
    }
}

fn place(kind: TargetKind) -> Option<usize> {
    Some(match kind {
        TargetKind::Data | TargetKind::DataSlot => 0,
        TargetKind::Global => 1,
        TargetKind::Table => 2,
        TargetKind::Memory => 3,
        TargetKind::Tag => 4,
        TargetKind::Custom => 5,
        TargetKind::Function | TargetKind::Type | TargetKind::BodyType => return None,
    })
}
