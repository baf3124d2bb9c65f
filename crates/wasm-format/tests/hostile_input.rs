//! Decoders meet untrusted bytes: they fail within the input, and end.

use proptest::collection::vec;
use proptest::prelude::*;
use wasm_format::dylink::{DylinkSection, DylinkSubsection};
use wasm_format::linking::{LinkingSection, Subsection};
use wasm_format::names::NameSubsection;
use wasm_format::reloc::{RelocEntry, RelocSection, RelocType};
use wasm_format::{
    ConstExpr, ConstOp, DecodeError, FuncType, GlobalType, Limits, Opcode, Reader, TableType,
    build_id, code_metadata, linking, names, producers, target_features,
};

/// Where the input starts in the file that errors speak of.
const BASE: usize = 1000;

/// Walks everything that `entries` has and returns the errors; each must lie in the input.
struct Walk {
    end: usize,
    /// More entries than bytes would be a table that never ends.
    left: usize,
}

impl Walk {
    fn step<T>(&mut self, entry: Result<T, DecodeError>) -> Option<T> {
        self.left = self.left.checked_sub(1).expect("ends");
        match entry {
            Ok(entry) => Some(entry),
            Err(error) => {
                assert!((BASE..=self.end).contains(&error.offset), "{error}");
                assert!(!error.to_string().is_empty());
                None
            }
        }
    }

    fn all<T>(&mut self, entries: impl Iterator<Item = Result<T, DecodeError>>) -> Vec<T> {
        let mut read = Vec::new();
        let mut entries = entries.fuse();
        for entry in entries.by_ref() {
            let Some(entry) = self.step(entry) else { break };
            read.push(entry);
        }
        // After an error there is nothing more.
        assert!(entries.next().is_none());
        read
    }
}

fn decode_as_everything(bytes: &[u8]) {
    let reader = || Reader::at(bytes, BASE);
    let mut walk = Walk {
        end: BASE + bytes.len(),
        left: 100 * (bytes.len() + 10),
    };
    if let Some(subsections) = walk.step(LinkingSection::decode(reader())) {
        for subsection in walk.all(subsections) {
            match subsection {
                Subsection::SymbolTable(entries) => drop(walk.all(entries)),
                Subsection::SegmentInfo(entries) => drop(walk.all(entries)),
                Subsection::InitFuncs(entries) => drop(walk.all(entries)),
                Subsection::ComdatInfo(entries) => {
                    for comdat in walk.all(entries) {
                        walk.step(comdat.name());
                        // They were walked once to find their end.
                        let count = comdat.entries.len();
                        assert_eq!(walk.all(comdat.entries).len(), count);
                    }
                }
                _ => {}
            }
        }
    }
    if let Some(section) = walk.step(RelocSection::decode(reader())) {
        walk.all(section.iter());
    }
    for subsection in walk.all(names::decode(reader())) {
        match subsection {
            NameSubsection::Map(_, names) => drop(walk.all(names)),
            NameSubsection::Indirect(_, groups) => {
                for group in walk.all(groups) {
                    let count = group.names.len();
                    assert_eq!(walk.all(group.names).len(), count);
                }
            }
            _ => {}
        }
    }
    if let Some(functions) = walk.step(code_metadata::decode(reader())) {
        for function in walk.all(functions) {
            walk.all(function.items);
        }
    }
    if let Some(fields) = walk.step(producers::decode(reader())) {
        for field in walk.all(fields) {
            let count = field.values.len();
            assert_eq!(walk.all(field.values).len(), count);
        }
    }
    if let Some(features) = walk.step(target_features::decode(reader())) {
        walk.all(features);
    }
    for subsection in walk.all(DylinkSection::decode(reader())) {
        match subsection {
            DylinkSubsection::Needed(names) | DylinkSubsection::RuntimePath(names) => {
                walk.all(names);
            }
            DylinkSubsection::ExportInfo(entries) => drop(walk.all(entries)),
            DylinkSubsection::ImportInfo(entries) => drop(walk.all(entries)),
            _ => {}
        }
    }
    walk.step(build_id::decode(reader()));
    walk.step(Opcode::decode(&mut reader()));
    walk.step(FuncType::decode(&mut reader()));
    walk.step(GlobalType::decode(&mut reader()));
    walk.step(TableType::decode(&mut reader()));
    walk.step(Limits::decode(&mut reader()));
    if let Some(expr) = walk.step(ConstExpr::decode(&mut reader())) {
        let mut copy = Vec::new();
        expr.encode(&mut copy);
        assert!(bytes.starts_with(&copy));
        // Any outcome will do, as long as there is one.
        let _ = expr.eval(|_| None);
        let ops: Vec<ConstOp> = expr.ops().collect();
        assert_eq!(ConstExpr::new(&ops), expr);
    }
    for ty in RelocType::ALL {
        // Likewise.
        let _ = ty.form().read(bytes);
    }
}

/// A valid section of each kind, to be damaged.
fn valid_sections() -> Vec<Vec<u8>> {
    use linking::{
        ComdatEntry, ComdatKind, DataRef, InitFunc, SegmentFlags, SegmentInfo, SymbolEntry,
        SymbolFlags, SymbolTarget,
    };
    let mut sections = vec![Vec::new(); 7];
    LinkingSection {
        segments: &[SegmentInfo {
            name: ".data",
            align_log2: 2,
            flags: SegmentFlags::NONE,
        }],
        init_funcs: &[InitFunc {
            priority: 65_535,
            symbol: 0,
        }],
        comdats: &[(
            "group",
            0,
            &[ComdatEntry {
                kind: ComdatKind::Data,
                index: 0,
            }],
        )],
        symbols: &[
            SymbolEntry {
                flags: SymbolFlags::NONE,
                name: Some("main"),
                target: SymbolTarget::Function(0),
            },
            SymbolEntry {
                flags: SymbolFlags::NONE,
                name: Some("data"),
                target: SymbolTarget::Data(Some(DataRef {
                    segment: 0,
                    offset: 300,
                    size: 4,
                })),
            },
        ],
    }
    .encode(&mut sections[0]);
    let relocation = RelocEntry {
        ty: RelocType::MemoryAddrSleb,
        offset: 4,
        index: 1,
        addend: -4,
    };
    RelocSection::encode(4, &[relocation; 3], &mut sections[1]);
    let naming = names::Naming {
        index: 1,
        name: "main",
    };
    names::put_name_map(
        &mut sections[2],
        names::NameSubsectionId::Function,
        [naming; 3],
    );
    names::put_indirect_name_map(
        &mut sections[2],
        names::NameSubsectionId::Local,
        [(0, [naming; 2]); 2],
    );
    let value = producers::ProducerValue {
        name: "clang",
        version: "19",
    };
    producers::put_producers(
        &mut sections[3],
        &[("language", &[value; 2]), ("sdk", &[value])],
    );
    let feature = target_features::TargetFeature {
        prefix: target_features::FeaturePrefix::Used,
        name: "simd128",
    };
    target_features::put_target_features(&mut sections[4], &[feature; 3]);
    DylinkSection {
        mem_info: Some(wasm_format::dylink::MemInfo::default()),
        needed: &["a", "b"],
        ..DylinkSection::default()
    }
    .encode(&mut sections[5]);
    let ops = [
        ConstOp::GlobalGet(0),
        ConstOp::I32Const(-1),
        ConstOp::I32Add,
    ];
    ConstExpr::new(&ops).encode(&mut sections[6]);
    sections
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..200)) {
        decode_as_everything(&bytes);
    }

    /// Small numbers are more often codes, counts and lengths that mean something.
    #[test]
    fn small_random_bytes(bytes in vec(0..16u8, 0..200)) {
        decode_as_everything(&bytes);
        // With the version, so that the linking section's tables are reached.
        decode_as_everything(&[&[2], &bytes[..]].concat());
    }

    #[test]
    fn damaged_sections(
        which in 0..7usize,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = valid_sections().swap_remove(which);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        decode_as_everything(&bytes);
    }
}
