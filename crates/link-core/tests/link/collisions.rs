//! Names that collide under a hash without a seed: links of them take no longer than links of any
//! others.

use std::time::{Duration, Instant};

use link_core::Options;
use link_core::module::Module;
use link_core::options::{Entry, OutputKind};
use wasm_format::linking::SymbolFlags;

use crate::common::source::{Source, sig};
use crate::common::{ArchiveForm, MemoryFiles, archive};
use crate::support::Job;

/// Enough for a table that compares all of them to take twenty times as long.
const NAMES: usize = 8_000;
/// How much longer colliding names may take: the machine may be busy just then.
const RATIO: u32 = 5;
/// Links that take no longer say nothing.
const FLOOR: Duration = Duration::from_millis(300);

/// Names of 48 letters and digits. In the hash of the crate rustc-hash, which starts with constants,
/// the first 16 bytes make a word that the bytes from the 32nd on are combined with before they are
/// multiplied: equal to it, they make the product 0, and the hash of every name is its length.
fn colliding() -> Vec<&'static str> {
    fn mix(x: u64, y: u64) -> u64 {
        let product = u128::from(x) * u128::from(y);
        product as u64 ^ (product >> 64) as u64
    }
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let heads = (0..10_000_000).map(|nth| format!("n{nth:015}"));
    let (head, middle) = heads
        .map(|head| {
            let (x, y) = head.as_bytes().split_at(8);
            let x = 0x243f_6a88_85a3_08d3 ^ word(x);
            let y = 0xa409_3822_299f_31d0 ^ word(y);
            (head, mix(x, y).to_le_bytes())
        })
        .find(|(_, middle)| middle.iter().all(u8::is_ascii_alphanumeric))
        .expect("one of 70,000 will do");
    let middle = str::from_utf8(&middle).expect("letters and digits");
    (0..NAMES)
        .map(|nth| &*format!("{head}{nth:016}{middle}{nth:08}").leak())
        .collect()
}

/// As long, and no two alike.
fn others() -> Vec<&'static str> {
    (0..NAMES)
        .map(|nth| &*format!("n{nth:015}{nth:016}{:016}", nth * 12_345).leak())
        .collect()
}

/// Does something with names.
type Run = fn(&[&'static str]);

fn seconds(names: &[&'static str], run: Run) -> Duration {
    let start = Instant::now();
    run(names);
    start.elapsed()
}

fn options() -> Options {
    let mut options = Options::default();
    options.entry = Entry::None;
    options.threads = Some(1);
    options.error_limit = 0;
    options.gc_sections = false;
    options
}

/// Links an object; `expect` says whether that succeeds.
fn link(source: &Source, options: &Options, expect: bool) {
    let done = Job::new().object("names.o", source).link_with(options);
    assert_eq!(done.outcome.is_ok(), expect, "{}", done.messages());
}

fn imports(names: &[&'static str]) {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |body| {
        for name in names {
            body.call(name, sig(0, 0));
        }
    });
    let mut options = options();
    options.import_undefined = true;
    link(&source, &options, true);
    options.import_undefined = false;
    link(&source, &options, false);
    options.output = OutputKind::Relocatable;
    link(&source, &options, true);
}

fn exports(names: &[&'static str]) {
    let mut source = Source::new();
    for name in names {
        source.function(name, sig(0, 0), |_| {});
        source.flag(name, SymbolFlags::EXPORTED);
    }
    link(&source, &options(), true);
}

/// One name, several signatures.
fn variants(names: &[&'static str]) {
    let mut source = Source::new();
    source.function("f", sig(0, 0), |body| {
        for name in names {
            body.call(name, sig(0, 0));
        }
    });
    let mut other = Source::new();
    for name in names {
        other.constant(name, 1);
    }
    let job = Job::new().object("a.o", &source).object("b.o", &other);
    let mut options = options();
    options.wrap = names.iter().map(|&name| name.to_owned()).collect();
    assert!(job.link_with(&options).outcome.is_ok());
}

fn segments(names: &[&'static str]) {
    let mut source = Source::new();
    for name in names {
        source.data(name, name, [1]);
    }
    let bounds = names.iter().map(|name| &*format!("__start_{name}").leak());
    let bounds: Vec<&'static str> = bounds.collect();
    source.function("f", sig(0, 0), |body| {
        for bound in bounds {
            body.address(bound, 0).drop();
        }
    });
    link(&source, &options(), true);
}

fn custom_sections(names: &[&'static str]) {
    let mut source = Source::new();
    for name in names {
        source.custom(name, [1]);
    }
    source.constant("f", 1);
    link(&source, &options(), true);
}

fn comdats(names: &[&'static str]) {
    let mut source = Source::new();
    for name in names {
        source
            .function(name, sig(0, 0), |_| {})
            .comdat(name, &[name]);
    }
    let job = Job::new().object("a.o", &source).object("b.o", &source);
    assert!(job.link_with(&options()).outcome.is_ok());
}

/// Members of an archive, and symbols of its index.
fn members(names: &[&'static str]) {
    let object = Source::new().constant("f", 1).build();
    let members: Vec<(&str, &[u8])> = names.iter().map(|&name| (name, &object[..])).collect();
    let index: Vec<(usize, &str)> = names.iter().copied().enumerate().collect();
    let archive = archive(ArchiveForm::Gnu, &members, &index);
    let files = MemoryFiles::default().with("libx.a", archive);
    let job = files.0.into_iter().fold(Job::new(), |job, (path, bytes)| {
        let name = path.to_string_lossy().into_owned();
        job.file(&name, bytes).args(&name)
    });
    assert!(job.link_with(&options()).outcome.is_ok());
}

/// The engine's names and exports.
fn declarations(names: &[&'static str]) {
    let mut module = Module::default();
    for name in names {
        module.announce_function(*name).expect("a new name");
    }
}

#[test]
fn colliding_names_take_no_longer() {
    let (colliding, others) = (colliding(), others());
    let mut slow = Vec::new();
    let kinds: [(&str, Run); 8] = [
        ("imports and undefined symbols", imports),
        ("exports", exports),
        ("several signatures, and --wrap", variants),
        ("segments", segments),
        ("custom sections", custom_sections),
        ("comdats", comdats),
        ("members of an archive", members),
        ("declarations", declarations),
    ];
    for (kind, run) in kinds {
        let (usual, took) = (seconds(&others, run), seconds(&colliding, run));
        if took > FLOOR.max(usual * RATIO) {
            slow.push(format!("{kind}: {took:?} instead of {usual:?}"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
