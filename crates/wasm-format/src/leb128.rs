//! LEB128: minimal forms, fixed-width forms that can be patched in place, and decoding
//! with the exact limits of the core spec (5.2.2 Integers).
//!
//! A linker needs two forms. *Minimal* is what a finished table of known contents uses.
//! *Fixed width* (5 bytes for 32 bits, 10 for 64) is what code with relocations uses: a
//! value can change without anything after it moving.
//!
//! ```
//! use wasm_format::leb128;
//!
//! let mut code = vec![0x10, 0, 0, 0, 0, 0]; // call, operand to be patched
//! leb128::write_u32_fixed(&mut code[1..], 624_485);
//! assert_eq!(code, [0x10, 0xe5, 0x8e, 0xa6, 0x80, 0x00]);
//! assert_eq!(leb128::decode_u32(&code[1..]).unwrap(), (624_485, 5));
//!
//! let mut small = Vec::new();
//! leb128::put_u32(&mut small, 624_485);
//! assert_eq!(small, [0xe5, 0x8e, 0x26]);
//! ```

use crate::error::DecodeErrorKind;

/// Bytes of a fixed-width 32-bit LEB128, signed or unsigned.
pub const FIXED32: usize = 5;
/// Bytes of a fixed-width 64-bit LEB128, signed or unsigned.
pub const FIXED64: usize = 10;

/// Writes `value` as 5 bytes into the start of `out`.
///
/// # Panics
/// If `out` has fewer than 5 bytes.
#[inline]
pub fn write_u32_fixed(out: &mut [u8], value: u32) {
    let out: &mut [u8; FIXED32] = out.first_chunk_mut().expect("5 bytes of room");
    // The four groups of seven bits that have more after them, spread out at once: patching
    // indices in code does little else than this.
    let low = value & 0x7f
        | (value & (0x7f << 7)) << 1
        | (value & (0x7f << 14)) << 2
        | (value & (0x7f << 21)) << 3
        | 0x8080_8080;
    out[..4].copy_from_slice(&low.to_le_bytes());
    out[4] = (value >> 28) as u8;
}

/// Writes `value` as 5 bytes, sign-extended, into the start of `out`.
///
/// # Panics
/// If `out` has fewer than 5 bytes.
#[inline]
pub fn write_i32_fixed(out: &mut [u8], value: i32) {
    let out: &mut [u8; FIXED32] = out.first_chunk_mut().expect("5 bytes of room");
    let value = i64::from(value);
    for (i, byte) in out.iter_mut().enumerate() {
        let more = if i < FIXED32 - 1 { 0x80 } else { 0 };
        *byte = (value >> (7 * i)) as u8 & 0x7f | more;
    }
}

/// Writes `value` as 10 bytes into the start of `out`.
///
/// # Panics
/// If `out` has fewer than 10 bytes.
#[inline]
pub fn write_u64_fixed(out: &mut [u8], value: u64) {
    let out: &mut [u8; FIXED64] = out.first_chunk_mut().expect("10 bytes of room");
    for (i, byte) in out.iter_mut().enumerate() {
        let more = if i < FIXED64 - 1 { 0x80 } else { 0 };
        *byte = (value >> (7 * i)) as u8 & 0x7f | more;
    }
}

/// Writes `value` as 10 bytes, sign-extended, into the start of `out`.
///
/// # Panics
/// If `out` has fewer than 10 bytes.
#[inline]
pub fn write_i64_fixed(out: &mut [u8], value: i64) {
    let out: &mut [u8; FIXED64] = out.first_chunk_mut().expect("10 bytes of room");
    for (i, byte) in out.iter_mut().enumerate() {
        let more = if i < FIXED64 - 1 { 0x80 } else { 0 };
        *byte = (value >> (7 * i)) as u8 & 0x7f | more;
    }
}

/// Appends the minimal form of `value`.
#[inline]
pub fn put_u32(out: &mut Vec<u8>, value: u32) {
    put_u64(out, u64::from(value));
}

/// Appends the minimal form of `value`.
#[inline]
pub fn put_i32(out: &mut Vec<u8>, value: i32) {
    put_i64(out, i64::from(value));
}

/// Appends the minimal form of `value`.
#[inline]
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the minimal form of `value`.
#[inline]
pub fn put_i64(out: &mut Vec<u8>, mut value: i64) {
    while !(-0x40..0x40).contains(&value) {
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

/// Appends the fixed-width form of `value`: 5 bytes.
#[inline]
pub fn put_u32_fixed(out: &mut Vec<u8>, value: u32) {
    let mut bytes = [0; FIXED32];
    write_u32_fixed(&mut bytes, value);
    out.extend_from_slice(&bytes);
}

/// Appends the fixed-width form of `value`: 5 bytes, sign-extended.
#[inline]
pub fn put_i32_fixed(out: &mut Vec<u8>, value: i32) {
    let mut bytes = [0; FIXED32];
    write_i32_fixed(&mut bytes, value);
    out.extend_from_slice(&bytes);
}

/// Appends the fixed-width form of `value`: 10 bytes.
#[inline]
pub fn put_u64_fixed(out: &mut Vec<u8>, value: u64) {
    let mut bytes = [0; FIXED64];
    write_u64_fixed(&mut bytes, value);
    out.extend_from_slice(&bytes);
}

/// Appends the fixed-width form of `value`: 10 bytes, sign-extended.
#[inline]
pub fn put_i64_fixed(out: &mut Vec<u8>, value: i64) {
    let mut bytes = [0; FIXED64];
    write_i64_fixed(&mut bytes, value);
    out.extend_from_slice(&bytes);
}

/// Appends a name: its length in bytes, then its bytes (core spec, 5.2.4 Names).
#[inline]
pub fn put_name(out: &mut Vec<u8>, name: &str) {
    put_bytes(out, name.as_bytes());
}

/// Appends a byte vector: its length, then its bytes.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes the minimal form of `value` into the start of `out` and returns its length.
///
/// # Panics
/// If `out` is shorter than [`len_u64`] of the value.
#[inline]
pub fn write_u64(out: &mut [u8], mut value: u64) -> usize {
    let mut at = 0;
    while value >= 0x80 {
        out[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    out[at] = value as u8;
    at + 1
}

/// Writes the minimal form of `value` into the start of `out` and returns its length.
///
/// # Panics
/// If `out` is shorter than [`len_i64`] of the value.
#[inline]
pub fn write_i64(out: &mut [u8], mut value: i64) -> usize {
    let mut at = 0;
    while !(-0x40..0x40).contains(&value) {
        out[at] = value as u8 & 0x7f | 0x80;
        value >>= 7;
        at += 1;
    }
    out[at] = value as u8 & 0x7f;
    at + 1
}

/// Bytes of the minimal form of an unsigned value of up to 32 bits.
#[inline]
pub const fn len_u32(value: u32) -> usize {
    len_u64(value as u64)
}

/// Bytes of the minimal form of an unsigned value.
#[inline]
pub const fn len_u64(value: u64) -> usize {
    // 7 bits a byte; zero still takes one.
    bytes_of_bits(64 - (value | 1).leading_zeros() as usize)
}

/// Bytes of the minimal form of a signed value of up to 32 bits.
#[inline]
pub const fn len_i32(value: i32) -> usize {
    len_i64(value as i64)
}

/// Bytes of the minimal form of a signed value.
#[inline]
pub const fn len_i64(value: i64) -> usize {
    // The magnitude's bits plus one for the sign.
    let magnitude = if value < 0 { !value } else { value } as u64;
    bytes_of_bits(64 - magnitude.leading_zeros() as usize + 1)
}

/// `bits` divided by 7, rounded up, without the division: right for 1 to 65 bits.
#[inline]
const fn bytes_of_bits(bits: usize) -> usize {
    (bits * 9 + 64) / 64
}

/// Decodes an unsigned 32-bit value: the value and how many bytes it took.
#[inline]
pub fn decode_u32(bytes: &[u8]) -> Result<(u32, usize), DecodeErrorKind> {
    match short(bytes) {
        Some((groups, len)) => Ok((groups, len)),
        None => decode_long_u32(bytes),
    }
}

/// Decodes an unsigned 64-bit value: the value and how many bytes it took.
#[inline]
pub fn decode_u64(bytes: &[u8]) -> Result<(u64, usize), DecodeErrorKind> {
    match short(bytes) {
        Some((groups, len)) => Ok((u64::from(groups), len)),
        None => decode_unsigned(bytes, 64),
    }
}

/// Decodes a signed 32-bit value: the value and how many bytes it took.
#[inline]
pub fn decode_i32(bytes: &[u8]) -> Result<(i32, usize), DecodeErrorKind> {
    match short(bytes) {
        Some((groups, len)) => Ok((sign_extended(groups, len), len)),
        None => decode_long_i32(bytes),
    }
}

/// Decodes a signed 33-bit value, the type of a block type (core spec, 5.4.2 Control Instructions): the value
/// and how many bytes it took.
#[inline]
pub fn decode_i33(bytes: &[u8]) -> Result<(i64, usize), DecodeErrorKind> {
    decode_signed(bytes, 33)
}

/// Decodes a signed 64-bit value: the value and how many bytes it took.
#[inline]
pub fn decode_i64(bytes: &[u8]) -> Result<(i64, usize), DecodeErrorKind> {
    match short(bytes) {
        Some((groups, len)) => Ok((i64::from(sign_extended(groups, len)), len)),
        None => decode_signed(bytes, 64),
    }
}

/// The groups of seven bits of a number of at most four bytes, one beside the other, and
/// how many there are: nearly every number in a table is so short, and no width is
/// exceeded. `None` where the number goes on, or fewer than four bytes are left.
#[inline]
fn short(bytes: &[u8]) -> Option<(u32, usize)> {
    let bytes: &[u8; 4] = bytes.first_chunk()?;
    let [a, b, c, d] = bytes.map(u32::from);
    // Each byte but the last has a bit more than its group, which is taken off again.
    let groups = a;
    if a < 0x80 {
        return Some((groups, 1));
    }
    let groups = groups - 0x80 + (b << 7);
    if b < 0x80 {
        return Some((groups, 2));
    }
    let groups = groups - (0x80 << 7) + (c << 14);
    if c < 0x80 {
        return Some((groups, 3));
    }
    let groups = groups - (0x80 << 14) + (d << 21);
    (d < 0x80).then_some((groups, 4))
}

/// The value of `len` groups of seven bits, at most four, the foremost bit of which is
/// its sign.
#[inline]
fn sign_extended(groups: u32, len: usize) -> i32 {
    let unused = 32 - 7 * len;
    (groups << unused) as i32 >> unused
}

#[cold]
fn decode_long_u32(bytes: &[u8]) -> Result<(u32, usize), DecodeErrorKind> {
    decode_unsigned(bytes, 32).map(|(value, len)| (value as u32, len))
}

#[cold]
fn decode_long_i32(bytes: &[u8]) -> Result<(i32, usize), DecodeErrorKind> {
    decode_signed(bytes, 32).map(|(value, len)| (value as i32, len))
}

#[inline]
fn decode_unsigned(bytes: &[u8], bits: u32) -> Result<(u64, usize), DecodeErrorKind> {
    let mut value = 0u64;
    let mut shift = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let payload = u64::from(byte & 0x7f);
        let room = bits - shift;
        if room < 7 && payload >> room != 0 {
            return Err(DecodeErrorKind::LebTooLong { bits });
        }
        value |= payload << shift;
        if byte & 0x80 == 0 {
            return Ok((value, i + 1));
        }
        shift += 7;
        if shift >= bits {
            return Err(DecodeErrorKind::LebTooLong { bits });
        }
    }
    Err(DecodeErrorKind::UnexpectedEnd)
}

#[inline]
fn decode_signed(bytes: &[u8], bits: u32) -> Result<(i64, usize), DecodeErrorKind> {
    let mut value = 0i64;
    let mut shift = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let room = bits - shift;
        if room < 7 {
            // In the last byte, the bits beyond the width must all repeat the sign bit.
            let extended = (byte as i8) << 1 >> 1; // the 7 payload bits, sign-extended
            let beyond = extended >> (room - 1);
            if beyond != 0 && beyond != -1 {
                return Err(DecodeErrorKind::LebTooLong { bits });
            }
        }
        value |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            if shift < 64 {
                value = value << (64 - shift) >> (64 - shift);
            }
            return Ok((value, i + 1));
        }
        if shift >= bits {
            return Err(DecodeErrorKind::LebTooLong { bits });
        }
    }
    Err(DecodeErrorKind::UnexpectedEnd)
}
