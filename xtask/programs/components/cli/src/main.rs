//! A program with arguments, an environment, standard streams, files, time and an exit code.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("arguments: {arguments:?}");
    println!("variable: {:?}", std::env::var("WORD"));
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        for word in line.expect("text").split_whitespace() {
            *words.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    for (word, count) in &words {
        println!("{word}: {count}");
    }
    match std::fs::read_to_string("absent.txt") {
        Ok(text) => println!("{text}"),
        Err(error) => println!("absent.txt: {:?}", error.kind()),
    }
    let begun = std::time::Instant::now();
    println!(
        "time goes by: {}",
        begun.elapsed() < std::time::Duration::from_secs(60)
    );
    let squares = (1..=10u64).map(|n| n * n).sum::<u64>();
    writeln!(std::io::stderr(), "squares: {squares}").expect("standard error");
    std::process::exit(i32::from(words.len() > 3));
}
