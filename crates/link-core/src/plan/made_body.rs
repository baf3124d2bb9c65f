//! A body of a function that the linker writes, and what its fields refer to.

use std::ops::Range;

use wasm_format::Opcode;
use wasm_format::leb128::{put_i64, put_u32, put_u64};
use wasm_format::reloc::RelocType;

use super::values::PlanView;
use crate::ids::{FileId, FuncIndex, GlobalIndex, ObjSegment};
use crate::reloc::Reloc;
use crate::resolve::resolution::{MadeFunction, SymbolRef};

/// What a field of a body refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BodyTarget {
    /// A symbol, or the GOT entry of its address.
    Symbol(SymbolRef),
    /// A function the linker writes.
    Function(MadeFunction),
    /// A segment of an object; the addend is an offset in it.
    ObjectSegment(FileId, ObjSegment),
    /// The start of an output segment, by its place in `DataLayout::segments`.
    Segment(u32),
    /// The start of a thread's storage.
    ThreadStorage,
    /// The guard of `__wasm_init_memory`.
    InitFlag,
    /// A helper of a function that was split, by its place in
    /// [`Plan::helper_bodies`](super::Plan::helper_bodies).
    Helper(u32),
}

/// A body: locals and code, without the size that precedes them in the section.
#[derive(Debug, Default)]
pub struct MadeBody {
    /// Its bytes.
    pub code: Vec<u8>,
    /// Its relocations, if the output keeps them.
    pub(crate) relocs: Vec<Reloc<BodyTarget>>,
}

/// The relocations of a constant, of 32 and of 64 bits.
pub(crate) struct ConstReloc([RelocType; 2]);

impl ConstReloc {
    /// An address.
    pub(crate) const ADDRESS: Self = Self([RelocType::MemoryAddrSleb, RelocType::MemoryAddrSleb64]);
    /// An address that `__memory_base` is added to.
    pub(crate) const FROM_MEMORY_BASE: Self =
        Self([RelocType::MemoryAddrRelSleb, RelocType::MemoryAddrRelSleb64]);
    /// An offset that `__tls_base` is added to.
    pub(crate) const FROM_TLS_BASE: Self =
        Self([RelocType::MemoryAddrTlsSleb, RelocType::MemoryAddrTlsSleb64]);
    /// A table slot that `__table_base` is added to.
    pub(crate) const FROM_TABLE_BASE: Self =
        Self([RelocType::TableIndexRelSleb, RelocType::TableIndexRelSleb64]);
}

/// A body under construction.
pub(crate) struct Body {
    pub(crate) code: Vec<u8>,
    /// Whether addresses have 64 bits.
    pub(crate) is_64: bool,
    /// The places of values that can be relocated again, and so have their full width; `None` if
    /// values take as few bytes as they can.
    relocs: Option<Vec<Reloc<BodyTarget>>>,
    /// The parts that a function of its own may hold.
    pub(crate) runs: Vec<StepRun>,
}

/// Consecutive steps of a body. A step uses no local and no label, and leaves the stack as it was,
/// so that any function can do it.
pub(crate) struct StepRun {
    /// Where the first step begins, in bytes from the start of the body.
    pub(crate) start: usize,
    /// Where each step ends.
    pub(crate) ends: Vec<usize>,
}

impl Body {
    /// A body of a function without locals.
    pub(crate) fn new(places: &PlanView<'_, '_>) -> Self {
        Self {
            code: vec![0],
            is_64: places.resolution.is_64,
            relocs: places.keeps_relocs.then(Vec::new),
            runs: Vec::new(),
        }
    }

    /// A body with `count` locals that hold addresses.
    pub(crate) fn with_address_locals(places: &PlanView<'_, '_>, count: u8) -> Self {
        let mut body = Self::new(places);
        body.code = vec![1, count, if body.is_64 { 0x7e } else { 0x7f }];
        body
    }

    /// Nothing, not even locals: what `body` holds is to be appended.
    pub(crate) fn empty_like(body: &Self) -> Self {
        Self {
            code: Vec::new(),
            is_64: body.is_64,
            relocs: body.relocs.as_ref().map(|_| Vec::new()),
            runs: Vec::new(),
        }
    }

    /// A body of a function without locals, for steps of `body`.
    pub(crate) fn helper_of(body: &Self) -> Self {
        let mut helper = Self::empty_like(body);
        helper.code.push(0);
        helper
    }

    /// Appends a range of another body, with the relocations in it.
    pub(crate) fn append(&mut self, body: &Self, range: Range<usize>) {
        let moved = self.code.len() as u32;
        let start = range.start as u32;
        if let (Some(relocs), Some(others)) = (&mut self.relocs, &body.relocs) {
            let offset = |reloc: &Reloc<BodyTarget>| reloc.offset as usize;
            let first = others.partition_point(|reloc| offset(reloc) < range.start);
            let within = others[first..]
                .iter()
                .take_while(|reloc| offset(reloc) < range.end);
            relocs.extend(within.map(|reloc| Reloc {
                offset: reloc.offset - start + moved,
                ..*reloc
            }));
        }
        self.code.extend_from_slice(&body.code[range]);
    }

    pub(crate) fn op(&mut self, op: Opcode) -> &mut Self {
        op.encode(&mut self.code);
        self
    }

    /// An instruction with the index of a local or of a segment, or a label.
    pub(crate) fn op_u32(&mut self, op: Opcode, operand: u32) -> &mut Self {
        self.op(op);
        put_u32(&mut self.code, operand);
        self
    }

    /// A call.
    pub(crate) fn call(&mut self, target: BodyTarget, index: FuncIndex) -> &mut Self {
        self.op(Opcode::Call);
        self.field(RelocType::FunctionIndexLeb, target, 0, u64::from(index.0))
    }

    /// An instruction about a global: a symbol's own, or the GOT entry of its address.
    pub(crate) fn global(
        &mut self,
        op: Opcode,
        (symbol, index): (SymbolRef, GlobalIndex),
    ) -> &mut Self {
        self.op(op);
        let target = BodyTarget::Symbol(symbol);
        self.field(RelocType::GlobalIndexLeb, target, 0, u64::from(index.0))
    }

    /// A constant of 64 (`wide`) or 32 bits that stands for a place: what `target` and `addend`
    /// say is `value` in this output.
    pub(crate) fn place(
        &mut self,
        ConstReloc([narrow, wide_type]): ConstReloc,
        wide: bool,
        (target, addend): (BodyTarget, i64),
        value: u64,
    ) -> &mut Self {
        let (op, ty) = if wide {
            (Opcode::I64Const, wide_type)
        } else {
            (Opcode::I32Const, narrow)
        };
        self.op(op).field(ty, target, addend, value)
    }

    /// A value that can be relocated.
    fn field(&mut self, ty: RelocType, target: BodyTarget, addend: i64, value: u64) -> &mut Self {
        let form = ty.form();
        let start = self.code.len();
        self.code.resize(start + form.width(), 0);
        let field = &mut self.code[start..];
        if let Some(relocs) = &mut self.relocs {
            form.write(field, value);
            relocs.push(Reloc {
                offset: start as u32,
                ty,
                target,
                addend,
            });
        } else {
            let len = form.write_shortest(field, value);
            self.code.truncate(start + len);
        }
        self
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.op(Opcode::I32Const);
        put_i64(&mut self.code, i64::from(value));
        self
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.op(Opcode::I64Const);
        put_i64(&mut self.code, value);
        self
    }

    /// A constant of an address's type that is no place: a size.
    pub(crate) fn size(&mut self, value: u64) -> &mut Self {
        self.constant(self.is_64, value)
    }

    /// Adds two addresses.
    pub(crate) fn add(&mut self) -> &mut Self {
        self.sum(self.is_64)
    }

    /// A constant of 64 (`wide`) or 32 bits.
    pub(crate) fn constant(&mut self, wide: bool, value: u64) -> &mut Self {
        if wide {
            self.i64(value as i64)
        } else {
            self.i32(value as u32 as i32)
        }
    }

    /// Adds two numbers of 64 (`wide`) or 32 bits.
    pub(crate) fn sum(&mut self, wide: bool) -> &mut Self {
        self.op(if wide { Opcode::I64Add } else { Opcode::I32Add })
    }

    /// A memory access: alignment (as a power of two) and offset.
    pub(crate) fn access(&mut self, op: Opcode, align_log2: u32, offset: u64) -> &mut Self {
        self.op_u32(op, align_log2);
        put_u64(&mut self.code, offset);
        self
    }

    pub(crate) fn block(&mut self) -> &mut Self {
        self.op(Opcode::Block);
        self.code.push(0x40);
        self
    }

    /// Says that steps follow, each of which [`end_step`](Self::end_step) ends.
    pub(crate) fn begin_steps(&mut self) {
        self.runs.push(StepRun {
            start: self.code.len(),
            ends: Vec::new(),
        });
    }

    /// Ends a step.
    pub(crate) fn end_step(&mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.ends.push(self.code.len());
        }
    }

    pub(crate) fn finish(mut self) -> Self {
        self.op(Opcode::End);
        self
    }

    /// The body as it is written, which is finished.
    pub(crate) fn done(self) -> MadeBody {
        MadeBody {
            code: self.code,
            relocs: self.relocs.unwrap_or_default(),
        }
    }
}
