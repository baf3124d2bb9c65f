//! The manual page, in the `man` macros.

use std::fmt::Write;

use super::{help_with_default, note, options_of, spellings};
use crate::options::{GROUPS, spellings as known_options};

/// The page `wasm-link(1)`.
pub(crate) fn man() -> String {
    let mut page = format!(
        ".TH WASM\\-LINK 1 \"\" \"wasm-link {}\" \"User Commands\"\n\
         .SH NAME\nwasm\\-link \\- link WebAssembly programs\n\
         .SH SYNOPSIS\n.B wasm\\-link\n[\\fIoptions\\fR] \\fIfile\\fR...\n\
         .SH DESCRIPTION\n\
         Links WebAssembly object files and archives into a module. It takes the command line of\n\
         .BR wasm\\-ld ,\n\
         and is\n.B wasm\\-ld\nwhen it is called by a name that ends so.\n\
         .BI @ file\nstands for the arguments in that file.\n\
         .SH OPTIONS\n",
        env!("CARGO_PKG_VERSION"),
    );
    let known = known_options();
    for group in GROUPS {
        if options_of(&known, group, false).next().is_none() {
            continue;
        }
        let _ = writeln!(page, ".SS {}", roff(group.0));
        for spec in options_of(&known, group, false) {
            let names = roff(&spellings(spec).join(", "));
            let _ = writeln!(page, ".TP\n.B {names}\n{}.", roff(&help_with_default(spec)));
            let note = note(spec);
            if !note.is_empty() {
                let _ = writeln!(page, "{}", roff(&note.replace('`', "")));
            }
        }
    }
    page.push_str(
        ".SH ENVIRONMENT\n\
         .TP\n.B WASM_LD\nThe linker that \\-\\-backend=lld runs, unless \\-\\-lld\\-path is given.\n\
         .TP\n.B NO_COLOR\nWhen not empty, messages are coloured only if \\-\\-color\\-diagnostics says so.\n\
         .SH EXIT STATUS\n\
         0 after a link, 1 after an error.\n",
    );
    page
}

/// Text that `man` shows as it is.
fn roff(text: &str) -> String {
    let text = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('…', "...");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}
