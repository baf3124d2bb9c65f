//! Very many of a thing that is mostly there once: time is proportional to their number.

use std::time::{Duration, Instant};

use link_core::module::{FunctionBody, Module};
use wasm_format::{FuncType, ValType};

use crate::support::{constant, flush, function, print};

/// Enough for a comparison of each with all the others to take minutes.
const MANY: usize = 100_000;

/// Far more than a debug build on a busy machine takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn many_exports_of_one_function_take_no_quadratic_time() {
    let names = |nth: usize| (0..MANY).map(move |name| format!("{nth} {name}"));
    let mut module = Module::default();
    let one = function(&mut module, "one", constant(1));
    let two = function(&mut module, "two", constant(2));
    let start = Instant::now();
    module.set_exports(one, names(0)).unwrap();
    // Half of them stay, and a name that is there twice is found however many there are.
    let half = names(0).step_by(2).chain(names(1));
    module.set_exports(one, half.clone()).unwrap();
    let twice = half.chain(["0 0".to_owned()]);
    assert_eq!(
        module.set_exports(one, twice).unwrap_err().to_string(),
        "function `one`: `0 0` is already exported by function `one`"
    );
    module
        .set_exports(two, names(0).skip(1).step_by(2))
        .unwrap();
    let bytes = flush(&module);
    module.free(one).unwrap();
    module.set_exports(two, names(0)).unwrap();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(print(&bytes).matches("(export ").count(), 2 * MANY);
}

#[test]
fn many_types_in_one_body_take_no_quadratic_time() {
    let mut module = Module::default();
    let start = Instant::now();
    let mut body = FunctionBody::new(FuncType::new([], []));
    for nth in 0..MANY {
        // A parameter for each bit of the number.
        let parameters = (0..17).map(|bit| [ValType::I32, ValType::I64][nth >> bit & 1]);
        let parameters: Vec<_> = parameters.collect();
        body.type_index(FuncType::new(parameters, []));
    }
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    body.end();
    let f = module.announce_function("f").unwrap();
    module.update(f, body).unwrap();
}
