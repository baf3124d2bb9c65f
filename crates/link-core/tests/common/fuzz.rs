//! What a fuzz target does with its bytes. The targets in `fuzz/fuzz_targets` and the
//! tests that replay what fuzzing once found both call this.

#[path = "engine.rs"]
mod engine;

use std::io;

#[allow(unused_imports, reason = "no test binary uses all of it")]
pub use engine::module;
use link_core::input::{LoadedFiles, ParseOptions, ReadInput, parse_object, read};
use link_core::options::{Entry, MemoryImport, OutputKind, Strip, Unresolved};
use link_core::report::map::LinkMap;
use link_core::{Env, FileData, Files, LinkError, Linked, Options, Sink, link as link_inputs};
use link_core::{Input, Inputs};

/// An object file of any bytes: parsing it must not panic, and what comes out must be
/// what an `Object` vouches for.
pub fn object(bytes: &[u8]) {
    let files = LoadedFiles::new();
    for strip_debug in [false, true] {
        let options = ParseOptions {
            strip_debug,
            ..ParseOptions::default()
        };
        let Ok(object) = parse_object(&"fuzz.o".into(), bytes, options, &files) else {
            continue;
        };
        let functions = object.functions.chunks();
        let segments = object.segments.iter().map(|segment| segment.chunk);
        let customs = object.customs.iter().map(|custom| custom.chunk);
        for chunk in functions.chain(segments).chain(customs) {
            let mut end = 0;
            for reloc in chunk.relocs.iter() {
                assert!(reloc.offset as usize >= end);
                end = reloc.end();
            }
            assert!(end <= chunk.bytes.len());
        }
    }
}

/// Any bytes as an input, which mostly means an archive: members are listed and parsed.
pub fn archive(bytes: &[u8]) {
    for whole_archive in [false, true] {
        let loaded = LoadedFiles::new();
        let mut input = Input::bytes("fuzz.a", FileData::new(bytes.to_vec()));
        input.whole_archive = whole_archive;
        let inputs = Inputs {
            search_paths: Vec::new(),
            inputs: vec![input],
        };
        for input in read(inputs, &loaded, &Options::default(), &alone()).inputs {
            if let ReadInput::Lazy(member) = input {
                let _ = member.parse();
            }
        }
    }
}

/// Stands between the files of a whole link, and before its options.
pub const SEPARATOR: &[u8] = b"|next|";

/// A whole link: files with [`SEPARATOR`] between them and, after the last one, up to
/// eight bytes of options. Says whether there was an output.
///
/// Nothing may panic, and what is made is a module of which everything but the code, which
/// the linker only copies, is valid.
pub fn link(bytes: &[u8]) -> bool {
    match outcome(bytes) {
        Ok((module, linked)) => {
            check(&module, &linked);
            true
        }
        Err(error) => {
            assert!(!error.diagnostics.is_empty(), "a failure says why");
            false
        }
    }
}

/// What comes of the link that `bytes` describe, as for [`link`].
pub fn outcome(bytes: &[u8]) -> Result<(Vec<u8>, Linked), LinkError> {
    let mut files = split(bytes);
    let bits = match files.last() {
        Some(last) if files.len() > 1 && last.len() <= 8 => {
            let mut bits = [0; 8];
            bits[..last.len()].copy_from_slice(last);
            files.pop();
            u64::from_le_bytes(bits)
        }
        _ => 0,
    };
    let inputs = files.iter().enumerate().map(|(i, file)| {
        let mut input = Input::bytes(format!("{i}.o"), FileData::new(file.to_vec()));
        input.whole_archive = bits >> 40 & 1 == 1;
        input.lazy = i > 0 && bits >> 41 & 1 == 1;
        input
    });
    link_alone(inputs.collect(), &options(bits))
}

/// The outcome of the link that `bytes` describe: one byte, 1 for a module and 0 for messages, and
/// either of them.
pub fn described(bytes: &[u8]) -> Vec<u8> {
    match outcome(bytes) {
        Ok((module, linked)) => {
            check(&module, &linked);
            [&[1], &module[..]].concat()
        }
        Err(error) => {
            let messages = error.diagnostics.iter().map(ToString::to_string);
            [&[0], messages.collect::<Vec<_>>().join("\n").as_bytes()].concat()
        }
    }
}

/// Links inputs that are in memory.
pub fn link_alone(
    inputs: Vec<Input<'_>>,
    options: &Options,
) -> Result<(Vec<u8>, Linked), LinkError> {
    let inputs = Inputs {
        search_paths: Vec::new(),
        inputs,
    };
    let mut sink = Bounded::default();
    let linked = link_inputs(inputs, options, &alone(), &mut sink)?;
    Ok((sink.0, linked))
}

/// Fails unless the map describes the module and can be saved, the size report accounts for every byte,
/// and the module's frame is valid.
pub fn check(module: &[u8], linked: &Linked) {
    let saved = linked.map.to_bytes();
    assert_eq!(LinkMap::from_bytes(&saved).as_ref(), Ok(&linked.map));
    for section in &linked.map.sections {
        assert!(section.range.end <= module.len() as u64);
    }
    let ranges = linked.map.chunks.iter();
    for range in ranges.filter_map(|chunk| chunk.range.clone()) {
        assert!(range.start <= range.end && range.end <= module.len() as u64);
    }
    if let Some(report) = &linked.size {
        let sizes = report.items.iter().map(|item| item.size);
        assert_eq!(sizes.sum::<u64>(), module.len() as u64);
        assert_eq!(report.other(), 0, "{}", report.to_text());
        assert!(!report.to_json().is_empty());
    }
    for answer in &linked.report.why {
        assert!(!answer.to_text(str::to_owned).is_empty());
    }
    valid_frame(module);
}

fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut files = Vec::new();
    while let Some(at) = bytes
        .windows(SEPARATOR.len())
        .position(|window| window == SEPARATOR)
    {
        files.push(&bytes[..at]);
        bytes = &bytes[at + SEPARATOR.len()..];
    }
    files.push(bytes);
    files
}

/// Every bit turns an option; with none set the options are the default ones, less the
/// entry, of which few inputs have one.
pub fn options(bits: u64) -> Options {
    let bit = |n: u32| bits >> n & 1 == 1;
    let mut options = Options::default();
    options.threads = Some(1);
    options.map = true;
    options.size_report = true;
    options.why.push("*".into());
    options.why_imports.push("*".into());
    options.entry = if bit(0) { Entry::Default } else { Entry::None };
    options.gc_sections = !bit(1);
    options.strip = match bits >> 2 & 3 {
        2 => Strip::Debug,
        3 => Strip::All,
        _ => Strip::None,
    };
    options.compress_relocations = bit(4) && options.strip != Strip::None;
    options.export_all = bit(5);
    options.export_dynamic = Some(bit(6));
    options.optimize = if bit(7) { 0 } else { 2 };
    options.merge_data_segments = Some(!bit(8));
    options.import_undefined = bit(9);
    options.allow_multiple_definition = bit(10);
    options.unresolved = match bits >> 11 & 3 {
        1 => Unresolved::Warn,
        2 => Unresolved::Ignore,
        3 => Unresolved::ImportDynamic,
        _ => Unresolved::Error,
    };
    options.output = match bits >> 13 & 7 {
        1 => OutputKind::Pie,
        2 => OutputKind::Shared,
        3 => OutputKind::Relocatable,
        _ => OutputKind::Executable,
    };
    options.emit_relocs = bit(16) && options.output == OutputKind::Executable;
    options.memory.shared = bit(18);
    options.memory.stack_first = !bit(19);
    options.memory.import = bit(20).then(|| MemoryImport {
        module: None,
        name: "memory".into(),
    });
    options.table.import = bit(21);
    options.table.export = bit(22);
    options.table.growable = bit(23);
    options.features.check = !bit(24);
    if bit(25) {
        options.wrap.push("f".into());
        options.wrap.push("callee".into());
    }
    if bit(26) {
        options.undefined.push("main".into());
        options.exports_if_defined.push("f".into());
    }
    if bit(27) {
        options.exports.push("main".into());
    }
    options.memory.growable = !bit(28);
    if bit(29) {
        options.features.extra = vec!["atomics".into(), "bulk-memory".into()];
    }
    options.print_gc_sections = bit(30);
    if bit(31) {
        options.is_64 = Some(bit(32));
    }
    options.demangle = !bit(33);
    if bit(34) {
        options.build_id = link_core::options::BuildId::Fast;
    }
    options.extract_custom_sections = bit(35);
    options
}

/// Everything about a module but its code is valid.
fn valid_frame(module: &[u8]) {
    let features = wasmparser::WasmFeatures::all();
    let mut validator = wasmparser::Validator::new_with_features(features);
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.expect("a module that can be parsed");
        if let Err(error) = validator.payload(&payload) {
            panic!("{error}");
        }
    }
}

/// No file but those that are given, no thread but the caller's.
fn alone() -> Env<'static> {
    Env {
        files: &NoFiles,
        ..Env::default()
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &std::path::Path) -> io::Result<FileData> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn exists(&self, _: &std::path::Path) -> bool {
        false
    }
}

/// Memory, but not without end: a few bytes can ask for gigabytes of zeroes.
#[derive(Default)]
pub struct Bounded(pub Vec<u8>);

impl Sink for Bounded {
    fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
        if len > 1 << 26 {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.0.room(len)
    }
}
