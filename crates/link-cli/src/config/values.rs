//! Looking options up, and turning their values into numbers, names and paths.

use std::path::PathBuf;

use crate::options::{OPTIONS, Opt};
use crate::parse::{Arg, Item};
use crate::report::Message;

/// The options of a command line, by option, in their order; and the errors in their values.
pub(super) struct Values<'a> {
    /// For each option its occurrences, with their positions on the command line.
    given: Vec<Vec<(usize, &'a Arg)>>,
    pub(super) messages: Vec<Message>,
}

impl<'a> Values<'a> {
    pub(super) fn new(items: &'a [Item]) -> Self {
        let mut given = vec![Vec::new(); OPTIONS.len()];
        for (position, item) in items.iter().enumerate() {
            if let Item::Option(arg) = item {
                given[arg.opt as usize].push((position, arg));
            }
        }
        Self {
            given,
            messages: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, text: impl Into<String>) {
        self.messages.push(Message::error(text));
    }

    /// An error with a line that says what is valid.
    pub(super) fn error_expecting(&mut self, text: impl Into<String>, expected: &str) {
        let message = Message::error(text).with_note(format!("expected {expected}"));
        self.messages.push(message);
    }

    pub(super) fn warning(&mut self, text: impl Into<String>) {
        self.messages.push(Message::warning(text));
    }

    /// The last occurrence of `opt`.
    pub(super) fn last(&self, opt: Opt) -> Option<&'a Arg> {
        self.given[opt as usize].last().map(|(_, arg)| *arg)
    }

    /// The occurrence of any of `opts` that comes last.
    pub(super) fn last_of(&self, opts: &[Opt]) -> Option<&'a Arg> {
        opts.iter()
            .filter_map(|opt| self.given[*opt as usize].last())
            .max_by_key(|(position, _)| *position)
            .map(|(_, arg)| *arg)
    }

    pub(super) fn has(&self, opt: Opt) -> bool {
        self.last(opt).is_some()
    }

    /// Whether `on` comes after `off`; `None` when neither is given.
    pub(super) fn given_flag(&self, on: Opt, off: Opt) -> Option<bool> {
        self.last_of(&[on, off]).map(|arg| arg.opt == on)
    }

    pub(super) fn flag(&self, on: Opt, off: Opt, default: bool) -> bool {
        self.given_flag(on, off).unwrap_or(default)
    }

    /// Every occurrence of `opt`.
    pub(super) fn all(&self, opt: Opt) -> Vec<&'a Arg> {
        self.given[opt as usize]
            .iter()
            .map(|(_, arg)| *arg)
            .collect()
    }

    /// The last occurrence of `opt` that has a value: `--build-id=x` rather than `--build-id`.
    pub(super) fn last_with_value(&self, opt: Opt) -> Option<&'a Arg> {
        self.given[opt as usize]
            .iter()
            .rev()
            .map(|(_, arg)| *arg)
            .find(|arg| arg.value.is_some())
    }

    /// The value of `arg` as text; empty, with an error, when it is none.
    pub(super) fn text_of(&mut self, arg: &Arg) -> String {
        match arg.value.clone().unwrap_or_default().into_string() {
            Ok(text) => text,
            Err(value) => {
                let shown = arg.shown();
                self.error(format!(
                    "{shown}: not valid UTF-8: {}",
                    value.to_string_lossy()
                ));
                String::new()
            }
        }
    }

    /// The value of the last `opt`.
    pub(super) fn text(&mut self, opt: Opt) -> Option<String> {
        let arg = self.last(opt)?;
        Some(self.text_of(arg))
    }

    /// The values of every `opt`.
    pub(super) fn texts(&mut self, opt: Opt) -> Vec<String> {
        self.all(opt)
            .into_iter()
            .map(|arg| self.text_of(arg))
            .collect()
    }

    /// The value of the last `opt`, split at commas; nothing stands between two commas.
    pub(super) fn list(&mut self, opt: Opt) -> Option<Vec<String>> {
        let text = self.text(opt)?;
        Some(
            text.split(',')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The value of the last `opt` as a path; an empty one counts as not given.
    pub(super) fn path(&self, opt: Opt) -> Option<PathBuf> {
        let value = self.last(opt)?.value.clone()?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The values of every `opt` as paths.
    pub(super) fn paths(&self, opt: Opt) -> Vec<PathBuf> {
        self.all(opt)
            .into_iter()
            .filter_map(|arg| arg.value.clone())
            .map(PathBuf::from)
            .collect()
    }

    /// The value of the last `opt` as a decimal number.
    pub(super) fn number(&mut self, opt: Opt) -> Option<u64> {
        let arg = self.last(opt)?;
        let text = self.text_of(arg);
        let number = decimal(&text);
        if number.is_none() {
            let message = format!("{}: number expected, but got '{text}'", arg.shown());
            self.error_expecting(message, &with_meant("a decimal number", &text));
        }
        number
    }

    /// As [`Self::number`]; 0 counts as not given.
    pub(super) fn nonzero(&mut self, opt: Opt) -> Option<u64> {
        self.number(opt).filter(|&number| number != 0)
    }

    /// The value of the last `opt`, which has to be one of its choices.
    pub(super) fn choice(&mut self, opt: Opt) -> Option<&'static str> {
        let arg = self.last(opt)?;
        let text = self.text_of(arg);
        self.chosen(arg, &text)
    }

    /// The choice of `arg`'s option that is `text`; an error lists them when there is none.
    pub(super) fn chosen(&mut self, arg: &Arg, text: &str) -> Option<&'static str> {
        let choices = OPTIONS[arg.opt as usize].choices;
        let found = choices.iter().find(|choice| **choice == text).copied();
        if found.is_none() {
            self.error(format!(
                "{}: unknown value '{text}'; expected {}",
                arg.shown(),
                choices.join(", ")
            ));
        }
        found
    }
}

/// A number of decimal digits only: no sign, no space.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A number that says its base: `0x1f`, `0b11`, `0o17`, `017`, or decimal.
pub(super) fn any_base(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, base) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8)
    } else {
        (lower.as_str(), 10)
    };
    // `from_str_radix` would take a sign.
    let digits_only = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    digits_only
        .then(|| u64::from_str_radix(digits, base).ok())
        .flatten()
}

/// What is `expected` instead of `text`, with the number that was probably meant.
pub(super) fn with_meant(expected: &str, text: &str) -> String {
    match meant(text) {
        Some(number) if number.to_string() != text => format!("{expected}; {text} is {number}"),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            format!("at most {}", u64::MAX)
        }
        _ => expected.to_owned(),
    }
}

/// The number that a person means by `text`: in any base, or with a unit behind it.
fn meant(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match &lower[digits.len()..] {
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return any_base(text),
    };
    decimal(digits)?.checked_mul(1 << shift)
}

/// The bytes that hexadecimal `digits` say; an odd last digit is a byte of its own.
pub(super) fn hex(digits: &str) -> Option<Vec<u8>> {
    let nibbles = digits
        .chars()
        .map(|digit| digit.to_digit(16).map(|value| value as u8))
        .collect::<Option<Vec<_>>>()?;
    let bytes = nibbles.chunks(2).map(|digits| match digits {
        [high, low] => high << 4 | low,
        alone => alone.iter().sum(),
    });
    Some(bytes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_wasm_ld_reads_them() {
        assert_eq!(decimal("020"), Some(20));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "0x10", "-1", "+1", " 1", "18446744073709551616", "1k"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
        assert_eq!(any_base("0x1F"), Some(31));
        assert_eq!(any_base("0b11"), Some(3));
        assert_eq!(any_base("0o17"), Some(15));
        assert_eq!(any_base("017"), Some(15));
        assert_eq!(any_base("0"), Some(0));
        for bad in ["", "0x", "08", "-16", "0x-1", "0x+1", "abc"] {
            assert_eq!(any_base(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_was_meant_is_said() {
        let said = |text| with_meant("digits", text);
        assert_eq!(said("4k"), "digits; 4k is 4096");
        assert_eq!(said("1MiB"), "digits; 1MiB is 1048576");
        assert_eq!(said("0x20"), "digits; 0x20 is 32");
        assert_eq!(said("18446744073709551616"), "at most 18446744073709551615");
        for text in ["", "-1", "k", "many", "99999999999999999999k", "4kk"] {
            assert_eq!(said(text), "digits", "{text}");
        }
    }

    #[test]
    fn hexadecimal_digits_may_be_odd_in_number() {
        assert_eq!(hex("123"), Some(vec![0x12, 0x03]));
        assert_eq!(hex("aBcD"), Some(vec![0xAB, 0xCD]));
        assert_eq!(hex(""), Some(vec![]));
        assert_eq!(hex("zz"), None);
    }
}
