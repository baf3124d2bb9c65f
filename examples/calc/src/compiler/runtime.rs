//! What every calc program that prints brings along: functions written by hand.
//!
//! They keep what the system is to see on the stack in linear memory, as C does: the module
//! has `__stack_pointer` for this, and a linker shares it with everybody else's code.

use std::sync::Arc;

use link_core::module::{
    Binding, DataDef, FuncId, FunctionBody, GlobalId, ImportName, Module, ModuleError,
    SymbolAttributes,
};
use wasm_format::{FuncType, Opcode, ValType};

use super::codegen::{EMPTY_BLOCK, Emit};

/// The functions that printing is made of.
pub(crate) struct Runtime {
    /// `(str)`: writes a string.
    pub(crate) text: FuncId,
    /// `(i64)`: writes a number in decimal.
    pub(crate) number: FuncId,
    /// `()`: ends the line.
    pub(crate) newline: FuncId,
}

/// Visible only in the object that defines it.
pub(crate) const LOCAL: SymbolAttributes = SymbolAttributes {
    binding: Binding::Local,
    visibility: link_core::module::Visibility::Default,
    no_strip: false,
    comdat: None,
};

/// A function of WASI preview 1. The symbol is the one that wasi-libc has for it, so that both
/// mean one import where both are linked.
pub(crate) fn wasi_function(
    module: &mut Module,
    name: &str,
    ty: FuncType,
) -> Result<FuncId, ModuleError> {
    let symbol = format!("__imported_wasi_snapshot_preview1_{name}");
    let function = module.announce_imported_function(symbol)?;
    module.set_import(
        function,
        ImportName {
            module: Some("wasi_snapshot_preview1".into()),
            name: Some(Arc::from(name)),
        },
    )?;
    module.update(function, FunctionBody::new(ty))?;
    Ok(function)
}

impl Runtime {
    pub(crate) fn new(module: &mut Module) -> Result<Self, ModuleError> {
        let i32s = |count: usize| vec![ValType::I32; count];
        let fd_write = wasi_function(module, "fd_write", FuncType::new(i32s(4), i32s(1)))?;
        let stack_pointer = module.stack_pointer()?;

        let write = module.announce_function("calc.write")?;
        module.update(write, write_body(fd_write, stack_pointer))?;

        let print_text = module.announce_function("calc.print_text")?;
        module.update(print_text, print_text_body(write))?;

        let print_number = module.announce_function("calc.print_number")?;
        module.update(print_number, print_number_body(write, stack_pointer))?;

        let newline = module.announce_data("calc.newline")?;
        module.update(
            newline,
            DataDef::fixed(b"\n").segment(".rodata.calc.newline"),
        )?;
        module.set_symbol(newline, LOCAL)?;
        let print_newline = module.announce_function("calc.print_newline")?;
        let mut body = FunctionBody::new(FuncType::new([], []));
        body.address(newline, 0).i32_const(1).call(write).end();
        module.update(print_newline, body)?;

        for function in [write, print_text, print_number, print_newline] {
            module.set_symbol(function, LOCAL)?;
        }
        Ok(Self {
            text: print_text,
            number: print_number,
            newline: print_newline,
        })
    }
}

/// The two fields of WASI's `ciovec`, then the number of bytes written; a multiple of 16, as
/// the stack is aligned.
const WRITE_FRAME: i32 = 16;
const WRITTEN: u64 = 8;

/// `(address, length)`: writes to the standard output until all is written.
fn write_body(fd_write: FuncId, stack_pointer: GlobalId) -> FunctionBody {
    use Opcode::{
        Block, Br, BrIf, End, I32Add, I32Eqz, I32Load, I32Store, I32Sub, Loop, Unreachable,
    };
    let (address, length, frame) = (0, 1, 2);
    let mut body = FunctionBody::new(FuncType::new([ValType::I32; 2], []));
    body.locals(1, ValType::I32);
    for (local, name) in [(address, "address"), (length, "length"), (frame, "frame")] {
        body.name_local(local, name);
    }
    body.global_get(stack_pointer)
        .i32_const(WRITE_FRAME)
        .op(I32Sub);
    body.tee(frame).global_set(stack_pointer);
    body.op(Block)
        .code(&[EMPTY_BLOCK])
        .op(Loop)
        .code(&[EMPTY_BLOCK]);
    body.get(length).op(I32Eqz).op(BrIf).unsigned(1);
    body.get(frame).get(address).op(I32Store).code(&[2, 0]);
    body.get(frame).get(length).op(I32Store).code(&[2, 4]);
    // fd_write(1, frame, 1, frame + WRITTEN) is 0, or there is no way to go on.
    body.i32_const(1).get(frame).i32_const(1);
    body.get(frame).i32_const(WRITTEN as i32).op(I32Add);
    body.call(fd_write);
    body.op(Opcode::If)
        .code(&[EMPTY_BLOCK])
        .op(Unreachable)
        .op(End);
    for (local, op) in [(address, I32Add), (length, I32Sub)] {
        body.get(local).get(frame);
        body.op(I32Load)
            .code(&[2])
            .unsigned(WRITTEN)
            .op(op)
            .set(local);
    }
    body.op(Br).unsigned(0).op(End).op(End);
    body.get(frame).i32_const(WRITE_FRAME).op(I32Add);
    body.global_set(stack_pointer).end();
    body
}

/// `(address)`: finds the zero byte that ends the string, and writes what is before it.
fn print_text_body(write: FuncId) -> FunctionBody {
    use Opcode::{Br, BrIf, End, I32Add, I32Eqz, I32Load8U, I32Sub, Loop};
    let (text, end) = (0, 1);
    let mut body = FunctionBody::new(FuncType::new([ValType::I32], []));
    body.locals(1, ValType::I32)
        .name_local(text, "text")
        .name_local(end, "end");
    body.get(text).set(end);
    body.op(Opcode::Block)
        .code(&[EMPTY_BLOCK])
        .op(Loop)
        .code(&[EMPTY_BLOCK]);
    body.get(end).op(I32Load8U).code(&[0, 0]);
    body.op(I32Eqz).op(BrIf).unsigned(1);
    body.get(end).i32_const(1).op(I32Add).set(end);
    body.op(Br).unsigned(0).op(End).op(End);
    body.get(text);
    body.get(end).get(text).op(I32Sub);
    body.call(write).end();
    body
}

/// Room for 19 digits and a sign; a multiple of 16.
const NUMBER_FRAME: i32 = 32;

/// `(number)`: writes the digits from the last to the first into the frame.
fn print_number_body(write: FuncId, stack_pointer: GlobalId) -> FunctionBody {
    use Opcode::{
        BrIf, End, I32Add, I32Store8, I32Sub, I32WrapI64, I64DivU, I64LtS, I64RemU, I64Sub, Loop,
        Select,
    };
    let (number, rest, frame, first) = (0, 1, 2, 3);
    let mut body = FunctionBody::new(FuncType::new([ValType::I64], []));
    body.locals(1, ValType::I64).locals(2, ValType::I32);
    for (local, name) in [
        (number, "number"),
        (rest, "rest"),
        (frame, "frame"),
        (first, "first"),
    ] {
        body.name_local(local, name);
    }
    body.global_get(stack_pointer)
        .i32_const(NUMBER_FRAME)
        .op(I32Sub);
    body.tee(frame).global_set(stack_pointer);
    body.get(frame)
        .i32_const(NUMBER_FRAME)
        .op(I32Add)
        .set(first);
    // The magnitude, as an unsigned number: that of the least i64 is no i64.
    body.i64_const(0).get(number).op(I64Sub).get(number);
    body.get(number)
        .i64_const(0)
        .op(I64LtS)
        .op(Select)
        .set(rest);
    let before_first = |body: &mut FunctionBody| {
        body.get(first).i32_const(1).op(I32Sub).tee(first);
    };
    body.op(Loop).code(&[EMPTY_BLOCK]);
    before_first(&mut body);
    body.get(rest).i64_const(10).op(I64RemU).op(I32WrapI64);
    body.i32_const('0' as i32)
        .op(I32Add)
        .op(I32Store8)
        .code(&[0, 0]);
    body.get(rest).i64_const(10).op(I64DivU).tee(rest);
    body.i64_const(0)
        .op(Opcode::I64Ne)
        .op(BrIf)
        .unsigned(0)
        .op(End);
    body.get(number).i64_const(0).op(I64LtS);
    body.op(Opcode::If).code(&[EMPTY_BLOCK]);
    before_first(&mut body);
    body.i32_const('-' as i32)
        .op(I32Store8)
        .code(&[0, 0])
        .op(End);
    body.get(first);
    body.get(frame).i32_const(NUMBER_FRAME).op(I32Add);
    body.get(first).op(I32Sub).call(write);
    body.get(frame).i32_const(NUMBER_FRAME).op(I32Add);
    body.global_set(stack_pointer).end();
    body
}
