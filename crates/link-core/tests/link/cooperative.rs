//! Threads that take turns (`--cooperative-threading`): one instance of the module runs them all,
//! and code asks functions for the context of its thread.
//!
//! The `rust-lld` that these tests may have is older than the option: `cargo xtask differential`
//! compares.

use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Mutability, ValType};

use crate::common::source::{POINTER, Source, sig};
use crate::loader::{ELSEWHERE, Loaded, MEMORY_BASE, TABLE_BASE};
use crate::support::{Job, print, validate};

const OPTION: &str = "--cooperative-threading";
pub(crate) const STATIC: &str = "--no-entry --cooperative-threading";
pub(crate) const PIE: &str = "-pie --no-entry --import-memory --cooperative-threading";
pub(crate) const SHARED: &str = "-shared --cooperative-threading";

const ADDRESS: GlobalType = GlobalType {
    value: ValType::I32,
    mutability: Mutability::Const,
};

fn messages(job: &Job) -> String {
    let done = job.link_with(&job.options());
    assert!(done.outcome.is_err(), "{}", print(&done.module));
    done.messages()
}

fn link(job: &Job) -> Vec<u8> {
    let done = job.link_with(&job.options());
    assert_eq!(done.messages(), "");
    done.module
}

/// Thread-local data, at an alignment of 16 bytes.
fn thread_local(source: &mut Source, name: &'static str, bytes: &[u8]) {
    source.data(name, ".tdata.some", bytes).align(4);
    source.segment_flags(SegmentFlags::TLS);
    source.flag(name, SymbolFlags::TLS);
}

/// Data of all kinds. `get` adds up what code finds in it.
pub(crate) fn program() -> Source {
    let mut source = Source::new();
    source.features(&["+bulk-memory", "+mutable-globals"]);
    thread_local(&mut source, "one", &[1, 0, 0, 0]);
    thread_local(&mut source, "two", &[2, 0, 0, 0]);
    source.data("constant", ".rodata.constant", [4, 0, 0, 0]);
    source.data("variable", ".data.variable", [8, 0, 0, 0]);
    source.data("zero", ".bss.zero", [0; 4]);
    source.function("get", sig(0, 1), |body| {
        for name in ["one", "two"] {
            body.call("__wasm_get_tls_base", sig(0, 1)).tls_offset(name);
            body.add().load();
        }
        body.add();
        for name in ["constant", "variable", "zero"] {
            body.address(name, 0).load().add();
        }
    });
    source.flag("get", SymbolFlags::EXPORTED);
    source
}

/// The same in position-independent code. Thread-local data points to data and to functions.
pub(crate) fn placed() -> Source {
    let mut source = Source::new();
    source.features(&["+bulk-memory", "+mutable-globals"]);
    source.function("f", sig(0, 0), |_| {});
    source.data("constant", ".rodata.constant", [4, 0, 0, 0]);
    source.data("variable", ".data.variable", [8, 0, 0, 0]);
    source.points(0, RelocType::MemoryAddrI32, "constant", 0);
    source.data("zero", ".bss.zero", [0; 4]);
    thread_local(&mut source, "one", &[0; 12]);
    source.points(0, RelocType::MemoryAddrI32, "constant", 2);
    source.points(4, RelocType::TableIndexI32, "f", 0);
    source.points(8, RelocType::MemoryAddrI32, "one", 4);
    thread_local(&mut source, "two", &[2, 0, 0, 0]);
    for name in ["f", "constant", "variable", "zero", "one", "two"] {
        source.hidden(name);
    }
    source.function("get", sig(0, 1), |body| {
        body.tls_offset("one").drop().got("variable").drop();
        body.got("zero").drop();
        body.call("__wasm_get_tls_base", sig(0, 1))
            .tls_offset("two");
        body.add().load().got("constant").load().add();
    });
    source.flag("get", SymbolFlags::EXPORTED);
    source
}

#[test]
fn an_executable() {
    let job = Job::new()
        .object("a.o", &program())
        .args("--no-entry")
        .args(OPTION);
    let module = link(&job);
    insta::assert_snapshot!(print(&module));
    let mut loaded = Loaded::new(&module);
    assert_eq!(loaded.get("get"), 15);
    // The first thread uses the template; the next one is given storage.
    let job = job.args("--export=__wasm_init_tls --export=__init_tls_base --export=__tls_size");
    let mut loaded = Loaded::new(&link(&job.args("--export=__init_stack_pointer")));
    let first = loaded.global("__init_tls_base");
    assert_eq!(loaded.store.data().tls_base, first);
    assert_eq!(loaded.global("__init_stack_pointer"), 0x1_0000);
    assert_eq!(loaded.global("__tls_size"), 20);
    init_thread(&mut loaded, 0x1_8000);
    assert_eq!(loaded.store.data().tls_base, 0x1_8000);
    assert_eq!((loaded.word(0x1_8000), loaded.word(0x1_8010)), (1, 2));
    assert_eq!(loaded.get("get"), 15);
    // It is said where the first one's is, whatever thread runs.
    assert_eq!(loaded.global("__init_tls_base"), first);
}

fn init_thread(loaded: &mut Loaded, storage: i32) {
    let Loaded {
        store, instance, ..
    } = loaded;
    let init = instance.get_typed_func::<i32, ()>(&store, "__wasm_init_tls");
    init.expect("an export")
        .call(store, storage)
        .expect("no trap");
}

#[test]
fn without_thread_local_data() {
    let mut source = Source::new();
    source.start(&[]);
    let job = |args| Job::new().object("a.o", &source).args(OPTION).args(args);
    insta::assert_snapshot!(print(&link(&job(""))));
    let all = print(&link(&job("--no-gc-sections")));
    assert!(
        all.contains("(global $__init_stack_pointer (;0;) i32 i32.const 65536)"),
        "{all}"
    );
}

/// A loader places data and functions; it fills the GOT before it relocates data.
#[test]
fn position_independent() {
    for (mode, args) in [("pie", PIE), ("shared", SHARED)] {
        for feature in ["", "+extended-const"] {
            let mut source = placed();
            if !feature.is_empty() {
                source.features(&["+bulk-memory", "+mutable-globals", feature]);
            }
            let job = Job::new()
                .object("a.o", &source)
                .args(args)
                .args("--export=__wasm_init_tls --export=__init_tls_base");
            let module = link(&job);
            insta::assert_snapshot!(format!("{mode}{feature}"), print(&module));
            let mut loaded = Loaded::new(&module);
            loaded.call_if_exported("__wasm_apply_data_relocs");
            assert_eq!(loaded.get("get"), 2 + 4);
            let first = loaded.global("__init_tls_base");
            assert_eq!(first, i64::from(MEMORY_BASE) + 16);
            assert_eq!(loaded.store.data().tls_base, first);
            assert_eq!(loaded.word(i64::from(MEMORY_BASE) + 4), MEMORY_BASE);
            let storage = 0x3_0000;
            init_thread(&mut loaded, storage);
            let at = |offset: i32| i64::from(storage + offset);
            assert_eq!(loaded.word(at(0)), MEMORY_BASE + 2);
            assert_eq!(loaded.word(at(4)), TABLE_BASE);
            assert_eq!(loaded.word(at(8)), storage + 4);
            assert_eq!(loaded.word(at(16)), 2);
            assert_eq!(loaded.get("get"), 2 + 4);
        }
    }
}

/// Zeroes are in the file where relocations stay, and are one with the data there.
#[test]
fn relocations_stay() {
    for args in [STATIC, PIE, SHARED] {
        let source = if args == STATIC { program() } else { placed() };
        let job = || {
            Job::new()
                .object("a.o", &source)
                .args(args)
                .args("--export=__init_tls_base")
        };
        let mut kept = Loaded::new(&link(&job().args("--emit-relocs")));
        let mut plain = Loaded::new(&link(&job()));
        assert_eq!(kept.get("get"), plain.get("get"));
        let tls = [&kept, &plain].map(|it| it.global("__init_tls_base"));
        // Only what stands between them moves.
        assert!(tls[0] >= tls[1], "{args}: {tls:?}");
    }
}

#[test]
fn addresses_of_64_bits() {
    let mut source = Source::wasm64();
    source.features(&["+bulk-memory", "+mutable-globals"]);
    source.start(&[]);
    thread_local(&mut source, "one", &[1, 0, 0, 0]);
    source.flag("one", SymbolFlags::TLS | SymbolFlags::NO_STRIP);
    let job = Job::new()
        .object("a.o", &source)
        .args("-mwasm64")
        .args(OPTION);
    let job = job.args("--export=__wasm_init_tls --export=__init_tls_base");
    let module = link(&job);
    insta::assert_snapshot!(print(&module));
    let loaded = Loaded::new(&module);
    assert_eq!(
        loaded.store.data().tls_base,
        loaded.global("__init_tls_base")
    );
}

/// The functions of a thread's context are the program's if it has them, and else the host's.
#[test]
fn a_library_may_have_the_functions() {
    let mut libc = Source::new();
    let base = GlobalType {
        mutability: Mutability::Var,
        ..ADDRESS
    };
    libc.global("base", base, 0);
    libc.function("__wasm_set_tls_base", sig(1, 0), |body| {
        body.param(0).set_global("base", base);
    });
    libc.function("__wasm_get_tls_base", sig(0, 1), |body| {
        body.global("base", base);
    });
    let job = Job::new()
        .object("a.o", &program())
        .archive("libc.a", &[("context.o", &libc)])
        .args("--no-entry")
        .args(OPTION);
    let module = link(&job);
    assert!(!print(&module).contains("(import"), "{}", print(&module));
    let mut loaded = Loaded::new(&module);
    assert_eq!((loaded.get("get"), loaded.store.data().tls_base), (15, 0));
    // The source may say what the host calls them.
    let mut named = program();
    named.import("__wasm_get_tls_base", "$root", "[context-get-1]");
    let job = Job::new()
        .object("a.o", &named)
        .args("--no-entry")
        .args(OPTION);
    let text = print(&link(&job));
    assert!(
        text.contains("(import \"$root\" \"[context-get-1]\""),
        "{text}"
    );
    assert!(
        text.contains("(import \"env\" \"__wasm_set_tls_base\""),
        "{text}"
    );
}

#[test]
fn the_table_is_exported_unless_it_is_imported() {
    let table = |args: &str| {
        let job = Job::new()
            .object("a.o", &program())
            .args("--no-entry")
            .args(args);
        let text = print(&link(&job.args("--no-check-features --allow-undefined")));
        let lines = text
            .lines()
            .filter(|line| line.contains("__indirect_function_table\""));
        lines.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    let exported = "(export \"__indirect_function_table\" (table 0))";
    for args in ["", "--export-table", "--growable-table"] {
        assert_eq!(table(&format!("{OPTION} {args}")), exported);
    }
    assert_eq!(table(""), "");
    assert_eq!(table(&format!("{OPTION} --import-table")), "");
}

/// Memory from outside need not be zero.
#[test]
fn memory_from_outside() {
    let job = Job::new()
        .object("a.o", &program())
        .args("--no-entry --import-memory --export=__init_tls_base --cooperative-threading");
    let mut loaded = Loaded::new(&link(&job));
    assert_eq!(loaded.get("get"), 15);
}

#[test]
fn object_files_are_as_ever() {
    for source in [program(), placed()] {
        let job = |args: &str| Job::new().object("a.o", &source).args("-r").args(args);
        let module = link(&job("--no-check-features"));
        assert_eq!(link(&job(OPTION)), module);
        let again = |name: &str, bytes: Vec<u8>| {
            let job = Job::new().file(name, bytes).args(name).args(PIE);
            job.args("--no-check-features --unresolved-symbols=ignore-all")
        };
        // Only the second one can be position-independent.
        let once = again("a.o", module);
        let once = once.link_with(&once.options());
        if let Ok(linked) = once.outcome {
            assert!(linked.diagnostics.is_empty());
            validate(&once.module);
            assert_eq!(Loaded::new(&once.module).get("get"), 2 + 4);
        }
    }
}

/// Who was compiled for another convention is told so.
#[test]
fn mistakes_are_reported() {
    let job = |source: &Source| {
        Job::new()
            .object("start.o", &program())
            .object("a.o", source)
            .args("--no-entry")
    };
    let uses = |name: &'static str| {
        let mut source = Source::new();
        source.function("f", sig(0, 1), |body| {
            body.global(name, POINTER);
        });
        source.flag("f", SymbolFlags::EXPORTED);
        source
    };
    let mut text = String::new();
    for name in ["__stack_pointer", "__tls_base"] {
        text += &messages(&job(&uses(name)).args(OPTION));
    }
    text += &messages(&job(&uses("__stack_pointer")).args("--cooperative-threading -r"));
    text += &messages(&job(&uses("__init_stack_pointer")).args("--no-check-features"));
    text += &messages(&job(&uses("__init_stack_pointer")).args(OPTION));
    let alone = Job::new()
        .object("a.o", &program())
        .args("--no-entry --features=mutable-globals");
    text += &messages(&alone.args(OPTION));
    insta::assert_snapshot!(text);
    let both = ["--cooperative-threading", "--shared-memory"];
    let error = link_core::Options::from_args(both).expect_err("they contradict each other");
    insta::assert_snapshot!("both", error);
}

/// What a loader knows of other modules is there, too.
#[test]
fn a_library_refers_to_others() {
    let mut source = placed();
    thread_local(&mut source, "three", &[0; 4]);
    source.points(0, RelocType::MemoryAddrI32, "elsewhere", 0);
    source.hidden("three");
    source.flag(
        "three",
        SymbolFlags::TLS | SymbolFlags::NO_STRIP | SymbolFlags::VISIBILITY_HIDDEN,
    );
    let job = Job::new()
        .object("a.o", &source)
        .args(SHARED)
        .args("--export=__wasm_init_tls --unresolved-symbols=import-dynamic");
    let mut loaded = Loaded::new(&link(&job));
    init_thread(&mut loaded, 0x3_0000);
    assert_eq!(loaded.word(0x3_0020), ELSEWHERE);
}
