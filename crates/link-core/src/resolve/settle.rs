//! What is decided when all files are added: names with several signatures, and weak
//! references without a definition.

use wasm_format::linking::SymbolKind;
use wasm_format::reloc::RelocType;

use super::conflicts::defined_as;
use super::history::TracedWhat;
use super::resolution::{Definition, Stub};
use super::{Resolver, messages};
use crate::diag::{Code, Diagnostic, Severity};
use crate::hash::{HashMap, HashSet};
use crate::ids::{FileId, ObjFunc, SymbolId};

impl<'a> Resolver<'a> {
    /// Decides what a name with several signatures means: the definition, and for calls
    /// with another signature a stub that traps.
    pub(super) fn settle_variants(&mut self) {
        let variants = std::mem::take(&mut self.table.variants);
        if variants.is_empty() {
            return;
        }
        let callers = Callers::find(self, variants.values().flatten().copied());
        for (name, variants) in variants {
            let defined = variants
                .iter()
                .copied()
                .find(|&id| self.table.is_defined(id));
            // Which signature would the import have?
            let chosen = defined.unwrap_or(variants[1]);
            for &id in &variants {
                if id == chosen || (defined.is_none() && id != variants[0]) {
                    continue;
                }
                let diagnostic = self.mismatch(name, [id, chosen], defined.is_some(), &callers);
                self.table.diagnostics.push(diagnostic);
            }
            if defined.is_some() {
                self.table.stands_for(name, chosen);
                for &id in variants.iter().filter(|&&id| id != chosen) {
                    self.make_stub(id, Stub::SIGNATURE_MISMATCH);
                }
            }
        }
    }

    /// The diagnostic for a function that is called with the signature of `called` and is
    /// `defined` with that of `other`, or else called with that, too.
    fn mismatch(
        &self,
        name: &'a str,
        [called, other]: [SymbolId; 2],
        defined: bool,
        callers: &Callers,
    ) -> Diagnostic {
        let message = format!("function signature mismatch: {}", self.table.show(name));
        let mut diagnostic = Diagnostic::error(Code::TypeMismatch, message).about(name);
        for id in [called, other] {
            let file = self.table.known_from(id);
            diagnostic = diagnostic.note(defined_as(&self.signature(id), file));
        }
        // Without a call, a definition that is not chosen has another signature.
        let is_called = callers.0.contains_key(&called);
        if defined && !(is_called && self.options.error_signature_mismatch) {
            diagnostic.severity = Severity::Warning;
        }
        self.note_calls(&mut diagnostic, called, callers);
        if !defined {
            self.note_calls(&mut diagnostic, other, callers);
        }
        diagnostic
    }

    /// Names the functions that call `id`.
    fn note_calls(&self, diagnostic: &mut Diagnostic, id: SymbolId, callers: &Callers) {
        let Some(calls) = callers.0.get(&id) else {
            return;
        };
        let signature = self.signature(id);
        let mut note = |by: String| {
            let note = format!("called as {signature} by {by}");
            diagnostic.notes.push(note);
        };
        for &(file, function) in &calls.first {
            let object = &self.objects[file.index()];
            let caller = match function {
                Some(function) => self.table.show(object.function_name(function)),
                None => "start section".into(),
            };
            note(format!("{}:({caller})", object.name));
        }
        if calls.count > calls.first.len() {
            note(format!(
                "{} more functions",
                calls.count - calls.first.len()
            ));
        }
    }

    fn signature(&self, id: SymbolId) -> String {
        messages::signature(self.table.symbols[id.index()].signature)
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

    /// Makes calls of functions trap to which there are only weak references and which no file
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
            self.make_stub(id, Stub::UNDEFINED_WEAK);
        }
    }
}

/// Callers of a function that a message names before it only counts them.
const CALLERS_SHOWN: usize = 3;

/// The functions that call functions with several signatures directly, by what they call.
struct Callers(HashMap<SymbolId, Calls>);

/// A function of a file that calls another, or `None` for the file's start section.
type Caller = (FileId, Option<ObjFunc>);

/// The functions that call one function.
struct Calls {
    first: Vec<Caller>,
    last: Caller,
    count: usize,
}

impl Callers {
    /// Looks for calls of `functions` in the code of all objects.
    fn find(resolver: &Resolver<'_>, functions: impl Iterator<Item = SymbolId>) -> Self {
        let functions: HashSet<SymbolId> = functions.collect();
        let mut callers = Self(HashMap::default());
        for (nth, (object, file)) in resolver.objects.iter().zip(&resolver.files).enumerate() {
            let nth = FileId(nth as u32);
            let symbols = file.symbols.iter().zip(object.symbols.iter());
            let called: Vec<Option<SymbolId>> = symbols
                .map(|(id, symbol)| {
                    id.filter(|id| symbol.called_directly && functions.contains(id))
                })
                .collect();
            if called.iter().all(Option::is_none) {
                continue;
            }
            for function in object.functions.ids() {
                let comdat = object.functions[function].comdat();
                if comdat.is_some_and(|comdat| file.comdat_discarded[comdat as usize]) {
                    continue;
                }
                for reloc in object.functions.chunk(function).relocs.iter() {
                    if reloc.ty == RelocType::FunctionIndexLeb
                        && let Some(id) = called[reloc.target as usize]
                    {
                        callers.add(id, (nth, Some(function)));
                    }
                }
            }
            if let Some(start) = object.start
                && let Some(id) = called[start.index()]
            {
                callers.add(id, (nth, None));
            }
        }
        callers
    }

    /// Adds a call, of which a function may make several.
    fn add(&mut self, called: SymbolId, caller: Caller) {
        let calls = self.0.entry(called).or_insert_with(|| Calls {
            first: vec![caller],
            last: caller,
            count: 1,
        });
        if calls.last == caller {
            return;
        }
        calls.last = caller;
        calls.count += 1;
        if calls.first.len() < CALLERS_SHOWN {
            calls.first.push(caller);
        }
    }
}
