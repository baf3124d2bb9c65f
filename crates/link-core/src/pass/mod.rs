//! Folder.

pub mod features;
pub mod mark;
pub mod synthesize;
pub mod warn_left_out;
