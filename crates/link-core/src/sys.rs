//! What depends on the platform: paths that are bytes.

use std::borrow::Cow;
use std::path::Path;

/// The path that `bytes` are in a file of this platform. Where paths are Unicode, what is none becomes
/// replacement characters, which are in no file's name.
#[cfg(unix)]
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Cow<'_, Path> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Cow<'_, Path> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(Path::new(text)),
        Cow::Owned(text) => Cow::Owned(text.into()),
    }
}
