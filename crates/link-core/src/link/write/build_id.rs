//! The build id (tool-conventions BuildId.md): made of the output's own bytes.

use sha1::{Digest, Sha1};

use crate::link::layout::{Contents, Layout};
use crate::link::options::BuildId;
use crate::link::par;

/// Bytes that are hashed as one block. The block size is part of what the id means: it
/// must not depend on the machine.
const BLOCK: usize = 1 << 20;

/// Writes the build id into its place in `out`, if the output has one. Everything else is
/// written; the id's own bytes count as zeroes.
pub(super) fn write(layout: &Layout<'_>, kind: &BuildId, out: &mut [u8]) {
    let section = layout
        .sections
        .iter()
        .find(|section| matches!(section.contents, Contents::BuildId));
    let Some(section) = section else {
        return;
    };
    let start = section.contents_offset() as usize;
    let place = start..start + section.size as usize;
    out[place.clone()].fill(0);
    let id: Vec<u8> = match kind {
        BuildId::None => return,
        BuildId::Fast => fast(out).to_vec(),
        BuildId::Sha1 => Sha1::digest(&*out).to_vec(),
        BuildId::Uuid(bytes) => bytes.to_vec(),
        BuildId::Hex(bytes) => bytes.clone(),
    };
    out[place].copy_from_slice(&id);
}

/// A name-based UUID (RFC 9562, version 8) of the hash over the hashes of the blocks.
fn fast(out: &[u8]) -> [u8; 16] {
    let blocks: Vec<&[u8]> = out.chunks(BLOCK).collect();
    let hashes = par::map(blocks, blake3::hash);
    let mut hasher = blake3::Hasher::new();
    for hash in &hashes {
        hasher.update(hash.as_bytes());
    }
    let hash = hasher.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash.as_bytes()[..16]);
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    id
}
