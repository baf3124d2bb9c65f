//! The `name` section: what debuggers and stack traces call things (core spec, appendix
//! 7.7 Custom Sections and Annotations, and the extended-name-section proposal for what it lacks).
//!
//! The section is a sequence of subsections, each at most once, in the order of their
//! codes ([`NameSubsectionId`]). The writer calls the `put_*` functions in that order.
//!
//! ```
//! use wasm_format::names::*;
//! use wasm_format::{Reader, put_custom_section};
//!
//! let mut body = Vec::new();
//! put_module_name(&mut body, "hello");
//! let functions = [Naming { index: 0, name: "main" }, Naming { index: 3, name: "memcpy" }];
//! put_name_map(&mut body, NameSubsectionId::Function, functions);
//! let locals = [(0, [Naming { index: 0, name: "argc" }])];
//! put_indirect_name_map(&mut body, NameSubsectionId::Local, locals);
//!
//! let mut module = wasm_format::MODULE_HEADER.to_vec();
//! put_custom_section(&mut module, NAME_SECTION, &body);
//!
//! for subsection in decode(Reader::new(&body)) {
//!     if let NameSubsection::Map(NameSubsectionId::Function, names) = subsection.unwrap() {
//!         assert_eq!(names.map(Result::unwrap).collect::<Vec<_>>(), functions);
//!     }
//! }
//! ```

use crate::entries::{Entries, entry};
use crate::error::Result;
use crate::leb128::{len_u32, len_u64, put_name, put_u32, put_u64};
use crate::reader::Reader;

/// Name of the custom section.
pub const NAME_SECTION: &str = "name";

/// Code of a subsection of the name section, in the order that they stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum NameSubsectionId {
    /// The module's name.
    Module = 0,
    /// Names of functions.
    Function = 1,
    /// Names of locals, for each function.
    Local = 2,
    /// Names of labels, for each function.
    Label = 3,
    /// Names of types.
    Type = 4,
    /// Names of tables.
    Table = 5,
    /// Names of memories.
    Memory = 6,
    /// Names of globals.
    Global = 7,
    /// Names of element segments.
    Element = 8,
    /// Names of data segments.
    Data = 9,
    /// Names of fields, for each struct type.
    Field = 10,
    /// Names of tags.
    Tag = 11,
}

impl NameSubsectionId {
    /// Every subsection, in order.
    pub const ALL: [NameSubsectionId; 12] = [
        NameSubsectionId::Module,
        NameSubsectionId::Function,
        NameSubsectionId::Local,
        NameSubsectionId::Label,
        NameSubsectionId::Type,
        NameSubsectionId::Table,
        NameSubsectionId::Memory,
        NameSubsectionId::Global,
        NameSubsectionId::Element,
        NameSubsectionId::Data,
        NameSubsectionId::Field,
        NameSubsectionId::Tag,
    ];

    /// The subsection of code `code`.
    pub fn from_u8(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether names stand within something that has an index of its own: locals and
    /// labels within functions, fields within types.
    pub const fn is_indirect(self) -> bool {
        matches!(
            self,
            NameSubsectionId::Local | NameSubsectionId::Label | NameSubsectionId::Field
        )
    }
}

/// A name of something that has an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Naming<'a> {
    /// The index, in the index space that the subsection is about.
    pub index: u32,
    /// The name.
    pub name: &'a str,
}

impl<'a> Naming<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Bytes that [`Naming::encode`] appends.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        len_u32(self.index) + len_u64(self.name.len() as u64) + self.name.len()
    }

    /// Appends the index and the name.
    #[expect(
        clippy::inline_always,
        reason = "modules have a name for each function, and a call for each takes 6 % of a flush"
    )]
    #[inline(always)]
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.index);
        put_name(out, self.name);
    }

    /// Decodes an index and a name.
    #[inline]
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            index: reader.u32()?,
            name: reader.name()?,
        })
    }
}

/// The names within one function or type.
#[derive(Debug, Clone)]
pub struct IndirectNaming<'a> {
    /// Index of the function or type.
    pub index: u32,
    /// The names within it.
    pub names: Entries<'a, Naming<'a>>,
}

impl<'a> IndirectNaming<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Decodes an index and the names that belong to it.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            index: reader.u32()?,
            names: Entries::decode_prefix(reader)?,
        })
    }
}

entry!(Naming<'a>, "name");
entry!(IndirectNaming<'a>, "indirect name");

/// A subsection of the name section.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NameSubsection<'a> {
    /// The module's name.
    Module(&'a str),
    /// Names by index; the id says in which index space.
    Map(NameSubsectionId, Entries<'a, Naming<'a>>),
    /// Names of locals, labels or fields, by the index of their function or type.
    Indirect(NameSubsectionId, Entries<'a, IndirectNaming<'a>>),
    /// A subsection that this version does not know, to be passed over.
    Unknown {
        /// Its code.
        code: u8,
        /// Its contents.
        bytes: &'a [u8],
    },
}

impl<'a> NameSubsection<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let code = reader.u8()?;
        let len = reader.u32()?;
        let mut body = reader.sub(len as usize)?;
        Ok(match NameSubsectionId::from_u8(code) {
            None => NameSubsection::Unknown {
                code,
                bytes: body.rest(),
            },
            Some(NameSubsectionId::Module) => {
                let name = body.name()?;
                body.finish("the module's name")?;
                NameSubsection::Module(name)
            }
            Some(id) if id.is_indirect() => NameSubsection::Indirect(id, Entries::decode(body)?),
            Some(id) => NameSubsection::Map(id, Entries::decode(body)?),
        })
    }
}

/// The subsections of a name section, each framed within its bounds. `reader` is at the
/// section's contents, after its own name. Ends after the first error.
///
/// Their order is not checked: readers of names have always been lenient with each other.
pub fn decode(mut reader: Reader<'_>) -> impl Iterator<Item = Result<NameSubsection<'_>>> {
    std::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let subsection = NameSubsection::decode(&mut reader);
        if subsection.is_err() {
            reader = Reader::at(&[], reader.offset());
        }
        Some(subsection)
    })
}

/// Appends the subsection that names the module.
pub fn put_module_name(out: &mut Vec<u8>, name: &str) {
    out.push(NameSubsectionId::Module as u8);
    put_u64(out, (len_u64(name.len() as u64) + name.len()) as u64);
    put_name(out, name);
}

/// Appends a subsection of names by index, which must ascend.
///
/// The names are walked twice, first to know the size; nothing is allocated but `out`.
/// For subsections that are [indirect](NameSubsectionId::is_indirect) use
/// [`put_indirect_name_map`].
pub fn put_name_map<'n>(
    out: &mut Vec<u8>,
    id: NameSubsectionId,
    names: impl IntoIterator<Item = Naming<'n>, IntoIter: Clone>,
) {
    debug_assert!(!id.is_indirect() && id != NameSubsectionId::Module);
    let names = names.into_iter();
    let (count, len) = measure(names.clone());
    put_name_map_header(out, id, count, len);
    names.for_each(|naming| naming.encode(out));
}

/// Appends what a subsection of names begins with: its id, its size, and how many entries it
/// has. `entries_len` is the size of the entries in bytes. For a writer that has the entries
/// already, or knows their size without walking them.
///
/// ```
/// use wasm_format::names::*;
///
/// let main = Naming { index: 0, name: "main" };
/// let mut body = Vec::new();
/// put_name_map_header(&mut body, NameSubsectionId::Function, 1, main.encoded_len());
/// main.encode(&mut body);
///
/// let mut walked = Vec::new();
/// put_name_map(&mut walked, NameSubsectionId::Function, [main]);
/// assert_eq!(body, walked);
/// ```
#[inline]
pub fn put_name_map_header(
    out: &mut Vec<u8>,
    id: NameSubsectionId,
    count: u32,
    entries_len: usize,
) {
    debug_assert!(id != NameSubsectionId::Module);
    out.push(id as u8);
    put_u64(out, (len_u32(count) + entries_len) as u64);
    put_u32(out, count);
}

/// Appends a subsection of names within functions or types, given as pairs of the
/// function's or type's index and the names. Indices must ascend.
pub fn put_indirect_name_map<'n, N>(
    out: &mut Vec<u8>,
    id: NameSubsectionId,
    groups: impl IntoIterator<Item = (u32, N), IntoIter: Clone>,
) where
    N: IntoIterator<Item = Naming<'n>, IntoIter: Clone>,
{
    debug_assert!(id.is_indirect());
    let groups = groups.into_iter();
    let mut total = 0u32;
    let mut len = 0;
    for (index, names) in groups.clone() {
        let (count, names_len) = measure(names.into_iter());
        total += 1;
        len += len_u32(index) + len_u32(count) + names_len;
    }
    put_name_map_header(out, id, total, len);
    for (index, names) in groups {
        let names = names.into_iter();
        put_u32(out, index);
        put_u32(out, measure(names.clone()).0);
        names.for_each(|naming| naming.encode(out));
    }
}

/// How many names there are and the bytes that they take, without their count.
fn measure<'n>(names: impl Iterator<Item = Naming<'n>>) -> (u32, usize) {
    names.fold((0, 0), |(count, len), naming| {
        (count + 1, len + naming.encoded_len())
    })
}
