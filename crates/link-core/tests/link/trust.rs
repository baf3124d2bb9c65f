//! Untrusted inputs: what fuzzing found, damaged links, and numbers chosen
//! to overflow.

use std::path::Path;
use std::time::{Duration, Instant};

use link_core::options::{Entry, Strip};
use link_core::{Options, Threads};
use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::common::{ArchiveForm, Random, archive, fuzz, mutate};
use crate::support::Job;

const INPUTS: usize = 5_000;
/// Far more than any of these small inputs takes, far less than a runaway loop does.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn what_fuzzing_found() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    assert!(directory.is_dir());
    let replay = |target: &str, run: &dyn Fn(&[u8])| {
        let Ok(entries) = std::fs::read_dir(directory.join(target)) else {
            return;
        };
        for entry in entries {
            run(&std::fs::read(entry.expect("an entry").path()).expect("a regression"));
        }
    };
    replay("object", &fuzz::object);
    replay("archive", &fuzz::archive);
    replay("link", &|bytes| {
        fuzz::link(bytes);
    });
    replay("module", &|bytes| {
        fuzz::module(bytes);
    });
}

/// Two objects that have to do with each other, and have something of everything.
fn seeds() -> Vec<Vec<u8>> {
    let mut a = Source::new();
    a.function("main", sig(0, 0), |body| {
        body.address("text", 1).call("callee", sig(1, 0));
        body.pointer("f", sig(0, 1)).call_indirect(sig(0, 1)).drop();
    })
    .weak("f")
    .data("text", ".rodata.str", *b"hello\0")
    .data("pointers", ".data.pointers", [0; 8])
    .points(0, RelocType::TableIndexI32, "main", 0)
    .points(4, RelocType::MemoryAddrI32, "text", 2)
    .flag("pointers", SymbolFlags::NO_STRIP)
    .custom(".debug_info", [0; 8])
    .describes(0, RelocType::FunctionOffsetI32, "main", 0)
    .describes(4, RelocType::SectionOffsetI32, ".debug_info", 4)
    .init(100, "main")
    .comdat("group", &["pointers"])
    .features(&["+mutable-globals", "+bulk-memory"])
    .producers(&[("language", "C11", ""), ("processed-by", "clang", "19")]);
    let mut b = Source::new();
    b.function("callee", sig(1, 0), |_| {})
        .constant("f", 3)
        .data("group", ".bss.group", [0; 16])
        .align(4)
        .comdat("group", &["group"])
        .tag("exception", sig(1, 0));
    let (a, b) = (a.build(), b.build());
    let library = archive(ArchiveForm::Gnu, &[("b.o", &b)], &[(0, "callee"), (0, "f")]);
    vec![
        [&a[..], &b].join(fuzz::SEPARATOR),
        [&a[..], &library].join(fuzz::SEPARATOR),
        [&library[..], &a].join(fuzz::SEPARATOR),
    ]
}

#[test]
fn five_thousand_damaged_links() {
    let seeds = seeds();
    for seed in &seeds {
        assert!(fuzz::link(seed), "a seed links");
    }
    let mut random = Random(0x11_4c);
    let mut good = 0;
    for round in 0..INPUTS {
        let mut bytes = seeds[round % seeds.len()].clone();
        mutate(&mut bytes, &mut random);
        bytes.extend_from_slice(fuzz::SEPARATOR);
        // Three of four links have the default options.
        let bits = if round % 4 != 0 { 0 } else { random.next() };
        bytes.extend(bits.to_le_bytes());
        let start = Instant::now();
        good += usize::from(fuzz::link(&bytes));
        let elapsed = start.elapsed();
        assert!(elapsed < LIMIT, "round {round} took {elapsed:?}");
    }
    // Damage that is always noticed at once, or never, would test little.
    assert!(
        (INPUTS / 40..INPUTS * 3 / 4).contains(&good),
        "{good} linked"
    );
}

fn library_options() -> Options {
    let mut options = Options::default();
    options.entry = Entry::None;
    options.export_all = true;
    options.threads = Some(1);
    options
}

/// A link that this library refuses; nothing is compared.
fn refused(job: &Job, options: &Options) -> String {
    let done = job.link_with(options);
    assert!(done.outcome.is_err());
    done.messages()
}

#[test]
fn numbers_that_overflow() {
    let mut source = Source::new();
    source.data("x", ".data.x", [1, 2, 3, 4]).align(31);
    let mut other = Source::new();
    other.data("y", ".data.y", [1]).align(31);
    let job = Job::new().object("x.o", &source).object("y.o", &other);
    let mut messages = Vec::new();
    let mut refuse = |change: &dyn Fn(&mut Options)| {
        let mut options = library_options();
        change(&mut options);
        messages.push(refused(&job, &options));
    };
    refuse(&|options| options.merge_data_segments = Some(true));
    refuse(&|options| options.memory.global_base = Some(u64::MAX));
    refuse(&|options| options.memory.stack_size = u64::MAX);
    refuse(&|options| options.memory.initial = Some(u64::MAX));
    refuse(&|options| options.memory.initial_heap = Some(u64::MAX));
    refuse(&|options| options.memory.max = Some(0));
    insta::assert_snapshot!(messages.join("--\n"));
}

#[test]
fn settings_that_make_no_sense() {
    let mut source = Source::new();
    source
        .constant("f", 1)
        .data("pointer", ".data.pointer", [0; 4])
        .points(0, RelocType::TableIndexI32, "f", 0);
    let job = Job::new().object("x.o", &source);
    let mut messages = Vec::new();
    let mut refuse = |change: &dyn Fn(&mut Options)| {
        let mut options = library_options();
        change(&mut options);
        messages.push(refused(&job, &options));
    };
    refuse(&|options| options.memory.page_size = 0);
    refuse(&|options| options.memory.page_size = 3);
    refuse(&|options| options.table.base = Some(u64::MAX));
    refuse(&|options| options.table.base = Some(u64::from(u32::MAX)));
    insta::assert_snapshot!(messages.join("--\n"));
}

/// Relocations of debug info are looked at when they are written: a link that gets so far
/// refuses them all the same, and one that strips them does not look.
#[test]
fn damaged_relocations_of_debug_info() {
    let mut source = Source::new();
    source
        .start(&[])
        .custom(".debug_info", [0; 12])
        .describes(0, RelocType::FunctionOffsetI32, "_start", 0)
        .describes(4, RelocType::SectionOffsetI32, ".debug_info", 4)
        .describes(8, RelocType::FunctionOffsetI32, "_start", 0);
    let good = source.build();
    let name = b"reloc..debug_info";
    let at = good.windows(name.len()).position(|bytes| bytes == name);
    // After the name: the patched section, the count, and the entries.
    let entries = at.expect("the section is there") + name.len() + 2;
    // What is known of an entry's function by the one before it vouches for nothing else.
    let (first, last) = (0, 8);
    let mut messages = String::new();
    for (place, byte) in [
        (first, 99),
        (first, 4),
        (first + 1, 0xff),
        (first + 1, 11),
        (first + 2, 100),
        (first + 3, 0xff),
        (last, 9),
        (last + 1, 7),
        (last + 1, 9),
        (last + 2, 100),
    ] {
        let mut bad = good.clone();
        bad[entries + place] = byte;
        let job = Job::new().file("bad.o", bad).args("bad.o");
        messages += &refused(&job, &Options::default());
        let mut options = Options::default();
        options.strip = Strip::Debug;
        assert!(job.link_with(&options).outcome.is_ok());
    }
    insta::assert_snapshot!(messages);
}

/// Many of everything, in the order that is worst: none of it may take time that grows
/// with the square of its number.
#[test]
fn many_names() {
    let leak = |name: String| -> &'static str { name.leak() };
    let mut source = Source::new();
    for i in 0..20_000 {
        source.constant(leak(format!("function_number_{i}")), i);
    }
    source.function("_start", sig(0, 0), |body| {
        for i in 0..20_000 {
            body.call(leak(format!("fumction_number_{i}")), sig(0, 1))
                .drop();
        }
    });
    let job = Job::new().object("many.o", &source);
    let start = Instant::now();
    let mut options = Options::default();
    options.error_limit = 0;
    let messages = refused(&job, &options);
    assert!(messages.contains("did you mean"));
    assert!(start.elapsed() < 4 * LIMIT, "{:?}", start.elapsed());
}

#[test]
fn a_long_chain_of_members() {
    let leak = |name: String| -> &'static str { name.leak() };
    let members: Vec<(String, Source)> = (0..5_000)
        .map(|i| {
            let mut source = Source::new();
            source.function(leak(format!("f{i}")), sig(0, 0), |body| {
                body.call(leak(format!("f{}", (i + 1) % 5_000)), sig(0, 0));
            });
            (format!("{i}.o"), source)
        })
        .collect();
    let members: Vec<(&str, &Source)> = members.iter().map(|(n, s)| (&n[..], s)).collect();
    let job = Job::new()
        .object("start.o", Source::new().start(&["f0"]))
        .archive("libchain.a", &members);
    let done = job.link_with(&Options::default());
    assert!(done.outcome.is_ok(), "{}", done.messages());
    // The same in the threads of a pool, whose stacks are small.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(256 << 10)
        .build();
    let env = link_core::Env {
        files: &job.memory_files(),
        threads: Threads::Pool(&pool.expect("a pool")),
        ..link_core::env::Env::default()
    };
    let mut module = Vec::new();
    link_core::link(job.inputs(), &Options::default(), &env, &mut module).expect("it links");
}

/// A local function of a comdat that was discarded has no index; any that stood for it would be
/// another function's.
#[test]
fn indices_that_the_output_does_not_have() {
    let file = |by: &'static str| {
        let mut source = Source::new();
        source.constant("shared", 1).constant("helper", 2);
        source
            .local("helper")
            .comdat("shared", &["shared", "helper"]);
        source.function(by, sig(0, 1), |body| {
            body.call("helper", sig(0, 1));
        });
        source.flag(by, SymbolFlags::EXPORTED);
        source
    };
    let job = |args| {
        Job::new()
            .object("one.o", &file("one"))
            .object("two.o", &file("two"))
            .args("--no-entry")
            .args(args)
    };
    let mut messages = Vec::new();
    for args in ["", "-S --compress-relocations", "-r"] {
        let job = job(args);
        messages.push(job.link_with(&job.options()).messages());
    }
    insta::assert_snapshot!(messages.join("--\n"));
}
