//! Numbers in the values of options.

/// A number of decimal digits only: no sign, no space.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A number with a prefix for its base: `0x1f`, `0b11`, `0o17`, `017`, or decimal.
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

/// The text of an error: the `expected` form, and the number that `text` probably meant.
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
