//! Functions of the linker that would be larger than engines take.

use std::fmt::Write;

use link_core::report::map::MapKind;
use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::left_out::Module;
use crate::loader::{ELSEWHERE, Loaded, MEMORY_BASE};
use crate::support::{Job, print, validate};

const SHARED: &str = "-shared --export-dynamic --unresolved-symbols=import-dynamic";
const PIE: &str = "-pie --no-entry --export-dynamic --import-memory \
                   --unresolved-symbols=import-dynamic";

/// Data that points to data and to functions `count` times, here and elsewhere.
fn pointers(count: u32) -> Source {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |_| {});
    source.data("x", ".data.x", [7; 4]).hidden("x");
    source.data("pointers", ".data.pointers", vec![0; 4 * count as usize]);
    for nth in 0..count {
        let (ty, name) = match nth % 3 {
            0 => (RelocType::MemoryAddrI32, "x"),
            1 => (RelocType::MemoryAddrI32, "elsewhere"),
            _ => (RelocType::TableIndexI32, "f"),
        };
        source.points(4 * nth, ty, name, 0);
    }
    source
}

/// The same of 64 bits, to data here.
fn wide_pointers(count: u32) -> Source {
    let mut source = Source::wasm64();
    source.data("x", ".data.x", [7; 8]).hidden("x");
    source.data("pointers", ".data.pointers", vec![0; 8 * count as usize]);
    for nth in 0..count {
        source.points(8 * nth, RelocType::MemoryAddrI64, "x", nth.into());
    }
    source
}

fn link(job: &Job) -> Vec<u8> {
    let done = job.link_with(&job.options());
    assert_eq!(done.messages(), "");
    done.module
}

/// What is in memory when everything has run that the linker makes.
fn memory(module: &[u8]) -> Vec<u8> {
    let mut loaded = Loaded::new(module);
    loaded.call_if_exported("__wasm_apply_data_relocs");
    loaded.call_if_exported("__wasm_call_ctors");
    loaded.memory().to_vec()
}

/// The module that a link makes, and the sizes of the bodies of the linker's functions in the
/// order of their indices.
fn sized(job: &Job) -> (Vec<u8>, Vec<u64>) {
    let mut options = job.options();
    options.map = true;
    let done = job.link_with(&options);
    assert_eq!(done.messages(), "");
    let chunks = done.outcome.expect("a link").map.chunks;
    let made = chunks.iter().filter(|chunk| chunk.file.is_none());
    let functions = made.filter(|chunk| matches!(chunk.kind, MapKind::Function(_)));
    (done.module, functions.map(|chunk| chunk.size).collect())
}

/// Links with every limit that is smaller than the largest function: every module does the same,
/// and no body is larger. Below the smallest one that links, all are errors. Returns the module of
/// limit `shown` as text.
fn check_all(job: impl Fn() -> Job, shown: u64) -> String {
    let limited = |max: u64| job().args(&format!("--max-function-body-size={max}"));
    let (whole, sizes) = sized(&job());
    let expected = memory(&whole);
    let largest = *sizes.iter().max().expect("a body");
    let mut text = String::new();
    let mut links = false;
    for max in 12..largest {
        let job = limited(max);
        let messages = job.link_with(&job.options()).messages();
        if !links && messages.contains("is too small: a part of __wasm_") {
            continue;
        }
        links = true;
        let (module, sizes) = sized(&job);
        assert!(sizes.iter().all(|&size| size <= max), "{max}: {sizes:?}");
        assert!(module != whole);
        assert!(memory(&module) == expected, "{max}");
        if max == shown {
            text = print(&module);
        }
    }
    assert!(links);
    assert!(link(&limited(largest)) == whole);
    text
}

#[test]
fn relocations_of_data() {
    let job = |args| move || Job::new().object("a.o", &pointers(20)).args(args);
    insta::assert_snapshot!("shared", check_all(job(SHARED), 40));
    insta::assert_snapshot!("pie", check_all(job(PIE), 60));
    let wide = |args| move || Job::new().object("a.o", &wide_pointers(8)).args(args);
    check_all(wide("-mwasm64 -shared --export-dynamic"), 0);
}

#[test]
fn a_loader_fills_what_an_executable_points_to() {
    let mut source = pointers(20);
    source.function("_start", sig(0, 0), |_| {});
    let args = "--unresolved-symbols=import-dynamic --no-gc-sections";
    let job = || Job::new().object("a.o", &source).args(args);
    let module = link(&job().args("--max-function-body-size=24"));
    assert!(print(&module).contains("$__wasm_apply_data_relocs_1"));
    assert!(memory(&module) == memory(&link(&job())));
}

/// Position-independent code with so many addresses of its own.
fn addresses(source: &mut Source, names: &[&'static str]) {
    for name in names {
        source.data(name, ".data.some", [3; 4]);
    }
    source.function("addresses", sig(0, 0), |body| {
        for name in names {
            body.got(name).i32(1).store();
        }
    });
}

#[test]
fn relocations_of_globals() {
    let mut source = Source::new();
    addresses(&mut source, &["a", "b", "c", "d", "e"]);
    source.flag("addresses", SymbolFlags::EXPORTED);
    let job = || {
        Job::new()
            .object("a.o", &source)
            .args("-pie --no-entry --import-memory")
    };
    let module = link(&job().args("--max-function-body-size=16"));
    insta::assert_snapshot!(print(&module));
    let stored = |module: &[u8]| {
        let mut loaded = Loaded::new(module);
        loaded.call_if_exported("addresses");
        loaded.memory().to_vec()
    };
    assert!(stored(&module) == stored(&link(&job())));
}

/// Threads share the memory: the interpreter of these tests has none, so that the module is
/// validated and read.
#[test]
fn relocations_of_thread_local_data() {
    let mut source = Source::new();
    source.features(&["+atomics", "+bulk-memory"]);
    source.data("x", ".data.x", [7; 4]).hidden("x");
    source.data("pointers", ".tdata.pointers", [0; 40]);
    source.segment_flags(SegmentFlags::TLS);
    source.flag("pointers", SymbolFlags::TLS);
    for nth in 0..10 {
        source.points(4 * nth, RelocType::MemoryAddrI32, "x", 0);
    }
    addresses(&mut source, &["a", "b"]);
    source.data("t", ".tdata.t", [1; 4]);
    source.segment_flags(SegmentFlags::TLS);
    source.flag("t", SymbolFlags::TLS);
    source.data("u", ".tdata.u", [1; 4]);
    source.segment_flags(SegmentFlags::TLS);
    source.flag("u", SymbolFlags::TLS);
    source.function("of_thread", sig(0, 2), |body| {
        body.got("t").got("u");
    });
    let job = Job::new()
        .object("a.o", &source)
        .args("-pie --no-entry --shared-memory --export-all")
        .args("--max-function-body-size=100");
    // The guard of the memory is in one piece.
    assert!(sized(&job).1.iter().all(|&size| size <= 100));
    let job = job.args("--max-function-body-size=29");
    let messages = job.link_with(&job.options()).messages();
    assert!(
        messages.contains("a part of __wasm_init_memory that cannot be split"),
        "{messages}"
    );
    let mut text = String::new();
    let module = {
        let job = Job::new()
            .object("a.o", &source)
            .args("-pie --no-entry --shared-memory --export-all")
            .args("--max-function-body-size=95");
        link(&job)
    };
    for line in print(&module).lines() {
        let is_named = line.contains("(func $__wasm_") || line.contains("(export");
        if is_named || line.contains("call $__wasm_") {
            writeln!(text, "{line}").expect("a string takes everything");
        }
    }
    insta::assert_snapshot!(text);
}

/// Many constructors, many start functions, and many segments that are cleared.
#[test]
fn what_runs_at_the_start() {
    let mut source = Source::new();
    source.features(&["+bulk-memory"]);
    for (name, value) in [
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
    ] {
        source.function(name, sig(0, 1), |body| {
            // The later ones see what the earlier ones left.
            body.address("log", 0);
            body.address("log", 0).load().i32(10).mul().i32(value).add();
            body.store().i32(0);
        });
        source.init(value as u32, name);
    }
    source.data("log", ".bss.log", [0; 4]);
    for name in ["a", "b", "c", "d", "e"] {
        let segment: &'static str = match name {
            "a" => ".bss.a",
            "b" => ".bss.b",
            "c" => ".bss.c",
            "d" => ".bss.d",
            _ => ".bss.e",
        };
        source.data(name, segment, [0; 16]);
    }
    let job = || {
        Job::new()
            .object("a.o", &source)
            .args("--no-entry --export=__wasm_call_ctors --no-gc-sections")
            .args("--import-memory --no-merge-data-segments")
    };
    insta::assert_snapshot!(check_all(job, 20));
}

#[test]
fn start_functions() {
    let object = |name: &'static str, value| {
        let mut source = Source::new();
        source.function(name, sig(0, 0), |body| {
            body.address("log", 0);
            body.address("log", 0).load().i32(10).mul().i32(value).add();
            body.store();
        });
        Module::of(&source).start(0).build()
    };
    let mut log = Source::new();
    log.data("log", ".data.log", [0; 4]);
    log.function("get", sig(0, 1), |body| {
        body.address("log", 0).load();
    });
    let names = ["s1", "s2", "s3", "s4", "s5", "s6"];
    let job = (1..).zip(names).fold(Job::new(), |job, (value, name)| {
        let file = format!("{name}.o");
        job.file(&file, object(name, value)).args(&file)
    });
    let job = job
        .object("log.o", &log)
        .args("--no-entry --export=log --export=get");
    let job = job.args("--max-function-body-size=12");
    let module = link(&job);
    assert!(
        print(&module).contains("$__wasm_start_1"),
        "{}",
        print(&module)
    );
    let mut loaded = Loaded::new(&module);
    assert_eq!(loaded.word(loaded.global("log")), 123_456);
    assert_eq!(loaded.get("get"), 123_456);
}

/// Helpers have names and a place in the map, and are nobody's business outside.
#[test]
fn helpers_are_named_and_not_exported() {
    let job = Job::new()
        .object("a.o", &pointers(6))
        .args(SHARED)
        .args("--export-all --max-function-body-size=24");
    let mut options = job.options();
    options.map = true;
    let done = job.link_with(&options);
    let linked = done.outcome.expect("a link");
    let chunks = linked.map.chunks.iter();
    let functions = chunks.filter_map(|chunk| match chunk.kind {
        MapKind::Function(index) => Some(format!("{index} {} {}", chunk.name, chunk.size)),
        MapKind::Data { .. } => None,
    });
    insta::assert_snapshot!(functions.collect::<Vec<_>>().join("\n"));
    let text = print(&done.module);
    let exports = text.lines().filter(|line| line.contains("(export"));
    assert!(
        exports
            .clone()
            .any(|line| line.contains("\"__wasm_apply_data_relocs\""))
    );
    assert!(!exports.clone().any(|line| line.contains("data_relocs_")));
    // Without a name section, all else is the same.
    let stripped = print(&link(&job.args("--strip-all")));
    assert_eq!(
        stripped.matches("(func ").count(),
        text.matches("(func ").count()
    );
}

/// An object file has none of these functions.
#[test]
fn object_files_are_as_ever() {
    let job = |args: &str| {
        Job::new()
            .object("a.o", &pointers(20))
            .args("-r")
            .args(args)
    };
    assert_eq!(link(&job("--max-function-body-size=12")), link(&job("")));
}

/// The bodies of objects are theirs, whatever their size.
#[test]
fn functions_of_objects_stay_as_they_are() {
    let mut source = Source::new();
    source.start(&["large"]);
    source.function("large", sig(0, 0), |body| {
        body.raw(&[0x01; 1000]);
    });
    let job = Job::new().object("a.o", &source);
    let whole = link(&job);
    assert_eq!(link(&job.args("--max-function-body-size=12")), whole);
}

#[test]
fn sizes_that_are_no_sizes() {
    let mut text = String::new();
    for value in ["0", "11", "-1", "lots", "8k", ""] {
        let argument = format!("--max-function-body-size={value}");
        let error = link_core::Options::from_args([&*argument]).expect_err("no size");
        writeln!(text, "{error}").expect("a string takes everything");
    }
    insta::assert_snapshot!(text);
}

/// As many relocations as made V8 refuse the module when they were one function.
#[test]
fn a_side_module_with_660_000_relocations() {
    const COUNT: u32 = 660_000;
    const LIMIT: u64 = 7_654_321;
    let job = || Job::new().object("a.o", &pointers(COUNT)).args(SHARED);
    let (module, sizes) = sized(&job());
    validate(&module);
    assert!(sizes.iter().all(|&size| size <= LIMIT), "{sizes:?}");
    assert_eq!(sizes.len(), 4, "{sizes:?}");
    let memory = memory(&module);
    let words = memory[MEMORY_BASE as usize + 4..].chunks(4);
    let words = words.map(|word| i32::from_le_bytes(word.try_into().expect("four bytes")));
    let expected = [MEMORY_BASE, ELSEWHERE, ELSEWHERE];
    let expected = expected.into_iter().cycle().take(COUNT as usize);
    assert!(words.take(COUNT as usize).eq(expected));
}
