//! Names as a person reads them.

use std::borrow::Cow;

/// The name of a symbol for messages and the `name` section, as `wasm-ld` shows it: C++
/// (Itanium) and Rust names demangled, `__main_argc_argv` as `main`. A name that is not
/// mangled stays as it is.
///
/// ```
/// use link_core::link::demangle;
/// assert_eq!(demangle("_Z3addii"), "add(int, int)");
/// assert_eq!(demangle("memcpy"), "memcpy");
/// assert_eq!(demangle("__main_argc_argv"), "main");
/// ```
pub fn demangle(name: &str) -> Cow<'_, str> {
    if name == "__main_argc_argv" {
        return Cow::Borrowed("main");
    }
    if name.starts_with("_Z") || name.starts_with("___Z") {
        let demangled = cpp_demangle::Symbol::new(name)
            .ok()
            .and_then(|symbol| symbol.demangle().ok());
        return demangled.map_or(Cow::Borrowed(name), Cow::Owned);
    }
    if name.starts_with("_R") {
        return match rustc_demangle::try_demangle(name) {
            Ok(demangled) => Cow::Owned(format!("{demangled:#}")),
            Err(_) => Cow::Borrowed(name),
        };
    }
    Cow::Borrowed(name)
}
