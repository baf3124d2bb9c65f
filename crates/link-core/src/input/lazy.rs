//! Inputs that are linked if they are needed.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use wasm_format::linking::{LINKING_SECTION, LinkingSection, Subsection, SymbolFlags, SymbolKind};

use super::fault::Parsed;
use super::keep::LoadedFiles;
use super::kind::{FileKind, RUST_METADATA_SECTION};
use super::object::Object;
use super::offered::OfferedNames;
use super::own_sections::first_own_section;
use super::parse::{ParseOptions, parse_object};
use super::section_headers::sections;
use crate::diag::{Code, Diagnostic};
use crate::env::{FileData, Files};
use crate::fingerprint::Numbered;
use crate::hash::HashMap;
use crate::par;

/// What is said of bitcode that would have to be linked.
pub(crate) const BITCODE_NEEDS_LLD: &str = "LLVM bitcode can only be linked by LLD (--backend=lld)";

/// A member of an archive, or an object between `--start-lib` and `--end-lib`: the names
/// it defines, and the way to parse it once one of them is needed.
pub struct LazyMember<'a> {
    pub(super) name: Name<'a>,
    pub(super) contents: LazyContents<'a>,
    /// The names of the whole archive, and which of them are this member's.
    pub(super) names: Arc<OfferedNames<'a>>,
    pub(super) own_names: Range<usize>,
    pub(super) options: ParseOptions,
    pub(super) access: Access<'a>,
}

/// What a link's inputs are called, put together only when it is asked for.
#[derive(Debug, Clone)]
pub(super) enum Name<'a> {
    /// A file.
    File(Arc<str>),
    /// A member of an archive.
    Member {
        /// What the archive and its members are called.
        archive: Arc<MemberNames<'a>>,
        /// The member, as the archive has it: most are never shown.
        member: &'a [u8],
    },
}

/// What the members of an archive are called.
#[derive(Debug)]
pub(super) struct MemberNames<'a> {
    archive: Arc<str>,
    /// The whole names of members whose own are long: any number of members may share one in the
    /// archive's table of names, and then they share it here.
    long: Mutex<HashMap<&'a [u8], Arc<str>>>,
}

impl<'a> MemberNames<'a> {
    /// Bytes of a name from which on it is long: several times a member's header.
    const LONG: usize = 256;

    pub(super) fn new(archive: Arc<str>) -> Self {
        Self {
            archive,
            long: Mutex::default(),
        }
    }

    /// A member's whole name.
    fn whole(&self, member: &'a [u8]) -> Arc<str> {
        let whole = || {
            let member = String::from_utf8_lossy(member);
            [&*self.archive, "(", &*member, ")"].concat().into()
        };
        if member.len() < Self::LONG {
            return whole();
        }
        let mut long = par::lock(&self.long);
        long.entry(member).or_insert_with(whole).clone()
    }
}

impl Name<'_> {
    /// The whole name.
    pub(super) fn get(&self) -> Arc<str> {
        match self {
            Name::File(name) => name.clone(),
            Name::Member { archive, member } => archive.whole(member),
        }
    }

    /// The archive that it is in.
    fn archive(&self) -> Option<Arc<str>> {
        match self {
            Name::File(_) => None,
            Name::Member { archive, .. } => Some(archive.archive.clone()),
        }
    }

    /// The name within the archive, if it is in one.
    pub(super) fn member(&self) -> Cow<'_, str> {
        match self {
            Name::File(name) => Cow::Borrowed(name),
            Name::Member { member, .. } => String::from_utf8_lossy(member),
        }
    }
}

/// Where contents are.
#[derive(Debug, Clone)]
pub(super) enum LazyContents<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file of their own: a member of a thin archive.
    File(PathBuf),
}

/// How files are opened, and where their contents are kept.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) loaded: &'a LoadedFiles,
}

impl<'a> Access<'a> {
    /// The file at `path`.
    pub(super) fn open(self, path: &Path) -> io::Result<&'a FileData> {
        Ok(self.loaded.keep_file(self.files.read(path)?))
    }

    /// The bytes of `contents`.
    pub(super) fn load(self, contents: &LazyContents<'a>) -> io::Result<&'a [u8]> {
        match contents {
            LazyContents::Bytes(bytes) => Ok(bytes),
            LazyContents::File(path) => Ok(self.open(path)?.bytes()),
        }
    }
}

/// The error about a file that could not be opened.
pub(super) fn cannot_open(path: &str, error: &io::Error) -> Diagnostic {
    let mut reason = error.to_string();
    // The number that the standard library appends tells users nothing.
    if let Some(end) = reason.rfind(" (os error ") {
        reason.truncate(end);
    }
    Diagnostic::error(Code::Io, format!("cannot open {path}: {reason}"))
}

impl<'a> LazyMember<'a> {
    /// How messages call it, such as `libc.a(printf.o)`.
    pub fn name(&self) -> Arc<str> {
        self.name.get()
    }

    /// The symbols that it defines and others can see, in the order of the archive's
    /// index or else of its symbol table.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = Cow<'_, str>> {
        self.names.texts(self.own_names.clone())
    }

    /// One of [`LazyMember::symbols`].
    pub(crate) fn symbol(&self, nth: usize) -> Cow<'_, str> {
        self.names.text(self.own_names.start + nth)
    }

    /// What tells [`LazyMember::symbols`] from other names.
    #[inline]
    pub(crate) fn offered(&self) -> &[Numbered] {
        self.names.of(self.own_names.clone())
    }

    /// Reads and parses it.
    ///
    /// # Errors
    /// The error names the member. That of a member which is bitcode has
    /// [`Code::Bitcode`], so that the caller can turn to LLD.
    pub fn parse(&self) -> Result<Object<'a>, Diagnostic> {
        let name = self.name();
        let bytes = self.bytes()?;
        // Parsing tells objects by the way, which nearly all are.
        let mut parsed = parse_object(&name, bytes, self.options, self.access.loaded);
        if let Ok(object) = &mut parsed {
            object.archive = self.name.archive();
        }
        if parsed
            .as_ref()
            .is_ok_and(|object| !is_rust_metadata(object))
        {
            return parsed;
        }
        match FileKind::of(bytes) {
            FileKind::Bitcode => {
                Err(Diagnostic::error(Code::Bitcode, BITCODE_NEEDS_LLD).in_file(&*name))
            }
            FileKind::Foreign(foreign) => Err(foreign.into_diagnostic(&name)),
            _ => parsed,
        }
    }

    /// The name of a custom section that it has for its own sake, and `--extract-custom-sections`
    /// links it for. Bitcode has none.
    ///
    /// # Errors
    /// If it cannot be read, or its sections cannot be told apart.
    pub(crate) fn own_section(&self) -> Result<Option<&'a str>, Diagnostic> {
        let bytes = self.bytes()?;
        first_own_section(bytes).map_err(|fault| fault.into_diagnostic(&self.name()))
    }

    fn bytes(&self) -> Result<&'a [u8], Diagnostic> {
        let loaded = self.access.load(&self.contents);
        loaded.map_err(|error| cannot_open(&self.name(), &error))
    }
}

/// Whether it is metadata of a Rust library in the form of an object: see [`FileKind::of`].
fn is_rust_metadata(object: &Object<'_>) -> bool {
    (object.customs.iter()).any(|custom| custom.name == RUST_METADATA_SECTION)
}

impl fmt::Debug for LazyMember<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyMember")
            .field("name", &self.name())
            .field("symbols", &self.symbols().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The symbols that the object `bytes` defines and others can see. Of the whole file only
/// the symbol table is looked at.
pub(super) fn defined_symbols(bytes: &[u8]) -> Parsed<Vec<&str>> {
    let mut names = Vec::new();
    for section in sections(bytes) {
        let section = section?;
        if section.name != LINKING_SECTION {
            continue;
        }
        let mut read = || -> Parsed<()> {
            for subsection in LinkingSection::decode(section.body.clone())? {
                let Subsection::SymbolTable(symbols) = subsection? else {
                    continue;
                };
                for symbol in symbols {
                    let symbol = symbol?;
                    let visible = !symbol.flags.contains(SymbolFlags::UNDEFINED)
                        && !symbol.flags.is_local()
                        && symbol.target.kind() != SymbolKind::Section;
                    if let (true, Some(name)) = (visible, symbol.name) {
                        names.push(name);
                    }
                }
            }
            Ok(())
        };
        read().map_err(|fault| fault.in_section(&section))?;
    }
    Ok(names)
}
