//! Objects of programs over Debian's WASI libraries.

use std::path::{Path, PathBuf};

use super::bundled::Bundled;
use super::{compile, tools};
use crate::Result;

/// What everything is compiled with.
const C: &[&str] = &["--target=wasm32-wasi", "-Wno-everything"];

/// The object of a source among the programs.
pub(crate) fn program(dir: &Path, source: &str, flags: &[&str]) -> Result<PathBuf> {
    object(dir, &tools::source(source), flags)
}

fn object(dir: &Path, source: &Path, flags: &[&str]) -> Result<PathBuf> {
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    compile::object(dir, source, &name, &[C, flags].concat())
}

/// A C++ program that uses streams.
pub(crate) fn iostream(dir: &Path, flags: &[&str]) -> Result<PathBuf> {
    let more = ["-std=c++17", "-fno-exceptions"];
    program(dir, "iostream.cc", &[flags, &more].concat())
}

/// SQLite and a program that uses it.
pub(crate) fn sqlite(dir: &Path, flags: &[&str], bundled: &Bundled) -> Result<Vec<PathBuf>> {
    let include = format!("-I{}", bundled.sqlite.display());
    let options = [
        "-DSQLITE_OS_OTHER",
        "-DSQLITE_OMIT_LOAD_EXTENSION",
        "-DSQLITE_OMIT_WAL",
        "-DSQLITE_THREADSAFE=0",
    ];
    let mut objects = vec![program(dir, "sqlite.c", &[flags, &[&include]].concat())?];
    for (source, name) in [
        ("sqlite3.c", "sqlite3-library"),
        ("wasm32-wasi-vfs.c", "vfs"),
    ] {
        let source = bundled.sqlite.join(source);
        let flags = [C, flags, &options, &[&include]].concat();
        objects.push(compile::object(dir, &source, name, &flags)?);
    }
    Ok(objects)
}

/// zlib and a program that uses it.
pub(crate) fn zlib(dir: &Path, flags: &[&str], bundled: &Bundled) -> Result<Vec<PathBuf>> {
    let include = format!("-I{}", bundled.zlib.display());
    let mut objects = vec![program(dir, "zlib.c", &[flags, &[&include]].concat())?];
    objects.extend(zlib_library(dir, &[C, flags].concat(), bundled)?);
    Ok(objects)
}

/// zlib itself, without what reads and writes files.
pub(super) fn zlib_library(dir: &Path, flags: &[&str], bundled: &Bundled) -> Result<Vec<PathBuf>> {
    const PARTS: [&str; 10] = [
        "adler32", "compress", "crc32", "deflate", "inffast", "inflate", "inftrees", "trees",
        "uncompr", "zutil",
    ];
    let object = |part: &&str| {
        let source = bundled.zlib.join(part).with_extension("c");
        compile::object(dir, &source, &format!("zlib-{part}"), flags)
    };
    PARTS.iter().map(object).collect()
}
