//! `--emit-relocs`: the functions that the linker writes can be moved and relocated like those of
//! objects. What the fields hold is checked by `test_objects::kept`, for these links and for all
//! others of these tests that keep relocations.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use test_objects::kept;
use wasm_format::reloc::RelocType;
use wasmparser::{
    BinaryReader, KnownCustom, Linking, Name, Operator, Parser, Payload, SymbolInfo, TypeRef,
};

use crate::common::source::{Source, sig};
use crate::cooperative;
use crate::left_out::Module;
use crate::loader::Loaded;
use crate::named_exports::{MODES, program};
use crate::support::{Job, validate};

/// What the checks need of an output.
#[derive(Default)]
struct Output<'a> {
    bytes: &'a [u8],
    code_start: usize,
    imported: u32,
    /// Names of imported globals.
    globals: Vec<&'a str>,
    bodies: Vec<Range<usize>>,
    symbols: Vec<SymbolInfo<'a>>,
    relocs: BTreeMap<usize, (RelocType, u32, i64)>,
    names: BTreeMap<u32, &'a str>,
}

impl<'a> Output<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut output = Self {
            bytes,
            ..Self::default()
        };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.expect("a module") {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.expect("an import");
                        match import.ty {
                            TypeRef::Func(_) => output.imported += 1,
                            TypeRef::Global(_) => output.globals.push(import.name),
                            _ => {}
                        }
                    }
                }
                Payload::CodeSectionStart {
                    unchecked_range, ..
                } => output.code_start = unchecked_range.start as usize,
                Payload::CodeSectionEntry(body) => {
                    let range = body.range();
                    output.bodies.push(range.start as usize..range.end as usize);
                }
                Payload::CustomSection(custom) => output.custom(&custom),
                _ => {}
            }
        }
        output
    }

    fn custom(&mut self, custom: &wasmparser::CustomSectionReader<'a>) {
        match custom.as_known() {
            KnownCustom::Linking(linking) => {
                for part in linking.subsections() {
                    if let Linking::SymbolTable(symbols) = part.expect("a part") {
                        self.symbols = symbols.into_iter().map(|it| it.expect("one")).collect();
                    }
                }
            }
            KnownCustom::Reloc(relocs) if custom.name() == "reloc.CODE" => {
                for entry in relocs.entries() {
                    let entry = entry.expect("a relocation");
                    let ty = RelocType::from_u8(entry.ty as u8).expect("a type");
                    let at = self.code_start + entry.offset as usize;
                    self.relocs.insert(at, (ty, entry.index, entry.addend));
                }
            }
            KnownCustom::Name(names) => {
                for part in names {
                    if let Name::Function(functions) = part.expect("a part") {
                        for naming in functions {
                            let naming = naming.expect("a name");
                            self.names.insert(naming.index, naming.name);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The functions that no object defines, with their bodies.
    fn made(&self) -> Vec<(&'a str, Range<usize>)> {
        let bodies = (self.imported..).zip(&self.bodies);
        let is_made = |name: &str| {
            let has_prefix = ["__wasm_", "undefined_", "signature_mismatch:"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
            has_prefix || name.ends_with(".command_export")
        };
        bodies
            .map(|(index, body)| (self.names[&index], body.clone()))
            .filter(|(name, _)| is_made(name))
            .collect()
    }

    /// Checks that every index and every address of a body has a relocation, and that its field has
    /// the full width.
    fn check_covered(&self, name: &str, body: &Range<usize>) {
        let bytes = &self.bytes[body.clone()];
        let reader = BinaryReader::new(bytes, 0);
        let function = wasmparser::FunctionBody::new(reader);
        let mut ops = function.get_operators_reader().expect("operators");
        let mut fields = 0;
        while !ops.eof() {
            let at = body.start + ops.original_position() as usize;
            let op = ops.read().expect("an operator");
            let end = body.start + ops.original_position() as usize;
            let is_index = matches!(
                op,
                Operator::Call { .. } | Operator::GlobalGet { .. } | Operator::GlobalSet { .. }
            );
            // What is short is a size or a state, no address.
            let is_constant = matches!(op, Operator::I32Const { .. } | Operator::I64Const { .. });
            let is_wide = end - at == 6 || end - at == 11;
            if is_index || is_constant && is_wide {
                fields += 1;
                let (ty, ..) = self
                    .relocs
                    .get(&(at + 1))
                    .unwrap_or_else(|| panic!("{name}: {op:?}"));
                assert_eq!(end - at - 1, ty.form().width(), "{name}: {op:?}");
            }
        }
        let within = self.relocs.range(body.clone()).count();
        assert_eq!(fields, within, "{name}");
    }

    /// Describes the relocations of a body.
    fn describe(&self, body: &Range<usize>) -> String {
        let mut text = String::new();
        for (_, &(ty, index, addend)) in self.relocs.range(body.clone()) {
            let shown = match &self.symbols[index as usize] {
                SymbolInfo::Func { index, name, .. } => name.unwrap_or_else(|| self.names[index]),
                SymbolInfo::Global { index, name, .. } => {
                    name.unwrap_or_else(|| self.globals[*index as usize])
                }
                SymbolInfo::Data { name, .. } => name,
                other => panic!("{other:?}"),
            };
            let addend = if addend == 0 {
                String::new()
            } else {
                format!("+{addend}")
            };
            let _ = writeln!(text, "    {} {shown}{addend}", ty.name());
        }
        text
    }
}

/// Checks the functions that the linker wrote; their relocations as text.
fn checked(module: &[u8]) -> String {
    kept::check_fields(module).unwrap_or_else(|error| panic!("{error}"));
    let output = Output::read(module);
    let mut text = String::new();
    for (name, body) in output.made() {
        output.check_covered(name, &body);
        let _ = writeln!(text, "  {name}");
        text += &output.describe(&body);
    }
    text
}

/// The module of a link that may warn.
fn link(job: &Job) -> Vec<u8> {
    let done = job.link_with(&job.options());
    assert!(done.outcome.is_ok(), "{}", done.messages());
    done.module
}

/// A program, and the line that links it.
struct Program {
    what: &'static str,
    args: String,
    objects: Vec<Vec<u8>>,
}

impl Program {
    fn job(&self) -> Job {
        let job = Job::new().args(&self.args).args("--no-check-features");
        (self.objects.iter().zip(["a.o", "b.o"])).fold(job, |job, (object, name)| {
            job.file(name, object.clone()).args(name)
        })
    }
}

/// Programs that have all functions the linker writes, some in one kind of output and some in
/// another.
fn programs() -> Vec<Program> {
    let mut all = Vec::new();
    let mut add = |what, args: &str, objects: Vec<Vec<u8>>| {
        all.push(Program {
            what,
            args: args.to_owned(),
            objects,
        });
    };
    for mode in MODES {
        add("", mode, vec![program().build()]);
        if mode.contains("-pie") || mode.contains("-shared") {
            let args = format!("{mode} -mwasm64 --no-gc-sections");
            add(" (64 bits)", &args, vec![wide_program().build()]);
        }
    }
    let cooperative = [
        cooperative::program().build(),
        cooperative::placed().build(),
    ];
    for args in [cooperative::STATIC, cooperative::PIE, cooperative::SHARED] {
        let object = &cooperative[usize::from(args != cooperative::STATIC)];
        add(" (thread-local data)", args, vec![object.clone()]);
    }
    let static_args = "--no-entry --export=get";
    // Function 0 is the weak one, which is imported.
    let started = Module::of(&program()).start(1).build();
    add(" (a start function)", static_args, vec![started]);
    let dynamic_args = format!("{static_args} --unresolved-symbols=import-dynamic");
    add(" (data of others)", &dynamic_args, vec![dynamic().build()]);
    let args = "-shared --export=get";
    add(" (weak functions)", args, vec![replaceable().build()]);
    let mut twice = Source::new();
    twice.function("twice", sig(0, 0), |_| {});
    let stub_args = format!("{static_args} --export=twice --unresolved-symbols=ignore-all");
    add(" (stubs)", &stub_args, vec![stubs().build(), twice.build()]);
    all
}

/// What the linker may write, helpers aside.
const NAMES: [&str; 12] = [
    "__wasm_call_ctors",
    "__wasm_apply_data_relocs",
    "__wasm_apply_global_relocs",
    "__wasm_apply_tls_relocs",
    "__wasm_apply_global_tls_relocs",
    "__wasm_init_memory",
    "__wasm_init_tls",
    "__wasm_start",
    "get.command_export",
    "undefined_weak:weak",
    "undefined_stub",
    "signature_mismatch:twice",
];

#[test]
fn each_field_of_the_linkers_functions_has_a_relocation() {
    let mut text = String::new();
    for program in programs() {
        let job = program.job().args(
            "--emit-relocs --export-if-defined=__wasm_init_tls --export-if-defined=__wasm_start",
        );
        let checked = checked(&link(&job));
        let _ = writeln!(text, "{}{}\n{checked}", program.args, program.what);
    }
    insta::assert_snapshot!(text);
    for name in NAMES {
        assert!(text.lines().any(|line| line.trim() == name), "{name}");
    }
}

/// Functions change places and data moves, by the relocations alone, and programs do what they did.
#[test]
fn code_and_data_can_be_moved() {
    // A loader calls the constructors of what it has placed.
    let computes = |args: &str| Program {
        what: "",
        args: args.replace("-pie", "-pie --export=__wasm_call_ctors"),
        objects: vec![computing().build()],
    };
    let mut all = programs();
    all.extend(MODES.map(computes));
    all.push(computes(
        "--no-entry --export=get -pie --max-function-body-size=80",
    ));
    let mut computed = 0;
    for program in all {
        let is_loaded = program.args.contains("-pie") || program.args.contains("-shared");
        let (memory, by) = if is_loaded {
            ("--import-memory", 0)
        } else {
            ("", 0x3_0010)
        };
        let module = link(&program.job().args("--emit-relocs").args(memory));
        let moved = kept::moved(&module, by).unwrap_or_else(|error| panic!("{error}"));
        validate(&moved);
        // The interpreter of these tests has no threads.
        if !program.args.contains("--shared-memory") {
            let results = [module, moved].map(|module| result(&module));
            assert_eq!(results[0], results[1], "{}{}", program.args, program.what);
            computed += usize::from(results[0] == Some(COMPUTED));
        }
    }
    // In all modes but those of threads, and with helpers.
    assert_eq!(computed, MODES.len() - 3 + 1);
}

/// What [`computing`] returns.
const COMPUTED: i32 = 1105;

/// Adds up what constructors, pointers in data, the GOT and the table lead to.
fn computing() -> Source {
    let mut source = Source::new();
    source.features(&["+mutable-globals", "+bulk-memory", "+atomics"]);
    source.data("count", ".data.count", [0; 4]).hidden("count");
    source.data("pointer", ".data.pointer", [0; 4]);
    source.points(0, RelocType::MemoryAddrI32, "count", 0);
    source.data("slot", ".data.slot", [0; 4]).hidden("slot");
    source.points(0, RelocType::TableIndexI32, "callee", 0);
    source.data("zeroes", ".bss.zeroes", [0; 4]);
    source.function("construct", sig(0, 0), |body| {
        body.got("count").i32(5).store();
        body.got("zeroes").i32(1000).store();
    });
    source.init(1, "construct");
    source.constant("callee", 50);
    for name in ["pointer", "zeroes", "construct", "callee"] {
        source.hidden(name);
    }
    source.function("get", sig(0, 1), |body| {
        body.got("pointer").load().load();
        body.got("zeroes").load().add();
        body.got("slot").load().call_indirect(sig(0, 1)).add();
        body.got_of_function("callee", sig(0, 1));
        body.call_indirect(sig(0, 1)).add();
    });
    source
}

/// The check of fields notices each that is wrong.
#[test]
fn a_field_that_is_wrong_is_found() {
    let job = Job::new().object("a.o", &computing());
    let module = link(&job.args("--no-entry --export=get --emit-relocs --no-check-features"));
    let output = Output::read(&module);
    assert_eq!(output.relocs.len(), 13);
    for (&at, (ty, ..)) in &output.relocs {
        let mut wrong = module.clone();
        wrong[at] ^= 1;
        assert!(kept::check_fields(&wrong).is_err(), "{}", ty.name());
    }
}

/// What a program returns, once all has run that runs before it; `None` if it traps.
fn result(module: &[u8]) -> Option<i32> {
    let mut loaded = Loaded::new(module);
    loaded.call_if_exported("__wasm_apply_data_relocs");
    loaded.call_if_exported("__wasm_call_ctors");
    let Loaded {
        store, instance, ..
    } = &mut loaded;
    let get = instance.get_typed_func::<(), i32>(&mut *store, "get");
    get.expect("an export").call(store, ()).ok()
}

/// Code points to and calls what others define, and data points to it.
fn dynamic() -> Source {
    let mut source = Source::new();
    source.data("pointer", ".data.pointer", [0; 4]);
    source.points(0, RelocType::MemoryAddrI32, "elsewhere", 4);
    source.function("get", sig(0, 1), |body| {
        body.address("pointer", 0).load();
    });
    source
}

/// Functions that a loader may replace: constructors and code call imports.
fn replaceable() -> Source {
    let mut source = Source::new();
    source
        .function("construct", sig(0, 0), |_| {})
        .weak("construct");
    source.init(1, "construct");
    source.constant("callee", 7).weak("callee");
    source.function("get", sig(0, 1), |body| {
        body.call("callee", sig(0, 1));
    });
    source
}

/// Calls a function that is not there, and one that returns something else.
fn stubs() -> Source {
    let mut source = Source::new();
    source.function("get", sig(0, 1), |body| {
        body.call("absent", sig(0, 0)).call("twice", sig(0, 1));
    });
    source
}

/// Data that holds addresses of 64 bits.
fn wide_program() -> Source {
    let mut source = Source::wasm64();
    source.function("construct", sig(0, 0), |_| {});
    source.init(1, "construct");
    source.constant("get", 1);
    source
        .data("hidden", ".data.hidden", [7; 8])
        .hidden("hidden");
    source
        .data("pointer", ".data.pointer", [0; 8])
        .hidden("pointer");
    source.points(0, RelocType::MemoryAddrI64, "hidden", 4);
    source.features(&["+mutable-globals", "+bulk-memory", "+atomics"]);
    source
}

/// Functions that are split have helpers with symbols of their own.
#[test]
fn helpers_have_relocations_too() {
    let module = Job::new()
        .object("a.o", &program())
        .args("--no-check-features --emit-relocs --no-entry --export=get -pie")
        .args("--max-function-body-size=60")
        .differs("rust-lld splits no function")
        .module();
    let text = checked(&module);
    assert!(
        text.contains("R_WASM_FUNCTION_INDEX_LEB __wasm_apply_global_relocs_0"),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

/// Without the option the functions take as few bytes as before.
#[test]
fn short_fields_stay_short() {
    let module = Job::new()
        .object("a.o", &program())
        .args("--no-check-features --no-entry --export=get -pie")
        .differs("the order of what rust-lld exports")
        .module();
    let output = Output::read(&module);
    let (_, body) = (output.made().into_iter())
        .find(|(name, _)| *name == "__wasm_apply_data_relocs")
        .expect("it is there");
    assert!(output.relocs.is_empty());
    assert!(body.len() < 40, "{}", body.len());
}
