//! The waiting line: tasks that were deferred because a busy agent is worth waiting for. Tasks that come later queue behind
//! them.
//!
//! Encoded as the number of entries (u16) and 36 bytes for each, all little-endian.

/// The most entries; further tasks do not wait.
const MOST: usize = 256;

/// Bytes of an entry.
const ENTRY: usize = 36;

/// A task in line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Hash of the task's name.
    pub task: u64,
    /// Hash of the agent's name.
    pub agent: u64,
    /// The task's priority.
    pub priority: i32,
    /// When it was deferred for the first time, in Unix milliseconds.
    pub since: u64,
    /// When it is decided again, in Unix milliseconds.
    pub until: u64,
}

/// The tasks in line, unordered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    places: Vec<Place>,
}

impl Line {
    /// Decodes a line; returns it with the bytes that follow. None if the bytes are malformed.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (count, rest) = bytes.split_first_chunk::<2>()?;
        let count = usize::from(u16::from_le_bytes(*count));
        if count > MOST || rest.len() < count * ENTRY {
            return None;
        }
        let (entries, rest) = rest.split_at(count * ENTRY);
        let places: Option<Vec<Place>> = entries.chunks_exact(ENTRY).map(Place::read).collect();
        Some((Self { places: places? }, rest))
    }

    /// Appends the encoded line.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.places.len() as u16).to_le_bytes());
        for place in &self.places {
            place.write(bytes);
        }
    }

    /// Drops tasks that have not returned `grace` milliseconds after their time: they were cancelled, or another router decided
    /// on them.
    pub fn forget(&mut self, now: u64, grace: u64) {
        self.places.retain(|place| now <= place.until.saturating_add(grace));
    }

    /// Removes a task; none if it is not in line.
    pub fn take(&mut self, task: u64) -> Option<Place> {
        let at = self.places.iter().position(|place| place.task == task)?;
        Some(self.places.swap_remove(at))
    }

    /// Adds a task; false if the line is full.
    pub fn put(&mut self, place: Place) -> bool {
        let fits = self.places.len() < MOST;
        if fits {
            self.places.push(place);
        }
        fits
    }

    /// The agents that tasks before this one wait for. The order is total, so that two tasks that were deferred at the same time
    /// do not wait for each other.
    pub fn before(&self, priority: i32, since: u64, task: u64) -> impl Iterator<Item = u64> {
        let own = (core::cmp::Reverse(priority), since, task);
        let first = move |place: &&Place| (core::cmp::Reverse(place.priority), place.since, place.task) < own;
        self.places.iter().filter(first).map(|place| place.agent)
    }
}

impl Place {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (task, rest) = bytes.split_first_chunk()?;
        let (agent, rest) = rest.split_first_chunk()?;
        let (priority, rest) = rest.split_first_chunk()?;
        let (since, rest) = rest.split_first_chunk()?;
        let until = rest.first_chunk()?;
        Some(Self {
            task: u64::from_le_bytes(*task),
            agent: u64::from_le_bytes(*agent),
            priority: i32::from_le_bytes(*priority),
            since: u64::from_le_bytes(*since),
            until: u64::from_le_bytes(*until),
        })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.task.to_le_bytes());
        bytes.extend(self.agent.to_le_bytes());
        bytes.extend(self.priority.to_le_bytes());
        bytes.extend(self.since.to_le_bytes());
        bytes.extend(self.until.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(task: u64, priority: i32, since: u64) -> Place {
        Place { task, agent: task + 100, priority, since, until: since + 10 }
    }

    fn line(places: &[Place]) -> Line {
        let mut line = Line::default();
        assert!(places.iter().all(|place| line.put(*place)));
        line
    }

    #[test]
    fn what_was_written_is_read_and_the_rest_is_left() {
        let line = line(&[place(1, -1000, 5), place(u64::MAX - 200, 7, 6)]);
        let mut bytes = Vec::new();
        line.write(&mut bytes);
        assert_eq!(bytes.len(), 2 + 2 * ENTRY);
        bytes.extend(b"rest");
        assert_eq!(Line::read(&bytes), Some((line, &b"rest"[..])));
        assert_eq!(Line::read(&bytes[..40]), None);
        assert_eq!(Line::read(&[0xff, 0xff]), None);
        assert_eq!(Line::read(&[]), None);
    }

    #[test]
    fn the_urgent_come_first_then_those_that_wait_for_longer() {
        let line = line(&[place(1, 0, 5), place(2, 0, 7), place(3, 1, 9), place(4, -1, 1)]);
        let before = |priority, since| {
            let mut agents: Vec<u64> = line.before(priority, since, 0).collect();
            agents.sort_unstable();
            agents
        };
        assert_eq!(before(0, 6), [101, 103]);
        assert_eq!(before(1, 8), [0; 0]);
        assert_eq!(before(-1, 20), [101, 102, 103, 104]);
    }

    #[test]
    fn of_any_two_tasks_one_is_before_the_other() {
        let places: Vec<Place> = (0..27).map(|task| place(task, (task % 3) as i32, task / 3 % 3)).collect();
        for one in &places {
            for other in &places {
                let is_before = |first: &Place, then: &Place| {
                    line(&[*first]).before(then.priority, then.since, then.task).count() == 1
                };
                let both = [is_before(one, other), is_before(other, one)];
                assert_eq!(both.contains(&true), one != other, "{one:?} {other:?}");
                assert_ne!(both, [true, true], "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn who_does_not_come_back_is_forgotten() {
        let mut line = line(&[place(1, 0, 5), place(2, 0, 50)]);
        line.forget(30, 10);
        assert_eq!(line.take(1), None);
        assert_eq!(line.take(2), Some(place(2, 0, 50)));
        assert_eq!(line, Line::default());
    }

    #[test]
    fn the_line_has_an_end() {
        let mut line = Line::default();
        assert!((0..MOST as u64).all(|task| line.put(place(task, 0, 0))));
        assert!(!line.put(place(9999, 0, 0)));
    }
}
