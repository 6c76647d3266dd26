//! What a step does: commits, other hands on the cluster, and what people ask for.

use super::lane::Stage;
use super::table::Step;
use crate::world::WITHIN;
use lockstep_types::account::{Actor, Role};
use lockstep_types::application::HoldKind;
use lockstep_types::id::{TargetId, UserId};
use lockstep_types::leftover::RemovalRequest;
use lockstep_types::policy::Rights;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde_json::json;
use server::store;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(150);

pub fn maria() -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(1)),
        name: "maria".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Rights::default(),
    }
}

type Said = (String, String);

impl Stage<'_> {
    /// Does what a step says.
    pub async fn act(&mut self, step: &Step) -> Result<(), Said> {
        if !step.of.is_empty() {
            self.memory.of.clone_from(&step.of);
        }
        // What holds is there before what it holds back, and other hands come before the commit.
        if step.ask.starts_with("hold") {
            self.asked(&step.ask).await?;
        }
        for line in &step.kubectl {
            let mut arguments = vec!["--namespace".to_owned(), self.namespace.clone()];
            arguments.extend(words(line));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            self.place
                .kubectl(&arguments)
                .map_err(|said| (format!("kubectl {line}"), said))?;
        }
        let first = self.memory.head.is_none();
        if let Some(spec) = &step.define {
            if spec == "gone" {
                self.repository.remove("apps/shop.yaml");
            } else {
                self.define(Some(spec));
            }
        }
        for (name, short) in &step.commit {
            self.manifest(name, short);
        }
        for (path, text) in &step.files {
            match text {
                Some(text) => self.repository.write(path, text),
                None => self.repository.remove(path),
            }
        }
        if first || step.define.is_some() || !step.commit.is_empty() || !step.files.is_empty() {
            self.memory.head = Some(self.repository.commit("a step"));
            let key = self.runtime.repository_key(&self.repository.url());
            self.runtime.activator().activate_all();
            self.runtime.activator().activate_repository(&key);
        }
        if step.ask.is_empty() || step.ask.starts_with("hold") {
            return Ok(());
        }
        self.asked(&step.ask).await
    }

    async fn asked(&self, asked: &str) -> Result<(), Said> {
        let Some(target) = self.target(&self.memory.of).await else {
            let expected = format!("{asked}, of {}", self.memory.of);
            return Err((expected, "no such application".to_owned()));
        };
        self.ask(asked, target)
            .await
            .map_err(|said| (asked.to_owned(), said))
    }

    async fn ask(&self, asked: &str, target: TargetId) -> Result<(), String> {
        match asked {
            "sync" => self.operation(target, OperationKind::Sync, false).await,
            "sync with prune" => self.operation(target, OperationKind::Sync, true).await,
            "terminate" => {
                self.operation(target, OperationKind::Terminate, false)
                    .await
            }
            "approve" => return self.decide(target, true).await,
            "refuse" => return self.decide(target, false).await,
            "hold sync" => self.hold(target, HoldKind::Sync).await,
            "hold heal" => self.hold(target, HoldKind::Heal).await,
            "hold both" => self.hold(target, HoldKind::Both).await,
            "remove" => return self.remove(target).await,
            "leave" => return self.leave(target).await,
            _ => return Err("nobody can ask for that".to_owned()),
        }
        self.runtime.activator().activate_target(target);
        Ok(())
    }

    async fn operation(&self, target: TargetId, kind: OperationKind, prune: bool) {
        let mut tx = self.store.begin().await.expect("a write");
        let new = store::operation::NewOperation {
            kind,
            target,
            actor: "maria".to_owned(),
            started_by: StartedBy::Person("maria".to_owned()),
            idempotency_key: None,
            parameters: json!({"prune": prune}),
        };
        store::operation::insert(&mut tx, &new)
            .await
            .expect("an operation");
        tx.commit().await.expect("a commit");
    }

    async fn hold(&self, target: TargetId, kind: HoldKind) {
        let mut tx = self.store.begin().await.expect("a write");
        let until = tx.now().plus_seconds(3600);
        store::hold::insert(&mut tx, target, kind, "maria", "release freeze", until)
            .await
            .expect("a hold");
        tx.commit().await.expect("a commit");
    }

    async fn decide(&self, target: TargetId, yes: bool) -> Result<(), String> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let waiting = store::approval::waiting(self.store)
                .await
                .map_err(|error| error.to_string())?;
            if let Some(one) = waiting.iter().find(|one| one.target.id == target) {
                let syncs = &self.ports.syncs;
                let decided = syncs.decide(&maria(), one.id, &one.digest, yes).await;
                return decided.map(|_| ()).map_err(|error| error.to_string());
            }
            if Instant::now() > deadline {
                return Err("nothing waits for a yes".to_owned());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Leaves what an application left, as a person does who has seen it.
    async fn leave(&self, target: TargetId) -> Result<(), String> {
        self.shown(target).await?;
        let left = self.ports.leftovers.leave(&maria(), target).await;
        left.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Removes what an application left.
    async fn remove(&self, target: TargetId) -> Result<(), String> {
        let request = RemovalRequest {
            target,
            digest: self.shown(target).await?,
            typed: self.memory.of.clone(),
            reason: "closed".to_owned(),
        };
        let asked = self.ports.leftovers.remove(&maria(), &request).await;
        asked.map(|_| ()).map_err(|error| error.to_string())
    }

    /// The digest of what an application left, once it does not change any more.
    async fn shown(&self, target: TargetId) -> Result<String, String> {
        let deadline = Instant::now() + WITHIN;
        let mut before = None;
        loop {
            let shown = self.ports.leftovers.removal(&maria(), target).await;
            let digest = shown
                .as_ref()
                .ok()
                .and_then(|shown| shown.plan.as_ref())
                .map(|plan| plan.digest.clone());
            match digest {
                Some(digest) if before.as_ref() == Some(&digest) => return Ok(digest),
                digest => before = digest,
            }
            if Instant::now() > deadline {
                return Err(format!("what it left is never shown: {shown:?}"));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// The words of a command line; single quotes keep some together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in line.split('\'').enumerate() {
        let quoted = index % 2 == 1;
        for (index, word) in part.split(' ').enumerate() {
            if index > 0 && !quoted {
                words.push(String::new());
            } else if index > 0 {
                words.last_mut().expect("a word").push(' ');
            }
            words.last_mut().expect("a word").push_str(word);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
