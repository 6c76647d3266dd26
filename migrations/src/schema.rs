//! Words that the steps share. Nothing here may change the meaning of a released step.

use sea_orm_migration::prelude::*;

/// Statements as they are, in this order.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager
            .get_connection()
            .execute_unprepared(statement)
            .await?;
    }
    Ok(())
}

/// A foreign key of one column.
pub(crate) fn refers(
    (table, column): (&'static str, &'static str),
    (to_table, to_column): (&'static str, &'static str),
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fk"))
        .from(table, column)
        .to(to_table, to_column)
        .on_delete(on_delete)
        .to_owned()
}

/// An index over columns in this order.
pub(crate) fn index(
    table: &'static str,
    name: &str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// At most one row per `columns` has no `end`.
pub(crate) fn one_open(
    table: &'static str,
    name: &str,
    columns: &[&'static str],
    end: &'static str,
) -> IndexCreateStatement {
    index(table, name, columns)
        .unique()
        .cond_where(Expr::col(end).is_null())
        .take()
}

/// Drops tables in this order: those that refer to others first.
pub(crate) async fn drop_tables(
    manager: &SchemaManager<'_>,
    tables: &[&'static str],
) -> Result<(), DbErr> {
    for table in tables {
        manager
            .drop_table(Table::drop().table(*table).to_owned())
            .await?;
    }
    Ok(())
}
