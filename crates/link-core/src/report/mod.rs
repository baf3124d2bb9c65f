//! What a link can tell about itself beside its output: which files took part and why,
//! what was left out, who refers to what. Each part is collected where an option asks
//! for it.

mod dominators;
pub mod map;
pub(crate) mod reference_graph;
mod saved_map;
pub mod size;
pub mod why;

use std::sync::Arc;

use crate::options::Options;
use crate::pass::mark::Liveness;
use crate::plan::customs::is_world;
use crate::plan::{CustomContents, Customs};
use crate::resolve::resolution::{Definition, Resolution};

pub use self::saved_map::LoadMapError;
use self::why::WhyAnswer;
pub use crate::resolve::history::{Extraction, History, Traced, TracedWhat};

/// What a link tells about itself. Also a link that failed has one, up to the phase that
/// failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The files that take part, in the order in which they were added; with
    /// [`Options::trace`].
    pub files: Vec<Arc<str>>,
    /// The lazy inputs that were pulled, in the order in which they were complete; with
    /// [`Options::why_extract`].
    pub extractions: Vec<Extraction>,
    /// Definitions of and references to the symbols of [`Options::trace_symbols`], as they
    /// were met.
    pub traced: Vec<Traced>,
    /// What [`Options::gc_sections`] left out, in the order of the files; with
    /// [`Options::print_gc_sections`].
    pub discarded: Vec<DiscardedChunk>,
    /// Who defines each name and who refers to it, in the order of names; with
    /// [`Options::cross_references`].
    pub cross_references: Vec<CrossReference>,
    /// The objects that the output's `component-type` sections are from, in the order of the
    /// sections.
    pub worlds: Vec<Arc<str>>,
    /// Why symbols and imports are in the output, or are not; with [`Options::why`] and
    /// [`Options::why_imports`].
    pub why: Vec<WhyAnswer>,
}

/// A chunk, global, tag or table that nothing reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscardedChunk {
    /// The file it is in; `None` for what the linker would have made.
    pub file: Option<Arc<str>>,
    /// Its name: the symbol of a function, the name of a segment.
    pub name: String,
}

/// The files that mention a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossReference {
    /// The name, as it stands in the files.
    pub symbol: String,
    /// The object or the shared library that defines it; `None` for the linker's own names and
    /// imports.
    pub defined: Option<Arc<str>>,
    /// The objects that refer to it, in the order in which they are linked.
    pub referenced: Vec<Arc<str>>,
}

/// What resolution can tell.
pub(super) fn of_resolution(report: &mut Report, resolution: &Resolution<'_>, options: &Options) {
    let history = &resolution.history;
    report.files.clone_from(&history.files);
    report.extractions.clone_from(&history.extractions);
    report.traced.clone_from(&history.traced);
    if options.cross_references {
        report.cross_references = cross_references(resolution);
    }
}

fn cross_references(resolution: &Resolution<'_>) -> Vec<CrossReference> {
    let mut all: Vec<CrossReference> = resolution
        .symbols
        .iter()
        .map(|symbol| CrossReference {
            symbol: symbol.name.to_owned(),
            defined: match symbol.definition {
                Definition::Object { file, .. } => Some(resolution.object(file).name.clone()),
                // What no object asks for would be all that a library has.
                Definition::Shared(library) if symbol.used_in_object => {
                    Some(resolution.shared[library as usize].name.clone())
                }
                _ => None,
            },
            referenced: Vec::new(),
        })
        .collect();
    for (file, object) in resolution.objects() {
        for id in resolution.files[file.index()].symbols.iter().flatten() {
            let entry = &mut all[id.index()];
            let defines = matches!(
                resolution.symbol(*id).definition,
                Definition::Object { file: by, .. } if by == file
            );
            if !defines && entry.referenced.last() != Some(&object.name) {
                entry.referenced.push(object.name.clone());
            }
        }
    }
    all.retain(|entry| entry.defined.is_some() || !entry.referenced.is_empty());
    all.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    all
}

/// The objects that describe worlds of the component model.
pub(super) fn worlds(resolution: &Resolution<'_>, customs: &Customs<'_>) -> Vec<Arc<str>> {
    let sections = customs
        .sections
        .iter()
        .filter(|section| is_world(section.name));
    let files = sections.filter_map(|section| match &section.contents {
        CustomContents::Pieces(pieces) => pieces.first().map(|piece| piece.file),
        CustomContents::Strings(_) => None,
    });
    files
        .map(|file| resolution.object(file).name.clone())
        .collect()
}

/// What marking left out.
pub(super) fn discarded(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
) -> Vec<DiscardedChunk> {
    let mut discarded = Vec::new();
    for (file, object) in resolution.objects() {
        let live = &live.files[file.index()];
        let functions = object.functions.ids().map(|id| object.function_name(id));
        // A common symbol that gave way to another definition is not left out: that one is there.
        let commons_from = object.segments.len() - object.commons.len();
        let gave_way = |i: usize| {
            let nth = i.checked_sub(commons_from);
            nth.is_some_and(|nth| !resolution.is_defined_by(file, object.commons[nth]))
        };
        let segments = (object.segments.iter().zip(&live.segments).enumerate())
            .filter(|&(i, _)| !gave_way(i))
            .map(|(_, (segment, live))| (segment.name, live));
        let globals = object.globals.iter().map(|global| global.name);
        let tags = object.tags.iter().map(|tag| tag.name);
        let tables = object.tables.iter().map(|table| table.name);
        let dead = (functions.zip(&live.functions))
            .chain(segments)
            .chain(globals.zip(&live.globals))
            .chain(tags.zip(&live.tags))
            .chain(tables.zip(&live.tables))
            .filter(|(_, live)| !**live);
        discarded.extend(dead.map(|(name, _)| DiscardedChunk {
            file: Some(object.name.clone()),
            name: name.to_owned(),
        }));
    }
    // The linker's own: functions, stubs in the order in which they were asked for, globals.
    let mut own: Vec<((u32, u32), &str)> = resolution
        .symbols()
        .filter(|(id, _)| !live.reached(*id))
        .filter_map(|(_, symbol)| match symbol.definition {
            Definition::Function(_) => Some(((0, 0), symbol.name)),
            Definition::Stub(stub) => Some(((1, stub), symbol.name)),
            Definition::Global(made) => Some(((2, made.order(options)), symbol.name)),
            _ => None,
        })
        .collect();
    own.sort_by_key(|&(rank, _)| rank);
    discarded.extend(own.into_iter().map(|(_, name)| DiscardedChunk {
        file: None,
        name: name.to_owned(),
    }));
    discarded
}
