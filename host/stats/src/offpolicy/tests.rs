//! What the estimators must keep, on logs whose truth is known.

use baton_core::seed::Seed;

use super::*;

/// Numbers in a fixed order.
struct Draws(Seed, i64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.1 += 1;
        self.0.of(self.1).fraction()
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }

    fn below(&mut self, count: usize) -> usize {
        let each = 1.0 / f64::from(u32::try_from(count).unwrap());
        self.pick(&vec![each; count])
    }

    fn pick(&mut self, chances: &[f64]) -> usize {
        let mut left = self.next();
        chances
            .iter()
            .position(|chance| {
                left -= chance;
                left < 0.0
            })
            .unwrap_or(chances.len() - 1)
    }
}

/// What a world is like: the mean reward of each agent for each skill, two routers, and how rewards vary.
struct World {
    means: Vec<Vec<f64>>,
    logging: Vec<Vec<f64>>,
    target: Vec<Vec<f64>>,
    model: Vec<Vec<f64>>,
    burden: bool,
}

/// Mostly the best by a noisy view of the means, otherwise any.
fn greedy(views: &[Vec<f64>], exploration: f64) -> Vec<Vec<f64>> {
    views
        .iter()
        .map(|view| {
            let best = view.iter().copied().fold(f64::MIN, f64::max);
            let each = exploration / f64::from(u32::try_from(view.len()).unwrap());
            let mut taken = false;
            view.iter()
                .map(|value| {
                    let first = !taken && *value >= best;
                    taken |= first;
                    each + if first { 1.0 - exploration } else { 0.0 }
                })
                .collect()
        })
        .collect()
}

impl World {
    fn draw(draws: &mut Draws) -> Self {
        let (skills, agents) = (3 + draws.below(4), 3 + draws.below(10));
        let burden = draws.next() < 0.25;
        let mut table = |low: f64, high: f64| -> Vec<Vec<f64>> {
            (0..skills).map(|_| (0..agents).map(|_| draws.between(low, high)).collect()).collect()
        };
        let (means, noise, other) = (table(0.15, 0.85), table(-0.2, 0.2), table(-0.2, 0.2));
        let guess = table(-0.1, 0.1);
        let add = |noise: &[Vec<f64>], only: Option<usize>| -> Vec<Vec<f64>> {
            let row = |skill: usize| {
                if only.is_none_or(|one| one == skill) { &noise[skill] } else { &other[skill] }
            };
            (0..skills)
                .map(|skill| means[skill].iter().zip(row(skill)).map(|(mean, off)| mean + off).collect())
                .collect()
        };
        let logged = greedy(&add(&other, None), draws.between(0.02, 0.2));
        let near = draws.next() < 0.5;
        let only = near.then(|| draws.below(skills));
        let exploration = [0.0, 0.02, 0.1][draws.below(3)];
        let target = greedy(&add(&noise, only), exploration);
        let model = match draws.below(3) {
            0 => vec![vec![0.5; agents]; skills],
            1 => add(&guess, None),
            _ => means.clone(),
        };
        Self { means, logging: logged, target, model, burden }
    }

    fn truth(&self, policy: &[Vec<f64>]) -> f64 {
        let skills = f64::from(u32::try_from(self.means.len()).unwrap());
        let of = |(means, chances): (&Vec<f64>, &Vec<f64>)| -> f64 {
            means.iter().zip(chances).map(|(mean, chance)| mean * chance).sum()
        };
        self.means.iter().zip(policy).map(of).sum::<f64>() / skills
    }

    /// Tasks of one decision share what made that hour good or bad, and half of the time their skill.
    fn log(&self, rows: usize, draws: &mut Draws) -> Vec<Logged> {
        let mut log = Vec::new();
        let mut cluster = 0;
        while log.len() < rows {
            cluster += 1;
            let (size, shock) = (1 + draws.below(6), draws.between(-0.15, 0.15));
            let common = (draws.next() < 0.5).then(|| draws.below(self.means.len()));
            for _ in 0..size {
                let skill = common.unwrap_or_else(|| draws.below(self.means.len()));
                let chosen = draws.pick(&self.logging[skill]);
                let mean = self.means[skill][chosen] + shock;
                let reward = if self.burden {
                    // Exponential: half of the sum is in the slowest fifth.
                    -mean * (1.0 - draws.next()).ln()
                } else {
                    f64::from(u8::from(draws.next() < mean))
                };
                log.push(Logged {
                    skill: format!("s{skill}"),
                    cluster,
                    chosen,
                    logged: self.logging[skill].clone(),
                    proposed: self.target[skill].clone(),
                    model: self.model[skill].clone(),
                    reward,
                });
            }
        }
        log
    }

    fn question(&self) -> Query {
        let measure = if self.burden { Measure::Burden { most: 20.0 } } else { Measure::Acceptance };
        Query { measure, level: 0.95, clip: None }
    }
}

/// Of how many intervals, how many held the truth.
#[derive(Debug, Default)]
struct Coverage {
    logs: f64,
    ips: f64,
    snips: f64,
    dr: f64,
    difference: f64,
    logged: f64,
    weight: f64,
    /// DR by the spread of the sample alone.
    sampled: f64,
}

impl Coverage {
    fn add(&mut self, sample: &Sample, target: f64, logging: f64) {
        let held = |interval: Interval, truth| f64::from(u8::from(interval.holds(truth)));
        let (ratio, error, _) = sample.errors(|term| (term.planned + term.weight * term.error, 1.0), 0.0);
        self.logs += 1.0;
        self.ips += held(sample.ips(), target);
        self.snips += held(sample.snips(), target);
        self.dr += held(sample.dr(), target);
        self.difference += held(sample.difference(), target - logging);
        self.logged += held(sample.logged(), logging);
        self.weight += held(sample.support().weight, 1.0);
        self.sampled += held(Interval::around(ratio.estimate, 1.96 * error), target);
    }

    fn shares(&self) -> [f64; 7] {
        [self.ips, self.snips, self.dr, self.difference, self.logged, self.weight, self.sampled]
            .map(|held| held / self.logs)
    }
}

/// Logs that are judged, and logs that look fine by what was drawn and are refused for what was not.
fn simulate(runs: i64, clip: Option<f64>) -> (Coverage, Coverage) {
    let (mut judged, mut deceptive) = (Coverage::default(), Coverage::default());
    for run in 0..runs {
        let mut draws = Draws(Seed(0xBA70).of(run), 0);
        let world = World::draw(&mut draws);
        let rows = [300, 800, 2000][draws.below(3)];
        let log = world.log(rows, &mut draws);
        let rows: Vec<&Logged> = log.iter().collect();
        let sample = Sample::of(&rows, &Query { clip, ..world.question() }).unwrap();
        let (target, logging) = (world.truth(&world.target), world.truth(&world.logging));
        let ess = sample.ess();
        if ess.least() >= ESS_AT_LEAST {
            judged.add(&sample, target, logging);
        } else if ess.drawn >= ESS_AT_LEAST {
            deceptive.add(&sample, target, logging);
        }
    }
    (judged, deceptive)
}

#[test]
fn intervals_hold_the_truth_of_simulated_worlds() {
    let (judged, deceptive) = simulate(1200, None);
    assert!(judged.logs >= 500.0, "{judged:?}");
    let [ips, snips, dr, difference, logged, weight, sampled] = judged.shares();
    for share in [ips, snips, dr, difference, logged, weight] {
        assert!(share >= 0.93, "{judged:?}");
    }
    assert!(dr > sampled, "the foreseen error helps: {judged:?}");
    let [_, _, dr, _, _, _, sampled] = deceptive.shares();
    assert!(sampled < 0.85 && dr >= 0.98, "what was not drawn counts as well: {deceptive:?}");
}

#[test]
fn clipping_keeps_its_promise_by_wider_intervals() {
    let (judged, _) = simulate(300, Some(10.0));
    let [ips, snips, dr, difference, ..] = judged.shares();
    for share in [ips, snips, dr, difference] {
        assert!(share >= 0.93, "{judged:?}");
    }
    let [.., sampled] = judged.shares();
    assert!(sampled < 0.9, "the bias is real: {judged:?}");
}

fn row(cluster: u64, chosen: usize, reward: f64) -> Logged {
    Logged {
        skill: "any".into(),
        cluster,
        chosen,
        logged: vec![0.8, 0.2],
        proposed: vec![0.4, 0.6],
        model: vec![0.5, 0.75],
        reward,
    }
}

/// Of every five rows four chose the first, as the chances say.
fn log(rows: u64) -> Vec<Logged> {
    (0..rows).map(|i| row(i, usize::from(i % 5 == 0), f64::from(u8::from(i % 2 == 0)))).collect()
}

const QUESTION: Query = Query { measure: Measure::Acceptance, level: 0.95, clip: None };

#[test]
fn estimates_are_those_worked_out_by_hand() {
    let found = judge(&log(200), &QUESTION).unwrap();
    // 40 rows weigh 3 and 160 weigh 0.5; of both kinds half were accepted.
    let (mass, square) = (40.0 * 3.0 + 160.0 * 0.5, 40.0 * 9.0 + 160.0 * 0.25);
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    near(found.ess.drawn, mass * mass / square);
    near(found.ess.foreseen, 200.0 / (0.4 * 0.4 / 0.8 + 0.6 * 0.6 / 0.2));
    near(found.agreement, 0.8 * 0.4 + 0.2 * 0.6);
    near(found.support.covered, 1.0);
    near(found.support.heaviest, 3.0);
    near(found.support.weight.estimate, 1.0);
    near(found.logged.estimate, 0.5);
    near(found.ips.estimate, 0.5);
    near(found.snips.estimate, 0.5);
    // The model plans 0.65 and is wrong by nothing on the first candidate, by -0.25 on the second.
    near(found.dr.estimate, 0.65 + 40.0 * 3.0 * -0.25 / 200.0);
    near(found.difference.estimate, 0.1 + 40.0 * 2.0 * -0.25 / 200.0);
    assert_eq!(found.clipped, None);
}

#[test]
fn a_row_foresees_what_all_its_draws_come_to() {
    let moments = |value: fn(&Term) -> f64| -> f64 {
        let drawn = |chosen| value(&Term::of(&row(0, chosen, 1.0), 0, 2.0, 1.0));
        0.8 * drawn(0) + 0.2 * drawn(1)
    };
    let term = Term::of(&row(0, 0, 1.0), 0, 2.0, 1.0);
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    near(term.square, moments(|term| term.weight.powi(2)));
    near(term.full_square, moments(|term| term.full_weight.powi(2)));
    near(term.apart, moments(|term| (term.weight - 1.0).powi(2)));
    near(1.0 - term.excess, moments(|term| term.weight));
    near(term.planned, 0.4 * 0.5 + 0.6 * 0.75);
    near(term.planned - term.shift, 0.8 * 0.5 + 0.2 * 0.75);
    let around = |chosen: usize, model: f64| {
        let weight: f64 = Term::of(&row(0, chosen, 1.0), 0, 2.0, 1.0).weight;
        weight.powi(2) * (0.1 + (model - 0.3_f64).powi(2))
    };
    near(term.square_around(0.3, 0.1), 0.8 * around(0, 0.5) + 0.2 * around(1, 0.75));
    near(term.excess, 0.2);
    near(term.below, 0.2 * 0.75);
    near(term.above, 0.2 * 0.25);
}

#[test]
fn a_router_that_does_the_same_differs_by_exactly_nothing() {
    let mut rows = log(200);
    for row in &mut rows {
        row.proposed.clone_from(&row.logged);
    }
    let found = judge(&rows, &QUESTION).unwrap();
    assert_eq!(found.difference, Interval::around(0.0, 0.0));
    assert!((found.ips.estimate - found.logged.estimate).abs() < 1e-12);
    assert!((found.ess.least() - 200.0).abs() < 1e-9);
}

#[test]
fn rows_of_one_decision_count_as_one_draw() {
    let alone = judge(&log(200), &QUESTION).unwrap();
    let mut rows = Vec::new();
    for row in log(200) {
        rows.extend([row.clone(), row.clone(), row]);
    }
    let together = judge(&rows, &QUESTION).unwrap();
    assert!(together.dr.width() > alone.dr.width() * 0.95, "{} {}", together.dr, alone.dr);
}

#[test]
fn what_is_no_ground_for_a_figure_is_refused_with_what_to_do() {
    assert_eq!(judge(&[], &QUESTION), Err(Refusal::NoRows));
    let one: Vec<Logged> = log(200).into_iter().map(|row| Logged { cluster: 1, ..row }).collect();
    assert_eq!(judge(&one, &QUESTION), Err(Refusal::OneCluster));
    let few = judge(&log(90), &QUESTION).unwrap_err();
    assert!(matches!(few, Refusal::EffectiveSize { ess } if (ess - 45.0).abs() < 1e-9), "{few}");
    let narrow: Vec<Logged> =
        log(200).into_iter().map(|row| Logged { chosen: 0, logged: vec![1.0, 0.0], ..row }).collect();
    let unsupported = judge(&narrow, &QUESTION).unwrap_err();
    assert!(matches!(unsupported, Refusal::Support { missing } if (missing - 0.6).abs() < 1e-9));
    assert!(unsupported.to_string().contains("60.0 %") && unsupported.to_string().contains("explores"));
}

#[test]
fn a_log_that_missed_its_rare_choices_is_refused_though_it_looks_fine() {
    let rows: Vec<Logged> =
        log(400).into_iter().map(|row| Logged { chosen: 0, logged: vec![0.99, 0.01], ..row }).collect();
    let found = judge(&rows, &QUESTION).unwrap_err();
    assert!(matches!(found, Refusal::EffectiveSize { ess } if ess < 20.0), "{found}");
}

#[test]
fn a_row_that_makes_no_sense_is_named() {
    let broken = |row: Logged| {
        let mut rows = log(200);
        rows[7] = row;
        judge(&rows, &QUESTION)
    };
    let sound = row(7, 0, 1.0);
    for (row, flaw) in [
        (Logged { chosen: 2, ..sound.clone() }, RowError::Shape),
        (Logged { model: vec![0.5], ..sound.clone() }, RowError::Shape),
        (Logged { reward: f64::NAN, ..sound.clone() }, RowError::Number),
        (Logged { model: vec![0.5, f64::INFINITY], ..sound.clone() }, RowError::Number),
        (Logged { proposed: vec![1.5, -0.5], ..sound.clone() }, RowError::Chances),
        (Logged { proposed: vec![f64::NAN, 0.5], ..sound.clone() }, RowError::Chances),
        (Logged { logged: vec![0.5, 0.2], ..sound.clone() }, RowError::Chances),
        (Logged { logged: vec![0.0, 1.0], ..sound.clone() }, RowError::Impossible),
        (Logged { logged: Vec::new(), ..sound.clone() }, RowError::Shape),
    ] {
        assert_eq!(broken(row), Err(Refusal::Malformed { row: 7, flaw }));
    }
    assert!(broken(sound).is_ok());
}

#[test]
fn a_little_missing_support_widens_the_intervals_by_what_may_hide_there() {
    let rows = |proposed: Vec<f64>| -> Vec<Logged> {
        (0..400)
            .map(|i| Logged {
                logged: vec![0.5, 0.5, 0.0],
                proposed: proposed.clone(),
                model: vec![0.5; 3],
                chosen: usize::from(i % 2 == 0),
                ..row(i, 0, f64::from(u8::from(i % 4 < 2)))
            })
            .collect()
    };
    let full = judge(&rows(vec![0.5, 0.5, 0.0]), &QUESTION).unwrap();
    let lacking = judge(&rows(vec![0.48, 0.48, 0.04]), &QUESTION).unwrap();
    assert!((lacking.support.covered - 0.96).abs() < 1e-12);
    let more = lacking.dr.width() - full.dr.width() * 0.96;
    assert!((more - 0.04).abs() < 1e-3, "half of it below, half above: {more}");
    assert!(lacking.support.weight.holds(lacking.support.covered));
}

#[test]
fn chances_that_the_choices_were_not_drawn_from_show_in_the_mean_weight() {
    let rows: Vec<Logged> =
        (0..400).map(|i| row(i, usize::from(i % 2 == 0), f64::from(u8::from(i % 4 < 2)))).collect();
    assert!(!judge(&rows, &QUESTION).unwrap().support.weight.holds(1.0));
    assert!(judge(&log(400), &QUESTION).unwrap().support.weight.holds(1.0));
}

/// Skill `bad` gets worse, `good` better, `even` stays as it is and `rare` is too small to tell.
fn skilled(measure: Measure) -> Vec<SkillChange> {
    let mut rows = Vec::new();
    for (skill, count, second) in
        [("even", 400, 0.5), ("bad", 400, 0.0), ("good", 400, 1.0), ("rare", 20, 0.0)]
    {
        for row in log(count) {
            let half = f64::from(u8::from(row.cluster % 2 == 0));
            let reward = if row.chosen == 1 && second != 0.5 { second } else { half };
            let model = vec![0.5, second];
            rows.push(Logged { skill: skill.into(), reward, model, ..row });
        }
    }
    judge(&rows, &Query { measure, ..QUESTION }).unwrap().skills
}

#[test]
fn the_surest_regressions_come_first_and_what_is_unknown_last() {
    let order = |measure| skilled(measure).iter().map(|one| one.skill.clone()).collect::<Vec<_>>();
    assert_eq!(order(Measure::Acceptance), ["bad", "even", "good", "rare"]);
    assert_eq!(order(Measure::Burden { most: 1.0 }), ["good", "even", "bad", "rare"]);
    let skills = skilled(Measure::Acceptance);
    assert!(skills[0].change.unwrap().high < 0.0, "{skills:?}");
    assert!(matches!(skills[3].change, Err(Refusal::EffectiveSize { .. })));
}

#[test]
fn intervals_of_several_skills_are_wide_enough_to_hold_together() {
    let rows = log(400);
    let alone = judge(&rows, &QUESTION).unwrap();
    let halves: Vec<Logged> = [("a", 0), ("b", 400)]
        .into_iter()
        .flat_map(|(skill, shift)| {
            let of = move |row: &Logged| Logged {
                skill: skill.into(),
                cluster: row.cluster + shift,
                ..row.clone()
            };
            rows.iter().map(of).collect::<Vec<_>>()
        })
        .collect();
    let split = judge(&halves, &QUESTION).unwrap();
    let wider = split.skills[0].change.unwrap().width() / alone.difference.width();
    assert!((wider - 2.2414 / 1.96).abs() < 0.01, "{wider}");
    assert_eq!(alone.skills[0].change, Ok(alone.difference), "one skill is no multitude");
}
