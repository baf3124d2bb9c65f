//! Object files written down by name: what a compiler would have made of a few lines of
//! source. Numbers (of symbols, functions, types, segments) are given out on `build`.

use indexmap::IndexMap;
use wasm_format::leb128::{put_i32, put_u32};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, CommonRef, DataRef, InitFunc, SegmentFlags, SymbolEntry, SymbolFlags,
    SymbolTarget,
};
use wasm_format::producers::ProducerValue;
use wasm_format::reloc::{RelocEntry, RelocType};
use wasm_format::target_features::{FeaturePrefix, TargetFeature};
use wasm_format::{
    ConstExpr, EntityType, Export, ExternalKind, FuncType, Global, GlobalType, Import, Limits,
    Mutability, RefType, Table, TableType, ValType,
};

use crate::object::{CustomDef, FunctionDef, ObjectFile, SegmentDef};

/// `i32`
pub const I32: ValType = ValType::I32;

/// `(params) -> results`, all `i32`.
pub fn sig(params: usize, results: usize) -> FuncType {
    FuncType::new(vec![I32; params], vec![I32; results])
}

/// A source file.
#[derive(Clone, Default)]
pub struct Source {
    symbols: IndexMap<&'static str, Symbol>,
    types: Vec<FuncType>,
    functions: Vec<FunctionDef>,
    globals: Vec<Global<'static>>,
    tables: Vec<Table<'static>>,
    tags: Vec<u32>,
    segments: Vec<SegmentDef<'static>>,
    inits: Vec<(u32, &'static str)>,
    comdats: Vec<(&'static str, Vec<&'static str>)>,
    customs: Vec<CustomDef<'static>>,
    function_names: Vec<(&'static str, &'static str)>,
    exports: Vec<(&'static str, &'static str)>,
    producers: Vec<(&'static str, ProducerValue<'static>)>,
    features: Vec<TargetFeature<'static>>,
    is_64: bool,
}

#[derive(Clone)]
struct Symbol {
    what: What,
    flags: SymbolFlags,
    import: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum What {
    /// Mentioned, and nothing more is known.
    Data,
    /// A function that is not defined, by its type.
    Callee(u32),
    ForeignGlobal(GlobalType),
    ForeignTable(TableType),
    ForeignTag(u32),
    Function(usize),
    Place(DataRef),
    Common(CommonRef),
    Absolute(u64),
    Global(usize),
    Table(usize),
    Tag(usize),
    Section(usize),
}

impl What {
    fn is_undefined(self) -> bool {
        matches!(
            self,
            What::Data
                | What::Callee(_)
                | What::ForeignGlobal(_)
                | What::ForeignTable(_)
                | What::ForeignTag(_)
        )
    }
}

/// The type of `__stack_pointer`.
pub const POINTER: GlobalType = GlobalType {
    value: ValType::I32,
    mutability: Mutability::Var,
};

fn indirect_table(is_64: bool) -> TableType {
    TableType {
        element: RefType::FUNCREF,
        limits: Limits {
            is_64,
            ..Limits::default()
        },
    }
}

impl Source {
    /// An empty source file.
    pub fn new() -> Self {
        Self::default()
    }

    /// One for 64-bit addresses.
    pub fn wasm64() -> Self {
        Self {
            is_64: true,
            ..Self::default()
        }
    }

    fn ty(&mut self, ty: FuncType) -> u32 {
        let known = self.types.iter().position(|known| *known == ty);
        known.unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        }) as u32
    }

    /// The symbol's number; what it is only matters if nothing defined it.
    fn mention(&mut self, name: &'static str, what: What) -> u32 {
        let flags = SymbolFlags::NONE;
        let entry = self.symbols.entry(name);
        let index = entry.index();
        let symbol = entry.or_insert(Symbol {
            what,
            flags,
            import: None,
        });
        if symbol.what == What::Data {
            symbol.what = what;
        }
        index as u32
    }

    fn define(&mut self, name: &'static str, what: What) -> &mut Self {
        let index = self.mention(name, what) as usize;
        let symbol = &mut self.symbols[index];
        assert!(symbol.what.is_undefined() || symbol.what == what, "{name}");
        symbol.what = what;
        self
    }

    /// Adds flags to a symbol that was mentioned.
    pub fn flag(&mut self, name: &'static str, flags: SymbolFlags) -> &mut Self {
        let symbol = self.symbols.get_mut(name).expect("a known name");
        symbol.flags = symbol.flags | flags;
        self
    }

    /// Makes a symbol weak.
    pub fn weak(&mut self, name: &'static str) -> &mut Self {
        self.flag(name, SymbolFlags::BINDING_WEAK)
    }

    /// Makes a symbol local.
    pub fn local(&mut self, name: &'static str) -> &mut Self {
        self.flag(name, SymbolFlags::BINDING_LOCAL)
    }

    /// Makes a symbol hidden.
    pub fn hidden(&mut self, name: &'static str) -> &mut Self {
        self.flag(name, SymbolFlags::VISIBILITY_HIDDEN)
    }

    /// `import_module` and `import_name` of an undefined symbol.
    pub fn import(
        &mut self,
        name: &'static str,
        module: &'static str,
        field: &'static str,
    ) -> &mut Self {
        self.flag(name, SymbolFlags::EXPLICIT_NAME);
        self.symbols[name].import = Some((module, field));
        self
    }

    /// A function that is called here and defined elsewhere.
    pub fn callee(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.ty(ty);
        self.mention(name, What::Callee(ty));
        self
    }

    /// Defines a function.
    pub fn function(
        &mut self,
        name: &'static str,
        ty: FuncType,
        write: impl FnOnce(&mut Body<'_>),
    ) -> &mut Self {
        let ty = self.ty(ty);
        let mut body = Body {
            source: self,
            code: Vec::new(),
            relocs: Vec::new(),
        };
        write(&mut body);
        let (mut code, relocs) = (body.code, body.relocs);
        code.push(0x0b);
        self.functions.push(FunctionDef {
            ty,
            code,
            relocs,
            ..FunctionDef::default()
        });
        let what = What::Function(self.functions.len() - 1);
        self.define(name, what)
    }

    /// Defines a function without parameters that returns a number.
    pub fn constant(&mut self, name: &'static str, value: i32) -> &mut Self {
        self.function(name, sig(0, 1), |body| {
            body.i32(value);
        })
    }

    /// Defines `_start`, which calls functions without parameters and results.
    pub fn start(&mut self, calls: &[&'static str]) -> &mut Self {
        self.function("_start", sig(0, 0), |body| {
            for name in calls {
                body.call(name, sig(0, 0));
            }
        })
    }

    /// A segment of its own, and the symbol of its start.
    pub fn data(
        &mut self,
        name: &'static str,
        segment: &'static str,
        bytes: impl Into<Vec<u8>>,
    ) -> &mut Self {
        let bytes = bytes.into();
        let place = DataRef {
            segment: self.segments.len() as u32,
            offset: 0,
            size: bytes.len() as u64,
        };
        self.segments.push(SegmentDef {
            name: segment,
            bytes,
            ..SegmentDef::default()
        });
        self.define(name, What::Place(place))
    }

    /// The segment added last.
    pub fn segment(&mut self) -> &mut SegmentDef<'static> {
        self.segments.last_mut().expect("a segment")
    }

    /// Aligns the segment added last, to `1 << log2` bytes.
    pub fn align(&mut self, log2: u32) -> &mut Self {
        self.segment().align_log2 = log2;
        self
    }

    /// Sets the flags of the segment added last.
    pub fn segment_flags(&mut self, flags: SegmentFlags) -> &mut Self {
        self.segment().flags = flags;
        self
    }

    /// Makes the segment added last refer to something.
    pub fn points(
        &mut self,
        offset: u32,
        ty: RelocType,
        name: &'static str,
        addend: i64,
    ) -> &mut Self {
        let index = self.target(ty, name);
        self.segment().relocs.push(RelocEntry {
            ty,
            offset,
            index,
            addend,
        });
        self
    }

    fn target(&mut self, ty: RelocType, name: &'static str) -> u32 {
        use RelocType as R;
        let what = match ty {
            R::TableIndexI32 | R::TableIndexI64 | R::TableIndexSleb | R::FunctionIndexI32 => {
                let ty = self.ty(sig(0, 0));
                What::Callee(ty)
            }
            R::GlobalIndexLeb => What::ForeignGlobal(POINTER),
            _ => What::Data,
        };
        self.mention(name, what)
    }

    /// Defines a common symbol: so many bytes, aligned to `1 << align_log2`.
    pub fn common(&mut self, name: &'static str, size: u64, align_log2: u8) -> &mut Self {
        self.define(name, What::Common(CommonRef { size, align_log2 }));
        self.flag(name, SymbolFlags::BINDING_COMMON)
    }

    /// A symbol at another place of a segment that a symbol stands in.
    pub fn place(
        &mut self,
        name: &'static str,
        of: &'static str,
        offset: u64,
        size: u64,
    ) -> &mut Self {
        let What::Place(base) = self.symbols[of].what else {
            panic!("{of} is no place");
        };
        let place = DataRef {
            segment: base.segment,
            offset,
            size,
        };
        self.define(name, What::Place(place))
    }

    /// Defines a data symbol that is a number.
    pub fn absolute(&mut self, name: &'static str, value: u64) -> &mut Self {
        self.define(name, What::Absolute(value));
        self.flag(name, SymbolFlags::ABSOLUTE)
    }

    /// Another name of a definition.
    pub fn alias(&mut self, name: &'static str, of: &'static str) -> &mut Self {
        let what = self.symbols[of].what;
        self.define(name, what)
    }

    /// Defines a global.
    pub fn global(&mut self, name: &'static str, ty: GlobalType, value: i32) -> &mut Self {
        self.globals.push(Global {
            ty,
            init: ConstExpr::i32(value),
        });
        let what = What::Global(self.globals.len() - 1);
        self.define(name, what)
    }

    /// Defines an empty table.
    pub fn table(&mut self, name: &'static str, ty: TableType) -> &mut Self {
        self.tables.push(Table { ty, init: None });
        let what = What::Table(self.tables.len() - 1);
        self.define(name, what)
    }

    /// Defines a tag.
    pub fn tag(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.ty(ty);
        self.tags.push(ty);
        let what = What::Tag(self.tags.len() - 1);
        self.define(name, what)
    }

    /// A custom section, and its section symbol.
    pub fn custom(&mut self, name: &'static str, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.customs.push(CustomDef {
            name,
            bytes: bytes.into(),
            relocs: Vec::new(),
        });
        let what = What::Section(self.customs.len() - 1);
        self.define(name, what);
        self.local(name)
    }

    /// Makes the custom section added last refer to something.
    pub fn describes(
        &mut self,
        offset: u32,
        ty: RelocType,
        name: &'static str,
        addend: i64,
    ) -> &mut Self {
        let index = self.target(ty, name);
        let custom = self.customs.last_mut().expect("a custom section");
        custom.relocs.push(RelocEntry {
            ty,
            offset,
            index,
            addend,
        });
        self
    }

    /// A constructor.
    pub fn init(&mut self, priority: u32, function: &'static str) -> &mut Self {
        self.inits.push((priority, function));
        self
    }

    /// A comdat of the definitions that these symbols name.
    pub fn comdat(&mut self, name: &'static str, members: &[&'static str]) -> &mut Self {
        self.comdats.push((name, members.to_vec()));
        self
    }

    /// `target_features`, each with its prefix: `+atomics`.
    pub fn features(&mut self, features: &[&'static str]) -> &mut Self {
        let features = features.iter().map(|feature| TargetFeature {
            prefix: FeaturePrefix::from_u8(feature.as_bytes()[0]).expect("a prefix"),
            name: &feature[1..],
        });
        self.features.extend(features);
        self
    }

    /// `producers`: field, name, version.
    pub fn producers(
        &mut self,
        fields: &[(&'static str, &'static str, &'static str)],
    ) -> &mut Self {
        let fields = fields.iter();
        self.producers.extend(fields.map(|&(field, name, version)| {
            let value = ProducerValue { name, version };
            (field, value)
        }));
        self
    }

    /// The name of a function in the `name` section.
    pub fn named(&mut self, function: &'static str, name: &'static str) -> &mut Self {
        self.function_names.push((function, name));
        self
    }

    /// The `export_name` of a function.
    pub fn export(&mut self, function: &'static str, name: &'static str) -> &mut Self {
        self.exports.push((function, name));
        self.flag(function, SymbolFlags::EXPORTED)
    }

    /// The object file.
    pub fn build(&self) -> Vec<u8> {
        self.object().build()
    }

    /// The object file, by numbers.
    pub fn object(&self) -> ObjectFile<'static> {
        let mut imports = Vec::new();
        let is_common = |symbol: &Symbol| matches!(symbol.what, What::Common(_));
        if !self.segments.is_empty() || self.symbols.values().any(is_common) {
            imports.push(Import {
                module: "env",
                field: "__linear_memory",
                ty: EntityType::Memory(Limits {
                    is_64: self.is_64,
                    ..Limits::default()
                }),
            });
        }
        // Imports are numbered by kind: functions, globals, tables, tags.
        let mut imported = [0_u32; 4];
        let mut number = |imports: &mut Vec<_>, symbol: &Symbol, name, kind: usize, ty| {
            let (module, field) = symbol.import.unwrap_or(("env", name));
            imports.push(Import { module, field, ty });
            imported[kind] += 1;
            imported[kind] - 1
        };
        let mut numbers = Vec::new();
        for (&name, symbol) in &self.symbols {
            let (kind, ty) = match symbol.what {
                What::Callee(ty) => (0, EntityType::Func(ty)),
                What::ForeignGlobal(ty) => (1, EntityType::Global(ty)),
                What::ForeignTable(ty) => (2, EntityType::Table(ty)),
                What::ForeignTag(ty) => (3, EntityType::Tag(ty)),
                _ => {
                    numbers.push(0);
                    continue;
                }
            };
            numbers.push(number(&mut imports, symbol, name, kind, ty));
        }
        // What stands before the custom sections; the rest refers to them by number.
        let mut object = ObjectFile {
            is_64: self.is_64,
            types: self.types.clone(),
            imports,
            functions: self.functions.clone(),
            tables: self.tables.clone(),
            tags: self.tags.clone(),
            globals: self.globals.clone(),
            segments: self.segments.clone(),
            customs: self.customs.clone(),
            producers: self.producers.clone(),
            features: self.features.clone(),
            ..ObjectFile::default()
        };
        let function_index = |name: &str| match self.symbols[name].what {
            What::Function(i) => imported[0] + i as u32,
            other => panic!("{other:?} is no function"),
        };
        object.exports = (self.exports.iter())
            .map(|&(function, name)| Export {
                name,
                kind: ExternalKind::Func,
                index: function_index(function),
            })
            .collect();
        let section_base = object.first_custom();
        object.symbols = self
            .symbols
            .iter()
            .zip(&numbers)
            .map(|((&name, symbol), &number)| {
                let target = match symbol.what {
                    What::Data => SymbolTarget::Data(None),
                    What::Callee(_) => SymbolTarget::Function(number),
                    What::ForeignGlobal(_) => SymbolTarget::Global(number),
                    What::ForeignTable(_) => SymbolTarget::Table(number),
                    What::ForeignTag(_) => SymbolTarget::Tag(number),
                    What::Function(i) => SymbolTarget::Function(imported[0] + i as u32),
                    What::Global(i) => SymbolTarget::Global(imported[1] + i as u32),
                    What::Table(i) => SymbolTarget::Table(imported[2] + i as u32),
                    What::Tag(i) => SymbolTarget::Tag(imported[3] + i as u32),
                    What::Place(place) => SymbolTarget::Data(Some(place)),
                    What::Common(common) => SymbolTarget::Common(common),
                    What::Absolute(offset) => SymbolTarget::Data(Some(DataRef {
                        segment: 0,
                        offset,
                        size: 0,
                    })),
                    What::Section(i) => SymbolTarget::Section(section_base + i as u32),
                };
                let explicit = symbol.flags.contains(SymbolFlags::EXPLICIT_NAME);
                let undefined = symbol.what.is_undefined();
                let by_import = undefined && !explicit && symbol.what != What::Data;
                let unnamed = by_import || matches!(symbol.what, What::Section(_));
                SymbolEntry {
                    flags: if undefined {
                        symbol.flags | SymbolFlags::UNDEFINED
                    } else {
                        symbol.flags
                    },
                    name: (!unnamed).then_some(name),
                    target,
                }
            })
            .collect();
        let index = |name| self.symbols.get_index_of(name).expect("a known name") as u32;
        let member = |name: &&'static str| match self.symbols[*name].what {
            What::Function(i) => ComdatEntry {
                kind: ComdatKind::Function,
                index: imported[0] + i as u32,
            },
            What::Place(place) => ComdatEntry {
                kind: ComdatKind::Data,
                index: place.segment,
            },
            What::Section(i) => ComdatEntry {
                kind: ComdatKind::Section,
                index: section_base + i as u32,
            },
            other => panic!("{other:?} belongs to no comdat"),
        };
        object.init_funcs = self
            .inits
            .iter()
            .map(|&(priority, name)| InitFunc {
                priority,
                symbol: index(name),
            })
            .collect();
        object.comdats = self
            .comdats
            .iter()
            .map(|(name, members)| (*name, 0, members.iter().map(member).collect()))
            .collect();
        let names = self.function_names.iter();
        let names = names.map(|&(function, name)| (function_index(function), name));
        object.function_names = (!self.function_names.is_empty()).then(|| names.collect());
        object
    }
}

/// A function's body, instruction by instruction.
pub struct Body<'s> {
    source: &'s mut Source,
    code: Vec<u8>,
    relocs: Vec<RelocEntry>,
}

impl Body<'_> {
    /// Instructions as they are.
    pub fn raw(&mut self, code: &[u8]) -> &mut Self {
        self.code.extend_from_slice(code);
        self
    }

    /// An opcode and a relocated operand of five bytes.
    fn relocated(&mut self, opcode: &[u8], ty: RelocType, index: u32, addend: i64) -> &mut Self {
        self.code.extend_from_slice(opcode);
        self.relocs.push(RelocEntry {
            ty,
            offset: self.code.len() as u32,
            index,
            addend,
        });
        self.code.extend([0x80, 0x80, 0x80, 0x80, 0]);
        self
    }

    /// `call`
    pub fn call(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        let index = self.source.mention(name, What::Callee(ty));
        self.relocated(&[0x10], RelocType::FunctionIndexLeb, index, 0)
    }

    /// `call_indirect` through the table of functions.
    pub fn call_indirect(&mut self, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        self.relocated(&[0x11], RelocType::TypeIndexLeb, ty, 0);
        let table = What::ForeignTable(indirect_table(self.source.is_64));
        let table = self.source.mention("__indirect_function_table", table);
        self.relocated(&[], RelocType::TableNumberLeb, table, 0)
    }

    /// `call_indirect` through table 0, as compilers wrote it before tables had symbols.
    pub fn call_table_0(&mut self, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        self.relocated(&[0x11], RelocType::TypeIndexLeb, ty, 0)
            .raw(&[0])
    }

    /// `call_indirect` through a table called `name`.
    pub fn call_own(&mut self, name: &'static str, table: TableType, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        self.relocated(&[0x11], RelocType::TypeIndexLeb, ty, 0);
        let table = self.source.mention(name, What::ForeignTable(table));
        self.relocated(&[], RelocType::TableNumberLeb, table, 0)
    }

    /// The address of a function.
    pub fn pointer(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        let index = self.source.mention(name, What::Callee(ty));
        self.relocated(&[0x41], RelocType::TableIndexSleb, index, 0)
    }

    /// An address of 64 bits, with its relocation.
    fn wide(&mut self, ty: RelocType, index: u32) -> &mut Self {
        self.relocated(&[0x42], ty, index, 0);
        self.raw(&[0x80, 0x80, 0x80, 0x80, 0]);
        let last = self.code.len() - 6;
        self.code[last] = 0x80;
        self
    }

    /// The address of a function, of 64 bits.
    pub fn pointer_64(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        let index = self.source.mention(name, What::Callee(ty));
        self.wide(RelocType::TableIndexSleb64, index)
    }

    /// The address of data, of 64 bits.
    pub fn address_64(&mut self, name: &'static str) -> &mut Self {
        let index = self.source.mention(name, What::Data);
        self.wide(RelocType::MemoryAddrSleb64, index)
    }

    /// The address of data, counted from `__memory_base`.
    pub fn relative_address(&mut self, name: &'static str) -> &mut Self {
        let index = self.source.mention(name, What::Data);
        self.relocated(&[0x41], RelocType::MemoryAddrRelSleb, index, 0)
    }

    /// The address of data.
    pub fn address(&mut self, name: &'static str, addend: i64) -> &mut Self {
        let index = self.source.mention(name, What::Data);
        self.relocated(&[0x41], RelocType::MemoryAddrSleb, index, addend)
    }

    /// `global.get`
    pub fn global(&mut self, name: &'static str, ty: GlobalType) -> &mut Self {
        let index = self.source.mention(name, What::ForeignGlobal(ty));
        self.relocated(&[0x23], RelocType::GlobalIndexLeb, index, 0)
    }

    /// `global.set`
    pub fn set_global(&mut self, name: &'static str, ty: GlobalType) -> &mut Self {
        let index = self.source.mention(name, What::ForeignGlobal(ty));
        self.relocated(&[0x24], RelocType::GlobalIndexLeb, index, 0)
    }

    /// The address of what position-independent code finds through a global.
    pub fn got(&mut self, name: &'static str) -> &mut Self {
        let index = self.source.mention(name, What::Data);
        self.relocated(&[0x23], RelocType::GlobalIndexLeb, index, 0)
    }

    /// The same of a function.
    pub fn got_of_function(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        let index = self.source.mention(name, What::Callee(ty));
        self.relocated(&[0x23], RelocType::GlobalIndexLeb, index, 0)
    }

    /// The slot of a function, counted from the module's first one.
    pub fn slot(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        let index = self.source.mention(name, What::Callee(ty));
        self.relocated(&[0x41], RelocType::TableIndexRelSleb, index, 0)
    }

    /// The offset of thread-local data.
    pub fn tls_offset(&mut self, name: &'static str) -> &mut Self {
        let index = self.source.mention(name, What::Data);
        self.relocated(&[0x41], RelocType::MemoryAddrTlsSleb, index, 0)
    }

    /// `table.size`
    pub fn table_size(&mut self, name: &'static str, ty: TableType) -> &mut Self {
        let index = self.source.mention(name, What::ForeignTable(ty));
        self.relocated(&[0xfc, 0x10], RelocType::TableNumberLeb, index, 0)
    }

    /// `throw`
    pub fn throw(&mut self, name: &'static str, ty: FuncType) -> &mut Self {
        let ty = self.source.ty(ty);
        let index = self.source.mention(name, What::ForeignTag(ty));
        self.relocated(&[0x08], RelocType::TagIndexLeb, index, 0)
    }

    /// `i32.const`
    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.code.push(0x41);
        put_i32(&mut self.code, value);
        self
    }

    /// `local.get`
    pub fn param(&mut self, index: u32) -> &mut Self {
        self.code.push(0x20);
        put_u32(&mut self.code, index);
        self
    }

    /// `i32.load`
    pub fn load(&mut self) -> &mut Self {
        self.raw(&[0x28, 0, 0])
    }

    /// `i32.store`
    pub fn store(&mut self) -> &mut Self {
        self.raw(&[0x36, 0, 0])
    }

    /// `i32.load8_u`
    pub fn load8(&mut self) -> &mut Self {
        self.raw(&[0x2d, 0, 0])
    }

    /// `i32.add`
    pub fn add(&mut self) -> &mut Self {
        self.raw(&[0x6a])
    }

    /// `i32.mul`
    pub fn mul(&mut self) -> &mut Self {
        self.raw(&[0x6c])
    }

    /// `drop`
    pub fn drop(&mut self) -> &mut Self {
        self.raw(&[0x1a])
    }
}
