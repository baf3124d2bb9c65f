//! The options of this command: those of a link (`link_core::args`) and its own.
//!
//! Parsing, `--help`, the suggestions for unknown options, `docs/options.md`, the shell completions
//! and the manual page are all read from the two tables.

#[cfg(test)]
mod conformance;
mod table;

pub(crate) use table::Opt;

use link_core::args::{Group, Spellings};

/// Options for LLVM bitcode.
pub(crate) const LTO: Group = Group("Link-time optimisation (LLVM bitcode)");
/// Options about WASI sysroots.
pub(crate) const OWN_WASI: Group = Group("wasm-link: WASI programs");
/// How a component is made of the linked module.
pub(crate) const OWN_COMPONENTS: Group = Group("wasm-link: components");
/// Files about the command that it writes itself.
pub(crate) const OWN_GENERATORS: Group = Group("wasm-link: files about itself");

/// The headings of `--help` and of `docs/options.md`, in their order.
pub(crate) const GROUPS: [Group; 13] = [
    Group::OUTPUT,
    Group::INPUTS,
    Group::SYMBOLS,
    Group::EXCHANGE,
    Group::MEMORY,
    Group::CONTENT,
    Group::DYNAMIC,
    LTO,
    Group::MESSAGES,
    Group::OWN,
    OWN_WASI,
    OWN_COMPONENTS,
    OWN_GENERATORS,
];

/// Every option that the command has.
pub(crate) fn spellings() -> Spellings {
    Spellings::of_links().with(Opt::ROWS)
}

#[cfg(test)]
mod tests {
    use link_core::args::{Item, Line};

    use super::*;

    /// The spelling that help shows of the option that `arg` is, and its value.
    fn found(arg: &str) -> Option<(&'static str, Option<String>)> {
        let line = Line::parse([arg, "next"], &spellings());
        match line.items.first()? {
            Item::Option(arg) => {
                let value = arg
                    .value
                    .as_ref()
                    .map(|value| value.to_string_lossy().into());
                Some((arg.spec.forms[0].name, value))
            }
            Item::Input(_) => None,
        }
    }

    #[test]
    fn every_spelling_leads_to_its_row_and_every_row_has_a_heading() {
        assert_eq!(spellings().mistakes(), [""; 0]);
        for spec in spellings().specs() {
            assert!(GROUPS.contains(&spec.group), "{}", spec.help);
        }
    }

    #[test]
    fn options_of_links_and_of_the_command_share_their_first_letters() {
        let value = |text: &str| Some(text.to_owned());
        assert_eq!(found("-lto-O2"), Some(("l", value("to-O2"))));
        assert_eq!(found("--lto-O2"), Some(("lto-O", value("2"))));
        assert_eq!(found("-Map=x"), Some(("Map", value("x"))));
        assert_eq!(found("-M"), Some(("print-map", None)));
        assert_eq!(found("-mllvm"), Some(("mllvm", value("next"))));
        assert_eq!(found("--"), None);
    }

    #[test]
    fn options_of_the_command_are_suggested() {
        let suggested = |arg| spellings().suggest(arg);
        let backend = suggested("--backnd=lld");
        assert_eq!(backend.as_deref(), Some("--backend=<which>"));
        assert_eq!(suggested("--Mpa=x").as_deref(), Some("--Map=<file>"));
    }
}
