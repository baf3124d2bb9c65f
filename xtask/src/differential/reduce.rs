//! A problem made small while the linkers still differ in the same way.

use std::path::Path;

use super::compare::{Linkers, difference};
use super::problem::{Input, Problem};
use crate::Result;

/// Links that one reduction may take.
const BUDGET: usize = 1500;

pub(crate) fn reduce(
    mut problem: Problem,
    kind: &str,
    linkers: &Linkers,
    directory: &Path,
) -> Result<Problem> {
    let mut budget = BUDGET;
    loop {
        let mut smaller = false;
        let mut cut = 0;
        while budget != 0 {
            let mut tried = problem.clone();
            if !tried.cut(cut) {
                break;
            }
            budget -= 1;
            let made = linkers.link(&tried, directory)?;
            if difference(&made).is_some_and(|difference| difference.kind == kind) {
                problem = tried;
                smaller = true;
            } else {
                cut += 1;
            }
        }
        if !smaller || budget == 0 {
            return Ok(problem);
        }
    }
}

impl Problem {
    /// Takes away part `n`, the large ones first. False if there are not so many.
    fn cut(&mut self, mut n: usize) -> bool {
        if n < self.inputs.len() {
            self.inputs.remove(n);
            return true;
        }
        n -= self.inputs.len();
        if n < self.options.len() {
            self.options.remove(n);
            return true;
        }
        n -= self.options.len();
        let mut objects: Vec<_> = (self.inputs.iter_mut())
            .flat_map(Input::objects_mut)
            .collect();
        for object in &mut objects {
            if n < object.items.len() {
                object.items.remove(n);
                return true;
            }
            n -= object.items.len();
        }
        for object in &mut objects {
            let metadata = [
                !object.features.is_empty(),
                !object.producers.is_empty(),
                object.names,
            ];
            for (which, present) in metadata.into_iter().enumerate() {
                if !present {
                    continue;
                }
                if n == 0 {
                    match which {
                        0 => object.features.clear(),
                        1 => object.producers.clear(),
                        _ => object.names = false,
                    }
                    return true;
                }
                n -= 1;
            }
            for item in &mut object.items {
                if n < item.parts() {
                    item.remove_part(n);
                    return true;
                }
                n -= item.parts();
            }
        }
        false
    }
}
