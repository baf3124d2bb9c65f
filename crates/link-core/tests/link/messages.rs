//! What messages tell beyond the words of `wasm-ld`: which object is to blame, and what to do.

use wasm_format::linking::SymbolFlags;

use crate::common::source::{Source, sig};
use crate::common::{ArchiveForm, RawSection, archive, assemble};
use crate::support::Job;

fn calls(by: &'static str, name: &'static str) -> Source {
    let mut source = Source::new();
    source.function(by, sig(0, 0), |body| {
        body.call(name, sig(0, 0));
    });
    source.flag(by, SymbolFlags::EXPORTED);
    source
}

fn weakly(mut source: Source, name: &'static str) -> Source {
    source.weak(name);
    source
}

fn made_by(mut source: Source, field: &'static str, name: &'static str) -> Source {
    source.producers(&[(field, name, "1")]);
    source
}

/// A file that may do without a symbol is not to blame if another one may not.
#[test]
fn strong_references_are_blamed() {
    let weak = weakly(calls("may", "missing"), "missing");
    let strong = calls("must", "missing");
    for args in ["weak.o strong.o", "strong.o weak.o"] {
        let job = Job::new()
            .file("weak.o", weak.build())
            .file("strong.o", strong.build())
            .args(args)
            .args("--no-entry");
        insta::assert_snapshot!("strong_references_are_blamed", job.fails());
        let warned = job.args("--warn-unresolved-symbols");
        let done = warned.link_with(&warned.options());
        assert!(done.outcome.is_ok());
        assert!(!done.messages().contains("weak.o"), "{}", done.messages());
    }
}

/// Nothing that is part of the output refers to it strongly.
#[test]
fn a_weak_reference_is_blamed_where_there_is_no_other() {
    let weak = weakly(calls("may", "missing"), "missing");
    let mut dead = Source::new();
    dead.function("dead", sig(0, 0), |body| {
        body.call("missing", sig(0, 0));
    });
    let job = Job::new()
        .object("weak.o", &weak)
        .object("dead.o", &dead)
        .args("--no-entry");
    insta::assert_snapshot!(job.fails());
}

/// `int x;` with `-fcommon` is an undefined, hidden symbol.
#[test]
fn common_variables() {
    let user = |by: &'static str| {
        let mut source = Source::new();
        source.function(by, sig(0, 0), |body| {
            body.address("counter", 0).drop();
        });
        source.flag(by, SymbolFlags::EXPORTED);
        source
    };
    let mut common = user("common");
    common.hidden("counter");
    let job = || {
        Job::new()
            .object("user.o", &user("user"))
            .object("common.o", &common)
            .args("--no-entry")
    };
    insta::assert_snapshot!(job().fails());
    // It may be hidden by chance: what is missing is a definition.
    let mut defines = Source::new();
    defines.data("counter", ".data.counter", [0; 4]);
    job().object("defines.o", &defines).module();
    // And a symbol that is not hidden may be anything.
    let plain = Job::new()
        .object("user.o", &user("user"))
        .args("--no-entry");
    assert!(!plain.fails().contains("-fcommon"));
}

/// Rust imports what its source says is imported.
#[test]
fn functions_of_the_host() {
    let rust = made_by(calls("run", "host_log"), "processed-by", "rustc");
    let mut both = made_by(calls("both", "host_exit"), "processed-by", "clang");
    both.function("more", sig(0, 0), |body| {
        body.call("sin", sig(0, 0)).call("_Z3sinf", sig(0, 0));
    });
    both.flag("more", SymbolFlags::EXPORTED);
    let job = |name, source: &Source| Job::new().object(name, source).args("--no-entry");
    let mut messages = job("rust.o", &rust).fails();
    messages += &job("c.o", &both).fails();
    insta::assert_snapshot!(messages);
    // The names of its functions tell, too.
    for name in ["_ZN4main3run17h0123456789abcdefE", "_RNvC4main3run"] {
        let job = job("mangled.o", &calls(name, "host_log"));
        assert!(job.fails().contains("#[link(wasm_import_module"), "{name}");
    }
    // Mangled names are another crate's.
    let other = "_ZN5other3run17h0123456789abcdefE";
    let rust = made_by(calls("run", other), "language", "Rust");
    assert!(!job("rust.o", &rust).fails().contains("wasm_import_module"));
    // And of others nothing is known.
    let plain = job("plain.o", &calls("run", "host_log")).fails();
    assert!(!plain.contains("if the host"), "{plain}");
}

#[test]
fn objects_that_use_what_is_not_allowed() {
    let uses = |name: &'static str, features: &[&'static str]| {
        let mut source = Source::new();
        source.constant(name, 1).features(features);
        source
    };
    let (one, two) = (
        uses("one", &["+atomics", "+simd128"]),
        uses("two", &["+atomics"]),
    );
    let three = uses("three", &["+atomics"]);
    let objects = || {
        Job::new()
            .object("one.o", &one)
            .object("two.o", &two)
            .object("three.o", &three)
            .args("--no-entry")
    };
    let mut messages = objects().args("--features=sign-ext").fails();
    let (first, second) = (
        uses("first", &["-atomics", "-shared-mem"]),
        uses("second", &["-atomics", "-shared-mem"]),
    );
    let disallowing = objects()
        .object("first.o", &first)
        .object("second.o", &second)
        .args("--shared-memory --max-memory=65536");
    messages += &disallowing.fails();
    insta::assert_snapshot!(messages);
}

/// A finished module that says it is a shared library.
fn shared_library() -> Vec<u8> {
    assemble(&[RawSection::custom("dylink.0", &[])])
}

/// `-Bdynamic` is no help where an object file is made.
#[test]
fn object_files_hold_no_shared_library() {
    let mut source = Source::new();
    source.start(&[]);
    let job = |args: &str| {
        Job::new()
            .file("libx.so", shared_library())
            .object("a.o", &source)
            .args(args)
    };
    let mut messages = job("libx.so").fails();
    messages += &job("-r libx.so").fails();
    messages += &job("-r -Bdynamic libx.so").fails();
    insta::assert_snapshot!(messages);
}

/// Data that is too large is named, if it is data that takes the room.
#[test]
fn the_largest_segments() {
    let mut source = Source::new();
    source.start(&[]);
    let sizes = [
        ("a", ".data.a", 70_000),
        ("b", ".rodata.b", 300_000),
        ("c", ".bss.c", 200_000),
        ("d", ".data.d", 1),
        ("e", ".data.e", 50_000),
        ("f", ".data.f", 60_000),
        ("g", ".data.g", 2),
    ];
    for (name, segment, size) in sizes {
        source.data(name, segment, vec![1; size]);
    }
    let mut other = Source::new();
    other.data("h", ".data.h", [0; 8]);
    let job = |args: &str| {
        Job::new()
            .object("a.o", &source)
            .object("b.o", &other)
            .args("--export-all")
            .args(args)
    };
    let mut messages = job("--initial-memory=65536").fails();
    messages += &job("--max-memory=131072").fails();
    messages += &job("--initial-heap=4294901760").fails();
    messages += &job("--initial-memory=65536 -zstack-size=1048576").fails();
    insta::assert_snapshot!(messages);
}

/// What is no object of WebAssembly says so in an archive, too.
#[test]
fn members_that_cannot_be_linked() {
    let mut source = Source::new();
    source.start(&["x"]);
    let mut member = Source::new();
    member.function("x", sig(0, 0), |_| {});
    let member = member.build();
    let stub = b"#STUB\nx\n";
    let inner = archive(ArchiveForm::Gnu, &[], &[]);
    let members: [(&str, &[u8]); 7] = [
        ("elf.o", b"\x7fELF\x02\x01\x01"),
        ("macho.o", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
        ("coff.o", b"\x64\x86\x02\0\0\0\0\0"),
        ("text.txt", b"hello\n"),
        ("stub.so", stub),
        ("inner.a", &inner),
        ("x.o", &member),
    ];
    let without_index = archive(ArchiveForm::Gnu, &members, &[]);
    let job = Job::new()
        .object("a.o", &source)
        .file("libx.a", without_index)
        .args("libx.a");
    insta::assert_snapshot!(job.link().messages());
    // An archiver that knows ELF lists what its members define.
    let index = [(0, "elf"), (6, "x")];
    let with_index = archive(ArchiveForm::Gnu, &members, &index);
    let indexed = Job::new()
        .object("a.o", &source)
        .file("libx.a", with_index)
        .args("libx.a");
    assert_eq!(indexed.link().messages(), job.link().messages());
    let whole = job.args("--whole-archive libx.a");
    assert!(whole.fails().contains("it looks like an ELF file"));
}
