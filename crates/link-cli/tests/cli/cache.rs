//! `--cache-dir`: links that would change nothing are skipped, with both backends.

use crate::support::{Room, Run, object};

const BACKENDS: [&str; 2] = ["--backend=native", "--backend=lld"];

/// Links `calls.o` and `f.o` with a cache; what the command said.
fn link(room: &Room, backend: &str, more: &[&str]) -> Run {
    let run = room.run(
        [
            "calls.o",
            "f.o",
            "-o",
            "x",
            "--cache-dir=cache",
            "--verbose-link",
            backend,
        ]
        .iter()
        .chain(more),
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run
}

fn was_skipped(run: &Run) -> bool {
    let linked = ["linking with LLD", "linking natively"];
    let skipped = !linked.iter().any(|text| run.stderr.contains(text));
    assert_eq!(
        skipped,
        run.stderr.contains("link skipped"),
        "{}",
        run.stderr
    );
    skipped
}

#[test]
fn a_link_is_skipped_until_something_changes() {
    for backend in BACKENDS {
        let room = Room::new();
        let skips = |more: &[&str]| was_skipped(&link(&room, backend, more));
        assert!(!skips(&[]));
        let made = room.read("x");
        assert!(skips(&[]));
        assert_eq!(room.read("x"), made);

        assert!(!skips(&["--export=f"]));
        assert!(!skips(&[]));
        room.write("f.o", object("f", Some("_start")));
        assert!(!skips(&[]));
        assert!(skips(&[]));
        std::fs::remove_file(room.path("x")).expect("the output is removed");
        assert!(!skips(&[]));
        assert!(room.path("x").exists());
    }
}

#[test]
fn each_backend_makes_its_own_output() {
    let room = Room::new();
    for backend in BACKENDS {
        assert!(!was_skipped(&link(&room, backend, &[])));
        assert!(was_skipped(&link(&room, backend, &[])));
    }
    assert!(!was_skipped(&link(&room, BACKENDS[0], &[])));
}

#[test]
fn a_link_that_prints_is_made() {
    let room = Room::new();
    for backend in BACKENDS {
        for _ in 0..2 {
            let run = link(&room, backend, &["--print-map"]);
            assert!(run.text().contains("CODE"));
            let bypassed = "cache not used: '--print-map' has other effects than the output";
            assert!(run.stderr.contains(bypassed), "{}", run.stderr);
        }
    }
    for option in ["--time", "--cref", "--dependency-file=d"] {
        for _ in 0..2 {
            let run = link(&room, BACKENDS[0], &[option]);
            assert!(run.stderr.contains("linking natively"), "{}", run.stderr);
        }
    }
}

#[test]
fn a_warning_is_repeated_when_the_link_is_skipped() {
    for backend in BACKENDS {
        let room = Room::new();
        for _ in 0..2 {
            let stderr = link(&room, backend, &["-z", "nonsense"]).stderr;
            assert!(
                stderr.contains("wasm-link: warning: unknown -z value: nonsense\n"),
                "{stderr}"
            );
        }
        room.write("f.o", object("f", Some("nowhere")));
        let first = link(&room, backend, &["--warn-unresolved-symbols"]);
        let again = link(&room, backend, &["--warn-unresolved-symbols"]);
        assert!(!was_skipped(&first) && was_skipped(&again));
        let warning = |run: &Run| {
            let lines = run.stderr.lines();
            let lines = lines.filter(|line| line.contains("warning") || line.starts_with(">>>"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(!warning(&first).is_empty(), "{}", first.stderr);
        assert_eq!(warning(&first), warning(&again));
    }
}

#[test]
fn a_failed_link_is_not_remembered() {
    let room = Room::new();
    for backend in BACKENDS {
        link(&room, backend, &[]);
        let args = ["calls.o", "-o", "x", "--cache-dir=cache", backend];
        room.run(args).failed();
        room.run(args).failed();
        // What was there before is there still, and no longer known to be good where LLD
        // was about to replace it.
        assert!(room.path("x").exists());
        link(&room, backend, &[]);
        assert!(was_skipped(&link(&room, backend, &[])));
    }
}

#[test]
fn a_link_that_is_left_to_lld_does_not_wait_for_itself() {
    let room = Room::new();
    room.write("b.o", b"BC\xC0\xDE not really");
    let args = ["main.o", "b.o", "-o", "x", "--cache-dir=cache"];
    // LLD cannot link it either, but it is asked.
    for _ in 0..2 {
        room.run(args).failed();
    }
}

#[test]
fn standard_output_gets_the_module_each_time() {
    let room = Room::new();
    for backend in BACKENDS {
        let args = ["main.o", "-o", "-", "--cache-dir=cache", backend];
        let first = room.run(args).ok().stdout;
        assert_eq!(room.run(args).ok().stdout, first);
        wasmparser::validate(&first).expect("a valid module");
    }
}

#[test]
fn a_cache_that_cannot_be_used_is_a_warning_and_a_link() {
    for backend in BACKENDS {
        let room = Room::new();
        room.write("cache", "a file");
        // Not an error either with --fatal-warnings.
        for more in [&[][..], &["--fatal-warnings"]] {
            let args = ["main.o", "-o", "x", "--cache-dir=cache", backend];
            let run = room.run(args.iter().chain(more));
            assert_eq!(
                (run.code, run.stderr.lines().count()),
                (Some(0), 1),
                "{}",
                run.stderr
            );
            assert!(
                run.stderr
                    .starts_with("wasm-link: warning: cannot use the cache directory 'cache': "),
                "{}",
                run.stderr
            );
            wasmparser::validate(&room.read("x")).expect("a module");
            std::fs::remove_file(room.path("x")).expect("it is there");
        }
    }
}

#[test]
fn a_cache_whose_files_cannot_be_used_is_a_warning_and_a_link() {
    for backend in BACKENDS {
        for kind in ["lock", "record", "manifest"] {
            let room = Room::new();
            link(&room, backend, &[]);
            // Directories stand where the files are.
            for entry in std::fs::read_dir(room.path("cache")).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.extension().is_some_and(|extension| extension == kind) {
                    std::fs::remove_file(&path).expect("a file");
                    std::fs::create_dir(&path).expect("a directory");
                }
            }
            std::fs::remove_file(room.path("x")).expect("it is there");
            let stderr = link(&room, backend, &[]).stderr;
            assert!(
                stderr.contains("wasm-link: warning: cannot "),
                "{kind}: {stderr}"
            );
            wasmparser::validate(&room.read("x")).expect("a module");
        }
    }
}

/// Pipes without a writer and endless devices stand where the files are: nothing waits for them, and
/// what a link leads to stays.
#[cfg(unix)]
#[test]
fn a_cache_whose_files_are_no_regular_ones_makes_no_link_wait() {
    let endless = std::path::Path::new("/dev/zero");
    for backend in BACKENDS {
        for kind in ["lock", "record", "manifest"] {
            for device in [None, Some(endless)] {
                let room = Room::new();
                link(&room, backend, &[]);
                for name in room.names_in("cache") {
                    let name = format!("cache/{name}");
                    if name.ends_with(kind) {
                        std::fs::remove_file(room.path(&name)).expect("a file");
                        match device {
                            None => room.fifo(&name),
                            Some(device) => {
                                let made = std::os::unix::fs::symlink(device, room.path(&name));
                                made.expect("a link is made");
                            }
                        }
                    }
                }
                std::fs::remove_file(room.path("x")).expect("it is there");
                let stderr = link(&room, backend, &[]).stderr;
                // A record is removed before the link.
                let is_said = stderr.contains("': not a regular file\n");
                assert_eq!(is_said, kind != "record", "{kind}: {stderr}");
                wasmparser::validate(&room.read("x")).expect("a module");
                assert!(!endless.is_file());
            }
        }
    }
}

#[test]
fn bitcode_is_told_of_an_unusable_cache_once() {
    let room = Room::new();
    room.write("cache", "a file");
    room.write("b.o", b"BC\xC0\xDE not really");
    let stderr = room
        .run(["main.o", "b.o", "-o", "x", "--cache-dir=cache"])
        .stderr;
    assert!(
        stderr.matches("cannot use the cache").count() <= 1,
        "{stderr}"
    );
}
