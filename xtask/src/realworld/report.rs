//! Linking one program by both linkers, and what is compared.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use super::linker::Linker;
use super::{Context, dwarf, facts, tools};
use crate::Result;

/// How much larger than `rust-lld`'s an output may be, in per cent.
const SIZE_TOLERANCE: usize = 1;

/// A program that is linked by one command.
pub(super) struct Check<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a [OsString],
    /// How the module at a path is run.
    pub(super) run: &'a dyn Fn(&Path) -> Command,
    /// Whether fewer functions and less data are no difference: `rust-lld` keeps copies in comdats
    /// that nothing can reach (see docs/differences.md).
    pub(super) may_lack_copies: bool,
    /// A function whose debug information is compared, if the program has any.
    pub(super) debug_function: Option<&'a str>,
}

/// A module that a linker made.
struct Linked {
    path: PathBuf,
    size: usize,
    time: Duration,
    facts: facts::Facts,
}

impl Context {
    /// Links by both linkers, runs both, and adds a row to the table. What differs is a problem;
    /// an error is only what keeps the comparison from going on.
    pub(super) fn compare(&mut self, check: &Check<'_>) -> Result {
        let theirs = self.link(&self.theirs, check)?;
        let ours = match self.link(&self.ours, check) {
            Ok(ours) => ours,
            Err(error) => {
                self.problem(check.name, &error.to_string());
                return Ok(());
            }
        };
        let mut reference = theirs.facts;
        if check.may_lack_copies {
            reference.functions = reference.functions.min(ours.facts.functions);
            reference.data = reference.data.min(ours.facts.data);
            reference
                .names
                .retain(|name| ours.facts.names.contains(name));
        }
        let mut differences = ours.facts.differences(&reference);
        if ours.size * 100 > theirs.size * (100 + SIZE_TOLERANCE) {
            differences.push(format!("{} bytes instead of {}", ours.size, theirs.size));
        }
        differences.extend(behaviour(
            &mut (check.run)(&ours.path),
            &mut (check.run)(&theirs.path),
        )?);
        if let Some(function) = check.debug_function {
            if dwarf::errors(&ours.path)? != dwarf::errors(&theirs.path)? {
                differences.push("llvm-dwarfdump --verify finds other errors".to_owned());
            }
            let lines = dwarf::lines(&ours.path, function);
            let reference = dwarf::lines(&theirs.path, function)?;
            if !lines.is_ok_and(|lines| lines == reference) {
                differences.push(format!("the line table of `{function}` is another one"));
            }
        }
        // In hundredths of a per cent.
        let ratio = ours.size * 10_000 / theirs.size;
        self.table.row(vec![
            check.name.to_owned(),
            theirs.size.to_string(),
            ours.size.to_string(),
            format!("{}.{:02} %", ratio / 100, ratio % 100),
            ours.facts.functions.to_string(),
            ours.facts.data.to_string(),
            milliseconds(theirs.time),
            milliseconds(ours.time),
            if differences.is_empty() {
                "same".to_owned()
            } else {
                format!("{} differences", differences.len())
            },
        ]);
        for difference in differences {
            self.problem(check.name, &difference);
        }
        Ok(())
    }

    fn link(&self, linker: &Linker, check: &Check<'_>) -> Result<Linked> {
        let path = self.output(linker, check.name, "wasm")?;
        let time = linker.link(&path, check.arguments)?;
        let module = fs::read(&path)?;
        let facts = facts::read(&module)
            .map_err(|error| format!("`{}` is not valid: {error}", path.display()))?;
        Ok(Linked {
            path,
            size: module.len(),
            time,
            facts,
        })
    }

    /// Compares what two modules are, without running them. How many differences there are.
    pub(super) fn compare_files(
        &mut self,
        name: &str,
        ours: &Path,
        theirs: &Path,
    ) -> Result<usize> {
        let read = |path: &Path| {
            let cannot = |error| format!("cannot read `{}`: {error}", path.display());
            fs::read(path).map_err(cannot)
        };
        let (reference, ours) = (read(theirs)?, read(ours)?);
        let mut found = match facts::read(&ours) {
            Ok(facts) => facts.differences(&facts::read(&reference)?),
            Err(error) => vec![format!("not valid: {error}")],
        };
        if ours.len() * 100 > reference.len() * (100 + SIZE_TOLERANCE) {
            found.push(format!(
                "{} bytes instead of {}",
                ours.len(),
                reference.len()
            ));
        }
        for difference in &found {
            self.problem(name, difference);
        }
        Ok(found.len())
    }

    /// Where `linker` puts an output; nothing is there yet.
    pub(super) fn output(&self, linker: &Linker, name: &str, extension: &str) -> Result<PathBuf> {
        let dir = self.work.join("out").join(linker.name);
        fs::create_dir_all(&dir)?;
        let path = dir.join(name).with_extension(extension);
        if path.exists() {
            fs::remove_file(&path)?;
        }
        Ok(path)
    }
}

/// Runs both, and says in what they behave differently. That `theirs` does not run is an error:
/// there is nothing to compare with.
pub(super) fn behaviour(ours: &mut Command, theirs: &mut Command) -> Result<Option<String>> {
    let reference = tools::output(theirs)?;
    if reference.stdout.is_empty() {
        return Err(format!(
            "`{}` printed nothing:\n{}",
            tools::show(theirs),
            String::from_utf8_lossy(&reference.stderr)
        )
        .into());
    }
    let output = tools::output(ours)?;
    Ok((!same(&output, &reference)).then(|| {
        format!(
            "`{}` behaves differently: {}, not {}\n--- printed\n{}{}--- expected\n{}{}---",
            tools::show(ours),
            output.status,
            reference.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&reference.stdout),
            String::from_utf8_lossy(&reference.stderr),
        )
    }))
}

fn same(left: &Output, right: &Output) -> bool {
    left.status == right.status && left.stdout == right.stdout && left.stderr == right.stderr
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
