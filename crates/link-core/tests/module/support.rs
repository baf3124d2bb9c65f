//! What the tests share: validating, printing and running modules.

use link_core::module::{FuncId, FunctionBody, Module};
use wasm_format::{FuncType, ValType};
use wasmparser::{Validator, WasmFeatures};

pub(crate) const I32: ValType = ValType::I32;

/// The finished module, after `wasmparser` has found it valid.
pub(crate) fn flush(module: &Module) -> Vec<u8> {
    let bytes = module.flush().expect("the module is complete").bytes;
    validate(&bytes);
    let again = module.flush().expect("nothing changed").bytes;
    assert!(bytes == again, "two flushes without a change differ");
    bytes
}

pub(crate) fn validate(bytes: &[u8]) {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    if let Err(error) = validator.validate_all(bytes) {
        panic!("{error}\n{}", print(bytes));
    }
}

/// The module as text.
pub(crate) fn print(bytes: &[u8]) -> String {
    wasmprinter::print_bytes(bytes).unwrap_or_else(|error| format!("cannot be printed: {error}"))
}

/// Text of the finished module.
pub(crate) fn text(module: &Module) -> String {
    print(&flush(module))
}

/// The reasons why the module cannot be flushed, one below the other.
pub(crate) fn problems(module: &Module) -> String {
    let mut out = b"before".to_vec();
    let error = module
        .flush_into(&mut out)
        .expect_err("the module is not complete");
    assert_eq!(out, b"before", "a failed flush leaves the buffer as it was");
    error.to_string()
}

/// Instantiates the module without imports and calls an export without parameters.
pub(crate) fn run(bytes: &[u8], export: &str) -> i32 {
    let mut config = wasmi::Config::default();
    config.wasm_multi_memory(true);
    let engine = wasmi::Engine::new(&config);
    let module = wasmi::Module::new(&engine, bytes).expect("a valid module");
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("the module can be instantiated");
    let function = instance
        .get_typed_func::<(), i32>(&store, export)
        .expect("an exported function");
    function.call(&mut store, ()).expect("no trap")
}

/// The type of functions with so many `i32` parameters, and one result.
pub(crate) fn ty(params: usize) -> FuncType {
    FuncType::new(vec![I32; params], [I32])
}

/// A body that returns `value`.
pub(crate) fn constant(value: i32) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41]).signed(value.into()).end();
    body
}

/// A body that returns the sum of what `functions` return.
pub(crate) fn sum(functions: &[FuncId]) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 0]);
    for &function in functions {
        body.call(function).code(&[0x6a]);
    }
    body.end();
    body
}

/// A function that is announced and defined.
pub(crate) fn function(module: &mut Module, name: &str, body: FunctionBody) -> FuncId {
    let id = module.announce_function(name).expect("a new name");
    module.update(id, body).expect("a good body");
    id
}
