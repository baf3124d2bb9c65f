//! However the command ends, nothing temporary stays and the earlier output is whole.
#![cfg(all(unix, feature = "platform"))]

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::changes::large_object;
use crate::support::Room;

/// The signals that end a process and can be caught, on Linux. (`SIGPIPE` is ignored.)
#[cfg(target_os = "linux")]
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "USR1", "SEGV", "USR2", "ALRM",
    "TERM", "STKFLT", "XCPU", "XFSZ", "VTALRM", "PROF", "IO", "PWR", "SYS", "34", "40", "64",
];
#[cfg(not(target_os = "linux"))]
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "USR1", "SEGV", "USR2", "ALRM",
    "TERM", "XCPU", "VTALRM", "PROF", "SYS",
];

fn count(room: &Room, dir: &str) -> usize {
    fs::read_dir(room.path(dir)).expect("it is there").count()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(sent.expect("kill runs").success());
}

/// A directory where a link waits for a pipe without a writer, with its output and reports begun.
fn waiting() -> (Room, Child) {
    let room = Room::new();
    room.fifo("pipe.o");
    room.write("out/x", "earlier");
    let child = room
        .command("wasm-link")
        .args([
            "main.o",
            "pipe.o",
            "-o",
            "out/x",
            "--Map=out/map",
            "--why-extract=out/why",
        ])
        .args([
            "--backend=native",
            "--dependency-file=out/x.d",
            "--reproduce=out/r.tar",
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    // The earlier output, the new one, and four reports.
    wait_until("output and reports are begun", || count(&room, "out") == 6);
    (room, child)
}

#[test]
fn no_signal_leaves_anything() {
    for signal in SIGNALS {
        let (room, mut child) = waiting();
        send(signal, &child);
        let status = child.wait().expect("it ends");
        assert!(status.signal().is_some(), "{signal}: {status}");
        assert_eq!(count(&room, "out"), 1, "{signal}");
        assert_eq!(room.read("out/x"), b"earlier");
    }
}

/// `nohup` and shells that start a job in the background have signals ignored, and mean it.
#[test]
fn a_signal_that_is_to_be_ignored_is_ignored() {
    let room = Room::new();
    room.fifo("pipe.o");
    fs::create_dir(room.path("out")).expect("a directory");
    let mut command = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" main.o pipe.o -o out/x --backend=native";
    let mut child = command
        .args(["-c", script, env!("CARGO_BIN_EXE_wasm-link")])
        .current_dir(room.path(""))
        .spawn()
        .expect("a shell runs");
    let pipe = File::options()
        .write(true)
        .open(room.path("pipe.o"))
        .expect("a pipe");
    send("HUP", &child);
    std::io::Write::write_all(&mut { pipe }, &room.read("f.o")).expect("the link reads");
    assert!(child.wait().expect("it ends").success());
    assert!(room.path("out/x").exists());
}

/// The output and what the cache writes beside its records.
#[test]
fn no_signal_leaves_anything_in_a_cache() {
    let room = Room::new();
    let args = ["main.o", "-o", "x", "--cache-dir=cache", "--backend=native"];
    room.run(args).ok();
    let files = count(&room, "cache");
    for signal in ["TERM", "QUIT", "USR1"] {
        room.write("x", "other");
        let mut child = room
            .command("wasm-link")
            .args(args)
            .spawn()
            .expect("it starts");
        send(signal, &child);
        child.wait().expect("it ends");
        let hidden = fs::read_dir(room.path("cache"))
            .expect("it is there")
            .filter(|entry| {
                let name = entry.as_ref().expect("an entry").file_name();
                name.to_string_lossy().starts_with('.')
            });
        assert_eq!(hidden.count(), 0, "{signal}");
    }
    room.run(args).ok();
    assert_eq!(count(&room, "cache"), files);
}

/// With every limit, the link succeeds or says what is missing.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn out_of_memory_is_an_error() {
    let room = Room::new();
    room.write("large.o", large_object());
    room.write("out/x", "earlier");
    let run = |kibibytes: u32, args: &str| {
        let script = format!("ulimit -v {kibibytes} && exec \"$0\" {args}");
        let output = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_wasm-link")])
            .current_dir(room.path(""))
            .output()
            .expect("a shell runs");
        let stderr = String::from_utf8(output.stderr).expect("text");
        (output.status.code(), stderr)
    };
    let starts = |kibibytes: &u32| run(*kibibytes, "--version").0 == Some(0);
    let least = (8_000..100_000)
        .step_by(500)
        .find(starts)
        .expect("it starts");
    let mut refused = 0;
    for step in 0..40 {
        let kibibytes = least + 250 * step;
        let args = "main.o large.o -o out/x --no-gc-sections --backend=native --threads=2";
        let (code, stderr) = run(kibibytes, args);
        if code == Some(0) {
            wasmparser::validate(&room.read("out/x")).expect("a module");
            room.write("out/x", "earlier");
            continue;
        }
        refused += 1;
        assert_eq!(code, Some(1), "{kibibytes} KiB: {stderr}");
        let said = [
            "out of memory: ",
            "Cannot allocate memory",
            "cannot start threads",
        ];
        assert!(
            said.iter().any(|text| stderr.contains(text)),
            "{kibibytes} KiB: {stderr}"
        );
        assert!(stderr.starts_with("wasm-link: error: "), "{stderr}");
        assert_eq!(count(&room, "out"), 1, "{kibibytes} KiB: {stderr}");
        assert_eq!(room.read("out/x"), b"earlier");
    }
    assert!(refused > 0);
}
