//! Gaps in debug sections: the room between and behind what objects contribute.
//!
//! A reader of DWARF takes a section as one unit after another, so the linker fills a gap with a
//! unit or with empty tables, which readers skip. A gap can lie between any two contributions: they
//! have no alignment, and offsets into a section point to contributions only. Units of different
//! versions of DWARF may follow one another, so the version of the contributions does not matter.
//!
//! `.debug_names` cannot have gaps, since an index has to name a unit. It does not name the units of
//! gaps in `.debug_info` either: readers scan units that it leaves out, and `llvm-dwarfdump
//! --verify` warns of each.

use std::ops::RangeInclusive;

use crate::room::room_behind;

/// The largest gap, in bytes: the length of a unit is a number of 32 bits, of which the last 16
/// values mean something else (DWARF 5, 7.4).
const MOST: usize = 4 + 0xffff_ffef;

/// In place of an offset in `.debug_info`, where no unit is meant. 0 would mean the first one.
const NO_UNIT: [u8; 4] = [0xff; 4];

/// The table of abbreviations that the unit of a gap in `.debug_info` refers to. The linker puts it
/// into `.debug_abbrev`.
pub(crate) const ABBREVIATIONS: &[u8] = &[
    COMPILE_UNIT,
    0x11, // DW_TAG_compile_unit
    0,    // DW_CHILDREN_no
    0,
    0, // no attributes
    0, // no more abbreviations
];

/// Where in `.debug_abbrev` the linker puts [`ABBREVIATIONS`].
pub(crate) const ABBREVIATIONS_AT: u32 = 0;

/// What a section with gaps begins with.
pub(crate) fn head(name: &str) -> &'static [u8] {
    if name == ".debug_abbrev" {
        ABBREVIATIONS
    } else {
        &[]
    }
}

/// The code of the abbreviation.
const COMPILE_UNIT: u8 = 1;

/// A kind of gap: how one section is filled where objects contribute nothing to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    filling: Filling,
    /// The size of an address in bytes, 4 or 8. It is that of the contributions: some readers take
    /// it from the first unit.
    address: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filling {
    /// Zeros: empty strings, or ends of empty tables.
    Zeros,
    /// A table of abbreviations that no unit uses, then at most 20 zeros, each an empty table.
    /// Zeros alone are valid, but LLDB keeps every table in memory, in about 100 bytes each.
    Abbreviations,
    /// Pairs of addresses that are 0. Each pair ends a list, an empty one.
    Ranges,
    /// The same. Unless the gap is a multiple of a pair, an entry precedes them: for an empty
    /// range, with an expression of the remaining length.
    Locations,
    /// A compile unit without attributes and children, then null entries.
    CompileUnit,
    /// A line table without files, whose opcodes make no row.
    LineTable,
    /// A table of addresses that are 0.
    Addresses,
    /// A table of offsets that are 0.
    StringOffsets,
    /// A table of lists: one of nothing but base addresses, then up to 8 empty ones.
    Lists {
        /// The kind of an entry that sets the base address.
        base_address: u8,
    },
    /// A set of empty ranges.
    AddressRanges,
    /// A set of one name, of blanks, or none.
    Names {
        /// Whether a byte between the offset and the name describes the name (GNU).
        described: bool,
    },
}

impl Gap {
    /// How to fill gaps in the section `name`, where addresses have 64 or 32 bits. `None` if the
    /// section cannot have gaps.
    pub(crate) fn of_section(name: &str, is_64: bool) -> Option<Self> {
        let filling = match name {
            ".debug_str" | ".debug_line_str" | ".debug_macinfo" => Filling::Zeros,
            ".debug_abbrev" => Filling::Abbreviations,
            ".debug_ranges" => Filling::Ranges,
            ".debug_loc" => Filling::Locations,
            ".debug_info" => Filling::CompileUnit,
            ".debug_line" => Filling::LineTable,
            ".debug_addr" => Filling::Addresses,
            ".debug_str_offsets" => Filling::StringOffsets,
            ".debug_rnglists" => Filling::Lists {
                base_address: 5, // DW_RLE_base_address
            },
            ".debug_loclists" => Filling::Lists {
                base_address: 6, // DW_LLE_base_address
            },
            ".debug_aranges" => Filling::AddressRanges,
            ".debug_pubnames" | ".debug_pubtypes" => Filling::Names { described: false },
            ".debug_gnu_pubnames" | ".debug_gnu_pubtypes" => Filling::Names { described: true },
            _ => return None,
        };
        let address = if is_64 { 8 } else { 4 };
        Some(Self { filling, address })
    }

    /// Whether a gap of `size` bytes can be filled. 0 bytes can.
    pub(crate) fn takes(self, size: usize) -> bool {
        let pair = 2 * self.address;
        let fits = |least, step: usize| size >= least && (size - least).is_multiple_of(step);
        let is_filled = match self.filling {
            Filling::Zeros | Filling::Abbreviations => true,
            Filling::Ranges => fits(pair, pair),
            Filling::Locations => fits(pair, pair) || fits(2 * pair + 2, 1),
            Filling::CompileUnit | Filling::Lists { .. } => fits(12, 1),
            Filling::LineTable => fits(30, 1),
            Filling::Addresses => fits(8, self.address),
            Filling::StringOffsets => fits(8, 4),
            Filling::AddressRanges => fits(16 + pair, pair),
            Filling::Names { described } => size == 18 || fits(23 + usize::from(described), 1),
        };
        size == 0 || is_filled && size <= MOST
    }

    /// The size of the smallest gap that can be filled and has at least `wanted` bytes. `None` if
    /// there is none below 4 GiB.
    pub(crate) fn at_least(self, wanted: usize) -> Option<usize> {
        (wanted..=MOST).find(|size| self.takes(*size))
    }

    /// The room beside a contribution of `len` bytes, for it to grow; 0 if none can be filled.
    pub(crate) fn beside(self, len: u64) -> u64 {
        const LEAST: usize = 32;
        self.room(len, 16, LEAST)
    }

    /// The room behind all contributions, which have `len` bytes; 0 if none can be filled.
    pub(crate) fn behind(self, len: u64) -> u64 {
        const LEAST: usize = 256;
        self.room(len, 32, LEAST)
    }

    fn room(self, len: u64, part: usize, least: usize) -> u64 {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let wanted = room_behind(len, part, least);
        self.at_least(wanted).unwrap_or(0) as u64
    }

    /// Overwrites all of a gap. `abbreviations` is the offset of [`ABBREVIATIONS`] in
    /// `.debug_abbrev`.
    ///
    /// # Panics
    /// If a gap of this size cannot be filled, by [`takes`](Self::takes).
    pub(crate) fn fill(self, gap: &mut [u8], abbreviations: u32) {
        assert!(self.takes(gap.len()), "a gap that cannot be filled");
        if gap.is_empty() {
            return;
        }
        let address = self.address;
        let address_size = [address as u8];
        let length = (gap.len() as u32).wrapping_sub(4).to_le_bytes();
        match self.filling {
            Filling::Zeros | Filling::Ranges => gap.fill(0),
            Filling::Abbreviations => put_abbreviations(gap),
            Filling::Locations => {
                let rest = gap.len() % (2 * address);
                let mut gap = gap;
                if rest != 0 {
                    // The size of the entry: from 1 to 1, which is no range, of two addresses.
                    let fixed = 2 * address + 2;
                    let nops = (rest + 2 * address - 2) % (2 * address);
                    let (entry, behind) = gap.split_at_mut(fixed + nops);
                    entry.fill(0);
                    entry[0] = 1;
                    entry[address] = 1;
                    entry[2 * address] = nops as u8;
                    entry[fixed..].fill(0x96); // DW_OP_nop
                    gap = behind;
                }
                gap.fill(0);
            }
            Filling::CompileUnit => {
                let abbreviations = abbreviations.to_le_bytes();
                let rest = put(
                    gap,
                    &[
                        &length,
                        &[4, 0],
                        &abbreviations,
                        &address_size,
                        &[COMPILE_UNIT],
                    ],
                );
                rest.fill(0);
            }
            Filling::LineTable => {
                // After its length, the header has: minimum_instruction_length,
                // maximum_operations_per_instruction, default_is_stmt, line_base, line_range,
                // opcode_base, standard_opcode_lengths; no directories and no files.
                let header: [u8; 20] =
                    [1, 1, 1, 1, 1, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0];
                let header_length = (header.len() as u32).to_le_bytes();
                let rest = put(gap, &[&length, &[4, 0], &header_length, &header]);
                rest.fill(7); // DW_LNS_set_basic_block, which makes no row
            }
            Filling::Addresses => put(gap, &[&length, &[5, 0], &address_size, &[0]]).fill(0),
            Filling::StringOffsets => put(gap, &[&length, &[5, 0, 0, 0]]).fill(0),
            Filling::Lists { base_address } => {
                // No offsets of lists.
                let rest = put(gap, &[&length, &[5, 0], &address_size, &[0], &[0; 4]]);
                rest.fill(0);
                // At least one byte is left to end the list.
                let entries = rest.len().saturating_sub(1) / (1 + address);
                for entry in rest.chunks_exact_mut(1 + address).take(entries) {
                    entry[0] = base_address;
                }
            }
            Filling::AddressRanges => {
                let rest = put(
                    gap,
                    &[&length, &[2, 0], &NO_UNIT, &address_size, &[0], &[0; 4]],
                );
                // A pair of zeros would end the set too early. Readers skip empty ranges, and
                // ranges at the last address, which stands for code that was left out.
                let (ranges, end) = rest.split_at_mut(rest.len() - 2 * address);
                for range in ranges.chunks_exact_mut(2 * address) {
                    range[..address].fill(0xff);
                    range[address..].fill(0);
                }
                end.fill(0);
            }
            Filling::Names { described } => {
                let rest = put(gap, &[&length, &[2, 0], &NO_UNIT, &[0; 4]]);
                let (name, end) = rest.split_at_mut(rest.len() - 4);
                end.fill(0);
                if let Some((zero, name)) = name.split_last_mut() {
                    *zero = 0;
                    // The offset 0 would end the set.
                    let name = put(name, &[&NO_UNIT]);
                    name.fill(b' ');
                    if described {
                        name[0] = 0;
                    }
                }
            }
        }
    }
}

/// Fills `out` with a table of abbreviations that have as many attributes as they can.
fn put_abbreviations(mut out: &mut [u8]) {
    // DW_AT_lo_user to DW_AT_hi_user: no abbreviation may have an attribute twice.
    const ATTRIBUTES: RangeInclusive<u16> = 0x2000..=0x3fff;
    // The attribute and its form, DW_FORM_implicit_const, with a value of the greatest length.
    const FORM: [u8; 11] = [
        0x21, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0,
    ];
    const ATTRIBUTE: usize = 2 + FORM.len();
    // The code, the tag, whether there are children, and the end of the attributes.
    const FIXED: usize = 3 + 1 + 1 + 2;
    let mut code: u32 = 1;
    // A byte is left to end the table.
    while out.len() > FIXED + ATTRIBUTE {
        let leb = [
            code as u8 | 0x80,
            (code >> 7) as u8 | 0x80,
            (code >> 14) as u8,
        ];
        out = put(out, &[&leb, &[0x11, 0]]);
        let attributes = (out.len() - 3) / ATTRIBUTE;
        for attribute in ATTRIBUTES.take(attributes) {
            let leb = [attribute as u8 | 0x80, (attribute >> 7) as u8];
            out = put(out, &[&leb, &FORM]);
        }
        out = put(out, &[&[0, 0]]);
        code += 1;
    }
    out.fill(0);
}

/// Writes `fields` one behind the other at the start of `out`. Returns what follows them.
fn put<'o>(mut out: &'o mut [u8], fields: &[&[u8]]) -> &'o mut [u8] {
    for field in fields {
        let (place, rest) = out.split_at_mut(field.len());
        place.copy_from_slice(field);
        out = rest;
    }
    out
}

#[cfg(test)]
mod tests;
