//! What the library promises to its callers.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use link_core::Inputs;
use link_core::diag::Code;
use link_core::report::map::MapKind;
use link_core::{Env, Options, Sink, Threads, link};

use crate::common::source::{Source, sig};
use crate::support::{Job, bytes};

/// Objects with something of everything, and the options to link them with.
fn program() -> Job {
    let mut main = Source::new();
    main.function("_start", sig(0, 0), |body| {
        body.address("greeting", 0).call("print", sig(1, 0));
    })
    .data("greeting", ".rodata.greeting", *b"hello\0");
    let mut print = Source::new();
    print
        .function("print", sig(1, 0), |body| {
            body.address("count", 0).param(0).store();
        })
        .data("count", ".data.count", [7, 0, 0, 0])
        .align(2);
    Job::new()
        .object("main.o", &main)
        .archive("libp.a", &[("print.o", &print)])
}

/// A program of more than a megabyte, which threads share.
fn large() -> Vec<(String, Source)> {
    (0..12)
        .map(|i| {
            let leak = |name: String| -> &'static str { name.leak() };
            let mut source = Source::new();
            let data = leak(format!("data{i}"));
            source.data(data, ".data.large", vec![i as u8 + 1; 150 << 10]);
            source.function(leak(format!("f{i}")), sig(0, 1), |body| {
                body.address(data, i).load8();
            });
            (format!("{i}.o"), source)
        })
        .collect()
}

fn large_inputs(files: &[(String, Source)]) -> Inputs<'static> {
    Inputs {
        inputs: files
            .iter()
            .map(|(name, source)| bytes(name, source))
            .collect(),
        ..Inputs::default()
    }
}

fn large_options() -> Options {
    let mut options = Options::default();
    options.entry = link_core::options::Entry::None;
    options.export_all = true;
    options
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let files = large();
    let mut modules = [1, 2, 7].map(|threads| {
        let mut options = large_options();
        options.threads = Some(threads);
        options.build_id = link_core::options::BuildId::Fast;
        let mut module = Vec::new();
        link(large_inputs(&files), &options, &Env::default(), &mut module).expect("it links");
        module
    });
    let first = std::mem::take(&mut modules[0]);
    assert!(first.len() > 1 << 20);
    assert!(modules[1..].iter().all(|module| *module == first));
}

/// Strings of an archive's members are cut while names are resolved, where there are threads to do
/// it. What turns out to be no part of the module leaves none of them.
#[test]
fn strings_of_members_for_any_number_of_threads() {
    const NAMES: [&str; 12] = [
        "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11",
    ];
    let strings = |name| -> String {
        let line = |i| format!("{name}-{i}-{}\0", i / 5);
        (0..9000).map(line).collect()
    };
    let member = |name: &'static str| {
        let mut source = Source::new();
        source
            .function(name, sig(0, 0), |_| {})
            .custom(".debug_str", strings(name));
        source
    };
    let members = NAMES.map(|name| (format!("{name}.o"), member(name)));
    let members = members.each_ref().map(|(name, source)| (&**name, source));
    let mut main = Source::new();
    main.function("_start", sig(0, 0), |body| {
        for name in &NAMES[..6] {
            body.call(name, sig(0, 0));
        }
    })
    .function("dead", sig(0, 0), |body| {
        for name in &NAMES[6..9] {
            body.call(name, sig(0, 0));
        }
    });
    let job = Job::new()
        .object("main.o", &main)
        .archive("libf.a", &members);
    let modules = [1, 2, 7].map(|threads| {
        let mut options = job.options();
        options.threads = Some(threads);
        job.link_with(&options).module
    });
    assert_eq!(modules[1], modules[0]);
    assert_eq!(modules[2], modules[0]);
    for (nth, name) in NAMES.iter().enumerate() {
        let string = format!("\0{name}-8999-1799\0");
        let has_it = modules[0]
            .windows(string.len())
            .any(|bytes| bytes == string.as_bytes());
        assert_eq!(has_it, nth < 6, "{name}");
    }
}

#[test]
fn two_links_at_once() {
    let job = program();
    let expected = job.module();
    std::thread::scope(|scope| {
        let links: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| (0..20).all(|_| job.link_with(&job.options()).module == expected))
            })
            .collect();
        assert!(links.into_iter().all(|link| link.join().expect("no panic")));
    });
}

#[test]
fn in_the_pool_of_the_caller() {
    let files = large();
    let options = large_options();
    let link_in = |threads| {
        let env = Env {
            threads,
            ..Env::default()
        };
        let mut module = Vec::new();
        link(large_inputs(&files), &options, &env, &mut module).expect("it links");
        module
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool");
    let own = link_in(Threads::Own);
    assert!(own == link_in(Threads::Pool(&pool)));
    // Inside of a task, beside another.
    let (a, b) = pool.join(|| link_in(Threads::Current), || link_in(Threads::Current));
    assert!(own == a && own == b);
}

#[test]
fn cancelled() {
    let job = program();
    let files = job.memory_files();
    let cancel = AtomicBool::new(false);
    let env = Env {
        files: &files,
        cancel: Some(&cancel),
        ..Env::default()
    };
    let mut module = Vec::new();
    link(job.inputs(), &job.options(), &env, &mut module).expect("it is not cancelled");
    cancel.store(true, Ordering::Relaxed);
    let mut module = Vec::new();
    let error = link(job.inputs(), &job.options(), &env, &mut module).unwrap_err();
    assert!(module.is_empty());
    let codes: Vec<Code> = error.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::Cancelled]);
}

/// A thread that gave itself to a link's pool links again in it.
#[test]
fn a_thread_that_works_with_its_pool() {
    let mut options = large_options();
    options.threads = Some(3);
    let mut expected = Vec::new();
    link(
        large_inputs(&large()),
        &options,
        &Env::default(),
        &mut expected,
    )
    .expect("it links");
    let modules = std::thread::spawn(move || {
        let env = Env {
            threads: Threads::OwnForGood { started: &|_| {} },
            ..Env::default()
        };
        [(); 2].map(|()| {
            let mut module = Vec::new();
            link(large_inputs(&large()), &options, &env, &mut module).expect("it links");
            module
        })
    });
    for module in modules.join().expect("no panic") {
        assert!(module == expected);
    }
}

#[test]
fn a_sink_that_fails() {
    struct Full;
    impl Sink for Full {
        fn room(&mut self, _: usize) -> io::Result<&mut [u8]> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let job = program();
    let files = job.memory_files();
    let env = Env {
        files: &files,
        ..Env::default()
    };
    let error = link(job.inputs(), &job.options(), &env, &mut Full).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn the_map_says_where_everything_is() {
    let job = program();
    let mut options = job.options();
    options.map = true;
    let done = job.link_with(&options);
    let map = done.outcome.expect("it links").map;
    let symbols: Vec<String> = map
        .symbols
        .iter()
        .map(|symbol| format!("{} {:?} {:?}", symbol.name, symbol.value, symbol.file))
        .collect();
    insta::assert_snapshot!("symbols", symbols.join("\n"));
    let mut kinds = Vec::new();
    for chunk in &map.chunks {
        let range = chunk.range.clone().expect("all is in the file");
        let contents = &done.module[range.start as usize..range.end as usize];
        match chunk.kind {
            // No locals, and an end.
            MapKind::Function(_) => assert_eq!((contents[0], contents.last()), (0, Some(&0x0b))),
            MapKind::Data { .. } if chunk.name == ".data.count" => {
                assert_eq!(contents, [7, 0, 0, 0]);
            }
            MapKind::Data { .. } => assert_eq!(contents, b"hello\0"),
        }
        let file = chunk.file.as_deref().unwrap_or("linker");
        kinds.push(format!("{file}:({}) {:?}", chunk.name, chunk.kind));
    }
    insta::assert_snapshot!("chunks", kinds.join("\n"));
    // The sections follow the file's header and one another, up to the end.
    let mut end = 8;
    for section in &map.sections {
        assert_eq!(section.range.start, end);
        end = section.range.end;
    }
    assert_eq!(end, done.module.len() as u64);
}

/// Runs one of the ignored tests below in a process of its own.
fn alone(test: &str) -> std::process::Output {
    Command::new(std::env::current_exe().expect("this program's path"))
        .args([
            &format!("library::{test}"),
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .arg("--test-threads=1")
        .output()
        .expect("this program can be started")
}

#[test]
fn nothing_is_printed() {
    let output = alone("in_silence");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let said = text
        .split("<<<")
        .nth(1)
        .and_then(|text| text.split(">>>").next());
    assert_eq!((said, &output.stderr[..]), (Some(""), &b""[..]), "{text}");
}

#[test]
#[ignore = "run by nothing_is_printed"]
fn in_silence() {
    print!("<<<");
    let job = program();
    job.link_with(&job.options());
    let broken = program()
        .file("broken.o", *b"\0asm\x01\0\0\0\x0b")
        .args("broken.o -lnothing");
    let mut options = broken.options();
    options.print_gc_sections = true;
    assert!(broken.link_with(&options).outcome.is_err());
    print!(">>>");
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_links_do_not_grow() {
    let output = alone("hundred_links");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[cfg(target_os = "linux")]
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "run by a_hundred_links_do_not_grow"]
fn hundred_links() {
    let files = large();
    let mut options = large_options();
    options.threads = Some(2);
    let once = || {
        let mut module = Vec::new();
        link(large_inputs(&files), &options, &Env::default(), &mut module).expect("it links");
    };
    for _ in 0..10 {
        once();
    }
    let before = status("VmRSS");
    for _ in 0..100 {
        once();
    }
    let after = status("VmRSS");
    // One link's output alone is 1.8 MiB: keeping a thing of each would show.
    assert!(after < before + (8 << 10), "{before} kB grew to {after} kB");
    // A pool that is dropped lets its threads end; it does not wait for them.
    let patience = Instant::now() + Duration::from_secs(10);
    while status("Threads") > 2 {
        assert!(Instant::now() < patience, "threads are left");
        std::thread::yield_now();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_tiny_link_starts_no_thread() {
    let output = alone("tiny");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "run by a_tiny_link_starts_no_thread"]
fn tiny() {
    /// Counts the threads while a link is at work.
    struct Watching(Vec<u8>, u64);
    impl Sink for Watching {
        fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
            self.1 = status("Threads");
            self.0.room(len)
        }
    }
    let before = status("Threads");
    let mut options = large_options();
    options.threads = Some(4);
    let threads = |files: &[(String, Source)]| {
        let mut sink = Watching(Vec::new(), 0);
        link(large_inputs(files), &options, &Env::default(), &mut sink).expect("it links");
        sink.1 - before
    };
    assert_eq!(threads(&large()[..2]), 0);
    assert_eq!(threads(&large()), 4);
}
