//! Which processors threads run on.
//!
//! Linux can start or wake a thread on the processor of the thread that does so although another one
//! is idle, if that is a virtual one that its host has halted: it counts as taken away. The two threads
//! then take turns until load is balanced, some milliseconds later, which is all the time that a
//! small link takes.
#![allow(
    unsafe_code,
    reason = "no crate has it safe: rustix knows a thread by a number that only the thread can ask for"
)]

use std::mem;
use std::os::unix::thread::JoinHandleExt;
use std::sync::OnceLock;
use std::thread::JoinHandle;

use libc::{cpu_set_t, pthread_t};

/// Keeps other threads off the processor of the thread that made this value. That thread stays on its
/// processor as long as the value lives.
pub(crate) struct Apart {
    /// The processors that the thread may run on otherwise, if that is known.
    otherwise: OnceLock<Option<cpu_set_t>>,
}

impl Apart {
    pub(crate) fn new() -> Self {
        Self {
            otherwise: OnceLock::new(),
        }
    }

    /// Keeps a thread off the processor that the calling one is running on, if there are others.
    ///
    /// If the thread had to move by itself, it would have to wait for that processor first.
    pub(crate) fn keep(&self, thread: &JoinHandle<()>) {
        let (Some(all), Some(own)) = (self.otherwise.get_or_init(allowed), current()) else {
            return;
        };
        let mut others = *all;
        // SAFETY: `current` says that there is such a number in a set.
        let count = unsafe {
            libc::CPU_CLR(own, &mut others);
            libc::CPU_COUNT(&others)
        };
        if count > 0 {
            allow(handle_of(thread), &others);
            allow(this(), &only(own));
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(Some(all)) = self.otherwise.get() {
            allow(this(), all);
        }
    }
}

fn handle_of(thread: &JoinHandle<()>) -> pthread_t {
    // C libraries differ in whether that is a number or an address.
    #[allow(clippy::unnecessary_cast, reason = "with this one it may be a number")]
    let handle = thread.as_pthread_t() as pthread_t;
    handle
}

/// The calling thread.
fn this() -> pthread_t {
    // SAFETY: there is nothing to it.
    unsafe { libc::pthread_self() }
}

/// The number of the processor that the calling thread is running on, if there is one in a set.
fn current() -> Option<usize> {
    // SAFETY: there is nothing to it.
    let number = usize::try_from(unsafe { libc::sched_getcpu() }).ok()?;
    (number < libc::CPU_SETSIZE as usize).then_some(number)
}

/// The processors that the calling thread may run on, unless there are too many for a set.
fn allowed() -> Option<cpu_set_t> {
    let mut set = none();
    // SAFETY: the set has as many bytes as that.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<cpu_set_t>(), &raw mut set) };
    (result == 0).then_some(set)
}

/// Has a thread, which has not been joined, run on these processors only. If it cannot, that changes
/// nothing but time.
fn allow(thread: pthread_t, set: &cpu_set_t) {
    // SAFETY: the set has as many bytes as that.
    unsafe { libc::pthread_setaffinity_np(thread, size_of::<cpu_set_t>(), set) };
}

fn only(number: usize) -> cpu_set_t {
    let mut set = none();
    // SAFETY: `current` says that there is such a number in a set.
    unsafe { libc::CPU_SET(number, &mut set) };
    set
}

fn none() -> cpu_set_t {
    // SAFETY: it is an array of bits.
    unsafe { mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(set: &cpu_set_t) -> Vec<usize> {
        let all = 0..libc::CPU_SETSIZE as usize;
        // SAFETY: all of these are numbers in a set.
        all.filter(|&number| unsafe { libc::CPU_ISSET(number, set) })
            .collect()
    }

    fn own_numbers() -> Vec<usize> {
        numbers(&allowed().expect("few processors"))
    }

    /// On a machine of one processor nothing is moved.
    #[test]
    fn two_threads_have_no_processor_in_common() {
        let before = own_numbers();
        let apart = Apart::new();
        let (go, wait) = std::sync::mpsc::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            wait.recv().unwrap();
            tell.send(own_numbers()).unwrap();
        });
        apart.keep(&thread);
        go.send(()).unwrap();
        let (here, there) = (own_numbers(), told.recv().unwrap());
        thread.join().unwrap();
        if before.len() > 1 {
            assert_eq!(here.len(), 1);
            assert_eq!(there.len(), before.len() - 1);
            assert!(!there.contains(&here[0]));
        } else {
            assert_eq!((&here, &there), (&before, &before));
        }
        drop(apart);
        assert_eq!(own_numbers(), before);
    }
}
