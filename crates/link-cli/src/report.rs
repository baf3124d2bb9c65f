//! Messages and how they are printed.
//!
//! The form is lld's, which build systems and editors know how to read:
//! `wasm-link: error: main.o: undefined symbol: f`, with `>>> ` before each further line.

use std::io::{self, IsTerminal, Write};

use link_core::diag::{self, Diagnostic};

/// How grave a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Severity {
    /// There is no output.
    Error,
    /// There is an output, but it may not be what the user meant.
    Warning,
    /// Information that an option asks for (`--verbose-link`).
    Note,
    /// Text of another program, printed as it is.
    Prose,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) severity: Severity,
    /// The message without program name and severity; usually begins with the file it is about.
    pub(crate) text: String,
    /// Further lines, printed after `>>> `.
    pub(crate) notes: Vec<String>,
    /// A warning that `--fatal-warnings` leaves a warning: `wasm-ld` does not give it.
    pub(crate) never_fatal: bool,
}

impl Message {
    fn new(severity: Severity, text: impl Into<String>) -> Self {
        Self {
            severity,
            text: text.into(),
            notes: Vec::new(),
            never_fatal: false,
        }
    }

    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self::new(Severity::Error, text)
    }

    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, text)
    }

    pub(crate) fn note(text: impl Into<String>) -> Self {
        Self::new(Severity::Note, text)
    }

    /// Adds a line that is printed after `>>> `.
    #[must_use]
    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same, as a warning that `--fatal-warnings` leaves a warning.
    #[must_use]
    pub(crate) fn never_fatal(mut self) -> Self {
        self.never_fatal = true;
        self
    }

    /// Whether it keeps the output from being made, and counts as an error.
    fn is_fatal(&self, fatal_warnings: bool) -> bool {
        match self.severity {
            Severity::Error => true,
            Severity::Warning => fatal_warnings && !self.never_fatal,
            Severity::Note | Severity::Prose => false,
        }
    }
}

impl From<Diagnostic> for Message {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            severity: match diagnostic.severity {
                diag::Severity::Warning => Severity::Warning,
                diag::Severity::Error => Severity::Error,
            },
            text: match diagnostic.file {
                Some(file) => format!("{file}: {}", diagnostic.message),
                None => diagnostic.message,
            },
            notes: diagnostic.notes,
            never_fatal: diagnostic.never_fatal,
        }
    }
}

/// The system's message, without the number that the standard library appends.
pub(crate) fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}

/// When messages are coloured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Color {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Decides for messages that go to standard error.
    fn resolve(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
                set("NO_COLOR").is_none()
                    && set("TERM").is_none_or(|term| term != "dumb")
                    && std::io::stderr().is_terminal()
            }
        }
    }
}

/// Prints messages to standard error and counts the errors.
pub(crate) struct Reporter {
    program: String,
    color: bool,
    fatal_warnings: bool,
    /// Errors that are printed before the rest is left out; 0 for all.
    limit: usize,
    errors: usize,
    last_had_notes: bool,
}

impl Reporter {
    /// A reporter whose messages begin with `program`.
    pub(crate) fn new(program: String, settings: &Settings) -> Self {
        Self {
            program,
            color: settings.color.resolve(),
            fatal_warnings: settings.fatal_warnings,
            limit: settings.error_limit,
            errors: 0,
            last_had_notes: false,
        }
    }

    /// The name that messages begin with.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// The prefix of errors.
    pub(crate) fn prefix(&self) -> String {
        let line = render(&self.program, self.color, Severity::Error, "", &[]);
        line.trim_end_matches('\n').to_owned()
    }

    /// Whether an error was reported, a warning that counts as one included.
    pub(crate) fn failed(&self) -> bool {
        self.errors > 0
    }

    /// Prints all of `messages`.
    pub(crate) fn all(&mut self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.one(&message);
        }
    }

    /// Prints `message`, unless as many errors as the limit allows have been printed before.
    pub(crate) fn one(&mut self, message: &Message) {
        let over = self.limit != 0 && self.errors > self.limit;
        if over {
            return;
        }
        let mut severity = message.severity;
        if message.is_fatal(self.fatal_warnings) {
            severity = Severity::Error;
        }
        if severity == Severity::Error {
            self.errors += 1;
            if self.limit != 0 && self.errors > self.limit {
                self.print(
                    Severity::Error,
                    "too many errors emitted, stopping now (use --error-limit=0 to see all errors)",
                    &[],
                );
                return;
            }
        }
        self.print(severity, &message.text, &message.notes);
    }

    fn print(&mut self, severity: Severity, text: &str, notes: &[String]) {
        let line = render(&self.program, self.color, severity, text, notes);
        let mut stderr = std::io::stderr().lock();
        // A message of several lines is followed by a blank one when another message follows.
        let separator = if self.last_had_notes { "\n" } else { "" };
        // A failure is ignored: there is no other place to report it.
        let _ = stderr.write_all(format!("{separator}{line}").as_bytes());
        self.last_had_notes = severity != Severity::Prose && line.lines().count() > 1;
    }
}

/// The options about messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    pub(crate) color: Color,
    pub(crate) fatal_warnings: bool,
    /// How many errors are printed; 0 for all.
    pub(crate) error_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            color: Color::Auto,
            fatal_warnings: false,
            error_limit: 20,
        }
    }
}

impl Settings {
    /// Whether one of `messages` keeps the output from being made.
    pub(crate) fn is_fatal(&self, messages: &[Message]) -> bool {
        messages
            .iter()
            .any(|message| message.is_fatal(self.fatal_warnings))
    }
}

/// A message as it is printed, with the newline that ends it.
fn render(program: &str, color: bool, severity: Severity, text: &str, notes: &[String]) -> String {
    let word = match severity {
        Severity::Error if color => "\u{1b}[0;31merror: \u{1b}[0m",
        Severity::Error => "error: ",
        Severity::Warning if color => "\u{1b}[0;35mwarning: \u{1b}[0m",
        Severity::Warning => "warning: ",
        Severity::Note | Severity::Prose => "",
    };
    let mut line = match severity {
        Severity::Prose => format!("{text}\n"),
        _ => format!("{program}: {word}{text}\n"),
    };
    for note in notes {
        line.push_str(">>> ");
        line.push_str(note);
        line.push('\n');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fatal_warnings_leaves_warnings_that_are_never_fatal() {
        let settings = Settings {
            fatal_warnings: true,
            ..Settings::default()
        };
        let fatal = Message::warning("a");
        let never = Message::warning("b").never_fatal();
        assert!(settings.is_fatal(&[never.clone(), fatal.clone()]));
        assert!(!settings.is_fatal(&[never.clone(), Message::note("c")]));
        assert!(!Settings::default().is_fatal(std::slice::from_ref(&fatal)));

        let mut reporter = Reporter::new("wasm-link".to_owned(), &settings);
        reporter.one(&never);
        assert!(!reporter.failed());
        reporter.one(&fatal);
        assert!(reporter.failed());
    }

    #[test]
    fn a_message_has_llds_form() {
        let notes = ["defined in a.o".to_owned(), "defined in b.o".to_owned()];
        assert_eq!(
            render(
                "wasm-ld",
                false,
                Severity::Error,
                "duplicate symbol: f",
                &notes
            ),
            "wasm-ld: error: duplicate symbol: f\n>>> defined in a.o\n>>> defined in b.o\n"
        );
        assert_eq!(
            render("wasm-ld", true, Severity::Warning, "odd", &[]),
            "wasm-ld: \u{1b}[0;35mwarning: \u{1b}[0modd\n"
        );
        assert_eq!(
            render("wasm-link", true, Severity::Note, "said", &[]),
            "wasm-link: said\n"
        );
    }
}
