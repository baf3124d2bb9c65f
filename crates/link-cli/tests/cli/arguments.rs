//! What LLD is given, as `--verbose-link` shows it, and where arguments come from.

use std::fmt::Write;

use crate::support::{EMPTY_ARCHIVE, Room, object};

/// The command line that LLD was started with.
fn lld_line(room: &Room, line: &str) -> String {
    let run = room.run(
        line.split_whitespace()
            .chain(["--verbose-link", "--backend=lld"]),
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut lines = run.stderr.lines();
    assert_eq!(lines.next(), Some("wasm-link: linking with LLD:"));
    lines.next().expect("a command line").to_owned()
}

#[test]
fn arguments_are_handed_on_as_they_are() {
    let room = Room::new();
    room.write("lib/libx.a", EMPTY_ARCHIVE);
    let lines = [
        "main.o -o x",
        "-o x --entry=_start -e _start main.o --export _start -export=_start -E -lx -L lib",
        "--whole-archive main.o --no-whole-archive -z stack-size=65536 -zmuldefs -O2 -o y -o x",
        "-flavor wasm main.o -o x",
        "main.o -o x --color-diagnostics=never --no-color-diagnostics -v --rsp-quoting=posix",
        "main.o -o x --backend=lld --backend auto --host-module=env",
    ];
    let text: Vec<_> = lines
        .iter()
        .map(|line| format!("$ wasm-link {line}\n{}\n", lld_line(&room, line)))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn wasi_options_add_what_is_in_the_sysroot() {
    let room = Room::new();
    for name in [
        "libc",
        "libc++",
        "libc++abi",
        "libwasi-emulated-mman",
        "libwasi-emulated-getpid",
    ] {
        room.write(&format!("sysroot/lib/wasm32-wasi/{name}.a"), EMPTY_ARCHIVE);
    }
    room.write(
        "sysroot/lib/wasm32-wasi/crt1-command.o",
        object("_start", Some("f")),
    );
    room.write(
        "sysroot/lib/wasm32-wasi/crt1-reactor.o",
        object("_initialize", Some("f")),
    );
    let lines = [
        "f.o -o x --wasi-sysroot=sysroot --link-libc",
        "f.o -o x --wasi-sysroot sysroot --link-libcxx --exec-model=command",
        "f.o -o x --wasi-sysroot=sysroot --link-libc --exec-model=reactor",
        "f.o -o x --wasi-sysroot=sysroot --link-libc --wasi-emulated=mman,getpid --wasi-emulated=mman",
        "main.o -o x --wasi-sysroot=sysroot",
    ];
    let text: Vec<_> = lines
        .iter()
        .map(|line| format!("$ wasm-link {line}\n{}\n", lld_line(&room, line)))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn called_wasm_ld_nothing_extra_is_printed() {
    let room = Room::new();
    let run = room.run_as("wasm-ld", ["main.o", "-o", "x"]).ok();
    assert_eq!(run.text(), "");
    let run = room.run_as("any-wasm-ld", ["main.o", "other.o", "-o", "x"]);
    assert!(run.failed().starts_with("wasm-ld: error: duplicate symbol"));
}

#[test]
fn response_files_are_nested_and_quoted() {
    let room = Room::new();
    room.write("with space/in.o", object("_start", None));
    room.write("outer", "@'inner one' -o \"x y\"");
    room.write("inner one", "with\\ space/in.o");
    room.run(["@outer"]).ok();
    assert!(room.path("x y").exists());

    room.write("windows", "\"with space/in.o\" -o \"quoted \\\"name\"");
    let line = room.run(["--rsp-quoting=windows", "@windows", "--verbose-link"]);
    assert_eq!(line.code, Some(0), "{}", line.stderr);
    assert!(room.path("quoted \"name").exists());
}

#[test]
fn response_files_that_do_not_work_are_named() {
    let room = Room::new();
    room.write("ring", "@ring2");
    room.write("ring2", "main.o @ring");
    room.write("bad", b"\xFF\xFEa");
    let mut text = String::new();
    for line in ["@ring", "@.", "@bad", "@absent -o x"] {
        let stderr = room.run(line.split(' ')).failed();
        let _ = write!(text, "$ wasm-link {line}\n{stderr}\n");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn response_files_that_multiply_are_stopped() {
    let room = Room::new();
    for level in 0..20 {
        room.write(&format!("r{level}"), format!("@r{0} @r{0}", level + 1));
    }
    room.write("r20", "main.o");
    assert!(
        room.run(["@r0"])
            .failed()
            .contains("more than 10000 response files")
    );
    for level in 0..150 {
        room.write(&format!("d{level}"), format!("@d{}", level + 1));
    }
    room.write("d150", "main.o");
    assert!(
        room.run(["@d0"])
            .failed()
            .contains("nested more than 100 deep")
    );
}

#[test]
fn a_long_command_line_is_handed_on_whole() {
    let room = Room::new();
    let mut args = vec!["main.o".to_owned(), "-o".into(), "x".into()];
    args.extend((0..20_000).map(|n| format!("--export-if-defined=a symbol called \"{n}\"")));
    args.push("--export=_start".into());
    let quoted: Vec<_> = args.iter().map(|arg| format!("'{arg}'")).collect();
    room.write(
        "long",
        quoted.join(
            "
",
        ),
    );
    room.run(["@long"]).ok();
    assert!(room.path("x").exists());
}
