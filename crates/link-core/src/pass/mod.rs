//! Phases 3 and 4: what is live, and what the linker adds.

pub mod features;
pub mod mark;
pub mod raw_indices;
pub mod synthesize;
pub mod warn_left_out;
