//! Handles: how a caller names what it declared.
//!
//! Every handle is eight bytes: a slot of the table of its kind, and a tag that holds the
//! kind and the generation of the slot. Freeing a declaration advances the generation, so
//! a handle that outlived its declaration is told apart from the slot's next tenant.

use std::fmt;

/// What kind of declaration a [`Target`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum TargetKind {
    /// A function, defined or imported.
    Function = 0,
    /// A datum, by its address.
    Data = 1,
    /// A datum, by the address of its entry in the offset table.
    DataSlot = 2,
    /// A global.
    Global = 3,
    /// A table.
    Table = 4,
    /// A memory.
    Memory = 5,
    /// An exception tag.
    Tag = 6,
    /// A type of the module.
    Type = 7,
    /// A type that a [`FunctionBody`](super::FunctionBody) brings along; the module's own
    /// takes its place when the body is committed.
    BodyType = 8,
    /// A custom section.
    Custom = 9,
}

impl TargetKind {
    const ALL: [TargetKind; 10] = [
        TargetKind::Function,
        TargetKind::Data,
        TargetKind::DataSlot,
        TargetKind::Global,
        TargetKind::Table,
        TargetKind::Memory,
        TargetKind::Tag,
        TargetKind::Type,
        TargetKind::BodyType,
        TargetKind::Custom,
    ];

    /// What messages call it.
    pub const fn name(self) -> &'static str {
        match self {
            TargetKind::Function => "function",
            TargetKind::Data => "data",
            TargetKind::DataSlot => "offset table slot of data",
            TargetKind::Global => "global",
            TargetKind::Table => "table",
            TargetKind::Memory => "memory",
            TargetKind::Tag => "tag",
            TargetKind::Type | TargetKind::BodyType => "type",
            TargetKind::Custom => "custom section",
        }
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a hole refers to: any handle. Made with `Target::from(handle)` or
/// [`Target::slot_of`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    index: u32,
    /// Kind in the top byte, generation in the others.
    tag: u32,
}

/// Bits of a tag that hold the generation.
const GENERATION_BITS: u32 = 24;

/// The last generation a slot can have; it is not used again after that.
pub(super) const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

impl Target {
    #[inline]
    pub(super) const fn new(kind: TargetKind, index: u32, generation: u32) -> Self {
        Self {
            index,
            tag: (kind as u32) << GENERATION_BITS | generation,
        }
    }

    /// The entry of `data` in the offset table, as something whose address can be taken:
    /// what lies there is the address of `data`, wherever it moves.
    pub const fn slot_of(data: DataId) -> Self {
        Self::new(TargetKind::DataSlot, data.0.index, data.0.generation())
    }

    /// What kind of thing it is.
    #[inline]
    pub const fn kind(self) -> TargetKind {
        TargetKind::ALL[(self.tag >> GENERATION_BITS) as usize]
    }

    #[inline]
    pub(super) const fn index(self) -> usize {
        self.index as usize
    }

    #[inline]
    pub(super) const fn generation(self) -> u32 {
        self.tag & LAST_GENERATION
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}#{}.{}", self.kind(), self.index, self.generation())
    }
}

/// A handle of any kind that [`Module::free`](super::Module::free) and the other
/// operations on declarations take.
pub trait Handle: Copy + Into<Target> + sealed::Sealed {}

/// Keeps [`Handle`] to the handles of this module.
pub(super) mod sealed {
    /// See [`super::Handle`].
    pub trait Sealed {
        /// The handle, of whatever kind.
        fn target(&self) -> super::Target;
    }
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(super) Target);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for Target {
            #[inline]
            fn from(handle: $name) -> Target {
                handle.0
            }
        }

        impl sealed::Sealed for $name {
            #[inline]
            fn target(&self) -> Target {
                self.0
            }
        }

        impl Handle for $name {}
    )* };
}

handles! {
    /// A function, defined or imported.
    FuncId = Function;
    /// A datum in linear memory.
    DataId = Data;
    /// A global.
    GlobalId = Global;
    /// A table.
    TableId = Table;
    /// The memory.
    MemoryId = Memory;
    /// An exception tag.
    TagId = Tag;
    /// A custom section of the caller's.
    CustomId = Custom;
}

impl FuncId {
    #[inline]
    pub(super) const fn new(slot: u32, generation: u32) -> Self {
        Self(Target::new(TargetKind::Function, slot, generation))
    }
}

impl DataId {
    #[inline]
    pub(super) const fn new(slot: u32, generation: u32) -> Self {
        Self(Target::new(TargetKind::Data, slot, generation))
    }
}

/// A type of a module. Types are shared by everything that uses them and live as long as
/// the module; one that nothing uses is not written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(super) Target);

impl TypeId {
    #[inline]
    pub(super) const fn new(index: u32) -> Self {
        Self(Target::new(TargetKind::Type, index, 0))
    }

    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0.index()
    }
}

impl fmt::Debug for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<TypeId> for Target {
    #[inline]
    fn from(ty: TypeId) -> Target {
        ty.0
    }
}

/// An element segment (see [`Module::add_element`](super::Module::add_element)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// A comdat (see [`Module::comdat`](super::Module::comdat)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComdatId(pub(super) u32);
