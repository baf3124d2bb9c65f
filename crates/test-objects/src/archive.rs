//! Archives, in the forms that tools write.

/// Which tool an archive is made like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveForm {
    /// GNU: a member's header refers to a table of names.
    Gnu,
    /// GNU, with 64-bit offsets in the index.
    Gnu64,
    /// GNU, with the names in the members' headers, of 15 bytes at most.
    GnuShort,
    /// BSD: a name stands before a member's contents.
    Bsd,
    /// GNU's thin archive: members are paths of files that stay where they are.
    Thin,
}

/// An archive to be.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// Which tool it is made like.
    pub form: ArchiveForm,
    /// Name and contents of the members.
    pub members: &'a [(&'a str, &'a [u8])],
    /// The symbols, by the place of their members in `members`.
    pub index: Option<&'a [(usize, &'a str)]>,
}

/// An archive of `members`: name and contents. `index` lists symbols by the place of
/// their members among these; without entries there is none.
pub fn archive(form: ArchiveForm, members: &[(&str, &[u8])], index: &[(usize, &str)]) -> Vec<u8> {
    Archive {
        form,
        members,
        index: (!index.is_empty()).then_some(index),
    }
    .build()
}

impl Archive<'_> {
    /// The bytes of the archive.
    pub fn build(&self) -> Vec<u8> {
        // Offsets in the index depend on its size, not on its values: the first round finds them.
        let mut headers = vec![0; self.members.len()];
        self.write(&mut headers);
        self.write(&mut headers)
    }

    /// Writes an index with `headers`, the offsets of the members' headers, and sets them.
    fn write(&self, headers: &mut [usize]) -> Vec<u8> {
        let magic: &[u8] = if self.form == ArchiveForm::Thin {
            b"!<thin>\n"
        } else {
            b"!<arch>\n"
        };
        let mut out = magic.to_vec();
        if let Some(index) = self.index {
            let (name, contents) = self.encode_index(index, headers);
            put_member(&mut out, name, &contents);
        }
        let has_table = match self.form {
            ArchiveForm::Gnu | ArchiveForm::Gnu64 | ArchiveForm::Thin => !self.members.is_empty(),
            ArchiveForm::GnuShort | ArchiveForm::Bsd => false,
        };
        if has_table {
            let names = self.members.iter().map(|(name, _)| format!("{name}/\n"));
            put_member(&mut out, "//", names.collect::<String>().as_bytes());
        }
        let mut long_name = 0;
        for ((name, contents), header) in self.members.iter().zip(headers) {
            *header = out.len();
            match self.form {
                ArchiveForm::Bsd => {
                    let named = [name.as_bytes(), contents].concat();
                    put_member(&mut out, &format!("#1/{}", name.len()), &named);
                }
                ArchiveForm::Thin => put_header(&mut out, &format!("/{long_name}"), contents.len()),
                ArchiveForm::Gnu | ArchiveForm::Gnu64 => {
                    put_member(&mut out, &format!("/{long_name}"), contents);
                }
                ArchiveForm::GnuShort => put_member(&mut out, &format!("{name}/"), contents),
            }
            long_name += name.len() + 2;
        }
        out
    }

    /// Name and contents of the index.
    fn encode_index(&self, index: &[(usize, &str)], headers: &[usize]) -> (&'static str, Vec<u8>) {
        let mut names = Vec::new();
        let mut entries = Vec::new();
        for (member, name) in index {
            let header = headers[*member];
            match self.form {
                ArchiveForm::Gnu64 => entries.extend((header as u64).to_be_bytes()),
                ArchiveForm::Gnu | ArchiveForm::GnuShort | ArchiveForm::Thin => {
                    entries.extend((header as u32).to_be_bytes());
                }
                ArchiveForm::Bsd => {
                    entries.extend((names.len() as u32).to_le_bytes());
                    entries.extend((header as u32).to_le_bytes());
                }
            }
            names.extend(name.as_bytes());
            names.push(0);
        }
        let mut contents = Vec::new();
        let name = match self.form {
            ArchiveForm::Gnu | ArchiveForm::GnuShort | ArchiveForm::Thin => {
                contents.extend((index.len() as u32).to_be_bytes());
                "/"
            }
            ArchiveForm::Gnu64 => {
                contents.extend((index.len() as u64).to_be_bytes());
                "/SYM64/"
            }
            ArchiveForm::Bsd => {
                contents.extend((entries.len() as u32).to_le_bytes());
                entries.extend((names.len() as u32).to_le_bytes());
                "__.SYMDEF"
            }
        };
        contents.extend(entries);
        contents.extend(names);
        // As LLVM's archiver does; GNU's pads behind the index.
        if self.form == ArchiveForm::GnuShort && contents.len() % 2 == 1 {
            contents.push(0);
        }
        (name, contents)
    }
}

fn put_member(out: &mut Vec<u8>, name: &str, contents: &[u8]) {
    put_header(out, name, contents.len());
    out.extend_from_slice(contents);
    if out.len() % 2 == 1 {
        out.push(b'\n');
    }
}

fn put_header(out: &mut Vec<u8>, name: &str, size: usize) {
    out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_says_where_the_members_are() {
        let members: [(&str, &[u8]); 2] = [("a.o", b"odd"), ("b.o", b"even")];
        let bytes = archive(ArchiveForm::Gnu, &members, &[(0, "f"), (1, "g")]);
        let text = String::from_utf8_lossy(&bytes);
        let parts: Vec<&str> = text.split("`\n").collect();
        assert_eq!(
            parts[2],
            "a.o/\nb.o/\n/0              0           0     0     644     3         "
        );
        assert_eq!(&bytes[8 + 60 + 4..][..8], [0, 0, 0, 154, 0, 0, 0, 218]);
        assert!(bytes[154..].starts_with(b"/0 "));
        assert!(bytes[218..].starts_with(b"/5 "));
    }
}
