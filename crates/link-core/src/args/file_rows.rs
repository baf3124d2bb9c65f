//! The options about files: inputs, their order, and the output.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::line::{Arg, Problems};
use super::row::Counted::Each;
use super::row::PathUse::{Read, Written};
use super::row::Set::{Custom, Flag, Path as PathSet};
use super::row::Takes::{EqualsOrNext, JoinedOrNext, Nothing};
use super::row::{Group, Set, either, one};
use crate::input::{Input, Inputs};
use crate::option_rows;
use crate::options::OutputKind;

/// The files that a command line names.
#[derive(Debug)]
pub struct LinkedFiles {
    /// The inputs.
    pub inputs: Inputs<'static>,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// The state for the next input: `--whole-archive`, `--start-lib`, `-Bdynamic`.
    whole_archive: bool,
    lazy: bool,
    dynamic: bool,
}

impl LinkedFiles {
    /// None yet.
    pub(super) fn new(kind: OutputKind) -> Self {
        Self {
            inputs: Inputs::default(),
            output: None,
            whole_archive: false,
            lazy: false,
            dynamic: kind.is_pic(),
        }
    }

    /// Adds a file.
    pub(super) fn push(&mut self, path: &OsStr) {
        self.add(Input::path(Path::new(path)));
    }

    fn add(&mut self, mut input: Input<'static>) {
        input.whole_archive = self.whole_archive;
        input.lazy = self.lazy;
        input.dynamic = self.dynamic;
        self.inputs.inputs.push(input);
    }
}

fn library(files: &mut LinkedFiles, arg: &Arg, problems: &mut Problems) {
    if let Some(name) = arg.text(problems) {
        files.add(Input::library(name));
    }
}

fn start_lib(files: &mut LinkedFiles, _: &Arg, problems: &mut Problems) {
    if files.lazy {
        problems.error("nested --start-lib");
    }
    files.lazy = true;
}

fn end_lib(files: &mut LinkedFiles, _: &Arg, problems: &mut Problems) {
    if !files.lazy {
        problems.error("stray --end-lib");
    }
    files.lazy = false;
}

option_rows! {
    /// The options about files, one row each.
    pub enum FileOption of LinkedFiles {
        Output {
            forms: &[one("o", JoinedOrNext)],
            value: "path",
            group: Group::OUTPUT,
            path: Written,
            help: "Write the output to <path>; - is standard output",
            note: "Required. An output that is the same file as an input is an error (`wasm-ld` \
                overwrites the input), and so is a report (`--Map`, `--why-extract`, \
                `--dependency-file`, `--reproduce`) that is the same file as an input, the output or \
                another report. A native link replaces each of them as a whole, or leaves the earlier \
                one. A device or a pipe is written to, not replaced.",
        } => PathSet(|files, path| files.output = Some(path)),
        LibraryPath {
            forms: &[one("L", JoinedOrNext), either("library-path", EqualsOrNext)],
            value: "dir",
            group: Group::INPUTS,
            counts: Each, path: Read,
            help: "Search <dir> for libraries",
            note: "Every directory counts for every `-l`, whichever comes first.",
        } => Custom(|files, arg, _| files.inputs.search_paths.push(arg.path())),
        Library {
            forms: &[one("l", JoinedOrNext), either("library", EqualsOrNext)],
            value: "name",
            group: Group::INPUTS,
            counts: Each,
            help: "Link lib<name>.so or lib<name>.a from the library search path",
            note: "`-l:FILE` looks for a file of exactly that name. With one dash, `-lto-O2` is a \
                library called `to-O2`.",
        } => Custom(library),
        Bstatic {
            forms: &[
                either("Bstatic", Nothing),
                either("static", Nothing),
                either("dn", Nothing),
                either("non_shared", Nothing),
            ],
            group: Group::INPUTS, default: "default",
            counts: Each,
            help: "From here on, do not take shared libraries for -l",
        } => Flag(|files| files.dynamic = false),
        Bdynamic {
            forms: &[either("Bdynamic", Nothing), either("dy", Nothing), either("call_shared", Nothing)],
            group: Group::INPUTS,
            counts: Each,
            help: "From here on, prefer shared libraries for -l",
        } => Flag(|files| files.dynamic = true),
        WholeArchive {
            forms: &[either("whole-archive", Nothing)],
            group: Group::INPUTS,
            counts: Each,
            help: "From here on, link every member of an archive, needed or not",
        } => Flag(|files| files.whole_archive = true),
        NoWholeArchive {
            forms: &[either("no-whole-archive", Nothing)],
            group: Group::INPUTS, default: "default",
            counts: Each,
            help: "From here on, link only the members of an archive that are needed",
        } => Flag(|files| files.whole_archive = false),
        StartLib {
            forms: &[either("start-lib", Nothing)],
            group: Group::INPUTS,
            counts: Each,
            help: "Begin a group of objects that are linked only when needed, like members of an archive",
        } => Custom(start_lib),
        EndLib {
            forms: &[either("end-lib", Nothing)],
            group: Group::INPUTS,
            counts: Each,
            help: "End the group begun by --start-lib",
        } => Custom(end_lib),
        StartGroup {
            forms: &[either("start-group", Nothing), one("(", Nothing)],
            group: Group::INPUTS,
            extension: true, counts: Each,
            help: "Accepted without effect: archives may refer to one another in any order",
            note: "Build systems put groups around archives that need one another. Symbols are looked up \
                in all archives of the line, in any order, so a group adds nothing. An unclosed group \
                is not reported.",
        } => Set::Nothing,
        EndGroup {
            forms: &[either("end-group", Nothing), one(")", Nothing)],
            group: Group::INPUTS,
            extension: true, counts: Each,
            help: "Accepted without effect: the end of --start-group",
        } => Set::Nothing,
        AsNeeded {
            forms: &[either("as-needed", Nothing)],
            group: Group::INPUTS,
            extension: true, counts: Each,
            help: "Accepted without effect: a shared library that is linked is loaded",
            note: "The output needs every shared library of the line, used or not, as with `wasm-ld`: \
                a loader may resolve other imports from it.",
        } => Set::Nothing,
        NoAsNeeded {
            forms: &[either("no-as-needed", Nothing)],
            group: Group::INPUTS, default: "default",
            extension: true, counts: Each,
            help: "Accepted without effect: the opposite of --as-needed",
        } => Set::Nothing,
    }
}
