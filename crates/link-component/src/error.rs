//! Typed errors.

use std::error::Error;
use std::path::PathBuf;

/// Why no component was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// The module cannot be read.
    #[error("the linked module cannot be read")]
    Module {
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// The module is a component.
    #[error("this is a component already")]
    AlreadyComponent,
    /// The adapter for programs was asked for, and the module does not export `_start`.
    #[error("the command adapter needs a module that exports _start")]
    NoStart,
    /// An adapter is not a core module, or not an adapter.
    #[error("the adapter {name} cannot be used")]
    Adapter {
        /// The module of imports that it adapts.
        name: String,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// The file or directory at a path is not WIT, or has no world or several.
    #[error("{}: cannot read a WIT world", path.display())]
    World {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// A `component-type` section does not describe a world.
    #[error("{file}: the section {section} describes no world")]
    Section {
        /// The object that it is from, or the output if that is not known.
        file: String,
        /// The section's name.
        section: String,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// Two worlds contradict each other.
    #[error("the worlds of {first} and {second} conflict")]
    Conflict {
        /// The object, file or section that the one is from.
        first: String,
        /// The same of the other, which comes later.
        second: String,
        /// What they contradict each other about.
        #[source]
        cause: Cause,
    },
    /// The module does not fit its worlds.
    #[error("the module does not fit its worlds")]
    Encode {
        /// Imports that are often the reason.
        needed: Needed,
        /// What does not fit.
        #[source]
        cause: Cause,
    },
}

/// Imports that the host of a component cannot provide and that no adapter or world provides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Needed {
    /// Imports from `env`, which are undefined symbols.
    pub undefined: Vec<String>,
    /// Whether functions of WASI preview 1 are imported without an adapter for them.
    pub wasi_preview_1: bool,
}

/// A reason that another crate gives, with the reasons behind it.
#[derive(Debug)]
pub struct Cause(Vec<String>);

impl Cause {
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut reasons = vec![error.to_string()];
        let mut next = error.source();
        while let Some(error) = next {
            reasons.push(error.to_string());
            next = error.source();
        }
        Self(reasons)
    }

    pub(crate) fn new(reason: String) -> Self {
        Self(vec![reason])
    }

    /// The reasons, each because of the one after it.
    pub fn reasons(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(": "))
    }
}

impl Error for Cause {}
