//! `--export` and `--export-if-defined` of what the linker makes.

use std::fmt::Write;

use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::support::{Job, instance, print};

/// Functions and an address that no symbol stands for.
const NAMES: [&str; 9] = [
    "__wasm_apply_data_relocs",
    "__wasm_apply_global_relocs",
    "__wasm_apply_tls_relocs",
    "__wasm_apply_global_tls_relocs",
    "__wasm_init_memory",
    "__wasm_init_memory_flag",
    "__wasm_start",
    "get.command_export",
    "undefined_weak:weak",
];

pub(crate) const MODES: [&str; 9] = [
    "--no-entry --export=get",
    "--no-entry --export=get --emit-relocs --no-gc-sections",
    "--no-entry --export=get --import-memory",
    "--no-entry --export=get --shared-memory --max-memory=131072",
    "--no-entry --export=get -pie",
    "--no-entry --export=get -pie --extra-features=extended-const",
    "--no-entry --export=get -pie --shared-memory --max-memory=131072 \
     --import-memory",
    "-shared",
    "-shared --shared-memory --max-memory=131072",
];

const UNKNOWN: &str = "rust-lld knows no such symbol";

/// Asks for every start-up function where position-independent code can be linked: constructors,
/// data that holds addresses, GOT entries, thread-local data, zeroes, a weak function.
pub(crate) fn program() -> Source {
    let mut source = Source::new();
    source.function("construct", sig(0, 0), |_| {});
    source.init(1, "construct");
    source.function("get", sig(0, 1), |body| {
        body.call("weak", sig(0, 0));
        body.got("hidden").drop().got("zeroes").drop();
        body.got("thread").drop();
        body.got("pointer").load().load();
    });
    source.weak("weak");
    source
        .data("hidden", ".data.hidden", [7, 0, 0, 0])
        .hidden("hidden");
    source
        .data("pointer", ".data.pointer", [0; 4])
        .hidden("pointer");
    source.points(0, RelocType::MemoryAddrI32, "hidden", 0);
    source
        .data("zeroes", ".bss.zeroes", [0; 4])
        .hidden("zeroes");
    source
        .data("thread", ".tdata.thread", [0; 4])
        .hidden("thread");
    source.points(0, RelocType::MemoryAddrI32, "hidden", 0);
    source.segment_flags(SegmentFlags::TLS);
    source.flag("thread", wasm_format::linking::SymbolFlags::TLS);
    source.features(&["+mutable-globals", "+bulk-memory", "+atomics"]);
    source
}

fn job(mode: &str, args: &str) -> Job {
    Job::new()
        .object("a.o", &program())
        .args("--no-check-features")
        .args(mode)
        .args(args)
}

/// Links without asking what `rust-lld` makes of it; the names of its exports, or messages.
fn exports(mode: &str, args: &str) -> Result<Vec<String>, String> {
    let job = job(mode, args);
    let done = job.link_with(&job.options());
    if done.outcome.is_err() {
        return Err(done.messages());
    }
    let text = print(&done.module);
    let exports = text.lines().filter_map(|line| {
        let (_, rest) = line.trim().split_once("(export \"")?;
        rest.split_once('"').map(|(name, _)| name.to_owned())
    });
    Ok(exports.collect())
}

#[test]
fn what_the_linker_makes_is_exported_by_its_name() {
    let mut text = String::new();
    for mode in MODES {
        text += mode;
        text += "\n";
        let all = exports(mode, "--export-all").expect("the program links");
        for name in NAMES {
            let of = |option: &str| exports(mode, &format!("{option}={name}"));
            let named = of("--export");
            let count = |exports: &[String]| exports.iter().filter(|it| *it == name).count();
            let if_defined = count(&of("--export-if-defined").expect("never an error"));
            let said = match named {
                Ok(exports) => {
                    assert_eq!(count(&exports), 1, "{mode} {name}");
                    if if_defined == 1 {
                        "exported"
                    } else {
                        "exported, made for that"
                    }
                }
                Err(messages) => {
                    assert_eq!(if_defined, 0, "{mode} {name}");
                    let message =
                        format!("error: symbol exported via --export not found: {name}\n");
                    assert_eq!(messages, message, "{mode}");
                    "not found"
                }
            };
            let in_all = if count(&all) == 1 {
                ", also by --export-all"
            } else {
                ""
            };
            let _ = writeln!(text, "  {name}: {said}{in_all}");
        }
    }
    insta::assert_snapshot!(text);
}

/// Options that export groups of symbols do not concern what has none, and lists of local symbols
/// hide nothing that the command line names.
#[test]
fn other_options_leave_these_exports_alone() {
    let scripts = |args: &str| {
        job("-shared --export=get", args)
            .file("local.map", "{ local: *; };")
            .file("global.map", "{ global: __wasm_*; };")
            .file("list", "{ __wasm_init_memory; };")
            .file("retain", "get\n")
    };
    let exported = |args: &str| {
        let job = scripts(args);
        let done = job.link_with(&job.options());
        assert_eq!(done.messages(), "", "{args}");
        NAMES
            .into_iter()
            .filter(|name| print(&done.module).contains(&format!("(export \"{name}\"")))
            .collect::<Vec<_>>()
    };
    // A loader calls the first one.
    let always = ["__wasm_apply_data_relocs"];
    for args in [
        "",
        "--export-dynamic",
        "--version-script=local.map",
        "--version-script=global.map",
        "--dynamic-list=list",
        "--retain-symbols-file=retain",
        "--exclude-libs=ALL",
    ] {
        assert_eq!(exported(args), always, "{args}");
        let with_more = exported(&format!("{args} --export=__wasm_apply_global_relocs"));
        assert_eq!(
            with_more,
            [always[0], "__wasm_apply_global_relocs"],
            "{args}"
        );
    }
}

#[test]
fn an_object_file_has_no_such_functions() {
    let job = job("-r", "--export=__wasm_init_memory");
    insta::assert_snapshot!(job.fails());
}

#[test]
fn without_threads_there_is_no_thread_local_storage_to_set_up() {
    let job = job("--no-entry", "--export=__wasm_init_tls");
    insta::assert_snapshot!(job.fails());
}

/// As for every other symbol.
#[test]
fn a_missing_one_can_be_passed_over() {
    let missing = "--no-entry --export=none.command_export";
    assert!(job(missing, "").fails().contains("none.command_export"));
    for (args, count) in [
        ("--unresolved-symbols=ignore-all", 0),
        ("--warn-unresolved-symbols", 1),
    ] {
        let job = job(missing, args);
        let done = job.link_with(&job.options());
        assert!(done.outcome.is_ok(), "{}", done.messages());
        let message = "symbol exported via --export not found: none.command_export\n";
        assert_eq!(done.messages().matches(message).count(), count, "{args}");
    }
}

/// A program may have a function of that name, which is the one that is meant then.
#[test]
fn a_function_of_the_program_comes_first() {
    let mut source = Source::new();
    source.constant("__wasm_apply_global_relocs", 5);
    let job = Job::new()
        .object("a.o", &source)
        .args("--no-entry --export=__wasm_apply_global_relocs");
    assert_eq!(job.run("__wasm_apply_global_relocs"), 5);
}

/// Where there is nothing to do, the function does nothing.
#[test]
fn functions_can_be_called_whether_there_is_anything_to_do_or_not() {
    let mut source = Source::new();
    source.constant("get", 3);
    let names = [
        "__wasm_apply_data_relocs",
        "__wasm_apply_global_relocs",
        "__wasm_init_memory",
        "__wasm_apply_tls_relocs",
        "__wasm_apply_global_tls_relocs",
        "__wasm_start",
    ];
    let exports: Vec<String> = names
        .iter()
        .map(|name| format!("--export={name}"))
        .collect();
    let job = Job::new()
        .object("a.o", &source)
        .args("--no-entry --export=get")
        .args(&exports.join(" "))
        .differs(UNKNOWN);
    let module = job.module();
    insta::assert_snapshot!(print(&module));
    instance(&module, |mut store, instance| {
        for name in names {
            let function = instance
                .get_typed_func::<(), ()>(&store, name)
                .expect("an export");
            function.call(&mut store, ()).expect("no trap");
        }
    });
}

/// A program that loads the module, or patches it, calls the functions: afterwards everything is
/// where the loader has said.
#[test]
fn a_loader_calls_the_functions_by_name() {
    let mut source = Source::new();
    source.function("get", sig(0, 1), |body| {
        body.got("pointer").load().load();
    });
    source
        .data("hidden", ".data.hidden", [7, 0, 0, 0])
        .hidden("hidden");
    source
        .data("pointer", ".data.pointer", [0; 4])
        .hidden("pointer");
    source.points(0, RelocType::MemoryAddrI32, "hidden", 0);
    for features in ["", "--extra-features=extended-const"] {
        let module = Job::new()
            .object("a.o", &source)
            .args("-pie --no-entry --import-memory --export=get")
            .args("--export=__wasm_apply_global_relocs --export=__wasm_apply_data_relocs")
            .args("--no-check-features")
            .args(features)
            .differs(UNKNOWN)
            .module();
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, &module).expect("a valid module");
        let mut store = wasmi::Store::new(&engine, ());
        let mut linker = wasmi::Linker::new(&engine);
        let memory = wasmi::Memory::new(&mut store, wasmi::MemoryType::new(4, None));
        let base = wasmi::Global::new(
            &mut store,
            wasmi::Val::I32(0x1_0000),
            wasmi::Mutability::Const,
        );
        linker
            .define("env", "memory", memory.expect("a memory"))
            .expect("new");
        linker.define("env", "__memory_base", base).expect("new");
        let zero = wasmi::Global::new(&mut store, wasmi::Val::I32(1), wasmi::Mutability::Const);
        linker.define("env", "__table_base", zero).expect("new");
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .expect("it starts");
        // A second time changes nothing.
        for _ in 0..2 {
            for name in ["__wasm_apply_global_relocs", "__wasm_apply_data_relocs"] {
                let function = instance
                    .get_typed_func::<(), ()>(&store, name)
                    .expect("an export");
                function.call(&mut store, ()).expect("no trap");
            }
            let get = instance
                .get_typed_func::<(), i32>(&store, "get")
                .expect("an export");
            assert_eq!(get.call(&mut store, ()).expect("no trap"), 7);
        }
    }
}

#[test]
fn stubs_and_wrappers_are_exported_beside_what_they_stand_for() {
    let mut source = Source::new();
    source.function("construct", sig(0, 0), |_| {});
    source.init(1, "construct");
    source.function("get", sig(0, 1), |body| {
        body.call("weak", sig(0, 0));
        body.i32(0).call("other", sig(1, 0)).i32(1);
    });
    source.weak("weak");
    let mut other = Source::new();
    other.function("other", sig(0, 0), |_| {});
    let job = Job::new()
        .object("a.o", &source)
        .object("b.o", &other)
        .args("--no-entry --export=get --export=get.command_export")
        .args("--export=undefined_weak:weak --export=signature_mismatch:other")
        .differs(UNKNOWN);
    insta::assert_snapshot!(job.text());
}
