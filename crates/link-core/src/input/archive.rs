//! Archives: GNU, BSD and thin ones, with an index or without.
//!
//! An archive is a sequence of members, each behind a header of 60 bytes of text. Going
//! from header to header finds them all and touches no member's contents. The index, if
//! there is one, is the first member and says which member defines which symbol.
//!
//! Headers between large members are read and not looked at in the archive's mapping: each
//! look would map what lies around.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Parsed};
use super::kind::{ARCHIVE_MAGIC, FileKind, THIN_MAGIC};
use super::offered::OfferedNames;
use super::prefetch::look_at;
use crate::env::ReadAt;
use crate::hash::HashSet;
use crate::sys;

/// Bytes of a member's header.
const HEADER_LEN: usize = 60;
/// Longest name of a member that is believed, in bytes: what systems allow for a path.
const MAX_NAME_LEN: usize = 4096;
/// How the name of an index in BSD's form begins.
const BSD_INDEX: &[u8] = b"__.SYMDEF";
/// Bytes of a member that tell what it is.
const MAGIC_LEN: usize = 4;
/// Bytes of a member from which on what follows it is far away: systems map so many at once.
const FAR: usize = 64 << 10;

/// An archive whose headers were gone through.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    /// In the order of the file, without the archive's own tables.
    pub(super) members: Vec<Member<'a>>,
    index: Option<Index<'a>>,
}

/// A member of an archive.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Where its header is, in bytes.
    header: usize,
    pub(super) name: &'a [u8],
    /// Its contents; `None` in a thin archive, whose members are files.
    pub(super) bytes: Option<&'a [u8]>,
    /// Whether it begins as something that can be linked; so may a file.
    pub(super) may_be_linked: bool,
}

/// A member's header, and how the member begins.
struct Header {
    bytes: [u8; HEADER_LEN],
    magic: [u8; MAGIC_LEN],
}

impl Header {
    /// The header at the beginning of `bytes`.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk()?;
        // There may be less of the last member.
        let mut magic = [0; MAGIC_LEN];
        for (to, from) in magic.iter_mut().zip(rest) {
            *to = *from;
        }
        Some(Self {
            bytes: *header,
            magic,
        })
    }

    /// The header at `at`, read; `None` if it cannot be.
    fn read(read_at: &ReadAt, at: usize) -> Option<Self> {
        let mut bytes = [0; HEADER_LEN + MAGIC_LEN];
        read_at(&mut bytes, at).ok()?;
        Self::of(&bytes)
    }

    fn raw_name(&self) -> &[u8] {
        self.bytes[..16].trim_ascii_end()
    }
}

impl Member<'_> {
    /// The file of a thin archive's member, whose name is a path, relative to the archive's
    /// directory; `archive` is the archive's path.
    pub(super) fn path(&self, archive: &Path) -> PathBuf {
        let name = sys::path_of_bytes(self.name);
        match archive.parent() {
            // An absolute path replaces the directory.
            Some(dir) => dir.join(name),
            None => name.into_owned(),
        }
    }
}

/// The files that are the members of a thin archive, whose path is `archive` and whose contents are
/// `bytes`. Of a damaged archive, those before the damage; of other files, none.
///
/// A link opens only the members that it needs. All of them are inputs: a file that a build step
/// writes must not be one of them.
pub fn thin_members(archive: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    if !bytes.starts_with(THIN_MAGIC) {
        return Vec::new();
    }
    let mut parsed = Archive {
        members: Vec::new(),
        index: None,
    };
    // The link reports damage.
    let _ = parsed.add_all(bytes, None);
    // Any number of members may share one long name.
    let mut names = HashSet::default();
    (parsed.members.iter())
        .filter(|member| names.insert(member.name))
        .map(|member| member.path(archive))
        .collect()
}

/// The index, not yet taken apart.
#[derive(Debug, Clone, Copy)]
struct Index<'a> {
    bytes: &'a [u8],
    /// Where it is in the file, in bytes.
    offset: usize,
    form: IndexForm,
}

#[derive(Debug, Clone, Copy)]
enum IndexForm {
    /// Big-endian: how many, their members' headers, their names.
    Gnu { wide: bool },
    /// Little-endian: size of the entries, entries of name and header, names.
    Bsd { wide: bool },
}

/// The symbols that an index lists, by member.
#[derive(Debug)]
pub(super) struct IndexedSymbols<'a> {
    pub(super) names: OfferedNames<'a>,
    /// For each member of the archive, which of the names it defines.
    pub(super) of_member: Vec<Range<usize>>,
}

#[cold]
fn damaged(offset: usize, what: &str) -> Fault {
    Fault::new(
        offset,
        format!("failed to parse archive: truncated or malformed archive: {what}"),
    )
}

impl<'a> Archive<'a> {
    /// Goes through the headers of the archive `bytes`, of which `reader` may read some.
    pub(super) fn parse(bytes: &'a [u8], reader: Option<&ReadAt>) -> Parsed<Self> {
        let mut archive = Self {
            members: Vec::new(),
            index: None,
        };
        archive.add_all(bytes, reader)?;
        Ok(archive)
    }

    /// Adds the members of the archive `bytes`. After an error, those before the damage are there.
    fn add_all(&mut self, bytes: &'a [u8], reader: Option<&ReadAt>) -> Parsed<()> {
        let thin = bytes.starts_with(THIN_MAGIC);
        let mut long_names: &[u8] = &[];
        let mut at = ARCHIVE_MAGIC.len();
        let mut is_far = false;
        while at < bytes.len() {
            let read = reader.filter(|_| is_far);
            let read = read.and_then(|reader| Header::read(reader, at));
            let Some(header) = read.or_else(|| Header::of(&bytes[at..])) else {
                return Err(damaged(
                    at,
                    "the rest of the archive is too small for a member's header",
                ));
            };
            if header.bytes[58..] != *b"`\n" {
                return Err(damaged(at, "a member's header does not end in \"`\\n\""));
            }
            let size = number(&header.bytes[48..58])
                .ok_or_else(|| damaged(at, "a member's size is not a decimal number"))?;
            let raw_name = header.raw_name();
            let start = at + HEADER_LEN;
            // Tables are in the file even if the archive is thin.
            let is_table = matches!(raw_name, b"/" | b"//" | b"/SYM64/");
            let (contents, next) = if thin && !is_table {
                (None, start)
            } else {
                let Some(contents) = usize::try_from(size)
                    .ok()
                    .and_then(|size| bytes[start..].get(..size))
                else {
                    return Err(damaged(
                        at,
                        "a member is larger than the rest of the archive",
                    ));
                };
                let end = start + contents.len();
                (Some(contents), end + end % 2)
            };
            match (raw_name, contents) {
                (b"/" | b"/SYM64/", Some(contents)) => {
                    // Windows archives have a second one, in another form.
                    if self.index.is_none() {
                        let wide = raw_name != b"/";
                        look_ahead(bytes, contents, gnu_width(wide));
                        self.index = Some(Index {
                            bytes: contents,
                            offset: start,
                            form: IndexForm::Gnu { wide },
                        });
                    }
                }
                (b"//", Some(contents)) => long_names = contents,
                _ => self.add(bytes, at, &header, contents, long_names)?,
            }
            is_far = next - at >= FAR;
            at = next;
        }
        Ok(())
    }

    /// Adds a member, or notes the index if it is one of BSD's form.
    fn add(
        &mut self,
        archive: &'a [u8],
        at: usize,
        header: &Header,
        contents: Option<&'a [u8]>,
        long_names: &'a [u8],
    ) -> Parsed<()> {
        let mut bytes = contents;
        let mut offset = at + HEADER_LEN;
        let mut magic =
            &header.magic[..contents.map_or(0, |contents| contents.len().min(MAGIC_LEN))];
        let mut may_be_index = header.bytes.starts_with(BSD_INDEX);
        let name = match (header.raw_name(), contents) {
            ([b'#', b'1', b'/', len @ ..], Some(contents)) => {
                let split = number(len)
                    .and_then(|len| usize::try_from(len).ok())
                    .filter(|&len| len <= MAX_NAME_LEN)
                    .and_then(|len| contents.split_at_checked(len));
                let Some((name, rest)) = split else {
                    return Err(damaged(at, "a member's name is larger than the member"));
                };
                offset += name.len();
                bytes = Some(rest);
                magic = rest;
                may_be_index = name.starts_with(BSD_INDEX);
                let end = name.iter().position(|&byte| byte == 0);
                &name[..end.unwrap_or(name.len())]
            }
            ([b'/', digits @ ..], _) if digits.first().is_some_and(u8::is_ascii_digit) => {
                let name = number(digits)
                    .and_then(|at| long_names.get(usize::try_from(at).ok()?..))
                    .and_then(long_name)
                    .ok_or_else(|| {
                        damaged(at, "a member's name is not in the table of long names")
                    })?;
                may_be_index = name.starts_with(BSD_INDEX);
                name
            }
            // Tables of Windows archives, such as `/<ECSYMBOLS>/`.
            ([b'/', ..], _) => return Ok(()),
            // Where it lies is not looked at.
            (name, _) => &archive[at..][..name.strip_suffix(b"/").unwrap_or(name).len()],
        };
        if let (true, Some(bytes)) = (may_be_index, bytes) {
            self.index.get_or_insert(Index {
                bytes,
                offset,
                form: IndexForm::Bsd {
                    wide: name.starts_with(b"__.SYMDEF_64"),
                },
            });
            return Ok(());
        }
        self.members.push(Member {
            header: at,
            name,
            bytes,
            may_be_linked: bytes.is_none() || FileKind::may_be_linked(magic),
        });
        Ok(())
    }

    /// The symbols that the index lists; `None` if there is no index or an empty one.
    pub(super) fn indexed_symbols(&self) -> Parsed<Option<IndexedSymbols<'a>>> {
        let Some(index) = self.index else {
            return Ok(None);
        };
        let entries = index.entries(self)?;
        if entries.runs.is_empty() {
            return Ok(None);
        }
        Ok(Some(entries.by_member(self.members.len())))
    }

    /// The member whose header is at `header`; `near` is the one that was found last. An
    /// index mostly stays with a member, and then goes on to the next.
    #[inline]
    fn member_at(&self, header: u64, near: usize) -> Option<usize> {
        let is_there = |&nth: &usize| {
            let member = self.members.get(nth);
            member.is_some_and(|member| member.header as u64 == header)
        };
        [near, near + 1].into_iter().find(is_there).or_else(|| {
            let header_of = |member: &Member<'_>| member.header as u64;
            self.members.binary_search_by_key(&header, header_of).ok()
        })
    }
}

/// The entries of an index: each the name of a symbol and the member that defines it.
struct IndexEntries<'a> {
    names: OfferedNames<'a>,
    /// Names of a member that stand side by side: the member, by its place in the archive, and
    /// which is their first.
    runs: Vec<(usize, usize)>,
}

impl<'a> IndexEntries<'a> {
    /// None yet of `count`, whose names lie in `text`.
    fn with_capacity(text: &'a [u8], count: usize) -> Result<Self, &'static str> {
        if u32::try_from(text.len()).is_err() {
            return Err("the index has more than 4 GiB of names");
        }
        Ok(Self {
            names: OfferedNames::with_capacity(text, count),
            runs: Vec::new(),
        })
    }

    /// Adds the name at a place in the text.
    #[inline]
    fn push(&mut self, member: usize, name: Range<usize>) {
        if self.runs.last().is_none_or(|&(last, _)| last != member) {
            self.runs.push((member, self.names.len()));
        }
        self.names.push(name);
    }

    /// The same by member, of which the archive has `members`.
    fn by_member(self, members: usize) -> IndexedSymbols<'a> {
        let Self { mut names, runs } = self;
        let ends = (runs.iter().skip(1).map(|&(_, start)| start)).chain([names.len()]);
        let runs = runs.iter().zip(ends);
        let mut runs: Vec<_> = runs
            .map(|(&(member, start), end)| (member, start..end))
            .collect();
        if !runs.is_sorted_by_key(|&(member, _)| member) {
            runs.sort_by_key(|&(member, _)| member);
            names.reorder(runs.iter().map(|(_, run)| run.clone()));
        }
        let mut of_member = Vec::with_capacity(members);
        let mut start = 0;
        for (member, run) in runs {
            // Members that it does not mention have no names, and others may have several runs.
            of_member.resize_with(members.min(member + 1), || start..start);
            start += run.len();
            of_member[member].end = start;
        }
        of_member.resize_with(members, || start..start);
        IndexedSymbols { names, of_member }
    }
}

impl<'a> Index<'a> {
    fn entries(&self, archive: &Archive<'a>) -> Parsed<IndexEntries<'a>> {
        self.decode(archive)
            .map_err(|what| damaged(self.offset, what))
    }

    fn decode(&self, archive: &Archive<'a>) -> Result<IndexEntries<'a>, &'static str> {
        const SHORT: &str = "the index is too small for its entries";
        const NO_MEMBER: &str = "the index names a place where no member begins";
        let none = || IndexEntries::with_capacity(&[], 0);
        let mut member = 0;
        match self.form {
            IndexForm::Gnu { wide } => {
                let width = gnu_width(wide);
                if self.bytes.len() < width {
                    // Some tools write an index of nothing at all.
                    return none();
                }
                let (headers, names) = tables_of_gnu(self.bytes, width).ok_or(SHORT)?;
                let mut entries = IndexEntries::with_capacity(names, headers.len() / width)?;
                let mut ends = memchr::memchr_iter(0, names);
                let mut start = 0;
                for header in headers.chunks_exact(width) {
                    let header = big_endian(header);
                    member = archive.member_at(header, member).ok_or(NO_MEMBER)?;
                    let end = ends.next().ok_or(SHORT)?;
                    entries.push(member, start..end);
                    start = end + 1;
                }
                Ok(entries)
            }
            IndexForm::Bsd { wide } => {
                let width = if wide { 8 } else { 4 };
                let sized = |bytes: &'a [u8]| -> Option<(&'a [u8], &'a [u8])> {
                    let (size, rest) = bytes.split_at_checked(width)?;
                    rest.split_at_checked(usize::try_from(little_endian(size)).ok()?)
                };
                if self.bytes.is_empty() {
                    return none();
                }
                let (table, rest) = sized(self.bytes).ok_or(SHORT)?;
                let (names, _) = sized(rest).ok_or(SHORT)?;
                // Entries may share a name, but they cannot all share a long one: reading
                // them would take quadratic time.
                let mut budget = names.len().saturating_mul(8);
                let mut entries = IndexEntries::with_capacity(names, table.len() / (2 * width))?;
                for entry in table.chunks_exact(2 * width) {
                    let (name, header) = entry.split_at(width);
                    let place = usize::try_from(little_endian(name))
                        .ok()
                        .and_then(|at| name_at(names, at, budget))
                        .ok_or("the index names a place beyond its names")?;
                    budget -= place.len();
                    let header = little_endian(header);
                    member = archive.member_at(header, member).ok_or(NO_MEMBER)?;
                    entries.push(member, place);
                }
                Ok(entries)
            }
        }
    }
}

/// Bytes of a number in an index in GNU's form.
fn gnu_width(wide: bool) -> usize {
    if wide { 8 } else { 4 }
}

/// The places of members that an index in GNU's form lists, and the names behind them; `None`
/// if it is too small for them.
fn tables_of_gnu(index: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (count, rest) = index.split_at_checked(width)?;
    let count = usize::try_from(big_endian(count)).ok()?;
    rest.split_at_checked(count.checked_mul(width)?)
}

/// Looks at the headers that an index in GNU's form lists, where they are going to be looked at,
/// ahead of the way from one to the next.
fn look_ahead(archive: &[u8], index: &[u8], width: usize) {
    let places = tables_of_gnu(index, width).map_or(&[][..], |(places, _)| places);
    let mut last = 0;
    let near = places.chunks_exact(width).filter_map(|place| {
        let at = usize::try_from(big_endian(place)).unwrap_or(usize::MAX);
        // The entries of a member stand side by side, and members stand in order. One that is
        // far from the last will be read.
        let is_near = at > last && at - last < FAR;
        last = at;
        is_near.then_some(at)
    });
    look_at(near.flat_map(|at| {
        let end = at.saturating_add(HEADER_LEN + MAGIC_LEN - 1);
        [archive.get(at), archive.get(end)].into_iter().flatten()
    }));
}

/// A name of the table of long names, which ends in a line break (after a slash), or in
/// Windows archives in a zero.
fn long_name(table: &[u8]) -> Option<&[u8]> {
    let table = &table[..table.len().min(MAX_NAME_LEN)];
    let end = table.iter().position(|byte| matches!(byte, b'\n' | 0))?;
    let name = &table[..end];
    Some(name.strip_suffix(b"/").unwrap_or(name))
}

/// The place of the name that begins at `start` and ends with a null, within `budget` bytes.
fn name_at(names: &[u8], start: usize, budget: usize) -> Option<Range<usize>> {
    let rest = names.get(start..)?;
    let len = memchr::memchr(0, &rest[..rest.len().min(budget)])?;
    Some(start..start + len)
}

/// A decimal number, padded with spaces.
fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits.trim_ascii())
        .ok()
        .filter(|digits| !digits.starts_with('+'))?
        .parse()
        .ok()
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}
