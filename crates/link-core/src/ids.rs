//! Index spaces as types, so that mixing them does not compile. The first group counts
//! within one object file, the second within one link, the third in the output module.

use std::num::NonZeroU32;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a slice.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A symbol, by its place in its object's symbol table.
    ObjSymbol;
    /// A function that an object defines: its function index less the imported ones.
    ObjFunc;
    /// A data segment of an object.
    ObjSegment;
    /// A custom section of an object that the linker keeps, by its place in
    /// `Object::customs`.
    ObjCustom;
    /// A global that an object defines: its global index less the imported ones.
    ObjGlobal;
    /// A table that an object defines: its table index less the imported ones.
    ObjTable;
    /// A tag that an object defines: its tag index less the imported ones.
    ObjTag;
    /// A type of an object's type section.
    ObjType;
    /// What an object says of a symbol that it does not define, by its place in
    /// `Object::undefined`.
    ObjUndefined;

    /// An object that takes part in the link, in the order in which they were added.
    FileId;

    /// A function of the output's function index space, imports first.
    FuncIndex;
    /// A global of the output's global index space, imports first.
    GlobalIndex;
    /// A table of the output's table index space, imports first.
    TableIndex;
    /// A tag of the output's tag index space, imports first.
    TagIndex;
    /// A type of the output's type section.
    TypeIndex;
    /// A slot of the output's indirect function table.
    TableSlot;
}

/// A symbol that is not local to its file: one for each name. There are long lists
/// that have none in places, and `None` takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolId(NonZeroU32);

impl SymbolId {
    /// The symbol of this index.
    #[inline]
    pub const fn new(index: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    /// As an index into a slice.
    #[inline]
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}
