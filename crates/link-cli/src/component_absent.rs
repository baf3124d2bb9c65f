//! A command that was built without components.

use std::ffi::OsString;

use crate::config::Config;
use crate::report::Message;
use crate::sys::InputFiles;

/// The line of `--version` about components: none.
pub(crate) fn version() -> String {
    String::new()
}

/// The step from the linked module to a component. This command has none.
pub(crate) enum NoComponentStep {}

pub(crate) use NoComponentStep as ComponentStep;

impl NoComponentStep {
    /// Fails if `config` asks for a component.
    pub(crate) fn read(config: &Config, _: &InputFiles) -> Result<Option<Self>, Message> {
        if !config.own.component.is_wanted(config.options.output) {
            return Ok(None);
        }
        Err(Message::error(
            "this wasm-link was built without components",
        )
        .with_note("they are the feature component of the package link-cli, which is on by default")
        .with_note("--no-component writes the core module"))
    }

    /// The files besides the module that the component is made of.
    pub(crate) fn files(&self) -> &[OsString] {
        match *self {}
    }

    /// Makes the component.
    pub(crate) fn make(&mut self, _: &[u8], _: Vec<String>, _: &str) -> Result<Vec<u8>, Message> {
        match *self {}
    }
}
