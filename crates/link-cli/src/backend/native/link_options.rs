//! The command line as `link_core`'s options and inputs.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};

use link_core::options::{self as core, FeatureOptions, MemoryOptions, PicOptions};
use link_core::{Files, Options};
use link_core::{Input, Inputs};

use crate::config::{
    Arch, BuildId, Config, Entry, InputKind, LinkArgs, OutputKind, Strip, Unresolved,
};
use crate::report::{Message, reason};
use crate::sys::InputFiles;

/// The inputs of the command line.
pub(super) fn inputs(link: &LinkArgs) -> Inputs<'static> {
    let inputs = link.inputs.iter().map(|input| {
        let new = match &input.what {
            InputKind::File(path) => Input::path(path),
            InputKind::Library(name) => Input::library(name),
        };
        Input {
            whole_archive: input.whole_archive,
            lazy: input.lazy,
            dynamic: input.allow_shared,
            ..new
        }
    });
    let mut all = Inputs::default();
    all.search_paths.clone_from(&link.library_paths);
    all.inputs = inputs.collect();
    all
}

/// The options of the command line. `name` is the output's, as messages and the module have it.
///
/// Fails when a file of `--allow-undefined-file` cannot be read.
pub(super) fn options(config: &Config, name: &str, files: &InputFiles) -> Result<Options, Message> {
    let link = &config.link;
    let default_import_module = config.own.host_module.as_deref().unwrap_or("env");
    let mut options = Options::default();
    options.output = match link.kind {
        OutputKind::Executable => core::OutputKind::Executable,
        OutputKind::PieExecutable => core::OutputKind::Pie,
        OutputKind::SharedLibrary => core::OutputKind::Shared,
        OutputKind::Relocatable => core::OutputKind::Relocatable,
    };
    name.clone_into(&mut options.output_name);
    options.is_64 = Some(link.arch == Some(Arch::Wasm64));
    options.optimize = link.optimize;
    options.threads = link.threads.map(usize::from);
    default_import_module.clone_into(&mut options.default_import_module);

    // The reporter counts errors, those about the command line included.
    options.error_limit = 0;
    options.fatal_warnings = config.messages.fatal_warnings;
    options.demangle = link.reports.demangle;

    let reports = &link.reports;
    options.trace = reports.trace || reports.verbose;
    options.trace_symbols = reports.trace_symbols.iter().cloned().collect();
    options.print_gc_sections = reports.print_gc_sections;
    options.why_extract = reports.why_extract.is_some();
    options.map = reports.map.is_some();
    options.cross_references = config.own.cref;

    let symbols = &link.symbols;
    options.entry = match &symbols.entry {
        Entry::Default => core::Entry::Default,
        Entry::None => core::Entry::None,
        Entry::Symbol(name) => core::Entry::Named(name.clone()),
    };
    options.exports.clone_from(&symbols.export);
    options
        .exports_if_defined
        .clone_from(&symbols.export_if_defined);
    options.export_all = symbols.export_all;
    options.export_dynamic = symbols.export_dynamic;
    options.undefined.clone_from(&symbols.undefined);
    options.wrap.clone_from(&symbols.wrap);
    options.unresolved = match symbols.unresolved {
        Unresolved::Error => core::Unresolved::Error,
        Unresolved::Warn => core::Unresolved::Warn,
        Unresolved::Ignore => core::Unresolved::Ignore,
        Unresolved::ImportDynamic => core::Unresolved::ImportDynamic,
    };
    options.error_signature_mismatch = config.own.error_signature_mismatch;
    options.import_undefined = symbols.import_undefined;
    options.allowed_undefined = allowed_undefined(link, files)?;
    options.allow_multiple_definition = symbols.allow_multiple_definition;
    options.no_inhibit_exec = symbols.no_inhibit_exec;
    options.features = FeatureOptions {
        only: symbols.features.clone(),
        extra: symbols.extra_features.clone(),
        check: symbols.check_features,
    };

    let content = &link.content;
    options.gc_sections = content.gc_sections;
    options.strip = match content.strip {
        Strip::Nothing => core::Strip::None,
        Strip::Debug => core::Strip::Debug,
        Strip::All => core::Strip::All,
    };
    options.keep_sections = content.keep_sections.iter().cloned().collect();
    options.compress_relocations = content.compress_relocations;
    options.emit_relocs = content.emit_relocs;
    options.merge_data_segments = Some(content.merge_data_segments);
    options.build_id = build_id(&content.build_id);

    let memory = &link.memory;
    options.memory = MemoryOptions {
        stack_size: memory.stack_size.unwrap_or(options.memory.stack_size),
        stack_first: memory.stack_first,
        global_base: memory.global_base,
        initial: memory.initial_memory,
        initial_heap: memory.initial_heap,
        max: memory.max_memory,
        growable: memory.growable,
        page_size: memory.page_size,
        import: memory.import.as_ref().map(|import| core::MemoryImport {
            module: import.module.clone(),
            name: import.name.clone(),
        }),
        export: memory.export.clone(),
        shared: memory.shared,
    };
    options.table = core::TableOptions {
        base: memory.table_base,
        import: memory.import_table,
        export: memory.export_table,
        growable: memory.growable_table,
    };

    let dynamic = &link.dynamic;
    options.pic = PicOptions {
        bsymbolic: dynamic.bsymbolic,
        experimental: dynamic.experimental_pic,
        check_shared_signatures: dynamic.check_signatures,
        soname: dynamic.soname.clone(),
        rpath: dynamic.rpath.clone(),
    };
    Ok(options)
}

fn build_id(build_id: &BuildId) -> core::BuildId {
    match build_id {
        BuildId::None => core::BuildId::None,
        BuildId::Fast => core::BuildId::Fast,
        BuildId::Sha1 => core::BuildId::Sha1,
        BuildId::Uuid => core::BuildId::Uuid(uuid()),
        BuildId::Bytes(bytes) => core::BuildId::Hex(bytes.clone()),
    }
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> [u8; 16] {
    // The keys of the standard library's hash tables are random.
    let random = || RandomState::new().build_hasher().finish().to_le_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random());
    bytes[8..].copy_from_slice(&random());
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    bytes
}

/// The symbols that the files of `--allow-undefined-file` list, one to a line.
fn allowed_undefined(link: &LinkArgs, files: &InputFiles) -> Result<BTreeSet<String>, Message> {
    let mut names = BTreeSet::new();
    for path in &link.symbols.allow_undefined_files {
        let text = files.read(path).map_err(|error| {
            let reason = reason(&error);
            Message::error(format!("cannot open {}: {reason}", path.display()))
        })?;
        let text = String::from_utf8_lossy(text.bytes());
        let lines = text.lines().map(str::trim);
        let listed = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        names.extend(listed.map(str::to_owned));
    }
    Ok(names)
}
