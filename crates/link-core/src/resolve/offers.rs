//! What lazy inputs offer to define. Most of it is never asked for, so who is the first to
//! offer a name is found for all names at once and on all threads; when it is a lazy input's
//! turn, nothing is written down for each of its names.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::names::{InputNames, NameId};
use super::table::LazyId;
use crate::input::ReadInput;
use crate::par;

/// Inputs whose offers are looked through at once.
const BATCH: usize = 64;

/// By a lazy input, at a place among its names: first come those of earlier inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer(u64);

impl Offer {
    const NONE: Self = Self(u64::MAX);

    fn new(lazy: LazyId, nth: usize) -> Self {
        Self(u64::from(lazy.0) << 32 | nth as u64)
    }

    fn lazy(self) -> Option<LazyId> {
        (self != Self::NONE).then_some(LazyId((self.0 >> 32) as u32))
    }

    fn nth(self) -> u32 {
        self.0 as u32
    }
}

/// Which of a lazy input's offers have been made.
#[derive(Debug, Clone, Copy, Default)]
struct Made {
    /// So many, from the first one on.
    count: u32,
    /// When the first one was met; the others follow.
    met: u32,
    /// A name that it offers first has a symbol from before its turn.
    is_expected: bool,
}

/// Who offers which name.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// The first offer of each name that has a number.
    first: Vec<Offer>,
    /// By the place of the input.
    made: Vec<Made>,
    /// A lazy input that was pulled did not define what it offered.
    pub(super) doubted: bool,
}

impl Offers {
    /// What `inputs` will offer; `names` is how many names there are.
    pub(super) fn of(inputs: &[ReadInput<'_>], of_inputs: &[InputNames], names: usize) -> Self {
        let is_lazy = |input: &ReadInput<'_>| matches!(input, ReadInput::Lazy(_));
        if !inputs.iter().any(is_lazy) {
            return Self::default();
        }
        let mut first = Vec::new();
        first.resize_with(names, || AtomicU64::new(Offer::NONE.0));
        par::map_indices(inputs.len().div_ceil(BATCH), |batch| {
            let start = batch * BATCH;
            let inputs = inputs.iter().zip(of_inputs).enumerate();
            for (id, (input, names)) in inputs.skip(start).take(BATCH) {
                let ReadInput::Lazy(member) = input else {
                    continue;
                };
                for nth in 0..member.offered().len() {
                    if !names.is_repeated(nth)
                        && let Some(name) = names.get(nth)
                    {
                        let offer = Offer::new(LazyId(id as u32), nth);
                        first[name.index()].fetch_min(offer.0, Relaxed);
                    }
                }
            }
        });
        Self {
            first: first
                .into_iter()
                .map(|first| Offer(first.into_inner()))
                .collect(),
            made: vec![Made::default(); inputs.len()],
            doubted: false,
        }
    }

    /// Whether no input is lazy.
    pub(super) fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    fn first(&self, name: NameId) -> Offer {
        self.first.get(name.index()).copied().unwrap_or(Offer::NONE)
    }

    /// The first lazy input that will offer the name.
    pub(super) fn first_by(&self, name: NameId) -> Option<LazyId> {
        self.first(name).lazy()
    }

    /// It is the turn of a lazy input, which offers `count` names; the first one is met at
    /// `met`.
    pub(super) fn make(&mut self, lazy: LazyId, count: usize, met: u32) {
        let made = &mut self.made[lazy.index()];
        made.count = count as u32;
        made.met = met;
    }

    /// A name gets a symbol: as [`Offers::made`], and if no lazy input has offered the name yet, the
    /// first one to do so will look for symbols.
    pub(super) fn introduce(&mut self, name: NameId) -> Option<(LazyId, u32)> {
        let made = self.made(name);
        if made.is_none()
            && let Some(lazy) = self.first_by(name)
        {
            self.made[lazy.index()].is_expected = true;
        }
        made
    }

    /// Whether a name that a lazy input is the first to offer has a symbol from before its turn.
    pub(super) fn is_expected(&self, lazy: LazyId) -> bool {
        self.made[lazy.index()].is_expected
    }

    /// Who offers a name, of what was offered so far, and when that was met.
    pub(super) fn made(&self, name: NameId) -> Option<(LazyId, u32)> {
        let first = self.first(name);
        let lazy = first.lazy()?;
        let made = self.made[lazy.index()];
        (first.nth() < made.count).then(|| (lazy, made.met + first.nth()))
    }

    /// If the input that offered the name was pulled and does not define it, this lazy input offers
    /// it from now on. Returns whether it does.
    pub(super) fn renew(&mut self, name: NameId, lazy: LazyId, nth: usize) -> bool {
        let offer = Offer::new(lazy, nth);
        if self.made(name).is_none() {
            self.first[name.index()] = offer;
        }
        self.first[name.index()] == offer
    }
}
