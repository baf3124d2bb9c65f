//! The option table: what an option is, and how one is found.
//!
//! [`table::OPTIONS`] declares every option once. Parsing, `--help`, the suggestions for
//! unknown options, `docs/options.md`, the shell completions and the manual page are all read
//! from it.

/// Declares [`Opt`] and [`OPTIONS`] together, so that neither can lack what the other has.
macro_rules! options {
    ($($variant:ident { $($field:ident: $value:expr),+ $(,)? })+) => {
        /// An option, whichever way it was spelled.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub(crate) enum Opt { $($variant),+ }

        /// Every option, in the order in which help shows them within their groups.
        pub(crate) static OPTIONS: &[Spec] =
            &[$(Spec { opt: Opt::$variant, $($field: $value,)+ ..Spec::EMPTY }),+];
    };
}

#[cfg(test)]
mod conformance;
mod table;

pub(crate) use table::{OPTIONS, Opt};

/// One option: every way to spell it and what there is to say about it.
pub(crate) struct Spec {
    /// Which option this is; what the rest of the command matches on.
    pub(crate) opt: Opt,
    /// Every spelling; the first is the one that help shows.
    pub(crate) forms: &'static [Form],
    /// What stands for the value in help (`file`, `symbol`); empty for an option without one.
    pub(crate) value: &'static str,
    /// The values that are accepted, where they are a fixed set; for completions.
    pub(crate) choices: &'static [&'static str],
    /// One sentence for `--help`.
    pub(crate) help: &'static str,
    /// What holds when the option is not given; empty where "not" says it.
    pub(crate) default: &'static str,
    /// More than fits in `--help`: what `docs/options.md` adds.
    pub(crate) note: &'static str,
    /// The heading it stands under.
    pub(crate) group: Group,
    /// Not shown by `--help` (but in `docs/options.md`).
    pub(crate) hidden: bool,
}

impl Spec {
    /// The values a table entry starts from; an entry names what differs.
    const EMPTY: Self = Self {
        opt: Opt::Help,
        forms: &[],
        value: "",
        choices: &[],
        help: "",
        default: "",
        note: "",
        group: Group::Output,
        hidden: false,
    };

    /// Whether the option is this command's own rather than one of `wasm-ld`'s.
    pub(crate) fn is_own(&self) -> bool {
        matches!(
            self.group,
            Group::Own | Group::OwnWasi | Group::OwnGenerators
        ) || self.opt == Opt::NoUndefined
    }
}

/// The headings of `--help` and of `docs/options.md`, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Group {
    Output,
    Inputs,
    Symbols,
    Exchange,
    Memory,
    Content,
    Dynamic,
    Lto,
    Messages,
    Own,
    OwnWasi,
    OwnGenerators,
}

impl Group {
    pub(crate) const ALL: [Self; 12] = [
        Self::Output,
        Self::Inputs,
        Self::Symbols,
        Self::Exchange,
        Self::Memory,
        Self::Content,
        Self::Dynamic,
        Self::Lto,
        Self::Messages,
        Self::Own,
        Self::OwnWasi,
        Self::OwnGenerators,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Output => "Output",
            Self::Inputs => "Inputs and libraries",
            Self::Symbols => "Symbols",
            Self::Exchange => "Imports and exports",
            Self::Memory => "Memory and table",
            Self::Content => "What the output contains",
            Self::Dynamic => "Dynamic linking",
            Self::Lto => "Link-time optimisation (LLVM bitcode)",
            Self::Messages => "Messages and reports",
            Self::Own => "wasm-link",
            Self::OwnWasi => "wasm-link: WASI programs",
            Self::OwnGenerators => "wasm-link: files about itself",
        }
    }
}

/// One spelling of an option.
pub(crate) struct Form {
    /// How many dashes may stand before the name.
    pub(crate) dashes: Dashes,
    /// The name without its dashes.
    pub(crate) name: &'static str,
    /// Where the value is.
    pub(crate) takes: Takes,
}

impl Form {
    /// The spelling that documentation shows, dashes included.
    pub(crate) fn shown(&self) -> String {
        match self.dashes {
            Dashes::One => format!("-{}", self.name),
            Dashes::Two | Dashes::Either => format!("--{}", self.name),
        }
    }
}

/// How many dashes a name is written with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dashes {
    /// `-name` only.
    One,
    /// `--name` only: with one dash the argument would mean something else.
    Two,
    /// `-name` or `--name`.
    Either,
}

/// Where a form's value is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    /// There is none: the argument is the name.
    Nothing,
    /// `name=VALUE`.
    Equals,
    /// `name=VALUE`, or `name` and the next argument.
    EqualsOrNext,
    /// `name=VALUE`, or `name` alone.
    OptionalEquals,
    /// `nameVALUE`; the value may be empty.
    Joined,
    /// `nameVALUE`, or `name` and the next argument.
    JoinedOrNext,
}

const fn one(name: &'static str, takes: Takes) -> Form {
    Form {
        dashes: Dashes::One,
        name,
        takes,
    }
}

const fn two(name: &'static str, takes: Takes) -> Form {
    Form {
        dashes: Dashes::Two,
        name,
        takes,
    }
}

const fn either(name: &'static str, takes: Takes) -> Form {
    Form {
        dashes: Dashes::Either,
        name,
        takes,
    }
}

/// Where the value of a recognised argument stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ValueAt {
    /// There is none.
    Absent,
    /// In the same argument, from this byte on.
    Offset(usize),
    /// In the next argument.
    Next,
}

/// Finds the option that the argument `arg` is, and where its value stands.
///
/// Several forms can fit (`-export-all` is `-e` with the value `xport-all`, since `--export-all`
/// insists on two dashes): the longest name that accepts the whole argument is taken, which is
/// how `wasm-ld` decides. `None` when nothing fits. `arg` begins with a dash.
pub(crate) fn find(arg: &[u8]) -> Option<(&'static Spec, ValueAt)> {
    let (dashes, name_at) = if arg.starts_with(b"--") {
        (Dashes::Two, 2)
    } else {
        (Dashes::One, 1)
    };
    let text = &arg[name_at..];
    let mut best: Option<(&'static Spec, ValueAt, usize)> = None;
    for spec in OPTIONS {
        for form in spec.forms {
            if form.dashes != Dashes::Either && form.dashes != dashes {
                continue;
            }
            let Some(rest) = text.strip_prefix(form.name.as_bytes()) else {
                continue;
            };
            let Some(value) = accept(form.takes, rest, arg.len()) else {
                continue;
            };
            if best.is_none_or(|(_, _, length)| length < form.name.len()) {
                best = Some((spec, value, form.name.len()));
            }
        }
    }
    best.map(|(spec, value, _)| (spec, value))
}

/// Where the value is when `rest` follows a form's name in an argument of `length` bytes.
fn accept(takes: Takes, rest: &[u8], length: usize) -> Option<ValueAt> {
    let value_at = length - rest.len();
    let equals = rest
        .starts_with(b"=")
        .then_some(ValueAt::Offset(value_at + 1));
    match takes {
        Takes::Nothing => rest.is_empty().then_some(ValueAt::Absent),
        Takes::Equals => equals,
        Takes::EqualsOrNext => {
            if rest.is_empty() {
                Some(ValueAt::Next)
            } else {
                equals
            }
        }
        Takes::OptionalEquals => {
            if rest.is_empty() {
                Some(ValueAt::Absent)
            } else {
                equals
            }
        }
        Takes::JoinedOrNext if rest.is_empty() => Some(ValueAt::Next),
        Takes::Joined | Takes::JoinedOrNext => Some(ValueAt::Offset(value_at)),
    }
}

/// What the writer of an unknown argument probably meant, spelled as it has to be.
///
/// Names at most a third of their length away are offered; a name that exists but was written
/// with a value where none goes, or without one, is offered in its right form.
pub(crate) fn suggest(arg: &str) -> Option<String> {
    let typed = arg.trim_start_matches('-');
    let name = typed.split('=').next().unwrap_or(typed);
    if name.len() < 2 {
        return None;
    }
    OPTIONS
        .iter()
        .filter(|spec| !spec.hidden)
        .flat_map(|spec| spec.forms.iter().map(move |form| (spec, form)))
        .filter(|(_, form)| form.name.len() > 1)
        .map(|(spec, form)| (strsim::damerau_levenshtein(name, form.name), spec, form))
        .filter(|(distance, _, form)| *distance <= name.len().min(form.name.len()).div_ceil(3))
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, spec, form)| spelled_with_value(spec, form))
}

/// A form as a user writes it: `--export=<symbol>`, `-o <path>`, `--gc-sections`.
pub(crate) fn spelled_with_value(spec: &Spec, form: &Form) -> String {
    let shown = form.shown();
    match form.takes {
        Takes::Nothing => shown,
        Takes::Equals | Takes::EqualsOrNext => format!("{shown}=<{}>", spec.value),
        Takes::OptionalEquals => format!("{shown}[=<{}>]", spec.value),
        Takes::Joined => format!("{shown}<{}>", spec.value),
        Takes::JoinedOrNext => format!("{shown} <{}>", spec.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arg: &str) -> Option<(Opt, ValueAt)> {
        find(arg.as_bytes()).map(|(spec, value)| (spec.opt, value))
    }

    #[test]
    fn every_option_stands_in_the_table_once_and_can_be_found() {
        for (index, spec) in OPTIONS.iter().enumerate() {
            assert_eq!(spec.opt as usize, index);
            assert!(
                !spec.help.is_empty() && !spec.forms.is_empty(),
                "{:?}",
                spec.opt
            );
            assert_eq!(
                spec.value.is_empty(),
                spec.forms.iter().all(|f| f.takes == Takes::Nothing)
            );
            for form in spec.forms {
                let suffix = match form.takes {
                    Takes::Nothing | Takes::OptionalEquals | Takes::EqualsOrNext => "",
                    Takes::Equals => "=v",
                    Takes::Joined | Takes::JoinedOrNext => "1",
                };
                assert_eq!(
                    found(&format!("{}{suffix}", form.shown())).map(|f| f.0),
                    Some(spec.opt),
                    "{}",
                    form.shown()
                );
            }
        }
    }

    #[test]
    fn no_spelling_belongs_to_two_options() {
        let mut spellings: Vec<_> = OPTIONS
            .iter()
            .flat_map(|spec| spec.forms)
            .flat_map(|form| {
                let dashes: &[&str] = match form.dashes {
                    Dashes::One => &["-"],
                    Dashes::Two => &["--"],
                    Dashes::Either => &["-", "--"],
                };
                dashes.iter().map(move |d| format!("{d}{}", form.name))
            })
            .collect();
        spellings.sort();
        let all = spellings.len();
        spellings.dedup();
        assert_eq!(all, spellings.len());
    }

    #[test]
    fn the_longest_name_that_accepts_the_argument_wins() {
        assert_eq!(
            found("--export-all"),
            Some((Opt::ExportAll, ValueAt::Absent))
        );
        assert_eq!(found("-export-all"), Some((Opt::Entry, ValueAt::Offset(2))));
        assert_eq!(found("-export=f"), Some((Opt::Export, ValueAt::Offset(8))));
        assert_eq!(
            found("-max-memory=1"),
            Some((Opt::Emulation, ValueAt::Offset(2)))
        );
        assert_eq!(
            found("--max-memory=1"),
            Some((Opt::MaxMemory, ValueAt::Offset(13)))
        );
        assert_eq!(found("-lto-O2"), Some((Opt::Library, ValueAt::Offset(2))));
        assert_eq!(found("--lto-O2"), Some((Opt::LtoO, ValueAt::Offset(7))));
        assert_eq!(found("--build-id"), Some((Opt::BuildId, ValueAt::Absent)));
        assert_eq!(
            found("--build-id=sha1"),
            Some((Opt::BuildId, ValueAt::Offset(11)))
        );
        assert_eq!(found("-o"), Some((Opt::Output, ValueAt::Next)));
        assert_eq!(found("--gc-sections=1"), None);
        assert_eq!(found("--"), None);
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(suggest("--exprt-all").as_deref(), Some("--export-all"));
        assert_eq!(suggest("--features").as_deref(), Some("--features=<list>"));
        assert_eq!(suggest("--gc-sections=1").as_deref(), Some("--gc-sections"));
        assert_eq!(suggest("--bogus"), None);
        assert_eq!(suggest("--"), None);
    }
}
