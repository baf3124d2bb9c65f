//! Which processor threads run on.
//!
//! Linux can wake a thread on the processor of the thread that wakes it although another one is
//! idle, if that is a virtual one that its host has halted: it counts as taken away. The two threads
//! then take turns until load is balanced, some milliseconds later, which is all the time that a
//! small link takes.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The processor that is avoided.
static AVOIDED: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Has the processor that the calling thread is running on avoided.
pub(in crate::sys) fn remember_processor() {
    AVOIDED.store(sched_getcpu(), Ordering::Relaxed);
}

/// Keeps the calling thread off that processor, if it may use others.
pub(in crate::sys) fn avoid_processor() {
    let Ok(mut processors) = sched_getaffinity(None) else {
        return;
    };
    let avoided = AVOIDED.load(Ordering::Relaxed);
    if avoided < CpuSet::MAX_CPU {
        processors.unset(avoided);
    }
    if processors.count() > 0 {
        // What cannot be had changes nothing but time.
        let _ = sched_setaffinity(None, &processors);
    }
}
