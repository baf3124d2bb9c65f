//! Bytes that are looked at before they are needed.
//!
//! Who goes from one thing to the next by the size that each has in it waits for every one, if it is
//! not near the processor yet. What is asked for beforehand comes all at once.

/// Looks at all of `bytes`, whatever they are.
#[inline]
pub(super) fn look_at<'a>(bytes: impl IntoIterator<Item = &'a u8>) {
    // Fire-and-forget: these reads only warm the page cache.
    let sum = bytes.into_iter().fold(0, |sum, byte| sum ^ byte);
    std::hint::black_box(sum);
}
