//! Phase 3: what the output needs. From the roots (the entry, exports, init functions,
//! retained segments) follows the relocations of live chunks; what is not reached is left
//! out.

use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::{RelocTarget, RelocType};

use super::ids::{FileId, ObjFunc, ObjSegment, ObjSymbol};
use super::liveness::{FileLiveness, Liveness};
use super::object::{Chunk, ObjTarget, Object};
use super::options::{Options, OutputKind};
use super::resolution::{Definition, Resolution, Symbol, SymbolRef};

/// Marks what is reached; everything under `--no-gc-sections`.
pub fn mark(resolution: &Resolution<'_>, options: &Options) -> Liveness {
    if !options.gc_sections || options.is_relocatable() {
        return everything(resolution);
    }
    let mut marker = Marker {
        resolution,
        live: Liveness {
            files: resolution
                .objects
                .iter()
                .map(|object| FileLiveness {
                    any: !object.from_archive,
                    functions: vec![false; object.functions.len()],
                    segments: vec![false; object.segments.len()],
                    globals: vec![false; object.globals.len()],
                    tables: vec![false; object.tables.len()],
                    tags: vec![false; object.tags.len()],
                })
                .collect(),
            symbols: vec![false; resolution.symbols.len()],
        },
        queue: Vec::new(),
    };
    marker.roots(options);
    marker.run();
    marker.call_ctors();
    marker.live
}

/// Whether a symbol is exported from the output, if it is live.
pub fn is_exported(symbol: &Symbol<'_>, options: &Options) -> bool {
    // What another module defines, that one exports.
    if matches!(
        symbol.definition,
        Definition::Undefined | Definition::Shared(_)
    ) {
        return false;
    }
    // The dynamic linker may choose this module's weak definition for everybody.
    let offered = options.output == OutputKind::Shared && symbol.weak && !symbol.hidden;
    offered
        || options.export_all
        || (options.export_dynamic && !symbol.hidden)
        || symbol.force_export
        || symbol.exported_flag
}

fn everything(resolution: &Resolution<'_>) -> Liveness {
    let files = resolution
        .objects()
        .map(|(file, object)| FileLiveness {
            any: true,
            functions: (0..object.functions.len())
                .map(|i| !resolution.function_discarded(file, ObjFunc(i as u32)))
                .collect(),
            segments: (0..object.segments.len())
                .map(|i| !resolution.segment_discarded(file, ObjSegment(i as u32)))
                .collect(),
            globals: named_globals(object),
            tables: vec![true; object.tables.len()],
            tags: vec![true; object.tags.len()],
        })
        .collect();
    Liveness {
        files,
        symbols: vec![true; resolution.symbols.len()],
    }
}

/// Which globals a symbol names. Of the others relocations cannot speak: an object file
/// that a linker wrote has some in place of addresses that its code asks for.
fn named_globals(object: &Object<'_>) -> Vec<bool> {
    let mut named = vec![false; object.globals.len()];
    for symbol in &object.symbols {
        if let ObjTarget::Global(global) = symbol.target {
            named[global.index()] = true;
        }
    }
    named
}

#[derive(Debug, Clone, Copy)]
enum Item {
    Function(FileId, ObjFunc),
    Segment(FileId, ObjSegment),
}

struct Marker<'r, 'a> {
    resolution: &'r Resolution<'a>,
    live: Liveness,
    queue: Vec<Item>,
}

impl<'a> Marker<'_, 'a> {
    fn roots(&mut self, options: &Options) {
        let resolution = self.resolution;
        if let Some(entry) = resolution.entry {
            self.reach(SymbolRef::Global(entry));
        }
        for (id, symbol) in resolution.symbols() {
            let kept = symbol.no_strip && symbol.used_in_object;
            let wanted = match symbol.definition {
                // Stubs are there for those who call them.
                Definition::Stub(_) => false,
                // It is exported if there is one.
                Definition::IndirectFunctionTable => kept,
                _ => kept || is_exported(symbol, options),
            };
            if wanted {
                self.reach(SymbolRef::Global(id));
            }
        }
        for id in [
            resolution.call_dtors,
            // The loader's stack pointer is imported by those who use it.
            (resolution.made.stack_pointer).filter(|_| !options.is_pic()),
            resolution.made.memory_base,
            resolution.made.table_base,
            // What a loader may look for is there, if only to do nothing.
            (resolution.made.call_ctors).filter(|_| options.is_pic()),
        ]
        .into_iter()
        .flatten()
        {
            self.reach(SymbolRef::Global(id));
        }
        for (file, _) in resolution.objects() {
            if self.live.files[file.index()].any {
                self.implied(file);
            }
        }
    }

    /// What a live file keeps although no relocation leads there: init functions, which
    /// `__wasm_call_ctors` calls, and retained segments.
    fn implied(&mut self, file: FileId) {
        let object = self.resolution.object(file);
        for init in &object.init_funcs {
            self.reach(self.resolution.symbol_ref(file, init.symbol));
        }
        for (i, segment) in object.segments.iter().enumerate() {
            if segment.flags.contains(SegmentFlags::RETAIN) {
                self.segment(file, ObjSegment(i as u32));
            }
        }
    }

    fn reach(&mut self, symbol: SymbolRef) {
        if let SymbolRef::Global(id) = symbol {
            if self.live.symbols[id.index()] {
                return;
            }
            self.live.symbols[id.index()] = true;
        }
        let Definition::Object {
            file,
            symbol: entry,
        } = self.resolution.definition(symbol)
        else {
            return;
        };
        let live = &mut self.live.files[file.index()];
        match self.resolution.target(file, entry) {
            ObjTarget::Function(function) => self.function(file, function),
            ObjTarget::Data { segment, .. } => self.segment(file, segment),
            ObjTarget::Global(global) => {
                live.globals[global.index()] = true;
                self.file(file);
            }
            ObjTarget::Table(table) => {
                live.tables[table.index()] = true;
                self.file(file);
            }
            ObjTarget::Tag(tag) => {
                live.tags[tag.index()] = true;
                self.file(file);
            }
            ObjTarget::Absolute { .. } => self.file(file),
            ObjTarget::Section(_) | ObjTarget::Undefined { .. } => {}
        }
    }

    fn function(&mut self, file: FileId, function: ObjFunc) {
        let live = &mut self.live.files[file.index()].functions[function.index()];
        if !*live && !self.resolution.function_discarded(file, function) {
            *live = true;
            self.queue.push(Item::Function(file, function));
            self.file(file);
        }
    }

    fn segment(&mut self, file: FileId, segment: ObjSegment) {
        let live = &mut self.live.files[file.index()].segments[segment.index()];
        if !*live && !self.resolution.segment_discarded(file, segment) {
            *live = true;
            self.queue.push(Item::Segment(file, segment));
            self.file(file);
        }
    }

    /// Something of a file is live. An archive member's init functions run only then.
    fn file(&mut self, file: FileId) {
        if !std::mem::replace(&mut self.live.files[file.index()].any, true) {
            self.implied(file);
        }
    }

    fn run(&mut self) {
        while let Some(item) = self.queue.pop() {
            let (file, chunk): (FileId, Chunk<'a>) = match item {
                Item::Function(file, function) => (
                    file,
                    self.resolution.object(file).functions[function.index()].chunk,
                ),
                Item::Segment(file, segment) => (
                    file,
                    self.resolution.object(file).segments[segment.index()].chunk,
                ),
            };
            for reloc in chunk.relocs.iter() {
                if reloc.ty.target() == RelocTarget::Type {
                    continue;
                }
                let symbol = self.resolution.symbol_ref(file, ObjSymbol(reloc.target));
                // The address of a stub is null: taking it needs no stub.
                let null = takes_slot(reloc.ty)
                    && matches!(self.resolution.definition(symbol), Definition::Stub(_));
                if !null {
                    self.reach(symbol);
                }
            }
        }
    }

    /// `__wasm_call_ctors` is needed where it has something to call.
    fn call_ctors(&mut self) {
        let Some(ctors) = self.resolution.made.call_ctors else {
            return;
        };
        let any = self.resolution.objects().any(|(file, object)| {
            object.init_funcs.iter().any(|init| {
                let symbol = self.resolution.symbol_ref(file, init.symbol);
                self.live.symbol(self.resolution, symbol)
            })
        });
        if any {
            self.live.symbols[ctors.index()] = true;
        }
    }
}

/// Whether a relocation's value is a slot of the indirect function table.
pub fn takes_slot(ty: RelocType) -> bool {
    use RelocType as R;
    matches!(
        ty,
        R::TableIndexSleb
            | R::TableIndexI32
            | R::TableIndexSleb64
            | R::TableIndexI64
            | R::TableIndexRelSleb
            | R::TableIndexRelSleb64
    )
}
