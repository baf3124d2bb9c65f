//! The programs and libraries that this needs, and the package of Debian each comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{Result, process};

pub(crate) const CLANG: &str = "clang-22";
pub(super) const CLANGXX: &str = "clang++-22";
pub(super) const AR: &str = "llvm-ar-22";
pub(super) const DWARFDUMP: &str = "llvm-dwarfdump-22";
pub(super) const NODE: &str = "node";

/// Debian's WASI libraries.
pub(crate) const LIB: &str = "/usr/lib/wasm32-wasi";

/// What compiled code calls for what the machine does not have.
pub(crate) const BUILTINS: &str =
    "/usr/lib/llvm-22/lib/clang/22/lib/wasi/libclang_rt.builtins-wasm32.a";

/// Fails unless everything is there.
pub(super) fn check() -> Result {
    check_compiler()?;
    for (program, package) in [(DWARFDUMP, "llvm-22"), (NODE, "nodejs")] {
        process::require(program, package)?;
    }
    Ok(())
}

/// Fails unless what compiles the programs is there, and the libraries they are linked with.
pub(crate) fn check_compiler() -> Result {
    process::require(CLANG, "clang-22")?;
    process::require("dpkg", "dpkg")?;
    for (file, package) in [
        ("/usr/lib/wasm32-wasi/libc.a", "wasi-libc"),
        ("/usr/lib/wasm32-wasi/libc++.a", "libc++-22-dev-wasm32"),
        (
            "/usr/lib/wasm32-wasi/libc++abi.a",
            "libc++abi-22-dev-wasm32",
        ),
        (BUILTINS, "libclang-rt-22-dev-wasm32"),
    ] {
        if !Path::new(file).is_file() {
            return Err(format!(
                "`{file}` is needed for this and is not there; on Debian, install the package \
                 `{package}`"
            )
            .into());
        }
    }
    Ok(())
}

/// The path of a program that is on `PATH`.
pub(super) fn find(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program));
    let missing = || format!("`{program}` is not on PATH").into();
    found
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(missing)
}

/// Python with packages of PyPI, in an environment of its own at `dir`.
pub(super) fn python(dir: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python = dir.join("bin").join("python");
    // What an earlier run was asked for and installed.
    let stamp = dir.join("packages");
    if fs::read_to_string(&stamp).is_ok_and(|earlier| earlier == packages.join(" ")) {
        return Ok(python);
    }
    if !python.is_file() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
    }
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    succeed(pip.args(packages))?;
    fs::write(stamp, packages.join(" "))?;
    Ok(python)
}

/// Runs the command with its outputs captured, silently; only starting it can fail.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let output = command.output();
    output.map_err(|error| format!("cannot start `{}`: {error}", show(command)).into())
}

/// Runs the command silently; it must succeed. Returns its standard output.
pub(crate) fn succeed(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "`{}` failed ({}):\n{}{}",
        show(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}

/// The whole command, to be repeated by hand.
pub(crate) fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    words.join(" ")
}

/// A file among the sources of the programs.
pub(crate) fn source(name: &str) -> PathBuf {
    process::root().join("xtask/programs").join(name)
}

/// Node, about to run one of the scripts among the programs.
pub(super) fn node(script: &str) -> Command {
    let mut node = Command::new(NODE);
    node.arg("--no-warnings").arg(source(script));
    node
}
