//! `<mangled-name>`, `<encoding>` and `<special-name>`.

use super::Parser;
use super::name::Named;
use crate::node::{Function, List, Node, NodeId};
use crate::words::Word;

impl Parser<'_> {
    /// `<encoding>`, and what compilers put behind it: `.isra.0`. Nothing may follow.
    pub(crate) fn symbol(mut self) -> Option<NodeId> {
        let mut name = self.encoding()?;
        if self.peek() == Some(b'.') {
            let start = self.pos;
            self.pos = self.input.len();
            name = self.add(Node::Suffixed {
                name,
                suffix: self.text_from(start),
            });
        }
        self.at_end().then_some(name)
    }

    /// The function that clang makes of a block of Objective-C: the encoding of the function
    /// it is in, `_block_invoke`, and a number.
    pub(crate) fn block(mut self) -> Option<NodeId> {
        let name = self.encoding()?;
        if !self.eat_all(b"_block_invoke") {
            return None;
        }
        let numbered = self.eat(b'_');
        if self.digits().len == 0 && numbered {
            return None;
        }
        if !self.at_end() && self.peek() != Some(b'.') {
            return None;
        }
        Some(self.add(Node::Special {
            what: Word::InvocationOfBlock,
            name,
        }))
    }

    /// ```text
    /// <encoding> ::= <name> <bare-function-type> | <name> | <special-name>
    /// ```
    pub(super) fn encoding(&mut self) -> Option<NodeId> {
        self.nested(|this| {
            let saved = this.hide_levels();
            let encoding = match this.peek() {
                Some(b'G' | b'T') => this.special_name(),
                _ => this.function_or_data(),
            };
            this.restore_levels(saved);
            encoding
        })
    }

    fn function_or_data(&mut self) -> Option<NodeId> {
        let mut named = Named::default();
        let first_forward = self.nodes.forwards.len();
        let name = self.name(Some(&mut named))?;
        self.resolve_forwards(first_forward)?;
        if self.encoding_ends() {
            return Some(name);
        }

        let mut attribute = None;
        if self.peek() == Some(b'U') && self.eat_all(b"Ua9enable_ifI") {
            let conditions = self.until(b'E', Self::template_arg)?;
            attribute = Some(self.add(Node::EnableIf(conditions)));
        }
        let mut result = None;
        if named.template && !named.no_result {
            result = Some(self.ty()?);
        }
        let params = self.params(|this| this.encoding_ends() || this.peek() == Some(b'Q'))?;
        let requires = if self.eat(b'Q') {
            Some(self.constraint()?)
        } else {
            None
        };
        self.nodes.functions.push(Function {
            result,
            name: Some(name),
            params,
            qualifiers: named.qualifiers,
            reference: named.reference,
            attribute,
            requires,
            explicit_object: named.explicit_object,
        });
        let index = self.nodes.functions.len() as u32 - 1;
        Some(self.add(Node::Encoding(index)))
    }

    fn encoding_ends(&self) -> bool {
        matches!(self.peek(), None | Some(b'E' | b'.' | b'_'))
    }

    /// Gives the template parameters in the types of conversion operators, which stand before
    /// the arguments, their arguments.
    fn resolve_forwards(&mut self, first: usize) -> Option<()> {
        for number in first..self.nodes.forwards.len() {
            if let (index, None) = self.nodes.forwards[number] {
                self.nodes.forwards[number].1 = Some(self.param(0, index as usize)?);
            }
        }
        Some(())
    }

    /// `<special-name>`
    fn special_name(&mut self) -> Option<NodeId> {
        let (first, second) = (self.bump()?, self.bump()?);
        let (what, name) = match (first, second) {
            (b'T', b'V') => (Word::Vtable, self.ty()?),
            (b'T', b'T') => (Word::Vtt, self.ty()?),
            (b'T', b'I') => (Word::Typeinfo, self.ty()?),
            (b'T', b'S') => (Word::TypeinfoName, self.ty()?),
            (b'T', b'A') => (Word::TemplateParamObject, self.template_arg()?),
            (b'T', b'H') => (Word::ThreadInit, self.name(None)?),
            (b'T', b'W') => (Word::ThreadWrapper, self.name(None)?),
            (b'T', b'C') => {
                let complete = self.ty()?;
                self.number()?;
                self.expect(b'_')?;
                let class = self.ty()?;
                return Some(self.add(Node::ConstructionVtable { class, complete }));
            }
            (b'T', b'c') => {
                self.call_offset()?;
                self.call_offset()?;
                (Word::CovariantThunk, self.encoding()?)
            }
            (b'T', b'h' | b'v') => {
                self.pos -= 1;
                self.call_offset()?;
                let what = if second == b'v' {
                    Word::VirtualThunk
                } else {
                    Word::NonVirtualThunk
                };
                (what, self.encoding()?)
            }
            (b'G', b'V') => (Word::GuardVariable, self.name(None)?),
            (b'G', b'R') => {
                let name = self.name(None)?;
                // The number of the temporary, which early compilers left out.
                let before = self.pos;
                if self.sequence().is_none() {
                    self.pos = before;
                }
                (Word::ReferenceTemporary, name)
            }
            (b'G', b'I') => {
                let mut module = None;
                self.module_name(&mut module)?;
                (Word::ModuleInitializer, module?)
            }
            _ => return None,
        };
        Some(self.add(Node::Special { what, name }))
    }

    /// ```text
    /// <call-offset> ::= h <number> _ | v <number> _ <number> _
    /// ```
    fn call_offset(&mut self) -> Option<()> {
        let is_virtual = match self.bump()? {
            b'h' => false,
            b'v' => true,
            _ => return None,
        };
        self.number()?;
        self.expect(b'_')?;
        if is_virtual {
            self.number()?;
            self.expect(b'_')?;
        }
        Some(())
    }

    /// The types of one or more parameters up to where `ends` says; none for `v`.
    pub(super) fn params(&mut self, ends: impl Fn(&Self) -> bool) -> Option<List> {
        let base = self.stack_len();
        if !self.eat(b'v') {
            loop {
                let param = self.ty()?;
                self.push(param);
                if ends(self) {
                    break;
                }
            }
        }
        Some(self.list_from(base))
    }
}
