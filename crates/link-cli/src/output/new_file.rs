//! A file that is there complete or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use link_core::Places;
use replace_file::Permissions;

use crate::sys::{self, Room, TempFile};

/// A file that is made beside the one whose place it takes.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// The path as it was given.
    path: PathBuf,
    temporary: TempFile,
    room: Option<Room>,
}

impl NewFile {
    /// Begins a file that is to be at `path`, where a regular file is, or nothing.
    pub(crate) fn beside(path: &Path, permissions: Permissions) -> io::Result<Self> {
        Ok(Self {
            temporary: sys::new_file(path, permissions)?,
            path: path.to_owned(),
            room: None,
        })
    }

    /// The path as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself, to be written from its beginning on.
    pub(crate) fn file(&self) -> &File {
        self.temporary.file()
    }

    /// Room for all of its bytes, which the disk is known to have.
    pub(crate) fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
        let room = Room::new(self.temporary.file(), len)?;
        Ok(self.room.insert(room).bytes())
    }

    /// The file itself, to be written part by part, where the platform can do that; else
    /// room for all of its bytes.
    pub(crate) fn room_or_places(&mut self, len: usize) -> io::Result<link_core::Room<'_>> {
        if !sys::reserve_places(self.temporary.file(), len)? {
            return self.room(len).map(link_core::Room::Memory);
        }
        Ok(link_core::Room::Places(self))
    }

    /// Brings the file to its place. It gets the permissions of the file that it replaces.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        if let Some(room) = self.room.take() {
            room.finish(self.temporary.file())?;
        }
        self.temporary.commit()
    }
}

impl Places for NewFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        sys::write_at(self.file(), bytes, offset)
    }
}
