//! Files that list symbols: those of `--version-script`, `--dynamic-list` and
//! `--retain-symbols-file`.

use crate::hash::HashSet;

/// The symbols that the files of a command line list.
#[derive(Debug, Default)]
pub struct SymbolLists<'a> {
    /// The global symbols of version scripts, and all symbols of files of symbols to retain.
    pub global: SymbolPatterns<'a>,
    /// The local symbols of version scripts.
    pub local: SymbolPatterns<'a>,
    /// The symbols of dynamic lists; `None` without a list.
    pub dynamic: Option<SymbolPatterns<'a>>,
}

/// Symbols, by their names and by patterns.
#[derive(Debug, Default)]
pub struct SymbolPatterns<'a> {
    names: PatternSet<'a>,
    /// Of names as they are in C++.
    cxx: PatternSet<'a>,
}

#[derive(Debug, Default)]
struct PatternSet<'a> {
    exact: HashSet<&'a str>,
    wild: Vec<&'a str>,
    all: bool,
}

/// How specific the pattern is that matches a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    /// By `*`.
    Any,
    /// By a pattern.
    Pattern,
    /// By its name.
    Name,
}

/// Demangles names for patterns in `extern "C++"`.
#[derive(Default)]
pub struct CxxNames {
    demangler: cxx_demangle::Demangler,
    text: String,
}

impl SymbolLists<'_> {
    /// Whether no file lists anything.
    pub fn is_empty(&self) -> bool {
        self.global.is_empty() && self.local.is_empty() && self.dynamic.is_none()
    }

    /// Whether a symbol is local: the more specific match wins, and of two equally specific ones the
    /// global one.
    pub fn is_local(&self, name: &str, cxx: &mut CxxNames) -> bool {
        self.local.closeness(name, cxx) > self.global.closeness(name, cxx)
    }
}

impl<'a> SymbolPatterns<'a> {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.cxx.is_empty()
    }

    /// The most specific match of a symbol, if there is one.
    pub fn closeness(&self, name: &str, cxx: &mut CxxNames) -> Option<Closeness> {
        let plain = self.names.closeness(name);
        if self.cxx.is_empty() {
            return plain;
        }
        cxx.text.clear();
        let is_cxx = cxx.demangler.demangle(name, &mut cxx.text);
        let shown = is_cxx.then(|| self.cxx.closeness(&cxx.text)).flatten();
        plain.max(shown)
    }

    fn of(&mut self, is_cxx: bool) -> &mut PatternSet<'a> {
        if is_cxx {
            &mut self.cxx
        } else {
            &mut self.names
        }
    }
}

impl<'a> PatternSet<'a> {
    fn is_empty(&self) -> bool {
        !self.all && self.exact.is_empty() && self.wild.is_empty()
    }

    fn add(&mut self, token: Token<'a>) {
        match token {
            Token::Word("*") => self.all = true,
            Token::Word(word) if word.contains(['*', '?', '[']) => self.wild.push(word),
            Token::Word(name) | Token::Quoted(name) => {
                self.exact.insert(name);
            }
            Token::Mark(_) | Token::Label(_) => {}
        }
    }

    fn closeness(&self, name: &str) -> Option<Closeness> {
        if self.exact.contains(name) {
            return Some(Closeness::Name);
        }
        let mut wild = self.wild.iter();
        if wild.any(|pattern| is_match(pattern.as_bytes(), name.as_bytes())) {
            return Some(Closeness::Pattern);
        }
        self.all.then_some(Closeness::Any)
    }
}

/// Whether a pattern with `*`, `?` and `[a-z]` or `[!a-z]` describes `text`.
pub(crate) fn is_match(mut pattern: &[u8], mut text: &[u8]) -> bool {
    // Behind the last star, and what of the text it has not taken.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix(b"*") {
            pattern = rest;
            star = Some((rest, text));
            continue;
        }
        match (single(pattern, text.first().copied()), text) {
            (Some(rest), [_, behind @ ..]) => (pattern, text) = (rest, behind),
            _ if pattern.is_empty() && text.is_empty() => return true,
            _ => match star {
                Some((behind, [_, rest @ ..])) => {
                    star = Some((behind, rest));
                    (pattern, text) = (behind, rest);
                }
                _ => return false,
            },
        }
    }
}

/// The rest of a pattern behind its first element, if that element matches `byte`.
fn single(pattern: &[u8], byte: Option<u8>) -> Option<&[u8]> {
    let byte = byte?;
    let (&first, rest) = pattern.split_first()?;
    let class_end = || rest.iter().skip(1).position(|&byte| byte == b']');
    match first {
        b'?' => Some(rest),
        b'[' => match class_end() {
            Some(end) => {
                let (class, behind) = rest.split_at(end + 1);
                is_in_class(class, byte).then_some(&behind[1..])
            }
            None => (byte == b'[').then_some(rest),
        },
        first => (first == byte).then_some(rest),
    }
}

fn is_in_class(class: &[u8], byte: u8) -> bool {
    let (negated, mut class) = match class {
        [b'!' | b'^', rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, class),
    };
    let mut found = false;
    while let [first, rest @ ..] = class {
        if let [b'-', last, behind @ ..] = rest {
            found |= (*first..=*last).contains(&byte);
            class = behind;
        } else {
            found |= *first == byte;
            class = rest;
        }
    }
    found != negated
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Quoted(&'a str),
    /// `{`, `}` or `;`
    Mark(char),
    /// `global:` or `local:`
    Label(&'a str),
}

impl Token<'_> {
    fn shown(self) -> String {
        match self {
            Token::Word(word) => word.to_owned(),
            Token::Quoted(text) => format!("\"{text}\""),
            Token::Mark(mark) => mark.into(),
            Token::Label(label) => format!("{label}:"),
        }
    }
}

struct ListParser<'a> {
    text: &'a str,
    at: usize,
}

/// Adds the symbols of the version script `text`. An error names the line.
pub(super) fn parse_version_script<'a>(
    text: &'a str,
    lists: &mut SymbolLists<'a>,
) -> Result<(), String> {
    let mut parser = ListParser { text, at: 0 };
    while let Some(token) = parser.next()? {
        // The name of a version means nothing here.
        let begin = match token {
            Token::Word(_) => parser.next()?,
            _ => Some(token),
        };
        parser.expect(begin, '{')?;
        parser.block(&mut lists.global, Some(&mut lists.local))?;
        // Neither do the names of the versions that it inherits from.
        let mut end = parser.next()?;
        while let Some(Token::Word(_)) = end {
            end = parser.next()?;
        }
        parser.expect(end, ';')?;
    }
    Ok(())
}

/// The same for a dynamic list.
pub(super) fn parse_dynamic_list<'a>(
    text: &'a str,
    lists: &mut SymbolLists<'a>,
) -> Result<(), String> {
    let mut parser = ListParser { text, at: 0 };
    let dynamic = lists.dynamic.get_or_insert_default();
    while let Some(token) = parser.next()? {
        parser.expect(Some(token), '{')?;
        parser.block(dynamic, None)?;
        let end = parser.next()?;
        parser.expect(end, ';')?;
    }
    Ok(())
}

/// Adds what a file of symbols to retain lists, one to a line: every other one is local.
pub(super) fn parse_retained<'a>(text: &'a str, lists: &mut SymbolLists<'a>) {
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    lists.global.names.exact.extend(names);
    lists.local.names.all = true;
}

impl<'a> ListParser<'a> {
    /// The contents of a pair of braces, with the closing one.
    fn block(
        &mut self,
        global: &mut SymbolPatterns<'a>,
        mut local: Option<&mut SymbolPatterns<'a>>,
    ) -> Result<(), String> {
        let mut is_local = false;
        let mut is_cxx = None;
        loop {
            let token = self.next()?;
            match token {
                Some(Token::Mark('}')) if is_cxx.is_some() => {
                    is_cxx = None;
                    self.skip(';')?;
                }
                Some(Token::Mark('}')) => return Ok(()),
                Some(Token::Label(label)) if local.is_some() && is_cxx.is_none() => {
                    is_local = label == "local";
                }
                Some(Token::Word("extern")) if is_cxx.is_none() => {
                    is_cxx = Some(match self.next()? {
                        Some(Token::Quoted("C++")) => true,
                        Some(Token::Quoted("C")) => false,
                        other => return Err(self.unexpected(other, "\"C\" or \"C++\"")),
                    });
                    let begin = self.next()?;
                    self.expect(begin, '{')?;
                }
                Some(pattern @ (Token::Word(_) | Token::Quoted(_))) => {
                    let patterns = match &mut local {
                        Some(local) if is_local => local,
                        _ => &mut *global,
                    };
                    patterns.of(is_cxx == Some(true)).add(pattern);
                    if !self.skip(';')? && self.peek()? != Some(Token::Mark('}')) {
                        let found = self.next()?;
                        return Err(self.unexpected(found, ";"));
                    }
                }
                other => return Err(self.unexpected(other, "a symbol or }")),
            }
        }
    }

    fn expect(&self, found: Option<Token<'a>>, mark: char) -> Result<(), String> {
        if found == Some(Token::Mark(mark)) {
            return Ok(());
        }
        Err(self.unexpected(found, &mark.to_string()))
    }

    fn unexpected(&self, found: Option<Token<'a>>, expected: &str) -> String {
        let line = self.text[..self.at].matches('\n').count() + 1;
        let found = found.map_or_else(|| "the end".to_owned(), Token::shown);
        format!("line {line}: expected {expected}, but got {found}")
    }

    fn peek(&mut self) -> Result<Option<Token<'a>>, String> {
        let at = self.at;
        let token = self.next();
        self.at = at;
        token
    }

    /// Goes behind a mark, if it is next.
    fn skip(&mut self, mark: char) -> Result<bool, String> {
        let is_next = self.peek()? == Some(Token::Mark(mark));
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, String> {
        self.skip_space()?;
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        if "{};".contains(first) {
            self.at += 1;
            return Ok(Some(Token::Mark(first)));
        }
        if let Some(quoted) = rest.strip_prefix('"') {
            let Some(end) = quoted.find('"') else {
                return Err(self.unexpected(None, "the other \""));
            };
            self.at += end + 2;
            return Ok(Some(Token::Quoted(&quoted[..end])));
        }
        let end = rest.find(|c: char| c.is_whitespace() || "{};\"#".contains(c));
        let word = &rest[..end.unwrap_or(rest.len())];
        for label in ["global", "local"] {
            let behind = rest.strip_prefix(label).map(str::trim_start);
            if let Some(behind) = behind.and_then(|behind| behind.strip_prefix(':'))
                && !behind.starts_with(':')
            {
                self.at += rest.len() - behind.len();
                return Ok(Some(Token::Label(label)));
            }
        }
        if word.is_empty() {
            self.at += first.len_utf8();
            return Err(self.unexpected(Some(Token::Mark(first)), "a symbol"));
        }
        self.at += word.len();
        Ok(Some(Token::Word(word)))
    }

    /// Goes behind white space and comments.
    fn skip_space(&mut self) -> Result<(), String> {
        loop {
            let rest = self.text[self.at..].trim_start();
            self.at = self.text.len() - rest.len();
            if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.unexpected(None, "*/"));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_describe_names() {
        for (pattern, matching, other) in [
            ("a*", "abc", "ba"),
            ("*a", "ba", "ab"),
            ("*a*b*", "xaxxb", "xbxa"),
            ("a?c", "abc", "ac"),
            ("[a-c]x", "bx", "dx"),
            ("[!a-c]x", "dx", "bx"),
            ("[]]", "]", "["),
            ("a[", "a[", "ab"),
            ("*", "", "\u{0}none"),
            ("a*a", "aa", "a"),
        ] {
            assert!(
                is_match(pattern.as_bytes(), matching.as_bytes()),
                "{pattern}"
            );
            if pattern != "*" {
                assert!(!is_match(pattern.as_bytes(), other.as_bytes()), "{pattern}");
            }
        }
    }

    #[test]
    fn version_scripts_say_what_is_local() {
        let text = "/* one */ V1 { global: a; b*; \"c*\"; # two\n\
             extern \"C++\" { ns::*; \"add(int, int)\" };\n\
             local: bad; *; };\nV2 { global : late } V1;";
        let mut lists = SymbolLists::default();
        parse_version_script(text, &mut lists).expect("it is right");
        let mut cxx = CxxNames::default();
        let mut is_local = |name| lists.is_local(name, &mut cxx);
        for name in ["a", "bee", "c*", "late", "_ZN2ns1fEv", "_Z3addii"] {
            assert!(!is_local(name), "{name}");
        }
        for name in ["bad", "aa", "cc", "_Z3addi", "ns::f"] {
            assert!(is_local(name), "{name}");
        }
    }

    #[test]
    fn mistakes_are_placed() {
        let mut lists = SymbolLists::default();
        let mut wrong = |text| parse_version_script(text, &mut lists).unwrap_err();
        assert_eq!(wrong("{ a b; };"), "line 1: expected ;, but got b");
        assert_eq!(wrong("{ a;\n}"), "line 2: expected ;, but got the end");
        assert_eq!(wrong("V1\nV2 {};"), "line 2: expected {, but got V2");
        assert_eq!(
            wrong("{ extern \"D\" { a; }; };"),
            "line 1: expected \"C\" or \"C++\", but got \"D\""
        );
        assert_eq!(
            wrong("{ \"a }"),
            "line 1: expected the other \", but got the end"
        );
        assert_eq!(wrong("{ /* a"), "line 1: expected */, but got the end");
        assert_eq!(
            parse_dynamic_list("{ local: a; };", &mut lists).unwrap_err(),
            "line 1: expected a symbol or }, but got local:"
        );
    }
}
