//! From what the command line names to what resolution starts with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{Archive, IndexedSymbols};
use super::fault::Parsed;
use super::inputs::{Input, InputSource, Inputs, RawFile, ReadInput, ReadInputs};
use super::keep::LoadedFiles;
use super::kind::{FileKind, Foreign};
use super::lazy::{
    Access, LazyContents, LazyMember, MemberNames, Name, cannot_open, defined_symbols,
};
use super::object::is_debug_section;
use super::parse::{ParseOptions, parse_object};
use super::section_headers::sections;
use super::symbol_lists::{SymbolLists, parse_dynamic_list, parse_retained, parse_version_script};
use crate::diag::{Code, Diagnostic};
use crate::env::{Env, FileData, Files};
use crate::options::Options;
use crate::par;

/// Finds, loads and tells apart all inputs, and parses those that are linked in any case.
///
/// What went wrong is among the result's diagnostics; the inputs that could be read are
/// there all the same, so that later phases may find more to report. A link that was
/// cancelled ends early and the result is of no use.
pub fn read<'a>(
    inputs: Inputs<'a>,
    files: &'a LoadedFiles,
    options: &Options,
    env: &Env<'a>,
) -> ReadInputs<'a> {
    let reader = InputReader {
        search_paths: &inputs.search_paths,
        options: ParseOptions::of(options),
        is_relocatable: options.is_relocatable(),
        extracts_customs: options.extract_custom_sections,
        access: Access {
            files: env.files,
            loaded: files,
        },
    };
    let parts = par::map(inputs.inputs, |input| {
        let mut part = ReadInputs::default();
        if !env.is_cancelled() {
            reader.input(input, &mut part);
        }
        part
    });
    let mut whole = ReadInputs::default();
    for path in &options.allow_undefined_files {
        reader.allow_undefined(path, &mut whole);
    }
    reader.symbol_lists(options, &mut whole);
    let count = parts.iter().map(|part| part.inputs.len()).sum();
    whole.inputs.reserve_exact(count);
    for part in parts {
        whole.append(part);
    }
    whole
}

impl ReadInputs<'_> {
    fn append(&mut self, part: Self) {
        self.inputs.extend(part.inputs);
        self.may_stay_undefined.extend(part.may_stay_undefined);
        self.diagnostics.extend(part.diagnostics.into_vec());
    }
}

/// Reads one input after another; keeps nothing in between.
struct InputReader<'i, 'a> {
    search_paths: &'i [PathBuf],
    options: ParseOptions,
    /// Whether an object file is made (`-r`).
    is_relocatable: bool,
    /// Whether a member that defines nothing for others may be needed (`--extract-custom-sections`).
    extracts_customs: bool,
    access: Access<'a>,
}

/// The positional options of an input.
#[derive(Clone, Copy)]
struct Position {
    whole_archive: bool,
    lazy: bool,
    dynamic: bool,
}

impl<'a> InputReader<'_, 'a> {
    fn input(&self, input: Input<'a>, part: &mut ReadInputs<'a>) {
        let position = Position {
            whole_archive: input.whole_archive,
            lazy: input.lazy,
            // An object file cannot hold a shared library.
            dynamic: input.dynamic && !self.is_relocatable,
        };
        match input.source {
            InputSource::Path(path) => self.path(&path, position, part),
            InputSource::Library(name) => match self.find(&name, position.dynamic) {
                Ok(path) => self.path(&path, position, part),
                Err(diagnostic) => part.diagnostics.push(diagnostic),
            },
            InputSource::Bytes { name, data } => {
                let data = self.access.loaded.keep_file(data);
                self.file(&name.into(), None, data, position, part);
            }
            InputSource::Object(object) => part.inputs.push(ReadInput::Object(object)),
        }
    }

    /// The file of the library `name`, as `-l` has it.
    fn find(&self, name: &str, dynamic: bool) -> Result<PathBuf, Diagnostic> {
        if let Some(path) = find_library(self.search_paths, self.access.files, name, dynamic) {
            return Ok(path);
        }
        let mut diagnostic = Diagnostic::error(
            Code::LibraryNotFound,
            format!("unable to find library -l{name}"),
        );
        for directory in self.search_paths {
            diagnostic = diagnostic.note(format!("searched {}", directory.display()));
        }
        if self.search_paths.is_empty() {
            diagnostic = diagnostic.note("no directory to search was given (-L)");
        }
        let notes = self.passed_over(name, dynamic);
        Err(notes.into_iter().fold(diagnostic, Diagnostic::note))
    }

    /// Notes on files that have a name of the library `name`, which was not found, and that the search
    /// passed over.
    fn passed_over(&self, name: &str, dynamic: bool) -> Vec<String> {
        let files = self.access.files;
        let mut notes = Vec::new();
        let names = |dynamic| library_names(name, dynamic);
        for directory in self.search_paths {
            for file in names(true) {
                let path = directory.join(file);
                if files.is_file(&path) {
                    // It ends in `.so`, and the search was for archives.
                    notes.push(format!(
                        "{} is a shared library, {}",
                        path.display(),
                        self.unused_shared_library()
                    ));
                } else if files.exists(&path) {
                    notes.push(format!("{} is not a regular file", path.display()));
                }
            }
        }
        let current = ["", "."].map(Path::new);
        if !(self.search_paths.iter()).any(|directory| current.contains(&&**directory)) {
            for file in names(dynamic) {
                if files.is_file(Path::new(&file)) {
                    notes.push(format!(
                        "{file} is in the current directory, which is searched with -L."
                    ));
                }
            }
        }
        notes
    }

    /// Why a search for archives does not take a shared library.
    fn unused_shared_library(&self) -> &'static str {
        if self.is_relocatable {
            "which an object file cannot hold"
        } else {
            "which -l takes after -Bdynamic"
        }
    }

    fn path(&self, path: &Path, position: Position, part: &mut ReadInputs<'a>) {
        let name: Arc<str> = path.to_string_lossy().into();
        match self.access.open(path) {
            Ok(data) => self.file(&name, Some(path), data, position, part),
            Err(error) => part.diagnostics.push(cannot_open(&name, &error)),
        }
    }

    /// A file's contents; `path` is where it is, if it is in a file.
    fn file(
        &self,
        name: &Arc<str>,
        path: Option<&Path>,
        data: &'a FileData,
        position: Position,
        part: &mut ReadInputs<'a>,
    ) {
        let bytes = data.bytes();
        let kind = FileKind::of(bytes);
        match kind {
            FileKind::Archive => {
                if let Some(path) = path {
                    self.imports_beside(path, part);
                }
                self.archive(name, path, data, position, part);
            }
            FileKind::Object if position.lazy => {
                let name = Name::File(name.clone());
                self.scanned(name, LazyContents::Bytes(bytes), bytes, self.options, part);
            }
            FileKind::SharedLibrary if !position.dynamic => {
                let note = if self.is_relocatable {
                    "an object file cannot hold a shared library: name the library where the \
                     object file is linked"
                } else {
                    "-Bdynamic before it links against shared libraries"
                };
                let message = format!("attempted static link of dynamic object {name}");
                let error = Diagnostic::error(Code::BadInput, message);
                part.diagnostics.push(error.note(note));
            }
            _ => {
                self.eager(kind, name, bytes, self.options, part);
                if kind == FileKind::Object && self.options.strip_debug {
                    release_debug(data);
                }
            }
        }
    }

    /// A file that is linked in any case and is no archive.
    fn eager(
        &self,
        kind: FileKind,
        name: &Arc<str>,
        bytes: &'a [u8],
        options: ParseOptions,
        part: &mut ReadInputs<'a>,
    ) {
        let raw = || RawFile {
            name: name.clone(),
            bytes,
        };
        let input = match kind {
            FileKind::Object => match parse_object(name, bytes, options, self.access.loaded) {
                Ok(object) => ReadInput::Object(Box::new(object)),
                Err(diagnostic) => return part.diagnostics.push(diagnostic),
            },
            // Nothing of it can be used before it is compiled, so that even between
            // `--start-lib` and `--end-lib` it has to be taken for needed.
            FileKind::Bitcode => ReadInput::Bitcode(raw()),
            FileKind::SharedLibrary => ReadInput::Shared(raw()),
            FileKind::Stub => ReadInput::Stub(raw()),
            // An archive within an archive.
            FileKind::Archive => {
                return part
                    .diagnostics
                    .push(Foreign::Archive.into_diagnostic(name));
            }
            FileKind::Foreign(foreign) => {
                return part.diagnostics.push(foreign.into_diagnostic(name));
            }
        };
        part.inputs.push(input);
    }

    /// An object that is linked if it is needed, its symbols found by looking.
    fn scanned(
        &self,
        name: Name<'a>,
        contents: LazyContents<'a>,
        bytes: &'a [u8],
        options: ParseOptions,
        part: &mut ReadInputs<'a>,
    ) {
        match defined_symbols(bytes) {
            Ok(names) if names.is_empty() && !self.extracts_customs => {}
            Ok(names) => part.inputs.push(ReadInput::Lazy(LazyMember {
                name,
                contents,
                own_names: 0..names.len(),
                names: Arc::new(names.into_iter().collect()),
                // Between --start-lib and --end-lib as in an archive.
                options: ParseOptions {
                    from_archive: true,
                    ..options
                },
                access: self.access,
            })),
            Err(fault) => part.diagnostics.push(fault.into_diagnostic(&name.get())),
        }
    }

    fn archive(
        &self,
        name: &Arc<str>,
        path: Option<&Path>,
        data: &'a FileData,
        position: Position,
        part: &mut ReadInputs<'a>,
    ) {
        let read = || -> Parsed<_> {
            // All of it is looked at where all of it is linked.
            let reader = data.reader().filter(|_| !position.whole_archive);
            let archive = Archive::parse(data.bytes(), reader.as_ref())?;
            let symbols = if position.whole_archive {
                None
            } else {
                archive.indexed_symbols()?
            };
            Ok((archive, symbols))
        };
        let (archive, symbols) = match read() {
            Ok(read) => read,
            Err(fault) => return part.diagnostics.push(fault.into_diagnostic(name)),
        };
        let names = Arc::new(MemberNames::new(name.clone()));
        let members = archive.members.iter().map(|member| ArchiveMember {
            name: Name::Member {
                archive: names.clone(),
                member: member.name,
            },
            may_be_linked: member.may_be_linked,
            contents: match member.bytes {
                Some(bytes) => LazyContents::Bytes(bytes),
                None => LazyContents::File(member.path(path.unwrap_or(Path::new("")))),
            },
        });
        if let Some(symbols) = symbols {
            return self.indexed(name, members, symbols, part);
        }
        let parts = par::map(members.collect(), |member| {
            let mut part = ReadInputs::default();
            self.member(name, member, position.whole_archive, &mut part);
            part
        });
        for member in parts {
            part.append(member);
        }
    }

    /// The members of an archive with an index. Those that it mentions are not looked at.
    fn indexed(
        &self,
        archive: &Arc<str>,
        members: impl Iterator<Item = ArchiveMember<'a>>,
        symbols: IndexedSymbols<'a>,
        part: &mut ReadInputs<'a>,
    ) {
        let names = Arc::new(symbols.names);
        part.inputs.reserve(symbols.of_member.len());
        for (member, own_names) in members.zip(symbols.of_member) {
            // Objects of another machine: archivers list their symbols too.
            if !own_names.is_empty() && member.may_be_linked {
                part.inputs.push(ReadInput::Lazy(LazyMember {
                    name: member.name,
                    contents: member.contents,
                    names: names.clone(),
                    own_names,
                    options: self.member_options(),
                    access: self.access,
                }));
            } else if let LazyContents::Bytes(bytes) = member.contents {
                // Perhaps added after the index was made. Of bitcode that defines
                // nothing for others there is nothing to need.
                if FileKind::of(bytes) != FileKind::Bitcode {
                    self.member(archive, member, false, part);
                }
            } else if self.extracts_customs {
                self.member(archive, member, false, part);
            }
        }
    }

    /// A member of which no index tells.
    fn member(
        &self,
        archive: &Arc<str>,
        member: ArchiveMember<'a>,
        whole_archive: bool,
        part: &mut ReadInputs<'a>,
    ) {
        let options = self.member_options();
        let bytes = match self.access.load(&member.contents) {
            Ok(bytes) => bytes,
            Err(error) => {
                let diagnostic = cannot_open(&member.name.get(), &error);
                return part.diagnostics.push(diagnostic);
            }
        };
        let kind = FileKind::of(bytes);
        match kind {
            FileKind::Foreign(Foreign::RustMetadata) => {}
            // Linked as if it were named itself.
            _ if whole_archive => {
                let options = ParseOptions {
                    from_archive: false,
                    ..options
                };
                self.eager(kind, &member.name.get(), bytes, options, part);
                if let Some(ReadInput::Object(object)) = part.inputs.last_mut() {
                    object.archive = Some(archive.clone());
                }
            }
            FileKind::Object => self.scanned(member.name, member.contents, bytes, options, part),
            FileKind::Bitcode => self.eager(kind, &member.name.get(), bytes, options, part),
            // A module that defines no symbol is never needed.
            FileKind::Foreign(Foreign::FinishedModule) | FileKind::SharedLibrary => {}
            FileKind::Foreign(foreign) => {
                let warning = not_linkable(archive, &member, &foreign.to_string());
                part.diagnostics.push(warning);
            }
            FileKind::Archive => {
                let warning = not_linkable(archive, &member, &Foreign::Archive.to_string());
                part.diagnostics.push(warning);
            }
            FileKind::Stub => {
                let note = "a stub library is linked when it is named itself";
                part.diagnostics.push(not_linkable(archive, &member, note));
            }
        }
    }

    fn member_options(&self) -> ParseOptions {
        ParseOptions {
            from_archive: true,
            ..self.options
        }
    }

    /// `libx.imports` beside `libx.a` lists symbols that may stay undefined: one to a
    /// line, lines that start with `#` say nothing.
    fn imports_beside(&self, archive: &Path, part: &mut ReadInputs<'a>) {
        let path = archive.with_extension("imports");
        if path == archive || !self.access.files.is_file(&path) {
            return;
        }
        let name = path.to_string_lossy().into_owned();
        let bytes = match self.access.open(&path) {
            Ok(data) => data.bytes(),
            Err(error) => return part.diagnostics.push(cannot_open(&name, &error)),
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            let message = "not a list of symbols: it is not valid UTF-8";
            let diagnostic = Diagnostic::error(Code::BadInput, message).in_file(name);
            return part.diagnostics.push(diagnostic);
        };
        part.may_stay_undefined.extend(listed(text));
    }

    /// Reads the files that say which symbols are exported.
    fn symbol_lists(&self, options: &Options, whole: &mut ReadInputs<'a>) {
        type Parse<'a> = fn(&'a str, &mut SymbolLists<'a>) -> Result<(), String>;
        let retained: Parse<'a> = |text, lists| {
            parse_retained(text, lists);
            Ok(())
        };
        let kinds: [(_, Parse<'a>); 3] = [
            (&options.version_scripts, parse_version_script),
            (&options.dynamic_lists, parse_dynamic_list),
            (&options.retain_symbols_files, retained),
        ];
        for (paths, parse) in kinds {
            for path in paths {
                let name = path.to_string_lossy();
                let bytes = match self.access.open(path) {
                    Ok(data) => data.bytes(),
                    Err(error) => {
                        whole.diagnostics.push(cannot_open(&name, &error));
                        continue;
                    }
                };
                let parsed = std::str::from_utf8(bytes)
                    .map_err(|_| "not a list of symbols: it is not valid UTF-8".to_owned())
                    .and_then(|text| parse(text, &mut whole.lists));
                if let Err(message) = parsed {
                    let diagnostic = Diagnostic::error(Code::BadInput, message);
                    whole.diagnostics.push(diagnostic.in_file(name));
                }
            }
        }
    }

    /// A file of `--allow-undefined-file` lists such symbols in the same form. No symbol is
    /// called by what is not UTF-8.
    fn allow_undefined(&self, path: &Path, whole: &mut ReadInputs<'a>) {
        let bytes = match self.access.open(path) {
            Ok(data) => data.bytes(),
            Err(error) => {
                let name = path.to_string_lossy();
                return whole.diagnostics.push(cannot_open(&name, &error));
            }
        };
        for line in bytes.split(|&byte| byte == b'\n') {
            if let Ok(line) = std::str::from_utf8(line) {
                whole.may_stay_undefined.extend(listed(line));
            }
        }
    }
}

/// The symbols that a text lists.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The warning about a member that no link can use.
fn not_linkable(archive: &str, member: &ArchiveMember<'_>, note: &str) -> Diagnostic {
    let message = format!(
        "archive member '{}' is neither Wasm object file nor LLVM bitcode",
        member.name.member()
    );
    Diagnostic::warning(Code::BadInput, message)
        .in_file(archive)
        .note(note)
}

/// Gives back what is in memory of an object's debug info. Nothing looks at it, but where
/// the other sections are stands between, and the system maps more than is looked at.
fn release_debug(data: &FileData) {
    let bytes = data.bytes();
    let mut run = 0..0;
    for section in sections(bytes).map_while(Result::ok) {
        let start = section.body.offset();
        let end = start + section.body.remaining();
        if !is_debug_section(section.name) {
            data.release(std::mem::take(&mut run));
        } else if run.is_empty() {
            run = start..end;
        } else {
            run.end = end;
        }
    }
    data.release(run);
}

/// The file of the library `name`, as `-l` has it; after a `:`, the file of that name. Only regular
/// files count: a pipe could keep the link waiting for ever.
pub(super) fn find_library(
    search_paths: &[PathBuf],
    files: &dyn Files,
    name: &str,
    dynamic: bool,
) -> Option<PathBuf> {
    let names = library_names(name, dynamic);
    (search_paths.iter())
        .flat_map(|directory| names.iter().map(move |file| directory.join(file)))
        .find(|path| files.is_file(path))
}

/// The file names that `-l` looks for in each directory, in this order.
fn library_names(name: &str, dynamic: bool) -> Vec<String> {
    match name.strip_prefix(':') {
        Some(exact) => vec![exact.to_owned()],
        None if dynamic => vec![format!("lib{name}.so"), format!("lib{name}.a")],
        None => vec![format!("lib{name}.a")],
    }
}

/// What is known of a member before anything is read of it.
struct ArchiveMember<'a> {
    name: Name<'a>,
    contents: LazyContents<'a>,
    may_be_linked: bool,
}
