//! Parses server-sent events (WHATWG HTML, section 9.2) from bytes that may be split anywhere.

use std::fmt::Display;
use std::mem::take;

/// The most bytes of one event.
pub const EVENT_BYTES: usize = 1 << 20;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its type; `message` unless the server sets another.
    pub event: String,
    /// The data lines, joined by line feeds.
    pub data: String,
    /// The last id in the stream, of this event or an earlier one; empty if there was none.
    pub id: String,
}

/// An event is larger than [`EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooLarge;

impl Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an event of the stream is larger than {EVENT_BYTES} bytes")
    }
}

/// The parser of one stream. After [`TooLarge`] it ignores the rest.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    event: String,
    data: String,
    has_data: bool,
    id: String,
    /// The last byte was a carriage return: a line feed after it belongs to the same line end.
    after_return: bool,
    /// A line was read, so a byte order mark is no longer possible.
    begun: bool,
    broken: bool,
}

impl Events {
    /// The events that these bytes complete, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<Event, TooLarge>> {
        let mut events = Vec::new();
        for &byte in bytes {
            if self.broken {
                break;
            }
            let pair = take(&mut self.after_return) && byte == b'\n';
            match byte {
                _ if pair => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    events.extend(self.line().map(Ok));
                }
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > EVENT_BYTES {
                self.broken = true;
                events.push(Err(TooLarge));
            }
        }
        events
    }

    /// The last event, at the end of the stream: servers omit the blank line that should end it.
    pub fn finish(mut self) -> Option<Event> {
        if self.broken {
            return None;
        }
        self.line().or_else(|| self.dispatch())
    }

    fn line(&mut self) -> Option<Event> {
        let bytes = take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let text = if self.begun { &text } else { text.strip_prefix('\u{feff}').unwrap_or(&text) };
        self.begun = true;
        if text.is_empty() {
            return self.dispatch();
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            // Comments have no field name; `retry` is for clients that reconnect.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let event = take(&mut self.event);
        let data = take(&mut self.data);
        if !take(&mut self.has_data) {
            return None;
        }
        let event = if event.is_empty() { String::from("message") } else { event };
        Some(Event { event, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event: &str, data: &str, id: &str) -> Event {
        Event { event: event.to_owned(), data: data.to_owned(), id: id.to_owned() }
    }

    /// In pieces of so many bytes.
    fn read(text: &str, piece: usize) -> Vec<Event> {
        let mut events = Events::default();
        let mut read = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            read.extend(events.push(bytes).into_iter().map(Result::unwrap));
        }
        read.extend(events.finish());
        read
    }

    #[test]
    fn the_same_events_come_wherever_the_bytes_are_split() {
        let text = "\u{feff}: hello\r\n\r\nevent: add\r\ndata: naïve\r\ndata:\r\ndata:  two\r\nid: 7\r\n\r\n\
                    data: x\rdata: y\r\revent: lost\n\nretry: 5\nnonsense\ndata\n\ndata: last";
        let expected = [
            event("add", "naïve\n\n two", "7"),
            event("message", "x\ny", "7"),
            event("message", "", "7"),
            event("message", "last", "7"),
        ];
        for piece in [1, 2, 3, 5, 7, 64, 1000] {
            assert_eq!(read(text, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn nothing_is_no_event() {
        assert_eq!(read("", 1), []);
        assert_eq!(read("\n\n: only a comment\n\n", 1), []);
    }

    #[test]
    fn an_event_has_a_largest_size() {
        let mut events = Events::default();
        assert_eq!(events.push(b"data: a\n\ndata: ").len(), 1);
        assert_eq!(events.push(&vec![b'x'; EVENT_BYTES]), [Err(TooLarge)]);
        assert_eq!(events.push(b"\n\ndata: b\n\n"), []);
        assert_eq!(events.finish(), None);

        let mut many_lines = Events::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1000], b"\n"].concat();
        let read: Vec<_> = (0..2000).flat_map(|_| many_lines.push(&line)).collect();
        assert_eq!(read, [Err(TooLarge)]);
    }
}
