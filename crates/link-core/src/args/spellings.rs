//! Finding the option that an argument is.

use super::row::{Dashes, Row, Spec, Spelling, Takes};

/// The options that a command line may have, by their spellings.
#[derive(Debug)]
pub struct Spellings {
    known: Vec<Known>,
    /// For each first byte of a name the last spelling in `known` that has it, from 1 on; 0 for
    /// none. Making this costs little even for a line of few arguments.
    last: [u16; 256],
}

#[derive(Debug, Clone, Copy)]
struct Known {
    spelling: &'static Spelling,
    found: FoundRow,
    /// The spelling before it whose name begins with the same byte, as in `last`.
    previous: u16,
}

/// The row of an option.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundRow {
    pub(super) spec: &'static Spec,
    /// Its number in its table.
    pub(super) row: usize,
}

/// Where the value of a recognised argument stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueAt {
    /// The option has no value here.
    Absent,
    /// In the same argument, from this byte on.
    Offset(usize),
    /// In the next argument.
    Next,
}

impl Default for Spellings {
    /// None yet.
    fn default() -> Self {
        Self {
            known: Vec::with_capacity(256),
            last: [0; 256],
        }
    }
}

impl Spellings {
    /// Adds the options of a table.
    #[must_use]
    pub fn with<T>(mut self, rows: &'static [Row<T>]) -> Self {
        for (row, Row { spec, .. }) in rows.iter().enumerate() {
            let found = FoundRow { spec, row };
            for spelling in spec.forms {
                let last = &mut self.last[first_byte(spelling.name.as_bytes())];
                self.known.push(Known {
                    spelling,
                    found,
                    previous: *last,
                });
                *last = self.known.len() as u16;
            }
        }
        self
    }

    /// Every option, in the order in which help shows them within their groups.
    pub fn specs(&self) -> Vec<&'static Spec> {
        let mut specs: Vec<&'static Spec> = Vec::new();
        for Known {
            spelling, found, ..
        } in &self.known
        {
            let spec = found.spec;
            // A row is there once for each of its spellings.
            let first = spec.forms.first();
            if first.is_none_or(|first| !std::ptr::eq(*spelling, first)) {
                continue;
            }
            let before = |other: &&Spec| other.forms.iter().any(|form| form.name == spec.before);
            let place = match spec.before {
                "" => None,
                _ => specs.iter().position(before),
            };
            specs.insert(place.unwrap_or(specs.len()), spec);
        }
        specs
    }

    /// The mistakes in the tables: an option without spelling or help, a value whose name and
    /// spellings disagree, and a spelling that stands twice or leads to another option. A program that declares
    /// options can test that there are none.
    ///
    /// ```
    /// use link_core::args::Spellings;
    ///
    /// assert_eq!(Spellings::of_links().mistakes(), [""; 0]);
    /// ```
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut seen = Vec::new();
        for Known {
            spelling, found, ..
        } in &self.known
        {
            let (spec, shown) = (found.spec, spelling.shown());
            if spec.help.is_empty() {
                mistakes.push(format!("{shown}: no help"));
            }
            let takes_value = spec.forms.iter().any(|form| form.takes != Takes::Nothing);
            if takes_value == spec.value.is_empty() {
                mistakes.push(format!(
                    "{shown}: a value without a name, or a name without one"
                ));
            }
            let value = match spelling.takes {
                Takes::Nothing | Takes::OptionalEquals | Takes::EqualsOrNext => "",
                Takes::Equals => "=v",
                Takes::Joined | Takes::JoinedOrNext => "1",
            };
            let dashes: &[&str] = match spelling.dashes {
                Dashes::One => &["-"],
                Dashes::Two => &["--"],
                Dashes::Either => &["-", "--"],
            };
            for dash in dashes {
                let name = format!("{dash}{}", spelling.name);
                let arg = format!("{name}{value}");
                let leads_here = |(other, _): (FoundRow, _)| std::ptr::eq(other.spec, spec);
                if !self.find(arg.as_bytes()).is_some_and(leads_here) {
                    mistakes.push(format!("{arg}: leads to another option"));
                }
                if seen.contains(&name) {
                    mistakes.push(format!("{name}: a spelling for the second time"));
                }
                seen.push(name);
            }
        }
        mistakes
    }

    /// Finds the option that `arg`, which begins with a dash, is, and where its value stands.
    ///
    /// Several spellings can fit (`-export-all` is `-e` with the value `xport-all`, since
    /// `--export-all` insists on two dashes): the longest name that accepts the whole argument is
    /// taken, which is how `wasm-ld` decides. `None` when nothing fits.
    pub(super) fn find(&self, arg: &[u8]) -> Option<(FoundRow, ValueAt)> {
        let (dashes, name_at) = if arg.starts_with(b"--") {
            (Dashes::Two, 2)
        } else {
            (Dashes::One, 1)
        };
        let text = arg.get(name_at..)?;
        let mut best: Option<(FoundRow, ValueAt, usize)> = None;
        let mut next = self.last[first_byte(text)];
        while let Some(known) = usize::from(next).checked_sub(1).map(|at| &self.known[at]) {
            next = known.previous;
            let Spelling { name, takes, .. } = *known.spelling;
            if known.spelling.dashes != Dashes::Either && known.spelling.dashes != dashes {
                continue;
            }
            let Some(rest) = text.strip_prefix(name.as_bytes()) else {
                continue;
            };
            if let Some(value) = accept(takes, rest, arg.len())
                && best.is_none_or(|(_, _, length)| length < name.len())
            {
                best = Some((known.found, value, name.len()));
            }
        }
        best.map(|(found, value, _)| (found, value))
    }

    /// The spelling that the writer of an unknown argument probably meant.
    ///
    /// Names at most a third of their length away are offered; a name that exists but was written
    /// with a value where none goes, or without one, is offered in its right form.
    pub fn suggest(&self, arg: &str) -> Option<String> {
        let typed = arg.trim_start_matches('-');
        let name = typed.split('=').next().unwrap_or(typed);
        if name.len() < 2 {
            return None;
        }
        self.specs()
            .iter()
            .filter(|spec| !spec.hidden)
            .flat_map(|spec| spec.forms.iter().map(move |form| (spec, form)))
            .filter(|(_, form)| form.name.len() > 1)
            .map(|(spec, form)| (strsim::damerau_levenshtein(name, form.name), spec, form))
            .filter(|(distance, _, form)| *distance <= name.len().min(form.name.len()).div_ceil(3))
            .min_by_key(|(distance, _, _)| *distance)
            .map(|(_, spec, form)| spec.with_value(form))
    }
}

/// The first byte of a name; no name is empty.
fn first_byte(name: &[u8]) -> usize {
    name.first().map_or(0, |&byte| usize::from(byte))
}

/// Where the value is when `rest` follows a spelling's name in an argument of `length` bytes.
fn accept(takes: Takes, rest: &[u8], length: usize) -> Option<ValueAt> {
    let value_at = length - rest.len();
    let equals = rest
        .starts_with(b"=")
        .then_some(ValueAt::Offset(value_at + 1));
    match takes {
        Takes::Nothing | Takes::OptionalEquals if rest.is_empty() => Some(ValueAt::Absent),
        Takes::EqualsOrNext | Takes::JoinedOrNext if rest.is_empty() => Some(ValueAt::Next),
        Takes::Nothing => None,
        Takes::Equals | Takes::EqualsOrNext | Takes::OptionalEquals => equals,
        Takes::Joined | Takes::JoinedOrNext => Some(ValueAt::Offset(value_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileOption, LinkOption, Set, either, one};
    use super::*;

    fn spellings() -> Spellings {
        Spellings::of_links()
    }

    fn found(arg: &str) -> Option<(&'static str, ValueAt)> {
        let (found, value) = spellings().find(arg.as_bytes())?;
        Some((found.spec.forms[0].name, value))
    }

    #[test]
    fn the_longest_name_that_accepts_the_argument_wins() {
        assert_eq!(found("--export-all"), Some(("export-all", ValueAt::Absent)));
        assert_eq!(found("-export-all"), Some(("entry", ValueAt::Offset(2))));
        assert_eq!(found("-export=f"), Some(("export", ValueAt::Offset(8))));
        assert_eq!(found("-max-memory=1"), Some(("m", ValueAt::Offset(2))));
        let max = Some(("max-memory", ValueAt::Offset(13)));
        assert_eq!(found("--max-memory=1"), max);
        assert_eq!(found("-lto-O2"), Some(("l", ValueAt::Offset(2))));
        assert_eq!(found("--build-id"), Some(("build-id", ValueAt::Absent)));
        let sha1 = Some(("build-id", ValueAt::Offset(11)));
        assert_eq!(found("--build-id=sha1"), sha1);
        assert_eq!(found("-o"), Some(("o", ValueAt::Next)));
        for none in ["--gc-sections=1", "--", "-", "--\u{e9}"] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn every_spelling_leads_to_its_row() {
        let spellings = spellings();
        let all = FileOption::ROWS.len() + LinkOption::ROWS.len();
        assert_eq!(spellings.specs().len(), all);
        assert_eq!(spellings.mistakes(), [""; 0]);
    }

    crate::option_rows! {
        /// A table with mistakes.
        enum Wrong of () {
            Silent {
                forms: &[either("silent", Takes::Nothing)],
            } => Set::Nothing,
            Nameless {
                forms: &[either("nameless", Takes::Equals)],
                help: "Its value has no name",
            } => Set::Nothing,
            Twice {
                forms: &[one("silent", Takes::Nothing)],
                help: "It has the spelling of another option",
            } => Set::Nothing,
        }
    }

    #[test]
    fn mistakes_in_tables_are_found() {
        let mistakes = Spellings::default().with(Wrong::ROWS).mistakes();
        assert_eq!(
            mistakes,
            [
                "--silent: no help",
                "-silent: leads to another option",
                "--nameless: a value without a name, or a name without one",
                "-silent: a spelling for the second time",
            ]
        );
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let suggest = |arg| spellings().suggest(arg);
        assert_eq!(suggest("--exprt-all").as_deref(), Some("--export-all"));
        assert_eq!(suggest("--features").as_deref(), Some("--features=<list>"));
        assert_eq!(suggest("--gc-sections=1").as_deref(), Some("--gc-sections"));
        assert_eq!(suggest("--bogus"), None);
        assert_eq!(suggest("--"), None);
    }
}
