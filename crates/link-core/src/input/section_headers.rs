//! The frame of a module: its sections, one after another, their contents not looked at.

use std::fmt;

use wasm_format::{MODULE_HEADER, Reader, SectionId};

use super::fault::{Fault, Parsed};

/// A section of a file.
#[derive(Debug, Clone)]
pub(super) struct InputSection<'a> {
    /// Its id.
    pub(super) id: SectionId,
    /// A custom section's name; empty for the others.
    pub(super) name: &'a str,
    /// Its contents, a custom section's after the name. Offsets are those in the file.
    pub(super) body: Reader<'a>,
}

impl fmt::Display for InputSection<'_> {
    /// As messages call it: `CODE`, `linking`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            SectionId::Custom if !self.name.is_empty() => f.write_str(self.name),
            id => f.write_str(id.name()),
        }
    }
}

/// The sections of `bytes`, which begin with a module's header. Ends after the first
/// error.
pub(super) fn sections(bytes: &[u8]) -> impl Iterator<Item = Parsed<InputSection<'_>>> {
    let header = MODULE_HEADER.len().min(bytes.len());
    let mut reader = Reader::at(&bytes[header..], header);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || reader.is_empty() {
            return None;
        }
        let section = section(&mut reader);
        failed = section.is_err();
        Some(section)
    })
}

fn section<'a>(reader: &mut Reader<'a>) -> Parsed<InputSection<'a>> {
    let start = reader.offset();
    let code = reader.u8()?;
    let Some(id) = SectionId::from_u8(code) else {
        return Err(Fault::new(start, format!("unknown section id {code}")));
    };
    let unnamed = InputSection {
        id,
        name: "",
        body: Reader::new(&[]),
    };
    let size = reader
        .u32()
        .map_err(|error| Fault::from(error).in_section(&unnamed))? as usize;
    if size > reader.remaining() {
        let message = format!(
            "size {size} is larger than the remaining {} bytes of the file",
            reader.remaining()
        );
        return Err(Fault::new(start, message).in_section(&unnamed));
    }
    let mut body = reader.sub(size)?;
    let name = match id {
        SectionId::Custom => body
            .name()
            .map_err(|error| Fault::from(error).in_section(&unnamed))?,
        _ => "",
    };
    Ok(InputSection { id, name, body })
}
