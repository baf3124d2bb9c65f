//! From an argument list to the files that the link may read.
//!
//! The answer is generous: an argument that names a file counts as an input,
//! whatever option it belongs to, and every place where a library could be counts
//! although the linker takes the first. A file too many costs a link once in a
//! while; one too few would leave a stale output. So no table of the linker's
//! options has to be right.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::quote::{self, Quoting};
use crate::sys;

/// Why a link is not remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Bypass {
    /// An option asks for more than the output: a map, a trace, a reproducer.
    #[error("'{}' has other effects than the output", .0.display())]
    SideOutput(OsString),
    /// An input or the output is a pipe or a device.
    #[error("'{}' is no regular file", .0.display())]
    NotAFile(PathBuf),
    /// An input is there and cannot be read, or is a response file that is no UTF-8.
    #[error("'{}' cannot be read", .0.display())]
    Unreadable(PathBuf),
    /// An archive whose members are files elsewhere.
    #[error("'{}' is a thin archive", .0.display())]
    ThinArchive(PathBuf),
    /// The arguments name no output.
    #[error("no output is named")]
    NoOutput,
    /// The output is an input as well.
    #[error("the output '{}' is an input as well", .0.display())]
    OutputIsInput(PathBuf),
    /// A response file names itself.
    #[error("the response file '{}' names itself", .0.display())]
    ResponseFileLoop(PathBuf),
}

/// What an argument list says about files.
#[derive(Debug)]
pub(super) struct Inputs {
    /// The arguments, with response files replaced by what is in them.
    pub(super) args: Vec<OsString>,
    /// The output, as the arguments name it.
    pub(super) output: Option<PathBuf>,
    /// Everything that is an input if it is there: absolute, each once, in order.
    pub(super) candidates: Vec<PathBuf>,
    /// Why not to remember this link.
    pub(super) bypass: Option<Bypass>,
}

/// Options whose effect is not in the output, by name without dashes; those with
/// `=` also with any value. Some are those of other linkers that take `wasm-ld`'s
/// arguments. A variable of the environment does the same.
const SIDE_OUTPUTS: [&str; 24] = [
    "M",
    "Map",
    "V",
    "cref",
    "dependency-file",
    "help",
    "print-gc-sections",
    "print-map",
    "reproduce",
    "save-temps",
    "size-report",
    "t",
    "time",
    "time-trace",
    "time-trace-file",
    "trace",
    "trace-symbol",
    "v",
    "verbose",
    "version",
    "why",
    "why-extract",
    "why-import",
    "y",
];
const REPRODUCE_VARIABLE: &str = "LLD_REPRODUCE";

impl Inputs {
    pub(super) fn of(raw: &[OsString], base: &Path) -> Self {
        let mut unreadable = None;
        let mut load = |name: &OsStr| {
            let path = base.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => Some(text),
                // Then the argument is no response file.
                Err(error) if is_absence(&error) => None,
                // The linker may well understand it, in another encoding.
                Err(_) => {
                    unreadable.get_or_insert(Bypass::Unreadable(path));
                    None
                }
            }
        };
        let expanded = quote::expand_response_files(raw, Quoting::of_args(raw), &mut load);
        let (args, mut bypass) = match expanded {
            Ok(args) => (args, unreadable),
            Err(chain) => {
                let name = chain.into_iter().next_back().unwrap_or_default();
                (raw.to_vec(), Some(Bypass::ResponseFileLoop(name.into())))
            }
        };

        let mut scan = Scan::default();
        scan.read(&args);
        let absolute_output = scan.output.as_ref().map(|output| base.join(output));

        let mut candidates = Candidates::default();
        for file in &scan.files {
            let path = base.join(file);
            let is_output = |output: &PathBuf| path == *output || sys::same_file(&path, output);
            if absolute_output.as_ref().is_some_and(is_output) {
                bypass.get_or_insert(Bypass::OutputIsInput(file.into()));
            }
            candidates.add(path);
        }
        for library in &scan.libraries {
            for dir in &scan.search_dirs {
                for name in library_names(library) {
                    candidates.add(base.join(dir).join(name));
                }
            }
        }
        if let Some(option) = scan.side_output {
            bypass.get_or_insert(Bypass::SideOutput(option));
        }
        if std::env::var_os(REPRODUCE_VARIABLE).is_some() {
            bypass.get_or_insert(Bypass::SideOutput(REPRODUCE_VARIABLE.into()));
        }
        Self {
            args,
            output: scan.output,
            candidates: candidates.list,
            bypass,
        }
    }
}

/// Nothing is there: also where a part of the path is a file, and where the name
/// is one that cannot be (an argument that is no path at all).
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}

/// File names for `-l NAME`: exactly what follows a `:`, else a shared library or
/// an archive.
fn library_names(library: &OsStr) -> Vec<OsString> {
    if let Some(exact) = strip_prefix(library, ":") {
        return vec![exact];
    }
    [".so", ".a"]
        .map(|extension| {
            let mut name = OsString::from("lib");
            name.push(library);
            name.push(extension);
            name
        })
        .to_vec()
}

#[derive(Default)]
struct Candidates {
    list: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
}

impl Candidates {
    fn add(&mut self, path: PathBuf) {
        // The stub library beside an archive is read with it.
        let stub =
            (path.extension() == Some(OsStr::new("a"))).then(|| path.with_extension("imports"));
        for path in std::iter::once(path).chain(stub) {
            if self.seen.insert(path.clone()) {
                self.list.push(path);
            }
        }
    }
}

#[derive(Default)]
struct Scan {
    output: Option<PathBuf>,
    files: Vec<OsString>,
    libraries: Vec<OsString>,
    search_dirs: Vec<OsString>,
    side_output: Option<OsString>,
}

impl Scan {
    fn read(&mut self, args: &[OsString]) {
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(option) = option_text(arg) else {
                self.files.push(arg.clone());
                continue;
            };
            // Values that follow as a word of their own, where the word must not be
            // taken for an input, or is a name to be searched for.
            let separate = match option.to_str() {
                Some("o") => Some(Value::Output),
                Some("l" | "library") => Some(Value::Library),
                Some("L" | "library-path") => Some(Value::SearchDir),
                _ => None,
            };
            if let Some(kind) = separate {
                if let Some(value) = args.next() {
                    self.value(kind, value.clone());
                }
                continue;
            }
            self.joined(arg, &option);
        }
    }

    fn joined(&mut self, arg: &OsStr, option: &OsStr) {
        let long = [
            ("library=", Value::Library),
            ("library-path=", Value::SearchDir),
        ];
        let short = [
            ("o", Value::Output),
            ("l", Value::Library),
            ("L", Value::SearchDir),
        ];
        let is_short = strip_prefix(arg, "--").is_none();
        let found = long
            .into_iter()
            .chain(short.into_iter().filter(|_| is_short))
            .find_map(|(prefix, kind)| Some((kind, strip_prefix(option, prefix)?)));
        if let Some((kind, value)) = found {
            self.value(kind, value);
            return;
        }

        let text = option.to_string_lossy();
        let name = text.split_once('=').map_or(&*text, |(name, _)| name);
        let traces_symbol = is_short && text.starts_with('y');
        if SIDE_OUTPUTS.contains(&name) || traces_symbol {
            self.side_output.get_or_insert(arg.to_owned());
        }
        if let Some(value) = value_of(option) {
            self.files.push(value);
        }
    }

    fn value(&mut self, kind: Value, value: OsString) {
        match kind {
            Value::Output => self.output = Some(value.into()),
            Value::Library => self.libraries.push(value),
            Value::SearchDir => self.search_dirs.push(value),
        }
    }
}

#[derive(Clone, Copy)]
enum Value {
    Output,
    Library,
    SearchDir,
}

/// An option without its dashes; none for what is no option.
fn option_text(arg: &OsStr) -> Option<OsString> {
    let text = strip_prefix(arg, "--").or_else(|| strip_prefix(arg, "-"))?;
    (!text.is_empty()).then_some(text)
}

fn strip_prefix(text: &OsStr, prefix: &str) -> Option<OsString> {
    text.as_encoded_bytes()
        .starts_with(prefix.as_bytes())
        .then(|| sys::tail(text, prefix.len()))
}

/// What stands behind the first `=`.
fn value_of(option: &OsStr) -> Option<OsString> {
    let at = option.as_encoded_bytes().iter().position(|&b| b == b'=')?;
    Some(sys::tail(option, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(args: &[&str]) -> Inputs {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        Inputs::of(&args, Path::new("/base"))
    }

    fn candidates(args: &[&str]) -> Vec<String> {
        let paths = inputs(args).candidates;
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn files_and_values_are_candidates_and_the_output_is_none() {
        let found = candidates(&[
            "a.o",
            "-o",
            "out.wasm",
            "/abs/b.o",
            "--export",
            "f",
            "--allow-undefined-file=syms.txt",
            "a.o",
        ]);
        let expected = ["/base/a.o", "/abs/b.o", "/base/f", "/base/syms.txt"];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_archive_has_a_stub_beside_it() {
        assert_eq!(candidates(&["x.a"]), ["/base/x.a", "/base/x.imports"]);
    }

    #[test]
    fn every_place_of_a_library_is_a_candidate() {
        let all = [
            "/base/one/libm.so",
            "/base/one/libm.a",
            "/base/one/libm.imports",
            "/two/libm.so",
            "/two/libm.a",
            "/two/libm.imports",
        ];
        // Directories count for libraries before them as well.
        for args in [
            &["-Lone", "-lm", "-L/two"][..],
            &["-L", "one", "-l", "m", "-L", "/two"],
            &[
                "--library-path=one",
                "--library=m",
                "--library-path",
                "/two",
            ],
            &["-library-path=one", "--library", "m", "-L/two"],
        ] {
            assert_eq!(candidates(args), all, "{args:?}");
        }
        assert_eq!(candidates(&["-Lone", "-l:x.o"]), ["/base/one/x.o"]);
    }

    #[test]
    fn the_last_output_counts() {
        assert_eq!(inputs(&["-oa", "-o", "b"]).output, Some("b".into()));
        assert_eq!(inputs(&["-o", "b", "-oa"]).output, Some("a".into()));
        assert_eq!(inputs(&["a.o"]).output, None);
    }

    #[test]
    fn side_outputs_bypass() {
        for option in [
            "-Map=x",
            "--Map=x",
            "--print-map",
            "-M",
            "--reproduce=r.tar",
            "--why-extract=w",
            "--trace",
            "-t",
            "-yfoo",
            "--trace-symbol=foo",
            "-y",
            "--print-gc-sections",
            "--verbose",
            "--size-report=s.json",
        ] {
            let bypass = inputs(&["a.o", option, "-o", "b"]).bypass;
            assert_eq!(bypass, Some(Bypass::SideOutput(option.into())));
        }
        for option in ["--stack-first", "--threads=1", "--type", "--Mx"] {
            assert_eq!(inputs(&["a.o", option, "-o", "b"]).bypass, None, "{option}");
        }
    }

    #[test]
    fn an_output_that_is_an_input_bypasses() {
        let bypass = inputs(&["a.o", "-o", "a.o"]).bypass;
        assert_eq!(bypass, Some(Bypass::OutputIsInput("a.o".into())));
    }

    #[test]
    fn response_files_are_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("outer", "\"a b.o\" @inner -o out");
        write("inner", "c.o");
        write("loop", "@loop");
        let inputs = Inputs::of(&["@outer".into()], dir.path());
        assert_eq!(inputs.args, ["a b.o", "c.o", "-o", "out"]);
        assert_eq!(
            inputs.candidates,
            [dir.path().join("a b.o"), dir.path().join("c.o")]
        );
        let inputs = Inputs::of(&["@loop".into()], dir.path());
        assert_eq!(inputs.bypass, Some(Bypass::ResponseFileLoop("loop".into())));

        let latin = dir.path().join("latin");
        std::fs::write(&latin, b"\xfcber.o").unwrap();
        let inputs = Inputs::of(&["@latin".into()], dir.path());
        assert_eq!(inputs.bypass, Some(Bypass::Unreadable(latin)));
    }
}
