//! Types of the core spec (5.3 Types) with the proposals that objects use: threads
//! (shared limits), memory64 (64-bit limits), custom-page-sizes, reference types,
//! function references and GC heap types, exception handling.

use crate::error::{DecodeErrorKind, Result};
use crate::leb128::{put_i64, put_u32, put_u64};
use crate::reader::Reader;

/// Bytes of a WebAssembly page, unless a memory says otherwise (custom-page-sizes).
pub const PAGE_SIZE: u64 = 0x1_0000;

/// An abstract or concrete heap type (core spec, 5.3.3 Heap Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HeapType {
    /// `noexn`
    NoExn,
    /// `nofunc`
    NoFunc,
    /// `noextern`
    NoExtern,
    /// `none`
    None,
    /// `func`
    Func,
    /// `extern`
    Extern,
    /// `any`
    Any,
    /// `eq`
    Eq,
    /// `i31`
    I31,
    /// `struct`
    Struct,
    /// `array`
    Array,
    /// `exn`
    Exn,
    /// A type of this module's type index space.
    Concrete(u32),
}

impl HeapType {
    const fn abstract_code(self) -> Option<u8> {
        Some(match self {
            HeapType::NoExn => 0x74,
            HeapType::NoFunc => 0x73,
            HeapType::NoExtern => 0x72,
            HeapType::None => 0x71,
            HeapType::Func => 0x70,
            HeapType::Extern => 0x6f,
            HeapType::Any => 0x6e,
            HeapType::Eq => 0x6d,
            HeapType::I31 => 0x6c,
            HeapType::Struct => 0x6b,
            HeapType::Array => 0x6a,
            HeapType::Exn => 0x69,
            HeapType::Concrete(_) => return None,
        })
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x74 => HeapType::NoExn,
            0x73 => HeapType::NoFunc,
            0x72 => HeapType::NoExtern,
            0x71 => HeapType::None,
            0x70 => HeapType::Func,
            0x6f => HeapType::Extern,
            0x6e => HeapType::Any,
            0x6d => HeapType::Eq,
            0x6c => HeapType::I31,
            0x6b => HeapType::Struct,
            0x6a => HeapType::Array,
            0x69 => HeapType::Exn,
            _ => return None,
        })
    }

    /// Appends the encoding: one byte, or a signed 33-bit type index.
    pub fn encode(self, out: &mut Vec<u8>) {
        match (self, self.abstract_code()) {
            (HeapType::Concrete(index), _) => put_i64(out, i64::from(index)),
            (_, Some(code)) => out.push(code),
            (_, None) => {}
        }
    }

    /// Decodes a heap type.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        let value = reader.i33()?;
        if let Ok(index) = u32::try_from(value) {
            return Ok(HeapType::Concrete(index));
        }
        let code = (value & 0x7f) as u8;
        Self::from_code(code)
            .filter(|_| value >= -0x40)
            .ok_or_else(|| {
                at.error(DecodeErrorKind::Unknown {
                    what: "heap type",
                    value: u64::from(code),
                })
            })
    }
}

impl HeapType {
    /// Whether what is of this type is also of type `other` (core spec 3.0, 3.3.3 Heap
    /// Types). What a type of the module is is not known here, so of one it is whether it can
    /// be.
    pub fn matches(self, other: HeapType) -> bool {
        use HeapType as H;
        self == other
            || match self {
                H::None => matches!(other, H::I31 | H::Struct | H::Array | H::Eq | H::Any),
                H::I31 | H::Struct | H::Array => matches!(other, H::Eq | H::Any),
                H::Eq => other == H::Any,
                H::NoFunc => other == H::Func,
                H::NoExtern => other == H::Extern,
                H::NoExn => other == H::Exn,
                H::Concrete(_) => matches!(
                    other,
                    H::Func | H::Struct | H::Array | H::Eq | H::Any | H::Concrete(_)
                ),
                H::Func | H::Extern | H::Any | H::Exn => false,
            }
    }
}

/// A reference type (core spec, 5.3.4 Reference Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefType {
    /// Whether null is a value of the type.
    pub nullable: bool,
    /// What it refers to.
    pub heap: HeapType,
}

impl RefType {
    /// `funcref`, the element type of the indirect function table.
    pub const FUNCREF: RefType = RefType {
        nullable: true,
        heap: HeapType::Func,
    };
    /// `externref`
    pub const EXTERNREF: RefType = RefType {
        nullable: true,
        heap: HeapType::Extern,
    };
    /// `exnref`
    pub const EXNREF: RefType = RefType {
        nullable: true,
        heap: HeapType::Exn,
    };

    /// Appends the encoding, in its short form where there is one.
    pub fn encode(self, out: &mut Vec<u8>) {
        if let (true, Some(code)) = (self.nullable, self.heap.abstract_code()) {
            out.push(code);
            return;
        }
        out.push(if self.nullable { 0x63 } else { 0x64 });
        self.heap.encode(out);
    }

    /// Decodes a reference type.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        match reader.u8()? {
            code @ (0x63 | 0x64) => Ok(RefType {
                nullable: code == 0x63,
                heap: HeapType::decode(reader)?,
            }),
            code => match HeapType::from_code(code) {
                Some(heap) => Ok(RefType {
                    nullable: true,
                    heap,
                }),
                None => Err(at.error(DecodeErrorKind::Unknown {
                    what: "reference type",
                    value: u64::from(code),
                })),
            },
        }
    }
}

/// A value type (core spec, 5.3.5 Value Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ValType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `v128`
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// Whether a value of this type is also one of type `other` (core spec 3.0, 3.3.5 Value
    /// Types). See [`HeapType::matches`].
    ///
    /// ```
    /// use wasm_format::{HeapType, RefType, ValType};
    ///
    /// let reference = |nullable, heap| ValType::Ref(RefType { nullable, heap });
    /// assert!(reference(false, HeapType::Func).matches(ValType::FUNCREF));
    /// assert!(!ValType::FUNCREF.matches(reference(false, HeapType::Func)));
    /// assert!(reference(true, HeapType::None).matches(reference(true, HeapType::I31)));
    /// assert!(!ValType::I32.matches(ValType::I64));
    /// ```
    pub fn matches(self, other: ValType) -> bool {
        match (self, other) {
            (ValType::Ref(this), ValType::Ref(other)) => {
                (other.nullable || !this.nullable) && this.heap.matches(other.heap)
            }
            _ => self == other,
        }
    }

    /// `funcref`
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `externref`
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    /// Appends the encoding.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            ValType::I32 => out.push(0x7f),
            ValType::I64 => out.push(0x7e),
            ValType::F32 => out.push(0x7d),
            ValType::F64 => out.push(0x7c),
            ValType::V128 => out.push(0x7b),
            ValType::Ref(ty) => ty.encode(out),
        }
    }

    /// Decodes a value type.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        Ok(match reader.u8()? {
            0x7f => ValType::I32,
            0x7e => ValType::I64,
            0x7d => ValType::F32,
            0x7c => ValType::F64,
            0x7b => ValType::V128,
            _ => {
                *reader = at;
                ValType::Ref(RefType::decode(reader)?)
            }
        })
    }
}

impl std::fmt::Display for ValType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}

impl std::fmt::Display for RefType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.heap {
            HeapType::NoExn => "noexn",
            HeapType::NoFunc => "nofunc",
            HeapType::NoExtern => "noextern",
            HeapType::None => "none",
            HeapType::Func => "func",
            HeapType::Extern => "extern",
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::Exn => "exn",
            HeapType::Concrete(index) => {
                let null = if self.nullable { "null " } else { "" };
                return write!(f, "(ref {null}{index})");
            }
        };
        match (self.nullable, self.heap) {
            (true, HeapType::None) => f.write_str("nullref"),
            (true, HeapType::NoFunc) => f.write_str("nullfuncref"),
            (true, HeapType::NoExtern) => f.write_str("nullexternref"),
            (true, HeapType::NoExn) => f.write_str("nullexnref"),
            (true, _) => write!(f, "{name}ref"),
            (false, _) => write!(f, "(ref {name})"),
        }
    }
}

/// A function type (core spec, 5.3.7 Composite Types).
///
/// ```
/// use wasm_format::{FuncType, ValType};
/// let ty = FuncType::new([ValType::I32, ValType::I32], [ValType::I64]);
/// assert_eq!(ty.to_string(), "(i32, i32) -> i64");
/// let mut bytes = Vec::new();
/// ty.encode(&mut bytes);
/// assert_eq!(bytes, [0x60, 2, 0x7f, 0x7f, 1, 0x7e]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FuncType {
    /// Parameter types.
    pub params: Box<[ValType]>,
    /// Result types.
    pub results: Box<[ValType]>,
}

impl FuncType {
    /// A function type from its parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Self {
        Self {
            params: params.into_iter().collect(),
            results: results.into_iter().collect(),
        }
    }

    /// Appends the encoding, with its leading `0x60`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(0x60);
        for types in [&self.params, &self.results] {
            put_u32(out, types.len() as u32);
            for ty in types {
                ty.encode(out);
            }
        }
    }

    /// Decodes a function type, with its leading `0x60`.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        match reader.u8()? {
            0x60 => {}
            code => {
                return Err(at.error(DecodeErrorKind::Unknown {
                    what: "function type form",
                    value: u64::from(code),
                }));
            }
        }
        let mut types = || -> Result<Box<[ValType]>> {
            let count = reader.count("value type", 1)?;
            (0..count).map(|_| ValType::decode(reader)).collect()
        };
        let params = types()?;
        let results = types()?;
        Ok(Self { params, results })
    }
}

impl std::fmt::Display for FuncType {
    /// In the form `wasm-ld` uses in its messages: `(i32, i32) -> void`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |f: &mut std::fmt::Formatter<'_>, types: &[ValType]| {
            for (i, ty) in types.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                write!(f, "{ty}")?;
            }
            Ok(())
        };
        f.write_str("(")?;
        list(f, &self.params)?;
        f.write_str(") -> ")?;
        match &*self.results {
            [] => f.write_str("void"),
            [one] => write!(f, "{one}"),
            many => {
                f.write_str("(")?;
                list(f, many)?;
                f.write_str(")")
            }
        }
    }
}

/// Limits of a memory (in pages) or a table (in elements): core spec, 5.3.9 Limits, with the
/// threads, memory64 and custom-page-sizes proposals' flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Limits {
    /// Initial size.
    pub min: u64,
    /// Largest size, if there is one.
    pub max: Option<u64>,
    /// Shared between threads (needs a maximum).
    pub shared: bool,
    /// Addressed with `i64` instead of `i32`.
    pub is_64: bool,
    /// Logarithm of the page size in bytes, when it is not 65,536.
    pub page_size_log2: Option<u32>,
}

impl Limits {
    /// Flag: a maximum follows.
    pub const HAS_MAX: u32 = 0x1;
    /// Flag: shared.
    pub const SHARED: u32 = 0x2;
    /// Flag: 64-bit.
    pub const IS_64: u32 = 0x4;
    /// Flag: a page size (its logarithm) follows.
    pub const HAS_PAGE_SIZE: u32 = 0x8;

    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut flags = 0;
        for (set, flag) in [
            (self.max.is_some(), Self::HAS_MAX),
            (self.shared, Self::SHARED),
            (self.is_64, Self::IS_64),
            (self.page_size_log2.is_some(), Self::HAS_PAGE_SIZE),
        ] {
            if set {
                flags |= flag;
            }
        }
        put_u32(out, flags);
        put_u64(out, self.min);
        if let Some(max) = self.max {
            put_u64(out, max);
        }
        if let Some(log2) = self.page_size_log2 {
            put_u32(out, log2);
        }
    }

    /// Decodes limits.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        let flags = reader.u32()?;
        if flags & !(Self::HAS_MAX | Self::SHARED | Self::IS_64 | Self::HAS_PAGE_SIZE) != 0 {
            return Err(at.error(DecodeErrorKind::Unknown {
                what: "limits flags",
                value: u64::from(flags),
            }));
        }
        let is_64 = flags & Self::IS_64 != 0;
        let mut value = || -> Result<u64> {
            if is_64 {
                reader.u64()
            } else {
                reader.u32().map(u64::from)
            }
        };
        let min = value()?;
        let max = if flags & Self::HAS_MAX != 0 {
            Some(value()?)
        } else {
            None
        };
        let page_size_log2 = if flags & Self::HAS_PAGE_SIZE != 0 {
            Some(reader.u32()?)
        } else {
            None
        };
        Ok(Self {
            min,
            max,
            shared: flags & Self::SHARED != 0,
            is_64,
            page_size_log2,
        })
    }
}

/// A memory's type: its limits, in pages (core spec, 5.3.12 Memory Types).
pub type MemoryType = Limits;

/// A table's type (core spec, 5.3.13 Table Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableType {
    /// What the table holds.
    pub element: RefType,
    /// How many elements.
    pub limits: Limits,
}

impl TableType {
    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.element.encode(out);
        self.limits.encode(out);
    }

    /// Decodes a table type.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            element: RefType::decode(reader)?,
            limits: Limits::decode(reader)?,
        })
    }
}

/// Whether a global can be written (core spec, 5.3.11 Global Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutability {
    /// `const`
    Const,
    /// `mut`
    Var,
}

/// A global's type (core spec, 5.3.11 Global Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// Type of the value.
    pub value: ValType,
    /// Whether it can be written.
    pub mutability: Mutability,
}

impl GlobalType {
    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.value.encode(out);
        out.push(u8::from(self.mutability == Mutability::Var));
    }

    /// Decodes a global type.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let value = ValType::decode(reader)?;
        let at = reader.clone();
        let mutability = match reader.u8()? {
            0 => Mutability::Const,
            1 => Mutability::Var,
            code => {
                return Err(at.error(DecodeErrorKind::Unknown {
                    what: "mutability",
                    value: u64::from(code),
                }));
            }
        };
        Ok(Self { value, mutability })
    }
}

/// What an import or an export is (core spec, 5.5.5 Import Section).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum ExternalKind {
    /// A function.
    Func = 0,
    /// A table.
    Table = 1,
    /// A memory.
    Memory = 2,
    /// A global.
    Global = 3,
    /// A tag (exception handling).
    Tag = 4,
}

impl ExternalKind {
    /// The kind of code `code`.
    pub const fn from_u8(code: u8) -> Option<Self> {
        Some(match code {
            0 => ExternalKind::Func,
            1 => ExternalKind::Table,
            2 => ExternalKind::Memory,
            3 => ExternalKind::Global,
            4 => ExternalKind::Tag,
            _ => return None,
        })
    }
}
