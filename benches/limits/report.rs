//! The table of figures.

use serde_json::{Value, json};

/// Figures in the order in which they were measured.
pub struct Report {
    full_size: bool,
    rows: Vec<[String; 5]>,
}

impl Report {
    /// `full_size`: the inventory has the size for which goals are stated.
    pub fn new(full_size: bool) -> Self {
        Self {
            full_size,
            rows: Vec::new(),
        }
    }

    /// Adds a figure with its yardstick, its goal and the number of rows that it was measured on.
    pub fn add(&mut self, what: &str, figure: String, yardstick: String, goal: &str, rows: u64) {
        eprintln!("{what}: {figure} {yardstick}");
        let goal = if self.full_size {
            goal.to_string()
        } else {
            String::new()
        };
        self.rows.push([what.into(), rows.to_string(), figure, yardstick, goal]);
    }

    /// As a table for people.
    pub fn text(&self) -> String {
        let head = ["what", "rows", "figure", "yardstick of the same run", "goal"].map(String::from);
        let all: Vec<&[String; 5]> = std::iter::once(&head).chain(&self.rows).collect();
        let widths: Vec<usize> = (0..5)
            .map(|column| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for (index, row) in all.iter().enumerate() {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
                .collect();
            text += &format!("| {} |\n", cells.join(" | "));
            if index == 0 {
                let lines: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                text += &format!("| {} |\n", lines.join(" | "));
            }
        }
        text
    }

    /// As JSON for programs.
    pub fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|[what, rows, figure, yardstick, goal]| {
                json!({ "what": what, "rows": rows, "figure": figure, "yardstick": yardstick, "goal": goal })
            })
            .collect();
        json!({ "full_size": self.full_size, "figures": rows }).to_string()
    }
}

/// Times in milliseconds.
pub struct Times(Vec<f64>);

impl Times {
    /// Sorts them.
    pub fn new(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    /// The time below which that share of all times lies.
    pub fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// `p50 … ms, p99 … ms`.
    pub fn text(&self) -> String {
        format!("p50 {:.2} ms, p99 {:.2} ms", self.at(0.5), self.at(0.99))
    }
}
