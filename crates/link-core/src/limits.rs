//! How large things may be: what the specification makes invalid, and what engines refuse
//! beyond that.
//!
//! The second are the limits of the [WebAssembly JavaScript Interface][js-api], which engines
//! outside of browsers share. A module beyond one of them is valid, but hardly anything runs it.
//!
//! [js-api]: https://webassembly.github.io/spec/js-api/#limits

use std::fmt;

use wasm_format::{Limits, PAGE_SIZE, RefType};

/// Parameters of a function, a block or a tag.
pub(crate) const PARAMETERS: u64 = 1_000;
/// Results of a function or a block.
const RESULTS: u64 = 1_000;
/// Local variables of a function, its parameters included.
const LOCALS: u64 = 50_000;
/// Bytes of a function's body, the declarations of its locals included.
pub(crate) const BODY_BYTES: u64 = 7_654_321;
/// Bytes of a module.
pub(crate) const MODULE_BYTES: u64 = 1 << 30;
/// Types of a module.
const TYPES: u64 = 1_000_000;
/// Functions that a module defines.
const FUNCTIONS: u64 = 1_000_000;
/// Imports of a module.
const IMPORTS: u64 = 1_000_000;
/// Exports of a module.
const EXPORTS: u64 = 1_000_000;
/// Globals that a module defines.
const GLOBALS: u64 = 1_000_000;
/// Exception tags that a module defines.
const TAGS: u64 = 1_000_000;
/// Tables of a module, imported ones included.
const TABLES: u64 = 100_000;
/// Data segments of a module.
const DATA_SEGMENTS: u64 = 100_000;
/// Elements that a table has at first, and items of an element segment.
pub(crate) const TABLE_ELEMENTS: u64 = 10_000_000;
/// Bytes of a 64-bit memory: the largest multiple of a page that a JavaScript number can tell
/// from its neighbours.
const MEMORY_64_BYTES: u64 = (1 << 53) - PAGE_SIZE;

/// Something of which there is more than engines take (WebAssembly JavaScript Interface,
/// "Implementation-defined Limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EngineLimit {
    /// What there is too much of, in the plural.
    pub what: &'static str,
    /// How much there is.
    pub count: u64,
    /// How much engines take.
    pub limit: u64,
}

impl EngineLimit {
    /// The limit that `count` is beyond; `None` if it is not.
    pub(crate) fn check(what: &'static str, count: u64, limit: u64) -> Option<Self> {
        (count > limit).then_some(Self { what, count, limit })
    }
}

impl fmt::Display for EngineLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, count, limit } = self;
        write!(f, "{count} {what}, but engines take no more than {limit}")
    }
}

/// The limit of engines that a function with a body of `size` bytes is beyond.
pub(crate) fn body_beyond(size: u64) -> Option<EngineLimit> {
    EngineLimit::check("bytes of code", size, BODY_BYTES)
}

/// The limit of engines that a function of so many `parameters` is beyond with `locals` beside
/// them.
pub(crate) fn locals_beyond(parameters: u64, locals: u64) -> Option<EngineLimit> {
    let what = "local variables, parameters included";
    EngineLimit::check(what, locals.saturating_add(parameters), LOCALS)
}

/// The limit of engines that a function type is beyond.
pub(crate) fn type_beyond(parameters: u64, results: u64) -> Option<EngineLimit> {
    EngineLimit::check("parameters", parameters, PARAMETERS)
        .or_else(|| EngineLimit::check("results", results, RESULTS))
}

/// How much there is in a module of everything that engines count.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) types: u64,
    pub(crate) functions: u64,
    pub(crate) imports: u64,
    pub(crate) exports: u64,
    pub(crate) globals: u64,
    pub(crate) tags: u64,
    pub(crate) tables: u64,
    pub(crate) data_segments: u64,
}

impl Counts {
    /// The limits that a module is beyond.
    pub(crate) fn beyond(self) -> impl Iterator<Item = EngineLimit> {
        [
            EngineLimit::check("types", self.types, TYPES),
            EngineLimit::check("imports", self.imports, IMPORTS),
            EngineLimit::check("functions", self.functions, FUNCTIONS),
            EngineLimit::check("tables", self.tables, TABLES),
            EngineLimit::check("tags", self.tags, TAGS),
            EngineLimit::check("globals", self.globals, GLOBALS),
            EngineLimit::check("exports", self.exports, EXPORTS),
            EngineLimit::check("data segments", self.data_segments, DATA_SEGMENTS),
        ]
        .into_iter()
        .flatten()
    }
}

/// Why no module can have a memory or table of such limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidLimits {
    /// The maximum is smaller than the minimum.
    MaxBelowMin {
        /// Minimum in pages or elements.
        min: u64,
        /// Maximum in pages or elements.
        max: u64,
    },
    /// A shared memory has no maximum.
    SharedWithoutMax,
    /// The table is shared.
    SharedTable,
    /// The table has pages.
    PagesOfTable,
    /// The pages have another size than 1 or 65,536 bytes.
    PageSize {
        /// Logarithm of the size in bytes.
        log2: u32,
    },
    /// The minimum or maximum is more than addresses reach.
    OutOfReach {
        /// Minimum or maximum, in pages or elements.
        size: u64,
        /// The largest that is valid.
        limit: u64,
    },
    /// A table of references that are never null is made without anything to fill it.
    NoInitialElement,
}

impl fmt::Display for InvalidLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxBelowMin { min, max } => {
                write!(
                    f,
                    "the maximum size {max} is smaller than the minimum {min}"
                )
            }
            Self::SharedWithoutMax => f.write_str("a shared memory needs a maximum size"),
            Self::SharedTable => f.write_str("a table cannot be shared"),
            Self::PagesOfTable => f.write_str("a table has no pages"),
            Self::PageSize { log2 } => {
                write!(f, "a page has 1 or 65536 bytes, and not 2^{log2}")
            }
            Self::OutOfReach { size, limit } => {
                write!(
                    f,
                    "the size {size} is larger than the {limit} that can be addressed"
                )
            }
            Self::NoInitialElement => f.write_str(
                "a table whose elements are never null needs an initial value, which cannot be \
                 given; make the element type nullable",
            ),
        }
    }
}

/// The largest number of pages that a memory can have by the specification (core spec 3.0,
/// 3.2.15 Memory Types, and the proposal for custom page sizes), if it has pages of a size that
/// is valid.
pub(crate) fn max_pages(is_64: bool, page_size_log2: Option<u32>) -> u64 {
    let bits = if is_64 { 64 } else { 32 };
    match bits - page_size_log2.unwrap_or(16) {
        64 => u64::MAX,
        // The number itself has 32 bits, too.
        32 => u32::MAX.into(),
        bits => 1 << bits,
    }
}

/// Checks the limits of a memory.
pub(crate) fn check_memory(limits: &Limits) -> Result<(), InvalidLimits> {
    if let Some(log2 @ (1..=15 | 17..)) = limits.page_size_log2 {
        return Err(InvalidLimits::PageSize { log2 });
    }
    if limits.shared && limits.max.is_none() {
        return Err(InvalidLimits::SharedWithoutMax);
    }
    check_sizes(limits, max_pages(limits.is_64, limits.page_size_log2))
}

/// Checks the type of a table, which a module `defines` or imports.
pub(crate) fn check_table(
    element: RefType,
    limits: &Limits,
    defines: bool,
) -> Result<(), InvalidLimits> {
    if limits.shared {
        return Err(InvalidLimits::SharedTable);
    }
    if limits.page_size_log2.is_some() {
        return Err(InvalidLimits::PagesOfTable);
    }
    if defines && !element.nullable {
        return Err(InvalidLimits::NoInitialElement);
    }
    check_sizes(limits, max_elements(limits.is_64))
}

/// The largest number of elements that a table can have by the specification (core spec 3.0,
/// 3.2.16 Table Types).
pub(crate) fn max_elements(is_64: bool) -> u64 {
    if is_64 { u64::MAX } else { u32::MAX.into() }
}

fn check_sizes(limits: &Limits, limit: u64) -> Result<(), InvalidLimits> {
    let Limits { min, max, .. } = *limits;
    if let Some(max) = max.filter(|&max| max < min) {
        return Err(InvalidLimits::MaxBelowMin { min, max });
    }
    // The larger of both.
    let size = max.unwrap_or(min);
    if size > limit {
        return Err(InvalidLimits::OutOfReach { size, limit });
    }
    Ok(())
}

/// The limit of engines that a memory is beyond: 64 bits address more than they let one have.
pub(crate) fn memory_beyond(limits: &Limits) -> Option<EngineLimit> {
    let limit = MEMORY_64_BYTES >> limits.page_size_log2.unwrap_or(16).min(16);
    let size = limits.max.unwrap_or(0).max(limits.min);
    EngineLimit::check("pages", size, limit)
}

/// The limit of engines that a table of so many elements at first is beyond.
pub(crate) fn table_beyond(min: u64) -> Option<EngineLimit> {
    EngineLimit::check("elements", min, TABLE_ELEMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_too_much_of_is_named() {
        let most = Counts {
            types: 1_000_000,
            functions: 1_000_000,
            imports: 1_000_000,
            exports: 1_000_000,
            globals: 1_000_000,
            tags: 1_000_000,
            tables: 100_000,
            data_segments: 100_000,
        };
        assert_eq!(most.beyond().count(), 0);
        let more = Counts {
            types: most.types + 1,
            functions: most.functions + 1,
            imports: most.imports + 1,
            exports: most.exports + 1,
            globals: most.globals + 1,
            tags: most.tags + 1,
            tables: most.tables + 1,
            data_segments: most.data_segments + 1,
        };
        let messages: Vec<String> = more.beyond().map(|limit| limit.to_string()).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn memories_are_as_large_as_addresses_reach() {
        assert_eq!(max_pages(false, None), 1 << 16);
        assert_eq!(max_pages(false, Some(16)), 1 << 16);
        assert_eq!(max_pages(false, Some(0)), (1 << 32) - 1);
        assert_eq!(max_pages(true, None), 1 << 48);
        assert_eq!(max_pages(true, Some(0)), u64::MAX);
    }
}
