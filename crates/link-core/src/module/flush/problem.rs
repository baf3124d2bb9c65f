//! Why a module cannot be written.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use wasm_format::RefType;

use crate::limits::EngineLimit;
use crate::module::error::DeclName;
use crate::module::init::BadInit;

/// A flush failed and wrote nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The module is not complete. These are all the reasons, in a fixed order.
    #[error("{}", Listed(.0))]
    Incomplete(Vec<Problem>),
    /// The output could not be written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The caller's writer failed.
    #[error("cannot write the module: {0}")]
    Write(#[source] io::Error),
}

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// One reason why a module cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// Defining a declaration failed.
    #[error("{declaration}: {reason}{}", References(references))]
    Failed {
        /// The declaration.
        declaration: DeclName,
        /// What its backend reported.
        reason: Box<str>,
        /// What refers to it.
        references: Vec<DeclName>,
    },
    /// A declaration was announced and never updated.
    #[error(
        "{declaration}: announced, but never defined{}",
        References(references)
    )]
    NeverUpdated {
        /// The declaration.
        declaration: DeclName,
        /// What refers to it.
        references: Vec<DeclName>,
    },
    /// A declaration was freed while something refers to it.
    #[error(
        "{declaration}: freed, but still referred to{}",
        References(references)
    )]
    Freed {
        /// The declaration, by the name it had.
        declaration: DeclName,
        /// What refers to it.
        references: Vec<DeclName>,
    },
    /// A finished module cannot have data that lies elsewhere: nothing in the format says
    /// where.
    #[error(
        "{declaration}: only a linker can find another object's data; write an object and link \
         it{}",
        References(references)
    )]
    ImportedData {
        /// The declaration.
        declaration: DeclName,
        /// What refers to it.
        references: Vec<DeclName>,
    },
    /// A start or init function takes or returns something.
    #[error("{declaration}: runs at start, so its type must be `() -> void`, but is `{ty}`")]
    StartType {
        /// The function.
        declaration: DeclName,
        /// Its type.
        ty: String,
    },
    /// The stack pointer is used, but the module has no stack.
    #[error("{declaration}: the module has no stack; set `ModuleOptions::stack_size`")]
    NoStack {
        /// The stack pointer.
        declaration: DeclName,
    },
    /// A datum would have the address of a null pointer.
    #[error("data cannot be placed at address 0; set `ModuleOptions::data_base`")]
    DataAtZero,
    /// Data does not fit in a memory.
    #[error("data ends at {end:#x}, beyond the {limit:#x} bytes that a memory can have")]
    MemoryFull {
        /// Where it ends.
        end: u64,
        /// Where it would have to.
        limit: u64,
    },
    /// Data does not fit in the memory as it was declared.
    #[error("{declaration}: data needs {needed} pages, but the maximum is {max}")]
    MemoryMax {
        /// The memory.
        declaration: DeclName,
        /// Pages that are needed.
        needed: u64,
        /// Pages that there can be.
        max: u64,
    },
    /// Elements do not fit in the table as it was declared.
    #[error("{declaration}: element segments need {needed} elements, but the maximum is {max}")]
    TableMax {
        /// The table.
        declaration: DeclName,
        /// Elements that are needed.
        needed: u64,
        /// Elements that there can be.
        max: u64,
    },
    /// Element segments reach beyond what engines let a table have.
    #[error("{declaration}: element segments reach {limit}")]
    TableTooLarge {
        /// The table.
        declaration: DeclName,
        /// Elements that are needed, and that there can be.
        limit: EngineLimit,
    },
    /// An element segment fills a table that cannot hold functions.
    #[error("{declaration}: holds functions, but {table} is one of {element}")]
    ElementType {
        /// The element segment; the function table itself if addresses of functions fill it.
        declaration: DeclName,
        /// The table.
        table: DeclName,
        /// What the table holds.
        element: RefType,
    },
    /// The initial value of a global refers to what it cannot.
    #[error("{declaration}: the initial value {what}")]
    BadInit {
        /// The global.
        declaration: DeclName,
        /// What is wrong.
        what: BadInit,
    },
    /// The module has more of something than engines take.
    #[error("the module has {0}")]
    EngineLimit(EngineLimit),
    /// An address does not fit in the hole that wants it: in 32 bits, or unsigned.
    #[error("{from}: the address of {to} would be {value}, which the place cannot hold")]
    AddressRange {
        /// What has the hole.
        from: DeclName,
        /// What the hole refers to.
        to: DeclName,
        /// The address plus the addend.
        value: i128,
    },
    /// A hole wants an offset in thread-local data, but its target is not thread-local.
    #[error("{from}: refers to {to} as thread-local, which it is not")]
    NotThreadLocal {
        /// What has the hole.
        from: DeclName,
        /// What the hole refers to.
        to: DeclName,
    },
    /// A section would be larger than the format allows.
    #[error("the {section} section would have {size} bytes; the format allows 4 GiB")]
    SectionTooLarge {
        /// The section's name.
        section: &'static str,
        /// Its size in bytes.
        size: u64,
    },
    /// Something cannot be said in a relocatable object.
    #[error("{declaration}: {what} cannot be said in a relocatable object")]
    NotInObjects {
        /// The declaration.
        declaration: DeclName,
        /// What it has that objects do not.
        what: &'static str,
    },
}

struct References<'a>(&'a [DeclName]);

impl fmt::Display for References<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reference in self.0 {
            write!(f, "\n>>> referenced by {reference}")?;
        }
        Ok(())
    }
}
