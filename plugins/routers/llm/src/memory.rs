//! The state between calls: answers by question, and the tasks whose question has no usable answer so far.
//!
//! State: empty at first, then `llm`, the version, the run as a hash, how many tasks were asked about (`u16`) and their
//! hashes, ascending, and how many answers there are (`u16`), the one used longest ago first: the question's hash, the
//! length of the id (`u16`) and the id. All numbers are little endian; with all of it full it has less than 48 KiB.

use std::collections::BTreeSet;

const MARK: &[u8] = b"llm";
const VERSION: u8 = 1;

/// The most tasks of one run whose question is open or had no usable answer; then no more are asked.
pub const OPEN: usize = 2048;

/// Bytes of all answers.
const ANSWERS: usize = 30 << 10;

#[derive(Debug, Default, PartialEq)]
pub struct Memory {
    run: u64,
    asked: BTreeSet<u64>,
    /// The one used longest ago first.
    answers: Vec<(u64, String)>,
    most: usize,
}

impl Memory {
    /// `most` is how many answers are kept. The error is why this state is not one of this router.
    pub fn read(state: &[u8], most: usize) -> Result<Self, String> {
        if state.is_empty() {
            return Ok(Self { most, ..Self::default() });
        }
        let body = state.strip_prefix(MARK).and_then(<[u8]>::split_first);
        let mut rest = match body {
            Some((&VERSION, body)) => Bytes(body),
            Some((version, _)) => {
                return Err(format!("its version is {version}, this router writes {VERSION}"));
            }
            None => return Err(String::from("it does not begin as this router's does")),
        };
        let mut memory = rest.memory().ok_or("it is cut or not well formed")?;
        if !rest.0.is_empty() {
            return Err(format!("{} bytes follow its end", rest.0.len()));
        }
        memory.most = most;
        memory.shrink();
        Ok(memory)
    }

    pub fn write(&self) -> Vec<u8> {
        let mut state = [MARK, &[VERSION], &self.run.to_le_bytes(), &count(self.asked.len())].concat();
        state.extend(self.asked.iter().flat_map(|task| task.to_le_bytes()));
        state.extend(count(self.answers.len()));
        for (question, agent) in &self.answers {
            state.extend(question.to_le_bytes());
            state.extend(count(agent.len()));
            state.extend(agent.as_bytes());
        }
        state
    }

    /// Drops the tasks of other runs; answers stay.
    pub fn enter(&mut self, run: u64) {
        if self.run != run {
            self.run = run;
            self.asked.clear();
        }
    }

    pub fn was_asked(&self, task: u64) -> bool {
        self.asked.contains(&task)
    }

    pub fn may_ask(&self) -> bool {
        self.asked.len() < OPEN
    }

    /// Without room left it is forgotten: [`Memory::may_ask`] is to be asked first.
    pub fn ask(&mut self, task: u64) {
        if self.may_ask() {
            self.asked.insert(task);
        }
    }

    /// The task has got a usable answer, which is kept.
    pub fn answered(&mut self, task: u64, question: u64, agent: &str) {
        self.asked.remove(&task);
        self.answers.retain(|(known, _)| *known != question);
        self.answers.push((question, agent.to_owned()));
        self.shrink();
    }

    /// The answer to this question, which is now the one used last.
    pub fn recall(&mut self, question: u64) -> Option<String> {
        let index = self.answers.iter().position(|(known, _)| *known == question)?;
        let answer = self.answers.remove(index);
        let agent = answer.1.clone();
        self.answers.push(answer);
        Some(agent)
    }

    fn shrink(&mut self) {
        let mut bytes: usize = self.answers.iter().map(size).sum();
        let mut out = self.answers.len().saturating_sub(self.most);
        bytes -= self.answers.iter().take(out).map(size).sum::<usize>();
        for answer in self.answers.iter().skip(out) {
            if bytes <= ANSWERS {
                break;
            }
            bytes -= size(answer);
            out += 1;
        }
        self.answers.drain(..out);
    }
}

fn size(answer: &(u64, String)) -> usize {
    answer.1.len() + 10
}

/// All that is counted is bounded far below what a `u16` holds.
fn count(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}

/// The bytes left to read; none = they end too early.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn memory(&mut self) -> Option<Memory> {
        let run = self.long()?;
        let tasks = self.short()?;
        let asked: BTreeSet<u64> = (0..tasks).map(|_| self.long()).collect::<Option<_>>()?;
        let known = self.short()?;
        let answers: Vec<(u64, String)> = (0..known).map(|_| self.answer()).collect::<Option<_>>()?;
        (asked.len() == tasks && tasks <= OPEN).then_some(Memory { run, asked, answers, most: 0 })
    }

    fn answer(&mut self) -> Option<(u64, String)> {
        let question = self.long()?;
        let length = self.short()?;
        Some((question, std::str::from_utf8(self.take(length)?).ok()?.to_owned()))
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes(self.take(2)?.try_into().ok()?)))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(most: usize) -> Memory {
        Memory::read(&[], most).unwrap()
    }

    fn questions(memory: &Memory) -> Vec<u64> {
        memory.answers.iter().map(|(question, _)| *question).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut memory = empty(8);
        memory.enter(77);
        memory.ask(3);
        memory.ask(u64::MAX);
        memory.answered(9, 1, "naïve");
        memory.answered(9, 2, "");
        let state = memory.write();
        assert_eq!(Memory::read(&state, 8).unwrap(), memory);
        assert_eq!(state.len(), 4 + 8 + 2 + 16 + 2 + 16 + 10);
        assert_eq!(Memory::read(&empty(8).write(), 8).unwrap(), empty(8));
    }

    #[test]
    fn the_answer_used_longest_ago_goes_first() {
        let mut memory = empty(3);
        for question in 1..=3 {
            memory.answered(0, question, "a");
        }
        assert_eq!(memory.recall(1), Some(String::from("a")));
        memory.answered(0, 4, "b");
        assert_eq!(questions(&memory), [3, 1, 4]);
        memory.answered(0, 3, "c");
        assert_eq!(questions(&memory), [1, 4, 3]);
        assert_eq!((memory.recall(2), memory.recall(3)), (None, Some(String::from("c"))));
        assert_eq!(questions(&Memory::read(&memory.write(), 1).unwrap()), [3]);
        assert_eq!(questions(&Memory::read(&memory.write(), 0).unwrap()), [0u64; 0]);
    }

    #[test]
    fn the_fullest_state_has_less_than_48_kib() {
        let mut memory = empty(512);
        for number in 0..5000 {
            memory.ask(number);
            memory.answered(u64::MAX, number, &"x".repeat(50 + number as usize % 400));
        }
        assert!(!memory.may_ask());
        assert_eq!(memory.asked.len(), OPEN);
        let state = memory.write();
        assert!((40 << 10..48 << 10).contains(&state.len()), "{}", state.len());
        assert_eq!(Memory::read(&state, 512).unwrap(), memory);
        memory.answered(0, 9999, &"x".repeat(100_000));
        assert!(memory.answers.is_empty());
        for number in 0..5000 {
            memory.answered(u64::MAX, number, "agent-0001");
        }
        assert_eq!(memory.answers.len(), 512);
    }

    #[test]
    fn tasks_of_another_run_are_forgotten_and_answers_are_not() {
        let mut memory = empty(8);
        memory.enter(1);
        memory.ask(5);
        memory.answered(6, 7, "a");
        memory.enter(1);
        assert!(memory.was_asked(5));
        memory.enter(2);
        assert!(!memory.was_asked(5));
        assert_eq!(questions(&memory), [7]);
    }

    #[test]
    fn foreign_and_broken_states_are_refused() {
        let begin = Err(String::from("it does not begin as this router's does"));
        for state in [&[0xff; 3][..], &[0; 1000], b"{}", b"llm"] {
            assert_eq!(Memory::read(state, 8), begin);
        }
        let version = Err(String::from("its version is 9, this router writes 1"));
        assert_eq!(Memory::read(b"llm\x09", 8), version);
        let mut memory = empty(8);
        memory.ask(3);
        memory.answered(9, 1, "é");
        let state = memory.write();
        let broken = Err(String::from("it is cut or not well formed"));
        for length in 4..state.len() {
            assert_eq!(Memory::read(&state[..length], 8), broken, "{length}");
        }
        let longer = [&state[..], b"x"].concat();
        assert_eq!(Memory::read(&longer, 8), Err(String::from("1 bytes follow its end")));
        let no_text = [&state[..state.len() - 1], &[0xff]].concat();
        assert_eq!(Memory::read(&no_text, 8), broken);
    }
}
