//! Tables of declarations: dense slots that are reused, each with a generation, and with
//! a count of the references to it.
//!
//! A slot that was freed while something still refers to it keeps its name and is not
//! reused before the last reference is gone. That is why a flush can say which freed
//! declaration a body refers to, and why it can trust the targets of holes without
//! comparing generations.

use std::sync::Arc;

use super::handle::{LAST_GENERATION, Target};

pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    reusable: Vec<u32>,
    /// How many slots were freed and are still referred to.
    haunted: usize,
}

struct Slot<T> {
    generation: u32,
    /// How many holes, element items and the like name this slot's declaration.
    references: u32,
    content: Content<T>,
}

enum Content<T> {
    Live(T),
    /// The name that the last declaration here had.
    Freed(Arc<str>),
}

/// No more slots: every index that a handle can hold is taken.
#[derive(Debug)]
pub(super) struct Full;

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            reusable: Vec::new(),
            haunted: 0,
        }
    }

    /// How many slots there are, live or not: the length of a table by slot.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Puts `value` in a slot and returns the slot and its generation.
    pub(super) fn insert(&mut self, value: T) -> Result<(u32, u32), Full> {
        if let Some(index) = self.reusable.pop() {
            let slot = &mut self.slots[index as usize];
            slot.content = Content::Live(value);
            return Ok((index, slot.generation));
        }
        let index = u32::try_from(self.slots.len()).map_err(|_| Full)?;
        self.slots.push(Slot {
            generation: 0,
            references: 0,
            content: Content::Live(value),
        });
        Ok((index, 0))
    }

    /// The declaration in slot `index`, if its generation is `generation`.
    #[inline]
    pub(super) fn get(&self, index: usize, generation: u32) -> Option<&T> {
        match self.slots.get(index) {
            Some(Slot {
                generation: now,
                content: Content::Live(value),
                ..
            }) if *now == generation => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize, generation: u32) -> Option<&mut T> {
        match self.slots.get_mut(index) {
            Some(Slot {
                generation: now,
                content: Content::Live(value),
                ..
            }) if *now == generation => Some(value),
            _ => None,
        }
    }

    /// The declaration in slot `index`, if there is one.
    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<&T> {
        match &self.slots.get(index)?.content {
            Content::Live(value) => Some(value),
            Content::Freed(_) => None,
        }
    }

    #[inline]
    pub(super) fn at_mut(&mut self, index: usize) -> Option<&mut T> {
        match &mut self.slots.get_mut(index)?.content {
            Content::Live(value) => Some(value),
            Content::Freed(_) => None,
        }
    }

    /// The generation of slot `index`, which exists.
    pub(super) fn generation(&self, index: usize) -> u32 {
        self.slots[index].generation
    }

    /// Live declarations with their slots and generations, in the order of the slots.
    pub(super) fn iter_generations(&self) -> impl Iterator<Item = (u32, u32, &T)> {
        let live = |(index, slot): (u32, _)| match slot {
            &Slot {
                generation,
                content: Content::Live(ref value),
                ..
            } => Some((index, generation, value)),
            _ => None,
        };
        (0..).zip(&self.slots).filter_map(live)
    }

    /// Live declarations with their slots, in the order of the slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let live = |(index, slot): (usize, _)| match slot {
            &Slot {
                content: Content::Live(ref value),
                ..
            } => Some((index, value)),
            _ => None,
        };
        self.slots.iter().enumerate().filter_map(live)
    }

    /// Whether any slot was freed and is still referred to.
    pub(super) fn is_haunted(&self) -> bool {
        self.haunted > 0
    }

    /// Slots that were freed and are still referred to, with the names they had.
    pub(super) fn freed_but_referenced(&self) -> impl Iterator<Item = (usize, &Arc<str>)> {
        let freed = |(index, slot): (usize, _)| match slot {
            &Slot {
                references: 1..,
                content: Content::Freed(ref name),
                ..
            } => Some((index, name)),
            _ => None,
        };
        self.slots.iter().enumerate().filter_map(freed)
    }

    /// The name of the declaration that `target` named and that was freed, while it is known.
    pub(super) fn freed_name(&self, target: Target) -> Option<&Arc<str>> {
        let slot = self.slots.get(target.index())?;
        match &slot.content {
            Content::Freed(name) if slot.generation == target.generation() + 1 => Some(name),
            _ => None,
        }
    }

    /// Takes the declaration out of slot `index`, remembering its name.
    pub(super) fn remove(&mut self, index: usize, name: Arc<str>) -> Option<T> {
        let slot = self.slots.get_mut(index)?;
        match std::mem::replace(&mut slot.content, Content::Freed(name)) {
            Content::Live(value) => {
                slot.generation += 1;
                if slot.references == 0 {
                    self.reuse(index);
                } else {
                    self.haunted += 1;
                }
                Some(value)
            }
            freed @ Content::Freed(_) => {
                slot.content = freed;
                None
            }
        }
    }

    /// Counts one more reference to slot `index`, which exists.
    #[inline]
    pub(super) fn retain(&mut self, index: usize) {
        self.slots[index].references += 1;
    }

    /// Counts one reference less.
    #[inline]
    pub(super) fn release(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.references -= 1;
        if slot.references == 0 && matches!(slot.content, Content::Freed(_)) {
            self.haunted -= 1;
            self.reuse(index);
        }
    }

    fn reuse(&mut self, index: usize) {
        // One generation is left for the slot's last tenant to be told from.
        if self.slots[index].generation < LAST_GENERATION {
            self.reusable.push(index as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Arc<str> {
        Arc::from("gone")
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
        slab.slots[0].generation = LAST_GENERATION - 1;
        slab.remove(0, name());
        assert_eq!(slab.insert('b').unwrap(), (1, 0));
    }
}
