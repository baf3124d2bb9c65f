//! What is in a WebAssembly file, as far as the section headers tell.

use wasm_format::{MODULE_HEADER, Reader, Result, SectionId};

/// The sizes of a file that the demo shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sections {
    /// Functions that have a body.
    pub(crate) functions: u32,
    /// Size of the code section in bytes.
    pub(crate) code: usize,
    /// Size of the data section in bytes.
    pub(crate) data: usize,
}

/// Reads the headers of a module or relocatable object.
pub(crate) fn read(file: &[u8]) -> Result<Sections> {
    let mut reader = Reader::new(file);
    reader.bytes(MODULE_HEADER.len())?;
    let mut sections = Sections::default();
    while !reader.is_empty() {
        let id = reader.u8()?;
        let size = reader.u32()? as usize;
        let mut body = reader.sub(size)?;
        if id == SectionId::Code as u8 {
            sections.code = size;
            sections.functions = body.u32()?;
        } else if id == SectionId::Data as u8 {
            sections.data = size;
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use wasm_format::put_vector_section;

    use super::*;

    #[test]
    fn counts_functions_and_sizes() {
        let mut file = MODULE_HEADER.to_vec();
        put_vector_section(&mut file, SectionId::Code, 2, &[2, 0, 0x0b, 2, 0, 0x0b]);
        put_vector_section(&mut file, SectionId::Data, 0, &[]);
        let expected = Sections {
            functions: 2,
            code: 7,
            data: 1,
        };
        assert_eq!(read(&file).unwrap(), expected);
        assert!(read(&file[..12]).is_err());
    }
}
