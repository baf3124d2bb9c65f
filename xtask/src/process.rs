//! Starting other programs.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use test_objects::lld;

use crate::Result;

/// The directory of the workspace.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Where the programs of the profile `release`, or of the one this program was built with,
/// lie: cargo puts them beside this one.
pub(crate) fn build_dir(release: bool) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let dir = own.parent().ok_or("this program lies in no directory")?;
    Ok(if release {
        dir.with_file_name("release")
    } else {
        dir.to_owned()
    })
}

/// The directory of everything that is built or downloaded, `target` in most places.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let profile = build_dir(true)?;
    let dir = profile.parent();
    Ok(dir
        .ok_or("this program lies in no target directory")?
        .to_owned())
}

/// The `rust-lld` that `wasm-link` is compared with.
pub(crate) fn reference_lld() -> Result<PathBuf> {
    match lld::reference() {
        Some(path) => Ok(path.to_owned()),
        None => Err(format!(
            "the `rust-lld` of LLVM {} is needed for this and is not there; install it with `{}`",
            lld::REFERENCE_LLVM,
            lld::INSTALL_REFERENCE
        )
        .into()),
    }
}

/// The cargo that started this program, in the directory of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds the command `wasm-link` for release.
pub(crate) fn build_wasm_link() -> Result<PathBuf> {
    run(cargo().args(["build", "--quiet", "--release", "-p", "link-cli"]))?;
    Ok(build_dir(true)?.join("wasm-link"))
}

/// Prints the command and runs it; it must succeed.
pub(crate) fn run(command: &mut Command) -> Result {
    announce(command);
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed ({status})", show(command)).into())
    }
}

/// Prints the command and runs it with its outputs captured; it must succeed.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    announce(command);
    let output = command
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(output);
    }
    eprint!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Err(format!("`{}` failed ({})", show(command), output.status).into())
}

/// Fails unless `program` is there, naming the Debian package that has it.
pub(crate) fn require(program: &str, package: &str) -> Result {
    match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(format!(
            "`{program}` is needed for this and is not there; on Debian, install the package \
             `{package}`"
        )
        .into()),
    }
}

fn announce(command: &Command) {
    println!("$ {}", show(command));
}

fn cannot_start(command: &Command, error: &io::Error) -> String {
    format!("cannot start `{}`: {error}", show(command))
}

/// The command as one would type it in the directory of the workspace.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program
        .file_stem()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line += &arg.to_string_lossy();
    }
    line
}
