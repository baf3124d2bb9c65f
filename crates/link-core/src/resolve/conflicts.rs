//! What files say of a name and what does not go together.

use wasm_format::linking::{SymbolFlags, SymbolKind};
use wasm_format::{GlobalType, Mutability, ValType};

use super::mention::Mention;
use super::messages;
use super::table::{Also, NameTable, shown};
use crate::diag::{Code, Diagnostic};
use crate::ids::SymbolId;

/// A note that a file says how a name is used.
pub(super) fn defined_as(how: &str, file: &str) -> String {
    format!("defined as {how} in {file}")
}

impl<'a> NameTable<'a> {
    /// Reports `what` a name is used as in two ways: as `old` so far, now as `new`.
    fn disagreement(
        &mut self,
        id: SymbolId,
        mention: &Mention<'a>,
        what: &str,
        (old, new): (&str, &str),
    ) {
        let message = format!("{what}: {}", self.show(mention.name));
        let diagnostic = Diagnostic::error(Code::TypeMismatch, message)
            .about(mention.name)
            .note(defined_as(old, self.known_from(id)))
            .note(defined_as(new, shown(self.file_name(mention.by))));
        self.diagnostics.push(diagnostic);
    }

    /// Reports references to a name that the linker's definition of it, `mention`, cannot
    /// serve. `pointer` is the type of an address.
    ///
    /// Code may read an address through a global, as it reads `__memory_base`, and may take
    /// the address of what it declares as a function. A global may be declared as a variable
    /// although it is a constant: code declares `__tls_base` so.
    pub(super) fn check_own(
        &mut self,
        id: SymbolId,
        mention: &Mention<'a>,
        pointer: ValType,
    ) -> bool {
        let symbol = &self.symbols[id.index()];
        let is_address = mention.kind == SymbolKind::Data;
        let serves = match symbol.kind {
            SymbolKind::Function if is_address => !symbol.called_directly,
            SymbolKind::Global if is_address => true,
            kind => kind == mention.kind,
        };
        let what = if !serves {
            let kinds = [symbol.kind, mention.kind].map(messages::kind);
            Some(("symbol type mismatch", kinds.map(ToOwned::to_owned)))
        } else if let Some(declared) = symbol.global_type()
            && declared.value != pointer
        {
            let own = GlobalType {
                value: pointer,
                mutability: Mutability::Const,
            };
            let types = [declared, mention.global_type.unwrap_or(own)];
            Some(("Global type mismatch", types.map(messages::global_type)))
        } else if let (Some(declared), Some(own)) = (symbol.table_type(), mention.table_type)
            && declared.element != own.element
        {
            let types = [declared, own].map(|ty| ty.element.to_string());
            Some(("NameTable type mismatch", types))
        } else {
            None
        };
        let Some((what, [declared, own])) = what else {
            return true;
        };
        self.disagreement(id, mention, what, (&declared, &own));
        false
    }

    /// Reports a function that a shared library defines and that is called with another
    /// signature.
    pub(super) fn shared_mismatch(&mut self, id: SymbolId, mention: &Mention<'a>) {
        let old = messages::signature(self.symbols[id.index()].signature);
        let new = messages::signature(mention.signature);
        self.disagreement(id, mention, "function signature mismatch", (&old, &new));
    }

    /// Reports a definition of a name that some file took for an address of the linker's.
    pub(super) fn check_also(&mut self, id: SymbolId, mention: &Mention<'a>) -> bool {
        let other = |also: &&Also| also.id == id && also.kind != mention.kind;
        let Some(&also) = self.also.iter().find(other) else {
            return true;
        };
        let message = format!("symbol type mismatch: {}", self.show(mention.name));
        let note = |kind, by| defined_as(messages::kind(kind), shown(self.file_name(by)));
        let diagnostic = Diagnostic::error(Code::TypeMismatch, message)
            .about(mention.name)
            .note(note(also.kind, also.by))
            .note(note(mention.kind, mention.by));
        self.diagnostics.push(diagnostic);
        false
    }

    /// Reports a name used for different kinds of things, or a global, table or tag of
    /// different types.
    pub(super) fn check_kind(&mut self, id: SymbolId, mention: &Mention<'a>) -> bool {
        let symbol = &self.symbols[id.index()];
        // A file that only refers to a global may not know whether it is a constant: compilers
        // declare `__memory_base` both ways.
        let known = self.is_defined(id) || !mention.flags.contains(SymbolFlags::UNDEFINED);
        let what = if symbol.kind != mention.kind {
            Some((
                "symbol type mismatch",
                messages::kind(symbol.kind).to_owned(),
                messages::kind(mention.kind).to_owned(),
            ))
        } else if let (Some(old), Some(new)) = (symbol.global_type(), mention.global_type)
            && (old.value != new.value || known && old.mutability != new.mutability)
        {
            Some((
                "Global type mismatch",
                messages::global_type(old),
                messages::global_type(new),
            ))
        } else if let (Some(old), Some(new)) = (symbol.table_type(), mention.table_type)
            && old.element != new.element
        {
            Some((
                "NameTable type mismatch",
                old.element.to_string(),
                new.element.to_string(),
            ))
        } else if symbol.kind == SymbolKind::Tag && symbol.signature != mention.signature {
            Some((
                "Tag signature mismatch",
                messages::signature(symbol.signature),
                messages::signature(mention.signature),
            ))
        } else {
            None
        };
        let Some((what, old, new)) = what else {
            return true;
        };
        self.disagreement(id, mention, what, (&old, &new));
        false
    }

    /// Brings together what two references say of where a symbol is imported from.
    pub(super) fn merge_import(&mut self, id: SymbolId, mention: &Mention<'a>) {
        let Some(new) = mention.import else {
            return;
        };
        let symbol = &self.symbols[id.index()];
        let Some(old) = symbol.import() else {
            self.set_import(id, new);
            return;
        };
        if old.explicit && new.explicit && old.name != new.name {
            let what = "import name mismatch for symbol";
            self.disagreement(id, mention, what, (old.name, new.name));
        }
        if old.module != new.module {
            let what = "import module mismatch for symbol";
            self.disagreement(id, mention, what, (old.module, new.module));
        }
        if new.explicit && !old.explicit {
            self.set_import(id, new);
        }
    }
}
