//! Template arguments, parameters, and how the parameters of lambdas are declared.

use super::Parser;
use crate::node::{List, Node, NodeId, ParamKind};
use crate::words::Word;

impl Parser<'_> {
    /// ```text
    /// <template-args> ::= I <template-arg>* [Q <requires-clause expr>] E
    /// ```
    ///
    /// `named`: of the name of an encoding, whose template parameters they are the arguments of.
    pub(super) fn template_args(&mut self, named: bool) -> Option<List> {
        self.expect(b'I')?;
        if named {
            self.clear_levels();
            self.push_level();
        }
        let base = self.stack_len();
        while !self.at_list_end(base) {
            let arg = self.template_arg()?;
            self.push(arg);
            if named {
                let param = match self.nodes.get(arg) {
                    Node::Args(args) => self.add(Node::Pack(args)),
                    _ => arg,
                };
                self.scratch.params.push(param);
            }
        }
        let args = self.list_from(base);
        if self.eat(b'Q') {
            // It is read, and not shown.
            self.constraint()?;
        }
        self.expect(b'E')?;
        Some(args)
    }

    /// Whether the list on the stack from `base` on ends here: with `E`, or with a constraint
    /// behind at least one entry.
    fn at_list_end(&self, base: usize) -> bool {
        match self.peek() {
            Some(b'E') => true,
            Some(b'Q') => self.stack_len() > base,
            _ => false,
        }
    }

    /// ```text
    /// <template-arg> ::= <type> | X <expression> E | <expr-primary> | J <template-arg>* E
    ///                ::= <template-param-decl> <template-arg>
    /// ```
    pub(super) fn template_arg(&mut self) -> Option<NodeId> {
        self.nested(|this| match this.peek()? {
            b'X' => {
                this.pos += 1;
                let expression = this.expr()?;
                this.expect(b'E')?;
                Some(expression)
            }
            b'J' => {
                this.pos += 1;
                let args = this.until(b'E', Self::template_arg)?;
                Some(this.add(Node::Args(args)))
            }
            b'L' => {
                if this.peek_second() == Some(b'Z') {
                    // What compilers wrote for `L_Z`.
                    this.pos += 2;
                    let encoding = this.encoding()?;
                    this.expect(b'E')?;
                    return Some(encoding);
                }
                this.primary()
            }
            b'T' if this.at_param_decl() => {
                // The parameter is shown by its argument alone.
                this.param_decl(false)?;
                let arg = this.template_arg()?;
                Some(this.add(Node::Declared(arg)))
            }
            _ => this.ty(),
        })
    }

    /// ```text
    /// <template-param> ::= T_ | T <number> _ | TL <level> _ _ | TL <level> _ <number> _
    /// ```
    pub(super) fn template_param(&mut self) -> Option<NodeId> {
        let start = self.pos;
        self.expect(b'T')?;
        let mut level = 0;
        if self.eat(b'L') {
            level = self.length()?.checked_add(1)?;
            self.expect(b'_')?;
        }
        let index = self.index()?;
        if self.constraint {
            let mut code = self.text_from(start);
            code.len -= 1;
            return Some(self.add(Node::Text(code)));
        }
        if self.forward && level == 0 {
            let number = self.nodes.forwards.len() as u32;
            self.nodes.forwards.push((index as u32, None));
            return Some(self.add(Node::Forward(number)));
        }
        if let Some(arg) = self.param(level, index) {
            return Some(arg);
        }
        // A parameter `auto` of the lambda that is being read.
        if self.lambda_level == Some(level) && level <= self.visible() {
            if level == self.visible() {
                self.push_level();
            }
            return Some(self.add(Node::Word(Word::Auto)));
        }
        None
    }

    /// Whether a `<template-param-decl>` follows.
    pub(super) fn at_param_decl(&self) -> bool {
        self.peek() == Some(b'T')
            && matches!(self.peek_second(), Some(b'y' | b'n' | b't' | b'p' | b'k'))
    }

    /// ```text
    /// <template-param-decl> ::= Ty | Tk <concept name> [<template-args>] | Tn <type>
    ///                       ::= Tt <template-param-decl>* [Q <constraint>] E
    ///                       ::= Tp <template-param-decl>
    /// ```
    ///
    /// `visible`: what follows can refer to it.
    pub(super) fn param_decl(&mut self, visible: bool) -> Option<NodeId> {
        self.nested(|this| {
            this.expect(b'T')?;
            match this.bump()? {
                b'y' => {
                    let name = this.invent(ParamKind::Type, visible);
                    Some(this.add(Node::TypeParam(name)))
                }
                b'k' => {
                    let outer = std::mem::replace(&mut this.constraint, true);
                    let concept = this.name(None);
                    this.constraint = outer;
                    let concept = concept?;
                    let name = this.invent(ParamKind::Type, visible);
                    Some(this.add(Node::ConceptParam { concept, name }))
                }
                b'n' => {
                    let name = this.invent(ParamKind::Value, visible);
                    let ty = this.ty()?;
                    Some(this.add(Node::ValueParam { name, ty }))
                }
                b't' => {
                    let name = this.invent(ParamKind::Template, visible);
                    let saved = this.saved();
                    this.push_level();
                    let base = this.stack_len();
                    while !this.at_list_end(base) {
                        let param = this.param_decl(true)?;
                        this.push(param);
                    }
                    let params = this.list_from(base);
                    let requires = if this.eat(b'Q') {
                        Some(this.constraint()?)
                    } else {
                        None
                    };
                    this.expect(b'E')?;
                    this.restore_levels(saved);
                    let declared = this.add(Node::TemplateParam { name, params });
                    Some(match requires {
                        Some(requires) => this.add(Node::RequiresParam {
                            param: declared,
                            requires,
                        }),
                        None => declared,
                    })
                }
                b'p' => {
                    let param = this.param_decl(visible)?;
                    Some(this.add(Node::PackParam(param)))
                }
                _ => None,
            }
        })
    }

    /// A name for a template parameter that has none in the mangled name.
    fn invent(&mut self, kind: ParamKind, visible: bool) -> NodeId {
        let index = self.invented[kind as usize];
        self.invented[kind as usize] += 1;
        let name = self.add(Node::Invented { kind, index });
        if visible {
            self.scratch.params.push(name);
        }
        name
    }
}
