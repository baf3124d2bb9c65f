//! Random link problems. A problem is made of few names, so that objects meet: each name
//! has a kind that most objects agree about, and an object that defines it.

use link_core::args::{Line, Problems, Spellings};
use test_objects::Random;
use wasm_format::Mutability;
use wasm_format::linking::{SegmentFlags, SymbolFlags};

use super::alike;
use super::object::{Item, Kind, Object, SIGNATURES, Statement, TAKES_POINTER, Undefined};
use super::options;
use super::problem::{Input, Problem};

/// Functions, with their signatures.
const FUNCTIONS: &[(&str, usize)] = &[
    ("f0", 0),
    ("f1", 1),
    ("f2", 2),
    ("f3", 3),
    ("f4", 4),
    ("f5", 0),
    ("f6", 6),
    ("f7", 5),
    ("_Z3addii", 2),
    ("_ZN1a1bIiEEvT_", 3),
    ("_ZN4core3fmt5write17h0123456789abcdefE", 1),
    ("main", 1),
    ("_initialize", 0),
];
/// Those that `--wrap=f1` and `--wrap=f2` are about.
const WRAPPERS: &[(&str, usize)] = &[
    ("__wrap_f1", 1),
    ("__real_f1", 1),
    ("__wrap_f2", 2),
    ("__real_f2", 2),
];
const DATA: &[&str] = &["d0", "d1", "d2", "d3", "d4", "d5", "_ZN1a4dataE", "buffer"];
const THREAD_DATA: &[&str] = &["t0", "t1", "t2"];
const STRINGS: &[&str] = &["s0", "s1", "s2"];

pub(super) const WEAK: u32 = SymbolFlags::BINDING_WEAK.0;
pub(super) const LOCAL: u32 = SymbolFlags::BINDING_LOCAL.0;
pub(super) const HIDDEN: u32 = SymbolFlags::VISIBILITY_HIDDEN.0;
pub(super) const EXPORTED: u32 = SymbolFlags::EXPORTED.0;
pub(super) const NO_STRIP: u32 = SymbolFlags::NO_STRIP.0;
pub(super) const TLS: u32 = SymbolFlags::TLS.0;

/// What is linked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Static,
    Threads,
    Pie,
    Shared,
    Relocatable,
}

impl Style {
    pub(crate) fn is_pic(self) -> bool {
        matches!(self, Style::Pie | Style::Shared)
    }
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) style: Style,
    pub(crate) is_64: bool,
    /// Everything fits: what is wrong is so by chance only.
    pub(crate) clean: bool,
    /// Functions have several signatures.
    pub(crate) mismatches: bool,
    /// Threads take turns.
    pub(crate) cooperative: bool,
}

/// The problem of a number. Threads take turns in some, if the reference knows of such
/// (`cooperative`); the others are the same then.
pub(crate) fn problem(seed: u64, cooperative: bool) -> Problem {
    let mut random = Random(seed);
    let mut of_threads = Random(!seed);
    let style = match random.below(100) {
        0..60 => Style::Static,
        60..70 => Style::Threads,
        70..79 => Style::Pie,
        79..88 => Style::Shared,
        _ => Style::Relocatable,
    };
    let is_64 = random.chance(12);
    // Of 64 bits, `wasm-ld` takes the base for 32 of them, and it makes object files with passive
    // segments.
    let may_be = !is_64 && !matches!(style, Style::Threads | Style::Relocatable);
    let mut world = World {
        style,
        is_64,
        cooperative: cooperative && may_be && of_threads.chance(10),
        clean: random.chance(88),
        mismatches: random.chance(15) && style != Style::Relocatable,
        random,
    };
    let count = 1 + world.random.below(4);
    let names: Vec<Name> = world.names(count);
    let mut objects: Vec<_> = (0..count).map(|at| world.object(at, &names)).collect();
    if world.cooperative {
        cooperate(&mut objects, &mut of_threads);
    }
    if world.clean {
        alike::remove_unresolved(&mut objects);
    }
    let mut inputs = world.inputs(objects);
    let options = options::options(&mut world);
    // A problem may have options that contradict each other.
    let line = Line::parse(&options, &Spellings::of_links());
    alike::adapt(&mut inputs, &line.options(&mut Problems::default()));
    Problem { inputs, options }
}

/// Makes objects as compilers do for threads that take turns.
fn cooperate(objects: &mut [Object], random: &mut Random) {
    for object in objects {
        if random.chance(97) {
            object.features.push("+bulk-memory".into());
        }
        for item in &mut object.items {
            match item {
                Item::Function(function) => (function.body.iter_mut())
                    .filter(|_| random.chance(98))
                    .for_each(cooperative_statement),
                // `wasm-ld` relocates the data of the first thread alone.
                Item::Segment(segment) if segment.flags & SegmentFlags::TLS.0 != 0 => {
                    segment.relocs.clear();
                }
                _ => {}
            }
        }
    }
}

fn cooperative_statement(statement: &mut Statement) {
    const STACK_POINTER: &str = "__stack_pointer";
    let other = match statement {
        Statement::Set(name, _) if name == STACK_POINTER => {
            Statement::Call("__wasm_set_tls_base".into(), TAKES_POINTER)
        }
        Statement::Get(name, ty, _) if name == STACK_POINTER => {
            Statement::Get("__init_stack_pointer".into(), *ty, Mutability::Const)
        }
        Statement::Get(name, ty, _) if name == "__tls_align" => {
            Statement::Get("__init_tls_base".into(), *ty, Mutability::Var)
        }
        _ => return,
    };
    *statement = other;
}

/// A name, and the object that defines it.
pub(super) struct Name {
    pub(super) word: &'static str,
    pub(super) kind: NameKind,
    owner: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    Function(usize),
    Data,
    ThreadData,
    String,
}

impl World {
    fn names(&mut self, objects: usize) -> Vec<Name> {
        let wrappers = if self.random.chance(15) {
            WRAPPERS
        } else {
            &[]
        };
        let functions = FUNCTIONS
            .iter()
            .chain(wrappers)
            .map(|&(name, signature)| (name, NameKind::Function(signature)));
        let thread = match self.style {
            Style::Threads => THREAD_DATA,
            _ if self.cooperative => THREAD_DATA,
            Style::Pie => &[],
            _ if self.random.chance(15) => THREAD_DATA,
            _ => &[],
        };
        let mut names: Vec<_> = functions
            .chain(DATA.iter().map(|&name| (name, NameKind::Data)))
            .chain(thread.iter().map(|&name| (name, NameKind::ThreadData)))
            .chain(STRINGS.iter().map(|&name| (name, NameKind::String)))
            .collect();
        names.retain(|_| self.random.chance(60));
        names.push(("_start", NameKind::Function(0)));
        names
            .into_iter()
            .map(|(name, kind)| {
                let none = self.random.chance(if self.clean { 1 } else { 15 });
                let owner = (!none).then(|| self.random.below(objects));
                let owner = if name == "_start" { Some(0) } else { owner };
                Name {
                    word: name,
                    kind,
                    owner,
                }
            })
            .collect()
    }

    /// The flags of a definition.
    pub(super) fn flags(&mut self, weak: usize) -> u32 {
        let mut flags = 0;
        for (flag, percent) in [(WEAK, weak), (HIDDEN, 30), (NO_STRIP, 4)] {
            if self.random.chance(percent) {
                flags |= flag;
            }
        }
        flags
    }

    fn object(&mut self, at: usize, names: &[Name]) -> Object {
        let mut items = Vec::new();
        let mut defined = Vec::new();
        for name in names {
            let owns = name.owner == Some(at);
            let again = !owns && self.random.chance(if self.clean { 6 } else { 12 });
            if !owns && !again {
                if self.random.chance(10) {
                    items.push(Item::Undefined(self.undefined(name)));
                }
                continue;
            }
            let mut flags = self.flags(match (owns, self.clean) {
                (true, _) => 15,
                (false, true) => 100,
                (false, false) => 90,
            });
            if again && self.random.chance(25) {
                flags = flags & !WEAK | LOCAL;
            }
            defined.push((name, flags));
        }
        for &(name, flags) in &defined {
            match name.kind {
                NameKind::Function(signature) => {
                    self.function(&mut items, name.word, flags, signature, names);
                }
                kind => self.data(&mut items, name.word, flags, kind, names),
            }
        }
        for local in 0..self.random.below(3) {
            let name = format!("local{local}");
            let signature = local;
            self.function(&mut items, &name, LOCAL, signature, names);
        }
        self.others(&mut items, at);
        if self.style != Style::Relocatable || at == 0 {
            self.comdats(&mut items, names);
        }
        self.customs(&mut items, names);
        if self.random.chance(50) {
            self.random.shuffle(&mut items);
        }
        let legacy_table = self.style != Style::Relocatable
            && self.random.chance(10)
            && !items.iter().any(|item| matches!(item, Item::Table(_)));
        if legacy_table {
            for item in &mut items {
                if let Item::Function(function) = item {
                    let tables = |it: &Statement| matches!(it, Statement::TableSize(..));
                    function.body.retain(|statement| !tables(statement));
                }
            }
        }
        Object {
            is_64: if self.clean || self.random.chance(95) {
                self.is_64
            } else {
                !self.is_64
            },
            items,
            features: self.features(),
            producers: self.producers(),
            names: self.random.chance(10),
            legacy_table,
            cooperative: self.cooperative,
        }
    }

    fn undefined(&mut self, name: &Name) -> Undefined {
        let kind = match name.kind {
            NameKind::Function(signature) => {
                if self.mismatches && self.random.chance(20) {
                    Kind::Function(self.random.below(SIGNATURES.len()))
                } else {
                    Kind::Function(signature)
                }
            }
            _ => Kind::Data,
        };
        let mut flags = 0;
        if self.random.chance(40) {
            flags |= WEAK;
        }
        if self.random.chance(15) {
            flags |= HIDDEN;
        }
        if self.random.chance(5) {
            flags |= NO_STRIP;
        }
        if self.random.chance(3) {
            flags |= EXPORTED;
        }
        if name.kind == NameKind::ThreadData {
            flags |= TLS;
        }
        Undefined {
            name: name.word.into(),
            kind,
            flags,
            import: self.random.chance(15).then(|| {
                let module = *self.random.pick(&["env", "host", "GOT.mem"]);
                (module.into(), format!("{}_imported", name.word))
            }),
        }
    }

    fn features(&mut self) -> Vec<String> {
        let mut features: Vec<&str> = Vec::new();
        if self.style == Style::Threads {
            if self.random.chance(97) {
                features.extend(["+atomics", "+bulk-memory"]);
            }
        } else if self.random.chance(50) {
            return Vec::new();
        } else if self.random.chance(3) {
            features.push("-shared-mem");
        }
        for feature in [
            "+mutable-globals",
            "+sign-ext",
            "+multivalue",
            "+extended-const",
        ] {
            if self.random.chance(20) {
                features.push(feature);
            }
        }
        if self.random.chance(1) && !features.contains(&"+sign-ext") {
            features.push("-sign-ext");
        }
        features.into_iter().map(Into::into).collect()
    }

    fn producers(&mut self) -> Vec<[String; 3]> {
        let all = [
            ["language", "C11", ""],
            ["processed-by", "clang", "19.1.7"],
            ["processed-by", "clang", "18.0"],
            ["language", "Rust", ""],
            ["sdk", "mine", "1"],
        ];
        if self.random.chance(70) {
            return Vec::new();
        }
        let [field, name, version] = *self.random.pick(&all);
        vec![[field.into(), name.into(), version.into()]]
    }

    fn inputs(&mut self, objects: Vec<Object>) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut objects = objects.into_iter();
        inputs.extend(objects.next().map(Input::Object));
        let mut rest: Vec<_> = objects.collect();
        while let Some(object) = rest.pop() {
            let mut members = vec![object];
            inputs.push(match self.random.below(10) {
                // A call that pulls a member of another signature is told apart from others.
                kind if kind < 6 || self.mismatches || self.style == Style::Relocatable => {
                    match members.pop() {
                        Some(object)
                            if self.style != Style::Relocatable && self.random.chance(4) =>
                        {
                            Input::Shared(object)
                        }
                        Some(object) => Input::Object(object),
                        None => continue,
                    }
                }
                kind => {
                    if self.random.chance(50) {
                        members.extend(rest.pop());
                    }
                    match kind {
                        6..8 => Input::Archive {
                            members,
                            index: self.random.chance(85),
                            whole: self.random.chance(15),
                        },
                        _ => Input::Lazy(members),
                    }
                }
            });
        }
        if self.random.chance(40) {
            self.random.shuffle(&mut inputs);
        }
        inputs
    }
}
