//! `--install`: the names of other linkers, for compilers that take a linker by its name.
//!
//! A name becomes a symbolic link to the running executable; where the system makes none, a hard link
//! or a copy. A file that is no `wasm-link` is never replaced.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::report::{self, Message};
use crate::sys::FileIdentity;

/// The names by which the command is taken for another one (see [`crate::persona`]).
const NAMES: &[&str] = if cfg!(feature = "component") {
    &["wasm-ld", "wasm-component-ld"]
} else {
    &["wasm-ld"]
};

/// Bytes that every `wasm-link` contains, of any version, and other programs do not.
static MARK: [u8; 48] = *b"\0wasm-link: --install may replace this program.\0";

/// How a name is to be made to lead to the executable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing is there.
    Missing,
    /// It is the running executable already.
    Current,
    /// It is, or leads to, another `wasm-link`.
    Older,
}

/// A name that is to lead to the executable.
#[derive(Debug)]
struct Place {
    name: &'static str,
    path: PathBuf,
    state: State,
}

/// Makes the names in `dir`, which is made too if it is missing. Returns what to tell the user.
///
/// Every name is checked before the first one is made.
pub(crate) fn install(dir: &Path) -> Result<String, Message> {
    let executable = executable()?;
    if dir.as_os_str().is_empty() {
        return Err(Message::error("--install: no directory").with_note("expected --install=<dir>"));
    }
    let dir = std::path::absolute(dir).map_err(|error| cannot_make("directory", dir, &error))?;
    fs::create_dir_all(&dir).map_err(|error| {
        let made = cannot_make("directory", &dir, &error);
        made.with_note("choose another directory for --install")
    })?;
    let mut places = Vec::new();
    for &name in NAMES {
        let path = dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let state = state(&path, &executable)?;
        places.push(Place { name, path, state });
    }
    let mut text = String::new();
    for Place { path, state, .. } in &places {
        let done = match state {
            State::Current => "there already:",
            State::Missing => "made",
            State::Older => "updated",
        };
        let how = if *state == State::Current {
            ""
        } else {
            let how = put(&executable, path).map_err(|error| {
                cannot_make("link", path, &error)
                    .with_note("choose a directory for --install that you may write")
            })?;
            how.described()
        };
        let _ = write!(text, "{done} {}", path.display());
        if !how.is_empty() {
            let _ = write!(text, " ({how} {})", executable.display());
        }
        text.push('\n');
    }
    text.push_str(&next_step(&places));
    Ok(text)
}

/// The program that is running.
fn executable() -> Result<PathBuf, Message> {
    let found = std::env::current_exe().and_then(|path| path.canonicalize());
    found.map_err(|error| {
        let text = format!(
            "--install: cannot find the running program: {}",
            report::reason(&error)
        );
        Message::error(text).with_note("start wasm-link by its full path")
    })
}

/// What is at `path`. A file that may not be replaced is an error.
fn state(path: &Path, executable: &Path) -> Result<State, Message> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(State::Missing);
    };
    if FileIdentity::of(path).is_some_and(|it| Some(it) == FileIdentity::of(executable)) {
        return Ok(State::Current);
    }
    let is_ours = match fs::metadata(path) {
        Ok(file) => file.is_file() && has_mark(path).unwrap_or(false),
        // A link to a `wasm-link` that was removed.
        Err(_) => found.is_symlink() && fs::read_link(path).is_ok_and(|to| is_wasm_link(&to)),
    };
    if is_ours {
        return Ok(State::Older);
    }
    Err(Message::error(format!(
        "{}: not replaced, because it is no wasm-link",
        path.display()
    ))
    .with_note("remove it, or choose another directory for --install"))
}

/// Whether a program has the name that this one has everywhere.
fn is_wasm_link(path: &Path) -> bool {
    path.file_stem() == Some(OsStr::new("wasm-link"))
}

/// Whether the file contains [`MARK`].
fn has_mark(path: &Path) -> io::Result<bool> {
    // The compiler may not take the bytes apart: another `wasm-link` looks for all of them.
    let mark: &[u8] = black_box(&MARK);
    let mut file = File::open(path)?;
    let mut bytes = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        let read = match file.read(&mut bytes[kept..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let filled = kept + read;
        if bytes[..filled]
            .windows(mark.len())
            .any(|bytes| bytes == mark)
        {
            return Ok(true);
        }
        // The mark may lie across two reads.
        kept = filled.min(mark.len() - 1);
        bytes.copy_within(filled - kept..filled, 0);
    }
}

/// How a name leads to the executable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Symbolic,
    Hard,
    Copy,
}

impl Kind {
    /// In words, followed by the executable's path.
    fn described(self) -> &'static str {
        match self {
            Self::Symbolic => "leads to",
            Self::Hard => "hard link to",
            Self::Copy => "copy of",
        }
    }
}

/// Makes `path` lead to `executable`, in the place of an earlier `wasm-link`.
fn put(executable: &Path, path: &Path) -> io::Result<Kind> {
    let dir = path.parent().unwrap_or(path);
    // In one directory, the link holds wherever the directory is moved or mounted.
    let is_beside = dir.canonicalize().ok().as_deref() == executable.parent();
    let target = match executable.file_name() {
        Some(name) if is_beside => Path::new(name),
        _ => executable,
    };
    // Renamed to its place, so that a compiler always finds a linker there.
    let mut kind = Kind::Symbolic;
    let made = tempfile::Builder::new()
        .prefix(".wasm-link-")
        .make_in(dir, |temporary| {
            kind = link(target, executable, temporary)?;
            Ok(())
        })?;
    made.into_temp_path().persist(path)?;
    Ok(kind)
}

/// Makes the link that the system and the file system have.
fn link(target: &Path, executable: &Path, path: &Path) -> io::Result<Kind> {
    match symbolic(target, path) {
        Ok(()) => return Ok(Kind::Symbolic),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
    }
    if fs::hard_link(executable, path).is_ok() {
        return Ok(Kind::Hard);
    }
    fs::copy(executable, path)?;
    Ok(Kind::Copy)
}

#[cfg(unix)]
fn symbolic(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Windows wants a privilege for this.
#[cfg(windows)]
fn symbolic(target: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, path)
}

#[cfg(not(any(unix, windows)))]
fn symbolic(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lines that make compilers link by the names.
fn next_step(places: &[Place]) -> String {
    let mut text = "\nCompilers take the full path:\n".to_owned();
    for Place { name, path, .. } in places {
        let path = quoted(path);
        if *name == "wasm-component-ld" {
            let _ = writeln!(
                text,
                "  rustc --target=wasm32-wasip2 -C linker={path} hello.rs"
            );
        } else {
            let _ = writeln!(
                text,
                "  clang --target=wasm32-wasip1 -fuse-ld={path} hello.c -o hello.wasm\n  \
                 rustc --target=wasm32-wasip1 -C linker={path} hello.rs"
            );
        }
    }
    text
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let shown = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-+".contains(c);
    if shown.chars().all(is_plain) {
        shown
    } else {
        format!("\"{shown}\"")
    }
}

fn cannot_make(what: &str, path: &Path, error: &io::Error) -> Message {
    let reason = report::reason(error);
    Message::error(format!(
        "cannot make the {what} {}: {reason}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("program");
        for before in [0, 5, (1 << 20) - MARK.len(), (1 << 20) - 20, 3 << 20] {
            let mut bytes = vec![7; before];
            bytes.extend(MARK);
            bytes.extend([7; 9]);
            fs::write(&path, &bytes).unwrap();
            assert!(has_mark(&path).unwrap(), "{before}");
            bytes[before + 10] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(!has_mark(&path).unwrap(), "{before}");
        }
        has_mark(dir.path()).unwrap_err();
    }

    #[test]
    fn paths_with_spaces_are_quoted() {
        assert_eq!(quoted(Path::new("/opt/bin/wasm-ld")), "/opt/bin/wasm-ld");
        assert_eq!(quoted(Path::new("/a b/wasm-ld")), "\"/a b/wasm-ld\"");
    }
}
