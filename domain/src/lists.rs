//! What lists share: pages, limits, text search.

use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};

/// Rows of one page at most.
pub const MAX_LIMIT: u64 = 200;

/// One page of a list, and the row after which the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The rows.
    pub items: Vec<T>,
    /// Key of the last row, while there are more.
    pub next: Option<C>,
}

/// Rows to ask for: one more than the page holds, so that the last page is known without another look.
pub(crate) fn fetch(limit: u64) -> u64 {
    clamp(limit) + 1
}

fn clamp(limit: u64) -> u64 {
    limit.clamp(1, MAX_LIMIT)
}

/// Cuts what was fetched by [`fetch`] to the page; `key` gives the key that the list is sorted by.
pub(crate) fn page<T, C>(mut rows: Vec<T>, limit: u64, key: impl Fn(&T) -> C) -> Page<T, C> {
    let limit = usize::try_from(clamp(limit)).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(key) } else { None };
    Page { items: rows, next }
}

/// A pattern of LIKE for texts in lower case that hold what was typed, with `\` before what LIKE would read otherwise.
pub(crate) fn pattern(typed: &str) -> String {
    let typed = typed.to_lowercase();
    let mut pattern = String::with_capacity(typed.len() + 2);
    pattern.push('%');
    for letter in typed.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Whether a text holds what was typed, whatever the case. It reads every row that the other filters leave: for lists
/// that are bounded by a cluster or by the number of clusters.
pub(crate) fn contains(column: Expr, typed: &str) -> Expr {
    Expr::expr(Func::lower(column)).like(LikeExpr::new(pattern(typed)).escape('\\'))
}

/// Longest text that is searched for.
const MAX_SEARCH: usize = 200;

/// What was typed into a search box, without what cannot match: none when nothing is left.
pub(crate) fn typed(search: Option<&str>) -> Option<String> {
    let text: String = search?
        .trim()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_SEARCH)
        .collect();
    (!text.is_empty()).then_some(text)
}
