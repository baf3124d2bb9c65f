//! Stub libraries: text that begins with `#STUB` and lists functions that the module's
//! host provides. A reference to one becomes an import; a line `name: a, b` says that the
//! host's function calls back `a` and `b`, which are exported then.

use super::Resolver;
use crate::diag::{Code, Diagnostic};
use crate::link::read::RawFile;

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
/// need, pulling archive members until nothing changes.
pub(super) fn apply(resolver: &mut Resolver<'_>) {
    let libraries = std::mem::take(&mut resolver.stub_libraries);
    // Pulling a member may refer to further functions of the libraries.
    while libraries.iter().fold(false, |changed, library| {
        apply_once(resolver, library) | changed
    }) {}
    for library in &libraries {
        report_missing(resolver, library);
    }
}

/// Whether anything was pulled or newly imported.
fn apply_once(resolver: &mut Resolver<'_>, library: &StubLibrary<'_>) -> bool {
    let mut changed = false;
    for (name, needs) in &library.functions {
        let Some(id) = resolver.table.find(name) else {
            continue;
        };
        if !resolver.table.is_undefined(id) {
            continue;
        }
        let symbol = &mut resolver.table.symbols[id.index()];
        changed |= !std::mem::replace(&mut symbol.force_import, true);
        for need in needs {
            if let Some(id) = resolver.want(need)
                && resolver.table.is_defined(id)
            {
                resolver.table.symbols[id.index()].force_export = true;
            }
        }
    }
    changed
}

fn report_missing(resolver: &mut Resolver<'_>, library: &StubLibrary<'_>) {
    for (name, needs) in &library.functions {
        let imported = resolver
            .table
            .find(name)
            .is_some_and(|id| resolver.table.symbols[id.index()].force_import);
        if !imported {
            continue;
        }
        for need in needs {
            let defined = resolver
                .table
                .find(need)
                .is_some_and(|id| resolver.table.is_defined(id));
            if !defined {
                let diagnostic = Diagnostic::error(
                    Code::Undefined,
                    format!("undefined symbol: {need}. Required by {name}"),
                );
                resolver
                    .table
                    .diagnostics
                    .push(diagnostic.in_file(&*library.name).about(*need));
            }
        }
    }
}
