//! What synthesis returns: everything of the output that no object holds, decided before
//! anything is numbered. Made by `synthesize`, read by `layout` and `write`.

//!
//! Phase 4: everything of the output that no object holds. Looks at the relocations of
//! live chunks once, for what they ask the linker to make (table slots, GOT entries) and
//! for undefined symbols; then decides imports, exports and the linker's functions and
//! globals.

mod hints;
mod named_exports;
mod port_names;
mod ports;
mod scan;
mod startup;
mod suggest;
mod undefined;

use wasm_format::Mutability;
use wasm_format::linking::SymbolKind;

use super::features::Features;
use super::mark::Liveness;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hash::{HashMap, HashSet};
use crate::ids::{FileId, ObjFunc, ObjSymbol, ObjType, SymbolId};
use crate::input::object::ObjTarget;
use crate::options::{Options, OutputKind};
use crate::resolve::resolution::{
    Definition, MadeAddress, MadeFunction, MadeGlobal, Resolution, Stub, SymbolRef,
};

pub use self::ports::import_name;

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
    pub start_functions: Vec<(FileId, ObjSymbol)>,
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
    /// The function that traps at this index of [`Synthesis::stubs`].
    Stub(u32),
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

/// Decides what the linker adds. `allowed` are symbols that may stay undefined, beside
/// those of [`Options::allowed_undefined`].
pub fn synthesize<'a>(
    resolution: &Resolution<'a>,
    live: &Liveness,
    options: &'a Options,
    features: &Features,
    allowed: &[&str],
    diagnostics: &mut Diagnostics,
) -> Synthesis<'a> {
    let made = resolution.symbols_where(|_, symbol| symbol.definition.is_made());
    let scan = scan::scan(resolution, live, options, &made);
    let ignored = undefined::report(resolution, options, allowed, &scan, diagnostics);
    diagnostics.extend(scan.diagnostics.iter().cloned());

    let mut synthesis = Synthesis {
        stubs: resolution.stubs.clone(),
        got_imports: scan.got_imports,
        got_internal: scan.got_internal,
        slots: scan.slots,
        named_types: scan.types,
        ..Synthesis::default()
    };
    // Stubs exist to be called; the address of a missing function is null, unless it was taken
    // before anything else was asked of the function. Several functions may share a stub, but none
    // shares its address.
    let null: HashSet<SymbolId> = (ignored.iter())
        .filter(|ignored| !ignored.has_slot)
        .map(|ignored| ignored.symbol)
        .collect();
    let ignored = ignored.iter().map(|ignored| ignored.symbol);
    stub_undefined(resolution, &mut synthesis, ignored);
    (synthesis.slots).retain(|(_, function)| match function {
        FunctionRef::Undefined(id) => !null.contains(id),
        _ => true,
    });
    let table_is_named = is_table_named(resolution, live);
    synthesis.table = table_use(table_is_named, options, &synthesis);
    synthesis.init_functions = init_functions(resolution, live, options, diagnostics);
    synthesis.functions = functions(resolution, live, &made, &synthesis);
    startup::add(resolution, live, options, features, &mut synthesis);
    synthesis.globals = globals(resolution, live, options, &made, &synthesis);
    let slots = scan.takes_slots && !options.is_relocatable();
    let table_is_used = table_is_named || slots;
    ports::imports(
        resolution,
        live,
        options,
        allowed,
        table_is_used,
        &mut synthesis,
        diagnostics,
    );
    ports::exports(
        resolution,
        live,
        options,
        features,
        &mut synthesis,
        diagnostics,
    );
    synthesis
}

/// Functions that trap in the place of undefined ones that are not reported:
/// one for each signature.
fn stub_undefined<'a>(
    resolution: &Resolution<'a>,
    synthesis: &mut Synthesis<'a>,
    undefined: impl Iterator<Item = SymbolId>,
) {
    let mut known: HashMap<&[u8], u32> = HashMap::default();
    for id in undefined {
        let Some(signature) = resolution.symbol(id).signature else {
            continue;
        };
        let stub = *known.entry(signature).or_insert_with(|| {
            synthesis.stubs.push(Stub {
                prefix: Stub::UNDEFINED,
                name: "",
                signature,
            });
            synthesis.stubs.len() as u32 - 1
        });
        synthesis.undefined_stubs.insert(id, stub);
    }
}

/// Whether what is live names the indirect function table.
fn is_table_named(resolution: &Resolution<'_>, live: &Liveness) -> bool {
    resolution
        .made
        .indirect_function_table
        .is_some_and(|id| live.reached(id) && resolution.symbol(id).used_in_object)
}

fn table_use(named: bool, options: &Options, synthesis: &Synthesis<'_>) -> TableUse {
    let needed = named || !synthesis.slots.is_empty();
    if options.is_relocatable() {
        return if needed {
            TableUse::Imported
        } else {
            TableUse::None
        };
    }
    if needed && (options.table.import || options.is_pic()) {
        TableUse::Imported
    } else if needed || options.exports_table() {
        TableUse::Defined
    } else {
        TableUse::None
    }
}

/// Live init functions in the order of their priorities, then of the files.
fn init_functions(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Vec<SymbolRef> {
    if options.is_relocatable() {
        return Vec::new();
    }
    let mut found: Vec<(u32, SymbolRef)> = Vec::new();
    for (file, object) in resolution.objects() {
        for init in &object.init_funcs {
            let symbol = resolution.symbol_ref(file, init.symbol);
            if !live.symbol(resolution, symbol) || resolution.function(symbol).is_none() {
                continue;
            }
            if takes_arguments(resolution, symbol) {
                let name = resolution.name(symbol);
                let diagnostic = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("constructor functions cannot take arguments: {name}"),
                );
                diagnostics.push(diagnostic.in_file(&*object.name).about(name));
            }
            found.push((init.priority, symbol));
        }
    }
    found.sort_by_key(|&(priority, _)| priority);
    found.into_iter().map(|(_, symbol)| symbol).collect()
}

fn takes_arguments(resolution: &Resolution<'_>, symbol: SymbolRef) -> bool {
    let ty = match (resolution.function(symbol), symbol) {
        (Some(FunctionRef::Object(file, function)), _) => {
            let object = resolution.object(file);
            Some(object.types[object.functions[function].ty.index()])
        }
        // What `--wrap` has put in the place of a definition need not be defined.
        (_, SymbolRef::Global(id)) => resolution.symbol(id).signature,
        (_, SymbolRef::Local(..)) => None,
    };
    ty.is_some_and(|ty| ty.get(1) != Some(&0))
}

/// The linker's own globals that the output defines, of those that have symbols among `made`.
fn globals(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    made: &[SymbolId],
    synthesis: &Synthesis<'_>,
) -> Vec<MadeGlobal> {
    let sets_tls_base = [
        MadeFunction::InitMemory,
        MadeFunction::ApplyTlsRelocs,
        MadeFunction::ApplyGlobalTlsRelocs,
    ]
    .iter()
    .any(|&made| synthesis.functions.contains(&SynthFunction::Made(made)));
    let global = |&id: &SymbolId| {
        let symbol = resolution.symbol(id);
        let Definition::Global(made) = symbol.definition else {
            return None;
        };
        let is_variable = || {
            symbol
                .global_type()
                .is_some_and(|ty| ty.mutability == Mutability::Var)
        };
        let set = sets_tls_base && made == MadeGlobal::TlsBase && is_variable();
        (live.reached(id) || set).then_some(made)
    };
    let mut globals: Vec<MadeGlobal> = made.iter().filter_map(global).collect();
    globals.sort_by_key(|made| made.order(options));
    globals
}

/// The linker's own functions, in the order of their indices; `made` are the symbols of those and
/// of what else the linker makes.
fn functions<'a>(
    resolution: &Resolution<'a>,
    live: &Liveness,
    made: &[SymbolId],
    synthesis: &Synthesis<'a>,
) -> Vec<SynthFunction> {
    let mut functions = Vec::new();
    let calls_ctors = !synthesis.init_functions.is_empty()
        || resolution
            .made
            .call_ctors
            .is_some_and(|id| live.reached(id));
    let mut called = vec![false; resolution.stubs.len()];
    for &id in made {
        match resolution.symbol(id).definition {
            Definition::Function(made) => {
                let is_wanted = match made {
                    MadeFunction::CallCtors => calls_ctors,
                    _ => live.reached(id),
                };
                if is_wanted {
                    functions.push(SynthFunction::Made(made));
                }
            }
            Definition::Stub(stub) => called[stub as usize] |= live.reached(id),
            _ => {}
        }
    }
    let called = (0..called.len()).filter(|&stub| called[stub]);
    functions.extend(called.map(|stub| SynthFunction::Stub(stub as u32)));
    let ignored = resolution.stubs.len()..synthesis.stubs.len();
    functions.extend(ignored.map(|stub| SynthFunction::Stub(stub as u32)));
    functions
}

/// Whether a symbol is reached through the GOT: its address is only known to a loader.
fn needs_got(resolution: &Resolution<'_>, options: &Options, symbol: SymbolRef) -> bool {
    let SymbolRef::Global(id) = symbol else {
        return false;
    };
    let symbol = resolution.symbol(id);
    if matches!(symbol.definition, Definition::Shared(_)) {
        return true;
    }
    let dynamic = options.unresolved == crate::options::Unresolved::ImportDynamic;
    if (!options.is_pic() && !dynamic) || symbol.hidden {
        return false;
    }
    let defined = symbol.definition != Definition::Undefined;
    !(defined && (options.output != OutputKind::Shared || symbol.is_bound()))
}

/// Whether an undefined symbol was given its import's name by its source.
fn has_import_name(resolution: &Resolution<'_>, id: SymbolId) -> bool {
    let symbol = resolution.symbol(id);
    symbol.import().is_some_and(|import| import.explicit)
        && matches!(
            symbol.kind,
            SymbolKind::Function | SymbolKind::Global | SymbolKind::Table | SymbolKind::Tag
        )
}

/// The symbol that a relocation names.
fn target(
    resolution: &Resolution<'_>,
    file: crate::ids::FileId,
    reloc: &crate::input::object::ObjReloc,
) -> SymbolRef {
    resolution.symbol_ref(file, ObjSymbol(reloc.target))
}
