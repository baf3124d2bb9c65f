//! A cursor over untrusted bytes.

use crate::error::{DecodeError, DecodeErrorKind, Result};
use crate::leb128;

/// Reads the binary format's primitive values one after another, and names the offset
/// when it cannot.
///
/// ```
/// use wasm_format::Reader;
///
/// // A table that starts at byte 100 of some file.
/// let mut reader = Reader::at(&[2, b'h', b'i', 0x80], 100);
/// assert_eq!(reader.name().unwrap(), "hi");
/// assert_eq!(reader.u32().unwrap_err().offset, 103);
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    base: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; offsets in errors count from their start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Reads `bytes`, which start at offset `base` of the file that errors speak of.
    pub fn at(bytes: &'a [u8], base: usize) -> Self {
        Self {
            bytes,
            pos: 0,
            base,
        }
    }

    /// Offset of the next byte, in the file that errors speak of.
    #[inline]
    pub fn offset(&self) -> usize {
        self.base + self.pos
    }

    /// Bytes read so far.
    #[inline]
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Bytes not yet read.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.pos
    }

    /// Whether everything was read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The bytes not yet read.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    /// An error at the next byte.
    #[cold]
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            offset: self.offset(),
            kind,
        }
    }

    #[inline]
    fn advance<T>(&mut self, decoded: Result<(T, usize), DecodeErrorKind>) -> Result<T> {
        match decoded {
            Ok((value, len)) => {
                self.pos += len;
                Ok(value)
            }
            Err(kind) => Err(self.error(kind)),
        }
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8> {
        match self.bytes.get(self.pos) {
            Some(&byte) => {
                self.pos += 1;
                Ok(byte)
            }
            None => Err(self.error(DecodeErrorKind::UnexpectedEnd)),
        }
    }

    /// An unsigned 32-bit LEB128.
    #[inline]
    pub fn u32(&mut self) -> Result<u32> {
        let decoded = leb128::decode_u32(self.rest());
        self.advance(decoded)
    }

    /// An unsigned 64-bit LEB128.
    #[inline]
    pub fn u64(&mut self) -> Result<u64> {
        let decoded = leb128::decode_u64(self.rest());
        self.advance(decoded)
    }

    /// A signed 32-bit LEB128.
    #[inline]
    pub fn i32(&mut self) -> Result<i32> {
        let decoded = leb128::decode_i32(self.rest());
        self.advance(decoded)
    }

    /// A signed 33-bit LEB128.
    #[inline]
    pub fn i33(&mut self) -> Result<i64> {
        let decoded = leb128::decode_i33(self.rest());
        self.advance(decoded)
    }

    /// A signed 64-bit LEB128.
    #[inline]
    pub fn i64(&mut self) -> Result<i64> {
        let decoded = leb128::decode_i64(self.rest());
        self.advance(decoded)
    }

    /// The next `len` bytes.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest().get(..len) {
            Some(bytes) => {
                self.pos += len;
                Ok(bytes)
            }
            None => Err(self.error(DecodeErrorKind::UnexpectedEnd)),
        }
    }

    /// The next `N` bytes, such as those of a float.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest().first_chunk() {
            Some(&bytes) => {
                self.pos += N;
                Ok(bytes)
            }
            None => Err(self.error(DecodeErrorKind::UnexpectedEnd)),
        }
    }

    /// A byte vector: a length, then that many bytes.
    #[inline]
    pub fn byte_vec(&mut self) -> Result<&'a [u8]> {
        let len = self.u32()?;
        self.bytes(len as usize)
    }

    /// A name (core spec, 5.2.4): a length, then that many bytes of UTF-8.
    #[inline]
    pub fn name(&mut self) -> Result<&'a str> {
        let start = self.offset();
        let bytes = self.byte_vec()?;
        std::str::from_utf8(bytes).map_err(|_| DecodeError {
            offset: start,
            kind: DecodeErrorKind::InvalidUtf8,
        })
    }

    /// The count of a vector whose items take at least `min_size` bytes each, so that a
    /// caller may reserve room for as many without trusting the input.
    #[inline]
    pub fn count(&mut self, what: &'static str, min_size: usize) -> Result<u32> {
        let at = self.clone();
        let count = self.u32()?;
        if count as usize > self.remaining() / min_size.max(1) {
            return Err(at.error(DecodeErrorKind::CountTooLarge {
                what,
                count: u64::from(count),
                remaining: self.remaining(),
            }));
        }
        Ok(count)
    }

    /// A reader of the next `len` bytes alone; this one goes on after them.
    #[inline]
    pub fn sub(&mut self, len: usize) -> Result<Reader<'a>> {
        let base = self.offset();
        Ok(Reader::at(self.bytes(len)?, base))
    }

    /// Fails unless everything was read.
    pub fn finish(&self, what: &'static str) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        Err(self.error(DecodeErrorKind::TrailingBytes {
            what,
            remaining: self.remaining(),
        }))
    }
}
