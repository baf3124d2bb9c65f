//! Writing a file so that it is there complete or not at all.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Called with the path of a temporary file before it is made. What it returns is dropped
/// when the file has its name or is gone.
pub(crate) type Guard = fn(&Path) -> io::Result<Box<dyn Any>>;

/// Writes a file beside `path` and renames it to that name. If anything fails,
/// `path` is as it was and nothing is left beside it. A symbolic link stays one:
/// what it leads to is replaced.
pub(crate) fn replace_file(
    path: &Path,
    guard: Option<Guard>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let dir = match target.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    // A temporary file is private by default; the output is an ordinary file.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o666);
    let mut made = tempfile::Builder::new()
        .prefix(".lld-driver-")
        .make_in(dir, |path| {
            let guarded = guard.map(|guard| guard(path)).transpose()?;
            Ok((options.open(path)?, guarded))
        })?;
    let (file, _) = made.as_file_mut();
    write(file)?;
    if let Ok(existing) = std::fs::metadata(&target) {
        file.set_permissions(existing.permissions())?;
    }
    made.persist(&target).map_err(|error| error.error)?;
    Ok(())
}
