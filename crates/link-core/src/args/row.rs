//! Options as rows of a table.

use std::path::PathBuf;

use super::line::{Arg, Problems};

/// One option: its spellings, its documentation, and its effect on a `T`.
#[derive(Debug)]
pub struct Row<T: 'static> {
    /// Its spellings and documentation.
    pub spec: Spec,
    /// Its effect.
    pub set: Set<T>,
}

/// The spellings and the documentation of an option.
#[derive(Debug)]
pub struct Spec {
    /// Every spelling; help shows the first.
    pub forms: &'static [Spelling],
    /// The name of the value in help (`file`, `symbol`); empty for an option without a value.
    pub value: &'static str,
    /// The values that are accepted, where they are a fixed set; for completions.
    pub choices: &'static [&'static str],
    /// One sentence for `--help`.
    pub help: &'static str,
    /// The behaviour without the option; empty if that goes without saying.
    pub default: &'static str,
    /// Documentation that does not fit in `--help`.
    pub note: &'static str,
    /// The heading it stands under.
    pub group: Group,
    /// Not shown by `--help`.
    pub hidden: bool,
    /// `wasm-ld` has no such option.
    pub extension: bool,
    /// A link by `wasm-ld` cannot honour it, so there the option is an error. Set in addition to
    /// [`extension`](Self::extension).
    pub native_only: bool,
    /// Whether the value is the path of a file.
    pub path: PathUse,
    /// The name of an option before which help lists this one; at the end without it.
    pub before: &'static str,
    /// Which of several occurrences count.
    pub counts: Counted,
    /// When it takes effect.
    pub when: When,
}

impl Spec {
    /// The values that a row starts from; a row names what differs.
    pub const NEW: Self = Self {
        forms: &[],
        value: "",
        choices: &[],
        help: "",
        default: "",
        note: "",
        group: Group::OUTPUT,
        hidden: false,
        extension: false,
        native_only: false,
        path: PathUse::None,
        before: "",
        counts: Counted::Last,
        when: When::InOrder,
    };

    /// A spelling of this option as a user writes it: `--export=<symbol>`, `-o <path>`,
    /// `--gc-sections`.
    pub fn with_value(&self, spelling: &Spelling) -> String {
        let shown = spelling.shown();
        match spelling.takes {
            Takes::Nothing => shown,
            Takes::Equals | Takes::EqualsOrNext => format!("{shown}=<{}>", self.value),
            Takes::OptionalEquals => format!("{shown}[=<{}>]", self.value),
            Takes::Joined => format!("{shown}<{}>", self.value),
            Takes::JoinedOrNext => format!("{shown} <{}>", self.value),
        }
    }

    /// The accepted values as a message lists them: `a, b or c`.
    pub fn choices_listed(&self) -> String {
        match self.choices.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => self.choices.concat(),
        }
    }
}

/// A heading of help, by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(pub &'static str);

impl Group {
    /// The kind of output.
    pub const OUTPUT: Self = Self("Output");
    /// Inputs and libraries.
    pub const INPUTS: Self = Self("Inputs and libraries");
    /// Needed and undefined symbols.
    pub const SYMBOLS: Self = Self("Symbols");
    /// Imports and exports.
    pub const EXCHANGE: Self = Self("Imports and exports");
    /// Memory and table.
    pub const MEMORY: Self = Self("Memory and table");
    /// The parts of the inputs that are in the output.
    pub const CONTENT: Self = Self("What the output contains");
    /// Position-independent code and shared libraries.
    pub const DYNAMIC: Self = Self("Dynamic linking");
    /// Messages and reports.
    pub const MESSAGES: Self = Self("Messages and reports");
    /// Options that `wasm-ld` does not have.
    pub const OWN: Self = Self("wasm-link");
}

/// One spelling of an option.
#[derive(Debug)]
pub struct Spelling {
    /// How many dashes may stand before the name.
    pub dashes: Dashes,
    /// The name without its dashes.
    pub name: &'static str,
    /// Where the value is.
    pub takes: Takes,
}

impl Spelling {
    /// The spelling that documentation shows, dashes included.
    pub fn shown(&self) -> String {
        match self.dashes {
            Dashes::One => format!("-{}", self.name),
            Dashes::Two | Dashes::Either => format!("--{}", self.name),
        }
    }
}

/// `-name` only.
pub const fn one(name: &'static str, takes: Takes) -> Spelling {
    let dashes = Dashes::One;
    Spelling {
        dashes,
        name,
        takes,
    }
}

/// `--name` only.
pub const fn two(name: &'static str, takes: Takes) -> Spelling {
    let dashes = Dashes::Two;
    Spelling {
        dashes,
        name,
        takes,
    }
}

/// `-name` or `--name`.
pub const fn either(name: &'static str, takes: Takes) -> Spelling {
    let dashes = Dashes::Either;
    Spelling {
        dashes,
        name,
        takes,
    }
}

/// How many dashes a name is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dashes {
    /// `-name` only.
    One,
    /// `--name` only: with one dash the argument would mean something else.
    Two,
    /// `-name` or `--name`.
    Either,
}

/// Where the value of a spelling is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// The option has no value: the argument is the name.
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

/// Whether the value of an option is the path of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathUse {
    /// The value is not a path, or a path that the link itself does not use.
    None,
    /// The link reads what is there.
    Read,
    /// The link writes there.
    Written,
}

/// Which occurrences of an option count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The last; no other one is looked at.
    Last,
    /// The last that has a value, and the last of all if none has one.
    LastWithValue,
    /// Each, in the order of the command line.
    Each,
}

/// When an option takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before messages are printed: it is about them. An invalid value is reported first.
    First,
    /// Where it stands, so that the later of two options about one thing counts.
    InOrder,
    /// After all others, wherever it stands, so that it wins. A problem with its value is reported
    /// even if another argument is unknown.
    Last,
}

/// The effect of an option on a `T`.
#[derive(Debug)]
pub enum Set<T: 'static> {
    /// No effect: the option describes the default, or the program looks it up by its row.
    Nothing,
    /// An option without a value.
    Flag(fn(&mut T)),
    /// Any value.
    Text(fn(&mut T, &str)),
    /// Values separated by commas; nothing stands between two commas.
    List(fn(&mut T, Vec<String>)),
    /// A decimal number.
    Number(fn(&mut T, u64)),
    /// One of [`Spec::choices`].
    Choice(fn(&mut T, &'static str)),
    /// A path; an empty one counts as not given.
    Path(fn(&mut T, PathBuf)),
    /// A value with rules of its own.
    Custom(fn(&mut T, &Arg, &mut Problems)),
}

impl<T> Set<T> {
    /// Changes `target` as `arg` says.
    pub(super) fn apply(&self, target: &mut T, arg: &Arg, problems: &mut Problems) {
        match self {
            Self::Nothing => {}
            Self::Flag(set) => set(target),
            Self::Text(set) => {
                if let Some(text) = arg.text(problems) {
                    set(target, text);
                }
            }
            Self::List(set) => {
                if let Some(text) = arg.text(problems) {
                    let parts = text.split(',').filter(|part| !part.is_empty());
                    set(target, parts.map(str::to_owned).collect());
                }
            }
            Self::Number(set) => {
                if let Some(number) = arg.number(problems) {
                    set(target, number);
                }
            }
            Self::Choice(set) => {
                let text = arg.text(problems);
                if let Some(choice) = text.and_then(|text| arg.choice(text, problems)) {
                    set(target, choice);
                }
            }
            Self::Path(set) => {
                if let Some(path) = arg.value.as_ref().filter(|path| !path.is_empty()) {
                    set(target, path.into());
                }
            }
            Self::Custom(set) => set(target, arg, problems),
        }
    }
}

/// Declares a table of options and an enum with a variant for each, so that neither can lack what
/// the other has.
///
/// A row begins with the fields of [`Spec`] that differ from [`Spec::NEW`]; behind the
/// arrow stands the [`Set`], its effect. A command adds its own options to those of
/// a link like this:
///
/// ```
/// use link_core::args::{Group, Line, Problems, Set, Spellings, Takes, either, one};
/// use link_core::{Options, option_rows};
///
/// #[derive(Default)]
/// struct Command {
///     quiet: bool,
/// }
///
/// option_rows! {
///     /// Options of this command alone.
///     enum Own of Command {
///         Quiet {
///             forms: &[either("quiet", Takes::Nothing), one("q", Takes::Nothing)],
///             group: Group::MESSAGES,
///             help: "Print no warnings",
///         } => Set::Flag(|command| command.quiet = true),
///     }
/// }
///
/// let spellings = Spellings::of_links().with(Own::ROWS);
/// let line = Line::parse(["main.o", "-q", "--no-entry"], &spellings);
/// let (mut command, mut problems) = (Command::default(), Problems::default());
/// line.apply(Own::ROWS, &mut command, &mut problems);
/// let options = line.options(&mut problems);
/// assert!(command.quiet && options.entry_name().is_none());
/// assert_eq!(line.check(problems, &options), []);
/// ```
#[macro_export]
macro_rules! option_rows {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident of $target:ty {
            $($variant:ident { $($field:ident: $value:expr),+ $(,)? } => $set:expr,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        $visibility enum $name {
            $(#[allow(missing_docs, reason = "the row says it")] $variant),+
        }

        impl $name {
            /// Every row, in the order of the variants.
            $visibility const ROWS: &'static [$crate::args::Row<$target>] = {
                // A row is known by its address, and only a static has one for certain.
                static ROWS: [$crate::args::Row<$target>; $name::ALL.len()] =
                    [$($crate::args::Row {
                        spec: $crate::args::Spec { $($field: $value,)+ ..$crate::args::Spec::NEW },
                        set: $set,
                    }),+];
                &ROWS
            };

            /// Every option.
            $visibility const ALL: &'static [Self] = &[$($name::$variant),+];

            /// The option's spellings and documentation.
            #[allow(dead_code, reason = "not every table needs it")]
            $visibility fn spec(self) -> &'static $crate::args::Spec {
                &Self::ROWS[self as usize].spec
            }

            /// The option of this table that an argument is; `None` if it belongs to another table.
            #[allow(dead_code, reason = "not every table needs it")]
            $visibility fn of(arg: &$crate::args::Arg) -> Option<Self> {
                let option = *Self::ALL.get(arg.row)?;
                std::ptr::eq(option.spec(), arg.spec).then_some(option)
            }
        }
    };
}
