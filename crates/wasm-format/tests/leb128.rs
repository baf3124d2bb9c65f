//! LEB128 against the `leb128` crate, and its limits.

use proptest::prelude::*;
use wasm_format::leb128::{self, FIXED32, FIXED64};
use wasm_format::reloc::{RelocType, ValueForm};
use wasm_format::{DecodeErrorKind, Reader};

/// Numbers of every size, which uniform ones are not.
fn sized_u64() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(value, shift)| value >> shift)
}

fn sized_i64() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64u32).prop_map(|(value, shift)| value >> shift)
}

fn oracle_unsigned(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    ::leb128::write::unsigned(&mut bytes, value).expect("a vector takes everything");
    bytes
}

fn oracle_signed(value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    ::leb128::write::signed(&mut bytes, value).expect("a vector takes everything");
    bytes
}

proptest! {
    #[test]
    fn minimal_unsigned_is_the_oracles(value in sized_u64()) {
        let expected = oracle_unsigned(value);
        let mut bytes = vec![0xaa];
        leb128::put_u64(&mut bytes, value);
        prop_assert_eq!(&bytes[1..], &expected);
        prop_assert_eq!(leb128::len_u64(value), expected.len());
        let mut place = [0xaa; FIXED64];
        prop_assert_eq!(leb128::write_u64(&mut place, value), expected.len());
        prop_assert_eq!(&place[..expected.len()], &expected);
        prop_assert_eq!(leb128::decode_u64(&expected), Ok((value, expected.len())));
        if let Ok(narrow) = u32::try_from(value) {
            bytes.clear();
            leb128::put_u32(&mut bytes, narrow);
            prop_assert_eq!(&bytes, &expected);
            prop_assert_eq!(leb128::len_u32(narrow), expected.len());
            prop_assert_eq!(leb128::decode_u32(&expected), Ok((narrow, expected.len())));
        } else {
            prop_assert_eq!(
                leb128::decode_u32(&expected),
                Err(DecodeErrorKind::LebTooLong { bits: 32 })
            );
        }
    }

    #[test]
    fn minimal_signed_is_the_oracles(value in sized_i64()) {
        let expected = oracle_signed(value);
        let mut bytes = vec![0xaa];
        leb128::put_i64(&mut bytes, value);
        prop_assert_eq!(&bytes[1..], &expected);
        prop_assert_eq!(leb128::len_i64(value), expected.len());
        let mut place = [0xaa; FIXED64];
        prop_assert_eq!(leb128::write_i64(&mut place, value), expected.len());
        prop_assert_eq!(&place[..expected.len()], &expected);
        prop_assert_eq!(leb128::decode_i64(&expected), Ok((value, expected.len())));
        if (-1i64 << 32..1 << 32).contains(&value) {
            prop_assert_eq!(leb128::decode_i33(&expected), Ok((value, expected.len())));
        } else {
            prop_assert_eq!(
                leb128::decode_i33(&expected),
                Err(DecodeErrorKind::LebTooLong { bits: 33 })
            );
        }
        if let Ok(narrow) = i32::try_from(value) {
            bytes.clear();
            leb128::put_i32(&mut bytes, narrow);
            prop_assert_eq!(&bytes, &expected);
            prop_assert_eq!(leb128::len_i32(narrow), expected.len());
            prop_assert_eq!(leb128::decode_i32(&expected), Ok((narrow, expected.len())));
        } else {
            prop_assert_eq!(
                leb128::decode_i32(&expected),
                Err(DecodeErrorKind::LebTooLong { bits: 32 })
            );
        }
    }

    #[test]
    fn fixed_32_bits_decode_as_minimal_ones_do(value in any::<u32>()) {
        let mut bytes = [0xaa; FIXED32 + 1];
        leb128::write_u32_fixed(&mut bytes, value);
        prop_assert_eq!(bytes[FIXED32], 0xaa);
        prop_assert_eq!(leb128::decode_u32(&bytes), Ok((value, FIXED32)));
        prop_assert_eq!(::leb128::read::unsigned(&mut &bytes[..]).ok(), Some(u64::from(value)));
        let mut put = Vec::new();
        leb128::put_u32_fixed(&mut put, value);
        prop_assert_eq!(&put, &bytes[..FIXED32]);

        let value = value as i32;
        leb128::write_i32_fixed(&mut bytes, value);
        prop_assert_eq!(bytes[FIXED32], 0xaa);
        prop_assert_eq!(leb128::decode_i32(&bytes), Ok((value, FIXED32)));
        prop_assert_eq!(leb128::decode_i33(&bytes), Ok((i64::from(value), FIXED32)));
        prop_assert_eq!(::leb128::read::signed(&mut &bytes[..]).ok(), Some(i64::from(value)));
        put.clear();
        leb128::put_i32_fixed(&mut put, value);
        prop_assert_eq!(&put, &bytes[..FIXED32]);
    }

    #[test]
    fn fixed_64_bits_decode_as_minimal_ones_do(value in sized_u64()) {
        let mut bytes = [0xaa; FIXED64 + 1];
        leb128::write_u64_fixed(&mut bytes, value);
        prop_assert_eq!(bytes[FIXED64], 0xaa);
        prop_assert_eq!(leb128::decode_u64(&bytes), Ok((value, FIXED64)));
        prop_assert_eq!(::leb128::read::unsigned(&mut &bytes[..]).ok(), Some(value));
        let mut put = Vec::new();
        leb128::put_u64_fixed(&mut put, value);
        prop_assert_eq!(&put, &bytes[..FIXED64]);

        let value = value as i64;
        leb128::write_i64_fixed(&mut bytes, value);
        prop_assert_eq!(bytes[FIXED64], 0xaa);
        prop_assert_eq!(leb128::decode_i64(&bytes), Ok((value, FIXED64)));
        prop_assert_eq!(::leb128::read::signed(&mut &bytes[..]).ok(), Some(value));
        put.clear();
        leb128::put_i64_fixed(&mut put, value);
        prop_assert_eq!(&put, &bytes[..FIXED64]);
    }

    /// Whatever the bytes: what is decoded is what they say, and what is refused has too
    /// many bits or ends early. The oracle has no limits but 64 bits.
    #[test]
    fn any_bytes_decode_as_the_oracle_says(bytes in leb_like()) {
        let ended = bytes.iter().position(|byte| byte & 0x80 == 0);
        let unsigned = ::leb128::read::unsigned(&mut &bytes[..]).ok();
        let signed = ::leb128::read::signed(&mut &bytes[..]).ok();
        for (bits, max_len) in [(32, 5), (64, 10)] {
            let decoded = if bits == 32 {
                leb128::decode_u32(&bytes).map(|(value, len)| (u64::from(value), len))
            } else {
                leb128::decode_u64(&bytes)
            };
            match (ended, unsigned) {
                (Some(end), Some(value)) if end < max_len && (bits == 64 || value >> 32 == 0) => {
                    prop_assert_eq!(decoded, Ok((value, end + 1)));
                }
                (None, _) if bytes.len() < max_len => {
                    prop_assert_eq!(decoded, Err(DecodeErrorKind::UnexpectedEnd));
                }
                _ => prop_assert_eq!(decoded, Err(DecodeErrorKind::LebTooLong { bits })),
            }
        }
        for (bits, max_len) in [(32, 5), (33, 5), (64, 10)] {
            let decoded = match bits {
                32 => leb128::decode_i32(&bytes).map(|(value, len)| (i64::from(value), len)),
                33 => leb128::decode_i33(&bytes),
                _ => leb128::decode_i64(&bytes),
            };
            match (ended, signed) {
                (Some(end), Some(value))
                    if end < max_len
                        && (-1i128 << (bits - 1)..1i128 << (bits - 1))
                            .contains(&i128::from(value)) =>
                {
                    prop_assert_eq!(decoded, Ok((value, end + 1)));
                }
                (None, _) if bytes.len() < max_len => {
                    prop_assert_eq!(decoded, Err(DecodeErrorKind::UnexpectedEnd));
                }
                _ => prop_assert_eq!(decoded, Err(DecodeErrorKind::LebTooLong { bits })),
            }
        }
    }

    #[test]
    fn relocated_values_read_as_they_were_written(
        ty in prop::sample::select(RelocType::ALL),
        value in any::<u64>(),
    ) {
        let form = ty.form();
        let mut bytes = [0xaa; 11];
        form.write(&mut bytes, value);
        prop_assert!(bytes[form.width()..].iter().all(|&byte| byte == 0xaa));
        let expected = match form {
            ValueForm::Leb32 | ValueForm::I32 => u64::from(value as u32),
            ValueForm::Sleb32 => i64::from(value as i32) as u64,
            ValueForm::Leb64 | ValueForm::Sleb64 | ValueForm::I64 => value,
        };
        prop_assert_eq!(form.read(&bytes), Ok(expected));
        prop_assert_eq!(
            form.read(&bytes[..form.width() - 1]),
            Err(DecodeErrorKind::UnexpectedEnd)
        );
        if !matches!(form, ValueForm::I32 | ValueForm::I64) {
            prop_assert!(matches!(form.read(&[0; 10]), Err(DecodeErrorKind::Invalid(_))));
        }
    }

    #[test]
    fn shortest_values_decode_as_what_was_written(
        ty in prop::sample::select(RelocType::ALL),
        value in any::<i64>(),
        shift in 0..64u32,
    ) {
        let form = ty.form();
        let value = (value >> shift) as u64;
        let mut bytes = [0xaa; 11];
        let len = form.write_shortest(&mut bytes, value);
        prop_assert_eq!(len, form.shortest(value));
        prop_assert!(len <= form.width());
        prop_assert!(bytes[len..].iter().all(|&byte| byte == 0xaa));
        let (read, expected) = match form {
            ValueForm::Leb32 => {
                let read = leb128::decode_u32(&bytes).map(|(read, len)| (read.into(), len));
                (read, u64::from(value as u32))
            }
            ValueForm::Sleb32 => {
                let read = leb128::decode_i32(&bytes);
                let read = read.map(|(read, len)| (i64::from(read) as u64, len));
                (read, i64::from(value as i32) as u64)
            }
            ValueForm::Leb64 => (leb128::decode_u64(&bytes), value),
            ValueForm::Sleb64 => {
                let read = leb128::decode_i64(&bytes);
                (read.map(|(read, len)| (read as u64, len)), value)
            }
            ValueForm::I32 => (form.read(&bytes).map(|read| (read, 4)), u64::from(value as u32)),
            ValueForm::I64 => (form.read(&bytes).map(|read| (read, 8)), value),
        };
        prop_assert_eq!(read, Ok((expected, len)));
    }
}

#[test]
fn values_fit_places_that_can_mean_them() {
    let (i32_min, u32_max) = (i128::from(i32::MIN), i128::from(u32::MAX));
    let u64_max = i128::from(u64::MAX);
    for (form, least, most) in [
        (ValueForm::Leb32, 0, u32_max),
        (ValueForm::Sleb32, i32_min, u32_max),
        (ValueForm::I32, i32_min, u32_max),
        (ValueForm::Leb64, 0, u64_max),
    ] {
        assert!(form.fits(least) && form.fits(most), "{form:?}");
        assert!(!form.fits(least - 1) && !form.fits(most + 1), "{form:?}");
    }
    for form in [ValueForm::Sleb64, ValueForm::I64] {
        assert!(
            form.fits(i128::from(i64::MIN)) && form.fits(u64_max),
            "{form:?}"
        );
    }
}

/// Up to twelve bytes, most of which say that another follows.
fn leb_like() -> impl Strategy<Value = Vec<u8>> {
    let more = prop_oneof![Just(0x80u8), Just(0xff), 0x80..=0xffu8];
    let last = prop_oneof![Just(0u8), Just(1), Just(0x7f), Just(0x40), any::<u8>()];
    (prop::collection::vec(more, 0..12), last).prop_map(|(mut bytes, last)| {
        bytes.push(last);
        bytes
    })
}

#[test]
fn limits_of_unsigned_values() {
    let too_long = |bits| Err(DecodeErrorKind::LebTooLong { bits });
    let ff = |n, last| [vec![0xff; n], vec![last]].concat();

    assert_eq!(leb128::decode_u32(&ff(4, 0x0f)), Ok((u32::MAX, 5)));
    assert_eq!(leb128::decode_u32(&ff(4, 0x1f)).map(|_| ()), too_long(32));
    assert_eq!(leb128::decode_u32(&ff(4, 0x8f)).map(|_| ()), too_long(32));
    assert_eq!(leb128::decode_u64(&ff(9, 0x01)), Ok((u64::MAX, 10)));
    assert_eq!(leb128::decode_u64(&ff(9, 0x03)).map(|_| ()), too_long(64));
    assert_eq!(leb128::decode_u64(&ff(9, 0x81)).map(|_| ()), too_long(64));
}

#[test]
fn limits_of_signed_values() {
    let too_long = |bits| Err(DecodeErrorKind::LebTooLong { bits });
    let of = |fill, n, last| [vec![fill; n], vec![last]].concat();

    assert_eq!(leb128::decode_i32(&of(0xff, 4, 0x07)), Ok((i32::MAX, 5)));
    assert_eq!(leb128::decode_i32(&of(0x80, 4, 0x78)), Ok((i32::MIN, 5)));
    // Bits beyond the sign that differ from it.
    assert_eq!(
        leb128::decode_i32(&of(0xff, 4, 0x0f)).map(|_| ()),
        too_long(32)
    );
    assert_eq!(
        leb128::decode_i32(&of(0x80, 4, 0x70)).map(|_| ()),
        too_long(32)
    );

    let max = (1i64 << 32) - 1;
    assert_eq!(leb128::decode_i33(&of(0xff, 4, 0x0f)), Ok((max, 5)));
    assert_eq!(leb128::decode_i33(&of(0x80, 4, 0x70)), Ok((-max - 1, 5)));
    assert_eq!(
        leb128::decode_i33(&of(0xff, 4, 0x1f)).map(|_| ()),
        too_long(33)
    );
    assert_eq!(
        leb128::decode_i33(&of(0x80, 4, 0x60)).map(|_| ()),
        too_long(33)
    );

    assert_eq!(leb128::decode_i64(&of(0xff, 9, 0x00)), Ok((i64::MAX, 10)));
    assert_eq!(leb128::decode_i64(&of(0x80, 9, 0x7f)), Ok((i64::MIN, 10)));
    assert_eq!(
        leb128::decode_i64(&of(0xff, 9, 0x01)).map(|_| ()),
        too_long(64)
    );
    assert_eq!(
        leb128::decode_i64(&of(0x80, 9, 0x7e)).map(|_| ()),
        too_long(64)
    );
    assert_eq!(
        leb128::decode_i64(&of(0x80, 10, 0x00)).map(|_| ()),
        too_long(64)
    );
}

#[test]
fn reader_names_the_offset_of_the_value_that_fails() {
    let mut reader = Reader::at(&[0x05, 0xff, 0xff, 0xff, 0xff, 0x10], 0x100);
    assert_eq!(reader.u32(), Ok(5));
    let error = reader.u32().expect_err("33 bits");
    assert_eq!(error.offset, 0x101);
    assert_eq!(
        error.to_string(),
        "LEB128 value does not fit in 32 bits (at offset 0x101)"
    );
}
