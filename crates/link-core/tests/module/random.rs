//! What `cargo xtask fuzz --target module` does, for a few thousand cases that are always the
//! same.

use crate::common::Random;
use crate::common::fuzz;

#[test]
fn nothing_that_is_done_to_a_module_breaks_it() {
    const CASES: u64 = 4_000;
    let mut made = [0; 3];
    for case in 0..CASES {
        let mut random = Random(case);
        let len = 16 + random.below(600);
        let script: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        let outcome = std::panic::catch_unwind(|| fuzz::module(&script));
        let outcome = outcome.unwrap_or_else(|_| panic!("case {case}"));
        for (count, made) in made.iter_mut().zip(outcome) {
            *count += u64::from(made);
        }
    }
    // Enough comes of it to say something.
    let [modules, objects, programs] = made;
    assert!(
        modules > CASES / 4 && objects > CASES / 4 && programs > CASES / 20,
        "{made:?}"
    );
}
