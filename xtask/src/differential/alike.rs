//! What is taken out of a problem so that the linkers can agree about it: references to what
//! nothing defines, and what `docs/differences.md` lists.

use std::collections::HashSet;

use link_core::Options;
use link_core::options::{OutputKind, Unresolved};
use wasm_format::linking::SegmentFlags;

use super::contents::LINKER_DATA;
use super::generate::{LOCAL, WEAK};
use super::object::{Item, Kind, Object, Referred, Undefined};
use super::problem::Input;

/// Addresses of a memory that a loader lays out, and one that is the same in all of them.
const LOADER_DATA: &[&str] = &[
    "__wasm_first_page_end",
    "__heap_base",
    "__heap_end",
    "__data_end",
    "__global_base",
    "__stack_low",
    "__stack_high",
];

/// Takes out what is linked differently on purpose.
pub(super) fn adapt(inputs: &mut [Input], options: &Options) {
    // `wasm-ld` keeps what is to be retained only in objects that are linked from the start,
    // and debug info of pulled objects of which nothing is left.
    for input in &mut *inputs {
        if !matches!(input, Input::Object(_)) {
            for object in input.objects_mut() {
                keep_nothing(object);
            }
        }
        // `wasm-ld` writes libraries with weak globals that it cannot read.
        if let Input::Shared(object) = input {
            make_globals_strong(object);
        }
    }
    // In what is to be linked again, `wasm-ld` keeps a table that gave way to another one.
    if options.is_relinkable() {
        define_tables_once(inputs);
    }
    for object in inputs.iter_mut().flat_map(Input::objects_mut) {
        // Without garbage collection, `wasm-ld` keeps functions of copies it did not choose.
        // In a finished module it names the segments that comdats are in.
        if !options.gc_sections || options.emit_relocs {
            (object.items).retain(|item| !matches!(item, Item::Comdat(_)));
        }
        // Nor does it look at what debug info refers to, unless nothing is collected.
        if !options.gc_sections {
            forget_references(object);
        }
        // What a loader shall define, and whether there is a segment, is decided in another order.
        let is_pie = options.output == OutputKind::Pie;
        if options.unresolved == Unresolved::ImportDynamic || is_pie {
            forget(object, |name| {
                name.starts_with("__start_") || name.starts_with("__stop_")
            });
        }
        // What a loader knows of the memory is undefined for `wasm-ld`, and an absolute address
        // one of the data.
        if options.is_pic() {
            forget(object, |name| LOADER_DATA.contains(&name));
        }
        if options.output == OutputKind::Shared {
            forget(object, |name| name.starts_with("__rodata_"));
        }
        // A finished module of `wasm-ld` loses relocations to merged strings, and flags. Stubs of weak
        // functions have two symbols in it.
        if options.emit_relocs {
            forget_strings(object);
            forget_weak_functions(object);
        }
    }
}

/// Makes references of all definitions of a table but the first.
fn define_tables_once(inputs: &mut [Input]) {
    let mut defined = HashSet::new();
    let objects = inputs.iter_mut().flat_map(Input::objects_mut);
    for item in objects.flat_map(|object| &mut object.items) {
        if let Item::Table(table) = item
            && table.flags & LOCAL == 0
            && !defined.insert(table.name.clone())
        {
            *item = Item::Undefined(Undefined {
                name: table.name.clone(),
                kind: Kind::Table(table.element),
                flags: 0,
                import: None,
            });
        }
    }
}

/// Removes the references to what nothing defines.
pub(super) fn remove_unresolved(objects: &mut [Object]) {
    let defined = |object: &Object, wanted: &dyn Fn(u32) -> bool| -> HashSet<String> {
        let items = object.items.iter();
        let defined = items.flat_map(|item| item.defines());
        defined
            .filter(|&(_, flags)| wanted(flags))
            .map(|(name, _)| name.to_owned())
            .collect()
    };
    let mut everywhere: HashSet<String> = LINKER_DATA
        .iter()
        .chain(&["__wasm_call_ctors", "__stack_pointer"])
        .chain(&["__tls_size", "__tls_align"])
        .chain(&["__init_stack_pointer", "__init_tls_base"])
        .chain(&["__wasm_set_tls_base", "__wasm_get_tls_base"])
        .map(|&name| name.to_owned())
        .collect();
    for object in &*objects {
        everywhere.extend(defined(object, &|flags| flags & LOCAL == 0));
    }
    for object in objects {
        let mut here = defined(object, &|_| true);
        for item in &object.items {
            if let Item::Undefined(undefined) = item
                && (undefined.flags & WEAK != 0
                    || undefined.import.is_some() && matches!(undefined.kind, Kind::Function(_)))
            {
                here.insert(undefined.name.clone());
            }
        }
        let known = |name: &str| here.contains(name) || everywhere.contains(name);
        for item in &mut object.items {
            match item {
                Item::Function(function) => {
                    (function.body).retain(|statement| statement.name().is_none_or(known));
                }
                Item::Segment(segment) => segment.relocs.retain(|reloc| known(&reloc.name)),
                Item::Custom(custom) => (custom.relocs).retain(|reloc| {
                    matches!(reloc.what, Referred::SectionOffset) || known(&reloc.name)
                }),
                _ => {}
            }
        }
        object.items.retain(|item| match item {
            Item::Undefined(undefined) => known(&undefined.name),
            _ => true,
        });
    }
}

fn keep_nothing(object: &mut Object) {
    (object.items)
        .retain(|item| !matches!(item, Item::Custom(it) if it.name.starts_with(".debug")));
    for item in &mut object.items {
        if let Item::Segment(segment) = item {
            segment.flags &= !SegmentFlags::RETAIN.0;
        }
    }
}

fn forget_strings(object: &mut Object) {
    for item in &mut object.items {
        match item {
            Item::Segment(segment) => {
                segment.flags = 0;
            }
            Item::Custom(custom) => {
                (custom.relocs).retain(|reloc| !matches!(reloc.what, Referred::SectionOffset));
            }
            _ => {}
        }
    }
}

fn forget_weak_functions(object: &mut Object) {
    let names: HashSet<String> = (object.items.iter())
        .filter_map(|item| match item {
            Item::Undefined(undefined)
                if undefined.flags & WEAK != 0 && matches!(undefined.kind, Kind::Function(_)) =>
            {
                Some(undefined.name.clone())
            }
            _ => None,
        })
        .collect();
    forget(object, |name| names.contains(name));
}

fn forget_references(object: &mut Object) {
    for item in &mut object.items {
        if let Item::Custom(custom) = item {
            (custom.relocs).retain(|reloc| matches!(reloc.what, Referred::SectionOffset));
        }
    }
}

/// Removes the references to what has one of the names.
fn forget(object: &mut Object, is_one: impl Fn(&str) -> bool) {
    for item in &mut object.items {
        match item {
            Item::Function(function) => {
                (function.body).retain(|it| !it.name().is_some_and(&is_one));
            }
            Item::Segment(segment) => segment.relocs.retain(|reloc| !is_one(&reloc.name)),
            _ => {}
        }
    }
}

fn make_globals_strong(object: &mut Object) {
    for item in &mut object.items {
        match item {
            Item::Global(global) => global.flags &= !WEAK,
            Item::Table(table) => table.flags &= !WEAK,
            Item::Tag(tag) => tag.flags &= !WEAK,
            _ => {}
        }
    }
}
