//! Files of the cache and copied objects, which are there complete or not at all.

use std::any::Any;
use std::fs::File;
use std::io;
use std::path::Path;

use replace_file::{NewFile, Permissions};

/// Called with the path of a temporary file before the file exists. The result is dropped
/// when the file has its name or is gone.
pub(crate) type Guard = fn(&Path) -> io::Result<Box<dyn Any>>;

/// Fails if a pipe or a device is at `path`, which may keep the caller waiting for ever when it is
/// opened, and must not be replaced.
pub(crate) fn no_special_file(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            Err(io::Error::other("not a regular file"))
        }
        _ => Ok(()),
    }
}

/// Replaces the file at `path` by what `write` writes. If anything fails, `path` is as it
/// was and nothing is left beside it.
pub(crate) fn replace_file(
    path: &Path,
    guard: Option<Guard>,
    write: impl FnOnce(&mut &File) -> io::Result<()>,
) -> io::Result<()> {
    no_special_file(path)?;
    let guard = |path: &Path| guard.map(|guard| guard(path)).transpose();
    let mut new = NewFile::create_guarded(path, Permissions::Plain, guard)?;
    write(&mut new.file())?;
    new.commit()
}
