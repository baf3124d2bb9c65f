//! Instructions' opcodes (core spec, 5.4 Instructions).
//!
//! An opcode is one byte, or a prefix byte and a LEB128 number: `0xFB` garbage
//! collection, `0xFC` saturating conversions, bulk memory and wide arithmetic, `0xFD`
//! vectors and relaxed vectors, `0xFE` threads. What follows an opcode, its immediates,
//! is not described here.

mod table;

use crate::error::{DecodeErrorKind, Result};
use crate::leb128;
use crate::reader::Reader;

macro_rules! define_opcodes {
    ($($prefix:literal { $($code:literal => $variant:ident, $mnemonic:literal;)* })*) => {
        /// What an instruction does (core spec, 5.4 Instructions), with the instructions of
        /// the threads and wide-arithmetic proposals and of superseded exception handling.
        ///
        /// As a number, an opcode is its prefix times 65,536 plus its code.
        ///
        /// ```
        /// use wasm_format::Opcode;
        ///
        /// let mut code = Vec::new();
        /// Opcode::Call.encode(&mut code);
        /// assert_eq!(code, [0x10]);
        ///
        /// code.clear();
        /// Opcode::I8x16RelaxedSwizzle.encode(&mut code);
        /// assert_eq!(code, [0xfd, 0x80, 0x02]);
        /// assert_eq!(Opcode::I8x16RelaxedSwizzle.name(), "i8x16.relaxed_swizzle");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Opcode {
            $($(
                #[doc = concat!("`", $mnemonic, "`")]
                $variant = ($prefix << 16) | $code,
            )*)*
        }

        impl Opcode {
            /// Every opcode, families in the order of their prefixes.
            pub const ALL: &'static [Opcode] = &[$($(Opcode::$variant,)*)*];

            /// The opcode of code `code` in the family of `prefix`; prefix 0 stands for
            /// the instructions of one byte.
            #[inline]
            pub const fn from_parts(prefix: u8, code: u32) -> Option<Self> {
                match prefix {
                    $($prefix => match code {
                        $($code => Some(Opcode::$variant),)*
                        _ => None,
                    },)*
                    _ => None,
                }
            }

            /// Its name in the text format. The forms of `select`, `ref.test` and
            /// `ref.cast` that differ in their immediates alone share one.
            pub const fn name(self) -> &'static str {
                match self { $($(Opcode::$variant => $mnemonic,)*)* }
            }
        }
    };
}

table::opcode_table!(define_opcodes);

impl Opcode {
    /// The prefix byte; 0 for an instruction of one byte.
    #[inline]
    pub const fn prefix(self) -> u8 {
        (self as u32 >> 16) as u8
    }

    /// The code: the number after the prefix, or the only byte.
    #[inline]
    pub const fn code(self) -> u32 {
        self as u32 & 0xffff
    }

    /// Bytes that [`Opcode::encode`] appends.
    #[inline]
    pub const fn encoded_len(self) -> usize {
        match self.prefix() {
            0 => 1,
            _ => 1 + leb128::len_u32(self.code()),
        }
    }

    /// Appends the opcode; its immediates are the caller's to append.
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        match self.prefix() {
            0 => out.push(self as u8),
            prefix => {
                out.push(prefix);
                leb128::put_u32(out, self.code());
            }
        }
    }

    /// Decodes an opcode and leaves `reader` at its immediates.
    ///
    /// ```
    /// use wasm_format::{Opcode, Reader};
    ///
    /// let mut reader = Reader::new(&[0xfc, 0x0a, 0x00, 0x00]);
    /// assert_eq!(Opcode::decode(&mut reader).unwrap(), Opcode::MemoryCopy);
    /// assert_eq!(reader.rest(), [0, 0]);
    ///
    /// let error = Opcode::decode(&mut Reader::new(&[0xff])).unwrap_err();
    /// assert_eq!(error.to_string(), "unknown opcode 0xff (at offset 0x0)");
    /// ```
    #[inline]
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        let first = reader.u8()?;
        let (prefix, code) = if matches!(first, 0xfb..=0xfe) {
            (first, reader.u32()?)
        } else {
            (0, u32::from(first))
        };
        Self::from_parts(prefix, code).ok_or_else(|| {
            at.error(DecodeErrorKind::Unknown {
                what: match prefix {
                    0xfb => "opcode 0xfb",
                    0xfc => "opcode 0xfc",
                    0xfd => "opcode 0xfd",
                    0xfe => "opcode 0xfe",
                    _ => "opcode",
                },
                value: u64::from(code),
            })
        })
    }
}

impl std::fmt::Display for Opcode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
