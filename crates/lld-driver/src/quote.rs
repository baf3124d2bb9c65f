//! Words as text: for a shell, and in a response file, both ways.
//!
//! A response file holds command line arguments; `@FILE` on a command line stands
//! for them. LLVM's tools read two quoting styles, chosen with `--rsp-quoting`.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

/// How the words of a response file are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quoting {
    /// `'…'` and `"…"` group; a backslash makes any next character plain, inside
    /// quotes as well.
    Posix,
    /// `"…"` groups; backslashes are plain except before a `"`, where two stand
    /// for one and an odd one makes the quote plain; `""` inside quotes is a quote.
    Windows,
}

impl Quoting {
    /// What LLVM's tools expect on this host if `--rsp-quoting` does not say.
    pub const HOST: Self = if cfg!(windows) {
        Self::Windows
    } else {
        Self::Posix
    };

    /// The style's name as `--rsp-quoting=` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Windows => "windows",
        }
    }

    /// The style an argument list asks for: its last `--rsp-quoting=`, else the
    /// host's.
    pub fn of_args<S: AsRef<OsStr>>(args: &[S]) -> Self {
        let chosen = args.iter().rev().find_map(|arg| {
            let arg = arg.as_ref().to_str()?;
            let option = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
            match option.strip_prefix("rsp-quoting=")? {
                "posix" => Some(Self::Posix),
                "windows" => Some(Self::Windows),
                _ => None,
            }
        });
        chosen.unwrap_or(Self::HOST)
    }
}

/// The contents of a response file that stands for `args`: one quoted word a line.
///
/// A word's bytes are written as the platform stores them
/// ([`OsStr::as_encoded_bytes`]), which is what `wasm-ld` reads back.
///
/// ```
/// use lld_driver::quote::{response_file, split_response_file, Quoting};
///
/// let args = ["-o", "my program.wasm", r#"say "hi".o"#];
/// let text = response_file(&args, Quoting::Posix);
/// assert_eq!(text, b"\"-o\"\n\"my program.wasm\"\n\"say \\\"hi\\\".o\"\n");
///
/// let text = String::from_utf8(text).unwrap();
/// assert_eq!(split_response_file(&text, Quoting::Posix), args);
/// ```
pub fn response_file<S: AsRef<OsStr>>(args: &[S], quoting: Quoting) -> Vec<u8> {
    let mut text = Vec::new();
    for arg in args {
        let bytes = arg.as_ref().as_encoded_bytes();
        text.push(b'"');
        match quoting {
            Quoting::Posix => {
                for &byte in bytes {
                    if matches!(byte, b'"' | b'\\') {
                        text.push(b'\\');
                    }
                    text.push(byte);
                }
            }
            Quoting::Windows => {
                let mut backslashes = 0;
                for &byte in bytes {
                    match byte {
                        b'\\' => backslashes += 1,
                        b'"' => {
                            // Those before the quote are doubled, one more makes
                            // the quote plain.
                            text.resize(text.len() + backslashes + 1, b'\\');
                            backslashes = 0;
                        }
                        _ => backslashes = 0,
                    }
                    text.push(byte);
                }
                // The closing quote follows: what stands before it is doubled.
                text.resize(text.len() + backslashes, b'\\');
            }
        }
        text.extend_from_slice(b"\"\n");
    }
    text
}

/// The words of a response file, as LLVM's tools read it. Quotes that are not
/// closed end with the text; a byte order mark at the beginning is no part of it.
pub fn split_response_file(text: &str, quoting: Quoting) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match quoting {
        Quoting::Posix => split_posix(text),
        Quoting::Windows => split_windows(text),
    }
}

fn split_posix(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            _ if c.is_ascii_whitespace() => words.extend(word.take()),
            '"' | '\'' => {
                let word = word.get_or_insert_default();
                while let Some(inner) = chars.next() {
                    match inner {
                        _ if inner == c => break,
                        '\\' => word.extend(chars.next()),
                        _ => word.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn split_windows(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            _ if c.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            '\\' => {
                let mut count = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let word = word.get_or_insert_default();
                if chars.peek() == Some(&'"') {
                    word.extend(std::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        chars.next();
                        word.push('"');
                    }
                } else {
                    word.extend(std::iter::repeat_n('\\', count));
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                if quoted && chars.next_if_eq(&'"').is_some() {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// One word as a POSIX shell reads it back.
///
/// ```
/// use lld_driver::quote::shell_word;
/// assert_eq!(shell_word("-o".as_ref()), "-o");
/// assert_eq!(shell_word("it's.o".as_ref()), r"'it'\''s.o'");
/// ```
pub fn shell_word(word: &OsStr) -> Cow<'_, str> {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Words as one line that a POSIX shell reads back as the same words (but for
/// those that are no UTF-8, which cannot be printed).
pub fn shell_line<I, S>(words: I) -> String
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shell_word(word.as_ref()));
    }
    line
}

/// Replaces each `@FILE` by the words of the file, those inside it as well;
/// `load` reads a file. As LLVM's tools do, an argument whose file cannot be read
/// stays as it is.
///
/// # Errors
/// A file that names itself, directly or through others: the chain of names.
pub fn expand_response_files<F>(
    args: &[OsString],
    quoting: Quoting,
    load: &mut F,
) -> Result<Vec<OsString>, Vec<OsString>>
where
    F: FnMut(&OsStr) -> Option<String>,
{
    let mut expanded = Vec::with_capacity(args.len());
    expand_into(args, quoting, load, &mut Vec::new(), &mut expanded)?;
    Ok(expanded)
}

fn expand_into<F>(
    args: &[OsString],
    quoting: Quoting,
    load: &mut F,
    open: &mut Vec<OsString>,
    expanded: &mut Vec<OsString>,
) -> Result<(), Vec<OsString>>
where
    F: FnMut(&OsStr) -> Option<String>,
{
    for arg in args {
        let name = arg.to_str().and_then(|arg| arg.strip_prefix('@'));
        let text = name.and_then(|name| load(OsStr::new(name)));
        let (Some(name), Some(text)) = (name, text) else {
            expanded.push(arg.clone());
            continue;
        };
        open.push(OsString::from(name));
        if open[..open.len() - 1].contains(&open[open.len() - 1]) {
            return Err(std::mem::take(open));
        }
        let words: Vec<OsString> = split_response_file(&text, quoting)
            .into_iter()
            .map(OsString::from)
            .collect();
        expand_into(&words, quoting, load, open, expanded)?;
        open.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 14] = [
        "plain",
        "",
        " ",
        "two words",
        "tab\there",
        "line\nend",
        "it's",
        "say \"hi\"",
        "\"",
        "\\",
        "dir\\file",
        "end\\",
        "end\\\\\"",
        "ünïcode",
    ];

    #[test]
    fn a_response_file_reads_back() {
        for quoting in [Quoting::Posix, Quoting::Windows] {
            let text = String::from_utf8(response_file(&WORDS, quoting)).unwrap();
            assert_eq!(split_response_file(&text, quoting), WORDS, "{quoting:?}");
        }
    }

    #[test]
    fn posix_quoting() {
        for (text, words) in [
            ("", &[][..]),
            (" \n\t ", &[]),
            ("a  b\nc\r\n", &["a", "b", "c"]),
            ("a\\ b 'c d' \"e f\"", &["a b", "c d", "e f"]),
            ("x'y'\"z\"", &["xyz"]),
            ("'' \"\"", &["", ""]),
            (r"'a\'b' a\\b", &["a'b", r"a\b"]),
            ("'open", &["open"]),
            ("end\\", &["end"]),
            ("\u{feff}a b", &["a", "b"]),
        ] {
            assert_eq!(split_response_file(text, Quoting::Posix), words, "{text}");
        }
    }

    #[test]
    fn windows_quoting() {
        for (text, words) in [
            ("", &[][..]),
            (r"C:\dir\a.o b", &[r"C:\dir\a.o", "b"]),
            (r#""C:\a b\" c"#, &[r#"C:\a b" c"#]),
            (r#""C:\a b\\" c"#, &[r"C:\a b\", "c"]),
            (r#"a\"b 'c d'"#, &[r#"a"b"#, "'c", "d'"]),
            (r#""a""b" """#, &[r#"a"b"#, ""]),
            (r#""open x"#, &["open x"]),
        ] {
            assert_eq!(split_response_file(text, Quoting::Windows), words, "{text}");
        }
    }

    #[test]
    fn the_last_quoting_option_counts() {
        let of = |args: &[&str]| Quoting::of_args(args);
        assert_eq!(of(&["a.o"]), Quoting::HOST);
        assert_eq!(of(&["--rsp-quoting=windows"]), Quoting::Windows);
        let both = ["--rsp-quoting=windows", "-rsp-quoting=posix"];
        assert_eq!(of(&both), Quoting::Posix);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_same_words() {
        let line = shell_line(WORDS);
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("printf '%s|' {line}")])
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, WORDS.map(|word| format!("{word}|")).concat());
    }

    #[test]
    fn response_files_expand_where_they_stand() {
        let mut load = |name: &OsStr| match name.to_str()? {
            "one" => Some("b @two".to_owned()),
            "two" => Some("c 'd e'".to_owned()),
            "loop" => Some("@one @loop".to_owned()),
            _ => None,
        };
        let mut expand = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            expand_response_files(&args, Quoting::Posix, &mut load)
        };
        let expanded = expand(&["a", "@one", "@none", "@two", "f"]).unwrap();
        let expected = ["a", "b", "c", "d e", "@none", "c", "d e", "f"];
        assert_eq!(expanded, expected);
        assert_eq!(expand(&["@loop"]).unwrap_err(), ["loop", "loop"]);
    }
}
