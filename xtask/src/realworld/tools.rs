//! The programs and libraries that this needs, and the package of Debian each comes from.

use std::path::Path;
use std::process::{Command, Output};

use crate::{Result, process};

pub(crate) const CLANG: &str = "clang-19";
pub(super) const DWARFDUMP: &str = "llvm-dwarfdump-19";
pub(super) const NODE: &str = "node";

/// Debian's WASI libraries.
pub(crate) const LIB: &str = "/usr/lib/wasm32-wasi";

/// What compiled code calls for what the machine does not have.
pub(crate) const BUILTINS: &str =
    "/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a";

/// Fails unless everything is there.
pub(super) fn check() -> Result {
    check_compiler()?;
    for (program, package) in [(DWARFDUMP, "llvm-19"), (NODE, "nodejs")] {
        process::require(program, package)?;
    }
    Ok(())
}

/// Fails unless what compiles the programs is there, and the libraries they are linked with.
pub(crate) fn check_compiler() -> Result {
    process::require(CLANG, "clang-19")?;
    process::require("dpkg", "dpkg")?;
    for (file, package) in [
        ("/usr/lib/wasm32-wasi/libc.a", "wasi-libc"),
        ("/usr/lib/wasm32-wasi/libc++.a", "libc++-19-dev-wasm32"),
        (
            "/usr/lib/wasm32-wasi/libc++abi.a",
            "libc++abi-19-dev-wasm32",
        ),
        (BUILTINS, "libclang-rt-19-dev-wasm32"),
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
pub(crate) fn source(name: &str) -> std::path::PathBuf {
    process::root().join("xtask/programs").join(name)
}

/// Node, about to run one of the scripts among the programs.
pub(super) fn node(script: &str) -> Command {
    let mut node = Command::new(NODE);
    node.arg("--no-warnings").arg(source(script));
    node
}
