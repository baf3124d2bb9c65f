//! Relocations (tool-conventions Linking.md, "Relocation Sections"): every type with the
//! width, signedness and form of the value it patches, and the `reloc.*` sections.

use crate::entries::{Entries, entry};
use crate::error::{DecodeErrorKind, Result};
use crate::leb128::{self, FIXED32, FIXED64};
use crate::reader::Reader;

/// What the name of a relocation section begins with; the name of the section that it patches
/// follows, such as `CODE`.
pub const RELOC_PREFIX: &str = "reloc.";

/// How a relocated value is written at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueForm {
    /// Unsigned LEB128, 5 bytes.
    Leb32,
    /// Signed LEB128, 5 bytes.
    Sleb32,
    /// Unsigned LEB128, 10 bytes.
    Leb64,
    /// Signed LEB128, 10 bytes.
    Sleb64,
    /// Little-endian, 4 bytes.
    I32,
    /// Little-endian, 8 bytes.
    I64,
}

impl ValueForm {
    /// Bytes the value takes.
    #[inline]
    pub const fn width(self) -> usize {
        match self {
            ValueForm::Leb32 | ValueForm::Sleb32 => FIXED32,
            ValueForm::Leb64 | ValueForm::Sleb64 => FIXED64,
            ValueForm::I32 => 4,
            ValueForm::I64 => 8,
        }
    }

    /// Whether the value has 64 bits.
    #[inline]
    pub const fn is_64(self) -> bool {
        matches!(self, ValueForm::Leb64 | ValueForm::Sleb64 | ValueForm::I64)
    }

    /// Reads the value at the start of `bytes`; of a signed form its sign is extended to
    /// 64 bits.
    ///
    /// Fails where `bytes` are too short, or where a LEB128 number does not take exactly
    /// [`ValueForm::width`] bytes: such a place was not made to be patched.
    ///
    /// ```
    /// use wasm_format::reloc::RelocType;
    ///
    /// let operand = [0xff, 0xff, 0xff, 0xff, 0x7f];
    /// let form = RelocType::MemoryAddrSleb.form();
    /// assert_eq!(form.read(&operand), Ok(-1i64 as u64));
    /// assert!(form.read(&[0x7f, 0, 0, 0, 0]).is_err());
    /// ```
    #[inline]
    pub fn read(self, bytes: &[u8]) -> Result<u64, DecodeErrorKind> {
        let (value, len) = match self {
            ValueForm::Leb32 => leb128::decode_u32(bytes).map(|(v, len)| (u64::from(v), len)),
            ValueForm::Sleb32 => leb128::decode_i32(bytes).map(|(v, len)| (v as u64, len)),
            ValueForm::Leb64 => leb128::decode_u64(bytes),
            ValueForm::Sleb64 => leb128::decode_i64(bytes).map(|(v, len)| (v as u64, len)),
            ValueForm::I32 => match bytes.first_chunk() {
                Some(&bytes) => Ok((u64::from(u32::from_le_bytes(bytes)), 4)),
                None => Err(DecodeErrorKind::UnexpectedEnd),
            },
            ValueForm::I64 => match bytes.first_chunk() {
                Some(&bytes) => Ok((u64::from_le_bytes(bytes), 8)),
                None => Err(DecodeErrorKind::UnexpectedEnd),
            },
        }?;
        if len != self.width() {
            return Err(DecodeErrorKind::Invalid(
                "relocated LEB128 value is not padded to its full width",
            ));
        }
        Ok(value)
    }

    /// Writes `value` into the start of `out`; of a 32-bit form the low 32 bits.
    ///
    /// # Panics
    /// If `out` is shorter than [`ValueForm::width`].
    #[inline]
    pub fn write(self, out: &mut [u8], value: u64) {
        match self {
            ValueForm::Leb32 => leb128::write_u32_fixed(out, value as u32),
            ValueForm::Sleb32 => leb128::write_i32_fixed(out, value as i32),
            ValueForm::Leb64 => leb128::write_u64_fixed(out, value),
            ValueForm::Sleb64 => leb128::write_i64_fixed(out, value as i64),
            ValueForm::I32 => out[..4].copy_from_slice(&(value as u32).to_le_bytes()),
            ValueForm::I64 => out[..8].copy_from_slice(&value.to_le_bytes()),
        }
    }

    /// Whether a value that is not reduced to any width can be written. A signed place takes
    /// unsigned values, too, because addresses are both; at 64 bits, values wrap.
    #[inline]
    pub fn fits(self, value: i128) -> bool {
        match self {
            ValueForm::Leb32 => (0..=i128::from(u32::MAX)).contains(&value),
            ValueForm::Sleb32 | ValueForm::I32 => {
                (i128::from(i32::MIN)..=i128::from(u32::MAX)).contains(&value)
            }
            ValueForm::Leb64 => (0..=i128::from(u64::MAX)).contains(&value),
            ValueForm::Sleb64 | ValueForm::I64 => true,
        }
    }

    /// Bytes that `value` takes in the shortest form: [`ValueForm::width`] where the size is
    /// fixed, else that of the minimal LEB128 number.
    #[inline]
    pub const fn shortest(self, value: u64) -> usize {
        match self {
            ValueForm::Leb32 => leb128::len_u32(value as u32),
            ValueForm::Sleb32 => leb128::len_i32(value as i32),
            ValueForm::Leb64 => leb128::len_u64(value),
            ValueForm::Sleb64 => leb128::len_i64(value as i64),
            ValueForm::I32 | ValueForm::I64 => self.width(),
        }
    }

    /// Writes `value` in its shortest form into the start of `out`, and returns its length.
    ///
    /// ```
    /// use wasm_format::reloc::ValueForm;
    ///
    /// let mut out = [0; 5];
    /// assert_eq!(ValueForm::Leb32.write_shortest(&mut out, 200), 2);
    /// assert_eq!(out[..2], [0xc8, 1]);
    /// ```
    ///
    /// # Panics
    /// If `out` is shorter than [`ValueForm::shortest`].
    #[inline]
    pub fn write_shortest(self, out: &mut [u8], value: u64) -> usize {
        match self {
            ValueForm::Leb32 => leb128::write_u64(out, u64::from(value as u32)),
            ValueForm::Sleb32 => leb128::write_i64(out, i64::from(value as i32)),
            ValueForm::Leb64 => leb128::write_u64(out, value),
            ValueForm::Sleb64 => leb128::write_i64(out, value as i64),
            ValueForm::I32 | ValueForm::I64 => {
                self.write(out, value);
                self.width()
            }
        }
    }
}

/// The value that a relocation asks of its target. A relocation of type
/// [`Type`](Self::Type) names an entry of the type section; every other one names a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelocTarget {
    /// The index of a function.
    Function,
    /// The slot of a function in the indirect function table.
    TableSlot,
    /// The offset of a function in the contents of the code section, in bytes.
    FunctionOffset,
    /// The address of data in linear memory, in bytes.
    Memory,
    /// An offset in the contents of a custom section, in bytes.
    SectionOffset,
    /// The index of a function type.
    Type,
    /// The index of a global: of a global symbol, or of the GOT entry that holds the address
    /// of a function or of data.
    Global,
    /// The index of a tag.
    Tag,
    /// The index of a table.
    Table,
}

/// How a relocation changes the value of its target before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelocBase {
    /// The value as it is.
    Absolute,
    /// Relative to `__memory_base` or `__table_base` (position-independent code).
    ImageBase,
    /// Relative to `__tls_base`.
    TlsBase,
    /// Relative to the place that is patched.
    Place,
}

macro_rules! reloc_types {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $wire:literal, $form:ident, $addend:literal, $target:ident, $base:ident;)*) => {
        /// A relocation's type (tool-conventions Linking.md, "Relocation Sections").
        ///
        /// The enum is exhaustive: a type that the conventions add is a breaking release, so
        /// that the compiler names every place that has to know it. Most code asks for the
        /// properties of a type ([`target`](Self::target), [`base`](Self::base),
        /// [`form`](Self::form)) and needs no change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum RelocType {
            $($(#[$doc])* $name = $code,)*
        }

        impl RelocType {
            /// Every type, in the order of their codes.
            pub const ALL: &'static [RelocType] = &[$(RelocType::$name),*];

            /// The type of code `code`.
            #[inline]
            pub const fn from_u8(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(RelocType::$name),)*
                    _ => None,
                }
            }

            /// The name the conventions and `wasm-ld`'s messages use.
            pub const fn name(self) -> &'static str {
                match self { $(RelocType::$name => $wire,)* }
            }

            /// How the patched value is written.
            #[inline]
            pub const fn form(self) -> ValueForm {
                match self { $(RelocType::$name => ValueForm::$form,)* }
            }

            /// Whether an entry of this type carries an addend.
            #[inline]
            pub const fn has_addend(self) -> bool {
                match self { $(RelocType::$name => $addend,)* }
            }

            /// The value that is asked of the target.
            #[inline]
            pub const fn target(self) -> RelocTarget {
                match self { $(RelocType::$name => RelocTarget::$target,)* }
            }

            /// What the value is relative to.
            #[inline]
            pub const fn base(self) -> RelocBase {
                match self { $(RelocType::$name => RelocBase::$base,)* }
            }
        }
    };
}

reloc_types! {
    /// A function index, as in the operand of `call`.
    FunctionIndexLeb = 0, "R_WASM_FUNCTION_INDEX_LEB", Leb32, false, Function, Absolute;
    /// A function's table slot, as in `i32.const`.
    TableIndexSleb = 1, "R_WASM_TABLE_INDEX_SLEB", Sleb32, false, TableSlot, Absolute;
    /// A function's table slot, in data.
    TableIndexI32 = 2, "R_WASM_TABLE_INDEX_I32", I32, false, TableSlot, Absolute;
    /// An address in linear memory, as in the offset of a load.
    MemoryAddrLeb = 3, "R_WASM_MEMORY_ADDR_LEB", Leb32, true, Memory, Absolute;
    /// An address in linear memory, as in `i32.const`.
    MemoryAddrSleb = 4, "R_WASM_MEMORY_ADDR_SLEB", Sleb32, true, Memory, Absolute;
    /// An address in linear memory, in data.
    MemoryAddrI32 = 5, "R_WASM_MEMORY_ADDR_I32", I32, true, Memory, Absolute;
    /// A type index, as in `call_indirect`.
    TypeIndexLeb = 6, "R_WASM_TYPE_INDEX_LEB", Leb32, false, Type, Absolute;
    /// A global index, as in `global.get`.
    GlobalIndexLeb = 7, "R_WASM_GLOBAL_INDEX_LEB", Leb32, false, Global, Absolute;
    /// A byte offset in the code section, in debug info.
    FunctionOffsetI32 = 8, "R_WASM_FUNCTION_OFFSET_I32", I32, true, FunctionOffset, Absolute;
    /// A byte offset in a custom section, in debug info.
    SectionOffsetI32 = 9, "R_WASM_SECTION_OFFSET_I32", I32, true, SectionOffset, Absolute;
    /// A tag index, as in `throw`.
    TagIndexLeb = 10, "R_WASM_TAG_INDEX_LEB", Leb32, false, Tag, Absolute;
    /// An address relative to `__memory_base`, as in `i32.const`.
    MemoryAddrRelSleb = 11, "R_WASM_MEMORY_ADDR_REL_SLEB", Sleb32, true, Memory, ImageBase;
    /// A table slot relative to `__table_base`, as in `i32.const`.
    TableIndexRelSleb = 12, "R_WASM_TABLE_INDEX_REL_SLEB", Sleb32, false, TableSlot, ImageBase;
    /// A global index, in data.
    GlobalIndexI32 = 13, "R_WASM_GLOBAL_INDEX_I32", I32, false, Global, Absolute;
    /// A 64-bit address, as in the offset of a load.
    MemoryAddrLeb64 = 14, "R_WASM_MEMORY_ADDR_LEB64", Leb64, true, Memory, Absolute;
    /// A 64-bit address, as in `i64.const`.
    MemoryAddrSleb64 = 15, "R_WASM_MEMORY_ADDR_SLEB64", Sleb64, true, Memory, Absolute;
    /// A 64-bit address, in data.
    MemoryAddrI64 = 16, "R_WASM_MEMORY_ADDR_I64", I64, true, Memory, Absolute;
    /// A 64-bit address relative to `__memory_base`, as in `i64.const`.
    MemoryAddrRelSleb64 = 17, "R_WASM_MEMORY_ADDR_REL_SLEB64", Sleb64, true, Memory, ImageBase;
    /// A function's 64-bit table slot, as in `i64.const`.
    TableIndexSleb64 = 18, "R_WASM_TABLE_INDEX_SLEB64", Sleb64, false, TableSlot, Absolute;
    /// A function's 64-bit table slot, in data.
    TableIndexI64 = 19, "R_WASM_TABLE_INDEX_I64", I64, false, TableSlot, Absolute;
    /// A table index, as in `table.get` and `call_indirect`.
    TableNumberLeb = 20, "R_WASM_TABLE_NUMBER_LEB", Leb32, false, Table, Absolute;
    /// An address relative to `__tls_base`, as in `i32.const`.
    MemoryAddrTlsSleb = 21, "R_WASM_MEMORY_ADDR_TLS_SLEB", Sleb32, true, Memory, TlsBase;
    /// A 64-bit byte offset in the code section, in debug info.
    FunctionOffsetI64 = 22, "R_WASM_FUNCTION_OFFSET_I64", I64, true, FunctionOffset, Absolute;
    /// The distance from the patched place to an address, in data.
    MemoryAddrLocrelI32 = 23, "R_WASM_MEMORY_ADDR_LOCREL_I32", I32, true, Memory, Place;
    /// A 64-bit table slot relative to `__table_base`, as in `i64.const`.
    TableIndexRelSleb64 = 24, "R_WASM_TABLE_INDEX_REL_SLEB64", Sleb64, false, TableSlot, ImageBase;
    /// A 64-bit address relative to `__tls_base`, as in `i64.const`.
    MemoryAddrTlsSleb64 = 25, "R_WASM_MEMORY_ADDR_TLS_SLEB64", Sleb64, true, Memory, TlsBase;
    /// A function index, in a custom section.
    FunctionIndexI32 = 26, "R_WASM_FUNCTION_INDEX_I32", I32, false, Function, Absolute;
    /// The 64-bit distance from the patched place to an address, in data.
    MemoryAddrLocrelI64 = 27, "R_WASM_MEMORY_ADDR_LOCREL_I64", I64, true, Memory, Place;
}

/// One entry of a `reloc.*` section, as the file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RelocEntry {
    /// What is patched and how.
    pub ty: RelocType,
    /// Where, in bytes from the start of the target section's contents (after the
    /// section's id and size).
    pub offset: u32,
    /// What it refers to: a symbol index or a type index, see [`RelocTarget`].
    pub index: u32,
    /// Added to the target's value; 0 where [`RelocType::has_addend`] is false.
    pub addend: i64,
}

impl RelocEntry {
    /// Fewest bytes an entry takes: type, offset, index.
    pub const MIN_LEN: usize = 3;

    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.ty as u8);
        leb128::put_u32(out, self.offset);
        leb128::put_u32(out, self.index);
        if self.ty.has_addend() {
            leb128::put_i64(out, self.addend);
        }
    }

    /// Decodes an entry.
    #[inline]
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        if let Some(window) = reader.rest().first_chunk()
            && let Some((entry, len)) = Self::of_window(window)
        {
            reader.bytes(len)?;
            return Ok(entry);
        }
        Self::decode_any(reader)
    }

    /// The entry that `bytes` begin with, and what follows it. `None` where they begin
    /// with none; [`decode`](Self::decode) says why.
    #[inline]
    pub fn split_first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        if let Some(window) = bytes.first_chunk()
            && let Some((entry, len)) = Self::of_window(window)
        {
            return Some((entry, &bytes[len..]));
        }
        let mut reader = Reader::new(bytes);
        let entry = Self::decode_any(&mut reader).ok()?;
        Some((entry, reader.rest()))
    }

    /// The entry that begins a window, and its length: one with numbers of at most four
    /// bytes, as nearly all are. Linking decodes entries more often than anything else,
    /// and no step here asks whether there are bytes left.
    #[inline]
    fn of_window(window: &[u8; WINDOW]) -> Option<(Self, usize)> {
        let ty = RelocType::from_u8(window[0])?;
        let (offset, at) = short_u32(window, 1)?;
        let (index, start) = short_u32(window, at)?;
        let mut entry = Self {
            ty,
            offset,
            index,
            addend: 0,
        };
        if !ty.has_addend() {
            return Some((entry, start));
        }
        let (groups, end) = short_u32(window, start)?;
        let unused = 32 - 7 * (end - start);
        entry.addend = i64::from((groups << unused) as i32 >> unused);
        Some((entry, end))
    }

    /// As [`decode`](Self::decode), for any entry: this knows where something is wrong.
    #[cold]
    fn decode_any(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        let code = reader.u8()?;
        let Some(ty) = RelocType::from_u8(code) else {
            return Err(at.error(DecodeErrorKind::Unknown {
                what: "relocation type",
                value: u64::from(code),
            }));
        };
        let offset = reader.u32()?;
        let index = reader.u32()?;
        let addend = match (ty.has_addend(), ty.form().is_64()) {
            (false, _) => 0,
            (true, false) => i64::from(reader.i32()?),
            (true, true) => reader.i64()?,
        };
        Ok(Self {
            ty,
            offset,
            index,
            addend,
        })
    }
}

/// Bytes that hold an entry of which no number has more than four bytes.
const WINDOW: usize = 16;

/// The groups of seven bits of the number at `at`, one beside the other, and where it
/// ends; `None` if it has more than four bytes.
#[inline]
fn short_u32(window: &[u8; WINDOW], at: usize) -> Option<(u32, usize)> {
    // Never out of the window; the compiler is to see that, too.
    let byte = |nth: usize| u32::from(window[(at + nth) % WINDOW]);
    // Each byte but the last has a bit more than its group, which is taken off again.
    let groups = byte(0);
    if groups < 0x80 {
        return Some((groups, at + 1));
    }
    let more = byte(1);
    let groups = groups - 0x80 + (more << 7);
    if more < 0x80 {
        return Some((groups, at + 2));
    }
    let more = byte(2);
    let groups = groups - (0x80 << 7) + (more << 14);
    if more < 0x80 {
        return Some((groups, at + 3));
    }
    let more = byte(3);
    let groups = groups - (0x80 << 14) + (more << 21);
    (more < 0x80).then_some((groups, at + 4))
}

entry!(RelocEntry, "relocation");

/// The header of a `reloc.*` section and its entries, decoded as they are asked for.
#[derive(Debug, Clone)]
pub struct RelocSection<'a> {
    /// Index, among the file's sections, of the section that is patched.
    pub section: u32,
    /// How many entries there are.
    pub count: u32,
    /// The entries.
    pub entries: Reader<'a>,
}

impl<'a> RelocSection<'a> {
    /// Decodes the header. `reader` is at the section's contents, after its name.
    pub fn decode(mut reader: Reader<'a>) -> Result<Self> {
        let section = reader.u32()?;
        let count = reader.count("relocation", RelocEntry::MIN_LEN)?;
        Ok(Self {
            section,
            count,
            entries: reader,
        })
    }

    /// The entries, one after another; after the last, trailing bytes are an error.
    pub fn iter(&self) -> Entries<'a, RelocEntry> {
        Entries::new(self.entries.clone(), self.count)
    }

    /// Appends the contents of a `reloc.*` section that patches section `section`.
    pub fn encode(section: u32, entries: &[RelocEntry], out: &mut Vec<u8>) {
        Self::encode_header(section, entries.len() as u32, out);
        for entry in entries {
            entry.encode(out);
        }
    }

    /// Appends what stands before the entries of a `reloc.*` section that patches section
    /// `section`, and has `count` of them.
    pub fn encode_header(section: u32, count: u32, out: &mut Vec<u8>) {
        leb128::put_u32(out, section);
        leb128::put_u32(out, count);
    }
}

impl<'a> IntoIterator for &RelocSection<'a> {
    type Item = Result<RelocEntry>;
    type IntoIter = Entries<'a, RelocEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
