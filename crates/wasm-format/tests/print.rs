//! What a user would look at: each section alone, as `wasmprinter` prints it, under a
//! listing of its bytes.

use std::fmt::Write as _;

use wasm_format::dylink::{DylinkExport, DylinkImport, DylinkSection, MemInfo};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, CommonRef, DataRef, InitFunc, LINKING_SECTION, LinkingSection,
    SegmentFlags, SegmentInfo, SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::names::{NAME_SECTION, NameSubsectionId, Naming};
use wasm_format::producers::{PRODUCERS_SECTION, ProducerValue};
use wasm_format::reloc::{RelocEntry, RelocSection, RelocType};
use wasm_format::target_features::{FeaturePrefix, TARGET_FEATURES_SECTION, TargetFeature};
use wasm_format::{
    ConstExpr, ConstOp, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment,
    EntityType, Export, ExternalKind, FuncType, Global, GlobalType, HeapType, Import, Limits,
    MODULE_HEADER, Mutability, Opcode, RefType, SectionId, Table, TableType, ValType, build_id,
    dylink, leb128, names, producers, put_custom_section, put_data_count_section,
    put_function_body, put_start_section, put_tag, put_vector_section, target_features,
};

/// The sections of `module` by their ids, each with its contents in hexadecimal, and the
/// module as text.
fn show(sections: &[u8]) -> String {
    let module = [&MODULE_HEADER, sections].concat();
    let mut out = String::new();
    let mut reader = wasm_format::Reader::at(sections, MODULE_HEADER.len());
    while !reader.is_empty() {
        let id = SectionId::from_u8(reader.u8().expect("an id")).expect("a known id");
        let body = reader.byte_vec().expect("a body");
        writeln!(out, "{} ({} bytes)", id.name(), body.len()).expect("a string");
        for line in body.chunks(16) {
            let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let text: String = line
                .iter()
                .map(|&byte| match byte {
                    b' '..=b'~' => char::from(byte),
                    _ => '.',
                })
                .collect();
            writeln!(out, "    {:47}  {text}", hex.join(" ")).expect("a string");
        }
    }
    out + &wasmprinter::print_bytes(&module).expect("printable")
}

fn vector(id: SectionId, count: u32, items: &[u8]) -> String {
    let mut out = Vec::new();
    put_vector_section(&mut out, id, count, items);
    show(&out)
}

fn custom(name: &str, body: &[u8]) -> String {
    let mut out = Vec::new();
    put_custom_section(&mut out, name, body);
    show(&out)
}

const POINTER: GlobalType = GlobalType {
    value: ValType::I32,
    mutability: Mutability::Var,
};

const MEMORY: Limits = Limits {
    min: 2,
    max: Some(16),
    shared: true,
    is_64: false,
    page_size_log2: None,
};

const TABLE: TableType = TableType {
    element: RefType::FUNCREF,
    limits: Limits {
        min: 3,
        max: None,
        shared: false,
        is_64: false,
        page_size_log2: None,
    },
};

#[test]
fn types() {
    let mut items = Vec::new();
    FuncType::default().encode(&mut items);
    FuncType::new([ValType::I32, ValType::I64, ValType::F32], [ValType::F64]).encode(&mut items);
    let concrete = RefType {
        nullable: false,
        heap: HeapType::Concrete(0),
    };
    FuncType::new(
        [ValType::V128, ValType::FUNCREF, ValType::Ref(concrete)],
        [ValType::EXTERNREF, ValType::Ref(RefType::EXNREF)],
    )
    .encode(&mut items);
    insta::assert_snapshot!(vector(SectionId::Type, 3, &items));
}

#[test]
fn imports() {
    let mut items = Vec::new();
    let entities = [
        ("puts", EntityType::Func(0)),
        ("__indirect_function_table", EntityType::Table(TABLE)),
        ("memory", EntityType::Memory(MEMORY)),
        ("__stack_pointer", EntityType::Global(POINTER)),
    ];
    let mut types = Vec::new();
    FuncType::default().encode(&mut types);
    for (field, ty) in entities {
        Import {
            module: "env",
            field,
            ty,
        }
        .encode(&mut items);
    }
    let tag = EntityType::Tag(0);
    Import {
        module: "env",
        field: "__cpp_exception",
        ty: tag,
    }
    .encode(&mut items);
    let mut out = Vec::new();
    put_vector_section(&mut out, SectionId::Type, 1, &types);
    put_vector_section(&mut out, SectionId::Import, 5, &items);
    insta::assert_snapshot!(show(&out));
}

#[test]
fn functions_and_code() {
    let mut types = Vec::new();
    FuncType::new([ValType::I32], [ValType::I32]).encode(&mut types);
    let mut out = Vec::new();
    put_vector_section(&mut out, SectionId::Type, 1, &types);
    put_vector_section(&mut out, SectionId::Function, 1, &[0]);
    let mut code = Vec::new();
    for opcode in [Opcode::LocalGet, Opcode::LocalGet] {
        opcode.encode(&mut code);
        leb128::put_u32(&mut code, 0);
    }
    Opcode::I32Add.encode(&mut code);
    Opcode::Call.encode(&mut code);
    leb128::put_u32_fixed(&mut code, 0);
    Opcode::I32Extend8S.encode(&mut code);
    Opcode::End.encode(&mut code);
    let mut bodies = Vec::new();
    put_function_body(&mut bodies, &[(2, ValType::I32), (1, ValType::V128)], &code);
    put_vector_section(&mut out, SectionId::Code, 1, &bodies);
    insta::assert_snapshot!(show(&out));
}

#[test]
fn tables() {
    let mut items = Vec::new();
    Table {
        ty: TABLE,
        init: None,
    }
    .encode(&mut items);
    let init = Some(ConstExpr::from(ConstOp::RefNull(HeapType::Func)));
    Table { ty: TABLE, init }.encode(&mut items);
    insta::assert_snapshot!(vector(SectionId::Table, 2, &items));
}

#[test]
fn memories() {
    let mut items = Vec::new();
    MEMORY.encode(&mut items);
    let bytes = Limits {
        min: 1 << 33,
        is_64: true,
        page_size_log2: Some(0),
        ..Limits::default()
    };
    bytes.encode(&mut items);
    insta::assert_snapshot!(vector(SectionId::Memory, 2, &items));
}

#[test]
fn tags() {
    let mut types = Vec::new();
    FuncType::new([ValType::I32], []).encode(&mut types);
    let mut out = Vec::new();
    put_vector_section(&mut out, SectionId::Type, 1, &types);
    let mut items = Vec::new();
    put_tag(&mut items, 0);
    put_vector_section(&mut out, SectionId::Tag, 1, &items);
    insta::assert_snapshot!(show(&out));
}

#[test]
fn globals() {
    let constant = |value| GlobalType {
        value,
        mutability: Mutability::Const,
    };
    let mut items = Vec::new();
    let extended = [
        ConstOp::GlobalGet(0),
        ConstOp::I32Const(-16),
        ConstOp::I32Add,
    ];
    for (ty, init) in [
        (POINTER, ConstExpr::i32(65_536)),
        (constant(ValType::I32), ConstExpr::new(&extended)),
        (constant(ValType::I64), ConstExpr::address(1 << 40, true)),
        (
            constant(ValType::F32),
            ConstOp::F32Const(1.5f32.to_bits()).into(),
        ),
        (
            constant(ValType::F64),
            ConstOp::F64Const((-0.25f64).to_bits()).into(),
        ),
        (constant(ValType::V128), ConstOp::V128Const([7; 16]).into()),
        (
            constant(ValType::FUNCREF),
            ConstOp::RefNull(HeapType::Func).into(),
        ),
    ] {
        Global { ty, init }.encode(&mut items);
    }
    insta::assert_snapshot!(vector(SectionId::Global, 7, &items));
}

#[test]
fn exports() {
    let mut items = Vec::new();
    for (name, kind) in [
        ("_start", ExternalKind::Func),
        ("table", ExternalKind::Table),
        ("memory", ExternalKind::Memory),
        ("__heap_base", ExternalKind::Global),
        ("tag", ExternalKind::Tag),
    ] {
        Export {
            name,
            kind,
            index: 0,
        }
        .encode(&mut items);
    }
    insta::assert_snapshot!(vector(SectionId::Export, 5, &items));
}

#[test]
fn start() {
    let mut out = Vec::new();
    put_start_section(&mut out, 300);
    insta::assert_snapshot!(show(&out));
}

#[test]
fn elements() {
    let mut items = Vec::new();
    let exprs = [ConstOp::RefFunc(4), ConstOp::RefNull(HeapType::Func)].map(ConstExpr::from);
    let active = |table| ElementMode::Active {
        table,
        offset: ConstExpr::i32(1),
    };
    let functions = ElementItems::Functions(&[4, 300]);
    let references = ElementItems::Exprs(RefType::FUNCREF, &exprs);
    let mut count = 0;
    for mode in [
        active(0),
        active(1),
        ElementMode::Passive,
        ElementMode::Declared,
    ] {
        for contents in [functions, references] {
            ElementSegment {
                mode,
                items: contents,
            }
            .encode(&mut items);
            count += 1;
        }
    }
    insta::assert_snapshot!(vector(SectionId::Element, count, &items));
}

#[test]
fn data() {
    let mut out = Vec::new();
    put_data_count_section(&mut out, 3);
    let mut items = Vec::new();
    let active = |memory| DataMode::Active {
        memory,
        offset: ConstExpr::i32(1024),
    };
    for (mode, bytes) in [
        (active(0), &b"hello"[..]),
        (active(1), b"\0\x01"),
        (DataMode::Passive, b"thread"),
    ] {
        DataSegment { mode, bytes }.encode(&mut items);
    }
    put_vector_section(&mut out, SectionId::Data, 3, &items);
    insta::assert_snapshot!(show(&out));
}

#[test]
fn name_section() {
    let mut body = Vec::new();
    names::put_module_name(&mut body, "a.wasm");
    let main = [Naming {
        index: 0,
        name: "main",
    }];
    for id in NameSubsectionId::ALL {
        if id.is_indirect() {
            names::put_indirect_name_map(&mut body, id, [(0, main)]);
        } else if id != NameSubsectionId::Module {
            names::put_name_map(&mut body, id, main);
        }
    }
    insta::assert_snapshot!(custom(NAME_SECTION, &body));
}

#[test]
fn producers_section() {
    let value = |name, version| ProducerValue { name, version };
    let mut body = Vec::new();
    producers::put_producers(
        &mut body,
        &[
            ("language", &[value("C11", "")]),
            (
                "processed-by",
                &[value("clang", "19.1.7"), value("rustc", "1.95.0")],
            ),
        ],
    );
    insta::assert_snapshot!(custom(PRODUCERS_SECTION, &body));
}

#[test]
fn target_features_section() {
    let feature = |prefix, name| TargetFeature { prefix, name };
    let mut body = Vec::new();
    target_features::put_target_features(
        &mut body,
        &[
            feature(FeaturePrefix::Used, "bulk-memory"),
            feature(FeaturePrefix::Disallowed, "shared-mem"),
            feature(FeaturePrefix::Required, "atomics"),
        ],
    );
    insta::assert_snapshot!(custom(TARGET_FEATURES_SECTION, &body));
}

#[test]
fn dylink_section() {
    let mut body = Vec::new();
    DylinkSection {
        mem_info: Some(MemInfo {
            memory_size: 4096,
            memory_align_log2: 4,
            table_size: 2,
            table_align_log2: 0,
        }),
        needed: &["libc.so"],
        exports: &[DylinkExport {
            name: "errno",
            flags: SymbolFlags::TLS,
        }],
        imports: &[DylinkImport {
            module: "env",
            field: "optional",
            flags: SymbolFlags::BINDING_WEAK | SymbolFlags::UNDEFINED,
        }],
        runtime_path: &["/lib"],
    }
    .encode(&mut body);
    insta::assert_snapshot!(custom(dylink::DYLINK_SECTION, &body));
}

#[test]
fn build_id_section() {
    let mut body = Vec::new();
    build_id::put_build_id(&mut body, &[0xde, 0xad, 0xbe, 0xef]);
    insta::assert_snapshot!(custom(build_id::BUILD_ID_SECTION, &body));
}

#[test]
fn common_symbol() {
    let mut body = Vec::new();
    LinkingSection {
        symbols: &[SymbolEntry {
            flags: SymbolFlags::BINDING_COMMON | SymbolFlags::VISIBILITY_HIDDEN,
            name: Some("errors"),
            target: SymbolTarget::Common(CommonRef {
                size: 300,
                align_log2: 4,
            }),
        }],
        ..LinkingSection::default()
    }
    .encode(&mut body);
    insta::assert_snapshot!(custom(LINKING_SECTION, &body));
}

#[test]
fn linking_section() {
    let mut body = Vec::new();
    LinkingSection {
        segments: &[SegmentInfo {
            name: ".rodata.str",
            align_log2: 0,
            flags: SegmentFlags::STRINGS,
        }],
        init_funcs: &[InitFunc {
            priority: 65_535,
            symbol: 0,
        }],
        comdats: &[(
            "inline",
            0,
            &[ComdatEntry {
                kind: ComdatKind::Function,
                index: 1,
            }],
        )],
        symbols: &[
            SymbolEntry {
                flags: SymbolFlags::VISIBILITY_HIDDEN,
                name: Some("main"),
                target: SymbolTarget::Function(1),
            },
            SymbolEntry {
                flags: SymbolFlags::UNDEFINED,
                name: None,
                target: SymbolTarget::Function(0),
            },
            SymbolEntry {
                flags: SymbolFlags::BINDING_LOCAL,
                name: Some("message"),
                target: SymbolTarget::Data(Some(DataRef {
                    segment: 0,
                    offset: 0,
                    size: 6,
                })),
            },
        ],
    }
    .encode(&mut body);
    insta::assert_snapshot!(custom(LINKING_SECTION, &body));
}

#[test]
fn reloc_section() {
    let mut body = Vec::new();
    let entry = |ty, offset, addend| RelocEntry {
        ty,
        offset,
        index: 1,
        addend,
    };
    let entries = [
        entry(RelocType::FunctionIndexLeb, 5, 0),
        entry(RelocType::MemoryAddrSleb, 200, -8),
    ];
    RelocSection::encode(3, &entries, &mut body);
    insta::assert_snapshot!(custom("reloc.CODE", &body));
}
