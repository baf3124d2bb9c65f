//! What depends on the platform: paths and arguments that are bytes.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
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

/// The part of an argument from byte `at` on, which lies behind an ASCII character. Where arguments
/// are Unicode, there is none of one that is not.
#[cfg(unix)]
pub(crate) fn tail(argument: &OsStr, at: usize) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt;
    let tail = argument.as_bytes().get(at..)?;
    Some(OsStr::from_bytes(tail).to_owned())
}

#[cfg(not(unix))]
pub(crate) fn tail(argument: &OsStr, at: usize) -> Option<OsString> {
    argument.to_str()?.get(at..).map(OsString::from)
}
