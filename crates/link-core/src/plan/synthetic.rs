//! Bodies of the functions that the linker writes: locals and code, without the size that
//! precedes them in the section.

use wasm_format::leb128::put_u32;
use wasm_format::{FuncType, Opcode, Reader};

use super::load_relocs;
use super::made_body::{Body, BodyTarget, ConstReloc, MadeBody};
use super::segments::OutputSegment;
use super::split::Splitter;
use super::values::{PlanView, Value};
use crate::diag::{Code, Diagnostic};
use crate::ids::{FuncIndex, GlobalIndex, SymbolId};
use crate::pass::synthesize::{FunctionRef, SynthFunction, Synthesis};
use crate::resolve::resolution::{MadeFunction, Resolution, SymbolRef};

/// The bodies of all functions the linker writes, in the order of their indices.
///
/// # Errors
/// If a function that one of them calls is not in the output.
pub(crate) fn write(
    places: &PlanView<'_, '_>,
    synthesis: &Synthesis<'_>,
    splitter: &mut Splitter,
) -> Result<Vec<MadeBody>, Diagnostic> {
    synthesis
        .functions
        .iter()
        .map(|&function| match function {
            SynthFunction::Stub(_) => Ok(stub(places).done()),
            SynthFunction::Made(made) => {
                splitter.split(made.name(), made_body(places, synthesis, made)?)
            }
        })
        .collect()
}

fn made_body(
    places: &PlanView<'_, '_>,
    synthesis: &Synthesis<'_>,
    made: MadeFunction,
) -> Result<Body, Diagnostic> {
    Ok(match made {
        MadeFunction::CallCtors => call_ctors(places, synthesis)?,
        MadeFunction::InitMemory => init_memory(places),
        MadeFunction::InitTls => init_tls(places),
        MadeFunction::ApplyDataRelocs => load_relocs::data_relocs(places, false),
        MadeFunction::ApplyTlsRelocs => load_relocs::data_relocs(places, true),
        MadeFunction::ApplyGlobalRelocs => load_relocs::global_relocs(places, synthesis, false),
        MadeFunction::ApplyGlobalTlsRelocs => load_relocs::global_relocs(places, synthesis, true),
        MadeFunction::Start => start(places, synthesis)?,
    })
}

/// The bodies of the wrappers of exports, in the order of their indices.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_wrappers(
    places: &PlanView<'_, '_>,
    synthesis: &Synthesis<'_>,
    splitter: &mut Splitter,
) -> Result<Vec<MadeBody>, Diagnostic> {
    (synthesis.wrappers.iter())
        .map(|&symbol| {
            let name = format!("{}.command_export", places.resolution.symbol(symbol).name);
            splitter.split(&name, wrapper(places, symbol)?)
        })
        .collect()
}

/// Traps.
fn stub(places: &PlanView<'_, '_>) -> Body {
    let mut body = Body::new(places);
    body.op(Opcode::Unreachable);
    body.finish()
}

/// The index of the function that a symbol means.
fn function(places: &PlanView<'_, '_>, symbol: SymbolRef) -> Result<FuncIndex, Diagnostic> {
    let function = places.resolution.function(symbol);
    let index = function.and_then(|function| places.functions.get(function));
    index.ok_or_else(|| not_there(places.resolution.name(symbol)))
}

/// The error about a call of a function that the output does not have.
fn not_there(name: &str) -> Diagnostic {
    let message = format!("cannot call `{name}`: it is not in the output");
    Diagnostic::error(Code::Other, message).about(name)
}

/// How many parameters and results a signature has. A function without one is an error
/// where its type is written.
fn arity(signature: Option<&[u8]>) -> (u32, u32) {
    // Signatures come from objects whose types were decoded when they were read.
    let ty = signature.and_then(|bytes| FuncType::decode(&mut Reader::new(bytes)).ok());
    ty.map_or((0, 0), |ty| {
        (ty.params.len() as u32, ty.results.len() as u32)
    })
}

/// The signature of a symbol's function.
pub(crate) fn signature<'a>(resolution: &Resolution<'a>, symbol: SymbolRef) -> Option<&'a [u8]> {
    match (symbol, resolution.function(symbol)) {
        (_, Some(FunctionRef::Object(file, function))) => {
            let object = resolution.object(file);
            Some(object.types[object.functions[function].ty.index()])
        }
        (SymbolRef::Global(id), _) => resolution.symbol(id).signature,
        _ => None,
    }
}

/// Calls the init functions and drops their results.
fn call_ctors(places: &PlanView<'_, '_>, synthesis: &Synthesis<'_>) -> Result<Body, Diagnostic> {
    let mut body = Body::new(places);
    body.begin_steps();
    for &init in &synthesis.init_functions {
        let index = function(places, init)?;
        let called = places.functions.called(init, index);
        body.call(BodyTarget::Symbol(init), called);
        let (_, results) = arity(signature(places.resolution, init));
        for _ in 0..results {
            body.op(Opcode::Drop);
        }
        body.end_step();
    }
    Ok(body.finish())
}

/// Runs constructors, the exported function, and destructors.
fn wrapper(places: &PlanView<'_, '_>, symbol: SymbolId) -> Result<Body, Diagnostic> {
    let resolution = places.resolution;
    let mut body = Body::new(places);
    if let Some(ctors) = places.functions.made(MadeFunction::CallCtors) {
        body.call(BodyTarget::Function(MadeFunction::CallCtors), ctors);
    }
    let symbol = SymbolRef::Global(symbol);
    let (params, _) = arity(signature(resolution, symbol));
    for param in 0..params {
        body.op_u32(Opcode::LocalGet, param);
    }
    body.call(BodyTarget::Symbol(symbol), function(places, symbol)?);
    if let Some(dtors) = resolution.call_dtors {
        let dtors = SymbolRef::Global(dtors);
        body.call(BodyTarget::Symbol(dtors), function(places, dtors)?);
    }
    Ok(body.finish())
}

/// Calls what has to run at instantiation, one after the other: what completes the memory
/// before the objects' start functions, which may use it.
fn start(places: &PlanView<'_, '_>, synthesis: &Synthesis<'_>) -> Result<Body, Diagnostic> {
    let mut body = Body::new(places);
    body.begin_steps();
    for made in [MadeFunction::ApplyGlobalRelocs, MadeFunction::InitMemory] {
        if let Some(index) = places.functions.made(made) {
            body.call(BodyTarget::Function(made), index);
            body.end_step();
        }
    }
    for &(file, start) in &synthesis.start_functions {
        let symbol = places.resolution.symbol_ref(file, start);
        let index = places.functions.called_by(places.resolution, symbol);
        let index = index.ok_or_else(|| not_there(places.resolution.name(symbol)))?;
        body.call(BodyTarget::Symbol(symbol), index);
        body.end_step();
    }
    Ok(body.finish())
}

/// Whether `__wasm_init_memory` has to write a segment.
fn needs_init(segment: &OutputSegment<'_>, imported_memory: bool) -> bool {
    segment.passive || !segment.in_file && imported_memory && segment.size > 0
}

/// Fills memory from passive segments and clears what is to be zero. A memory that
/// threads share is filled by the first of them, for which the others wait: the guard
/// goes from 0 over 1 (being filled) to 2 (done).
fn init_memory(places: &PlanView<'_, '_>) -> Body {
    /// The local that holds the guard's address. That of the template's is the next, or the first.
    const FLAG: u32 = 0;
    let memory = places.memory;
    let is_pic = places.memory_base().is_some();
    let cooperative = places.resolution.made.is_cooperative();
    let storage = FLAG + u32::from(memory.init_flag.is_some());
    let mut body = match (memory.init_flag, memory.tls) {
        (Some(_), tls) if is_pic => Body::with_address_locals(places, 1 + u8::from(tls.is_some())),
        (None, Some(_)) if is_pic && places.threads => Body::with_address_locals(places, 1),
        _ => Body::new(places),
    };
    // The guard's address, as it is pushed again and again.
    let flag = memory.init_flag.map(|flag| (flag, is_pic));
    let push_flag = |body: &mut Body| match flag {
        Some((_, true)) => {
            body.op_u32(Opcode::LocalGet, FLAG);
        }
        Some((address, false)) => {
            let flag = (BodyTarget::InitFlag, 0);
            body.place(ConstReloc::ADDRESS, body.is_64, flag, address);
        }
        None => {}
    };
    if let (Some((address, true)), Some(base)) = (flag, places.memory_base()) {
        body.global(Opcode::GlobalGet, base);
        let flag = (BodyTarget::InitFlag, 0);
        body.place(ConstReloc::FROM_MEMORY_BASE, body.is_64, flag, address);
        body.add().op_u32(Opcode::LocalSet, FLAG);
    }
    if flag.is_some() {
        // block $drop; block $wait; block $init
        body.block().block().block();
        push_flag(&mut body);
        body.i32(0).i32(1);
        body.access(Opcode::I32AtomicRmwCmpxchg, 2, 0);
        body.op_u32(Opcode::BrTable, 2);
        for label in 0..3 {
            put_u32(&mut body.code, label);
        }
        body.op(Opcode::End);
    }

    let indices = places.data.file_indices();
    body.begin_steps();
    for (i, segment) in places.data.segments.iter().enumerate() {
        if needs_init(segment, places.imported_memory) {
            let address = memory.segments[i];
            let start = (BodyTarget::Segment(i as u32), 0);
            push_address(places, &mut body, start, address);
            if segment.tls && places.threads {
                // The thread that fills memory uses the template itself as its storage.
                if is_pic {
                    body.op_u32(Opcode::LocalTee, storage);
                    if let (true, Some(first)) = (cooperative, places.tls_base()) {
                        body.op_u32(Opcode::LocalGet, storage);
                        body.global(Opcode::GlobalSet, first);
                    }
                    places.set_tls_base(&mut body);
                    body.op_u32(Opcode::LocalGet, storage);
                } else {
                    body.place(ConstReloc::ADDRESS, body.is_64, start, address);
                    places.set_tls_base(&mut body);
                }
            }
            // Zeroes are only in the file so that their symbols have a segment.
            if let (Some(index), false) = (indices[i], segment.is_bss()) {
                body.i32(0).i32(segment.size as u32 as i32);
                body.op_u32(Opcode::MemoryInit, index).code.push(0);
            } else {
                body.i32(0).size(segment.size);
                body.op(Opcode::MemoryFill).code.push(0);
            }
            if segment.tls {
                // It may have used a local.
                body.begin_steps();
            } else {
                body.end_step();
            }
        }
    }

    if flag.is_some() {
        push_flag(&mut body);
        body.i32(2).access(Opcode::I32AtomicStore, 2, 0);
        push_flag(&mut body);
        body.i32(-1).access(Opcode::MemoryAtomicNotify, 2, 0);
        body.op(Opcode::Drop);
        body.op_u32(Opcode::Br, 1).op(Opcode::End);
        push_flag(&mut body);
        body.i32(1).i64(-1).access(Opcode::MemoryAtomicWait32, 2, 0);
        body.op(Opcode::Drop).op(Opcode::End);
    }

    // These are not read again; the template of thread-local storage is for threads to
    // come.
    body.begin_steps();
    for (segment, index) in places.data.segments.iter().zip(indices) {
        if let Some(index) = index.filter(|_| segment.passive && !segment.tls && !segment.is_bss())
        {
            body.op_u32(Opcode::DataDrop, index);
            body.end_step();
        }
    }
    body.finish()
}

/// Pushes an address in data, which is relative to where the loader put that, if there
/// is one. It is that of `place`.
pub(crate) fn push_address(
    places: &PlanView<'_, '_>,
    body: &mut Body,
    place: (BodyTarget, i64),
    address: u64,
) {
    if let Some(base) = places.memory_base() {
        body.place(ConstReloc::FROM_MEMORY_BASE, body.is_64, place, address);
        body.global(Opcode::GlobalGet, base).add();
    } else {
        body.place(ConstReloc::ADDRESS, body.is_64, place, address);
    }
}

/// Makes the memory at the parameter a thread's storage.
fn init_tls(places: &PlanView<'_, '_>) -> Body {
    let mut body = Body::new(places);
    if let Some(tls) = places.memory.tls {
        body.op_u32(Opcode::LocalGet, 0);
        places.set_tls_base(&mut body);
        let index = places.data.file_indices()[tls.segment as usize].unwrap_or(0);
        body.op_u32(Opcode::LocalGet, 0);
        body.i32(0).i32(tls.size as u32 as i32);
        body.op_u32(Opcode::MemoryInit, index).code.push(0);
        for made in [
            MadeFunction::ApplyTlsRelocs,
            MadeFunction::ApplyGlobalTlsRelocs,
        ] {
            if let Some(apply) = places.functions.made(made) {
                body.call(BodyTarget::Function(made), apply);
            }
        }
    }
    body.finish()
}

impl PlanView<'_, '_> {
    /// The function that one of these symbols calls.
    fn called(&self, symbol: Option<SymbolId>) -> Option<(SymbolRef, FuncIndex)> {
        let symbol = SymbolRef::Global(symbol?);
        let index = self.functions.called_by(self.resolution, symbol)?;
        Some((symbol, index))
    }

    /// Pushes the address of the current thread's thread-local data.
    pub(crate) fn push_tls_base(&self, body: &mut Body) {
        if let Some((symbol, get)) = self.called(self.resolution.made.get_tls_base) {
            body.call(BodyTarget::Symbol(symbol), get);
        } else if let Some(base) = self.tls_base() {
            body.global(Opcode::GlobalGet, base);
        }
    }

    /// Makes the address on the stack that of the current thread's thread-local data.
    fn set_tls_base(&self, body: &mut Body) {
        if let Some((symbol, set)) = self.called(self.resolution.made.set_tls_base) {
            body.call(BodyTarget::Symbol(symbol), set);
        } else if let Some(base) = self.tls_base() {
            body.global(Opcode::GlobalSet, base);
        }
    }

    /// The global that says where the loader put the data, in position-independent code.
    pub(crate) fn memory_base(&self) -> Option<(SymbolRef, GlobalIndex)> {
        self.base_global(self.resolution.made.memory_base)
    }

    /// The global that says where the thread-local data is: that of the current thread, or of the
    /// first if threads take turns.
    pub(crate) fn tls_base(&self) -> Option<(SymbolRef, GlobalIndex)> {
        self.base_global(self.resolution.made.tls_base)
    }

    /// The global that a symbol stands for: one that says where the loader put something.
    pub(crate) fn base_global(&self, symbol: Option<SymbolId>) -> Option<(SymbolRef, GlobalIndex)> {
        let symbol = SymbolRef::Global(symbol?);
        match self.symbol(symbol) {
            Value::Global(global) => Some((symbol, global)),
            _ => None,
        }
    }
}
