//! `make corpus`: every repository it is given is read as a root source and rendered, and the results are held against
//! the stock kustomize and an independent count of documents. The driver sets everything up and prints the table.
//!
//! Arguments: a JSON file that says what to read, and the file to write.

mod checkout;
mod corpus;
mod count;
mod report;
mod sets;
mod stock;

use corpus::{Corpus, Programs};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

/// What the driver set up.
#[derive(Debug, Deserialize)]
struct Task {
    /// An empty folder.
    work: PathBuf,
    child: PathBuf,
    helm: PathBuf,
    kustomize: PathBuf,
    /// Folder and address of its repository.
    repositories: BTreeMap<String, String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (task, out) = arguments
        .next()
        .zip(arguments.next())
        .ok_or("name the file with the task, and the one to write")?;
    let task: Task = serde_json::from_slice(&std::fs::read(task)?)?;
    let programs = Programs {
        child: task.child,
        helm: task.helm,
        kustomize: task.kustomize,
    };
    let corpus = Corpus::new(&task.work, programs, task.repositories.clone())?;
    let mut folders = Vec::new();
    for name in task.repositories.keys() {
        folders.push(corpus.folder(name).await?);
    }
    std::fs::write(out, serde_json::to_vec_pretty(&folders)?)?;
    if folders.iter().all(report::Folder::is_good) {
        Ok(())
    } else {
        Err("something differs from the stock programs, or is missing".into())
    }
}
