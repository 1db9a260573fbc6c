//! Path patterns, as the host understands those of a plan.

/// Why this is no pattern.
pub fn mistake(glob: &str) -> Option<&'static str> {
    if glob.is_empty() {
        return Some("it is empty");
    }
    if glob.starts_with('/') || glob.contains('\\') {
        return Some("it must be relative, with `/` between folders");
    }
    if glob.contains(['[', ']', '{', '}']) {
        return Some("only *, ? and ** are understood");
    }
    if glob.split('/').any(|segment| segment != "**" && segment.contains("**")) {
        return Some("** must be a whole segment");
    }
    None
}

pub fn matches(glob: &str, path: &str) -> bool {
    let glob: Vec<&str> = glob.trim_end_matches('/').split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    wild(&glob, &path, |part| *part == "**", |part, segment| is_segment(part, segment))
}

fn is_segment(glob: &str, segment: &str) -> bool {
    let glob: Vec<char> = glob.chars().collect();
    let segment: Vec<char> = segment.chars().collect();
    wild(&glob, &segment, |part| *part == '*', |part, c| *part == '?' || part == c)
}

/// Whether `pattern` stands for all of `text`, where a star stands for any number of elements. One row of a table at a
/// time, so that no pattern takes more than their lengths multiplied.
fn wild<T>(pattern: &[T], text: &[T], is_star: impl Fn(&T) -> bool, is: impl Fn(&T, &T) -> bool) -> bool {
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    for part in pattern {
        let star = is_star(part);
        let mut before = reach[0];
        reach[0] = before && star;
        for (index, element) in text.iter().enumerate() {
            let above = reach[index + 1];
            reach[index + 1] = match star {
                true => above || reach[index],
                false => before && is(part, element),
            };
            before = above;
        }
    }
    reach[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_where_they_belong() {
        for (glob, path) in [
            ("src/**", "src/a/b.rs"),
            ("src/**", "src"),
            ("**/*.rs", "a.rs"),
            ("**/*.rs", "x/y/a.rs"),
            ("src/*.rs", "src/a.rs"),
            ("src/?.rs", "src/é.rs"),
            ("a/**/z", "a/z"),
            ("docs/", "docs"),
            ("*", "Makefile"),
        ] {
            assert!(matches(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("src/*", "src/a/b.rs"),
            ("src/**", "srcs/a.rs"),
            ("src/*.rs", "src/a.rsx"),
            ("src/?.rs", "src/ab.rs"),
            ("*", "a/b"),
            ("src", "src/a.rs"),
            ("**/a", "b"),
        ] {
            assert!(!matches(glob, path), "{glob} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_for_ever() {
        let glob = "*a".repeat(200);
        assert!(!matches(&glob, &"a".repeat(1000).replace("aaaaa", "aaaab")));
    }
}
