//! What of the output is valid, but more than engines take: a warning for each.
//!
//! Nothing here looks at a body or a relocation. Types and sizes were collected before, and
//! where there are many of them, one comparison answers for all.

use std::borrow::Cow;

use wasm_format::linking::SymbolKind;
use wasm_format::{FuncType, Reader};

use super::entries::Sources;
use crate::demangle::demangle;
use crate::diag::{Code, Diagnostic};
use crate::ids::{FuncIndex, ObjFunc, ObjTable, ObjTag, ObjType, TypeIndex};
use crate::input::object::Object;
use crate::limits;
use crate::limits::{Counts, EngineLimit};
use crate::options::Options;
use crate::pass::synthesize::{SynthFunction, TableUse};
use crate::resolve::resolution::Symbol;

/// A warning that `what` is beyond `limit`.
fn warning(what: &str, limit: EngineLimit) -> Diagnostic {
    let warning = Diagnostic::warning(Code::Limits, format!("{what} has {limit}"));
    warning.never_fatal().note(
        "it is valid, but the limits of engines are fixed: \
         https://webassembly.github.io/spec/js-api/#limits",
    )
}

/// A warning that a function of an object is beyond `limit`.
pub(crate) fn function_warning(
    object: &Object<'_>,
    function: ObjFunc,
    limit: EngineLimit,
    options: &Options,
) -> Diagnostic {
    let symbol = object.function_name(function);
    let name = match object.functions.debug_name(function) {
        Some(name) if symbol.is_empty() => name,
        _ => symbol,
    };
    named("function", name, limit, options).in_file(&*object.name)
}

/// A warning that the thing of that kind and name is beyond `limit`.
fn named(kind: &str, name: &str, limit: EngineLimit, options: &Options) -> Diagnostic {
    let shown = if options.demangle {
        demangle(name)
    } else {
        Cow::Borrowed(name)
    };
    let what = if name.is_empty() {
        format!("a {kind}")
    } else {
        format!("{kind} {shown}")
    };
    let warning = warning(&what, limit);
    if name.is_empty() {
        warning
    } else {
        warning.about(name)
    }
}

/// A warning that an imported symbol is beyond `limit`.
fn import_warning(
    sources: &Sources<'_, '_>,
    kind: &str,
    symbol: &Symbol<'_>,
    limit: EngineLimit,
) -> Diagnostic {
    let warning = named(kind, symbol.name, limit, sources.options);
    match symbol.file {
        Some(file) => warning.in_file(&*sources.resolution.object(file).name),
        None => warning,
    }
}

/// The warnings about the output, which has `size` bytes.
pub(crate) fn warnings(sources: &Sources<'_, '_>, size: u64) -> Vec<Diagnostic> {
    // What is to be linked again loses some of it then.
    if sources.options.is_relocatable() {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    signatures(sources, &mut warnings);
    bodies(sources, &mut warnings);
    tables(sources, &mut warnings);
    let bytes = EngineLimit::check("bytes", size, limits::MODULE_BYTES);
    let all = counts(sources).beyond().chain(bytes);
    warnings.extend(all.map(|limit| warning("the output", limit)));
    if sources.has_import_groups() {
        let message = "the output has compact imports, which engines do not take by default yet";
        let warning = Diagnostic::warning(Code::Limits, message).never_fatal();
        warnings.push(warning.note(
            "an input or an option turns the feature `compact-imports` on; \
             --no-compact-imports writes the imports as engines take them",
        ));
    }
    warnings
}

fn counts(sources: &Sources<'_, '_>) -> Counts {
    let Sources {
        plan,
        synthesis,
        options,
        ..
    } = *sources;
    let count = |len: usize| len as u64;
    let exported = synthesis.exports.iter();
    let addresses = exported.filter(|export| sources.exported_address(export.what).is_some());
    Counts {
        types: count(plan.types.list.len()),
        functions: plan.code.count().into(),
        imports: count(synthesis.imports.len() + synthesis.got_imports.len())
            + u64::from(options.memory_import().is_some()),
        exports: count(synthesis.exports.len()) + u64::from(options.memory_export().is_some()),
        globals: u64::from(plan.globals.count - plan.globals.imported) + count(addresses.count()),
        tags: (plan.tags.count - plan.tags.imported).into(),
        tables: plan.tables.count.into(),
        data_segments: count(plan.data.file_segments().len()),
    }
}

/// Names what has a type with too many parameters or results.
fn signatures(sources: &Sources<'_, '_>, warnings: &mut Vec<Diagnostic>) {
    let Sources {
        plan,
        resolution,
        liveness,
        synthesis,
        options,
    } = *sources;
    let types = plan.types.list.iter();
    let beyond: Vec<Option<EngineLimit>> = types.map(|ty| type_beyond(ty)).collect();
    if beyond.iter().all(Option::is_none) {
        return;
    }
    let limit_of = |index: TypeIndex| beyond.get(index.index()).copied().flatten();
    for &id in &synthesis.imports {
        let symbol = resolution.symbol(id);
        let kind = match symbol.kind {
            SymbolKind::Function => "imported function",
            SymbolKind::Tag => "imported tag",
            _ => continue,
        };
        let ty = symbol.signature.and_then(|ty| plan.types.index(ty));
        if let Some(limit) = ty.and_then(limit_of) {
            warnings.push(import_warning(sources, kind, symbol, limit));
        }
    }
    for (file, object) in resolution.objects() {
        let of_type = |ty: ObjType| plan.types.files[file.index()][ty.index()].and_then(limit_of);
        if !(0..object.types.len() as u32).any(|ty| of_type(ObjType(ty)).is_some()) {
            continue;
        }
        let mut reported = Vec::new();
        for (function, known) in object.functions.ids().zip(&object.functions) {
            if let Some(limit) = of_type(known.ty)
                && liveness.function(file, function)
            {
                warnings.push(function_warning(object, function, limit, options));
                reported.push(known.ty);
            }
        }
        for (i, tag) in object.tags.iter().enumerate() {
            if let Some(limit) = of_type(tag.ty)
                && liveness.tag(file, ObjTag(i as u32))
            {
                warnings.push(named("tag", tag.name, limit, options).in_file(&*object.name));
                reported.push(tag.ty);
            }
        }
        // What has no name: indirect calls and blocks.
        let unnamed = synthesis.named_types.get(file.index());
        for &ty in unnamed.into_iter().flatten() {
            if let Some(limit) = of_type(ty)
                && !reported.contains(&ty)
            {
                let what = "the type of an indirect call or a block";
                warnings.push(warning(what, limit).in_file(&*object.name));
                reported.push(ty);
            }
        }
    }
}

/// The limit that an encoded function type is beyond.
fn type_beyond(ty: &[u8]) -> Option<EngineLimit> {
    // A parameter takes a byte.
    if ty.len() as u64 <= limits::PARAMETERS {
        return None;
    }
    let ty = FuncType::decode(&mut Reader::new(ty)).ok()?;
    limits::type_beyond(ty.params.len() as u64, ty.results.len() as u64)
}

/// Names the functions whose bodies are too large.
fn bodies(sources: &Sources<'_, '_>, warnings: &mut Vec<Diagnostic>) {
    let Sources { plan, options, .. } = *sources;
    let code = &plan.code;
    if code.size <= limits::BODY_BYTES {
        return;
    }
    let beyond = |index: FuncIndex| limits::body_beyond(code.body_size(index)?.into());
    let functions = sources.synthesis.functions.iter();
    for (&function, index) in functions.zip(plan.functions.imported..) {
        if let (SynthFunction::Made(made), Some(limit)) = (function, beyond(FuncIndex(index))) {
            warnings.push(named("function", made.name(), limit, options));
        }
    }
    let helpers = (plan.functions.first_helper().0..).zip(&plan.helper_names);
    for (index, name) in helpers {
        if let Some(limit) = beyond(FuncIndex(index)) {
            warnings.push(named("function", name, limit, options));
        }
    }
    for (file, object) in sources.resolution.objects() {
        for function in sources.liveness.functions(file) {
            if let Some(limit) = plan.functions.of(file, function).and_then(beyond) {
                warnings.push(function_warning(object, function, limit, options));
            }
        }
    }
}

/// Names the tables that are too large.
fn tables(sources: &Sources<'_, '_>, warnings: &mut Vec<Diagnostic>) {
    let Sources {
        resolution,
        synthesis,
        options,
        ..
    } = *sources;
    if synthesis.table != TableUse::None
        && let Some(limit) = limits::table_beyond(sources.indirect_table().limits.min)
    {
        warnings.push(named("table", "__indirect_function_table", limit, options));
    }
    for &id in &synthesis.imports {
        let symbol = resolution.symbol(id);
        if Some(id) != resolution.made.indirect_function_table
            && let Some(ty) = symbol.table_type()
            && let Some(limit) = limits::table_beyond(ty.limits.min)
        {
            warnings.push(import_warning(sources, "imported table", symbol, limit));
        }
    }
    for (file, object) in resolution.objects() {
        for (i, table) in object.tables.iter().enumerate() {
            if let Some(limit) = limits::table_beyond(table.ty.limits.min)
                && sources.liveness.table(file, ObjTable(i as u32))
            {
                warnings.push(named("table", table.name, limit, options).in_file(&*object.name));
            }
        }
    }
}
