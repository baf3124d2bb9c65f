//! The sections that describe worlds, and which of them contradict each other.

use std::error::Error;

use wasm_format::{MODULE_HEADER, put_custom_section};
use wasmparser::{Parser, Payload};
use wit_component::metadata;

use crate::error::{Cause, ComponentError};
use crate::malformed;
use crate::options::ComponentOptions;

/// The prefix of the sections' names.
const PREFIX: &str = "component-type";

/// The module with a section for each world of the options; in `bytes`, if there are any.
pub(crate) fn with_worlds<'m>(
    module: &'m [u8],
    options: &ComponentOptions,
    bytes: &'m mut Vec<u8>,
) -> Result<&'m [u8], ComponentError> {
    if options.worlds.is_empty() {
        return Ok(module);
    }
    bytes.extend_from_slice(module);
    for world in &options.worlds {
        let encoding = options.string_encoding.into();
        let encoded = metadata::encode(&world.resolve, world.id, encoding, None, false);
        let encoded = encoded.map_err(|error| ComponentError::World {
            path: world.path().to_owned(),
            cause: Cause::of(&*error),
        })?;
        put_custom_section(bytes, PREFIX, &encoded);
    }
    Ok(bytes)
}

/// A section that describes a world.
#[derive(Clone, Copy)]
struct WorldSection<'m> {
    name: &'m str,
    contents: &'m [u8],
}

/// The error for the sections of `module` (from [`with_worlds`]), which do not merge into one world.
pub(crate) fn explain(
    module: &[u8],
    options: &ComponentOptions,
    error: &(dyn Error + 'static),
) -> ComponentError {
    let sections = match sections(module) {
        Ok(sections) => sections,
        Err(error) => return error,
    };
    let own = sections.len().saturating_sub(options.worlds.len());
    let source = |nth: usize| match nth.checked_sub(own) {
        Some(world) => options.worlds[world].path().display().to_string(),
        None => match options.section_files.get(nth) {
            Some(file) => file.clone(),
            None => format!("section {}", sections[nth].name),
        },
    };
    for (nth, section) in sections.iter().enumerate() {
        if let Err(error) = merge(&[*section]) {
            return ComponentError::Section {
                file: source(nth),
                section: section.name.to_owned(),
                cause: Cause::of(&*error),
            };
        }
        if merge(&sections[..=nth]).is_ok() {
            continue;
        }
        let conflict =
            (0..nth).find_map(|first| Some((first, merge(&[sections[first], *section]).err()?)));
        if let Some((first, error)) = conflict {
            return ComponentError::Conflict {
                first: source(first),
                second: source(nth),
                cause: Cause::of(&*error),
            };
        }
    }
    ComponentError::Module {
        cause: Cause::of(error),
    }
}

/// Merges the worlds of `sections`.
fn merge(sections: &[WorldSection<'_>]) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut module = MODULE_HEADER.to_vec();
    for section in sections {
        put_custom_section(&mut module, section.name, section.contents);
    }
    metadata::decode(&module)?;
    Ok(())
}

fn sections(module: &[u8]) -> Result<Vec<WorldSection<'_>>, ComponentError> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload.map_err(|error| malformed(&error))?
            && section.name().starts_with(PREFIX)
        {
            sections.push(WorldSection {
                name: section.name(),
                contents: section.data(),
            });
        }
    }
    Ok(sections)
}
