//! A relocatable object as clang writes it, out of functions, data and custom sections.

use std::ops::Range;

use test_objects::{CustomDef, FunctionDef, ObjectFile, SegmentDef, body_extents, import};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, DataRef, InitFunc, SegmentFlags, SymbolEntry, SymbolFlags,
    SymbolTarget,
};
use wasm_format::producers::{FIELD_LANGUAGE, FIELD_PROCESSED_BY, ProducerValue};
use wasm_format::reloc::RelocEntry;
use wasm_format::target_features::{FeaturePrefix, TargetFeature};
use wasm_format::{
    EntityType, FuncType, GlobalType, Import, Limits, Mutability, RefType, TableType, ValType,
};

use super::code::{Body, Common};
use super::plan::Signature;

/// A data segment, which is one variable.
struct Segment {
    name: String,
    align_log2: u32,
    flags: SegmentFlags,
    bytes: Vec<u8>,
    relocs: Vec<RelocEntry>,
}

/// A symbol, with a name of its own.
struct Symbol {
    name: String,
    flags: SymbolFlags,
    target: SymbolTarget,
}

/// An object while it grows. Functions are announced first, imports before the others: so the
/// code can refer to all.
#[derive(Default)]
pub(super) struct Object {
    imports: Vec<(String, Signature)>,
    /// Those that are defined; without code until they are.
    functions: Vec<FunctionDef>,
    /// The local that holds the stack frame of each, if one does.
    frames: Vec<Option<u32>>,
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
    comdats: Vec<(String, ComdatEntry)>,
    init_funcs: Vec<InitFunc>,
}

/// A function of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct FunctionRef {
    /// Its symbol.
    pub(super) symbol: u32,
    /// Its index among the object's functions, imports first.
    pub(super) index: u32,
    pub(super) signature: Signature,
}

impl Object {
    fn symbol(&mut self, name: String, flags: SymbolFlags, target: SymbolTarget) -> u32 {
        self.symbols.push(Symbol {
            name,
            flags,
            target,
        });
        self.symbols.len() as u32 - 1
    }

    /// The symbols that any code needs.
    pub(super) fn common(&mut self) -> Common {
        Common {
            stack_pointer: self.symbol(
                String::new(),
                SymbolFlags::UNDEFINED,
                SymbolTarget::Global(0),
            ),
            table: self.symbol(
                String::new(),
                SymbolFlags::UNDEFINED | SymbolFlags::NO_STRIP,
                SymbolTarget::Table(0),
            ),
        }
    }

    /// A function of another object; none is defined yet.
    pub(super) fn import(&mut self, name: String, signature: Signature) -> FunctionRef {
        let index = self.imports.len() as u32;
        let symbol = self.symbol(
            String::new(),
            SymbolFlags::UNDEFINED,
            SymbolTarget::Function(index),
        );
        self.imports.push((name, signature));
        FunctionRef {
            symbol,
            index,
            signature,
        }
    }

    /// A function that gets its body later.
    pub(super) fn function(
        &mut self,
        name: String,
        flags: SymbolFlags,
        signature: Signature,
        comdat: bool,
    ) -> FunctionRef {
        let index = (self.imports.len() + self.functions.len()) as u32;
        if comdat {
            let kind = ComdatKind::Function;
            self.comdats
                .push((name.clone(), ComdatEntry { kind, index }));
        }
        self.functions.push(FunctionDef::default());
        self.frames.push(None);
        FunctionRef {
            symbol: self.symbol(name, flags, SymbolTarget::Function(index)),
            index,
            signature,
        }
    }

    /// Gives a function its body.
    pub(super) fn define(&mut self, function: FunctionRef, body: Body) {
        let defined = function.index as usize - self.imports.len();
        self.functions[defined] = body.function;
        self.frames[defined] = body.frame;
    }

    /// Runs a function before the program.
    pub(super) fn init_func(&mut self, function: FunctionRef) {
        self.init_funcs.push(InitFunc {
            priority: 65_535,
            symbol: function.symbol,
        });
    }

    /// A variable in a segment of its own. Returns its symbol.
    pub(super) fn data(
        &mut self,
        name: String,
        flags: SymbolFlags,
        section: &str,
        bytes: Vec<u8>,
        relocs: Vec<RelocEntry>,
        comdat: bool,
    ) -> u32 {
        let index = self.segments.len() as u32;
        let strings = name.starts_with(".L.str");
        self.segments.push(Segment {
            name: format!("{section}.{name}"),
            align_log2: if strings { 0 } else { 2 },
            flags: if strings {
                SegmentFlags::STRINGS
            } else {
                SegmentFlags::NONE
            },
            relocs,
            bytes,
        });
        if comdat {
            let kind = ComdatKind::Data;
            self.comdats
                .push((name.clone(), ComdatEntry { kind, index }));
        }
        let place = DataRef {
            segment: index,
            offset: 0,
            size: self.segments[index as usize].bytes.len() as u64,
        };
        self.symbol(name, flags, SymbolTarget::Data(Some(place)))
    }

    /// The symbol that the next one will be.
    pub(super) fn next_symbol(&self) -> u32 {
        self.symbols.len() as u32
    }

    /// Where in the code section the bodies lie, of all functions that are defined.
    pub(super) fn extents(&self) -> Vec<Range<u32>> {
        body_extents(&self.functions)
    }

    /// The local that holds the stack frame of the `index`th function that is defined.
    pub(super) fn frame(&self, index: usize) -> Option<u32> {
        self.frames[index]
    }

    /// The names that an archive's index lists.
    pub(super) fn defined_names(&self) -> impl Iterator<Item = &str> {
        self.symbols
            .iter()
            .filter(|symbol| {
                let hidden = SymbolFlags::BINDING_LOCAL.0 | SymbolFlags::UNDEFINED.0;
                symbol.flags.0 & hidden == 0
            })
            .map(|symbol| symbol.name.as_str())
    }

    /// The object's bytes. Each of `customs` is given a symbol, in their order, the first of
    /// which is [`Object::next_symbol`].
    pub(super) fn encode(mut self, customs: Vec<CustomDef<'static>>) -> Vec<u8> {
        let value = |name, version| ProducerValue { name, version };
        let feature = |name| TargetFeature {
            prefix: FeaturePrefix::Used,
            name,
        };
        let mut file = ObjectFile {
            types: types(),
            imports: given().to_vec(),
            functions: std::mem::take(&mut self.functions),
            empty_data: true,
            customs,
            init_funcs: std::mem::take(&mut self.init_funcs),
            producers: vec![
                (FIELD_LANGUAGE, value("C_plus_plus_14", "")),
                (FIELD_PROCESSED_BY, value("clang", "19.1.7")),
            ],
            features: vec![
                feature("multivalue"),
                feature("mutable-globals"),
                feature("reference-types"),
                feature("sign-ext"),
            ],
            ..ObjectFile::default()
        };
        for (name, signature) in &self.imports {
            let ty = EntityType::Func(*signature as u32);
            file.imports.push(import(name, ty));
        }
        let mut address = 0_u64;
        for segment in &mut self.segments {
            address = address.next_multiple_of(1 << segment.align_log2);
            let bytes = std::mem::take(&mut segment.bytes);
            let end = address + bytes.len() as u64;
            file.segments.push(SegmentDef {
                name: &segment.name,
                address,
                bytes,
                align_log2: segment.align_log2,
                flags: segment.flags,
                relocs: std::mem::take(&mut segment.relocs),
            });
            address = end;
        }
        for (name, entry) in &self.comdats {
            file.comdats.push((name, 0, vec![*entry]));
        }
        for symbol in &self.symbols {
            file.symbols.push(SymbolEntry {
                flags: symbol.flags,
                name: Some(&symbol.name),
                target: symbol.target,
            });
        }
        for section in (file.first_custom()..).take(file.customs.len()) {
            file.symbols.push(SymbolEntry {
                flags: SymbolFlags::BINDING_LOCAL,
                name: None,
                target: SymbolTarget::Section(section),
            });
        }
        file.build()
    }
}

/// The types of functions, in the order of [`Signature`].
fn types() -> Vec<FuncType> {
    const I32: ValType = ValType::I32;
    const I64: ValType = ValType::I64;
    let types: [(&[ValType], &[ValType]); 7] = [
        (&[], &[]),
        (&[I32], &[]),
        (&[I32], &[I32]),
        (&[I32, I32], &[I32]),
        (&[I32, I32, I32], &[]),
        (&[I32, I64], &[I64]),
        (&[I32, I32], &[]),
    ];
    let ty = |(params, results): (&[ValType], &[ValType])| {
        FuncType::new(params.to_vec(), results.to_vec())
    };
    types.into_iter().map(ty).collect()
}

/// What every object imports.
fn given() -> [Import<'static>; 3] {
    let at_least = |min| Limits {
        min,
        ..Limits::default()
    };
    [
        import("__linear_memory", EntityType::Memory(at_least(1))),
        import(
            "__stack_pointer",
            EntityType::Global(GlobalType {
                value: ValType::I32,
                mutability: Mutability::Var,
            }),
        ),
        import(
            "__indirect_function_table",
            EntityType::Table(TableType {
                element: RefType::FUNCREF,
                limits: at_least(0),
            }),
        ),
    ]
}
