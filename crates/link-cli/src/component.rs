//! From a linked module to a component, by `link_component`.

use std::ffi::OsString;
use std::path::Path;

use link_component::{
    ADAPTER_VERSION, Adapter, Cause, ComponentError, ComponentOptions, Needed, StringEncoding,
    WasiAdapter, World, component,
};
use link_core::Files;

use crate::config::{ComponentArgs, Config, StringEncodingArg, WasiAdapterArg};
use crate::report::{Message, reason};
use crate::sys::InputFiles;

/// How many undefined symbols a message lists.
const LISTED: usize = 10;

/// The line of `--version` about components: the adapter decides how new a host has to be.
pub(crate) fn version() -> String {
    format!("components: adapters for WASI preview 1 of Wasmtime {ADAPTER_VERSION}\n")
}

/// The step from the linked module to a component.
pub(crate) struct ComponentStep {
    options: ComponentOptions,
    /// The files that were read for it.
    files: Vec<OsString>,
}

impl ComponentStep {
    /// The step that `config` asks for, with the files that it names; `None` if it asks for none.
    pub(crate) fn read(config: &Config, files: &InputFiles) -> Result<Option<Self>, Message> {
        let args = &config.own.component;
        if !args.is_wanted(config.options.output) {
            return Ok(None);
        }
        let mut step = Self {
            options: options(args),
            files: Vec::new(),
        };
        for (name, path) in &args.adapters {
            let contents = files
                .read(path)
                .map_err(|error| cannot_open(path, &error))?;
            let adapter = Adapter::new(name, contents.bytes());
            let adapter = adapter.map_err(|error| message(&error, &path.to_string_lossy()))?;
            step.options.adapters.push(adapter);
            step.files.push(path.into());
        }
        for path in &args.worlds {
            let world = World::read(path).map_err(|error| message(&error, ""))?;
            // Registered, so that reports list them and nothing overwrites them.
            let own = path.is_file().then_some(path);
            for file in own.into_iter().chain(world.files()) {
                files
                    .read(file)
                    .map_err(|error| cannot_open(file, &error))?;
                step.files.push(file.into());
            }
            step.options.worlds.push(world);
        }
        Ok(Some(step))
    }

    /// The files besides the module that the component is made of.
    pub(crate) fn files(&self) -> &[OsString] {
        &self.files
    }

    /// Makes the component. `section_files` are the objects that describe worlds, in the order of
    /// their sections; `name` is the output's.
    pub(crate) fn make(
        &mut self,
        module: &[u8],
        section_files: Vec<String>,
        name: &str,
    ) -> Result<Vec<u8>, Message> {
        self.options.section_files = section_files;
        component(module, &self.options).map_err(|error| message(&error, name))
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Message {
    Message::error(format!("cannot open {}: {}", path.display(), reason(error)))
}

fn options(args: &ComponentArgs) -> ComponentOptions {
    let mut options = ComponentOptions::default();
    options.wasi_adapter = match args.wasi_adapter {
        None => WasiAdapter::Auto,
        Some(WasiAdapterArg::Command) => WasiAdapter::Command,
        Some(WasiAdapterArg::Reactor) => WasiAdapter::Reactor,
        Some(WasiAdapterArg::Proxy) => WasiAdapter::Proxy,
        Some(WasiAdapterArg::None) => WasiAdapter::None,
    };
    options.string_encoding = match args.string_encoding {
        StringEncodingArg::Utf8 => StringEncoding::Utf8,
        StringEncodingArg::Utf16 => StringEncoding::Utf16,
        StringEncodingArg::CompactUtf16 => StringEncoding::CompactUtf16,
    };
    options.validate = args.validate;
    options.merge_imports_based_on_semver = !args.keep_import_versions;
    options.reject_legacy_names = args.reject_legacy_names;
    options.realloc_via_memory_grow = args.realloc_via_memory_grow;
    options.return_call_ref = args.return_call_ref;
    options
}

/// An error as a message, which begins with the file it is about: `file`, unless it names one.
fn message(error: &ComponentError, file: &str) -> Message {
    let text = error.to_string();
    let mut message = match error {
        ComponentError::Section { .. } | ComponentError::World { .. } => Message::error(text),
        _ => Message::error(format!("{file}: {text}")),
    };
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Cause>());
    for reason in cause.map(Cause::reasons).unwrap_or_default() {
        message.notes.extend(reason.lines().map(str::to_owned));
    }
    if let ComponentError::Encode { needed, .. } = error {
        message.notes.extend(hints(needed));
    }
    message
}

/// Hints about imports that nothing provides.
fn hints(needed: &Needed) -> Vec<String> {
    let mut hints = Vec::new();
    if let [names @ .., last] = &needed.undefined[..] {
        let shown: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
        let list = match (shown.len(), names.len()) {
            (0, _) => last.clone(),
            (some, all) if some < all => {
                format!("{} and {} more symbols", shown.join(", "), all + 1 - some)
            }
            _ => format!("{} and {last}", shown.join(", ")),
        };
        hints.push(format!(
            "nothing defines {list}; without --allow-undefined, the link says where it is needed"
        ));
    }
    if needed.wasi_preview_1 {
        hints.push(
            "the module is for WASI preview 1: --wasi-adapter=command, reactor or proxy, or \
             --adapt=wasi_snapshot_preview1=<file>, provides that"
                .to_owned(),
        );
    }
    hints
}
