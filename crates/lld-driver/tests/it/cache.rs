//! When a link is skipped, and when it must not be.

use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use lld_driver::{
    Bypass, Cache, CacheError, Linked, Lld, LocateOptions, Lookup, Mode, Outcome, PendingLink,
    RunError, RunOptions, RunReport,
};

use crate::objects::{Object, archive};
use crate::support::{Dir, assert_valid, fake_linker, rust_lld};

/// A directory with a cache and two objects.
struct Setup {
    dir: Dir,
    cache: Cache,
    lld: Lld,
}

const ARGS: [&str; 4] = ["a.o", "b.o", "-o", "out.wasm"];

impl Setup {
    fn new() -> Self {
        let dir = Dir::new();
        let cache = Cache::open(dir.path("cache")).unwrap();
        dir.write("a.o", Object::new().function("_start", &["f"]).bytes());
        dir.write("b.o", Object::new().function("f", &[]).bytes());
        let lld = rust_lld();
        Self { dir, cache, lld }
    }

    fn try_link(&self, lld: &Lld, args: &[&str]) -> Result<Linked, CacheError> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        self.cache
            .link(lld, &args, Mode::Captured, &self.dir.options())
    }

    /// Links; the outcome, if nothing is wrong with the cache.
    fn link(&self, args: &[&str]) -> Outcome {
        let linked = self.try_link(&self.lld, args).unwrap();
        assert!(linked.warnings.is_empty(), "{:?}", linked.warnings);
        linked.outcome
    }

    /// The one file in the cache with this extension.
    fn file(&self, extension: &str) -> PathBuf {
        let lock = std::fs::read_dir(self.dir.path("cache"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().unwrap() == "lock")
            .unwrap();
        lock.with_extension(extension)
    }
}

#[test]
fn the_same_link_is_skipped() {
    let s = Setup::new();
    assert_eq!(s.link(&ARGS), Outcome::Linked);
    assert_valid(&s.dir.read("out.wasm"));
    let made = s
        .dir
        .path("out.wasm")
        .metadata()
        .unwrap()
        .modified()
        .unwrap();

    let ran = std::cell::Cell::new(false);
    let sink = |_: &str| ran.set(true);
    let options = RunOptions {
        verbose: Some(&sink),
        ..s.dir.options()
    };
    let args = ARGS.map(OsString::from);
    let linked = s
        .cache
        .link(&s.lld, &args, Mode::Captured, &options)
        .unwrap();
    assert_eq!(linked.outcome, Outcome::UpToDate);
    assert_eq!(linked.outcome.to_string(), "up to date, link skipped");
    let output = linked.output.unwrap();
    assert_eq!(
        output.path(),
        s.dir.path("out.wasm").canonicalize().unwrap()
    );
    assert!(!ran.get());
    let now = s
        .dir
        .path("out.wasm")
        .metadata()
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(made, now);
}

#[test]
fn a_skipped_link_repeats_its_warnings() {
    let s = Setup::new();
    let other = Object::new().function("f", &[]).with_parameter();
    s.dir.write("b.o", other.bytes());
    let first = s.try_link(&s.lld, &ARGS).unwrap().report;
    assert_eq!(first.diagnostics.len(), 1);
    let second = s.try_link(&s.lld, &ARGS).unwrap();
    assert_eq!(second.outcome, Outcome::UpToDate);
    assert_eq!(second.report, first);
}

#[test]
fn changed_contents_with_unchanged_mtime_are_seen() {
    let s = Setup::new();
    let path = s.dir.path("b.o");
    // `f` or `g`: as many bytes, and the same time.
    let write = |name: &str, modified: SystemTime| {
        s.dir
            .write("b.o", Object::new().function(name, &[]).bytes());
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
        path.metadata().unwrap().len()
    };
    let args = ["a.o", "b.o", "--allow-undefined", "-o", "out.wasm"];

    // At once, within the resolution of timestamps.
    let modified = path.metadata().unwrap().modified().unwrap();
    let size = write("f", modified);
    assert_eq!(s.link(&args), Outcome::Linked);
    let with_f = s.dir.read("out.wasm");
    assert_eq!(write("g", modified), size);
    assert_eq!(s.link(&args), Outcome::Linked);
    assert_ne!(s.dir.read("out.wasm"), with_f);

    // And after the files have been quiet, when the manifest speaks for them.
    std::thread::sleep(Duration::from_millis(3100));
    assert_eq!(s.link(&args), Outcome::UpToDate);
    if cfg!(all(unix, feature = "rustix")) {
        let manifest = std::fs::read_to_string(s.file("manifest")).unwrap();
        // Both objects, the output and the linker.
        assert_eq!(manifest.lines().count(), 1 + 4 + 1, "{manifest}");
    }
    assert_eq!(write("f", modified), size);
    assert_eq!(s.link(&args), Outcome::Linked);
    assert_eq!(s.dir.read("out.wasm"), with_f);
}

#[test]
fn anything_that_matters_makes_it_link() {
    let s = Setup::new();
    assert_eq!(s.link(&ARGS), Outcome::Linked);

    s.dir
        .write("b.o", Object::new().function("f", &["_start"]).bytes());
    assert_eq!(s.link(&ARGS), Outcome::Linked, "an input");
    assert_eq!(s.link(&ARGS), Outcome::UpToDate);

    let stripped = ["a.o", "b.o", "-s", "-o", "out.wasm"];
    assert_eq!(s.link(&stripped), Outcome::Linked, "an argument");
    assert_eq!(s.link(&ARGS), Outcome::Linked, "the argument is gone");

    std::fs::remove_file(s.dir.path("out.wasm")).unwrap();
    assert_eq!(s.link(&ARGS), Outcome::Linked, "the output is gone");
    assert_valid(&s.dir.read("out.wasm"));

    s.dir.write("out.wasm", "damaged");
    assert_eq!(s.link(&ARGS), Outcome::Linked, "the output was changed");
    assert_valid(&s.dir.read("out.wasm"));

    s.dir.write("args", "b.o");
    let args = ["a.o", "@args", "-o", "out.wasm"];
    assert_eq!(s.link(&args), Outcome::Linked, "a response file");
    assert_eq!(s.link(&args), Outcome::UpToDate);
    s.dir.write("args", "b.o --export=f");
    assert_eq!(s.link(&args), Outcome::Linked, "what is in it");
    assert_eq!(s.link(&args), Outcome::UpToDate);
}

#[test]
fn another_linker_makes_it_link() {
    let s = Setup::new();
    let bytes = std::fs::read(fake_linker("count").program()).unwrap();
    let program = s.dir.path("linker");
    std::fs::copy(fake_linker("count").program(), &program).unwrap();
    let mut options = LocateOptions::default().with_program(&program);
    options.explicit.as_mut().unwrap().leading_args = vec!["count".into(), "log".into()];
    let linker = Lld::locate(&options).unwrap();
    let outcome = || {
        for _ in 0..500 {
            match s.try_link(&linker, &ARGS) {
                // Still open for writing in a child that another test has forked.
                Err(CacheError::Run(RunError::Start { source, .. }))
                    if source.kind() == ErrorKind::ExecutableFileBusy =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                result => return result.unwrap().outcome,
            }
        }
        panic!("the linker stays busy");
    };
    assert_eq!(outcome(), Outcome::Linked);
    // What it writes to its log is not an input that the arguments name.
    assert_eq!(outcome(), Outcome::UpToDate);
    std::fs::write(&program, [&bytes[..], b"a newer version"].concat()).unwrap();
    assert_eq!(outcome(), Outcome::Linked);
}

#[test]
fn a_new_file_that_shadows_a_library_is_seen() {
    let s = Setup::new();
    std::fs::create_dir(s.dir.path("one")).unwrap();
    let library = |calls: &[&str]| archive(&[("f.o", Object::new().function("f", calls).bytes())]);
    s.dir.write("two/libf.a", library(&[]));
    let args = ["a.o", "-Lone", "-L", "two", "-lf", "-o", "out.wasm"];
    assert_eq!(s.link(&args), Outcome::Linked);
    assert_eq!(s.link(&args), Outcome::UpToDate);
    let second = s.dir.read("out.wasm");

    s.dir.write("one/libf.a", library(&["f"]));
    assert_eq!(s.link(&args), Outcome::Linked);
    assert_ne!(s.dir.read("out.wasm"), second);
    assert_eq!(s.link(&args), Outcome::UpToDate);

    std::fs::remove_file(s.dir.path("one/libf.a")).unwrap();
    assert_eq!(s.link(&args), Outcome::Linked);
    assert_eq!(s.dir.read("out.wasm"), second);
}

#[test]
fn damage_in_the_cache_costs_a_link_at_most() {
    let s = Setup::new();
    assert_eq!(s.link(&ARGS), Outcome::Linked);
    let manifest = s.file("manifest");
    let whole = std::fs::read(&manifest).unwrap();
    let flipped: Vec<u8> = whole.iter().map(|byte| byte ^ 1).collect();
    for damaged in [&b""[..], b"\xff\xfe", &whole[..whole.len() / 2], &flipped] {
        std::fs::write(&manifest, damaged).unwrap();
        assert_eq!(s.link(&ARGS), Outcome::UpToDate, "the files are read");
        std::fs::write(&manifest, damaged).unwrap();
        s.dir
            .write("b.o", Object::new().function("f", &["f"]).bytes());
        assert_eq!(s.link(&ARGS), Outcome::Linked);
        s.dir.write("b.o", Object::new().function("f", &[]).bytes());
        assert_eq!(s.link(&ARGS), Outcome::Linked);
    }
    std::fs::write(s.file("record"), "not a record").unwrap();
    assert_eq!(s.link(&ARGS), Outcome::Linked);
    assert_eq!(s.link(&ARGS), Outcome::UpToDate);
}

#[test]
fn a_link_that_fails_or_crashes_leaves_no_record() {
    let s = Setup::new();
    let good = s.dir.read("b.o");
    assert_eq!(s.link(&ARGS), Outcome::Linked);

    s.dir.write("b.o", Object::new().function("g", &[]).bytes());
    let error = s.try_link(&s.lld, &ARGS).unwrap_err();
    assert!(matches!(error, CacheError::Run(RunError::Failed { .. })));
    assert_eq!(error.diagnostics()[0].symbol.as_deref(), Some("f"));
    // Everything is as it was at the first link, but for the failure in between.
    s.dir.write("b.o", &good);
    assert_eq!(s.link(&ARGS), Outcome::Linked);

    let error = s.try_link(&fake_linker("crash"), &ARGS).unwrap_err();
    assert!(matches!(error, CacheError::Run(RunError::Crashed { .. })));
    assert!(!s.file("record").exists());
    assert_eq!(s.link(&ARGS), Outcome::Linked);
}

#[test]
fn a_record_that_cannot_be_removed_is_an_error_and_one_not_written_a_warning() {
    let s = Setup::new();
    assert_eq!(s.link(&ARGS), Outcome::Linked);
    // A directory is no file to be removed, and none to be renamed onto.
    let record = s.file("record");
    std::fs::remove_file(&record).unwrap();
    std::fs::create_dir(&record).unwrap();
    let error = s.try_link(&s.lld, &ARGS).unwrap_err();
    assert!(matches!(error, CacheError::Forget { .. }), "{error:?}");
    std::fs::remove_dir(&record).unwrap();

    let manifest = s.file("manifest");
    std::fs::remove_file(&manifest).unwrap();
    std::fs::create_dir(&manifest).unwrap();
    let linked = s.try_link(&s.lld, &ARGS).unwrap();
    assert_eq!(linked.outcome, Outcome::Linked);
    let [CacheError::Remember { path, .. }] = &linked.warnings[..] else {
        panic!("{:?}", linked.warnings);
    };
    assert_eq!(*path, manifest.canonicalize().unwrap());
}

#[test]
fn side_outputs_bypass_the_cache() {
    let s = Setup::new();
    let args = ["a.o", "b.o", "-Map=map.txt", "-o", "out.wasm"];
    let bypassed = Outcome::Bypassed(Bypass::SideOutput("-Map=map.txt".into()));
    assert_eq!(s.link(&args), bypassed);
    std::fs::remove_file(s.dir.path("map.txt")).unwrap();
    assert_eq!(s.link(&args), bypassed);
    assert!(s.dir.path("map.txt").exists());
    assert_eq!(
        bypassed.to_string(),
        "linked, cache not used: '-Map=map.txt' has other effects than the output"
    );
    // It made the same output, but nothing proves that.
    assert_eq!(s.link(&ARGS), Outcome::Linked);
    assert_eq!(s.link(&args), bypassed);
    assert_eq!(s.link(&ARGS), Outcome::Linked);
}

#[test]
fn a_thin_archive_bypasses_the_cache() {
    let s = Setup::new();
    s.dir.write("thin.a", "!<thin>\n");
    let args = ["a.o", "b.o", "thin.a", "-o", "out.wasm"];
    let Outcome::Bypassed(Bypass::ThinArchive(path)) = s.link(&args) else {
        panic!("a thin archive's members are not looked at");
    };
    assert!(path.ends_with("thin.a"));
}

#[test]
fn without_an_output_it_is_only_run() {
    let s = Setup::new();
    let linked = s.try_link(&s.lld, &["--version"]).unwrap();
    assert_eq!(linked.outcome, Outcome::Bypassed(Bypass::NoOutput));
    assert!(linked.output.is_none());
    let error = s.try_link(&s.lld, &["a.o", "b.o"]).unwrap_err();
    assert_eq!(error.diagnostics()[0].message, "no output file specified");
}

/// The `begin` and `end` lines that links of the fake linker have left.
fn log(s: &Setup) -> String {
    String::from_utf8(s.dir.read("log")).unwrap()
}

fn counting_linker() -> Lld {
    let count = fake_linker("count");
    let mut options = LocateOptions::default().with_program(count.program());
    options.explicit.as_mut().unwrap().leading_args = vec!["count".into(), "log".into()];
    Lld::locate(&options).unwrap()
}

#[test]
fn concurrent_links_of_one_output_take_turns() {
    let s = Setup::new();
    let linker = counting_linker();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (s, linker) = (&s, &linker);
            scope.spawn(move || {
                let different = format!("--export-if-defined=f{thread}");
                let args = ["a.o", &different, "-o", "out.wasm"];
                let linked = s.try_link(linker, &args).unwrap();
                assert_eq!(linked.outcome, Outcome::Linked);
            });
        }
    });
    assert_eq!(log(&s), "begin\nend\n".repeat(4));
}

#[test]
fn of_concurrent_equal_links_one_is_done() {
    let s = Setup::new();
    let linker = counting_linker();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            // Each with a cache of its own, as other processes would have.
            let cache = Cache::open(s.dir.path("cache")).unwrap();
            let (s, linker) = (&s, &linker);
            scope.spawn(move || {
                let args = ARGS.map(OsString::from);
                let options = s.dir.options();
                cache.link(linker, &args, Mode::Captured, &options).unwrap();
            });
        }
    });
    assert_eq!(log(&s), "begin\nend\n");
}

#[test]
fn a_handle_keeps_others_away_until_it_is_gone() {
    let s = Setup::new();
    let linked = s.try_link(&s.lld, &ARGS).unwrap();
    let lock = File::open(s.file("lock")).unwrap();
    assert!(lock.try_lock().is_err());
    // The handle does not lock another output.
    let other = s
        .try_link(&s.lld, &["a.o", "b.o", "-o", "other.wasm"])
        .unwrap();
    drop(other);
    drop(linked);
    // A process that another test is starting has all our files until it is the program that it
    // is to be.
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = lock.try_lock() {
        assert!(Instant::now() < deadline, "{error}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn relinking_with_ones_own_handle_does_not_wait() {
    let (done, finished) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        let s = Setup::new();
        let options = s.dir.options();
        let relink = |held: Linked, output: &str| {
            let args = ["a.o", "b.o", "-o", output].map(OsString::from);
            let handle = held.output.unwrap();
            s.cache
                .relink(handle, &s.lld, &args, Mode::Captured, &options)
                .unwrap()
        };
        let held = s.try_link(&s.lld, &ARGS).unwrap();
        let held = relink(held, "out.wasm");
        assert_eq!(held.outcome, Outcome::UpToDate);
        // By another name, and another output, and back.
        let held = relink(held, "./out.wasm");
        assert_eq!(held.outcome, Outcome::Linked);
        let held = relink(held, "other.wasm");
        assert_eq!(held.outcome, Outcome::Linked);
        assert_eq!(s.link(&ARGS), Outcome::Linked, "the first is free again");
        drop(relink(held, "out.wasm"));
        done.send(()).unwrap();
    });
    let result = finished.recv_timeout(Duration::from_mins(1));
    assert!(
        result != Err(mpsc::RecvTimeoutError::Timeout),
        "waits for itself"
    );
    worker.join().unwrap();
}

/// What a linker of the caller's own asks before it links.
fn look_up(s: &Setup, program: &str) -> Lookup {
    let args: Vec<OsString> = ARGS.iter().map(OsString::from).collect();
    let program = s.dir.path(program);
    let found = s.cache.look_up(&program, &args, Some(&s.dir.path("")));
    found.unwrap()
}

fn needed(lookup: Lookup) -> Box<PendingLink> {
    match lookup {
        Lookup::Needed(pending) => pending,
        Lookup::UpToDate(linked) => panic!("{:?}", linked.outcome),
    }
}

#[test]
fn a_linker_of_the_callers_own_is_remembered() {
    let s = Setup::new();
    s.dir.write("linker", b"version 1");
    let pending = needed(look_up(&s, "linker"));
    pending.begin().unwrap();
    s.dir.write("out.wasm", b"made by it");
    let linked = pending.finish(RunReport::of_success("linker: warning: odd\n"));
    assert_eq!(linked.outcome, Outcome::Linked);
    assert!(linked.output.is_some());
    drop(linked);
    let Lookup::UpToDate(linked) = look_up(&s, "linker") else {
        panic!("nothing changed");
    };
    assert_eq!(linked.outcome, Outcome::UpToDate);
    assert_eq!(linked.report.diagnostics[0].message, "odd");
    drop(linked);

    // A look that leads to nothing leaves what is known.
    drop(look_up(&s, "linker"));
    assert!(matches!(look_up(&s, "linker"), Lookup::UpToDate(_)));
    // Another linker is another link, and so is another output in its place.
    s.dir.write("linker", b"version 2");
    drop(needed(look_up(&s, "linker")));
    s.dir.write("linker", b"version 1");
    s.dir.write("out.wasm", b"made by another");
    let pending = needed(look_up(&s, "linker"));
    // A link that began and never ended leaves nothing that is known.
    pending.begin().unwrap();
    drop(pending);
    s.dir.write("out.wasm", b"made by it");
    drop(needed(look_up(&s, "linker")));
}

/// The caller runs LLD itself, elsewhere, and moves the output to its place.
#[test]
fn a_link_that_the_caller_runs_is_the_same_link() {
    let s = Setup::new();
    let args = ARGS.map(OsString::from);
    let look_up = || {
        let current_dir = s.dir.options().current_dir;
        s.cache.look_up_lld(&s.lld, &args, current_dir).unwrap()
    };
    let pending = needed(look_up());
    s.dir
        .run(&s.lld, &["a.o", "b.o", "-o", "elsewhere.wasm"])
        .unwrap();
    pending.begin().unwrap();
    std::fs::rename(s.dir.path("elsewhere.wasm"), s.dir.path("out.wasm")).unwrap();
    let linked = pending.finish(RunReport::of_success(""));
    assert_eq!(linked.outcome, Outcome::Linked);
    drop(linked);
    assert_eq!(s.link(&ARGS), Outcome::UpToDate);
    assert!(matches!(look_up(), Lookup::UpToDate(_)));
}

/// A pipe would keep the link waiting, and a device has no end.
#[cfg(unix)]
#[test]
fn only_regular_files_are_read_and_replaced() {
    let endless = std::path::Path::new("/dev/zero");
    for kind in ["lock", "record", "manifest"] {
        let s = Setup::new();
        s.link(&ARGS);
        let path = s.file(kind);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(endless, &path).unwrap();
        match s.try_link(&s.lld, &ARGS) {
            Ok(linked) => {
                assert_ne!(kind, "lock");
                assert_eq!(linked.warnings.is_empty(), kind == "record");
            }
            Err(error) => {
                let expected = format!("cannot lock '{}': not a regular file", path.display());
                assert_eq!(error.to_string(), expected);
            }
        }
        assert!(!endless.is_file());
    }
}
