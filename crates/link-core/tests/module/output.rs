//! Flushing to a writer and to a file.

use std::io::{self, Write};

use link_core::module::{FlushError, Module, OutputFile};

use crate::support::{constant, flush, function};

#[test]
fn a_file_holds_what_a_buffer_would() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wasm");
    let file = OutputFile::create(&path).unwrap();
    let mut module = Module::default();
    let f = function(&mut module, "f", constant(1));
    let map = module.flush_to_file(file).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes, flush(&module));
    assert_eq!(map, module.flush().unwrap().map);
    assert_eq!(bytes[map.get(f).unwrap().range], [0, 0x41, 1, 0x0b]);
    let mut written = Vec::new();
    module.flush_to_writer(&mut written).unwrap();
    assert_eq!(written, bytes);

    let object = directory.path().join("out.o");
    module
        .write_object_to_file(OutputFile::create(&object).unwrap())
        .unwrap();
    let mut written = Vec::new();
    module.write_object_to_writer(&mut written).unwrap();
    assert_eq!(std::fs::read(&object).unwrap(), written);
    assert_eq!(written, module.write_object().unwrap().bytes);
}

#[test]
fn a_failed_flush_leaves_the_earlier_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wasm");
    std::fs::write(&path, "earlier").unwrap();
    let mut module = Module::default();
    module.announce_function("never").unwrap();
    let file = OutputFile::create(&path).unwrap();
    assert!(matches!(
        module.flush_to_file(file),
        Err(FlushError::Incomplete(_))
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_bad_path_fails_before_the_compile() {
    let directory = tempfile::tempdir().unwrap();
    let error = OutputFile::create(directory.path().join("missing/out.wasm")).unwrap_err();
    assert!(error.to_string().contains("missing/out.wasm"), "{error}");
    assert!(OutputFile::create(directory.path()).is_err());
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_broken_writer_is_an_error() {
    let error = Module::default().flush_to_writer(Broken).unwrap_err();
    assert!(matches!(error, FlushError::Write(_)));
}
