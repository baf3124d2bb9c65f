//! Links that follow one another: the first one writes the output with room, the later ones write
//! what changed.
//!
//! What a link decided is kept as a [`State`](state::State). The next one parses the files that
//! changed, and nothing else: they are resolved as a small link of their own, in which all other
//! symbols have the values that they had ([`decide`]). Their parts are written to the places of the
//! old ones, or behind everything if they do not fit there ([`apply`], [`pinned_plan`]), by the code that
//! relocates every output. A change that other files would notice is left to a full link.

mod apply;
mod decide;
mod noted_inputs;
mod pinned_plan;
mod state;

use std::fmt;
use std::ops::Range;

use self::decide::Changed;
use self::noted_inputs::{FileNotes, InputShape, NotedFiles};
pub(crate) use self::state::State;
use crate::diag::Diagnostic;
use crate::env::{Env, FileData, Files};
use crate::hash::HashMap;
use crate::ids::{FileId, TableIndex};
use crate::input::object::Object;
use crate::input::{InputSource, Inputs, LoadedFiles, ParseOptions, parse_object};
use crate::link::link_with_room;
use crate::options::{Options, Unresolved};
use crate::output::{LinkError, Linked};
use crate::room::Image;

/// Links of one output that follow one another.
///
/// The first link writes everything, with room for changes: at most 15 % and a few kilobytes more
/// than [`link()`](crate::link()). Later ones with the same inputs write what changed of the files
/// that changed. Functions, data and types may change, come and go, and outgrow their places. A
/// change that other files would notice makes it a full link again, as does one for which there is
/// no room: [`Relinked::full`] says why.
///
/// A program that was patched behaves like that of a full link. It may hold more: functions that
/// trap, data, types and slots of the function table that nothing refers to.
///
/// The crate's introduction has an example.
#[derive(Debug)]
pub struct Session {
    options: Options,
    image: Image,
    last: Option<Last>,
}

/// What is kept of the last link.
#[derive(Debug)]
struct Last {
    /// What is known of the output, or why it cannot be patched.
    state: Result<State, FullReason>,
    shape: InputShape,
    notes: FileNotes,
    /// Of the inputs that are bytes in memory, in their order.
    hashes: Vec<u64>,
    warnings: Vec<Diagnostic>,
}

/// What a link of a [`Session`] did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Relinked {
    /// The changed ranges of [`Session::bytes`], in their order; all of it after a full link.
    pub changed: Vec<Range<usize>>,
    /// Why it was a full link; `None` if it was not.
    pub full: Option<FullReason>,
    /// What a link returns. That of a link that patched has the warnings of the full link before it,
    /// and neither map nor report.
    pub linked: Linked,
}

/// Why a link of a [`Session`] was a full one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FullReason {
    /// There was no output.
    First,
    /// The options or inputs have something that is never patched.
    Unsupported,
    /// An earlier link did not come to its end.
    Unfinished,
    /// The inputs are others than before.
    Inputs,
    /// A file changed that is not a single object: an archive, a library, a list of symbols.
    OtherFile,
    /// A file has something that is never patched, or changed in it.
    Object,
    /// A name means something else than before in another file, or is looked for in archives.
    Resolution,
    /// A file refers to what was left out of the output.
    Revived,
    /// Data has moved that other files refer to.
    Moved,
    /// A segment changed that has bounds or is thread-local.
    Data,
    /// A custom section that cannot have gaps has another size, or is new.
    CustomSection,
    /// The output has no function table of its own.
    Table,
    /// A relocation cannot be applied.
    Relocation,
    /// The room of this section is used up.
    NoRoom(&'static str),
}

impl fmt::Display for FullReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "there was no output",
            Self::Unsupported => "this kind of output is never patched",
            Self::Unfinished => "an earlier link did not come to its end",
            Self::Inputs => "the inputs are others than before",
            Self::OtherFile => "a file changed that is not a single object",
            Self::Object => "a file has something that is never patched",
            Self::Resolution => "a name may mean something else than before",
            Self::Revived => "a file refers to what was left out of the output",
            Self::Moved => "data has moved that other files refer to",
            Self::Data => "a segment changed that has bounds or is thread-local",
            Self::CustomSection => "a custom section without room has another size",
            Self::Table => "the output has no function table of its own",
            Self::Relocation => "a relocation cannot be applied",
            Self::NoRoom(section) => {
                return write!(f, "the room of the {section} section is used up");
            }
        })
    }
}

impl Session {
    /// Links with these options.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            image: Image::default(),
            last: None,
        }
    }

    /// The output as the last link that succeeded left it; empty before the first.
    pub fn bytes(&self) -> &[u8] {
        &self.image.bytes
    }

    /// Links `inputs`: patches the output if it can, and otherwise writes all of it.
    ///
    /// # Errors
    /// As [`link()`](crate::link()). The output is then as it was.
    pub fn link(&mut self, inputs: Inputs<'_>, env: &Env<'_>) -> Result<Relinked, LinkError> {
        let shape = InputShape::of(&inputs);
        let hashes = noted_inputs::hashes(&inputs);
        // The changed objects borrow from these.
        let files = LoadedFiles::new();
        let (inputs, reason) = match self.relink(inputs, &files, &shape, &hashes, env) {
            Ok(changed) => {
                let warnings = self.last.as_ref().map(|last| last.warnings.clone());
                return Ok(Relinked {
                    changed,
                    full: None,
                    linked: Linked::patched(warnings.unwrap_or_default()),
                });
            }
            Err(full) => full,
        };
        let mut bytes = Vec::new();
        let mut state = None;
        let files = NotedFiles::new(env.files);
        let noted = Env {
            files: &files,
            ..*env
        };
        let patched = is_patched(&self.options);
        let mut options = self.options.clone();
        options.room = patched;
        let linked = link_with_room(inputs, &options, &noted, &mut bytes, &mut state)?;
        let changed = std::iter::once(0..bytes.len()).collect();
        self.image = Image::new(bytes);
        self.last = Some(Last {
            state: state.ok_or(FullReason::Unsupported),
            shape,
            hashes,
            notes: files.into_notes(),
            warnings: linked.diagnostics.clone(),
        });
        Ok(Relinked {
            changed,
            full: Some(reason),
            linked,
        })
    }

    /// Patches the output. Where that is impossible, returns the inputs and the reason.
    fn relink<'a>(
        &mut self,
        mut inputs: Inputs<'a>,
        files: &'a LoadedFiles,
        shape: &InputShape,
        hashes: &[u64],
        env: &Env<'_>,
    ) -> Result<Vec<Range<usize>>, (Inputs<'a>, FullReason)> {
        let Some(last) = &mut self.last else {
            return Err((inputs, FullReason::First));
        };
        if env.is_cancelled() {
            // A full link says so.
            return Err((inputs, FullReason::Unfinished));
        }
        let noted = NotedFiles::new(env.files);
        let gathered = last.changed(&mut inputs, files, shape, hashes, &self.options, &noted);
        let (changed, taken) = match gathered {
            Ok(gathered) => gathered,
            Err(reason) => return Err((inputs, reason)),
        };
        if let Err((reason, objects)) = last.patch(changed, &mut self.image, &self.options) {
            give_back(&mut inputs, &taken, objects);
            return Err((inputs, reason));
        }
        last.notes.update(noted.into_notes());
        last.hashes = hashes.to_vec();
        Ok(self.image.keep())
    }
}

impl Last {
    /// The inputs that changed, in the order of the files, and for each the place of the input that it
    /// was taken out of, if it was an object. Nothing is taken out in case of an error.
    fn changed<'a>(
        &mut self,
        inputs: &mut Inputs<'a>,
        loaded: &'a LoadedFiles,
        shape: &InputShape,
        hashes: &[u64],
        options: &Options,
        files: &NotedFiles<'_>,
    ) -> Result<(Vec<Changed<'a>>, Vec<Option<usize>>), FullReason> {
        let state = self.state.as_ref().map_err(|reason| *reason)?;
        if self.shape != *shape {
            return Err(FullReason::Inputs);
        }
        let paths = self.notes.changed(files.inner());
        let paths = paths.ok_or(FullReason::Inputs)?;
        let by_name = files_by_name(state);
        let file = |name: &str| by_name.get(name).copied().flatten();
        let file = |name: &str| file(name).ok_or(FullReason::OtherFile);
        let mut contents: Vec<(FileId, FileData)> = Vec::new();
        for path in paths {
            let data = files.read(&path).map_err(|_| FullReason::OtherFile)?;
            contents.push((file(&path.to_string_lossy())?, data));
        }
        let mut objects = Vec::new();
        let mut before = self.hashes.iter().zip(hashes);
        for (nth, input) in inputs.inputs.iter().enumerate() {
            match &input.source {
                InputSource::Bytes { name, data } => {
                    if before.next().is_some_and(|(before, now)| before != now) {
                        contents.push((file(name)?, data.clone()));
                    }
                }
                // It may have changed: nothing of the last one is kept to compare it with.
                InputSource::Object(object) => {
                    let file = file(&object.name)?;
                    check_shape(state, file, object)?;
                    objects.push((file, nth));
                }
                InputSource::Path(_) | InputSource::Library(_) => {}
            }
        }
        let mut changed: Vec<(Changed<'a>, Option<usize>)> = Vec::new();
        for (file, data) in contents {
            let known = &state.files[file.index()];
            let options = ParseOptions {
                from_archive: known.from_archive,
                ..ParseOptions::of(options)
            };
            let bytes = loaded.keep_file(data).bytes();
            let object = parse_object(&known.name, bytes, options, loaded);
            let object = object.map_err(|_| FullReason::Object)?;
            check_shape(state, file, &object)?;
            let object = Box::new(object);
            changed.push((Changed { file, object }, None));
        }
        for (file, nth) in objects {
            let taken = InputSource::Library(String::new());
            let source = std::mem::replace(&mut inputs.inputs[nth].source, taken);
            if let InputSource::Object(object) = source {
                changed.push((Changed { file, object }, Some(nth)));
            }
        }
        // New functions are numbered in the order of the files.
        changed.sort_by_key(|(changed, _)| changed.file);
        Ok(changed.into_iter().unzip())
    }

    /// Patches the output. Where that is impossible, returns the reason and the objects.
    fn patch<'a>(
        &mut self,
        changed: Vec<Changed<'a>>,
        image: &mut Image,
        options: &Options,
    ) -> Result<(), (FullReason, Vec<Box<Object<'a>>>)> {
        let state = match &mut self.state {
            Ok(state) => state,
            Err(reason) => {
                let objects = changed.into_iter().map(|changed| changed.object);
                return Err((*reason, objects.collect()));
            }
        };
        let decision = decide::decide(state, changed, options)?;
        let done = apply::apply(state, image, &decision, options);
        done.map_err(|reason| {
            image.undo();
            self.state = Err(FullReason::Unfinished);
            (reason, decision.resolution.objects)
        })
    }
}

/// Checks that nothing of a file changed that is never patched.
fn check_shape(state: &State, file: FileId, object: &Object<'_>) -> Result<(), FullReason> {
    let known = &state.files[file.index()];
    let has_other_addresses = object
        .is_64
        .is_some_and(|is_64| is_64 != state.memory.limits.is_64);
    let is_same_shape = known.shape.is_some() && state::shape(object) == known.shape;
    if has_other_addresses || !is_same_shape {
        return Err(FullReason::Object);
    }
    if object.calls_table_0 && state.table != Some(TableIndex(0)) {
        return Err(FullReason::Table);
    }
    Ok(())
}

/// Puts objects back that were taken out of inputs.
fn give_back<'a>(inputs: &mut Inputs<'a>, taken: &[Option<usize>], objects: Vec<Box<Object<'a>>>) {
    for (nth, object) in taken.iter().zip(objects) {
        if let Some(nth) = *nth {
            inputs.inputs[nth].source = InputSource::Object(object);
        }
    }
}

/// The objects that are files of their own, by their names; `None` for a name that several have.
fn files_by_name(state: &State) -> HashMap<&str, Option<FileId>> {
    let mut by_name: HashMap<&str, Option<FileId>> = HashMap::default();
    for (nth, file) in (0..).zip(&state.files) {
        if !file.is_member {
            by_name
                .entry(&file.name)
                .and_modify(|known| *known = None)
                .or_insert(Some(FileId(nth)));
        }
    }
    by_name
}

/// Whether an output of these options is ever patched.
fn is_patched(options: &Options) -> bool {
    let plain = Options {
        output_name: options.output_name.clone(),
        is_64: options.is_64,
        entry: options.entry.clone(),
        exports: options.exports.clone(),
        exports_if_defined: options.exports_if_defined.clone(),
        export_all: options.export_all,
        export_dynamic: options.export_dynamic,
        undefined: options.undefined.clone(),
        error_signature_mismatch: options.error_signature_mismatch,
        gc_sections: options.gc_sections,
        demangle: options.demangle,
        optimize: options.optimize,
        strip: options.strip,
        merge_data_segments: options.merge_data_segments,
        memory: options.memory.clone(),
        table: options.table,
        features: options.features.clone(),
        threads: options.threads,
        error_limit: options.error_limit,
        fatal_warnings: options.fatal_warnings,
        default_import_module: options.default_import_module.clone(),
        max_function_body_size: options.max_function_body_size,
        unresolved: options.unresolved,
        import_undefined: options.import_undefined,
        allowed_undefined: options.allowed_undefined.clone(),
        allow_undefined_files: options.allow_undefined_files.clone(),
        keep_sections: options.keep_sections.clone(),
        ..Options::default()
    };
    // What is not listed above has to be as it is by default.
    plain == *options && !options.has_threads() && options.unresolved == Unresolved::Error
}
