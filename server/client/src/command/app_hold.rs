//! `lockstep app hold`, `release` and `holds`: pauses of writes with owner, reason and end.

use super::Global;
use crate::api::{ClientError, segment};
use crate::apps::{Which, full_name, path};
use crate::exit::Exit;
use crate::table::Table;
use crate::wire::HoldBody;
use clap::{Args, ValueEnum};
use lockstep_types::application::{Hold, HoldKind, TargetSummary};
use serde_json::json;

/// What a hold stops.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Kind {
    /// Syncs and self-heal.
    #[default]
    Both,
    /// Bringing what Git says; drift is still put back.
    Sync,
    /// Putting drift back; what is new in Git is still brought.
    Heal,
}

impl From<Kind> for HoldKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Both => Self::Both,
            Kind::Sync => Self::Sync,
            Kind::Heal => Self::Heal,
        }
    }
}

/// Stop writes to a target for some hours; it is still compared.
#[derive(Debug, Args)]
pub struct HoldTarget {
    #[command(flatten)]
    which: Which,
    /// Why, for those who find it held.
    #[arg(long)]
    reason: String,
    /// What to stop.
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// Until it ends by itself; what it held back then awaits a yes.
    #[arg(long, default_value_t = 4)]
    hours: u32,
}

impl HoldTarget {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let body = HoldBody {
            kind: self.kind.into(),
            reason: self.reason.clone(),
            hours: self.hours,
        };
        let hold: Hold = api.post(&path(&target, "/hold"), &body).await?;
        global.show(&hold, |hold| format!("held until {}", hold.until.rfc3339()))
    }
}

/// End the hold of a target.
#[derive(Debug, Args)]
pub struct Release {
    #[command(flatten)]
    which: Which,
    /// Also deploy what it held back.
    #[arg(long)]
    deploy: bool,
}

impl Release {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let Some(hold) = &target.hold else {
            let name = full_name(&target);
            return Err(ClientError::Usage(format!("nobody holds {name}")));
        };
        let id = segment(&hold.id.to_string());
        let deploy = if self.deploy { "true" } else { "false" };
        api.delete(&format!("/holds/{id}"), &[("deploy", deploy)])
            .await?;
        global.show(&json!({"released": hold.id}), |_| "released".to_owned())
    }
}

/// All holds, those that end first at the top.
pub(super) async fn list(global: &Global) -> Result<Exit, ClientError> {
    let held: Vec<TargetSummary> = global.open()?.get("/holds", &[]).await?;
    global.show(&held, |held| {
        let mut table = Table::new(&[
            "APP", "CLUSTER", "HOLDS", "OWNER", "REASON", "UNTIL", "WAITING",
        ]);
        for target in held {
            let Some(hold) = &target.hold else { continue };
            table.row([
                full_name(target),
                target.target.cluster.clone(),
                hold.kind.what().to_owned(),
                hold.owner.clone(),
                hold.reason.clone(),
                if hold.ended_waiting {
                    "ended, awaits a yes".to_owned()
                } else {
                    hold.until.rfc3339()
                },
                waiting(target),
            ]);
        }
        table.text()
    })
}

/// What the hold keeps back.
fn waiting(target: &TargetSummary) -> String {
    match target.out_of_sync {
        0 => "nothing".to_owned(),
        1 => "1 object".to_owned(),
        many => format!("{many} objects"),
    }
}
