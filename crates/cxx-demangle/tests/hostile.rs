//! Names that no compiler made: each is shown or refused quickly, and the text is short.

use cxx_demangle::Demangler;

/// What the documentation promises.
fn limit(name: &str) -> usize {
    4096 + 128 * name.len()
}

/// Demangles with half the stack that threads have.
fn on_a_small_stack(check: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(check)
        .expect("a thread")
        .join()
        .expect("no panic");
}

fn shown(name: &str) -> Option<String> {
    let mut text = String::new();
    let demangled = Demangler::new().demangle(name, &mut text);
    // One step of printing can pass the limit, by a part of the name.
    assert!(
        text.len() <= limit(name) + name.len() + 64,
        "{}",
        text.len()
    );
    assert!(demangled || text.is_empty());
    demangled.then_some(text)
}

#[test]
fn nesting_is_limited() {
    on_a_small_stack(|| {
        for (before, middle, after) in [
            ("_Z1f", "P", "i"),
            ("_Z1f", "A1_", "i"),
            ("_Z1f", "K", "i"),
            ("_Z1f", "PF", "vE"),
            ("_Z1f", "M1A", "i"),
            ("_Z1f", "1AI", "iE"),
            ("_Z1f", "N1AI", "iEE"),
            ("_Z1f", "Dp", "i"),
            ("_Z1f", "Dv4_", "i"),
            ("_Z1f", "U1A", "i"),
            ("_Z1f", "Dt", "Li1EE"),
            ("_Z1f", "Z1f", "i"),
            ("_Z1f", "u1AI", "iE"),
            ("_Z1fIX", "ng", "Li1EE"),
            ("_Z1fIX", "pl", "Li1E"),
            ("_Z1fIX", "cl", "E"),
            ("_Z1fIX", "L_Z1fIX", "E"),
            ("_Z1fIX", "il", "E"),
            ("_Z1fIX", "tl1Adi1a", "Li1EE"),
            ("_Z1fIX", "LUl", "vE_E"),
            ("_Z1fIX", "rqX", "E"),
            ("_Z1fI", "J", "E"),
            ("_Z1fI", "Ty", "i"),
            ("_Z1fITt", "Tt", "E"),
            ("_Z1fITp", "Tp", "Ty"),
            ("_Z", "TVN1AI", "iE"),
            ("_Z", "Th0_", "1fv"),
            ("_Z", "Z", "1fvE"),
            ("_ZN1AC", "I1N1AC", "1EE"),
            ("_ZN1A", "cv", "iEv"),
            ("_ZN1Acv", "P", "T_IiEEv"),
        ] {
            for depth in [1, 10, 100, 1000, 10_000] {
                for ending in [after.to_owned(), after.repeat(depth)] {
                    let name = format!("{before}{}{ending}", middle.repeat(depth));
                    shown(&name);
                    shown(&format!("{name}v"));
                    shown(&format!("{name}EEvv"));
                }
            }
        }
    });
}

#[test]
fn what_compilers_nest_is_shown() {
    on_a_small_stack(|| {
        let depth = 300;
        let name = format!("_Z1f{}i{}", "1AI".repeat(depth), "E".repeat(depth));
        let text = format!("f({}int{})", "A<".repeat(depth), ">".repeat(depth));
        assert_eq!(shown(&name), Some(text));
        let name = format!("_Z1f{}i", "P".repeat(depth));
        assert_eq!(shown(&name), Some(format!("f(int{})", "*".repeat(depth))));
    });
}

#[test]
fn output_is_limited() {
    on_a_small_stack(|| {
        // Each argument is twice the one before.
        let mut name = String::from("_Z1f1AIiiE");
        for number in 0..60u32 {
            let sub = base36(number);
            name.extend(["S_IS", &sub, "_S", &sub, "_E"]);
        }
        assert_eq!(shown(&name), None);
        // Nothing is written, again and again: an empty pack of packs.
        let mut name = String::from("_Z1fIJEEvDp1AIT_E");
        for number in 1..40u32 {
            let sub = base36(number);
            name.extend(["DpFS", &sub, "_S", &sub, "_S", &sub, "_E"]);
        }
        shown(&name);
        let name = format!("_Z1fIJ{}EEv{}", "i".repeat(500), "DpP1AIT_DpT_E".repeat(20));
        shown(&name);
    });
}

fn base36(number: u32) -> String {
    let digit = |digit: u32| {
        char::from_digit(digit, 36)
            .expect("a digit")
            .to_ascii_uppercase()
    };
    if number < 36 {
        digit(number).to_string()
    } else {
        format!("{}{}", digit(number / 36), digit(number % 36))
    }
}

#[test]
fn long_names_are_shown_whole_or_not_at_all() {
    let identifier = "a".repeat(100_000);
    let name = format!("_Z100000{identifier}v");
    assert_eq!(shown(&name), Some(format!("{identifier}()")));
    let identifier = "a".repeat(2_000_000);
    assert_eq!(shown(&format!("_Z2000000{identifier}v")), None);
}

#[test]
fn lengths_that_overflow_are_refused() {
    for number in [
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
    ] {
        assert_eq!(shown(&format!("_Z{number}f")), None);
        assert_eq!(shown(&format!("_Z1fS{number}_")), None);
        assert_eq!(shown(&format!("_Z1fT{number}_")), None);
        assert_eq!(shown(&format!("_Z1fTL{number}__")), None);
        assert_eq!(
            shown(&format!("_Z1fIiEv1AIXfL{number}p_EE")),
            Some("void f<int>(A<fp>)".into())
        );
    }
    assert_eq!(shown(&format!("_Z1fS{}_", "Z".repeat(40))), None);
}

#[test]
fn identifiers_may_be_of_any_script() {
    assert_eq!(shown("_Z5größev"), None);
    assert_eq!(shown("_Z7größev"), Some("größe()".into()));
    // The length ends within a character.
    assert_eq!(shown("_Z3größev"), None);
}

/// A sequence of numbers that is the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn damaged_names_are_shown_or_refused() {
    on_a_small_stack(|| {
        let names: Vec<&str> = include_str!("data/features.tsv")
            .lines()
            .chain(include_str!("data/grammar.tsv").lines())
            .filter_map(|line| line.split('\t').next())
            .collect();
        let alphabet = b"_EIJLNPRSTXZKDUQWFABCMHabcdefghijlmnopqrstuvwxyz0123456789.";
        let mut random = Random(1);
        let mut demangler = Demangler::new();
        let mut text = String::new();
        for round in 0..60_000 {
            let mut name = names[random.below(names.len())].as_bytes().to_vec();
            for _ in 0..=random.below(4) {
                let at = 2 + random.below(name.len() - 1);
                let at = at.min(name.len());
                match random.below(5) {
                    0 => name.insert(at, alphabet[random.below(alphabet.len())]),
                    1 => name.truncate(at.max(3)),
                    2 if at < name.len() => {
                        name.remove(at);
                    }
                    3 => {
                        // A piece of another name.
                        let other = names[random.below(names.len())].as_bytes();
                        let start = random.below(other.len());
                        let len = random.below(other.len() - start + 1);
                        let piece = other[start..start + len].iter().copied();
                        name.splice(at..at, piece);
                    }
                    _ if at < name.len() => name[at] = alphabet[random.below(alphabet.len())],
                    _ => {}
                }
                if name.len() < 3 {
                    name.extend(b"_Z1f");
                }
            }
            let Ok(name) = String::from_utf8(name) else {
                continue;
            };
            text.clear();
            let demangled = demangler.demangle(&name, &mut text);
            assert!(
                text.len() <= limit(&name) + name.len() + 64,
                "round {round}: {name}"
            );
            assert!(demangled || text.is_empty(), "round {round}: {name}");
        }
    });
}
