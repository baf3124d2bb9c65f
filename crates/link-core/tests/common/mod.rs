//! What tests make their inputs with: object files, archives, files in memory, and a
//! source of random numbers that is the same on every run.

#![allow(dead_code, unreachable_pub, reason = "no test binary uses all of it")]

pub mod fuzz;
pub mod source;
pub mod vary;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use link_core::link::{FileData, Files};
use wasm_format::leb128::{put_name, put_u32};
use wasm_format::linking::{
    ComdatEntry, DataRef, InitFunc, LINKING_SECTION, LinkingSection, SegmentFlags, SegmentInfo,
    SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::names::{NAME_SECTION, NameSubsectionId, Naming, put_name_map};
use wasm_format::reloc::{RelocEntry, RelocSection, RelocType};
use wasm_format::{
    ConstExpr, DataMode, DataSegment, EntityType, Export, FuncType, Global, Import, Limits,
    MODULE_HEADER, SectionId, Table, put_section, put_tag,
};

/// An object file to be. Every index is an index of the file itself.
#[derive(Clone, Default)]
pub struct ObjectFile {
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'static>>,
    pub functions: Vec<FunctionDef>,
    pub tables: Vec<Table<'static>>,
    pub memories: Vec<Limits>,
    /// By their types.
    pub tags: Vec<u32>,
    pub globals: Vec<Global<'static>>,
    pub exports: Vec<Export<'static>>,
    pub segments: Vec<SegmentDef>,
    pub symbols: Vec<SymbolEntry<'static>>,
    pub init_funcs: Vec<InitFunc>,
    pub comdats: Vec<(&'static str, u32, Vec<ComdatEntry>)>,
    pub customs: Vec<CustomDef>,
    /// Function index and name.
    pub function_names: Vec<(u32, &'static str)>,
}

/// A function: `code` without locals, `end` included.
#[derive(Clone, Default)]
pub struct FunctionDef {
    pub ty: u32,
    pub code: Vec<u8>,
    /// Offsets count from the start of `code`.
    pub relocs: Vec<RelocEntry>,
}

/// A data segment.
#[derive(Clone, Default)]
pub struct SegmentDef {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub align_log2: u32,
    pub flags: SegmentFlags,
    /// Offsets count from the start of `bytes`.
    pub relocs: Vec<RelocEntry>,
}

/// A custom section.
#[derive(Clone, Default)]
pub struct CustomDef {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// Offsets count from the start of `bytes`.
    pub relocs: Vec<RelocEntry>,
}

/// A section as it will stand in the file; a custom section's body begins with its name.
#[derive(Clone, Debug)]
pub struct RawSection {
    pub id: SectionId,
    pub body: Vec<u8>,
}

impl RawSection {
    pub fn custom(name: &str, contents: &[u8]) -> Self {
        let mut body = Vec::new();
        put_name(&mut body, name);
        body.extend_from_slice(contents);
        Self {
            id: SectionId::Custom,
            body,
        }
    }

    /// Whether it is the custom section called `name`.
    pub fn is_custom(&self, name: &str) -> bool {
        let mut prefix = Vec::new();
        put_name(&mut prefix, name);
        self.id == SectionId::Custom && self.body.starts_with(&prefix)
    }
}

/// The file that these sections make.
pub fn assemble(sections: &[RawSection]) -> Vec<u8> {
    let mut file = MODULE_HEADER.to_vec();
    for section in sections {
        put_section(&mut file, section.id, &section.body);
    }
    file
}

impl ObjectFile {
    pub fn build(&self) -> Vec<u8> {
        assemble(&self.sections())
    }

    /// The sections in their order; empty ones are left out, the linking section is not.
    pub fn sections(&self) -> Vec<RawSection> {
        let mut sections = Vec::new();
        let mut vector = |id, count: usize, fill: &dyn Fn(&mut Vec<u8>)| {
            if count != 0 {
                let mut body = Vec::new();
                put_u32(&mut body, count as u32);
                fill(&mut body);
                sections.push(RawSection { id, body });
            }
        };
        vector(SectionId::Type, self.types.len(), &|out| {
            self.types.iter().for_each(|ty| ty.encode(out));
        });
        vector(SectionId::Import, self.imports.len(), &|out| {
            self.imports.iter().for_each(|import| import.encode(out));
        });
        vector(SectionId::Function, self.functions.len(), &|out| {
            self.functions.iter().for_each(|f| put_u32(out, f.ty));
        });
        vector(SectionId::Table, self.tables.len(), &|out| {
            self.tables.iter().for_each(|table| table.encode(out));
        });
        vector(SectionId::Memory, self.memories.len(), &|out| {
            self.memories.iter().for_each(|limits| limits.encode(out));
        });
        vector(SectionId::Tag, self.tags.len(), &|out| {
            self.tags.iter().for_each(|&ty| put_tag(out, ty));
        });
        vector(SectionId::Global, self.globals.len(), &|out| {
            self.globals.iter().for_each(|global| global.encode(out));
        });
        vector(SectionId::Export, self.exports.len(), &|out| {
            self.exports.iter().for_each(|export| export.encode(out));
        });
        if !self.segments.is_empty() {
            let mut body = Vec::new();
            put_u32(&mut body, self.segments.len() as u32);
            sections.push(RawSection {
                id: SectionId::DataCount,
                body,
            });
        }

        let mut relocs = Vec::new();
        let mut code = Vec::new();
        let mut code_relocs = Vec::new();
        put_u32(&mut code, self.functions.len() as u32);
        for function in &self.functions {
            put_u32(&mut code, function.code.len() as u32 + 1);
            code.push(0);
            shift(&function.relocs, code.len(), &mut code_relocs);
            code.extend_from_slice(&function.code);
        }
        if !self.functions.is_empty() {
            relocs.push((sections.len(), "reloc.CODE".to_owned(), code_relocs));
            sections.push(RawSection {
                id: SectionId::Code,
                body: code,
            });
        }

        let mut data = Vec::new();
        let mut data_relocs = Vec::new();
        put_u32(&mut data, self.segments.len() as u32);
        for segment in &self.segments {
            let encoded = DataSegment {
                mode: DataMode::Active {
                    memory: 0,
                    offset: ConstExpr::i32(0),
                },
                bytes: &segment.bytes,
            };
            encoded.encode(&mut data);
            shift(
                &segment.relocs,
                data.len() - segment.bytes.len(),
                &mut data_relocs,
            );
        }
        if !self.segments.is_empty() {
            relocs.push((sections.len(), "reloc.DATA".to_owned(), data_relocs));
            sections.push(RawSection {
                id: SectionId::Data,
                body: data,
            });
        }
        for custom in &self.customs {
            let name = format!("reloc.{}", custom.name);
            relocs.push((sections.len(), name, custom.relocs.clone()));
            sections.push(RawSection::custom(custom.name, &custom.bytes));
        }

        sections.push(RawSection::custom(LINKING_SECTION, &self.linking()));
        for (target, name, entries) in relocs {
            if !entries.is_empty() {
                let mut contents = Vec::new();
                RelocSection::encode(target as u32, &entries, &mut contents);
                sections.push(RawSection::custom(&name, &contents));
            }
        }
        if !self.function_names.is_empty() {
            let mut contents = Vec::new();
            let namings = self.function_names.iter();
            put_name_map(
                &mut contents,
                NameSubsectionId::Function,
                namings.map(|&(index, name)| Naming { index, name }),
            );
            sections.push(RawSection::custom(NAME_SECTION, &contents));
        }
        sections
    }

    fn linking(&self) -> Vec<u8> {
        let segments: Vec<_> = self
            .segments
            .iter()
            .map(|segment| SegmentInfo {
                name: segment.name,
                align_log2: segment.align_log2,
                flags: segment.flags,
            })
            .collect();
        let comdats: Vec<_> = self
            .comdats
            .iter()
            .map(|(name, flags, entries)| (*name, *flags, &entries[..]))
            .collect();
        let mut contents = Vec::new();
        LinkingSection {
            segments: &segments,
            init_funcs: &self.init_funcs,
            comdats: &comdats,
            symbols: &self.symbols,
        }
        .encode(&mut contents);
        contents
    }
}

fn shift(relocs: &[RelocEntry], by: usize, into: &mut Vec<RelocEntry>) {
    into.extend(relocs.iter().map(|reloc| RelocEntry {
        offset: reloc.offset + by as u32,
        ..*reloc
    }));
}

/// A relocation without addend.
pub fn reloc(ty: RelocType, offset: u32, index: u32) -> RelocEntry {
    RelocEntry {
        ty,
        offset,
        index,
        addend: 0,
    }
}

/// A symbol with its own name.
pub fn symbol(name: &'static str, target: SymbolTarget) -> SymbolEntry<'static> {
    SymbolEntry {
        flags: SymbolFlags::NONE,
        name: Some(name),
        target,
    }
}

/// An undefined symbol, named by its import.
pub fn undefined(target: SymbolTarget) -> SymbolEntry<'static> {
    SymbolEntry {
        flags: SymbolFlags::UNDEFINED,
        name: None,
        target,
    }
}

/// A data symbol at `offset` of `segment`.
pub fn data_symbol(
    name: &'static str,
    segment: u32,
    offset: u64,
    size: u64,
) -> SymbolEntry<'static> {
    symbol(
        name,
        SymbolTarget::Data(Some(DataRef {
            segment,
            offset,
            size,
        })),
    )
}

/// An import of the module `env`.
pub fn import(field: &'static str, ty: EntityType) -> Import<'static> {
    Import {
        module: "env",
        field,
        ty,
    }
}

/// `call` of the function with symbol `index`, and its relocation, at `offset` of a code.
pub fn call(offset: u32, index: u32) -> ([u8; 6], RelocEntry) {
    let code = [0x10, 0x80, 0x80, 0x80, 0x80, 0x00];
    (code, reloc(RelocType::FunctionIndexLeb, offset + 1, index))
}

/// An object that defines the function `name`, which returns nothing.
pub fn defines(name: &'static str) -> ObjectFile {
    ObjectFile {
        types: vec![FuncType::default()],
        functions: vec![FunctionDef {
            ty: 0,
            code: vec![0x0b],
            relocs: vec![],
        }],
        symbols: vec![symbol(name, SymbolTarget::Function(0))],
        ..ObjectFile::default()
    }
}

/// Which tool an archive is made like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveForm {
    Gnu,
    /// With 64-bit offsets in the index.
    Gnu64,
    Bsd,
    /// Members are paths.
    Thin,
}

/// An archive of `members`: name and contents. `index` lists symbols by the place of
/// their members among these; without entries there is none.
pub fn archive(form: ArchiveForm, members: &[(&str, &[u8])], index: &[(usize, &str)]) -> Vec<u8> {
    let magic: &[u8] = if form == ArchiveForm::Thin {
        b"!<thin>\n"
    } else {
        b"!<arch>\n"
    };
    let mut long_names = String::new();
    for (name, _) in members {
        long_names.push_str(name);
        long_names.push_str("/\n");
    }
    // Offsets in the index depend on its size, not on its values: made twice.
    let mut headers = vec![0; members.len()];
    for last in [false, true] {
        let mut out = magic.to_vec();
        if !index.is_empty() {
            let (name, contents) = archive_index(form, index, &headers);
            put_member(&mut out, &name, &contents);
        }
        if form != ArchiveForm::Bsd && !members.is_empty() {
            put_member(&mut out, "//", long_names.as_bytes());
        }
        let mut long_name = 0;
        for (place, (name, contents)) in members.iter().enumerate() {
            headers[place] = out.len();
            match form {
                ArchiveForm::Bsd => {
                    let named = [name.as_bytes(), contents].concat();
                    put_member(&mut out, &format!("#1/{}", name.len()), &named);
                }
                ArchiveForm::Thin => put_header(&mut out, &format!("/{long_name}"), contents.len()),
                ArchiveForm::Gnu | ArchiveForm::Gnu64 => {
                    put_member(&mut out, &format!("/{long_name}"), contents);
                }
            }
            long_name += name.len() + 2;
        }
        if last {
            return out;
        }
    }
    unreachable!("the second round returns");
}

fn archive_index(
    form: ArchiveForm,
    index: &[(usize, &str)],
    headers: &[usize],
) -> (String, Vec<u8>) {
    let mut names = Vec::new();
    let mut contents = Vec::new();
    let mut entries = Vec::new();
    for (member, name) in index {
        let header = headers[*member];
        match form {
            ArchiveForm::Gnu64 => entries.extend((header as u64).to_be_bytes()),
            ArchiveForm::Gnu | ArchiveForm::Thin => entries.extend((header as u32).to_be_bytes()),
            ArchiveForm::Bsd => {
                entries.extend((names.len() as u32).to_le_bytes());
                entries.extend((header as u32).to_le_bytes());
            }
        }
        names.extend(name.as_bytes());
        names.push(0);
    }
    let name = match form {
        ArchiveForm::Gnu | ArchiveForm::Thin => {
            contents.extend((index.len() as u32).to_be_bytes());
            "/"
        }
        ArchiveForm::Gnu64 => {
            contents.extend((index.len() as u64).to_be_bytes());
            "/SYM64/"
        }
        ArchiveForm::Bsd => {
            contents.extend((entries.len() as u32).to_le_bytes());
            entries.extend((names.len() as u32).to_le_bytes());
            "__.SYMDEF"
        }
    };
    contents.extend(entries);
    contents.extend(names);
    (name.to_owned(), contents)
}

fn put_member(out: &mut Vec<u8>, name: &str, contents: &[u8]) {
    put_header(out, name, contents.len());
    out.extend_from_slice(contents);
    if out.len() % 2 == 1 {
        out.push(b'\n');
    }
}

fn put_header(out: &mut Vec<u8>, name: &str, size: usize) {
    out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).bytes());
}

/// Files that are nowhere but here.
#[derive(Default)]
pub struct MemoryFiles(pub BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    pub fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), bytes.into());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<FileData> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(FileData::new(bytes.clone()))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

/// Random numbers (splitmix64), the same on every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Damages `bytes` in one to four places, the way damage happens or an attacker would
/// want it: bits, bytes, numbers grown, pieces cut out, doubled or exchanged.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        let len = 1 + random.below(16.min(bytes.len() - at));
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            3 => {
                bytes.splice(at..at + len, []);
            }
            4 => {
                let piece = bytes[at..at + len].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => bytes[at..at + len].fill(0xff),
            6 => bytes.truncate(at),
            _ => {
                // A LEB128 of five bytes that is as large as can be.
                let end = (at + 5).min(bytes.len());
                let large = [0xff, 0xff, 0xff, 0xff, 0x0f];
                bytes[at..end].copy_from_slice(&large[..end - at]);
            }
        }
    }
}
