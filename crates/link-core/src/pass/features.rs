//! Target features (tool-conventions Linking.md, "Target Features Section"): what the
//! inputs use, what the output may use, and whether the two agree.

use std::collections::{BTreeMap, BTreeSet};

use wasm_format::linking::{SegmentFlags, SymbolKind};

use super::mark::Liveness;
use super::synthesize::{ExportTarget, Synthesis};
use crate::demangle::demangle;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ids::SymbolId;
use crate::options::Options;
use crate::resolve::resolution::{Definition, Resolution, Symbol};

/// The features that the output may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// Their names.
    pub allowed: BTreeSet<String>,
}

impl Features {
    /// Whether the output may use a feature.
    pub fn has(&self, name: &str) -> bool {
        self.allowed.contains(name)
    }
}

/// Where a feature was met first.
type Seen<'a> = BTreeMap<&'a str, &'a str>;

/// Brings together what the inputs use and reports what does not go together.
pub fn merge(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Features {
    let wanted = &options.features;
    let mut features = Features::default();
    let allowed = &mut features.allowed;
    if options.is_pic() {
        allowed.insert("mutable-globals".into());
    }
    allowed.extend(wanted.extra.iter().cloned());
    let (used, disallowed) = collect(resolution);
    match &wanted.only {
        Some(only) => allowed.extend(only.iter().cloned()),
        None => allowed.extend(used.keys().map(|&name| name.to_owned())),
    }
    if options.memory.cooperative {
        report_global_context(resolution, diagnostics);
    }
    if !wanted.check {
        return features;
    }
    let mut report = |message: String, others: Vec<String>| {
        let mut diagnostic = Diagnostic::error(Code::Features, message);
        diagnostic.notes = others;
        diagnostics.push(diagnostic);
    };
    if options.memory.shared {
        if let Some(file) = disallowed.get("shared-mem") {
            report(
                format!(
                    "--shared-memory is disallowed by {file} because it was not compiled with \
                     'atomics' or 'bulk-memory' features."
                ),
                others(resolution, "shared-mem", true),
            );
        }
        let needed = ["atomics", "bulk-memory"];
        need(&features, &needed, "shared memory", &mut report);
    }
    if uses_tls(resolution, live) {
        // Threads that take turns need no atomics.
        let needed: &[&str] = if options.memory.cooperative {
            &["bulk-memory"]
        } else {
            &["bulk-memory", "atomics"]
        };
        need(&features, needed, "thread-local storage", &mut report);
    }
    if wanted.only.is_some() {
        for (name, file) in &used {
            if !features.has(name) {
                report(
                    format!("Target feature '{name}' used by {file} is not allowed."),
                    others(resolution, name, false),
                );
            }
        }
    }
    let mut told = BTreeSet::new();
    for object in &resolution.objects {
        for (_, name) in object.features.iter().filter(|(prefix, _)| *prefix != b'-') {
            if let Some(by) = disallowed.get(name) {
                report(
                    format!(
                        "Target feature '{name}' used in {} is disallowed by {by}. Use \
                         --no-check-features to suppress.",
                        object.name
                    ),
                    if told.insert(name) {
                        others(resolution, name, true)
                    } else {
                        Vec::new()
                    },
                );
            }
        }
    }
    features
}

/// A note for each object after the first that uses a feature, or disallows it.
fn others(resolution: &Resolution<'_>, feature: &str, disallows: bool) -> Vec<String> {
    let does = if disallows {
        "also disallowed by"
    } else {
        "also used by"
    };
    let objects = resolution.objects.iter().filter(|object| {
        let mut features = object.features.iter();
        features.any(|&(prefix, name)| name == feature && (prefix == b'-') == disallows)
    });
    objects
        .skip(1)
        .map(|object| format!("{does} {}", object.name))
        .collect()
}

/// Features that files use and features that files do not go together with.
fn collect<'a>(resolution: &'a Resolution<'_>) -> (Seen<'a>, Seen<'a>) {
    let (mut used, mut disallowed) = (Seen::new(), Seen::new());
    for (_, object) in resolution.objects() {
        for (prefix, name) in &object.features {
            let seen = if *prefix == b'-' {
                &mut disallowed
            } else {
                &mut used
            };
            seen.entry(name).or_insert(&object.name);
        }
    }
    (used, disallowed)
}

fn need(
    features: &Features,
    needed: &[&str],
    what: &str,
    report: &mut impl FnMut(String, Vec<String>),
) {
    for &feature in needed {
        if !features.has(feature) {
            let message = format!("'{feature}' feature must be used in order to use {what}");
            report(message, Vec::new());
        }
    }
}

/// Reports objects whose code looks for the context of its thread in globals, where other objects
/// call functions: compilers decide that by the target.
fn report_global_context(resolution: &Resolution<'_>, diagnostics: &mut Diagnostics) {
    let undefined = |&id: &SymbolId| {
        let symbol = resolution.symbol(id);
        symbol.name == "__stack_pointer"
            && symbol.kind == SymbolKind::Global
            && symbol.definition == Definition::Undefined
    };
    for (file, object) in resolution.objects() {
        let mut symbols = resolution.files[file.index()].symbols.iter().flatten();
        if symbols.any(undefined) {
            let message = "object file uses globals for thread context, but \
                           --cooperative-threading was specified";
            let diagnostic = Diagnostic::error(Code::Features, message).in_file(&*object.name);
            diagnostics.push(diagnostic.note(
                "it was compiled for another target, such as wasm32-wasip2: those of one program \
                 have to be the same",
            ));
        }
    }
}

fn uses_tls(resolution: &Resolution<'_>, live: &Liveness) -> bool {
    let of_files = resolution.map_objects(|file, object| {
        let mut segments = live.segments_of(file, object);
        segments.any(|segment| segment.flags.contains(SegmentFlags::TLS))
    });
    of_files.contains(&true)
}

/// Reports mutable globals that cross the module's border without the feature that allows
/// it.
pub fn check_globals(
    features: &Features,
    resolution: &Resolution<'_>,
    synthesis: &Synthesis<'_>,
    options: &Options,
    diagnostics: &mut Diagnostics,
) {
    if options.is_relocatable() || !options.features.check || features.has("mutable-globals") {
        return;
    }
    let mut report = |what: &str, symbol: &Symbol<'_>| {
        let name = if options.demangle {
            demangle(symbol.name)
        } else {
            symbol.name.into()
        };
        let message = format!(
            "mutable global {what} but 'mutable-globals' feature not present in inputs: \
             `{name}`. Use --no-check-features to suppress."
        );
        diagnostics.push(Diagnostic::error(Code::Features, message).about(symbol.name));
    };
    let is_mutable = |symbol: &Symbol<'_>| {
        symbol.kind == SymbolKind::Global
            && symbol
                .global_type()
                .is_some_and(|ty| ty.mutability == wasm_format::Mutability::Var)
    };
    for &id in &synthesis.imports {
        let symbol = resolution.symbol(id);
        if is_mutable(symbol) {
            report("imported", symbol);
        }
    }
    for export in &synthesis.exports {
        if let ExportTarget::Symbol(id) = export.what {
            let symbol = resolution.symbol(id);
            if is_mutable(symbol) && !matches!(symbol.definition, Definition::Undefined) {
                report("exported", symbol);
            }
        }
    }
}
