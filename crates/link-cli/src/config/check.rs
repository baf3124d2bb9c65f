//! Options that do not go together, and options that are missing.

use super::values::Values;
use super::{Config, Entry, OutputKind, Strip, Unresolved};
use crate::options::{OPTIONS, Opt, spelled_with_value};

/// Reports what cannot be linked whatever the inputs are, in the order of `wasm-ld`.
///
/// What it says about single options and about these here comes first; only then is it asked
/// whether there is something to link.
pub(super) fn check(config: &Config, values: &mut Values<'_>) {
    if config.request.is_some() {
        return;
    }
    kinds(config, values);
    if config.messages.is_fatal(&values.messages) {
        return;
    }
    let link = &config.link;
    if link.inputs.is_empty() {
        if !config.print_version {
            values.error("no input files");
        }
        return;
    }
    if link.content.compress_relocations && link.content.strip == Strip::Nothing {
        values.error(
            "--compress-relocations is incompatible with output debug information. \
             Please pass --strip-debug or --strip-all",
        );
    }
    if link.kind == OutputKind::SharedLibrary && is_pie(values) {
        values.error("-shared and -pie may not be used together");
    }
    if link.output.is_none() {
        values.error("no output file specified");
    }
    if link.memory.import_table && link.memory.export_table {
        values.error("--import-table and --export-table may not be used together");
    }
    if link.kind == OutputKind::Relocatable {
        relocatable(config, values);
    }
    unstable(config, values);
    if is_placed_by_loader(config, values) {
        if link.memory.global_base.is_some() {
            values.error("--global-base may not be used with -shared/-pie");
        }
        if link.memory.table_base.is_some() {
            values.error("--table-base may not be used with -shared/-pie");
        }
    }
    needs_sysroot(config, values);
}

/// What does not go with the kind of output.
fn kinds(config: &Config, values: &mut Values<'_>) {
    let link = &config.link;
    if !link.memory.growable && link.memory.max_memory.is_some() {
        values.error("--max-memory is incompatible with --no-growable-memory");
    }
    if link.kind == OutputKind::SharedLibrary && link.memory.export.is_some() {
        values.error("--export-memory is incompatible with --shared");
    }
    if link.memory.export_table && is_placed_by_loader(config, values) {
        values.error("-shared/-pie is incompatible with --export-table");
    }
    if link.kind == OutputKind::Relocatable {
        if link.memory.export_table {
            values.error("--relocatable is incompatible with --export-table");
        }
        if link.memory.growable_table {
            values.error("--relocatable is incompatible with --growable-table");
        }
    }
}

fn is_pie(values: &Values<'_>) -> bool {
    values.flag(Opt::Pie, Opt::NoPie, false)
}

/// Whether a loader decides where the output's data and functions are.
fn is_placed_by_loader(config: &Config, values: &Values<'_>) -> bool {
    config.link.kind == OutputKind::SharedLibrary || is_pie(values)
}

fn relocatable(config: &Config, values: &mut Values<'_>) {
    let link = &config.link;
    if matches!(link.symbols.entry, Entry::Symbol(_)) {
        values.error("entry point specified for relocatable output file");
    }
    if link.content.gc_sections {
        values.error("-r and --gc-sections may not be used together");
    }
    if link.content.compress_relocations {
        values.error("-r -and --compress-relocations may not be used together");
    }
    if !link.symbols.undefined.is_empty() {
        values.error("-r -and --undefined may not be used together");
    }
    if is_pie(values) {
        values.error("-r and -pie may not be used together");
    }
    if link.memory.shared {
        values.error("-r and --shared-memory may not be used together");
    }
    if link.memory.global_base.is_some() {
        values.error("-r and --global-base may not by used together");
    }
}

/// Libraries of WASI have to come from somewhere.
fn needs_sysroot(config: &Config, values: &mut Values<'_>) {
    let wasi = &config.own.wasi;
    if wasi.sysroot.is_some() {
        return;
    }
    for opt in [Opt::LinkLibcxx, Opt::LinkLibc, Opt::WasiEmulated] {
        if values.has(opt) {
            let spec = &OPTIONS[opt as usize];
            let shown = spelled_with_value(spec, &spec.forms[0]);
            values.error(format!("{shown} needs --wasi-sysroot=<dir>"));
            return;
        }
    }
}

/// Warnings about what is not settled in the tool conventions.
fn unstable(config: &Config, values: &mut Values<'_>) {
    let experimental = config.link.dynamic.experimental_pic;
    if config.link.kind == OutputKind::SharedLibrary && !experimental {
        values.warning("creating shared libraries, with -shared, is not yet stable");
    }
    if is_pie(values) && !experimental {
        values.warning("creating PIEs, with -pie, is not yet stable");
    }
    if config.link.symbols.unresolved == Unresolved::ImportDynamic && !experimental {
        values.warning("dynamic imports are not yet stable (--unresolved-symbols=import-dynamic)");
    }
    if config.link.dynamic.bsymbolic && config.link.kind != OutputKind::SharedLibrary {
        values.warning("-Bsymbolic is only meaningful when combined with -shared");
    }
}
