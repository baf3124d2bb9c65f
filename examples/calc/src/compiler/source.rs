//! Source texts, places in them, and messages about places.

use std::fmt;
use std::sync::Arc;

/// A source text and what messages call it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }
}

/// A place in a source text: line and column, both from 1. Columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pos {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What is wrong with a program, and where.
#[derive(Debug, Clone)]
pub(crate) struct Diagnostic {
    pub(crate) source: Arc<Source>,
    pub(crate) at: Pos,
    pub(crate) message: String,
}

impl Diagnostic {
    pub(crate) fn new(source: &Arc<Source>, at: Pos, message: impl Into<String>) -> Self {
        Self {
            source: Arc::clone(source),
            at,
            message: message.into(),
        }
    }
}

impl std::error::Error for Diagnostic {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pos { line, column } = self.at;
        writeln!(
            f,
            "{}:{line}:{column}: error: {}",
            self.source.name, self.message
        )?;
        let text = self
            .source
            .text
            .lines()
            .nth(line as usize - 1)
            .unwrap_or("");
        let number = line.to_string();
        writeln!(f, "  {number} | {text}")?;
        // Tabs stay tabs, so that the caret is below its character however wide they are.
        let before = text.chars().take(column as usize - 1);
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "  {:width$} | {indent}^", "", width = number.len())
    }
}
