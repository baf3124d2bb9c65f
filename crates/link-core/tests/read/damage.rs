//! Objects that are damaged: what is said of each.

use link_core::input::{LoadedFiles, ParseOptions, parse_object};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, InitFunc, SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::reloc::RelocType;
use wasm_format::{
    ConstExpr, ConstOp, EntityType, ExternalKind, GlobalType, HeapType, Limits, Mutability,
    RefType, SectionId, Table, TableType, ValType,
};

use crate::common::{
    ObjectFile, RawSection, assemble, data_symbol, defines, import, reloc, symbol, undefined,
};
use crate::sample;

/// The message about `bytes`.
fn message(bytes: &[u8]) -> String {
    let files = LoadedFiles::new();
    match parse_object(&"bad.o".into(), bytes, ParseOptions::default(), &files) {
        Ok(object) => panic!("this should not parse: {object:?}"),
        Err(diagnostic) => diagnostic.to_string(),
    }
}

/// The message about the sample with some of what it has changed.
fn object(change: impl FnOnce(&mut ObjectFile<'static>)) -> String {
    let mut object = sample::object();
    change(&mut object);
    message(&object.build())
}

/// The message about the sample with its sections changed.
fn sections(change: impl FnOnce(&mut Vec<RawSection>)) -> String {
    let mut sections = sample::object().sections();
    change(&mut sections);
    message(&assemble(&sections))
}

/// The message about the sample with the body of one section changed.
fn body(id: SectionId, change: impl Fn(&mut Vec<u8>)) -> String {
    sections(|sections| {
        let section = sections.iter_mut().find(|section| section.id == id);
        change(&mut section.expect("the sample has it").body);
    })
}

fn custom(name: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    sections(|sections| {
        let section = sections.iter_mut().find(|section| section.is_custom(name));
        change(&mut section.expect("the sample has it").body);
    })
}

fn with_symbol(symbol: SymbolEntry<'static>) -> String {
    object(|object| object.symbols.push(symbol))
}

fn with_flags(flags: SymbolFlags, entry: SymbolEntry<'static>) -> String {
    with_symbol(SymbolEntry { flags, ..entry })
}

fn with_reloc(ty: RelocType, offset: u32, index: u32) -> String {
    object(|object| object.functions[0].relocs = vec![reloc(ty, offset, index)])
}

#[test]
fn framing() {
    let whole = sample::object().build();
    insta::assert_snapshot!(
        [
            message(b""),
            message(b"\0asm\x02\0\0\0"),
            message(&whole[..whole.len() - 1]),
            message(&whole[..9]),
            message(&[&whole[..], &[77, 0]].concat()),
            message(&[&whole[..], &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0]].concat()),
            message(&[&whole[..], &[0, 2, 1, 0xff]].concat()),
            sections(|sections| sections.swap(0, 1)),
            sections(|sections| sections.insert(1, sections[0].clone())),
            sections(|sections| {
                let linking = sections
                    .iter()
                    .find(|s| s.is_custom("linking"))
                    .unwrap()
                    .clone();
                sections.push(linking);
            }),
            sections(|sections| sections.retain(|section| !section.is_custom("linking"))),
            sections(|sections| sections.retain(|section| section.id != SectionId::Code)),
        ]
        .join("\n")
    );
}

#[test]
fn contents_of_sections() {
    insta::assert_snapshot!([
        body(SectionId::Type, |body| body[1] = 0x5f),
        body(SectionId::Type, |body| body[0] = 100),
        body(SectionId::Type, |body| body.push(0)),
        body(SectionId::Type, |body| *body = vec![1, 0x60, 1, 0x64, 0, 0]),
        body(SectionId::Type, |body| *body = vec![1, 0x60, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
        body(SectionId::Function, |body| body[1] = 9),
        body(SectionId::Function, |body| body[0] = 1),
        body(SectionId::Code, |body| *body.last_mut().unwrap() = 0),
        body(SectionId::Code, |body| body[1] = 0x7f),
        body(SectionId::Data, |body| body[1] = 9),
        body(SectionId::Data, |body| body[5] = 0x7f),
        body(SectionId::Data, |body| *body = vec![1, 2, 1, 0x41, 0, 0x0b, 0]),
        body(SectionId::DataCount, |body| body[0] = 7),
        body(SectionId::Export, |body| *body.last_mut().unwrap() = 50),
        object(|object| object.exports[0].index = 0),
        object(|object| object.exports[0].kind = ExternalKind::Tag),
        object(|object| object.imports.push(import("x", EntityType::Func(5)))),
        object(|object| object.tags[0] = 5),
        object(|object| object.globals[0].init = ConstExpr::new(&[ConstOp::GlobalGet(0)])),
        object(|object| object.globals[0].init = ConstExpr::i64(1)),
        object(|object| object.globals[0].init = ConstExpr::new(&[])),
        object(|object| object.globals[0].init = ConstExpr::new(&[ConstOp::I32Add])),
        object(|object| {
            object.globals[0].ty.value = ValType::FUNCREF;
            object.globals[0].init = ConstExpr::new(&[ConstOp::RefNull(HeapType::Extern)]);
        }),
        object(|object| {
            object.tables.push(Table {
                ty: TableType {
                    element: RefType::FUNCREF,
                    limits: Limits {
                        min: 2,
                        max: Some(1),
                        ..Limits::default()
                    },
                },
                init: None,
            });
        }),
        object(|object| object.function_names = Some(vec![(3, "nobody")])),
        sections(|sections| sections.push(RawSection::custom("producers", &[1, 1]))),
        sections(|sections| sections.push(RawSection::custom("target_features", &[1, b'?', 0]))),
    ]
    .join("\n"));
}

#[test]
fn symbols() {
    let local = SymbolFlags::BINDING_LOCAL;
    insta::assert_snapshot!(
        [
            with_symbol(symbol("f", SymbolTarget::Function(3))),
            with_symbol(symbol("f", SymbolTarget::Function(0))),
            with_symbol(undefined(SymbolTarget::Function(1))),
            with_symbol(symbol("g", SymbolTarget::Global(2))),
            with_symbol(symbol("t", SymbolTarget::Tag(u32::MAX))),
            with_symbol(symbol("t", SymbolTarget::Table(1))),
            with_symbol(data_symbol("d", 2, 0, 0)),
            with_symbol(data_symbol("d", 1, 9, 0)),
            with_flags(SymbolFlags::NONE, undefined(SymbolTarget::Section(0))),
            with_flags(local, undefined(SymbolTarget::Section(99))),
            object(|object| {
                object.symbols.remove(sample::TABLE as usize);
                let table = TableType {
                    element: RefType::EXTERNREF,
                    limits: Limits::default(),
                };
                object
                    .imports
                    .push(import("another", EntityType::Table(table)));
                object.segments.clear();
                object.customs.clear();
                object.functions[0].relocs.clear();
                object.symbols.retain(|symbol| {
                    !matches!(
                        symbol.target,
                        SymbolTarget::Data(_) | SymbolTarget::Section(_)
                    )
                });
            }),
            custom("linking", |body| body[8] = 3),
            custom("linking", |body| body[10] = 0x7f),
            custom("linking", |body| body[12] = 9),
            custom("linking", |body| {
                let subsection = body[9..].to_vec();
                body.extend(subsection);
            }),
        ]
        .join("\n")
    );
}

#[test]
fn segments_init_functions_and_comdats() {
    let member =
        |kind, index| object(|object| object.comdats[0].2 = vec![ComdatEntry { kind, index }]);
    insta::assert_snapshot!(
        [
            object(|object| object.segments[0].align_log2 = 32),
            object(|object| {
                object.init_funcs = vec![InitFunc {
                    priority: 1,
                    symbol: 99,
                }];
            }),
            object(|object| {
                object.init_funcs = vec![InitFunc {
                    priority: 1,
                    symbol: sample::GREETING,
                }];
            }),
            object(|object| object.comdats[0].1 = 1),
            object(|object| {
                let again = object.comdats[0].clone();
                object.comdats.push(again);
            }),
            member(ComdatKind::Function, 0),
            member(ComdatKind::Function, 3),
            member(ComdatKind::Data, 2),
            member(ComdatKind::Section, 0),
            member(ComdatKind::Section, 99),
            member(ComdatKind::Global, 0),
        ]
        .join("\n")
    );
}

#[test]
fn relocations() {
    use RelocType as R;
    let target = |section: u8| custom("reloc.CODE", |body| body[11] = section);
    insta::assert_snapshot!(
        [
            with_reloc(R::FunctionIndexLeb, 1, 99),
            with_reloc(R::FunctionIndexLeb, 1, sample::GREETING),
            with_reloc(R::MemoryAddrSleb, 1, sample::MAIN),
            with_reloc(R::GlobalIndexLeb, 1, sample::TABLE),
            with_reloc(R::GlobalIndexI32, 1, sample::MAIN),
            with_reloc(R::TableNumberLeb, 1, sample::MAIN),
            with_reloc(R::TagIndexLeb, 1, sample::MAIN),
            with_reloc(R::SectionOffsetI32, 1, sample::MAIN),
            with_reloc(R::TypeIndexLeb, 1, 2),
            with_reloc(R::FunctionIndexLeb, 17, sample::MAIN),
            with_reloc(R::FunctionIndexLeb, 0x00ff_ffff, sample::MAIN),
            object(|object| object.functions[0].relocs.swap(0, 1)),
            object(|object| object.functions[0].relocs[1].offset = 3),
            object(|object| object.segments[0].relocs = vec![reloc(R::MemoryAddrI32, 10, 3)]),
            object(|object| object.customs[1].relocs = vec![reloc(R::FunctionIndexI32, 1, 0)]),
            target(0),
            target(77),
            target(8),
            custom("reloc.CODE", |body| body[12] = 0x7f),
            custom("reloc.CODE", |body| body[13] = 99),
            custom("reloc.CODE", |body| body.push(0)),
            custom("reloc.CODE", |body| body.truncate(body.len() - 1)),
            sections(|sections| {
                let relocs = sections
                    .iter()
                    .find(|s| s.is_custom("reloc.CODE"))
                    .unwrap()
                    .clone();
                sections.push(relocs);
            }),
        ]
        .join("\n")
    );
}

#[test]
fn references_to_types_of_the_file() {
    let reference = RefType {
        nullable: true,
        heap: wasm_format::HeapType::Concrete(0),
    };
    let mut object = defines("f");
    object.imports = vec![import(
        "g",
        EntityType::Global(GlobalType {
            value: ValType::Ref(reference),
            mutability: Mutability::Const,
        }),
    )];
    insta::assert_snapshot!(message(&object.build()));
}
