//! Inputs that another process changes while they are linked.
//!
//! The link waits for a pipe that it opens last, so that the other inputs are read and nothing is
//! written yet when they change.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wasm_encoder::{
    CodeSection, CustomSection, Function, FunctionSection, LinkingSection, Module, SymbolTable,
    TypeSection,
};

use crate::support::{Room, Run, member_header, object};

/// An object that defines functions `f0`, `f1`, …, with a custom section: it is large enough to be
/// mapped.
pub(crate) fn large_object() -> Vec<u8> {
    const FUNCTIONS: u32 = 4000;
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut symbols = SymbolTable::new();
    for nth in 0..FUNCTIONS {
        functions.function(0);
        let mut function = Function::new([]);
        // i32.const and drop, many times.
        function.raw([0x41, 0x07, 0x1A].repeat(20));
        function.raw([0x0B]);
        code.function(&function);
        symbols.function(0, nth, Some(&format!("f{nth}")));
    }
    module.section(&functions);
    module.section(&code);
    let mut linking = LinkingSection::new();
    linking.symbol_table(&symbols);
    module.section(&linking);
    module.section(&CustomSection {
        name: "padding".into(),
        data: vec![7; 64 << 10].into(),
    });
    module.finish()
}

/// A directory with a large object `large.o`, a library of one member, `large.a`, and `earlier`, the
/// output of an earlier link, as `out/x`.
fn room() -> Room {
    let room = Room::new();
    let object = large_object();
    room.write("large.o", &object);
    room.write("large.a", archive(&object));
    room.write("out/x", "earlier");
    room.fifo("pipe.o");
    room
}

/// An archive of one member, without an index.
fn archive(member: &[u8]) -> Vec<u8> {
    let header = member_header("large.o/", member.len());
    [b"!<arch>\n", &*header, member].concat()
}

/// Links with everything kept, changes what was read with `change`, and lets the link go on.
fn link_while(room: &Room, inputs: &[&str], change: impl FnOnce()) -> Run {
    let child = room
        .command("wasm-link")
        .args(inputs)
        .args([
            "pipe.o",
            "-o",
            "out/x",
            "--no-entry",
            "--no-gc-sections",
            "--threads=1",
        ])
        .args(["--Map=out/map", "--backend=native"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // Opened when the link opens it, too.
    let mut pipe = File::options()
        .write(true)
        .open(room.path("pipe.o"))
        .expect("a pipe");
    change();
    // The link may have ended.
    let _ = pipe.write_all(&object("last", None));
    drop(pipe);
    let output = child.wait_with_output().expect("the command ends");
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: room.tidy(&String::from_utf8(output.stderr).expect("messages are text")),
    }
}

#[track_caller]
fn assert_refused(room: &Room, run: Run, input: &str) {
    assert_eq!(
        run.failed(),
        format!("wasm-link: error: {input} changed while it was being linked\n")
    );
    assert_eq!(room.names_in("out"), ["x"]);
    assert_eq!(room.read("out/x"), b"earlier");
}

#[test]
fn a_link_whose_inputs_stay_as_they_are_succeeds() {
    let room = room();
    let inputs = ["main.o", "large.o"];
    let run = link_while(&room, &inputs, || {
        // Looked at, not changed.
        fs::read(room.path("large.o")).expect("it is there");
    });
    run.ok();
    assert_eq!(room.names_in("out"), ["map", "x"]);
    wasmparser::validate(&room.read("out/x")).expect("a module");
}

/// Changes the file at a path.
type Change = fn(&Path);

/// What another process can do to a file.
const CHANGES: [(&str, Change); 7] = [
    ("shorter", |path| {
        File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(100))
            .expect("shorter");
    }),
    ("empty", |path| {
        File::create(path).expect("empty");
    }),
    ("longer", |path| {
        let mut file = File::options().append(true).open(path).expect("it opens");
        file.write_all(b"more").expect("longer");
    }),
    // Every number in it is another one, and the last ones do not end.
    ("other bytes", |path| {
        let bytes = vec![0xFF; fs::metadata(path).expect("it is there").len() as usize];
        let mut file = File::options().write(true).open(path).expect("it opens");
        file.write_all(&bytes).expect("other bytes");
    }),
    ("the same bytes, written again", |path| {
        let bytes = fs::read(path).expect("it is there");
        // Times have steps of some milliseconds.
        thread::sleep(Duration::from_millis(50));
        let mut file = File::options().write(true).open(path).expect("it opens");
        file.write_all(&bytes).expect("written");
    }),
    ("another file", |path| {
        let new = path.with_extension("new");
        fs::copy(path, &new).expect("a copy");
        fs::rename(&new, path).expect("replaced");
    }),
    ("no file", |path| fs::remove_file(path).expect("removed")),
];

#[test]
fn every_change_of_a_mapped_object_is_an_error() {
    for (what, change) in CHANGES {
        let room = room();
        let run = link_while(&room, &["main.o", "large.o"], || {
            change(&room.path("large.o"));
        });
        eprintln!("{what}");
        assert_refused(&room, run, "large.o");
    }
}

#[test]
fn every_change_of_an_archive_is_an_error() {
    for (what, change) in CHANGES {
        let room = room();
        let inputs = ["main.o", "--whole-archive", "large.a"];
        let run = link_while(&room, &inputs, || change(&room.path("large.a")));
        eprintln!("{what}");
        assert_refused(&room, run, "large.a");
    }
}

#[test]
fn every_change_of_a_small_object_is_an_error() {
    for (what, change) in CHANGES {
        let room = room();
        let run = link_while(&room, &["main.o", "f.o"], || change(&room.path("f.o")));
        eprintln!("{what}");
        assert_refused(&room, run, "f.o");
    }
}

/// Also where the link fails for another reason, which may be a consequence.
#[test]
fn a_change_is_the_error_of_a_link_that_fails() {
    let room = room();
    let run = link_while(&room, &["calls.o", "large.o"], || {
        fs::remove_file(room.path("large.o")).expect("removed");
    });
    assert_refused(&room, run, "large.o");
}

/// Also where the link warns: the warning may be a consequence, too.
#[test]
fn a_change_is_all_that_a_link_that_warns_says() {
    let inputs = ["calls.o", "large.o", "--warn-unresolved-symbols"];
    let stderr = link_while(&room(), &inputs, || {}).stderr;
    assert!(stderr.starts_with("wasm-link: warning: "), "{stderr}");
    let room = room();
    let run = link_while(&room, &inputs, || {
        fs::remove_file(room.path("large.o")).expect("removed");
    });
    assert_refused(&room, run, "large.o");
}

/// A compiler that is still writing, at any moment of many links.
#[test]
fn a_link_beside_a_writer_makes_a_module_or_says_that_it_did_not() {
    let room = Room::new();
    let whole = large_object();
    room.write("large.o", &whole);
    let done = AtomicBool::new(false);
    let path = room.path("large.o");
    let write = || {
        let mut len = 1;
        while !done.load(Ordering::Relaxed) {
            len = len * 7 % whole.len();
            let mut file = File::options().write(true).open(&path).expect("it opens");
            file.set_len(len as u64).expect("shorter");
            thread::sleep(Duration::from_micros(300));
            file.write_all(&whole).expect("whole");
            // Longer than a step of the times that files have.
            thread::sleep(Duration::from_millis(20));
        }
    };
    let link = |nth: usize| {
        room.write("out/x", "earlier");
        let threads = format!("--threads={}", 1 + nth % 3);
        let args = "main.o large.o -o out/x --no-gc-sections --backend=native";
        let run = room.run(args.split(' ').chain([threads.as_str()]));
        (run, room.names_in("out"), room.read("out/x"))
    };
    let links: Vec<_> = thread::scope(|scope| {
        scope.spawn(write);
        let links = (0..60).map(link).collect();
        done.store(true, Ordering::Relaxed);
        links
    });
    for (run, names, output) in links {
        assert_eq!(names, ["x"], "{}", run.stderr);
        if run.code == Some(0) {
            wasmparser::validate(&output).expect("a module");
            continue;
        }
        let stderr = run.failed();
        // It can have been short from the beginning to the end of the link.
        let is_expected = stderr.starts_with("wasm-link: error: large.o: ")
            || stderr == "wasm-link: error: large.o changed while it was being linked\n";
        assert!(is_expected, "{stderr}");
        assert_eq!(output, b"earlier");
    }
}
