//! The build id (tool-conventions BuildId.md): made of the output's own bytes, which are
//! hashed in blocks while they are written. What is hashed how is `wasm-ld`'s choice, so that
//! the same output has the same id.

use sha1::{Digest, Sha1};
use xxhash_rust::xxh3::Xxh3;

use super::outline::{Outline, SectionContents};
use crate::options::BuildId;
use crate::par;

/// Bytes that are hashed as one block. The block size is part of what the id means: it
/// must not depend on the machine.
pub(super) const BLOCK: u64 = 1 << 20;

/// What stands in the place of the id while the output is hashed.
pub(super) const PLACEHOLDER: u8 = b' ';

/// A hash that is fed with bytes as they come.
pub(super) trait Hash<const N: usize>: Default + Send {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self) -> [u8; N];
}

impl Hash<8> for Xxh3 {
    fn update(&mut self, bytes: &[u8]) {
        Xxh3::update(self, bytes);
    }

    fn finish(self) -> [u8; 8] {
        self.digest().to_le_bytes()
    }
}

impl Hash<20> for Sha1 {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }

    fn finish(self) -> [u8; 20] {
        self.finalize().into()
    }
}

/// A run of the output's bytes that one thread writes and hashes, piece by piece. It need not
/// begin or end where a block does.
pub(super) struct Run<'o, H, const N: usize> {
    start: u64,
    at: u64,
    /// The rest of the block in whose middle the run begins.
    head: Vec<&'o [u8]>,
    /// Hashes of the blocks that lie within.
    blocks: Vec<[u8; N]>,
    /// The block in whose middle the run ends.
    open: H,
}

impl<'o, H: Hash<N>, const N: usize> Run<'o, H, N> {
    /// A run that begins at an offset of the output.
    pub(super) fn new(start: u64) -> Self {
        Self {
            start,
            at: start,
            head: Vec::new(),
            blocks: Vec::new(),
            open: H::default(),
        }
    }

    /// Whether the block in whose middle the run begins is complete.
    fn is_past_head(&self) -> bool {
        self.start.is_multiple_of(BLOCK) || self.at / BLOCK > self.start / BLOCK
    }

    /// Adds what follows.
    pub(super) fn push(&mut self, mut bytes: &'o [u8]) {
        while !bytes.is_empty() {
            let room = (BLOCK - self.at % BLOCK) as usize;
            let now;
            (now, bytes) = bytes.split_at(room.min(bytes.len()));
            let in_head = !self.is_past_head();
            self.at += now.len() as u64;
            if in_head {
                self.head.push(now);
                continue;
            }
            self.open.update(now);
            if self.at.is_multiple_of(BLOCK) {
                self.blocks.push(std::mem::take(&mut self.open).finish());
            }
        }
    }
}

/// The hash over the hashes of the blocks of an output that these runs are, in order.
pub(super) fn combine<H: Hash<N>, const N: usize>(runs: Vec<Run<'_, H, N>>) -> [u8; N] {
    enum Block<'o, H, const N: usize> {
        Hashed([u8; N]),
        /// What was hashed of it, and the rest.
        Open(H, Vec<&'o [u8]>),
    }
    let mut blocks = Vec::new();
    let mut open: Option<(H, Vec<&[u8]>)> = None;
    for run in runs {
        let past_head = run.is_past_head();
        if let Some((_, rest)) = &mut open {
            rest.extend(run.head);
        }
        if past_head {
            blocks.extend(open.take().map(|(hash, rest)| Block::Open(hash, rest)));
            blocks.extend(run.blocks.into_iter().map(Block::Hashed));
            open = (!run.at.is_multiple_of(BLOCK)).then_some((run.open, Vec::new()));
        }
    }
    blocks.extend(open.map(|(hash, rest)| Block::Open(hash, rest)));
    let hashes = par::map(blocks, |block| match block {
        Block::Hashed(hash) => hash,
        Block::Open(mut hash, rest) => {
            for bytes in rest {
                hash.update(bytes);
            }
            hash.finish()
        }
    });
    let mut all = H::default();
    all.update(hashes.as_flattened());
    all.finish()
}

/// Writes the id, for which the output has room.
pub(super) fn write(outline: &Outline, id: &[u8], out: &mut [u8]) {
    let section = outline
        .sections
        .iter()
        .find(|section| matches!(section.contents, SectionContents::BuildId));
    if let Some(section) = section {
        let start = section.contents_offset() as usize;
        out[start..start + section.size as usize].copy_from_slice(id);
    }
}

/// The id that needs no hash.
pub(super) fn given(kind: &BuildId) -> &[u8] {
    match kind {
        BuildId::None | BuildId::Fast | BuildId::Sha1 => &[],
        BuildId::Uuid(bytes) => bytes,
        BuildId::Hex(bytes) => bytes,
    }
}

/// The UUID (RFC 9562, version 5) of a hash, among the names of `wasm-ld`'s.
pub(super) fn uuid(hash: [u8; 8]) -> [u8; 16] {
    let mut hasher = Sha1::new();
    Digest::update(&mut hasher, NAMESPACE);
    Digest::update(&mut hasher, hash);
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize()[..16]);
    id[6] = id[6] & 0x0f | 0x50;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// The namespace of the UUIDs of `wasm-ld`.
const NAMESPACE: [u8; 16] = [
    0xa1, 0xfa, 0x48, 0x2d, 0x0e, 0x22, 0x03, 0x8d, 0x33, 0x8b, 0x52, 0x1c, 0xd6, 0xd2, 0x12, 0xb2,
];
