//! What a symbol stands for in the output, and the value that a relocation writes. The
//! one place that knows: writing, the compression of relocations and the tables of the
//! output all ask here.

use wasm_format::reloc::{RelocBase, RelocTarget};

use super::Plan;
use super::code::CodeLayout;
use super::customs::{Customs, PlacedSection};
use super::memory::MemoryLayout;
use super::numbering::{FunctionIndices, GlobalIndices, TableIndices, TableSlots, TagIndices};
use super::segments::DataLayout;
use super::type_section::TypeSection;
use crate::ids::{
    FileId, FuncIndex, GlobalIndex, ObjSegment, ObjSymbol, ObjType, SymbolId, TableIndex, TagIndex,
};
use crate::input::object::{ObjReloc, ObjTarget};
use crate::par;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::FunctionRef;
use crate::resolve::resolution::{Definition, MadeAddress, Resolution, SymbolRef};

/// What a symbol stands for in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Nothing: nothing reaches it, and so it is not in the output.
    Dead,
    /// Nothing, although it is reached: it is undefined and may be.
    Undefined,
    /// A function.
    Function(FuncIndex),
    /// A place in memory, in bytes; of thread-local data the offset in the thread's
    /// storage.
    Address(u64),
    /// A global.
    Global(GlobalIndex),
    /// A table.
    Table(TableIndex),
    /// A tag.
    Tag(TagIndex),
    /// A custom section that the output has.
    Section,
}

/// The values of the names that files share, by [`SymbolId`].
#[derive(Debug, Default)]
pub struct SymbolValues(Vec<Value>);

/// Everything that values are made of. Borrowed from what layout has decided so far.
#[derive(Clone, Copy)]
pub(crate) struct PlanView<'l, 'a> {
    pub(crate) resolution: &'l Resolution<'a>,
    pub(crate) liveness: &'l Liveness,
    pub(crate) functions: &'l FunctionIndices,
    pub(crate) globals: &'l GlobalIndices,
    pub(crate) tables: &'l TableIndices,
    pub(crate) tags: &'l TagIndices,
    pub(crate) slots: &'l TableSlots,
    pub(crate) data: &'l DataLayout<'a>,
    pub(crate) memory: &'l MemoryLayout,
    /// Whether the memory is imported.
    pub(crate) imported_memory: bool,
    /// Whether each thread has thread-local data of its own.
    pub(crate) threads: bool,
    /// Whether constant expressions may add.
    pub(crate) extended_const: bool,
    /// Whether the output keeps its relocations.
    pub(crate) keeps_relocs: bool,
}

impl SymbolValues {
    pub(crate) fn compute(places: &PlanView<'_, '_>) -> Self {
        let count = places.resolution.symbols.len();
        Self(par::map_many(count, |id| {
            places.shared_symbol(SymbolId::new(id as u32))
        }))
    }

    /// Values that were decided before, by [`SymbolId`].
    pub(crate) fn pinned(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The value of a name.
    #[inline]
    pub fn get(&self, symbol: SymbolId) -> Value {
        self.0[symbol.index()]
    }
}

impl PlanView<'_, '_> {
    fn shared_symbol(&self, id: SymbolId) -> Value {
        let symbol = self.resolution.symbol(id);
        let function = |function| {
            self.functions
                .get(function)
                .map_or(Value::Dead, Value::Function)
        };
        match symbol.definition {
            Definition::Object {
                file,
                symbol: entry,
            } => match self.object_symbol(file, entry) {
                // In an object file, it has no place.
                Value::Dead if symbol.is_common() => self.absent(id),
                value => value,
            },
            Definition::Function(made) => function(FunctionRef::Made(made)),
            Definition::Stub(stub) => function(FunctionRef::Stub(stub)),
            Definition::Global(made) => self.globals.made(made).map_or(Value::Dead, Value::Global),
            Definition::Address(made) => {
                let address = self.address(made, symbol.name);
                address.map_or_else(|| self.absent(id), Value::Address)
            }
            Definition::IndirectFunctionTable => {
                self.tables.indirect.map_or(Value::Dead, Value::Table)
            }
            Definition::Undefined | Definition::Shared(_) => {
                let import = (self
                    .functions
                    .get(FunctionRef::Undefined(id))
                    .map(Value::Function))
                .or_else(|| self.globals.import(id).map(Value::Global))
                .or_else(|| self.tables.import(id).map(Value::Table))
                .or_else(|| self.tags.import(id).map(Value::Tag));
                import.unwrap_or_else(|| self.absent(id))
            }
        }
    }

    /// What a name stands for that nothing defines.
    fn absent(&self, id: SymbolId) -> Value {
        if self.liveness.reached(id) {
            Value::Undefined
        } else {
            Value::Dead
        }
    }

    /// An address that the linker knows; `None` for the bounds of a segment that the
    /// output does not have.
    fn address(&self, made: MadeAddress, name: &str) -> Option<u64> {
        if let Some(address) = self.memory.made(made, self.slots.base) {
            return Some(address);
        }
        let (prefix, at_end) = match made {
            MadeAddress::SegmentStart => ("__start_", false),
            _ => ("__stop_", true),
        };
        let name = name.strip_prefix(prefix)?;
        let i = self.data.by_name(name)?;
        let end = if at_end {
            self.data.segments[i].size
        } else {
            0
        };
        Some(self.memory.segments[i] + end)
    }

    /// The value of a symbol that an object defines. Whether it is reached is a matter of
    /// the chunk it lies in: another symbol may be what reached that.
    fn object_symbol(&self, file: FileId, symbol: ObjSymbol) -> Value {
        let found = match self.resolution.target(file, symbol) {
            ObjTarget::Function(function) => self.functions.of(file, function).map(Value::Function),
            ObjTarget::Data {
                segment, offset, ..
            } => self.data_address(file, segment, offset).map(Value::Address),
            ObjTarget::Absolute { value, .. } => Some(Value::Address(value)),
            ObjTarget::Global(global) => self.globals.object(file, global).map(Value::Global),
            ObjTarget::Table(table) => self.tables.object(file, table).map(Value::Table),
            ObjTarget::Tag(tag) => self.tags.object(file, tag).map(Value::Tag),
            ObjTarget::Section(section) => section.map(|_| Value::Section),
            // Only names are undefined; a file's own symbols are defined.
            ObjTarget::Undefined { .. } => None,
        };
        found.unwrap_or(Value::Dead)
    }

    /// The address of a place in a segment; `None` if the output does not have that.
    #[inline]
    fn data_address(&self, file: FileId, segment: ObjSegment, offset: u64) -> Option<u64> {
        let (output, offset) = self.data.locate(file, segment, offset)?;
        let output = output as usize;
        let base = if self.data.segments[output].tls {
            0
        } else {
            self.memory.segments[output]
        };
        Some(base.wrapping_add(offset))
    }

    /// The value of any symbol.
    pub(crate) fn symbol(&self, symbol: SymbolRef) -> Value {
        match symbol {
            SymbolRef::Global(id) => self.shared_symbol(id),
            SymbolRef::Local(file, symbol) => self.object_symbol(file, symbol),
        }
    }
}

/// The chunk that a relocation patches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    /// Its object.
    pub(crate) file: FileId,
    /// Its address, if it is data.
    pub(crate) address: u64,
    /// What stands for a thing that is not in the output; `None` leaves the addend.
    pub(crate) tombstone: Option<u64>,
    /// Whether it is code, which needs every index that it asks for.
    pub(crate) is_code: bool,
}

impl Site {
    /// A chunk of code.
    pub(crate) fn code(file: FileId) -> Self {
        Self {
            file,
            address: 0,
            tombstone: None,
            is_code: true,
        }
    }

    /// A data segment at `address`.
    pub(crate) fn data(file: FileId, address: u64) -> Self {
        Self {
            file,
            address,
            tombstone: None,
            is_code: false,
        }
    }

    /// A custom section. In debug info, addresses of what was left out must not look
    /// like addresses of what is there; where lists of ranges end with -1, it is -2.
    pub(crate) fn custom(file: FileId, name: &str) -> Self {
        let tombstone = match name {
            ".debug_loc" | ".debug_ranges" => Some(-2i64 as u64),
            _ if name.starts_with(".debug_") => Some(-1i64 as u64),
            // 0 is a function, too.
            _ if name.starts_with("llvm.func_attr.") => Some(-1i64 as u64),
            _ => None,
        };
        Self {
            file,
            address: 0,
            tombstone,
            is_code: false,
        }
    }
}

/// A relocation that cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadReloc {
    pub(crate) reloc: ObjReloc,
    pub(crate) why: WhyUnrelocated,
}

/// Why a relocation cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhyUnrelocated {
    /// This value does not fit the place it is written to.
    OutOfRange(i64),
    /// The output does not have what code refers to by its index.
    Absent,
}

/// The parts of a [`Plan`] that relocations ask.
#[derive(Clone, Copy)]
pub(crate) struct Relocator<'l, 'a> {
    pub(crate) places: PlanView<'l, 'a>,
    pub(crate) symbols: &'l SymbolValues,
    pub(crate) types: &'l TypeSection<'a>,
    pub(crate) code: &'l CodeLayout,
    pub(crate) customs: &'l Customs<'a>,
}

impl<'a> Plan<'a> {
    /// What symbols stand for.
    pub(crate) fn places<'l>(
        &'l self,
        resolution: &'l Resolution<'a>,
        liveness: &'l Liveness,
    ) -> PlanView<'l, 'a> {
        PlanView {
            resolution,
            liveness,
            functions: &self.functions,
            globals: &self.globals,
            tables: &self.tables,
            tags: &self.tags,
            slots: &self.slots,
            data: &self.data,
            memory: &self.memory,
            imported_memory: self.imported_memory,
            threads: self.threads,
            extended_const: self.extended_const,
            keeps_relocs: self.keeps_relocs,
        }
    }

    /// What relocations write.
    pub(crate) fn relocator<'l>(
        &'l self,
        resolution: &'l Resolution<'a>,
        liveness: &'l Liveness,
    ) -> Relocator<'l, 'a> {
        Relocator {
            places: self.places(resolution, liveness),
            symbols: &self.symbols,
            types: &self.types,
            code: &self.code,
            customs: &self.customs,
        }
    }
}

impl<'l> Relocator<'l, '_> {
    /// The value of a symbol of `file`.
    #[inline]
    pub(crate) fn symbol(&self, file: FileId, symbol: ObjSymbol) -> Value {
        match self.places.resolution.files[file.index()].symbols[symbol.index()] {
            Some(id) => self.symbols.get(id),
            None => self.places.object_symbol(file, symbol),
        }
    }

    /// The value that `reloc` writes.
    #[inline]
    pub(crate) fn value(&self, site: &Site, reloc: &ObjReloc) -> Result<u64, BadReloc> {
        let bad = |why| BadReloc { reloc: *reloc, why };
        let value = match self.common_value(site, reloc) {
            Some(value) => value,
            None => self
                .any_value(site, reloc)
                .ok_or_else(|| bad(WhyUnrelocated::Absent))?,
        };
        if !reloc.ty.form().is_64() && !fits_32(value) {
            return Err(bad(WhyUnrelocated::OutOfRange(value as i64)));
        }
        Ok(value)
    }

    /// The value if it is what nearly all relocations of code and data ask for: the index
    /// or address of what is in the output. [`any_value`](Self::any_value) is the same.
    #[inline]
    fn common_value(&self, site: &Site, reloc: &ObjReloc) -> Option<u64> {
        let symbol = ObjSymbol(reloc.target);
        match (reloc.ty.target(), reloc.ty.base()) {
            (RelocTarget::Function, _) => {
                let function = self.called(site.file, symbol)?;
                Some(u64::from(function.0))
            }
            (RelocTarget::Global, _) => match self.symbol(site.file, symbol) {
                Value::Global(global) => Some(u64::from(global.0)),
                _ => None,
            },
            (RelocTarget::Memory, RelocBase::Absolute) => {
                let address = self.address(site.file, symbol)?;
                Some(address.wrapping_add(reloc.addend as u64))
            }
            (RelocTarget::Memory, RelocBase::ImageBase | RelocBase::TlsBase | RelocBase::Place)
            | (
                RelocTarget::TableSlot
                | RelocTarget::FunctionOffset
                | RelocTarget::SectionOffset
                | RelocTarget::Type
                | RelocTarget::Tag
                | RelocTarget::Table,
                _,
            ) => None,
        }
    }

    /// The value of any relocation; `None` if code asks for the index of what the output
    /// does not have. An index that stood for nothing would stand for something else.
    fn any_value(&self, site: &Site, reloc: &ObjReloc) -> Option<u64> {
        let symbol = ObjSymbol(reloc.target);
        let value = || self.symbol(site.file, symbol);
        let has_index = match reloc.ty.target() {
            RelocTarget::Type => {
                let ty = self.types.files[site.file.index()][ObjType(reloc.target).index()];
                return ty
                    .map(|ty| u64::from(ty.0))
                    .or((!site.is_code).then_some(0));
            }
            RelocTarget::Function => matches!(value(), Value::Function(_)),
            RelocTarget::Tag => matches!(value(), Value::Tag(_)),
            RelocTarget::Table => matches!(value(), Value::Table(_)),
            // Code that asks where something lies reads that from a global.
            RelocTarget::Global => {
                let got = || self.got(site.file, symbol);
                matches!(value(), Value::Global(_)) || got().is_some()
            }
            RelocTarget::TableSlot
            | RelocTarget::FunctionOffset
            | RelocTarget::Memory
            | RelocTarget::SectionOffset => true,
        };
        (has_index || !site.is_code).then(|| self.symbol_value(site, reloc, value()))
    }

    /// The value of a relocation that refers to a symbol of this value.
    fn symbol_value(&self, site: &Site, reloc: &ObjReloc, value: Value) -> u64 {
        use RelocTarget as T;
        let symbol = ObjSymbol(reloc.target);
        let addend = reloc.addend as u64;
        let absent = || site.tombstone.unwrap_or(addend);
        let slots = self.places.slots;
        match (reloc.ty.target(), value) {
            (T::SectionOffset, _) => self
                .section(site.file, symbol)
                .map_or_else(absent, |section| section.locate(reloc.addend)),
            // No function has the index that an address is declared to be.
            (_, Value::Dead) | (T::Function, Value::Address(_)) => absent(),
            (T::Global, Value::Global(global)) => u64::from(global.0),
            // Code that asks where something lies reads that from a global. Nothing makes one
            // for debug info alone.
            (T::Global, _) => self.got(site.file, symbol).unwrap_or_else(absent),
            (T::FunctionOffset, _) => self.body(site.file, symbol).map_or_else(absent, |start| {
                let symbol = self.places.resolution.symbol_ref(site.file, symbol);
                self.function_offset(symbol, start, addend)
            }),
            (T::TableSlot, Value::Function(function)) => {
                let symbol = self.places.resolution.symbol_ref(site.file, symbol);
                let Some(slot) = slots.of(symbol, function) else {
                    return 0;
                };
                relative_to_table(reloc, u64::from(slot.0), slots.base)
            }
            // An address that the linker knows, and a file declares as a function's.
            (T::TableSlot, Value::Address(address)) => {
                relative_to_table(reloc, address, slots.base)
            }
            (T::Function, Value::Function(function)) => {
                let called = self.called(site.file, symbol).unwrap_or(function);
                u64::from(called.0)
            }
            (T::Table, Value::Table(table)) => u64::from(table.0),
            (T::Tag, Value::Tag(tag)) => u64::from(tag.0),
            (T::Memory, Value::Address(address)) => {
                let value = address.wrapping_add(addend);
                match reloc.ty.base() {
                    RelocBase::Place => value.wrapping_sub(site.address + u64::from(reloc.offset)),
                    RelocBase::Absolute | RelocBase::ImageBase | RelocBase::TlsBase => value,
                }
            }
            (T::TableSlot | T::Function | T::Table | T::Tag | T::Memory | T::Type, _) => 0,
        }
    }

    /// What is called when the function that a symbol names is; `None` if there is none.
    #[inline]
    pub(crate) fn called(&self, file: FileId, symbol: ObjSymbol) -> Option<FuncIndex> {
        let functions = self.places.functions;
        let Some(id) = self.places.resolution.files[file.index()].symbols[symbol.index()] else {
            let entry = &self.places.resolution.object(file).symbols[symbol.index()];
            return functions.of(file, entry.function()?);
        };
        match self.symbols.get(id) {
            Value::Function(function) => Some(functions.called(SymbolRef::Global(id), function)),
            _ => None,
        }
    }

    /// The address that a symbol stands for; `None` if it is none.
    #[inline]
    fn address(&self, file: FileId, symbol: ObjSymbol) -> Option<u64> {
        let places = &self.places;
        match places.resolution.files[file.index()].symbols[symbol.index()] {
            Some(id) => match self.symbols.get(id) {
                Value::Address(address) => Some(address),
                _ => None,
            },
            None => match places.resolution.target(file, symbol) {
                ObjTarget::Data {
                    segment, offset, ..
                } => places.data_address(file, segment, offset),
                _ => None,
            },
        }
    }

    /// The global that holds the address of a symbol.
    fn got(&self, file: FileId, symbol: ObjSymbol) -> Option<u64> {
        let symbol = self.places.resolution.symbol_ref(file, symbol);
        let global = self.places.globals.got(symbol)?;
        Some(u64::from(global.0))
    }

    /// What became of the section that a symbol names; `None` if it was left out.
    pub(crate) fn section(&self, file: FileId, symbol: ObjSymbol) -> Option<PlacedSection<'l>> {
        let resolution = self.places.resolution;
        let (file, custom) = resolution.section(resolution.symbol_ref(file, symbol))?;
        let (_, placed) = self.customs.placed(file, custom)?;
        Some(placed)
    }

    /// Where the body begins of the function that a symbol names, in bytes from the start
    /// of the code section's contents; `None` if the output has none.
    #[inline]
    pub(crate) fn body(&self, file: FileId, symbol: ObjSymbol) -> Option<u32> {
        match self.symbol(file, symbol) {
            Value::Function(function) => self.code.body_offset(function),
            _ => None,
        }
    }
}

/// Whether a place of 32 bits can hold a value: it takes what they can mean, signed or
/// unsigned.
#[inline]
pub(crate) fn fits_32(value: u64) -> bool {
    let signed = value as i64;
    signed >= i64::from(i32::MIN) && signed <= i64::from(u32::MAX)
}

/// What a relocation that asks for a table slot writes: `value`, or its distance from the first
/// slot that the output uses.
fn relative_to_table(reloc: &ObjReloc, value: u64, base: u64) -> u64 {
    match reloc.ty.base() {
        RelocBase::ImageBase => value.wrapping_sub(base),
        RelocBase::Absolute | RelocBase::TlsBase | RelocBase::Place => value,
    }
}
