//! What Unix offers.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use std::{fs, io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::NotText;

#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere not every sequence of bytes is text"
)]
pub(crate) fn os_string(bytes: Vec<u8>) -> Result<OsString, NotText> {
    Ok(OsString::from_vec(bytes))
}

pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

/// The signals by which a user ends a command.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// How often a directory is removed again, in which a linker that is being ended too still makes
/// a file.
const ATTEMPTS: u32 = 10;

/// From now on, removes the temporary directories when a signal ends the process.
pub(super) fn watch_signals() -> io::Result<()> {
    static STARTED: OnceLock<()> = OnceLock::new();
    if STARTED.set(()).is_err() {
        return Ok(());
    }
    let mut signals = Signals::new(SIGNALS)?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                end_by(signal);
            }
        })?;
    Ok(())
}

pub(super) fn end_by(signal: i32) {
    if SIGNALS.contains(&signal) {
        // Held to the end, so that no directory is made or removed meanwhile.
        let list = super::temporary();
        for dir in list.iter() {
            remove(dir);
        }
        // By that signal, so that a shell sees what happened.
        let _ = emulate_default_handler(signal);
    }
}

fn remove(dir: &Path) {
    for _ in 0..ATTEMPTS {
        match fs::remove_dir_all(dir) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}
