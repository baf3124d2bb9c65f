//! What the phases of a link cost that matter most, each on inputs that are little else: names
//! to be resolved, relocations to be applied, strings to be merged; and what a link costs that follows
//! another one. On one thread.
//!
//! A phase is timed from where the link says that it begins to where the next begins.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use link_core::options::Entry;
use link_core::{Env, FileData, Options, Phase, Session, link};
use link_core::{Input, Inputs};
use test_objects::{CustomDef, FunctionDef, ObjectFile};
use wasm_format::linking::{ComdatEntry, ComdatKind, SymbolFlags, SymbolTarget};
use wasm_format::reloc::RelocType;
use wasm_format::target_features::{FeaturePrefix, TargetFeature};
use wasm_format::{EntityType, FuncType};

/// How long `phase` takes in one link of these files.
fn time(phase: Phase, files: &[(String, FileData)]) -> Duration {
    let mut options = Options::default();
    options.entry = Entry::None;
    options.gc_sections = false;
    options.threads = Some(1);
    let marks = Mutex::new(Vec::new());
    let progress = |begun| {
        let mut marks = marks.lock().expect("no holder panics");
        marks.push((begun, Instant::now()));
    };
    let env = Env {
        progress: Some(&progress),
        ..Env::default()
    };
    let inputs = files
        .iter()
        .map(|(name, data)| Input::bytes(name, data.clone()));
    let inputs = Inputs {
        inputs: inputs.collect(),
        ..Inputs::default()
    };
    let mut module = Vec::new();
    link(inputs, &options, &env, &mut module).expect("the files link");
    let end = Instant::now();
    let marks = marks.into_inner().expect("no holder panics");
    let at = marks
        .iter()
        .position(|(begun, _)| *begun == phase)
        .expect("every phase begins");
    let next = marks.get(at + 1).map_or(end, |(_, begun)| *begun);
    next - marks[at].1
}

fn bench(c: &mut Criterion, name: &str, phase: Phase, elements: usize, objects: &[ObjectFile<'_>]) {
    let files: Vec<(String, FileData)> = objects
        .iter()
        .enumerate()
        .map(|(number, object)| (format!("{number}.o"), FileData::new(object.build())))
        .collect();
    let mut group = c.benchmark_group("link");
    group.throughput(Throughput::Elements(elements as u64));
    group.sample_size(20);
    group.bench_function(name, |b| {
        b.iter_custom(|iterations| (0..iterations).map(|_| time(phase, &files)).sum());
    });
    group.finish();
}

/// A name that lives as long as the program, as those of objects in tests do.
fn name(text: String) -> &'static str {
    text.leak()
}

fn object() -> ObjectFile<'static> {
    ObjectFile {
        types: vec![FuncType::new(vec![], vec![])],
        ..ObjectFile::default()
    }
}

/// A function that calls each of `symbols`.
fn calls(symbols: impl Iterator<Item = u32>) -> FunctionDef {
    let mut function = FunctionDef::default();
    for symbol in symbols {
        let (code, reloc) = test_objects::call(function.code.len() as u32, symbol);
        function.code.extend(code);
        function.relocs.push(reloc);
    }
    function.code.push(0x0b);
    function
}

/// 200 objects of 500 functions: half are copies of what others have, in comdats; each refers to
/// 250 functions of another.
fn resolve(c: &mut Criterion) {
    const OBJECTS: u32 = 200;
    const HALF: u32 = 250;
    let own =
        |object: u32, function: u32| name(format!("_ZN3app4unit{object}8functionI{function}EEvv"));
    let shared = |function: u32| name(format!("_ZNSt6vectorI{function}SaIiEE9push_backEOi"));
    let objects: Vec<ObjectFile<'_>> = (0..OBJECTS)
        .map(|number| {
            let mut object = object();
            for function in 0..HALF {
                let called = own((number + 1) % OBJECTS, function);
                object
                    .imports
                    .push(test_objects::import(called, EntityType::Func(0)));
                object
                    .symbols
                    .push(test_objects::undefined(SymbolTarget::Function(function)));
            }
            for function in 0..2 * HALF {
                let index = HALF + function;
                let target = SymbolTarget::Function(index);
                object.functions.push(calls(std::iter::empty()));
                if function < HALF {
                    object
                        .symbols
                        .push(test_objects::symbol(own(number, function), target));
                    continue;
                }
                let shared = shared((number * 7 + function) % (4 * HALF));
                let mut symbol = test_objects::symbol(shared, target);
                symbol.flags = symbol.flags | SymbolFlags::BINDING_WEAK;
                object.symbols.push(symbol);
                let kind = ComdatKind::Function;
                object
                    .comdats
                    .push((shared, 0, vec![ComdatEntry { kind, index }]));
            }
            object
        })
        .collect();
    let names = OBJECTS * 3 * HALF;
    bench(c, "resolve", Phase::Resolve, names as usize, &objects);
}

/// 50 objects of 100 functions with 100 calls each.
fn relocate(c: &mut Criterion) {
    const OBJECTS: u32 = 50;
    const EACH: u32 = 100;
    let objects: Vec<ObjectFile<'_>> = (0..OBJECTS)
        .map(|number| {
            let mut object = object();
            for function in 0..EACH {
                let own = name(format!("f{number}_{function}"));
                let target = SymbolTarget::Function(function);
                object.symbols.push(test_objects::symbol(own, target));
                object
                    .functions
                    .push(calls((0..EACH).map(|call| (function + call * 7) % EACH)));
            }
            object
        })
        .collect();
    let relocations = OBJECTS * EACH * EACH;
    bench(c, "relocate", Phase::Write, relocations as usize, &objects);
}

/// 100 objects of 3,000 strings, two thirds of which others have, too, each referred to once.
fn merge_strings(c: &mut Criterion) {
    const OBJECTS: u32 = 100;
    const STRINGS: u32 = 3000;
    let objects: Vec<ObjectFile<'_>> = (0..OBJECTS)
        .map(|number| {
            let mut object = object();
            // Debug info of an object that nothing is kept of is left out.
            object.functions.push(calls(std::iter::empty()));
            let function =
                test_objects::symbol(name(format!("f{number}")), SymbolTarget::Function(0));
            object.symbols.push(function);
            let (mut strings, mut info, mut relocs) = (Vec::new(), Vec::new(), Vec::new());
            for string in 0..STRINGS {
                let mut reloc =
                    test_objects::reloc(RelocType::SectionOffsetI32, info.len() as u32, 1);
                reloc.addend = strings.len() as i64;
                relocs.push(reloc);
                info.extend([0; 4]);
                let owner = if string % 3 == 0 { number } else { string % 5 };
                let text = format!("_ZN4core{owner}9container8methodI{string}EEvRKS1_x");
                strings.extend(text.bytes());
                strings.push(0);
            }
            object.customs.push(CustomDef {
                name: ".debug_info",
                bytes: info,
                relocs,
            });
            object.customs.push(CustomDef {
                name: ".debug_str",
                bytes: strings,
                relocs: Vec::new(),
            });
            // Behind the sections of types, functions, code and debug info.
            let mut section = test_objects::symbol("", SymbolTarget::Section(4));
            section.flags = SymbolFlags::BINDING_LOCAL;
            object.symbols.push(section);
            object
        })
        .collect();
    let strings = OBJECTS * STRINGS;
    bench(
        c,
        "merge-strings",
        Phase::Layout,
        strings as usize,
        &objects,
    );
}

/// 200 objects of 500 functions, of which each calls ten of the next object: a link of all of them,
/// and one that patches the output after a body of one object changed.
fn relink(c: &mut Criterion) {
    const OBJECTS: u32 = 200;
    const FUNCTIONS: u32 = 500;
    const CALLS: u32 = 10;
    let called = |object: u32, function: u32| name(format!("_ZN3app4unit{object}1fI{function}Evv"));
    let object = |number: u32, constant: u8| {
        let mut object = object();
        object.features = vec![TargetFeature {
            prefix: FeaturePrefix::Used,
            name: "mutable-globals",
        }];
        for function in 0..FUNCTIONS {
            let name = called((number + 1) % OBJECTS, function);
            let import = test_objects::import(name, EntityType::Func(0));
            object.imports.push(import);
            let target = SymbolTarget::Function(function);
            object.symbols.push(test_objects::undefined(target));
        }
        for function in 0..FUNCTIONS {
            let mut body = calls((0..CALLS).map(|nth| (function + nth) % FUNCTIONS));
            // i32.const, drop
            body.code.pop();
            body.code.extend([0x41, constant, 0x1a, 0x0b]);
            object.functions.push(body);
            let target = SymbolTarget::Function(FUNCTIONS + function);
            let symbol = test_objects::symbol(called(number, function), target);
            object.symbols.push(symbol);
        }
        FileData::new(object.build())
    };
    let files: Vec<FileData> = (0..OBJECTS).map(|number| object(number, 1)).collect();
    let inputs = |changed: Option<&FileData>| {
        let inputs = files.iter().zip(0_u32..).map(|(data, number)| {
            let data = changed.filter(|_| number == OBJECTS / 2).unwrap_or(data);
            Input::bytes(format!("{number}.o"), data.clone())
        });
        Inputs {
            inputs: inputs.collect(),
            ..Inputs::default()
        }
    };
    let mut options = Options::default();
    options.entry = Entry::None;
    options.gc_sections = false;
    options.threads = Some(1);

    let mut group = c.benchmark_group("session");
    group.throughput(Throughput::Elements(u64::from(OBJECTS * FUNCTIONS)));
    group.sample_size(20);
    group.bench_function("full", |b| {
        b.iter(|| {
            let mut module = Vec::new();
            link(inputs(None), &options, &Env::default(), &mut module).expect("the files link")
        });
    });
    let mut session = Session::new(options.clone());
    session
        .link(inputs(None), &Env::default())
        .expect("the files link");
    let variants = [object(OBJECTS / 2, 2), object(OBJECTS / 2, 3)];
    let mut round = 0;
    group.bench_function("patch", |b| {
        b.iter(|| {
            round += 1;
            let inputs = inputs(Some(&variants[round % 2]));
            let done = session.link(inputs, &Env::default()).expect("it links");
            assert_eq!(done.full, None);
            done.changed.len()
        });
    });
    group.finish();
}

criterion_group!(benches, resolve, relocate, merge_strings, relink);
criterion_main!(benches);
