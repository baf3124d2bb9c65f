//! Why an input cannot be read, before the file's name is put to it.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use wasm_format::DecodeError;

use crate::diag::{Code, Diagnostic};

/// What is wrong, and where in the file.
#[derive(Debug)]
pub(super) struct Fault {
    /// Offset in the file, in bytes.
    offset: usize,
    message: Cow<'static, str>,
    /// The section it is in, once known.
    section: Option<String>,
}

/// Result of reading a part of a file.
pub(super) type Parsed<T> = Result<T, Fault>;

impl Fault {
    /// `message` about the byte at `offset` of the file.
    #[cold]
    pub(super) fn new(offset: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            offset,
            message: message.into(),
            section: None,
        }
    }

    /// `what` has index `index` and there are only `count`.
    #[cold]
    pub(super) fn out_of_range(offset: usize, what: &str, index: u32, count: usize) -> Self {
        let mut message = format!("{what} index {index} is out of range: ");
        // Writing to a string cannot fail.
        let _ = match count {
            0 => write!(message, "the file has none"),
            1 => write!(message, "the file has one"),
            _ => write!(message, "the file has {count}"),
        };
        Self::new(offset, message)
    }

    /// The same, known to be in `section`.
    #[must_use]
    pub(super) fn in_section(mut self, section: &impl fmt::Display) -> Self {
        self.section.get_or_insert_with(|| section.to_string());
        self
    }

    /// The diagnostic about the file called `file`.
    #[cold]
    pub(super) fn into_diagnostic(self, file: &str) -> Diagnostic {
        let section = self
            .section
            .map_or_else(String::new, |section| format!("{section} section: "));
        Diagnostic::error(
            Code::BadInput,
            format!("{section}{} (at offset {:#x})", self.message, self.offset),
        )
        .in_file(file)
    }
}

impl From<DecodeError> for Fault {
    #[cold]
    fn from(error: DecodeError) -> Self {
        Self::new(error.offset, error.kind.to_string())
    }
}
