//! What lets a linker move the parts of the output again: the `linking` section and the
//! relocations. An object file (`-r`) has them, and a finished module under
//! `--emit-relocs`.
//!
//! Made when everything else has its index and offset; written as the bytes they are.

mod linking_section;
mod made_relocs;
mod reloc_sections;
mod symbol_table;

use wasm_format::leb128::len_u32;
use wasm_format::linking::LINKING_SECTION;

use self::made_relocs::MadeRelocs;
use self::symbol_table::SymbolTable;
use super::entries::Sources;
use super::outline::{OutputSection, SectionContents};

/// A section's name, and its contents in parts.
pub(crate) type NamedSection = (String, Vec<Vec<u8>>);

/// The sections, in the order of the file. `planned` are those before them, the module's
/// header first.
pub(crate) fn sections(sources: &Sources<'_, '_>, planned: &[OutputSection]) -> Vec<NamedSection> {
    let indices = SectionIndices::of(sources, planned);
    let made = MadeRelocs::of(sources);
    let table = SymbolTable::number(sources, &indices, &made);
    let linking = linking_section::write(sources, &indices, &table);
    let mut sections = vec![(LINKING_SECTION.to_owned(), vec![linking])];
    sections.extend(reloc_sections::write(sources, &indices, &table, &made));
    sections
}

/// Where the sections that symbols, comdats and relocations speak of stand in the file.
/// Indices count all sections of the file.
struct SectionIndices {
    /// Index of the code section.
    code: Option<u32>,
    /// Index of the data section.
    data: Option<u32>,
    /// Where the data section has each segment of `Data::segments`, if it does.
    segments: Vec<Option<SegmentIndex>>,
    /// Indices of the custom sections of `Customs::sections`.
    customs: Vec<u32>,
    /// Indices of the sections of `Plan::metadata`.
    metadata: Vec<u32>,
}

/// Where an output segment is in the data section. Several may have become one there.
#[derive(Clone, Copy)]
struct SegmentIndex {
    /// The index of the segment in the file.
    index: u32,
    /// Where it begins in that, in bytes.
    within: u64,
    /// Where it begins, in bytes from the start of the section's contents.
    start: u64,
}

impl SectionIndices {
    fn of(sources: &Sources<'_, '_>, planned: &[OutputSection]) -> Self {
        let mut indices = Self {
            code: None,
            data: None,
            segments: vec![None; sources.plan.data.segments.len()],
            customs: Vec::new(),
            metadata: Vec::new(),
        };
        // The module's header is no section.
        for (index, section) in planned.iter().skip(1).enumerate() {
            let index = index as u32;
            match &section.contents {
                SectionContents::Code => indices.code = Some(index),
                SectionContents::Data(headers) => {
                    indices.data = Some(index);
                    // The count of segments belongs to the section's contents.
                    let count = len_u32(headers.len() as u32) as u64;
                    for (nth, header) in headers.iter().enumerate() {
                        let start = count + header.offset + header.bytes.len() as u64;
                        let addresses = &sources.plan.memory.segments;
                        let first = addresses[header.segments.start as usize];
                        for segment in header.segments.clone() {
                            let within = addresses[segment as usize] - first;
                            indices.segments[segment as usize] = Some(SegmentIndex {
                                index: nth as u32,
                                within,
                                start: start + within,
                            });
                        }
                    }
                }
                // They are planned one after the other.
                SectionContents::Custom(_) => indices.customs.push(index),
                SectionContents::Metadata(_) => indices.metadata.push(index),
                SectionContents::Bytes(_) | SectionContents::BuildId => {}
            }
        }
        indices
    }
}
