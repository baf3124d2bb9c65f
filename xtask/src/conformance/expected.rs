//! The committed list of expected results: a line per test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::Result;
use crate::conformance::lit::Outcomes;

/// What a linker makes of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// Everything else that lit can say: a test that does not run is not passed.
    Fail,
}

impl Verdict {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "pass" => Some(Self::Pass),
            "fail" => Some(Self::Fail),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The path below `lld/test/wasm`.
    pub(super) test: String,
    /// What `wasm-link` makes of it.
    pub(super) ours: Verdict,
    /// What `rust-lld` makes of it.
    pub(super) theirs: Verdict,
    /// Why the two differ, or why neither passes; empty where both pass.
    pub(super) reason: String,
}

impl Row {
    pub(super) fn needs_reason(&self) -> bool {
        (self.ours, self.theirs) != (Verdict::Pass, Verdict::Pass)
    }
}

/// The list, by test.
pub(super) struct Expected {
    pub(super) rows: BTreeMap<String, Row>,
}

const HEADING: &str = "\
# What wasm-link and rust-lld make of LLVM's lld/test/wasm (LLVM 19, without lto/).
# A line: the test, wasm-link's result, rust-lld's result, and why unless both pass.
# `cargo xtask conformance` fails when wasm-link does worse than this; with --save it rewrites
# the results and keeps the reasons, which are written by hand.
";

impl Expected {
    /// Reads the list. A list that is not there yet is an empty one.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{}: {error}", path.display()).into()),
        };
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut rows = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let row = parse_row(line).ok_or_else(|| {
                format!(
                    "line {}: expected TEST pass|fail pass|fail [REASON]",
                    number + 1
                )
            })?;
            if let Some(twice) = rows.insert(row.test.clone(), row) {
                return Err(format!("line {}: `{}` is there twice", number + 1, twice.test).into());
            }
        }
        Ok(Self { rows })
    }

    /// Takes over the results of a run; one that was not `filtered` is the whole suite.
    pub(super) fn update(&mut self, rows: Vec<Row>, filtered: bool) {
        if !filtered {
            self.rows.clear();
        }
        for mut row in rows {
            if !row.needs_reason() {
                row.reason.clear();
            }
            self.rows.insert(row.test.clone(), row);
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result {
        let mut text = HEADING.to_owned();
        let width = self.rows.keys().map(String::len).max().unwrap_or(0);
        for row in self.rows.values() {
            let (ours, theirs) = (row.ours.word(), row.theirs.word());
            let line = format!("{:width$} {ours} {theirs} {}", row.test, row.reason);
            writeln!(text, "{}", line.trim_end())?;
        }
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// The tests of the list that `outcomes` do not have.
    pub(super) fn missing(&self, outcomes: &Outcomes) -> Vec<String> {
        let tests = self.rows.keys();
        tests
            .filter(|&test| !outcomes.tests.contains_key(test))
            .cloned()
            .collect()
    }
}

/// Splits a line at its first three runs of blanks.
fn parse_row(line: &str) -> Option<Row> {
    let (test, rest) = line.split_once(' ')?;
    let (ours, rest) = rest.trim_start().split_once(' ')?;
    let (theirs, reason) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
    Some(Row {
        test: test.to_owned(),
        ours: Verdict::parse(ours)?,
        theirs: Verdict::parse(theirs)?,
        reason: reason.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let path = std::env::temp_dir().join(format!("xtask-expected-{}", std::process::id()));
        let text =
            format!("{HEADING}a.s       pass pass\nlonger.ll fail pass not the same words\n");
        Expected::parse(&text)
            .expect("well formed")
            .write(&path)
            .expect("writable");
        let written = std::fs::read_to_string(&path).expect("just written");
        std::fs::remove_file(&path).expect("just written");
        assert_eq!(written, text);
    }

    #[test]
    fn a_line_it_does_not_understand_is_an_error() {
        for text in ["a", "a pass", "a pass maybe", "a pass pass\na pass pass\n"] {
            assert!(Expected::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn saving_drops_the_reason_of_a_test_that_both_pass() {
        let mut list = Expected::parse("a fail pass why\nb pass pass\n").expect("well formed");
        let mut row = list.rows["a"].clone();
        row.ours = Verdict::Pass;
        list.update(vec![row], true);
        assert_eq!(list.rows["a"].reason, "");
        assert_eq!(list.rows.len(), 2);
    }
}
