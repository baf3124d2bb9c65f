//! Any bytes as an input, which mostly means an archive: members are listed and parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use link_core::link::read::{Input, Inputs, LoadedFiles, ReadInput, read};
use link_core::link::{Env, FileData, Options};

fuzz_target!(|bytes: &[u8]| {
    for whole_archive in [false, true] {
        let loaded = LoadedFiles::new();
        let mut input = Input::bytes("fuzz.a", FileData::new(bytes.to_vec()));
        input.whole_archive = whole_archive;
        let inputs = Inputs {
            search_paths: Vec::new(),
            inputs: vec![input],
        };
        let options = Options::default();
        let files = NoFiles;
        let env = Env {
            files: &files,
            ..Env::default()
        };
        for input in read(inputs, &loaded, &options, &env).inputs {
            if let ReadInput::Lazy(member) = input {
                let _ = member.parse();
            }
        }
    }
});

/// Thin archives name files: none is ever opened.
struct NoFiles;

impl link_core::link::Files for NoFiles {
    fn read(&self, _: &std::path::Path) -> std::io::Result<FileData> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn exists(&self, _: &std::path::Path) -> bool {
        false
    }
}
