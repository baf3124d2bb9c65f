//! Signals that end a command: temporary files and directories are removed first.
//!
//! Handlers remove files, of which they have a list. Directories, of which few commands have any, have
//! contents that have to be listed, which a handler cannot do. A thread that waits for signals removes
//! them and then ends the process.
//! That thread does not remove files, too: starting it takes a twentieth of the smallest link's time,
//! and on a busy machine the process cannot end before the thread is scheduled.
//!
//! An input that another process makes shorter is a signal, too, where it is mapped: that is an
//! error about the input.
#![allow(
    unsafe_code,
    reason = "signal handlers are numbers to the system, and few things can be done in one"
)]

use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;
use std::{io, mem, ptr, thread};

use libc::{c_int, c_void, siginfo_t};

use crate::sys::{inputs, remove_files, temporary};

/// The signals by which a user ends a command.
const BY_USER: [c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// The other signals that would end the process and can be caught, where all systems have them. A
/// pipe that is closed (`SIGPIPE`) is an error of writing to it, as Rust has it.
const OTHERS: [c_int; 9] = [
    libc::SIGALRM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGIO,
    libc::SIGABRT,
];

/// Signals that the process itself causes, besides `SIGABRT`: the thread cannot go on.
const FAULTS: [c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// Those that the standard library handles: it says that a stack overflowed.
const WITH_EARLIER: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// How often a directory is removed again, in which a linker that is being ended too still makes
/// a file.
const ATTEMPTS: u32 = 10;

/// How many times [`MOMENT`] a thread that cannot go on waits for directories to be removed.
const PATIENCE: u32 = 200;
const MOMENT: Duration = Duration::from_millis(10);

/// The earlier handlers of [`WITH_EARLIER`].
static EARLIER: [OnceLock<libc::sigaction>; WITH_EARLIER.len()] =
    [const { OnceLock::new() }; WITH_EARLIER.len()];

/// Where the thread that removes directories is told of a signal; -1 as long as there is none.
static WAKE: AtomicI32 = AtomicI32::new(-1);

/// The byte for an error that ends the process, instead of a signal.
const ERROR: u8 = 0;

/// An error ends the process: it is said once.
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on, removes temporary files when a signal ends the process.
pub(in crate::sys) fn catch_signals() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        for (signal, earlier) in WITH_EARLIER.into_iter().zip(&EARLIER) {
            if let Some(action) = action_of(signal) {
                let _ = earlier.set(action);
            }
        }
        let all = BY_USER.into_iter().chain(OTHERS).chain(FAULTS);
        #[cfg(target_os = "linux")]
        let all =
            (all.chain([libc::SIGSTKFLT, libc::SIGPWR])).chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
        all.for_each(catch);
    });
}

/// The action for this signal; `None` if the system has no such signal.
fn action_of(signal: c_int) -> Option<libc::sigaction> {
    // SAFETY: all zeroes is a value of this type, and the system fills it.
    unsafe {
        let mut action = mem::zeroed();
        (libc::sigaction(signal, ptr::null(), &raw mut action) == 0).then_some(action)
    }
}

/// Handles `signal`, unless the process was started with it ignored (`nohup`): then it stays ignored.
fn catch(signal: c_int) {
    // SAFETY: all zeroes is a value of this type. The handler has the form that `SA_SIGINFO` says,
    // and does what may be done in one: system calls, and loads and stores of atomics.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
        action.sa_sigaction = handler as usize;
        // On a stack of its own, since the thread's may have overflowed.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigfillset(&raw mut action.sa_mask);
        let mut earlier: libc::sigaction = mem::zeroed();
        let done = libc::sigaction(signal, &raw const action, &raw mut earlier);
        if done == 0 && earlier.sa_sigaction == libc::SIG_IGN {
            libc::sigaction(signal, &raw const earlier, ptr::null_mut());
        }
    }
}

/// The handler of all signals.
extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system gives a handler of this form what it says, and a signal that another
    // process did not send has no sender that could be mistaken for this one.
    let (code, sender, address) =
        unsafe { ((*info).si_code, (*info).si_pid(), (*info).si_addr().addr()) };
    // Signals that the system itself sends have a code above 0.
    let by_system = code > 0;
    // SAFETY: it takes nothing and cannot fail.
    let by_itself = by_system || sender == unsafe { libc::getpid() };
    if signal == libc::SIGXFSZ && by_itself {
        // The write that went beyond the limit fails.
        return;
    }
    let is_fault = FAULTS.contains(&signal);
    let cannot_go_on = by_itself && (is_fault || signal == libc::SIGABRT);
    if cannot_go_on {
        let is_bus_error = signal == libc::SIGBUS && by_system;
        if let Some(opened) = inputs::to_blame(is_bus_error.then_some(address)) {
            crate::sys::end_changed(opened);
        }
    }
    remove_files();
    if wake(signal as u8) {
        if !cannot_go_on {
            // That thread may have to wait for this one.
            return;
        }
        wait_for_end();
    }
    if is_fault
        && by_system
        && let Some(earlier) = earlier(signal)
    {
        // It reports the fault. Where it returns, the fault happens again, which ends the
        // process unless it was handled.
        return earlier(signal, info, context);
    }
    end_by_default(signal);
}

/// The earlier handler of this signal, if it is a function.
fn earlier(signal: c_int) -> Option<extern "C" fn(c_int, *mut siginfo_t, *mut c_void)> {
    let nth = WITH_EARLIER.iter().position(|&one| one == signal)?;
    let action = EARLIER[nth].get()?;
    let is_function = action.sa_sigaction != libc::SIG_DFL
        && action.sa_sigaction != libc::SIG_IGN
        && action.sa_flags & libc::SA_SIGINFO != 0;
    // SAFETY: the flag says that it is a function of this form.
    is_function.then(|| unsafe { mem::transmute(action.sa_sigaction) })
}

/// Ends the process as this signal does where it is not handled, so that a shell sees what happened.
/// May be called in a signal handler.
fn end_by_default(signal: c_int) -> ! {
    // SAFETY: all zeroes is a value of each of these types, which stand for the default.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const action, ptr::null_mut());
        let mut only: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const only, ptr::null_mut());
        libc::raise(signal);
        libc::_exit(128 + signal)
    }
}

/// Tells the thread that removes directories to end the process by `what`; whether there is one.
fn wake(what: u8) -> bool {
    let pipe: RawFd = WAKE.load(Ordering::Acquire);
    if pipe < 0 {
        return false;
    }
    // SAFETY: the descriptor is never closed.
    let pipe = unsafe { BorrowedFd::borrow_raw(pipe) };
    rustix::io::write(pipe, &[what]).is_ok()
}

/// Waits until another thread ends the process, for a while.
fn wait_for_end() {
    for _ in 0..PATIENCE {
        thread::sleep(MOMENT);
    }
}

/// From now on, removes the temporary directories, too, when a signal ends the process. Not for
/// several threads at once.
pub(in crate::sys) fn watch_signals() -> io::Result<()> {
    catch_signals();
    if WAKE.load(Ordering::Acquire) >= 0 {
        return Ok(());
    }
    let (reader, writer) = io::pipe()?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut what = [ERROR];
            if io::Read::read_exact(&mut { reader }, &mut what).is_ok() {
                temporary::remove_directories(remove);
                end_by_what(what[0]);
            }
        })?;
    WAKE.store(writer.into_raw_fd(), Ordering::Release);
    Ok(())
}

fn end_by_what(what: u8) -> ! {
    if what == ERROR {
        exit_failed()
    }
    end_by_default(what.into())
}

fn exit_failed() -> ! {
    // SAFETY: it ends the process, whatever other threads do.
    unsafe { libc::_exit(1) }
}

pub(in crate::sys) fn end_by(signal: i32) {
    if BY_USER.contains(&signal) {
        remove_files();
        temporary::remove_directories(remove);
        end_by_default(signal);
    }
}

/// Ends the process with an error, as [`crate::sys`] says.
pub(in crate::sys) fn end_with_error(prefix: &[u8], parts: &[&[u8]]) -> ! {
    if ENDING.swap(true, Ordering::AcqRel) {
        // Another thread ends it.
        wait_for_end();
        exit_failed()
    }
    remove_files();
    for part in [prefix].iter().chain(parts).chain(&[&b"\n"[..]]) {
        write_all(part);
    }
    if wake(ERROR) {
        wait_for_end();
    }
    exit_failed()
}

/// Writes to standard error. A failure is ignored, since there is no other place to report it.
fn write_all(mut bytes: &[u8]) {
    // SAFETY: it is not closed here.
    let stderr = unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) };
    while let Ok(written @ 1..) = rustix::io::write(stderr, bytes) {
        bytes = &bytes[written..];
    }
}

fn remove(dir: &Path) {
    for _ in 0..ATTEMPTS {
        match temporary::remove_dir(dir) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use std::fs;

    use super::*;
    use replace_file::Permissions;

    use crate::sys::{TempDir, new_file};

    /// Not a test: a process with two directories and two files, which it says.
    #[test]
    #[ignore = "run by what_is_temporary_is_removed_at_every_signal"]
    fn wait_for_a_signal() {
        let dirs = [(); 2].map(|()| TempDir::new().unwrap());
        let place = std::env::temp_dir();
        let _files =
            ["a", "b"].map(|name| new_file(&place.join(name), Permissions::Plain).unwrap());
        fs::write(dirs[0].path().join("inside"), "").unwrap();
        io::stderr().write_all(b"ready").unwrap();
        loop {
            thread::park();
        }
    }

    #[test]
    fn what_is_temporary_is_removed_at_every_signal() {
        // With a fault that is none, and one of those that have no name.
        for signal in [
            libc::SIGTERM,
            libc::SIGQUIT,
            libc::SIGABRT,
            libc::SIGSEGV,
            40,
        ] {
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
            io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut ready).unwrap();
            let inside = || fs::read_dir(place.path()).unwrap().count();
            assert_eq!(inside(), 4);
            let sent = Command::new("kill")
                .args([format!("-{signal}"), child.id().to_string()])
                .status();
            assert!(sent.unwrap().success());
            assert_eq!(child.wait().unwrap().signal(), Some(signal));
            assert_eq!(inside(), 0, "signal {signal}");
        }
    }
}
