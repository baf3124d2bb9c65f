//! Why a symbol is in the output: the chain of references from a root, or what is missing for it.

use std::fmt::Write;
use std::sync::Arc;

use wasm_format::linking::SymbolKind;

use super::reference_graph::{GraphNode, KeptHow, Reached, ReferenceGraph};
use crate::demangle::demangle;
use crate::hash::HashSet;
use crate::ids::{FileId, ObjSymbol, SymbolId};
use crate::input::is_match;
use crate::input::object::ObjTarget;
use crate::options::Options;
use crate::pass::synthesize::{Synthesis, import_name};
use crate::resolve::resolution::{Definition, Resolution, SymbolRef};

/// The answer to `--why` or `--why-import`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyAnswer {
    /// What was asked for: a name or a pattern.
    pub asked: String,
    /// Whether imports were asked for.
    pub of_imports: bool,
    /// What has such a name, in the order of the files.
    pub found: Vec<WhyFound>,
}

/// Something that has a name that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyFound {
    /// What it is.
    pub part: WhyPart,
    /// Whether it is in the output.
    pub state: WhyState,
}

/// A part of an object or of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyPart {
    /// Its name, as it stands in the files; empty where there is none.
    pub name: String,
    /// Its object, or the archive's member that offers it; `None` for imports and for what the
    /// linker makes.
    pub file: Option<Arc<str>>,
    /// Where it is in its object: `code`, the name of a data segment, `global`, `table`, `tag`; of
    /// an import `MODULE.NAME`.
    pub section: String,
}

/// A step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyStep {
    /// How the part before this one is kept by it.
    pub how: KeptHow,
    /// The part that keeps it.
    pub part: WhyPart,
}

/// Whether something is in the output, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyState {
    /// It is in the output.
    Kept {
        /// The parts that lead to it, on a shortest way: the first keeps it, the last is a root.
        chain: Vec<WhyStep>,
        /// Why the last one (or the part itself) is a root.
        root: KeptHow,
        /// All parts of the output that refer to it; for an import that was asked for.
        wanted_by: Vec<WhyPart>,
    },
    /// An object that takes part has it, and garbage collection dropped it.
    Dropped {
        /// What refers to it and was dropped as well.
        with: Vec<WhyPart>,
    },
    /// An object that takes part defines it in a comdat of which another copy was chosen.
    Discarded,
    /// No object defines it, and nothing in the output refers to it.
    Undefined,
    /// An archive's member offers it that nothing asked for.
    NotLinked,
}

/// Answers what [`Options::why`] and [`Options::why_imports`] ask.
pub(crate) fn answer(
    graph: &ReferenceGraph<'_, '_>,
    synthesis: &Synthesis<'_>,
    options: &Options,
) -> Vec<WhyAnswer> {
    let asker = Asker {
        graph,
        synthesis,
        options,
    };
    let symbols = options.why.iter().map(|asked| WhyAnswer {
        asked: asked.clone(),
        of_imports: false,
        found: asker.symbols(asked),
    });
    let imports = options.why_imports.iter().map(|asked| WhyAnswer {
        asked: asked.clone(),
        of_imports: true,
        found: asker.imports(asked),
    });
    symbols.chain(imports).collect()
}

/// Whether a name, as it is in the files or demangled, is the one that was asked for, or is
/// described by that as a pattern.
pub(crate) fn is_asked(asked: &str, name: &str) -> bool {
    let is = |name: &str| {
        asked == name
            || asked.contains(['*', '?', '[']) && is_match(asked.as_bytes(), name.as_bytes())
    };
    is(name) || is(&demangle(name))
}

struct Asker<'g, 'l, 'a> {
    graph: &'g ReferenceGraph<'l, 'a>,
    synthesis: &'g Synthesis<'a>,
    options: &'g Options,
}

impl<'a> Asker<'_, '_, 'a> {
    fn resolution(&self) -> &Resolution<'a> {
        self.graph.resolution
    }

    /// What has a name.
    fn symbols(&self, asked: &str) -> Vec<WhyFound> {
        let resolution = self.resolution();
        let mut found = Vec::new();
        let mut defined = HashSet::default();
        for id in resolution.symbols_where(|_, symbol| is_asked(asked, symbol.name)) {
            let symbol = resolution.symbol(id);
            if symbol.kind == SymbolKind::Section {
                continue;
            }
            if symbol.definition != Definition::Undefined {
                defined.insert(symbol.name);
            }
            if let Some(part) = self.symbol(SymbolRef::Global(id)) {
                found.push(part);
            }
        }
        for (file, object) in resolution.objects() {
            for (i, entry) in object.symbols.iter().enumerate() {
                let is_part = match object.symbols.target(entry) {
                    ObjTarget::Function(_) | ObjTarget::Data { .. } => entry.is_local(),
                    ObjTarget::Absolute { .. }
                    | ObjTarget::Global(_)
                    | ObjTarget::Table(_)
                    | ObjTarget::Tag(_)
                    | ObjTarget::Section(_)
                    | ObjTarget::Undefined { .. } => false,
                };
                if is_part && is_asked(asked, entry.name) {
                    let symbol = SymbolRef::Local(file, ObjSymbol(i as u32));
                    found.extend(self.symbol(symbol));
                }
            }
        }
        for offer in &resolution.history.not_linked {
            let is_asked = is_asked(asked, &offer.symbol);
            if is_asked && !defined.contains(&*offer.symbol) {
                found.push(WhyFound {
                    part: WhyPart {
                        name: offer.symbol.clone(),
                        file: Some(offer.file.clone()),
                        section: String::new(),
                    },
                    state: WhyState::NotLinked,
                });
            }
        }
        found
    }

    /// A symbol and what became of it.
    fn symbol(&self, symbol: SymbolRef) -> Option<WhyFound> {
        let resolution = self.resolution();
        let name = resolution.name(symbol).to_owned();
        if let Some(node) = self.graph.of_symbol(symbol) {
            return Some(self.state(node, name));
        }
        // A copy in a comdat of which another one was chosen has no node.
        let Definition::Object { file, symbol } = resolution.definition(symbol) else {
            return None;
        };
        let section = match resolution.target(file, symbol) {
            ObjTarget::Function(_) => "code".to_owned(),
            ObjTarget::Data { segment, .. } => resolution.object(file).segments[segment.index()]
                .name
                .to_owned(),
            ObjTarget::Absolute { .. }
            | ObjTarget::Global(_)
            | ObjTarget::Table(_)
            | ObjTarget::Tag(_)
            | ObjTarget::Section(_)
            | ObjTarget::Undefined { .. } => return None,
        };
        Some(WhyFound {
            part: WhyPart {
                name,
                file: Some(resolution.object(file).name.clone()),
                section,
            },
            state: WhyState::Discarded,
        })
    }

    /// What became of a node that is called `name`.
    fn state(&self, node: u32, name: String) -> WhyFound {
        let part = WhyPart {
            name,
            ..self.part(node, 0)
        };
        let is_there = self.graph.is_live(node);
        let state = match self.chain(node) {
            Some((chain, root)) if is_there => WhyState::Kept {
                chain,
                root,
                wanted_by: Vec::new(),
            },
            // The linker's own code asks for it.
            None if is_there => WhyState::Kept {
                chain: Vec::new(),
                root: KeptHow::Linker,
                wanted_by: Vec::new(),
            },
            _ if part.file.is_none() => WhyState::Undefined,
            _ => WhyState::Dropped {
                with: self.parts(&self.graph.referrers(node)),
            },
        };
        WhyFound { part, state }
    }

    /// The parts that lead to a node, and why the last of them is a root.
    fn chain(&self, node: u32) -> Option<(Vec<WhyStep>, KeptHow)> {
        let mut chain = Vec::new();
        let (mut how, mut by) = self.graph.kept(node)?;
        while let Some(reached) = by {
            let part = self.part(reached.by, reached.at);
            chain.push(WhyStep { how, part });
            (how, by) = self.graph.kept(reached.by)?;
        }
        Some((chain, how))
    }

    fn parts(&self, references: &[Reached]) -> Vec<WhyPart> {
        let parts = references.iter().filter_map(|reference| {
            let is_file = matches!(self.graph.node(reference.by), GraphNode::File(_));
            (!is_file).then(|| self.part(reference.by, reference.at))
        });
        parts.collect()
    }

    /// What is at a place of a node.
    fn part(&self, node: u32, at: u32) -> WhyPart {
        let resolution = self.resolution();
        let of = |file: FileId, name: &str, section: &str| WhyPart {
            name: name.to_owned(),
            file: Some(resolution.object(file).name.clone()),
            section: section.to_owned(),
        };
        match self.graph.node(node) {
            GraphNode::Function(file, function) => {
                let name = resolution.object(file).any_function_name(function);
                of(file, name.unwrap_or_default(), "code")
            }
            GraphNode::Segment(file, segment) => {
                let object = resolution.object(file);
                let mut name = "";
                let mut found = None;
                for symbol in object.symbols.iter() {
                    if let ObjTarget::Data {
                        segment: of,
                        offset,
                        size,
                    } = object.symbols.target(symbol)
                        && of == segment
                        && (offset..offset.saturating_add(size)).contains(&at.into())
                        && found.is_none_or(|start| offset > start)
                    {
                        (name, found) = (symbol.name, Some(offset));
                    }
                }
                of(file, name, object.segments[segment.index()].name)
            }
            GraphNode::Global(file, global) => of(
                file,
                resolution.object(file).globals[global.index()].name,
                "global",
            ),
            GraphNode::Table(file, table) => of(
                file,
                resolution.object(file).tables[table.index()].name,
                "table",
            ),
            GraphNode::Tag(file, tag) => {
                of(file, resolution.object(file).tags[tag.index()].name, "tag")
            }
            GraphNode::Symbol(id) => WhyPart {
                name: resolution.symbol(id).name.to_owned(),
                file: None,
                section: self.import(id).unwrap_or_default(),
            },
            GraphNode::File(file) => of(file, "", ""),
            GraphNode::Root => WhyPart {
                name: String::new(),
                file: None,
                section: String::new(),
            },
        }
    }

    /// `MODULE.NAME` of what is imported.
    fn import(&self, id: SymbolId) -> Option<String> {
        let of = |id: SymbolId| {
            let (module, name) = import_name(self.resolution().symbol(id), self.options);
            format!("{module}.{name}")
        };
        let got = |of: &&SymbolRef| **of == SymbolRef::Global(id);
        let aliases = || {
            self.synthesis
                .import_aliases
                .iter()
                .any(|alias| alias.0 == id)
        };
        if self.synthesis.imports.contains(&id) || aliases() {
            return Some(of(id));
        }
        self.synthesis.got_imports.iter().find(got).map(|&symbol| {
            let module = match self.resolution().kind(symbol) {
                SymbolKind::Function => "GOT.func",
                _ => "GOT.mem",
            };
            format!("{module}.{}", self.resolution().name(symbol))
        })
    }

    /// Imports whose module and name were asked for, and all that wants them.
    fn imports(&self, asked: &str) -> Vec<WhyFound> {
        let synthesis = self.synthesis;
        let aliases = synthesis.import_aliases.iter().map(|alias| alias.0);
        let got = synthesis
            .got_imports
            .iter()
            .filter_map(|symbol| match symbol {
                SymbolRef::Global(id) => Some(*id),
                SymbolRef::Local(..) => None,
            });
        let mut found = Vec::new();
        for id in synthesis.imports.iter().copied().chain(aliases).chain(got) {
            let (Some(import), Some(node)) =
                (self.import(id), self.graph.of_symbol(SymbolRef::Global(id)))
            else {
                continue;
            };
            if !is_asked(asked, &import) {
                continue;
            }
            let mut this = self.state(node, self.resolution().symbol(id).name.to_owned());
            if let WhyState::Kept { wanted_by, .. } = &mut this.state {
                let mut by = self.graph.referrers(node);
                by.retain(|reference| self.graph.is_live(reference.by));
                *wanted_by = self.parts(&by);
            }
            found.push(this);
        }
        found
    }
}

/// Parts that are listed of many.
const LISTED: usize = 20;

impl WhyAnswer {
    /// The answer in lines. `shown` is how a symbol's name is printed.
    pub fn to_text(&self, shown: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        if self.found.is_empty() {
            let what = if self.of_imports {
                "no import"
            } else {
                "nothing"
            };
            let _ = writeln!(text, "{}: {what} is called so", self.asked);
        }
        for found in &self.found {
            let part = found.part.shown(&shown);
            // Options take the name as it stands in the files.
            let name = super::size::printable(&found.part.name);
            let _ = match &found.state {
                WhyState::Kept {
                    chain,
                    root,
                    wanted_by,
                } => kept(&mut text, &part, chain, *root, wanted_by, &shown),
                WhyState::Dropped { with } => {
                    let mut write = || {
                        writeln!(text, "{part} is dropped: nothing in the output needs it")?;
                        list(&mut text, "would be kept with", with, &shown)?;
                        writeln!(
                            text,
                            "  would be kept by --export={name} or --undefined={name}"
                        )
                    };
                    write()
                }
                WhyState::Discarded => {
                    writeln!(
                        text,
                        "{part} is dropped: another copy of its comdat is linked"
                    )
                }
                WhyState::Undefined => writeln!(
                    text,
                    "{part} is not in the output: nothing there needs it, and no linked object defines it"
                ),
                WhyState::NotLinked => writeln!(
                    text,
                    "{part} is not linked: no linked object needs it\n  \
                     would be linked by a reference that is not weak, or by --undefined={name}"
                ),
            };
        }
        text
    }
}

fn kept(
    text: &mut String,
    part: &str,
    chain: &[WhyStep],
    root: KeptHow,
    wanted_by: &[WhyPart],
    shown: &dyn Fn(&str) -> String,
) -> std::fmt::Result {
    writeln!(text, "{part} is in the output")?;
    for WhyStep { how, part } in chain {
        let keeps = match how {
            KeptHow::Constructor => "a constructor of its object, which is linked with",
            KeptHow::Start => "the start function of its object, which is linked with",
            KeptHow::Retained => "a segment to be retained of its object, which is linked with",
            KeptHow::Reference
            | KeptHow::Entry
            | KeptHow::Undefined
            | KeptHow::Export
            | KeptHow::Used
            | KeptHow::Linker
            | KeptHow::Everything => "needed by",
        };
        writeln!(text, "  {keeps} {}", part.shown(shown))?;
    }
    let root = match root {
        // A chain ends in a root.
        KeptHow::Reference | KeptHow::Linker => "needed by the linker or a loader",
        KeptHow::Entry => "which is the entry",
        KeptHow::Undefined => "which --undefined names",
        KeptHow::Export => "which is exported",
        KeptHow::Used => "which is marked as used",
        KeptHow::Constructor => "which is a constructor of a linked object",
        KeptHow::Start => "which is the start function of a linked object",
        KeptHow::Retained => "which is a segment to be retained",
        KeptHow::Everything => "which is kept because nothing is left out",
    };
    writeln!(text, "  {root}")?;
    list(text, "wanted by", wanted_by, shown)
}

fn list(
    text: &mut String,
    title: &str,
    parts: &[WhyPart],
    shown: &dyn Fn(&str) -> String,
) -> std::fmt::Result {
    for part in parts.iter().take(LISTED) {
        writeln!(text, "  {title} {}", part.shown(shown))?;
    }
    match parts.len().checked_sub(LISTED) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(text, "  {title} {more} more"),
    }
}

impl WhyPart {
    fn shown(&self, shown: &dyn Fn(&str) -> String) -> String {
        let name = if self.name.is_empty() {
            "a part without a name".to_owned()
        } else {
            shown(&self.name)
        };
        let text = match &self.file {
            Some(file) if self.section.is_empty() => format!("{name}, of {file}"),
            Some(file) => format!("{name}, of {file}:({})", self.section),
            None if self.section.is_empty() => name,
            None => format!("{name}, the import {}", self.section),
        };
        super::size::printable(&text)
    }
}
