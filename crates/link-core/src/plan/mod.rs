//! Phase 5: the index of each function, global, table, tag, type and table slot; where data
//! lies in memory; what the linker's own functions say; and where each chunk lies in its
//! section. The result is one [`Plan`], which nothing changes afterwards.

pub(crate) mod code;
mod code_metadata;
pub(crate) mod customs;
pub(crate) mod debug_gaps;
mod load_relocs;
pub(crate) mod made_body;
mod memory;
pub(crate) mod numbering;
pub(crate) mod segments;
mod split;
mod strings;
pub(crate) mod synthetic;
pub(crate) mod type_section;
pub(crate) mod values;

use self::customs::CutAhead;
use self::split::Splitter;
use self::values::{PlanView, Relocator};
use crate::diag::{Code as Topic, Diagnostic};
use crate::input::object::{NULLARY, Object};
use crate::options::Options;
use crate::par;
use crate::pass::features::Features;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::{SynthFunction, Synthesis};
use crate::resolve::resolution::{Definition, MadeAddress, MadeFunction, Resolution};

pub use self::code::{BodyForm, CodeLayout};
pub use self::code_metadata::MetadataSection;
pub use self::customs::{CustomContents, CustomPiece, Customs, OutputCustom};
pub use self::made_body::MadeBody;
pub use self::memory::{MemoryLayout, Tls};
pub use self::numbering::{FunctionIndices, GlobalIndices, TableIndices, TableSlots, TagIndices};
pub use self::segments::{DataLayout, DataPiece, DataSource, OutputSegment, SegmentPlace};
pub use self::strings::{MergedInput, MergedStrings, StringRun};
pub use self::type_section::TypeSection;
pub use self::values::{SymbolValues, Value};

/// The first table slot used by default: 0 is the null pointer.
const DEFAULT_TABLE_BASE: u64 = 1;

/// Everything that a link decides about its output: what each index, address and table slot
/// means, and where each chunk lies in its section. No byte of an object is copied yet.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The type section.
    pub types: TypeSection<'a>,
    /// The function index space.
    pub functions: FunctionIndices,
    /// The global index space.
    pub globals: GlobalIndices,
    /// The table index space.
    pub tables: TableIndices,
    /// The tag index space.
    pub tags: TagIndices,
    /// Table slots.
    pub slots: TableSlots,
    /// Data segments.
    pub data: DataLayout<'a>,
    /// Where data lies in memory.
    pub memory: MemoryLayout,
    /// The value of each name.
    pub symbols: SymbolValues,
    /// Bodies of the functions the linker writes before those of objects.
    pub made_bodies: Vec<MadeBody>,
    /// Bodies of the wrappers of exports.
    pub wrapper_bodies: Vec<MadeBody>,
    /// Bodies of the helpers of those that would be too large alone.
    pub helper_bodies: Vec<MadeBody>,
    /// Names of the helpers.
    pub helper_names: Vec<String>,
    /// Where function bodies are in the code section.
    pub code: CodeLayout,
    /// Custom sections of objects.
    pub customs: Customs<'a>,
    /// Sections of code metadata.
    pub metadata: Vec<MetadataSection<'a>>,
    /// Whether the memory is imported.
    pub(crate) imported_memory: bool,
    /// Whether each thread has thread-local data of its own.
    pub(crate) threads: bool,
    /// Whether constant expressions may add.
    pub(crate) extended_const: bool,
    /// Whether neighbouring imports of one module are written as a group.
    pub(crate) compact_imports: bool,
    /// Whether the output keeps its relocations.
    pub(crate) keeps_relocs: bool,
}

/// The parts of a plan that depend on no name, made before names are resolved.
pub(crate) struct BegunPlan<'a> {
    strings: CutAhead<'a>,
}

impl<'a> BegunPlan<'a> {
    /// Cuts the debug strings of `objects`, which will almost certainly be linked, if there are
    /// threads to do so. The work is that of the returned task.
    pub(crate) fn task<'o>(
        objects: impl Iterator<Item = &'o Object<'a>>,
        options: &Options,
    ) -> Box<dyn FnOnce() -> Self + Send + 'a>
    where
        'a: 'o,
    {
        let strings = customs::worth_cutting(objects, options);
        Box::new(move || Self {
            strings: CutAhead::cut(strings),
        })
    }
}

/// Names of fewer functions are made beside all else.
const MANY_FUNCTIONS: u32 = 1 << 16;

/// Plans the output from what was `begun`. `beside` needs nothing but the numbers of
/// functions, and runs beside the placing of data.
///
/// # Errors
/// What does not fit: memory, stack and table settings, strings
/// without an end.
pub(crate) fn plan<'a, T: Send>(
    resolution: &Resolution<'a>,
    liveness: &Liveness,
    synthesis: &Synthesis<'a>,
    options: &Options,
    features: &Features,
    begun: BegunPlan<'a>,
    beside: impl FnOnce(&FunctionIndices) -> T + Send,
) -> Result<(Plan<'a>, T), Vec<Diagnostic>> {
    // Indices depend on nothing but who is there.
    let functions = FunctionIndices::number(resolution, liveness, synthesis);
    let globals = GlobalIndices::number(resolution, liveness, synthesis);
    let tables = TableIndices::number(resolution, liveness, synthesis);
    let tags = TagIndices::number(resolution, liveness, synthesis);
    let base = table_base(options);
    // A table's size is a 32-bit number, whatever its addresses are.
    if base > u64::from(u32::MAX) - synthesis.slots.len() as u64 {
        return Err(vec![Diagnostic::error(
            Topic::Layout,
            format!(
                "--table-base={base} leaves no room for {} functions in the table",
                synthesis.slots.len()
            ),
        )]);
    }
    let slots = TableSlots::number(synthesis, &functions, base);

    let in_memory = || -> Result<_, Vec<Diagnostic>> {
        // Addresses depend on which strings become one.
        let data = segments::collect(resolution, liveness, options, features)?;
        let memory = memory::lay_out(
            &data,
            options,
            resolution.is_64,
            needs_init_flag(synthesis, options),
            has_heap(resolution),
            &|needed| segments::largest(resolution, &data, needed),
        )?;
        Ok((data, memory))
    };
    // Sections of objects need no address to find their place.
    let customs = || customs::collect(resolution, liveness, options, begun.strings);
    // Types and names need no contents.
    let named = || {
        par::beside(
            || {
                let mut types = type_section::collect(resolution, liveness, synthesis);
                if options.room {
                    // That of the padding function.
                    types.add(NULLARY);
                }
                types
            },
            || beside(&functions),
        )
    };
    // Most is done for debug info.
    let contents = || par::beside(in_memory, customs);
    let ((types, beside), (in_memory, customs)) = if functions.count < MANY_FUNCTIONS {
        par::beside(named, contents)
    } else {
        // There is enough to do for all threads, and names get the memory that strings took.
        let contents = contents();
        (named(), contents)
    };
    let (data, memory) = in_memory?;
    let customs = customs?;

    // With indices and addresses every symbol has its value,
    let places = PlanView {
        resolution,
        liveness,
        functions: &functions,
        globals: &globals,
        tables: &tables,
        tags: &tags,
        slots: &slots,
        data: &data,
        memory: &memory,
        imported_memory: options.memory_import().is_some(),
        threads: options.has_threads(),
        extended_const: features.has("extended-const"),
        keeps_relocs: options.is_relinkable(),
    };
    let symbols = SymbolValues::compute(&places);
    // and the linker can write its functions.
    let mut splitter = Splitter::new(&functions, options);
    let one = |error| vec![error];
    let made_bodies = synthetic::write(&places, synthesis, &mut splitter).map_err(one)?;
    let wrapper_bodies =
        synthetic::write_wrappers(&places, synthesis, &mut splitter).map_err(one)?;
    let mut helpers = splitter.finish();
    if options.room {
        helpers.add_padding(code::body_bytes(resolution, liveness));
    }
    let relocator = |code| Relocator {
        places,
        symbols: &symbols,
        types: &types,
        code,
        customs: &customs,
    };
    // Only relocations in debug info ask where a body is, and they do not count here.
    let no_code = CodeLayout::default();
    let code = CodeLayout::lay_out(
        functions.imported,
        &made_bodies,
        &wrapper_bodies,
        &helpers.bodies,
        &relocator(&no_code),
        body_form(options),
    );
    // Metadata speaks of offsets within bodies.
    let metadata = code_metadata::merge(&relocator(&code), options.is_relinkable());
    let plan = Plan {
        imported_memory: places.imported_memory,
        threads: places.threads,
        extended_const: places.extended_const,
        // Linkers disagree on how a section counts groups, so no object has any.
        compact_imports: options.compact_imports
            && !options.is_relocatable()
            && features.has("compact-imports"),
        keeps_relocs: places.keeps_relocs,
        types,
        functions,
        globals,
        tables,
        tags,
        slots,
        data,
        memory,
        symbols,
        made_bodies,
        wrapper_bodies,
        helper_bodies: helpers.bodies,
        helper_names: helpers.names,
        code,
        customs,
        metadata,
    };
    Ok((plan, beside))
}

fn body_form(options: &Options) -> BodyForm {
    if options.room {
        BodyForm::Roomy
    } else if options.compress_relocations && !options.is_relinkable() {
        // Places that are to be relocated again need their full width.
        BodyForm::Compressed
    } else {
        BodyForm::Plain
    }
}

/// The first table slot that is used.
fn table_base(options: &Options) -> u64 {
    if options.is_pic() {
        return 0;
    }
    // 0 asks for nothing: slot 0 is that of the null pointer.
    let asked = options.table.base.filter(|&base| base != 0);
    asked.unwrap_or(DEFAULT_TABLE_BASE)
}

/// Whether there is a symbol of the heap's start.
fn has_heap(resolution: &Resolution<'_>) -> bool {
    let heap = Definition::Address(MadeAddress::HeapBase);
    (resolution.symbols()).any(|(_, symbol)| symbol.definition == heap)
}

/// Whether several threads may come to fill the memory at once.
fn needs_init_flag(synthesis: &Synthesis<'_>, options: &Options) -> bool {
    options.memory.shared
        && synthesis
            .functions
            .contains(&SynthFunction::Made(MadeFunction::InitMemory))
}
