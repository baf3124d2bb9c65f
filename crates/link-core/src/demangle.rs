//! Names as a person reads them.

use std::borrow::Cow;
use std::fmt::Write;

/// The name of a symbol for messages and the `name` section, as `wasm-ld` shows it: C++
/// (Itanium) and Rust names demangled, `__main_argc_argv` as `main`. A name that is not
/// mangled stays as it is.
///
/// ```
/// use link_core::demangle::demangle;
/// assert_eq!(demangle("_Z3addii"), "add(int, int)");
/// assert_eq!(demangle("memcpy"), "memcpy");
/// assert_eq!(demangle("__main_argc_argv"), "main");
/// ```
pub fn demangle(name: &str) -> Cow<'_, str> {
    let mut demangler = Demangler::default();
    match demangler.show(name) {
        Some(Shown::Main) => Cow::Borrowed("main"),
        Some(Shown::Text) => Cow::Owned(demangler.text),
        None => Cow::Borrowed(name),
    }
}

/// Shows one name after the other, and allocates for none of them.
#[derive(Default)]
pub(crate) struct Demangler {
    cxx: cxx_demangle::Demangler,
    text: String,
}

enum Shown {
    Main,
    /// In [`Demangler::text`].
    Text,
}

impl Demangler {
    /// What [`demangle`] makes of a name.
    pub(crate) fn demangle<'s>(&'s mut self, name: &'s str) -> &'s str {
        match self.show(name) {
            Some(Shown::Main) => "main",
            Some(Shown::Text) => &self.text,
            None => name,
        }
    }

    fn show(&mut self, name: &str) -> Option<Shown> {
        if name == "__main_argc_argv" {
            return Some(Shown::Main);
        }
        self.text.clear();
        if name == "_Dmain" {
            // Of D's names, those of other functions are shown as they are.
            self.text.push_str("D main");
            return Some(Shown::Text);
        }
        if self.cxx.demangle(name, &mut self.text) {
            return Some(Shown::Text);
        }
        rust(name, &mut self.text).map(|()| Shown::Text)
    }
}

/// Appends what a name in Rust's own mangling stands for. What the compiler put behind it
/// stands in parentheses, as for C++.
fn rust(name: &str, out: &mut String) -> Option<()> {
    let (dot, name) = match name.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", name),
    };
    // Some targets put one more underscore before every name.
    let name = match name.strip_prefix('_') {
        Some(shorter) if shorter.starts_with("_R") => shorter,
        _ => name,
    };
    if !name.starts_with("_R") {
        return None;
    }
    let (name, suffix) = name.split_at(name.find('.').unwrap_or(name.len()));
    let demangled = rustc_demangle::try_demangle(name).ok()?;
    write!(out, "{dot}{demangled:#}").ok()?;
    if !suffix.is_empty() {
        write!(out, " ({suffix})").ok()?;
    }
    Some(())
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
            "_RNvC6_123foo3bar.llvm.123",
            "__RNvC6_123foo3bar",
            "_RNvC6_123foo",
            "_Z1fv.llvm.123",
            "___Z1fv_block_invoke",
            "._Z1fv",
            "_Z",
            "_Dmain",
            "not_mangled",
        ]
        .iter()
        .map(|name| format!("{name}: {}", demangle(name)))
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
