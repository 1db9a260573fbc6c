//! Numbers that describe tasks, brought to a common scale: the logarithm of one plus the number, less its usual value, in
//! usual deviations.

use baton_sdk::router::Feature;
use baton_sdk::seed::fnv1a;

/// Features that are known by name; the newest beyond it are ignored.
pub const MOST: usize = 32;

/// What is kept of what is known of a feature when it is seen again.
const KEEP: f64 = 0.998;

/// Values further out count as this many deviations.
const REACH: f64 = 3.0;

/// What is usual for one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub key: u32,
    /// Discounted number of values, 0.0 on.
    pub count: f32,
    pub mean: f32,
    pub variance: f32,
}

impl Usual {
    /// West, "Updating Mean and Variance Estimates: An Improved Method", 1979, with weights that fade.
    fn with(self, value: f64) -> Self {
        let before = f64::from(self.count) * KEEP;
        let count = before + 1.0;
        let off = value - f64::from(self.mean);
        let mean = f64::from(self.mean) + off / count;
        let variance = (before * f64::from(self.variance) + off * (value - mean)) / count;
        Self { count: count as f32, mean: mean as f32, variance: variance.max(0.0) as f32, ..self }
    }
}

/// By key, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    usual: Vec<Usual>,
}

impl Scale {
    pub fn of(usual: Vec<Usual>) -> Option<Self> {
        let sound = |usual: &Usual| {
            usual.count.is_finite()
                && usual.count >= 0.0
                && usual.mean.is_finite()
                && usual.variance.is_finite()
                && usual.variance >= 0.0
        };
        (usual.len() <= MOST && usual.iter().all(sound)).then_some(Self { usual })
    }

    pub fn usual(&self) -> &[Usual] {
        &self.usual
    }

    /// Keys and values of the features that differ between tasks.
    pub fn scaled(&self, features: &[Feature]) -> Vec<(u32, f64)> {
        let scaled = |feature: &Feature| {
            let usual = self.usual.iter().find(|usual| usual.key == key(&feature.name))?;
            let deviation = f64::from(usual.variance).sqrt();
            let value = (tamed(feature.value) - f64::from(usual.mean)) / deviation;
            (usual.count >= 2.0 && deviation > 1e-6).then(|| (usual.key, value.clamp(-REACH, REACH)))
        };
        features.iter().filter_map(scaled).collect()
    }

    pub fn learn(&mut self, features: &[Feature]) {
        for feature in features {
            let (key, value) = (key(&feature.name), tamed(feature.value));
            match self.usual.iter().position(|usual| usual.key == key) {
                Some(at) => self.usual[at] = self.usual[at].with(value),
                None if self.usual.len() < MOST => {
                    self.usual.push(Usual { key, count: 1.0, mean: value as f32, variance: 0.0 });
                }
                None => {}
            }
        }
    }
}

/// Sizes and counts are long-tailed, so their logarithm is what is compared.
fn tamed(value: f64) -> f64 {
    if value.is_finite() { value.signum() * value.abs().ln_1p() } else { 0.0 }
}

fn key(name: &str) -> u32 {
    fnv1a(name.as_bytes()) as u32
}
