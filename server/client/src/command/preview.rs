//! `lockstep preview`: what would this branch do?

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use crate::upcoming::text;
use clap::Args;
use lockstep_types::upcoming::Upcoming;

/// What a branch would do once it is merged; status 1 when something stands against it.
#[derive(Debug, Args)]
pub struct Preview {
    /// A branch, tag or commit that the Git host has.
    #[arg(value_name = "REF")]
    reference: String,
    /// The repository, as addresses of commits name it; not needed where there is only one.
    #[arg(long, default_value = "")]
    repo: String,
    /// The branch that it is for; the one that most targets follow unless given.
    #[arg(long, default_value = "")]
    onto: String,
    /// The changed lines, too.
    #[arg(long)]
    patch: bool,
}

impl Preview {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let query = [
            ("reference", self.reference.as_str()),
            ("repo", &self.repo),
            ("onto", &self.onto),
        ];
        let view: Upcoming = global.open()?.get("/preview", &query).await?;
        global.show(&view, |view| text(view, self.patch))?;
        Ok(match view.is_clear() {
            true => Exit::Done,
            false => Exit::Failed,
        })
    }
}
