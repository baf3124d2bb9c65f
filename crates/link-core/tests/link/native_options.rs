//! Options that linkers of other formats have and `wasm-ld` has not.

use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::support::{Job, print, run};

const UNKNOWN: &str = "rust-lld does not know the option";

/// The names that a link exports, memory aside.
fn exports(job: Job) -> Vec<String> {
    let module = job.differs(UNKNOWN).module();
    let exports = print(&module);
    let names = exports.lines().filter_map(|line| {
        let (_, rest) = line.trim().split_once("(export \"")?;
        rest.split_once('"').map(|(name, _)| name.to_owned())
    });
    names.filter(|name| name != "memory").collect()
}

/// `_start` calls `f` of `liba.a` and `g` of `libb.a`.
fn libraries(args: &str) -> Job {
    let mut start = Source::new();
    start.start(&["f", "g"]).constant("own", 1);
    let mut f = Source::new();
    f.function("f", sig(0, 0), |_| {});
    let mut g = Source::new();
    g.function("g", sig(0, 0), |_| {});
    Job::new()
        .object("a.o", &start)
        .args(args)
        .archive("dir/liba.a", &[("f.o", &f)])
        .archive("libb.a", &[("g.o", &g)])
}

#[test]
fn symbols_of_excluded_libraries_are_not_exported() {
    for mode in [
        "--export-dynamic",
        "--export-dynamic --whole-archive",
        "--export-dynamic --no-gc-sections",
        "--export-dynamic --emit-relocs",
        "-shared --no-entry",
        "-pie --export-dynamic",
    ] {
        let of = |args: &str| {
            let mut names = exports(libraries(&format!("{mode} {args}")));
            names.retain(|name| ["f", "g", "own"].contains(&name.as_str()));
            names.sort();
            names.join(" ")
        };
        assert_eq!(of("--exclude-libs=libc.a"), "f g own", "{mode}");
        assert_eq!(of("--exclude-libs=liba.a"), "g own", "{mode}");
        assert_eq!(of("--exclude-libs liba.a:libb.a"), "own", "{mode}");
        assert_eq!(of("--exclude-libs=liba.a,,libb.a"), "own", "{mode}");
        assert_eq!(of("--exclude-libs=ALL"), "own", "{mode}");
        // What the command line names is exported all the same.
        assert_eq!(of("--exclude-libs=ALL --export=g"), "g own", "{mode}");
    }
    // A name that the command line defines is no library's.
    let alias = libraries("--export-dynamic --exclude-libs=ALL --defsym=alias=f");
    assert_eq!(exports(alias), ["_start", "own", "alias"]);
    let all = exports(libraries("--export-all --exclude-libs=libb.a"));
    assert!(all.contains(&"f".to_owned()) && !all.contains(&"g".to_owned()));
    assert!(all.contains(&"__heap_base".to_owned()));
}

#[test]
fn an_object_file_keeps_what_its_inputs_say() {
    let excluded = libraries("-r --exclude-libs=ALL");
    let plain = libraries("-r").module();
    assert_eq!(excluded.differs(UNKNOWN).module(), plain);
}

/// `f`, which calls itself through the table, and `x`.
fn replaceable() -> Source {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |body| {
        body.got_of_function("f", sig(0, 0)).drop();
        body.got("x").drop();
    });
    source.data("x", ".data.x", [1; 4]);
    source
}

#[test]
fn functions_alone_can_be_bound_within_a_library() {
    let job = |args: &str| {
        Job::new()
            .object("a.o", &replaceable())
            .args("-shared")
            .args(args)
    };
    let imports = |module: Vec<u8>| {
        let text = print(&module);
        let imports = text.lines().filter(|line| line.contains("\"GOT."));
        imports.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    let plain = imports(job("").module());
    assert!(plain.contains("GOT.func\" \"f\"") && plain.contains("GOT.mem\" \"x\""));
    let module = job("-Bsymbolic-functions").differs(UNKNOWN).module();
    assert!(print(&module).contains("(export \"f\""));
    let bound = imports(module);
    assert!(
        !bound.contains("GOT.func") && bound.contains("GOT.mem\" \"x\""),
        "{bound}"
    );
}

/// `value` calls `other` and adds what `number` holds.
fn user() -> Source {
    let mut source = Source::new();
    source.function("value", sig(0, 1), |body| {
        body.call("other", sig(0, 1));
    });
    source.function("number_at", sig(0, 1), |body| {
        body.address("number", 0).load();
    });
    source.function("address", sig(0, 1), |body| {
        body.address("place", 0);
    });
    source
}

fn definitions() -> Source {
    let mut source = Source::new();
    source.constant("one", 1).constant("two", 2);
    source.data("seven", ".data.seven", [7, 0, 0, 0]);
    source
}

const DEFINED: &str = "--defsym=other=two --defsym number=seven --defsym=place=0x1234";

#[test]
fn a_symbol_can_be_another_name() {
    let job = |args: &str| {
        Job::new()
            .object("a.o", &user())
            .archive("libdefs.a", &[("defs.o", &definitions())])
            .args("--export=value --export=number_at --export=address")
            .args(args)
            .args(DEFINED)
            .differs(UNKNOWN)
    };
    for mode in [
        "--no-entry",
        "--no-entry --no-gc-sections",
        "--no-entry --emit-relocs",
        "--no-entry --export-all",
    ] {
        let module = job(mode).module();
        assert_eq!(run(&module, "value"), 2, "{mode}");
        assert_eq!(run(&module, "number_at"), 7, "{mode}");
        assert_eq!(run(&module, "address"), 0x1234, "{mode}");
    }
    // The name can be exported, be the entry and have another name in turn.
    let again = job("--entry=other --export=third --defsym=third=other --export=place");
    insta::assert_snapshot!(again.text());
    // No engine of these tests has threads: the module is valid.
    job("--no-entry --shared-memory --max-memory=131072 --no-check-features").module();
    for mode in ["-pie", "-shared"] {
        let mut source = Source::new();
        source.function("value", sig(0, 1), |body| {
            body.call("other", sig(0, 1));
            body.got("number").drop();
            body.got("place").drop();
        });
        let job = Job::new()
            .object("a.o", &source)
            .archive("libdefs.a", &[("defs.o", &definitions())])
            .args("--no-entry --export=value --export=other")
            .args(mode)
            .args(DEFINED)
            .differs(UNKNOWN);
        let text = print(&job.module());
        assert!(text.contains("(export \"other\""), "{mode}: {text}");
    }
}

#[test]
fn an_object_file_keeps_the_names() {
    let object = Job::new()
        .object("a.o", &user())
        .object("defs.o", &definitions())
        .args("-r")
        .args(DEFINED)
        .differs(UNKNOWN)
        .module();
    let job = Job::new().file("all.o", object);
    let job = job
        .args("all.o --no-entry --export=value --export=number_at --export=address")
        .differs("rust-lld takes an absolute symbol for an offset");
    assert_eq!(job.run("value"), 2);
    assert_eq!(job.run("number_at"), 7);
    assert_eq!(job.run("address"), 0x1234);
}

#[test]
fn the_command_line_wins_and_its_last_definition_counts() {
    let mut objects = definitions();
    objects.constant("other", 5);
    objects.data("number", ".data.number", [9, 0, 0, 0]);
    objects.data("place", ".data.place", [0; 4]);
    let job = |args: &str| {
        Job::new()
            .object("a.o", &user())
            .object("defs.o", &objects)
            .args("--no-entry --export=value --export=number_at --export=address")
            .args(args)
    };
    assert_eq!(job("").run("value"), 5);
    let module = job(DEFINED).args("--defsym=other=one").differs(UNKNOWN);
    assert_eq!(module.run("value"), 1);
    assert_eq!(module.run("number_at"), 7);
    assert_eq!(module.run("address"), 0x1234);
}

#[test]
fn addresses_that_the_linker_knows_can_have_another_name() {
    let mut source = Source::new();
    source.function("end", sig(0, 1), |body| {
        body.address("_end", 0);
    });
    source.function("base", sig(0, 1), |body| {
        body.address("__heap_base", 0);
    });
    source.data("pointer", ".data.pointer", [0; 4]);
    source.points(0, RelocType::MemoryAddrI32, "_end", 0);
    let job = Job::new()
        .object("a.o", &source)
        .args("--no-entry --export=end --export=base --export=pointer")
        .args("--defsym=_end=__heap_base")
        .differs(UNKNOWN);
    let module = job.module();
    assert_eq!(run(&module, "end"), run(&module, "base"));
    // Nothing else mentions it.
    let job = Job::new()
        .object("a.o", Source::new().start(&[]))
        .args("--export=_end --defsym=_end=__data_end")
        .differs(UNKNOWN);
    assert!(print(&job.module()).contains("(export \"_end\""));
}

#[test]
fn what_cannot_have_another_name_is_reported() {
    let mut messages = String::new();
    for line in [
        "--defsym=other=nothing",
        "--defsym=other=another --defsym=another=other",
        "--defsym=other=__stack_pointer",
        "--defsym=__stack_pointer=two",
        "--defsym=other=seven",
        "--defsym=other=7",
    ] {
        messages += line;
        messages += "\n";
        messages += &Job::new()
            .object("a.o", &user())
            .object("defs.o", &definitions())
            .args("--no-entry --export=value --defsym=number=seven --defsym=place=1")
            .args(line)
            .fails();
    }
    insta::assert_snapshot!(messages);
}

/// `one` and `two`, which are exported if nothing says otherwise, `asked`, for which the source asks,
/// `hid`, which is hidden, and two functions of C++: `ns::f()` and `add(int, int)`.
fn library() -> Source {
    let mut source = Source::new();
    source.start(&[]);
    for (name, value) in [("one", 1), ("two", 2), ("asked", 3), ("hid", 4)] {
        source.constant(name, value);
    }
    source.flag("asked", SymbolFlags::EXPORTED).hidden("hid");
    source.constant("_ZN2ns1fEv", 5).constant("_Z3addii", 6);
    source
}

/// What is exported of [`library()`] when the file `list` says `text`.
fn exported(args: &str, text: &str) -> String {
    let job = Job::new()
        .file("list", text)
        .object("a.o", &library())
        .args(args);
    let ours = ["one", "two", "asked", "hid", "_ZN2ns1fEv", "_Z3addii"];
    let mut names = exports(job);
    names.retain(|name| ours.contains(&name.as_str()));
    names.join(" ")
}

#[test]
fn version_scripts_decide_what_stays_inside() {
    let all = "one two asked _ZN2ns1fEv _Z3addii";
    for mode in [
        "--export-dynamic",
        "--export-dynamic --no-gc-sections",
        "--export-dynamic --emit-relocs",
        "-shared",
        "-pie --export-dynamic",
    ] {
        let of = |text: &str, args: &str| {
            exported(&format!("{mode} --version-script=list {args}"), text)
        };
        for (text, exported) in [
            ("{ global: nothing; };", all),
            ("{ local: *; };", ""),
            ("V1 { global: o*; two; local: *; };", "one two"),
            (
                "{ global: *; local: t*; };",
                "one asked _ZN2ns1fEv _Z3addii",
            ),
            (
                "{ global: one; local: one; t*; };",
                "one asked _ZN2ns1fEv _Z3addii",
            ),
            (
                "{ global: extern \"C++\" { ns::*; \"add(int, int)\"; }; local: *; };",
                "_ZN2ns1fEv _Z3addii",
            ),
            ("A { asked; }; B { local: *; } A;", "asked"),
        ] {
            assert_eq!(of(text, ""), exported, "{mode}: {text}");
        }
        // What the command line names is exported all the same.
        let text = "{ local: *; };";
        assert_eq!(
            of(text, "--export=two --export-if-defined=hid"),
            "two hid",
            "{mode}"
        );
    }
    // It makes nothing visible.
    assert_eq!(exported("--version-script list", "{ *; };"), "asked");
    let all = "--export-all --version-script=list";
    assert_eq!(exported(all, "{ one; hid; local: *; };"), "one hid");
    // Of several files each counts.
    let job = "--export-dynamic --version-script=list --version-script=list";
    assert_eq!(exported(job, "{ one; local: *; };"), "one");
}

#[test]
fn files_of_symbols_to_retain_list_all_that_is_not_local() {
    for mode in ["--export-dynamic", "-shared"] {
        let args = format!("{mode} --retain-symbols-file=list");
        assert_eq!(exported(&args, "two\n\n  one\nt*\n"), "one two", "{mode}");
        assert_eq!(exported(&args, ""), "", "{mode}");
    }
}

#[test]
fn programs_export_what_dynamic_lists_list() {
    for mode in ["", "--no-gc-sections", "--emit-relocs", "-pie"] {
        let of = |text| exported(&format!("{mode} --dynamic-list=list"), text);
        assert_eq!(of("{ nothing; };"), "asked", "{mode}");
        assert_eq!(of("{ t*; hid; };"), "two asked", "{mode}");
        let cxx = "{ extern \"C++\" { ns::f*; }; one; };";
        assert_eq!(of(cxx), "one asked _ZN2ns1fEv", "{mode}");
    }
}

#[test]
fn a_loader_replaces_what_dynamic_lists_list() {
    let imports = |args: &str, text: &str| {
        let module = Job::new()
            .file("list", text)
            .object("a.o", &replaceable())
            .args("-shared --dynamic-list=list")
            .args(args)
            .differs(UNKNOWN)
            .module();
        let text = print(&module);
        // Everything is exported as without the list.
        assert!(
            text.contains("(export \"f\"") && text.contains("(export \"x\""),
            "{text}"
        );
        ["GOT.func\" \"f", "GOT.mem\" \"x"].map(|import| text.contains(import))
    };
    assert_eq!(imports("", "{ f; x; };"), [true, true]);
    assert_eq!(imports("", "{ f; };"), [true, false]);
    assert_eq!(imports("-Bsymbolic", "{ x; };"), [false, true]);
    assert_eq!(imports("-Bsymbolic-functions", "{ };"), [false, false]);
}

#[test]
fn what_is_local_is_bound_within_a_library() {
    let module = Job::new()
        .file("list", "{ local: *; };")
        .object("a.o", &replaceable())
        .args("-shared --no-gc-sections --version-script=list")
        .differs(UNKNOWN)
        .module();
    assert!(!print(&module).contains("\"GOT."));
}

#[test]
fn an_object_file_ignores_what_is_local() {
    let job = |args| Job::new().object("a.o", &library()).args("-r").args(args);
    let listed = job("--version-script=list --dynamic-list=other")
        .file("list", "{ local: *; };")
        .file("other", "{ *; };")
        .differs(UNKNOWN);
    let module = listed.link_with(&listed.options()).module;
    assert_eq!(module, job("").module());
}

#[test]
fn lists_that_cannot_be_read_are_reported() {
    let mut messages = String::new();
    for (args, text) in [
        ("--version-script=list", &b"{ global: a b; };"[..]),
        ("--version-script=list", b"VERS_1 {\n  local: *;\n}"),
        ("--version-script=list", b"{ \xFF; };"),
        ("--dynamic-list=list", b"{ local: a; };"),
        ("--dynamic-list=list", b"a;"),
        ("--retain-symbols-file=list", b"\xFF"),
        (
            "--version-script=a --dynamic-list=b --retain-symbols-file=c",
            b"",
        ),
    ] {
        let job = Job::new().file("list", text).object("a.o", &library());
        messages += &job.args(args).fails();
    }
    insta::assert_snapshot!(messages);
}
