//! Where the time goes: phases with one thread and with two, and how the cost grows with the
//! input.

use std::path::Path;

use super::big;
use super::inputs::{Input, big_of_scale};
use super::linkers::{Linker, OURS, REFERENCE};
use super::measure::{Run, Subject, interleaved, median};
use crate::Result;
use crate::table::Table;

/// The phases of one link, as `--time` prints them: names and milliseconds.
pub(super) struct Phases(Vec<(String, f64)>);

impl Phases {
    /// Reads what the linker printed.
    fn parse(stderr: &str) -> Self {
        let phases = stderr.lines().filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (name, time) = (words.next()?, words.next()?);
            (words.next()? == "ms").then_some((name.to_owned(), time.parse().ok()?))
        });
        Self(phases.collect())
    }

    fn of(&self, phase: &str) -> f64 {
        let mut phases = self.0.iter();
        phases
            .find(|(name, _)| name == phase)
            .map_or(0.0, |(_, time)| *time)
    }

    /// The time before the first byte is written, in milliseconds.
    pub(super) fn to_layout(&self) -> f64 {
        let phases = ["read", "resolve", "mark", "synthesize", "layout"];
        phases.iter().map(|phase| self.of(phase)).sum()
    }
}

/// One thread beside two.
pub(super) struct Threads {
    pub(super) one: Vec<Phases>,
    pub(super) two: Vec<Phases>,
    /// In milliseconds.
    pub(super) one_times: Vec<f64>,
    pub(super) two_times: Vec<f64>,
    /// `rust-lld` with two threads, in the same rounds.
    pub(super) reference_times: Vec<f64>,
}

/// Measures ours with one thread, with two, and `rust-lld` with two.
pub(super) fn threads(
    input: &Input,
    linkers: &[Linker],
    work: &Path,
    rounds: usize,
) -> Result<Threads> {
    let mut subjects = Vec::new();
    for (name, options) in [
        (OURS, &["--threads=1", "--time"][..]),
        (OURS, &["--threads=2", "--time"]),
        (REFERENCE, &["--threads=2"]),
    ] {
        let linker = linkers.iter().find(|linker| linker.name == name);
        let linker = linker.ok_or("a linker is missing")?;
        let output = work.join("threads.wasm");
        let mut command = linker.command(input, &output);
        command.args(options);
        subjects.push(Subject { command, output });
    }
    let runs = interleaved(&mut subjects, rounds)?;
    let phases = |runs: &[Run]| runs.iter().map(|run| Phases::parse(&run.stderr)).collect();
    let times = |runs: &[Run]| runs.iter().map(milliseconds).collect();
    Ok(Threads {
        one: phases(&runs[0]),
        two: phases(&runs[1]),
        one_times: times(&runs[0]),
        two_times: times(&runs[1]),
        reference_times: times(&runs[2]),
    })
}

/// How long a run took, in milliseconds.
pub(super) fn milliseconds(run: &Run) -> f64 {
    run.time.as_secs_f64() * 1000.0
}

impl Threads {
    /// Medians of every phase.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&["phase of big", "1 thread, ms", "2 threads, ms", "ratio"]);
        let mut row = |name: &str, one: f64, two: f64| {
            table.row(vec![
                name.to_owned(),
                format!("{one:.1}"),
                format!("{two:.1}"),
                format!("{:.2}", one / two),
            ]);
        };
        let names = self.one.first().map_or(&[][..], |phases| &phases.0);
        let of = |runs: &[Phases], name: &str| median(runs.iter().map(|run| run.of(name)));
        for (name, _) in names {
            row(name, of(&self.one, name), of(&self.two, name));
        }
        let to_layout = |runs: &[Phases]| median(runs.iter().map(Phases::to_layout));
        row("read to layout", to_layout(&self.one), to_layout(&self.two));
        let times = |times: &[f64]| median(times.iter().copied());
        row("process", times(&self.one_times), times(&self.two_times));
        table
    }
}

/// Measures ours with the archives and with what is pulled of them alone. In milliseconds.
pub(super) fn pulling(
    archives: &Input,
    pulled: &Input,
    ours: &Linker,
    work: &Path,
    rounds: usize,
) -> Result<[Vec<f64>; 2]> {
    let mut subjects = [archives, pulled].map(|input| {
        let output = work.join("pulling.wasm");
        Subject {
            command: ours.command(input, &output),
            output,
        }
    });
    let runs = interleaved(&mut subjects, rounds)?;
    Ok([0, 1].map(|input| runs[input].iter().map(milliseconds).collect()))
}

/// What a scale of `big` costs.
pub(super) struct Growth {
    pub(super) scale: f64,
    /// Of the inputs.
    pub(super) bytes: u64,
    /// Of ours, in milliseconds.
    pub(super) times: Vec<f64>,
    pub(super) reference_times: Vec<f64>,
}

/// Measures `big` at a hundredth and a tenth of `scale`, if so few objects can be made, and at
/// `scale`.
pub(super) fn growth(
    scale: f64,
    linkers: &[Linker],
    work: &Path,
    rounds: usize,
) -> Result<Vec<Growth>> {
    let mut growth = Vec::new();
    for scale in [0.01, 0.1, 1.0].map(|part| scale * part) {
        if !big::can_make(scale) {
            continue;
        }
        let input = big_of_scale(work, scale)?;
        let mut subjects = Vec::new();
        for linker in linkers {
            if [OURS, REFERENCE].contains(&linker.name) {
                let output = work.join("growth.wasm");
                let command = linker.command(&input, &output);
                subjects.push(Subject { command, output });
            }
        }
        let runs = interleaved(&mut subjects, rounds)?;
        let times = |runs: &[Run]| runs.iter().map(milliseconds).collect();
        growth.push(Growth {
            scale,
            bytes: input.bytes()?,
            times: times(&runs[0]),
            reference_times: times(&runs[1]),
        });
    }
    Ok(growth)
}

/// What was measured at each scale.
pub(super) fn growth_table(growth: &[Growth]) -> Table {
    let heading = [
        "scale of big",
        "input MB",
        "ms",
        "ms per MB",
        "rust-lld ms",
        "ms per MB",
    ];
    let mut table = Table::new(&heading);
    for Growth {
        scale,
        bytes,
        times,
        reference_times,
    } in growth
    {
        let megabytes = *bytes as f64 / 1e6;
        let mut row = vec![scale.to_string(), format!("{megabytes:.1}")];
        for times in [times, reference_times] {
            let time = median(times.iter().copied());
            row.push(format!("{time:.1}"));
            row.push(format!("{:.2}", time / megabytes));
        }
        table.row(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_read() {
        let phases = Phases::parse(
            "wasm-link: warning: something\nwasm-link: read          19.258 ms\n\
             wasm-link: layout        70.091 ms\nwasm-link: write         20.104 ms\n",
        );
        assert_eq!(phases.0.len(), 3);
        assert!((phases.to_layout() - 89.349).abs() < 1e-9);
    }
}
