//! The program itself as a client, against the real router on a real socket.

use crate::harness::{PASSWORD, Server};
use axum::routing::{get, post};
use server::http::{Limits, Peer, TimedListener};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

struct Line {
    url: String,
    home: tempfile::TempDir,
    _server: Server,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Line {
    async fn start() -> Self {
        let server = Server::start().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = server
            .router
            .clone()
            .into_make_service_with_connect_info::<Peer>();
        let listener = TimedListener::new(listener, Limits::default());
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self {
            url,
            home: tempfile::tempdir().unwrap(),
            _server: server,
        }
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(arguments)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .await
            .unwrap();
        let output = child.wait_with_output().await.unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[tokio::test]
async fn login_is_remembered_and_commands_answer_with_their_codes() {
    let line = Line::start().await;
    let before = line.run(&["app", "list"], "").await;
    assert_eq!(before.code, 1);
    assert!(before.err.contains("lockstep login URL"), "{}", before.err);

    let wrong = line
        .run(&["login", &line.url, "--name", "ada"], "not the password\n")
        .await;
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.err.contains("name or password is wrong"),
        "{}",
        wrong.err
    );
    let input = format!("{PASSWORD}\n");
    let right = line
        .run(&["login", &line.url, "--name", "ada"], &input)
        .await;
    assert_eq!((right.code, right.out.as_str()), (0, ""), "{}", right.err);
    assert!(right.err.contains("as ada (admin)"), "{}", right.err);

    let list = line.run(&["app", "list", "-o", "json"], "").await;
    assert_eq!((list.code, list.out.trim()), (0, "[]"), "{}", list.err);
    let clusters = line.run(&["cluster", "list"], "").await;
    assert!(clusters.out.starts_with("NAME"), "{}", clusters.out);
    for (what, heading) in [("problems", "SOURCE"), ("sets", "SET")] {
        let ran = line.run(&["source", what], "").await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.starts_with(heading), "{}", ran.out);
    }
    let version = line.run(&["version"], "").await;
    assert!(
        version
            .out
            .contains(&format!("server  {}", env!("CARGO_PKG_VERSION"))),
        "{}",
        version.out
    );

    // As with Argo CD: a diff that cannot be made is 2, everything else that fails is 1.
    for (arguments, code) in [
        (&["app", "diff", "shop/cart"][..], 2),
        (&["app", "get", "shop/cart"], 1),
        (
            &["app", "wait", "shop/cart", "--health", "--timeout", "1"],
            1,
        ),
        (&["app", "sync", "shop/cart", "--prune", "--wait"], 1),
        (
            &["app", "rollback", "shop/cart", "--reason", "x", "--yes"],
            1,
        ),
        (&["commit", "abc1234"], 1),
        (&["source", "take-over", "shop", "--yes"], 1),
    ] {
        let ran = line.run(arguments, "").await;
        assert_eq!(ran.code, code, "{arguments:?} {}", ran.err);
        assert!(ran.err.starts_with("lockstep: "), "{}", ran.err);
    }

    let elsewhere = line
        .run(
            &["app", "list", "--server", "http://lockstep.example.org"],
            "",
        )
        .await;
    assert_eq!(elsewhere.code, 1);
    assert!(elsewhere.err.contains("plain http"), "{}", elsewhere.err);
}

#[tokio::test]
async fn accounts_are_made_at_the_database() {
    let line = Line::start().await;
    let config = line.home.path().join("lockstep.toml");
    std::fs::write(&config, "data_dir = \"state\"\n").unwrap();
    let early = line
        .run(&["user", "add", "olga"], "a long password\n")
        .await;
    assert_eq!(early.code, 1);
    assert!(early.err.contains("lockstep migrate"), "{}", early.err);

    let migrate = line.run(&["migrate"], "").await;
    assert_eq!(migrate.code, 0, "{}", migrate.err);
    assert!(line.run(&["migrate"], "").await.out.contains("up to date"));

    let short = line.run(&["user", "add", "olga"], "short\n").await;
    assert!(
        short.code == 1 && short.err.contains("password: must have at least 8"),
        "{}",
        short.err
    );
    let made = line
        .run(
            &["user", "add", "olga", "--role", "admin"],
            "a long password\n",
        )
        .await;
    assert_eq!(made.code, 0, "{}", made.err);
    let listed = line.run(&["user", "list"], "").await;
    assert!(listed.out.contains("olga\tadmin\tactive"), "{}", listed.out);
    // Nobody else could ever make one again.
    let last = line.run(&["user", "disable", "olga"], "").await;
    assert!(
        last.code == 1 && last.err.contains("last administrator"),
        "{}",
        last.err
    );
    assert_eq!(
        line.run(&["user", "passwd", "olga"], "another long one\n")
            .await
            .code,
        0
    );
    assert_eq!(
        line.run(&["user", "passwd", "nobody"], "another long one\n")
            .await
            .code,
        1
    );

    std::fs::write(&config, "data_dri = 1\n").unwrap();
    let broken = line.run(&["migrate"], "").await;
    assert!(
        broken.code == 1 && broken.err.contains("data_dri"),
        "{}",
        broken.err
    );
}

#[tokio::test]
async fn the_audit_log_is_checked_at_the_database() {
    let line = Line::start().await;
    let config = line.home.path().join("lockstep.toml");
    std::fs::write(&config, "data_dir = \"state\"\n").unwrap();
    let early = line.run(&["audit", "verify"], "").await;
    assert_eq!(early.code, 2, "{}", early.err);
    assert!(early.err.contains("lockstep migrate"), "{}", early.err);
    assert_eq!(line.run(&["migrate"], "").await.code, 0);
    for name in ["olga", "otto", "omar"] {
        let made = line.run(&["user", "add", name], "a long password\n").await;
        assert_eq!(made.code, 0, "{}", made.err);
    }
    let whole = line.run(&["audit", "verify"], "").await;
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    assert!(
        whole
            .out
            .starts_with("sound entries: 3\nof them heads of branches: 0\nhead: 3:"),
        "{}",
        whole.out
    );
    let head = whole
        .out
        .lines()
        .find_map(|line| line.strip_prefix("head: "));
    let expected = ["audit", "verify", "--expect-head", head.unwrap()];
    assert_eq!(line.run(&expected, "").await.code, 0);
    let nonsense = line
        .run(&["audit", "verify", "--expect-head", "7"], "")
        .await;
    assert!(
        nonsense.code == 2 && nonsense.err.contains("NUMBER:DIGEST"),
        "{}",
        nonsense.err
    );

    let file = line.home.path().join("state/lockstep.db");
    let raw = sea_orm::Database::connect(format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let run = async |sql: &str| {
        use sea_orm::ConnectionTrait;
        raw.execute_unprepared(sql).await
    };
    let refused = run("DELETE FROM audit WHERE seq = 3").await.unwrap_err();
    assert!(
        refused.to_string().contains("the audit log only grows"),
        "{refused}"
    );
    for sql in [
        "DROP TRIGGER audit_no_delete",
        "DROP TRIGGER audit_no_update",
        "DROP TRIGGER audit_head_forward",
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)",
    ] {
        run(sql).await.unwrap();
    }
    assert_eq!(line.run(&["audit", "verify"], "").await.code, 0);
    let cut = line.run(&expected, "").await;
    assert_eq!(cut.code, 1, "{}", cut.err);
    assert!(
        cut.out.contains("BROKEN at entry 3: the log was longer"),
        "{}",
        cut.out
    );
    run("UPDATE audit SET actor = 'eve\u{1b}[2J' WHERE seq = 1")
        .await
        .unwrap();
    let changed = line.run(&["audit", "verify"], "").await;
    assert_eq!(changed.code, 1, "{}", changed.err);
    assert!(
        changed
            .out
            .contains("BROKEN at entry 1: it was changed after it was written")
            && changed.out.contains("there now: entry 1, 20")
            && changed.out.contains("eve\u{fffd}[2J: create user"),
        "{}",
        changed.out
    );
}

#[tokio::test]
async fn the_vault_key_is_changed_while_no_server_runs() {
    let line = Line::start().await;
    let config = line.home.path().join("lockstep.toml");
    let taken = line.url.trim_start_matches("http://");
    let configure = |listen: &str| {
        std::fs::write(
            &config,
            format!("data_dir = \"state\"\nlisten = \"{listen}\"\n"),
        )
        .unwrap();
    };
    configure("127.0.0.1:0");
    assert_eq!(line.run(&["migrate"], "").await.code, 0);
    let none = line.run(&["admin", "rotate-key"], "").await;
    assert!(
        none.code == 1 && none.err.contains("there is no key"),
        "{}",
        none.err
    );
    let key = line.home.path().join("state/vault.key");
    let first = format!("{}=", "A".repeat(43));
    std::fs::write(&key, &first).unwrap();
    configure(taken);
    let running = line.run(&["admin", "rotate-key"], "").await;
    assert!(
        running.code == 1 && running.err.contains("stop the server first"),
        "{}",
        running.err
    );
    configure("127.0.0.1:0");
    let done = line.run(&["admin", "rotate-key"], "").await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        done.out
            .starts_with("0 credentials are sealed with the key "),
        "{}",
        done.out
    );
    assert!(done.out.contains("vault.key.old"), "{}", done.out);
    let second = std::fs::read_to_string(&key).unwrap();
    assert!(second != first && !done.out.contains(second.trim()));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_commit_ends_in_four_ways() {
    let line = Line::start().await;
    line.run(
        &["login", &line.url, "--name", "vic"],
        &format!("{PASSWORD}\n"),
    )
    .await;
    let wait = async |commit: &str, more: &[&str]| {
        let start = ["wait", "--timeout", "1s", "--commit", commit];
        line.run(&[&start, more].concat(), "").await
    };
    let live = wait("11111111", &[]).await;
    assert_eq!(live.code, 0, "{}{}", live.out, live.err);
    assert!(live.out.contains("prod-eu") && live.out.contains("live"));
    let failed = wait("22222222", &[]).await;
    assert_eq!(failed.code, 1, "{}", failed.err);
    assert!(failed.out.contains("the image does not exist"));
    let late = wait("33333333", &[]).await;
    assert_eq!(late.code, 3, "{}", late.err);
    assert!(late.out.contains("It waits for its sync"), "{}", late.out);
    // Not pushed yet, and on clusters that there are not: neither is live.
    let unknown = wait("44444444", &[]).await;
    assert_eq!(unknown.code, 3, "{}", unknown.err);
    assert!(unknown.err.contains("not known to the server yet"));
    let nowhere = wait("11111111", &["--clusters", "env=prod"]).await;
    assert_eq!(nowhere.code, 3, "{}", nowhere.err);
    // What could not be asked is not told as a failed commit.
    let wrong = wait("11111111", &["--clusters", "prod"]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    let away = wait("11111111", &["--server", "http://127.0.0.1:9"]).await;
    assert_eq!(away.code, 2, "{}", away.err);
}

#[tokio::test]
async fn access_says_yes_or_no_and_by_which_line() {
    let line = Line::start().await;
    let login = line
        .run(
            &["login", &line.url, "--name", "vic"],
            &format!("{PASSWORD}\n"),
        )
        .await;
    assert_eq!(login.code, 0, "{}", login.err);
    let yes = line
        .run(&["access", "can", "me", "get", "shop/cart"], "")
        .await;
    assert_eq!(yes.code, 0, "{}", yes.err);
    assert!(
        yes.out.starts_with("yes: allowed by built-in:")
            && yes
                .out
                .contains("p, role:viewer, applications, get, */*, allow"),
        "{}",
        yes.out
    );
    let no = line
        .run(&["access", "can", "me", "sync", "shop/cart"], "")
        .await;
    assert_eq!(
        (no.code, no.out.as_str()),
        (1, "no: no line allows applications, sync on shop/cart\n")
    );
    // Not being able to ask is not a no.
    let away = [
        "access",
        "can",
        "me",
        "get",
        "--server",
        "http://127.0.0.1:9",
    ];
    let broken = line.run(&away, "").await;
    assert_eq!(broken.code, 2, "{} {}", broken.out, broken.err);
}

#[tokio::test]
async fn a_machine_knows_several_servers_and_forgets_them() {
    let (line, other) = (Line::start().await, Line::start().await);
    for url in [&line.url, &other.url] {
        let login = ["login", url.as_str(), "--name", "ada"];
        let ran = line.run(&login, &format!("{PASSWORD}\n")).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let current = async || {
        let list = line.run(&["context", "list"], "").await;
        let marked = list.out.lines().find_map(|line| line.strip_prefix('*'));
        marked.map(|server| server.trim().to_owned())
    };
    assert_eq!(current().await.as_ref(), Some(&other.url));
    let names = line.run(&["context", "list", "-o", "name"], "").await;
    assert_eq!(names.out.lines().count(), 2, "{}", names.out);
    let several = line.run(&["context", "use", "127.0.0.1"], "").await;
    assert!(
        several.code == 1 && several.err.contains("may be"),
        "{}",
        several.err
    );
    let port = line.url.rsplit(':').next().unwrap();
    let chosen = line.run(&["context", "use", port], "").await;
    assert_eq!(chosen.code, 0, "{}", chosen.err);
    assert_eq!(current().await.as_ref(), Some(&line.url));

    // The token is worth nothing afterwards, also to somebody who has kept the file.
    let file = line.home.path().join("lockstep/credentials.json");
    let kept = std::fs::read(&file).unwrap();
    assert_eq!(line.run(&["app", "list"], "").await.code, 0);
    let out = line.run(&["logout"], "").await;
    assert_eq!(out.code, 0, "{}", out.err);
    assert!(out.err.contains("the token is revoked"), "{}", out.err);
    assert_eq!(current().await, None);
    let after = line.run(&["app", "list"], "").await;
    assert!(after.err.contains("no server is known"), "{}", after.err);
    let now = std::fs::read(&file).unwrap();
    std::fs::write(&file, kept).unwrap();
    assert_eq!(line.run(&["app", "list"], "").await.code, 1);
    std::fs::write(&file, now).unwrap();

    let removed = line.run(&["context", "remove", &other.url], "").await;
    assert_eq!(removed.code, 0, "{}", removed.err);
    let unknown = line.run(&["logout", &other.url], "").await;
    assert!(
        unknown.code == 1 && unknown.err.contains("not logged in"),
        "{}",
        unknown.err
    );
}

#[tokio::test]
async fn the_level_of_the_log_is_for_administrators() {
    let line = Line::start().await;
    for (name, code) in [("vic", 1), ("ada", 0)] {
        let login = ["login", &line.url, "--name", name];
        line.run(&login, &format!("{PASSWORD}\n")).await;
        for arguments in [
            &["log-level"][..],
            &["log-level", "debug"],
            &["log-level", "--reset"],
        ] {
            let ran = line.run(arguments, "").await;
            assert_eq!(ran.code, code, "{name} {arguments:?} {}", ran.err);
            assert_eq!(ran.out.contains("filter  warn,server=info"), code == 0);
        }
    }
    assert_eq!(line.run(&["log-level", "loud"], "").await.code, 2);
}

/// A server with one application, whose sync nobody picks up.
async fn where_nothing_ends() -> String {
    let id = uuid::Uuid::nil();
    let target = serde_json::json!({
        "target": {
            "id": id, "cluster": "prod-eu",
            "application": {"id": id, "name": "cart", "project": "shop"}
        },
        "mode": "Managed", "sync": "OutOfSync", "health": {"status": "Healthy", "message": ""}, "reason": null,
        "drifted": 0, "out_of_sync": 1, "objects": 1, "revision": null, "deployed": null, "images": [],
        "last_compared": null, "running": null, "phase": null, "hold": null, "pin": null
    });
    let policy = [
        "automated",
        "prune",
        "self_heal",
        "allow_empty",
        "create_namespace",
        "suspend",
    ];
    let policy: std::collections::BTreeMap<_, _> = policy.map(|name| (name, false)).into();
    let view = serde_json::json!({
        "application": target["target"]["application"], "group": "cart", "dialect": "ArgoApplication", "source": id,
        "source_name": "root", "more_sources": [], "destination_namespace": "shop", "policy": policy, "window": null,
        "spec": {"repo_url": "https://git.example/shop.git", "path": "", "target_revision": "main", "renderer": ""},
        "labels": {}, "set": null, "rollout": null, "links": [], "commit": null, "targets": [target],
        "last_healthy": null, "head": 1
    });
    let list = serde_json::json!([target]);
    let answer = |value: serde_json::Value| {
        move || {
            let value = value.clone();
            async move { axum::Json(value) }
        }
    };
    let router = axum::Router::new()
        .route("/api/v1/apps", get(answer(list)))
        .route("/api/v1/apps/{id}", get(answer(view)))
        .route(
            "/api/v1/apps/{id}/targets/{target}/sync",
            post(answer(serde_json::json!({"operation": id}))),
        )
        .route(
            "/api/v1/operations/{id}",
            get(answer(serde_json::json!({"run": null}))),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn giving_up_is_another_end_than_having_failed() {
    let line = Line::start().await;
    let url = where_nothing_ends().await;
    let folder = line.home.path().join("lockstep");
    std::fs::create_dir_all(&folder).unwrap();
    let known = serde_json::json!({"current": url, "tokens": {url.as_str(): "lsk_x"}});
    std::fs::write(folder.join("credentials.json"), known.to_string()).unwrap();
    for arguments in [
        &["app", "sync", "cart", "--wait", "--timeout", "1"][..],
        &["app", "wait", "cart", "--sync", "--timeout", "1"],
    ] {
        let ran = line.run(arguments, "").await;
        assert_eq!(ran.code, 3, "{arguments:?} {}{}", ran.out, ran.err);
        assert!(ran.err.contains("not done after 1 seconds"), "{}", ran.err);
    }
    let health = line.run(&["app", "wait", "cart", "--health"], "").await;
    assert_eq!(health.code, 0, "{}", health.err);
}
