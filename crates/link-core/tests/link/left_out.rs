//! What an object holds without a symbol or a relocation: it is linked where that can be
//! right, and else a warning says what is left out.

use wasm_format::linking::{LINKING_SECTION, LinkingSection, SegmentFlags};
use wasm_format::{
    ConstExpr, ConstOp, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Export,
    ExternalKind, Limits, RefType, SectionId, TableType, leb128::put_u32,
};

use crate::common::source::{Source, sig};
use crate::common::{RawSection, assemble};
use crate::support::{Job, print, run};

const SILENT: &str = "rust-lld leaves it out without a word";

/// A module as a tool assembles it that knows nothing of relocations.
pub(crate) struct Module {
    sections: Vec<RawSection>,
}

impl Module {
    /// The object file of this source, which further sections are put into.
    pub(crate) fn of(source: &Source) -> Self {
        Self {
            sections: source.object().sections(),
        }
    }

    /// Adds a section before the first one that has to follow it. Relocations name the section
    /// that they patch by its place.
    fn with(mut self, id: SectionId, body: Vec<u8>) -> Self {
        let follows = |section: &RawSection| section.id.rank() > id.rank();
        let first_custom = |section: &RawSection| section.id == SectionId::Custom;
        let place = (self.sections.iter())
            .position(|section| follows(section) || first_custom(section))
            .expect("there is a linking section");
        for section in &mut self.sections {
            if section.id == SectionId::Custom && section.body[1..].starts_with(b"reloc.") {
                let name_len = usize::from(section.body[0]);
                let patched = &mut section.body[1 + name_len];
                *patched += u8::from(usize::from(*patched) >= place);
            }
        }
        self.sections.insert(place, RawSection { id, body });
        self
    }

    pub(crate) fn start(self, function: u32) -> Self {
        let mut body = Vec::new();
        put_u32(&mut body, function);
        self.with(SectionId::Start, body)
    }

    fn elements(self, segments: &[ElementSegment<'_>]) -> Self {
        let mut body = Vec::new();
        put_u32(&mut body, segments.len() as u32);
        for segment in segments {
            segment.encode(&mut body);
        }
        self.with(SectionId::Element, body)
    }

    /// Data that the linking section does not describe.
    fn data(self, segments: &[&[u8]]) -> Self {
        let mut body = Vec::new();
        put_u32(&mut body, segments.len() as u32);
        for bytes in segments {
            DataSegment {
                mode: DataMode::Active {
                    memory: 0,
                    offset: ConstExpr::i32(16),
                },
                bytes,
            }
            .encode(&mut body);
        }
        self.with(SectionId::Data, body)
    }

    fn export(self, name: &'static str, kind: ExternalKind, index: u32) -> Self {
        let mut body = Vec::new();
        put_u32(&mut body, 1);
        Export { name, kind, index }.encode(&mut body);
        self.with(SectionId::Export, body)
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        assemble(&self.sections)
    }
}

fn active(items: ElementItems<'_>) -> ElementSegment<'_> {
    ElementSegment {
        mode: ElementMode::Active {
            table: 0,
            offset: ConstExpr::i32(1),
        },
        items,
    }
}

/// Appends `digit` to the decimal number at address 8, when the module is instantiated.
fn appends(name: &'static str, digit: i32) -> Vec<u8> {
    let mut source = appending(&[(name, digit)]);
    source.local(name);
    Module::of(&source).start(0).build()
}

/// Returns the number.
fn reader() -> Source {
    let mut source = Source::new();
    source.function("number", sig(0, 1), |body| {
        body.i32(8).load();
    });
    source
}

/// One function of the output calls those of all objects, in the order of the objects.
#[test]
fn start_functions_run() {
    let job = || {
        Job::new()
            .file("one.o", appends("one", 1))
            .file("two.o", appends("two", 2))
            .object("reader.o", &reader())
            .args("one.o two.o --no-entry --export=number")
            .differs("rust-lld runs none")
    };
    let module = job().module();
    insta::assert_snapshot!(print(&module));
    assert_eq!(run(&module, "number"), 12);
    for args in [
        "--no-gc-sections",
        "-O2 -S --compress-relocations",
        "--emit-relocs",
    ] {
        assert_eq!(run(&job().args(args).module(), "number"), 12, "{args}");
    }
    for args in [
        "-pie",
        "-shared",
        "--shared-memory --max-memory=65536 --no-check-features",
    ] {
        let module = print(&job().args(args).module());
        assert!(module.contains("(start $__wasm_start"), "{args}:\n{module}");
        assert!(
            module.contains("call $one\n    call $two\n"),
            "{args}:\n{module}"
        );
    }
}

/// Memory that threads share is filled before.
#[test]
fn start_functions_find_their_data() {
    let mut source = reader();
    source.data("data", ".data.data", [7, 0, 0, 0]);
    source.function("copy", sig(0, 0), |body| {
        body.i32(8).address("data", 0).load().store();
    });
    let job = Job::new()
        .file("a.o", Module::of(&source).start(1).build())
        .args("a.o --no-entry --export=number --no-check-features")
        .args("--shared-memory --max-memory=131072")
        .differs("rust-lld runs none");
    insta::assert_snapshot!(print(&job.module()));
}

/// An object file keeps one; there is nothing that could call two.
#[test]
fn object_files_keep_a_start_function() {
    let one = Job::new()
        .file("one.o", appends("one", 1))
        .args("one.o -r")
        .differs(SILENT);
    let all = Job::new()
        .file("all.o", one.module())
        .object("reader.o", &reader())
        .args("all.o --no-entry --export=number")
        .differs("rust-lld runs none");
    assert_eq!(run(&all.module(), "number"), 1);
    let two = Job::new()
        .file("one.o", appends("one", 1))
        .file("two.o", appends("two", 2))
        .args("one.o two.o -r")
        .differs(SILENT);
    insta::assert_snapshot!(two.link().messages());
}

#[test]
fn start_functions_of_members_that_are_not_needed_do_not_run() {
    let archive = crate::common::archive(
        crate::common::ArchiveForm::Gnu,
        &[("one.o", &appends("one", 1))],
        &[],
    );
    let job = Job::new()
        .file("libone.a", archive)
        .object("reader.o", &reader())
        .args("libone.a --no-entry --export=number");
    assert_eq!(job.run("number"), 0);
}

#[test]
fn start_functions_that_cannot_be() {
    let mut source = Source::new();
    source.constant("f", 1);
    let job = |module: Module| {
        let job = Job::new()
            .file("a.o", module.build())
            .args("a.o --no-entry");
        job.link_with(&job.options()).messages()
    };
    let mut messages = job(Module::of(&source).start(0));
    messages += &job(Module::of(&source).start(7));
    let mut importing = Source::new();
    importing.callee("f", sig(0, 1));
    messages += &job(Module::of(&importing).start(0));
    insta::assert_snapshot!(messages);
}

/// An object whose start function is another object's `begin`.
fn starts_begin() -> Vec<u8> {
    let mut source = Source::new();
    source.callee("begin", sig(0, 0));
    Module::of(&source).start(0).build()
}

/// Functions that append `digit` to the number at address 8.
fn appending(functions: &[(&'static str, i32)]) -> Source {
    let mut source = Source::new();
    for &(name, digit) in functions {
        source.function(name, sig(0, 0), |body| {
            body.i32(8)
                .i32(8)
                .load()
                .i32(10)
                .mul()
                .i32(digit)
                .add()
                .store();
        });
    }
    source
}

const RUNS_NONE: &str = "rust-lld runs none";

/// The start function is what a call of it would call: it is a GC root, an archive's member is
/// pulled for it, and `--wrap` leads it elsewhere.
#[test]
fn start_functions_that_other_objects_define() {
    let job = |args: &str| {
        Job::new()
            .args(args)
            .file("a.o", starts_begin())
            .object("reader.o", &reader())
            .file(
                "begin.o",
                appending(&[("begin", 5), ("__wrap_begin", 6)]).build(),
            )
            .archive("libbegin.a", &[("begin.o", &appending(&[("begin", 7)]))])
            .args("--no-entry --export=number a.o")
            .differs(RUNS_NONE)
    };
    let module = job("").module();
    insta::assert_snapshot!(print(&module));
    assert_eq!(run(&module, "number"), 7);
    for (args, number) in [
        ("--no-gc-sections", 7),
        ("--emit-relocs", 7),
        ("begin.o", 5),
        ("begin.o --wrap=begin", 6),
    ] {
        assert_eq!(run(&job(args).module(), "number"), number, "{args}");
    }
    for args in ["-pie", "-shared"] {
        let module = print(&job(args).module());
        assert!(
            module.contains("(func $__wasm_start (;1;) (type 0)\n    call $begin\n"),
            "{args}:\n{module}"
        );
    }
}

#[test]
fn start_functions_that_other_objects_define_in_two_steps() {
    let relocatable = |args: &str| {
        Job::new()
            .file("a.o", starts_begin())
            .file(
                "begin.o",
                appending(&[("begin", 5), ("__wrap_begin", 6)]).build(),
            )
            .args("-r a.o")
            .args(args)
            .differs(SILENT)
            .module()
    };
    for (first, then, number) in [
        ("", "begin.o", 5),
        ("begin.o", "", 5),
        ("begin.o --wrap=begin", "", 6),
        ("--wrap=begin", "begin.o", 6),
    ] {
        let job = Job::new()
            .file("all.o", relocatable(first))
            .file(
                "begin.o",
                appending(&[("begin", 5), ("__wrap_begin", 6)]).build(),
            )
            .object("reader.o", &reader())
            .args("--no-entry --export=number all.o")
            .args(then)
            .differs(RUNS_NONE);
        assert_eq!(run(&job.module(), "number"), number, "{first}, {then}");
    }
}

/// A definition of the object's own gives way to another one, as where it is called.
#[test]
fn start_functions_that_are_replaced() {
    let mut own = appending(&[("begin", 1)]);
    own.weak("begin");
    let job = Job::new()
        .file("a.o", Module::of(&own).start(0).build())
        .object("begin.o", &appending(&[("begin", 2)]))
        .object("reader.o", &reader())
        .args("--no-entry --export=number a.o")
        .differs(RUNS_NONE);
    assert_eq!(run(&job.module(), "number"), 2);
}

/// Of a function that several objects have a copy of, one is linked, and called once.
#[test]
fn start_functions_in_comdats() {
    let mut source = appending(&[("begin", 4)]);
    source.comdat("begin", &["begin"]);
    let object = Module::of(&source).start(0).build();
    let job = Job::new()
        .file("a.o", object.clone())
        .file("b.o", object)
        .object("reader.o", &reader())
        .args("--no-entry --export=number a.o b.o")
        .differs(RUNS_NONE);
    assert_eq!(run(&job.module(), "number"), 4);
}

/// One that nothing defines is missing, or becomes what the options say of such functions.
#[test]
fn undefined_start_functions() {
    let job = |args: &str| {
        let job = Job::new()
            .file("a.o", starts_begin())
            .args("a.o --no-entry");
        let job = job.args(args);
        let done = job.link_with(&job.options());
        let module = match done.outcome {
            Ok(_) => print(&done.module),
            Err(_) => String::new(),
        };
        format!("{args}:\n{}{module}\n", done.messages())
    };
    let all: String = [
        "",
        "--import-undefined",
        "--unresolved-symbols=ignore-all",
        "--warn-unresolved-symbols",
        "-r",
    ]
    .into_iter()
    .map(job)
    .collect();
    insta::assert_snapshot!(all);
}

/// Another signature is a mismatch like that of a call, and calling it traps.
#[test]
fn start_functions_of_another_signature() {
    let mut other = Source::new();
    other.constant("begin", 1);
    let job = Job::new()
        .file("a.o", starts_begin())
        .object("begin.o", &other)
        .args("a.o --no-entry");
    let done = job.link_with(&job.options());
    insta::assert_snapshot!(done.messages() + &print(&done.module));
    let mut options = job.options();
    options.error_signature_mismatch = true;
    insta::assert_snapshot!(job.link_with(&options).messages());
}

/// A symbol that such a tool leaves out is implied.
#[test]
fn start_functions_without_symbol() {
    let without = |module: &mut Module| {
        for section in &mut module.sections {
            if section.id == SectionId::Custom && section.body[1..].starts_with(b"linking") {
                let mut contents = Vec::new();
                LinkingSection {
                    segments: &[],
                    init_funcs: &[],
                    comdats: &[],
                    symbols: &[],
                }
                .encode(&mut contents);
                *section = RawSection::custom(LINKING_SECTION, &contents);
            }
        }
    };
    let mut source = Source::new();
    source.callee("begin", sig(0, 0));
    let mut importing = Module::of(&source).start(0);
    without(&mut importing);
    let mut defining = Module::of(&appending(&[("own", 3)])).start(0);
    without(&mut defining);
    let job = Job::new()
        .file("a.o", importing.build())
        .file("b.o", defining.build())
        .object("begin.o", &appending(&[("begin", 2)]))
        .object("reader.o", &reader())
        .args("--no-entry --export=number a.o b.o")
        .differs(RUNS_NONE);
    assert_eq!(run(&job.module(), "number"), 23);
}

/// A module of which `wat2wasm -r` says little: its data and its table are where its code says.
fn by_hand() -> Vec<u8> {
    let mut source = Source::new();
    source
        .constant("a", 1)
        .constant("b", 2)
        .local("b")
        .function("_start", sig(0, 0), |body| {
            body.call("a", sig(0, 1)).drop();
            body.call("b", sig(0, 1)).drop();
            body.i32(1).call_indirect(sig(0, 0));
        });
    Module::of(&source)
        .export("second", ExternalKind::Func, 1)
        .elements(&[
            active(ElementItems::Functions(&[0, 1])),
            ElementSegment {
                mode: ElementMode::Declared,
                items: ElementItems::Exprs(
                    RefType::FUNCREF,
                    &[
                        ConstExpr::from(ConstOp::RefFunc(0)),
                        ConstExpr::from(ConstOp::RefNull(RefType::FUNCREF.heap)),
                    ],
                ),
            },
            ElementSegment {
                mode: ElementMode::Passive,
                items: ElementItems::Functions(&[2, 2, 1, 1, 0, 0, 0]),
            },
        ])
        .data(&[b"hello", b"", b"world"])
        .build()
}

#[test]
fn a_warning_for_each() {
    let job = |args| {
        Job::new()
            .file("hand.o", by_hand())
            .args("hand.o")
            .args(args)
    };
    for (name, args) in [
        ("left_out", ""),
        ("left_out_no_gc", "--no-gc-sections"),
        ("left_out_relocatable", "-r"),
    ] {
        let job = job(args);
        let messages = job.link_with(&job.options()).messages();
        insta::assert_snapshot!(name, messages);
        let fatal = job.args("--fatal-warnings");
        let done = fatal.link_with(&fatal.options());
        assert!(done.outcome.is_ok(), "{}", done.messages());
        assert_eq!(done.messages(), messages);
    }
    // rust-lld says nothing.
    job("")
        .differs("it drops what declares functions, too")
        .link();
}

/// Each warning holds the name of a file, and there may be as many as members of an archive.
#[test]
fn warnings_beyond_the_first_are_counted() {
    let names: Vec<String> = (0..103).map(|nth| format!("{nth}.o")).collect();
    let object = by_hand();
    let mut job = Job::new().args("-r --allow-multiple-definition");
    for name in &names {
        job = job.file(name, &object[..]).args(name);
    }
    let done = job.link_with(&job.options());
    let messages = done.messages();
    let dropped = messages.lines().filter(|line| line.contains(".o: "));
    assert_eq!(dropped.count(), 100);
    insta::assert_snapshot!(messages.lines().last().expect("a line"));
}

/// What compilers leave behind is nothing to warn of: constants without symbols, and functions
/// in the table that have relocations.
#[test]
fn no_warning_for_what_compilers_make() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.pointer("host", sig(0, 0)).drop();
        body.pointer("own", sig(0, 0)).drop();
        body.got_of_function("got", sig(0, 0)).drop();
        body.i32(1).call_indirect(sig(0, 0));
    });
    source.function("own", sig(0, 0), |_| {});
    source.function("got", sig(0, 0), |_| {});
    source.data("x", ".rodata..L.str", *b"unused");
    let mut object = source.object();
    object.symbols.retain(|symbol| symbol.name != Some("x"));
    let sections = object.sections();
    let elements = [active(ElementItems::Functions(&[0, 2, 3]))];
    let bytes = Module { sections }.elements(&elements).build();
    for args in ["", "--no-gc-sections", "-r"] {
        let job = Job::new()
            .file("a.o", bytes.clone())
            .args("a.o --import-undefined")
            .args(args);
        job.module();
    }
}

#[test]
fn data_without_symbol_in_a_named_section() {
    let mut source = Source::new();
    source.start(&[]);
    source.data("x", "own", *b"gone");
    let mut object = source.object();
    object.symbols.retain(|symbol| symbol.name != Some("x"));
    let job = Job::new().file("a.o", object.build()).args("a.o");
    insta::assert_snapshot!(job.link().messages());
    // It may be found by its section's bounds, if it is retained.
    object.segments[0].flags = SegmentFlags::RETAIN;
    let job = Job::new().file("a.o", object.build()).args("a.o");
    job.module();
}

/// An imported function in the table that another one's relocation does not stand for.
#[test]
fn imported_functions_in_the_table() {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.pointer("taken", sig(0, 0)).drop();
        body.call("listed", sig(0, 0));
        body.i32(1).call_indirect(sig(0, 0));
    });
    let elements = [active(ElementItems::Functions(&[0, 1]))];
    let job = Job::new()
        .file("a.o", Module::of(&source).elements(&elements).build())
        .args("a.o --import-undefined");
    insta::assert_snapshot!(job.link().messages());
}

/// An element section is decoded, and damage is an error that says where.
#[test]
fn damaged_element_sections() {
    let source = Source::new();
    let mut messages = String::new();
    for body in [
        &[1u8, 8][..],
        &[1, 0, 0x41, 1, 0x0b, 1, 9],
        &[1, 0, 0x41, 1, 0x0b, 200, 1],
        &[1, 0, 0x41, 1, 0x0b, 0, 0],
    ] {
        let job = Job::new()
            .file(
                "a.o",
                Module::of(&source)
                    .with(SectionId::Element, body.to_vec())
                    .build(),
            )
            .args("a.o --no-entry");
        messages += &job.link_with(&job.options()).messages();
    }
    insta::assert_snapshot!(messages);
}

/// A linking section that describes nothing is what such tools write.
#[test]
fn an_empty_linking_section() {
    let mut contents = Vec::new();
    LinkingSection {
        segments: &[],
        init_funcs: &[],
        comdats: &[],
        symbols: &[],
    }
    .encode(&mut contents);
    let module = Module {
        sections: vec![RawSection::custom(LINKING_SECTION, &contents)],
    };
    let job = Job::new()
        .file("a.o", module.data(&[b"x"]).build())
        .args("a.o --no-entry");
    insta::assert_snapshot!(job.link().messages());
}

/// A table of an object's own is filled as its file says, with what is found there being part of
/// the output; functions that code takes references to are declared.
#[test]
fn tables_of_an_objects_own() {
    let ty = TableType {
        element: RefType::FUNCREF,
        limits: Limits {
            min: 4,
            ..Limits::default()
        },
    };
    let mut source = Source::new();
    source.function("_start", sig(0, 1), |body| {
        body.i32(3).call_own("own", ty, sig(0, 1));
    });
    source
        .constant("local", 7)
        .local("local")
        .constant("dead", 8);
    source.table("own", ty);
    source.table("unused", ty);
    let fill = |table, functions| ElementSegment {
        mode: ElementMode::Active {
            table,
            offset: ConstExpr::i32(2),
        },
        items: ElementItems::Functions(functions),
    };
    let elements = [
        fill(0, &[0, 1]),
        fill(1, &[2]),
        ElementSegment {
            mode: ElementMode::Declared,
            items: ElementItems::Functions(&[1, 2]),
        },
    ];
    let object = Module::of(&source).elements(&elements).build();
    let job = Job::new()
        .file("a.o", object.clone())
        .args("a.o")
        .differs(SILENT);
    let module = job.module();
    insta::assert_snapshot!(print(&module));
    assert_eq!(run(&module, "_start"), 7);
    let relocatable = Job::new()
        .file("a.o", object)
        .args("a.o -r")
        .differs(SILENT);
    let two_steps = Job::new()
        .file("all.o", relocatable.module())
        .args("all.o")
        .differs(SILENT);
    assert!(two_steps.module() == module);
}

/// What a table needs is missed like what code needs.
#[test]
fn undefined_functions_in_tables_of_an_objects_own() {
    let ty = TableType {
        element: RefType::FUNCREF,
        limits: Limits {
            min: 2,
            ..Limits::default()
        },
    };
    let mut source = Source::new();
    source.table("own", ty).callee("missing", sig(0, 0));
    source.function("_start", sig(0, 1), |body| {
        body.table_size("own", ty);
    });
    source.function("dead", sig(0, 0), |body| {
        body.call("missing", sig(0, 0));
    });
    let elements = [active(ElementItems::Functions(&[0]))];
    let object = Module::of(&source).elements(&elements).build();
    let job = Job::new().file("a.o", object).args("a.o").differs(SILENT);
    let done = job.link_with(&job.options());
    insta::assert_snapshot!(done.messages());
    let imported = job.args("--import-undefined");
    let module = print(&imported.module());
    assert!(
        module.contains("(elem (;0;) (i32.const 1) func $missing)"),
        "{module}"
    );
}
