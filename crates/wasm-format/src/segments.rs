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

impl ElementSegment<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        const NOT_ACTIVE: u32 = 1;
        const EXPLICIT_TABLE_OR_DECLARED: u32 = 2;
        const EXPRS: u32 = 4;
        let exprs = match self.items {
            ElementItems::Functions(_) => 0,
            ElementItems::Exprs(..) => EXPRS,
        };
        let typed = match self.mode {
            ElementMode::Active { table, offset } => {
                // The form without a table's index stands for table 0 and `funcref`.
                let explicit = table != 0
                    || matches!(self.items, ElementItems::Exprs(ty, _) if ty != RefType::FUNCREF);
                if explicit {
                    put_u32(out, exprs | EXPLICIT_TABLE_OR_DECLARED);
                    put_u32(out, table);
                } else {
                    put_u32(out, exprs);
                }
                offset.encode(out);
                explicit
            }
            ElementMode::Passive => {
                put_u32(out, exprs | NOT_ACTIVE);
                true
            }
            ElementMode::Declared => {
                put_u32(out, exprs | NOT_ACTIVE | EXPLICIT_TABLE_OR_DECLARED);
                true
            }
        };
        match self.items {
            ElementItems::Functions(functions) => {
                if typed {
                    out.push(0x00); // the element kind: functions
                }
                put_u32(out, functions.len() as u32);
                for &function in functions {
                    put_u32(out, function);
                }
            }
            ElementItems::Exprs(ty, exprs) => {
                if typed {
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
