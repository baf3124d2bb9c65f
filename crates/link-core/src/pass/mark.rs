//! What marking returns: which chunks and symbols are reached and so part of the output.
//! Made by `mark`, read by `synthesize`, `layout` and `write`.

//!
//! Phase 3: what the output needs. From the roots (the entry, exports, what `--undefined`
//! names, init functions, retained segments) follows the relocations of live chunks; what
//! is not reached is left out.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocTarget;

use crate::ids::{FileId, ObjFunc, ObjGlobal, ObjSegment, ObjSymbol, ObjTable, ObjTag, SymbolId};
use crate::input::object::{Chunk, ElementPlace, ObjTarget, Object, Segment};
use crate::options::Options;
use crate::par;
use crate::reloc::takes_slot;
use crate::resolve::resolution::{Definition, Resolution, Symbol, SymbolRef};

/// What is reached.
#[derive(Debug, Default)]
pub struct Liveness {
    /// For each object, its live pieces.
    pub files: Vec<FileLiveness>,
    /// For each [`SymbolId`], whether it is reached.
    pub symbols: Vec<bool>,
}

/// The live pieces of one object. All vectors are as long as the object's own.
#[derive(Debug, Default)]
pub struct FileLiveness {
    /// Whether anything of the file is live: if not, its custom sections are dropped.
    pub any: bool,
    /// Defined functions.
    pub functions: Vec<bool>,
    /// Data segments.
    pub segments: Vec<bool>,
    /// Defined globals.
    pub globals: Vec<bool>,
    /// Defined tables.
    pub tables: Vec<bool>,
    /// Defined tags.
    pub tags: Vec<bool>,
}

impl Liveness {
    /// Whether a symbol is live. A symbol in a chunk is live if the chunk is; any other one if it was
    /// reached itself.
    #[inline]
    pub fn symbol(&self, resolution: &Resolution<'_>, symbol: SymbolRef) -> bool {
        match resolution.definition(symbol) {
            Definition::Object {
                file,
                symbol: entry,
            } => match resolution.target(file, entry) {
                ObjTarget::Function(function) => self.function(file, function),
                ObjTarget::Data { segment, .. } => self.segment(file, segment),
                ObjTarget::Global(global) => self.global(file, global),
                ObjTarget::Table(table) => self.table(file, table),
                ObjTarget::Tag(tag) => self.tag(file, tag),
                ObjTarget::Section(_) => true,
                ObjTarget::Absolute { .. } | ObjTarget::Undefined { .. } => match symbol {
                    SymbolRef::Global(id) => self.reached(id),
                    SymbolRef::Local(..) => true,
                },
            },
            _ => match symbol {
                SymbolRef::Global(id) => self.reached(id),
                SymbolRef::Local(..) => false,
            },
        }
    }

    /// Whether a symbol was itself reached by a root or a live relocation.
    #[inline]
    pub fn reached(&self, symbol: SymbolId) -> bool {
        self.symbols[symbol.index()]
    }

    /// Whether a function is reached.
    #[inline]
    pub fn function(&self, file: FileId, function: ObjFunc) -> bool {
        self.files[file.index()].functions[function.index()]
    }

    /// The functions of an object that are reached: those whose bodies the output has.
    pub fn functions(&self, file: FileId) -> impl Iterator<Item = ObjFunc> {
        let live = self.files[file.index()].functions.iter().enumerate();
        live.filter_map(|(i, &live)| live.then_some(ObjFunc(i as u32)))
    }

    /// Whether a segment is reached.
    #[inline]
    pub fn segment(&self, file: FileId, segment: ObjSegment) -> bool {
        self.files[file.index()].segments[segment.index()]
    }

    /// The segments of an object that are reached.
    pub fn segments_of<'o, 'a>(
        &'o self,
        file: FileId,
        object: &'o Object<'a>,
    ) -> impl Iterator<Item = &'o Segment<'a>> {
        let segments = object
            .segments
            .iter()
            .zip(&self.files[file.index()].segments);
        segments.filter_map(|(segment, live)| live.then_some(segment))
    }

    /// Whether a global is reached.
    #[inline]
    pub fn global(&self, file: FileId, global: ObjGlobal) -> bool {
        self.files[file.index()].globals[global.index()]
    }

    /// Whether a table is reached.
    #[inline]
    pub fn table(&self, file: FileId, table: ObjTable) -> bool {
        self.files[file.index()].tables[table.index()]
    }

    /// Whether a tag is reached.
    #[inline]
    pub fn tag(&self, file: FileId, tag: ObjTag) -> bool {
        self.files[file.index()].tags[tag.index()]
    }
}

/// Marks what is reached; everything under `--no-gc-sections`.
pub fn mark(resolution: &Resolution<'_>, options: &Options) -> Liveness {
    if !options.gc_sections || options.is_relocatable() {
        return everything(resolution, options);
    }
    let marker = Marker {
        resolution,
        files: (resolution.objects())
            .map(|(_, object)| FileMarks::of(object))
            .collect(),
        symbols: marks(resolution.symbols.len()),
    };
    // Lists stay short where one chunk leads to few others.
    par::work_through(marker.roots(options), 8, |item, list| {
        marker.follow(item, list);
    });
    marker.into_liveness()
}

/// Whether a symbol is exported from the output, and kept for that.
pub fn is_exported(symbol: &Symbol<'_>, options: &Options) -> bool {
    // What another module defines, that one exports.
    let elsewhere = matches!(
        symbol.definition,
        Definition::Undefined | Definition::Shared(_)
    );
    !elsewhere
        && (symbol.force_export
            || !symbol.is_kept_inside()
                && (options.export_all
                    || (options.exports_dynamic() && !symbol.hidden)
                    || symbol.exported_flag))
}

fn everything(resolution: &Resolution<'_>, options: &Options) -> Liveness {
    let files = resolution
        .objects()
        .map(|(file, object)| FileLiveness {
            any: true,
            functions: (0..object.functions.len())
                .map(|i| !resolution.function_discarded(file, ObjFunc(i as u32)))
                .collect(),
            segments: kept_segments(resolution, options, file, object),
            globals: named_globals(object),
            tables: if options.is_relinkable() {
                defining_tables(resolution, file, object)
            } else {
                vec![true; object.tables.len()]
            },
            tags: vec![true; object.tags.len()],
        })
        .collect();
    Liveness {
        files,
        symbols: vec![true; resolution.symbols.len()],
    }
}

/// Which segments are kept unasked. A common symbol has a place only where it is the definition,
/// and in an object file nowhere.
fn kept_segments(
    resolution: &Resolution<'_>,
    options: &Options,
    file: FileId,
    object: &Object<'_>,
) -> Vec<bool> {
    let mut kept: Vec<bool> = (0..object.segments.len())
        .map(|i| !resolution.segment_discarded(file, ObjSegment(i as u32)))
        .collect();
    for &symbol in &object.commons {
        if let Some(segment) = object.common_segment(symbol) {
            kept[segment.index()] =
                !options.is_relocatable() && resolution.is_defined_by(file, symbol);
        }
    }
    kept
}

/// Which globals a symbol names. Of the others relocations cannot speak: an object file
/// that a linker wrote has some in place of addresses that its code asks for.
fn named_globals(object: &Object<'_>) -> Vec<bool> {
    let mut named = vec![false; object.globals.len()];
    for symbol in object.symbols.iter() {
        if let ObjTarget::Global(global) = object.symbols.target(symbol) {
            named[global.index()] = true;
        }
    }
    named
}

/// Which tables are what a symbol of the link stands for, and did not give way to another
/// definition. An object file has a symbol for each of its tables.
fn defining_tables(resolution: &Resolution<'_>, file: FileId, object: &Object<'_>) -> Vec<bool> {
    let mut defining = vec![false; object.tables.len()];
    if object.tables.is_empty() {
        return defining;
    }
    for (i, symbol) in object.symbols.iter().enumerate() {
        if let ObjTarget::Table(table) = object.symbols.target(symbol) {
            let symbol = ObjSymbol(i as u32);
            let meaning = resolution.definition(resolution.symbol_ref(file, symbol));
            defining[table.index()] |= meaning == Definition::Object { file, symbol };
        }
    }
    defining
}

#[derive(Debug, Clone, Copy)]
enum WorkItem {
    Function(FileId, ObjFunc),
    Segment(FileId, ObjSegment),
}

/// What was reached and has yet to be looked into.
type WorkList = Vec<WorkItem>;

/// Set by whichever thread is first, and never cleared: what is reached in the end is the
/// same in any order.
#[derive(Debug, Default)]
struct Mark(AtomicBool);

impl Mark {
    /// Sets it; whether it was not set before.
    #[inline]
    fn set(&self) -> bool {
        // Most are set already, and reading does not take the line from other threads.
        !self.is_set() && !self.0.swap(true, Relaxed)
    }

    #[inline]
    fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

fn marks(count: usize) -> Vec<Mark> {
    (0..count).map(|_| Mark::default()).collect()
}

fn are_set(marks: Vec<Mark>) -> Vec<bool> {
    marks.into_iter().map(|mark| mark.0.into_inner()).collect()
}

/// As [`FileLiveness`].
struct FileMarks {
    any: Mark,
    functions: Vec<Mark>,
    segments: Vec<Mark>,
    globals: Vec<Mark>,
    tables: Vec<Mark>,
    tags: Vec<Mark>,
}

impl FileMarks {
    fn of(object: &Object<'_>) -> Self {
        Self {
            any: Mark((!object.from_archive).into()),
            functions: marks(object.functions.len()),
            segments: marks(object.segments.len()),
            globals: marks(object.globals.len()),
            tables: marks(object.tables.len()),
            tags: marks(object.tags.len()),
        }
    }

    fn into_liveness(self) -> FileLiveness {
        FileLiveness {
            any: self.any.is_set(),
            functions: are_set(self.functions),
            segments: are_set(self.segments),
            globals: are_set(self.globals),
            tables: are_set(self.tables),
            tags: are_set(self.tags),
        }
    }
}

/// The symbols that are needed although nothing refers to them.
pub(crate) fn root_symbols(resolution: &Resolution<'_>, options: &Options) -> Vec<SymbolId> {
    let mut roots: Vec<SymbolId> = (resolution.entry.iter().chain(&resolution.kept))
        .copied()
        .collect();
    roots.extend(
        resolution.symbols_where(|_, symbol| match symbol.definition {
            // Stubs are there for those who call them.
            Definition::Stub(_) => false,
            // It is exported if there is one.
            Definition::IndirectFunctionTable => symbol.no_strip,
            _ => symbol.no_strip || is_exported(symbol, options),
        }),
    );
    let made = &resolution.made;
    let cooperative = options.memory.cooperative;
    let if_cooperative = |id: Option<SymbolId>| id.filter(|_| cooperative);
    let for_loaders = [
        resolution.call_dtors,
        made.memory_base,
        made.table_base,
        // What a loader may look for is there, if only to do nothing.
        (made.call_ctors).filter(|_| options.is_pic()),
        // So is what makes a thread.
        if_cooperative(made.tls_base),
        if_cooperative(made.tls_size),
        if_cooperative(made.tls_align),
        made.set_tls_base,
        made.get_tls_base,
    ];
    roots.extend(for_loaders.into_iter().flatten());
    roots
}

/// What a live file keeps although no relocation leads there.
pub(crate) enum Implied {
    /// An init function, which `__wasm_call_ctors` calls.
    Constructor(SymbolRef),
    /// The start function.
    Start(SymbolRef),
    /// A segment that is to be kept.
    Retained(ObjSegment),
}

/// Hands over what a live file keeps although no relocation leads there.
pub(crate) fn each_implied(
    resolution: &Resolution<'_>,
    file: FileId,
    mut each: impl FnMut(Implied),
) {
    let object = resolution.object(file);
    for init in &object.init_funcs {
        each(Implied::Constructor(
            resolution.symbol_ref(file, init.symbol),
        ));
    }
    if let Some(start) = object.start {
        each(Implied::Start(resolution.symbol_ref(file, start)));
    }
    for (i, segment) in object.segments.iter().enumerate() {
        if segment.flags.contains(SegmentFlags::RETAIN) {
            each(Implied::Retained(ObjSegment(i as u32)));
        }
    }
}

/// What fills a table of a file's own.
pub(crate) fn elements_of<'r>(
    resolution: &'r Resolution<'_>,
    file: FileId,
    filled: ObjTable,
) -> impl Iterator<Item = SymbolRef> + 'r {
    let elements = resolution.object(file).elements.iter();
    let fills = elements.filter(move |elements| match elements.place {
        ElementPlace::Table { table, .. } => table == filled,
        ElementPlace::Declared => false,
    });
    fills.flat_map(move |elements| {
        let functions = elements.functions.iter();
        functions.map(move |&function| resolution.symbol_ref(file, function))
    })
}

/// What a chunk of a file refers to, each with the place of the reference in the chunk.
#[inline]
pub(crate) fn references<'r, 'a>(
    resolution: &'r Resolution<'a>,
    file: FileId,
    chunk: Chunk<'a>,
) -> impl Iterator<Item = (SymbolRef, u32)> + use<'r, 'a> {
    chunk.relocs.iter().filter_map(move |reloc| {
        if reloc.ty.target() == RelocTarget::Type {
            return None;
        }
        let symbol = resolution.symbol_ref(file, ObjSymbol(reloc.target));
        // The address of a stub is null: taking it needs no stub.
        let null =
            takes_slot(reloc.ty) && matches!(resolution.definition(symbol), Definition::Stub(_));
        (!null).then_some((symbol, reloc.offset))
    })
}

struct Marker<'r, 'a> {
    resolution: &'r Resolution<'a>,
    files: Vec<FileMarks>,
    symbols: Vec<Mark>,
}

impl<'a> Marker<'_, 'a> {
    fn roots(&self, options: &Options) -> WorkList {
        let mut list = WorkList::new();
        let resolution = self.resolution;
        for id in root_symbols(resolution, options) {
            self.reach(SymbolRef::Global(id), &mut list);
        }
        let of_files = resolution.map_objects(|file, object| {
            let mut list = WorkList::new();
            // Of an archive's member that is live by now, that was done when it became so.
            if !object.from_archive {
                self.implied(file, &mut list);
            }
            list
        });
        list.extend(of_files.into_iter().flatten());
        list
    }

    /// What a live file keeps although no relocation leads there: init functions, which
    /// `__wasm_call_ctors` calls, the start function, and retained segments.
    fn implied(&self, file: FileId, list: &mut WorkList) {
        each_implied(self.resolution, file, |implied| match implied {
            Implied::Constructor(symbol) | Implied::Start(symbol) => self.reach(symbol, list),
            Implied::Retained(segment) => self.segment(file, segment, list),
        });
    }

    fn reach(&self, symbol: SymbolRef, list: &mut WorkList) {
        if let SymbolRef::Global(id) = symbol
            && !self.symbols[id.index()].set()
        {
            return;
        }
        let Definition::Object {
            file,
            symbol: entry,
        } = self.resolution.definition(symbol)
        else {
            return;
        };
        let marks = &self.files[file.index()];
        match self.resolution.target(file, entry) {
            ObjTarget::Function(function) => self.function(file, function, list),
            ObjTarget::Data { segment, .. } => self.segment(file, segment, list),
            ObjTarget::Global(global) => {
                marks.globals[global.index()].set();
                self.file(file, list);
            }
            ObjTarget::Table(table) => {
                if marks.tables[table.index()].set() {
                    self.elements(file, table, list);
                }
                self.file(file, list);
            }
            ObjTarget::Tag(tag) => {
                marks.tags[tag.index()].set();
                self.file(file, list);
            }
            ObjTarget::Absolute { .. } => self.file(file, list),
            ObjTarget::Section(_) | ObjTarget::Undefined { .. } => {}
        }
    }

    /// Reaches what fills a table of a file's own.
    fn elements(&self, file: FileId, filled: ObjTable, list: &mut WorkList) {
        for symbol in elements_of(self.resolution, file, filled) {
            self.reach(symbol, list);
        }
    }

    fn function(&self, file: FileId, function: ObjFunc, list: &mut WorkList) {
        let mark = &self.files[file.index()].functions[function.index()];
        if !self.resolution.function_discarded(file, function) && mark.set() {
            list.push(WorkItem::Function(file, function));
            self.file(file, list);
        }
    }

    fn segment(&self, file: FileId, segment: ObjSegment, list: &mut WorkList) {
        let mark = &self.files[file.index()].segments[segment.index()];
        if !self.resolution.segment_discarded(file, segment) && mark.set() {
            list.push(WorkItem::Segment(file, segment));
            self.file(file, list);
        }
    }

    /// Something of a file is live. An archive member's init functions run only then.
    fn file(&self, file: FileId, list: &mut WorkList) {
        if self.files[file.index()].any.set() {
            self.implied(file, list);
        }
    }

    /// Reaches what a chunk refers to.
    fn follow(&self, item: WorkItem, list: &mut WorkList) {
        let (file, chunk): (FileId, Chunk<'a>) = match item {
            WorkItem::Function(file, function) => {
                (file, self.resolution.object(file).functions.chunk(function))
            }
            WorkItem::Segment(file, segment) => (
                file,
                self.resolution.object(file).segments[segment.index()].chunk,
            ),
        };
        for (symbol, _) in references(self.resolution, file, chunk) {
            self.reach(symbol, list);
        }
    }

    fn into_liveness(self) -> Liveness {
        let mut live = Liveness {
            files: (self.files.into_iter())
                .map(FileMarks::into_liveness)
                .collect(),
            symbols: are_set(self.symbols),
        };
        call_ctors(self.resolution, &mut live);
        live
    }
}

/// `__wasm_call_ctors` is needed where it has something to call.
fn call_ctors(resolution: &Resolution<'_>, live: &mut Liveness) {
    let Some(ctors) = resolution.made.call_ctors else {
        return;
    };
    let any = resolution.objects().any(|(file, object)| {
        object.init_funcs.iter().any(|init| {
            let symbol = resolution.symbol_ref(file, init.symbol);
            live.symbol(resolution, symbol)
        })
    });
    if any {
        live.symbols[ctors.index()] = true;
    }
}
