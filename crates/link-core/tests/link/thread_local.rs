//! Thread-local data: who refers to it as what, and what is exported of it.

use wasm_format::linking::{SegmentFlags, SymbolFlags};
use wasm_format::reloc::RelocType;

use crate::common::source::{POINTER, Source, sig};
use crate::support::{Job, instance, print};

const EXECUTABLE: &str = "--no-entry --export=get --no-check-features";
const PIE: &str = "-pie --no-entry --export=get --no-check-features";
const SHARED: &str = "-shared --export=get --no-check-features";

const MODES: [&str; 7] = [
    EXECUTABLE,
    "--no-entry --export=get --shared-memory --no-check-features",
    "--no-entry --no-gc-sections --no-check-features",
    PIE,
    SHARED,
    "-shared --export=get --shared-memory --no-check-features",
    "-r --no-check-features",
];

/// How code finds `z`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// An offset from `__tls_base`.
    ThreadLocal,
    /// Through the GOT, as thread-local.
    ThreadLocalGot,
    Address,
    AddressInData,
    Relative,
    Got,
}

impl Way {
    fn is_thread_local(self) -> bool {
        matches!(self, Way::ThreadLocal | Way::ThreadLocalGot)
    }

    /// Whether code can find data that way.
    fn is_of(self, args: &str) -> bool {
        match self {
            Way::Address => !args.contains("-pie") && !args.contains("-shared "),
            Way::Relative
            | Way::Got
            | Way::ThreadLocalGot
            | Way::ThreadLocal
            | Way::AddressInData => true,
        }
    }

    /// A function `get` that returns where `z` is.
    fn user(self) -> Source {
        let mut source = Source::new();
        source.function("get", sig(0, 1), |body| {
            match self {
                Way::ThreadLocal => (body.global("__tls_base", POINTER)).tls_offset("z").add(),
                Way::Address => body.address("z", 0),
                Way::AddressInData => body.got("place"),
                Way::Relative => body.relative_address("z"),
                Way::ThreadLocalGot | Way::Got => body.got("z"),
            };
        });
        if self == Way::AddressInData {
            source.data("place", ".data.place", [0; 4]);
            source.points(0, RelocType::MemoryAddrI32, "z", 0);
            source.hidden("place");
        }
        if self.is_thread_local() {
            source.flag("z", SymbolFlags::TLS);
        }
        source
    }
}

/// Defines `z`, behind something else.
fn definition(thread_local: bool) -> Source {
    let mut source = Source::new();
    if thread_local {
        source.data("y", ".tdata.y", [1; 4]);
        source.segment_flags(SegmentFlags::TLS);
        source.flag("y", SymbolFlags::TLS);
        source.data("z", ".tdata.z", [7; 4]);
        source.segment_flags(SegmentFlags::TLS);
        source.flag("z", SymbolFlags::TLS);
    } else {
        source.data("z", ".data.z", [7; 4]);
    }
    source.hidden("z");
    source
}

#[test]
fn data_is_thread_local_to_all_or_to_none() {
    for args in MODES {
        for way in [
            Way::ThreadLocal,
            Way::ThreadLocalGot,
            Way::Address,
            Way::AddressInData,
            Way::Relative,
            Way::Got,
        ] {
            for thread_local in [false, true] {
                if !way.is_of(args) {
                    continue;
                }
                for order in ["user.o definition.o", "definition.o user.o"] {
                    let job = Job::new()
                        .file("user.o", way.user().build())
                        .file("definition.o", definition(thread_local).build())
                        .args(order)
                        .args(args);
                    let messages = job.link_with(&job.options()).messages();
                    let expected = way.is_thread_local() != thread_local;
                    let is_error = messages.starts_with("error: user.o: relocation R_WASM_");
                    assert_eq!(is_error, expected, "{way:?} {args} {order}: {messages}");
                    assert!(is_error || messages.is_empty(), "{messages}");
                }
            }
        }
    }
}

#[test]
fn a_mismatch_says_which_way_round() {
    let job = |way: Way, thread_local| {
        let job = Job::new()
            .object("user.o", &way.user())
            .object("definition.o", &definition(thread_local))
            .args(EXECUTABLE)
            .differs("rust-lld asks only where threads share the memory");
        job.fails()
    };
    let messages = [
        job(Way::ThreadLocal, false),
        job(Way::ThreadLocalGot, false),
        job(Way::Address, true),
        job(Way::AddressInData, true),
    ];
    insta::assert_snapshot!(messages.concat());
}

/// A compiler that is not told of threads makes a thread-local variable one like any other, so
/// that objects differ that only one of them was compiled for.
#[test]
fn a_mismatch_of_threads_says_what_to_do() {
    let messages = |way: Way, [user_has, definer_has]: [&'static str; 2], args: &str| {
        let mut user = way.user();
        let mut definer = definition(!way.is_thread_local());
        for (source, features) in [(&mut user, user_has), (&mut definer, definer_has)] {
            if !features.is_empty() {
                source.features(&[features]);
            }
        }
        let job = Job::new()
            .object("user.o", &user)
            .archive("libc.a", &[("errno.o", &definer)])
            .args(args);
        job.link_with(&job.options()).messages()
    };
    let mut all = String::new();
    for way in [
        Way::ThreadLocal,
        Way::ThreadLocalGot,
        Way::Address,
        Way::Got,
    ] {
        for features in [["+atomics", ""], ["", "+atomics"]] {
            let note = "was compiled with -matomics";
            let reported = messages(way, features, EXECUTABLE);
            let explains = way.is_thread_local() == (features[0] == "+atomics");
            assert_eq!(reported.contains(note), explains, "{way:?}: {reported}");
            if explains {
                all += &reported;
            }
            for args in MODES.iter().filter(|args| way.is_of(args)) {
                let reported = messages(way, features, args);
                assert_eq!(reported.contains(note), explains, "{args}: {reported}");
            }
        }
        // Both or none: that is not the reason.
        for features in [["+atomics"; 2], [""; 2], ["-atomics"; 2]] {
            let reported = messages(way, features, EXECUTABLE);
            assert!(!reported.contains(">>>"), "{reported}");
        }
    }
    insta::assert_snapshot!(all);
}

/// Only one kind of import can be made of them.
#[test]
fn references_to_what_a_loader_finds_agree() {
    let mut other = Way::Got.user();
    other.function("other", sig(0, 0), |_| {});
    let mut thread_local = Source::new();
    thread_local.function("here", sig(0, 1), |body| {
        body.got("z");
    });
    thread_local.flag("z", SymbolFlags::TLS);
    for order in ["a.o b.o", "b.o a.o"] {
        let job = Job::new()
            .file("a.o", other.build())
            .file("b.o", thread_local.build())
            .args(order)
            .args("-shared --export=get --export=here")
            .args("--unresolved-symbols=import-dynamic");
        let messages = job.link_with(&job.options()).messages();
        assert!(messages.contains("TLS symbol `z`"), "{messages}");
    }
}

/// An object that uses what another defines can be joined with others before.
#[test]
fn an_object_file_may_refer_to_thread_local_data_of_others() {
    let relocatable = Job::new()
        .object("user.o", &Way::ThreadLocal.user())
        .args("-r")
        .differs("rust-lld asks for a definition");
    let job = Job::new()
        .file("joined.o", relocatable.module())
        .args("joined.o")
        .object("definition.o", &definition(true))
        .args(EXECUTABLE)
        .args("--export=y")
        .differs("rust-lld exports the offset");
    assert_eq!(job.run("get"), 0x1_0004);
}

/// There is one copy, whose address is known.
#[test]
fn without_threads_exports_are_addresses() {
    let job = |args: &str| {
        Job::new()
            .object("user.o", &Way::ThreadLocal.user())
            .object("definition.o", &definition(true))
            .args(args)
            .args("--export=y --export=z")
    };
    let single = job(EXECUTABLE).differs("rust-lld exports the offset");
    let module = single.module();
    instance(&module, |store, instance| {
        let z = instance.get_global(&store, "z").expect("a global");
        assert_eq!(z.get(&store).i32(), Some(0x1_0004));
    });
    assert_eq!(crate::support::run(&module, "get"), 0x1_0004);
    // Each thread has its own, somewhere.
    let threads = print(&job(MODES[1]).module());
    assert!(threads.contains("i32.const 4)\n"), "{threads}");
}

/// A loader adds where the data lies, of which the thread-local comes first.
#[test]
fn a_library_without_threads_exports_addresses() {
    let mut source = definition(true);
    source.data("before", ".data.before", [1; 16]);
    let job = Job::new()
        .object("a.o", &source)
        .args("-shared --no-check-features")
        .args("--export=y --export=z --export=before");
    insta::assert_snapshot!(print(&job.module()));
}

/// Objects of older compilers add the value of what they define themselves to `__tls_base`.
#[test]
fn a_file_knows_what_it_defines() {
    let mut source = Source::new();
    source
        .data("y", ".tdata.y", [1; 4])
        .data("z", ".tdata.z", [7; 4]);
    source.function("get", sig(0, 1), |body| {
        body.global("__tls_base", POINTER).address("z", 0).add();
    });
    for args in [EXECUTABLE, MODES[1]] {
        Job::new().object("a.o", &source).args(args).module();
    }
}

/// Each thread finds its own.
#[test]
fn thread_local_data_points_to_thread_local_data() {
    let mut source = definition(true);
    source.data("pointer", ".tdata.pointer", [0; 4]).align(2);
    source.segment_flags(SegmentFlags::TLS);
    source.flag("pointer", SymbolFlags::TLS);
    source.points(0, RelocType::MemoryAddrI32, "z", 2);
    let job = Job::new()
        .object("a.o", &source)
        .args("-pie --no-entry --shared-memory --no-check-features")
        .args("--no-gc-sections");
    let module = print(&job.module());
    assert!(
        module.contains("    global.get $__tls_base\n    i32.const 6\n    i32.add\n    i32.store"),
        "{module}"
    );
}

/// Threads wait at the guard of `__wasm_init_memory` by atomic instructions, which trap at an address
/// that is not a multiple of 4: the loader has to know what the guard is aligned to.
#[test]
fn the_guard_of_the_memory_asks_for_its_alignment() {
    let mem_info = |align_log2: u32, args: &str, differs: bool| {
        let mut source = Source::new();
        source
            .data("byte", ".data.byte", [7])
            .align(align_log2)
            .function("get", sig(0, 1), |body| {
                body.got("byte");
            });
        let mut job = Job::new()
            .object("a.o", &source)
            .args("--export=get --no-check-features")
            .args(args);
        if differs {
            job = job.differs("rust-lld leaves out the guard's alignment");
        }
        let module = print(&job.module());
        let mem_info = module.lines().find(|line| line.contains("(mem-info"));
        mem_info.unwrap_or_default().trim().to_owned()
    };
    for mode in ["-pie --no-entry", "-shared"] {
        let threads = format!("{mode} --shared-memory --max-memory=131072");
        assert_eq!(
            mem_info(0, &threads, true),
            "(mem-info (memory 8 2))",
            "{mode}"
        );
        assert_eq!(
            mem_info(4, &threads, false),
            "(mem-info (memory 8 4))",
            "{mode}"
        );
        assert_eq!(
            mem_info(0, mode, false),
            "(mem-info (memory 1 0))",
            "{mode}"
        );
    }
}
