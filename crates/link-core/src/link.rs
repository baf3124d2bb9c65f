//! The link itself: the list of its phases.

use std::io;

use bumpalo::Bump;

use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::emit::Sources;
use crate::env::{Env, Phase, Threads};
use crate::input::{Inputs, LoadedFiles};
use crate::options::Options;
use crate::output::{LinkError, Linked, Room, Sink};
use crate::pass::{features, mark, raw_indices, synthesize, warn_left_out};
use crate::report::map::LinkMap;
use crate::report::reference_graph::ReferenceGraph;
use crate::report::{Report, map, size, why};
use crate::session::State;
use crate::{emit, input, par, plan, report, resolve};

/// Links `inputs` into `sink`.
///
/// Prints nothing, ends nothing, keeps nothing: what happened is in the result, and what
/// the link needed is freed when it returns.
///
/// ```
/// use link_core::{Input, Inputs};
/// use link_core::{Env, FileData, Options, link};
///
/// let mut module = Vec::new();
/// let inputs = Inputs {
///     inputs: vec![Input::bytes("hello.txt", FileData::new(b"not an object"))],
///     ..Inputs::default()
/// };
/// let error = link(inputs, &Options::default(), &Env::default(), &mut module).unwrap_err();
/// assert!(error.to_string().contains("hello.txt: not a WebAssembly object"));
/// ```
///
/// # Errors
/// All errors of the first phase that has any, with the warnings from before.
pub fn link(
    inputs: Inputs<'_>,
    options: &Options,
    env: &Env<'_>,
    mut sink: &mut dyn Sink,
) -> Result<Linked, LinkError> {
    link_then(inputs, options, env, &mut sink, |_, linked| linked)
}

/// As [`link()`], but hands the result to `then` before what the link needed is freed, on
/// a thread of the link. A command ends there, since the system frees everything at once.
///
/// # Errors
/// As [`link()`]; `then` is not called.
pub fn link_then<S: Sink, T: Send>(
    inputs: Inputs<'_>,
    options: &Options,
    env: &Env<'_>,
    sink: &mut S,
    then: impl FnOnce(&mut S, Linked) -> T + Send,
) -> Result<T, LinkError> {
    run(inputs, options, env, sink, &mut None, then)
}

/// As [`link()`]; if the options ask for room, `state` becomes what is known of the output.
pub(crate) fn link_with_room(
    inputs: Inputs<'_>,
    options: &Options,
    env: &Env<'_>,
    sink: &mut Vec<u8>,
    state: &mut Option<State>,
) -> Result<Linked, LinkError> {
    run(inputs, options, env, sink, state, |_, linked| linked)
}

fn run<S: Sink, T: Send>(
    inputs: Inputs<'_>,
    options: &Options,
    env: &Env<'_>,
    sink: &mut S,
    state: &mut Option<State>,
    then: impl FnOnce(&mut S, Linked) -> T + Send,
) -> Result<T, LinkError> {
    let mut diagnostics = Diagnostics::default();
    let mut report = Report::default();
    let small = matches!(env.threads, Threads::Own | Threads::OwnForGood { .. })
        && options.threads != Some(1)
        && input::are_small(&inputs, env);
    let outcome = par::in_pool(env, options, small, || {
        phases(
            inputs,
            options,
            env,
            sink,
            state,
            (&mut diagnostics, &mut report),
            then,
        )
    });
    let outcome = outcome.unwrap_or_else(|error| {
        diagnostics.push(Diagnostic::error(
            Code::Other,
            format!("cannot start threads: {error}; --threads=1 needs none"),
        ));
        Err(Stopped)
    });
    outcome.map_err(|Stopped| LinkError {
        diagnostics: limited(diagnostics.into_vec(), options),
        report: Box::new(report),
    })
}

/// A phase reported errors, or the caller wants no more.
struct Stopped;

fn phases<S: Sink, T>(
    inputs: Inputs<'_>,
    options: &Options,
    env: &Env<'_>,
    sink: &mut S,
    state: &mut Option<State>,
    (diagnostics, report): (&mut Diagnostics, &mut Report),
    then: impl FnOnce(&mut S, Linked) -> T,
) -> Result<T, Stopped> {
    // What later phases borrow from lives as long as the link.
    let files = LoadedFiles::new();
    let names = Bump::new();

    // Find and parse what the command line names; archive members only in outline.
    env.enter(Phase::Read);
    let search_paths = inputs.search_paths.clone();
    let read = input::read(inputs, &files, options, env);
    diagnostics.extend(read.diagnostics.into_vec());
    check(env, options, diagnostics)?;

    // Decide what every name means; this pulls archive members.
    env.enter(Phase::Resolve);
    let prepared = resolve::prepare(read.inputs, read.lists, options);
    // One thread resolves. The others meanwhile begin the plan with the parts that no name decides.
    let begin = plan::BegunPlan::task(prepared.objects(), options);
    let (begun, resolution) = par::beside(begin, || {
        resolve::resolve(prepared, options, &names, diagnostics)
    });
    report::of_resolution(report, &resolution, options);
    check(env, options, diagnostics)?;

    // Leave out what nothing reaches.
    env.enter(Phase::Mark);
    let live = mark::mark(&resolution, options);
    warn_left_out::warn(&resolution, &live, options, diagnostics);
    raw_indices::report(&resolution, &live, options, diagnostics);
    if options.print_gc_sections && options.gc_sections && !options.is_relocatable() {
        report.discarded = report::discarded(&resolution, &live, options);
    }

    // Decide what the linker adds, and report what is missing.
    env.enter(Phase::Synthesize);
    let features = features::merge(&resolution, &live, options, diagnostics);
    let synthesis = synthesize::synthesize(
        &resolution,
        &live,
        options,
        &features,
        &read.may_stay_undefined,
        diagnostics,
    );
    features::check_globals(&features, &resolution, &synthesis, options, diagnostics);
    input::suggest_archives(diagnostics, &search_paths, env.files);
    check(env, options, diagnostics)?;

    // Decide every index and address, and where each chunk lies in its section.
    env.enter(Phase::Layout);
    let (plan, function_names) = collect(
        plan::plan(
            &resolution,
            &live,
            &synthesis,
            options,
            &features,
            begun,
            |functions| emit::function_names(&resolution, &live, &synthesis, functions, options),
        ),
        diagnostics,
    )?;
    report.worlds = report::worlds(&resolution, &plan.customs);
    let sources = Sources {
        plan: &plan,
        resolution: &resolution,
        liveness: &live,
        synthesis: &synthesis,
        options,
    };
    // Know every size and offset before a byte is written.
    let outline = collect(
        emit::outline(&sources, &features, function_names),
        diagnostics,
    )?;
    diagnostics.extend(emit::engine_warnings(&sources, outline.size));
    check(env, options, diagnostics)?;

    // Copy and relocate every chunk into its own slice of the output.
    env.enter(Phase::Write);
    let out = room(sink, outline.size, options, diagnostics)?;
    let written = collect(emit::write(&sources, &outline, out), diagnostics);
    written
        .and_then(|warnings| {
            diagnostics.extend(warnings);
            check(env, options, diagnostics)
        })
        .inspect_err(|_| sink.abandon())?;

    let asks_why = !options.why.is_empty() || !options.why_imports.is_empty();
    let graph = (options.size_report || asks_why)
        .then(|| ReferenceGraph::collect(&resolution, &live, options, asks_why));
    if let Some(graph) = &graph {
        report.why = why::answer(graph, &synthesis, options);
    }
    let linked = Linked {
        diagnostics: std::mem::take(diagnostics).into_vec(),
        map: if options.map {
            map::collect(&resolution, &live, &synthesis, &plan, &outline)
        } else {
            LinkMap::default()
        },
        size: (graph.filter(|_| options.size_report))
            .map(|graph| Box::new(size::collect(&sources, &outline, &graph))),
        report: std::mem::take(report),
    };
    if options.room {
        *state = State::new(resolution, &live, &synthesis, plan, outline, options);
    }
    // Here everything is still there that the link needed.
    Ok(then(sink, linked))
}

/// Stops after a phase that reported errors, or when the caller wants to.
fn check(env: &Env<'_>, options: &Options, diagnostics: &mut Diagnostics) -> Result<(), Stopped> {
    if env.is_cancelled() {
        diagnostics.push(Diagnostic::error(Code::Cancelled, "the link was cancelled"));
    }
    let mut all = diagnostics.as_slice().iter();
    if all.any(|diagnostic| diagnostic.is_fatal(options.fatal_warnings)) {
        Err(Stopped)
    } else {
        Ok(())
    }
}

fn collect<T>(
    outcome: Result<T, Vec<Diagnostic>>,
    diagnostics: &mut Diagnostics,
) -> Result<T, Stopped> {
    outcome.map_err(|errors| {
        diagnostics.extend(errors);
        Stopped
    })
}

fn room<'s>(
    sink: &'s mut impl Sink,
    size: u64,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Result<Room<'s>, Stopped> {
    let room = match usize::try_from(size) {
        Err(_) => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(size) if emit::is_hashed(options) => sink.room(size).map(Room::Memory),
        Ok(size) => sink.room_or_places(size),
    };
    room.map_err(|error| {
        diagnostics.push(
            Diagnostic::error(
                Code::Io,
                format!("cannot make room for {size} bytes of output: {error}"),
            )
            .in_file(&*options.output_name),
        );
        Stopped
    })
}

/// Applies `--fatal-warnings` and `--error-limit`.
fn limited(mut diagnostics: Vec<Diagnostic>, options: &Options) -> Vec<Diagnostic> {
    for diagnostic in &mut diagnostics {
        if diagnostic.is_fatal(options.fatal_warnings) {
            diagnostic.severity = Severity::Error;
        }
    }
    limit(&mut diagnostics, options.error_limit);
    diagnostics
}

fn limit(diagnostics: &mut Vec<Diagnostic>, limit: usize) {
    let mut errors = 0;
    let beyond = diagnostics.iter().position(|diagnostic| {
        errors += usize::from(diagnostic.severity == Severity::Error);
        limit != 0 && errors > limit
    });
    if let Some(beyond) = beyond {
        diagnostics.truncate(beyond);
        diagnostics.push(Diagnostic::error(
            Code::Other,
            "too many errors emitted, stopping now (use --error-limit=0 to see all errors)",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fatal_warnings_leaves_warnings_that_are_never_fatal() {
        let warning = |text: &str| Diagnostic::warning(Code::Other, text);
        let stops = |fatal_warnings, all: &[&Diagnostic]| {
            let options = Options {
                fatal_warnings,
                ..Options::default()
            };
            let mut diagnostics = Diagnostics::default();
            diagnostics.extend(all.iter().map(|&diagnostic| diagnostic.clone()));
            let stops = check(&Env::default(), &options, &mut diagnostics).is_err();
            let shown = limited(diagnostics.into_vec(), &options);
            let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
            (stops, shown.join(", "))
        };
        let (fatal, never) = (warning("a"), warning("b").never_fatal());
        let all = [&fatal, &never];
        let told = |stops: bool, text: &str| (stops, text.to_owned());
        assert_eq!(stops(false, &all), told(false, "warning: a, warning: b"));
        assert_eq!(stops(true, &all), told(true, "error: a, warning: b"));
        assert_eq!(stops(true, &[&never]), told(false, "warning: b"));
        // An error is an error.
        let error = Diagnostic::error(Code::Other, "c").never_fatal();
        assert_eq!(stops(false, &[&error]), told(true, "error: c"));
    }
}
