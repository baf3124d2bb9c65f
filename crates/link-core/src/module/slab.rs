//! Tables of declarations: dense slots that are reused, each with a generation, and with
//! a count of the references to it.
//!
//! A slot that was freed while something still refers to it keeps its name and is not
//! reused before the last reference is gone. That is why a flush can say which freed
//! declaration a body refers to, and why it can trust the targets of holes without
//! comparing generations.

use super::error::DeclName;
use super::handle::{LAST_GENERATION, Target};

pub(super) struct Slab<T> {
    /// By slot.
    contents: Vec<Content<T>>,
    /// By slot; apart from the contents because committing a body looks at the tenancy of
    /// everything the body refers to, and at nothing else of it.
    tenancies: Vec<Tenancy>,
    reusable: Vec<u32>,
    /// How many slots were freed and are still referred to.
    haunted: usize,
}

struct Tenancy {
    /// [`VACANT`] is added while no declaration is here.
    generation: u32,
    /// How many holes, element items and the like name this slot's declaration.
    references: u32,
}

/// More than any generation.
const VACANT: u32 = 1 << 31;
const _: () = assert!(LAST_GENERATION < VACANT);

enum Content<T> {
    Live(T),
    /// What the last declaration here was called.
    Freed(DeclName),
}

impl<T> Content<T> {
    #[inline]
    fn live(&self) -> Option<&T> {
        match self {
            Content::Live(value) => Some(value),
            Content::Freed(_) => None,
        }
    }
}

/// No more slots: every index that a handle can hold is taken.
#[derive(Debug)]
pub(super) struct Full;

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            contents: Vec::new(),
            tenancies: Vec::new(),
            reusable: Vec::new(),
            haunted: 0,
        }
    }

    /// How many slots there are, live or not: the length of a table by slot.
    pub(super) fn len(&self) -> usize {
        self.contents.len()
    }

    /// Puts `value` in a slot and returns the slot and its generation.
    pub(super) fn insert(&mut self, value: T) -> Result<(u32, u32), Full> {
        if let Some(index) = self.reusable.pop() {
            let tenancy = &mut self.tenancies[index as usize];
            tenancy.generation &= !VACANT;
            self.contents[index as usize] = Content::Live(value);
            return Ok((index, tenancy.generation));
        }
        let index = u32::try_from(self.contents.len()).map_err(|_| Full)?;
        self.tenancies.push(Tenancy {
            generation: 0,
            references: 0,
        });
        self.contents.push(Content::Live(value));
        Ok((index, 0))
    }

    /// Whether there is a declaration in slot `index`, and its generation is `generation`.
    #[inline]
    pub(super) fn contains(&self, index: usize, generation: u32) -> bool {
        let tenancy = self.tenancies.get(index);
        tenancy.is_some_and(|tenancy| tenancy.generation == generation)
    }

    /// The declaration in slot `index`, if its generation is `generation`.
    #[inline]
    pub(super) fn get(&self, index: usize, generation: u32) -> Option<&T> {
        if self.contains(index, generation) {
            self.at(index)
        } else {
            None
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize, generation: u32) -> Option<&mut T> {
        if self.contains(index, generation) {
            self.at_mut(index)
        } else {
            None
        }
    }

    /// The declaration in slot `index`, if there is one.
    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<&T> {
        self.contents.get(index)?.live()
    }

    #[inline]
    pub(super) fn at_mut(&mut self, index: usize) -> Option<&mut T> {
        match self.contents.get_mut(index)? {
            Content::Live(value) => Some(value),
            Content::Freed(_) => None,
        }
    }

    /// The generation of slot `index`, which exists: its declaration's, or its next one's.
    pub(super) fn generation(&self, index: usize) -> u32 {
        self.tenancies[index].generation & !VACANT
    }

    /// Live declarations with their slots and generations, in the order of the slots.
    pub(super) fn iter_generations<'a>(&'a self) -> impl Iterator<Item = (u32, u32, &'a T)> {
        let slots = self.contents.iter().zip(&self.tenancies);
        let live = |(index, (content, tenancy)): (u32, (&'a Content<T>, &'a Tenancy))| {
            Some((index, tenancy.generation, content.live()?))
        };
        (0..).zip(slots).filter_map(live)
    }

    /// Live declarations with their slots, in the order of the slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let slots = self.contents.iter().enumerate();
        slots.filter_map(|(index, content)| Some((index, content.live()?)))
    }

    /// Whether any slot was freed and is still referred to.
    pub(super) fn is_haunted(&self) -> bool {
        self.haunted > 0
    }

    /// Slots that were freed and are still referred to, with the names they had.
    pub(super) fn freed_but_referenced(&self) -> impl Iterator<Item = (usize, &DeclName)> {
        let slots = self.contents.iter().zip(&self.tenancies).enumerate();
        slots.filter_map(|(index, (content, tenancy))| match content {
            Content::Freed(name) if tenancy.references > 0 => Some((index, name)),
            _ => None,
        })
    }

    /// The name of the declaration that `target` named and that was freed, while it is known.
    pub(super) fn freed_name(&self, target: Target) -> Option<&DeclName> {
        let freed = (target.generation() + 1) | VACANT;
        match self.contents.get(target.index())? {
            Content::Freed(name) if self.contains(target.index(), freed) => Some(name),
            _ => None,
        }
    }

    /// Takes the declaration out of slot `index`, remembering its name.
    pub(super) fn remove(&mut self, index: usize, name: DeclName) -> Option<T> {
        let content = self.contents.get_mut(index)?;
        match std::mem::replace(content, Content::Freed(name)) {
            Content::Live(value) => {
                let tenancy = &mut self.tenancies[index];
                tenancy.generation = (tenancy.generation + 1) | VACANT;
                if tenancy.references == 0 {
                    self.reuse(index);
                } else {
                    self.haunted += 1;
                }
                Some(value)
            }
            freed @ Content::Freed(_) => {
                *content = freed;
                None
            }
        }
    }

    /// How many references there are to slot `index`, which exists.
    pub(super) fn references(&self, index: usize) -> u32 {
        self.tenancies[index].references
    }

    /// Counts one more reference to slot `index`, which exists.
    #[inline]
    pub(super) fn retain(&mut self, index: usize) {
        self.tenancies[index].references += 1;
    }

    /// Counts one reference less.
    #[inline]
    pub(super) fn release(&mut self, index: usize) {
        let tenancy = &mut self.tenancies[index];
        tenancy.references -= 1;
        if tenancy.references == 0 && tenancy.generation >= VACANT {
            self.haunted -= 1;
            self.reuse(index);
        }
    }

    fn reuse(&mut self, index: usize) {
        // One generation is left for the slot's last tenant to be told from.
        if self.generation(index) < LAST_GENERATION {
            self.reusable.push(index as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::error::DeclKind;

    fn name() -> DeclName {
        DeclName {
            kind: DeclKind::Function,
            name: "gone".into(),
        }
    }

    #[test]
    fn a_freed_slot_is_reused_with_the_next_generation() {
        let mut slab = Slab::new();
        assert_eq!(slab.insert('a').unwrap(), (0, 0));
        assert_eq!(slab.remove(0, name()), Some('a'));
        assert_eq!(slab.remove(0, name()), None);
        assert_eq!(slab.insert('b').unwrap(), (0, 1));
        assert_eq!(slab.get(0, 0), None);
        assert_eq!(slab.get(0, 1), Some(&'b'));
    }

    #[test]
    fn a_referenced_slot_waits_for_its_last_reference() {
        let mut slab = Slab::new();
        slab.insert('a').unwrap();
        slab.retain(0);
        slab.remove(0, name());
        assert!(slab.is_haunted());
        assert_eq!(slab.freed_but_referenced().count(), 1);
        assert_eq!(slab.insert('b').unwrap(), (1, 0));
        slab.release(0);
        assert!(!slab.is_haunted());
        assert_eq!(slab.freed_but_referenced().count(), 0);
        assert_eq!(slab.insert('c').unwrap(), (0, 1));
    }

    #[test]
    fn a_slot_out_of_generations_is_retired() {
        let mut slab = Slab::new();
        slab.insert('a').unwrap();
        slab.tenancies[0].generation = LAST_GENERATION - 1;
        slab.remove(0, name());
        assert_eq!(slab.insert('b').unwrap(), (1, 0));
    }
}
