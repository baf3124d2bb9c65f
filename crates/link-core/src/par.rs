//! Doing many things at once, where the link was given threads. Outside of a thread pool
//! everything here runs on the calling thread, so a link that was given none starts none
//! and never touches rayon's global pool.
//!
//! An item is worth a thread's while: work is cut down to single ones, since of a longer run
//! that a thread has begun the others can take nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::env::{Env, Threads};
use crate::options::Options;

/// Runs `link` where [`Env::threads`] says. With one thread, or for a link so `small` that
/// starting threads would take longer than they save, that is the calling one.
pub fn in_pool<R: Send>(
    env: &Env<'_>,
    options: &Options,
    small: bool,
    link: impl FnOnce() -> R + Send,
) -> Result<R, rayon::ThreadPoolBuildError> {
    match env.threads {
        Threads::Pool(pool) => Ok(pool.install(link)),
        Threads::Current => Ok(link()),
        Threads::Own | Threads::OwnForGood { .. } => {
            let for_good = match env.threads {
                Threads::OwnForGood { started } => Some(started),
                _ => None,
            };
            if small || for_good.is_some() && available() {
                return Ok(link());
            }
            // Asked last: it takes reading several files of the system.
            let threads = options.threads.unwrap_or_else(|| {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            });
            if threads <= 1 {
                return Ok(link());
            }
            let mut pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .spawn_handler(|thread| {
                    let name = format!("wasm-link {}", thread.index());
                    let named = std::thread::Builder::new().name(name);
                    let handle = named.spawn(|| thread.run())?;
                    if let Some(started) = for_good {
                        started(&handle);
                    }
                    Ok(())
                });
            if for_good.is_some() {
                // It is the first thread.
                pool = pool.use_current_thread();
            }
            Ok(pool.build()?.install(link))
        }
    }
}

/// Whether the calling thread belongs to a pool.
pub fn available() -> bool {
    rayon::current_thread_index().is_some()
}

/// Both results; `here` runs on the calling thread, and `aside` on whichever has nothing to do:
/// the work of one fills the gaps in that of the other.
///
/// # Panics
/// If one of them does.
pub fn beside<A: Send, B>(aside: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    if !available() {
        return (aside(), here());
    }
    let mut result = None;
    let there = &mut result;
    let b = rayon::in_place_scope(|scope| {
        scope.spawn(|_| *there = Some(aside()));
        here()
    });
    // The scope has waited for it, and panicked if it did.
    (result.expect("what was spawned has ended"), b)
}

/// `f` of every item, in the order of the items.
pub fn map<T: Send, R: Send>(items: Vec<T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if available() && items.len() > 1 {
        items.into_par_iter().with_max_len(1).map(f).collect()
    } else {
        items.into_iter().map(f).collect()
    }
}

/// `f` of every number below `count`, in order.
pub fn map_indices<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    if available() && count > 1 {
        (0..count).into_par_iter().with_max_len(1).map(f).collect()
    } else {
        (0..count).map(f).collect()
    }
}

/// The numbers below `count` for all threads, if there are enough cheap things to share.
fn many(count: usize) -> Option<impl IndexedParallelIterator<Item = usize>> {
    const WORTH: usize = 8 << 10;
    (available() && count > WORTH).then(|| (0..count).into_par_iter().with_min_len(WORTH / 2))
}

/// As [`map_indices`], for an `f` so cheap that only thousands are worth another thread.
pub fn map_many<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    match many(count) {
        Some(shared) => shared.map(f).collect(),
        None => (0..count).map(f).collect(),
    }
}

/// What a cheap `f` makes of the numbers below `count`, in order, without those of which it makes
/// nothing.
pub fn filter_many<R: Send>(count: usize, f: impl Fn(usize) -> Option<R> + Sync + Send) -> Vec<R> {
    match many(count) {
        Some(shared) => shared.filter_map(f).collect(),
        None => (0..count).filter_map(f).collect(),
    }
}

/// As [`map`]; `f` also gets what `init` makes, which is made for as many items as are worked
/// on at once, and kept for those that follow.
pub fn map_with<S: Send, T: Send, R: Send>(
    items: Vec<T>,
    init: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, T) -> R + Sync + Send,
) -> Vec<R> {
    let kept = Mutex::new(Vec::new());
    map(items, |item| {
        let before = lock(&kept).pop();
        let mut state = before.unwrap_or_else(&init);
        let result = f(&mut state, item);
        lock(&kept).push(state);
        result
    })
}

/// What a mutex holds, even if a thread panicked meanwhile: for what is whole then, too.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `f` to every item.
pub fn for_each<T: Send>(items: Vec<T>, f: impl Fn(T) + Sync + Send) {
    if available() && items.len() > 1 {
        items.into_par_iter().with_max_len(1).for_each(f);
    } else {
        items.into_iter().for_each(f);
    }
}

/// Does `visit` to every item and to those that visits add to the list they are given, in
/// no particular order. Of a list of twice as many items as are `worth` handing to another
/// thread, half is.
pub fn work_through<T: Send>(items: Vec<T>, worth: usize, visit: impl Fn(T, &mut Vec<T>) + Sync) {
    if available() {
        rayon::in_place_scope(|scope| share_out(items, worth, &visit, scope));
    } else {
        let mut list = items;
        while let Some(item) = list.pop() {
            visit(item, &mut list);
        }
    }
}

/// Works through a list, and leaves half of it to others whenever it has become long.
fn share_out<'s, T: Send + 's>(
    mut list: Vec<T>,
    worth: usize,
    visit: &'s (impl Fn(T, &mut Vec<T>) + Sync),
    scope: &rayon::Scope<'s>,
) {
    loop {
        while list.len() >= 2 * worth {
            // The older half: what was found first leads to more.
            let newer = list.split_off(list.len() / 2);
            let older = std::mem::replace(&mut list, newer);
            scope.spawn(move |scope| share_out(older, worth, visit, scope));
        }
        let Some(item) = list.pop() else { return };
        visit(item, &mut list);
    }
}
