//! Most names, read and written at once.
//!
//! In the names of functions that take and return classes, numbers, pointers and references,
//! every part is written where it is read: what can be referred to is a piece of the text so
//! far, and to refer to it is to copy it. There are no nodes, and nothing is read twice. For
//! all else (packs, expressions, lambdas, function types, local names and what else is rare)
//! this gives up, and the [parser](crate::parse) starts anew, which makes the same text of
//! what both can read.

mod grammar;

use crate::node::{Qualifiers, RefQualifier};

/// Longest name that is read here, in bytes. What is no longer cannot be nested too deep.
const MAX_NAME: usize = 384;

/// Longest text that is written here, in bytes. What is no longer is in proportion.
const MAX_TEXT: usize = 2048;

/// Text is copied in pieces of so many bytes, so that both buffers are as much longer.
const CHUNK: usize = 32;

/// A part of the text that something may refer to. It is one word, since it goes through
/// memory again and again, and a word is read at once only if it was written at once.
#[derive(Clone, Copy, Debug)]
struct Piece(u64);

impl Piece {
    /// `base`: within the text, what a constructor repeats of the name of a class.
    #[inline]
    fn new(start: usize, end: usize, base: (usize, usize), kind: NameKind) -> Self {
        const { assert!(MAX_TEXT + CHUNK < 1 << 12) };
        let place = |offset: usize, nth: u32| (offset as u64) << (12 * nth);
        let places = place(start, 0) | place(end, 1) | place(base.0, 2) | place(base.1, 3);
        Self(places | (kind as u64) << 48)
    }

    #[inline]
    fn place(self, nth: u32) -> usize {
        (self.0 >> (12 * nth)) as usize & 0xfff
    }

    #[inline]
    fn start(self) -> usize {
        self.place(0)
    }

    #[inline]
    fn end(self) -> usize {
        self.place(1)
    }

    #[inline]
    fn base(self) -> (usize, usize) {
        (self.place(2), self.place(3))
    }

    #[inline]
    fn is(self, kind: NameKind) -> bool {
        self.0 >> 48 == kind as u64
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NameKind {
    /// Nothing of what follows.
    Plain,
    /// `std::string` and the like, which have another name where they have a constructor.
    Standard,
    /// Ends with template arguments.
    Template,
    /// A type `T&`.
    LValue,
    /// A type `T&&`.
    RValue,
}

/// The buffers, kept from name to name.
#[derive(Debug)]
pub(crate) struct Direct {
    /// The name, and zeros behind it.
    name: [u8; MAX_NAME + CHUNK],
    text: [u8; MAX_TEXT + CHUNK],
    /// What `S_`, `S0_`, … refer to.
    subs: Vec<Piece>,
    /// What `T_`, `T0_`, … refer to.
    params: Vec<Piece>,
}

impl Default for Direct {
    fn default() -> Self {
        Self {
            name: [0; MAX_NAME + CHUNK],
            text: [0; MAX_TEXT + CHUNK],
            subs: Vec::new(),
            params: Vec::new(),
        }
    }
}

impl Direct {
    /// Appends to `out` how `name` is shown, which starts with `_Z`. `None`, and `out` is as
    /// before, if the name has anything that is not read here.
    pub(crate) fn demangle(&mut self, name: &str, out: &mut String) -> Option<()> {
        // Where every byte is a character, every piece is text.
        if name.len() > MAX_NAME || !name.is_ascii() {
            return None;
        }
        self.name[..name.len()].copy_from_slice(name.as_bytes());
        self.name[name.len()..][..CHUNK].fill(0);
        self.subs.clear();
        self.params.clear();
        let mut reader = Reader {
            name: &self.name,
            len: name.len(),
            pos: 2,
            text: &mut self.text,
            at: 0,
            subs: &mut self.subs,
            params: &mut self.params,
        };
        let (name_end, result_end) = reader.encoding()?;
        let text = std::str::from_utf8(&reader.text[..reader.at]).ok()?;
        // The type of the result stands behind the name where it is read.
        if result_end > name_end {
            out.push_str(&text[name_end..result_end]);
            out.push(' ');
            out.push_str(&text[..name_end]);
            out.push_str(&text[result_end..]);
        } else {
            out.push_str(text);
        }
        Some(())
    }
}

struct Reader<'a> {
    name: &'a [u8; MAX_NAME + CHUNK],
    len: usize,
    pos: usize,
    text: &'a mut [u8; MAX_TEXT + CHUNK],
    /// The end of the text so far.
    at: usize,
    subs: &'a mut Vec<Piece>,
    params: &'a mut Vec<Piece>,
}

/// What the name of a function says about its type.
#[derive(Default)]
struct DirectName {
    template: bool,
    no_result: bool,
    qualifiers: Qualifiers,
    reference: RefQualifier,
}

impl Reader<'_> {
    // The name.

    /// The next byte; zero at the end.
    #[inline]
    fn peek(&self) -> u8 {
        self.name[self.pos]
    }

    #[inline]
    fn peek_second(&self) -> u8 {
        self.name[self.pos + 1]
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        // Not `let found = …; self.pos += usize::from(found);`: Rust 1.95 then looks at the
        // byte behind to tell whether it was found (its pass SimplifyComparisonIntegral).
        if self.peek() == byte {
            self.pos += 1;
            true
        } else {
            false
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// A decimal number that counts bytes of the name.
    #[inline]
    fn number(&mut self) -> Option<usize> {
        let mut value = 0;
        let start = self.pos;
        while let digit @ b'0'..=b'9' = self.peek() {
            value = value * 10 + usize::from(digit - b'0');
            self.pos += 1;
            if value > MAX_NAME {
                return None;
            }
        }
        (self.pos > start).then_some(value)
    }

    /// What stands behind `S` or `T` and counts: 0 for `_`, 1 for `0_`.
    #[inline]
    fn index(&mut self, radix: u8) -> Option<usize> {
        let mut value = 0;
        let start = self.pos;
        loop {
            let digit = match self.peek() {
                b'_' => break,
                digit @ b'0'..=b'9' => digit - b'0',
                letter @ b'A'..=b'Z' if radix > 10 => letter - b'A' + 10,
                _ => return None,
            };
            value = value * usize::from(radix) + usize::from(digit);
            self.pos += 1;
            if value > MAX_NAME {
                return None;
            }
        }
        let is_numbered = self.pos > start;
        self.pos += 1;
        Some(value + usize::from(is_numbered))
    }

    // The text.

    #[inline]
    fn put<const N: usize>(&mut self, text: [u8; N]) -> Option<()> {
        *self.text[self.at..].first_chunk_mut()? = text;
        self.at += N;
        (self.at <= MAX_TEXT).then_some(())
    }

    #[inline]
    fn put_str(&mut self, text: &str) -> Option<()> {
        self.text[self.at..]
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        self.at += text.len();
        (self.at <= MAX_TEXT).then_some(())
    }

    /// Writes `len` bytes, of which `chunk` gives those from its argument on.
    #[inline]
    fn put_chunks(
        &mut self,
        len: usize,
        chunk: impl Fn(&Self, usize) -> Option<[u8; CHUNK]>,
    ) -> Option<()> {
        if self.at + len > MAX_TEXT {
            return None;
        }
        for done in (0..len).step_by(CHUNK) {
            let chunk = chunk(self, done)?;
            *self.text[self.at + done..].first_chunk_mut()? = chunk;
        }
        self.at += len;
        Some(())
    }

    /// Writes bytes of the name.
    #[inline]
    fn put_name(&mut self, start: usize, len: usize) -> Option<()> {
        if start + len > self.len {
            return None;
        }
        self.put_chunks(len, |reader, done| {
            reader.name[start + done..].first_chunk().copied()
        })
    }

    /// Writes once more what stands in the text already.
    #[inline]
    fn repeat(&mut self, start: usize, end: usize) -> Option<()> {
        self.put_chunks(end - start, |reader, done| {
            reader.text[start + done..].first_chunk().copied()
        })
    }

    /// The text from `start` on. A constructor repeats nothing of it.
    #[inline]
    fn piece(&self, start: usize, kind: NameKind) -> Piece {
        self.named_piece(start, (0, 0), kind)
    }

    #[inline]
    fn named_piece(&self, start: usize, base: (usize, usize), kind: NameKind) -> Piece {
        Piece::new(start, self.at, base, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::Direct;
    use crate::Demangler;

    /// Names, and what damage makes of them.
    fn names() -> impl Iterator<Item = String> {
        let tables = [
            include_str!("../../tests/data/features.tsv"),
            include_str!("../../tests/data/grammar.tsv"),
        ];
        let lines = tables.into_iter().flat_map(str::lines);
        let names = lines.filter_map(|line| line.split('\t').next());
        names.filter(|name| name.is_ascii()).flat_map(|name| {
            let damaged = (2..name.len()).flat_map(move |at| {
                let (before, after) = name.split_at(at);
                ["0", "R", "S_", "T_", "I", "E", "C1"]
                    .map(|more| format!("{before}{more}{after}"))
                    .into_iter()
                    .chain([before.to_owned(), format!("{before}{}", &after[1..])])
            });
            std::iter::once(name.to_owned()).chain(damaged)
        })
    }

    #[test]
    fn the_parser_reads_the_same() {
        let mut direct = Direct::default();
        let mut demangler = Demangler::new();
        let mut read = 0;
        for name in names().filter(|name| name.starts_with("_Z")) {
            let (mut ours, mut theirs) = (String::new(), String::new());
            if direct.demangle(&name, &mut ours).is_some() {
                read += 1;
                assert!(demangler.parse_and_print(&name, 1, &mut theirs), "{name}");
                assert_eq!(ours, theirs, "{name}");
            }
        }
        assert!(read > 10_000, "{read} names");
    }
}
