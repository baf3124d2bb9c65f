//! Which processors threads run on is the system's affair: it is of Linux that more is known.

use std::thread::JoinHandle;

pub(crate) struct Apart;

impl Apart {
    pub(crate) fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "elsewhere threads are kept apart")]
    pub(crate) fn keep(&self, _thread: &JoinHandle<()>) {}
}
