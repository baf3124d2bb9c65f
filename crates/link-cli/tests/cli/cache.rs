//! `--cache-dir`: links that would change nothing are not made.

use crate::support::{Room, Run, object};

/// Links `calls.o` and `f.o` with a cache; what the command said.
fn link(room: &Room, more: &[&str]) -> Run {
    let run = room.run(
        [
            "calls.o",
            "f.o",
            "-o",
            "x",
            "--cache-dir=cache",
            "--verbose-link",
            "--backend=lld",
        ]
        .iter()
        .chain(more),
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run
}

fn was_skipped(run: &Run) -> bool {
    !run.stderr.contains("linking with LLD")
}

#[test]
fn a_link_is_skipped_until_something_changes() {
    let room = Room::new();
    assert!(!was_skipped(&link(&room, &[])));
    let made = room.read("x");
    let again = link(&room, &[]);
    assert!(was_skipped(&again), "{}", again.stderr);
    assert!(again.stderr.contains("link skipped"), "{}", again.stderr);
    assert_eq!(room.read("x"), made);

    assert!(!was_skipped(&link(&room, &["--export=f"])));
    assert!(!was_skipped(&link(&room, &[])));
    room.write("f.o", object("f", Some("_start")));
    assert!(!was_skipped(&link(&room, &[])));
    assert!(was_skipped(&link(&room, &[])));
    std::fs::remove_file(room.path("x")).expect("the output is removed");
    assert!(!was_skipped(&link(&room, &[])));
}

#[test]
fn a_link_that_prints_is_made() {
    let room = Room::new();
    for _ in 0..2 {
        assert!(link(&room, &["--print-map"]).text().contains("CODE"));
    }
}

#[test]
fn a_warning_is_repeated_when_the_link_is_skipped() {
    let room = Room::new();
    for _ in 0..2 {
        let stderr = link(&room, &["-z", "nonsense"]).stderr;
        assert!(
            stderr.contains("wasm-link: warning: unknown -z value: nonsense\n"),
            "{stderr}"
        );
    }
}

#[test]
fn standard_output_gets_the_module_each_time() {
    let room = Room::new();
    let args = ["main.o", "-o", "-", "--cache-dir=cache", "--backend=lld"];
    let first = room.run(args).ok().stdout;
    assert_eq!(room.run(args).ok().stdout, first);
    wasmparser::validate(&first).expect("a valid module");
}

#[test]
fn a_cache_that_cannot_be_used_is_an_error() {
    let room = Room::new();
    room.write("cache", "a file");
    let stderr = room
        .run(["main.o", "-o", "x", "--cache-dir=cache", "--backend=lld"])
        .failed();
    assert!(
        stderr.starts_with("wasm-link: error: cannot use the cache directory"),
        "{stderr}"
    );
    assert!(!room.path("x").exists());
}
