//! Flushes are spans, for who listens.
//!
//! This is one test in a process of its own: what another thread reaches first, while nothing
//! listens there, may be taken for what nothing ever listens to.

use std::sync::{Arc, Mutex};

use link_core::module::{FunctionBody, Module};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wasm_format::{FuncType, ValType};

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
        metadata.target().starts_with("link_core::module")
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
fn a_flush_is_a_span_with_what_it_wrote() {
    let mut module = Module::default();
    for (name, value) in [("one", 1), ("two", 2)] {
        let mut body = FunctionBody::new(FuncType::new(vec![], vec![ValType::I32]));
        body.code(&[0x41]).signed(value).end();
        let function = module.announce_function(name).unwrap();
        module.update(function, body).unwrap();
    }
    let listener = Listener::default();
    let (flushed, object) = tracing::subscriber::with_default(listener.clone(), || {
        (module.flush().unwrap(), module.write_object().unwrap())
    });
    let heard = listener.heard.lock().unwrap().clone();
    let bytes = |written: &[u8]| format!("bytes = {}", written.len());
    let expected = [
        "flush",
        "functions = 2",
        "bytes = 0",
        &bytes(&flushed.bytes),
        "write_object",
        "functions = 2",
        "bytes = 0",
        &bytes(&object.bytes),
    ];
    assert_eq!(heard, expected);
}
