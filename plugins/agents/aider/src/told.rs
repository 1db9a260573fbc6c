//! Interprets single lines of aider's output.

#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Of one answer of the model, rounded by aider; the cost of all so far, where it knows the price.
    Tokens {
        sent: u64,
        received: u64,
        cost_micros: Option<u64>,
    },
    /// The cost of all so far, on a line of its own.
    Cost {
        micros: u64,
    },
    Edited {
        path: String,
    },
    Commit {
        hash: String,
    },
    /// An error; aider may still recover.
    Trouble {
        kind: Trouble,
        text: String,
    },
    Retrying,
    /// What it says of itself when it starts.
    Notice,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// An exception of the library that speaks with the provider.
    Provider,
    TooLong,
    /// The model's edits could not be applied.
    Edits,
    /// It gave up fixing what its own checks found.
    Reflections,
    Empty,
}

const NOTICES: [&str; 26] = [
    "Aider v",
    "Model:",
    "Main model:",
    "Weak model:",
    "Editor model:",
    "Git repo:",
    "Git working dir:",
    "Repo-map:",
    "Repo-map can't include",
    "Has it been deleted from the file system",
    "Added ",
    "Creating empty file",
    "Detected dumb terminal",
    "Can't initialize prompt toolkit",
    "Use /help",
    "https://aider.chat",
    "Update git ",
    "You can skip this check with",
    "Warning for ",
    "Warning: it's best to only add",
    "Newer aider version",
    "Analytics have been",
    "Cost estimates may be inaccurate",
    // It looks for prices and newer versions of itself; messages of the model's provider arrive through litellm.
    "HTTPSConnectionPool(",
    "HTTPConnectionPool(",
    "─",
];

/// Whether the next line belongs to this one, which was broken where the terminal would have ended.
pub fn is_broken_off(line: &str) -> bool {
    let line = line.trim_end();
    if line == "Applied edit to" {
        return true;
    }
    let tokens = line.starts_with("Tokens: ") && line.contains(" sent");
    tokens && (!line.contains("received.") || (line.contains("Cost:") && !line.ends_with("session.")))
}

pub fn read(line: &str) -> Told {
    let line = line.trim();
    if let Some(path) = line.strip_prefix("Applied edit to ") {
        return Told::Edited { path: path.to_owned() };
    }
    if let Some(told) = tokens(line).or_else(|| cost(line).map(|micros| Told::Cost { micros })) {
        return told;
    }
    if let Some(hash) = commit(line) {
        return Told::Commit { hash: hash.to_owned() };
    }
    if let Some(kind) = trouble(line) {
        return Told::Trouble { kind, text: line.to_owned() };
    }
    if line.starts_with("Retrying in ") {
        return Told::Retrying;
    }
    if NOTICES.iter().any(|notice| line.starts_with(notice)) { Told::Notice } else { Told::Text }
}

fn trouble(line: &str) -> Option<Trouble> {
    let provider = ["litellm.", "The API provider", "Insufficient credits with the API provider"];
    if provider.iter().any(|words| line.starts_with(words)) {
        Some(Trouble::Provider)
    } else if line.starts_with("Your estimated chat context of ") || line.ends_with(" has hit a token limit!")
    {
        Some(Trouble::TooLong)
    } else if line.starts_with("The LLM did not conform to the edit format")
        || line.starts_with("Exception while updating files")
    {
        Some(Trouble::Edits)
    } else if line.starts_with("Only ") && line.contains(" reflections allowed") {
        Some(Trouble::Reflections)
    } else if line.starts_with("Empty response received from LLM") {
        Some(Trouble::Empty)
    } else {
        None
    }
}

/// `Tokens: 1.2k sent, 300 cache hit, 300 received. Cost: $0.01 message, $0.02 session.`
fn tokens(line: &str) -> Option<Told> {
    let counts = line.strip_prefix("Tokens: ")?;
    let (counts, _) = counts.split_once(" received.")?;
    let (sent, _) = counts.split_once(" sent")?;
    let (_, received) = counts.rsplit_once(", ")?;
    let (sent, received) = (number(sent)?, number(received)?);
    Some(Told::Tokens { sent, received, cost_micros: line.split_once("Cost: ").and_then(|_| cost(line)) })
}

/// `12`, `1.2k` or `12k`.
fn number(text: &str) -> Option<u64> {
    match text.strip_suffix('k') {
        Some(thousands) => Some((thousands.parse::<f64>().ok()? * 1000.0).round() as u64),
        None => text.parse().ok(),
    }
}

/// The session's: it comes last.
fn cost(line: &str) -> Option<u64> {
    let (_, costs) = line.split_once("Cost: $")?;
    let (_, session) = costs.strip_suffix(" session.")?.rsplit_once('$')?;
    let dollars: f64 = session.parse().ok()?;
    (dollars >= 0.0).then(|| (dollars * 1e6).round() as u64)
}

/// `Commit 1a2b3c4 feat: mend it`
fn commit(line: &str) -> Option<&str> {
    let (hash, _) = line.strip_prefix("Commit ")?.split_once(' ')?;
    let is_hash = hash.len() >= 7 && hash.chars().all(|c| c.is_ascii_hexdigit());
    is_hash.then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_costs_are_read() {
        let told = |sent, received, cost_micros| Told::Tokens { sent, received, cost_micros };
        assert_eq!(
            read("Tokens: 1.2k sent, 300 received. Cost: $0.01 message, $0.02 session."),
            told(1200, 300, Some(20_000))
        );
        assert_eq!(read("Tokens: 12k sent, 3.4k cache hit, 1.2k received."), told(12_000, 1200, None));
        assert_eq!(read("Cost: $0.00035 message, $0.0012 session."), Told::Cost { micros: 1200 });
        assert_eq!(read("Tokens: many"), Told::Text);
    }

    #[test]
    fn lines_that_were_broken_are_known() {
        assert!(is_broken_off("Applied edit to "));
        assert!(is_broken_off("Tokens: 12k sent, 3.4k cache write, 5.6k cache"));
        assert!(is_broken_off("Tokens: 12k sent, 1.2k received. Cost: $0.01 "));
        assert!(!is_broken_off("Tokens: 12k sent, 1.2k received."));
        assert!(!is_broken_off("Tokens: 12k sent, 1.2k received. Cost: $0.01 message, $0.02 session."));
        assert!(!is_broken_off("Applied edit to a.rs"));
    }

    #[test]
    fn commits_have_hashes() {
        assert_eq!(read("Commit 1a2b3c4 fix: it"), Told::Commit { hash: String::from("1a2b3c4") });
        assert_eq!(read("Commit messages matter"), Told::Text);
    }

    #[test]
    fn who_looks_for_prices_in_vain_says_nothing_of_the_work() {
        let line = "HTTPSConnectionPool(host='raw.githubusercontent.com', port=443): Max retries exceeded";
        assert_eq!(read(line), Told::Notice);
    }
}
