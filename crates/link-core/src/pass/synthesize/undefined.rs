//! What becomes of undefined symbols that live code needs.

use wasm_format::linking::SymbolKind;

use super::scan::{ChunkRef, Scan, UndefinedUse};
use super::{has_import_name, hints, suggest};
use crate::demangle::demangle;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hash::{HashMap, HashSet};
use crate::ids::SymbolId;
use crate::options::{Options, Unresolved};
use crate::resolve::resolution::{Definition, Resolution};

/// Further places that a message names before it only counts them.
const PLACES_SHOWN: usize = 3;

/// Undefined names for which a near name is looked for.
const NAMES_LOOKED_UP: usize = 20;

/// An undefined function whose calls shall trap instead.
pub(super) struct Ignored {
    pub(super) symbol: SymbolId,
    /// Its address is that of the stub, not null: it was taken before the first call.
    pub(super) has_slot: bool,
}

/// Reports undefined symbols as the options ask, one message for each file and symbol.
/// Returns the functions whose calls shall trap instead.
pub(super) fn report(
    resolution: &Resolution<'_>,
    options: &Options,
    allowed: &[&str],
    scan: &Scan,
    diagnostics: &mut Diagnostics,
) -> Vec<Ignored> {
    let allowed: HashSet<&str> = allowed.iter().copied().collect();
    let mut ignored = Vec::new();
    let mut ignored_set = HashSet::default();
    let mut groups: Vec<Vec<UndefinedUse>> = Vec::new();
    let mut group_of = HashMap::default();
    for &place in &scan.undefined {
        let symbol = resolution.symbol(place.symbol);
        if has_import_name(resolution, place.symbol)
            || symbol.force_import
            || (options.import_undefined && symbol.kind == SymbolKind::Function)
            || options.allowed_undefined.contains(symbol.name)
            || allowed.contains(symbol.name)
        {
            continue;
        }
        match options.unresolved {
            Unresolved::Ignore if has_stand_in(options, symbol.kind) => {}
            Unresolved::ImportDynamic => {}
            Unresolved::Error | Unresolved::Warn | Unresolved::Ignore => {
                let group = *group_of
                    .entry((place.file, place.symbol))
                    .or_insert(groups.len());
                if group == groups.len() {
                    groups.push(Vec::new());
                }
                groups[group].push(place);
            }
        }
        let stub = match options.unresolved {
            Unresolved::Warn | Unresolved::Ignore => !options.import_undefined,
            Unresolved::Error | Unresolved::ImportDynamic => false,
        };
        if stub && symbol.kind == SymbolKind::Function && ignored_set.insert(place.symbol) {
            ignored.push(Ignored {
                symbol: place.symbol,
                has_slot: place.slot,
            });
        }
    }
    blame_strong(&mut groups);
    let hidden = hints::hidden_in(resolution, groups.iter().map(|group| group[0].symbol));
    let mut suggested = HashMap::default();
    let mut told_c = false;
    for group in groups {
        let mut diagnostic = message(resolution, options, &group);
        let symbol = resolution.symbol(group[0].symbol);
        // Looking for a near name compares with every name there is.
        let few = suggested.len() < NAMES_LOOKED_UP || suggested.contains_key(symbol.name);
        if few
            && let Some(near) = *suggested
                .entry(symbol.name)
                .or_insert_with(|| suggest::near(resolution, symbol.name, symbol.kind))
        {
            diagnostic = diagnostic.note(format!("did you mean: {}", shown(options, near)));
        }
        if let Some(object) = hidden.get(&group[0].symbol) {
            diagnostic = diagnostic.note(hints::common(object));
        }
        if let Some(hint) = import_hint(resolution, &group, &mut told_c) {
            diagnostic = diagnostic.note(hint);
        }
        diagnostics.push(diagnostic);
    }
    ignored
}

/// Leaves out references from files that may do without a symbol, if a file may not.
fn blame_strong(groups: &mut Vec<Vec<UndefinedUse>>) {
    let needed: HashSet<SymbolId> = (groups.iter())
        .filter(|group| !is_weak(group))
        .map(|group| group[0].symbol)
        .collect();
    groups.retain(|group| !is_weak(group) || !needed.contains(&group[0].symbol));
}

/// Whether a file may do without the symbol that it refers to at these places.
fn is_weak(places: &[UndefinedUse]) -> bool {
    places.iter().all(|place| place.weak)
}

fn import_hint(
    resolution: &Resolution<'_>,
    places: &[UndefinedUse],
    told_c: &mut bool,
) -> Option<String> {
    let first = places[0];
    let object = resolution.object(first.file);
    let by = match first.chunk {
        ChunkRef::Function(function) => object.function_name(function),
        ChunkRef::Segment(_) | ChunkRef::Start => "",
    };
    hints::import(resolution.symbol(first.symbol), object, by, told_c)
}

/// Whether something can be put in the place of what is undefined: a function that traps,
/// the address 0, or an import.
fn has_stand_in(options: &Options, kind: SymbolKind) -> bool {
    matches!(kind, SymbolKind::Function | SymbolKind::Data)
        || options.import_undefined
        || options.is_pic()
}

fn message(resolution: &Resolution<'_>, options: &Options, places: &[UndefinedUse]) -> Diagnostic {
    let first = places[0];
    let symbol = resolution.symbol(first.symbol);
    let name = symbol.name;
    let text = format!("undefined symbol: {}", shown(options, name));
    let new = match options.unresolved {
        Unresolved::Warn if has_stand_in(options, symbol.kind) => Diagnostic::warning,
        _ => Diagnostic::error,
    };
    let mut diagnostic = new(Code::Undefined, text)
        .in_file(&*resolution.object(first.file).name)
        .about(name);
    let mut names: Vec<String> = Vec::new();
    for place in places {
        let object = resolution.object(place.file);
        let chunk = match place.chunk {
            ChunkRef::Function(function) => object.function_name(function),
            ChunkRef::Segment(segment) => object.segments[segment.index()].name,
            ChunkRef::Start => "start section",
        };
        let place = format!("{}:({})", object.name, shown(options, chunk));
        if names.last() != Some(&place) {
            names.push(place);
        }
    }
    for place in names.iter().take(PLACES_SHOWN) {
        diagnostic = diagnostic.note(format!("referenced by {place}"));
    }
    if resolution.symbol(first.symbol).definition != Definition::Undefined {
        diagnostic = diagnostic.note(
            "nothing refers to what is in the segment, so that nothing is left of it; \
             the attribute `retain` keeps it",
        );
    }
    if names.len() > PLACES_SHOWN {
        let more = names.len() - PLACES_SHOWN;
        diagnostic = diagnostic.note(format!("referenced {more} more times"));
    }
    diagnostic
}

fn shown<'n>(options: &Options, name: &'n str) -> std::borrow::Cow<'n, str> {
    if options.demangle {
        demangle(name)
    } else {
        name.into()
    }
}
