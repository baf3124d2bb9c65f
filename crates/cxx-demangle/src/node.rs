//! What a mangled name is read into: nodes that refer to earlier nodes by number.
//!
//! The parser makes them, the printer reads them. They lie in buffers that a
//! [`Demangler`](crate::Demangler) keeps from name to name, so that a name costs no allocation
//! once the buffers are as large as they need be. A substitution of the mangling is the number
//! of a node that exists already: the nodes are a graph without cycles, but for
//! [`Node::Forward`].

use std::num::NonZeroU32;

use crate::words::{Op, Word};

/// The number of a node. Only [`Nodes::add`] makes one, so each has its node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId(NonZeroU32);

/// A piece of the mangled name: offset and length in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Text {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// Consecutive entries of [`Nodes::lists`].
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct List {
    start: u32,
    len: u32,
}

impl List {
    pub(crate) fn len(self) -> usize {
        self.len as usize
    }
}

/// `const`, `volatile` and `restrict`, and what `this` refers to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Qualifiers {
    pub(crate) is_const: bool,
    pub(crate) is_volatile: bool,
    pub(crate) is_restrict: bool,
}

impl Qualifiers {
    pub(crate) fn any(self) -> bool {
        self.is_const || self.is_volatile || self.is_restrict
    }
}

/// `&` or `&&` behind the parameters of a member function.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum RefQualifier {
    #[default]
    None,
    LValue,
    RValue,
}

/// What the two letters behind `S` abbreviate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standard {
    Allocator,
    BasicString,
    String,
    IStream,
    OStream,
    IOStream,
}

/// Kinds of template parameters, each with names of its own where a mangled name has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ParamKind {
    Type,
    Value,
    Template,
}

/// One part of a name. What the ABI calls a production is named in the parser.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    // Names.
    /// An identifier as it stands in the mangled name.
    Text(Text),
    Word(Word),
    /// `std::string`; in full if a constructor's name has to be made of it.
    Standard {
        which: Standard,
        full: bool,
    },
    /// `scope::name`
    Nested {
        scope: NodeId,
        name: NodeId,
    },
    /// `::name`
    Global(NodeId),
    /// `name<args>`
    Template {
        name: NodeId,
        args: List,
    },
    /// `name[abi:tag]`
    Tagged {
        name: NodeId,
        tag: Text,
    },
    /// `name@module`
    InModule {
        name: NodeId,
        module: NodeId,
    },
    /// `parent.name`, or `parent:name` for a partition.
    Module {
        parent: Option<NodeId>,
        name: NodeId,
        partition: bool,
    },
    /// The constructor of a class, or its destructor.
    Structor {
        class: NodeId,
        destructor: bool,
    },
    /// `operator type`
    Conversion(NodeId),
    /// `operator+`
    Operator(Op),
    /// `operator"" name`
    Literal(NodeId),
    /// `[a, b]`
    Binding(List),
    /// `friend name`
    Friend(NodeId),
    /// `function::entity`
    Local {
        function: NodeId,
        entity: NodeId,
    },
    /// `'unnamed0'`
    Unnamed(Text),
    /// `'lambda0'(int)`: index in [`Nodes::closures`].
    Closure(u32),
    /// A function with its type: index in [`Nodes::functions`].
    Encoding(u32),
    /// `vtable for name` and the like.
    Special {
        what: Word,
        name: NodeId,
    },
    /// `construction vtable for class-in-complete`
    ConstructionVtable {
        class: NodeId,
        complete: NodeId,
    },
    /// `name (.suffix)`
    Suffixed {
        name: NodeId,
        suffix: Text,
    },

    // Types.
    Qualified {
        ty: NodeId,
        qualifiers: Qualifiers,
    },
    /// `type qualifier`
    Vendor {
        ty: NodeId,
        qualifier: NodeId,
    },
    /// `trait(type)`
    Trait {
        name: NodeId,
        arg: NodeId,
    },
    Pointer(NodeId),
    Reference {
        to: NodeId,
        rvalue: bool,
    },
    MemberPointer {
        class: NodeId,
        member: NodeId,
    },
    Array {
        of: NodeId,
        length: Option<NodeId>,
    },
    /// A function type: index in [`Nodes::functions`].
    Function(u32),
    Vector {
        of: NodeId,
        length: Option<NodeId>,
    },
    /// `type word`
    Behind {
        ty: NodeId,
        word: Word,
    },
    /// `word type`
    Before {
        word: Word,
        ty: NodeId,
    },
    BitInt {
        width: NodeId,
        signed: bool,
    },
    /// `_Float16`
    FloatN(Text),
    /// `id<protocol>`
    Protocol {
        ty: NodeId,
        protocol: Text,
    },
    /// `decltype(expression)`
    Decltype(NodeId),
    /// `concept auto`
    Constrained {
        concept: NodeId,
        word: Word,
    },

    // Templates.
    /// The arguments that a pack stands for. Where it is expanded the printer takes them one
    /// by one.
    Pack(List),
    /// A pack among template arguments: all of them, with commas.
    Args(List),
    /// An argument behind the declaration of its parameter, which is not shown.
    Declared(NodeId),
    /// `pattern...`
    Expansion(NodeId),
    /// A template parameter that stands before its argument: index in [`Nodes::forwards`].
    Forward(u32),
    /// A parameter of a lambda that the mangled name does not name: `$T0`.
    Invented {
        kind: ParamKind,
        index: u32,
    },
    /// `typename name`
    TypeParam(NodeId),
    /// `type name`
    ValueParam {
        name: NodeId,
        ty: NodeId,
    },
    /// `template<params> typename name`
    TemplateParam {
        name: NodeId,
        params: List,
    },
    /// `param requires expression`
    RequiresParam {
        param: NodeId,
        requires: NodeId,
    },
    /// `typename ...name`
    PackParam(NodeId),
    /// `concept name`
    ConceptParam {
        concept: NodeId,
        name: NodeId,
    },

    // Expressions.
    Binary {
        op: Op,
        left: NodeId,
        right: NodeId,
    },
    Prefix {
        op: Op,
        operand: NodeId,
    },
    Postfix {
        op: Op,
        operand: NodeId,
    },
    Index {
        base: NodeId,
        index: NodeId,
    },
    Member {
        op: Op,
        base: NodeId,
        member: NodeId,
    },
    Conditional {
        condition: NodeId,
        yes: NodeId,
        no: NodeId,
    },
    /// `callee(args)`, or `(callee)(args)`
    Call {
        callee: NodeId,
        args: List,
        quoted: bool,
    },
    /// `(type)(args)`
    Cast {
        ty: NodeId,
        args: List,
    },
    /// `static_cast<type>(operand)`
    NamedCast {
        op: Op,
        ty: NodeId,
        operand: NodeId,
    },
    /// `sizeof (operand)`
    Enclosed {
        op: Op,
        operand: NodeId,
    },
    /// `sizeof...(pack)`
    PackSize(NodeId),
    /// `sizeof... (args)`
    ArgsSize(List),
    /// Index in [`Nodes::news`].
    New(u32),
    Delete {
        op: Op,
        global: bool,
        operand: NodeId,
    },
    Fold {
        op: Op,
        /// `(... + pack)`, not `(pack + ...)`
        left: bool,
        pack: NodeId,
        init: Option<NodeId>,
    },
    Throw(NodeId),
    /// `fp0`
    FunctionParam(Text),
    /// `type{items}`
    Braced {
        ty: Option<NodeId>,
        items: List,
    },
    /// `.field = value`
    FieldInit {
        field: NodeId,
        value: NodeId,
    },
    /// `[index] = value`
    IndexInit {
        index: NodeId,
        value: NodeId,
    },
    /// `[from ... to] = value`
    RangeInit {
        from: NodeId,
        to: NodeId,
        value: NodeId,
    },
    /// `5u`: digits, and a word behind them.
    Number {
        digits: Text,
        suffix: Word,
    },
    /// `(type)5`
    TypedNumber {
        ty: NodeId,
        digits: Text,
    },
    /// A floating-point literal, as hexadecimal digits of its bytes.
    Float {
        ty: Word,
        digits: Text,
    },
    /// `"<type>"`
    StringLiteral(NodeId),
    /// `[](int){...}`: index in [`Nodes::closures`].
    Lambda(u32),
    /// `base.<type at offset 0>`
    Subobject {
        ty: NodeId,
        base: NodeId,
        offset: NodeId,
    },
    /// `(type)(operand)`
    MemberConversion {
        ty: NodeId,
        operand: NodeId,
    },
    /// `~type`
    Destructor(NodeId),
    /// `requires (params) { requirements }`
    Requires {
        params: List,
        /// [`Node::Requirements`]
        requirements: NodeId,
    },
    Requirements(List),
    /// `requires expression`, as a requirement
    NestedRequirement(NodeId),
    /// `typename type`
    TypeRequirement(NodeId),
    /// `expression`, or `{expression} noexcept -> concept`
    ExprRequirement {
        operand: NodeId,
        noexcept: bool,
        concept: Option<NodeId>,
    },
    /// `noexcept(expression)` or `throw(types)`
    Noexcept(NodeId),
    ThrowSpec(List),
    /// ` [enable_if:conditions]`
    EnableIf(List),
}

/// What a function type, or a function with its name, consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub(crate) result: Option<NodeId>,
    /// Of an encoding.
    pub(crate) name: Option<NodeId>,
    pub(crate) params: List,
    pub(crate) qualifiers: Qualifiers,
    pub(crate) reference: RefQualifier,
    /// An exception specification, or what `enable_if` says.
    pub(crate) attribute: Option<NodeId>,
    pub(crate) requires: Option<NodeId>,
    /// The first parameter is `this`.
    pub(crate) explicit_object: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Closure {
    pub(crate) template_params: List,
    pub(crate) template_requires: Option<NodeId>,
    pub(crate) params: List,
    pub(crate) requires: Option<NodeId>,
    pub(crate) number: Text,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct New {
    pub(crate) op: Op,
    pub(crate) global: bool,
    pub(crate) placement: List,
    pub(crate) ty: NodeId,
    pub(crate) init: List,
}

/// The nodes of one name.
#[derive(Default, Debug)]
pub(crate) struct Nodes {
    all: Vec<Node>,
    lists: Vec<NodeId>,
    pub(crate) functions: Vec<Function>,
    pub(crate) closures: Vec<Closure>,
    pub(crate) news: Vec<New>,
    /// The index of the parameter, and its argument once it is known.
    pub(crate) forwards: Vec<(u32, Option<NodeId>)>,
}

impl Nodes {
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.lists.clear();
        self.functions.clear();
        self.closures.clear();
        self.news.clear();
        self.forwards.clear();
    }

    #[inline]
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = NonZeroU32::MIN.saturating_add(self.all.len() as u32);
        self.all.push(node);
        NodeId(id)
    }

    #[inline]
    pub(crate) fn get(&self, id: NodeId) -> Node {
        self.all[id.0.get() as usize - 1]
    }

    /// Moves the entries of `stack` from `base` on into a list.
    #[inline]
    pub(crate) fn add_list(&mut self, stack: &mut Vec<NodeId>, base: usize) -> List {
        let start = self.lists.len();
        self.lists.extend_from_slice(&stack[base..]);
        let len = stack.len() - base;
        stack.truncate(base);
        List {
            start: start as u32,
            len: len as u32,
        }
    }

    #[inline]
    pub(crate) fn list(&self, list: List) -> &[NodeId] {
        &self.lists[list.start as usize..][..list.len as usize]
    }

    /// The entry of a list, if it has so many.
    #[inline]
    pub(crate) fn entry(&self, list: List, index: usize) -> Option<NodeId> {
        self.list(list).get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn a_node_is_small() {
        assert_eq!(size_of::<Node>(), 16);
    }
}
