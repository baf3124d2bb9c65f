//! Signals by which a user ends a command, and what is removed then.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fs, io, thread};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{self, emulate_default_handler};

use crate::sys::temporary;

/// The signals by which a user ends a command.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// How often a directory is removed again, in which a linker that is being ended too still makes
/// a file.
const ATTEMPTS: u32 = 10;

/// From now on, removes the temporary directories when a signal ends the process.
pub(in crate::sys) fn watch_signals() -> io::Result<()> {
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

pub(in crate::sys) fn end_by(signal: i32) {
    if SIGNALS.contains(&signal) {
        // Held to the end, so that no directory is made or removed meanwhile.
        let list = temporary();
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

/// Removes a file when a signal ends the process, for as long as this value exists.
///
/// The handlers of the signals do it themselves. A thread that waits for signals, as there is one
/// for directories, takes a twentieth of the smallest link's time to start, and on a busy machine
/// the process cannot end before that thread had its turn.
#[derive(Debug)]
pub(in crate::sys) struct RemovedOnSignal(Vec<SigId>);

impl RemovedOnSignal {
    /// For the file at `path`, which need not be there yet.
    #[allow(
        unsafe_code,
        reason = "few things can be done where a signal interrupts, and no type tells which"
    )]
    pub(in crate::sys) fn new(path: &Path) -> io::Result<Self> {
        let path: Arc<CStr> = CString::new(path.as_os_str().as_bytes())?.into();
        let mut removed = Self(Vec::with_capacity(SIGNALS.len()));
        for signal in SIGNALS {
            let path = path.clone();
            let end = move || {
                // What cannot be removed stays there.
                let _ = rustix::fs::unlink(&*path);
                let _ = emulate_default_handler(signal);
            };
            // SAFETY: `end` makes system calls that may be made in a handler (`unlink`, and those
            // of a function that says so of itself). It allocates, locks and frees nothing: the
            // path has its zero already, and the handler is freed by who takes it away.
            removed.0.push(unsafe { low_level::register(signal, end) }?);
        }
        Ok(removed)
    }
}

impl Drop for RemovedOnSignal {
    fn drop(&mut self) {
        for handler in self.0.drain(..) {
            low_level::unregister(handler);
        }
    }
}
