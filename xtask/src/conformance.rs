//! `conformance`: LLVM's own tests of `wasm-ld`, run on `wasm-link` and on the `rust-lld` of
//! the Rust toolchain.
//!
//! Both linkers take the place of `wasm-ld`, under that name, in the same tests in one go, so
//! what is compared is two linkers and never a linker with a figure from a document.
//! `xtask/conformance/expected.txt` holds what each test is expected to do and, where the two
//! linkers differ or `wasm-link` fails, why. Nothing of the tests but their names is kept here.

mod expected;
mod lit;
mod suite;

use std::path::{Path, PathBuf};

use crate::Result;
use crate::conformance::expected::{Expected, Row, Verdict};
use crate::conformance::lit::{Outcomes, Runner};
use crate::process;

#[derive(Default)]
struct Arguments {
    suite: Option<PathBuf>,
    linker: Option<PathBuf>,
    filter: Option<String>,
    verbose: bool,
    save: bool,
}

impl Arguments {
    fn parse(args: &[String]) -> Result<Self> {
        let mut parsed = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, joined) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (arg.as_str(), None),
            };
            let mut value = || {
                joined
                    .clone()
                    .or_else(|| args.next().cloned())
                    .ok_or_else(|| format!("`{name}` needs a value"))
            };
            match name {
                "--suite" => parsed.suite = Some(value()?.into()),
                "--linker" => parsed.linker = Some(value()?.into()),
                "--filter" => parsed.filter = Some(value()?),
                "--verbose" => parsed.verbose = true,
                "--save" => parsed.save = true,
                _ => return crate::unknown_argument(arg),
            }
        }
        Ok(parsed)
    }
}

/// Runs the command; see `cargo xtask help`.
pub(crate) fn run_command(args: &[String]) -> Result {
    let args = Arguments::parse(args)?;
    let list = process::root().join("xtask/conformance/expected.txt");
    let mut expected = Expected::read(&list)?;

    let work = process::target_dir()?.join("conformance");
    let runner = Runner {
        suite: suite::find(args.suite.as_deref(), &work)?,
        lit: lit::install(&work)?,
        work,
        filter: args.filter.clone(),
    };
    let ours = match &args.linker {
        Some(linker) => std::path::absolute(linker)?,
        None => process::build_wasm_link()?,
    };
    let theirs = process::reference_lld()?;

    let name = ours.file_name().unwrap_or(ours.as_os_str());
    let name = name.to_string_lossy().into_owned();
    let ours = runner.run("tested", &ours)?;
    if args.verbose {
        print!("{}", ours.log);
    }
    let theirs = runner.run("rust-lld", &theirs)?;
    let comparison = compare(name, &expected, &ours, &theirs);
    print!("{comparison}");
    println!("what the tests printed: {}", runner.work.display());

    if args.save {
        expected.update(comparison.rows, args.filter.is_some());
        expected.write(&list)?;
        println!("saved {}", list.display());
        return Ok(());
    }
    let missing = if args.filter.is_none() {
        expected.missing(&ours)
    } else {
        Vec::new()
    };
    comparison.judge(&missing)
}

/// What one run says beside the committed list.
struct Comparison {
    /// What the linker under test is called: `wasm-link`, or another one's file name.
    name: String,
    /// Every test that ran, with the reason that the list gives for it.
    rows: Vec<Row>,
    /// Tests that pass by the list and do not now.
    worse: Vec<String>,
    /// Tests that fail by the list and pass now.
    better: Vec<String>,
    /// Tests that the list does not know.
    unlisted: Vec<String>,
}

fn compare(name: String, expected: &Expected, ours: &Outcomes, theirs: &Outcomes) -> Comparison {
    let mut comparison = Comparison {
        name,
        rows: Vec::new(),
        worse: Vec::new(),
        better: Vec::new(),
        unlisted: Vec::new(),
    };
    for (test, &ours) in &ours.tests {
        let known = expected.rows.get(test);
        match (known.map(|row| row.ours), ours) {
            (Some(Verdict::Pass), Verdict::Fail) => comparison.worse.push(test.clone()),
            (Some(Verdict::Fail), Verdict::Pass) => comparison.better.push(test.clone()),
            (Some(_), _) => {}
            (None, _) => comparison.unlisted.push(test.clone()),
        }
        comparison.rows.push(Row {
            test: test.clone(),
            ours,
            theirs: theirs.tests.get(test).copied().unwrap_or(Verdict::Fail),
            reason: known.map(|row| row.reason.clone()).unwrap_or_default(),
        });
    }
    comparison
}

impl Comparison {
    fn count(&self, verdict: impl Fn(&Row) -> bool) -> usize {
        self.rows.iter().filter(|row| verdict(row)).count()
    }

    /// The command's verdict: an error that lists what has to be looked at.
    fn judge(&self, missing: &[String]) -> Result {
        let unexplained: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.needs_reason() && row.reason.is_empty())
            .map(|row| row.test.clone())
            .collect();
        let lists = [
            ("worse than the committed list", self.worse.as_slice()),
            ("not in the committed list", &self.unlisted),
            ("in the committed list, but not in the suite", missing),
            (
                "different without a reason in the committed list",
                &unexplained,
            ),
        ];
        let problems: Vec<String> = lists
            .iter()
            .filter(|(_, tests)| !tests.is_empty())
            .map(|(what, tests)| format!("{what} ({}): {}", tests.len(), tests.join(", ")))
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(problems.join("\n").into())
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let total = self.rows.len();
        let passed = |verdict| verdict == Verdict::Pass;
        let behind = self.count(|row| !passed(row.ours) && passed(row.theirs));
        writeln!(
            f,
            "\n  {:<12} {:>4} of {total}",
            self.name,
            self.count(|row| passed(row.ours))
        )?;
        writeln!(
            f,
            "  {:<12} {:>4} of {total}",
            "rust-lld",
            self.count(|row| passed(row.theirs))
        )?;
        writeln!(
            f,
            "  passed by rust-lld and not by {}: {behind}\n",
            self.name
        )?;
        let sections = [
            (
                "only rust-lld passes".to_owned(),
                Verdict::Fail,
                Verdict::Pass,
            ),
            (
                format!("only {} passes", self.name),
                Verdict::Pass,
                Verdict::Fail,
            ),
            ("neither passes".to_owned(), Verdict::Fail, Verdict::Fail),
        ];
        for (title, ours, theirs) in sections {
            let rows = self.rows.iter();
            let rows: Vec<&Row> = rows
                .filter(|row| (row.ours, row.theirs) == (ours, theirs))
                .collect();
            if rows.is_empty() {
                continue;
            }
            writeln!(f, "{title} ({}):", rows.len())?;
            for row in rows {
                let reason = if row.reason.is_empty() {
                    "(no reason given)"
                } else {
                    &row.reason
                };
                writeln!(f, "  {:<34} {reason}", row.test)?;
            }
            writeln!(f)?;
        }
        if !self.better.is_empty() {
            writeln!(
                f,
                "better than the committed list; record it with --save: {}\n",
                self.better.join(", ")
            )?;
        }
        Ok(())
    }
}

/// Fails unless `program` lies in `dir`, naming the Debian package that has it.
fn require_in(dir: &Path, program: &str, package: &str) -> Result {
    if dir.join(program).is_file() {
        return Ok(());
    }
    Err(format!(
        "`{}` is needed for this and is not there; on Debian, install the package `{package}`",
        dir.join(program).display()
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(tests: &[(&str, Verdict)]) -> Outcomes {
        Outcomes {
            tests: tests
                .iter()
                .map(|&(test, verdict)| (test.to_owned(), verdict))
                .collect(),
            log: String::new(),
        }
    }

    fn expected(text: &str) -> Expected {
        Expected::parse(text).expect("the list is well formed")
    }

    #[test]
    fn a_test_that_got_worse_fails_the_command() {
        let list = expected("a pass pass\nb fail fail why\n");
        let ours = outcomes(&[("a", Verdict::Fail), ("b", Verdict::Fail)]);
        let theirs = outcomes(&[("a", Verdict::Fail), ("b", Verdict::Fail)]);
        let error = compare("wasm-link".to_owned(), &list, &ours, &theirs)
            .judge(&[])
            .expect_err("a got worse");
        assert!(
            error
                .to_string()
                .starts_with("worse than the committed list (1): a"),
            "{error}"
        );
    }

    #[test]
    fn a_difference_needs_a_reason_and_a_success_of_both_none() {
        let list = expected("a pass pass\nb fail pass\nc pass fail because\n");
        let ours = outcomes(&[
            ("a", Verdict::Pass),
            ("b", Verdict::Fail),
            ("c", Verdict::Pass),
        ]);
        let theirs = outcomes(&[
            ("a", Verdict::Pass),
            ("b", Verdict::Pass),
            ("c", Verdict::Fail),
        ]);
        let error = compare("wasm-link".to_owned(), &list, &ours, &theirs)
            .judge(&[])
            .expect_err("b has no reason");
        assert_eq!(
            error.to_string(),
            "different without a reason in the committed list (1): b"
        );
    }

    #[test]
    fn tests_that_came_or_went_are_named() {
        let list = expected("a pass pass\nold pass pass\n");
        let ours = outcomes(&[("a", Verdict::Pass), ("new", Verdict::Pass)]);
        let comparison = compare("wasm-link".to_owned(), &list, &ours, &ours);
        assert_eq!(list.missing(&ours), ["old"]);
        let error = comparison
            .judge(&list.missing(&ours))
            .expect_err("two lists differ");
        assert_eq!(
            error.to_string(),
            "not in the committed list (1): new\n\
             in the committed list, but not in the suite (1): old"
        );
    }
}
