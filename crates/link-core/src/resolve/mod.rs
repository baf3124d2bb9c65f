//! Phase 2: what every name means. Adds the inputs one after another in command line
//! order, pulls lazy ones when a file refers to what they define, chooses comdats, makes
//! the linker's own symbols, applies `--wrap`.

mod ahead;
mod command_line;
mod commons;
mod conflicts;
mod defsym;
mod extract;
pub(crate) mod history;
mod made;
mod mention;
pub(crate) mod messages;
mod names;
mod offers;
mod order;
mod record;
pub mod resolution;
mod settle;
mod shared_libraries;
mod stub;
mod table;
mod visibility;
mod wrap;

use bumpalo::Bump;

use self::ahead::ParsedLazy;
use self::mention::{Mention, mention};
use self::names::InputNames;
use self::offers::Offers;
use self::record::Wanted;
use self::resolution::{Definition, FileResolution, LinkerMade, Resolution, Stub, Symbol};
use self::table::{LazyId, NameTable, Referred};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hash::HashSet;
use crate::ids::{FileId, ObjSymbol, SymbolId};
use crate::input::object::{Object, ObjectSymbol};
use crate::input::{BITCODE_NEEDS_LLD, LazyMember, ReadInput, SharedLibrary, SymbolLists};
use crate::options::Options;
use crate::report::why::is_asked;

pub(crate) use self::command_line::not_exported;
pub(crate) use self::made::is_without_symbol;
pub(crate) use self::names::Names;

/// What is known of the inputs before the first of them is resolved.
pub struct Prepared<'a> {
    inputs: Vec<ReadInput<'a>>,
    /// Their names.
    of_inputs: Vec<InputNames>,
    names: Names,
    offers: Offers,
    /// The lazy ones that will be needed, in order.
    parsed: Vec<(LazyId, ParsedLazy<'a>)>,
    lists: SymbolLists<'a>,
}

impl<'a> Prepared<'a> {
    /// The objects that take part in any case, and those that nearly certainly will.
    pub fn objects(&self) -> impl Iterator<Item = &Object<'a>> {
        let read = self.inputs.iter().filter_map(|input| match input {
            ReadInput::Object(object) => Some(object),
            _ => None,
        });
        let pulled = self.parsed.iter().map(|(_, (object, _))| object);
        read.chain(pulled).map(|object| &**object)
    }
}

/// Does what needs no order: all threads share it.
///
/// `lists` are what files list of the symbols that are exported.
pub fn prepare<'a>(
    inputs: Vec<ReadInput<'a>>,
    lists: SymbolLists<'a>,
    options: &Options,
) -> Prepared<'a> {
    // Hash every name once, so that from here on names are numbers.
    let (mut names, of_inputs) = Names::of(&inputs);
    let offers = Offers::of(&inputs, &of_inputs, names.len());
    // Parse what will be pulled while there are threads to do it.
    let parsed = ahead::parse(&inputs, &of_inputs, &offers, &mut names, options);
    Prepared {
        inputs,
        of_inputs,
        names,
        offers,
        parsed,
        lists,
    }
}

/// Resolves every name of the inputs: one input after another, on one thread.
///
/// Names that no input holds are made in `names`. Errors go to `diagnostics`; the returned
/// value is complete in spite of them, so that later phases that only report can run.
pub fn resolve<'a>(
    prepared: Prepared<'a>,
    options: &'a Options,
    names: &'a Bump,
    diagnostics: &mut Diagnostics,
) -> Resolution<'a> {
    let Prepared {
        inputs,
        of_inputs,
        names: numbers,
        offers,
        parsed,
        lists,
    } = prepared;
    let mut resolver = Resolver::new(inputs, options, names, numbers, offers);
    resolver.find_address_size();
    // Linker-made symbols come first, so that a file that defines one is told so.
    made::define_always(&mut resolver);
    // Then the files, whose order decides which of several definitions is taken.
    resolver.add_inputs(of_inputs, parsed);
    // Then what the command line defines, and what it refers to, which may pull archive members.
    let known_later = defsym::define(&mut resolver);
    resolver.add_command_line();
    // Then archive members that no name has pulled.
    extract::extract(&mut resolver);
    // What the host provides, and what that needs of the program.
    let stub_libraries = stub::apply(&mut resolver);
    // Linker-made symbols that exist only where a file refers to them.
    let wrapped = wrap::refer(&mut resolver);
    made::define_optional(&mut resolver);
    defsym::define_rest(&mut resolver, &known_later);
    stub::finish(&mut resolver, &stub_libraries);
    // A name used with several signatures: calls with the wrong one trap.
    resolver.settle_variants();
    resolver.keep_undefined();
    wrap::apply(&mut resolver, &wrapped);
    visibility::apply(&mut resolver, &lists);
    resolver.force_exports();
    // Weak references without a definition: calls trap, addresses are null.
    if !options.is_relocatable() && !options.is_pic() {
        resolver.settle_weak_undefined();
    }
    resolver.finish(diagnostics)
}

/// An object whose symbols are being added. Adding one may first need another object, so
/// these stand on a stack.
struct Frame<'a> {
    object: Box<Object<'a>>,
    names: InputNames,
    file: FileId,
    resolution: FileResolution,
    next: usize,
    /// Why it is linked, if it was lazy.
    pulled: Option<Wanted<'a>>,
}

/// An input that is not part of the link yet.
enum Waiting<'a> {
    /// As it was read.
    Input(ReadInput<'a>),
    /// A lazy one that will be needed.
    Parsed(ParsedLazy<'a>),
}

struct Resolver<'a> {
    options: &'a Options,
    names: &'a Bump,
    table: NameTable<'a>,
    /// The inputs; `None` once added.
    inputs: Vec<Option<Waiting<'a>>>,
    /// Objects, in the order in which they were completed.
    #[expect(
        clippy::vec_box,
        reason = "an object is large, and stays where it was parsed"
    )]
    objects: Vec<Box<Object<'a>>>,
    /// For each of them, what became of its symbols and comdats.
    files: Vec<FileResolution>,
    /// For each of them, which object it was in the order in which they were begun.
    begun_as: Vec<FileId>,
    begun: u32,
    /// Comdats of which a copy is chosen, by the number of the name.
    comdats: Vec<bool>,
    stubs: Vec<Stub<'a>>,
    stub_libraries: Vec<stub::StubLibrary<'a>>,
    /// What their functions need: the linker's own symbols are made for them, too.
    needed_by_stubs: HashSet<&'a str>,
    shared: Vec<SharedLibrary<'a>>,
    made: LinkerMade,
    entry: Option<SymbolId>,
    /// What `--undefined` names and something defines.
    kept: Vec<SymbolId>,
    call_dtors: Option<SymbolId>,
    is_64: Option<bool>,
    /// Errors about objects whose addresses have another size.
    of_wrong_size: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    fn new(
        inputs: Vec<ReadInput<'a>>,
        options: &'a Options,
        names: &'a Bump,
        numbers: Names,
        offers: Offers,
    ) -> Self {
        let waiting = |input| Some(Waiting::Input(input));
        Self {
            options,
            names,
            table: NameTable::new(options, numbers, offers, names),
            inputs: inputs.into_iter().map(waiting).collect(),
            objects: Vec::new(),
            files: Vec::new(),
            begun_as: Vec::new(),
            begun: 0,
            comdats: Vec::new(),
            stubs: Vec::new(),
            stub_libraries: Vec::new(),
            needed_by_stubs: HashSet::default(),
            shared: Vec::new(),
            made: LinkerMade::default(),
            entry: None,
            kept: Vec::new(),
            call_dtors: None,
            is_64: options.is_64,
            of_wrong_size: Vec::new(),
        }
    }

    /// Adds the inputs, whose names are `of_inputs`; `parsed` are the lazy ones among
    /// them that are parsed already, in order.
    fn add_inputs(&mut self, of_inputs: Vec<InputNames>, parsed: Vec<(LazyId, ParsedLazy<'a>)>) {
        let mut parsed = parsed.into_iter().peekable();
        for (nth, names) in of_inputs.into_iter().enumerate() {
            let Some(Waiting::Input(input)) = self.inputs[nth].take() else {
                continue;
            };
            match input {
                ReadInput::Object(object) => self.add_object((object, names), None),
                ReadInput::Lazy(member) => {
                    let id = LazyId(nth as u32);
                    let parsed = parsed.next_if(|&(lazy, _)| lazy == id);
                    self.offer(id, member, &names, parsed.map(|(_, parsed)| parsed));
                }
                ReadInput::Bitcode(file) => {
                    self.refuse(Code::Bitcode, &file.name, BITCODE_NEEDS_LLD);
                }
                ReadInput::Shared(file) => {
                    self.table.record.file(&file.name);
                    shared_libraries::add(self, &file);
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
        id: LazyId,
        member: LazyMember<'a>,
        names: &InputNames,
        parsed: Option<ParsedLazy<'a>>,
    ) {
        let wanted = self.table.offer(id, &member, names);
        let count = member.offered().len();
        self.inputs[id.index()] = Some(match parsed {
            Some(parsed) => Waiting::Parsed(parsed),
            None => Waiting::Input(ReadInput::Lazy(member)),
        });
        if let Some(symbol) = wanted {
            let wanted = Wanted {
                by: self.table.known_from(symbol).into(),
                symbol: self.table.symbols[symbol.index()].name,
            };
            self.pull(id, wanted);
            self.table.check_offers(names, count);
        }
    }

    /// Parses a lazy input and adds it. Pulled already: nothing to do.
    fn pull(&mut self, id: LazyId, wanted: Wanted<'a>) {
        if let Some(object) = self.parse_lazy(id) {
            self.add_object(object, Some(wanted));
        }
    }

    fn parse_lazy(&mut self, id: LazyId) -> Option<ParsedLazy<'a>> {
        let member = match self.inputs[id.index()].take()? {
            Waiting::Parsed(parsed) => return Some(parsed),
            Waiting::Input(ReadInput::Lazy(member)) => member,
            Waiting::Input(_) => return None,
        };
        match member.parse() {
            Ok(object) => {
                let names = self.table.names.of_object(&object);
                Some((Box::new(object), names))
            }
            Err(diagnostic) => {
                self.table.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// Adds an object, and before it whatever its symbols pull.
    fn add_object(&mut self, object: ParsedLazy<'a>, pulled: Option<Wanted<'a>>) {
        // A stack of our own: a chain of members that pull one another may be long.
        let mut stack = vec![self.begin(object, pulled)];
        while let Some(mut frame) = stack.pop() {
            let Some(pulled) = self.add_symbols(&mut frame) else {
                if let Some(wanted) = frame.pulled {
                    self.table.record.extraction(&frame.object.name, wanted);
                }
                self.objects.push(frame.object);
                self.files.push(frame.resolution);
                self.begun_as.push(frame.file);
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
        self.table.check_taken();
    }

    fn begin(&mut self, (object, names): ParsedLazy<'a>, pulled: Option<Wanted<'a>>) -> Frame<'a> {
        self.check_address_size(&object);
        self.table.record.file(&object.name);
        let file = FileId(self.begun);
        self.begun += 1;
        self.table.file_names.push(object.name.clone());
        self.comdats.resize(self.table.names.len(), false);
        let comdat_discarded = object
            .comdats
            .name_places(object.symbols.len())
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
            let id = if entry.is_shared() {
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
                    let definition = Definition::Object {
                        file: frame.file,
                        symbol,
                    };
                    Some(self.table.define(&said(), definition))
                }
            } else {
                None
            };
            frame.resolution.symbols.push(id);
            frame.next += 1;
        }
        None
    }

    /// Linker-made symbols have types, so what an address is must be known before any
    /// object is added: what was asked for, else what the first object says.
    fn find_address_size(&mut self) {
        self.is_64 = self.is_64.or_else(|| {
            self.inputs.iter().find_map(|input| match input {
                Some(Waiting::Input(ReadInput::Object(object))) => object.is_64,
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

    /// Remembers which names that `--why` asks about are offered by inputs that were not pulled.
    fn remember_not_linked(&mut self) {
        let is_asked = |name: &str| self.options.why.iter().any(|asked| is_asked(asked, name));
        for input in self.inputs.iter().flatten() {
            match input {
                Waiting::Input(ReadInput::Lazy(member)) => {
                    for symbol in member.symbols().filter(|symbol| is_asked(symbol)) {
                        self.table.record.not_linked(&symbol, member.name());
                    }
                }
                Waiting::Parsed((object, _)) => {
                    let defined = |symbol: &&ObjectSymbol<'_>| {
                        symbol.is_shared() && !symbol.is_undefined() && is_asked(symbol.name)
                    };
                    for symbol in object.symbols.iter().filter(defined) {
                        self.table
                            .record
                            .not_linked(symbol.name, object.name.clone());
                    }
                }
                Waiting::Input(_) => {}
            }
        }
    }

    fn finish(mut self, diagnostics: &mut Diagnostics) -> Resolution<'a> {
        if !self.options.why.is_empty() {
            self.remember_not_linked();
        }
        // Files were numbered as they were begun; the link's order is that in which they
        // were completed, members before what pulled them.
        let mut order = vec![FileId(0); self.begun_as.len()];
        for (place, file) in self.begun_as.iter().enumerate() {
            order[file.index()] = FileId(place as u32);
        }
        for symbol in &mut self.table.symbols {
            renumber(symbol, &order);
        }
        commons::merge(&mut self.objects, &self.files, &mut self.table.symbols);
        if let Some(moved) = self.table.sort_symbols() {
            self.move_symbols(&moved);
        }
        // What else does not go together then, comes of that.
        diagnostics.extend(if self.of_wrong_size.is_empty() {
            self.table.diagnostics
        } else {
            self.of_wrong_size
        });
        let history = self.table.record.into_history();
        Resolution {
            objects: self.objects,
            files: self.files,
            symbols: self.table.symbols,
            names: self.table.names,
            stubs: self.stubs,
            shared: self.shared,
            is_64: self.is_64.unwrap_or(false),
            entry: self.entry,
            kept: self.kept,
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
    let comdat = frame.object.comdat_of(entry);
    comdat.is_some_and(|comdat| frame.resolution.comdat_discarded[comdat as usize])
}
