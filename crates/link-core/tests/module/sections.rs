//! Each section alone, printed; and what is in it, run where it runs.

use std::sync::Arc;

use link_core::InvalidLimits;
use link_core::module::{
    DataDef, ElementDef, ElementMode, FunctionBody, GlobalDef, ImportName, Init, LocalType,
    MemoryDef, Module, ModuleErrorKind, ModuleOptions, RawType, TableDef, TagDef,
};
use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;
use wasm_format::target_features::FeaturePrefix;
use wasm_format::{
    FuncType, GlobalType, HeapType, Limits, Mutability, RefType, TableType, ValType,
};

use crate::support::{I32, constant, flush, function, listing, problems, run, sum, text, ty};

const VARIABLE: GlobalType = GlobalType {
    value: I32,
    mutability: Mutability::Var,
};

fn table(min: u64, max: Option<u64>) -> TableDef {
    TableDef {
        ty: TableType {
            element: RefType::FUNCREF,
            limits: Limits {
                min,
                max,
                ..Limits::default()
            },
        },
    }
}

/// A function that returns what lies at the address that `address` pushes.
fn load(module: &mut Module, address: impl FnOnce(&mut FunctionBody)) {
    let main = module.announce_function("main").unwrap();
    let mut body = FunctionBody::new(ty(0));
    address(&mut body);
    body.code(&[0x28, 2, 0]).end();
    module.update(main, body).unwrap();
    module.set_exports(main, ["main"]).unwrap();
}

#[test]
fn types_are_deduplicated_and_unused_ones_are_left_out() {
    let mut module = Module::default();
    module
        .func_type(&FuncType::new([ValType::F64], []))
        .unwrap();
    let used = module.func_type(&ty(0)).unwrap();
    assert_eq!(module.func_type(&ty(0)).unwrap(), used);
    function(&mut module, "by_value", constant(1));
    let mut by_handle = FunctionBody::new(used);
    by_handle.code(&[0x41, 2]).end();
    function(&mut module, "by_handle", by_handle);
    insta::assert_snapshot!(text(&module));
}

#[test]
fn raw_types_refer_to_each_other() {
    let mut module = Module::default();
    // (rec (type $node (struct (field (ref null $list)))) (type $list (array (ref $node))))
    let bytes = [
        &[0x4e, 2, 0x5f, 1, 0x63][..],
        &[0; 5],
        &[0, 0x5e, 0x64],
        &[0; 5],
        &[0],
    ];
    let [node, list] = module
        .raw_types(|[node, list]| RawType {
            bytes: bytes.concat(),
            holes: vec![(5, list), (13, node)],
        })
        .unwrap();
    let mut body = FunctionBody::new(FuncType::default());
    let local = LocalType::Ref {
        nullable: true,
        ty: list,
    };
    body.locals(2, local);
    body.code(&[0xd0]).type_index(node).code(&[0x1a]).end(); // ref.null $node; drop
    function(&mut module, "f", body);
    insta::assert_snapshot!(text(&module));

    let concrete = ValType::Ref(RefType {
        nullable: true,
        heap: HeapType::Concrete(0),
    });
    let error = module
        .func_type(&FuncType::new([concrete], []))
        .unwrap_err();
    assert_eq!(error.kind, ModuleErrorKind::ConcreteTypeIndex);
    let error = module
        .raw_types(|[_]| RawType {
            bytes: vec![0; 6],
            holes: vec![(2, node)],
        })
        .unwrap_err();
    assert!(matches!(
        error.kind,
        ModuleErrorKind::HoleOutside { offset: 2, .. }
    ));
    let error = module.write_object().unwrap_err().to_string();
    assert!(
        error.contains("cannot be said in a relocatable object"),
        "{error}"
    );
}

#[test]
fn bodies_bring_types_that_the_module_does_not_know() {
    let mut module = Module::default();
    let target = function(&mut module, "target", constant(9));
    let table = module.function_table().unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.function_address(target)
        .call_indirect(ty(0), table)
        .end();
    let main = function(&mut module, "main", body);
    module.set_exports(main, ["main"]).unwrap();
    assert_eq!(run(&flush(&module), "main"), 9);
}

#[test]
fn imports_and_exports_of_every_kind() {
    let mut options = ModuleOptions::default();
    options.import_module = "host".into();
    let mut module = Module::new(options);
    let f = module.announce_imported_function("f").unwrap();
    module.update(f, FunctionBody::new(ty(1))).unwrap();
    let t = module.announce_imported_table("t").unwrap();
    module.update(t, table(1, None)).unwrap();
    let m = module.announce_imported_memory("m").unwrap();
    let limits = Limits {
        min: 2,
        max: Some(4),
        shared: true,
        ..Limits::default()
    };
    module.update(m, MemoryDef { limits }).unwrap();
    let g = module.announce_imported_global("g").unwrap();
    let def = GlobalDef {
        ty: VARIABLE,
        init: None,
    };
    module.update(g, def).unwrap();
    let e = module.announce_imported_tag("e").unwrap();
    let signature = FuncType::new([I32], []);
    module
        .update(
            e,
            TagDef {
                ty: signature.clone().into(),
            },
        )
        .unwrap();
    let import = ImportName {
        module: Some("elsewhere".into()),
        name: Some("other".into()),
    };
    module.set_import(e, import).unwrap();

    let own = function(&mut module, "own", constant(1));
    let own_table = module.announce_table("own_table").unwrap();
    module.update(own_table, table(3, Some(3))).unwrap();
    let own_global = module.announce_global("own_global").unwrap();
    let def = GlobalDef {
        ty: VARIABLE,
        init: Some(Init::i32(-5)),
    };
    module.update(own_global, def).unwrap();
    let own_tag = module.announce_tag("own_tag").unwrap();
    module
        .update(
            own_tag,
            TagDef {
                ty: signature.into(),
            },
        )
        .unwrap();
    let own_data = module.announce_data("own_data").unwrap();
    module.update(own_data, DataDef::fixed(b"data")).unwrap();
    let zero = module.announce_data("zero").unwrap();
    module.update(zero, DataDef::zeroed(4)).unwrap();

    module.set_exports(f, ["f again"]).unwrap();
    module.set_exports(m, ["m"]).unwrap();
    module.set_exports(own, ["one", "two"]).unwrap();
    module.set_exports(own_table, ["table"]).unwrap();
    module.set_exports(own_global, ["global"]).unwrap();
    module.set_exports(own_tag, ["tag"]).unwrap();
    module.set_exports(own_data, ["data"]).unwrap();
    insta::assert_snapshot!(text(&module));

    // The set is replaced as a whole; a name has one owner.
    let error = module.set_exports(own, ["three", "tag"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "function `own`: `tag` is already exported by tag `own_tag`"
    );
    module.set_exports(own, ["two", "three"]).unwrap();
    module.free(own_tag).unwrap();
    module.set_exports(own_data, [""; 0]).unwrap();
    let text = text(&module);
    let exports = text.lines().filter(|line| line.contains("(export"));
    insta::assert_snapshot!(exports.collect::<Vec<_>>().join("\n"));
}

#[test]
fn memory_is_as_large_as_its_contents() {
    let mut module = Module::default();
    assert!(!text(&module).contains("(memory"));
    let data = module.announce_data("data").unwrap();
    module.update(data, DataDef::zeroed(3 * 65_536)).unwrap();
    assert!(text(&module).contains("(memory (;0;) 4)"));
    let memory = module.announce_memory("memory").unwrap();
    let sized = |min, max| MemoryDef {
        limits: Limits {
            min,
            max,
            ..Limits::default()
        },
    };
    assert!(problems(&module).contains("memory `memory`: announced, but never defined"));
    module.update(memory, sized(9, Some(10))).unwrap();
    assert!(text(&module).contains("(memory $memory (;0;) 9 10)"));
    module.update(memory, sized(1, Some(2))).unwrap();
    assert_eq!(
        problems(&module),
        "memory `memory`: data needs 4 pages, but the maximum is 2"
    );
    assert!(matches!(
        module.update(memory, sized(3, Some(2))).unwrap_err().kind,
        ModuleErrorKind::Limits(InvalidLimits::MaxBelowMin { min: 3, max: 2 })
    ));
    let error = module.announce_imported_memory("second").unwrap_err();
    assert!(matches!(error.kind, ModuleErrorKind::SecondMemory { .. }));
    module.update(data, DataDef::zeroed(1 << 31)).unwrap();
    module.update(memory, sized(1, None)).unwrap();
    let more = module.announce_data("more").unwrap();
    module.update(more, DataDef::zeroed(1 << 31)).unwrap();
    assert!(problems(&module).contains("beyond the 0x100000000 bytes"));
}

#[test]
fn tables_elements_and_addresses() {
    let mut module = Module::default();
    let other = module.announce_table("other").unwrap();
    module.update(other, table(0, None)).unwrap();
    let [a, b] = ["a", "b"].map(|name| function(&mut module, name, constant(20)));
    let def = |mode, functions: &[_]| ElementDef {
        mode,
        functions: functions.to_vec(),
    };
    let active = ElementMode::Active {
        table: other,
        offset: 2,
    };
    module.add_element(def(active, &[a, b])).unwrap();
    module.add_element(def(ElementMode::Passive, &[a])).unwrap();
    let declared = module
        .add_element(def(ElementMode::Declared, &[b]))
        .unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 2]).call_indirect(ty(0), other); // 20, through the segment
    let function_table = module.function_table().unwrap();
    body.function_address(b)
        .call_indirect(ty(0), function_table)
        .code(&[0x6a]);
    body.code(&[0xd2]).function_index(b).code(&[0x1a]).end(); // ref.func b; drop
    let main = function(&mut module, "main", body);
    module.set_exports(main, ["main"]).unwrap();
    assert_eq!(run(&flush(&module), "main"), 40);
    insta::assert_snapshot!(text(&module));

    module.remove_element(declared).unwrap();
    assert!(module.remove_element(declared).is_err());
    module.update(other, table(0, Some(3))).unwrap();
    assert!(problems(&module).contains("need 4 elements, but the maximum is 3"));
    assert!(
        module
            .write_object()
            .unwrap_err()
            .to_string()
            .contains("element segment `0`")
    );
}

#[test]
fn globals_of_every_kind() {
    let mut module = Module::default();
    let base = module.announce_imported_global("base").unwrap();
    let ty_of = |value, mutability| GlobalType { value, mutability };
    let def = GlobalDef {
        ty: ty_of(I32, Mutability::Const),
        init: None,
    };
    module.update(base, def).unwrap();
    let data = module.announce_data("data").unwrap();
    module.update(data, DataDef::fixed(b"12345678")).unwrap();
    let f = function(&mut module, "f", constant(1));
    for (name, value, init) in [
        ("i32", I32, Init::i32(i32::MIN)),
        ("i64", ValType::I64, Init::i64(1 << 40)),
        ("f32", ValType::F32, Init::f32(1.5)),
        ("f64", ValType::F64, Init::f64(-0.25)),
        ("null", ValType::EXTERNREF, Init::ref_null(HeapType::Extern)),
        ("func", ValType::FUNCREF, Init::ref_func(f)),
        ("copy", I32, Init::global_get(base)),
        ("address", I32, Init::address(data, 4)),
        (
            "raw",
            I32,
            Init::encoded(&[0x41, 3, 0x41, 4, 0x6a, 0x0b], []),
        ),
    ] {
        let global = module.announce_global(name).unwrap();
        let def = GlobalDef {
            ty: ty_of(value, Mutability::Var),
            init: Some(init),
        };
        module.update(global, def).unwrap();
    }
    insta::assert_snapshot!(text(&module));

    let global = module.announce_global("i32").unwrap();
    let def = GlobalDef {
        ty: VARIABLE,
        init: None,
    };
    let error = module.update(global, def).unwrap_err();
    assert_eq!(error.kind, ModuleErrorKind::MissingInit);
    let stack = module.stack_pointer().unwrap();
    let def = GlobalDef {
        ty: VARIABLE,
        init: Some(Init::i32(1)),
    };
    let error = module.update(stack, def).unwrap_err();
    assert_eq!(error.kind, ModuleErrorKind::Builtin);
}

#[test]
fn the_stack_lies_below_the_data() {
    let mut options = ModuleOptions::default();
    options.stack_size = Some(65_530);
    let mut module = Module::new(options);
    let stack = module.stack_pointer().unwrap();
    let data = module.announce_data("data").unwrap();
    module
        .update(data, DataDef::copied([7, 0, 0, 0]).align(4))
        .unwrap();
    let at = module.flush().unwrap().map.get(data).unwrap().address;
    assert_eq!(at, Some(65_536));
    load(&mut module, |body| {
        body.global_get(stack); // the data begins where the stack does
    });
    assert_eq!(run(&flush(&module), "main"), 7);
}

#[test]
fn data_is_placed_in_the_order_of_last_update() {
    let mut module = Module::default();
    let names = ["a", "b", "c"];
    let [a, b, c] = names.map(|name| module.announce_data(name).unwrap());
    for (data, text) in [(a, "aa"), (b, "bb"), (c, "cc")] {
        module.update(data, DataDef::copied(text)).unwrap();
    }
    let address = |module: &Module, data| module.flush().unwrap().map.get(data).unwrap().address;
    assert_eq!(
        [a, b, c].map(|d| address(&module, d).unwrap()),
        [1024, 1026, 1028]
    );
    module
        .update(a, DataDef::shared(Arc::from(*b"aaa")))
        .unwrap();
    assert_eq!(
        [a, b, c].map(|d| address(&module, d).unwrap()),
        [1028, 1024, 1026]
    );
    module.free(c).unwrap();
    assert_eq!([a, b].map(|d| address(&module, d).unwrap()), [1026, 1024]);
    module.fail(b, "lost").unwrap();
    module
        .update(b, DataDef::fixed(b"B").align(16).segment(".late"))
        .unwrap();
    assert_eq!([a, b].map(|d| address(&module, d).unwrap()), [1024, 1040]);
    insta::assert_snapshot!(text(&module));
}

#[test]
fn the_offset_table_lets_data_move() {
    for memory64 in [false, true] {
        let mut options = ModuleOptions::default();
        options.memory64 = memory64;
        let mut module = Module::new(options);
        let moving = module.announce_data("moving").unwrap();
        module.use_offset_slot(moving).unwrap();
        load(&mut module, |body| {
            if memory64 {
                body.address64_from_slot(moving);
            } else {
                body.address_from_slot(moving);
            }
        });
        let main = module.announce_function("main").unwrap();
        let code = |module: &Module| {
            let flushed = module.flush().unwrap();
            flushed.bytes[flushed.map.get(main).unwrap().range].to_vec()
        };
        // Not yet updated: the entry is zero, and its place is known already.
        let before = code(&module);
        let zero = |module: &Module| {
            let text = text(module);
            let entry = r"\00".repeat(if memory64 { 8 } else { 4 });
            assert!(text.contains(&format!("const 1024) \"{entry}\"")), "{text}");
        };
        zero(&module);
        let first = module.announce_data("first").unwrap();
        module.update(first, DataDef::copied([1; 100])).unwrap();
        module
            .update(moving, DataDef::copied([5, 0, 0, 0]).align(4))
            .unwrap();
        assert_eq!(run(&flush(&module), "main"), 5);
        module.update(first, DataDef::copied([1; 100])).unwrap();
        module
            .update(moving, DataDef::copied([6, 0, 0, 0]).align(4))
            .unwrap();
        assert_eq!(run(&flush(&module), "main"), 6);
        assert_eq!(code(&module), before, "moving data patches no reader");

        // Empty, or freed: zero again, and the entry is the next one's.
        module.free(first).unwrap();
        module.update(moving, DataDef::zeroed(0)).unwrap();
        zero(&module);
        module.update(main, constant(1)).unwrap();
        module.free(moving).unwrap();
        zero(&module);
        let next = module.announce_data("next").unwrap();
        module.use_offset_slot(next).unwrap();
        module
            .update(next, DataDef::copied([8, 0, 0, 0]).align(4))
            .unwrap();
        load(&mut module, |body| {
            if memory64 {
                body.address64_from_slot(next);
            } else {
                body.address_from_slot(next);
            }
        });
        assert_eq!(code(&module), before);
        assert_eq!(run(&flush(&module), "main"), 8);

        // Its address is another matter: that needs a definition.
        let late = module.announce_data("late").unwrap();
        module.use_offset_slot(late).unwrap();
        flush(&module);
        let mut pointer = DataDef::copied([0; 8]);
        let ty = if memory64 {
            RelocType::MemoryAddrI64
        } else {
            RelocType::MemoryAddrI32
        };
        pointer.hole(0, ty, late, 0);
        let holder = module.announce_data("holder").unwrap();
        module.update(holder, pointer).unwrap();
        assert_eq!(
            problems(&module),
            "data `late`: announced, but never defined\n>>> referenced by data `holder`"
        );
    }
}

#[test]
fn passive_segments_keep_their_index() {
    let mut module = Module::default();
    let [a, b] = ["a", "b"].map(|name| module.announce_data(name).unwrap());
    assert_eq!(module.passive_index(b).unwrap(), None);
    module
        .update(a, DataDef::copied([1, 0, 0, 0]).passive())
        .unwrap();
    module
        .update(b, DataDef::copied([2, 0, 0, 0]).align(4).passive())
        .unwrap();
    let index = module.passive_index(b).unwrap().unwrap();
    assert_eq!(index, 1);
    module.free(a).unwrap();
    let always = module.announce_data("always").unwrap();
    module.update(always, DataDef::fixed(b"active")).unwrap();
    load(&mut module, |body| {
        body.address(b, 0).code(&[0x41, 0, 0x41, 4]); // where; from 0; 4 bytes
        body.code(&[0xfc, 8]).unsigned(index.into()).code(&[0]); // memory.init
        body.address(b, 0);
    });
    assert_eq!(run(&flush(&module), "main"), 2);
    assert_eq!(module.flush().unwrap().map.get(b).unwrap().index, Some(1));
}

#[test]
fn addresses_that_do_not_fit_are_refused() {
    let mut module = Module::default();
    let data = module.announce_data("data").unwrap();
    module.update(data, DataDef::fixed(b"x")).unwrap();
    let f = module.announce_function("f").unwrap();
    let mut body = FunctionBody::new(ty(1));
    body.code(&[0x20, 0, 0x28]).memarg(2, data, -2000).end();
    module.update(f, body).unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41])
        .hole(RelocType::MemoryAddrTlsSleb, data, 0)
        .end();
    function(&mut module, "g", body);
    insta::assert_snapshot!(problems(&module));
}

#[test]
fn init_functions_run_by_priority_and_before_the_start_function() {
    let mut module = Module::default();
    let global = module.announce_global("log").unwrap();
    let def = GlobalDef {
        ty: VARIABLE,
        init: Some(Init::i32(0)),
    };
    module.update(global, def).unwrap();
    let step = |module: &mut Module, digit: u8| {
        let mut body = FunctionBody::new(FuncType::default());
        body.global_get(global)
            .code(&[0x41, 10, 0x6c, 0x41, digit, 0x6a]);
        body.global_set(global).end(); // log = log * 10 + digit
        function(module, &format!("step{digit}"), body)
    };
    let [one, two, three] = [1, 2, 3].map(|digit| step(&mut module, digit));
    let mut body = FunctionBody::new(ty(0));
    body.global_get(global).end();
    let main = function(&mut module, "main", body);
    module.set_exports(main, ["main"]).unwrap();
    module.set_start(Some(one)).unwrap();
    assert_eq!(run(&flush(&module), "main"), 1);
    module
        .set_init_functions([(two, 200), (three, 100)])
        .unwrap();
    assert_eq!(run(&flush(&module), "main"), 321);
    assert!(text(&module).contains("__wasm_call_ctors"));
    module.set_start(Some(main)).unwrap();
    insta::assert_snapshot!(problems(&module));
}

#[test]
fn names_producers_features_and_custom_sections() {
    let mut module = Module::default();
    module.set_name("program");
    let host = module.announce_imported_function("host").unwrap();
    module.update(host, FunctionBody::new(ty(0))).unwrap();
    let mut body = FunctionBody::new(ty(2));
    body.locals(2, ValType::F32).local(I32);
    body.name_local(4, "sum")
        .name_local(0, "left")
        .name_local(1, "right");
    body.code(&[0x20, 0]).end();
    function(&mut module, "add", body);
    module.set_producer("language", "calc", "1");
    module.set_producer("processed-by", "compiler", "0.1");
    module.set_producer("processed-by", "compiler", "0.2");
    module.set_target_features([
        (FeaturePrefix::Used, "bulk-memory"),
        (FeaturePrefix::Disallowed, "atomics"),
    ]);
    let custom = module.announce_custom_section("notes").unwrap();
    let def = link_core::module::CustomDef {
        bytes: b"text".to_vec(),
        holes: Vec::new(),
    };
    module.update(custom, def).unwrap();
    let text = text(&module);
    insta::assert_snapshot!(format!("{text}\n{}", listing(&flush(&module))));
}

#[test]
fn nothing_but_the_header_has_no_names() {
    let mut options = ModuleOptions::default();
    options.names = false;
    let mut module = Module::new(options);
    let f = function(&mut module, "f", constant(1));
    function(&mut module, "g", sum(&[f]));
    assert!(!listing(&flush(&module)).contains("name"));
}

#[test]
fn a_64_bit_module() {
    let mut options = ModuleOptions::default();
    options.memory64 = true;
    options.stack_size = Some(1 << 20);
    let mut module = Module::new(options);
    let data = module.announce_data("data").unwrap();
    module
        .update(data, DataDef::copied([3, 0, 0, 0]).align(4))
        .unwrap();
    let local = module.announce_data("local").unwrap();
    let def = DataDef::copied([4, 0, 0, 0])
        .align(4)
        .flags(SegmentFlags::TLS);
    module.update(local, def).unwrap();
    module.stack_pointer().unwrap();
    let base = module.tls_base().unwrap();
    let leaf = function(&mut module, "leaf", constant(30));
    let table = module.function_table().unwrap();
    let main = module.announce_function("main").unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x42, 0, 0x28]).memarg64(2, data, 0);
    body.global_get(base)
        .code(&[0x42])
        .hole(RelocType::MemoryAddrTlsSleb64, local, 0);
    body.code(&[0x7c, 0x28, 2, 0, 0x6a]);
    body.function_address64(leaf)
        .call_indirect(ty(0), table)
        .code(&[0x6a])
        .end();
    module.update(main, body).unwrap();
    module.set_exports(main, ["main"]).unwrap();
    insta::assert_snapshot!(text(&module));
    assert_eq!(run(&flush(&module), "main"), 37);
}
