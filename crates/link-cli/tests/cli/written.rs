//! What a link writes beside its output: never over an input, and whole or not at all.

use std::fs;

use crate::support::{EMPTY_ARCHIVE, Room, object};
use crate::thin::thin_archive;

/// The options that name a file to be written, and what messages call it.
pub(crate) const REPORTS: [(&str, &str); 4] = [
    ("--Map=", "the map"),
    ("--why-extract=", "the --why-extract= file"),
    ("--dependency-file=", "the --dependency-file= file"),
    ("--reproduce=", "the --reproduce file"),
];

fn room() -> Room {
    let room = Room::new();
    room.write("lib/libx.a", EMPTY_ARCHIVE);
    room.write("lib/thin.a", thin_archive(&[(b"member.o", "f")]));
    room.write("lib/member.o", object("f", None));
    room.write("lib/thin.imports", "nothing\n");
    room.write("listed", "nothing\n");
    room.write("args.rsp", "--no-demangle");
    for entry in ["hard.o", "hard.a"] {
        let of = if entry == "hard.o" {
            "calls.o"
        } else {
            "lib/libx.a"
        };
        fs::hard_link(room.path(of), room.path(entry)).expect("a link is made");
    }
    room
}

const LINK: &str = "calls.o lib/thin.a -Llib -lx --allow-undefined-file=listed @args.rsp";

/// All inputs of [`LINK`], each by another name where there is one: the name, and how it is read.
fn inputs() -> Vec<(&'static str, &'static str)> {
    let mut inputs = vec![
        ("./calls.o", "calls.o"),
        ("lib/../lib/libx.a", "lib/libx.a"),
        ("lib/thin.a", "lib/thin.a"),
        ("lib/member.o", "lib/member.o"),
        ("lib/thin.imports", "lib/thin.imports"),
        ("listed", "listed"),
        ("args.rsp", "args.rsp"),
    ];
    if cfg!(all(unix, feature = "platform")) {
        inputs.extend([("hard.o", "calls.o"), ("hard.a", "lib/libx.a")]);
    }
    inputs
}

#[test]
fn no_report_overwrites_an_input() {
    for (option, what) in REPORTS.into_iter().chain([("-o", "the output")]) {
        for (name, input) in inputs() {
            let room = room();
            let before = room.read(name);
            let given = format!("{option}{name}");
            let args = LINK
                .split(' ')
                .chain(["-o", "x", given.as_str(), "--backend=native"]);
            let stderr = room.run(args).failed();
            assert_eq!(
                stderr,
                format!("wasm-link: error: {name}: {what} would overwrite the input {input}\n")
            );
            assert_eq!(room.read(name), before);
            assert!(!room.path("x").exists());
        }
    }
}

/// LLD would do it, and is not asked to.
#[test]
fn no_report_overwrites_an_input_of_lld() {
    for option in [
        "--Map=",
        "--why-extract=",
        "--reproduce=",
        "--lto-obj-path=",
        "-o",
    ] {
        for name in ["calls.o", "lib/libx.a", "listed", "args.rsp"] {
            let room = room();
            let before = room.read(name);
            let given = format!("{option}{name}");
            let args = LINK
                .split(' ')
                .chain(["-o", "x", given.as_str(), "--backend=lld"]);
            let stderr = room.run(args).failed();
            assert!(stderr.contains(" would overwrite the input "), "{stderr}");
            assert_eq!(room.read(name), before);
        }
    }
}

/// Also where the link fails, which some reports are written of.
#[test]
fn a_link_that_fails_overwrites_no_input() {
    for option in ["--why-extract=", "--reproduce="] {
        let room = room();
        let before = room.read("calls.o");
        let given = format!("{option}calls.o");
        room.run(["calls.o", "-o", "x", given.as_str()]).failed();
        assert_eq!(room.read("calls.o"), before);
    }
}

#[test]
fn no_report_overwrites_the_output_or_another_report() {
    for backend in ["--backend=native", "--backend=lld"] {
        for exists in [false, true] {
            let room = Room::new();
            fs::create_dir(room.path("out")).expect("a directory");
            if exists {
                room.write("out/x", "earlier");
            }
            for (option, what) in REPORTS {
                let given = format!("{option}out/../out/x");
                let stderr = room
                    .run(["main.o", "-o", "out/x", &given, backend])
                    .failed();
                assert_eq!(
                    stderr,
                    format!(
                        "wasm-link: error: out/../out/x: {what} would overwrite the output out/x\n"
                    )
                );
            }
            let args = [
                "main.o",
                "-o",
                "y",
                "--Map=out/x",
                "--why-extract=./out/x",
                backend,
            ];
            let stderr = room.run(args).failed();
            assert_eq!(
                stderr,
                "wasm-link: error: ./out/x: the --why-extract= file would overwrite the map out/x\n"
            );
            let left: Vec<_> = fs::read_dir(room.path("out"))
                .expect("it is there")
                .collect();
            assert_eq!(left.len(), usize::from(exists));
            assert!(!room.path("y").exists());
        }
    }
}

#[test]
fn the_archive_that_the_environment_asks_for_overwrites_nothing() {
    for (name, args) in [
        ("main.o", "main.o -o x"),
        ("x", "main.o -o x"),
        ("m", "main.o -o x -Map=m"),
    ] {
        let room = Room::new();
        let before = room.read("main.o");
        let mut command = room.command("wasm-link");
        command.env("LLD_REPRODUCE", name).args(args.split(' '));
        let stderr = room.result(&mut command).failed();
        assert!(
            stderr.contains("the --reproduce file would overwrite "),
            "{stderr}"
        );
        assert_eq!(room.read("main.o"), before);
    }
}

/// A link that fails leaves the reports of an earlier one, and nothing beside them.
#[test]
fn a_report_is_whole_or_not_there() {
    let room = Room::new();
    for name in ["map", "why", "d", "r.tar"] {
        room.write(&format!("out/{name}"), "earlier");
    }
    let reports =
        "--Map=out/map --why-extract=out/why --dependency-file=out/d --reproduce=out/r.tar";
    let run = |inputs: &str| {
        let args = inputs.split(' ').chain(reports.split(' '));
        room.run(args.chain(["-o", "out/x", "--backend=native"]))
    };
    run("calls.o").failed();
    // These are of failed links, too.
    for name in ["map", "d"] {
        assert_eq!(room.read(&format!("out/{name}")), b"earlier");
    }
    run("main.o").ok();
    assert_eq!(room.names_in("out"), ["d", "map", "r.tar", "why", "x"]);
    assert!(room.read("out/map").starts_with(b"    Addr"));
    assert!(room.read("out/why").starts_with(b"reference\t"));
    assert!(room.read("out/d").starts_with(b"out/x:"));
    assert!(room.read("out/r.tar").starts_with(b"r/response.txt"));
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Stdio;

    use super::*;

    #[test]
    fn links_lead_to_what_is_not_overwritten() {
        let room = room();
        symlink("calls.o", room.path("link")).expect("a link is made");
        let stderr = room.run("calls.o f.o -o x --Map=link".split(' ')).failed();
        assert_eq!(
            stderr,
            "wasm-link: error: link: the map would overwrite the input calls.o\n"
        );
        symlink("x", room.path("to-x")).expect("a link is made");
        let stderr = room.run("calls.o f.o -o x --Map=to-x".split(' ')).failed();
        assert_eq!(
            stderr,
            "wasm-link: error: to-x: the map would overwrite the output x\n"
        );
    }

    #[test]
    fn a_report_keeps_the_mode_of_the_one_before_and_cannot_be_run() {
        let room = Room::new();
        let mode = |name: &str| {
            let metadata = fs::metadata(room.path(name)).expect("it is there");
            metadata.permissions().mode() & 0o777
        };
        room.run("main.o -o x --Map=new".split(' ')).ok();
        assert_eq!(mode("new") & 0o111, 0);
        room.write("old", "old");
        fs::set_permissions(room.path("old"), fs::Permissions::from_mode(0o640)).expect("mine");
        room.run("main.o -o x --Map=old".split(' ')).ok();
        assert_eq!(mode("old"), 0o640);
    }

    #[test]
    fn devices_are_written_to_and_may_be_the_same() {
        let room = Room::new();
        let map = room.run("main.o -o x --Map=-".split(' ')).ok().text();
        assert_eq!(
            room.run("main.o -o x --Map=/dev/stdout".split(' '))
                .ok()
                .text(),
            map
        );
        room.run("main.o -o /dev/null --Map=/dev/null --why-extract=/dev/null".split(' '))
            .ok();
        let stderr = room.run("main.o -o x --Map=.".split(' ')).failed();
        assert_eq!(
            stderr,
            "wasm-link: error: cannot open map file .: Is a directory\n"
        );
    }

    /// The shell opens it, as in `wasm-link calls.o f.o -o - >> f.o`.
    #[cfg(feature = "platform")]
    #[test]
    fn standard_output_is_no_input() {
        for backend in ["--backend=native", "--backend=lld"] {
            for options in ["-o -", "-o x -M", "-o x -t", "-o x --why-extract=-"] {
                let room = room();
                let before = room.read("f.o");
                let append = || {
                    let file = fs::File::options().append(true).open(room.path("f.o"));
                    file.expect("it is there")
                };
                let mut command = room.command("wasm-link");
                command.args("calls.o f.o".split(' ').chain(options.split(' ')));
                assert_eq!(
                    room.result_to(command.arg(backend), append()).failed(),
                    "wasm-link: error: standard output would overwrite the input f.o\n"
                );
                assert!(room.read("f.o") == before);
                assert!(!room.path("x").exists());
                // Nothing is printed: it may be any file.
                let mut command = room.command("wasm-link");
                command.args("calls.o f.o -o x".split(' ')).arg(backend);
                room.result_to(&mut command, append()).ok();
            }
        }
    }

    /// Some programs give a command a file without a name for its standard output.
    #[test]
    fn a_file_without_a_name_is_written_to() {
        let room = Room::new();
        let path = room.path("unnamed");
        let file = fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let file = file.expect("a file");
        fs::remove_file(&path).expect("removed");
        let stdout = file.try_clone().expect("a descriptor");
        room.result(
            room.command("wasm-link")
                .args(["main.o", "-o", "/dev/stdout"])
                .stdout(stdout),
        );
        let mut module = Vec::new();
        let mut file = file;
        std::io::Seek::rewind(&mut file).expect("a file");
        std::io::Read::read_to_end(&mut file, &mut module).expect("a file");
        wasmparser::validate(&module).expect("a module");
    }

    /// No option names that library, and the pipe has no writer.
    #[test]
    fn a_pipe_that_looks_like_a_library_does_not_stop_the_link() {
        let room = room();
        room.fifo("lib/libpipe.a");
        symlink("libpipe.a", room.path("lib/liblink.a")).expect("a link is made");
        symlink("/dev/zero", room.path("lib/libzero.a")).expect("a link is made");
        fs::create_dir(room.path("lib/libdir.a")).expect("a directory");
        room.fifo("lib/libx.imports");
        let mut child = room
            .command("wasm-link")
            .args("calls.o -Llib -lx -o x --backend=native".split(' '))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while child.try_wait().expect("it can be asked").is_none() {
            if std::time::Instant::now() > deadline {
                child.kill().expect("it is killed");
                panic!("the link waits");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("it has ended");
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(
            stderr,
            "wasm-link: error: calls.o: undefined symbol: f\n\
             >>> referenced by calls.o:(_start)\n\
             >>> defined in lib/thin.a, which is not linked\n"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn members_of_thin_archives_may_have_any_name() {
        let room = Room::new();
        let name: &[u8] = b"sub/\xFFm\xC3.o";
        room.write("lib/thin.a", thin_archive(&[(name, "f")]));
        fs::create_dir_all(room.path("lib/sub")).expect("a directory");
        fs::write(
            room.path("lib").join(OsStr::from_bytes(name)),
            object("f", None),
        )
        .expect("a file is written");
        let args = "calls.o lib/thin.a -o x --dependency-file=x.d --reproduce=r.tar -t";
        for whole in [&[][..], &["--whole-archive"]] {
            let args = whole.iter().copied().chain(args.split(' '));
            let run = room.run(args.chain(["--backend=native"])).ok();
            assert_eq!(run.text(), "calls.o\nlib/thin.a(sub/\u{FFFD}m\u{FFFD}.o)\n");
            let contains = |file: &str, what: &[u8]| {
                room.read(file)
                    .windows(what.len())
                    .any(|bytes| bytes == what)
            };
            assert!(contains("x.d", &[b"lib/", name].concat()));
            assert!(contains("r.tar", &[b"lib/", name].concat()));
            wasmparser::validate(&room.read("x")).expect("a module");
            let ours = room.read("x");
            let args = whole
                .iter()
                .copied()
                .chain("calls.o lib/thin.a -o x".split(' '));
            if let Some(lld) = room.run_reference(args) {
                assert_eq!(
                    (lld.code, room.read("x") == ours),
                    (Some(0), true),
                    "{}",
                    lld.stderr
                );
            }
        }
    }
}
