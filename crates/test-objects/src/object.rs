//! Object files by numbers.

use std::ops::Range;

use wasm_format::leb128::{len_u32, put_name, put_u32};
use wasm_format::linking::{
    ComdatEntry, DataRef, InitFunc, LINKING_SECTION, LinkingSection, SegmentFlags, SegmentInfo,
    SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::names::{NAME_SECTION, NameSubsectionId, Naming, put_name_map};
use wasm_format::producers::{PRODUCERS_SECTION, ProducerValue, put_producers};
use wasm_format::reloc::{RelocEntry, RelocSection, RelocType};
use wasm_format::target_features::{TARGET_FEATURES_SECTION, TargetFeature, put_target_features};
use wasm_format::{
    ConstExpr, DataMode, DataSegment, EntityType, Export, FuncType, Global, Import, Limits,
    MODULE_HEADER, SectionId, Table, ValType, put_function_body, put_locals, put_section, put_tag,
};

/// An object file to be. Every index is an index of the file itself, and nothing is checked.
#[derive(Clone, Debug, Default)]
pub struct ObjectFile<'a> {
    /// The addresses of data segments have 64 bits.
    pub is_64: bool,
    /// Function types.
    pub types: Vec<FuncType>,
    /// Imports, which come first in every index space.
    pub imports: Vec<Import<'a>>,
    /// Functions that are defined.
    pub functions: Vec<FunctionDef>,
    /// Tables that are defined.
    pub tables: Vec<Table<'a>>,
    /// Memories that are defined.
    pub memories: Vec<Limits>,
    /// Tags that are defined, by their types.
    pub tags: Vec<u32>,
    /// Globals that are defined.
    pub globals: Vec<Global<'a>>,
    /// Exports.
    pub exports: Vec<Export<'a>>,
    /// Data segments.
    pub segments: Vec<SegmentDef<'a>>,
    /// Has the sections of data segments even if there is no segment.
    pub empty_data: bool,
    /// Custom sections, which follow the data section.
    pub customs: Vec<CustomDef<'a>>,
    /// The symbol table.
    pub symbols: Vec<SymbolEntry<'a>>,
    /// Functions that run at the start.
    pub init_funcs: Vec<InitFunc>,
    /// Comdats: name, flags, members.
    pub comdats: Vec<(&'a str, u32, Vec<ComdatEntry>)>,
    /// Function indices and names of the section `name`, if there is one.
    pub function_names: Option<Vec<(u32, &'a str)>>,
    /// Fields of the section `producers` and the value of each.
    pub producers: Vec<(&'a str, ProducerValue<'a>)>,
    /// The section `target_features`.
    pub features: Vec<TargetFeature<'a>>,
}

/// A function that is defined.
#[derive(Clone, Debug, Default)]
pub struct FunctionDef {
    /// The index of its type.
    pub ty: u32,
    /// Its locals, parameters not among them: runs of a count and a type.
    pub locals: Vec<(u32, ValType)>,
    /// Its instructions, `end` included.
    pub code: Vec<u8>,
    /// Offsets count from the start of `code`.
    pub relocs: Vec<RelocEntry>,
}

/// A data segment.
#[derive(Clone, Debug, Default)]
pub struct SegmentDef<'a> {
    /// Its name, such as `.rodata.text`.
    pub name: &'a str,
    /// Its address in the object's memory, which no linker reads.
    pub address: u64,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Its alignment is `1 << align_log2` bytes.
    pub align_log2: u32,
    /// Its flags.
    pub flags: SegmentFlags,
    /// Offsets count from the start of `bytes`.
    pub relocs: Vec<RelocEntry>,
}

/// A custom section.
#[derive(Clone, Debug, Default)]
pub struct CustomDef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its contents, without the name.
    pub bytes: Vec<u8>,
    /// Offsets count from the start of `bytes`.
    pub relocs: Vec<RelocEntry>,
}

/// A section as it will stand in the file; a custom section's body begins with its name.
#[derive(Clone, Debug)]
pub struct RawSection {
    /// Its id.
    pub id: SectionId,
    /// Its contents.
    pub body: Vec<u8>,
}

impl RawSection {
    /// The custom section with this name and these contents.
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

/// Where the bodies of functions lie in the code section that has these functions: from the
/// start of the section's contents, the size before each body not included.
pub fn body_extents(functions: &[FunctionDef]) -> Vec<Range<u32>> {
    let mut at = len_u32(functions.len() as u32) as u32;
    let mut locals = Vec::new();
    functions
        .iter()
        .map(|function| {
            locals.clear();
            put_locals(&mut locals, &function.locals);
            let len = (locals.len() + function.code.len()) as u32;
            let start = at + len_u32(len) as u32;
            at = start + len;
            start..at
        })
        .collect()
}

/// A relocation section to be: the index of the section it patches, its name, its entries.
type Relocs = (usize, String, Vec<RelocEntry>);

impl ObjectFile<'_> {
    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        assemble(&self.sections())
    }

    /// The index of the first custom section among the file's sections.
    pub fn first_custom(&self) -> u32 {
        let (functions, data) = (!self.functions.is_empty(), self.has_data());
        [
            !self.types.is_empty(),
            !self.imports.is_empty(),
            functions,
            !self.tables.is_empty(),
            !self.memories.is_empty(),
            !self.tags.is_empty(),
            !self.globals.is_empty(),
            !self.exports.is_empty(),
            data,
            functions,
            data,
        ]
        .into_iter()
        .map(u32::from)
        .sum()
    }

    fn has_data(&self) -> bool {
        self.empty_data || !self.segments.is_empty()
    }

    /// The sections in their order; empty ones are left out, the linking section is not.
    pub fn sections(&self) -> Vec<RawSection> {
        let mut sections = self.declarations();
        let mut relocs = Vec::new();
        if !self.functions.is_empty() {
            let (body, entries) = self.code();
            relocs.push((sections.len(), "reloc.CODE".to_owned(), entries));
            let id = SectionId::Code;
            sections.push(RawSection { id, body });
        }
        if self.has_data() {
            let (body, entries) = self.data();
            relocs.push((sections.len(), "reloc.DATA".to_owned(), entries));
            let id = SectionId::Data;
            sections.push(RawSection { id, body });
        }
        debug_assert_eq!(sections.len(), self.first_custom() as usize);
        for custom in &self.customs {
            let name = format!("reloc.{}", custom.name);
            relocs.push((sections.len(), name, custom.relocs.clone()));
            sections.push(RawSection::custom(custom.name, &custom.bytes));
        }
        sections.push(RawSection::custom(LINKING_SECTION, &self.linking()));
        put_relocs(&relocs, &mut sections);
        self.put_metadata(&mut sections);
        sections
    }

    /// Every section before the code.
    fn declarations(&self) -> Vec<RawSection> {
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
        if self.has_data() {
            let mut body = Vec::new();
            put_u32(&mut body, self.segments.len() as u32);
            sections.push(RawSection {
                id: SectionId::DataCount,
                body,
            });
        }
        sections
    }

    fn code(&self) -> (Vec<u8>, Vec<RelocEntry>) {
        let (mut code, mut relocs) = (Vec::new(), Vec::new());
        put_u32(&mut code, self.functions.len() as u32);
        for function in &self.functions {
            put_function_body(&mut code, &function.locals, &function.code);
            let start = code.len() - function.code.len();
            shift(&function.relocs, start, &mut relocs);
        }
        (code, relocs)
    }

    fn data(&self) -> (Vec<u8>, Vec<RelocEntry>) {
        let (mut data, mut relocs) = (Vec::new(), Vec::new());
        put_u32(&mut data, self.segments.len() as u32);
        for segment in &self.segments {
            DataSegment {
                mode: DataMode::Active {
                    memory: 0,
                    offset: ConstExpr::address(segment.address, self.is_64),
                },
                bytes: &segment.bytes,
            }
            .encode(&mut data);
            let start = data.len() - segment.bytes.len();
            shift(&segment.relocs, start, &mut relocs);
        }
        (data, relocs)
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

    /// Appends the sections that describe the module.
    fn put_metadata(&self, sections: &mut Vec<RawSection>) {
        if let Some(names) = &self.function_names {
            let mut contents = Vec::new();
            put_name_map(
                &mut contents,
                NameSubsectionId::Function,
                names.iter().map(|&(index, name)| Naming { index, name }),
            );
            sections.push(RawSection::custom(NAME_SECTION, &contents));
        }
        if !self.producers.is_empty() {
            let fields: Vec<(&str, &[ProducerValue<'_>])> = self
                .producers
                .iter()
                .map(|(field, value)| (*field, std::slice::from_ref(value)))
                .collect();
            let mut contents = Vec::new();
            put_producers(&mut contents, &fields);
            sections.push(RawSection::custom(PRODUCERS_SECTION, &contents));
        }
        if !self.features.is_empty() {
            let mut contents = Vec::new();
            put_target_features(&mut contents, &self.features);
            sections.push(RawSection::custom(TARGET_FEATURES_SECTION, &contents));
        }
    }
}

/// Appends the relocation sections that have an entry.
fn put_relocs(relocs: &[Relocs], sections: &mut Vec<RawSection>) {
    for (target, name, entries) in relocs {
        if !entries.is_empty() {
            let mut contents = Vec::new();
            RelocSection::encode(*target as u32, entries, &mut contents);
            sections.push(RawSection::custom(name, &contents));
        }
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
pub fn symbol(name: &str, target: SymbolTarget) -> SymbolEntry<'_> {
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
pub fn data_symbol(name: &str, segment: u32, offset: u64, size: u64) -> SymbolEntry<'_> {
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
pub fn import(field: &str, ty: EntityType) -> Import<'_> {
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
pub fn defines(name: &str) -> ObjectFile<'_> {
    ObjectFile {
        types: vec![FuncType::default()],
        functions: vec![FunctionDef {
            code: vec![0x0b],
            ..FunctionDef::default()
        }],
        symbols: vec![symbol(name, SymbolTarget::Function(0))],
        ..ObjectFile::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_those_of_the_bodies() {
        let mut object = defines("f");
        object.functions.push(FunctionDef {
            locals: vec![(2, ValType::I32)],
            code: [vec![0x01; 200], vec![0x0b]].concat(),
            ..FunctionDef::default()
        });
        let sections = object.sections();
        let code = sections
            .iter()
            .find(|section| section.id == SectionId::Code);
        let code = &code.expect("there are functions").body;
        let bodies = body_extents(&object.functions)
            .into_iter()
            .map(|extent| &code[extent.start as usize..extent.end as usize]);
        let locals = [&[0][..], &[1, 2, 0x7f]];
        let expected: Vec<_> = locals
            .iter()
            .zip(&object.functions)
            .map(|(locals, function)| [locals, &function.code[..]].concat())
            .collect();
        assert!(bodies.eq(expected.iter().map(Vec::as_slice)));
    }
}
