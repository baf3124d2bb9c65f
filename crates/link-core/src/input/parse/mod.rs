//! An object file's bytes become an [`Object`].
//!
//! Two passes: the first frames all sections, the second takes them in the order in which
//! they depend on each other. Everything an [`Object`] vouches for is checked here, and
//! nothing is looked at that a link does not use: not the instructions of a body, not
//! debug info that is stripped.
//!
//! Framing is done here and not by `wasmparser`, which bounds the number of functions,
//! segments and symbols, and the size of a body, at values that real inputs exceed.

mod bodies;
mod entities;
mod linking;
mod metadata;
mod relocs;
mod signatures;
mod targets;
mod unchecked;
mod without_symbols;

use std::sync::Arc;

use wasm_format::linking::LINKING_SECTION;
use wasm_format::names::NAME_SECTION;
use wasm_format::producers::PRODUCERS_SECTION;
use wasm_format::target_features::TARGET_FEATURES_SECTION;
use wasm_format::{MODULE_HEADER, Reader, SectionId};

use self::bodies::{code, data, function_count};
use self::entities::{Imports, exports, globals, memories, tables, tags};
use super::fault::{Fault, Parsed};
use super::keep::LoadedFiles;
use super::object::{
    Chunk, Comdats, CustomSection, Functions, Object, Relocs, Symbols, is_debug_section,
};
use super::own_sections::is_linkers;
use super::section_headers::{InputSection, sections};
use crate::diag::Diagnostic;
use crate::ids::ObjCustom;
use crate::options::Options;

pub(crate) use self::unchecked::Checker;

/// What a link wants of its objects.
#[derive(Debug, Clone, Copy, Default)]
pub struct ParseOptions {
    /// Debug sections and their relocations are not looked at, and are not in the result.
    pub strip_debug: bool,
    /// Relocations of debug info are left to [`CustomSection::unchecked`].
    pub defer_debug: bool,
    /// What [`Object::from_archive`] says.
    pub from_archive: bool,
}

impl ParseOptions {
    /// What a link with these options wants of an object that was named itself.
    pub fn of(options: &Options) -> Self {
        Self {
            strip_debug: options.strip_debug(),
            // Output that is to be linked again has them among its own.
            defer_debug: !options.is_relinkable(),
            from_archive: false,
        }
    }
}

/// As many sections as few objects have.
const USUAL_SECTIONS: usize = 32;

/// Parses an object file (tool-conventions Linking.md).
///
/// `name` is how messages call it. The result borrows `bytes`, and `files` for what the
/// file did not have in canonical form.
///
/// # Errors
/// If the file is no relocatable object, or damaged: the first thing that is wrong, with
/// section and offset.
pub fn parse_object<'a>(
    name: &Arc<str>,
    bytes: &'a [u8],
    options: ParseOptions,
    files: &'a LoadedFiles,
) -> Result<Object<'a>, Diagnostic> {
    parse(name, bytes, options, files).map_err(|fault| fault.into_diagnostic(name))
}

/// The sections of an object, by what they are.
struct Sections<'a> {
    /// All of them: relocations and comdats name sections by their place among all.
    all: Vec<InputSection<'a>>,
    /// Where among `all` the section of each id is.
    by_id: [Option<usize>; SectionId::IN_ORDER.len()],
    linking: Option<usize>,
    names: Option<usize>,
    producers: Option<usize>,
    features: Option<usize>,
}

impl<'a> Sections<'a> {
    fn get(&self, id: SectionId) -> Option<&InputSection<'a>> {
        self.by_id[id.rank()?].map(|index| &self.all[index])
    }

    /// Takes the contents of section `id` apart. No such section is the same as one with
    /// no items.
    fn read<T: Default>(
        &self,
        id: SectionId,
        read: impl FnOnce(Reader<'a>) -> Parsed<T>,
    ) -> Parsed<T> {
        match self.get(id) {
            Some(section) => in_section(section, read),
            None => Ok(T::default()),
        }
    }

    fn read_custom<T: Default>(
        &self,
        index: Option<usize>,
        read: impl FnOnce(Reader<'a>) -> Parsed<T>,
    ) -> Parsed<T> {
        match index {
            Some(index) => in_section(&self.all[index], read),
            None => Ok(T::default()),
        }
    }
}

fn in_section<'a, T>(
    section: &InputSection<'a>,
    read: impl FnOnce(Reader<'a>) -> Parsed<T>,
) -> Parsed<T> {
    read(section.body.clone()).map_err(|fault| fault.in_section(section))
}

fn parse<'a>(
    name: &Arc<str>,
    bytes: &'a [u8],
    options: ParseOptions,
    files: &'a LoadedFiles,
) -> Parsed<Object<'a>> {
    let sections = frame(bytes)?;
    let types = sections.read(SectionId::Type, |body| signatures::types(body, files))?;
    let imports = sections.read(SectionId::Import, |body| Imports::decode(body, &types))?;
    let count = sections.read(SectionId::Function, function_count)?;
    let memory_64 = sections.read(SectionId::Memory, memories)?;
    let tables = sections.read(SectionId::Table, tables)?;
    let tags = sections.read(SectionId::Tag, |body| tags(body, &types))?;
    let globals = sections.read(SectionId::Global, globals)?;
    let mut functions = Functions::default();
    if let Some(code_section) = sections.get(SectionId::Code) {
        let signatures = sections.get(SectionId::Function).map(|s| s.body.clone());
        functions = in_section(code_section, |body| {
            code(body, count, signatures, types.len())
        })?;
    } else if count != 0 {
        let message = format!("there is no CODE section for the {count} functions declared");
        return Err(Fault::new(bytes.len(), message));
    }
    let (segments, passive) = sections.read(SectionId::Data, data)?;
    sections.read(SectionId::DataCount, |mut body| {
        let at = body.offset();
        let count = body.u32()?;
        body.finish("the count")?;
        if count as usize != segments.len() {
            let message = format!("says {count} segments, DATA has {}", segments.len());
            return Err(Fault::new(at, message));
        }
        Ok(())
    })?;
    let (customs, custom_of_section) = customs(&sections, options);

    let mut object = Object {
        name: name.clone(),
        is_64: imports.memory_64.or(memory_64),
        types,
        symbols: Symbols::default(),
        undefined: Vec::new(),
        functions,
        segments,
        commons: Vec::new(),
        customs,
        metadata: Vec::new(),
        globals,
        tables,
        tags,
        init_funcs: Vec::new(),
        start: None,
        elements: Vec::new(),
        left_out: Vec::new(),
        comdats: Comdats::default(),
        features: Vec::new(),
        has_features: sections.features.is_some(),
        producers: &[],
        // Compilers say what they are, or what features their code uses.
        may_have_raw_indices: sections.producers.is_none() && sections.features.is_none(),
        calls_table_0: false,
        from_archive: options.from_archive,
        archive: None,
    };
    sections.read(SectionId::Export, |body| {
        exports(body, &imports, &mut object)
    })?;
    sections.read_custom(sections.linking, |body| {
        linking::linking(
            body,
            &linking::File {
                imports: &imports,
                sections: &sections.all,
                custom_of_section: &custom_of_section,
                passive: &passive,
            },
            &mut object,
        )
    })?;
    let taken = relocs::all(&sections.all, &custom_of_section, options, &mut object)?;
    without_symbols::find(&sections, &imports, &taken, &mut object)?;
    metadata::all(
        &sections.all,
        &custom_of_section,
        imports.functions.len(),
        &mut object,
    )?;
    sections.read_custom(sections.names, |body| {
        entities::names(body, imports.functions.len(), &mut object.functions)
    })?;
    object.producers = sections.read_custom(sections.producers, entities::producers)?;
    object.features = sections.read_custom(sections.features, entities::features)?;
    Ok(object)
}

/// Frames all sections; checks their order and that none stands there twice.
fn frame(bytes: &[u8]) -> Parsed<Sections<'_>> {
    if !bytes.starts_with(&MODULE_HEADER) {
        return Err(Fault::new(
            0,
            "does not begin with the header of a WebAssembly module of version 1",
        ));
    }
    let mut found = Sections {
        all: Vec::with_capacity(USUAL_SECTIONS),
        by_id: [None; SectionId::IN_ORDER.len()],
        linking: None,
        names: None,
        producers: None,
        features: None,
    };
    let mut last_rank = None;
    for section in sections(bytes) {
        let section = section?;
        let index = found.all.len();
        let at = section.body.offset();
        let place = if let Some(rank) = section.id.rank() {
            if last_rank > Some(rank) && found.by_id[rank].is_none() {
                return Err(
                    Fault::new(at, "stands after a section that it must precede")
                        .in_section(&section),
                );
            }
            last_rank = last_rank.max(Some(rank));
            Some(&mut found.by_id[rank])
        } else {
            match section.name {
                LINKING_SECTION => Some(&mut found.linking),
                NAME_SECTION => Some(&mut found.names),
                PRODUCERS_SECTION => Some(&mut found.producers),
                TARGET_FEATURES_SECTION => Some(&mut found.features),
                _ => None,
            }
        };
        if let Some(place) = place {
            if place.is_some() {
                return Err(Fault::new(at, "stands in the file a second time").in_section(&section));
            }
            *place = Some(index);
        }
        found.all.push(section);
    }
    if found.linking.is_none() {
        return Err(Fault::new(
            bytes.len(),
            "not a relocatable wasm file: it has no linking section",
        ));
    }
    Ok(found)
}

/// The custom sections that are carried over, and for every section of the file which of
/// them it is.
fn customs<'a>(
    sections: &Sections<'a>,
    options: ParseOptions,
) -> (Vec<CustomSection<'a>>, Vec<Option<ObjCustom>>) {
    let mut customs = Vec::new();
    let of_section = sections
        .all
        .iter()
        .map(|section| {
            let consumed = section.id != SectionId::Custom
                || is_linkers(section.name)
                || options.strip_debug && is_debug_section(section.name);
            if consumed {
                return None;
            }
            customs.push(CustomSection {
                name: section.name,
                chunk: Chunk {
                    bytes: section.body.rest(),
                    relocs: Relocs::NONE,
                },
                unchecked: None,
                comdat: None,
            });
            Some(ObjCustom(customs.len() as u32 - 1))
        })
        .collect();
    (customs, of_section)
}
