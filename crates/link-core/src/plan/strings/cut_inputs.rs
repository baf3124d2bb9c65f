//! Inputs that are cut into their strings, a batch of them at a time: those of a merge, or those
//! that will be merged for certain, ahead of time.

use super::cut::Batch;
use super::partition::{BatchScratch, StringPartition};
use crate::hash::{HashMap, HashSet};
use crate::par;

/// The bytes of input that make a batch, a unit of parallel work: in more of them more strings
/// are told at once to have come up before, but threads share few units badly.
fn batch_bytes(all: usize) -> usize {
    /// Fewer bytes than these are not worth a unit.
    const LEAST: usize = 16 << 10;
    /// More are worth another one, if there are few,
    const ENOUGH: usize = 1 << 20;
    /// and in any case.
    const MOST: usize = 4 << 20;
    const FEW: usize = 8;
    const MANY: usize = 40;
    (all / FEW).clamp(LEAST, (all / MANY).clamp(ENOUGH, MOST))
}

/// Below this many bytes of input there is one shard;
const SHARDING_FROM: usize = 64 << 10;
/// above, there is one for about as many bytes,
const SHARD_BYTES: usize = 2 << 20;
/// but enough for many threads, and not more than can be filled at once.
const MIN_SHARD_BITS: u32 = 4;
const MAX_SHARD_BITS: u32 = 8;

/// Inputs that were cut.
#[derive(Debug)]
pub struct CutInputs<'a> {
    pub(super) batches: Vec<CutBatch<'a>>,
    pub(super) inputs: Vec<CutInput<'a>>,
    /// Pieces are spread over two to the power of so many shards.
    pub(super) shard_bits: u32,
}

/// Some inputs, or a part of a large one.
#[derive(Debug, Default)]
pub(super) struct CutBatch<'a> {
    pub(super) inputs: Vec<&'a [u8]>,
    pub(super) batch: Batch,
    pub(super) partition: StringPartition,
}

/// An input that was cut.
#[derive(Debug)]
pub(super) struct CutInput<'a> {
    bytes: &'a [u8],
    place: InputPlace,
}

/// Where an input is.
#[derive(Debug)]
enum InputPlace {
    /// In a batch, whose nth it is.
    Whole(u32, u32),
    /// It was split: batches that hold nothing else, and their bytes.
    Split(Vec<(u32, usize)>),
}

impl InputPlace {
    fn batches(&self) -> impl Iterator<Item = u32> {
        let (whole, split) = match self {
            Self::Whole(batch, _) => (Some(*batch), &[][..]),
            Self::Split(parts) => (None, parts.as_slice()),
        };
        whole
            .into_iter()
            .chain(split.iter().map(|&(batch, _)| batch))
    }
}

impl CutInput<'_> {
    /// Its batch and its place in that. If it was split, that is a new one.
    pub(super) fn whole(&self, batches: &mut Vec<Batch>) -> (u32, u32) {
        match &self.place {
            &InputPlace::Whole(batch, nth) => (batch, nth),
            InputPlace::Split(parts) => {
                let parts = parts
                    .iter()
                    .map(|&(batch, bytes)| (bytes, batches[batch as usize].input(0).pieces()));
                let joined = Batch::joined(parts);
                batches.push(joined);
                (batches.len() as u32 - 1, 0)
            }
        }
    }
}

impl<'a> CutInputs<'a> {
    /// Cuts inputs, every one of which ends with a null.
    pub(crate) fn new(inputs: &[&'a [u8]]) -> Self {
        let mut cut = Self::none(shard_bits(inputs));
        cut.add(inputs);
        cut
    }

    fn none(shard_bits: u32) -> Self {
        Self {
            batches: Vec::new(),
            inputs: Vec::new(),
            shard_bits,
        }
    }

    /// All of `inputs`, some of which may have been cut `ahead`, and nothing else; and where each
    /// of them is in the list.
    pub(super) fn complete(ahead: Option<Self>, inputs: &[&'a [u8]]) -> (Self, Vec<usize>) {
        let shard_bits = shard_bits(inputs);
        // If little of all was cut, more shards are better.
        let ahead = ahead.filter(|ahead| ahead.shard_bits + 1 >= shard_bits);
        let mut cut = match ahead {
            Some(mut ahead) => {
                ahead.retain(inputs);
                ahead
            }
            None => Self::none(shard_bits),
        };
        let known: HashMap<_, _> = (cut.inputs.iter().enumerate())
            .map(|(place, input)| (input.bytes.as_ptr_range(), place))
            .collect();
        let mut others = Vec::new();
        let places = inputs
            .iter()
            .map(|input| {
                let place = known.get(&input.as_ptr_range()).copied();
                place.unwrap_or_else(|| {
                    others.push(*input);
                    cut.inputs.len() + others.len() - 1
                })
            })
            .collect();
        cut.add(&others);
        (cut, places)
    }

    /// Empties the batches that have anything of other inputs than these.
    fn retain(&mut self, inputs: &[&'a [u8]]) {
        let wanted: HashSet<_> = inputs.iter().map(|input| input.as_ptr_range()).collect();
        let mut kept = vec![true; self.batches.len()];
        for input in &self.inputs {
            if !wanted.contains(&input.bytes.as_ptr_range()) {
                input
                    .place
                    .batches()
                    .for_each(|batch| kept[batch as usize] = false);
            }
        }
        // What one batch of an input is, all are.
        self.inputs
            .retain(|input| input.place.batches().all(|batch| kept[batch as usize]));
        for (batch, kept) in self.batches.iter_mut().zip(kept) {
            if !kept {
                *batch = CutBatch::default();
            }
        }
    }

    /// Cuts more inputs.
    fn add(&mut self, inputs: &[&'a [u8]]) {
        let batches = self.assign(inputs);
        let shard_bits = self.shard_bits;
        let cut = par::map_with(batches, BatchScratch::default, |scratch, inputs| {
            scratch.clear(shard_bits);
            let batch = Batch::cut(&inputs, scratch);
            CutBatch {
                partition: scratch.partition(),
                batch,
                inputs,
            }
        });
        self.batches.extend(cut);
    }

    /// Makes batches of more inputs.
    fn assign(&mut self, inputs: &[&'a [u8]]) -> Vec<Vec<&'a [u8]>> {
        let enough = batch_bytes(inputs.iter().map(|input| input.len()).sum());
        let first = self.batches.len();
        let mut batches: Vec<Vec<&'a [u8]>> = Vec::new();
        // How many bytes the last one has, if it can get more.
        let mut open = None;
        for &bytes in inputs {
            let parts = split(bytes, enough);
            let next = (first + batches.len()) as u32;
            let place = if parts.len() > 1 {
                let lens = parts.iter().map(|part| part.len());
                let place = InputPlace::Split((next..).zip(lens).collect());
                batches.extend(parts.into_iter().map(|part| vec![part]));
                open = None;
                place
            } else if let (Some(len), Some(last)) = (open, batches.last_mut()) {
                last.push(bytes);
                open = Some(len + bytes.len());
                InputPlace::Whole(next - 1, last.len() as u32 - 1)
            } else {
                batches.push(vec![bytes]);
                open = Some(bytes.len());
                InputPlace::Whole(next, 0)
            };
            open = open.filter(|&len| len < enough);
            self.inputs.push(CutInput { bytes, place });
        }
        batches
    }
}

/// An input that ends with a null in parts of about `bytes`, that end with one, too.
fn split(input: &[u8], bytes: usize) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = input;
    while rest.len() >= 2 * bytes
        && let Some(null) = memchr::memchr(0, &rest[bytes..])
    {
        let (part, after) = rest.split_at(bytes + null + 1);
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Two to the power of it shards suit the pieces of such inputs.
fn shard_bits(inputs: &[&[u8]]) -> u32 {
    let bytes: usize = inputs.iter().map(|input| input.len()).sum();
    if bytes < SHARDING_FROM {
        return 0;
    }
    let bits = (bytes / SHARD_BYTES).checked_ilog2().unwrap_or(0);
    bits.clamp(MIN_SHARD_BITS, MAX_SHARD_BITS)
}
