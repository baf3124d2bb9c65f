//! Random sequences of operations beside a model of what a module is: tables of
//! declarations that are looked up by number and never reused. Whatever is done in whatever
//! order, the engine accepts and refuses what the model does, a flush names what the model
//! misses, and a program that is flushed, or linked from the object that is written,
//! computes what the model computes.

use std::collections::{BTreeMap, BTreeSet};

use link_core::module::{
    DataDef, DataId, FlushError, FuncId, FunctionBody, GlobalDef, GlobalId, ImportName, Init,
    Module, OpenOutput, Problem, TableId,
};
use proptest::collection::vec;
use proptest::prelude::*;
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Mutability};

use crate::object::{link, link_in_process};
use crate::support::{I32, flush, ty, validate};

/// How many names there are of each kind.
const NAMES: usize = 6;

/// An operation. What it is done to is any handle there ever was, by its number modulo how
/// many there were; so is what a body refers to.
#[derive(Debug, Clone)]
enum Op {
    Announce(Kind, usize),
    UpdateFunction(usize, i32, Vec<(Reference, usize)>),
    UpdateData(usize, i32, Pointer),
    UpdateGlobal(usize, i32),
    Fail(usize),
    Free(usize),
    Export(usize, usize),
    UseSlot(usize),
    Flush,
}

#[derive(Debug, Clone)]
enum Pointer {
    None,
    ToFunction(usize),
    ToData(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let any = 0..1_000usize;
    let value = -1_000..1_000i32;
    let kind = prop_oneof![
        3 => Just(Kind::Function),
        1 => Just(Kind::Import),
        2 => Just(Kind::Data),
        1 => Just(Kind::Global),
    ];
    let reference = prop_oneof![
        4 => Just(Reference::Call),
        1 => Just(Reference::CallAddress),
        1 => Just(Reference::Load),
        1 => Just(Reference::LoadBySlot),
        1 => Just(Reference::LoadPointer),
        1 => Just(Reference::Get),
    ];
    let pointer = prop_oneof![
        Just(Pointer::None),
        any.clone().prop_map(Pointer::ToFunction),
        any.clone().prop_map(Pointer::ToData),
    ];
    let uses = vec((reference, any.clone()), 0..6);
    prop_oneof![
        8 => (kind, 0..NAMES).prop_map(|(kind, rank)| Op::Announce(kind, rank)),
        8 => (any.clone(), value.clone(), uses)
            .prop_map(|(n, value, uses)| Op::UpdateFunction(n, value, uses)),
        4 => (any.clone(), value.clone(), pointer)
            .prop_map(|(n, value, pointer)| Op::UpdateData(n, value, pointer)),
        2 => (any.clone(), value).prop_map(|(n, value)| Op::UpdateGlobal(n, value)),
        1 => any.clone().prop_map(Op::Fail),
        2 => any.clone().prop_map(Op::Free),
        2 => (any.clone(), 0..NAMES).prop_map(|(n, name)| Op::Export(n, name)),
        1 => any.prop_map(Op::UseSlot),
        2 => Just(Op::Flush),
    ]
}

/// A handle of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handle {
    Function(FuncId),
    Data(DataId),
    Global(GlobalId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Import,
    Data,
    Global,
}

impl Kind {
    /// What messages call it.
    fn name(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Import => "imported function",
            Kind::Data => "data",
            Kind::Global => "global",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Announced,
    Failed,
    /// What it is worth alone, and what it refers to.
    Ready(i32, Vec<(Reference, usize)>),
    Freed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    Call,
    CallAddress,
    Load,
    LoadBySlot,
    LoadPointer,
    Get,
    PointToFunction,
    PointToData,
}

/// A declaration, named by its place in the model.
#[derive(Debug)]
struct Decl {
    handle: Handle,
    kind: Kind,
    /// The number in its name. What it refers to has a lower one, so that programs end.
    rank: usize,
    name: String,
    state: State,
    has_slot: bool,
}

struct Model {
    module: Module,
    /// An output that is flushed into all the time.
    output: OpenOutput,
    table: TableId,
    decls: Vec<Decl>,
    exports: BTreeMap<String, usize>,
}

/// A reason why a flush fails: what, of which declaration, and who refers to it.
type Reason = (&'static str, String, BTreeSet<String>);

const FUNCTIONS: [Kind; 2] = [Kind::Function, Kind::Import];

/// What the import of that rank returns.
fn import_value(rank: usize) -> i32 {
    1 << (rank + 20)
}

impl Model {
    fn new() -> Self {
        let mut module = Module::default();
        Self {
            table: module.function_table().unwrap(),
            module,
            output: OpenOutput::in_memory(),
            decls: Vec::new(),
            exports: BTreeMap::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Announce(kind, rank) => self.announce(kind, rank),
            Op::UpdateFunction(n, value, ref uses) => self.update_function(n, value, uses),
            Op::UpdateData(n, value, ref pointer) => self.update_data(n, value, pointer),
            Op::UpdateGlobal(n, value) => self.update_global(n, value),
            Op::Fail(n) => self.fail(n),
            Op::Free(n) => self.free(n),
            Op::Export(n, name) => self.export(n, name),
            Op::UseSlot(n) => self.use_slot(n),
            Op::Flush => {
                self.flush();
                self.flush_open();
            }
        }
    }

    /// The declaration that `number` means, of those that `fits` lets through.
    fn pick(&self, number: usize, fits: impl Fn(&Decl) -> bool) -> Option<usize> {
        let fitting: Vec<_> = (0..self.decls.len())
            .filter(|&i| fits(&self.decls[i]))
            .collect();
        (!fitting.is_empty()).then(|| fitting[number % fitting.len()])
    }

    /// A declaration of one of `kinds` that one of rank `rank` may refer to.
    fn below(&self, number: usize, kinds: &[Kind], rank: usize) -> Option<usize> {
        self.pick(number, |decl| {
            kinds.contains(&decl.kind) && decl.rank < rank
        })
    }

    fn is_freed(&self, decl: usize) -> bool {
        self.decls[decl].state == State::Freed
    }

    fn announce(&mut self, kind: Kind, rank: usize) {
        // Functions and imports share their names, so that they get in each other's way.
        let name = match kind {
            Kind::Function | Kind::Import => format!("f{rank}"),
            Kind::Data => format!("d{rank}"),
            Kind::Global => format!("g{rank}"),
        };
        let module = &mut self.module;
        let announced = match kind {
            Kind::Function => module.announce_function(&*name).map(Handle::Function),
            Kind::Import => module
                .announce_imported_function(&*name)
                .map(Handle::Function),
            Kind::Data => module.announce_data(&*name).map(Handle::Data),
            Kind::Global => module.announce_global(&*name).map(Handle::Global),
        };
        let live = |decl: &Decl| decl.name == name && decl.state != State::Freed;
        if let Some(known) = self.decls.iter().find(|decl| live(decl)) {
            match announced {
                Ok(handle) => assert_eq!((handle, kind), (known.handle, known.kind)),
                Err(error) => assert!(kind != known.kind, "{error}"),
            }
            return;
        }
        let handle = announced.unwrap();
        let is_reused = self.decls.iter().any(|decl| decl.handle == handle);
        assert!(!is_reused, "{handle:?} is given out again");
        if let (Kind::Import, Handle::Function(id)) = (kind, handle) {
            // Without it, a linker takes the function for one that is missing.
            let import = ImportName {
                module: Some("env".into()),
                name: Some(name.as_str().into()),
            };
            module.set_import(id, import).unwrap();
        }
        self.decls.push(Decl {
            handle,
            kind,
            rank,
            name,
            state: State::Announced,
            has_slot: false,
        });
    }

    fn update_function(&mut self, number: usize, value: i32, uses: &[(Reference, usize)]) {
        let Some(me) = self.pick(number, |decl| FUNCTIONS.contains(&decl.kind)) else {
            return;
        };
        let rank = self.decls[me].rank;
        let mut body = FunctionBody::new(ty(0));
        let mut refused = self.is_freed(me);
        let mut references = Vec::new();
        let mut value = value;
        if self.decls[me].kind == Kind::Import {
            value = import_value(rank);
        } else {
            body.locals(value.unsigned_abs() % 3, I32);
            body.code(&[0x41]).signed(value.into());
            for &(reference, number) in uses {
                let kinds: &[Kind] = match reference {
                    Reference::Call | Reference::CallAddress => &FUNCTIONS,
                    Reference::Get => &[Kind::Global],
                    _ => &[Kind::Data],
                };
                let Some(target) = self.below(number, kinds, rank) else {
                    continue;
                };
                let without_slot =
                    reference == Reference::LoadBySlot && !self.decls[target].has_slot;
                refused |= self.is_freed(target) || without_slot;
                self.emit(&mut body, reference, self.decls[target].handle);
                references.push((reference, target));
            }
            body.end();
        }
        let Handle::Function(id) = self.decls[me].handle else {
            panic!("a function was picked");
        };
        let updated = self.module.update(id, body);
        assert_eq!(updated.is_err(), refused, "{updated:?}");
        if !refused {
            self.decls[me].state = State::Ready(value, references);
        }
    }

    /// Appends what adds to the result what `handle` is worth.
    fn emit(&self, body: &mut FunctionBody, reference: Reference, handle: Handle) {
        const LOAD: &[u8] = &[0x28, 2, 0];
        match (reference, handle) {
            (Reference::Call, Handle::Function(f)) => body.call(f),
            (Reference::CallAddress, Handle::Function(f)) => {
                body.function_address(f).call_indirect(ty(0), self.table)
            }
            (Reference::Load, Handle::Data(d)) => body.address(d, 0).code(LOAD),
            (Reference::LoadBySlot, Handle::Data(d)) => body.address_from_slot(d).code(LOAD),
            (Reference::LoadPointer, Handle::Data(d)) => {
                // The third word says whether the second is a function's address.
                body.address(d, 8).code(LOAD).code(&[0x04, 0x7f]); // if (result i32)
                body.address(d, 4)
                    .code(LOAD)
                    .call_indirect(ty(0), self.table);
                body.code(&[0x05]); // else
                body.address(d, 4).code(LOAD).code(LOAD).end()
            }
            (Reference::Get, Handle::Global(g)) => body.global_get(g),
            (reference, handle) => panic!("{reference:?} of {handle:?}"),
        };
        body.code(&[0x6a]);
    }

    fn update_data(&mut self, number: usize, value: i32, pointer: &Pointer) {
        let Some(me) = self.pick(number, |decl| decl.kind == Kind::Data) else {
            return;
        };
        let rank = self.decls[me].rank;
        let target = match *pointer {
            Pointer::None => None,
            Pointer::ToFunction(n) => self
                .below(n, &FUNCTIONS, rank)
                .map(|target| (Reference::PointToFunction, target)),
            Pointer::ToData(n) => self
                .below(n, &[Kind::Data], rank)
                .map(|target| (Reference::PointToData, target)),
        };
        let to_function = matches!(target, Some((Reference::PointToFunction, _)));
        let words = [value, 0, to_function.into()];
        let mut def = DataDef::copied(words.map(i32::to_le_bytes).concat()).align(4);
        let mut refused = self.is_freed(me);
        if let Some((_, target)) = target {
            refused |= self.is_freed(target);
            match self.decls[target].handle {
                Handle::Function(f) => def.hole(4, RelocType::TableIndexI32, f, 0),
                Handle::Data(d) => def.hole(4, RelocType::MemoryAddrI32, d, 0),
                Handle::Global(_) => panic!("a function or datum was picked"),
            };
        }
        let Handle::Data(id) = self.decls[me].handle else {
            panic!("a datum was picked");
        };
        let updated = self.module.update(id, def);
        assert_eq!(updated.is_err(), refused, "{updated:?}");
        if !refused {
            self.decls[me].state = State::Ready(value, target.into_iter().collect());
        }
    }

    fn update_global(&mut self, number: usize, value: i32) {
        let Some(me) = self.pick(number, |decl| decl.kind == Kind::Global) else {
            return;
        };
        let Handle::Global(id) = self.decls[me].handle else {
            panic!("a global was picked");
        };
        let def = GlobalDef {
            ty: GlobalType {
                value: I32,
                mutability: Mutability::Const,
            },
            init: Some(Init::i32(value)),
        };
        let updated = self.module.update(id, def);
        assert_eq!(updated.is_err(), self.is_freed(me), "{updated:?}");
        if updated.is_ok() {
            self.decls[me].state = State::Ready(value, Vec::new());
        }
    }

    fn fail(&mut self, number: usize) {
        let Some(me) = self.pick(number, |_| true) else {
            return;
        };
        let failed = match self.decls[me].handle {
            Handle::Function(id) => self.module.fail(id, "broken"),
            Handle::Data(id) => self.module.fail(id, "broken"),
            Handle::Global(id) => self.module.fail(id, "broken"),
        };
        assert_eq!(failed.is_err(), self.is_freed(me), "{failed:?}");
        if failed.is_ok() {
            self.decls[me].state = State::Failed;
        }
    }

    fn free(&mut self, number: usize) {
        let Some(me) = self.pick(number, |_| true) else {
            return;
        };
        let freed = match self.decls[me].handle {
            Handle::Function(id) => self.module.free(id),
            Handle::Data(id) => self.module.free(id),
            Handle::Global(id) => self.module.free(id),
        };
        assert_eq!(freed.is_err(), self.is_freed(me), "{freed:?}");
        if freed.is_ok() {
            self.decls[me].state = State::Freed;
            self.exports.retain(|_, decl| *decl != me);
        }
    }

    /// Exports a function, global or datum under its own name and, if nothing else has it,
    /// one that many want.
    fn export(&mut self, number: usize, name: usize) {
        // An import that is exported has no counterpart in an object.
        let Some(me) = self.pick(number, |decl| decl.kind != Kind::Import) else {
            return;
        };
        let names = [self.decls[me].name.clone(), format!("export{name}")];
        let names = &names[usize::from(name.is_multiple_of(2))..];
        let set = match self.decls[me].handle {
            Handle::Function(id) => self.module.set_exports(id, names.iter().cloned()),
            Handle::Data(id) => self.module.set_exports(id, names.iter().cloned()),
            Handle::Global(id) => self.module.set_exports(id, names.iter().cloned()),
        };
        let taken = |name: &String| self.exports.get(name).is_some_and(|owner| *owner != me);
        let refused = self.is_freed(me) || names.iter().any(taken);
        assert_eq!(set.is_err(), refused, "{set:?}");
        if !refused {
            self.exports.retain(|_, decl| *decl != me);
            let set = names.iter().map(|name| (name.clone(), me));
            self.exports.extend(set);
        }
    }

    fn use_slot(&mut self, number: usize) {
        let Some(me) = self.pick(number, |decl| decl.kind == Kind::Data) else {
            return;
        };
        let Handle::Data(id) = self.decls[me].handle else {
            panic!("a datum was picked");
        };
        let used = self.module.use_offset_slot(id);
        assert_eq!(used.is_err(), self.is_freed(me), "{used:?}");
        self.decls[me].has_slot |= used.is_ok();
    }

    fn is_exported(&self, decl: usize) -> bool {
        self.exports.values().any(|&exported| exported == decl)
    }

    /// Why a flush must fail, sorted.
    fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for (number, decl) in self.decls.iter().enumerate() {
            let mut direct = BTreeSet::new();
            let mut all = BTreeSet::new();
            for from in &self.decls {
                let State::Ready(_, references) = &from.state else {
                    continue;
                };
                for &(reference, to) in references {
                    if to == number {
                        let name = format!("{} `{}`", from.kind.name(), from.name);
                        if reference != Reference::LoadBySlot {
                            direct.insert(name.clone());
                        }
                        all.insert(name);
                    }
                }
            }
            let name = format!("{} `{}`", decl.kind.name(), decl.name);
            match decl.state {
                State::Ready(..) => {}
                State::Announced if decl.has_slot && !self.is_exported(number) => {
                    if !direct.is_empty() {
                        reasons.push(("never", name, direct));
                    }
                }
                State::Announced => reasons.push(("never", name, all)),
                State::Failed => reasons.push(("failed", name, all)),
                State::Freed if all.is_empty() => {}
                State::Freed => reasons.push(("freed", name, all)),
            }
        }
        reasons.sort();
        reasons
    }

    /// What a declaration is worth to who refers to it.
    fn value(&self, decl: usize) -> i32 {
        let State::Ready(value, references) = &self.decls[decl].state else {
            return 0; // it is read through an empty slot, and there is nothing at address 0
        };
        if self.decls[decl].kind == Kind::Data {
            return *value;
        }
        references.iter().fold(*value, |sum, &(reference, to)| {
            let worth = match (reference, &self.decls[to].state) {
                (Reference::LoadPointer, State::Ready(_, pointer)) => {
                    pointer.first().map_or(0, |&(_, to)| self.value(to))
                }
                _ => self.value(to),
            };
            sum.wrapping_add(worth)
        })
    }

    /// Flushes, and compares what comes of it with the model. The program, if there is one.
    fn flush(&self) -> Option<Vec<u8>> {
        let expected = self.reasons();
        let flushed = match self.module.flush() {
            Ok(flushed) => flushed,
            Err(error) => {
                assert_eq!(reasons_of(&error), expected);
                let object = self.module.write_object();
                let error = object.expect_err("an object misses what a module does");
                assert_eq!(reasons_of(&error), expected);
                return None;
            }
        };
        assert_eq!(expected, [], "the module is complete");
        let mut indices = BTreeSet::new();
        for decl in &self.decls {
            let location = match decl.handle {
                Handle::Function(id) => flushed.map.get(id),
                Handle::Data(id) => flushed.map.get(id),
                Handle::Global(id) => flushed.map.get(id),
            };
            let is_live = decl.state != State::Freed;
            assert_eq!(location.is_some(), is_live, "{decl:?}");
            if let (true, Some(location)) = (decl.kind != Kind::Data, location) {
                let kind = matches!(decl.handle, Handle::Function(_));
                assert!(indices.insert((kind, location.index)), "{decl:?}");
            }
        }
        let bytes = flush(&self.module);
        assert!(bytes == flushed.bytes);
        self.compare(&bytes);
        Some(bytes)
    }

    /// Flushes into the output that stays open, which does the same.
    fn flush_open(&mut self) {
        let full = self.module.flush();
        let before = self.output.bytes().to_vec();
        match (full, self.module.flush_open(&mut self.output)) {
            (Ok(_), Ok(map)) => {
                let changed = map.changed().to_vec();
                let bytes = self.output.bytes();
                let mut copy = before;
                copy.resize(bytes.len(), 0);
                for range in changed {
                    copy[range.clone()].copy_from_slice(&bytes[range]);
                }
                assert!(copy == bytes, "all changes are named");
                validate(bytes);
                self.compare(bytes);
            }
            (Err(full), Err(error)) => {
                assert_eq!(full.to_string(), error.to_string());
                assert!(self.output.bytes() == before);
            }
            (full, open) => panic!("{:?} {:?}", full.map(|_| ()), open.map(|_| ())),
        }
    }

    /// Runs a program and compares what it computes with the model.
    fn compare(&self, program: &[u8]) {
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, program).expect("a valid module");
        let mut store = wasmi::Store::new(&engine, ());
        let mut linker = wasmi::Linker::new(&engine);
        for rank in 0..NAMES {
            let host = move || import_value(rank);
            linker.func_wrap("env", &format!("f{rank}"), host).unwrap();
        }
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let memory = instance.get_memory(&store, "memory");
        let others = usize::from(memory.is_some());
        assert_eq!(module.exports().count(), self.exports.len() + others);
        for (name, &decl) in &self.exports {
            let result = match self.decls[decl].kind {
                Kind::Function | Kind::Import => instance
                    .get_typed_func::<(), i32>(&store, name)
                    .unwrap_or_else(|error| panic!("{name}: {error}"))
                    .call(&mut store, ())
                    .unwrap_or_else(|error| panic!("{name}: {error}")),
                kind => {
                    let global = instance.get_global(&store, name).expect("an export");
                    let value = global.get(&store).i32().expect("an i32");
                    if kind == Kind::Data {
                        let mut word = [0; 4];
                        let memory = memory.expect("data lies in memory");
                        memory.read(&store, value as usize, &mut word).unwrap();
                        i32::from_le_bytes(word)
                    } else {
                        value
                    }
                }
            };
            assert_eq!(result, self.value(decl), "{name}");
        }
    }

    /// Defines what is not defined and ends all references to what was freed.
    fn repair(&mut self) {
        for me in 0..self.decls.len() {
            let broken = match &self.decls[me].state {
                State::Freed => false,
                State::Announced | State::Failed => true,
                State::Ready(_, references) => references.iter().any(|&(_, to)| self.is_freed(to)),
            };
            if !broken {
                continue;
            }
            // A number of the pick that picks `me`.
            let place = |kinds: &[Kind]| {
                let before = self.decls[..me].iter();
                before.filter(|decl| kinds.contains(&decl.kind)).count()
            };
            match self.decls[me].kind {
                Kind::Function | Kind::Import => {
                    let place = place(&FUNCTIONS);
                    self.update_function(place, 1, &[]);
                }
                Kind::Data => {
                    let place = place(&[Kind::Data]);
                    self.update_data(place, 2, &Pointer::None);
                }
                Kind::Global => {
                    let place = place(&[Kind::Global]);
                    self.update_global(place, 3);
                }
            }
        }
    }
}

/// The reasons that a flush gave, as the model says them.
fn reasons_of(error: &FlushError) -> Vec<Reason> {
    let FlushError::Incomplete(problems) = error else {
        panic!("{error}");
    };
    let mut reasons: Vec<Reason> = problems
        .iter()
        .map(|problem| {
            let (what, declaration, references) = match problem {
                Problem::Failed {
                    declaration,
                    references,
                    ..
                } => ("failed", declaration, references),
                Problem::NeverUpdated {
                    declaration,
                    references,
                } => ("never", declaration, references),
                Problem::Freed {
                    declaration,
                    references,
                } => ("freed", declaration, references),
                other => panic!("{other}"),
            };
            let references = references.iter().map(ToString::to_string);
            (what, declaration.to_string(), references.collect())
        })
        .collect();
    reasons.sort();
    reasons
}

proptest! {
    // Each case runs a linker.
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_module_does_what_its_model_does(ops in vec(op(), 0..80)) {
        let mut model = Model::new();
        for op in &ops {
            model.apply(op);
        }
        model.flush();
        model.repair();
        let flushed = model.flush().expect("the module is complete");
        validate(&flushed);
        model.flush_open();
        model.compare(&link(&[&model.module], &[]));
        model.compare(&link_in_process(&model.module));
    }
}
