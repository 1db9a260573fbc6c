//! The world against what it claims to be: its marginals, how its outcomes hang together, and how well anyone could
//! foresee them.

use super::*;

fn config(pool: Pool, tasks: usize) -> Config {
    Config { pool, tasks, ..Config::default() }
}

fn number(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

/// The share of the tasks of one skill for which something holds.
fn share(world: &World, skill: usize, holds: impl Fn(usize) -> bool) -> (f64, f64) {
    let of: Vec<usize> = (0..world.tasks.len()).filter(|task| world.tasks[*task].skill == skill).collect();
    (of.iter().map(|task| number(holds(*task))).sum::<f64>() / of.len() as f64, of.len() as f64)
}

#[test]
fn each_agent_succeeds_as_often_as_its_skill_says() {
    for (pool, rho) in [(Pool::Specialists, 0.0), (Pool::Specialists, 0.7), (Pool::Generalists, 0.45)] {
        let world = World::build(&Config { rho, ..config(pool, 30_000) });
        for agent in 0..world.agents.len() {
            for skill in 0..world.skills.len() {
                let (found, count) = share(&world, skill, |task| world.truth(agent, task));
                let chance = world.chances[agent][skill];
                let error = (chance * (1.0 - chance) / count).sqrt();
                assert!((found - chance).abs() < 4.5 * error, "{pool:?} {agent} {skill}: {found} {chance}");
            }
        }
    }
}

#[test]
fn outcomes_of_two_agents_have_the_correlation_that_was_told() {
    for rho in [0.0, 0.25, 0.45, 0.7] {
        let world = World::build(&Config { rho, ..config(Pool::Specialists, 30_000) });
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (one, other) in [(0, 1), (0, 4), (1, 2), (2, 5), (3, 4)] {
            for skill in [1, 2, 3] {
                let (both, _) =
                    share(&world, skill, |task| world.truth(one, task) && world.truth(other, task));
                let (first, _) = share(&world, skill, |task| world.truth(one, task));
                let (second, _) = share(&world, skill, |task| world.truth(other, task));
                sum += bivariate::tetrachoric(first, second, both);
                pairs += 1.0;
            }
        }
        assert!((sum / pairs - rho).abs() < 0.025, "{rho}: {}", sum / pairs);
    }
}

#[test]
fn what_is_hard_is_hard_for_all() {
    let world = World::build(&config(Pool::Generalists, 4000));
    let rate = |hard: bool| {
        let of: Vec<usize> = (0..4000).filter(|task| (world.tasks[*task].difficulty > 0.0) == hard).collect();
        let done = |agent: usize| of.iter().map(|task| number(world.truth(agent, *task))).sum::<f64>();
        (0..12).map(|agent| done(agent) / of.len() as f64).collect::<Vec<_>>()
    };
    assert!(rate(true).iter().zip(rate(false)).all(|(hard, easy)| hard + 0.1 < easy));
}

/// Of the tasks for which the ideal knower says so much, as many succeed.
#[test]
fn the_ideal_knower_is_calibrated() {
    for (rho, observability) in [(0.45, 0.0), (0.45, 0.5), (0.7, 0.8), (0.45, 1.0)] {
        let world = World::build(&Config { rho, observability, ..config(Pool::Specialists, 30_000) });
        let mut bins = [(0.0, 0.0, 0.0); 10];
        for task in 0..world.tasks.len() {
            let said = world.chance_given_features(task % 6, task);
            let bin = &mut bins[usize::try_from(draw::whole((said * 10.0).floor())).unwrap().min(9)];
            *bin = (bin.0 + said, bin.1 + number(world.truth(task % 6, task)), bin.2 + 1.0);
        }
        for (said, done, count) in bins.into_iter().filter(|bin| bin.2 > 200.0) {
            let (said, done) = (said / count, done / count);
            let error = (said * (1.0 - said) / count).sqrt();
            assert!((said - done).abs() < 4.0 * error + 0.001, "{rho} {observability}: {said} {done}");
        }
    }
}

#[test]
fn features_that_say_nothing_change_no_chance() {
    let world = World::build(&Config { observability: 0.0, ..config(Pool::Generalists, 50) });
    for task in 0..50 {
        for agent in 0..12 {
            let (given, chance) =
                (world.chance_given_features(agent, task), world.success_chance(agent, task));
            assert!((given - chance).abs() < 1e-9);
        }
    }
}

/// Accuracy at a threshold of one half, area under the ROC curve, Brier score.
fn quality(mut said: Vec<(f64, bool)>) -> [f64; 3] {
    let count = said.len() as f64;
    let right = said.iter().filter(|(chance, done)| (*chance > 0.5) == *done).count() as f64 / count;
    let brier = said.iter().map(|(chance, done)| (chance - number(*done)).powi(2)).sum::<f64>() / count;
    said.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut below, mut won) = (0.0, 0.0);
    for equal in said.chunk_by(|one, other| one.0 == other.0) {
        let done = equal.iter().filter(|(_, done)| *done).count() as f64;
        let not = equal.len() as f64 - done;
        won += done * (below + not / 2.0);
        below += not;
    }
    [right, won / (below * (count - below)), brier]
}

#[test]
fn quality_is_as_computed_by_hand() {
    let said = vec![(0.9, true), (0.6, false), (0.6, true), (0.2, false)];
    let [right, area, brier] = quality(said);
    assert_eq!((right, area), (0.75, 0.875));
    assert!((brier - (0.01 + 0.36 + 0.16 + 0.04) / 4.0).abs() < 1e-12);
}

/// Full information: every agent with every task. Area and skill are within each skill of the tasks, so that nobody is
/// credited for knowing that mathematics goes better than code.
fn ceiling(observability: f64) -> [f64; 3] {
    let mut by_skill = vec![Vec::new(); 5];
    for seed in 0..60 {
        let config = Config { seed, observability, ..config(Pool::Specialists, 600) };
        let world = World::build(&config);
        for (index, task) in world.tasks.iter().enumerate() {
            for agent in 0..6 {
                let said = world.chance_given_features(agent, index);
                by_skill[task.skill].push((said, world.truth(agent, index)));
            }
        }
    }
    let (mut right, mut area, mut brier, mut base) = (0.0, 0.0, 0.0, 0.0);
    for said in by_skill {
        let rate = said.iter().map(|(_, done)| number(*done)).sum::<f64>() / said.len() as f64;
        let quality = quality(said);
        right += quality[0] / 5.0;
        area += quality[1] / 5.0;
        brier += quality[2];
        base += rate * (1.0 - rate);
    }
    [right, area, 1.0 - brier / base]
}

/// Accuracy, area under the curve and Brier skill that a scratch simulator found for a base rate near one half.
#[test]
fn nobody_can_foresee_more_than_the_ideal_knower() {
    for (observability, expected) in
        [(0.0, [0.611, 0.649, 0.073]), (0.5, [0.683, 0.752, 0.193]), (1.0, [0.749, 0.831, 0.328])]
    {
        let found = ceiling(observability);
        let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.02);
        assert!(near, "{observability}: {found:?}, not {expected:?}");
    }
}

#[test]
fn the_same_configuration_gives_the_same_world() {
    let config = Config { wrong_declarations: 0.3, ..config(Pool::Generalists, 200) };
    let (one, other) = (World::build(&config), World::build(&config));
    assert_eq!((&one.agents, &one.tasks), (&other.agents, &other.tasks));
    assert_eq!((&one.truths, &one.services), (&other.truths, &other.services));
    let another = World::build(&Config { seed: 2, ..config });
    assert_ne!(one.truths, another.truths);
    assert_ne!(one.tasks[0].arrives, another.tasks[0].arrives);
}

#[test]
fn a_setting_changes_only_what_it_is_about() {
    let base = World::build(&config(Pool::Specialists, 300));
    let of = |config: Config| World::build(&config);
    let busy = of(Config { utilisation: 0.9, ..base.config.clone() });
    assert_eq!((&base.truths, &base.services), (&busy.truths, &busy.services));
    let wrong = of(Config { wrong_declarations: 0.3, ..base.config.clone() });
    assert_eq!((&base.truths, &base.tasks), (&wrong.truths, &wrong.tasks));
    let seen = of(Config { observability: 1.0, ..base.config.clone() });
    assert_eq!((&base.truths, &base.services), (&seen.truths, &seen.services));
    let longer = of(config(Pool::Specialists, 600));
    assert_eq!(base.truths, longer.truths[..base.truths.len()]);
    assert_eq!(base.tasks, longer.tasks[..300]);
}

#[test]
fn drift_touches_one_agent_from_its_moment_on_and_only_for_the_worse() {
    let still = World::build(&config(Pool::Specialists, 400));
    let drift = Drift::Step { at: 0.5, agent: Which::Best, to: 0.35 };
    let moved = World::build(&Config { drift, ..still.config.clone() });
    assert_eq!((still.drift_at(), moved.drift_at()), (None, Some(200)));
    let best = (0..6).max_by(|one, other| still.quality(*one).total_cmp(&still.quality(*other))).unwrap();
    assert_eq!(still.agents[best].name, "glm-z1");
    let mut lost = 0;
    for task in 0..400 {
        for agent in 0..6 {
            let (before, after) = (still.truth(agent, task), moved.truth(agent, task));
            assert!(before == after || (agent == best && task >= 200 && before));
            lost += usize::from(before != after);
        }
        let left = moved.success_chance(best, task) / still.success_chance(best, task);
        assert!((left - if task < 200 { 1.0 } else { 0.35 }).abs() < 1e-12);
    }
    assert!((60..110).contains(&lost), "{lost}");
}

#[test]
fn who_joins_later_is_not_there_before() {
    let drift = Drift::Joins { at: 0.5, agent: Which::Best };
    let world = World::build(&Config { drift, ..config(Pool::Generalists, 100) });
    let best = world.agents.iter().position(|agent| agent.name == "gpt-5").unwrap();
    for task in 0..100 {
        assert_eq!(world.present(best, task), task >= 50);
        if task < 50 {
            assert!(!world.truth(best, task) && world.skill_oracle(task) != Some(best));
            assert_eq!(world.chance_given_features(best, task), 0.0);
        }
    }
}

#[test]
fn a_change_of_price_is_seen_in_costs_alone() {
    let still = World::build(&config(Pool::Generalists, 100));
    let drift = Drift::Price { at: 0.5, agent: Which::Index(3), to: 4.0 };
    let dear = World::build(&Config { drift, ..still.config.clone() });
    assert_eq!(still.truths, dear.truths);
    for task in [0, 49, 50, 99] {
        let factor = if task < 50 { 1 } else { 4 };
        assert!(dear.cost_micros(3, task).abs_diff(factor * still.cost_micros(3, task)) <= 4);
        assert_eq!(dear.cost_micros(2, task), still.cost_micros(2, task));
    }
    assert_eq!(still.agents, dear.agents);
}

#[test]
fn the_cost_that_an_agent_declares_is_its_mean_cost() {
    let world = World::build(&config(Pool::Generalists, 20_000));
    for (agent, card) in world.agents.iter().enumerate() {
        let sum: u64 = (0..20_000).map(|task| world.cost_micros(agent, task)).sum();
        let ratio = sum as f64 / 20_000.0 / card.cost_micros as f64;
        assert!((ratio - 1.0).abs() < 0.03, "{}: {ratio}", card.name);
    }
}

#[test]
fn validators_err_as_often_as_they_were_told() {
    let validator = Noise { false_accept: 0.2, false_refuse: 0.1 };
    let world = World::build(&Config { validator, ..config(Pool::Specialists, 5000) });
    let (mut accepted, mut done, mut refused, mut not) = (0.0, 0.0, 0.0, 0.0);
    for task in 0..5000 {
        for agent in 0..6 {
            let observed = world.observed(agent, task, 0);
            if world.truth(agent, task) {
                done += 1.0;
                refused += number(!observed);
            } else {
                not += 1.0;
                accepted += number(observed);
            }
        }
    }
    assert!((accepted / not - 0.2).abs() < 0.012 && (refused / done - 0.1).abs() < 0.01);
    let differs = |task: &usize| world.observed(0, *task, 0) != world.observed(0, *task, 1);
    assert!((0..5000).filter(differs).count() > 500, "each attempt is judged anew");
}

#[test]
fn without_noise_validators_see_the_truth() {
    let world = World::build(&config(Pool::Specialists, 300));
    assert!(
        (0..300).all(|task| (0..6).all(|agent| world.observed(agent, task, 2) == world.truth(agent, task)))
    );
}

#[test]
fn times_have_their_means_by_agent_and_skill() {
    let world = World::build(&config(Pool::Specialists, 30_000));
    for agent in 0..6 {
        for skill in 0..5 {
            let of = (0..30_000).filter(|task| world.tasks[*task].skill == skill);
            let times: Vec<f64> = of.map(|task| world.service_ms(agent, task) as f64).collect();
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            assert!((mean / world.mean_service_ms(agent, skill) - 1.0).abs() < 0.06);
        }
    }
}

#[test]
fn arrivals_ask_for_the_share_of_capacity_that_was_told() {
    for (utilisation, capacity) in [(0.7, 1), (0.9, 3)] {
        let world = World::build(&Config { utilisation, capacity, ..config(Pool::Generalists, 20_000) });
        let span = world.tasks.last().unwrap().arrives as f64;
        let rate = |agent: usize| f64::from(capacity) / pool::weighted(&world.means[agent], &world.shares);
        let able: f64 = (0..12).map(rate).sum();
        assert!((20_000.0 / span / able / utilisation - 1.0).abs() < 0.03);
        assert!(world.tasks.is_sorted_by_key(|task| task.arrives));
    }
}

#[test]
fn skills_are_asked_for_as_often_as_their_shares() {
    let world = World::build(&config(Pool::Generalists, 30_000));
    for (skill, wanted) in world.shares.iter().enumerate() {
        let count = world.tasks.iter().filter(|task| task.skill == skill).count() as f64;
        assert!((count / 30_000.0 - wanted).abs() < 0.01);
    }
}

#[test]
fn no_configuration_breaks_the_world() {
    let wild = Config {
        rho: f64::NAN,
        observability: 7.0,
        wrong_declarations: -1.0,
        utilisation: 0.0,
        validator: Noise { false_accept: f64::INFINITY, false_refuse: f64::NAN },
        capacity: 0,
        service: Service { mean_ms: f64::NAN, sigma: -1.0, tilt: f64::INFINITY, spread: 1e9 },
        skew: Skew { slow: 99, factor: f64::NAN },
        drift: Drift::Decay { at: f64::NAN, until: -3.0, agent: Which::Index(99), to: f64::NAN },
        ..Config::default()
    };
    let certain = Config { rho: 1.0, observability: 1.0, tasks: 100, ..Config::default() };
    let none = Config { tasks: 0, ..Config::default() };
    for config in [wild, certain, none] {
        let world = World::build(&config);
        for task in 0..world.tasks.len() {
            for agent in 0..world.agents.len() {
                let chance = world.chance_given_features(agent, task);
                assert!((0.0..=1.0).contains(&chance), "{chance}");
                assert!(world.service_ms(agent, task) >= 1);
            }
            assert!(world.tasks[task].features.iter().all(|(_, value)| value.is_finite()));
        }
    }
}

#[test]
fn whoever_asks_for_nobody_or_nothing_gets_a_harmless_answer() {
    let world = World::build(&config(Pool::Specialists, 10));
    for (agent, task) in [(6, 0), (0, 10), (usize::MAX, usize::MAX)] {
        assert_eq!(world.success_chance(agent, task), 0.0);
        assert_eq!(world.chance_given_features(agent, task), 0.0);
        assert!(!world.truth(agent, task) && !world.observed(agent, task, 0));
        assert_eq!((world.service_ms(agent, task), world.cost_micros(agent, task)), (1, 0));
        assert!(!world.declares(agent, task));
    }
    assert!(!world.present(6, 0));
    assert_eq!(world.mean_service_ms(0, 9), 0.0);
}
