//! Flushing into an output that stays open. Whatever is done to a module, the output does what
//! that of a full flush does, and what changed is told.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use link_core::module::{
    CustomDef, DataDef, DataId, FlushError, FuncId, FunctionBody, GlobalDef, Init, Module,
    ModuleOptions, OpenOutput, Rewritten, TableId, Target,
};
use link_core::reloc::Reloc;
use wasm_format::reloc::RelocType;
use wasm_format::{FuncType, GlobalType, Mutability, ValType};

use crate::common::Random;
use crate::support::{I32, constant, function, print, run, sum, ty, validate};

const LOAD: &[u8] = &[0x28, 2, 0];
const ADD: &[u8] = &[0x6a];

/// A module, and an output of it that a host keeps a copy of.
struct Opened {
    module: Module,
    output: OpenOutput,
    copy: Vec<u8>,
}

impl Opened {
    fn new(module: Module) -> Self {
        Self::in_output(module, OpenOutput::in_memory())
    }

    fn in_output(module: Module, output: OpenOutput) -> Self {
        let mut opened = Self {
            module,
            output,
            copy: Vec::new(),
        };
        assert_eq!(opened.flush(), Some(Rewritten::First));
        opened
    }

    /// Flushes and compares with a full flush. Returns why everything was written, if it was.
    fn flush(&mut self) -> Option<Rewritten> {
        let full = self.module.flush().expect("the module is complete");
        let map = self.module.flush_open(&mut self.output);
        let map = map.expect("the module is complete");
        let (changed, rewritten) = (map.changed().to_vec(), map.rewritten());
        let bytes = self.output.bytes();
        validate(bytes);
        let old = std::mem::take(&mut self.copy);
        self.copy.clone_from(&old);
        self.copy.resize(bytes.len(), 0);
        for range in changed {
            self.copy[range.clone()].copy_from_slice(&bytes[range.clone()]);
            if rewritten.is_none() {
                for at in [range.start, range.end - 1] {
                    assert_ne!(old[at], bytes[at], "{range:?}: no more than what changed");
                }
            }
        }
        assert!(self.copy == bytes, "all changes are named");
        let [full, patched] = [&full.bytes, bytes].map(outcomes);
        assert_eq!(full, patched, "{rewritten:?}\n{}", print(bytes));
        rewritten
    }

    /// [Flushes](Self::flush), which writes no more than what changed.
    fn patch(&mut self) {
        assert_eq!(self.flush(), None);
    }

    fn update(&mut self, function: FuncId, body: FunctionBody) {
        self.module.update(function, body).unwrap();
    }
}

/// What the exported functions without parameters return, by name, and the other exports.
fn outcomes(program: &[u8]) -> BTreeMap<String, String> {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, program).expect("a valid module");
    let mut store = wasmi::Store::new(&engine, ());
    let mut linker = wasmi::Linker::new(&engine);
    linker.func_wrap("env", "host", || 1_000_000).unwrap();
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let names: Vec<String> = module.exports().map(|it| it.name().to_owned()).collect();
    let outcome = |name: String| {
        let function = instance.get_typed_func::<(), i32>(&store, &name);
        let result = match function {
            Ok(function) => match function.call(&mut store, ()) {
                Ok(value) => value.to_string(),
                Err(trap) => trap.to_string(),
            },
            Err(_) => "exported".to_owned(),
        };
        (name, result)
    };
    names.into_iter().map(outcome).collect()
}

/// A body that computes `value` with `steps` additions.
fn long(value: i32, steps: i32) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41]).signed((value - steps).into());
    for _ in 0..steps {
        body.code(&[0x41, 1, 0x6a]);
    }
    body.end();
    body
}

fn export(module: &mut Module, function: FuncId, name: &str) {
    module.set_exports(function, [name]).unwrap();
}

/// `main`, which calls `leaf`.
fn caller_and_leaf() -> (Opened, FuncId, FuncId) {
    let mut module = Module::default();
    let leaf = function(&mut module, "leaf", constant(1));
    let main = function(&mut module, "main", sum(&[leaf, leaf]));
    export(&mut module, main, "main");
    (Opened::new(module), main, leaf)
}

#[test]
fn a_body_changes_grows_and_shrinks() {
    let (mut opened, main, leaf) = caller_and_leaf();
    let index = |opened: &Opened| opened.output.map().get(leaf).unwrap().index;
    let before = index(&opened);
    for body in [
        constant(2),
        long(3, 50),
        long(4, 55),
        constant(5),
        long(6, 20),
        long(7, 21),
        constant(8),
    ] {
        opened.update(leaf, body);
        opened.patch();
        assert_eq!(index(&opened), before, "what others call stays");
    }
    // It has moved, and changes its type there.
    opened.update(leaf, long(9, 60));
    opened.patch();
    let mut body = FunctionBody::new(ty(1));
    body.code(&[0x20, 0]);
    for _ in 0..60 {
        body.code(&[0x41, 2]).code(ADD);
    }
    body.end();
    opened.update(leaf, body);
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 5]).call(leaf).end();
    opened.update(main, body);
    opened.patch();
    assert_eq!(run(opened.output.bytes(), "main"), 125);
}

#[test]
fn a_flush_without_a_change_writes_nothing() {
    let (mut opened, _, leaf) = caller_and_leaf();
    opened.patch();
    assert_eq!(opened.output.map().changed(), []);
    // Nor does the same body.
    opened.update(leaf, constant(1));
    opened.patch();
    assert_eq!(opened.output.map().changed(), []);
}

#[test]
fn functions_come_and_go() {
    let (mut opened, main, leaf) = caller_and_leaf();
    let size = opened.output.bytes().len();
    for round in 0..40 {
        let module = &mut opened.module;
        let new = function(module, "new", constant(round));
        let other = function(module, &format!("other{round}"), sum(&[new, leaf]));
        opened.update(main, sum(&[leaf, new, other]));
        opened.patch();
        opened.module.free(new).unwrap();
        opened.module.free(other).unwrap();
        opened.update(main, sum(&[leaf]));
        opened.patch();
        assert_eq!(opened.output.map().get(new), None);
        assert_eq!(opened.output.bytes().len(), size);
    }
    // Those of the first flush, a larger place of `main`, one of `new`, two of the others, whose
    // names have two lengths, and the padding.
    let text = print(opened.output.bytes());
    assert_eq!(text.matches("\n  (func ").count(), 2 + 1 + 1 + 2 + 1);
}

#[test]
fn everything_is_written_when_the_padding_is_used_up() {
    let (mut opened, main, _) = caller_and_leaf();
    let mut functions = Vec::new();
    let mut reasons = Vec::new();
    for nth in 0..200 {
        let name = format!("a::rather::long::name::of::a::function::{nth}");
        functions.push(function(&mut opened.module, &name, long(nth, 10)));
        opened.update(main, sum(&functions));
        reasons.extend(opened.flush());
    }
    let is_full = |reason: &Rewritten| matches!(reason, Rewritten::NoRoom("CODE" | "name"));
    assert!(reasons.iter().all(is_full), "{reasons:?}");
    assert!((1..60).contains(&reasons.len()), "{}", reasons.len());
}

#[test]
fn types_and_exports_are_added() {
    let (mut opened, main, leaf) = caller_and_leaf();
    let types = [ValType::I64, ValType::F32, ValType::F64];
    for (nth, value) in types.into_iter().enumerate() {
        let name = format!("takes{nth}");
        let mut body = FunctionBody::new(FuncType::new([value, value], []));
        body.end();
        let new = function(&mut opened.module, &name, body);
        export(&mut opened.module, new, &name);
        opened.patch();
    }
    opened.module.set_exports(leaf, ["leaf", "blade"]).unwrap();
    opened.patch();
    opened.module.set_exports(leaf, ["blade"]).unwrap();
    opened.patch();
    opened.module.set_exports(main, [""; 0]).unwrap();
    opened.patch();
    let names: Vec<_> = outcomes(opened.output.bytes()).into_keys().collect();
    assert_eq!(names, ["blade", "takes0", "takes1", "takes2"]);
}

/// A body that calls functions by their addresses.
fn indirect(table: TableId, functions: &[FuncId]) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 0]);
    for &function in functions {
        body.function_address(function)
            .call_indirect(ty(0), table)
            .code(ADD);
    }
    body.end();
    body
}

#[test]
fn addresses_are_taken_for_the_first_time() {
    let mut module = Module::default();
    let table = module.function_table().unwrap();
    let all: Vec<_> = (0..6)
        .map(|nth| function(&mut module, &format!("f{nth}"), constant(1 << nth)))
        .collect();
    let main = function(&mut module, "main", indirect(table, &all[..1]));
    export(&mut module, main, "main");
    let mut opened = Opened::new(module);
    for functions in [&all[..3], &all[4..5], &all, &all[5..]] {
        opened.update(main, indirect(table, functions));
        opened.patch();
    }
    // The slot of a freed function is not the next one's.
    opened.module.free(all[0]).unwrap();
    let new = function(&mut opened.module, "new", constant(100));
    opened.update(main, indirect(table, &[new, all[1]]));
    opened.patch();
    assert_eq!(run(opened.output.bytes(), "main"), 102);
    // An address in data.
    let data = opened.module.announce_data("data").unwrap();
    let mut def = DataDef::copied([0; 4]).align(4);
    def.hole(0, RelocType::TableIndexI32, main, 0);
    opened.module.update(data, def).unwrap();
    assert_eq!(opened.flush(), Some(Rewritten::NoRoom("DATA")));
}

/// A body that adds the first words of `data`.
fn load(data: &[DataId]) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 0]);
    for &datum in data {
        body.address(datum, 0).code(LOAD).code(ADD);
    }
    body.end();
    body
}

fn words(words: &[i32]) -> DataDef {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    DataDef::copied(bytes).align(4)
}

fn datum(module: &mut Module, name: &str, def: DataDef) -> DataId {
    let id = module.announce_data(name).unwrap();
    module.update(id, def).unwrap();
    id
}

#[test]
fn data_changes_moves_and_is_added() {
    let mut module = Module::default();
    let a = datum(&mut module, "a", words(&[1, 2]));
    let b = datum(&mut module, "b", words(&[10]));
    let zero = datum(&mut module, "zero", DataDef::zeroed(64).align(4));
    let main = function(&mut module, "main", load(&[a, b, zero]));
    let other = function(&mut module, "other", load(&[b]));
    export(&mut module, main, "main");
    export(&mut module, other, "other");
    let mut opened = Opened::new(module);
    let address = |opened: &Opened, id| opened.output.map().get(id).unwrap().address;
    let at = address(&opened, a);
    for def in [words(&[3, 4]), words(&[5]), words(&[6, 7])] {
        opened.module.update(a, def).unwrap();
        opened.patch();
        assert_eq!(address(&opened, a), at, "its address stays");
    }
    // It grows, and so does what refers to it change.
    opened.module.update(a, words(&[8; 10])).unwrap();
    opened.update(main, load(&[a, b, zero]));
    opened.patch();
    assert_ne!(address(&opened, a), at);
    // What was zero is not, and takes the place that was left.
    opened.module.update(zero, words(&[20])).unwrap();
    opened.update(main, load(&[zero, a, b]));
    opened.patch();
    assert_eq!(address(&opened, zero), at);
    let new = datum(&mut opened.module, "new", words(&[300, 400]));
    opened.update(main, load(&[zero, a, b, new]));
    opened.patch();
    // One that refers to others.
    let mut def = words(&[0]);
    def.hole(0, RelocType::MemoryAddrI32, a, 0);
    let pointer = datum(&mut opened.module, "pointer", def);
    let mut body = FunctionBody::new(ty(0));
    body.address(pointer, 0).code(LOAD).code(LOAD).end();
    opened.update(main, body);
    opened.patch();
    assert_eq!(run(opened.output.bytes(), "main"), 8);
    // `other` does not change.
    opened.module.update(b, words(&[5, 6, 7])).unwrap();
    assert_eq!(opened.flush(), Some(Rewritten::Moved));
    opened.module.free(new).unwrap();
    opened.patch();
}

#[test]
fn data_that_is_found_through_its_entry_moves() {
    let mut module = Module::default();
    let a = datum(&mut module, "a", words(&[1]));
    module.use_offset_slot(a).unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.address_from_slot(a).code(LOAD).end();
    let main = function(&mut module, "main", body);
    export(&mut module, main, "main");
    let mut opened = Opened::new(module);
    for count in [2, 20, 1, 30] {
        opened
            .module
            .update(a, words(&vec![count; count as usize]))
            .unwrap();
        opened.patch();
        assert_eq!(run(opened.output.bytes(), "main"), count);
    }
}

#[test]
fn names_follow() {
    let named = |value: i32, steps: i32, local: &str| {
        let mut body = FunctionBody::new(ty(0));
        body.local(I32).name_local(0, local);
        body.code(&[0x41]).signed((value - steps).into());
        for _ in 0..steps {
            body.code(&[0x41, 1]).code(ADD);
        }
        body.end();
        body
    };
    let (mut opened, main, leaf) = caller_and_leaf();
    opened.update(leaf, named(1, 0, "x"));
    opened.patch();
    assert!(print(opened.output.bytes()).contains("(local $x i32)"));
    opened.update(leaf, named(1, 40, "counter"));
    let twig = function(&mut opened.module, "twig", named(2, 0, "y"));
    opened.update(main, sum(&[leaf, twig]));
    opened.patch();
    let mut text = print(opened.output.bytes()).replace("\\00", "");
    while text.contains("\"  ") {
        text = text.replace("\"  ", "\" ");
    }
    let is_filling = |line: &&str| ["nop", "i32.const 1", "i32.add"].contains(&line.trim());
    let lines: Vec<_> = text.lines().filter(|line| !is_filling(line)).collect();
    insta::assert_snapshot!(lines.join("\n"));
    opened.module.free(twig).unwrap();
    opened.update(leaf, constant(1));
    opened.update(main, sum(&[leaf]));
    opened.patch();
    assert!(!print(opened.output.bytes()).contains("counter"));
}

#[test]
fn custom_sections_say_where_functions_are() {
    let (mut opened, _, leaf) = caller_and_leaf();
    let section = opened.module.announce_custom_section("where").unwrap();
    let hole = |offset, ty| Reloc {
        offset,
        ty,
        target: leaf.into(),
        addend: 0,
    };
    let def = CustomDef {
        bytes: vec![0; 8],
        holes: vec![
            hole(0, RelocType::FunctionOffsetI32),
            hole(4, RelocType::FunctionIndexI32),
        ],
    };
    opened.module.update(section, def).unwrap();
    assert_eq!(opened.flush(), Some(Rewritten::Changed("a custom section")));
    for body in [constant(2), long(3, 50), constant(4)] {
        opened.update(leaf, body);
        opened.patch();
        let map = opened.output.map();
        let (place, code) = (map.get(section).unwrap(), map.get(leaf).unwrap());
        let bytes = opened.output.bytes();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let mut reader = wasm_format::Reader::new(bytes);
        reader.module_header().unwrap();
        let contents = loop {
            let (id, body) = reader.section().unwrap();
            if id == wasm_format::SectionId::Code {
                break body.offset();
            }
        };
        // After the number of locals.
        let offset = word(place.range.start) as usize;
        assert_eq!(contents + offset, code.range.start + 1);
        assert_eq!(Some(word(place.range.start + 4)), code.index);
    }
}

#[test]
fn what_is_not_patched_is_written_and_said() {
    let (mut opened, main, leaf) = caller_and_leaf();
    let global = opened.module.announce_global("g").unwrap();
    let def = GlobalDef {
        ty: GlobalType {
            value: I32,
            mutability: Mutability::Const,
        },
        init: Some(Init::i32(1)),
    };
    opened.module.update(global, def).unwrap();
    assert_eq!(opened.flush(), Some(Rewritten::Changed("a global")));
    let host = opened.module.announce_imported_function("host").unwrap();
    opened.update(host, FunctionBody::new(ty(0)));
    opened.update(main, sum(&[leaf, host]));
    assert_eq!(
        opened.flush(),
        Some(Rewritten::Changed("an imported function"))
    );
    // Saying the same again changes nothing.
    opened.update(host, FunctionBody::new(ty(0)));
    opened.patch();
    // Its number is the first now.
    opened.update(leaf, long(1, 30));
    opened.patch();
    opened.module.set_name("module");
    let reason = opened.flush().unwrap();
    assert_eq!(
        reason.to_string(),
        "a change of the module's name is not patched"
    );
    let start = function(&mut opened.module, "start", {
        let mut body = FunctionBody::new(FuncType::new([], []));
        body.end();
        body
    });
    opened.module.set_init_functions([(start, 1)]).unwrap();
    assert_eq!(opened.flush(), Some(Rewritten::Changed("an init function")));
    let twig = function(&mut opened.module, "twig", constant(5));
    opened.update(main, sum(&[leaf, host, twig]));
    opened.patch();
    // An init function must not take anything.
    opened.update(start, constant(1));
    let full = opened.module.flush().unwrap_err().to_string();
    let error = opened.module.flush_open(&mut opened.output).unwrap_err();
    assert_eq!(error.to_string(), full);
}

#[test]
fn an_error_changes_nothing_and_the_next_flush_goes_on() {
    let (mut opened, main, leaf) = caller_and_leaf();
    let before = opened.output.bytes().to_vec();
    opened.module.free(leaf).unwrap();
    let twig = opened.module.announce_function("twig").unwrap();
    let errors = |opened: &mut Opened| {
        let full = opened.module.flush().unwrap_err();
        let error = opened.module.flush_open(&mut opened.output).unwrap_err();
        assert!(matches!(error, FlushError::Incomplete(_)));
        assert_eq!(error.to_string(), full.to_string());
        assert!(opened.output.bytes() == before);
    };
    errors(&mut opened);
    opened.update(main, sum(&[twig]));
    errors(&mut opened);
    opened.module.fail(main, "broken").unwrap();
    opened.update(twig, constant(3));
    errors(&mut opened);
    opened.update(main, sum(&[twig]));
    opened.patch();
    // An error that is found on the way.
    let a = datum(&mut opened.module, "a", words(&[1]));
    opened.update(main, load(&[a]));
    assert_eq!(opened.flush(), Some(Rewritten::NoRoom("DATA")));
    let before = opened.output.bytes().to_vec();
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41])
        .hole(RelocType::MemoryAddrTlsSleb, a, 0)
        .code(LOAD)
        .end();
    opened.update(main, body);
    let full = opened.module.flush().unwrap_err().to_string();
    let error = opened.module.flush_open(&mut opened.output).unwrap_err();
    assert_eq!(error.to_string(), full);
    assert!(opened.output.bytes() == before);
    opened.update(main, load(&[a]));
    assert_eq!(opened.flush(), Some(Rewritten::Unfinished));
    opened.update(main, constant(1));
    opened.patch();
}

#[test]
fn modules_and_outputs_are_told_apart() {
    let (mut one, _, leaf) = caller_and_leaf();
    let (mut two, ..) = caller_and_leaf();
    let other = Some(Rewritten::OtherModule);
    two.module.flush_open(&mut one.output).unwrap();
    one.copy = one.output.bytes().to_vec();
    assert_eq!(one.flush(), other);
    one.update(leaf, constant(7));
    let mut third = OpenOutput::in_memory();
    one.module.flush_open(&mut third).unwrap();
    assert_eq!(one.flush(), other);
    one.patch();
}

#[test]
fn modules_that_cannot_be_padded_are_written_each_time() {
    let mut opened = Opened::new(Module::default());
    assert_eq!(opened.flush(), Some(Rewritten::NoPadding));
    let full = opened.module.flush().unwrap().bytes;
    assert_eq!(opened.output.bytes(), full);
    let f = function(&mut opened.module, "f", constant(1));
    export(&mut opened.module, f, "f");
    assert_eq!(opened.flush(), Some(Rewritten::NoPadding));
    opened.update(f, constant(2));
    opened.patch();
    // All the memory there may be is full.
    let end = (1 << 32) - 1024 - 2;
    let zero = datum(&mut opened.module, "zero", DataDef::zeroed(end));
    let last = datum(&mut opened.module, "last", DataDef::copied([1]));
    opened.update(f, {
        let mut body = FunctionBody::new(ty(0));
        body.address(last, 0).code(&[0x1a]).address(zero, 0).end();
        body
    });
    let map = opened.module.flush_open(&mut opened.output).unwrap();
    assert_eq!(map.rewritten(), Some(Rewritten::NoRoom("DATA")));
    let map = opened.module.flush_open(&mut opened.output).unwrap();
    assert_eq!(map.rewritten(), Some(Rewritten::NoPadding));
}

#[test]
fn wide_modules_and_those_without_names_are_patched() {
    let mut options = ModuleOptions::default();
    options.memory64 = true;
    options.names = false;
    options.stack_size = Some(1000);
    let mut module = Module::new(options);
    let stack = module.stack_pointer().unwrap();
    let a = datum(&mut module, "a", words(&[1]));
    let table = module.function_table().unwrap();
    let body = |data: DataId, functions: &[FuncId]| {
        let mut body = FunctionBody::new(ty(0));
        body.global_get(stack).code(&[0x1a]);
        body.address64(data, 0).code(LOAD);
        for &function in functions {
            body.function_address64(function)
                .call_indirect(ty(0), table)
                .code(ADD);
        }
        body.end();
        body
    };
    let main = function(&mut module, "main", body(a, &[]));
    let leaf = function(&mut module, "leaf", body(a, &[main]));
    export(&mut module, leaf, "leaf");
    let full = module.flush().unwrap().bytes;
    let mut output = OpenOutput::in_memory();
    module.flush_open(&mut output).unwrap();
    assert!(full.len() < output.bytes().len());
    let b = datum(&mut module, "b", words(&[2]));
    let twig = function(&mut module, "twig", body(b, &[leaf, leaf, main]));
    export(&mut module, twig, "twig");
    let map = module.flush_open(&mut output).unwrap();
    assert_eq!(map.rewritten(), None);
    validate(output.bytes());
}

#[test]
fn padding_is_a_small_part() {
    let mut module = Module::default();
    let mut all: Vec<FuncId> = Vec::new();
    for nth in 0..2_000_usize {
        let name = format!("some::path::to::function_{nth}");
        let callees: Vec<_> = all.iter().rev().take(nth % 20).copied().collect();
        all.push(function(&mut module, &name, sum(&callees)));
        if nth % 10 == 0 {
            datum(&mut module, &format!("d{nth}"), words(&[7; 10]));
        }
    }
    let full = module.flush().unwrap().bytes.len();
    let mut output = OpenOutput::in_memory();
    module.flush_open(&mut output).unwrap();
    let padded = output.bytes().len();
    assert!(padded <= full + full * 15 / 100 + 4096, "{full} {padded}");
    // One change is a small part as well.
    module.update(all[1000], constant(5)).unwrap();
    let changed = module.flush_open(&mut output).unwrap().changed();
    let written: usize = changed.iter().map(ExactSizeIterator::len).sum();
    assert!(written < 200, "{changed:?}");
}

#[test]
fn the_file_is_patched_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wasm");
    let output = OpenOutput::create(&path).unwrap();
    assert!(!path.exists());
    let mut module = Module::default();
    let leaf = function(&mut module, "leaf", constant(1));
    export(&mut module, leaf, "leaf");
    let mut opened = Opened::in_output(module, output);
    let file = || fs::read(&path).unwrap();
    assert!(file() == opened.output.bytes());
    let mut held = fs::File::open(&path).unwrap();
    for steps in [0, 40, 3] {
        opened.update(leaf, long(5, steps));
        opened.patch();
        assert!(file() == opened.output.bytes());
    }
    let mut seen = Vec::new();
    held.read_to_end(&mut seen).unwrap();
    assert!(seen == opened.output.bytes(), "it is the same file");
    let names = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 1, "nothing is beside the file");

    // A flush that fails leaves it.
    let before = file();
    opened.module.fail(leaf, "broken").unwrap();
    assert!(opened.module.flush_open(&mut opened.output).is_err());
    assert!(file() == before);
    opened.update(leaf, constant(9));
    opened.patch();
    assert!(file() == opened.output.bytes());
}

#[test]
fn a_file_that_others_change_is_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wasm");
    let mut module = Module::default();
    let leaf = function(&mut module, "leaf", constant(1));
    export(&mut module, leaf, "leaf");
    let output = OpenOutput::create(&path).unwrap();
    let mut opened = Opened::in_output(module, output);
    let link = directory.path().join("link.wasm");
    let changes: [&dyn Fn(); 4] = [
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(&path, "shorter").unwrap(),
        &|| {
            let copy = directory.path().join("copy");
            fs::copy(&path, &copy).unwrap();
            fs::rename(&copy, &path).unwrap();
        },
        &|| fs::hard_link(&path, &link).unwrap(),
    ];
    for (value, change) in (2..).zip(changes) {
        change();
        opened.update(leaf, constant(value));
        assert_eq!(opened.flush(), Some(Rewritten::File), "{value}");
        assert!(fs::read(&path).unwrap() == opened.output.bytes());
        opened.update(leaf, constant(value + 10));
        opened.patch();
        assert!(fs::read(&path).unwrap() == opened.output.bytes());
    }
    assert_eq!(run(&fs::read(&link).unwrap(), "leaf"), 14);
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(OpenOutput::create(directory.path()).is_err());
    assert!(OpenOutput::create(directory.path().join("no/out")).is_err());
    #[cfg(unix)]
    {
        let error = OpenOutput::create("/dev/null").unwrap_err().to_string();
        assert_eq!(error, "cannot patch /dev/null: it is no regular file");
    }
    // A directory that goes away is an error of the flush, and the next one is right.
    let place = directory.path().join("place");
    fs::create_dir(&place).unwrap();
    let path = place.join("out");
    let mut module = Module::default();
    let f = function(&mut module, "f", constant(1));
    let mut output = OpenOutput::create(&path).unwrap();
    module.flush_open(&mut output).unwrap();
    fs::remove_dir_all(&place).unwrap();
    module.update(f, constant(2)).unwrap();
    assert!(module.flush_open(&mut output).is_err());
    fs::create_dir(&place).unwrap();
    let map = module.flush_open(&mut output).unwrap();
    assert_eq!(map.rewritten(), Some(Rewritten::File));
    assert!(fs::read(&path).unwrap() == output.bytes());
}

/// Random edits of a program of functions and data that refer to what was made before them.
struct Edits {
    opened: Opened,
    random: Random,
    table: TableId,
    functions: Vec<FuncId>,
    data: Vec<DataId>,
    made: usize,
}

impl Edits {
    fn new(seed: u64) -> Self {
        let mut module = Module::default();
        let table = module.function_table().unwrap();
        let host = module.announce_imported_function("host").unwrap();
        module.update(host, FunctionBody::new(ty(0))).unwrap();
        let start = datum(&mut module, "start", words(&[1; 400]));
        let mut edits = Self {
            opened: Opened {
                module,
                output: OpenOutput::in_memory(),
                copy: Vec::new(),
            },
            random: Random(seed),
            table,
            functions: vec![host],
            data: vec![start],
            made: 0,
        };
        for _ in 0..60 {
            edits.add_function();
        }
        edits
    }

    /// A body of the function at `rank` in the list: it refers to those before it.
    fn body(&mut self, rank: usize) -> FunctionBody {
        let random = &mut self.random;
        let mut body = FunctionBody::new(ty(0));
        if random.one_in(3) {
            body.locals(1 + random.below(3) as u32, I32);
            body.name_local(0, ["i", "count", "length"][random.below(3)]);
        }
        if random.one_in(8) {
            // if (0) unreachable
            body.code(&[0x41, 0, 0x04, 0x40, 0x00]);
            let ty = FuncType::new(vec![ValType::F32; random.below(6)], []);
            body.call_indirect(ty, self.table).end();
        }
        body.code(&[0x41]).signed(random.below(1000) as i64);
        let most = if random.one_in(6) { 60 } else { 4 };
        let steps = random.below(most);
        for _ in 0..steps {
            match random.below(6) {
                0 | 1 => {
                    // Few, or the programs would never end.
                    let callee = self.functions[random.below(rank.min(4))];
                    body.call(callee);
                }
                2 => {
                    let callee = self.functions[random.below(rank.min(12))];
                    body.code(&[0x41, 0, 0x04, 0x7f]); // i32.const 0, if
                    body.function_address(callee)
                        .call_indirect(ty(0), self.table)
                        .code(&[0x05, 0x41, 2, 0x0b]);
                }
                3 => {
                    let datum = self.data[random.below(self.data.len())];
                    body.address(datum, 0).code(LOAD);
                }
                _ => {
                    body.code(&[0x41]).signed(random.below(100_000) as i64);
                }
            }
            body.code(ADD);
        }
        body.end();
        body
    }

    fn add_function(&mut self) {
        let rank = self.functions.len();
        let body = self.body(rank);
        self.made += 1;
        let name = "f".repeat(1 + self.random.below(9)) + &self.made.to_string();
        let id = function(&mut self.opened.module, &name, body);
        if self.random.one_in(2) {
            export(&mut self.opened.module, id, &name);
        }
        self.functions.push(id);
    }

    fn datum(&mut self) -> DataDef {
        let len = 1 + self.random.below(12);
        words(&vec![self.random.below(1000) as i32; len])
    }

    fn edit(&mut self) {
        let rank = 1 + self.random.below(self.functions.len() - 1);
        match self.random.below(12) {
            0..5 => {
                let body = self.body(rank);
                self.opened.update(self.functions[rank], body);
            }
            5 | 6 => self.add_function(),
            7 if rank > 12 => {
                // Nothing refers to those behind the first.
                let id = self.functions.remove(rank);
                self.opened.module.free(id).unwrap();
            }
            8 => {
                self.made += 1;
                let name = format!("d{}", self.made);
                let def = self.datum();
                self.data.push(datum(&mut self.opened.module, &name, def));
            }
            9 => {
                let at = self.random.below(self.data.len());
                let def = self.datum();
                self.opened.module.update(self.data[at], def).unwrap();
            }
            10 => {
                let names: &[&str] = if self.random.one_in(2) {
                    &[]
                } else {
                    &["a b", "c"]
                };
                let names = names.iter().map(|name| format!("{name} {rank}"));
                let _ = self.opened.module.set_exports(self.functions[rank], names);
            }
            _ => {
                if let Some(module) = self.random.one_in(20).then_some(&mut self.opened.module) {
                    module.set_producer("language", "random", self.made.to_string());
                }
            }
        }
    }
}

#[test]
fn random_edits_are_patched() {
    let (mut patched, mut rewritten) = (0, BTreeMap::<String, usize>::new());
    for seed in 0..12 {
        let mut edits = Edits::new(seed);
        for _ in 0..60 {
            for _ in 0..=edits.random.below(3) {
                edits.edit();
            }
            match edits.opened.flush() {
                None => patched += 1,
                Some(reason) => *rewritten.entry(reason.to_string()).or_default() += 1,
            }
        }
    }
    let others: usize = rewritten.values().sum();
    assert!(patched > 2 * others, "{patched} {rewritten:?}");
}

#[test]
fn a_target_is_a_slot_of_the_offset_table() {
    // An entry is of use before there is a datum.
    let mut module = Module::default();
    let a = module.announce_data("a").unwrap();
    module.use_offset_slot(a).unwrap();
    let b = datum(&mut module, "b", words(&[4]));
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41])
        .hole(RelocType::MemoryAddrSleb, Target::slot_of(a), 0)
        .code(LOAD)
        .end();
    let main = function(&mut module, "main", body);
    export(&mut module, main, "main");
    let mut opened = Opened::new(module);
    opened.update(main, load(&[b]));
    opened.patch();
    opened.module.update(a, words(&[5])).unwrap();
    let mut body = FunctionBody::new(ty(0));
    body.address_from_slot(a).code(LOAD).end();
    opened.update(main, body);
    opened.patch();
    assert_eq!(run(opened.output.bytes(), "main"), 5);
}

/// The slot of a function that was freed may be an import's.
#[test]
fn what_a_stale_handle_is_refused_changes_nothing() {
    let mut module = Module::default();
    let stale = module.announce_function("gone").unwrap();
    module.update(stale, constant(1)).unwrap();
    module.free(stale).unwrap();
    let import = module.announce_imported_function("import").unwrap();
    module.update(import, FunctionBody::new(ty(0))).unwrap();
    let kept = module.announce_function("kept").unwrap();
    module.update(kept, constant(2)).unwrap();
    let mut output = OpenOutput::in_memory();
    module.flush_open(&mut output).unwrap();
    let before = output.bytes().to_vec();

    module.update(stale, constant(3)).unwrap_err();
    let map = module.flush_open(&mut output).unwrap();
    assert_eq!((map.rewritten(), map.changed()), (None, &[][..]));
    assert!(output.bytes() == before);
}
