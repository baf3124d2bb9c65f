//! Classes of sizes.

/// Numbers for sizes: one for each up to some size, then as many for each power of two.
#[derive(Clone, Copy)]
pub(crate) struct Classes {
    /// Sizes up to two to this power have a class each.
    pub(crate) fine_bits: u32,
    /// There are two to this power of classes to each power of two above; fewer than fine ones.
    pub(crate) step_bits: u32,
}

impl Classes {
    const fn fine(self) -> usize {
        1 << self.fine_bits
    }

    /// The class of blocks for `size`. It is not smaller than that of a smaller size.
    pub(crate) const fn of(self, size: usize) -> usize {
        if size <= self.fine() {
            return size.saturating_sub(1);
        }
        let top = (size - 1).ilog2();
        let step = ((size - 1) >> (top - self.step_bits)) - (1 << self.step_bits);
        self.fine() + ((top - self.fine_bits) << self.step_bits) as usize + step
    }

    /// The largest size of a class, which is the size of its blocks.
    pub(crate) const fn size(self, class: usize) -> usize {
        if class < self.fine() {
            return class + 1;
        }
        let steps = 1 << self.step_bits;
        let top = self.fine_bits + ((class - self.fine()) / steps) as u32;
        (steps + (class - self.fine()) % steps + 1) << (top - self.step_bits)
    }

    /// The class of the largest blocks that fit in `size`, which is not 0.
    pub(crate) const fn within(self, size: usize) -> usize {
        let class = self.of(size);
        if self.size(class) > size {
            class - 1
        } else {
            class
        }
    }
}
