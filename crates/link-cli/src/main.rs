//! The `wasm-link` command: `wasm-ld`'s command line, linked by a backend.
//!
//! The way of a command line: [`rsp`] expands response files, [`link_core::args`] recognises options
//! by its table and the one in [`options`], [`config`] is what they mean, [`backend`] links, and
//! [`report`] prints what there is to say.

mod backend;
#[cfg_attr(not(feature = "component"), path = "component_absent.rs")]
mod component;
mod component_line;
mod config;
mod docs;
mod install;
mod options;
mod output;
mod persona;
mod report;
mod rsp;
mod sys;
mod wasi;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use config::{Config, Request};
use link_core::args::Line;
use persona::Persona;
use report::{Message, Reporter, Settings, Severity};

#[cfg(all(target_os = "linux", target_pointer_width = "64", feature = "platform"))]
#[global_allocator]
static HEAP: link_heap::Heap = link_heap::Heap::new(sys::end_without_memory);

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let persona = Persona::of(args.next().as_deref());
    std::panic::set_hook(Box::new(move |info| {
        // An input that changes between two reads can break an invariant that was checked.
        sys::end_if_an_input_changed();
        sys::remove_files();
        // Only a defect leads here; the message says what to send.
        let _ = writeln!(
            io::stderr(),
            "{}: error: internal error, please report it: {info}",
            persona.name()
        );
    }));
    if run(persona, args.collect()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Does what the command line says. Whether it succeeded.
fn run(persona: Persona, mut args: Vec<OsString>) -> bool {
    let early = |message: Message| {
        Reporter::new(persona.name().to_owned(), &Settings::default()).one(&message);
        false
    };
    let is_rustc = match persona::take_flavor(&mut args) {
        Ok(is_rustc) => is_rustc,
        Err(message) => return early(message),
    };
    let spellings = options::spellings();
    let expanded = match rsp::expand(args, &spellings) {
        Ok(expanded) => expanded,
        Err(message) => return early(message),
    };
    let mut line = component_line::parse(expanded.args, persona, &spellings);
    if persona.is_wasm_ld() {
        // `wasm-ld` makes no suggestions.
        (line.unknown.iter_mut()).for_each(|error| error.notes.clear());
    }
    let (config, mut messages) = Config::of(&line);
    if is_rustc {
        messages.extend(component_line::undecided_error(&config));
    }
    let mut reporter = Reporter::new(persona.name().to_owned(), &config.messages());
    sys::errors_begin_with(reporter.prefix());

    let wrong = messages
        .iter()
        .any(|message| message.severity == Severity::Error);
    if let Some(text) = requested(persona, &config).filter(|_| !wrong) {
        reporter.all(messages);
        return print(&text, &mut reporter);
    }
    if config.print_version && !print(&version(persona), &mut reporter) {
        return false;
    }
    if config.messages().is_fatal(&messages) {
        reporter.all(messages);
        return false;
    }
    if let Some(dir) = &config.own.install {
        return match install::install(dir) {
            Ok(text) => print(&text, &mut reporter),
            Err(message) => {
                reporter.one(&message);
                false
            }
        };
    }
    if config.files.inputs.inputs.is_empty() {
        return true;
    }
    let (config, line) = match wasi::expand(config, line) {
        Ok(expanded) => expanded,
        Err(message) => {
            reporter.one(&message);
            return false;
        }
    };
    link(&config, &line, &expanded.files, messages, &mut reporter)
}

/// The text that is asked for instead of a link.
fn requested(persona: Persona, config: &Config) -> Option<String> {
    Some(match config.request? {
        Request::Help => docs::help(persona.name(), !persona.is_wasm_ld()),
        Request::Version => version(persona),
        Request::Completions(shell) => docs::completions(shell),
        Request::Man => docs::man(),
        Request::OptionsMd => docs::options_md(),
    })
}

/// What `--version` prints: a line about the linker, and one about the components it makes.
fn version(persona: Persona) -> String {
    let mut text = persona.version();
    if !persona.is_wasm_ld() {
        text.push_str(&component::version());
    }
    text
}

/// Prints `text` on standard output. A reader that has seen enough (`| head`) is no error.
fn print(text: &str, reporter: &mut Reporter) -> bool {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => true,
        Err(error) => {
            reporter.one(&Message::error(format!(
                "cannot write to standard output: {}",
                report::reason(&error)
            )));
            false
        }
    }
}

fn link(
    config: &Config,
    line: &Line,
    response_files: &[PathBuf],
    warnings: Vec<Message>,
    reporter: &mut Reporter,
) -> bool {
    let Some(output) = &config.files.output else {
        // `Config::of` has reported a link without an output.
        return false;
    };
    let made = output::Target::new(output).and_then(|target| {
        let written = output::Written::of(config, &target, response_files)?;
        backend::link(config, line, warnings, &target, &written, reporter)
    });
    if let Err(message) = made {
        reporter.one(&message);
    }
    !reporter.failed()
}
