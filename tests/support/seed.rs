//! Random tests draw afresh in every run, and say how one is repeated.

use baton_core::clock::Clock;
use baton_core::seed::Seed;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The seed of a test: drawn from the time unless `BATON_SEED` has one. It is printed, which shows when the test fails.
pub fn drawn(test: &str) -> Seed {
    let told = std::env::var("BATON_SEED").ok().map(|seed| seed.parse().expect("BATON_SEED is a number"));
    let seed = Seed(told.unwrap_or_else(|| {
        let now = Clock::system().now().0;
        Seed(now.cast_unsigned()).of(i64::from(std::process::id())).0
    }));
    #[expect(clippy::print_stdout, reason = "shown when the test fails, and in the gate's log")]
    let () = println!("{test} draws from BATON_SEED={}", seed.0);
    seed
}

/// How often a random test goes round: `BATON_ROUNDS` in the longer loop.
pub fn rounds(usual: u32) -> u32 {
    std::env::var("BATON_ROUNDS")
        .ok()
        .map_or(usual, |rounds| rounds.parse().expect("BATON_ROUNDS is a number"))
}

/// Runs cases that derive from a seed alone.
pub fn runner(seed: Seed, cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    for (place, part) in (0..).zip(bytes.chunks_exact_mut(8)) {
        part.copy_from_slice(&seed.of(place).0.to_le_bytes());
    }
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
