//! The audit log only grows: both databases refuse to change or remove what stands in it. And two indexes that keep anchors
//! (the heads of tracked branches) apart from what people did.
//!
//! Entries have been chained since the first step, so there is nothing to chain here. Whoever owns the database can drop a
//! trigger; what they do then shows in the chain.

use crate::schema::run;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// `INSERT OR REPLACE` removes a row without asking the trigger for removals, so what is put in is looked at too.
const SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN \
     SELECT RAISE(ABORT, 'the audit log only grows: its entries cannot be changed'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN \
     SELECT RAISE(ABORT, 'the audit log only grows: its entries cannot be removed'); END",
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit \
     WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN \
     SELECT RAISE(ABORT, 'the audit log only grows: its entries cannot be replaced'); END",
    "CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head WHEN NEW.seq < OLD.seq BEGIN \
     SELECT RAISE(ABORT, 'the audit log only grows: its end cannot go back'); END",
    "CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head BEGIN \
     SELECT RAISE(ABORT, 'the audit log only grows: its end cannot be removed'); END",
    "CREATE TRIGGER audit_head_no_replace BEFORE INSERT ON audit_head \
     WHEN EXISTS (SELECT 1 FROM audit_head) BEGIN \
     SELECT RAISE(ABORT, 'the audit log only grows: its end cannot be replaced'); END",
];

const SQLITE_BACK: &[&str] = &[
    "DROP TRIGGER audit_head_no_replace",
    "DROP TRIGGER audit_head_no_delete",
    "DROP TRIGGER audit_head_forward",
    "DROP TRIGGER audit_no_replace",
    "DROP TRIGGER audit_no_delete",
    "DROP TRIGGER audit_no_update",
];

/// Per statement where that is enough: it also covers `TRUNCATE`, which no trigger per row sees.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'the audit log only grows: % is refused', TG_OP; END $$",
    "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit \
     FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
    "CREATE FUNCTION audit_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     IF NEW.seq < OLD.seq THEN RAISE EXCEPTION 'the audit log only grows: its end cannot go back'; END IF; \
     RETURN NEW; END $$",
    "CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head \
     FOR EACH ROW EXECUTE FUNCTION audit_head_forward()",
    "CREATE TRIGGER audit_head_no_delete BEFORE DELETE OR TRUNCATE ON audit_head \
     FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
];

const POSTGRES_BACK: &[&str] = &[
    "DROP TRIGGER audit_head_no_delete ON audit_head",
    "DROP TRIGGER audit_head_forward ON audit_head",
    "DROP FUNCTION audit_head_forward()",
    "DROP TRIGGER audit_only_grows ON audit",
    "DROP FUNCTION audit_only_grows()",
];

const INDEXES: &[&str] = &[
    "CREATE INDEX audit_acts ON audit (seq) WHERE action <> 'anchor'",
    "CREATE INDEX audit_anchors ON audit (subject, seq) WHERE action = 'anchor'",
];

const INDEXES_BACK: &[&str] = &["DROP INDEX audit_anchors", "DROP INDEX audit_acts"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, INDEXES).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => run(manager, POSTGRES).await,
            _ => run(manager, SQLITE).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => run(manager, POSTGRES_BACK).await?,
            _ => run(manager, SQLITE_BACK).await?,
        }
        run(manager, INDEXES_BACK).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
