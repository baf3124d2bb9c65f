//! Completions for shells.

use std::fmt::Write;

use super::options_of;
use crate::config::Shell;
use crate::options::{GROUPS, spellings};
use link_core::args::{Spec, Spelling, Takes};

/// The names the command is called by.
const COMMANDS: [&str; 2] = ["wasm-link", "wasm-ld"];

/// The script for `shell`.
pub(crate) fn completions(shell: Shell) -> String {
    match shell {
        Shell::Bash => bash(),
        Shell::Zsh => zsh(),
        Shell::Fish => fish(),
    }
}

fn shown() -> Vec<&'static Spec> {
    let known = spellings();
    let groups = GROUPS.into_iter();
    groups
        .flat_map(|group| options_of(&known, group, false))
        .collect()
}

/// The spellings that are completed: a shell takes the others, `-(` and `-)`, for its own syntax.
fn forms(spec: &Spec) -> impl Iterator<Item = &'static Spelling> {
    let is_word = |form: &&Spelling| form.name.starts_with(|c: char| c.is_alphanumeric());
    spec.forms.iter().filter(is_word)
}

/// How an option is completed: its text, ending in `=` where a value has to follow.
fn words(spec: &Spec) -> Vec<String> {
    let mut words = Vec::new();
    for form in forms(spec) {
        let name = form.shown();
        match form.takes {
            Takes::Nothing | Takes::JoinedOrNext => words.push(name),
            Takes::Equals | Takes::EqualsOrNext | Takes::Joined => {
                let sign = if form.takes == Takes::Joined { "" } else { "=" };
                if spec.choices.is_empty() {
                    words.push(format!("{name}{sign}"));
                }
                words.extend(
                    spec.choices
                        .iter()
                        .map(|choice| format!("{name}{sign}{choice}")),
                );
            }
            Takes::OptionalEquals => {
                words.extend(spec.choices.iter().map(|choice| format!("{name}={choice}")));
                words.push(name);
            }
        }
    }
    words.sort();
    words.dedup();
    words
}

fn bash() -> String {
    let words: Vec<_> = shown().into_iter().flat_map(words).collect();
    format!(
        "# Completions of wasm-link for bash.\n\
         _wasm_link() {{\n\
         \x20   local words='{}'\n\
         \x20   local current=\"${{COMP_LINE:0:COMP_POINT}}\"\n\
         \x20   current=\"${{current##* }}\"\n\
         \x20   if [[ $current == -* ]]; then\n\
         \x20       # bash takes = for the end of a word: only what follows it is replaced.\n\
         \x20       local before=''\n\
         \x20       [[ $current == *=* && $COMP_WORDBREAKS == *=* ]] && before=\"${{current%%=*}}=\"\n\
         \x20       local found\n\
         \x20       while IFS= read -r found; do COMPREPLY+=(\"${{found#\"$before\"}}\"); done \\\n\
         \x20           < <(compgen -W \"$words\" -- \"$current\")\n\
         \x20       [[ ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace\n\
         \x20   fi\n\
         }}\n\
         complete -o default -F _wasm_link {}\n",
        words.join(" "),
        COMMANDS.join(" ")
    )
}

fn zsh() -> String {
    let mut script = format!("#compdef {}\n_arguments \\\n", COMMANDS.join(" "));
    for spec in shown() {
        let help = quoted(spec.help)
            .replace('[', "\\[")
            .replace(']', "\\]")
            .replace(':', "\\:");
        let value = match spec.choices {
            [] => format!(":{}:_files", spec.value.replace(',', " ")),
            choices => format!(":{}:({})", spec.value, choices.join(" ")),
        };
        for form in forms(spec) {
            let name = form.shown();
            let argument = match form.takes {
                Takes::Nothing => format!("{name}[{help}]"),
                Takes::Equals => format!("{name}=-[{help}]{value}"),
                Takes::EqualsOrNext => format!("{name}=[{help}]{value}"),
                Takes::OptionalEquals => format!("{name}=-[{help}]:{value}"),
                Takes::Joined => format!("{name}-[{help}]{value}"),
                Takes::JoinedOrNext => format!("{name}+[{help}]{value}"),
            };
            let _ = writeln!(script, "  '*{argument}' \\");
        }
    }
    script.push_str("  '*:file:_files'\n");
    script
}

fn fish() -> String {
    let mut script = "# Completions of wasm-link for fish.\n".to_owned();
    for command in COMMANDS {
        for spec in shown() {
            for form in forms(spec) {
                let kind = if form.name.len() == 1 { "-s" } else { "-l" };
                let value = match (form.takes, spec.choices) {
                    (Takes::Nothing, _) | (Takes::OptionalEquals, []) => String::new(),
                    (Takes::OptionalEquals, choices) => format!(" -a '{}'", choices.join(" ")),
                    (_, []) => " -r".to_owned(),
                    (_, choices) => format!(" -x -a '{}'", choices.join(" ")),
                };
                let _ = writeln!(
                    script,
                    "complete -c {command} {kind} {}{value} -d '{}'",
                    form.name,
                    quoted(spec.help)
                );
            }
        }
    }
    script
}

/// Text that may stand between single quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', "’")
}
