//! What synthesis returns: everything of the output that no object holds, decided before
//! anything is numbered. Made by `synthesize`, read by `layout` and `write`.

use super::ids::{FileId, ObjFunc, ObjType, SymbolId};
use super::object::ObjTarget;
use super::resolution::{
    Definition, MadeAddress, MadeFunction, MadeGlobal, Resolution, Stub, SymbolRef,
};
use crate::hash::HashMap;

/// Everything of the output that no object holds.
#[derive(Debug, Default)]
pub struct Synthesis<'a> {
    /// Imported functions, globals, tables and tags, in the order of the import section;
    /// each kind's indices count in this order. GOT imports come after.
    pub imports: Vec<SymbolId>,
    /// Symbols imported under a module, name and type that another symbol is imported
    /// under already: this symbol, and the one of [`Synthesis::imports`] that
    /// stands for both.
    pub import_aliases: Vec<(SymbolId, SymbolId)>,
    /// GOT entries a loader fills (`GOT.mem`, `GOT.func`): imported mutable globals.
    pub got_imports: Vec<SymbolRef>,
    /// GOT entries whose value the linker knows: globals of the output.
    pub got_internal: Vec<SymbolRef>,
    /// Functions the linker writes, in the order of their indices, before all others.
    pub functions: Vec<SynthFunction>,
    /// Command export wrappers, whose indices come after all other functions:
    /// `NAME.command_export` runs the constructors, the symbol's function, and
    /// `__wasm_call_dtors` if there is one.
    pub wrappers: Vec<SymbolId>,
    /// Globals the linker writes, in the order of their indices, before all others.
    pub globals: Vec<MadeGlobal>,
    /// Table slots: for each, in their order, the symbol for which a slot of its function was
    /// asked for first, and the function.
    pub slots: Vec<(SymbolRef, FunctionRef)>,
    /// For each object, the types that relocations of live chunks name, in the order of
    /// those.
    pub named_types: Vec<Vec<ObjType>>,
    /// Whether the output has an indirect function table of its own or imports one.
    pub table: TableUse,
    /// Functions that trap: those of `Resolution::stubs` at the same indices, then those
    /// for undefined functions that were to be ignored.
    pub stubs: Vec<Stub<'a>>,
    /// For undefined functions that were to be ignored, their stubs.
    pub undefined_stubs: HashMap<SymbolId, u32>,
    /// Init functions in the order in which `__wasm_call_ctors` runs them.
    pub init_functions: Vec<SymbolRef>,
    /// Exports in order, the memory's aside.
    pub exports: Vec<Export<'a>>,
    /// Start functions of objects, which the output's start function calls.
    pub start_functions: Vec<(FileId, ObjFunc)>,
    /// The module's start function.
    pub start: Option<MadeFunction>,
}

/// A function the linker writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SynthFunction {
    /// One of the well-known ones.
    Made(MadeFunction),
    /// A function that traps: an index into [`Synthesis::stubs`].
    Stub(u32),
}

/// The indirect function table in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TableUse {
    /// There is none.
    #[default]
    None,
    /// The output defines it.
    Defined,
    /// The output imports it.
    Imported,
}

/// Which function a symbol means, aliases being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionRef {
    /// A function of an object.
    Object(FileId, ObjFunc),
    /// A function the linker writes.
    Made(MadeFunction),
    /// A stub, by its index into [`Synthesis::stubs`].
    Stub(u32),
    /// A symbol that stays undefined: an import, a stub of
    /// [`Synthesis::undefined_stubs`], or nothing.
    Undefined(SymbolId),
}

/// An export.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The name it has outside.
    pub name: &'a str,
    /// What is exported.
    pub what: ExportTarget,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportTarget {
    /// A function, global, table or tag; a data symbol as a constant global that holds
    /// its address.
    Symbol(SymbolId),
    /// The wrapper at this index of [`Synthesis::wrappers`].
    Wrapper(u32),
    /// A function the linker writes, which no symbol names.
    Made(MadeFunction),
    /// An address the linker knows, which no symbol names, as a constant global.
    Address(MadeAddress),
}

impl Resolution<'_> {
    /// Which function a symbol means; `None` if it is none.
    pub fn function(&self, symbol: SymbolRef) -> Option<FunctionRef> {
        match self.definition(symbol) {
            Definition::Object { file, symbol } => match self.target(file, symbol) {
                ObjTarget::Function(function) => Some(FunctionRef::Object(file, function)),
                _ => None,
            },
            Definition::Function(made) => Some(FunctionRef::Made(made)),
            Definition::Stub(stub) => Some(FunctionRef::Stub(stub)),
            Definition::Undefined | Definition::Shared(_) => match symbol {
                SymbolRef::Global(id) => Some(FunctionRef::Undefined(id)),
                SymbolRef::Local(..) => None,
            },
            _ => None,
        }
    }
}
