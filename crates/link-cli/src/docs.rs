//! What is generated from the option table: help, `docs/options.md`, completions, manual page.

mod completions;
mod help;
mod man;
mod markdown;

pub(crate) use completions::completions;
pub(crate) use help::help;
pub(crate) use man::man;
pub(crate) use markdown::options_md;

use link_core::args::{Group, Spec, Spellings, Takes};

/// The options of `group`, hidden ones only when asked for.
fn options_of(
    spellings: &Spellings,
    group: Group,
    hidden: bool,
) -> impl Iterator<Item = &'static Spec> {
    let specs = spellings.specs().into_iter();
    specs.filter(move |spec| spec.group == group && (hidden || !spec.hidden))
}

/// The first spelling with its value, then the others by their names.
fn spellings(spec: &Spec) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for form in spec.forms {
        // One name can have a form for each number of dashes.
        if names.contains(&form.name) {
            continue;
        }
        names.push(form.name);
        all.push(if all.is_empty() || form.takes == Takes::JoinedOrNext {
            spec.with_value(form)
        } else {
            form.shown()
        });
    }
    all
}

/// Help with the default at its end, in brackets.
fn help_with_default(spec: &Spec) -> String {
    match spec.default {
        "" => spec.help.to_owned(),
        text if text.starts_with("default") => format!("{} ({text})", spec.help),
        text => format!("{} (default: {text})", spec.help),
    }
}

/// The note, with what holds for every option that needs a native link.
fn note(spec: &Spec) -> String {
    let native_only = spec.native_only.then_some("An error where LLD links.");
    let note = Some(spec.note).filter(|note| !note.is_empty());
    let parts: Vec<_> = note.into_iter().chain(native_only).collect();
    parts.join(" ")
}
