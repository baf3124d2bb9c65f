//! Running: what a link's success, failure, crash and hang look like.

use std::fs::File;
use std::time::{Duration, Instant};

use lld_driver::{Diagnostic, Lld, LocateOptions, Mode, RunError, RunOptions, Severity};

use crate::objects::{Object, archive};
use crate::support::{Dir, assert_valid, fake_linker, rust_lld};

#[test]
fn success_makes_a_module_and_says_nothing() {
    let dir = Dir::new();
    dir.write("a.o", Object::new().function("_start", &["helper"]).bytes());
    dir.write("b.o", Object::new().function("helper", &[]).bytes());
    let report = dir
        .run(&rust_lld(), &["a.o", "b.o", "-o", "out.wasm"])
        .unwrap();
    assert_eq!(report.diagnostics, []);
    assert_valid(&dir.read("out.wasm"));
}

#[test]
fn warnings_of_a_success_are_returned() {
    let dir = Dir::new();
    dir.write("a.o", Object::new().function("_start", &["f"]).bytes());
    let other = Object::new().function("f", &[]).with_parameter();
    dir.write("b.o", other.bytes());
    let report = dir
        .run(&rust_lld(), &["a.o", "b.o", "-o", "out.wasm"])
        .unwrap();
    insta::assert_debug_snapshot!(report.diagnostics);
}

fn failure(result: Result<lld_driver::RunReport, RunError>) -> Vec<Diagnostic> {
    match result {
        Err(RunError::Failed {
            code: 1,
            diagnostics,
            ..
        }) => diagnostics,
        other => panic!("not a failed link: {other:?}"),
    }
}

#[test]
fn undefined_symbols() {
    let dir = Dir::new();
    let a = Object::new().function("_start", &["missing", "absent", "b"]);
    dir.write("dir/a.o", a.bytes());
    let b = Object::new().function("b", &["missing"]).bytes();
    dir.write("lib.a", archive(&[("b.o", b)]));
    let args = ["dir/a.o", "--whole-archive", "lib.a", "-o", "out.wasm"];
    insta::assert_debug_snapshot!(failure(dir.run(&rust_lld(), &args)));
    assert!(!dir.path("out.wasm").exists());
}

#[test]
fn duplicate_symbols() {
    let dir = Dir::new();
    let a = Object::new().function("_start", &[]).function("dup", &[]);
    dir.write("a.o", a.bytes());
    dir.write("b.o", Object::new().function("dup", &[]).bytes());
    // Colours do not hide what the message says.
    let args = ["a.o", "b.o", "--color-diagnostics=always", "-o", "out.wasm"];
    insta::assert_debug_snapshot!(failure(dir.run(&rust_lld(), &args)));
}

#[test]
fn missing_file() {
    let dir = Dir::new();
    dir.write("not.o", "hello");
    let args = ["no such.o", "not.o", "-lnone", "-o", "out.wasm"];
    insta::assert_debug_snapshot!(failure(dir.run(&rust_lld(), &args)));
}

#[test]
fn prose_of_a_failure_is_kept() {
    let dir = Dir::new();
    let error = dir.run(&fake_linker("fail-in-prose"), &[]).unwrap_err();
    let RunError::Failed {
        code, diagnostics, ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*code, 3);
    let text = "something went wrong\nand nobody knows what";
    assert_eq!(diagnostics[..], [Diagnostic::new(Severity::Prose, text)]);
}

#[test]
fn crash_is_not_a_failure() {
    let dir = Dir::new();
    let error = dir.run(&fake_linker("crash"), &[]).unwrap_err();
    let RunError::Crashed {
        signal,
        diagnostics,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    if cfg!(unix) {
        assert_eq!(*signal, 6);
        let text = error.to_string();
        assert!(
            text.contains("crashed (SIGABRT): a.o: about to crash"),
            "{text}"
        );
    }
    assert_eq!(diagnostics[0].severity, Severity::Error);
    assert_eq!(diagnostics[0].file.as_deref(), Some("a.o".as_ref()));
    assert_eq!(diagnostics[1].severity, Severity::Prose);
    assert_eq!(diagnostics[1].message, "PLEASE submit a bug report");
}

#[test]
fn a_program_that_is_none_does_not_start() {
    let dir = Dir::new();
    let path = dir.write("linker", "no program");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let lld = Lld::locate(&LocateOptions::default().with_program(&path)).unwrap();
    let error = dir.run(&lld, &["a.o"]).unwrap_err();
    assert!(matches!(error, RunError::Start { .. }), "{error:?}");
    assert!(error.to_string().contains("cannot start the linker"));
}

#[test]
fn fifty_mebibytes_of_stderr_are_read_and_cut() {
    let dir = Dir::new();
    let error = dir.run(&fake_linker("chatty"), &[]).unwrap_err();
    let diagnostics = error.diagnostics();
    assert!(matches!(error, RunError::Failed { code: 1, .. }));
    // 10 MiB in lines of 64 bytes, and the one that says what was cut.
    assert_eq!(diagnostics.len(), (10 << 20) / 64 + 1);
    assert_eq!(
        diagnostics.last().unwrap().message,
        "the linker's messages are cut here: 10485760 bytes were kept, 41943040 more were dropped"
    );
}

#[test]
fn a_timeout_ends_the_linker_and_its_children() {
    let dir = Dir::new();
    let held = dir.path("held");
    let options = RunOptions {
        timeout: Some(Duration::from_secs(4)),
        ..dir.options()
    };
    let start = Instant::now();
    let error = fake_linker("hang")
        .run(&[&held], Mode::Captured, &options)
        .unwrap_err();
    assert!(start.elapsed() < Duration::from_mins(1));
    let RunError::TimedOut { diagnostics, .. } = error else {
        panic!("{error:?}");
    };
    // The child did hold it, and does no more.
    assert_eq!(diagnostics[0].message, "holding");
    let file = File::open(&held).unwrap();
    let give_up = Instant::now() + Duration::from_secs(10);
    while file.try_lock().is_err() {
        assert!(Instant::now() < give_up, "the linker's child is alive");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_timeout_in_time_changes_nothing() {
    let dir = Dir::new();
    dir.write("a.o", Object::new().function("_start", &[]).bytes());
    let options = RunOptions {
        timeout: Some(Duration::from_mins(10)),
        ..dir.options()
    };
    let args = ["a.o", "-o", "out.wasm"];
    rust_lld().run(&args, Mode::Captured, &options).unwrap();
    assert_valid(&dir.read("out.wasm"));
}

#[test]
fn a_process_left_behind_does_not_keep_us() {
    let dir = Dir::new();
    let start = Instant::now();
    let report = dir.run(&fake_linker("leave-behind"), &[]).unwrap();
    assert!(start.elapsed() < Duration::from_secs(6), "waited for it");
    assert_eq!(report.diagnostics[0].message, "left one behind");
    assert!(report.diagnostics[1].message.contains("left behind"));
}

#[test]
fn arguments_arrive_as_they_are_and_stdin_is_empty() {
    let dir = Dir::new();
    let args = ["", "a b", "\"quoted\"", "back\\slash", "it's", "@file"];
    let report = dir.run(&fake_linker("echo"), &args).unwrap();
    let expected = format!("{}\nstdin: 0 bytes\n", args.join("\n"));
    assert_eq!(report.stderr, expected);
    // Nothing failed: what it said is a warning.
    assert!(
        report
            .diagnostics
            .iter()
            .all(|diagnostic| diagnostic.severity == Severity::Warning)
    );
}

#[test]
fn passthrough_reports_only_how_it_ended() {
    let dir = Dir::new();
    dir.write("a.o", Object::new().function("_start", &[]).bytes());
    let lld = rust_lld();
    let report = lld
        .run(
            &["a.o", "-o", "out.wasm"],
            Mode::Passthrough,
            &dir.options(),
        )
        .unwrap();
    assert_eq!(report.diagnostics, []);
    assert_valid(&dir.read("out.wasm"));
    let error = fake_linker("crash")
        .run::<&str>(&[], Mode::Passthrough, &dir.options())
        .unwrap_err();
    assert!(matches!(error, RunError::Crashed { .. }));
}

#[test]
fn verbose_shows_the_command() {
    let dir = Dir::new();
    dir.write("a b.o", Object::new().function("_start", &[]).bytes());
    let lld = rust_lld();
    let shown = std::cell::RefCell::new(Vec::new());
    let sink = |line: &str| shown.borrow_mut().push(line.to_owned());
    let options = RunOptions {
        verbose: Some(&sink),
        ..dir.options()
    };
    let args = ["a b.o", "-o", "out.wasm"];
    lld.run(&args, Mode::Captured, &options).unwrap();
    let program = lld.program().display();
    assert_eq!(
        shown.into_inner(),
        [format!("{program} -flavor wasm 'a b.o' -o out.wasm")]
    );
}

#[test]
fn a_long_command_line_goes_through_a_response_file() {
    let dir = Dir::new();
    let names = [
        "plain.o",
        "with space.o",
        "it's.o",
        "say \"hi\".o",
        "back\\slash.o",
    ];
    for (index, name) in names.iter().enumerate() {
        let symbol = format!("f{index}");
        dir.write(name, Object::new().function(&symbol, &[]).bytes());
    }
    let mut args = names.to_vec();
    args.extend(["--no-entry", "--export-all", "-o", "out.wasm"]);
    let options = RunOptions {
        argument_limit: Some(64),
        ..dir.options()
    };
    rust_lld().run(&args, Mode::Captured, &options).unwrap();
    let direct = dir.read("out.wasm");
    dir.run(&rust_lld(), &args).unwrap();
    assert_eq!(dir.read("out.wasm"), direct);

    // Both styles are read as they are written.
    args.insert(0, "--rsp-quoting=windows");
    rust_lld().run(&args, Mode::Captured, &options).unwrap();
    assert_eq!(dir.read("out.wasm"), direct);

    // What the child is given is the style and the file.
    let report = fake_linker("echo")
        .run(&["x"; 100], Mode::Captured, &options)
        .unwrap();
    let lines: Vec<&str> = report.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("--rsp-quoting="));
    let file = lines[1].strip_prefix('@').unwrap();
    assert!(
        !std::path::Path::new(file).exists(),
        "it is gone afterwards"
    );
}

#[test]
fn a_command_line_beyond_the_systems_limit_links() {
    let dir = Dir::new();
    dir.write("a.o", Object::new().function("_start", &[]).bytes());
    // 24 MB: more than any system takes.
    let mut args = vec![format!("--export-if-defined={}", "x".repeat(1200)); 20_000];
    // One argument alone may be too long as well, which only the system knows.
    args.push(format!("--export-if-defined={}", "y".repeat(200_000)));
    args.extend(["a.o", "-o", "out.wasm"].map(str::to_owned));
    rust_lld()
        .run(&args, Mode::Captured, &dir.options())
        .unwrap();
    assert_valid(&dir.read("out.wasm"));
    rust_lld()
        .run(&args[20_000..], Mode::Captured, &dir.options())
        .unwrap();
}
