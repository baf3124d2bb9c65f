//! A run is a span, for who listens.

use std::sync::{Arc, Mutex};

use lld_driver::Mode;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{Dir, fake_linker};

/// Writes down the spans and their fields.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Visit for &Listener {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{} = {value:?}", field.name());
        self.heard.lock().unwrap().push(text);
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("lld_driver")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = span.metadata().name();
        self.heard.lock().unwrap().push(name.to_owned());
        span.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_run_is_a_span_with_its_outcome() {
    let listener = Listener::default();
    let dir = Dir::new();
    let lld = fake_linker("fail-in-prose");
    tracing::subscriber::with_default(listener.clone(), || {
        lld.run(&["x", "y"], Mode::Captured, &dir.options())
            .unwrap_err();
    });
    let heard = listener.heard.lock().unwrap().clone();
    assert_eq!(
        heard,
        [
            "lld".to_owned(),
            format!("program = {}", lld.program().display()),
            "args = 2".to_owned(),
            "outcome = \"failed\"".to_owned(),
        ]
    );
}
