//! From functions to functions in which everything has a type, a place or a signature.

use std::sync::Arc;

use super::ast::{BinaryOp, Block, Expr, ExprKind, Function, Param, Statement, Type};
use super::source::{Diagnostic, Pos, Source};

/// What is known of a function without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) params: Vec<Type>,
    pub(crate) result: Option<Type>,
}

impl Signature {
    pub(crate) fn of(function: &Function) -> Self {
        Self {
            params: function.params.iter().map(|param| param.ty).collect(),
            result: function.result,
        }
    }
}

/// A function that can be compiled.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) signature: Signature,
    /// Parameters first, then what `let` declares.
    pub(crate) locals: Vec<Param>,
    /// String constants.
    pub(crate) texts: Vec<String>,
    /// The functions it calls, each once.
    pub(crate) calls: Vec<String>,
    /// Whether it prints something.
    pub(crate) prints: bool,
    pub(crate) body: TypedBlock,
}

#[derive(Debug)]
pub(crate) struct TypedBlock {
    pub(crate) statements: Vec<TypedStatement>,
    pub(crate) value: Option<Box<Typed>>,
}

#[derive(Debug)]
pub(crate) enum TypedStatement {
    /// Evaluates and stores in a local.
    Let(u32, Typed),
    /// Evaluates and drops the value, if there is one.
    Do(Typed),
}

/// An expression and its type; `None` if it has no value.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) ty: Option<Type>,
    pub(crate) kind: TypedKind,
}

#[derive(Debug)]
pub(crate) enum TypedKind {
    Number(i64),
    /// One of [`Checked::texts`].
    Text(usize),
    Local(u32),
    Call(String, Vec<Typed>),
    Print(Vec<Typed>),
    Convert(Box<Typed>),
    Negate(Box<Typed>),
    Binary(BinaryOp, Box<Typed>, Box<Typed>),
    If(Box<Typed>, TypedBlock, Option<TypedBlock>),
}

type Result<T> = std::result::Result<T, Diagnostic>;

/// What a function can refer to.
pub(crate) struct Known<'a> {
    /// The signature of the function of this name.
    pub(crate) signature: &'a dyn Fn(&str) -> Option<Signature>,
    /// A function whose name is nearly this one.
    pub(crate) near: &'a dyn Fn(&str) -> Option<String>,
}

/// Checks a function whose body is `block`.
pub(crate) fn check(function: &Function, block: &Block, known: &Known<'_>) -> Result<Checked> {
    let mut checker = Checker::new(function, known);
    let body = checker.block(block, function.result)?;
    checker.same(
        block.value.as_ref().map_or(block.end, |value| value.at),
        function.result,
        body.value.as_ref().and_then(|value| value.ty),
        &format!("`{}` returns", function.name),
    )?;
    Ok(checker.finish(function, body))
}

/// Checks what was typed at the prompt: a function that prints the value of its block.
pub(crate) fn check_input(
    function: &Function,
    block: &Block,
    known: &Known<'_>,
) -> Result<Checked> {
    let mut checker = Checker::new(function, known);
    let mut body = checker.block(block, None)?;
    body.value = body.value.map(|value| {
        if value.ty.is_none() {
            return value;
        }
        checker.prints = true;
        Box::new(Typed {
            ty: None,
            kind: TypedKind::Print(vec![*value]),
        })
    });
    Ok(checker.finish(function, body))
}

struct Checker<'a> {
    source: &'a Arc<Source>,
    known: &'a Known<'a>,
    locals: Vec<Param>,
    /// The locals whose names mean something here; later ones hide earlier ones.
    visible: Vec<u32>,
    texts: Vec<String>,
    calls: Vec<String>,
    prints: bool,
}

impl<'a> Checker<'a> {
    fn new(function: &'a Function, known: &'a Known<'a>) -> Self {
        Self {
            source: &function.source,
            known,
            locals: function.params.clone(),
            visible: (0..function.params.len() as u32).collect(),
            texts: Vec::new(),
            calls: Vec::new(),
            prints: false,
        }
    }

    fn finish(self, function: &Function, body: TypedBlock) -> Checked {
        Checked {
            signature: Signature::of(function),
            locals: self.locals,
            texts: self.texts,
            calls: self.calls,
            prints: self.prints,
            body,
        }
    }

    fn error<T>(&self, at: Pos, message: impl Into<String>) -> Result<T> {
        Err(Diagnostic::new(self.source, at, message))
    }

    /// That what `giver` gives (`"… returns"`) is of the type it must be of.
    fn same(&self, at: Pos, wanted: Option<Type>, found: Option<Type>, giver: &str) -> Result<()> {
        let message = match (wanted, found) {
            (Some(wanted), Some(found)) if wanted != found => {
                format!("{giver} `{wanted}`, but this is `{found}`")
            }
            (Some(wanted), None) => format!("{giver} `{wanted}`, but there is no value here"),
            (None, Some(found)) => {
                format!("{giver} nothing, but this is `{found}`; end it with `;` to drop it")
            }
            _ => return Ok(()),
        };
        self.error(at, message)
    }

    /// Checks `block`, whose value is to be of the type `wanted` if that is known; the
    /// caller compares.
    fn block(&mut self, block: &Block, wanted: Option<Type>) -> Result<TypedBlock> {
        let visible = self.visible.len();
        let mut statements = Vec::new();
        for statement in &block.statements {
            statements.push(match statement {
                Statement::Let { name, value } => {
                    let at = value.at;
                    let value = self.value(value, None)?;
                    let Some(ty) = value.ty else {
                        return self.error(at, "this has no value");
                    };
                    let local = self.locals.len() as u32;
                    self.visible.push(local);
                    self.locals.push(Param {
                        name: name.clone(),
                        ty,
                    });
                    TypedStatement::Let(local, value)
                }
                Statement::Expr(expr) => TypedStatement::Do(self.expr(expr, None)?),
            });
        }
        let value = match &block.value {
            Some(value) => Some(Box::new(self.expr(value, wanted)?)),
            None => None,
        };
        self.visible.truncate(visible);
        Ok(TypedBlock { statements, value })
    }

    /// An expression that must have a value: of the type `wanted` if there is one.
    fn value(&mut self, expr: &Expr, wanted: Option<Type>) -> Result<Typed> {
        let typed = self.expr(expr, wanted)?;
        match (typed.ty, wanted) {
            (None, _) => self.error(expr.at, "this has no value"),
            (Some(found), Some(wanted)) if found != wanted => {
                self.error(expr.at, format!("expected `{wanted}`, found `{found}`"))
            }
            _ => Ok(typed),
        }
    }

    /// An expression. `wanted` gives numbers their type; that the whole is of this type is
    /// for the caller to check.
    fn expr(&mut self, expr: &Expr, wanted: Option<Type>) -> Result<Typed> {
        let typed = |ty, kind| Ok(Typed { ty: Some(ty), kind });
        match &expr.kind {
            ExprKind::Number(number) => {
                if wanted == Some(Type::I64) {
                    return typed(Type::I64, TypedKind::Number(*number));
                }
                if i32::try_from(*number).is_err() {
                    let message = format!(
                        "`{number}` does not fit in `i32`; `i64({number})` is a number of 64 bits"
                    );
                    return self.error(expr.at, message);
                }
                typed(Type::I32, TypedKind::Number(*number))
            }
            ExprKind::Text(text) => {
                let index = self.texts.iter().position(|known| known == text);
                let index = index.unwrap_or_else(|| {
                    self.texts.push(text.clone());
                    self.texts.len() - 1
                });
                typed(Type::Text, TypedKind::Text(index))
            }
            ExprKind::Name(name) => {
                let mut visible = self.visible.iter().rev();
                match visible.find(|local| self.locals[**local as usize].name == *name) {
                    Some(&local) => typed(self.locals[local as usize].ty, TypedKind::Local(local)),
                    None if (self.known.signature)(name).is_some() => self.error(
                        expr.at,
                        format!("`{name}` is a function; call it with `{name}(…)`"),
                    ),
                    None => self.error(expr.at, format!("unknown variable `{name}`")),
                }
            }
            ExprKind::Call { name, args } => self.call(expr.at, name, args),
            ExprKind::Negate(value) => {
                let at = value.at;
                let value = self.value(value, wanted)?;
                let ty = self.number(at, &value)?;
                typed(ty, TypedKind::Negate(Box::new(value)))
            }
            ExprKind::Binary { op, left, right } => {
                let wanted = wanted.filter(|_| !op.is_comparison());
                let (left_at, right_at) = (left.at, right.at);
                // A number takes the type of what it is combined with, on either side.
                let (left, right) = if is_constant(left) {
                    let right = self.value(right, wanted)?;
                    (self.value(left, right.ty)?, right)
                } else {
                    let left = self.value(left, wanted)?;
                    let right = self.value(right, left.ty)?;
                    (left, right)
                };
                let ty = self.number(left_at, &left)?;
                self.number(right_at, &right)?;
                let ty = if op.is_comparison() { Type::I32 } else { ty };
                typed(ty, TypedKind::Binary(*op, Box::new(left), Box::new(right)))
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                let condition = Box::new(self.value(condition, Some(Type::I32))?);
                let typed_then = self.block(then, wanted)?;
                let ty = typed_then.value.as_ref().and_then(|value| value.ty);
                let at = |block: &Block| block.value.as_ref().map_or(block.end, |value| value.at);
                let otherwise = if let Some(block) = otherwise {
                    let typed = self.block(block, ty)?;
                    let found = typed.value.as_ref().and_then(|value| value.ty);
                    self.same(at(block), ty, found, "the other branch gives")?;
                    Some(typed)
                } else {
                    self.same(at(then), None, ty, "an `if` without `else` gives")?;
                    None
                };
                let kind = TypedKind::If(condition, typed_then, otherwise);
                Ok(Typed { ty, kind })
            }
        }
    }

    fn number(&self, at: Pos, value: &Typed) -> Result<Type> {
        match value.ty {
            Some(ty @ (Type::I32 | Type::I64)) => Ok(ty),
            _ => self.error(at, "expected a number, found a string"),
        }
    }

    fn call(&mut self, at: Pos, name: &str, args: &[Expr]) -> Result<Typed> {
        if name == "print" {
            let args: Result<_> = args.iter().map(|arg| self.value(arg, None)).collect();
            self.prints = true;
            return Ok(Typed {
                ty: None,
                kind: TypedKind::Print(args?),
            });
        }
        if let Some(to @ (Type::I32 | Type::I64)) = Type::named(name) {
            let [arg] = args else {
                return self.error(at, format!("`{name}` converts one number"));
            };
            let hint = is_constant(arg).then_some(to);
            let value = self.value(arg, hint)?;
            self.number(arg.at, &value)?;
            return Ok(Typed {
                ty: Some(to),
                kind: TypedKind::Convert(Box::new(value)),
            });
        }
        let Some(signature) = (self.known.signature)(name) else {
            let near = (self.known.near)(name);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return self.error(at, format!("unknown function `{name}`{hint}"));
        };
        let count = signature.params.len();
        if args.len() != count {
            let s = if count == 1 { "" } else { "s" };
            let message = format!("`{name}` takes {count} argument{s}, not {}", args.len());
            return self.error(at, message);
        }
        let pairs = args.iter().zip(&signature.params);
        let args: Result<_> = pairs.map(|(arg, ty)| self.value(arg, Some(*ty))).collect();
        if !self.calls.iter().any(|known| known == name) {
            self.calls.push(name.to_owned());
        }
        Ok(Typed {
            ty: signature.result,
            kind: TypedKind::Call(name.to_owned(), args?),
        })
    }
}

/// Whether the type of `expr` depends on where it stands.
fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => true,
        ExprKind::Negate(value) => is_constant(value),
        ExprKind::Binary { op, left, right } => {
            !op.is_comparison() && is_constant(left) && is_constant(right)
        }
        _ => false,
    }
}
