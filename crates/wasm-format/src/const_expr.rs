//! Constant expressions (core spec 3.0, "Constant Expressions" in 3.4
//! Modules and 5.4.10 Expressions): what initializes a global, and
//! where an active segment goes.

use thiserror::Error;

use crate::error::{DecodeErrorKind, Result};
use crate::leb128::{put_i32, put_i64, put_u32};
use crate::opcode::Opcode;
use crate::reader::Reader;
use crate::types::{HeapType, RefType, ValType};

/// An instruction that a constant expression may hold: constants, `global.get`,
/// references, the arithmetic of extended constants, and allocation of garbage-collected
/// values.
///
/// Floats are held as their bits, so that every NaN stays the NaN it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConstOp {
    /// `i32.const`
    I32Const(i32),
    /// `i64.const`
    I64Const(i64),
    /// `f32.const`, by its bits.
    F32Const(u32),
    /// `f64.const`, by its bits.
    F64Const(u64),
    /// `v128.const`, by its bytes.
    V128Const([u8; 16]),
    /// `global.get` of a global, by its index in the global index space.
    GlobalGet(u32),
    /// `ref.null`
    RefNull(HeapType),
    /// `ref.func` of a function, by its index in the function index space.
    RefFunc(u32),
    /// `i32.add`
    I32Add,
    /// `i32.sub`
    I32Sub,
    /// `i32.mul`
    I32Mul,
    /// `i64.add`
    I64Add,
    /// `i64.sub`
    I64Sub,
    /// `i64.mul`
    I64Mul,
    /// `struct.new` of a type, by its index in the type index space.
    StructNew(u32),
    /// `struct.new_default` of a type, by its index in the type index space.
    StructNewDefault(u32),
    /// `array.new` of a type, by its index in the type index space.
    ArrayNew(u32),
    /// `array.new_default` of a type, by its index in the type index space.
    ArrayNewDefault(u32),
    /// `array.new_fixed`
    ArrayNewFixed {
        /// The array's type, by its index in the type index space.
        ty: u32,
        /// How many elements it takes from the stack.
        len: u32,
    },
    /// `ref.i31`
    RefI31,
    /// `any.convert_extern`
    AnyConvertExtern,
    /// `extern.convert_any`
    ExternConvertAny,
}

impl ConstOp {
    /// An address or an offset as a constant: `i64.const` if `is_64`, else `i32.const` of
    /// its low 32 bits.
    pub const fn address(value: u64, is_64: bool) -> Self {
        if is_64 {
            ConstOp::I64Const(value as i64)
        } else {
            ConstOp::I32Const(value as i32)
        }
    }

    /// Its opcode.
    pub const fn opcode(self) -> Opcode {
        match self {
            ConstOp::I32Const(_) => Opcode::I32Const,
            ConstOp::I64Const(_) => Opcode::I64Const,
            ConstOp::F32Const(_) => Opcode::F32Const,
            ConstOp::F64Const(_) => Opcode::F64Const,
            ConstOp::V128Const(_) => Opcode::V128Const,
            ConstOp::GlobalGet(_) => Opcode::GlobalGet,
            ConstOp::RefNull(_) => Opcode::RefNull,
            ConstOp::RefFunc(_) => Opcode::RefFunc,
            ConstOp::I32Add => Opcode::I32Add,
            ConstOp::I32Sub => Opcode::I32Sub,
            ConstOp::I32Mul => Opcode::I32Mul,
            ConstOp::I64Add => Opcode::I64Add,
            ConstOp::I64Sub => Opcode::I64Sub,
            ConstOp::I64Mul => Opcode::I64Mul,
            ConstOp::StructNew(_) => Opcode::StructNew,
            ConstOp::StructNewDefault(_) => Opcode::StructNewDefault,
            ConstOp::ArrayNew(_) => Opcode::ArrayNew,
            ConstOp::ArrayNewDefault(_) => Opcode::ArrayNewDefault,
            ConstOp::ArrayNewFixed { .. } => Opcode::ArrayNewFixed,
            ConstOp::RefI31 => Opcode::RefI31,
            ConstOp::AnyConvertExtern => Opcode::AnyConvertExtern,
            ConstOp::ExternConvertAny => Opcode::ExternConvertAny,
        }
    }

    /// Appends the instruction, its numbers in their minimal form.
    pub fn encode(self, out: &mut Vec<u8>) {
        self.opcode().encode(out);
        match self {
            ConstOp::I32Const(value) => put_i32(out, value),
            ConstOp::I64Const(value) => put_i64(out, value),
            ConstOp::F32Const(bits) => out.extend_from_slice(&bits.to_le_bytes()),
            ConstOp::F64Const(bits) => out.extend_from_slice(&bits.to_le_bytes()),
            ConstOp::V128Const(bytes) => out.extend_from_slice(&bytes),
            ConstOp::RefNull(heap) => heap.encode(out),
            ConstOp::GlobalGet(index)
            | ConstOp::RefFunc(index)
            | ConstOp::StructNew(index)
            | ConstOp::StructNewDefault(index)
            | ConstOp::ArrayNew(index)
            | ConstOp::ArrayNewDefault(index) => put_u32(out, index),
            ConstOp::ArrayNewFixed { ty, len } => {
                put_u32(out, ty);
                put_u32(out, len);
            }
            ConstOp::I32Add
            | ConstOp::I32Sub
            | ConstOp::I32Mul
            | ConstOp::I64Add
            | ConstOp::I64Sub
            | ConstOp::I64Mul
            | ConstOp::RefI31
            | ConstOp::AnyConvertExtern
            | ConstOp::ExternConvertAny => {}
        }
    }

    /// Decodes an instruction; `None` is the expression's `end`.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        let at = reader.clone();
        Ok(Some(match Opcode::decode(reader)? {
            Opcode::End => return Ok(None),
            Opcode::I32Const => ConstOp::I32Const(reader.i32()?),
            Opcode::I64Const => ConstOp::I64Const(reader.i64()?),
            Opcode::F32Const => ConstOp::F32Const(u32::from_le_bytes(reader.array()?)),
            Opcode::F64Const => ConstOp::F64Const(u64::from_le_bytes(reader.array()?)),
            Opcode::V128Const => ConstOp::V128Const(reader.array()?),
            Opcode::GlobalGet => ConstOp::GlobalGet(reader.u32()?),
            Opcode::RefNull => ConstOp::RefNull(HeapType::decode(reader)?),
            Opcode::RefFunc => ConstOp::RefFunc(reader.u32()?),
            Opcode::I32Add => ConstOp::I32Add,
            Opcode::I32Sub => ConstOp::I32Sub,
            Opcode::I32Mul => ConstOp::I32Mul,
            Opcode::I64Add => ConstOp::I64Add,
            Opcode::I64Sub => ConstOp::I64Sub,
            Opcode::I64Mul => ConstOp::I64Mul,
            Opcode::StructNew => ConstOp::StructNew(reader.u32()?),
            Opcode::StructNewDefault => ConstOp::StructNewDefault(reader.u32()?),
            Opcode::ArrayNew => ConstOp::ArrayNew(reader.u32()?),
            Opcode::ArrayNewDefault => ConstOp::ArrayNewDefault(reader.u32()?),
            Opcode::ArrayNewFixed => ConstOp::ArrayNewFixed {
                ty: reader.u32()?,
                len: reader.u32()?,
            },
            Opcode::RefI31 => ConstOp::RefI31,
            Opcode::AnyConvertExtern => ConstOp::AnyConvertExtern,
            Opcode::ExternConvertAny => ConstOp::ExternConvertAny,
            _ => {
                return Err(at.error(DecodeErrorKind::Invalid(
                    "instruction is not allowed in a constant expression",
                )));
            }
        }))
    }
}

/// What a constant expression comes to.
///
/// Floats are held as their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConstValue {
    /// An `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// An `f32`, by its bits.
    F32(u32),
    /// An `f64`, by its bits.
    F64(u64),
    /// A `v128`, by its bytes.
    V128([u8; 16]),
    /// A null reference.
    RefNull(HeapType),
    /// A reference to a function, by its index in the function index space.
    RefFunc(u32),
}

impl ConstValue {
    /// The value as an address or an offset, in bytes or table elements: an `i32` or an
    /// `i64` read as unsigned, `None` for anything else.
    pub const fn as_address(self) -> Option<u64> {
        match self {
            ConstValue::I32(value) => Some(value as u32 as u64),
            ConstValue::I64(value) => Some(value as u64),
            _ => None,
        }
    }
}

/// Why a constant expression has no value that is known before the module runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The value of a global is not known.
    #[error("the value of global {0} is not known")]
    UnknownGlobal(u32),
    /// The instruction's result exists at run time only.
    #[error("`{0}` has no value before the module runs")]
    NotStatic(Opcode),
    /// An operand is missing or has another type.
    #[error("`{0}` lacks an operand of its type")]
    Operand(Opcode),
    /// The expression leaves no value, or more than one.
    #[error("a constant expression leaves exactly one value")]
    NotOneValue,
}

/// A constant expression: built from instructions, or found in a file, where its bytes
/// stay as they are.
///
/// ```
/// use wasm_format::{ConstExpr, ConstOp, ConstValue, Reader};
///
/// // __memory_base + 16, as position-independent code has it.
/// let ops = [ConstOp::GlobalGet(0), ConstOp::I32Const(16), ConstOp::I32Add];
/// let mut bytes = Vec::new();
/// ConstExpr::new(&ops).encode(&mut bytes);
/// assert_eq!(bytes, [0x23, 0, 0x41, 16, 0x6a, 0x0b]);
///
/// let read = ConstExpr::decode(&mut Reader::new(&bytes)).unwrap();
/// assert_eq!(read, ConstExpr::new(&ops));
/// let value = read.eval(|global| (global == 0).then_some(ConstValue::I32(1024)));
/// assert_eq!(value, Ok(ConstValue::I32(1040)));
/// ```
#[derive(Clone, Copy)]
pub struct ConstExpr<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    One(ConstOp),
    Ops(&'a [ConstOp]),
    /// With the `end`; every instruction was decoded once.
    Bytes(&'a [u8]),
}

impl<'a> ConstExpr<'a> {
    /// The expression of these instructions, without `end`.
    pub const fn new(ops: &'a [ConstOp]) -> Self {
        Self(Repr::Ops(ops))
    }

    /// `i32.const value`
    pub const fn i32(value: i32) -> Self {
        Self(Repr::One(ConstOp::I32Const(value)))
    }

    /// `i64.const value`
    pub const fn i64(value: i64) -> Self {
        Self(Repr::One(ConstOp::I64Const(value)))
    }

    /// An address or an offset as a constant, [`ConstOp::address`].
    pub const fn address(value: u64, is_64: bool) -> Self {
        Self(Repr::One(ConstOp::address(value, is_64)))
    }

    /// Decodes an expression up to and with its `end`.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let start = reader.clone();
        while ConstOp::decode(reader)?.is_some() {}
        let len = reader.offset() - start.offset();
        Ok(Self(Repr::Bytes(&start.rest()[..len])))
    }

    /// Appends the expression and its `end`. One that was decoded is copied as it was.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.0 {
            Repr::One(op) => {
                op.encode(out);
                Opcode::End.encode(out);
            }
            Repr::Ops(ops) => {
                for op in ops {
                    op.encode(out);
                }
                Opcode::End.encode(out);
            }
            Repr::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The instructions, without `end`.
    pub fn ops(&self) -> impl Iterator<Item = ConstOp> + use<'a> {
        let (one, ops, bytes): (_, &[_], &[u8]) = match self.0 {
            Repr::One(op) => (Some(op), &[], &[]),
            Repr::Ops(ops) => (None, ops, &[]),
            Repr::Bytes(bytes) => (None, &[], bytes),
        };
        let mut reader = Reader::new(bytes);
        one.into_iter()
            .chain(ops.iter().copied())
            // These bytes were decoded before; their only error is their end.
            .chain(std::iter::from_fn(move || {
                ConstOp::decode(&mut reader).ok().flatten()
            }))
    }

    /// The instruction, if there is exactly one.
    pub fn single(&self) -> Option<ConstOp> {
        let mut ops = self.ops();
        let op = ops.next()?;
        ops.next().is_none().then_some(op)
    }

    /// Finds the type of the value, and checks those of operands on the way; `global` knows
    /// globals' types by their index. `Ok(None)` if the type depends on a global that is not
    /// known, or on the fields of a type of the module.
    ///
    /// ```
    /// use wasm_format::{ConstExpr, ConstOp, EvalError, Opcode, ValType};
    ///
    /// let sum = [ConstOp::GlobalGet(0), ConstOp::I32Const(16), ConstOp::I32Add];
    /// let sum = ConstExpr::new(&sum);
    /// assert_eq!(sum.value_type(|_| Some(ValType::I32)), Ok(Some(ValType::I32)));
    /// let wrong = sum.value_type(|_| Some(ValType::I64));
    /// assert_eq!(wrong, Err(EvalError::Operand(Opcode::I32Add)));
    /// ```
    ///
    /// # Errors
    /// If an operand is missing or has another type, or there is not exactly one value.
    pub fn value_type(
        &self,
        mut global: impl FnMut(u32) -> Option<ValType>,
    ) -> Result<Option<ValType>, EvalError> {
        const ANY: ValType = reference(HeapType::Any, true);
        let mut stack = TypeStack { types: Vec::new() };
        for op in self.ops() {
            let (operands, result): (&[ValType], _) = match op {
                ConstOp::I32Const(_) => (&[], Some(ValType::I32)),
                ConstOp::I64Const(_) => (&[], Some(ValType::I64)),
                ConstOp::F32Const(_) => (&[], Some(ValType::F32)),
                ConstOp::F64Const(_) => (&[], Some(ValType::F64)),
                ConstOp::V128Const(_) => (&[], Some(ValType::V128)),
                ConstOp::GlobalGet(index) => (&[], global(index)),
                ConstOp::RefNull(heap) => (&[], Some(reference(heap, true))),
                ConstOp::RefFunc(_) => (&[], Some(reference(HeapType::Func, false))),
                ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => {
                    (&[ValType::I32, ValType::I32], Some(ValType::I32))
                }
                ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => {
                    (&[ValType::I64, ValType::I64], Some(ValType::I64))
                }
                ConstOp::RefI31 => (&[ValType::I32], Some(reference(HeapType::I31, false))),
                // Their result is null if the operand is.
                ConstOp::AnyConvertExtern => (&[ValType::EXTERNREF], None),
                ConstOp::ExternConvertAny => (&[ANY], None),
                // How many operands these take is said by their type.
                ConstOp::StructNew(_)
                | ConstOp::StructNewDefault(_)
                | ConstOp::ArrayNew(_)
                | ConstOp::ArrayNewDefault(_)
                | ConstOp::ArrayNewFixed { .. } => return Ok(None),
            };
            stack.apply(op, operands, result)?;
        }
        match stack.types[..] {
            [ty] => Ok(ty),
            _ => Err(EvalError::NotOneValue),
        }
    }

    /// Computes the value; `global` knows globals' values by their index.
    pub fn eval(
        &self,
        mut global: impl FnMut(u32) -> Option<ConstValue>,
    ) -> Result<ConstValue, EvalError> {
        let mut stack = Vec::new();
        for op in self.ops() {
            let value = match op {
                ConstOp::I32Const(value) => ConstValue::I32(value),
                ConstOp::I64Const(value) => ConstValue::I64(value),
                ConstOp::F32Const(bits) => ConstValue::F32(bits),
                ConstOp::F64Const(bits) => ConstValue::F64(bits),
                ConstOp::V128Const(bytes) => ConstValue::V128(bytes),
                ConstOp::RefNull(heap) => ConstValue::RefNull(heap),
                ConstOp::RefFunc(index) => ConstValue::RefFunc(index),
                ConstOp::GlobalGet(index) => {
                    global(index).ok_or(EvalError::UnknownGlobal(index))?
                }
                ConstOp::I32Add => binary32(op, &mut stack, i32::wrapping_add)?,
                ConstOp::I32Sub => binary32(op, &mut stack, i32::wrapping_sub)?,
                ConstOp::I32Mul => binary32(op, &mut stack, i32::wrapping_mul)?,
                ConstOp::I64Add => binary64(op, &mut stack, i64::wrapping_add)?,
                ConstOp::I64Sub => binary64(op, &mut stack, i64::wrapping_sub)?,
                ConstOp::I64Mul => binary64(op, &mut stack, i64::wrapping_mul)?,
                ConstOp::StructNew(_)
                | ConstOp::StructNewDefault(_)
                | ConstOp::ArrayNew(_)
                | ConstOp::ArrayNewDefault(_)
                | ConstOp::ArrayNewFixed { .. }
                | ConstOp::RefI31
                | ConstOp::AnyConvertExtern
                | ConstOp::ExternConvertAny => return Err(EvalError::NotStatic(op.opcode())),
            };
            stack.push(value);
        }
        match stack[..] {
            [value] => Ok(value),
            _ => Err(EvalError::NotOneValue),
        }
    }
}

/// The types of the values that an expression has made; `None` for one that is not known.
struct TypeStack {
    types: Vec<Option<ValType>>,
}

impl TypeStack {
    /// Takes operands off, the last one first, and puts the result on.
    fn apply(
        &mut self,
        op: ConstOp,
        operands: &[ValType],
        result: Option<ValType>,
    ) -> Result<(), EvalError> {
        for &operand in operands.iter().rev() {
            let fits = |ty: Option<ValType>| ty.is_none_or(|ty| ty.matches(operand));
            if !self.types.pop().is_some_and(fits) {
                return Err(EvalError::Operand(op.opcode()));
            }
        }
        self.types.push(result);
        Ok(())
    }
}

const fn reference(heap: HeapType, nullable: bool) -> ValType {
    ValType::Ref(RefType { nullable, heap })
}

fn binary32(
    op: ConstOp,
    stack: &mut Vec<ConstValue>,
    compute: fn(i32, i32) -> i32,
) -> Result<ConstValue, EvalError> {
    match (stack.pop(), stack.pop()) {
        (Some(ConstValue::I32(b)), Some(ConstValue::I32(a))) => Ok(ConstValue::I32(compute(a, b))),
        _ => Err(EvalError::Operand(op.opcode())),
    }
}

fn binary64(
    op: ConstOp,
    stack: &mut Vec<ConstValue>,
    compute: fn(i64, i64) -> i64,
) -> Result<ConstValue, EvalError> {
    match (stack.pop(), stack.pop()) {
        (Some(ConstValue::I64(b)), Some(ConstValue::I64(a))) => Ok(ConstValue::I64(compute(a, b))),
        _ => Err(EvalError::Operand(op.opcode())),
    }
}

impl From<ConstOp> for ConstExpr<'_> {
    fn from(op: ConstOp) -> Self {
        Self(Repr::One(op))
    }
}

/// Equal when the instructions are, however their numbers are encoded.
impl PartialEq for ConstExpr<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.ops().eq(other.ops())
    }
}

impl Eq for ConstExpr<'_> {}

impl std::fmt::Debug for ConstExpr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ops()).finish()
    }
}
