//! Thousands of damaged inputs, the same on every run: none may panic or take long.

use std::time::{Duration, Instant};

use link_core::input::object::Object;
use link_core::input::{self, LoadedFiles, ReadInput};
use link_core::{Env, FileData, Options};
use link_core::{Input, Inputs};

use crate::common::{ArchiveForm, Random, archive, defines, mutate};
use crate::sample;

const INPUTS: usize = 5_000;
/// Far more than any of these small inputs takes, far less than a runaway loop does.
const LIMIT: Duration = Duration::from_secs(5);

fn seeds() -> Vec<Vec<u8>> {
    let object = sample::object().build();
    let other = defines("g").build();
    let members: [(&str, &[u8]); 3] = [
        ("sample.o", &object),
        ("lib.rmeta", b"rust\0\0\0\x06"),
        ("a_rather_long_name_of_a_member.o", &other),
    ];
    let index = [(0, "main"), (0, "greeting"), (2, "g")];
    let mut seeds = vec![object.clone(), object.clone(), other.clone()];
    for form in [
        ArchiveForm::Gnu,
        ArchiveForm::Gnu64,
        ArchiveForm::Bsd,
        ArchiveForm::Thin,
    ] {
        seeds.push(archive(form, &members, &index));
        seeds.push(archive(form, &members, &[]));
    }
    seeds
}

/// What the later phases do with an object without asking: follow every index it holds.
fn rely_on(object: &Object<'_>) {
    let mut count = 0;
    let chunks = object.functions.chunks();
    let chunks = chunks.chain(object.segments.iter().map(|s| s.chunk));
    for chunk in chunks.chain(object.customs.iter().map(|c| c.chunk)) {
        let mut last = 0;
        for reloc in chunk.relocs.iter() {
            assert!(reloc.end() <= chunk.bytes.len() && reloc.offset as usize >= last);
            last = reloc.end();
            match reloc.ty.target() {
                wasm_format::reloc::RelocTarget::Type => {
                    count += object.types[reloc.target as usize].len();
                }
                _ => {
                    count += object.symbols[reloc.target as usize].name.len();
                }
            }
        }
    }
    for function in &object.functions {
        count += object.types[function.ty.index()].len();
        count += function.comdat().map_or(0, |c| object.comdat_name(c).len());
    }
    for init in &object.init_funcs {
        count += object.symbols[init.symbol.index()].name.len();
    }
    for ty in &object.types {
        let mut reader = wasm_format::Reader::new(ty);
        wasm_format::FuncType::decode(&mut reader).unwrap();
    }
    std::hint::black_box(count);
}

fn exercise(bytes: Vec<u8>, whole_archive: bool) -> bool {
    let loaded = LoadedFiles::new();
    let mut input = Input::bytes("input", FileData::new(bytes));
    input.whole_archive = whole_archive;
    let inputs = Inputs {
        search_paths: vec![],
        inputs: vec![input],
    };
    let result = input::read(inputs, &loaded, &Options::default(), &Env::default());
    let mut good = !result.diagnostics.has_errors();
    for input in &result.inputs {
        match input {
            ReadInput::Object(object) => rely_on(object),
            ReadInput::Lazy(member) => match member.parse() {
                Ok(object) => rely_on(&object),
                Err(_) => good = false,
            },
            _ => {}
        }
    }
    good
}

#[test]
fn five_thousand_damaged_inputs() {
    let seeds = seeds();
    let mut random = Random(0x5eed);
    let mut good = 0;
    for round in 0..INPUTS {
        let mut bytes = seeds[round % seeds.len()].clone();
        mutate(&mut bytes, &mut random);
        let start = Instant::now();
        good += usize::from(exercise(bytes, round % 3 == 0));
        let elapsed = start.elapsed();
        assert!(elapsed < LIMIT, "round {round} took {elapsed:?}");
    }
    // Damage that is always noticed at once, or never, would test little.
    assert!(
        (INPUTS / 20..INPUTS * 3 / 4).contains(&good),
        "{good} were good"
    );
}

#[test]
fn cut_at_every_length() {
    let whole = sample::object().build();
    for len in 0..whole.len() {
        exercise(whole[..len].to_vec(), false);
    }
}
