//! The argument list for each combination of options.

use std::fmt::Write as _;

use lld_driver::{
    Arch, Emulated, ExecModel, JobError, LinkJob, Optimize, Os, OutputMode, Plan, Sysroot, Wasi,
};

use crate::objects::Object;
use crate::support::{Dir, assert_valid, rust_lld};

const MODES: [OutputMode; 3] = [
    OutputMode::Executable,
    OutputMode::DynamicLibrary,
    OutputMode::Object,
];

/// A sysroot with these files and nothing in them.
fn sysroot(dir: &Dir, files: &[&str]) -> Sysroot {
    for file in files {
        dir.write(&format!("lib/wasm32-wasi/{file}"), "");
    }
    Sysroot::open(dir.path(""), Arch::Wasm32).unwrap()
}

const ALL_FILES: [&str; 8] = [
    "crt1-command.o",
    "crt1-reactor.o",
    "libc.a",
    "libc++.a",
    "libc++abi.a",
    "libwasi-emulated-getpid.a",
    "libwasi-emulated-mman.a",
    "libwasi-emulated-signal.a",
];

/// A job with one input of every sort.
fn full_job(os: Os, mode: OutputMode) -> LinkJob {
    let mut job = LinkJob::new(Arch::Wasm32, os, mode, "out");
    job.objects.push("first.o".into());
    job.c_objects.push("c.o".into());
    job.module_object = Some("module.o".into());
    job.default_libc = Some("mini-libc.a".into());
    job.compiler_rt = Some("compiler-rt.a".into());
    job
}

fn line(dir: &Dir, job: &LinkJob) -> String {
    let text = match job.plan() {
        Ok(Plan::Link(args)) => lld_driver::quote::shell_line(args),
        Ok(Plan::Copy { from, to }) => format!("copy {} {}", from.display(), to.display()),
        Err(error) => format!("error: {error}"),
    };
    let root = dir.path("lib/wasm32-wasi");
    text.replace(root.to_str().unwrap(), "LIB")
}

#[test]
fn system_and_output() {
    let dir = Dir::new();
    let sysroot = sysroot(&dir, &ALL_FILES);
    let mut table = String::new();
    for mode in MODES {
        let job = full_job(Os::None, mode);
        writeln!(table, "{mode:?}, no system\n  {}", line(&dir, &job)).unwrap();
        for exec_model in [None, Some(ExecModel::Command), Some(ExecModel::Reactor)] {
            for (libc, libcxx) in [(false, false), (true, false), (false, true), (true, true)] {
                let wasi = Wasi {
                    sysroot: Some(sysroot.clone()),
                    exec_model,
                    emulated: vec![Emulated::Signal, Emulated::Getpid],
                    libc,
                    libcxx,
                };
                let job = full_job(Os::Wasi(wasi), mode);
                writeln!(
                    table,
                    "{mode:?}, WASI, {exec_model:?}, libc {libc}, libc++ {libcxx}\n  {}",
                    line(&dir, &job)
                )
                .unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn optimisation() {
    let dir = Dir::new();
    let mut table = String::new();
    for mode in MODES {
        for lto in [false, true] {
            for optimize in [
                Optimize::Debug,
                Optimize::Small,
                Optimize::Fast,
                Optimize::Safe,
            ] {
                let mut job = full_job(Os::None, mode);
                job.lto = lto;
                job.optimize = optimize;
                writeln!(
                    table,
                    "{mode:?}, {optimize:?}, LTO {lto}\n  {}",
                    line(&dir, &job)
                )
                .unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn switches_one_by_one() {
    type Change = (&'static str, fn(&mut LinkJob));
    let changes: [Change; 11] = [
        ("nothing", |_| {}),
        ("wasm64", |job| job.arch = Arch::Wasm64),
        ("stack size", |job| job.stack_size = 65_536),
        ("stack last", |job| job.stack_first = false),
        ("error limit", |job| job.all_errors = false),
        ("no undefined", |job| job.allow_undefined = false),
        ("defaults skipped", |job| job.skip_defaults = true),
        ("no default libc", |job| job.default_libc = None),
        ("no compiler-rt", |job| job.compiler_rt = None),
        ("extra", |job| {
            job.extra_args = vec!["--export=x y".into(), "-o".into(), "other".into()];
        }),
        ("no inputs", |job| {
            job.objects.clear();
            job.c_objects.clear();
            job.module_object = None;
        }),
    ];
    let dir = Dir::new();
    let mut table = String::new();
    for mode in MODES {
        for (name, change) in changes {
            let mut job = full_job(Os::None, mode);
            change(&mut job);
            writeln!(table, "{mode:?}, {name}\n  {}", line(&dir, &job)).unwrap();
        }
    }
    // One object, as each sort of input.
    let mut job = LinkJob::new(Arch::Wasm32, Os::None, OutputMode::Object, "out.o");
    job.c_objects.push("only.o".into());
    writeln!(table, "one object\n  {}", line(&dir, &job)).unwrap();
    job.module_object = job.c_objects.pop();
    writeln!(table, "the module's object\n  {}", line(&dir, &job)).unwrap();
    job.extra_args.push("--strip-debug".into());
    writeln!(table, "one object, extra arguments\n  {}", line(&dir, &job)).unwrap();
    insta::assert_snapshot!(table);
}

#[test]
fn what_a_sysroot_lacks_is_named() {
    let wasi = |sysroot: Option<Sysroot>| Wasi {
        sysroot,
        libc: true,
        libcxx: true,
        emulated: vec![Emulated::Mman],
        ..Wasi::default()
    };
    let dir = Dir::new();
    let mut table = String::new();
    let mut add = |what: &str, sysroot: Option<Sysroot>| {
        let job = full_job(Os::Wasi(wasi(sysroot)), OutputMode::Executable);
        writeln!(table, "{what}\n  {}", line(&dir, &job)).unwrap();
    };
    add("no sysroot", None);
    add("only libc.a", Some(sysroot(&dir, &["libc.a"])));
    add(
        "no start file",
        Some(sysroot(&dir, &["libwasi-emulated-mman.a"])),
    );
    add("no libc++", Some(sysroot(&dir, &["crt1.o"])));
    add("no libc++abi", Some(sysroot(&dir, &["libc++.a"])));
    add("an old start file", Some(sysroot(&dir, &["libc++abi.a"])));
    insta::assert_snapshot!(table);
}

#[test]
fn a_sysroot_is_found_in_its_layouts() {
    for layout in ["lib/wasm32-wasip1", "lib/wasm32-wasi", "."] {
        let dir = Dir::new();
        let error = Sysroot::open(dir.path(""), Arch::Wasm32).unwrap_err();
        assert!(error.to_string().contains("is no WASI sysroot for wasm32"));
        dir.write(&format!("{layout}/libc.a"), "");
        let sysroot = Sysroot::open(dir.path(""), Arch::Wasm32).unwrap();
        let libc = sysroot.libc().unwrap();
        assert_eq!(libc.parent(), Some(sysroot.lib_dir()));
        assert!(libc.is_file());
        if layout != "." {
            Sysroot::open(dir.path(""), Arch::Wasm64).unwrap_err();
        }
    }
}

#[test]
fn names_are_read() {
    assert_eq!("mman".parse(), Ok(Emulated::Mman));
    assert_eq!(
        "wasi-emulated-process-clocks".parse(),
        Ok(Emulated::ProcessClocks)
    );
    assert_eq!("reactor".parse(), Ok(ExecModel::Reactor));
    assert_eq!("wasm64".parse(), Ok(Arch::Wasm64));
    let error = "fork".parse::<Emulated>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "'fork' is none of: getpid, mman, process-clocks, pthread, signal"
    );
}

#[test]
fn a_path_that_looks_like_an_option_is_an_error() {
    for path in ["-o", "@file"] {
        let mut job = full_job(Os::None, OutputMode::Executable);
        job.objects.push(path.into());
        let error = job.plan().unwrap_err();
        assert_eq!(error, JobError::LooksLikeOption { path: path.into() });
    }
}

/// Every list that the builder makes is one that the linker takes.
#[test]
fn the_linker_knows_every_option() {
    let dir = Dir::new();
    let lld = rust_lld();
    let start = Object::new().function("_start", &["missing"]).bytes();
    dir.write("a.o", start);
    dir.write("b.o", Object::new().function("_initialize", &[]).bytes());
    for mode in MODES {
        for exec_model in [None, Some(ExecModel::Reactor)] {
            for stack_first in [true, false] {
                for optimize in [Optimize::Small, Optimize::Fast] {
                    let wasi = Wasi {
                        exec_model,
                        ..Wasi::default()
                    };
                    let mut job = LinkJob::new(Arch::Wasm32, Os::Wasi(wasi), mode, "out");
                    job.objects = vec!["a.o".into(), "b.o".into()];
                    job.stack_first = stack_first;
                    job.lto = true;
                    job.optimize = optimize;
                    let Ok(Plan::Link(args)) = job.plan() else {
                        panic!("two objects are linked");
                    };
                    let args: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
                    let report = dir.run(&lld, &args).unwrap();
                    assert_eq!(report.diagnostics, [], "{args:?}");
                    assert_valid(&dir.read("out"));
                }
            }
        }
    }
    // No object here is for 64 bits: the option is known, the object refused.
    let mut job = LinkJob::new(Arch::Wasm64, Os::None, OutputMode::Executable, "out");
    job.objects = vec![dir.path("a.o")];
    let error = lld
        .link(&job, lld_driver::Mode::Captured, &dir.options())
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("wasm32 object file can't be linked in wasm64 mode"),
        "{text}"
    );
}
