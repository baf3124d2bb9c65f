//! Archives of every form.

use std::sync::{Arc, Mutex};

use link_core::Input;
use link_core::input::{LoadedFiles, ReadInput, ReadInputs};
use link_core::{Env, FileBytes, FileData, Options, ReadAt};

use crate::common::{ArchiveForm, MemoryFiles, archive, defines};
use crate::inputs::{read, shown};

const FORMS: [ArchiveForm; 4] = [
    ArchiveForm::Gnu,
    ArchiveForm::Gnu64,
    ArchiveForm::Bsd,
    ArchiveForm::Thin,
];

fn members(inputs: &ReadInputs<'_>) -> Vec<(String, Vec<String>)> {
    let lazy = inputs.inputs.iter().map(|input| match input {
        ReadInput::Lazy(member) => {
            let object = member.parse().expect("the member is good");
            assert_eq!(object.name, member.name());
            assert!(object.from_archive);
            let symbols = member.symbols().map(String::from);
            (member.name().to_string(), symbols.collect())
        }
        other => panic!("not lazy: {other:?}"),
    });
    lazy.collect()
}

#[test]
fn members_and_their_symbols_in_every_form_with_and_without_index() {
    let (a, b) = (defines("in_a").build(), defines("in_b").build());
    let long = "a_name_longer_than_a_header_has_room_for.o";
    let content: [(&str, &[u8]); 2] = [("a.o", &a), (long, &b)];
    for form in FORMS {
        for index in [
            &[][..],
            &[(0, "in_a"), (1, "in_b")],
            &[(1, "in_b"), (0, "in_a")],
        ] {
            let files = MemoryFiles::default()
                .with("lib/libx.a", archive(form, &content, index))
                .with("lib/a.o", &a[..])
                .with(&format!("lib/{long}"), &b[..]);
            let loaded = LoadedFiles::new();
            let inputs = read(vec![Input::path("lib/libx.a")], &files, &loaded);
            assert_eq!(inputs.diagnostics.as_slice(), [], "{form:?}");
            assert_eq!(
                members(&inputs),
                [
                    ("lib/libx.a(a.o)".to_owned(), vec!["in_a".to_owned()]),
                    (format!("lib/libx.a({long})"), vec!["in_b".to_owned()]),
                ],
                "{form:?} {index:?}"
            );
        }
    }
}

/// Members that share a name in the table of long names do not get a copy each.
#[test]
fn a_long_name_is_shared() {
    let object = defines("f").build();
    let name = format!("{}.o", "n".repeat(3000));
    let mut bytes = archive(ArchiveForm::Gnu, &vec![(&*name, &object[..]); 50], &[]);
    // All of them name the first entry of the table.
    for nth in 1..50 {
        let entry = format!("{:<16}", format!("/{}", nth * (name.len() + 2)));
        let at = bytes
            .windows(16)
            .position(|field| field == entry.as_bytes());
        let at = at.expect("a header");
        bytes[at..at + 16].copy_from_slice(format!("{:<16}", "/0").as_bytes());
    }
    for whole_archive in [false, true] {
        let loaded = LoadedFiles::new();
        let mut input = Input::bytes("libx.a", FileData::new(bytes.clone()));
        input.whole_archive = whole_archive;
        let files = MemoryFiles::default();
        let inputs = read(vec![input], &files, &loaded);
        let name_of = |input: &ReadInput<'_>| match input {
            ReadInput::Object(object) => object.name.clone(),
            ReadInput::Lazy(member) => member.parse().expect("the member is good").name,
            other => panic!("{other:?}"),
        };
        let names: Vec<_> = inputs.inputs.iter().map(name_of).collect();
        assert_eq!(names.len(), 50);
        assert_eq!(*names[0], format!("libx.a({name})"));
        assert!(names.iter().all(|other| Arc::ptr_eq(other, &names[0])));
    }
}

/// Bytes, and where some were read.
struct Read {
    bytes: Vec<u8>,
    at: Arc<Mutex<Vec<usize>>>,
    works: bool,
}

impl FileBytes for Read {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn reader(&self) -> Option<ReadAt> {
        let (bytes, reads, works) = (self.bytes.clone(), self.at.clone(), self.works);
        Some(Box::new(move |buffer, at| {
            reads.lock().unwrap().push(at);
            let there = bytes[at..].get(..buffer.len()).filter(|_| works);
            buffer.copy_from_slice(there.ok_or(std::io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }))
    }
}

#[test]
fn headers_behind_large_members_are_read() {
    let (mut a, b) = (defines("in_a").build(), defines("in_b").build());
    wasm_format::put_custom_section(&mut a, "large", &vec![0; 100_000]);
    let long = "a_name_longer_than_a_header_has_room_for.o";
    let content: [(&str, &[u8]); 3] = [("a.o", &a), (long, &b), ("c.o", b"none")];
    for form in FORMS {
        for works in [true, false] {
            let bytes = archive(form, &content, &[(0, "in_a"), (1, "in_b"), (2, "in_c")]);
            let at = Arc::default();
            let data = FileData::of(Read {
                bytes: bytes.clone(),
                at: Arc::clone(&at),
                works,
            });
            let loaded = LoadedFiles::new();
            let of = |data| {
                let files = MemoryFiles::default();
                shown(&read(vec![Input::bytes("libx.a", data)], &files, &loaded))
            };
            assert_eq!(of(data), of(FileData::new(bytes)), "{form:?}");
            let reads = at.lock().unwrap().len();
            assert_eq!(reads, usize::from(form != ArchiveForm::Thin), "{form:?}");
        }
    }
}

#[test]
fn members_that_an_index_mentions_are_not_looked_at() {
    let content: [(&str, &[u8]); 1] = [("damaged.o", b"\0asm\x01\0\0\0\x7f")];
    for form in FORMS {
        let files = MemoryFiles::default().with("libx.a", archive(form, &content, &[(0, "f")]));
        let loaded = LoadedFiles::new();
        let inputs = read(vec![Input::path("libx.a")], &files, &loaded);
        assert_eq!(inputs.diagnostics.as_slice(), []);
        let [ReadInput::Lazy(member)] = &inputs.inputs[..] else {
            panic!("{:?}", inputs.inputs)
        };
        assert!(member.symbols().eq(["f"]));
        let diagnostic = member.parse().unwrap_err().to_string();
        assert!(
            diagnostic.starts_with(match form {
                ArchiveForm::Thin => "error: cannot open libx.a(damaged.o): entity not found",
                _ => "error: libx.a(damaged.o): ",
            }),
            "{diagnostic}"
        );
    }
}

/// Archivers list a member's symbols side by side, and members in order; an index need not.
#[test]
fn an_index_may_be_in_any_order() {
    let object = defines("f").build();
    let content = ["a.o", "b.o", "c.o"].map(|name| (name, &object[..]));
    let index = [(2, "c1"), (0, "a1"), (2, "c2"), (0, "a2"), (2, "c3")];
    for form in [ArchiveForm::Gnu, ArchiveForm::Gnu64, ArchiveForm::Bsd] {
        let files = MemoryFiles::default().with("libx.a", archive(form, &content, &index));
        let loaded = LoadedFiles::new();
        let inputs = read(vec![Input::path("libx.a")], &files, &loaded);
        let symbols: Vec<_> = members(&inputs).into_iter().map(|it| it.1).collect();
        // What the index does not mention is looked into.
        let expected = [&["a1", "a2"][..], &["f"], &["c1", "c2", "c3"]];
        assert_eq!(symbols, expected, "{form:?}");
    }
}

#[test]
fn members_added_after_the_index_was_made_are_found() {
    let (a, b) = (defines("in_a").build(), defines("in_b").build());
    let content: [(&str, &[u8]); 2] = [("a.o", &a), ("b.o", &b)];
    let bytes = archive(ArchiveForm::Gnu, &content, &[(0, "in_a")]);
    let files = MemoryFiles::default().with("libx.a", bytes);
    let loaded = LoadedFiles::new();
    let inputs = read(vec![Input::path("libx.a")], &files, &loaded);
    assert_eq!(members(&inputs)[1].1, ["in_b"]);
}

#[test]
fn what_is_no_object() {
    let object = defines("f").build();
    let finished = *b"\0asm\x01\0\0\0";
    let content: [(&str, &[u8]); 6] = [
        ("lib.rmeta", b"rust\0\0\0\x08metadata"),
        ("elf.o", b"\x7fELF"),
        ("README", b"some text"),
        ("finished.wasm", &finished),
        ("bitcode.o", b"BC\xc0\xde...."),
        ("f.o", &object),
    ];
    let bytes = archive(ArchiveForm::Gnu, &content, &[]);
    let files = MemoryFiles::default().with("libx.a", bytes);
    let loaded = LoadedFiles::new();
    let lazy = shown(&read(vec![Input::path("libx.a")], &files, &loaded));
    let mut input = Input::path("libx.a");
    input.whole_archive = true;
    let whole = shown(&read(vec![input], &files, &loaded));
    insta::assert_snapshot!(format!("{lazy}--whole-archive:\n{whole}"));
}

#[test]
fn bitcode_is_refused_when_it_is_pulled() {
    let content: [(&str, &[u8]); 1] = [("bitcode.o", b"BC\xc0\xde....")];
    let bytes = archive(ArchiveForm::Gnu, &content, &[(0, "f")]);
    let loaded = LoadedFiles::new();
    let files = MemoryFiles::default().with("libx.a", bytes);
    let inputs = read(vec![Input::path("libx.a")], &files, &loaded);
    let [ReadInput::Lazy(member)] = &inputs.inputs[..] else {
        panic!("{:?}", inputs.inputs)
    };
    let diagnostic = member.parse().unwrap_err();
    assert_eq!(diagnostic.code, link_core::diag::Code::Bitcode);
    insta::assert_snapshot!(diagnostic, @"error: libx.a(bitcode.o): LLVM bitcode can only be linked by LLD (--backend=lld)");
}

/// An archive with one member and an index, once `change` was at it.
fn changed(form: ArchiveForm, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let object = defines("f").build();
    let mut bytes = archive(form, &[("f.o", &object)], &[(0, "f")]);
    change(&mut bytes);
    let files = MemoryFiles::default().with("libx.a", bytes);
    let loaded = LoadedFiles::new();
    shown(&read(vec![Input::path("libx.a")], &files, &loaded))
}

/// The messages about such an archive.
fn damaged(form: ArchiveForm, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let shown = changed(form, change);
    assert!(!shown.starts_with("lazy"), "{shown}");
    shown
}

/// Objects have no such names, so no object refers to it.
#[test]
fn a_name_in_the_index_need_not_be_text() {
    let name = 8 + 60 + 8;
    let shown = changed(ArchiveForm::Gnu, |bytes| bytes[name] = 0xff);
    insta::assert_snapshot!(shown, @r#"lazy libx.a(f.o) ["�"]"#);
}

#[test]
fn damage() {
    use ArchiveForm::{Bsd, Gnu, Gnu64};
    let index = 8 + 60;
    insta::assert_snapshot!(
        [
            damaged(Gnu, |bytes| bytes.truncate(30)),
            damaged(Gnu, |bytes| bytes[8 + 58] = b'x'),
            damaged(Gnu, |bytes| bytes[8 + 48] = b'x'),
            damaged(Gnu, |bytes| bytes[8 + 48..8 + 58].fill(b'9')),
            damaged(Gnu, |bytes| bytes[index] = 0xff),
            damaged(Gnu, |bytes| bytes[index + 7] += 2),
            damaged(Gnu, |bytes| bytes[index + 9] = b'f'),
            damaged(Gnu64, |bytes| bytes[index] = 0xff),
            damaged(Bsd, |bytes| bytes[index + 1] = 0xff),
            damaged(Bsd, |bytes| bytes[index + 4] = 0xff),
            damaged(Gnu, |bytes| {
                let name = bytes.windows(3).position(|w| w == b"/0 ").unwrap();
                bytes[name + 1] = b'9';
            }),
            damaged(Bsd, |bytes| {
                let name = bytes.windows(4).position(|w| w == b"#1/3").unwrap();
                bytes[name + 4..name + 8].fill(b'9');
            }),
        ]
        .join("")
    );
}

#[test]
fn an_index_whose_entries_share_a_long_name_takes_no_quadratic_time() {
    let mut names = vec![b'x'; 1 << 20];
    names.push(0);
    let entries: Vec<u8> = (0..100_000u32)
        .flat_map(|_| [0u32.to_le_bytes(), 8u32.to_le_bytes()])
        .flatten()
        .collect();
    let mut contents = (entries.len() as u32).to_le_bytes().to_vec();
    contents.extend(entries);
    contents.extend((names.len() as u32).to_le_bytes());
    contents.extend(names);
    let bytes = archive(ArchiveForm::Gnu, &[("__.SYMDEF", &contents)], &[]);
    let loaded = LoadedFiles::new();
    let data = FileData::new(bytes);
    let inputs = link_core::input::read(
        link_core::Inputs {
            search_paths: vec![],
            inputs: vec![Input::bytes("libx.a", data)],
        },
        &loaded,
        &Options::default(),
        &Env::default(),
    );
    assert!(inputs.diagnostics.has_errors());
}
