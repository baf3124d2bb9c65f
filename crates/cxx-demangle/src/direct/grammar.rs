//! What of the grammar is read and written at once. The parser says more of it.

use super::{DirectName, NameKind, Piece, Reader};
use crate::node::{Qualifiers, RefQualifier};
use crate::words::{Op, Word};

impl Reader<'_> {
    /// The whole name. Returns where in the text the name of a function ends, and where the
    /// type of its result does that stands behind it.
    pub(super) fn encoding(&mut self) -> Option<(usize, usize)> {
        let mut named = DirectName::default();
        if self.peek() == b'N' {
            self.nested_name(Some(&mut named))?;
        } else {
            self.unscoped_name(Some(&mut named))?;
        }
        let name_end = self.at;
        if self.pos == self.len {
            return Some((name_end, name_end));
        }
        if named.template && !named.no_result {
            self.ty()?;
        }
        let result_end = self.at;
        self.put(*b"(")?;
        if !self.eat(b'v') {
            self.ty()?;
            while self.pos < self.len {
                self.put(*b", ")?;
                self.ty()?;
            }
        }
        if self.pos != self.len {
            return None;
        }
        self.put(*b")")?;
        self.put_qualifiers(named.qualifiers)?;
        match named.reference {
            RefQualifier::None => {}
            RefQualifier::LValue => self.put(*b" &")?,
            RefQualifier::RValue => self.put(*b" &&")?,
        }
        Some((name_end, result_end))
    }

    /// `<CV-qualifiers>`
    #[inline]
    fn qualifiers(&mut self) -> Qualifiers {
        Qualifiers {
            is_restrict: self.eat(b'r'),
            is_volatile: self.eat(b'V'),
            is_const: self.eat(b'K'),
        }
    }

    fn put_qualifiers(&mut self, qualifiers: Qualifiers) -> Option<()> {
        if qualifiers.is_const {
            self.put(*b" const")?;
        }
        if qualifiers.is_volatile {
            self.put(*b" volatile")?;
        }
        if qualifiers.is_restrict {
            self.put(*b" restrict")?;
        }
        Some(())
    }

    /// `<nested-name>`; `named` if it is that of the function.
    fn nested_name(&mut self, named: Option<&mut DirectName>) -> Option<Piece> {
        self.expect(b'N')?;
        let qualifiers = self.qualifiers();
        let reference = match self.peek() {
            b'R' => RefQualifier::LValue,
            b'O' => RefQualifier::RValue,
            _ => RefQualifier::None,
        };
        if reference != RefQualifier::None {
            self.pos += 1;
        }

        let start = self.at;
        let mut scope = match (self.peek(), self.peek_second()) {
            (b'S', b't') => {
                self.pos += 2;
                self.put(*b"std")?;
                Some(self.named_piece(start, (start, self.at), NameKind::Plain))
            }
            (b'S', _) => Some(self.substitution()?),
            (b'T', _) => {
                let param = self.template_param()?;
                self.subs.push(param);
                Some(param)
            }
            _ => None,
        };
        let mut template = false;
        let mut no_result = false;
        // The whole name is a candidate only where it is a type: what is read is counted
        // when more follows.
        let mut whole = None;
        while !self.eat(b'E') {
            if let Some(piece) = whole {
                self.subs.push(piece);
            }
            template = false;
            let piece = match self.peek() {
                b'I' => {
                    let scope = scope.filter(|scope| !scope.is(NameKind::Template))?;
                    self.template_args(named.is_some())?;
                    template = true;
                    self.named_piece(start, scope.base(), NameKind::Template)
                }
                b'C' | b'D' => {
                    no_result = true;
                    let scope = scope.filter(|scope| !scope.is(NameKind::Standard))?;
                    self.structor(scope.base())?;
                    self.piece(start, NameKind::Plain)
                }
                _ => {
                    if scope.is_some() {
                        self.put(*b"::")?;
                    }
                    let base = self.unqualified()?;
                    self.named_piece(start, base, NameKind::Plain)
                }
            };
            scope = Some(piece);
            whole = Some(piece);
        }
        if let Some(named) = named {
            *named = DirectName {
                template,
                no_result,
                qualifiers,
                reference,
            };
        }
        whole
    }

    /// `<unscoped-name>` or `<unscoped-template-name> <template-args>`
    fn unscoped_name(&mut self, named: Option<&mut DirectName>) -> Option<Piece> {
        let start = self.at;
        if self.peek() == b'S' && self.peek_second() == b't' {
            self.pos += 2;
            self.put(*b"std::")?;
        }
        let base = self.unqualified()?;
        let name = self.named_piece(start, base, NameKind::Plain);
        if self.peek() != b'I' {
            return Some(name);
        }
        self.subs.push(name);
        self.template_args(named.is_some())?;
        if let Some(named) = named {
            named.template = true;
        }
        Some(self.named_piece(start, base, NameKind::Template))
    }

    /// An identifier or an operator, and its tags. Returns where it is without the tags.
    #[inline]
    fn unqualified(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        match self.peek() {
            b'1'..=b'9' => self.source_name()?,
            b'L' if matches!(self.peek_second(), b'1'..=b'9') => {
                self.pos += 1;
                self.source_name()?;
            }
            first => {
                let op = Op::of(first, self.peek_second()).filter(|op| op.get().nameable)?;
                self.pos += 2;
                self.put(*b"operator")?;
                self.put_str(op.get().text)?;
            }
        }
        let base = (start, self.at);
        self.tags()?;
        Some(base)
    }

    #[inline]
    fn source_name(&mut self) -> Option<()> {
        let (start, len) = self.identifier()?;
        if self.name[start] == b'_' && self.name[start..start + len].starts_with(b"_GLOBAL__N") {
            return self.put_str(Word::AnonymousNamespace.text());
        }
        self.put_name(start, len)
    }

    /// Where an identifier is, and how long.
    #[inline]
    fn identifier(&mut self) -> Option<(usize, usize)> {
        let len = self.number()?;
        let start = self.pos;
        if len == 0 || start + len > self.len {
            return None;
        }
        self.pos += len;
        Some((start, len))
    }

    #[inline]
    fn tags(&mut self) -> Option<()> {
        if self.peek() == b'B' {
            self.some_tags()?;
        }
        Some(())
    }

    #[inline(never)]
    fn some_tags(&mut self) -> Option<()> {
        while self.eat(b'B') {
            let (start, len) = self.identifier()?;
            self.put(*b"[abi:")?;
            self.put_name(start, len)?;
            self.put(*b"]")?;
        }
        Some(())
    }

    /// `<ctor-dtor-name>` of the class whose name is at `base`.
    fn structor(&mut self, base: (usize, usize)) -> Option<()> {
        self.put(*b"::")?;
        match (self.peek(), self.peek_second()) {
            (b'C', b'1'..=b'5') => {}
            (b'D', b'0' | b'1' | b'2' | b'4' | b'5') => self.put(*b"~")?,
            _ => return None,
        }
        self.pos += 2;
        self.repeat(base.0, base.1)?;
        self.tags()
    }

    /// `named`: of the function, whose template parameters they are the arguments of.
    fn template_args(&mut self, named: bool) -> Option<()> {
        self.expect(b'I')?;
        if named {
            self.params.clear();
        }
        self.put(*b"<")?;
        let mut first = true;
        while !self.eat(b'E') {
            if !first {
                self.put(*b", ")?;
            }
            first = false;
            let arg = if self.peek() == b'L' {
                self.literal()?
            } else {
                self.ty()?
            };
            if named {
                self.params.push(arg);
            }
        }
        self.put(*b">")
    }

    /// A number or a truth value.
    fn literal(&mut self) -> Option<Piece> {
        let start = self.at;
        let code = self.peek_second();
        self.pos += 2;
        let suffix = match code {
            b'b' => {
                let word = match self.peek() {
                    b'0' => Word::False,
                    b'1' => Word::True,
                    _ => return None,
                };
                self.pos += 1;
                self.put_str(word.text())?;
                self.expect(b'E')?;
                return Some(self.piece(start, NameKind::Plain));
            }
            b'i' => Word::Empty,
            b'j' => Word::SuffixU,
            b'l' => Word::SuffixL,
            b'm' => Word::SuffixUL,
            b'x' => Word::SuffixLL,
            b'y' => Word::SuffixULL,
            _ => return None,
        };
        if self.eat(b'n') {
            self.put(*b"-")?;
        }
        let digits = self.pos;
        while self.peek().is_ascii_digit() {
            self.pos += 1;
        }
        if self.pos == digits {
            return None;
        }
        self.put_name(digits, self.pos - digits)?;
        self.put_str(suffix.text())?;
        self.expect(b'E')?;
        Some(self.piece(start, NameKind::Plain))
    }

    /// `<substitution>`, but for `St`.
    fn substitution(&mut self) -> Option<Piece> {
        self.expect(b'S')?;
        let start = self.at;
        let name = match self.peek() {
            b'a' => "std::allocator",
            b'b' => "std::basic_string",
            b's' => "std::string",
            b'i' => "std::istream",
            b'o' => "std::ostream",
            b'd' => "std::iostream",
            _ => {
                let index = self.index(36)?;
                let piece = *self.subs.get(index)?;
                self.repeat(piece.start(), piece.end())?;
                return Some(piece);
            }
        };
        self.pos += 1;
        // With tags it would be another name.
        if self.peek() == b'B' {
            return None;
        }
        self.put_str(name)?;
        let base = (start + "std::".len(), self.at);
        Some(self.named_piece(start, base, NameKind::Standard))
    }

    fn template_param(&mut self) -> Option<Piece> {
        self.expect(b'T')?;
        let index = self.index(10)?;
        let param = *self.params.get(index)?;
        self.repeat(param.start(), param.end())?;
        Some(param)
    }

    // Types.

    fn ty(&mut self) -> Option<Piece> {
        let start = self.at;
        let byte = self.peek();
        if let Some(word) = Word::builtin(byte) {
            self.pos += 1;
            self.put_str(word.text())?;
            return Some(self.named_piece(start, (start, self.at), NameKind::Plain));
        }
        let piece = match byte {
            b'S' if self.peek_second() != b't' => {
                let name = self.substitution()?;
                if self.peek() != b'I' {
                    return Some(name);
                }
                self.template_args(false)?;
                self.named_piece(start, name.base(), NameKind::Template)
            }
            b'P' => {
                self.pos += 1;
                self.ty()?;
                self.put(*b"*")?;
                self.piece(start, NameKind::Plain)
            }
            b'R' | b'O' => {
                self.pos += 1;
                self.reference(start, byte == b'O')?
            }
            b'r' | b'V' | b'K' => {
                let qualifiers = self.qualifiers();
                self.ty()?;
                self.put_qualifiers(qualifiers)?;
                self.piece(start, NameKind::Plain)
            }
            b'T' => {
                let param = self.template_param()?;
                if self.peek() == b'I' {
                    return None;
                }
                param
            }
            b'N' => self.nested_name(None)?,
            b'S' | b'1'..=b'9' => self.unscoped_name(None)?,
            _ => return None,
        };
        self.subs.push(piece);
        Some(piece)
    }

    /// A reference, written from `start` on. `&` to a reference, and `&&` to one, are one
    /// reference: `&` if either is that.
    fn reference(&mut self, start: usize, rvalue: bool) -> Option<Piece> {
        let to = self.ty()?;
        let (mark, rvalue) = if to.is(NameKind::LValue) {
            (1, false)
        } else if to.is(NameKind::RValue) {
            (2, rvalue)
        } else {
            (0, rvalue)
        };
        // Only of a copy the mark can be taken away.
        if mark > 0 && to.start() == start {
            return None;
        }
        self.at -= mark;
        if rvalue {
            self.put(*b"&&")?;
            Some(self.piece(start, NameKind::RValue))
        } else {
            self.put(*b"&")?;
            Some(self.piece(start, NameKind::LValue))
        }
    }
}
