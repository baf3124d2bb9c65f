//! What is decided when all files are added: names with several signatures, and weak
//! references that nobody answers.

use wasm_format::linking::SymbolKind;

use super::conflicts::defined_as;
use super::{Resolver, messages};
use crate::diag::{Code, Diagnostic, Severity};
use crate::link::ids::SymbolId;
use crate::link::report::TracedWhat;
use crate::link::resolution::{Definition, Stub};

impl Resolver<'_> {
    /// Decides what a name with several signatures means: the definition, and for calls
    /// with another signature a stub that traps.
    pub(super) fn settle_variants(&mut self) {
        let variants = std::mem::take(&mut self.table.variants);
        for (name, variants) in variants {
            let defined = variants
                .iter()
                .copied()
                .find(|&id| self.table.is_defined(id));
            let (chosen, severity) = match defined {
                Some(defined) => (defined, Severity::Warning),
                // Which signature would the import have?
                None => (variants[1], Severity::Error),
            };
            for &id in &variants {
                if id == chosen || (defined.is_none() && id != variants[0]) {
                    continue;
                }
                let [a, b] = [id, chosen].map(|id| {
                    let signature = self.table.symbols[id.index()].signature;
                    defined_as(&messages::signature(signature), self.table.known_from(id))
                });
                let mut diagnostic = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("function signature mismatch: {}", self.table.show(name)),
                )
                .about(name)
                .note(a)
                .note(b);
                diagnostic.severity = severity;
                self.table.diagnostics.push(diagnostic);
            }
            if defined.is_some() {
                self.table.stands_for(name, chosen);
                for &id in variants.iter().filter(|&&id| id != chosen) {
                    self.make_stub(id, "signature_mismatch:");
                }
            }
        }
    }

    /// Makes calls of a function trap; its address is null.
    fn make_stub(&mut self, id: SymbolId, prefix: &'static str) {
        let symbol = &mut self.table.symbols[id.index()];
        let Some(signature) = symbol.signature else {
            return;
        };
        if self.table.record.traces(symbol.name) {
            let name = format!("{prefix}{}", symbol.name);
            self.table
                .record
                .traced(&name, None, TracedWhat::Definition);
        }
        symbol.definition = Definition::Stub(self.stubs.len() as u32);
        symbol.hidden = true;
        symbol.file = None;
        self.stubs.push(Stub {
            prefix,
            name: symbol.name,
            signature,
        });
    }

    /// Makes calls of functions trap to which there are only weak references and which nobody
    /// defines.
    pub(super) fn settle_weak_undefined(&mut self) {
        let is_unanswered = |&id: &SymbolId| {
            let symbol = &self.table.symbols[id.index()];
            self.table.is_undefined(id)
                && symbol.kind == SymbolKind::Function
                && symbol.definition == Definition::Undefined
                && symbol.weak
                && !symbol.force_import
        };
        let ids = (0..self.table.symbols.len()).map(|i| SymbolId::new(i as u32));
        let mut unanswered: Vec<SymbolId> = ids.filter(is_unanswered).collect();
        // What a lazy input offers was met before it got a symbol.
        unanswered.sort_unstable_by_key(|&id| self.table.met_of(id));
        for id in unanswered {
            self.make_stub(id, "undefined_weak:");
        }
    }
}
