//! From nodes to text.
//!
//! C++ writes types around what they are the types of: `int (*name)[3]`. So types have a part
//! on the left and a part on the right ([`types`]); everything else is all on the left.
//!
//! Nodes are few, and what they stand for can be vast: a substitution may refer to a type that
//! refers twice to another, and so on. The printer counts its steps and what it writes, and
//! gives up.

mod literal;
mod print_expr;
mod print_types;

use crate::MAX_DEPTH;
use crate::node::{List, Node, NodeId, Nodes, ParamKind, RefQualifier, Standard, Text};
use crate::words::Word;

/// Appends the text of `root` to `out`. Returns false, and `out` is as before, if it were
/// longer than `limit` or nested too deep.
pub(crate) fn print(
    nodes: &Nodes,
    name: &str,
    root: NodeId,
    limit: usize,
    out: &mut String,
) -> bool {
    let start = out.len();
    let mut printer = Printer {
        nodes,
        name,
        out,
        start,
        end: start.saturating_add(limit),
        depth: 0,
        // Two steps write a byte or more in any name that is worth showing.
        steps: limit,
        failed: false,
        pack: None,
        open_forwards: 0,
        in_template: false,
        in_brackets: false,
    };
    printer.whole(root);
    if printer.failed {
        out.truncate(start);
        return false;
    }
    true
}

/// Which element of the packs is shown, in an expansion.
#[derive(Clone, Copy)]
struct PackState {
    index: usize,
    len: usize,
}

struct Printer<'a> {
    nodes: &'a Nodes,
    /// The mangled name, of which texts are parts.
    name: &'a str,
    out: &'a mut String,
    /// Where in `out` the name starts.
    start: usize,
    /// Where in `out` it must have ended.
    end: usize,
    depth: u32,
    steps: usize,
    failed: bool,
    /// Set by the first pack that is met.
    pack: Option<PackState>,
    /// The forward references that are being printed, a bit each. Their arguments come after
    /// them in the name, and only they can refer to themselves.
    open_forwards: u64,
    /// Inside template arguments.
    in_template: bool,
    /// In a bracket within template arguments.
    in_brackets: bool,
}

impl Printer<'_> {
    #[inline]
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    #[inline]
    fn put_text(&mut self, text: Text) {
        let start = text.start as usize;
        match self.name.get(start..start + text.len as usize) {
            Some(text) => self.out.push_str(text),
            // A length ends within a character.
            None => self.failed = true,
        }
    }

    /// Runs `print` one level deeper, unless that is too deep, or too much was done already.
    #[inline]
    fn nested(&mut self, print: impl FnOnce(&mut Self)) {
        if self.depth == MAX_DEPTH || self.steps == 0 || self.out.len() > self.end {
            self.failed = true;
        }
        if self.failed {
            return;
        }
        self.steps -= 1;
        self.depth += 1;
        print(self);
        self.depth -= 1;
    }

    /// All of a node.
    #[inline]
    fn whole(&mut self, id: NodeId) {
        match self.nodes.get(id) {
            Node::Text(text) => self.leaf(text),
            node => self.whole_of(node),
        }
    }

    /// An identifier, which half of all nodes are.
    #[inline(never)]
    fn leaf(&mut self, text: Text) {
        self.put_text(text);
    }

    #[inline(never)]
    fn whole_of(&mut self, node: Node) {
        match node {
            Node::Word(word) => self.put(word.text()),
            Node::Nested { scope, name } => self.nested(|this| {
                this.whole(scope);
                this.put("::");
                this.whole(name);
            }),
            Node::Template { name, args } => self.nested(|this| {
                this.whole(name);
                this.template_args(args);
            }),
            _ => {
                self.left_of(node);
                if Self::may_have_right(node) {
                    self.right_of(node);
                }
            }
        }
    }

    #[inline]
    fn left(&mut self, id: NodeId) {
        self.left_of(self.nodes.get(id));
    }

    fn left_of(&mut self, node: Node) {
        self.nested(|this| this.left_here(node));
    }

    fn left_here(&mut self, node: Node) {
        match node {
            Node::Text(text) => self.put_text(text),
            Node::Word(word) => self.put(word.text()),
            Node::Nested { scope, name } => {
                self.whole(scope);
                self.put("::");
                self.whole(name);
            }
            Node::Template { name, args } => {
                self.whole(name);
                self.template_args(args);
            }
            Node::Standard { which, full } => self.put(if full {
                standard_in_full(which)
            } else {
                standard(which)
            }),
            Node::Encoding(index) => self.encoding_left(index),
            Node::Structor { class, destructor } => {
                if destructor {
                    self.put("~");
                }
                self.base_name(class);
            }
            Node::Local { function, entity } => {
                self.whole(function);
                self.put("::");
                self.whole(entity);
            }
            Node::Tagged { name, tag } => {
                self.whole(name);
                self.put("[abi:");
                self.put_text(tag);
                self.put("]");
            }
            Node::Special { what, name } => {
                self.put(what.text());
                self.whole(name);
            }
            Node::Operator(op) => {
                self.put("operator");
                self.put(op.get().text);
            }
            Node::Conversion(ty) => {
                self.put("operator ");
                self.whole(ty);
            }
            Node::Literal(name) => {
                self.put("operator\"\" ");
                self.whole(name);
            }
            Node::Closure(index) => self.closure(index),
            Node::Unnamed(number) => {
                self.put("'unnamed");
                self.put_text(number);
                self.put("'");
            }
            Node::Global(name) => {
                self.put("::");
                self.whole(name);
            }
            Node::InModule { name, module } => {
                self.whole(name);
                self.put("@");
                self.whole(module);
            }
            Node::Module {
                parent,
                name,
                partition,
            } => {
                if let Some(parent) = parent {
                    self.whole(parent);
                }
                if partition {
                    self.put(":");
                } else if parent.is_some() {
                    self.put(".");
                }
                self.whole(name);
            }
            Node::Binding(names) => {
                self.put("[");
                self.commas(names);
                self.put("]");
            }
            Node::Friend(name) => {
                self.put("friend ");
                self.whole(name);
            }
            Node::ConstructionVtable { class, complete } => {
                self.put("construction vtable for ");
                self.whole(class);
                self.put("-in-");
                self.whole(complete);
            }
            Node::Suffixed { name, suffix } => {
                self.whole(name);
                self.put(" (");
                self.put_text(suffix);
                self.put(")");
            }
            Node::Args(args) => self.commas(args),
            Node::Declared(arg) => self.whole(arg),
            Node::Expansion(pattern) => self.expansion(pattern),
            Node::Pack(_) | Node::Forward(_) => self.resolved(node, Self::left),
            Node::Invented { kind, index } => {
                self.put(match kind {
                    ParamKind::Type => "$T",
                    ParamKind::Value => "$N",
                    ParamKind::Template => "$TT",
                });
                if let Some(number) = index.checked_sub(1) {
                    self.put(&number.to_string());
                }
            }
            Node::TypeParam(_)
            | Node::ValueParam { .. }
            | Node::TemplateParam { .. }
            | Node::ConceptParam { .. }
            | Node::RequiresParam { .. } => {
                self.param_type(node);
                self.param_name(node);
            }
            Node::PackParam(param) => {
                let param = self.nodes.get(param);
                self.param_type(param);
                self.put("...");
                self.param_name(param);
            }
            _ => self.type_left(node),
        }
    }

    /// The name of a class as its constructor repeats it.
    fn base_name(&mut self, id: NodeId) {
        self.nested(|this| match this.nodes.get(id) {
            Node::Nested { name, .. }
            | Node::Template { name, .. }
            | Node::Tagged { name, .. }
            | Node::InModule { name, .. }
            | Node::Friend(name) => this.base_name(name),
            Node::Local { entity, .. } => this.base_name(entity),
            Node::Standard { which, full } => {
                let name = if full {
                    standard_in_full(which)
                } else {
                    standard(which)
                };
                let name = name.split('<').next().unwrap_or_default();
                this.put(name.trim_start_matches("std::"));
            }
            Node::Text(text) => this.put_text(text),
            Node::Word(Word::True | Word::False) => {}
            node @ (Node::Word(_) | Node::Operator(_)) => {
                this.left_here(node);
            }
            _ => {}
        });
    }

    /// A function, up to its name.
    fn encoding_left(&mut self, index: u32) {
        let function = &self.nodes.functions[index as usize];
        if let Some(result) = function.result {
            self.left(result);
            if !self.has_right(result) {
                self.put(" ");
            }
        }
        if let Some(name) = function.name {
            self.whole(name);
        }
    }

    /// A function from its parameters on.
    fn encoding_right(&mut self, index: u32) {
        let function = &self.nodes.functions[index as usize];
        self.bracketed("(", ")", |this| {
            if function.explicit_object && function.params.len() > 0 {
                this.put("this ");
            }
            this.commas(function.params);
        });
        if let Some(result) = function.result {
            self.right(result);
        }
        self.put_qualifiers(function.qualifiers);
        self.reference_qualifier(function.reference);
        if let Some(attribute) = function.attribute {
            self.whole(attribute);
        }
        if let Some(requires) = function.requires {
            self.put(" requires ");
            self.whole(requires);
        }
    }

    fn reference_qualifier(&mut self, reference: RefQualifier) {
        match reference {
            RefQualifier::None => {}
            RefQualifier::LValue => self.put(" &"),
            RefQualifier::RValue => self.put(" &&"),
        }
    }

    fn closure(&mut self, index: u32) {
        let closure = &self.nodes.closures[index as usize];
        self.put("'lambda");
        self.put_text(closure.number);
        self.put("'");
        self.closure_declarator(index);
    }

    /// The template parameters and parameters of a lambda.
    fn closure_declarator(&mut self, index: u32) {
        let closure = &self.nodes.closures[index as usize];
        if closure.template_params.len() > 0 {
            self.template_args(closure.template_params);
        }
        if let Some(requires) = closure.template_requires {
            self.put(" requires ");
            self.whole(requires);
            self.put(" ");
        }
        self.bracketed("(", ")", |this| this.commas(closure.params));
        if let Some(requires) = closure.requires {
            self.put(" requires ");
            self.whole(requires);
        }
    }

    fn template_args(&mut self, args: List) {
        self.angled(|this| this.commas(args));
    }

    /// What `print` does between `<` and `>`.
    fn angled(&mut self, print: impl FnOnce(&mut Self)) {
        let outermost = !self.in_template;
        self.in_template = true;
        self.put("<");
        print(self);
        self.put(">");
        if outermost {
            self.in_template = false;
            self.in_brackets = false;
        }
    }

    /// What `print` does between brackets.
    fn bracketed(&mut self, open: &str, close: &str, print: impl FnOnce(&mut Self)) {
        let outer = self.in_brackets;
        self.in_brackets = self.in_template;
        self.put(open);
        print(self);
        self.put(close);
        self.in_brackets = outer;
    }

    /// The declaration of a template parameter, but for its name.
    fn param_type(&mut self, node: Node) {
        match node {
            Node::TypeParam(_) => self.put("typename "),
            Node::ValueParam { ty, .. } => {
                self.left(ty);
                if !self.has_right(ty) {
                    self.put(" ");
                }
            }
            Node::TemplateParam { params, .. } => {
                self.put("template");
                self.template_args(params);
                self.put(" typename ");
            }
            Node::ConceptParam { concept, .. } => {
                self.whole(concept);
                self.put(" ");
            }
            Node::RequiresParam { param, .. } => {
                self.nested(|this| this.param_type(this.nodes.get(param)));
            }
            Node::PackParam(param) => {
                self.nested(|this| this.param_type(this.nodes.get(param)));
                self.put("...");
            }
            _ => {}
        }
    }

    fn param_name(&mut self, node: Node) {
        match node {
            Node::TypeParam(name)
            | Node::TemplateParam { name, .. }
            | Node::ConceptParam { name, .. } => self.whole(name),
            Node::ValueParam { name, ty } => {
                self.whole(name);
                self.right(ty);
            }
            Node::RequiresParam { param, requires } => {
                self.nested(|this| this.param_name(this.nodes.get(param)));
                self.put(" requires ");
                self.whole(requires);
            }
            Node::PackParam(param) => {
                self.nested(|this| this.param_name(this.nodes.get(param)));
            }
            _ => {}
        }
    }

    /// The entries of a list with commas between those that are not empty.
    fn commas(&mut self, list: List) {
        let mut first = true;
        for index in 0..list.len() {
            let Some(entry) = self.nodes.entry(list, index) else {
                return;
            };
            let before = self.out.len();
            if !first {
                self.put(", ");
            }
            let start = self.out.len();
            self.operand(entry);
            if self.failed {
                return;
            }
            if self.out.len() == start {
                self.out.truncate(before);
            } else {
                first = false;
            }
        }
    }

    /// The pattern once for each element of the packs in it; with `...` if there are none.
    fn expansion(&mut self, pattern: NodeId) {
        let outer = self.pack.take();
        let start = self.out.len();
        self.whole(pattern);
        match self.pack {
            None => self.put("..."),
            Some(PackState { len: 0, .. }) => self.out.truncate(start),
            Some(PackState { len, .. }) => {
                for index in 1..len {
                    if self.failed {
                        break;
                    }
                    self.put(", ");
                    self.pack = Some(PackState { index, len });
                    self.whole(pattern);
                }
            }
        }
        self.pack = outer;
    }

    /// Prints what a template parameter stands for here.
    fn resolved(&mut self, node: Node, print: impl FnOnce(&mut Self, NodeId)) {
        let Some(target) = self.resolve(node) else {
            return;
        };
        let outer = self.open_forwards;
        if let Node::Forward(number) = node {
            self.open_forwards |= 1 << number;
        }
        print(self, target);
        self.open_forwards = outer;
    }

    /// What a template parameter stands for here.
    fn resolve(&mut self, node: Node) -> Option<NodeId> {
        match node {
            Node::Pack(list) => {
                let pack = *self.pack.get_or_insert(PackState {
                    index: 0,
                    len: list.len(),
                });
                self.nodes.entry(list, pack.index)
            }
            Node::Forward(number) => {
                if number >= u64::BITS {
                    self.failed = true;
                } else if self.open_forwards >> number & 1 == 0 {
                    return self.nodes.forwards[number as usize].1;
                }
                None
            }
            _ => None,
        }
    }
}

fn standard(which: Standard) -> &'static str {
    match which {
        Standard::Allocator => "std::allocator",
        Standard::BasicString => "std::basic_string",
        Standard::String => "std::string",
        Standard::IStream => "std::istream",
        Standard::OStream => "std::ostream",
        Standard::IOStream => "std::iostream",
    }
}

/// The template that the standard's name abbreviates, with its arguments.
fn standard_in_full(which: Standard) -> &'static str {
    match which {
        Standard::Allocator => "std::allocator",
        Standard::BasicString => "std::basic_string",
        Standard::String => "std::basic_string<char, std::char_traits<char>, std::allocator<char>>",
        Standard::IStream => "std::basic_istream<char, std::char_traits<char>>",
        Standard::OStream => "std::basic_ostream<char, std::char_traits<char>>",
        Standard::IOStream => "std::basic_iostream<char, std::char_traits<char>>",
    }
}
