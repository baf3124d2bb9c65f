//! `--extract-custom-sections`: members of archives are linked for their custom sections.

use wasm_format::linking::SymbolFlags;
use wasmparser::{Parser, Payload};

use crate::common::source::{Source, sig};
use crate::common::{ArchiveForm, archive};
use crate::support::{Job, print, run};

const UNKNOWN: &str = "rust-lld does not know the option";
const OPTION: &str = "--extract-custom-sections";

/// `_start`, which calls nothing.
fn start() -> Source {
    let mut source = Source::new();
    source.start(&[]);
    source
}

/// An object that has a section and defines nothing for others.
fn only_section(contents: &'static [u8]) -> Source {
    let mut source = Source::new();
    source.custom("notes", contents);
    source
}

/// A function that returns a number, and a section.
fn function(name: &'static str, value: i32, contents: &'static [u8]) -> Source {
    let mut source = Source::new();
    source.constant(name, value).custom("notes", contents);
    source
}

/// A link that nothing is to be said about.
fn link(job: Job) -> Vec<u8> {
    job.differs(UNKNOWN).module()
}

/// The contents of the sections called `notes`.
fn notes(module: &[u8]) -> String {
    let payloads = Parser::new(0).parse_all(module);
    let notes = payloads.filter_map(|payload| match payload.expect("a valid module") {
        Payload::CustomSection(section) if section.name() == "notes" => Some(section.data()),
        _ => None,
    });
    String::from_utf8_lossy(&notes.collect::<Vec<_>>().concat()).into_owned()
}

/// The members with a section, and one without.
fn members() -> [(&'static str, Source); 4] {
    let mut plain = Source::new();
    plain.constant("plain", 1);
    [
        ("plain.o", plain),
        ("first.o", only_section(b"first,")),
        ("code.o", function("unused", 2, b"code,")),
        ("last.o", only_section(b"last")),
    ]
}

#[test]
fn members_are_linked_for_their_sections() {
    let members = members();
    let borrowed = members.each_ref().map(|(name, source)| (*name, source));
    let job = || {
        Job::new()
            .object("start.o", &start())
            .archive("libnotes.a", &borrowed)
    };
    assert_eq!(notes(&job().module()), "");
    let job = job().args(OPTION).differs(UNKNOWN);
    insta::assert_snapshot!(job.text());
    assert_eq!(notes(&job.module()), "first,code,last");
}

/// An index mentions members that define something, and those of a thin archive are files.
#[test]
fn the_form_of_the_archive_does_not_matter() {
    let members = members();
    let built = members
        .each_ref()
        .map(|(name, source)| (*name, source.build()));
    let index = [(0, "plain"), (2, "unused")];
    for (form, index) in [
        (ArchiveForm::Gnu, &index[..]),
        (ArchiveForm::Gnu, &[]),
        (ArchiveForm::Gnu64, &index),
        (ArchiveForm::Bsd, &index),
        (ArchiveForm::Thin, &index),
        (ArchiveForm::Thin, &[]),
    ] {
        let members = built.each_ref().map(|(name, bytes)| (*name, &bytes[..]));
        let library = archive(form, &members, index);
        let mut job = Job::new()
            .file("libnotes.a", library)
            .object("start.o", &start())
            .args("libnotes.a");
        for (name, bytes) in &built {
            job = job.file(name, bytes.clone());
        }
        let linked = link(job.args(OPTION));
        assert_eq!(notes(&linked), "first,code,last", "{form:?} {index:?}");
    }
    let mut job = Job::new().object("start.o", &start()).args("--start-lib");
    for (name, source) in &members {
        job = job.object(name, source);
    }
    let linked = link(job.args("--end-lib").args(OPTION));
    assert_eq!(notes(&linked), "first,code,last");
}

#[test]
fn a_thin_archive_without_its_file_is_an_error() {
    let section = only_section(b"thin").build();
    let library = archive(
        ArchiveForm::Thin,
        &[("gone.o", &section[..])],
        &[(0, "gone")],
    );
    let job = |args: &str| {
        Job::new()
            .object("start.o", &start())
            .file("libthin.a", library.clone())
            .args("libthin.a")
            .args(args)
    };
    let opened = job("").differs("rust-lld opens the files of all members");
    assert_eq!(notes(&opened.module()), "");
    insta::assert_snapshot!(job(OPTION).fails());
}

#[test]
fn sections_of_compilers_and_linkers_do_not_count() {
    let is_linked = |name: &'static str, contents: &[u8]| {
        let mut source = Source::new();
        source.constant("unused", 1).custom(name, contents);
        let job = Job::new()
            .object("start.o", &start())
            .archive("lib.a", &[("member.o", &source)])
            .args("--trace")
            .args(OPTION);
        let outcome = job.link_with(&job.options()).outcome;
        let files = outcome.expect("it can be linked").report.files;
        files.iter().any(|file| &**file == "lib.a(member.o)")
    };
    let all = [
        "notes",
        "__wasm_bindgen_unstable",
        "component-type:world",
        "__llvm_covmap",
        "linking.notes",
        "named",
        "build_id",
        "external_debug_info",
        "sourceMappingURL",
        ".debug_info",
        ".debug_str",
        ".llvmbc",
        ".llvmcmd",
        ".anything",
        "dylink",
    ];
    let linked: Vec<_> = all
        .into_iter()
        .filter(|name| is_linked(name, b"x\0"))
        .collect();
    insta::assert_debug_snapshot!(linked);
    assert!(!is_linked("notes", b""), "an empty section");
    // The linker's own, and those that hold more than bytes.
    let mut source = Source::new();
    source
        .constant("unused", 1)
        .named("unused", "name")
        .features(&["+sign-ext"])
        .producers(&[("language", "C", "23")])
        .function("hinted", sig(0, 0), |_| {})
        .custom("metadata.code.branch_hint", [0])
        .custom("llvm.func_attr.annotate.x", [0; 4]);
    let job = Job::new()
        .object("start.o", &start())
        .archive("lib.a", &[("member.o", &source)]);
    let without = job.module();
    assert!(link_same(&job.args(OPTION)) == without);
}

/// A member yields where a symbol is defined without it: no symbol means anything else.
#[test]
fn definitions_of_the_link_win() {
    for mode in [
        "",
        "--no-gc-sections",
        "--export-all",
        "--emit-relocs",
        "--noinhibit-exec",
        "--fatal-warnings",
        "-shared",
        "-pie",
    ] {
        for weak in [false, true] {
            let mut own = start();
            own.constant("f", 1).flag("f", SymbolFlags::EXPORTED);
            if weak {
                own.weak("f");
            }
            let mut member = function("f", 2, b"member");
            member.function("calls", sig(0, 1), |body| {
                body.call("f", sig(0, 1));
            });
            member.flag("calls", SymbolFlags::EXPORTED);
            let job = || {
                Job::new()
                    .object("own.o", &own)
                    .archive("lib.a", &[("member.o", &member)])
                    .args(mode)
                    .args(OPTION)
            };
            let module = link(job());
            assert_eq!(notes(&module), "member", "{mode}");
            if !["-shared", "-pie"].contains(&mode) {
                assert_eq!(run(&module, "f"), 1, "{mode} weak: {weak}");
                assert_eq!(run(&module, "calls"), 1, "{mode} weak: {weak}");
            }
        }
    }
}

/// In an object file, too, where the member stays whole.
#[test]
fn an_object_file_has_the_members() {
    let mut own = Source::new();
    own.constant("f", 1);
    let mut member = function("f", 2, b"member");
    member.function("calls", sig(0, 1), |body| {
        body.call("f", sig(0, 1));
    });
    let job = || {
        Job::new()
            .object("own.o", &own)
            .archive("lib.a", &[("member.o", &member)])
            .args("-r")
    };
    assert_eq!(notes(&job().module()), "");
    let object = link(job().args(OPTION));
    assert_eq!(notes(&object), "member");
    // The object stands for both in a further link.
    let job = Job::new()
        .file("both.o", object)
        .args("both.o --no-entry --export=calls");
    assert_eq!(job.run("calls"), 1);
    assert_eq!(notes(&job.module()), "member");
}

/// Of two members the first is taken, as of two archives that define a symbol.
#[test]
fn several_members_define_a_symbol() {
    let one = function("f", 1, b"one,");
    let two = function("f", 2, b"two,");
    let mut weak = function("f", 3, b"weak");
    weak.weak("f");
    let job = |members: [(&str, &Source); 3], args: &str| {
        let members = members.map(|(name, source)| (format!("lib{name}.a"), name, source));
        let mut job = Job::new().object("start.o", &start());
        for (library, name, source) in &members {
            job = job.archive(library, &[(*name, *source)]);
        }
        link(job.args(args).args(OPTION))
    };
    for args in ["--export-all", "--export-all --no-gc-sections"] {
        let module = job([("one", &one), ("two", &two), ("weak", &weak)], args);
        assert_eq!(notes(&module), "one,two,weak");
        assert_eq!(run(&module, "f"), 1);
        // A weak definition gives way as ever.
        let module = job([("weak", &weak), ("two", &two), ("one", &one)], args);
        assert_eq!(run(&module, "f"), 2);
    }
    // `--export` comes first, and pulls what defines the symbol.
    let module = job(
        [("two", &two), ("one", &one), ("weak", &weak)],
        "--export=f",
    );
    assert_eq!(run(&module, "f"), 2);
}

/// The size of a common symbol is the largest, and that of a member counts.
#[test]
fn a_common_symbol_of_a_member_counts() {
    let mut own = start();
    own.common("buffer", 4, 2);
    let mut member = Source::new();
    member.common("buffer", 64, 2).custom("notes", *b"member");
    let job = Job::new()
        .object("own.o", &own)
        .archive("lib.a", &[("member.o", &member)])
        .args("--export=buffer --export=__data_end")
        .args(OPTION);
    insta::assert_snapshot!(print(&link(job)));
}

#[test]
fn what_members_need_is_linked_if_their_code_is() {
    let mut member = Source::new();
    member
        .function("described", sig(0, 1), |body| {
            body.call("helper", sig(0, 1));
        })
        .function("unused", sig(0, 0), |body| {
            body.call("nowhere", sig(0, 0));
        })
        .custom("notes", *b"member");
    member.flag("described", SymbolFlags::EXPORTED);
    // What the member needs also defines what the program has.
    let mut helper = Source::new();
    helper.constant("helper", 7).constant("f", 2);
    let mut own = start();
    own.constant("f", 1).flag("f", SymbolFlags::EXPORTED);
    let job = |args: &str| {
        Job::new()
            .object("own.o", &own)
            .archive("libhelper.a", &[("helper.o", &helper)])
            .archive("lib.a", &[("member.o", &member)])
            .args(args)
            .args(OPTION)
    };
    let module = link(job(""));
    assert_eq!(run(&module, "described"), 7);
    assert_eq!(run(&module, "f"), 1);
    insta::assert_snapshot!(print(&module));
    // All that is linked is in the output, as with `--whole-archive`.
    insta::assert_snapshot!(job("--no-gc-sections").fails());
    assert_eq!(
        run(
            &link(job("--no-gc-sections --unresolved-symbols=ignore-all")),
            "f"
        ),
        1
    );
}

/// A section alone runs nothing.
#[test]
fn constructors_run_where_something_else_is_in_the_output() {
    let mut own = start();
    own.data("registry", ".data.registry", [0; 4])
        .align(2)
        .function("registered", sig(0, 1), |body| {
            body.address("registry", 0).load();
        });
    let mut member = Source::new();
    member
        .constant("described", 7)
        .function("register", sig(0, 0), |body| {
            body.address("registry", 0).i32(42).store();
        })
        .local("register")
        .init(0, "register")
        .custom("notes", *b"member");
    let job = |args: &str| {
        let job = Job::new()
            .object("own.o", &own)
            .archive("lib.a", &[("member.o", &member)])
            .args("--no-entry --export=registered")
            .args(args);
        run(&link(job), "registered")
    };
    assert_eq!(job(OPTION), 0);
    assert_eq!(job("--extract-custom-sections --export=described"), 42);
    assert_eq!(job("--extract-custom-sections --no-gc-sections"), 42);
}

/// A host's function needs a member that is linked after those with sections, and defines what
/// one of those does.
#[test]
fn what_a_host_needs_wins() {
    let mut own = start();
    own.function("asks", sig(0, 0), |body| {
        body.call("host", sig(0, 0));
    });
    own.flag("asks", SymbolFlags::EXPORTED);
    let member = function("free", 1, b"member");
    let mut allocator = Source::new();
    allocator.constant("malloc", 2).constant("free", 3);
    let job = |needs: &str, args: &str| {
        let job = Job::new()
            .object("own.o", &own)
            .archive("lib.a", &[("member.o", &member)])
            .archive("libc.a", &[("malloc.o", &allocator)])
            .file("host.so", format!("#STUB\nhost: {needs}\n"))
            .args("host.so")
            .args(args)
            .args(OPTION);
        print(&link(job))
    };
    insta::assert_snapshot!(job("malloc", "--export-if-defined=asks"));
    // A strong definition that is linked already is all that the host asks for.
    insta::assert_snapshot!(job("free", ""));
    insta::assert_snapshot!(job("malloc", "--export-if-defined=malloc --no-gc-sections"));
}

/// Members that look needed are parsed before anything is resolved.
#[test]
fn a_member_that_was_parsed_ahead_of_its_turn() {
    let mut own = Source::new();
    own.function("_start", sig(0, 1), |body| {
        body.call("f", sig(0, 1)).drop().call("g", sig(0, 1));
    });
    let ahead = function("g", 1, b"ahead");
    let mut both = Source::new();
    both.constant("f", 2).constant("g", 3);
    let job = |args: &str| {
        Job::new()
            .archive("libg.a", &[("ahead.o", &ahead)])
            .archive("libboth.a", &[("both.o", &both)])
            .object("own.o", &own)
            .args(args)
    };
    assert_eq!(notes(&job("").module()), "");
    let module = link(job(OPTION));
    assert_eq!(notes(&module), "ahead");
    assert_eq!(run(&module, "_start"), 3);
}

#[test]
fn reports_name_the_section() {
    let mut member = Source::new();
    member
        .function("described", sig(0, 1), |body| {
            body.call("helper", sig(0, 1));
        })
        .custom("notes", *b"member");
    let mut helper = Source::new();
    helper.constant("helper", 7);
    let job = Job::new()
        .object("start.o", &start())
        .archive("lib.a", &[("member.o", &member), ("helper.o", &helper)])
        .args("--trace --print-gc-sections --cref")
        .args(OPTION);
    let mut options = job.options();
    options.why_extract = true;
    options.map = true;
    let linked = job.link_with(&options).outcome.expect("it can be linked");
    insta::assert_debug_snapshot!((
        &linked.report.extractions,
        &linked.report.files,
        &linked.report.discarded,
        &linked.report.cross_references,
    ));
}

#[test]
fn what_is_no_object_is_passed_over_and_what_is_damaged_is_an_error() {
    let mut cut = only_section(b"cut").build();
    cut.truncate(cut.len() - 2);
    let bitcode = b"BC\xc0\xde".to_vec();
    let metadata = [
        &b"\0asm\x01\0\0\0\0"[..],
        b"\x08\x06.rmetax",
        b"\0\x07\x05notes!",
    ]
    .concat();
    let finished = [&b"\0asm\x01\0\0\0\0"[..], b"\x07\x05notes!"].concat();
    let job = |bytes: &[u8]| {
        let library = archive(ArchiveForm::Gnu, &[("member.o", bytes)], &[(0, "unused")]);
        Job::new()
            .object("start.o", &start())
            .file("lib.a", library)
            .args("lib.a")
            .args(OPTION)
    };
    for bytes in [&bitcode, &metadata, &finished] {
        assert_eq!(notes(&link(job(bytes))), "");
    }
    insta::assert_snapshot!(job(&cut).fails());
}

/// Nothing is left to be linked for its sections.
#[test]
fn whole_archives_stay_the_same() {
    let members = members();
    let members = members.each_ref().map(|(name, source)| (*name, source));
    let job = |args: &str| {
        Job::new()
            .object("start.o", &start())
            .args("--whole-archive")
            .archive("libnotes.a", &members)
            .args(args)
    };
    let module = job("").module();
    assert_eq!(notes(&module), "first,code,last");
    assert!(link_same(&job(OPTION)) == module);
}

/// A link that the option does not change.
fn link_same(job: &Job) -> Vec<u8> {
    let done = job.link_with(&job.options());
    assert_eq!(done.messages(), "");
    done.module
}
