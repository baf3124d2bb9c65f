//! Random operations on a `Module`, misuse included: stale handles, handles of another module,
//! holes of any kind anywhere, definitions of what was never announced.
//!
//! Whatever is done, nothing panics, and what the engine writes is in order: of a finished
//! module everything but the code, which is its caller's; of an object everything that the
//! linker of this crate wants of one, which makes the same of it as of the module itself.

use std::collections::HashSet;

use link_core::module::{
    Binding, ComdatId, CustomDef, CustomId, DataDef, DataId, ElementDef, ElementId, ElementMode,
    FuncId, FunctionBody, GlobalDef, GlobalId, Handle, ImportName, Init, LocalType, MemoryDef,
    MemoryId, Module, ModuleOptions, OpenOutput, RawType, Signature, SymbolAttributes, TableDef,
    TableId, TagDef, TagId, Target, TypeId, Update, Visibility,
};
use link_core::reloc::Reloc;
use link_core::{FileData, Options as LinkOptions, link};
use link_core::{Input, Inputs};
use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;
use wasm_format::target_features::FeaturePrefix;
use wasm_format::{
    FuncType, GlobalType, HeapType, Limits, Mutability, RefType, TableType, ValType,
};

use super::{Bounded, alone, options, valid_frame};

/// Drives a module as these bytes say. Returns whether a module, an object, and a program
/// linked of it came of it.
pub fn module(bytes: &[u8]) -> [bool; 3] {
    let mut script = Script(bytes);
    let settings = settings(&mut script);
    let link_options = options(u64::from_le_bytes(std::array::from_fn(|_| script.byte())));
    let mut driver = Driver::new(settings);
    while script.0.len() > REPAIRS {
        driver.step(&mut script);
    }
    let before = driver.check(&link_options);
    // Little is complete by chance.
    driver.repair(&mut script);
    let after = driver.check(&link_options);
    std::array::from_fn(|way| before[way] || after[way])
}

/// Bytes that are left to say what is repaired.
const REPAIRS: usize = 16;

/// Bytes that decide what is done; zeros follow them.
struct Script<'b>(&'b [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len())])
    }

    /// One of `from`, which has some.
    fn one<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A number, often one at which something ends.
    fn number(&mut self) -> u64 {
        let end = self.one(&[
            0,
            1 << 16,
            10_000_000,
            u64::from(u32::MAX),
            1 << 37,
            1 << 48,
            u64::MAX,
        ]);
        match self.below(4) {
            0 => end.saturating_add(1),
            1 => end.saturating_sub(1),
            2 => end,
            _ => self.byte().into(),
        }
    }

    fn name(&mut self) -> &'static str {
        self.one(&[
            "a",
            "b",
            "c",
            "d",
            "e",
            "f",
            "g",
            "h",
            "é",
            "__stack_pointer",
            "__tls_base",
            "__indirect_function_table",
            "__linear_memory",
            "memory",
            "__heap_base",
            "_start",
        ])
    }

    fn value_type(&mut self) -> ValType {
        let reference = |nullable, heap| ValType::Ref(RefType { nullable, heap });
        self.one(&[
            ValType::I32,
            ValType::I64,
            ValType::F32,
            ValType::F64,
            ValType::V128,
            ValType::FUNCREF,
            ValType::EXTERNREF,
            reference(true, HeapType::NoFunc),
            reference(false, HeapType::Func),
            reference(true, HeapType::I31),
            reference(true, HeapType::Concrete(0)),
        ])
    }

    fn global_type(&mut self) -> GlobalType {
        let mutability = self.one(&[Mutability::Const, Mutability::Var]);
        let value = self.value_type();
        GlobalType { value, mutability }
    }

    fn func_type(&mut self) -> FuncType {
        let count = self.one(&[0, 0, 0, 0, 1, 2, 1000, 1001]);
        let params = vec![self.one(&[ValType::I32, ValType::I64]); count];
        let count = self.one(&[0, 0, 0, 1, 2, 1001]);
        FuncType::new(params, vec![self.value_type(); count])
    }

    fn limits(&mut self) -> Limits {
        Limits {
            min: self.number(),
            max: self.bit().then(|| self.number()),
            shared: self.below(4) == 0,
            is_64: self.bit(),
            page_size_log2: match self.below(6) {
                0 => Some(0),
                1 => Some(16),
                2 => Some(self.byte().into()),
                _ => None,
            },
        }
    }

    fn reloc_type(&mut self) -> RelocType {
        self.one(RelocType::ALL)
    }
}

fn settings(script: &mut Script<'_>) -> ModuleOptions {
    let mut options = ModuleOptions::default();
    options.memory64 = script.bit();
    options.data_base = script.one(&[1024, 1024, 1024, 1, 0, 1 << 20, u64::MAX]);
    options.stack_size = script.one(&[None, Some(0), Some(1000), Some(1 << 20), Some(u64::MAX)]);
    options.names = script.bit();
    options
}

/// Everything that was ever announced, freed or not, of this module and of another.
#[derive(Default)]
struct Known {
    functions: Vec<FuncId>,
    data: Vec<DataId>,
    globals: Vec<GlobalId>,
    tables: Vec<TableId>,
    memories: Vec<MemoryId>,
    tags: Vec<TagId>,
    customs: Vec<CustomId>,
    elements: Vec<ElementId>,
    types: Vec<TypeId>,
    /// These are no function types.
    raw_types: Vec<TypeId>,
    comdats: Vec<ComdatId>,
}

struct Driver {
    module: Module,
    output: OpenOutput,
    known: Known,
    /// What has a definition, or had one when it was freed.
    defined: HashSet<Target>,
}

/// Sets what an import is called, or what a declaration is to a linker.
fn set_symbol(
    module: &mut Module,
    handle: impl Handle,
    import: Option<ImportName>,
    symbol: SymbolAttributes,
) {
    let _ = match import {
        Some(import) => module.set_import(handle, import),
        None => module.set_symbol(handle, symbol),
    };
    let _ = module.symbol(handle);
}

/// Does `$what` with `$handle` being one of any kind.
macro_rules! with_any {
    ($self:ident, $script:ident, $handle:ident => $what:expr) => {{
        let known = &$self.known;
        match $script.below(8) {
            0 | 1 => $script.pick(&known.functions).map(|$handle| $what),
            2 => $script.pick(&known.data).map(|$handle| $what),
            3 => $script.pick(&known.globals).map(|$handle| $what),
            4 => $script.pick(&known.tables).map(|$handle| $what),
            5 => $script.pick(&known.memories).map(|$handle| $what),
            6 => $script.pick(&known.tags).map(|$handle| $what),
            _ => $script.pick(&known.customs).map(|$handle| $what),
        }
    }};
}

impl Driver {
    fn new(options: ModuleOptions) -> Self {
        let mut known = Known::default();
        // The first handles are of another module, whose tables are longer for a while.
        let mut other = Module::default();
        for name in ["a", "b", "c"] {
            known.functions.extend(other.announce_function(name));
            known
                .data
                .extend(other.announce_data(format!("{name}.data")));
            known
                .globals
                .extend(other.announce_global(format!("{name}.global")));
            known
                .tables
                .extend(other.announce_table(format!("{name}.table")));
            known.tags.extend(other.announce_tag(format!("{name}.tag")));
            known.customs.extend(other.announce_custom_section(name));
            known.comdats.push(other.comdat(name));
        }
        for &data in &known.data {
            let _ = other.use_offset_slot(data);
        }
        Self {
            module: Module::new(options),
            output: OpenOutput::in_memory(),
            known,
            defined: HashSet::new(),
        }
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.below(29) {
            0..=3 => self.announce(script),
            4..=7 => self.update_function(script),
            8..=10 => self.update_data(script),
            11..=12 => self.update_global(script),
            13 => self.update_table(script),
            14 => self.update_memory(script),
            15 => self.update_tag(script),
            16 => self.update_custom(script),
            17 => {
                let (module, defined) = (&mut self.module, &mut self.defined);
                let _ = with_any!(self, script, handle => {
                    defined.remove(&Target::from(handle));
                    module.fail(handle, "broken").is_ok()
                });
            }
            18 => {
                let module = &mut self.module;
                let _ = with_any!(self, script, handle => module.free(handle).is_ok());
            }
            19 | 20 => self.export(script),
            21 => self.symbol(script),
            22 => {
                if let Some(data) = script.pick(&self.known.data) {
                    let _ = self.module.use_offset_slot(data);
                    let _ = self.module.passive_index(data);
                }
            }
            23 => self.element(script),
            24 => self.start(script),
            25 => self.builtin(script),
            26 => self.types(script),
            27 => self.flush_open(),
            _ => self.about(script),
        }
    }

    fn update<H: Update>(&mut self, handle: H, definition: H::Definition) {
        if self.module.update(handle, definition).is_ok() {
            self.defined.insert(handle.into());
        }
    }

    fn announce(&mut self, script: &mut Script<'_>) {
        let name = script.name();
        let (module, known) = (&mut self.module, &mut self.known);
        match script.below(14) {
            0 | 1 => known.functions.extend(module.announce_function(name)),
            2 => known
                .functions
                .extend(module.announce_imported_function(name)),
            3 | 4 => known.data.extend(module.announce_data(name)),
            5 => known.data.extend(module.announce_imported_data(name)),
            6 => known.globals.extend(module.announce_global(name)),
            7 => known.globals.extend(module.announce_imported_global(name)),
            8 => known.tables.extend(module.announce_table(name)),
            9 => known.tables.extend(module.announce_imported_table(name)),
            10 => known.memories.extend(if script.bit() {
                module.announce_memory(name)
            } else {
                module.announce_imported_memory(name)
            }),
            11 => known.tags.extend(module.announce_tag(name)),
            12 => known.tags.extend(module.announce_imported_tag(name)),
            _ => {
                let name = script.one(&[
                    name,
                    ".debug_info",
                    "linking",
                    "name",
                    "producers",
                    "target_features",
                    "dylink.0",
                    "reloc.CODE",
                ]);
                known.customs.extend(module.announce_custom_section(name));
            }
        }
    }

    fn target(&self, script: &mut Script<'_>) -> Option<Target> {
        match script.below(4) {
            0 => script.pick(&self.known.data).map(Target::slot_of),
            1 => script.pick(&self.known.types).map(Target::from),
            2 => script.pick(&self.known.raw_types).map(Target::from),
            _ => with_any!(self, script, handle => Target::from(handle)),
        }
    }

    /// A target, and a type that fits it unless chance has it.
    fn reference(&self, script: &mut Script<'_>) -> Option<(RelocType, Target)> {
        use RelocType as R;
        if script.below(4) == 0 {
            return Some((script.reloc_type(), self.target(script)?));
        }
        let target = self.target(script)?;
        let wide = self.module.options().memory64;
        let fitting: &[RelocType] = match target.kind().name() {
            "function" if wide => &[R::FunctionIndexLeb, R::TableIndexSleb64, R::TableIndexI64],
            "function" => &[R::FunctionIndexLeb, R::TableIndexSleb, R::TableIndexI32],
            "global" => &[R::GlobalIndexLeb, R::GlobalIndexI32],
            "table" => &[R::TableNumberLeb],
            "tag" => &[R::TagIndexLeb],
            "type" => &[R::TypeIndexLeb],
            "custom section" => &[R::SectionOffsetI32],
            _ if wide => &[R::MemoryAddrSleb64, R::MemoryAddrLeb64, R::MemoryAddrI64],
            _ => &[R::MemoryAddrSleb, R::MemoryAddrLeb, R::MemoryAddrI32],
        };
        Some((script.one(fitting), target))
    }

    fn addend(script: &mut Script<'_>) -> i64 {
        match script.below(8) {
            0 => script.number() as i64,
            1 => -(i64::from(script.byte())),
            2 => i64::from(script.byte()),
            _ => 0,
        }
    }

    fn signature(&self, script: &mut Script<'_>) -> Signature {
        match script.pick(&self.known.types).filter(|_| script.bit()) {
            Some(known) => known.into(),
            None => script.func_type().into(),
        }
    }

    fn update_function(&mut self, script: &mut Script<'_>) {
        let Some(function) = script.pick(&self.known.functions) else {
            return;
        };
        let mut body = FunctionBody::new(self.signature(script));
        if script.bit() {
            // An import has nothing else.
            self.update(function, body);
            return;
        }
        for _ in 0..script.below(3) {
            let count = script.one(&[0, 1, 3, 49_999, u32::MAX]);
            match script.pick(&self.known.raw_types).filter(|_| script.bit()) {
                Some(ty) => body.locals(count, LocalType::Ref { nullable: true, ty }),
                None => body.locals(count, script.value_type()),
            };
            if script.below(4) == 0 {
                body.name_local(script.byte().into(), script.name());
            }
        }
        body.code(&[0x00]);
        for _ in 0..script.below(5) {
            if script.below(6) == 0 {
                body.code(&[0x41]).type_index(self.signature(script));
            } else if let Some((ty, target)) = self.reference(script) {
                body.code(&[0x41]).hole(ty, target, Self::addend(script));
            }
        }
        if script.below(16) != 0 {
            body.end();
        }
        self.update(function, body);
    }

    fn update_data(&mut self, script: &mut Script<'_>) {
        let Some(data) = script.pick(&self.known.data) else {
            return;
        };
        let size = script.below(48);
        let mut def = match script.below(8) {
            0 => DataDef::fixed(b"constant"),
            1 => DataDef::shared(vec![7; size].into()),
            // Nothing between, which would be written for an object.
            2 | 3 => DataDef::zeroed(script.one(&[0, 1, 8, 4096, 1 << 32, 1 << 40, u64::MAX])),
            _ => DataDef::copied(vec![0; size]),
        };
        let align = script.one(&[1, 1, 2, 4, 8, 16, 3, 0, 1 << 31, 1 << 32]);
        def = def.align(align);
        if script.below(4) == 0 {
            def = def.segment(script.one(&[".rodata", ".tdata.x", ".init_array", ""]));
        }
        def = def.flags(script.one(&[
            SegmentFlags::NONE,
            SegmentFlags::NONE,
            SegmentFlags::TLS,
            SegmentFlags::STRINGS,
            SegmentFlags::RETAIN,
        ]));
        if script.below(6) == 0 {
            def = def.passive();
        }
        let mut offset = 0;
        for _ in 0..script.below(4) {
            if let Some((ty, target)) = self.reference(script) {
                let at = if script.below(8) == 0 {
                    script.byte().into()
                } else {
                    offset
                };
                def.hole(at, ty, target, Self::addend(script));
                offset += 10;
            }
        }
        self.update(data, def);
    }

    fn init(&self, script: &mut Script<'_>) -> Option<Init> {
        let known = &self.known;
        Some(match script.below(12) {
            0 => Init::i32(script.number() as i32),
            1 => Init::i64(script.number() as i64),
            2 => Init::f32(1.0),
            3 => Init::f64(1.0),
            4 => Init::ref_null(script.one(&[
                HeapType::Func,
                HeapType::Extern,
                HeapType::None,
                HeapType::Concrete(0),
            ])),
            5 => Init::ref_func(script.pick(&known.functions)?),
            6 | 7 => Init::global_get(script.pick(&known.globals)?),
            8 => Init::address(script.pick(&known.data)?, Self::addend(script)),
            9 => Init::address64(script.pick(&known.data)?, Self::addend(script)),
            10 => {
                let bytes: Vec<u8> = (0..script.below(12)).map(|_| script.byte()).collect();
                Init::encoded(&bytes, [])
            }
            _ => {
                let (ty, target) = self.reference(script)?;
                let opcode = script.one(&[0x23, 0xd2, 0xd0, 0x41, 0x42, 0x44]);
                let bytes = [opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b];
                let width = ty.form().width();
                let offset = script.one(&[1, 1, 1, 0, 2]);
                let addend = Self::addend(script);
                let hole = Reloc {
                    offset,
                    ty,
                    target,
                    addend,
                };
                let bytes = [&bytes[..=width], &[0x0b]].concat();
                Init::encoded(&bytes, [hole])
            }
        })
    }

    fn update_global(&mut self, script: &mut Script<'_>) {
        let Some(global) = script.pick(&self.known.globals) else {
            return;
        };
        let ty = script.global_type();
        let init = if script.below(4) == 0 {
            None
        } else {
            self.init(script)
        };
        self.update(global, GlobalDef { ty, init });
    }

    fn update_table(&mut self, script: &mut Script<'_>) {
        if let Some(table) = script.pick(&self.known.tables) {
            let element = match script.value_type() {
                ValType::Ref(element) => element,
                _ => RefType::FUNCREF,
            };
            let limits = script.limits();
            let ty = TableType { element, limits };
            self.update(table, TableDef { ty });
        }
    }

    fn update_memory(&mut self, script: &mut Script<'_>) {
        if let Some(memory) = script.pick(&self.known.memories) {
            let limits = script.limits();
            self.update(memory, MemoryDef { limits });
        }
    }

    fn update_tag(&mut self, script: &mut Script<'_>) {
        if let Some(tag) = script.pick(&self.known.tags) {
            let ty = self.signature(script);
            self.update(tag, TagDef { ty });
        }
    }

    fn update_custom(&mut self, script: &mut Script<'_>) {
        let Some(custom) = script.pick(&self.known.customs) else {
            return;
        };
        let bytes = vec![0; script.below(40)];
        let mut holes = Vec::new();
        for offset in (0..script.below(4) as u32).map(|nth| nth * 10) {
            if let Some((ty, target)) = self.reference(script) {
                let addend = Self::addend(script);
                holes.push(Reloc {
                    offset,
                    ty,
                    target,
                    addend,
                });
            }
        }
        self.update(custom, CustomDef { bytes, holes });
    }

    fn export(&mut self, script: &mut Script<'_>) {
        let names: Vec<_> = (0..script.below(3))
            .map(|_| {
                if script.below(8) == 0 {
                    ""
                } else {
                    script.name()
                }
            })
            .collect();
        let module = &mut self.module;
        let _ = with_any!(self, script, handle => module.set_exports(handle, names).is_ok());
    }

    fn symbol(&mut self, script: &mut Script<'_>) {
        let import = ImportName {
            module: script.bit().then(|| script.name().into()),
            name: script.bit().then(|| script.name().into()),
        };
        let symbol = SymbolAttributes {
            binding: script.one(&[Binding::Global, Binding::Weak, Binding::Local]),
            visibility: script.one(&[Visibility::Default, Visibility::Hidden]),
            no_strip: script.bit(),
            comdat: script.pick(&self.known.comdats).filter(|_| script.bit()),
        };
        let is_import = script.bit();
        let import = is_import.then_some(import);
        let module = &mut self.module;
        with_any!(self, script, handle => set_symbol(module, handle, import, symbol));
    }

    fn element(&mut self, script: &mut Script<'_>) {
        if script.below(4) == 0 {
            if let Some(element) = script.pick(&self.known.elements) {
                let _ = self.module.remove_element(element);
            }
            return;
        }
        let table = script.pick(&self.known.tables);
        let mode = match (script.below(3), table) {
            (0, Some(table)) => ElementMode::Active {
                table,
                offset: script.number(),
            },
            (1, _) => ElementMode::Declared,
            _ => ElementMode::Passive,
        };
        let functions = &self.known.functions;
        let functions = (0..script.below(4)).filter_map(|_| script.pick(functions));
        let functions = functions.collect();
        let added = self.module.add_element(ElementDef { mode, functions });
        self.known.elements.extend(added);
    }

    fn start(&mut self, script: &mut Script<'_>) {
        let functions = &self.known.functions;
        let start = script.pick(functions).filter(|_| script.bit());
        let _ = self.module.set_start(start);
        let list = (0..script.below(3)).filter_map(|_| {
            let function = script.pick(functions)?;
            Some((function, script.number() as u32))
        });
        let list: Vec<_> = list.collect();
        let _ = self.module.set_init_functions(list);
    }

    fn builtin(&mut self, script: &mut Script<'_>) {
        let (module, known) = (&mut self.module, &mut self.known);
        match script.below(3) {
            0 => known.globals.extend(module.stack_pointer()),
            1 => known.globals.extend(module.tls_base()),
            _ => known.tables.extend(module.function_table()),
        }
    }

    fn types(&mut self, script: &mut Script<'_>) {
        let (module, known) = (&mut self.module, &mut self.known);
        if script.bit() {
            known.types.extend(module.func_type(&script.func_type()));
            return;
        }
        // That these bytes are a type the engine takes on trust; what its holes are it does
        // not.
        let other = script.pick(&known.raw_types).filter(|_| script.bit());
        let offset = script.one(&[3, 3, 3, 3, 9, 0xffff]);
        let raw = module.raw_types(|[own]| RawType {
            // (struct (field (ref null $other)))
            bytes: vec![0x5f, 1, 0x63, 0x80, 0x80, 0x80, 0x80, 0, 0],
            holes: vec![(offset, other.unwrap_or(own))],
        });
        if let Ok([ty]) = raw {
            known.raw_types.push(ty);
        }
    }

    fn about(&mut self, script: &mut Script<'_>) {
        let module = &mut self.module;
        match script.below(4) {
            0 => module.set_name(script.name()),
            1 => module.set_producer("language", script.name(), "1"),
            2 => module.set_target_features([
                (FeaturePrefix::Used, script.name()),
                (FeaturePrefix::Disallowed, "atomics"),
            ]),
            _ => self.known.comdats.push(module.comdat(script.name())),
        }
    }

    /// Defines most of what is not defined, and some of what is, and undoes what seldom goes
    /// well.
    fn repair(&mut self, script: &mut Script<'_>) {
        let again = script.below(4) == 0;
        let spared = script.byte();
        let defined = self.defined.clone();
        let mut nth = 0_u8;
        let mut is_broken = |handle: Target| {
            nth = nth.wrapping_add(37);
            (again || !defined.contains(&handle)) && nth != spared
        };
        for id in self.known.functions.clone() {
            if is_broken(id.into()) {
                let mut body = FunctionBody::new(FuncType::default());
                self.update(id, body.clone());
                body.end();
                self.update(id, body);
            }
        }
        // An entry of the offset table can do without its datum.
        let data = script.below(4) != 0;
        for id in self.known.data.clone() {
            if is_broken(id.into()) && data {
                self.update(id, DataDef::fixed(b"data"));
            }
        }
        for id in self.known.globals.clone() {
            if is_broken(id.into()) {
                let ty = GlobalType {
                    value: ValType::I32,
                    mutability: Mutability::Const,
                };
                self.update(id, GlobalDef { ty, init: None });
                let init = Some(Init::i32(1));
                self.update(id, GlobalDef { ty, init });
            }
        }
        for id in self.known.tables.clone() {
            if is_broken(id.into()) {
                let ty = TableType {
                    element: RefType::FUNCREF,
                    limits: Limits::default(),
                };
                self.update(id, TableDef { ty });
            }
        }
        for id in self.known.memories.clone() {
            if is_broken(id.into()) {
                self.update(id, MemoryDef::default());
            }
        }
        for id in self.known.tags.clone() {
            if is_broken(id.into()) {
                let ty = FuncType::new([ValType::I32], []).into();
                self.update(id, TagDef { ty });
            }
        }
        for id in self.known.customs.clone() {
            if is_broken(id.into()) {
                self.update(id, CustomDef::default());
            }
        }
        if script.below(4) != 0 {
            let _ = self.module.set_start(None);
            let _ = self.module.set_init_functions([]);
        }
        if script.below(4) != 0 {
            for element in self.known.elements.drain(..) {
                let _ = self.module.remove_element(element);
            }
        }
    }

    /// Writes the module in every way.
    /// Flushes into the output that stays open: what changed is told, and nothing changes
    /// unless a full flush succeeds.
    fn flush_open(&mut self) {
        let full = self.module.flush();
        let mut copy = self.output.bytes().to_vec();
        let changed = self.module.flush_open(&mut self.output);
        let changed = changed.map(|map| map.changed().to_vec());
        assert_eq!(
            full.as_ref().err().map(ToString::to_string),
            changed.as_ref().err().map(ToString::to_string)
        );
        let bytes = self.output.bytes();
        if let Ok(changed) = changed {
            valid_frame(bytes);
            copy.resize(bytes.len(), 0);
            for range in changed {
                copy[range.clone()].copy_from_slice(&bytes[range]);
            }
            for &function in &self.known.functions {
                let _ = self.output.map().get(function);
            }
        }
        assert!(copy == bytes);
    }

    fn check(&mut self, link_options: &LinkOptions) -> [bool; 3] {
        self.flush_open();
        let module = &self.module;
        let flushed = module.flush();
        if let Ok(flushed) = &flushed {
            valid_frame(&flushed.bytes);
            let again = module.flush().map(|again| again.bytes);
            assert!(again.is_ok_and(|again| again == flushed.bytes));
            for &function in &self.known.functions {
                let _ = flushed.map.get(function);
            }
        }
        let mut before = b"before".to_vec();
        let written = module.write_object_into(&mut before);
        assert!(before.starts_with(b"before") && (written.is_ok() || before.len() == 6));
        let object = before.split_off(6);
        let generated = module.link_input();
        let Ok(generated) = generated else {
            assert!(written.is_err(), "an object says what cannot be linked");
            return [flushed.is_ok(), false, false];
        };
        if written.is_err() {
            // Only its size can be what is wrong with it.
            return [flushed.is_ok(), false, false];
        }
        valid_frame(&object);
        let [direct, from_object] = [
            Input::object(generated.object("generated.o")),
            Input::bytes("generated.o", FileData::new(object)),
        ]
        .map(|input| {
            let inputs = Inputs {
                inputs: vec![input],
                ..Inputs::default()
            };
            let mut sink = Bounded::default();
            match link(inputs, link_options, &alone(), &mut sink) {
                Ok(_) => {
                    valid_frame(&sink.0);
                    Ok(sink.0)
                }
                Err(error) => Err(error.to_string()),
            }
        });
        assert_eq!(direct, from_object);
        [flushed.is_ok(), true, direct.is_ok()]
    }
}
