//! Cutting inputs into their strings, and what is kept of that: where each went.

use std::sync::atomic::{AtomicU32, Ordering};

use super::partition::BatchScratch;
use crate::fingerprint::{Fingerprint, Numbered};

/// Inputs longer than this get a table of piece numbers by offset, one entry for every
/// `1 << HINT_SHIFT` bytes.
const HINT_FROM: usize = 1 << 8;
const HINT_SHIFT: u32 = 6;

/// A piece of an input and where it went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// Offset in the input.
    pub(super) start: u32,
    /// Offset in the result; until that is known, what [`Piece::string`] says.
    pub(super) out: u32,
}

/// What is known of a piece's string before it has a place.
enum PieceString {
    /// Its id.
    Id(u32),
    /// It is that of an earlier piece of the batch.
    Of(u32),
}

impl Piece {
    /// In `out`, beside the number of an earlier piece. Neither numbers of pieces nor ids get
    /// as large: a batch has few megabytes, and of so many different strings the inputs would
    /// have 10 GB and the lists of them take 100.
    const REPEATED: u32 = 1 << 31;

    /// A piece that begins at `start` and, if that is known, is the same string as `earlier`.
    #[inline]
    fn new(start: usize, earlier: Option<u32>) -> Self {
        Self {
            start: start as u32,
            out: earlier.map_or(0, |earlier| earlier | Self::REPEATED),
        }
    }

    /// Which string it is, as long as that has no place.
    #[inline]
    fn string(self) -> PieceString {
        match self.out & Self::REPEATED {
            0 => PieceString::Id(self.out),
            _ => PieceString::Of(self.out & !Self::REPEATED),
        }
    }
}

/// Some consecutive inputs.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) pieces: Vec<Piece>,
    /// For each input, its first piece; one entry more for the end.
    first: Vec<u32>,
    /// For each input, its first entry of `hints`; one entry more for the end.
    first_hint: Vec<u32>,
    /// For every `1 << HINT_SHIFT` bytes of a long input, the piece (counted within the
    /// input) that holds the first of them.
    hints: Vec<u32>,
}

/// One of the inputs of [`MergedStrings`](super::MergedStrings): where its strings went.
#[derive(Debug, Clone, Copy)]
pub struct MergedInput<'m> {
    pieces: &'m [Piece],
    /// Empty if the input is short.
    hints: &'m [u32],
}

impl<'m> MergedInput<'m> {
    /// Its strings, in order.
    pub(super) fn pieces(self) -> &'m [Piece] {
        self.pieces
    }

    /// Where byte `offset` of the input went: an offset in the result. An offset beyond
    /// the input's end counts from its last string.
    #[inline]
    pub fn locate(self, offset: u64) -> u64 {
        let is_after = |piece: &Piece| u64::from(piece.start) > offset;
        let hint = usize::try_from(offset >> HINT_SHIFT).ok();
        let after = match hint.and_then(|nth| self.hints.get(nth)) {
            Some(&hint) => {
                let mut after = hint as usize + 1;
                while self.pieces.get(after).is_some_and(|piece| !is_after(piece)) {
                    after += 1;
                }
                after
            }
            None => self.pieces.partition_point(|piece| !is_after(piece)),
        };
        match after.checked_sub(1).map(|nth| self.pieces[nth]) {
            Some(piece) => u64::from(piece.out).wrapping_add(offset - u64::from(piece.start)),
            // An input without strings.
            None => offset,
        }
    }
}

/// What is left of an earlier input whose pieces another one has had, too: objects that
/// include the same headers mostly have their strings in the same order, and to compare a
/// piece with the next one there takes less than to find its end, hash it and look it up.
#[derive(Default)]
struct Model<'a> {
    rest: &'a [u8],
    /// The piece with which that begins, and the one behind its last.
    next: u32,
    end: u32,
}

impl<'a> Model<'a> {
    /// What stands behind piece `piece`, of `len` bytes. Nothing if that is one of the last
    /// input, whose pieces are not all known.
    fn behind(batch: &Batch, inputs: &[&'a [u8]], piece: u32, len: usize) -> Self {
        let input = batch.first.partition_point(|&first| first <= piece) - 1;
        let Some(&end) = batch.first.get(input + 1) else {
            return Self::default();
        };
        let start = batch.pieces[piece as usize].start as usize + len;
        Self {
            rest: &inputs[input][start..],
            next: piece + 1,
            end,
        }
    }

    /// Its first piece; empty if there is none.
    #[inline]
    fn piece(&self, batch: &Batch) -> &'a [u8] {
        if self.next + 1 >= self.end {
            return self.rest;
        }
        let start_of = |piece: u32| batch.pieces[piece as usize].start;
        &self.rest[..(start_of(self.next + 1) - start_of(self.next)) as usize]
    }

    /// Goes on behind its first piece, which has `len` bytes.
    #[inline]
    fn advance(&mut self, len: usize) {
        self.rest = &self.rest[len..];
        self.next += 1;
    }
}

impl Batch {
    /// Cuts inputs, every one of which ends with a null, at their nulls, and hashes the
    /// pieces while they are near the processor.
    pub(super) fn cut(inputs: &[&[u8]], scratch: &mut BatchScratch) -> Self {
        let bytes: usize = inputs.iter().map(|input| input.len()).sum();
        let mut batch = Self {
            pieces: std::mem::take(&mut scratch.room),
            first: Vec::with_capacity(inputs.len() + 1),
            first_hint: Vec::with_capacity(inputs.len() + 1),
            hints: Vec::with_capacity((bytes >> HINT_SHIFT) + inputs.len()),
        };
        for input in inputs {
            batch.begin_input();
            let first = batch.pieces.len();
            let first_hint = batch.hints.len();
            let hinted = input.len() >= HINT_FROM;
            let mut start = 0;
            let mut model = Model::default();
            while start < input.len() {
                let number = batch.pieces.len() as u32;
                let rest = &input[start..];
                let expected = model.piece(&batch);
                let (len, earlier) = if !expected.is_empty() && rest.starts_with(expected) {
                    let earlier = model.next;
                    model.advance(expected.len());
                    (expected.len(), Some(earlier))
                } else {
                    let len = memchr::memchr(0, rest).map_or(rest.len(), |null| null + 1);
                    let bytes = &rest[..len];
                    let piece = Numbered::new(Fingerprint::of(bytes), number);
                    let earlier = scratch.push(piece, bytes);
                    if let Some(earlier) = earlier {
                        model = Model::behind(&batch, inputs, earlier, len);
                    }
                    (len, earlier)
                };
                batch.pieces.push(Piece::new(start, earlier));
                start += len;
                if hinted {
                    batch.hint(first_hint, number - first as u32, start);
                }
            }
        }
        batch.begin_input();
        // How many there are was not known: only now is there a list without spare room.
        let pieces = batch.pieces.as_slice().to_vec();
        scratch.room = std::mem::replace(&mut batch.pieces, pieces);
        scratch.room.clear();
        batch
    }

    /// One input out of its parts, each with how many bytes and which pieces it has.
    pub(super) fn joined<'m>(parts: impl Iterator<Item = (usize, &'m [Piece])>) -> Self {
        let mut batch = Self::default();
        batch.begin_input();
        let mut start = 0;
        for (len, pieces) in parts {
            let ends = pieces.iter().skip(1).map(|next| next.start as usize);
            for (piece, end) in pieces.iter().zip(ends.chain([len])) {
                batch.hint(0, batch.pieces.len() as u32, start + end);
                batch.pieces.push(Piece {
                    start: start as u32 + piece.start,
                    out: piece.out,
                });
            }
            start += len;
        }
        batch.begin_input();
        batch
    }

    /// Says that bytes of a long input before `end` that no hint is about are in its piece
    /// `piece`. `first` is its first hint.
    #[inline]
    fn hint(&mut self, first: usize, piece: u32, end: usize) {
        while (self.hints.len() - first) << HINT_SHIFT < end {
            self.hints.push(piece);
        }
    }

    fn begin_input(&mut self) {
        self.first.push(self.pieces.len() as u32);
        self.first_hint.push(self.hints.len() as u32);
    }

    /// Tells each piece where it is, of the offsets of all strings by their ids.
    pub(super) fn place(&mut self, offsets: &[AtomicU32]) {
        for nth in 0..self.pieces.len() {
            self.pieces[nth].out = match self.pieces[nth].string() {
                PieceString::Id(id) => offsets[id as usize].load(Ordering::Relaxed),
                PieceString::Of(earlier) => self.pieces[earlier as usize].out,
            };
        }
    }

    /// The bytes of piece `piece` (counted within the batch) of the batch's inputs.
    pub(super) fn bytes<'a>(&self, inputs: &[&'a [u8]], piece: u32) -> &'a [u8] {
        let input = self.first.partition_point(|&first| first <= piece) - 1;
        let start = self.pieces[piece as usize].start as usize;
        if piece + 1 == self.first[input + 1] {
            return &inputs[input][start..];
        }
        &inputs[input][start..self.pieces[piece as usize + 1].start as usize]
    }

    #[inline]
    pub(super) fn input(&self, input: usize) -> MergedInput<'_> {
        let of = |first: &[u32]| first[input] as usize..first[input + 1] as usize;
        MergedInput {
            pieces: &self.pieces[of(&self.first)],
            hints: &self.hints[of(&self.first_hint)],
        }
    }
}
