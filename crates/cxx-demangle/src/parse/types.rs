//! `<type>`.

use super::Parser;
use crate::node::{Function, Node, NodeId, Qualifiers, RefQualifier, Text};
use crate::words::Word;

impl Parser<'_> {
    /// ```text
    /// <type> ::= <builtin-type> | <qualified-type> | <function-type> | <class-enum-type>
    ///        ::= <array-type> | <pointer-to-member-type> | <template-param>
    ///        ::= <template-template-param> <template-args> | <decltype>
    ///        ::= P <type> | R <type> | O <type> | C <type> | G <type>
    ///        ::= Dp <type> | <substitution>
    /// ```
    #[inline]
    pub(super) fn ty(&mut self) -> Option<NodeId> {
        let byte = self.peek()?;
        if let Some(word) = Word::builtin(byte) {
            self.pos += 1;
            return Some(self.add(Node::Word(word)));
        }
        self.nested(|this| this.compound(byte))
    }

    fn compound(&mut self, byte: u8) -> Option<NodeId> {
        let node = match byte {
            b'S' if self.peek_second() != Some(b't') => return self.substituted(),
            b'P' => {
                self.pos += 1;
                Node::Pointer(self.ty()?)
            }
            b'R' | b'O' => {
                self.pos += 1;
                Node::Reference {
                    to: self.ty()?,
                    rvalue: byte == b'O',
                }
            }
            b'r' | b'V' | b'K' => {
                let start = self.pos;
                let qualifiers = self.qualifiers();
                if self.at_function() {
                    self.pos = start;
                    self.function()?
                } else {
                    Node::Qualified {
                        ty: self.ty()?,
                        qualifiers,
                    }
                }
            }
            b'T' => match self.peek_second() {
                Some(b's') => self.elaborated(Word::Struct)?,
                Some(b'u') => self.elaborated(Word::Union)?,
                Some(b'e') => self.elaborated(Word::Enum)?,
                _ => {
                    let param = self.template_param()?;
                    self.substitutable(param);
                    if self.peek() != Some(b'I') || self.conversion {
                        return Some(param);
                    }
                    let args = self.template_args(false)?;
                    Node::Template { name: param, args }
                }
            },
            b'D' => match self.after_d()? {
                TypeKind::Plain(id) => return Some(id),
                TypeKind::Substitutable(node) => node,
            },
            b'F' => self.function()?,
            b'A' => self.array()?,
            b'M' => {
                self.pos += 1;
                let class = self.ty()?;
                let member = self.ty()?;
                Node::MemberPointer { class, member }
            }
            b'C' | b'G' => {
                self.pos += 1;
                Node::Behind {
                    ty: self.ty()?,
                    word: if byte == b'C' {
                        Word::Complex
                    } else {
                        Word::Imaginary
                    },
                }
            }
            b'U' => self.vendor_qualified()?,
            b'u' => {
                self.pos += 1;
                let text = self.identifier()?;
                let name = self.add(Node::Text(text));
                if self.eat(b'I') {
                    let arg = self.ty()?;
                    self.expect(b'E')?;
                    Node::Trait { name, arg }
                } else {
                    self.substitutable(name);
                    return Some(name);
                }
            }
            _ => {
                let name = self.name(None)?;
                self.substitutable(name);
                return Some(name);
            }
        };
        let id = self.add(node);
        self.substitutable(id);
        Some(id)
    }

    /// A substitution, and what may stand behind one in a type.
    fn substituted(&mut self) -> Option<NodeId> {
        let start = self.pos;
        let name = self.substitution()?;
        let id = if let Node::Module { .. } = self.nodes.get(name) {
            self.pos = start;
            self.name(None)?
        } else if self.peek() == Some(b'I') && !self.conversion {
            let args = self.template_args(false)?;
            self.add(Node::Template { name, args })
        } else {
            return Some(name);
        };
        self.substitutable(id);
        Some(id)
    }

    /// ```text
    /// <CV-qualifiers> ::= [r] [V] [K]
    /// ```
    pub(super) fn qualifiers(&mut self) -> Qualifiers {
        Qualifiers {
            is_restrict: self.eat(b'r'),
            is_volatile: self.eat(b'V'),
            is_const: self.eat(b'K'),
        }
    }

    /// `Ts`, `Tu` or `Te`, and a name.
    fn elaborated(&mut self, word: Word) -> Option<Node> {
        self.pos += 2;
        let ty = self.name(None)?;
        Some(Node::Before { word, ty })
    }

    /// The type of a conversion operator, or what an expression converts to: template
    /// arguments behind a parameter are not the parameter's.
    pub(super) fn conversion_type(&mut self) -> Option<NodeId> {
        let outer = std::mem::replace(&mut self.conversion, true);
        let ty = self.ty();
        self.conversion = outer;
        ty
    }

    /// Types that begin with `D`.
    fn after_d(&mut self) -> Option<TypeKind> {
        let second = self.peek_second()?;
        if let Some(word) = Word::builtin_after_d(second) {
            self.pos += 2;
            return Some(TypeKind::Plain(self.add(Node::Word(word))));
        }
        Some(match second {
            b't' | b'T' => {
                return self
                    .decltype()
                    .map(|id| TypeKind::Substitutable(self.nodes.get(id)));
            }
            b'o' | b'O' | b'w' | b'x' => TypeKind::Substitutable(self.function()?),
            b'p' => {
                self.pos += 2;
                TypeKind::Substitutable(Node::Expansion(self.ty()?))
            }
            b'v' => {
                self.pos += 2;
                TypeKind::Substitutable(self.vector()?)
            }
            b'F' => {
                self.pos += 2;
                self.float()?
            }
            b'B' | b'U' => {
                self.pos += 2;
                let width = if Self::is_digit(self.peek()) {
                    let digits = self.digits();
                    self.add(Node::Text(digits))
                } else {
                    self.expr()?
                };
                self.expect(b'_')?;
                TypeKind::Substitutable(Node::BitInt {
                    width,
                    signed: second == b'B',
                })
            }
            b'k' | b'K' => {
                self.pos += 2;
                let concept = self.name(None)?;
                let word = if second == b'k' {
                    Word::Auto
                } else {
                    Word::DecltypeAuto
                };
                TypeKind::Plain(self.add(Node::Constrained { concept, word }))
            }
            b'A' | b'R' | b'S' => TypeKind::Plain(self.fixed_point()?),
            _ => return None,
        })
    }

    /// ```text
    /// <builtin-type> ::= DF <number> _ | DF16b
    /// ```
    fn float(&mut self) -> Option<TypeKind> {
        if self.eat_all(b"16b") {
            return Some(TypeKind::Plain(self.add(Node::Word(Word::BFloat16))));
        }
        let digits = self.digits();
        self.expect(b'_')?;
        Some(TypeKind::Plain(self.add(Node::FloatN(digits))))
    }

    /// ```text
    /// <fixed-point-type> ::= [DS] DA <size> | [DS] DR <size>
    /// <size> ::= s | t | i | j | l | m
    /// ```
    fn fixed_point(&mut self) -> Option<NodeId> {
        let saturated = self.eat_all(b"DS");
        self.expect(b'D')?;
        let word = match self.bump()? {
            b'A' => Word::Accum,
            b'R' => Word::Fract,
            _ => return None,
        };
        let size = match self.bump()? {
            b's' => Some(Word::Short),
            b't' => Some(Word::UnsignedShort),
            b'i' => None,
            b'j' => Some(Word::Unsigned),
            b'l' => Some(Word::Long),
            b'm' => Some(Word::UnsignedLong),
            _ => return None,
        };
        let mut ty = self.add(Node::Word(word));
        if let Some(word) = size {
            ty = self.add(Node::Before { word, ty });
        }
        if saturated {
            ty = self.add(Node::Before {
                word: Word::Sat,
                ty,
            });
        }
        Some(ty)
    }

    /// ```text
    /// <decltype> ::= Dt <expression> E | DT <expression> E
    /// ```
    pub(super) fn decltype(&mut self) -> Option<NodeId> {
        self.pos += 2;
        let expression = self.expr()?;
        self.expect(b'E')?;
        Some(self.add(Node::Decltype(expression)))
    }

    /// Whether what follows is a function type, its qualifiers being read.
    fn at_function(&self) -> bool {
        match self.peek() {
            Some(b'F') => true,
            Some(b'D') => matches!(self.peek_second(), Some(b'o' | b'O' | b'w' | b'x')),
            _ => false,
        }
    }

    /// ```text
    /// <function-type> ::= [<CV-qualifiers>] [<exception-spec>] [Dx] F [Y] <result> <params> [R|O] E
    /// <exception-spec> ::= Do | DO <expression> E | Dw <type>+ E
    /// ```
    fn function(&mut self) -> Option<Node> {
        let qualifiers = self.qualifiers();
        let mut attribute = None;
        if self.eat_all(b"Do") {
            attribute = Some(self.add(Node::Word(Word::Noexcept)));
        } else if self.eat_all(b"DO") {
            let expression = self.expr()?;
            self.expect(b'E')?;
            attribute = Some(self.add(Node::Noexcept(expression)));
        } else if self.eat_all(b"Dw") {
            let types = self.until(b'E', Self::ty)?;
            attribute = Some(self.add(Node::ThrowSpec(types)));
        }
        self.eat_all(b"Dx");
        self.expect(b'F')?;
        self.eat(b'Y');
        let result = self.ty()?;
        let mut reference = RefQualifier::None;
        let base = self.stack_len();
        loop {
            match (self.peek()?, self.peek_second()) {
                (b'E', _) => break,
                (b'v', _) => {
                    self.pos += 1;
                    continue;
                }
                (b'R', Some(b'E')) => reference = RefQualifier::LValue,
                (b'O', Some(b'E')) => reference = RefQualifier::RValue,
                _ => {
                    let param = self.ty()?;
                    self.push(param);
                    continue;
                }
            }
            self.pos += 1;
            break;
        }
        self.expect(b'E')?;
        let params = self.list_from(base);
        self.nodes.functions.push(Function {
            result: Some(result),
            name: None,
            params,
            qualifiers,
            reference,
            attribute,
            requires: None,
            explicit_object: false,
        });
        Some(Node::Function(self.nodes.functions.len() as u32 - 1))
    }

    /// ```text
    /// <array-type> ::= A [<number>] _ <type> | A <expression> _ <type>
    /// ```
    fn array(&mut self) -> Option<Node> {
        self.pos += 1;
        let length = if self.eat(b'_') {
            None
        } else {
            Some(self.extent(Self::is_digit(self.peek()))?)
        };
        let of = self.ty()?;
        Some(Node::Array { of, length })
    }

    /// A number or an expression, and `_`.
    fn extent(&mut self, numbered: bool) -> Option<NodeId> {
        let length = if numbered {
            let digits = self.digits();
            self.add(Node::Text(digits))
        } else {
            self.expr()?
        };
        self.expect(b'_')?;
        Some(length)
    }

    /// ```text
    /// <type> ::= Dv <number> _ <type> | Dv [<expression>] _ <type>
    /// ```
    ///
    /// `p` is AltiVec's pixel.
    fn vector(&mut self) -> Option<Node> {
        let numbered = matches!(self.peek(), Some(b'1'..=b'9'));
        let length = if self.eat(b'_') {
            None
        } else {
            Some(self.extent(numbered)?)
        };
        let of = if numbered && self.eat(b'p') {
            self.add(Node::Word(Word::Pixel))
        } else {
            self.ty()?
        };
        Some(Node::Vector { of, length })
    }

    /// ```text
    /// <extended-qualifier> ::= U <source-name> [<template-args>] <type>
    /// ```
    fn vendor_qualified(&mut self) -> Option<Node> {
        self.pos += 1;
        let text = self.identifier()?;
        let bytes = &self.input[text.start as usize..self.pos];
        if bytes.starts_with(b"objcproto") {
            let protocol = self.protocol(text)?;
            let ty = self.vendor_operand()?;
            return Some(Node::Protocol { ty, protocol });
        }
        let mut qualifier = self.add(Node::Text(text));
        if self.peek() == Some(b'I') {
            let args = self.template_args(false)?;
            qualifier = self.add(Node::Template {
                name: qualifier,
                args,
            });
        }
        let ty = self.vendor_operand()?;
        Some(Node::Vendor { ty, qualifier })
    }

    /// What a vendor's qualifier qualifies. Further qualifiers are of the same type: it is
    /// all of them together that substitutions refer to.
    fn vendor_operand(&mut self) -> Option<NodeId> {
        if self.peek() == Some(b'U') {
            let node = self.nested(Self::vendor_qualified)?;
            return Some(self.add(node));
        }
        let qualifiers = self.qualifiers();
        let ty = self.ty()?;
        Some(if qualifiers.any() {
            self.add(Node::Qualified { ty, qualifiers })
        } else {
            ty
        })
    }

    /// The protocol in the qualifier `objcproto3Foo`.
    fn protocol(&mut self, qualifier: Text) -> Option<Text> {
        let end = self.pos;
        self.pos = qualifier.start as usize + "objcproto".len();
        let protocol = self.identifier()?;
        let fits = self.pos <= end;
        self.pos = end;
        fits.then_some(protocol)
    }
}

/// A type, as substitutions see it.
enum TypeKind {
    Plain(NodeId),
    Substitutable(Node),
}
