//! Element and data segments (core spec, 5.5.12 and 5.5.14) and the frame of a function's
//! body (5.5.13).

use crate::const_expr::ConstExpr;
use crate::leb128::{len_u32, put_u32, put_u64};
use crate::types::{RefType, ValType};

/// What becomes of an element segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementMode<'a> {
    /// Copied into a table when the module is instantiated.
    Active {
        /// The table, by its index in the table index space.
        table: u32,
        /// Where in the table, in elements.
        offset: ConstExpr<'a>,
    },
    /// Kept for `table.init`.
    Passive,
    /// Only tells that `ref.func` of these functions occurs in code.
    Declared,
}

/// What an element segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementItems<'a> {
    /// Functions, by their indices in the function index space.
    Functions(&'a [u32]),
    /// References of a type, each by the expression that makes it.
    Exprs(RefType, &'a [ConstExpr<'a>]),
}

/// An entry of the element section (core spec, 5.5.12), written in the shortest of its
/// eight forms.
///
/// ```
/// use wasm_format::{ConstExpr, ElementItems, ElementMode, ElementSegment};
///
/// let segment = ElementSegment {
///     // Slot 0 stays empty, so that no function has the address of null.
///     mode: ElementMode::Active { table: 0, offset: ConstExpr::i32(1) },
///     items: ElementItems::Functions(&[7, 9]),
/// };
/// let mut items = Vec::new();
/// segment.encode(&mut items);
/// assert_eq!(items, [0, 0x41, 1, 0x0b, 2, 7, 9]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementSegment<'a> {
    /// What becomes of it.
    pub mode: ElementMode<'a>,
    /// What it holds.
    pub items: ElementItems<'a>,
}

impl ElementMode<'_> {
    /// Appends what stands before the items of a segment; `exprs` is the type of items that
    /// are expressions. Returns whether the kind or type of the items follows.
    fn encode(&self, out: &mut Vec<u8>, exprs: Option<RefType>) -> bool {
        const NOT_ACTIVE: u32 = 1;
        const EXPLICIT_TABLE_OR_DECLARED: u32 = 2;
        const EXPRS: u32 = 4;
        let form = if exprs.is_some() { EXPRS } else { 0 };
        match *self {
            ElementMode::Active { table, offset } => {
                // The form without a table's index stands for table 0 and `funcref`.
                let explicit = table != 0 || exprs.is_some_and(|ty| ty != RefType::FUNCREF);
                if explicit {
                    put_u32(out, form | EXPLICIT_TABLE_OR_DECLARED);
                    put_u32(out, table);
                } else {
                    put_u32(out, form);
                }
                offset.encode(out);
                explicit
            }
            ElementMode::Passive => {
                put_u32(out, form | NOT_ACTIVE);
                true
            }
            ElementMode::Declared => {
                put_u32(out, form | NOT_ACTIVE | EXPLICIT_TABLE_OR_DECLARED);
                true
            }
        }
    }
}

/// Appends an element segment that holds functions, by their indices in the function index
/// space: what [`ElementSegment::encode`] does, without a list of the indices.
///
/// ```
/// use wasm_format::{ConstExpr, ElementMode, put_function_elements};
///
/// let mode = ElementMode::Active { table: 0, offset: ConstExpr::i32(1) };
/// let mut items = Vec::new();
/// put_function_elements(&mut items, mode, 7..9);
/// assert_eq!(items, [0, 0x41, 1, 0x0b, 2, 7, 8]);
/// ```
pub fn put_function_elements(
    out: &mut Vec<u8>,
    mode: ElementMode<'_>,
    functions: impl IntoIterator<Item = u32, IntoIter: ExactSizeIterator>,
) {
    if mode.encode(out, None) {
        out.push(0x00); // the element kind: functions
    }
    let functions = functions.into_iter();
    put_u32(out, functions.len() as u32);
    functions.for_each(|function| put_u32(out, function));
}

impl ElementSegment<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.items {
            ElementItems::Functions(functions) => {
                put_function_elements(out, self.mode, functions.iter().copied());
            }
            ElementItems::Exprs(ty, exprs) => {
                if self.mode.encode(out, Some(ty)) {
                    ty.encode(out);
                }
                put_u32(out, exprs.len() as u32);
                for expr in exprs {
                    expr.encode(out);
                }
            }
        }
    }
}

/// What becomes of a data segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataMode<'a> {
    /// Copied into a memory when the module is instantiated.
    Active {
        /// The memory, by its index in the memory index space.
        memory: u32,
        /// Where in the memory, in bytes.
        offset: ConstExpr<'a>,
    },
    /// Kept for `memory.init`.
    Passive,
}

impl DataMode<'_> {
    /// Appends what stands before a segment's bytes, of which there are `len`. A linker
    /// that fills in the bytes elsewhere writes this alone.
    pub fn encode_header(&self, out: &mut Vec<u8>, len: usize) {
        match self {
            DataMode::Active { memory: 0, offset } => {
                put_u32(out, 0);
                offset.encode(out);
            }
            DataMode::Active { memory, offset } => {
                put_u32(out, 2);
                put_u32(out, *memory);
                offset.encode(out);
            }
            DataMode::Passive => put_u32(out, 1),
        }
        put_u64(out, len as u64);
    }
}

/// An entry of the data section (core spec, 5.5.14).
///
/// ```
/// use wasm_format::{ConstExpr, DataMode, DataSegment};
///
/// let segment = DataSegment {
///     mode: DataMode::Active { memory: 0, offset: ConstExpr::i32(1024) },
///     bytes: b"hello",
/// };
/// let mut items = Vec::new();
/// segment.encode(&mut items);
/// assert_eq!(items, b"\x00\x41\x80\x08\x0b\x05hello");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSegment<'a> {
    /// What becomes of it.
    pub mode: DataMode<'a>,
    /// Its contents.
    pub bytes: &'a [u8],
}

impl DataSegment<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.mode.encode_header(out, self.bytes.len());
        out.extend_from_slice(self.bytes);
    }
}

/// Appends the locals of a function, parameters not among them: runs of a count and a
/// type.
pub fn put_locals(out: &mut Vec<u8>, runs: &[(u32, ValType)]) {
    put_u32(out, runs.len() as u32);
    for (count, ty) in runs {
        put_u32(out, *count);
        ty.encode(out);
    }
}

/// Appends an entry of the code section (core spec, 5.5.13): the body's size, its locals
/// and its code, which ends with `end`.
///
/// ```
/// use wasm_format::{ValType, put_function_body};
///
/// let mut items = Vec::new();
/// put_function_body(&mut items, &[(2, ValType::I32)], &[0x20, 1, 0x0b]);
/// assert_eq!(items, [6, 1, 2, 0x7f, 0x20, 1, 0x0b]);
/// ```
pub fn put_function_body(out: &mut Vec<u8>, locals: &[(u32, ValType)], code: &[u8]) {
    // The size's own bytes are known only once the locals are: they go in behind it.
    let start = out.len();
    put_locals(out, locals);
    let len = (out.len() - start + code.len()) as u32;
    put_u32(out, len);
    out[start..].rotate_right(len_u32(len));
    out.extend_from_slice(code);
}
