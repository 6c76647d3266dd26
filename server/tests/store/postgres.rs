//! A PostgreSQL server for this test process. It ends with the process, however that ends: a shell holds the server and
//! waits for its input to close.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// Makes a cluster, tells its folder, serves on a socket in it until the input closes, and cleans up.
const SCRIPT: &str = r#"
bin=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-postgres-XXXXXX") || exit 1
cd "$dir"
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U lockstep -A trust -E UTF8 --no-sync --no-instructions >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
shift
"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=400 "$@" >>"$dir/log" 2>&1 &
server=$!
echo "$dir"
read -r _
kill -INT "$server"
wait "$server"
"#;

/// A crash of the machine may lose the database of a test.
const QUICK: &[&str] = &[
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
];
/// As it is run for real, with the memory that its manual advises for a small machine.
const LASTING: &[&str] = &["-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB"];

struct Server {
    url: String,
    /// Its input stays open as long as this process lives.
    _holder: Option<Child>,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| match std::env::var("LOCKSTEP_TEST_POSTGRES") {
    Ok(url) => Server { url, _holder: None },
    Err(_) => start(),
});

/// Address of a database in which databases may be created.
pub fn url() -> &'static str {
    &SERVER.url
}

fn programs() -> PathBuf {
    let packaged = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = packaged
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|bin| bin.join("initdb").exists());
    found.pop().or(on_path).expect(
        "PostgreSQL was not found: install its server package, or set LOCKSTEP_TEST_POSTGRES to the address of a server",
    )
}

fn start() -> Server {
    let bin = programs();
    // The server refuses to run as root.
    let root = std::fs::metadata("/proc/self")
        .is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command
        .args(["-c", SCRIPT, "sh"])
        .arg(&bin)
        .args(match std::env::var_os("LOCKSTEP_SCALE_OUT") {
            Some(_) => LASTING,
            None => QUICK,
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    // An interrupt from the keyboard must not end the shell before it has cleaned up.
    let mut holder = command.process_group(0).spawn().expect("start PostgreSQL");
    let mut told = String::new();
    let output = holder
        .stdout
        .take()
        .expect("output of the PostgreSQL shell");
    BufReader::new(output)
        .read_line(&mut told)
        .expect("folder of PostgreSQL");
    let dir = told.trim();
    assert!(
        Path::new(dir).is_absolute(),
        "PostgreSQL did not start; its messages are above"
    );
    Server {
        url: format!("postgres://lockstep@localhost/postgres?host={dir}"),
        _holder: Some(holder),
    }
}
