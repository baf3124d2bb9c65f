//! Where the output goes, and where it may not go.

use std::{fs, io};

use crate::support::Room;

#[track_caller]
fn assert_module(bytes: &[u8]) {
    wasmparser::validate(bytes).expect("a valid module");
}

#[test]
fn a_dash_is_standard_output() {
    let room = Room::new();
    let run = room.run(["main.o", "-o", "-"]).ok();
    assert_module(&run.stdout);
    assert!(!room.path("-").exists());
    if let Some(lld) = room.run_reference(["main.o", "-o", "-"]) {
        assert_eq!(run.stdout, lld.stdout);
    }
}

#[test]
fn an_input_is_not_overwritten() {
    let room = Room::new();
    let before = room.read("main.o");
    fs::hard_link(room.path("main.o"), room.path("hard.wasm")).expect("a link is made");
    for output in ["main.o", "./main.o"] {
        let stderr = room.run(["main.o", "-o", output]).failed();
        assert_eq!(
            stderr,
            format!("wasm-link: error: {output}: the output would overwrite the input main.o\n")
        );
    }
    if cfg!(all(unix, feature = "platform")) {
        room.run(["main.o", "-o", "hard.wasm"]).failed();
    }
    assert_eq!(room.read("main.o"), before);
}

#[test]
fn a_library_is_not_overwritten() {
    let room = Room::new();
    room.write("lib/libx.a", crate::support::EMPTY_ARCHIVE);
    for line in [
        "main.o -Llib -lx -o lib/libx.a",
        "main.o -Llib -l:libx.a -o lib/libx.a",
    ] {
        let stderr = room.run(line.split(' ')).failed();
        assert!(stderr.contains("would overwrite the input"), "{stderr}");
    }
    room.run("main.o -Llib -lx -o lib/liby.a".split(' ')).ok();
}

#[test]
fn a_failed_link_leaves_the_earlier_output() {
    let room = Room::new();
    room.write("x", "earlier");
    room.run(["calls.o", "-o", "x"]).failed();
    assert_eq!(room.read("x"), b"earlier");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::FileTypeExt;
    use std::thread;

    use super::*;

    #[test]
    fn a_device_is_written_to_and_stays_one() {
        let room = Room::new();
        room.run(["main.o", "-o", "/dev/null"]).ok();
        assert!(
            fs::metadata("/dev/null")
                .expect("it is there")
                .file_type()
                .is_char_device()
        );
        assert_module(&room.run(["main.o", "-o", "/dev/stdout"]).ok().stdout);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error() {
        let room = Room::new();
        let stderr = room.run(["main.o", "-o", "/dev/full"]).failed();
        assert_eq!(
            stderr,
            "wasm-link: error: cannot write to /dev/full: No space left on device\n"
        );
        for args in [&["--help"][..], &["main.o", "-o", "-"]] {
            let full = fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .expect("it opens");
            let stderr = room.result(room.command("wasm-link").args(args).stdout(full));
            let stderr = stderr.stderr;
            assert!(
                stderr.contains("error: cannot write to standard output: "),
                "{stderr}"
            );
        }
    }

    #[test]
    fn a_named_pipe_is_written_to() {
        let room = Room::new();
        let pipe = room.path("pipe");
        room.fifo("pipe");
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).expect("the pipe is read")
        });
        room.run(["main.o", "-o", "pipe"]).ok();
        assert_module(&reader.join().expect("the reader ends"));
        assert!(
            fs::metadata(&pipe)
                .expect("it is there")
                .file_type()
                .is_fifo()
        );
    }

    #[test]
    fn a_closed_pipe_is_an_error_and_no_panic() {
        let room = Room::new();
        // Closed before the command starts: it may be done with its module in a few milliseconds.
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = room
            .command("wasm-link")
            .args(["main.o", "-o", "-"])
            .stdout(writer)
            .output()
            .expect("the command runs");
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr.starts_with("wasm-link: error: cannot write to standard output"),
            "{stderr}"
        );
    }
}

#[cfg(all(unix, feature = "platform"))]
mod interrupt {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// A linker that says that it has started and then takes its time.
    fn slow_linker(room: &Room) {
        room.script("slow", "#!/bin/sh\ntouch started\nexec sleep 60\n");
    }

    /// Interrupts a link with `args` while the linker runs, and sees that what was temporary is
    /// gone.
    fn interrupted(args: &[&str]) {
        let room = Room::new();
        slow_linker(&room);
        fs::create_dir(room.path("tmp")).expect("a directory is made");
        let mut child = room
            .command("wasm-link")
            .args(args)
            .args(["--lld-path=./slow", "--backend=lld"])
            .env("TMPDIR", room.path("tmp"))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("the command starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !room.path("started").exists() {
            assert!(Instant::now() < deadline, "the linker is not started");
            thread::sleep(Duration::from_millis(10));
        }
        let inside = || fs::read_dir(room.path("tmp")).expect("it is there").count();
        assert_eq!(inside(), 1);
        // As a terminal does for Ctrl-C: to the whole group.
        let group = format!("-{}", child.id());
        let sent = Command::new("kill").args(["-INT", "--", &group]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").signal(), Some(2));
        assert_eq!(inside(), 0);
    }

    #[test]
    fn an_interrupt_leaves_no_module_for_standard_output() {
        interrupted(&["main.o", "-o", "-"]);
    }

    /// The native link waits for a pipe without a writer, with its output begun.
    #[test]
    fn an_interrupt_leaves_no_part_of_the_output() {
        let room = Room::new();
        room.fifo("pipe.o");
        room.write("out/x", "earlier");
        let files = || fs::read_dir(room.path("out")).expect("it is there").count();
        let mut child = room
            .command("wasm-link")
            .args(["main.o", "pipe.o", "-o", "out/x", "--backend=native"])
            .spawn()
            .expect("the command starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while files() < 2 {
            assert!(Instant::now() < deadline, "the output is not begun");
            thread::sleep(Duration::from_millis(10));
        }
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").signal(), Some(2));
        assert_eq!(files(), 1);
        assert_eq!(room.read("out/x"), b"earlier");
    }

    #[test]
    fn an_interrupt_leaves_no_response_file() {
        let mut args = vec!["main.o", "-o", "x"];
        args.extend(std::iter::repeat_n(
            "--export-if-defined=a_symbol_with_a_long_name",
            1000,
        ));
        interrupted(&args);
    }
}
