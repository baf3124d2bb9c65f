//! Position-independent output, shared libraries, and executables that leave some of their
//! symbols to a loader.

use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Mutability, ValType};

use crate::common::source::{Source, sig};
use crate::support::{Job, print};

const SHARED: &str = "-shared";
const IMPORT: &str = "--unresolved-symbols=import-dynamic";

/// Functions `f` and `address`, which returns where `f` is.
fn address_of_function() -> Source {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |_| {});
    source.function("address", sig(0, 1), |body| {
        body.got_of_function("f", sig(0, 0));
    });
    source
}

/// `_start` calls `f`, and looks at the addresses of `f` and `x`, as does data.
fn user() -> Source {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 0));
        body.got_of_function("f", sig(0, 0)).drop();
        body.got("x").drop().address("table", 0).drop();
    });
    source.data("table", ".data.table", [0; 8]);
    source.points(0, RelocType::TableIndexI32, "f", 0);
    source.points(4, RelocType::MemoryAddrI32, "x", 4);
    source
}

/// A library of `f` and `x`.
fn library() -> Vec<u8> {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |_| {});
    source.data("x", ".data.x", [1; 8]);
    Job::new()
        .object("lib.o", &source)
        .args(SHARED)
        .args("--export-dynamic")
        .module()
}

#[test]
fn a_shared_library_is_entered_at_its_constructors() {
    let mut source = Source::new();
    source.function("construct", sig(0, 0), |_| {});
    source.init(1, "construct");
    let job = || {
        Job::new()
            .object("a.o", &source)
            .args(SHARED)
            .args("--export-dynamic")
    };
    insta::assert_snapshot!(print(&job().module()));
    for entry in ["--no-entry", "--entry=construct"] {
        assert!(!print(&job().args(entry).module()).contains("(export \"__wasm_call_ctors\""));
    }
}

#[test]
fn the_table_is_imported_first_where_objects_use_it() {
    let source = address_of_function();
    let tables = |args: &str| {
        let job = Job::new().object("a.o", &source).args(SHARED).args(args);
        let module = print(&job.module());
        let mut imports = module.lines().filter(|line| line.contains("(import"));
        imports.position(|line| line.contains("__indirect_function_table"))
    };
    // The linker alone uses it, for what it knows itself.
    assert_eq!(tables("--export-dynamic -Bsymbolic"), Some(3));
    assert_eq!(tables("--export-dynamic"), None);
}

/// A loader looks there for what it is to tell the library of itself.
#[test]
fn what_a_library_has_in_the_got_is_exported() {
    let mut source = address_of_function();
    source.data("x", ".data.x", [1; 8]);
    source.data("y", ".data.y", [1; 8]);
    source.function("address_of_x", sig(0, 1), |body| {
        body.got("x");
    });
    let exports = |args: &str| {
        let job = Job::new().object("a.o", &source).args(SHARED).args(args);
        let module = print(&job.module());
        let exports = module.lines().filter(|line| line.contains("(export"));
        let names = exports.map(|line| line.split('"').nth(1).expect("a name").to_owned());
        names.collect::<Vec<_>>()
    };
    let used = "--no-export-dynamic --export=address --export=address_of_x";
    assert_eq!(
        exports(used),
        ["__wasm_call_ctors", "f", "address", "x", "address_of_x"]
    );
    assert_eq!(
        exports(&format!("{used} -Bsymbolic")),
        ["__wasm_call_ctors", "address", "address_of_x"]
    );
}

/// The definition that a loader chooses is for this library, too: it is imported and exported,
/// also in the table, but only where something needs one.
#[test]
fn weak_definitions_of_a_library_are_offered_if_something_needs_them() {
    let mut source = address_of_function();
    source.weak("f");
    source.function("unused", sig(0, 0), |_| {});
    source.weak("unused");
    for (args, slots) in [("", 0), ("-Bsymbolic", 1)] {
        let job = Job::new()
            .object("a.o", &source)
            .args(SHARED)
            .args("--no-export-dynamic --export=address")
            .args(args);
        let module = print(&job.module());
        assert!(module.contains("(export \"f\""), "{module}");
        assert!(module.contains("(import \"env\" \"f\""), "{module}");
        assert!(!module.contains("unused"), "{module}");
        // Of two functions named `f`, the import is the first.
        let slot = "(elem (;0;) (global.get $__table_base) func $f)";
        assert_eq!(module.matches(slot).count(), slots, "{module}");
    }
}

#[test]
fn an_executable_leaves_symbols_to_a_loader() {
    let job = Job::new().object("a.o", &user()).args(IMPORT);
    insta::assert_snapshot!(print(&job.module()));
}

#[test]
fn an_executable_needs_a_shared_library() {
    for kind in ["-Bdynamic", "-pie --no-entry --export=_start"] {
        let mut source = user();
        if kind.contains("pie") {
            // Where data lies is not known.
            source = Source::new();
            source.function("_start", sig(0, 0), |body| {
                body.call("f", sig(0, 0)).got("x").drop();
            });
        }
        let job = Job::new()
            .args(kind)
            .object("a.o", &source)
            .file("lib.so", library())
            .args("lib.so");
        let module = job.module();
        let section =
            wasmparser::Parser::new(0)
                .parse_all(&module)
                .find_map(|payload| match payload.expect("a valid module") {
                    wasmparser::Payload::CustomSection(section) => Some(section),
                    _ => None,
                });
        let section = section.expect("a dylink.0 section");
        assert_eq!(section.name(), "dylink.0");
        assert!(section.data().windows(6).any(|name| name == b"lib.so"));
    }
}

#[test]
fn signatures_of_shared_libraries_are_checked_unless_told_otherwise() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.i32(1).call("f", sig(1, 1)).drop();
    });
    for order in ["a.o lib.so", "lib.so a.o"] {
        let job = || {
            Job::new()
                .args("-Bdynamic")
                .file("a.o", source.build())
                .file("lib.so", library())
                .args(order)
        };
        assert!(
            job()
                .fails()
                .starts_with("error: function signature mismatch: f")
        );
        let module = print(&job().args("--no-shlib-sigcheck").module());
        assert!(module.contains("(type (;0;) (func (param i32) (result i32)))"));
    }
}

#[test]
fn a_base_may_be_declared_as_a_variable() {
    let mut source = Source::new();
    let base = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Var,
    };
    source.function("where", sig(0, 1), |body| {
        body.global("__memory_base", base);
    });
    let job = Job::new()
        .object("a.o", &source)
        .args(SHARED)
        .args("--export-dynamic");
    assert!(print(&job.module()).contains("\"__memory_base\" (global $__memory_base (;0;) i32)"));
    // Without a loader it is a number.
    let job = Job::new()
        .object("a.o", &source)
        .args("--no-entry --export=where");
    assert_eq!(job.run("where"), 0);
}

#[test]
fn a_slot_needs_a_function() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.slot("missing", sig(0, 0)).drop();
    });
    insta::assert_snapshot!(
        Job::new()
            .object("a.o", &source)
            .args("--import-undefined")
            .fails()
    );
}

#[test]
fn thread_local_means_in_thread_local_storage() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.tls_offset("shared")
            .drop()
            .tls_offset("missing")
            .drop()
            .tls_offset("__heap_base")
            .drop();
    });
    source.data("shared", ".rodata.shared", [1; 4]);
    source.features(&["+atomics", "+bulk-memory"]);
    let job = Job::new().object("a.o", &source).args("--shared-memory");
    insta::assert_snapshot!(job.fails());
}

#[test]
fn a_shared_memory_of_no_size_has_a_maximum() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |_| {});
    let job = Job::new()
        .object("a.o", &source)
        .args("--shared-memory -zstack-size=0 --no-check-features");
    assert!(print(&job.module()).contains("(memory (;0;) 0 0 shared)"));
}

#[test]
fn memory_of_a_library_that_has_no_data() {
    let mut source = Source::new();
    source.function("f", sig(1, 1), |body| {
        body.param(0);
    });
    let job = Job::new()
        .object("a.o", &source)
        .args(SHARED)
        .args("--no-growable-memory --export-dynamic");
    assert!(print(&job.module()).contains("(memory (;0;) 0)"));
}

#[test]
fn constants_are_extended_only_where_they_have_to_be() {
    let mut source = Source::new();
    source.data("first", ".data.first", [1; 4]);
    source.data("second", ".data.second", [2; 4]);
    source.function("addresses", sig(0, 2), |body| {
        body.got("first").got("second");
    });
    let job = Job::new()
        .object("a.o", &source)
        .args("-pie --no-entry --export-dynamic")
        .args("--extra-features=extended-const");
    insta::assert_snapshot!(print(&job.module()));
}

#[test]
fn wrapped_names_of_an_object() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 0));
    });
    source.import("f", "host", "called_f");
    let job = Job::new().object("a.o", &source).args("-r --wrap=f");
    insta::assert_snapshot!(print(&job.module()));
}

#[test]
fn a_definition_that_gives_way_to_a_library_is_not_imported_unless_used() {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |_| {}).weak("f");
    source.function("g", sig(0, 0), |_| {});
    for order in ["lib.so a.o", "a.o lib.so"] {
        for kind in [SHARED, "-pie --no-entry"] {
            let job = Job::new()
                .args(kind)
                .file("a.o", source.build())
                .file("lib.so", library())
                .args(order)
                .args("--export-dynamic");
            let imported = print(&job.module()).contains("(import \"env\" \"f\"");
            // A weak definition of a library gives way to that of a module loaded before.
            assert_eq!(imported, order == "a.o lib.so" && kind == SHARED);
        }
    }
}

#[test]
fn tags_of_libraries_are_imported() {
    let mut library = Source::new();
    library.tag("e", sig(1, 0));
    let library = Job::new()
        .object("e.o", &library)
        .args(SHARED)
        .args("--export-dynamic")
        .module();
    let throws = |params| {
        let mut source = Source::new();
        source.function("_start", sig(0, 0), |body| {
            for _ in 0..params {
                body.i32(1);
            }
            body.throw("e", sig(params, 0));
        });
        source.build()
    };
    let job = |params, order: &str| {
        Job::new()
            .file("a.o", throws(params))
            .file("lib.so", &library[..])
            .args(order)
            .args("-pie")
    };
    for order in ["a.o lib.so", "lib.so a.o"] {
        let module = print(&job(1, order).module());
        assert!(module.contains("(import \"env\" \"e\" (tag"), "{module}");
        assert!(module.contains("lib.so"), "{module}");
    }
    insta::assert_snapshot!(job(2, "a.o lib.so").fails());
}

#[test]
fn who_disagrees_with_a_library_is_told_its_name() {
    for order in ["a.o lib.so", "lib.so a.o"] {
        let mut source = Source::new();
        source.function("_start", sig(0, 0), |body| {
            body.i32(1).call("f", sig(1, 0));
        });
        let job = Job::new()
            .file("a.o", source.build())
            .file("lib.so", library())
            .args(order)
            .args("-pie");
        insta::assert_snapshot!(job.fails());
    }
}
