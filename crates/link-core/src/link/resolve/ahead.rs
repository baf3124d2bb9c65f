//! Parsing what will be pulled, before it is: on all threads, while resolution adds one
//! object after another.
//!
//! What is pulled follows from rules that depend on the order of the inputs; they are
//! resolution's. This only guesses, nearly always rightly: a lazy input that defines what
//! an object refers to, and no object defines, will be needed. A guess that was wrong
//! cost the parsing, and one that was missed is parsed when it is pulled.

use super::names::{InputNames, NameId, Names};
use crate::link::object::Object;
use crate::link::options::Options;
use crate::link::par;
use crate::link::read::{LazyMember, ReadInput};

/// An object that was lazy, and its names.
pub(super) type Parsed<'a> = (Object<'a>, InputNames);

/// Bytes of objects from which on it is worth asking other threads for help.
const WORTH_THREADS: usize = 128 << 10;

/// Nobody offers the name, or nobody has to any more.
const NOBODY: u32 = u32::MAX;

struct Ahead<'n> {
    names: &'n mut Names,
    /// For each name, the first lazy input that offers it, while that is of use.
    offered: Vec<u32>,
    /// Lazy inputs that will be needed and are not parsed yet.
    wanted: Vec<u32>,
    /// Which lazy inputs were wanted.
    seen: Vec<bool>,
}

/// For each lazy input, in the order of `inputs`, the object that it is, if it will be
/// needed by what is known. One that cannot be parsed is left to whoever pulls it.
pub(super) fn parse<'a>(
    inputs: &[ReadInput<'a>],
    of_inputs: &[InputNames],
    names: &mut Names,
    options: &Options,
) -> Vec<Option<Box<Parsed<'a>>>> {
    let mut members: Vec<&LazyMember<'a>> = Vec::new();
    let mut offered = vec![NOBODY; names.len()];
    for (input, of_input) in inputs.iter().zip(of_inputs) {
        if let ReadInput::Lazy(member) = input {
            for nth in 0..member.symbols().len() {
                if let Some(name) = of_input.get(nth)
                    && offered[name.index()] == NOBODY
                {
                    offered[name.index()] = members.len() as u32;
                }
            }
            members.push(member);
        }
    }
    let mut parsed: Vec<Option<Box<Parsed<'a>>>> = members.iter().map(|_| None).collect();
    if members.is_empty() {
        return parsed;
    }
    let mut ahead = Ahead {
        names,
        offered,
        wanted: Vec::new(),
        seen: vec![false; members.len()],
    };
    let objects = || {
        let objects = inputs.iter().zip(of_inputs);
        objects.filter_map(|(input, names)| match input {
            ReadInput::Object(object) => Some((object, names)),
            _ => None,
        })
    };
    for (object, names) in objects() {
        ahead.defined(object, names);
    }
    for (object, names) in objects() {
        ahead.referred(object, names);
    }
    let named = options.undefined.iter().map(String::as_str);
    for name in named.chain(options.entry_name()) {
        if let Some(name) = ahead.names.number(name) {
            ahead.want(name);
        }
    }
    while !ahead.wanted.is_empty() {
        let wave = std::mem::take(&mut ahead.wanted);
        let numbered = &*ahead.names;
        let parse = |&lazy: &u32| {
            let object = members[lazy as usize].parse().ok()?;
            let names = numbered.known_of(&object);
            Some((object, names))
        };
        let bytes = |&lazy: &u32| members[lazy as usize].len();
        let objects: Vec<_> = if wave.iter().map(bytes).sum::<usize>() < WORTH_THREADS {
            wave.iter().map(parse).collect()
        } else {
            par::map_indices(wave.len(), |i| parse(&wave[i]))
        };
        let mut known = Vec::with_capacity(wave.len());
        for (lazy, object) in wave.into_iter().zip(objects) {
            let Some((object, mut names)) = object else {
                continue;
            };
            ahead.names.complete(&object, &mut names);
            ahead.offered.resize(ahead.names.len(), NOBODY);
            ahead.defined(&object, &names);
            known.push((lazy, object, names));
        }
        for (lazy, object, names) in known {
            ahead.referred(&object, &names);
            parsed[lazy as usize] = Some(Box::new((object, names)));
        }
    }
    parsed
}

impl Ahead<'_> {
    /// Nobody needs to offer what an object defines.
    fn defined(&mut self, object: &Object<'_>, names: &InputNames) {
        for (nth, symbol) in object.symbols.iter().enumerate() {
            if let Some(name) = names.get(nth).filter(|_| !symbol.is_undefined()) {
                self.offered[name.index()] = NOBODY;
            }
        }
    }

    fn referred(&mut self, object: &Object<'_>, names: &InputNames) {
        for (nth, symbol) in object.symbols.iter().enumerate() {
            if symbol.is_undefined()
                && !symbol.is_weak()
                && let Some(name) = names.get(nth)
            {
                self.want(name);
            }
        }
    }

    fn want(&mut self, name: NameId) {
        let lazy = std::mem::replace(&mut self.offered[name.index()], NOBODY);
        if lazy != NOBODY && !std::mem::replace(&mut self.seen[lazy as usize], true) {
            self.wanted.push(lazy);
        }
    }
}
