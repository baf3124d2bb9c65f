//! Any bytes as a mangled name: it is shown within the limits that the crate promises, or left.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut text = String::new();
    let demangled = cxx_demangle::Demangler::new().demangle(name, &mut text);
    assert!(demangled || text.is_empty());
    // The last part of the name may pass the limit.
    assert!(text.len() <= 4096 + 129 * name.len() + 64);
});
