//! `cargo xtask differential`: random link problems, each solved by `wasm-link` and by
//! `rust-lld`. Exit code, messages and module must be the same, byte for byte (but for relocations of
//! functions that the linkers write, which `rust-lld` does not keep). Another build of
//! `wasm-link` can take the place of `rust-lld`, which tells whether a change kept every output.

mod alike;
mod code;
mod compare;
mod contents;
mod encode;
mod generate;
mod object;
mod options;
mod problem;
mod reduce;
mod symbols;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use compare::{Difference, Linkers};
use object::{Function, Item, Object, Segment};
use wasm_format::linking::SegmentFlags;

use crate::process::{build_dir, cargo, reference_lld, run, target_dir};
use crate::{Result, unknown_argument};

const DEFAULT_COUNT: u64 = 1000;
/// Of one kind of difference, so many are reduced and kept.
const KEPT: usize = 2;

struct Arguments {
    count: u64,
    seed: u64,
    keep: Option<PathBuf>,
    reduce: bool,
    /// A build of `wasm-link` to compare with instead of `rust-lld`.
    linker: Option<PathBuf>,
}

pub(crate) fn run_command(args: &[String]) -> Result {
    let mut arguments = Arguments {
        count: DEFAULT_COUNT,
        seed: 1,
        keep: None,
        reduce: false,
        linker: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        let number = |text: &String| text.parse().map_err(|_| format!("`{text}` is no number"));
        match arg.as_str() {
            "--count" => arguments.count = number(value()?)?,
            "--seed" => arguments.seed = number(value()?)?,
            "--keep" => arguments.keep = Some(std::path::absolute(value()?)?),
            "--reduce" => arguments.reduce = true,
            "--linker" => arguments.linker = Some(std::path::absolute(value()?)?),
            other => return unknown_argument(other),
        }
    }
    compare_all(&arguments)
}

/// Problems that are the same on every run.
pub(crate) fn run_some(count: u64) -> Result {
    compare_all(&Arguments {
        count,
        seed: 1,
        keep: None,
        reduce: false,
        linker: None,
    })
}

/// An object whose program holds so many bytes of data.
pub(crate) fn object_of_size(len: usize) -> Vec<u8> {
    let data = Segment {
        name: ".data.large".into(),
        align_log2: 0,
        flags: SegmentFlags::RETAIN.0,
        bytes: vec![1; len],
        relocs: Vec::new(),
        places: Vec::new(),
    };
    let start = Function {
        name: "_start".into(),
        flags: 0,
        signature: 0,
        export: None,
        body: Vec::new(),
    };
    encode::encode(&Object {
        items: vec![Item::Function(start), Item::Segment(data)],
        ..Object::default()
    })
}

/// What was found: kind of difference, and the seeds of the problems with it.
type Found = BTreeMap<String, Vec<(u64, String)>>;

fn compare_all(arguments: &Arguments) -> Result {
    run(cargo().args(["build", "--quiet", "-p", "link-cli"]))?;
    let scratch = target_dir()?.join("differential");
    fs::create_dir_all(&scratch)?;
    let reference = match &arguments.linker {
        Some(build) => as_wasm_ld(build, &scratch.join("reference"))?,
        None => reference_lld()?,
    };
    let linkers = Linkers {
        cooperative: compare::is_cooperative(&reference)?,
        reference,
        ours: as_wasm_ld(&built()?, &scratch)?,
    };
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found::new());
    let linked = AtomicU64::new(0);
    let workers = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| -> Result {
        let workers: Vec<_> = (0..workers)
            .map(|worker| {
                let directory = scratch.join(format!("worker{worker}"));
                let (linkers, found, next, linked) = (&linkers, &found, &next, &linked);
                scope.spawn(move || -> std::result::Result<(), String> {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= arguments.count {
                            return Ok(());
                        }
                        let seed = arguments.seed + number;
                        let problem = generate::problem(seed, linkers.cooperative);
                        let made = linkers
                            .link(&problem, &directory)
                            .map_err(|error| error.to_string())?;
                        if made[0].module.is_some() {
                            linked.fetch_add(1, Ordering::Relaxed);
                        }
                        if let Some(difference) = compare::difference(&made) {
                            note(arguments, linkers, found, seed, &difference)
                                .map_err(|error| error.to_string())?;
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| "a worker panicked")??;
        }
        Ok(())
    })?;
    let found = found.into_inner().unwrap_or_default();
    report(arguments, &found, linked.into_inner())
}

/// The command of this workspace.
fn built() -> Result<PathBuf> {
    Ok(build_dir(false)?.join(format!("wasm-link{}", std::env::consts::EXE_SUFFIX)))
}

/// A build of the command in `directory`, under the name that makes it print what `wasm-ld` prints.
fn as_wasm_ld(build: &Path, directory: &Path) -> Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!("wasm-ld{}", std::env::consts::EXE_SUFFIX));
    fs::copy(build, &path)?;
    Ok(path)
}

fn note(
    arguments: &Arguments,
    linkers: &Linkers,
    found: &Mutex<Found>,
    seed: u64,
    difference: &Difference,
) -> Result {
    let nth = {
        let mut found = found.lock().map_err(|_| "a worker panicked")?;
        let list = found.entry(difference.kind.clone()).or_default();
        list.push((seed, difference.details.clone()));
        list.len()
    };
    if let Some(keep) = &arguments.keep
        && nth <= KEPT
    {
        let directory = keep.join(seed.to_string());
        let mut problem = generate::problem(seed, linkers.cooperative);
        if arguments.reduce {
            problem = reduce::reduce(problem, &difference.kind, linkers, &directory)?;
        }
        let made = linkers.link(&problem, &directory)?;
        fs::write(directory.join("problem.txt"), problem.describe())?;
        if let Some(difference) = compare::difference(&made) {
            let text = format!("{}\n{}\n", difference.kind, difference.details);
            fs::write(directory.join("difference.txt"), text)?;
        }
    }
    Ok(())
}

fn report(arguments: &Arguments, found: &Found, linked: u64) -> Result {
    let mut kinds: Vec<_> = found.iter().collect();
    kinds.sort_by_key(|(_, list)| std::cmp::Reverse(list.len()));
    for (kind, list) in &kinds {
        let seeds: Vec<_> = list
            .iter()
            .take(5)
            .map(|(seed, _)| seed.to_string())
            .collect();
        println!("{} × {kind} (seeds {})", list.len(), seeds.join(", "));
        if let Some((_, details)) = list.first() {
            for line in details.lines().take(12) {
                println!("    {line}");
            }
        }
    }
    let different: usize = kinds.iter().map(|(_, list)| list.len()).sum();
    println!(
        "{} problems from seed {} on: {linked} linked by {}, {different} different",
        arguments.count,
        arguments.seed,
        match &arguments.linker {
            Some(build) => build.display().to_string(),
            None => "rust-lld".to_owned(),
        }
    );
    if different == 0 {
        Ok(())
    } else {
        Err(format!("{different} problems are solved differently").into())
    }
}
