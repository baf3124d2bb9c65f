//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/fuzz_targets`. What it finds
//! belongs, once fixed, into `fuzz/regressions`, which the tests replay.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{cargo, root, run, target_dir};
use crate::{Result, unknown_argument};

const TARGETS: &[&str] = &["object", "archive", "link", "module", "demangle"];
const DEFAULT_MINUTES: u64 = 10;
/// Seconds after which one input counts as hanging.
const TIMEOUT: u64 = 10;
/// Megabytes that a run may use.
const MEMORY: u64 = 2048;
/// `SEPARATOR` of `crates/link-core/tests/common/fuzz.rs`.
const SEPARATOR: &[u8] = b"|next|";

pub(crate) fn run_command(args: &[String]) -> Result {
    let mut minutes = DEFAULT_MINUTES;
    let mut targets = TARGETS.to_vec();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--minutes" => {
                let value = value()?;
                minutes = (value.parse()).map_err(|_| format!("`{value}` is no number"))?;
            }
            "--target" => {
                let wanted = value()?;
                targets.retain(|target| target == wanted);
                if targets.is_empty() {
                    let known = TARGETS.join(", ");
                    return Err(format!("there is no target `{wanted}`; there are {known}").into());
                }
            }
            other => return unknown_argument(other),
        }
    }
    require_cargo_fuzz()?;
    let nightly = has_nightly();
    for target in targets {
        fuzz(target, minutes, nightly)?;
    }
    Ok(())
}

fn require_cargo_fuzz() -> Result {
    match cargo().args(["fuzz", "--version"]).output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(
            "`cargo fuzz` is needed for this and is not there; `cargo install cargo-fuzz` \
             installs it (it needs a C++ compiler)"
                .into(),
        ),
    }
}

/// Whether rustup has a nightly toolchain. Without one, the stable compiler is told to take
/// the flags that fuzzing needs.
fn has_nightly() -> bool {
    Command::new("rustup")
        .args(["run", "nightly", "rustc", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn fuzz(target: &str, minutes: u64, nightly: bool) -> Result {
    let scratch = target_dir()?.join("fuzz");
    let [corpus, seeds, artifacts] =
        ["corpus", "seeds", "artifacts"].map(|kind| scratch.join(kind).join(target));
    for directory in [&corpus, &seeds, &artifacts] {
        fs::create_dir_all(directory)?;
    }
    write_seeds(target, &seeds)?;
    let regressions = root().join("fuzz/regressions").join(target);

    let mut command = if nightly {
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo"]);
        command.current_dir(root());
        command
    } else {
        let mut command = cargo();
        command.env("RUSTC_BOOTSTRAP", "1");
        command
    };
    command
        .args(["fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir"])
        .arg(scratch.join("build"))
        .args([target])
        // What is found new goes into the first.
        .args([&corpus, &seeds]);
    if regressions.is_dir() {
        command.arg(&regressions);
    }
    let mut prefix = OsString::from("-artifact_prefix=");
    prefix.push(&artifacts);
    prefix.push("/");
    command.arg("--").arg(prefix).args([
        format!("-max_total_time={}", minutes * 60),
        format!("-timeout={TIMEOUT}"),
        format!("-rss_limit_mb={MEMORY}"),
        "-max_len=16384".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    run(&mut command).map_err(|error| {
        format!(
            "{error}\nThe input is in {}. Once it is dealt with, move it to \
             fuzz/regressions/{target}, where tests replay it.",
            artifacts.display()
        )
        .into()
    })
}

/// What fuzzing starts from: the objects that tests link, or the names that tests demangle. What
/// is done to a module any bytes decide, so there it starts from some.
fn write_seeds(target: &str, directory: &Path) -> Result {
    if target == "module" {
        for len in [64, 256, 1024] {
            let bytes: Vec<u8> = (0..len).map(|nth: u32| (nth * 89 + len) as u8).collect();
            fs::write(directory.join(len.to_string()), bytes)?;
        }
        return Ok(());
    }
    if target == "demangle" {
        let table = root().join("crates/cxx-demangle/tests/data/features.tsv");
        for (number, line) in fs::read_to_string(table)?.lines().enumerate() {
            let name = line.split('\t').next().unwrap_or_default();
            fs::write(directory.join(format!("{number}")), name)?;
        }
        return Ok(());
    }
    let mut objects = Vec::new();
    for entry in fs::read_dir(root().join("crates/link-core/tests/link/objects"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "o") {
            objects.push(path);
        }
    }
    objects.sort();
    let contents: Vec<Vec<u8>> = objects
        .iter()
        .map(fs::read)
        .collect::<std::io::Result<_>>()?;
    let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
    for (i, (path, object)) in objects.iter().zip(&contents).enumerate() {
        let name = stem(path);
        let other = (
            &objects[(i + 1) % objects.len()],
            &contents[(i + 1) % contents.len()],
        );
        match target {
            "object" => seeds.push((name, object.clone())),
            "archive" => seeds.push((name, archive(&[(path, object), other]))),
            _ => {
                seeds.push((name.clone(), object.clone()));
                let files = [object, other.1, [0; 8].as_slice()].join(SEPARATOR);
                seeds.push((format!("{name}-two"), files));
            }
        }
    }
    for (name, seed) in seeds {
        fs::write(directory.join(name), seed)?;
    }
    Ok(())
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into()
}

/// A GNU archive without an index, its members' names short.
fn archive(members: &[(&PathBuf, &Vec<u8>)]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (path, contents) in members {
        let name = stem(path) + "/";
        let len = contents.len();
        out.extend(
            format!(
                "{name:<16.16}{:<12}{:<6}{:<6}{:<8}{len:<10}`\n",
                0, 0, 0, 644
            )
            .bytes(),
        );
        out.extend_from_slice(contents);
        out.extend((len % 2 == 1).then_some(b'\n'));
    }
    out
}
