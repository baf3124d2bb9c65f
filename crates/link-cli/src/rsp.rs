//! Response files: `@file` on the command line stands for the arguments in the file.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use link_core::args::{Item, Line, Spellings};

use crate::options::Opt;
use crate::report::{Message, reason};
use crate::sys;

/// How many response files one command line may lead to, so that files that include each other
/// many times over end in a message instead of filling the memory.
const MAX_FILES: usize = 10_000;

/// How deep response files may be nested; each level is a level of recursion here.
const MAX_DEPTH: usize = 100;

/// How the arguments in a response file are separated and quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Quoting {
    /// As in a shell: `'…'`, `"…"`, and `\` before any character stands for that character.
    Posix,
    /// As on Windows: `"…"`, and `\` is special only before a `"`.
    Windows,
}

impl Quoting {
    /// What holds when `--rsp-quoting` is not given.
    pub(crate) const NATIVE: Self = if cfg!(windows) {
        Self::Windows
    } else {
        Self::Posix
    };

    /// The style called `name` by `--rsp-quoting`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "posix" => Some(Self::Posix),
            "windows" => Some(Self::Windows),
            _ => None,
        }
    }
}

/// A command line whose response files were read.
#[derive(Debug)]
pub(crate) struct Expanded {
    pub(crate) args: Vec<OsString>,
    /// The response files.
    pub(crate) files: Vec<PathBuf>,
}

/// Replaces every `@file` in `args` by the arguments in the file.
///
/// Fails when a response file includes itself, cannot be read, or there are too many of them. A
/// file that does not exist leaves its argument as it is.
pub(crate) fn expand(args: Vec<OsString>, spellings: &Spellings) -> Result<Expanded, Message> {
    let mut expansion = Expansion {
        quoting: requested_quoting(&args, spellings),
        open: Vec::new(),
        read: Vec::new(),
        args: Vec::with_capacity(args.len()),
    };
    for arg in args {
        expansion.push(arg)?;
    }
    Ok(Expanded {
        args: expansion.args,
        files: expansion.read,
    })
}

/// The last `--rsp-quoting` on the command line itself. A style that does not exist is reported
/// when the options are read.
fn requested_quoting(args: &[OsString], spellings: &Spellings) -> Quoting {
    // Without response files, nothing is to be quoted.
    if !args
        .iter()
        .any(|arg| arg.as_encoded_bytes().starts_with(b"@"))
    {
        return Quoting::NATIVE;
    }
    let line = Line::parse(args.to_vec(), spellings);
    let named = line.items.iter().rev().find_map(|item| match item {
        Item::Option(arg) if Opt::of(arg) == Some(Opt::RspQuoting) => {
            arg.value.as_ref()?.to_str().and_then(Quoting::named)
        }
        Item::Option(_) | Item::Input(_) => None,
    });
    named.unwrap_or(Quoting::NATIVE)
}

struct Expansion {
    quoting: Quoting,
    /// The response files being read, outermost first, by their canonical paths.
    open: Vec<PathBuf>,
    /// Those that were read so far, by the paths that they were given by.
    read: Vec<PathBuf>,
    args: Vec<OsString>,
}

impl Expansion {
    fn push(&mut self, arg: OsString) -> Result<(), Message> {
        let Some(name) = arg
            .as_encoded_bytes()
            .strip_prefix(b"@")
            .filter(|name| !name.is_empty())
        else {
            self.args.push(arg);
            return Ok(());
        };
        let shown = arg.to_string_lossy();
        let path = sys::os_string(name.to_vec()).map_err(|_| {
            Message::error(format!("{shown}: the file's name is not valid Unicode"))
        })?;
        let Ok(canonical) = fs::canonicalize(&path) else {
            self.args.push(arg);
            return Ok(());
        };
        if self.open.contains(&canonical) {
            return Err(Message::error(format!(
                "{shown}: the response file includes itself"
            )));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Message::error(format!(
                "{shown}: response files are nested more than {MAX_DEPTH} deep"
            )));
        }
        if self.read.len() >= MAX_FILES {
            return Err(Message::error(format!(
                "{shown}: more than {MAX_FILES} response files; do they include each other?"
            )));
        }
        let inner = read(Path::new(&path), self.quoting)
            .map_err(|problem| Message::error(format!("{shown}: {problem}")))?;
        self.read.push(path.into());
        self.open.push(canonical);
        for arg in inner {
            self.push(arg)?;
        }
        self.open.pop();
        Ok(())
    }
}

fn read(path: &Path, quoting: Quoting) -> Result<Vec<OsString>, String> {
    let text =
        fs::read(path).map_err(|error| format!("cannot read response file: {}", reason(&error)))?;
    let text = decode(text)?;
    split(&text, quoting)
        .into_iter()
        .map(|arg| {
            sys::os_string(arg).map_err(|_| "the response file is not valid Unicode".to_owned())
        })
        .collect()
}

/// Removes a byte order mark, and turns UTF-16 (which has one) into UTF-8.
fn decode(text: Vec<u8>) -> Result<Vec<u8>, String> {
    let from_units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("the response file is UTF-16 with half a character at its end".to_owned());
        }
        String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>())
            .map(String::into_bytes)
            .map_err(|_| "the response file is not valid UTF-16".to_owned())
    };
    match text.as_slice() {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(rest.to_vec()),
        [0xFF, 0xFE, rest @ ..] => from_units(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => from_units(rest, u16::from_be_bytes),
        _ => Ok(text),
    }
}

/// Separates the arguments in `text`. A quote that is not closed ends with the text.
fn split(text: &[u8], quoting: Quoting) -> Vec<Vec<u8>> {
    match quoting {
        Quoting::Posix => split_posix(text),
        Quoting::Windows => split_windows(text),
    }
}

/// NUL cannot stand in an argument, so it separates like a space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

fn split_posix(text: &[u8]) -> Vec<Vec<u8>> {
    let mut args = Vec::new();
    let mut arg: Option<Vec<u8>> = None;
    let mut quote: Option<u8> = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            arg.get_or_insert_default()
                .push(bytes.next().unwrap_or(b'\\'));
        } else if quote == Some(byte) {
            quote = None;
        } else if quote.is_none() && (byte == b'"' || byte == b'\'') {
            quote = Some(byte);
            arg.get_or_insert_default();
        } else if quote.is_none() && is_space(byte) {
            args.extend(arg.take());
        } else {
            arg.get_or_insert_default().push(byte);
        }
    }
    args.extend(arg);
    args
}

fn split_windows(text: &[u8]) -> Vec<Vec<u8>> {
    let mut args = Vec::new();
    let mut arg: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let more = text[at..].iter().take_while(|byte| **byte == b'\\').count();
                at += more;
                let run = 1 + more;
                let arg = arg.get_or_insert_default();
                if text.get(at) == Some(&b'"') {
                    arg.extend(std::iter::repeat_n(b'\\', run / 2));
                    if run % 2 == 1 {
                        arg.push(b'"');
                        at += 1;
                    }
                } else {
                    arg.extend(std::iter::repeat_n(b'\\', run));
                }
            }
            b'"' if quoted && text.get(at) == Some(&b'"') => {
                arg.get_or_insert_default().push(b'"');
                at += 1;
            }
            b'"' => {
                quoted = !quoted;
                arg.get_or_insert_default();
            }
            byte if !quoted && is_space(byte) => args.extend(arg.take()),
            byte => arg.get_or_insert_default().push(byte),
        }
    }
    args.extend(arg);
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::spellings;

    fn strings(args: Vec<Vec<u8>>) -> Vec<String> {
        args.into_iter()
            .map(|arg| String::from_utf8(arg).unwrap())
            .collect()
    }

    #[test]
    fn posix_quoting_is_that_of_wasm_ld() {
        let text = r#""a b" 'c d' e\ f "g\"h" 'i\'j' k"l m"n "o\\p" s\t '' u"v'w" # C:\foo end\"#;
        assert_eq!(
            strings(split(text.as_bytes(), Quoting::Posix)),
            [
                "a b", "c d", "e f", "g\"h", "i'j", "kl mn", "o\\p", "st", "", "uv'w", "#",
                "C:foo", "end\\"
            ]
        );
        assert_eq!(
            strings(split(b"a\tb\r\nc\0\"d\ne", Quoting::Posix)),
            ["a", "b", "c", "d\ne"]
        );
    }

    #[test]
    fn windows_quoting_is_that_of_wasm_ld() {
        let text = r#""a b" 'c d' e\f "g\"h" "g\\" "g\\\"h" x"y z"w "a""b" "" \\s\x C:\a\"b" "c\"#;
        assert_eq!(
            strings(split(text.as_bytes(), Quoting::Windows)),
            [
                "a b",
                "'c",
                "d'",
                "e\\f",
                "g\"h",
                "g\\",
                "g\\\"h",
                "xy zw",
                "a\"b",
                "",
                "\\\\s\\x",
                "C:\\a\"b c\\"
            ]
        );
    }

    #[test]
    fn byte_order_marks_are_understood() {
        assert_eq!(decode(b"\xEF\xBB\xBFab".to_vec()).unwrap(), b"ab");
        assert_eq!(decode(b"\xFF\xFEa\0b\0".to_vec()).unwrap(), b"ab");
        assert_eq!(decode(b"\xFE\xFF\0a\0b".to_vec()).unwrap(), b"ab");
        decode(b"\xFF\xFEa".to_vec()).unwrap_err();
        decode(b"\xFF\xFE\0\xD8".to_vec()).unwrap_err();
    }

    #[test]
    fn the_style_is_the_last_one_and_no_value_of_another_option() {
        let style = |args: &[&str]| {
            let args: Vec<_> = ["@a"].iter().chain(args).map(OsString::from).collect();
            requested_quoting(&args, &spellings())
        };
        assert_eq!(style(&["--rsp-quoting=windows"]), Quoting::Windows);
        assert_eq!(
            style(&["--rsp-quoting=windows", "--rsp-quoting=bash"]),
            Quoting::Windows
        );
        assert_eq!(
            style(&["-rsp-quoting", "windows", "--rsp-quoting=posix"]),
            Quoting::Posix
        );
        assert_eq!(
            style(&["--rsp-quoting=windows", "--export", "--rsp-quoting=posix"]),
            Quoting::Windows
        );
    }
}
