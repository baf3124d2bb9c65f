//! The table that every decoder here hands out: a count that was checked, and entries
//! that are decoded as they are asked for.

use std::marker::PhantomData;

use crate::error::Result;
use crate::reader::Reader;

/// What a vector holds: knows how long it is at least and how it is decoded.
pub trait Entry<'a>: Sized {
    /// What errors call it.
    const WHAT: &'static str;
    /// Fewest bytes it takes. No count is believed that the bytes cannot hold.
    const MIN_LEN: usize;

    /// Decodes one.
    fn decode_entry(reader: &mut Reader<'a>) -> Result<Self>;
}

/// Makes a type with `MIN_LEN` and `decode` of its own an [`Entry`].
macro_rules! entry {
    ($ty:ty, $what:literal) => {
        impl<'a> $crate::Entry<'a> for $ty {
            const WHAT: &'static str = $what;
            const MIN_LEN: usize = <$ty>::MIN_LEN;

            #[inline]
            fn decode_entry(reader: &mut $crate::Reader<'a>) -> $crate::Result<Self> {
                <$ty>::decode(reader)
            }
        }
    };
}
pub(crate) use entry;

/// A name on its own, as in a list of libraries.
impl<'a> Entry<'a> for &'a str {
    const WHAT: &'static str = "name";
    const MIN_LEN: usize = 1;

    #[inline]
    fn decode_entry(reader: &mut Reader<'a>) -> Result<Self> {
        reader.name()
    }
}

/// The entries of a table, decoded as they are asked for. Ends after the first error;
/// bytes after the last entry are an error, too.
#[derive(Debug, Clone)]
pub struct Entries<'a, T> {
    reader: Reader<'a>,
    left: u32,
    entry: PhantomData<fn() -> T>,
}

impl<'a, T: Entry<'a>> Entries<'a, T> {
    /// Decodes the count of a vector that takes the rest of `reader`.
    pub fn decode(mut reader: Reader<'a>) -> Result<Self> {
        let left = reader.count(T::WHAT, T::MIN_LEN)?;
        Ok(Self::new(reader, left))
    }

    /// Decodes a vector that something else may follow, and leaves `reader` after it:
    /// the entries are walked once to find their end.
    pub fn decode_prefix(reader: &mut Reader<'a>) -> Result<Self> {
        let left = reader.count(T::WHAT, T::MIN_LEN)?;
        let mut start = reader.clone();
        for _ in 0..left {
            T::decode_entry(reader)?;
        }
        let entries = start.sub(reader.offset() - start.offset())?;
        Ok(Self::new(entries, left))
    }

    /// The `left` entries that `reader` holds, a number that [`Reader::count`] checked.
    pub(crate) fn new(reader: Reader<'a>, left: u32) -> Self {
        Self {
            reader,
            left,
            entry: PhantomData,
        }
    }
}

impl<T> Entries<'_, T> {
    /// How many entries are left. The bytes to hold as many at their least size are
    /// there, so reserving room for them is safe.
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// Offset of the next entry, in the file that errors speak of.
    pub fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// Whether no entry is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a, T: Entry<'a>> Iterator for Entries<'a, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let trailing = self.reader.finish("the last entry").err();
            self.reader = Reader::at(&[], self.reader.offset());
            return trailing.map(Err);
        }
        self.left -= 1;
        let entry = T::decode_entry(&mut self.reader);
        if entry.is_err() {
            self.left = 0;
            self.reader = Reader::at(&[], self.reader.offset());
        }
        Some(entry)
    }
}

impl<'a, T: Entry<'a>> std::iter::FusedIterator for Entries<'a, T> {}
