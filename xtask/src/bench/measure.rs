//! Running linkers side by side, and what their times say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::realworld::tools;

/// A command that is measured: it writes one file.
pub(super) struct Subject {
    pub(super) command: Command,
    /// What it writes. It is removed after each run, before the system begins to write it to the
    /// disk while the next one is measured.
    pub(super) output: PathBuf,
}

/// How long one link took.
pub(super) struct Run {
    pub(super) time: Duration,
    /// How long processors worked on it.
    pub(super) cpu: Duration,
    /// What the linker said.
    pub(super) stderr: String,
}

/// However quick the commands are, at least so long is measured, where that takes no more than
/// [`MAX_ROUNDS`].
const MIN_TIME: Duration = Duration::from_secs(2);
const MAX_ROUNDS: usize = 40;

impl Subject {
    /// Runs the command once.
    pub(super) fn run(&mut self) -> Result<Run> {
        let before = cpu_of_children();
        let start = Instant::now();
        let output = tools::output(&mut self.command)?;
        let time = start.elapsed();
        let cpu = cpu_of_children().saturating_sub(before);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(format!(
                "`{}` failed ({}):\n{stderr}",
                tools::show(&self.command),
                output.status
            )
            .into());
        }
        remove(&self.output)?;
        Ok(Run { time, cpu, stderr })
    }

    /// Starts the command with nothing to say, for someone who watches it.
    pub(super) fn start(&mut self) -> Result<Child> {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = self.command.spawn();
        child.map_err(|error| {
            format!("cannot start `{}`: {error}", tools::show(&self.command)).into()
        })
    }
}

/// How long processors have worked for the processes that this one started and that ended, to a
/// hundredth of a second. 0 where the system does not tell.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    Duration::from_millis(10 * children_ticks(&stat))
}

/// The times of children in user and system mode that the file `stat` of a process holds.
fn children_ticks(stat: &str) -> u64 {
    // The second field is the program's name in parentheses, and may contain anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(13).take(2);
    ticks.filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Removes a file that may be there.
pub(super) fn remove(path: &Path) -> Result {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()).into())
        }
        _ => Ok(()),
    }
}

/// Runs all commands in turn, in `rounds` rounds or as many as fit in a moment; every other
/// round backwards, so that none has always the same neighbour. Returns the runs of each.
pub(super) fn interleaved(subjects: &mut [Subject], rounds: usize) -> Result<Vec<Vec<Run>>> {
    let mut runs: Vec<Vec<Run>> = subjects.iter().map(|_| Vec::new()).collect();
    let start = Instant::now();
    let mut round = 0;
    while round < rounds || (rounds > 1 && round < MAX_ROUNDS && start.elapsed() < MIN_TIME) {
        let forwards = 0..subjects.len();
        let order: Vec<usize> = if round % 2 == 0 {
            forwards.collect()
        } else {
            forwards.rev().collect()
        };
        for subject in order {
            runs[subject].push(subjects[subject].run()?);
        }
        round += 1;
    }
    Ok(runs)
}

/// The median; of an even number of values, the mean of the two in the middle. 0 of none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        len if len % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// How many times as long as `ours` `theirs` took: the median of the ratios of each round.
pub(super) fn ratio(theirs: &[f64], ours: &[f64]) -> f64 {
    median(theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_children_are_read() {
        let stat = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 11 12 130 14 15 16";
        assert_eq!(children_ticks(stat), 130 + 14);
        assert_eq!(children_ticks(""), 0);
    }

    #[test]
    fn medians_and_ratios() {
        let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(same(median([3.0, 1.0, 2.0]), 2.0));
        assert!(same(median([4.0, 1.0, 2.0, 3.0]), 2.5));
        assert!(same(median([]), 0.0));
        // Every round was twice as slow as the one before, for both.
        assert!(same(ratio(&[6.0, 12.0, 24.0], &[2.0, 4.0, 8.0]), 3.0));
    }
}
