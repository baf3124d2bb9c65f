//! Objects that are good.

use std::fmt::Write as _;

use link_core::ids::ObjFunc;
use link_core::input::object::{Chunk, ObjTarget, Object, Relocs};
use link_core::input::{LoadedFiles, ParseOptions, parse_object};
use wasm_format::linking::{SymbolFlags, SymbolTarget};
use wasm_format::reloc::RelocType;
use wasm_format::{EntityType, FuncType, Limits, RefType, SectionId, TableType, ValType};

use crate::common::{ObjectFile, assemble, defines, import, reloc, symbol};
use crate::sample;

fn parse<'a>(bytes: &'a [u8], files: &'a LoadedFiles, strip_debug: bool) -> Object<'a> {
    let options = ParseOptions {
        strip_debug,
        ..ParseOptions::default()
    };
    match parse_object(&"sample.o".into(), bytes, options, files) {
        Ok(object) => object,
        Err(diagnostic) => panic!("{diagnostic}"),
    }
}

fn relocs(text: &mut String, chunk: Chunk<'_>) {
    for reloc in chunk.relocs.iter() {
        let (offset, ty, target) = (reloc.offset, reloc.ty.name(), reloc.target);
        writeln!(text, "  {offset:#x} {ty} {target} + {}", reloc.addend).unwrap();
    }
}

fn describe(object: &Object<'_>) -> String {
    let mut text = String::new();
    let out = &mut text;
    writeln!(out, "{} 64-bit: {:?}", object.name, object.is_64).unwrap();
    for ty in &object.types {
        writeln!(out, "type {ty:x?}").unwrap();
    }
    for s in object.symbols.iter() {
        let called = if s.called_directly { " called" } else { "" };
        let target = match object.symbols.target(s) {
            ObjTarget::Undefined { what, .. } => {
                format!("Undefined({:?})", object.undefined[what.index()])
            }
            defined => format!("{defined:?}"),
        };
        writeln!(out, "symbol {} {:#x} {target}{called}", s.name, s.flags().0).unwrap();
    }
    for f in object.functions.ids() {
        let chunk = object.functions.chunk(f);
        let Relocs::Encoded { chunk_start, .. } = chunk.relocs else {
            panic!("relocations of a file are encoded");
        };
        writeln!(
            out,
            "function {:?} {:?} export {:?} debug {:?} comdat {:?} at {:#x}: {} bytes",
            object.function_name(f),
            object.functions[f].ty,
            object.functions.export_name(f),
            object.functions.debug_name(f),
            object.functions[f].comdat(),
            chunk_start,
            chunk.bytes.len()
        )
        .unwrap();
        relocs(out, chunk);
    }
    for s in &object.segments {
        writeln!(
            out,
            "segment {:?} align {} flags {:#x}: {:?}",
            s.name,
            s.align_log2,
            s.flags.0,
            String::from_utf8_lossy(s.chunk.bytes)
        )
        .unwrap();
        relocs(out, s.chunk);
    }
    for c in &object.customs {
        writeln!(out, "custom {:?}: {} bytes", c.name, c.chunk.bytes.len()).unwrap();
        relocs(out, c.chunk);
    }
    for g in &object.globals {
        writeln!(out, "global {:?} {:?} = {:x?}", g.name, g.ty, g.init).unwrap();
    }
    for t in &object.tags {
        writeln!(out, "tag {:?} {:?}", t.name, t.ty).unwrap();
    }
    for i in &object.init_funcs {
        writeln!(out, "init {:?} priority {}", i.symbol, i.priority).unwrap();
    }
    let comdats: Vec<_> = object.comdats.names(&object.symbols).collect();
    writeln!(out, "comdats {comdats:?}").unwrap();
    text
}

#[test]
fn everything_an_object_has() {
    let files = LoadedFiles::new();
    let bytes = sample::object().build();
    insta::assert_snapshot!(describe(&parse(&bytes, &files, false)));
}

#[test]
fn debug_sections_are_left_out_when_stripped() {
    let files = LoadedFiles::new();
    let mut sections = sample::object().sections();
    // Not even looked at: these relocations are garbage.
    for section in &mut sections {
        if section.is_custom("reloc..debug_info") {
            section.body.truncate(20);
        }
    }
    let bytes = assemble(&sections);
    let object = parse(&bytes, &files, true);
    let names: Vec<_> = object.customs.iter().map(|custom| custom.name).collect();
    assert_eq!(names, ["my section"]);
    let section = object.symbols[sample::DEBUG_INFO as usize];
    assert_eq!(section.name, ".debug_info");
    assert_eq!(
        format!("{:?}", object.symbols.target(&section)),
        "Section(None)"
    );
}

#[test]
fn types_are_canonical_whatever_the_file_has() {
    let files = LoadedFiles::new();
    let mut sections = defines("f").sections();
    // (func (param funcref)) with a count of two bytes and the long form of funcref.
    sections[0].body = vec![1, 0x60, 0x81, 0, 0x63, 0x70, 0];
    let bytes = assemble(&sections);
    let mut canonical = Vec::new();
    FuncType::new([ValType::FUNCREF], []).encode(&mut canonical);
    assert_eq!(parse(&bytes, &files, false).types, [&canonical[..]]);
}

#[test]
fn a_table_without_symbol_gets_one() {
    let files = LoadedFiles::new();
    let object = ObjectFile {
        imports: vec![import(
            "__indirect_function_table",
            EntityType::Table(TableType {
                element: RefType::FUNCREF,
                limits: Limits::default(),
            }),
        )],
        ..defines("f")
    };
    let bytes = object.build();
    let object = parse(&bytes, &files, false);
    let table = object.symbols.last().unwrap();
    assert_eq!(table.name, "__indirect_function_table");
    assert_eq!(
        table.flags(),
        SymbolFlags::UNDEFINED | SymbolFlags::NO_STRIP
    );
}

#[test]
fn address_width_comes_from_the_memory_or_else_from_the_code() {
    let files = LoadedFiles::new();
    let limits = |is_64| Limits {
        is_64,
        ..Limits::default()
    };
    let address = |ty, len: usize| {
        let mut object = defines("f");
        object.functions[0].code = vec![0; len];
        object.functions[0].code.push(0x0b);
        object.functions[0].relocs = vec![reloc(ty, 0, 1)];
        object.symbols.push(wasm_format::linking::SymbolEntry {
            flags: SymbolFlags::UNDEFINED,
            name: Some("datum"),
            target: SymbolTarget::Data(None),
        });
        object
    };
    for (object, expected) in [
        (defines("f"), None),
        (address(RelocType::MemoryAddrLeb, 5), Some(false)),
        (address(RelocType::MemoryAddrSleb64, 10), Some(true)),
        (
            ObjectFile {
                imports: vec![import("m", EntityType::Memory(limits(true)))],
                ..defines("f")
            },
            Some(true),
        ),
        (
            ObjectFile {
                memories: vec![limits(false)],
                ..defines("f")
            },
            Some(false),
        ),
    ] {
        assert_eq!(parse(&object.build(), &files, false).is_64, expected);
    }
}

#[test]
fn the_first_symbol_names_a_function() {
    let files = LoadedFiles::new();
    let mut object = defines("first");
    object
        .symbols
        .push(symbol("alias", SymbolTarget::Function(0)));
    let bytes = object.build();
    assert_eq!(
        parse(&bytes, &files, false).function_name(ObjFunc(0)),
        "first"
    );
}

#[test]
fn more_functions_than_validators_allow() {
    let files = LoadedFiles::new();
    let mut object = defines("f");
    let one = object.functions[0].clone();
    object.functions = vec![one; 1_100_000];
    let bytes = object.build();
    assert_eq!(parse(&bytes, &files, false).functions.len(), 1_100_000);
}

#[test]
fn custom_sections_may_stand_anywhere() {
    let files = LoadedFiles::new();
    let mut sections = defines("f").sections();
    let linking = sections.pop().unwrap();
    assert_eq!(linking.id, SectionId::Custom);
    sections.insert(0, linking);
    let bytes = assemble(&sections);
    assert_eq!(parse(&bytes, &files, false).symbols.len(), 1);
}
