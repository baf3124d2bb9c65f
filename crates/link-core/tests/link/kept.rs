//! `--undefined`: what it names is linked and kept, although nothing refers to it.

use wasm_format::linking::SymbolFlags;
use wasm_format::{GlobalType, Limits, Mutability, RefType, TableType, ValType};

use crate::common::source::{Source, sig};
use crate::support::{Done, Job, print, run};

const DROPPED: &str = "rust-lld drops what it pulled";

/// Links without asking what `rust-lld` makes of it.
fn link(job: &Job) -> Done {
    let done = job.link_with(&job.options());
    assert_eq!(done.messages(), "");
    done
}

/// A module that registers itself: its constructor writes to `registry` of [`registry()`].
fn plugin() -> Source {
    let mut source = Source::new();
    source
        .constant("plugin", 1)
        .function("register", sig(0, 0), |body| {
            body.address("registry", 0).i32(42).store();
        })
        .local("register")
        .init(0, "register")
        .constant("unrelated", 2);
    source
}

fn registry() -> Source {
    let mut source = Source::new();
    source
        .data("registry", ".data.registry", [0; 4])
        .align(2)
        .function("registered", sig(0, 1), |body| {
            body.address("registry", 0).load();
        })
        .flag("registered", SymbolFlags::EXPORTED);
    source
}

#[test]
fn a_pulled_member_and_its_constructors_are_kept() {
    let job = || {
        Job::new()
            .object("registry.o", &registry())
            .archive("libplugin.a", &[("plugin.o", &plugin())])
            .args("--no-entry")
    };
    assert_eq!(job().run("registered"), 0);
    let kept = job().args("--undefined=plugin").differs(DROPPED);
    assert_eq!(kept.run("registered"), 42);
    insta::assert_snapshot!(kept.text());
    // Before the archive it is all the same, and between `--start-lib` and `--end-lib`.
    let first = Job::new()
        .args("--undefined=plugin --no-entry")
        .object("registry.o", &registry())
        .args("--start-lib")
        .object("plugin.o", &plugin())
        .args("--end-lib")
        .differs(DROPPED);
    assert_eq!(first.run("registered"), 42);
}

#[test]
fn it_is_kept_in_every_mode() {
    for mode in [
        "--no-entry",
        "--no-entry --emit-relocs",
        "--no-entry --export-dynamic",
        "--no-entry --shared-memory --max-memory=131072 --no-check-features",
        "-shared",
        "-pie --no-entry",
        "-r",
    ] {
        let library = |undefined: &[&str]| {
            let mut source = Source::new();
            source.constant("wanted", 7).hidden("wanted");
            source.constant("dead", 8).hidden("dead");
            let job = Job::new().archive("liba.a", &[("a.o", &source)]).args(mode);
            // Arguments cannot say it beside `-r`.
            let mut options = job.options();
            options.undefined = undefined.iter().map(ToString::to_string).collect();
            let done = job.link_with(&options);
            assert_eq!(done.messages(), "");
            print(&done.module)
        };
        assert!(!library(&[]).contains("$wanted"), "{mode}");
        let module = library(&["wanted"]);
        assert!(module.contains("(func $wanted"), "{mode}: {module}");
        // It is kept, not exported; an object file keeps everything.
        assert!(!module.contains("(export \"wanted\""), "{mode}: {module}");
        let rest = module.contains("(func $dead");
        assert_eq!(rest, mode == "-r", "{mode}: {module}");
    }
}

/// An archive is not needed for that.
#[test]
fn everything_that_objects_define_can_be_kept() {
    let global = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Const,
    };
    let table = TableType {
        element: RefType::EXTERNREF,
        limits: Limits::default(),
    };
    let mut source = Source::new();
    source
        .start(&[])
        .function("function", sig(0, 0), |body| {
            body.call("needed", sig(0, 1)).drop();
        })
        .constant("needed", 1)
        .data("data", ".data.data", *b"data")
        .data("rest", ".data.rest", *b"rest")
        .global("global", global, 3)
        .table("table", table)
        .tag("tag", sig(1, 0))
        .absolute("absolute", 7);
    let job = Job::new()
        .object("a.o", &source)
        .args("--undefined=function --undefined=data --undefined=global")
        .args("--undefined=table --undefined=tag --undefined=absolute")
        .differs(DROPPED);
    insta::assert_snapshot!(job.text());
}

#[test]
fn the_linkers_own_symbols_can_be_kept() {
    let mut source = Source::new();
    source.start(&[]).function("dead", sig(0, 0), |body| {
        body.address("__heap_base", 0)
            .drop()
            .i32(0)
            .call_indirect(sig(0, 0));
    });
    let job = |undefined: &str| {
        Job::new()
            .object("a.o", &source)
            .args(undefined)
            .differs(DROPPED)
    };
    let ctors = print(&job("--undefined=__wasm_call_ctors").module());
    assert!(ctors.contains("(func $__wasm_call_ctors"), "{ctors}");
    let table = print(&job("--undefined=__indirect_function_table").module());
    assert!(table.contains("(table"), "{table}");
    let threads = "--undefined=__tls_base --shared-memory --max-memory=131072 --no-check-features";
    let tls = print(&job(threads).module());
    assert!(tls.contains("(global $__tls_base"), "{tls}");
    let stack = print(&job("--undefined=__stack_pointer").module());
    assert!(stack.contains("(global $__stack_pointer"), "{stack}");
    for nothing_to_keep in ["__heap_base", "__data_end"] {
        let job = Job::new().object("a.o", &source);
        let job = job.args(&format!("--undefined={nothing_to_keep}"));
        assert_eq!(job.module(), Job::new().object("a.o", &source).module());
    }
}

/// What nothing defines is neither imported nor missed.
#[test]
fn what_is_undefined_stays_out() {
    let mut source = Source::new();
    source
        .start(&[])
        .function("dead", sig(0, 0), |body| {
            body.call("missing", sig(0, 0)).call("named", sig(0, 0));
        })
        .import("named", "host", "named");
    let job = |args: &str| {
        let done = link(&Job::new().object("a.o", &source).args(args));
        print(&done.module)
    };
    for mode in ["", "--import-undefined", "-pie"] {
        let undefined = format!("{mode} --undefined=missing --undefined=named --undefined=unheard");
        assert_eq!(job(&undefined), job(mode), "{mode}");
    }
    // Nor what a shared library defines.
    let mut provider = Source::new();
    provider.constant("shared", 1);
    let library = link(
        &Job::new()
            .object("provider.o", &provider)
            .args("-shared --export-dynamic"),
    );
    let user = |args: &str| {
        let job = Job::new()
            .file("libshared.so", library.module.clone())
            .object("a.o", &source)
            .args("-pie -Bdynamic libshared.so")
            .args(args);
        print(&link(&job).module)
    };
    assert_eq!(user("--undefined=shared"), user(""));
}

/// A weak reference does not pull a member, the option does; the definition is kept under its
/// name, whatever references are led elsewhere.
#[test]
fn weak_references_signatures_and_wrappers() {
    let mut source = Source::new();
    source
        .function("_start", sig(0, 1), |body| {
            body.call("f", sig(0, 1));
        })
        .weak("f");
    let mut member = Source::new();
    member.constant("f", 5);
    let weak = || {
        Job::new()
            .object("a.o", &source)
            .archive("libf.a", &[("f.o", &member)])
            .args("--undefined=f")
    };
    assert_eq!(weak().run("_start"), 5);
    let mut wrapper = Source::new();
    wrapper.constant("__wrap_f", 6);
    let wrapped = weak()
        .object("wrapper.o", &wrapper)
        .args("--wrap=f")
        .differs(DROPPED);
    let module = wrapped.module();
    assert_eq!(run(&module, "_start"), 6);
    assert!(print(&module).contains("(func $f"), "{}", print(&module));

    let mut caller = Source::new();
    caller.start(&[]).function("dead", sig(0, 0), |body| {
        body.i32(0).call("f", sig(1, 1)).drop();
    });
    let mismatch = Job::new()
        .object("caller.o", &caller)
        .object("f.o", &member)
        .args("--undefined=f");
    let done = mismatch.link_with(&mismatch.options());
    let module = print(&done.module);
    assert!(module.contains("(func $f"), "{module}");
    assert!(!module.contains("signature_mismatch"), "{module}");
}
