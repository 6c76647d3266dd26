//! Rendering through the real renderers in the real sandbox. Needs helm and kustomize of the rig.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod bench;
mod blame_demo;
mod build_environment;
mod dependencies;
mod directory;
mod helm;
mod included;
mod kustomize;
mod options;
mod plugins;
mod refusals;
mod sandbox;
mod sets;
mod several;
mod stated;
