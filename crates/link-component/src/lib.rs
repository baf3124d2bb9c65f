#![doc = include_str!("../README.md")]

mod error;
mod options;
mod sections;

use std::error::Error;

use wasmparser::{ExternalKind, Parser, Payload, Validator, WasmFeatures};
use wit_component::ComponentEncoder;

pub use error::{Cause, ComponentError, Needed};
pub use options::{Adapter, ComponentOptions, StringEncoding, WasiAdapter, World};

/// The version of the adapters of WASI preview 1 that are built in: that of the crate
/// `wasi-preview1-component-adapter-provider`, released with the Wasmtime of that version.
///
/// It decides which versions of WASI's interfaces a component with an adapter imports, and so how new
/// its host has to be.
pub const ADAPTER_VERSION: &str = "49.0.1";

/// Makes a component of a linked core module.
///
/// The module has its worlds in custom sections whose names begin with `component-type`; those of
/// [`ComponentOptions::worlds`] come on top. A module with neither is a component without imports and
/// exports, apart from those of an adapter.
///
/// # Errors
///
/// The module cannot be read, worlds contradict each other, or the module lacks what its worlds ask
/// for, or imports what no world and no adapter has.
pub fn component(module: &[u8], options: &ComponentOptions) -> Result<Vec<u8>, ComponentError> {
    let is_command = exports_start(module)?;
    let mut given = options.adapters.iter();
    if options.wasi_adapter == WasiAdapter::Command
        && !is_command
        && !given.any(|adapter| adapter.name() == options::WASI_PREVIEW_1)
    {
        return Err(ComponentError::NoStart);
    }
    let mut bytes = Vec::new();
    let module = sections::with_worlds(module, options, &mut bytes)?;

    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(options.validate)
        .merge_imports_based_on_semver(options.merge_imports_based_on_semver)
        .reject_legacy_names(options.reject_legacy_names)
        .realloc_via_memory_grow(options.realloc_via_memory_grow)
        .shim_return_call_ref(options.return_call_ref);
    if let Err(error) = encoder.module(module) {
        return Err(sections::explain(module, options, &*error));
    }
    for adapter in &options.adapters {
        // The encoder takes for granted that sections and instructions are complete.
        let checked =
            Validator::new_with_features(WasmFeatures::all()).validate_all(adapter.bytes());
        checked.map_err(|error| unusable(adapter, &error))?;
    }
    for adapter in adapters(options, is_command) {
        let added = encoder.adapter(adapter.name(), adapter.bytes());
        added.map_err(|error| unusable(&adapter, &*error))?;
    }
    encoder.encode().map_err(|error| {
        let names: Vec<_> = adapters(options, is_command)
            .map(|adapter| adapter.name().to_owned())
            .collect();
        explain(module, &*error, &names)
    })
}

/// Whether a core module is a program: whether it exports a function `_start`. Reads the module to
/// its end, because the encoder takes for granted that no section is cut short.
fn exports_start(module: &[u8]) -> Result<bool, ComponentError> {
    let mut exports_start = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|error| malformed(&error))? {
            Payload::Version { encoding, .. } if encoding != wasmparser::Encoding::Module => {
                return Err(ComponentError::AlreadyComponent);
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(|error| malformed(&error))?;
                    exports_start |= export.name == "_start" && export.kind == ExternalKind::Func;
                }
            }
            _ => {}
        }
    }
    Ok(exports_start)
}

fn unusable(adapter: &Adapter, error: &(dyn Error + 'static)) -> ComponentError {
    ComponentError::Adapter {
        name: adapter.name().to_owned(),
        cause: Cause::of(error),
    }
}

fn malformed(error: &wasmparser::BinaryReaderError) -> ComponentError {
    ComponentError::Module {
        cause: Cause::of(error),
    }
}

/// The adapters of a link, each name once. One that the caller gives replaces the built-in one.
fn adapters(options: &ComponentOptions, is_command: bool) -> impl Iterator<Item = Adapter> + '_ {
    let built_in = options.wasi_adapter.built_in(is_command);
    let given = &options.adapters;
    let built_in =
        built_in.filter(|adapter| !given.iter().any(|other| other.name() == adapter.name()));
    // Of two with one name, the later one counts.
    let given = given.iter().enumerate().filter(|(nth, adapter)| {
        let later = &given[nth + 1..];
        !later.iter().any(|other| other.name() == adapter.name())
    });
    built_in
        .into_iter()
        .chain(given.map(|(_, adapter)| adapter.clone()))
}

/// The error for a module that cannot be encoded with these adapters.
fn explain(module: &[u8], error: &(dyn Error + 'static), adapters: &[String]) -> ComponentError {
    ComponentError::Encode {
        needed: needed(module, adapters),
        cause: Cause::of(error),
    }
}

/// The imports that usually prevent encoding.
fn needed(module: &[u8], adapters: &[String]) -> Needed {
    let mut needed = Needed::default();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(payload) = payload else { break };
        let Payload::ImportSection(imports) = payload else {
            continue;
        };
        for import in imports.into_imports().flatten() {
            if adapters.iter().any(|name| name == import.module) {
                continue;
            }
            match import.module {
                "env" => needed.undefined.push(import.name.to_owned()),
                options::WASI_PREVIEW_1 => needed.wasi_preview_1 = true,
                _ => {}
            }
        }
    }
    needed
}
