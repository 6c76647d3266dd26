//! The transport over HTTP against `git http-backend`, and against hosts that misbehave.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use engine::source::{
    CommitRequest, Credential, Mirrors, NetworkPolicy, PushOutcome, SourceError, TreeEdit,
};
use engine::testing::Repository;
use lockstep_types::revision::{Revision, TargetRevision};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

const OPEN: NetworkPolicy = NetworkPolicy {
    allow_http: true,
    allow_private: true,
};
/// `maria:s3cret:token`
const AUTHORIZATION: &str = "basic bWFyaWE6czNjcmV0OnRva2Vu";

/// What the host does with a request.
#[derive(Clone)]
enum Host {
    /// Serves the folder; asks for credentials when told to.
    Git {
        folder: std::path::PathBuf,
        closed: bool,
    },
    Redirect(String),
    /// Never answers.
    Silent,
    /// Sends for ever.
    Endless,
}

async fn start(host: Host) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Arc::new(host);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let host = Arc::clone(&host);
            // A client that hangs up early is part of the tests.
            tokio::spawn(async move { drop(answer(stream, &host).await) });
        }
    });
    format!("http://127.0.0.1:{port}")
}

async fn answer(stream: TcpStream, host: &Host) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace();
    let (method, target) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let mut headers = std::collections::HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![
        0;
        headers
            .get("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0)
    ];
    stream.read_exact(&mut body).await?;
    let reply = match host {
        Host::Silent => return std::future::pending().await,
        Host::Redirect(to) => format!("HTTP/1.1 302 Found\r\nLocation: {to}{target}\r\nContent-Length: 0\r\n\r\n").into_bytes(),
        Host::Endless => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n001e# service=git-upload-pack\n0000000eversion 2\n";
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(b"0014agent=git/2.0.0\n").await?;
            }
        }
        Host::Git { closed: true, .. } if headers.get("authorization").is_none_or(|value| !value.eq_ignore_ascii_case(AUTHORIZATION)) => {
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n".to_vec()
        }
        Host::Git { folder, .. } => {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let mut command = Command::new("git");
            command
                .arg("http-backend")
                .env("GIT_PROJECT_ROOT", folder)
                .env("GIT_HTTP_EXPORT_ALL", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("REMOTE_USER", "maria")
                .env("REQUEST_METHOD", &method)
                .env("PATH_INFO", path)
                .env("QUERY_STRING", query)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped());
            for (header, variable) in [("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH"), ("content-encoding", "HTTP_CONTENT_ENCODING"), ("git-protocol", "GIT_PROTOCOL")] {
                if let Some(value) = headers.get(header) {
                    command.env(variable, value);
                }
            }
            let mut child = command.spawn()?;
            let mut stdin = child.stdin.take().expect("a pipe");
            stdin.write_all(&body).await?;
            drop(stdin);
            let output = child.wait_with_output().await?.stdout;
            let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("headers");
            let head = String::from_utf8_lossy(&output[..end]).into_owned();
            let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
            let body = &output[end + 4..];
            let mut reply = format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes();
            reply.extend_from_slice(body);
            reply
        }
    };
    stream.write_all(&reply).await?;
    stream.shutdown().await
}

struct Bench {
    dir: tempfile::TempDir,
    repository: Repository,
    first: Revision,
}

impl Bench {
    /// A work tree and `shop.git` beside it.
    fn new() -> Self {
        let (repository, first) = Repository::with(&[("a", "1"), ("b", "1")]);
        let dir = tempfile::tempdir().unwrap();
        let bare = dir.path().join("shop.git");
        repository.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
        repository.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
        Self {
            dir,
            repository,
            first,
        }
    }

    fn host(&self, closed: bool) -> Host {
        Host::Git {
            folder: self.dir.path().to_owned(),
            closed,
        }
    }

    fn mirrors(&self, policy: NetworkPolicy) -> Mirrors {
        Mirrors::open(self.dir.path().join("mirrors"), policy).unwrap()
    }

    fn publish(&self) {
        self.repository.git(&["push", "--quiet", "origin", "main"]);
    }

    fn bare(&self, arguments: &[&str]) -> String {
        let bare = self.dir.path().join("shop.git");
        let mut all = vec!["--git-dir", bare.to_str().unwrap()];
        all.extend_from_slice(arguments);
        self.repository.git(&all)
    }
}

fn maria(password: &str) -> Credential {
    Credential::Basic {
        username: "maria".to_owned(),
        password: password.to_owned().into(),
    }
}

async fn fetch(
    mirrors: &Mirrors,
    url: &str,
    credential: &Credential,
) -> Result<Revision, SourceError> {
    let main = TargetRevision("main".to_owned());
    mirrors
        .fetch(url, credential, std::slice::from_ref(&main))
        .await?
        .remove(&main)
        .expect("an answer")
}

#[tokio::test]
async fn fetches_with_and_without_credentials() {
    let bench = Bench::new();
    let mirrors = bench.mirrors(OPEN);
    let open = format!("{}/shop.git", start(bench.host(false)).await);
    assert_eq!(
        fetch(&mirrors, &open, &Credential::None).await,
        Ok(bench.first.clone())
    );
    bench.repository.write("a", "2");
    let second = bench.repository.commit("second");
    bench.publish();
    assert_eq!(
        fetch(&mirrors, &open, &Credential::None).await,
        Ok(second.clone())
    );
    assert_eq!(mirrors.files(&open, &second, "").await.unwrap().len(), 2);

    let closed = format!("{}/shop.git", start(bench.host(true)).await);
    for (credential, message) in [
        (Credential::None, "the source has none"),
        (maria("wrong"), "Authentication failed"),
    ] {
        let error = fetch(&mirrors, &closed, &credential).await.unwrap_err();
        assert!(matches!(error, SourceError::Denied { .. }), "{error:?}");
        assert!(
            error.to_string().contains(message) && !error.to_string().contains("wrong"),
            "{error}"
        );
    }
    assert_eq!(
        fetch(&mirrors, &closed, &maria("s3cret:token")).await,
        Ok(second)
    );
    let by_name = open.replace("127.0.0.1", "localhost");
    assert!(fetch(&mirrors, &by_name, &Credential::None).await.is_ok());
    let missing = fetch(&mirrors, &open.replace("shop", "gone"), &Credential::None)
        .await
        .unwrap_err();
    assert!(
        missing.to_string().contains("there is no such repository"),
        "{missing}"
    );
}

#[tokio::test]
async fn pushes_and_tells_refusals_in_the_hosts_words() {
    let bench = Bench::new();
    let mirrors = bench.mirrors(OPEN);
    let url = format!("{}/shop.git", start(bench.host(true)).await);
    bench.bare(&["config", "http.receivepack", "true"]);
    bench.repository.write("a", "2");
    let second = bench.repository.commit("second");
    bench.publish();
    let credential = maria("s3cret:token");
    assert_eq!(fetch(&mirrors, &url, &credential).await, Ok(second.clone()));
    let request = CommitRequest {
        branch: "main".to_owned(),
        expected_head: second.clone(),
        edit: TreeEdit::Restore {
            paths: vec!["a".to_owned()],
            from: bench.first.clone(),
        },
        message: "Roll back".to_owned(),
        author_name: "Maria".to_owned(),
        author_email: "maria@example.org".to_owned(),
    };
    let hook = bench.dir.path().join("shop.git/hooks/pre-receive");
    std::fs::write(
        &hook,
        "#!/bin/sh\necho 'main is protected: ask the web team' >&2\nexit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refused = mirrors
        .push_commit(&url, &credential, request.clone())
        .await;
    let Ok(PushOutcome::Refused(message)) = refused else {
        unreachable!("{refused:?}")
    };
    assert!(
        message.contains("main is protected: ask the web team"),
        "{message}"
    );
    std::fs::remove_file(&hook).unwrap();
    let pushed = mirrors
        .push_commit(&url, &credential, request.clone())
        .await;
    let Ok(PushOutcome::Pushed(made)) = pushed else {
        unreachable!("{pushed:?}")
    };
    assert_eq!(bench.bare(&["rev-parse", "main"]), made.0);
    assert_eq!(bench.bare(&["show", "main:a"]), "1");
    assert_eq!(
        mirrors.push_commit(&url, &credential, request).await,
        Ok(PushOutcome::Moved(made))
    );
}

#[tokio::test]
async fn attack_25_redirects_and_closed_addresses_of_git_hosts() {
    let bench = Bench::new();
    let real = start(bench.host(false)).await;
    let redirecting = start(Host::Redirect(real.clone())).await;
    let mirrors = bench.mirrors(OPEN);
    let error = fetch(
        &mirrors,
        &format!("{redirecting}/shop.git"),
        &Credential::None,
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("redirects elsewhere"), "{error}");
    for policy in [
        NetworkPolicy::default(),
        NetworkPolicy {
            allow_http: true,
            allow_private: false,
        },
    ] {
        let mirrors = Mirrors::open(bench.dir.path().join("closed"), policy).unwrap();
        for url in [
            format!("{real}/shop.git"),
            format!("{}/shop.git", real.replace("127.0.0.1", "localhost")),
        ] {
            let error = fetch(&mirrors, &url, &Credential::None).await.unwrap_err();
            assert!(matches!(error, SourceError::Url { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn attack_28_hosts_that_never_end() {
    let bench = Bench::new();
    for host in [Host::Silent, Host::Endless] {
        let url = format!("{}/shop.git", start(host).await);
        let mirrors = bench.mirrors(OPEN).with_deadline(Duration::from_secs(2));
        let begin = Instant::now();
        let error = fetch(&mirrors, &url, &Credential::None).await.unwrap_err();
        assert!(
            matches!(
                error,
                SourceError::Deadline { seconds: 2, .. } | SourceError::Unreachable { .. }
            ),
            "{error:?}"
        );
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "{:?}",
            begin.elapsed()
        );
    }
}
