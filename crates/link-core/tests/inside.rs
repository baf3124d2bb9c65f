//! This library inside WebAssembly: compiled for `wasm32-unknown-unknown`, where a `usize` has 32
//! bits, it imports nothing and makes the bytes that it makes natively.
//!
//! `cargo xtask inside` compiles the module and runs this test.

#[path = "common/mod.rs"]
mod common;

use std::path::Path;

use common::source::{Source, sig};
use common::{ArchiveForm, Random, archive, fuzz, mutate};
use wasmi::{Engine, Instance, Linker, Module, Store, TypedFunc};

/// Damaged links whose outcomes are compared: an interpreter links more slowly.
const DAMAGED: usize = 150;

/// The linker in a WebAssembly module.
struct Inside {
    store: Store<()>,
    instance: Instance,
    room: TypedFunc<u32, u32>,
    link: TypedFunc<(), u32>,
    outcome: TypedFunc<(), u32>,
}

impl Inside {
    fn new(engine: &Engine, module: &Module) -> Self {
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine)
            .instantiate_and_start(&mut store, module)
            .expect("it needs no imports");
        Self {
            room: instance.get_typed_func(&store, "room").expect("an export"),
            link: instance.get_typed_func(&store, "link").expect("an export"),
            outcome: instance.get_typed_func(&store, "outcome").expect("one"),
            instance,
            store,
        }
    }

    /// As [`fuzz::described`], inside.
    fn link(&mut self, bytes: &[u8]) -> Result<Vec<u8>, wasmi::Error> {
        let memory = self.instance.get_memory(&self.store, "memory");
        let memory = memory.expect("an exported memory");
        let room = self.room.call(&mut self.store, bytes.len() as u32)?;
        memory
            .write(&mut self.store, room as usize, bytes)
            .expect("the room is there");
        let len = self.link.call(&mut self.store, ())?;
        let outcome = self.outcome.call(&mut self.store, ())?;
        let mut out = vec![0; len as usize];
        memory
            .read(&self.store, outcome as usize, &mut out)
            .expect("the outcome is there");
        Ok(out)
    }
}

/// A link in the form of the fuzz target.
fn job(files: &[&[u8]], bits: u64) -> Vec<u8> {
    let mut bytes = files.join(fuzz::SEPARATOR);
    bytes.extend_from_slice(fuzz::SEPARATOR);
    bytes.extend(bits.to_le_bytes());
    bytes
}

/// Objects and archives whose sizes, offsets and addends would not fit into 32 bits.
fn large_numbers() -> Vec<Vec<u8>> {
    let mut source = Source::new();
    source
        .start(&[])
        .data("text", ".rodata.str", *b"one\0two\0")
        .segment_flags(wasm_format::linking::SegmentFlags::STRINGS)
        .data("pointers", ".data.pointers", [0; 8]);
    let mut jobs = Vec::new();
    for addend in [4, -1, i64::from(i32::MIN), i64::from(i32::MAX)] {
        let mut source = source.clone();
        let address = wasm_format::reloc::RelocType::MemoryAddrI32;
        source.points(0, address, "text", addend);
        jobs.push(job(&[&source.build()], 0x21));
    }
    let mut wide = Source::wasm64();
    wide.start(&[])
        .data("text", ".rodata.str", *b"one\0two\0")
        .segment_flags(wasm_format::linking::SegmentFlags::STRINGS)
        .data("pointers", ".data.pointers", [0; 8]);
    for addend in [4, -1, 1 << 32, (1 << 32) + 4, 1 << 45, i64::MIN, i64::MAX] {
        let mut wide = wide.clone();
        let address = wasm_format::reloc::RelocType::MemoryAddrI64;
        wide.points(0, address, "text", addend);
        jobs.push(job(&[&wide.build()], 0x21));
    }
    let mut absolute = wide.clone();
    absolute.absolute("far", (1 << 40) + 1);
    jobs.push(job(&[&absolute.build()], 0x21));
    for form in [ArchiveForm::Gnu64, ArchiveForm::Gnu, ArchiveForm::Bsd] {
        let object = source.build();
        let mut library = archive(form, &[("member.o", &object)], &[(0, "_start")]);
        jobs.push(job(&[&library], 1));
        // The index's first entry is larger by 2^32, if it has room for that.
        let at = 8 + 60 + 8;
        library[at + 3] ^= 1;
        jobs.push(job(&[&library], 1));
    }
    jobs
}

fn damaged() -> Vec<Vec<u8>> {
    let mut source = Source::new();
    source
        .start(&["callee"])
        .function("f", sig(0, 1), |body| {
            body.address("text", 1);
        })
        .data("text", ".rodata.str", *b"hello\0")
        .custom(".debug_info", [0; 4])
        .describes(0, wasm_format::reloc::RelocType::FunctionOffsetI32, "f", 0);
    let mut callee = Source::new();
    callee.function("callee", sig(0, 0), |_| {});
    let (a, b) = (source.build(), callee.build());
    let library = archive(ArchiveForm::Gnu, &[("b.o", &b)], &[(0, "callee")]);
    let random = &mut Random(0x32);
    let damaged = (0..DAMAGED).map(|round| {
        let second = if round % 2 == 0 { &b } else { &library };
        let mut files = [&a[..], second].join(fuzz::SEPARATOR);
        if round > 1 {
            mutate(&mut files, random);
        }
        let bits = if round % 3 == 0 { random.next() } else { 1 };
        job(&[&files], bits)
    });
    damaged.collect()
}

#[test]
#[ignore = "`cargo xtask inside` compiles the module that this needs"]
fn inside_webassembly_the_outcome_is_the_same() {
    let path = std::env::var("LINK_INSIDE").expect("the path of the module");
    let bytes = std::fs::read(path).expect("the module can be read");
    let engine = Engine::default();
    let module = Module::new(&engine, &bytes).expect("the module is valid");
    let imports: Vec<_> = module.imports().map(|import| import.name()).collect();
    assert!(imports.is_empty(), "it imports {imports:?}");
    let mut inside = Inside::new(&engine, &module);

    // A C program: the object is checked in beside its source.
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/roman.o");
    let program = std::fs::read(program).expect("the object is there");
    let program = job(&[&program], 1 << 5);
    let linked = inside.link(&program).expect("it links");
    assert_eq!(linked[0], 1, "{}", String::from_utf8_lossy(&linked[1..]));
    assert!(linked == fuzz::described(&program), "the modules differ");
    assert_eq!(roman(&linked[1..], 1999), "MCMXCIX");

    for bytes in large_numbers().into_iter().chain(damaged()) {
        let here = fuzz::described(&bytes);
        match inside.link(&bytes) {
            Ok(there) => assert!(
                here == there,
                "natively:\n{}\ninside:\n{}",
                String::from_utf8_lossy(&here),
                String::from_utf8_lossy(&there)
            ),
            Err(error) => panic!("{error}\nnatively:\n{}", String::from_utf8_lossy(&here)),
        }
    }
}

/// Runs the C program that was linked.
fn roman(module: &[u8], number: i32) -> String {
    let engine = Engine::default();
    let module = Module::new(&engine, module).expect("a valid module");
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("the module can be instantiated");
    let roman = instance.get_typed_func::<i32, u32>(&store, "roman");
    let text = roman.expect("an export").call(&mut store, number);
    let memory = instance.get_memory(&store, "memory").expect("a memory");
    let text = &memory.data(&store)[text.expect("no trap") as usize..];
    let end = text.iter().position(|&byte| byte == 0).expect("an end");
    String::from_utf8_lossy(&text[..end]).into_owned()
}
