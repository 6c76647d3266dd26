//! Lua scripts as Argo CD has them, in the dialect it has them in (5.1), with `string`, `table` and `math` only: what
//! they say follows from the object alone. No files, no programs, no clock, no modules.
//!
//! Runs in the child only: inside a function of the library, a script cannot be stopped.

use super::SCRIPT_BYTES;
use super::expression::line;
use lockstep_types::health::{Health, HealthStatus};
use mlua::chunk::ChunkMode;
use mlua::serde::ser::Options;
use mlua::{HookTriggers, Lua, LuaOptions, LuaSerdeExt, StdLib, VmState};
use serde_json::Value;
use std::cell::Cell;

/// What one script may allocate.
const MEMORY_BYTES: usize = 32 * 1024 * 1024;
/// Instructions of one script. Real ones need some thousands.
const STEPS: u32 = 10_000_000;
/// How often they are counted.
const COUNTED: u32 = 10_000;

/// Of the base library: what reads files or code, or hides from the count of instructions.
const REMOVED: [&str; 13] = [
    "dofile",
    "loadfile",
    "load",
    "loadstring",
    "require",
    "module",
    "package",
    "collectgarbage",
    "print",
    "newproxy",
    "getfenv",
    "setfenv",
    "coroutine",
];

/// What a script says of an object; else what is wrong with it, as a predicate.
pub(super) fn health(script: &str, object: &Value) -> Result<Health, String> {
    if script.len() > SCRIPT_BYTES {
        return Err(format!("is longer than {} KiB", SCRIPT_BYTES >> 10));
    }
    run(script, object).map_err(|error| predicate(&error))?
}

fn run(script: &str, object: &Value) -> mlua::Result<Result<Health, String>> {
    let lua = Lua::new_with(
        StdLib::TABLE | StdLib::STRING | StdLib::MATH,
        LuaOptions::default(),
    )?;
    lua.set_memory_limit(MEMORY_BYTES)?;
    let globals = lua.globals();
    for name in REMOVED {
        globals.set(name, mlua::Value::Nil)?;
    }
    globals
        .get::<mlua::Table>("string")?
        .set("dump", mlua::Value::Nil)?;
    // Absent and null are the same for a script.
    let absent = Options::new()
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false)
        .set_array_metatable(false);
    globals.set("obj", lua.to_value_with(object, absent)?)?;
    let left = Cell::new(STEPS / COUNTED);
    lua.set_hook(
        HookTriggers::new().every_nth_instruction(COUNTED),
        move |_, _| {
            left.set(left.get().saturating_sub(1));
            if left.get() == 0 {
                return Err(mlua::Error::runtime(OUT_OF_STEPS));
            }
            Ok(VmState::Continue)
        },
    )?;
    let given: mlua::Value = lua
        .load(script)
        .set_name("=line")
        .set_mode(ChunkMode::Text)
        .call(())?;
    Ok(said(&given))
}

const OUT_OF_STEPS: &str = "the script takes too many steps";

fn said(given: &mlua::Value) -> Result<Health, String> {
    let table = match given {
        // It has nothing to say of this object.
        mlua::Value::Nil => return Ok(Health::healthy()),
        mlua::Value::Table(table) => table,
        other => {
            return Err(format!(
                "gives {} instead of a table with status and message",
                other.type_name()
            ));
        }
    };
    let text = |name: &str| match table.raw_get::<mlua::Value>(name) {
        Ok(mlua::Value::String(text)) => text.to_string_lossy(),
        _ => String::new(),
    };
    let (status, message) = (text("status"), text("message"));
    match HealthStatus::from_word(&status) {
        Some(HealthStatus::Healthy) => Ok(Health::healthy()),
        Some(status) => Ok(Health::new(status, line(&message))),
        None if status.is_empty() && table.is_empty() => Ok(Health::healthy()),
        None => Err(format!(
            "gives the status “{}”, which is none of Healthy, Progressing, Degraded, Suspended, Missing and Unknown",
            line(&status)
        )),
    }
}

/// Whether a script went beyond a limit of its own.
pub(super) fn is_stopped(predicate: &str) -> bool {
    predicate.starts_with(STOPPED)
}

const STOPPED: &str = "was stopped";

fn predicate(error: &mlua::Error) -> String {
    let text = error.to_string();
    if text.contains(OUT_OF_STEPS) {
        return format!("{STOPPED}: it takes more than {STEPS} steps");
    }
    match error {
        mlua::Error::MemoryError(_) => format!(
            "{STOPPED}: it uses more than {} MiB of memory",
            MEMORY_BYTES >> 20
        ),
        mlua::Error::SyntaxError { message, .. } => format!("cannot be read: {}", place(message)),
        _ => format!("fails: {}", place(&text)),
    }
}

/// `line:3: …` as `line 3: …`.
fn place(text: &str) -> String {
    let text = text.strip_prefix("runtime error: ").unwrap_or(text);
    let text = text.strip_prefix("syntax error: ").unwrap_or(text);
    line(&text.replacen("line:", "line ", 1))
}
