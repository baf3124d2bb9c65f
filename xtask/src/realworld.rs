//! `realworld`: programs of C, C++, Rust and Zig that are linked by `wasm-link` and by the toolchain's
//! `rust-lld`, run, and compared: what they print and how they end, what the modules import and
//! export, how large they are, what their debug information says.
//!
//! The lines of docs/toolchains.md are run and compared as well.
//!
//! The programs are in `xtask/programs`. Objects, outputs and what is downloaded lie in
//! `realworld` of the target directory.

mod bindgen;
pub(crate) mod bundled;
mod compile;
mod components;
mod dwarf;
mod facts;
mod freestanding;
mod linker;
mod recipes;
mod report;
pub(crate) mod rust;
mod rustup;
pub(crate) mod sources;
pub(crate) mod tools;
mod wasi;
mod zig;

use std::path::PathBuf;

use crate::realworld::linker::Linker;
use crate::table::Table;
use crate::{Result, process, unknown_argument};

/// What all comparisons share.
struct Context {
    /// Where everything is made.
    work: PathBuf,
    ours: Linker,
    theirs: Linker,
    /// A part of the names of the programs that are wanted.
    filter: Option<String>,
    /// Whether what takes longer is wanted too.
    all: bool,
    table: Table,
    problems: Vec<String>,
}

impl Context {
    /// Whether the program is wanted.
    fn wants(&self, program: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| program.contains(filter.as_str()))
    }

    /// Whether a program can be wanted whose name begins with `start`.
    fn can_want(&self, start: &str) -> bool {
        self.wants(start) || self.filter.as_ref().is_some_and(|it| it.contains(start))
    }

    fn problem(&mut self, program: &str, problem: &str) {
        self.problems.push(format!("{program}: {problem}"));
    }
}

/// Runs the command; see `cargo xtask help`.
pub(crate) fn run_command(args: &[String]) -> Result {
    let mut linker = None;
    let mut filter = None;
    let mut all = false;
    let mut arguments = vec!["-flavor".to_owned(), "wasm".to_owned()];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--linker" => linker = args.next().map(std::path::absolute).transpose()?,
            "--all" => all = true,
            "--filter" => filter = args.next().cloned(),
            _ if arg.starts_with("--backend=") => arguments.push(arg.clone()),
            _ => return unknown_argument(arg),
        }
    }
    tools::check()?;
    let work = process::target_dir()?.join("realworld");
    let linker = if let Some(linker) = linker {
        linker
    } else {
        process::build_wasm_link()?
    };
    let heading = [
        "program",
        "rust-lld",
        "bytes",
        "size",
        "functions",
        "data",
        "rust-lld ms",
        "ms",
        "result",
    ];
    let mut context = Context {
        ours: Linker {
            name: "tested",
            program: linker,
            arguments,
        },
        theirs: Linker {
            name: "rust-lld",
            program: process::reference_lld()?,
            arguments: vec!["-flavor".to_owned(), "wasm".to_owned()],
        },
        filter,
        all,
        table: Table::new(&heading),
        problems: Vec::new(),
        work,
    };
    let bundled = bundled::fetch(&context.work)?;
    wasi::check(&mut context, &bundled)?;
    rust::check(&mut context)?;
    freestanding::check(&mut context, &bundled)?;
    components::check(&mut context)?;
    zig::check(&mut context)?;
    rustup::check(&mut context)?;
    recipes::check(&mut context)?;

    println!("\n{}", context.table);
    if context.problems.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} differences:\n{}",
        context.problems.len(),
        context.problems.join("\n")
    )
    .into())
}
