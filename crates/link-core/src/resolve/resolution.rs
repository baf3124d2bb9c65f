//! What resolution returns: which objects take part, what each name means, what is
//! discarded. Made by `resolve`, read by every later phase, changed by none.

use bumpalo::Bump;
use wasm_format::linking::{SegmentFlags, SymbolKind};
use wasm_format::{GlobalType, TableType};

use super::history::History;
use super::names::Names;
use crate::hash::HashMap;
use crate::ids::{FileId, ObjCustom, ObjFunc, ObjSegment, ObjSymbol, SymbolId};
use crate::input::SharedLibrary;
use crate::input::object::{ObjTarget, Object, Segment, SymbolImport};
use crate::options::Options;
use crate::par;

/// The outcome of resolution.
#[derive(Debug)]
pub struct Resolution<'a> {
    /// Objects that take part, in the order in which they were added: command line order,
    /// a pulled archive member before the object that pulled it.
    pub objects: Vec<Box<Object<'a>>>,
    /// For each object, what became of its symbols and comdats.
    pub files: Vec<FileResolution>,
    /// Every name but those that only lazy inputs offer, in the order in
    /// which names were first met: linker-made ones, then as objects were added.
    pub symbols: Vec<Symbol<'a>>,
    /// Symbols by name.
    pub names: Names,
    /// Stubs that resolution asked for: see [`Definition::Stub`].
    pub stubs: Vec<Stub<'a>>,
    /// Shared libraries, in command line order.
    pub shared: Vec<SharedLibrary<'a>>,
    /// Whether addresses have 64 bits.
    pub is_64: bool,
    /// The entry function, if there is one.
    pub entry: Option<SymbolId>,
    /// What `--undefined` names and this link defines: GC roots.
    pub kept: Vec<SymbolId>,
    /// `__wasm_call_dtors`, where command exports call it.
    pub call_dtors: Option<SymbolId>,
    /// Well-known linker-made symbols that exist in this link.
    pub made: LinkerMade,
    /// How it came to this, as far as the options ask.
    pub history: History,
}

/// What became of one object's symbols and comdats.
#[derive(Debug, Default)]
pub struct FileResolution {
    /// For each symbol of the object, the name's symbol; `None` if it is local.
    pub symbols: Vec<Option<SymbolId>>,
    /// For each comdat of the object, whether another file's copy was chosen.
    pub comdat_discarded: Vec<bool>,
}

/// A name and what it means in this link.
#[derive(Debug, Clone, Copy)]
pub struct Symbol<'a> {
    /// The name.
    pub name: &'a str,
    /// What kind of thing it names.
    pub kind: SymbolKind,
    /// What it means.
    pub definition: Definition,
    /// The file that defines it, or else that first referred to it; `None` for
    /// linker-made symbols and those of the command line.
    pub file: Option<FileId>,
    /// Weak: as a definition it could be overridden, undefined it may stay so.
    pub weak: bool,
    /// Not exported, not visible to other modules.
    pub hidden: bool,
    /// Its definition (or a reference) asks to keep it.
    pub no_strip: bool,
    /// Marked exported in its file (`WASM_SYMBOL_EXPORTED`).
    pub exported_flag: bool,
    /// Its import is named apart from it (`WASM_SYMBOL_EXPLICIT_NAME`) where its flags are
    /// from; [`Symbol::import`] knows whether any file did so.
    pub explicit_name_flag: bool,
    /// Exported because the command line names it (or it is the entry).
    pub force_export: bool,
    /// The host provides it: a stub library says so, or it is one of a loader's addresses.
    pub force_import: bool,
    /// Lives in thread-local storage.
    pub tls: bool,
    /// An object file (as opposed to only the command line or a shared library) mentions
    /// it.
    pub used_in_object: bool,
    /// Called directly somewhere (a function may also be only pointed to).
    pub called_directly: bool,
    /// [`PLAINLY_IMPORTED`], [`COMMON`], [`KEPT_INSIDE`] and [`BOUND`], in one byte: a large link has many symbols.
    bits: u8,
    /// Encoded signature, of a function or tag.
    pub signature: Option<&'a [u8]>,
    particulars: Option<&'a Particulars<'a>>,
}

const _: () = assert!(size_of::<Symbol<'_>>() <= 72);

/// Imported from [`DEFAULT_MODULE`] under its own name if it stays undefined.
const PLAINLY_IMPORTED: u8 = 0x1;
/// A common symbol is its definition.
const COMMON: u8 = 0x2;
/// See [`Symbol::is_kept_inside`].
const KEPT_INSIDE: u8 = 0x4;
/// See [`Symbol::is_bound`].
const BOUND: u8 = 0x8;

/// The module that compilers write where the source names none.
pub const DEFAULT_MODULE: &str = "env";

/// What follows the name of a function in the name of its wrapper.
pub(crate) const COMMAND_EXPORT: &str = ".command_export";

/// The guard of `__wasm_init_memory`.
pub(crate) const INIT_MEMORY_FLAG: &str = "__wasm_init_memory_flag";

/// What is known of few symbols, apart so that the others stay small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Particulars<'a> {
    /// Type, of a global.
    pub(crate) global_type: Option<GlobalType>,
    /// Type, of a table.
    pub(crate) table_type: Option<TableType>,
    /// Where it is imported from if it stays undefined.
    pub(crate) import: Option<SymbolImport<'a>>,
}

impl Definition {
    /// Whether it is the linker's own.
    #[inline]
    pub fn is_made(self) -> bool {
        match self {
            Self::Stub(_)
            | Self::Function(_)
            | Self::Global(_)
            | Self::Address(_)
            | Self::IndirectFunctionTable => true,
            Self::Undefined | Self::Object { .. } | Self::Shared(_) => false,
        }
    }
}

impl<'a> Symbol<'a> {
    /// A name of which nothing is known.
    pub(crate) fn new(name: &'a str) -> Self {
        Self {
            name,
            kind: SymbolKind::Function,
            definition: Definition::Undefined,
            file: None,
            weak: false,
            hidden: false,
            no_strip: false,
            exported_flag: false,
            explicit_name_flag: false,
            force_export: false,
            force_import: false,
            tls: false,
            used_in_object: false,
            called_directly: false,
            bits: 0,
            signature: None,
            particulars: None,
        }
    }

    /// Whether a common symbol is its definition: any strong one could take its place.
    #[inline]
    pub fn is_common(&self) -> bool {
        self.bits & COMMON != 0
    }

    /// Sets whether a common symbol is its definition.
    #[inline]
    pub(crate) fn set_common(&mut self, is_common: bool) {
        self.set_bit(COMMON, is_common);
    }

    /// Whether an option keeps it inside the output: only what the command line itself names is
    /// exported all the same.
    #[inline]
    pub fn is_kept_inside(&self) -> bool {
        self.bits & KEPT_INSIDE != 0
    }

    /// Keeps it inside the output, and hidden.
    pub(crate) fn keep_inside(&mut self) {
        self.hidden = true;
        self.set_bit(KEPT_INSIDE, true);
    }

    /// Whether references within a shared library are to its own definition, which a loader does not
    /// replace.
    #[inline]
    pub fn is_bound(&self) -> bool {
        self.bits & BOUND != 0
    }

    /// Sets whether references within a shared library are to its own definition.
    pub(crate) fn set_bound(&mut self, is_bound: bool) {
        self.set_bit(BOUND, is_bound);
    }

    #[inline]
    fn set_bit(&mut self, bit: u8, is_set: bool) {
        self.bits = if is_set {
            self.bits | bit
        } else {
            self.bits & !bit
        };
    }

    /// Type, of a global.
    pub fn global_type(&self) -> Option<GlobalType> {
        self.particulars.and_then(|known| known.global_type)
    }

    /// Type, of a table.
    pub fn table_type(&self) -> Option<TableType> {
        self.particulars.and_then(|known| known.table_type)
    }

    /// Where it is imported from if it stays undefined.
    pub fn import(&self) -> Option<SymbolImport<'a>> {
        if self.bits & PLAINLY_IMPORTED != 0 {
            return Some(SymbolImport::plain(self.name));
        }
        self.particulars.and_then(|known| known.import)
    }

    pub(crate) fn particulars(&self) -> Particulars<'a> {
        Particulars {
            global_type: self.global_type(),
            table_type: self.table_type(),
            import: self.import(),
        }
    }

    /// Sets them all; `arena` holds those of the few.
    pub(crate) fn set_particulars(&mut self, mut known: Particulars<'a>, arena: &'a Bump) {
        let is_plain = known.import == Some(SymbolImport::plain(self.name));
        self.set_bit(PLAINLY_IMPORTED, is_plain);
        if is_plain {
            known.import = None;
        }
        self.particulars = (known != Particulars::default()).then(|| &*arena.alloc(known));
    }
}

impl<'a> SymbolImport<'a> {
    /// What compilers write where the source says nothing of a symbol's import.
    const fn plain(name: &'a str) -> Self {
        Self {
            module: DEFAULT_MODULE,
            name,
            explicit: false,
        }
    }
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Definition {
    /// Nothing defines it.
    Undefined,
    /// An object's symbol.
    Object {
        /// The object.
        file: FileId,
        /// Its symbol; defined.
        symbol: ObjSymbol,
    },
    /// A function that traps, standing in for one that is missing or has another
    /// signature: an index into [`Resolution::stubs`].
    Stub(u32),
    /// A function the linker writes.
    Function(MadeFunction),
    /// A global the linker writes.
    Global(MadeGlobal),
    /// An address the linker knows.
    Address(MadeAddress),
    /// `__indirect_function_table`.
    IndirectFunctionTable,
    /// A shared library defines it; an index into [`Resolution::shared`].
    Shared(u32),
}

/// A function that traps when called.
#[derive(Debug, Clone, Copy)]
pub struct Stub<'a> {
    /// The name in the `name` section, such as `undefined_weak:foo`: prefix and symbol.
    pub prefix: &'static str,
    /// The symbol it stands in for.
    pub name: &'a str,
    /// Encoded signature.
    pub signature: &'a [u8],
}

impl Stub<'_> {
    /// In the place of a function that is defined with another signature.
    pub(crate) const SIGNATURE_MISMATCH: &'static str = "signature_mismatch:";
    /// In the place of a function to which there are only weak references.
    pub(crate) const UNDEFINED_WEAK: &'static str = "undefined_weak:";
    /// In the place of any undefined function of a signature.
    pub(crate) const UNDEFINED: &'static str = "undefined_stub";

    /// What the names of stubs begin with.
    pub(crate) const PREFIXES: [&'static str; 3] = [
        Self::SIGNATURE_MISMATCH,
        Self::UNDEFINED_WEAK,
        Self::UNDEFINED,
    ];

    /// Whether this is what it is called.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        name.strip_prefix(self.prefix) == Some(self.name)
    }
}

/// Functions the linker writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MadeFunction {
    /// `__wasm_call_ctors`: runs the init functions in order of priority.
    CallCtors,
    /// `__wasm_init_memory`: initialises passive segments, once.
    InitMemory,
    /// `__wasm_init_tls`: sets up a thread's storage.
    InitTls,
    /// `__wasm_apply_data_relocs`
    ApplyDataRelocs,
    /// `__wasm_apply_global_relocs`
    ApplyGlobalRelocs,
    /// `__wasm_apply_tls_relocs`
    ApplyTlsRelocs,
    /// `__wasm_apply_global_tls_relocs`
    ApplyGlobalTlsRelocs,
    /// `__wasm_start`: calls several start functions.
    Start,
}

/// Globals the linker writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MadeGlobal {
    /// `__stack_pointer`
    StackPointer,
    /// `__tls_base`
    TlsBase,
    /// `__tls_size`
    TlsSize,
    /// `__tls_align`
    TlsAlign,
    /// `__memory_base`: 0, where no loader says where data lies.
    MemoryBase,
    /// `__table_base`: the first table slot used, where no loader says where those lie.
    TableBase,
}

/// Addresses the linker knows, of symbols that no object defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MadeAddress {
    /// `__heap_base`: end of data and stack.
    HeapBase,
    /// `__heap_end`: end of the initial memory.
    HeapEnd,
    /// `__data_end`: end of data.
    DataEnd,
    /// `__rodata_start`: start of read-only data, or 0 if there is none.
    RodataStart,
    /// `__rodata_end`: end of read-only data, or 0 if there is none.
    RodataEnd,
    /// `__global_base`: start of data.
    GlobalBase,
    /// `__stack_low`: lowest address of the stack.
    StackLow,
    /// `__stack_high`: where the stack pointer starts.
    StackHigh,
    /// `__wasm_first_page_end`: the size of a page.
    FirstPageEnd,
    /// `__memory_base` as data, where no loader places the module: 0.
    MemoryBase,
    /// `__table_base` as data, where no loader places the module: the first table slot used.
    TableBase,
    /// `__dso_handle`
    DsoHandle,
    /// `__wasm_init_memory_flag`: the guard of `__wasm_init_memory`.
    InitMemoryFlag,
    /// `__start_NAME`: start of the output segment of the symbol's name.
    SegmentStart,
    /// `__stop_NAME`: end of the output segment of the symbol's name.
    SegmentStop,
    /// A weak undefined data symbol: address 0.
    Null,
}

/// Well-known linker-made symbols of a link; `None` where none is needed or an object
/// defines the name.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkerMade {
    /// `__wasm_call_ctors`
    pub call_ctors: Option<SymbolId>,
    /// `__stack_pointer`, or `__init_stack_pointer`
    pub stack_pointer: Option<SymbolId>,
    /// `__indirect_function_table`
    pub indirect_function_table: Option<SymbolId>,
    /// `__tls_base`, or `__init_tls_base`
    pub tls_base: Option<SymbolId>,
    /// `__tls_size`
    pub tls_size: Option<SymbolId>,
    /// `__tls_align`
    pub tls_align: Option<SymbolId>,
    /// `__wasm_set_tls_base`, if the linker calls it
    pub set_tls_base: Option<SymbolId>,
    /// `__wasm_get_tls_base`, if the linker calls it
    pub get_tls_base: Option<SymbolId>,
    /// `__wasm_init_tls`
    pub init_tls: Option<SymbolId>,
    /// `__wasm_init_memory`
    pub init_memory: Option<SymbolId>,
    /// `__memory_base` that a loader provides
    pub memory_base: Option<SymbolId>,
    /// `__table_base` that a loader provides
    pub table_base: Option<SymbolId>,
    /// `__dso_handle`
    pub dso_handle: Option<SymbolId>,
}

impl LinkerMade {
    /// Whether threads take turns.
    pub(crate) fn is_cooperative(&self) -> bool {
        self.set_tls_base.is_some()
    }

    /// The same, where each symbol is what `to` makes of it.
    pub(crate) fn map(self, to: impl Fn(SymbolId) -> SymbolId) -> Self {
        Self {
            call_ctors: self.call_ctors.map(&to),
            stack_pointer: self.stack_pointer.map(&to),
            indirect_function_table: self.indirect_function_table.map(&to),
            tls_base: self.tls_base.map(&to),
            tls_size: self.tls_size.map(&to),
            tls_align: self.tls_align.map(&to),
            set_tls_base: self.set_tls_base.map(&to),
            get_tls_base: self.get_tls_base.map(&to),
            init_tls: self.init_tls.map(&to),
            init_memory: self.init_memory.map(&to),
            memory_base: self.memory_base.map(&to),
            table_base: self.table_base.map(&to),
            dso_handle: self.dso_handle.map(&to),
        }
    }
}

/// A symbol as a relocation names it: one of the whole link, or one of a file's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymbolRef {
    /// A name shared by all files.
    Global(SymbolId),
    /// A symbol local to its file.
    Local(FileId, ObjSymbol),
}

impl<'a> Resolution<'a> {
    /// The symbols that are `wanted`, in the order in which their names were met: of a name with
    /// several signatures the definition has the first one's place. The stubs for calls with the
    /// other signatures are left out.
    pub fn names_in_order(
        &self,
        wanted: impl Fn(SymbolId, &Symbol<'a>) -> bool + Sync + Send,
    ) -> Vec<SymbolId> {
        let is_stub = |symbol: &Symbol<'a>| matches!(symbol.definition, Definition::Stub(_));
        let mut order = self.symbols_where(|id, symbol| !is_stub(symbol) && wanted(id, symbol));
        if self.stubs.is_empty() {
            return order;
        }
        // Who has a place that comes before its own.
        let mut moved = HashMap::default();
        for stub in self.symbols_where(|_, symbol| is_stub(symbol)) {
            let definition = self.names.find(self.symbol(stub).name);
            if let Some(definition) = definition.filter(|&definition| definition > stub) {
                moved.entry(definition).or_insert(stub);
            }
        }
        if !moved.is_empty() {
            order.sort_by_cached_key(|id| *moved.get(id).unwrap_or(id));
        }
        order
    }

    /// Whether the indirect function table has to be the first of all tables.
    pub fn indirect_table_is_first(&self) -> bool {
        self.objects.iter().any(|object| object.calls_table_0)
    }

    /// The object of id `file`.
    #[inline]
    pub fn object(&self, file: FileId) -> &Object<'a> {
        &self.objects[file.index()]
    }

    /// The symbol of id `symbol`.
    #[inline]
    pub fn symbol(&self, symbol: SymbolId) -> &Symbol<'a> {
        &self.symbols[symbol.index()]
    }

    /// What `symbol` of `file` is in the link.
    #[inline]
    pub fn symbol_ref(&self, file: FileId, symbol: ObjSymbol) -> SymbolRef {
        match self.files[file.index()].symbols[symbol.index()] {
            Some(id) => SymbolRef::Global(id),
            None => SymbolRef::Local(file, symbol),
        }
    }

    /// What a symbol means.
    #[inline]
    pub fn definition(&self, symbol: SymbolRef) -> Definition {
        match symbol {
            SymbolRef::Global(id) => self.symbol(id).definition,
            SymbolRef::Local(file, symbol) => Definition::Object { file, symbol },
        }
    }

    /// Whether an object's symbol is what its name means.
    pub(crate) fn is_defined_by(&self, file: FileId, symbol: ObjSymbol) -> bool {
        let meaning = self.definition(self.symbol_ref(file, symbol));
        meaning == Definition::Object { file, symbol }
    }

    /// The object's own entry for a symbol that an object defines.
    #[inline]
    pub fn target(&self, file: FileId, symbol: ObjSymbol) -> ObjTarget {
        self.object(file).symbols.target_of(symbol)
    }

    /// The custom section that a symbol names; `None` if it names none, or one that is not
    /// carried over.
    pub fn section(&self, symbol: SymbolRef) -> Option<(FileId, ObjCustom)> {
        let Definition::Object { file, symbol } = self.definition(symbol) else {
            return None;
        };
        match self.target(file, symbol) {
            ObjTarget::Section(custom) => Some((file, custom?)),
            _ => None,
        }
    }

    /// What kind of thing a symbol names.
    pub fn kind(&self, symbol: SymbolRef) -> SymbolKind {
        match symbol {
            SymbolRef::Global(id) => self.symbol(id).kind,
            SymbolRef::Local(file, symbol) => self.object(file).symbols[symbol.index()].kind(),
        }
    }

    /// The segment that a symbol is a place in.
    pub fn segment(&self, symbol: SymbolRef) -> Option<&Segment<'a>> {
        let Definition::Object { file, symbol } = self.definition(symbol) else {
            return None;
        };
        match self.target(file, symbol) {
            ObjTarget::Data { segment, .. } => Some(&self.object(file).segments[segment.index()]),
            _ => None,
        }
    }

    /// Whether a symbol is thread-local data. Of what no object defines, flags tell.
    pub fn is_thread_local(&self, symbol: SymbolRef) -> bool {
        match (self.definition(symbol), symbol) {
            (Definition::Undefined | Definition::Shared(_), SymbolRef::Global(id)) => {
                let symbol = self.symbol(id);
                symbol.kind == SymbolKind::Data && symbol.tls
            }
            _ => (self.segment(symbol))
                .is_some_and(|segment| segment.flags.contains(SegmentFlags::TLS)),
        }
    }

    /// Whether a symbol is an address that is the same wherever a loader places the data.
    pub fn is_absolute(&self, symbol: SymbolRef) -> bool {
        match self.definition(symbol) {
            Definition::Address(made) => {
                matches!(made, MadeAddress::FirstPageEnd | MadeAddress::Null)
            }
            Definition::Object { file, symbol } => {
                matches!(self.target(file, symbol), ObjTarget::Absolute { .. })
            }
            _ => false,
        }
    }

    /// The name of a symbol.
    pub fn name(&self, symbol: SymbolRef) -> &'a str {
        match symbol {
            SymbolRef::Global(id) => self.symbol(id).name,
            SymbolRef::Local(file, symbol) => self.object(file).symbols[symbol.index()].name,
        }
    }

    /// The symbol of a function that the linker writes, if one stands for it.
    pub(crate) fn symbol_of(&self, made: MadeFunction) -> Option<SymbolId> {
        match made {
            MadeFunction::CallCtors => self.made.call_ctors,
            MadeFunction::InitTls => self.made.init_tls,
            MadeFunction::InitMemory
            | MadeFunction::ApplyDataRelocs
            | MadeFunction::ApplyGlobalRelocs
            | MadeFunction::ApplyTlsRelocs
            | MadeFunction::ApplyGlobalTlsRelocs
            | MadeFunction::Start => None,
        }
    }

    /// Symbols with their ids, in order.
    pub fn symbols(&self) -> impl Iterator<Item = (SymbolId, &Symbol<'a>)> {
        self.symbols
            .iter()
            .enumerate()
            .map(|(i, symbol)| (SymbolId::new(i as u32), symbol))
    }

    /// The symbols that are `wanted`, in order.
    pub fn symbols_where(
        &self,
        wanted: impl Fn(SymbolId, &Symbol<'a>) -> bool + Sync + Send,
    ) -> Vec<SymbolId> {
        par::filter_many(self.symbols.len(), |id| {
            let id = SymbolId::new(id as u32);
            wanted(id, self.symbol(id)).then_some(id)
        })
    }

    /// Objects with their ids, in order.
    pub fn objects(&self) -> impl Iterator<Item = (FileId, &Object<'a>)> {
        self.objects
            .iter()
            .enumerate()
            .map(|(i, object)| (FileId(i as u32), &**object))
    }

    /// What `f` makes of each object, in their order; all threads share them.
    pub fn map_objects<R: Send>(
        &self,
        f: impl Fn(FileId, &Object<'a>) -> R + Sync + Send,
    ) -> Vec<R> {
        par::map_indices(self.objects.len(), |file| {
            f(FileId(file as u32), &self.objects[file])
        })
    }

    fn discarded(&self, file: FileId, comdat: Option<u32>) -> bool {
        comdat.is_some_and(|comdat| self.files[file.index()].comdat_discarded[comdat as usize])
    }

    /// Whether a function belongs to a comdat of which another copy was chosen.
    pub fn function_discarded(&self, file: FileId, function: ObjFunc) -> bool {
        self.discarded(file, self.object(file).functions[function].comdat())
    }

    /// Whether a segment belongs to a comdat of which another copy was chosen.
    pub fn segment_discarded(&self, file: FileId, segment: ObjSegment) -> bool {
        self.discarded(file, self.object(file).segments[segment.index()].comdat)
    }

    /// Whether a custom section belongs to a comdat of which another copy was chosen.
    pub fn custom_discarded(&self, file: FileId, custom: ObjCustom) -> bool {
        self.discarded(file, self.object(file).customs[custom.index()].comdat)
    }
}

impl MadeFunction {
    /// The function's name.
    pub const fn name(self) -> &'static str {
        match self {
            MadeFunction::CallCtors => "__wasm_call_ctors",
            MadeFunction::InitMemory => "__wasm_init_memory",
            MadeFunction::InitTls => "__wasm_init_tls",
            MadeFunction::ApplyDataRelocs => "__wasm_apply_data_relocs",
            MadeFunction::ApplyGlobalRelocs => "__wasm_apply_global_relocs",
            MadeFunction::ApplyTlsRelocs => "__wasm_apply_tls_relocs",
            MadeFunction::ApplyGlobalTlsRelocs => "__wasm_apply_global_tls_relocs",
            MadeFunction::Start => "__wasm_start",
        }
    }
}

impl MadeFunction {
    /// Those that no symbol stands for, in the order of their indices.
    pub(crate) fn without_symbol() -> impl Iterator<Item = Self> {
        [
            Self::ApplyDataRelocs,
            Self::InitMemory,
            Self::ApplyGlobalTlsRelocs,
            Self::ApplyTlsRelocs,
            Self::ApplyGlobalRelocs,
            Self::Start,
        ]
        .into_iter()
    }
}

impl MadeGlobal {
    /// Sorts the linker's globals: those that are always made, then those that exist where something
    /// refers to them, whatever refers to which one first.
    pub(crate) fn order(self, options: &Options) -> u32 {
        match self {
            MadeGlobal::StackPointer => 0,
            MadeGlobal::TlsBase if options.has_threads() => 1,
            MadeGlobal::TlsSize => 2,
            MadeGlobal::TlsAlign => 3,
            MadeGlobal::MemoryBase => 4,
            MadeGlobal::TableBase => 5,
            MadeGlobal::TlsBase => 6,
        }
    }

    /// The global's name. Where threads take turns (`cooperative`), code asks functions for the
    /// context of its thread, and globals hold that of the first one.
    pub const fn name(self, cooperative: bool) -> &'static str {
        match self {
            MadeGlobal::StackPointer if cooperative => "__init_stack_pointer",
            MadeGlobal::StackPointer => "__stack_pointer",
            MadeGlobal::TlsBase if cooperative => "__init_tls_base",
            MadeGlobal::TlsBase => "__tls_base",
            MadeGlobal::TlsSize => "__tls_size",
            MadeGlobal::TlsAlign => "__tls_align",
            MadeGlobal::MemoryBase => "__memory_base",
            MadeGlobal::TableBase => "__table_base",
        }
    }
}
