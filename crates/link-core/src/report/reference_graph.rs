//! The graph of references between the parts of a link, and how the GC roots lead to each part.

use std::ops::Range;

use super::dominators::{Dominators, Edges, NONE};
use crate::hash::HashMap;
use crate::ids::{FileId, ObjFunc, ObjGlobal, ObjSegment, ObjTable, ObjTag, SymbolId};
use crate::input::object::{ObjTarget, Object};
use crate::options::Options;
use crate::pass::mark::{
    Implied, Liveness, each_implied, elements_of, is_exported, references, root_symbols,
};
use crate::resolve::resolution::{Definition, Resolution, SymbolRef};

/// The node that leads to all roots.
const ROOT: u32 = 0;

/// Why a part of the output is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeptHow {
    /// A relocation of another part refers to it.
    Reference,
    /// It is the entry.
    Entry,
    /// `--undefined` names it.
    Undefined,
    /// It is exported.
    Export,
    /// Its source asks to keep it (`WASM_SYMBOL_NO_STRIP`, as for `__attribute__((used))`).
    Used,
    /// It is a constructor of an object that takes part.
    Constructor,
    /// It is the start function of an object that takes part.
    Start,
    /// It is a segment that its object retains (`WASM_SEG_FLAG_RETAIN`).
    Retained,
    /// A loader or the linker's own code needs it.
    Linker,
    /// Nothing is left out: `-r`, or `--no-gc-sections`.
    Everything,
}

impl KeptHow {
    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Entry => "entry",
            Self::Undefined => "undefined",
            Self::Export => "export",
            Self::Used => "used",
            Self::Constructor => "constructor",
            Self::Start => "start",
            Self::Retained => "retained",
            Self::Linker => "linker",
            Self::Everything => "everything",
        }
    }
}

/// A part of the link, in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum GraphNode {
    /// What keeps the roots.
    Root,
    /// An object: what it keeps unasked.
    File(FileId),
    Function(FileId, ObjFunc),
    Segment(FileId, ObjSegment),
    Global(FileId, ObjGlobal),
    Table(FileId, ObjTable),
    Tag(FileId, ObjTag),
    /// A name that no object defines.
    Symbol(SymbolId),
}

/// The numbers of an object's nodes.
#[derive(Debug, Clone, Copy)]
struct FileNodes {
    file: u32,
    functions: u32,
    segments: u32,
    globals: u32,
    tables: u32,
    tags: u32,
    end: u32,
}

impl FileNodes {
    fn of(object: &Object<'_>, file: u32) -> Self {
        let functions = file + 1;
        let segments = functions + object.functions.len() as u32;
        let globals = segments + object.segments.len() as u32;
        let tables = globals + object.globals.len() as u32;
        let tags = tables + object.tables.len() as u32;
        Self {
            file,
            functions,
            segments,
            globals,
            tables,
            tags,
            end: tags + object.tags.len() as u32,
        }
    }
}

/// How a node is reached on the shortest way from a root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// The node before it.
    pub(super) by: u32,
    /// Where in that the reference is.
    pub(super) at: u32,
}

/// The references between the parts of a link.
pub(crate) struct ReferenceGraph<'l, 'a> {
    pub(super) resolution: &'l Resolution<'a>,
    pub(super) liveness: &'l Liveness,
    options: &'l Options,
    /// Why the nodes that the root leads to are there.
    roots: HashMap<u32, KeptHow>,
    files: Vec<FileNodes>,
    /// The first node of a name.
    symbols: u32,
    edges: Edges,
    /// For each edge, the place of the reference in its chunk.
    places: Vec<u32>,
    /// For each node, how it is reached; `by` is [`NONE`] for one that is not.
    reached: Vec<Reached>,
}

/// Edges of some nodes, in the nodes' order.
#[derive(Default)]
struct EdgeList {
    /// For each node, how many it has.
    counts: Vec<u32>,
    targets: Vec<u32>,
    places: Vec<u32>,
}

impl EdgeList {
    /// Adds a node, each target once.
    fn push(&mut self, edges: &mut Vec<(u32, u32)>) {
        edges.sort_unstable();
        edges.dedup_by_key(|edge| edge.0);
        self.counts.push(edges.len() as u32);
        self.targets.extend(edges.iter().map(|edge| edge.0));
        self.places.extend(edges.iter().map(|edge| edge.1));
        edges.clear();
    }
}

impl<'l, 'a> ReferenceGraph<'l, 'a> {
    /// Collects the references of live chunks, or of `all`.
    pub(crate) fn collect(
        resolution: &'l Resolution<'a>,
        liveness: &'l Liveness,
        options: &'l Options,
        all: bool,
    ) -> Self {
        let mut files = Vec::with_capacity(resolution.objects.len());
        let mut next = ROOT + 1;
        for (_, object) in resolution.objects() {
            let nodes = FileNodes::of(object, next);
            next = nodes.end;
            files.push(nodes);
        }
        let mut graph = Self {
            resolution,
            liveness,
            options,
            roots: HashMap::default(),
            files,
            symbols: next,
            edges: Edges::default(),
            places: Vec::new(),
            reached: Vec::new(),
        };
        let lists = resolution.map_objects(|file, _| graph.of_file(file, all));
        let count = next as usize + resolution.symbols.len();
        let mut root = EdgeList::default();
        root.push(&mut graph.find_roots());
        graph.join(std::iter::once(root).chain(lists), count);
        graph.search(count);
        let left = graph.unreached();
        if !left.is_empty() {
            // Nothing is left out, so what nothing refers to is a root as well.
            graph.add_roots(&left, count);
        }
        graph
    }

    /// Makes the edges of all nodes of their lists; nodes behind those have none.
    fn join(&mut self, lists: impl Iterator<Item = EdgeList>, count: usize) {
        let mut starts = Vec::with_capacity(count + 1);
        let (mut targets, mut places) = (Vec::new(), Vec::new());
        starts.push(0);
        let mut end = 0;
        for list in lists {
            starts.extend(list.counts.iter().map(|count| {
                end += count;
                end
            }));
            targets.extend(list.targets);
            places.extend(list.places);
        }
        starts.resize(count + 1, end);
        self.edges = Edges::new(starts, targets);
        self.places = places;
    }

    /// The nodes that are there although nothing refers to them.
    fn find_roots(&mut self) -> Vec<(u32, u32)> {
        let resolution = self.resolution;
        let mut roots = Vec::new();
        for id in root_symbols(resolution, self.options) {
            let Some(node) = self.of_symbol(SymbolRef::Global(id)) else {
                continue;
            };
            let symbol = resolution.symbol(id);
            let how = if resolution.entry == Some(id) {
                KeptHow::Entry
            } else if resolution.kept.contains(&id) {
                KeptHow::Undefined
            } else if is_exported(symbol, self.options) {
                KeptHow::Export
            } else if symbol.no_strip {
                KeptHow::Used
            } else {
                KeptHow::Linker
            };
            self.roots.entry(node).or_insert(how);
            roots.push((node, 0));
        }
        for (file, object) in resolution.objects() {
            if !object.from_archive {
                roots.push((self.files[file.index()].file, 0));
            }
        }
        roots
    }

    fn of_file(&self, file: FileId, all: bool) -> EdgeList {
        let (resolution, liveness) = (self.resolution, self.liveness);
        let object = resolution.object(file);
        let nodes = self.files[file.index()];
        let live = &liveness.files[file.index()];
        let mut list = EdgeList::default();
        let mut edges: Vec<(u32, u32)> = Vec::new();
        each_implied(resolution, file, |implied| {
            let node = match implied {
                Implied::Constructor(symbol) | Implied::Start(symbol) => self.of_symbol(symbol),
                Implied::Retained(segment) => {
                    let is_there = !resolution.segment_discarded(file, segment);
                    is_there.then_some(nodes.segments + segment.0)
                }
            };
            edges.extend(node.map(|node| (node, 0)));
        });
        // A live part of an archive's member keeps what the member keeps unasked.
        let member = (object.from_archive && !edges.is_empty()).then_some((nodes.file, 0));
        list.push(&mut edges);
        let mut found = Vec::new();
        let mut add = |is_live: bool, edges: &mut dyn Iterator<Item = (SymbolRef, u32)>| {
            if is_live || all {
                found.extend(edges.filter_map(|(symbol, at)| Some((self.of_symbol(symbol)?, at))));
                found.extend(member);
            }
            list.push(&mut found);
        };
        for (function, &live) in object.functions.ids().zip(&live.functions) {
            let chunk = object.functions.chunk(function);
            add(live, &mut references(resolution, file, chunk));
        }
        for (segment, &live) in object.segments.iter().zip(&live.segments) {
            add(live, &mut references(resolution, file, segment.chunk));
        }
        for &live in &live.globals {
            add(live, &mut std::iter::empty());
        }
        for (table, &live) in (0..).map(ObjTable).zip(&live.tables) {
            let elements = elements_of(resolution, file, table);
            add(live, &mut elements.map(|symbol| (symbol, 0)));
        }
        for &live in &live.tags {
            add(live, &mut std::iter::empty());
        }
        list
    }

    /// The node of what a symbol means; `None` if that is no part of the output.
    pub(super) fn of_symbol(&self, symbol: SymbolRef) -> Option<u32> {
        let Definition::Object {
            file,
            symbol: entry,
        } = self.resolution.definition(symbol)
        else {
            return match symbol {
                SymbolRef::Global(id) => Some(self.symbols + id.index() as u32),
                SymbolRef::Local(..) => None,
            };
        };
        let nodes = self.files[file.index()];
        match self.resolution.target(file, entry) {
            ObjTarget::Function(function) => (!self.resolution.function_discarded(file, function))
                .then_some(nodes.functions + function.0),
            ObjTarget::Data { segment, .. } => (!self.resolution.segment_discarded(file, segment))
                .then_some(nodes.segments + segment.0),
            ObjTarget::Global(global) => Some(nodes.globals + global.0),
            ObjTarget::Table(table) => Some(nodes.tables + table.0),
            ObjTarget::Tag(tag) => Some(nodes.tags + tag.0),
            ObjTarget::Absolute { .. } => Some(nodes.file),
            ObjTarget::Section(_) | ObjTarget::Undefined { .. } => None,
        }
    }

    /// What a node is.
    pub(super) fn node(&self, node: u32) -> GraphNode {
        if node == ROOT {
            return GraphNode::Root;
        }
        if node >= self.symbols {
            return GraphNode::Symbol(SymbolId::new(node - self.symbols));
        }
        let index = self.files.partition_point(|nodes| nodes.file <= node) - 1;
        let file = FileId(index as u32);
        let nodes = self.files[index];
        if node >= nodes.tags {
            GraphNode::Tag(file, ObjTag(node - nodes.tags))
        } else if node >= nodes.tables {
            GraphNode::Table(file, ObjTable(node - nodes.tables))
        } else if node >= nodes.globals {
            GraphNode::Global(file, ObjGlobal(node - nodes.globals))
        } else if node >= nodes.segments {
            GraphNode::Segment(file, ObjSegment(node - nodes.segments))
        } else if node >= nodes.functions {
            GraphNode::Function(file, ObjFunc(node - nodes.functions))
        } else {
            GraphNode::File(file)
        }
    }

    /// All nodes of parts, the root aside.
    pub(super) fn nodes(&self) -> Range<u32> {
        ROOT + 1..self.reached.len() as u32
    }

    /// Whether the output has it.
    pub(super) fn is_live(&self, node: u32) -> bool {
        match self.node(node) {
            GraphNode::Root => true,
            GraphNode::File(file) => self.liveness.files[file.index()].any,
            GraphNode::Function(file, function) => self.liveness.function(file, function),
            GraphNode::Segment(file, segment) => self.liveness.segment(file, segment),
            GraphNode::Global(file, global) => self.liveness.global(file, global),
            GraphNode::Table(file, table) => self.liveness.table(file, table),
            GraphNode::Tag(file, tag) => self.liveness.tag(file, tag),
            GraphNode::Symbol(id) => self.liveness.reached(id),
        }
    }

    /// Finds the shortest way from a root to each node.
    fn search(&mut self, count: usize) {
        let nowhere = Reached { by: NONE, at: 0 };
        let mut reached = vec![nowhere; count];
        reached[ROOT as usize].by = ROOT;
        let mut order = vec![ROOT];
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for edge in self.edges.of(node) {
                let target = self.edges.target(edge);
                let found = &mut reached[target as usize];
                if found.by == NONE {
                    (found.by, found.at) = (node, self.places[edge]);
                    order.push(target);
                }
            }
        }
        self.reached = reached;
    }

    /// Chunks that are live although no root leads to them.
    fn unreached(&self) -> Vec<u32> {
        let is_left = |&node: &u32| {
            let is_chunk = matches!(
                self.node(node),
                GraphNode::Function(..)
                    | GraphNode::Segment(..)
                    | GraphNode::Global(..)
                    | GraphNode::Table(..)
                    | GraphNode::Tag(..)
            );
            is_chunk && self.reached[node as usize].by == NONE && self.is_live(node)
        };
        if self.options.gc_sections && !self.options.is_relocatable() {
            return Vec::new();
        }
        (ROOT + 1..self.symbols).filter(is_left).collect()
    }

    /// Adds nodes to those that the root leads to.
    fn add_roots(&mut self, more: &[u32], count: usize) {
        let old = std::mem::take(&mut self.edges);
        let mut starts = Vec::with_capacity(count + 1);
        let mut targets = old.from(ROOT).to_vec();
        let mut places = self.places[old.of(ROOT)].to_vec();
        starts.push(0);
        targets.extend(more);
        places.resize(targets.len(), 0);
        starts.push(targets.len() as u32);
        let shift = more.len() as u32;
        for node in ROOT + 1..count as u32 {
            starts.push(old.of(node).end as u32 + shift);
        }
        let rest = old.of(ROOT).end;
        for edge in rest..self.places.len() {
            targets.push(old.target(edge));
            places.push(self.places[edge]);
        }
        self.edges = Edges::new(starts, targets);
        self.places = places;
        self.search(count);
    }

    /// How a node is reached; `None` if it is not.
    pub(super) fn reached(&self, node: u32) -> Option<Reached> {
        let reached = self.reached[node as usize];
        (reached.by != NONE).then_some(reached)
    }

    /// Why a node that is reached is there: how, and by which node, if that is a part.
    pub(super) fn kept(&self, node: u32) -> Option<(KeptHow, Option<Reached>)> {
        let reached = self.reached(node)?;
        Some(match self.node(reached.by) {
            GraphNode::Root => (self.root(node), None),
            GraphNode::File(file) => {
                let how = match self.node(node) {
                    GraphNode::Segment(..) => KeptHow::Retained,
                    _ if self.is_start(file, node) => KeptHow::Start,
                    _ => KeptHow::Constructor,
                };
                let by = self.reached(reached.by).filter(|by| by.by != ROOT);
                (how, by)
            }
            _ => (KeptHow::Reference, Some(reached)),
        })
    }

    fn is_start(&self, file: FileId, node: u32) -> bool {
        let start = self.resolution.object(file).start;
        start.is_some_and(|start| {
            self.of_symbol(self.resolution.symbol_ref(file, start)) == Some(node)
        })
    }

    /// Which kind of root a node is.
    fn root(&self, node: u32) -> KeptHow {
        let how = self.roots.get(&node).copied();
        how.unwrap_or(KeptHow::Everything)
    }

    /// The nodes that refer to a node, each with the place of the reference.
    pub(super) fn referrers(&self, node: u32) -> Vec<Reached> {
        let mut found = Vec::new();
        for by in self.nodes().take_while(|&by| by < self.symbols) {
            for edge in self.edges.of(by) {
                if self.edges.target(edge) == node {
                    found.push(Reached {
                        by,
                        at: self.places[edge],
                    });
                }
            }
        }
        found
    }

    /// For each node, what of `own` would go with it.
    pub(super) fn retained(&self, own: &[u64]) -> Vec<u64> {
        Dominators::of(&self.edges).retained(own)
    }
}
