//! The table of names while it grows: what each name means so far, and what to do when
//! another file defines it, refers to it, or offers to define it.
//!
//! The rules are `wasm-ld`'s; they depend on the order in which files are added.

use std::ops::Range;
use std::sync::Arc;

use bumpalo::Bump;
use wasm_format::ValType;
use wasm_format::linking::{SymbolFlags, SymbolKind};

use super::history::TracedWhat;
use super::made::is_address;
use super::mention::{By, Mention, describe, signature};
use super::names::{InputNames, NameId, Names};
use super::offers::Offers;
use super::record::Recorder;
use super::resolution::{Definition, Particulars, Symbol};
use crate::diag::{Code, Diagnostic};
use crate::hash::{HashMap, IndexMap};
use crate::ids::{FileId, SymbolId};
use crate::input::LazyMember;
use crate::input::object::{Object, ObjectSymbol, SymbolImport};
use crate::options::{Options, OutputKind};

/// A lazy input, by its place in the list of inputs: an archive member or an object
/// between `--start-lib` and `--end-lib`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LazyId(pub(super) u32);

impl LazyId {
    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How much is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameState {
    /// No file has mentioned it.
    Unmentioned,
    /// A file refers to it.
    Undefined,
    /// A file, or the linker, defines it.
    Defined,
}

/// What is known of a name beside the symbol itself.
#[derive(Debug, Clone, Copy)]
struct NameEntry {
    state: NameState,
    /// Who would define it if asked.
    lazy: Option<LazyId>,
    /// When the name was first met, be it as one that a lazy input offers: symbols are in
    /// this order.
    met: u32,
}

/// The table of names.
#[derive(Debug)]
pub(super) struct NameTable<'a> {
    arena: &'a Bump,
    pub(super) symbols: Vec<Symbol<'a>>,
    entries: Vec<NameEntry>,
    pub(super) names: Names,
    /// What lazy inputs offer: of interest for names that no file has mentioned, which have no
    /// symbols yet.
    offers: Offers,
    /// Symbols for which something is being pulled.
    taken: Vec<SymbolId>,
    /// How many names were met, those with several signatures once for each.
    met: u32,
    /// Names used with several signatures: one symbol for each, in the order in which
    /// they were met.
    pub(super) variants: IndexMap<&'a str, Vec<SymbolId>>,
    /// The same, by name and signature.
    by_signature: HashMap<(&'a str, Option<&'a [u8]>), SymbolId>,
    /// Names of the objects, for messages.
    pub(super) file_names: Vec<Arc<str>>,
    /// Names of the shared libraries.
    pub(super) library_names: Vec<Arc<str>>,
    /// The objects, by [`FileId`], that are linked for their custom sections, and those that they
    /// need: other inputs' definitions win over theirs.
    pub(super) yielding: Range<u32>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) record: Recorder<'a>,
    /// References of other kinds than the first to addresses that the linker is to define.
    pub(super) also: Vec<Also>,
    /// Symbols of such references in an object file, by name and kind.
    by_kind: HashMap<(&'a str, SymbolKind), SymbolId>,
    output: OutputKind,
    allow_multiple_definition: bool,
    duplicates_warn: bool,
    check_shared_signatures: bool,
    demangle: bool,
}

/// A reference to a name as another kind of thing than it was first referred to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Also {
    pub(super) id: SymbolId,
    pub(super) kind: SymbolKind,
    pub(super) by: By,
}

/// What came of mentioning an undefined symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Referred {
    /// The name's symbol.
    To(SymbolId),
    /// A lazy input defines it and has to be added first; then refer to it again.
    Pull(SymbolId, LazyId),
}

impl<'a> NameTable<'a> {
    pub(super) fn new(options: &'a Options, names: Names, offers: Offers, arena: &'a Bump) -> Self {
        Self {
            arena,
            symbols: Vec::with_capacity(names.len()),
            entries: Vec::with_capacity(names.len()),
            names,
            offers,
            taken: Vec::new(),
            met: 0,
            variants: IndexMap::default(),
            by_signature: HashMap::default(),
            file_names: Vec::new(),
            library_names: Vec::new(),
            yielding: 0..0,
            diagnostics: Vec::new(),
            record: Recorder::new(options),
            also: Vec::new(),
            by_kind: HashMap::default(),
            output: options.output,
            allow_multiple_definition: options.allow_multiple_definition,
            duplicates_warn: options.no_inhibit_exec,
            check_shared_signatures: options.pic.check_shared_signatures,
            demangle: options.demangle,
        }
    }

    /// The symbol of `name`, if a file that takes part has mentioned the name.
    pub(super) fn find(&self, name: &str) -> Option<SymbolId> {
        self.names.find(name)
    }

    /// The symbol of `name`, if any input has mentioned the name; made if that input only
    /// offers to define it.
    pub(super) fn find_or_offered(&mut self, name: &'a str) -> Option<SymbolId> {
        let number = self.names.number(name)?;
        if self.offers.made(number).is_some() {
            Some(self.intern(name, Some(number)))
        } else {
            self.names.symbol(number)
        }
    }

    pub(super) fn is_defined(&self, id: SymbolId) -> bool {
        self.entries[id.index()].state == NameState::Defined
    }

    /// Whether a file refers to the name and no file defines it (so far).
    pub(super) fn is_undefined(&self, id: SymbolId) -> bool {
        self.entries[id.index()].state == NameState::Undefined
    }

    /// Who would define the name if asked; the offer is taken and so gone.
    pub(super) fn take_lazy(&mut self, id: SymbolId) -> Option<LazyId> {
        self.entries[id.index()].lazy.take()
    }

    /// Asks whether all symbols for which something was pulled since this was asked last are
    /// defined now.
    pub(super) fn check_taken(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        self.offers.doubted |= !taken.drain(..).all(|id| self.is_defined(id));
        self.taken = taken;
    }

    /// Asks whether what a lazy input that was pulled offered, `count` names, is defined now. What
    /// comes after the name that was needed was not offered.
    pub(super) fn check_offers(&mut self, names: &InputNames, count: usize) {
        let mut names = (0..count).filter_map(|nth| names.get(nth));
        self.offers.doubted |= !names.all(|name| {
            let symbol = self.names.symbol(name);
            symbol.is_some_and(|id| self.is_defined(id))
        });
    }

    /// The symbol of `name`, whose number may be known; made if nothing has mentioned it.
    pub(super) fn intern(&mut self, name: &'a str, number: Option<NameId>) -> SymbolId {
        let number = number.unwrap_or_else(|| self.names.intern(name));
        if let Some(id) = self.names.symbol(number) {
            return id;
        }
        let offer = self.offers.introduce(number);
        let id = self.push(name, offer);
        self.names.set(number, id);
        id
    }

    /// The next number in the order in which names are met.
    fn meet(&mut self) -> u32 {
        let met = self.met;
        self.met += 1;
        met
    }

    /// How many were met so far.
    pub(super) fn met_so_far(&self) -> usize {
        self.met as usize
    }

    /// From now on `name` stands for symbol `id`.
    pub(super) fn stands_for(&mut self, name: &'a str, id: SymbolId) {
        let number = self.names.intern(name);
        self.names.set(number, id);
    }

    /// When the name of a symbol was met.
    pub(super) fn met_of(&self, id: SymbolId) -> u32 {
        self.entries[id.index()].met
    }

    /// Makes a symbol; `offer` is who offers its name, if anybody does, and when it was met.
    fn push(&mut self, name: &'a str, offer: Option<(LazyId, u32)>) -> SymbolId {
        let id = SymbolId::new(self.symbols.len() as u32);
        self.symbols.push(Symbol::new(name));
        let met = offer.map_or_else(|| self.meet(), |(_, met)| met);
        self.entries.push(NameEntry {
            state: NameState::Unmentioned,
            lazy: offer.map(|(lazy, _)| lazy),
            met,
        });
        id
    }

    /// A lazy input offers to define `names`. Returns the symbol of the first one that a file
    /// needs, so that the input has to be pulled at once; what comes after it is not offered.
    ///
    /// What an input before this one offers, too, is left to that: what was asked of it is defined
    /// since, unless its index is wrong.
    pub(super) fn offer(
        &mut self,
        lazy: LazyId,
        member: &LazyMember<'a>,
        names: &InputNames,
    ) -> Option<SymbolId> {
        let count = member.offered().len();
        self.offers.make(lazy, count, self.met);
        let tracing = self.record.is_tracing();
        let doubted = self.offers.doubted;
        // Names without symbols need nothing but what was written down for all of them.
        let is_looked_at = tracing || doubted || self.offers.is_expected(lazy);
        let looked_at = if is_looked_at { count } else { 0 };
        for nth in (0..looked_at).filter(|&nth| doubted || !names.is_repeated(nth)) {
            let Some(number) = names.get(nth) else {
                continue;
            };
            let is_new = if let Some(id) = self.names.symbol(number) {
                let entry = &mut self.entries[id.index()];
                if entry.state == NameState::Undefined && !self.symbols[id.index()].weak {
                    self.offers.make(lazy, nth, self.met);
                    self.met += nth as u32;
                    return Some(id);
                }
                let is_new = entry.state != NameState::Defined && entry.lazy.is_none();
                if is_new {
                    entry.lazy = Some(lazy);
                }
                is_new
            } else {
                (tracing || doubted) && self.offers.renew(number, lazy, nth)
            };
            if tracing && is_new {
                self.trace_offer(member, nth);
            }
        }
        self.met += count as u32;
        None
    }

    fn trace_offer(&mut self, member: &LazyMember<'a>, nth: usize) {
        let name = member.symbol(nth);
        if self.record.traces(&name) {
            let file = Some(member.name());
            self.record.traced(&name, file, TracedWhat::LazyDefinition);
        }
    }

    /// An object refers to a function or to data that is defined already, as what it is:
    /// most references do, and they change nothing. `None` if there is more to it.
    #[inline]
    pub(super) fn refer_to_known(
        &mut self,
        name: NameId,
        object: &Object<'a>,
        entry: &ObjectSymbol<'a>,
    ) -> Option<SymbolId> {
        let id = self.names.symbol(name)?;
        let symbol = &mut self.symbols[id.index()];
        let as_it_is = symbol.kind == entry.kind()
            && match symbol.kind {
                SymbolKind::Function => symbol.signature == signature(object, entry),
                SymbolKind::Data => true,
                _ => false,
            };
        if self.entries[id.index()].state != NameState::Defined
            || !as_it_is
            || self.record.is_tracing()
        {
            return None;
        }
        symbol.used_in_object = true;
        Some(id)
    }

    /// A file (or the command line) refers to a symbol that it does not define.
    pub(super) fn refer(&mut self, mention: &Mention<'a>) -> Referred {
        let id = self.intern(mention.name, mention.number);
        if self.record.traces(mention.name)
            && self.record.refers_first(mention.name, mention.by.object())
        {
            self.trace(mention, TracedWhat::Reference);
        }
        if mention.by.object().is_some() {
            self.symbols[id.index()].used_in_object = true;
        }
        let weak = mention.flags.is_weak();
        let entry = &mut self.entries[id.index()];
        if let (false, Some(lazy)) = (weak, entry.lazy) {
            entry.lazy = None;
            self.taken.push(id);
            return Referred::Pull(id, lazy);
        }
        // A weak reference to what is offered is not one to a host.
        let mut mention = *mention;
        if entry.lazy.is_some() {
            mention.import = None;
        }
        let mention = &mention;
        match entry.state {
            NameState::Unmentioned => {
                entry.state = NameState::Undefined;
                describe(&mut self.symbols[id.index()], mention, self.arena);
                Referred::To(id)
            }
            NameState::Undefined | NameState::Defined => {
                Referred::To(self.refer_again(id, mention))
            }
        }
    }

    /// Another reference to a name that is defined or already referred to.
    fn refer_again(&mut self, id: SymbolId, mention: &Mention<'a>) -> SymbolId {
        let mut id = id;
        if self.also_serves(id, mention) {
            if self.output != OutputKind::Relocatable {
                self.refer_also(id, mention);
                return id;
            }
            let (of_kind, new) = self.of_kind(id, mention);
            if new {
                return of_kind;
            }
            id = of_kind;
        }
        if !self.check_kind(id, mention) {
            return id;
        }
        let symbol = &mut self.symbols[id.index()];
        if symbol.signature.is_none() {
            symbol.signature = mention.signature;
        }
        let mismatch = mention.kind == SymbolKind::Function
            && mention.called_directly
            && mention.signature.is_some()
            && symbol.signature != mention.signature;
        if mismatch && matches!(symbol.definition, Definition::Shared(_)) {
            // There is one function of that name for all; no stub can stand in for it.
            if self.check_shared_signatures {
                self.shared_mismatch(id, mention);
            } else if !symbol.called_directly {
                // Who calls it is taken to know how.
                symbol.signature = mention.signature;
                symbol.called_directly = true;
            }
        } else if mismatch {
            let undefined = self.is_undefined(id);
            let symbol = &mut self.symbols[id.index()];
            if undefined && !symbol.called_directly {
                // An address was taken; only a call knows what is called.
                describe(symbol, mention, self.arena);
            } else {
                if undefined {
                    // Whatever its signature, a name has one place to be imported from.
                    self.merge_import(id, mention);
                }
                let (variant, new) = self.variant(id, mention.signature);
                if new {
                    self.entries[variant.index()].state = NameState::Undefined;
                    describe(&mut self.symbols[variant.index()], mention, self.arena);
                    self.symbols[variant.index()].used_in_object = true;
                }
                id = variant;
            }
        }
        if self.is_undefined(id) {
            self.merge_import(id, mention);
            let symbol = &mut self.symbols[id.index()];
            symbol.called_directly |= mention.called_directly;
            // A strong reference has the last word, and so does one that asks to keep the symbol.
            symbol.weak &= mention.flags.is_weak();
            symbol.no_strip |= mention.flags.contains(SymbolFlags::NO_STRIP);
        }
        id
    }

    /// Whether a reference is to an address that this linker or a later one is to define, and of
    /// another kind than the first, which that address may serve, too.
    fn also_serves(&self, id: SymbolId, mention: &Mention<'a>) -> bool {
        let kind = self.symbols[id.index()].kind;
        let is_served = |kind| {
            matches!(
                kind,
                SymbolKind::Function | SymbolKind::Data | SymbolKind::Global
            )
        };
        kind != mention.kind
            && is_served(kind)
            && is_served(mention.kind)
            && self.is_undefined(id)
            && is_address(mention.name, self.output)
    }

    /// The symbol of the same name and another kind, and whether it is new. In an object file a
    /// reference stays what its file takes it for, until the address is known.
    fn of_kind(&mut self, id: SymbolId, mention: &Mention<'a>) -> (SymbolId, bool) {
        let Mention { name, kind, by, .. } = *mention;
        self.also.push(Also { id, kind, by });
        if let Some(&known) = self.by_kind.get(&(name, kind)) {
            return (known, false);
        }
        let new = self.push(name, None);
        self.by_kind.insert((name, kind), new);
        self.entries[new.index()].state = NameState::Undefined;
        describe(&mut self.symbols[new.index()], mention, self.arena);
        self.symbols[new.index()].used_in_object = mention.by.object().is_some();
        (new, true)
    }

    fn refer_also(&mut self, id: SymbolId, mention: &Mention<'a>) {
        let symbol = &mut self.symbols[id.index()];
        let Mention { kind, by, .. } = *mention;
        self.also.push(Also { id, kind, by });
        symbol.weak &= mention.flags.is_weak();
        if mention.called_directly {
            // No address serves that: it is what will be reported.
            describe(symbol, mention, self.arena);
        }
    }

    /// A file defines a symbol.
    pub(super) fn define(&mut self, mention: &Mention<'a>, definition: Definition) -> SymbolId {
        let id = self.intern(mention.name, mention.number);
        if mention.by.object().is_some() {
            self.symbols[id.index()].used_in_object = true;
        }
        if self.entries[id.index()].state == NameState::Unmentioned {
            self.replace_traced(id, mention, definition);
            return id;
        }
        if self.yields(mention.by.object())
            && self.is_defined(id)
            && !self.yields(self.symbols[id.index()].file)
        {
            return self.refer_again(id, mention);
        }
        // What the linker's own definitions serve was checked before.
        let own = mention.by == By::Linker && !self.is_defined(id);
        let fits = own || self.check_kind(id, mention) && self.check_also(id, mention);
        if !fits {
            return id;
        }
        let symbol = &self.symbols[id.index()];
        let checked = self.is_defined(id) || symbol.called_directly;
        let mismatch = mention.kind == SymbolKind::Function
            && checked
            && symbol.signature.is_some()
            && symbol.signature != mention.signature;
        if mismatch {
            let (variant, new) = self.variant(id, mention.signature);
            if new || self.overrides(id, mention) {
                self.symbols[variant.index()].used_in_object = true;
                self.replace(variant, mention, definition);
                // The definition is what the name means from here on.
                self.stands_for(mention.name, variant);
            }
            return variant;
        }
        if self.overrides(id, mention) {
            self.replace_traced(id, mention, definition);
        }
        id
    }

    /// The linker defines a symbol, which serves all references to the name or is reported.
    /// `pointer` is the type of an address.
    pub(super) fn define_own(
        &mut self,
        mention: &Mention<'a>,
        definition: Definition,
        pointer: ValType,
    ) -> SymbolId {
        if let Some(id) = self.find(mention.name)
            && self.is_undefined(id)
            && !self.check_own(id, mention, pointer)
        {
            return id;
        }
        self.define(mention, definition)
    }

    /// A name that a file refers to is an address which a loader knows, if it can serve all
    /// references: it comes from the GOT, whatever files declare it as.
    pub(super) fn leave_to_loader(&mut self, mention: &Mention<'a>, pointer: ValType) {
        let Some(id) = self.find(mention.name) else {
            return;
        };
        if !self.is_undefined(id) || !self.check_own(id, mention, pointer) {
            return;
        }
        let symbol = &mut self.symbols[id.index()];
        symbol.kind = mention.kind;
        symbol.signature = None;
        symbol.set_particulars(Particulars::default(), self.arena);
        // A hidden symbol is not looked for outside.
        symbol.force_import = !symbol.hidden;
    }

    fn replace_traced(&mut self, id: SymbolId, mention: &Mention<'a>, definition: Definition) {
        if self.record.traces(mention.name) {
            self.trace(mention, TracedWhat::Definition);
        }
        self.replace(id, mention, definition);
    }

    /// Remembers what a file says of a traced symbol.
    fn trace(&mut self, mention: &Mention<'a>, what: TracedWhat) {
        let file = self.file_name(mention.by).cloned();
        self.record.traced(mention.name, file, what);
    }

    /// A shared library defines a symbol: taken only where no object does.
    pub(super) fn define_shared(&mut self, mention: &Mention<'a>, library: u32) {
        let id = self.intern(mention.name, mention.number);
        if self.is_defined(id) {
            return;
        }
        let entry = self.entries[id.index()];
        if entry.state == NameState::Undefined {
            if !self.check_kind(id, mention) || !self.check_also(id, mention) {
                return;
            }
            let symbol = &self.symbols[id.index()];
            if self.check_shared_signatures
                && mention.kind == SymbolKind::Function
                && symbol.called_directly
                && symbol.signature != mention.signature
            {
                self.shared_mismatch(id, mention);
                return;
            }
        }
        let before = self.symbols[id.index()];
        self.replace_traced(id, mention, Definition::Shared(library));
        let symbol = &mut self.symbols[id.index()];
        symbol.weak |= before.weak && entry.state == NameState::Undefined;
        symbol.file = before.file;
        symbol.set_particulars(
            Particulars {
                import: before.import(),
                ..symbol.particulars()
            },
            self.arena,
        );
        if before.called_directly {
            symbol.signature = before.signature;
        }
    }

    /// Whether a definition takes the place of what a name means so far; reports two
    /// strong ones.
    fn overrides(&mut self, id: SymbolId, mention: &Mention<'a>) -> bool {
        if !self.is_defined(id) {
            return true;
        }
        let symbol = &self.symbols[id.index()];
        let both_yield = match (self.yields(symbol.file), self.yields(mention.by.object())) {
            (true, false) => return true,
            (both, _) => both,
        };
        if mention.flags.is_weak() {
            return false;
        }
        if symbol.weak || matches!(symbol.definition, Definition::Shared(_)) {
            return true;
        }
        // Any strong definition is the one of a common symbol, and several common symbols are one.
        if symbol.is_common() || mention.flags.is_common() {
            return !mention.flags.is_common();
        }
        if !self.allow_multiple_definition && !both_yield {
            let message = format!("duplicate symbol: {}", self.show(mention.name));
            let new = if self.duplicates_warn {
                Diagnostic::warning
            } else {
                Diagnostic::error
            };
            let diagnostic = new(Code::Duplicate, message)
                .about(mention.name)
                .note(format!("defined in {}", self.known_from(id)))
                .note(format!("defined in {}", shown(self.file_name(mention.by))));
            self.diagnostics.push(diagnostic);
            // Each further definition is compared with the one before it.
            return true;
        }
        false
    }

    /// Whether an object's definitions give way to those of other inputs.
    fn yields(&self, file: Option<FileId>) -> bool {
        file.is_some_and(|file| self.yielding.contains(&file.0))
    }

    fn replace(&mut self, id: SymbolId, mention: &Mention<'a>, definition: Definition) {
        let entry = &mut self.entries[id.index()];
        entry.state = NameState::Defined;
        entry.lazy = None;
        let symbol = &mut self.symbols[id.index()];
        describe(symbol, mention, self.arena);
        symbol.definition = definition;
    }

    /// The symbol of the same name with another signature, and whether it is new.
    fn variant(&mut self, id: SymbolId, signature: Option<&'a [u8]>) -> (SymbolId, bool) {
        let name = self.symbols[id.index()].name;
        if !self.variants.contains_key(name) {
            self.variants.insert(name, vec![id]);
            let first = (name, self.symbols[id.index()].signature);
            self.by_signature.insert(first, id);
        }
        if let Some(&same) = self.by_signature.get(&(name, signature)) {
            return (same, false);
        }
        let variant = self.push(name, None);
        self.variants[name].push(variant);
        self.by_signature.insert((name, signature), variant);
        (variant, true)
    }

    pub(super) fn set_import(&mut self, id: SymbolId, import: SymbolImport<'a>) {
        let symbol = &mut self.symbols[id.index()];
        let known = Particulars {
            import: Some(import),
            ..symbol.particulars()
        };
        symbol.set_particulars(known, self.arena);
    }

    /// A name as messages show it.
    pub(super) fn show(&self, name: &'a str) -> std::borrow::Cow<'a, str> {
        if self.demangle {
            crate::demangle::demangle(name)
        } else {
            name.into()
        }
    }

    /// The name of the file that says something; `None` for the linker and the command line.
    pub(super) fn file_name(&self, by: By) -> Option<&Arc<str>> {
        match by {
            By::Object(file) => Some(&self.file_names[file.index()]),
            By::Library(library) => Some(&self.library_names[library as usize]),
            By::Linker => None,
        }
    }

    /// The file that what is known of a symbol is from, as messages show it.
    pub(super) fn known_from(&self, id: SymbolId) -> &str {
        let symbol = &self.symbols[id.index()];
        let by = match (symbol.definition, symbol.file) {
            (Definition::Shared(library), _) => By::Library(library),
            (_, Some(file)) => By::Object(file),
            (_, None) => By::Linker,
        };
        shown(self.file_name(by))
    }
}

/// A file as messages show it.
pub(super) fn shown(file: Option<&Arc<str>>) -> &str {
    file.map_or("<internal>", |file| file)
}
