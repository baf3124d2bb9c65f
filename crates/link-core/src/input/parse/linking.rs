//! The linking section: the symbol table, and what it says of segments, init functions
//! and comdats.

use wasm_format::linking::{
    Comdat, ComdatEntry, ComdatKind, CommonRef, DataRef, InitFunc, LinkingSection, SegmentFlags,
    SegmentInfo, Subsection, SymbolEntry, SymbolFlags, SymbolKind, SymbolTarget,
};
use wasm_format::{Entries, Reader, RefType, SectionId};

use super::entities::{Import, Imports};
use super::without_symbols;
use crate::ids::{ObjCustom, ObjFunc, ObjGlobal, ObjSegment, ObjSymbol, ObjTable, ObjTag};
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{
    Chunk, Comdats, ObjInitFunc, ObjTarget, Object, ObjectSymbol, Relocs, Segment, SymbolImport,
    Symbols, Undefined,
};
use crate::input::section_headers::InputSection;

/// The largest alignment of a segment: 2^31 bytes, half of what 32 bits address.
const MAX_ALIGN_LOG2: u32 = 31;

/// The name of a segment that a common symbol stands for.
const COMMON_SEGMENT: &str = ".bss.common";

/// The table that indirect calls of code without table relocations go through.
const FUNCTION_TABLE: &str = "__indirect_function_table";

/// What the linking section's indices refer to, besides the object itself.
pub(super) struct File<'f, 'a> {
    pub(super) imports: &'f Imports<'a>,
    pub(super) sections: &'f [InputSection<'a>],
    /// For each section, which of the object's custom sections it is.
    pub(super) custom_of_section: &'f [Option<ObjCustom>],
    /// The data segments that only code can put into memory, in order.
    pub(super) passive: &'f [ObjSegment],
}

/// Takes the section's contents apart, into `object`.
pub(super) fn linking<'a>(
    body: Reader<'a>,
    file: &File<'_, 'a>,
    object: &mut Object<'a>,
) -> Parsed<()> {
    // The symbol table comes first in every file seen, but nothing says that it must.
    let at = body.offset();
    let mut symbols = None;
    let mut segments = None;
    let mut init_funcs = None;
    let mut comdats = None;
    for subsection in LinkingSection::decode(body)? {
        let twice = match subsection? {
            Subsection::SymbolTable(entries) => symbols.replace(entries).is_some(),
            Subsection::SegmentInfo(entries) => segments.replace(entries).is_some(),
            Subsection::InitFuncs(entries) => init_funcs.replace(entries).is_some(),
            Subsection::ComdatInfo(entries) => comdats.replace(entries).is_some(),
            _ => false,
        };
        if twice {
            return Err(Fault::new(at, "has a subsection twice"));
        }
    }
    let mut described = 0;
    if let Some(entries) = segments {
        described = entries.len();
        segment_info(entries, object)?;
    }
    let mut named = vec![false; object.segments.len()];
    let mut commons = Vec::new();
    if let Some(entries) = symbols {
        commons = symbol_table(entries, file, &mut named, object)?;
    }
    without_symbols::data(&named, described, file.passive, object);
    implied_table_symbol(at, file.imports, object)?;
    if let Some(entries) = init_funcs {
        init_functions(entries, object)?;
    }
    if let Some(entries) = comdats {
        comdat_info(entries, file, object)?;
    }
    // Nothing in the file speaks of them by an index.
    object.segments.extend(commons);
    Ok(())
}

fn segment_info<'a>(
    mut entries: Entries<'a, SegmentInfo<'a>>,
    object: &mut Object<'a>,
) -> Parsed<()> {
    let at = entries.offset();
    if entries.len() > object.segments.len() {
        return Err(Fault::new(
            at,
            format!(
                "describes {} data segments, the file has {}",
                entries.len(),
                object.segments.len()
            ),
        ));
    }
    let mut segments = object.segments.iter_mut();
    let mut at = entries.offset();
    while let Some(info) = entries.next() {
        let info = info?;
        if info.align_log2 > MAX_ALIGN_LOG2 {
            return Err(Fault::new(
                at,
                format!(
                    "segment `{}` asks for an alignment of 2^{}; at most 2^{MAX_ALIGN_LOG2} can be had",
                    info.name, info.align_log2
                ),
            ));
        }
        at = entries.offset();
        // There are no more of them than segments.
        if let Some(segment) = segments.next() {
            segment.name = info.name;
            segment.align_log2 = info.align_log2;
            segment.flags = info.flags;
            // Older compilers tell thread-local data by the name alone.
            if info.name.starts_with(".tdata") || info.name.starts_with(".tbss") {
                segment.flags = segment.flags.with(SegmentFlags::TLS);
            }
        }
    }
    Ok(())
}

/// Takes the symbol table apart, and notes in `named` which segments have symbols. Returns the
/// segments of common symbols.
fn symbol_table<'a>(
    mut entries: Entries<'a, SymbolEntry<'a>>,
    file: &File<'_, 'a>,
    named: &mut [bool],
    object: &mut Object<'a>,
) -> Parsed<Vec<Segment<'a>>> {
    let mut commons = Vec::new();
    // Compilers make a segment for each piece of data that they name.
    let data = object.segments.len().min(entries.len());
    // One more may be implied.
    object.symbols = Symbols::with_capacity(entries.len() + 1, data);
    // An import has one symbol.
    object.undefined.reserve_exact(file.imports.count());
    loop {
        let at = entries.offset();
        let Some(entry) = entries.next() else {
            break;
        };
        let entry = entry?;
        if let SymbolTarget::Common(size) = entry.target {
            let segment = ObjSegment((object.segments.len() + commons.len()) as u32);
            commons.push(common(at, &entry, size)?);
            let target = ObjTarget::Data {
                segment,
                offset: 0,
                size: size.size,
            };
            object.commons.push(ObjSymbol(object.symbols.len() as u32));
            let name = entry.name.unwrap_or_default();
            object.symbols.push(name, entry.flags, target);
            continue;
        }
        let (name, target) = symbol(at, &entry, file, object)?;
        let unnamed = match target {
            ObjTarget::Global(index) => &mut object.globals[index.index()].name,
            ObjTarget::Table(index) => &mut object.tables[index.index()].name,
            ObjTarget::Tag(index) => &mut object.tags[index.index()].name,
            ObjTarget::Data { segment, .. } => {
                named[segment.index()] = true;
                &mut ""
            }
            _ => &mut "",
        };
        if unnamed.is_empty() {
            *unnamed = name;
        }
        object.symbols.push(name, entry.flags, target);
    }
    object.functions.take_names(&object.symbols);
    Ok(commons)
}

/// The segment that a common symbol stands for.
fn common<'a>(at: usize, entry: &SymbolEntry<'a>, wanted: CommonRef) -> Parsed<Segment<'a>> {
    let name = entry.name.unwrap_or_default();
    if entry.flags.contains(SymbolFlags::ABSOLUTE) {
        let message = format!("common symbols cannot be absolute: {name}");
        return Err(Fault::new(at, message));
    }
    let align_log2 = u32::from(wanted.align_log2);
    if align_log2 > MAX_ALIGN_LOG2 {
        let message = format!(
            "common symbol `{name}` asks for an alignment of 2^{align_log2}; at most 2^{MAX_ALIGN_LOG2} can be had"
        );
        return Err(Fault::new(at, message));
    }
    Ok(Segment {
        chunk: Chunk {
            bytes: &[],
            relocs: Relocs::NONE,
        },
        size: wanted.size,
        name: COMMON_SEGMENT,
        align_log2,
        flags: if entry.flags.contains(SymbolFlags::TLS) {
            SegmentFlags::TLS
        } else {
            SegmentFlags::NONE
        },
        comdat: None,
    })
}

/// The name of a symbol, and what it stands for.
fn symbol<'a>(
    at: usize,
    entry: &SymbolEntry<'a>,
    file: &File<'_, 'a>,
    object: &mut Object<'a>,
) -> Parsed<(&'a str, ObjTarget)> {
    let undefined = entry.flags.contains(SymbolFlags::UNDEFINED);
    let mut name = entry.name.unwrap_or_default();
    let imports = file.imports;
    let kind = entry.target.kind();
    if entry.flags.is_common() && !matches!(kind, SymbolKind::Data | SymbolKind::Section) {
        let kind = kind_name(kind);
        let message = format!("{kind} symbol `{name}` is common; only data can be");
        return Err(Fault::new(at, message));
    }
    let target = match entry.target {
        SymbolTarget::Function(index) => {
            let place = place(at, entry, index, &imports.functions, object.functions.len())?;
            match place {
                IndexTarget::Defined(index) => ObjTarget::Function(ObjFunc(index)),
                IndexTarget::Imported(import) => object.add_undefined(Undefined::Function {
                    ty: import.ty,
                    import: import_name(entry, import, &mut name),
                }),
            }
        }
        SymbolTarget::Global(index) => {
            match place(at, entry, index, &imports.globals, object.globals.len())? {
                IndexTarget::Defined(index) => ObjTarget::Global(ObjGlobal(index)),
                IndexTarget::Imported(import) => object.add_undefined(Undefined::Global {
                    ty: import.ty,
                    import: import_name(entry, import, &mut name),
                }),
            }
        }
        SymbolTarget::Table(index) => {
            match place(at, entry, index, &imports.tables, object.tables.len())? {
                IndexTarget::Defined(index) => ObjTarget::Table(ObjTable(index)),
                IndexTarget::Imported(import) => object.add_undefined(Undefined::Table {
                    ty: import.ty,
                    import: import_name(entry, import, &mut name),
                }),
            }
        }
        SymbolTarget::Tag(index) => {
            match place(at, entry, index, &imports.tags, object.tags.len())? {
                IndexTarget::Defined(index) => ObjTarget::Tag(ObjTag(index)),
                IndexTarget::Imported(import) => object.add_undefined(Undefined::Tag {
                    ty: import.ty,
                    import: import_name(entry, import, &mut name),
                }),
            }
        }
        SymbolTarget::Data(None) => object.add_undefined(Undefined::Data),
        SymbolTarget::Data(Some(place)) => data(at, entry, place, object)?,
        SymbolTarget::Section(index) => {
            let Some(section) = file.sections.get(index as usize) else {
                return Err(Fault::out_of_range(
                    at,
                    "section symbol's section",
                    index,
                    file.sections.len(),
                ));
            };
            if !entry.flags.is_local() || undefined {
                return Err(Fault::new(at, "section symbol is not a local definition"));
            }
            name = section.name;
            ObjTarget::Section(file.custom_of_section[index as usize])
        }
        _ => return Err(Fault::new(at, "symbol of a kind that cannot be linked")),
    };
    // No other file could define it.
    if undefined && entry.flags.is_local() {
        let kind = kind_name(entry.target.kind());
        let message = format!("{kind} symbol `{name}` is undefined, and local to the file");
        return Err(Fault::new(at, message));
    }
    Ok((name, target))
}

/// Where an index of an index space that begins with imports leads.
enum IndexTarget<'f, 'a, T> {
    /// To the definition of this index among the file's own.
    Defined(u32),
    Imported(&'f Import<'a, T>),
}

fn place<'f, 'a, T>(
    at: usize,
    entry: &SymbolEntry<'a>,
    index: u32,
    imports: &'f [Import<'a, T>],
    defined: usize,
) -> Parsed<IndexTarget<'f, 'a, T>> {
    let undefined = entry.flags.contains(SymbolFlags::UNDEFINED);
    let kind = kind_name(entry.target.kind());
    match imports.get(index as usize) {
        Some(import) if undefined => Ok(IndexTarget::Imported(import)),
        None if (index as usize) < imports.len() + defined => {
            if undefined {
                return Err(Fault::new(
                    at,
                    format!("undefined {kind} symbol has index {index}, which the file defines"),
                ));
            }
            Ok(IndexTarget::Defined(index - imports.len() as u32))
        }
        Some(_) => Err(Fault::new(
            at,
            format!(
                "{kind} symbol `{}` is defined, but its index {index} is an import",
                entry.name.unwrap_or_default()
            ),
        )),
        None => Err(Fault::out_of_range(
            at,
            &format!("{kind} symbol's"),
            index,
            imports.len() + defined,
        )),
    }
}

fn import_name<'a, T>(
    entry: &SymbolEntry<'a>,
    import: &Import<'a, T>,
    name: &mut &'a str,
) -> SymbolImport<'a> {
    let explicit = entry.flags.contains(SymbolFlags::EXPLICIT_NAME);
    if !explicit {
        *name = import.name;
    }
    SymbolImport {
        module: import.module,
        name: import.name,
        explicit,
    }
}

fn data<'a>(
    at: usize,
    entry: &SymbolEntry<'a>,
    place: DataRef,
    object: &Object<'a>,
) -> Parsed<ObjTarget> {
    let name = entry.name.unwrap_or_default();
    if entry.flags.contains(SymbolFlags::ABSOLUTE) {
        return Ok(ObjTarget::Absolute {
            value: place.offset,
            size: place.size,
        });
    }
    let Some(segment) = object.segments.get(place.segment as usize) else {
        return Err(Fault::out_of_range(
            at,
            &format!("segment of data symbol `{name}`:"),
            place.segment,
            object.segments.len(),
        ));
    };
    if place.offset > segment.size {
        return Err(Fault::new(
            at,
            format!(
                "data symbol `{name}` lies at offset {} of a segment of {} bytes",
                place.offset, segment.size
            ),
        ));
    }
    Ok(ObjTarget::Data {
        segment: ObjSegment(place.segment),
        offset: place.offset,
        size: place.size,
    })
}

/// Objects whose code calls through the function table without relocations (the features
/// of WebAssembly 1.0 know one table alone) import the table and have no symbol for it.
/// They get one, which keeps the table. A linked object file has that one.
fn implied_table_symbol<'a>(
    at: usize,
    imports: &Imports<'a>,
    object: &mut Object<'a>,
) -> Parsed<()> {
    let tables = imports.tables.len() + object.tables.len();
    let mut symbols = 0;
    let mut is_kept = false;
    let is_table = |symbol: &&ObjectSymbol<'a>| symbol.kind() == SymbolKind::Table;
    for symbol in object.symbols.iter().filter(is_table) {
        symbols += 1;
        is_kept |= symbol.is_undefined()
            && symbol.name == FUNCTION_TABLE
            && symbol.flags().contains(SymbolFlags::NO_STRIP);
    }
    if tables == symbols {
        let first = imports.tables.first();
        object.calls_table_0 = is_kept && first.is_some_and(|import| import.name == FUNCTION_TABLE);
        return Ok(());
    }
    if symbols != 0 {
        return Err(Fault::new(
            at,
            format!(
                "expected one symbol table entry for each of the {tables} table(s) present, but got {symbols} symbol(s) instead."
            ),
        ));
    }
    match imports.tables[..] {
        [import]
            if object.tables.is_empty()
                && import.name == FUNCTION_TABLE
                && import.ty.element == RefType::FUNCREF =>
        {
            object.calls_table_0 = true;
            let target = object.add_undefined(Undefined::Table {
                ty: import.ty,
                import: SymbolImport {
                    module: import.module,
                    name: import.name,
                    explicit: false,
                },
            });
            let flags = SymbolFlags::UNDEFINED | SymbolFlags::NO_STRIP;
            object.symbols.push(import.name, flags, target);
            Ok(())
        }
        _ => Err(Fault::new(
            at,
            format!("no symbol table entry for any of the {tables} tables"),
        )),
    }
}

fn init_functions<'a>(mut entries: Entries<'a, InitFunc>, object: &mut Object<'a>) -> Parsed<()> {
    object.init_funcs.reserve_exact(entries.len());
    loop {
        let at = entries.offset();
        let Some(entry) = entries.next() else {
            return Ok(());
        };
        let InitFunc { priority, symbol } = entry?;
        match object.symbols.get(symbol as usize) {
            Some(found) if found.kind() == SymbolKind::Function => {
                object.init_funcs.push(ObjInitFunc {
                    priority,
                    symbol: ObjSymbol(symbol),
                });
            }
            Some(found) => {
                let kind = kind_name(found.kind());
                return Err(Fault::new(
                    at,
                    format!("init function `{}` is a {kind} symbol", found.name),
                ));
            }
            None => {
                return Err(Fault::out_of_range(
                    at,
                    "init function's symbol",
                    symbol,
                    object.symbols.len(),
                ));
            }
        }
    }
}

fn comdat_info<'a>(
    mut entries: Entries<'a, Comdat<'a>>,
    file: &File<'_, 'a>,
    object: &mut Object<'a>,
) -> Parsed<()> {
    object.comdats = Comdats::with_capacity(entries.len());
    loop {
        let at = entries.offset();
        let Some(entry) = entries.next() else {
            return Ok(());
        };
        let mut entry = entry?;
        let comdat = object.comdats.len() as u32;
        match namesake(&entry, file, object) {
            Some(symbol) => object.comdats.push_named_by(symbol),
            None => object.comdats.push(entry.name()?),
        }
        if entry.flags != 0 {
            let name = object.comdat_name(comdat);
            let message = format!("comdat `{name}` has unknown flags {:#x}", entry.flags);
            return Err(Fault::new(at, message));
        }
        loop {
            let at = entry.entries.offset();
            let Some(member) = entry.entries.next() else {
                break;
            };
            let member = member?;
            put_into(comdat, member, file, object).map_err(|problem| {
                let name = object.comdat_name(comdat);
                let message = format!(
                    "comdat `{name}`: member of kind {:?} and index {} {problem}",
                    member.kind, member.index
                );
                Fault::new(at, message)
            })?;
        }
    }
}

/// The symbol that a comdat has its name from: that of its first function, if other files
/// see it.
fn namesake(comdat: &Comdat<'_>, file: &File<'_, '_>, object: &Object<'_>) -> Option<ObjSymbol> {
    let first = comdat.entries.clone().next()?.ok()?;
    if first.kind != ComdatKind::Function {
        return None;
    }
    let defined = first
        .index
        .checked_sub(file.imports.functions.len() as u32)?;
    let symbol = object.functions.get(ObjFunc(defined))?.symbol()?;
    let entry = &object.symbols[symbol.index()];
    let is_namesake = entry.is_shared() && entry.name.as_bytes() == comdat.name_bytes;
    is_namesake.then_some(symbol)
}

/// Puts a member into its comdat, unless it is not carried over.
fn put_into(
    comdat: u32,
    member: ComdatEntry,
    file: &File<'_, '_>,
    object: &mut Object<'_>,
) -> Result<(), &'static str> {
    const OUT_OF_RANGE: &str = "is out of range";
    let index = member.index as usize;
    let before = match member.kind {
        ComdatKind::Data => {
            let segment = object.segments.get_mut(index).ok_or(OUT_OF_RANGE)?;
            segment.comdat.replace(comdat)
        }
        ComdatKind::Function => {
            let imported = file.imports.functions.len();
            let defined = index.checked_sub(imported).ok_or("is imported")?;
            let function = object.functions.get_mut(ObjFunc(defined as u32));
            function.ok_or(OUT_OF_RANGE)?.set_comdat(comdat)
        }
        ComdatKind::Section => {
            let section = file.sections.get(index).ok_or(OUT_OF_RANGE)?;
            if section.id != SectionId::Custom {
                return Err("is no custom section");
            }
            file.custom_of_section[index]
                .and_then(|custom| object.customs[custom.index()].comdat.replace(comdat))
        }
        _ => return Err("cannot be linked"),
    };
    match before {
        Some(_) => Err("is in two comdats"),
        None => Ok(()),
    }
}

/// What messages call a kind of symbol.
pub(super) fn kind_name(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "function",
        SymbolKind::Data => "data",
        SymbolKind::Global => "global",
        SymbolKind::Section => "section",
        SymbolKind::Tag => "tag",
        SymbolKind::Table => "table",
        _ => "unknown",
    }
}
