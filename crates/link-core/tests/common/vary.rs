//! Object files and archives that are changed by what they mean, not by their bytes: a symbol's
//! kind, a relocation's target, a segment's flags, an entry of an index. What comes out is an
//! object file that a tool could have written, right or wrong.

use wasm_format::linking::{
    ComdatEntry, ComdatKind, DataRef, InitFunc, SegmentFlags, SymbolEntry, SymbolFlags,
    SymbolTarget,
};
use wasm_format::reloc::{RelocEntry, RelocTarget, RelocType, ValueForm};
use wasm_format::target_features::{
    FeaturePrefix, TARGET_FEATURES_SECTION, TargetFeature, put_target_features,
};
use wasm_format::{
    ConstExpr, ConstOp, EntityType, Export, ExternalKind, FuncType, Global, GlobalType, Import,
    Limits, Mutability, RefType, Table, TableType, ValType,
};

use super::{CustomDef, ObjectFile, Random};

/// Names of the objects, names that might be, and names of what the linker makes.
const NAMES: &[&str] = &[
    "main",
    "f",
    "callee",
    "text",
    "_start",
    "counter",
    "table",
    "exception",
    "imported",
    "memory",
    "_ZN1a1bEv",
    "other",
    "__wrap_f",
    "__real_f",
    "__heap_base",
    "__data_end",
    "__stack_pointer",
    "__memory_base",
    "__table_base",
    "__tls_base",
    "__tls_size",
    "__dso_handle",
    "__indirect_function_table",
    "__wasm_call_ctors",
    "__wasm_call_dtors",
    "__wasm_init_memory",
    "__start_named",
    "__stop_named",
    "",
    "ü",
];

const SEGMENT_NAMES: &[&str] = &[
    ".data.x",
    ".bss.x",
    ".rodata.str",
    ".tdata.x",
    ".tbss.x",
    ".text",
    "named",
    ".init_array",
    "",
];

const CUSTOM_NAMES: &[&str] = &[
    ".debug_info",
    ".debug_str",
    ".debug_line",
    "mine",
    "metadata.code.branch_hint",
    "__llvm_covmap",
    "producers",
    "target_features",
    "dylink.0",
    "",
];

const FEATURES: &[&str] = &[
    "atomics",
    "bulk-memory",
    "mutable-globals",
    "shared-mem",
    "memory64",
    "extended-const",
    "reference-types",
    "call-indirect-overlong",
    "of-nobody",
];

const FLAGS: &[SymbolFlags] = &[
    SymbolFlags::BINDING_WEAK,
    SymbolFlags::BINDING_LOCAL,
    SymbolFlags::VISIBILITY_HIDDEN,
    SymbolFlags::UNDEFINED,
    SymbolFlags::EXPORTED,
    SymbolFlags::EXPLICIT_NAME,
    SymbolFlags::NO_STRIP,
    SymbolFlags::TLS,
    SymbolFlags::ABSOLUTE,
];

const ADDENDS: &[i64] = &[
    0,
    1,
    -1,
    7,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
];

/// A name that something has or might have.
pub fn name(random: &mut Random) -> &'static str {
    random.of(NAMES)
}

/// An index of a list of `count`, seldom one beyond it.
fn index(random: &mut Random, count: usize) -> u32 {
    let beyond = usize::from(random.one_in(8));
    random.below(count.max(1) + beyond) as u32
}

fn global_type(random: &mut Random) -> GlobalType {
    GlobalType {
        value: random.of(&[ValType::I32, ValType::I64, ValType::F64, ValType::FUNCREF]),
        mutability: random.of(&[Mutability::Const, Mutability::Var]),
    }
}

fn table_type(random: &mut Random) -> TableType {
    TableType {
        element: random.of(&[RefType::FUNCREF, RefType::EXTERNREF]),
        limits: Limits {
            min: random.of(&[0, 1, 100]),
            max: random.of(&[None, Some(0), Some(200)]),
            is_64: random.one_in(6),
            ..Limits::default()
        },
    }
}

fn target(random: &mut Random, object: &ObjectFile<'static>) -> SymbolTarget {
    let functions = object.functions.len() + object.imports.len();
    match random.below(7) {
        0 => SymbolTarget::Function(index(random, functions)),
        1 => SymbolTarget::Global(index(random, object.globals.len() + 1)),
        2 => SymbolTarget::Table(index(random, object.tables.len() + 1)),
        3 => SymbolTarget::Tag(index(random, object.tags.len())),
        4 => SymbolTarget::Section(index(random, 12)),
        5 => SymbolTarget::Data(None),
        _ => SymbolTarget::Data(Some(DataRef {
            segment: index(random, object.segments.len()),
            offset: random.of(&[0, 1, 4, 8, 1 << 31, u64::MAX]),
            size: random.of(&[0, 1, 4, 1 << 32]),
        })),
    }
}

/// The relocations of a function, a segment or a custom section, and the size of what they patch.
fn relocs<'o>(
    object: &'o mut ObjectFile<'static>,
    random: &mut Random,
) -> Option<(usize, &'o mut Vec<RelocEntry>)> {
    Some(match random.below(4) {
        0 | 1 => {
            let function = object.functions.get_mut(random.below(4))?;
            (function.code.len(), &mut function.relocs)
        }
        2 => {
            let segment = object.segments.get_mut(random.below(4))?;
            (segment.bytes.len(), &mut segment.relocs)
        }
        _ => {
            let custom = object.customs.get_mut(random.below(4))?;
            (custom.bytes.len(), &mut custom.relocs)
        }
    })
}

/// Changes one thing of an object.
pub fn object(object: &mut ObjectFile<'static>, random: &mut Random) {
    match random.below(9) {
        0..3 => symbol(object, random),
        3..5 => reloc(object, random),
        5 => segment(object, random),
        6 => entity(object, random),
        7 => group(object, random),
        _ => section(object, random),
    }
}

fn symbol(object: &mut ObjectFile<'static>, random: &mut Random) {
    let Some(at) = random.place(&object.symbols) else {
        return;
    };
    match random.below(10) {
        0..4 => {
            let flag = random.of(FLAGS);
            let flags = &mut object.symbols[at].flags;
            *flags = if flags.contains(flag) {
                flags.without(flag)
            } else {
                *flags | flag
            };
        }
        4 => {
            let target = target(random, object);
            object.symbols[at].target = target;
        }
        // The same kind, another one of them.
        5 => match &mut object.symbols[at].target {
            SymbolTarget::Function(index)
            | SymbolTarget::Global(index)
            | SymbolTarget::Table(index)
            | SymbolTarget::Tag(index)
            | SymbolTarget::Section(index) => *index = random.below(6) as u32,
            SymbolTarget::Data(Some(place)) => match random.below(3) {
                0 => place.segment = random.below(4) as u32,
                1 => place.offset = random.of(&[0, 3, 8, 9, 1 << 32]),
                _ => place.size = random.of(&[0, 2, 100]),
            },
            place => {
                *place = SymbolTarget::Data(Some(DataRef {
                    segment: 0,
                    offset: 0,
                    size: 0,
                }));
            }
        },
        6 => object.symbols[at].name = random.one_in(6).then(|| name(random)).or(Some("f")),
        7 => object.symbols[at].name = Some(name(random)),
        8 => {
            let other = random.below(object.symbols.len());
            object.symbols.swap(at, other);
        }
        _ => {
            let entry = SymbolEntry {
                name: Some(name(random)),
                ..object.symbols[at]
            };
            object.symbols.push(entry);
        }
    }
}

fn reloc(object: &mut ObjectFile<'static>, random: &mut Random) {
    let (symbols, types) = (object.symbols.len(), object.types.len());
    let Some((len, entries)) = relocs(object, random) else {
        return;
    };
    let Some(at) = random.place(entries) else {
        return;
    };
    let entry = &mut entries[at];
    match random.below(6) {
        0 => entry.ty = random.of(RelocType::ALL),
        // Another value of the same form.
        1 => {
            let alike = |ty: &&RelocType| ty.form() == entry.ty.form();
            let alike: Vec<_> = RelocType::ALL.iter().filter(alike).copied().collect();
            entry.ty = random.of(&alike);
        }
        2 => entry.offset = random.below(len + 2) as u32,
        3 => entry.addend = random.of(ADDENDS),
        _ => {
            let count = match entry.ty.target() {
                RelocTarget::Type => types,
                _ => symbols,
            };
            entry.index = index(random, count);
        }
    }
    if !entry.ty.has_addend() {
        entry.addend = 0;
    }
}

fn segment(object: &mut ObjectFile<'static>, random: &mut Random) {
    let Some(at) = random.place(&object.segments) else {
        return;
    };
    let segment = &mut object.segments[at];
    match random.below(5) {
        0 | 1 => {
            let flags = [
                SegmentFlags::STRINGS,
                SegmentFlags::TLS,
                SegmentFlags::RETAIN,
            ];
            segment.flags = SegmentFlags(segment.flags.0 ^ random.of(&flags).0);
        }
        2 => segment.name = random.of(SEGMENT_NAMES),
        3 => segment.align_log2 = random.of(&[0, 1, 4, 16, 31, 32, 64]),
        _ => segment.bytes.resize(random.of(&[0, 1, 4, 8, 20]), 0),
    }
}

/// Functions, imports, exports, globals, tables, tags and types.
fn entity(object: &mut ObjectFile<'static>, random: &mut Random) {
    let types = object.types.len();
    match random.below(12) {
        0 => {
            if let Some(at) = random.place(&object.functions) {
                object.functions[at].ty = index(random, types);
            }
        }
        1 => {
            let values = [ValType::I32, ValType::I64, ValType::F32];
            let mut list = |count: usize| -> Vec<_> {
                let count = random.below(count);
                (0..count).map(|_| random.of(&values)).collect()
            };
            let ty = FuncType::new(list(3), list(2));
            match random.place(&object.types) {
                Some(at) => object.types[at] = ty,
                None => object.types.push(ty),
            }
        }
        2 => {
            if let Some(at) = random.place(&object.imports) {
                object.imports[at].field = name(random);
            }
        }
        3 => {
            if let Some(at) = random.place(&object.imports) {
                object.imports[at].module = random.of(&["env", "GOT.mem", "GOT.func", "host", ""]);
            }
        }
        4 => {
            let ty = match random.below(5) {
                0 => EntityType::Func(index(random, types)),
                1 => EntityType::Global(global_type(random)),
                2 => EntityType::Table(table_type(random)),
                3 => EntityType::Tag(index(random, types)),
                _ => EntityType::Memory(Limits {
                    is_64: random.one_in(3),
                    shared: random.one_in(3),
                    max: random.of(&[None, Some(9)]),
                    ..Limits::default()
                }),
            };
            match random.place(&object.imports) {
                Some(at) if random.one_in(2) => object.imports[at].ty = ty,
                _ => object.imports.push(Import {
                    module: "env",
                    field: name(random),
                    ty,
                }),
            }
        }
        5..8 => object.exports.push(Export {
            name: name(random),
            kind: random.of(&[
                ExternalKind::Func,
                ExternalKind::Func,
                ExternalKind::Func,
                ExternalKind::Global,
                ExternalKind::Table,
                ExternalKind::Memory,
            ]),
            index: random.below(5) as u32,
        }),
        8 => {
            let ty = global_type(random);
            let init = random.of(&[
                ConstExpr::new(&[ConstOp::I32Const(7)]),
                ConstExpr::new(&[ConstOp::I64Const(7)]),
                ConstExpr::new(&[ConstOp::GlobalGet(0)]),
                ConstExpr::new(&[ConstOp::RefFunc(0)]),
            ]);
            match random.place(&object.globals) {
                Some(at) => object.globals[at] = Global { ty, init },
                None => object.globals.push(Global { ty, init }),
            }
        }
        9 => {
            let ty = table_type(random);
            match random.place(&object.tables) {
                Some(at) => object.tables[at].ty = ty,
                None => object.tables.push(Table { ty, init: None }),
            }
        }
        10 => match random.place(&object.tags) {
            Some(at) => object.tags[at] = index(random, types),
            None => object.tags.push(index(random, types)),
        },
        _ => {
            let name = name(random);
            let function = random.below(4) as u32;
            let names = object.function_names.get_or_insert_default();
            names.push((function, name));
        }
    }
}

/// Constructors and comdats.
fn group(object: &mut ObjectFile<'static>, random: &mut Random) {
    match random.below(4) {
        0 => object.init_funcs.push(InitFunc {
            priority: random.of(&[0, 1, 100, u32::MAX]),
            symbol: index(random, object.symbols.len()),
        }),
        1 => {
            if let Some(at) = random.place(&object.comdats) {
                object.comdats[at].0 = name(random);
            }
        }
        _ => {
            let entry = ComdatEntry {
                kind: random.of(&[
                    ComdatKind::Data,
                    ComdatKind::Function,
                    ComdatKind::Section,
                    ComdatKind::Global,
                ]),
                index: random.below(6) as u32,
            };
            match random.place(&object.comdats) {
                Some(at) => object.comdats[at].2.push(entry),
                None => object.comdats.push(("group", 0, vec![entry])),
            }
        }
    }
}

/// Custom sections, that of the features among them.
fn section(object: &mut ObjectFile<'static>, random: &mut Random) {
    match random.below(4) {
        0 => {
            if let Some(at) = random.place(&object.customs) {
                object.customs[at].name = random.of(CUSTOM_NAMES);
            }
        }
        1 => {
            if let Some(at) = random.place(&object.customs) {
                let len = random.below(12);
                object.customs[at].bytes.resize(len, 0);
            }
        }
        _ => {
            let prefix = random.of(&[FeaturePrefix::Used, FeaturePrefix::Disallowed]);
            let features: Vec<_> = (0..=random.below(3))
                .map(|_| TargetFeature {
                    prefix,
                    name: random.of(FEATURES),
                })
                .collect();
            let mut bytes = Vec::new();
            put_target_features(&mut bytes, &features);
            object
                .customs
                .retain(|custom| custom.name != TARGET_FEATURES_SECTION);
            object.customs.push(CustomDef {
                name: TARGET_FEATURES_SECTION,
                bytes,
                relocs: Vec::new(),
            });
        }
    }
}

/// Writes into code what compilers write there: the object's own indices. Returns the object as a
/// module, for a validator to tell whether its code is right by itself: that has one more global,
/// for the addresses that code reads from globals.
pub fn write_own_indices(object: &mut ObjectFile<'static>) -> ObjectFile<'static> {
    let symbols = object.symbols.clone();
    let is_global = |import: &&Import<'_>| matches!(import.ty, EntityType::Global(_));
    let address = object.imports.iter().filter(is_global).count() + object.globals.len();
    for function in &mut object.functions {
        for entry in &function.relocs {
            let at = entry.offset as usize;
            let form = entry.ty.form();
            if at + form.width() > function.code.len() {
                continue;
            }
            let (before, place) = function.code.split_at_mut(at);
            let symbol = symbols.get(entry.index as usize).map(|it| it.target);
            let value = match (entry.ty, symbol) {
                _ if !suits(entry.ty, before) => u32::MAX,
                (RelocType::TypeIndexLeb, _) => entry.index,
                (
                    RelocType::GlobalIndexLeb,
                    Some(SymbolTarget::Function(_) | SymbolTarget::Data(_)),
                ) => address as u32,
                (
                    RelocType::FunctionIndexLeb
                    | RelocType::GlobalIndexLeb
                    | RelocType::TagIndexLeb
                    | RelocType::TableNumberLeb,
                    Some(
                        SymbolTarget::Function(index)
                        | SymbolTarget::Global(index)
                        | SymbolTarget::Table(index)
                        | SymbolTarget::Tag(index),
                    ),
                ) => index,
                // A number, and any will do.
                _ => 1,
            };
            form.write(place, value.into());
        }
    }
    let mut module = object.clone();
    module.globals.push(Global {
        ty: GlobalType {
            value: ValType::I32,
            mutability: Mutability::Const,
        },
        init: ConstExpr::i32(0),
    });
    module
}

/// Whether a relocation is of a type that the instruction has, of which this stands before the place.
fn suits(ty: RelocType, before: &[u8]) -> bool {
    match before {
        // An indirect call has its type before the table.
        [.., 0xfc, 0x10] | [.., 0] => ty == RelocType::TableNumberLeb,
        [.., 0x10] => ty == RelocType::FunctionIndexLeb,
        [.., 0x11] => ty == RelocType::TypeIndexLeb,
        [.., 0x08] => ty == RelocType::TagIndexLeb,
        [.., 0x23 | 0x24] => ty == RelocType::GlobalIndexLeb,
        [.., 0x41] => ty.form() == ValueForm::Sleb32,
        _ => false,
    }
}
