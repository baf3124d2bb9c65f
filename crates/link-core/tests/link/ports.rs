//! Names of exports: what one name stands for.

use std::fmt::Write;

use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Limits, Mutability, RefType, TableType, ValType};

use crate::common::source::{Source, sig};
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
        "-shared --experimental-pic",
        "-pie --no-entry --experimental-pic",
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
        ("__wasm_call_ctors", "-shared --experimental-pic"),
        (
            "__wasm_apply_data_relocs",
            "-shared --experimental-pic --no-gc-sections",
        ),
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
