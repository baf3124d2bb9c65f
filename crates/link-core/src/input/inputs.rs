//! What a link is given, and what reading makes of it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::lazy::LazyMember;
use super::object::Object;
use super::symbol_lists::SymbolLists;
use crate::diag::Diagnostics;
use crate::env::FileData;

/// The inputs of a link, in command line order.
#[derive(Debug, Default)]
pub struct Inputs<'a> {
    /// `-L`: where `-l` libraries are looked for, in order.
    pub search_paths: Vec<PathBuf>,
    /// Files, libraries, bytes and objects.
    pub inputs: Vec<Input<'a>>,
}

/// One input and the positional options that were in force where it stood.
#[derive(Debug)]
pub struct Input<'a> {
    /// What it is.
    pub source: InputSource<'a>,
    /// `--whole-archive`: all of an archive's members are linked.
    pub whole_archive: bool,
    /// Between `--start-lib` and `--end-lib`: an object is linked only if it is needed,
    /// as if it were in an archive.
    pub lazy: bool,
    /// `-Bdynamic`: for a `-l` library, `libNAME.so` is looked for before `libNAME.a`.
    pub dynamic: bool,
}

/// Where an input comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum InputSource<'a> {
    /// A file.
    Path(PathBuf),
    /// `-l`: `libNAME.a` (or `libNAME.so`, see [`Input::dynamic`]) in the search paths;
    /// after a `:`, the file of that very name.
    Library(String),
    /// Contents in memory, and the name that messages use.
    Bytes {
        /// How messages call it.
        name: String,
        /// The contents: anything a file could hold.
        data: FileData,
    },
    /// An object that was made, not read. Always linked.
    Object(Box<Object<'a>>),
}

impl<'a> Input<'a> {
    /// An input with no positional option in force.
    pub fn new(source: InputSource<'a>) -> Self {
        Self {
            source,
            whole_archive: false,
            lazy: false,
            dynamic: false,
        }
    }

    /// A file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self::new(InputSource::Path(path.into()))
    }

    /// A library of the search paths, as `-l` names it.
    pub fn library(name: impl Into<String>) -> Self {
        Self::new(InputSource::Library(name.into()))
    }

    /// Contents in memory.
    pub fn bytes(name: impl Into<String>, data: FileData) -> Self {
        Self::new(InputSource::Bytes {
            name: name.into(),
            data,
        })
    }

    /// An object that was made, not read.
    pub fn object(object: Object<'a>) -> Self {
        Self::new(InputSource::Object(Box::new(object)))
    }
}

/// What reading returns.
#[derive(Debug, Default)]
pub struct ReadInputs<'a> {
    /// What was found, in command line order; an archive's members in its order.
    pub inputs: Vec<ReadInput<'a>>,
    /// Symbols that may stay undefined: `.imports` files beside archives list them, and those of
    /// `--allow-undefined-file`.
    pub may_stay_undefined: Vec<&'a str>,
    /// What `--version-script`, `--dynamic-list` and `--retain-symbols-file` list.
    pub lists: SymbolLists<'a>,
    /// What went wrong, in command line order.
    pub diagnostics: Diagnostics,
}

/// One thing to link.
#[derive(Debug)]
pub enum ReadInput<'a> {
    /// An object that is linked in any case.
    Object(Box<Object<'a>>),
    /// A member of an archive, or of a `--start-lib` group: linked if it is needed.
    Lazy(LazyMember<'a>),
    /// A shared library: a module with a `dylink.0` section.
    Shared(RawFile<'a>),
    /// A stub library: text that begins with `#STUB`.
    Stub(RawFile<'a>),
    /// LLVM bitcode that is linked in any case, which only LLD can do.
    Bitcode(RawFile<'a>),
}

/// A file that was told by its contents and not parsed.
#[derive(Clone)]
pub struct RawFile<'a> {
    /// How messages call it.
    pub name: Arc<str>,
    /// Its contents.
    pub bytes: &'a [u8],
}

impl fmt::Debug for RawFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawFile({}, {} bytes)", self.name, self.bytes.len())
    }
}
