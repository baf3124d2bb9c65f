//! What marking returns: which chunks and symbols are reached and so part of the output.
//! Made by `mark`, read by `synthesize`, `layout` and `write`.

use super::ids::{FileId, ObjFunc, ObjGlobal, ObjSegment, ObjSymbol, ObjTable, ObjTag, SymbolId};
use super::resolution::SymbolRef;

/// What is reached.
#[derive(Debug, Default)]
pub struct Liveness {
    /// For each object, its live pieces.
    pub files: Vec<FileLiveness>,
    /// For each [`SymbolId`], whether it is reached.
    pub symbols: Vec<bool>,
    /// Whether anything live needs the indirect function table although no symbol names
    /// it (a table slot relocation).
    pub needs_table: bool,
}

/// The live pieces of one object. All vectors are as long as the object's own.
#[derive(Debug, Default)]
pub struct FileLiveness {
    /// Whether anything of the file is live: if not, its custom sections are dropped.
    pub any: bool,
    /// Defined functions.
    pub functions: Vec<bool>,
    /// Data segments.
    pub segments: Vec<bool>,
    /// Defined globals.
    pub globals: Vec<bool>,
    /// Defined tables.
    pub tables: Vec<bool>,
    /// Defined tags.
    pub tags: Vec<bool>,
    /// Types that a live relocation names.
    pub types: Vec<bool>,
    /// Local symbols that are reached; entries of other symbols are meaningless.
    pub symbols: Vec<bool>,
}

impl Liveness {
    /// Whether a symbol is reached.
    #[inline]
    pub fn symbol(&self, symbol: SymbolRef) -> bool {
        match symbol {
            SymbolRef::Global(id) => self.global_symbol(id),
            SymbolRef::Local(file, symbol) => self.local_symbol(file, symbol),
        }
    }

    /// Whether a symbol of the whole link is reached.
    #[inline]
    pub fn global_symbol(&self, symbol: SymbolId) -> bool {
        self.symbols[symbol.index()]
    }

    /// Whether a file's own symbol is reached.
    #[inline]
    pub fn local_symbol(&self, file: FileId, symbol: ObjSymbol) -> bool {
        self.files[file.index()].symbols[symbol.index()]
    }

    /// Whether a function is reached.
    #[inline]
    pub fn function(&self, file: FileId, function: ObjFunc) -> bool {
        self.files[file.index()].functions[function.index()]
    }

    /// Whether a segment is reached.
    #[inline]
    pub fn segment(&self, file: FileId, segment: ObjSegment) -> bool {
        self.files[file.index()].segments[segment.index()]
    }

    /// Whether a global is reached.
    #[inline]
    pub fn global(&self, file: FileId, global: ObjGlobal) -> bool {
        self.files[file.index()].globals[global.index()]
    }

    /// Whether a table is reached.
    #[inline]
    pub fn table(&self, file: FileId, table: ObjTable) -> bool {
        self.files[file.index()].tables[table.index()]
    }

    /// Whether a tag is reached.
    #[inline]
    pub fn tag(&self, file: FileId, tag: ObjTag) -> bool {
        self.files[file.index()].tags[tag.index()]
    }
}
