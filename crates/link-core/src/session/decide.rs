//! The meaning of names after some files changed. A change that would make a reference of another
//! file mean something else is left to a full link.

use wasm_format::linking::{SymbolFlags, SymbolKind};

use super::FullReason;
use super::state::{KnownMention, KnownSymbol, State, exports_all, hash, import_hash, is_kept};
use crate::diag::Diagnostics;
use crate::hash::{HashMap, HashSet};
use crate::ids::{FileId, ObjSymbol, SymbolId};
use crate::input::object::{ObjTarget, Object, Undefined};
use crate::options::Options;
use crate::pass::mark::{self, FileLiveness, Liveness};
use crate::pass::raw_indices;
use crate::plan::Value;
use crate::resolve::Names;
use crate::resolve::history::History;
use crate::resolve::resolution::{Definition, FileResolution, LinkerMade, Resolution, Symbol};

/// A file that changed, and what it is now.
pub(super) struct Changed<'a> {
    pub(super) file: FileId,
    pub(super) object: Box<Object<'a>>,
}

/// The changed files as a link of their own: of the others it has the symbols that the changed
/// ones refer to, each with the value that it has.
pub(super) struct Decision<'a> {
    /// Its files are the changed ones, its symbols those that they mention.
    pub(super) resolution: Resolution<'a>,
    pub(super) liveness: Liveness,
    /// Which files the changed ones are.
    pub(super) files: Vec<FileId>,
    /// By [`SymbolId`] of the resolution.
    pub(super) names: Vec<NameMeaning>,
    /// Symbols that no file mentions any more.
    pub(super) gone: Vec<SymbolId>,
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameMeaning {
    /// The symbol that the state has for it.
    pub(super) known: Option<SymbolId>,
    /// The value, if nothing that changed defines it.
    pub(super) pinned: Option<Value>,
    /// Whether anything else needs it to have the value that it has.
    pub(super) is_needed: bool,
}

/// A file's entry for a name.
#[derive(Clone, Copy)]
struct NameMention<'a> {
    /// Which of the changed files.
    nth: u32,
    symbol: ObjSymbol,
    kind: SymbolKind,
    flags: SymbolFlags,
    in_comdat: bool,
    defines: bool,
    /// Of a function or tag.
    signature: Option<&'a [u8]>,
    /// The hash of where it is imported from; 0 if nothing says so.
    import: u64,
}

/// All mentions of a name by the changed files.
struct Mentioned<'a> {
    name: &'a str,
    mentions: Vec<NameMention<'a>>,
}

impl NameMention<'_> {
    fn signature_hash(&self) -> u64 {
        self.signature.map_or(0, hash)
    }

    /// The meaning of a name that this defines.
    fn meaning(&self) -> Meaning {
        Meaning::Defined {
            nth: self.nth,
            symbol: self.symbol,
        }
    }
}

impl<'a> Mentioned<'a> {
    fn definitions(&self) -> impl Iterator<Item = &NameMention<'a>> {
        self.mentions.iter().filter(|mention| mention.defines)
    }

    /// Checks that all take the name for the same: with `flags`, also whether it is thread-local.
    fn agree(
        &self,
        kind: SymbolKind,
        signature: u64,
        flags: Option<SymbolFlags>,
    ) -> Result<(), FullReason> {
        let is_tls = |flags: SymbolFlags| flags.contains(SymbolFlags::TLS);
        let agrees = |mention: &NameMention<'_>| {
            mention.kind == kind
                && mention.signature_hash() == signature
                && flags.is_none_or(|flags| is_tls(flags) == is_tls(mention.flags))
        };
        if self.mentions.iter().all(agrees) {
            Ok(())
        } else {
            Err(FullReason::Resolution)
        }
    }
}

/// Which of the definitions of a name is the one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// That of another file, or of the linker.
    Pinned(Value),
    /// That of a changed file.
    Defined { nth: u32, symbol: ObjSymbol },
}

struct Decider<'s> {
    state: &'s State,
    files: Vec<FileId>,
    /// How often the changed files mentioned each symbol before.
    mentions_before: HashMap<SymbolId, u32>,
    /// The symbols that the changed files defined before, and whether weakly.
    defined_before: HashMap<(SymbolId, FileId), bool>,
    options: &'s Options,
}

/// Resolves the changed files as a link of their own.
///
/// # Errors
/// Why it takes a full link, and the objects.
pub(super) fn decide<'a>(
    state: &State,
    changed: Vec<Changed<'a>>,
    options: &Options,
) -> Result<Decision<'a>, (FullReason, Vec<Box<Object<'a>>>)> {
    let objects = |changed: Vec<Changed<'a>>| changed.into_iter().map(|changed| changed.object);
    let resolved = match resolve(state, &changed, options) {
        Ok(resolved) => resolved,
        Err(reason) => return Err((reason, objects(changed).collect())),
    };
    let resolution = Resolution {
        objects: objects(changed).collect(),
        files: resolved.file_resolutions,
        symbols: resolved.symbols,
        names: Names::default(),
        stubs: Vec::new(),
        shared: Vec::new(),
        is_64: state.memory.limits.is_64,
        entry: None,
        kept: resolved.kept,
        call_dtors: None,
        made: LinkerMade::default(),
        history: History::default(),
    };
    let liveness = mark::mark(&resolution, options);
    let mut of_files = liveness.files.iter().zip(&resolved.files);
    let is_same = |(now, file): (&FileLiveness, &FileId)| now.any == state.files[file.index()].any;
    if !of_files.all(is_same) {
        return Err((FullReason::Resolution, resolution.objects));
    }
    let revived = |(meaning, &is_reached): (&NameMeaning, &bool)| {
        // What was left out would have to be added.
        meaning.pinned == Some(Value::Dead) && is_reached && options.gc_sections
    };
    if resolved.names.iter().zip(&liveness.symbols).any(revived) {
        return Err((FullReason::Revived, resolution.objects));
    }
    // A full link reports them.
    let mut wrong = Diagnostics::default();
    raw_indices::report(&resolution, &liveness, options, &mut wrong);
    if !wrong.as_slice().is_empty() {
        return Err((FullReason::Object, resolution.objects));
    }
    Ok(Decision {
        resolution,
        liveness,
        files: resolved.files,
        names: resolved.names,
        gone: resolved.gone,
    })
}

/// The meaning of the names, before it is known what is live.
struct Resolved<'a> {
    files: Vec<FileId>,
    file_resolutions: Vec<FileResolution>,
    symbols: Vec<Symbol<'a>>,
    names: Vec<NameMeaning>,
    kept: Vec<SymbolId>,
    gone: Vec<SymbolId>,
}

fn resolve<'a>(
    state: &State,
    changed: &[Changed<'a>],
    options: &Options,
) -> Result<Resolved<'a>, FullReason> {
    let files: Vec<FileId> = changed.iter().map(|changed| changed.file).collect();
    let mut decider = Decider {
        state,
        mentions_before: HashMap::default(),
        defined_before: HashMap::default(),
        options,
        files,
    };
    for &file in &decider.files {
        for mention in &state.files[file.index()].symbols {
            *decider.mentions_before.entry(mention.symbol).or_insert(0) += 1;
            if mention.defines {
                let key = (mention.symbol, file);
                decider.defined_before.insert(key, mention.weak);
            }
        }
    }

    let NumberedNames {
        numbers,
        mentioned,
        mut file_resolutions,
    } = number_names(changed);
    let mut symbols = Vec::with_capacity(mentioned.len());
    let mut names = Vec::with_capacity(mentioned.len());
    let mut kept = Vec::new();
    for (id, mentioned) in (0..).map(SymbolId::new).zip(&mentioned) {
        let known = state.names.find(mentioned.name);
        let known = known.filter(|id| !state.symbols[id.index()].is_gone);
        let is_needed = known.is_some_and(|id| decider.is_needed(id));
        let meaning = decider.meaning(mentioned, known, is_needed)?;
        symbols.push(symbol(mentioned, meaning));
        let asks_to_keep =
            |mention: &NameMention<'_>| mention.flags.contains(SymbolFlags::NO_STRIP);
        if meaning == Meaning::Pinned(Value::Dead) && mentioned.mentions.iter().any(asks_to_keep) {
            return Err(FullReason::Revived);
        }
        let pinned = match meaning {
            Meaning::Pinned(value) => Some(value),
            Meaning::Defined { .. } => None,
        };
        let was_live = known.is_some_and(|id| state.symbols[id.index()].value != Value::Dead);
        if pinned.is_none() && is_needed && was_live {
            kept.push(id);
        }
        names.push(NameMeaning {
            known,
            pinned,
            is_needed,
        });
    }
    let gone = decider.gone(&names)?;
    decider.check_members(&mentioned, &names)?;
    for (nth, (changed, resolution)) in changed.iter().zip(&mut file_resolutions).enumerate() {
        resolution.comdat_discarded =
            decider.discarded_comdats(&changed.object, nth as u32, &numbers, &symbols)?;
    }

    Ok(Resolved {
        files: decider.files,
        file_resolutions,
        symbols,
        names,
        kept,
        gone,
    })
}

/// The names of the changed files.
struct NumberedNames<'a> {
    /// By name, its number: a [`SymbolId`] of the small link.
    numbers: HashMap<&'a str, u32>,
    /// By number.
    mentioned: Vec<Mentioned<'a>>,
    file_resolutions: Vec<FileResolution>,
}

fn number_names<'a>(changed: &[Changed<'a>]) -> NumberedNames<'a> {
    let mut numbers: HashMap<&'a str, u32> = HashMap::default();
    let mut mentioned: Vec<Mentioned<'a>> = Vec::new();
    let mut file_resolutions = Vec::with_capacity(changed.len());
    for (nth, changed) in (0..).zip(changed) {
        let object = &*changed.object;
        let symbols = object.symbols.iter().zip(0..).map(|(entry, i)| {
            if !entry.is_shared() {
                return None;
            }
            let name = entry.name;
            let number = *numbers.entry(name).or_insert_with(|| {
                let mentions = Vec::new();
                mentioned.push(Mentioned { name, mentions });
                mentioned.len() as u32 - 1
            });
            let mentions = &mut mentioned[number as usize].mentions;
            mentions.push(mention(object, nth, ObjSymbol(i)));
            Some(SymbolId::new(number))
        });
        file_resolutions.push(FileResolution {
            symbols: symbols.collect(),
            comdat_discarded: Vec::new(),
        });
    }
    NumberedNames {
        numbers,
        mentioned,
        file_resolutions,
    }
}

fn mention<'a>(object: &Object<'a>, nth: u32, symbol: ObjSymbol) -> NameMention<'a> {
    let entry = &object.symbols[symbol.index()];
    let (signature, import) = match object.symbols.target_of(symbol) {
        ObjTarget::Function(function) => (Some(object.functions[function].ty), None),
        ObjTarget::Tag(tag) => (Some(object.tags[tag.index()].ty), None),
        ObjTarget::Undefined { what, .. } => match object.undefined[what.index()] {
            Undefined::Function { ty, import } | Undefined::Tag { ty, import } => {
                (Some(ty), Some(import))
            }
            Undefined::Global { import, .. } | Undefined::Table { import, .. } => {
                (None, Some(import))
            }
            Undefined::Data => (None, None),
        },
        ObjTarget::Data { .. }
        | ObjTarget::Absolute { .. }
        | ObjTarget::Global(_)
        | ObjTarget::Table(_)
        | ObjTarget::Section(_) => (None, None),
    };
    NameMention {
        nth,
        symbol,
        kind: entry.kind(),
        flags: entry.flags(),
        in_comdat: object.comdat_of(entry).is_some(),
        defines: !entry.is_undefined(),
        signature: signature.map(|ty| object.types[ty.index()]),
        import: import.map_or(0, |import| import_hash(&import)),
    }
}

/// The symbol of a name that has this meaning.
fn symbol<'a>(mentioned: &Mentioned<'a>, meaning: Meaning) -> Symbol<'a> {
    let mut symbol = Symbol::new(mentioned.name);
    let mut said = mentioned.mentions.iter();
    let said = match meaning {
        Meaning::Pinned(_) => said.next(),
        Meaning::Defined { nth, symbol } => {
            said.find(|mention| (mention.nth, mention.symbol) == (nth, symbol))
        }
    };
    if let Some(mention) = said {
        symbol.kind = mention.kind;
        symbol.signature = mention.signature;
        symbol.weak = mention.flags.is_weak();
        symbol.tls = mention.flags.contains(SymbolFlags::TLS);
    }
    symbol.used_in_object = true;
    if let Meaning::Defined { nth, symbol: entry } = meaning {
        let file = FileId(nth);
        symbol.definition = Definition::Object {
            file,
            symbol: entry,
        };
        symbol.file = Some(file);
        if let Some(mention) = said {
            symbol.hidden = mention.flags.contains(SymbolFlags::VISIBILITY_HIDDEN);
            symbol.no_strip = mention.flags.contains(SymbolFlags::NO_STRIP);
            symbol.exported_flag = mention.flags.contains(SymbolFlags::EXPORTED);
        }
    }
    symbol
}

impl Decider<'_> {
    fn known(&self, id: SymbolId) -> &KnownSymbol {
        &self.state.symbols[id.index()]
    }

    /// Whether a file that did not change mentions a symbol, or the link needs it anyway.
    fn is_needed(&self, id: SymbolId) -> bool {
        let known = self.known(id);
        let before = self.mentions_before.get(&id).copied().unwrap_or(0);
        known.is_root || known.mentions > before
    }

    /// Whether a new symbol of this name would affect more than the files that mention it. Names that
    /// begin with two underscores are the linker's and those of the C library.
    fn is_special(&self, name: &str) -> bool {
        let options = self.options;
        let is = |known: &String| known == name;
        exports_all(self.options)
            || name.starts_with("__")
            || matches!(name, "_start" | "_initialize" | "main")
            || options.exports.iter().any(is)
            || options.exports_if_defined.iter().any(is)
            || options.undefined.iter().any(is)
    }

    /// The meaning of a name that the changed files mention like this.
    fn meaning(
        &self,
        mentioned: &Mentioned<'_>,
        known: Option<SymbolId>,
        is_needed: bool,
    ) -> Result<Meaning, FullReason> {
        let Some(id) = known else {
            // Without a definition it would have to be looked for in archives, or is missing.
            return self.new_definition(mentioned);
        };
        let known = self.known(id);
        if known.is_odd {
            return Err(FullReason::Resolution);
        }
        let Some(file) = known.file else {
            return Self::undefined(mentioned, known);
        };
        if !self.files.contains(&file) {
            self.stays_behind(id, file, true, mentioned.definitions())?;
            mentioned.agree(known.kind, known.signature, Some(known.flags))?;
            return Ok(Meaning::Pinned(known.value));
        }
        let is_own = |mention: &&NameMention<'_>| self.files[mention.nth as usize] == file;
        match mentioned.definitions().find(is_own) {
            Some(own) => {
                let others = mentioned.definitions().filter(|other| other.nth != own.nth);
                let as_before = own.flags.is_weak() == known.flags.is_weak();
                self.stays_behind(id, file, as_before, others)?;
                self.same_definition(mentioned, own, known, is_needed)
            }
            None if is_needed => Err(FullReason::Resolution),
            None => self.new_definition(mentioned),
        }
    }

    /// The meaning of a name that no other file mentions, and that one file defines.
    fn new_definition(&self, mentioned: &Mentioned<'_>) -> Result<Meaning, FullReason> {
        let mut definitions = mentioned.definitions();
        let (Some(one), None) = (definitions.next(), definitions.next()) else {
            return Err(FullReason::Resolution);
        };
        let special = SymbolFlags::EXPORTED
            .with(SymbolFlags::NO_STRIP)
            .with(SymbolFlags::EXPLICIT_NAME)
            .with(SymbolFlags::ABSOLUTE);
        let is_plain = one.flags.without(special) == one.flags && !one.flags.is_common();
        if !is_plain || self.is_special(mentioned.name) {
            return Err(FullReason::Resolution);
        }
        mentioned.agree(one.kind, one.signature_hash(), Some(one.flags))?;
        Ok(one.meaning())
    }

    /// The meaning of a name that the file defines which did so before.
    fn same_definition(
        &self,
        mentioned: &Mentioned<'_>,
        own: &NameMention<'_>,
        known: &KnownSymbol,
        is_needed: bool,
    ) -> Result<Meaning, FullReason> {
        let is_same =
            own.flags == known.flags && own.kind == known.kind && own.in_comdat == known.in_comdat;
        let is_exported = is_kept(own.flags) || exports_all(self.options);
        let has_other_signature = own.signature_hash() != known.signature;
        if !is_same && (is_needed || is_exported) || is_needed && has_other_signature {
            return Err(FullReason::Resolution);
        }
        mentioned.agree(own.kind, own.signature_hash(), Some(own.flags))?;
        Ok(own.meaning())
    }

    /// The meaning of a name that no object defined before.
    fn undefined(mentioned: &Mentioned<'_>, known: &KnownSymbol) -> Result<Meaning, FullReason> {
        if mentioned.definitions().next().is_some() {
            return Err(FullReason::Resolution);
        }
        mentioned.agree(known.kind, known.signature, None)?;
        let mut mentions = mentioned.mentions.iter();
        // It would have to be looked for in archives, or is missing.
        if known.may_be_missing && !mentions.clone().all(|mention| mention.flags.is_weak()) {
            return Err(FullReason::Resolution);
        }
        // What is imported is imported from one place.
        let is_import = matches!(known.value, Value::Function(_) | Value::Global(_));
        if is_import && known.import != 0 && mentions.any(|it| it.import != known.import) {
            return Err(FullReason::Resolution);
        }
        Ok(Meaning::Pinned(known.value))
    }

    /// Checks that the definition of `file` still wins over the others. `as_before` says that it is as
    /// weak as it was.
    fn stays_behind<'m, 'a: 'm>(
        &self,
        id: SymbolId,
        file: FileId,
        as_before: bool,
        mut others: impl Iterator<Item = &'m NameMention<'a>>,
    ) -> Result<(), FullReason> {
        let stays = others.all(|other| {
            let of = self.files[other.nth as usize];
            let weak = other.flags.is_weak();
            let before = self.defined_before.get(&(id, of));
            // A strong one that is in no comdat is one too many.
            let is_copy = weak || other.in_comdat;
            as_before && before == Some(&weak) && is_copy || weak && file < of
        });
        if stays {
            Ok(())
        } else {
            Err(FullReason::Resolution)
        }
    }

    /// The symbols that the changed files defined, and no file mentions any more.
    fn gone(&self, names: &[NameMeaning]) -> Result<Vec<SymbolId>, FullReason> {
        let mentioned: HashSet<SymbolId> = names.iter().filter_map(|name| name.known).collect();
        let mut gone = Vec::new();
        for &(id, file) in self.defined_before.keys() {
            let known = self.known(id);
            if mentioned.contains(&id) || known.file != Some(file) {
                continue;
            }
            if known.is_odd || self.is_needed(id) {
                return Err(FullReason::Resolution);
            }
            gone.push(id);
        }
        Ok(gone)
    }

    /// Checks that no member of an archive whose absence would be noticed loses what asks for it: it
    /// does something by itself, or a file that does not ask for it would miss what it defines.
    fn check_members(
        &self,
        mentioned: &[Mentioned<'_>],
        names: &[NameMeaning],
    ) -> Result<(), FullReason> {
        let mut now: Vec<Vec<KnownMention>> = vec![Vec::new(); self.files.len()];
        for (mentioned, name) in mentioned.iter().zip(names) {
            for mention in &mentioned.mentions {
                if let Some(symbol) = name.known {
                    now[mention.nth as usize].push(KnownMention {
                        symbol,
                        defines: mention.defines,
                        weak: mention.flags.is_weak(),
                    });
                }
            }
        }
        let of_member = |of: FileId, mention: &KnownMention| {
            let file = self.known(mention.symbol).file;
            file.is_some_and(|file| file != of && !self.state.files[file.index()].is_always_linked)
        };
        let asks_less = self.files.iter().zip(&now).any(|(&file, now)| {
            let asks: HashSet<SymbolId> = now
                .iter()
                .filter(|mention| mention.pulls())
                .map(|mention| mention.symbol)
                .collect();
            let mut before = self.state.files[file.index()].symbols.iter();
            before.any(|mention| {
                mention.pulls() && of_member(file, mention) && !asks.contains(&mention.symbol)
            }) || now
                .iter()
                .any(|mention| !mention.pulls() && of_member(file, mention))
        });
        if !asks_less {
            return Ok(());
        }
        let mentions = |file: FileId| {
            let changed = self.files.iter().position(|&changed| changed == file);
            changed.map_or(&*self.state.files[file.index()].symbols, |nth| &*now[nth])
        };
        let wanted = self.state.wanted(mentions);
        let files = self.state.files.iter().zip(&wanted).zip(0..);
        for ((known, &is_wanted), nth) in files {
            let is_missed = |mention: &KnownMention| {
                let file = self.known(mention.symbol).file;
                file.is_some_and(|file| !wanted[file.index()])
            };
            if is_wanted && mentions(FileId(nth)).iter().any(is_missed) || !is_wanted && known.acts
            {
                return Err(FullReason::Resolution);
            }
        }
        Ok(())
    }

    /// Which comdats of a changed file give way to those of another one.
    fn discarded_comdats(
        &self,
        object: &Object<'_>,
        nth: u32,
        numbers: &HashMap<&str, u32>,
        symbols: &[Symbol<'_>],
    ) -> Result<Vec<bool>, FullReason> {
        let before = &self.state.files[self.files[nth as usize].index()].comdats;
        let before: HashMap<u64, bool> = before.iter().copied().collect();
        let mut discarded = Vec::with_capacity(object.comdats.len());
        for name in object.comdats.names(&object.symbols) {
            let key = hash(name.as_bytes());
            let symbol = numbers.get(name).map(|&number| &symbols[number as usize]);
            let is_own = symbol.is_some_and(|symbol| symbol.file == Some(FileId(nth)));
            discarded.push(if is_own {
                false
            } else if let Some(&known) = before.get(&key) {
                known
            } else if symbol.is_some() {
                true
            } else if self.state.comdats.contains(&key) {
                return Err(FullReason::Resolution);
            } else {
                false
            });
        }
        Ok(discarded)
    }
}
