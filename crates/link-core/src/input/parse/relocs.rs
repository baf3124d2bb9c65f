//! Relocation sections: each entry is decoded once to find it good, and each chunk notes
//! which bytes of the section are its entries. Those of debug info wait until they are
//! written.

use std::ops::Range;

use wasm_format::reloc::{
    RELOC_PREFIX, RelocEntry, RelocSection, RelocTarget, RelocType, ValueForm,
};
use wasm_format::{Reader, SectionId};

use super::ParseOptions;
use super::targets::{RULES, check_target};
use crate::ids::{ObjCustom, ObjSymbol};
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{
    BodyPlace, CustomSection, Functions, Object, ObjectSymbol, Relocs, Segment, UncheckedRelocs,
    is_debug_section,
};
use crate::input::section_headers::InputSection;
use crate::reloc::is_absolute_address;

/// What relocations refer to and what following them told.
struct Context<'o, 'a> {
    symbols: &'o [ObjectSymbol<'a>],
    /// By symbol, its kind, with [`CALLED`] once code calls it directly and [`TAKEN`]:
    /// entries ask for little else, and in any order.
    kinds: Vec<u8>,
    types: usize,
    /// Address width of the first instruction that holds an address.
    is_64: Option<bool>,
}

/// Beside a symbol's kind: code calls it directly.
const CALLED: u8 = 0x80;
/// A relocation asks for more than its index or address, as for a table slot.
const TAKEN: u8 = 0x40;

/// Which symbols relocations ask for more of than an index or address: of functions, a table
/// slot or an entry of the GOT.
pub(super) struct TakenSymbols {
    /// By symbol, its kind and [`TAKEN`].
    kinds: Vec<u8>,
}

impl TakenSymbols {
    /// The symbols, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = ObjSymbol> {
        let symbols = self.kinds.iter().enumerate();
        symbols.filter_map(|(i, kind)| (kind & TAKEN != 0).then_some(ObjSymbol(i as u32)))
    }
}

/// What relocations patch.
struct Patched<'o, 'a> {
    functions: &'o mut Functions<'a>,
    segments: &'o mut [Segment<'a>],
    customs: &'o mut [CustomSection<'a>],
    /// For each section of the file, which of `customs` it is.
    custom_of_section: &'o [Option<ObjCustom>],
}

/// Takes all relocation sections apart, into the chunks of `object`.
pub(super) fn all<'a>(
    sections: &[InputSection<'a>],
    custom_of_section: &[Option<ObjCustom>],
    options: ParseOptions,
    object: &mut Object<'a>,
) -> Parsed<TakenSymbols> {
    let kinds = object.symbols.iter().map(|symbol| symbol.kind() as u8);
    let mut context = Context {
        kinds: kinds.collect(),
        symbols: &object.symbols,
        types: object.types.len(),
        is_64: None,
    };
    let mut chunks = Patched {
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
    let (kinds, is_64) = (context.kinds, context.is_64);
    let called = kinds.iter().map(|kind| kind & CALLED != 0);
    object.symbols.set_called(called);
    object.is_64 = object.is_64.or(is_64);
    Ok(TakenSymbols { kinds })
}

fn one<'a>(
    section: &InputSection<'a>,
    sections: &[InputSection<'a>],
    options: ParseOptions,
    patched: &mut [bool],
    chunks: &mut Patched<'_, 'a>,
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
    let all = relocs.entries.rest();
    match (target.id, chunks.custom_of_section[index]) {
        (SectionId::Code, _) => {
            let places = chunks.functions.set_relocs(all);
            distribute(&relocs, BodyChunks { places, next: 0 }, context)
        }
        (SectionId::Data, _) => {
            let segments = SegmentChunks {
                list: &mut *chunks.segments,
                next: 0,
                all,
            };
            distribute(&relocs, segments, context)
        }
        (SectionId::Custom, Some(custom))
            if options.defer_debug && is_debug_section(target.name) =>
        {
            chunks.customs[custom.index()].unchecked = Some(UncheckedRelocs {
                section: section.name,
                entries: all,
                count: relocs.count,
                at: relocs.entries.offset(),
            });
            Ok(())
        }
        (SectionId::Custom, Some(custom)) => {
            let chunk = &mut chunks.customs[custom.index()].chunk;
            let whole = Whole {
                len: Some(chunk.bytes.len()),
                relocs: &mut chunk.relocs,
                all,
            };
            distribute(&relocs, whole, context)
        }
        // The relocations are called otherwise than the section, which is stripped.
        (SectionId::Custom, None) if is_debug_section(target.name) => Ok(()),
        _ => Err(Fault::new(
            at,
            format!("{target} is no section that can have relocations"),
        )),
    }
}

/// The chunks that a relocation section patches, in the order of their places.
trait Chunks {
    /// What messages call one.
    const WHAT: &'static str;
    /// Whether instructions are patched.
    const ARE_CODE: bool = false;

    /// Where the next chunk begins and ends in its section's contents.
    fn next(&mut self) -> Option<(u64, u64)>;

    /// Says where the entries of that chunk are among all, and whether they are plain as
    /// [`Relocs::Encoded`] has it.
    fn give(&mut self, entries: Range<usize>, plain: bool);
}

struct BodyChunks<'o> {
    places: &'o mut [BodyPlace],
    next: usize,
}

impl Chunks for BodyChunks<'_> {
    const WHAT: &'static str = "function body";
    const ARE_CODE: bool = true;

    #[inline]
    fn next(&mut self) -> Option<(u64, u64)> {
        let place = self.places.get(self.next)?;
        self.next += 1;
        Some((place.start.into(), place.end()))
    }

    #[inline]
    fn give(&mut self, entries: Range<usize>, plain: bool) {
        let place = &mut self.places[self.next - 1];
        place.relocs_end = entries.end as u32;
        place.plain = plain;
    }
}

struct SegmentChunks<'o, 'a> {
    list: &'o mut [Segment<'a>],
    next: usize,
    /// The entries of all.
    all: &'a [u8],
}

impl Chunks for SegmentChunks<'_, '_> {
    const WHAT: &'static str = "data segment";

    fn next(&mut self) -> Option<(u64, u64)> {
        let chunk = &self.list.get(self.next)?.chunk;
        self.next += 1;
        let start = match chunk.relocs {
            Relocs::Encoded { chunk_start, .. } => u64::from(chunk_start),
            Relocs::Decoded(_) => 0,
        };
        Some((start, start + chunk.bytes.len() as u64))
    }

    fn give(&mut self, range: Range<usize>, is_plain: bool) {
        let relocs = &mut self.list[self.next - 1].chunk.relocs;
        if let Relocs::Encoded { chunk_start, .. } = *relocs {
            *relocs = Relocs::Encoded {
                entries: &self.all[range.start..],
                after: self.all.len() - range.end,
                chunk_start,
                plain: is_plain,
            };
        }
    }
}

/// A custom section: one chunk.
struct Whole<'o, 'a> {
    /// Until it was handed out.
    len: Option<usize>,
    relocs: &'o mut Relocs<'a>,
    all: &'a [u8],
}

impl Chunks for Whole<'_, '_> {
    const WHAT: &'static str = "custom section";

    fn next(&mut self) -> Option<(u64, u64)> {
        // Offsets count from the end of the section's name.
        Some((0, self.len.take()? as u64))
    }

    fn give(&mut self, entries: Range<usize>, plain: bool) {
        *self.relocs = Relocs::Encoded {
            entries: &self.all[entries.start..],
            after: self.all.len() - entries.end,
            chunk_start: 0,
            plain,
        };
    }
}

/// Checks every entry, and gives each chunk its own.
fn distribute<C: Chunks>(
    section: &RelocSection<'_>,
    mut chunks: C,
    context: &mut Context<'_, '_>,
) -> Parsed<()> {
    let all = section.entries.rest();
    let base = section.entries.offset();
    let mut rest = all;
    // The chunk whose entries are being gone through, and where they begin.
    let mut chunk = None;
    let mut from = 0;
    let mut all_plain = true;
    // Offset of the first byte after the previous place.
    let mut previous_end = 0;
    for _ in 0..section.count {
        let here = all.len() - rest.len();
        let at = base + here;
        let Some((entry, after)) = RelocEntry::split_first(rest) else {
            return Err(damaged(rest, at));
        };
        let plain = context.check(at, &entry, C::ARE_CODE)?;
        let start = u64::from(entry.offset);
        let end = check_order(at, &entry, previous_end)?;
        previous_end = end;
        while chunk.is_none_or(|(_, chunk_end)| chunk_end <= start) {
            if chunk.is_some() {
                chunks.give(from..here, all_plain);
            }
            chunk = chunks.next();
            if chunk.is_none() {
                return Err(outside(at, &entry, C::WHAT));
            }
            (from, all_plain) = (here, true);
        }
        if chunk.is_none_or(|(chunk_start, chunk_end)| start < chunk_start || chunk_end < end) {
            return Err(outside(at, &entry, C::WHAT));
        }
        all_plain &= plain;
        rest = after;
    }
    let end = all.len() - rest.len();
    Reader::at(rest, base + end).finish("the last entry")?;
    while chunk.is_some() {
        chunks.give(from..end, all_plain);
        (from, all_plain) = (end, true);
        chunk = chunks.next();
    }
    Ok(())
}

/// Why `bytes`, at `at` of the file, begin with no entry.
#[cold]
fn damaged(bytes: &[u8], at: usize) -> Fault {
    match RelocEntry::decode(&mut Reader::at(bytes, at)) {
        Err(error) => error.into(),
        Ok(entry) => Fault::new(at, format!("{} cannot be decoded", entry.ty.name())),
    }
}

/// The end of the place that `entry` patches; that place may not begin before the end of
/// the one before it.
#[inline]
pub(super) fn check_order(at: usize, entry: &RelocEntry, previous_end: u64) -> Parsed<u64> {
    let start = u64::from(entry.offset);
    if start < previous_end {
        return Err(overlap(at, entry));
    }
    Ok(place_end(entry))
}

/// Offset of the first byte after the place that `entry` patches.
#[inline]
pub(super) fn place_end(entry: &RelocEntry) -> u64 {
    u64::from(entry.offset) + entry.ty.form().width() as u64
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
pub(super) fn outside(at: usize, entry: &RelocEntry, what: &str) -> Fault {
    Fault::new(
        at,
        format!(
            "{} at {:#x} does not lie within a {what}",
            entry.ty.name(),
            entry.offset
        ),
    )
}

impl Context<'_, '_> {
    /// Checks the entry's target; returns whether the entry is plain, as
    /// [`Relocs::Encoded`] has it.
    #[inline]
    fn check(&mut self, at: usize, entry: &RelocEntry, is_code: bool) -> Parsed<bool> {
        let rule = &RULES[entry.ty as usize];
        let kind = match self.kinds.get_mut(entry.index as usize) {
            Some(kind) if rule.kinds.has(*kind) => {
                if is_code && entry.ty == RelocType::FunctionIndexLeb {
                    *kind |= CALLED;
                }
                if !rule.plain.has(*kind) {
                    *kind |= TAKEN;
                }
                *kind
            }
            _ => {
                check_target(at, entry, self.symbols, self.types)?;
                return Ok(false);
            }
        };
        if is_code && self.is_64.is_none() && is_address_operand(entry.ty) {
            self.is_64 = Some(entry.ty.form().is_64());
        }
        Ok(rule.plain.has(kind))
    }
}

/// Whether an instruction holds an address, whose width is that of the memory's addresses.
const fn is_address_operand(ty: RelocType) -> bool {
    let is_leb = !matches!(ty.form(), ValueForm::I32 | ValueForm::I64);
    is_leb && is_absolute_address(ty) && matches!(ty.target(), RelocTarget::Memory)
}
