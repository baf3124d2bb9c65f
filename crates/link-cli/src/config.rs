//! The meaning of the command line.

mod components;
#[cfg(test)]
mod tests;

pub(crate) use components::{ComponentArgs, StringEncodingArg, WasiAdapterArg, split_adapter};

use std::path::PathBuf;

use link_core::Options;
use link_core::args::{Item, Line, LinkedFiles, Problems};
use link_core::diag::Code;
use lld_driver::ExecModel;

use crate::options::Opt;
use crate::report::{self, Color, Message};

/// The whole command line.
#[derive(Debug)]
pub(crate) struct Config {
    /// Something to print instead of linking.
    pub(crate) request: Option<Request>,
    /// `-v`: print the version, and link if there are inputs.
    pub(crate) print_version: bool,
    pub(crate) color: Color,
    /// How the link is made.
    pub(crate) options: Options,
    /// The inputs and the output.
    pub(crate) files: LinkedFiles,
    pub(crate) lto: LtoArgs,
    pub(crate) reports: ReportArgs,
    pub(crate) own: OwnArgs,
}

impl Config {
    /// Reads the options and, if nothing is wrong with any of them, checks how they go together.
    ///
    /// If there is an error among the messages, the configuration is only fit for printing them.
    pub(crate) fn of(line: &Line) -> (Self, Vec<Message>) {
        let mut problems = Problems::default();
        let options = line.options(&mut problems);
        let files = line.files(options.output, &mut problems);
        let mut config = Self {
            request: None,
            print_version: false,
            color: Color::default(),
            options,
            files,
            lto: LtoArgs::default(),
            reports: ReportArgs::default(),
            own: OwnArgs::default(),
        };
        line.apply(Opt::ROWS, &mut config, &mut problems);
        let links = !config.files.inputs.inputs.is_empty();
        let asks = config.request.is_some() || config.own.install.is_some();
        let diagnostics = if asks || config.print_version && !links {
            line.invalid(problems)
        } else {
            line.check_complete(problems, &config.options, &config.files)
        };
        let fatal_warnings = config.options.fatal_warnings;
        let all_valid = diagnostics
            .iter()
            .all(|it| it.code == Code::Options || !it.is_fatal(fatal_warnings));
        let mut messages: Vec<Message> = diagnostics.into_iter().map(Message::from).collect();
        messages.extend(config.install_not_alone(line));
        if links && all_valid {
            messages.extend(config.sysroot_missing(line));
            messages.extend(config.component_missing(line));
        }
        (config, messages)
    }

    /// Asks for something instead of a link; of several such things the first of [`Request`]'s, as in
    /// `wasm-ld`.
    pub(crate) fn request(&mut self, request: Request) {
        let first = self.request.map_or(request, |other| other.min(request));
        self.request = Some(first);
    }

    /// How messages are printed.
    pub(crate) fn messages(&self) -> report::Settings {
        report::Settings {
            color: self.color,
            fatal_warnings: self.options.fatal_warnings,
            error_limit: self.options.error_limit,
        }
    }

    /// Whether the link prints a report on standard output.
    pub(crate) fn prints_report(&self) -> bool {
        let (options, reports) = (&self.options, &self.reports);
        options.trace
            || !options.trace_symbols.is_empty()
            || options.print_gc_sections
            || !options.why.is_empty()
            || !options.why_imports.is_empty()
            || reports.map == Some(Destination::Stdout)
            || reports
                .sizes
                .iter()
                .any(|size| size.place == Destination::Stdout)
            || reports.why_extract == Some(Destination::Stdout)
    }

    /// `--install` is a call of its own.
    fn install_not_alone(&self, line: &Line) -> Option<Message> {
        self.own
            .install
            .as_ref()
            .filter(|_| self.request.is_none())?;
        let other = line.items.iter().find_map(|item| match item {
            Item::Input(path) => Some(path.to_string_lossy().into_owned()),
            Item::Option(arg) => match Opt::of(arg) {
                // The name `wasm-component-ld` stands for the second.
                Some(Opt::Install | Opt::Component) => None,
                _ => Some(arg.shown()),
            },
        })?;
        let message = Message::error(format!(
            "--install: nothing is linked, but there is {other}"
        ));
        Some(message.with_note("expected --install=<dir> alone"))
    }

    /// Options about a component have no meaning without one.
    fn component_missing(&self, line: &Line) -> Option<Message> {
        let is_undecided = self.own.component.is_undecided(self.options.output);
        if self.request.is_some() || !is_undecided {
            return None;
        }
        let about = components::ABOUT_COMPONENTS.map(Opt::spec).into_iter();
        let spec = about.into_iter().find(|spec| line.has(spec))?;
        let shown = spec.forms[0].shown();
        let message = Message::error(format!("{shown}: this link makes no component"));
        Some(message.with_note("expected --component"))
    }

    /// Libraries of WASI have to come from somewhere.
    fn sysroot_missing(&self, line: &Line) -> Option<Message> {
        if self.request.is_some() || self.own.wasi.sysroot.is_some() {
            return None;
        }
        let needing = [Opt::LinkLibcxx, Opt::LinkLibc, Opt::WasiEmulated];
        let spec = needing
            .map(Opt::spec)
            .into_iter()
            .find(|spec| line.has(spec))?;
        let shown = spec.with_value(&spec.forms[0]);
        Some(Message::error(format!(
            "{shown} needs --wasi-sysroot=<dir>"
        )))
    }
}

/// Something to be printed instead of linking. The first of them wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Request {
    Help,
    Version,
    Completions(Shell),
    Man,
    OptionsMd,
}

/// A shell that completions can be made for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The options for LLVM bitcode that this command reads. LLD gets all of them as they are.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct LtoArgs {
    pub(crate) debug_pass_manager: bool,
    /// Whether there is a `-mllvm`.
    pub(crate) mllvm: bool,
    pub(crate) obj_path: Option<PathBuf>,
    /// The file of `--thinlto-index-only=`.
    pub(crate) index_only_list: Option<PathBuf>,
}

/// What is said or written beside the output.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct ReportArgs {
    pub(crate) verbose: bool,
    pub(crate) map: Option<Destination>,
    /// The files of `--size-report`, in order.
    pub(crate) sizes: Vec<SizeDestination>,
    pub(crate) why_extract: Option<Destination>,
    pub(crate) reproduce: Option<PathBuf>,
}

impl ReportArgs {
    /// Where `--reproduce` writes; without it, where the environment says, as it does to `wasm-ld`.
    pub(crate) fn reproduce_file(&self) -> Option<PathBuf> {
        self.reproduce.clone().or_else(|| {
            let path = std::env::var_os("LLD_REPRODUCE")?;
            (!path.is_empty()).then(|| path.into())
        })
    }
}

/// Where a report goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Destination {
    Stdout,
    File(PathBuf),
}

impl Destination {
    /// The destination that the value of an option names.
    pub(crate) fn of(path: PathBuf) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdout
        } else {
            Self::File(path)
        }
    }

    /// The path, if it is no stream.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Stdout => None,
        }
    }
}

/// A size report: its form and where it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SizeDestination {
    pub(crate) form: SizeForm,
    pub(crate) place: Destination,
}

/// The form of a size report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SizeForm {
    Json,
    Text,
}

impl SizeDestination {
    /// The destination that the value of the option names; `None` if its ending says no form.
    pub(crate) fn of(path: PathBuf) -> Option<Self> {
        let place = Destination::of(path);
        let form = match &place {
            Destination::Stdout => SizeForm::Text,
            Destination::File(path) => match path.extension()?.to_str()? {
                "json" => SizeForm::Json,
                "txt" => SizeForm::Text,
                _ => return None,
            },
        };
        Some(Self { form, place })
    }
}

/// The options that only `wasm-link` has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OwnArgs {
    pub(crate) backend: Backend,
    pub(crate) lld_path: Option<PathBuf>,
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) verbose_link: bool,
    pub(crate) time: bool,
    pub(crate) dependency_file: Option<PathBuf>,
    /// The directory of `--install`, which is made instead of a link.
    pub(crate) install: Option<PathBuf>,
    pub(crate) wasi: WasiArgs,
    pub(crate) component: ComponentArgs,
}

/// `--backend`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Backend {
    #[default]
    Auto,
    Native,
    Lld,
}

/// What is linked from a WASI sysroot.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct WasiArgs {
    pub(crate) sysroot: Option<PathBuf>,
    pub(crate) exec_model: Option<ExecModel>,
    pub(crate) libc: bool,
    pub(crate) libcxx: bool,
    /// `--wasi-emulated`, in order.
    pub(crate) emulated: Vec<String>,
}

impl WasiArgs {
    /// Whether anything is asked of the sysroot.
    pub(crate) fn is_used(&self) -> bool {
        self.exec_model.is_some() || self.libc || self.libcxx || !self.emulated.is_empty()
    }
}
