//! Called `wasm-ld`, the command says what the reference `rust-lld` says, word for word. Where that is
//! not installed, these tests have nothing to compare with.

use std::fmt::Write;

use crate::support::Room;

/// The ways to link.
const BACKENDS: [&str; 2] = ["--backend=lld", "--backend=native"];

/// Command lines, split at spaces, that are wrong or worth a warning.
const LINES: &[&str] = &[
    "",
    "-r -o x",
    "--bogus main.o -o x",
    "--bogus1 --exprt-all main.o",
    "main.o",
    "main.o -o",
    "main.o -o x --export",
    "main.o -o x --error-limit",
    "main.o -o x -z",
    "main.o -o x -- other.o",
    "main.o -o x -flavor",
    "--error-limit=abc main.o -o x",
    "--error-limit=0x10 main.o -o x",
    "main.o -o x -O3x",
    "main.o -o x -O s",
    "main.o -o x -Os",
    "main.o -o x --lto-O4",
    "main.o -o x --lto-O=3",
    "main.o -o x --lto-CGO9",
    "main.o -o x --lto-partitions=0",
    "main.o -o x --threads=0",
    "main.o -o x --threads=-1",
    "main.o -o x --threads=all",
    "main.o -o x --thinlto-jobs=foo",
    "main.o -o x --thinlto-prefix-replace=V",
    "main.o -o x --thinlto-object-suffix-replace=V",
    "main.o -o x --build-id=md5",
    "main.o -o x --build-id=0xzz",
    "main.o -o x --build-id=",
    "main.o -o x -z stack-size=abc",
    "main.o -o x -z stack-size=-1",
    "main.o -o x -z foo",
    "main.o -o x -z stack-size",
    "main.o -o x -z muldefs=1",
    "main.o -z foo",
    "main.o -z foo --fatal-warnings",
    "main.o -z foo --bogus",
    "main.o -z foo --bogus --fatal-warnings",
    "main.o -z foo --threads=0 --shared",
    "main.o --threads=0",
    "main.o -o x --rsp-quoting=foo",
    "main.o --rsp-quoting=foo --bogus",
    "main.o -o x -zdefs -z now",
    "main.o -o x --fatal-warnings -z foo",
    "main.o -o x -m wasm",
    "main.o -o x -max-memory=65536",
    "main.o -o x --unresolved-symbols=foo",
    "main.o -o x --color-diagnostics=foo",
    "main.o -o x --page-size=4",
    "main.o -o x --initial-memory=0x20000",
    "main.o -o x --initial-memory=1",
    "main.o -o x --max-memory=65536 --no-growable-memory",
    "main.o -o x -r --gc-sections",
    "main.o -o x -r -pie --no-pie --undefined=f",
    "main.o -o x -r --entry=foo",
    "main.o -o x -r --export-table",
    "main.o -o x -r --growable-table",
    "main.o -o x -r --shared-memory",
    "main.o -o x -r --compress-relocations -s",
    "main.o -o x -r --global-base=4096 --undefined=f -pie",
    "main.o -r --global-base=0 --export-table --growable-table",
    "main.o -r --gc-sections --entry=f --shared-memory --global-base=1 --pie --Bsymbolic",
    "main.o --shared --export-table",
    "main.o -o x --pie --export-table --import-table",
    "main.o --shared --export-memory --table-base=3",
    "main.o -o x --shared --table-base=3 --global-base=3",
    "main.o --pie --table-base=3 --global-base=0",
    "main.o --shared --pie --compress-relocations --import-table",
    "main.o --import-table --export-table --no-growable-memory --max-memory=65536",
    "main.o -o x --import-table --export-table --compress-relocations",
    "main.o -o x --compress-relocations",
    "main.o -o x --export-table --import-table",
    "main.o -o x --shared --pie --experimental-pic",
    "main.o -o x --shared",
    "main.o -o x --Bsymbolic",
    "main.o -o x --unresolved-symbols=import-dynamic",
    "main.o -o x --end-lib",
    "--start-lib --start-lib main.o -o x",
    "main.o other.o -o x",
    "main.o other.o calls.o f.o -o x",
    "calls.o -o x",
    "calls.o -o x --warn-unresolved-symbols",
    "calls.o -o x --warn-unresolved-symbols --fatal-warnings",
    "nothing.o nowhere.o -o x",
    "nothing.o nowhere.o elsewhere.o --error-limit=3 -o x",
    "-lfoo main.o -o x",
    "main.o -o x --export=absent",
    "main.o -o x -export-all",
    "main.o -o .",
    "main.o -o nowhere/x",
    "main.o -o x --Map=nowhere/x",
    "main.o -o x --Map=.",
    "main.o -o x --why-extract=.",
    "main.o -o x --why-extract=nowhere/x",
    "main.o -o x --allow-undefined-file=absent",
    "--color-diagnostics main.o other.o -o x -z foo",
    "--bogus --color-diagnostics=always",
];

#[test]
fn messages_and_exit_codes_are_those_of_lld() {
    let room = Room::new();
    let mut differences = String::new();
    for line in LINES {
        let args: Vec<_> = line.split_whitespace().collect();
        let Some(lld) = room.run_reference(&args) else {
            return;
        };
        let expected = lld.stderr.replace("rust-lld: ", "wasm-ld: ");
        for backend in BACKENDS {
            let ours = room.run_as("wasm-ld", [backend].iter().chain(&args));
            if (said(&ours.stderr), ours.code) != (said(&expected), lld.code) {
                let _ = write!(
                    differences,
                    "$ wasm-ld {backend} {line}\n-- {:?}\n{}\n-- expected {:?}\n{expected}\n",
                    ours.code, ours.stderr, lld.code
                );
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// `messages` without what `wasm-link` says besides: where an undefined symbol is referred to, what
/// values an option has, and where a library was looked for.
fn said(messages: &str) -> Vec<&str> {
    let besides = |line: &&str| {
        line.is_empty()
            || line.starts_with(">>> referenced by ")
            || line.starts_with(">>> expected ")
            || *line == ">>> no directory to search was given (-L)"
    };
    messages.lines().filter(|line| !besides(line)).collect()
}

/// Command lines that are right, and print something.
const PRINTING: &[&str] = &[
    "main.o -o x",
    "main.o -o x -M",
    "main.o -o x --Map=-",
    "main.o -o x --trace",
    "main.o -o x --print-gc-sections --no-gc-sections --print-gc-sections --gc-sections",
    "main.o -o x -y _start",
    "main.o f.o -o x --why-extract=-",
    "calls.o f.o -o x",
    "calls.o --start-lib helper.o --end-lib host.so -o x -yf -yhelper -y absent",
    "calls.o --start-lib f.o --end-lib -o x -t",
    "-mwasm64 -m wasm32 main.o -o x --initial-memory=x --initial-memory=65536",
    "main.o --start-lib other.o -o x",
    "main.o other.o -z muldefs -o x",
    "main.o -o y -o x",
    "calls.o --allow-undefined --unresolved-symbols=report-all -o x",
    "calls.o --unresolved-symbols=ignore-all --error-unresolved-symbols -o x",
    "calls.o --unresolved-symbols=ignore-all --print-map -o x",
    "main.o --entry=foo --no-entry -o x",
    "main.o --noinhibit-exec -o x",
    "main.o --import-memory=a,b,c --export-memory=d --export-memory -o x",
    "main.o --build-id=0x123 -o x",
    "main.o -o x --initial-memory=0 --max-memory=0 --global-base=0 --table-base=0 --soname=",
    "main.o -o x --global-base=0 --no-stack-first --max-memory=0 --no-growable-memory",
];

#[test]
fn outputs_are_those_of_lld() {
    let room = Room::new();
    for line in PRINTING {
        let args: Vec<_> = line.split_whitespace().collect();
        let Some(lld) = room.run_reference(&args) else {
            return;
        };
        let expected = room.read("x");
        for backend in BACKENDS {
            std::fs::remove_file(room.path("x")).expect("the output is removed");
            let ours = room.run_as("wasm-ld", [backend].iter().chain(&args));
            assert_eq!(ours.text(), lld.text(), "{backend} {line}");
            let said = (ours.stderr.as_str(), ours.code);
            assert_eq!(said, ("", Some(0)), "{backend} {line}");
            assert!(room.read("x") == expected, "{backend} {line}");
        }
    }
}
