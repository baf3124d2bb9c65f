//! An object of a link problem as a file: indices for names.

use wasm_format::leb128::{put_i32, put_i64, put_u32};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, InitFunc, LINKING_SECTION, LinkingSection, SegmentFlags, SegmentInfo,
    SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::names::{NAME_SECTION, NameSubsectionId, Naming, put_name_map};
use wasm_format::producers::{PRODUCERS_SECTION, ProducerValue, put_producers};
use wasm_format::reloc::{RelocEntry, RelocSection};
use wasm_format::target_features::{
    FeaturePrefix, TARGET_FEATURES_SECTION, TargetFeature, put_target_features,
};
use wasm_format::{
    ConstExpr, DataMode, DataSegment, EntityType, Export, ExternalKind, FuncType, GlobalType,
    Import, Limits, MODULE_HEADER, RefType, SectionId, Table, TableType, ValType,
    put_custom_section, put_data_count_section, put_section, put_tag, put_vector_section,
};

use super::code::Code;
use super::object::{Item, Kind, Object, Reference, Referred, SIGNATURES};
use super::symbols::{Symbol, Symbols, What};

pub(crate) const TABLE: &str = "__indirect_function_table";

pub(crate) fn encode(object: &Object) -> Vec<u8> {
    let mut symbols = Symbols::new(object);
    let code = Code::new(object, &mut symbols);
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
    File {
        object,
        symbols,
        out: MODULE_HEADER.to_vec(),
        sections: 0,
        relocs: Vec::new(),
    }
    .write(code)
}

/// The file while it is written.
struct File<'a> {
    object: &'a Object,
    symbols: Symbols,
    out: Vec<u8>,
    /// How many sections there are.
    sections: u32,
    /// Section, name, entries.
    relocs: Vec<(u32, String, Vec<RelocEntry>)>,
}

impl File<'_> {
    fn write(mut self, code: Code) -> Vec<u8> {
        let object = self.object;
        let mut types = Vec::new();
        for (params, results) in SIGNATURES {
            FuncType::new(params.to_vec(), results.to_vec()).encode(&mut types);
        }
        self.vector(SectionId::Type, SIGNATURES.len(), &types);
        let (numbers, imported) = self.imports();

        let mut parts = [const { (0, Vec::new()) }; 4];
        for item in &object.items {
            let (at, id) = match item {
                Item::Function(_) => (0, SectionId::Function),
                Item::Table(_) => (1, SectionId::Table),
                Item::Tag(_) => (2, SectionId::Tag),
                Item::Global(_) => (3, SectionId::Global),
                _ => continue,
            };
            let (count, body) = &mut parts[at];
            *count += 1;
            put_definition(body, item);
            debug_assert_ne!(id, SectionId::Custom);
        }
        let ids = [
            SectionId::Function,
            SectionId::Table,
            SectionId::Tag,
            SectionId::Global,
        ];
        for (id, (count, body)) in ids.into_iter().zip(&parts) {
            self.vector(id, *count, body);
        }
        self.exports(imported[0]);
        let segments: Vec<_> = (object.items.iter())
            .filter_map(|item| match item {
                Item::Segment(segment) => Some(segment),
                _ => None,
            })
            .collect();
        if !segments.is_empty() {
            put_data_count_section(&mut self.out, segments.len() as u32);
            self.sections += 1;
        }
        if parts[0].0 != 0 {
            self.relocs
                .push((self.sections, "CODE".into(), code.relocs));
            put_section(&mut self.out, SectionId::Code, &code.body);
            self.sections += 1;
        }
        if !segments.is_empty() {
            let mut body = Vec::new();
            let mut relocs = Vec::new();
            for segment in &segments {
                DataSegment {
                    mode: DataMode::Active {
                        memory: 0,
                        offset: ConstExpr::address(0, object.is_64),
                    },
                    bytes: &segment.bytes,
                }
                .encode(&mut body);
                // The count, which comes first, has one byte.
                let start = body.len() - segment.bytes.len() + 1;
                relocs.extend(self.relocations(&segment.relocs, start));
            }
            self.relocs.push((self.sections, "DATA".into(), relocs));
            self.vector(SectionId::Data, segments.len(), &body);
        }
        let first_custom = self.sections;
        for item in &object.items {
            if let Item::Custom(custom) = item {
                let relocs = self.relocations(&custom.relocs, 0);
                self.relocs
                    .push((self.sections, custom.name.clone(), relocs));
                self.custom(&custom.name, &custom.bytes);
            }
        }
        self.linking(&numbers, imported, first_custom);
        for (section, name, mut entries) in std::mem::take(&mut self.relocs) {
            if !entries.is_empty() {
                entries.sort_by_key(|entry| entry.offset);
                let mut contents = Vec::new();
                RelocSection::encode(section, &entries, &mut contents);
                self.custom(&format!("reloc.{name}"), &contents);
            }
        }
        self.metadata(imported[0]);
        self.out
    }

    fn vector(&mut self, id: SectionId, count: usize, body: &[u8]) {
        if count != 0 {
            put_vector_section(&mut self.out, id, count as u32, body);
            self.sections += 1;
        }
    }

    fn custom(&mut self, name: &str, contents: &[u8]) {
        put_custom_section(&mut self.out, name, contents);
        self.sections += 1;
    }

    fn relocations(&mut self, references: &[Reference], start: usize) -> Vec<RelocEntry> {
        let symbols = &mut self.symbols;
        let entries = references
            .iter()
            .filter_map(|reference| symbols.target(reference));
        entries
            .map(|entry| RelocEntry {
                offset: entry.offset + start as u32,
                ..entry
            })
            .collect()
    }

    /// Writes the imports. The number of every symbol that is imported, and how many
    /// functions, globals, tables and tags there are of them.
    fn imports(&mut self) -> (Vec<u32>, [u32; 4]) {
        let is_64 = self.object.is_64;
        let mut body = Vec::new();
        let mut count = 1;
        Import {
            module: "env",
            field: "__linear_memory",
            ty: EntityType::Memory(Limits {
                is_64,
                ..Limits::default()
            }),
        }
        .encode(&mut body);
        let mut imported = [0; 4];
        let mut numbers = Vec::new();
        if self.object.legacy_table {
            count += 1;
            imported[2] += 1;
            Import {
                module: "env",
                field: TABLE,
                ty: EntityType::Table(table_type(RefType::FUNCREF, 0, is_64)),
            }
            .encode(&mut body);
        }
        for symbol in &self.symbols.list {
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
            Import { module, field, ty }.encode(&mut body);
            count += 1;
            numbers.push(imported[at]);
            imported[at] += 1;
        }
        self.vector(SectionId::Import, count, &body);
        (numbers, imported)
    }

    fn exports(&mut self, first_function: u32) {
        let functions = (self.object.items.iter()).filter_map(|item| match item {
            Item::Function(function) => Some(&function.export),
            _ => None,
        });
        let mut body = Vec::new();
        let mut count = 0;
        for (index, export) in (first_function..).zip(functions) {
            if let Some(name) = export {
                Export {
                    name,
                    kind: ExternalKind::Func,
                    index,
                }
                .encode(&mut body);
                count += 1;
            }
        }
        self.vector(SectionId::Export, count, &body);
    }

    fn linking(&mut self, numbers: &[u32], imported: [u32; 4], first_custom: u32) {
        let object = self.object;
        let segments: Vec<_> = (object.items.iter())
            .filter_map(|item| match item {
                Item::Segment(segment) => Some(SegmentInfo {
                    name: &segment.name,
                    align_log2: segment.align_log2,
                    flags: SegmentFlags(segment.flags),
                }),
                _ => None,
            })
            .collect();
        let target = |symbol: &Symbol, number| match symbol.what {
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
            What::Section(i) => SymbolTarget::Section(first_custom + i as u32),
        };
        let symbols: Vec<_> = (self.symbols.list.iter().zip(numbers))
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
                    target: target(symbol, number),
                }
            })
            .collect();
        let init_funcs: Vec<_> = (object.items.iter())
            .filter_map(|item| match item {
                Item::Init(init) => {
                    let symbol = self.symbols.by_name[&init.function];
                    let what = self.symbols.list[symbol].what;
                    matches!(
                        what,
                        What::Function(..) | What::Undefined(Kind::Function(_))
                    )
                    .then_some(InitFunc {
                        priority: init.priority,
                        symbol: symbol as u32,
                    })
                }
                _ => None,
            })
            .collect();
        let mut taken = Vec::new();
        let comdats: Vec<_> = (object.items.iter())
            .filter_map(|item| match item {
                Item::Comdat(comdat) => Some((
                    &comdat.name[..],
                    (comdat.members.iter())
                        .filter_map(|member| {
                            let entry =
                                match self.symbols.list[*self.symbols.by_name.get(member)?].what {
                                    What::Function(i, _) => ComdatEntry {
                                        kind: ComdatKind::Function,
                                        index: imported[0] + i as u32,
                                    },
                                    What::Place(place) => ComdatEntry {
                                        kind: ComdatKind::Data,
                                        index: place.segment,
                                    },
                                    What::Section(i) => ComdatEntry {
                                        kind: ComdatKind::Section,
                                        index: first_custom + i as u32,
                                    },
                                    _ => return None,
                                };
                            let new = !taken.contains(&entry);
                            taken.push(entry);
                            new.then_some(entry)
                        })
                        .collect::<Vec<_>>(),
                )),
                _ => None,
            })
            .collect();
        let comdats: Vec<_> = (comdats.iter())
            .map(|(name, entries)| (*name, 0, &entries[..]))
            .collect();
        let mut contents = Vec::new();
        LinkingSection {
            segments: &segments,
            init_funcs: &init_funcs,
            comdats: &comdats,
            symbols: &symbols,
        }
        .encode(&mut contents);
        self.custom(LINKING_SECTION, &contents);
    }

    fn metadata(&mut self, first_function: u32) {
        let object = self.object;
        if object.names {
            let functions = (object.items.iter()).filter_map(|item| match item {
                Item::Function(function) => Some(&function.name[..]),
                _ => None,
            });
            let names: Vec<_> = functions.map(|name| format!("named_{name}")).collect();
            let mut contents = Vec::new();
            put_name_map(
                &mut contents,
                NameSubsectionId::Function,
                (first_function..)
                    .zip(&names)
                    .map(|(index, name)| Naming { index, name }),
            );
            self.custom(NAME_SECTION, &contents);
        }
        if !object.producers.is_empty() {
            let values: Vec<_> = (object.producers.iter())
                .map(|[_, name, version]| [ProducerValue { name, version }])
                .collect();
            let fields: Vec<(&str, &[ProducerValue<'_>])> = (object.producers.iter())
                .zip(&values)
                .map(|([field, ..], value)| (&field[..], &value[..]))
                .collect();
            let mut contents = Vec::new();
            put_producers(&mut contents, &fields);
            self.custom(PRODUCERS_SECTION, &contents);
        }
        if !object.features.is_empty() {
            let features: Vec<_> = (object.features.iter())
                .filter_map(|feature| {
                    Some(TargetFeature {
                        prefix: FeaturePrefix::from_u8(feature.as_bytes()[0])?,
                        name: &feature[1..],
                    })
                })
                .collect();
            let mut contents = Vec::new();
            put_target_features(&mut contents, &features);
            self.custom(TARGET_FEATURES_SECTION, &contents);
        }
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

fn put_definition(out: &mut Vec<u8>, item: &Item) {
    match item {
        Item::Function(function) => put_u32(out, function.signature as u32),
        Item::Table(table) => Table {
            ty: table_type(table.element, table.min, false),
            init: None,
        }
        .encode(out),
        Item::Tag(tag) => put_tag(out, tag.signature as u32),
        Item::Global(global) => {
            let ty = GlobalType {
                value: global.ty,
                mutability: global.mutability,
            };
            ty.encode(out);
            if global.ty == ValType::I64 {
                out.push(0x42);
                put_i64(out, i64::from(global.value));
            } else {
                out.push(0x41);
                put_i32(out, global.value);
            }
            out.push(0x0b);
        }
        _ => {}
    }
}
