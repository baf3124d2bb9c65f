//! Namespaces of demangled names, for C++ and Rust: which crate, module or class a symbol is in,
//! and which symbols are instances of one template or generic function.

use std::borrow::Cow;

use super::size_rows::Rows;
use super::{KeptHow, SizeNamespace, SizedSymbol};
use crate::demangle::Demangler;
use crate::hash::HashMap;
use crate::par;

/// The symbols with their names and namespaces.
pub(super) struct NamedSymbols {
    pub(super) symbols: Vec<SizedSymbol>,
    pub(super) namespaces: Vec<SizeNamespace>,
    /// For each symbol, its name without arguments, if there is an argument to leave out.
    pub(super) generic: Vec<Option<Box<str>>>,
}

/// Symbols that are named at once.
const BATCH: usize = 1 << 10;

/// A symbol, and what its name says.
struct NamedSymbol {
    symbol: SizedSymbol,
    /// The names of the namespaces, with `::` between them; empty for none.
    namespace: Box<str>,
    generic: Option<Box<str>>,
}

/// Names the rows, of which `sizes` says the size and the total.
pub(super) fn name(rows: &Rows<'_>, sizes: &[(u64, u64)], demangle: bool) -> NamedSymbols {
    let batches = par::map_with(
        (0..rows.list.len().div_ceil(BATCH)).collect(),
        Demangler::default,
        |demangler, batch| {
            let start = batch * BATCH;
            let end = (start + BATCH).min(rows.list.len());
            let named = (start..end).map(|i| {
                let row = &rows.list[i];
                let text = demangler.demangle(&row.name);
                let place = Place::of(text);
                NamedSymbol {
                    symbol: SizedSymbol {
                        name: (&*row.name).into(),
                        demangled: (demangle && text != row.name).then(|| text.into()),
                        kind: row.kind,
                        input: row.file.map(|file| file.0),
                        place: (&*row.place).into(),
                        namespace: None,
                        size: sizes[i].0,
                        total: sizes[i].1,
                        retained: 0,
                        how: KeptHow::Linker,
                        by: None,
                    },
                    namespace: place.namespace.into(),
                    generic: place.generic.map(Into::into),
                }
            });
            named.collect::<Vec<_>>()
        },
    );
    let mut named = NamedSymbols {
        symbols: Vec::with_capacity(rows.list.len()),
        namespaces: Vec::new(),
        generic: Vec::with_capacity(rows.list.len()),
    };
    let mut tree = NamespaceTree::default();
    for NamedSymbol {
        mut symbol,
        namespace,
        generic,
    } in batches.into_iter().flatten()
    {
        symbol.namespace = tree.find(&namespace);
        if let Some(id) = symbol.namespace {
            tree.list[id as usize].size += symbol.total;
        }
        named.symbols.push(symbol);
        named.generic.push(generic);
    }
    named.namespaces = tree.finish();
    named
}

#[derive(Default)]
struct NamespaceTree {
    list: Vec<SizeNamespace>,
    by_path: HashMap<String, u32>,
}

impl NamespaceTree {
    fn find(&mut self, path: &str) -> Option<u32> {
        if path.is_empty() {
            return None;
        }
        if let Some(&id) = self.by_path.get(path) {
            return Some(id);
        }
        // Names come from inputs and may be nested as deeply as they are long.
        let mut parent = None;
        for (end, name) in components(path) {
            let known = self.by_path.get(&path[..end]).copied();
            parent = Some(known.unwrap_or_else(|| {
                let id = self.list.len() as u32;
                self.list.push(SizeNamespace {
                    name: name.to_owned(),
                    parent,
                    size: 0,
                });
                self.by_path.insert(path[..end].to_owned(), id);
                id
            }));
        }
        parent
    }

    /// Adds the sizes of children to those of their parents, which precede them.
    fn finish(mut self) -> Vec<SizeNamespace> {
        for id in (0..self.list.len()).rev() {
            if let Some(parent) = self.list[id].parent {
                self.list[parent as usize].size += self.list[id].size;
            }
        }
        self.list
    }
}

/// Names of nested namespaces deeper than this stay one name.
const MAX_DEPTH: usize = 32;

/// The components of a path without arguments, each with the place where it ends.
fn components(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    path.splitn(MAX_DEPTH, "::").map(move |name| {
        at += name.len();
        let end = at;
        at += 2;
        (end, name)
    })
}

/// Where a demangled name is.
#[derive(Debug, PartialEq, Eq)]
struct Place<'n> {
    namespace: Cow<'n, str>,
    /// The whole name without the arguments of templates and generics, if it has any.
    generic: Option<String>,
}

/// What LLVM's demangler writes before the name of a class or a function.
const ABOUT: [&str; 12] = [
    "vtable for ",
    "VTT for ",
    "typeinfo for ",
    "typeinfo name for ",
    "guard variable for ",
    "construction vtable for ",
    "non-virtual thunk to ",
    "virtual thunk to ",
    "covariant return thunk to ",
    "reference temporary for ",
    "thread-local wrapper routine for ",
    "thread-local initialization routine for ",
];

impl<'n> Place<'n> {
    fn of(name: &'n str) -> Self {
        // Most names of C say nothing.
        if memchr::memchr3(b':', b'<', b' ', name.as_bytes()).is_none() {
            return Self {
                namespace: Cow::Borrowed(""),
                generic: None,
            };
        }
        let (about, named) = (ABOUT.iter())
            .find_map(|about| Some((*about, name.strip_prefix(about)?)))
            .unwrap_or(("", name));
        let head = without_parameters(without_hash(named));
        let bare = without_arguments(head);
        let is_generic = bare.len() < head.len();
        // What is about a class is in the class.
        let is_class = !about.is_empty() && head.len() == named.len();
        Self {
            generic: is_generic.then(|| format!("{about}{}", without_result(&bare))),
            namespace: match bare {
                Cow::Borrowed(bare) => namespace_of(bare, is_class).into(),
                Cow::Owned(bare) => namespace_of(&bare, is_class).to_owned().into(),
            },
        }
    }
}

/// The namespace of a name without arguments and parameters.
fn namespace_of(bare: &str, is_class: bool) -> &str {
    let path = without_result(bare);
    if is_class {
        return path;
    }
    let operator = operator_at(path);
    path[..operator].rfind("::").map_or("", |end| &path[..end])
}

/// Where the name of an operator begins; the end if there is none.
fn operator_at(name: &str) -> usize {
    memchr::memmem::find(name.as_bytes(), b"operator").unwrap_or(name.len())
}

const ANONYMOUS: &str = "(anonymous namespace)";

/// Bytes of the operator that a name begins with, without those of its arguments.
fn operator_len(name: &str) -> Option<usize> {
    let symbols = name.strip_prefix("operator")?;
    let count = symbols
        .bytes()
        .take_while(|byte| b"<>=-".contains(byte))
        .count();
    let taken = match &symbols[..count] {
        // `operator<` of a template is followed by a second bracket.
        "<<<" => 2,
        "<<" if symbols[2..].contains(">(") => 1,
        _ if symbols.starts_with("()") => 2,
        _ => count,
    };
    Some("operator".len() + taken)
}

/// The name without the parameters of a function, and what follows those.
fn without_parameters(name: &str) -> &str {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(c) = name[at..].chars().next() {
        let rest = &name[at..];
        if depth == 0
            && let Some(len) = operator_len(rest)
        {
            at += len;
            continue;
        }
        match c {
            '<' | '{' => depth += 1,
            '>' | '}' => depth = depth.saturating_sub(1),
            '(' if depth == 0 && rest.starts_with(ANONYMOUS) => {
                at += ANONYMOUS.len();
                continue;
            }
            '(' if depth == 0 => return &name[..at],
            _ => {}
        }
        at += c.len_utf8();
    }
    name
}

/// A name without arguments and parameters, without the type of the result that stands before the
/// name of a template.
fn without_result(bare: &str) -> &str {
    let operator = operator_at(bare);
    let before = &bare[..operator];
    let space = match before.rfind(ANONYMOUS) {
        // There is a space within that name.
        Some(at) if !before[at + ANONYMOUS.len()..].contains(' ') => before[..at].rfind(' '),
        _ => before.rfind(' '),
    };
    &bare[space.map_or(0, |space| space + 1)..]
}

/// A name of Rust's older mangling ends in a hash, which differs between instances.
fn without_hash(name: &str) -> &str {
    const HASH: usize = 16;
    let end = name.len().checked_sub("::h".len() + HASH);
    match end.and_then(|end| name.split_at_checked(end)) {
        Some((rest, hash))
            if hash.starts_with("::h") && hash[3..].bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            rest
        }
        _ => name,
    }
}

/// A name without what stands in angle brackets. A qualified name of Rust, `<T as Trait>::name`,
/// becomes `T::name`, or that of the trait where `T` has no path.
fn without_arguments(name: &str) -> Cow<'_, str> {
    if !name.contains('<') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    if let Some(rest) = name.strip_prefix('<')
        && let Some(end) = matching(name)
    {
        let inner = &rest[..end - 1];
        let (ty, as_trait) = match top_level_as(inner) {
            Some(at) => (&inner[..at], Some(&inner[at + " as ".len()..])),
            None => (inner, None),
        };
        let ty = ty.trim_start_matches(['&', '*', ' ', '(']);
        let ty = ty.trim_start_matches("mut ").trim_start_matches("const ");
        let ty = ty.trim_start_matches("dyn ");
        let path = match as_trait {
            Some(as_trait) if !ty.contains("::") => as_trait,
            _ => ty,
        };
        copy_outside(path, &mut out);
        copy_outside(&name[end + 1..], &mut out);
        return Cow::Owned(out);
    }
    copy_outside(name, &mut out);
    Cow::Owned(out)
}

/// Where the bracket ends that a name begins with.
fn matching(name: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if name[..at].ends_with('-') => {}
            b'>' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where ` as ` stands outside of all brackets.
fn top_level_as(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b' ' if depth == 0 && text[at..].starts_with(" as ") => return Some(at),
            _ => {}
        }
    }
    None
}

/// Copies what is outside of angle brackets. Those of operators are no brackets.
fn copy_outside(name: &str, out: &mut String) {
    let mut depth = 0_usize;
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if depth == 0
            && let Some(len) = operator_len(rest)
        {
            let (operator, behind) = rest.split_at(len);
            out.push_str(operator);
            rest = behind;
            continue;
        }
        match c {
            '<' => {
                depth += 1;
                // Rust writes `path::<T>`.
                if depth == 1 && out.ends_with("::") {
                    out.truncate(out.len() - 2);
                }
            }
            '>' if out.ends_with('-') && depth == 0 => out.push(c),
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn names_of_cxx_and_rust_have_namespaces() {
        let shown: Vec<String> = [
            "memcpy",
            "main",
            "add(int, int)",
            "ns::add(int, int)",
            "ns::Class::method() const",
            "void ns::swap<ns::Class>(ns::Class&, ns::Class&)",
            "std::__2::vector<int, std::__2::allocator<int>>::push_back(int const&)",
            "ns::Class::operator()(int) const",
            "ns::operator<<(std::ostream&, ns::Class const&)",
            "bool ns::operator< <int>(ns::C<int> const&)",
            "ns::Class::operator->()",
            "ns::Class::operator bool() const",
            "vtable for ns::Class",
            "typeinfo name for ns::Class",
            "vtable for std::vector<int>",
            "guard variable for ns::get()::instance",
            "non-virtual thunk to ns::Class::method()",
            "(anonymous namespace)::helper(int)",
            "ns::(anonymous namespace)::helper(int)",
            "ns::Class::~Class()",
            "core::fmt::Write::write_str::h0123456789abcdef",
            "core::ptr::drop_in_place::<alloc::string::String>",
            "<alloc::vec::Vec<u8> as core::fmt::Debug>::fmt",
            "<&str as core::fmt::Display>::fmt",
            "<alloc::raw_vec::RawVec<u8>>::grow_one",
            "alloc::vec::Vec<T,A>::push",
            "void ns::f<int>(std::vector<int>)::{lambda(int)#1}::operator()(int) const",
            "ns::overloaded(std::vector<int>)",
            "std::pair<int, char> (anonymous namespace)::make<int>(int)",
            "a::b::{closure#0}",
            "<",
            ">>::<<",
            "a<b",
            "::",
        ]
        .iter()
        .map(|name| {
            let place = Place::of(name);
            let generic = place.generic.unwrap_or_default();
            format!(
                "{name}\n    in `{}`; without arguments `{generic}`",
                place.namespace
            )
        })
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
