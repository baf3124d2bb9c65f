//! Modules that keep their relocations (`--emit-relocs`): whether every field holds what its
//! relocation says, and what is left where the functions of the linker have none.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::ops::Range;

use wasm_format::leb128::{len_u32, put_bytes, put_i64, put_name, put_u32};
use wasm_format::linking::{
    Comdat, InitFunc, LINKING_SECTION, LinkingSection, SegmentInfo, Subsection, SymbolEntry,
    SymbolFlags, SymbolTarget,
};
use wasm_format::reloc::{RELOC_PREFIX, RelocBase, RelocEntry, RelocSection, RelocTarget};
use wasm_format::{
    Limits, MODULE_HEADER, Opcode, Reader, SectionId, put_custom_section, put_section,
};
use wasmparser::{
    BinaryReader, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, Operator, TypeRef,
};

/// Why a module is not what it should be.
type Checked<T> = Result<T, String>;

/// A section of a module.
#[derive(Clone, Copy)]
struct Section<'a> {
    id: SectionId,
    /// The name of a custom section.
    name: &'a str,
    /// What offsets count from: of a custom section, what follows its name.
    contents: &'a [u8],
}

/// A number that a constant expression makes, and whether it adds that to a global.
#[derive(Clone, Copy)]
struct Start {
    number: u64,
    relative: bool,
}

/// A global of the module.
enum GlobalOf<'a> {
    /// An import's module and name.
    Import(&'a str, &'a str),
    /// Its initial value.
    Defined(Option<Start>),
}

/// The relocations of a section.
struct Kept {
    /// The section that has them.
    own: usize,
    /// The section that they are about.
    patched: usize,
    entries: Vec<RelocEntry>,
}

/// What a module says of itself that its relocations are about.
#[derive(Default)]
struct Module<'a> {
    sections: Vec<Section<'a>>,
    imported_functions: u32,
    globals: Vec<GlobalOf<'a>>,
    /// Where bodies are in the code section.
    bodies: Vec<Range<usize>>,
    /// The slot of the first function in the table, which `__table_base` names.
    table_base: u64,
    /// The functions in the table, by their slots.
    slots: HashMap<u64, u32>,
    /// Data segments: their start in memory, if they are active, and where their contents are in
    /// the data section.
    data: Vec<(Option<Start>, Range<usize>)>,
    segments: Vec<SegmentInfo<'a>>,
    init_funcs: Vec<InitFunc>,
    comdats: Vec<Comdat<'a>>,
    symbols: Vec<SymbolEntry<'a>>,
    kept: Vec<Kept>,
}

fn text(error: impl Into<Box<dyn Error>>) -> String {
    error.into().to_string()
}

impl<'a> Module<'a> {
    fn read(bytes: &'a [u8]) -> Checked<Self> {
        let mut module = Self::default();
        let mut reader = Reader::new(bytes);
        reader.module_header().map_err(text)?;
        while !reader.is_empty() {
            let (id, mut contents) = reader.section().map_err(text)?;
            let mut name = "";
            if id == SectionId::Custom {
                name = contents.name().map_err(text)?;
            }
            let contents = contents.rest();
            module.sections.push(Section { id, name, contents });
        }
        for own in 0..module.sections.len() {
            let section = module.sections[own];
            module.section(own, section)?;
        }
        Ok(module)
    }

    fn section(&mut self, own: usize, section: Section<'a>) -> Checked<()> {
        let reader = || BinaryReader::new(section.contents, 0);
        match section.id {
            SectionId::Import => {
                let imports = wasmparser::ImportSectionReader::new(reader()).map_err(text)?;
                for import in imports.into_imports() {
                    let import = import.map_err(text)?;
                    match import.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => self.imported_functions += 1,
                        TypeRef::Global(_) => {
                            let global = GlobalOf::Import(import.module, import.name);
                            self.globals.push(global);
                        }
                        TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            SectionId::Global => {
                for global in wasmparser::GlobalSectionReader::new(reader()).map_err(text)? {
                    let start = start(&global.map_err(text)?.init_expr);
                    self.globals.push(GlobalOf::Defined(start));
                }
            }
            SectionId::Element => self.elements(reader())?,
            SectionId::Code => {
                for body in wasmparser::CodeSectionReader::new(reader()).map_err(text)? {
                    let range = body.map_err(text)?.range();
                    self.bodies.push(range.start as usize..range.end as usize);
                }
            }
            SectionId::Data => {
                for segment in wasmparser::DataSectionReader::new(reader()).map_err(text)? {
                    let segment = segment.map_err(text)?;
                    let end = segment.range.end as usize;
                    let first = match &segment.kind {
                        DataKind::Passive => None,
                        DataKind::Active { offset_expr, .. } => start(offset_expr),
                    };
                    self.data.push((first, end - segment.data.len()..end));
                }
            }
            SectionId::Custom => self.custom(own, section)?,
            // No relocation is about what the others hold.
            _ => {}
        }
        Ok(())
    }

    fn elements(&mut self, reader: BinaryReader<'a>) -> Checked<()> {
        for segment in wasmparser::ElementSectionReader::new(reader).map_err(text)? {
            let segment = segment.map_err(text)?;
            let (ElementItems::Functions(functions), ElementKind::Active { offset_expr, .. }) =
                (segment.items, &segment.kind)
            else {
                continue;
            };
            let first = start(offset_expr).ok_or("an element segment begins at no number")?;
            self.table_base = first.number;
            for (slot, function) in (first.number..).zip(functions) {
                self.slots.insert(slot, function.map_err(text)?);
            }
        }
        Ok(())
    }

    fn custom(&mut self, own: usize, section: Section<'a>) -> Checked<()> {
        let reader = Reader::new(section.contents);
        if section.name == LINKING_SECTION {
            for part in LinkingSection::decode(reader).map_err(text)? {
                match part.map_err(text)? {
                    Subsection::SegmentInfo(all) => {
                        self.segments = all.collect::<Result<_, _>>().map_err(text)?;
                    }
                    Subsection::InitFuncs(all) => {
                        self.init_funcs = all.collect::<Result<_, _>>().map_err(text)?;
                    }
                    Subsection::ComdatInfo(all) => {
                        self.comdats = all.collect::<Result<_, _>>().map_err(text)?;
                    }
                    Subsection::SymbolTable(all) => {
                        self.symbols = all.collect::<Result<_, _>>().map_err(text)?;
                    }
                    other => return Err(format!("{other:?}")),
                }
            }
        } else if section.name.starts_with(RELOC_PREFIX) {
            let relocs = RelocSection::decode(reader).map_err(text)?;
            let entries = relocs.iter().collect::<Result<_, _>>().map_err(text)?;
            self.kept.push(Kept {
                own,
                patched: relocs.section as usize,
                entries,
            });
        }
        Ok(())
    }

    /// The contents of the section that relocations are about.
    fn patched(&self, kept: &Kept) -> Checked<Section<'a>> {
        let section = self.sections.get(kept.patched).copied();
        section.ok_or_else(|| format!("there is no section {}", kept.patched))
    }

    /// Where a function's body begins in the code section.
    fn body(&self, function: u32) -> Option<usize> {
        let nth = function.checked_sub(self.imported_functions)?;
        Some(self.bodies.get(nth as usize)?.start)
    }
}

/// The number that an expression makes of constants, sums and the value of a global.
fn start(expression: &ConstExpr<'_>) -> Option<Start> {
    let mut start = Start {
        number: 0,
        relative: false,
    };
    for op in expression.get_operators_reader() {
        match op.ok()? {
            Operator::I32Const { value } => start.number = u64::from(value as u32),
            Operator::I64Const { value } => start.number = value as u64,
            Operator::GlobalGet { .. } => start.relative = true,
            Operator::I32Add | Operator::I64Add | Operator::End => {}
            _ => return None,
        }
    }
    Some(start)
}

/// What is learned of a module while its fields are checked.
#[derive(Default)]
struct Learned {
    /// Starts of passive segments in memory, and (`true`) of segments in a thread's storage.
    starts: HashMap<(u32, bool), u64>,
    /// GOT entries, by the symbols that they are of.
    got: HashMap<u32, u64>,
    /// The symbols' targets, by the GOT entries.
    of_got: HashMap<u64, SymbolTarget>,
}

/// Applies all relocations of a module to the module itself: each field must hold already what
/// symbol and addend say. Returns how many there are.
///
/// What the module does not say is learned from the first field that tells it, and must be the same
/// in all others: where a passive segment lies in memory, where a segment begins in a thread's
/// storage, and which global is the GOT entry of a symbol.
///
/// # Errors
/// A field that holds something else.
pub fn check_fields(module: &[u8]) -> Result<usize, String> {
    let module = Module::read(module)?;
    let mut learned = Learned::default();
    let mut count = 0;
    for kept in &module.kept {
        let section = module.patched(kept)?;
        let mut end = 0;
        for entry in &kept.entries {
            let at = entry.offset as usize;
            let describe = |what: &dyn ToString| {
                let name = (!matches!(entry.ty.target(), RelocTarget::Type))
                    .then(|| module.symbols.get(entry.index as usize)?.name)
                    .flatten();
                format!(
                    "{} {:?}{:+} at {at} of section {} ({}{}): {}",
                    entry.ty.name(),
                    name.unwrap_or_default(),
                    entry.addend,
                    kept.patched,
                    section.id.name(),
                    section.name,
                    what.to_string(),
                )
            };
            if at < end {
                return Err(describe(&"it is in the field before it"));
            }
            let form = entry.ty.form();
            end = at + form.width();
            let field = section.contents.get(at..end);
            let field = field.ok_or_else(|| describe(&"it is not in the section"))?;
            let value = form.read(field).map_err(|error| describe(&error))?;
            let expected = learned
                .value(&module, section, entry, value)
                .map_err(|error| describe(&error))?;
            let mut written = field.to_vec();
            form.write(&mut written, expected);
            if written != field {
                return Err(describe(&format!("{value:#x} is not {expected:#x}")));
            }
            count += 1;
        }
    }
    Ok(count)
}

impl Learned {
    /// What the field of a relocation is to hold, in which `value` is.
    fn value(
        &mut self,
        module: &Module<'_>,
        section: Section<'_>,
        entry: &RelocEntry,
        value: u64,
    ) -> Checked<u64> {
        if entry.ty.target() == RelocTarget::Type {
            return Ok(u64::from(entry.index));
        }
        let symbol = module.symbols.get(entry.index as usize);
        let symbol = symbol.ok_or("there is no such symbol")?;
        let addend = entry.addend as u64;
        Ok(match (entry.ty.target(), symbol.target) {
            (RelocTarget::Function, SymbolTarget::Function(index))
            | (RelocTarget::Global, SymbolTarget::Global(index))
            | (RelocTarget::Tag, SymbolTarget::Tag(index))
            | (RelocTarget::Table, SymbolTarget::Table(index)) => u64::from(index),
            (RelocTarget::TableSlot, SymbolTarget::Function(index)) => {
                let base = match entry.ty.base() {
                    RelocBase::ImageBase => module.table_base,
                    RelocBase::Absolute | RelocBase::TlsBase | RelocBase::Place => 0,
                };
                let slot = value.wrapping_add(base);
                // A weak function that is not there has no slot, nor has one that a loader may replace.
                let absent = value == 0 && !module.slots.values().any(|it| *it == index);
                if !absent && module.slots.get(&slot) != Some(&index) {
                    return Err(format!("function {index} is not in slot {slot}"));
                }
                value
            }
            (RelocTarget::FunctionOffset, SymbolTarget::Function(index)) => {
                // An imported function has no body.
                let body = module.body(index).unwrap_or(0);
                (body as u64).wrapping_add(addend)
            }
            (RelocTarget::SectionOffset, SymbolTarget::Section(_)) => addend,
            // The null pointer, or what a loader fills in.
            (RelocTarget::Memory, SymbolTarget::Data(None)) => 0,
            (RelocTarget::Global, SymbolTarget::Function(_) | SymbolTarget::Data(_)) => {
                self.got_entry(module, entry.index, symbol, value)?;
                value
            }
            (RelocTarget::Memory, SymbolTarget::Data(Some(place))) => {
                let here = match entry.ty.base() {
                    RelocBase::Place => self.place(module, section, entry)?,
                    RelocBase::Absolute | RelocBase::ImageBase | RelocBase::TlsBase => 0,
                };
                let offset = place.offset.wrapping_add(addend);
                if symbol.flags.contains(SymbolFlags::ABSOLUTE) {
                    return Ok(offset.wrapping_sub(here));
                }
                let segment = module.data.get(place.segment as usize);
                let (known, _) = segment.ok_or("there is no such segment")?;
                let first = value.wrapping_add(here).wrapping_sub(offset);
                let known = known.map(|start| start.number);
                let in_storage = match entry.ty.base() {
                    RelocBase::TlsBase => true,
                    // If threads have copies, an address of thread-local data is that in any copy.
                    RelocBase::Absolute | RelocBase::ImageBase | RelocBase::Place => {
                        symbol.flags.contains(SymbolFlags::TLS) && known != Some(first)
                    }
                };
                let known = known.filter(|_| !in_storage);
                let first = known.unwrap_or_else(|| {
                    let learned = self.starts.entry((place.segment, in_storage));
                    *learned.or_insert(first)
                });
                first.wrapping_add(offset).wrapping_sub(here)
            }
            (_, target) => return Err(format!("it is of {target:?}")),
        })
    }

    /// The address of the field of a relocation in data.
    fn place(&self, module: &Module<'_>, section: Section<'_>, entry: &RelocEntry) -> Checked<u64> {
        if section.id != SectionId::Data {
            return Err("it is not in data".into());
        }
        let at = entry.offset as usize;
        let segment = (0..).zip(&module.data);
        let mut found = segment.filter(|(_, (_, contents))| contents.contains(&at));
        let (index, (start, contents)) = found.next().ok_or("it is in no segment")?;
        let start = match start {
            Some(start) => start.number,
            None => {
                *(self.starts.get(&(index, false))).ok_or("nothing says where the segment lies")?
            }
        };
        Ok(start + (at - contents.start) as u64)
    }

    /// Checks that global `value` is the GOT entry of a symbol.
    fn got_entry(
        &mut self,
        module: &Module<'_>,
        index: u32,
        symbol: &SymbolEntry<'_>,
        value: u64,
    ) -> Checked<()> {
        let known = *self.got.entry(index).or_insert(value);
        if known != value {
            return Err(format!("global {known} is the symbol's, and not {value}"));
        }
        let target = *self.of_got.entry(value).or_insert(symbol.target);
        if target != symbol.target && !matches!(symbol.target, SymbolTarget::Data(_)) {
            return Err(format!("global {value} is that of {target:?}"));
        }
        let global = module.globals.get(value as usize);
        match (global.ok_or("there is no such global")?, symbol.target) {
            (GlobalOf::Import(from, name), target) => {
                let expected = match target {
                    SymbolTarget::Function(_) => "GOT.func",
                    _ => "GOT.mem",
                };
                if *from != expected || symbol.name.is_some_and(|known| known != *name) {
                    return Err(format!("global {value} is {from}.{name}"));
                }
            }
            // A start-up function writes it.
            (GlobalOf::Defined(None), _) => return Err(format!("global {value} is no number")),
            (GlobalOf::Defined(Some(start)), SymbolTarget::Function(index)) => {
                let known = start.relative || start.number != 0;
                if known && module.slots.get(&start.number) != Some(&index) {
                    return Err(format!("global {value} has the slot {}", start.number));
                }
            }
            (GlobalOf::Defined(Some(start)), SymbolTarget::Data(Some(place))) => {
                let base = (module.data.get(place.segment as usize)).and_then(|data| data.0);
                let base = match base {
                    _ if symbol.flags.contains(SymbolFlags::ABSOLUTE) => 0,
                    Some(base) => base.number,
                    None => return Ok(()),
                };
                let known = start.relative || start.number != 0;
                if known && start.number != base + place.offset {
                    return Err(format!("global {value} has the address {}", start.number));
                }
            }
            (GlobalOf::Defined(Some(_)), _) => {}
        }
        Ok(())
    }
}

/// The relocations that only one linker writes, and what they are about.
struct Extra {
    /// For each symbol its index without those that the other linker lacks.
    symbols: Vec<Option<u32>>,
    /// Whether a body's fields take as few bytes as they can, once they have no relocations.
    short: Vec<bool>,
}

/// `ours` as `reference`, which `wasm-ld` made of the same inputs, should be: `wasm-ld` keeps no
/// relocations of the functions that it writes itself. Those bodies (where `reference` has no
/// relocation, and `ours` has some) get short fields and no relocations, their own symbols are left
/// out, and what follows moves: sections, offsets of relocations, indices of symbols, and the offsets
/// of functions that debug info holds.
///
/// So comparing the result with `reference` sees every byte but these: which relocations those bodies
/// have, and which symbols only `ours` has. [`check_fields`] looks at both.
///
/// # Errors
/// `ours` lacks a symbol that `reference` has, or has another one that is not the linker's.
pub fn without_own_relocs(ours: &[u8], reference: &[u8]) -> Result<Vec<u8>, String> {
    let (own, theirs) = (Module::read(ours)?, Module::read(reference)?);
    let extra = Extra {
        symbols: matched(&own.symbols, &theirs.symbols)?,
        short: short_bodies(&own, &theirs),
    };
    without(&own, &extra)
}

/// A module in which the functions of these names have short fields and no relocations. All symbols
/// stay.
///
/// # Errors
/// The module is none that keeps its relocations.
pub fn without_relocs_of(module: &[u8], names: &[&str]) -> Result<Vec<u8>, String> {
    let module = Module::read(module)?;
    let mut short = vec![false; module.bodies.len()];
    for symbol in &module.symbols {
        if let SymbolTarget::Function(index) = symbol.target
            && let Some(nth) = index.checked_sub(module.imported_functions)
            && symbol.name.is_some_and(|name| names.contains(&name))
        {
            short[nth as usize] = true;
        }
    }
    let symbols = (0..module.symbols.len() as u32).map(Some).collect();
    without(&module, &Extra { symbols, short })
}

/// The module without what is extra.
fn without(own: &Module<'_>, extra: &Extra) -> Checked<Vec<u8>> {
    let (code, bodies) = shortened(own, extra)?;
    let mut contents: Vec<Vec<u8>> = own.sections.iter().map(|it| it.contents.to_vec()).collect();
    let mut empty = vec![false; own.sections.len()];
    for kept in &own.kept {
        let section = own.patched(kept)?;
        let is_code = section.id == SectionId::Code;
        let mut entries = Vec::new();
        for entry in &kept.entries {
            let mut entry = *entry;
            if entry.ty.target() == RelocTarget::FunctionOffset {
                let field = &mut contents[kept.patched][entry.offset as usize..];
                move_offset(own, &bodies, &entry, field)?;
            }
            if is_code {
                let nth = body_of(own, &entry).ok_or("a relocation is in no body")?;
                if extra.short[nth] {
                    continue;
                }
                entry.offset = entry.offset - own.bodies[nth].start as u32 + bodies[nth] as u32;
            }
            if entry.ty.target() != RelocTarget::Type {
                let index = extra.symbols.get(entry.index as usize);
                let index = index.and_then(|index| *index);
                entry.index = index.ok_or_else(|| {
                    format!("{} names a symbol that is the linker's", entry.ty.name())
                })?;
            }
            entries.push(entry);
        }
        empty[kept.own] = entries.is_empty();
        let relocs = &mut contents[kept.own];
        relocs.clear();
        RelocSection::encode(kept.patched as u32, &entries, relocs);
    }
    let mut out = MODULE_HEADER.to_vec();
    for (nth, section) in own.sections.iter().enumerate() {
        match section.id {
            SectionId::Code => put_section(&mut out, section.id, &code),
            SectionId::Custom if empty[nth] => {}
            SectionId::Custom if section.name == LINKING_SECTION => {
                let linking = linking(own, extra)?;
                put_custom_section(&mut out, section.name, &linking);
            }
            SectionId::Custom => put_custom_section(&mut out, section.name, &contents[nth]),
            _ => put_section(&mut out, section.id, &contents[nth]),
        }
    }
    Ok(out)
}

/// The body that has the field of a relocation.
fn body_of(module: &Module<'_>, entry: &RelocEntry) -> Option<usize> {
    let at = entry.offset as usize;
    let nth = module.bodies.partition_point(|body| body.end <= at);
    (module.bodies.get(nth)?.start <= at).then_some(nth)
}

/// For each symbol of `ours` its index among `theirs`; `None` for one of the linker's own.
fn matched(ours: &[SymbolEntry<'_>], theirs: &[SymbolEntry<'_>]) -> Checked<Vec<Option<u32>>> {
    let mut next = 0;
    let mut indices = Vec::new();
    for symbol in ours {
        if theirs.get(next) == Some(symbol) {
            indices.push(Some(next as u32));
            next += 1;
        } else if is_replacement(symbol) {
            // Where functions are called through imports, theirs has relocations of the functions.
            let named = theirs.iter().position(|it| it.name == symbol.name);
            indices.push(named.map(|named| named as u32));
        } else if is_own(symbol) {
            indices.push(None);
        } else {
            let instead = theirs.get(next);
            return Err(format!("{symbol:?} instead of {instead:?}"));
        }
    }
    match theirs.get(next) {
        None => Ok(indices),
        Some(symbol) => Err(format!("there is no {symbol:?}")),
    }
}

/// Whether a symbol is of an import in the place of a function of the module.
fn is_replacement(symbol: &SymbolEntry<'_>) -> bool {
    matches!(symbol.target, SymbolTarget::Function(_))
        && symbol.flags.is_local()
        && symbol.flags.contains(SymbolFlags::UNDEFINED)
}

/// Whether a symbol can be of what a linker makes: a function, a place in data, which has no size,
/// or a global.
fn is_own(symbol: &SymbolEntry<'_>) -> bool {
    let is_reserved = symbol.name.is_none_or(|name| name.starts_with("__"));
    match symbol.target {
        SymbolTarget::Function(_) => symbol.flags.is_local() || is_reserved,
        SymbolTarget::Data(Some(place)) => symbol.flags.is_local() && place.size == 0,
        SymbolTarget::Global(_) => is_reserved,
        _ => false,
    }
}

/// Which bodies have relocations in `own` alone.
fn short_bodies(own: &Module<'_>, theirs: &Module<'_>) -> Vec<bool> {
    let relocated = |module: &Module<'_>| {
        let mut relocated = vec![false; own.bodies.len()];
        for kept in &module.kept {
            let section = module.sections.get(kept.patched);
            if section.is_some_and(|section| section.id == SectionId::Code) {
                let bodies = kept.entries.iter().filter_map(|it| body_of(module, it));
                for nth in bodies {
                    if let Some(relocated) = relocated.get_mut(nth) {
                        *relocated = true;
                    }
                }
            }
        }
        relocated
    };
    let both = relocated(own).into_iter().zip(relocated(theirs));
    both.map(|(own, theirs)| own && !theirs).collect()
}

/// The code section with short fields in some bodies, and where each body then begins.
fn shortened(own: &Module<'_>, extra: &Extra) -> Checked<(Vec<u8>, Vec<usize>)> {
    let section = own.sections.iter().find(|it| it.id == SectionId::Code);
    let contents = section.map_or(&[][..], |section| section.contents);
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for (body, &short) in own.bodies.iter().zip(&extra.short) {
        if !short {
            bodies.push(contents[body.clone()].to_vec());
            continue;
        }
        let mut out = Vec::new();
        let mut copied = body.start;
        for entry in own.kept.iter().flat_map(|kept| {
            let is_code = own.sections[kept.patched].id == SectionId::Code;
            kept.entries.iter().filter(move |_| is_code)
        }) {
            let at = entry.offset as usize;
            if !body.contains(&at) {
                continue;
            }
            let form = entry.ty.form();
            let value = form.read(&contents[at..body.end]).map_err(text)?;
            let mut field = [0; 10];
            let len = form.write_shortest(&mut field, value);
            out.extend_from_slice(&contents[copied..at]);
            out.extend_from_slice(&field[..len]);
            copied = at + form.width();
        }
        out.extend_from_slice(&contents[copied..body.end]);
        bodies.push(out);
    }
    let mut out = Vec::new();
    put_u32(&mut out, bodies.len() as u32);
    let mut starts = Vec::new();
    for body in bodies {
        starts.push(out.len() + len_u32(body.len() as u32));
        put_bytes(&mut out, &body);
    }
    Ok((out, starts))
}

/// Moves the offset of a function in the code section that `field` holds.
fn move_offset(
    own: &Module<'_>,
    bodies: &[usize],
    entry: &RelocEntry,
    field: &mut [u8],
) -> Checked<()> {
    let symbol = own.symbols.get(entry.index as usize);
    let Some(SymbolTarget::Function(function)) = symbol.map(|symbol| symbol.target) else {
        return Err(format!("{} is of no function", entry.ty.name()));
    };
    let Some(nth) = function.checked_sub(own.imported_functions) else {
        // An imported function has no body that moves.
        return Ok(());
    };
    let nth = nth as usize;
    let form = entry.ty.form();
    let offset = form.read(field).map_err(text)?;
    let moved = (bodies[nth] as u64).wrapping_sub(own.bodies[nth].start as u64);
    form.write(field, offset.wrapping_add(moved));
    Ok(())
}

/// The linking section without the linker's own symbols.
fn linking(own: &Module<'_>, extra: &Extra) -> Checked<Vec<u8>> {
    let symbols = own.symbols.iter().zip(&extra.symbols);
    let symbols: Vec<_> = symbols
        .filter(|(symbol, index)| index.is_some() && !is_replacement(symbol))
        .map(|(symbol, _)| *symbol)
        .collect();
    let init_funcs = (own.init_funcs.iter()).map(|init| {
        let symbol = extra.symbols.get(init.symbol as usize).copied().flatten();
        symbol.map(|symbol| InitFunc { symbol, ..*init })
    });
    let init_funcs: Option<Vec<_>> = init_funcs.collect();
    let mut comdats = Vec::new();
    for comdat in &own.comdats {
        let entries = comdat.entries.clone().collect::<Result<Vec<_>, _>>();
        comdats.push((
            comdat.name().map_err(text)?,
            comdat.flags,
            entries.map_err(text)?,
        ));
    }
    let comdats: Vec<_> = comdats
        .iter()
        .map(|(name, flags, entries)| (*name, *flags, &entries[..]))
        .collect();
    let mut out = Vec::new();
    LinkingSection {
        segments: &own.segments,
        init_funcs: &init_funcs.ok_or("an init function is the linker's")?,
        comdats: &comdats,
        symbols: &symbols,
    }
    .encode(&mut out);
    Ok(out)
}

/// A module whose functions are in the opposite order and whose data lies `by` bytes further, made as
/// a program would that splits modules: it decodes no instruction, and knows by the relocations
/// alone what to change in code and data. Custom sections are left out.
///
/// `by` is 0 for position-independent modules: where their data lies is up to a loader.
///
/// # Errors
/// The module is none that keeps its relocations, or has something that linkers do not write.
pub fn moved(module: &[u8], by: u32) -> Result<Vec<u8>, String> {
    let module = Module::read(module)?;
    let mover = Mover {
        module: &module,
        by: by.into(),
    };
    let mut contents: Vec<Vec<u8>> = (module.sections.iter())
        .map(|section| section.contents.to_vec())
        .collect();
    let mut got = HashSet::new();
    for kept in &module.kept {
        for entry in &kept.entries {
            let field = contents.get_mut(kept.patched);
            let field = field.and_then(|contents| contents.get_mut(entry.offset as usize..));
            let field = field.ok_or("a relocation is outside of its section")?;
            let form = entry.ty.form();
            let value = form.read(field).map_err(text)?;
            form.write(field, mover.value(entry, value));
            if entry.ty.target() == RelocTarget::Global && mover.is_placed(entry) {
                got.insert(value as usize);
            }
        }
    }
    let mut out = MODULE_HEADER.to_vec();
    for (section, contents) in module.sections.iter().zip(contents) {
        let contents = match section.id {
            SectionId::Custom => continue,
            SectionId::Function => reversed(&numbers(&contents)?, |out, &ty| put_u32(out, ty)),
            SectionId::Code => {
                let bodies: Vec<_> = module
                    .bodies
                    .iter()
                    .map(|it| &contents[it.clone()])
                    .collect();
                reversed(&bodies, |out, body| put_bytes(out, body))
            }
            SectionId::Export => mover.exports(&contents)?,
            SectionId::Start => {
                let start = Reader::new(&contents).u32().map_err(text)?;
                let mut out = Vec::new();
                put_u32(&mut out, mover.function(start));
                out
            }
            SectionId::Element => mover.elements(&contents)?,
            SectionId::Global => mover.globals(&contents, &got)?,
            SectionId::Memory => mover.memory(&contents)?,
            SectionId::Data => mover.data(&contents)?,
            _ => contents,
        };
        put_section(&mut out, section.id, &contents);
    }
    Ok(out)
}

/// The numbers of a vector section that holds nothing else.
fn numbers(contents: &[u8]) -> Checked<Vec<u32>> {
    let mut reader = Reader::new(contents);
    let count = reader.u32().map_err(text)?;
    (0..count).map(|_| reader.u32().map_err(text)).collect()
}

/// A vector section with its entries in the opposite order.
fn reversed<T>(entries: &[T], put: impl Fn(&mut Vec<u8>, &T)) -> Vec<u8> {
    let mut out = Vec::new();
    put_u32(&mut out, entries.len() as u32);
    entries.iter().rev().for_each(|entry| put(&mut out, entry));
    out
}

/// Changes what [`moved`] moves.
struct Mover<'m, 'a> {
    module: &'m Module<'a>,
    by: u64,
}

impl Mover<'_, '_> {
    /// The new index of a function.
    fn function(&self, index: u32) -> u32 {
        match index.checked_sub(self.module.imported_functions) {
            Some(nth) => self.module.imported_functions + self.module.bodies.len() as u32 - 1 - nth,
            None => index,
        }
    }

    /// Whether a relocation is of data that moves.
    fn is_placed(&self, entry: &RelocEntry) -> bool {
        let symbol = self.module.symbols.get(entry.index as usize);
        symbol.is_some_and(|symbol| {
            matches!(symbol.target, SymbolTarget::Data(Some(_)))
                && !symbol.flags.contains(SymbolFlags::ABSOLUTE)
        })
    }

    /// What the field of a relocation holds once all has moved.
    fn value(&self, entry: &RelocEntry, value: u64) -> u64 {
        match (entry.ty.target(), entry.ty.base()) {
            (RelocTarget::Function, _) => self.function(value as u32).into(),
            (RelocTarget::Memory, RelocBase::Absolute | RelocBase::ImageBase)
                if self.is_placed(entry) =>
            {
                value + self.by
            }
            // All data moves together, and slots and the indices of all else stay.
            _ => value,
        }
    }

    fn exports(&self, contents: &[u8]) -> Checked<Vec<u8>> {
        let exports = wasmparser::ExportSectionReader::new(BinaryReader::new(contents, 0));
        let exports = exports.map_err(text)?;
        let mut out = Vec::new();
        put_u32(&mut out, exports.count());
        for export in exports {
            let export = export.map_err(text)?;
            put_name(&mut out, export.name);
            out.push(export.kind as u8);
            put_u32(
                &mut out,
                match export.kind {
                    ExternalKind::Func => self.function(export.index),
                    _ => export.index,
                },
            );
        }
        Ok(out)
    }

    fn elements(&self, contents: &[u8]) -> Checked<Vec<u8>> {
        let segments = wasmparser::ElementSectionReader::new(BinaryReader::new(contents, 0));
        let segments = segments.map_err(text)?;
        let mut out = Vec::new();
        put_u32(&mut out, segments.count());
        for segment in segments {
            let segment = segment.map_err(text)?;
            let (
                ElementItems::Functions(functions),
                ElementKind::Active {
                    table_index: None,
                    offset_expr,
                },
            ) = (segment.items, segment.kind)
            else {
                return Err("this is no segment of functions".into());
            };
            put_u32(&mut out, 0);
            out.extend_from_slice(expression(contents, &offset_expr));
            put_u32(&mut out, functions.count());
            for function in functions {
                put_u32(&mut out, self.function(function.map_err(text)?));
            }
        }
        Ok(out)
    }

    /// The globals; those of the GOT hold the new addresses.
    fn globals(&self, contents: &[u8], got: &HashSet<usize>) -> Checked<Vec<u8>> {
        let globals = wasmparser::GlobalSectionReader::new(BinaryReader::new(contents, 0));
        let globals = globals.map_err(text)?;
        let first = self.module.globals.len() - globals.count() as usize;
        let mut out = Vec::new();
        put_u32(&mut out, globals.count());
        for (index, global) in (first..).zip(globals) {
            let global = global.map_err(text)?;
            let init = expression(contents, &global.init_expr);
            let start = global.init_expr.get_binary_reader().range().start as usize;
            // The type, of a number, takes two bytes.
            out.extend_from_slice(&contents[start - 2..start]);
            self.address(&global.init_expr, init, got.contains(&index), &mut out);
        }
        Ok(out)
    }

    /// An expression, whose number moves if it is an address.
    fn address(&self, expr: &ConstExpr<'_>, bytes: &[u8], moves: bool, out: &mut Vec<u8>) {
        match start(expr) {
            Some(Start {
                number,
                relative: false,
            }) if moves => {
                out.push(bytes[0]);
                let moved = number + self.by;
                let is_64 = bytes[0] == Opcode::I64Const as u8;
                put_i64(
                    out,
                    if is_64 {
                        moved as i64
                    } else {
                        i64::from(moved as u32 as i32)
                    },
                );
                out.push(Opcode::End as u8);
            }
            _ => out.extend_from_slice(bytes),
        }
    }

    fn memory(&self, contents: &[u8]) -> Checked<Vec<u8>> {
        let mut reader = Reader::new(contents);
        let count = reader.u32().map_err(text)?;
        let mut limits = Limits::decode(&mut reader).map_err(text)?;
        limits.min += self.by.div_ceil(0x1_0000);
        limits.max = limits.max.map(|max| max.max(limits.min));
        let mut out = Vec::new();
        put_u32(&mut out, count);
        limits.encode(&mut out);
        Ok(out)
    }

    fn data(&self, contents: &[u8]) -> Checked<Vec<u8>> {
        let segments = wasmparser::DataSectionReader::new(BinaryReader::new(contents, 0));
        let segments = segments.map_err(text)?;
        let mut out = Vec::new();
        put_u32(&mut out, segments.count());
        for segment in segments {
            let segment = segment.map_err(text)?;
            match &segment.kind {
                DataKind::Passive => put_u32(&mut out, 1),
                DataKind::Active { offset_expr, .. } => {
                    put_u32(&mut out, 0);
                    let bytes = expression(contents, offset_expr);
                    self.address(offset_expr, bytes, true, &mut out);
                }
            }
            put_bytes(&mut out, segment.data);
        }
        Ok(out)
    }
}

/// The bytes of an expression.
fn expression<'c>(contents: &'c [u8], expr: &ConstExpr<'_>) -> &'c [u8] {
    let range = expr.get_binary_reader().range();
    &contents[range.start as usize..range.end as usize]
}
