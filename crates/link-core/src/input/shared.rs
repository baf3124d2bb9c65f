//! Shared libraries (tool-conventions DynamicLinking.md): finished modules with a
//! `dylink.0` section. Of one, linking needs only what it exports.

use std::sync::Arc;

use wasm_format::Reader;
use wasm_format::dylink::{DylinkSection, DylinkSubsection};
use wasm_format::linking::SymbolFlags;
use wasmparser::{BinaryReaderError, ExternalKind, Parser, Payload, TypeRef};

use super::inputs::RawFile;
use crate::diag::{Code, Diagnostic};
use crate::hash::HashMap;

/// A shared library and what it offers.
#[derive(Debug)]
pub struct SharedLibrary<'a> {
    /// How messages call it.
    pub name: Arc<str>,
    /// The name under which a loader finds it: its file name.
    pub file_name: String,
    /// What it exports.
    pub symbols: Vec<SharedSymbol<'a>>,
}

/// An export of a shared library.
#[derive(Debug, Clone, Copy)]
pub struct SharedSymbol<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: SharedKind<'a>,
    /// Flags of the `dylink.0` section's export info; none if it says nothing.
    pub flags: SymbolFlags,
}

/// What an export of a shared library is.
#[derive(Debug, Clone, Copy)]
pub enum SharedKind<'a> {
    /// A function, with its encoded signature.
    Function(&'a [u8]),
    /// A place in memory, exported as a constant global.
    Data,
    /// An exception's tag, with its encoded signature.
    Tag(&'a [u8]),
}

/// Parses a shared library.
pub fn parse_shared<'a>(file: &RawFile<'a>) -> Result<SharedLibrary<'a>, Diagnostic> {
    let library = Exports::collect(file.bytes).map_err(|error| {
        Diagnostic::error(
            Code::BadInput,
            format!(
                "damaged shared library: {} (at offset {:#x})",
                error.message(),
                error.offset()
            ),
        )
        .in_file(&*file.name)
    })?;
    let file_name = std::path::Path::new(&*file.name).file_name().map_or_else(
        || file.name.to_string(),
        |name| name.to_string_lossy().into(),
    );
    Ok(SharedLibrary {
        name: file.name.clone(),
        file_name,
        symbols: library.symbols(),
    })
}

/// What the sections say, before it is put together.
#[derive(Default)]
struct Exports<'a> {
    /// Encoded function types.
    types: Vec<&'a [u8]>,
    /// Type of each function, imports first.
    functions: Vec<u32>,
    /// Type of each tag, imports first.
    tags: Vec<u32>,
    entries: Vec<(&'a str, ExternalKind, u32)>,
    flags: Vec<(&'a str, SymbolFlags)>,
}

impl<'a> Exports<'a> {
    fn collect(bytes: &'a [u8]) -> Result<Self, BinaryReaderError> {
        let mut found = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section.into_iter_with_offsets() {
                        let (start, group) = group?;
                        found.push_types(&bytes[start as usize..], &group);
                    }
                }
                Payload::ImportSection(section) => {
                    let (count, end) = (section.count(), section.range().end);
                    let mut entries = section.into_iter();
                    let mut imported = 0;
                    // By the proposal of compact imports, the section counts a group once; LLVM 23
                    // counts its imports.
                    while !(imported == count && entries.original_position() == end) {
                        let Some(entry) = entries.next() else {
                            break;
                        };
                        for import in entry? {
                            imported += 1;
                            match import?.1.ty {
                                TypeRef::Func(ty) => found.functions.push(ty),
                                TypeRef::Tag(tag) => found.tags.push(tag.func_type_idx),
                                _ => {}
                            }
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        found.functions.push(ty?);
                    }
                }
                Payload::TagSection(section) => {
                    for tag in section {
                        found.tags.push(tag?.func_type_idx);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        found.entries.push((export.name, export.kind, export.index));
                    }
                }
                Payload::CustomSection(section) if section.name() == "dylink.0" => {
                    found.read_flags(section.data());
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The encoding of a group's only type; other groups hold no function types that C
    /// could name.
    fn push_types(&mut self, encoded: &'a [u8], group: &wasmparser::RecGroup) {
        let len = {
            let mut reader = Reader::new(encoded);
            wasm_format::FuncType::decode(&mut reader)
                .ok()
                .map(|_| reader.position())
        };
        let single = group.types().len() == 1;
        for _ in group.types() {
            self.types.push(match len {
                Some(len) if single => &encoded[..len],
                _ => &[],
            });
        }
    }

    fn read_flags(&mut self, body: &'a [u8]) {
        for subsection in DylinkSection::decode(Reader::new(body)).flatten() {
            if let DylinkSubsection::ExportInfo(exports) = subsection {
                self.flags
                    .extend(exports.flatten().map(|export| (export.name, export.flags)));
            }
        }
    }

    fn symbols(&self) -> Vec<SharedSymbol<'a>> {
        let flags: HashMap<&str, SymbolFlags> = self.flags.iter().copied().collect();
        self.entries
            .iter()
            .filter_map(|&(name, kind, index)| {
                let signature = |types: &[u32]| {
                    let ty = *types.get(index as usize)?;
                    self.types.get(ty as usize).copied()
                };
                let kind = match kind {
                    ExternalKind::Func => SharedKind::Function(signature(&self.functions)?),
                    ExternalKind::Tag => SharedKind::Tag(signature(&self.tags)?),
                    ExternalKind::Global => SharedKind::Data,
                    _ => return None,
                };
                let flags = flags.get(name).copied().unwrap_or(SymbolFlags::NONE);
                Some(SharedSymbol { name, kind, flags })
            })
            .collect()
    }
}
