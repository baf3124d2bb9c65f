//! Code metadata: one section for each name, its functions in the order of their indices
//! and the items of each in the order of their offsets, neither of them twice, as the
//! WebAssembly Code Metadata specification wants them.

use std::collections::BTreeMap;

use wasm_format::Reader;
use wasm_format::leb128::{put_bytes, put_u32, put_u32_fixed};
use wasm_format::reloc::RelocType;

use super::values::{Relocator, Site};
use crate::hash::IndexMap;
use crate::ids::{FileId, FuncIndex, ObjCustom, ObjSymbol};
use crate::input::object::{MetadataFunction, ObjReloc};

/// A section of code metadata.
#[derive(Debug)]
pub struct MetadataSection<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its contents after the name.
    pub bytes: Vec<u8>,
    /// Relocations of output that is to be linked again: offsets count from the start of
    /// the contents, targets are symbols of a file.
    pub relocs: Vec<(FileId, ObjReloc)>,
}

/// What is said of a function's instructions.
#[derive(Default)]
struct FunctionMetadata {
    /// The symbol that names the function.
    symbol: Option<(FileId, ObjSymbol)>,
    /// By their offsets in the function.
    items: BTreeMap<u32, MetadataItem>,
}

/// What is said of an instruction.
struct MetadataItem {
    data: Vec<u8>,
    /// The object's section that it is from, and where it is there.
    source: (FileId, ObjCustom, u32),
}

type MetadataByFunction = BTreeMap<FuncIndex, FunctionMetadata>;

/// Puts together what objects say of functions that the output has. With `relinkable`, says
/// also what is to be relocated.
pub(crate) fn merge<'a>(
    relocator: &Relocator<'_, 'a>,
    relinkable: bool,
) -> Vec<MetadataSection<'a>> {
    let resolution = relocator.places.resolution;
    let mut sections: IndexMap<&'a str, MetadataByFunction> = IndexMap::default();
    for (file, object) in resolution.objects() {
        for metadata in &object.metadata {
            if resolution.custom_discarded(file, metadata.custom) {
                continue;
            }
            let custom = &object.customs[metadata.custom.index()];
            let functions = sections.entry(custom.name).or_default();
            let mut contents = custom.chunk.bytes.to_vec();
            for reloc in custom.chunk.relocs.iter() {
                // Indices of functions are all that can be asked for, and they fit.
                let value = relocator.value(&Site::custom(file, custom.name), &reloc);
                reloc.write(&mut contents, value.unwrap_or(0));
            }
            for said in &metadata.functions {
                let index = relocator.places.functions.of(file, said.function);
                let is_live = relocator.places.liveness.function(file, said.function);
                if let Some(index) = index.filter(|_| is_live) {
                    let function = functions.entry(index).or_default();
                    add(
                        relocator,
                        function,
                        (file, metadata.custom),
                        said,
                        &contents,
                    );
                }
            }
        }
    }
    sections.retain(|_, functions| !functions.is_empty());
    sections
        .into_iter()
        .map(|(name, functions)| encode(relocator, name, functions, relinkable))
        .collect()
}

/// Adds what an object's section, whose relocated contents are given, says of a function.
fn add(
    relocator: &Relocator<'_, '_>,
    function: &mut FunctionMetadata,
    (file, custom): (FileId, ObjCustom),
    said: &MetadataFunction,
    contents: &[u8],
) {
    function.symbol = function.symbol.or(said.symbol.map(|symbol| (file, symbol)));
    let start = said.items.start;
    let mut reader = Reader::new(&contents[start as usize..said.items.end as usize]);
    // The items were decoded when the file was read. Relocations keep their sizes.
    let count = reader.u32().unwrap_or(0);
    for _ in 0..count {
        let (Ok(offset), Ok(data)) = (reader.u32(), reader.byte_vec()) else {
            return;
        };
        let at = start + (reader.position() - data.len()) as u32;
        let removed = relocator.removed_before(file, said.function, offset.into());
        function
            .items
            .entry(offset.saturating_sub(removed as u32))
            .or_insert_with(|| MetadataItem {
                data: data.to_vec(),
                source: (file, custom, at),
            });
    }
}

fn encode<'a>(
    relocator: &Relocator<'_, '_>,
    name: &'a str,
    functions: MetadataByFunction,
    relinkable: bool,
) -> MetadataSection<'a> {
    let resolution = relocator.places.resolution;
    let mut bytes = Vec::new();
    let mut relocs = Vec::new();
    put_u32(&mut bytes, functions.len() as u32);
    for (index, function) in functions {
        match function.symbol.filter(|_| relinkable) {
            Some((file, symbol)) => {
                let reloc = ObjReloc {
                    offset: bytes.len() as u32,
                    ty: RelocType::FunctionIndexLeb,
                    target: symbol.0,
                    addend: 0,
                };
                relocs.push((file, reloc));
                put_u32_fixed(&mut bytes, index.0);
            }
            None => put_u32(&mut bytes, index.0),
        }
        put_u32(&mut bytes, function.items.len() as u32);
        for (offset, item) in function.items {
            put_u32(&mut bytes, offset);
            put_bytes(&mut bytes, &item.data);
            if relinkable {
                let at = (bytes.len() - item.data.len()) as u32;
                let (file, custom, was) = item.source;
                let within = was..was + item.data.len() as u32;
                let custom = &resolution.object(file).customs[custom.index()];
                let moved = custom
                    .chunk
                    .relocs
                    .iter()
                    .filter(|reloc| within.contains(&reloc.offset));
                relocs.extend(moved.map(|reloc| {
                    let offset = reloc.offset - was + at;
                    (file, ObjReloc { offset, ..reloc })
                }));
            }
        }
    }
    MetadataSection {
        name,
        bytes,
        relocs,
    }
}
