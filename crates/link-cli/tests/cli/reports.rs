//! What a native link says beside its output, and what it does with its output.

use std::fs;

use crate::support::{Room, member_header, object};
use crate::thin::thin_archive;

/// An archive of one member, with an index of one symbol.
fn archive(member: &str, symbol: &str, contents: &[u8]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    let mut add = |name: &str, bytes: &[u8]| {
        out.extend(member_header(name, bytes.len()));
        out.extend(bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    };
    let mut index = 1_u32.to_be_bytes().to_vec();
    let index_len = 4 + 4 + symbol.len() + 1;
    let member_at = 8 + 60 + index_len.next_multiple_of(2);
    index.extend((member_at as u32).to_be_bytes());
    index.extend(symbol.bytes());
    index.push(0);
    add("/", &index);
    add(&format!("{member}/"), contents);
    out
}

fn with_library() -> Room {
    let room = Room::new();
    let library = archive("f.o", "f", &object("f", None));
    room.write("lib/libf.a", library);
    room
}

#[test]
fn a_library_that_was_not_given_is_named() {
    let room = with_library();
    let stderr = room.run("calls.o -Llib -o x".split(' ')).failed();
    assert_eq!(
        stderr,
        "wasm-link: error: calls.o: undefined symbol: f\n\
         >>> referenced by calls.o:(_start)\n\
         >>> defined in lib/libf.a, which is not linked: add -lf\n"
    );
}

#[test]
fn archive_members_are_reported_as_lld_reports_them() {
    let room = with_library();
    for options in [
        "-t",
        "-y f",
        "-t -y f",
        "--why-extract=-",
        "-M",
        "--print-gc-sections",
        "-t -y f --why-extract=- -M --print-gc-sections",
    ] {
        for line in [
            format!("calls.o -Llib -lf -o x {options}"),
            format!("-Llib -lf calls.o -o x {options}"),
            // Without it, `rust-lld` drops what `-u` links.
            format!("-Llib -lf -u f --no-gc-sections --no-entry -o x {options}"),
        ] {
            let args: Vec<_> = line.split(' ').collect();
            let Some(lld) = room.run_reference(&args) else {
                continue;
            };
            assert_eq!(lld.code, Some(0), "{line}: {}", lld.stderr);
            let ours = room.run_as("wasm-ld", ["--backend=native"].iter().chain(&args));
            assert_eq!(ours.text(), lld.text(), "{line}");
        }
    }
}

#[test]
fn cross_references_name_who_defines_and_who_refers() {
    let room = with_library();
    let run = room.run("calls.o -Llib -lf -o x --cref".split(' ')).ok();
    let expected = format!(
        "Cross Reference Table\n\n{:<49} File\n{:<49} calls.o\n{:<49} lib/libf.a(f.o)\n{:<49} calls.o\n",
        "Symbol", "_start", "f", ""
    );
    assert_eq!(run.text(), expected);
    let stderr = room
        .run("calls.o f.o -o x --cref --backend=lld".split(' '))
        .failed();
    assert!(stderr.contains("needs --backend=native"), "{stderr}");
}

#[test]
fn shared_libraries_define_what_they_export() {
    let room = Room::new();
    room.run("f.o -o f.so --shared".split(' ')).ok();
    for line in [
        "-Bdynamic calls.o f.so -o x -y f -y _start",
        "-Bdynamic f.so calls.o -o x -y f -y _start",
        "-Bdynamic calls.o f.so f.o -o x -y f",
        "-Bdynamic calls.o f.o f.so -o x -y f -M",
    ] {
        let args: Vec<_> = line.split(' ').collect();
        let Some(lld) = room.run_reference(&args) else {
            continue;
        };
        assert_eq!(lld.code, Some(0), "{line}: {}", lld.stderr);
        let ours = room.run_as("wasm-ld", ["--backend=native"].iter().chain(&args));
        assert_eq!(ours.text(), lld.text(), "{line}");
    }
    let run = room
        .run("-Bdynamic calls.o f.so -o x --cref".split(' '))
        .ok();
    let expected = format!(
        "Cross Reference Table\n\n{:<49} File\n{:<49} calls.o\n{:<49} f.so\n{:<49} calls.o\n",
        "Symbol", "_start", "f", ""
    );
    assert_eq!(run.text(), expected);
}

#[test]
fn a_dependency_file_names_what_was_read() {
    let room = with_library();
    room.run("calls.o -Llib -lf -o x --dependency-file=x.d".split(' '))
        .ok();
    assert_eq!(
        String::from_utf8(room.read("x.d")).expect("text"),
        "x: \\\n  calls.o \\\n  lib/libf.a\n\ncalls.o:\n\nlib/libf.a:\n"
    );
}

#[test]
fn every_phase_is_timed() {
    let room = Room::new();
    let run = room.run(["main.o", "-o", "x", "--time"]);
    let names: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.ends_with(" ms"))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    let expected = "read resolve mark synthesize layout write commit total";
    assert_eq!(names.join(" "), expected, "{}", run.stderr);
}

/// The files of a tar archive.
fn untar(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut rest = bytes;
    while rest[0] != 0 {
        let (header, body) = rest.split_at(512);
        let text = |range: std::ops::Range<usize>| {
            let field = header[range].split(|byte| *byte == 0).next();
            String::from_utf8(field.expect("a field").to_vec()).expect("text")
        };
        let size = usize::from_str_radix(&text(124..136), 8).expect("a size");
        files.push((text(0..100), body[..size].to_vec()));
        rest = &body[size.next_multiple_of(512)..];
    }
    files
}

/// Unpacks `r.tar` elsewhere and links what it holds.
fn reproduced(room: &Room) -> Room {
    let other = Room::new();
    for (path, contents) in untar(&room.read("r.tar")) {
        other.write(&path, contents);
    }
    let mut command = other.command("wasm-link");
    command.current_dir(other.path("r")).arg("@response.txt");
    other.result(&mut command).ok();
    other
}

#[test]
fn a_reproduction_makes_the_same_link() {
    let room = with_library();
    let line = "calls.o -L lib -lf --export=f -o out.wasm";
    let args = line.split(' ').chain(["--reproduce=r.tar"]);
    room.run(args).ok();
    let other = reproduced(&room);
    assert!(other.read("r/out.wasm") == room.read("out.wasm"));

    let mut command = room.command("wasm-link");
    command.env("LLD_REPRODUCE", "env.tar");
    room.result(command.args(line.split(' '))).ok();
    assert_eq!(untar(&room.read("env.tar")).len(), 4);
}

/// An object without symbols that has a custom section.
fn section(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut object = b"\0asm\x01\0\0\0".to_vec();
    for (name, contents) in [("linking", &[2][..]), (name, contents)] {
        object.extend([0, (1 + name.len() + contents.len()) as u8]);
        object.push(name.len() as u8);
        object.extend(name.as_bytes());
        object.extend(contents);
    }
    object
}

#[test]
fn members_that_are_linked_for_their_sections_are_reported_and_reproduced() {
    let room = Room::new();
    let members: [(&[u8], &str); 2] = [(b"f.o", "f"), (b"notes.o", "")];
    room.write("lib/libnotes.a", thin_archive(&members));
    room.write("lib/f.o", object("f", None));
    room.write("lib/notes.o", section("_ZN5notes", b"text"));
    let line = "main.o -L lib -lnotes -o x --extract-custom-sections";
    let args = |more: &str| format!("{line} {more}");
    let run = room
        .run(args("-t --why-extract=- --threads=1").split(' '))
        .ok();
    insta::assert_snapshot!(run.text());
    let linked = room.read("x");
    assert!(
        linked
            .windows(14)
            .any(|bytes| bytes == b"\x09_ZN5notestext")
    );
    let run = room.run(args("--Map=-").split(' ')).ok();
    assert!(run.text().contains("CUSTOM(_ZN5notes)"), "{}", run.text());

    room.run(args("--reproduce=r.tar --threads=4").split(' '))
        .ok();
    assert!(room.read("x") == linked);
    let other = reproduced(&room);
    assert!(other.read("r/x") == linked);

    // LLD does not know the option.
    let stderr = room.run(args("--backend=lld").split(' ')).failed();
    insta::assert_snapshot!(stderr);
    room.write("b.o", b"BC\xC0\xDE not really");
    let stderr = room.run(args("b.o").split(' ')).failed();
    insta::assert_snapshot!(stderr);
}

#[test]
fn a_link_that_failed_is_reproduced_too() {
    let room = Room::new();
    room.run("calls.o -o x --reproduce=r.tar".split(' '))
        .failed();
    let names: Vec<_> = untar(&room.read("r.tar"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(names[2].ends_with("/calls.o"), "{names:?}");
}

#[test]
fn bitcode_goes_to_lld_or_is_an_error() {
    let room = Room::new();
    room.write("b.o", b"BC\xC0\xDE not really");
    let stderr = room
        .run("main.o b.o -o x --backend=native".split(' '))
        .failed();
    assert!(
        stderr.contains("b.o: LLVM bitcode can only be linked by LLD (--backend=lld)"),
        "{stderr}"
    );
    let stderr = room
        .run("main.o b.o -o x --verbose-link".split(' '))
        .failed();
    assert!(
        stderr.starts_with("wasm-link: b.o is LLVM bitcode: linking with LLD\n"),
        "{stderr}"
    );
    assert!(stderr.contains("linking with LLD:\n"), "{stderr}");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn mode(room: &Room, name: &str) -> u32 {
        fs::metadata(room.path(name))
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    }

    #[test]
    fn the_output_replaces_what_a_link_leads_to_and_keeps_its_mode() {
        let room = Room::new();
        room.run(["main.o", "-o", "new"]).ok();
        room.run_lld(["main.o", "-o", "lld"]);
        assert_eq!(mode(&room, "new"), mode(&room, "lld"));

        room.write("dir/old", "old");
        let private = fs::Permissions::from_mode(0o640);
        fs::set_permissions(room.path("dir/old"), private).expect("it is mine");
        symlink("dir/old", room.path("link")).expect("a link is made");
        room.run(["main.o", "-o", "link"]).ok();
        assert!(room.path("link").is_symlink());
        assert!(room.read("dir/old") == room.read("link"));
        wasmparser::validate(&room.read("dir/old")).expect("a module");
        assert_eq!(mode(&room, "dir/old"), 0o640);
        assert_eq!(
            fs::read_dir(room.path("dir")).expect("a directory").count(),
            1
        );
    }

    #[test]
    fn no_room_for_the_output_is_an_error_and_leaves_the_earlier_one() {
        let room = Room::new();
        room.write("out/x", "earlier");
        // No file may be larger than nothing.
        let script = "ulimit -f 0 && exec \"$0\" --backend=native main.o -o out/x 2>&1 | cat";
        let output = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_wasm-link")])
            .current_dir(room.path(""))
            .output()
            .expect("a shell runs");
        let said = String::from_utf8(output.stdout).expect("text");
        let expected = if cfg!(feature = "platform") {
            "wasm-link: error: out/x: cannot make room for "
        } else {
            ""
        };
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(room.read("out/x"), b"earlier");
        if cfg!(feature = "platform") {
            assert_eq!(
                fs::read_dir(room.path("out")).expect("it is there").count(),
                1
            );
        }
    }
}

#[test]
fn sizes_are_reported_in_each_form() {
    let room = with_library();
    let line = "calls.o -Llib -lf -o x --size-report=x.json --size-report=x.txt --size-report=-";
    let run = room.run(line.split(' ')).ok();
    let size = room.read("x").len();
    let text = String::from_utf8(room.read("x.txt")).expect("text");
    assert_eq!(run.stdout, text.as_bytes());
    assert!(text.starts_with(&format!("x: {size} bytes\n")), "{text}");
    assert!(text.contains("lib/libf.a(f.o)"), "{text}");
    let json = String::from_utf8(room.read("x.json")).expect("text");
    let begin = format!("{{\"version\":1,\"output\":\"x\",\"total\":{size},");
    assert!(json.starts_with(&begin), "{json}");
    assert!(json.ends_with("}\n"), "{json}");
}

#[test]
fn the_ending_of_a_size_report_says_its_form() {
    let room = with_library();
    for file in ["x.pdf", "x.html", "x", ".json", "x.JSON"] {
        let report = format!("--size-report={file}");
        let run = room.run(["calls.o", "-Llib", "-lf", "-o", "x", &report]);
        assert_eq!(
            run.failed(),
            format!(
                "wasm-link: error: {report}: the ending says no form of report\n\
                 >>> expected a name that ends in .json or .txt, or - for text\n"
            )
        );
        assert!(!room.path("x").exists());
    }
}

#[test]
fn a_link_that_fails_writes_no_size_report() {
    let room = with_library();
    room.run("calls.o -o x --size-report=x.json".split(' '))
        .failed();
    assert!(!room.path("x.json").exists());
    let overwrites = room
        .run("calls.o -Llib -lf -o x --size-report=calls.txt --size-report=calls.txt".split(' '));
    assert_eq!(
        overwrites.failed(),
        "wasm-link: error: calls.txt: the --size-report= file would overwrite the --size-report= file calls.txt\n"
    );
}

#[test]
fn why_says_what_needs_a_symbol() {
    let room = with_library();
    let line = "calls.o -Llib -lf -o x --why=f --why=_start --why=g --why-import=*";
    let text = room.run(line.split(' ')).ok().text();
    assert_eq!(
        text,
        "f, of lib/libf.a(f.o):(code) is in the output\n  \
           needed by _start, of calls.o:(code)\n  \
           which is the entry\n\
         _start, of calls.o:(code) is in the output\n  \
           which is the entry\n\
         g: nothing is called so\n\
         *: no import is called so\n"
    );
    // By LLD there is no answer.
    let stderr = room
        .run("--backend=lld calls.o -o x --why=f".split(' '))
        .failed();
    assert!(stderr.contains("--why"), "{stderr}");
}
