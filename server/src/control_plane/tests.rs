//! The ports over a real database and real repositories, without clusters and without reconcilers: what they write is
//! looked at before anybody takes it up.

mod actions;
mod acts;
mod bench;
mod conformance;
mod doors;
mod editing;
mod fleet;
mod four_eyes;
mod intents;
mod killed;
mod past;
mod patches;
mod registering;
mod rights;
mod rollback;
mod routes;
mod signing;
mod undo;
mod upcoming;
