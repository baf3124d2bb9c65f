//! Files of the cache and copied objects, which are there complete or not at all.

use std::any::Any;
use std::fs::File;
use std::io;
use std::path::Path;

use replace_file::{NewFile, Permissions};

/// Called with the path of a temporary file before the file exists. The result is dropped
/// when the file has its name or is gone.
pub(crate) type Guard = fn(&Path) -> io::Result<Box<dyn Any>>;

/// Replaces the file at `path` by what `write` writes. If anything fails, `path` is as it
/// was and nothing is left beside it.
pub(crate) fn replace_file(
    path: &Path,
    guard: Option<Guard>,
    write: impl FnOnce(&mut &File) -> io::Result<()>,
) -> io::Result<()> {
    let guard = |path: &Path| guard.map(|guard| guard(path)).transpose();
    let mut new = NewFile::create_guarded(path, Permissions::Plain, guard)?;
    write(&mut new.file())?;
    new.commit()
}
