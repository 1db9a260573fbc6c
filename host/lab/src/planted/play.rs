//! Generates the runs of a history: draws plans, assigns tasks to agents, and decides which attempts succeed.

use baton_core::clock::Time;
use baton_core::episode::Episode;
use baton_core::fault::ErrorClass;
use baton_core::id::{RunId, TaskId};
use baton_core::knowledge::Verdict;
use baton_core::seed::Seed;
use baton_learn::number::real;

use super::draws::Draws;
use super::world::{Kind, MISSING, SKILLS, World};

const TASKS: usize = 40;
const ATTEMPTS: usize = 4;
/// A task may depend on one of this many tasks before it.
const REACH: usize = 8;
const PAUSE_MS: i64 = 10_000;

/// A task of a plan, with the indices of its dependencies.
struct Planned {
    /// None for the skill that no agent has.
    kind: Option<usize>,
    needs: Vec<usize>,
}

/// A completed task, with its agent and time.
#[derive(Clone, Copy)]
struct Done {
    agent: usize,
    at: i64,
}

/// State shared by the runs.
struct Stage<'w> {
    world: &'w World,
    draws: Draws,
    episodes: Vec<Episode>,
    /// When each agent is free.
    free: Vec<i64>,
    now: i64,
    run: usize,
}

pub(super) fn played(world: &World, seed: Seed, runs: usize) -> Vec<Episode> {
    let mut stage = Stage {
        world,
        draws: Draws::of(seed),
        episodes: Vec::new(),
        free: vec![0; world.agents.len()],
        now: 1_800_000_000_000,
        run: 0,
    };
    let mut seq = 0;
    for run in 0..runs {
        stage.run = run;
        let first = stage.episodes.len();
        stage.play();
        if let Some(own) = stage.episodes.get_mut(first..) {
            own.sort_by_key(|episode| (episode.ended, episode.task));
            for episode in own {
                seq += 1 + i64::from(stage.draws.chance(0.5)) * 3;
                episode.seq = seq;
            }
        }
    }
    stage.episodes
}

impl Stage<'_> {
    fn play(&mut self) {
        let plan = self.plan();
        let mut done: Vec<Option<Done>> = Vec::new();
        for (place, planned) in plan.iter().enumerate() {
            let needs: Option<Vec<Done>> =
                planned.needs.iter().map(|need| done.get(*need).copied().flatten()).collect();
            let made = needs.and_then(|needs| self.attempted(place, planned, &needs));
            done.push(made);
        }
        let end = self.free.iter().copied().max().unwrap_or(self.now);
        self.now = end.max(self.now) + 3_600_000;
    }

    fn plan(&mut self) -> Vec<Planned> {
        let mut plan: Vec<Planned> = Vec::new();
        let shaped = self.draws.chance(0.35);
        let start = self.draws.below(TASKS - 4);
        for place in 0..TASKS {
            let within = place.checked_sub(start).filter(|within| *within < 4);
            let planned = match (self.world.shape, within) {
                (Some(kinds), Some(within)) if shaped => self.shaped(kinds, within, start),
                (Some(_) | None, _) => self.ordinary(place, &plan),
            };
            plan.push(planned);
        }
        plan
    }

    fn shaped(&mut self, kinds: [usize; 4], within: usize, start: usize) -> Planned {
        let needs = match within {
            0 => Vec::new(),
            1 | 2 => vec![start],
            _ => vec![start + 1, start + 2],
        };
        Planned { kind: kinds.get(within).copied(), needs }
    }

    fn ordinary(&mut self, place: usize, plan: &[Planned]) -> Planned {
        if self.world.gap && self.draws.chance(0.02) {
            return Planned { kind: None, needs: Vec::new() };
        }
        let from = place.saturating_sub(REACH);
        let open: Vec<usize> = (from..place).filter(|before| plan[*before].kind.is_some()).collect();
        let count = [0, 1, 1, 1, 1, 2, 2][self.draws.below(7)];
        let mut needs = self.draws.sample(&open, count);
        needs.sort_unstable();
        Planned { kind: Some(self.draws.below(self.world.kinds.len())), needs }
    }

    /// All attempts at a task, and the agent that completed it, if any.
    fn attempted(&mut self, place: usize, planned: &Planned, needs: &[Done]) -> Option<Done> {
        let mut ready = needs.iter().map(|need| need.at).max().unwrap_or(self.now).max(self.now);
        let files = self.files(planned);
        let task = |place: usize| TaskId(number(self.run * TASKS + place + 1));
        let (id, depends_on) =
            (task(place), planned.needs.iter().map(|need| task(*need)).collect::<Vec<_>>());
        for round in 0..ATTEMPTS {
            let agent = self.chosen(planned, needs, round);
            let started = ready.max(self.free[agent]);
            let (verdict, remarks) = self.verdict(planned, needs, agent, &files, round);
            let ended = started + self.length(planned, agent);
            let cost = self.cost(agent);
            self.free[agent] = ended;
            self.episodes.push(Episode {
                seq: 0,
                run: RunId(number(self.run + 1)),
                task: id,
                name: format!("ws-{place}"),
                kind: planned.kind.map_or(MISSING, |kind| &self.world.kinds[kind].name).to_owned(),
                skills: planned
                    .kind
                    .map_or_else(|| vec![MISSING.to_owned()], |kind| self.world.kinds[kind].skills.clone()),
                agent: self.world.agents[agent].clone(),
                verdict,
                ready: Time(ready),
                started: Time(started),
                ended: Time(ended),
                cost_micros: Some(cost),
                quality: Some(if verdict.is_accepted() { 0.9 } else { 0.4 }),
                files: files.clone(),
                depends_on: depends_on.clone(),
                remarks,
            });
            if verdict.is_accepted() {
                return Some(Done { agent, at: ended });
            }
            ready = ended + PAUSE_MS;
        }
        None
    }

    /// Files of the kind; sometimes special ones, or others that look special but aren't.
    fn files(&mut self, planned: &Planned) -> Vec<String> {
        let skill = planned.kind.map_or(MISSING, |kind| SKILLS[self.world.kinds[kind].skill]);
        let mut files = vec![format!("src/{skill}/**")];
        if self.draws.chance(0.08) {
            files.push("db/migrations/*.sql".to_owned());
        }
        if self.draws.chance(0.08) {
            files.push("docs/guide/*.md".to_owned());
        }
        files
    }

    /// Usually an agent that has the skill. Busy pairs follow each other in half of the possible cases.
    fn chosen(&mut self, planned: &Planned, needs: &[Done], round: usize) -> usize {
        let all = self.world.agents.len();
        let Some(kind) = planned.kind.map(|kind| &self.world.kinds[kind]) else {
            let among = if self.draws.chance(0.8) { 3 } else { all };
            return self.draws.below(among);
        };
        let able = &self.world.able[kind.skill];
        let follows = able
            .iter()
            .find(|taker| needs.iter().any(|giver| self.world.pairs.contains_key(&(giver.agent, **taker))));
        if let Some(taker) = follows.filter(|_| round == 0 && self.draws.chance(0.5)) {
            return *taker;
        }
        let boasters = &self.world.boasters[kind.skill];
        if self.draws.chance(0.1 * real(boasters.len())) {
            return self.draws.pick(boasters).copied().unwrap_or(0);
        }
        if self.draws.chance(0.1) {
            return self.draws.below(all);
        }
        self.draws.pick(able).copied().unwrap_or(0)
    }

    fn verdict(
        &mut self,
        planned: &Planned,
        needs: &[Done],
        agent: usize,
        files: &[String],
        round: usize,
    ) -> (Verdict, Vec<String>) {
        let failing = self.world.failures == Some(agent) && self.run >= self.world.shift;
        if self.draws.chance(if failing { 0.35 } else { 0.03 }) {
            let class = if self.draws.chance(0.6) { ErrorClass::Transient } else { ErrorClass::RateLimited };
            return (Verdict::Failed(class), Vec::new());
        }
        let rate =
            planned.kind.map_or(0.04, |kind| self.rate(&self.world.kinds[kind], needs, agent, files, round));
        if self.draws.chance(rate) {
            return (Verdict::Accepted, Vec::new());
        }
        let checks = planned.kind.map_or(&[][..], |kind| &self.world.kinds[kind].checks);
        let check = self.draws.pick(checks).copied();
        let line = self.draws.below(400);
        let remark =
            check.map(|check| format!("{check}: line {line} of src/file{}.rs: not as asked", line % 7));
        (Verdict::Refused, remark.into_iter().collect())
    }

    fn rate(&self, kind: &Kind, needs: &[Done], agent: usize, files: &[String], round: usize) -> f64 {
        let cell = (agent, kind.skill);
        let mut rate = self.world.rates[agent][kind.skill];
        if let Some((from, rates)) = self.world.drifts.get(&cell) {
            rate = rates[usize::from(self.run >= *from)];
        }
        let effect = needs.iter().find_map(|giver| self.world.pairs.get(&(giver.agent, agent)));
        if round == 0 {
            rate += effect.copied().unwrap_or(0.0);
        }
        let special = files.iter().any(|glob| glob.ends_with("sql"));
        if special && !self.world.specialists.is_empty() {
            rate = if self.world.specialists.contains(&agent) { rate.max(0.92) } else { rate - 0.35 };
        }
        rate.clamp(0.03, 0.97)
    }

    fn length(&mut self, planned: &Planned, agent: usize) -> i64 {
        let usual = planned.kind.map_or(240_000.0, |kind| self.world.kinds[kind].length_ms);
        let slower = self.world.latency == Some(agent) && self.run >= self.world.shift;
        whole(usual * self.draws.factor(0.4) * if slower { 2.5 } else { 1.0 })
    }

    fn cost(&mut self, agent: usize) -> u64 {
        let dearer = self.world.cost == Some(agent) && self.run >= self.world.shift;
        let cost = 20_000.0 * self.draws.factor(0.5) * if dearer { 2.5 } else { 1.0 };
        u64::try_from(whole(cost)).unwrap_or(0)
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Rounded to milliseconds or millionths.
#[expect(clippy::cast_possible_truncation, reason = "amounts are far from the ends of the range")]
fn whole(amount: f64) -> i64 {
    amount.round() as i64
}
