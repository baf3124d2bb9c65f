//! Build ids of outputs that are hashed in several blocks.

use crate::common::source::Source;
use crate::support::Job;

/// A block is 1 MiB.
const MIB: usize = 1 << 20;

/// An object with so many bytes of data that nothing repeats in.
fn data(name: &'static str, size: usize) -> Source {
    let bytes: Vec<u8> = (0u32..)
        .flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes())
        .take(size)
        .collect();
    let mut source = Source::new();
    source.data(name, name, bytes);
    source
}

#[test]
fn outputs_of_many_blocks() {
    for sizes in [
        [100, 100],
        [MIB - 100, 1000],
        [5 * MIB / 2, 200],
        [MIB, 9 * MIB],
        [6 * MIB + 40, 6 * MIB],
    ] {
        let job = || {
            Job::new()
                .object("one.o", &data("one", sizes[0]))
                .object("two.o", &data("two", sizes[1]))
                .args("--no-entry --export-all")
        };
        for style in ["--build-id=fast", "--build-id=sha1"] {
            // `link` compares with rust-lld.
            assert_eq!(job().args(style).link().messages(), "", "{sizes:?} {style}");
        }
    }
}

#[test]
fn an_output_that_ends_with_a_block() {
    // What is there beside the data, which rust-lld says.
    let rest = |size| {
        let job = Job::new()
            .object("one.o", &data("one", size))
            .args("--no-entry --export-all --build-id");
        job.link().module.len() - size
    };
    let size = 3 * MIB - rest(2 * MIB);
    assert_eq!(rest(size) + size, 3 * MIB);
}
