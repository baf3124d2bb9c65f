//! The command line, from strings to options: no option has a meaning here yet.

use std::ffi::{OsStr, OsString};

use crate::options::{Opt, ValueAt, find, suggest};
use crate::report::Message;
use crate::sys;

/// One thing on the command line, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Item {
    /// A file to link.
    Input(OsString),
    /// An option.
    Option(Arg),
}

/// An option as it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Arg {
    /// Which option it is.
    pub(crate) opt: Opt,
    /// The argument that names it, as typed.
    pub(crate) typed: OsString,
    /// Its value, if it has one here.
    pub(crate) value: Option<OsString>,
    /// Whether the value was an argument of its own.
    pub(crate) value_is_next: bool,
}

impl Arg {
    /// The argument as messages name it.
    pub(crate) fn shown(&self) -> String {
        self.typed.to_string_lossy().into_owned()
    }

    /// The arguments it was made of.
    pub(crate) fn raw(&self) -> impl Iterator<Item = &OsStr> {
        let next = self.value.as_deref().filter(|_| self.value_is_next);
        std::iter::once(self.typed.as_os_str()).chain(next)
    }
}

/// Recognises every argument. `args` has no response files any more. `suggestions`: whether an
/// unknown argument's message says what was probably meant.
///
/// Returns the items and one error for each argument that is none.
pub(crate) fn parse(args: Vec<OsString>, suggestions: bool) -> (Vec<Item>, Vec<Message>) {
    let mut items = Vec::with_capacity(args.len());
    let mut errors = Vec::new();
    let mut args = args.into_iter();
    while let Some(typed) = args.next() {
        let bytes = typed.as_encoded_bytes();
        if bytes.is_empty() {
            // What an unset shell variable in quotes leaves; `wasm-ld` skips it too.
            continue;
        }
        if !bytes.starts_with(b"-") || bytes == b"-" {
            items.push(Item::Input(typed));
            continue;
        }
        let shown = typed.to_string_lossy();
        let Some((spec, value)) = find(bytes) else {
            errors.push(unknown(&shown, suggestions));
            continue;
        };
        let (value, value_is_next) = match value {
            ValueAt::Absent => (None, false),
            ValueAt::Offset(at) => {
                let Ok(value) = sys::tail(&typed, at) else {
                    errors.push(Message::error(format!(
                        "{shown}: the value is not valid Unicode"
                    )));
                    continue;
                };
                (Some(value), false)
            }
            ValueAt::Next => {
                let Some(next) = args.next() else {
                    errors.push(Message::error(format!("{shown}: missing argument")));
                    continue;
                };
                (Some(next), true)
            }
        };
        items.push(Item::Option(Arg {
            opt: spec.opt,
            typed,
            value,
            value_is_next,
        }));
    }
    (items, errors)
}

fn unknown(shown: &str, suggestions: bool) -> Message {
    let text = format!("unknown argument: {shown}");
    match suggest(shown).filter(|_| suggestions) {
        Some(meant) => Message::error(text).with_note(format!("did you mean {meant}?")),
        None => Message::error(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> (Vec<Item>, Vec<Message>) {
        parse(args.iter().map(OsString::from).collect(), true)
    }

    fn option(opt: Opt, typed: &str, value: Option<&str>, value_is_next: bool) -> Item {
        Item::Option(Arg {
            opt,
            typed: typed.into(),
            value: value.map(OsString::from),
            value_is_next,
        })
    }

    #[test]
    fn values_are_joined_or_separate() {
        let (items, errors) = parsed(&["a.o", "-o", "x", "-ly", "--export=f", "-E", "", "-"]);
        assert_eq!(errors, []);
        assert_eq!(
            items,
            [
                Item::Input("a.o".into()),
                option(Opt::Output, "-o", Some("x"), true),
                option(Opt::Library, "-ly", Some("y"), false),
                option(Opt::Export, "--export=f", Some("f"), false),
                option(Opt::ExportDynamic, "-E", None, false),
                Item::Input("-".into()),
            ]
        );
    }

    #[test]
    fn every_unknown_argument_is_reported() {
        let (items, errors) = parsed(&["--bogus", "a.o", "--exprt-all", "-o"]);
        assert_eq!(items, [Item::Input("a.o".into())]);
        assert_eq!(
            errors,
            [
                Message::error("unknown argument: --bogus"),
                Message::error("unknown argument: --exprt-all")
                    .with_note("did you mean --export-all?"),
                Message::error("-o: missing argument"),
            ]
        );
    }
}
