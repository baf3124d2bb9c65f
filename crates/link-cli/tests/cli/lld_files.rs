//! What LLD writes and reads, with this command between: files appear whole or not at all, and an
//! input that changes is an error.
//!
//! LLD is a shell script here that does something before or instead of LLD.
#![cfg(all(unix, feature = "platform"))]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use test_objects::lld;

use crate::support::{Room, Run, object};
use crate::thin::thin_archive;

/// What a script begins with: `out`, `map` and `why` are the files that the arguments name.
const ARGUMENTS: &str = r#"#!/bin/sh
previous=
for arg in "$@"; do
    case "$previous" in -o) out=$arg ;; esac
    case "$arg" in
    --Map=*) map=${arg#--Map=} ;;
    --why-extract=*) why=${arg#--why-extract=} ;;
    esac
    previous=$arg
done
lld() { "$WASM_LD" -flavor wasm "$@"; }
"#;

/// A directory with `out`, which has the files of an earlier link, and a linker that does `commands`.
fn room(commands: &str) -> Room {
    let room = Room::new();
    room.script("linker", &format!("{ARGUMENTS}{commands}\n"));
    for name in ["x", "map", "why"] {
        room.write(&format!("out/{name}"), "earlier");
    }
    room
}

const FILES: &str =
    "-o out/x --Map=out/map --why-extract=out/why --backend=lld --lld-path=./linker";

fn link(room: &Room, inputs: &str) -> Run {
    room.run(inputs.split(' ').chain(FILES.split(' ')))
}

#[track_caller]
fn assert_earlier(room: &Room, names: &[&str]) {
    assert_eq!(room.names_in("out"), ["map", "why", "x"]);
    for name in names {
        assert_eq!(room.read(&format!("out/{name}")), b"earlier", "{name}");
    }
}

#[test]
fn every_file_is_that_of_lld() {
    let room = room("lld \"$@\"");
    link(&room, "calls.o f.o").ok();
    let ours: Vec<_> = (room.names_in("out").iter())
        .map(|name| (name.clone(), room.read(&format!("out/{name}"))))
        .collect();
    assert_eq!(ours.len(), 3);
    wasmparser::validate(&room.read("out/x")).expect("a module");
    let args = "calls.o f.o -o out/x --Map=out/map --why-extract=out/why";
    room.run_lld(args.split(' ')).ok();
    for (name, contents) in ours {
        assert!(room.read(&format!("out/{name}")) == contents, "{name}");
    }
}

#[test]
fn a_reproduce_archive_is_that_of_lld() {
    let room = room("lld \"$@\"");
    let args = "calls.o f.o -o out/x --reproduce=out/r.tar --Map=out/map";
    let ours = ["--backend=lld", "--lld-path=./linker"];
    room.run(args.split(' ').chain(ours)).ok();
    assert_eq!(room.names_in("out"), ["map", "r.tar", "why", "x"]);
    assert!(room.read("out/map").starts_with(b"    Addr"));
    let archive = room.read("out/r.tar");
    let text = String::from_utf8_lossy(&archive);
    // The paths are the user's, and the output is made where the command line is used.
    assert!(!text.contains(".wasm-link-"), "{text}");
    assert!(text.contains("-o x\n--Map out/map\n"), "{text}");
    room.run_lld(args.split(' ')).ok();
    let theirs = room.read("out/r.tar");
    assert!(String::from_utf8_lossy(&theirs).contains("-o x\n--Map out/map\n"));
}

/// However LLD ends, the earlier files are whole; of a link that failed there are other reports.
#[test]
fn half_a_file_is_not_seen() {
    let write = "printf half > \"$out\"; printf half > \"$map\"; printf whole > \"$why\"";
    let failed = room(&format!("{write}; echo 'wasm-ld: error: no' >&2; exit 1"));
    assert_eq!(link(&failed, "main.o").failed(), "wasm-link: error: no\n");
    assert_earlier(&failed, &["x", "map"]);
    assert_eq!(failed.read("out/why"), b"whole");
    for end in ["kill -KILL $$", "kill -SEGV $$", "kill -BUS $$"] {
        let room = room(&format!("{write}; {end}"));
        let stderr = link(&room, "main.o").failed();
        assert!(stderr.contains("crashed ("), "{stderr}");
        assert_earlier(&room, &["x", "map", "why"]);
    }
}

/// LLVM's libraries end LLD with a text of theirs when a report cannot be written.
#[test]
fn a_report_that_lld_could_not_write_is_not_seen() {
    let write = "printf half > \"$why\"; printf half > \"$out\"";
    let error = "echo 'wasm-ld: error: no' >&2; echo 'LLVM ERROR: IO failure' >&2";
    let room = room(&format!("{write}; {error}; exit 1"));
    link(&room, "main.o").failed();
    assert_earlier(&room, &["x", "map", "why"]);
}

/// Without descriptors, the directories go all the same.
#[test]
fn few_descriptors_leave_nothing() {
    for descriptors in 4..20 {
        let room = room("lld \"$@\"");
        let script = format!("ulimit -n {descriptors} && exec \"$0\" main.o {FILES}");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_wasm-link")]);
        command
            .current_dir(room.path(""))
            .env("WASM_LD", lld::any());
        let output = command.output().expect("a shell runs");
        let names = room.names_in("out");
        assert_eq!(names, ["map", "why", "x"], "{descriptors}: {output:?}");
        if !output.status.success() {
            assert_earlier(&room, &["x"]);
        }
    }
}

/// A user's signal goes to this command, which may end before LLD does.
#[test]
fn a_signal_leaves_the_earlier_files() {
    let write = "printf half > \"$out\"; printf half > \"$map\"; touch started";
    let room = room(&format!("{write}; exec sleep 1"));
    let mut child = room
        .command("wasm-link")
        .arg("main.o")
        .args(FILES.split(' '))
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !room.path("started").exists() {
        assert!(std::time::Instant::now() < deadline, "it does not start");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").arg(&pid).status();
    assert!(sent.expect("kill runs").success());
    child.wait().expect("it ends");
    assert_earlier(&room, &["x", "map", "why"]);
}

#[test]
fn messages_name_the_files_as_they_were_given() {
    let says = r#"echo "wasm-ld: $1: $out and $map" >&2"#;
    let room = room(&format!("set -- warning \"$@\"; {says}"));
    let run = link(&room, "main.o");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), "wasm-link: warning: out/x and out/map\n")
    );
    for (option, error) in [
        (
            "-o",
            "cannot open output file no/x: No such file or directory",
        ),
        (
            "--Map=",
            "cannot open map file no/x: No such file or directory",
        ),
    ] {
        let given = format!("{option}no/x");
        let args = ["main.o", "-o", "x", &given, "--backend=lld"];
        assert_eq!(
            room.run(args).failed(),
            format!("wasm-link: error: {error}\n")
        );
    }
}

/// `--save-temps` has LLD write files that are named after the output.
#[test]
fn intermediate_files_get_to_their_places() {
    let room = room("printf new > \"$out\"; printf bitcode > \"$out.0.bc\"");
    link(&room, "main.o").ok();
    assert_eq!(room.names_in("out"), ["map", "why", "x", "x.0.bc"]);
    assert_eq!(room.read("out/x.0.bc"), b"bitcode");
    let stderr = link(&room, "main.o out/x.0.bc").failed();
    assert_eq!(
        stderr,
        "wasm-link: error: out/x.0.bc: an intermediate file would overwrite the input out/x.0.bc\n"
    );
}

#[test]
fn a_report_keeps_its_permissions() {
    let room = room("lld \"$@\"");
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(room.path("out/map"), mode).expect("mine");
    link(&room, "main.o").ok();
    let metadata = fs::metadata(room.path("out/map")).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
}

/// What another process can do to `$input`.
const CHANGES: [&str; 5] = [
    "printf more >> \"$input\"",
    "printf '' > \"$input\"",
    "touch -d 2001-01-01 \"$input\"",
    "cp \"$input\" new && mv new \"$input\"",
    "rm \"$input\"",
];

#[test]
fn an_input_that_changes_is_an_error() {
    let inputs = "calls.o lib/thin.a -Llib -lx --allow-undefined-file=listed";
    for input in [
        "calls.o",
        "lib/thin.a",
        "lib/member.o",
        "lib/libx.a",
        "lib/libx.imports",
        "listed",
    ] {
        for change in CHANGES {
            for end in ["", "; exit 1", "; kill -BUS $$"] {
                let room = room(&format!("lld \"$@\"; input={input}; {change}{end}"));
                room.write("lib/thin.a", thin_archive(&[(b"member.o", "f")]));
                room.write("lib/member.o", object("f", None));
                room.write("lib/libx.a", crate::support::EMPTY_ARCHIVE);
                room.write("lib/libx.imports", "nothing\n");
                room.write("listed", "nothing\n");
                assert_eq!(
                    link(&room, inputs).failed(),
                    format!("wasm-link: error: {input} changed while it was being linked\n"),
                    "{change}{end}"
                );
                assert_earlier(&room, &["x", "map", "why"]);
            }
        }
    }
}

/// Standard output gets nothing of such a link, and a cache remembers nothing of it.
#[test]
fn an_input_that_changes_is_an_error_of_every_kind_of_link() {
    let room = room("lld \"$@\"; touch -d 2001-01-01 main.o");
    let ours = ["--backend=lld", "--lld-path=./linker"];
    let run = room.run(["main.o", "-o", "-"].iter().chain(&ours));
    assert_eq!(run.stdout, b"");
    run.failed();
    let args = ["main.o", "-o", "y", "--cache-dir=cache"];
    for _ in 0..2 {
        room.write("main.o", object("_start", None));
        room.run(args.iter().chain(&ours)).failed();
        assert!(!room.path("y").exists());
    }
}
