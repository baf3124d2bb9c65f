//! From checked functions to bodies that a module takes.
//!
//! A body is made without the module: all it needs are the handles of what it refers to.

use link_core::module::{DataId, FuncId, FunctionBody};
use wasm_format::{FuncType, Opcode, ValType};

use super::ast::{BinaryOp, Type};
use super::check::{Checked, Signature, Typed, TypedBlock, TypedKind, TypedStatement};
use super::runtime::Runtime;

/// What a body can refer to.
pub(crate) struct Handles<'a> {
    /// The functions that [`Checked::calls`] names.
    pub(crate) function: &'a dyn Fn(&str) -> Option<FuncId>,
    /// The data of [`Checked::texts`].
    pub(crate) texts: &'a [DataId],
    /// What printing calls, if [`Checked::prints`].
    pub(crate) runtime: Option<&'a Runtime>,
}

/// Shorthands for a body being written.
pub(crate) trait Emit {
    fn op(&mut self, op: Opcode) -> &mut Self;
    fn get(&mut self, local: u32) -> &mut Self;
    fn set(&mut self, local: u32) -> &mut Self;
    fn tee(&mut self, local: u32) -> &mut Self;
    fn i32_const(&mut self, value: i32) -> &mut Self;
    fn i64_const(&mut self, value: i64) -> &mut Self;
}

impl Emit for FunctionBody {
    fn op(&mut self, op: Opcode) -> &mut Self {
        let mut bytes = Vec::new();
        op.encode(&mut bytes);
        self.code(&bytes)
    }

    fn get(&mut self, local: u32) -> &mut Self {
        self.op(Opcode::LocalGet).unsigned(local.into())
    }

    fn set(&mut self, local: u32) -> &mut Self {
        self.op(Opcode::LocalSet).unsigned(local.into())
    }

    fn tee(&mut self, local: u32) -> &mut Self {
        self.op(Opcode::LocalTee).unsigned(local.into())
    }

    fn i32_const(&mut self, value: i32) -> &mut Self {
        self.op(Opcode::I32Const).signed(value.into())
    }

    fn i64_const(&mut self, value: i64) -> &mut Self {
        self.op(Opcode::I64Const).signed(value)
    }
}

/// The type as WebAssembly has it.
pub(crate) fn val_type(ty: Type) -> ValType {
    match ty {
        Type::I64 => ValType::I64,
        Type::I32 | Type::Text => ValType::I32,
    }
}

/// The signature as WebAssembly has it.
pub(crate) fn func_type(signature: &Signature) -> FuncType {
    FuncType::new(
        signature.params.iter().map(|ty| val_type(*ty)),
        signature.result.map(val_type),
    )
}

/// Compiles a function; `None` if `handles` lacks something that it needs.
pub(crate) fn compile(function: &Checked, handles: &Handles<'_>) -> Option<FunctionBody> {
    let mut body = FunctionBody::new(func_type(&function.signature));
    let params = function.signature.params.len();
    for (index, local) in function.locals.iter().enumerate() {
        if index >= params {
            body.locals(1, val_type(local.ty));
        }
        body.name_local(index as u32, local.name.as_str());
    }
    let mut generator = Generator { body, handles };
    generator.block(&function.body)?;
    generator.body.end();
    Some(generator.body)
}

struct Generator<'a> {
    body: FunctionBody,
    handles: &'a Handles<'a>,
}

impl Generator<'_> {
    /// Leaves the value of the block on the stack, if it has one.
    fn block(&mut self, block: &TypedBlock) -> Option<()> {
        for statement in &block.statements {
            match statement {
                TypedStatement::Let(local, value) => {
                    self.expr(value)?;
                    self.body.set(*local);
                }
                TypedStatement::Do(value) => {
                    self.expr(value)?;
                    if value.ty.is_some() {
                        self.body.op(Opcode::Drop);
                    }
                }
            }
        }
        match &block.value {
            Some(value) => self.expr(value),
            None => Some(()),
        }
    }

    fn expr(&mut self, expr: &Typed) -> Option<()> {
        match &expr.kind {
            TypedKind::Number(number) => {
                if expr.ty == Some(Type::I64) {
                    self.body.i64_const(*number);
                } else {
                    // The checker saw to it that the number fits.
                    self.body.i32_const(*number as i32);
                }
            }
            TypedKind::Text(index) => {
                self.body.address(*self.handles.texts.get(*index)?, 0);
            }
            TypedKind::Local(local) => {
                self.body.get(*local);
            }
            TypedKind::Call(name, args) => {
                for arg in args {
                    self.expr(arg)?;
                }
                self.body.call((self.handles.function)(name)?);
            }
            TypedKind::Print(args) => self.print(args)?,
            TypedKind::Convert(value) => {
                self.expr(value)?;
                match (value.ty, expr.ty) {
                    (Some(Type::I32), Some(Type::I64)) => self.body.op(Opcode::I64ExtendI32S),
                    (Some(Type::I64), Some(Type::I32)) => self.body.op(Opcode::I32WrapI64),
                    _ => &mut self.body,
                };
            }
            TypedKind::Negate(value) => {
                let wide = value.ty == Some(Type::I64);
                if wide {
                    self.body.i64_const(0);
                } else {
                    self.body.i32_const(0);
                }
                self.expr(value)?;
                self.body.op(operator(BinaryOp::Sub, wide));
            }
            TypedKind::Binary(op, left, right) => {
                self.expr(left)?;
                self.expr(right)?;
                self.body.op(operator(*op, left.ty == Some(Type::I64)));
            }
            TypedKind::If(condition, then, otherwise) => {
                self.expr(condition)?;
                let mut block_type = Vec::new();
                match expr.ty {
                    Some(ty) => val_type(ty).encode(&mut block_type),
                    None => block_type.push(EMPTY_BLOCK),
                }
                self.body.op(Opcode::If).code(&block_type);
                self.block(then)?;
                if let Some(otherwise) = otherwise {
                    self.body.op(Opcode::Else);
                    self.block(otherwise)?;
                }
                self.body.end();
            }
        }
        Some(())
    }

    fn print(&mut self, args: &[Typed]) -> Option<()> {
        let runtime = self.handles.runtime?;
        for arg in args {
            self.expr(arg)?;
            match arg.ty {
                Some(Type::Text) => self.body.call(runtime.text),
                Some(Type::I32) => self.body.op(Opcode::I64ExtendI32S).call(runtime.number),
                _ => self.body.call(runtime.number),
            };
        }
        self.body.call(runtime.newline);
        Some(())
    }
}

/// The type of a block that leaves nothing (core spec, 5.4.1 Control Instructions).
pub(crate) const EMPTY_BLOCK: u8 = 0x40;

fn operator(op: BinaryOp, wide: bool) -> Opcode {
    let (narrow, wide_op) = match op {
        BinaryOp::Add => (Opcode::I32Add, Opcode::I64Add),
        BinaryOp::Sub => (Opcode::I32Sub, Opcode::I64Sub),
        BinaryOp::Mul => (Opcode::I32Mul, Opcode::I64Mul),
        BinaryOp::Div => (Opcode::I32DivS, Opcode::I64DivS),
        BinaryOp::Rem => (Opcode::I32RemS, Opcode::I64RemS),
        BinaryOp::Eq => (Opcode::I32Eq, Opcode::I64Eq),
        BinaryOp::Ne => (Opcode::I32Ne, Opcode::I64Ne),
        BinaryOp::Lt => (Opcode::I32LtS, Opcode::I64LtS),
        BinaryOp::Le => (Opcode::I32LeS, Opcode::I64LeS),
        BinaryOp::Gt => (Opcode::I32GtS, Opcode::I64GtS),
        BinaryOp::Ge => (Opcode::I32GeS, Opcode::I64GeS),
    };
    if wide { wide_op } else { narrow }
}
