#![doc = include_str!("../README.md")]
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
// How it works:
//
// - A block of up to `SMALL` bytes is rounded up to a size class and cut from a chunk of `CHUNK` pages
//   that belongs to the thread. Each thread has a list of free blocks for each class, and a freed block
//   goes to the list of the thread that frees it. Blocks have no header, since the caller that frees one
//   says how large it is.
// - A larger block is a run of pages, which all threads share (`runs`).
// - What is larger than a region, or aligned to more than a small block is, comes from the system.
//
// Memory is reached by addresses whose provenance the mapping has exposed: the table of free runs is
// found from the address of a run, and a run is joined with its neighbours, which were other
// allocations. What a thread has left when it ends is lost.
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to write and to call: it makes memory of addresses"
)]
#![allow(
    clippy::cast_ptr_alignment,
    reason = "blocks are aligned to a granule, and tables to a region"
)]

mod classes;
mod pages;
mod runs;
#[cfg(test)]
mod tests;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use classes::Classes;
use runs::{LONGEST, PAGE, Runs};

/// Sizes of small blocks are multiples of this, and it is their alignment, in bytes.
const GRANULE: usize = 16;
/// The size of the largest small blocks, in bytes.
const SMALL: usize = 8 << 10;
/// The sizes of small blocks, in granules.
const CLASSES: Classes = Classes {
    fine_bits: 6,
    step_bits: 4,
};
/// How many sizes of small blocks there are.
const LISTS: usize = CLASSES.of(SMALL / GRANULE) + 1;
/// How many pages a thread takes at a time for small blocks.
const CHUNK: usize = 16;

/// How many bytes the small blocks of a class have.
const fn block_size(class: usize) -> usize {
    CLASSES.size(class) * GRANULE
}

/// A block, and whether it still has the zeroes that the system gave.
struct Block {
    at: *mut u8,
    zeroed: bool,
}

impl Block {
    /// No memory is left.
    const NONE: Block = Block {
        at: ptr::null_mut(),
        zeroed: false,
    };

    const fn fresh(at: *mut u8) -> Block {
        Block { at, zeroed: true }
    }

    const fn used(at: *mut u8) -> Block {
        Block { at, zeroed: false }
    }
}

/// Free small blocks of one size. Each begins with the address of the next.
struct List(Cell<*mut u8>);

impl List {
    const fn new() -> List {
        List(Cell::new(ptr::null_mut()))
    }

    /// # Safety
    ///
    /// `block` is the address of a block of this size, and is no longer in use.
    unsafe fn push(&self, block: *mut u8) {
        // SAFETY: a block has at least a granule, is aligned to one, and is ours.
        unsafe { block.cast::<*mut u8>().write(self.0.get()) };
        self.0.set(block);
    }

    fn pop(&self) -> Option<*mut u8> {
        let block = self.0.get();
        if block.is_null() {
            return None;
        }
        // SAFETY: every block in a list was pushed, and contains the address of the next one.
        self.0.set(unsafe { block.cast::<*mut u8>().read() });
        Some(block)
    }
}

/// The memory that belongs to one thread.
struct Local {
    /// Where the part of its last chunk begins that was not used yet,
    next: Cell<*mut u8>,
    /// and where it ends.
    end: Cell<*mut u8>,
    /// Whether that part is zeroes.
    zeroed: Cell<bool>,
    free: [List; LISTS],
}

thread_local! {
    // Nothing is dropped: memory can be asked for as long as the thread runs.
    static LOCAL: Local = const {
        Local {
            next: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            zeroed: Cell::new(false),
            free: [const { List::new() }; LISTS],
        }
    };
}

impl Local {
    fn take(&self, class: usize, heap: &Heap) -> Block {
        if let Some(block) = self.free[class].pop() {
            return Block::used(block);
        }
        let size = block_size(class);
        if size > self.left() && !self.refill(heap) {
            return Block::NONE;
        }
        let at = self.next.get();
        self.next.set(at.wrapping_add(size));
        Block {
            at,
            zeroed: self.zeroed.get(),
        }
    }

    fn left(&self) -> usize {
        self.end.get().addr() - self.next.get().addr()
    }

    /// Gets a new chunk; whether there was one.
    fn refill(&self, heap: &Heap) -> bool {
        let chunk = heap.run(CHUNK);
        if chunk.at.is_null() {
            return false;
        }
        if chunk.at != self.end.get() || chunk.zeroed != self.zeroed.get() {
            // SAFETY: the rest of the last chunk is not in use.
            unsafe { self.scatter(self.next.get(), self.left()) };
            self.next.set(chunk.at);
            self.zeroed.set(chunk.zeroed);
        }
        self.end.set(chunk.at.wrapping_add(CHUNK * PAGE));
        true
    }

    /// Keeps `len` bytes from `at` on, a multiple of a granule, as blocks.
    ///
    /// # Safety
    ///
    /// They are not in use, and begin where a block could.
    unsafe fn scatter(&self, mut at: *mut u8, mut len: usize) {
        while len > 0 {
            let class = CLASSES.within(len.min(SMALL) / GRANULE);
            let size = block_size(class);
            // SAFETY: the bytes are ours, and as many as this class has.
            unsafe { self.free[class].push(at) };
            at = at.wrapping_add(size);
            len -= size;
        }
    }

    /// Makes a block of `from` bytes one of `to` where it lies; whether that was possible.
    ///
    /// # Safety
    ///
    /// Both are sizes of small blocks, and the block is the caller's.
    unsafe fn resize(&self, block: *mut u8, from: usize, to: usize) -> bool {
        if to <= from {
            // SAFETY: the bytes behind the new end are the caller's, which frees them.
            unsafe { self.scatter(block.wrapping_add(to), from - to) };
            return true;
        }
        let behind = block.wrapping_add(from) == self.next.get() && to - from <= self.left();
        if behind {
            self.next.set(block.wrapping_add(to));
        }
        behind
    }
}

/// The kind of a block.
#[derive(Clone, Copy)]
enum Kind {
    /// Small, of this class.
    Small(usize),
    /// A run of so many pages.
    Run(usize),
}

impl Kind {
    /// `None`: the system's.
    fn of(layout: Layout) -> Option<Self> {
        let size = layout.size();
        if layout.align() > GRANULE || size > LONGEST * PAGE {
            None
        } else if size <= SMALL {
            Some(Self::Small(CLASSES.of(size.div_ceil(GRANULE))))
        } else {
            Some(Self::Run(size.div_ceil(PAGE)))
        }
    }
}

/// A caller's pointer to a block may only be good for the bytes that it asked for. This one is good for
/// the block, if the block is not the system's.
fn with_provenance_of_region(block: *mut u8) -> *mut u8 {
    ptr::with_exposed_provenance_mut(block.addr())
}

/// A global allocator for a command that ends soon.
///
/// Blocks given to one value are taken back by no other. There can be several values, but they share
/// the lists of small blocks of a thread.
pub struct Heap {
    runs: Mutex<Runs>,
    out_of_memory: fn(usize) -> !,
}

impl Heap {
    /// An allocator without memory. When the system has none left, it calls `out_of_memory` with
    /// the number of bytes that were requested, instead of returning null: a command that could go
    /// on would only print the same message, and one that could not would end by a signal.
    pub const fn new(out_of_memory: fn(usize) -> !) -> Heap {
        Heap {
            runs: Mutex::new(Runs::new()),
            out_of_memory,
        }
    }

    /// `block`, which has to have `size` bytes, unless no memory was left for it.
    #[inline]
    fn checked(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            (self.out_of_memory)(size);
        }
        block
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, pages: usize) -> Block {
        let block = self.runs().take(pages);
        // Others need not wait for it.
        runs::ready(&block, pages);
        block
    }

    fn take(&self, kind: Kind) -> Block {
        match kind {
            Kind::Small(class) => LOCAL.with(|local| local.take(class, self)),
            Kind::Run(pages) => self.run(pages),
        }
    }
}

// SAFETY: a block is cut from unused memory, or was freed before. It has at least the requested size
// and is aligned to a granule, which suffices for all layouts that do not go to the system. `Kind::of`
// returns the same for the allocation and the deallocation of a block, since the layout is the same.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = match Kind::of(layout) {
            Some(kind) => self.take(kind).at,
            // SAFETY: the caller's word holds for it as well.
            None => unsafe { System.alloc(layout) },
        };
        self.checked(block, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(kind) = Kind::of(layout) else {
            // SAFETY: the caller's word holds for it as well.
            let block = unsafe { System.alloc_zeroed(layout) };
            return self.checked(block, layout.size());
        };
        let block = self.take(kind);
        let at = self.checked(block.at, layout.size());
        if !block.zeroed {
            // SAFETY: the block has at least that many bytes, and is ours.
            unsafe { at.write_bytes(0, layout.size()) };
        }
        at
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let own = with_provenance_of_region(block);
        // SAFETY: the caller promises that the block has this layout and is no longer in use, so it
        // is of this kind.
        unsafe {
            match Kind::of(layout) {
                Some(Kind::Small(class)) => LOCAL.with(|local| local.free[class].push(own)),
                Some(Kind::Run(pages)) => self.runs().put(block, pages),
                None => System.dealloc(block, layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller says that the size, rounded up to the alignment, is one of a layout.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let own = with_provenance_of_region(block);
        // SAFETY: the caller says that the block has the old layout.
        let resized = unsafe {
            match (Kind::of(layout), Kind::of(new)) {
                (Some(Kind::Small(from)), Some(Kind::Small(to))) => {
                    LOCAL.with(|local| local.resize(own, block_size(from), block_size(to)))
                }
                (Some(Kind::Run(from)), Some(Kind::Run(to))) => self.runs().resize(block, from, to),
                (None, None) => return self.checked(System.realloc(block, layout, size), size),
                _ => false,
            }
        };
        if resized {
            // The caller's pointer may not be good for more bytes than there were.
            return own;
        }
        // SAFETY: both blocks have at least as many bytes as are copied, and are not the same; the
        // old one is given back as it was got.
        unsafe {
            let moved = self.alloc(new);
            ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
            self.dealloc(block, layout);
            moved
        }
    }
}
