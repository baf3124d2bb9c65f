//! What no module may have, and what is valid but more than engines take: the engine refuses
//! both, where it is said or when the module is written.

use std::fmt::Write;

use link_core::module::{
    DataDef, ElementDef, ElementMode, FunctionBody, GlobalDef, Init, MemoryDef, Module,
    ModuleError, ModuleOptions, RawType, TableDef, TagDef, Target,
};
use link_core::reloc::Reloc;
use wasm_format::reloc::RelocType;
use wasm_format::{
    FuncType, GlobalType, HeapType, Limits, Mutability, RefType, TableType, ValType,
};

use crate::support::{I32, constant, flush, function, problems, text, ty};

fn memory64(memory64: bool) -> Module {
    let mut options = ModuleOptions::default();
    options.memory64 = memory64;
    Module::new(options)
}

/// A line for what was refused, none for what was not.
fn note<T>(text: &mut String, what: &str, outcome: Result<T, ModuleError>) {
    match outcome {
        Ok(_) => writeln!(text, "{what}: fine"),
        Err(error) => writeln!(text, "{what}: {error}"),
    }
    .unwrap();
}

fn limits(min: u64, max: impl Into<Option<u64>>) -> Limits {
    Limits {
        min,
        max: max.into(),
        ..Limits::default()
    }
}

#[test]
fn memories_are_no_larger_than_addresses_reach() {
    let mut text = String::new();
    for is_64 in [false, true] {
        let mut module = memory64(is_64);
        let memory = module.announce_memory("memory").unwrap();
        let bytes = |limits| Limits {
            page_size_log2: Some(0),
            ..limits
        };
        let (most, bytes_32) = (1 << 16, u64::from(u32::MAX));
        let engines = (1 << 37) - 1;
        for (what, limits) in [
            ("all of 32 bits", limits(most, most)),
            ("minimum", limits(most + 1, None)),
            ("maximum", limits(1, most + 1)),
            ("all of 32 bits in bytes", bytes(limits(bytes_32, bytes_32))),
            ("minimum in bytes", bytes(limits(bytes_32 + 1, None))),
            ("maximum in bytes", bytes(limits(0, bytes_32 + 1))),
            ("as engines take", limits(1, engines)),
            ("more than engines take", limits(1, engines + 1)),
            ("minimum of 64 bits", limits(1 << 48, None)),
            ("beyond 64 bits", limits((1 << 48) + 1, None)),
            ("more bytes than engines take", bytes(limits(1 << 53, None))),
            ("fewer at most", limits(2, 1)),
            ("shared", {
                let mut limits = limits(1, None);
                limits.shared = true;
                limits
            }),
            ("pages of 4 KiB", {
                let mut limits = limits(1, None);
                limits.page_size_log2 = Some(12);
                limits
            }),
            ("huge pages", {
                let mut limits = limits(1, None);
                limits.page_size_log2 = Some(64);
                limits
            }),
        ] {
            let updated = module.update(memory, MemoryDef { limits });
            if updated.is_ok() {
                flush(&module);
            }
            note(&mut text, &format!("{what} ({is_64})"), updated);
        }
    }
    insta::assert_snapshot!(text);
}

/// The address that follows the last one is none, and of pages of one byte there is one less.
#[test]
fn data_ends_where_addresses_end() {
    let mut module = Module::default();
    let memory = module.announce_memory("memory").unwrap();
    let bytes = Limits {
        page_size_log2: Some(0),
        ..Limits::default()
    };
    let data = module.announce_data("data").unwrap();
    let half = module.announce_data("half").unwrap();
    module.update(half, DataDef::zeroed(1 << 31)).unwrap();
    module
        .update(data, DataDef::zeroed((1 << 31) - 1024))
        .unwrap();
    let whole = MemoryDef::default();
    module.update(memory, whole).unwrap();
    assert!(text(&module).contains("(memory $memory (;0;) 65536)"));
    module.update(memory, MemoryDef { limits: bytes }).unwrap();
    assert_eq!(
        problems(&module),
        "data ends at 0x100000000, beyond the 0xffffffff bytes that a memory can have"
    );
    module
        .update(data, DataDef::zeroed((1 << 31) - 1025))
        .unwrap();
    assert!(text(&module).contains("(memory $memory (;0;) 4294967295 (pagesize 0x1))"));

    module.update(memory, MemoryDef::default()).unwrap();
    module
        .update(data, DataDef::zeroed((1 << 31) - 1024))
        .unwrap();
    let empty = module.announce_data("empty").unwrap();
    module.update(empty, DataDef::zeroed(0)).unwrap();
    module.set_exports(empty, ["empty"]).unwrap();
    assert_eq!(
        problems(&module),
        "data ends at 0x100000001, beyond the 0x100000000 bytes that a memory can have"
    );
}

fn table(element: RefType, limits: Limits) -> TableDef {
    let ty = TableType { element, limits };
    TableDef { ty }
}

#[test]
fn tables_are_no_larger_than_indices_reach() {
    let mut text = String::new();
    let mut module = Module::default();
    let own = module.announce_table("own").unwrap();
    let imported = module.announce_imported_table("imported").unwrap();
    let wide = |limits| Limits {
        is_64: true,
        ..limits
    };
    let all = u64::from(u32::MAX);
    let mut shared = limits(1, 1);
    shared.shared = true;
    let mut pages = limits(1, 1);
    pages.page_size_log2 = Some(0);
    let never_null = RefType {
        nullable: false,
        heap: HeapType::Func,
    };
    let func = RefType::FUNCREF;
    for (what, element, limits) in [
        ("all of 32 bits", func, limits(1, all)),
        ("maximum", func, limits(1, all + 1)),
        ("minimum", func, limits(all + 1, None)),
        ("all of 64 bits", func, wide(limits(1, u64::MAX))),
        ("as engines take", func, limits(10_000_000, None)),
        ("more than engines take", func, limits(10_000_001, None)),
        ("more of 64 bits", func, wide(limits(10_000_001, None))),
        ("fewer at most", func, limits(2, 1)),
        ("shared", func, shared),
        ("with pages", func, pages),
        ("never null", never_null, limits(1, None)),
        ("elsewhere", RefType::EXTERNREF, limits(0, None)),
    ] {
        for id in [own, imported] {
            let updated = module.update(id, table(element, limits));
            note(&mut text, what, updated);
        }
        let complete = module.update(own, table(func, limits_of_one())).is_ok()
            && module.update(imported, table(element, limits)).is_ok();
        if complete {
            flush(&module);
        }
    }
    insta::assert_snapshot!(text);
}

fn limits_of_one() -> Limits {
    limits(1, None)
}

#[test]
fn element_segments_fit_their_tables() {
    let mut module = Module::default();
    let f = function(&mut module, "f", constant(1));
    let own = module.announce_table("t").unwrap();
    module
        .update(own, table(RefType::FUNCREF, limits(1, None)))
        .unwrap();
    let fill = |module: &mut Module, table, offset| {
        let mode = ElementMode::Active { table, offset };
        let functions = vec![f];
        module.add_element(ElementDef { mode, functions }).unwrap()
    };
    let mut text = String::new();
    for offset in [9_999_999, 10_000_000, u64::from(u32::MAX), u64::MAX] {
        let element = fill(&mut module, own, offset);
        let flushed = module.flush();
        writeln!(
            text,
            "{offset}: {:?}",
            flushed.map(|_| ()).map_err(|e| e.to_string())
        )
        .unwrap();
        module.remove_element(element).unwrap();
    }
    let functions = module.function_table().unwrap();
    let element = fill(&mut module, functions, u64::MAX);
    writeln!(text, "{}", problems(&module)).unwrap();
    module.remove_element(element).unwrap();

    module
        .update(own, table(RefType::EXTERNREF, limits(1, None)))
        .unwrap();
    let element = fill(&mut module, own, 0);
    writeln!(text, "{}", problems(&module)).unwrap();
    module.remove_element(element).unwrap();
    flush(&module);
    // One of the caller's that addresses of functions fill.
    module.free(functions).unwrap();
    let functions = module.announce_table("__indirect_function_table").unwrap();
    module
        .update(functions, table(RefType::EXTERNREF, limits(1, None)))
        .unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.function_address(f).end();
    function(&mut module, "g", body);
    writeln!(text, "{}", problems(&module)).unwrap();
    insta::assert_snapshot!(text);

    let functions = vec![f; 10_000_001];
    let mode = ElementMode::Passive;
    let error = module
        .add_element(ElementDef { mode, functions })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "element segment `1`: 10000001 items of an element segment, but engines take no more \
         than 10000000"
    );
}

fn global(value: ValType, init: Init) -> GlobalDef {
    GlobalDef {
        ty: GlobalType {
            value,
            mutability: Mutability::Const,
        },
        init: Some(init),
    }
}

#[test]
fn initial_values_are_constant() {
    let mut module = Module::default();
    let id = module.announce_global("g").unwrap();
    let f = function(&mut module, "f", constant(1));
    let data = module.announce_data("data").unwrap();
    module.update(data, DataDef::fixed(b"x")).unwrap();
    let mut text = String::new();
    let func = ValType::FUNCREF;
    let hole = |offset, ty, target: Target| Reloc {
        offset,
        ty,
        target,
        addend: 0,
    };
    // (struct)
    let [own] = module
        .raw_types(|_| RawType {
            bytes: vec![0x5f, 0],
            holes: Vec::new(),
        })
        .unwrap();
    let null = || {
        let bytes = [0xd0, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
        Init::encoded(&bytes, [hole(1, RelocType::TypeIndexLeb, own.into())])
    };
    let any = |nullable| {
        let heap = HeapType::Any;
        ValType::Ref(RefType { nullable, heap })
    };
    let encoded = |bytes: &[u8]| Init::encoded(bytes, []);
    let in_place = |offset, ty, target: Target| {
        let bytes = [0xd2, 0x80, 0x80, 0x80, 0x80, 0, 0x0b];
        Init::encoded(&bytes, [hole(offset, ty, target)])
    };
    for (what, value, init) in [
        ("number", I32, Init::i32(1)),
        ("another number", I32, Init::i64(1)),
        ("float", ValType::F32, Init::f64(1.0)),
        ("null", func, Init::ref_null(HeapType::Func)),
        (
            "null of any function",
            func,
            Init::ref_null(HeapType::NoFunc),
        ),
        (
            "null of another kind",
            func,
            Init::ref_null(HeapType::Extern),
        ),
        ("function", func, Init::ref_func(f)),
        (
            "function as something else",
            ValType::EXTERNREF,
            Init::ref_func(f),
        ),
        ("address", I32, Init::address(data, 0)),
        ("address of 64 bits", I32, Init::address64(data, 0)),
        ("sum", I32, encoded(&[0x41, 1, 0x41, 2, 0x6a, 0x0b])),
        ("operand", I32, encoded(&[0x41, 1, 0x6a, 0x0b])),
        ("two values", I32, encoded(&[0x41, 1, 0x41, 1, 0x0b])),
        ("nothing", I32, encoded(&[0x0b])),
        ("behind the end", I32, encoded(&[0x41, 1, 0x0b, 0x0b])),
        ("call", I32, encoded(&[0x10, 0, 0x0b])),
        ("global by number", I32, encoded(&[0x23, 0, 0x0b])),
        ("function by number", func, encoded(&[0xd2, 0, 0x0b])),
        ("type by number", func, encoded(&[0xd0, 0, 0x0b])),
        ("null of a type of the module", any(true), null()),
        ("the same as what is not null", any(false), null()),
        ("the same as a number", ValType::V128, null()),
        (
            "the same as something from outside",
            ValType::EXTERNREF,
            null(),
        ),
        (
            "hole",
            func,
            in_place(1, RelocType::FunctionIndexLeb, f.into()),
        ),
        (
            "hole over the opcode",
            func,
            in_place(0, RelocType::FunctionIndexLeb, f.into()),
        ),
        (
            "hole of another kind",
            func,
            in_place(1, RelocType::MemoryAddrLeb, data.into()),
        ),
        (
            "hole of no kind",
            func,
            in_place(1, RelocType::MemoryAddrI32, data.into()),
        ),
    ] {
        let updated = module.update(id, global(value, init));
        if updated.is_ok() {
            flush(&module);
        }
        note(&mut text, what, updated);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn initial_values_read_what_is_before_them_and_stays() {
    let variable = |value| GlobalType {
        value,
        mutability: Mutability::Var,
    };
    let mut options = ModuleOptions::default();
    options.stack_size = Some(1024);
    let mut module = Module::new(options);
    let reader = module.announce_global("reader").unwrap();
    let later = module.announce_global("later").unwrap();
    let own = module.announce_global("own").unwrap();
    let import = module.announce_imported_global("import").unwrap();
    let stack = module.stack_pointer().unwrap();
    module.update(later, global(I32, Init::i32(1))).unwrap();
    module
        .update(own, global(I32, Init::global_get(later)))
        .unwrap();
    let mut text = String::new();
    for (what, ty, target) in [
        (
            "an import",
            GlobalType {
                value: I32,
                mutability: Mutability::Const,
            },
            import,
        ),
        ("a mutable import", variable(I32), import),
        (
            "an import of another type",
            GlobalType {
                value: ValType::I64,
                mutability: Mutability::Const,
            },
            import,
        ),
        ("the stack pointer", variable(I32), stack),
        ("a later one", variable(I32), later),
        ("itself", variable(I32), reader),
    ] {
        let init = None;
        module.update(import, GlobalDef { ty, init }).unwrap();
        module
            .update(reader, global(I32, Init::global_get(target)))
            .unwrap();
        match module.flush() {
            Ok(_) => {
                flush(&module);
                writeln!(text, "{what}: fine").unwrap();
            }
            Err(error) => writeln!(text, "{what}: {error}").unwrap(),
        }
    }
    insta::assert_snapshot!(text);

    // What is mutable can change later.
    module.update(reader, global(I32, Init::i32(1))).unwrap();
    flush(&module);
    let def = GlobalDef {
        ty: variable(I32),
        init: Some(Init::i32(1)),
    };
    module.update(later, def).unwrap();
    assert_eq!(
        problems(&module),
        "global `own`: the initial value reads global `later`, which is mutable; a constant \
         cannot depend on it"
    );
}

#[test]
fn functions_are_as_engines_take_them() {
    let mut module = Module::default();
    let mut text = String::new();
    let numbers = |count| vec![I32; count];
    let types = [
        ("most", FuncType::new(numbers(1000), numbers(1000))),
        ("parameters", FuncType::new(numbers(1001), [])),
        ("results", FuncType::new([], numbers(1001))),
    ];
    for (what, ty) in &types {
        note(&mut text, what, module.func_type(ty));
        let import = module.announce_imported_function("import").unwrap();
        let body = FunctionBody::new(ty.clone());
        note(&mut text, what, module.update(import, body));
        let f = module.announce_function("f").unwrap();
        let mut body = FunctionBody::new(ty.clone());
        body.code(&[0x00]).end();
        note(&mut text, what, module.update(f, body));
        let mut body = FunctionBody::new(FuncType::default());
        body.code(&[0x00, 0x02]).type_index(ty.clone()).end();
        body.code(&[0x00]).end();
        note(&mut text, &format!("block, {what}"), module.update(f, body));
        let tag = module.announce_tag("tag").unwrap();
        let ty = ty.clone().into();
        note(&mut text, what, module.update(tag, TagDef { ty }));
    }
    let tag = module.announce_tag("tag").unwrap();
    let ty = FuncType::new(numbers(1000), []).into();
    note(&mut text, "tag", module.update(tag, TagDef { ty }));
    flush(&module);

    let f = module.announce_function("f").unwrap();
    for (parameters, locals) in [(1000, 49_000), (1000, 49_001), (0, 50_000), (0, u32::MAX)] {
        let mut body = FunctionBody::new(FuncType::new(numbers(parameters), []));
        body.locals(locals, I32).local(ValType::I64).end();
        let what = format!("{parameters} + {locals} + 1");
        note(&mut text, &what, module.update(f, body));
        let mut body = FunctionBody::new(FuncType::new(numbers(parameters), []));
        body.locals(locals, I32).end();
        let updated = module.update(f, body);
        if updated.is_ok() {
            flush(&module);
        }
        note(&mut text, &format!("{parameters} + {locals}"), updated);
    }
    // The number of groups of locals and `end` belong to it.
    for more in [0, 1] {
        let mut body = FunctionBody::new(FuncType::default());
        body.code(&vec![0x01; 7_654_319 + more]).end();
        note(&mut text, "large", module.update(f, body));
    }
    flush(&module);
    insta::assert_snapshot!(text);
}

#[test]
fn a_module_has_no_more_than_engines_take() {
    let mut text = String::new();
    let mut module = Module::default();
    for i in 0..100_001 {
        let data = module.announce_data(format!("data{i}")).unwrap();
        module.update(data, DataDef::fixed(b"x").passive()).unwrap();
        let table_id = module.announce_table(format!("table{i}")).unwrap();
        module
            .update(table_id, table(RefType::FUNCREF, limits(0, None)))
            .unwrap();
    }
    writeln!(text, "{}", problems(&module)).unwrap();
    // What is linked may lose some.
    module.write_object().unwrap();
    module.link_input().unwrap();
    let data = module.announce_data("data0").unwrap();
    module.free(data).unwrap();
    let table = module.announce_table("table0").unwrap();
    module.free(table).unwrap();
    // The number of a passive segment stays.
    writeln!(text, "{}", problems(&module)).unwrap();

    // Zeros are written where the memory is not this module's.
    let mut module = Module::default();
    let memory = module.announce_imported_memory("memory").unwrap();
    module.update(memory, MemoryDef::default()).unwrap();
    let data = module.announce_data("zeros").unwrap();
    module.update(data, DataDef::zeroed(1 << 30)).unwrap();
    writeln!(text, "{}", problems(&module)).unwrap();
    module.update(data, DataDef::zeroed(3 << 30)).unwrap();
    writeln!(text, "{}", problems(&module)).unwrap();
    insta::assert_snapshot!(text);
}
