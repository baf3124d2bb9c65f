//! `--help`.

use std::fmt::Write;

use super::{help_with_default, options_of, spellings};
use crate::options::{GROUPS, spellings as known_options};

/// Column in which descriptions begin.
const COLUMN: usize = 28;
/// Width that descriptions are wrapped to.
const WIDTH: usize = 96;

/// The text that `--help` prints for the command called `program`. `own`: with the options that
/// `wasm-ld` does not have.
pub(crate) fn help(program: &str, own: bool) -> String {
    let mut text = format!(
        "Usage: {program} [options] file...\n\n\
         Links WebAssembly object files and archives; takes wasm-ld's command line.\n\
         @file stands for the arguments in that file.\n"
    );
    if !own {
        text += "The options of wasm-link work, too; wasm-link --help lists them.\n";
    }
    let known = known_options();
    for group in GROUPS {
        let mut options = options_of(&known, group, false)
            .filter(|spec| own || !spec.extension)
            .peekable();
        if options.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "\n{}:", group.0);
        for spec in options {
            entry(
                &mut text,
                &spellings(spec).join(", "),
                &help_with_default(spec),
            );
        }
    }
    text
}

fn entry(text: &mut String, names: &str, description: &str) {
    let _ = write!(text, "  {names}");
    let mut column = 2 + names.len();
    if column + 2 > COLUMN {
        text.push('\n');
        column = 0;
    }
    for word in description.split(' ') {
        if column > COLUMN && column + 1 + word.chars().count() > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column < COLUMN {
            text.extend(std::iter::repeat_n(' ', COLUMN - column));
            column = COLUMN;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.chars().count();
    }
    text.push('\n');
}
