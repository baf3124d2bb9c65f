//! Links by the library, compared with what `rust-lld` makes of the same inputs.

mod identical;
