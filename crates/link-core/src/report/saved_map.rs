//! A [`LinkMap`] as bytes, to be kept beside the output and read by a later process.
//!
//! The bytes are a magic number, a version, the names of files, and the map's lists in the order
//! of their declaration. Numbers are LEB128, strings are UTF-8 after their size, lists follow
//! their count, and `None` is 0 where `Some` is 1.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use wasm_format::{DecodeError, Reader, leb128};

use super::map::{
    LinkMap, MapChunk, MapGlobal, MapKind, MapPlace, MapSection, MapSegment, MapSymbol,
};
use crate::hash::HashMap;
use crate::ids::{FuncIndex, GlobalIndex, TableIndex, TagIndex};
use crate::plan::Value;

const MAGIC: &[u8] = b"wasm-link map\n";
/// Changes with every change of the encoding.
const VERSION: u32 = 1;

/// Why bytes are not a saved [`LinkMap`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadMapError {
    /// They do not begin like a saved map.
    NotAMap,
    /// Another version of this crate wrote them, in the encoding of this number.
    OtherVersion(u32),
    /// They are cut short or damaged.
    Malformed(DecodeError),
    /// A tag or the number of a file is out of range; its offset in bytes.
    Unknown(usize),
}

impl fmt::Display for LoadMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMap => f.write_str("not a saved link map"),
            Self::OtherVersion(version) => write!(
                f,
                "the link map is saved in version {version} of the encoding; this is version {VERSION}"
            ),
            Self::Malformed(error) => write!(f, "malformed link map: {error}"),
            Self::Unknown(offset) => {
                write!(f, "malformed link map: unknown value at offset {offset}")
            }
        }
    }
}

impl std::error::Error for LoadMapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::NotAMap | Self::OtherVersion(_) | Self::Unknown(_) => None,
        }
    }
}

impl From<DecodeError> for LoadMapError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl LinkMap {
    /// The map as bytes, for [`LinkMap::from_bytes`] of the same version of this crate.
    ///
    /// ```
    /// use link_core::report::map::LinkMap;
    ///
    /// let map = LinkMap::default();
    /// assert_eq!(LinkMap::from_bytes(&map.to_bytes()), Ok(map));
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut lists = Saver::default();
        self.save(&mut lists);
        let mut out = MAGIC.to_vec();
        leb128::put_u32(&mut out, VERSION);
        leb128::put_u64(&mut out, lists.files.len() as u64);
        let mut files: Vec<_> = lists.files.into_iter().collect();
        files.sort_unstable_by_key(|&(_, number)| number);
        for (file, _) in files {
            leb128::put_name(&mut out, file);
        }
        out.extend(lists.out);
        out
    }

    /// Reads what [`LinkMap::to_bytes`] wrote. The bytes are not trusted: any others are an error,
    /// or another map.
    ///
    /// # Errors
    /// [`LoadMapError`]: the bytes are not a map, of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadMapError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(LoadMapError::NotAMap)?;
        let mut reader = Reader::at(rest, MAGIC.len());
        let version = reader.u32()?;
        if version != VERSION {
            return Err(LoadMapError::OtherVersion(version));
        }
        let mut files = Vec::new();
        for _ in 0..reader.count("link map's files", 1)? {
            files.push(Arc::from(reader.name()?));
        }
        let mut loader = Loader { reader, files };
        let map = Self::load(&mut loader)?;
        loader.reader.finish("link map")?;
        Ok(map)
    }
}

#[derive(Default)]
struct Saver<'m> {
    out: Vec<u8>,
    /// The number of each file's name.
    files: HashMap<&'m str, u64>,
}

struct Loader<'b> {
    reader: Reader<'b>,
    files: Vec<Arc<str>>,
}

impl Loader<'_> {
    fn unknown<T>(&self) -> Result<T, LoadMapError> {
        Err(LoadMapError::Unknown(self.reader.offset()))
    }
}

/// A value in the encoding of saved maps.
trait Saved: Sized {
    fn save<'m>(&'m self, saver: &mut Saver<'m>);
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError>;
}

/// A struct is its fields in the order that is given here.
macro_rules! saved_fields {
    ($($type:ident { $($field:ident),* })*) => {$(
        impl Saved for $type {
            fn save<'m>(&'m self, saver: &mut Saver<'m>) {
                let Self { $($field),* } = self;
                $($field.save(saver);)*
            }

            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
                Ok(Self { $($field: Saved::load(loader)?),* })
            }
        }
    )*};
}

saved_fields! {
    LinkMap { symbols, chunks, globals, segments, sections }
    MapSymbol { name, value, file }
    MapChunk { file, name, kind, size, range, symbols }
    MapPlace { name, offset, size, address }
    MapGlobal { name, index }
    MapSegment { name, address, size, entry }
    MapSection { id, name, range, header }
}

impl Saved for u64 {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        leb128::put_u64(&mut saver.out, *self);
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        Ok(loader.reader.u64()?)
    }
}

impl Saved for u32 {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        leb128::put_u32(&mut saver.out, *self);
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        Ok(loader.reader.u32()?)
    }
}

impl Saved for u8 {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        saver.out.push(*self);
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        Ok(loader.reader.u8()?)
    }
}

impl Saved for String {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        leb128::put_name(&mut saver.out, self);
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        Ok(loader.reader.name()?.to_owned())
    }
}

/// The name of a file is its number in the list of them, since many chunks share it.
impl Saved for Arc<str> {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        let next = saver.files.len() as u64;
        let number = *saver.files.entry(self).or_insert(next);
        leb128::put_u64(&mut saver.out, number);
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        let number = u64::load(loader)?;
        let file = usize::try_from(number).ok();
        match file.and_then(|file| loader.files.get(file)) {
            Some(file) => Ok(file.clone()),
            None => loader.unknown(),
        }
    }
}

impl Saved for Range<u64> {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        self.start.save(saver);
        self.end.save(saver);
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        Ok(u64::load(loader)?..u64::load(loader)?)
    }
}

impl<T: Saved> Saved for Option<T> {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        saver.out.push(self.is_some().into());
        if let Some(value) = self {
            value.save(saver);
        }
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        match u8::load(loader)? {
            0 => Ok(None),
            1 => T::load(loader).map(Some),
            _ => loader.unknown(),
        }
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        leb128::put_u64(&mut saver.out, self.len() as u64);
        for value in self {
            value.save(saver);
        }
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        // Every item takes a byte at least, so a count that is not true soon meets the end.
        let count = loader.reader.count("link map's list", 1)?;
        (0..count).map(|_| T::load(loader)).collect()
    }
}

impl Saved for MapKind {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        match self {
            Self::Function(index) => {
                saver.out.push(0);
                index.save(saver);
            }
            Self::Data { segment, address } => {
                saver.out.push(1);
                segment.save(saver);
                address.save(saver);
            }
        }
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        match u8::load(loader)? {
            0 => Ok(Self::Function(u32::load(loader)?)),
            1 => Ok(Self::Data {
                segment: u32::load(loader)?,
                address: u64::load(loader)?,
            }),
            _ => loader.unknown(),
        }
    }
}

impl Saved for Value {
    fn save<'m>(&'m self, saver: &mut Saver<'m>) {
        let (kind, value) = match self {
            Self::Dead => (0, None),
            Self::Undefined => (1, None),
            Self::Function(index) => (2, Some(index.0.into())),
            Self::Address(address) => (3, Some(*address)),
            Self::Global(index) => (4, Some(index.0.into())),
            Self::Table(index) => (5, Some(index.0.into())),
            Self::Tag(index) => (6, Some(index.0.into())),
            Self::Section => (7, None),
        };
        saver.out.push(kind);
        if let Some(value) = value {
            leb128::put_u64(&mut saver.out, value);
        }
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadMapError> {
        Ok(match u8::load(loader)? {
            0 => Self::Dead,
            1 => Self::Undefined,
            2 => Self::Function(FuncIndex(u32::load(loader)?)),
            3 => Self::Address(u64::load(loader)?),
            4 => Self::Global(GlobalIndex(u32::load(loader)?)),
            5 => Self::Table(TableIndex(u32::load(loader)?)),
            6 => Self::Tag(TagIndex(u32::load(loader)?)),
            7 => Self::Section,
            _ => return loader.unknown(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> LinkMap {
        let file: Arc<str> = "lib.a(ä.o)".into();
        let place = |address| MapPlace {
            name: "x".to_owned(),
            offset: 4,
            size: 8,
            address,
        };
        let chunk = |kind, range| MapChunk {
            file: Some(file.clone()),
            name: ".data.x".to_owned(),
            kind,
            size: 1 << 33,
            range,
            symbols: vec![place(None), place(Some(u64::MAX))],
        };
        let values = [
            Value::Dead,
            Value::Undefined,
            Value::Function(FuncIndex(u32::MAX)),
            Value::Address(u64::MAX),
            Value::Global(GlobalIndex(1)),
            Value::Table(TableIndex(2)),
            Value::Tag(TagIndex(3)),
            Value::Section,
        ];
        let data = MapKind::Data {
            segment: 7,
            address: 1 << 40,
        };
        LinkMap {
            symbols: values
                .iter()
                .enumerate()
                .map(|(nth, &value)| MapSymbol {
                    name: format!("s{nth}"),
                    value,
                    file: (nth % 2 == 0).then(|| file.clone()),
                })
                .collect(),
            chunks: vec![
                chunk(MapKind::Function(5), Some(100..200)),
                chunk(data, None),
            ],
            globals: vec![MapGlobal {
                name: "__stack_pointer".to_owned(),
                index: 0,
            }],
            segments: vec![MapSegment {
                name: ".data".to_owned(),
                address: 1024,
                size: 16,
                entry: Some(7..9),
            }],
            sections: vec![MapSection {
                id: 0,
                name: Some("name".to_owned()),
                range: 8..300,
                header: 6,
            }],
        }
    }

    #[test]
    fn everything_in_a_map_is_read_back() {
        let map = map();
        assert_eq!(LinkMap::from_bytes(&map.to_bytes()), Ok(map));
    }

    #[test]
    fn damaged_bytes_are_an_error_or_another_map() {
        let bytes = map().to_bytes();
        for end in 0..bytes.len() {
            assert!(LinkMap::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                // What can be read is read the same way once more.
                if let Ok(map) = LinkMap::from_bytes(&damaged) {
                    assert_eq!(LinkMap::from_bytes(&map.to_bytes()), Ok(map));
                }
            }
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(LinkMap::from_bytes(&longer).is_err());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |bytes: &[u8]| LinkMap::from_bytes(bytes).unwrap_err().to_string();
        assert_eq!(error(b"\0asm"), "not a saved link map");
        assert_eq!(
            error(&[MAGIC, &[9]].concat()),
            "the link map is saved in version 9 of the encoding; this is version 1"
        );
        // No file, but a symbol of file 0.
        let unknown = [MAGIC, &[1, 0, 1, 0, 0, 1, 0]].concat();
        assert_eq!(
            error(&unknown),
            "malformed link map: unknown value at offset 21"
        );
    }
}
