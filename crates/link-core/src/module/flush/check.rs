//! Whether everything that a module refers to is there. The tables know how many
//! declarations are missing without a look at any hole; only when some are, the holes are
//! searched for who refers to them.

use std::sync::Arc;

use wasm_format::FuncType;
use wasm_format::dylink::DYLINK_SECTION;
use wasm_format::linking::LINKING_SECTION;
use wasm_format::names::NAME_SECTION;
use wasm_format::producers::PRODUCERS_SECTION;
use wasm_format::reloc::RELOC_PREFIX;
use wasm_format::target_features::TARGET_FEATURES_SECTION;

use super::layout::Layout;
use super::number::{FunctionTable, Numbers};
use super::sections::exports_memory;
use super::{Form, Problem};
use crate::hash::IndexMap;
use crate::limits::Counts;
use crate::module::Module;
use crate::module::announce::STACK_POINTER;
use crate::module::decl::{Decl, DeclState, Head};
use crate::module::error::{DeclKind, DeclName};
use crate::module::handle::{Target, TargetKind};
use crate::module::slab::Slab;

/// What is missing and why, by kind and slot, with what refers to it.
type Missing = IndexMap<(TargetKind, usize), (DeclName, WhyMissing, Vec<DeclName>)>;

enum WhyMissing {
    Failed(Box<str>),
    NeverUpdated,
    /// Announced and never updated, with an entry in the offset table, and not exported: an
    /// empty entry is no problem, but the address of the datum is.
    NotPlaced,
    Freed,
    Imported,
}

/// The problems that a look at the declarations finds; none if the module can be written.
pub(in crate::module) fn problems(
    module: &Module,
    numbers: &Numbers<'_>,
    form: Form,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !numbers.ready || anything_missing_beside_functions(module, form) {
        problems.extend(referenced(module, missing(module, form)));
    }
    if form == Form::Module {
        no_stack(module, &mut problems);
    }
    if form == Form::Object {
        not_in_objects(module, &mut problems);
    }
    start_types(module, &mut problems);
    problems
}

/// What a finished module has more of than engines take.
pub(super) fn beyond_engines(
    module: &Module,
    numbers: &Numbers<'_>,
    layout: &Layout,
) -> Vec<Problem> {
    let count = |len: usize| len as u64;
    let spaces = [
        &numbers.globals,
        &numbers.tables,
        &numbers.memories,
        &numbers.tags,
    ];
    let imports = spaces.map(|space| count(space.imports.len()));
    let undeclared = |table: FunctionTable| table.declared.is_none();
    let counts = Counts {
        types: count(numbers.type_count()),
        functions: count(numbers.defined_funcs.len())
            + u64::from(!module.init_functions.is_empty()),
        imports: imports.iter().sum::<u64>() + count(numbers.functions.imports.len()),
        exports: count(module.exports.len()) + u64::from(exports_memory(module, layout)),
        globals: count(numbers.globals.defined.len() + numbers.exported_data.len()),
        tags: count(numbers.tags.defined.len()),
        tables: count(numbers.tables.number_count())
            + u64::from(numbers.function_table.is_some_and(undeclared)),
        data_segments: count(layout.segments.len()),
    };
    counts.beyond().map(Problem::EngineLimit).collect()
}

fn not_in_objects(module: &Module, problems: &mut Vec<Problem>) {
    if module.decls.types.uses_raw() {
        problems.push(Problem::NotInObjects {
            declaration: DeclName {
                kind: DeclKind::Type,
                name: "raw".into(),
            },
            what: "a type that is no function type",
        });
    }
    for (name, target) in module.exports_in_order() {
        let Some(head) = module.decls.head(target).filter(|head| head.name != *name) else {
            continue;
        };
        let what = if head.imported || module.decls.is_builtin(target) {
            "the export of an import under another name"
        } else if target.kind() == TargetKind::Table {
            // Linkers want one symbol of each table.
            "the export of a table under another name"
        } else {
            continue;
        };
        problems.push(Problem::NotInObjects {
            declaration: head.named(target.kind()),
            what,
        });
    }
    for (_, datum) in module.decls.data.iter() {
        let named_as_tls =
            |name: &Arc<str>| name.starts_with(".tdata") || name.starts_with(".tbss");
        if datum.body.segment.as_ref().is_some_and(named_as_tls) && !datum.body.is_tls() {
            problems.push(Problem::NotInObjects {
                declaration: datum.head.named(TargetKind::Data),
                what: "a segment with a name that linkers take for one of thread-local data",
            });
        }
    }
    for (_, custom) in module.decls.customs.iter() {
        if is_read_by_linkers(&custom.head.name) {
            problems.push(Problem::NotInObjects {
                declaration: custom.head.named(TargetKind::Custom),
                what: "a section of the caller's with a name that linkers take for their own",
            });
        }
    }
    for (_, element) in module.decls.elements.iter() {
        problems.push(Problem::NotInObjects {
            declaration: DeclName {
                kind: DeclKind::Element,
                name: Arc::clone(&element.name),
            },
            what: "an element segment",
        });
    }
    for (_, global) in module.decls.globals.iter() {
        if global
            .body
            .init
            .as_ref()
            .is_some_and(|init| !init.holes.is_empty())
        {
            problems.push(Problem::NotInObjects {
                declaration: global.head.named(TargetKind::Global),
                what: "an initial value that refers to something",
            });
        }
    }
}

/// Whether a linker reads custom sections of that name, so that the object's own would stand
/// there twice, or be taken for something else.
fn is_read_by_linkers(name: &str) -> bool {
    let names = [
        LINKING_SECTION,
        NAME_SECTION,
        PRODUCERS_SECTION,
        TARGET_FEATURES_SECTION,
        DYLINK_SECTION,
    ];
    names.contains(&name) || name.starts_with(RELOC_PREFIX)
}

/// Whether a declaration that is no function is not ready, or any is freed but referred to.
fn anything_missing_beside_functions(module: &Module, form: Form) -> bool {
    fn unready<B>(slab: &Slab<Decl<B>>) -> bool {
        let mut decls = slab.iter();
        slab.is_haunted() || decls.any(|(_, decl)| decl.head.state != DeclState::Ready)
    }
    let decls = &module.decls;
    let elsewhere = |(_, datum): (_, &Decl<_>)| datum.head.imported;
    decls.funcs.is_haunted()
        || unready(&decls.data)
        || form == Form::Module && decls.data.iter().any(elsewhere)
        || unready(&decls.globals)
        || unready(&decls.tables)
        || unready(&decls.memories)
        || unready(&decls.tags)
        || unready(&decls.customs)
}

fn missing(module: &Module, form: Form) -> Missing {
    let mut missing = Missing::default();
    let decls = &module.decls;
    of_kind(&decls.funcs, TargetKind::Function, &mut missing);
    of_kind(&decls.data, TargetKind::Data, &mut missing);
    of_kind(&decls.globals, TargetKind::Global, &mut missing);
    of_kind(&decls.tables, TargetKind::Table, &mut missing);
    of_kind(&decls.memories, TargetKind::Memory, &mut missing);
    of_kind(&decls.tags, TargetKind::Tag, &mut missing);
    of_kind(&decls.customs, TargetKind::Custom, &mut missing);
    for (slot, datum) in decls.data.iter() {
        let why = match datum.head.state {
            // An export gives the address away.
            DeclState::Announced
                if datum.body.offset_slot.is_some() && datum.head.exports().is_empty() =>
            {
                WhyMissing::NotPlaced
            }
            DeclState::Ready if datum.head.imported && form == Form::Module => WhyMissing::Imported,
            _ => continue,
        };
        let name = datum.head.named(TargetKind::Data);
        missing.insert((TargetKind::Data, slot), (name, why, Vec::new()));
    }
    missing
}

fn of_kind<B>(slab: &Slab<Decl<B>>, kind: TargetKind, missing: &mut Missing) {
    for (slot, Decl { head, .. }) in slab.iter() {
        if head.state != DeclState::Ready {
            missing.insert((kind, slot), (head.named(kind), why(head), Vec::new()));
        }
    }
    for (slot, name) in slab.freed_but_referenced() {
        missing.insert((kind, slot), (name.clone(), WhyMissing::Freed, Vec::new()));
    }
}

fn why(head: &Head) -> WhyMissing {
    match head.state {
        DeclState::Failed => WhyMissing::Failed(head.failure().unwrap_or_default().into()),
        DeclState::Announced | DeclState::Ready => WhyMissing::NeverUpdated,
    }
}

/// The problems, with both ends of each reference.
fn referenced(module: &Module, mut missing: Missing) -> impl Iterator<Item = Problem> {
    each_reference(module, |from, target| {
        let kind = match target.kind() {
            TargetKind::DataSlot => TargetKind::Data,
            kind => kind,
        };
        let Some((_, why, references)) = missing.get_mut(&(kind, target.index())) else {
            return;
        };
        if matches!(why, WhyMissing::NotPlaced) && target.kind() == TargetKind::DataSlot {
            return;
        }
        let from = from();
        if references.last() != Some(&from) {
            references.push(from);
        }
    });
    missing
        .into_values()
        .filter_map(|(declaration, why, references)| {
            Some(match why {
                WhyMissing::Failed(reason) => Problem::Failed {
                    declaration,
                    reason,
                    references,
                },
                WhyMissing::NotPlaced if references.is_empty() => return None,
                WhyMissing::NeverUpdated | WhyMissing::NotPlaced => Problem::NeverUpdated {
                    declaration,
                    references,
                },
                WhyMissing::Freed => Problem::Freed {
                    declaration,
                    references,
                },
                WhyMissing::Imported => Problem::ImportedData {
                    declaration,
                    references,
                },
            })
        })
}

/// Calls `visit` with both ends of every reference between declarations.
fn each_reference(module: &Module, mut visit: impl FnMut(&dyn Fn() -> DeclName, Target)) {
    let decls = &module.decls;
    for (_, decl) in decls.funcs.iter() {
        let name = || decl.head.named(TargetKind::Function);
        for hole in module.arena.all_holes(decl.body.span) {
            visit(&name, hole.target);
        }
    }
    let mut holes = |name: &dyn Fn() -> DeclName, holes: &[crate::module::arena::Hole]| {
        for hole in holes {
            visit(name, hole.target);
        }
    };
    for (_, decl) in decls.data.iter() {
        let name = || decl.head.named(TargetKind::Data);
        holes(&name, module.arena.holes(decl.body.span));
    }
    for (_, decl) in decls.globals.iter() {
        let name = || decl.head.named(TargetKind::Global);
        if let Some(init) = &decl.body.init {
            holes(&name, &init.holes);
        }
    }
    for (_, decl) in decls.customs.iter() {
        let name = || decl.head.named(TargetKind::Custom);
        holes(&name, module.arena.holes(decl.body.span));
    }
    for (_, element) in decls.elements.iter() {
        let name = || DeclName {
            kind: DeclKind::Element,
            name: Arc::clone(&element.name),
        };
        for target in element.references() {
            visit(&name, target);
        }
    }
    let init = module.init_functions.iter().map(|(priority, function)| {
        let name = format!("init function of priority {priority}");
        (name, *function)
    });
    let start = module
        .start
        .map(|function| ("start function".to_owned(), function));
    for (name, function) in init.chain(start) {
        let name = || DeclName {
            kind: DeclKind::Start,
            name: name.as_str().into(),
        };
        visit(&name, function.into());
    }
}

fn no_stack(module: &Module, problems: &mut Vec<Problem>) {
    let used = module
        .names
        .get(STACK_POINTER)
        .filter(|target| target.kind() == TargetKind::Global && module.decls.is_builtin(**target));
    if let (Some(target), None) = (used, module.options.stack_size) {
        problems.push(Problem::NoStack {
            declaration: module.decls.name(*target),
        });
    }
}

/// Adds the functions that run at start and cannot.
pub(in crate::module) fn start_types(module: &Module, problems: &mut Vec<Problem>) {
    let nothing = FuncType::default();
    let init = module.init_functions.iter().map(|(_, function)| *function);
    for function in init.chain(module.start) {
        let decl = module
            .decls
            .funcs
            .get(function.0.index(), function.0.generation());
        let Some(ty) = decl.and_then(|decl| decl.body.ty) else {
            continue; // reported as missing
        };
        let known = module.decls.types.get(ty);
        if known != Some(&nothing) {
            problems.push(Problem::StartType {
                declaration: module.decls.name(function.into()),
                ty: known.map_or_else(|| "a raw type".to_owned(), ToString::to_string),
            });
        }
    }
}
