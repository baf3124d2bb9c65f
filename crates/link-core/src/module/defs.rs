//! Definitions of globals, tables, the memory, tags and custom sections.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, HeapType, Limits, TableType, leb128};

use super::arena::Hole;
use super::body::Signature;
use super::handle::{DataId, FuncId, GlobalId, Target, TypeId};
use crate::reloc::Reloc;

/// A constant expression (core spec, 3.4.15 Constant Expressions): the initial value of a
/// global.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The encoding, with its `end`.
    pub(super) bytes: SmallVec<[u8; 16]>,
    pub(super) holes: SmallVec<[Hole; 1]>,
}

impl Init {
    fn constant(opcode: u8, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = vec![opcode];
        write(&mut bytes);
        bytes.push(0x0b);
        Self {
            bytes: SmallVec::from_vec(bytes),
            holes: SmallVec::new(),
        }
    }

    fn with_hole(opcode: u8, ty: RelocType, target: impl Into<Target>, addend: i64) -> Self {
        let mut init = Self::constant(opcode, |bytes| {
            bytes.resize(1 + ty.form().width(), 0);
        });
        init.holes = smallvec![Reloc {
            offset: 1,
            ty,
            target: target.into(),
            addend,
        }];
        init
    }

    /// `i32.const`
    pub fn i32(value: i32) -> Self {
        Self::constant(0x41, |out| leb128::put_i32(out, value))
    }

    /// `i64.const`
    pub fn i64(value: i64) -> Self {
        Self::constant(0x42, |out| leb128::put_i64(out, value))
    }

    /// `f32.const`; the bits of the value are kept as they are.
    pub fn f32(value: f32) -> Self {
        Self::constant(0x43, |out| out.extend_from_slice(&value.to_le_bytes()))
    }

    /// `f64.const`; the bits of the value are kept as they are.
    pub fn f64(value: f64) -> Self {
        Self::constant(0x44, |out| out.extend_from_slice(&value.to_le_bytes()))
    }

    /// `ref.null`
    pub fn ref_null(heap: HeapType) -> Self {
        Self::constant(0xd0, |out| heap.encode(out))
    }

    /// `ref.func`
    pub fn ref_func(function: FuncId) -> Self {
        Self::with_hole(0xd2, RelocType::FunctionIndexLeb, function, 0)
    }

    /// `global.get`, of an immutable global that is imported or precedes the one that has this
    /// initial value
    pub fn global_get(global: GlobalId) -> Self {
        Self::with_hole(0x23, RelocType::GlobalIndexLeb, global, 0)
    }

    /// The address of `data` plus `addend` bytes, as `i32.const`.
    pub fn address(data: DataId, addend: i64) -> Self {
        Self::with_hole(0x41, RelocType::MemoryAddrSleb, data, addend)
    }

    /// The address of `data` plus `addend` bytes, as `i64.const`.
    pub fn address64(data: DataId, addend: i64) -> Self {
        Self::with_hole(0x42, RelocType::MemoryAddrSleb64, data, addend)
    }

    /// Instructions encoded by the caller, with their `end`, and the holes in them. Every index
    /// is a hole.
    pub fn encoded(bytes: &[u8], holes: impl IntoIterator<Item = Reloc<Target>>) -> Self {
        Self {
            bytes: SmallVec::from_slice(bytes),
            holes: holes.into_iter().collect(),
        }
    }
}

/// The definition of a global. Of an imported one, `init` must be `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalDef {
    /// Its type.
    pub ty: GlobalType,
    /// Its initial value; `None` for an import.
    pub init: Option<Init>,
}

/// The definition of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDef {
    /// Its type. The minimum is raised to what element segments and table slots need.
    pub ty: TableType,
}

/// The definition of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryDef {
    /// Limits in pages. The minimum is raised to what the placed data needs, and the
    /// index type is the module's, whatever is said here.
    pub limits: Limits,
}

/// The definition of an exception tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagDef {
    /// Parameters are the values that an exception carries; there are no results.
    pub ty: Signature,
}

/// The contents of a custom section, and the holes in them: how a backend gives debug
/// information.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomDef {
    /// What follows the section's name.
    pub bytes: Vec<u8>,
    /// Places to patch, in the order of their offsets. A
    /// [`FunctionOffsetI32`](RelocType::FunctionOffsetI32) is the offset in the code
    /// section (from the start of its contents) of a function's first instruction, plus
    /// the addend; a [`SectionOffsetI32`](RelocType::SectionOffsetI32) an offset in a
    /// custom section.
    pub holes: Vec<Reloc<Target>>,
}

/// What an element segment does (core spec, 5.5.12 Element Section).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementMode {
    /// Fills a table from a slot on when the module is instantiated.
    Active {
        /// The table.
        table: super::TableId,
        /// The first slot, in elements.
        offset: u64,
    },
    /// Waits for `table.init`.
    Passive,
    /// Only allows `ref.func` of its functions.
    Declared,
}

/// An element segment of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementDef {
    /// What it does.
    pub mode: ElementMode,
    /// Its items.
    pub functions: Vec<FuncId>,
}

// What the module keeps of each.

/// A function.
#[derive(Debug)]
pub(super) struct Func {
    pub(super) ty: Option<TypeId>,
    /// Encoded locals, then code; its holes count from the start of the locals.
    pub(super) span: super::arena::Span,
    /// Bytes of the encoded locals.
    pub(super) locals_len: u32,
    /// How many holes hold its table slot.
    pub(super) address_uses: u32,
    pub(super) local_names: super::arena::Span,
}

impl Default for Func {
    fn default() -> Self {
        Self {
            ty: None,
            span: super::arena::Span::EMPTY,
            locals_len: 0,
            address_uses: 0,
            local_names: super::arena::Span::EMPTY,
        }
    }
}

/// What the engine makes itself: symbols that a linker knows by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    /// `__stack_pointer`
    StackPointer,
    /// `__tls_base`
    TlsBase,
    /// `__indirect_function_table`
    FunctionTable,
}

#[derive(Debug, Default)]
pub(super) struct Global {
    pub(super) ty: Option<GlobalType>,
    pub(super) init: Option<Init>,
    pub(super) builtin: Option<Builtin>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) ty: Option<TableType>,
    pub(super) builtin: Option<Builtin>,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) limits: Limits,
}

#[derive(Debug, Default)]
pub(super) struct Tag {
    pub(super) ty: Option<TypeId>,
}

#[derive(Debug)]
pub(super) struct Custom {
    pub(super) span: super::arena::Span,
}

impl Default for Custom {
    fn default() -> Self {
        Self {
            span: super::arena::Span::EMPTY,
        }
    }
}

#[derive(Debug)]
pub(super) struct Element {
    pub(super) mode: ElementMode,
    pub(super) functions: Vec<FuncId>,
    /// For messages.
    pub(super) name: Arc<str>,
}
