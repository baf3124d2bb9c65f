//! Symbols of shared libraries: definitions that a loader finds, which give way to every
//! definition of an object.

use wasm_format::linking::{SymbolFlags, SymbolKind};

use super::Resolver;
use super::mention::{By, Mention, own_mention};
use crate::diag::{Code, Diagnostic};
use crate::input::{RawFile, SharedKind, parse_shared};

/// Adds a shared library to the link.
pub(super) fn add<'a>(resolver: &mut Resolver<'a>, file: &RawFile<'a>) {
    let options = resolver.options;
    if options.is_relocatable() {
        let diagnostic = Diagnostic::error(
            Code::BadInput,
            "a shared library cannot be linked into an object file (-r)",
        );
        resolver
            .table
            .diagnostics
            .push(diagnostic.in_file(&*file.name));
        return;
    }
    let library = match parse_shared(file) {
        Ok(library) => library,
        Err(diagnostic) => {
            resolver.table.diagnostics.push(diagnostic);
            return;
        }
    };
    let index = resolver.shared.len() as u32;
    resolver.table.library_names.push(library.name.clone());
    for symbol in &library.symbols {
        let (kind, signature) = match symbol.kind {
            SharedKind::Function(signature) => (SymbolKind::Function, Some(signature)),
            SharedKind::Tag(signature) => (SymbolKind::Tag, Some(signature)),
            SharedKind::Data => (SymbolKind::Data, None),
        };
        let mention = Mention {
            by: By::Library(index),
            signature,
            ..own_mention(
                symbol.name,
                kind,
                symbol.flags.without(SymbolFlags::UNDEFINED),
            )
        };
        resolver.table.define_shared(&mention, index);
    }
    resolver.shared.push(library);
}
