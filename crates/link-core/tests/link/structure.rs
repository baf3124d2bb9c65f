//! Thousands of links of objects, archives and options that are changed by what they mean, the
//! same on every run: each makes a module that validates, or fails with a message.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use link_core::Input;
use link_core::Options;
use link_core::options::{Entry, MemoryImport, OutputKind};
use link_core::{FileData, Linked};
use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Limits, Mutability, RefType, TableType, ValType};

use crate::common::source::{POINTER, Source, sig};
use crate::common::{ArchiveForm, ObjectFile, Random, archive, fuzz, vary};

const LINKS: u64 = 3_000;
/// Far more than any of these small links takes.
const LIMIT: Duration = Duration::from_secs(5);

/// What is linked before anything is changed: two objects that refer to each other and have
/// something of everything, and a third that an archive holds.
fn objects() -> Vec<ObjectFile<'static>> {
    let constant = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Const,
    };
    let table = TableType {
        element: RefType::EXTERNREF,
        limits: Limits::default(),
    };
    let mut a = Source::new();
    a.function("main", sig(0, 0), |body| {
        body.address("text", 1).call("callee", sig(1, 0));
        body.pointer("f", sig(0, 1)).call_indirect(sig(0, 1)).drop();
        body.global("__stack_pointer", POINTER).drop();
        body.global("counter", POINTER).drop();
    })
    .function("_start", sig(0, 0), |body| {
        body.call("main", sig(0, 0)).call("_ZN1a1bEv", sig(0, 0));
        body.address("__heap_base", 0).drop();
        body.table_size("table", table).drop();
    })
    .weak("f")
    .data("text", ".rodata.str", *b"hello\0")
    .data("pointers", ".data.pointers", [0; 12])
    .points(0, RelocType::TableIndexI32, "main", 0)
    .points(4, RelocType::MemoryAddrI32, "text", 2)
    .points(8, RelocType::MemoryAddrI32, "named", 0)
    .flag("pointers", SymbolFlags::NO_STRIP)
    .custom(".debug_info", [0; 8])
    .describes(0, RelocType::FunctionOffsetI32, "main", 0)
    .describes(4, RelocType::SectionOffsetI32, ".debug_info", 4)
    .init(100, "main")
    .comdat("group", &["pointers"])
    .features(&["+mutable-globals", "+bulk-memory", "+reference-types"]);
    let mut b = Source::new();
    b.function("callee", sig(1, 0), |body| {
        body.call("imported", sig(0, 1)).drop();
    })
    .import("imported", "host", "function")
    .constant("f", 3)
    .data("named", "named", [1, 2, 3, 4])
    .data("zeroes", ".bss.zeroes", [0; 16])
    .align(4)
    .comdat("group", &["zeroes"])
    .global("counter", POINTER, 5)
    .global("constant", constant, 6)
    .table("table", table)
    .tag("exception", sig(1, 0));
    let mut c = Source::new();
    c.function("_ZN1a1bEv", sig(0, 0), |body| {
        body.got("text").drop();
        body.i32(1).throw("exception", sig(1, 0));
    });
    [a, b, c].map(|source| source.object()).into()
}

/// A link to be: what is changed, and in the end what is linked.
struct Case {
    objects: Vec<ObjectFile<'static>>,
    files: Vec<Vec<u8>>,
    options: Options,
    whole_archive: bool,
    lazy: bool,
    /// Whether each object's code is right by itself, so that the output's must be.
    is_valid: bool,
}

impl Case {
    fn new(round: u64) -> Self {
        let random = &mut Random(round);
        let mut objects = objects();
        for _ in 0..=random.below(4) {
            let object = random.below(objects.len());
            vary::object(&mut objects[object], random);
        }
        let modules: Vec<_> = (objects.iter_mut()).map(vary::write_own_indices).collect();
        let is_valid = (modules.iter()).all(|module| validate(&module.build()).is_ok());
        let files: Vec<Vec<u8>> = objects.iter().map(ObjectFile::build).collect();
        let bits = if random.below(2) == 0 {
            random.next() & random.next()
        } else {
            1
        };
        let mut case = Self {
            options: fuzz::options(bits),
            objects,
            files,
            whole_archive: bits >> 40 & 1 == 1,
            lazy: bits >> 41 & 1 == 1,
            is_valid,
        };
        if random.below(3) == 0 {
            case.vary_options(random);
        }
        if random.below(4) != 0 {
            case.make_archive(random);
        }
        case
    }

    /// Puts the last object into an archive, whose index may be wrong.
    fn make_archive(&mut self, random: &mut Random) {
        let member = self.files.pop().expect("there are three");
        let names: Vec<&str> = (self.objects[2].symbols.iter())
            .filter_map(|symbol| symbol.name)
            .collect();
        let mut index: Vec<(usize, &str)> = names.iter().map(|&name| (0, name)).collect();
        let members: Vec<(&str, &[u8])> = match random.below(4) {
            0 => vec![("a/long/name/of/a/member.o", &member), ("c.o", &member)],
            1 => vec![("c.o", &member), ("other", b"no object")],
            _ => vec![("c.o", &member)],
        };
        match random.below(6) {
            0 => index.clear(),
            1 => index.push((members.len() - 1, vary::name(random))),
            2 => {
                let at = random.place(&index);
                at.map(|at| index.remove(at));
            }
            _ => {}
        }
        let form = random.of(&[
            ArchiveForm::Gnu,
            ArchiveForm::Gnu,
            ArchiveForm::Gnu64,
            ArchiveForm::Bsd,
            ArchiveForm::Thin,
        ]);
        let mut bytes = archive(form, &members, &index);
        // A field of a header: the name, the size, or what ends it.
        if random.below(6) == 0 {
            let ends: Vec<usize> = (0..bytes.len() - 1)
                .filter(|&at| bytes[at..].starts_with(b"`\n") && at >= 58)
                .collect();
            let end = random.of(&ends);
            let field = random.of(&[58, 57, 42, 10, 9, 1, 0]);
            bytes[end - field] = random.of(b"0/ 9#-\0");
        }
        self.files.push(bytes);
    }

    fn vary_options(&mut self, random: &mut Random) {
        const SIZES: &[u64] = &[
            0,
            1,
            16,
            4096,
            65_536,
            131_072,
            1 << 31,
            (1 << 32) - 65_536,
            1 << 32,
            1 << 40,
            u64::MAX,
        ];
        let options = &mut self.options;
        for _ in 0..=random.below(3) {
            let name = vary::name(random).to_owned();
            match random.below(22) {
                0 => options.entry = Entry::Named(name),
                1 => options.exports.push(name),
                2 => options.exports_if_defined.push(name),
                3 => options.undefined.push(name),
                4 => options.wrap.push(name),
                5 => {
                    options.allowed_undefined.insert(name);
                }
                6 => {
                    options.keep_sections.insert(name);
                }
                7 => options.memory.export = Some(name),
                8 => {
                    let module = Some(name.clone());
                    options.memory.import = Some(MemoryImport { module, name });
                }
                9 => options.memory.stack_size = random.of(SIZES),
                10 => options.memory.global_base = Some(random.of(SIZES)),
                11 => options.memory.initial = Some(random.of(SIZES)),
                12 => options.memory.initial_heap = Some(random.of(SIZES)),
                13 => options.memory.max = Some(random.of(SIZES)),
                14 => options.memory.page_size = random.of(&[0, 1, 3, 65_536, 1 << 17]),
                15 => options.table.base = Some(random.of(SIZES)),
                16 => options.pic.soname = Some(name),
                17 => options.pic.bsymbolic = !options.pic.bsymbolic,
                18 => options.features.only = Some(vec!["mutable-globals".into()]),
                19 => {
                    options.features.extra = vec![
                        random
                            .of(&["atomics", "extended-const", "bulk-memory", "memory64"])
                            .into(),
                    ];
                }
                20 => options.default_import_module = name,
                _ => {
                    options.output = random.of(&[
                        OutputKind::Executable,
                        OutputKind::Pie,
                        OutputKind::Shared,
                        OutputKind::Relocatable,
                    ]);
                }
            }
        }
        options.emit_relocs &= options.output == OutputKind::Executable;
    }

    /// Links, and says what is wrong about the outcome.
    fn link(&self) -> Result<Outcome, String> {
        let inputs = self.files.iter().enumerate().map(|(nth, file)| {
            let mut input = Input::bytes(format!("{nth}.o"), FileData::new(file.clone()));
            input.whole_archive = self.whole_archive;
            input.lazy = nth > 0 && self.lazy;
            input
        });
        let linked = match fuzz::link_alone(inputs.collect(), &self.options) {
            Ok(linked) => linked,
            Err(error) => {
                let says_why = |text: &str| !text.trim().is_empty();
                let messages = error.diagnostics;
                return if messages.is_empty() || !messages.iter().all(|it| says_why(&it.message)) {
                    Err("it failed without a message".into())
                } else {
                    Ok(Outcome::Failed)
                };
            }
        };
        self.check(&linked)
    }

    fn check(&self, (module, linked): &(Vec<u8>, Linked)) -> Result<Outcome, String> {
        if self.is_valid {
            return match validate(module) {
                Ok(()) => Ok(Outcome::Valid),
                Err(message) if is_limit(&message) => Ok(Outcome::Linked),
                Err(message) => Err(message),
            };
        }
        catch_unwind(|| fuzz::check(module, linked))
            .map(|()| Outcome::Linked)
            .or_else(|panic| match message(&*panic) {
                message if is_limit(&message) => Ok(Outcome::Linked),
                message => Err(message),
            })
    }
}

enum Outcome {
    /// All of the module is valid.
    Valid,
    /// The module is valid but for its code, which an object brought so.
    Linked,
    Failed,
}

fn validate(module: &[u8]) -> Result<(), String> {
    let features = wasmparser::WasmFeatures::all();
    let mut validator = wasmparser::Validator::new_with_features(features);
    let validated = validator.validate_all(module);
    validated.map(|_| ()).map_err(|error| error.to_string())
}

/// Whether a module is valid by the specification, and too large for engines.
fn is_limit(message: &str) -> bool {
    message.contains("limit") || message.contains("out of bounds: too many")
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().cloned();
    owned.unwrap_or_else(|| {
        let text = panic.downcast_ref::<&str>();
        text.copied().unwrap_or("a panic").to_owned()
    })
}

#[test]
fn thousands_of_changed_links() {
    for mut object in objects() {
        let module = vary::write_own_indices(&mut object);
        assert_eq!(validate(&module.build()), Ok(()), "an unchanged object");
    }
    let (mut valid, mut linked) = (0, 0);
    let mut wrong = Vec::new();
    for round in 0..LINKS {
        let case = Case::new(round);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| case.link()));
        match outcome.unwrap_or_else(|panic| Err(format!("panic: {}", message(&*panic)))) {
            Ok(Outcome::Valid) => valid += 1,
            Ok(Outcome::Linked) => linked += 1,
            Ok(Outcome::Failed) => {}
            Err(message) => wrong.push(format!("link {round}: {message}")),
        }
        let elapsed = start.elapsed();
        assert!(elapsed < LIMIT, "link {round} took {elapsed:?}");
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    // Changes that always, or never, make an error would test little.
    let range = LINKS / 10..LINKS * 9 / 10;
    assert!(range.contains(&valid), "{valid} of them are valid");
    assert!(range.contains(&(valid + linked)), "{linked} are linked");
}
