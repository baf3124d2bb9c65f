//! An object of a link problem as a file: indices for names.

use test_objects::{CustomDef, ObjectFile, SegmentDef};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, InitFunc, SegmentFlags, SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::producers::ProducerValue;
use wasm_format::reloc::RelocEntry;
use wasm_format::target_features::{FeaturePrefix, TargetFeature};
use wasm_format::{
    ConstExpr, EntityType, Export, ExternalKind, FuncType, Global, GlobalType, Import, Limits,
    RefType, Table, TableType, ValType,
};

use super::code;
use super::object::{Item, Kind, Object, Reference, Referred, SIGNATURES};
use super::symbols::{Symbol, Symbols, What};

pub(crate) const TABLE: &str = "__indirect_function_table";

pub(crate) fn encode(object: &Object) -> Vec<u8> {
    let mut symbols = Symbols::new(object);
    let functions = code::functions(object, &mut symbols);
    mention(object, &mut symbols);
    let (segments, customs) = chunks(object, &mut symbols);
    let (imports, imported) = Imports::new(object, &symbols);
    let names: Vec<_> = function_items(object)
        .map(|function| format!("named_{}", function.name))
        .collect();
    let mut file = ObjectFile {
        is_64: object.is_64,
        imports: imports.list,
        functions,
        segments,
        customs,
        ..ObjectFile::default()
    };
    for (params, results) in SIGNATURES {
        let ty = FuncType::new(params.to_vec(), results.to_vec());
        file.types.push(ty);
    }
    define(object, imported[0], &mut file);
    let numbering = Numbering {
        symbols: &symbols,
        imported,
        numbers: imports.numbers,
        first_custom: file.first_custom(),
    };
    file.symbols = numbering.symbols();
    file.init_funcs = numbering.init_funcs(object);
    file.comdats = numbering.comdats(object);
    if object.names {
        let indices = imported[0]..;
        file.function_names = Some(indices.zip(names.iter().map(String::as_str)).collect());
    }
    for [field, name, version] in &object.producers {
        file.producers
            .push((field, ProducerValue { name, version }));
    }
    let features = object.features.iter().filter_map(|feature| {
        Some(TargetFeature {
            prefix: FeaturePrefix::from_u8(feature.as_bytes()[0])?,
            name: &feature[1..],
        })
    });
    file.features = features.collect();
    file.build()
}

fn function_items(object: &Object) -> impl Iterator<Item = &super::object::Function> {
    object.items.iter().filter_map(|item| match item {
        Item::Function(function) => Some(function),
        _ => None,
    })
}

/// Gives symbols to everything that is referred to outside of code.
fn mention(object: &Object, symbols: &mut Symbols) {
    for item in &object.items {
        match item {
            Item::Segment(segment) => {
                let slot = |reloc: &Reference| matches!(reloc.what, Referred::Pointer(_));
                if !object.legacy_table && segment.relocs.iter().any(slot) {
                    symbols.mention(TABLE, Kind::Table(RefType::FUNCREF));
                }
                symbols.mention_all(&segment.relocs);
            }
            Item::Custom(custom) => symbols.mention_all(&custom.relocs),
            Item::Init(init) => {
                symbols.mention(&init.function, Kind::Function(0));
            }
            _ => {}
        }
    }
}

/// The data segments and the custom sections.
fn chunks<'a>(
    object: &'a Object,
    symbols: &mut Symbols,
) -> (Vec<SegmentDef<'a>>, Vec<CustomDef<'a>>) {
    let mut relocs = |references: &[Reference]| -> Vec<RelocEntry> {
        let entries = references.iter().filter_map(|it| symbols.target(it));
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| entry.offset);
        entries
    };
    let (mut segments, mut customs) = (Vec::new(), Vec::new());
    for item in &object.items {
        match item {
            Item::Segment(segment) => segments.push(SegmentDef {
                name: &segment.name,
                bytes: segment.bytes.clone(),
                align_log2: segment.align_log2,
                flags: SegmentFlags(segment.flags),
                relocs: relocs(&segment.relocs),
                ..SegmentDef::default()
            }),
            Item::Custom(custom) => customs.push(CustomDef {
                name: &custom.name,
                bytes: custom.bytes.clone(),
                relocs: relocs(&custom.relocs),
            }),
            _ => {}
        }
    }
    (segments, customs)
}

/// The imports, and the number that each symbol has among those of its kind.
struct Imports<'a> {
    list: Vec<Import<'a>>,
    numbers: Vec<u32>,
}

impl<'a> Imports<'a> {
    /// The imports, and how many functions, globals, tables and tags are among them.
    fn new(object: &Object, symbols: &'a Symbols) -> (Self, [u32; 4]) {
        let is_64 = object.is_64;
        let env = |field, ty| Import {
            module: "env",
            field,
            ty,
        };
        let memory = Limits {
            is_64,
            ..Limits::default()
        };
        let mut list = vec![env("__linear_memory", EntityType::Memory(memory))];
        let mut imported = [0; 4];
        let mut numbers = Vec::new();
        if object.legacy_table {
            imported[2] += 1;
            let ty = table_type(RefType::FUNCREF, 0, is_64);
            list.push(env(TABLE, EntityType::Table(ty)));
        }
        for symbol in &symbols.list {
            let What::Undefined(kind) = symbol.what else {
                numbers.push(0);
                continue;
            };
            let (at, ty) = match kind {
                Kind::Function(ty) => (0, EntityType::Func(ty as u32)),
                Kind::Global(value, mutability) => {
                    (1, EntityType::Global(GlobalType { value, mutability }))
                }
                Kind::Table(element) => {
                    let is_64 = is_64 && symbol.name == TABLE;
                    (2, EntityType::Table(table_type(element, 0, is_64)))
                }
                Kind::Tag(ty) => (3, EntityType::Tag(ty as u32)),
                Kind::Data => {
                    numbers.push(0);
                    continue;
                }
            };
            let (module, field) = match &symbol.import {
                Some((module, field)) => (&module[..], &field[..]),
                None => ("env", &symbol.name[..]),
            };
            list.push(Import { module, field, ty });
            numbers.push(imported[at]);
            imported[at] += 1;
        }
        (Self { list, numbers }, imported)
    }
}

/// Adds the tables, tags and globals that the object defines, and its exports.
fn define<'a>(object: &'a Object, first_function: u32, file: &mut ObjectFile<'a>) {
    for item in &object.items {
        match item {
            Item::Table(table) => file.tables.push(Table {
                ty: table_type(table.element, table.min, false),
                init: None,
            }),
            Item::Tag(tag) => file.tags.push(tag.signature as u32),
            Item::Global(global) => file.globals.push(Global {
                ty: GlobalType {
                    value: global.ty,
                    mutability: global.mutability,
                },
                init: if global.ty == ValType::I64 {
                    ConstExpr::i64(global.value.into())
                } else {
                    ConstExpr::i32(global.value)
                },
            }),
            _ => {}
        }
    }
    for (index, function) in (first_function..).zip(function_items(object)) {
        if let Some(name) = &function.export {
            let kind = ExternalKind::Func;
            file.exports.push(Export { name, kind, index });
        }
    }
}

/// The numbers that names stand for.
struct Numbering<'a> {
    symbols: &'a Symbols,
    /// Of every symbol that is imported, among the imports of its kind.
    numbers: Vec<u32>,
    /// How many functions, globals, tables and tags are imported.
    imported: [u32; 4],
    first_custom: u32,
}

impl<'a> Numbering<'a> {
    fn target(&self, symbol: &Symbol, number: u32) -> SymbolTarget {
        let imported = self.imported;
        match symbol.what {
            What::Undefined(Kind::Data) => SymbolTarget::Data(None),
            What::Undefined(Kind::Function(_)) => SymbolTarget::Function(number),
            What::Undefined(Kind::Global(..)) => SymbolTarget::Global(number),
            What::Undefined(Kind::Table(_)) => SymbolTarget::Table(number),
            What::Undefined(Kind::Tag(_)) => SymbolTarget::Tag(number),
            What::Function(i, _) => SymbolTarget::Function(imported[0] + i as u32),
            What::Place(place) => SymbolTarget::Data(Some(place)),
            What::Global(i) => SymbolTarget::Global(imported[1] + i as u32),
            What::Table(i) => SymbolTarget::Table(imported[2] + i as u32),
            What::Tag(i) => SymbolTarget::Tag(imported[3] + i as u32),
            What::Section(i) => SymbolTarget::Section(self.first_custom + i as u32),
        }
    }

    fn symbols(&self) -> Vec<SymbolEntry<'a>> {
        (self.symbols.list.iter().zip(&self.numbers))
            .map(|(symbol, &number)| {
                let mut flags = SymbolFlags(symbol.flags);
                if matches!(symbol.what, What::Undefined(_)) {
                    flags = flags | SymbolFlags::UNDEFINED;
                }
                if symbol.import.is_some() && symbol.what != What::Undefined(Kind::Data) {
                    flags = flags | SymbolFlags::EXPLICIT_NAME;
                }
                SymbolEntry {
                    flags,
                    name: Some(&symbol.name),
                    target: self.target(symbol, number),
                }
            })
            .collect()
    }

    fn init_funcs(&self, object: &Object) -> Vec<InitFunc> {
        let inits = object.items.iter().filter_map(|item| match item {
            Item::Init(init) => Some(init),
            _ => None,
        });
        inits
            .filter_map(|init| {
                let symbol = self.symbols.by_name[&init.function];
                let is_function = matches!(
                    self.symbols.list[symbol].what,
                    What::Function(..) | What::Undefined(Kind::Function(_))
                );
                is_function.then_some(InitFunc {
                    priority: init.priority,
                    symbol: symbol as u32,
                })
            })
            .collect()
    }

    /// What a name stands for as the member of a comdat.
    fn member(&self, name: &str) -> Option<ComdatEntry> {
        let symbol = *self.symbols.by_name.get(name)?;
        let (kind, index) = match self.symbols.list[symbol].what {
            What::Function(i, _) => (ComdatKind::Function, self.imported[0] + i as u32),
            What::Place(place) => (ComdatKind::Data, place.segment),
            What::Section(i) => (ComdatKind::Section, self.first_custom + i as u32),
            _ => return None,
        };
        Some(ComdatEntry { kind, index })
    }

    /// The comdats; what is in one is in no other.
    fn comdats<'o>(&self, object: &'o Object) -> Vec<(&'o str, u32, Vec<ComdatEntry>)> {
        let mut taken = Vec::new();
        let comdats = object.items.iter().filter_map(|item| match item {
            Item::Comdat(comdat) => Some(comdat),
            _ => None,
        });
        comdats
            .map(|comdat| {
                let members = comdat.members.iter().filter_map(|name| self.member(name));
                let new = members.filter(|entry| {
                    let is_new = !taken.contains(entry);
                    taken.push(*entry);
                    is_new
                });
                (&comdat.name[..], 0, new.collect())
            })
            .collect()
    }
}

fn table_type(element: RefType, min: u64, is_64: bool) -> TableType {
    TableType {
        element,
        limits: Limits {
            min,
            is_64,
            ..Limits::default()
        },
    }
}
