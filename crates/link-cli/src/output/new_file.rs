//! A file that is there complete or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::sys::{self, Mode, Room, TempFile};

/// A file that is made beside the one whose place it takes.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// The path as it was given.
    path: PathBuf,
    /// Where symbolic links lead from there.
    place: PathBuf,
    /// Removed when it does not get to its place.
    temporary: TempFile,
    room: Option<Room>,
}

impl NewFile {
    /// Begins a file that is to be at `path`, where a regular file is, or nothing.
    pub(crate) fn beside(path: &Path, mode: Mode) -> io::Result<Self> {
        let place = follow(path)?;
        Ok(Self {
            temporary: TempFile::new_in(directory(&place), mode)?,
            path: path.to_owned(),
            place,
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
        Ok(link_core::Room::Places(&self.temporary))
    }

    /// Brings the file to its place. It gets the permissions of the file that it replaces.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        if let Some(room) = self.room.take() {
            room.finish(self.temporary.file())?;
        }
        if let Ok(replaced) = fs::metadata(&self.place) {
            self.temporary
                .file()
                .set_permissions(replaced.permissions())?;
        }
        self.temporary.rename(&self.place)
    }
}

/// How many symbolic links may lead to one another; Linux allows as many.
const LINKS: usize = 40;

/// The directory of the file at `path`.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    }
}

/// The place that `path` leads to. A symbolic link may lead to where nothing is yet.
pub(crate) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        if !place.is_symlink() {
            return Ok(place);
        }
        let target = fs::read_link(&place)?;
        // An absolute target replaces the directory.
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("too many symbolic links"))
}
