//! The inputs that a command line names: all files that a link may read, as far as that can be told
//! without reading the objects.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use link_core::Inputs;
use link_core::input::{InputSource, THIN_MAGIC, thin_members};

use crate::config::Config;
use crate::report::Message;
use crate::sys::FileIdentity;

/// The inputs of a link by `wasm-ld`. Fails if `-l` finds a pipe or a device, which would keep it
/// waiting.
pub(crate) fn named_inputs(config: &Config) -> Result<Vec<PathBuf>, Message> {
    let named = &config.files.inputs;
    let mut inputs = Vec::new();
    for input in &named.inputs {
        let path = match &input.source {
            InputSource::Path(path) => path.clone(),
            InputSource::Library(name) => match library(name, input.dynamic, named)? {
                Some(path) => path,
                None => continue,
            },
            // A command line names files.
            _ => continue,
        };
        if path.extension() == Some(OsStr::new("a")) {
            inputs.push(path.with_extension("imports"));
        }
        inputs.push(path);
    }
    inputs.extend(config.options.files_read().cloned());
    let members = members_of_thin_archives(inputs.clone());
    inputs.extend(members);
    Ok(inputs)
}

/// The file of the library `name`, as `-l` of `wasm-ld` has it.
fn library(name: &str, dynamic: bool, inputs: &Inputs<'_>) -> Result<Option<PathBuf>, Message> {
    let files = match name.strip_prefix(':') {
        Some(file) => vec![file.to_owned()],
        None if dynamic => vec![format!("lib{name}.so"), format!("lib{name}.a")],
        None => vec![format!("lib{name}.a")],
    };
    let found = (inputs.search_paths.iter())
        .flat_map(|dir| files.iter().map(move |file| dir.join(file)))
        .find(|path| path.exists());
    match found {
        Some(path) if !path.is_file() && !path.is_dir() => {
            Err(Message::error(format!("unable to find library -l{name}"))
                .with_note(format!("{} is not a regular file", path.display())))
        }
        found => Ok(found),
    }
}

/// The members of thin archives among `files`, and of thin archives among those members. They are
/// inputs, whether or not the link needs them.
pub(super) fn members_of_thin_archives(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let mut members = Vec::new();
    while let Some(file) = files.pop() {
        let Some(bytes) = read_thin_archive(&file) else {
            continue;
        };
        if !FileIdentity::of(&file).is_some_and(|archive| seen.insert(archive)) {
            continue;
        }
        for member in thin_members(&file, &bytes) {
            // Most members are objects, and are not opened here.
            if member.extension() != Some(OsStr::new("o")) {
                files.push(member.clone());
            }
            members.push(member);
        }
    }
    members
}

/// The bytes of the file at `path` if it is a thin archive.
fn read_thin_archive(path: &Path) -> Option<Vec<u8>> {
    // To open a pipe can take for ever.
    if !path.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut bytes = vec![0; THIN_MAGIC.len()];
    file.read_exact(&mut bytes).ok()?;
    if bytes != THIN_MAGIC {
        return None;
    }
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
