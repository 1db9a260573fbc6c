//! Partitions that were planted are recovered, and none is found where there is none.

use baton_core::id::TaskId;

use super::*;

/// 1.0 for equal partitions, 0.0 on average for random ones.
/// Source: Hubert and Arabie, "Comparing Partitions", 1985.
fn adjusted_rand_index(a: &[usize], b: &[usize]) -> f64 {
    let couples = |count: usize| real(count) * (real(count) - 1.0) / 2.0;
    let mut cells: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let (mut rows, mut columns) = (BTreeMap::new(), BTreeMap::new());
    for (x, y) in a.iter().zip(b) {
        *cells.entry((*x, *y)).or_insert(0) += 1;
        *rows.entry(*x).or_insert(0) += 1;
        *columns.entry(*y).or_insert(0) += 1;
    }
    let sum = |counts: &mut dyn Iterator<Item = &usize>| counts.map(|count| couples(*count)).sum::<f64>();
    let (both, first, second) =
        (sum(&mut cells.values()), sum(&mut rows.values()), sum(&mut columns.values()));
    let expected = first * second / couples(a.len());
    (both - expected) / ((first + second) / 2.0 - expected)
}

/// The team of each agent, by its number; agents without one are each on their own.
fn partition<'a>(agents: &[String], teams: impl Iterator<Item = Vec<&'a String>>) -> Vec<usize> {
    let teams: Vec<Vec<&String>> = teams.collect();
    let team = |(place, agent): (usize, &String)| {
        teams.iter().position(|team| team.contains(&agent)).unwrap_or(teams.len() + place)
    };
    agents.iter().enumerate().map(team).collect()
}

/// Accepted tasks of agents in groups, each of which has its own trades; a share of the work is anybody's.
fn groups(seed: u64, sizes: &[usize], trades: usize, noise: f64) -> (Vec<Episode>, Vec<Vec<String>>) {
    let teams: Vec<Vec<String>> = sizes
        .iter()
        .enumerate()
        .map(|(team, size)| (0..*size).map(|member| format!("{team}-{member}")).collect())
        .collect();
    let mut episodes = Vec::new();
    for (team, agent) in teams.iter().enumerate().flat_map(|(team, own)| own.iter().map(move |a| (team, a))) {
        for _ in 0..60 {
            let seq = i64::try_from(episodes.len()).unwrap() + 1;
            let draw = |n: i64| Seed(seed).of(seq).of(n).fraction();
            let stray = draw(1) < noise;
            let place =
                |n: i64, bound: usize| (0..bound).rev().find(|p| real(*p) <= draw(n) * real(bound)).unwrap();
            let trade = if stray { place(2, sizes.len() * trades) } else { team * trades + place(3, trades) };
            episodes.push(Episode {
                agent: agent.clone(),
                skills: vec![format!("skill-{trade}")],
                kind: format!("kind-{trade}-{}", place(4, 2)),
                files: vec![format!("src/f{trade}/**")],
                depends_on: (seq > 1)
                    .then(|| TaskId(1 + i64::try_from(place(5, episodes.len())).unwrap()))
                    .into_iter()
                    .collect(),
                ..crate::sample::sample(seq)
            });
        }
    }
    (episodes, teams)
}

fn agreement(found: &Teams, truth: &[Vec<String>]) -> f64 {
    let agents: Vec<String> = truth.iter().flatten().cloned().collect();
    let found = partition(&agents, found.teams.iter().map(|team| team.agents.iter().collect()));
    adjusted_rand_index(&found, &partition(&agents, truth.iter().map(|team| team.iter().collect())))
}

#[test]
fn the_index_is_that_of_the_paper() {
    assert!((adjusted_rand_index(&[0, 0, 1, 1], &[5, 5, 7, 7]) - 1.0).abs() < 1e-12);
    let index = adjusted_rand_index(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2]);
    assert!((index - 8.0 / 33.0).abs() < 1e-12, "{index}");
}

#[test]
fn a_planted_partition_is_recovered() {
    let plans: [(&[usize], usize, f64); 5] =
        [(&[5; 4], 3, 0.15), (&[5; 4], 1, 0.4), (&[3, 6, 9], 2, 0.2), (&[2; 6], 1, 0.1), (&[10; 5], 2, 0.2)];
    for (seed, (sizes, trades, noise)) in (0..).zip(plans.iter().cycle().take(10)) {
        let (episodes, truth) = groups(seed, sizes, *trades, *noise);
        let found = teams(&episodes, Seed(seed));
        let index = agreement(&found, &truth);
        assert!(index >= 0.9, "{index} for {sizes:?} of {trades} trades with {noise} noise: {found:?}");
        assert_eq!(found.teams.len(), sizes.len());
    }
}

#[test]
fn agents_that_all_do_everything_are_no_teams() {
    for (seed, trades) in (0..20).zip([1, 2, 3, 12].into_iter().cycle()) {
        let (mut episodes, _) = groups(seed, &[12], trades, 0.0);
        episodes.truncate(400);
        let found = teams(&episodes, Seed(seed));
        assert!(found.teams.is_empty(), "{trades} trades: {found:?}");
    }
}

/// A handful of tasks makes any graph modular: that is not enough.
#[test]
fn a_few_tasks_make_no_teams() {
    let found = (0..100)
        .filter(|seed| {
            let (episodes, _) = groups(*seed, &[8], 8, 0.0);
            let few: Vec<Episode> = episodes.into_iter().step_by(20).collect();
            !teams(&few, Seed(*seed)).teams.is_empty()
        })
        .count();
    assert!(found <= 3, "{found} of 100");
}

#[test]
fn a_team_names_what_holds_it_together() {
    let (episodes, _) = groups(1, &[5; 3], 1, 0.1);
    let found = teams(&episodes, Seed(1));
    let team = found.teams.iter().find(|team| team.agents.iter().any(|agent| agent == "0-0")).unwrap();
    let names: BTreeSet<&str> = team.bonds.iter().take(2).map(|bond| bond.node.name()).collect();
    assert_eq!(names, BTreeSet::from(["skill-0", "src/f0"]));
    assert!(team.bonds[0].share > 0.85 && team.inside > 0.5);
    let own = |seq: &i64| team.agents.contains(&episodes[usize::try_from(*seq - 1).unwrap()].agent);
    assert!(team.evidence.len() == 20 && team.evidence.iter().all(own));
}

#[test]
fn too_little_makes_no_graph_to_speak_of() {
    assert_eq!(teams(&[], Seed(1)), Teams::default());
    let one = teams(&[crate::sample::sample(1)], Seed(1));
    assert!(one.teams.is_empty() && !one.structured);
    let graph = knowledge(&[Episode { files: vec!["src/db/x/*.rs".into()], ..crate::sample::sample(1) }]);
    let names: Vec<&str> = graph.node_weights().map(Node::name).collect();
    assert_eq!(names, ["a", "rust", "rust", "src/db"]);
    assert_eq!(graph.edge_count(), 3);
}
