//! Folder.

pub mod features;
pub mod mark;
pub mod raw_indices;
pub mod synthesize;
pub mod warn_left_out;
