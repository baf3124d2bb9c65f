//! A program of any target with a standard library and streams.

fn main() {
    let numbers: Vec<u64> = (1..=5).map(|number| number * number).collect();
    println!("hello from Rust: {numbers:?}");
}
