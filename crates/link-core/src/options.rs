//! What a link is asked to do. The names are `wasm-ld`'s; the defaults are those of LLVM
//! 23's `wasm-ld`.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

/// Options of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What is made.
    pub output: OutputKind,
    /// Name of the output file, for messages only.
    pub output_name: String,
    /// Bits of an address; `None` takes what the objects say, and 32 if none says.
    pub is_64: Option<bool>,
    /// `--entry`/`--no-entry`: the function that starts the program.
    pub entry: Entry,
    /// `--export`: symbols that must be defined and are exported.
    pub exports: Vec<String>,
    /// `--export-if-defined`: symbols that are exported if they are defined.
    pub exports_if_defined: Vec<String>,
    /// `--export-all`
    pub export_all: bool,
    /// `--exclude-libs`: archives whose symbols are not exported, unless the command line names
    /// them.
    pub exclude_libs: ExcludedLibraries,
    /// `--version-script`: files that say which symbols are local, and so not exported.
    pub version_scripts: Vec<PathBuf>,
    /// `--dynamic-list`: files that list what a program exports, or what a loader may replace in a
    /// shared library.
    pub dynamic_lists: Vec<PathBuf>,
    /// `--retain-symbols-file`: files that list the symbols which are not local.
    pub retain_symbols_files: Vec<PathBuf>,
    /// `--export-dynamic` / `--no-export-dynamic`; `None` for a shared library alone.
    pub export_dynamic: Option<bool>,
    /// `--undefined`: symbols whose definitions are linked and kept, with all that they need,
    /// although nothing refers to them.
    pub undefined: Vec<String>,
    /// `--wrap`: references to `X` go to `__wrap_X`, references to `__real_X` go to `X`.
    pub wrap: Vec<String>,
    /// `--defsym`: symbols that the command line defines; of one name the last counts.
    pub defsyms: Vec<Defsym>,
    /// `--trace-symbol`: collect [`Report::traced`](crate::report::Report::traced).
    pub trace_symbols: BTreeSet<String>,
    /// `--trace`: collect [`Report::files`](crate::report::Report::files).
    pub trace: bool,
    /// `--why-extract`: collect
    /// [`Report::extractions`](crate::report::Report::extractions).
    pub why_extract: bool,
    /// `--cref`: collect
    /// [`Report::cross_references`](crate::report::Report::cross_references).
    pub cross_references: bool,
    /// `--why`: names and patterns of symbols of which [`Report::why`](crate::report::Report::why) says
    /// why they are in the output.
    pub why: Vec<String>,
    /// `--why-import`: the same of imports, as `MODULE.NAME`.
    pub why_imports: Vec<String>,
    /// `--error-signature-mismatch`: a function that is called with a signature that is not its
    /// own is an error. By default it is a warning, and the call traps.
    pub error_signature_mismatch: bool,
    /// What becomes of undefined symbols.
    pub unresolved: Unresolved,
    /// `--import-undefined`: undefined functions become imports.
    pub import_undefined: bool,
    /// Symbols that may stay undefined, as if `--allow-undefined` were given for them.
    pub allowed_undefined: BTreeSet<String>,
    /// `--allow-undefined-file`: files that list such symbols, one to a line; a line that begins with
    /// `#` is a comment. The link reads them through [`Env::files`](crate::Env::files).
    pub allow_undefined_files: Vec<PathBuf>,
    /// `--allow-multiple-definition`
    pub allow_multiple_definition: bool,
    /// `--noinhibit-exec`: a symbol that is defined more than once is a warning, and its
    /// last definition is taken.
    pub no_inhibit_exec: bool,
    /// `--gc-sections` (default) / `--no-gc-sections`
    pub gc_sections: bool,
    /// `--print-gc-sections`: collect
    /// [`Report::discarded`](crate::report::Report::discarded).
    pub print_gc_sections: bool,
    /// `--no-demangle` turns it off: names in messages and in the `name` section.
    pub demangle: bool,
    /// `-O`: 0 to 2. Strings are merged from 1, tail-merged from 2 on.
    pub optimize: u32,
    /// What is stripped.
    pub strip: Strip,
    /// `--keep-section`: custom sections kept in spite of `--strip-all`.
    pub keep_sections: BTreeSet<String>,
    /// `--extract-custom-sections`: members of archives are linked for their custom sections, too,
    /// although nothing refers to what they define.
    pub extract_custom_sections: bool,
    /// `--compress-relocations`: write relocated LEB128 in code as short as it goes.
    pub compress_relocations: bool,
    /// `--emit-relocs`
    pub emit_relocs: bool,
    /// `--max-function-body-size`: a function that the linker writes is split into several if its
    /// body has more bytes. By default the limit of engines.
    pub max_function_body_size: u64,
    /// `--no-compact-imports` turns it off: where the feature `compact-imports` is on, imports of
    /// one module are written as a group, with the module's name once.
    pub compact_imports: bool,
    /// `--merge-data-segments` / `--no-merge-data-segments`; `None` merges, but not into an
    /// object file.
    pub merge_data_segments: Option<bool>,
    /// Memory and stack.
    pub memory: MemoryOptions,
    /// The indirect function table.
    pub table: TableOptions,
    /// `--build-id`
    pub build_id: BuildId,
    /// Target features.
    pub features: FeatureOptions,
    /// Position-independent code and shared libraries.
    pub pic: PicOptions,
    /// `--threads`: 1 uses no thread but the caller's; `None` as many as there are cores.
    pub threads: Option<usize>,
    /// `--error-limit`: stop after so many errors; 0 never stops.
    pub error_limit: usize,
    /// `--fatal-warnings`
    pub fatal_warnings: bool,
    /// Collect [`Linked::map`](crate::output::Linked::map): what went where.
    pub map: bool,
    /// `--size-report`: collect [`Linked::size`](crate::output::Linked::size), where the output's
    /// bytes come from.
    pub size_report: bool,
    /// `--host-module`: the module of imports whose source names none. `env` by default.
    pub default_import_module: String,
    /// Leaves room in an executable for changes: a [`Session`](crate::Session) asks for it.
    pub(crate) room: bool,
}

/// What a link makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OutputKind {
    /// A module that is run as it is.
    #[default]
    Executable,
    /// `-pie`: a module that a loader places.
    Pie,
    /// `-shared`: a shared library (DynamicLinking.md).
    Shared,
    /// `-r`: an object file.
    Relocatable,
}

impl OutputKind {
    /// Whether a loader decides where data and table slots lie.
    pub const fn is_pic(self) -> bool {
        matches!(self, OutputKind::Pie | OutputKind::Shared)
    }
}

/// The function that starts the program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Entry {
    /// `_start` for an executable, `__wasm_call_ctors` for a shared library, none for an
    /// object file.
    #[default]
    Default,
    /// `--no-entry`
    None,
    /// `--entry=NAME`
    Named(String),
}

/// A symbol that the command line defines.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Defsym {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: DefsymValue,
}

/// What the command line defines a symbol as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DefsymValue {
    /// Another name of this symbol.
    Symbol(String),
    /// This address.
    Address(u64),
}

/// The archives whose symbols are not exported.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ExcludedLibraries {
    /// All of them.
    pub all: bool,
    /// Their file names, without directories.
    pub names: BTreeSet<String>,
}

impl ExcludedLibraries {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.all && self.names.is_empty()
    }

    /// Whether the archive at `path` is one of them.
    pub fn contains(&self, path: &str) -> bool {
        let name = Path::new(path).file_name();
        let name = name.map_or_else(|| path.into(), |name| name.to_string_lossy());
        self.all || self.names.contains(&*name)
    }
}

/// What becomes of undefined symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Unresolved {
    /// `--unresolved-symbols=report-all`: an error.
    #[default]
    Error,
    /// `--warn-unresolved-symbols`: a warning.
    Warn,
    /// `--unresolved-symbols=ignore-all`: functions trap when called, addresses are 0.
    Ignore,
    /// `--unresolved-symbols=import-dynamic`: imports, functions and data.
    ImportDynamic,
}

/// What is stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Strip {
    /// Nothing.
    #[default]
    None,
    /// `--strip-debug`: debug info.
    Debug,
    /// `--strip-all`: debug info, names, producers, target features.
    All,
}

/// Memory and stack. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOptions {
    /// `-z stack-size`
    pub stack_size: u64,
    /// `--stack-first` (default): the stack lies below the data, so that an overflow
    /// traps.
    pub stack_first: bool,
    /// `--global-base`: where data begins.
    pub global_base: Option<u64>,
    /// `--initial-memory`
    pub initial: Option<u64>,
    /// `--initial-heap`
    pub initial_heap: Option<u64>,
    /// `--max-memory`
    pub max: Option<u64>,
    /// `--no-growable-memory`: the maximum is the initial size.
    pub growable: bool,
    /// `--page-size`
    pub page_size: u64,
    /// `--import-memory`
    pub import: Option<MemoryImport>,
    /// `--export-memory`: name. Without import and export options a memory is exported
    /// as `memory`.
    pub export: Option<String>,
    /// `--shared-memory`
    pub shared: bool,
    /// `--cooperative-threading`: threads take turns, and one instance of the module runs them all.
    pub cooperative: bool,
}

/// The memory as an import.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemoryImport {
    /// The module; `None` is that of all imports that name none
    /// ([`Options::default_import_module`]).
    pub module: Option<String>,
    /// The name.
    pub name: String,
}

/// The indirect function table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// `--table-base`: the first slot used.
    pub base: Option<u64>,
    /// `--import-table`
    pub import: bool,
    /// `--export-table`
    pub export: bool,
    /// `--growable-table`
    pub growable: bool,
}

/// The `build_id` section (tool-conventions BuildId.md).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BuildId {
    /// None.
    #[default]
    None,
    /// A UUID made of a quick hash (XXH3) of the output, 16 bytes.
    Fast,
    /// SHA-1 over those of the output's blocks of 1 MiB, 20 bytes.
    Sha1,
    /// Random, 16 bytes; see [`BuildId::random_uuid`].
    Uuid([u8; 16]),
    /// What the user says.
    Hex(Vec<u8>),
}

impl BuildId {
    /// A random UUID (RFC 9562, version 4).
    ///
    /// The numbers are those with which the standard library keys its hash tables. Where the platform
    /// has none, as inside WebAssembly, they are fixed; a caller with a better source fills
    /// [`BuildId::Uuid`].
    pub fn random_uuid() -> Self {
        let random = || RandomState::new().build_hasher().finish().to_le_bytes();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&random());
        bytes[8..].copy_from_slice(&random());
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Self::Uuid(bytes)
    }
}

/// Target features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureOptions {
    /// `--features`: these, instead of what the objects say.
    pub only: Option<Vec<String>>,
    /// `--extra-features`: these too.
    pub extra: Vec<String>,
    /// `--check-features` (default)
    pub check: bool,
}

/// Position-independent code and shared libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PicOptions {
    /// `-Bsymbolic`
    pub bsymbolic: bool,
    /// `-Bsymbolic-functions`: as `bsymbolic`, for functions alone.
    pub bsymbolic_functions: bool,
    /// `--no-shlib-sigcheck` turns it off.
    pub check_shared_signatures: bool,
    /// `--soname`
    pub soname: Option<String>,
    /// `--rpath`
    pub rpath: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            output: OutputKind::Executable,
            output_name: "a.out".into(),
            is_64: None,
            entry: Entry::Default,
            exports: Vec::new(),
            exports_if_defined: Vec::new(),
            export_all: false,
            exclude_libs: ExcludedLibraries::default(),
            version_scripts: Vec::new(),
            dynamic_lists: Vec::new(),
            retain_symbols_files: Vec::new(),
            export_dynamic: None,
            undefined: Vec::new(),
            wrap: Vec::new(),
            defsyms: Vec::new(),
            trace_symbols: BTreeSet::new(),
            trace: false,
            why_extract: false,
            cross_references: false,
            why: Vec::new(),
            why_imports: Vec::new(),
            error_signature_mismatch: false,
            unresolved: Unresolved::Error,
            import_undefined: false,
            allowed_undefined: BTreeSet::new(),
            allow_undefined_files: Vec::new(),
            allow_multiple_definition: false,
            no_inhibit_exec: false,
            gc_sections: true,
            print_gc_sections: false,
            demangle: true,
            optimize: 1,
            strip: Strip::None,
            keep_sections: BTreeSet::new(),
            extract_custom_sections: false,
            compress_relocations: false,
            emit_relocs: false,
            max_function_body_size: crate::limits::BODY_BYTES,
            compact_imports: true,
            merge_data_segments: None,
            memory: MemoryOptions {
                stack_size: wasm_format::PAGE_SIZE,
                stack_first: true,
                global_base: None,
                initial: None,
                initial_heap: None,
                max: None,
                growable: true,
                page_size: wasm_format::PAGE_SIZE,
                import: None,
                export: None,
                shared: false,
                cooperative: false,
            },
            table: TableOptions::default(),
            build_id: BuildId::None,
            features: FeatureOptions {
                only: None,
                extra: Vec::new(),
                check: true,
            },
            pic: PicOptions {
                bsymbolic: false,
                bsymbolic_functions: false,
                check_shared_signatures: true,
                soname: None,
                rpath: Vec::new(),
            },
            threads: None,
            error_limit: 20,
            fatal_warnings: false,
            map: false,
            size_report: false,
            default_import_module: "env".into(),
            room: false,
        }
    }
}

impl Options {
    /// Whether the output is an object file.
    pub fn is_relocatable(&self) -> bool {
        self.output == OutputKind::Relocatable
    }

    /// Whether the output says what a linker needs to move its parts again: an object
    /// file, or a finished module under `--emit-relocs`.
    pub fn is_relinkable(&self) -> bool {
        self.is_relocatable() || self.emit_relocs
    }

    /// Whether a loader decides where data and table slots lie.
    pub fn is_pic(&self) -> bool {
        self.output.is_pic()
    }

    /// Whether each thread has thread-local data of its own, made from a template.
    pub fn has_threads(&self) -> bool {
        self.memory.shared || self.memory.cooperative
    }

    /// Whether the output exports its table of functions. Threads that take turns begin with a
    /// function of the table, so that their host needs it.
    pub fn exports_table(&self) -> bool {
        let is_own = !self.table.import && !self.is_pic() && !self.is_relocatable();
        self.table.export || self.memory.cooperative && is_own
    }

    /// Whether every symbol that is not hidden is exported.
    pub fn exports_dynamic(&self) -> bool {
        let shared = self.output == OutputKind::Shared;
        self.export_dynamic.unwrap_or(shared)
    }

    /// The files that options name and the link reads, in the order in which it does.
    pub fn files_read(&self) -> impl Iterator<Item = &PathBuf> {
        (self.allow_undefined_files.iter())
            .chain(&self.version_scripts)
            .chain(&self.dynamic_lists)
            .chain(&self.retain_symbols_files)
    }

    /// Whether data segments of one kind become one.
    pub fn merges_data_segments(&self) -> bool {
        self.merge_data_segments.unwrap_or(!self.is_relocatable())
    }

    /// Module and name of the memory, if it is imported. A shared library lives in the
    /// memory of its loader.
    pub fn memory_import(&self) -> Option<(&str, &str)> {
        match (&self.memory.import, self.output) {
            (Some(import), _) => {
                let module = import.module.as_ref();
                Some((module.unwrap_or(&self.default_import_module), &import.name))
            }
            (None, OutputKind::Shared) => Some(("env", "memory")),
            (None, _) => None,
        }
    }

    /// The name that the memory is exported under, if it is.
    pub fn memory_export(&self) -> Option<&str> {
        if self.is_relocatable() {
            return None;
        }
        match &self.memory.export {
            Some(name) => Some(name),
            None if self.memory_import().is_none() => Some("memory"),
            None => None,
        }
    }

    /// Whether debug sections are dropped.
    pub fn strip_debug(&self) -> bool {
        self.strip >= Strip::Debug
    }

    /// The name of the entry function, if the output has one.
    pub fn entry_name(&self) -> Option<&str> {
        match (&self.entry, self.output) {
            (Entry::Named(name), _) => Some(name),
            (Entry::Default, OutputKind::Executable | OutputKind::Pie) => Some("_start"),
            // Loaded, a library is started by its constructors.
            (Entry::Default, OutputKind::Shared) => Some("__wasm_call_ctors"),
            _ => None,
        }
    }
}
