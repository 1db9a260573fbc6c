//! Notes: what was refused and then done right, as lessons for the next task of that kind.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::clock::Time;
use baton_core::episode::Episode;
use baton_core::id::TaskId;
use baton_core::note::Note;

use super::evidence::telling;
use super::history::History;
use super::number::amount;

const LONGEST: usize = 400;
const HALF_LIFE_MS: f64 = 14.0 * 86_400_000.0;

/// A refusal by one check, of a task that was accepted later.
struct Correction<'a> {
    remark: &'a str,
    refused: &'a Episode,
    accepted: &'a Episode,
    /// Attempts after it, up to the accepted one.
    later: usize,
}

/// What refusals taught, by kind and check; what was taught most often and most lately comes first.
#[must_use]
pub fn learned(episodes: &[Episode]) -> Vec<Note> {
    let history = History::of(episodes);
    let now = episodes.iter().map(|episode| episode.ended).max().unwrap_or_default();
    let mut lessons: BTreeMap<(&str, String), Vec<Correction>> = BTreeMap::new();
    for attempts in history.tasks() {
        for lesson in taught(attempts) {
            let key = (lesson.refused.kind.as_str(), plain(check(lesson.remark)));
            lessons.entry(key).or_default().push(lesson);
        }
    }
    let mut notes: Vec<Note> =
        lessons.into_iter().filter_map(|((kind, check), lessons)| note(kind, check, &lessons, now)).collect();
    notes.sort_by(|a, b| {
        b.weight.total_cmp(&a.weight).then_with(|| (&a.kind, &a.check).cmp(&(&b.kind, &b.check)))
    });
    notes
}

fn taught<'a>(attempts: &[&'a Episode]) -> Vec<Correction<'a>> {
    let Some(end) = attempts.iter().rposition(|episode| episode.verdict.is_accepted()) else {
        return Vec::new();
    };
    let Some((accepted, before)) = attempts.get(..=end).and_then(<[_]>::split_last) else {
        return Vec::new();
    };
    let refused = before.iter().zip(0..).filter(|(episode, _)| !episode.verdict.is_accepted());
    refused
        .flat_map(|(refused, place)| {
            refused.remarks.iter().map(move |remark| Correction {
                remark,
                refused,
                accepted,
                later: end - place,
            })
        })
        .collect()
}

fn note(kind: &str, check: String, lessons: &[Correction], now: Time) -> Option<Note> {
    let newest = lessons.iter().max_by_key(|lesson| lesson.refused.seq)?;
    let tasks: BTreeSet<TaskId> = lessons.iter().map(|lesson| lesson.refused.task).collect();
    let age = |lesson: &Correction| {
        let behind = now.since(lesson.refused.ended).as_millis();
        amount(u64::try_from(behind).unwrap_or(u64::MAX))
    };
    let events = lessons.iter().flat_map(|lesson| [(true, lesson.refused.seq), (false, lesson.accepted.seq)]);
    Some(Note {
        kind: kind.to_owned(),
        check,
        text: text(newest),
        tasks: tasks.len(),
        count: lessons.len(),
        newest: newest.refused.ended,
        weight: lessons.iter().map(|lesson| (-age(lesson) / HALF_LIFE_MS).exp2()).sum(),
        evidence: telling(events),
    })
}

/// What stands before the first colon; all of it when there is none.
fn check(remark: &str) -> &str {
    remark.split_once(": ").map_or(remark, |(check, _)| check)
}

fn text(lesson: &Correction) -> String {
    let (first, last) = (&lesson.refused.agent, &lesson.accepted.agent);
    let by = if first == last { format!("by {last} again") } else { format!("by {last} instead of {first}") };
    let more = if lesson.later == 1 {
        "1 more attempt".to_owned()
    } else {
        format!("{} more attempts", lesson.later)
    };
    let frame = |remark: &str| format!("Refused for ‹{remark}›; accepted after {more}, {by}.");
    let room = LONGEST.saturating_sub(frame("").chars().count());
    let words = lesson.remark.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&frame(&shortened(&words, room)), LONGEST)
}

fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

/// A name without what differs from case to case: quotations and paths become `…`, numbers become `#`.
fn plain(name: &str) -> String {
    let words: Vec<String> = unquoted(name)
        .split_whitespace()
        .map(|word| if word.contains(['/', '\\']) { "…".to_owned() } else { numberless(word) })
        .collect();
    words.join(" ")
}

fn unquoted(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let (before, quoted) = rest.split_at(start);
        let mark = quoted.chars().next().unwrap_or('"');
        let inner = quoted.get(1..).unwrap_or_default();
        plain.push_str(before);
        match inner.find(mark) {
            Some(end) => {
                plain.push('…');
                rest = inner.get(end + 1..).unwrap_or_default();
            }
            None => rest = inner,
        }
    }
    plain.push_str(rest);
    plain
}

fn numberless(word: &str) -> String {
    let mut plain = String::new();
    for letter in word.chars() {
        match (letter.is_numeric(), plain.ends_with('#')) {
            (true, true) => {}
            (true, false) => plain.push('#'),
            (false, _) => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use baton_core::knowledge::Verdict;

    use super::*;

    fn attempt(seq: i64, task: i64, agent: &str, remarks: &[&str]) -> Episode {
        let verdict = if remarks.is_empty() { Verdict::Accepted } else { Verdict::Refused };
        Episode {
            task: TaskId(task),
            agent: agent.into(),
            verdict,
            remarks: remarks.iter().map(|remark| (*remark).to_owned()).collect(),
            ..crate::sample::sample(seq)
        }
    }

    #[test]
    fn a_refusal_that_was_mended_is_a_lesson() {
        let notes = learned(&[
            attempt(1, 1, "a", &["clippy: unused variable"]),
            attempt(2, 1, "a", &["tests: 3 of 40 failed"]),
            attempt(3, 1, "b", &[]),
        ]);
        let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Refused for ‹tests: 3 of 40 failed›; accepted after 1 more attempt, by b instead of a.",
                "Refused for ‹clippy: unused variable›; accepted after 2 more attempts, by b instead of a.",
            ]
        );
        assert_eq!(notes[0].evidence, [2, 3]);
    }

    #[test]
    fn what_was_never_accepted_teaches_nothing() {
        assert!(learned(&[attempt(1, 1, "a", &["clippy: bad"])]).is_empty());
        assert!(learned(&[attempt(1, 1, "a", &[]), attempt(2, 1, "a", &["clippy: late"])]).is_empty());
        assert!(learned(&[]).is_empty());
    }

    #[test]
    fn the_same_check_with_other_numbers_and_paths_is_one_lesson_in_its_newest_words() {
        let notes = learned(&[
            attempt(1, 1, "a", &["test 17 in src/a.rs of 'x y': no"]),
            attempt(2, 1, "a", &[]),
            attempt(3, 2, "a", &["test 4 in src/b/c.rs of 'z': still no"]),
            attempt(4, 2, "a", &[]),
        ]);
        assert_eq!(notes.len(), 1);
        assert_eq!((notes[0].check.as_str(), notes[0].tasks, notes[0].count), ("test # in … of …", 2, 2));
        assert!(notes[0].text.contains("still no"), "{}", notes[0].text);
        assert_eq!(notes[0].evidence, [3, 1, 4, 2]);
    }

    #[test]
    fn two_refusals_long_ago_weigh_less_than_one_today() {
        let month = 30 * 86_400;
        let notes = learned(&[
            attempt(1, 1, "a", &["old: x", "old: y"]),
            attempt(2, 1, "a", &[]),
            attempt(month, 2, "a", &["new: x"]),
            attempt(month + 1, 2, "a", &[]),
        ]);
        assert_eq!(notes.iter().map(|note| note.check.as_str()).collect::<Vec<_>>(), ["new", "old"]);
        assert!((notes[0].weight - 1.0).abs() < 1e-3 && (notes[1].weight - 0.453).abs() < 1e-3);
    }

    #[test]
    fn a_note_is_never_longer_than_400_characters() {
        let long = format!("größe: {}", "ä".repeat(900));
        let agent = "ü".repeat(500);
        let notes = learned(&[attempt(1, 1, &agent, &[&long]), attempt(2, 1, "b", &[])]);
        assert_eq!(notes[0].text.chars().count(), 400);
        let notes = learned(&[attempt(1, 1, "a", &[&long]), attempt(2, 1, "b", &[])]);
        assert_eq!(notes[0].text.chars().count(), 400);
        assert!(notes[0].text.ends_with("…›; accepted after 1 more attempt, by b instead of a."));
    }

    #[test]
    fn odd_quotes_and_empty_remarks_do_no_harm() {
        assert_eq!(plain("it's 12.5 % of `a"), "its #.# % of a");
        let notes = learned(&[attempt(1, 1, "a", &["", "\"", ": ", "é'é"]), attempt(2, 1, "a", &[])]);
        assert_eq!(notes.iter().map(|note| note.count).sum::<usize>(), 4);
    }
}
