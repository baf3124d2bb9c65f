//! The table against the reference `rust-lld`, where that is installed: every spelling, with one dash
//! and with two, with a value and without, is taken for an option by both or by neither.

use std::process::Command;

use link_core::args::{Dashes, Line, Takes};
use link_core::diag::Code;
use test_objects::lld;

use super::{Opt, spellings};

/// The arguments among `args` that the reference says it does not know, if it is installed.
fn unknown_to_lld(args: &[String]) -> Option<Vec<String>> {
    let reference = lld::reference()?;
    // Some options make a file at once.
    let dir = tempfile::tempdir().expect("a temporary directory");
    // It stops after 20 errors, whatever --error-limit says: arguments are read before it.
    let unknown = args
        .chunks(18)
        .flat_map(|args| {
            let output = Command::new(reference)
                .current_dir(dir.path())
                .args(["-flavor", "wasm", "--an-unknown-one"])
                .args(args)
                .output()
                .expect("rust-lld runs");
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            let unknown: Vec<_> = stderr
                .lines()
                .filter_map(|line| line.split("unknown argument: ").nth(1))
                .map(str::to_owned)
                .collect();
            assert_eq!(unknown[0], "--an-unknown-one", "{stderr}");
            unknown.into_iter().skip(1).collect::<Vec<_>>()
        })
        .collect();
    Some(unknown)
}

fn unknown_to_us(args: &[String]) -> Vec<String> {
    let line = Line::parse(args, &spellings());
    let unknown = line.unknown.iter();
    unknown
        .filter(|error| error.code == Code::UnknownArgument)
        .filter_map(|error| error.message.strip_prefix("unknown argument: "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_spelling_is_one_of_llds() {
    let mut args = Vec::new();
    for spec in spellings().specs().iter().filter(|spec| !spec.extension) {
        // Each ends the run when it is seen.
        if [Opt::Help, Opt::Mllvm]
            .map(Opt::spec)
            .iter()
            .any(|it| std::ptr::eq(*it, *spec))
        {
            continue;
        }
        for form in spec.forms {
            for dashes in ["-", "--"] {
                args.push(format!("{dashes}{}=1", form.name));
                args.push(format!("{dashes}{}", form.name));
                let accepted = match form.dashes {
                    Dashes::One => dashes == "-",
                    Dashes::Two => dashes == "--",
                    Dashes::Either => true,
                };
                if accepted && matches!(form.takes, Takes::EqualsOrNext | Takes::JoinedOrNext) {
                    args.push("1".to_owned());
                }
            }
        }
    }
    if let Some(unknown) = unknown_to_lld(&args) {
        assert_eq!(unknown_to_us(&args), unknown);
    }
}

/// They work under the name of `wasm-ld`, too.
#[test]
fn no_option_of_this_command_alone_is_one_of_llds() {
    let specs = spellings().specs();
    let own = specs.iter().filter(|spec| spec.extension);
    let args: Vec<_> = own
        .flat_map(|spec| spec.forms)
        .flat_map(|form| [format!("--{}", form.name), format!("--{}=1", form.name)])
        .collect();
    if let Some(unknown) = unknown_to_lld(&args) {
        assert_eq!(unknown, args);
    }
}
