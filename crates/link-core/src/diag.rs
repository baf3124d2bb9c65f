//! Diagnostics as values: what went wrong, in which file, and what else helps to mend it.
//! Nothing here prints; the command does.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The link goes on.
    Warning,
    /// No output is made.
    Error,
}

/// What a diagnostic is about, for callers that react to some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A file could not be read.
    Io,
    /// A file is damaged, or of a kind that cannot be linked.
    BadInput,
    /// An input that is linked is LLVM bitcode, which this linker does not compile.
    Bitcode,
    /// A library of `-l` was not found.
    LibraryNotFound,
    /// A symbol is needed and undefined.
    Undefined,
    /// A symbol has more than one strong definition, or an export name stands for several.
    Duplicate,
    /// A symbol is a function here and something else there, or the signatures differ.
    TypeMismatch,
    /// Target features do not go together.
    Features,
    /// Memory, stack or table settings do not fit.
    Layout,
    /// The output is valid, but has more of something than engines take.
    Limits,
    /// Options contradict each other or the inputs.
    Options,
    /// An argument of a command line is no option that is known.
    UnknownArgument,
    /// An option's value is missing or not valid.
    InvalidArgument,
    /// The link was cancelled by the caller.
    Cancelled,
    /// Anything else.
    Other,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// The file it is about, as named on the command line; a member of an archive as
    /// `libx.a(member.o)`.
    pub file: Option<String>,
    /// What happened, in `wasm-ld`'s wording where `wasm-ld` has one.
    pub message: String,
    /// The symbol it is about, as it stands in the files (mangled).
    pub symbol: Option<String>,
    /// Further lines: `>>> referenced by …`, and what to do.
    pub notes: Vec<String>,
    /// A warning that `--fatal-warnings` leaves a warning; see [`Self::never_fatal()`].
    pub never_fatal: bool,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            file: None,
            message: message.into(),
            symbol: None,
            notes: Vec::new(),
            never_fatal: false,
        }
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same, about `file`.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The same, about the symbol `symbol`.
    #[must_use]
    pub fn about(mut self, symbol: impl Into<String>) -> Self {
        self.symbol = Some(symbol.into());
        self
    }

    /// The same, with one more line of explanation.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same, as a warning that `--fatal-warnings` does not turn into an error.
    ///
    /// For warnings that `wasm-ld` does not give: a build that passes `--fatal-warnings`, as
    /// older versions of rustc do, goes on as it does with `wasm-ld`.
    #[must_use]
    pub fn never_fatal(mut self) -> Self {
        self.never_fatal = true;
        self
    }

    /// Whether no output is made because of it. `fatal_warnings` is `--fatal-warnings`.
    pub fn is_fatal(&self, fatal_warnings: bool) -> bool {
        match self.severity {
            Severity::Warning => fatal_warnings && !self.never_fatal,
            Severity::Error => true,
        }
    }
}

impl fmt::Display for Diagnostic {
    /// In `wasm-ld`'s form, without the program's name: `error: FILE: message`, then a
    /// `>>>` line for each note.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: ")?;
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        f.write_str(&self.message)?;
        for note in &self.notes {
            write!(f, "\n>>> {note}")?;
        }
        Ok(())
    }
}

/// Diagnostics collected by a phase, in the order of the inputs.
#[derive(Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        self.items.extend(others);
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.items
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Adds the note that `note` gives a diagnostic, if it gives one.
    pub(crate) fn add_notes(&mut self, note: impl Fn(&Diagnostic) -> Option<String>) {
        for diagnostic in &mut self.items {
            if let Some(note) = note(diagnostic) {
                diagnostic.notes.push(note);
            }
        }
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.items
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.items
    }
}

/// Warnings of one kind, of which the first are kept and the others counted: each holds the name
/// of a file, which may be long, and there may be as many as files.
#[derive(Debug, Default)]
pub(crate) struct FirstOfMany {
    kept: usize,
    more: usize,
}

impl FirstOfMany {
    /// How many are kept.
    const LIMIT: usize = 100;

    /// Adds a warning to `diagnostics`, if it is one of the first.
    pub(crate) fn add(
        &mut self,
        diagnostics: &mut Diagnostics,
        warning: impl FnOnce() -> Diagnostic,
    ) {
        if self.kept < Self::LIMIT {
            self.kept += 1;
            diagnostics.push(warning());
        } else {
            self.more += 1;
        }
    }

    /// Says how many are left, which `what` describes.
    pub(crate) fn finish(self, diagnostics: &mut Diagnostics, what: &str) {
        if self.more > 0 {
            let message = format!("{} more {what}", self.more);
            diagnostics.push(Diagnostic::warning(Code::BadInput, message).never_fatal());
        }
    }
}
