//! Distances between data: relocations whose value counts from the place that they patch.

use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::support::{Job, print, run};

const EXECUTABLE: &str = "--no-entry --export=get";

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
    let wide = job(&wide(), EXECUTABLE).differs("LLVM 22 does not know the relocation");
    assert_eq!(run(&wide.module(), "get"), 4);
}

#[test]
fn a_relinked_distance_is_the_same() {
    for (source, new) in [(narrow(), false), (wide(), true)] {
        let mut first = job(&source, "-r");
        if new {
            first = first.differs("LLVM 22 does not know the relocation");
        }
        let object = first.module();
        let mut second = Job::new().file("b.o", object).args("b.o").args(EXECUTABLE);
        if new {
            second = second.differs("LLVM 22 does not know the relocation");
        }
        assert_eq!(run(&second.module(), "get"), 4);
    }
}

/// Both ends move with the module.
#[test]
fn a_loader_leaves_distances_alone() {
    let mut source = Source::wasm64();
    source.data("target", ".data.target", [7; 8]);
    source.data("place", ".data.place", [0; 8]).points(
        0,
        RelocType::MemoryAddrLocrelI64,
        "target",
        0,
    );
    let args = "-shared --export=place --no-check-features";
    let job = job(&source, args).differs("LLVM 22 does not know the relocation");
    let text = print(&job.module());
    assert!(!text.contains("__wasm_apply_data_relocs"), "{text}");
}
