//! Lists: each is read page by page, and answered as a page of JSON or, whole, as CSV.

use crate::caller::Caller;
use crate::csv::{self, Columns};
use crate::error::{Problem, Reply};
use crate::page::{self, MAX_LIMIT, Page};
use crate::state::App;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use certyard_domain::OrgTx;
use futures_util::stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A list: the parameters of its query, and how a page of it is read.
pub(crate) trait List: DeserializeOwned + 'static {
    /// What the path names: the id of the thing whose list it is, or nothing.
    type Of: Copy + 'static;
    /// A row.
    type Row: Columns + Serialize + 'static;
    /// Name of its file.
    const NAME: &'static str;

    /// Where to read.
    fn turn(&mut self) -> Turn<'_>;

    /// One page from the cursor on.
    async fn read(&self, tx: &OrgTx, of: Self::Of, limit: u64) -> Result<Page<Self::Row>, Problem>;
}

/// The parameters of every list that say where to read.
pub(crate) struct Turn<'a> {
    /// Rows on the page.
    pub limit: &'a mut Option<u64>,
    /// `next` of the page before.
    pub cursor: &'a mut Option<String>,
}

/// Takes `limit` and `cursor` of the parameters of a list for its [`Turn`].
macro_rules! turn {
    ($($at:tt)*) => {
        fn turn(&mut self) -> $crate::list::Turn<'_> {
            $crate::list::Turn {
                limit: &mut self $($at)* .limit,
                cursor: &mut self $($at)* .cursor,
            }
        }
    };
}
pub(crate) use turn;

/// A page in JSON.
pub(crate) async fn answer<L: List>(app: &App, caller: &Caller, of: L::Of, mut list: L) -> Reply<Page<L::Row>> {
    let limit = page::limit(*list.turn().limit)?;
    let tx = app.db.read(caller.scope()).await?;
    Ok(web::Json(list.read(&tx, of, limit).await?))
}

/// An export under way: one page is held, and no transaction between two pages.
struct Export<L: List> {
    app: App,
    caller: Caller,
    of: L::Of,
    /// None behind the last page.
    list: Option<L>,
}

impl<L: List> Export<L> {
    /// The rows of the next page; none behind the last.
    async fn next(&mut self) -> Result<Option<Vec<L::Row>>, Problem> {
        let Some(mut list) = self.list.take() else {
            return Ok(None);
        };
        let tx = self.app.db.read(self.caller.scope()).await?;
        let page = list.read(&tx, self.of, MAX_LIMIT).await?;
        if page.next.is_some() {
            *list.turn().cursor = page.next;
            self.list = Some(list);
        }
        Ok(Some(page.items))
    }
}

/// The whole list as a CSV file, page after page as the client takes it. What is refused is refused before the first byte;
/// where a later page fails, the connection breaks off, so that no part passes for the whole.
pub(crate) async fn export<L: List>(app: App, caller: Caller, of: L::Of, mut list: L) -> Result<HttpResponse, Problem> {
    let turn = list.turn();
    for (name, given) in [("limit", turn.limit.is_some()), ("cursor", turn.cursor.is_some())] {
        if given {
            return Err(Problem::field(
                name,
                "not_in_export",
                "is left out: an export has all rows",
            ));
        }
    }
    let mut export = Export {
        app,
        caller,
        of,
        list: Some(list),
    };
    let mut first = csv::header::<L::Row>().into_bytes();
    first.extend(csv::lines(&export.next().await?.unwrap_or_default()));
    let state = (Some(Bytes::from(first)), export);
    let body = stream::try_unfold(state, |(first, mut export)| async move {
        if let Some(first) = first {
            return Ok(Some((first, (None, export))));
        }
        match export.next().await {
            Ok(rows) => Ok(rows.map(|rows| (Bytes::from(csv::lines(&rows)), (None, export)))),
            Err(problem) => {
                tracing::warn!(code = problem.code, list = L::NAME, "an export broke off");
                Err(problem)
            }
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.csv\"", L::NAME)))
        .streaming(body))
}
