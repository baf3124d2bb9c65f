//! The names of a link, each with a number: what follows compares and looks up numbers.
//!
//! A name is hashed once, and one of an archive's index when that is read. The names of all
//! inputs are numbered before the first of them is resolved, on all threads: each takes the names
//! whose hashes fall into its shard.
//! Names that come up later (those of a member that is parsed when it is pulled, of the
//! command line, of the linker) are added one by one.
//!
//! Symbols are another matter. A name has one once an input that takes part mentions it,
//! and symbols are in the order of that.

use crate::fingerprint::{Fingerprint, FingerprintTable, Numbered};
use crate::ids::SymbolId;
use crate::input::object::Object;
use crate::input::{LazyMember, ReadInput};
use crate::par;
use crate::sharded::Sharded;

/// Below this many names a single shard is as fast.
const SHARDING_FROM: usize = 10_000;
const SHARD_BITS: u32 = 6;
/// Names that are spread over the shards at once.
const BATCH: usize = 4096;

/// A name, in the order of hashes and not of anything that can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameId(u32);

impl NameId {
    /// Stands where there is no name: for a symbol that is local to its file.
    const NONE: Self = Self(u32::MAX);

    /// In a list of names beside a number: [`InputNames::is_repeated`].
    const REPEATED: u32 = 1 << 31;

    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of an input: of an object its symbols and then those comdats that have names
/// of their own, of a lazy input the symbols that it offers.
#[derive(Debug, Default)]
pub(super) struct InputNames(Vec<NameId>);

impl InputNames {
    /// The name at this place; `None` for a local symbol.
    #[inline]
    pub(super) fn get(&self, nth: usize) -> Option<NameId> {
        self.0
            .get(nth)
            .copied()
            .filter(|&name| name != NameId::NONE)
            .map(|name| NameId(name.0 & !NameId::REPEATED))
    }

    /// Whether a lazy input before this one, which is lazy, is known to offer the name, too.
    #[inline]
    pub(super) fn is_repeated(&self, nth: usize) -> bool {
        self.0[nth].0 & NameId::REPEATED != 0
    }
}

/// Where names are found.
#[derive(Debug)]
pub struct Names {
    shards: Vec<Shard>,
    shard_bits: u32,
    /// The symbol of each name, by [`NameId`].
    symbols: Vec<Option<SymbolId>>,
}

/// The names whose hashes fall into a shard.
#[derive(Debug)]
struct Shard {
    /// The number of each, counted from `first`, the least of them.
    table: FingerprintTable,
    first: u32,
}

/// An input that has names which others may have, too, each at a place.
#[derive(Clone, Copy)]
enum Named<'i, 'a> {
    Object(&'i Object<'a>),
    Lazy(&'i LazyMember<'a>),
}

impl<'i, 'a> Named<'i, 'a> {
    /// `None` for what has its names looked up when it is added.
    fn of(input: &'i ReadInput<'a>) -> Option<Self> {
        match input {
            ReadInput::Object(object) => Some(Named::Object(object)),
            ReadInput::Lazy(member) => Some(Named::Lazy(member)),
            ReadInput::Shared(_) | ReadInput::Stub(_) | ReadInput::Bitcode(_) => None,
        }
    }

    /// How many places there are. No name is at that of a local symbol.
    fn places(self) -> usize {
        match self {
            Named::Object(object) => object.symbols.len() + object.comdats.own_names().len(),
            Named::Lazy(member) => member.offered().len(),
        }
    }

    /// Does `f` to each name and its place.
    #[inline]
    fn each(self, mut f: impl FnMut(Fingerprint, usize)) {
        let object = match self {
            Named::Object(object) => object,
            Named::Lazy(member) => {
                for (place, name) in member.offered().iter().enumerate() {
                    f(name.fingerprint(), place);
                }
                return;
            }
        };
        for place in 0..self.places() {
            if let Some(name) = name_at(object, place) {
                f(Fingerprint::of(name.as_bytes()), place);
            }
        }
    }

    /// The names' numbers, each of which `number` tells.
    fn numbered(self, mut number: impl FnMut(Fingerprint, usize) -> NameId) -> InputNames {
        let mut numbers = vec![NameId::NONE; self.places()];
        self.each(|name, place| numbers[place] = number(name, place));
        InputNames(numbers)
    }
}

/// An object's name at a place; `None` for that of a local symbol.
#[inline]
fn name_at<'a>(object: &Object<'a>, place: usize) -> Option<&'a str> {
    match place.checked_sub(object.symbols.len()) {
        None => {
            let symbol = &object.symbols[place];
            symbol.is_shared().then_some(symbol.name)
        }
        Some(own) => object.comdats.own_names().get(own).copied(),
    }
}

/// Names of consecutive inputs, about [`BATCH`] of them, by shard.
struct NamePartition<'i, 'a> {
    inputs: &'i [ReadInput<'a>],
    /// The number beside a fingerprint is the name's place among all of the inputs, and
    /// [`Self::OFFER`].
    names: Sharded<Numbered>,
}

impl<'i, 'a> NamePartition<'i, 'a> {
    /// Beside the place of a name: it is one that a lazy input offers.
    const OFFER: u32 = 1 << 31;

    /// `all` is memory that is used again for each.
    fn of(inputs: &'i [ReadInput<'a>], shard_bits: u32, all: &mut Vec<Numbered>) -> Self {
        all.clear();
        let mut counts = vec![0u32; 1 << shard_bits];
        let mut first = 0;
        for named in inputs.iter().filter_map(Named::of) {
            let base = match named {
                Named::Object(_) => first,
                Named::Lazy(_) => first | Self::OFFER,
            };
            named.each(|name, place| {
                counts[name.shard(shard_bits) as usize] += 1;
                all.push(Numbered::new(name, base + place as u32));
            });
            first += named.places() as u32;
        }
        let sharded = |name: &Numbered| (*name, name.fingerprint().shard(shard_bits));
        Self {
            inputs,
            names: Sharded::new(all.iter().map(sharded), &counts),
        }
    }

    /// The names of each input, once shards have told where they have them; `first` is the
    /// number of each shard's first.
    fn numbered(&self, first: &[u32]) -> Vec<InputNames> {
        let counts = self.inputs.iter().map(places);
        let mut all = vec![NameId::NONE; counts.clone().sum()];
        for (shard, &first) in first.iter().enumerate() {
            for name in self.names.shard(shard) {
                all[(name.number & !Self::OFFER) as usize] = NameId(first + name.place());
            }
        }
        let mut rest = &*all;
        counts
            .map(|count| {
                let (names, others) = rest.split_at(count);
                rest = others;
                InputNames(names.into())
            })
            .collect()
    }
}

/// How many places for names an input has.
fn places(input: &ReadInput<'_>) -> usize {
    Named::of(input).map_or(0, Named::places)
}

/// Consecutive inputs that have about [`BATCH`] names together.
fn batches<'i, 'a>(inputs: &'i [ReadInput<'a>]) -> Vec<&'i [ReadInput<'a>]> {
    let mut count = 0;
    inputs
        .split_inclusive(|input| {
            count += places(input);
            let is_full = count >= BATCH;
            if is_full {
                count = 0;
            }
            is_full
        })
        .collect()
}

impl Shard {
    fn with_capacity(count: usize) -> Self {
        Self {
            table: FingerprintTable::with_capacity(count),
            first: 0,
        }
    }

    /// The number of a name; `next` if it had none, as the second value tells.
    #[inline]
    fn number(&mut self, name: Fingerprint, next: u32) -> (NameId, bool) {
        let (number, is_new) = self.table.get_or_insert(name, next - self.first);
        (NameId(self.first + number), is_new)
    }

    /// The number of a name that has one.
    #[inline]
    fn get(&self, name: Fingerprint) -> Option<NameId> {
        Some(NameId(self.first + self.table.get(name)?))
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            shards: vec![Shard::with_capacity(0)],
            shard_bits: 0,
            symbols: Vec::new(),
        }
    }
}

impl Names {
    /// Numbers the names of all inputs; also returns those of each input.
    pub(super) fn of(inputs: &[ReadInput<'_>]) -> (Self, Vec<InputNames>) {
        let count = inputs.iter().map(places).sum();
        if count < SHARDING_FROM {
            Self::of_few(inputs, count)
        } else {
            Self::of_many(inputs)
        }
    }

    fn of_few(inputs: &[ReadInput<'_>], count: usize) -> (Self, Vec<InputNames>) {
        let mut names = Self {
            shards: vec![Shard::with_capacity(count)],
            shard_bits: 0,
            symbols: Vec::with_capacity(count),
        };
        let mut of_input = |input| Named::of(input).map(|named| names.of_named(named));
        let of_inputs = inputs
            .iter()
            .map(|input| of_input(input).unwrap_or_default());
        let of_inputs = of_inputs.collect();
        (names, of_inputs)
    }

    fn of_many(inputs: &[ReadInput<'_>]) -> (Self, Vec<InputNames>) {
        let shard_bits = SHARD_BITS;
        let mut partitions = par::map_with(batches(inputs), Vec::new, |all, batch| {
            NamePartition::of(batch, shard_bits, all)
        });

        // Each shard goes through the inputs in their order.
        let mut of_shards: Vec<Vec<&mut [Numbered]>> = vec![];
        of_shards.resize_with(1 << shard_bits, || Vec::with_capacity(partitions.len()));
        for partition in &mut partitions {
            for (all, names) in of_shards.iter_mut().zip(partition.names.shards_mut()) {
                all.push(names);
            }
        }
        let mut shards = par::map_with(of_shards, Vec::new, |offered, all| {
            let count: usize = all.iter().map(|names| names.len()).sum();
            // Most names come up more than once.
            let mut shard = Shard::with_capacity(count / 2);
            offered.clear();
            for name in all.into_iter().flatten() {
                let (NameId(mut place), is_new) =
                    shard.number(name.fingerprint(), shard.table.len() as u32);
                if is_new {
                    offered.push(false);
                }
                if name.number & NamePartition::OFFER != 0 {
                    let before = std::mem::replace(&mut offered[place as usize], true);
                    place |= if before { NameId::REPEATED } else { 0 };
                }
                name.set_place(place);
            }
            shard
        });
        let mut first = Vec::with_capacity(shards.len());
        let mut total = 0;
        for shard in &mut shards {
            first.push(total);
            shard.first = total;
            total += shard.table.len() as u32;
        }
        let of_inputs = par::map_indices(partitions.len(), |nth| partitions[nth].numbered(&first));
        let of_inputs = of_inputs.into_iter().flatten().collect();
        let names = Self {
            shards,
            shard_bits,
            symbols: vec![None; total as usize],
        };
        (names, of_inputs)
    }

    /// How many names there are: numbers are below it.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// The number of a name, a new one if nothing has mentioned it.
    pub(super) fn intern(&mut self, name: &str) -> NameId {
        self.intern_fingerprint(Fingerprint::of(name.as_bytes()))
    }

    fn intern_fingerprint(&mut self, name: Fingerprint) -> NameId {
        let shard = &mut self.shards[name.shard(self.shard_bits) as usize];
        let (number, is_new) = shard.number(name, self.symbols.len() as u32);
        if is_new {
            self.symbols.push(None);
        }
        number
    }

    /// The names of an object that was parsed later.
    pub(super) fn of_object(&mut self, object: &Object<'_>) -> InputNames {
        self.of_named(Named::Object(object))
    }

    fn of_named(&mut self, named: Named<'_, '_>) -> InputNames {
        named.numbered(|name, _| self.intern_fingerprint(name))
    }

    /// Those names of `object` that have a number. Most do: it was the lazy input `member`,
    /// whose names are `of_member`, and these are nearly always what it defines, in order.
    pub(super) fn known_of(
        &self,
        object: &Object<'_>,
        member: &LazyMember<'_>,
        of_member: &InputNames,
    ) -> InputNames {
        let offers = member.offered();
        let mut offered = 0;
        let mut known = |name, place: usize| {
            let symbol = object.symbols.get(place);
            let defines = symbol.is_some_and(|symbol| !symbol.is_undefined());
            let next = offers.get(offered).filter(|_| defines);
            if next.is_some_and(|next| next.fingerprint() == name) {
                offered += 1;
                return of_member.get(offered - 1);
            }
            self.number_of(name)
        };
        Named::Object(object).numbered(|name, place| known(name, place).unwrap_or(NameId::NONE))
    }

    /// Numbers the rest.
    pub(super) fn complete(&mut self, object: &Object<'_>, names: &mut InputNames) {
        for (place, id) in names.0.iter_mut().enumerate() {
            if *id == NameId::NONE
                && let Some(name) = name_at(object, place)
            {
                *id = self.intern(name);
            }
        }
    }

    /// The number of a name that something has mentioned.
    pub(super) fn number(&self, name: &str) -> Option<NameId> {
        self.number_of(Fingerprint::of(name.as_bytes()))
    }

    fn number_of(&self, name: Fingerprint) -> Option<NameId> {
        self.shards[name.shard(self.shard_bits) as usize].get(name)
    }

    /// The symbol that a name stands for, if an input that takes part has mentioned it.
    pub fn find(&self, name: &str) -> Option<SymbolId> {
        self.symbol(self.number(name)?)
    }

    /// The symbol of a name.
    #[inline]
    pub(super) fn symbol(&self, name: NameId) -> Option<SymbolId> {
        self.symbols[name.index()]
    }

    /// Lets a name stand for a symbol.
    pub(crate) fn add(&mut self, name: &str, symbol: SymbolId) {
        let name = self.intern(name);
        self.set(name, symbol);
    }

    /// For each of `count` symbols, whether it is what a name stands for.
    pub(crate) fn named_symbols(&self, count: usize) -> Vec<bool> {
        let mut named = vec![false; count];
        for symbol in self.symbols.iter().flatten() {
            named[symbol.index()] = true;
        }
        named
    }

    /// Does `f` to every symbol that a name stands for.
    pub(super) fn each_symbol(&mut self, f: impl FnMut(&mut SymbolId)) {
        self.symbols.iter_mut().flatten().for_each(f);
    }

    /// From now on a name stands for this symbol.
    pub(super) fn set(&mut self, name: NameId, symbol: SymbolId) {
        self.symbols[name.index()] = Some(symbol);
    }
}
