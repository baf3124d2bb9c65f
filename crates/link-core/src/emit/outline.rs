//! The outline of the output file: its sections in order, each with its offset, its size,
//! and its bytes or the part of the plan that it is written from.

use std::ops::Range;

use wasm_format::build_id::{BUILD_ID_SECTION, put_build_id};
use wasm_format::dylink::DYLINK_SECTION;
use wasm_format::leb128::{FIXED32, decode_u32, len_u32, put_u32_fixed};
use wasm_format::names::NAME_SECTION;
use wasm_format::producers::PRODUCERS_SECTION;
use wasm_format::target_features::{
    FeaturePrefix, TARGET_FEATURES_SECTION, TargetFeature, put_target_features,
};
use wasm_format::{
    ConstExpr, DataMode, MODULE_HEADER, SectionId, put_custom_section_header,
    put_data_count_section, put_start_section, put_vector_section_header,
};

use super::entries::Sources;
use super::section_buffer::SectionBuffer;
use super::{dylink, name_section, producers, relinkable};
use crate::diag::{Code, Diagnostic};
use crate::ids::FuncIndex;
use crate::options::{BuildId, Options, Unresolved};
use crate::pass::features::Features;
use crate::pass::synthesize::TableUse;
use crate::plan::customs::survives_strip_all;
use crate::plan::{Plan, segments};
use crate::resolve::resolution::Resolution;
use crate::room::{Growing, GrowingNames, GrowingTable, put_wide, room_behind};

/// A part of the output, which begins where the one before it ends.
#[derive(Debug)]
pub struct OutputSection {
    /// Where it begins, in bytes from the start of the output.
    pub offset: u64,
    /// Its first bytes: the section's header, and of a vector section the count.
    pub header: Vec<u8>,
    /// What follows them.
    pub contents: SectionContents,
    /// Size of the contents, in bytes.
    pub size: u64,
}

impl OutputSection {
    /// Where the contents begin, in bytes from the start of the output.
    pub fn contents_offset(&self) -> u64 {
        self.offset + self.header.len() as u64
    }
}

/// What a section is written from.
#[derive(Debug)]
pub enum SectionContents {
    /// Bytes in parts, one behind the other.
    Bytes(Vec<Vec<u8>>),
    /// The functions of [`Plan::code`], without their count.
    Code,
    /// The data segments that are in the file, each with what stands before its bytes.
    Data(Vec<DataHeader>),
    /// A custom section of [`Plan::customs`], by its place there.
    Custom(u32),
    /// A section of [`Plan::metadata`], by its place there.
    Metadata(u32),
    /// The build id's bytes, which are known only when everything else is written.
    BuildId,
}

/// What stands before the bytes of a data segment in the file.
#[derive(Debug)]
pub struct DataHeader {
    /// The segments that become this one, by their places in `Data::segments`.
    pub segments: Range<u32>,
    /// Where it begins, in bytes from behind the count of segments.
    pub offset: u64,
    /// Mode, offset expression, and length.
    pub bytes: Vec<u8>,
}

/// The sections of the output file. With it, every offset is known before a byte is written.
#[derive(Debug)]
pub struct Outline {
    /// All sections, in the order of the file; the first is the module's header.
    pub sections: Vec<OutputSection>,
    /// Size of the output, in bytes.
    pub size: u64,
    /// Where things can be added, if room was left for them.
    pub(crate) room: Option<OutputRoom>,
}

/// What can be added to an output with room. Places are bytes from the start of the output.
#[derive(Debug)]
pub(crate) struct OutputRoom {
    pub(crate) types: Growing,
    /// Functions, by the indices of their types.
    pub(crate) functions: Growing,
    /// Bytes of the index of a type there.
    pub(crate) type_width: usize,
    /// The indirect function table and its elements, if the output defines it.
    pub(crate) table: Option<(GrowingTable, Growing)>,
    pub(crate) names: Option<GrowingNames>,
}

/// Collects the sections and tells where each goes.
#[derive(Default)]
struct Outliner {
    sections: Vec<OutputSection>,
    at: u64,
    errors: Vec<Diagnostic>,
}

impl Outliner {
    /// A vector section with room for more entries.
    fn roomy_entries(
        &mut self,
        id: SectionId,
        fill: impl FnOnce(&mut SectionBuffer<'_>) -> Result<(), Diagnostic>,
    ) -> Option<Growing> {
        let mut entries = Vec::new();
        let mut section = SectionBuffer::new(&mut entries);
        if let Err(error) = fill(&mut section) {
            self.errors.push(error);
            return None;
        }
        let count = section.entry_count();
        let mut out = Vec::new();
        let room = room_behind(entries.len(), 16, 128);
        let growing = Growing::put(&mut out, id, count, &entries, room);
        let growing = growing.moved(self.at as usize);
        self.bytes(out);
        Some(growing)
    }

    fn push(&mut self, header: Vec<u8>, contents: SectionContents, size: u64) {
        let offset = self.at;
        self.at += header.len() as u64 + size;
        self.sections.push(OutputSection {
            offset,
            header,
            contents,
            size,
        });
    }

    /// Bytes as they are.
    fn bytes(&mut self, header: Vec<u8>) {
        self.push(header, SectionContents::Bytes(Vec::new()), 0);
    }

    /// A vector section of few entries; left out if it has none.
    fn entries(&mut self, id: SectionId, fill: impl FnOnce(&mut SectionBuffer<'_>)) {
        self.try_entries(id, |section| {
            fill(section);
            Ok(())
        });
    }

    /// The same of entries that may be impossible to write.
    fn try_entries(
        &mut self,
        id: SectionId,
        fill: impl FnOnce(&mut SectionBuffer<'_>) -> Result<(), Diagnostic>,
    ) {
        let mut out = Vec::new();
        let mut section = SectionBuffer::new(&mut out);
        match fill(&mut section) {
            Ok(()) => {
                if section.finish(id).is_some() {
                    self.bytes(out);
                }
            }
            Err(error) => self.errors.push(error),
        }
    }

    /// A vector section that is written from elsewhere. `size` counts the entries' bytes.
    fn vector(&mut self, id: SectionId, count: u32, size: u64, contents: SectionContents) {
        self.check_size(id, size + len_u32(count) as u64);
        let mut header = Vec::new();
        put_vector_section_header(&mut header, id, count, size as usize);
        self.push(header, contents, size);
    }

    /// The code section, of which the number of functions may change.
    fn roomy_code(&mut self, count: u32, size: u64) {
        let body = size + FIXED32 as u64;
        self.check_size(SectionId::Code, body);
        let mut header = vec![SectionId::Code as u8];
        put_u32_fixed(&mut header, body as u32);
        put_u32_fixed(&mut header, count);
        self.push(header, SectionContents::Code, size);
    }

    /// Reports a section whose size does not fit its header.
    fn check_size(&mut self, id: SectionId, body: u64) {
        if u32::try_from(body).is_err() {
            self.errors.push(Diagnostic::error(
                Code::Layout,
                format!(
                    "the {} section has {body} bytes, more than a module can hold",
                    id.name()
                ),
            ));
        }
    }

    fn custom(&mut self, name: &str, contents: SectionContents, size: u64) {
        if u32::try_from(size + name.len() as u64 + 5).is_err() {
            self.errors.push(Diagnostic::error(
                Code::Layout,
                format!("custom section {name} has {size} bytes, more than a module can hold"),
            ));
        }
        let mut header = Vec::new();
        put_custom_section_header(&mut header, name, size as usize);
        self.push(header, contents, size);
    }

    /// A custom section of known bytes; left out if there are none.
    fn custom_bytes(&mut self, name: &str, parts: Vec<Vec<u8>>) {
        let size = parts.iter().map(|part| part.len() as u64).sum();
        if size > 0 {
            self.custom(name, SectionContents::Bytes(parts), size);
        }
    }
}

/// Encodes the small sections, and gives every section its offset.
///
/// # Errors
/// Sections that are too large for their size field, and entries without a type.
pub(crate) fn outline(
    sources: &Sources<'_, '_>,
    features: &Features,
    function_names: Option<name_section::NameEntries>,
) -> Result<Outline, Vec<Diagnostic>> {
    let &Sources {
        plan,
        resolution,
        options,
        ..
    } = sources;
    let mut outliner = Outliner::default();
    outliner.bytes(MODULE_HEADER.to_vec());
    if is_for_loader(resolution, options) {
        outliner.custom_bytes(DYLINK_SECTION, vec![dylink::write(sources)]);
    }
    let types = outline_types(&mut outliner, sources);
    outliner.try_entries(SectionId::Import, |section| sources.imports(section));
    let type_width = len_u32(plan.types.list.len() as u32 + MORE_TYPES);
    let functions = outline_functions(&mut outliner, sources, type_width);
    let table = outline_tables(&mut outliner, sources);
    outliner.entries(SectionId::Memory, |section| sources.memories(section));
    outliner.try_entries(SectionId::Tag, |section| sources.tags(section));
    outliner.entries(SectionId::Global, |section| sources.globals(section));
    outliner.entries(SectionId::Export, |section| sources.exports(section));
    if let Some(start) = start_function(sources) {
        let mut out = Vec::new();
        put_start_section(&mut out, start.0);
        outliner.bytes(out);
    }
    let elements = outline_elements(&mut outliner, sources);
    outline_data_count(&mut outliner, plan, options);

    // The author of the code wants to know before.
    for (i, section) in plan.metadata.iter().enumerate() {
        let contents = SectionContents::Metadata(i as u32);
        outliner.custom(section.name, contents, section.bytes.len() as u64);
    }
    let code = &plan.code;
    if code.count() > 0 {
        let size = code.size - code.count_len();
        if options.room {
            outliner.roomy_code(code.count(), size);
        } else {
            outliner.vector(SectionId::Code, code.count(), size, SectionContents::Code);
        }
    }
    outline_data(&mut outliner, sources);
    for (i, section) in plan.customs.sections.iter().enumerate() {
        outliner.custom(
            section.name,
            SectionContents::Custom(i as u32),
            section.size,
        );
    }
    if options.is_relinkable() {
        for (name, parts) in relinkable::sections(sources, &outliner.sections) {
            outliner.custom_bytes(&name, parts);
        }
    }
    let mut names = None;
    if let Some(function_names) = function_names {
        let (parts, growing) = name_section::write(sources, function_names);
        outliner.custom_bytes(NAME_SECTION, parts);
        let section = outliner.sections.last();
        names = growing.zip(section).map(|(names, section)| {
            let contents = section.contents_offset();
            names.moved(contents as usize)
        });
    }
    if survives_strip_all(PRODUCERS_SECTION, options) {
        outliner.custom_bytes(PRODUCERS_SECTION, vec![producers::merge(resolution)]);
    }
    if survives_strip_all(TARGET_FEATURES_SECTION, options) && !features.allowed.is_empty() {
        let prefix = FeaturePrefix::Used;
        let features = (features.allowed.iter()).map(|name| TargetFeature { prefix, name });
        let mut body = Vec::new();
        put_target_features(&mut body, features);
        outliner.custom_bytes(TARGET_FEATURES_SECTION, vec![body]);
    }
    outline_build_id(&mut outliner, options);

    if outliner.errors.is_empty() {
        let room = types.zip(functions).map(|(types, functions)| OutputRoom {
            types,
            functions,
            type_width,
            table: table.zip(elements),
            names,
        });
        Ok(Outline {
            sections: outliner.sections,
            size: outliner.at,
            room,
        })
    } else {
        Err(outliner.errors)
    }
}

/// How many types can be added before their indices take more bytes.
const MORE_TYPES: u32 = 64;

/// The types; with room for more if it is asked for, as the following sections.
fn outline_types(outliner: &mut Outliner, sources: &Sources<'_, '_>) -> Option<Growing> {
    if sources.options.room {
        return outliner.roomy_entries(SectionId::Type, |section| {
            sources.types(section);
            Ok(())
        });
    }
    outliner.entries(SectionId::Type, |section| sources.types(section));
    None
}

/// The functions; with room for more, each has an index of `type_width` bytes.
fn outline_functions(
    outliner: &mut Outliner,
    sources: &Sources<'_, '_>,
    type_width: usize,
) -> Option<Growing> {
    if !sources.options.room {
        outliner.try_entries(SectionId::Function, |section| sources.functions(section));
        return None;
    }
    outliner.roomy_entries(SectionId::Function, |section| {
        let mut narrow = Vec::new();
        let mut functions = SectionBuffer::new(&mut narrow);
        sources.functions(&mut functions)?;
        let count = functions.entry_count();
        let mut wide = Vec::with_capacity(count as usize * type_width);
        let mut rest = &narrow[..];
        while let Ok((ty, len)) = decode_u32(rest) {
            put_wide(&mut wide, ty, type_width);
            rest = &rest[len..];
        }
        section.encoded(count, &wide);
        Ok(())
    })
}

fn outline_tables(outliner: &mut Outliner, sources: &Sources<'_, '_>) -> Option<GrowingTable> {
    let mut growing = None;
    let mut out = Vec::new();
    let mut section = SectionBuffer::new(&mut out);
    sources.tables(&mut section, |out, ty| {
        let at = out.len();
        if sources.options.room {
            growing = GrowingTable::put(out, &ty, ty.limits.max.is_some());
        }
        if growing.is_none() {
            out.truncate(at);
            ty.encode(out);
        }
    });
    let header = section.finish(SectionId::Table)?;
    let start = outliner.at as usize + header;
    outliner.bytes(out);
    growing.map(|table| table.moved(start))
}

fn outline_elements(outliner: &mut Outliner, sources: &Sources<'_, '_>) -> Option<Growing> {
    if sources.options.room && sources.synthesis.table == TableUse::Defined {
        return outliner.roomy_entries(SectionId::Element, |section| sources.elements(section));
    }
    outliner.try_entries(SectionId::Element, |section| sources.elements(section));
    None
}

/// The output's start function. An object file has that of its first part that has one.
fn start_function(sources: &Sources<'_, '_>) -> Option<FuncIndex> {
    let (functions, synthesis) = (&sources.plan.functions, sources.synthesis);
    if sources.options.is_relocatable() {
        let &(file, start) = synthesis.start_functions.first()?;
        let symbol = sources.resolution.symbol_ref(file, start);
        return functions.called_by(sources.resolution, symbol);
    }
    functions.made(synthesis.start?)
}

/// Whether the output is for a loader: what it places in memory, and what only it can give
/// all that is missing.
fn is_for_loader(resolution: &Resolution<'_>, options: &Options) -> bool {
    let imports = options.unresolved == Unresolved::ImportDynamic || !resolution.shared.is_empty();
    options.is_pic() || (imports && !options.is_relocatable())
}

/// Code that copies passive segments is validated in one pass, which needs their count. An object
/// file has no such code: no relocation can adjust the index of a segment.
fn outline_data_count(outliner: &mut Outliner, plan: &Plan<'_>, options: &Options) {
    let count = plan.data.file_segments().len() as u32;
    if options.has_threads() && !options.is_relocatable() && count > 0 {
        let mut out = Vec::new();
        put_data_count_section(&mut out, count);
        outliner.bytes(out);
    }
}

fn outline_data(outliner: &mut Outliner, sources: &Sources<'_, '_>) {
    let plan = sources.plan;
    let addresses = &plan.memory.segments;
    let mut headers = Vec::new();
    let mut size = 0;
    for segments in plan.data.file_segments() {
        let last = segments.end as usize - 1;
        let start = addresses[segments.start as usize];
        let len = addresses[last] + plan.data.segments[last].size - start;
        let mut ops = Vec::new();
        let mode = if plan.data.segments[last].passive {
            DataMode::Passive
        } else {
            sources.data_offset(start, &mut ops);
            DataMode::Active {
                memory: 0,
                offset: ConstExpr::new(&ops),
            }
        };
        let mut bytes = Vec::new();
        mode.encode_header(&mut bytes, len as usize);
        let offset = size;
        size += bytes.len() as u64 + len;
        headers.push(DataHeader {
            segments,
            offset,
            bytes,
        });
    }
    if !headers.is_empty() {
        let count = headers.len() as u32;
        let before = outliner.errors.len();
        outliner.vector(SectionId::Data, count, size, SectionContents::Data(headers));
        if let Some(too_large) = outliner.errors.get_mut(before) {
            too_large.notes = segments::largest(sources.resolution, &plan.data, size);
        }
    }
}

fn outline_build_id(outliner: &mut Outliner, options: &Options) {
    let len = match &options.build_id {
        BuildId::None => return,
        BuildId::Fast | BuildId::Uuid(_) => 16,
        BuildId::Sha1 => 20,
        BuildId::Hex(bytes) => bytes.len(),
    };
    // Everything but the id belongs to the header: the id is the section's last bytes.
    let mut body = Vec::new();
    put_build_id(&mut body, &vec![0; len]);
    let mut header = Vec::new();
    put_custom_section_header(&mut header, BUILD_ID_SECTION, body.len());
    header.extend_from_slice(&body[..body.len() - len]);
    outliner.push(header, SectionContents::BuildId, len as u64);
}
