//! What marking returns: which chunks and symbols are reached and so part of the output.
//! Made by `mark`, read by `synthesize`, `layout` and `write`.

use super::ids::{FileId, ObjFunc, ObjGlobal, ObjSegment, ObjTable, ObjTag, SymbolId};
use super::object::{ObjTarget, Object, Segment};
use super::resolution::{Definition, Resolution, SymbolRef};

/// What is reached.
#[derive(Debug, Default)]
pub struct Liveness {
    /// For each object, its live pieces.
    pub files: Vec<FileLiveness>,
    /// For each [`SymbolId`], whether it is reached.
    pub symbols: Vec<bool>,
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
}

impl Liveness {
    /// Whether a symbol is live: what lies in a chunk is as live as the chunk, whoever
    /// reached it; anything else if it was reached itself.
    #[inline]
    pub fn symbol(&self, resolution: &Resolution<'_>, symbol: SymbolRef) -> bool {
        match resolution.definition(symbol) {
            Definition::Object {
                file,
                symbol: entry,
            } => match resolution.target(file, entry) {
                ObjTarget::Function(function) => self.function(file, function),
                ObjTarget::Data { segment, .. } => self.segment(file, segment),
                ObjTarget::Global(global) => self.global(file, global),
                ObjTarget::Table(table) => self.table(file, table),
                ObjTarget::Tag(tag) => self.tag(file, tag),
                ObjTarget::Section(_) => true,
                ObjTarget::Absolute { .. } | ObjTarget::Undefined { .. } => match symbol {
                    SymbolRef::Global(id) => self.reached(id),
                    SymbolRef::Local(..) => true,
                },
            },
            _ => match symbol {
                SymbolRef::Global(id) => self.reached(id),
                SymbolRef::Local(..) => false,
            },
        }
    }

    /// Whether a symbol was itself reached by a root or a live relocation.
    #[inline]
    pub fn reached(&self, symbol: SymbolId) -> bool {
        self.symbols[symbol.index()]
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

    /// The segments of an object that are reached.
    pub fn segments_of<'o, 'a>(
        &'o self,
        file: FileId,
        object: &'o Object<'a>,
    ) -> impl Iterator<Item = &'o Segment<'a>> {
        let segments = object
            .segments
            .iter()
            .zip(&self.files[file.index()].segments);
        segments.filter_map(|(segment, live)| live.then_some(segment))
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
