//! Links that follow one another by a `Session`: what is patched, what makes a link a full one, and
//! that a patched program is the program.

use link_core::module::{CustomDef, FunctionBody, Module};
use link_core::options::{Entry, Strip};
use link_core::{Env, FullReason, Input, Inputs, LinkError, Options, Relinked, Session, link};
use wasm_format::FuncType;
use wasm_format::reloc::RelocType;

use crate::common::source::{POINTER, Source, sig};
use crate::common::{Random, mutate};
use crate::support::{bytes, run, validate};

/// A session and the files that it links.
struct Work {
    session: Session,
    files: Vec<(String, Source)>,
}

/// A source as compilers write them: they say what they are.
fn source() -> Source {
    let mut source = Source::new();
    source.features(&["+mutable-globals"]);
    source
}

fn options() -> Options {
    let mut options = Options::default();
    options.entry = Entry::None;
    options.exports = vec!["check".into()];
    options
}

impl Work {
    fn new(options: Options, files: &[(&str, Source)]) -> Self {
        let files = files
            .iter()
            .map(|(name, source)| ((*name).to_owned(), source.clone()));
        Self {
            session: Session::new(options),
            files: files.collect(),
        }
    }

    fn inputs(&self) -> Inputs<'static> {
        let files = self.files.iter();
        Inputs {
            inputs: files
                .map(|(name, source)| Input {
                    lazy: name.ends_with(".lazy.o"),
                    ..bytes(name, source)
                })
                .collect(),
            ..Inputs::default()
        }
    }

    fn edit(&mut self, name: &str, source: Source) -> &mut Self {
        let file = self.files.iter_mut().find(|file| file.0 == name);
        file.expect("a known file").1 = source;
        self
    }

    fn link(&mut self) -> Result<Relinked, LinkError> {
        let before = self.session.bytes().to_vec();
        let done = self.session.link(self.inputs(), &Env::default());
        match &done {
            Ok(done) => {
                let now = self.session.bytes();
                validate(now);
                let mut copy = before;
                copy.resize(now.len(), 0);
                for range in &done.changed {
                    copy[range.clone()].copy_from_slice(&now[range.clone()]);
                }
                assert!(copy == now, "not all that changed is told");
            }
            Err(_) => assert!(
                self.session.bytes() == before,
                "a failed link changed something"
            ),
        }
        done
    }

    /// Links, and tells why it was a full link and what the program returns.
    fn outcome(&mut self) -> (Option<FullReason>, i32) {
        let done = self.link().expect("it links");
        (done.full, run(self.session.bytes(), "check"))
    }

    /// As [`Work::outcome`], of a link that patches.
    fn patched(&mut self) -> i32 {
        let (full, result) = self.outcome();
        assert_eq!(full, None);
        result
    }

    fn full_link(&self, options: &Options) -> Result<Vec<u8>, LinkError> {
        let mut module = Vec::new();
        link(self.inputs(), options, &Env::default(), &mut module).map(|_| module)
    }
}

fn check(body: impl FnOnce(&mut crate::common::source::Body<'_>)) -> Source {
    let mut main = source();
    main.function("check", sig(0, 1), body);
    main
}

fn constant(name: &'static str, value: i32) -> Source {
    let mut one = source();
    one.constant(name, value);
    one
}

#[test]
fn a_body_that_changed_is_patched() {
    let main = check(|body| {
        body.call("f", sig(0, 1));
    });
    let mut work = Work::new(options(), &[("main.o", main), ("f.o", constant("f", 1))]);
    assert_eq!(work.outcome(), (Some(FullReason::First), 1));
    assert_eq!(work.patched(), 1);
    let done = work.edit("f.o", constant("f", 2)).link().expect("it links");
    assert_eq!(done.full, None);
    let bytes: Vec<usize> = done
        .changed
        .iter()
        .map(std::iter::ExactSizeIterator::len)
        .collect();
    assert_eq!(bytes, [1], "the number, and nothing else");
    assert_eq!(run(work.session.bytes(), "check"), 2);
}

#[test]
fn a_body_may_grow_move_shrink_and_come_back() {
    let main = check(|body| {
        body.call("f", sig(0, 1));
    });
    let f = |value: i32, size: usize| {
        let mut f = source();
        f.function("f", sig(0, 1), |body| {
            for _ in 0..size {
                body.i32(1).raw(&[0x1a]); // drop
            }
            body.i32(value);
        });
        f
    };
    let mut work = Work::new(options(), &[("main.o", main), ("f.o", f(1, 0))]);
    work.outcome();
    for (value, size) in [(2, 60), (3, 61), (4, 1), (5, 40), (6, 90), (7, 0)] {
        assert_eq!(work.edit("f.o", f(value, size)).patched(), value);
    }
    let too_large = work.edit("f.o", f(8, 9000)).outcome();
    assert_eq!(too_large, (Some(FullReason::NoRoom("CODE")), 8));
    assert_eq!(work.edit("f.o", f(9, 9001)).patched(), 9);
}

#[test]
fn functions_data_and_types_come_and_go() {
    let main = check(|body| {
        body.call("f", sig(0, 1));
    });
    let mut before = source();
    before.constant("f", 1);
    let mut after = source();
    after
        .function("f", sig(0, 1), |body| {
            body.i32(20).i32(300).call("g", sig(2, 1));
        })
        .function("g", sig(2, 1), |body| {
            body.param(0).param(1).raw(&[0x6a]); // i32.add
            body.pointer("h", sig(1, 1)).raw(&[0x1a]);
            body.i32(4000)
                .pointer("h", sig(1, 1))
                .call_indirect(sig(1, 1));
            body.raw(&[0x6a]);
        })
        .local("g")
        .function("h", sig(1, 1), |body| {
            body.param(0).address("datum", 0).load().raw(&[0x6a]);
        })
        .local("h")
        .data("datum", ".data.datum", [5, 0, 0, 0])
        .local("datum")
        .align(2);
    // Something has to have the table.
    let mut table = source();
    table
        .data("slot", ".data.slot", [0; 4])
        .points(0, RelocType::TableIndexI32, "check", 0);
    table.flag("slot", wasm_format::linking::SymbolFlags::NO_STRIP);
    let files = [
        ("main.o", main),
        ("f.o", before.clone()),
        ("table.o", table),
    ];
    let mut work = Work::new(options(), &files);
    assert_eq!(work.outcome(), (Some(FullReason::First), 1));
    for _ in 0..3 {
        assert_eq!(work.edit("f.o", after.clone()).patched(), 4325);
        assert_eq!(work.edit("f.o", before.clone()).patched(), 1);
    }
}

#[test]
fn what_other_files_would_notice_is_a_full_link() {
    let main = check(|body| {
        body.call("f", sig(0, 1));
    });
    let mut work = Work::new(options(), &[("main.o", main), ("f.o", constant("f", 1))]);
    work.outcome();
    // Another name.
    let error = work.edit("f.o", constant("g", 2)).link().unwrap_err();
    assert!(error.to_string().contains("undefined symbol: f"), "{error}");
    // A mistake that is mended costs nothing more.
    assert_eq!(work.edit("f.o", constant("f", 3)).patched(), 3);
    // A new name may be used by others at once.
    let mut two = constant("f", 4);
    two.constant("g", 5);
    let other = check(|body| {
        body.call("g", sig(0, 1));
    });
    work.edit("f.o", two).edit("main.o", other);
    assert_eq!(work.patched(), 5);
    // Another signature.
    let mut wide = source();
    wide.function("f", sig(1, 1), |body| {
        body.param(0);
    });
    wide.function("g", sig(0, 1), |body| {
        body.i32(6);
    });
    assert_eq!(work.edit("f.o", wide).patched(), 6);
    // Another file.
    let last = constant("h", 7);
    work.files.push(("h.o".into(), last));
    assert_eq!(work.outcome(), (Some(FullReason::Inputs), 6));
}

#[test]
fn a_cancelled_link_changes_nothing() {
    let main = check(|body| {
        body.call("f", sig(0, 1));
    });
    let mut work = Work::new(options(), &[("main.o", main), ("f.o", constant("f", 1))]);
    work.outcome();
    work.edit("f.o", constant("f", 2));
    let before = work.session.bytes().to_vec();
    let cancel = true.into();
    let env = Env {
        cancel: Some(&cancel),
        ..Env::default()
    };
    let error = work.session.link(work.inputs(), &env).unwrap_err();
    assert!(error.to_string().contains("cancelled"), "{error}");
    assert!(work.session.bytes() == before);
    assert_eq!(work.patched(), 2);
}

#[test]
fn objects_in_files_are_told_by_their_identity() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let main = check(|body| {
        body.call("f", sig(0, 1));
    });
    std::fs::write(path("main.o"), main.build()).expect("it is written");
    let write = |value: i32| {
        std::fs::write(path("f.o.new"), constant("f", value).build()).expect("it is written");
        std::fs::rename(path("f.o.new"), path("f.o")).expect("it is renamed");
    };
    let inputs = || Inputs {
        inputs: vec![Input::path(path("main.o")), Input::path(path("f.o"))],
        ..Inputs::default()
    };
    write(1);
    let mut session = Session::new(options());
    for (value, full) in [(1, Some(FullReason::First)), (2, None), (3, None)] {
        write(value);
        let done = session.link(inputs(), &Env::default()).expect("it links");
        assert_eq!(done.full, full);
        assert_eq!(run(session.bytes(), "check"), value);
        let done = session.link(inputs(), &Env::default()).expect("it links");
        assert_eq!((done.full, done.changed), (None, Vec::new()));
    }
}

#[test]
fn generated_code_is_patched_beside_objects() {
    let mut module = Module::default();
    let f = module.announce_function("f").expect("it is announced");
    let helper = module
        .announce_imported_function("helper")
        .expect("it is announced");
    let imported = FunctionBody::new(sig(0, 1));
    module.update(helper, imported).expect("it is updated");
    let check = check(|body| {
        body.call("f", sig(0, 1));
    });
    let mut session = Session::new(options());
    let mut link = |module: &Module, helper: i32| {
        let generated = module.link_input().expect("it is complete");
        let inputs = Inputs {
            inputs: vec![
                bytes("main.o", &check),
                Input::object(generated.object("generated")),
                bytes("helper.o", &constant("helper", helper)),
            ],
            ..Inputs::default()
        };
        let done = session.link(inputs, &Env::default()).expect("it links");
        validate(session.bytes());
        (done.full, run(session.bytes(), "check"))
    };
    let body = |value: i32| {
        let mut body = FunctionBody::new(sig(0, 1));
        body.call(helper)
            .code(&[0x41])
            .signed(value.into())
            .code(&[0x6a])
            .end();
        body
    };
    module.update(f, body(1)).expect("it is updated");
    assert_eq!(link(&module, 10), (Some(FullReason::First), 11));
    module.update(f, body(2)).expect("it is updated");
    assert_eq!(link(&module, 10), (None, 12));
    assert_eq!(link(&module, 20), (None, 22));
    module.update(f, body(1 << 30)).expect("it is updated");
    assert_eq!(link(&module, 20), (None, (1 << 30) + 20));
    // What is taken out of the inputs is there for a full link.
    let g = module.announce_function("g").expect("it is announced");
    let mut other = FunctionBody::new(sig(1, 0));
    other.end();
    module.update(g, other).expect("it is updated");
    let mut both = FunctionBody::new(sig(0, 1));
    both.code(&[0x41]).signed(0).call(g).call(helper).end();
    module.update(f, both).expect("it is updated");
    assert_eq!(link(&module, 5), (None, 5));
    let section = module
        .announce_custom_section("user")
        .expect("it is announced");
    let contents = CustomDef {
        bytes: b"123".to_vec(),
        holes: Vec::new(),
    };
    module.update(section, contents).expect("it is updated");
    assert_eq!(link(&module, 6), (Some(FullReason::CustomSection), 6));
    assert_eq!(link(&module, 7), (None, 7));
}

/// What a user sees of a program: its exports, and what it returns.
fn seen(module: &[u8]) -> (Vec<String>, i32) {
    let parsed = wasmi::Module::new(&wasmi::Engine::default(), module);
    let parsed = parsed.expect("a valid module");
    // Memory and tables may be larger.
    let exports = parsed.exports().map(|export| match export.ty().func() {
        Some(ty) => format!("{}: {ty:?}", export.name()),
        None => export.name().to_owned(),
    });
    (exports.collect(), run(module, "check"))
}

/// Links files that are other ones in each step. After each the program is, for the user, that of a
/// full link. Returns why each was a full one.
fn follow(options: &Options, steps: &[Vec<(&str, Source)>]) -> Vec<Option<FullReason>> {
    let mut work = Work::new(options.clone(), &[]);
    let mut reasons = Vec::new();
    for (nth, files) in steps.iter().enumerate() {
        work.files = Work::new(options.clone(), files).files;
        match (work.link(), work.full_link(options)) {
            (Ok(done), Ok(full)) => {
                let patched = work.session.bytes();
                assert_eq!(seen(patched), seen(&full), "step {nth}, {:?}", done.full);
                reasons.push(done.full);
            }
            (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
            (Ok(_), Err(error)) => panic!("step {nth}: it fails: {error}"),
            (Err(error), Ok(_)) => panic!("step {nth}: it links: {error}"),
        }
    }
    reasons
}

fn calls(names: &[&'static str]) -> Source {
    check(|body| {
        body.i32(0);
        for name in names {
            body.call(name, sig(0, 1)).raw(&[0x6a]); // i32.add
        }
    })
}

const FIRST: Option<FullReason> = Some(FullReason::First);

#[test]
fn another_export_name_is_a_full_link() {
    let step = |export: &'static str, value: i32| {
        let mut f = constant("f", value);
        f.export("f", export);
        vec![("main.o", calls(&["f"])), ("f.o", f)]
    };
    let reasons = follow(
        &options(),
        &[step("one", 1), step("one", 2), step("two", 2)],
    );
    assert_eq!(reasons, [FIRST, None, Some(FullReason::Object)]);
}

#[test]
fn a_function_that_moved_may_change_its_type() {
    let step = |params: usize, size: usize| {
        let mut f = source();
        f.function("g", sig(params, 1), |body| {
            for _ in 0..size {
                body.i32(1).raw(&[0x1a]); // drop
            }
            body.i32(size as i32);
            for param in 0..params {
                body.param(param as u32).raw(&[0x6a]);
            }
        });
        f.function("f", sig(0, 1), |body| {
            for param in 0..params {
                body.i32(param as i32);
            }
            body.call("g", sig(params, 1));
        });
        vec![("main.o", calls(&["f"])), ("f.o", f)]
    };
    let steps = [
        step(2, 0),
        step(2, 80),
        step(0, 79),
        step(1, 81),
        step(1, 0),
        step(0, 80),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, None, None, None, None, None]);
    // The call with its arguments has to fit where the old body was.
    let reasons = follow(&options(), &[step(0, 0), step(0, 80), step(9, 80)]);
    assert_eq!(reasons, [FIRST, None, Some(FullReason::NoRoom("CODE"))]);
}

#[test]
fn empty_data_takes_nothing_from_its_neighbour() {
    let step = |is_first: bool| {
        let mut f = source();
        if is_first {
            f.data("empty", ".data.empty", []);
        }
        f.data("d", ".data.d", [5, 0, 0, 0]);
        if !is_first {
            f.data("empty", ".data.empty", []);
        }
        f.function("f", sig(0, 1), |body| {
            body.address("d", 0).load().address("empty", 0).raw(&[0x1a]);
        });
        vec![("main.o", calls(&["f"])), ("f.o", f)]
    };
    let reasons = follow(&options(), &[step(true), step(false), step(true)]);
    assert_eq!(reasons, [FIRST, None, None]);
}

const RESOLUTION: Option<FullReason> = Some(FullReason::Resolution);

/// A constant of which others may have a definition as well.
fn weak(name: &'static str, value: i32) -> Source {
    let mut source = constant(name, value);
    source.weak(name);
    source
}

#[test]
fn a_definition_that_is_no_longer_weak_is_a_full_link() {
    let step = |a: Source, b: Source| vec![("main.o", calls(&["f"])), ("a.o", a), ("b.o", b)];
    let steps = [
        step(weak("f", 1), weak("f", 2)),
        step(weak("f", 1), weak("f", 3)),
        step(weak("f", 1), constant("f", 3)),
        step(weak("f", 2), constant("f", 3)),
        step(constant("f", 1), constant("f", 3)),
        step(constant("f", 1), weak("f", 3)),
        step(constant("f", 5), weak("f", 4)),
        step(weak("f", 5), weak("f", 4)),
    ];
    let reasons = follow(&options(), &steps);
    // The fifth step is an error.
    assert_eq!(
        reasons,
        [FIRST, None, RESOLUTION, None, RESOLUTION, None, RESOLUTION]
    );
}

#[test]
fn files_that_share_a_definition_and_change_together() {
    let file = |name: &'static str, mut file: Source| {
        file.function(name, sig(0, 1), |body| {
            body.call("f", sig(0, 1));
        });
        file
    };
    let step = |a: Source, b: Source| {
        let main = calls(&["a", "b"]);
        vec![
            ("main.o", main),
            ("a.o", file("a", a)),
            ("b.o", file("b", b)),
        ]
    };
    let steps = [
        step(weak("f", 1), weak("f", 10)),
        step(weak("f", 1), constant("f", 10)),
        step(weak("f", 2), weak("f", 20)),
        step(constant("f", 3), weak("f", 30)),
        step(weak("f", 4), weak("f", 40)),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, RESOLUTION, RESOLUTION, None, None]);
}

#[test]
fn a_copy_that_leaves_its_comdat_is_a_second_definition() {
    let copy = |value: i32| {
        let mut file = constant("f", value);
        file.comdat("f", &["f"]);
        file
    };
    let step = |a: Source, b: Source| {
        let mut b = b;
        b.constant("b", 5);
        vec![("main.o", calls(&["f", "b"])), ("a.o", a), ("b.o", b)]
    };
    let steps = [
        step(copy(1), copy(1)),
        step(copy(2), copy(3)),
        step(copy(2), constant("f", 3)),
        step(copy(2), copy(4)),
        step(constant("f", 3), copy(4)),
    ];
    let reasons = follow(&options(), &steps);
    // Where one is in no comdat, a link fails.
    assert_eq!(reasons, [FIRST, None, None]);
}

#[test]
fn a_reference_may_ask_to_keep_what_was_left_out() {
    let f = |keeps: bool| {
        let mut f = source();
        f.function("f", sig(0, 1), |body| {
            body.i32(1);
        });
        if keeps {
            f.callee("unused", sig(0, 1));
            f.flag("unused", wasm_format::linking::SymbolFlags::NO_STRIP);
        }
        f
    };
    let step = |keeps: bool| {
        let other = constant("unused", 7);
        vec![
            ("main.o", calls(&["f"])),
            ("f.o", f(keeps)),
            ("other.o", other),
        ]
    };
    let reasons = follow(&options(), &[step(false), step(true)]);
    assert_eq!(reasons, [FIRST, Some(FullReason::Revived)]);
}

#[test]
fn a_member_that_is_only_asked_for_weakly_is_not_linked() {
    let main = || {
        let mut main = check(|body| {
            body.call("f", sig(0, 1)).address("w", 0);
            body.raw(&[0x45, 0x6a]); // i32.eqz, i32.add
        });
        main.weak("w");
        main
    };
    let mut member = constant("member", 20);
    member.data("w", ".data.w", [1]);
    let step = |names: &[&'static str], main: Source| {
        let mut f = source();
        f.function("f", sig(0, 1), |body| {
            body.i32(10);
            for name in names {
                body.call(name, sig(0, 1)).raw(&[0x6a]);
            }
        });
        let member = ("m.lazy.o", member.clone());
        let other = ("n.lazy.o", constant("other", 30));
        vec![("main.o", main), ("f.o", f), member, other]
    };
    let steps = [
        step(&["member", "other"], main()),
        // What nothing else speaks of may stay.
        step(&["member"], main()),
        step(&[], main()),
        step(&["member"], main()),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, None, RESOLUTION, RESOLUTION]);
    let steps = [
        step(&["member"], calls(&["f"])),
        step(&[], calls(&["f"])),
        step(&[], main()),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, None, RESOLUTION]);
}

#[test]
fn a_reference_that_is_weak_now_asks_for_no_member() {
    let step = |is_weak: bool, defines: bool| {
        let mut f = source();
        f.function("f", sig(0, 1), |body| {
            body.address("w", 0).raw(&[0x45]); // i32.eqz
        });
        if defines {
            f.data("w", ".data.w", [1]);
        }
        if is_weak {
            f.weak("w");
        }
        let mut member = source();
        member.data("w", ".data.w", [1]);
        vec![("main.o", calls(&["f"])), ("m.lazy.o", member), ("f.o", f)]
    };
    let steps = [
        step(false, false),
        step(true, false),
        step(false, false),
        step(true, true),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, RESOLUTION, RESOLUTION, RESOLUTION]);
}

#[test]
fn a_member_that_acts_is_linked_while_a_file_asks_for_it() {
    let step = |first: &[&'static str], second: &[&'static str]| {
        let file = |name: &'static str, names: &[&'static str]| {
            let mut file = source();
            file.function(name, sig(0, 1), |body| {
                body.i32(0);
                for name in names {
                    body.call(name, sig(0, 1)).raw(&[0x6a]);
                }
            });
            file
        };
        let mut actor = constant("actor", 100);
        actor.export("actor", "actor");
        vec![
            ("main.o", calls(&["first", "second"])),
            ("first.o", file("first", first)),
            ("second.o", file("second", second)),
            ("between.lazy.o", file("between", &["actor"])),
            ("actor.lazy.o", actor),
            ("other.lazy.o", constant("other", 1)),
        ]
    };
    let steps = [
        step(&["between", "other"], &["between"]),
        step(&["other"], &["between"]),
        step(&[], &["between"]),
        step(&[], &["actor"]),
        step(&[], &[]),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, None, None, None, RESOLUTION]);
}

const MOVED: Option<FullReason> = Some(FullReason::Moved);
const RELOCATION: Option<FullReason> = Some(FullReason::Relocation);

#[test]
fn what_a_full_link_alone_decides_is_left_to_it() {
    // A comdat whose name is no symbol's, and whose file has it no more.
    let file = |name: &'static str, has_group: bool| {
        let mut file = source();
        file.function(name, sig(0, 1), |body| {
            if has_group {
                body.call("x", sig(0, 1)).call("y", sig(0, 1)).raw(&[0x6a]);
            } else {
                body.i32(1);
            }
        });
        if has_group {
            file.constant("x", 20).weak("x").constant("y", 30).weak("y");
            file.comdat("group", &["x", "y"]);
        }
        file
    };
    let step = |a: bool, b: bool| {
        let main = calls(&["a", "b"]);
        vec![
            ("main.o", main),
            ("a.o", file("a", a)),
            ("b.o", file("b", b)),
        ]
    };
    let steps = [
        step(true, true),
        step(false, true),
        step(true, true),
        step(true, false),
    ];
    let reasons = follow(&options(), &steps);
    assert_eq!(reasons, [FIRST, RESOLUTION, RESOLUTION, None]);

    // An address that a global has.
    let step = |size: u8| {
        let mut f = source();
        f.data("d", ".data.d", vec![size; size.into()]);
        f.function("f", sig(0, 1), |body| {
            body.got("d").load8();
        });
        vec![("main.o", calls(&["f"])), ("f.o", f)]
    };
    let reasons = follow(&options(), &[step(4), step(40), step(4)]);
    assert_eq!(reasons, [FIRST, RELOCATION, RELOCATION]);

    // A global that was left out.
    let step = |uses: bool| {
        let mut f = source();
        f.global("g", POINTER, 7);
        f.function("f", sig(0, 1), |body| {
            if uses {
                body.global("g", POINTER);
            } else {
                body.i32(1);
            }
        });
        vec![("main.o", calls(&["f"])), ("f.o", f)]
    };
    let reasons = follow(
        &options(),
        &[step(false), step(true), step(false), step(true)],
    );
    assert_eq!(reasons, [FIRST, RELOCATION, None, None]);

    // Names of one function.
    let step = |is_one: bool, value: i32| {
        let mut f = constant("f", value);
        if is_one {
            f.alias("g", "f");
        } else {
            f.constant("g", value + 1);
        }
        vec![("main.o", calls(&["f", "g"])), ("f.o", f)]
    };
    let steps = [step(true, 1), step(false, 5), step(true, 9), step(true, 10)];
    assert_eq!(follow(&options(), &steps), [FIRST, MOVED, MOVED, None]);

    // What was only spoken of, and is missing.
    let step = |uses: bool| {
        let mut f = source();
        f.callee("missing", sig(0, 1));
        f.function("f", sig(0, 1), |body| {
            if uses {
                body.call("missing", sig(0, 1));
            } else {
                body.i32(1);
            }
        });
        vec![("main.o", calls(&["f"])), ("f.o", f)]
    };
    for gc_sections in [true, false] {
        let mut options = options();
        options.gc_sections = gc_sections;
        assert_eq!(follow(&options, &[step(false), step(true)]), [FIRST]);
    }
}

/// Programs that are edited at random.
mod random {
    use super::*;

    #[derive(Clone)]
    struct Function {
        id: usize,
        salt: i32,
        padding: usize,
        local: bool,
        /// Which inline functions it calls.
        inlines: Vec<usize>,
        calls: Vec<usize>,
        takes: Vec<usize>,
        reads: Vec<usize>,
    }

    #[derive(Clone)]
    struct Datum {
        id: usize,
        bytes: Vec<u8>,
        local: bool,
        zero: bool,
        string: bool,
    }

    #[derive(Clone, Default)]
    struct Unit {
        functions: Vec<Function>,
        data: Vec<Datum>,
        /// What its init function stores, if it has one.
        init: Option<i32>,
    }

    struct Program {
        units: Vec<Unit>,
        /// What is added by each inline function, of which every unit that calls it has a copy.
        inlines: Vec<i32>,
        next: usize,
        random: Random,
    }

    fn leak(name: String) -> &'static str {
        name.leak()
    }

    fn function_name(function: &Function) -> &'static str {
        leak(format!("f{}", function.id))
    }

    fn ty(id: usize) -> FuncType {
        sig(1 + id % 3, 1)
    }

    impl Program {
        fn new(seed: u64) -> Self {
            let mut program = Self {
                units: vec![Unit::default(); 5],
                inlines: (0..6).collect(),
                next: 0,
                random: Random(seed),
            };
            // What is called has a higher number, so it comes first.
            program.next = 40;
            for _ in 0..20 {
                program.add_function();
            }
            program
        }

        fn add_function(&mut self) {
            let random = &mut self.random;
            let unit = random.below(self.units.len());
            self.next += 1;
            let id = self.next;
            let mut function = Function {
                id,
                salt: random.below(1000) as i32,
                padding: random.below(6),
                local: random.chance(40),
                inlines: Vec::new(),
                calls: Vec::new(),
                takes: Vec::new(),
                reads: Vec::new(),
            };
            if random.chance(60) {
                let zero = random.chance(20);
                let string = !zero && random.chance(30);
                let mut bytes: Vec<u8> = (0..4 + random.below(30))
                    .map(|_| 1 + random.below(200) as u8)
                    .collect();
                if string {
                    bytes.push(0);
                }
                if zero {
                    bytes.fill(0);
                }
                self.units[unit].data.push(Datum {
                    id,
                    bytes,
                    local: random.chance(50),
                    zero,
                    string,
                });
                function.reads.push(id);
            }
            self.units[unit].functions.push(function);
            self.call(id);
        }

        /// Lets some function call, or take the address of, function `to`.
        fn call(&mut self, to: usize) {
            let all: Vec<(usize, usize)> = self.places();
            let unit_of = |id| {
                all.iter()
                    .copied()
                    .find(|&(unit, nth)| self.units[unit].functions[nth].id == id)
            };
            let Some((unit, nth)) = unit_of(to) else {
                return;
            };
            let local = self.units[unit].functions[nth].local;
            let callers: Vec<_> = all
                .into_iter()
                .filter(|&(of, nth)| {
                    self.units[of].functions[nth].id < to && (!local || of == unit)
                })
                .collect();
            if let Some(&(of, nth)) = self.random.place(&callers).map(|at| &callers[at]) {
                let caller = &mut self.units[of].functions[nth];
                if self.random.chance(25) {
                    caller.takes.push(to);
                } else if caller.calls.len() < 3 {
                    caller.calls.push(to);
                }
            }
        }

        fn places(&self) -> Vec<(usize, usize)> {
            let units = self.units.iter().enumerate();
            units
                .flat_map(|(unit, it)| (0..it.functions.len()).map(move |nth| (unit, nth)))
                .collect()
        }

        fn remove_function(&mut self) {
            let places = self.places();
            let Some(at) = self.random.place(&places) else {
                return;
            };
            let (unit, nth) = places[at];
            let gone = self.units[unit].functions.remove(nth).id;
            self.units[unit].data.retain(|datum| datum.id != gone);
            for unit in &mut self.units {
                for function in &mut unit.functions {
                    function.calls.retain(|&id| id != gone);
                    function.takes.retain(|&id| id != gone);
                    function.reads.retain(|&id| id != gone);
                }
            }
        }

        fn edit(&mut self) {
            let places = self.places();
            let place = self.random.place(&places).map(|at| places[at]);
            let choice = self.random.below(16);
            match (choice, place) {
                (0..=4, Some((unit, nth))) => {
                    let function = &mut self.units[unit].functions[nth];
                    function.salt = self.random.below(1 << 20) as i32;
                }
                (5, Some((unit, nth))) => {
                    self.units[unit].functions[nth].padding = self.random.below(60);
                }
                (6, Some((unit, nth))) => {
                    let id = self.units[unit].functions[nth].id;
                    self.call(id);
                }
                (7, Some((unit, nth))) => {
                    let function = &mut self.units[unit].functions[nth];
                    function.calls.pop();
                    function.takes.pop();
                }
                (8, Some((unit, _))) if !self.units[unit].data.is_empty() => {
                    let nth = self.random.below(self.units[unit].data.len());
                    let value = 1 + self.random.below(200) as u8;
                    let grows = self.random.chance(40);
                    let datum = &mut self.units[unit].data[nth];
                    if !datum.zero {
                        datum.bytes[0] = value;
                    }
                    if grows {
                        let at = datum.bytes.len() / 2;
                        datum.bytes.insert(at, if datum.zero { 0 } else { value });
                    }
                }
                (9, _) => self.remove_function(),
                (10, Some((unit, nth))) => {
                    let inline = self.random.below(self.inlines.len());
                    self.units[unit].functions[nth].inlines.push(inline);
                }
                (11, Some((unit, nth))) => {
                    self.units[unit].functions[nth].inlines.pop();
                }
                (12, _) => {
                    let nth = self.random.below(self.inlines.len());
                    self.inlines[nth] = self.random.below(1000) as i32;
                }
                (13, Some((unit, _))) => {
                    let value = self.random.below(1000) as i32;
                    self.units[unit].init = self.random.chance(80).then_some(value);
                }
                _ => self.add_function(),
            }
        }

        fn source(&self, nth: usize) -> Source {
            let unit = &self.units[nth];
            let all = || self.units.iter().flat_map(|unit| &unit.functions);
            let by_id = |id| {
                all()
                    .find(|function| function.id == id)
                    .expect("it is there")
            };
            let mut source = source();
            for datum in &unit.data {
                let name = leak(format!("d{}", datum.id));
                let segment = match (datum.zero, datum.string) {
                    (true, _) => leak(format!(".bss.{name}")),
                    (_, true) => ".rodata.str",
                    _ => leak(format!(".data.{name}")),
                };
                source.data(name, segment, datum.bytes.clone());
                if datum.string {
                    source.segment_flags(wasm_format::linking::SegmentFlags::STRINGS);
                }
                if datum.local || datum.string {
                    source.local(name);
                }
            }
            for function in &unit.functions {
                let name = function_name(function);
                source.function(name, ty(function.id), |body| {
                    let arguments = |body: &mut crate::common::source::Body<'_>, id: usize| {
                        for _ in 0..id % 3 {
                            body.param(0);
                        }
                    };
                    for nth in 0..function.padding {
                        body.i32(nth as i32).raw(&[0x1a]);
                    }
                    body.param(0).i32(function.salt).raw(&[0x6a]);
                    for &id in &function.calls {
                        arguments(body, id);
                        body.call(function_name(by_id(id)), ty(id));
                        body.i32(31).raw(&[0x6c]); // i32.mul
                    }
                    for &id in &function.takes {
                        arguments(body, id);
                        body.pointer(function_name(by_id(id)), ty(id));
                        body.call_indirect(ty(id)).i32(17).raw(&[0x6c]);
                    }
                    for inline in &function.inlines {
                        body.call(leak(format!("inline{inline}")), sig(0, 1))
                            .raw(&[0x6a]);
                    }
                    for &id in &function.reads {
                        body.address(leak(format!("d{id}")), 0).load8().raw(&[0x6a]);
                    }
                });
                if function.local {
                    source.local(name);
                }
            }
            for (inline, &salt) in self.inlines.iter().enumerate() {
                let mut functions = unit.functions.iter();
                if functions.any(|function| function.inlines.contains(&inline)) {
                    let name = leak(format!("inline{inline}"));
                    source.constant(name, salt).weak(name).comdat(name, &[name]);
                }
            }
            if let Some(value) = unit.init {
                let (init, state) = (leak(format!("init{nth}")), leak(format!("state{nth}")));
                source
                    .data(state, leak(format!(".data.{state}")), [0; 4])
                    .align(2)
                    .local(state);
                source
                    .function(init, sig(0, 0), |body| {
                        body.address(state, 0).i32(value).store();
                        body.address("initialized", 0)
                            .address("initialized", 0)
                            .load();
                        body.address(state, 0).load().raw(&[0x6a]).store();
                    })
                    .local(init)
                    .init(1, init);
            }
            if nth == 0 {
                source
                    .data("initialized", ".data.initialized", [0; 4])
                    .align(2);
                source.function("check", sig(0, 1), |body| {
                    body.address("initialized", 0).load();
                    for function in all().filter(|function| !function.local).take(12) {
                        for _ in 0..=(function.id % 3) {
                            body.i32(7);
                        }
                        body.call(function_name(function), ty(function.id));
                        body.raw(&[0x6a]).i32(13).raw(&[0x6c]);
                    }
                });
            }
            source
        }

        fn files(&self) -> Vec<(String, Source)> {
            let units = 0..self.units.len();
            units
                .map(|nth| (format!("{nth}.o"), self.source(nth)))
                .collect()
        }
    }

    /// Returns how many links there were, and how many of them patched.
    fn sequence(seed: u64, edits: usize) -> (usize, usize) {
        let mut program = Program::new(seed);
        let mut options = options();
        options.gc_sections = !seed.is_multiple_of(4);
        options.strip = [Strip::None, Strip::All, Strip::Debug][seed as usize % 3];
        options.threads = Some(1);
        options.optimize = (seed % 2) as u32;
        let mut work = Work {
            session: Session::new(options.clone()),
            files: program.files(),
        };
        let (mut links, mut patched) = (0, 0);
        for step in 0..edits {
            work.files = program.files();
            let full = work.full_link(&options);
            match (work.link(), full) {
                (Ok(done), Ok(full)) => {
                    links += 1;
                    patched += usize::from(done.full.is_none());
                    let (ours, theirs) = (run(work.session.bytes(), "check"), run(&full, "check"));
                    assert_eq!(ours, theirs, "seed {seed}, step {step}, {:?}", done.full);
                }
                (Err(_), Err(_)) => {}
                (Ok(_), Err(error)) => panic!("seed {seed}, step {step}: it fails: {error}"),
                (Err(error), Ok(_)) => panic!("seed {seed}, step {step}: it links: {error}"),
            }
            for _ in 0..=program.random.below(2) {
                program.edit();
            }
        }
        (links, patched)
    }

    #[test]
    fn a_program_that_is_patched_is_the_program() {
        let seeds: Vec<u64> = match std::env::var("SESSION_SEEDS") {
            Ok(seeds) => (0..seeds.parse().expect("a number")).collect(),
            Err(_) => (0..12).collect(),
        };
        let (mut links, mut patched) = (0, 0);
        for seed in seeds {
            let done = sequence(seed, 60);
            links += done.0;
            patched += done.1;
        }
        println!("{patched} of {links} links patched");
        assert!(patched * 2 > links, "{patched} of {links} links patched");
    }
}

/// A damaged object is an error, or makes what a full link makes of it.
#[test]
fn damaged_objects_are_those_of_a_full_link() {
    let mut main = check(|body| {
        body.call("f", sig(0, 1));
    });
    main.callee("g", sig(1, 1));
    let mut f = source();
    f.function("f", sig(0, 1), |body| {
        body.address("d", 0).load().call("local", sig(1, 1));
        body.pointer("g", sig(1, 1)).call_indirect(sig(1, 1));
    })
    .function("local", sig(1, 1), |body| {
        body.param(0).i32(3).raw(&[0x6a]);
    })
    .local("local")
    .data("d", ".data.d", [5, 0, 0, 0])
    .data("text", ".rodata.str", *b"text\0")
    .segment_flags(wasm_format::linking::SegmentFlags::STRINGS)
    .custom("user", *b"custom");
    let mut g = source();
    g.function("g", sig(1, 1), |body| {
        body.param(0).i32(7).raw(&[0x6c]);
    });
    let (main, f, g) = (main.build(), f.build(), g.build());
    let inputs = |f: &[u8]| Inputs {
        inputs: [("main.o", &main[..]), ("f.o", f), ("g.o", &g)]
            .map(|(name, bytes)| Input::bytes(name, link_core::FileData::new(bytes.to_vec())))
            .into(),
        ..Inputs::default()
    };
    let mut random = Random(7);
    let mut session = Session::new(options());
    session.link(inputs(&f), &Env::default()).expect("it links");
    let (mut failed, mut patched) = (0, 0);
    for _ in 0..600 {
        let mut damaged = f.clone();
        mutate(&mut damaged, &mut random);
        let mut full = Vec::new();
        let theirs = link(inputs(&damaged), &options(), &Env::default(), &mut full);
        let ours = session.link(inputs(&damaged), &Env::default());
        match (&ours, &theirs) {
            (Ok(ours), Ok(_)) => patched += usize::from(ours.full.is_none()),
            (Err(ours), Err(theirs)) => {
                assert_eq!(ours.to_string(), theirs.to_string());
                failed += 1;
            }
            _ => panic!("{ours:?}\n{theirs:?}"),
        }
        let done = session.link(inputs(&f), &Env::default()).expect("it links");
        patched += usize::from(done.full.is_none());
        validate(session.bytes());
        assert_eq!(run(session.bytes(), "check"), (5 + 3) * 7);
    }
    assert!(failed > 100 && patched > 400, "{failed} {patched}");
}

/// Programs of clang with debug info, where that is installed.
mod debug_info {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::process::{Command, Output};

    use super::*;

    const CLANG: &str = "clang-22";
    const DWARFDUMP: &str = "llvm-dwarfdump-22";

    const MAIN: &str = "int f(int); extern int n; int check(void) { return f(3) + n; }";

    /// What another file is, one after the other.
    const EDITS: [&str; 6] = [
        "int n = 1;\nint f(int x) { return x; }",
        "int n = 2;\nint f(int x) { return x + 1; }",
        "int n = 2;\n\n\nstatic int twice(int x) { return 2 * x; }\n\nint f(int x) {\n  \
         int y = twice(x);\n  for (int i = 0; i < y; i++)\n    y -= i & 1;\n  return y;\n}",
        "struct S { int a; long b; const char *name; };\nstruct S s = {1, 2, \"a string\"};\n\
         int n = 2;\nint f(int x) {\n  return s.a + (int)s.b + s.name[x];\n}",
        "int n = 3;\nint f(int x) { return x + 7; }",
        "int n = 1;\nint f(int x) { return x; }",
    ];

    /// Compiles a source; `None` if there is no compiler.
    fn compile(directory: &Path, name: &str, source: &str, options: &[&str]) -> Option<Vec<u8>> {
        std::fs::write(directory.join(name), source).expect("it is written");
        let done = Command::new(CLANG)
            .args([
                "--target=wasm32",
                "-ffreestanding",
                "-c",
                name,
                "-o",
                "out.o",
            ])
            .args(options)
            .current_dir(directory)
            .output();
        let done = found(CLANG, done.ok())?;
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Some(std::fs::read(directory.join("out.o")).expect("an object"))
    }

    /// Fails if `tool` did not run and the environment says that it has to.
    fn found(tool: &str, output: Option<Output>) -> Option<Output> {
        let is_required = std::env::var_os("REQUIRE_LLVM").is_some();
        assert!(output.is_some() || !is_required, "{tool} is not installed");
        output
    }

    /// What is wrong with debug info, and how often each line is told of; without addresses.
    fn told(directory: &Path, module: &[u8]) -> Option<(Vec<String>, BTreeMap<String, usize>)> {
        std::fs::write(directory.join("out.wasm"), module).expect("it is written");
        let dump = |option: &str| {
            let done = Command::new(DWARFDUMP)
                .args([option, "out.wasm"])
                .current_dir(directory)
                .output();
            let done = found(DWARFDUMP, done.ok())?;
            let text = [done.stdout, done.stderr].concat();
            Some(String::from_utf8_lossy(&text).into_owned())
        };
        let verified = dump("--verify")?;
        let wrong = verified.lines().filter(|line| line.starts_with("error"));
        let mut lines = BTreeMap::new();
        for row in dump("--debug-line")?
            .lines()
            .filter(|line| line.starts_with("0x"))
        {
            let place = row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
            *lines.entry(place).or_insert(0) += 1;
        }
        // Where strings share their ends, the tool takes offsets of strings for wrong.
        let is_wrong = |line: &&str| !line.contains("invalid string offset");
        let wrong = wrong
            .filter(is_wrong)
            .filter(|line| !line.contains("Aggregated"));
        Some((wrong.map(ToOwned::to_owned).collect(), lines))
    }

    #[test]
    fn debug_info_that_is_patched_is_that_of_a_full_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path();
        for options in [
            &["-O0", "-g"][..],
            &["-O2", "-g"],
            &["-O0", "-gdwarf-4", "-gpubnames"],
            &["-O1", "-gdwarf-5", "-gdwarf-aranges"],
        ] {
            let Some(main) = compile(directory, "main.c", MAIN, options) else {
                return;
            };
            let mut session = Session::new(super::options());
            let mut patched = 0;
            for source in EDITS {
                let Some(object) = compile(directory, "f.c", source, options) else {
                    return;
                };
                let inputs = || Inputs {
                    inputs: [("main.o", &main), ("f.o", &object)]
                        .map(|(name, bytes)| {
                            Input::bytes(name, link_core::FileData::new(bytes.clone()))
                        })
                        .into(),
                    ..Inputs::default()
                };
                let done = session.link(inputs(), &Env::default()).expect("it links");
                patched += usize::from(done.full.is_none());
                validate(session.bytes());
                let mut full = Vec::new();
                link(inputs(), &super::options(), &Env::default(), &mut full).expect("it links");
                assert_eq!(run(session.bytes(), "check"), run(&full, "check"));
                let ours = told(directory, session.bytes());
                assert_eq!(ours, told(directory, &full), "{options:?}: {source}");
            }
            assert!(patched >= 3, "{options:?}: {patched}");
        }
    }
}
