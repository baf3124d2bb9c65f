//! Parsing what will be pulled, before it is: on all threads, where resolution adds one
//! object after another.
//!
//! What is pulled follows from rules that depend on the order of the inputs; they are
//! resolution's. This only guesses, nearly always rightly: a lazy input that defines what
//! an object refers to, and no object defines, will be needed. A guess that was wrong
//! cost the parsing, and one that was missed is parsed when it is pulled.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use super::names::{InputNames, NameId, Names};
use super::offers::Offers;
use super::table::LazyId;
use crate::input::ReadInput;
use crate::input::object::Object;
use crate::options::Options;
use crate::par;

/// An object that was lazy, and its names.
pub(super) type ParsedLazy<'a> = (Box<Object<'a>>, InputNames);

struct PullAhead<'i, 'a> {
    names: &'i Names,
    inputs: &'i [ReadInput<'a>],
    of_inputs: &'i [InputNames],
    offers: &'i Offers,
    /// For each name, whether no lazy input has to offer it any more: an object defines it, or it is
    /// asked for already.
    settled: Vec<AtomicBool>,
    /// Which inputs are lazy ones that will be needed.
    wanted: Vec<AtomicBool>,
    /// Those of them that are parsed, in no particular order.
    parsed: Mutex<Vec<(LazyId, ParsedLazy<'a>)>>,
}

/// The lazy inputs that will be needed by what is known, and the objects that they are, in
/// the order of `inputs`. One that cannot be parsed is parsed again when it is pulled.
pub(super) fn parse<'a>(
    inputs: &[ReadInput<'a>],
    of_inputs: &[InputNames],
    offers: &Offers,
    names: &mut Names,
    options: &Options,
) -> Vec<(LazyId, ParsedLazy<'a>)> {
    if offers.is_empty() {
        return Vec::new();
    }
    let unset = |count| (0..count).map(|_| AtomicBool::default()).collect();
    let ahead = PullAhead {
        names,
        inputs,
        of_inputs,
        offers,
        settled: unset(names.len()),
        wanted: unset(inputs.len()),
        parsed: Mutex::new(Vec::new()),
    };
    let objects = inputs.iter().zip(of_inputs);
    let objects: Vec<_> = objects
        .filter_map(|(input, names)| match input {
            ReadInput::Object(object) => Some((object, names)),
            _ => None,
        })
        .collect();
    par::for_each(objects.clone(), |(object, names)| {
        ahead.defined(object, names);
    });
    let wanted = par::map(objects, |(object, names)| {
        let mut wanted = Vec::new();
        ahead.referred(object, names, &mut wanted);
        wanted
    });
    let mut wanted = wanted.concat();
    let named = options.undefined.iter().map(String::as_str);
    for name in named.chain(options.entry_name()) {
        if let Some(name) = ahead.names.number(name) {
            ahead.want(name, &mut wanted);
        }
    }
    // A member is worth a thread.
    par::work_through(wanted, 1, |lazy, wanted| ahead.parse(lazy, wanted));

    let mut parsed = (ahead.parsed.into_inner()).unwrap_or_else(PoisonError::into_inner);
    parsed.sort_unstable_by_key(|&(lazy, _)| lazy);
    for (_, (object, of_object)) in &mut parsed {
        names.complete(object, of_object);
    }
    parsed
}

impl PullAhead<'_, '_> {
    /// Parses a lazy input, and adds to `wanted` what it will need.
    fn parse(&self, lazy: LazyId, wanted: &mut Vec<LazyId>) {
        let ReadInput::Lazy(member) = &self.inputs[lazy.index()] else {
            return;
        };
        let Ok(object) = member.parse() else {
            return;
        };
        // A name that has no number yet is one that no lazy input offers.
        let of_member = &self.of_inputs[lazy.index()];
        let names = self.names.known_of(&object, member, of_member);
        self.defined(&object, &names);
        self.referred(&object, &names, wanted);
        par::lock(&self.parsed).push((lazy, (Box::new(object), names)));
    }

    /// No lazy input needs to offer what an object defines.
    fn defined(&self, object: &Object<'_>, names: &InputNames) {
        for (nth, symbol) in object.symbols.iter().enumerate() {
            if let Some(name) = names.get(nth).filter(|_| !symbol.is_undefined()) {
                self.settled[name.index()].store(true, Relaxed);
            }
        }
    }

    fn referred(&self, object: &Object<'_>, names: &InputNames, wanted: &mut Vec<LazyId>) {
        for (nth, symbol) in object.symbols.iter().enumerate() {
            if symbol.is_undefined()
                && !symbol.is_weak()
                && let Some(name) = names.get(nth)
            {
                self.want(name, wanted);
            }
        }
    }

    fn want(&self, name: NameId, wanted: &mut Vec<LazyId>) {
        let settled = &self.settled[name.index()];
        if settled.load(Relaxed) || settled.swap(true, Relaxed) {
            return;
        }
        if let Some(lazy) = self.offers.first_by(name)
            && !self.wanted[lazy.index()].swap(true, Relaxed)
        {
            wanted.push(lazy);
        }
    }
}
