//! Debug info of one large object, which several threads write.

use std::io;
use std::sync::Mutex;

use link_core::{Env, LinkError, Options, Places, Room, Sink, Threads, link};
use wasm_format::reloc::RelocType;

use crate::common::source::{Source, sig};
use crate::support::Job;

/// Bytes of debug info: enough for several slices.
const LEN: u32 = 1 << 20;

/// A module that is written place by place, as a file is.
struct File(Mutex<Vec<u8>>);

impl Places for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let at = offset as usize;
        self.0.lock().expect("no thread panics")[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

impl Sink for File {
    fn room(&mut self, _: usize) -> io::Result<&mut [u8]> {
        unreachable!("nothing asks for all of it");
    }

    fn room_or_places(&mut self, len: usize) -> io::Result<Room<'_>> {
        *self.0.get_mut().expect("no thread panics") = vec![0xaa; len];
        Ok(Room::Places(self))
    }
}

/// An object with debug info that refers to something of everything.
fn large() -> Vec<u8> {
    let mut source = Source::new();
    source
        .function("_start", sig(0, 0), |body| {
            body.address("data", 0).drop();
        })
        .function("left_out", sig(0, 0), |_| {})
        .data("data", ".data.data", [1, 2, 3, 4])
        .custom(".debug_str", *b"one\0two\0three\0")
        .custom(".debug_info", vec![0; LEN as usize]);
    for (nth, offset) in (0..LEN).step_by(16).enumerate() {
        let (ty, name, addend) = match nth % 11 {
            0 | 5 => (RelocType::FunctionOffsetI32, "_start", 2),
            1 => (RelocType::FunctionOffsetI32, "left_out", 1),
            2 => (RelocType::MemoryAddrI32, "data", 300),
            3 => (RelocType::FunctionIndexI32, "_start", 0),
            _ => (
                RelocType::SectionOffsetI32,
                ".debug_str",
                [0, 4, 8][nth % 3],
            ),
        };
        source.describes(offset + nth as u32 % 7, ty, name, addend);
    }
    source.build()
}

fn link_by(threads: usize, object: &[u8]) -> Result<Vec<u8>, LinkError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let job = Job::new().file("large.o", object.to_vec()).args("large.o");
    let env = Env {
        files: &job.memory_files(),
        threads: Threads::Pool(&pool.expect("a pool")),
        ..Env::default()
    };
    let mut file = File(Mutex::default());
    link(job.inputs(), &Options::default(), &env, &mut file)?;
    Ok(file.0.into_inner().expect("no thread panicked"))
}

#[test]
fn slices_are_written_as_the_whole_is() {
    let object = large();
    let job = Job::new().file("large.o", object.clone()).args("large.o");
    let mut whole = Vec::new();
    let env = Env {
        files: &job.memory_files(),
        threads: Threads::Current,
        ..Env::default()
    };
    link(job.inputs(), &Options::default(), &env, &mut whole).expect("it links");
    for threads in [1, 2, 7] {
        let module = link_by(threads, &object).expect("it links");
        assert!(module == whole, "{threads} threads write something else");
    }
}

/// Wherever the damage is, the section is written again as a whole, and says what one
/// thread says.
#[test]
fn damage_is_found_in_every_slice() {
    let object = large();
    let name = b"reloc..debug_info";
    let at = object.windows(name.len()).position(|bytes| bytes == name);
    // After the name: the patched section, the count, and the entries.
    let entries = at.expect("the section is there") + name.len() + 4;
    let one = Threads::Current;
    let mut refused = 0;
    for (nth, byte) in [0x7f, 0x00, 0x80, 0x09, 0xff, 0x08]
        .iter()
        .cycle()
        .take(24)
        .enumerate()
    {
        let mut bad = object.clone();
        bad[entries + nth * 15_013] = *byte;
        let job = Job::new().file("large.o", bad.clone()).args("large.o");
        let env = Env {
            files: &job.memory_files(),
            threads: one,
            ..Env::default()
        };
        let mut module = Vec::new();
        let whole = link(job.inputs(), &Options::default(), &env, &mut module);
        match link_by(3, &bad) {
            Ok(sliced) => assert!(whole.is_ok() && sliced == module, "byte {nth}"),
            Err(error) => {
                refused += 1;
                assert_eq!(
                    whole.err().map(|error| error.diagnostics),
                    Some(error.diagnostics)
                );
            }
        }
    }
    assert!(refused > 5, "{refused} were refused");
}
