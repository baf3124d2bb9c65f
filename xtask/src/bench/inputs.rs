//! What is linked.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::big::{self, Big};
use super::linkers::Linker;
use super::options::Options;
use crate::realworld::tools::{self, BUILTINS, LIB};
use crate::realworld::{bundled, rust, sources};
use crate::{Result, process};

/// The archive tool that takes members out of rlibs.
const AR: &str = "llvm-ar-22";

/// What is pulled of the input `big-archive`, without the archives: it is measured beside that one
/// alone.
pub(super) const PULLED: &str = "big-pulled";

/// A link.
pub(super) struct Input {
    pub(super) name: &'static str,
    /// Where the linker is started.
    pub(super) dir: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// The files that are linked, libraries that are searched among them.
    pub(super) files: Vec<PathBuf>,
    /// How many times as fast as `rust-lld` ours is to be.
    pub(super) bar: Option<f64>,
}

impl Input {
    /// The size of all files in bytes.
    pub(super) fn bytes(&self) -> Result<u64> {
        let sizes = self.files.iter().map(|file| {
            let metadata = fs::metadata(file);
            metadata.map_or_else(
                |error| Err(format!("{}: {error}", file.display()).into()),
                |metadata| Ok(metadata.len()),
            )
        });
        sizes.sum()
    }
}

/// Makes the inputs that are wanted, unless they are there. `linker` is ours.
pub(super) fn make(options: &Options, work: &Path, linker: &Linker) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    let wanted = |names: &[&str]| names.iter().any(|name| options.wants(name));
    let compiled = [
        "hello",
        "sqlite",
        "sqlite-stripped",
        "c++",
        "c++-whole",
        "rust",
    ];
    if wanted(&compiled) {
        tools::check_compiler()?;
    }
    let objects = work.join("objects");
    if wanted(&["hello"]) {
        let object = sources::program(&objects, "hello.c", &["-O2", "-g"])?;
        inputs.push(wasi("hello", vec![object], &["c"], &[], Some(5.0)));
    }
    if wanted(&["sqlite", "sqlite-stripped"]) {
        let bundled = bundled::fetch(&process::target_dir()?.join("realworld"))?;
        let files = sources::sqlite(&objects, &["-O2", "-g"], &bundled)?;
        let libraries = ["c-printscan-long-double", "c"];
        inputs.push(wasi("sqlite", files.clone(), &libraries, &[], Some(5.0)));
        inputs.push(wasi(
            "sqlite-stripped",
            files,
            &libraries,
            &["--strip-all"],
            None,
        ));
    }
    if wanted(&["c++", "c++-whole"]) {
        let object = sources::iostream(&objects, &["-O0", "-g"])?;
        let libraries = ["c++", "c++abi", "c"];
        inputs.push(wasi(
            "c++",
            vec![object.clone()],
            &libraries,
            &[],
            Some(5.0),
        ));
        inputs.push(whole_archive(object));
    }
    if wanted(&["rust"]) {
        inputs.push(rust(&work.join("rust"), linker)?);
    }
    if wanted(&["big", "big-stripped", "big-archive"]) {
        let big = big::make(work, options.scale)?;
        inputs.extend(bigs(&big)?);
    }
    inputs.retain(|input| {
        // What is beside another input goes with it.
        let name = if input.name == PULLED {
            "big-archive"
        } else {
            input.name
        };
        options.wants(name)
    });
    Ok(inputs)
}

/// A program over Debian's WASI libraries, linked as clang links it.
fn wasi(
    name: &'static str,
    objects: Vec<PathBuf>,
    libraries: &[&str],
    options: &[&str],
    bar: Option<f64>,
) -> Input {
    let mut files = vec![format!("{LIB}/crt1-command.o").into()];
    files.extend(objects);
    let mut arguments: Vec<OsString> = files.iter().map(Into::into).collect();
    arguments.push(format!("-L{LIB}").into());
    for library in libraries {
        files.push(format!("{LIB}/lib{library}.a").into());
        arguments.push(format!("-l{library}").into());
    }
    files.push(BUILTINS.into());
    arguments.push(BUILTINS.into());
    arguments.extend(options.iter().map(Into::into));
    Input {
        name,
        dir: process::root().to_owned(),
        arguments,
        files,
        bar,
    }
}

/// The C++ program with everything that is in C++'s library: Debian's has what is in libc++abi,
/// too.
fn whole_archive(object: PathBuf) -> Input {
    let mut input = wasi("c++-whole", vec![object], &["c"], &[], None);
    let library = format!("{LIB}/libc++.a");
    for argument in ["--whole-archive", &library, "--no-whole-archive"] {
        input.arguments.push(argument.into());
    }
    input.files.push(library.into());
    input
}

/// The inputs that this repository generates.
fn bigs(big: &Big) -> Result<Vec<Input>> {
    let input = |name, list: &str, options: &[&str], bar| -> Result<Input> {
        let mut arguments = vec![format!("@{list}").into()];
        arguments.extend(options.iter().map(Into::into));
        let names = fs::read_to_string(big.dir.join(list))?;
        Ok(Input {
            name,
            dir: big.dir.clone(),
            arguments,
            files: names.lines().map(|name| big.dir.join(name)).collect(),
            bar,
        })
    };
    Ok(vec![
        input("big", big.objects, &[], Some(6.0))?,
        input("big-stripped", big.objects, &["--strip-debug"], Some(6.0))?,
        input("big-archive", big.archives, &[], Some(8.0))?,
        input(PULLED, big.pulled, &[], None)?,
    ])
}

/// `big` of another scale, to see how the cost grows.
pub(super) fn big_of_scale(work: &Path, scale: f64) -> Result<Input> {
    let inputs = bigs(&big::make(work, scale)?)?;
    let big = inputs.into_iter().find(|input| input.name == "big");
    big.ok_or_else(|| "there is no input `big`".into())
}

/// A Rust program with the standard library of Debian's rustc. That compiler is asked once; what
/// it hands to the linker is kept, without the metadata in the libraries, which `rust-lld`
/// rejects.
fn rust(dir: &Path, linker: &Linker) -> Result<Input> {
    let response = dir.join("reproduce/response.txt");
    if !response.is_file() {
        // Made beside its place and renamed, so that an interrupted run leaves no half of it.
        let partial = dir.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&partial)?;
        capture_rust(&partial, linker)?;
        fs::rename(partial, dir)?;
    }
    Ok(Input {
        name: "rust",
        files: linked(&response)?,
        dir: dir.join("reproduce"),
        arguments: vec!["@response.txt".into()],
        bar: None,
    })
}

/// Compiles the program, and unpacks in `dir` what was to be linked.
fn capture_rust(dir: &Path, linker: &Linker) -> Result {
    process::require(AR, "llvm-22")?;
    process::require("tar", "tar")?;
    let root = rust::unpack(&process::target_dir()?.join("realworld"))?;
    let kept = dir.join("reproduce.tar");
    tools::succeed(
        rust::rustc(&root)
            .args(["--edition=2021", "--target=wasm32-wasi"])
            .args(["-Copt-level=0", "-Cdebuginfo=2"])
            .arg(format!("-Clinker={}", linker.program.display()))
            .arg(format!("-Clink-arg=--reproduce={}", kept.display()))
            .arg(tools::source("std.rs"))
            .arg("-o")
            .arg(dir.join("std.wasm")),
    )?;
    tools::succeed(Command::new("tar").arg("-xf").arg(&kept).arg("-C").arg(dir))?;
    fs::remove_file(kept)?;
    for file in linked(&dir.join("reproduce/response.txt"))? {
        if file
            .extension()
            .is_some_and(|extension| extension == "rlib")
        {
            tools::succeed(Command::new(AR).arg("d").arg(file).arg("lib.rmeta"))?;
        }
    }
    Ok(())
}

/// The files that a response file names, which lie beside it.
fn linked(response: &Path) -> Result<Vec<PathBuf>> {
    let dir = response.parent().unwrap_or(response);
    let text = fs::read_to_string(response)?;
    let files = text.lines().map(|line| dir.join(line.trim_matches('"')));
    Ok(files.filter(|file| file.is_file()).collect())
}
