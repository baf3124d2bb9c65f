//! Sections that describe worlds of the component model stay apart.

use link_core::Linked;
use wasmparser::{Parser, Payload};

use crate::common::source::{Source, sig};
use crate::support::Job;

const WHY: &str = "rust-lld puts sections of one name one behind the other";

/// An object that describes worlds.
fn object(function: &'static str, sections: &[(&'static str, &[u8])]) -> Source {
    let mut source = Source::new();
    source.function(function, sig(0, 0), |_| {});
    for &(name, contents) in sections {
        source.custom(name, contents);
    }
    source
}

/// The names of the sections and what is in them.
fn sections(module: &[u8]) -> Vec<(String, String)> {
    let payloads = Parser::new(0).parse_all(module);
    payloads
        .filter_map(|payload| match payload.expect("a valid module") {
            Payload::CustomSection(section) if section.name().contains("-type") => {
                let contents = String::from_utf8_lossy(section.data()).into_owned();
                Some((section.name().to_owned(), contents))
            }
            _ => None,
        })
        .collect()
}

fn shown(module: &[u8]) -> String {
    let lines = sections(module).into_iter();
    let lines = lines.map(|(name, contents)| format!("{name} = {contents}\n"));
    lines.collect()
}

fn files(linked: &Linked) -> Vec<&str> {
    linked.report.worlds.iter().map(|file| &**file).collect()
}

#[test]
fn worlds_stay_apart_and_the_same_one_is_there_once() {
    let one = object(
        "_start",
        &[("component-type", b"one"), ("component-type:own", b"one")],
    );
    let two = object("two", &[("component-type", b"two")]);
    let same = object("same", &[("component-type", b"one")]);
    let three = object("three", &[("component-type", b"three")]);
    let other = object("other", &[("other-type", b"1")]);
    let job = || {
        Job::new()
            .object("one.o", &one)
            .object("two.o", &two)
            .object("same.o", &same)
            .object("three.o", &three)
            .object("other.o", &other)
            .object("another.o", &other_copy())
            .differs(WHY)
    };
    let lines = [
        "",
        "-O2",
        "--no-gc-sections",
        "-S",
        "-s",
        "--emit-relocs",
        "-r",
        "-shared",
        "-pie",
    ];
    for line in lines {
        let done = job().args(line).link();
        assert_eq!(done.messages(), "", "{line}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&done.module), @r"
            component-type = one
            component-type:own = one
            component-type = two
            component-type = three
            other-type = 12
            ");
        }
        let linked = done.outcome.expect("it links");
        assert_eq!(files(&linked), ["one.o", "one.o", "two.o", "three.o"]);
    }

    // Linked in two steps they are as apart.
    let all = job().args("-r").link().module;
    let again = Job::new().file("all.o", all).args("all.o").differs(WHY);
    assert_eq!(shown(&again.link().module), shown(&job().link().module));
}

/// Other sections of one name become one.
fn other_copy() -> Source {
    object("another", &[("other-type", b"2")])
}

#[test]
fn an_archive_member_that_is_not_linked_describes_nothing() {
    let mut main = object("_start", &[]);
    main.function("calls", sig(0, 0), |body| {
        body.call("used", sig(0, 0));
    });
    let used = object("used", &[("component-type:used", b"used")]);
    let unused = object("unused", &[("component-type:unused", b"unused")]);
    let done = Job::new()
        .object("main.o", &main)
        .archive("lib.a", &[("used.o", &used), ("unused.o", &unused)])
        .link();
    assert_eq!(shown(&done.module), "component-type:used = used\n");
    let linked = done.outcome.expect("it links");
    assert_eq!(files(&linked), ["lib.a(used.o)"]);
}
