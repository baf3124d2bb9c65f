//! Thin archives, whose members are files: none of them is overwritten.

use std::fs;

use crate::support::{Room, member_header, object};
use crate::written::REPORTS;

/// A thin archive of files, each with the symbol that the index lists for it, or with none (empty).
pub(crate) fn thin_archive(members: &[(&[u8], &str)]) -> Vec<u8> {
    let mut names = Vec::new();
    let mut headers = Vec::new();
    for (path, _) in members {
        headers.push(member_header(&format!("/{}", names.len()), 1));
        names.extend([path, &b"/\n"[..]].concat());
    }
    names.resize(names.len().next_multiple_of(2), b'\n');
    let mut symbols: Vec<u8> = Vec::new();
    let mut places = Vec::new();
    for (nth, (_, symbol)) in members.iter().enumerate() {
        if !symbol.is_empty() {
            symbols.extend(symbol.bytes().chain([0]));
            places.push(nth);
        }
    }
    // The index: how many, where they are, which.
    let index_len = (4 + 4 * places.len() + symbols.len()).next_multiple_of(2);
    let members_at = 8 + 60 + index_len + 60 + names.len();
    let mut index = (places.len() as u32).to_be_bytes().to_vec();
    for nth in places {
        index.extend(((members_at + 60 * nth) as u32).to_be_bytes());
    }
    index.extend(symbols);
    index.resize(index_len, 0);
    let tables = [
        member_header("/", index.len()),
        index,
        member_header("//", names.len()),
        names,
    ];
    [&b"!<thin>\n"[..], &tables.concat(), &headers.concat()].concat()
}

/// A directory where `lib/thin.a` has the member `member.o`, which a link of `calls.o` needs, and
/// others that it does not need; one is a thin archive itself, and one is `lib/thin.a` again.
fn room() -> Room {
    let room = Room::new();
    let members: [(&[u8], &str); 5] = [
        (b"member.o", "f"),
        (b"sub/unused.o", "g"),
        (b"gone.o", "h"),
        (b"./thin.a", ""),
        (b"sub/inner.a", ""),
    ];
    room.write("lib/thin.a", thin_archive(&members));
    room.write("lib/sub/inner.a", thin_archive(&[(b"deep", "i")]));
    room.write("lib/member.o", object("f", None));
    room.write("lib/sub/unused.o", object("g", None));
    room.write("lib/sub/deep", object("i", None));
    fs::hard_link(room.path("lib/sub/unused.o"), room.path("hard")).expect("a link is made");
    #[cfg(unix)]
    std::os::unix::fs::symlink("lib/sub/unused.o", room.path("soft")).expect("a link is made");
    room
}

/// The members of `lib/thin.a` that no link needs, each by another name where there is one: the
/// name, and the path in the archive.
fn unused_members() -> Vec<(&'static str, &'static str)> {
    let mut members = vec![
        ("lib/sub/unused.o", "lib/sub/unused.o"),
        ("lib/../lib/sub/inner.a", "lib/sub/inner.a"),
        ("lib/sub/deep", "lib/sub/deep"),
    ];
    if cfg!(all(unix, feature = "platform")) {
        members.push(("hard", "lib/sub/unused.o"));
    }
    if cfg!(unix) {
        members.push(("soft", "lib/sub/unused.o"));
    }
    members
}

#[test]
fn no_member_is_overwritten_whether_or_not_it_is_linked() {
    for backend in ["--backend=native", "--backend=lld"] {
        for (option, what) in REPORTS.into_iter().chain([("-o", "the output")]) {
            for (name, member) in unused_members() {
                let room = room();
                let before = room.read(member);
                let given = format!("{option}{name}");
                let args = ["calls.o", "lib/thin.a", "-o", "x", &given, backend];
                let stderr = room.run(args).failed();
                assert_eq!(
                    stderr,
                    format!(
                        "wasm-link: error: {name}: {what} would overwrite the input {member}\n"
                    )
                );
                assert_eq!(room.read(member), before);
                assert!(!room.path("x").exists());
            }
        }
    }
}

/// Nor by a link that fails, which some reports are written of.
#[test]
fn a_link_that_fails_overwrites_no_member() {
    for inputs in [&["calls.o", "calls.o"][..], &[]] {
        for option in ["--why-extract=", "--reproduce="] {
            let room = room();
            // Cut in the header of the last member.
            let archive = room.read("lib/thin.a");
            let len = if inputs.is_empty() { 10 } else { 0 };
            room.write("lib/thin.a", &archive[..archive.len() - len]);
            let before = room.read("lib/sub/unused.o");
            let given = format!("{option}lib/sub/unused.o");
            let args = ["lib/thin.a", "-o", "x", &given, "--backend=native"];
            let stderr = room.run(inputs.iter().copied().chain(args)).failed();
            assert!(
                stderr.ends_with(" would overwrite the input lib/sub/unused.o\n"),
                "{stderr}"
            );
            assert_eq!(room.read("lib/sub/unused.o"), before);
        }
    }
}

/// What is beside members is no input.
#[test]
fn other_files_are_replaced() {
    let room = room();
    let members: [(&[u8], &str); 2] = [(b"member.o", "f"), (b"sub/unused.o", "g")];
    room.write("lib/two.a", thin_archive(&members));
    for backend in ["--backend=native", "--backend=lld"] {
        for _ in 0..2 {
            let args = "calls.o lib/two.a -o lib/x.o --Map=lib/sub/map --why-extract=lib/gone";
            room.run(args.split(' ').chain([backend])).ok();
        }
    }
}
