//! Distances between data: relocations whose value counts from the place that they patch.

use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::support::{Job, print};

const EXECUTABLE: &str = "--no-entry --export=get";
const WIDE: &str = "-mwasm64";

/// `place` holds the distance from itself to 4 bytes into `target`; `get` returns that place less
/// the start of `target`.
fn narrow() -> Source {
    let mut source = Source::new();
    source.data("target", ".data.target", [7; 8]);
    source.data("place", ".data.place", [0; 4]).points(
        0,
        RelocType::MemoryAddrLocrelI32,
        "target",
        4,
    );
    source.function("get", sig(0, 1), |body| {
        body.address("place", 0).load().address("place", 0).add();
        // `i32.sub`
        body.address("target", 0).raw(&[0x6b]);
    });
    source
}

/// The same with 64 bits.
fn wide() -> Source {
    let mut source = Source::wasm64();
    source.data("target", ".data.target", [7; 8]);
    source.data("place", ".data.place", [0; 8]).points(
        0,
        RelocType::MemoryAddrLocrelI64,
        "target",
        4,
    );
    source.function("get", sig(0, 1), |body| {
        // `i64.load`, `i64.add`, `i64.sub`, `i32.wrap_i64`
        body.address_64("place").raw(&[0x29, 0, 0]);
        body.address_64("place").raw(&[0x7c]);
        body.address_64("target").raw(&[0x7d, 0xa7]);
    });
    source
}

fn job(source: &Source, args: &str) -> Job {
    Job::new().object("a.o", source).args(args)
}

#[test]
fn a_distance_is_between_the_places_of_the_output() {
    assert_eq!(job(&narrow(), EXECUTABLE).run("get"), 4);
    assert_eq!(job(&wide(), EXECUTABLE).args(WIDE).run("get"), 4);
}

#[test]
fn a_relinked_distance_is_the_same() {
    for (source, mode) in [(narrow(), ""), (wide(), WIDE)] {
        let object = job(&source, "-r").args(mode).module();
        let again = Job::new().file("b.o", object).args("b.o");
        assert_eq!(again.args(EXECUTABLE).args(mode).run("get"), 4);
    }
}

/// Both ends move with the module.
#[test]
fn a_loader_leaves_distances_alone() {
    const REJECTED: &str = "rust-lld rejects the relocation where a loader places the module";
    for (mut source, ty, width, mode) in [
        (Source::new(), RelocType::MemoryAddrLocrelI32, 4, ""),
        (Source::wasm64(), RelocType::MemoryAddrLocrelI64, 8, WIDE),
    ] {
        source
            .data("target", ".data.target", [7; 8])
            .data("place", ".data.place", vec![0; width])
            .points(0, ty, "target", 0);
        for args in [
            "-shared --export=place --no-check-features",
            "-pie --no-entry --export=place --no-check-features",
        ] {
            let job = job(&source, args).args(mode).differs(REJECTED);
            let text = print(&job.module());
            assert!(!text.contains("__wasm_apply_data_relocs"), "{text}");
        }
    }
}
