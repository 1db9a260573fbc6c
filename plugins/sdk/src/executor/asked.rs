//! A question to a model whose answer is checked. A wrong answer is asked for once more, with everything that is wrong with
//! it.

use super::decomposition::complaint;
use super::said::structured;
use crate::words::{Child, ErrorClass, Fault};

/// The state of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked<T> {
    /// It has to be asked.
    Ask {
        /// The name of the child that asks it.
        name: String,
        /// What was wrong with the first answer: a JSON object for the child's input; none the first time.
        complaint: Option<String>,
    },
    /// The child has not ended.
    Waiting,
    /// The checked answer.
    Answered(T),
    /// The child failed, or the answer was wrong twice.
    Failed(Fault),
}

/// The state of the question `stem`, which the children `<stem>-1` and `<stem>-2` answer. `read` parses an answer, or returns
/// everything that is wrong with it.
pub fn asked<T>(children: &[Child], stem: &str, read: impl Fn(&str) -> Result<T, Vec<String>>) -> Asked<T> {
    let mut wrong = None;
    for number in 1..=2 {
        let name = format!("{stem}-{number}");
        let Some(child) = children.iter().find(|child| child.name == name) else {
            return Asked::Ask { name, complaint: wrong.map(|(_, complaint)| complaint) };
        };
        if !child.has_ended() {
            return Asked::Waiting;
        }
        if !child.has_succeeded() {
            return Asked::Failed(child.given_up("question"));
        }
        match read(&structured(child.output())) {
            Ok(answer) => return Asked::Answered(answer),
            Err(errors) => wrong = Some((errors.join("; "), complaint(&errors, child.output()))),
        }
    }
    let why = wrong.map_or(String::new(), |(errors, _)| errors);
    Asked::Failed(Fault::new(
        ErrorClass::InvalidOutput,
        format!("the answer to {stem} was wrong twice; at last: {why}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{failed, running, succeeded};
    use crate::words::Outcome;

    fn number(output: &str) -> Result<u32, Vec<String>> {
        output.parse().map_err(|_| vec![String::from("no number"), String::from("at all")])
    }

    fn answered(name: &str, output: &str) -> Child {
        succeeded(name, Outcome::raw("", output.to_owned()))
    }

    fn ask(name: &str, complaint: Option<&str>) -> Asked<u32> {
        Asked::Ask { name: name.to_owned(), complaint: complaint.map(str::to_owned) }
    }

    #[test]
    fn a_wrong_answer_is_shown_to_its_author_once() {
        assert_eq!(asked(&[], "n", number), ask("n-1", None));
        assert_eq!(asked(&[running("n-1")], "n", number), Asked::Waiting);
        assert_eq!(asked(&[answered("n-1", "3")], "n", number), Asked::Answered(3));
        let wrong = answered("n-1", "\"x\"");
        let complaint = r#"{"errors":["no number","at all"],"refused_answer":"x"}"#;
        assert_eq!(asked(std::slice::from_ref(&wrong), "n", number), ask("n-2", Some(complaint)));
        assert_eq!(asked(&[wrong.clone(), answered("n-2", "4")], "n", number), Asked::Answered(4));
        let in_words = answered("n-1", r#"{"text":"Here:\n```json\n[1]\n```"}"#);
        let list = |output: &str| if output == "[1]" { Ok(()) } else { Err(vec![output.to_owned()]) };
        assert_eq!(asked(&[in_words], "n", list), Asked::Answered(()));
        let twice = "the answer to n was wrong twice; at last: no number; at all";
        assert_eq!(
            asked(&[wrong.clone(), answered("n-2", "[]")], "n", number),
            Asked::Failed(Fault::new(ErrorClass::InvalidOutput, twice))
        );
        assert_eq!(
            asked(&[wrong, failed("n-2", ErrorClass::Budget, "no money")], "n", number),
            Asked::Failed(Fault::new(ErrorClass::Budget, "question n-2 failed: no money"))
        );
    }
}
