//! `--cref`: which file defines each symbol, and which ones refer to it. The table looks as other
//! linkers print it.

use std::fmt::Write;

use link_core::report::Report;

/// Column at which the files stand.
const FILES: usize = 49;

/// The table. `shown` is how a symbol's name is printed.
pub(super) fn print(report: &Report, shown: impl Fn(&str) -> String) -> String {
    let mut text = format!("Cross Reference Table\n\n{:<FILES$} File\n", "Symbol");
    for entry in &report.cross_references {
        let mut name = shown(&entry.symbol);
        for file in entry.defined.iter().chain(&entry.referenced) {
            let _ = writeln!(text, "{name:<FILES$} {file}");
            name.clear();
        }
    }
    text
}
