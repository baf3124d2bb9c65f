//! The names of a link, each with a number: what follows compares and looks up numbers.
//!
//! A name is hashed once. The names of all inputs are numbered before the first of them
//! is resolved, on all threads: each takes the names whose hashes fall into its shard.
//! Names that come up later (those of a member that is parsed when it is pulled, of the
//! command line, of the linker) are added one by one.
//!
//! Symbols are another matter. A name has one once an input that takes part mentions it,
//! and symbols are in the order of that.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::link::fingerprint::{Fingerprint, Fingerprints, Numbered};
use crate::link::ids::SymbolId;
use crate::link::object::Object;
use crate::link::par;
use crate::link::read::{LazyMember, ReadInput};
use crate::link::sharded::Sharded;

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
    fingerprints: Fingerprints,
    /// The symbol of each name, by [`NameId`].
    symbols: Vec<Option<SymbolId>>,
}

#[derive(Debug)]
struct Shard {
    /// Places in `known`.
    table: HashTable<u32>,
    /// The number beside a fingerprint is that of the name.
    known: Vec<Numbered>,
}

/// Something that has names.
#[derive(Clone, Copy)]
enum Named<'i, 'a> {
    Object(&'i Object<'a>),
    Lazy(&'i LazyMember<'a>),
}

impl<'i, 'a> Named<'i, 'a> {
    fn of(input: &'i ReadInput<'a>) -> Option<Self> {
        match input {
            ReadInput::Object(object) => Some(Named::Object(object)),
            ReadInput::Lazy(member) => Some(Named::Lazy(member)),
            ReadInput::Shared(_) | ReadInput::Stub(_) | ReadInput::Bitcode(_) => None,
        }
    }

    fn count(self) -> usize {
        match self {
            Named::Object(object) => object.symbols.len() + object.comdats.own_names().len(),
            Named::Lazy(member) => member.symbols().len(),
        }
    }

    /// The name at a place; `None` for a local symbol.
    #[inline]
    fn name(self, nth: usize) -> Option<&'a str> {
        match self {
            Named::Lazy(member) => member.symbols().get(nth).copied(),
            Named::Object(object) => match nth.checked_sub(object.symbols.len()) {
                None => {
                    let symbol = &object.symbols[nth];
                    symbol.is_shared().then_some(symbol.name)
                }
                Some(own) => object.comdats.own_names().get(own).copied(),
            },
        }
    }
}

/// Names of consecutive inputs, about [`BATCH`] of them, by shard.
struct Partition<'i, 'a> {
    inputs: &'i [ReadInput<'a>],
    /// The number beside a fingerprint is the name's place among all of the inputs, and
    /// [`Self::OFFER`].
    names: Sharded<Numbered>,
}

impl<'i, 'a> Partition<'i, 'a> {
    /// Beside the place of a name: it is one that a lazy input offers.
    const OFFER: u32 = 1 << 31;

    /// `hashed` is memory that is used again for each.
    fn of(
        inputs: &'i [ReadInput<'a>],
        fingerprints: Fingerprints,
        shard_bits: u32,
        hashed: &mut Vec<(Numbered, u32)>,
    ) -> Self {
        hashed.clear();
        let mut counts = vec![0u32; 1 << shard_bits];
        let mut first = 0;
        for named in inputs.iter().filter_map(Named::of) {
            let offer = match named {
                Named::Object(_) => 0,
                Named::Lazy(_) => Self::OFFER,
            };
            for nth in 0..named.count() {
                let Some(name) = named.name(nth) else {
                    continue;
                };
                let (name, bits) = fingerprints.of(name.as_bytes());
                let shard = shard_of(bits, shard_bits);
                counts[shard] += 1;
                let place = (first + nth as u32) | offer;
                hashed.push((Numbered::new(name, place), shard as u32));
            }
            first += named.count() as u32;
        }
        Self {
            inputs,
            names: Sharded::new(hashed.iter().copied(), &counts),
        }
    }

    /// The names of each input, once shards have told where they have them; `first` is the
    /// number of each shard's first.
    fn numbered(&self, first: &[u32]) -> Vec<InputNames> {
        let counts = self
            .inputs
            .iter()
            .map(|input| Named::of(input).map_or(0, Named::count));
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

/// Consecutive inputs that have about [`BATCH`] names together.
fn batches<'i, 'a>(inputs: &'i [ReadInput<'a>]) -> Vec<&'i [ReadInput<'a>]> {
    let mut count = 0;
    inputs
        .split_inclusive(|input| {
            count += Named::of(input).map_or(0, Named::count);
            let is_full = count >= BATCH;
            if is_full {
                count = 0;
            }
            is_full
        })
        .collect()
}

#[inline]
fn shard_of(bits: u32, shard_bits: u32) -> usize {
    bits as usize & ((1 << shard_bits) - 1)
}

impl Shard {
    /// Stands for the number of a name that was offered, until it has one.
    const OFFERED: u32 = 0;

    fn with_capacity(count: usize) -> Self {
        Self {
            table: HashTable::with_capacity(count),
            known: Vec::with_capacity(count),
        }
    }

    /// The place in `known` of a name, and whether it is new there; a new one has no
    /// number yet.
    #[inline]
    fn place(&mut self, name: Fingerprint) -> (usize, bool) {
        let known = &mut self.known;
        let entry = self.table.entry(
            name.low,
            |&at| known[at as usize].fingerprint() == name,
            |&at| known[at as usize].fingerprint().low,
        );
        match entry {
            Entry::Occupied(entry) => (*entry.get() as usize, false),
            Entry::Vacant(entry) => {
                let at = known.len();
                entry.insert(at as u32);
                known.push(Numbered::new(name, NameId::NONE.0));
                (at, true)
            }
        }
    }

    /// Notes that a lazy input offers a name that has no number yet, by its place; whether
    /// another did before.
    fn is_offered_again(&mut self, place: u32) -> bool {
        let number = &mut self.known[place as usize].number;
        std::mem::replace(number, Self::OFFERED) == Self::OFFERED
    }
}

impl Names {
    /// Numbers the names of all inputs; also returns those of each input.
    pub(super) fn of(inputs: &[ReadInput<'_>]) -> (Self, Vec<InputNames>) {
        let count: usize = inputs.iter().filter_map(Named::of).map(Named::count).sum();
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
            fingerprints: Fingerprints::new(),
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
        let fingerprints = Fingerprints::new();
        let batches = batches(inputs);
        let mut partitions = par::map_with(batches, Vec::new, |hashed, batch| {
            Partition::of(batch, fingerprints, shard_bits, hashed)
        });

        // Each shard goes through the inputs in their order.
        let mut of_shards: Vec<Vec<&mut [Numbered]>> = vec![];
        of_shards.resize_with(1 << shard_bits, || Vec::with_capacity(partitions.len()));
        for partition in &mut partitions {
            for (all, names) in of_shards.iter_mut().zip(partition.names.shards_mut()) {
                all.push(names);
            }
        }
        let mut shards = par::map(of_shards, |all| {
            let count: usize = all.iter().map(|names| names.len()).sum();
            // Most names come up more than once.
            let mut shard = Shard::with_capacity(count / 2);
            for name in all.into_iter().flatten() {
                let (place, _) = shard.place(name.fingerprint());
                let mut place = place as u32;
                if name.number & Partition::OFFER != 0 && shard.is_offered_again(place) {
                    place |= NameId::REPEATED;
                }
                name.set_place(place);
            }
            shard
        });
        let mut first = Vec::with_capacity(shards.len());
        let mut total = 0;
        for shard in &mut shards {
            first.push(total);
            for known in &mut shard.known {
                known.number = total;
                total += 1;
            }
        }
        let of_inputs = par::map_indices(partitions.len(), |nth| partitions[nth].numbered(&first));
        let of_inputs = of_inputs.into_iter().flatten().collect();
        let names = Self {
            shards,
            shard_bits,
            fingerprints,
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
        let (name, bits) = self.fingerprints.of(name.as_bytes());
        let shard = &mut self.shards[shard_of(bits, self.shard_bits)];
        let (place, is_new) = shard.place(name);
        if is_new {
            shard.known[place].number = self.symbols.len() as u32;
            self.symbols.push(None);
        }
        NameId(shard.known[place].number)
    }

    /// The names of an object that was parsed later.
    pub(super) fn of_object(&mut self, object: &Object<'_>) -> InputNames {
        self.of_named(Named::Object(object))
    }

    /// Those names of `object` that have a number. Most do: it was the lazy input `member`,
    /// whose names are `of_member`, and these are nearly always what it defines, in order.
    pub(super) fn known_of(
        &self,
        object: &Object<'_>,
        member: &LazyMember<'_>,
        of_member: &InputNames,
    ) -> InputNames {
        let named = Named::Object(object);
        let mut offered = 0;
        let mut known = |nth| {
            let name = named.name(nth)?;
            let defines = nth < object.symbols.len() && !object.symbols[nth].is_undefined();
            if defines && member.symbols().get(offered) == Some(&name) {
                offered += 1;
                return of_member.get(offered - 1);
            }
            self.number(name)
        };
        let names = (0..named.count()).map(|nth| known(nth).unwrap_or(NameId::NONE));
        InputNames(names.collect())
    }

    /// Numbers the rest.
    pub(super) fn complete(&mut self, object: &Object<'_>, names: &mut InputNames) {
        let named = Named::Object(object);
        for (nth, id) in names.0.iter_mut().enumerate() {
            if *id == NameId::NONE
                && let Some(name) = named.name(nth)
            {
                *id = self.intern(name);
            }
        }
    }

    fn of_named(&mut self, named: Named<'_, '_>) -> InputNames {
        let names = (0..named.count()).map(|nth| match named.name(nth) {
            Some(name) => self.intern(name),
            None => NameId::NONE,
        });
        InputNames(names.collect())
    }

    /// The number of a name that something has mentioned.
    pub(super) fn number(&self, name: &str) -> Option<NameId> {
        let (name, bits) = self.fingerprints.of(name.as_bytes());
        let shard = &self.shards[shard_of(bits, self.shard_bits)];
        let found = shard.table.find(name.low, |&at| {
            shard.known[at as usize].fingerprint() == name
        });
        found.map(|&at| NameId(shard.known[at as usize].number))
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

    /// Does `f` to every symbol that a name stands for.
    pub(super) fn each_symbol(&mut self, f: impl FnMut(&mut SymbolId)) {
        self.symbols.iter_mut().flatten().for_each(f);
    }

    /// From now on a name stands for this symbol.
    pub(super) fn set(&mut self, name: NameId, symbol: SymbolId) {
        self.symbols[name.index()] = Some(symbol);
    }
}
