//! What a caller of the engine can get wrong.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use wasm_format::reloc::RelocType;

use super::handle::{Target, TargetKind};
use super::init::BadInit;
use crate::limits::{EngineLimit, InvalidLimits};

/// What a declaration was announced as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DeclKind {
    /// A function of this module.
    Function,
    /// A function from elsewhere.
    ImportedFunction,
    /// A datum of this module.
    Data,
    /// A datum of another object file.
    ImportedData,
    /// A global of this module.
    Global,
    /// A global from elsewhere.
    ImportedGlobal,
    /// A table of this module.
    Table,
    /// A table from elsewhere.
    ImportedTable,
    /// The memory, made by this module.
    Memory,
    /// The memory, from elsewhere.
    ImportedMemory,
    /// An exception tag of this module.
    Tag,
    /// An exception tag from elsewhere.
    ImportedTag,
    /// A custom section.
    Custom,
    /// A type.
    Type,
    /// An element segment.
    Element,
    /// The module's start function or one of its init functions, as what refers to a
    /// function.
    Start,
}

impl DeclKind {
    pub(super) const fn of(kind: TargetKind, imported: bool) -> Self {
        match (kind, imported) {
            (TargetKind::Function, false) => DeclKind::Function,
            (TargetKind::Function, true) => DeclKind::ImportedFunction,
            (TargetKind::Data | TargetKind::DataSlot, false) => DeclKind::Data,
            (TargetKind::Data | TargetKind::DataSlot, true) => DeclKind::ImportedData,
            (TargetKind::Global, false) => DeclKind::Global,
            (TargetKind::Global, true) => DeclKind::ImportedGlobal,
            (TargetKind::Table, false) => DeclKind::Table,
            (TargetKind::Table, true) => DeclKind::ImportedTable,
            (TargetKind::Memory, false) => DeclKind::Memory,
            (TargetKind::Memory, true) => DeclKind::ImportedMemory,
            (TargetKind::Tag, false) => DeclKind::Tag,
            (TargetKind::Tag, true) => DeclKind::ImportedTag,
            (TargetKind::Type | TargetKind::BodyType, _) => DeclKind::Type,
            (TargetKind::Custom, _) => DeclKind::Custom,
        }
    }
}

impl fmt::Display for DeclKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeclKind::Function => "function",
            DeclKind::ImportedFunction => "imported function",
            DeclKind::Data => "data",
            DeclKind::ImportedData => "imported data",
            DeclKind::Global => "global",
            DeclKind::ImportedGlobal => "imported global",
            DeclKind::Table => "table",
            DeclKind::ImportedTable => "imported table",
            DeclKind::Memory => "memory",
            DeclKind::ImportedMemory => "imported memory",
            DeclKind::Tag => "tag",
            DeclKind::ImportedTag => "imported tag",
            DeclKind::Custom => "custom section",
            DeclKind::Type => "type",
            DeclKind::Element => "element segment",
            DeclKind::Start => "the module's",
        })
    }
}

/// A declaration as a message names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeclName {
    /// What it is.
    pub kind: DeclKind,
    /// The name it was announced with. Of a type or an element segment its number; of a
    /// stale handle the handle itself once nothing remembers the name.
    pub name: Arc<str>,
}

impl fmt::Display for DeclName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)
    }
}

/// An operation on a declaration failed and changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{declaration}: {kind}")]
pub struct ModuleError {
    /// The declaration.
    pub declaration: DeclName,
    /// What is wrong.
    pub kind: ModuleErrorKind,
}

/// What is wrong with an operation on a declaration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ModuleErrorKind {
    /// The handle's declaration was freed.
    #[error("the handle is stale: the declaration was freed")]
    Stale,
    /// The name is taken by a declaration of another kind.
    #[error("the name is already announced as {announced}")]
    AlreadyAnnounced {
        /// As what.
        announced: DeclKind,
    },
    /// There is no room for another declaration, type or table slot of the kind.
    #[error("there are too many of this kind (the format allows 2^32 - 1)")]
    TooMany,
    /// The contents are larger than the format allows.
    #[error("{size} bytes are too many (a declaration can have 4 GiB)")]
    TooLarge {
        /// Their size in bytes.
        size: u64,
    },
    /// An import was given code, locals or contents.
    #[error("an import has a type, but no contents")]
    ContentsOfImport,
    /// A body's code does not end with `end`.
    #[error("the code does not end with the `end` opcode (0x0b)")]
    MissingEnd,
    /// A hole does not lie in the contents.
    #[error("the hole at offset {offset} needs {width} bytes, but the contents end at {size}")]
    HoleOutside {
        /// Offset of the hole in bytes.
        offset: u32,
        /// Its width in bytes.
        width: usize,
        /// Size of the contents in bytes.
        size: usize,
    },
    /// Holes overlap or are not in the order of their offsets.
    #[error("the hole at offset {offset} begins before the previous one ends, at {previous_end}")]
    HoleOrder {
        /// Offset of the hole in bytes.
        offset: u32,
        /// Where the hole before it ends.
        previous_end: usize,
    },
    /// A relocation type cannot be used for this kind of target.
    #[error("the hole at offset {offset} is a {} and cannot refer to a {target}", ty.name())]
    HoleTarget {
        /// Offset of the hole in bytes.
        offset: u32,
        /// How it is patched.
        ty: RelocType,
        /// What it was to refer to.
        target: TargetKind,
    },
    /// A relocation type is not for this place: a code or section offset outside a custom
    /// section, or a form that only position-independent code has.
    #[error("the hole at offset {offset} is a {}, which has no meaning here", ty.name())]
    HoleType {
        /// Offset of the hole in bytes.
        offset: u32,
        /// How it was to be patched.
        ty: RelocType,
    },
    /// A hole refers to something that does not exist any more.
    #[error("the hole at offset {offset} refers to {target}, which was freed")]
    StaleTarget {
        /// Offset of the hole in bytes.
        offset: u32,
        /// What it refers to.
        target: DeclName,
    },
    /// A type that was not made by this module.
    #[error("{ty:?} is not a type of this module")]
    UnknownType {
        /// The type's handle.
        ty: Target,
    },
    /// A `FuncType` or a local names a type by a number, but types are numbered at flush.
    #[error(
        "a type refers to another one by its index; use `Module::raw_types`, whose holes are \
         patched when types are numbered"
    )]
    ConcreteTypeIndex,
    /// There is more of something than engines take.
    #[error("{0}")]
    EngineLimit(EngineLimit),
    /// The comdat is not one of this module.
    #[error("the comdat is none of this module")]
    UnknownComdat,
    /// Zero-filled data has holes.
    #[error("zero-filled data has no place for holes")]
    HolesInZeroFill,
    /// Alignment is no power of two, or more than 2^31.
    #[error("alignment {align} is not a power of two of at most 2^31")]
    Alignment {
        /// The alignment in bytes.
        align: u64,
    },
    /// A local was named twice.
    #[error("local {local} has two names")]
    LocalNamedTwice {
        /// The local's index, parameters first.
        local: u32,
    },
    /// Two exports have the same name.
    #[error("`{export}` is already exported by {by}")]
    ExportTaken {
        /// The export's name.
        export: Arc<str>,
        /// What has it.
        by: DeclName,
    },
    /// An operation on imports was asked of something that is none.
    #[error("it is not imported, so it has no import name")]
    NotImported,
    /// The kind cannot do this.
    #[error("{what} is not possible for this kind")]
    NotPossible {
        /// What was asked for.
        what: &'static str,
    },
    /// An undefined symbol cannot be local, nor in a comdat.
    #[error("an import is an undefined symbol, which cannot be {what}")]
    SymbolOfImport {
        /// What it was to be.
        what: &'static str,
    },
    /// There is a memory already; the linking conventions know one.
    #[error("the module already has {first}")]
    SecondMemory {
        /// The memory.
        first: DeclName,
    },
    /// No module can have a memory or table of these limits.
    #[error("{0}")]
    Limits(InvalidLimits),
    /// An exception tag has results.
    #[error("an exception carries parameters alone, but the tag has results")]
    TagResults,
    /// The declaration is made by the engine and has its contents from it.
    #[error("its contents are made by the engine")]
    Builtin,
    /// A global of this module needs an initial value.
    #[error("a global that is not imported needs an initial value")]
    MissingInit,
    /// The initial value of a global is no constant expression (core spec 3.0, 3.4.15
    /// Constant Expressions) in which every index is a hole.
    #[error("the initial value {0}")]
    BadInit(BadInit),
    /// A hole takes the address of an offset table slot that the datum does not have.
    #[error(
        "the hole at offset {offset} refers to the offset table slot of {target}, which has \
         none; call `Module::use_offset_slot` first"
    )]
    NoOffsetSlot {
        /// Offset of the hole in bytes.
        offset: u32,
        /// The datum.
        target: DeclName,
    },
}

pub(super) type Result<T> = std::result::Result<T, ModuleError>;
