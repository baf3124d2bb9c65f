//! What the engine for generated code costs, beside `wasm-encoder` doing the same.
//!
//! `flush/link-core` writes a finished module from committed declarations, numbering,
//! placing and patching everything anew. `flush/wasm-encoder` assembles the same sections
//! from prebuilt functions whose indices are already right, and from data whose addresses
//! are. `flush/wasm-encoder-instructions` does so after encoding the instructions, which
//! is what a compiler does whose indices were not known. `flush/copy` copies the finished
//! module once. `flush/link-core-renumbered` is a flush of the same module after a
//! declaration before all others was freed: no function has the number that a call to it
//! was committed with, so every call is patched.
//!
//! `flush/open` updates one function and flushes into a file that stays open, beside
//! `flush/file`, a full flush to a new file, and `flush/open-first`, the first flush into such a
//! file.
//!
//! `update` is the other half: making a body and committing it in place of the one before,
//! beside making a `wasm_encoder::Function`. What committing does beyond encoding (checking
//! every hole, counting references, copying into the arena) has no counterpart there.
//! Everything is on one thread.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use link_core::module::{
    DataDef, DataId, FuncId, FunctionBody, Module, OpenOutput, OutputFile, TypeId,
};
use wasm_encoder as enc;
use wasm_format::{FuncType, Reader, SectionId, ValType};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const CALLS: usize = 10;
/// One datum for so many functions.
const FUNCTIONS_PER_DATUM: usize = 10;
const DATUM: [u8; 64] = *b"some data of a program, as long as two lines of a message are.\0\0";
const DATA_BASE: usize = 1024;

/// Which function the `call`th call of function `caller` calls: anywhere in the module.
fn callee(caller: usize, call: usize, count: usize) -> usize {
    (caller
        .wrapping_mul(2_654_435_761)
        .wrapping_add(call * 7_919))
        % count
}

fn name(function: usize) -> String {
    format!("some::path::to::function_{function}")
}

/// The datum that a function refers to, if it does.
fn datum(function: usize) -> Option<usize> {
    function
        .is_multiple_of(FUNCTIONS_PER_DATUM)
        .then_some(function / FUNCTIONS_PER_DATUM)
}

struct Handles {
    ty: TypeId,
    functions: Vec<FuncId>,
    data: Vec<DataId>,
}

fn body(function: usize, handles: &Handles) -> FunctionBody {
    let mut body = FunctionBody::new(handles.ty);
    body.local(ValType::I32).code(&[0x20, 0]);
    for call in 0..CALLS {
        let callee = callee(function, call, handles.functions.len());
        body.code(&[0x41]).signed(call as i64 * 100).code(&[0x6a]);
        body.call(handles.functions[callee]);
    }
    if let Some(datum) = datum(function) {
        body.address(handles.data[datum], 4)
            .code(&[0x28, 2, 0, 0x6a]);
    }
    body.end();
    body
}

fn announce(count: usize) -> (Module, Handles) {
    let mut module = Module::default();
    let handles = announce_in(&mut module, count);
    (module, handles)
}

fn announce_in(module: &mut Module, count: usize) -> Handles {
    let ty = module.func_type(&signature()).unwrap();
    let functions = (0..count)
        .map(|i| module.announce_function(name(i)).unwrap())
        .collect();
    let data = (0..count / FUNCTIONS_PER_DATUM)
        .map(|i| module.announce_data(format!("data_{i}")).unwrap())
        .collect();
    Handles {
        ty,
        functions,
        data,
    }
}

fn signature() -> FuncType {
    FuncType::new([ValType::I32], [ValType::I32])
}

fn build(count: usize) -> Module {
    let (mut module, handles) = announce(count);
    define(&mut module, &handles);
    module
}

/// As [`build`], and every number is one less than when the calls to it were committed.
fn build_renumbered(count: usize) -> Module {
    let mut module = Module::default();
    let freed = module.announce_function("freed").unwrap();
    let handles = announce_in(&mut module, count);
    define(&mut module, &handles);
    module.free(freed).unwrap();
    module
}

fn define(module: &mut Module, handles: &Handles) {
    for &data in &handles.data {
        module
            .update(data, DataDef::fixed(&DATUM).align(4))
            .unwrap();
    }
    for (i, &function) in handles.functions.iter().enumerate() {
        module.update(function, body(i, handles)).unwrap();
    }
    module.set_exports(handles.functions[0], ["main"]).unwrap();
}

fn encode_function(function: usize, count: usize) -> enc::Function {
    let mut body = enc::Function::new([(1, enc::ValType::I32)]);
    let mut code = body.instructions();
    code.local_get(0);
    for call in 0..CALLS {
        code.i32_const(call as i32 * 100).i32_add();
        code.call(callee(function, call, count) as u32);
    }
    if let Some(datum) = datum(function) {
        code.i32_const((DATA_BASE + datum * DATUM.len() + 4) as i32);
        let memarg = enc::MemArg {
            offset: 0,
            align: 2,
            target: enc::MemArgTarget::Memory(0),
            ordering: None,
        };
        code.i32_load(memarg).i32_add();
    }
    code.end();
    body
}

/// The module as `wasm-encoder` writes it.
fn assemble(functions: &[enc::Function], names: &[String], data: &[u8]) -> Vec<u8> {
    let mut module = enc::Module::new();
    let mut types = enc::TypeSection::new();
    types
        .ty()
        .function([enc::ValType::I32], [enc::ValType::I32]);
    module.section(&types);
    let mut declared = enc::FunctionSection::new();
    for _ in functions {
        declared.function(0);
    }
    module.section(&declared);
    let mut memories = enc::MemorySection::new();
    memories.memory(enc::MemoryType {
        minimum: (DATA_BASE + data.len()).div_ceil(65_536) as u64,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    module.section(&memories);
    let mut exports = enc::ExportSection::new();
    exports.export("main", enc::ExportKind::Func, 0);
    exports.export("memory", enc::ExportKind::Memory, 0);
    module.section(&exports);
    let mut code = enc::CodeSection::new();
    for function in functions {
        code.function(function);
    }
    module.section(&code);
    let mut segments = enc::DataSection::new();
    let offset = enc::ConstExpr::i32_const(DATA_BASE as i32);
    segments.active(0, &offset, data.iter().copied());
    module.section(&segments);
    let mut map = enc::NameMap::new();
    for (index, name) in names.iter().enumerate() {
        map.append(index as u32, name);
    }
    let mut section = enc::NameSection::new();
    section.functions(&map);
    module.section(&section);
    module.finish()
}

/// Section ids and, of vectors, counts: what both sides must agree on.
fn sections(bytes: &[u8]) -> Vec<(SectionId, u32)> {
    let mut reader = Reader::new(bytes);
    reader.module_header().unwrap();
    let mut sections = Vec::new();
    while !reader.is_empty() {
        let (id, mut body) = reader.section().unwrap();
        let count = if id.is_vector() {
            body.u32().unwrap()
        } else {
            0
        };
        sections.push((id, count));
    }
    sections
}

fn flush(c: &mut Criterion) {
    let mut group = c.benchmark_group("flush");
    for count in SIZES {
        let module = build(count);
        let renumbered = build_renumbered(count);
        let functions: Vec<_> = (0..count).map(|i| encode_function(i, count)).collect();
        let names: Vec<_> = (0..count).map(name).collect();
        let data = DATUM.repeat(count / FUNCTIONS_PER_DATUM);
        let ours = module.flush().unwrap().bytes;
        let theirs = assemble(&functions, &names, &data);
        assert!(
            renumbered.flush().unwrap().bytes == ours,
            "what numbers calls were committed with makes no difference"
        );
        for bytes in [&ours, &theirs] {
            wasmparser::validate(bytes).expect("both sides write a valid module");
        }
        assert_eq!(
            sections(&ours),
            sections(&theirs),
            "both sides write the same sections"
        );
        println!(
            "{count} functions: link-core {} bytes, wasm-encoder {}",
            ours.len(),
            theirs.len()
        );

        group.throughput(Throughput::Elements(count as u64));
        group.sample_size(if count > 10_000 { 20 } else { 50 });
        group.bench_function(BenchmarkId::new("link-core", count), |b| {
            b.iter(|| black_box(&module).flush().unwrap());
        });
        group.bench_function(BenchmarkId::new("link-core-renumbered", count), |b| {
            b.iter(|| black_box(&renumbered).flush().unwrap());
        });
        group.bench_function(BenchmarkId::new("wasm-encoder", count), |b| {
            b.iter(|| assemble(black_box(&functions), &names, &data));
        });
        group.bench_function(BenchmarkId::new("wasm-encoder-instructions", count), |b| {
            b.iter(|| {
                let functions: Vec<_> = (0..count)
                    .map(|i| encode_function(black_box(i), count))
                    .collect();
                assemble(&functions, &names, &data)
            });
        });
        group.bench_function(BenchmarkId::new("copy", count), |b| {
            b.iter(|| black_box(&ours).clone());
        });
        flush_files(&mut group, count);
    }
    group.finish();
}

/// Flushes to files, in the directory of temporary files.
fn flush_files(group: &mut BenchmarkGroup<'_, WallTime>, count: usize) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wasm");
    let (mut module, handles) = announce(count);
    define(&mut module, &handles);
    group.bench_function(BenchmarkId::new("file", count), |b| {
        b.iter(|| {
            let file = OutputFile::create(&path).unwrap();
            module.flush_to_file(file).unwrap()
        });
    });
    group.bench_function(BenchmarkId::new("open-first", count), |b| {
        b.iter(|| {
            let mut output = OpenOutput::create(&path).unwrap();
            module.flush_open(&mut output).unwrap();
            output
        });
    });
    let mut output = OpenOutput::create(&path).unwrap();
    module.flush_open(&mut output).unwrap();
    println!(
        "{count} functions: {} bytes with padding",
        output.bytes().len()
    );
    let mut round = 0;
    group.bench_function(BenchmarkId::new("open", count), |b| {
        b.iter(|| {
            // The calls of another function that refers to data, or does not, as this one.
            round += 1;
            let function = round * 7_919 % count;
            let other = (function + FUNCTIONS_PER_DATUM * (1 + round / count)) % count;
            let update = body(other, &handles);
            module.update(handles.functions[function], update).unwrap();
            let map = module.flush_open(&mut output).unwrap();
            assert!(map.rewritten().is_none() && !map.changed().is_empty());
        });
    });
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes == output.bytes());
    wasmparser::validate(&bytes).expect("a valid module");
}

fn update(c: &mut Criterion) {
    let mut group = c.benchmark_group("update");
    for count in SIZES {
        let (mut module, handles) = announce(count);
        group.throughput(Throughput::Elements(count as u64));
        group.sample_size(if count > 10_000 { 20 } else { 50 });
        group.bench_function(BenchmarkId::new("link-core", count), |b| {
            b.iter(|| {
                for (i, &function) in handles.functions.iter().enumerate() {
                    module.update(function, body(i, &handles)).unwrap();
                }
            });
        });
        group.bench_function(BenchmarkId::new("wasm-encoder", count), |b| {
            b.iter(|| -> Vec<_> {
                (0..count)
                    .map(|i| encode_function(black_box(i), count))
                    .collect()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, flush, update);
criterion_main!(benches);
