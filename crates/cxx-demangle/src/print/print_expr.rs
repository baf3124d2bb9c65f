//! Expressions, with the parentheses that their operators need.

use super::Printer;
use crate::node::{Node, NodeId};
use crate::words::{Op, Precedence};

impl Printer<'_> {
    /// What stands between commas.
    #[inline]
    pub(super) fn operand(&mut self, id: NodeId) {
        match self.nodes.get(id) {
            Node::Binary { op, .. } if op.get().precedence == Precedence::Comma => {
                self.bracketed("(", ")", |this| this.whole(id));
            }
            _ => self.whole(id),
        }
    }

    /// An operand of something that binds as tightly as `limit`: in parentheses if it binds
    /// less tightly, or no tighter if it is on the side to which operators do not associate.
    pub(super) fn at_most(&mut self, id: NodeId, limit: Precedence, strict: bool) {
        let precedence = self.precedence(id);
        if precedence > limit || (strict && precedence == limit) {
            self.bracketed("(", ")", |this| this.whole(id));
        } else {
            self.whole(id);
        }
    }

    fn precedence(&self, id: NodeId) -> Precedence {
        match self.nodes.get(id) {
            Node::Binary { op, .. }
            | Node::Prefix { op, .. }
            | Node::Postfix { op, .. }
            | Node::Member { op, .. }
            | Node::NamedCast { op, .. }
            | Node::Enclosed { op, .. }
            | Node::Delete { op, .. } => op.get().precedence,
            Node::New(_) => Precedence::Unary,
            Node::Conditional { .. } => Precedence::Conditional,
            Node::Index { .. } | Node::Call { .. } => Precedence::Postfix,
            Node::Cast { .. } | Node::MemberConversion { .. } => Precedence::Cast,
            _ => Precedence::Primary,
        }
    }

    pub(super) fn expression(&mut self, node: Node) {
        match node {
            Node::Binary { op, left, right } => self.binary(op, left, right, false),
            Node::Prefix { op, operand } => {
                self.put(op.get().text);
                self.at_most(operand, op.get().precedence, true);
            }
            Node::Postfix { op, operand } => {
                self.at_most(operand, Precedence::Postfix, false);
                self.put(op.get().text);
            }
            Node::Index { base, index } => {
                self.at_most(base, Precedence::Postfix, true);
                self.bracketed("[", "]", |this| this.whole(index));
            }
            Node::Member { op, base, member } => {
                self.at_most(base, op.get().precedence, false);
                self.put(op.get().text);
                self.at_most(member, op.get().precedence, true);
            }
            Node::Conditional { condition, yes, no } => {
                self.at_most(condition, Precedence::Conditional, true);
                self.put(" ? ");
                self.whole(yes);
                self.put(" : ");
                self.at_most(no, Precedence::Assignment, false);
            }
            Node::Call {
                callee,
                args,
                quoted,
            } => {
                if quoted {
                    self.bracketed("(", ")", |this| this.whole(callee));
                } else {
                    self.whole(callee);
                }
                self.bracketed("(", ")", |this| this.commas(args));
            }
            Node::Cast { ty, args } => {
                self.bracketed("(", ")", |this| this.whole(ty));
                self.bracketed("(", ")", |this| this.commas(args));
            }
            Node::NamedCast { op, ty, operand } => {
                self.put(op.get().text);
                self.angled(|this| this.left(ty));
                self.bracketed("(", ")", |this| this.whole(operand));
            }
            Node::Enclosed { op, operand } => {
                self.put(op.get().text);
                self.bracketed("(", ")", |this| this.whole(operand));
            }
            Node::PackSize(pack) => {
                self.put("sizeof...");
                self.bracketed("(", ")", |this| this.expansion(pack));
            }
            Node::ArgsSize(args) => {
                self.put("sizeof... ");
                self.bracketed("(", ")", |this| this.commas(args));
            }
            Node::New(index) => self.new_expression(index),
            Node::Delete {
                op,
                global,
                operand,
            } => {
                if global {
                    self.put("::");
                }
                self.put(op.get().text.trim_start());
                self.put(" ");
                self.whole(operand);
            }
            Node::Fold {
                op,
                left,
                pack,
                init,
            } => self.bracketed("(", ")", |this| this.fold(op, left, pack, init)),
            Node::Throw(operand) => {
                self.put("throw ");
                self.whole(operand);
            }
            Node::FunctionParam(number) => {
                self.put("fp");
                self.put_text(number);
            }
            Node::Braced { ty, items } => {
                if let Some(ty) = ty {
                    if self.char_array(ty, items) {
                        return;
                    }
                    self.whole(ty);
                }
                self.put("{");
                self.commas(items);
                self.put("}");
            }
            Node::FieldInit { field, value } => {
                self.put(".");
                self.whole(field);
                self.initializer(value);
            }
            Node::IndexInit { index, value } => {
                self.put("[");
                self.whole(index);
                self.put("]");
                self.initializer(value);
            }
            Node::RangeInit { from, to, value } => {
                self.put("[");
                self.whole(from);
                self.put(" ... ");
                self.whole(to);
                self.put("]");
                self.initializer(value);
            }
            Node::Number { digits, suffix } => {
                self.number(digits);
                self.put(suffix.text());
            }
            Node::TypedNumber { ty, digits } => {
                self.bracketed("(", ")", |this| this.whole(ty));
                self.number(digits);
            }
            Node::Float { ty, digits } => self.float(ty, digits),
            Node::StringLiteral(ty) => {
                self.put("\"<");
                self.whole(ty);
                self.put(">\"");
            }
            Node::Lambda(index) => {
                self.put("[]");
                self.closure_declarator(index);
                self.put("{...}");
            }
            Node::Subobject { ty, base, offset } => {
                self.whole(base);
                self.put(".<");
                self.whole(ty);
                self.put(" at offset ");
                self.whole(offset);
                self.put(">");
            }
            Node::MemberConversion { ty, operand } => {
                self.bracketed("(", ")", |this| this.whole(ty));
                self.bracketed("(", ")", |this| this.whole(operand));
            }
            Node::Destructor(ty) => {
                self.put("~");
                self.left(ty);
            }
            Node::Requires {
                params,
                requirements,
            } => {
                self.put("requires");
                if params.len() > 0 {
                    self.put(" ");
                    self.bracketed("(", ")", |this| this.commas(params));
                }
                self.put(" ");
                self.bracketed("{", "}", |this| {
                    this.whole(requirements);
                    this.put(" ");
                });
            }
            Node::Requirements(requirements) => {
                let nodes = self.nodes;
                for &requirement in nodes.list(requirements) {
                    self.whole(requirement);
                }
            }
            Node::NestedRequirement(expression) => {
                self.put(" requires ");
                self.whole(expression);
                self.put(";");
            }
            Node::TypeRequirement(ty) => {
                self.put(" typename ");
                self.whole(ty);
                self.put(";");
            }
            Node::ExprRequirement {
                operand,
                noexcept,
                concept,
            } => {
                self.put(" ");
                if noexcept || concept.is_some() {
                    self.bracketed("{", "}", |this| this.whole(operand));
                } else {
                    self.whole(operand);
                }
                if noexcept {
                    self.put(" noexcept");
                }
                if let Some(concept) = concept {
                    self.put(" -> ");
                    self.whole(concept);
                }
                self.put(";");
            }
            Node::Noexcept(expression) => {
                self.put("noexcept");
                self.bracketed("(", ")", |this| this.whole(expression));
            }
            Node::ThrowSpec(types) => {
                self.put("throw");
                self.bracketed("(", ")", |this| this.commas(types));
            }
            Node::EnableIf(conditions) => {
                self.put(" [enable_if:");
                self.commas(conditions);
                self.put("]");
            }
            // Names and types are printed before expressions are thought of.
            _ => {}
        }
    }

    fn binary(&mut self, op: Op, left: NodeId, right: NodeId, parenthesized: bool) {
        // In template arguments `>` would end them, but in a bracket. LLVM's tools are as careful
        // everywhere else.
        if op.ends_template_args() && !self.in_brackets && !parenthesized {
            self.bracketed("(", ")", |this| this.binary(op, left, right, true));
            return;
        }
        let precedence = op.get().precedence;
        // Assignments associate to the right, and nothing that branches is on their left.
        let assignment = precedence == Precedence::Assignment;
        if assignment {
            self.at_most(left, Precedence::LogicalOr, true);
        } else {
            self.at_most(left, precedence, false);
        }
        if op.get().text != "," {
            self.put(" ");
        }
        self.put(op.get().text);
        self.put(" ");
        self.at_most(right, precedence, !assignment);
    }

    fn new_expression(&mut self, index: u32) {
        let new = self.nodes.news[index as usize];
        if new.global {
            self.put("::");
        }
        self.put(new.op.get().text.trim_start());
        if new.placement.len() > 0 {
            self.bracketed("(", ")", |this| this.commas(new.placement));
        }
        self.put(" ");
        self.whole(new.ty);
        if new.init.len() > 0 {
            self.bracketed("(", ")", |this| this.commas(new.init));
        }
    }

    fn fold(&mut self, op: Op, left: bool, pack: NodeId, init: Option<NodeId>) {
        let put_op = |this: &mut Self| {
            this.put(" ");
            this.put(op.get().text);
            this.put(" ");
        };
        let put_pack = |this: &mut Self| {
            this.bracketed("(", ")", |this| this.expansion(pack));
        };
        if left {
            if let Some(init) = init {
                self.at_most(init, Precedence::PointerToMember, true);
                put_op(self);
            }
            self.put("...");
            put_op(self);
            put_pack(self);
        } else {
            put_pack(self);
            put_op(self);
            self.put("...");
            if let Some(init) = init {
                put_op(self);
                self.at_most(init, Precedence::PointerToMember, true);
            }
        }
    }

    /// `.a.b = 1`: between designators there is no `=`.
    fn initializer(&mut self, value: NodeId) {
        if !matches!(
            self.nodes.get(value),
            Node::FieldInit { .. } | Node::IndexInit { .. } | Node::RangeInit { .. }
        ) {
            self.put(" = ");
        }
        self.whole(value);
    }
}
