//! Names as C++ has them: mangled (Itanium C++ ABI, "Mangling"), and as the source has them.

use super::plan::Signature;
use super::random::Random;

const NAMESPACES: [&str; 8] = [
    "container",
    "detail",
    "iterators",
    "memory",
    "ranges",
    "text",
    "numeric",
    "async",
];
const CLASSES: [&str; 16] = [
    "HashTable",
    "Vector",
    "TreeNode",
    "Cursor",
    "Allocator",
    "Optional",
    "Variant",
    "Span",
    "StringView",
    "UniquePtr",
    "SharedState",
    "Function",
    "Tuple",
    "RingBuffer",
    "BitSet",
    "CompressedPair",
];
const METHODS: [&str; 35] = [
    "emplace_unique",
    "begin_internal",
    "reallocate_and_grow",
    "size",
    "destroy_range",
    "construct_at_end",
    "do_clone",
    "do_hash",
    "do_compare",
    "do_visit",
    "insert_or_assign",
    "lower_bound",
    "upper_bound",
    "swap_contents",
    "shrink_to_fit",
    "equal_range",
    "extract_node",
    "capacity",
    "max_size",
    "get_allocator",
    "assign_from_range",
    "release_ownership",
    "rehash",
    "bucket_count",
    "try_emplace",
    "construct_node_with_hash",
    "copy_assign_alloc",
    "move_assign_alloc",
    "unwrap_range",
    "annotate_new",
    "split_buffer_to_end",
    "key_eq",
    "load_factor",
    "throw_length_error",
    "relocate_if_trivial",
];
const MODULES: [&str; 10] = [
    "render",
    "network",
    "storage",
    "parser",
    "scheduler",
    "geometry",
    "audio",
    "physics",
    "scripting",
    "protocol",
];
const VERBS: [&str; 16] = [
    "process",
    "update",
    "handle",
    "validate",
    "serialize",
    "dispatch",
    "compute",
    "initialize",
    "finalize",
    "lookup",
    "transform",
    "collect",
    "register",
    "resolve",
    "normalize",
    "schedule",
];
const NOUNS: [&str; 16] = [
    "Request",
    "Response",
    "Session",
    "Texture",
    "Packet",
    "Document",
    "Transaction",
    "Element",
    "Snapshot",
    "Operation",
    "Context",
    "Resource",
    "Callback",
    "Index",
    "Message",
    "Segment",
];

/// A word as it stands in a mangled name: with its length before it.
fn sized(word: &str) -> String {
    format!("{}{word}", word.len())
}

/// The reference to what was the `index`th component of the name before, from 0.
fn substitution(index: u32) -> String {
    match index.checked_sub(1) {
        None => "S_".to_owned(),
        Some(number @ 0..10) => format!("S{number}_"),
        Some(number) => {
            let letter = char::from(b'A' + (number as u8 - 10) % 26);
            format!("S{letter}_")
        }
    }
}

/// A type that is an argument of a template or a parameter.
struct Type {
    mangled: String,
    source: String,
    /// How many components of it a substitution can refer to.
    components: u32,
}

/// A type below the namespace `core`, which is the first component of the name it is part of.
fn argument(random: &mut Random) -> Type {
    let (code, word) = [
        ("i", "int"),
        ("j", "unsigned int"),
        ("c", "char"),
        ("d", "double"),
        ("x", "long long"),
        ("b", "bool"),
    ][random.below(6) as usize];
    let noun = random.pick(&NOUNS);
    let (mangled, source, components) = match random.below(5) {
        0 => (code.to_owned(), word.to_owned(), 0),
        1 => (format!("NS_{}E", sized(noun)), format!("core::{noun}"), 1),
        2 => (
            format!("NS_6vectorI{code}EE"),
            format!("core::vector<{word}>"),
            2,
        ),
        3 => (
            format!("NS_3mapI{code}NS_6stringEEE"),
            format!("core::map<{word}, core::string>"),
            3,
        ),
        _ => (
            format!("NS_6vectorINS_4pairI{code}NS_{}EEEEE", sized(noun)),
            format!("core::vector<core::pair<{word}, core::{noun}> >"),
            5,
        ),
    };
    Type {
        mangled,
        source,
        components,
    }
}

/// The class of a family.
pub(super) struct Class {
    /// The namespace in `core`.
    pub(super) namespace: &'static str,
    /// The name without the namespaces, as debug info has it.
    pub(super) source: String,
    /// The template's arguments, as debug info has them.
    pub(super) arguments: Vec<String>,
    /// The name inside `N…E`.
    nested: String,
    /// The substitution that stands for the class in its methods' parameters.
    substitution: String,
}

impl Class {
    pub(super) fn of_family(family: u32) -> Self {
        let mut random = Random::of(&[4, family.into()]);
        let namespace = random.pick(&NAMESPACES);
        let template = format!("{}{family}", random.pick(&CLASSES));
        let arguments: Vec<Type> = (0..2 + random.below(2))
            .map(|_| argument(&mut random))
            .collect();
        // `core`, the namespace in it and the template come first.
        let before = 3 + arguments.iter().map(|ty| ty.components).sum::<u32>();
        let mut nested = format!("4core{}{}I", sized(namespace), sized(&template));
        for ty in &arguments {
            nested += &ty.mangled;
        }
        nested.push('E');
        let arguments: Vec<String> = arguments.into_iter().map(|ty| ty.source).collect();
        Self {
            namespace,
            source: format!("{template}<{}>", arguments.join(", ")),
            arguments,
            nested,
            substitution: substitution(before),
        }
    }

    /// The name of a method, without its class.
    pub(super) fn method_source(method: u32) -> &'static str {
        METHODS[method as usize % METHODS.len()]
    }

    /// The name of a method.
    pub(super) fn method(&self, method: u32, signature: Signature) -> String {
        let class = &self.substitution;
        let parameters = match signature {
            Signature::Nothing | Signature::Pointer | Signature::Getter => "v".to_owned(),
            Signature::Binary => format!("RK{class}"),
            Signature::Triple => format!("P{class}m"),
            Signature::Long => "x".to_owned(),
            Signature::Setter => format!("O{class}"),
        };
        let name = sized(Self::method_source(method));
        format!("_ZN{}{name}E{parameters}", self.nested)
    }

    /// The name of its table of virtual functions.
    pub(super) fn vtable(&self) -> String {
        format!("_ZTVN{}E", self.nested)
    }
}

/// The namespace in `app` that a unit is in.
pub(super) fn module(unit: u32) -> &'static str {
    MODULES[unit as usize % MODULES.len()]
}

/// The name of the class that a unit is.
pub(super) fn unit_class(unit: u32) -> String {
    let mut random = Random::of(&[5, unit.into()]);
    format!("{}Manager{unit}", random.pick(&NOUNS))
}

/// The name of a unit's own function, without its class.
pub(super) fn own_source(unit: u32, own: u32) -> String {
    if own == 0 {
        return "run".to_owned();
    }
    let mut random = Random::of(&[6, unit.into(), own.into()]);
    format!("{}{}{own}", random.pick(&VERBS), random.pick(&NOUNS))
}

/// The name of a unit's own function.
pub(super) fn own(unit: u32, own: u32, signature: Signature) -> String {
    let mut random = Random::of(&[7, unit.into(), own.into()]);
    let mut noun = || sized(random.pick(&NOUNS));
    // `S0_` is the namespace in `app`.
    let parameters = match signature {
        Signature::Nothing | Signature::Pointer | Signature::Getter => "v".to_owned(),
        Signature::Binary => format!("RKNS0_{}E", noun()),
        Signature::Triple => format!("RNS0_{}EPKNS0_{}E", noun(), noun()),
        Signature::Long => "x".to_owned(),
        Signature::Setter => format!("ONS0_{}E", noun()),
    };
    let class = sized(&unit_class(unit));
    let name = sized(&own_source(unit, own));
    format!("_ZN3app{}{class}{name}E{parameters}", sized(module(unit)))
}

/// The name of a function that is static in its unit: others have one of the same name.
pub(super) fn own_static(own: u32, signature: Signature) -> String {
    let mut random = Random::of(&[8, own.into()]);
    let name = format!("{}_helper_{own}", random.pick(&VERBS));
    let parameters = match signature {
        Signature::Nothing => "v",
        Signature::Pointer | Signature::Getter => "Pv",
        Signature::Binary | Signature::Setter => "PvPKv",
        Signature::Triple => "PvPKvm",
        Signature::Long => "Pvx",
    };
    format!("_ZL{}{parameters}", sized(&name))
}

/// The name of a variable of a unit.
pub(super) fn variable(unit: u32, variable: u32) -> String {
    let class = sized(&unit_class(unit));
    let name = sized(&format!("s_state{variable}"));
    format!("_ZN3app{}{class}{name}E", sized(module(unit)))
}

/// The name of the unit's source file.
pub(super) fn source_file(unit: u32) -> String {
    format!("src/{}/{}.cpp", module(unit), unit_class(unit))
}

/// What a function's parameters and variables are called.
pub(super) fn local(random: &mut Random) -> String {
    const WORDS: [&str; 12] = [
        "first", "last", "value", "result", "index", "count", "other", "key", "node", "buffer",
        "length", "position",
    ];
    let word = random.pick(&WORDS);
    match random.below(3) {
        0 => word.to_owned(),
        1 => format!("__{word}"),
        _ => format!("{word}_{}", random.below(20)),
    }
}

/// A text that a program prints.
pub(super) fn message(random: &mut Random) -> String {
    // Few enough that units have some in common.
    let verb = random.pick(&VERBS);
    let noun = random.pick(&NOUNS);
    format!("could not {verb} {noun}: error {}", random.below(40))
}
