//! Accounting for the bytes of the output, section by section. Small sections and those of the
//! linker's own making are read again as they were encoded, so sizes are those of the file.

use std::collections::BTreeMap;
use std::ops::Range;

use wasm_format::dylink::DYLINK_SECTION;
use wasm_format::leb128::len_u32;
use wasm_format::linking::LINKING_SECTION;
use wasm_format::names::{NAME_SECTION, NameSubsectionId};
use wasm_format::reloc::{RELOC_PREFIX, RelocEntry};
use wasm_format::{DecodeError, ExternalKind, MODULE_HEADER, Reader, SectionId};

use super::size_rows::{Rows, SizeRow};
use super::{SizeItem, SizeKind, SizeSection};
use crate::emit::outline::DataHeader;
use crate::emit::{Outline, OutputSection, SectionContents, Sources};
use crate::ids::{FileId, FuncIndex, ObjSegment};
use crate::input::object::is_debug_section;
use crate::plan::{CustomContents, DataSource, SegmentPlace};

/// The owner of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The linker, for the whole output.
    Output,
    /// An object.
    Input(FileId),
    /// A symbol of the report.
    Row(u32),
}

impl From<Option<u32>> for Owner {
    fn from(row: Option<u32>) -> Self {
        row.map_or(Self::Output, Self::Row)
    }
}

/// The sections and what their bytes are.
pub(super) fn account(
    sources: &Sources<'_, '_>,
    outline: &Outline,
    rows: &Rows<'_>,
) -> (Vec<SizeSection>, Vec<SizeItem>) {
    let mut ledger = Ledger {
        sources,
        outline,
        rows,
        items: Vec::new(),
        section: 0,
        left: 0,
        without_owner: BTreeMap::new(),
    };
    let mut sections = Vec::with_capacity(outline.sections.len());
    for (nth, section) in outline.sections.iter().enumerate() {
        let size = section.header.len() as u64 + section.size;
        ledger.section = nth as u32;
        ledger.left = size;
        let name = ledger.account(nth, section);
        ledger.take(SizeKind::Other, Owner::Output, ledger.left);
        ledger.end_section();
        sections.push(SizeSection {
            is_custom: nth > 0 && section.header.first() == Some(&(SectionId::Custom as u8)),
            name,
            offset: section.offset,
            size,
        });
    }
    (sections, ledger.items)
}

struct Ledger<'s, 'l, 'a> {
    sources: &'s Sources<'l, 'a>,
    outline: &'s Outline,
    rows: &'s Rows<'a>,
    items: Vec<SizeItem>,
    /// The section that is accounted for.
    section: u32,
    /// Its bytes without an item.
    left: u64,
    /// Its bytes without an owner.
    without_owner: BTreeMap<SizeKind, u64>,
}

/// What was encoded can be decoded; if not, the rest of a section counts as other bytes.
type Decoded = Result<(), DecodeError>;

impl Ledger<'_, '_, '_> {
    /// Adds an item, or to the last one of the same kind and owner.
    fn take(&mut self, kind: SizeKind, owner: Owner, size: u64) {
        let size = size.min(self.left);
        if size == 0 {
            return;
        }
        self.left -= size;
        let (input, symbol) = match owner {
            Owner::Output => {
                *self.without_owner.entry(kind).or_default() += size;
                return;
            }
            Owner::Input(file) => (Some(file.0), None),
            Owner::Row(row) => {
                let file = self.rows.list[row as usize].file;
                (file.map(|file| file.0), Some(row))
            }
        };
        let item = SizeItem {
            section: self.section,
            kind,
            input,
            symbol,
            size,
        };
        match self.items.last_mut() {
            Some(last) if SizeItem { size, ..*last } == item => last.size += size,
            _ => self.items.push(item),
        }
    }

    /// Adds the items without an owner.
    fn end_section(&mut self) {
        let section = self.section;
        let items = std::mem::take(&mut self.without_owner);
        self.items
            .extend(items.into_iter().map(|(kind, size)| SizeItem {
                section,
                kind,
                input: None,
                symbol: None,
                size,
            }));
    }

    /// Accounts for a section; returns its name.
    fn account(&mut self, nth: usize, section: &OutputSection) -> String {
        if nth == 0 {
            self.take(SizeKind::Header, Owner::Output, MODULE_HEADER.len() as u64);
            return "module header".to_owned();
        }
        let mut reader = Reader::new(&section.header);
        let mut name = String::new();
        if let Ok(id) = self.header(&mut reader, &mut name) {
            // Bytes beyond those that can be decoded stay without a kind.
            let _ = self.contents(section, id, &name, &mut reader);
        }
        name
    }

    /// Id and size, and of a custom section the name.
    fn header(&mut self, reader: &mut Reader<'_>, name: &mut String) -> Result<u8, DecodeError> {
        let id = reader.u8()?;
        reader.u32()?;
        if id == SectionId::Custom as u8 {
            reader.name()?.clone_into(name);
        } else {
            let known = SectionId::from_u8(id);
            *name = known.map_or("", SectionId::name).to_lowercase();
        }
        self.take(SizeKind::Header, Owner::Output, reader.position() as u64);
        Ok(id)
    }

    /// The count of a vector section.
    fn count(&mut self, reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
        let before = reader.position();
        let count = reader.u32()?;
        self.take(
            SizeKind::Header,
            Owner::Output,
            (reader.position() - before) as u64,
        );
        Ok(count)
    }

    fn contents(
        &mut self,
        section: &OutputSection,
        id: u8,
        name: &str,
        reader: &mut Reader<'_>,
    ) -> Decoded {
        match &section.contents {
            SectionContents::Code => {
                self.count(reader)?;
                self.code();
            }
            SectionContents::Data(headers) => {
                self.count(reader)?;
                self.data(headers);
            }
            SectionContents::Custom(nth) => self.custom(*nth as usize),
            SectionContents::Metadata(nth) => {
                self.metadata(&self.sources.plan.metadata[*nth as usize].bytes)?;
            }
            SectionContents::BuildId => self.take(SizeKind::Made, Owner::Output, self.left),
            SectionContents::Bytes(parts) => match SectionId::from_u8(id) {
                Some(SectionId::Custom) => self.made(name, parts)?,
                Some(id) => self.entries(id, reader)?,
                None => {}
            },
        }
        Ok(())
    }

    /// A section of the linker's own making.
    fn made(&mut self, name: &str, parts: &[Vec<u8>]) -> Decoded {
        match name {
            NAME_SECTION => self.names(parts),
            LINKING_SECTION => {
                self.take(SizeKind::Linking, Owner::Output, self.left);
                Ok(())
            }
            _ if name.starts_with(RELOC_PREFIX) => self.relocs(parts),
            _ => {
                debug_assert!(
                    [DYLINK_SECTION, "producers", "target_features"].contains(&name),
                    "{name}"
                );
                self.take(SizeKind::Made, Owner::Output, self.left);
                Ok(())
            }
        }
    }

    /// A section of few bytes, whose entries are in the order of their indices.
    fn entries(&mut self, id: SectionId, reader: &mut Reader<'_>) -> Decoded {
        match id {
            SectionId::Start | SectionId::DataCount => {}
            SectionId::Type => {
                self.count(reader)?;
                self.take(SizeKind::Type, Owner::Output, self.left);
            }
            SectionId::Import => {
                self.count(reader)?;
                self.imports();
            }
            SectionId::Function => {
                let count = self.count(reader)?;
                let mut index = FuncIndex(self.sources.plan.functions.imported);
                for _ in 0..count {
                    let before = reader.position();
                    reader.u32()?;
                    let owner = self.rows.function(index).into();
                    self.entry(owner, before, reader);
                    index.0 += 1;
                }
            }
            SectionId::Table => {
                let first = self.sources.plan.tables.imported;
                self.decoded::<wasmparser::Table<'_>>(reader, |rows, i| rows.table(first + i));
            }
            SectionId::Tag => {
                let first = self.sources.plan.tags.imported;
                self.decoded::<wasmparser::TagType>(reader, |rows, i| rows.tag(first + i));
            }
            SectionId::Global => {
                let first = self.sources.plan.globals.imported;
                self.decoded::<wasmparser::Global<'_>>(reader, |rows, i| rows.global(first + i));
            }
            SectionId::Memory => {
                self.count(reader)?;
            }
            SectionId::Export => {
                for _ in 0..self.count(reader)? {
                    let before = reader.position();
                    reader.byte_vec()?;
                    let (kind, index) = (reader.u8()?, reader.u32()?);
                    let row = match ExternalKind::from_u8(kind) {
                        Some(ExternalKind::Func) => self.rows.function(FuncIndex(index)),
                        Some(ExternalKind::Global) => self.rows.global(index),
                        Some(ExternalKind::Table) => self.rows.table(index),
                        Some(ExternalKind::Tag) => self.rows.tag(index),
                        // The memory has no symbol.
                        _ => None,
                    };
                    self.entry(row.into(), before, reader);
                }
            }
            SectionId::Element => {
                self.count(reader)?;
                // The first segment fills the function table; the functions stand at its end.
                for &function in &self.sources.plan.slots.functions {
                    let owner = self.rows.function(function).into();
                    self.take(SizeKind::Slot, owner, len_u32(function.0) as u64);
                }
            }
            // Custom sections, code and data are written from elsewhere.
            _ => return Ok(()),
        }
        self.take(SizeKind::Entry, Owner::Output, self.left);
        Ok(())
    }

    /// An entry that began at `before`.
    fn entry(&mut self, owner: Owner, before: usize, reader: &Reader<'_>) {
        self.take(SizeKind::Entry, owner, (reader.position() - before) as u64);
    }

    /// Entries of a type that `wasmparser` decodes.
    fn decoded<'b, T: wasmparser::FromReader<'b>>(
        &mut self,
        reader: &Reader<'b>,
        row: impl Fn(&Rows<'_>, u32) -> Option<u32>,
    ) {
        let bytes = wasmparser::BinaryReader::new(reader.rest(), 0);
        let Ok(section) = wasmparser::SectionLimited::<T>::new(bytes) else {
            return;
        };
        let starts: Vec<u64> = (section.into_iter_with_offsets())
            .filter_map(|entry| Some(entry.ok()?.0))
            .collect();
        let Some(&first) = starts.first() else {
            return;
        };
        self.take(SizeKind::Header, Owner::Output, first);
        let end = reader.remaining() as u64;
        let ends = starts.iter().skip(1).copied().chain([end]);
        for (i, (&start, end)) in (0..).zip(starts.iter().zip(ends)) {
            let owner = row(self.rows, i).into();
            self.take(SizeKind::Entry, owner, end - start);
        }
    }

    /// Imports have names, which a group of one module has but once.
    fn imports(&mut self) {
        let mut sizes = Vec::new();
        let mut buffer = Vec::new();
        let compact = self.sources.plan.compact_imports;
        let mut module = None;
        // Whether every import has a type was asked when they were written.
        let _ = self.sources.each_import(|import| {
            buffer.clear();
            import.encode(&mut buffer);
            let of_module = import.module.len() + len_u32(import.module.len() as u32);
            let is_same = module.replace(import.module) == Some(import.module);
            sizes.push((buffer.len(), of_module, is_same));
        });
        let mut rows = self.import_rows();
        let memory = self.sources.options.memory_import().is_some();
        let alone = |nth: usize| {
            let next: Option<&(usize, usize, bool)> = sizes.get(nth + 1);
            !sizes[nth].2 && next.is_none_or(|next| !next.2)
        };
        for (nth, &(size, of_module, _)) in sizes.iter().enumerate() {
            let row = if memory && nth == 0 {
                None
            } else {
                rows.next()
            };
            // What stands before a group stays for the linker.
            let own = if !compact || alone(nth) {
                size
            } else {
                size - of_module
            };
            self.take(SizeKind::Entry, row.into(), own as u64);
        }
    }

    /// The rows of imports, which come first, in the order of the section.
    fn import_rows(&self) -> Range<u32> {
        let imports = self.rows.list.iter().take_while(|row| row.kind.is_import());
        0..imports.count() as u32
    }

    fn code(&mut self) {
        let code = &self.sources.plan.code;
        let first = self.sources.plan.functions.imported;
        for index in (first..first + code.count()).map(FuncIndex) {
            let owner = self.rows.function(index).into();
            let size = code.body_size(index).unwrap_or(0);
            self.take(SizeKind::BodySize, owner, len_u32(size) as u64);
            self.take(SizeKind::Body, owner, size.into());
        }
    }

    fn data(&mut self, headers: &[DataHeader]) {
        let plan = self.sources.plan;
        let mut shares = vec![None; plan.data.merged.len()];
        let mut members = self.string_members();
        for header in headers {
            self.take(
                SizeKind::SegmentHeader,
                Owner::Output,
                header.bytes.len() as u64,
            );
            let mut at = plan.memory.segments[header.segments.start as usize];
            for nth in header.segments.clone() {
                let segment = &plan.data.segments[nth as usize];
                let address = plan.memory.segments[nth as usize];
                for piece in &segment.pieces {
                    let start = address + piece.offset;
                    self.take(SizeKind::Padding, Owner::Output, start.saturating_sub(at));
                    match piece.source {
                        DataSource::Segment(file, id) => {
                            for row in self.rows.segment(file, id) {
                                let len = self.rows.list[row as usize].len;
                                self.take(SizeKind::Data, Owner::Row(row), len);
                            }
                            at = start
                                + self.sources.resolution.object(file).segments[id.index()].size;
                        }
                        DataSource::Strings(merged) => {
                            let strings = &plan.data.merged[merged as usize];
                            let members = std::mem::take(&mut members[merged as usize]);
                            let of =
                                shares[merged as usize].get_or_insert_with(|| strings.shares());
                            for ((file, id), &share) in members.into_iter().zip(&*of) {
                                let row = self.rows.segment(file, id).next();
                                let owner = row.map_or(Owner::Input(file), Owner::Row);
                                self.take(SizeKind::Shared, owner, share);
                            }
                            at = start + strings.size;
                        }
                    }
                }
                let end = address + segment.size;
                self.take(SizeKind::Padding, Owner::Output, end.saturating_sub(at));
                at = end;
            }
        }
    }

    /// The segments that each of the merged strings is made of, in their order.
    fn string_members(&self) -> Vec<Vec<(FileId, ObjSegment)>> {
        let data = &self.sources.plan.data;
        let mut members = vec![Vec::new(); data.merged.len()];
        if members.is_empty() {
            return members;
        }
        for (file, places) in (0..).map(FileId).zip(&data.files) {
            for (id, place) in (0..).map(ObjSegment).zip(places) {
                if let SegmentPlace::Strings { merged, .. } = *place {
                    members[merged as usize].push((file, id));
                }
            }
        }
        members
    }

    /// A section that objects have.
    fn custom(&mut self, nth: usize) {
        let customs = &self.sources.plan.customs;
        let section = &customs.sections[nth];
        let kind = if is_debug_section(section.name) {
            SizeKind::Debug
        } else {
            SizeKind::Custom
        };
        match &section.contents {
            CustomContents::Pieces(pieces) => {
                let mut at = 0;
                for piece in pieces {
                    let object = self.sources.resolution.object(piece.file);
                    let size = object.customs[piece.custom.index()].chunk.bytes.len() as u64;
                    self.take(
                        SizeKind::Padding,
                        Owner::Output,
                        piece.offset.saturating_sub(at),
                    );
                    self.take(kind, Owner::Input(piece.file), size);
                    at = piece.offset + size;
                }
            }
            CustomContents::Strings(strings) => {
                let members = customs.string_members(nth as u32);
                for (file, share) in members.into_iter().zip(strings.shares()) {
                    self.take(SizeKind::Shared, Owner::Input(file), share);
                }
            }
        }
    }

    /// Code metadata, function by function.
    fn metadata(&mut self, bytes: &[u8]) -> Decoded {
        let mut reader = Reader::new(bytes);
        for _ in 0..self.count(&mut reader)? {
            let before = reader.position();
            let index = reader.u32()?;
            for _ in 0..reader.u32()? {
                reader.u32()?;
                reader.byte_vec()?;
            }
            let owner = self.rows.function(FuncIndex(index)).into();
            let size = reader.position() - before;
            self.take(SizeKind::Custom, owner, size as u64);
        }
        Ok(())
    }

    /// The name section. Entries are whole in each part.
    fn names(&mut self, parts: &[Vec<u8>]) -> Decoded {
        let mut subsection = None;
        let mut left = 0;
        for part in parts {
            let mut reader = Reader::new(part);
            while !reader.is_empty() {
                let before = reader.position();
                if left == 0 {
                    subsection = NameSubsectionId::from_u8(reader.u8()?);
                    left = reader.u32()? as usize;
                    let contents = reader.position();
                    if subsection == Some(NameSubsectionId::Module) {
                        reader.bytes(left)?;
                        left = 0;
                        let size = reader.position() - before;
                        self.take(SizeKind::Name, Owner::Output, size as u64);
                        continue;
                    }
                    reader.u32()?;
                    left -= reader.position() - contents;
                    let size = reader.position() - before;
                    self.take(SizeKind::Header, Owner::Output, size as u64);
                } else {
                    let index = reader.u32()?;
                    reader.byte_vec()?;
                    let size = reader.position() - before;
                    left = left.saturating_sub(size);
                    let row = match subsection {
                        Some(NameSubsectionId::Function) => self.rows.function(FuncIndex(index)),
                        Some(NameSubsectionId::Global) => self.rows.global(index),
                        _ => None,
                    };
                    self.take(SizeKind::Name, row.into(), size as u64);
                }
            }
        }
        Ok(())
    }

    /// A relocation section. Entries are whole in each part, and in the order of their offsets.
    fn relocs(&mut self, parts: &[Vec<u8>]) -> Decoded {
        let mut owners = None;
        for part in parts {
            let mut rest: &[u8] = part;
            let owners = if let Some(owners) = &mut owners {
                owners
            } else {
                let mut reader = Reader::new(rest);
                let section = reader.u32()?;
                reader.u32()?;
                self.take(SizeKind::Header, Owner::Output, reader.position() as u64);
                rest = reader.rest();
                owners.insert(self.owners(section))
            };
            while let Some((entry, after)) = RelocEntry::split_first(rest) {
                let size = rest.len() - after.len();
                self.take(SizeKind::Reloc, owners.of(entry.offset.into()), size as u64);
                rest = after;
            }
        }
        self.take(SizeKind::Reloc, Owner::Output, self.left);
        Ok(())
    }

    /// Who has which bytes of a section's contents; `index` counts the output's sections.
    fn owners(&self, index: u32) -> OwnerMap {
        let mut map = OwnerMap::default();
        let plan = self.sources.plan;
        // The module's header is no section.
        let Some(section) = self.outline.sections.get(index as usize + 1) else {
            return map;
        };
        match &section.contents {
            SectionContents::Code => {
                let first = plan.functions.imported;
                for index in (first..first + plan.code.count()).map(FuncIndex) {
                    let end = plan.code.entry_offset(FuncIndex(index.0 + 1));
                    map.push(end, self.rows.function(index).into());
                }
            }
            SectionContents::Data(headers) => {
                let count = len_u32(headers.len() as u32) as u64;
                for header in headers {
                    let contents = count + header.offset + header.bytes.len() as u64;
                    let first = plan.memory.segments[header.segments.start as usize];
                    for nth in header.segments.clone() {
                        let within = plan.memory.segments[nth as usize] - first;
                        for piece in &plan.data.segments[nth as usize].pieces {
                            let start = contents + within + piece.offset;
                            map.push(start, Owner::Output);
                            if let DataSource::Segment(file, id) = piece.source {
                                for row in self.rows.segment(file, id) {
                                    let SizeRow { start: at, len, .. } =
                                        self.rows.list[row as usize];
                                    map.push(start + at + len, Owner::Row(row));
                                }
                            }
                        }
                    }
                }
            }
            SectionContents::Custom(nth) => {
                let section = &plan.customs.sections[*nth as usize];
                if let CustomContents::Pieces(pieces) = &section.contents {
                    let ends = pieces.iter().skip(1).map(|next| next.offset);
                    for (piece, end) in pieces.iter().zip(ends.chain([section.size])) {
                        map.push(end, Owner::Input(piece.file));
                    }
                }
            }
            SectionContents::Metadata(_) | SectionContents::Bytes(_) | SectionContents::BuildId => {
            }
        }
        map
    }
}

/// The owners of consecutive bytes.
#[derive(Debug, Default)]
struct OwnerMap {
    ends: Vec<u64>,
    owners: Vec<Owner>,
    /// The place of the last answer: questions mostly come in order.
    at: usize,
}

impl OwnerMap {
    fn push(&mut self, end: u64, owner: Owner) {
        if self.ends.last().is_none_or(|&last| last < end) {
            self.ends.push(end);
            self.owners.push(owner);
        }
    }

    fn of(&mut self, offset: u64) -> Owner {
        let is_before = |at: usize| self.ends.get(at).is_some_and(|&end| end <= offset);
        if self.at > 0 && !is_before(self.at - 1) {
            self.at = self.ends.partition_point(|&end| end <= offset);
        }
        while is_before(self.at) {
            self.at += 1;
        }
        self.owners.get(self.at).copied().unwrap_or(Owner::Output)
    }
}
