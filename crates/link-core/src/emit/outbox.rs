//! What was written to memory, on its way to its place.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::output::Places;
use crate::par::lock;

/// Finished bytes that may wait; a thread with more to add waits for its turn.
const MAY_WAIT: usize = 4;

/// Where threads leave what they have finished. A file takes the bytes of one thread at a
/// time, so one writes for all, and the others go on with what is not finished.
pub(super) struct Outbox<'p> {
    places: &'p dyn Places,
    finished: Mutex<Vec<Finished>>,
    /// Memory to use again.
    free: Mutex<Vec<Vec<u8>>>,
    /// Held by who writes; what went wrong, after which nothing is written any more.
    outcome: Mutex<io::Result<()>>,
}

struct Finished {
    /// The first `len` bytes of it are meant.
    buffer: Vec<u8>,
    len: usize,
    /// Where they begin in the output, in bytes.
    start: u64,
}

impl<'p> Outbox<'p> {
    pub(super) fn new(places: &'p dyn Places) -> Self {
        Self {
            places,
            finished: Mutex::new(Vec::new()),
            free: Mutex::new(Vec::new()),
            outcome: Mutex::new(Ok(())),
        }
    }

    /// Memory of at least `len` bytes, whatever is in it.
    pub(super) fn buffer(&self, len: usize) -> Vec<u8> {
        let Some(mut buffer) = lock(&self.free).pop() else {
            // Memory that the system hands out is zero already.
            return vec![0; len];
        };
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        buffer
    }

    /// Takes the first `len` bytes of a buffer, which begin at `start` of the output.
    pub(super) fn send(&self, buffer: Vec<u8>, len: usize, start: u64) {
        let waiting = {
            let mut finished = lock(&self.finished);
            finished.push(Finished { buffer, len, start });
            finished.len()
        };
        if waiting > MAY_WAIT {
            self.write(&mut lock(&self.outcome));
        } else if let Ok(mut outcome) = self.outcome.try_lock() {
            self.write(&mut outcome);
        }
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> io::Result<()> {
        self.write(&mut lock(&self.outcome));
        self.outcome
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, outcome: &mut io::Result<()>) {
        while let Some(Finished { buffer, len, start }) = self.next() {
            if outcome.is_ok() {
                *outcome = self.places.write_at(&buffer[..len], start);
            }
            lock(&self.free).push(buffer);
        }
    }

    fn next(&self) -> Option<Finished> {
        // What was finished last is nearest to the processor.
        lock(&self.finished).pop()
    }
}
