//! What options say of whole groups of symbols: which stay inside the output, and which a loader
//! cannot replace.

use wasm_format::linking::SymbolKind;

use super::Resolver;
use super::resolution::Definition;
use crate::input::object::Object;
use crate::options::ExcludedLibraries;

/// Applies them to what the objects define. An object file (`-r`) keeps what its inputs say.
pub(super) fn apply(resolver: &mut Resolver<'_>) {
    let options = resolver.options;
    if options.is_relocatable() {
        return;
    }
    exclude_libraries(resolver, &options.exclude_libs);
    if options.pic.bsymbolic_functions {
        for symbol in &mut resolver.table.symbols {
            symbol.bound |= symbol.kind == SymbolKind::Function;
        }
    }
}

/// `--exclude-libs`: what members of these archives define stays inside.
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
    for symbol in &mut resolver.table.symbols {
        if let Definition::Object { file, .. } = symbol.definition
            && files[file.index()]
        {
            symbol.hidden = true;
            symbol.kept_inside = true;
        }
    }
}
