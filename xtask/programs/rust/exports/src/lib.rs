//! A report for a host that has nothing but memory to offer.

#![cfg_attr(target_os = "none", no_std)]

extern crate alloc;

use alloc::string::String;

/// The address of the report about `number`: its length in four bytes, then its text.
#[unsafe(no_mangle)]
pub extern "C" fn report(number: u32) -> *const u8 {
    let mut text: String = report::report(number);
    let length = text.len();
    text.push_str("\0\0\0\0");
    let mut bytes = text.into_bytes();
    bytes.rotate_right(4);
    bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
    bytes.leak().as_ptr()
}

/// `wasm32v1-none` has no standard library, hence no heap.
#[cfg(target_os = "none")]
mod bare {
    use core::alloc::{GlobalAlloc, Layout};
    use core::cell::UnsafeCell;

    const SIZE: usize = 16 << 20;

    /// Memory that is handed out once.
    struct Heap {
        used: UnsafeCell<usize>,
        bytes: UnsafeCell<[u8; SIZE]>,
    }

    // SAFETY: the target has no threads.
    unsafe impl Sync for Heap {}

    // SAFETY: each allocation is a part of `bytes` of its own.
    unsafe impl GlobalAlloc for Heap {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let (used, base) = (self.used.get(), self.bytes.get().cast::<u8>());
            // SAFETY: there is one thread, and the offset is checked.
            unsafe {
                let begin = (base as usize + *used).next_multiple_of(layout.align()) - base as usize;
                if begin + layout.size() > SIZE {
                    return core::ptr::null_mut();
                }
                *used = begin + layout.size();
                base.add(begin)
            }
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static HEAP: Heap = Heap {
        used: UnsafeCell::new(0),
        bytes: UnsafeCell::new([0; SIZE]),
    };

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}
