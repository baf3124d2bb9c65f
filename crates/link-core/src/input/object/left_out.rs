//! What a file holds that cannot be carried over: no symbol stands for it, or no relocation
//! says where it is used. Compilers make objects without any; tools that assemble a module
//! as it is written do not.

use std::fmt;

use crate::ids::ObjSegment;

/// Something that a link leaves out, although the file means it to have an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut<'a> {
    /// A data segment without a symbol, so that no relocation can refer to it.
    Data {
        /// The segment.
        segment: ObjSegment,
        /// Its name; may be empty.
        name: &'a str,
        /// Its size, in bytes.
        size: u64,
        /// Whether the linking section describes it, as compilers do. If not, code finds it at the address
        /// that the file gives it, and not where a linker puts it.
        is_described: bool,
        /// Whether only code puts it into memory.
        is_passive: bool,
    },
    /// Entries of an element segment that no relocation asks for: code finds them at the
    /// places that the file gives them.
    Elements {
        /// The segment, by its index in the file.
        segment: u32,
        /// Names of the functions.
        functions: Vec<&'a str>,
    },
    /// An element segment that holds something else than functions, by its index in the
    /// file.
    References(u32),
    /// An element segment that only code puts into a table, by its index in the file.
    PassiveElements(u32),
    /// The export of something that has no symbol which other files see.
    Export(&'a str),
}

/// Why a passive segment makes no difference: using it is an error.
const NO_INDEX: &str = ", and code cannot refer to it by its index in the file";

/// Functions that a message names before it only counts the others.
const FUNCTIONS_SHOWN: usize = 5;

impl fmt::Display for LeftOut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftOut::Data {
                segment: ObjSegment(index),
                name,
                size,
                is_described,
                is_passive,
            } => {
                write!(f, "data segment {index} ")?;
                if name.is_empty() {
                    write!(f, "({size} bytes) ")?;
                } else {
                    write!(f, "(`{name}`, {size} bytes) ")?;
                }
                f.write_str("is dropped: it has no symbol")?;
                match (is_passive, is_described) {
                    (true, _) => f.write_str(NO_INDEX),
                    (false, true) => f.write_str(" that relocations could refer to"),
                    (false, false) => f.write_str(
                        ", and code cannot find it at the address that it has in the file",
                    ),
                }
            }
            LeftOut::Elements { segment, functions } => {
                write!(f, "element segment {segment}: ")?;
                for (i, name) in functions.iter().take(FUNCTIONS_SHOWN).enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}`{name}`")?;
                }
                match functions.len() {
                    0 | 1 => f.write_str(" is"),
                    count if count > FUNCTIONS_SHOWN => {
                        write!(f, " and {} more are", count - FUNCTIONS_SHOWN)
                    }
                    _ => f.write_str(" are"),
                }?;
                f.write_str(" dropped: no relocation refers to the table slot")
            }
            LeftOut::References(segment) => write!(
                f,
                "element segment {segment} is dropped: its expressions have no relocations"
            ),
            LeftOut::PassiveElements(segment) => {
                write!(
                    f,
                    "element segment {segment} is dropped: it is passive{NO_INDEX}"
                )
            }
            LeftOut::Export(name) => write!(
                f,
                "export `{name}` is dropped: its symbol is local to the file, or it has none"
            ),
        }
    }
}
