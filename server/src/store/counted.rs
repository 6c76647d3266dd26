//! Counting that costs the same however much there is.

use super::Read;
use sea_orm::sea_query::{Asterisk, Expr, Func, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr};

/// Nobody needs to know exactly how many more there are.
pub const MOST_COUNTED: u32 = 10_000;

/// How many rows `select` has, up to [`MOST_COUNTED`].
pub(super) async fn counted(db: &impl Read, mut select: SelectStatement) -> Result<u32, DbErr> {
    select.limit(MOST_COUNTED.into());
    let count = Query::select()
        .expr_as(Func::count(Expr::col(Asterisk)), "rows")
        .from_subquery(select, "some")
        .to_owned();
    let row = db.executor().query_one(&count).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "rows"))?;
    Ok(u32::try_from(count).unwrap_or(MOST_COUNTED))
}
