//! Names of imports and exports: what one name stands for.

use std::fmt::Write;

use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Limits, Mutability, RefType, TableType, ValType};

use crate::common::source::{Body, POINTER, Source, sig};
use crate::support::{Done, Job, print, run};

const INVALID: &str = "rust-lld makes a module that no engine takes";

/// Links without asking what `rust-lld` makes of it.
fn link(job: &Job) -> Done {
    job.link_with(&job.options())
}

/// A function that asks for an export name.
fn exporter(function: &'static str, value: i32, name: &'static str) -> Source {
    let mut source = Source::new();
    source.constant(function, value).export(function, name);
    source
}

#[test]
fn two_functions_cannot_have_one_export_name() {
    let (one, two) = (exporter("_Z3onev", 1, "run"), exporter("two", 2, "run"));
    let job = || Job::new().object("one.o", &one).object("two.o", &two);
    let message = job().args("--no-entry").differs(INVALID).fails();
    insta::assert_snapshot!(message);
    for mode in [
        "--no-entry --export-all",
        "--no-entry --export-dynamic",
        "--no-entry --export=two",
        "--no-entry --export-if-defined=two",
        "--no-entry --no-gc-sections",
        "--no-entry --emit-relocs",
        "--no-entry --import-memory",
        "--no-entry --shared-memory --max-memory=131072 --no-check-features",
        "-shared",
        "-pie --no-entry",
        "-r",
    ] {
        assert_eq!(link(&job().args(mode)).messages(), message, "{mode}");
    }
    // One file may do so, and a member that is linked for another name.
    let mut both = exporter("_Z3onev", 1, "run");
    both.constant("two", 2).export("two", "run");
    let single = Job::new().object("both.o", &both).args("--no-entry");
    let pulled = Job::new()
        .object("one.o", &one)
        .archive("libtwo.a", &[("two.o", &two)])
        .args("--no-entry --undefined=two");
    for job in [single, pulled] {
        insta::assert_snapshot!(job.differs(INVALID).fails());
    }
}

/// A function asks for a name that something else is exported under.
#[test]
fn other_things_have_the_export_name() {
    let global = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Const,
    };
    let table = TableType {
        element: RefType::EXTERNREF,
        limits: Limits::default(),
    };
    let mut others = Source::new();
    others
        .start(&["__wasm_call_ctors"])
        .constant("function", 1)
        .data("data", ".data.data", [1])
        .absolute("absolute", 7)
        .global("global", global, 3)
        .table("table", table)
        .tag("tag", sig(1, 0));
    let mut text = String::new();
    for (name, args) in [
        ("function", "--export=function"),
        ("data", "--export=data"),
        ("absolute", "--export=absolute"),
        ("global", "--export=global"),
        ("table", "--export=table"),
        ("tag", "--export=tag"),
        ("_start", ""),
        ("function", "--entry=function"),
        ("memory", ""),
        ("mine", "--export-memory=mine"),
        ("mine", "--import-memory --export-memory=mine"),
        ("__indirect_function_table", "--export-table"),
        ("__heap_base", "--export=__heap_base"),
        (
            "__stack_pointer",
            "--export=__stack_pointer --no-check-features",
        ),
        ("__wasm_call_ctors", "--export=__wasm_call_ctors"),
        ("__wasm_call_ctors", "-shared"),
        ("__wasm_apply_data_relocs", "-shared --no-gc-sections"),
        (
            "__wasm_init_memory_flag",
            "--export-all --shared-memory --max-memory=131072 --no-check-features",
        ),
    ] {
        let mut asks = exporter("asks", 2, name);
        // Something for a loader to relocate.
        asks.data("pointer", ".data.pointer", [0; 4]).points(
            0,
            RelocType::MemoryAddrI32,
            "pointer",
            0,
        );
        let job = Job::new()
            .object("others.o", &others)
            .object("asks.o", &asks)
            .args(args);
        let done = link(&job);
        assert!(done.outcome.is_err(), "{args}: {}", print(&done.module));
        writeln!(text, "{args}\n{}", done.messages()).expect("a string takes everything");
        // The name is free where nothing else is exported under it.
        if args.starts_with("--export=") {
            let job = Job::new()
                .object("others.o", &others)
                .object("asks.o", &asks);
            assert_eq!(job.run(name), 2);
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_symbol_has_the_name_of_the_memory() {
    let mut source = Source::new();
    source.constant("memory", 1);
    let job = || Job::new().object("a.o", &source).args("--no-entry");
    for args in ["--export=memory", "--export-all", "--export-dynamic"] {
        insta::assert_snapshot!(job().args(args).differs(INVALID).fails());
    }
    let renamed = job().args("--export=memory --export-memory=mem");
    assert_eq!(renamed.run("memory"), 1);
    let imported = job().args("--export=memory --import-memory").text();
    assert!(imported.contains("(export \"memory\" (func"), "{imported}");
}

/// Wherever it is exported: under every name once.
#[test]
fn one_definition_is_exported_once() {
    let mut source = exporter("f", 7, "run");
    source
        .alias("g", "f")
        .flag("g", SymbolFlags::EXPORTED)
        .alias("h", "f");
    for args in [
        "--no-entry",
        "--no-entry --export-all",
        "--no-entry --export=g --export-dynamic",
        "--no-entry --export=f --export=f --export-if-defined=h",
    ] {
        let job = Job::new().object("a.o", &source).args(args);
        assert_eq!(run(&link(&job.differs(INVALID)).module, "run"), 7, "{args}");
    }
    // A wrapper for each export would call constructors.
    source.function("init", sig(0, 0), |_| {}).init(0, "init");
    let commands = Job::new()
        .object("a.o", &source)
        .args("--no-entry")
        .differs(INVALID);
    insta::assert_snapshot!(print(&commands.module()));
    let object = link(&Job::new().object("a.o", &source).args("-r"));
    assert_eq!(object.messages(), "");
    let again = Job::new().file("r.o", object.module).args("r.o --no-entry");
    assert_eq!(print(&link(&again).module), print(&link(&commands).module));
}

/// Functions that run constructors first stand for those that they call.
#[test]
fn commands_cannot_share_an_export_name() {
    let mut one = exporter("one", 1, "run");
    one.function("init", sig(0, 0), |_| {}).init(0, "init");
    let job = Job::new()
        .object("one.o", &one)
        .object("two.o", &exporter("two", 2, "run"))
        .args("--no-entry");
    insta::assert_snapshot!(job.differs(INVALID).fails());
}

/// What is not exported, or is not in the output, has no part in it.
#[test]
fn names_that_are_not_exported_are_free() {
    let hides = |function| {
        let mut source = Source::new();
        source.constant(function, 1).hidden(function);
        source
    };
    let hidden = Job::new()
        .object("a.o", &exporter("asks", 2, "run"))
        .object("b.o", &hides("run"))
        .args("--no-entry --export-dynamic");
    assert_eq!(hidden.run("run"), 2);

    let copy = |value| {
        let mut source = exporter("inline", value, "run");
        source.weak("inline").comdat("inline", &["inline"]);
        source
    };
    let copies = || Job::new().object("a.o", &copy(1)).object("b.o", &copy(2));
    assert_eq!(copies().args("--no-entry").run("run"), 1);
    assert_eq!(link(&copies().args("-r")).messages(), "");

    let mut weak = exporter("f", 1, "run");
    weak.weak("f");
    let overridden = || {
        Job::new()
            .object("a.o", &weak)
            .object("b.o", &exporter("f", 2, "run"))
    };
    assert_eq!(overridden().args("--no-entry").run("run"), 2);
    assert_eq!(link(&overridden().args("-r")).messages(), "");
}

/// Calls an import `host.call`.
fn caller(
    function: &'static str,
    import: &'static str,
    (params, results): (usize, usize),
) -> Source {
    let mut source = Source::new();
    source
        .function(function, sig(0, 0), move |body| {
            for _ in 0..params {
                body.i32(0);
            }
            body.call(import, sig(params, results));
            for _ in 0..results {
                body.drop();
            }
        })
        .flag(function, SymbolFlags::EXPORTED)
        .import(import, "host", "call");
    source
}

#[test]
fn an_import_with_two_signatures_is_warned_of() {
    let (one, two) = (
        caller("_start", "_Z4callv", (0, 0)),
        caller("other", "call_int", (1, 1)),
    );
    let job = || Job::new().object("one.o", &one).object("two.o", &two);
    let text = job().text();
    insta::assert_snapshot!(text);
    // `wasm-ld` does not warn, so the warning stops nothing.
    assert_eq!(job().args("--fatal-warnings").text(), text);
    let warning = job().link().messages();
    for mode in [
        "-shared",
        "-pie",
        "--export-all",
        "--no-gc-sections",
        "--shared-memory --max-memory=131072 --no-check-features",
    ] {
        assert_eq!(link(&job().args(mode)).messages(), warning, "{mode}");
    }
    // The module, not the object file, is what hosts take.
    let object = link(&job().args("-r"));
    assert_eq!(object.messages(), "");
    let again = Job::new().file("r.o", object.module).args("r.o");
    insta::assert_snapshot!(link(&again).messages());
    // What is not called is not imported.
    let mut dead = Source::new();
    dead.function("dead", sig(0, 0), |body| {
        body.i32(0).call("call_int", sig(1, 1)).drop();
    })
    .import("call_int", "host", "call");
    Job::new()
        .object("one.o", &one)
        .object("dead.o", &dead)
        .module();
    // Names of one type are one import.
    let same = Job::new()
        .object("one.o", &one)
        .object("two.o", &caller("other", "another", (0, 0)));
    assert_eq!(print(&same.module()).matches("(import").count(), 1);
}

#[test]
fn imports_of_one_name_are_of_different_kinds() {
    let constant = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Const,
    };
    let importer = |user: &'static str, name: &'static str, write: &dyn Fn(&mut Body<'_>)| {
        let mut source = Source::new();
        source
            .function(user, sig(0, 1), |body| write(body))
            .flag(user, SymbolFlags::EXPORTED)
            .import(name, "host", "call");
        source
    };
    let global = |user, name, ty| {
        importer(user, name, &|body| {
            body.global(name, ty);
        })
    };
    let table = |user, name, element, min| {
        let limits = Limits {
            min,
            ..Limits::default()
        };
        importer(user, name, &|body| {
            body.table_size(name, TableType { element, limits });
        })
    };
    let function = caller("function", "f", (1, 0));
    let tag = importer("throws", "t", &|body| {
        body.i32(1).throw("t", sig(1, 0)).i32(0);
    });
    let mut text = String::new();
    let mut warns = |first: &Source, second: &Source, args: &str| {
        let job = Job::new()
            .object("first.o", first)
            .object("second.o", second)
            .args("--no-entry --no-check-features")
            .args(args);
        let done = job.link();
        assert!(done.outcome.is_ok(), "{}", done.messages());
        text += &done.messages();
        done.messages()
    };
    warns(&function, &global("gets", "g", constant), "");
    warns(
        &global("gets", "g", constant),
        &global("also", "h", POINTER),
        "",
    );
    warns(&function, &tag, "");
    let tables = [
        table("size1", "t1", RefType::FUNCREF, 1),
        table("size2", "t2", RefType::EXTERNREF, 1),
        table("size3", "t3", RefType::FUNCREF, 2),
    ];
    warns(&function, &tables[0], "");
    warns(&tables[0], &tables[1], "");
    // A table can be within several limits.
    assert_eq!(warns(&tables[0], &tables[2], ""), "");
    let mut memory = Source::new();
    memory
        .function("grow", sig(0, 0), |body| {
            body.call("grow_memory", sig(0, 0));
        })
        .flag("grow", SymbolFlags::EXPORTED)
        .import("grow_memory", "env", "memory");
    assert_eq!(warns(&memory, &function, ""), "");
    warns(&memory, &function, "--import-memory");
    insta::assert_snapshot!(text);
}

#[test]
fn many_types_of_an_import_are_counted() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut job = Job::new().args("--no-entry");
    for (params, name) in names.into_iter().enumerate() {
        let function: &'static str = ["fa", "fb", "fc", "fd", "fe", "ff", "fg"][params];
        job = job.object(&format!("{name}.o"), &caller(function, name, (params, 0)));
    }
    insta::assert_snapshot!(job.link().messages());
}
