//! `metadata.code.*` sections: one valid section for each name, whatever the objects have.

use wasm_format::Reader;
use wasm_format::code_metadata::{MetadataItem, decode};
use wasm_format::leb128::{put_u32, put_u32_fixed};
use wasm_format::reloc::RelocType;

use crate::common::Random;
use crate::common::source::{Source, sig};
use crate::support::{Job, print};

const HINTS: &str = "metadata.code.branch_hint";
const WHY: &str = "rust-lld puts the sections one behind the other";

/// A function that calls `callee` and then has an `if`: at 9, behind the count of locals, a
/// call of 6 bytes, and a constant.
fn branches(source: &mut Source, name: &'static str, callee: &'static str) {
    source.function(name, sig(0, 0), |body| {
        body.call(callee, sig(0, 0));
        body.i32(1).raw(&[0x04, 0x40, 0x0b]);
    });
}

const IF: u32 = 9;

/// Says of each function that the `if` in it is taken or not. The indices are relocated.
fn hint(source: &mut Source, hints: &[(&'static str, u8)]) {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    put_u32(&mut bytes, hints.len() as u32);
    for &(name, taken) in hints {
        places.push((bytes.len() as u32, name));
        put_u32_fixed(&mut bytes, 0);
        put_u32(&mut bytes, 1);
        let item = MetadataItem {
            offset: IF,
            data: &[taken],
        };
        item.encode(&mut bytes);
    }
    source.custom(HINTS, bytes);
    for (offset, name) in places {
        source.describes(offset, RelocType::FunctionIndexLeb, name, 0);
    }
}

fn nothing() -> Source {
    let mut source = Source::new();
    source.function("nothing", sig(0, 0), |_| {});
    source
}

/// An object whose section is not in the order of its functions, and one that speaks of what
/// becomes unreachable.
fn two() -> [Source; 2] {
    let mut one = Source::new();
    branches(&mut one, "_start", "second");
    branches(&mut one, "first", "nothing");
    hint(&mut one, &[("first", 1), ("_start", 0)]);
    let mut two = Source::new();
    branches(&mut two, "unused", "nothing");
    branches(&mut two, "second", "first");
    hint(&mut two, &[("unused", 1), ("second", 1)]);
    [one, two]
}

fn job() -> Job {
    let [one, two] = two();
    Job::new()
        .object("one.o", &one)
        .object("two.o", &two)
        .object("nothing.o", &nothing())
}

/// Offsets and data.
type Items = Vec<(u32, Vec<u8>)>;

/// The section of a module: each function with its items.
fn hints(module: &[u8]) -> Vec<(u32, Items)> {
    let mut found = Vec::new();
    let mut sections = 0;
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        match payload.expect("a valid module") {
            wasmparser::Payload::CustomSection(section) if section.name() == HINTS => {
                sections += 1;
                for function in decode(Reader::new(section.data())).expect("a vector") {
                    let function = function.expect("a function");
                    let items = function.items.map(|item| item.expect("an item"));
                    let items = items.map(|item| (item.offset, item.data.to_vec()));
                    found.push((function.function, items.collect()));
                }
            }
            wasmparser::Payload::CodeSectionStart { .. } => assert_eq!(sections, 1),
            _ => {}
        }
    }
    assert_eq!(sections, 1);
    found
}

#[test]
fn one_section_in_the_order_of_functions() {
    let done = job().differs(WHY).link();
    insta::assert_snapshot!(print(&done.module));
}

#[test]
fn offsets_follow_the_code() {
    let module = job()
        .args("-s --compress-relocations")
        .differs(WHY)
        .link()
        .module;
    // Each call takes 2 bytes of the 6.
    assert_eq!(
        hints(&module),
        [0, 1, 2].map(|function| (function, vec![(IF - 4, vec![u8::from(function > 0)])]))
    );
}

#[test]
fn indices_without_relocations() {
    let mut source = Source::new();
    branches(&mut source, "_start", "nothing");
    // One function is imported: this is the index of `_start`, and of nothing else.
    source.custom(HINTS, [1, 1, 1, IF as u8, 1, 1]);
    let job = Job::new()
        .object("a.o", &source)
        .object("nothing.o", &nothing());
    assert_eq!(
        hints(&job.differs(WHY).link().module),
        [(0, vec![(IF, vec![1])])]
    );
}

#[test]
fn sections_one_behind_the_other() {
    let mut source = Source::new();
    branches(&mut source, "_start", "again");
    branches(&mut source, "again", "nothing");
    let vectors = [[1, 2, 1, IF as u8, 1, 1], [1, 1, 1, IF as u8, 1, 0]];
    source.custom(HINTS, vectors.as_flattened());
    let job = Job::new()
        .object("a.o", &source)
        .object("nothing.o", &nothing());
    assert_eq!(
        hints(&job.differs(WHY).link().module),
        [(0, vec![(IF, vec![0])]), (1, vec![(IF, vec![1])])]
    );
}

#[test]
fn a_relocatable_link_in_between_changes_nothing() {
    let direct = job().differs(WHY).link().module;
    let object = job().args("-r").differs(WHY).link().module;
    let again = Job::new()
        .file("both.o", object)
        .args("both.o")
        .differs(WHY);
    assert_eq!(hints(&again.link().module), hints(&direct));
}

#[test]
fn only_the_chosen_copy_of_a_function_is_spoken_of() {
    let copy = |hinted: u8| {
        let mut source = Source::new();
        branches(&mut source, "shared", "nothing");
        source.comdat("shared", &["shared"]);
        hint(&mut source, &[("shared", hinted)]);
        source
    };
    let job = Job::new()
        .object("one.o", &copy(1))
        .object("two.o", &copy(0))
        .object("nothing.o", &nothing())
        .args("--no-entry --export=shared")
        .differs(WHY);
    assert_eq!(hints(&job.link().module), [(0, vec![(IF, vec![1])])]);
}

#[test]
fn damage() {
    let messages = |bytes: &[u8]| {
        let mut source = Source::new();
        branches(&mut source, "_start", "nothing");
        source.custom(HINTS, bytes);
        let job = Job::new()
            .object("a.o", &source)
            .object("nothing.o", &nothing())
            .differs("rust-lld copies what is there");
        job.fails()
    };
    insta::assert_snapshot!(
        [
            messages(&[1, 2, 1, IF as u8, 1, 1]),
            messages(&[9]),
            messages(&[1, 1, 1, IF as u8, 200, 1]),
        ]
        .concat()
    );
}

#[test]
fn changed_bytes_are_no_danger() {
    let [one, _] = two();
    let object = one.build();
    let name = object
        .windows(HINTS.len())
        .position(|at| at == HINTS.as_bytes());
    let start = name.expect("the section") + HINTS.len();
    let mut random = Random(7);
    let (mut linked, mut failed) = (0, 0);
    for round in 0..4000 {
        let mut changed = object.clone();
        for _ in 0..=random.below(3) {
            // Within the section, or a little behind it.
            let at = start + random.below(26);
            changed[at] = random.next() as u8;
        }
        let job = Job::new()
            .file("one.o", changed)
            .args("one.o --no-entry --export=_start --unresolved-symbols=ignore-all")
            .args(["", "--compress-relocations -s", "-r", "--emit-relocs"][round % 4]);
        let options = job.options();
        let files = job.memory_files();
        let env = link_core::Env {
            files: &files,
            ..link_core::env::Env::default()
        };
        let mut module = Vec::new();
        match link_core::link(job.inputs(), &options, &env, &mut module) {
            Ok(_) => linked += 1,
            Err(_) => failed += 1,
        }
    }
    assert!(linked > 500 && failed > 500, "{linked} {failed}");
}
