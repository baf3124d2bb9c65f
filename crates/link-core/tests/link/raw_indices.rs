//! Objects whose code has indices without relocations, as assemblers write them: using one is
//! an error, since it means something else in the output.

use std::fmt::Write;

use link_core::{Env, FileData, Input, Inputs, Options, link};
use wasm_format::linking::SymbolFlags;
use wasm_format::{
    ConstExpr, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Export,
    ExternalKind, HeapType, Limits, RefType, SectionId, TableType, ValType, leb128::put_u32,
};

use crate::common::source::{Source, sig};
use crate::common::{RawSection, assemble};
use crate::support::{Job, calls_table_0, print};

/// A function of this code. It is not in a compiler's object, which says what made it.
fn of_code(code: &[u8]) -> Source {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.raw(code);
    });
    source
}

/// The messages of a link with these options, which makes no output.
fn errors(object: &[u8], args: &str) -> String {
    let job = Job::new().file("a.o", object).args("a.o").args(args);
    let done = job.link_with(&job.options());
    assert!(done.outcome.is_err(), "{args}: {}", done.messages());
    done.messages()
}

/// Puts a section before the first one that has to follow it, as no relocation names one.
fn with(source: &Source, id: SectionId, body: Vec<u8>) -> Vec<u8> {
    let mut sections = source.object().sections();
    let follows =
        |section: &RawSection| section.id.rank() > id.rank() || section.id == SectionId::Custom;
    let place = sections.iter().position(follows);
    sections.insert(place.expect("a linking section"), RawSection { id, body });
    assemble(&sections)
}

fn with_data(source: &Source, mode: DataMode<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    put_u32(&mut body, 1);
    let bytes = b"bytes";
    DataSegment { mode, bytes }.encode(&mut body);
    with(source, SectionId::Data, body)
}

fn with_elements(source: &Source, mode: ElementMode<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    put_u32(&mut body, 1);
    let items = ElementItems::Functions(&[0]);
    ElementSegment { mode, items }.encode(&mut body);
    with(source, SectionId::Element, body)
}

/// Every instruction that has an index, and the places where types have one.
#[test]
fn an_error_for_each_index() {
    let codes: &[(&str, &[u8])] = &[
        ("call", &[0x10, 0]),
        ("return_call", &[0x12, 0]),
        ("ref.func", &[0xd2, 0, 0x1a]),
        (
            "call_indirect",
            &[0x41, 0, 0x11, 0, 0x80, 0x80, 0x80, 0x80, 0],
        ),
        ("return_call_indirect", &[0x41, 0, 0x13, 0, 0]),
        ("call_ref", &[0xd0, 0x70, 0x14, 0]),
        ("return_call_ref", &[0xd0, 0x70, 0x15, 0]),
        ("block", &[0x02, 0, 0x0b]),
        (
            "block of a reference",
            &[0x02, 0x63, 0, 0xd0, 0x73, 0x0b, 0x1a],
        ),
        ("loop", &[0x03, 0, 0x0b]),
        ("if", &[0x41, 0, 0x04, 0, 0x0b]),
        ("try", &[0x06, 0, 0x0b]),
        ("try_table", &[0x1f, 0, 0, 0x0b]),
        ("select", &[0x1c, 1, 0x63, 0]),
        ("ref.null", &[0xd0, 0, 0x1a]),
        ("br_on_cast", &[0xfb, 24, 3, 0, 0, 0]),
        ("struct.new", &[0xfb, 0, 0]),
        ("array.copy", &[0xfb, 17, 0, 0]),
        ("global.get", &[0x23, 0, 0x1a]),
        ("global.set", &[0x41, 0, 0x24, 0]),
        ("table.get", &[0x41, 0, 0x25, 0, 0x1a]),
        ("table.set", &[0x41, 0, 0xd0, 0x70, 0x26, 0]),
        ("table.size", &[0xfc, 16, 0, 0x1a]),
        ("table.grow", &[0xd0, 0x70, 0x41, 0, 0xfc, 15, 0, 0x1a]),
        ("table.fill", &[0xfc, 17, 0]),
        ("table.copy", &[0xfc, 14, 0, 0]),
        ("throw", &[0x08, 0]),
        ("catch", &[0x06, 0x40, 0x07, 0, 0x0b]),
        ("catch of try_table", &[0x1f, 0x40, 1, 0, 0, 0, 0x0b]),
        ("memory.init", &[0xfc, 8, 0, 0]),
        ("data.drop", &[0xfc, 9, 0]),
        ("array.new_data", &[0xfb, 9, 0, 0]),
        ("array.init_data", &[0xfb, 18, 0, 0]),
        ("table.init", &[0xfc, 12, 0, 0]),
        ("elem.drop", &[0xfc, 13, 0]),
        ("array.new_elem", &[0xfb, 10, 0, 0]),
        ("array.init_elem", &[0xfb, 19, 0, 0]),
        ("memory.size", &[0x3f, 1, 0x1a]),
        ("memory.copy", &[0xfc, 10, 0, 1]),
        ("i32.load", &[0x41, 0, 0x28, 0x42, 1, 0, 0x1a]),
        ("v128.load", &[0x41, 0, 0xfd, 0, 0x44, 1, 0, 0x1a]),
        ("i32.atomic.load", &[0x41, 0, 0xfe, 16, 0x42, 1, 0, 0x1a]),
    ];
    let mut all = String::new();
    for (what, code) in codes {
        writeln!(all, "{what}\n{}", errors(&of_code(code).build(), ""))
            .expect("a string takes everything");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn an_index_in_the_type_of_a_local() {
    let mut object = of_code(&[]).object();
    let ty = RefType {
        nullable: true,
        heap: HeapType::Concrete(0),
    };
    object.functions[0].locals.push((1, ValType::Ref(ty)));
    insta::assert_snapshot!(errors(&object.build(), ""));
}

/// A function without a symbol goes by its name in other sections, or its place.
#[test]
fn functions_without_symbols() {
    let mut object = of_code(&[0xfc, 9, 0]).object();
    object.symbols.clear();
    let mut messages = errors(&object.build(), "-r");
    object.exports.push(Export {
        name: "exported",
        kind: ExternalKind::Func,
        index: 0,
    });
    messages += &errors(&object.build(), "-r");
    object.function_names = Some(vec![(0, "named")]);
    messages += &errors(&object.build(), "-r");
    insta::assert_snapshot!(messages);
}

/// One error for an object and index space, however many places there are.
#[test]
fn the_first_of_each_index_space() {
    let mut source = of_code(&[0x10, 0, 0x10, 0, 0x23, 0, 0x1a]);
    source.function("other", sig(0, 0), |body| {
        body.raw(&[0x10, 1, 0x08, 0]);
    });
    source.flag("other", SymbolFlags::NO_STRIP);
    insta::assert_snapshot!(errors(&source.build(), ""));
}

/// A relocation adjusts the index of its own instruction, and no other.
#[test]
fn a_relocation_adjusts_one_index() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 0)).raw(&[0x10, 0]);
    });
    source.function("f", sig(0, 0), |_| {});
    let messages = errors(&source.build(), "");
    assert!(
        messages.contains("`call` in function `_start` refers to function 0"),
        "{messages}"
    );
    // That of an instruction which needs none is not left for the next one.
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 0));
    });
    source.function("f", sig(0, 0), |_| {});
    let mut object = source.object();
    // The relocation patches the number of `i32.const`, which `call` follows.
    let code = &mut object.functions[0].code;
    code[0] = 0x41;
    code.splice(code.len() - 1.., [0x1a, 0x10, 1, 0x0b]);
    let messages = errors(&object.build(), "");
    assert!(
        messages.contains("`call` in function `_start` refers to function 1"),
        "{messages}"
    );
}

/// Not more errors are kept than are shown.
#[test]
fn many_objects_with_raw_indices() {
    let mut job = Job::new().args("--allow-multiple-definition --no-gc-sections");
    for nth in 0..30 {
        let name = format!("{nth}.o");
        job = job.file(&name, of_code(&[0x08, 0]).build()).args(&name);
    }
    let done = job.link_with(&job.options());
    let messages = done.messages();
    let shown = messages.matches("`throw` in function").count();
    assert_eq!(shown, 20, "{messages}");
    assert!(messages.contains("too many errors emitted"), "{messages}");
}

/// What is not part of the output does no harm.
#[test]
fn code_that_is_left_out_may_have_any() {
    let mut source = Source::new();
    source.start(&[]).function("dead", sig(0, 0), |body| {
        body.raw(&[0xfc, 9, 0]);
    });
    Job::new().object("a.o", &source).module();
    for args in [
        "--no-gc-sections",
        "-r",
        "--export-all",
        "-pie --export=dead",
    ] {
        let messages = errors(&source.build(), args);
        assert!(
            messages.contains("`data.drop` in function `dead`"),
            "{args}: {messages}"
        );
    }
}

/// An object that says which features it uses is a compiler's, and is searched only if it
/// holds something that code can find by an index alone.
#[test]
fn objects_that_are_searched() {
    let mut code = of_code(&[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0]);
    code.features(&["+bulk-memory"]);
    insta::assert_snapshot!(
        "passive_data",
        errors(&with_data(&code, DataMode::Passive), "")
    );

    let mut code = of_code(&[0xfc, 13, 0]);
    code.features(&["+bulk-memory"]);
    insta::assert_snapshot!(
        "passive_elements",
        errors(&with_elements(&code, ElementMode::Passive), "")
    );
    for mode in [
        ElementMode::Declared,
        ElementMode::Active {
            table: 0,
            offset: ConstExpr::i32(1),
        },
    ] {
        let messages = errors(&with_elements(&code, mode), "");
        assert!(
            messages.contains("`elem.drop` in function `_start`"),
            "{messages}"
        );
    }

    let mut code = of_code(&[0x08, 0]);
    code.features(&["+exception-handling"]);
    let tag = vec![1, 0, 0];
    insta::assert_snapshot!("a_tag", errors(&with(&code, SectionId::Tag, tag), ""));
}

/// Passive segments of the kind that compilers leave without symbols are nothing to speak of;
/// of others a warning says that they are dropped.
#[test]
fn passive_segments_that_nothing_uses() {
    let source = of_code(&[]);
    let mut messages = String::new();
    for object in [
        with_data(&source, DataMode::Passive),
        with_elements(&source, ElementMode::Passive),
    ] {
        for args in [
            "",
            "--shared-memory --max-memory=131072 --no-check-features",
            "-r",
        ] {
            let job = Job::new().file("a.o", &object[..]).args("a.o").args(args);
            let done = job.link_with(&job.options());
            assert!(done.outcome.is_ok(), "{}", done.messages());
            writeln!(messages, "{args}:\n{}", done.messages()).expect("a string takes everything");
        }
    }
    insta::assert_snapshot!(messages);

    let mut source = Source::new();
    source.start(&[]).data("x", ".rodata..L.str", *b"unused");
    let mut object = source.object();
    object.symbols.retain(|symbol| symbol.name != Some("x"));
    let mut sections = object.sections();
    let data = (sections.iter_mut()).find(|section| section.id == SectionId::Data);
    let data = &mut data.expect("there is data").body;
    *data = vec![1];
    DataSegment {
        mode: DataMode::Passive,
        bytes: b"unused",
    }
    .encode(data);
    let job = Job::new().file("a.o", assemble(&sections)).args("a.o");
    job.module();
}

/// Relocated indices are what objects have, and the index of the only memory needs none.
#[test]
fn indices_with_relocations() {
    let own = TableType {
        element: RefType::FUNCREF,
        limits: Limits::default(),
    };
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.call("f", sig(0, 0));
        body.i32(0).call_own("own", own, sig(0, 0));
        body.table_size("own", own).drop();
        body.i32(0).throw("tag", sig(1, 0));
        // `memory.size`, `memory.copy` and `memory.fill` of memory 0.
        body.raw(&[0x3f, 0, 0x1a]);
        body.i32(0).i32(0).i32(0).raw(&[0xfc, 10, 0, 0]);
        body.i32(0).i32(0).i32(0).raw(&[0xfc, 11, 0]);
    });
    source
        .function("f", sig(0, 0), |_| {})
        .table("own", own)
        .tag("tag", sig(1, 0));
    Job::new().object("a.o", &source).module();
}

/// Code from before tables had symbols says table 0, and another table is an error there.
#[test]
fn table_0_of_objects_without_table_symbols() {
    let object = |code: &[u8]| calls_table_0(code).build();
    Job::new().file("a.o", object(&[])).args("a.o").module();
    // So does what it is linked into, and the function table comes first then.
    let relocatable = Job::new().file("a.o", object(&[])).args("a.o -r");
    let own = TableType {
        element: RefType::FUNCREF,
        limits: Limits::default(),
    };
    let mut other = Source::new();
    other.function("other", sig(0, 0), |body| {
        body.table_size("own", own).drop();
    });
    other.table("own", own);
    let joined = relocatable.module();
    let job = |args: &str| {
        Job::new()
            .file("a.o", joined.clone())
            .file("other.o", other.build())
            .args(args)
    };
    job("a.o").module();
    let both = job("a.o other.o --no-gc-sections").differs("rust-lld calls through `own`");
    insta::assert_snapshot!(print(&both.module()));
    let messages = errors(&object(&[0xfc, 16, 1, 0x1a]), "");
    assert!(
        messages.contains("`table.size` in function `_start` refers to table 1"),
        "{messages}"
    );
}

/// Nothing says what an unknown instruction has for operands.
#[test]
fn code_that_cannot_be_searched() {
    let object = of_code(&[0xff, 0x10, 0]).build();
    let inputs = Inputs {
        inputs: vec![Input::bytes("a.o", FileData::new(object))],
        ..Inputs::default()
    };
    let mut options = Options::default();
    options.fatal_warnings = true;
    let linked = link(inputs, &options, &Env::default(), &mut Vec::new());
    let linked = linked.expect("the warning is never fatal");
    let messages: Vec<_> = (linked.diagnostics.iter())
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(messages.join("\n"));
}
