//! Common symbols: data of zeroes that several files define. `rust-lld` of LLVM 23 takes them for
//! other symbols, so what it makes of these is not asked.

use std::fmt::Write;

use link_core::report::map::MapKind;
use wasm_format::linking::SymbolFlags;
use wasm_format::{FuncType, GlobalType, Mutability, ValType};

use crate::common::source::{Source, sig};
use crate::support::{Job, print, run};

/// Links without asking what `rust-lld` makes of it; all numbers of threads make the same.
#[track_caller]
fn module(job: &Job) -> Vec<u8> {
    let mut options = job.options();
    options.threads = Some(1);
    let done = job.link_with(&options);
    assert_eq!(done.messages(), "");
    options.threads = Some(3);
    let threads = job.link_with(&options);
    assert!(done.module == threads.module, "threads show in the output");
    done.module
}

fn messages(job: &Job) -> String {
    job.link_with(&job.options()).messages()
}

/// A file of a common symbol `shared`, and a function that returns its address.
fn asks(function: &'static str, size: u64, align_log2: u8) -> Source {
    let mut source = Source::new();
    source.common("shared", size, align_log2);
    source.function(function, sig(0, 1), |body| {
        body.address("shared", 0);
    });
    source.flag(function, SymbolFlags::EXPORTED);
    source
}

/// `_start` returns what is at `shared`, having added 1 to it through the address that each of
/// `functions` returns.
fn counts(functions: &[&'static str]) -> Source {
    let mut source = Source::new();
    source.function("_start", sig(0, 1), |body| {
        for function in functions {
            body.call(function, sig(0, 1)).call(function, sig(0, 1));
            body.load().i32(1).add().store();
        }
        body.address("shared", 0).load();
    });
    source
}

/// A file that defines `shared` otherwise.
fn defines(value: u8) -> Source {
    let mut source = Source::new();
    source.data("shared", ".data.shared", [value, 0, 0, 0]);
    source
}

#[test]
fn the_largest_size_and_alignment_win() {
    let before = {
        let mut source = Source::new();
        source.data("before", ".bss.before", [0; 1]);
        source.function("before_is_at", sig(0, 1), |body| {
            body.address("before", 0);
        });
        source.flag("before_is_at", SymbolFlags::EXPORTED);
        source
    };
    let job = || {
        Job::new()
            .object("before.o", &before)
            .object("large.o", &asks("large", 100, 0))
            .object("aligned.o", &asks("aligned", 4, 5))
            .object("main.o", &counts(&["large", "aligned"]))
    };
    let output = module(&job().args("--export=shared --export=__data_end"));
    // `shared` is at a multiple of 32, and the data ends 100 bytes after it.
    insta::assert_snapshot!(print(&output));
    assert_eq!(run(&output, "_start"), 2);
    // The order of files does not decide.
    let other = Job::new()
        .object("before.o", &before)
        .object("aligned.o", &asks("aligned", 4, 5))
        .object("large.o", &asks("large", 100, 0))
        .object("main.o", &counts(&["large", "aligned"]))
        .args("--export=shared --export=__data_end");
    let other = module(&other);
    for function in ["large", "aligned"] {
        assert_eq!(run(&other, function), run(&output, function));
    }
    for args in [
        "--no-gc-sections",
        "--no-merge-data-segments",
        "--import-memory",
    ] {
        insta::assert_snapshot!(
            format!("the_largest_wins_{}", &args[2..]),
            print(&module(&job().args(args)))
        );
    }
}

#[test]
fn a_strong_definition_wins() {
    for order in ["common.o strong.o main.o", "strong.o common.o main.o"] {
        let job = Job::new()
            .file("common.o", asks("common", 100, 2).build())
            .file("strong.o", defines(7).build())
            .file("main.o", counts(&["common"]).build())
            .args(order);
        let output = module(&job);
        assert_eq!(run(&output, "_start"), 8, "{order}");
        // The common symbol takes no place beside it.
        let all = job.args("--no-gc-sections --export=__data_end --export=__global_base");
        insta::allow_duplicates! {
            insta::assert_snapshot!("a_strong_definition_wins", print(&module(&all)));
        }
    }
}

#[test]
fn weak_definitions_and_references_give_way() {
    let mut weak = defines(7);
    weak.weak("shared");
    for order in ["common.o weak.o main.o", "weak.o common.o main.o"] {
        let job = Job::new()
            .file("common.o", asks("common", 4, 2).build())
            .file("weak.o", weak.build())
            .file("main.o", counts(&["common"]).build())
            .args(order);
        assert_eq!(run(&module(&job), "_start"), 1, "{order}");
    }
    let mut refers = Source::new();
    refers.function("_start", sig(0, 1), |body| {
        body.address("shared", 0);
    });
    refers.weak("shared");
    let job = Job::new()
        .object("refers.o", &refers)
        .object("common.o", &asks("common", 4, 2));
    let output = module(&job);
    assert_eq!(run(&output, "_start"), run(&output, "common"));
    assert_ne!(run(&output, "_start"), 0);
}

#[test]
fn what_nothing_refers_to_is_dropped() {
    let mut source = asks("_start", 4, 2);
    source.common("unused", 1000, 4);
    let job = |args| Job::new().object("a.o", &source).args(args);
    let size = |args| print(&module(&job(args)));
    insta::assert_snapshot!(size("--export=__data_end"));
    insta::assert_snapshot!(size("--export=__data_end --no-gc-sections"));
    // What is to be kept, is, whichever of the files says so.
    let mut keeps = Source::new();
    keeps.common("unused", 1, 0);
    keeps.flag("unused", SymbolFlags::NO_STRIP);
    let kept = job("--export=__data_end").object("keeps.o", &keeps);
    insta::assert_snapshot!(print(&module(&kept)));
}

#[test]
fn visibility_and_exports_are_those_of_all_files() {
    let mut hidden = asks("hidden", 4, 2);
    hidden.hidden("shared");
    let mut exported = asks("exported", 4, 2);
    exported.flag("shared", SymbolFlags::EXPORTED);
    let job = |other: &Source| {
        Job::new()
            .object("a.o", &asks("_start", 4, 2))
            .object("b.o", other)
    };
    let exports = |job: Job| print(&module(&job)).contains("(export \"shared\"");
    assert!(!exports(job(&asks("plain", 4, 2))));
    assert!(exports(job(&asks("plain", 4, 2)).args("--export-dynamic")));
    assert!(!exports(job(&hidden).args("--export-dynamic")));
    assert!(exports(job(&exported)));
}

#[test]
fn an_archive_is_asked_for_what_is_undefined() {
    // Its common symbol answers a reference.
    let job = Job::new()
        .object("main.o", &counts(&["common"]))
        .archive("lib.a", &[("common.o", &asks("common", 4, 2))]);
    assert_eq!(run(&module(&job), "_start"), 1);
    // A common symbol is a definition: it asks for no other.
    let common = asks("_start", 4, 2);
    let strong = defines(7);
    let members = [("strong.o", &strong)];
    let jobs = [
        Job::new().object("a.o", &common).archive("lib.a", &members),
        Job::new().archive("lib.a", &members).object("a.o", &common),
    ];
    for job in jobs {
        assert!(!print(&module(&job)).contains("(data"));
    }
    // What was pulled for another reason beats it.
    let mut strong = defines(7);
    strong.function("needed", sig(0, 0), |_| {});
    let mut main = counts(&["common"]);
    main.function("other", sig(0, 0), |body| {
        body.call("needed", sig(0, 0));
    });
    let job = Job::new()
        .object("common.o", &asks("common", 4, 2))
        .object("main.o", &main)
        .archive("lib.a", &[("strong.o", &strong)]);
    assert_eq!(run(&module(&job), "_start"), 8);
}

/// What is asked for in two files, and the code that uses it, for other outputs than executables.
fn position_independent() -> [Source; 2] {
    let mut user = Source::new();
    user.function("get", sig(0, 1), |body| {
        body.got("shared");
    });
    user.hidden("get");
    user.flag("get", SymbolFlags::EXPORTED);
    user.common("shared", 4, 4);
    user.common("own", 4, 2).hidden("own");
    user.function("relative", sig(0, 1), |body| {
        let base = GlobalType {
            value: ValType::I32,
            mutability: Mutability::Const,
        };
        body.global("__memory_base", base);
        body.relative_address("own").add();
    });
    user.flag("relative", SymbolFlags::EXPORTED);
    user.data("table", ".data.table", [0; 4]);
    user.points(0, wasm_format::reloc::RelocType::MemoryAddrI32, "shared", 0);
    let mut other = Source::new();
    other.common("shared", 20, 0);
    [user, other]
}

#[test]
fn position_independent_output() {
    let [user, other] = position_independent();
    for args in ["-shared", "-pie --no-entry", "-shared --no-gc-sections"] {
        let job = Job::new()
            .object("user.o", &user)
            .object("other.o", &other)
            .args(args)
            .args("--export-dynamic");
        let name = args.replace([' ', '-'], "");
        insta::assert_snapshot!(format!("position_independent_{name}"), print(&module(&job)));
    }
}

#[test]
fn an_object_file_keeps_them() {
    let large = asks("large", 100, 0);
    let aligned = asks("aligned", 4, 5);
    let main = counts(&["large", "aligned"]);
    let parts = [
        ("large.o", &large),
        ("aligned.o", &aligned),
        ("main.o", &main),
    ];
    let job = || {
        let add = |job: Job, (name, source): (&str, &Source)| job.object(name, source);
        parts.into_iter().fold(Job::new(), add)
    };
    let object = module(&job().args("-r"));
    insta::assert_snapshot!(wasm_symbols(&object));
    // What was combined can be combined again, and is linked as its parts are.
    let again = || Job::new().file("all.o", object.clone()).args("all.o");
    assert_eq!(print(&module(&again().args("-r"))), print(&object));
    for args in [
        "",
        "--no-gc-sections",
        "--export=shared",
        "--no-merge-data-segments",
    ] {
        let at_once = module(&job().args(args));
        assert_eq!(print(&module(&again().args(args))), print(&at_once));
        assert_eq!(run(&at_once, "_start"), 2);
    }
    // A later definition still wins.
    let strong = defines(7);
    let later = again().object("strong.o", &strong);
    assert_eq!(run(&module(&later), "_start"), 9);
    // One of the parts' does, too.
    let defined = module(&job().object("strong.o", &strong).args("-r"));
    insta::assert_snapshot!(wasm_symbols(&defined));
    // Position-independent code asks through a global.
    let [user, other] = position_independent();
    let parts = || Job::new().object("user.o", &user).object("other.o", &other);
    let object = module(&parts().args("-r"));
    let shared = "-shared --export-dynamic";
    let in_two = Job::new().file("all.o", object).args("all.o").args(shared);
    assert_eq!(
        print(&module(&in_two)),
        print(&module(&parts().args(shared)))
    );
}

#[test]
fn relocations_of_the_output_name_places() {
    let job = Job::new()
        .object("large.o", &asks("large", 100, 0))
        .object("aligned.o", &asks("aligned", 4, 5))
        .args("--no-entry --emit-relocs");
    insta::assert_snapshot!(wasm_symbols(&module(&job)));
}

/// The symbol table of a module.
fn wasm_symbols(module: &[u8]) -> String {
    use wasm_format::linking::{LinkingSection, Subsection};
    let linking = wasmparser::Parser::new(0)
        .parse_all(module)
        .find_map(|payload| match payload.expect("a module") {
            wasmparser::Payload::CustomSection(section) if section.name() == "linking" => {
                Some(section.data().to_vec())
            }
            _ => None,
        })
        .expect("a linking section");
    let reader = wasm_format::Reader::new(&linking);
    let mut text = String::new();
    for subsection in LinkingSection::decode(reader).expect("version 2") {
        if let Subsection::SymbolTable(symbols) = subsection.expect("a subsection") {
            for symbol in symbols {
                let symbol = symbol.expect("a symbol");
                let name = symbol.name.unwrap_or_default();
                let (flags, target) = (symbol.flags.0, symbol.target);
                writeln!(text, "{name} {flags:#x} {target:?}").expect("a string");
            }
        }
    }
    text
}

#[test]
fn addresses_of_64_bits() {
    let file = |function: &'static str, size, align_log2| {
        let mut source = Source::wasm64();
        source.common("shared", size, align_log2);
        let returns = FuncType::new(vec![], vec![ValType::I64]);
        source.function(function, returns, |body| {
            body.address_64("shared");
        });
        source.flag(function, SymbolFlags::EXPORTED);
        source
    };
    let job = |size| {
        Job::new()
            .object("a.o", &file("_start", size, 3))
            .object("b.o", &file("other", 1, 5))
            .args("-mwasm64")
    };
    insta::assert_snapshot!(print(&module(&job(100))));
    let large = job(u64::MAX - 7);
    let mut all = messages(&large);
    let object = module(&large.args("-r"));
    insta::assert_snapshot!("sizes_of_64_bits", wasm_symbols(&object));
    let mut more = Source::wasm64();
    more.common("more", u64::MAX, 31)
        .flag("more", SymbolFlags::NO_STRIP);
    all += &messages(&job(u64::MAX).object("c.o", &more));
    insta::assert_snapshot!(all);
}

#[test]
fn threads() {
    let mut a = asks("_start", 100, 2);
    a.features(&["+atomics", "+bulk-memory"]);
    let mut b = asks("other", 4, 5);
    b.features(&["+atomics", "+bulk-memory"]);
    // Thread-local ones are thread-local data.
    for source in [&mut a, &mut b] {
        source.common("of_thread", 12, 4);
        source.flag("of_thread", SymbolFlags::TLS);
    }
    b.function("offset", sig(0, 1), |body| {
        body.tls_offset("of_thread");
    });
    b.flag("offset", SymbolFlags::EXPORTED);
    let job = Job::new()
        .object("a.o", &a)
        .object("b.o", &b)
        .args("--shared-memory --max-memory=131072");
    insta::assert_snapshot!(print(&module(&job)));
}

#[test]
fn mistakes_are_reported() {
    let job = |source: &Source| Job::new().object("a.o", source).args("--no-entry");
    // Together they are too large, and each alone.
    let mut one = asks("one", u64::from(u32::MAX), 2);
    let mut text = messages(&job(&one));
    let mut other = Source::new();
    other
        .common("other", 16, 0)
        .flag("other", SymbolFlags::NO_STRIP);
    one.flag("shared", SymbolFlags::NO_STRIP);
    text += &messages(&job(&one).object("other.o", &other));
    text += &messages(&job(&asks("f", 4, 32)));
    let mut absolute = asks("f", 4, 2);
    absolute.flag("shared", SymbolFlags::ABSOLUTE);
    text += &messages(&job(&absolute));
    let mut function = Source::new();
    function.function("f", sig(0, 0), |_| {});
    function.flag("f", SymbolFlags::BINDING_COMMON);
    text += &messages(&job(&function));
    // A name is of one kind.
    let mut function = Source::new();
    function.function("shared", sig(0, 0), |_| {});
    text += &messages(&job(&asks("f", 4, 2)).object("function.o", &function));
    // Two strong definitions stay two.
    let strong = job(&asks("f", 4, 2))
        .object("first.o", &defines(1))
        .object("second.o", &defines(2));
    text += &messages(&strong);
    insta::assert_snapshot!(text);
    // The file cannot name the segments of common symbols.
    let mut beyond = Source::new();
    beyond.common("common", 4, 2);
    let mut beyond = beyond.object();
    beyond
        .symbols
        .push(test_objects::data_symbol("beyond", 0, 0, 4));
    let job = Job::new()
        .file("a.o", beyond.build())
        .args("a.o --no-entry");
    insta::assert_snapshot!(messages(&job));
}

#[test]
fn the_map_names_them() {
    let mut a = asks("_start", 4, 3);
    a.common("unused", 1000, 0);
    let job = Job::new()
        .object("a.o", &a)
        .object("b.o", &asks("other", 100, 0))
        .args("--no-merge-data-segments");
    let mut options = job.options();
    options.map = true;
    options.print_gc_sections = true;
    let linked = job.link_with(&options).outcome.expect("a link");
    let segments = &linked.map.segments;
    let is_data = |kind| matches!(kind, MapKind::Data { .. });
    let chunks = linked.map.chunks.iter().filter(|chunk| is_data(chunk.kind));
    let discarded = linked.report.discarded;
    insta::assert_snapshot!(format!(
        "{segments:#?}\n{:#?}\n{discarded:#?}",
        chunks.collect::<Vec<_>>()
    ));
}
