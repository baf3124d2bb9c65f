//! A library for a host that has nothing but memory to offer.

/// The address of a text about `number`: its length in four bytes, then the text.
#[unsafe(no_mangle)]
pub extern "C" fn report(number: u32) -> *const u8 {
    let text = format!("{number} squared is {}", number * number);
    let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
    bytes.extend(text.bytes());
    bytes.leak().as_ptr()
}
