//! The large inputs: a C++ program of thousands of objects with debug info, and the same objects
//! in archives of which a tenth is needed. They are made here, byte for byte the same on every
//! machine, so that everyone measures the same thing.

mod code;
mod dwarf;
mod names;
mod object;
mod plan;
mod random;
mod unit;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::Result;
use plan::{LEAGUES, Size};
use test_objects::{ArchiveForm, archive};

/// What makes the inputs: when any of it changes, they are made anew.
const GENERATOR: [&str; 12] = [
    include_str!("../../../crates/test-objects/src/archive.rs"),
    include_str!("../../../crates/test-objects/src/dwarf.rs"),
    include_str!("../../../crates/test-objects/src/object.rs"),
    include_str!("../../../crates/test-objects/src/random.rs"),
    include_str!("big.rs"),
    include_str!("big/code.rs"),
    include_str!("big/dwarf.rs"),
    include_str!("big/names.rs"),
    include_str!("big/object.rs"),
    include_str!("big/plan.rs"),
    include_str!("big/random.rs"),
    include_str!("big/unit.rs"),
];

/// The inputs, in a directory of their own.
pub(crate) struct Big {
    /// Where they are.
    pub(crate) dir: PathBuf,
    /// A response file with all objects; its names are relative to `dir`.
    pub(crate) objects: &'static str,
    /// A response file with all archives, and the object that needs a tenth of them.
    pub(crate) archives: &'static str,
    /// A response file with what is pulled of the archives, without them.
    pub(crate) pulled: &'static str,
}

/// Whether the inputs of a scale are of this size and not larger: they have a unit in every
/// league at least.
pub(crate) fn can_make(scale: f64) -> bool {
    Size::units_of(scale) >= LEAGUES
}

/// Makes the inputs of a scale below `work`, unless they are there.
pub(crate) fn make(work: &Path, scale: f64) -> Result<Big> {
    let size = Size::scaled(scale);
    let big = Big {
        dir: work.join(format!("big-{}", size.units)),
        objects: "objects.rsp",
        archives: "archives.rsp",
        pulled: "pulled.rsp",
    };
    let mut hasher = DefaultHasher::new();
    GENERATOR.hash(&mut hasher);
    let stamp = format!("{:016x} {size:?}\n", hasher.finish());
    let stamp_path = big.dir.join("stamp");
    if fs::read_to_string(&stamp_path).is_ok_and(|found| found == stamp) {
        return Ok(big);
    }
    println!("making {} objects in {}", size.units, big.dir.display());
    if big.dir.exists() {
        fs::remove_dir_all(&big.dir)?;
    }
    fs::create_dir_all(big.dir.join("objects"))?;
    write(&big, size)?;
    // Last, so that what was interrupted is not taken for whole.
    fs::write(stamp_path, stamp)?;
    Ok(big)
}

fn write(big: &Big, size: Size) -> Result {
    let archives = (size.units / 100).clamp(2, 20);
    let next = AtomicU32::new(0);
    let work = || -> std::io::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= archives {
                return Ok(());
            }
            let mut made = Vec::new();
            for number in units(size, archives, number) {
                let object = unit::unit(size, number);
                let name = object_name(number);
                fs::write(big.dir.join("objects").join(&name), &object.bytes)?;
                made.push((name, object));
            }
            let (mut members, mut index) = (Vec::new(), Vec::new());
            for (member, (name, object)) in made.iter().enumerate() {
                members.push((&name[..], &object.bytes[..]));
                index.extend(object.names.iter().map(|name| (member, &name[..])));
            }
            let bytes = archive(ArchiveForm::Gnu, &members, &index);
            fs::write(big.dir.join(archive_name(number)), bytes)?;
        }
    };
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .map_err(|_| "a thread of the generator panicked".to_owned())?
                .map_err(|error| format!("{}: {error}", big.dir.display()))
        })
    })?;

    let mut objects = "main.o\n".to_owned();
    let mut libraries = "main-tenth.o\n".to_owned();
    let mut pulled = libraries.clone();
    for number in 0..size.units {
        let line = format!("objects/{}\n", object_name(number));
        objects += &line;
        if number.is_multiple_of(LEAGUES) {
            pulled += &line;
        }
    }
    for archive in 0..archives {
        libraries += &archive_name(archive);
        libraries.push('\n');
    }
    fs::write(big.dir.join("main.o"), unit::entry(true).bytes)?;
    fs::write(big.dir.join("main-tenth.o"), unit::entry(false).bytes)?;
    fs::write(big.dir.join(big.objects), objects)?;
    fs::write(big.dir.join(big.archives), libraries)?;
    fs::write(big.dir.join(big.pulled), pulled)?;
    Ok(())
}

/// The units in an archive.
fn units(size: Size, archives: u32, archive: u32) -> std::ops::Range<u32> {
    let begin = |archive| size.units * archive / archives;
    begin(archive)..begin(archive + 1)
}

fn object_name(unit: u32) -> String {
    format!("{}.o", names::unit_class(unit))
}

fn archive_name(archive: u32) -> String {
    format!("libpart{archive}.a")
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    const SMALL: Size = Size {
        units: 10,
        own: 12,
        new_families: 2,
    };

    #[test]
    fn a_unit_is_a_relocatable_object() {
        let made = unit::unit(SMALL, 3);
        let mut sections = Vec::new();
        for payload in Parser::new(0).parse_all(&made.bytes) {
            match payload.unwrap() {
                Payload::CustomSection(custom) => sections.push(custom.name().to_owned()),
                Payload::CodeSectionStart { count, .. } => sections.push(format!("code {count}")),
                _ => {}
            }
        }
        assert_eq!(
            sections.join(" "),
            "code 72 .debug_abbrev .debug_info .debug_ranges .debug_str .debug_line linking \
             reloc.CODE reloc.DATA reloc..debug_info reloc..debug_ranges reloc..debug_line \
             producers target_features"
        );
        assert_eq!(made.bytes, unit::unit(SMALL, 3).bytes);
    }

    #[test]
    fn archives_hold_every_unit_once() {
        let size = Size::scaled(0.37);
        let all: Vec<u32> = (0..7).flat_map(|archive| units(size, 7, archive)).collect();
        assert_eq!(all, (0..740).collect::<Vec<_>>());
    }
}
