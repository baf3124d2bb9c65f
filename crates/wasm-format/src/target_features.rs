//! The `target_features` section: which features of WebAssembly an object needs, or
//! cannot be linked with (tool-conventions Linking.md, "Target Features Section").
//!
//! ```
//! use wasm_format::Reader;
//! use wasm_format::target_features::*;
//!
//! let features = [
//!     TargetFeature { prefix: FeaturePrefix::Used, name: "atomics" },
//!     TargetFeature { prefix: FeaturePrefix::Disallowed, name: "shared-mem" },
//! ];
//! let mut body = Vec::new();
//! put_target_features(&mut body, &features);
//!
//! let read: Vec<_> = decode(Reader::new(&body)).unwrap().map(Result::unwrap).collect();
//! assert_eq!(read, features);
//! assert_eq!(read[0].to_string(), "+atomics");
//! ```

use std::borrow::Borrow;

use crate::entries::{Entries, entry};
use crate::error::{DecodeErrorKind, Result};
use crate::leb128::{put_name, put_u32};
use crate::reader::Reader;

/// Name of the custom section.
pub const TARGET_FEATURES_SECTION: &str = "target_features";

/// What an object says about a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum FeaturePrefix {
    /// `+`: the object uses it, and linking fails if it is not allowed.
    Used = b'+',
    /// `-`: the object cannot be linked with one that uses it.
    Disallowed = b'-',
    /// `=`: the object uses it, and so must every other. No longer in the conventions;
    /// old objects have it.
    Required = b'=',
}

impl FeaturePrefix {
    /// The prefix of code `code`.
    pub const fn from_u8(code: u8) -> Option<Self> {
        Some(match code {
            b'+' => FeaturePrefix::Used,
            b'-' => FeaturePrefix::Disallowed,
            b'=' => FeaturePrefix::Required,
            _ => return None,
        })
    }
}

/// A feature and what the object says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetFeature<'a> {
    /// What is said about it.
    pub prefix: FeaturePrefix,
    /// Its name, such as `bulk-memory`.
    pub name: &'a str,
}

impl<'a> TargetFeature<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Appends prefix and name.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.prefix as u8);
        put_name(out, self.name);
    }

    /// Decodes prefix and name.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let at = reader.clone();
        let code = reader.u8()?;
        let Some(prefix) = FeaturePrefix::from_u8(code) else {
            return Err(at.error(DecodeErrorKind::Unknown {
                what: "target feature prefix",
                value: u64::from(code),
            }));
        };
        Ok(Self {
            prefix,
            name: reader.name()?,
        })
    }
}

impl std::fmt::Display for TargetFeature<'_> {
    /// As the conventions and LLVM's options write it: `+bulk-memory`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", char::from(self.prefix as u8), self.name)
    }
}

entry!(TargetFeature<'a>, "target feature");

/// The features that the section lists. `reader` is at its contents, after its name.
pub fn decode(reader: Reader<'_>) -> Result<Entries<'_, TargetFeature<'_>>> {
    Entries::decode(reader)
}

/// Appends the section's contents (without its name). A feature may occur once.
pub fn put_target_features<'n>(
    out: &mut Vec<u8>,
    features: impl IntoIterator<Item: Borrow<TargetFeature<'n>>, IntoIter: ExactSizeIterator>,
) {
    let features = features.into_iter();
    put_u32(out, features.len() as u32);
    features.for_each(|feature| feature.borrow().encode(out));
}
