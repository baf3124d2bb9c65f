//! Relocatable output: linked again, it is what its parts are, linked at once.

use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Mutability, RefType, TableType, ValType};

use crate::common::source::{Source, sig};
use crate::support::{Job, print, run};

/// The objects of a link, by their names.
type Objects<'s> = [(&'static str, &'s Source)];

fn job(objects: &Objects<'_>, args: &str) -> Job {
    let job = objects
        .iter()
        .fold(Job::new(), |job, (name, source)| job.object(name, source));
    job.args(args)
}

/// Links without asking what `rust-lld` makes of it.
fn alone(job: &Job) -> Vec<u8> {
    let done = job.link_with(&job.options());
    assert_eq!(done.messages(), "");
    done.module
}

/// The object file that `-r` makes of these.
fn combined(objects: &Objects<'_>, args: &str) -> Vec<u8> {
    alone(&job(objects, args).args("-r"))
}

/// Links the objects at once and in two steps with each of the lines; both must make the
/// same module. (The order of exports follows that of the symbols, which is another after the
/// first step where several files define some.) Returns the module of the first line.
#[track_caller]
fn in_two_steps(objects: &Objects<'_>, lines: &[&str]) -> Vec<u8> {
    let size = if lines[0].contains("-mwasm64") {
        "-mwasm64"
    } else {
        ""
    };
    let object = combined(objects, size);
    // What was combined can be combined again.
    let again = Job::new()
        .file("all.o", object.clone())
        .args("all.o")
        .args(size);
    assert_eq!(print(&alone(&again.args("-r"))), print(&object));
    let mut first = None;
    for line in lines {
        let at_once = alone(&job(objects, line));
        let second = Job::new()
            .file("all.o", object.clone())
            .args("all.o")
            .args(line);
        let in_two = alone(&second);
        assert!(
            at_once == in_two,
            "{line}: at once\n{}\nin two steps\n{}",
            print(&at_once),
            print(&in_two)
        );
        first.get_or_insert(at_once);
    }
    first.expect("a line")
}

#[test]
fn functions_and_data_of_several_files() {
    let mut main = Source::new();
    main.function("_start", sig(0, 1), |body| {
        body.call("get", sig(0, 1))
            .address("pointers", 4)
            .load()
            .load();
        body.add();
    });
    main.constant("local", 1).local("local");
    main.function("get", sig(0, 1), |body| {
        body.call("local", sig(0, 1)).call("weak", sig(0, 1)).add();
    });
    main.data("pointers", ".data.pointers", [0; 12]);
    main.points(0, RelocType::TableIndexI32, "weak", 0);
    main.points(4, RelocType::MemoryAddrI32, "numbers", 4);
    main.points(8, RelocType::MemoryAddrI32, "missing", 0);
    main.flag("missing", SymbolFlags::BINDING_WEAK);
    main.constant("weak", 10).weak("weak");
    let mut other = Source::new();
    other.constant("local", 2).local("local");
    other.function("weak", sig(0, 1), |body| {
        body.call("local", sig(0, 1)).i32(100).mul();
    });
    other.data("numbers", ".rodata.numbers", [1, 0, 0, 0, 2, 0, 0, 0]);
    other.align(2);
    other.function("dead", sig(0, 0), |_| {});
    let module = in_two_steps(
        &[("main.o", &main), ("other.o", &other)],
        &[
            "",
            "-S --compress-relocations",
            "--no-gc-sections",
            "--no-merge-data-segments",
            "--export=numbers --export-table",
        ],
    );
    // 1 + 200 + 2
    assert_eq!(run(&module, "_start"), 203);
}

#[test]
fn strings_constructors_and_thread_local_data() {
    let file = |name: &'static str, string: &'static str, priority| {
        let mut source = Source::new();
        source.data(string, ".rodata.str", format!("{name}\0common\0"));
        source.segment_flags(SegmentFlags::STRINGS);
        source.function(name, sig(0, 0), move |body| {
            body.address(string, 0).drop();
        });
        source.init(priority, name);
        source
    };
    let (one, mut two) = (file("one", "s1", 200), file("two", "s2", 100));
    two.data("local", ".tdata.local", [7; 4]);
    two.segment_flags(SegmentFlags::TLS)
        .flag("local", SymbolFlags::TLS);
    two.function("_start", sig(0, 0), |body| {
        body.tls_offset("local")
            .drop()
            .call("__wasm_call_ctors", sig(0, 0));
    });
    two.features(&["+atomics", "+bulk-memory"]);
    in_two_steps(
        &[("one.o", &one), ("two.o", &two)],
        &[
            "",
            "-O2",
            "--shared-memory --max-memory=262144",
            "--export-all",
        ],
    );
}

#[test]
fn comdats_names_and_sections() {
    let file = |mark: u8| {
        let mut source = Source::new();
        source.constant("shared", i32::from(mark));
        source.comdat("shared", &["shared"]);
        source.custom("note", [mark, 0, 0, 0, 0]);
        source.describes(1, RelocType::FunctionOffsetI32, "shared", 0);
        source
    };
    let mut user = Source::new();
    user.function("_start", sig(0, 1), |body| {
        body.call("shared", sig(0, 1)).call("host", sig(0, 0));
    });
    user.import("host", "elsewhere", "host_function");
    user.named("_start", "beginning");
    user.producers(&[("language", "C", "23")]);
    let (one, two) = (file(1), file(2));
    in_two_steps(
        &[("one.o", &one), ("two.o", &two), ("user.o", &user)],
        &["", "--no-gc-sections", "-s"],
    );
}

/// It has segments of its own all the same.
#[test]
fn data_of_comdats_is_named_like_other_data() {
    let mut source = Source::new();
    source.data("one", ".data.one", [1; 4]);
    source.data("two", ".data.two", [2; 4]);
    source.data("three", ".data.three", [3; 4]);
    source.comdat("two", &["two"]);
    job(&[("a.o", &source)], "-r --merge-data-segments").module();
}

#[test]
fn globals_tables_and_tags() {
    let mut defines = Source::new();
    let ty = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Var,
    };
    let table = TableType {
        element: RefType::EXTERNREF,
        limits: wasm_format::Limits {
            min: 3,
            ..wasm_format::Limits::default()
        },
    };
    defines
        .global("counter", ty, 41)
        .table("objects", table)
        .tag("thrown", sig(1, 0));
    let mut uses = Source::new();
    uses.function("_start", sig(0, 1), |body| {
        body.global("counter", ty)
            .table_size("objects", table)
            .add();
    });
    uses.function("fails", sig(0, 0), |body| {
        body.i32(1).throw("thrown", sig(1, 0));
    });
    uses.flag("fails", SymbolFlags::EXPORTED);
    uses.function("indirect", sig(0, 0), |body| {
        body.i32(1).call_indirect(sig(0, 0));
    });
    uses.flag("indirect", SymbolFlags::EXPORTED);
    uses.features(&["+mutable-globals"]);
    in_two_steps(
        &[("uses.o", &uses), ("defines.o", &defines)],
        &["", "--export-all", "--no-gc-sections", "--import-table"],
    );
}

#[test]
fn addresses_of_64_bits() {
    let mut main = Source::wasm64();
    main.function("_start", sig(0, 0), |body| {
        body.call("other", sig(0, 0));
    });
    let mut other = Source::wasm64();
    other.function("other", sig(0, 0), |_| {});
    other.data("pointer", ".data.pointer", [0; 8]);
    other.points(0, RelocType::MemoryAddrI64, "pointer", 8);
    in_two_steps(
        &[("main.o", &main), ("other.o", &other)],
        &[
            "-mwasm64",
            "-mwasm64 --export-all",
            "-mwasm64 --no-gc-sections",
        ],
    );
}

#[test]
fn position_independent_code() {
    let mut main = Source::new();
    main.function("f", sig(0, 1), |body| {
        body.got("x").load().got_of_function("g", sig(0, 0)).add();
        body.slot("h", sig(0, 0)).add();
    });
    main.function("h", sig(0, 0), |_| {}).hidden("h");
    let mut other = Source::new();
    other.data("x", ".data.x", [0; 4]);
    other.points(0, RelocType::TableIndexI32, "g", 0);
    other.function("g", sig(0, 0), |_| {});
    in_two_steps(
        &[("main.o", &main), ("other.o", &other)],
        &[
            "-shared --export-dynamic",
            "-shared --export-dynamic -Bsymbolic",
            "-pie --no-entry --export-dynamic",
            "-pie --no-entry --export-dynamic --extra-features=extended-const",
            "--no-entry --export=f",
        ],
    );
}

#[test]
fn an_object_file_as_text() {
    let mut main = Source::new();
    main.function("_start", sig(0, 0), |body| {
        body.call("missing", sig(0, 0)).address("x", 4).drop();
    });
    main.data("x", ".data.x", [1; 8]);
    insta::assert_snapshot!(print(&job(&[("main.o", &main)], "-r").module()));
}

/// What two references say of a symbol, one after the other, becomes what `rust-lld` makes of it.
#[test]
fn references_agree_on_flags() {
    let flags = [
        SymbolFlags(0),
        SymbolFlags::BINDING_WEAK,
        SymbolFlags::VISIBILITY_HIDDEN,
        SymbolFlags::BINDING_WEAK | SymbolFlags::VISIBILITY_HIDDEN,
        SymbolFlags::NO_STRIP,
        SymbolFlags::BINDING_WEAK | SymbolFlags::NO_STRIP,
        SymbolFlags::EXPORTED,
        SymbolFlags::BINDING_WEAK | SymbolFlags::EXPORTED,
    ];
    let user = |name: &'static str, flags: SymbolFlags| {
        let mut source = Source::new();
        source.function(name, sig(0, 0), |body| {
            body.address("x", 0).drop().call("f", sig(0, 0));
        });
        source.flag("x", flags).flag("f", flags);
        source
    };
    for first in flags {
        for second in flags {
            let objects = [
                ("one.o", &user("one", first)),
                ("two.o", &user("two", second)),
            ];
            job(&objects, "-r").module();
        }
    }
}

#[test]
fn the_first_reference_says_whether_an_import_is_named_apart() {
    let caller = |name: &'static str| {
        let mut source = Source::new();
        source.function(name, sig(0, 0), |body| {
            body.call("f", sig(0, 0));
        });
        source
    };
    let (plain, mut apart) = (caller("plain"), caller("apart"));
    apart.import("f", "env", "f");
    let objects = [("plain.o", &plain), ("apart.o", &apart)];
    job(&objects, "-r").module();
    let [plain, apart] = objects;
    job(&[apart, plain], "-r").module();
}

/// LLVM's tools read them where they lie; zeros are in between.
#[test]
fn records_of_coverage_are_aligned_and_other_sections_are_not() {
    for (name, contents) in [
        ("__llvm_covfun", &[1, 2, 0, 0, 0, 0, 0, 0, 1, 2][..]),
        ("__llvm_covmap", &[1, 2, 0, 0, 0, 0, 0, 0, 1, 2]),
        ("note", &[1, 2, 1, 2]),
    ] {
        let mut source = Source::new();
        source.custom(name, [1, 2]);
        let objects = [("one.o", &source), ("two.o", &source)];
        for args in ["--no-entry", "-r"] {
            let module = job(&objects, args).module();
            let found = module
                .windows(name.len() + contents.len())
                .any(|window| window == [name.as_bytes(), contents].concat());
            assert!(found, "{name} {args}");
        }
    }
}

/// An object file has a symbol for each of its tables: a definition that gave way to another
/// one is not in it.
#[test]
fn tables_that_are_defined_several_times() {
    let table = |element| TableType {
        element,
        limits: wasm_format::Limits {
            min: 1,
            ..wasm_format::Limits::default()
        },
    };
    let funcref = table(RefType::FUNCREF);
    let file = |by: &'static str, weak| {
        let mut source = Source::new();
        source.table("__funcref_call_table", funcref);
        if weak {
            source.weak("__funcref_call_table");
        }
        source.function(by, sig(0, 1), move |body| {
            body.table_size("__funcref_call_table", funcref);
        });
        source.flag(by, SymbolFlags::EXPORTED);
        source
    };
    let (mut one, two, strong) = (file("one", true), file("two", true), file("strong", false));
    // A table of the file's own stays.
    let objects = table(RefType::EXTERNREF);
    one.table("objects", objects).local("objects");
    one.function("_start", sig(0, 1), |body| {
        body.table_size("objects", objects);
    });
    let lines = ["", "--export-all", "--emit-relocs"];
    let module = in_two_steps(&[("one.o", &one), ("two.o", &two)], &lines);
    assert_eq!(print(&module).matches("(table").count(), 2);
    in_two_steps(&[("one.o", &one), ("strong.o", &strong)], &lines);
    in_two_steps(
        &[("strong.o", &strong), ("one.o", &one), ("two.o", &two)],
        &lines,
    );
    // What --emit-relocs writes says as much of its tables.
    for args in ["--no-gc-sections --emit-relocs", "--emit-relocs"] {
        let module = alone(&job(&[("one.o", &one), ("two.o", &two)], args));
        assert_eq!(print(&module).matches("(table").count(), 2, "{args}");
    }
}

/// Globals and tags need no symbols, so that a definition that gave way may stay.
#[test]
fn globals_and_tags_that_are_defined_several_times() {
    let ty = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Const,
    };
    let file = |by: &'static str, value| {
        let mut source = Source::new();
        source.global("level", ty, value).weak("level");
        source.tag("thrown", sig(0, 0)).weak("thrown");
        source.function(by, sig(0, 1), |body| {
            body.global("level", ty).throw("thrown", sig(0, 0));
        });
        source.flag(by, SymbolFlags::EXPORTED);
        source
    };
    let (mut one, two) = (file("one", 1), file("two", 2));
    one.start(&[]);
    let objects: &Objects<'_> = &[("one.o", &one), ("two.o", &two)];
    for args in ["", "--export-all"] {
        let all = Job::new()
            .file("all.o", combined(objects, ""))
            .args("all.o");
        assert!(
            alone(&all.args(args)) == alone(&job(objects, args)),
            "{args}"
        );
    }
}

/// `X` is known from the index of an archive alone: it has no type, and nothing calls it.
#[test]
fn wrapping_what_only_an_archive_defines() {
    let mut plain = Source::new();
    plain.function("_start", sig(0, 0), |_| {});
    let mut caller = Source::new();
    caller.function("_start", sig(0, 1), |body| {
        body.i32(1).call("__real_x", sig(1, 1));
    });
    let mut x = Source::new();
    x.function("x", sig(1, 1), |body| {
        body.param(0).i32(2).add();
    });
    let mut wrapper = Source::new();
    wrapper.function("__wrap_x", sig(1, 1), |body| {
        body.param(0).call("__real_x", sig(1, 1)).i32(10).mul();
    });
    let link = |source: &Source, archives: &[(&str, &str, &Source)], args: &str| {
        let job = Job::new().object("a.o", source);
        let job = archives.iter().fold(job, |job, (name, member, source)| {
            job.archive(name, &[(member, source)])
        });
        alone(&job.args("--wrap=x").args(args))
    };
    let (libx, libwrap) = (("libx.a", "x.o", &x), ("libwrap.a", "wrapper.o", &wrapper));
    let object = print(&link(&plain, &[libx], "-r"));
    assert!(
        !object.contains("__wrap_x") && !object.contains("import"),
        "{object}"
    );
    // `__real_x` is `x`, and needs its definition as much.
    for archives in [&[libx][..], &[libwrap, libx], &[libx, libwrap]] {
        assert_eq!(run(&link(&caller, archives, ""), "_start"), 3);
        let object = link(&caller, archives, "-r");
        assert!(!print(&object).contains("import \"env\" \"x\""));
        let again = Job::new().file("all.o", object).args("all.o");
        assert_eq!(run(&alone(&again), "_start"), 3);
    }
    let mut uses = Source::new();
    uses.function("_start", sig(0, 1), |body| {
        body.i32(1).call("x", sig(1, 1));
    });
    let object = link(&uses, &[libwrap, libx], "-r");
    let again = Job::new().file("all.o", object).args("all.o");
    assert_eq!(run(&alone(&again), "_start"), 30);
    // What wraps it is imported with its type.
    let object = print(&link(&uses, &[libx], "-r"));
    assert!(
        object.contains("(import \"env\" \"__wrap_x\" (func $__wrap_x (;0;) (type 0) "),
        "{object}"
    );
    assert!(
        object.contains("(type (;0;) (func (param i32) (result i32)))"),
        "{object}"
    );
}

/// A global's wrapper is imported with the global's type.
#[test]
fn wrapped_globals_keep_their_type() {
    let ty = GlobalType {
        value: ValType::I64,
        mutability: Mutability::Var,
    };
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.global("level", ty).drop();
    });
    let object = print(&alone(&job(&[("a.o", &source)], "-r --wrap=level")));
    assert!(
        object.contains("(import \"env\" \"__wrap_level\" (global") && object.contains("(mut i64)"),
        "{object}"
    );
}
