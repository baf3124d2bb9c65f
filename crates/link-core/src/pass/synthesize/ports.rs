//! Imports and exports: what the output needs from and offers to its host.

use wasm_format::linking::SymbolKind;

use super::named_exports::{self, is_named};
use super::port_names::{ExportNames, Exported, ImportNames};
use super::{Export, ExportTarget, SynthFunction, Synthesis, TableUse, has_import_name};
use crate::diag::Diagnostics;
use crate::hash::HashSet;
use crate::ids::SymbolId;
use crate::input::object::ObjTarget;
use crate::options::{Options, OutputKind, Unresolved};
use crate::pass::features::Features;
use crate::pass::mark::{Liveness, is_exported};
use crate::resolve::resolution::{
    DEFAULT_MODULE, Definition, INIT_MEMORY_FLAG, MadeAddress, MadeFunction, Resolution, Symbol,
    SymbolRef,
};

/// Fills in [`Synthesis::imports`]. `table_is_used` says whether an object refers to the
/// indirect function table, or to a slot of it.
pub(super) fn imports(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    allowed: &[&str],
    table_is_used: bool,
    synthesis: &mut Synthesis<'_>,
    diagnostics: &mut Diagnostics,
) {
    // Inputs that use the indirect function table may rely on its being table 0.
    let table = resolution.made.indirect_function_table;
    let imported_table = table.filter(|_| synthesis.table == TableUse::Imported);
    if table_is_used {
        synthesis.imports.extend(imported_table);
    }
    let mut names = ImportNames::new(resolution, options);
    let imported = resolution.symbols_where(|id, _| {
        Some(id) != table && is_imported(resolution, live, options, allowed, synthesis, id)
    });
    if let Some(table) = imported_table {
        names.add(table);
    }
    for id in imported {
        match names.add(id) {
            None => synthesis.imports.push(id),
            Some(same) => synthesis.import_aliases.push((id, same)),
        }
    }
    if !table_is_used {
        synthesis.imports.extend(imported_table);
    }
    names.report(diagnostics);
}

/// Module and name a symbol is imported under.
pub fn import_name<'s>(symbol: &Symbol<'s>, options: &'s Options) -> (&'s str, &'s str) {
    let unnamed: &str = if options.is_relocatable() {
        // What that is, the link of the object file decides.
        DEFAULT_MODULE
    } else {
        &options.default_import_module
    };
    match symbol.import() {
        // Compilers write `env` where the source names no module.
        Some(import) if import.module != DEFAULT_MODULE => (import.module, import.name),
        Some(import) => (unnamed, import.name),
        None => (unnamed, symbol.name),
    }
}

fn is_imported(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    allowed: &[&str],
    synthesis: &Synthesis<'_>,
    id: SymbolId,
) -> bool {
    let symbol = resolution.symbol(id);
    // Data is imported through the GOT.
    if symbol.kind == SymbolKind::Data || !symbol.used_in_object {
        return false;
    }
    if is_replaceable(symbol, options) {
        // Imported if anything live refers to its definition.
        return live.symbol(resolution, SymbolRef::Global(id));
    }
    if !live.reached(id) {
        return false;
    }
    if matches!(symbol.definition, Definition::Shared(_)) {
        return true;
    }
    let undefined = symbol.definition == Definition::Undefined;
    if !undefined || synthesis.undefined_stubs.contains_key(&id) {
        return false;
    }
    if symbol.force_import {
        return true;
    }
    if symbol.weak && !options.is_relocatable() && !options.is_pic() {
        return false;
    }
    // Where a loader fills the GOT, a function that is only pointed to comes from there.
    if options.is_pic() && symbol.kind == SymbolKind::Function && !symbol.called_directly {
        return false;
    }
    options.is_pic()
        || options.is_relocatable()
        || options.import_undefined
        || options.unresolved == Unresolved::ImportDynamic
        || options.allowed_undefined.contains(symbol.name)
        || allowed.contains(&symbol.name)
        || has_import_name(resolution, id)
}

/// Whether a symbol is a weak definition of a shared library, which gives way to the one that the
/// dynamic linker chooses for all modules: if it is kept, it is both imported and exported.
fn is_replaceable(symbol: &Symbol<'_>, options: &Options) -> bool {
    options.output == OutputKind::Shared
        && symbol.weak
        && !symbol.hidden
        && !matches!(
            symbol.definition,
            Definition::Undefined | Definition::Shared(_)
        )
}

/// Fills in [`Synthesis::exports`] and [`Synthesis::wrappers`].
pub(super) fn exports<'a>(
    resolution: &Resolution<'a>,
    live: &Liveness,
    options: &'a Options,
    features: &Features,
    synthesis: &mut Synthesis<'a>,
    diagnostics: &mut Diagnostics,
) {
    if options.is_relocatable() {
        asked_names(resolution, live, options, synthesis, diagnostics);
        return;
    }
    let wraps = wraps_commands(resolution, options, synthesis);
    // A loader that fills the GOT looks for what is defined here among the exports, too.
    let filled: HashSet<_> = synthesis.got_imports.iter().copied().collect();
    let exported = resolution.names_in_order(|id, symbol| {
        let may_be = match symbol.definition {
            Definition::Undefined | Definition::Shared(_) => false,
            // Without the feature that exporting a mutable global needs, the linker's own
            // are exported only by name.
            Definition::Global(_) if is_mutable(symbol) => {
                symbol.force_export || features.has("mutable-globals")
            }
            _ => true,
        };
        let is_wanted = || {
            is_exported(symbol, options)
                || is_replaceable(symbol, options)
                || filled.contains(&SymbolRef::Global(id))
        };
        let is_present = || match symbol.definition {
            Definition::IndirectFunctionTable => synthesis.table == TableUse::Defined,
            _ => live.symbol(resolution, SymbolRef::Global(id)),
        };
        may_be && is_wanted() && is_present()
    });
    let mut names = ExportNames::new(resolution, options, exported.len());
    let mut wrapped = Vec::new();
    for id in exported {
        let symbol = resolution.symbol(id);
        let name = export_name(resolution, symbol);
        if !names.take(name, Exported::Symbol(id)) {
            continue;
        }
        if wraps && symbol.kind == SymbolKind::Function {
            wrapped.push((name, id));
        } else {
            let what = ExportTarget::Symbol(id);
            synthesis.exports.push(Export { name, what });
        }
    }
    start_up_exports(resolution, options, &mut names, synthesis);
    for (name, id) in wrapped {
        let what = ExportTarget::Wrapper(synthesis.wrappers.len() as u32);
        synthesis.wrappers.push(id);
        synthesis.exports.push(Export { name, what });
    }
    named_exports::add(resolution, options, &mut names, synthesis, diagnostics);
    names.report(diagnostics);
}

/// Exports of functions and addresses that no symbol names: the one a loader calls, those that
/// an option names, and all of them where everything is exported.
fn start_up_exports(
    resolution: &Resolution<'_>,
    options: &Options,
    names: &mut ExportNames<'_, '_>,
    synthesis: &mut Synthesis<'_>,
) {
    let init_memory = SynthFunction::Made(MadeFunction::InitMemory);
    let guarded = options.memory.shared && synthesis.functions.contains(&init_memory);
    if guarded && (options.export_all || is_named(INIT_MEMORY_FLAG, options)) {
        // It is older than the bounds of segments that only the linker names.
        let is_bound = |export: &Export<'_>| match export.what {
            ExportTarget::Symbol(id) => {
                let symbol = resolution.symbol(id);
                let bound = matches!(
                    symbol.definition,
                    Definition::Address(MadeAddress::SegmentStart | MadeAddress::SegmentStop)
                );
                bound && !symbol.used_in_object
            }
            _ => false,
        };
        let others = synthesis.exports.iter().rposition(|it| !is_bound(it));
        let flag = Export {
            name: INIT_MEMORY_FLAG,
            what: ExportTarget::Address(MadeAddress::InitMemoryFlag),
        };
        let at = others.map_or(0, |last| last + 1);
        if names.take(flag.name, Exported::Linker(flag.what)) {
            synthesis.exports.insert(at, flag);
        }
    }
    for function in &synthesis.functions {
        let SynthFunction::Made(made) = *function else {
            continue;
        };
        // The others have symbols.
        let has_symbol = matches!(made, MadeFunction::CallCtors | MadeFunction::InitTls);
        let is_wanted = options.export_all
            || made == MadeFunction::ApplyDataRelocs
            || is_named(made.name(), options);
        let what = ExportTarget::Made(made);
        if !has_symbol && is_wanted && names.take(made.name(), Exported::Linker(what)) {
            synthesis.exports.push(Export {
                name: made.name(),
                what,
            });
        }
    }
}

fn is_mutable(symbol: &Symbol<'_>) -> bool {
    symbol
        .global_type()
        .is_some_and(|ty| ty.mutability == wasm_format::Mutability::Var)
}

/// An object file exports what its source names for export, so that the name is kept.
fn asked_names<'a>(
    resolution: &Resolution<'a>,
    live: &Liveness,
    options: &Options,
    synthesis: &mut Synthesis<'a>,
    diagnostics: &mut Diagnostics,
) {
    let mut names = ExportNames::new(resolution, options, 0);
    for (id, symbol) in resolution.symbols() {
        let name = asked_name(resolution, symbol);
        if let Some(name) = name.filter(|_| live.symbol(resolution, SymbolRef::Global(id)))
            && names.take(name, Exported::Symbol(id))
        {
            let what = ExportTarget::Symbol(id);
            synthesis.exports.push(Export { name, what });
        }
    }
    names.report(diagnostics);
}

/// A function's `export_name`, else the symbol's name.
fn export_name<'a>(resolution: &Resolution<'a>, symbol: &Symbol<'a>) -> &'a str {
    asked_name(resolution, symbol).unwrap_or(symbol.name)
}

/// A function's `export_name`.
fn asked_name<'a>(resolution: &Resolution<'a>, symbol: &Symbol<'a>) -> Option<&'a str> {
    let Definition::Object {
        file,
        symbol: entry,
    } = symbol.definition
    else {
        return None;
    };
    match resolution.target(file, entry) {
        ObjTarget::Function(function) => resolution.object(file).functions.export_name(function),
        _ => None,
    }
}

/// Whether exported functions run constructors and destructors around themselves: in a
/// command whose code leaves that to the linker.
fn wraps_commands(
    resolution: &Resolution<'_>,
    options: &Options,
    synthesis: &Synthesis<'_>,
) -> bool {
    let Some(ctors) = resolution.made.call_ctors else {
        return false;
    };
    let ctors = resolution.symbol(ctors);
    let by_hand = ctors.used_in_object || is_exported(ctors, options);
    !options.is_pic()
        && !by_hand
        && (!synthesis.init_functions.is_empty() || resolution.call_dtors.is_some())
}
