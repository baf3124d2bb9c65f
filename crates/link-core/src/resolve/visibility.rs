//! Options about groups of symbols: those that are not exported, and those that a loader cannot
//! replace.

use wasm_format::linking::SymbolKind;

use super::Resolver;
use super::resolution::Definition;
use crate::input::object::Object;
use crate::input::{CxxNames, SymbolLists};
use crate::options::{ExcludedLibraries, OutputKind, PicOptions};

/// Applies them to what the objects define. An object file (`-r`) keeps what its inputs say.
pub(super) fn apply(resolver: &mut Resolver<'_>, lists: &SymbolLists<'_>) {
    let options = resolver.options;
    if options.is_relocatable() {
        return;
    }
    exclude_libraries(resolver, &options.exclude_libs);
    if !lists.is_empty() {
        list(resolver, lists);
    }
    let PicOptions {
        bsymbolic,
        bsymbolic_functions,
        ..
    } = options.pic;
    let is_bound = bsymbolic || lists.dynamic.is_some();
    if is_bound || bsymbolic_functions {
        let mut cxx = CxxNames::default();
        for symbol in &mut resolver.table.symbols {
            let dynamic = lists.dynamic.as_ref();
            let is_listed =
                dynamic.is_some_and(|list| list.closeness(symbol.name, &mut cxx).is_some());
            symbol.set_bound((is_bound || symbol.kind == SymbolKind::Function) && !is_listed);
        }
    }
}

/// Keeps the local symbols of the lists inside. A program exports the symbols of dynamic lists.
fn list(resolver: &mut Resolver<'_>, lists: &SymbolLists<'_>) {
    let is_program = resolver.options.output != OutputKind::Shared;
    let mut cxx = CxxNames::default();
    for symbol in &mut resolver.table.symbols {
        match symbol.definition {
            Definition::Object { .. } => {}
            // The linker's own symbols are there for loaders.
            Definition::Undefined
            | Definition::Stub(_)
            | Definition::Function(_)
            | Definition::Global(_)
            | Definition::Address(_)
            | Definition::IndirectFunctionTable
            | Definition::Shared(_) => continue,
        }
        if lists.is_local(symbol.name, &mut cxx) {
            symbol.keep_inside();
        }
        let dynamic = lists.dynamic.as_ref().filter(|_| is_program);
        symbol.force_export |= !symbol.hidden
            && dynamic.is_some_and(|list| list.closeness(symbol.name, &mut cxx).is_some());
    }
}

/// `--exclude-libs`: definitions in members of these archives stay inside.
fn exclude_libraries(resolver: &mut Resolver<'_>, excluded: &ExcludedLibraries) {
    if excluded.is_empty() {
        return;
    }
    let is_excluded = |object: &Object<'_>| {
        let archive = object.archive.as_deref();
        archive.is_some_and(|archive| excluded.contains(archive))
    };
    // Definitions still name files by when they were begun.
    let mut files = vec![false; resolver.begun_as.len()];
    for (object, file) in resolver.objects.iter().zip(&resolver.begun_as) {
        files[file.index()] = is_excluded(object);
    }
    let defsyms = &resolver.options.defsyms;
    for symbol in &mut resolver.table.symbols {
        if let Definition::Object { file, .. } = symbol.definition
            && files[file.index()]
            // A name from the command line is no library's.
            && !defsyms.iter().any(|defsym| defsym.name == symbol.name)
        {
            symbol.keep_inside();
        }
    }
}
