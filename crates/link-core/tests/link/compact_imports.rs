//! Imports of one module as a group (proposal of the compact import section).

use std::fmt::Write;

use link_core::diag::Severity;
use wasm_format::linking::SymbolFlags;
use wasm_format::{GlobalType, Mutability, SectionId, ValType};
use wasmparser::{Imports, Parser, Payload};

use crate::common::source::{Source, sig};
use crate::support::{Job, print};

const COUNT: &str = "rust-lld counts the imports of a group, where the section counts groups";
const OBJECT: &str = "rust-lld writes groups into object files";

/// Imports of `m`, `n`, `m` and `n`: three, one, one and two. `_start` calls all.
fn source() -> Source {
    let mut source = Source::new();
    let calls = ["a", "b", "c", "d", "e", "f", "g"];
    source.start(&calls);
    for (name, module) in calls.iter().zip(["m", "m", "m", "n", "m", "n", "n"]) {
        source.import(name, module, name);
    }
    source
}

fn with_feature() -> Source {
    let mut source = source();
    source.features(&["+compact-imports"]);
    source
}

/// The entries of the import section: the modules, and how many imports each has.
fn entries(module: &[u8]) -> String {
    let mut out = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(Payload::ImportSection(section)) = payload else {
            continue;
        };
        for entry in section {
            out.push(match entry.expect("an entry") {
                Imports::Single(_, import) => format!("{}.{}", import.module, import.name),
                Imports::Compact1 { module, items } => {
                    let items = items.into_iter().map(|item| item.expect("an import").name);
                    format!("{module}({})", items.collect::<Vec<_>>().join(" "))
                }
                Imports::Compact2 { module, .. } => format!("{module}: of one type"),
            });
        }
    }
    out.join(", ")
}

/// Body of the import section.
fn section(module: &[u8]) -> Vec<u8> {
    Parser::new(0)
        .parse_all(module)
        .find_map(|payload| match payload.ok()?.as_section()? {
            (id, range) if id == SectionId::Import as u8 => {
                Some(module[range.start as usize..range.end as usize].to_vec())
            }
            _ => None,
        })
        .expect("an import section")
}

#[test]
fn neighbours_of_one_module_are_a_group() {
    let job = Job::new().object("a.o", &with_feature());
    insta::assert_snapshot!(job.differs(COUNT).text());
}

/// Besides the number in front, the section is `rust-lld`'s.
#[test]
fn groups_are_those_of_rust_lld() {
    let mut global = with_feature();
    let ty = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Const,
    };
    global.function("h", sig(0, 0), |body| {
        body.global("i", ty).drop();
        body.i32(1).call("j", sig(1, 0));
    });
    global
        .import("i", "n", "i")
        .flag("h", SymbolFlags::EXPORTED);
    let jobs = [
        "",
        "--import-memory",
        "--import-memory=m,memory",
        "-shared",
        "-pie --import-table",
    ]
    .map(|args| Job::new().object("a.o", &with_feature()).args(args));
    let one = Job::new().object("a.o", &global).args("--allow-undefined");
    let by_option = [
        "--features=compact-imports",
        "--extra-features=compact-imports",
    ]
    .map(|args| Job::new().object("a.o", &source()).args(args));
    let mut shown = String::new();
    for job in jobs.into_iter().chain([one]).chain(by_option) {
        let module = job.link_with(&job.options()).module;
        let line = job.line().join(" ");
        writeln!(shown, "{line}: {}", entries(&module)).expect("a string takes everything");
        if let Some(theirs) = job.by_rust_lld() {
            let theirs = theirs.expect("rust-lld links this");
            // Both counts take one byte.
            assert_eq!(section(&theirs)[1..], section(&module)[1..], "{line}");
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn single_imports_are_no_group() {
    let mut source = Source::new();
    source.start(&["a", "b"]);
    source.import("a", "m", "a").import("b", "n", "b");
    source.features(&["+compact-imports"]);
    let job = Job::new().object("a.o", &source);
    assert_eq!(entries(&job.module()), "m.a, n.b");
}

#[test]
fn an_option_turns_groups_off() {
    let plain = Job::new().object("a.o", &source()).module();
    let job = Job::new().object("a.o", &with_feature());
    let job = job
        .args("--no-compact-imports")
        .differs("rust-lld does not know the option");
    assert_eq!(section(&job.module()), section(&plain));
}

#[test]
fn the_warning_is_never_fatal() {
    let job = Job::new().object("a.o", &with_feature());
    let done = job.args("--fatal-warnings").differs(COUNT).link();
    let linked = done.outcome.expect("a warning is no error");
    let severities: Vec<_> = linked.diagnostics.iter().map(|d| d.severity).collect();
    assert_eq!(severities, [Severity::Warning]);
}

#[test]
fn object_files_have_no_groups_and_keep_the_feature() {
    let job = Job::new().object("a.o", &with_feature()).args("-r");
    let object = job.differs(OBJECT).module();
    assert_eq!(entries(&object), "m.a, m.b, m.c, n.d, m.e, n.f, n.g");
    let again = Job::new().file("r.o", object).args("r.o").differs(COUNT);
    let direct = Job::new().object("a.o", &with_feature()).differs(COUNT);
    assert!(again.link().module == direct.link().module);
}

/// The object, with another import section.
fn with_imports(section: &[u8]) -> Vec<u8> {
    let object = with_feature().build();
    let old = self::section(&object);
    let at = object
        .windows(old.len())
        .position(|window| window == old)
        .expect("the section");
    // The header has five bytes of size, or one.
    let header = object[..at]
        .iter()
        .rposition(|byte| *byte == 2)
        .expect("an id");
    let mut out = object[..header].to_vec();
    wasm_format::put_section(&mut out, SectionId::Import, section);
    out.extend_from_slice(&object[at + old.len()..]);
    out
}

/// The memory that objects import stays alone, in front.
const MEMORY: &[u8] = b"\x03env\x0f__linear_memory\x02\x00\x00";

#[test]
fn objects_may_have_groups() {
    let plain = Job::new()
        .object("a.o", &with_feature())
        .differs(COUNT)
        .link();
    let group = b"\x01m\x00\x7f\x03\x01a\x00\x00\x01b\x00\x00\x01c\x00\x00";
    let of_type = b"\x01m\x00\x7e\x00\x00\x03\x01a\x01b\x01c";
    let rest = b"\x01n\x01d\x00\x00\x01m\x01e\x00\x00\x01n\x00\x7f\x02\x01f\x00\x00\x01g\x00\x00";
    for (count, first) in [(5, &group[..]), (8, group), (5, of_type), (8, of_type)] {
        let object = with_imports(&[&[count], MEMORY, first, rest].concat());
        let done = Job::new().file("a.o", object).args("a.o");
        let done = done.link_with(&done.options());
        assert_eq!(done.messages(), plain.messages());
        assert_eq!(print(&done.module), print(&plain.module));
    }
    // Neither the number of entries nor that of imports, and groups that are cut off.
    let mut messages = String::new();
    for section in [
        [&[4], MEMORY, group, rest].concat(),
        [&[6], MEMORY, group, rest].concat(),
        [&[9], MEMORY, group, rest].concat(),
        [&[2][..], MEMORY, &group[..9]].concat(),
        [&[2][..], MEMORY, b"\x01m\x00\x7f\xff\xff\xff\xff\x0f"].concat(),
        [&[2][..], MEMORY, b"\x01m\x00\x7f\x01\x01a\x7f\x00"].concat(),
        [&[2][..], MEMORY, b"\x01m\x00\x7e\x09\x00\x01\x01a"].concat(),
        [&[2][..], MEMORY, b"\x01m\x01a\x7f\x01\x01a\x00\x00"].concat(),
    ] {
        let job = Job::new().file("a.o", with_imports(&section)).args("a.o");
        let done = job.link_with(&job.options());
        assert!(done.outcome.is_err());
        messages += &done.messages();
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn shared_libraries_may_have_groups() {
    let library = Job::new().object("a.o", &with_feature()).args("-shared");
    let ours = library.link_with(&library.options()).module;
    let mut theirs = ours.clone();
    let imports = section(&ours);
    let at = (ours.windows(imports.len()))
        .position(|window| window == imports)
        .expect("the section");
    // `rust-lld` counts imports: three of `env`, and seven.
    assert_eq!(theirs[at], 5);
    theirs[at] = 10;
    if let Some(made) = library.by_rust_lld() {
        assert_eq!(
            section(&made.expect("rust-lld links this")),
            section(&theirs)
        );
    }
    let mut user = Source::new();
    user.function("main", sig(0, 0), |body| {
        body.call("_start", sig(0, 0));
    });
    let of = |library: Vec<u8>| {
        let job = Job::new().object("u.o", &user).file("libx.so", library);
        let done = job.args("libx.so -shared");
        let done = done.link_with(&done.options());
        assert_eq!(done.messages(), "");
        done.module
    };
    assert!(of(ours) == of(theirs));
}
