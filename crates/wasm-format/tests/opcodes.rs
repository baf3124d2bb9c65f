//! Every opcode, against `wasmparser` (its code) and `wasmprinter` (its name).

use proptest::prelude::*;
use wasm_format::{FuncType, Opcode, Reader, SectionId, leb128, put_section, put_vector_section};
use wasmparser::{BinaryReader, OperatorsReader};

/// Code that must stand before and after the instruction: half of a block is read with
/// its other half or not at all.
fn context(opcode: Opcode) -> (&'static [u8], &'static [u8]) {
    match opcode {
        Opcode::Else => (&[0x04, 0x40], &[0x0b]),
        Opcode::Catch | Opcode::CatchAll => (&[0x06, 0x40], &[0x0b]),
        Opcode::Rethrow => (&[0x06, 0x40, 0x19], &[0x0b]),
        Opcode::Delegate => (&[0x06, 0x40], &[]),
        Opcode::Block | Opcode::Loop | Opcode::If | Opcode::Try | Opcode::TryTable => {
            (&[], &[0x0b])
        }
        // A function's own `end` is not printed; a block's is.
        Opcode::End => (&[0x02, 0x40], &[]),
        _ => (&[], &[]),
    }
}

/// The instruction as `wasmparser` reads it: its name there, and its bytes. Immediates
/// are indices, alignments, lanes and counts of zero, which suit every instruction but
/// `select` with a type: that one wants exactly one.
fn parse(opcode: Opcode) -> (String, Vec<u8>) {
    let (before, _) = context(opcode);
    let mut bytes = before.to_vec();
    opcode.encode(&mut bytes);
    match opcode {
        Opcode::TypedSelect => bytes.extend([1, 0x7f]),
        _ => bytes.extend([0; 32]),
    }
    let mut reader = OperatorsReader::new(BinaryReader::new(&bytes, 0));
    while reader.original_position() < before.len() as u64 {
        reader.read().expect("the context is valid");
    }
    let operator = reader
        .read()
        .unwrap_or_else(|error| panic!("{opcode:?}: {error}"));
    let debug = format!("{operator:?}");
    let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
    let end = reader.original_position() as usize;
    (name.to_owned(), bytes[before.len()..end].to_vec())
}

#[test]
fn codes_are_those_that_wasmparser_reads() {
    for &opcode in Opcode::ALL {
        // `v128.andnot` is one word in the spec and two there.
        let (theirs, _) = parse(opcode);
        let ours = format!("{opcode:?}");
        assert!(theirs.eq_ignore_ascii_case(&ours), "{theirs} is {ours}");
    }
}

#[test]
fn names_are_those_that_wasmprinter_prints() {
    for &opcode in Opcode::ALL {
        let (before, after) = context(opcode);
        let mut body = vec![0];
        body.extend_from_slice(before);
        body.extend(parse(opcode).1);
        body.extend_from_slice(after);
        body.push(0x0b);

        let mut module = wasm_format::MODULE_HEADER.to_vec();
        let mut types = Vec::new();
        FuncType::default().encode(&mut types);
        put_vector_section(&mut module, SectionId::Type, 1, &types);
        put_section(&mut module, SectionId::Function, &[1, 0]);
        let mut code = Vec::new();
        leb128::put_bytes(&mut code, &body);
        put_vector_section(&mut module, SectionId::Code, 1, &code);

        let text =
            wasmprinter::print_bytes(&module).unwrap_or_else(|error| panic!("{opcode:?}: {error}"));
        let printed = text
            .split(|c: char| c.is_whitespace() || c == '(' || c == ')')
            .any(|word| word == opcode.name());
        assert!(printed, "{opcode:?} is not in\n{text}");
    }
}

/// Nothing that `wasmparser` reads is missing, but for proposals that are not covered.
#[test]
fn every_code_is_known_or_of_a_proposal_that_is_not_covered() {
    let mut unknown = Vec::new();
    let families = [
        (0, 0xff),
        (0xfb, 0x100),
        (0xfc, 0x100),
        (0xfd, 0x200),
        (0xfe, 0x100),
    ];
    for (prefix, codes) in families {
        for code in 0..codes {
            if prefix == 0 && matches!(code, 0xfb..=0xfe) {
                continue;
            }
            let mut bytes = Vec::new();
            if prefix == 0 {
                bytes.push(code as u8);
            } else {
                bytes.push(prefix);
                leb128::put_u32(&mut bytes, code);
            }
            bytes.extend([0; 32]);
            let read = OperatorsReader::new(BinaryReader::new(&bytes, 0))
                .read()
                .is_ok();
            if read && Opcode::from_parts(prefix, code).is_none() {
                let operator = OperatorsReader::new(BinaryReader::new(&bytes, 0)).read();
                unknown.push(format!("{prefix:#04x} {code:#04x} {operator:?}"));
            }
        }
    }
    insta::assert_snapshot!(unknown.join("\n"));
}

#[test]
fn all_opcodes_round_trip() {
    for (i, &opcode) in Opcode::ALL.iter().enumerate() {
        let mut bytes = Vec::new();
        opcode.encode(&mut bytes);
        assert_eq!(bytes.len(), opcode.encoded_len());
        let mut reader = Reader::new(&bytes);
        assert_eq!(Opcode::decode(&mut reader), Ok(opcode));
        assert!(reader.is_empty());
        assert_eq!(
            Opcode::from_parts(opcode.prefix(), opcode.code()),
            Some(opcode)
        );
        assert!(
            Opcode::ALL[..i].iter().all(|&other| other < opcode),
            "{opcode:?} out of order"
        );
    }
}

proptest! {
    #[test]
    fn decoding_says_where_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..8)) {
        match Opcode::decode(&mut Reader::at(&bytes, 7)) {
            Ok(opcode) => prop_assert!(Opcode::ALL.contains(&opcode)),
            Err(error) => prop_assert!((7..=7 + bytes.len()).contains(&error.offset)),
        }
    }
}
