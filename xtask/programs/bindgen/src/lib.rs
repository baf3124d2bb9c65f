//! Classes, strings, closures and errors, between Rust and JavaScript.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = "export function shout(text) { return text.toUpperCase() + '!'; }")]
extern "C" {
    fn shout(text: &str) -> String;
}

#[wasm_bindgen]
pub struct Greeter {
    names: Vec<String>,
}

#[wasm_bindgen]
impl Greeter {
    #[wasm_bindgen(constructor)]
    pub fn new(first: String) -> Self {
        Self { names: vec![first] }
    }

    /// Adds a name, which may not be empty.
    pub fn add(&mut self, name: String) -> Result<usize, JsError> {
        if name.is_empty() {
            return Err(JsError::new("no name"));
        }
        self.names.push(name);
        Ok(self.names.len())
    }

    /// Greets everyone, each by way of `decorate`.
    pub fn greet(&self, decorate: &js_sys_free::Function) -> String {
        let names = self.names.iter().map(|name| decorate.call(name));
        shout(&format!("hello, {}", names.collect::<Vec<_>>().join(" and ")))
    }
}

/// A function of JavaScript, without the crate `js-sys`.
pub mod js_sys_free {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        pub type Function;

        #[wasm_bindgen(method, js_name = call)]
        fn call_with(this: &Function, this_argument: &JsValue, text: &str) -> String;
    }

    impl Function {
        pub fn call(&self, text: &str) -> String {
            self.call_with(&JsValue::NULL, text)
        }
    }
}

#[wasm_bindgen]
pub fn sum(numbers: &[f64]) -> f64 {
    numbers.iter().sum()
}

#[wasm_bindgen]
pub fn big(number: u64) -> u64 {
    number.wrapping_mul(3)
}
