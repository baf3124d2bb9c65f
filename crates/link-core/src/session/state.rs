//! What is kept of a link, so that the next one can patch its output: the value of each symbol, the
//! places of the parts of each file, and the room.
//!
//! Nothing in it borrows from the inputs. Names are fingerprints.

use std::sync::Arc;

use wasm_format::linking::{SymbolFlags, SymbolKind};

use crate::emit::outline::OutputRoom;
use crate::emit::{Outline, SectionContents};
use crate::fingerprint::Fingerprint;
use crate::hash::{HashMap, HashSet};
use crate::ids::{
    FileId, FuncIndex, GlobalIndex, ObjCustom, ObjFunc, ObjGlobal, ObjSymbol, ObjTable, ObjTag,
    SymbolId, TableIndex, TagIndex,
};
use crate::input::object::{Object, ObjectSymbol, SymbolImport};
use crate::options::Options;
use crate::pass::mark::{Liveness, is_exported};
use crate::pass::synthesize::Synthesis;
use crate::plan::customs::PlacedSection;
use crate::plan::debug_gaps::Gap;
use crate::plan::{
    CodeLayout, CustomContents, MemoryLayout, Plan, SegmentPlace, TableSlots, Value,
};
use crate::resolve::Names;
use crate::resolve::resolution::{Definition, MadeAddress, Resolution};
use crate::room::GrowingCode;

/// What is known of an output.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) names: Names,
    /// By [`SymbolId`].
    pub(super) symbols: Vec<KnownSymbol>,
    /// By [`FileId`].
    pub(super) files: Vec<KnownFile>,
    /// Names of comdats that are no symbols' names.
    pub(super) comdats: HashSet<u64>,
    /// Encoded types, and their indices.
    pub(super) types: HashMap<Box<[u8]>, u32>,
    pub(super) has_extended_const: bool,
    pub(super) slots: TableSlots,
    /// The indirect function table.
    pub(super) table: Option<TableIndex>,
    pub(super) memory: MemoryLayout,
    /// The output segments.
    pub(super) segments: Vec<KnownSegment>,
    /// The output's custom sections that objects have.
    pub(super) customs: Vec<KnownCustom>,
    pub(super) code: KnownCode,
    pub(super) spare: SpareData,
    pub(super) room: OutputRoom,
}

/// The value of a symbol, and how many files mention it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownSymbol {
    pub(super) value: Value,
    pub(super) kind: SymbolKind,
    /// The object that defines it.
    pub(super) file: Option<FileId>,
    /// How many entries of symbol tables mention it.
    pub(super) mentions: u32,
    /// The hash of the signature, of a function or tag; 0 for none.
    pub(super) signature: u64,
    /// The hash of where it is imported from, if nothing defines it; 0 if nothing says so.
    pub(super) import: u64,
    /// Nothing defines it, and nothing has to.
    pub(super) may_be_missing: bool,
    /// The flags of its definition.
    pub(super) flags: SymbolFlags,
    /// Whether its definition is in a comdat.
    pub(super) in_comdat: bool,
    /// The link needs it even if no file mentions it.
    pub(super) is_root: bool,
    /// It stands for several things, or for something that only a full link decides.
    pub(super) is_odd: bool,
    /// No file mentions it any more.
    pub(super) is_gone: bool,
}

/// A file that takes part.
#[derive(Debug)]
pub(super) struct KnownFile {
    /// What messages call it.
    pub(super) name: Arc<str>,
    pub(super) from_archive: bool,
    pub(super) is_member: bool,
    /// Whether it is linked even if no other file asks for it.
    pub(super) is_always_linked: bool,
    /// Whether it does something because it is linked: it has functions that run unasked, or exports.
    pub(super) acts: bool,
    /// Whether anything of it is live.
    pub(super) any: bool,
    /// The hash of what a patch cannot change ([`shape`]); `None` if the file is never patched.
    pub(super) shape: Option<u64>,
    /// The entries of its symbol table that other files see.
    pub(super) symbols: Vec<KnownMention>,
    /// Its functions that the output has.
    pub(super) functions: Vec<KnownFunction>,
    pub(super) segments: Vec<KnownPiece>,
    pub(super) customs: Vec<KnownPiece>,
    pub(super) globals: Vec<Option<GlobalIndex>>,
    pub(super) tables: Vec<Option<TableIndex>>,
    pub(super) tags: Vec<Option<TagIndex>>,
    /// The functions that the output runs unasked: init functions, and the start function.
    pub(super) unasked: Vec<Option<FuncIndex>>,
    /// Comdats, by the hashes of their names, and whether another file's copy was chosen.
    pub(super) comdats: Vec<(u64, bool)>,
}

/// An entry of a symbol table.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownMention {
    pub(super) symbol: SymbolId,
    pub(super) defines: bool,
    pub(super) weak: bool,
}

impl KnownMention {
    /// What an entry says of the symbol.
    pub(super) fn of(symbol: SymbolId, entry: &ObjectSymbol<'_>) -> Self {
        Self {
            symbol,
            defines: !entry.is_undefined(),
            weak: entry.flags().is_weak(),
        }
    }

    /// Whether it takes a member out of an archive.
    pub(super) fn pulls(self) -> bool {
        !self.defines && !self.weak
    }
}

/// A function of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownFunction {
    /// The hash of its name.
    pub(super) name: u64,
    pub(super) index: FuncIndex,
}

/// A segment or a custom section of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownPiece {
    /// The hash of its name.
    pub(super) name: u64,
    /// The output segment, or the output's section.
    pub(super) output: u32,
    /// Where in that it begins, in bytes.
    pub(super) offset: u64,
    /// How many bytes it may have; 0 if its contents were merged with others'.
    pub(super) capacity: u64,
}

/// A segment of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownSegment {
    /// Where its bytes are, in bytes from the start of the output; `None` if they are not there.
    pub(super) at: Option<usize>,
    pub(super) tls: bool,
    /// Whether a symbol may ask for its bounds.
    pub(super) has_bounds: bool,
}

/// A custom section of the output.
#[derive(Debug)]
pub(super) struct KnownCustom {
    pub(super) name: Box<str>,
    /// Where its contents are, in bytes from the start of the output.
    pub(super) at: usize,
    /// How room in it is filled, if it has any.
    pub(super) gap: Option<Gap>,
    /// Where the room behind all contents begins.
    pub(super) next: u64,
    pub(super) size: u64,
}

/// The code section.
#[derive(Debug)]
pub(super) struct KnownCode {
    /// Where the code of each function is.
    pub(super) layout: CodeLayout,
    pub(super) room: GrowingCode,
    /// Functions whose code has moved.
    pub(super) moved: HashMap<FuncIndex, MovedBody>,
}

/// A function whose code has moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct MovedBody {
    /// Where its own body begins, in bytes from the start of the section's contents. It calls the
    /// function that has the code.
    pub(super) own: u32,
    pub(super) own_size: u32,
    /// The function that has the code.
    pub(super) to: FuncIndex,
}

/// Room for data.
#[derive(Debug)]
pub(super) struct SpareData {
    /// The segment.
    pub(super) segment: u32,
    /// The next offset in it that is free.
    pub(super) next: u64,
    pub(super) size: u64,
}

/// The hash of where a symbol is imported from.
pub(super) fn import_hash(import: &SymbolImport<'_>) -> u64 {
    let explicit = if import.explicit { "!" } else { "" };
    hash(format!("{:?}{:?}{explicit}", import.module, import.name).as_bytes())
}

/// The hash of a function's name.
pub(super) fn function_hash(object: &Object<'_>, function: ObjFunc) -> u64 {
    let name = object.any_function_name(function);
    hash(name.unwrap_or_default().as_bytes())
}

/// The comdats of an object: the hash of each name, and whether another file's copy was chosen.
pub(super) fn comdat_hashes(object: &Object<'_>, discarded: &[bool]) -> Vec<(u64, bool)> {
    let names = object.comdats.names(&object.symbols);
    let hashes = names.map(|name| hash(name.as_bytes()));
    hashes.zip(discarded.iter().copied()).collect()
}

/// The hashes of those names of an object's comdats that are no symbols' names.
pub(super) fn own_comdat_hashes(object: &Object<'_>) -> impl Iterator<Item = u64> {
    let names = object.comdats.own_names().iter();
    names.map(|name| hash(name.as_bytes()))
}

/// Whether all that is defined is exported.
pub(super) fn exports_all(options: &Options) -> bool {
    options.export_all || options.exports_dynamic()
}

/// The hash of a name or of other bytes.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    Fingerprint::of(bytes).low
}

impl State {
    /// What is known of an output with room; `None` if it cannot be patched.
    pub(crate) fn new<'a>(
        resolution: Resolution<'a>,
        liveness: &Liveness,
        synthesis: &Synthesis<'a>,
        plan: Plan<'a>,
        outline: Outline,
        options: &Options,
    ) -> Option<Self> {
        let padding = plan.data.padding?;
        let mut sections = outline.sections.iter();
        let section = sections.find(|it| matches!(it.contents, SectionContents::Code))?;
        // The count is a part of the layout.
        let contents = (section.contents_offset() - plan.code.count_len()) as usize;
        let last = FuncIndex(plan.code.functions().checked_sub(1)?);
        let padding_function = plan.code.entry_offset(last)..plan.code.size;
        let padding_function =
            contents + padding_function.start as usize..contents + padding_function.end as usize;
        if !synthesis.undefined_stubs.is_empty() || !resolution.shared.is_empty() {
            return None;
        }
        let symbols = known_symbols(&resolution, &plan, options);
        let capacities = capacities(&plan);
        let files = resolution.map_objects(|file, object| {
            known_file(&resolution, liveness, &plan, &capacities, file, object)
        });
        let mut state = Self {
            symbols,
            files,
            comdats: (resolution.objects())
                .flat_map(|(_, object)| own_comdat_hashes(object))
                .collect(),
            types: (plan.types.list.iter().zip(0..))
                .map(|(&ty, index)| (ty.into(), index))
                .collect(),
            has_extended_const: plan.extended_const,
            table: plan.tables.indirect,
            segments: known_segments(&plan, &outline),
            customs: known_customs(&plan, &outline),
            spare: SpareData {
                segment: padding,
                next: 0,
                size: plan.data.segments[padding as usize].size,
            },
            code: KnownCode {
                room: GrowingCode::new(contents, padding_function),
                layout: plan.code,
                moved: HashMap::default(),
            },
            slots: plan.slots,
            memory: plan.memory,
            room: outline.room?,
            names: resolution.names,
        };
        state.count_mentions();
        state.find_always_linked(options);
        Some(state)
    }

    /// Finds the archive members that are linked although no file asks for them.
    fn find_always_linked(&mut self, options: &Options) {
        let exports_all = exports_all(options);
        let mut roots: Vec<FileId> = self
            .symbols
            .iter()
            .filter(|symbol| symbol.is_root && !is_kept(symbol.flags) && !exports_all)
            .filter_map(|symbol| symbol.file)
            .collect();
        roots.extend((0..self.files.len() as u32).map(FileId));
        let mut wanted = self.wanted(|file| &self.files[file.index()].symbols);
        for file in roots {
            if !wanted[file.index()] {
                self.files[file.index()].is_always_linked = true;
                self.want(file, &mut wanted, |file| &self.files[file.index()].symbols);
            }
        }
    }

    /// The files that would be linked if each file had these mentions.
    pub(super) fn wanted<'m>(&self, mentions: impl Fn(FileId) -> &'m [KnownMention]) -> Vec<bool> {
        let mut wanted = vec![false; self.files.len()];
        for (file, known) in (0..).map(FileId).zip(&self.files) {
            if known.is_always_linked {
                self.want(file, &mut wanted, &mentions);
            }
        }
        wanted
    }

    /// Adds a file, and those that it asks for.
    fn want<'m>(
        &self,
        file: FileId,
        wanted: &mut [bool],
        mentions: impl Fn(FileId) -> &'m [KnownMention],
    ) {
        let mut list = vec![file];
        while let Some(file) = list.pop() {
            if std::mem::replace(&mut wanted[file.index()], true) {
                continue;
            }
            let pulling = mentions(file).iter().filter(|mention| mention.pulls());
            list.extend(pulling.filter_map(|mention| self.symbols[mention.symbol.index()].file));
        }
    }

    fn count_mentions(&mut self) {
        for file in &self.files {
            for mention in &file.symbols {
                self.symbols[mention.symbol.index()].mentions += 1;
            }
        }
    }
}

/// Flags of definitions that are kept without being referred to.
const KEPT: SymbolFlags = SymbolFlags::EXPORTED.with(SymbolFlags::NO_STRIP);

/// Whether an object does something because it is linked.
fn acts(object: &Object<'_>) -> bool {
    let mut symbols = object.symbols.iter();
    unasked(object).next().is_some()
        || symbols.any(|symbol| !symbol.is_undefined() && is_kept(symbol.flags()))
}

/// Whether a definition of these flags is kept without being referred to.
pub(super) fn is_kept(flags: SymbolFlags) -> bool {
    flags.without(KEPT) != flags
}

fn known_symbols(
    resolution: &Resolution<'_>,
    plan: &Plan<'_>,
    options: &Options,
) -> Vec<KnownSymbol> {
    let mut roots: HashSet<SymbolId> = HashSet::default();
    roots.extend(resolution.entry);
    roots.extend(&resolution.kept);
    roots.extend(resolution.call_dtors);
    let mut known: Vec<KnownSymbol> = resolution
        .symbols()
        .map(|(id, symbol)| {
            let (file, flags, in_comdat) = match symbol.definition {
                Definition::Object { file, symbol } => {
                    let object = resolution.object(file);
                    let entry = &object.symbols[symbol.index()];
                    (Some(file), entry.flags(), object.comdat_of(entry).is_some())
                }
                _ => (None, SymbolFlags::NONE, false),
            };
            KnownSymbol {
                value: plan.symbols.get(id),
                kind: symbol.kind,
                file,
                mentions: 0,
                signature: symbol.signature.map_or(0, hash),
                import: symbol.import().map_or(0, |import| import_hash(&import)),
                may_be_missing: symbol.weak && symbol.definition == Definition::Undefined,
                flags,
                in_comdat,
                is_root: symbol.no_strip || is_exported(symbol, options) || roots.contains(&id),
                is_odd: matches!(
                    symbol.definition,
                    Definition::Stub(_)
                        | Definition::Shared(_)
                        | Definition::Address(MadeAddress::Null)
                ) || symbol.is_common(),
                is_gone: false,
            }
        })
        .collect();
    // A name with several symbols is left to full links.
    let named = resolution.names.named_symbols(known.len());
    for (id, symbol) in resolution.symbols() {
        if !named[id.index()] {
            known[id.index()].is_odd = true;
            if let Some(main) = resolution.names.find(symbol.name) {
                known[main.index()].is_odd = true;
            }
        }
    }
    known
}

/// How many bytes each custom section of an object may have, where there is room.
fn capacities(plan: &Plan<'_>) -> HashMap<(FileId, ObjCustom), u64> {
    let mut capacities = HashMap::default();
    let roomy = plan
        .customs
        .sections
        .iter()
        .filter(|section| section.gap.is_some());
    for section in roomy {
        if let CustomContents::Pieces(pieces) = &section.contents {
            let ends = pieces.iter().skip(1).map(|next| next.offset);
            let pieces = pieces.iter().zip(ends.chain([section.end]));
            capacities.extend(
                pieces.map(|(piece, end)| ((piece.file, piece.custom), end - piece.offset)),
            );
        }
    }
    capacities
}

fn known_file(
    resolution: &Resolution<'_>,
    liveness: &Liveness,
    plan: &Plan<'_>,
    capacities: &HashMap<(FileId, ObjCustom), u64>,
    file: FileId,
    object: &Object<'_>,
) -> KnownFile {
    let outcome = &resolution.files[file.index()];
    let entries = outcome.symbols.iter().zip(&*object.symbols);
    let symbols = entries.filter_map(|(id, entry)| Some(KnownMention::of((*id)?, entry)));
    let functions = liveness.functions(file).filter_map(|function| {
        Some(KnownFunction {
            name: function_hash(object, function),
            index: plan.functions.of(file, function)?,
        })
    });
    let segments = object
        .segments
        .iter()
        .enumerate()
        .filter_map(|(i, segment)| {
            let (output, offset, capacity) = match plan.data.files[file.index()][i] {
                SegmentPlace::Absent => return None,
                SegmentPlace::Whole { output, offset } => (output, offset, segment.size),
                SegmentPlace::Strings { output, .. } => (output, 0, 0),
            };
            Some(KnownPiece {
                name: hash(segment.name.as_bytes()),
                output,
                offset,
                capacity,
            })
        });
    let customs = object.customs.iter().enumerate().filter_map(|(i, custom)| {
        let id = ObjCustom(i as u32);
        let (output, placed) = plan.customs.placed(file, id)?;
        let (offset, capacity) = match placed {
            PlacedSection::Whole(offset) => {
                let capacity = capacities.get(&(file, id)).copied();
                (offset, capacity.unwrap_or(custom.chunk.bytes.len() as u64))
            }
            PlacedSection::Strings(_) => (0, 0),
        };
        Some(KnownPiece {
            name: hash(custom.name.as_bytes()),
            output,
            offset,
            capacity,
        })
    });
    let relocator = plan.relocator(resolution, liveness);
    KnownFile {
        name: object.name.clone(),
        from_archive: object.from_archive,
        is_member: object.archive.is_some(),
        is_always_linked: !object.from_archive,
        acts: acts(object),
        any: liveness.files[file.index()].any,
        shape: shape(object),
        symbols: symbols.collect(),
        functions: functions.collect(),
        segments: segments.collect(),
        customs: customs.collect(),
        globals: (0..object.globals.len() as u32)
            .map(|i| plan.globals.object(file, ObjGlobal(i)))
            .collect(),
        tables: (0..object.tables.len() as u32)
            .map(|i| plan.tables.object(file, ObjTable(i)))
            .collect(),
        tags: (0..object.tags.len() as u32)
            .map(|i| plan.tags.object(file, ObjTag(i)))
            .collect(),
        unasked: unasked(object)
            .map(|symbol| relocator.called(file, symbol))
            .collect(),
        comdats: comdat_hashes(object, &outcome.comdat_discarded),
    }
}

/// The functions of an object that the output runs unasked.
pub(super) fn unasked(object: &Object<'_>) -> impl Iterator<Item = ObjSymbol> {
    let inits = object.init_funcs.iter().map(|init| init.symbol);
    inits.chain(object.start)
}

/// A hash of what must be the same of a file for its output to be patched; `None` if it has
/// something that is never patched.
pub(super) fn shape(object: &Object<'_>) -> Option<u64> {
    let is_patched = object.commons.is_empty()
        && object.elements.is_empty()
        && object.metadata.is_empty()
        && object.left_out.is_empty();
    if !is_patched {
        return None;
    }
    let mut parts: Vec<u8> = Vec::new();
    let mut add = |bytes: &[u8]| {
        parts.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        parts.extend_from_slice(bytes);
    };
    let name = |symbol: ObjSymbol| object.symbols[symbol.index()].name.as_bytes();
    add(&[object.has_features.into(), object.start.is_some().into()]);
    add(object.producers);
    for (prefix, feature) in &object.features {
        add(&[*prefix]);
        add(feature.as_bytes());
    }
    for init in &object.init_funcs {
        add(&init.priority.to_le_bytes());
    }
    for symbol in unasked(object) {
        add(name(symbol));
        if let Some(function) = object.symbols[symbol.index()].function() {
            add(object.types[object.functions[function].ty.index()]);
        }
    }
    for global in &object.globals {
        let mut ty = Vec::new();
        global.ty.encode(&mut ty);
        add(&ty);
        add(global.init);
        add(global.name.as_bytes());
    }
    for table in &object.tables {
        let mut ty = Vec::new();
        table.ty.encode(&mut ty);
        add(&ty);
        add(table.name.as_bytes());
    }
    for tag in &object.tags {
        add(object.types[tag.ty.index()]);
        add(tag.name.as_bytes());
    }
    for i in 0..object.functions.len() as u32 {
        if let Some(export) = object.functions.export_name(ObjFunc(i)) {
            add(object.function_name(ObjFunc(i)).as_bytes());
            add(export.as_bytes());
        }
    }
    Some(hash(&parts))
}

fn known_segments(plan: &Plan<'_>, outline: &Outline) -> Vec<KnownSegment> {
    let mut known: Vec<KnownSegment> = plan
        .data
        .segments
        .iter()
        .map(|segment| KnownSegment {
            at: None,
            tls: segment.tls,
            has_bounds: !segment.name.starts_with('.'),
        })
        .collect();
    for section in &outline.sections {
        let SectionContents::Data(headers) = &section.contents else {
            continue;
        };
        for header in headers {
            let at = section.contents_offset() + header.offset + header.bytes.len() as u64;
            known[header.segments.start as usize].at = Some(at as usize);
        }
    }
    known
}

fn known_customs(plan: &Plan<'_>, outline: &Outline) -> Vec<KnownCustom> {
    let places = outline.sections.iter();
    let places = places.filter(|section| matches!(section.contents, SectionContents::Custom(_)));
    let sections = plan.customs.sections.iter().zip(places);
    sections
        .map(|(custom, section)| KnownCustom {
            name: custom.name.into(),
            at: section.contents_offset() as usize,
            gap: custom.gap,
            next: custom.end,
            size: custom.size,
        })
        .collect()
}
