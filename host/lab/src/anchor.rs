//! Published benchmark results that give the simulated pools a plausible shape: accuracies and costs of models. They
//! don't describe any real agent.

/// A table of figures by name and column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// One number for each column of its table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub name: String,
    pub values: Vec<f64>,
}

/// Results of two models on the questions of one subject. Shares are 0.0 to 1.0.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub name: String,
    pub questions: u32,
    /// Mixtral-8x7B.
    pub weak: f64,
    /// GPT-4-1106.
    pub strong: f64,
    /// At least one of the two.
    pub either: f64,
}

impl Table {
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    #[must_use]
    pub fn at(&self, row: &str, column: &str) -> Option<f64> {
        self.row(row)?.values.get(self.column(column)?).copied()
    }
}

/// Accuracy in percent of 20 lightweight models on 15 benchmarks (LLMRouterBench, 2026, table 6).
#[must_use]
pub fn lightweight() -> Table {
    table(include_str!("anchor/lightweight.csv"))
}

/// Accuracy in percent of 12 flagship models on 10 benchmarks (LLMRouterBench, 2026, table 9).
#[must_use]
pub fn flagship() -> Table {
    table(include_str!("anchor/flagship.csv"))
}

/// Cost of the flagship models on the same benchmarks, and a last column `Total` (LLMRouterBench, 2026, table 10). Only
/// ratios mean anything.
#[must_use]
pub fn cost() -> Table {
    table(include_str!("anchor/cost.csv"))
}

/// A strong and a weak model on the 57 subjects of MMLU (derived from RouteLLM, 2024).
#[must_use]
pub fn mmlu() -> Vec<Subject> {
    lines(include_str!("anchor/mmlu.csv")).skip(1).filter_map(subject).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn table(text: &str) -> Table {
    let mut lines = lines(text);
    let columns = lines.next().map(|head| head.split(',').skip(1).map(str::to_owned).collect());
    Table { columns: columns.unwrap_or_default(), rows: lines.filter_map(row).collect() }
}

fn row(line: &str) -> Option<Row> {
    let (name, cells) = line.split_once(',')?;
    let values = cells.split(',').map(|cell| cell.parse().ok()).collect::<Option<_>>()?;
    Some(Row { name: name.to_owned(), values })
}

fn subject(line: &str) -> Option<Subject> {
    let cells: Vec<&str> = line.split(',').collect();
    let &[name, questions, weak, strong, either] = cells.as_slice() else { return None };
    Some(Subject {
        name: name.to_owned(),
        questions: questions.parse().ok()?,
        weak: weak.parse().ok()?,
        strong: strong.parse().ok()?,
        either: either.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::bivariate;

    fn is_full(table: &Table, rows: usize, columns: usize) -> bool {
        table.rows.len() == rows
            && table.columns.len() == columns
            && table.rows.iter().all(|row| row.values.len() == columns)
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        assert!(is_full(&lightweight(), 20, 15));
        assert!(is_full(&flagship(), 12, 10));
        assert!(is_full(&cost(), 12, 11));
        assert_eq!(mmlu().len(), 57);
    }

    #[test]
    fn cells_are_where_they_should_be() {
        assert_eq!(lightweight().at("Qwen-Coder", "MBPP"), Some(75.98));
        assert_eq!(flagship().at("GPT-5", "tau2-Bench"), Some(70.14));
        assert_eq!(flagship().at("GPT-5", "Sudoku"), None);
        let chemistry = mmlu().into_iter().find(|subject| subject.name == "college_chemistry");
        assert_eq!(
            chemistry.map(|found| (found.questions, found.weak, found.either)),
            Some((100, 0.49, 0.63))
        );
    }

    #[test]
    fn accuracies_are_percentages() {
        for table in [lightweight(), flagship()] {
            let mut cells = table.rows.iter().flat_map(|row| &row.values);
            assert!(cells.all(|cell| (0.0..=100.0).contains(cell)));
        }
    }

    #[test]
    fn each_cost_row_adds_up_to_its_printed_total() {
        for row in cost().rows {
            let (total, cells) = row.values.split_last().unwrap();
            let sum: f64 = cells.iter().sum();
            assert!((sum - total).abs() <= 0.06, "{}: {sum} is printed as {total}", row.name);
        }
    }

    #[test]
    fn costs_and_accuracies_are_of_the_same_models_and_benchmarks() {
        let (flagship, cost) = (flagship(), cost());
        let names = |table: &Table| table.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&flagship), names(&cost));
        assert_eq!(flagship.columns, cost.columns[..10]);
        assert_eq!(cost.columns[10], "Total");
    }

    /// The report that the summary comes from states n = 14,042, .681, .806, .859 and a tetrachoric correlation of
    /// about .68.
    #[test]
    fn the_mmlu_summary_adds_up_to_what_was_measured() {
        let subjects = mmlu();
        let asked: u32 = subjects.iter().map(|subject| subject.questions).sum();
        let mean = |share: fn(&Subject) -> f64| {
            subjects.iter().map(|subject| f64::from(subject.questions) * share(subject)).sum::<f64>()
                / f64::from(asked)
        };
        let (weak, strong, either) = (mean(|at| at.weak), mean(|at| at.strong), mean(|at| at.either));
        assert_eq!(asked, 14_042);
        assert!((weak - 0.681).abs() < 0.0006 && (strong - 0.806).abs() < 0.0006);
        assert!((either - 0.859).abs() < 0.0006);
        let rho = bivariate::tetrachoric(weak, strong, weak + strong - either);
        assert!((rho - 0.68).abs() < 0.02, "{rho}");
    }

    #[test]
    fn no_subject_has_both_right_more_often_than_one() {
        for subject in mmlu() {
            let both = subject.weak + subject.strong - subject.either;
            assert!(subject.either + 0.001 >= subject.strong.max(subject.weak), "{}", subject.name);
            assert!(both <= subject.weak.min(subject.strong) + 0.001, "{}", subject.name);
        }
    }
}
