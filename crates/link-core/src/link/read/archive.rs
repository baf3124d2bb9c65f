//! Archives: GNU, BSD and thin ones, with an index or without.
//!
//! An archive is a sequence of members, each behind a header of 60 bytes of text. Going
//! from header to header finds them all and touches no member's contents. The index, if
//! there is one, is the first member and says which member defines which symbol.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use super::fault::{Fault, Parsed};
use super::kind::{ARCHIVE_MAGIC, THIN_MAGIC};

/// Bytes of a member's header.
const HEADER_LEN: usize = 60;
/// Longest name of a member that is believed, in bytes: what systems allow for a path.
const MAX_NAME_LEN: usize = 4096;

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
    name: &'a [u8],
    /// Its contents; `None` in a thin archive, whose members are files.
    pub(super) bytes: Option<&'a [u8]>,
}

impl<'a> Member<'a> {
    /// Its name, or in a thin archive its path, relative to the archive's directory.
    pub(super) fn name(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }

    /// The file of a thin archive's member; `archive` is the archive's path.
    pub(super) fn path(&self, archive: &Path) -> std::path::PathBuf {
        // An absolute path replaces the directory.
        let name = self.name();
        archive
            .parent()
            .map_or_else(|| Path::new(&*name).into(), |dir| dir.join(&*name))
    }
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
    /// All names, those of a member side by side.
    pub(super) names: Vec<&'a str>,
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
    /// Goes through the headers of the archive `bytes`.
    pub(super) fn parse(bytes: &'a [u8]) -> Parsed<Self> {
        let thin = bytes.starts_with(THIN_MAGIC);
        let mut archive = Self {
            members: Vec::new(),
            index: None,
        };
        let mut long_names: &[u8] = &[];
        let mut at = ARCHIVE_MAGIC.len();
        while at < bytes.len() {
            let Some(header) = bytes[at..].first_chunk::<HEADER_LEN>() else {
                return Err(damaged(
                    at,
                    "the rest of the archive is too small for a member's header",
                ));
            };
            if header[58..] != *b"`\n" {
                return Err(damaged(at, "a member's header does not end in \"`\\n\""));
            }
            let size = number(&header[48..58])
                .ok_or_else(|| damaged(at, "a member's size is not a decimal number"))?;
            let raw_name = header[..16].trim_ascii_end();
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
                    archive.index.get_or_insert(Index {
                        bytes: contents,
                        offset: start,
                        form: IndexForm::Gnu {
                            wide: raw_name != b"/",
                        },
                    });
                }
                (b"//", Some(contents)) => long_names = contents,
                _ => archive.add(at, raw_name, contents, long_names)?,
            }
            at = next;
        }
        Ok(archive)
    }

    /// Adds a member, or notes the index if it is one of BSD's form.
    fn add(
        &mut self,
        header: usize,
        raw_name: &'a [u8],
        contents: Option<&'a [u8]>,
        long_names: &'a [u8],
    ) -> Parsed<()> {
        let mut bytes = contents;
        let mut offset = header + HEADER_LEN;
        let name = match (raw_name, contents) {
            ([b'#', b'1', b'/', len @ ..], Some(contents)) => {
                let split = number(len)
                    .and_then(|len| usize::try_from(len).ok())
                    .filter(|&len| len <= MAX_NAME_LEN)
                    .and_then(|len| contents.split_at_checked(len));
                let Some((name, rest)) = split else {
                    return Err(damaged(header, "a member's name is larger than the member"));
                };
                offset += name.len();
                bytes = Some(rest);
                let end = name.iter().position(|&byte| byte == 0);
                &name[..end.unwrap_or(name.len())]
            }
            ([b'/', digits @ ..], _) if digits.first().is_some_and(u8::is_ascii_digit) => {
                number(digits)
                    .and_then(|at| long_names.get(usize::try_from(at).ok()?..))
                    .and_then(long_name)
                    .ok_or_else(|| {
                        damaged(header, "a member's name is not in the table of long names")
                    })?
            }
            // Tables of Windows archives, such as `/<ECSYMBOLS>/`.
            ([b'/', ..], _) => return Ok(()),
            (name, _) => name.strip_suffix(b"/").unwrap_or(name),
        };
        if let (true, Some(bytes)) = (name.starts_with(b"__.SYMDEF"), bytes) {
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
            header,
            name,
            bytes,
        });
        Ok(())
    }

    /// The symbols that the index lists; `None` if there is no index or an empty one.
    pub(super) fn indexed_symbols(&self) -> Parsed<Option<IndexedSymbols<'a>>> {
        let Some(index) = self.index else {
            return Ok(None);
        };
        let mut entries = index.entries(self)?;
        if entries.names.is_empty() {
            return Ok(None);
        }
        entries.sort();
        let mut of_member = Vec::with_capacity(self.members.len());
        let mut next = 0;
        for member in 0..self.members.len() {
            let start = next;
            while entries.members.get(next) == Some(&(member as u32)) {
                next += 1;
            }
            of_member.push(start..next);
        }
        Ok(Some(IndexedSymbols {
            names: entries.names,
            of_member,
        }))
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

/// The entries of an index: each a member, by its place in the archive, and the name of a
/// symbol that it defines.
#[derive(Default)]
struct Entries<'a> {
    members: Vec<u32>,
    names: Vec<&'a str>,
}

impl<'a> Entries<'a> {
    fn reserve(&mut self, count: usize) {
        self.members.reserve_exact(count);
        self.names.reserve_exact(count);
    }

    #[inline]
    fn push(&mut self, member: usize, name: &'a str) {
        self.members.push(member as u32);
        self.names.push(name);
    }

    /// Puts those of a member side by side.
    fn sort(&mut self) {
        if self.members.is_sorted() {
            return;
        }
        let mut sorted: Vec<(u32, &'a str)> = (self.members.iter().copied())
            .zip(self.names.iter().copied())
            .collect();
        sorted.sort_by_key(|&(member, _)| member);
        (self.members, self.names) = sorted.into_iter().unzip();
    }
}

impl<'a> Index<'a> {
    fn entries(&self, archive: &Archive<'a>) -> Parsed<Entries<'a>> {
        self.decode(archive)
            .map_err(|what| damaged(self.offset, what))
    }

    fn decode(&self, archive: &Archive<'a>) -> Result<Entries<'a>, &'static str> {
        const SHORT: &str = "the index is too small for its entries";
        const NO_MEMBER: &str = "the index names a place where no member begins";
        const NOT_TEXT: &str = "a name in the index is not valid UTF-8";
        let mut entries = Entries::default();
        let mut member = 0;
        match self.form {
            IndexForm::Gnu { wide } => {
                let width = if wide { 8 } else { 4 };
                let Some((count, rest)) = self.bytes.split_at_checked(width) else {
                    // Some tools write an index of nothing at all.
                    return Ok(entries);
                };
                let (headers, names) = usize::try_from(big_endian(count))
                    .ok()
                    .and_then(|count| count.checked_mul(width))
                    .and_then(|size| rest.split_at_checked(size))
                    .ok_or(SHORT)?;
                entries.reserve(headers.len() / width);
                // All at once is faster than name by name: most are short.
                let (names, damaged) = valid_text(names);
                let mut ends = memchr::memchr_iter(0, names.as_bytes());
                let mut start = 0;
                for header in headers.chunks_exact(width) {
                    let header = big_endian(header);
                    member = archive.member_at(header, member).ok_or(NO_MEMBER)?;
                    let Some(end) = ends.next() else {
                        let cut = terminated(damaged).is_some();
                        return Err(if cut { NOT_TEXT } else { SHORT });
                    };
                    entries.push(member, &names[start..end]);
                    start = end + 1;
                }
            }
            IndexForm::Bsd { wide } => {
                let width = if wide { 8 } else { 4 };
                let sized = |bytes: &'a [u8]| -> Option<(&'a [u8], &'a [u8])> {
                    let (size, rest) = bytes.split_at_checked(width)?;
                    rest.split_at_checked(usize::try_from(little_endian(size)).ok()?)
                };
                if self.bytes.is_empty() {
                    return Ok(entries);
                }
                let (table, rest) = sized(self.bytes).ok_or(SHORT)?;
                let (names, _) = sized(rest).ok_or(SHORT)?;
                // Entries may share a name, but they cannot all share a long one: reading
                // them would take quadratic time.
                let mut budget = names.len().saturating_mul(8);
                entries.reserve(table.len() / (2 * width));
                for entry in table.chunks_exact(2 * width) {
                    let (name, header) = entry.split_at(width);
                    let name = usize::try_from(little_endian(name))
                        .ok()
                        .and_then(|at| names.get(at..))
                        .and_then(|names| terminated(&names[..names.len().min(budget)]))
                        .ok_or("the index names a place beyond its names")?;
                    budget -= name.len();
                    let header = little_endian(header);
                    member = archive.member_at(header, member).ok_or(NO_MEMBER)?;
                    entries.push(member, std::str::from_utf8(name).map_err(|_| NOT_TEXT)?);
                }
            }
        }
        Ok(entries)
    }
}

/// A name of the table of long names, which ends in a line break (after a slash), or in
/// Windows archives in a zero.
fn long_name(table: &[u8]) -> Option<&[u8]> {
    let table = &table[..table.len().min(MAX_NAME_LEN)];
    let end = table.iter().position(|byte| matches!(byte, b'\n' | 0))?;
    let name = &table[..end];
    Some(name.strip_suffix(b"/").unwrap_or(name))
}

fn terminated(bytes: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(0, bytes)?;
    Some(&bytes[..end])
}

/// The bytes up to the first that is not UTF-8, and those from there on.
fn valid_text(bytes: &[u8]) -> (&str, &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text, &[]),
        Err(error) => {
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(valid).unwrap_or_default(), rest)
        }
    }
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
