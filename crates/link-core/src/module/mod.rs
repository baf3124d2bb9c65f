//! The engine for generated code: what a compiler's backend drives, one declaration at a
//! time, while it compiles.
//!
//! # Life of a declaration
//!
//! 1. It is **announced**, by name and kind, before there is code for it. The handle can be
//!    referred to from then on. Announcing it again returns the same handle.
//! 2. It is **updated**, as often as it changes. A [`FunctionBody`] is built apart from the
//!    module, in any thread, and committed with [`Module::update`]; so is a [`DataDef`].
//!    References are *holes*: places that are patched once the value is known.
//! 3. Or it **fails** ([`Module::fail`]): the rest of the module stays usable, and the next
//!    update clears the failure.
//! 4. It is **freed** ([`Module::free`]): its memory and its slots are used again. The
//!    handle is stale from then on, and using it is an error.
//!
//! At any time, [`Module::flush`] writes the finished module, and
//! [`Module::write_object`] the same as a relocatable object for a linker. Both read the
//! module and change nothing, so two in a row give identical bytes.
//!
//! # Memory
//!
//! The bytes of a module live in an arena of its own, at most about twice as large as what
//! is live however often declarations are updated and freed ([`Module::memory_use`]);
//! everything else is proportional to the number of declarations. Types and comdats live as
//! long as the module: there are few, and an unused one is not written.
//!
//! # Handles of two modules
//!
//! A handle is a place in the tables of its module. Handing it to another module is
//! answered as far as that module's tables go: with an error, or with the declaration
//! that has this place there.

mod announce;
mod arena;
mod body;
mod chain;
mod data;
mod decl;
mod decls;
mod defs;
mod distinct;
mod error;
mod exports;
mod flush;
mod handle;
mod holes;
mod init;
mod object;
mod output_file;
mod reflush;
mod slab;
mod slots;
mod types;
mod update;

use std::fmt;
use std::sync::Arc;

use wasm_format::target_features::FeaturePrefix;

pub use arena::MemoryUse;
pub use body::{FunctionBody, LocalType, Signature};
pub use data::DataDef;
pub use decl::{Binding, ImportName, SymbolAttributes, Visibility};
pub use defs::{CustomDef, ElementDef, ElementMode, GlobalDef, Init, MemoryDef, TableDef, TagDef};
pub use error::{DeclKind, DeclName, ModuleError, ModuleErrorKind};
pub use flush::{FlushError, FlushMap, Flushed, Location, Problem};
pub use handle::{
    ComdatId, CustomId, DataId, ElementId, FuncId, GlobalId, Handle, MemoryId, TableId, TagId,
    Target, TargetKind, TypeId,
};
pub use init::BadInit;
pub use object::LinkInput;
pub use output_file::OutputFile;
pub use reflush::{OpenOutput, Rewritten};
pub use types::RawType;
pub use update::Update;

use crate::hash::{IndexMap, IndexSet};
use arena::{Arena, Call, Hole};
use decls::Decls;
use exports::ExportDecl;
use reflush::Journal;

/// What is decided when a module is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModuleOptions {
    /// Whether memory and tables are addressed with `i64` (wasm64) instead of `i32`.
    pub memory64: bool,
    /// The module that imports come from unless they say otherwise.
    pub import_module: Arc<str>,
    /// Address of the first datum in a finished module, in bytes; not 0, so that no datum
    /// has the address of a null pointer. The offset table begins here. With a stack, the
    /// stack lies below, and the first datum after both.
    pub data_base: u64,
    /// Size of the stack in bytes in a finished module, where
    /// [`Module::stack_pointer`] begins at its upper end; `None` for a module that needs
    /// none. The stack lies at the bottom of the memory, so that an overflow traps instead
    /// of reaching data. In an object the linker makes the stack.
    pub stack_size: Option<u64>,
    /// Whether a finished module has a name section.
    pub names: bool,
}

impl Default for ModuleOptions {
    /// wasm32, imports from `env`, data from address 1024, no stack, names.
    fn default() -> Self {
        Self {
            memory64: false,
            import_module: "env".into(),
            data_base: 1024,
            stack_size: None,
            names: true,
        }
    }
}

impl ModuleOptions {
    /// Bytes of a pointer.
    pub(crate) fn pointer_size(&self) -> u64 {
        if self.memory64 { 8 } else { 4 }
    }
}

/// A module being compiled. See the [documentation of this module](self).
pub struct Module {
    options: ModuleOptions,
    name: Option<Arc<str>>,
    arena: Arena,
    decls: Decls,
    /// Symbols; one namespace for all kinds.
    names: IndexMap<Arc<str>, Target>,
    custom_names: IndexMap<Arc<str>, CustomId>,
    exports: IndexMap<Arc<str>, ExportDecl>,
    /// How many exports were ever set.
    export_count: u64,
    comdats: IndexSet<Arc<str>>,
    start: Option<FuncId>,
    init_functions: Vec<(u32, FuncId)>,
    /// Field → name → version.
    producers: IndexMap<Arc<str>, IndexMap<Arc<str>, Arc<str>>>,
    features: IndexMap<Arc<str>, FeaturePrefix>,
    scratch: CommitScratch,
    /// What changed since the module was last flushed into an open output, if it ever was.
    journal: Option<Box<Journal>>,
}

/// Where a body is brought into its committed form.
#[derive(Default)]
struct CommitScratch {
    holes: Vec<Hole>,
    calls: Vec<Call>,
    locals: Vec<u8>,
}

impl CommitScratch {
    fn clear(&mut self) {
        self.holes.clear();
        self.calls.clear();
        self.locals.clear();
    }
}

impl Default for Module {
    fn default() -> Self {
        Self::new(ModuleOptions::default())
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("name", &self.name)
            .field("declarations", &self.names.len())
            .field("memory", &self.memory_use())
            .finish_non_exhaustive()
    }
}

impl Module {
    /// An empty module.
    pub fn new(options: ModuleOptions) -> Self {
        Self {
            options,
            name: None,
            arena: Arena::new(),
            decls: Decls::new(),
            names: IndexMap::default(),
            custom_names: IndexMap::default(),
            exports: IndexMap::default(),
            export_count: 0,
            comdats: IndexSet::default(),
            start: None,
            init_functions: Vec::new(),
            producers: IndexMap::default(),
            features: IndexMap::default(),
            scratch: CommitScratch::default(),
            journal: None,
        }
    }

    /// What was decided when the module was made.
    pub fn options(&self) -> &ModuleOptions {
        &self.options
    }

    /// Names the module in the name section (core spec, 7.4.1 Name Section).
    pub fn set_name(&mut self, name: impl Into<Arc<str>>) {
        self.name = Some(name.into());
        self.note_other("the module's name");
    }

    /// Says what made the module (tool-conventions ProducersSection.md): `field` is
    /// `language`, `processed-by` or `sdk`. Saying it again replaces the version.
    pub fn set_producer(
        &mut self,
        field: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        version: impl Into<Arc<str>>,
    ) {
        let values = self.producers.entry(field.into()).or_default();
        values.insert(name.into(), version.into());
        self.note_other("the producers");
    }

    /// Says what the module needs or forbids (tool-conventions Linking.md, "Target
    /// Features Section"), by features' names such as `bulk-memory`. The set is replaced
    /// as a whole; of a name given twice the last one holds.
    pub fn set_target_features<S: Into<Arc<str>>>(
        &mut self,
        features: impl IntoIterator<Item = (FeaturePrefix, S)>,
    ) {
        let features = features.into_iter();
        self.features = features
            .map(|(prefix, name)| (name.into(), prefix))
            .collect();
        self.note_other("the target features");
    }

    /// What the bodies, data and holes of the module occupy.
    pub fn memory_use(&self) -> MemoryUse {
        self.arena.memory_use()
    }
}
