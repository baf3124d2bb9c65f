//! Phase 2: what every name means. Adds the inputs one after another in command line
//! order, pulls lazy ones when a file refers to what they define, chooses comdats, makes
//! the linker's own symbols, applies `--wrap`.

mod ahead;
mod made;
mod messages;
mod names;
mod order;
mod record;
mod shared;
mod stub;
mod table;
mod wrap;

use bumpalo::Bump;
use wasm_format::linking::{SymbolFlags, SymbolKind};

use self::ahead::Parsed;
use self::names::InputNames;
pub(crate) use self::names::Names;
use self::record::Wanted;
use self::table::{LazyId, Mention, Referred, Table, mention, object_definition};
use super::ids::{FileId, ObjSymbol, SymbolId};
use super::object::{ObjTarget, Object, ObjectSymbol};
use super::options::{Options, OutputKind, Unresolved};
use super::read::{BITCODE_NEEDS_LLD, LazyMember, ReadInput, SharedLibrary};
use super::report::TracedWhat;
use super::resolution::{Definition, FileResolution, LinkerMade, Resolution, Stub, Symbol};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};

/// Resolves every name of `inputs`.
///
/// Names that no input holds are made in `names`. Errors go to `diagnostics`; the returned value is complete in spite of them, so that
/// later phases that only report can run.
pub fn resolve<'a>(
    inputs: Vec<ReadInput<'a>>,
    options: &'a Options,
    names: &'a Bump,
    diagnostics: &mut Diagnostics,
) -> Resolution<'a> {
    // Hash every name once, so that from here on names are numbers.
    let (mut numbers, of_inputs) = Names::of(&inputs);
    // Parse what will be pulled while there are threads to do it.
    let parsed = ahead::parse(&inputs, &of_inputs, &mut numbers, options);

    let mut resolver = Resolver::new(options, names, numbers);
    resolver.find_address_size(&inputs);
    // Linker-made symbols come first, so that a file that defines one is told so.
    made::define_always(&mut resolver);
    // Then the files, whose order decides which of several definitions is taken.
    resolver.add_inputs(inputs, of_inputs, parsed);
    // Then what the command line refers to, which may pull archive members.
    resolver.add_command_line();
    // What the host provides, and what that needs of the program.
    stub::apply(&mut resolver);
    // Linker-made symbols that exist only where a file refers to them.
    let wrapped = wrap::refer(&mut resolver);
    made::define_optional(&mut resolver);
    // A name used with several signatures: calls with the wrong one trap.
    resolver.settle_variants();
    wrap::apply(&mut resolver, &wrapped);
    resolver.force_exports();
    // Weak references that nobody answers: calls trap, addresses are null.
    if !options.is_relocatable() && !options.is_pic() {
        resolver.settle_weak_undefined();
    }
    resolver.finish(diagnostics)
}

/// Who needs what the linker or the command line refers to.
const INTERNAL: &str = "<internal>";

/// An object whose symbols are being added. Adding one may first need another object, so
/// these stand on a stack.
struct Frame<'a> {
    object: Object<'a>,
    names: InputNames,
    file: FileId,
    resolution: FileResolution,
    next: usize,
    /// Why it is linked, if it was lazy.
    pulled: Option<Wanted<'a>>,
}

/// A lazy input that nobody has needed yet.
enum Lazy<'a> {
    Member(LazyMember<'a>),
    /// Somebody will need it.
    Parsed(Box<Parsed<'a>>),
}

struct Resolver<'a> {
    options: &'a Options,
    names: &'a Bump,
    table: Table<'a>,
    /// Lazy inputs; `None` once pulled.
    lazy: Vec<Option<Lazy<'a>>>,
    /// Objects in the order in which they were begun, with their place in the link's
    /// order once they are complete.
    done: Vec<(Object<'a>, FileResolution, FileId)>,
    begun: u32,
    /// Comdats of which a copy is chosen, by the number of the name.
    comdats: Vec<bool>,
    stubs: Vec<Stub<'a>>,
    stub_libraries: Vec<stub::StubLibrary<'a>>,
    shared: Vec<SharedLibrary<'a>>,
    made: LinkerMade,
    entry: Option<SymbolId>,
    call_dtors: Option<SymbolId>,
    is_64: Option<bool>,
    /// Errors about objects whose addresses have another size.
    of_wrong_size: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    fn new(options: &'a Options, names: &'a Bump, numbers: Names) -> Self {
        Self {
            options,
            names,
            table: Table::new(options, numbers, names),
            lazy: Vec::new(),
            done: Vec::new(),
            begun: 0,
            comdats: Vec::new(),
            stubs: Vec::new(),
            stub_libraries: Vec::new(),
            shared: Vec::new(),
            made: LinkerMade::default(),
            entry: None,
            call_dtors: None,
            is_64: options.is_64,
            of_wrong_size: Vec::new(),
        }
    }

    /// Adds the inputs, whose names are `of_inputs`; `parsed` are the lazy ones among
    /// them that are parsed already.
    fn add_inputs(
        &mut self,
        inputs: Vec<ReadInput<'a>>,
        of_inputs: Vec<InputNames>,
        parsed: Vec<Option<Box<Parsed<'a>>>>,
    ) {
        let mut parsed = parsed.into_iter();
        for (input, names) in inputs.into_iter().zip(of_inputs) {
            match input {
                ReadInput::Object(object) => self.add_object((*object, names), None),
                ReadInput::Lazy(member) => {
                    self.offer(member, &names, parsed.next().flatten());
                }
                ReadInput::Bitcode(file) => {
                    self.refuse(Code::Bitcode, &file.name, BITCODE_NEEDS_LLD);
                }
                ReadInput::Shared(file) => {
                    self.table.record.file(&file.name);
                    shared::add(self, &file);
                }
                ReadInput::Stub(file) => {
                    self.table.record.file(&file.name);
                    match stub::parse(&file) {
                        Ok(library) => self.stub_libraries.push(library),
                        Err(diagnostic) => self.table.diagnostics.push(diagnostic),
                    }
                }
            }
        }
    }

    fn refuse(&mut self, code: Code, file: &str, message: &str) {
        self.table
            .diagnostics
            .push(Diagnostic::error(code, message).in_file(file));
    }

    /// Remembers what a lazy input defines, and pulls it at once if that is needed.
    fn offer(
        &mut self,
        member: LazyMember<'a>,
        names: &InputNames,
        parsed: Option<Box<Parsed<'a>>>,
    ) {
        let id = LazyId(self.lazy.len() as u32);
        let wanted = (member.symbols().iter().enumerate())
            .find_map(|(nth, name)| self.table.offer(name, names.get(nth), id, &member));
        self.lazy.push(Some(match parsed {
            Some(parsed) => Lazy::Parsed(parsed),
            None => Lazy::Member(member),
        }));
        if let Some(symbol) = wanted {
            let symbol = &self.table.symbols[symbol.index()];
            let wanted = Wanted {
                by: self.table.file_name(symbol.file).into(),
                symbol: symbol.name,
            };
            self.pull(id, wanted);
        }
    }

    /// Parses a lazy input and adds it. Pulled already: nothing to do.
    fn pull(&mut self, id: LazyId, wanted: Wanted<'a>) {
        if let Some(object) = self.parse_lazy(id) {
            self.add_object(object, Some(wanted));
        }
    }

    fn parse_lazy(&mut self, id: LazyId) -> Option<Parsed<'a>> {
        let member = match self.lazy[id.0 as usize].take()? {
            Lazy::Parsed(parsed) => return Some(*parsed),
            Lazy::Member(member) => member,
        };
        match member.parse() {
            Ok(object) => {
                let names = self.table.names.of_object(&object);
                Some((object, names))
            }
            Err(diagnostic) => {
                self.table.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// Adds an object, and before it whatever its symbols pull.
    fn add_object(&mut self, object: Parsed<'a>, pulled: Option<Wanted<'a>>) {
        // A stack of our own: a chain of members that pull one another may be long.
        let mut stack = vec![self.begin(object, pulled)];
        while let Some(mut frame) = stack.pop() {
            let Some(pulled) = self.add_symbols(&mut frame) else {
                if let Some(wanted) = frame.pulled {
                    self.table.record.extraction(&frame.object.name, wanted);
                }
                self.done.push((frame.object, frame.resolution, frame.file));
                continue;
            };
            let wanted = Wanted {
                by: frame.object.name.clone(),
                symbol: frame.object.symbols[frame.next].name,
            };
            stack.push(frame);
            if let Some(object) = self.parse_lazy(pulled) {
                stack.push(self.begin(object, Some(wanted)));
            }
        }
    }

    fn begin(&mut self, (object, names): Parsed<'a>, pulled: Option<Wanted<'a>>) -> Frame<'a> {
        self.check_address_size(&object);
        self.table.record.file(&object.name);
        let file = FileId(self.begun);
        self.begun += 1;
        self.table.file_names.push(object.name.clone());
        self.comdats.resize(self.table.names.len(), false);
        let comdat_discarded = (object.symbols.len()..)
            .take(object.comdats.len())
            .map(|nth| {
                let name = names.get(nth);
                name.is_some_and(|name| std::mem::replace(&mut self.comdats[name.index()], true))
            })
            .collect();
        Frame {
            resolution: FileResolution {
                symbols: Vec::with_capacity(object.symbols.len()),
                comdat_discarded,
            },
            object,
            names,
            file,
            next: 0,
            pulled,
        }
    }

    /// Adds the symbols of an object from where it was left; returns the lazy input that
    /// has to be added before the next one.
    fn add_symbols(&mut self, frame: &mut Frame<'a>) -> Option<LazyId> {
        while let Some(entry) = frame.object.symbols.get(frame.next) {
            let id = if entry.is_local() || matches!(entry.target, ObjTarget::Section(_)) {
                None
            } else {
                let number = frame.names.get(frame.next);
                let said = || Mention {
                    number,
                    ..mention(&frame.object, frame.file, entry)
                };
                if entry.is_undefined() || is_discarded(frame, entry) {
                    let known = number
                        .and_then(|name| self.table.refer_to_known(name, &frame.object, entry));
                    match known.map_or_else(|| self.table.refer(&said()), Referred::To) {
                        Referred::To(id) => Some(id),
                        Referred::Pull(_, lazy) => return Some(lazy),
                    }
                } else {
                    let symbol = ObjSymbol(frame.next as u32);
                    let definition = object_definition(frame.file, symbol);
                    Some(self.table.define(&said(), definition))
                }
            };
            frame.resolution.symbols.push(id);
            frame.next += 1;
        }
        None
    }

    /// Linker-made symbols have types, so what an address is must be known before any
    /// object is added: what was asked for, else what the first object says.
    fn find_address_size(&mut self, inputs: &[ReadInput<'a>]) {
        self.is_64 = self.is_64.or_else(|| {
            inputs.iter().find_map(|input| match input {
                ReadInput::Object(object) => object.is_64,
                _ => None,
            })
        });
    }

    fn check_address_size(&mut self, object: &Object<'a>) {
        let Some(is_64) = object.is_64 else {
            return;
        };
        match self.is_64 {
            None => self.is_64 = Some(is_64),
            Some(wanted) if wanted == is_64 => {}
            Some(wanted) => {
                let message = if wanted {
                    "wasm32 object file can't be linked in wasm64 mode"
                } else {
                    "must specify -mwasm64 to process wasm64 object files"
                };
                let diagnostic = Diagnostic::error(Code::BadInput, message)
                    .in_file(&*object.name)
                    .note("all objects of a link must have addresses of the same size");
                self.of_wrong_size.push(diagnostic);
            }
        }
    }

    /// What `--undefined`, `--export`, `--entry` and command exports refer to.
    fn add_command_line(&mut self) {
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
    /// A name nobody has mentioned stays unmentioned. `by` is what `--why-extract` says.
    fn want(&mut self, name: &'a str, by: &str) -> Option<SymbolId> {
        let id = self.table.find_or_offered(name)?;
        self.table.symbols[id.index()].used_in_object = true;
        if let Some(lazy) = self.table.take_lazy(id) {
            let symbol = self.table.symbols[id.index()].name;
            let by = by.into();
            self.pull(lazy, Wanted { by, symbol });
        }
        // The definition may have become another variant of the name.
        self.table.find(name)
    }

    /// `__wasm_call_dtors` is called by the wrappers of exports of a command: where
    /// nobody calls `__wasm_call_ctors` himself.
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

    /// Decides what a name with several signatures means: the definition, and for calls
    /// with another signature a stub that traps.
    fn settle_variants(&mut self) {
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
                    let symbol = &self.table.symbols[id.index()];
                    format!(
                        "defined as {} in {}",
                        messages::signature(symbol.signature),
                        self.table.file_name(symbol.file)
                    )
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

    fn settle_weak_undefined(&mut self) {
        for id in (0..self.table.symbols.len()).map(|i| SymbolId::new(i as u32)) {
            let symbol = &self.table.symbols[id.index()];
            let unanswered = self.table.is_undefined(id)
                && symbol.kind == SymbolKind::Function
                && symbol.definition == Definition::Undefined
                && symbol.weak
                && !symbol.force_import;
            if unanswered {
                self.make_stub(id, "undefined_weak:");
            }
        }
    }

    /// Marks what `--export` names, and reports what it names in vain.
    fn force_exports(&mut self) {
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
            let found = self.exportable(name).is_some();
            let report: fn(Code, String) -> Diagnostic = match options.unresolved {
                _ if found => continue,
                Unresolved::Error => Diagnostic::error,
                Unresolved::Warn => Diagnostic::warning,
                Unresolved::Ignore | Unresolved::ImportDynamic => continue,
            };
            let message = format!("symbol exported via --export not found: {name}");
            self.table
                .diagnostics
                .push(report(Code::Undefined, message).about(name));
        }
    }

    /// The symbol that `--export=NAME` can export.
    fn exportable(&self, name: &str) -> Option<SymbolId> {
        let id = self.table.find(name)?;
        let symbol = &self.table.symbols[id.index()];
        // The function table is defined whenever something may come to need it. It is the
        // module's own if it is not imported and a file mentions it, or it is to be exported.
        let is_there = match symbol.definition {
            Definition::IndirectFunctionTable => {
                let options = self.options;
                !options.table.import
                    && !options.is_pic()
                    && (symbol.used_in_object || options.table.export)
            }
            _ => true,
        };
        (is_there && self.table.is_defined(id)).then_some(id)
    }

    fn finish(mut self, diagnostics: &mut Diagnostics) -> Resolution<'a> {
        // Files were numbered as they were begun; the link's order is that in which they
        // were completed, members before what pulled them.
        let mut order = vec![FileId(0); self.done.len()];
        for (place, (_, _, file)) in self.done.iter().enumerate() {
            order[file.index()] = FileId(place as u32);
        }
        for symbol in &mut self.table.symbols {
            renumber(symbol, &order);
        }
        if let Some(moved) = self.table.sort_symbols() {
            self.move_symbols(&moved);
        }
        let (objects, files) = self
            .done
            .into_iter()
            .map(|(object, file, _)| (object, file))
            .unzip();
        // What else does not go together then, comes of that.
        diagnostics.extend(if self.of_wrong_size.is_empty() {
            self.table.diagnostics
        } else {
            self.of_wrong_size
        });
        let history = self.table.record.into_history();
        Resolution {
            objects,
            files,
            symbols: self.table.symbols,
            names: self.table.names,
            stubs: self.stubs,
            shared: self.shared,
            is_64: self.is_64.unwrap_or(false),
            entry: self.entry,
            call_dtors: self.call_dtors,
            made: self.made,
            history,
        }
    }
}

fn renumber(symbol: &mut Symbol<'_>, order: &[FileId]) {
    if let Some(file) = &mut symbol.file {
        *file = order[file.index()];
    }
    if let Definition::Object { file, .. } = &mut symbol.definition {
        *file = order[file.index()];
    }
}

/// Whether a definition lies in a comdat of which another file's copy was chosen.
fn is_discarded(frame: &Frame<'_>, entry: &ObjectSymbol<'_>) -> bool {
    let object = &frame.object;
    let comdat = match entry.target {
        ObjTarget::Function(function) => object.functions[function].comdat(),
        ObjTarget::Data { segment, .. } => object.segments[segment.index()].comdat,
        _ => None,
    };
    comdat.is_some_and(|comdat| frame.resolution.comdat_discarded[comdat as usize])
}

/// A symbol that the linker or the command line mentions.
fn own_mention(name: &str, kind: SymbolKind, flags: SymbolFlags) -> Mention<'_> {
    Mention {
        name,
        number: None,
        kind,
        flags,
        file: None,
        called_directly: false,
        signature: None,
        global_type: None,
        table_type: None,
        import: None,
    }
}
