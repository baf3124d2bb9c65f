//! The program that the objects make up, before any byte of them: which functions there are,
//! what they are called, which object has which, and who calls whom.
//!
//! It is a C++ program as clang compiles it without optimisation. Every object is a *unit* with
//! functions of its own, and has copies of inline functions in comdats. These belong to
//! *families*: the methods of one instance of a class template. Each family uses that whose
//! number is a quarter of its own, so those with low numbers are in nearly every object, as
//! `std::string` is in a real program, and those with high numbers in a few.
//!
//! Units call units of the same *league*: all whose numbers leave the same rest when divided by
//! [`LEAGUES`]. So the objects of one league are a program of their own.

use super::random::Random;

/// In how many leagues the units are.
pub(super) const LEAGUES: u32 = 10;
/// How many functions a family has. The first is its *head*: who uses the family calls it.
pub(super) const METHODS: u32 = 10;
/// How many more methods a family's class declares, of which debug info knows.
pub(super) const DECLARED: u32 = 25;
/// From this one on, the methods of a family are virtual.
pub(super) const FIRST_VIRTUAL: u32 = 6;
/// The first families, of which most units use some.
const POPULAR: u32 = 200;

/// How much of everything there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// How many units there are.
    pub(crate) units: u32,
    /// How many functions of its own a unit has, its entry among them.
    pub(crate) own: u32,
    /// How many families occur in a unit for the first time.
    pub(crate) new_families: u32,
}

impl Size {
    /// `scale` of 2,000 objects with 200,000 functions.
    pub(crate) fn scaled(scale: f64) -> Self {
        Self {
            units: Self::units_of(scale).max(LEAGUES),
            own: 40,
            new_families: 6,
        }
    }

    /// How many units `scale` is.
    pub(super) fn units_of(scale: f64) -> u32 {
        (2000.0 * scale).round() as u32
    }

    /// How many families there are.
    fn families(self) -> u32 {
        self.units * self.new_families
    }
}

/// What a function takes and returns, by the index of its type in every object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    /// `() -> ()`
    Nothing = 0,
    /// `(i32) -> ()`
    Pointer = 1,
    /// `(i32) -> i32`
    Getter = 2,
    /// `(i32, i32) -> i32`
    Binary = 3,
    /// `(i32, i32, i32) -> ()`
    Triple = 4,
    /// `(i32, i64) -> i64`
    Long = 5,
    /// `(i32, i32) -> ()`
    Setter = 6,
}

impl Signature {
    /// Those of methods.
    const METHODS: [Self; 6] = [
        Self::Pointer,
        Self::Getter,
        Self::Binary,
        Self::Triple,
        Self::Long,
        Self::Setter,
    ];

    /// The signature of a method of a family.
    pub(super) fn of_method(family: u32, method: u32) -> Self {
        if method >= FIRST_VIRTUAL {
            return Self::Getter;
        }
        Self::METHODS[Random::of(&[1, family.into(), method.into()]).below(6) as usize]
    }

    /// The signature of a unit's own function.
    pub(super) fn of_own(unit: u32, own: u32) -> Self {
        if own == 0 {
            return Self::Nothing;
        }
        Self::METHODS[Random::of(&[2, unit.into(), own.into()]).below(6) as usize]
    }
}

/// What a unit's own function is to the other units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Other units can call it.
    Global,
    /// It is the unit's alone.
    Static,
    /// Nothing calls it.
    Unused,
}

/// The functions of one unit.
pub(super) struct Unit {
    /// Its number.
    pub(super) number: u32,
    /// The families that it has copies of, ascending.
    pub(super) families: Vec<u32>,
    /// Whether it has a static constructor.
    pub(super) constructor: bool,
    /// The units whose entries it calls.
    pub(super) callees: Vec<u32>,
    size: Size,
}

impl Unit {
    pub(super) fn new(size: Size, number: u32) -> Self {
        let mut random = Random::of(&[3, number.into()]);
        let mut families = Vec::new();
        let mut add = |family: u32| {
            let mut family = family;
            loop {
                families.push(family);
                if family == 0 {
                    break;
                }
                family = used_by(family);
            }
        };
        for new in 0..size.new_families {
            add(number * size.new_families + new);
        }
        if let Some(last) = size.families().checked_sub(1) {
            for _ in 0..2 {
                add(random.below(last.min(POPULAR) + 1));
            }
            add(random.below(last + 1));
        }
        families.sort_unstable();
        families.dedup();
        // The entries of a league are called as the nodes of a binary tree.
        let (league, node) = (number % LEAGUES, number / LEAGUES);
        let callees = [2 * node + 1, 2 * node + 2]
            .map(|node| node * LEAGUES + league)
            .into_iter()
            .filter(|unit| *unit < size.units)
            .collect();
        Self {
            number,
            families,
            constructor: random.percent(10),
            callees,
            size,
        }
    }

    /// How many functions of its own it has.
    pub(super) fn own(&self) -> u32 {
        self.size.own
    }

    /// What its function `own` is to others.
    pub(super) fn place(&self, own: u32) -> Place {
        match own {
            0 => Place::Global,
            _ if own + 2 >= self.own() => Place::Unused,
            _ if own % 5 == 4 => Place::Static,
            _ => Place::Global,
        }
    }

    /// A function of the unit that units which call it may call besides its entry.
    pub(super) fn service(unit: u32) -> u32 {
        1 + unit % 3
    }

    /// The functions of its own that its function `own` calls, so that from the entry every one
    /// is reached that is used.
    pub(super) fn calls_own(&self, own: u32) -> impl Iterator<Item = u32> + '_ {
        [2 * own + 1, 2 * own + 2]
            .into_iter()
            .filter(|callee| *callee < self.own() && self.place(*callee) != Place::Unused)
    }

    /// The families whose heads its function `own` calls.
    pub(super) fn calls_families(&self, own: u32) -> impl Iterator<Item = u32> + '_ {
        let used = self.own().saturating_sub(2).max(1) as usize;
        let skipped = if (own as usize) < used {
            own as usize
        } else {
            self.families.len()
        };
        self.families.iter().copied().skip(skipped).step_by(used)
    }
}

/// The family that family `family`, which is not 0, uses.
pub(super) fn used_by(family: u32) -> u32 {
    family / 4
}

/// Whether the class of the family has a table of virtual functions.
pub(super) fn has_vtable(family: u32) -> bool {
    family.is_multiple_of(3)
}

/// The methods that the method calls: from the head every one is reached.
pub(super) fn calls_methods(method: u32) -> impl Iterator<Item = u32> {
    [2 * method + 1, 2 * method + 2]
        .into_iter()
        .filter(|callee| *callee < METHODS)
}
