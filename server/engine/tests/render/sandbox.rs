use crate::bench::{Bench, source};
use engine::render::sandbox::SUBCOMMAND;
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs bash, with nothing but its own commands, in the cage.
fn caged(script: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("home")).unwrap();
    let bash = ["/usr/bin/bash", "/bin/bash"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
        .expect("bash is needed");
    Command::new(env!("CARGO_BIN_EXE_render-child"))
        .env("LOCKSTEP_SECRET", "s3cret")
        .args([
            SUBCOMMAND,
            folder.path().to_str().unwrap(),
            "268435456",
            "5",
            "caged",
            bash,
            "--norc",
            "-c",
            script,
        ])
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_cage_holds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("x");
    for (name, script) in [
        (
            "reading a file",
            "read line < /etc/passwd && echo $line".to_owned(),
        ),
        (
            "reading a folder",
            "shopt -s nullglob; set -- /etc/*; [ $# -gt 0 ]".to_owned(),
        ),
        ("writing outside", format!("echo x > {}", file.display())),
        ("starting a program", "/usr/bin/id".to_owned()),
        ("connecting", format!("exec 3<>/dev/tcp/127.0.0.1/{port}")),
        (
            "the environment of others",
            "read -d '' x < /proc/1/environ && echo $x".to_owned(),
        ),
        (
            "more files than allowed",
            "for i in {10..2000}; do eval \"exec $i>home/f\" || exit 9; done".to_owned(),
        ),
    ] {
        let output = caged(&script);
        assert!(
            !output.status.success(),
            "{name} was possible: {}",
            said(&output)
        );
    }
    assert!(!file.exists());
    let inside = caged("echo fine > home/x && read line < home/x && echo $line && export -p");
    let text = said(&inside);
    assert!(inside.status.success() && text.contains("fine"), "{text}");
    assert!(
        !text.contains("s3cret") && text.contains("KUBECONFIG=\"/dev/null\""),
        "{text}"
    );
}

#[test]
fn attack_05_the_environment_of_renderers_is_clean_and_their_home_empty() {
    let output = caged(
        "shopt -s nullglob dotglob; set -- \"$HOME\"/*; echo \"$# files\"; echo \"[${HELM_PLUGINS#$HOME}]\"; export -p",
    );
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("0 files\n[/plugins]\n"), "{text}");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("declare -x "))
        .map(|line| line.split_once('=').map_or(line, |(name, _)| name))
        // Made by the shell itself.
        .filter(|name| !matches!(*name, "OLDPWD" | "PWD" | "SHLVL"))
        .collect();
    assert_eq!(
        names,
        [
            "GOMAXPROCS",
            "GOMEMLIMIT",
            "HELM_CACHE_HOME",
            "HELM_CONFIG_HOME",
            "HELM_DATA_HOME",
            "HELM_PLUGINS",
            "HOME",
            "KUBECONFIG",
            "LC_ALL",
            "TMPDIR",
            "TZ",
        ]
    );
}

/// Whether this system lets us make network namespaces; without them only TCP can be forbidden.
fn has_namespaces() -> bool {
    ["-n", "-Un"].into_iter().any(|flag| {
        Command::new("unshare")
            .args([flag, "true"])
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

#[test]
fn nothing_leaves_by_udp() {
    let heard = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = heard.local_addr().unwrap().port();
    let output = caged(&format!(
        "exec 3<>/dev/udp/127.0.0.1/{port} && echo out >&3"
    ));
    heard.set_nonblocking(true).unwrap();
    let arrived = heard.recv(&mut [0; 16]).is_ok();
    let text = said(&output);
    assert!(
        !has_namespaces() || (!arrived && !output.status.success()),
        "{text}"
    );
}

#[test]
fn a_cage_that_cannot_be_closed_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_render-child"))
        .args([SUBCOMMAND, "/nowhere"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(97));
    assert!(said(&output).contains("too few arguments"));
}

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.0.0\n";

#[tokio::test]
async fn attack_11_templates_that_never_end_are_stopped() {
    let endless = "{{ range until 40000 }}{{ range until 40000 }}{{ end }}{{ end }}";
    let bench = Bench::with_deadline(
        &[("c/Chart.yaml", CHART), ("c/templates/a.yaml", endless)],
        Duration::from_secs(3),
    );
    let start = Instant::now();
    let error = bench.error(source("c")).await;
    assert!(error.contains("helm was stopped for c"), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn attack_11_templates_that_grow_are_stopped() {
    let huge = "{{ $x := repeat 1000000 \"x\" }}{{ range until 2000 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}{{ len $x }}";
    let bench = Bench::new(&[("c/Chart.yaml", CHART), ("c/templates/a.yaml", huge)]);
    let error = bench.error(source("c")).await;
    assert!(
        error.contains("helm was stopped for c") || error.contains("helm failed for c"),
        "{error}"
    );
    let recursive = "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}";
    let bench = Bench::new(&[("c/Chart.yaml", CHART), ("c/templates/a.yaml", recursive)]);
    assert!(bench.error(source("c")).await.contains("helm "));
}
