//! Debug sections (DWARF 4) with the relocations in them.

use std::collections::HashMap;

use wasm_format::leb128::{put_i32, put_u32};
use wasm_format::reloc::{RelocEntry, RelocType};

use crate::object::CustomDef;

/// A debug section while it grows. Numbers are little-endian.
#[derive(Clone, Debug, Default)]
pub struct DebugSection {
    bytes: Vec<u8>,
    relocs: Vec<RelocEntry>,
}

/// A number of four bytes that is not known yet: a place in a section, or a length.
#[derive(Clone, Copy, Debug)]
pub struct Later(usize);

impl DebugSection {
    /// A section with these bytes and no relocations.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            relocs: Vec::new(),
        }
    }

    /// The custom section called `name`.
    pub fn named(self, name: &str) -> CustomDef<'_> {
        CustomDef {
            name,
            bytes: self.bytes,
            relocs: self.relocs,
        }
    }

    /// Where the next byte goes.
    pub fn at(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Appends bytes.
    pub fn bytes(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    /// Appends a text and the zero byte that ends it.
    pub fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    /// Appends a byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Appends four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Appends an unsigned LEB128.
    pub fn uleb(&mut self, value: u32) {
        put_u32(&mut self.bytes, value);
    }

    /// Appends a signed LEB128.
    pub fn sleb(&mut self, value: i32) {
        put_i32(&mut self.bytes, value);
    }

    /// Appends an expression (DWARF 4, 2.5): its length, one byte, and what `write` appends.
    pub fn expression(&mut self, write: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.bytes.push(0);
        write(self);
        self.bytes[at] = (self.bytes.len() - at - 1) as u8;
    }

    /// Appends four bytes to be set with [`set`](Self::set).
    pub fn later(&mut self) -> Later {
        let at = self.bytes.len();
        self.u32(0);
        Later(at)
    }

    /// Sets what [`later`](Self::later) left open.
    pub fn set(&mut self, place: Later, value: u32) {
        self.bytes[place.0..place.0 + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Sets what [`later`](Self::later) left open to the number of bytes that follow it.
    pub fn set_length(&mut self, place: Later) {
        self.set(place, (self.bytes.len() - place.0 - 4) as u32);
    }

    /// Appends four bytes that a linker patches with what the relocation stands for. `value` is
    /// what they hold in the object.
    pub fn reloc(&mut self, ty: RelocType, symbol: u32, addend: i64, value: u32) {
        self.relocs.push(RelocEntry {
            ty,
            offset: self.at(),
            index: symbol,
            addend,
        });
        self.u32(value);
    }

    /// Appends the address of a function's code plus `addend`. `offset` is where the code lies in
    /// the object's code section.
    pub fn code_address(&mut self, function: u32, offset: u32, addend: u32) {
        let ty = RelocType::FunctionOffsetI32;
        self.reloc(ty, function, addend.into(), offset + addend);
    }

    /// Appends an offset in the section with the symbol `section`.
    pub fn section_offset(&mut self, section: u32, offset: u32) {
        let ty = RelocType::SectionOffsetI32;
        self.reloc(ty, section, offset.into(), offset);
    }
}

/// An abbreviation (DWARF 4, 7.5.3).
#[derive(Clone, Copy, Debug)]
pub struct Abbreviation<'a> {
    /// What `.debug_info` refers to it by; not 0.
    pub code: u32,
    /// `DW_TAG_*`
    pub tag: u32,
    /// Whether entries have children.
    pub has_children: bool,
    /// `DW_AT_*` and `DW_FORM_*`
    pub attributes: &'a [(u32, u32)],
}

/// `.debug_abbrev`
pub fn abbreviations(list: &[Abbreviation<'_>]) -> DebugSection {
    let mut out = DebugSection::default();
    for abbreviation in list {
        out.uleb(abbreviation.code);
        out.uleb(abbreviation.tag);
        out.u8(abbreviation.has_children.into());
        for (attribute, form) in abbreviation.attributes {
            out.uleb(*attribute);
            out.uleb(*form);
        }
        out.bytes([0, 0]);
    }
    out.u8(0);
    out
}

/// `.debug_str` while it grows: every text once.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    section: DebugSection,
    offsets: HashMap<String, u32>,
}

impl Strings {
    /// Where the text is.
    pub fn offset(&mut self, text: &str) -> u32 {
        if let Some(offset) = self.offsets.get(text) {
            return *offset;
        }
        let offset = self.section.at();
        self.section.text(text);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }

    /// The section.
    pub fn finish(self) -> DebugSection {
        self.section
    }
}

/// `.debug_line` while it grows: one sequence for each function (DWARF 4, 6.2).
#[derive(Clone, Debug)]
pub struct LineTable {
    section: DebugSection,
    length: Later,
}

impl LineTable {
    const LINE_BASE: i8 = -5;
    const LINE_RANGE: u8 = 14;
    const OPCODE_BASE: u8 = 13;
    /// `DW_LNS_*`
    const COPY: u8 = 1;
    const ADVANCE_PC: u8 = 2;
    const ADVANCE_LINE: u8 = 3;
    const SET_FILE: u8 = 4;
    const SET_COLUMN: u8 = 5;

    /// A table without sequences. Each of `files` has its directory, counted from 1.
    pub fn new(directories: &[&str], files: &[(&str, u8)]) -> Self {
        let mut section = DebugSection::default();
        let length = section.later();
        section.u16(4);
        let header = section.later();
        // The shortest instruction, instructions at a time, rows are statements.
        section.bytes([1, 1, 1]);
        section.bytes([Self::LINE_BASE as u8, Self::LINE_RANGE, Self::OPCODE_BASE]);
        // How many operands the standard opcodes have.
        section.bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
        for directory in directories {
            section.text(directory);
        }
        section.u8(0);
        for (file, directory) in files {
            section.text(file);
            section.bytes([*directory, 0, 0]);
        }
        section.u8(0);
        section.set_length(header);
        Self { section, length }
    }

    /// Begins the sequence of a function with a row for its first byte, in a file counted from 1,
    /// so many lines behind its first line. `offset` is where the code lies in the object's code
    /// section.
    pub fn begin(&mut self, file: u32, function: u32, offset: u32, lines: i32) {
        self.section.u8(Self::SET_FILE);
        self.section.uleb(file);
        self.section.bytes([0, 5, 2]); // DW_LNE_set_address
        self.section.code_address(function, offset, 0);
        self.section.u8(Self::ADVANCE_LINE);
        self.section.sleb(lines);
        self.section.u8(Self::COPY);
    }

    /// Sets the column of the rows that follow.
    pub fn column(&mut self, column: u8) {
        self.section.bytes([Self::SET_COLUMN, column]);
    }

    /// A row, so many lines and bytes of code behind the one before: at most 8 and 16.
    pub fn row(&mut self, lines: u8, bytes: u8) {
        let lines = lines + Self::LINE_BASE.unsigned_abs();
        self.section
            .u8(Self::OPCODE_BASE + lines + Self::LINE_RANGE * bytes);
    }

    /// Ends the sequence so many bytes of code behind the last row.
    pub fn end(&mut self, bytes: u32) {
        self.section.u8(Self::ADVANCE_PC);
        self.section.uleb(bytes);
        self.section.bytes([0, 1, 1]); // DW_LNE_end_sequence
    }

    /// The section.
    pub fn finish(mut self) -> DebugSection {
        self.section.set_length(self.length);
        self.section
    }
}
