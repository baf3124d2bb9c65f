//! The platform as `std` alone offers it, on any system.

use std::fs::Metadata;
use std::io;
use std::process::{Child, Command, Stdio};

use super::Stamp;

/// Ends a child that was started with [`super::in_own_group`] and its children,
/// with the system's own command for it. The child is still to be waited for.
pub(crate) fn end_tree(child: &mut Child) -> io::Result<()> {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("taskkill");
        command.args(["/T", "/F", "/PID", &child.id().to_string()]);
        command
    } else {
        // Every POSIX shell has it built in; a negative number is a group's.
        let mut command = Command::new("sh");
        command.args(["-c", &format!("kill -s KILL -- -{}", child.id())]);
        command
    };
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        // Without that command the child at least does not outlive its time.
        _ => child.kill(),
    }
}

/// Bytes that the arguments of a new process may take, its environment not counted
/// in. Windows: a command line is at most 32,767 UTF-16 units; elsewhere half of
/// the 128 KiB that every current system gives.
pub(crate) fn argument_limit() -> usize {
    if cfg!(windows) { 30_000 } else { 64 << 10 }
}

/// None: without the time of a file's last change of any kind and its identity,
/// size and modification time do not prove that its contents are the same. So
/// contents are read each time.
pub(crate) fn stamp(_: &Metadata) -> Option<Stamp> {
    None
}
