//! Running the linker as a child process.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::diagnostic::{self, Diagnostic, Severity};
use crate::locate::Lld;
use crate::quote::{self, Quoting};
use crate::sys;

/// What happens with the child's standard streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are the caller's: the linker talks to the terminal itself. For
    /// compilers that are drivers themselves. No diagnostics are returned.
    Passthrough,
    /// Stdin is what [`RunOptions::stdin`] says, stdout goes where
    /// [`RunOptions::stdout`] says, stderr is read and parsed into diagnostics.
    Captured,
}

/// What the linker's stdin is in [`Mode::Captured`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing. A link reads it only if an argument is `/dev/stdin` or the like.
    #[default]
    Empty,
    /// The caller's stdin.
    Inherit,
}

/// Where the linker's stdout goes in [`Mode::Captured`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stdout {
    /// Nowhere. A link writes nothing there unless it is asked to.
    #[default]
    Discard,
    /// To the caller's stdout, for `--print-map`, `--trace`, `--version` and such.
    Inherit,
}

/// How a linker is run. Fields may be added: end a literal with
/// `..RunOptions::default()`.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// After this time the linker is ended, with every process it has started.
    /// With a timeout the child is in a process group of its own, which is not the
    /// terminal's foreground group: an interrupt from the keyboard does not
    /// reach it. Default: no limit.
    pub timeout: Option<Duration>,
    /// Is given the exact command before it is started, as
    /// [`Lld::command_line`] writes it (with all arguments also where they are
    /// passed through a response file). Default: no function.
    pub verbose: Option<&'a dyn Fn(&str)>,
    /// The directory the linker runs in, which relative paths are relative to.
    /// Default: the caller's.
    pub current_dir: Option<&'a Path>,
    /// What stdin is in [`Mode::Captured`].
    pub stdin: Stdin,
    /// Where stdout goes in [`Mode::Captured`].
    pub stdout: Stdout,
    /// Bytes of stderr that are kept in [`Mode::Captured`]; what comes after them
    /// is read and dropped. Default: [`STDERR_LIMIT`].
    pub stderr_limit: usize,
    /// Bytes of arguments (each with its end and the pointer to it) above which
    /// they go through a response file. Default: what the system takes.
    pub argument_limit: Option<usize>,
    /// The directory for that response file. It is removed with the file when the run
    /// ends, but not when a signal ends the caller, which may want it in a directory
    /// that it cleans up itself. Default: the system's for temporary files.
    pub temp_dir: Option<&'a Path>,
}

/// Bytes of stderr that are kept by default: 10 MiB.
pub const STDERR_LIMIT: usize = 10 << 20;

impl Default for RunOptions<'_> {
    fn default() -> Self {
        Self {
            timeout: None,
            verbose: None,
            current_dir: None,
            stdin: Stdin::Empty,
            stdout: Stdout::Discard,
            stderr_limit: STDERR_LIMIT,
            argument_limit: None,
            temp_dir: None,
        }
    }
}

/// What a successful run left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// What the linker said: it did not fail, so that errors and prose are
    /// warnings here. Empty in [`Mode::Passthrough`].
    pub diagnostics: Vec<Diagnostic>,
    /// The text they were read from, not longer than [`RunOptions::stderr_limit`].
    pub stderr: String,
}

impl RunReport {
    /// The report of a linker that succeeded and said `stderr`.
    pub fn of_success(stderr: impl Into<String>) -> Self {
        let stderr = stderr.into();
        let mut diagnostics = diagnostic::parse(&stderr);
        warn_only(&mut diagnostics);
        Self {
            diagnostics,
            stderr,
        }
    }
}

/// Why a run did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The program could not be started.
    #[error("cannot start the linker '{}': {source}", program.display())]
    Start {
        /// The linker.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The response file for a long command line could not be written.
    #[error("cannot write a response file for the linker in '{}': {source}", dir.display())]
    ResponseFile {
        /// The directory for temporary files.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state of the child could not be asked for, or it could not be ended.
    #[error("lost control of the linker '{}': {source}", program.display())]
    Control {
        /// The linker.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The linker ended with a failure: the link has errors.
    #[error("the linker '{}' failed (exit code {code}){}", program.display(), First(diagnostics))]
    Failed {
        /// The linker.
        program: PathBuf,
        /// Its exit code, never 0.
        code: i32,
        /// What it said.
        diagnostics: Vec<Diagnostic>,
    },
    /// The linker was ended by a signal (on Windows: an exception).
    #[error(
        "the linker '{}' crashed ({}){}",
        program.display(), SignalName(*signal), First(diagnostics)
    )]
    Crashed {
        /// The linker.
        program: PathBuf,
        /// The signal's number, on Windows the exception's code.
        signal: i32,
        /// What it said before.
        diagnostics: Vec<Diagnostic>,
    },
    /// The linker took longer than [`RunOptions::timeout`] and was ended.
    #[error(
        "the linker '{}' was ended: it took longer than {timeout:?}{}",
        program.display(), First(diagnostics)
    )]
    TimedOut {
        /// The linker.
        program: PathBuf,
        /// The time it had.
        timeout: Duration,
        /// What it had said.
        diagnostics: Vec<Diagnostic>,
    },
}

impl RunError {
    /// What the linker said before it failed.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Failed { diagnostics, .. }
            | Self::Crashed { diagnostics, .. }
            | Self::TimedOut { diagnostics, .. } => diagnostics,
            Self::Start { .. } | Self::ResponseFile { .. } | Self::Control { .. } => &[],
        }
    }
}

/// The first error, so that the one line of an error says something.
struct First<'a>(&'a [Diagnostic]);

impl std::fmt::Display for First<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
        let first = self.0.iter().find(is_error).or(self.0.first());
        match first.and_then(|diagnostic| diagnostic.message.lines().next()) {
            Some(line) => write!(f, ": {line}"),
            None => Ok(()),
        }
    }
}

struct SignalName(i32);

impl std::fmt::Display for SignalName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match sys::crash_name(self.0) {
            Some(name) => f.write_str(name),
            None if cfg!(windows) => write!(f, "exception {:#x}", self.0),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl Lld {
    /// Runs the linker with `args` exactly as they are and waits for its end.
    ///
    /// A list that is too long for the system goes through a temporary response
    /// file.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        args: &[S],
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<RunReport, RunError> {
        let span = tracing::info_span!(
            "lld",
            program = %self.program().display(),
            args = args.len(),
            outcome = tracing::field::Empty,
        );
        let _entered = span.enter();
        if let Some(verbose) = options.verbose {
            verbose(&self.command_line(args));
        }
        let result = self.run_child(args, mode, options);
        span.record(
            "outcome",
            match &result {
                Ok(_) => "linked",
                Err(RunError::Failed { .. }) => "failed",
                Err(RunError::Crashed { .. }) => "crashed",
                Err(RunError::TimedOut { .. }) => "timed out",
                Err(_) => "not run",
            },
        );
        result
    }

    fn run_child<S: AsRef<OsStr>>(
        &self,
        args: &[S],
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<RunReport, RunError> {
        // The response file lives until the child has ended.
        let (mut child, _response_file) = self.start(args, mode, options)?;
        let listener = match child.stderr.take() {
            Some(stderr) => match Listener::start(stderr, options.stderr_limit) {
                Ok(listener) => Some(listener),
                Err(source) => {
                    // Without a reader of its stderr, it would block.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.control(source));
                }
            },
            None => None,
        };

        let ended = wait(&mut child, options.timeout).map_err(|source| self.control(source))?;
        let (stderr, mut diagnostics) = listener.map_or_else(Default::default, Listener::finish);

        let program = self.program().to_owned();
        let status = match ended {
            Ended::ByItself(status) => status,
            Ended::ByTimeout(timeout) => {
                return Err(RunError::TimedOut {
                    program,
                    timeout,
                    diagnostics,
                });
            }
        };
        if status.success() {
            warn_only(&mut diagnostics);
            return Ok(RunReport {
                diagnostics,
                stderr,
            });
        }
        match (sys::crash_of(status), status.code()) {
            (Some(signal), _) => Err(RunError::Crashed {
                program,
                signal,
                diagnostics,
            }),
            (None, Some(code)) => Err(RunError::Failed {
                program,
                code,
                diagnostics,
            }),
            (None, None) => Err(self.control(io::Error::other(format!("it ended with {status}")))),
        }
    }

    fn control(&self, source: io::Error) -> RunError {
        RunError::Control {
            program: self.program().to_owned(),
            source,
        }
    }

    /// Starts the child, through a response file if the arguments are too long or
    /// the system says that they are.
    fn start<S: AsRef<OsStr>>(
        &self,
        args: &[S],
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<(Child, Option<tempfile::TempPath>), RunError> {
        let limit = options.argument_limit.unwrap_or_else(sys::argument_limit);
        if argument_bytes(args) <= limit {
            let mut command = self.command(args);
            match configure(&mut command, mode, options).spawn() {
                Ok(child) => return Ok((child, None)),
                Err(error) if error.kind() == io::ErrorKind::ArgumentListTooLong => {}
                Err(source) => return Err(self.not_started(source)),
            }
        }
        let (style, reference, file) = write_response_file(args, options.temp_dir)?;
        let mut command = self.command([style, reference]);
        match configure(&mut command, mode, options).spawn() {
            Ok(child) => Ok((child, Some(file))),
            Err(source) => Err(self.not_started(source)),
        }
    }

    fn not_started(&self, source: io::Error) -> RunError {
        RunError::Start {
            program: self.program().to_owned(),
            source,
        }
    }
}

fn configure<'c>(
    command: &'c mut Command,
    mode: Mode,
    options: &RunOptions<'_>,
) -> &'c mut Command {
    if mode == Mode::Captured {
        command.stderr(Stdio::piped());
        command.stdin(match options.stdin {
            Stdin::Empty => Stdio::null(),
            Stdin::Inherit => Stdio::inherit(),
        });
        command.stdout(match options.stdout {
            Stdout::Discard => Stdio::null(),
            Stdout::Inherit => Stdio::inherit(),
        });
    }
    if let Some(dir) = options.current_dir {
        command.current_dir(dir);
    }
    if options.timeout.is_some() {
        sys::in_own_group(command);
    }
    command
}

/// Turns what a linker said that did not fail into warnings (notes stay notes).
fn warn_only(diagnostics: &mut [Diagnostic]) {
    for diagnostic in diagnostics {
        if diagnostic.severity != Severity::Note {
            diagnostic.severity = Severity::Warning;
        }
    }
}

fn argument_bytes<S: AsRef<OsStr>>(args: &[S]) -> usize {
    args.iter()
        .map(|arg| arg.as_ref().len() + 1 + size_of::<usize>())
        .sum()
}

/// The arguments `--rsp-quoting=STYLE @FILE` for a new response file, and the file.
fn write_response_file<S: AsRef<OsStr>>(
    args: &[S],
    dir: Option<&Path>,
) -> Result<(OsString, OsString, tempfile::TempPath), RunError> {
    let dir = dir.map_or_else(std::env::temp_dir, Path::to_owned);
    // Response files that the caller's arguments name are read in the same style,
    // so it has to stay what it was.
    let quoting = Quoting::of_args(args);
    let write = || -> io::Result<tempfile::TempPath> {
        let mut file = tempfile::Builder::new()
            .prefix("lld-driver-")
            .suffix(".rsp")
            .tempfile_in(&dir)?;
        io::Write::write_all(&mut file, &quote::response_file(args, quoting))?;
        Ok(file.into_temp_path())
    };
    let file = write().map_err(|source| RunError::ResponseFile {
        dir: dir.clone(),
        source,
    })?;
    // The linker may run in another directory.
    let path = std::path::absolute(&file).unwrap_or_else(|_| file.to_path_buf());
    let mut reference = OsString::from("@");
    reference.push(path);
    let style = format!("--rsp-quoting={}", quoting.name());
    Ok((style.into(), reference, file))
}

enum Ended {
    ByItself(ExitStatus),
    ByTimeout(Duration),
}

fn wait(child: &mut Child, timeout: Option<Duration>) -> io::Result<Ended> {
    let Some(timeout) = timeout else {
        return child.wait().map(Ended::ByItself);
    };
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::ByItself(status));
        }
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    // Not waited for yet, so its number, which is the group's, is still its own.
    sys::end_tree(child)?;
    child.wait()?;
    Ok(Ended::ByTimeout(timeout))
}

/// Reads the child's stderr to its end on a thread of its own, so that a child
/// that writes much never waits for us while we wait for its end.
struct Listener {
    heard: Arc<Mutex<Heard>>,
    done: Receiver<()>,
}

#[derive(Default)]
struct Heard {
    kept: Vec<u8>,
    dropped: u64,
    error: Option<io::Error>,
}

/// How long after the child's end its stderr may stay open: a process that it left
/// behind can hold it for ever.
const GRACE: Duration = Duration::from_secs(1);

impl Listener {
    fn start(mut stderr: impl Read + Send + 'static, limit: usize) -> io::Result<Self> {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (sender, done) = mpsc::channel();
        let shared = Arc::clone(&heard);
        std::thread::Builder::new()
            .name("lld stderr".to_owned())
            .spawn(move || {
                let mut buffer = vec![0; 64 << 10];
                loop {
                    let read = match stderr.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(read) => read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => {
                            lock(&shared).error = Some(error);
                            break;
                        }
                    };
                    let mut heard = lock(&shared);
                    let keep = read.min(limit - heard.kept.len().min(limit));
                    heard.kept.extend_from_slice(&buffer[..keep]);
                    heard.dropped += (read - keep) as u64;
                }
                // The receiver is gone if the grace was over.
                let _ = sender.send(());
            })?;
        Ok(Self { heard, done })
    }

    /// The text and its diagnostics, the last of which says what is missing.
    fn finish(self) -> (String, Vec<Diagnostic>) {
        let complete = self.done.recv_timeout(GRACE).is_ok();
        let heard = std::mem::take(&mut *lock(&self.heard));
        let text = String::from_utf8_lossy(&heard.kept).into_owned();
        let mut diagnostics = diagnostic::parse(&text);
        let mut missing = |message| {
            diagnostics.push(Diagnostic::new(Severity::Warning, message));
        };
        if heard.dropped > 0 {
            missing(format!(
                "the linker's messages are cut here: {} bytes were kept, {} more were dropped",
                heard.kept.len(),
                heard.dropped
            ));
        }
        if let Some(error) = heard.error {
            missing(format!(
                "the linker's messages could not all be read: {error}"
            ));
        }
        if !complete {
            missing(
                "a process that the linker left behind holds its stderr open; \
                 what it still writes is lost"
                    .to_owned(),
            );
        }
        (text, diagnostics)
    }
}

/// A thread that panicked while it held the lock left nothing half done: each
/// critical section only appends.
fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
