//! Object output: copied if it is one object, merged if there are more.

use lld_driver::{Arch, LinkError, LinkJob, Mode, Os, OutputMode, copy_object};

use crate::objects::Object;
use crate::support::{Dir, rust_lld};

fn object_job(objects: &[&str]) -> LinkJob {
    let mut job = LinkJob::new(Arch::Wasm32, Os::None, OutputMode::Object, "out.o");
    job.objects = objects.iter().map(Into::into).collect();
    job
}

#[test]
fn one_object_is_copied() {
    let dir = Dir::new();
    // The copy is not looked into: this is no object at all.
    dir.write("a.o", "anything");
    rust_lld()
        .link(&object_job(&["a.o"]), Mode::Captured, &dir.options())
        .unwrap();
    assert_eq!(dir.read("out.o"), b"anything");
}

#[test]
fn several_objects_are_merged_into_one_that_links() {
    let dir = Dir::new();
    dir.write("a.o", Object::new().function("_start", &["f"]).bytes());
    dir.write("b.o", Object::new().function("f", &["outside"]).bytes());
    let lld = rust_lld();
    lld.link(&object_job(&["a.o", "b.o"]), Mode::Captured, &dir.options())
        .unwrap();

    let mut job = LinkJob::new(Arch::Wasm32, Os::None, OutputMode::Executable, "out.wasm");
    job.module_object = Some("out.o".into());
    lld.link(&job, Mode::Captured, &dir.options()).unwrap();
    let module = dir.read("out.wasm");
    crate::support::assert_valid(&module);
    let import = b"\x03env\x07outside";
    assert!(module.windows(import.len()).any(|bytes| bytes == import));
}

#[test]
fn no_object_is_an_error() {
    let dir = Dir::new();
    let error = rust_lld()
        .link(&object_job(&[]), Mode::Captured, &dir.options())
        .unwrap_err();
    assert!(matches!(error, LinkError::Job(_)));
    assert_eq!(
        error.to_string(),
        "there is nothing to make the object 'out.o' of: no inputs were given"
    );
}

#[test]
fn a_copy_onto_itself_leaves_the_file_alone() {
    let dir = Dir::new();
    let path = dir.write("a.o", "contents");
    copy_object(&path, &path).unwrap();
    copy_object(&path, &dir.path("./a.o")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.o", dir.path("link.o")).unwrap();
        copy_object(&path, &dir.path("link.o")).unwrap();
        assert!(dir.path("link.o").is_symlink());
    }
    assert_eq!(dir.read("a.o"), b"contents");
}

#[test]
fn a_failed_copy_leaves_nothing() {
    let dir = Dir::new();
    let error = copy_object(&dir.path("none.o"), &dir.path("out.o")).unwrap_err();
    assert!(error.to_string().contains("none.o"), "{error}");
    dir.write("a.o", "contents");
    copy_object(&dir.path("a.o"), &dir.path("no/dir/out.o")).unwrap_err();
    let names: Vec<_> = std::fs::read_dir(dir.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["a.o"]);
}

#[cfg(unix)]
#[test]
fn a_copy_replaces_what_a_link_leads_to_and_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;

    let dir = Dir::new();
    dir.write("a.o", "new");
    let target = dir.write("target.o", "old");
    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("target.o", dir.path("out.o")).unwrap();
    copy_object(&dir.path("a.o"), &dir.path("out.o")).unwrap();
    assert!(dir.path("out.o").is_symlink());
    assert_eq!(dir.read("target.o"), b"new");
    let mode = target.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_copy_to_a_device_is_written_to_it() {
    use std::os::unix::fs::FileTypeExt;

    let dir = Dir::new();
    dir.write("a.o", "contents");
    copy_object(&dir.path("a.o"), "/dev/null".as_ref()).unwrap();
    let device = std::fs::metadata("/dev/null").unwrap();
    assert!(device.file_type().is_char_device());
}
