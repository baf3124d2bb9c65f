//! Custom sections carried over from objects: one of the output for each name, debug
//! strings merged, everything else one behind the other. Descriptions of worlds stay apart.

use super::debug_gaps::{self, Gap};
use super::segments::unterminated;
use super::strings::MergedStrings;
use super::strings::cut::MergedInput;
use super::strings::cut_inputs::CutInputs;
use crate::diag::{Code, Diagnostic};
use crate::hash::{HashMap, HashSet, IndexMap};
use crate::ids::{FileId, ObjCustom};
use crate::input::object::{Object, is_debug_section};
use crate::options::{Options, Strip};
use crate::par;
use crate::pass::mark::Liveness;
use crate::resolve::resolution::Resolution;

/// Custom sections of the output.
#[derive(Debug, Default)]
pub struct Customs<'a> {
    /// The sections, in order.
    pub sections: Vec<OutputCustom<'a>>,
    /// For each object, where its custom sections are.
    files: Vec<Vec<CustomPlace>>,
}

/// One custom section of the output.
#[derive(Debug)]
pub struct OutputCustom<'a> {
    /// Its name.
    pub name: &'a str,
    /// Size of its contents after the name, in bytes.
    pub size: u64,
    /// What it is made of.
    pub contents: CustomContents<'a>,
    /// How the room between and behind the contents is filled, if there is any.
    pub(crate) gap: Option<Gap>,
    /// Where the room behind all contents begins.
    pub(crate) end: u64,
}

/// What a custom section is made of.
#[derive(Debug)]
pub enum CustomContents<'a> {
    /// Sections of objects, with their offsets, one behind the other; between them are zeros
    /// where they are aligned.
    Pieces(Vec<CustomPiece>),
    /// Merged strings.
    Strings(MergedStrings<'a>),
}

/// A section of an object within one of the output.
#[derive(Debug, Clone, Copy)]
pub struct CustomPiece {
    /// Its object.
    pub file: FileId,
    /// Which of that it is.
    pub custom: ObjCustom,
    /// Where it begins in the output's section, after the name.
    pub offset: u64,
}

/// What became of the contents of an object's section.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlacedSection<'l> {
    /// They are whole; where they begin in the output's section.
    Whole(u64),
    /// Its strings were merged.
    Strings(MergedInput<'l>),
}

#[derive(Debug, Clone, Copy, Default)]
enum CustomPlace {
    #[default]
    Absent,
    Whole {
        section: u32,
        offset: u64,
    },
    Strings {
        section: u32,
        nth: u32,
    },
}

/// What sections have in common that become one section of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SectionGroup<'a> {
    name: &'a str,
    /// In an object file, members of a comdat are kept or left out by themselves.
    comdat: Option<(FileId, u32)>,
    /// A section that stays by itself.
    apart: Option<(FileId, ObjCustom)>,
}

/// Whether a section describes a world of the component model. Its contents are a whole binary, which
/// nothing may follow.
pub(crate) fn is_world(name: &str) -> bool {
    name.starts_with("component-type")
}

/// Whether a section's strings are merged.
fn is_mergeable(name: &str, options: &Options) -> bool {
    options.optimize > 0 && matches!(name, ".debug_str" | ".debug_line_str")
}

/// Whether a section goes into the output.
pub(crate) fn is_wanted(name: &str, options: &Options) -> bool {
    // Bitcode that a compiler embedded is for tools that read objects.
    let embedded = matches!(name, ".llvmbc" | ".llvmcmd");
    let stripped = options.strip_debug() && is_debug_section(name);
    !embedded && !stripped
}

/// What the contents of each object's section are aligned to within the output's, in bytes.
fn alignment(name: &str) -> u64 {
    match name {
        // Records of source-based coverage, which LLVM's tools read where they lie.
        "__llvm_covfun" | "__llvm_covmap" => 8,
        _ => 1,
    }
}

/// Whether a section that the linker makes is written, for all that is to be stripped.
pub(crate) fn survives_strip_all(name: &str, options: &Options) -> bool {
    options.strip != Strip::All || options.keep_sections.contains(name)
}

/// Strings of debug info, by the names of their sections, that are cut before all is known that
/// will be merged.
#[derive(Debug, Default)]
pub(crate) struct CutAhead<'a>(HashMap<&'a str, CutInputs<'a>>);

/// What is worth being cut ahead, while resolution leaves threads idle: the strings of `objects`,
/// which take part almost certainly.
pub(crate) fn worth_cutting<'o, 'a: 'o>(
    objects: impl Iterator<Item = &'o Object<'a>>,
    options: &Options,
) -> HashMap<&'a str, Vec<&'a [u8]>> {
    /// Bytes of strings with a name.
    const WORTH: usize = 64 << 10;
    let mut strings: HashMap<_, Vec<&'a [u8]>> = HashMap::default();
    if !par::available() {
        return strings;
    }
    for object in objects {
        for custom in &object.customs {
            let bytes = custom.chunk.bytes;
            if is_mergeable(custom.name, options)
                && is_wanted(custom.name, options)
                && bytes.last() == Some(&0)
            {
                strings.entry(custom.name).or_default().push(bytes);
            }
        }
    }
    strings.retain(|_, inputs| inputs.iter().map(|input| input.len()).sum::<usize>() >= WORTH);
    strings
}

impl<'a> CutAhead<'a> {
    /// Cuts inputs, by the names of their sections.
    pub(crate) fn cut(inputs: HashMap<&'a str, Vec<&'a [u8]>>) -> Self {
        let cut = (inputs.into_iter()).map(|(name, inputs)| (name, CutInputs::new(&inputs)));
        Self(cut.collect())
    }
}

/// Collects the custom sections; some strings may have been cut `ahead`.
pub(crate) fn collect<'a>(
    resolution: &Resolution<'a>,
    liveness: &Liveness,
    options: &Options,
    mut ahead: CutAhead<'a>,
) -> Result<Customs<'a>, Vec<Diagnostic>> {
    let mut destinations: IndexMap<SectionGroup<'a>, Vec<(FileId, ObjCustom)>> =
        IndexMap::default();
    let mut worlds: HashSet<(&'a str, &'a [u8])> = HashSet::default();
    for (file, object) in resolution.objects() {
        let live = liveness.files[file.index()].any;
        let mut metadata = object.metadata.iter().peekable();
        for (i, custom) in object.customs.iter().enumerate() {
            let id = ObjCustom(i as u32);
            // Debug info of a file of which nothing is left describes nothing.
            let describes_nothing = !live && is_debug_section(custom.name);
            // Code metadata is put together function by function.
            let metadata = metadata.next_if(|data| data.custom == id).is_some();
            if describes_nothing
                || metadata
                || custom.chunk.bytes.is_empty()
                || !is_wanted(custom.name, options)
                || resolution.custom_discarded(file, id)
            {
                continue;
            }
            let is_world = is_world(custom.name);
            // The same world, said by several objects, is said once.
            if is_world
                && custom.chunk.relocs.is_empty()
                && !worlds.insert((custom.name, custom.chunk.bytes))
            {
                continue;
            }
            let destination = SectionGroup {
                name: custom.name,
                apart: is_world.then_some((file, id)),
                comdat: custom
                    .comdat
                    .filter(|_| options.is_relocatable())
                    .map(|comdat| (file, comdat)),
            };
            destinations
                .entry(destination)
                .or_default()
                .push((file, id));
        }
    }

    let mut customs = Customs {
        sections: Vec::with_capacity(destinations.len()),
        files: resolution
            .objects
            .iter()
            .map(|object| vec![CustomPlace::Absent; object.customs.len()])
            .collect(),
    };
    let mut errors = Vec::new();
    let has_abbreviations = destinations
        .keys()
        .any(|group| group.name == ".debug_abbrev");
    let gap = |name: &str| {
        // The units that fill the room of one need those of the other.
        let lacks = !has_abbreviations && name == ".debug_info";
        let gap = Gap::of_section(name, resolution.is_64);
        gap.filter(|_| options.room && !lacks)
    };
    for (SectionGroup { name, .. }, members) in destinations {
        let bytes = |(file, id): (FileId, ObjCustom)| {
            resolution.object(file).customs[id.index()].chunk.bytes
        };
        let section = if is_mergeable(name, options) {
            let inputs: Vec<&'a [u8]> = members.iter().map(|&member| bytes(member)).collect();
            match MergedStrings::merge(&inputs, ahead.0.remove(name)) {
                Ok(strings) => {
                    let largest = inputs.iter().map(|input| input.len()).max().unwrap_or(0);
                    customs.add_strings(name, strings, &members, gap(name), largest as u64)
                }
                Err(bad) => {
                    for nth in bad {
                        let (file, _) = members[nth.0];
                        errors.push(unterminated(&resolution.object(file).name, name));
                    }
                    continue;
                }
            }
        } else {
            customs.add_pieces(name, &members, gap(name), |member| {
                bytes(member).len() as u64
            })
        };
        if u32::try_from(section.size).is_err() {
            errors.push(Diagnostic::error(
                Code::Layout,
                format!(
                    "custom section {name} has {} bytes, more than a module can hold; link with --strip-debug",
                    section.size
                ),
            ));
        }
        customs.sections.push(section);
    }
    if errors.is_empty() {
        Ok(customs)
    } else {
        Err(errors)
    }
}

impl OutputCustom<'_> {
    /// What it begins with, before what objects have.
    pub(crate) fn head(&self) -> &'static [u8] {
        match self.gap {
            Some(_) => debug_gaps::head(self.name),
            None => &[],
        }
    }
}

impl<'a> Customs<'a> {
    /// Places that were decided before: for each object, the output section of each of its custom
    /// sections, and where in that it begins.
    pub(crate) fn pinned(files: &[Vec<Option<(u32, u64)>>]) -> Self {
        let place = |place: &Option<(u32, u64)>| match *place {
            Some((section, offset)) => CustomPlace::Whole { section, offset },
            None => CustomPlace::Absent,
        };
        Self {
            sections: Vec::new(),
            files: (files.iter())
                .map(|places| places.iter().map(place).collect())
                .collect(),
        }
    }

    /// The objects whose strings are merged in a section, in the order of the inputs of
    /// [`MergedStrings`].
    pub(crate) fn string_members(&self, section: u32) -> Vec<FileId> {
        let mut members = Vec::new();
        for (file, places) in (0..).map(FileId).zip(&self.files) {
            for place in places {
                if matches!(*place, CustomPlace::Strings { section: of, .. } if of == section) {
                    members.push(file);
                }
            }
        }
        members
    }

    fn add_strings(
        &mut self,
        name: &'a str,
        strings: MergedStrings<'a>,
        members: &[(FileId, ObjCustom)],
        gap: Option<Gap>,
        largest: u64,
    ) -> OutputCustom<'a> {
        // A file that changes gets room for all of its strings.
        let room = gap.map_or(0, |gap| {
            let whole = largest + gap.beside(largest);
            let is_worth = whole <= strings.size / 2;
            gap.behind(strings.size) + if is_worth { whole } else { 0 }
        });
        for (nth, &(file, id)) in members.iter().enumerate() {
            self.files[file.index()][id.index()] = CustomPlace::Strings {
                section: self.sections.len() as u32,
                nth: nth as u32,
            };
        }
        OutputCustom {
            name,
            size: strings.size + room,
            end: strings.size,
            contents: CustomContents::Strings(strings),
            gap,
        }
    }

    fn add_pieces(
        &mut self,
        name: &'a str,
        members: &[(FileId, ObjCustom)],
        gap: Option<Gap>,
        size_of: impl Fn((FileId, ObjCustom)) -> u64,
    ) -> OutputCustom<'a> {
        let align = alignment(name);
        let mut size = gap.map_or(0, |_| debug_gaps::head(name).len()) as u64;
        let mut pieces = Vec::with_capacity(members.len());
        for &(file, custom) in members {
            size = size.next_multiple_of(align);
            self.files[file.index()][custom.index()] = CustomPlace::Whole {
                section: self.sections.len() as u32,
                offset: size,
            };
            pieces.push(CustomPiece {
                file,
                custom,
                offset: size,
            });
            let len = size_of((file, custom));
            size += len + gap.map_or(0, |gap| gap.beside(len));
        }
        OutputCustom {
            name,
            size: size + gap.map_or(0, |gap| gap.behind(size)),
            end: size,
            contents: CustomContents::Pieces(pieces),
            gap,
        }
    }

    /// The output section that an object's section went to, by its place in
    /// [`Customs::sections`], and how. `None` if it was left out.
    #[inline]
    pub(crate) fn placed(
        &self,
        file: FileId,
        custom: ObjCustom,
    ) -> Option<(u32, PlacedSection<'_>)> {
        match self.files[file.index()][custom.index()] {
            CustomPlace::Absent => None,
            CustomPlace::Whole { section, offset } => Some((section, PlacedSection::Whole(offset))),
            CustomPlace::Strings { section, nth } => {
                match &self.sections[section as usize].contents {
                    CustomContents::Strings(strings) => {
                        Some((section, PlacedSection::Strings(strings.input(nth as usize))))
                    }
                    CustomContents::Pieces(_) => None,
                }
            }
        }
    }
}

impl PlacedSection<'_> {
    /// Where byte `offset` of the contents went: bytes from the start of the output's
    /// section, after the name.
    #[inline]
    pub(crate) fn locate(self, offset: i64) -> u64 {
        match self {
            PlacedSection::Whole(start) => start.wrapping_add(offset as u64),
            PlacedSection::Strings(strings) => strings.locate(offset as u64),
        }
    }
}
