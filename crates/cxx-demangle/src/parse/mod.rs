//! From a mangled name to nodes: one pass of recursive descent over the bytes, without going
//! back. The comments name the productions of the chapter "Mangling" of the Itanium C++ ABI.
//!
//! A function that returns `None` has met something that is no mangled name, and the whole
//! name is given up.

mod encoding;
mod expr;
mod name;
mod template;
mod types;

use crate::MAX_DEPTH;
use crate::node::{List, Node, NodeId, Nodes, Text};

/// What the parser needs beside the nodes, kept from name to name.
#[derive(Default, Debug)]
pub(crate) struct Scratch {
    /// Substitutions, in the order in which `S_`, `S0_`, … count them.
    subs: Vec<NodeId>,
    /// Lists that are not finished yet, one on top of the other.
    stack: Vec<NodeId>,
    /// Arguments of the template parameters, level after level.
    params: Vec<NodeId>,
    /// Where in `params` each level starts.
    levels: Vec<u32>,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.subs.clear();
        self.stack.clear();
        self.params.clear();
        self.levels.clear();
    }
}

pub(crate) struct Parser<'a> {
    input: &'a [u8],
    pos: usize,
    nodes: &'a mut Nodes,
    scratch: &'a mut Scratch,
    depth: u32,
    /// Levels of template parameters below this one cannot be seen.
    first_level: usize,
    /// Parameters of a lambda are being read, whose own template parameters are at this level.
    lambda_level: Option<usize>,
    /// The type of a conversion operator is being read: its template parameters may stand for
    /// arguments that follow.
    forward: bool,
    /// Template arguments behind a parameter are not the parameter's, but of a conversion
    /// operator.
    conversion: bool,
    /// A constraint is being read, in which template parameters are shown by their codes: they
    /// may be those of any level of templates around.
    constraint: bool,
    /// How many template parameters got names, by kind.
    invented: [u32; 3],
}

/// The state of template parameters, to return to.
#[derive(Clone, Copy)]
struct Saved {
    first_level: usize,
    levels: usize,
    params: usize,
}

impl<'a> Parser<'a> {
    /// A parser of `input` from `pos` on.
    pub(crate) fn new(
        input: &'a [u8],
        pos: usize,
        nodes: &'a mut Nodes,
        scratch: &'a mut Scratch,
    ) -> Self {
        nodes.clear();
        scratch.clear();
        Parser {
            input,
            pos,
            nodes,
            scratch,
            depth: 0,
            first_level: 0,
            lambda_level: None,
            forward: false,
            conversion: false,
            constraint: false,
            invented: [0; 3],
        }
    }

    // The cursor.

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.input.get(self.pos).copied()
    }

    #[inline]
    fn peek_second(&self) -> Option<u8> {
        self.input.get(self.pos + 1).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.pos..).unwrap_or_default()
    }

    #[inline]
    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.pos += 1;
        Some(byte)
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    fn eat_all(&mut self, bytes: &[u8]) -> bool {
        let found = self.rest().starts_with(bytes);
        if found {
            self.pos += bytes.len();
        }
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    fn at_end(&self) -> bool {
        self.pos >= self.input.len()
    }

    fn is_digit(byte: Option<u8>) -> bool {
        byte.is_some_and(|byte| byte.is_ascii_digit())
    }

    /// The text from `start` to the cursor.
    fn text_from(&self, start: usize) -> Text {
        Text {
            start: start as u32,
            len: (self.pos - start) as u32,
        }
    }

    /// Digits, perhaps none.
    fn digits(&mut self) -> Text {
        let start = self.pos;
        while Self::is_digit(self.peek()) {
            self.pos += 1;
        }
        self.text_from(start)
    }

    /// `<number> ::= [n] <digits>`
    fn number(&mut self) -> Option<Text> {
        let start = self.pos;
        self.eat(b'n');
        (self.digits().len > 0).then(|| self.text_from(start))
    }

    /// A decimal number that counts bytes.
    #[inline]
    fn length(&mut self) -> Option<usize> {
        let mut value = 0usize;
        let start = self.pos;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value
                .checked_mul(10)?
                .checked_add(usize::from(digit - b'0'))?;
            self.pos += 1;
        }
        (self.pos > start).then_some(value)
    }

    /// `<seq-id>`, to the base 36, and `_`: 0 for `_`, 1 for `0_`.
    fn sequence(&mut self) -> Option<usize> {
        if self.eat(b'_') {
            return Some(0);
        }
        let mut value = 0usize;
        loop {
            let digit = match self.bump()? {
                digit @ b'0'..=b'9' => digit - b'0',
                letter @ b'A'..=b'Z' => letter - b'A' + 10,
                _ => return None,
            };
            value = value.checked_mul(36)?.checked_add(usize::from(digit))?;
            if self.eat(b'_') {
                return value.checked_add(1);
            }
        }
    }

    /// A decimal number and `_`: 0 for `_`, 1 for `0_`.
    fn index(&mut self) -> Option<usize> {
        if self.eat(b'_') {
            return Some(0);
        }
        let value = self.length()?;
        self.expect(b'_')?;
        value.checked_add(1)
    }

    /// Runs `parse` one level deeper.
    #[inline]
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    // Nodes and lists.

    #[inline]
    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.add(node)
    }

    #[inline]
    fn push(&mut self, id: NodeId) {
        self.scratch.stack.push(id);
    }

    #[inline]
    fn list_from(&mut self, base: usize) -> List {
        self.nodes.add_list(&mut self.scratch.stack, base)
    }

    #[inline]
    fn stack_len(&self) -> usize {
        self.scratch.stack.len()
    }

    /// What `parse` reads again and again until `end`.
    fn until(
        &mut self,
        end: u8,
        mut parse: impl FnMut(&mut Self) -> Option<NodeId>,
    ) -> Option<List> {
        let base = self.stack_len();
        while !self.eat(end) {
            let id = parse(self)?;
            self.push(id);
        }
        Some(self.list_from(base))
    }

    #[inline]
    fn substitutable(&mut self, id: NodeId) {
        self.scratch.subs.push(id);
    }

    // Template parameters.

    /// How many levels can be seen.
    fn visible(&self) -> usize {
        self.scratch.levels.len() - self.first_level
    }

    fn saved(&self) -> Saved {
        Saved {
            first_level: self.first_level,
            levels: self.scratch.levels.len(),
            params: self.scratch.params.len(),
        }
    }

    /// Hides all levels.
    fn hide_levels(&mut self) -> Saved {
        let saved = self.saved();
        self.first_level = saved.levels;
        saved
    }

    /// Forgets the levels made since `saved`.
    fn restore_levels(&mut self, saved: Saved) {
        self.scratch.levels.truncate(saved.levels);
        self.scratch.params.truncate(saved.params);
        self.first_level = saved.first_level;
    }

    /// Forgets the levels that can be seen.
    fn clear_levels(&mut self) {
        if let Some(&start) = self.scratch.levels.get(self.first_level) {
            self.scratch.params.truncate(start as usize);
            self.scratch.levels.truncate(self.first_level);
        }
    }

    fn push_level(&mut self) {
        self.scratch.levels.push(self.scratch.params.len() as u32);
    }

    /// The argument of a template parameter.
    fn param(&self, level: usize, index: usize) -> Option<NodeId> {
        let levels = &self.scratch.levels[self.first_level..];
        let start = *levels.get(level)? as usize;
        let end = levels
            .get(level + 1)
            .map_or(self.scratch.params.len(), |&end| end as usize);
        self.scratch.params[start..end].get(index).copied()
    }
}
