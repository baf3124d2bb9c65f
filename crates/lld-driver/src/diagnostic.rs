//! What the linker said, as values.
//!
//! `wasm-ld` writes to stderr, one message after the other:
//!
//! ```text
//! rust-lld: error: duplicate symbol: dup
//! >>> defined in a.o
//! >>> defined in b.o
//! ```
//!
//! [`parse`] turns that into [`Diagnostic`]s. It recognises what it can: a message
//! whose file or symbol it does not see is still the whole message, and text that
//! is no message at all (a crash report, what a plugin printed) is kept as it is.

use std::fmt;
use std::path::PathBuf;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Stopped the link.
    Error,
    /// Did not stop the link.
    Warning,
    /// Said for information.
    Note,
    /// Text that is in no form of a message: a crash report, for instance.
    Prose,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Prose => "prose",
        })
    }
}

/// One message of the linker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The input or output file it is about, if the message names one:
    /// `a.o`, or `lib.a(member.o)` for an archive's member.
    pub file: Option<PathBuf>,
    /// The symbol it is about, if the message names one, as the linker spells it
    /// (demangled by default).
    pub symbol: Option<String>,
    /// The whole message without the linker's name and the severity. It contains
    /// `file` and `symbol` where the linker's wording has them, so that printing
    /// `NAME: SEVERITY: MESSAGE` gives the linker's own line.
    ///
    /// For [`Severity::Prose`]: lines as they came, without the last line end.
    pub message: String,
    /// The lines that followed with a leading `>>> `, without it.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A message that is about no file and no symbol.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            file: None,
            symbol: None,
            message: message.into(),
            notes: Vec::new(),
        }
    }
}

/// `SEVERITY: MESSAGE` and the notes as lines beginning with `>>> `; prose as it is.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity != Severity::Prose {
            write!(f, "{}: ", self.severity)?;
        }
        f.write_str(&self.message)?;
        for note in &self.notes {
            write!(f, "\n>>> {note}")?;
        }
        Ok(())
    }
}

/// Reads what a linker wrote to stderr.
///
/// Colours are removed. Neighbouring lines of prose are one diagnostic. Never
/// fails: what is not understood is prose.
///
/// ```
/// use lld_driver::{parse_diagnostics, Severity};
///
/// let found = parse_diagnostics("wasm-ld: error: a.o: undefined symbol: missing\n");
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].severity, Severity::Error);
/// assert_eq!(found[0].file.as_deref(), Some("a.o".as_ref()));
/// assert_eq!(found[0].symbol.as_deref(), Some("missing"));
/// assert_eq!(found[0].message, "a.o: undefined symbol: missing");
/// ```
pub fn parse(stderr: &str) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    // A blank line ends a message: what follows it is not its note nor its prose.
    let mut open = false;
    for line in stderr.lines() {
        let line = without_colours(line);
        if line.trim().is_empty() {
            open = false;
        } else if let Some(header) = Header::of(&line) {
            found.push(header.into_diagnostic());
            open = true;
        } else {
            match (line.strip_prefix(">>> "), found.last_mut()) {
                (Some(note), Some(last)) if open && last.severity != Severity::Prose => {
                    last.notes.push(note.to_owned());
                }
                (_, Some(last)) if open && last.severity == Severity::Prose => {
                    last.message.push('\n');
                    last.message.push_str(&line);
                }
                _ => {
                    found.push(Diagnostic::new(Severity::Prose, line));
                    open = true;
                }
            }
        }
    }
    found
}

/// A line `NAME: SEVERITY: MESSAGE` or `SEVERITY: MESSAGE`.
struct Header<'a> {
    /// What stands before the severity: the linker's name, or a place in a
    /// source text (inline assembly and LTO report those).
    name: &'a str,
    severity: Severity,
    message: &'a str,
}

const SEVERITIES: [(&str, Severity); 4] = [
    ("fatal error: ", Severity::Error),
    ("error: ", Severity::Error),
    ("warning: ", Severity::Warning),
    ("note: ", Severity::Note),
];

impl<'a> Header<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut earliest: Option<(usize, Self)> = None;
        for (word, severity) in SEVERITIES {
            let at = if line.starts_with(word) {
                0
            } else {
                match line.find(&format!(": {word}")) {
                    Some(at) => at + 2,
                    None => continue,
                }
            };
            if earliest.as_ref().is_none_or(|(best, _)| at < *best) {
                let header = Self {
                    name: line[..at].trim_end_matches(": "),
                    severity,
                    message: &line[at + word.len()..],
                };
                earliest = Some((at, header));
            }
        }
        let (_, header) = earliest?;
        // A sentence that has "error: " somewhere is no header.
        let is_name = !header.name.contains(": ") && !header.name.ends_with(char::is_whitespace);
        is_name.then_some(header)
    }

    fn into_diagnostic(self) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(self.severity, self.message);
        if let Some(file) = source_place(self.name) {
            diagnostic.file = Some(PathBuf::from(file));
            diagnostic.message = format!("{}: {}", self.name, self.message);
            return diagnostic;
        }
        let (file, symbol) = subjects(self.message);
        diagnostic.file = file.map(PathBuf::from);
        diagnostic.symbol = symbol.map(str::to_owned);
        diagnostic
    }
}

/// The file of a place `FILE:LINE:COLUMN`.
fn source_place(name: &str) -> Option<&str> {
    let (rest, column) = name.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(line) && is_number(column)).then_some(file)
}

/// Wordings `[FILE: ]WORDS SYMBOL`.
const ABOUT_SYMBOL: [&str; 6] = [
    "undefined symbol: ",
    "duplicate symbol: ",
    "function signature mismatch: ",
    "symbol type mismatch: ",
    "symbol exported via --export not found: ",
    "entry symbol not defined (pass --no-entry to suppress): ",
];

/// Wordings `WORDS FILE[: REASON]`, the more specific first.
const ABOUT_FILE: [&str; 3] = [
    "cannot open output file ",
    "cannot open ",
    "unknown file type: ",
];

/// The file and the symbol that a message is about.
fn subjects(message: &str) -> (Option<&str>, Option<&str>) {
    for words in ABOUT_SYMBOL {
        if let Some(symbol) = message.strip_prefix(words) {
            return (None, Some(symbol));
        }
        if let Some(at) = message.find(&format!(": {words}")) {
            return (Some(&message[..at]), Some(&message[at + 2 + words.len()..]));
        }
    }
    for words in ABOUT_FILE {
        if let Some(rest) = message.strip_prefix(words) {
            // The reason is the system's and holds no ": "; a path may.
            let file = rest.rsplit_once(": ").map_or(rest, |(file, _)| file);
            return (Some(file), None);
        }
    }
    let file = message
        .split_once(": ")
        .map(|(file, _)| file)
        .filter(|file| looks_like_file(file));
    let symbol = quoted_symbol(message);
    (file, symbol)
}

/// ``… against symbol `NAME'…``, in any of the quotes LLVM uses.
fn quoted_symbol(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("symbol `")?;
    let end = rest.find(['`', '\''])?;
    Some(&rest[..end])
}

/// A last component with an extension, or an archive's member: `dir/a.o`,
/// `libc.a(printf.o)`.
fn looks_like_file(text: &str) -> bool {
    let outer = match text.split_once('(') {
        Some((archive, member)) if member.ends_with(')') => archive,
        _ => text,
    };
    let name = outer.rsplit(['/', '\\']).next().unwrap_or(outer);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && !extension.is_empty()
            && extension
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// The line without terminal control sequences (`ESC [ … letter`).
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            for inner in chars.by_ref() {
                if ('@'..='~').contains(&inner) {
                    break;
                }
            }
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Severity, file, symbol and message of the one diagnostic in a text.
    fn one(text: &str) -> (Severity, Option<String>, Option<String>, String) {
        let mut found = parse(text);
        assert_eq!(found.len(), 1, "{found:?}");
        let Diagnostic {
            severity,
            file,
            symbol,
            message,
            notes,
        } = found.remove(0);
        assert!(notes.is_empty());
        let file = file.map(|file| file.into_os_string().into_string().unwrap());
        (severity, file, symbol, message)
    }

    fn about(text: &str) -> (Option<String>, Option<String>) {
        let (severity, file, symbol, message) = one(&format!("wasm-ld: error: {text}"));
        assert_eq!(severity, Severity::Error);
        assert_eq!(message, text);
        (file, symbol)
    }

    #[test]
    fn what_a_message_is_about() {
        for (text, file, symbol) in [
            ("a.o: undefined symbol: f", Some("a.o"), Some("f")),
            (
                "/a b/lib.a(c d.o): undefined symbol: S::m(int)",
                Some("/a b/lib.a(c d.o)"),
                Some("S::m(int)"),
            ),
            ("noext: undefined symbol: f", Some("noext"), Some("f")),
            ("duplicate symbol: a::b", None, Some("a::b")),
            ("symbol exported via --export not found: x", None, Some("x")),
            (
                "entry symbol not defined (pass --no-entry to suppress): zz",
                None,
                Some("zz"),
            ),
            ("cannot open a: b.o: No such file", Some("a: b.o"), None),
            (
                "cannot open output file /x/y.wasm: Permission denied",
                Some("/x/y.wasm"),
                None,
            ),
            ("unknown file type: t.txt", Some("t.txt"), None),
            ("trunc.o: section too large", Some("trunc.o"), None),
            ("lib.a(m.o): bad magic", Some("lib.a(m.o)"), None),
            (
                "a.o: relocation R_WASM_MEMORY_ADDR_SLEB cannot be used against symbol `v`; \
                 recompile with -fPIC",
                Some("a.o"),
                Some("v"),
            ),
            ("unknown argument: --bogus", None, None),
            ("unable to find library -lfoo", None, None),
            ("no input files", None, None),
            (
                "initial memory too small, 5.5 needed: give more",
                None,
                None,
            ),
        ] {
            let expected = (file.map(str::to_owned), symbol.map(str::to_owned));
            assert_eq!(about(text), expected, "{text}");
        }
    }

    #[test]
    fn headers_in_their_forms() {
        use Severity::{Error, Note, Warning};
        for (line, severity, message) in [
            ("wasm-ld-19: warning: w", Warning, "w"),
            ("C:\\bin\\rust-lld.exe: error: e", Error, "e"),
            ("error: no name", Error, "no name"),
            ("fatal error: gone", Error, "gone"),
            ("rust-lld: note: n", Note, "n"),
            ("rust-lld: error: warning: quoted", Error, "warning: quoted"),
            ("rust-lld: \u{1b}[0;31merror: \u{1b}[0mred", Error, "red"),
        ] {
            let found = one(line);
            assert_eq!((found.0, &*found.3), (severity, message), "{line}");
        }
    }

    #[test]
    fn a_place_in_a_source_text_is_a_file() {
        let (severity, file, symbol, message) = one("<inline asm>:1:2: error: unknown op");
        assert_eq!(severity, Severity::Error);
        assert_eq!(file.as_deref(), Some("<inline asm>"));
        assert_eq!(symbol, None);
        assert_eq!(message, "<inline asm>:1:2: unknown op");
    }

    #[test]
    fn a_sentence_is_no_header() {
        for line in [
            "there was an error: nobody knows",
            "plugin: it said: error: maybe",
            "wasm-ld: LLVM ERROR: out of memory",
            ">>> a note of nothing",
        ] {
            assert_eq!(one(line).0, Severity::Prose, "{line}");
            assert_eq!(one(line).3, line);
        }
    }

    #[test]
    fn notes_prose_and_blank_lines() {
        let found = parse(
            "ld: error: duplicate symbol: d\r\n>>> defined in a.o\r\n>>> defined in b.o\r\n\r\n\
             >>> not a note of it\n\
             Stack dump:\n 0. x\n\nother\n\
             ld: warning: w\nprose after it\n",
        );
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "error: duplicate symbol: d\n>>> defined in a.o\n>>> defined in b.o",
                ">>> not a note of it\nStack dump:\n 0. x",
                "other",
                "warning: w",
                "prose after it",
            ]
        );
        assert_eq!(parse(""), []);
        assert_eq!(parse("\n \n"), []);
    }
}
