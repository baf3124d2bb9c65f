//! What the initial value of a global may be (core spec 3.0, 3.4.15 Constant Expressions).

use std::fmt;

use wasm_format::{
    ConstExpr, ConstOp, DecodeError, EvalError, GlobalType, HeapType, Mutability, Reader, ValType,
};

use super::arena::Hole;
use super::defs::Init;
use super::error::DeclName;
use super::handle::{Target, TargetKind};

/// What is wrong with the initial value of a global.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadInit {
    /// It is no sequence of instructions that a constant expression can have.
    Malformed(DecodeError),
    /// An instruction names something by its index, which is known at flush alone.
    IndexWithoutHole {
        /// Offset of the instruction in bytes.
        offset: usize,
    },
    /// An operand is missing or has another type, or there is not exactly one value.
    Operands(EvalError),
    /// The value has another type than the global.
    Type {
        /// Its type.
        found: ValType,
        /// The global's.
        wanted: ValType,
    },
    /// It reads a global that can change.
    MutableGlobal {
        /// The global that it reads.
        global: DeclName,
    },
    /// It reads a global that the module defines after this one, or this one.
    LaterGlobal {
        /// The global that it reads.
        global: DeclName,
    },
}

impl fmt::Display for BadInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "is no constant expression: {error}"),
            Self::IndexWithoutHole { offset } => write!(
                f,
                "has an instruction at offset {offset} whose index is no hole; indices are \
                 known when the module is written"
            ),
            Self::Operands(error) => write!(f, "is no constant expression: {error}"),
            Self::Type { found, wanted } => {
                write!(f, "is of type {found}, and the global of type {wanted}")
            }
            Self::MutableGlobal { global } => {
                write!(
                    f,
                    "reads {global}, which is mutable; a constant cannot depend on it"
                )
            }
            Self::LaterGlobal { global } => write!(
                f,
                "reads {global}, which does not precede it; announce that one first"
            ),
        }
    }
}

impl Init {
    /// Checks all that can be said before other declarations are known: that the expression
    /// of a global of type `ty` is constant, and that every index in it is a hole.
    pub(super) fn check(&self, ty: ValType) -> Result<(), BadInit> {
        let mut bytes = self.bytes.clone();
        for hole in &self.holes {
            hole.write(&mut bytes, 0);
        }
        let mut reader = Reader::new(&bytes);
        let mut holes = self.holes.iter().peekable();
        loop {
            let start = reader.offset();
            let Some(op) = ConstOp::decode(&mut reader).map_err(BadInit::Malformed)? else {
                break;
            };
            let end = reader.offset();
            let in_op = |hole: &&Hole| (hole.offset as usize) < end;
            let mut is_named = false;
            while let Some(hole) = holes.next_if(in_op) {
                is_named |= named_by(op) == Some(hole.target.kind());
            }
            if named_by(op).is_some() && !is_named {
                return Err(BadInit::IndexWithoutHole { offset: start });
            }
        }
        reader
            .finish("the end of the expression")
            .map_err(BadInit::Malformed)?;
        check_type(&bytes, ty, |_| None)
    }

    /// Checks the globals that the value reads: `global` knows the number and type of each.
    /// The value is of the global that has `number`.
    pub(super) fn check_globals(
        &self,
        number: u32,
        global: impl Fn(Target) -> (u32, Option<GlobalType>),
        name: impl Fn(Target) -> DeclName,
    ) -> Result<(), BadInit> {
        for hole in &self.holes {
            if hole.target.kind() != TargetKind::Global {
                continue;
            }
            let (read, ty) = global(hole.target);
            let global = || name(hole.target);
            if ty.is_some_and(|ty| ty.mutability == Mutability::Var) {
                return Err(BadInit::MutableGlobal { global: global() });
            }
            if read >= number {
                return Err(BadInit::LaterGlobal { global: global() });
            }
        }
        Ok(())
    }
}

/// Checks the types in the expression `bytes` of a global of type `wanted`; `global` knows the
/// types of globals by their index.
pub(super) fn check_type(
    bytes: &[u8],
    wanted: ValType,
    global: impl Fn(u32) -> Option<ValType>,
) -> Result<(), BadInit> {
    let expr = ConstExpr::decode(&mut Reader::new(bytes)).map_err(BadInit::Malformed)?;
    match expr.value_type(global).map_err(BadInit::Operands)? {
        Some(found) if !found.matches(wanted) => Err(BadInit::Type { found, wanted }),
        _ => Ok(()),
    }
}

/// What kind of thing the instruction names by its index.
fn named_by(op: ConstOp) -> Option<TargetKind> {
    match op {
        ConstOp::GlobalGet(_) => Some(TargetKind::Global),
        ConstOp::RefFunc(_) => Some(TargetKind::Function),
        ConstOp::RefNull(HeapType::Concrete(_))
        | ConstOp::StructNew(_)
        | ConstOp::StructNewDefault(_)
        | ConstOp::ArrayNew(_)
        | ConstOp::ArrayNewDefault(_)
        | ConstOp::ArrayNewFixed { .. } => Some(TargetKind::Type),
        _ => None,
    }
}
