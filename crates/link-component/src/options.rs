//! The parts of a component besides its module.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use wasi_preview1_component_adapter_provider as provider;
use wit_parser::{Resolve, WorldId};

use crate::error::{Cause, ComponentError};

/// The module of imports that programs for WASI preview 1 have.
pub(crate) const WASI_PREVIEW_1: &str = provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;

/// How a component is made. The defaults are those of `wasm-component-ld`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ComponentOptions {
    /// Which built-in adapter translates the imports of WASI preview 1, if the module has any.
    pub wasi_adapter: WasiAdapter,
    /// Adapters of the caller's. One of them stands in for a built-in one of the same name.
    pub adapters: Vec<Adapter>,
    /// Worlds besides those that the module itself describes.
    pub worlds: Vec<World>,
    /// How strings are passed to and from functions of [`worlds`](Self::worlds).
    pub string_encoding: StringEncoding,
    /// Validate the component. An invalid one is an error of this crate's, not of the caller's.
    pub validate: bool,
    /// Import one version of an interface where several compatible ones are asked for.
    pub merge_imports_based_on_semver: bool,
    /// Take only the names that the component model standardises for imports and exports of
    /// the module.
    pub reject_legacy_names: bool,
    /// Let adapters allocate with `memory.grow` instead of the module's `cabi_realloc`.
    pub realloc_via_memory_grow: bool,
    /// Let generated shims call with `return_call_ref` instead of `call_indirect`.
    pub return_call_ref: bool,
    /// The objects that the module's `component-type` sections are from, in the order of the
    /// sections. Errors name them; where they are missing, errors name the sections.
    pub section_files: Vec<String>,
}

impl Default for ComponentOptions {
    fn default() -> Self {
        Self {
            wasi_adapter: WasiAdapter::default(),
            adapters: Vec::new(),
            worlds: Vec::new(),
            string_encoding: StringEncoding::default(),
            validate: false,
            merge_imports_based_on_semver: true,
            reject_legacy_names: false,
            realloc_via_memory_grow: false,
            return_call_ref: false,
            section_files: Vec::new(),
        }
    }
}

/// The built-in adapters, from WASI preview 1 to WASI 0.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WasiAdapter {
    /// [`Command`](Self::Command) for a module that exports `_start`, else
    /// [`Reactor`](Self::Reactor).
    #[default]
    Auto,
    /// For programs: the component exports `wasi:cli/run`.
    Command,
    /// For libraries: the component exports what its worlds say.
    Reactor,
    /// For HTTP handlers: imports only what the world `wasi:http/proxy` has.
    Proxy,
    /// None.
    None,
}

impl WasiAdapter {
    /// The adapter, for a module that is a command or not.
    pub(crate) fn built_in(self, is_command: bool) -> Option<Adapter> {
        let bytes = match self {
            Self::Auto if is_command => provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
            Self::Command => provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
            Self::Auto | Self::Reactor => provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            Self::Proxy => provider::WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER,
            Self::None => return None,
        };
        Some(Adapter {
            name: WASI_PREVIEW_1.to_owned(),
            bytes: Cow::Borrowed(bytes),
        })
    }
}

/// A core module that provides the imports of one module name in terms of WIT interfaces.
#[derive(Clone)]
pub struct Adapter {
    name: String,
    bytes: Cow<'static, [u8]>,
}

impl Adapter {
    /// An adapter for the imports of the module `name`. `contents` is a binary module or one in text
    /// format.
    ///
    /// # Errors
    ///
    /// The text is malformed.
    pub fn new(name: impl Into<String>, contents: &[u8]) -> Result<Self, ComponentError> {
        let name = name.into();
        match wat::parse_bytes(contents) {
            Ok(bytes) => Ok(Self {
                name,
                bytes: Cow::Owned(bytes.into_owned()),
            }),
            Err(error) => Err(ComponentError::Adapter {
                name,
                cause: Cause::of(&error),
            }),
        }
    }

    /// The module whose imports it provides.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter")
            .field("name", &self.name)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// A WIT world that was read from a file or a directory.
#[derive(Clone)]
pub struct World {
    path: PathBuf,
    files: Vec<PathBuf>,
    pub(crate) resolve: Resolve,
    pub(crate) id: WorldId,
}

impl World {
    /// Reads the one world of the package at `path`: a WIT file, a directory of WIT files with their
    /// dependencies in `deps`, or a binary WIT package.
    ///
    /// # Errors
    ///
    /// Something cannot be read or is malformed, or there is no world, or several.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ComponentError> {
        let path = path.as_ref();
        let mut resolve = Resolve::default();
        let read = resolve.push_path(path).and_then(|(package, sources)| {
            let id = resolve.select_world(&[package], None)?;
            Ok((id, sources.paths().map(Path::to_owned).collect()))
        });
        match read {
            Ok((id, files)) => Ok(Self {
                path: path.to_owned(),
                files,
                resolve,
                id,
            }),
            Err(error) => Err(ComponentError::World {
                path: path.to_owned(),
                // With the line that is wrong, where that is known.
                cause: Cause::new(resolve.render_error(&error)),
            }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that were read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("path", &self.path)
            .field("name", &self.resolve.worlds[self.id].name)
            .finish_non_exhaustive()
    }
}

/// How strings are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StringEncoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16.
    Utf16,
    /// Latin-1 or UTF-16, whichever each string allows.
    CompactUtf16,
}

impl From<StringEncoding> for wit_component::StringEncoding {
    fn from(encoding: StringEncoding) -> Self {
        match encoding {
            StringEncoding::Utf8 => Self::UTF8,
            StringEncoding::Utf16 => Self::UTF16,
            StringEncoding::CompactUtf16 => Self::CompactUTF16,
        }
    }
}
