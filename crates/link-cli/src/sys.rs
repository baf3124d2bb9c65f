//! Everything that asks the platform.
//!
//! `fallback` needs the standard library only; it is used on platforms that are not known, and
//! everywhere without the feature `platform`, so that it can be tested anywhere.

#[cfg_attr(all(unix, feature = "platform"), path = "sys/unix/mod.rs")]
#[cfg_attr(not(all(unix, feature = "platform")), path = "sys/fallback.rs")]
mod platform;
#[cfg_attr(
    all(target_os = "linux", feature = "platform"),
    path = "sys/processors/linux.rs"
)]
#[cfg_attr(
    not(all(target_os = "linux", feature = "platform")),
    path = "sys/processors/fallback.rs"
)]
mod processors;

mod chain;
mod inputs;
mod temporary;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub(crate) use self::inputs::{InputFiles, InputStamps};
pub(crate) use self::processors::Apart;
pub(crate) use self::temporary::{RemovedAtEnd, TempDir, TempFile, new_file, remove_files};

/// Bytes were not text that the platform can hold in an argument or a path.
#[derive(Debug)]
pub(crate) struct NotText;

/// The argument or path whose bytes are `bytes`.
pub(crate) fn os_string(bytes: Vec<u8>) -> Result<OsString, NotText> {
    platform::os_string(bytes)
}

/// The identity of an existing file: paths to it have the same, through links of any kind (without
/// the feature `platform`: of any but hard ones).
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity(platform::FileIdentity);

impl FileIdentity {
    /// That of the file at `path`, if there is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        platform::identity(path).map(Self)
    }
}

/// Removes temporary files and ends the process as `signal` would, if users end commands by
/// `signal`.
///
/// For a child that was ended so: Ctrl-C goes to both, and the child's end can be noticed first.
pub(crate) fn end_by(signal: i32) {
    platform::end_by(signal);
}

/// The prefix of errors that are printed when the command cannot go on.
static ERROR: OnceLock<String> = OnceLock::new();

/// From now on, errors that are printed when the command cannot go on begin with `text`.
pub(crate) fn errors_begin_with(text: String) {
    // A command has one name.
    let _ = ERROR.set(text);
}

/// Ends the command at once with exit code 1 and the error made of `parts`. Temporary files are
/// removed. May be called in a signal handler, by the allocator, and by several threads at once.
fn end_with_error(parts: &[&[u8]]) -> ! {
    platform::end_with_error(
        ERROR
            .get()
            .map_or(b"wasm-link: error: ", |text| text.as_bytes()),
        parts,
    )
}

/// Ends the command with an error if a file that was read has changed since: then contradictory
/// bytes are no defect of the linker.
pub(crate) fn end_if_an_input_changed() {
    if let Some(opened) = inputs::to_blame(None) {
        end_changed(opened);
    }
}

/// Ends the command with the error that this file changed. May be called in a signal handler.
fn end_changed(opened: &inputs::Opened) -> ! {
    let path = opened.path().as_os_str().as_encoded_bytes();
    end_with_error(&[path, b" ", inputs::CHANGED.as_bytes()])
}

/// Ends the command since there is no memory for `size` bytes more. Allocates nothing.
#[cfg(all(target_os = "linux", target_pointer_width = "64", feature = "platform"))]
pub(crate) fn end_without_memory(mut size: usize) -> ! {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while at > 0 && (size > 0 || at == digits.len()) {
        at -= 1;
        digits[at] = b'0' + (size % 10) as u8;
        size /= 10;
    }
    end_with_error(&[b"out of memory: ", &digits[at..], b" more bytes are needed"])
}

/// Ends the command with success. The system frees its memory, except that of `files`, which takes
/// long. No temporary file is left by now, and the standard streams are flushed.
pub(crate) fn exit_well(files: &InputFiles) -> ! {
    files.mappings.give_back();
    std::process::exit(0)
}

/// The contents of a mutex, even if a thread panicked meanwhile: for contents that are consistent
/// then, too, since every change is one push, retain or the like.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for `len` bytes in a new file, which the disk is known to have where it can be
/// asked; returns whether the file can be written part by part (without the feature `platform`
/// it cannot).
pub(crate) fn reserve_places(file: &File, len: usize) -> io::Result<bool> {
    platform::reserve_places(file, len)
}

/// Writes all of `bytes` to a file whose places are reserved, `offset` bytes from its start.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    platform::write_at(file, bytes, offset)
}

/// The items for which `is_one` is true. It makes a system call for each: if there are many, the
/// threads of the link share them (without the feature `platform` they do not).
pub(crate) fn find_all<T: Sync>(items: &[T], is_one: impl Fn(&T) -> bool + Sync) -> Vec<&T> {
    platform::find_all(items, is_one)
}

/// The bytes of a new file, to be filled.
#[derive(Debug)]
pub(crate) enum Room {
    /// They are the file's.
    #[cfg(all(unix, feature = "platform"))]
    Mapped(platform::MappedRoom),
    /// They are written into the file in the end.
    Memory(Vec<u8>),
}

impl Room {
    /// Room for `len` bytes, which the disk is known to have where it can be asked.
    pub(crate) fn new(file: &File, len: usize) -> io::Result<Self> {
        platform::room(file, len)
    }

    /// `len` bytes of memory.
    fn memory(len: usize) -> io::Result<Self> {
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.resize(len, 0);
        Ok(Self::Memory(bytes))
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        match self {
            #[cfg(all(unix, feature = "platform"))]
            Self::Mapped(map) => map.bytes(),
            Self::Memory(bytes) => bytes,
        }
    }

    /// Sees to it that the bytes are in the file.
    pub(crate) fn finish(self, mut file: &File) -> io::Result<()> {
        match self {
            #[cfg(all(unix, feature = "platform"))]
            Self::Mapped(_) => Ok(()),
            Self::Memory(bytes) => file.write_all(&bytes),
        }
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
        let of = |name| FileIdentity::of(&dir.path().join(name));
        assert!(of("a").is_some());
        assert_eq!(of("a"), of("./a"));
        assert_ne!(of("a"), of("b"));
        assert_eq!(of("c"), None);
        let path = dir.path().to_owned();
        drop(dir);
        assert!(!path.exists());
    }
}
