//! `--why` and `--why-import`, and what the size report says of the same.

use link_core::demangle::demangle;
use link_core::report::size::{KeptHow, SizeReport};
use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::support::Job;

const VTABLE: &str = "_ZTV1A";
const METHOD: &str = "_ZN1A6methodEv";

/// `run` is exported and makes an object, whose table of methods leads to `method`.
fn program() -> Source {
    let mut source = Source::new();
    source.function("run", sig(0, 0), |body| {
        body.call("make", sig(0, 0)).call("both", sig(0, 0));
    });
    source.flag("run", SymbolFlags::EXPORTED);
    source.function("make", sig(0, 0), |body| {
        body.address(VTABLE, 8).drop();
    });
    source.data(VTABLE, ".data.rel.ro._ZTV1A", [0; 12]);
    source.points(8, RelocType::TableIndexI32, METHOD, 0);
    source.function(METHOD, sig(0, 0), |body| {
        body.call("host", sig(0, 0)).call("both", sig(0, 0));
        body.call("in_library", sig(0, 0)).i32(1).drop();
    });
    source.function("both", sig(0, 0), |_| {});
    source.function("unused", sig(0, 0), |body| {
        body.call("only_unused", sig(0, 0));
    });
    source.function("only_unused", sig(0, 0), |_| {});
    source.function("static_function", sig(0, 0), |_| {});
    source.local("static_function");
    source.function("constructor", sig(0, 0), |body| {
        body.call("static_function", sig(0, 0));
    });
    source.init(1, "constructor");
    source.data("kept", ".data.kept", [0; 4]);
    source.segment_flags(SegmentFlags::RETAIN);
    source.points(0, RelocType::MemoryAddrI32, "behind", 0);
    source.data("behind", ".rodata.behind", [0; 8]);
    source.place("second", "behind", 4, 4);
    source.function("used", sig(0, 0), |_| {});
    source.flag("used", SymbolFlags::NO_STRIP);
    source.import("host", "env", "host");
    source
}

/// A member with a constructor that is linked, and one that is not.
fn members() -> [Source; 2] {
    let mut first = Source::new();
    first.function("in_library", sig(0, 0), |_| {});
    first.function("of_member", sig(0, 0), |_| {});
    first.init(2, "of_member");
    let mut second = Source::new();
    second.function("never_asked_for", sig(0, 0), |_| {});
    [first, second]
}

fn job() -> Job {
    let [first, second] = members();
    let members = [("first.o", &first), ("second.o", &second)];
    Job::new()
        .object("a.o", &program())
        .archive("lib.a", &members)
}

const ASKED: &str = "--why=A::method() --why=_ZTV1A --why=both --why=unused --why=only_* \
    --why=static_function --why=constructor --why=kept --why=second --why=used --why=host \
    --why=run --why=of_member --why=never_asked_for --why=nothing_of_this_name \
    --why=__wasm_call_ctors --why-import=env.host --why-import=*.h?st --why-import=env.other";

/// What is printed of a link.
fn printed(job: &Job) -> String {
    let mut options = job.options();
    options.threads = Some(1);
    let done = job.link_with(&options);
    let linked = done.outcome.unwrap_or_else(|error| panic!("{error}"));
    options.threads = Some(3);
    let threads = job.link_with(&options).outcome.expect("a link");
    assert_eq!(threads.report.why, linked.report.why);
    assert!(linked.size.is_none());
    let shown = |name: &str| demangle(name).into_owned();
    let answers = linked.report.why.iter();
    answers.map(|answer| answer.to_text(shown)).collect()
}

#[test]
fn chains_lead_from_a_root_to_each_symbol() {
    insta::assert_snapshot!(printed(&job().args("--no-entry").args(ASKED)));
}

#[test]
fn the_entry_and_undefined_are_roots() {
    let job = job().args("--entry=both --undefined=only_unused --why=both --why=only_unused");
    insta::assert_snapshot!(printed(&job));
}

#[test]
fn other_outputs_have_other_roots() {
    let few = "--why=unused --why=kept --why=both --why=never_asked_for --why=host";
    let mut text = String::new();
    for mode in [
        "--no-entry --no-gc-sections",
        "--no-entry --export-all",
        "--no-entry --emit-relocs",
        "-r",
        "-pie --no-entry --experimental-pic --export=both",
    ] {
        let mut program = program();
        if mode.contains("-pic") {
            // Code of a module that a loader places finds data in another way.
            program = Source::new();
            program.function("both", sig(0, 0), |body| {
                body.got("kept").drop().call("host", sig(0, 0));
            });
            program.data("kept", ".data.kept", [0; 4]);
            program.function("unused", sig(0, 0), |_| {});
            program.hidden("unused").hidden("kept");
            program.import("host", "env", "host");
        }
        let job = Job::new().object("a.o", &program);
        let [first, second] = members();
        let members = [("first.o", &first), ("second.o", &second)];
        let job = job.archive("lib.a", &members).args(mode).args(few);
        text.extend([mode, "\n", &printed(&job), "\n"]);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_copy_in_a_comdat_is_that_of_another_file() {
    let source = |caller: &'static str| {
        let mut source = Source::new();
        source.function("inline", sig(0, 0), |_| {});
        source.weak("inline").comdat("inline", &["inline"]);
        source.function(caller, sig(0, 0), |body| {
            body.call("inline", sig(0, 0));
        });
        source.flag(caller, SymbolFlags::EXPORTED);
        source
    };
    let job = Job::new()
        .object("a.o", &source("first"))
        .object("b.o", &source("second"))
        .args("--no-entry --why=inline");
    insta::assert_snapshot!(printed(&job));
}

#[test]
fn names_are_printed_without_control_characters() {
    let mut source = Source::new();
    source.function("bad\u{1b}[31m", sig(0, 0), |_| {});
    source.flag("bad\u{1b}[31m", SymbolFlags::EXPORTED);
    let job = Job::new()
        .object("a.o", &source)
        .args("--no-entry --why=bad*");
    let text = printed(&job);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(
        text.contains(r"bad\u{1b}[31m, of a.o:(code) is in the output"),
        "{text}"
    );
}

fn sizes(job: &Job) -> SizeReport {
    let mut options = job.options();
    options.size_report = true;
    let linked = job.link_with(&options).outcome.expect("a link");
    *linked.size.expect("a report")
}

#[test]
fn retained_sizes_are_what_only_a_symbol_keeps() {
    let report = sizes(&job().args("--no-entry"));
    let find = |name: &str| {
        let symbol = report.symbols.iter().find(|symbol| &*symbol.name == name);
        symbol.unwrap_or_else(|| panic!("{name}"))
    };
    let total = |names: &[&str]| names.iter().map(|name| find(name).total).sum::<u64>();
    let retained = |name: &str| find(name).retained;
    // The library's member is kept by the method alone, with its constructor.
    let method = total(&[METHOD, "host", "in_library", "of_member"]);
    assert_eq!(retained(METHOD), method);
    assert_eq!(retained(VTABLE), method + total(&[VTABLE]));
    assert_eq!(retained("make"), method + total(&[VTABLE, "make"]));
    // What two need is kept by their common root.
    assert_eq!(retained("both"), total(&["both"]));
    assert_eq!(
        retained("run"),
        method + total(&[VTABLE, "make", "run", "both"])
    );
    assert_eq!(
        retained("constructor"),
        total(&["constructor", "static_function"])
    );
    let by = |name: &str| {
        let symbol = find(name);
        let by = symbol.by.map(|by| &*report.symbols[by as usize].name);
        (symbol.how, by)
    };
    assert_eq!(by(METHOD), (KeptHow::Reference, Some(VTABLE)));
    assert_eq!(by("host"), (KeptHow::Reference, Some(METHOD)));
    assert_eq!(by("of_member"), (KeptHow::Constructor, Some("in_library")));
    assert_eq!(by("constructor"), (KeptHow::Constructor, None));
    assert_eq!(by("kept"), (KeptHow::Retained, None));
    assert_eq!(by("run"), (KeptHow::Export, None));
    assert_eq!(by("used"), (KeptHow::Used, None));
    let dropped: Vec<&str> = report.dropped.iter().map(|part| &*part.name).collect();
    assert_eq!(dropped, ["unused", "only_unused"]);
}

#[test]
fn every_symbol_has_a_chain_that_ends_in_a_root() {
    let report = sizes(&job().args("--no-entry"));
    for symbol in &report.symbols {
        let mut at = symbol;
        for _ in 0..report.symbols.len() {
            match at.by {
                Some(by) => at = &report.symbols[by as usize],
                None => break,
            }
        }
        assert!(
            at.by.is_none() && at.how != KeptHow::Reference,
            "{}",
            symbol.name
        );
        assert!(symbol.retained >= symbol.total, "{}", symbol.name);
    }
}

#[test]
fn without_garbage_collection_nothing_is_dropped() {
    let report = sizes(&job().args("--no-entry --no-gc-sections"));
    assert!(report.dropped.is_empty());
    let unused = report
        .symbols
        .iter()
        .find(|symbol| &*symbol.name == "unused");
    assert_eq!(unused.map(|symbol| symbol.how), Some(KeptHow::Everything));
}
