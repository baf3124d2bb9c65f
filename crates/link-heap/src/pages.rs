//! Pages from the system, and as Miri knows them: it checks the use of memory, not its mapping.

pub(crate) use system::{advise, map_region};

/// What the system is told about pages.
#[derive(Clone, Copy)]
pub(crate) enum Advice {
    /// Large pages are wanted.
    Large,
    /// Small pages are wanted.
    Small,
    /// All of the pages will be written soon.
    Ready,
}

#[cfg(not(miri))]
mod system {
    use std::ptr;

    use rustix::mm::{self, MapFlags, ProtFlags};

    use super::Advice;
    use crate::runs::REGION;

    /// The address of a new region, all zeroes, whose provenance is exposed.
    pub(crate) fn map_region() -> Option<usize> {
        let reserved = 2 * REGION;
        // SAFETY: a new mapping at an address of the system's choice touches no memory there is.
        let start = unsafe {
            mm::mmap_anonymous(
                ptr::null_mut(),
                reserved,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        };
        let start = start.ok()?.cast::<u8>();
        let region = start.map_addr(|at| at.next_multiple_of(REGION));
        let before = region.addr() - start.addr();
        for (at, len) in [
            (start, before),
            (region.wrapping_add(REGION), reserved - REGION - before),
        ] {
            if len != 0 {
                // More addresses than needed do no harm.
                // SAFETY: these are parts of the mapping just made, before and behind the region.
                let _ = unsafe { mm::munmap(at.cast(), len) };
            }
        }
        Some(region.expose_provenance())
    }

    /// Tells the system about `len` bytes of pages.
    ///
    /// # Safety
    ///
    /// They are of a region.
    pub(crate) unsafe fn advise(start: *mut u8, len: usize, advice: Advice) {
        let advice = match advice {
            Advice::Large => mm::Advice::LinuxHugepage,
            Advice::Small => mm::Advice::LinuxNoHugepage,
            Advice::Ready => mm::Advice::LinuxPopulateWrite,
        };
        // It is advice: a system that does not take it has small pages.
        // SAFETY: the contents of the pages stay.
        let _ = unsafe { mm::madvise(start.cast(), len, advice) };
    }
}

#[cfg(miri)]
mod system {
    use std::alloc::{GlobalAlloc, Layout, System};

    use super::Advice;
    use crate::runs::REGION;

    /// The address of a new region, all zeroes, whose provenance is exposed.
    pub(crate) fn map_region() -> Option<usize> {
        let layout = Layout::from_size_align(REGION, REGION).ok()?;
        // SAFETY: the size is not 0.
        let region = unsafe { System.alloc_zeroed(layout) };
        (!region.is_null()).then(|| region.expose_provenance())
    }

    /// Does nothing.
    ///
    /// # Safety
    ///
    /// As with a real system.
    pub(crate) unsafe fn advise(_start: *mut u8, _len: usize, _advice: Advice) {}
}
