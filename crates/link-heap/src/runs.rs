//! Runs of pages, for all threads.
//!
//! A region is [`REGION`] bytes of addresses, aligned to as many. It begins with a table of free runs:
//! the entries of the first and the last page of a free run contain the length of the run in pages,
//! and the entries beside a run in use are 0. So a run that is freed finds its free neighbours and is
//! joined with them. The table is touched only where there were free runs.
//!
//! A large page is best, if memory for it is available: it costs a quarter of its small pages. If it
//! is not available, it costs five times as much: the host of a virtual machine may have reclaimed
//! the memory, or the system may have to move other pages. Small pages are available even then, since
//! fragmented memory suffices for them. So a region begins with small pages, which suffice for a small
//! link; large pages are requested behind them, as long as the system provides them quickly.
//!
//! Where no region can be had, since there is a limit (`ulimit -v`), runs are the system's from then
//! on.
//!
//! [`Page`] and [`Region`] are addresses, not pointers. The provenance of each region is exposed when it
//! is mapped, and each access takes it up again: a pointer that a caller returns is only good for the
//! caller's block, while the table and the neighbours of the block are other memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::time::{Duration, Instant};

use crate::Block;
use crate::classes::Classes;
use crate::pages::{self, Advice};

/// Runs are multiples of this, in bytes. It may differ from the page size of the system.
pub(crate) const PAGE: usize = 4 << 10;
/// The size of the system's large pages, which runs may be made of.
const HUGE: usize = 2 << 20;
/// The size of a region, and its alignment.
pub(crate) const REGION: usize = if cfg!(miri) { 16 << 20 } else { 256 << 20 };
/// How much of a region has small pages, in bytes.
const SMALL_PAGES: usize = 8 << 20;
/// How many of those are made at once, which takes less than one by one: the pages of a chunk, and of
/// runs that are no larger than will be filled.
const READY: usize = 64;
/// How many bytes of large pages are asked for at a time, at least.
const STEP: usize = 4 << 20;
const _: () = assert!((REGION - SMALL_PAGES).is_multiple_of(STEP));
/// One that takes longer was not at hand. One that is takes a fifth of it.
const SLOW: Duration = Duration::from_millis(1);
/// The pages at the beginning of a region that its table takes.
const TABLE: usize = (REGION / PAGE * size_of::<u32>()).next_multiple_of(HUGE) / PAGE;
/// The longest run that there can be, in pages.
pub(crate) const LONGEST: usize = REGION / PAGE - TABLE;
/// Free runs of lengths of a class, in pages, are in one list.
const CLASSES: Classes = Classes {
    fine_bits: 4,
    step_bits: 3,
};
/// How many lists of free runs there are: a bit of a word for each.
const LISTS: usize = CLASSES.of(LONGEST) + 1;
const _: () = assert!(LISTS <= u128::BITS as usize);

/// The address of a page in a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
struct Page(usize);

/// The beginning of a free run.
struct Links {
    next: Page,
    previous: Page,
}

impl Page {
    const NONE: Page = Page(0);

    /// The page in the provenance of its region.
    fn pointer(self) -> *mut u8 {
        ptr::with_exposed_provenance_mut(self.0)
    }

    fn ahead(self, pages: usize) -> Page {
        Page(self.0.wrapping_add(pages * PAGE))
    }

    fn before(self, pages: usize) -> Page {
        Page(self.0.wrapping_sub(pages * PAGE))
    }

    /// Where the table says how long the free run is that begins or ends with this page.
    ///
    /// There are entries for the pages of the table, too, the last of which is asked about.
    fn entry(self) -> *mut u32 {
        let Region(table) = self.region();
        let number = (self.0 - table) / PAGE;
        ptr::with_exposed_provenance_mut(table + number * size_of::<u32>())
    }

    /// The free run that lies behind the `pages` pages from this one on, and its length.
    ///
    /// # Safety
    ///
    /// They are a run that was taken.
    unsafe fn behind(self, pages: usize) -> Option<(Page, usize)> {
        let behind = self.ahead(pages);
        // Nothing lies behind a region's last page.
        if behind.0.is_multiple_of(REGION) {
            return None;
        }
        // SAFETY: the page is of the run's region.
        let len = unsafe { behind.entry().read() } as usize;
        (len != 0).then_some((behind, len))
    }

    fn links(self) -> *mut Links {
        ptr::with_exposed_provenance_mut(self.0)
    }

    fn region(self) -> Region {
        Region(self.0 - self.0 % REGION)
    }
}

/// The address of a region.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Region(usize);

impl Region {
    const NONE: Region = Region(0);

    fn pages(self) -> Page {
        Page(self.0).ahead(TABLE)
    }

    /// Where the region before is kept: in the first entries of the table, which are its own.
    fn older(self) -> *mut Region {
        ptr::with_exposed_provenance_mut(self.0)
    }
}

/// The runs.
pub(crate) struct Runs {
    /// The part of the last region that was never used: zeroes.
    fresh: Page,
    fresh_pages: usize,
    /// Large pages were asked for in the last region as far as this.
    large: Page,
    /// The last of them was slow to come: no more are asked for.
    slow: bool,
    /// For each class of lengths the first free run that has at least that many pages.
    free: [Page; LISTS],
    /// The lists that are not empty.
    filled: u128,
    /// The last region.
    region: Region,
    /// No more regions can be had.
    full: bool,
}

impl Runs {
    pub(crate) const fn new() -> Runs {
        Runs {
            fresh: Page::NONE,
            fresh_pages: 0,
            large: Page::NONE,
            slow: false,
            free: [Page::NONE; LISTS],
            filled: 0,
            region: Region::NONE,
            full: false,
        }
    }

    /// From now on there are no new regions.
    #[cfg(test)]
    pub(crate) fn refuse_regions(&mut self) {
        self.full = true;
    }

    /// A run of so many pages, at most [`LONGEST`].
    pub(crate) fn take(&mut self, pages: usize) -> Block {
        let Some((run, len)) = self.find(pages) else {
            return if let Some(page) = self.take_fresh(pages) {
                Block::fresh(page.pointer())
            } else {
                // SAFETY: there is more than nothing to a run.
                let block = unsafe { System.alloc(layout(pages)) };
                block.expose_provenance();
                Block::used(block)
            };
        };
        // SAFETY: the run is in a list, and so free and ours, and is long enough.
        unsafe {
            self.unlink(run, len);
            self.link(run.ahead(pages), len - pages);
        }
        Block::used(run.pointer())
    }

    /// A free run of at least so many pages, and its length.
    fn find(&self, pages: usize) -> Option<(Page, usize)> {
        // Of runs of its class the first may do, and of those of larger ones any.
        let first = self.first(CLASSES.within(pages));
        first.filter(|&(_, len)| len >= pages).or_else(|| {
            let filled = self.filled & (u128::MAX << CLASSES.of(pages));
            self.first(filled.trailing_zeros() as usize)
        })
    }

    /// The first free run of a list, and its length.
    fn first(&self, list: usize) -> Option<(Page, usize)> {
        let run = *self.free.get(list)?;
        // SAFETY: a run in a list is free, so that there is an entry.
        (run != Page::NONE).then(|| (run, unsafe { run.entry().read() } as usize))
    }

    /// A run of pages that were never used, of a new region if need be and if there is one.
    fn take_fresh(&mut self, pages: usize) -> Option<Page> {
        if pages > self.fresh_pages {
            if self.full {
                return None;
            }
            let Some(region) = pages::map_region() else {
                self.full = true;
                return None;
            };
            let region = Region(region);
            let (rest, len) = (self.fresh, self.fresh_pages);
            self.fresh = region.pages();
            self.fresh_pages = LONGEST;
            // SAFETY: the rest of the last region is not in use; the new one begins with room for the
            // address of another.
            unsafe {
                self.link(rest, len);
                region.older().write(self.region);
            }
            self.region = region;
            self.large = Page(region.0 + SMALL_PAGES);
        }
        let run = self.fresh;
        self.fresh = run.ahead(pages);
        self.fresh_pages -= pages;
        if !self.slow && self.large < self.fresh {
            self.enlarge();
        }
        Some(run)
    }

    /// Asks for large pages as far as fresh ones were taken, and for no others if the first of them is
    /// slow to come. The rest of a long run is touched by those who use it.
    fn enlarge(&mut self) {
        let first = self.large;
        let len = (self.fresh.0 - first.0).next_multiple_of(STEP);
        let end = Page(first.0 + len);
        let asked = Instant::now();
        // SAFETY: earlier fresh runs end here, the new one is not in use yet, and the last step ends
        // with the region; the pages stay zeroes.
        unsafe {
            advise(first, end, Advice::Large);
            first.pointer().write_volatile(0);
        }
        if asked.elapsed() > SLOW {
            self.slow = true;
            let others = Page(first.0 + HUGE);
            // SAFETY: they are of the region.
            unsafe { advise(others, end, Advice::Small) };
        }
        self.large = end;
    }

    /// Takes a run back.
    ///
    /// # Safety
    ///
    /// The `pages` pages from `at` on were taken from these runs, and are no longer in use.
    pub(crate) unsafe fn put(&mut self, at: *mut u8, pages: usize) {
        let page = Page(at.addr());
        if self.is_system(page) {
            // SAFETY: it is the system's, of this layout.
            return unsafe { System.dealloc(at, layout(pages)) };
        }
        let (mut run, mut len) = (page, pages);
        // SAFETY: the pages beside the run are of its region or its table, so that there are
        // entries; where there is a number, there is a free run of that length.
        unsafe {
            let before = run.before(1).entry().read() as usize;
            if before != 0 {
                run = run.before(before);
                self.unlink(run, before);
                len += before;
            }
            if let Some((behind, more)) = page.behind(pages) {
                self.unlink(behind, more);
                len += more;
            }
            self.link(run, len);
        }
    }

    /// Whether a run is in no region.
    fn is_system(&self, run: Page) -> bool {
        if !self.full {
            return false;
        }
        let mut region = self.region;
        while region != Region::NONE && region != run.region() {
            // SAFETY: it is a region, which begins with the address of another or of none.
            region = unsafe { region.older().read() };
        }
        region == Region::NONE
    }

    /// Makes a run of `from` pages one of `to` where it lies; whether that was possible.
    ///
    /// # Safety
    ///
    /// The run was taken from these runs, and is the caller's.
    pub(crate) unsafe fn resize(&mut self, at: *mut u8, from: usize, to: usize) -> bool {
        let run = Page(at.addr());
        if self.is_system(run) {
            return from == to;
        }
        if to <= from {
            if to < from {
                // SAFETY: the pages behind the new end are the caller's, which frees them.
                unsafe { self.put(run.ahead(to).pointer(), from - to) };
            }
            return true;
        }
        let more = to - from;
        if run.ahead(from) == self.fresh {
            return more <= self.fresh_pages && self.take_fresh(more).is_some();
        }
        // SAFETY: the run is of ours, and a free run of that length lies behind it.
        unsafe {
            match run.behind(from) {
                Some((behind, len)) if len >= more => {
                    self.unlink(behind, len);
                    self.link(behind.ahead(more), len - more);
                    true
                }
                _ => false,
            }
        }
    }

    /// Keeps a free run of `len` pages, if there are any.
    ///
    /// # Safety
    ///
    /// They are of a region, and not in use.
    unsafe fn link(&mut self, run: Page, len: usize) {
        if len == 0 {
            return;
        }
        let list = CLASSES.within(len);
        let next = self.free[list];
        // SAFETY: the run is ours, and so is `next`, which is in a list; a page has room for links
        // and is aligned for them, and there are entries for all pages of regions.
        unsafe {
            run.links().write(Links {
                next,
                previous: Page::NONE,
            });
            if next != Page::NONE {
                (*next.links()).previous = run;
            }
            run.entry().write(len as u32);
            run.ahead(len - 1).entry().write(len as u32);
        }
        self.free[list] = run;
        self.filled |= 1 << list;
    }

    /// Takes a free run of `len` pages out of its list.
    ///
    /// # Safety
    ///
    /// It is in one.
    unsafe fn unlink(&mut self, run: Page, len: usize) {
        let list = CLASSES.within(len);
        // SAFETY: the run and those beside it in the list are free, and begin with links.
        unsafe {
            let Links { next, previous } = run.links().read();
            if next != Page::NONE {
                (*next.links()).previous = previous;
            }
            if previous == Page::NONE {
                self.free[list] = next;
                if next == Page::NONE {
                    self.filled &= !(1 << list);
                }
            } else {
                (*previous.links()).next = next;
            }
            run.entry().write(0);
            run.ahead(len - 1).entry().write(0);
        }
    }
}

/// Has the system make the pages of a run that was just taken, if they are small and will be needed.
pub(crate) fn ready(run: &Block, pages: usize) {
    if run.zeroed && pages <= READY && run.at.addr() % REGION < SMALL_PAGES {
        let run = Page(run.at.addr());
        // SAFETY: fresh runs are of regions.
        unsafe { advise(run, run.ahead(pages), Advice::Ready) };
    }
}

/// The layout of a block from the system that replaces a run.
fn layout(pages: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and a run is no longer than a region.
    unsafe { Layout::from_size_align_unchecked(pages * PAGE, PAGE) }
}

/// Tells the system about the pages from `start` to `end`.
///
/// # Safety
///
/// They are of a region.
unsafe fn advise(start: Page, end: Page, advice: Advice) {
    // SAFETY: the pages are of a region.
    unsafe { pages::advise(start.pointer(), end.0 - start.0, advice) };
}
