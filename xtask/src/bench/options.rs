//! The arguments of `cargo xtask bench`.

use std::path::PathBuf;

use crate::{Result, unknown_argument};

/// What is to be done.
pub(super) enum Request {
    /// The large inputs of this scale are made, and nothing is measured.
    Prepare(f64),
    /// The benchmarks of criterion whose names contain the text are run.
    Criterion(Option<String>),
    /// Links are measured.
    Links(Options),
}

/// How links are measured.
pub(super) struct Options {
    /// The size of the large inputs; 1 is 2,000 objects.
    pub(super) scale: f64,
    /// How often each link is measured at least.
    pub(super) rounds: usize,
    /// A part of the names of the inputs that are wanted.
    pub(super) filter: Option<String>,
    /// Another build of `wasm-link`, which is measured beside this workspace's.
    pub(super) linker: Option<PathBuf>,
    pub(super) json: Option<PathBuf>,
    pub(super) chart: Option<PathBuf>,
    /// Under which name the results are kept.
    pub(super) save: Option<String>,
    /// The name of the results that these are compared with.
    pub(super) compare: Option<String>,
}

impl Options {
    /// Whether the input is wanted.
    pub(super) fn wants(&self, input: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| input.contains(filter.as_str()))
    }
}

pub(super) fn parse(args: &[String]) -> Result<Request> {
    let mut options = Options {
        scale: 1.0,
        rounds: 7,
        filter: None,
        linker: None,
        json: None,
        chart: None,
        save: None,
        compare: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || {
            args.next()
                .ok_or_else(|| format!("`{arg}` wants a value; see `cargo xtask help`"))
        };
        match arg.as_str() {
            "--criterion" => {
                let filter = args.next().cloned();
                return match args.next() {
                    None => Ok(Request::Criterion(filter)),
                    Some(other) => unknown_argument(other),
                };
            }
            "--prepare" => return Ok(Request::Prepare(scale(value()?)?)),
            "--scale" => options.scale = scale(value()?)?,
            "--rounds" => options.rounds = rounds(value()?)?,
            "--filter" => options.filter = Some(value()?.clone()),
            "--linker" => options.linker = Some(std::path::absolute(value()?)?),
            "--json" => options.json = Some(value()?.into()),
            "--chart" => options.chart = Some(value()?.into()),
            "--save" => options.save = Some(name(value()?)?),
            "--compare" => options.compare = Some(name(value()?)?),
            _ => return unknown_argument(arg),
        }
    }
    Ok(Request::Links(options))
}

/// A scale: `1/10`, `0.1`.
fn scale(text: &str) -> Result<f64> {
    let (part, whole) = text.split_once('/').unwrap_or((text, "1"));
    if let (Ok(part), Ok(whole)) = (part.parse::<f64>(), whole.parse::<f64>()) {
        let scale = part / whole;
        if scale > 0.0 && scale <= 10.0 {
            return Ok(scale);
        }
    }
    Err(format!("`{text}` is no scale above 0 and up to 10, such as 1/10").into())
}

fn rounds(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(rounds @ 1..=1000) => Ok(rounds),
        _ => Err(format!("`{text}` is no number of rounds from 1 to 1000").into()),
    }
}

/// A name that becomes part of a file's.
fn name(text: &str) -> Result<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no name of letters, digits, `-`, `_` and `.`").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(args: &[&str]) -> Result<Options> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        match parse(&args)? {
            Request::Links(options) => Ok(options),
            Request::Prepare(_) | Request::Criterion(_) => Err("another request".into()),
        }
    }

    #[test]
    fn scales_are_fractions_or_decimals() {
        assert_eq!(
            links(&["--scale", "1/100"]).unwrap().scale.to_string(),
            "0.01"
        );
        assert_eq!(links(&["--scale", "0.5"]).unwrap().scale.to_string(), "0.5");
        for wrong in ["0", "1/0", "-1", "half", "11"] {
            assert!(links(&["--scale", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_stay_in_their_directory() {
        assert_eq!(
            links(&["--save", "before-2"]).unwrap().save.unwrap(),
            "before-2"
        );
        for wrong in ["", "..", "a/b"] {
            assert!(links(&["--compare", wrong]).is_err(), "{wrong}");
        }
    }
}
