//! What the parser makes of a source text.

use std::fmt;
use std::sync::Arc;

use super::source::{Pos, Source};

/// A type of calc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    I32,
    I64,
    /// The address of bytes that end with a zero byte, as C has it.
    Text,
}

impl Type {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "i32" => Some(Type::I32),
            "i64" => Some(Type::I64),
            "str" => Some(Type::Text),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::Text => "str",
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) source: Arc<Source>,
    /// Where its name is.
    pub(crate) at: Pos,
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    pub(crate) result: Option<Type>,
    pub(crate) kind: FunctionKind,
}

#[derive(Debug, Clone)]
pub(crate) enum FunctionKind {
    /// `fn f() { … }`
    Defined(Block),
    /// `fn f();`: the definition comes later.
    Promised,
    /// `extern "module" fn f();`
    Extern { module: Option<String> },
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) statements: Vec<Statement>,
    pub(crate) value: Option<Box<Expr>>,
    /// Where its closing brace is.
    pub(crate) end: Pos,
}

#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Let { name: String, value: Expr },
    Expr(Expr),
}

#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) at: Pos,
    pub(crate) kind: ExprKind,
    /// How many expressions lie one within the other here.
    pub(crate) depth: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    Number(i64),
    Text(String),
    Name(String),
    Call {
        name: String,
        args: Vec<Expr>,
    },
    Negate(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    If {
        condition: Box<Expr>,
        then: Block,
        otherwise: Option<Block>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl BinaryOp {
    pub(crate) fn is_comparison(self) -> bool {
        use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}
