//! The linker's own symbols, referred to as everything that a file can take them for.

use std::fmt::Write;

use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;
use wasm_format::{FuncType, GlobalType, Limits, Mutability, RefType, TableType, ValType};

use crate::common::source::{POINTER, Source, sig};
use crate::support::{Job, print, run};

/// What the linker defines, or leaves to a loader.
const SYMBOLS: [&str; 21] = [
    "__heap_base",
    "__heap_end",
    "__data_end",
    "__rodata_start",
    "__rodata_end",
    "__global_base",
    "__stack_low",
    "__stack_high",
    "__dso_handle",
    "__wasm_first_page_end",
    "__memory_base",
    "__table_base",
    "__start_list",
    "__stop_list",
    "__stack_pointer",
    "__tls_base",
    "__tls_size",
    "__tls_align",
    "__wasm_call_ctors",
    "__wasm_init_tls",
    "__indirect_function_table",
];

/// Those that a loader knows if it places the output.
const LOADERS: [&str; 5] = [
    "__heap_base",
    "__heap_end",
    "__global_base",
    "__stack_low",
    "__stack_high",
];

const CONSTANT: GlobalType = GlobalType {
    value: ValType::I32,
    mutability: Mutability::Const,
};

const TABLE: TableType = TableType {
    element: RefType::FUNCREF,
    limits: Limits {
        min: 0,
        max: None,
        shared: false,
        is_64: false,
        page_size_log2: None,
    },
};

/// What a file takes a symbol for, and what it does with that.
#[derive(Clone, Copy, PartialEq, Debug)]
enum As {
    Called,
    Function,
    FunctionInData,
    FunctionRelative,
    FunctionInGot,
    Data,
    DataInData,
    DataRelative,
    DataInGot,
    ThreadLocal,
    Global,
    GlobalSet,
    Table,
    Tag,
}

impl As {
    const ALL: [As; 14] = [
        As::Called,
        As::Function,
        As::FunctionInData,
        As::FunctionRelative,
        As::FunctionInGot,
        As::Data,
        As::DataInData,
        As::DataRelative,
        As::DataInGot,
        As::ThreadLocal,
        As::Global,
        As::GlobalSet,
        As::Table,
        As::Tag,
    ];

    fn heading(self) -> &'static str {
        match self {
            As::Called => "called",
            As::Function => "function",
            As::Data => "data",
            As::FunctionInData | As::DataInData => ".. in data",
            As::FunctionRelative | As::DataRelative => ".. relative",
            As::FunctionInGot | As::DataInGot => ".. in GOT",
            As::ThreadLocal => "TLS",
            As::Global => "global",
            As::GlobalSet => ".. set",
            As::Table => "table",
            As::Tag => "tag",
        }
    }

    /// An object whose function `get` refers to `symbol` and returns what it is, if that is a
    /// number.
    fn source(self, symbol: &'static str) -> Source {
        let mut source = Source::new();
        source.function("_start", sig(0, 0), |_| {});
        let params = usize::from(symbol == "__wasm_init_tls");
        let signature = sig(params, 0);
        source.function("get", sig(0, 1), |body| {
            match self {
                As::Called => {
                    for _ in 0..params {
                        body.i32(0);
                    }
                    body.call(symbol, signature).i32(0)
                }
                As::Function => body.pointer(symbol, signature),
                As::FunctionRelative => (body.global("__table_base", CONSTANT))
                    .slot(symbol, signature)
                    .add(),
                As::FunctionInGot => body.got_of_function(symbol, signature),
                As::FunctionInData | As::DataInData => (body.global("__memory_base", CONSTANT))
                    .relative_address("place")
                    .add()
                    .load(),
                As::Data => body.address(symbol, 0),
                As::DataRelative => (body.global("__memory_base", CONSTANT))
                    .relative_address(symbol)
                    .add(),
                As::DataInGot => body.got(symbol),
                As::ThreadLocal => body.tls_offset(symbol),
                As::Global => body.global(symbol, global_type(symbol)),
                As::GlobalSet => body.i32(1).set_global(symbol, POINTER).i32(0),
                As::Table => body.table_size(symbol, TABLE),
                As::Tag => body.i32(0).throw(symbol, sig(1, 0)),
            };
        });
        match self {
            As::FunctionInData => {
                source.data("place", ".data.place", [0; 4]);
                source.points(0, RelocType::TableIndexI32, symbol, 0);
            }
            As::DataInData => {
                source.data("place", ".data.place", [0; 4]);
                source.points(0, RelocType::MemoryAddrI32, symbol, 0);
            }
            _ => {}
        }
        source.data("entry", "list", [1; 4]);
        source.segment_flags(SegmentFlags::RETAIN);
        source
    }

    /// Whether an object of this kind can be: a symbol is one thing to a file.
    fn can_refer_to(self, symbol: &str) -> bool {
        match symbol {
            "__memory_base" => {
                ![As::FunctionInData, As::DataInData, As::DataRelative].contains(&self)
            }
            "__table_base" => self != As::FunctionRelative,
            _ => true,
        }
    }
}

/// The type of the linker's global, where it has one.
fn global_type(symbol: &str) -> GlobalType {
    match symbol {
        "__stack_pointer" | "__tls_base" => POINTER,
        _ => CONSTANT,
    }
}

/// What came of a link, in a word or two.
fn outcome(symbol: &'static str, as_what: As, args: &str) -> String {
    if !as_what.can_refer_to(symbol) {
        return "-".to_owned();
    }
    let job = Job::new().object("a.o", &as_what.source(symbol)).args(args);
    let mut options = job.options();
    options.threads = Some(1);
    // What is linked is validated.
    let done = job.link_with(&options);
    let messages = done.messages();
    if done.outcome.is_ok() {
        return result(&done.module);
    }
    let known = [
        (
            format!("error: symbol type mismatch: {symbol}\n"),
            "mismatch",
        ),
        (
            format!("error: Global type mismatch: {symbol}\n"),
            "mismatch",
        ),
        (format!("`{symbol}`; recompile with -fPIC"), "-fPIC"),
        (format!("an undefined symbol `{symbol}`"), "undefined"),
        (format!("undefined symbol: {symbol}\n"), "undefined"),
        (format!("to set the constant `{symbol}`"), "constant"),
        (format!("against non-TLS symbol `{symbol}`"), "not TLS"),
        (format!("against absolute symbol `{symbol}`"), "absolute"),
        (format!("refers to the table symbol `{symbol}`"), "damaged"),
    ];
    let known = known.iter().find(|(text, _)| messages.contains(text));
    known.map_or(messages.clone(), |(_, word)| (*word).to_owned())
}

/// What `get` returns, or from where it gets that.
fn result(module: &[u8]) -> String {
    let engine = wasmi::Engine::default();
    // Not every engine has threads and exceptions.
    let Ok(module) = wasmi::Module::new(&engine, module) else {
        return "valid".to_owned();
    };
    let mut store = wasmi::Store::new(&engine, ());
    let mut linker = wasmi::Linker::new(&engine);
    let mut from = None;
    for import in module.imports() {
        let (space, name) = (import.module(), import.name());
        let item: wasmi::Extern = match import.ty() {
            wasmi::ExternType::Global(ty) => {
                let value = match name {
                    "__memory_base" => 0x2_0000,
                    "__table_base" => 8,
                    "__stack_pointer" => 0x1_0000,
                    _ => 0x777,
                };
                if space != "env" {
                    from = Some(space.to_owned());
                }
                wasmi::Global::new(&mut store, wasmi::Val::I32(value), ty.mutability()).into()
            }
            wasmi::ExternType::Memory(ty) => {
                let max = ty.maximum().map(|max| max as u32);
                let memory = wasmi::Memory::new(&mut store, wasmi::MemoryType::new(8, max));
                memory.expect("a memory").into()
            }
            wasmi::ExternType::Table(ty) => {
                let element = ty.element();
                let ty = wasmi::TableType::new(element, 32, None);
                let table = wasmi::Table::new(&mut store, ty, wasmi::Ref::null(element));
                table.expect("a table").into()
            }
            wasmi::ExternType::Func(ty) => {
                wasmi::Func::new(&mut store, ty.clone(), |_, _, _| Ok(())).into()
            }
        };
        linker.define(space, name, item).expect("a new name");
    }
    let instance = (linker.instantiate_and_start(&mut store, &module))
        .expect("the module can be instantiated");
    if let Ok(apply) = instance.get_typed_func::<(), ()>(&store, "__wasm_apply_data_relocs") {
        apply.call(&mut store, ()).expect("no trap");
    }
    let Ok(get) = instance.get_typed_func::<(), i32>(&store, "get") else {
        return "valid".to_owned();
    };
    let Ok(value) = get.call(&mut store, ()) else {
        return "trap".to_owned();
    };
    match from {
        Some(from) => {
            assert_eq!(value, 0x777);
            from
        }
        None => format!("{value:#x}"),
    }
}

/// The outcome of every reference to every symbol.
fn matrix(args: &str) -> Vec<(&'static str, Vec<String>)> {
    let row = |symbol| {
        let cell = |as_what: As| outcome(symbol, as_what, args);
        (symbol, As::ALL.map(cell).to_vec())
    };
    SYMBOLS.map(row).to_vec()
}

fn table(matrix: &[(&str, Vec<String>)]) -> String {
    let mut text = format!("{:26}", "");
    for as_what in As::ALL {
        write!(text, "{:12}", as_what.heading()).expect("a string takes everything");
    }
    for (symbol, cells) in matrix {
        text.truncate(text.trim_end().len());
        write!(text, "\n{symbol:26}").expect("a string takes everything");
        for cell in cells {
            write!(text, "{cell:12}").expect("a string takes everything");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

const EXECUTABLE: &str = "--no-entry --export=get";
const THREADS: &str = "--no-entry --export=get --shared-memory --no-check-features";
const PIE: &str = "-pie --no-entry --export=get --import-memory";
const SHARED: &str = "-shared --export=get";

#[test]
fn references_of_an_executable() {
    let matrix = matrix(EXECUTABLE);
    // What it was declared as does not change an address.
    for (symbol, cells) in &matrix {
        let of = |as_what: As| &cells[as_what as usize];
        for (function, data) in [
            (As::Function, As::Data),
            (As::FunctionInData, As::DataInData),
            (As::FunctionInGot, As::DataInGot),
            (As::Function, As::DataInGot),
            (As::Function, As::DataRelative),
            (As::FunctionRelative, As::Data),
        ] {
            if of(function) != "-" && of(data).starts_with("0x") {
                assert_eq!(of(function), of(data), "{symbol} {function:?}");
            }
        }
    }
    insta::assert_snapshot!(table(&matrix));
}

#[test]
fn references_of_an_executable_with_threads() {
    insta::assert_snapshot!(table(&matrix(THREADS)));
}

#[test]
fn references_of_a_position_independent_executable() {
    insta::assert_snapshot!(table(&matrix(PIE)));
}

#[test]
fn references_of_a_shared_library() {
    insta::assert_snapshot!(table(&matrix(SHARED)));
}

/// Options that let symbols be undefined, or keep and export everything, change nothing
/// about what is defined.
#[test]
fn options_do_not_change_what_a_reference_gets() {
    for (base, more) in [
        (EXECUTABLE, "--export-all"),
        (EXECUTABLE, "--no-gc-sections"),
        (EXECUTABLE, "--import-undefined"),
        (EXECUTABLE, "--unresolved-symbols=ignore-all"),
        (EXECUTABLE, "--unresolved-symbols=import-dynamic"),
        (EXECUTABLE, "--emit-relocs"),
        (THREADS, "--export-all --no-gc-sections"),
        (PIE, "--export-all --no-gc-sections"),
        (PIE, "--shared-memory --no-check-features"),
        (SHARED, "--export-all --no-gc-sections"),
        (SHARED, "--import-undefined"),
        (SHARED, "--shared-memory --no-check-features"),
    ] {
        let (plain, changed) = (matrix(base), matrix(&format!("{base} {more}")));
        for ((symbol, plain), (_, changed)) in plain.iter().zip(&changed) {
            // Without threads, these are a constant or nothing.
            if more.contains("--shared-memory") && symbol.contains("tls") {
                continue;
            }
            for ((plain, changed), as_what) in plain.iter().zip(changed).zip(As::ALL) {
                let alike = match plain.as_str() {
                    "undefined" => !changed.is_empty(),
                    // Not every engine runs everything.
                    "0x0" => ["0x0", "valid"].contains(&changed.as_str()),
                    _ if changed == "valid" => !["mismatch", "constant"].contains(&plain.as_str()),
                    _ => plain == changed,
                };
                assert!(
                    alike,
                    "{symbol} {as_what:?} {base} {more}: {plain}, {changed}"
                );
            }
        }
    }
}

/// An object file defines none of them: what refers to them is decided by the final link.
#[test]
fn an_object_file_keeps_references_as_they_are() {
    for (symbol, as_what) in [
        ("__heap_base", As::Called),
        ("__heap_base", As::FunctionInData),
        ("__heap_base", As::Tag),
        ("__tls_base", As::Data),
        ("__stack_pointer", As::Called),
    ] {
        let relocatable = Job::new().object("a.o", &as_what.source(symbol)).args("-r");
        let object = relocatable.link_with(&relocatable.options()).module;
        let job = Job::new().file("a.o", object).args("a.o").args(EXECUTABLE);
        let done = job.link_with(&job.options());
        let is_mismatch = done.messages().starts_with("error: symbol type mismatch");
        assert_eq!(is_mismatch, as_what != As::FunctionInData, "{symbol}");
    }
}

/// A module as text, without the function table: an object file refers to it in any case.
fn without_table(module: &[u8]) -> String {
    let is_table = |line: &&str| line.contains("(table (;0;)");
    let text = print(module);
    let lines = text.lines().filter(|line| !is_table(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Files that take a symbol for different things are linked in two steps as in one: the object
/// file has a symbol of each kind.
#[test]
fn an_object_file_keeps_references_of_several_kinds() {
    let mut agree = 0;
    for symbol in SYMBOLS {
        for [first, second] in [
            [As::Function, As::Data],
            [As::Data, As::FunctionInData],
            [As::DataInData, As::Global],
            [As::Global, As::Function],
            [As::Data, As::Called],
            [As::Function, As::DataInGot],
        ] {
            if !first.can_refer_to(symbol) || !second.can_refer_to(symbol) {
                continue;
            }
            let [mut other, mut third] = [second, first].map(|as_what| as_what.source(symbol));
            for source in [&mut other, &mut third] {
                source.local("_start").local("get").local("entry");
            }
            let job = || {
                Job::new()
                    .file("a.o", first.source(symbol).build())
                    .file("b.o", other.build())
                    .file("c.o", third.build())
            };
            let relocatable = job().args("-r a.o b.o c.o");
            let object = relocatable.link_with(&relocatable.options());
            let what = format!("{symbol} {first:?} {second:?}");
            for args in [EXECUTABLE, THREADS, PIE, SHARED] {
                let args = format!("{args} --no-gc-sections");
                let one = job().args("a.o b.o c.o").args(&args);
                let one = one.link_with(&one.options());
                if one.outcome.is_err() {
                    // A reason is given for one of the steps.
                    continue;
                }
                assert_eq!(object.messages(), "", "{what}");
                let two = Job::new().file("all.o", object.module.clone());
                let two = two.args("all.o").args(&args);
                let two = two.link_with(&two.options());
                assert_eq!(two.messages(), one.messages(), "{what} {args}");
                assert_eq!(
                    without_table(&two.module),
                    without_table(&one.module),
                    "{what} {args}"
                );
                agree += 1;
            }
        }
    }
    assert_eq!(agree, 110, "links that take both");
}

/// What a direct link reports, a link in two steps reports, too.
#[test]
fn an_object_file_does_not_hide_a_mismatch() {
    let mut caller = As::Called.source("__heap_base");
    caller.local("_start").local("get").local("entry");
    let mut definition = Source::new();
    definition.data("__heap_base", ".data.base", [1; 4]);
    let data = As::Data.source("__heap_base").build();
    let job = || {
        Job::new()
            .file("data.o", data.clone())
            .file("caller.o", caller.build())
            .file("definition.o", definition.build())
    };
    let mut messages = String::new();
    for order in ["data.o caller.o", "caller.o data.o"] {
        let relocatable = job().args("-r").args(order);
        let object = relocatable.link_with(&relocatable.options());
        messages += &object.messages();
        let last = Job::new().file("all.o", object.module).args("all.o");
        let last = last.args(EXECUTABLE).args("--no-gc-sections");
        messages += &last.link_with(&last.options()).messages();
    }
    for order in [
        "data.o caller.o definition.o",
        "definition.o data.o caller.o",
    ] {
        let relocatable = job().args("-r").args(order);
        messages += &relocatable.link_with(&relocatable.options()).messages();
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn a_mismatch_names_the_file() {
    let job = |symbol, as_what: As, args: &str| {
        Job::new()
            .object("a.o", &as_what.source(symbol))
            .args(args)
            .differs("rust-lld makes an invalid module")
    };
    let messages = [
        job("__heap_base", As::Called, EXECUTABLE).fails(),
        job("__start_list", As::Table, EXECUTABLE).fails(),
        job("__tls_base", As::Data, EXECUTABLE).fails(),
        job("__memory_base", As::GlobalSet, EXECUTABLE).fails(),
        job("__data_end", As::FunctionRelative, PIE).fails(),
    ];
    insta::assert_snapshot!(messages.concat());
}

/// libc knows `__heap_base` as data, whatever a program takes it for.
#[test]
fn files_may_declare_an_address_differently() {
    let mut program = Source::new();
    program.function("get", sig(0, 1), |body| {
        body.pointer("__heap_base", sig(0, 0));
    });
    let mut libc = Source::new();
    libc.function("malloc", sig(0, 1), |body| {
        body.address("__heap_base", 0);
    });
    let mut global = Source::new();
    global.function("read", sig(0, 1), |body| {
        body.global("__heap_base", CONSTANT);
    });
    for order in ["program.o libc.o global.o", "global.o libc.o program.o"] {
        let job = Job::new()
            .file("program.o", program.build())
            .file("libc.o", libc.build())
            .file("global.o", global.build())
            .args(order)
            .args("--no-entry --export=get --export=malloc --export=read");
        // rust-lld takes some orders only.
        let module = job.link_with(&job.options()).module;
        for function in ["get", "malloc", "read"] {
            assert_eq!(crate::support::run(&module, function), 0x1_0000, "{order}");
        }
    }
}

#[test]
fn who_calls_an_address_that_others_declare_rightly_is_named() {
    let data = As::Data.source("__heap_base");
    let mut caller = Source::new();
    caller.function("f", sig(0, 1), |body| {
        body.i32(1).call("__heap_base", sig(1, 1));
    });
    for order in ["data.o caller.o", "caller.o data.o"] {
        let job = Job::new()
            .file("data.o", data.build())
            .file("caller.o", caller.build())
            .args(order)
            .args(EXECUTABLE);
        let done = job.link_with(&job.options());
        assert_eq!(
            done.messages(),
            "error: symbol type mismatch: __heap_base\n\
             >>> defined as WASM_SYMBOL_TYPE_FUNCTION in caller.o\n\
             >>> defined as WASM_SYMBOL_TYPE_DATA in <internal>\n",
            "{order}"
        );
    }
}

/// A definition of an object has one kind.
#[test]
fn an_object_that_defines_an_address_decides_what_it_is() {
    let mut define_function = Source::new();
    define_function.function("__heap_base", sig(0, 0), |_| {});
    let mut define_data = Source::new();
    define_data.data("__heap_base", ".data.base", [1; 4]);
    let function = As::Function.source("__heap_base");
    let mut data = Source::new();
    data.function("malloc", sig(0, 1), |body| {
        body.address("__heap_base", 0);
    });
    for definition in [define_function, define_data] {
        for order in [
            "function.o data.o definition.o",
            "data.o function.o definition.o",
            "definition.o data.o function.o",
        ] {
            let job = Job::new()
                .file("function.o", function.build())
                .file("data.o", data.build())
                .file("definition.o", definition.build())
                .args(order)
                .args(EXECUTABLE);
            let messages = job.link_with(&job.options()).messages();
            let expected = "error: symbol type mismatch: __heap_base\n";
            assert!(messages.starts_with(expected), "{order}: {messages}");
        }
    }
}

#[test]
fn weak_references_get_the_address_too() {
    for as_what in [As::Function, As::Data] {
        let mut source = as_what.source("__heap_base");
        source.weak("__heap_base");
        let job = Job::new().object("a.o", &source).args(EXECUTABLE);
        assert_eq!(job.run("get"), 0x1_0010);
    }
    let mut source = As::Called.source("__heap_base");
    source.weak("__heap_base");
    let job = Job::new().object("a.o", &source).args(EXECUTABLE);
    let messages = job.link_with(&job.options()).messages();
    assert!(messages.starts_with("error: symbol type mismatch: __heap_base\n"));
}

#[test]
fn addresses_of_64_bits() {
    let signature = FuncType::new(vec![], vec![ValType::I64]);
    let source = |function: bool| {
        let mut source = Source::wasm64();
        source.function("get", signature.clone(), |body| {
            if function {
                body.pointer_64("__heap_base", sig(0, 0));
            } else {
                body.address_64("__heap_base");
            }
        });
        source.data("place", ".data.place", [0; 8]);
        let ty = if function {
            RelocType::TableIndexI64
        } else {
            RelocType::MemoryAddrI64
        };
        source.points(0, ty, "__heap_base", 0);
        source
    };
    let module = |function| {
        let job = Job::new().object("a.o", &source(function));
        let job = job.args("-mwasm64 --no-entry --export=get --export=place");
        job.module()
    };
    for module in [module(true), module(false)] {
        let text = print(&module);
        assert!(text.contains("i64.const 65552"), "{text}");
        assert!(text.contains("\\10\\00\\01\\00\\00\\00\\00\\00"), "{text}");
    }
    let mut source = Source::wasm64();
    source.function("get", sig(0, 0), |body| {
        body.call("__heap_base", sig(0, 0));
    });
    let job = Job::new().object("a.o", &source);
    let job = job.args("-mwasm64 --no-entry --export=get");
    let messages = job.link_with(&job.options()).messages();
    assert!(messages.starts_with("error: symbol type mismatch: __heap_base\n"));
}

/// The address is kept as what it is.
#[test]
fn kept_relocations_of_an_address_are_of_data() {
    let job = Job::new()
        .object("a.o", &As::FunctionInData.source("__heap_base"))
        .args("--no-entry --export=get --emit-relocs --no-gc-sections");
    let module = job.link_with(&job.options()).module;
    let mut kept = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        if let Ok(wasmparser::Payload::CustomSection(section)) = payload
            && section.name() == "reloc.DATA"
        {
            let wasmparser::KnownCustom::Reloc(reader) = section.as_known() else {
                panic!("relocations");
            };
            for entry in reader.entries() {
                kept.push(entry.expect("a relocation").ty);
            }
        }
    }
    assert_eq!(kept, [wasmparser::RelocationType::MemoryAddrI32]);
}

/// A loader is told of them as of the data of another module.
#[test]
fn a_loader_provides_the_layout() {
    let mut source = Source::new();
    source.function("get", sig(0, 3), |body| {
        body.got("__heap_base")
            .got("__data_end")
            .got("__wasm_first_page_end");
    });
    source.data("limits", ".data.limits", [0; 8]);
    source.points(0, RelocType::MemoryAddrI32, "__stack_high", 0);
    source.points(4, RelocType::MemoryAddrI32, "__heap_end", 4);
    let job = Job::new()
        .object("a.o", &source)
        .args("-shared --export=get --export=limits")
        .differs("rust-lld reports them as undefined");
    insta::assert_snapshot!(print(&job.module()));
}

/// One that is hidden is not looked for in other modules.
#[test]
fn a_hidden_address_is_not_the_loaders() {
    for args in [PIE, SHARED] {
        let mut source = As::DataInGot.source("__heap_base");
        source.hidden("__heap_base");
        let job = Job::new().object("a.o", &source).args(args);
        assert!(job.fails().contains("undefined symbol: __heap_base"));
    }
}

#[test]
fn a_layout_that_is_not_there_cannot_be_exported() {
    let mut source = Source::new();
    source.data("x", ".data.x", [1; 4]);
    for args in [PIE, SHARED] {
        for name in LOADERS {
            let job = Job::new()
                .object("a.o", &source)
                .args(&args.replace("get", name));
            assert_eq!(
                job.fails(),
                format!(
                    "error: symbol exported via --export not found: {name}\n\
                     >>> position-independent output has none: a loader lays out the memory, and \
                     knows where that is\n"
                )
            );
        }
    }
    // An executable knows where its own data ends.
    for (args, is_known) in [(PIE, true), (SHARED, false)] {
        let job = Job::new()
            .object("a.o", &source)
            .args(&args.replace("get", "__data_end"));
        assert_eq!(job.link().outcome.is_ok(), is_known, "{args}");
    }
    // Who does not insist on it gets none.
    let job = Job::new()
        .object("a.o", &source)
        .args("-shared --no-export-dynamic")
        .args("--export-if-defined=__heap_base");
    assert!(!print(&job.module()).contains("__heap_base"));
}

/// One file declares the bound of a segment as data, the other one as a function.
#[test]
fn bounds_of_segments_may_be_declared_either_way() {
    let mut data = Source::new();
    data.data("x", "my_set", [7; 4]);
    data.function("as_data", sig(0, 1), |body| {
        body.address("__start_my_set", 0).load8();
    });
    let mut function = Source::new();
    function.function("as_function", sig(0, 1), |body| {
        body.pointer("__start_my_set", sig(0, 0)).load8();
    });
    let args = "--no-entry --export=as_data --export=as_function --no-gc-sections";
    for files in [
        [("a.o", &data), ("b.o", &function)],
        [("b.o", &function), ("a.o", &data)],
    ] {
        let job = (files.into_iter())
            .fold(Job::new(), |job, (name, source)| job.object(name, source))
            .args(args)
            .link_with(&Job::new().args(args).options());
        assert_eq!(job.messages(), "");
        assert_eq!(run(&job.module, "as_data"), 7);
        assert_eq!(run(&job.module, "as_function"), 7);
    }
}

/// Whatever is between them, read-only data lies first, and other data up to the zeroes behind it.
#[test]
fn read_only_data_has_bounds() {
    let mut source = Source::new();
    source.start(&[]);
    for (name, segment) in [
        ("zeroes", ".bss.zeroes"),
        ("own", ".tdata.own"),
        ("named", "named"),
        ("data", ".data.data"),
        ("first", ".rodata.first"),
        ("last", ".rodata.last"),
    ] {
        source.data(name, segment, [u8::from(segment != ".bss.zeroes"); 3]);
        source.segment_flags(SegmentFlags::RETAIN);
    }
    let job = |source: &Source, args: &str| {
        let bounds = "--export=__rodata_start --export=__rodata_end --no-check-features";
        Job::new().object("a.o", source).args(bounds).args(args)
    };
    let mut all = String::new();
    for args in [
        "",
        "--no-merge-data-segments",
        "--global-base=100000",
        "-pie",
        "-pie --extra-features=extended-const",
        "--shared-memory --max-memory=131072",
    ] {
        writeln!(all, ";; {args}").expect("a string takes everything");
        all += &print(&job(&source, args).module());
    }
    insta::assert_snapshot!(all);

    let mut without = Source::new();
    without.start(&[]);
    let module = print(&job(&without, "").module());
    assert_eq!(module.matches("i32 i32.const 0)").count(), 2, "{module}");
    // A program may have one of its own.
    without.data("before", ".rodata.before", [9; 4]);
    without.data("__rodata_end", ".data.own", [9; 4]);
    let module = print(&job(&without, "--export=before").module());
    assert!(module.contains("i32 i32.const 65540)"), "{module}");
}

/// They come in one order, whatever order files refer to them in, and only where something does.
#[test]
fn bases_are_globals_where_something_refers_to_them() {
    let bases = [
        "__tls_base",
        "__table_base",
        "__memory_base",
        "__stack_pointer",
    ];
    let mut all = String::new();
    for (used, args) in [
        (0, ""),
        (4, ""),
        (3, "--shared-memory --max-memory=131072 --no-check-features"),
        (3, "--no-gc-sections"),
        (1, "--export=__memory_base --table-base=7"),
        (0, "--export-all --print-gc-sections"),
    ] {
        let mut source = Source::new();
        source.start(&[]);
        source.function("get", sig(0, 1), |body| {
            body.i32(0);
            for &base in &bases[..used] {
                let mutability = match base {
                    "__stack_pointer" | "__tls_base" => Mutability::Var,
                    _ => Mutability::Const,
                };
                let value = ValType::I32;
                body.global(base, GlobalType { value, mutability }).add();
            }
        });
        let job = Job::new().object("a.o", &source).args("--export=get");
        writeln!(all, ";; {used} {args}").expect("a string takes everything");
        all += &print(&job.args(args).module());
    }
    insta::assert_snapshot!(all);
}
