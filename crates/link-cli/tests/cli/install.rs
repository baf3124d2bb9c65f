//! `--install`: the names of other linkers in a directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Room, Run};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_wasm-link");

#[cfg(feature = "component")]
const NAMES: &[&str] = &["wasm-component-ld", "wasm-ld"];
#[cfg(not(feature = "component"))]
const NAMES: &[&str] = &["wasm-ld"];

/// The name of a program in `dir`.
fn program(dir: &str, name: &str) -> String {
    format!("{dir}/{name}{}", std::env::consts::EXE_SUFFIX)
}

/// Runs the program at `path`, relative to the room.
fn run_at(room: &Room, path: &str, args: &[&str]) -> Run {
    let mut command = Command::new(room.path(path));
    room.result(command.args(args).current_dir(room.path(".")))
}

/// What was printed, without what differs from machine to machine.
fn told(room: &Room, run: Run) -> String {
    let text = room.tidy(&run.ok().text());
    text.replace(EXECUTABLE, "[wasm-link]")
}

#[test]
fn the_names_are_made_and_link() {
    let room = Room::new();
    let said = told(&room, room.run(["--install=new/bin"]));
    assert_eq!(room.names_in("new/bin").len(), NAMES.len());
    let link = program("new/bin", "wasm-ld");
    run_at(&room, &link, &["main.o", "-o", "out.wasm"]).ok();
    let version = run_at(&room, &link, &["--version"]).ok().text();
    assert!(version.starts_with("LLD "), "{version}");
    // Symbolic links aside, the words are others.
    #[cfg(all(unix, feature = "component"))]
    {
        insta::assert_snapshot!(said, @r"
        made [dir]/new/bin/wasm-ld (leads to [wasm-link])
        made [dir]/new/bin/wasm-component-ld (leads to [wasm-link])

        Compilers take the full path:
          clang --target=wasm32-wasip1 -fuse-ld=[dir]/new/bin/wasm-ld hello.c -o hello.wasm
          rustc --target=wasm32-wasip1 -C linker=[dir]/new/bin/wasm-ld hello.rs
          rustc --target=wasm32-wasip2 -C linker=[dir]/new/bin/wasm-component-ld hello.rs
        ");
        let said = told(&room, room.run(["--install", "new/bin"]));
        insta::assert_snapshot!(said.lines().take(2).collect::<Vec<_>>().join("\n"), @r"
        there already: [dir]/new/bin/wasm-ld
        there already: [dir]/new/bin/wasm-component-ld
        ");
        let component = program("new/bin", "wasm-component-ld");
        let version = run_at(&room, &component, &["--version"]).ok().text();
        assert!(version.starts_with("wasm-component-ld "), "{version}");
        // Called by a name that it made, it does the same.
        run_at(&room, &component, &["--install", "another"]).ok();
        let target = fs::read_link(room.path("another/wasm-ld")).expect("a link");
        assert_eq!(target, Path::new(EXECUTABLE));
    }
    let _ = said;
}

#[test]
fn another_wasm_link_is_updated() {
    let room = Room::new();
    for dir in ["old", "bin"] {
        fs::create_dir_all(room.path(dir)).expect("a directory");
    }
    let copy = |path: &str| {
        let path = room.path(path);
        fs::copy(EXECUTABLE, &path).expect("a copy");
        // Another version has other bytes.
        let mut bytes = fs::read(&path).expect("the copy");
        bytes.push(0);
        fs::write(path, bytes).expect("the copy");
    };
    let name = program("bin", "wasm-ld");
    let updated = || {
        let said = told(&room, room.run(["--install=bin"]));
        assert!(said.starts_with("updated [dir]/bin/wasm-ld"), "{said}");
        let version = run_at(&room, &name, &["--version"]).ok().text();
        assert!(version.starts_with("LLD "), "{version}");
        fs::remove_file(room.path(&name)).expect("the name is there");
    };
    copy(&name);
    updated();
    #[cfg(unix)]
    {
        copy("old/linker");
        let name = room.path(&name);
        std::os::unix::fs::symlink("../old/linker", &name).expect("a link");
        updated();
        // The version that it led to was removed.
        std::os::unix::fs::symlink("/nowhere/wasm-link-0.0/wasm-link", &name).expect("a link");
        updated();
    }
}

#[test]
fn other_files_stay_as_they_are() {
    let room = Room::new();
    let refused = |name: &str| {
        let said = room.run(["--install=bin"]).failed();
        let path = room.tidy(&room.path(program("bin", name)).display().to_string());
        assert_eq!(
            said,
            format!(
                "wasm-link: error: {path}: not replaced, because it is no wasm-link\n\
                 >>> remove it, or choose another directory for --install\n"
            )
        );
        // Nothing is made beside it either.
        assert_eq!(room.names_in("bin").len(), 1);
    };
    for name in NAMES {
        let path = program("bin", name);
        room.write(&path, "#!/bin/sh\n# starts wasm-link\n");
        refused(name);
        assert!(room.read(&path).starts_with(b"#!/bin/sh\n"));
        fs::remove_file(room.path(&path)).expect("the file is there");
        fs::create_dir_all(room.path(&path)).expect("a directory");
        refused(name);
        fs::remove_dir(room.path(&path)).expect("the directory is there");
        #[cfg(unix)]
        for target in ["../main.o", "/nowhere/wasm-ld", name] {
            std::os::unix::fs::symlink(target, room.path(&path)).expect("a link");
            refused(name);
            let kept = fs::read_link(room.path(&path)).expect("the link is there");
            assert_eq!(kept, Path::new(target));
            fs::remove_file(room.path(&path)).expect("the link is there");
        }
    }
}

/// A package is made in one directory and used in another.
#[cfg(unix)]
#[test]
fn beside_the_executable_links_are_relative() {
    let room = Room::new();
    fs::create_dir_all(room.path("package")).expect("a directory");
    fs::copy(EXECUTABLE, room.path("package/wasm-link")).expect("a copy");
    run_at(&room, "package/wasm-link", &["--install", "package"]).ok();
    fs::rename(room.path("package"), room.path("used")).expect("a rename");
    for name in NAMES {
        let target = fs::read_link(room.path(format!("used/{name}"))).expect("a link");
        assert_eq!(target, Path::new("wasm-link"));
        run_at(&room, &format!("used/{name}"), &["--version"]).ok();
    }
}

/// The executable itself can have one of the names.
#[test]
fn the_executable_is_not_replaced() {
    let room = Room::new();
    let path = program("bin", "wasm-ld");
    fs::create_dir_all(room.path("bin")).expect("a directory");
    fs::copy(EXECUTABLE, room.path(&path)).expect("a copy");
    run_at(&room, &path, &["--install=bin"]).ok();
    let file = fs::symlink_metadata(room.path(&path)).expect("the executable is there");
    assert!(file.is_file());
    for name in NAMES {
        run_at(&room, &program("bin", name), &["--version"]).ok();
    }
}

#[test]
fn nothing_is_linked_by_the_same_call() {
    let room = Room::new();
    for (args, other) in [
        (&["--install=bin", "main.o", "-o", "x"][..], "main.o"),
        (&["-o", "x", "--install", "bin"], "-o"),
        (&["--install", "bin", "--export-all"], "--export-all"),
    ] {
        assert_eq!(
            room.run(args).failed(),
            format!(
                "wasm-link: error: --install: nothing is linked, but there is {other}\n\
                 >>> expected --install=<dir> alone\n"
            )
        );
    }
    assert!(!room.path("bin").exists() && !room.path("x").exists());
    // Help is asked for instead.
    let text = room.run(["--install=bin", "--help"]).ok().text();
    assert!(text.starts_with("Usage: "), "{text}");
    assert!(!room.path("bin").exists());
}

#[test]
fn directories_that_cannot_be_made_are_named() {
    let room = Room::new();
    assert_eq!(
        room.run(["--install="]).failed(),
        "wasm-link: error: --install: no directory\n>>> expected --install=<dir>\n"
    );
    let said = room.run(["--install=main.o/bin"]).failed();
    let said: Vec<_> = said.lines().collect();
    assert!(
        said[0].starts_with("wasm-link: error: cannot make the directory [dir]/main.o/bin: "),
        "{said:?}"
    );
    assert_eq!(said[1], ">>> choose another directory for --install");
    assert!(room.run(["--install"]).failed().contains("missing"));
}
