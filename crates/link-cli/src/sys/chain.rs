//! A list that grows and never shrinks, and that a signal handler can walk.

use std::sync::{Mutex, OnceLock};

use super::lock;

/// A list of items that live as long as the process. Reading it takes no lock and allocates
/// nothing, whatever other threads do.
pub(super) struct Chain<T: 'static> {
    first: Link<T>,
    /// Where the next item goes; `None` as long as there is no item.
    last: Mutex<Option<&'static Link<T>>>,
}

type Link<T> = OnceLock<&'static Node<T>>;

struct Node<T: 'static> {
    item: T,
    next: Link<T>,
}

impl<T: Sync> Chain<T> {
    pub(super) const fn new() -> Self {
        Self {
            first: OnceLock::new(),
            last: Mutex::new(None),
        }
    }

    /// Adds an item behind all others.
    pub(super) fn push(&'static self, item: T) -> &'static T {
        let node: &'static Node<T> = Box::leak(Box::new(Node {
            item,
            next: OnceLock::new(),
        }));
        let mut last = lock(&self.last);
        // The last link is empty: links are filled here only, under the lock.
        let _ = last.unwrap_or(&self.first).set(node);
        *last = Some(&node.next);
        &node.item
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        let mut next = self.first.get().copied();
        std::iter::from_fn(move || {
            let node = next?;
            next = node.next.get().copied();
            Some(&node.item)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_in_their_order() {
        static CHAIN: Chain<u32> = Chain::new();
        assert_eq!(CHAIN.iter().count(), 0);
        for item in 0..10 {
            assert_eq!(*CHAIN.push(item), item);
        }
        assert!(CHAIN.iter().copied().eq(0..10));
    }
}
