//! Bodies of functions as clang makes them without optimisation: a stack frame, and for every
//! statement loads, an operation and a store.

use test_objects::FunctionDef;
use wasm_format::leb128::{put_i32, put_i32_fixed, put_i64, put_u32, put_u32_fixed};
use wasm_format::reloc::{RelocEntry, RelocType};
use wasm_format::{Opcode, ValType};

use super::plan::Signature;
use super::random::Random;

/// A function that is called.
pub(super) struct Callee {
    /// Its symbol.
    pub(super) symbol: u32,
    /// Its index in the object.
    pub(super) function: u32,
    pub(super) signature: Signature,
}

/// A place in memory that code refers to.
pub(super) enum Datum {
    /// The address of the symbol is taken.
    Address(u32),
    /// The number that the symbol stands for is read.
    Read(u32),
    /// A method is called through the table that the symbol stands for.
    VirtualCall(u32),
}

/// The symbols that any code refers to.
#[derive(Clone, Copy)]
pub(super) struct Common {
    pub(super) stack_pointer: u32,
    pub(super) table: u32,
}

/// A function's body.
pub(super) struct Body {
    pub(super) function: FunctionDef,
    /// The local that holds the address of the stack frame, if it has one.
    pub(super) frame: Option<u32>,
}

/// Makes a body. `filler` is the number of statements that neither call nor refer to data.
pub(super) fn body(
    common: Common,
    random: &mut Random,
    signature: Signature,
    callees: &[Callee],
    data: &[Datum],
    filler: u32,
) -> Body {
    let params: u32 = match signature {
        Signature::Nothing => 0,
        Signature::Pointer | Signature::Getter => 1,
        Signature::Binary | Signature::Long | Signature::Setter => 2,
        Signature::Triple => 3,
    };
    // A leaf that does little has no frame of its own.
    let framed = !callees.is_empty() || !data.is_empty() || filler > 2;
    let frame = params + 2;
    let scratch = frame + 1;
    let locals = 4 + filler.min(60);
    let mut code = Code::default();

    code.global(Opcode::GlobalGet, common.stack_pointer);
    code.local(Opcode::LocalSet, params);
    code.constant(64);
    code.local(Opcode::LocalSet, params + 1);
    code.local(Opcode::LocalGet, params);
    code.local(Opcode::LocalGet, params + 1);
    code.op(Opcode::I32Sub);
    code.local(Opcode::LocalSet, frame);
    if framed {
        code.local(Opcode::LocalGet, frame);
        code.global(Opcode::GlobalSet, common.stack_pointer);
    }
    for param in 0..params {
        code.local(Opcode::LocalGet, frame);
        code.local(Opcode::LocalGet, param);
        if signature == Signature::Long && param == 1 {
            code.memory(Opcode::I64Store, 3, 48);
        } else {
            code.memory(Opcode::I32Store, 2, 60 - 4 * param);
        }
    }
    for statement in 0..filler {
        let (read, written) = (4 * random.below(12), 4 * random.below(12));
        let local = scratch + statement % locals;
        code.local(Opcode::LocalGet, frame);
        code.memory(Opcode::I32Load, 2, read);
        code.local(Opcode::LocalSet, local);
        if random.percent(50) {
            code.constant(random.below(300) as i32);
            code.local(Opcode::LocalGet, local);
            code.op(Opcode::I32Add);
            code.local(Opcode::LocalSet, local);
        }
        code.local(Opcode::LocalGet, frame);
        code.local(Opcode::LocalGet, local);
        code.memory(Opcode::I32Store, 2, written);
    }
    for datum in data {
        match *datum {
            Datum::Address(symbol) => {
                code.address(symbol, 0);
                code.local(Opcode::LocalSet, scratch);
            }
            Datum::Read(symbol) => {
                code.constant(0);
                code.op(Opcode::I32Load);
                put_u32(&mut code.bytes, 2);
                code.reloc(RelocType::MemoryAddrLeb, symbol, 0);
                put_u32_fixed(&mut code.bytes, 0);
                code.local(Opcode::LocalSet, scratch);
            }
            Datum::VirtualCall(symbol) => {
                // Behind the two words that come before the methods.
                code.address(symbol, 8);
                code.local(Opcode::LocalSet, scratch);
                code.local(Opcode::LocalGet, frame);
                code.local(Opcode::LocalGet, scratch);
                code.memory(Opcode::I32Load, 2, 0);
                code.op(Opcode::CallIndirect);
                let ty = Signature::Getter as u32;
                code.reloc(RelocType::TypeIndexLeb, ty, 0);
                put_u32_fixed(&mut code.bytes, ty);
                code.reloc(RelocType::TableNumberLeb, common.table, 0);
                put_u32_fixed(&mut code.bytes, 0);
                code.op(Opcode::Drop);
            }
        }
    }
    for callee in callees {
        code.call(callee, frame, scratch);
    }
    if framed {
        code.local(Opcode::LocalGet, frame);
        code.constant(64);
        code.op(Opcode::I32Add);
        code.global(Opcode::GlobalSet, common.stack_pointer);
    }
    match signature {
        Signature::Getter | Signature::Binary => code.local(Opcode::LocalGet, scratch),
        Signature::Long => code.long(0),
        Signature::Nothing | Signature::Pointer | Signature::Triple | Signature::Setter => {}
    }
    code.op(Opcode::End);
    Body {
        function: FunctionDef {
            ty: signature as u32,
            locals: vec![(3 + locals, ValType::I32)],
            code: code.bytes,
            relocs: code.relocs,
        },
        frame: framed.then_some(frame),
    }
}

/// Code that grows.
#[derive(Default)]
struct Code {
    bytes: Vec<u8>,
    relocs: Vec<RelocEntry>,
}

impl Code {
    fn op(&mut self, opcode: Opcode) {
        opcode.encode(&mut self.bytes);
    }

    fn local(&mut self, opcode: Opcode, local: u32) {
        self.op(opcode);
        put_u32(&mut self.bytes, local);
    }

    fn constant(&mut self, value: i32) {
        self.op(Opcode::I32Const);
        put_i32(&mut self.bytes, value);
    }

    fn long(&mut self, value: i64) {
        self.op(Opcode::I64Const);
        put_i64(&mut self.bytes, value);
    }

    fn memory(&mut self, opcode: Opcode, align_log2: u32, offset: u32) {
        self.op(opcode);
        put_u32(&mut self.bytes, align_log2);
        put_u32(&mut self.bytes, offset);
    }

    /// The next bytes are to be patched.
    fn reloc(&mut self, ty: RelocType, index: u32, addend: i64) {
        self.relocs.push(RelocEntry {
            ty,
            offset: self.bytes.len() as u32,
            index,
            addend,
        });
    }

    fn global(&mut self, opcode: Opcode, symbol: u32) {
        self.op(opcode);
        self.reloc(RelocType::GlobalIndexLeb, symbol, 0);
        put_u32_fixed(&mut self.bytes, 0);
    }

    fn address(&mut self, symbol: u32, addend: i64) {
        self.op(Opcode::I32Const);
        self.reloc(RelocType::MemoryAddrSleb, symbol, addend);
        put_i32_fixed(&mut self.bytes, addend as i32);
    }

    fn call(&mut self, callee: &Callee, frame: u32, scratch: u32) {
        let arguments: &[ValType] = match callee.signature {
            Signature::Nothing => &[],
            Signature::Pointer | Signature::Getter => &[ValType::I32],
            Signature::Binary | Signature::Setter => &[ValType::I32; 2],
            Signature::Triple => &[ValType::I32; 3],
            Signature::Long => &[ValType::I32, ValType::I64],
        };
        for argument in arguments {
            match argument {
                ValType::I64 => self.long(100),
                _ => self.local(Opcode::LocalGet, frame),
            }
        }
        self.op(Opcode::Call);
        self.reloc(RelocType::FunctionIndexLeb, callee.symbol, 0);
        put_u32_fixed(&mut self.bytes, callee.function);
        match callee.signature {
            Signature::Getter | Signature::Binary => self.local(Opcode::LocalSet, scratch),
            Signature::Long => self.op(Opcode::Drop),
            Signature::Nothing | Signature::Pointer | Signature::Triple | Signature::Setter => {}
        }
    }
}
