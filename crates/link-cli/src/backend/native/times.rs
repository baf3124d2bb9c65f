//! `--time`: how long each phase took.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use link_core::Phase;

use crate::report::{Message, Reporter};
use crate::sys::lock;

/// When each phase began.
#[derive(Debug)]
pub(super) struct Times {
    begun: Instant,
    phases: Mutex<Vec<(&'static str, Instant)>>,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            phases: Mutex::default(),
        }
    }
}

impl Times {
    pub(super) fn enter(&self, phase: Phase) {
        self.push(phase.name());
    }

    /// The core module is complete, and becomes a component.
    pub(super) fn enter_component(&self) {
        self.push("component");
    }

    /// The module is complete; what is left is to bring it to its place.
    pub(super) fn enter_commit(&self) {
        self.push("commit");
    }

    fn push(&self, name: &'static str) {
        lock(&self.phases).push((name, Instant::now()));
    }

    /// Says how long each phase took, the last one until now.
    pub(super) fn say(&self, reporter: &mut Reporter) {
        let now = Instant::now();
        let phases = lock(&self.phases);
        for (i, &(name, begun)) in phases.iter().enumerate() {
            let ended = phases.get(i + 1).map_or(now, |next| next.1);
            reporter.one(&line(name, ended - begun));
        }
        reporter.one(&line("total", now - self.begun));
    }
}

fn line(name: &str, time: Duration) -> Message {
    let milliseconds = time.as_secs_f64() * 1000.0;
    Message::note(format!("{name:<10} {milliseconds:>9.3} ms"))
}
