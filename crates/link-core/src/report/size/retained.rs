//! Why each symbol of the report is there, what would go with it, and what is not there.

use std::cmp::Reverse;

use super::size_rows::Rows;
use super::{DroppedPart, SizedKind, SizedSymbol};
use crate::demangle::Demangler;
use crate::emit::Sources;
use crate::ids::{FuncIndex, ObjFunc, ObjSegment};
use crate::input::object::ObjTarget;
use crate::par;
use crate::report::dominators::NONE;
use crate::report::reference_graph::{GraphNode, KeptHow, ReferenceGraph};
use crate::resolve::resolution::SymbolRef;

/// The rows of a node.
fn rows_of(sources: &Sources<'_, '_>, rows: &Rows<'_>, node: GraphNode) -> std::ops::Range<u32> {
    let plan = sources.plan;
    let row = match node {
        GraphNode::Root | GraphNode::File(_) => None,
        GraphNode::Segment(file, segment) => return rows.segment(file, segment),
        GraphNode::Function(file, function) => {
            let index: Option<FuncIndex> = plan.functions.of(file, function);
            index.and_then(|index| rows.function(index))
        }
        GraphNode::Global(file, global) => {
            let index = plan.globals.object(file, global);
            index.and_then(|index| rows.global(index.0))
        }
        GraphNode::Table(file, table) => {
            let index = plan.tables.object(file, table);
            index.and_then(|index| rows.table(index.0))
        }
        GraphNode::Tag(file, tag) => {
            let index = plan.tags.object(file, tag);
            index.and_then(|index| rows.tag(index.0))
        }
        GraphNode::Symbol(id) => rows.of_symbol(sources, SymbolRef::Global(id)),
    };
    row.map_or(0..0, |row| row..row + 1)
}

/// Says of each symbol what keeps it and what it retains.
pub(super) fn add(
    symbols: &mut [SizedSymbol],
    sources: &Sources<'_, '_>,
    rows: &Rows<'_>,
    graph: &ReferenceGraph<'_, '_>,
) {
    let mut nodes = vec![NONE; symbols.len()];
    let mut own = vec![0; graph.nodes().end as usize];
    for node in graph.nodes() {
        if graph.reached(node).is_none() {
            continue;
        }
        for row in rows_of(sources, rows, graph.node(node)) {
            // Several names of one import count once.
            if nodes[row as usize] == NONE {
                nodes[row as usize] = node;
                own[node as usize] += symbols[row as usize].total;
            }
        }
    }
    let retained = graph.retained(&own);
    let found = par::map_many(symbols.len(), |row| {
        let node = nodes[row];
        let (how, by) = graph.kept(Some(node).filter(|&node| node != NONE)?)?;
        let by = by.and_then(|by| match graph.node(by.by) {
            GraphNode::Segment(file, segment) => rows.at(file, segment, by.at.into()),
            other => rows_of(sources, rows, other).next(),
        });
        Some((how, by, retained[node as usize]))
    });
    for (symbol, found) in symbols.iter_mut().zip(found) {
        (symbol.how, symbol.by, symbol.retained) =
            found.unwrap_or((KeptHow::Linker, None, symbol.total));
    }
}

/// What garbage collection dropped; the largest first.
pub(super) fn dropped(sources: &Sources<'_, '_>) -> Vec<DroppedPart> {
    let (resolution, options) = (sources.resolution, sources.options);
    if !options.gc_sections || options.is_relocatable() {
        return Vec::new();
    }
    let of_file = |demangler: &mut Demangler, file: usize| {
        let file = crate::ids::FileId(file as u32);
        let object = resolution.object(file);
        let live = &sources.liveness.files[file.index()];
        let mut dropped = Vec::new();
        let mut add = |name: &str, kind, place: &str, size: u64| {
            let shown = demangler.demangle(name);
            dropped.push(DroppedPart {
                name: name.into(),
                demangled: (options.demangle && shown != name).then(|| shown.into()),
                kind,
                input: file.0,
                place: place.into(),
                size,
            });
        };
        for (function, _) in (0..)
            .map(ObjFunc)
            .zip(&live.functions)
            .filter(|(_, live)| !**live)
        {
            if !resolution.function_discarded(file, function) {
                let name = object.any_function_name(function).unwrap_or_default();
                let size = object.functions.body_len(function);
                add(name, SizedKind::Function, "", size.into());
            }
        }
        if live.segments.contains(&false) {
            let mut names = vec![""; object.segments.len()];
            for symbol in object.symbols.iter().rev() {
                if let ObjTarget::Data { segment, .. } = object.symbols.target(symbol) {
                    names[segment.index()] = symbol.name;
                }
            }
            for (i, segment) in object.segments.iter().enumerate() {
                let id = ObjSegment(i as u32);
                let size = segment.chunk.bytes.len() as u64;
                if !live.segments[i] && size > 0 && !resolution.segment_discarded(file, id) {
                    add(names[i], SizedKind::Data, segment.name, size);
                }
            }
        }
        dropped
    };
    let files = (0..resolution.objects.len()).collect();
    let of_files = par::map_with(files, Demangler::default, of_file);
    let mut dropped: Vec<DroppedPart> = of_files.into_iter().flatten().collect();
    // Equal sizes stay in the order of the files.
    dropped.sort_by_key(|part| Reverse(part.size));
    dropped
}
