//! The two linkers, called as clang and rustc call theirs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::tools;
use crate::Result;

/// A linker and the arguments it always gets.
pub(super) struct Linker {
    /// Part of the names of its outputs.
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

impl Linker {
    /// The linker, about to write `output`.
    pub(super) fn command(&self, output: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("-o").arg(output);
        command
    }

    /// Links, and says how long it took.
    pub(super) fn link<I>(&self, output: &Path, arguments: I) -> Result<Duration>
    where
        I: IntoIterator,
        I::Item: AsRef<std::ffi::OsStr>,
    {
        let mut command = self.command(output);
        command.args(arguments);
        let start = Instant::now();
        tools::succeed(&mut command)?;
        Ok(start.elapsed())
    }
}
