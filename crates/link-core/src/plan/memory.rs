//! The memory: where stack, data and heap lie, the values of the symbols that tell, and
//! the memory's limits.

use wasm_format::Limits;

use super::segments::DataLayout;
use crate::diag::{Code, Diagnostic};
use crate::limits;
use crate::options::Options;
use crate::resolve::resolution::MadeAddress;

/// Alignment of the stack and the start of the heap, in bytes.
const STACK_ALIGN: u64 = 16;
/// Where data begins if the stack is not below it: a null pointer hits no datum.
const DEFAULT_GLOBAL_BASE: u64 = 1024;
/// Bytes that engines allow a 64-bit memory.
const MAX_64: u64 = 1 << 34;

/// Where things lie in memory. All values are addresses in bytes, relative to
/// `__memory_base` where a loader places the module.
#[derive(Debug, Default, Clone)]
pub struct MemoryLayout {
    /// Start of each output segment.
    pub segments: Vec<u64>,
    /// Lowest address of the stack.
    pub stack_low: u64,
    /// Where the stack pointer starts.
    pub stack_high: u64,
    /// Start of data.
    pub global_base: u64,
    /// End of data.
    pub data_end: u64,
    /// Start and end of read-only data; 0 if there is none.
    pub rodata: (u64, u64),
    /// End of data and stack.
    pub heap_base: u64,
    /// End of the initial memory.
    pub heap_end: u64,
    /// The guard of `__wasm_init_memory`.
    pub init_flag: Option<u64>,
    /// The template of thread-local storage.
    pub tls: Option<Tls>,
    /// Alignment of the whole data as a power of two.
    pub align_log2: u32,
    /// Bytes of a page.
    pub page_size: u64,
    /// The memory's type.
    pub limits: Limits,
}

/// The template of thread-local storage; without threads, the storage itself.
#[derive(Debug, Clone, Copy)]
pub struct Tls {
    /// The output segment that holds it.
    pub segment: u32,
    /// Its address.
    pub address: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment as a power of two.
    pub align_log2: u32,
}

impl MemoryLayout {
    /// The value of an address that the linker knows; `None` for those that belong to an
    /// output segment.
    pub(crate) fn made(&self, made: MadeAddress, table_base: u64) -> Option<u64> {
        Some(match made {
            MadeAddress::HeapBase => self.heap_base,
            MadeAddress::HeapEnd => self.heap_end,
            MadeAddress::DataEnd => self.data_end,
            MadeAddress::RodataStart => self.rodata.0,
            MadeAddress::RodataEnd => self.rodata.1,
            MadeAddress::GlobalBase | MadeAddress::DsoHandle => self.global_base,
            MadeAddress::StackLow => self.stack_low,
            MadeAddress::StackHigh => self.stack_high,
            MadeAddress::FirstPageEnd => self.page_size,
            MadeAddress::MemoryBase | MadeAddress::Null => 0,
            MadeAddress::TableBase => table_base,
            MadeAddress::InitMemoryFlag => self.init_flag.unwrap_or(0),
            MadeAddress::SegmentStart | MadeAddress::SegmentStop => return None,
        })
    }
}

/// A running address that remembers overflow.
struct Cursor(Option<u64>);

impl Cursor {
    fn align(&mut self, align: u64) {
        self.0 = self.0.and_then(|at| at.checked_next_multiple_of(align));
    }

    fn advance(&mut self, size: u64) {
        self.0 = self.0.and_then(|at| at.checked_add(size));
    }

    fn at(&self) -> u64 {
        self.0.unwrap_or(u64::MAX)
    }
}

/// Lays out the memory. `init_flag` asks for the guard of `__wasm_init_memory`;
/// `has_heap` says that there is a symbol of the heap's start; `largest` names the largest
/// segments, if data is what makes the memory larger than the bytes that it is given.
///
/// # Errors
/// What the options ask does not fit, in `wasm-ld`'s words.
pub(crate) fn lay_out(
    data: &DataLayout<'_>,
    options: &Options,
    is_64: bool,
    init_flag: bool,
    has_heap: bool,
    largest: &dyn Fn(u64) -> Vec<String>,
) -> Result<MemoryLayout, Vec<Diagnostic>> {
    if ![1, wasm_format::PAGE_SIZE].contains(&options.memory.page_size) {
        let message = "--page_size=N must be either 1 or 65536";
        return Err(vec![Diagnostic::error(Code::Options, message)]);
    }
    let mut memory = MemoryLayout {
        page_size: options.memory.page_size,
        ..MemoryLayout::default()
    };
    let mut errors = Vec::new();
    let mut at = Cursor(Some(0));
    let has_stack = !options.is_relocatable() && !options.is_pic();

    if has_stack && !options.memory.stack_size.is_multiple_of(STACK_ALIGN) {
        errors.push(Diagnostic::error(
            Code::Layout,
            "stack size must be 16-byte aligned",
        ));
    }
    if has_stack && options.memory.stack_first {
        memory.place_stack(&mut at, options);
    }
    if options.is_relocatable() {
        at = Cursor(Some(0));
    } else if let Some(base) = options.memory.global_base {
        if has_stack && options.memory.stack_first && base < at.at() {
            let message = "--global-base cannot be less than stack size when --stack-first is used";
            errors.push(Diagnostic::error(Code::Layout, message).note(format!(
                "--stack-first is the default, and the stack has {} bytes; --no-stack-first places \
                 it after the data",
                options.memory.stack_size
            )));
        } else {
            at = Cursor(Some(base));
        }
    } else if has_stack && !options.memory.stack_first {
        at = Cursor(Some(DEFAULT_GLOBAL_BASE));
    }

    memory.global_base = at.at();
    let mut rodata_start = None;
    for (i, segment) in data.segments.iter().enumerate() {
        memory.align_log2 = memory.align_log2.max(segment.align_log2);
        at.align(1 << segment.align_log2);
        memory.segments.push(at.at());
        if segment.tls && memory.tls.is_none() {
            memory.tls = Some(Tls {
                segment: i as u32,
                address: at.at(),
                size: segment.size,
                align_log2: segment.align_log2,
            });
        }
        let start = at.at();
        at.advance(segment.size);
        if segment.is_read_only() {
            memory.rodata = (*rodata_start.get_or_insert(start), at.at());
        }
    }
    if init_flag {
        at.align(4);
        memory.init_flag = Some(at.at());
        at.advance(4);
        if options.is_pic() {
            memory.align_log2 = memory.align_log2.max(2);
        }
    }
    memory.data_end = at.at();

    if has_stack && !options.memory.stack_first {
        memory.place_stack(&mut at, options);
    }
    memory.heap_base = at
        .at()
        .checked_next_multiple_of(STACK_ALIGN)
        .unwrap_or(u64::MAX);
    // The heap's start counts where the program knows it.
    let end = if has_heap { memory.heap_base } else { at.at() };
    memory.limit(end, options, is_64, largest, &mut errors);
    memory.finish(at.0, errors)
}

/// What the limits of a memory say of the size of its pages, in bytes.
fn page_size_log2(page: u64) -> Option<u32> {
    (page != wasm_format::PAGE_SIZE).then(|| page.ilog2())
}

impl MemoryLayout {
    fn place_stack(&mut self, at: &mut Cursor, options: &Options) {
        at.align(STACK_ALIGN);
        self.stack_low = at.at();
        at.advance(options.memory.stack_size);
        self.stack_high = at.at();
    }

    /// Decides the limits; `end` is what data and stack need, and `largest` as for
    /// [`lay_out`].
    fn limit(
        &mut self,
        end: u64,
        options: &Options,
        is_64: bool,
        largest: &dyn Fn(u64) -> Vec<String>,
        errors: &mut Vec<Diagnostic>,
    ) {
        let asked = &options.memory;
        let page = asked.page_size;
        // A page of one byte makes a 32-bit memory one byte smaller: the number of pages has
        // 32 bits, too.
        let most = if is_64 {
            MAX_64
        } else {
            limits::max_pages(is_64, page_size_log2(page)) * page
        };
        let mut report = |message: String, notes: Vec<String>| {
            let mut error = Diagnostic::error(Code::Layout, message);
            error.notes = notes;
            errors.push(error);
        };
        let unaligned =
            |what: &str| format!("{what} must be aligned to the page size ({page} bytes)");

        let mut needed = end;
        if let Some(heap) = asked.initial_heap {
            if !heap.is_multiple_of(page) {
                report(unaligned("initial heap"), Vec::new());
            }
            let room = most.saturating_sub(needed);
            if heap > room {
                let message = format!("initial heap too large, cannot be greater than {room}");
                report(message, largest(needed.saturating_add(heap)));
            }
            needed = needed.saturating_add(heap);
        }
        if let Some(initial) = asked.initial {
            if !initial.is_multiple_of(page) {
                report(unaligned("initial memory"), Vec::new());
            }
            if initial < needed {
                let message = format!("initial memory too small, {needed} bytes needed");
                report(message, largest(needed));
            }
            if initial > most {
                let message = format!("initial memory too large, cannot be greater than {most}");
                report(message, Vec::new());
            }
            needed = needed.max(initial);
        }
        let pages = needed.div_ceil(page);
        let size = pages.saturating_mul(page);
        if asked.initial.is_none() && asked.initial_heap.is_none() && size > most {
            let message = format!(
                "memory too large: {needed} bytes needed, but no more than {most} can be addressed"
            );
            report(message, largest(needed));
        }
        self.heap_end = size;

        let mut max = None;
        if let Some(limit) = asked.max {
            if !limit.is_multiple_of(page) {
                report(unaligned("maximum memory"), Vec::new());
            }
            if limit < size {
                report(
                    format!("maximum memory too small, {size} bytes needed"),
                    largest(size),
                );
            }
            if limit > most {
                let message = format!("maximum memory too large, cannot be greater than {most}");
                report(message, Vec::new());
            }
            max = Some(limit / page);
        } else if asked.growable && asked.shared && options.is_pic() {
            // A shared memory needs a maximum; a loader may grow this one.
            max = Some(most / page);
        } else if asked.shared || !asked.growable {
            // A memory of no size is whatever its owner makes of it, unless it is shared, and so
            // needs a maximum.
            max = Some(pages).filter(|&pages| pages > 0 || asked.shared);
        }
        self.limits = Limits {
            min: pages,
            max,
            shared: asked.shared,
            is_64,
            page_size_log2: page_size_log2(page),
        };
    }

    fn finish(
        self,
        end: Option<u64>,
        mut errors: Vec<Diagnostic>,
    ) -> Result<Self, Vec<Diagnostic>> {
        if end.is_none() && errors.is_empty() {
            errors.push(Diagnostic::error(
                Code::Layout,
                "data segments are too large: their addresses exceed 64 bits",
            ));
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }
}
