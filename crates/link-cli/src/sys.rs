//! Everything that asks the platform.
//!
//! `fallback` needs the standard library only; it is used on platforms that are not known, and
//! everywhere without the feature `platform`, so that it can be tested anywhere.

#[cfg_attr(all(unix, feature = "platform"), path = "sys/unix.rs")]
#[cfg_attr(not(all(unix, feature = "platform")), path = "sys/fallback.rs")]
mod platform;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::report::Message;

/// Bytes were not text that the platform can hold in an argument or a path.
#[derive(Debug)]
pub(crate) struct NotText;

/// The argument or path whose bytes are `bytes`.
pub(crate) fn os_string(bytes: Vec<u8>) -> Result<OsString, NotText> {
    platform::os_string(bytes)
}

/// The part of `text` from byte `at` on, which lies behind an ASCII character.
pub(crate) fn tail(text: &OsStr, at: usize) -> Result<OsString, NotText> {
    os_string(
        text.as_encoded_bytes()
            .get(at..)
            .unwrap_or_default()
            .to_vec(),
    )
}

/// Whether both paths lead to one existing file, through links of any kind (without the feature
/// `platform`: of any but hard ones).
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    platform::same_file(a, b)
}

/// Ends the process as `signal` would, with what is temporary removed, if `signal` is one by
/// which a user ends a command.
///
/// For a child that was ended so: Ctrl-C goes to both, and the child's end can be noticed first.
pub(crate) fn end_by(signal: i32) {
    platform::end_by(signal);
}

/// Directories that are removed when the user ends the command.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporary() -> MutexGuard<'static, Vec<PathBuf>> {
    // The list is whole whatever panicked while holding it: every change is one push or retain.
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary directory. It is removed with what is in it when this value is dropped, and when
/// a signal ends the command (`SIGINT`, `SIGTERM` or `SIGHUP`; without the feature `platform`
/// that cannot be noticed).
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// Makes a directory among the system's temporary files.
    pub(crate) fn new() -> Result<Self, Message> {
        Self::make().map_err(|error| {
            let place = std::env::temp_dir();
            Message::error(format!(
                "cannot make a directory in {}: {error}",
                place.display()
            ))
        })
    }

    fn make() -> io::Result<Self> {
        platform::watch_signals()?;
        // Held from before the directory exists, so that no signal comes between.
        let mut list = temporary();
        let path = tempfile::Builder::new()
            .prefix("wasm-link-")
            .tempdir()?
            .keep();
        list.push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be removed is left to the system; the link has its result.
        let _ = std::fs::remove_dir_all(&self.0);
        temporary().retain(|path| *path != self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_under_another_name() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "a").unwrap();
        std::fs::write(dir.path().join("b"), "a").unwrap();
        assert!(same_file(&path, &dir.path().join(".").join("a")));
        assert!(!same_file(&path, &dir.path().join("b")));
        assert!(!same_file(&path, &dir.path().join("c")));
        let path = dir.path().to_owned();
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn a_value_is_cut_from_its_argument() {
        assert_eq!(tail(OsStr::new("--map=ä"), 6).unwrap(), "ä");
        assert_eq!(tail(OsStr::new("-O"), 2).unwrap(), "");
    }
}
