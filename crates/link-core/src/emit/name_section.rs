//! The `name` section: what debuggers and stack traces call functions, globals and data
//! segments.

use std::path::Path;

use wasm_format::linking::SymbolKind;
use wasm_format::names::{
    NAME_SECTION, NameSubsectionId, Naming, put_module_name, put_name_map_header,
};

use super::entries::Sources;
use crate::demangle::Demangler;
use crate::ids::{FileId, ObjFunc};
use crate::input::object::Object;
use crate::options::Options;
use crate::par;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::{SynthFunction, Synthesis};
use crate::plan::customs::survives_strip_all;
use crate::plan::numbering::FunctionIndices;
use crate::resolve::resolution::{COMMAND_EXPORT, Definition, Resolution, SymbolRef};
use crate::room::GrowingNames;

/// Entries of one subsection, in parts that stand one behind the other.
#[derive(Default)]
pub(crate) struct NameEntries {
    count: u32,
    parts: Vec<Vec<u8>>,
}

impl NameEntries {
    /// Adds to the last part.
    fn add(&mut self, index: u32, name: &str) {
        if self.parts.is_empty() {
            self.parts.push(Vec::new());
        }
        if let Some(part) = self.parts.last_mut() {
            Naming { index, name }.encode(part);
            self.count += 1;
        }
    }

    /// Adds the subsection to `out`, unless it is empty.
    fn finish(self, id: NameSubsectionId, out: &mut Vec<Vec<u8>>) {
        if self.count == 0 {
            return;
        }
        let size = self.parts.iter().map(Vec::len).sum();
        let mut header = Vec::new();
        put_name_map_header(&mut header, id, self.count, size);
        out.push(header);
        out.extend(self.parts);
    }
}

/// The section's contents after its name, in parts that stand one behind the other; and where
/// more functions can be named, in bytes from their start, if there is room.
pub(crate) fn write(
    sources: &Sources<'_, '_>,
    mut functions: NameEntries,
) -> (Vec<Vec<u8>>, Option<GrowingNames>) {
    let plan = sources.plan;
    let mut helpers = &plan.helper_names[..];
    let first = plan.functions.first_helper().0;
    let mut padding = None;
    if sources.options.room
        && let Some((_, others)) = helpers.split_last()
    {
        // The last one is the padding function.
        padding = Some(first + others.len() as u32);
        helpers = others;
    }
    for (index, name) in (first..).zip(helpers) {
        functions.add(index, name);
    }
    let globals = globals(sources);
    let segments = segments(sources);
    let mut out = Vec::new();
    let mut module = Vec::new();
    put_module_name(&mut module, &module_name(sources));
    out.push(module);
    let mut growing = None;
    if let Some(padding) = padding {
        let NameEntries { count, parts } = functions;
        growing = Some(GrowingNames::put(&mut out, count, parts, padding));
    } else {
        functions.finish(NameSubsectionId::Function, &mut out);
    }
    globals.finish(NameSubsectionId::Global, &mut out);
    segments.finish(NameSubsectionId::Data, &mut out);
    (out, growing)
}

/// What `--soname` says, else the output's file name.
fn module_name(sources: &Sources<'_, '_>) -> String {
    if let Some(name) = &sources.options.pic.soname {
        return name.clone();
    }
    let path = Path::new(&sources.options.output_name);
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.map_or_else(|| sources.options.output_name.clone(), Into::into)
}

/// Makes the names that a person reads.
struct DisplayNames {
    demangle: bool,
    demangler: Demangler,
}

impl DisplayNames {
    fn new(options: &Options) -> Self {
        Self {
            demangle: options.demangle,
            demangler: Demangler::default(),
        }
    }

    /// The name of a function; `None` if it has none.
    fn function<'n>(&'n mut self, object: &Object<'n>, function: ObjFunc) -> Option<&'n str> {
        match (
            object.functions.debug_name(function),
            object.function_name(function),
        ) {
            (Some(name), _) => Some(name),
            (None, "") => None,
            (None, name) => Some(self.name(name)),
        }
    }

    /// What C calls `main` is that even if names are not to be demangled.
    fn name<'n>(&'n mut self, name: &'n str) -> &'n str {
        if self.demangle || name == "__main_argc_argv" {
            self.demangler.demangle(name)
        } else {
            name
        }
    }
}

/// What a function of an object is called in the section; `None` if it has no name.
pub(crate) fn of_function(
    object: &Object<'_>,
    function: ObjFunc,
    options: &Options,
) -> Option<String> {
    let mut shown = DisplayNames::new(options);
    shown.function(object, function).map(str::to_owned)
}

/// What functions are called; `None` if the output has no such section.
pub(crate) fn of_functions(
    resolution: &Resolution<'_>,
    liveness: &Liveness,
    synthesis: &Synthesis<'_>,
    numbers: &FunctionIndices,
    options: &Options,
) -> Option<NameEntries> {
    if !survives_strip_all(NAME_SECTION, options) {
        return None;
    }
    let mut entries = NameEntries::default();
    let mut shown = DisplayNames::new(options);
    let mut index = 0;
    for &id in &synthesis.imports {
        let symbol = resolution.symbol(id);
        if symbol.kind == SymbolKind::Function {
            entries.add(index, shown.name(symbol.name));
            index += 1;
        }
    }
    for &function in &synthesis.functions {
        match function {
            SynthFunction::Made(made) => entries.add(index, made.name()),
            SynthFunction::Stub(stub) => {
                let stub = &synthesis.stubs[stub as usize];
                let name = format!("{}{}", stub.prefix, shown.name(stub.name));
                entries.add(index, &name);
            }
        }
        index += 1;
    }

    // Files follow one another in the same buffer, and each keeps as much as it needs.
    let of_file = |(shown, part): &mut (DisplayNames, Vec<u8>), file: usize| {
        part.clear();
        let mut count = 0;
        let file = FileId(file as u32);
        let object = resolution.object(file);
        for function in liveness.functions(file) {
            let Some(index) = numbers.of(file, function) else {
                continue;
            };
            let encode = |part: &mut Vec<u8>, name: &str| {
                Naming {
                    index: index.0,
                    name,
                }
                .encode(part);
            };
            let Some(name) = shown.function(object, function) else {
                continue;
            };
            encode(part, name);
            count += 1;
        }
        (count, part.clone())
    };
    let buffers = || (DisplayNames::new(options), Vec::new());
    let files = (0..resolution.objects.len()).collect();
    let of_files = par::map_with(files, buffers, of_file);
    for (count, part) in of_files {
        entries.count += count;
        entries.parts.push(part);
    }

    // After the parts of the files.
    entries.parts.push(Vec::new());
    for (nth, &symbol) in synthesis.wrappers.iter().enumerate() {
        let index = numbers.wrapper(nth as u32);
        let name = format!("{}{COMMAND_EXPORT}", resolution.symbol(symbol).name);
        entries.add(index.0, shown.name(&name));
    }
    Some(entries)
}

fn globals(sources: &Sources<'_, '_>) -> NameEntries {
    let (resolution, synthesis) = (sources.resolution, sources.synthesis);
    let mut entries = NameEntries::default();
    let mut shown = DisplayNames::new(sources.options);
    let mut index = 0;
    let mut add = |name: &str| {
        if !name.is_empty() {
            entries.add(index, name);
        }
        index += 1;
    };
    for &id in &synthesis.imports {
        let symbol = resolution.symbol(id);
        if symbol.kind == SymbolKind::Global {
            add(shown.name(symbol.name));
        }
    }
    let got_name = |shown: &mut DisplayNames, symbol: SymbolRef, function: &str, data: &str| {
        let prefix = if sources.resolution.kind(symbol) == SymbolKind::Function {
            function
        } else {
            data
        };
        let stub = match resolution.definition(symbol) {
            Definition::Stub(stub) => resolution.stubs[stub as usize].prefix,
            _ => "",
        };
        format!("{prefix}{stub}{}", shown.name(resolution.name(symbol)))
    };
    for &symbol in &synthesis.got_imports {
        add(shown.name(resolution.name(symbol)));
    }
    for &made in &synthesis.globals {
        add(made.name(resolution.made.is_cooperative()));
    }
    for (file, object) in resolution.objects() {
        let live = &sources.liveness.files[file.index()].globals;
        for (global, live) in object.globals.iter().zip(live) {
            if *live {
                add(shown.name(global.name));
            }
        }
    }
    for &symbol in &synthesis.got_internal {
        add(&got_name(
            &mut shown,
            symbol,
            "GOT.func.internal.",
            "GOT.data.internal.",
        ));
    }
    entries
}

fn segments(sources: &Sources<'_, '_>) -> NameEntries {
    let mut entries = NameEntries::default();
    let data = &sources.plan.data;
    for (index, range) in data.file_segments().into_iter().enumerate() {
        let name = data.file_name(&range);
        if !name.is_empty() {
            entries.add(index as u32, name);
        }
    }
    entries
}
