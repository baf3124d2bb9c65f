//! The `dylink.0` section of output for a loader (tool-conventions DynamicLinking.md): what
//! that has to know.

use wasm_format::dylink::{DylinkExport, DylinkImport, DylinkSection, MemInfo};
use wasm_format::linking::{SymbolFlags, SymbolKind};

use super::entries::Sources;
use super::linking_tables::collect_flags;
use crate::pass::synthesize::{ExportTarget, import_name};
use crate::resolve::resolution::{Definition, Symbol};

/// The section's contents after its name.
pub(crate) fn write(sources: &Sources<'_, '_>) -> Vec<u8> {
    let (plan, options) = (sources.plan, sources.options);
    let memory = &plan.memory;
    let exports: Vec<DylinkExport<'_>> = sources
        .synthesis
        .exports
        .iter()
        .filter_map(|export| match export.what {
            ExportTarget::Symbol(id) => Some((export.name, sources.resolution.symbol(id))),
            ExportTarget::Wrapper(_)
            | ExportTarget::Made(_)
            | ExportTarget::Stub(_)
            | ExportTarget::Address(_) => None,
        })
        .filter(|(_, symbol)| symbol.kind == SymbolKind::Data && symbol.tls)
        .map(|(name, symbol)| DylinkExport {
            name,
            flags: flags(symbol),
        })
        .collect();
    // Weak references without a definition are no error when the module is loaded.
    let imports: Vec<DylinkImport<'_>> = sources
        .resolution
        .symbols()
        .filter(|&(id, symbol)| {
            symbol.definition == Definition::Undefined
                && symbol.weak
                && sources.liveness.reached(id)
        })
        .map(|(_, symbol)| {
            let (module, field) = import_name(symbol, options);
            DylinkImport {
                module,
                field,
                flags: flags(symbol),
            }
        })
        .collect();
    let needed: Vec<&str> = sources
        .resolution
        .shared
        .iter()
        .map(|library| &*library.file_name)
        .collect();
    let runtime_path: Vec<&str> = options.pic.rpath.iter().map(String::as_str).collect();
    // What has its place already needs none from a loader. Its alignment stands here all the
    // same, as in wasm-ld's output.
    let memory_size = if options.is_pic() {
        memory.data_end as u32
    } else {
        0
    };
    let mut out = Vec::new();
    DylinkSection {
        mem_info: Some(MemInfo {
            memory_size,
            memory_align_log2: memory.align_log2,
            table_size: plan.slots.functions.len() as u32,
            table_align_log2: 0,
        }),
        needed: &needed,
        exports: &exports,
        imports: &imports,
        runtime_path: &runtime_path,
    }
    .encode(&mut out);
    out
}

/// A symbol's flags as the linking section would have them.
fn flags(symbol: &Symbol<'_>) -> SymbolFlags {
    collect_flags(&[
        (symbol.weak, SymbolFlags::BINDING_WEAK),
        (symbol.hidden, SymbolFlags::VISIBILITY_HIDDEN),
        (
            symbol.definition == Definition::Undefined,
            SymbolFlags::UNDEFINED,
        ),
        (symbol.exported_flag, SymbolFlags::EXPORTED),
        (symbol.explicit_name_flag, SymbolFlags::EXPLICIT_NAME),
        (symbol.no_strip, SymbolFlags::NO_STRIP),
        (symbol.tls, SymbolFlags::TLS),
    ])
}
