//! What the command line asks of names: what it refers to, and what it exports.

use wasm_format::linking::SymbolKind;

use super::record::Wanted;
use super::resolution::{Definition, MadeFunction};
use super::{Resolver, made};
use crate::diag::{Code, Diagnostic};
use crate::ids::SymbolId;
use crate::options::{Options, OutputKind, Unresolved};

/// Who needs what the linker or the command line refers to.
pub(super) const INTERNAL: &str = "<internal>";

impl<'a> Resolver<'a> {
    /// What `--undefined`, `--export`, `--entry` and command exports refer to.
    pub(super) fn add_command_line(&mut self) {
        let options = self.options;
        for name in &options.undefined {
            self.want(name, INTERNAL);
        }
        for name in options.exports.iter().chain(&options.exports_if_defined) {
            self.want(name, "--export");
        }
        if let (false, Some(entry)) = (options.is_relocatable(), options.entry_name()) {
            self.entry = self.want(entry, "--entry");
            match self.entry {
                Some(id) if self.table.is_defined(id) => {
                    self.table.symbols[id.index()].force_export = true;
                }
                _ => {
                    let message =
                        format!("entry symbol not defined (pass --no-entry to suppress): {entry}");
                    let diagnostic = Diagnostic::error(Code::Undefined, message).about(entry);
                    self.table.diagnostics.push(diagnostic);
                }
            }
        }
        self.find_call_dtors();
    }

    /// The symbol of a name that the command line wants; pulls it if a lazy input has it.
    /// A name that no file mentions stays unmentioned. `by` is what `--why-extract` says.
    pub(super) fn want(&mut self, name: &'a str, by: &str) -> Option<SymbolId> {
        let id = self.table.find_or_offered(name)?;
        self.table.symbols[id.index()].used_in_object = true;
        self.find_or_pull(name, by)
    }

    /// The symbol of a name; pulls it if a lazy input has it.
    pub(super) fn find_or_pull(&mut self, name: &'a str, by: &str) -> Option<SymbolId> {
        let id = self.table.find_or_offered(name)?;
        if let Some(lazy) = self.table.take_lazy(id) {
            let symbol = self.table.symbols[id.index()].name;
            let by = by.into();
            self.pull(lazy, Wanted { by, symbol });
        }
        // The definition may have become another variant of the name.
        self.table.find(name)
    }

    /// What `--undefined` names is kept, as in linkers of other formats: a reference from
    /// nowhere. What nothing here defines stays out of the output.
    pub(super) fn keep_undefined(&mut self) {
        for name in &self.options.undefined {
            let Some(id) = self.table.find(name) else {
                continue;
            };
            let symbol = &mut self.table.symbols[id.index()];
            match symbol.definition {
                Definition::Undefined | Definition::Shared(_) | Definition::Stub(_) => {}
                Definition::Object { .. }
                | Definition::Function(_)
                | Definition::Global(_)
                | Definition::Address(_)
                | Definition::IndirectFunctionTable => {
                    symbol.used_in_object = true;
                    self.kept.push(id);
                }
            }
        }
    }

    /// `__wasm_call_dtors` is called by the wrappers of exports of a command: where
    /// no code calls `__wasm_call_ctors` itself.
    fn find_call_dtors(&mut self) {
        const CTORS: &str = "__wasm_call_ctors";
        let options = self.options;
        let Some(ctors) = self.made.call_ctors else {
            return;
        };
        let by_hand = self.table.symbols[ctors.index()].used_in_object
            || options.entry_name() == Some(CTORS)
            || options
                .exports
                .iter()
                .chain(&options.exports_if_defined)
                .any(|name| name == CTORS);
        if options.is_relocatable() || options.output == OutputKind::Shared || by_hand {
            return;
        }
        let Some(id) = self.want("__wasm_call_dtors", INTERNAL) else {
            return;
        };
        let symbol = &self.table.symbols[id.index()];
        let no_signature = symbol.signature.is_none_or(|bytes| bytes == [0x60, 0, 0]);
        let is_function = symbol.kind == SymbolKind::Function
            && matches!(symbol.definition, Definition::Object { .. });
        let message = if !is_function {
            "__wasm_call_dtors must be a function"
        } else if !no_signature {
            "__wasm_call_dtors must have no argument or return values"
        } else {
            self.call_dtors = Some(id);
            return;
        };
        self.table
            .diagnostics
            .push(Diagnostic::error(Code::TypeMismatch, message).about("__wasm_call_dtors"));
    }

    /// Marks what `--export` names, and reports what it names in vain.
    pub(super) fn force_exports(&mut self) {
        let options = self.options;
        for name in options.exports.iter().chain(&options.exports_if_defined) {
            if let Some(id) = self.exportable(name) {
                self.table.symbols[id.index()].force_export = true;
            }
        }
        if let Some(entry) = self.entry {
            self.table.symbols[entry.index()].hidden = false;
        }
        for name in &options.exports {
            // Functions without symbols are made later, and exported by their names then.
            let is_made_later = made::is_without_symbol(name) && !options.is_relocatable();
            if self.exportable(name).is_none() && !is_made_later {
                self.table.diagnostics.extend(not_exported(name, options));
            }
        }
    }

    /// The symbol that `--export=NAME` can export.
    pub(super) fn exportable(&self, name: &str) -> Option<SymbolId> {
        let id = self.table.find(name)?;
        let symbol = &self.table.symbols[id.index()];
        // The function table is defined whenever something may come to need it. It is the
        // module's own if it is not imported and a file mentions it, or it is to be exported.
        let is_there = match symbol.definition {
            Definition::IndirectFunctionTable => {
                let options = self.options;
                !options.table.import
                    && !options.is_pic()
                    && (symbol.used_in_object || options.exports_table())
            }
            _ => true,
        };
        (is_there && self.table.is_defined(id)).then_some(id)
    }
}

/// What is said if `--export` names in vain; `None` if undefined symbols are passed over in
/// silence.
pub(crate) fn not_exported(name: &str, options: &Options) -> Option<Diagnostic> {
    let report: fn(Code, String) -> Diagnostic = match options.unresolved {
        Unresolved::Error => Diagnostic::error,
        Unresolved::Warn => Diagnostic::warning,
        Unresolved::Ignore | Unresolved::ImportDynamic => return None,
    };
    let message = format!("symbol exported via --export not found: {name}");
    let mut diagnostic = report(Code::Undefined, message).about(name);
    if made::is_loaders(name, options) {
        diagnostic = diagnostic.note(made::LOADERS);
    } else if name == MadeFunction::InitTls.name() {
        diagnostic = diagnostic.note("an output without threads has none");
    }
    Some(diagnostic)
}
