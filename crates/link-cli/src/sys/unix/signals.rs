//! Signals by which a user ends a command, and what is removed then.
//!
//! Files are removed by handlers, one for each file, and behind those a handler ends the process. For
//! directories, of which few commands have any, that does not suffice: what is in them has to be
//! found. A thread that waits for signals removes them, and then it is the one that ends the process,
//! when the handlers, too, have done what they are for.
//! It is not there for files, too, because starting it takes a twentieth of the smallest link's time,
//! and on a busy machine the process cannot end before that thread had its turn.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, io, thread};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{self, emulate_default_handler};

use crate::sys::{TEMPORARY, lock};

/// The signals by which a user ends a command.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// How often a directory is removed again, in which a linker that is being ended too still makes
/// a file.
const ATTEMPTS: u32 = 10;

/// Whether a thread waits for signals.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// What is called behind all other handlers, if there are any.
static LAST: Mutex<Option<Handlers>> = Mutex::new(None);

/// Whether it was called, so that the others have done what they are for.
static HANDLED: AtomicBool = AtomicBool::new(false);

/// How many milliseconds the thread that waits for signals waits for that. A signal may have come
/// before there were handlers.
const PATIENCE: u32 = 200;

/// From now on, removes the temporary directories when a signal ends the process. Not for several
/// threads at once.
pub(in crate::sys) fn watch_signals() -> io::Result<()> {
    if WATCHED.load(Ordering::Acquire) {
        return Ok(());
    }
    let mut signals = Signals::new(SIGNALS)?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                wait_for_handlers();
                end_by(signal);
            }
        })?;
    WATCHED.store(true, Ordering::Release);
    Ok(())
}

/// Waits until what handlers remove is removed: they are called on another thread, at the same time.
fn wait_for_handlers() {
    for _ in 0..PATIENCE {
        if HANDLED.load(Ordering::Acquire) || lock(&LAST).is_none() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

pub(in crate::sys) fn end_by(signal: i32) {
    if SIGNALS.contains(&signal) {
        // Held to the end, so that no directory is made or removed meanwhile.
        let list = lock(&TEMPORARY);
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
#[derive(Debug)]
pub(in crate::sys) struct RemovedOnSignal {
    _handlers: Handlers,
}

impl RemovedOnSignal {
    /// For the file at `path`, which need not be there yet.
    pub(in crate::sys) fn new(path: &Path) -> io::Result<Self> {
        // It has its zero already, so that a handler need not allocate.
        let path: Arc<CStr> = CString::new(path.as_os_str().as_bytes())?.into();
        let handlers = Handlers::new(move |_| {
            // What cannot be removed stays there.
            let _ = rustix::fs::unlink(&*path);
        })?;
        end_last()?;
        Ok(Self {
            _handlers: handlers,
        })
    }
}

/// Has the handlers end the process, behind all others that there are by now, or a thread that waits
/// for signals do so.
fn end_last() -> io::Result<()> {
    let handlers = Handlers::new(|signal| {
        if WATCHED.load(Ordering::Acquire) {
            HANDLED.store(true, Ordering::Release);
        } else {
            let _ = emulate_default_handler(signal);
        }
    })?;
    *lock(&LAST) = Some(handlers);
    Ok(())
}

/// What is called in the handlers of all signals, for as long as this value exists.
#[derive(Debug)]
struct Handlers(Vec<SigId>);

impl Handlers {
    /// `handler` gets the signal.
    #[allow(
        unsafe_code,
        reason = "few things can be done where a signal interrupts, and no type tells which"
    )]
    fn new(handler: impl Fn(i32) + Clone + Send + Sync + 'static) -> io::Result<Self> {
        let mut handlers = Self(Vec::with_capacity(SIGNALS.len()));
        for signal in SIGNALS {
            let handler = handler.clone();
            // SAFETY: what this module has called loads atomics and makes system calls that may be
            // made there (`unlink`, and those of a function that says so of itself). It allocates,
            // locks and frees nothing, and is freed by who drops this value.
            let id = unsafe { low_level::register(signal, move || handler(signal)) }?;
            handlers.0.push(id);
        }
        Ok(handlers)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for handler in self.0.drain(..) {
            low_level::unregister(handler);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use crate::sys::{TempDir, TempFile};

    /// Not a test: a process with two directories and two files, which it says.
    #[test]
    #[ignore = "run by what_is_temporary_is_removed_whatever_else_is"]
    fn wait_for_a_signal() {
        let dirs = [(); 2].map(|()| TempDir::new().unwrap());
        let place = std::env::temp_dir();
        let _files = [(); 2].map(|()| TempFile::new_in(&place).unwrap());
        std::fs::write(dirs[0].path().join("inside"), "").unwrap();
        std::io::stderr().write_all(b"ready").unwrap();
        loop {
            std::thread::park();
        }
    }

    #[test]
    fn what_is_temporary_is_removed_whatever_else_is() {
        let place = TempDir::new().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("sys::platform::signals::tests::wait_for_a_signal")
            .env("TMPDIR", place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 5];
        std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut ready).unwrap();
        let inside = || std::fs::read_dir(place.path()).unwrap().count();
        assert_eq!(inside(), 4);
        let sent = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(15));
        assert_eq!(inside(), 0);
    }
}
