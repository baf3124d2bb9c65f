//! Memory stays bounded however often declarations change, measured at the allocator: all
//! that a module holds, tables and names included.
//!
//! This is one test in a process of its own, so that what is counted is the module's.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is the only witness of what is allocated"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use link_core::module::{DataDef, FuncId, FunctionBody, Module};
use wasm_format::FuncType;
use wasm_format::reloc::RelocType;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const FUNCTIONS: usize = 2_000;

/// A body of some size that calls `callees`.
fn body(size: usize, callees: &[FuncId]) -> FunctionBody {
    let mut body = FunctionBody::new(FuncType::default());
    for &callee in callees {
        body.call(callee);
    }
    body.code(&vec![0x01; size]).end();
    body
}

fn datum(size: usize, function: FuncId) -> DataDef {
    let mut def = DataDef::copied(vec![1; size.max(4)]);
    def.hole(0, RelocType::TableIndexI32, function, 0);
    def
}

fn program() -> (Module, Vec<FuncId>) {
    let mut module = Module::default();
    let functions: Vec<_> = (0..FUNCTIONS)
        .map(|i| module.announce_function(format!("function_{i}")).unwrap())
        .collect();
    for (i, &function) in functions.iter().enumerate() {
        module
            .update(function, body(i % 300, &functions[i / 2..=i / 2 + i % 4]))
            .unwrap();
        let data = module.announce_data(format!("data_{i}")).unwrap();
        module.update(data, datum(i % 200, function)).unwrap();
    }
    (module, functions)
}

#[test]
fn a_million_updates_and_100_000_cycles_stay_within_twice_the_live_bytes() {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let (mut module, functions) = program();
    let live = ALLOCATED.load(Ordering::Relaxed) - before;
    let mut most = 0;
    let mut check = |module: &Module| {
        most = most.max(ALLOCATED.load(Ordering::Relaxed) - before);
        let memory = module.memory_use();
        assert!(memory.reserved <= 2 * memory.live, "{memory:?}");
    };

    // One function, with every size of body.
    for i in 0..1_000_000 {
        module
            .update(functions[7], body(i % 1_000, &functions[i % 5..5]))
            .unwrap();
        if i % 1_000 == 0 {
            check(&module);
        }
    }
    module.update(functions[7], body(7, &[])).unwrap();
    check(&module);

    // Names that come and go, referred to and not, at sizes that shift.
    for i in 0..100_000 {
        let name = format!("transient_{i}");
        let function = module.announce_function(name.as_str()).unwrap();
        module
            .update(
                function,
                body(i / 100, &[functions[i % FUNCTIONS], function]),
            )
            .unwrap();
        module.set_exports(function, [name]).unwrap();
        let data = module.announce_data("transient").unwrap();
        module.use_offset_slot(data).unwrap();
        module.update(data, datum(i / 50, function)).unwrap();
        // In either order: a reference outlives its target for a moment.
        if i % 2 == 0 {
            module.free(function).unwrap();
            module.free(data).unwrap();
        } else {
            module.free(data).unwrap();
            module.free(function).unwrap();
        }
        if i % 100 == 0 {
            check(&module);
        }
    }
    check(&module);
    assert!(
        most <= 2 * live,
        "at most {most} bytes were held for {live} live ones"
    );
    let flushed = module.flush().unwrap();
    wasmparser::validate(&flushed.bytes).unwrap();
}
