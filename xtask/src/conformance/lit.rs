//! Running the suite with one linker in the place of `wasm-ld`, by LLVM's test runner `lit`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::conformance::expected::Verdict;
use crate::conformance::require_in;
use crate::{Result, process};

/// Where Debian's packages of LLVM 22 put the programs that the tests call.
const LLVM_BIN: &str = "/usr/lib/llvm-22/bin";

const LLVM_TOOLS: [(&str, &str); 13] = [
    ("llc", "llvm-22"),
    ("llvm-ar", "llvm-22"),
    ("llvm-as", "llvm-22"),
    ("llvm-dwarfdump", "llvm-22"),
    ("llvm-mc", "llvm-22"),
    ("llvm-nm", "llvm-22"),
    ("llvm-objdump", "llvm-22"),
    ("llvm-readobj", "llvm-22"),
    ("obj2yaml", "llvm-22"),
    ("yaml2obj", "llvm-22"),
    ("FileCheck", "llvm-22-tools"),
    ("not", "llvm-22-tools"),
    ("split-file", "llvm-22-tools"),
];

/// The release of lit that belongs to the suite's time.
const LIT: &str = "lit==18.1.8";

/// A link of the suite takes milliseconds. One that hangs must not hang the run.
const LINK_TIMEOUT_SECONDS: u32 = 60;

/// Checks that the tools of LLVM are there and puts lit into a virtual environment below
/// `work`, if it is not there yet. Returns lit.
pub(super) fn install(work: &Path) -> Result<PathBuf> {
    for (program, package) in LLVM_TOOLS {
        require_in(Path::new(LLVM_BIN), program, package)?;
    }
    let environment = work.join(LIT);
    let lit = environment.join("bin/lit");
    if lit.is_file() {
        return Ok(lit);
    }
    process::require("python3", "python3")?;
    let made = process::run(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    );
    made.map_err(|error| format!("{error}; on Debian, install the package `python3-venv`"))?;
    process::run(Command::new(environment.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        LIT,
    ]))?;
    Ok(lit)
}

/// What a run needs that is the same for every linker.
pub(super) struct Runner {
    /// The directory `lld/test/wasm`.
    pub(super) suite: PathBuf,
    pub(super) lit: PathBuf,
    /// Where each linker gets a directory of its own.
    pub(super) work: PathBuf,
    /// A regular expression of lit on the names of the tests to run.
    pub(super) filter: Option<String>,
}

/// What one linker made of the tests.
pub(super) struct Outcomes {
    pub(super) tests: BTreeMap<String, Verdict>,
    /// All that lit printed.
    pub(super) log: String,
}

impl Runner {
    /// Runs the tests with `linker`, which is called `label` in paths and messages.
    pub(super) fn run(&self, label: &str, linker: &Path) -> Result<Outcomes> {
        let work = self.work.join(label);
        let out = work.join("out");
        // Tests may not see what an earlier run left.
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let bin = install_linker(&work, linker)?;

        let mut lit = Command::new(&self.lit);
        lit.args(["-v", "--no-progress-bar"]);
        lit.arg(format!("-Dsuite={}", self.suite.display()));
        lit.arg(format!("-Dwork={}", out.display()));
        lit.arg(format!("-Dpath={}:{LLVM_BIN}:/usr/bin:/bin", bin.display()));
        if let Some(filter) = &self.filter {
            lit.args(["--filter", filter]);
        }
        lit.arg(process::root().join("xtask/conformance"));
        let output = lit
            .output()
            .map_err(|error| format!("cannot start lit: {error}"))?;

        let log = String::from_utf8_lossy(&output.stdout).into_owned();
        fs::write(work.join("lit.log"), &log)?;
        let tests = results(&log);
        // 1 only says that tests failed.
        if tests.is_empty() || !matches!(output.status.code(), Some(0 | 1)) {
            return Err(format!(
                "lit ran no tests with {label} ({}):\n{log}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )
            .into());
        }
        Ok(Outcomes { tests, log })
    }
}

/// Makes a directory for PATH in which `linker` is called `wasm-ld`, because the tests compare
/// messages with that name in front.
fn install_linker(work: &Path, linker: &Path) -> Result<PathBuf> {
    if !linker.is_file() {
        return Err(format!("there is no linker `{}`", linker.display()).into());
    }
    let (bin, real) = (work.join("bin"), work.join("linker"));
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(&real)?;
    let named = real.join("wasm-ld");
    if named.is_symlink() {
        fs::remove_file(&named)?;
    }
    symlink(fs::canonicalize(linker)?, &named)?;

    // The suite is older than the default --stack-first. A linker of the suite's own age knows
    // neither that default nor the option.
    let knows_option = Command::new(&named)
        .args(["--no-stack-first", "--version"])
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", linker.display()))?
        .status
        .success();
    let option = if knows_option {
        "--no-stack-first "
    } else {
        ""
    };
    // What wasm-link leaves to LLD must reach LLD, and not what is called `wasm-ld` on PATH.
    let (named, lld) = (quote(&named), quote(&process::reference_lld()?));
    let script = bin.join("wasm-ld");
    fs::write(
        &script,
        format!(
            "#!/bin/sh\n\
             export WASM_LD={lld}\n\
             exec timeout --foreground {LINK_TIMEOUT_SECONDS} {named} {option}\"$@\"\n"
        ),
    )?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(bin)
}

/// The path as one word of a shell.
fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Reads lit's lines `PASS: wasm :: name (1 of 165)`.
fn results(log: &str) -> BTreeMap<String, Verdict> {
    let words = [
        "PASS",
        "FAIL",
        "UNSUPPORTED",
        "UNRESOLVED",
        "TIMEOUT",
        "XPASS",
        "XFAIL",
    ];
    log.lines()
        .filter_map(|line| {
            let (word, rest) = line.split_once(": wasm :: ")?;
            let (test, _) = rest.split_once(" (")?;
            words.contains(&word).then(|| {
                let verdict = if word == "PASS" {
                    Verdict::Pass
                } else {
                    Verdict::Fail
                };
                (test.to_owned(), verdict)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pass_is_a_pass() {
        let log = "-- Testing: 3 tests --\n\
                   PASS: wasm :: a.s (1 of 3)\n\
                   FAIL: wasm :: b/c.ll (2 of 3)\n\
                   # | FAIL: no result\n\
                   UNSUPPORTED: wasm :: d.test (3 of 3)\n\
                   Failed Tests (1):\n  wasm :: b/c.ll\n";
        let expected = [
            ("a.s".to_owned(), Verdict::Pass),
            ("b/c.ll".to_owned(), Verdict::Fail),
            ("d.test".to_owned(), Verdict::Fail),
        ];
        assert_eq!(results(log), BTreeMap::from(expected));
    }
}
