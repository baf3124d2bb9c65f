#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod direct;
mod node;
mod parse;
mod print;
mod words;

use direct::Direct;
use node::{NodeId, Nodes};
use parse::{Parser, Scratch};

/// How deep names and types may be nested in each other.
const MAX_DEPTH: u32 = 768;

/// Longer names are left as they are, in bytes.
const MAX_INPUT: usize = 1 << 20;

/// How long the shown name may be, in bytes: so much and so many times the mangled name. Of the
/// 250,000 names of LLVM, clang and what they stand on, the longest is 29 times as long as its
/// mangled name.
const MIN_LIMIT: usize = 4096;
const LIMIT_FACTOR: usize = 128;

/// Demangles names one after the other, and keeps its buffers from one to the next.
///
/// ```
/// use cxx_demangle::Demangler;
///
/// let mut demangler = Demangler::new();
/// let mut text = String::from("calls ");
/// assert!(demangler.demangle("_ZNSt6vectorIiSaIiEE9push_backEOi", &mut text));
/// assert_eq!(text, "calls std::vector<int, std::allocator<int>>::push_back(int&&)");
///
/// text.clear();
/// assert!(!demangler.demangle("memcpy", &mut text));
/// assert_eq!(text, "");
/// ```
#[derive(Default, Debug)]
pub struct Demangler {
    direct: Option<Box<Direct>>,
    nodes: Nodes,
    scratch: Scratch,
}

impl Demangler {
    /// A demangler whose buffers are empty: the first names allocate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to `out` how LLVM's tools show `name`.
    ///
    /// Returns false, and leaves `out` as it is, if `name` is not a mangled name, or one that
    /// is nested too deep or stands for a text out of all proportion.
    #[inline]
    pub fn demangle(&mut self, name: &str, out: &mut String) -> bool {
        // Most names that are none are told by their first byte.
        match name.as_bytes().first() {
            Some(b'_') => self.demangle_underscored(name, out),
            Some(b'.') => self.demangle_dotted(name, out),
            _ => false,
        }
    }

    /// The dot that some targets put before the code of a function.
    #[cold]
    fn demangle_dotted(&mut self, name: &str, out: &mut String) -> bool {
        let start = out.len();
        out.push('.');
        let demangled = self.demangle_underscored(&name[1..], out);
        if !demangled {
            out.truncate(start);
        }
        demangled
    }

    fn demangle_underscored(&mut self, name: &str, out: &mut String) -> bool {
        let bytes = name.as_bytes();
        let underscores = bytes.iter().take_while(|byte| **byte == b'_').count();
        if underscores > 5 || bytes.get(underscores) != Some(&b'Z') || bytes.len() > MAX_INPUT {
            return false;
        }
        if underscores == 1 {
            let direct = self.direct.get_or_insert_default();
            if direct.demangle(name, out).is_some() {
                return true;
            }
        }
        self.parse_and_print(name, underscores, out)
    }

    /// As [`Self::demangle`], in two steps, for all names.
    fn parse_and_print(&mut self, name: &str, underscores: usize, out: &mut String) -> bool {
        let bytes = name.as_bytes();
        // Some targets put one more underscore before every name.
        let root = match underscores {
            1 | 2 => self.symbol(bytes, underscores),
            3 => self
                .block(bytes, underscores)
                .or_else(|| self.symbol(bytes, underscores)),
            _ => self.block(bytes, underscores),
        };
        root.is_some_and(|root| {
            let limit = MIN_LIMIT + LIMIT_FACTOR * bytes.len();
            print::print(&self.nodes, name, root, limit, out)
        })
    }

    fn symbol(&mut self, bytes: &[u8], underscores: usize) -> Option<NodeId> {
        Parser::new(bytes, underscores + 1, &mut self.nodes, &mut self.scratch).symbol()
    }

    fn block(&mut self, bytes: &[u8], underscores: usize) -> Option<NodeId> {
        Parser::new(bytes, underscores + 1, &mut self.nodes, &mut self.scratch).block()
    }
}

/// How LLVM's tools show `name`; `None` if it is not a mangled name.
///
/// A [`Demangler`] is faster for more than one.
///
/// ```
/// assert_eq!(cxx_demangle::demangle("_Z3addii").as_deref(), Some("add(int, int)"));
/// assert_eq!(cxx_demangle::demangle("add"), None);
/// ```
#[must_use]
pub fn demangle(name: &str) -> Option<String> {
    let mut out = String::new();
    Demangler::new().demangle(name, &mut out).then_some(out)
}
