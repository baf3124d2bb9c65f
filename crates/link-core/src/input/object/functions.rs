//! The functions that an object defines. A large link has more of them than of anything
//! else, most of them copies of inline functions that are dropped: what is known of one
//! takes few bytes, and what few of them have is kept apart.

use std::ops::Index;

use super::symbols::ObjectSymbol;
use super::{Chunk, Relocs};
use crate::ids::{ObjFunc, ObjSymbol, ObjType};

/// Functions, by [`ObjFunc`].
#[derive(Debug)]
pub struct Functions<'a> {
    list: Vec<Function>,
    bodies: BodyStore<'a>,
    /// By function; empty where none has one.
    debug_names: Vec<Option<&'a str>>,
    export_names: Vec<Option<&'a str>>,
}

/// What every phase asks of a function.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its type.
    pub ty: ObjType,
    symbol: u32,
    comdat: u32,
}

/// Stands for no symbol, and no comdat: a file has fewer.
const NONE: u32 = u32::MAX;

/// Where the bodies are.
#[derive(Debug)]
enum BodyStore<'a> {
    /// One behind the other in a code section, as their relocations in another section.
    Section {
        /// The section's contents.
        contents: &'a [u8],
        /// The entries of its relocation section.
        relocs: &'a [u8],
        places: Vec<BodyPlace>,
    },
    /// Each somewhere.
    Chunks(Vec<Chunk<'a>>),
}

/// Where a body is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyPlace {
    /// Where in the section's contents it begins.
    pub(crate) start: u32,
    len: u32,
    /// Where its relocations end among all; they begin where those of the function before
    /// it end.
    pub(crate) relocs_end: u32,
    /// What [`Relocs::Encoded`] says of them.
    pub(crate) plain: bool,
}

impl BodyPlace {
    /// The end of the body in the section's contents.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        u64::from(self.start) + u64::from(self.len)
    }
}

impl Function {
    /// A function of this type, without a name and in no comdat.
    pub fn new(ty: ObjType) -> Self {
        Self {
            ty,
            symbol: NONE,
            comdat: NONE,
        }
    }

    /// The first symbol that gives it a name.
    #[inline]
    pub fn symbol(&self) -> Option<ObjSymbol> {
        (self.symbol != NONE).then_some(ObjSymbol(self.symbol))
    }

    /// Its comdat, an index into [`Object::comdats`](super::Object::comdats).
    #[inline]
    pub fn comdat(&self) -> Option<u32> {
        (self.comdat != NONE).then_some(self.comdat)
    }

    /// Puts it into a comdat; returns the one it was in.
    pub fn set_comdat(&mut self, comdat: u32) -> Option<u32> {
        let before = self.comdat();
        self.comdat = comdat;
        before
    }
}

impl Default for Functions<'_> {
    fn default() -> Self {
        Self::in_section(&[], 0)
    }
}

impl<'a> Functions<'a> {
    /// None yet of `count` whose bodies lie in a section of these contents.
    pub(crate) fn in_section(contents: &'a [u8], count: usize) -> Self {
        let bodies = BodyStore::Section {
            contents,
            relocs: &[],
            places: Vec::with_capacity(count),
        };
        Self::new(Vec::with_capacity(count), bodies)
    }

    /// Functions whose bodies lie anywhere.
    pub(crate) fn of_chunks(functions: impl Iterator<Item = (Function, Chunk<'a>)>) -> Self {
        let (list, chunks) = functions.unzip();
        Self::new(list, BodyStore::Chunks(chunks))
    }

    fn new(list: Vec<Function>, bodies: BodyStore<'a>) -> Self {
        Self {
            list,
            bodies,
            debug_names: Vec::new(),
            export_names: Vec::new(),
        }
    }

    /// Adds one whose body has `len` bytes from `start` of the section's contents on.
    #[inline]
    pub(crate) fn push(&mut self, function: Function, start: u32, len: u32) {
        self.list.push(function);
        if let BodyStore::Section { places, .. } = &mut self.bodies {
            places.push(BodyPlace {
                start,
                len,
                relocs_end: 0,
                plain: true,
            });
        }
    }

    /// Says that the relocations of the bodies are among `entries`; which, is for the
    /// caller to note in each place.
    pub(crate) fn set_relocs(&mut self, entries: &'a [u8]) -> &mut [BodyPlace] {
        match &mut self.bodies {
            BodyStore::Section { relocs, places, .. } => {
                *relocs = entries;
                places
            }
            BodyStore::Chunks(_) => &mut [],
        }
    }

    /// Notes the name that a function has in the object's `name` section; the first is
    /// kept.
    pub(crate) fn set_debug_name(&mut self, function: ObjFunc, name: &'a str) {
        let names = &mut self.debug_names;
        names.resize(self.list.len(), None);
        names[function.index()].get_or_insert(name);
    }

    /// Notes the name that a function asks to be exported under.
    pub(crate) fn set_export_name(&mut self, function: ObjFunc, name: &'a str) {
        let names = &mut self.export_names;
        names.resize(self.list.len(), None);
        names[function.index()] = Some(name);
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Notes for each function the first of its object's `symbols` that gives it a name.
    pub(crate) fn take_names(&mut self, symbols: &[ObjectSymbol<'_>]) {
        for (i, symbol) in symbols.iter().enumerate() {
            if let Some(function) = symbol.function()
                && !symbol.name.is_empty()
            {
                let known = &mut self.list[function.index()].symbol;
                if *known == NONE {
                    *known = i as u32;
                }
            }
        }
    }

    /// One after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Function> {
        self.list.iter()
    }

    /// Their indices.
    pub fn ids(&self) -> impl Iterator<Item = ObjFunc> + use<> {
        (0..self.list.len() as u32).map(ObjFunc)
    }

    /// The bodies of all.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> {
        self.ids().map(|function| self.chunk(function))
    }

    /// One of them; `None` beyond the last.
    #[inline]
    pub fn get(&self, function: ObjFunc) -> Option<&Function> {
        self.list.get(function.index())
    }

    /// One of them, to change it; `None` beyond the last.
    #[inline]
    pub fn get_mut(&mut self, function: ObjFunc) -> Option<&mut Function> {
        self.list.get_mut(function.index())
    }

    /// A function's body: locals and code, without the size that precedes it in a section.
    #[inline]
    pub fn chunk(&self, function: ObjFunc) -> Chunk<'a> {
        let index = function.index();
        match &self.bodies {
            BodyStore::Section {
                contents,
                relocs,
                places,
            } => {
                let place = &places[index];
                let from = index
                    .checked_sub(1)
                    .map_or(0, |before| places[before].relocs_end);
                Chunk {
                    bytes: &contents[place.start as usize..][..place.len as usize],
                    relocs: Relocs::Encoded {
                        entries: &relocs[from as usize..],
                        after: relocs.len() - place.relocs_end as usize,
                        chunk_start: place.start,
                        plain: place.plain,
                    },
                }
            }
            BodyStore::Chunks(chunks) => chunks[index],
        }
    }

    /// How many bytes a function's body has.
    #[inline]
    pub fn body_len(&self, function: ObjFunc) -> u32 {
        match &self.bodies {
            BodyStore::Section { places, .. } => places[function.index()].len,
            BodyStore::Chunks(chunks) => chunks[function.index()].bytes.len() as u32,
        }
    }

    /// A function's name in the object's `name` section, if there is one.
    #[inline]
    pub fn debug_name(&self, function: ObjFunc) -> Option<&'a str> {
        self.debug_names.get(function.index()).copied().flatten()
    }

    /// The name that a function asks to be exported under (the `export_name` attribute).
    pub fn export_name(&self, function: ObjFunc) -> Option<&'a str> {
        self.export_names.get(function.index()).copied().flatten()
    }
}

impl<'f> IntoIterator for &'f Functions<'_> {
    type Item = &'f Function;
    type IntoIter = std::slice::Iter<'f, Function>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Index<ObjFunc> for Functions<'_> {
    type Output = Function;

    #[inline]
    fn index(&self, function: ObjFunc) -> &Function {
        &self.list[function.index()]
    }
}
