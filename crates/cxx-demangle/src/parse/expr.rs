//! `<expression>` and `<expr-primary>`.

use super::Parser;
use crate::node::{List, New, Node, NodeId, Text};
use crate::words::{Op, Shape, Word};

impl Parser<'_> {
    /// `<expression>`
    pub(super) fn expr(&mut self) -> Option<NodeId> {
        self.nested(Self::expr_here)
    }

    fn expr_here(&mut self) -> Option<NodeId> {
        let global = self.eat_all(b"gs");
        let first = self.peek()?;
        let second = self.peek_second();
        if first.is_ascii_digit() {
            let name = self.base_unresolved_name()?;
            return Some(self.global(global, name));
        }
        match (first, second) {
            (b'o' | b'd', Some(b'n')) => {
                let name = self.base_unresolved_name()?;
                Some(self.global(global, name))
            }
            (b's', Some(b'r')) => self.unresolved_name(global),
            (b'L', _) => self.primary(),
            (b'T', _) => self.template_param(),
            (b'f', Some(b'p')) => self.function_param(),
            (b'f', Some(b'L')) if Self::is_digit(self.input.get(self.pos + 2).copied()) => {
                self.function_param()
            }
            (b'f', _) => self.fold(),
            (b's', Some(b'p')) => {
                self.pos += 2;
                let pattern = self.expr()?;
                Some(self.add(Node::Expansion(pattern)))
            }
            (b's', Some(b'Z')) => {
                self.pos += 2;
                let pack = match self.peek()? {
                    b'T' => {
                        let pack = self.template_param()?;
                        return Some(self.add(Node::PackSize(pack)));
                    }
                    b'f' => self.function_param()?,
                    _ => return None,
                };
                let base = self.stack_len();
                self.push(pack);
                let args = self.list_from(base);
                Some(self.add(Node::ArgsSize(args)))
            }
            (b's', Some(b'P')) => {
                self.pos += 2;
                let args = self.until(b'E', Self::template_arg)?;
                Some(self.add(Node::ArgsSize(args)))
            }
            (b's', Some(b'o')) => self.subobject(),
            (b'm', Some(b'c')) => self.member_conversion(),
            (b't', Some(b'l')) => {
                self.pos += 2;
                let ty = self.ty()?;
                let items = self.until(b'E', Self::braced_item)?;
                Some(self.add(Node::Braced {
                    ty: Some(ty),
                    items,
                }))
            }
            (b'i', Some(b'l')) => {
                self.pos += 2;
                let items = self.until(b'E', Self::braced_item)?;
                Some(self.add(Node::Braced { ty: None, items }))
            }
            (b't', Some(b'w')) => {
                self.pos += 2;
                let operand = self.expr()?;
                Some(self.add(Node::Throw(operand)))
            }
            (b't', Some(b'r')) => {
                self.pos += 2;
                Some(self.add(Node::Word(Word::Throw)))
            }
            (b'r', Some(b'q' | b'Q')) => self.requires(),
            (b'u', _) => {
                self.pos += 1;
                let callee = self.source_name()?;
                let args = self.until(b'E', Self::template_arg)?;
                Some(self.add(Node::Call {
                    callee,
                    args,
                    quoted: false,
                }))
            }
            _ => self.operation(global),
        }
    }

    fn global(&mut self, global: bool, name: NodeId) -> NodeId {
        if global {
            self.add(Node::Global(name))
        } else {
            name
        }
    }

    /// An operator and its operands.
    fn operation(&mut self, global: bool) -> Option<NodeId> {
        let start = self.pos;
        let Some(op) = self.op() else {
            // The name of an operator that is none of an expression.
            self.pos = start;
            let name = self.base_unresolved_name()?;
            return Some(self.global(global, name));
        };
        let node = match op.get().shape {
            Shape::Prefix => Node::Prefix {
                op,
                operand: self.expr()?,
            },
            Shape::PrefixOrPostfix => {
                if self.eat(b'_') {
                    Node::Prefix {
                        op,
                        operand: self.expr()?,
                    }
                } else {
                    Node::Postfix {
                        op,
                        operand: self.expr()?,
                    }
                }
            }
            Shape::Binary => {
                let left = self.expr()?;
                let right = self.expr()?;
                Node::Binary { op, left, right }
            }
            Shape::Index => {
                let base = self.expr()?;
                let index = self.expr()?;
                Node::Index { base, index }
            }
            Shape::Member => {
                let base = self.expr()?;
                let member = self.expr()?;
                Node::Member { op, base, member }
            }
            Shape::Conditional => {
                let condition = self.expr()?;
                let yes = self.expr()?;
                let no = self.expr()?;
                Node::Conditional { condition, yes, no }
            }
            Shape::Call | Shape::QuotedCall => Node::Call {
                callee: self.expr()?,
                args: self.until(b'E', Self::expr)?,
                quoted: op.get().shape == Shape::QuotedCall,
            },
            Shape::Conversion => {
                let ty = self.conversion_type()?;
                let args = if self.eat(b'_') {
                    self.until(b'E', Self::expr)?
                } else {
                    let operand = self.expr()?;
                    self.single(operand)
                };
                Node::Cast { ty, args }
            }
            Shape::NamedCast => {
                let ty = self.ty()?;
                let operand = self.expr()?;
                Node::NamedCast { op, ty, operand }
            }
            Shape::New => {
                let placement = self.until(b'_', Self::expr)?;
                let ty = self.ty()?;
                let init = if self.eat_all(b"pi") {
                    Some(self.until(b'E', Self::expr)?)
                } else {
                    self.expect(b'E')?;
                    None
                };
                self.nodes.news.push(New {
                    op,
                    global,
                    placement,
                    ty,
                    init: init.unwrap_or_default(),
                });
                Node::New(self.nodes.news.len() as u32 - 1)
            }
            Shape::Delete => Node::Delete {
                op,
                global,
                operand: self.expr()?,
            },
            Shape::EnclosedType => Node::Enclosed {
                op,
                operand: self.ty()?,
            },
            Shape::EnclosedExpr => Node::Enclosed {
                op,
                operand: self.expr()?,
            },
            Shape::NameOnly => return None,
        };
        Some(self.add(node))
    }

    fn op(&mut self) -> Option<Op> {
        let first = self.bump()?;
        let second = self.bump()?;
        Op::of(first, second)
    }

    fn single(&mut self, id: NodeId) -> List {
        let base = self.stack_len();
        self.push(id);
        self.list_from(base)
    }

    /// ```text
    /// <expression> ::= fl <binary operator-name> <expression>
    ///              ::= fL <binary operator-name> <expression> <expression>
    /// ```
    ///
    /// and `fr`, `fR`.
    fn fold(&mut self) -> Option<NodeId> {
        self.pos += 1;
        let (left, has_init) = match self.bump()? {
            b'l' => (true, false),
            b'r' => (false, false),
            b'L' => (true, true),
            b'R' => (false, true),
            _ => return None,
        };
        let op = self.op()?;
        let operator = op.get();
        if operator.shape != Shape::Binary && !matches!(operator.text, ".*" | "->*") {
            return None;
        }
        let first = self.expr()?;
        let second = if has_init { Some(self.expr()?) } else { None };
        let (pack, init) = match second {
            Some(second) if left => (second, Some(first)),
            init => (first, init),
        };
        Some(self.add(Node::Fold {
            op,
            left,
            pack,
            init,
        }))
    }

    /// ```text
    /// <function-param> ::= fpT | fp <CV-qualifiers> [<number>] _
    ///                  ::= fL <number> p <CV-qualifiers> [<number>] _
    /// ```
    fn function_param(&mut self) -> Option<NodeId> {
        if self.eat_all(b"fpT") {
            return Some(self.add(Node::Word(Word::This)));
        }
        if !self.eat_all(b"fp") {
            if !self.eat_all(b"fL") {
                return None;
            }
            self.digits();
            self.expect(b'p')?;
        }
        self.qualifiers();
        let number = self.digits();
        self.expect(b'_')?;
        Some(self.add(Node::FunctionParam(number)))
    }

    /// ```text
    /// <braced-expression> ::= <expression> | di <field> <braced-expression>
    ///                     ::= dx <index> <braced-expression>
    ///                     ::= dX <from> <to> <braced-expression>
    /// ```
    fn braced_item(&mut self) -> Option<NodeId> {
        self.nested(|this| {
            let node = match (this.peek()?, this.peek_second()) {
                (b'd', Some(b'i')) => {
                    this.pos += 2;
                    let field = this.source_name()?;
                    let value = this.braced_item()?;
                    Node::FieldInit { field, value }
                }
                (b'd', Some(b'x')) => {
                    this.pos += 2;
                    let index = this.expr()?;
                    let value = this.braced_item()?;
                    Node::IndexInit { index, value }
                }
                (b'd', Some(b'X')) => {
                    this.pos += 2;
                    let from = this.expr()?;
                    let to = this.expr()?;
                    let value = this.braced_item()?;
                    Node::RangeInit { from, to, value }
                }
                _ => return this.expr(),
            };
            Some(this.add(node))
        })
    }

    /// ```text
    /// <expression> ::= so <type> <expression> [<offset number>] <union-selector>* [p] E
    /// <union-selector> ::= _ [<number>]
    /// ```
    fn subobject(&mut self) -> Option<NodeId> {
        self.pos += 2;
        let ty = self.ty()?;
        let base = self.expr()?;
        let digits = self.optional_number();
        while self.eat(b'_') {
            self.digits();
        }
        self.eat(b'p');
        self.expect(b'E')?;
        let offset = self.add(if digits.len == 0 {
            Node::Word(Word::Zero)
        } else {
            Node::Number {
                digits,
                suffix: Word::Empty,
            }
        });
        Some(self.add(Node::Subobject { ty, base, offset }))
    }

    /// ```text
    /// <expression> ::= mc <type> <expression> [<offset number>] E
    /// ```
    fn member_conversion(&mut self) -> Option<NodeId> {
        self.pos += 2;
        let ty = self.ty()?;
        let operand = self.expr()?;
        self.optional_number();
        self.expect(b'E')?;
        Some(self.add(Node::MemberConversion { ty, operand }))
    }

    /// A number, or nothing, for which LLVM also takes an `n` alone.
    fn optional_number(&mut self) -> Text {
        let start = self.pos;
        self.eat(b'n');
        let digits = self.digits();
        if digits.len == 0 {
            return digits;
        }
        self.text_from(start)
    }

    /// ```text
    /// <expression> ::= rq <requirement>+ E | rQ <params> _ <requirement>+ E
    /// <requirement> ::= X <expression> [N] [R <type-constraint>] | T <type> | Q <expression>
    /// ```
    fn requires(&mut self) -> Option<NodeId> {
        self.pos += 1;
        let mut params = List::default();
        if self.bump()? == b'Q' {
            params = self.until(b'_', Self::ty)?;
        }
        if self.peek() == Some(b'E') {
            return None;
        }
        let requirements = self.until(b'E', |this| {
            let node = match this.bump()? {
                b'X' => {
                    let operand = this.expr()?;
                    let noexcept = this.eat(b'N');
                    let concept = if this.eat(b'R') {
                        Some(this.name(None)?)
                    } else {
                        None
                    };
                    Node::ExprRequirement {
                        operand,
                        noexcept,
                        concept,
                    }
                }
                b'T' => Node::TypeRequirement(this.ty()?),
                b'Q' => Node::NestedRequirement(this.expr()?),
                _ => return None,
            };
            Some(this.add(node))
        })?;
        let requirements = self.add(Node::Requirements(requirements));
        Some(self.add(Node::Requires {
            params,
            requirements,
        }))
    }

    /// ```text
    /// <base-unresolved-name> ::= <simple-id> | on <operator-name> [<template-args>]
    ///                        ::= dn <destructor-name>
    /// <destructor-name> ::= <unresolved-type> | <simple-id>
    /// ```
    fn base_unresolved_name(&mut self) -> Option<NodeId> {
        if self.eat_all(b"dn") {
            let ty = if Self::is_digit(self.peek()) {
                self.simple_id()?
            } else {
                self.unresolved_type()?
            };
            return Some(self.add(Node::Destructor(ty)));
        }
        if Self::is_digit(self.peek()) {
            return self.simple_id();
        }
        // Compilers of old left it out.
        self.eat_all(b"on");
        let name = self.operator_name()?;
        self.with_args(name)
    }

    /// ```text
    /// <simple-id> ::= <source-name> [<template-args>]
    /// ```
    fn simple_id(&mut self) -> Option<NodeId> {
        let name = self.source_name()?;
        self.with_args(name)
    }

    fn with_args(&mut self, name: NodeId) -> Option<NodeId> {
        if self.peek() != Some(b'I') {
            return Some(name);
        }
        let args = self.template_args(false)?;
        Some(self.add(Node::Template { name, args }))
    }

    /// ```text
    /// <unresolved-type> ::= <template-param> [<template-args>] | <decltype> | <substitution>
    /// ```
    fn unresolved_type(&mut self) -> Option<NodeId> {
        match self.peek()? {
            b'T' => {
                let param = self.template_param()?;
                self.substitutable(param);
                Some(param)
            }
            b'D' if matches!(self.peek_second(), Some(b't' | b'T')) => {
                let decltype = self.decltype()?;
                self.substitutable(decltype);
                Some(decltype)
            }
            _ => self.substitution(),
        }
    }

    /// ```text
    /// <unresolved-name> ::= [gs] <base-unresolved-name>
    ///     ::= sr <unresolved-type> <base-unresolved-name>
    ///     ::= srN <unresolved-type> <unresolved-qualifier-level>+ E <base-unresolved-name>
    ///     ::= [gs] sr <unresolved-qualifier-level>+ E <base-unresolved-name>
    /// ```
    fn unresolved_name(&mut self, global: bool) -> Option<NodeId> {
        self.pos += 2;
        let mut scope;
        if Self::is_digit(self.peek()) {
            scope = self.simple_id()?;
            scope = self.global(global, scope);
            while !self.eat(b'E') {
                let name = self.simple_id()?;
                scope = self.add(Node::Nested { scope, name });
            }
        } else {
            let levels = self.eat(b'N');
            scope = self.unresolved_type()?;
            scope = self.with_args(scope)?;
            if levels {
                while !self.eat(b'E') {
                    let name = self.simple_id()?;
                    scope = self.add(Node::Nested { scope, name });
                }
            }
        }
        let name = self.base_unresolved_name()?;
        Some(self.add(Node::Nested { scope, name }))
    }

    /// ```text
    /// <expr-primary> ::= L <type> <value number> E | L <type> <value float> E
    ///                ::= L <string type> E | L <nullptr type> E | L _Z <encoding> E
    /// ```
    pub(super) fn primary(&mut self) -> Option<NodeId> {
        self.expect(b'L')?;
        let code = self.peek()?;
        let plain = |suffix| Some((suffix, None));
        let cast = |word| Some((Word::Empty, Some(word)));
        let integer = match code {
            b'i' => plain(Word::Empty),
            b'j' => plain(Word::SuffixU),
            b'l' => plain(Word::SuffixL),
            b'm' => plain(Word::SuffixUL),
            b'x' => plain(Word::SuffixLL),
            b'y' => plain(Word::SuffixULL),
            b'w' | b'c' | b'a' | b'h' | b's' | b't' | b'n' | b'o' => {
                Word::builtin(code).and_then(cast)
            }
            _ => None,
        };
        if let Some((suffix, cast)) = integer {
            self.pos += 1;
            let digits = self.number()?;
            self.expect(b'E')?;
            return Some(match cast {
                None => self.add(Node::Number { digits, suffix }),
                Some(word) => {
                    let ty = self.add(Node::Word(word));
                    self.add(Node::TypedNumber { ty, digits })
                }
            });
        }
        let id = match code {
            b'b' => {
                self.pos += 1;
                let word = match self.bump()? {
                    b'0' => Word::False,
                    b'1' => Word::True,
                    _ => return None,
                };
                self.add(Node::Word(word))
            }
            b'f' => self.float_literal(Word::Float, 8)?,
            b'd' => self.float_literal(Word::Double, 16)?,
            b'e' => self.float_literal(Word::LongDouble, 20)?,
            b'_' => {
                if !self.eat_all(b"_Z") {
                    return None;
                }
                self.encoding()?
            }
            b'A' => {
                let ty = self.ty()?;
                self.add(Node::StringLiteral(ty))
            }
            b'D' => {
                if !self.eat_all(b"Dn") {
                    return None;
                }
                self.eat(b'0');
                self.add(Node::Word(Word::Null))
            }
            b'T' => return None,
            b'U' => {
                if self.peek_second() != Some(b'l') {
                    return None;
                }
                self.pos += 2;
                let mut closure = self.nested(Self::lambda)?;
                closure.number = self.digits();
                self.expect(b'_')?;
                self.nodes.closures.push(closure);
                let index = self.nodes.closures.len() as u32 - 1;
                self.add(Node::Lambda(index))
            }
            _ => {
                let ty = self.ty()?;
                let digits = self.number()?;
                self.add(Node::TypedNumber { ty, digits })
            }
        };
        self.expect(b'E')?;
        Some(id)
    }

    /// The bytes of a floating-point value, highest first, as hexadecimal digits.
    fn float_literal(&mut self, ty: Word, len: usize) -> Option<NodeId> {
        self.pos += 1;
        let start = self.pos;
        for _ in 0..len {
            if !matches!(self.bump()?, b'0'..=b'9' | b'a'..=b'f') {
                return None;
            }
        }
        let digits = self.text_from(start);
        Some(self.add(Node::Float { ty, digits }))
    }
}
