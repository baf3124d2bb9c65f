//! Archives as `ar` writes them (the GNU form): an index of names, long names, members.

/// A member of an archive.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// What the archive's index says that it defines.
    pub(super) symbols: Vec<String>,
}

/// The archive with these members.
pub(super) fn encode(members: &[Member]) -> Vec<u8> {
    const MAGIC: &[u8] = b"!<arch>\n";
    const HEADER_LEN: usize = 60;
    let mut long_names = String::new();
    let mut names = Vec::new();
    for member in members {
        names.push(format!("/{}", long_names.len()));
        long_names += &member.name;
        long_names += "/\n";
    }
    let symbols = || members.iter().flat_map(|member| &member.symbols);
    let text_len: usize = symbols().map(|name| name.len() + 1).sum();
    let index_len = 4 + 4 * symbols().count() + text_len;
    let mut at = MAGIC.len()
        + HEADER_LEN
        + index_len.next_multiple_of(2)
        + HEADER_LEN
        + long_names.len().next_multiple_of(2);

    let mut index = (symbols().count() as u32).to_be_bytes().to_vec();
    for member in members {
        for _ in &member.symbols {
            index.extend((at as u32).to_be_bytes());
        }
        at += HEADER_LEN + member.bytes.len().next_multiple_of(2);
    }
    for name in symbols() {
        index.extend(name.bytes());
        index.push(0);
    }
    let mut out = MAGIC.to_vec();
    put_member(&mut out, "/", &index);
    put_member(&mut out, "//", long_names.as_bytes());
    for (member, name) in members.iter().zip(&names) {
        put_member(&mut out, name, &member.bytes);
    }
    out
}

fn put_member(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let len = bytes.len();
    out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{len:<10}`\n", 0, 0, 0, 644).bytes());
    out.extend(bytes);
    if len % 2 == 1 {
        out.push(b'\n');
    }
}
