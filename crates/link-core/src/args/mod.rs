//! Command lines in the spelling of `wasm-ld`, and the options of a link that they stand for.
//!
//! Each option is one [`Row`]: its spellings, its value, its documentation, and the field that it
//! sets. [`LinkOption`] has the options that set a field of [`Options`], [`FileOption`] those about
//! inputs and the output.
//!
//! [`Options::from_args`] and [`CommandLine::parse`] are for a compiler whose users can pass arguments to
//! the linker. A command with options of its own, such as `wasm-link`, uses their parts:
//! [`Spellings`] are the options that it knows, a [`Line`] is its command line, and [`option_rows!`]
//! declares a table.
//!
//! [`option_rows!`]: crate::option_rows

mod compatible;
mod file_rows;
mod line;
mod link_rows;
mod numbers;
mod row;
mod spellings;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

pub use file_rows::{FileOption, LinkedFiles};
pub use line::{Arg, Item, Line, Problems};
pub use link_rows::LinkOption;
pub use row::{
    Counted, Dashes, Group, PathUse, Row, Set, Spec, Spelling, Takes, When, either, one, two,
};
pub use spellings::Spellings;

use crate::diag::{Code, Diagnostic};
use crate::input::Inputs;
use crate::options::Options;

impl Spellings {
    /// Those of the options of a link and of its files.
    pub fn of_links() -> Self {
        Self::default()
            .with(FileOption::ROWS)
            .with(LinkOption::ROWS)
    }
}

/// A command line of `wasm-ld` as a link: what is linked, and how.
///
/// ```
/// use link_core::{CommandLine, Env, link};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Arguments that a user of the compiler passes to the linker.
/// let user = ["-Lvendor", "-lphysics", "--export=tick", "-z", "stack-size=65536"];
/// let mut line = CommandLine::parse(["--no-entry"].into_iter().chain(user))?;
/// assert_eq!(line.options.memory.stack_size, 65536);
/// assert_eq!(line.inputs.search_paths.len(), 1);
///
/// // Other inputs may join it: files, bytes in memory, or a module that the compiler has made.
/// # line.inputs.inputs.clear();
/// # line.options.exports.clear();
/// let mut module = Vec::new();
/// link(line.inputs, &line.options, &Env::default(), &mut module)?;
/// # Ok(())
/// # }
/// ```
///
/// Of an option that is given more than once the last occurrence counts, unless it makes a list;
/// so defaults go before the arguments of the user. Response files (`@file`) are not expanded.
#[derive(Debug)]
pub struct CommandLine {
    /// The options of the link.
    pub options: Options,
    /// The inputs: files and libraries, each with the positional options before it.
    pub inputs: Inputs<'static>,
    /// `-o`. Nothing is written there by [`link()`](crate::link()).
    pub output: Option<PathBuf>,
    /// Warnings about the line.
    pub warnings: Vec<Diagnostic>,
}

impl CommandLine {
    /// Reads all of the arguments.
    ///
    /// An option that is neither about a link nor about its files, such as `-Map` or `--lto-O2`, is
    /// an error and not left to the caller: whether the next argument is its value is known only to
    /// the program that has the option. Such a program declares it ([`option_rows!`]).
    ///
    /// [`option_rows!`]: crate::option_rows
    ///
    /// # Errors
    /// Arguments that are unknown, values that are invalid, options that do not go together; with
    /// `--fatal-warnings` also warnings.
    pub fn parse<A: Into<OsString>>(
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self, ArgumentsError> {
        Self::of(&Line::parse(args, &Spellings::of_links()))
    }

    fn of(line: &Line) -> Result<Self, ArgumentsError> {
        let mut problems = Problems::default();
        let mut options = line.options(&mut problems);
        let LinkedFiles { inputs, output, .. } = line.files(options.output, &mut problems);
        let warnings = line.check(problems, &options);
        let mut all = warnings.iter();
        if all.any(|it| it.is_fatal(options.fatal_warnings)) {
            return Err(ArgumentsError {
                diagnostics: warnings,
            });
        }
        if let Some(path) = &output {
            options.output_name = path.to_string_lossy().into_owned();
        }
        Ok(Self {
            options,
            inputs,
            output,
            warnings,
        })
    }
}

impl Options {
    /// The options that arguments of `wasm-ld` stand for; all others have their defaults.
    ///
    /// ```
    /// use link_core::Options;
    /// use link_core::options::{Entry, Strip};
    ///
    /// let options = Options::from_args(["--no-entry", "--export=f", "-S", "--max-memory=131072"])?;
    /// assert_eq!(options.entry, Entry::None);
    /// assert_eq!(options.exports, ["f"]);
    /// assert_eq!(options.strip, Strip::Debug);
    ///
    /// let error = Options::from_args(["--max-memory=2k", "--exprt=f"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "error: unknown argument: --exprt=f\n>>> did you mean --export=<symbol>?",
    /// );
    /// let error = Options::from_args(["--max-memory=2k"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "error: --max-memory=2k: number expected, but got '2k'\n\
    ///      >>> expected a decimal number; 2k is 2048",
    /// );
    /// # Ok::<(), link_core::ArgumentsError>(())
    /// ```
    ///
    /// Warnings are left out. They and the arguments that name files are what
    /// [`CommandLine::parse`] has besides.
    ///
    /// # Errors
    /// As [`CommandLine::parse`]; an argument about a file is an error, too.
    pub fn from_args<A: Into<OsString>>(
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self, ArgumentsError> {
        let mut line = Line::parse(args, &Spellings::of_links());
        for item in &line.items {
            let shown = match item {
                Item::Input(path) => path.to_string_lossy().into_owned(),
                Item::Option(arg) if FileOption::of(arg).is_some() => arg.shown(),
                Item::Option(_) => continue,
            };
            let text = format!("{shown}: no file is expected here, only options of the link");
            (line.unknown).push(Diagnostic::error(Code::UnknownArgument, text));
        }
        CommandLine::of(&line).map(|line| line.options)
    }
}

/// A command line that cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentsError {
    /// Errors, and warnings beside them: with [`Code::UnknownArgument`], [`Code::InvalidArgument`]
    /// or [`Code::Options`].
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for ArgumentsError {
    /// One diagnostic below the other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, diagnostic) in self.diagnostics.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ArgumentsError {}
