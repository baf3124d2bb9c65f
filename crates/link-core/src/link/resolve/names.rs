//! The names of a link, each with a number: what follows compares and looks up numbers.
//!
//! A name is hashed once. The names of all inputs are numbered before the first of them
//! is resolved, on all threads: each takes the names whose hashes fall into its shard.
//! Names that come up later (those of a member that is parsed when it is pulled, of the
//! command line, of the linker) are added one by one.
//!
//! Symbols are another matter. A name has one once an input that takes part mentions it,
//! and symbols are in the order of that.

use std::hash::Hasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::link::ids::SymbolId;
use crate::link::object::{ObjTarget, Object};
use crate::link::par;
use crate::link::read::{LazyMember, ReadInput};

/// Below this many names a single shard is as fast.
const SHARDING_FROM: usize = 10_000;
const SHARD_BITS: u32 = 6;

/// A name, in the order of hashes and not of anything that can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameId(u32);

impl NameId {
    /// Stands where there is no name: for a symbol that is local to its file.
    const NONE: Self = Self(u32::MAX);

    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of an input: of an object its symbols and then its comdats, of a lazy input
/// the symbols that it offers.
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
    }
}

/// Where names are found.
#[derive(Debug)]
pub struct Names<'a> {
    shards: Vec<Shard<'a>>,
    shard_bits: u32,
    /// The symbol of each name, by [`NameId`].
    symbols: Vec<Option<SymbolId>>,
}

#[derive(Debug, Default)]
struct Shard<'a> {
    /// Places in `known`.
    table: HashTable<u32>,
    known: Vec<Known<'a>>,
}

#[derive(Debug)]
struct Known<'a> {
    hash: u64,
    name: &'a str,
    id: NameId,
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
            Named::Object(object) => object.symbols.len() + object.comdats.len(),
            Named::Lazy(member) => member.symbols().len(),
        }
    }

    /// The name at a place; `None` for a local symbol.
    #[inline]
    fn name(self, nth: usize) -> Option<&'a str> {
        match self {
            Named::Lazy(member) => member.symbols().get(nth).copied(),
            Named::Object(object) => match object.symbols.get(nth) {
                Some(symbol) if symbol.is_local() => None,
                Some(symbol) if matches!(symbol.target, ObjTarget::Section(_)) => None,
                Some(symbol) => Some(symbol.name),
                None => object.comdats.get(nth - object.symbols.len()).copied(),
            },
        }
    }
}

/// The names of an input by shard, each with its hash and its place.
struct Partition {
    names: Vec<(u64, u32)>,
    starts: Vec<u32>,
}

impl Partition {
    fn of(named: Named<'_, '_>, shard_bits: u32) -> Self {
        let hashed: Vec<(u64, u32)> = (0..named.count())
            .filter_map(|nth| Some((hash(named.name(nth)?), nth as u32)))
            .collect();
        let mut starts = vec![0u32; (1 << shard_bits) + 1];
        for &(hash, _) in &hashed {
            starts[shard_of(hash, shard_bits) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut names = vec![(0, 0); hashed.len()];
        for entry in hashed {
            let at = &mut next[shard_of(entry.0, shard_bits)];
            names[*at as usize] = entry;
            *at += 1;
        }
        Self { names, starts }
    }

    fn shard(&self, shard: usize) -> &[(u64, u32)] {
        &self.names[self.starts[shard] as usize..self.starts[shard + 1] as usize]
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// The shard of a hash. Tables look at the lowest and the highest bits.
#[inline]
fn shard_of(hash: u64, shard_bits: u32) -> usize {
    (hash >> 32) as usize & ((1 << shard_bits) - 1)
}

impl<'a> Shard<'a> {
    /// The place in `known` of a name, and whether it is new there; a new one has no
    /// number yet.
    #[inline]
    fn place(&mut self, hash: u64, name: &'a str) -> (usize, bool) {
        let known = &mut self.known;
        let entry = self.table.entry(
            hash,
            |&at| {
                let known = &known[at as usize];
                known.hash == hash && known.name == name
            },
            |&at| known[at as usize].hash,
        );
        match entry {
            Entry::Occupied(entry) => (*entry.get() as usize, false),
            Entry::Vacant(entry) => {
                let at = known.len();
                entry.insert(at as u32);
                known.push(Known {
                    hash,
                    name,
                    id: NameId::NONE,
                });
                (at, true)
            }
        }
    }
}

impl<'a> Names<'a> {
    /// Numbers the names of all inputs; also returns those of each input.
    pub(super) fn of(inputs: &[ReadInput<'a>]) -> (Self, Vec<InputNames>) {
        let count: usize = inputs.iter().filter_map(Named::of).map(Named::count).sum();
        if count < SHARDING_FROM {
            Self::of_few(inputs, count)
        } else {
            Self::of_many(inputs)
        }
    }

    fn of_few(inputs: &[ReadInput<'a>], count: usize) -> (Self, Vec<InputNames>) {
        let shard = Shard {
            table: HashTable::with_capacity(count),
            known: Vec::with_capacity(count),
        };
        let mut names = Self {
            shards: vec![shard],
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

    fn of_many(inputs: &[ReadInput<'a>]) -> (Self, Vec<InputNames>) {
        let shard_bits = SHARD_BITS;
        let named = |input: usize| Named::of(&inputs[input]);
        let partitions = par::map_indices(inputs.len(), |input| {
            named(input).map(|named| Partition::of(named, shard_bits))
        });

        // Each shard goes through the inputs in their order.
        let found = par::map_indices(1 << shard_bits, |nth| {
            let mut shard = Shard::default();
            let mut places = Vec::new();
            for (input, partition) in partitions.iter().enumerate() {
                let (Some(named), Some(partition)) = (named(input), partition) else {
                    continue;
                };
                for &(hash, at) in partition.shard(nth) {
                    if let Some(name) = named.name(at as usize) {
                        places.push(shard.place(hash, name).0 as u32);
                    }
                }
            }
            (shard, places)
        });
        let mut shards = Vec::with_capacity(found.len());
        let mut places = Vec::with_capacity(found.len());
        let mut first = Vec::with_capacity(found.len());
        let mut total = 0;
        for (mut shard, of_shard) in found {
            first.push(total);
            for known in &mut shard.known {
                known.id = NameId(total);
                total += 1;
            }
            shards.push(shard);
            places.push(of_shard);
        }

        // Where in its shards' places each input begins.
        let mut next = vec![0u32; shards.len()];
        let mut begins = Vec::with_capacity(inputs.len());
        for partition in &partitions {
            begins.push(next.clone());
            if let Some(partition) = partition {
                for (shard, next) in next.iter_mut().enumerate() {
                    *next += partition.shard(shard).len() as u32;
                }
            }
        }
        let of_inputs = par::map_indices(inputs.len(), |input| {
            let (Some(named), Some(partition)) = (named(input), &partitions[input]) else {
                return InputNames::default();
            };
            let mut names = vec![NameId::NONE; named.count()];
            for (shard, &begin) in begins[input].iter().enumerate() {
                let places = &places[shard][begin as usize..];
                for (&(_, at), &place) in partition.shard(shard).iter().zip(places) {
                    names[at as usize] = NameId(first[shard] + place);
                }
            }
            InputNames(names)
        });
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
    pub(super) fn intern(&mut self, name: &'a str) -> NameId {
        let hash = hash(name);
        let shard = &mut self.shards[shard_of(hash, self.shard_bits)];
        let (place, is_new) = shard.place(hash, name);
        if is_new {
            shard.known[place].id = NameId(self.symbols.len() as u32);
            self.symbols.push(None);
        }
        shard.known[place].id
    }

    /// The names of an object that was parsed later.
    pub(super) fn of_object(&mut self, object: &Object<'a>) -> InputNames {
        self.of_named(Named::Object(object))
    }

    fn of_named(&mut self, named: Named<'_, 'a>) -> InputNames {
        let names = (0..named.count()).map(|nth| match named.name(nth) {
            Some(name) => self.intern(name),
            None => NameId::NONE,
        });
        InputNames(names.collect())
    }

    /// The number of a name that something has mentioned.
    pub(super) fn number(&self, name: &str) -> Option<NameId> {
        let hash = hash(name);
        let shard = &self.shards[shard_of(hash, self.shard_bits)];
        let found = shard.table.find(hash, |&at| {
            let known = &shard.known[at as usize];
            known.hash == hash && known.name == name
        });
        found.map(|&at| shard.known[at as usize].id)
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

    /// From now on a name stands for this symbol.
    pub(super) fn set(&mut self, name: NameId, symbol: SymbolId) {
        self.symbols[name.index()] = Some(symbol);
    }
}
