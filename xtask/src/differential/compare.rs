//! A problem solved by both linkers, and where the two differ.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use test_objects::kept;
use wasm_format::Reader;
use wasm_format::linking::{LINKING_SECTION, LinkingSection, SegmentFlags, Subsection};

use super::problem::{LIBRARY_OPTIONS, Problem};
use crate::Result;

/// After this long a linker counts as hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// The two linkers.
pub(crate) struct Linkers {
    pub(crate) reference: PathBuf,
    pub(crate) ours: PathBuf,
    /// Whether the reference knows of threads that take turns: LLVM 22 does not.
    pub(crate) cooperative: bool,
}

/// What a linker made of a problem.
#[derive(PartialEq)]
pub(crate) struct Made {
    /// Exit code, or what ended it.
    pub(crate) end: String,
    pub(crate) messages: Vec<String>,
    pub(crate) printed: String,
    pub(crate) module: Option<Vec<u8>>,
    /// Whether the module was to keep its relocations.
    pub(crate) keeps_relocs: bool,
}

/// Where two linkers differ.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// What kind of a difference it is: problems of one kind have one cause, mostly.
    pub(crate) kind: String,
    pub(crate) details: String,
}

/// Whether a linker knows of threads that take turns.
pub(crate) fn is_cooperative(linker: &Path) -> io::Result<bool> {
    let help = command(linker).arg("--help").output()?.stdout;
    Ok(String::from_utf8_lossy(&help).contains("--cooperative-threading"))
}

/// A linker, called as `wasm-ld`.
fn command(linker: &Path) -> Command {
    let mut command = Command::new(linker);
    if linker.file_name().is_some_and(|name| name == "rust-lld") {
        command.args(["-flavor", "wasm"]);
    }
    command
}

impl Linkers {
    /// Links the problem in the directory, which is emptied, by both.
    pub(crate) fn link(&self, problem: &Problem, directory: &Path) -> Result<[Made; 2]> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        let (line, libraries) = problem.write(directory)?;
        for [object, library] in libraries {
            let mut line: Vec<_> = LIBRARY_OPTIONS.iter().map(|&it| it.to_owned()).collect();
            line.push(object);
            if problem.options.iter().any(|option| option == "-mwasm64") {
                line.push("-mwasm64".into());
            }
            // Where that fails, both say that there is no such file.
            run(&self.reference, &line, &library, directory)?;
        }
        let text = line.join(" ");
        fs::write(directory.join("line.txt"), format!("{text}\n"))?;
        let mut made = Vec::new();
        for (linker, name) in [(&self.reference, "reference"), (&self.ours, "ours")] {
            let it = run(linker, &line, "out.wasm", directory)?;
            fs::write(directory.join(format!("{name}.txt")), it.text())?;
            if it.module.is_some() {
                let out = directory.join("out.wasm");
                fs::rename(out, directory.join(format!("{name}.wasm")))?;
            }
            made.push(it);
        }
        let made: std::result::Result<[Made; 2], _> = made.try_into();
        made.map_err(|_| "two linkers, two results".into())
    }
}

impl Made {
    fn text(&self) -> String {
        format!(
            "{}\n{}\n{}",
            self.end,
            self.messages.join("\n"),
            self.printed
        )
    }
}

fn run(linker: &Path, line: &[String], out: &str, directory: &Path) -> io::Result<Made> {
    let [stdout, stderr] = ["stdout.tmp", "stderr.tmp"].map(|name| directory.join(name));
    let mut child = command(linker)
        .args(line)
        .args(["-o", out])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&stdout)?)
        .stderr(fs::File::create(&stderr)?)
        .spawn()?;
    let start = Instant::now();
    let end = loop {
        if let Some(status) = child.try_wait()? {
            break status.to_string();
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            break "hangs".into();
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    let messages = String::from_utf8_lossy(&fs::read(&stderr)?).into_owned();
    let printed = String::from_utf8_lossy(&fs::read(&stdout)?).into_owned();
    fs::remove_file(stdout)?;
    fs::remove_file(stderr)?;
    Ok(Made {
        end,
        messages: (messages.lines())
            .map(|line| line.replace("rust-lld: ", "wasm-ld: "))
            .collect(),
        printed,
        module: fs::read(directory.join(out)).ok(),
        keeps_relocs: line.iter().any(|argument| argument == "--emit-relocs"),
    })
}

/// Where the second differs from the first.
pub(crate) fn difference(made: &[Made; 2]) -> Option<Difference> {
    let [expected, ours] = made;
    let different = |kind: String, details| Some(Difference { kind, details });
    let invalid = expected
        .module
        .as_deref()
        .is_some_and(|module| !is_valid(module));
    if expected.end.starts_with("signal") || invalid {
        // It crashed, or what it made is no module: there is nothing to compare with.
        if let Some(module) = &ours.module
            && expected.module != ours.module
            && !is_valid(module)
        {
            return different("invalid".into(), "both modules are invalid".into());
        }
        let crashed = !ours.end.starts_with("exit status: 0") && !ours.end.ends_with(" 1");
        return crashed
            .then(|| different(format!("end: {}", ours.end), ours.messages.join("\n")))
            .flatten();
    }
    if expected.end != ours.end {
        let both = [&expected.messages, &ours.messages].map(|lines| lines.join("\n    "));
        return different(
            format!("end: {} instead of {}", ours.end, expected.end),
            format!("expected:\n    {}\nours:\n    {}", both[0], both[1]),
        );
    }
    let failed = expected.module.is_none() && ours.module.is_none();
    let [theirs, own] = [expected, ours].map(|made| comparable(&made.messages));
    let limited = |lines: &[String]| lines.iter().any(|line| line.contains("too many errors"));
    // Which of several things that are wrong is told is a matter of order.
    let unordered = |line: &String| UNORDERED.iter().any(|error| line.contains(error));
    let mut sorted = [theirs.clone(), own.clone()];
    for lines in &mut sorted {
        lines.sort();
    }
    let enough = if failed && theirs.iter().any(unordered) {
        true
    } else if failed {
        // Of what is wrong in different phases of a link, `wasm-ld` reports more at once,
        // or less.
        theirs
            .iter()
            .any(|line| line.contains("error: ") && own.contains(line))
    } else {
        sorted[0] == sorted[1]
    };
    if !enough && !limited(&theirs) && !limited(&own) {
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            let only = these.iter().filter(|line| !those.contains(line));
            only.cloned().collect()
        };
        let [a, b] = [only(&theirs, &own), only(&own, &theirs)];
        let first = |lines: &[String]| lines.first().map(|line| shape(line)).unwrap_or_default();
        return different(
            format!("messages: {} / {}", first(&a), first(&b)),
            format!("expected: {}\nours: {}", a.join("\n    "), b.join("\n    ")),
        );
    }
    if failed {
        return None;
    }
    if expected.printed != ours.printed {
        return different(
            "standard output".into(),
            format!("expected:\n{}\nours:\n{}", expected.printed, ours.printed),
        );
    }
    match (&expected.module, &ours.module) {
        // Then functions and exports are in another order.
        (Some(_), Some(b))
            if theirs
                .iter()
                .any(|line| line.contains("signature mismatch")) =>
        {
            let invalid = || different("invalid".into(), "ours is invalid".into());
            if is_valid(b) { None } else { invalid() }
        }
        (Some(a), Some(b)) if ours.keeps_relocs => match without_own_relocs(a, b) {
            Ok(ours) => module_difference(a, &ours),
            Err(why) => different("kept relocations".into(), why),
        },
        (Some(a), Some(b)) => module_difference(a, b),
        (None, None) => None,
        (a, _) => different(
            "output".into(),
            format!(
                "only {} wrote one",
                if a.is_some() { "reference" } else { "ours" }
            ),
        ),
    }
}

/// What `ours` is to be compared with `expected` as. `wasm-ld` keeps no relocations of the functions
/// that it writes itself: `ours` is compared without those, which leaves out what the functions' fields
/// refer to and the symbols that only they name. Instead, every field of `ours`, theirs and others', has
/// to hold what its relocation says. That a field of these functions lacks its relocation, this cannot
/// see: the tests `made_relocs` of `link-core` decode them.
fn without_own_relocs(expected: &[u8], ours: &[u8]) -> std::result::Result<Vec<u8>, String> {
    kept::check_fields(ours)?;
    if expected == ours {
        return Ok(ours.to_vec());
    }
    kept::without_own_relocs(ours, expected)
}

/// `wasm-ld` does not always say which archive a member is in.
fn without_archives(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.split_once(".a(") {
        Some((_, member)) => member.replacen(')', "", 1),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_valid(module: &[u8]) -> bool {
    let features = wasmparser::WasmFeatures::all();
    let mut validator = wasmparser::Validator::new_with_features(features);
    validator.validate_all(module).is_ok()
}

/// Errors of `wasm-ld` that another one stands for in `wasm-link`: those of objects that do
/// not belong here, and those about the memory, which come before others or after them.
const UNORDERED: &[&str] = &[
    "wasm64",
    "invalid relocation offset",
    "--global-base cannot be less",
    "16-byte aligned",
    "too small",
    "cannot open",
];

/// `wasm-ld` does not demangle in all its messages.
const DEMANGLED: &[(&str, &str)] = &[
    ("_Z3addii", "add(int, int)"),
    ("_ZN1a1bIiEEvT_", "void a::b<int>(int)"),
    (
        "_ZN4core3fmt5write17h0123456789abcdefE",
        "core::fmt::write::h0123456789abcdef",
    ),
    ("_ZN1a4dataE", "a::data"),
];

/// Messages as `wasm-ld` would say them: it says the same once for each reference, and
/// tells neither where the references are nor what may have been meant.
fn comparable(messages: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for line in messages {
        let more = line.starts_with(">>> ") && !line.starts_with(">>> defined");
        let line = DEMANGLED
            .iter()
            .fold(line.clone(), |line, (mangled, name)| {
                line.replace(mangled, name)
            });
        let line = match line.split_once(" -> (") {
            // `wasm-ld` knows one result.
            Some((before, results)) => {
                let (results, after) = results.split_once(')').unwrap_or((results, ""));
                let result = results.split(',').next().unwrap_or_default();
                format!("{before} -> {result}{after}")
            }
            None => line,
        };
        let line = without_archives(&line);
        if !more && !line.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// A message without its names: those between `:`, quotes and `>`.
fn shape(message: &str) -> String {
    let words = message.split_whitespace().filter(|word| {
        !word.contains([
            '.', '/', '\'', '`', '"', '(', ')', '[', '0', '1', '2', '3', '$', '_',
        ]) && word.len() > 2
    });
    words.take(8).collect::<Vec<_>>().join(" ")
}

/// The sections: name, and where they are.
fn sections(module: &[u8]) -> std::result::Result<Vec<(String, std::ops::Range<usize>)>, String> {
    let mut sections = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| error.to_string())?;
        if let wasmparser::Payload::CustomSection(custom) = &payload {
            let range = custom.data_offset()..custom.range().end;
            sections.push((custom.name().to_owned(), to_usize(range)));
        } else if let Some((id, range)) = payload.as_section() {
            let names = [
                "custom",
                "type",
                "import",
                "function",
                "table",
                "memory",
                "global",
                "export",
                "start",
                "element",
                "code",
                "data",
                "data count",
                "tag",
            ];
            let name = names.get(usize::from(id)).unwrap_or(&"?");
            sections.push(((*name).to_owned(), to_usize(range)));
        }
    }
    Ok(sections)
}

/// An export section in the order of the names.
fn exports(section: &[u8]) -> Option<Vec<(String, u8, u32)>> {
    let section = wasmparser::BinaryReader::new(section, 0);
    let exports = wasmparser::ExportSectionReader::new(section).ok()?;
    let mut exports: Vec<_> = (exports.into_iter())
        .map(|export| export.map(|it| (it.name.to_owned(), it.kind as u8, it.index)))
        .collect::<std::result::Result<_, _>>()
        .ok()?;
    exports.sort();
    Some(exports)
}

/// Whether two linking sections differ in nothing but that the first does not say which segments
/// are thread-local: `wasm-ld` forgets that.
fn differ_in_thread_flags(expected: &[u8], ours: &[u8]) -> bool {
    let flags = |section| -> Option<Vec<u32>> {
        let mut flags = Vec::new();
        for subsection in LinkingSection::decode(Reader::new(section)).ok()? {
            if let Subsection::SegmentInfo(segments) = subsection.ok()? {
                for segment in segments {
                    flags.push(segment.ok()?.flags.0);
                }
            }
        }
        Some(flags)
    };
    let (Some(a), Some(b)) = (flags(expected), flags(ours)) else {
        return false;
    };
    let is_lost = |(a, b): &(&u32, &u32)| **a | SegmentFlags::TLS.0 == **b;
    let lost = a.iter().zip(&b).filter(|(a, b)| a != b);
    let different = expected.iter().zip(ours).filter(|(a, b)| a != b);
    a.len() == b.len()
        && expected.len() == ours.len()
        && lost.clone().all(|flags| is_lost(&flags))
        && lost.count() == different.count()
}

fn to_usize(range: std::ops::Range<u64>) -> std::ops::Range<usize> {
    range.start as usize..range.end as usize
}

fn module_difference(expected: &[u8], ours: &[u8]) -> Option<Difference> {
    if expected == ours {
        return None;
    }
    let (a, b) = match (sections(expected), sections(ours)) {
        (Ok(a), Ok(b)) => (a, b),
        (a, b) => {
            return Some(Difference {
                kind: "module cannot be read".into(),
                details: format!("expected: {:?}\nours: {:?}", a.err(), b.err()),
            });
        }
    };
    let names = |list: &[(String, _)]| -> Vec<String> {
        list.iter().map(|(name, _)| name.clone()).collect()
    };
    if names(&a) != names(&b) {
        let [a, b] = [names(&a), names(&b)];
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            let only = these.iter().filter(|name| !those.contains(name));
            only.cloned().collect()
        };
        return Some(Difference {
            kind: format!("sections: {:?} / {:?}", only(&a, &b), only(&b, &a)),
            details: format!("expected: {a:?}\nours:     {b:?}"),
        });
    }
    let mut kinds = Vec::new();
    let mut details = String::new();
    for ((name, theirs), (_, own)) in a.iter().zip(&b) {
        let (theirs, own) = (&expected[theirs.clone()], &ours[own.clone()]);
        // Hosts look exports up by name.
        if theirs == own
            || name == "build_id"
            || name == "export" && exports(theirs) == exports(own)
            || name == LINKING_SECTION && differ_in_thread_flags(theirs, own)
        {
            continue;
        }
        let at = (theirs.iter().zip(own))
            .position(|(a, b)| a != b)
            .unwrap_or(theirs.len().min(own.len()));
        let around = |bytes: &[u8]| -> String {
            let range = at.saturating_sub(8)..(at + 16).min(bytes.len());
            format!(
                "{:02x?} {:?}",
                &bytes[range.clone()],
                String::from_utf8_lossy(&bytes[range])
            )
        };
        let _ = write!(
            details,
            "{name}: {} bytes instead of {}, different from {at} on\n    {}\n    {}\n",
            own.len(),
            theirs.len(),
            around(theirs),
            around(own),
        );
        kinds.push(name.clone());
    }
    if kinds.is_empty() {
        return None;
    }
    Some(Difference {
        kind: format!("module: {}", kinds.join(", ")),
        details,
    })
}
