//! What no module may have is an error, and what is valid but more than engines take a
//! warning that names the function or the table.

use std::fmt::Write;

use link_core::{Env, link};
use wasm_format::linking::SymbolFlags;
use wasm_format::{
    ConstExpr, ConstOp as Op, EntityType, FuncType, Global, GlobalType, HeapType, Limits,
    Mutability, RefType, SectionId, TableType, ValType,
};

use crate::common::source::{Source, sig};
use crate::common::{ObjectFile, assemble, import};
use crate::support::Job;

/// The messages of a link whose output engines do not take, so that it is not validated, and the
/// output.
fn unchecked(job: &Job) -> (String, Vec<u8>) {
    let mut options = job.options();
    let files = job.memory_files();
    let mut linked = |threads| {
        options.threads = Some(threads);
        let env = Env {
            files: &files,
            ..Env::default()
        };
        let mut module = Vec::new();
        let linked = link(job.inputs(), &options, &env, &mut module);
        let linked = linked.unwrap_or_else(|error| panic!("{error}"));
        let messages = linked.diagnostics.iter().map(|all| format!("{all}\n"));
        (messages.collect::<String>(), module)
    };
    let done = linked(1);
    assert!(done == linked(3), "threads show");
    done
}

/// The messages of such a link, the output of which is the one of `rust-lld`.
fn warnings(job: &Job) -> String {
    let (messages, module) = unchecked(job);
    let Some(theirs) = job.by_rust_lld() else {
        return messages;
    };
    let theirs = theirs.expect("rust-lld links this");
    assert!(
        theirs == module,
        "rust-lld made something else for {:?}: {:?} and not {:?}",
        job.line(),
        &theirs[..theirs.len().min(300)],
        &module[..module.len().min(300)],
    );
    messages
}

/// An object with the function `_start`, the body of which is `body`.
fn start_with(body: &[u8]) -> Vec<u8> {
    let mut sections = Source::new().start(&[]).object().sections();
    for section in &mut sections {
        if section.id == SectionId::Code {
            section.body = vec![1];
            wasm_format::leb128::put_bytes(&mut section.body, body);
        }
    }
    assemble(&sections)
}

/// A table of functions.
fn table(min: u64, max: Option<u64>) -> TableType {
    TableType {
        element: RefType::FUNCREF,
        limits: Limits {
            min,
            max,
            ..Limits::default()
        },
    }
}

fn wide(params: usize, results: usize) -> FuncType {
    sig(params, results)
}

/// Everything that has a type with too many parameters or results.
fn wide_types() -> Job {
    let mut a = Source::new();
    a.function("_start", sig(0, 0), |body| {
        body.raw(&[0x00]).call("_Z3addii", wide(1001, 0));
        body.call("host", wide(0, 1001)).throw("tag", wide(1002, 0));
    });
    a.import("host", "host", "many");
    a.tag("tag", wide(1002, 0));
    let mut b = Source::new();
    b.function("_Z3addii", wide(1001, 0), |body| {
        body.raw(&[0x00]).call_indirect(wide(1000, 1003));
    });
    b.function("dead", wide(1004, 0), |_| {});
    let mut c = Source::new();
    c.function("indirect", sig(0, 0), |body| {
        body.raw(&[0x00]).call_indirect(wide(1000, 1003));
    });
    c.flag("indirect", SymbolFlags::NO_STRIP);
    Job::new()
        .object("a.o", &a)
        .object("b.o", &b)
        .object("c.o", &c)
}

#[test]
fn types_are_named_by_what_has_them() {
    insta::assert_snapshot!(warnings(&wide_types()));
    // The same where all functions are kept, in output that a loader places, and where
    // warnings are fatal.
    let kept = warnings(&wide_types().args("--no-gc-sections"));
    assert!(kept.contains("function dead has 1004 parameters"), "{kept}");
    for line in [
        "--fatal-warnings",
        "--no-demangle",
        "-shared --export-dynamic",
    ] {
        let messages = warnings(&wide_types().args(line));
        assert!(messages.contains("_Z3addii has") == (line == "--no-demangle"));
        assert!(messages.contains("1001 parameters"), "{line}: {messages}");
    }
    // As many as engines take.
    let mut source = Source::new();
    source.function("_start", wide(0, 0), |body| {
        body.raw(&[0x00]).call("f", wide(1000, 1000)).raw(&[0x00]);
    });
    source.function("f", wide(1000, 1000), |body| {
        body.raw(&[0x00]);
    });
    Job::new().object("a.o", &source).module();
}

/// What is linked again is not for engines yet.
#[test]
fn an_object_file_may_have_everything() {
    assert_eq!(unchecked(&wide_types().args("-r")).0, "");
}

#[test]
fn locals_are_counted_with_parameters() {
    // 40,000 and 10,001 numbers.
    let body = [2, 0xc0, 0xb8, 2, 0x7f, 0x91, 0xce, 0, 0x7e, 0x0b];
    let many = |body: &[u8]| Job::new().file("a.o", start_with(body)).args("a.o");
    insta::assert_snapshot!(warnings(&many(&body)));
    for line in [
        "--fatal-warnings",
        "-shared --export-dynamic",
        "--build-id=fast",
    ] {
        let messages = warnings(&many(&body).args(line));
        assert!(
            messages.contains("function _start has 50001"),
            "{line}: {messages}"
        );
    }
    let job = many(&body).args("--compress-relocations -s");
    assert!(warnings(&job).contains("50001"));
    // One fewer is as many as engines take.
    let body = [2, 0xc0, 0xb8, 2, 0x7f, 0x90, 0xce, 0, 0x7e, 0x0b];
    many(&body).module();
    let job = many(&[1, 0xd1, 0x86, 3, 0x7f, 0x0b]).args("-r");
    assert_eq!(unchecked(&job).0, "");
}

#[test]
fn large_bodies_are_named() {
    let with = |bytes: usize| {
        let mut source = Source::new();
        source.start(&["large"]);
        source.function("large", sig(0, 0), |body| {
            // The number of locals and `end` belong to it.
            body.raw(&vec![0x01; bytes - 2]);
        });
        Job::new().object("a.o", &source)
    };
    insta::assert_snapshot!(warnings(&with(7_654_322)));
    with(7_654_321).module();
}

#[test]
fn large_tables_are_named() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.table_size("own", table(10_000_001, None)).drop();
        body.table_size("other", table(10_000_002, None)).drop();
        body.table_size("small", table(10_000_000, None)).drop();
        body.pointer("_start", sig(0, 0)).call_indirect(sig(0, 0));
    });
    source.table("own", table(10_000_001, None));
    source.table("small", table(10_000_000, None));
    source.import("other", "env", "other");
    let job = Job::new()
        .object("a.o", &source)
        .args("--table-base=10000000");
    insta::assert_snapshot!(warnings(&job));
}

/// A page of one byte makes as many pages as 32 bits can number, which is one too few for
/// all addresses.
#[test]
fn a_memory_of_pages_of_one_byte_ends_one_byte_early() {
    let job = |line: &str| {
        let source = Source::new().start(&[]).clone();
        Job::new()
            .object("a.o", &source)
            .args("--page-size=1")
            .args(line)
    };
    let mut messages = String::new();
    for line in [
        "--initial-memory=4294967296",
        "--initial-memory=65536 --max-memory=4294967296",
        "--global-base=4294967296 --no-stack-first -zstack-size=0",
    ] {
        messages += &job(line).differs("the module is not valid").fails();
    }
    messages += &job("--initial-heap=4294967296").fails();
    insta::assert_snapshot!(messages);
    let text = job("--initial-memory=4294967295 --max-memory=4294967295").text();
    assert!(
        text.contains("(memory (;0;) 4294967295 4294967295 (pagesize 0x1))"),
        "{text}"
    );
    let text = job("--shared-memory --no-check-features --max-memory=4294967295 -pie").text();
    assert!(text.contains("4294967295 shared"), "{text}");
    // Pages of the usual size reach everything.
    let source = Source::new().start(&[]).clone();
    let job = Job::new().object("a.o", &source);
    let job = job.args("--initial-memory=4294967296 --max-memory=4294967296");
    assert!(job.text().contains("(memory (;0;) 65536 65536)"));
}

/// The stack comes first although the line does not say so.
#[test]
fn data_cannot_begin_inside_the_stack() {
    let job = |line: &str| {
        let source = Source::new().start(&[]).clone();
        Job::new().object("a.o", &source).args(line)
    };
    let mut messages = String::new();
    for line in [
        "--global-base=1024",
        "--global-base=1024 --stack-first -zstack-size=2048",
    ] {
        let ours = job(line).fails();
        // The note is ours.
        if let Some(theirs) = job(line).by_rust_lld() {
            let theirs = theirs.expect_err("rust-lld refuses it");
            let said = ours
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("error: "));
            assert!(theirs.contains(said.expect("an error")), "{theirs}");
        }
        messages += &ours;
    }
    insta::assert_snapshot!(messages);
    job("--global-base=1024 --no-stack-first").text();
    job("--global-base=65536").text();
}

/// An object whose `what` is invalid, and the message about it.
fn invalid(what: &str, object: &ObjectFile<'_>, messages: &mut String) {
    let job = Job::new()
        .file("a.o", object.build())
        .args("a.o --no-entry");
    let done = job.link_with(&job.options());
    assert!(done.outcome.is_err(), "{what}");
    write!(messages, "{what}: {}", done.messages()).expect("a string takes everything");
}

#[test]
fn objects_have_no_types_that_no_module_has() {
    let mut messages = String::new();
    let tables = [
        ("fewer at most", table(3, Some(2))),
        ("shared", {
            let mut ty = table(1, Some(2));
            ty.limits.shared = true;
            ty
        }),
        ("with pages", {
            let mut ty = table(1, Some(2));
            ty.limits.page_size_log2 = Some(0);
            ty
        }),
        ("never null", {
            let mut ty = table(1, Some(2));
            ty.element.nullable = false;
            ty
        }),
    ];
    for (what, ty) in tables {
        let mut source = Source::new();
        source.table("t", ty);
        invalid(what, &source.object(), &mut messages);
        if what != "never null" {
            let mut object = Source::new().object();
            object.imports.push(import("t", EntityType::Table(ty)));
            invalid(&format!("imported, {what}"), &object, &mut messages);
        }
    }
    let mut source = Source::new();
    source.tag("e", sig(1, 1));
    invalid("tag", &source.object(), &mut messages);
    let mut object = Source::new().object();
    object.types.push(sig(0, 1));
    object.imports.push(import("e", EntityType::Tag(0)));
    invalid("imported tag", &object, &mut messages);

    let global = |value, init| {
        let mut object = Source::new().object();
        let mutability = Mutability::Const;
        let ty = GlobalType { value, mutability };
        object.globals.push(Global { ty, init });
        object
    };
    let funcref = ValType::FUNCREF;
    let cases: [(&str, ValType, &'static [Op]); 6] = [
        ("number", ValType::I64, &[Op::I32Const(1)]),
        ("null", funcref, &[Op::RefNull(HeapType::Extern)]),
        (
            "two values",
            ValType::I32,
            &[Op::I32Const(1), Op::I32Const(1)],
        ),
        ("no value", ValType::I32, &[]),
        ("operand", ValType::I32, &[Op::I32Const(1), Op::I32Add]),
        ("reads a global", ValType::I32, &[Op::GlobalGet(0)]),
    ];
    for (what, ty, init) in cases {
        invalid(what, &global(ty, ConstExpr::new(init)), &mut messages);
    }
    insta::assert_snapshot!(messages);
}
