//! Stub libraries: text that begins with `#STUB` and lists functions that the module's
//! host provides. A reference to one becomes an import; a line `name: a, b` says that the
//! host's function calls back `a` and `b`, which are exported then.

use super::Resolver;
use super::history::TracedWhat;
use super::made::{LOADERS, is_loaders};
use crate::diag::{Code, Diagnostic};
use crate::hash::HashMap;
use crate::ids::SymbolId;
use crate::input::RawFile;

/// A parsed stub library.
pub(super) struct StubLibrary<'a> {
    name: std::sync::Arc<str>,
    functions: Vec<(&'a str, Vec<&'a str>)>,
}

/// Parses a stub library.
pub(super) fn parse<'a>(file: &RawFile<'a>) -> Result<StubLibrary<'a>, Diagnostic> {
    let text = std::str::from_utf8(file.bytes).map_err(|error| {
        Diagnostic::error(
            Code::BadInput,
            format!(
                "stub library is not UTF-8 text (at offset {:#x})",
                error.valid_up_to()
            ),
        )
        .in_file(&*file.name)
    })?;
    let functions = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, needs) = line.split_once(':').unwrap_or((line, ""));
            let needs = needs
                .split(',')
                .map(str::trim)
                .filter(|need| !need.is_empty())
                .collect();
            (name.trim(), needs)
        })
        .collect();
    Ok(StubLibrary {
        name: file.name.clone(),
        functions,
    })
}

/// Turns references to the libraries' functions into imports, and exports what those
/// need, pulling archive members until nothing changes. Returns the libraries for [`finish`].
pub(super) fn apply<'a>(resolver: &mut Resolver<'a>) -> Vec<StubLibrary<'a>> {
    let libraries = std::mem::take(&mut resolver.stub_libraries);
    if libraries.is_empty() {
        return libraries;
    }
    // Pulling a member may refer to further functions of the libraries.
    loop {
        let imports = import_names(resolver);
        let changed = libraries.iter().fold(false, |changed, library| {
            apply_once(resolver, &imports, library) | changed
        });
        if !changed {
            break;
        }
    }
    let needs = needs(resolver, &libraries);
    let needs = needs.iter().map(|&(_, _, need)| need);
    resolver.needed_by_stubs.extend(needs);
    libraries
}

/// Exports what the libraries need of the linker's own symbols, and reports what nothing defines.
pub(super) fn finish<'a>(resolver: &mut Resolver<'a>, libraries: &[StubLibrary<'a>]) {
    for (library, id, need) in needs(resolver, libraries) {
        if let Some(found) = resolver.exportable(need) {
            let symbol = &mut resolver.table.symbols[found.index()];
            symbol.force_export = true;
            symbol.hidden = false;
            continue;
        }
        let name = resolver.table.show(resolver.table.symbols[id.index()].name);
        let message = format!("undefined symbol: {need}. Required by {name}");
        let mut diagnostic = Diagnostic::error(Code::Undefined, message);
        if is_loaders(need, resolver.options) {
            diagnostic = diagnostic.note(LOADERS);
        }
        let diagnostic = diagnostic.in_file(&*library.name).about(need);
        resolver.table.diagnostics.push(diagnostic);
    }
}

/// What the imported functions of the libraries need: the library, the function, the name.
fn needs<'l, 'a>(
    resolver: &Resolver<'a>,
    libraries: &'l [StubLibrary<'a>],
) -> Vec<(&'l StubLibrary<'a>, SymbolId, &'a str)> {
    if libraries.is_empty() {
        return Vec::new();
    }
    let imports = import_names(resolver);
    let functions = libraries.iter().flat_map(|library| {
        let functions = library.functions.iter();
        functions.map(move |(name, needs)| (library, name, needs))
    });
    functions
        .filter_map(|(library, name, needs)| {
            Some((library, function(resolver, &imports, name)?, needs))
        })
        .flat_map(|(library, id, needs)| needs.iter().map(move |&need| (library, id, need)))
        .collect()
}

/// Undefined symbols that sources import under a name of its own. Stub libraries call
/// functions by the names under which they are imported.
fn import_names<'a>(resolver: &Resolver<'a>) -> HashMap<&'a str, SymbolId> {
    (0..resolver.table.symbols.len())
        .map(|i| SymbolId::new(i as u32))
        .filter(|&id| resolver.table.is_undefined(id))
        .filter_map(|id| {
            let import = resolver.table.symbols[id.index()].import()?;
            import.explicit.then_some((import.name, id))
        })
        .collect()
}

/// Whether anything was pulled or newly imported.
fn apply_once<'a>(
    resolver: &mut Resolver<'a>,
    imports: &HashMap<&str, SymbolId>,
    library: &StubLibrary<'a>,
) -> bool {
    let mut changed = false;
    for (name, needs) in &library.functions {
        let Some(id) = function(resolver, imports, name) else {
            continue;
        };
        let symbol = &mut resolver.table.symbols[id.index()];
        if !std::mem::replace(&mut symbol.force_import, true) {
            changed = true;
            if resolver.table.record.traces(name) {
                let file = Some(library.name.clone());
                resolver
                    .table
                    .record
                    .traced(name, file, TracedWhat::Imported);
            }
        }
        for need in needs {
            if let Some(id) = resolver.table.find_or_offered(need)
                && resolver.table.record.traces(need)
                && !resolver.table.symbols[id.index()].force_export
            {
                let what = TracedWhat::ExportedFor((*name).to_owned());
                let file = Some(library.name.clone());
                resolver.table.record.traced(need, file, what);
            }
            if let Some(id) = resolver.want(need, &library.name)
                && resolver.table.is_defined(id)
            {
                resolver.table.symbols[id.index()].force_export = true;
            }
        }
    }
    changed
}

/// The undefined symbol of a function's name, or that is imported under that name.
fn function(
    resolver: &Resolver<'_>,
    imports: &HashMap<&str, SymbolId>,
    name: &str,
) -> Option<SymbolId> {
    resolver
        .table
        .find(name)
        .filter(|&id| resolver.table.is_undefined(id))
        .or_else(|| imports.get(name).copied())
}
