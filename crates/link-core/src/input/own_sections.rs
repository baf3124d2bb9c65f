//! Which custom sections an object has for their own sake.

use wasm_format::build_id::BUILD_ID_SECTION;
use wasm_format::code_metadata::CODE_METADATA_PREFIX;
use wasm_format::dylink::DYLINK_SECTION;
use wasm_format::linking::LINKING_SECTION;
use wasm_format::names::NAME_SECTION;
use wasm_format::producers::PRODUCERS_SECTION;
use wasm_format::reloc::RELOC_PREFIX;
use wasm_format::target_features::TARGET_FEATURES_SECTION;
use wasm_format::{MODULE_HEADER, SectionId};

use super::fault::Parsed;
use super::kind::RUST_METADATA_SECTION;
use super::object::Object;
use super::section_headers::sections;

/// Whether a link reads a custom section of an object, and does not copy it.
pub(super) fn is_linkers(name: &str) -> bool {
    matches!(
        name,
        LINKING_SECTION
            | NAME_SECTION
            | PRODUCERS_SECTION
            | TARGET_FEATURES_SECTION
            | DYLINK_SECTION
    ) || name.starts_with(RELOC_PREFIX)
}

/// Whether a custom section is the source's own. Compilers and linkers add the others by
/// themselves; most of those describe the code of their object and mean nothing without it.
fn is_own(name: &str) -> bool {
    let is_tools = matches!(
        name,
        BUILD_ID_SECTION | "external_debug_info" | "sourceMappingURL"
    );
    let has_tools_prefix = [".", CODE_METADATA_PREFIX, "llvm.func_attr.", "dylink"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    !is_linkers(name) && !is_tools && !has_tools_prefix
}

/// The first custom section of the source's own that has contents, by name. `None` if `bytes`
/// are no object. No contents are looked at.
pub(super) fn first_own_section(bytes: &[u8]) -> Parsed<Option<&str>> {
    if !bytes.starts_with(&MODULE_HEADER) {
        return Ok(None);
    }
    let mut own = None;
    let mut is_object = false;
    for section in sections(bytes) {
        let section = section?;
        if section.id != SectionId::Custom {
            continue;
        }
        match section.name {
            LINKING_SECTION => is_object = true,
            // A shared library, and metadata of a Rust library.
            DYLINK_SECTION | RUST_METADATA_SECTION => return Ok(None),
            name if own.is_none() && is_own(name) && !section.body.is_empty() => own = Some(name),
            _ => {}
        }
    }
    Ok(own.filter(|_| is_object))
}

/// The same of an object that is parsed.
pub(crate) fn first_own_section_of<'a>(object: &Object<'a>) -> Option<&'a str> {
    let mut own = object.customs.iter();
    let own = own.find(|custom| is_own(custom.name) && !custom.chunk.bytes.is_empty());
    own.map(|custom| custom.name)
}
