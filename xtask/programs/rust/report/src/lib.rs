//! Text that needs a parser of JSON, regular expressions, formatting and a heap.

#![no_std]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use regex::Regex;
use serde_json::{Value, json};

/// Counts the words of a text that `number` is part of, by way of JSON.
pub fn report(number: u32) -> String {
    let text = format!(
        r#"{{ "number": {number}, "words": ["eins", "zwei {number}", "zw\u00f6lf 12", "drei"] }}"#
    );
    let parsed: Value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(error) => return error.to_string(),
    };
    let Ok(pattern) = Regex::new(r"(?P<word>[^\W\d]+)(?:\s+(?P<digits>\d+))?") else {
        return "the pattern is wrong".to_string();
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for word in parsed["words"].as_array().into_iter().flatten() {
        for found in pattern.captures_iter(word.as_str().unwrap_or_default()) {
            let digits = found.name("digits").and_then(|digits| digits.as_str().parse().ok());
            *counts.entry(found["word"].to_string()).or_default() += digits.unwrap_or(1_u64);
        }
    }
    let names: Vec<&str> = counts.keys().map(String::as_str).collect();
    let half = f64::from(number) / 2.0;
    json!({ "names": names.join(","), "counts": counts, "half": half }).to_string()
}
