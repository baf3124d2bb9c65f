//! A static library without the standard library, made of several codegen units: a module
//! each, calling each other, with data, a table of function pointers and a generic.

#![no_std]

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

pub static CALLS: AtomicU32 = AtomicU32::new(0);

mod hash {
    #[inline(never)]
    pub fn fnv(bytes: &[u8]) -> u32 {
        super::CALLS.fetch_add(1, super::Ordering::Relaxed);
        bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }
}

mod sort {
    #[inline(never)]
    pub fn insertion<T: Copy + PartialOrd>(items: &mut [T]) {
        super::CALLS.fetch_add(1, super::Ordering::Relaxed);
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && items[at] < items[at - 1] {
                items.swap(at, at - 1);
                at -= 1;
            }
        }
    }
}

mod table {
    fn double(value: i32) -> i32 {
        value * 2
    }
    fn square(value: i32) -> i32 {
        value * value
    }
    fn negate(value: i32) -> i32 {
        -value
    }
    pub static STEPS: [fn(i32) -> i32; 3] = [double, square, negate];
}

/// # Safety
/// `bytes` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn rust_hash(bytes: *const u8, size: usize) -> u32 {
    hash::fnv(core::slice::from_raw_parts(bytes, size))
}

/// # Safety
/// `items` points to `count` numbers.
#[no_mangle]
pub unsafe extern "C" fn rust_sort(items: *mut f64, count: usize) {
    sort::insertion(core::slice::from_raw_parts_mut(items, count));
}

#[no_mangle]
pub extern "C" fn rust_apply(step: usize, value: i32) -> i32 {
    table::STEPS.get(step).map_or(0, |step| step(value))
}

#[no_mangle]
pub extern "C" fn rust_calls() -> u32 {
    CALLS.load(Ordering::Relaxed)
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
