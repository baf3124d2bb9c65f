//! Compiling what is linked. Objects are kept from run to run: SQLite takes a while.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{CLANG, show, succeed};
use crate::Result;

/// Compiles C, C++ or assembly to the object `dir/name.o`, unless it is there already, made from
/// this source by this command.
pub(super) fn object(dir: &Path, source: &Path, name: &str, flags: &[&str]) -> Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let object = dir.join(name).with_extension("o");
    let mut clang = Command::new(CLANG);
    clang
        .args(flags)
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(&object);

    let stamp = object.with_extension("command");
    let command = show(&clang);
    if fs::read_to_string(&stamp).is_ok_and(|earlier| earlier == command)
        && is_newer(&object, source)
    {
        return Ok(object);
    }
    succeed(&mut clang)?;
    fs::write(stamp, command)?;
    Ok(object)
}

fn is_newer(object: &Path, source: &Path) -> bool {
    let time = |path| fs::metadata(path).and_then(|data| data.modified()).ok();
    matches!((time(object), time(source)), (Some(object), Some(source)) if object > source)
}
