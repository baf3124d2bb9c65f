//! The module is, byte for byte, the one that the reference `rust-lld` makes of the same objects.
//! Where that is not installed, the modules are only validated. The objects and their sources are in
//! `objects`; `objects/build.sh` rebuilds them.

use std::path::{Path, PathBuf};
use std::process::Command;

use link_core::diag::Severity;
use link_core::{Env, Options, link};
use link_core::{Input, Inputs};
use test_objects::{kept, lld};

/// The options that arguments of `wasm-ld` stand for.
pub(crate) fn options(arguments: &[&str]) -> Options {
    let mut options = Options::from_args(arguments).unwrap_or_else(|error| panic!("{error}"));
    options.output_name = "out.wasm".into();
    options
}

/// What a linker made: a module, or messages.
type Outcome = Result<Vec<u8>, String>;

/// What the reference makes of `objects`, if it is installed.
fn by_rust_lld(directory: &Path, objects: &[&str], arguments: &[&str]) -> Option<Outcome> {
    let out = directory.join("out.wasm");
    let output = Command::new(lld::reference()?)
        .args(["-flavor", "wasm", "-o"])
        .arg(&out)
        .args(arguments)
        .args(objects)
        .current_dir(object_directory())
        .output()
        .expect("rust-lld runs");
    if output.status.success() {
        return Some(Ok(std::fs::read(out).expect("rust-lld wrote its output")));
    }
    let messages = String::from_utf8(output.stderr).expect("UTF-8");
    Some(Err(messages.replace("rust-lld: ", "")))
}

fn by_us(objects: &[&str], arguments: &[&str], threads: usize) -> Outcome {
    let inputs = Inputs {
        inputs: objects
            .iter()
            .map(|name| {
                let bytes = std::fs::read(object_directory().join(name)).expect("the object");
                Input::bytes(*name, link_core::env::FileData::new(bytes))
            })
            .collect(),
        ..Inputs::default()
    };
    let mut options = options(arguments);
    options.threads = Some(threads);
    let mut module = Vec::new();
    match link(inputs, &options, &Env::default(), &mut module) {
        Ok(_) => Ok(module),
        Err(error) => {
            let errors = (error.diagnostics.iter())
                .filter(|diagnostic| diagnostic.severity == Severity::Error)
                .map(ToString::to_string);
            Err(errors.map(|error| error + "\n").collect())
        }
    }
}

fn object_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/link/objects")
}

/// A module that keeps relocations without those that `rust-lld` does not write.
pub(crate) fn without_own_relocs(
    module: &[u8],
    expected: &[u8],
    arguments: &[impl AsRef<str>],
) -> Vec<u8> {
    if !arguments.iter().any(|it| it.as_ref() == "--emit-relocs") {
        return module.to_vec();
    }
    for module in [module, expected] {
        kept::check_fields(module).unwrap_or_else(|error| panic!("{error}"));
    }
    kept::without_own_relocs(module, expected).unwrap_or_else(|error| panic!("{error}"))
}

/// Links `objects` with each line of `lines` by both linkers.
fn compare(objects: &[&str], lines: &[&str]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for line in lines {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let expected = by_rust_lld(directory.path(), objects, &arguments);
        for threads in [1, 2, 7] {
            let ours = by_us(objects, &arguments, threads);
            if let Ok(ours) = &ours {
                let features = wasmparser::WasmFeatures::all();
                wasmparser::Validator::new_with_features(features)
                    .validate_all(ours)
                    .unwrap_or_else(|error| panic!("{objects:?} {line}: {error}"));
            }
            match (&expected, &ours) {
                (None, _) => {}
                (Some(Ok(expected)), Ok(ours)) => {
                    let ours = &without_own_relocs(ours, expected, &arguments);
                    let differs = expected.iter().zip(ours).position(|(a, b)| a != b);
                    assert!(
                        expected == ours,
                        "{objects:?} {line}: {} bytes instead of {}, different from {:?} on",
                        ours.len(),
                        expected.len(),
                        differs,
                    );
                }
                (Some(expected), ours) => assert_eq!(
                    expected.as_ref().err(),
                    ours.as_ref().err(),
                    "{objects:?} {line}"
                ),
            }
        }
    }
}

#[test]
fn static_modules() {
    compare(
        &["data.o", "more.o"],
        &[
            "",
            "-O0",
            "-S",
            "-s",
            "-S --compress-relocations",
            "-s --compress-relocations",
            "--no-gc-sections",
            "--no-demangle",
            "--soname=other",
            "--no-merge-data-segments",
            "--export=five --export=__heap_base --export=__data_end --export=__heap_end",
            "--export=_Z6lookupi --no-entry",
            "--export-dynamic",
            "--build-id",
            "--build-id=sha1",
            "--build-id=0x123456",
        ],
    );
}

#[test]
fn static_modules_of_64_bits() {
    compare(
        &["data64.o", "more64.o"],
        &[
            "-mwasm64",
            "-mwasm64 -s --compress-relocations",
            "-mwasm64 --no-gc-sections --export=five",
        ],
    );
}

#[test]
fn memory_and_table() {
    compare(
        &["data.o", "more.o"],
        &[
            "--no-stack-first",
            "--no-stack-first --global-base=16",
            "--global-base=131072",
            "--initial-memory=262144",
            "--initial-memory=262144 --max-memory=524288",
            "--initial-memory=262144 --no-growable-memory",
            "--initial-heap=65536",
            "--page-size=1",
            "--import-memory",
            "--import-memory --export-memory=other",
            "--export-memory=other",
            "--table-base=10",
            "--growable-table",
            "--export-table",
            "--import-table",
        ],
    );
}

#[test]
fn what_does_not_fit() {
    compare(
        &["data.o", "more.o"],
        &[
            "--initial-memory=70000",
            "--initial-memory=65536",
            "--initial-memory=4295032832",
            "--initial-heap=70000",
            "--initial-heap=4295032832",
            "--max-memory=65536",
            "--max-memory=70000",
            "--max-memory=4295032832",
            "--initial-memory=262144 --max-memory=131072",
        ],
    );
}

#[test]
fn threads() {
    compare(
        &["threads.o"],
        &[
            "",
            "--shared-memory",
            "--shared-memory --max-memory=262144 --export-all",
            "--shared-memory --import-memory --max-memory=262144 --no-stack-first",
            "--shared-memory --no-gc-sections --no-growable-memory",
            "--import-memory",
        ],
    );
}

#[test]
fn tables_tags_and_custom_sections() {
    compare(
        &["tables.o"],
        &[
            "--import-undefined",
            "--import-undefined --export-all",
            "--import-undefined --import-table",
            "--import-undefined --export-table --growable-table -s",
        ],
    );
}

/// `--export` finds the table where a file mentions it or it is to be exported, and it is the
/// module's own.
#[test]
fn export_of_the_table() {
    for object in ["data.o", "threads.o"] {
        compare(
            &[object],
            &[
                "--no-entry --export=__indirect_function_table",
                "--no-entry --export=__indirect_function_table --export-table",
                "--no-entry --export=__indirect_function_table --import-table",
                "--no-entry --export=__indirect_function_table --growable-table",
            ],
        );
    }
}

#[test]
fn relocations_are_kept() {
    compare(
        &["tables.o"],
        &[
            "--emit-relocs --no-entry --import-undefined",
            "--emit-relocs --no-entry --import-undefined --import-table",
            "--emit-relocs --no-entry --import-undefined --no-gc-sections",
            "-r",
        ],
    );
    compare(
        &["pic.pic.o", "pic_other.pic.o"],
        &[
            "--emit-relocs",
            "--emit-relocs --export-table",
            "--emit-relocs --no-gc-sections",
            "--emit-relocs --export-all",
        ],
    );
}

/// Strings are merged all the same, so every address is what it is without relocations. Only the
/// functions that the linker writes are longer.
#[test]
fn kept_relocations_change_no_address() {
    let parts = |arguments: &[&str]| {
        let mut module = by_us(&["data.o", "more.o"], arguments, 1).expect("the objects link");
        if !arguments.is_empty() {
            let made = ["__wasm_call_ctors", "_start.command_export"];
            let shorter = kept::without_relocs_of(&module, &made);
            let shorter = shorter.expect("relocations are kept");
            assert!(shorter.len() < module.len());
            module = shorter;
        }
        let payloads = wasmparser::Parser::new(0).parse_all(&module);
        let parts: Vec<(String, Vec<u8>)> = payloads
            .filter_map(|payload| match payload.expect("a valid module") {
                wasmparser::Payload::CodeSectionEntry(body) => {
                    Some(("body".to_owned(), body.as_bytes().to_vec()))
                }
                wasmparser::Payload::CustomSection(custom)
                    if custom.name().starts_with(".debug") =>
                {
                    Some((custom.name().to_owned(), custom.data().to_vec()))
                }
                _ => None,
            })
            .collect();
        parts
    };
    let plain = parts(&[]);
    assert!(plain.iter().any(|(name, _)| name == ".debug_str"));
    assert!(plain == parts(&["--emit-relocs"]));
}

#[test]
fn position_independent_code() {
    compare(
        &["pic.pic.o", "pic_other.pic.o"],
        &[
            "-pie",
            "-pie --extra-features=extended-const",
            "-shared --export-dynamic --no-gc-sections",
            "-shared --export-all -Bsymbolic",
            "",
            "--no-gc-sections",
        ],
    );
    compare(
        &["pic.pic.o"],
        &[
            "--no-entry --unresolved-symbols=import-dynamic",
            "--no-entry --unresolved-symbols=import-dynamic --export-all",
            "-shared --unresolved-symbols=import-dynamic",
            "-shared --unresolved-symbols=import-dynamic --export-dynamic",
            "-shared --unresolved-symbols=import-dynamic --no-gc-sections \
             --extra-features=extended-const",
        ],
    );
}

#[test]
fn position_independent_code_of_64_bits() {
    compare(
        &["pic.pic64.o", "pic_other.pic64.o"],
        &["-mwasm64", "-mwasm64 -pie", "-mwasm64 -shared --export-all"],
    );
}

#[test]
fn position_independent_threads() {
    compare(
        &["threads.pic.o"],
        &[
            "-pie --shared-memory --no-gc-sections",
            "-shared --shared-memory --export-all",
            "-shared --shared-memory --export-all \
             --extra-features=extended-const",
            "--shared-memory --no-gc-sections",
        ],
    );
    compare(
        &["threads.pic64.o"],
        &["-mwasm64 -shared --shared-memory --export-all"],
    );
}
