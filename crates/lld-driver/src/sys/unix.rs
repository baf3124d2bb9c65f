//! Unix through `rustix`.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::process::Child;

use rustix::process::{Pid, Resource, Signal};

use super::Stamp;

/// Ends a child that was started with [`super::in_own_group`] and everything in
/// its group. The child is still to be waited for.
pub(crate) fn end_tree(child: &mut Child) -> io::Result<()> {
    match rustix::process::kill_process_group(Pid::from_child(child), Signal::KILL) {
        // The group is gone: so is what was to be ended.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Bytes that the arguments of a new process may take (strings, their NULs and
/// the pointers to them), its environment not counted in.
pub(crate) fn argument_limit() -> usize {
    // POSIX guarantees no more than this with the environment; Linux gives no
    // less, even under a small stack limit.
    const LEAST: u64 = 128 << 10;
    // Linux: a quarter of the stack limit, and never more than three quarters of
    // the default stack of 8 MiB (execve(2), "Limits on size of arguments and
    // environment"). Elsewhere: ARG_MAX is 256 KiB or more.
    let limit = if cfg!(target_os = "linux") {
        let stack = rustix::process::getrlimit(Resource::Stack).current;
        stack
            .map_or(6 << 20, |bytes| bytes / 4)
            .clamp(LEAST, 6 << 20)
    } else {
        256 << 10
    };
    let environment: usize = std::env::vars_os()
        .map(|(name, value)| name.len() + value.len() + 2 + size_of::<usize>())
        .sum();
    // Half of it: a response file that was not needed does no harm, and the
    // program's name and the auxiliary vector share the room.
    (limit as usize).saturating_sub(environment).max(32 << 10) / 2
}

/// The stamp of a file.
#[expect(clippy::unnecessary_wraps, reason = "the fallback has none to give")]
pub(crate) fn stamp(metadata: &Metadata) -> Option<Stamp> {
    Some(Stamp {
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec() as u32),
        changed: (metadata.ctime(), metadata.ctime_nsec() as u32),
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}
