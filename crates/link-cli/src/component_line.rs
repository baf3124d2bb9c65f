//! The command line of `wasm-component-ld`, and links by rustc that need it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use link_core::args::{Item, Line, Spellings};
use link_core::input::InputSource;

use crate::config::Config;
use crate::options::Opt;
use crate::persona::Persona;
use crate::report::Message;

/// Recognises every argument. Called as `wasm-component-ld`, the command makes components, and some
/// letters have the meaning that they have there.
pub(crate) fn parse(mut args: Vec<OsString>, persona: Persona, spellings: &Spellings) -> Line {
    if persona == Persona::ComponentLd {
        for arg in &mut args {
            // In wasm-ld, `-h` and `--verbose` by one letter do not exist.
            match arg.to_str() {
                Some("-h") => *arg = "--help".into(),
                Some("-v") => *arg = "--verbose".into(),
                Some("-V") => *arg = "--version".into(),
                _ => {}
            }
        }
        args.insert(0, "--component".into());
    }
    let mut line = Line::parse(args, spellings);
    join_truths(&mut line.items);
    append(&mut line, spellings);
    line
}

/// Gives `--validate-component true` its value, which may be the next argument in `wasm-component-ld`.
fn join_truths(items: &mut Vec<Item>) {
    let mut at = 0;
    while at + 1 < items.len() {
        let next = match &items[at + 1] {
            Item::Input(next) if next == "true" || next == "false" => Some(next.clone()),
            _ => None,
        };
        if let (Item::Option(arg), Some(next)) = (&mut items[at], next)
            && matches!(
                Opt::of(arg),
                Some(Opt::ValidateComponent | Opt::MergeImportsBasedOnSemver)
            )
            && arg.value.is_none()
        {
            arg.value = Some(next);
            arg.value_is_next = true;
            items.remove(at + 1);
        }
        at += 1;
    }
}

/// Moves the arguments of `--append-lld-flag` to the end of the command line.
fn append(line: &mut Line, spellings: &Spellings) {
    let is_append =
        |item: &Item| matches!(item, Item::Option(arg) if Opt::of(arg) == Some(Opt::AppendLldFlag));
    if !line.items.iter().any(is_append) {
        return;
    }
    let (appends, rest) = line.items.drain(..).partition::<Vec<_>, _>(is_append);
    let flags = appends.into_iter().filter_map(|item| match item {
        Item::Option(arg) => arg.value,
        Item::Input(_) => None,
    });
    let more = Line::parse(flags, spellings);
    line.items = rest;
    line.items.extend(more.items);
    line.unknown.extend(more.unknown);
}

/// The error for a program by rustc whose target asks for a component, if no option decides between
/// component and core module.
pub(crate) fn undecided_error(config: &Config) -> Option<Message> {
    let is_undecided = config.own.component.is_undecided(config.options.output);
    if !is_undecided || config.request.is_some() {
        return None;
    }
    let inputs = &config.files.inputs;
    let files = inputs
        .inputs
        .iter()
        .filter_map(|input| match &input.source {
            InputSource::Path(path) => Some(path.as_path()),
            _ => None,
        });
    let mut paths = files.chain(inputs.search_paths.iter().map(AsRef::as_ref));
    let target = paths.find_map(component_target)?;
    Some(
        Message::error(format!(
            "programs for {target} are components, and this would be a core module"
        ))
        .with_note(
            "to make a component, add -C link-arg=--component, or call this command by a name that \
             ends in wasm-component-ld (-C linker=<dir>/wasm-component-ld)",
        )
        .with_note("to make the core module, add -C link-arg=--no-component"),
    )
}

/// The target whose programs are components and whose directory `path` is in.
fn component_target(path: &Path) -> Option<&'static str> {
    let mut parts = path.iter();
    parts.find_map(|part: &OsStr| {
        ["wasm32-wasip2", "wasm32-wasip3"]
            .into_iter()
            .find(|target| part == *target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::spellings;

    /// The arguments, each option with its value, as they are after all of them are recognised.
    fn parsed(args: &[&str], persona: Persona) -> String {
        let line = parse(
            args.iter().map(OsString::from).collect(),
            persona,
            &spellings(),
        );
        assert_eq!(line.unknown, []);
        let words = line.items.iter().map(|item| match item {
            Item::Input(path) => path.to_string_lossy().into_owned(),
            Item::Option(arg) => {
                let words = arg.raw().map(|word| word.to_string_lossy());
                words.collect::<Vec<_>>().join("+")
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn appended_arguments_come_last() {
        let args = [
            "--append-lld-flag=-z",
            "--append-lld-flag",
            "muldefs",
            "a.o",
            "-s",
        ];
        assert_eq!(parsed(&args, Persona::WasmLink), "a.o -s -z+muldefs");
    }

    #[test]
    fn a_truth_can_be_the_next_argument() {
        let args = [
            "--validate-component",
            "false",
            "--validate-component",
            "a.o",
            "true",
        ];
        assert_eq!(
            parsed(&args, Persona::WasmLink),
            "--validate-component+false --validate-component a.o true"
        );
    }

    #[test]
    fn the_name_decides_what_letters_mean() {
        let args = ["-v", "-V"];
        assert_eq!(
            parsed(&args, Persona::ComponentLd),
            "--component --verbose --version"
        );
        assert_eq!(parsed(&args, Persona::WasmLd), "-v -V");
    }
}
