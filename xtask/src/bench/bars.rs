//! What the linker is held to, beside what was measured.

use std::fmt;

use super::linkers::OTHER_BUILD;
use super::measure::{median, ratio};
use super::phases::{Growth, Threads};
use super::results::Measurement;

/// One thing that is to hold.
pub(super) struct Bar {
    about: String,
    measured: f64,
    /// What is measured in, such as `×`.
    unit: &'static str,
    limit: Limit,
}

enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    pub(super) fn met(&self) -> bool {
        match self.limit {
            Limit::AtLeast(limit) => self.measured >= limit,
            Limit::AtMost(limit) => self.measured <= limit,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = if self.met() { "met" } else { "NOT MET" };
        let (word, limit) = match self.limit {
            Limit::AtLeast(limit) => ("at least", limit),
            Limit::AtMost(limit) => ("at most", limit),
        };
        write!(
            f,
            "{met:<8} {}: {:.2}{unit} ({word} {limit}{unit})",
            self.about,
            self.measured,
            unit = self.unit
        )
    }
}

/// What is to hold of these measurements.
pub(super) fn of_links(measurements: &[Measurement]) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut add = |about, measured, unit, limit| {
        bars.push(Bar {
            about,
            measured,
            unit,
            limit,
        });
    };
    for measurement in measurements {
        let Some((ours, reference)) = measurement.pair() else {
            continue;
        };
        let input = measurement.input;
        if let Some(other) = measurement.linker(OTHER_BUILD) {
            let about = format!("{input}: time, ours / other build");
            let time = ratio(&ours.times, &other.times);
            add(about, time, "×", Limit::AtMost(1.05));
        }
        if let Some(bar) = measurement.bar {
            let about = format!("{input}: time, rust-lld / ours");
            add(
                about,
                measurement.ratio(reference),
                "×",
                Limit::AtLeast(bar),
            );
        }
        if let Some(floor) = measurement.floor {
            let about = format!("{input}: time, ours / copying the inputs");
            add(about, ours.median() / floor, "×", Limit::AtMost(3.0));
            let about = format!("{input}: anonymous memory, ours / rust-lld");
            let memory = ours.memory.anonymous as f64 / reference.memory.anonymous as f64;
            add(about, memory, "×", Limit::AtMost(0.25));
        }
        if let Some(needed) = measurement.needed {
            let about = format!("{input}: file-backed memory, ours / what is needed");
            let memory = ours.memory.file as f64 / needed as f64;
            add(about, memory, "×", Limit::AtMost(1.1));
        }
    }
    bars
}

/// What is to hold of the archives: times of the link with them, and of what is pulled alone.
pub(super) fn of_pulling(archives: &[f64], pulled: &[f64]) -> Bar {
    Bar {
        about: "big-archive: our time / that without the archives".to_owned(),
        measured: ratio(archives, pulled),
        unit: "×",
        limit: Limit::AtMost(1.5),
    }
}

/// What is to hold when one thread becomes two.
pub(super) fn of_threads(threads: &Threads) -> [Bar; 2] {
    let to_layout = |runs: &[super::phases::Phases]| -> Vec<f64> {
        runs.iter().map(super::phases::Phases::to_layout).collect()
    };
    [
        Bar {
            about: "big: read to layout, 1 thread / 2 threads".to_owned(),
            measured: ratio(&to_layout(&threads.one), &to_layout(&threads.two)),
            unit: "×",
            limit: Limit::AtLeast(1.6),
        },
        Bar {
            about: "big: time, rust-lld with 2 threads / ours with 1".to_owned(),
            measured: ratio(&threads.reference_times, &threads.one_times),
            unit: "×",
            limit: Limit::AtLeast(3.0),
        },
    ]
}

/// What is to hold when the input grows.
pub(super) fn of_growth(growth: &[Growth]) -> Option<Bar> {
    let [.., before, last] = growth else {
        return None;
    };
    let cost = |growth: &Growth| median(growth.times.iter().copied()) / growth.bytes as f64;
    Some(Bar {
        about: format!(
            "big: our time per byte, at scale {} / at {}",
            last.scale, before.scale
        ),
        measured: cost(last) / cost(before),
        unit: "×",
        limit: Limit::AtMost(1.2),
    })
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::measurement;
    use super::*;

    #[test]
    fn bars_are_judged_by_paired_ratios() {
        let mut measured = measurement("hello");
        measured.needed = Some(1000);
        let printed: Vec<String> = of_links(&[measured]).iter().map(Bar::to_string).collect();
        assert_eq!(
            printed,
            [
                "met      hello: time, rust-lld / ours: 6.00× (at least 5×)",
                "NOT MET  hello: file-backed memory, ours / what is needed: 2.00× (at most 1.1×)",
            ]
        );
    }

    #[test]
    fn another_build_is_hardly_faster() {
        let mut measured = measurement("hello");
        measured.bar = None;
        assert!(of_links(std::slice::from_ref(&measured)).is_empty());
        let mut other = measurement("hello").linkers.remove(1);
        other.linker = OTHER_BUILD;
        measured.linkers.push(other);
        let printed: Vec<String> = of_links(&[measured]).iter().map(Bar::to_string).collect();
        assert_eq!(
            printed,
            ["met      hello: time, ours / other build: 0.17× (at most 1.05×)"]
        );
    }
}
