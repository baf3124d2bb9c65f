//! Relocatable objects: what is in them, and that `rust-lld` makes running programs of them.

use std::process::Command;

use link_core::module::{
    Binding, CustomDef, DataDef, FunctionBody, GlobalDef, ImportName, Init, Module, ModuleOptions,
    SymbolAttributes, TableDef, TagDef, Target, Visibility,
};
use link_core::options::Entry;
use link_core::reloc::Reloc;
use link_core::{Env, FileData};
use link_core::{Input, Inputs};
use test_objects::lld;
use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;
use wasm_format::target_features::FeaturePrefix;
use wasm_format::{FuncType, GlobalType, Mutability, Reader, SectionId, ValType};

use crate::support::{I32, constant, function, listing, print, run, sum, ty, validate};

fn object(module: &Module) -> Vec<u8> {
    let bytes = module
        .write_object()
        .unwrap_or_else(|error| panic!("{error}"))
        .bytes;
    validate(&bytes);
    let again = module.write_object().expect("nothing changed").bytes;
    assert!(bytes == again, "two objects without a change differ");
    bytes
}

/// What `rust-lld` makes of the modules' objects.
pub(crate) fn link(modules: &[&Module], arguments: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(lld::any());
    command
        .args(["-flavor", "wasm", "--fatal-warnings", "--no-entry"])
        .args(arguments);
    for (i, module) in modules.iter().enumerate() {
        let path = directory.path().join(format!("{i}.o"));
        std::fs::write(&path, object(module)).expect("the object is written");
        command.arg(path);
    }
    let out = directory.path().join("out.wasm");
    let output = command.arg("-o").arg(&out).output().expect("rust-lld runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "rust-lld: {messages}");
    assert_eq!(messages, "");
    let bytes = std::fs::read(&out).expect("there is an output");
    validate(&bytes);
    bytes
}

/// A module with everything that an object can have.
fn everything(memory64: bool) -> Module {
    let mut options = ModuleOptions::default();
    options.memory64 = memory64;
    let mut module = Module::new(options);
    let address = if memory64 { ValType::I64 } else { ValType::I32 };
    let (const_op, load_op, add_op): (u8, &[u8], u8) = if memory64 {
        (0x42, &[0x28, 2, 0], 0x7c)
    } else {
        (0x41, &[0x28, 2, 0], 0x6a)
    };

    let number = module.announce_data("number").unwrap();
    module
        .update(number, DataDef::copied(40_i32.to_le_bytes()).align(4))
        .unwrap();
    let zero = module.announce_data("zero").unwrap();
    module.update(zero, DataDef::zeroed(32).align(16)).unwrap();
    let pointer = module.announce_data("pointer").unwrap();
    let mut def = DataDef::copied(vec![0; 16]).align(8);
    if memory64 {
        def.hole(0, RelocType::MemoryAddrI64, number, 0);
    } else {
        def.hole(0, RelocType::MemoryAddrI32, number, 0);
    }
    module.update(pointer, def).unwrap();
    let text = module.announce_data("text").unwrap();
    let def = DataDef::fixed(b"text\0")
        .segment(".rodata.str")
        .flags(SegmentFlags::STRINGS);
    module.update(text, def).unwrap();
    module.use_offset_slot(number).unwrap();

    let two = function(&mut module, "two", constant(2));
    let weak = function(&mut module, "weak", constant(1));
    let attributes = SymbolAttributes {
        binding: Binding::Weak,
        visibility: Visibility::Hidden,
        ..SymbolAttributes::default()
    };
    module.set_symbol(weak, attributes).unwrap();
    let comdat = module.comdat("group");
    let inline = function(&mut module, "inline", constant(3));
    let attributes = SymbolAttributes {
        binding: Binding::Weak,
        comdat: Some(comdat),
        ..SymbolAttributes::default()
    };
    module.set_symbol(inline, attributes).unwrap();

    let global = module.announce_global("counter").unwrap();
    let def = GlobalDef {
        ty: GlobalType {
            value: I32,
            mutability: Mutability::Var,
        },
        init: Some(Init::i32(5)),
    };
    module.update(global, def).unwrap();
    let table = module.function_table().unwrap();
    let stack = module.stack_pointer().unwrap();

    // The sum of everything: 40 + 40 + 40 + 2 + 1 + 3 + 5 = 131.
    let main = module.announce_function("main").unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.name_local(0, "saved").local(address);
    body.global_get(stack).code(&[0x21, 0]); // local.set 0
    body.code(&[0x20, 0]).global_set(stack);
    let load = |body: &mut FunctionBody, target: Target, addend: i64| {
        let ty = if memory64 {
            RelocType::MemoryAddrSleb64
        } else {
            RelocType::MemoryAddrSleb
        };
        body.code(&[const_op]).hole(ty, target, addend);
    };
    load(&mut body, number.into(), 0);
    body.code(load_op);
    load(&mut body, pointer.into(), 8);
    body.code(&[const_op]).signed(-8).code(&[add_op]); // pointer + 8 - 8
    body.code(if memory64 {
        &[0x29, 3, 0]
    } else {
        &[0x28, 2, 0]
    })
    .code(load_op)
    .code(&[0x6a]);
    if memory64 {
        body.address64_from_slot(number);
    } else {
        body.address_from_slot(number);
    }
    body.code(load_op).code(&[0x6a]);
    if memory64 {
        body.function_address64(two);
    } else {
        body.function_address(two);
    }
    body.call_indirect(ty(0), table).code(&[0x6a]);
    body.call(weak).code(&[0x6a]).call(inline).code(&[0x6a]);
    body.global_get(global).code(&[0x6a]).end();
    module.update(main, body).unwrap();
    module.set_exports(main, ["main", "also_main"]).unwrap();

    let mut init = FunctionBody::new(FuncType::default());
    init.end();
    let init = function(&mut module, "init", init);
    module.set_init_functions([(init, 100)]).unwrap();
    module.set_target_features([(FeaturePrefix::Used, "mutable-globals")]);
    module.set_producer("processed-by", "engine-test", "1");

    let hole = |offset, ty, target: Target, addend| Reloc {
        offset,
        ty,
        target,
        addend,
    };
    let lines = module.announce_custom_section(".debug_line").unwrap();
    let holes = vec![hole(0, RelocType::FunctionOffsetI32, main.into(), 1)];
    module
        .update(
            lines,
            CustomDef {
                bytes: vec![0; 6],
                holes,
            },
        )
        .unwrap();
    let info = module.announce_custom_section(".debug_info").unwrap();
    let holes = vec![
        hole(0, RelocType::SectionOffsetI32, lines.into(), 2),
        hole(4, RelocType::FunctionOffsetI32, two.into(), 0),
    ];
    module
        .update(
            info,
            CustomDef {
                bytes: vec![0; 8],
                holes,
            },
        )
        .unwrap();
    module
}

#[test]
fn an_object_has_symbols_and_relocations() {
    let module = everything(false);
    insta::assert_snapshot!(listing(&object(&module)));
}

#[test]
fn lld_links_an_object_and_the_program_runs() {
    let module = everything(false);
    let linked = link(&[&module], &[]);
    assert_eq!(run(&linked, "main"), 131);
    assert_eq!(run(&linked, "also_main"), 131);
}

#[test]
fn a_flush_does_the_same_as_a_link() {
    let mut module = everything(false);
    assert!(
        module
            .flush()
            .unwrap_err()
            .to_string()
            .contains("set `ModuleOptions::stack_size`")
    );
    let stack = module.stack_pointer().unwrap();
    module.free(stack).unwrap();
    let main = module.announce_function("main").unwrap();
    let leaf = module.announce_function("two").unwrap();
    module.update(main, sum(&[leaf])).unwrap();
    assert_eq!(run(&crate::support::flush(&module), "also_main"), 2);
}

#[test]
fn wasm64_objects_link() {
    let module = everything(true);
    let linked = link(&[&module], &["-mwasm64", "--extra-features=memory64"]);
    assert!(print(&linked).contains("(memory"));
    assert_eq!(run(&linked, "main"), 131);
}

#[test]
fn objects_refer_to_each_other() {
    let mut library = Module::default();
    let data = library.announce_data("shared").unwrap();
    library
        .update(data, DataDef::copied(7_i32.to_le_bytes()).align(4))
        .unwrap();
    let helper = function(&mut library, "helper", constant(30));
    let taken = SymbolAttributes {
        visibility: Visibility::Hidden,
        ..SymbolAttributes::default()
    };
    library.set_symbol(helper, taken).unwrap();

    let mut program = Module::default();
    let shared = program.announce_imported_data("shared").unwrap();
    let helper = program.announce_imported_function("helper").unwrap();
    program.update(helper, FunctionBody::new(ty(0))).unwrap();
    let main = program.announce_function("main").unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.address(shared, 0).code(&[0x28, 2, 0]);
    body.call(helper).code(&[0x6a]).end();
    program.update(main, body).unwrap();
    program.set_exports(main, ["main"]).unwrap();

    assert_eq!(run(&link(&[&program, &library], &[]), "main"), 37);
    let error = program.flush().unwrap_err().to_string();
    insta::assert_snapshot!(error);
}

#[test]
fn imports_keep_their_names() {
    let mut module = Module::default();
    let host = module.announce_imported_function("symbol").unwrap();
    module.update(host, FunctionBody::new(ty(0))).unwrap();
    let import = ImportName {
        module: Some("wasi".into()),
        name: Some("field".into()),
    };
    module.set_import(host, import).unwrap();
    let main = function(&mut module, "main", sum(&[host]));
    module.set_exports(main, ["main"]).unwrap();
    let linked = print(&link(&[&module], &[]));
    assert!(
        linked.contains(r#"(import "wasi" "field" (func"#),
        "{linked}"
    );
}

#[test]
fn tags_link() {
    let mut module = Module::default();
    let tag = module.announce_tag("problem").unwrap();
    let def = TagDef {
        ty: FuncType::new([I32], []).into(),
    };
    module.update(tag, def).unwrap();
    let main = module.announce_function("main").unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 1]).throw(tag).end();
    module.update(main, body).unwrap();
    module.set_exports(main, ["main"]).unwrap();
    let linked = print(&link(&[&module], &[]));
    assert!(linked.contains("(tag"), "{linked}");
}

#[test]
fn thread_local_data_links() {
    let mut module = Module::default();
    let local = module.announce_data("local").unwrap();
    let def = DataDef::copied(9_i32.to_le_bytes())
        .align(4)
        .flags(SegmentFlags::TLS);
    module.update(local, def).unwrap();
    let base = module.tls_base().unwrap();
    let main = module.announce_function("main").unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.global_get(base)
        .code(&[0x41])
        .hole(RelocType::MemoryAddrTlsSleb, local, 0);
    body.code(&[0x6a, 0x28, 2, 0]).end();
    module.update(main, body).unwrap();
    module.set_exports(main, ["main"]).unwrap();
    // Without these, lld refuses thread-local data.
    let used = ["atomics", "bulk-memory", "mutable-globals"];
    module.set_target_features(used.map(|name| (FeaturePrefix::Used, name)));
    assert_eq!(run(&link(&[&module], &[]), "main"), 9);
    assert_eq!(run(&crate::support::flush(&module), "main"), 9);
}

/// Contents of a section, by its id and, of a custom one, its name.
fn section<'a>(bytes: &'a [u8], id: SectionId, name: &str) -> &'a [u8] {
    let mut reader = Reader::new(bytes);
    reader.module_header().unwrap();
    while !reader.is_empty() {
        let (found, mut body) = reader.section().unwrap();
        if found == id && (id != SectionId::Custom || body.name().unwrap() == name) {
            return body.rest();
        }
    }
    panic!("there is no {} section {name}", id.name());
}

/// Debug information points at the same instructions after a flush as after a link.
#[test]
fn code_offsets_point_at_code() {
    let mut module = Module::default();
    function(&mut module, "before", constant(1));
    let marked = module.announce_function("marked").unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.locals(3, I32).locals(2, ValType::F64);
    body.code(&[0x01, 0x41]).signed(77).end(); // nop; i32.const 77
    module.update(marked, body).unwrap();
    module.set_exports(marked, ["marked"]).unwrap();
    let debug = module.announce_custom_section(".debug_test").unwrap();
    let hole = |offset, addend| Reloc {
        offset,
        ty: RelocType::FunctionOffsetI32,
        target: marked.into(),
        addend,
    };
    let holes = vec![hole(0, 0), hole(4, 1)];
    module
        .update(
            debug,
            CustomDef {
                bytes: vec![0; 8],
                holes,
            },
        )
        .unwrap();
    let linked = link(&[&module], &["--no-gc-sections"]);
    for bytes in [crate::support::flush(&module), linked] {
        let code = section(&bytes, SectionId::Code, "");
        let debug = section(&bytes, SectionId::Custom, ".debug_test");
        let offsets: Vec<usize> = debug
            .chunks(4)
            .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()) as usize)
            .collect();
        assert_eq!(code[offsets[0]], 0x01);
        assert_eq!(code[offsets[1]..][..2], [0x41, 0xcd]);
    }
}

/// What this crate's linker makes of the module: the same whether the module is handed over
/// directly or as the object that it writes.
pub(crate) fn link_in_process(module: &Module) -> Vec<u8> {
    let memory64 = module.options().memory64;
    let generated = module.link_input().unwrap();
    let written = FileData::new(object(module));
    let mut options = link_core::options::Options::default();
    options.entry = Entry::None;
    if memory64 {
        options.is_64 = Some(true);
        options.features.extra = vec!["memory64".into()];
    }
    let [direct, from_object] = [
        Input::object(generated.object("generated")),
        Input::bytes("generated", written),
    ]
    .map(|input| {
        let inputs = Inputs {
            inputs: vec![input],
            ..Inputs::default()
        };
        let mut program = Vec::new();
        let linked = link_core::link(inputs, &options, &Env::default(), &mut program)
            .unwrap_or_else(|error| panic!("{:?}", error.diagnostics));
        assert!(linked.diagnostics.is_empty(), "{:?}", linked.diagnostics);
        validate(&program);
        program
    });
    assert_eq!(print(&direct), print(&from_object));
    assert!(direct == from_object);
    direct
}

#[test]
fn a_module_links_in_process_without_an_object() {
    for memory64 in [false, true] {
        let program = link_in_process(&everything(memory64));
        assert_eq!(run(&program, "main"), 131);
    }
}

/// An address is as wide as the memory that an object imports, so every object does.
#[test]
fn an_object_without_data_is_linked_with_its_addresses() {
    for memory64 in [false, true] {
        let mut options = ModuleOptions::default();
        options.memory64 = memory64;
        let mut module = Module::new(options);
        let main = function(&mut module, "main", constant(7));
        module.set_exports(main, ["main"]).unwrap();
        let bytes = object(&module);
        let limits = if memory64 { "i64 0" } else { "0" };
        let import = format!("(import \"env\" \"__linear_memory\" (memory (;0;) {limits}))");
        assert!(print(&bytes).contains(&import), "{}", print(&bytes));

        let mut options = link_core::options::Options::default();
        options.entry = Entry::None;
        let with = |options: &link_core::Options| {
            let generated = module.link_input().unwrap();
            [
                Input::object(generated.object("main.o")),
                Input::bytes("main.o", FileData::new(bytes.clone())),
            ]
            .map(|input| {
                let inputs = Inputs {
                    inputs: vec![input],
                    ..Inputs::default()
                };
                let mut program = Vec::new();
                link_core::link(inputs, options, &Env::default(), &mut program)
                    .map(|_| print(&program))
                    .map_err(|error| error.to_string())
            })
        };
        let [direct, written] = with(&options);
        assert_eq!(direct, written);
        assert_eq!(direct.unwrap().contains("(memory (;0;) i64 "), memory64);
        options.is_64 = Some(!memory64);
        let [direct, written] = with(&options);
        assert_eq!(direct, written);
        let message = if memory64 {
            "must specify -mwasm64 to process wasm64 object files"
        } else {
            "wasm32 object file can't be linked in wasm64 mode"
        };
        assert!(direct.unwrap_err().contains(message));
        // The same of the toolchain's linker.
        let (arguments, other): (&[&str], &[&str]) = (&[], &["-mwasm64"]);
        let right = if memory64 { other } else { arguments };
        assert_eq!(run(&link(&[&module], right), "main"), 7);
    }
}

/// What another linker, or this one, would take for something else.
#[test]
fn names_that_linkers_read_are_refused() {
    let mut module = Module::default();
    for name in [
        "linking",
        "name",
        "producers",
        "target_features",
        "dylink.0",
        "reloc.CODE",
        "relocations",
    ] {
        let custom = module.announce_custom_section(name).unwrap();
        module.update(custom, CustomDef::default()).unwrap();
    }
    let data = module.announce_data("data").unwrap();
    let def = DataDef::fixed(b"x").segment(".tdata.data");
    module.update(data, def).unwrap();
    let tls = module.announce_data("tls").unwrap();
    let def = DataDef::fixed(b"x")
        .segment(".tdata.tls")
        .flags(SegmentFlags::TLS);
    module.update(tls, def).unwrap();
    let table = module.announce_table("table").unwrap();
    let ty = wasm_format::TableType {
        element: wasm_format::RefType::FUNCREF,
        limits: wasm_format::Limits::default(),
    };
    module.update(table, TableDef { ty }).unwrap();
    module.set_exports(table, ["table", "again"]).unwrap();
    let error = module.write_object().unwrap_err().to_string();
    assert_eq!(error, module.link_input().unwrap_err().to_string());
    insta::assert_snapshot!(error);
    crate::support::flush(&module);
}
