//! A linker that misbehaves; the first argument says how. The tests compile it.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, exit};
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args[0].as_str() {
        "crash" => {
            eprintln!("fake-linker: error: a.o: about to crash");
            eprintln!("PLEASE submit a bug report");
            std::process::abort();
        }
        "fail-in-prose" => {
            eprintln!("something went wrong\nand nobody knows what");
            exit(3);
        }
        // 50 MiB in lines of 64 bytes, and a failure, all of which has to be read.
        "chatty" => {
            let line = [b"fake-linker: warning: ".as_slice(), &[b'x'; 41], b"\n"].concat();
            assert_eq!(line.len(), 64);
            let block = line.repeat(1024);
            let mut stderr = std::io::stderr().lock();
            for _ in 0..(50 << 20) / block.len() {
                stderr.write_all(&block).unwrap();
            }
            exit(1);
        }
        // Starts a child and hangs with it. The child holds a lock on the file
        // that the second argument names.
        "hang" => {
            let program = std::env::current_exe().unwrap();
            let mut child = Command::new(program)
                .args(["hold", &args[1]])
                .spawn()
                .unwrap();
            child.wait().unwrap();
        }
        "hold" => {
            let file = File::create(&args[1]).unwrap();
            file.lock().unwrap();
            eprintln!("fake-linker: note: holding");
            std::thread::sleep(Duration::from_secs(600));
        }
        // Leaves a process behind that keeps stderr open.
        "leave-behind" => {
            let program = std::env::current_exe().unwrap();
            Command::new(program).arg("linger").spawn().unwrap();
            eprintln!("fake-linker: warning: left one behind");
        }
        "linger" => std::thread::sleep(Duration::from_secs(8)),
        // Says what it was given, one argument a line, and where stdin ends.
        "echo" => {
            for arg in &args[1..] {
                eprintln!("{arg}");
            }
            let stdin = std::io::read_to_string(std::io::stdin()).unwrap();
            eprintln!("stdin: {} bytes", stdin.len());
        }
        // Counts the links it did in the file named second, writes the output
        // named after `-o`, after a while.
        "count" => {
            let count = &args[1];
            let at = args.iter().position(|arg| arg == "-o").unwrap();
            let mut log = File::options()
                .create(true)
                .append(true)
                .open(count)
                .unwrap();
            writeln!(log, "begin").unwrap();
            std::thread::sleep(Duration::from_millis(100));
            std::fs::write(&args[at + 1], "output").unwrap();
            writeln!(log, "end").unwrap();
        }
        // A compiler, which is part of the toolchain that it was called in.
        "--print" if args[1] == "sysroot" => {
            let program = PathBuf::from(std::env::args_os().next().unwrap());
            println!("{}", program.parent().unwrap().parent().unwrap().display());
        }
        other => panic!("no behaviour {other}"),
    }
}
