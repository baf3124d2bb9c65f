//! What was measured, and how it is kept: as JSON, one line for each link.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::linkers::{OURS, REFERENCE};
use super::measure::{median, ratio};
use super::memory::Memory;
use crate::Result;

/// What was measured of one linker on one input.
pub(super) struct Measured {
    pub(super) linker: &'static str,
    /// In milliseconds, by round.
    pub(super) times: Vec<f64>,
    /// How long processors worked, in milliseconds: the mean of the rounds.
    pub(super) cpu: f64,
    pub(super) memory: Memory,
    pub(super) output_bytes: u64,
}

impl Measured {
    /// In milliseconds.
    pub(super) fn median(&self) -> f64 {
        median(self.times.iter().copied())
    }
}

/// What was measured on one input.
pub(super) struct Measurement {
    pub(super) input: &'static str,
    pub(super) input_bytes: u64,
    /// How many times as fast as `rust-lld` ours is to be.
    pub(super) bar: Option<f64>,
    /// Ours first.
    pub(super) linkers: Vec<Measured>,
    /// The best time of copying the inputs, in milliseconds.
    pub(super) floor: Option<f64>,
    /// How many bytes of files a link has to look at or to write.
    pub(super) needed: Option<u64>,
}

impl Measurement {
    pub(super) fn linker(&self, name: &str) -> Option<&Measured> {
        self.linkers.iter().find(|measured| measured.linker == name)
    }

    /// How many times as long as ours a linker took.
    pub(super) fn ratio(&self, linker: &Measured) -> f64 {
        self.linker(OURS)
            .map_or(0.0, |ours| ratio(&linker.times, &ours.times))
    }

    /// Ours and the linker it is judged by.
    pub(super) fn pair(&self) -> Option<(&Measured, &Measured)> {
        self.linker(OURS).zip(self.linker(REFERENCE))
    }
}

/// One linker on one input, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) input: String,
    pub(super) linker: String,
    pub(super) median: f64,
}

/// All that was measured, as JSON.
pub(super) fn json(scale: f64, measurements: &[Measurement]) -> String {
    let mut out = format!("{{\n\"scale\": {scale},\n\"links\": [");
    let mut separator = "\n";
    for measurement in measurements {
        for measured in &measurement.linkers {
            let times: Vec<String> = measured.times.iter().map(|ms| format!("{ms:.3}")).collect();
            // Writing to a string succeeds.
            let _ = write!(
                out,
                "{separator}{{\"input\": \"{}\", \"linker\": \"{}\", \"median_ms\": {:.3}, \
                 \"ratio\": {:.3}, \"cpu_ms\": {:.3}, \"anonymous_bytes\": {}, \"file_bytes\": {}, \
                 \"input_bytes\": {}, \"output_bytes\": {}, \"times_ms\": [{}]}}",
                measurement.input,
                measured.linker,
                measured.median(),
                measurement.ratio(measured),
                measured.cpu,
                measured.memory.anonymous,
                measured.memory.file,
                measurement.input_bytes,
                measured.output_bytes,
                times.join(", "),
            );
            separator = ",\n";
        }
    }
    out += "\n]\n}\n";
    out
}

/// What [`json`] wrote to a file.
pub(super) fn read(path: &Path) -> Result<Vec<Kept>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let links: Vec<Kept> = text.lines().filter_map(kept).collect();
    if links.is_empty() {
        return Err(format!("`{}` holds no results of this command", path.display()).into());
    }
    Ok(links)
}

/// The link that a line of the file is about, if it is about one.
fn kept(line: &str) -> Option<Kept> {
    let field = |name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\": "))?;
        let end = rest.find([',', '}'])?;
        Some(rest[..end].trim_matches('"'))
    };
    Some(Kept {
        input: field("input")?.to_owned(),
        linker: field("linker")?.to_owned(),
        median: field("median_ms")?.parse().ok()?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A measurement of both linkers.
    pub(in crate::bench) fn measurement(input: &'static str) -> Measurement {
        let measured = |linker, times: &[f64]| Measured {
            linker,
            times: times.to_vec(),
            cpu: 2.5,
            memory: Memory {
                anonymous: 1000,
                file: 2000,
            },
            output_bytes: 300,
        };
        Measurement {
            input,
            input_bytes: 400,
            bar: Some(5.0),
            linkers: vec![
                measured(OURS, &[1.0, 2.0, 3.0]),
                measured(REFERENCE, &[6.0, 12.0, 15.0]),
            ],
            floor: None,
            needed: None,
        }
    }

    #[test]
    fn what_is_kept_is_read() {
        let text = json(1.0, &[measurement("hello"), measurement("big")]);
        let links: Vec<Kept> = text.lines().filter_map(kept).collect();
        let expected = |input: &str, linker: &str, median| Kept {
            input: input.to_owned(),
            linker: linker.to_owned(),
            median,
        };
        assert_eq!(
            links,
            [
                expected("hello", OURS, 2.0),
                expected("hello", REFERENCE, 12.0),
                expected("big", OURS, 2.0),
                expected("big", REFERENCE, 12.0),
            ]
        );
        assert!(text.contains("\"ratio\": 6.000"));
    }
}
