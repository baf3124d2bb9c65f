//! Relocation sections: each entry is decoded once to find it good, and each chunk notes
//! which bytes of the section are its entries. Those of debug info wait until they are
//! written.

use wasm_format::linking::SymbolKind;
use wasm_format::reloc::{RelocBase, RelocEntry, RelocSection, RelocTarget, RelocType};
use wasm_format::{Reader, SectionId};

use super::linking::kind_name;
use super::{ParseOptions, RELOC_PREFIX};
use crate::diag::Diagnostic;
use crate::link::ids::ObjCustom;
use crate::link::mark::takes_slot;
use crate::link::object::{
    Chunk, Custom, Function, ObjReloc, Object, ObjectSymbol, Relocs, Segment, UncheckedRelocs,
    expected_kind, is_debug_section,
};
use crate::link::read::fault::{Fault, Parsed};
use crate::link::read::sections::Section;
use crate::reloc::Reloc;

/// What relocations refer to and what following them told.
struct Context<'o, 'a> {
    symbols: &'o mut [ObjectSymbol<'a>],
    types: usize,
    /// Address width of the first instruction that holds an address.
    is_64: Option<bool>,
}

/// What relocations patch.
struct Chunks<'o, 'a> {
    functions: &'o mut [Function<'a>],
    segments: &'o mut [Segment<'a>],
    customs: &'o mut [Custom<'a>],
    /// For each section of the file, which of `customs` it is.
    custom_of_section: &'o [Option<ObjCustom>],
}

/// Takes all relocation sections apart, into the chunks of `object`.
pub(super) fn all<'a>(
    sections: &[Section<'a>],
    custom_of_section: &[Option<ObjCustom>],
    options: ParseOptions,
    object: &mut Object<'a>,
) -> Parsed<()> {
    let mut context = Context {
        symbols: &mut object.symbols,
        types: object.types.len(),
        is_64: None,
    };
    let mut chunks = Chunks {
        functions: &mut object.functions,
        segments: &mut object.segments,
        customs: &mut object.customs,
        custom_of_section,
    };
    let mut patched = vec![false; sections.len()];
    for section in sections {
        if !section.name.starts_with(RELOC_PREFIX)
            || options.strip_debug && is_debug_section(section.name)
        {
            continue;
        }
        one(
            section,
            sections,
            options,
            &mut patched,
            &mut chunks,
            &mut context,
        )
        .map_err(|fault| fault.in_section(section))?;
    }
    object.is_64 = object.is_64.or(context.is_64);
    Ok(())
}

fn one<'a>(
    section: &Section<'a>,
    sections: &[Section<'a>],
    options: ParseOptions,
    patched: &mut [bool],
    chunks: &mut Chunks<'_, 'a>,
    context: &mut Context<'_, 'a>,
) -> Parsed<()> {
    let at = section.body.offset();
    let relocs = RelocSection::decode(section.body.clone())?;
    let index = relocs.section as usize;
    let Some(target) = sections.get(index) else {
        return Err(Fault::out_of_range(
            at,
            "patched section's",
            relocs.section,
            sections.len(),
        ));
    };
    if std::mem::replace(&mut patched[index], true) {
        return Err(Fault::new(
            at,
            format!("{target} has a second relocation section"),
        ));
    }
    match (target.id, chunks.custom_of_section[index]) {
        (SectionId::Code, _) => {
            let chunks = chunks.functions.iter_mut().map(|f| &mut f.chunk);
            distribute(&relocs, "function body", chunks, context, true)
        }
        (SectionId::Data, _) => {
            let chunks = chunks.segments.iter_mut().map(|s| &mut s.chunk);
            distribute(&relocs, "data segment", chunks, context, false)
        }
        (SectionId::Custom, Some(custom))
            if options.defer_debug && is_debug_section(target.name) =>
        {
            chunks.customs[custom.index()].unchecked = Some(UncheckedRelocs {
                section: section.name,
                entries: relocs.entries.rest(),
                count: relocs.count,
                at: relocs.entries.offset(),
            });
            Ok(())
        }
        (SectionId::Custom, Some(custom)) => {
            let chunk = &mut chunks.customs[custom.index()].chunk;
            // Offsets count from the end of the section's name.
            chunk.relocs = Relocs::Encoded {
                entries: &[],
                chunk_start: 0,
                plain: true,
            };
            let chunks = std::iter::once(chunk);
            distribute(&relocs, "custom section", chunks, context, false)
        }
        // The relocations are called otherwise than the section, which is stripped.
        (SectionId::Custom, None) if is_debug_section(target.name) => Ok(()),
        _ => Err(Fault::new(
            at,
            format!("{target} is no section that can have relocations"),
        )),
    }
}

/// Checks every entry, and gives each chunk its own.
///
/// Chunks come in the order of their places in the section, entries too.
fn distribute<'c, 'a: 'c>(
    section: &RelocSection<'a>,
    what: &str,
    mut chunks: impl Iterator<Item = &'c mut Chunk<'a>>,
    context: &mut Context<'_, 'a>,
    is_code: bool,
) -> Parsed<()> {
    let all = section.entries.rest();
    let base = section.entries.offset();
    let mut entries = section.iter();
    let mut current: Option<Current<'_, 'a>> = None;
    // Offset of the first byte after the previous place.
    let mut previous_end = 0;
    loop {
        let at = entries.offset();
        let from = at - base;
        let Some(entry) = entries.next() else {
            break;
        };
        let entry = entry?;
        let to = entries.offset() - base;
        let plain = context.check(at, &entry, is_code)?;
        let start = u64::from(entry.offset);
        let end = check_order(at, &entry, previous_end)?;
        previous_end = end;
        while current.as_ref().is_none_or(|current| current.end <= start) {
            if let Some(done) = current.take() {
                done.finish(all);
            }
            let Some(chunk) = chunks.next() else {
                return Err(outside(at, &entry, what));
            };
            current = Some(Current::new(chunk, from));
        }
        match &mut current {
            Some(current) if current.start <= start && end <= current.end => {
                current.to = to;
                current.plain &= plain;
            }
            _ => return Err(outside(at, &entry, what)),
        }
    }
    if let Some(done) = current {
        done.finish(all);
    }
    Ok(())
}

/// The end of the place that `entry` patches; that place may not begin before the end of
/// the one before it.
#[inline]
fn check_order(at: usize, entry: &RelocEntry, previous_end: u64) -> Parsed<u64> {
    let start = u64::from(entry.offset);
    if start < previous_end {
        return Err(overlap(at, entry));
    }
    Ok(start + entry.ty.form().width() as u64)
}

#[cold]
fn overlap(at: usize, entry: &RelocEntry) -> Fault {
    Fault::new(
        at,
        format!(
            "{} at {:#x} stands before the end of the relocation that precedes it",
            entry.ty.name(),
            entry.offset
        ),
    )
}

#[cold]
fn outside(at: usize, entry: &RelocEntry, what: &str) -> Fault {
    Fault::new(
        at,
        format!(
            "{} at {:#x} does not lie within a {what}",
            entry.ty.name(),
            entry.offset
        ),
    )
}

/// The chunk whose entries are being gone through.
struct Current<'c, 'a> {
    chunk: &'c mut Chunk<'a>,
    /// Where the chunk lies in its section's contents.
    start: u64,
    end: u64,
    /// Where its entries lie among all.
    from: usize,
    to: usize,
    /// What [`Relocs::Encoded`] says of them.
    plain: bool,
}

impl<'c, 'a> Current<'c, 'a> {
    fn new(chunk: &'c mut Chunk<'a>, from: usize) -> Self {
        let start = match chunk.relocs {
            Relocs::Encoded { chunk_start, .. } => u64::from(chunk_start),
            Relocs::Decoded(_) => 0,
        };
        Self {
            start,
            end: start + chunk.bytes.len() as u64,
            from,
            to: from,
            plain: true,
            chunk,
        }
    }

    fn finish(self, all: &'a [u8]) {
        if let Relocs::Encoded { entries, plain, .. } = &mut self.chunk.relocs {
            *entries = &all[self.from..self.to];
            *plain = self.plain;
        }
    }
}

impl Context<'_, '_> {
    /// Checks the entry's target; returns whether the entry is plain, as
    /// [`Relocs::Encoded`] has it.
    #[inline]
    fn check(&mut self, at: usize, entry: &RelocEntry, is_code: bool) -> Parsed<bool> {
        let Some(kind) = check_target(at, entry, self.symbols, self.types)? else {
            return Ok(false);
        };
        if is_code {
            match entry.ty {
                RelocType::FunctionIndexLeb => {
                    self.symbols[entry.index as usize].called_directly = true;
                }
                RelocType::MemoryAddrLeb | RelocType::MemoryAddrSleb => {
                    self.is_64.get_or_insert(false);
                }
                RelocType::MemoryAddrLeb64 | RelocType::MemoryAddrSleb64 => {
                    self.is_64.get_or_insert(true);
                }
                _ => {}
            }
        }
        let from_got = expected_kind(entry.ty).is_none() && kind != SymbolKind::Global;
        let from_tls = entry.ty.base() == RelocBase::TlsBase;
        Ok(!takes_slot(entry.ty) && !from_got && !from_tls)
    }
}

/// Checks that the entry's target is there and of the right kind; returns that kind, or
/// `None` for a type.
#[inline]
fn check_target(
    at: usize,
    entry: &RelocEntry,
    symbols: &[ObjectSymbol<'_>],
    types: usize,
) -> Parsed<Option<SymbolKind>> {
    if entry.ty.target() == RelocTarget::Type {
        if entry.index as usize >= types {
            return Err(Fault::out_of_range(at, "type", entry.index, types));
        }
        return Ok(None);
    }
    let Some(symbol) = symbols.get(entry.index as usize) else {
        return Err(Fault::out_of_range(
            at,
            "symbol",
            entry.index,
            symbols.len(),
        ));
    };
    let kind = symbol.kind();
    let fits = match expected_kind(entry.ty) {
        Some(expected) => kind == expected,
        // A GOT entry is a global, too.
        None => match entry.ty {
            RelocType::GlobalIndexLeb => matches!(
                kind,
                SymbolKind::Global | SymbolKind::Function | SymbolKind::Data
            ),
            _ => kind == SymbolKind::Global,
        },
    };
    if fits {
        Ok(Some(kind))
    } else {
        Err(wrong_kind(at, entry, symbol))
    }
}

#[cold]
fn wrong_kind(at: usize, entry: &RelocEntry, symbol: &ObjectSymbol<'_>) -> Fault {
    Fault::new(
        at,
        format!(
            "{} refers to the {} symbol `{}`",
            entry.ty.name(),
            kind_name(symbol.kind()),
            symbol.name
        ),
    )
}

impl UncheckedRelocs<'_> {
    /// Calls `each` with one relocation after another, each found good before.
    ///
    /// They patch a section of `object` that has `len` bytes.
    ///
    /// # Errors
    /// The first that is not good; `each` was called with those before it.
    #[inline]
    pub(crate) fn for_each(
        &self,
        object: &Object<'_>,
        len: usize,
        mut each: impl FnMut(&ObjReloc),
    ) -> Result<(), Diagnostic> {
        self.check(object, len as u64, &mut each).map_err(|fault| {
            fault
                .in_section(&self.section)
                .into_diagnostic(&object.name)
        })
    }

    #[inline]
    fn check(&self, object: &Object<'_>, len: u64, each: &mut impl FnMut(&ObjReloc)) -> Parsed<()> {
        let section = RelocSection {
            section: 0,
            count: self.count,
            entries: Reader::at(self.entries, self.at),
        };
        let mut entries = section.iter();
        let mut previous_end = 0;
        loop {
            let at = entries.offset();
            let Some(entry) = entries.next() else {
                return Ok(());
            };
            let entry = entry?;
            check_target(at, &entry, &object.symbols, object.types.len())?;
            previous_end = check_order(at, &entry, previous_end)?;
            if previous_end > len {
                return Err(outside(at, &entry, "custom section"));
            }
            each(&Reloc {
                offset: entry.offset,
                ty: entry.ty,
                target: entry.index,
                addend: entry.addend,
            });
        }
    }
}
