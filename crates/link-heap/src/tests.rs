//! The allocator without a command. Miri runs these as well, in fewer steps.

use std::alloc::{GlobalAlloc, Layout};
use std::thread;

use super::classes::Classes;
use super::runs::{LONGEST, PAGE, Runs};
use super::{CLASSES, GRANULE, Heap, block_size};

/// As many as that, or fewer where each takes long.
const fn times(count: usize) -> usize {
    if cfg!(miri) { count / 10 } else { count }
}

fn out_of_memory(size: usize) -> ! {
    panic!("no memory for {size} bytes")
}

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Sizes of all magnitudes up to a megabyte, or 32 KiB where each byte takes long.
    fn size(&mut self) -> usize {
        let magnitude = self.below(if cfg!(miri) { 15 } else { 20 });
        1 + self.below(2 << magnitude)
    }
}

#[test]
fn every_size_has_a_class_of_blocks_that_are_hardly_larger() {
    let coarse = Classes {
        fine_bits: 4,
        step_bits: 3,
    };
    for (classes, waste) in [(CLASSES, 16), (coarse, 8)] {
        let mut last = 0;
        for size in 1..times(70_000) {
            let class = classes.of(size);
            assert!(class == last || class == last + 1, "{size}");
            last = class;
            let block = classes.size(class);
            assert!(block >= size && (block - size) * waste < size, "{size}");
            let within = classes.within(size);
            assert!(classes.size(within) <= size && classes.size(within + 1) > size);
        }
    }
}

/// A block that was asked for, filled with its number.
struct Held {
    at: *mut u8,
    layout: Layout,
    fill: u8,
}

impl Held {
    fn is_whole(&self) -> bool {
        // SAFETY: the block is ours and has as many bytes, all of which were written.
        let bytes = unsafe { std::slice::from_raw_parts(self.at, self.layout.size()) };
        self.at.addr().is_multiple_of(self.layout.align())
            && *bytes == *vec![self.fill; bytes.len()]
    }
}

/// Asks for blocks, makes them larger and smaller and gives them back, in any order.
fn use_heap(heap: &Heap, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut held: Vec<Held> = Vec::new();
    for step in 0..times(3_000) {
        let fill = step as u8;
        if held.is_empty() || numbers.below(5) < 2 {
            let align = [1, 8, 16, 16, 64][numbers.below(5)];
            let layout = Layout::from_size_align(numbers.size(), align).expect("a layout");
            let zeroed = numbers.below(2) == 0;
            // SAFETY: the size is not 0; what is written and read is within the block.
            unsafe {
                let at = if zeroed {
                    heap.alloc_zeroed(layout)
                } else {
                    heap.alloc(layout)
                };
                assert!(!at.is_null());
                let fresh = std::slice::from_raw_parts_mut(at, layout.size());
                assert!(!zeroed || *fresh == *vec![0; fresh.len()]);
                fresh.fill(fill);
                // As with a box, the pointer is good for these bytes only.
                let at = fresh.as_mut_ptr();
                held.push(Held { at, layout, fill });
            }
            continue;
        }
        let mut block = held.swap_remove(numbers.below(held.len()));
        assert!(block.is_whole());
        if numbers.below(3) == 0 {
            let size = numbers.size();
            // SAFETY: the block is ours and of this layout, and the size is not 0.
            unsafe {
                block.at = heap.realloc(block.at, block.layout, size);
                let kept = block.layout.size().min(size);
                block.layout = Layout::from_size_align_unchecked(kept, block.layout.align());
                assert!(block.is_whole());
                block.layout = Layout::from_size_align_unchecked(size, block.layout.align());
                block.at.write_bytes(block.fill, size);
            }
            held.push(block);
        } else {
            // SAFETY: the block is ours and of this layout.
            unsafe { heap.dealloc(block.at, block.layout) };
        }
    }
    for block in held {
        assert!(block.is_whole());
        // SAFETY: the block is ours and of this layout.
        unsafe { heap.dealloc(block.at, block.layout) };
    }
}

#[test]
fn blocks_of_threads_do_not_overlap() {
    static HEAP: Heap = Heap::new(out_of_memory);
    thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || use_heap(&HEAP, seed));
        }
    });
}

#[test]
fn where_no_region_can_be_had_blocks_are_the_systems() {
    static HEAP: Heap = Heap::new(out_of_memory);
    // One that is in a region, before there are no more.
    let layout = Layout::from_size_align(100_000, 8).expect("a layout");
    // SAFETY: the size is not 0.
    let first = unsafe { HEAP.alloc(layout) };
    HEAP.runs().refuse_regions();
    thread::spawn(|| use_heap(&HEAP, 5))
        .join()
        .expect("no panic");
    // SAFETY: the block is ours and of this layout.
    unsafe { HEAP.dealloc(first, layout) };
}

#[test]
fn free_runs_are_joined_with_those_beside_them() {
    let mut numbers = Numbers(6);
    let mut runs = Runs::new();
    let whole = runs.take(LONGEST);
    assert!(whole.zeroed);
    // SAFETY: the runs are those taken before.
    unsafe {
        runs.put(whole.at, LONGEST);
        for _ in 0..times(50) {
            let mut taken: Vec<(*mut u8, usize)> = (0..times(200))
                .map(|_| {
                    let pages = 1 + numbers.below(300);
                    (runs.take(pages).at, pages)
                })
                .collect();
            while !taken.is_empty() {
                let (at, pages) = taken.swap_remove(numbers.below(taken.len()));
                runs.put(at, pages);
            }
            // All of it is one run again.
            assert_eq!(runs.take(LONGEST).at, whole.at);
            runs.put(whole.at, LONGEST);
        }
        // The next one is in another region.
        assert_eq!(runs.take(LONGEST).at, whole.at);
        let other = runs.take(1);
        assert!(other.zeroed);
        assert!(runs.resize(other.at, 1, 9) && runs.resize(other.at, 9, 2));
        let behind = runs.take(3);
        assert_eq!(behind.at, other.at.wrapping_add(2 * PAGE));
        assert!(!runs.resize(other.at, 2, 3));
    }
}

#[test]
fn a_small_block_grows_and_shrinks_where_it_lies() {
    static HEAP: Heap = Heap::new(out_of_memory);
    thread::spawn(|| {
        let layout = |size| Layout::from_size_align(size, 8).expect("a layout");
        // SAFETY: the blocks are ours and of these layouts.
        unsafe {
            let block = HEAP.alloc(layout(100));
            assert_eq!(HEAP.realloc(block, layout(100), 5_000), block);
            assert_eq!(HEAP.realloc(block, layout(5_000), 3 * GRANULE), block);
            // What was cut off is the next block of its size.
            let next = HEAP.alloc(layout(block_size(CLASSES.within(100))));
            assert!(next.addr() > block.addr());
        }
    })
    .join()
    .expect("no panic");
}
