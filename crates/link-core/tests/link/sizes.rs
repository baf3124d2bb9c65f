//! The size report: every byte of every kind of output is accounted for, once.

use std::collections::BTreeMap;
use std::process::Command;

use link_core::report::size::{SizeKind, SizeReport, SizedKind};
use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Limits, Mutability, RefType, TableType, ValType};

use crate::common::source::{Source, sig};
use crate::support::Job;

const STRINGS: &[u8] = b"shared\0only here\0";

/// How code finds data.
#[derive(Clone, Copy, PartialEq)]
enum Addresses {
    Narrow,
    Wide,
    /// Of a module that a loader places.
    Relative,
}

fn empty(addresses: Addresses) -> Source {
    match addresses {
        Addresses::Narrow | Addresses::Relative => Source::new(),
        Addresses::Wide => Source::wasm64(),
    }
}

/// Something of everything. Functions and data with names of C++.
fn first(addresses: Addresses) -> Source {
    let mut source = empty(addresses);
    let (in_memory, slot) = if addresses == Addresses::Wide {
        (RelocType::MemoryAddrI64, RelocType::TableIndexI64)
    } else {
        (RelocType::MemoryAddrI32, RelocType::TableIndexI32)
    };
    source.features(&["+bulk-memory", "+mutable-globals", "+atomics"]);
    source.producers(&[("language", "C11", "")]);
    source.function("_ZN2ns5Class3getIiEEiv", sig(0, 1), |body| {
        body.i32(7);
    });
    source.function("_ZN2ns5Class3getIcEEiv", sig(0, 1), |body| {
        body.i32(7);
    });
    source.function("helper", sig(0, 0), |body| {
        body.call("host", sig(0, 0)).call("from_library", sig(0, 0));
    });
    source.import("host", "env", "host");
    source.function("unused", sig(0, 0), |_| {});
    source.data("_ZTVN2ns5ClassE", ".data.rel.ro._ZTVN2ns5ClassE", [0; 16]);
    source.align(3).points(0, slot, "helper", 0);
    source.points(8, in_memory, "text", 0);
    source.data("text", ".rodata.str", STRINGS);
    source.segment_flags(SegmentFlags::STRINGS);
    source.data("three", ".data.three", [1, 2, 3]);
    source.data("pair", ".data.pair", [4; 12]).align(3);
    source.place("second", "pair", 4, 4);
    source.data("zero", ".bss.zero", [0; 40]);
    source.data("local", ".tdata.local", [1, 0, 0, 0]);
    source.segment_flags(SegmentFlags::TLS);
    let ty = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Var,
    };
    source.global("counter", ty, 3);
    source.custom("notes", *b"kept as it is");
    source.custom(".debug_info", [1; 30]);
    source.custom(".debug_str", STRINGS);
    source.function("main_loop", sig(0, 0), |body| {
        body.call("_ZN2ns5Class3getIiEEiv", sig(0, 1)).drop();
        body.call("_ZN2ns5Class3getIcEEiv", sig(0, 1)).drop();
        match addresses {
            Addresses::Narrow => body.address("_ZTVN2ns5ClassE", 0).drop().address("pair", 0),
            Addresses::Wide => body.address_64("_ZTVN2ns5ClassE").drop().address_64("pair"),
            Addresses::Relative => body.got("_ZTVN2ns5ClassE").drop().relative_address("pair"),
        };
        body.drop();
        body.global("counter", ty).drop();
    });
    for name in ["main_loop", "three", "zero", "local"] {
        source.flag(name, SymbolFlags::EXPORTED);
    }
    for name in ["local", "pair", "second", "text", "helper", "counter"] {
        source.hidden(name);
    }
    source
}

/// A member of an archive, with a constructor.
fn library(addresses: Addresses) -> Source {
    let mut source = empty(addresses);
    source.function("from_library", sig(0, 0), |body| {
        body.call("callee_of_library", sig(0, 0));
    });
    source.function("callee_of_library", sig(0, 0), |_| {});
    source.function("constructor", sig(0, 0), |_| {});
    source.init(10, "constructor").hidden("callee_of_library");
    source.data(
        "text_of_library",
        ".rodata.str",
        *b"shared\0of the library\0",
    );
    source.segment_flags(SegmentFlags::STRINGS);
    source.custom(".debug_str", *b"only here\0in the library\0");
    source.custom(".debug_info", [2; 20]);
    source
}

fn job(addresses: Addresses) -> Job {
    Job::new()
        .object("first.o", &first(addresses))
        .archive("lib/libone.a", &[("member.o", &library(addresses))])
}

/// Links and returns the report with the module.
fn report(job: &Job) -> (SizeReport, Vec<u8>) {
    let mut options = job.options();
    options.size_report = true;
    options.threads = Some(1);
    let done = job.link_with(&options);
    let linked = done
        .outcome
        .unwrap_or_else(|error| panic!("{error}: {:?}", job.line()));
    let report = linked.size.expect("a report");
    options.threads = Some(3);
    let threads = job.link_with(&options).outcome.expect("a link").size;
    assert!(
        threads == Some(report.clone()),
        "threads show in the report"
    );
    options.size_report = false;
    let without = job.link_with(&options);
    assert_eq!(
        without.module, done.module,
        "the report shows in the output"
    );
    assert!(without.outcome.expect("a link").size.is_none());
    (*report, done.module)
}

/// What the dumper of wabt says: sections with their sizes, and the sizes of bodies by index.
fn dumped(module: &[u8]) -> (Vec<(String, u64)>, BTreeMap<u32, u64>) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), module).expect("the module is written");
    let dump = |arg: &str| {
        let output = Command::new("wasm-objdump")
            .arg(arg)
            .arg(file.path())
            .output();
        let output = output.expect("wasm-objdump, of Debian's package wabt");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // `     Type start=0x0000000a end=0x00000012 (size=0x00000008) count: 2`
    let headers = dump("-h");
    let sections = headers.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(" start=0x")?;
        let size = rest.split_once("(size=0x")?.1.split_once(')')?;
        let custom = size
            .1
            .split_once('"')
            .map(|(_, name)| name.trim_end_matches('"'));
        let name = custom.map_or_else(|| name.to_lowercase(), ToOwned::to_owned);
        Some((name, u64::from_str_radix(size.0, 16).ok()?))
    });
    // ` - func[3] size=5 <name>`
    let code = dump("-x");
    let code = code.lines().skip_while(|line| !line.starts_with("Code["));
    let bodies = code.filter_map(|line| {
        let (index, rest) = line.trim().strip_prefix("- func[")?.split_once("] size=")?;
        Some((index.parse().ok()?, rest.split(' ').next()?.parse().ok()?))
    });
    (sections.collect(), bodies.collect())
}

/// What must hold of every report.
fn check(job: &Job) -> SizeReport {
    let (report, module) = report(job);
    let line = job.line().join(" ");
    let sum = |items: &mut dyn Iterator<Item = u64>| items.sum::<u64>();
    assert_eq!(report.total, module.len() as u64, "{line}");
    assert_eq!(
        sum(&mut report.items.iter().map(|it| it.size)),
        report.total,
        "{line}"
    );
    assert_eq!(
        sum(&mut report.sections.iter().map(|it| it.size)),
        report.total,
        "{line}"
    );
    assert_eq!(report.other(), 0, "{line}");
    let mut at = 0;
    for (i, section) in (0..).zip(&report.sections) {
        assert_eq!(section.offset, at, "{line}");
        at += section.size;
        let of = report.items.iter().filter(|item| item.section == i);
        assert_eq!(
            of.map(|item| item.size).sum::<u64>(),
            section.size,
            "{line}"
        );
    }
    for (i, symbol) in (0..).zip(&report.symbols) {
        let of = report.items.iter().filter(|item| item.symbol == Some(i));
        assert_eq!(
            of.map(|item| item.size).sum::<u64>(),
            symbol.total,
            "{line}"
        );
    }
    // Another program sees the same sizes.
    let (sections, bodies) = dumped(&module);
    let header = |bytes: &[u8]| {
        // Id, and the size of the contents.
        1 + 1
            + bytes[1..]
                .iter()
                .take_while(|&&byte| byte & 0x80 != 0)
                .count() as u64
    };
    let ours: Vec<(String, u64)> = (report.sections.iter().skip(1))
        .map(|section| {
            let size = section.size - header(&module[section.offset as usize..]);
            (section.name.clone(), size)
        })
        .collect();
    assert_eq!(ours, sections, "{line}");
    let is_function = |kind| matches!(kind, SizedKind::Function | SizedKind::FunctionImport);
    let functions = report
        .symbols
        .iter()
        .filter(|symbol| is_function(symbol.kind));
    let imported = report
        .symbols
        .iter()
        .filter(|it| it.kind == SizedKind::FunctionImport);
    let first = imported.count() as u32;
    let mut ours: Vec<u64> = functions.skip(first as usize).map(|it| it.size).collect();
    let mut theirs: Vec<u64> = bodies.into_values().collect();
    assert_eq!(ours.len(), theirs.len(), "{line}");
    let in_order = report
        .items
        .iter()
        .filter(|item| item.kind == SizeKind::Body);
    let in_order: Vec<u64> = in_order.map(|item| item.size).collect();
    assert_eq!(in_order, theirs, "{line}");
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs, "{line}");
    report
}

const MODES: [&str; 24] = [
    "--no-entry",
    "--no-entry --export-all",
    "--no-entry --no-gc-sections",
    "--no-entry --export-table --growable-table",
    "--no-entry --import-memory --import-table",
    "--no-entry --strip-debug",
    "--no-entry --strip-all",
    "--no-entry --strip-all --keep-section=name",
    "--no-entry --compress-relocations --strip-debug",
    "--no-entry --compress-relocations --strip-all",
    "--no-entry --build-id",
    "--no-entry --build-id=sha1",
    "--no-entry --emit-relocs",
    "--no-entry --emit-relocs --build-id",
    "--no-entry --no-merge-data-segments",
    "--no-entry --no-demangle",
    "--no-entry -O0",
    "--no-entry -O2",
    "--no-entry --shared-memory --max-memory=1048576",
    "--no-entry --shared-memory --import-memory --max-memory=1048576 --emit-relocs",
    "-shared --experimental-pic --unresolved-symbols=import-dynamic",
    "-pie --no-entry --experimental-pic",
    "-r",
    "-r --strip-debug",
];

#[test]
fn every_byte_is_accounted_for_in_every_mode() {
    for mode in MODES {
        if mode.contains("-pic") {
            check(&job(Addresses::Relative).args(mode));
        } else {
            check(&job(Addresses::Narrow).args(mode));
            check(&job(Addresses::Wide).args("-mwasm64").args(mode));
        }
    }
}

#[test]
fn every_byte_of_tables_tags_and_metadata_is_accounted_for() {
    let table = TableType {
        element: RefType::FUNCREF,
        limits: Limits::default(),
    };
    for mode in [
        "--no-entry",
        "--no-entry --emit-relocs",
        "-r",
        "--no-entry --export-all",
    ] {
        let mut source = Source::new();
        source.tag("tag", sig(1, 0));
        source.table("table", table);
        source.function("f", sig(0, 0), |body| {
            body.i32(1).throw("tag", sig(1, 0));
        });
        source.function("g", sig(0, 0), |body| {
            body.table_size("table", table).drop().call("f", sig(0, 0));
        });
        source.flag("g", SymbolFlags::EXPORTED);
        source.custom(
            "metadata.code.test",
            [1, 0x80, 0x80, 0x80, 0x80, 0, 1, 1, 1, 9],
        );
        source.describes(1, RelocType::FunctionIndexLeb, "f", 0);
        source.custom("__llvm_covmap", [1; 5]);
        let mut other = Source::new();
        other.custom("__llvm_covmap", [2; 11]);
        other.function("h", sig(0, 0), |_| {});
        other.flag("h", SymbolFlags::EXPORTED);
        let job = Job::new().object("a.o", &source).object("b.o", &other);
        let report = check(&job.args(mode));
        let padding = report
            .items
            .iter()
            .filter(|item| item.kind == SizeKind::Padding);
        assert_eq!(padding.map(|item| item.size).sum::<u64>(), 3);
    }
}

#[test]
fn an_output_of_nothing_is_accounted_for() {
    let job = Job::new()
        .args("--no-entry")
        .object("empty.o", &Source::new());
    check(&job);
    check(&job.args("--strip-all"));
}

#[test]
fn an_import_group_is_shared() {
    let mut source = Source::new();
    source.features(&["+compact-imports"]);
    source.function("f", sig(0, 0), |body| {
        body.call("one", sig(0, 0))
            .call("two", sig(0, 0))
            .call("other", sig(0, 0));
    });
    source
        .import("one", "module", "one")
        .import("two", "module", "two");
    source
        .import("other", "env", "other")
        .flag("f", SymbolFlags::EXPORTED);
    let (report, _) = report(&Job::new().object("a.o", &source).args("--no-entry"));
    assert_eq!(report.other(), 0);
    let size = |name: &str| {
        let symbol = report.symbols.iter().find(|symbol| &*symbol.name == name);
        symbol.expect("a symbol").total
    };
    assert!(size("one") > 0);
    assert_eq!(size("one"), size("two"));
}

#[test]
fn the_report_as_text_and_json() {
    let report = check(&job(Addresses::Narrow).args("--no-entry"));
    insta::assert_snapshot!(report.to_text());
    insta::assert_snapshot!(report.to_json());
}

#[test]
fn merged_strings_are_shared_out() {
    let report = check(&job(Addresses::Narrow).args("--no-entry --export=text_of_library -O2"));
    let share = |name: &str| {
        let symbol = report.symbols.iter().find(|symbol| &*symbol.name == name);
        let symbol = symbol.expect("a symbol");
        assert_eq!(symbol.kind, SizedKind::Strings);
        symbol.size
    };
    // "shared" has seven bytes for two, "only here" ten and "of the library" fifteen.
    assert_eq!(share("text") + share("text_of_library"), 7 + 10 + 15);
    assert!((13..=14).contains(&share("text")), "{}", share("text"));
}

#[test]
fn hostile_names_are_escaped() {
    let mut source = Source::new();
    for (name, value) in [
        ("quote\"\\", 1),
        ("line\n\u{1b}[31m", 2),
        ("<script>alert(1)</script>", 3),
        ("\u{2028}", 4),
    ] {
        source
            .constant(name, value)
            .flag(name, SymbolFlags::EXPORTED);
    }
    let (report, _) = report(&Job::new().object("a.o", &source).args("--no-entry"));
    let json = report.to_json();
    assert!(json.contains(r#""quote\"\\""#), "{json}");
    assert!(json.contains(r#""line\u000a\u001b[31m""#), "{json}");
    let text = report.to_text();
    assert!(text.contains(r"line\n\u{1b}[31m"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}
