//! A command line: its arguments are recognised first and take effect afterwards.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::file_rows::{FileOption, LinkedFiles};
use super::link_rows::LinkOption;
use super::numbers::{decimal, with_meant};
use super::row::{Counted, Row, Spec, When};
use super::spellings::{Spellings, ValueAt};
use super::{compatible, row};
use crate::diag::{Code, Diagnostic};
use crate::options::{Options, OutputKind};
use crate::sys;

/// A command line whose arguments are recognised. No option has had an effect yet.
#[derive(Debug, Default)]
pub struct Line {
    /// The arguments, in their order.
    pub items: Vec<Item>,
    /// Errors about unknown options and missing values.
    pub unknown: Vec<Diagnostic>,
}

/// One argument, or an option with its value.
#[derive(Debug, Clone)]
pub enum Item {
    /// A file to link.
    Input(OsString),
    /// An option.
    Option(Arg),
}

/// An option as it was given.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Which option it is.
    pub spec: &'static Spec,
    /// The number of its row in its table.
    pub row: usize,
    /// The argument that names it, as typed.
    pub typed: OsString,
    /// Its value, if it has one here.
    pub value: Option<OsString>,
    /// Whether the value was an argument of its own.
    pub value_is_next: bool,
}

impl Arg {
    /// The argument as messages name it.
    pub fn shown(&self) -> String {
        self.typed.to_string_lossy().into_owned()
    }

    /// The option as typed, without a value behind `=`.
    pub fn name(&self) -> String {
        let shown = self.shown();
        shown.split('=').next().unwrap_or(&shown).to_owned()
    }

    /// The arguments it was made of.
    pub fn raw(&self) -> impl Iterator<Item = &OsStr> {
        let next = self.value.as_deref().filter(|_| self.value_is_next);
        std::iter::once(self.typed.as_os_str()).chain(next)
    }

    /// The value as a path, which may be empty. ([`Set::Path`](super::Set::Path) ignores an empty
    /// path.)
    pub fn path(&self) -> PathBuf {
        self.value.clone().unwrap_or_default().into()
    }

    /// The value as text, which is empty without a value; `None`, with an error, if it is not UTF-8.
    pub fn text(&self, problems: &mut Problems) -> Option<&str> {
        let value = self.value.as_deref().unwrap_or_default();
        let text = value.to_str();
        if text.is_none() {
            let (shown, value) = (self.shown(), value.to_string_lossy());
            problems.error(format!("{shown}: not valid UTF-8: {value}"));
        }
        text
    }

    /// The value as a decimal number; `None`, with an error, if it is anything else.
    pub fn number(&self, problems: &mut Problems) -> Option<u64> {
        let text = self.text(problems)?;
        let number = decimal(text);
        if number.is_none() {
            let message = format!("{}: number expected, but got '{text}'", self.shown());
            problems.error_expecting(message, &with_meant("a decimal number", text));
        }
        number
    }

    /// The choice among [`Spec::choices`] that `text` names; `None`, with an error that lists them,
    /// if it names none.
    pub fn choice(&self, text: &str, problems: &mut Problems) -> Option<&'static str> {
        let choices = self.spec.choices;
        let found = choices.iter().find(|choice| **choice == text).copied();
        if found.is_none() {
            problems.error(format!(
                "{}: unknown value '{text}'; expected {}",
                self.shown(),
                choices.join(", ")
            ));
        }
        found
    }

    fn is(&self, spec: &Spec) -> bool {
        std::ptr::eq(self.spec, spec)
    }
}

/// Errors and warnings about the values of a command line.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<PlacedProblem>,
    /// The option that is being applied, and where it stands.
    spec: Option<&'static Spec>,
    at: usize,
}

#[derive(Debug)]
struct PlacedProblem {
    spec: Option<&'static Spec>,
    at: usize,
    diagnostic: Diagnostic,
}

impl PlacedProblem {
    fn is_about(&self, when: When) -> bool {
        self.spec.is_some_and(|spec| spec.when == when)
    }
}

impl Problems {
    /// Adds an error about the argument that is being applied.
    pub fn error(&mut self, text: impl Into<String>) {
        self.push(Diagnostic::error(Code::InvalidArgument, text));
    }

    /// Adds an error with a note about the valid values.
    pub fn error_expecting(&mut self, text: impl Into<String>, expected: &str) {
        let error = Diagnostic::error(Code::InvalidArgument, text);
        self.push(error.note(format!("expected {expected}")));
    }

    /// Adds a warning.
    pub fn warning(&mut self, text: impl Into<String>) {
        self.push(Diagnostic::warning(Code::InvalidArgument, text));
    }

    /// Adds a diagnostic about the argument that is being applied.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(PlacedProblem {
            spec: self.spec,
            at: self.at,
            diagnostic,
        });
    }

    /// Drops the problems with earlier values of an option, because the option that is being applied
    /// overrides them.
    pub fn forget(&mut self, spec: &Spec) {
        let is_other = |other: &&Spec| !std::ptr::eq(*other, spec);
        (self.found).retain(|problem| problem.spec.as_ref().is_none_or(is_other));
    }

    /// Those that an unknown argument leaves meaningful, before and behind `unknown`; without one,
    /// all in the order of the command line. First come those about how messages are printed.
    fn with(mut self, unknown: Vec<Diagnostic>) -> Vec<Diagnostic> {
        self.found.sort_by_key(|problem| problem.at);
        let (first, others): (Vec<_>, Vec<_>) =
            (self.found.into_iter()).partition(|problem| problem.is_about(When::First));
        let all_known = unknown.is_empty();
        let others = others
            .into_iter()
            .filter(|problem| all_known || problem.is_about(When::Last))
            .map(|problem| problem.diagnostic);
        let first = first.into_iter().map(|problem| problem.diagnostic);
        first.chain(unknown).chain(others).collect()
    }
}

impl Line {
    /// Recognises every argument. `args` has no response files.
    pub fn parse<A: Into<OsString>>(
        args: impl IntoIterator<Item = A>,
        spellings: &Spellings,
    ) -> Self {
        let mut args = args.into_iter().map(Into::into);
        let mut line = Self::default();
        line.items.reserve(args.size_hint().0);
        while let Some(typed) = args.next() {
            let bytes = typed.as_encoded_bytes();
            if bytes.is_empty() {
                // An unset shell variable in quotes leaves this; `wasm-ld` skips it too.
                continue;
            }
            if !bytes.starts_with(b"-") || bytes == b"-" {
                line.items.push(Item::Input(typed));
                continue;
            }
            let Some((found, value_at)) = spellings.find(bytes) else {
                let shown = typed.to_string_lossy();
                let text = format!("unknown argument: {shown}");
                let mut error = Diagnostic::error(Code::UnknownArgument, text);
                if let Some(meant) = spellings.suggest(&shown) {
                    error = error.note(format!("did you mean {meant}?"));
                }
                line.unknown.push(error);
                continue;
            };
            let read = match value_at {
                ValueAt::Absent => Ok(None),
                ValueAt::Offset(at) => sys::tail(&typed, at)
                    .map(Some)
                    .ok_or("the value is not valid Unicode"),
                ValueAt::Next => args.next().map(Some).ok_or("missing argument"),
            };
            match read {
                Ok(value) => line.items.push(Item::Option(Arg {
                    spec: found.spec,
                    row: found.row,
                    value_is_next: value_at == ValueAt::Next,
                    typed,
                    value,
                })),
                Err(why) => {
                    let text = format!("{}: {why}", typed.to_string_lossy());
                    let error = Diagnostic::error(Code::InvalidArgument, text);
                    line.unknown.push(error);
                }
            }
        }
        line
    }

    /// Every option, with its position.
    fn options_given(&self) -> impl DoubleEndedIterator<Item = (usize, &Arg)> {
        let items = self.items.iter().enumerate();
        items.filter_map(|(at, item)| match item {
            Item::Option(arg) => Some((at, arg)),
            Item::Input(_) => None,
        })
    }

    /// Whether an option is given.
    pub fn has(&self, spec: &Spec) -> bool {
        self.options_given().any(|(_, arg)| arg.is(spec))
    }

    /// Whether `on` comes after `off`; `None` when neither is given.
    pub fn flag(&self, on: &Spec, off: &Spec) -> Option<bool> {
        let mut args = self.options_given().rev();
        let (_, last) = args.find(|(_, arg)| arg.is(on) || arg.is(off))?;
        Some(last.is(on))
    }

    /// Applies the options of one table to `target`.
    pub fn apply<T>(&self, rows: &'static [Row<T>], target: &mut T, problems: &mut Problems) {
        self.apply_with(rows, target, problems, |_, _| {});
    }

    /// The same; `input` is called with each input where it stands.
    fn apply_with<T>(
        &self,
        rows: &'static [Row<T>],
        target: &mut T,
        problems: &mut Problems,
        input: impl Fn(&mut T, &OsStr),
    ) {
        let row_of = |arg: &Arg| rows.get(arg.row).filter(|row| arg.is(&row.spec));
        // For each row the position that counts, and whether it has a value.
        let mut last: Vec<Option<(usize, bool)>> = vec![None; rows.len()];
        let mut any_late = false;
        for (at, arg) in self.options_given() {
            let Some(row) = row_of(arg) else { continue };
            any_late |= row.spec.when == When::Last;
            let has_value = arg.value.is_some();
            let last = &mut last[arg.row];
            match row.spec.counts {
                Counted::LastWithValue if !has_value && last.is_some_and(|(_, value)| value) => {}
                Counted::Last | Counted::LastWithValue | Counted::Each => {
                    *last = Some((at, has_value));
                }
            }
        }
        for late in [false, true] {
            if late && !any_late {
                break;
            }
            for (at, item) in self.items.iter().enumerate() {
                match item {
                    Item::Input(path) if !late => input(target, path),
                    Item::Input(_) => {}
                    Item::Option(arg) => {
                        let Some(row::Row { spec, set }) = row_of(arg) else {
                            continue;
                        };
                        let is_last = last[arg.row].is_some_and(|(last, _)| last == at);
                        if (spec.when == When::Last) != late
                            || spec.counts != Counted::Each && !is_last
                        {
                            continue;
                        }
                        problems.at = at;
                        problems.spec = Some(arg.spec);
                        set.apply(target, arg, problems);
                    }
                }
            }
        }
    }

    /// The options of the link.
    pub fn options(&self, problems: &mut Problems) -> Options {
        let mut options = Options::default();
        self.apply(LinkOption::ROWS, &mut options, problems);
        options
    }

    /// The inputs with what the options before each say about it, and the name of the output.
    /// `kind` is what is made: what a loader places may find its libraries through the loader.
    pub fn files(&self, kind: OutputKind, problems: &mut Problems) -> LinkedFiles {
        let mut files = LinkedFiles::new(kind);
        self.apply_with(FileOption::ROWS, &mut files, problems, LinkedFiles::push);
        files
    }

    /// The diagnostics about single arguments: unknown options and invalid values.
    pub fn invalid(&self, problems: Problems) -> Vec<Diagnostic> {
        problems.with(self.unknown.clone())
    }

    /// All diagnostics: unknown options, invalid values and, if all values are valid, options that
    /// contradict each other. In the order of `wasm-ld` as far as it gives
    /// more than one message.
    ///
    /// `options` are those of this line.
    pub fn check(&self, problems: Problems, options: &Options) -> Vec<Diagnostic> {
        self.check_with(problems, options, None)
    }

    /// The same; what a link needs to be made of this line alone is missing without inputs or a
    /// name for the output.
    pub fn check_complete(
        &self,
        problems: Problems,
        options: &Options,
        files: &LinkedFiles,
    ) -> Vec<Diagnostic> {
        self.check_with(problems, options, Some(files))
    }

    fn check_with(
        &self,
        problems: Problems,
        options: &Options,
        complete: Option<&LinkedFiles>,
    ) -> Vec<Diagnostic> {
        let mut all = self.invalid(problems);
        if !all.iter().any(|it| it.is_fatal(options.fatal_warnings)) {
            all.extend(compatible::check(self, options, complete));
        }
        all
    }
}
