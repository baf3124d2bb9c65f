//! Names and what LLVM's demangler shows for them.
//!
//! The tables have a name per line and, behind a tab, its text: nothing for what LLVM leaves as
//! it is. `features.tsv` has the symbols of `features.cc`, compiled with
//! `clang++-19 -std=c++23 -w` for x86-64 and for wasm32-wasi; `grammar.tsv` has names that were
//! written, or drawn at random, from the grammar of the ABI. The texts are those in the `name`
//! section that `rust-lld -flavor wasm` of LLVM 22 and 23 writes for functions of these names.

use std::fmt::Write;

use cxx_demangle::{Demangler, demangle};

const TABLES: [&str; 2] = [
    include_str!("data/features.tsv"),
    include_str!("data/grammar.tsv"),
];

/// The names of both tables, and their texts.
fn pairs() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    TABLES.into_iter().flat_map(str::lines).map(|line| {
        let (name, text) = line.split_once('\t').expect("a tab in every line");
        (name, Some(text).filter(|text| !text.is_empty()))
    })
}

#[test]
fn names_are_shown_as_llvm_shows_them() {
    let mut demangler = Demangler::new();
    let mut differences = String::new();
    let mut names = 0;
    for (name, expected) in pairs() {
        names += 1;
        let mut text = String::from("kept ");
        let demangled = demangler.demangle(name, &mut text);
        let text = text.strip_prefix("kept ").expect("what was there stays");
        if demangled != expected.is_some() || text != expected.unwrap_or_default() {
            let expected = expected.unwrap_or(name);
            writeln!(differences, "{name}\n  ours {text}\n  LLVM {expected}").expect("a string");
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(names > 2000, "{names} names");
}

#[test]
fn one_name_alone_is_shown_the_same() {
    for (name, expected) in pairs().step_by(7) {
        assert_eq!(demangle(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn beginnings_of_names_are_no_names_or_others() {
    // A demangler that reads past the end of a name would find the rest here.
    let mut demangler = Demangler::new();
    for (name, _) in pairs().step_by(11) {
        for end in 0..name.len() {
            let mut text = String::new();
            let demangled = demangler.demangle(&name[..end], &mut text);
            assert_eq!(demangled, !text.is_empty(), "{}", &name[..end]);
            assert_eq!(demangle(&name[..end]).unwrap_or_default(), text);
        }
    }
}
