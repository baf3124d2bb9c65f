//! What the command prints about itself.

use std::io::Read;
use std::process::Stdio;

use crate::support::Room;

#[test]
fn help_lists_every_option() {
    insta::assert_snapshot!(Room::new().run(["--help"]).ok().text());
}

#[test]
fn called_wasm_ld_help_has_the_options_of_wasm_ld_only() {
    let room = Room::new();
    let text = room.run_as("wasm-ld", ["--help"]).ok().text();
    assert!(text.starts_with("Usage: wasm-ld [options] file...\n"));
    assert!(text.contains("--export-all") && !text.contains("--backend"));
    assert!(text.contains("wasm-link --help"));
}

#[test]
fn versions_name_the_lld_they_are_compatible_with() {
    let room = Room::new();
    let own = concat!("wasm-link ", env!("CARGO_PKG_VERSION"));
    for args in [
        &["--version"][..],
        &["-v"],
        &["-V"],
        &["--version", "nothing.o"],
    ] {
        for name in ["wasm-link", "wasm-ld"] {
            let text = room.run_as(name, args).ok().text();
            let line = text.lines().next().expect("a line");
            assert!(line.contains(own), "{line}");
            let first = if name == "wasm-ld" { "LLD" } else { name };
            assert!(line.starts_with(first), "{line}");
            // CMake takes the number behind `LLD`, and Meson the first of the output.
            let (before, behind) = line.split_once("LLD ").expect("LLD");
            assert!(!before.contains(|c: char| c.is_ascii_digit()), "{line}");
            assert!(behind.starts_with("23."), "{line}");
        }
    }
}

#[test]
fn with_inputs_v_prints_the_version_and_links() {
    let room = Room::new();
    let text = room.run(["-v", "main.o", "-o", "out.wasm"]).ok().text();
    assert!(text.starts_with("wasm-link "));
    assert!(room.path("out.wasm").exists());
}

#[test]
fn completions_know_the_options() {
    let room = Room::new();
    for shell in ["bash", "zsh", "fish"] {
        let text = room.run(["--print-completions", shell]).ok().text();
        for name in ["export-if-defined", "wasi-sysroot", "wasm-ld"] {
            assert!(text.contains(name), "{shell}: {name}");
        }
        assert!(!text.contains("thinlto-emit-imports-files"), "{shell}");
        assert!(text.contains("start-group"), "{shell}");
        assert!(!text.contains("-("), "{shell}");
    }
    assert!(
        room.run(["--print-completions=tcsh"])
            .failed()
            .contains("bash, zsh, fish")
    );
}

#[test]
fn the_manual_page_has_every_section() {
    let text = Room::new().run(["--print-man"]).ok().text();
    for part in [
        ".TH WASM\\-LINK 1",
        ".SH OPTIONS",
        "\\-\\-export\\-all",
        ".SH EXIT STATUS",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let room = Room::new();
    let mut child = room
        .command("wasm-link")
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("text");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(stderr, "");
}
