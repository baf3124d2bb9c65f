//! `<name>` and what it is made of.

use super::Parser;
use crate::node::{Closure, Node, NodeId, Qualifiers, RefQualifier, Standard, Text};
use crate::words::{Op, Word};

/// What the name of a function says about its type.
#[derive(Default, Debug)]
pub(super) struct Named {
    /// It ends with template arguments: the type of its result is mangled too.
    pub(super) template: bool,
    /// A constructor, destructor or conversion operator: it never is.
    pub(super) no_result: bool,
    pub(super) qualifiers: Qualifiers,
    pub(super) reference: RefQualifier,
    pub(super) explicit_object: bool,
}

impl Parser<'_> {
    /// ```text
    /// <name> ::= <nested-name> | <local-name>
    ///        ::= <unscoped-name> | <unscoped-template-name> <template-args>
    /// ```
    ///
    /// The name of an encoding fills `named`, and its template arguments are those that the
    /// rest of the encoding refers to.
    pub(super) fn name(&mut self, mut named: Option<&mut Named>) -> Option<NodeId> {
        match self.peek()? {
            b'N' => return self.nested_name(named),
            b'Z' => return self.local_name(named),
            _ => {}
        }
        let in_std = self.eat_all(b"St");
        let mut module = None;
        let mut template = None;
        if self.peek() == Some(b'S') {
            let substitution = self.substitution()?;
            if let Node::Module { .. } = self.nodes.get(substitution) {
                module = Some(substitution);
            } else if in_std || self.peek() != Some(b'I') {
                return None;
            } else {
                template = Some(substitution);
            }
        }
        let mut name = if let Some(template) = template {
            template
        } else {
            let scope = in_std.then(|| self.add(Node::Word(Word::Std)));
            self.unqualified(named.as_deref_mut(), scope, module)?
        };
        if self.peek() == Some(b'I') {
            if template.is_none() {
                self.substitutable(name);
            }
            let args = self.template_args(named.is_some())?;
            if let Some(named) = named {
                named.template = true;
            }
            name = self.add(Node::Template { name, args });
        }
        Some(name)
    }

    /// ```text
    /// <nested-name> ::= N [<CV-qualifiers>] [<ref-qualifier>] <prefix> <unqualified-name> E
    ///               ::= N H <prefix> <unqualified-name> E
    /// ```
    fn nested_name(&mut self, mut named: Option<&mut Named>) -> Option<NodeId> {
        self.expect(b'N')?;
        let explicit_object = self.eat(b'H');
        let mut qualifiers = Qualifiers::default();
        let mut reference = RefQualifier::None;
        if !explicit_object {
            qualifiers = self.qualifiers();
            if self.eat(b'R') {
                reference = RefQualifier::LValue;
            } else if self.eat(b'O') {
                reference = RefQualifier::RValue;
            }
        }

        if let Some(named) = named.as_deref_mut() {
            named.qualifiers = qualifiers;
            named.reference = reference;
            named.explicit_object = explicit_object;
        }

        let mut so_far: Option<NodeId> = None;
        let mut module = None;
        let mut template = false;
        while !self.eat(b'E') {
            let next = match self.peek()? {
                b'S' => {
                    let prefix = if self.peek_second() == Some(b't') {
                        self.pos += 2;
                        self.add(Node::Word(Word::Std))
                    } else {
                        self.substitution()?
                    };
                    if let Node::Module { .. } = self.nodes.get(prefix) {
                        module = Some(prefix);
                    } else if so_far.is_none() {
                        so_far = Some(prefix);
                    } else {
                        return None;
                    }
                    continue;
                }
                b'I' => {
                    let name = so_far?;
                    if let Node::Template { .. } = self.nodes.get(name) {
                        return None;
                    }
                    let args = self.template_args(named.is_some())?;
                    template = true;
                    self.add(Node::Template { name, args })
                }
                b'1'..=b'9' if module.is_none() => {
                    // Most parts of names are this, and no more.
                    template = false;
                    let name = self.source_name()?;
                    let name = self.abi_tags(name)?;
                    match so_far {
                        Some(scope) => self.add(Node::Nested { scope, name }),
                        None => name,
                    }
                }
                byte => {
                    template = false;
                    let is_decltype =
                        byte == b'D' && matches!(self.peek_second(), Some(b't' | b'T'));
                    if is_decltype || byte == b'T' {
                        if so_far.is_some() {
                            return None;
                        }
                        if is_decltype {
                            self.decltype()?
                        } else {
                            self.template_param()?
                        }
                    } else {
                        let named = named.as_deref_mut();
                        self.unqualified(named, so_far, module.take())?
                    }
                }
            };
            so_far = Some(next);
            self.substitutable(next);
            // Behind the data member whose initializer a lambda is in.
            self.eat(b'M');
        }
        // The whole name is a candidate only where it is a type.
        self.scratch.subs.pop()?;
        if let Some(named) = named {
            named.template = template;
        }
        so_far
    }

    /// ```text
    /// <local-name> ::= Z <encoding> E <entity name> [<discriminator>]
    ///              ::= Z <encoding> E s [<discriminator>]
    ///              ::= Z <encoding> E d [<number>] _ <entity name>
    /// ```
    fn local_name(&mut self, named: Option<&mut Named>) -> Option<NodeId> {
        self.expect(b'Z')?;
        // Neither sees the other's template arguments nor those of what is around it, nor does
        // anything after it see theirs.
        let saved = self.hide_levels();
        let function = self.encoding()?;
        self.expect(b'E')?;
        let entity = if self.eat(b's') {
            self.discriminator();
            self.add(Node::Word(Word::StringLiteral))
        } else if self.eat(b'd') {
            let _ = self.number();
            self.expect(b'_')?;
            self.nested(|this| this.name(named))?
        } else {
            let entity = self.nested(|this| this.name(named))?;
            self.discriminator();
            entity
        };
        self.restore_levels(saved);
        Some(self.add(Node::Local { function, entity }))
    }

    /// ```text
    /// <discriminator> ::= _ <digit> | __ <number> _
    /// ```
    ///
    /// Old compilers wrote bare digits at the end. What is none of these is left.
    fn discriminator(&mut self) {
        let start = self.pos;
        let complete = if self.eat(b'_') {
            if self.eat(b'_') {
                self.digits().len > 0 && self.eat(b'_')
            } else {
                let digit = Self::is_digit(self.peek());
                self.pos += usize::from(digit);
                digit
            }
        } else {
            self.digits();
            self.at_end()
        };
        if !complete {
            self.pos = start;
        }
    }

    /// ```text
    /// <unqualified-name> ::= [<module-name>] [F] [L] <operator-name> [<abi-tags>]
    ///                    ::= [<module-name>] <ctor-dtor-name> [<abi-tags>]
    ///                    ::= [<module-name>] [F] [L] <source-name> [<abi-tags>]
    ///                    ::= [<module-name>] [L] <unnamed-type-name> [<abi-tags>]
    ///                    ::= [<module-name>] [L] DC <source-name>+ E
    /// ```
    ///
    /// Returns it with its scope. Without one it is no constructor, nor a friend.
    fn unqualified(
        &mut self,
        named: Option<&mut Named>,
        mut scope: Option<NodeId>,
        mut module: Option<NodeId>,
    ) -> Option<NodeId> {
        self.module_name(&mut module)?;
        let friend = scope.is_some() && self.eat(b'F');
        self.eat(b'L');
        let mut name = match self.peek()? {
            b'1'..=b'9' => self.source_name()?,
            b'U' => {
                if named.is_some() {
                    // The template parameters of a lambda are its own.
                    self.clear_levels();
                }
                self.unnamed()?
            }
            b'D' if self.peek_second() == Some(b'C') => self.binding()?,
            b'C' | b'D' if module.is_none() => {
                let class = self.spelled_out(scope?);
                scope = Some(class);
                self.structor(named, class)?
            }
            _ => self.operator(named)?,
        };
        if let Some(module) = module {
            name = self.add(Node::InModule { name, module });
        }
        name = self.abi_tags(name)?;
        if friend {
            name = self.add(Node::Friend(name));
        }
        Some(match scope {
            Some(scope) => self.add(Node::Nested { scope, name }),
            None => name,
        })
    }

    /// ```text
    /// <module-name> ::= <module-subname> | <module-name> <module-subname> | <substitution>
    /// <module-subname> ::= W <source-name> | W P <source-name>
    /// ```
    ///
    /// Replaces `module` by the module within it that follows, if one does.
    pub(super) fn module_name(&mut self, module: &mut Option<NodeId>) -> Option<()> {
        while self.eat(b'W') {
            let partition = self.eat(b'P');
            let name = self.source_name()?;
            let node = self.add(Node::Module {
                parent: *module,
                name,
                partition,
            });
            self.substitutable(node);
            *module = Some(node);
        }
        Some(())
    }

    /// The text of a `<source-name>`.
    pub(super) fn identifier(&mut self) -> Option<Text> {
        let len = self.length()?;
        let start = self.pos;
        let end = start.checked_add(len)?;
        if len == 0 || end > self.input.len() {
            return None;
        }
        self.pos = end;
        Some(self.text_from(start))
    }

    /// ```text
    /// <source-name> ::= <positive length number> <identifier>
    /// ```
    pub(super) fn source_name(&mut self) -> Option<NodeId> {
        let text = self.identifier()?;
        let bytes = &self.input[text.start as usize..self.pos];
        if bytes[0] == b'_' && bytes.starts_with(b"_GLOBAL__N") {
            return Some(self.add(Node::Word(Word::AnonymousNamespace)));
        }
        Some(self.add(Node::Text(text)))
    }

    /// ```text
    /// <abi-tags> ::= <abi-tag> [<abi-tags>]
    /// <abi-tag>  ::= B <source-name>
    /// ```
    #[inline]
    fn abi_tags(&mut self, mut name: NodeId) -> Option<NodeId> {
        while self.eat(b'B') {
            let tag = self.identifier()?;
            name = self.add(Node::Tagged { name, tag });
        }
        Some(name)
    }

    /// ```text
    /// DC <source-name>+ E
    /// ```
    fn binding(&mut self) -> Option<NodeId> {
        self.pos += 2;
        let names = self.until(b'E', Self::source_name)?;
        (names.len() > 0).then(|| self.add(Node::Binding(names)))
    }

    /// The class whose constructor is named. What `Ss` stands for has its full name then.
    fn spelled_out(&mut self, class: NodeId) -> NodeId {
        match self.nodes.get(class) {
            Node::Standard { which, full: false } => self.add(Node::Standard { which, full: true }),
            _ => class,
        }
    }

    /// ```text
    /// <ctor-dtor-name> ::= C1 | C2 | C3 | CI1 <type> | CI2 <type> | D0 | D1 | D2
    /// ```
    ///
    /// and what GCC and clang have beside these: `C4`, `C5`, `D4`, `D5`.
    fn structor(&mut self, mut named: Option<&mut Named>, class: NodeId) -> Option<NodeId> {
        let destructor = self.bump()? == b'D';
        let inherited = !destructor && self.eat(b'I');
        match self.bump()? {
            b'1' | b'2' | b'4' | b'5' => {}
            b'3' if !destructor => {}
            b'0' if destructor => {}
            _ => return None,
        }
        if inherited {
            let named = named.as_deref_mut();
            self.nested(|this| this.name(named))?;
        }
        if let Some(named) = named {
            named.no_result = true;
        }
        Some(self.add(Node::Structor { class, destructor }))
    }

    /// ```text
    /// <operator-name> ::= cv <type> | li <source-name> | v <digit> <source-name> | …
    /// ```
    fn operator(&mut self, named: Option<&mut Named>) -> Option<NodeId> {
        let first = self.bump()?;
        let second = self.bump()?;
        match (first, second) {
            (b'c', b'v') => {
                let forward = self.forward || named.is_some();
                if let Some(named) = named {
                    named.no_result = true;
                }
                let outer = std::mem::replace(&mut self.forward, forward);
                let ty = self.conversion_type();
                self.forward = outer;
                Some(self.add(Node::Conversion(ty?)))
            }
            (b'l', b'i') => {
                let name = self.source_name()?;
                Some(self.add(Node::Literal(name)))
            }
            (b'v', b'0'..=b'9') => {
                let name = self.source_name()?;
                Some(self.add(Node::Conversion(name)))
            }
            _ => {
                let op = Op::of(first, second).filter(|op| op.get().nameable)?;
                Some(self.add(Node::Operator(op)))
            }
        }
    }

    /// The name of an operator behind `on` in an expression.
    pub(super) fn operator_name(&mut self) -> Option<NodeId> {
        self.operator(None)
    }

    /// ```text
    /// <unnamed-type-name> ::= Ut [<number>] _
    ///                     ::= Ul <template-param-decl>* [Q <constraint>] <type>+ [Q <constraint>] E [<number>] _
    /// ```
    ///
    /// and `Ub`, clang's blocks.
    fn unnamed(&mut self) -> Option<NodeId> {
        self.expect(b'U')?;
        match self.bump()? {
            b't' => {
                let number = self.digits();
                self.expect(b'_')?;
                Some(self.add(Node::Unnamed(number)))
            }
            b'l' => {
                let mut closure = self.nested(Self::lambda)?;
                closure.number = self.digits();
                self.expect(b'_')?;
                self.nodes.closures.push(closure);
                let index = self.nodes.closures.len() as u32 - 1;
                Some(self.add(Node::Closure(index)))
            }
            b'b' => {
                self.digits();
                self.expect(b'_')?;
                Some(self.add(Node::Word(Word::BlockLiteral)))
            }
            _ => None,
        }
    }

    /// A lambda from its template parameters to the `E` behind its parameters.
    pub(super) fn lambda(&mut self) -> Option<Closure> {
        let saved = self.saved();
        let level = self.visible();
        let outer = self.lambda_level.replace(level);
        let closure = self.lambda_in_level();
        self.lambda_level = outer;
        self.restore_levels(saved);
        closure
    }

    fn lambda_in_level(&mut self) -> Option<Closure> {
        let base = self.stack_len();
        if self.at_param_decl() {
            self.push_level();
            while self.at_param_decl() {
                let declaration = self.param_decl(true)?;
                self.push(declaration);
            }
        }
        let template_params = self.list_from(base);
        let template_requires = if self.eat(b'Q') {
            Some(self.constraint()?)
        } else {
            None
        };
        let params = self.params(|this| matches!(this.peek(), None | Some(b'E' | b'Q')))?;
        let requires = if self.eat(b'Q') {
            Some(self.constraint()?)
        } else {
            None
        };
        self.expect(b'E')?;
        Some(Closure {
            template_params,
            template_requires,
            params,
            requires,
            number: Text::default(),
        })
    }

    /// The expression behind `Q`.
    pub(super) fn constraint(&mut self) -> Option<NodeId> {
        let outer = std::mem::replace(&mut self.constraint, true);
        let expression = self.expr();
        self.constraint = outer;
        expression
    }

    /// ```text
    /// <substitution> ::= S <seq-id> _ | S_ | Sa | Sb | Ss | Si | So | Sd
    /// ```
    ///
    /// `St` is none by itself: it is read where names are.
    pub(super) fn substitution(&mut self) -> Option<NodeId> {
        self.expect(b'S')?;
        let which = match self.peek()? {
            b'a' => Standard::Allocator,
            b'b' => Standard::BasicString,
            b's' => Standard::String,
            b'i' => Standard::IStream,
            b'o' => Standard::OStream,
            b'd' => Standard::IOStream,
            _ => {
                let index = self.sequence()?;
                return self.scratch.subs.get(index).copied();
            }
        };
        self.pos += 1;
        let node = self.add(Node::Standard { which, full: false });
        let tagged = self.abi_tags(node)?;
        if tagged != node {
            // With tags of its own it is another name, and can be referred to.
            self.substitutable(tagged);
        }
        Some(tagged)
    }
}
