//! The `metadata.code.*` sections: which functions they speak of.

use wasm_format::Entries;
use wasm_format::code_metadata::{CODE_METADATA_PREFIX, FunctionMetadata, MetadataItem};
use wasm_format::reloc::RelocType;

use crate::hash::HashMap;
use crate::ids::{ObjCustom, ObjFunc, ObjSymbol};
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{CodeMetadata, MetadataFunction, ObjReloc, ObjTarget, Object};
use crate::input::section_headers::InputSection;

/// Takes the sections apart, into [`Object::metadata`]. `imported` functions come before
/// those of the object.
pub(super) fn all(
    sections: &[InputSection<'_>],
    custom_of_section: &[Option<ObjCustom>],
    imported: usize,
    object: &mut Object<'_>,
) -> Parsed<()> {
    for (section, custom) in sections.iter().zip(custom_of_section) {
        let Some(custom) = *custom else { continue };
        if section.name.starts_with(CODE_METADATA_PREFIX) {
            let functions = one(section, custom, imported, object)
                .map_err(|fault| fault.in_section(section))?;
            object.metadata.push(CodeMetadata { custom, functions });
        }
    }
    Ok(())
}

fn one(
    section: &InputSection<'_>,
    custom: ObjCustom,
    imported: usize,
    object: &Object<'_>,
) -> Parsed<Vec<MetadataFunction>> {
    let relocs = object.customs[custom.index()].chunk.relocs;
    let relocs: HashMap<u32, ObjReloc> = relocs.iter().map(|reloc| (reloc.offset, reloc)).collect();
    let mut functions = Vec::new();
    let mut reader = section.body.clone();
    let start = reader.offset();
    // A linker that does not know such sections puts them one behind the other.
    while !reader.is_empty() {
        let count = reader.count("function with code metadata", FunctionMetadata::MIN_LEN)?;
        for _ in 0..count {
            let at = reader.offset();
            let index = reader.u32()?;
            let items_start = reader.offset() - start;
            Entries::<MetadataItem<'_>>::decode_prefix(&mut reader)?;
            let reloc = relocs.get(&((at - start) as u32));
            if let Some((function, symbol)) = function(reloc, index, at, imported, object)? {
                functions.push(MetadataFunction {
                    function,
                    symbol,
                    items: items_start as u32..(reader.offset() - start) as u32,
                });
            }
        }
    }
    Ok(functions)
}

/// The function that an index at offset `at` of the file means, and the symbol it is
/// relocated by; `None` if its code is not in this object.
fn function(
    reloc: Option<&ObjReloc>,
    index: u32,
    at: usize,
    imported: usize,
    object: &Object<'_>,
) -> Parsed<Option<(ObjFunc, Option<ObjSymbol>)>> {
    if let Some(reloc) = reloc {
        if reloc.ty != RelocType::FunctionIndexLeb {
            let message = format!("{} relocates the index of a function", reloc.ty.name());
            return Err(Fault::new(at, message));
        }
        let symbol = ObjSymbol(reloc.target);
        return Ok(match object.symbols.target_of(symbol) {
            ObjTarget::Function(function) => Some((function, Some(symbol))),
            _ => None,
        });
    }
    let total = imported + object.functions.len();
    if index as usize >= total {
        return Err(Fault::out_of_range(at, "function", index, total));
    }
    let function = index.checked_sub(imported as u32).map(ObjFunc);
    Ok(function.map(|function| (function, None)))
}
