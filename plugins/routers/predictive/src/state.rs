//! What the router remembers, as bytes: `bpr` and a version, whether the record was learned from, the line, then each as a
//! number of entries (u16) and the entries: weights and the line of calibration (key, mean, variance), features (key,
//! count, mean, variance), declarations (key). All keys are u32 and all numbers f32, little-endian.
//!
//! At most 9,218 + 28,802 + 26 + 514 + 16,386 bytes and a few, which is less than 64 KiB.

use baton_sdk::router::Line;

use crate::calibration::Calibration;
use crate::declared::Declared;
use crate::model::{Model, Weight};
use crate::scale::{Scale, Usual};

const MAGIC: [u8; 4] = *b"bpr\x01";

/// The state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Whether the host's statistics were learned from: once, at the beginning.
    pub began: bool,
    pub line: Line,
    pub model: Model,
    pub calibration: Calibration,
    pub scale: Scale,
    pub declared: Declared,
}

impl State {
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(u8::from(self.began));
        self.line.write(&mut bytes);
        for model in [&self.model, self.calibration.line()] {
            count(&mut bytes, model.weights().len());
            for Weight { key, mean, variance } in model.weights() {
                entry(&mut bytes, *key, &[*mean, *variance]);
            }
        }
        count(&mut bytes, self.scale.usual().len());
        for Usual { key, count, mean, variance } in self.scale.usual() {
            entry(&mut bytes, *key, &[*count, *mean, *variance]);
        }
        count(&mut bytes, self.declared.pairs().len());
        for pair in self.declared.pairs() {
            entry(&mut bytes, *pair, &[]);
        }
        bytes
    }

    /// Decodes a state; none if another router or version wrote it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (began, bytes) = bytes.strip_prefix(&MAGIC)?.split_first()?;
        let (line, mut bytes) = Line::read(bytes)?;
        let model = Model::of(weights(&mut bytes)?)?;
        let calibration = Calibration::of(Model::of(weights(&mut bytes)?)?);
        let scale = Scale::of(entries(&mut bytes, |key, [count, mean, variance]| Usual {
            key,
            count,
            mean,
            variance,
        })?)?;
        let declared = Declared::of(entries(&mut bytes, |key, []| key)?)?;
        let whole = bytes.is_empty() && *began <= 1;
        whole.then_some(Self { began: *began == 1, line, model, calibration, scale, declared })
    }
}

fn count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend((count as u16).to_le_bytes());
}

fn entry(bytes: &mut Vec<u8>, key: u32, numbers: &[f32]) {
    bytes.extend(key.to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn weights(bytes: &mut &[u8]) -> Option<Vec<Weight>> {
    entries(bytes, |key, [mean, variance]| Weight { key, mean, variance })
}

/// Takes entries of a key and N numbers off the front.
fn entries<const N: usize, T>(bytes: &mut &[u8], of: impl Fn(u32, [f32; N]) -> T) -> Option<Vec<T>> {
    let (count, rest) = bytes.split_first_chunk()?;
    let size = 4 * (N + 1);
    let (entries, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*count)) * size)?;
    *bytes = rest;
    let mut found = Vec::with_capacity(entries.len() / size);
    for entry in entries.chunks_exact(size) {
        let (words, _) = entry.as_chunks::<4>();
        let (key, numbers) = words.split_first()?;
        found.push(of(u32::from_le_bytes(*key), std::array::from_fn(|at| f32::from_le_bytes(numbers[at]))));
    }
    Some(found)
}

#[cfg(test)]
mod tests;
