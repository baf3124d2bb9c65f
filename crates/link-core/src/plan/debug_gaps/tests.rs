//! Readers of DWARF skip gaps: `gimli` and, where LLVM 22 is installed, `llvm-dwarfdump`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gimli::{EndianSlice, LittleEndian, Reader, SectionId};
use test_objects::dwarf::{Abbreviation, DebugSection, LineTable, abbreviations};
use test_objects::{CustomDef, body_extents, defines};
use wasm_format::linking::{SymbolEntry, SymbolFlags, SymbolTarget};
use wasmparser::{Parser, Payload};

use super::*;
use crate::{CommandLine, Env, link};

/// Every section that can have gaps.
const SECTIONS: &[&str] = &[
    ".debug_abbrev",
    ".debug_addr",
    ".debug_aranges",
    ".debug_gnu_pubnames",
    ".debug_gnu_pubtypes",
    ".debug_info",
    ".debug_line",
    ".debug_line_str",
    ".debug_loc",
    ".debug_loclists",
    ".debug_macinfo",
    ".debug_pubnames",
    ".debug_pubtypes",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_str",
    ".debug_str_offsets",
];

fn gap(name: &str, address: usize) -> Gap {
    Gap::of_section(name, address == 8).unwrap_or_else(|| panic!("{name} has no gaps"))
}

/// A gap in memory that held something else.
fn filled(gap: Gap, size: usize) -> Vec<u8> {
    let mut bytes = vec![0xa5; size];
    gap.fill(&mut bytes, 0);
    bytes
}

#[test]
fn sizes() {
    let mut sizes = String::new();
    for name in SECTIONS {
        for address in [4, 8] {
            let gap = gap(name, address);
            write!(sizes, "{name} {address}:").unwrap();
            // From where on every size is taken.
            let all = (1..60).rev().find(|size| !gap.takes(*size)).unwrap_or(0) + 1;
            for size in (1..all).filter(|size| gap.takes(*size)) {
                write!(sizes, " {size}").unwrap();
            }
            if gap.takes(59) {
                writeln!(sizes, " {all}...").unwrap();
            } else {
                writeln!(sizes).unwrap();
            }
            for wanted in (0..200).chain(70_000..70_032) {
                let size = gap.at_least(wanted).unwrap();
                assert!(gap.takes(size) && size < wanted + 32);
                assert!((wanted..size).all(|smaller| !gap.takes(smaller)));
            }
            // Lengths of units end there.
            assert!(gap.at_least(0xffff_ffd0).is_some());
            assert_eq!(gap.at_least(0xffff_fff4), None);
        }
    }
    insta::assert_snapshot!(sizes);
    for name in [
        ".debug_names",
        ".debug_macro",
        ".debug_types",
        "name",
        "mine",
    ] {
        assert_eq!(Gap::of_section(name, false), None);
    }
}

/// The sizes of the units in a section that has units; what is in them is not looked at.
fn units(name: &str, address: usize, bytes: &[u8]) -> gimli::Result<(Vec<usize>, String)> {
    let address_size = address as u8;
    let slice = |bytes| EndianSlice::new(bytes, LittleEndian);
    let mut found = String::new();
    let mut sizes = Vec::new();
    match name {
        ".debug_info" => {
            let abbreviations = gimli::DebugAbbrev::new(ABBREVIATIONS, LittleEndian);
            let mut units = gimli::DebugInfo::new(bytes, LittleEndian).units();
            while let Some(unit) = units.next()? {
                assert_eq!(unit.address_size(), address_size);
                sizes.push(unit.length_including_self());
                let abbreviations = unit.abbreviations(&abbreviations)?;
                let mut entries = unit.entries(&abbreviations);
                let root = entries.next_dfs()?.expect("a unit has an entry");
                assert_eq!(root.tag(), gimli::DW_TAG_compile_unit);
                assert!(root.attrs().is_empty());
                while let Some(entry) = entries.next_dfs()? {
                    writeln!(found, "{}", entry.tag()).unwrap();
                }
            }
        }
        ".debug_line" => {
            let lines = gimli::DebugLine::new(bytes, LittleEndian);
            let mut at = 0;
            while at < bytes.len() {
                let offset = gimli::DebugLineOffset(at);
                let program = lines.program(offset, address_size, None, None)?;
                let size = program.header().unit_length() + 4;
                sizes.push(size);
                at += size;
                let mut rows = program.rows();
                while let Some((_, row)) = rows.next_row()? {
                    writeln!(found, "row {:x}", row.address()).unwrap();
                }
            }
        }
        ".debug_addr" => {
            let mut headers = gimli::DebugAddr::from(slice(bytes)).headers();
            while let Some(header) = headers.next()? {
                sizes.push(header.length() + 4);
                assert_eq!(header.encoding().address_size, address_size);
                for address in header.entries() {
                    assert_eq!(address?, 0);
                }
            }
        }
        ".debug_aranges" => {
            let mut headers = gimli::DebugAranges::new(bytes, LittleEndian).headers();
            while let Some(header) = headers.next()? {
                sizes.push(header.length() + 4);
                assert_eq!(header.encoding().address_size, address_size);
                assert_eq!(header.debug_info_offset().0, 0xffff_ffff);
                for range in header.entries() {
                    writeln!(found, "{:?}", range?).unwrap();
                }
            }
        }
        ".debug_rnglists" | ".debug_loclists" | ".debug_str_offsets" => {
            let mut rest = slice(bytes);
            while !rest.is_empty() {
                let (length, format) = rest.read_initial_length()?;
                assert_eq!(format, gimli::Format::Dwarf32);
                sizes.push(length + 4);
                let mut unit = rest.split(length)?;
                assert_eq!(unit.read_u16()?, 5);
                if name == ".debug_str_offsets" {
                    assert_eq!(unit.read_u16()?, 0);
                    while !unit.is_empty() {
                        assert_eq!(unit.read_u32()?, 0);
                    }
                    continue;
                }
                assert_eq!(unit.read_u8()?, address_size);
                assert_eq!((unit.read_u8()?, unit.read_u32()?), (0, 0));
                lists(name, address, 5, unit.slice(), &mut found)?;
            }
        }
        ".debug_ranges" | ".debug_loc" => {
            lists(name, address, 4, bytes, &mut found)?;
            sizes.push(bytes.len());
        }
        _ => panic!("{name} has no units"),
    }
    Ok((sizes, found))
}

/// Reads lists to the end of `bytes`.
fn lists(
    name: &str,
    address: usize,
    version: u16,
    bytes: &[u8],
    found: &mut String,
) -> gimli::Result<()> {
    let encoding = gimli::Encoding {
        address_size: address as u8,
        format: gimli::Format::Dwarf32,
        version,
    };
    let empty = EndianSlice::new(&[], LittleEndian);
    let all = EndianSlice::new(bytes, LittleEndian);
    let (old, new) = if version == 4 {
        (all, empty)
    } else {
        (empty, all)
    };
    let addresses = gimli::DebugAddr::from(empty);
    let base = gimli::DebugAddrBase(0);
    // A reader does not say where a list ends, so it is computed.
    let mut at = 0;
    while at < bytes.len() {
        if name.starts_with(".debug_r") {
            let lists = gimli::RangeLists::new(old.into(), new.into());
            let offset = gimli::RangeListsOffset(at);
            let mut list = lists.raw_ranges(offset, encoding)?;
            while let Some(entry) = list.next()? {
                match entry {
                    gimli::RawRngListEntry::BaseAddress { addr: 0 } => at += 1 + address,
                    other => panic!("{other:?}"),
                }
            }
            let mut list = lists.ranges(offset, encoding, 0, &addresses, base)?;
            while let Some(range) = list.next()? {
                writeln!(found, "{range:?}").unwrap();
            }
        } else {
            let lists = gimli::LocationLists::new(old.into(), new.into());
            let offset = gimli::LocationListsOffset(at);
            let mut list = lists.raw_locations(offset, encoding)?;
            while let Some(entry) = list.next()? {
                match entry {
                    gimli::RawLocListEntry::BaseAddress { addr: 0 } => at += 1 + address,
                    gimli::RawLocListEntry::AddressOrOffsetPair {
                        begin: 1,
                        end: 1,
                        data,
                    } => {
                        at += 2 * address + 2 + data.0.len();
                        let mut operations = data.operations(encoding);
                        while let Some(operation) = operations.next()? {
                            assert_eq!(operation, gimli::Operation::Nop);
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            let mut list = lists.locations(offset, encoding, 0, &addresses, base)?;
            while let Some(location) = list.next()? {
                writeln!(found, "{location:?}").unwrap();
            }
        }
        at += if version == 4 { 2 * address } else { 1 };
    }
    assert_eq!(at, bytes.len());
    Ok(())
}

/// Names of a section of names.
fn names(name: &str, bytes: &[u8]) -> gimli::Result<Vec<String>> {
    let mut found = Vec::new();
    macro_rules! collect {
        ($section:ident) => {{
            let mut items = gimli::$section::new(bytes, LittleEndian).items();
            while let Some(item) = items.next()? {
                found.push(item.name().to_string_lossy().into_owned());
            }
        }};
    }
    match name {
        ".debug_pubnames" => collect!(DebugPubNames),
        ".debug_pubtypes" => collect!(DebugPubTypes),
        ".debug_gnu_pubnames" => collect!(DebugGnuPubNames),
        ".debug_gnu_pubtypes" => collect!(DebugGnuPubTypes),
        _ => panic!("{name} has no names"),
    }
    Ok(found)
}

/// A section that is nothing but gaps of every size.
#[test]
fn gaps_alone() {
    for name in SECTIONS {
        for address in [4, 8] {
            let gap = gap(name, address);
            let sizes: Vec<usize> = (1..300)
                .chain(70_000..70_016)
                .chain([250_000])
                .filter(|size| gap.takes(*size))
                .collect();
            let all: Vec<u8> = (sizes.iter()).flat_map(|size| filled(gap, *size)).collect();
            match *name {
                ".debug_str" | ".debug_line_str" | ".debug_macinfo" => {
                    assert!(all.iter().all(|byte| *byte == 0));
                }
                ".debug_abbrev" => {
                    // No reader says where a table ends; it does not end too late.
                    for size in sizes {
                        let bytes = filled(gap, size);
                        let tables = gimli::DebugAbbrev::new(&bytes, LittleEndian);
                        let table = tables.abbreviations(gimli::DebugAbbrevOffset(0)).unwrap();
                        let abbreviations: Vec<_> =
                            (1..).map_while(|code| table.get(code)).collect();
                        // The largest and the smallest one.
                        let (most, least) = (7 + 13 * 0x2000, 7 + 13 + 1);
                        assert_eq!(abbreviations.len(), (size + most - least) / most);
                        for abbreviation in abbreviations {
                            let attributes = abbreviation.attributes().iter();
                            let names = attributes.map(gimli::AttributeSpecification::name);
                            let distinct: BTreeSet<u16> = names.map(|name| name.0).collect();
                            assert_eq!(distinct.len(), abbreviation.attributes().len());
                        }
                    }
                }
                ".debug_ranges" | ".debug_loc" => {
                    let found = units(name, address, &all).unwrap();
                    assert_eq!(found, (vec![all.len()], String::new()));
                }
                _ if name.contains("_pub") => {
                    let found = names(name, &all).unwrap();
                    let named = sizes.iter().filter(|size| **size > 18);
                    assert_eq!(found.len(), named.count());
                    assert!(found.iter().all(|name| name.trim().is_empty()));
                }
                _ => {
                    let found = units(name, address, &all).unwrap();
                    assert_eq!(found, (sizes, String::new()), "{name}");
                }
            }
        }
    }
}

/// What follows the name and the contents of each custom section in a module.
fn customs(module: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let payloads = Parser::new(0).parse_all(module);
    payloads.filter_map(|payload| match payload.expect("it is a module") {
        Payload::CustomSection(section) => Some((section.name(), section.data())),
        _ => None,
    })
}

/// What debug info says, each unit's without the offsets of what it is put together of; gaps say
/// nothing.
fn debug_info(module: &[u8]) -> gimli::Result<String> {
    let section = |id: SectionId| {
        let mut found = customs(module).filter(|(name, _)| *name == id.name());
        let bytes = found.next().map_or(&[][..], |(_, bytes)| bytes);
        gimli::Result::Ok(EndianSlice::new(bytes, LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section)?;
    let mut out = String::new();
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        let unit = dwarf.unit(header)?;
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            if entry.depth() == 0 && entry.attrs().is_empty() {
                continue;
            }
            write!(out, "{:1$}{2}", "", entry.depth() as usize, entry.tag()).unwrap();
            for attribute in entry.attrs() {
                let value = attribute.value();
                let text = match dwarf.attr_string(&unit, value) {
                    Ok(text) => text.to_string_lossy().into_owned(),
                    Err(_) => match value {
                        gimli::AttributeValue::Addr(_)
                        | gimli::AttributeValue::DebugAddrIndex(_) => {
                            format!("{:x?}", dwarf.attr_address(&unit, value)?)
                        }
                        gimli::AttributeValue::Udata(value) => value.to_string(),
                        _ => String::new(),
                    },
                };
                write!(out, " {}={text}", attribute.name()).unwrap();
                if let Some(mut list) = dwarf.attr_locations(&unit, attribute.value())? {
                    while let Some(location) = list.next()? {
                        write!(out, "{location:?}").unwrap();
                    }
                }
            }
            let mut ranges = dwarf.die_ranges(&unit, entry)?;
            while let Some(range) = ranges.next()? {
                write!(out, " [{:x}, {:x})", range.begin, range.end).unwrap();
            }
            out.push('\n');
        }
        if let Some(program) = unit.line_program.clone() {
            let mut rows = program.rows();
            while let Some((header, row)) = rows.next_row()? {
                let file = row.file(header).expect("a row has a file");
                let file = dwarf.attr_string(&unit, file.path_name())?;
                let file = file.to_string_lossy();
                let (line, column) = (row.line(), row.column());
                writeln!(out, "{:x} {file} {line:?} {column:?}", row.address()).unwrap();
            }
        }
    }
    for (name, bytes) in customs(module).filter(|(name, _)| name.contains("_pub")) {
        let mut names = names(name, bytes)?;
        names.retain(|name| !name.trim().is_empty());
        writeln!(out, "{name}: {}", names.join(" ")).unwrap();
    }
    let mut sets = dwarf.debug_aranges.headers();
    while let Some(set) = sets.next()? {
        for range in set.entries() {
            writeln!(out, "{:?}", range?).unwrap();
        }
    }
    Ok(out)
}

/// Objects that are linked one after the other.
struct Program {
    dir: tempfile::TempDir,
    objects: Vec<String>,
    address: usize,
}

impl Program {
    fn new(address: usize) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory can be made"),
            objects: Vec::new(),
            address,
        }
    }

    fn path(&self, name: &str) -> String {
        let path = self.dir.path().join(name);
        path.to_str().expect("the path is text").to_owned()
    }

    fn add(&mut self, object: &[u8]) {
        let path = self.path(&format!("{}.o", self.objects.len()));
        fs::write(&path, object).unwrap();
        self.objects.push(path);
    }

    /// Compiles files, each for itself.
    fn compile(mut self, compiler: &[&str], sources: &[(&str, &str)]) -> Self {
        for (name, source) in sources {
            fs::write(self.dir.path().join(name), source).unwrap();
            let object = format!("{}.o", self.objects.len());
            let mut command = Command::new(compiler[0]);
            command.current_dir(self.dir.path()).args(&compiler[1..]);
            run(command.arg(name).args(["-o", &object]));
            self.objects.push(self.path(&object));
        }
        self
    }

    /// The sections that can have gaps in the objects.
    fn sections(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for object in &self.objects {
            let object = fs::read(object).unwrap();
            names.extend(customs(&object).map(|(name, _)| name.to_owned()));
        }
        names.retain(|name| Gap::of_section(name, self.address == 8).is_some());
        names
    }

    /// Links the objects with another one before, between and behind them. Its debug sections are
    /// gaps of at least `sizes` bytes, if given.
    fn link(&self, sizes: Option<&mut dyn FnMut() -> usize>) -> Vec<u8> {
        let names = self.sections();
        let mut sizes = sizes;
        let mut line: Vec<String> = ["--no-entry", "--export-all", "--allow-undefined"]
            .map(str::to_owned)
            .into();
        // Strings are not merged: gaps would be as well.
        line.push("-O0".to_owned());
        if self.address == 8 {
            line.push("-mwasm64".to_owned());
        }
        for at in 0..=self.objects.len() {
            let name = format!("between{at}");
            let mut object = defines(&name);
            object.is_64 = self.address == 8;
            if let Some(sizes) = &mut sizes {
                for section in &names {
                    let gap = gap(section, self.address);
                    let size = gap.at_least(sizes()).unwrap();
                    let mut bytes = filled(gap, size);
                    // All units of gaps find it at 0.
                    if section == ".debug_abbrev" && at == 0 {
                        bytes.splice(0..0, ABBREVIATIONS.iter().copied());
                    }
                    object.customs.push(CustomDef {
                        name: section,
                        bytes,
                        relocs: Vec::new(),
                    });
                }
            }
            let path = self.path(&format!("{name}.o"));
            fs::write(&path, object.build()).unwrap();
            line.push(path);
            line.extend(self.objects.get(at).cloned());
        }
        let line = CommandLine::parse(&line).unwrap();
        let mut module = Vec::new();
        link(line.inputs, &line.options, &Env::default(), &mut module)
            .unwrap_or_else(|error| panic!("{error}"));
        module
    }

    /// Compares what readers say of the module with and without gaps of many sizes.
    fn check(&self, wanted: &[usize]) {
        let plain = self.link(None);
        let expected = debug_info(&plain).unwrap();
        assert!(expected.contains("DW_TAG_subprogram"), "{expected}");
        let dumped = self.dump(&plain);
        for wanted in wanted.iter().copied() {
            // Neighbours have several sizes.
            let mut more = (0..).map(|n| wanted + n % 11);
            let gaps = self.link(Some(&mut || more.next().expect("it has no end")));
            assert!(gaps.len() > plain.len() + wanted * self.sections().len());
            assert_eq!(debug_info(&gaps).unwrap(), expected);
            assert_eq!(self.dump(&gaps), dumped);
        }
    }

    /// What `llvm-dwarfdump` has to say about a module, offsets left out; `None` if it is not
    /// installed.
    fn dump(&self, module: &[u8]) -> Option<Vec<String>> {
        let path = self.path("module.wasm");
        fs::write(&path, module).unwrap();
        let mut said = Vec::new();
        let mut keep = |text: &[u8]| {
            for line in String::from_utf8_lossy(text).lines() {
                // Readers scan units that `.debug_names` leaves out.
                let is_known = line.ends_with("not covered by any Name Index");
                if line.contains("error") || line.contains("warning") && !is_known {
                    let is_offset = |word: &&str| !word.contains("0x");
                    let words: Vec<&str> = line.split(' ').filter(is_offset).collect();
                    said.push(words.join(" "));
                }
            }
        };
        let verified = tool(DWARFDUMP, &["--verify", &path])?;
        keep(&verified.stdout);
        keep(&verified.stderr);
        let verified = verified.status.success();
        let dumped = tool(DWARFDUMP, &["--all", &path])?;
        keep(&dumped.stderr);
        said.push(format!(
            "verify: {verified}, dump: {}",
            dumped.status.success()
        ));
        Some(said)
    }
}

const CLANG: &str = "clang-22";
const DWARFDUMP: &str = "llvm-dwarfdump-22";

/// The output of a program; `None` if it is not installed.
fn tool(program: &str, args: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(args).output().ok();
    found(program, output)
}

/// Fails if `thing` is not there and the environment says that it has to be.
fn found<T>(name: &str, thing: Option<T>) -> Option<T> {
    let is_required = std::env::var_os("REQUIRE_LLVM").is_some();
    assert!(thing.is_some() || !is_required, "{name} is not installed");
    if thing.is_none() {
        println!("less is compared: {name} is not installed");
    }
    thing
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An object with one function and DWARF 4 that describes it.
fn described(function: &'static str) -> Vec<u8> {
    const SECTIONS: [&str; 4] = [".debug_abbrev", ".debug_info", ".debug_str", ".debug_line"];
    let mut object = defines(function);
    let first = object.first_custom();
    for at in 0..SECTIONS.len() as u32 {
        object.symbols.push(SymbolEntry {
            flags: SymbolFlags::BINDING_LOCAL,
            name: None,
            target: SymbolTarget::Section(first + at),
        });
    }
    let [abbrev, _, strings, line] = [1, 2, 3, 4];
    let body = body_extents(&object.functions)[0].clone();
    let mut info = DebugSection::default();
    let length = info.later();
    info.u16(4);
    info.section_offset(abbrev, 0);
    info.bytes([4, 1]);
    info.section_offset(strings, 0);
    info.section_offset(line, 0);
    info.u8(2);
    info.section_offset(strings, 5);
    info.code_address(0, body.start, 0);
    info.u32(body.end - body.start);
    info.u8(0);
    info.set_length(length);
    let mut texts = DebugSection::default();
    texts.text("unit");
    texts.text(function);
    let mut lines = LineTable::new(&["dir"], &[("file.c", 1)]);
    lines.begin(1, 0, body.start, 6);
    lines.row(3, 1);
    lines.end(1);
    let abbreviations = abbreviations(&[
        Abbreviation {
            code: 1,
            tag: 0x11,
            has_children: true,
            // DW_AT_name, DW_AT_stmt_list
            attributes: &[(0x03, 0x0e), (0x10, 0x17)],
        },
        Abbreviation {
            code: 2,
            tag: 0x2e,
            has_children: false,
            // DW_AT_name, DW_AT_low_pc, DW_AT_high_pc
            attributes: &[(0x03, 0x0e), (0x11, 0x01), (0x12, 0x06)],
        },
    ]);
    let sections = [abbreviations, info, texts, lines.finish()];
    object.customs = (sections.into_iter().zip(SECTIONS))
        .map(|(section, name)| section.named(name))
        .collect();
    object.build()
}

#[test]
fn gaps_around_units() {
    let mut program = Program::new(4);
    program.add(&described("f"));
    program.add(&described("g"));
    insta::assert_snapshot!(debug_info(&program.link(None)).unwrap());
    program.check(&[1, 40, 300, 5000]);
}

const C: [(&str, &str); 2] = [
    (
        "one.c",
        "struct pair { int left, right; double mean; };
         static int dot(struct pair *pairs, int count) {
             int sum = 0;
             for (int i = 0; i < count; i++) {
                 int product = pairs[i].left * pairs[i].right;
                 if (product > 3) sum += product;
             }
             return sum;
         }
         int offset = 7;
         int one(struct pair *pairs, int count) { return dot(pairs, count) + offset; }",
    ),
    (
        "two.c",
        "int one(void *, int);
         typedef int (*callback)(void *, int);
         callback chosen = one;
         int two(int n) { int r = n * 3; while (n --> 0) r ^= chosen(&r, n); return r; }",
    ),
];

const CXX: [(&str, &str); 2] = [
    (
        "one.cc",
        "namespace shapes {
             enum class Kind { Round, Square };
             template <class T> struct Box { T value; T get() const { return value; } };
         }
         int area(shapes::Box<int> &box, shapes::Kind kind) {
             return kind == shapes::Kind::Round ? box.get() * 3 : box.get() * box.get();
         }",
    ),
    (
        "two.cc",
        "namespace shapes {
             template <class T> struct Box { T value; T get() const { return value; } };
             template <class T> T twice(Box<T> box) { auto f = [&] { return box.get(); };
                 return f() + f(); }
         }
         long both() { return shapes::twice(shapes::Box<long>{4}) + shapes::twice(shapes::Box<short>{3}); }",
    ),
];

const RUST: [(&str, &str); 1] = [(
    "lib.rs",
    "#![no_std]
     pub struct Pair { pub left: i32, pub right: Option<u8> }
     #[unsafe(no_mangle)]
     pub fn dot(pairs: &[Pair]) -> i32 {
         pairs.iter().map(|pair| pair.left.wrapping_mul(pair.right.map_or(3, i32::from))).fold(0, i32::wrapping_add)
     }",
)];

/// What clang and rustc make.
#[test]
fn gaps_in_compiled_programs() {
    if tool(CLANG, &["--version"]).is_none() {
        return;
    }
    let check = |target, address, options: &str, c: &[usize], cxx: &[usize]| {
        let mut clang = vec![CLANG, target, "-c"];
        clang.extend(options.split(' '));
        let program = || Program::new(address);
        program().compile(&clang, &C).check(c);
        program().compile(&clang, &CXX).check(cxx);
    };
    let sections = [
        "-gdwarf-4 -O1 -ggnu-pubnames -gdwarf-aranges",
        "-gdwarf-5 -O1 -ggnu-pubnames -gdwarf-aranges",
    ];
    for options in sections {
        check(
            "--target=wasm32-wasip1",
            4,
            options,
            &[1, 12, 23, 70_000],
            &[34],
        );
        check("--target=wasm64-wasi", 8, options, &[1, 23], &[34]);
    }
    for options in [
        "-gdwarf-4 -O0 -gpubnames -fdebug-macro",
        "-gdwarf-5 -O0 -gpubnames -fdebug-macro",
    ] {
        check("--target=wasm32-wasip1", 4, options, &[1, 23], &[4096]);
    }
}

/// What rustc makes.
#[test]
fn gaps_in_a_rust_program() {
    const TARGET: &str = "--target=wasm32-unknown-unknown";
    let library = tool("rustc", &[TARGET, "--print=target-libdir"]).filter(|output| {
        let path = String::from_utf8_lossy(&output.stdout);
        Path::new(path.trim()).is_dir()
    });
    if found("the library of Rust for WebAssembly", library).is_none() {
        return;
    }
    for version in ["-Cdwarf-version=4", "-Cdwarf-version=5"] {
        let rustc = [
            "rustc",
            TARGET,
            "-g",
            "--emit=obj",
            "--crate-type=lib",
            version,
        ];
        Program::new(4)
            .compile(&rustc, &RUST)
            .check(&[1, 64, 70_000]);
    }
}
