//! What decoding and writing LEB128 costs, beside the `leb128` crate.
//!
//! `cargo bench -p wasm-format --bench leb`. Each iteration handles 100,000 numbers whose
//! sizes are those of a symbol or relocation table: mostly one byte, some up to five.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wasm_format::{Reader, leb128};

const NUMBERS: usize = 100_000;

/// Numbers of mixed size, the same on every run.
fn numbers() -> Vec<u32> {
    let mut state = 0x9e37_79b9_u32;
    (0..NUMBERS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            match state % 8 {
                0..=4 => state >> 25,
                5 => state >> 18,
                6 => state >> 11,
                _ => state,
            }
        })
        .collect()
}

fn decode(c: &mut Criterion) {
    let mut minimal = Vec::new();
    let mut fixed = Vec::new();
    for &value in &numbers() {
        leb128::put_u32(&mut minimal, value);
        leb128::put_u32_fixed(&mut fixed, value);
    }
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(NUMBERS as u64));
    for (form, bytes) in [("minimal", &minimal), ("fixed", &fixed)] {
        group.bench_function(format!("wasm-format/{form}"), |b| {
            b.iter(|| {
                let mut reader = Reader::new(black_box(bytes));
                let mut sum = 0u32;
                while !reader.is_empty() {
                    sum = sum.wrapping_add(reader.u32().expect("valid"));
                }
                sum
            });
        });
        group.bench_function(format!("leb128/{form}"), |b| {
            b.iter(|| {
                let mut bytes = black_box(&bytes[..]);
                let mut sum = 0u32;
                while !bytes.is_empty() {
                    let value = ::leb128::read::unsigned(&mut bytes).expect("valid");
                    sum = sum.wrapping_add(value as u32);
                }
                sum
            });
        });
    }
    let mut signed = Vec::new();
    for &value in &numbers() {
        leb128::put_i64(&mut signed, i64::from(value as i32));
    }
    group.bench_function("wasm-format/signed", |b| {
        b.iter(|| {
            let mut reader = Reader::new(black_box(&signed));
            let mut sum = 0i64;
            while !reader.is_empty() {
                sum = sum.wrapping_add(reader.i64().expect("valid"));
            }
            sum
        });
    });
    group.bench_function("leb128/signed", |b| {
        b.iter(|| {
            let mut bytes = black_box(&signed[..]);
            let mut sum = 0i64;
            while !bytes.is_empty() {
                sum = sum.wrapping_add(::leb128::read::signed(&mut bytes).expect("valid"));
            }
            sum
        });
    });
    group.finish();
}

fn write(c: &mut Criterion) {
    let numbers = numbers();
    let mut group = c.benchmark_group("write");
    group.throughput(Throughput::Elements(NUMBERS as u64));
    let mut out = vec![0; NUMBERS * leb128::FIXED32];
    group.bench_function("wasm-format/fixed-in-place", |b| {
        b.iter(|| {
            for (place, &value) in out.chunks_exact_mut(leb128::FIXED32).zip(&numbers) {
                leb128::write_u32_fixed(place, value);
            }
            black_box(&mut out);
        });
    });
    let mut out = Vec::with_capacity(NUMBERS * leb128::FIXED32);
    group.bench_function("wasm-format/minimal", |b| {
        b.iter(|| {
            out.clear();
            for &value in &numbers {
                leb128::put_u32(&mut out, value);
            }
            black_box(&mut out);
        });
    });
    group.bench_function("leb128/minimal", |b| {
        b.iter(|| {
            out.clear();
            for &value in &numbers {
                ::leb128::write::unsigned(&mut out, u64::from(value)).expect("a vector");
            }
            black_box(&mut out);
        });
    });
    group.finish();
}

criterion_group!(benches, decode, write);
criterion_main!(benches);
