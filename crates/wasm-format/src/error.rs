//! What decoding reports: an offset and a reason.

use thiserror::Error;

/// Decoding failed at `offset`.
///
/// The offset counts bytes from the start of whatever the [`Reader`](crate::Reader)
/// was told it reads from: with [`Reader::at`](crate::Reader::at) that is the file, so
/// that a message can point into it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} (at offset {offset:#x})")]
pub struct DecodeError {
    /// Where it happened, in bytes.
    pub offset: usize,
    /// What happened.
    pub kind: DecodeErrorKind,
}

/// Why decoding failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ended inside a value.
    #[error("unexpected end of data")]
    UnexpectedEnd,
    /// A LEB128 number has more bytes than its type allows, or bits beyond its width
    /// (core spec, 5.2.2 Integers).
    #[error("LEB128 value does not fit in {bits} bits")]
    LebTooLong {
        /// Width of the type that was asked for.
        bits: u32,
    },
    /// A name is not UTF-8 (core spec, 5.2.4 Names).
    #[error("name is not valid UTF-8")]
    InvalidUtf8,
    /// A count says there are more items than the remaining bytes can hold.
    #[error("{what} count {count} is larger than the remaining {remaining} bytes can hold")]
    CountTooLarge {
        /// What is being counted.
        what: &'static str,
        /// The count as written in the input.
        count: u64,
        /// Bytes left to hold the items.
        remaining: usize,
    },
    /// A code that no version of the format known here gives a meaning.
    #[error("unknown {what} {value:#x}")]
    Unknown {
        /// What the code stands for.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// A table's version is not one that can be read.
    #[error("unsupported {what} version {version} (expected {expected})")]
    Version {
        /// Which table.
        what: &'static str,
        /// The version found.
        version: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// Bytes are left after the last item.
    #[error("{remaining} unexpected bytes after {what}")]
    TrailingBytes {
        /// Which table.
        what: &'static str,
        /// How many bytes are left.
        remaining: usize,
    },
    /// A value is well-formed but not allowed here.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Result of decoding.
pub type Result<T, E = DecodeError> = std::result::Result<T, E>;
