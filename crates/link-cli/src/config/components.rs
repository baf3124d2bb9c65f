//! Options about components.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use link_core::options::OutputKind;

use crate::options::Opt;
use crate::sys;

/// The options that say how a component is made.
pub(super) const ABOUT_COMPONENTS: [Opt; 9] = [
    Opt::WasiAdapter,
    Opt::Adapt,
    Opt::ComponentType,
    Opt::StringEncoding,
    Opt::ValidateComponent,
    Opt::MergeImportsBasedOnSemver,
    Opt::RejectLegacyNames,
    Opt::ReallocViaMemoryGrow,
    Opt::ReturnCallRef,
];

/// How a component is made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ComponentArgs {
    /// The later of `--component` and `--no-component`.
    pub(crate) switch: Option<bool>,
    /// `--skip-wit-component`.
    pub(crate) skip: bool,
    /// `--wasi-adapter`; `None`: what suits the module.
    pub(crate) wasi_adapter: Option<WasiAdapterArg>,
    /// `--adapt`, in order: names and files.
    pub(crate) adapters: Vec<(String, PathBuf)>,
    /// `--component-type`, in order.
    pub(crate) worlds: Vec<PathBuf>,
    pub(crate) string_encoding: StringEncodingArg,
    pub(crate) validate: bool,
    pub(crate) keep_import_versions: bool,
    pub(crate) reject_legacy_names: bool,
    pub(crate) realloc_via_memory_grow: bool,
    pub(crate) return_call_ref: bool,
}

impl ComponentArgs {
    /// Whether a link that makes a `kind` makes a component of it.
    pub(crate) fn is_wanted(&self, kind: OutputKind) -> bool {
        self.is_possible(kind) && self.switch == Some(true)
    }

    /// Whether the link could make a component, and no option decides.
    pub(crate) fn is_undecided(&self, kind: OutputKind) -> bool {
        self.is_possible(kind) && self.switch.is_none()
    }

    fn is_possible(&self, kind: OutputKind) -> bool {
        !self.skip && matches!(kind, OutputKind::Executable | OutputKind::Pie)
    }
}

/// `--wasi-adapter`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WasiAdapterArg {
    Command,
    Reactor,
    Proxy,
    None,
}

/// `--string-encoding`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum StringEncodingArg {
    #[default]
    Utf8,
    Utf16,
    CompactUtf16,
}

/// The name and the file of an `--adapt`: `[name=]file`. `None`: one of them is empty, or the name is
/// not valid Unicode.
pub(crate) fn split_adapter(value: &OsStr) -> Option<(String, PathBuf)> {
    let bytes = value.as_encoded_bytes();
    let (name, path) = if let Some(at) = bytes.iter().position(|byte| *byte == b'=') {
        let name = std::str::from_utf8(&bytes[..at]).ok()?;
        let path = sys::os_string(bytes[at + 1..].to_vec()).ok()?;
        (name, PathBuf::from(path))
    } else {
        let path = Path::new(value);
        (path.file_stem()?.to_str()?, path.to_owned())
    };
    let is_whole = !name.is_empty() && !path.as_os_str().is_empty();
    is_whole.then(|| (name.to_owned(), path))
}
