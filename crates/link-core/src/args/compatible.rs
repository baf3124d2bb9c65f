//! Options that do not go together, and what a link cannot do without.

use super::file_rows::LinkedFiles;
use super::line::Line;
use super::link_rows::LinkOption;
use crate::diag::{Code, Diagnostic};
use crate::options::{Entry, Options, OutputKind, Strip};

/// Reports what cannot be linked whatever the inputs are, in the order of `wasm-ld`.
///
/// `complete` are the files of a line that is to be linked as it is.
pub(super) fn check(
    line: &Line,
    options: &Options,
    complete: Option<&LinkedFiles>,
) -> Vec<Diagnostic> {
    let is_pie = line.flag(LinkOption::Pie.spec(), LinkOption::NoPie.spec()) == Some(true);
    let is_shared = options.output == OutputKind::Shared;
    let mut found = Contradictions(Vec::new());
    found.unless_kind_fits(options, is_pie || is_shared);
    if found.0.iter().any(|it| it.is_fatal(options.fatal_warnings)) {
        return found.0;
    }
    if complete.is_some_and(|files| files.inputs.inputs.is_empty()) {
        found.error("no input files");
        return found.0;
    }
    if options.compress_relocations && options.strip == Strip::None {
        found.error(
            "--compress-relocations is incompatible with output debug information. \
             Please pass --strip-debug or --strip-all",
        );
    }
    if is_shared && is_pie {
        found.error("-shared and -pie may not be used together");
    }
    if complete.is_some_and(|files| files.output.is_none()) {
        found.error("no output file specified");
    }
    if options.table.import && options.table.export {
        found.error("--import-table and --export-table may not be used together");
    }
    if options.is_relocatable() {
        found.unless_relocatable(line, options, is_pie);
    }
    found.only_shared(options);
    if is_pie || is_shared {
        if options.memory.global_base.is_some() {
            found.error("--global-base may not be used with -shared/-pie");
        }
        if options.table.base.is_some() {
            found.error("--table-base may not be used with -shared/-pie");
        }
    }
    found.0
}

struct Contradictions(Vec<Diagnostic>);

impl Contradictions {
    fn error(&mut self, text: &str) {
        self.0.push(Diagnostic::error(Code::Options, text));
    }

    fn warning(&mut self, text: &str) {
        self.0.push(Diagnostic::warning(Code::Options, text));
    }

    /// Looks for options that do not go with the kind of output. A loader decides where the data and
    /// functions of an output are that `is_placed_by_loader`.
    fn unless_kind_fits(&mut self, options: &Options, is_placed_by_loader: bool) {
        if !options.memory.growable && options.memory.max.is_some() {
            self.error("--max-memory is incompatible with --no-growable-memory");
        }
        if options.output == OutputKind::Shared && options.memory.export.is_some() {
            self.error("--export-memory is incompatible with --shared");
        }
        if options.memory.cooperative && options.memory.shared {
            self.error("--cooperative-threading is incompatible with --shared-memory");
        }
        if options.table.export && is_placed_by_loader {
            self.error("-shared/-pie is incompatible with --export-table");
        }
        if options.is_relocatable() {
            if options.table.export {
                self.error("--relocatable is incompatible with --export-table");
            }
            if options.table.growable {
                self.error("--relocatable is incompatible with --growable-table");
            }
        }
    }

    /// Looks for options that an object file cannot have.
    fn unless_relocatable(&mut self, line: &Line, options: &Options, is_pie: bool) {
        let (gc, no_gc) = (LinkOption::GcSections, LinkOption::NoGcSections);
        if matches!(options.entry, Entry::Named(_)) {
            self.error("entry point specified for relocatable output file");
        }
        if line.flag(gc.spec(), no_gc.spec()) == Some(true) {
            self.error("-r and --gc-sections may not be used together");
        }
        if options.compress_relocations {
            self.error("-r -and --compress-relocations may not be used together");
        }
        if !options.undefined.is_empty() {
            self.error("-r -and --undefined may not be used together");
        }
        if is_pie {
            self.error("-r and -pie may not be used together");
        }
        if options.memory.shared {
            self.error("-r and --shared-memory may not be used together");
        }
        if options.memory.global_base.is_some() {
            self.error("-r and --global-base may not by used together");
        }
    }

    /// Warns about options that say something about shared libraries alone.
    fn only_shared(&mut self, options: &Options) {
        let is_shared = options.output == OutputKind::Shared;
        if options.pic.bsymbolic && !is_shared {
            self.warning("-Bsymbolic is only meaningful when combined with -shared");
        }
        if options.pic.bsymbolic_functions && !is_shared {
            self.warning("-Bsymbolic-functions is only meaningful when combined with -shared");
        }
    }
}
