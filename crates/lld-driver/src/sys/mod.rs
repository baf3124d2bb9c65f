//! Everything that asks the platform and is not in the portable part of `std`.
//!
//! `unix` asks through `rustix`; `fallback` does with `std` alone and says what
//! that costs. Which of them the crate uses is decided here and nowhere else. On
//! Unix the tests below run against both.

#[cfg(any(test, not(all(unix, feature = "rustix"))))]
mod fallback;
#[cfg(all(unix, feature = "rustix"))]
mod unix;

#[cfg(not(all(unix, feature = "rustix")))]
pub(crate) use fallback::{argument_limit, end_tree, stamp};
#[cfg(all(unix, feature = "rustix"))]
pub(crate) use unix::{argument_limit, end_tree, stamp};

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::SystemTime;

/// What tells that a file is as it was, without reading it. Two stamps of a path
/// are equal only if nothing has written to the file between them, unless that
/// was within the resolution of its timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Bytes.
    pub(crate) size: u64,
    /// Last change of the contents: seconds and nanoseconds since 1970.
    pub(crate) modified: (i64, u32),
    /// Last change of the file's entry, which no program can set back.
    pub(crate) changed: (i64, u32),
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Stamp {
    /// Whether the file was quiet for at least `seconds` before `now`, so that a
    /// later change must show in its times.
    pub(crate) fn is_settled(&self, now: SystemTime, seconds: i64) -> bool {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed());
        let newest = self.modified.0.max(self.changed.0);
        newest.saturating_add(seconds) < now
    }
}

/// Whether this is a file that may be run.
pub(crate) fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else {
        return false;
    };
    metadata.is_file() && may_execute(&metadata)
}

#[cfg(unix)]
fn may_execute(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn may_execute(_: &Metadata) -> bool {
    true
}

/// Makes the child the leader of a process group of its own, which its children
/// are in as well: what [`end_tree`] ends.
#[cfg(unix)]
pub(crate) fn in_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
pub(crate) fn in_own_group(_: &mut Command) {}

/// The signal, or on Windows the exception, that ended a process; `None` if it
/// exited by itself.
#[cfg(unix)]
pub(crate) fn crash_of(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.signal()
}

#[cfg(not(unix))]
pub(crate) fn crash_of(status: ExitStatus) -> Option<i32> {
    // An unhandled exception's code (NTSTATUS of severity "error") is the exit code.
    status
        .code()
        .filter(|code| code.cast_unsigned() >= 0xC000_0000)
}

/// The usual name of a signal that ends a crashing program.
pub(crate) fn crash_name(number: i32) -> Option<&'static str> {
    if !cfg!(unix) {
        return None;
    }
    // These numbers are the same on all Unix systems.
    Some(match number {
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// The text from a byte of its encoding on; `from` is just behind an ASCII
/// character.
#[cfg(unix)]
pub(crate) fn tail(text: &OsStr, from: usize) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&text.as_bytes()[from..]).to_owned()
}

/// The text from a byte of its encoding on; `from` is just behind an ASCII
/// character. What is no Unicode becomes a replacement character, which is in no
/// file's name: such an input counts as absent.
#[cfg(not(unix))]
pub(crate) fn tail(text: &OsStr, from: usize) -> OsString {
    let rest = String::from_utf8_lossy(&text.as_encoded_bytes()[from..]);
    OsString::from(rest.into_owned())
}

/// Whether two paths lead to one file.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(a), Ok(b)) = (std::fs::metadata(a), std::fs::metadata(b)) {
            return (a.dev(), a.ino()) == (b.dev(), b.ino());
        }
    }
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A shell that has started a child of its own, which holds a lock until it
    /// is gone, is ended together with that child.
    fn ends_children(end_tree: fn(&mut std::process::Child) -> std::io::Result<()>) {
        use std::io::Read;

        // The grandchild inherits stdout: it is at its end when both are gone.
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 30 & echo started; wait"])
            .stdout(std::process::Stdio::piped());
        in_own_group(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut first = [0];
        stdout.read_exact(&mut first).unwrap();

        let start = std::time::Instant::now();
        end_tree(&mut child).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(crash_of(status), Some(9));
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "tarted\n");
        assert!(start.elapsed().as_secs() < 20, "it ended by itself");
    }

    #[test]
    fn fallback_ends_children() {
        ends_children(fallback::end_tree);
    }

    #[cfg(feature = "rustix")]
    #[test]
    fn unix_ends_children() {
        ends_children(unix::end_tree);
    }

    #[test]
    fn fallback_has_no_stamps_to_trust() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        assert_eq!(fallback::stamp(&metadata), None);
    }

    #[cfg(feature = "rustix")]
    #[test]
    fn a_stamp_shows_a_change_that_the_modification_time_hides() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one").unwrap();
        let before = file.as_file().metadata().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30));
        std::fs::write(file.path(), "two").unwrap();
        file.as_file()
            .set_modified(before.modified().unwrap())
            .unwrap();
        let after = file.as_file().metadata().unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        assert_ne!(unix::stamp(&before), unix::stamp(&after));
    }

    #[test]
    fn limits_are_of_a_believable_size() {
        assert!((16_384..=1 << 23).contains(&fallback::argument_limit()));
        assert!((16_384..=1 << 23).contains(&argument_limit()));
    }

    #[test]
    fn a_stamp_settles_with_time() {
        let stamp = Stamp {
            size: 0,
            modified: (100, 0),
            changed: (103, 0),
            device: 0,
            inode: 0,
        };
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert!(!stamp.is_settled(at(103), 2));
        assert!(!stamp.is_settled(at(105), 2));
        assert!(stamp.is_settled(at(106), 2));
        assert!(!stamp.is_settled(at(0), 2), "a stamp of the future");
    }
}
