//! The symbols of a size report, and which of them owns an index or a place of the output.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::SizedKind;
use crate::emit::Sources;
use crate::ids::{FileId, FuncIndex, ObjGlobal, ObjSegment, ObjSymbol, ObjTable, ObjTag};
use crate::input::object::ObjTarget;
use crate::pass::synthesize::{ExportTarget, SynthFunction, import_name};
use crate::plan::SegmentPlace;
use crate::resolve::resolution::{COMMAND_EXPORT, Definition, SymbolRef};
use wasm_format::linking::SymbolKind;

/// No row.
const NONE: u32 = u32::MAX;

/// A symbol of the report.
#[derive(Debug, Clone)]
pub(super) struct SizeRow<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) kind: SizedKind,
    pub(super) file: Option<FileId>,
    pub(super) place: Cow<'a, str>,
    /// Where it begins in its segment.
    pub(super) start: u64,
    /// Its bytes there.
    pub(super) len: u64,
}

/// Rows that one after another make a segment of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentRows {
    first: u32,
    count: u32,
}

/// The symbols of a report.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) list: Vec<SizeRow<'a>>,
    /// By the output's function index.
    functions: Vec<u32>,
    /// By the output's global index; the addresses of exported data follow.
    globals: Vec<u32>,
    tables: Vec<u32>,
    tags: Vec<u32>,
    /// For each object, the rows of its segments.
    segments: Vec<Vec<SegmentRows>>,
}

fn set(list: &mut Vec<u32>, index: u32, row: u32) {
    let index = index as usize;
    if list.len() <= index {
        list.resize(index + 1, NONE);
    }
    list[index] = row;
}

fn get(list: &[u32], index: u32) -> Option<u32> {
    list.get(index as usize).copied().filter(|&row| row != NONE)
}

/// What one object adds.
#[derive(Default)]
struct FileRows<'a> {
    rows: Vec<SizeRow<'a>>,
    segments: Vec<SegmentRows>,
}

impl<'a> Rows<'a> {
    pub(super) fn collect(sources: &Sources<'_, 'a>) -> Self {
        let mut rows = Self::default();
        rows.add_imports(sources);
        rows.add_made(sources);
        rows.add_objects(sources);
        let (resolution, plan) = (sources.resolution, sources.plan);
        for (nth, &symbol) in sources.synthesis.wrappers.iter().enumerate() {
            let name = format!("{}{COMMAND_EXPORT}", resolution.symbol(symbol).name);
            let row = rows.push(name.into(), SizedKind::Function, None, "".into());
            set(
                &mut rows.functions,
                plan.functions.wrapper(nth as u32).0,
                row,
            );
        }
        for (index, name) in (plan.functions.first_helper().0..).zip(&plan.helper_names) {
            let row = rows.push(name.clone().into(), SizedKind::Function, None, "".into());
            set(&mut rows.functions, index, row);
        }
        for &symbol in &sources.synthesis.got_internal {
            if let Some(index) = plan.globals.got(symbol) {
                let name = format!("GOT.{}", resolution.name(symbol));
                let row = rows.push(name.into(), SizedKind::Global, None, "".into());
                set(&mut rows.globals, index.0, row);
            }
        }
        rows.add_exported_addresses(sources);
        rows
    }

    fn push(
        &mut self,
        name: Cow<'a, str>,
        kind: SizedKind,
        file: Option<FileId>,
        place: Cow<'a, str>,
    ) -> u32 {
        self.list.push(SizeRow {
            name,
            kind,
            file,
            place,
            start: 0,
            len: 0,
        });
        self.list.len() as u32 - 1
    }

    fn add_imports(&mut self, sources: &Sources<'_, 'a>) {
        let (resolution, plan) = (sources.resolution, sources.plan);
        let mut next = [0; 4];
        for &id in &sources.synthesis.imports {
            let symbol = resolution.symbol(id);
            let (module, _) = import_name(symbol, sources.options);
            let module = module.to_owned();
            let (kind, nth, list) = match symbol.kind {
                SymbolKind::Function => (SizedKind::FunctionImport, 0, &mut self.functions),
                SymbolKind::Global => (SizedKind::GlobalImport, 1, &mut self.globals),
                SymbolKind::Table => (SizedKind::TableImport, 2, &mut self.tables),
                SymbolKind::Tag => (SizedKind::TagImport, 3, &mut self.tags),
                // Synthesis lists no other kind.
                _ => continue,
            };
            let row = self.list.len() as u32;
            set(list, next[nth], row);
            next[nth] += 1;
            self.push(symbol.name.into(), kind, None, module.into());
        }
        for &symbol in &sources.synthesis.got_imports {
            let module = match resolution.kind(symbol) {
                SymbolKind::Function => "GOT.func",
                _ => "GOT.mem",
            };
            let name = resolution.name(symbol);
            let row = self.push(name.into(), SizedKind::GlobalImport, None, module.into());
            if let Some(index) = plan.globals.got(symbol) {
                set(&mut self.globals, index.0, row);
            }
        }
    }

    fn add_made(&mut self, sources: &Sources<'_, 'a>) {
        let (resolution, plan) = (sources.resolution, sources.plan);
        let functions = sources.synthesis.functions.iter();
        for (index, &function) in (plan.functions.imported..).zip(functions) {
            let name = match function {
                SynthFunction::Made(made) => made.name().into(),
                SynthFunction::Stub(stub) => {
                    let stub = sources.synthesis.stubs[stub as usize];
                    format!("{}{}", stub.prefix, stub.name).into()
                }
            };
            let row = self.push(name, SizedKind::Function, None, "".into());
            set(&mut self.functions, index, row);
        }
        for &made in &sources.synthesis.globals {
            if let Some(index) = plan.globals.made(made) {
                let name = made.name(resolution.made.is_cooperative());
                let row = self.push(name.into(), SizedKind::Global, None, "".into());
                set(&mut self.globals, index.0, row);
            }
        }
        if let Some(index) = plan.tables.indirect
            && get(&self.tables, index.0).is_none()
        {
            let name = "__indirect_function_table";
            let row = self.push(name.into(), SizedKind::Table, None, "".into());
            set(&mut self.tables, index.0, row);
        }
    }

    fn add_objects(&mut self, sources: &Sources<'_, 'a>) {
        let (resolution, plan) = (sources.resolution, sources.plan);
        let of_files = resolution.map_objects(|file, _| file_rows(sources, file));
        for (file, object) in resolution.objects() {
            let added = &of_files[file.index()];
            let first = self.list.len() as u32;
            let shift = |rows: &SegmentRows| SegmentRows {
                first: first + rows.first,
                count: rows.count,
            };
            self.segments
                .push(added.segments.iter().map(shift).collect());
            self.list.extend(added.rows.iter().cloned());
            for (row, function) in (first..).zip(sources.liveness.functions(file)) {
                if let Some(index) = plan.functions.of(file, function) {
                    set(&mut self.functions, index.0, row);
                }
            }
            let live = &sources.liveness.files[file.index()];
            for (i, global) in live_of(&object.globals, &live.globals) {
                if let Some(index) = plan.globals.object(file, ObjGlobal(i)) {
                    let row =
                        self.push(global.name.into(), SizedKind::Global, Some(file), "".into());
                    set(&mut self.globals, index.0, row);
                }
            }
            for (i, table) in live_of(&object.tables, &live.tables) {
                if let Some(index) = plan.tables.object(file, ObjTable(i)) {
                    let row = self.push(table.name.into(), SizedKind::Table, Some(file), "".into());
                    set(&mut self.tables, index.0, row);
                }
            }
            for (i, tag) in live_of(&object.tags, &live.tags) {
                if let Some(index) = plan.tags.object(file, ObjTag(i)) {
                    let row = self.push(tag.name.into(), SizedKind::Tag, Some(file), "".into());
                    set(&mut self.tags, index.0, row);
                }
            }
        }
    }

    /// Data is exported as a global that holds its address. Those globals come last.
    fn add_exported_addresses(&mut self, sources: &Sources<'_, 'a>) {
        let mut index = sources.plan.globals.count;
        for export in &sources.synthesis.exports {
            if sources.exported_address(export.what).is_none() {
                continue;
            }
            let row = match export.what {
                ExportTarget::Symbol(id) => self.of_symbol(sources, SymbolRef::Global(id)),
                ExportTarget::Wrapper(_)
                | ExportTarget::Made(_)
                | ExportTarget::Stub(_)
                | ExportTarget::Address(_) => None,
            };
            set(&mut self.globals, index, row.unwrap_or(NONE));
            index += 1;
        }
    }

    /// The row of a function of the output.
    pub(super) fn function(&self, index: FuncIndex) -> Option<u32> {
        get(&self.functions, index.0)
    }

    pub(super) fn global(&self, index: u32) -> Option<u32> {
        get(&self.globals, index)
    }

    pub(super) fn table(&self, index: u32) -> Option<u32> {
        get(&self.tables, index)
    }

    pub(super) fn tag(&self, index: u32) -> Option<u32> {
        get(&self.tags, index)
    }

    /// The rows that make a segment of an object, in the order of their first bytes; none if it
    /// is not in the output.
    pub(super) fn segment(&self, file: FileId, segment: ObjSegment) -> std::ops::Range<u32> {
        let rows = self.segments[file.index()][segment.index()];
        rows.first..rows.first + rows.count
    }

    /// The row that has a byte of a segment.
    pub(super) fn at(&self, file: FileId, segment: ObjSegment, offset: u64) -> Option<u32> {
        let range = self.segment(file, segment);
        let rows = &self.list[range.start as usize..range.end as usize];
        let after = rows.partition_point(|row| row.start <= offset);
        (!rows.is_empty()).then(|| range.start + after.saturating_sub(1) as u32)
    }

    /// The row of what a symbol means.
    pub(super) fn of_symbol(&self, sources: &Sources<'_, 'a>, symbol: SymbolRef) -> Option<u32> {
        let (resolution, plan) = (sources.resolution, sources.plan);
        let Definition::Object {
            file,
            symbol: entry,
        } = resolution.definition(symbol)
        else {
            let places = plan.places(resolution, sources.liveness);
            return match places.symbol(symbol) {
                crate::plan::Value::Function(index) => self.function(index),
                crate::plan::Value::Global(index) => self.global(index.0),
                crate::plan::Value::Table(index) => self.table(index.0),
                crate::plan::Value::Tag(index) => self.tag(index.0),
                crate::plan::Value::Address(_)
                | crate::plan::Value::Dead
                | crate::plan::Value::Undefined
                | crate::plan::Value::Section => None,
            };
        };
        match resolution.target(file, entry) {
            ObjTarget::Function(function) => self.function(plan.functions.of(file, function)?),
            ObjTarget::Data {
                segment, offset, ..
            } => self.at(file, segment, offset),
            ObjTarget::Global(global) => self.global(plan.globals.object(file, global)?.0),
            ObjTarget::Table(table) => self.table(plan.tables.object(file, table)?.0),
            ObjTarget::Tag(tag) => self.tag(plan.tags.object(file, tag)?.0),
            ObjTarget::Section(_) | ObjTarget::Absolute { .. } | ObjTarget::Undefined { .. } => {
                None
            }
        }
    }
}

fn live_of<'o, T>(all: &'o [T], live: &'o [bool]) -> impl Iterator<Item = (u32, &'o T)> {
    let all = (0..).zip(all).zip(live);
    all.filter_map(|(item, live)| live.then_some(item))
}

/// The functions of an object, then its segments cut by its symbols.
fn file_rows<'a>(sources: &Sources<'_, 'a>, file: FileId) -> FileRows<'a> {
    let object = sources.resolution.object(file);
    let mut added = FileRows::default();
    for function in sources.liveness.functions(file) {
        let name = object.any_function_name(function).unwrap_or_default();
        added.rows.push(SizeRow {
            name: name.into(),
            kind: SizedKind::Function,
            file: Some(file),
            place: "".into(),
            start: 0,
            len: object.functions.body_len(function).into(),
        });
    }
    let mut places = Vec::new();
    for (i, entry) in object.symbols.iter().enumerate() {
        if let ObjTarget::Data {
            segment,
            offset,
            size,
        } = object.symbols.target(entry)
            && sources.liveness.segment(file, segment)
        {
            places.push((segment, offset, Reverse(size), ObjSymbol(i as u32)));
        }
    }
    places.sort_unstable();
    let mut places = places.into_iter().peekable();
    for (i, segment) in object.segments.iter().enumerate() {
        let id = ObjSegment(i as u32);
        let first = added.rows.len();
        let placed = sources.plan.data.files[file.index()][i];
        let kind = match placed {
            SegmentPlace::Absent => None,
            SegmentPlace::Whole { .. } => Some(SizedKind::Data),
            SegmentPlace::Strings { .. } => Some(SizedKind::Strings),
        };
        if let Some(kind) = kind {
            let row = |name: &'a str, start, end: u64| SizeRow {
                name: name.into(),
                kind,
                file: Some(file),
                place: segment.name.into(),
                start,
                len: end - start,
            };
            let mut at = 0;
            while let Some((_, offset, Reverse(size), symbol)) =
                places.next_if(|&(of, ..)| of == id)
            {
                let name = object.symbols[symbol.index()].name;
                // Strings move: the symbols within a segment of them have no places of their own.
                if kind == SizedKind::Strings {
                    if added.rows.len() == first {
                        added.rows.push(row(name, 0, segment.size));
                    } else {
                        added.rows[first].name = "".into();
                    }
                    at = segment.size;
                    continue;
                }
                let end = offset.saturating_add(size).min(segment.size);
                if offset > at {
                    added.rows.push(row("", at, offset));
                    at = offset;
                }
                // A further name of the same bytes owns none of them.
                if end > at || size == 0 && segment.size == 0 && added.rows.len() == first {
                    added.rows.push(row(name, at, end.max(at)));
                    at = end.max(at);
                }
            }
            if at < segment.size || added.rows.len() == first {
                added.rows.push(row("", at, segment.size));
            }
        } else {
            while places.next_if(|&(of, ..)| of == id).is_some() {}
        }
        added.segments.push(SegmentRows {
            first: first as u32,
            count: (added.rows.len() - first) as u32,
        });
    }
    added
}
