//! `--dependency-file`: a rule for `make` or `ninja` that says what the output was made from.

use std::path::{Path, PathBuf};

/// The rule. Each input also has one of its own that makes it from nothing, so that an input
/// that is gone leads to a new link and not to an error.
pub(super) fn rule(output: &Path, inputs: &[PathBuf]) -> Vec<u8> {
    let mut text = escaped(output);
    text.push(b':');
    for input in inputs {
        text.extend(b" \\\n  ");
        text.extend(escaped(input));
    }
    text.push(b'\n');
    for input in inputs {
        text.push(b'\n');
        text.extend(escaped(input));
        text.extend(b":\n");
    }
    text
}

/// A path as both tools read it: `$` doubled, a space or `#` behind a backslash, and so are the
/// backslashes right before those.
fn escaped(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    let mut backslashes = 0;
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'$' => text.push(b'$'),
            b' ' | b'#' => text.extend(vec![b'\\'; backslashes + 1]),
            _ => {}
        }
        backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
        text.push(byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_what_was_read() {
        let rule = rule(
            Path::new("a b"),
            &["x$.o".into(), "dir/#.a".into(), "c\\ d".into()],
        );
        assert_eq!(
            String::from_utf8(rule).unwrap(),
            "a\\ b: \\\n  x$$.o \\\n  dir/\\#.a \\\n  c\\\\\\ d\n\nx$$.o:\n\ndir/\\#.a:\n\nc\\\\\\ d:\n"
        );
    }
}
