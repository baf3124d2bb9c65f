//! Writing a file so that it is there complete or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a file beside `path` and renames it to that name. If anything fails,
/// `path` is as it was and nothing is left beside it. A symbolic link stays one:
/// what it leads to is replaced.
pub(crate) fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let dir = match target.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lld-driver-");
    // A temporary file is private by default; the output is an ordinary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    write(file.as_file_mut())?;
    if let Ok(existing) = std::fs::metadata(&target) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.persist(&target)?;
    Ok(())
}
