//! What names mean: binding, visibility, comdats, imports, wrapping.

use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::common::{ArchiveForm, archive};
use crate::support::{Job, calls_table_0, print};

const PIE: &str = "-pie --export-dynamic";

/// `_start` calls `f`, whose result is dropped.
fn calls(name: &'static str) -> Source {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call(name, sig(0, 1)).drop();
    });
    source
}

fn defines(name: &'static str, value: i32) -> Source {
    let mut source = Source::new();
    source.constant(name, value);
    source
}

fn weakly(name: &'static str, value: i32) -> Source {
    let mut source = defines(name, value);
    source.weak(name);
    source
}

#[test]
fn strong_overrides_weak_whatever_the_order() {
    for order in ["weak.o strong.o", "strong.o weak.o"] {
        let job = Job::new()
            .file("weak.o", weakly("f", 1).build())
            .file("strong.o", defines("f", 2).build())
            .args(order)
            .args("--no-entry --export=f");
        assert_eq!(job.run("f"), 2, "{order}");
    }
}

#[test]
fn the_first_of_weak_ones() {
    let job = Job::new()
        .object("one.o", &weakly("f", 1))
        .object("two.o", &weakly("f", 2))
        .args("--no-entry --export=f");
    assert_eq!(job.run("f"), 1);
}

#[test]
fn duplicates_name_both_places() {
    let job = Job::new()
        .object("one.o", &defines("_Z1fv", 1))
        .object("two.o", &defines("_Z1fv", 2))
        .args("--no-entry");
    insta::assert_snapshot!(job.fails());
    let allowed = job.args("--allow-multiple-definition --export=_Z1fv");
    assert_eq!(allowed.run("_Z1fv"), 1);
}

#[test]
fn local_symbols_are_their_files_own() {
    let file = |export: &'static str, value| {
        let mut source = defines("f", value);
        source.local("f").function(export, sig(0, 1), |body| {
            body.call("f", sig(0, 1));
        });
        source
    };
    let job = Job::new()
        .object("one.o", &file("one", 1))
        .object("two.o", &file("two", 2))
        .args("--no-entry --export=one --export=two");
    assert_eq!((job.run("one"), job.run("two")), (1, 2));
}

#[test]
fn hidden_exported_and_kept() {
    let mut source = Source::new();
    source
        .start(&[])
        .constant("hidden", 1)
        .hidden("hidden")
        .constant("visible", 2)
        .constant("marked", 3)
        .flag("marked", SymbolFlags::EXPORTED)
        .constant("kept", 4)
        .flag("kept", SymbolFlags::NO_STRIP)
        .constant("dead", 5);
    let job = || Job::new().object("a.o", &source);
    insta::assert_snapshot!("exported_and_kept", job().text());
    insta::assert_snapshot!("export_dynamic", job().args("--export-dynamic").text());
    insta::assert_snapshot!("export_all", job().args("--export-all").text());
}

#[test]
fn aliases_are_one_function() {
    let mut source = calls("other_name");
    source.constant("f", 7).alias("other_name", "f");
    let job = Job::new().object("a.o", &source).args("--export=f");
    insta::assert_snapshot!(job.text());
}

#[test]
fn absolute_symbols() {
    let mut user = Source::new();
    user.function("read", sig(0, 1), |body| {
        body.address("port", 2);
    });
    let mut ports = Source::new();
    // rust-lld crashes if the file has no segment.
    ports.data("x", ".data.x", [1]).absolute("port", 0xd020);
    let job = Job::new()
        .object("user.o", &user)
        .object("ports.o", &ports)
        .args("--no-entry --export=read --export=port")
        .differs("rust-lld takes the value for an offset in the first segment");
    assert_eq!(job.run("read"), 0xd022);
}

#[test]
fn undefined_with_every_policy() {
    let mut source = Source::new();
    source
        .function("_start", sig(0, 0), |body| {
            body.call("missing", sig(0, 1)).drop();
            body.i32(1).call("_Z7missingi", sig(1, 0));
            body.address("nowhere", 0).drop();
        })
        .function("again", sig(0, 0), |body| {
            body.call("missing", sig(0, 1)).drop();
        })
        .flag("again", SymbolFlags::EXPORTED);
    let job = || Job::new().object("a.o", &source);
    insta::assert_snapshot!("undefined", job().fails());
    insta::assert_snapshot!("undefined_no_demangle", job().args("--no-demangle").fails());
    for (name, args) in [
        ("warn_unresolved", "--warn-unresolved-symbols"),
        ("ignore_all", "--unresolved-symbols=ignore-all"),
    ] {
        insta::assert_snapshot!(name, job().args(args).text());
    }
    insta::assert_snapshot!("import_undefined", job().args("--import-undefined").fails());
    let dynamic = job().args("--unresolved-symbols=import-dynamic");
    insta::assert_snapshot!("import_dynamic", dynamic.fails());
    let listed = job()
        .file(
            "missing+_Z7missingi+nowhere",
            "missing\n_Z7missingi\nnowhere\n",
        )
        .args("--allow-undefined-file=missing+_Z7missingi+nowhere");
    insta::assert_snapshot!("allow_undefined_file", listed.text());
    let absent = job().args("--allow-undefined-file=absent").fails();
    assert!(
        absent.starts_with("error: cannot open absent: "),
        "{absent}"
    );
}

#[test]
fn further_places_are_counted() {
    let mut source = Source::new();
    source.start(&["a", "b", "c", "d", "e"]);
    for name in ["a", "b", "c", "d", "e"] {
        source.function(name, sig(0, 0), |body| {
            body.call("missing", sig(0, 0));
        });
    }
    let mut other = Source::new();
    other
        .function("other", sig(0, 0), |body| {
            body.call("missing", sig(0, 0));
        })
        .flag("other", SymbolFlags::EXPORTED);
    let job = Job::new().object("a.o", &source).object("b.o", &other);
    insta::assert_snapshot!(job.fails());
}

#[test]
fn a_near_name_is_suggested() {
    let mut source = calls("calculate_totl");
    source.constant("calculate_total", 1);
    let job = Job::new().object("a.o", &source);
    insta::assert_snapshot!(job.fails());
}

#[test]
fn weak_undefined_functions_trap_and_are_null() {
    let mut source = Source::new();
    source
        .function("_start", sig(0, 0), |body| {
            body.call("maybe", sig(0, 1)).drop();
            body.address("perhaps", 0).drop();
        })
        .weak("maybe")
        .weak("perhaps")
        .function("address", sig(0, 1), |body| {
            body.pointer("maybe", sig(0, 1));
        })
        .flag("address", SymbolFlags::EXPORTED);
    let job = Job::new().object("a.o", &source);
    insta::assert_snapshot!(job.text());
    assert_eq!(job.run("address"), 0);
}

/// A name that an archive offers was met there, although it gets its symbol where it is referred
/// to.
#[test]
fn stubs_are_in_the_order_in_which_names_were_met() {
    let mut source = Source::new();
    source
        .function("_start", sig(0, 0), |body| {
            body.call("nowhere", sig(0, 1)).drop();
            body.call("offered", sig(0, 1)).drop();
        })
        .weak("nowhere")
        .weak("offered");
    let mut member = Source::new();
    member.constant("offered", 1);
    let job = Job::new()
        .archive("liba.a", &[("member.o", &member)])
        .object("a.o", &source);
    insta::assert_snapshot!(job.text());
}

/// Some of them get no slot, and none shares one.
#[test]
fn missing_functions_of_one_signature_have_slots_of_their_own() {
    let mut source = Source::new();
    // Without a symbol for the table rust-lld crashes.
    source.function("_start", sig(0, 0), |body| {
        body.i32(0).call_indirect(sig(0, 0));
    });
    for (name, function) in [("first", "one"), ("second", "two")] {
        source
            .function(name, sig(0, 1), |body| {
                body.pointer(function, sig(0, 0));
            })
            .flag(name, SymbolFlags::EXPORTED);
    }
    source
        .function("third", sig(0, 1), |body| {
            body.call("three", sig(0, 0));
            body.pointer("three", sig(0, 0));
        })
        .flag("third", SymbolFlags::EXPORTED);
    let job = Job::new()
        .object("a.o", &source)
        .args("--unresolved-symbols=ignore-all");
    insta::assert_snapshot!(job.text());
    assert_eq!((job.run("first"), job.run("second")), (1, 2));
}

#[test]
fn import_names_and_their_conflicts() {
    let user = |start: &'static str, module, field| {
        let mut source = Source::new();
        source
            .function(start, sig(0, 0), |body| {
                body.call("host_call", sig(0, 0));
            })
            .import("host_call", module, field);
        source
    };
    let job = |second: &Source| {
        Job::new()
            .object("a.o", &user("_start", "host", "call"))
            .object("b.o", second)
            .args("--export=other")
    };
    let same = user("other", "host", "call");
    insta::assert_snapshot!("import_names", job(&same).text());
    let module = job(&user("other", "guest", "call")).fails();
    insta::assert_snapshot!("import_module_conflict", module);
    let name = job(&user("other", "host", "fall")).fails();
    insta::assert_snapshot!("import_name_conflict", name);

    // Signatures may differ, but not where a name is imported from.
    let mut source = Source::new();
    source
        .function("other", sig(0, 1), |body| {
            body.call("host_call", sig(0, 1));
        })
        .import("host_call", "guest", "call");
    insta::assert_snapshot!("import_module_and_signature_conflict", job(&source).fails());
}

#[test]
fn the_first_comdat_is_chosen() {
    let file = |export: &'static str, value: i32| {
        let mut source = defines("inline", value);
        source
            .weak("inline")
            .data("table", ".data.table", vec![value as u8; 4])
            .weak("table")
            .comdat("inline", &["inline", "table"])
            .function(export, sig(0, 1), |body| {
                body.call("inline", sig(0, 1))
                    .address("table", 0)
                    .load8()
                    .add();
            });
        source
    };
    let job = Job::new()
        .object("one.o", &file("one", 1))
        .object("two.o", &file("two", 2))
        .args("--no-entry --export=one --export=two");
    assert_eq!((job.run("one"), job.run("two")), (2, 2));
    insta::assert_snapshot!(job.text());
}

#[test]
fn wrapping() {
    let mut user = Source::new();
    user.function("user", sig(0, 1), |body| {
        body.call("f", sig(0, 1));
    });
    let mut wrapper = Source::new();
    wrapper.function("__wrap_f", sig(0, 1), |body| {
        body.call("__real_f", sig(0, 1)).i32(40).add();
    });
    let job = |wrapper| {
        Job::new()
            .object("user.o", &user)
            .object("f.o", &defines("f", 2))
            .archive("libwrap.a", &[("wrapper.o", wrapper)])
            .args("--no-entry --export=user --wrap=f")
    };
    assert_eq!(job(&wrapper).run("user"), 42);
    insta::assert_snapshot!("wrapped", job(&wrapper).text());
    insta::assert_snapshot!("wrapped_by_nobody", job(&defines("other", 1)).fails());
}

/// Wherever symbols may be left to a loader, the wrapper is one of them, and what it wraps.
#[test]
fn wrappers_are_imported() {
    let mut source = defines("f", 1);
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 1)).drop();
        body.call("__real_g", sig(0, 1)).drop();
    });
    // A name that no file mentions is not wrapped.
    source.callee("g", sig(0, 1));
    let job = || {
        Job::new()
            .object("a.o", &source)
            .args("--wrap=f --wrap=g --import-undefined")
    };
    let pie = job().args(PIE).differs("it crashes");
    for job in [job(), pie] {
        let module = print(&job.module());
        for name in ["__wrap_f", "g"] {
            let import = format!("(import \"env\" \"{name}\" (func");
            assert!(module.contains(&import), "{module}");
        }
    }
}

/// A loader tells where a wrapper is; a function that no code calls is not imported to be called.
#[test]
fn wrappers_that_are_only_pointed_to_are_not_called() {
    let mut source = defines("f", 1);
    source.function("_start", sig(0, 0), |body| {
        body.got_of_function("f", sig(0, 1)).drop();
    });
    let job = Job::new()
        .object("a.o", &source)
        .args("--wrap=f --import-undefined")
        .args(PIE);
    let module = print(&job.module());
    assert!(
        module.contains("(import \"GOT.func\" \"__wrap_f\""),
        "{module}"
    );
    assert!(!module.contains("(import \"env\" \"__wrap_f\""), "{module}");
}

/// What is to stay does, although all that refer to it are led elsewhere.
#[test]
fn wrapping_drops_nothing_that_is_to_stay() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 1)).drop();
    });
    for name in ["f", "__wrap_f", "__real_f"] {
        source.constant(name, 1);
    }
    let job = |source: &Source| Job::new().object("a.o", source).args("--wrap=f").text();
    assert!(!job(&source).contains("__real_f"));
    source.flag("__real_f", SymbolFlags::NO_STRIP);
    assert!(job(&source).contains("__real_f"));
}

#[test]
fn a_table_that_is_used_without_a_symbol_stays() {
    let mut named = Source::new();
    named.function("unused", sig(0, 0), |body| {
        body.i32(0).call_indirect(sig(0, 0));
    });
    for order in ["named.o old.o", "old.o named.o", "old.o"] {
        let module = Job::new()
            .file("named.o", named.build())
            .file("old.o", calls_table_0(&[]).build())
            .args(order)
            .text();
        assert!(module.contains("(table"), "{order}: {module}");
    }
}

#[test]
fn undefined_option_pulls_members() {
    let job = || {
        Job::new().object("a.o", Source::new().start(&[])).archive(
            "libx.a",
            &[(
                "x.o",
                Source::new()
                    .constant("x", 1)
                    .flag("x", SymbolFlags::EXPORTED),
            )],
        )
    };
    assert!(!job().text().contains("\"x\""));
    assert_eq!(job().args("--undefined=x").run("x"), 1);
}

#[test]
fn signature_mismatch_warns_and_traps() {
    let mut caller = Source::new();
    caller.function("_start", sig(0, 0), |body| {
        body.i32(1).call("f", sig(1, 0));
    });
    let job = || {
        Job::new()
            .object("caller.o", &caller)
            .object("f.o", &defines("f", 1))
            .args("--export=f")
    };
    let warned = job();
    insta::assert_snapshot!("signature_mismatch", warned.text());
    let fatal = job().args("--fatal-warnings");
    insta::assert_snapshot!("signature_mismatch_fatal", fatal.fails());
}

/// `--error-signature-mismatch`, which `rust-lld` does not have.
#[test]
fn a_signature_mismatch_is_an_error_if_that_is_asked_for() {
    let strictly = |job: Job| {
        let mut options = job.options();
        options.error_signature_mismatch = true;
        job.link_with(&options)
    };
    let mut caller = Source::new();
    for name in ["_start", "_Z1av", "b", "c", "d", "e"] {
        caller.function(name, sig(0, 0), |body| {
            body.i32(1).call("f", sig(1, 0));
            body.i32(2).call("f", sig(1, 0));
        });
    }
    let mut other = Source::new();
    other.function("other", sig(0, 1), |body| {
        body.call("f", sig(0, 1));
    });
    let f = defines("f", 1);
    let job = || {
        Job::new()
            .object("caller.o", &caller)
            .object("other.o", &other)
    };
    let error = strictly(job().object("f.o", &f)).messages();
    insta::assert_snapshot!("signature_mismatch_error", error);
    for mode in ["-shared", "-pie", "-r", "--no-gc-sections"] {
        let done = strictly(job().object("f.o", &f).args(mode));
        assert_eq!(done.messages(), error, "{mode}");
    }
    // The definition may be a member that is linked for the call.
    let pulled = strictly(job().archive("libf.a", &[("f.o", &f)])).messages();
    insta::assert_snapshot!("signature_mismatch_error_archive", pulled);
    // What nothing defines has one signature, whatever is asked for.
    let undefined = strictly(job().args("--import-undefined")).messages();
    insta::assert_snapshot!("signature_mismatch_undefined", undefined);
    let ctors = Source::new().start(&["f"]).clone();
    let mut calls_ctors = Source::new();
    calls_ctors.function("f", sig(0, 0), |body| {
        body.i32(1).call("__wasm_call_ctors", sig(1, 0));
    });
    let own = Job::new()
        .object("start.o", &ctors)
        .object("f.o", &calls_ctors);
    insta::assert_snapshot!("signature_mismatch_own", strictly(own).messages());

    // An address that is taken is no call; it is checked where it is called.
    let mut pointer = Source::new();
    pointer.function("_start", sig(0, 1), |body| {
        body.pointer("f", sig(1, 0));
    });
    let pointers = strictly(Job::new().object("pointer.o", &pointer).object("f.o", &f));
    assert_eq!(pointers.messages(), "");
    // Nor is a definition that another one replaces.
    let mut replaced = Source::new();
    replaced.function("f", sig(1, 0), |_| {}).weak("f");
    let replaced = strictly(
        Job::new()
            .object("weak.o", &replaced)
            .object("f.o", &f)
            .args("--no-entry"),
    );
    assert!(replaced.outcome.is_ok(), "{}", replaced.messages());
    // Nor a call in a copy of a comdat that is not linked.
    let copy = |params| {
        let mut source = Source::new();
        source
            .function("inline", sig(0, 0), |body| {
                for _ in 0..params {
                    body.i32(0);
                }
                body.call("f", sig(params, 1)).drop();
            })
            .weak("inline")
            .comdat("inline", &["inline"]);
        source
    };
    let copies = strictly(
        Job::new()
            .object("first.o", &copy(0))
            .object("second.o", &copy(1))
            .object("f.o", &f)
            .args("--no-entry --export=inline"),
    );
    assert!(copies.outcome.is_ok(), "{}", copies.messages());
}

#[test]
fn kinds_do_not_mix() {
    let mut data = Source::new();
    data.data("thing", ".data.thing", [1, 2, 3, 4]);
    let job = Job::new()
        .object("a.o", &calls("thing"))
        .object("b.o", &data);
    insta::assert_snapshot!(job.fails());
}

#[test]
fn error_limit_and_entry() {
    let mut source = Source::new();
    source.start(&["aaaa", "bbbb", "cccc"]);
    let job = || Job::new().object("a.o", &source);
    insta::assert_snapshot!("error_limit", job().args("--error-limit=2").fails());
    insta::assert_snapshot!("no_such_entry", job().args("--entry=main").fails());
    insta::assert_snapshot!("no_such_export", job().args("--export=nothing").fails());
}

#[test]
fn bounds_of_a_segment_that_is_left_out() {
    let mut source = Source::new();
    source.function("_start", sig(0, 2), |body| {
        body.address("__start_list", 0).address("__stop_list", 0);
    });
    source.data("entry", "list", [1; 8]);
    let mut kept = source.clone();
    kept.segment_flags(SegmentFlags::RETAIN);
    insta::assert_snapshot!(Job::new().object("a.o", &source).fails());
    Job::new().object("a.o", &kept).module();
    let ignored = Job::new()
        .object("a.o", &source)
        .args("--unresolved-symbols=ignore-all");
    ignored.module();
    source.flag("__start_list", SymbolFlags::BINDING_WEAK);
    source.flag("__stop_list", SymbolFlags::BINDING_WEAK);
    Job::new().object("a.o", &source).module();
}

#[test]
fn what_an_index_offers_wrongly_another_archive_may_offer() {
    let (other, f) = (defines("other", 1).build(), defines("f", 2).build());
    // So many that names are numbered in shards.
    let many: Vec<String> = (0..10_000).map(|nth| format!("name{nth}")).collect();
    let many = many.iter().map(|name| (0, &**name));
    let index: Vec<(usize, &str)> = many.chain([(0, "f")]).collect();
    let wrong = archive(ArchiveForm::Gnu, &[("other.o", &other)], &index);
    let right = archive(ArchiveForm::Gnu, &[("f.o", &f)], &[(0, "f")]);
    for order in ["a.o wrong.a right.a", "wrong.a a.o right.a"] {
        Job::new()
            .file("a.o", calls("f").build())
            .file("wrong.a", &wrong[..])
            .file("right.a", &right[..])
            .args(order)
            .module();
    }
}

/// No other file could define it.
#[test]
fn an_undefined_symbol_cannot_be_local() {
    let mut function = Source::new();
    function.start(&["elsewhere"]).local("elsewhere");
    let mut data = Source::new();
    data.start(&[])
        .data("pointer", ".data.pointer", [0; 4])
        .points(0, RelocType::MemoryAddrI32, "elsewhere", 0)
        .flag("pointer", SymbolFlags::NO_STRIP)
        .local("elsewhere");
    let mut tag = Source::new();
    tag.function("_start", sig(0, 0), |body| {
        body.throw("elsewhere", sig(0, 0));
    })
    .local("elsewhere");
    let refused = |source| Job::new().object("a.o", source).fails();
    insta::assert_snapshot!([&function, &data, &tag].map(refused).join(""));
}

/// A constructor that another function takes the place of, and be it an import.
#[test]
fn a_wrapped_constructor_takes_no_arguments() {
    let mut source = Source::new();
    source
        .start(&[])
        .function("ctor", sig(1, 0), |_| {})
        .init(1, "ctor");
    let job = Job::new()
        .object("a.o", &source)
        .args("--wrap=ctor --import-undefined");
    insta::assert_snapshot!(
        job.fails(),
        @"error: a.o: constructor functions cannot take arguments: __wrap_ctor"
    );
}
