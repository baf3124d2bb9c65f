//! Options that do not go together, and options that are missing.

use super::values::Values;
use super::{Config, Entry, OutputKind, Strip, Unresolved};
use crate::options::{OPTIONS, Opt, spelled_with_value};

/// Reports what cannot be linked whatever the inputs are.
pub(super) fn check(config: &Config, values: &mut Values<'_>) {
    if config.request.is_some() {
        return;
    }
    let link = &config.link;
    if link.inputs.is_empty() {
        if !config.print_version {
            values.error("no input files");
        }
        return;
    }
    if link.output.is_none() {
        values.error("no output file specified");
    }
    if link.content.compress_relocations && link.content.strip == Strip::Nothing {
        values.error(
            "--compress-relocations is incompatible with output debug information. \
             Please pass --strip-debug or --strip-all",
        );
    }
    match link.kind {
        OutputKind::Relocatable => relocatable(config, values),
        OutputKind::SharedLibrary if values.flag(Opt::Pie, Opt::NoPie, false) => {
            values.error("-shared and -pie may not be used together");
        }
        _ => {}
    }
    let placed = matches!(
        link.kind,
        OutputKind::SharedLibrary | OutputKind::PieExecutable
    );
    if placed && link.memory.global_base.is_some() {
        values.error("--global-base may not be used with -shared/-pie");
    }
    if link.memory.import_table && link.memory.export_table {
        values.error("--import-table and --export-table may not be used together");
    }
    if !link.memory.growable && link.memory.max_memory.is_some() {
        values.error("--max-memory is incompatible with --no-growable-memory");
    }
    needs_sysroot(config, values);
    unstable(config, values);
}

fn relocatable(config: &Config, values: &mut Values<'_>) {
    let link = &config.link;
    if values.flag(Opt::Pie, Opt::NoPie, false) {
        values.error("-r and -pie may not be used together");
    }
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
    if link.memory.export_table {
        values.error("--relocatable is incompatible with --export-table");
    }
    if link.memory.growable_table {
        values.error("--relocatable is incompatible with --growable-table");
    }
    if link.memory.shared {
        values.error("-r and --shared-memory may not be used together");
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
    if config.link.kind == OutputKind::PieExecutable && !experimental {
        values.warning("creating PIEs, with -pie, is not yet stable");
    }
    if config.link.symbols.unresolved == Unresolved::ImportDynamic && !experimental {
        values.warning("dynamic imports are not yet stable (--unresolved-symbols=import-dynamic)");
    }
    if config.link.dynamic.bsymbolic && config.link.kind != OutputKind::SharedLibrary {
        values.warning("-Bsymbolic is only meaningful when combined with -shared");
    }
}
