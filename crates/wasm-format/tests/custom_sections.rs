//! Custom sections of the conventions: what is written here, `wasmparser` and this crate
//! read back equal.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use wasm_format::code_metadata::MetadataItem;
use wasm_format::dylink::{DylinkExport, DylinkImport, DylinkSection, DylinkSubsection, MemInfo};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, CommonRef, DataRef, InitFunc, LinkingSection, SegmentFlags,
    SegmentInfo, Subsection, SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::names::{NameSubsection, NameSubsectionId, Naming};
use wasm_format::producers::ProducerValue;
use wasm_format::reloc::{RelocEntry, RelocSection, RelocType};
use wasm_format::target_features::{FeaturePrefix, TargetFeature};
use wasm_format::{
    DecodeError, DecodeErrorKind, Reader, build_id, code_metadata, dylink, names, producers,
    target_features,
};
use wasmparser::BinaryReader;

const NAME: &str = "\\PC{0,12}";

fn read<T>(entries: impl Iterator<Item = Result<T, DecodeError>>) -> Vec<T> {
    entries
        .collect::<Result<_, _>>()
        .expect("written by this crate")
}

/// Pairs of an index and a value, by ascending index.
fn ascending<S: Strategy>(values: S) -> impl Strategy<Value = Vec<(u32, S::Value)>> {
    btree_map(any::<u32>(), values, 0..6).prop_map(|map| map.into_iter().collect())
}

// The linking section.

#[derive(Debug, Clone, PartialEq)]
struct Symbol {
    flags: u32,
    name: String,
    target: SymbolTarget,
}

impl Symbol {
    fn entry(&self) -> SymbolEntry<'_> {
        let flags = SymbolFlags(self.flags);
        let named = match self.target {
            SymbolTarget::Data(_) | SymbolTarget::Common(_) => true,
            SymbolTarget::Section(_) => false,
            _ => {
                !flags.contains(SymbolFlags::UNDEFINED)
                    || flags.contains(SymbolFlags::EXPLICIT_NAME)
            }
        };
        SymbolEntry {
            flags,
            name: named.then_some(&self.name),
            target: self.target,
        }
    }
}

fn symbol() -> impl Strategy<Value = Symbol> {
    let data = any::<(u32, u32, u32)>().prop_map(|(segment, offset, size)| DataRef {
        segment,
        // `wasmparser` reads 32 bits of both.
        offset: u64::from(offset),
        size: u64::from(size),
    });
    let target = prop_oneof![
        any::<u32>().prop_map(SymbolTarget::Function),
        data.prop_map(|place| SymbolTarget::Data(Some(place))),
        Just(SymbolTarget::Data(None)),
        any::<u32>().prop_map(SymbolTarget::Global),
        any::<u32>().prop_map(SymbolTarget::Section),
        any::<u32>().prop_map(SymbolTarget::Tag),
        any::<u32>().prop_map(SymbolTarget::Table),
    ];
    (0..0x400u32, NAME, target).prop_map(|(flags, name, target)| Symbol {
        flags: match target {
            // Common symbols have a test of their own: `wasmparser` does not know them.
            SymbolTarget::Data(Some(_)) if SymbolFlags(flags).is_common() => {
                flags & !(SymbolFlags::UNDEFINED | SymbolFlags::BINDING_COMMON).0
            }
            SymbolTarget::Data(Some(_)) => flags & !SymbolFlags::UNDEFINED.0,
            SymbolTarget::Data(None) => flags | SymbolFlags::UNDEFINED.0,
            _ => flags,
        },
        name,
        target,
    })
}

fn comdat_entry() -> impl Strategy<Value = ComdatEntry> {
    (0..6u8, any::<u32>()).prop_map(|(kind, index)| ComdatEntry {
        kind: ComdatKind::from_u8(kind).expect("six kinds"),
        index,
    })
}

fn their_symbol(symbol: wasmparser::SymbolInfo<'_>) -> SymbolEntry<'_> {
    use wasmparser::SymbolInfo as Info;
    let (flags, name, target) = match symbol {
        Info::Func { flags, index, name } => (flags, name, SymbolTarget::Function(index)),
        Info::Global { flags, index, name } => (flags, name, SymbolTarget::Global(index)),
        Info::Event { flags, index, name } => (flags, name, SymbolTarget::Tag(index)),
        Info::Table { flags, index, name } => (flags, name, SymbolTarget::Table(index)),
        Info::Section { flags, section } => (flags, None, SymbolTarget::Section(section)),
        Info::Data {
            flags,
            name,
            symbol,
        } => {
            let place = symbol.map(|symbol| DataRef {
                segment: symbol.index,
                offset: u64::from(symbol.offset),
                size: u64::from(symbol.size),
            });
            (flags, Some(name), SymbolTarget::Data(place))
        }
    };
    SymbolEntry {
        flags: SymbolFlags(flags.bits()),
        name,
        target,
    }
}

proptest! {
    #[test]
    fn common_symbols(
        commons in vec((0..0x400u32, NAME, any::<(u64, u8)>()), 0..10),
        between in symbol(),
    ) {
        let mut symbols: Vec<_> = commons
            .iter()
            .map(|&(flags, ref name, (size, align_log2))| SymbolEntry {
                flags: SymbolFlags(flags).without(SymbolFlags::UNDEFINED)
                    | SymbolFlags::BINDING_COMMON,
                name: Some(name),
                target: SymbolTarget::Common(CommonRef { size, align_log2 }),
            })
            .collect();
        symbols.insert(symbols.len() / 2, between.entry());
        let mut bytes = Vec::new();
        for symbol in &symbols {
            symbol.encode(&mut bytes);
        }
        let mut reader = Reader::new(&bytes);
        for symbol in &symbols {
            let read = SymbolEntry::decode(&mut reader).expect("written by this crate");
            prop_assert_eq!(&read, symbol);
            let bindings = [read.flags.is_weak(), read.flags.is_local(), read.flags.is_common()];
            prop_assert!(bindings.iter().filter(|&&is| is).count() <= 1);
        }
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn linking(
        symbols in vec(symbol(), 0..20),
        segments in vec((NAME, any::<u32>(), 0..8u32), 0..10),
        inits in vec(any::<(u32, u32)>(), 0..10),
        comdats in vec((NAME, vec(comdat_entry(), 0..5)), 0..5),
    ) {
        let symbols: Vec<_> = symbols.iter().map(Symbol::entry).collect();
        let segments: Vec<_> = segments
            .iter()
            .map(|(name, align_log2, flags)| SegmentInfo {
                name,
                align_log2: *align_log2,
                flags: SegmentFlags(*flags),
            })
            .collect();
        let init_funcs: Vec<_> = inits
            .iter()
            .map(|&(priority, symbol)| InitFunc { priority, symbol })
            .collect();
        let comdats: Vec<(&str, u32, &[ComdatEntry])> =
            comdats.iter().map(|(name, entries)| (&name[..], 0, &entries[..])).collect();
        let mut bytes = Vec::new();
        LinkingSection {
            symbols: &symbols,
            segments: &segments,
            init_funcs: &init_funcs,
            comdats: &comdats,
        }
        .encode(&mut bytes);
        let subsections = [symbols.len(), segments.len(), init_funcs.len(), comdats.len()];
        let subsections = subsections.iter().filter(|&&len| len > 0).count();

        let ours = read(LinkingSection::decode(Reader::new(&bytes)).expect("version 2"));
        prop_assert_eq!(ours.len(), subsections);
        for subsection in ours {
            match subsection {
                Subsection::SymbolTable(entries) => prop_assert_eq!(&read(entries), &symbols),
                Subsection::SegmentInfo(entries) => prop_assert_eq!(&read(entries), &segments),
                Subsection::InitFuncs(entries) => prop_assert_eq!(&read(entries), &init_funcs),
                Subsection::ComdatInfo(entries) => {
                    let entries = read(entries);
                    prop_assert_eq!(entries.len(), comdats.len());
                    for (ours, comdat) in entries.into_iter().zip(&comdats) {
                        let name = ours.name().expect("as it was encoded");
                        prop_assert_eq!((name, ours.flags, &read(ours.entries)[..]), *comdat);
                    }
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }

        let theirs = wasmparser::LinkingSectionReader::new(BinaryReader::new(&bytes, 0));
        let theirs = theirs.expect("version 2").subsections();
        for subsection in theirs {
            use wasmparser::Linking;
            match subsection.expect("readable") {
                Linking::SymbolTable(entries) => {
                    let entries = entries.into_iter().map(|symbol| their_symbol(symbol.expect("readable")));
                    prop_assert_eq!(&entries.collect::<Vec<_>>(), &symbols);
                }
                Linking::SegmentInfo(entries) => {
                    for (theirs, ours) in entries.into_iter().zip(&segments) {
                        let theirs = theirs.expect("readable");
                        prop_assert_eq!(
                            (theirs.name, theirs.alignment, theirs.flags.bits()),
                            (ours.name, ours.align_log2, ours.flags.0)
                        );
                    }
                }
                Linking::InitFuncs(entries) => {
                    let entries = entries.into_iter().map(|init| {
                        let init = init.expect("readable");
                        InitFunc { priority: init.priority, symbol: init.symbol_index }
                    });
                    prop_assert_eq!(&entries.collect::<Vec<_>>(), &init_funcs);
                }
                Linking::ComdatInfo(entries) => {
                    for (theirs, ours) in entries.into_iter().zip(&comdats) {
                        let theirs = theirs.expect("readable");
                        let members = theirs.symbols.into_iter().map(|member| {
                            let member = member.expect("readable");
                            let kind = match member.kind {
                                wasmparser::ComdatSymbolKind::Data => ComdatKind::Data,
                                wasmparser::ComdatSymbolKind::Func => ComdatKind::Function,
                                wasmparser::ComdatSymbolKind::Global => ComdatKind::Global,
                                wasmparser::ComdatSymbolKind::Event => ComdatKind::Tag,
                                wasmparser::ComdatSymbolKind::Table => ComdatKind::Table,
                                wasmparser::ComdatSymbolKind::Section => ComdatKind::Section,
                            };
                            ComdatEntry { kind, index: member.index }
                        });
                        let members: Vec<_> = members.collect();
                        prop_assert_eq!((theirs.name, theirs.flags, &members[..]), *ours);
                    }
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
    }

    #[test]
    fn relocations(
        section in any::<u32>(),
        entries in vec(
            (prop::sample::select(RelocType::ALL), any::<u32>(), any::<u32>(), any::<i64>()),
            0..50,
        ),
    ) {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(ty, offset, index, addend)| RelocEntry {
                ty,
                offset,
                index,
                addend: match (ty.has_addend(), ty.form().is_64()) {
                    (false, _) => 0,
                    (true, false) => i64::from(addend as i32),
                    (true, true) => addend,
                },
            })
            .collect();
        let mut bytes = Vec::new();
        RelocSection::encode(section, &entries, &mut bytes);

        let ours = RelocSection::decode(Reader::new(&bytes)).expect("written here");
        prop_assert_eq!(ours.section, section);
        prop_assert_eq!(&read(ours.iter()), &entries);

        let theirs = wasmparser::RelocSectionReader::new(BinaryReader::new(&bytes, 0));
        let theirs = theirs.expect("readable");
        prop_assert_eq!(theirs.section_index(), section);
        for (theirs, ours) in theirs.entries().into_iter().zip(&entries) {
            // wasmparser does not know the type yet, and stops there.
            if ours.ty == RelocType::MemoryAddrLocrelI64 {
                prop_assert!(theirs.is_err());
                break;
            }
            let theirs = theirs.expect("readable");
            prop_assert_eq!(
                (theirs.ty as u8, theirs.offset, theirs.index, theirs.addend),
                (ours.ty as u8, ours.offset, ours.index, ours.addend)
            );
            prop_assert_eq!(theirs.ty.extent(), ours.ty.form().width());
        }
    }

    #[test]
    fn names_of_everything(
        module in NAME,
        maps in vec(ascending(NAME), 12),
        indirect in vec(ascending(ascending(NAME)), 12),
    ) {
        fn namings(names: &[(u32, String)]) -> impl Iterator<Item = Naming<'_>> + Clone {
            names.iter().map(|(index, name)| Naming { index: *index, name })
        }
        type Groups = Vec<(u32, Vec<(u32, String)>)>;
        let mut bytes = Vec::new();
        for (i, id) in NameSubsectionId::ALL.into_iter().enumerate() {
            if id == NameSubsectionId::Module {
                names::put_module_name(&mut bytes, &module);
            } else if id.is_indirect() {
                let groups = indirect[i].iter().map(|(index, names)| (*index, namings(names)));
                names::put_indirect_name_map(&mut bytes, id, groups);
            } else {
                names::put_name_map(&mut bytes, id, namings(&maps[i]));
            }
        }

        let ours = read(names::decode(Reader::new(&bytes)));
        prop_assert_eq!(ours.len(), 12);
        for (subsection, expected) in ours.into_iter().zip(NameSubsectionId::ALL) {
            let i = usize::from(expected as u8);
            match subsection {
                NameSubsection::Module(name) => {
                    prop_assert_eq!(expected, NameSubsectionId::Module);
                    prop_assert_eq!(name, &module);
                }
                NameSubsection::Map(id, entries) => {
                    prop_assert_eq!(id, expected);
                    prop_assert_eq!(read(entries), namings(&maps[i]).collect::<Vec<_>>());
                }
                NameSubsection::Indirect(id, groups) => {
                    prop_assert_eq!(id, expected);
                    let groups = read(groups).into_iter().map(|group| {
                        let names = read(group.names).into_iter();
                        let names = names.map(|naming| (naming.index, naming.name.to_owned()));
                        (group.index, names.collect())
                    });
                    prop_assert_eq!(&groups.collect::<Groups>(), &indirect[i]);
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }

        let theirs = wasmparser::NameSectionReader::new(BinaryReader::new(&bytes, 0));
        let theirs = theirs.into_iter().collect::<Result<Vec<_>, _>>().expect("readable");
        prop_assert_eq!(theirs.len(), 12);
        for (i, subsection) in theirs.into_iter().enumerate() {
            use wasmparser::Name;
            match (i, subsection) {
                (0, Name::Module { name, .. }) => prop_assert_eq!(name, &module),
                (1, Name::Function(map))
                | (4, Name::Type(map))
                | (5, Name::Table(map))
                | (6, Name::Memory(map))
                | (7, Name::Global(map))
                | (8, Name::Element(map))
                | (9, Name::Data(map))
                | (11, Name::Tag(map)) => {
                    let names = map.into_iter().map(|naming| {
                        let naming = naming.expect("readable");
                        (naming.index, naming.name.to_owned())
                    });
                    prop_assert_eq!(&names.collect::<Vec<_>>(), &maps[i]);
                }
                (2, Name::Local(map)) | (3, Name::Label(map)) | (10, Name::Field(map)) => {
                    let groups = map.into_iter().map(|group| {
                        let group = group.expect("readable");
                        let names = group.names.map(|naming| {
                            let naming = naming.expect("readable");
                            (naming.index, naming.name.to_owned())
                        });
                        (group.index, names.collect())
                    });
                    prop_assert_eq!(&groups.collect::<Groups>(), &indirect[i]);
                }
                (i, _) => return Err(TestCaseError::fail(format!("subsection {i}"))),
            }
        }
    }

    #[test]
    fn code_metadata_items(
        functions in vec((any::<u32>(), vec((any::<u32>(), vec(any::<u8>(), 0..4)), 0..4)), 0..5),
    ) {
        let items: Vec<Vec<MetadataItem<'_>>> = functions
            .iter()
            .map(|(_, items)| {
                let items = items.iter();
                items.map(|(offset, data)| MetadataItem { offset: *offset, data }).collect()
            })
            .collect();
        let said: Vec<(u32, &[MetadataItem<'_>])> = functions
            .iter()
            .zip(&items)
            .map(|((function, _), items)| (*function, &items[..]))
            .collect();
        let mut bytes = Vec::new();
        code_metadata::put_code_metadata(&mut bytes, &said);
        let ours = read(code_metadata::decode(Reader::new(&bytes)).expect("a count"));
        prop_assert_eq!(ours.len(), said.len());
        for (ours, (function, items)) in ours.into_iter().zip(said) {
            prop_assert_eq!(ours.function, function);
            prop_assert_eq!(read(ours.items), items);
        }
    }

    #[test]
    fn producers_fields(values in vec(vec((NAME, NAME), 0..5), 3)) {
        let fields = [
            producers::FIELD_LANGUAGE,
            producers::FIELD_PROCESSED_BY,
            producers::FIELD_SDK,
        ];
        let values: Vec<Vec<_>> = values
            .iter()
            .map(|field| {
                let values = field.iter();
                values.map(|(name, version)| ProducerValue { name, version }).collect()
            })
            .collect();
        let fields: Vec<(&str, &[ProducerValue<'_>])> =
            fields.into_iter().zip(values.iter().map(Vec::as_slice)).collect();
        let mut bytes = Vec::new();
        producers::put_producers(&mut bytes, &fields);

        let ours = read(producers::decode(Reader::new(&bytes)).expect("a count"));
        prop_assert_eq!(ours.len(), fields.len());
        for (ours, field) in ours.into_iter().zip(&fields) {
            prop_assert_eq!((ours.name, &read(ours.values)[..]), *field);
        }
        let theirs = wasmparser::ProducersSectionReader::new(BinaryReader::new(&bytes, 0));
        for (theirs, field) in theirs.expect("a count").into_iter().zip(&fields) {
            let theirs = theirs.expect("readable");
            let values = theirs.values.into_iter().map(|value| value.expect("readable"));
            let values = values.map(|value| ProducerValue {
                name: value.name,
                version: value.version,
            });
            prop_assert_eq!((theirs.name, &values.collect::<Vec<_>>()[..]), *field);
        }
    }

    #[test]
    fn features(features in vec((0..3usize, NAME), 0..20)) {
        let prefixes = [
            FeaturePrefix::Used,
            FeaturePrefix::Disallowed,
            FeaturePrefix::Required,
        ];
        let features: Vec<_> = features
            .iter()
            .map(|(prefix, name)| TargetFeature { prefix: prefixes[*prefix], name })
            .collect();
        let mut bytes = Vec::new();
        target_features::put_target_features(&mut bytes, &features);
        let ours = target_features::decode(Reader::new(&bytes)).expect("a count");
        prop_assert_eq!(read(ours), features);
    }

    #[test]
    fn build_ids(id in vec(any::<u8>(), 0..200)) {
        let mut bytes = Vec::new();
        build_id::put_build_id(&mut bytes, &id);
        prop_assert_eq!(build_id::decode(Reader::new(&bytes)), Ok(&id[..]));
        prop_assert!(bytes.ends_with(&id));
    }

    #[test]
    fn dylink_sections(
        info in prop::option::of(any::<[u32; 4]>()),
        needed in vec(NAME, 0..5),
        exports in vec((NAME, any::<u32>()), 0..5),
        imports in vec((NAME, NAME, any::<u32>()), 0..5),
        paths in vec(NAME, 0..5),
    ) {
        let mem_info = info.map(|[memory_size, memory_align_log2, table_size, table_align_log2]| {
            MemInfo { memory_size, memory_align_log2, table_size, table_align_log2 }
        });
        let needed: Vec<&str> = needed.iter().map(|name| &name[..]).collect();
        let paths: Vec<&str> = paths.iter().map(|name| &name[..]).collect();
        let exports: Vec<_> = exports
            .iter()
            .map(|(name, flags)| DylinkExport { name, flags: SymbolFlags(*flags) })
            .collect();
        let imports: Vec<_> = imports
            .iter()
            .map(|(module, field, flags)| DylinkImport { module, field, flags: SymbolFlags(*flags) })
            .collect();
        let mut bytes = Vec::new();
        DylinkSection {
            mem_info,
            needed: &needed,
            exports: &exports,
            imports: &imports,
            runtime_path: &paths,
        }
        .encode(&mut bytes);

        let lists = [needed.len(), exports.len(), imports.len(), paths.len()];
        let subsections =
            lists.iter().filter(|&&len| len > 0).count() + usize::from(mem_info.is_some());
        let ours = read(DylinkSection::decode(Reader::new(&bytes)));
        prop_assert_eq!(ours.len(), subsections);
        for subsection in ours {
            match subsection {
                DylinkSubsection::MemInfo(info) => prop_assert_eq!(Some(info), mem_info),
                DylinkSubsection::Needed(entries) => prop_assert_eq!(&read(entries), &needed),
                DylinkSubsection::ExportInfo(entries) => prop_assert_eq!(&read(entries), &exports),
                DylinkSubsection::ImportInfo(entries) => prop_assert_eq!(&read(entries), &imports),
                DylinkSubsection::RuntimePath(entries) => prop_assert_eq!(&read(entries), &paths),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }

        let theirs = wasmparser::Dylink0SectionReader::new(BinaryReader::new(&bytes, 0));
        for subsection in theirs {
            use wasmparser::Dylink0Subsection as Theirs;
            match subsection.expect("readable") {
                Theirs::MemInfo(theirs) => {
                    let numbers = [
                        theirs.memory_size,
                        theirs.memory_alignment,
                        theirs.table_size,
                        theirs.table_alignment,
                    ];
                    prop_assert_eq!(Some(numbers), info);
                }
                Theirs::Needed(theirs) => prop_assert_eq!(&theirs, &needed),
                Theirs::RuntimePath(theirs) => prop_assert_eq!(&theirs, &paths),
                Theirs::ExportInfo(theirs) => {
                    let theirs = theirs.into_iter().map(|export| DylinkExport {
                        name: export.name,
                        flags: SymbolFlags(export.flags.bits()),
                    });
                    prop_assert_eq!(&theirs.collect::<Vec<_>>(), &exports);
                }
                Theirs::ImportInfo(theirs) => {
                    let theirs = theirs.into_iter().map(|import| DylinkImport {
                        module: import.module,
                        field: import.field,
                        flags: SymbolFlags(import.flags.bits()),
                    });
                    prop_assert_eq!(&theirs.collect::<Vec<_>>(), &imports);
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
    }
}

/// No table has a limit but its bytes.
#[test]
fn a_million_symbols_are_read() {
    let symbols = vec![
        SymbolEntry {
            flags: SymbolFlags::UNDEFINED,
            name: None,
            target: SymbolTarget::Function(7),
        };
        1_000_000
    ];
    let mut bytes = Vec::new();
    LinkingSection {
        symbols: &symbols,
        ..LinkingSection::default()
    }
    .encode(&mut bytes);
    let mut subsections = LinkingSection::decode(Reader::new(&bytes)).expect("version 2");
    match subsections.next().expect("one").expect("readable") {
        Subsection::SymbolTable(entries) => {
            assert_eq!(entries.len(), symbols.len());
            assert_eq!(read(entries), symbols);
        }
        other => panic!("{other:?}"),
    }
}

/// A 64-bit segment is larger than 32 bits can say.
#[test]
fn data_symbols_have_64_bits() {
    let symbol = SymbolEntry {
        flags: SymbolFlags::NONE,
        name: Some("far"),
        target: SymbolTarget::Data(Some(DataRef {
            segment: 0,
            offset: u64::MAX,
            size: 1 << 40,
        })),
    };
    let mut bytes = Vec::new();
    symbol.encode(&mut bytes);
    assert_eq!(SymbolEntry::decode(&mut Reader::new(&bytes)), Ok(symbol));
}

#[test]
fn errors_say_what_and_where() {
    let error = |kind, offset| Err(DecodeError { offset, kind });

    // A version of the future.
    let found = LinkingSection::decode(Reader::at(&[3], 0x40)).map(|_| ());
    let kind = DecodeErrorKind::Version {
        what: "linking section",
        version: 3,
        expected: 2,
    };
    assert_eq!(found, error(kind, 0x40));

    // A count that is a lie is refused before anything is reserved for it.
    let found = target_features::decode(Reader::at(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], 0x40));
    let kind = DecodeErrorKind::CountTooLarge {
        what: "target feature",
        count: u64::from(u32::MAX),
        remaining: 1,
    };
    assert_eq!(found.map(|_| ()), error(kind, 0x40));

    // A prefix that has no meaning, in the second feature.
    let mut entries =
        target_features::decode(Reader::at(&[2, b'+', 1, b'a', b'*', 0], 0x40)).expect("a count");
    assert!(entries.next().expect("the first").is_ok());
    let kind = DecodeErrorKind::Unknown {
        what: "target feature prefix",
        value: u64::from(b'*'),
    };
    let found = entries.next().expect("the second").map(|_| ());
    assert_eq!(found, error(kind, 0x44));
    assert!(entries.next().is_none());

    // Bytes after the last entry.
    let mut entries = producers::decode(Reader::at(&[0, 9], 0x40)).expect("a count");
    let found = entries.next().expect("the rest").map(|_| ());
    let kind = DecodeErrorKind::TrailingBytes {
        what: "the last entry",
        remaining: 1,
    };
    assert_eq!(found, error(kind, 0x41));
    assert!(entries.next().is_none());

    // A subsection that says that it is longer than its section.
    let found = DylinkSection::decode(Reader::at(
        &[dylink::DylinkSubsectionId::Needed as u8, 5],
        0,
    ))
    .next()
    .expect("one")
    .map(|_| ());
    assert_eq!(found, error(DecodeErrorKind::UnexpectedEnd, 2));
}
