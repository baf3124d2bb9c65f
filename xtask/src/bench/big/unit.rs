//! The objects of the program: the units that `plan` has, and those that begin it.

use std::collections::HashMap;

use test_objects::CustomDef;
use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::{RelocEntry, RelocType};

use super::code::{self, Callee, Common, Datum};
use super::dwarf::{self, Described, Kind};
use super::names::{self, Class};
use super::object::{FunctionRef, Object};
use super::plan::{
    FIRST_VIRTUAL, LEAGUES, METHODS, Place, Signature, Size, Unit, calls_methods, has_vtable,
    used_by,
};
use super::random::Random;

/// Variables that a unit has: as many are zero at first as are not.
const VARIABLES: u32 = 4;

/// An object and the names that it defines for others.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) names: Vec<String>,
}

/// The object of a unit.
pub(super) fn unit(size: Size, number: u32) -> Made {
    let plan = Unit::new(size, number);
    let mut object = Object::default();
    let common = object.common();
    let mut maker = Maker {
        imports: import(&mut object, &plan),
        own: Vec::new(),
        methods: HashMap::new(),
        vtables: HashMap::new(),
        variables: Vec::new(),
        strings: 0,
        described: Vec::new(),
        object,
        common,
        plan,
    };
    maker.announce();
    maker.define_data();
    maker.define_code();
    maker.finish()
}

/// The object with the program's entry, which runs the units of all leagues or of the first.
pub(super) fn entry(all: bool) -> Made {
    let mut object = Object::default();
    let common = object.common();
    let nothing = Signature::Nothing;
    let mut called = vec![object.import("__wasm_call_ctors".to_owned(), nothing)];
    for unit in 0..if all { LEAGUES } else { 1 } {
        called.push(object.import(names::own(unit, 0, nothing), nothing));
    }
    let start = object.function("_start".to_owned(), SymbolFlags::NONE, nothing, false);
    let callees: Vec<Callee> = called.into_iter().map(callee).collect();
    let mut random = Random::of(&[12]);
    let body = code::body(common, &mut random, nothing, &callees, &[], 0);
    object.define(start, body);
    finish(object, Vec::new())
}

fn finish(object: Object, customs: Vec<CustomDef<'static>>) -> Made {
    let names = object.defined_names().map(str::to_owned).collect();
    Made {
        bytes: object.encode(customs),
        names,
    }
}

fn callee(function: FunctionRef) -> Callee {
    Callee {
        symbol: function.symbol,
        function: function.index,
        signature: function.signature,
    }
}

/// The functions of other units that the unit calls.
fn import(object: &mut Object, plan: &Unit) -> Vec<FunctionRef> {
    let mut imports = Vec::new();
    for unit in &plan.callees {
        for own in [0, Unit::service(*unit)] {
            let signature = Signature::of_own(*unit, own);
            imports.push(object.import(names::own(*unit, own, signature), signature));
        }
    }
    imports
}

struct Maker {
    plan: Unit,
    object: Object,
    common: Common,
    imports: Vec<FunctionRef>,
    own: Vec<FunctionRef>,
    /// By family and method.
    methods: HashMap<(u32, u32), FunctionRef>,
    /// Symbols, by family.
    vtables: HashMap<u32, u32>,
    /// Names and symbols.
    variables: Vec<(String, u32)>,
    /// How many texts there are.
    strings: u32,
    /// What debug info describes, in the order of the code.
    described: Vec<(FunctionRef, Kind)>,
}

impl Maker {
    /// Gives every function its number.
    fn announce(&mut self) {
        let unit = self.plan.number;
        for own in 0..self.plan.own() {
            let signature = Signature::of_own(unit, own);
            let (name, flags) = match self.plan.place(own) {
                Place::Static => (
                    names::own_static(own, signature),
                    SymbolFlags::BINDING_LOCAL,
                ),
                Place::Global | Place::Unused => (
                    names::own(unit, own, signature),
                    SymbolFlags::VISIBILITY_HIDDEN,
                ),
            };
            let function = self.object.function(name.clone(), flags, signature, false);
            self.own.push(function);
            let kind = Kind::Own(names::own_source(unit, own), name);
            self.described.push((function, kind));
        }
        if self.plan.constructor {
            let name = format!("_GLOBAL__sub_I_{}.cpp", names::unit_class(unit));
            let function = self.object.function(
                name.clone(),
                SymbolFlags::BINDING_LOCAL,
                Signature::Nothing,
                false,
            );
            self.object.init_func(function);
            self.described
                .push((function, Kind::Own(name.clone(), name)));
        }
        for &family in &self.plan.families {
            let class = Class::of_family(family);
            for method in 0..METHODS {
                let signature = Signature::of_method(family, method);
                let function = self.object.function(
                    class.method(method, signature),
                    SymbolFlags::BINDING_WEAK | SymbolFlags::VISIBILITY_HIDDEN,
                    signature,
                    true,
                );
                self.methods.insert((family, method), function);
                self.described
                    .push((function, Kind::Method { family, method }));
            }
        }
    }

    fn define_data(&mut self) {
        for &family in self
            .plan
            .families
            .iter()
            .filter(|family| has_vtable(**family))
        {
            let methods = FIRST_VIRTUAL..METHODS;
            // Before the methods, the distance to the object's start and its type's
            // description; the program has none.
            let bytes = vec![0; 8 + 4 * methods.len()];
            let relocs = methods
                .zip((8..).step_by(4))
                .map(|(method, offset)| RelocEntry {
                    ty: RelocType::TableIndexI32,
                    offset,
                    index: self.methods[&(family, method)].symbol,
                    addend: 0,
                })
                .collect();
            let symbol = self.object.data(
                Class::of_family(family).vtable(),
                SymbolFlags::BINDING_WEAK | SymbolFlags::VISIBILITY_HIDDEN,
                ".rodata",
                bytes,
                relocs,
                true,
            );
            self.vtables.insert(family, symbol);
        }
        for variable in 0..VARIABLES {
            let name = names::variable(self.plan.number, variable);
            let (section, value) = if variable % 2 == 0 {
                (".bss", 0)
            } else {
                (".data", self.plan.number + 1)
            };
            let symbol = self.object.data(
                name.clone(),
                SymbolFlags::VISIBILITY_HIDDEN,
                section,
                [value.to_le_bytes(); 4].concat(),
                Vec::new(),
                false,
            );
            self.variables.push((name, symbol));
        }
    }

    fn define_code(&mut self) {
        let unit = self.plan.number;
        for own in 0..self.plan.own() {
            let mut random = Random::of(&[13, unit.into(), own.into()]);
            let mut called: Vec<Callee> = Vec::new();
            called.extend(
                self.plan
                    .calls_own(own)
                    .map(|own| callee(self.own[own as usize])),
            );
            let heads = self.plan.calls_families(own);
            called.extend(heads.map(|family| callee(self.methods[&(family, 0)])));
            if own == 0 {
                called.extend(self.imports.iter().copied().map(callee));
            }
            let mut data = Vec::new();
            if random.percent(50) {
                let variable = random.below(VARIABLES) as usize;
                data.push(Datum::Read(self.variables[variable].1));
            }
            if random.percent(30) {
                data.push(Datum::Address(self.string(&mut random)));
            }
            self.define(self.own[own as usize], &mut random, &called, &data);
        }
        if self.plan.constructor {
            let constructor = self.described[self.own.len()].0;
            let mut random = Random::of(&[14, unit.into()]);
            let data = [Datum::Read(self.variables[0].1)];
            self.define(constructor, &mut random, &[], &data);
        }
        for family in self.plan.families.clone() {
            for method in 0..METHODS {
                let mut random = Random::of(&[15, family.into(), method.into()]);
                let mut called: Vec<Callee> = calls_methods(method)
                    .map(|callee_method| callee(self.methods[&(family, callee_method)]))
                    .collect();
                let mut data = Vec::new();
                if method == 0 {
                    if family != 0 {
                        called.push(callee(self.methods[&(used_by(family), 0)]));
                    }
                    data.extend(self.vtables.get(&family).map(|at| Datum::VirtualCall(*at)));
                }
                let function = self.methods[&(family, method)];
                self.define(function, &mut random, &called, &data);
            }
        }
    }

    fn define(
        &mut self,
        function: FunctionRef,
        random: &mut Random,
        called: &[Callee],
        data: &[Datum],
    ) {
        // Most functions are short, some are long.
        let filler = match random.below(20) {
            0 => 20 + random.below(60),
            1..5 => 5 + random.below(10),
            _ => random.below(6),
        };
        let signature = function.signature;
        let body = code::body(self.common, random, signature, called, data, filler);
        self.object.define(function, body);
    }

    /// A text that the unit has; returns its symbol.
    fn string(&mut self, random: &mut Random) -> u32 {
        let name = match self.strings {
            0 => ".L.str".to_owned(),
            number => format!(".L.str.{number}"),
        };
        self.strings += 1;
        let mut bytes = names::message(random).into_bytes();
        bytes.push(0);
        let local = SymbolFlags::BINDING_LOCAL;
        self.object
            .data(name, local, ".rodata", bytes, Vec::new(), false)
    }

    fn finish(self) -> Made {
        let extents = self.object.extents();
        let functions: Vec<Described> = self
            .described
            .into_iter()
            .zip(extents)
            .enumerate()
            .map(|(index, ((function, kind), extent))| Described {
                symbol: function.symbol,
                extent,
                frame: self.object.frame(index),
                kind,
            })
            .collect();
        let customs = dwarf::sections(&dwarf::Unit {
            number: self.plan.number,
            families: &self.plan.families,
            variables: &self.variables,
            functions: &functions,
            stack_pointer: self.common.stack_pointer,
            sections: self.object.next_symbol(),
        });
        finish(self.object, customs)
    }
}
