//! A program with Rust's standard library: collections, formatting, threads' locals,
//! environment, a panic hook and an exit code.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Operator(char),
}

#[derive(Debug)]
struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`", self.0)
    }
}

impl std::error::Error for ParseError {}

fn tokens(text: &str) -> Result<Vec<Token>, Box<dyn std::error::Error>> {
    text.split_whitespace()
        .map(|word| match word {
            "+" | "-" | "*" | "/" => Ok(Token::Operator(word.chars().next().unwrap())),
            _ => match word.parse() {
                Ok(number) => Ok(Token::Number(number)),
                Err(_) => Err(ParseError(word.to_owned()).into()),
            },
        })
        .collect()
}

fn evaluate(tokens: &[Token]) -> Option<f64> {
    let mut stack = Vec::new();
    for token in tokens {
        match *token {
            Token::Number(number) => stack.push(number),
            Token::Operator(operator) => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                stack.push(match operator {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    _ => left / right,
                });
            }
        }
    }
    stack.pop()
}

thread_local! {
    static CALLS: RefCell<BTreeMap<&'static str, u32>> = RefCell::new(BTreeMap::new());
}

fn count(name: &'static str) {
    CALLS.with(|calls| *calls.borrow_mut().entry(name).or_insert(0) += 1);
}

fn main() {
    for text in ["1 2 +", "3 4 * 5 -", "2 3 4 * + 7 /", "1 x", "+"] {
        count("evaluate");
        match tokens(text) {
            Ok(tokens) => println!("{text} => {:?}", evaluate(&tokens)),
            Err(error) => println!("{text} => error: {error}"),
        }
    }
    let mut words: HashMap<String, usize> = HashMap::new();
    for word in "to link or not to link".split(' ') {
        count("word");
        *words.entry(word.to_uppercase()).or_default() += 1;
    }
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort();
    println!("{words:?}");
    CALLS.with(|calls| println!("{:#?}", calls.borrow()));
    println!("{:>10.4}|{:<8}|{:#x}|{:e}", std::f64::consts::PI, "left", 255, 1234.5);
    eprintln!("arguments: {}", std::env::args().count());
    std::process::exit(3);
}
