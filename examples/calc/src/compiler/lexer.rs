//! From characters to tokens.

use std::fmt;
use std::sync::Arc;

use super::source::{Diagnostic, Pos, Source};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Word(String),
    /// A whole number; a minus before it is a token of its own, so this can be one more
    /// than [`i64::MAX`].
    Number(u64),
    Text(String),
    /// Punctuation and operators.
    Mark(&'static str),
    /// What comes after the last token.
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(word) => write!(f, "`{word}`"),
            Token::Number(number) => write!(f, "`{number}`"),
            Token::Text(_) => f.write_str("a string"),
            Token::Mark(mark) => write!(f, "`{mark}`"),
            Token::End => f.write_str("the end of the input"),
        }
    }
}

/// Those that begin like another one come first.
const MARKS: &[&str] = &[
    "->", "==", "!=", "<=", ">=", "(", ")", "{", "}", ",", ":", ";", "=", "<", ">", "+", "-", "*",
    "/", "%",
];

/// The tokens of `source`, each with its place; the last is [`Token::End`].
pub(crate) fn tokens(source: &Arc<Source>) -> Result<Vec<(Pos, Token)>, Diagnostic> {
    let mut lexer = Lexer {
        source,
        rest: &source.text,
        at: Pos { line: 1, column: 1 },
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let at = lexer.at;
        let token = lexer.token()?;
        let done = token == Token::End;
        tokens.push((at, token));
        if done {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    source: &'a Arc<Source>,
    rest: &'a str,
    at: Pos,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest;
        while self.rest.starts_with(&matches) {
            self.next();
        }
        &start[..start.len() - self.rest.len()]
    }

    /// Skips blanks, and comments from `#` or `//` to the end of the line.
    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest.starts_with('#') && !self.rest.starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn error<T>(&self, at: Pos, message: impl Into<String>) -> Result<T, Diagnostic> {
        Err(Diagnostic::new(self.source, at, message))
    }

    fn token(&mut self) -> Result<Token, Diagnostic> {
        let at = self.at;
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token::End);
        };
        if first.is_ascii_digit() {
            let digits = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return match digits.replace('_', "").parse() {
                Ok(number) => Ok(Token::Number(number)),
                Err(_) => self.error(at, format!("`{digits}` is not a number of at most 64 bits")),
            };
        }
        if first.is_alphabetic() || first == '_' {
            let word = self.take_while(|c| c.is_alphanumeric() || c == '_');
            return Ok(Token::Word(word.to_owned()));
        }
        if first == '"' {
            return self.text();
        }
        match MARKS.iter().find(|mark| self.rest.starts_with(**mark)) {
            Some(mark) => {
                for _ in mark.chars() {
                    self.next();
                }
                Ok(Token::Mark(mark))
            }
            None => self.error(at, format!("unexpected character `{first}`")),
        }
    }

    fn text(&mut self) -> Result<Token, Diagnostic> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                Some('"') => return Ok(Token::Text(text)),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('"' | '\\')) => text.push(c),
                    _ => {
                        return self.error(
                            at,
                            "unknown escape; there are `\\n`, `\\t`, `\\\"` and `\\\\`",
                        );
                    }
                },
                Some('\n') | None => {
                    return self.error(start, "the string does not end on this line");
                }
                Some('\0') => return self.error(at, "a string cannot have a zero in it"),
                Some(c) => text.push(c),
            }
        }
    }
}
