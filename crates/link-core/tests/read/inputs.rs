//! What the command line names.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use link_core::input::{self, LoadedFiles, ReadInput, ReadInputs};
use link_core::options::Strip;
use link_core::{Env, FileBytes, FileData, Files, Options, Threads};
use link_core::{Input, Inputs};

use crate::common::{ArchiveForm, MemoryFiles, archive, defines};
use crate::sample;

/// Reads `inputs`, with `-L first -L second`.
pub(crate) fn read<'a>(
    inputs: Vec<Input<'a>>,
    files: &'a dyn Files,
    loaded: &'a LoadedFiles,
) -> ReadInputs<'a> {
    input::read(
        Inputs {
            search_paths: vec!["first".into(), "second".into()],
            inputs,
        },
        loaded,
        &Options::default(),
        &Env {
            progress: None,
            files,
            threads: Threads::Current,
            cancel: None,
        },
    )
}

/// What was read, a line each, then the messages.
pub(crate) fn shown(inputs: &ReadInputs<'_>) -> String {
    let mut text = String::new();
    for input in &inputs.inputs {
        match input {
            ReadInput::Object(object) => writeln!(text, "object {}", object.name),
            ReadInput::Lazy(member) => {
                writeln!(
                    text,
                    "lazy {} {:?}",
                    member.name(),
                    member.symbols().collect::<Vec<_>>()
                )
            }
            ReadInput::Shared(file) => writeln!(text, "shared {}", file.name),
            ReadInput::Stub(file) => writeln!(text, "stub {}", file.name),
            ReadInput::Bitcode(file) => writeln!(text, "bitcode {}", file.name),
        }
        .unwrap();
    }
    for diagnostic in inputs.diagnostics.as_slice() {
        writeln!(text, "{diagnostic}").unwrap();
    }
    text
}

fn shared_library() -> Vec<u8> {
    let mut bytes = wasm_format::MODULE_HEADER.to_vec();
    wasm_format::put_custom_section(&mut bytes, "dylink.0", &[]);
    bytes
}

/// Bytes, and what was given back of them.
struct Released {
    bytes: Vec<u8>,
    ranges: Arc<Mutex<Vec<Range<usize>>>>,
}

impl FileBytes for Released {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn release(&self, range: Range<usize>) {
        self.ranges.lock().unwrap().push(range);
    }
}

#[test]
fn debug_info_is_given_back_only_when_stripped() {
    let released = |strip: Strip| {
        let bytes = sample::object().build();
        let ranges = Arc::default();
        let data = FileData::of(Released {
            bytes: bytes.clone(),
            ranges: Arc::clone(&ranges),
        });
        let loaded = LoadedFiles::new();
        let inputs = Inputs {
            inputs: vec![Input::bytes("a.o", data)],
            ..Inputs::default()
        };
        let mut options = Options::default();
        options.strip = strip;
        input::read(inputs, &loaded, &options, &Env::default());
        let ranges = ranges.lock().unwrap();
        let contents = |range: &Range<usize>| bytes[range.clone()].to_vec();
        ranges.iter().map(contents).collect::<Vec<_>>()
    };
    let mut sections = sample::object().sections();
    sections.retain(|s| s.is_custom(".debug_info") || s.is_custom("reloc..debug_info"));
    let debug: Vec<_> = sections.into_iter().map(|section| section.body).collect();
    assert!(!debug.is_empty());
    let stripped = released(Strip::Debug);
    assert_eq!(stripped.len(), debug.len());
    assert!(
        stripped
            .iter()
            .zip(&debug)
            .all(|(range, body)| body.ends_with(range))
    );
    assert!(released(Strip::None).is_empty());
}

#[test]
fn everything_in_command_line_order() {
    let object = defines("f").build();
    let lib = archive(ArchiveForm::Gnu, &[("g.o", &defines("g").build())], &[]);
    let files = MemoryFiles::default()
        .with("a.o", &object[..])
        .with("b.o", &object[..])
        .with("second/libx.a", lib)
        .with("libshared.so", shared_library())
        .with("stub.so", "#STUB\nf\n")
        .with("b.bc", *b"BC\xc0\xde")
        .with("wrapped.bc", *b"\xde\xc0\x17\x0b");
    let loaded = LoadedFiles::new();
    let made = LoadedFiles::new();
    let object = input::parse_object(
        &"made".into(),
        &object,
        input::ParseOptions::default(),
        &made,
    )
    .unwrap();
    let mut lazy = Input::path("b.o");
    lazy.lazy = true;
    let mut whole = Input::library("x");
    whole.whole_archive = true;
    let inputs = vec![
        Input::path("a.o"),
        Input::library("x"),
        lazy,
        whole,
        Input {
            dynamic: true,
            ..Input::path("libshared.so")
        },
        Input::path("stub.so"),
        Input::path("b.bc"),
        Input::path("wrapped.bc"),
        Input::bytes("in memory", FileData::new(defines("h").build())),
        Input::object(object),
        Input::path("a.o"),
    ];
    let shown = shown(&read(inputs, &files, &loaded));
    insta::assert_snapshot!(shown, @r#"
    object a.o
    lazy second/libx.a(g.o) ["g"]
    lazy b.o ["f"]
    object second/libx.a(g.o)
    shared libshared.so
    stub stub.so
    bitcode b.bc
    bitcode wrapped.bc
    object in memory
    object made
    object a.o
    "#);
}

#[test]
fn the_same_result_on_any_number_of_threads() {
    let mut files = MemoryFiles::default();
    let mut inputs = Vec::new();
    for i in 0..40 {
        let path = format!("{i}.o");
        let bytes = if i % 7 == 3 {
            b"text".to_vec()
        } else {
            defines("f").build()
        };
        files = files.with(&path, bytes);
        inputs.push(path);
    }
    let inputs = || inputs.iter().map(Input::path).collect();
    let loaded = LoadedFiles::new();
    let alone = shown(&read(inputs(), &files, &loaded));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(4)
        .build()
        .unwrap();
    let together = pool.install(|| shown(&read(inputs(), &files, &loaded)));
    assert_eq!(alone, together);
    assert_eq!(alone.matches("error").count(), 6);
}

#[test]
fn libraries() {
    let files = MemoryFiles::default()
        .with("first/libx.a", archive(ArchiveForm::Gnu, &[], &[]))
        .with("first/libboth.a", archive(ArchiveForm::Gnu, &[], &[]))
        .with("second/libboth.so", "#STUB")
        .with("second/liby.a", "#STUB")
        .with("second/exact.name", "#STUB");
    let loaded = LoadedFiles::new();
    let mut dynamic = Input::library("both");
    dynamic.dynamic = true;
    let inputs = vec![
        Input::library("x"),
        Input::library("y"),
        Input::library(":exact.name"),
        Input::library("both"),
        dynamic,
        Input::library("missing"),
        Input::library(":missing.a"),
    ];
    insta::assert_snapshot!(shown(&read(inputs, &files, &loaded)), @r"
    stub second/liby.a
    stub second/exact.name
    error: unable to find library -lmissing
    >>> searched first
    >>> searched second
    error: unable to find library -l:missing.a
    >>> searched first
    >>> searched second
    ");
}

#[test]
fn a_shared_library_comes_first_where_it_may() {
    let files = MemoryFiles::default()
        .with("first/libx.a", archive(ArchiveForm::Gnu, &[], &[]))
        .with("first/libx.so", "#STUB");
    let loaded = LoadedFiles::new();
    let mut dynamic = Input::library("x");
    assert_eq!(shown(&read(vec![Input::library("x")], &files, &loaded)), "");
    dynamic.dynamic = true;
    let shown = shown(&read(vec![dynamic], &files, &loaded));
    assert_eq!(shown, "stub first/libx.so\n");
}

#[test]
fn symbols_listed_beside_an_archive_may_stay_undefined() {
    let files = MemoryFiles::default()
        .with("first/libx.a", archive(ArchiveForm::Gnu, &[], &[]))
        .with(
            "first/libx.imports",
            "# comment\none\n  two\t\r\n\n#three\nfour # five\n",
        );
    let loaded = LoadedFiles::new();
    let inputs = read(vec![Input::library("x")], &files, &loaded);
    assert_eq!(inputs.may_stay_undefined, ["one", "two", "four # five"]);
}

#[test]
fn what_cannot_be_linked() {
    let component = *b"\0asm\x0d\0\x01\0";
    let contents: &[(&str, &[u8])] = &[
        ("empty", b""),
        ("finished.wasm", b"\0asm\x01\0\0\0\x05\x03\x01\0\x01"),
        ("component.wasm", &component),
        ("later.wasm", b"\0asm\x02\0\0\0"),
        ("short.wasm", b"\0asm\x01"),
        ("elf.o", b"\x7fELF\x02\x01\x01\0"),
        ("macho.o", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
        ("coff.obj", b"\x64\x86\x05\0"),
        ("program.exe", b"MZ\x90\0"),
        ("lib.rmeta", b"rust\0\0\0\x06"),
        ("text.c", b"int main(void) { return 0; }\n"),
        ("module.wat", b"\n  (module)"),
        ("random", b"\x01\x02\x03\x04"),
    ];
    let mut files = MemoryFiles::default();
    for (name, bytes) in contents {
        files = files.with(name, *bytes);
    }
    let loaded = LoadedFiles::new();
    let mut inputs: Vec<_> = contents
        .iter()
        .map(|(name, _)| Input::path(*name))
        .collect();
    inputs.push(Input::path("absent.o"));
    insta::assert_snapshot!(shown(&read(inputs, &files, &loaded)));
}

#[test]
fn system_errors_read_as_the_system_says() {
    let directory = std::env::temp_dir();
    let loaded = LoadedFiles::new();
    let inputs = vec![Input::path("/nonexistent/a.o"), Input::path(&directory)];
    let env = Env::default();
    let shown = shown(&read(inputs, env.files, &loaded));
    assert!(
        shown.starts_with("error: cannot open /nonexistent/a.o: No such file or directory\n"),
        "{shown}"
    );
    assert!(!shown.contains("os error"), "{shown}");
}

#[test]
fn a_cancelled_link_reads_nothing() {
    let cancel = std::sync::atomic::AtomicBool::new(true);
    let loaded = LoadedFiles::new();
    let inputs = input::read(
        Inputs {
            search_paths: vec![],
            inputs: vec![Input::path("absent.o")],
        },
        &loaded,
        &Options::default(),
        &Env {
            cancel: Some(&cancel),
            ..Env::default()
        },
    );
    assert!(inputs.inputs.is_empty() && !inputs.diagnostics.has_errors());
}
