//! Reports, by threads where the target has them, with thread-local and static data.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

static REPORTS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static LAST: Cell<u32> = const { Cell::new(7) };
}

fn one(number: u32) -> String {
    let before = LAST.replace(number);
    REPORTS.fetch_add(1, Ordering::SeqCst);
    format!("{before}: {}", report::report(number))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("{arguments:?}");
    println!("{}", one(1));
    let has_threads = cfg!(target_feature = "atomics");
    for number in 10..14 {
        let text = if has_threads {
            std::thread::spawn(move || one(number)).join().expect("a report")
        } else {
            one(number)
        };
        // Without threads, each report sees the one before.
        println!("{}", if has_threads { &text } else { text.split_once(": ").unwrap_or_default().1 });
    }
    println!("reports: {}", REPORTS.load(Ordering::SeqCst));
    assert_eq!(LAST.get(), if has_threads { 1 } else { 13 });
    std::process::exit(3);
}
