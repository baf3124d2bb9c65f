//! `--reproduce`: an archive of everything that the link read, with a command line that makes the
//! same link from it.
//!
//! The archive is a tar file (POSIX.1-1988 "ustar"; a path that is too long for that has a header
//! of POSIX.1-2001 before it).

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use link_core::args::{Arg, Item, Line, PathUse};
use lld_driver::quote::{Quoting, response_file};

use crate::config::split_adapter;
use crate::options::{OWN_WASI, Opt};
use crate::persona::Persona;
use crate::sys;

/// Writes the archive called `name`: the command line and the files that the link has read.
pub(super) fn write(out: impl Write, name: &str, line: &Line, read: &[PathBuf]) -> io::Result<()> {
    let directory = std::env::current_dir()?;
    let stem = Path::new(name).file_stem().unwrap_or(OsStr::new("repro"));
    let mut tar = Tar {
        out: BufWriter::new(out),
        root: Path::new(stem).to_owned(),
    };
    tar.add(Path::new("response.txt"), &response(line, &directory))?;
    let version = Persona::WasmLink.version();
    tar.add(Path::new("version.txt"), version.as_bytes())?;
    let mut added = HashSet::new();
    for path in read {
        let name = inside(path, &directory);
        if added.insert(name.clone()) {
            tar.add(&name, &fs::read(path)?)?;
        }
    }
    tar.finish()
}

/// The command line for the directory that the archive is extracted to: an option a line, so
/// that it can be read and changed.
fn response(line: &Line, directory: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    for item in &line.items {
        let mut words = Vec::new();
        match item {
            Item::Input(path) => words.push(inside(Path::new(path), directory).into()),
            Item::Option(arg) => option(arg, directory, &mut words),
        }
        for (i, word) in words.iter().enumerate() {
            if i > 0 {
                text.push(b' ');
            }
            text.extend(quoted(word));
        }
        if !words.is_empty() {
            text.push(b'\n');
        }
    }
    text
}

/// A word of the response file, in quotes if it needs them.
fn quoted(word: &OsStr) -> Vec<u8> {
    let bytes = word.as_encoded_bytes();
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return bytes.to_vec();
    }
    let mut text = response_file(&[word], Quoting::Posix);
    text.pop();
    text
}

fn option(arg: &Arg, directory: &Path, args: &mut Vec<OsString>) {
    let path = |path: &OsStr| match arg.spec.path {
        _ if Opt::of(arg) == Some(Opt::Adapt) => {
            let (name, path) = split_adapter(path)?;
            let mut value = OsString::from(format!("{name}="));
            value.push(inside(&path, directory));
            Some(value)
        }
        PathUse::Read => Some(inside(Path::new(path), directory).into_os_string()),
        // What the link makes is made where it is called.
        PathUse::Written if path != "-" => Path::new(path).file_name().map(OsStr::to_owned),
        PathUse::Written | PathUse::None => None,
    };
    match Opt::of(arg) {
        // What they stand for was read and is in the archive.
        _ if arg.spec.group == OWN_WASI => {}
        Some(Opt::Reproduce | Opt::RspQuoting | Opt::LldPath | Opt::WasmLdPath | Opt::CacheDir) => {
        }
        _ => match arg.value.as_deref().and_then(path) {
            None => args.extend(arg.raw().map(OsStr::to_owned)),
            Some(value) if arg.value_is_next => args.extend([arg.typed.clone(), value]),
            Some(value) => args.push(joined(arg, &value)),
        },
    }
}

/// `arg`, whose value is joined to it, with another one.
fn joined(arg: &Arg, value: &OsStr) -> OsString {
    let typed = arg.typed.as_encoded_bytes();
    let old = arg.value.as_ref().map_or(0, |value| value.len());
    // The name of an option is ASCII, so that cutting there is possible whatever follows.
    let mut whole = sys::os_string(typed[..typed.len() - old].to_vec()).unwrap_or_default();
    whole.push(value);
    whole
}

/// A file's path in the archive: from the root of the file system, without `.` and `..`.
fn inside(path: &Path, directory: &Path) -> PathBuf {
    let mut inside = PathBuf::new();
    for component in directory.join(path).components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::ParentDir => {
                inside.pop();
            }
            Component::Prefix(prefix) => {
                // A drive: its letter becomes a directory.
                inside.push(
                    prefix
                        .as_os_str()
                        .to_string_lossy()
                        .replace([':', '\\'], ""),
                );
            }
            Component::RootDir | Component::CurDir => {}
        }
    }
    inside
}

/// Bytes of a tar file's blocks.
const BLOCK: usize = 512;

/// A tar file that is being written.
struct Tar<W: Write> {
    out: W,
    /// The directory that all files are in.
    root: PathBuf,
}

impl<W: Write> Tar<W> {
    fn add(&mut self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let path = self.root.join(path);
        let mut name = path.as_os_str().as_encoded_bytes().to_vec();
        if cfg!(windows) {
            name.iter_mut()
                .filter(|byte| **byte == b'\\')
                .for_each(|byte| *byte = b'/');
        }
        if name.len() > NAME {
            self.entry(b"././@PaxHeader", b'x', &pax_path(&name))?;
            name.truncate(NAME);
        }
        self.entry(&name, b'0', contents)
    }

    fn entry(&mut self, name: &[u8], kind: u8, contents: &[u8]) -> io::Result<()> {
        self.out.write_all(&header(name, kind, contents.len()))?;
        self.out.write_all(contents)?;
        let rest = contents.len().next_multiple_of(BLOCK) - contents.len();
        self.out.write_all(&[0; BLOCK][..rest])
    }

    /// Two empty blocks are the end.
    fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()
    }
}

/// Bytes that a header has for a name.
const NAME: usize = 100;

fn header(name: &[u8], kind: u8, size: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    // The sum counts its own place as spaces.
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A record that gives the next entry its path. It begins with its own length.
fn pax_path(name: &[u8]) -> Vec<u8> {
    let rest = [b" path=", name, b"\n"].concat();
    let mut len = rest.len();
    while len != rest.len() + len.to_string().len() {
        len = rest.len() + len.to_string().len();
    }
    [len.to_string().as_bytes(), &rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_the_archive() {
        let directory = Path::new("/work/x");
        let inside = |path: &str| inside(Path::new(path), directory);
        assert_eq!(inside("a.o"), Path::new("work/x/a.o"));
        assert_eq!(inside("../y/./a.o"), Path::new("work/y/a.o"));
        assert_eq!(inside("/usr/lib/c.a"), Path::new("usr/lib/c.a"));
        assert_eq!(inside("../../../../a"), Path::new("a"));
    }

    #[test]
    fn words_are_quoted_where_they_need_it() {
        let quoted = |word: &str| String::from_utf8(quoted(OsStr::new(word))).unwrap();
        assert_eq!(quoted("--export=f"), "--export=f");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted(r#"a\"b'"#), r#""a\\\"b'""#);
        assert_eq!(quoted("ä"), "\"ä\"");
    }

    #[test]
    fn a_long_path_tells_its_own_length() {
        for len in [1, 90, 91, 92, 93, 980, 990, 991] {
            let record = pax_path(&vec![b'x'; len]);
            let text = String::from_utf8(record.clone()).unwrap();
            let said: usize = text.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, record.len());
        }
    }
}
