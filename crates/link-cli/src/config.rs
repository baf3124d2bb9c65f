//! What the command line means: every option as a typed value.
//!
//! [`build::build`] makes a [`Config`] from the parsed items; the backends read it.

mod build;
mod check;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use build::build;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::report;

/// The whole command line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Config {
    /// What ends the command before a link, if anything does.
    pub(crate) request: Option<Request>,
    /// `-v`: print the version, and link if there are inputs.
    pub(crate) print_version: bool,
    pub(crate) messages: report::Settings,
    pub(crate) link: LinkArgs,
    pub(crate) own: OwnArgs,
}

/// Something to be printed instead of linking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    Help,
    Version,
    Completions(Shell),
    Man,
    OptionsMd,
}

/// A shell that completions can be made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The options that `wasm-ld` has too. Sizes and addresses are in bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct LinkArgs {
    /// `-o`; `None` only when there is nothing to link.
    pub(crate) output: Option<PathBuf>,
    pub(crate) kind: OutputKind,
    /// `-m`.
    pub(crate) arch: Option<Arch>,
    /// `--threads`; `None`: one for each processor.
    pub(crate) threads: Option<NonZeroUsize>,
    /// `-O`.
    pub(crate) optimize: u32,
    /// Files and libraries in the order of the command line.
    pub(crate) inputs: Vec<Input>,
    /// `-L`, in order.
    pub(crate) library_paths: Vec<PathBuf>,
    pub(crate) symbols: SymbolArgs,
    pub(crate) memory: MemoryArgs,
    pub(crate) content: ContentArgs,
    pub(crate) dynamic: DynamicArgs,
    pub(crate) lto: LtoArgs,
    pub(crate) reports: ReportArgs,
}

/// What is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum OutputKind {
    #[default]
    Executable,
    /// `--pie`.
    PieExecutable,
    /// `--shared`.
    SharedLibrary,
    /// `--relocatable`.
    Relocatable,
}

/// The architecture that `-m` selects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arch {
    Wasm32,
    Wasm64,
}

/// One input and what the options before it say about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Input {
    pub(crate) what: InputKind,
    /// `--whole-archive` holds here.
    pub(crate) whole_archive: bool,
    /// `-Bdynamic` holds here: `-l` may take a shared library.
    pub(crate) allow_shared: bool,
    /// It stands between `--start-lib` and `--end-lib`.
    pub(crate) lazy: bool,
}

/// What an input is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum InputKind {
    /// A file by its path.
    File(PathBuf),
    /// `-l`: a library by its name, or `:` and a file name.
    Library(String),
}

/// Which symbols are wanted, and what happens to those that are missing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SymbolArgs {
    pub(crate) entry: Entry,
    /// `--undefined`, in order.
    pub(crate) undefined: Vec<String>,
    /// `--wrap`, in order.
    pub(crate) wrap: Vec<String>,
    /// `--allow-multiple-definition` or `-z muldefs`.
    pub(crate) allow_multiple_definition: bool,
    pub(crate) no_inhibit_exec: bool,
    pub(crate) unresolved: Unresolved,
    /// Undefined functions become imports whatever [`unresolved`](Self::unresolved) says.
    pub(crate) import_undefined: bool,
    /// `--allow-undefined-file`, in order.
    pub(crate) allow_undefined_files: Vec<PathBuf>,
    /// `--export`, in order.
    pub(crate) export: Vec<String>,
    /// `--export-if-defined`, in order.
    pub(crate) export_if_defined: Vec<String>,
    pub(crate) export_all: bool,
    /// `None`: for a shared library alone.
    pub(crate) export_dynamic: Option<bool>,
    /// `--check-features`.
    pub(crate) check_features: bool,
    /// `--features`; `None`: what the objects use.
    pub(crate) features: Option<Vec<String>>,
    /// `--extra-features`.
    pub(crate) extra_features: Vec<String>,
}

/// The entry point.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Entry {
    /// Neither `--entry` nor `--no-entry`.
    #[default]
    Default,
    /// `--no-entry`.
    None,
    /// `--entry`.
    Symbol(String),
}

/// What happens to an undefined symbol that does not become an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Unresolved {
    #[default]
    Error,
    Warn,
    Ignore,
    /// `import-dynamic`: it is imported as from a shared library.
    ImportDynamic,
}

/// Memory and table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct MemoryArgs {
    /// `-z stack-size=`.
    pub(crate) stack_size: Option<u64>,
    pub(crate) stack_first: bool,
    pub(crate) global_base: Option<u64>,
    /// `--table-base`, a table slot.
    pub(crate) table_base: Option<u64>,
    pub(crate) initial_memory: Option<u64>,
    pub(crate) initial_heap: Option<u64>,
    pub(crate) max_memory: Option<u64>,
    /// No `--no-growable-memory`.
    pub(crate) growable: bool,
    /// `--page-size`: 1 or 65536.
    pub(crate) page_size: u64,
    pub(crate) shared: bool,
    pub(crate) import: Option<MemoryImport>,
    /// The name that `--export-memory` gives.
    pub(crate) export: Option<String>,
    pub(crate) import_table: bool,
    pub(crate) export_table: bool,
    pub(crate) growable_table: bool,
}

/// `--import-memory`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MemoryImport {
    /// `None`: the default module of imports.
    pub(crate) module: Option<String>,
    pub(crate) name: String,
}

/// What of the inputs is in the output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ContentArgs {
    pub(crate) gc_sections: bool,
    pub(crate) merge_data_segments: bool,
    pub(crate) strip: Strip,
    /// `--keep-section`, in order.
    pub(crate) keep_sections: Vec<String>,
    pub(crate) build_id: BuildId,
    pub(crate) compress_relocations: bool,
    pub(crate) emit_relocs: bool,
}

/// `--strip-*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Strip {
    #[default]
    Nothing,
    Debug,
    All,
}

/// `--build-id`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum BuildId {
    #[default]
    None,
    Fast,
    Sha1,
    Uuid,
    /// Exactly these bytes.
    Bytes(Vec<u8>),
}

/// Dynamic linking.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct DynamicArgs {
    pub(crate) bsymbolic: bool,
    pub(crate) soname: Option<String>,
    /// `--rpath`, in order.
    pub(crate) rpath: Vec<String>,
    /// No `--no-shlib-sigcheck`.
    pub(crate) check_signatures: bool,
    pub(crate) experimental_pic: bool,
}

/// What only LLVM bitcode needs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct LtoArgs {
    /// `--lto-O`, 0 to 3.
    pub(crate) level: Option<u8>,
    /// `--lto-CGO`, 0 to 3.
    pub(crate) codegen_level: Option<u8>,
    pub(crate) partitions: Option<u32>,
    pub(crate) debug_pass_manager: bool,
    pub(crate) obj_path: Option<PathBuf>,
    pub(crate) disable_verify: bool,
    pub(crate) save_temps: bool,
    /// `-mllvm`, in order.
    pub(crate) mllvm: Vec<String>,
    pub(crate) thin: ThinLtoArgs,
}

/// `--thinlto-*`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ThinLtoArgs {
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) cache_policy: Option<String>,
    pub(crate) jobs: Option<String>,
    pub(crate) index_only: bool,
    /// The file of `--thinlto-index-only=`.
    pub(crate) index_only_list: Option<PathBuf>,
    pub(crate) emit_imports_files: bool,
    pub(crate) emit_index_files: bool,
    /// `--thinlto-object-suffix-replace`: old and new.
    pub(crate) object_suffix_replace: Option<(String, String)>,
    /// `--thinlto-prefix-replace`: old and new.
    pub(crate) prefix_replace: Option<(String, String)>,
}

/// What is said or written beside the output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ReportArgs {
    pub(crate) verbose: bool,
    pub(crate) demangle: bool,
    pub(crate) trace: bool,
    /// `--trace-symbol`, in order.
    pub(crate) trace_symbols: Vec<String>,
    pub(crate) print_gc_sections: bool,
    pub(crate) map: Option<Destination>,
    pub(crate) why_extract: Option<Destination>,
    pub(crate) reproduce: Option<PathBuf>,
}

impl ReportArgs {
    /// Where `--reproduce` writes; without it, where the environment says, as it does to `wasm-ld`.
    pub(crate) fn reproduce_file(&self) -> Option<PathBuf> {
        self.reproduce.clone().or_else(|| {
            let path = std::env::var_os("LLD_REPRODUCE")?;
            (!path.is_empty()).then(|| path.into())
        })
    }

    /// Whether something is to be printed on standard output.
    pub(crate) fn uses_stdout(&self) -> bool {
        self.trace
            || !self.trace_symbols.is_empty()
            || self.print_gc_sections
            || self.map == Some(Destination::Stdout)
            || self.why_extract == Some(Destination::Stdout)
    }
}

/// Where a report goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Destination {
    Stdout,
    File(PathBuf),
}

/// The options that only `wasm-link` has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OwnArgs {
    pub(crate) backend: Backend,
    pub(crate) lld_path: Option<PathBuf>,
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) verbose_link: bool,
    pub(crate) time: bool,
    pub(crate) cref: bool,
    pub(crate) dependency_file: Option<PathBuf>,
    pub(crate) error_signature_mismatch: bool,
    /// The module of imports that name none; `None`: `env`.
    pub(crate) host_module: Option<String>,
    pub(crate) wasi: WasiArgs,
}

/// `--backend`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Backend {
    #[default]
    Auto,
    Native,
    Lld,
}

/// What is linked from a WASI sysroot.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct WasiArgs {
    pub(crate) sysroot: Option<PathBuf>,
    pub(crate) exec_model: Option<ExecModel>,
    pub(crate) libc: bool,
    pub(crate) libcxx: bool,
    /// `--wasi-emulated`, in order.
    pub(crate) emulated: Vec<String>,
}

impl WasiArgs {
    /// Whether anything is asked of the sysroot.
    pub(crate) fn is_used(&self) -> bool {
        self.exec_model.is_some() || self.libc || self.libcxx || !self.emulated.is_empty()
    }
}

/// `--exec-model`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExecModel {
    Command,
    Reactor,
}
