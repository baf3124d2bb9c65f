//! `-l`: what is found, and what is said of what was not.

use crate::support::{EMPTY_ARCHIVE, Room, object};

fn room() -> Room {
    let room = Room::new();
    std::fs::create_dir(room.path("shared")).expect("a directory");
    room.run("f.o -o shared/libx.so --shared".split(' ')).ok();
    room.write("static/libx.a", EMPTY_ARCHIVE);
    room
}

#[test]
fn a_library_that_is_shared_is_named() {
    let room = room();
    let error = |args: &str| {
        let args = args.split(' ').chain(["-o", "x", "--backend=native"]);
        room.run(args).failed()
    };
    for args in [
        "main.o -Lshared -lx",
        "main.o -Bdynamic -Bstatic -Lshared -lx",
    ] {
        assert_eq!(
            error(args),
            "wasm-link: error: unable to find library -lx\n\
             >>> searched shared\n\
             >>> shared/libx.so is a shared library, which -l takes after -Bdynamic\n"
        );
    }
    for args in ["-r main.o -Lshared -lx", "-r main.o -Bdynamic -Lshared -lx"] {
        assert_eq!(
            error(args),
            "wasm-link: error: unable to find library -lx\n\
             >>> searched shared\n\
             >>> shared/libx.so is a shared library, which an object file cannot hold\n"
        );
    }
    for args in [
        "main.o -Bdynamic -Lshared -lx",
        "main.o -Bdynamic -Lstatic -lx",
    ] {
        room.run(args.split(' ').chain(["-o", "x"])).ok();
    }
}

#[test]
fn a_library_in_the_current_directory_is_named() {
    let room = Room::new();
    room.write("libx.a", EMPTY_ARCHIVE);
    let stderr = room.run("main.o -lx -o x".split(' ')).failed();
    assert_eq!(
        stderr,
        "wasm-link: error: unable to find library -lx\n\
         >>> no directory to search was given (-L)\n\
         >>> libx.a is in the current directory, which is searched with -L.\n"
    );
    room.run("main.o -L. -lx -o x".split(' ')).ok();
    let stderr = room.run("main.o -L. -ly -o x".split(' ')).failed();
    assert_eq!(
        stderr,
        "wasm-link: error: unable to find library -ly\n>>> searched .\n"
    );
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Stdio;

    use super::*;

    /// A pipe without a writer, an endless device and a directory, each called as a library is.
    fn odd() -> Room {
        let room = Room::new();
        fs::create_dir(room.path("lib")).expect("a directory");
        room.fifo("lib/libpipe.a");
        symlink("libpipe.a", room.path("lib/liblink.a")).expect("a link is made");
        symlink("/dev/zero", room.path("lib/libzero.so")).expect("a link is made");
        fs::create_dir(room.path("lib/libdir.a")).expect("a directory");
        room
    }

    #[test]
    fn only_regular_files_are_libraries() {
        let room = odd();
        for (library, file) in [
            ("pipe", "libpipe.a"),
            ("link", "liblink.a"),
            (":libpipe.a", "libpipe.a"),
            ("zero", "libzero.so"),
            ("dir", "libdir.a"),
        ] {
            let given = format!("-l{library}");
            let args = ["main.o", "-Bdynamic", "-Llib", &given, "-o", "x"];
            assert_eq!(
                room.run(args).failed(),
                format!(
                    "wasm-link: error: unable to find library -l{library}\n\
                     >>> searched lib\n>>> lib/{file} is not a regular file\n"
                )
            );
            if library != "dir" {
                assert_eq!(
                    room.run(args.iter().chain(&["--backend=lld"])).failed(),
                    format!(
                        "wasm-link: error: unable to find library -l{library}\n\
                         >>> lib/{file} is not a regular file\n"
                    )
                );
            }
        }
    }

    #[test]
    fn the_search_goes_on_behind_what_is_no_library() {
        let room = odd();
        for name in ["pipe", "link", "zero", "dir"] {
            room.write(&format!("second/lib{name}.a"), EMPTY_ARCHIVE);
        }
        let args = "main.o -Bdynamic -Llib -Lsecond -lpipe -llink -lzero -ldir -o x -t";
        let run = room.run(args.split(' ').chain(["--backend=native"])).ok();
        assert_eq!(run.text(), "main.o\n");
    }

    /// A path of a pipe is another matter: it is read.
    #[test]
    fn a_pipe_that_is_named_is_read() {
        let room = Room::new();
        room.fifo("pipe.o");
        let pipe = room.path("pipe.o");
        let writer = std::thread::spawn(move || fs::write(pipe, object("f", None)));
        room.run("calls.o pipe.o -o x --backend=native".split(' '))
            .ok();
        writer.join().expect("it ends").expect("the link reads");
        let mut command = room.command("wasm-link");
        command.args("calls.o /dev/stdin -o x --backend=native".split(' '));
        let input = fs::File::open(room.path("f.o")).expect("it is there");
        room.result(command.stdin(Stdio::from(input))).ok();
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        std::io::Write::write_all(&mut writer, &room.read("f.o")).expect("it has room");
        drop(writer);
        let mut command = room.command("wasm-link");
        command.args("calls.o /dev/stdin -o x --backend=lld".split(' '));
        room.result(command.stdin(reader)).ok();
    }
}
