//! Reports: files and text beside the output.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use link_core::args::Line;
use link_core::demangle::demangle;
use link_core::report::{Report, TracedWhat};
use link_core::{Linked, Options};
use replace_file::Permissions;

use super::{cref, dependencies, map, reproduce};
use crate::config::{Config, Destination, ReportArgs, SizeForm};
use crate::output::{self, NewFile, Target};
use crate::report::{Message, Reporter, reason};
use crate::sys::InputFiles;

/// The reports of a link, with the files they go to.
pub(super) struct Reports<'c> {
    args: &'c ReportArgs,
    options: &'c Options,
    target: &'c Target,
    files: &'c InputFiles,
    line: &'c Line,
    map: Option<ReportPlace>,
    sizes: Vec<(SizeForm, ReportPlace)>,
    why_extract: Option<ReportPlace>,
    dependencies: Option<ReportPlace>,
    reproduce: Option<ReportPlace>,
}

/// Where a report goes.
enum ReportPlace {
    Stdout,
    /// A device or a pipe, and its name.
    Special(File, String),
    /// A file, which gets to its place when the report is complete.
    File(NewFile),
}

impl<'c> Reports<'c> {
    /// Opens the files, so that a link which cannot be reported on is not begun.
    pub(super) fn open(
        config: &'c Config,
        target: &'c Target,
        files: &'c InputFiles,
        line: &'c Line,
    ) -> Result<Self, Message> {
        let args = &config.reports;
        let file = |path: &Path, what: &str| {
            ReportPlace::open(path).map_err(|error| {
                let reason = reason(&error);
                Message::error(format!("cannot open {what} {}: {reason}", path.display()))
            })
        };
        let any_place = |destination: &Destination, what: &str| match destination {
            Destination::Stdout => Ok(ReportPlace::Stdout),
            Destination::File(path) => file(path, what),
        };
        let place = |destination: &Option<Destination>, what: &str| {
            let place = destination.as_ref().map(|place| any_place(place, what));
            place.transpose()
        };
        let sizes = args.sizes.iter().map(|size| {
            let place = any_place(&size.place, "--size-report= file")?;
            Ok((size.form, place))
        });
        let own = &config.own;
        let dependencies = own.dependency_file.as_deref();
        let dependencies = dependencies.map(|path| file(path, "--dependency-file= file"));
        let reproduce = args
            .reproduce_file()
            .map(|path| file(&path, "--reproduce file"));
        Ok(Self {
            args,
            options: &config.options,
            target,
            files,
            line,
            map: place(&args.map, "map file")?,
            sizes: sizes.collect::<Result<_, Message>>()?,
            why_extract: place(&args.why_extract, "--why-extract= file")?,
            dependencies: dependencies.transpose()?,
            reproduce: reproduce.transpose()?,
        })
    }

    /// Prints and writes the reports that exist of a link that failed. Those of a link that succeeded
    /// begin with the same.
    pub(super) fn of_failed(
        &self,
        report: &Report,
        reporter: &mut Reporter,
    ) -> Result<(), Message> {
        self.verbose(report, reporter);
        let text = self.traces(report);
        ReportPlace::Stdout.write(text.as_bytes())?;
        self.write_why_extract(report)?;
        self.write_reproduce()
    }

    /// The same about a link that succeeded and is not yet at its place.
    pub(super) fn of_linked(
        &self,
        linked: &Linked,
        reporter: &mut Reporter,
    ) -> Result<(), Message> {
        self.of_failed(&linked.report, reporter)?;
        let mut text = String::new();
        for chunk in &linked.report.discarded {
            let file = chunk.file.as_deref().unwrap_or(INTERNAL);
            let _ = writeln!(text, "removing unused section {file}:({})", chunk.name);
        }
        if self.options.cross_references {
            text += &cref::print(&linked.report, |name| self.shown(name));
        }
        for answer in &linked.report.why {
            text += &answer.to_text(|name| self.shown(name));
        }
        ReportPlace::Stdout.write(text.as_bytes())?;
        if let Some(place) = &self.map {
            let text = map::print(&linked.map, |name| self.shown(name));
            place.write(text.as_bytes())?;
        }
        if let Some(report) = &linked.size {
            for (form, place) in &self.sizes {
                let text = match form {
                    SizeForm::Json => report.to_json(),
                    SizeForm::Text => report.to_text(),
                };
                place.write(text.as_bytes())?;
            }
        }
        if let Some(place) = &self.dependencies {
            let rule = dependencies::rule(self.target.path(), &self.files.all_read());
            place.write(&rule)?;
        }
        Ok(())
    }

    /// Brings the files to their places that were written.
    pub(super) fn commit(&mut self, linked: bool) -> Result<(), Message> {
        let of_failed = [&mut self.why_extract, &mut self.reproduce];
        let of_linked = [&mut self.map, &mut self.dependencies];
        for place in of_failed.into_iter().flatten() {
            place.commit()?;
        }
        if linked {
            let sizes = self.sizes.iter_mut().map(|(_, place)| place);
            for place in of_linked.into_iter().flatten().chain(sizes) {
                place.commit()?;
            }
        }
        Ok(())
    }

    fn verbose(&self, report: &Report, reporter: &mut Reporter) {
        if !self.args.verbose {
            return;
        }
        for path in self.files.all_read() {
            reporter.one(&Message::note(format!("Loading: {}", path.display())));
        }
        for file in &report.files {
            reporter.one(&Message::note(format!("Processing: {file}")));
        }
        if !reporter.failed() {
            reporter.one(&Message::note(format!("writing: {}", self.target.name())));
        }
    }

    /// The lines of `--trace` and `--trace-symbol`, in the order of the events.
    fn traces(&self, report: &Report) -> String {
        let mut text = String::new();
        // Files are also reported for `--verbose` alone.
        let files: &[_] = if self.options.trace {
            &report.files
        } else {
            &[]
        };
        let mut files = files.iter().enumerate().peekable();
        for traced in &report.traced {
            while let Some((_, file)) = files.next_if(|&(nth, _)| nth < traced.files_before) {
                let _ = writeln!(text, "{file}");
            }
            let file = traced.file.as_deref().unwrap_or(INTERNAL);
            let symbol = &traced.symbol;
            let _ = match &traced.what {
                TracedWhat::Reference => writeln!(text, "{file}: reference to {symbol}"),
                TracedWhat::Definition => writeln!(text, "{file}: definition of {symbol}"),
                TracedWhat::LazyDefinition => {
                    writeln!(text, "{file}: lazy definition of {symbol}")
                }
                TracedWhat::ExportedFor(name) => {
                    writeln!(text, "{file}: exported {symbol} due to import of {name}")
                }
                TracedWhat::Imported => writeln!(text, "{file}: importing {symbol}"),
            };
        }
        for (_, file) in files {
            let _ = writeln!(text, "{file}");
        }
        text
    }

    fn write_why_extract(&self, report: &Report) -> Result<(), Message> {
        let Some(place) = &self.why_extract else {
            return Ok(());
        };
        let mut text = "reference\textracted\tsymbol\n".to_owned();
        for extraction in &report.extractions {
            let symbol = self.shown(&extraction.symbol);
            let _ = writeln!(text, "{}\t{}\t{symbol}", extraction.by, extraction.file);
        }
        place.write(text.as_bytes())
    }

    fn write_reproduce(&self) -> Result<(), Message> {
        let Some(place) = &self.reproduce else {
            return Ok(());
        };
        place.write_with(|file, name| {
            reproduce::write(file, name, self.line, &self.files.all_read())
        })
    }

    /// A symbol's name as the user wants it.
    fn shown(&self, name: &str) -> String {
        if self.options.demangle {
            demangle(name).into_owned()
        } else {
            name.to_owned()
        }
    }
}

/// How the linker itself is called where a file is.
pub(super) const INTERNAL: &str = "<internal>";

impl ReportPlace {
    fn open(path: &Path) -> io::Result<Self> {
        if output::is_special(path)? {
            let file = OpenOptions::new().write(true).open(path)?;
            return Ok(Self::Special(file, path.display().to_string()));
        }
        NewFile::beside(path, Permissions::Plain).map(Self::File)
    }

    fn write(&self, text: &[u8]) -> Result<(), Message> {
        self.write_with(|file, _| file.write_all(text))
    }

    /// Writes a report with `write`, which is told the name of the place.
    fn write_with(
        &self,
        write: impl FnOnce(&mut dyn io::Write, &str) -> io::Result<()>,
    ) -> Result<(), Message> {
        match self {
            Self::Stdout => {
                let mut text = Vec::new();
                let written = write(&mut text, "standard output");
                written
                    .and_then(|()| print(&text))
                    .map_err(|error| cannot_write("standard output", &error))
            }
            Self::Special(file, name) => {
                write(&mut &*file, name).map_err(|error| cannot_write(name, &error))
            }
            Self::File(new) => {
                let name = new.path().to_string_lossy();
                write(&mut new.file(), &name).map_err(|error| cannot_write(&name, &error))
            }
        }
    }

    /// Brings a file to its place, once it was written.
    fn commit(&mut self) -> Result<(), Message> {
        match self {
            Self::Stdout | Self::Special(..) => Ok(()),
            Self::File(new) => new
                .commit()
                .map_err(|error| cannot_write(&new.path().to_string_lossy(), &error)),
        }
    }
}

/// Prints a report on standard output.
fn print(text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        // Nothing to say: standard output may be closed.
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        // A reader that has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn cannot_write(name: &str, error: &io::Error) -> Message {
    Message::error(format!("cannot write to {name}: {}", reason(error)))
}
