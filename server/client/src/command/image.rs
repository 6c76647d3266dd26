//! `lockstep image set`: a pipeline has built an image, and Git shall say its tag.

use super::Global;
use crate::api::ClientError;
use crate::apps::{Which, path};
use crate::exit::Exit;
use crate::table::{plain, remark};
use crate::wire::ImageBody;
use clap::{Args, Subcommand};
use lockstep_types::image::ImageAnswer;

/// Images of applications.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Commit another tag where Git states the one there is: as a pull request, or with --commit at once.
    Set(Set),
}

/// See [`Image::Set`].
#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    which: Which,
    /// `registry.example.org/team/web=2.0`; the last parts of the name are enough where only one image ends so.
    #[arg(required = true, value_name = "IMAGE=TAG")]
    images: Vec<String>,
    /// Why; goes into the commit message.
    #[arg(long, default_value = "")]
    reason: String,
    /// On the tracked branch at once, instead of a pull request.
    #[arg(long)]
    commit: bool,
    /// Also where other applications read the file that states it.
    #[arg(long)]
    everywhere: bool,
    /// Write nothing, say what would be written.
    #[arg(long)]
    preview: bool,
}

impl Image {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let Self::Set(set) = self;
        let api = global.open()?;
        let target = set.which.find(&api).await?;
        let body = ImageBody {
            images: set.images.clone(),
            reason: set.reason.clone(),
            commit: set.commit,
            everywhere: set.everywhere,
            preview: set.preview,
        };
        let answer: ImageAnswer = api.post(&path(&target, "/image"), &body).await?;
        match &answer.outcome {
            Some(outcome) => {
                remark(&plain(&answer.first_line));
                super::app_rollback::tell(global, outcome)
            }
            None => global.show(&answer, summary),
        }
    }
}

fn summary(answer: &ImageAnswer) -> String {
    let mut text = format!("{}\n", answer.first_line);
    if !answer.patch.is_empty() {
        text.push_str(&format!("\n{}", answer.patch));
    }
    plain(&text)
}
