//! Scales the features of tasks: the logarithm of one plus the number, minus its mean, in standard deviations.

use baton_sdk::router::Feature;
use baton_sdk::seed::fnv1a;

/// The most features; further ones are ignored.
pub const MOST: usize = 32;

/// The share of a feature's statistics that is kept with each value.
const KEEP: f64 = 0.998;

/// Values are clamped to this many deviations.
const REACH: f64 = 3.0;

/// Mean and deviation of a feature.
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
            (usual.count > 1.0 && deviation > 1e-6).then(|| (usual.key, value.clamp(-REACH, REACH)))
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

#[cfg(test)]
mod tests {
    use baton_sdk::SplitMix64;

    use super::*;

    fn feature(name: &str, value: f64) -> Feature {
        Feature { name: name.to_owned(), value }
    }

    #[test]
    fn values_are_told_in_deviations_from_the_usual() {
        let mut scale = Scale::default();
        let mut random = SplitMix64::new(6);
        for _ in 0..2000 {
            let normal = (0..12).map(|_| random.fraction()).sum::<f64>() - 6.0;
            scale.learn(&[feature("minutes", 20.0 * (0.5 * normal).exp()), feature("same", 3.0)]);
        }
        let scaled = |minutes: f64| scale.scaled(&[feature("minutes", minutes), feature("same", 9.0)]);
        for (minutes, wanted) in [(20.0, 0.0), (20.0 * 0.5_f64.exp(), 1.0), (20.0 * (-1.0_f64).exp(), -2.0)] {
            let found = scaled(minutes);
            assert_eq!(found.len(), 1);
            assert!((found[0].1 - wanted).abs() < 0.15, "{minutes}: {found:?}");
        }
        assert_eq!(scaled(1e300)[0].1, REACH);
    }

    #[test]
    fn nothing_is_said_of_what_was_never_seen() {
        let mut scale = Scale::default();
        assert!(scale.scaled(&[feature("x", 1.0)]).is_empty());
        scale.learn(&[feature("x", 1.0)]);
        assert!(scale.scaled(&[feature("x", 2.0)]).is_empty());
        scale.learn(&[feature("x", 3.0)]);
        assert_eq!(scale.scaled(&[feature("y", 2.0), feature("x", 2.0)]).len(), 1);
    }

    #[test]
    fn there_is_an_end_to_features_and_values() {
        let mut scale = Scale::default();
        let many: Vec<Feature> =
            (0..100).map(|at| feature(&format!("f{at}"), f64::MAX * f64::from(at % 2))).collect();
        (0..10).for_each(|_| scale.learn(&many));
        assert_eq!(scale.usual().len(), MOST);
        assert_eq!(Scale::of(scale.usual().to_vec()), Some(scale.clone()));
        assert!(
            scale
                .scaled(&[feature("f1", f64::MIN), feature("f2", f64::NAN)])
                .iter()
                .all(|(_, z)| z.is_finite())
        );
        let wrong = Usual { key: 1, count: f32::NAN, mean: 0.0, variance: 0.0 };
        assert_eq!(Scale::of(vec![wrong]), None);
    }
}
