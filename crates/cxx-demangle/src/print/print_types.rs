//! Types, which stand on both sides of what they are the types of.

use super::Printer;
use crate::node::{Node, NodeId, Qualifiers};

impl Printer<'_> {
    /// The left part of a node that is no name.
    pub(super) fn type_left(&mut self, node: Node) {
        match node {
            Node::Pointer(to) => {
                if let Node::Protocol { ty, protocol } = self.nodes.get(to)
                    && self.is_objc_object(ty)
                {
                    self.put("id<");
                    self.put_text(protocol);
                    self.put(">");
                    return;
                }
                self.left(to);
                self.open_declarator(to);
                self.put("*");
            }
            Node::Reference { to, rvalue } => {
                let (to, rvalue) = self.collapse(to, rvalue);
                self.left(to);
                self.open_declarator(to);
                self.put(if rvalue { "&&" } else { "&" });
            }
            Node::MemberPointer { class, member } => {
                self.left(member);
                let parenthesized = self.is_array_or_function(member);
                self.put(if parenthesized { "(" } else { " " });
                self.whole(class);
                self.put("::*");
            }
            Node::Qualified { ty, qualifiers } => {
                self.left(ty);
                self.put_qualifiers(qualifiers);
            }
            Node::Function(index) => {
                if let Some(result) = self.nodes.functions[index as usize].result {
                    self.left(result);
                }
                self.put(" ");
            }
            Node::Array { of, .. } => self.left(of),
            Node::Vendor { ty, qualifier } => {
                self.whole(ty);
                self.put(" ");
                self.whole(qualifier);
            }
            Node::Trait { name, arg } => {
                self.whole(name);
                self.put("(");
                self.whole(arg);
                self.put(")");
            }
            Node::Vector { of, length } => {
                self.whole(of);
                self.put(" vector[");
                if let Some(length) = length {
                    self.whole(length);
                }
                self.put("]");
            }
            Node::Behind { ty, word } => {
                self.left(ty);
                self.put(" ");
                self.put(word.text());
            }
            Node::Before { word, ty } => {
                self.put(word.text());
                self.put(" ");
                self.whole(ty);
            }
            Node::BitInt { width, signed } => {
                if !signed {
                    self.put("unsigned ");
                }
                self.put("_BitInt");
                self.bracketed("(", ")", |this| this.whole(width));
            }
            Node::FloatN(width) => {
                self.put("_Float");
                self.put_text(width);
            }
            Node::Protocol { ty, protocol } => {
                self.whole(ty);
                self.put("<");
                self.put_text(protocol);
                self.put(">");
            }
            Node::Decltype(expression) => {
                self.put("decltype");
                self.bracketed("(", ")", |this| this.whole(expression));
            }
            Node::Constrained { concept, word } => {
                self.whole(concept);
                self.put(" ");
                self.put(word.text());
            }
            _ => self.expression(node),
        }
    }

    /// The parenthesis between a type and the `*` or `&` of what points to it.
    fn open_declarator(&mut self, to: NodeId) {
        match self.declarator(to) {
            Declarator::Plain => {}
            Declarator::Array => self.put(" ("),
            Declarator::Function => self.put("("),
        }
    }

    #[inline]
    pub(super) fn right(&mut self, id: NodeId) {
        let node = self.nodes.get(id);
        if Self::may_have_right(node) {
            self.right_of(node);
        }
    }

    pub(super) fn right_of(&mut self, node: Node) {
        self.nested(|this| this.right_here(node));
    }

    fn right_here(&mut self, node: Node) {
        match node {
            Node::Pointer(to) => {
                if let Node::Protocol { ty, .. } = self.nodes.get(to)
                    && self.is_objc_object(ty)
                {
                    return;
                }
                self.close_declarator(to);
            }
            Node::Reference { to, rvalue } => {
                let (to, _) = self.collapse(to, rvalue);
                self.close_declarator(to);
            }
            Node::MemberPointer { member, .. } => self.close_declarator(member),
            Node::Qualified { ty, .. } => self.right(ty),
            Node::Array { of, length } => {
                if !self.out[self.start..].ends_with(']') {
                    self.put(" ");
                }
                self.put("[");
                if let Some(length) = length {
                    self.whole(length);
                }
                self.put("]");
                self.right(of);
            }
            Node::Function(index) => {
                let function = &self.nodes.functions[index as usize];
                self.bracketed("(", ")", |this| this.commas(function.params));
                if let Some(result) = function.result {
                    self.right(result);
                }
                self.put_qualifiers(function.qualifiers);
                self.reference_qualifier(function.reference);
                if let Some(attribute) = function.attribute {
                    self.put(" ");
                    self.whole(attribute);
                }
            }
            Node::Encoding(index) => self.encoding_right(index),
            Node::Pack(_) | Node::Forward(_) => self.resolved(node, Self::right),
            _ => {}
        }
    }

    fn close_declarator(&mut self, to: NodeId) {
        if self.is_array_or_function(to) {
            self.put(")");
        }
        self.right(to);
    }

    /// Whether a node can have a right part at all.
    #[inline]
    pub(super) fn may_have_right(node: Node) -> bool {
        matches!(
            node,
            Node::Pointer(_)
                | Node::Reference { .. }
                | Node::MemberPointer { .. }
                | Node::Qualified { .. }
                | Node::Array { .. }
                | Node::Function(_)
                | Node::Encoding(_)
                | Node::Pack(_)
                | Node::Forward(_)
        )
    }

    /// Whether something of a type stands behind what it is the type of.
    pub(super) fn has_right(&mut self, mut id: NodeId) -> bool {
        for _ in 0..crate::MAX_DEPTH {
            id = match self.nodes.get(id) {
                Node::Pointer(next)
                | Node::Reference { to: next, .. }
                | Node::MemberPointer { member: next, .. }
                | Node::Qualified { ty: next, .. } => next,
                Node::Array { .. } | Node::Function(_) | Node::Encoding(_) => return true,
                node @ (Node::Pack(_) | Node::Forward(_)) => match self.resolve(node) {
                    Some(next) => next,
                    None => return false,
                },
                _ => return false,
            };
        }
        self.failed = true;
        false
    }

    fn declarator(&mut self, mut id: NodeId) -> Declarator {
        for _ in 0..crate::MAX_DEPTH {
            id = match self.nodes.get(id) {
                Node::Array { .. } => return Declarator::Array,
                Node::Function(_) | Node::Encoding(_) => return Declarator::Function,
                Node::Qualified { ty, .. } => ty,
                node @ (Node::Pack(_) | Node::Forward(_)) => match self.resolve(node) {
                    Some(next) => next,
                    None => return Declarator::Plain,
                },
                _ => return Declarator::Plain,
            };
        }
        self.failed = true;
        Declarator::Plain
    }

    fn is_array_or_function(&mut self, id: NodeId) -> bool {
        self.declarator(id) != Declarator::Plain
    }

    /// What a reference refers to, be it a reference itself: `&` wins over `&&`.
    fn collapse(&mut self, mut to: NodeId, mut rvalue: bool) -> (NodeId, bool) {
        for _ in 0..crate::MAX_DEPTH {
            match self.nodes.get(to) {
                Node::Reference {
                    to: next,
                    rvalue: inner,
                } => {
                    to = next;
                    rvalue &= inner;
                }
                node @ (Node::Pack(_) | Node::Forward(_)) => match self.resolve(node) {
                    Some(next) => to = next,
                    None => return (to, rvalue),
                },
                _ => return (to, rvalue),
            }
        }
        self.failed = true;
        (to, rvalue)
    }

    fn is_objc_object(&self, ty: NodeId) -> bool {
        let Node::Text(text) = self.nodes.get(ty) else {
            return false;
        };
        let start = text.start as usize;
        self.name.get(start..start + text.len as usize) == Some("objc_object")
    }

    pub(super) fn put_qualifiers(&mut self, qualifiers: Qualifiers) {
        if !qualifiers.any() {
            return;
        }
        if qualifiers.is_const {
            self.put(" const");
        }
        if qualifiers.is_volatile {
            self.put(" volatile");
        }
        if qualifiers.is_restrict {
            self.put(" restrict");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Declarator {
    Plain,
    Array,
    Function,
}
