//! What `wasm-link` says under its own name.

use std::fmt::Write;

use wasm_encoder::ValType;

use crate::support::{Room, object_with};

/// Every line's messages, and its exit code where it is not 1.
fn said(room: &Room, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let run = room.run(line.split_whitespace());
        assert_eq!(run.code, Some(1), "{line}");
        let _ = write!(text, "$ wasm-link {line}\n{}\n", run.stderr);
    }
    text
}

#[test]
fn unknown_arguments_come_with_what_was_meant() {
    let room = Room::new();
    insta::assert_snapshot!(said(
        &room,
        &[
            "--exprt-all --bogus main.o -o x",
            "--gc-sections=yes main.o -o x",
            "--features main.o -o x",
            "-growable-table main.o -o x",
            "--allow-undefined-file list main.o -o x",
            "--wasi-sysrot=/ main.o -o x",
        ]
    ));
}

#[test]
fn values_of_own_options_are_checked() {
    let room = Room::new();
    insta::assert_snapshot!(said(
        &room,
        &[
            "--backend=gold main.o -o x",
            "--exec-model=daemon main.o -o x",
            "--wasi-emulated=mman,fork --wasi-sysroot=/ main.o -o x",
            "--link-libc main.o -o x",
            "--link-libcxx main.o -o x",
            "--wasi-emulated=mman main.o -o x",
            "--link-libc --wasi-sysroot=nowhere main.o -o x",
            "--host-module=host --backend=lld main.o -o x",
            "--lld-path=nowhere/lld --backend=lld main.o -o x",
            "--global-base=-5 main.o -o x",
            "--host-module= main.o -o x",
            "-flavor gnu main.o -o x",
            "-flavor",
        ]
    ));
}

#[test]
fn a_bad_value_comes_with_those_that_are_valid() {
    let room = Room::new();
    insta::assert_snapshot!(said(
        &room,
        &[
            "-z stack-size=4k main.o -o x",
            "-z stack-size=1MiB main.o -o x",
            "-z stack-size=-1 main.o -o x",
            "-z stack-size main.o -o x",
            "-z stack-size=99999999999999999999 main.o -o x",
            "-z nonsense --fatal-warnings main.o -o x",
            "--initial-memory=0x20000 main.o -o x",
            "--max-memory=64k main.o -o x",
            "--initial-heap= main.o -o x",
            "--global-base=99999999999999999999 main.o -o x",
            "--table-base=one main.o -o x",
            "--error-limit=none main.o -o x",
            "-Os main.o -o x",
            "--page-size=4096 main.o -o x",
            "--threads=0 main.o -o x",
            "--threads=99999999999 main.o -o x",
            "--unresolved-symbols=bad main.o -o x",
            "--import-memory= main.o -o x",
            "--import-memory=env, main.o -o x",
            "--import-memory=,memory main.o -o x",
            "--export-memory= main.o -o x",
            "-m wasm main.o -o x",
            "--build-id=md5 main.o -o x",
            "--build-id=0xzz main.o -o x",
            "--color-diagnostics=sometimes main.o -o x",
            "--rsp-quoting=bash main.o -o x",
            "--lto-O4 main.o -o x",
            "--lto-CGO9 main.o -o x",
            "--lto-partitions=0 main.o -o x",
            "--thinlto-jobs=some main.o -o x",
            "--thinlto-prefix-replace=a main.o -o x",
        ]
    ));
}

#[test]
fn no_undefined_is_what_holds_anyway() {
    let room = Room::new();
    for program in ["wasm-link", "wasm-ld"] {
        for backend in ["--backend=native", "--backend=lld"] {
            for form in ["--no-undefined", "-no-undefined"] {
                let run = |line: &str| {
                    let args = [backend, form].into_iter().chain(line.split(' '));
                    room.run_as(program, args)
                };
                run("main.o -o x").ok();
                let stderr = run("calls.o -o x").failed();
                assert!(stderr.contains("undefined symbol: f"), "{stderr}");
                run("calls.o -o x --allow-undefined").ok();
                // What a loader may bring is decided without it.
                for more in ["", " --unresolved-symbols=import-dynamic"] {
                    let line = format!("calls.o -o x --shared{more}");
                    let without = [backend].into_iter().chain(line.split(' '));
                    let (with, without) = (run(&line), room.run_as(program, without));
                    assert_eq!((with.code, with.stderr), (without.code, without.stderr));
                }
            }
        }
    }
}

#[test]
fn options_of_native_linkers_without_a_meaning_are_accepted() {
    let room = Room::new();
    for program in ["wasm-link", "wasm-ld"] {
        for backend in ["--backend=native", "--backend=lld"] {
            let line =
                "-( calls.o --start-group f.o --end-group -) --as-needed --no-as-needed --stats";
            let args = [backend, "-o", "x"].into_iter().chain(line.split(' '));
            assert_eq!(room.run_as(program, args).ok().stderr, "");
        }
    }
}

/// LLD would not do what they ask for.
#[test]
fn options_of_native_linkers_with_a_meaning_need_the_native_link() {
    let room = Room::new();
    room.write("list", "{ f; };");
    for option in [
        "--exclude-libs=ALL",
        "--defsym=g=f",
        "--version-script=list",
        "--dynamic-list=list",
        "--retain-symbols-file=list",
        "-Bsymbolic-functions -shared",
    ] {
        let run = |backend: &str| {
            let line = format!("{option} calls.o f.o -o x --backend={backend}");
            room.run(line.split(' '))
        };
        run("native").ok();
        let stderr = run("lld").failed();
        let name = option.split(['=', ' ']).next().expect("a name");
        let expected = format!("{name}: wasm-ld has no such option; this needs --backend=native");
        assert!(stderr.contains(&expected), "{stderr}");
    }
}

#[test]
fn a_list_of_symbols_is_never_overwritten() {
    let room = Room::new();
    for option in [
        "--version-script",
        "--dynamic-list",
        "--retain-symbols-file",
    ] {
        room.write("list", "{ f; };");
        let line = format!("calls.o f.o {option}=list -o list");
        room.run(line.split(' ')).failed();
        assert_eq!(room.read("list"), b"{ f; };");
    }
}

/// A compiler that calls the linker by that name hands on what its user wrote.
#[test]
fn called_wasm_ld_the_command_has_its_own_options_too() {
    let room = Room::new();
    let run = room.run_as(
        "wasm-ld",
        ["main.o", "-o", "x", "--time", "--dependency-file=x.d"],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.starts_with("wasm-ld: read "), "{}", run.stderr);
    assert!(room.path("x.d").exists());
}

#[test]
fn a_message_about_several_places_has_a_line_for_each() {
    let room = Room::new();
    insta::assert_snapshot!(said(&room, &["main.o other.o calls.o f.o -o x"]));
}

#[test]
fn errors_beyond_the_limit_are_left_out() {
    let room = Room::new();
    insta::assert_snapshot!(said(&room, &["--error-limit=2 --a1 --a2 --a3 --a4"]));
}

#[test]
fn colour_is_for_those_who_asked() {
    let room = Room::new();
    let colored = "wasm-link: \u{1b}[0;31merror: \u{1b}[0mno input files\n";
    let plain = "wasm-link: error: no input files\n";
    let mut command = room.command("wasm-link");
    assert_eq!(room.result(&mut command).stderr, plain);
    assert_eq!(room.run(["--color-diagnostics=auto"]).stderr, plain);
    assert_eq!(room.run(["--color-diagnostics"]).stderr, colored);
    assert_eq!(
        room.run(["--color-diagnostics", "--no-color-diagnostics"])
            .stderr,
        plain
    );
    let mut command = room.command("wasm-link");
    command
        .env("NO_COLOR", "1")
        .arg("--color-diagnostics=always");
    assert_eq!(room.result(&mut command).stderr, colored);
}

#[test]
fn a_linker_that_fails_without_a_message_is_named() {
    let room = Room::new();
    let run = room.run("--backend=lld -mllvm -no-such-option main.o -o x".split(' '));
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("'-no-such-option'"), "{}", run.stderr);
    assert!(
        run.stderr
            .ends_with("wasm-link: error: the linker [rust-lld] failed with exit code 1\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_command_does_not_run_itself() {
    let room = Room::new();
    let mut command = room.command("wasm-link");
    command
        .env("WASM_LD", env!("CARGO_BIN_EXE_wasm-link"))
        .args(["main.o", "-o", "x", "--backend=lld"]);
    let stderr = room.result(&mut command).failed();
    assert!(stderr.contains("is this command itself"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_unicode_are_passed_on() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let room = Room::new();
    let name = OsStr::from_bytes(b"\xFF.wasm");
    room.run([OsStr::new("main.o"), OsStr::new("-o"), name])
        .ok();
    assert!(room.path(name).exists());
    let stderr = room
        .run([
            OsStr::new("main.o"),
            OsStr::new("-o"),
            OsStr::new("x"),
            OsStr::from_bytes(b"--export=\xFF"),
        ])
        .failed();
    assert!(stderr.contains("not valid UTF-8"), "{stderr}");
}

#[test]
fn a_signature_mismatch_can_be_an_error() {
    let room = Room::new();
    room.write("f_i32.o", object_with("f", &[ValType::I32], None));
    let line = "calls.o f_i32.o -o x";
    let warned = room.run(line.split(' '));
    assert_eq!(warned.code, Some(0), "{}", warned.stderr);
    let mut text = format!("$ wasm-link {line}\n{}\n", warned.stderr);
    text += &said(
        &room,
        &[
            "calls.o f_i32.o -o x --error-signature-mismatch",
            "calls.o f_i32.o -o x --error-signature-mismatch --backend=lld",
        ],
    );
    insta::assert_snapshot!(text);
    room.run("calls.o f.o -o x --error-signature-mismatch".split(' '))
        .ok();
}
