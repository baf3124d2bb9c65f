//! The linkers that are measured side by side.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::inputs::Input;
use crate::realworld::tools;
use crate::{Result, process};

/// The name of this workspace's linker.
pub(super) const OURS: &str = "wasm-link";
/// The name of the linker it is judged by.
pub(super) const REFERENCE: &str = "rust-lld";
/// The name of another build of `wasm-link`, usually an older one.
pub(super) const OTHER_BUILD: &str = "other build";

/// A linker and the arguments it always gets.
pub(super) struct Linker {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    arguments: Vec<&'static str>,
}

impl Linker {
    /// The linker, about to link `input` to `output`.
    pub(super) fn command(&self, input: &Input, output: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&input.dir)
            .args(&self.arguments)
            .args(&input.arguments)
            .arg("-o")
            .arg(output);
        command
    }
}

/// Ours, which is built and installed in `work`, and the reference; then those that exist of the other
/// build of ours, LLVM's of Debian, and wild.
pub(super) fn find(other_build: Option<PathBuf>, work: &Path) -> Result<Vec<Linker>> {
    let ours = install(work)?;
    let mut linkers = vec![
        Linker {
            name: OURS,
            program: ours,
            arguments: Vec::new(),
        },
        Linker {
            name: REFERENCE,
            program: process::reference_lld()?,
            arguments: vec!["-flavor", "wasm"],
        },
    ];
    linkers.extend(other_build.map(|program| Linker {
        name: OTHER_BUILD,
        program,
        arguments: Vec::new(),
    }));
    // wild leaves its work to a process that outlives it, unless it is told not to.
    for (name, arguments) in [
        ("wasm-ld-19", vec![]),
        ("wild", vec!["-flavor", "wasm", "--no-fork"]),
    ] {
        if process::require(name, name).is_ok() {
            linkers.push(Linker {
                name,
                program: name.into(),
                arguments,
            });
        }
    }
    Ok(linkers)
}

/// Builds `wasm-link` and copies it into `work`, as `cargo install` would and as the other linkers
/// came to where they are: what the compiler's linker wrote piece by piece lies in memory in small
/// pieces, and takes longer to map.
fn install(work: &Path) -> Result<PathBuf> {
    let installed = work.join(OURS);
    fs::copy(process::build_wasm_link()?, &installed)?;
    Ok(installed)
}

/// Why a linker cannot link the input, if it cannot. Only of those that are not asked for: wild may
/// have been built without WebAssembly, or not know an option.
pub(super) fn cannot_link(linker: &Linker, input: &Input, output: &Path) -> Result<Option<String>> {
    let mut command = linker.command(input, output);
    let run = tools::output(&mut command)?;
    if run.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&run.stderr);
    if [OURS, REFERENCE, OTHER_BUILD].contains(&linker.name) {
        let shown = tools::show(&command);
        return Err(format!("`{shown}` failed ({}):\n{said}", run.status).into());
    }
    let line = said.lines().find(|line| !line.trim().is_empty());
    Ok(Some(
        line.map_or_else(|| run.status.to_string(), str::to_owned),
    ))
}
