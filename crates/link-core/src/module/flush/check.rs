//! Whether everything that a module refers to is there. The tables know how many
//! declarations are missing without a look at any hole; only when some are, the holes are
//! searched for who refers to them.

use std::sync::Arc;

use wasm_format::FuncType;

use super::number::Numbers;
use super::{Form, Problem};
use crate::hash::IndexMap;
use crate::module::Module;
use crate::module::announce::STACK_POINTER;
use crate::module::decl::{Decl, Head, State};
use crate::module::error::{DeclKind, DeclName};
use crate::module::handle::{Target, TargetKind};
use crate::module::slab::Slab;

/// What is missing and why, by kind and slot, with what refers to it.
type Missing = IndexMap<(TargetKind, usize), (DeclName, Why, Vec<DeclName>)>;

enum Why {
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
        let head = module.decls.head(target);
        let imported = |head: &&Head| head.imported || module.decls.is_builtin(target);
        let renamed = head.filter(imported).filter(|head| head.name != *name);
        if let Some(head) = renamed {
            problems.push(Problem::NotInObjects {
                declaration: head.named(target.kind()),
                what: "the export of an import under another name",
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

/// Whether a declaration that is no function is not ready, or any is freed but referred to.
fn anything_missing_beside_functions(module: &Module, form: Form) -> bool {
    fn unready<B>(slab: &Slab<Decl<B>>) -> bool {
        let mut decls = slab.iter();
        slab.is_haunted() || decls.any(|(_, decl)| decl.head.state != State::Ready)
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
            State::Announced
                if datum.body.offset_slot.is_some() && datum.head.exports().is_empty() =>
            {
                Why::NotPlaced
            }
            State::Ready if datum.head.imported && form == Form::Module => Why::Imported,
            _ => continue,
        };
        let name = datum.head.named(TargetKind::Data);
        missing.insert((TargetKind::Data, slot), (name, why, Vec::new()));
    }
    missing
}

fn of_kind<B>(slab: &Slab<Decl<B>>, kind: TargetKind, missing: &mut Missing) {
    for (slot, Decl { head, .. }) in slab.iter() {
        if head.state != State::Ready {
            missing.insert((kind, slot), (head.named(kind), why(head), Vec::new()));
        }
    }
    for (slot, name) in slab.freed_but_referenced() {
        missing.insert((kind, slot), (name.clone(), Why::Freed, Vec::new()));
    }
}

fn why(head: &Head) -> Why {
    match head.state {
        State::Failed => Why::Failed(head.failure().unwrap_or_default().into()),
        State::Announced | State::Ready => Why::NeverUpdated,
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
        if matches!(why, Why::NotPlaced) && target.kind() == TargetKind::DataSlot {
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
                Why::Failed(reason) => Problem::Failed {
                    declaration,
                    reason,
                    references,
                },
                Why::NotPlaced if references.is_empty() => return None,
                Why::NeverUpdated | Why::NotPlaced => Problem::NeverUpdated {
                    declaration,
                    references,
                },
                Why::Freed => Problem::Freed {
                    declaration,
                    references,
                },
                Why::Imported => Problem::ImportedData {
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

fn start_types(module: &Module, problems: &mut Vec<Problem>) {
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
