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
        return demangled.map_or(Cow::Borrowed(name), |text| Cow::Owned(as_llvm_does(text)));
    }
    if name.starts_with("_R") {
        return match rustc_demangle::try_demangle(name) {
            Ok(demangled) => Cow::Owned(format!("{demangled:#}")),
            Err(_) => Cow::Borrowed(name),
        };
    }
    Cow::Borrowed(name)
}

/// Rewrites what `cpp_demangle` says in words of its own into what LLVM and the C++
/// runtimes say.
fn as_llvm_does(mut text: String) -> String {
    // C++11 closes nested template lists without a blank.
    while text.contains("> >") {
        text = text.replace("> >", ">>");
    }
    for (prefix, end, words) in [
        ("{vtable(", ")}", "vtable for "),
        ("{vtt(", ")}", "VTT for "),
        (
            "TLS init function for ",
            "",
            "thread-local initialization routine for ",
        ),
        (
            "TLS wrapper function for ",
            "",
            "thread-local wrapper routine for ",
        ),
    ] {
        if let Some(name) = text
            .strip_prefix(prefix)
            .and_then(|name| name.strip_suffix(end))
        {
            return format!("{words}{name}");
        }
    }
    thunk(&text).unwrap_or(text)
}

/// `virtual thunk to f()` for `{virtual override thunk({virtual offset(0, -12)}, f())}`.
fn thunk(text: &str) -> Option<String> {
    let inner = text
        .strip_prefix("{virtual override thunk(")?
        .strip_suffix(")}")?;
    let (offset, rest) = inner.split_once("}, ")?;
    if rest.starts_with("{offset(") || rest.starts_with("{virtual offset(") {
        let (_, target) = rest.split_once("}, ")?;
        return Some(format!("covariant return thunk to {target}"));
    }
    let kind = if offset.starts_with("{virtual offset(") {
        "virtual"
    } else {
        "non-virtual"
    };
    Some(format!("{kind} thunk to {rest}"))
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn special_names_read_as_in_llvm() {
        let shown: Vec<String> = [
            "_ZTV1A",
            "_ZTT1A",
            "_ZTI1A",
            "_ZTS1A",
            "_ZTv0_n12_N1AD1Ev",
            "_ZThn8_N1A1fEv",
            "_ZTch0_h8_N1A1fEv",
            "_ZTH1x",
            "_ZTW1x",
            "_ZGVZ1fvE1x",
            "_Z1fSt6vectorIS_IiEE",
            "_ZN4core3fmt5Write9write_str17h0123456789abcdefE",
            "_RNvC6_123foo3bar",
            "not_mangled",
        ]
        .iter()
        .map(|name| format!("{name}: {}", demangle(name)))
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
