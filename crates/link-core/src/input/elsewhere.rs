//! Where an undefined symbol could have come from: archives of the directories
//! for `-l` that were not given.

use std::path::{Path, PathBuf};

use super::archive::Archive;
use crate::diag::{Code, Diagnostics};
use crate::env::{FileData, Files};
use crate::hash::HashMap;

/// Names the archives in `search_paths` that define symbols which `diagnostics` call
/// undefined. An archive that cannot be read is skipped.
pub(crate) fn suggest_archives(
    diagnostics: &mut Diagnostics,
    search_paths: &[PathBuf],
    files: &dyn Files,
) {
    let mut missing: HashMap<String, Option<PathBuf>> = diagnostics
        .as_slice()
        .iter()
        .filter(|diagnostic| diagnostic.code == Code::Undefined)
        .filter_map(|diagnostic| Some((diagnostic.symbol.clone()?, None)))
        .collect();
    if missing.is_empty() {
        return;
    }
    for directory in search_paths {
        let mut archives = files.list(directory);
        archives.retain(|path| {
            let is_named_so = path.extension().is_some_and(|extension| extension == "a");
            is_named_so && files.is_file(path)
        });
        archives.sort();
        for path in archives {
            if let Ok(data) = files.read(&path) {
                look_into(&path, &data, &mut missing);
            }
        }
    }
    diagnostics.add_notes(|diagnostic| {
        let path = missing.get(diagnostic.symbol.as_deref()?)?.as_deref()?;
        (diagnostic.code == Code::Undefined).then(|| note(path))
    });
}

/// Finds out which of the `missing` symbols the archive defines, by its index.
fn look_into(path: &Path, data: &FileData, missing: &mut HashMap<String, Option<PathBuf>>) {
    let Ok(archive) = Archive::parse(data.bytes(), data.reader().as_ref()) else {
        return;
    };
    let Ok(Some(symbols)) = archive.indexed_symbols() else {
        return;
    };
    for name in symbols.names.texts(0..symbols.names.len()) {
        if let Some(found) = missing.get_mut(&*name) {
            found.get_or_insert_with(|| path.to_owned());
        }
    }
}

fn note(path: &Path) -> String {
    let shown = path.display();
    let library = path
        .file_stem()
        .and_then(|stem| stem.to_str()?.strip_prefix("lib"));
    match library {
        Some(library) => format!("defined in {shown}, which is not linked: add -l{library}"),
        None => format!("defined in {shown}, which is not linked"),
    }
}
