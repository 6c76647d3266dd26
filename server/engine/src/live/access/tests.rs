use super::*;

fn kubeconfig(cluster: &str, user: &str) -> SecretString {
    SecretString::from(format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster: {{{cluster}}}\n\
         users:\n- name: u\n  user: {{{user}}}\ncontexts:\n- name: c\n  context: {{cluster: k, user: u}}\n"
    ))
}

async fn refusal(cluster: &str, user: &str, policy: &ClusterPolicy) -> String {
    match read(&kubeconfig(cluster, user), "", policy).await {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn attack_34_kubeconfigs_read_and_run_nothing_by_default() {
    let public = "server: 'https://k8s.example.com'";
    for (cluster, user, names) in [
        (
            format!("{public}, proxy-url: 'http://proxy:3128'"),
            "token: t",
            "proxy-url",
        ),
        (
            format!("{public}, certificate-authority: /etc/passwd"),
            "token: t",
            "certificate-authority",
        ),
        (public.to_owned(), "tokenFile: /etc/passwd", "tokenFile"),
        (
            public.to_owned(),
            "client-certificate: /a",
            "client-certificate",
        ),
        (public.to_owned(), "client-key: /a", "client-key"),
        (
            public.to_owned(),
            "exec: {apiVersion: v1, command: aws}",
            "exec plugin \"aws\"",
        ),
        (
            public.to_owned(),
            "token: t, as: admin, as-groups: ['system:masters']",
            "as",
        ),
        (
            public.to_owned(),
            "auth-provider: {name: gcp, config: {}}",
            "auth-provider",
        ),
    ] {
        let said = refusal(&cluster, user, &ClusterPolicy::default()).await;
        assert!(said.contains(names), "{cluster} {user}: {said}");
    }
}

#[tokio::test]
async fn attack_35_kubeconfigs_reach_nothing_inside_and_skip_no_check_by_default() {
    for (cluster, user, names) in [
        (
            "server: 'https://k8s.example.com', insecure-skip-tls-verify: true".to_owned(),
            "token: t",
            "insecure-skip-tls-verify",
        ),
        (
            "server: 'http://k8s.example.com'".to_owned(),
            "token: t",
            "plain http",
        ),
        (
            "server: 'https://127.0.0.1:6443'".to_owned(),
            "token: t",
            "127.0.0.1",
        ),
        (
            "server: 'https://localhost:6443'".to_owned(),
            "token: t",
            "localhost",
        ),
        (
            "server: 'https://10.1.2.3'".to_owned(),
            "token: t",
            "10.1.2.3",
        ),
        ("server: 'https://[::1]:6443'".to_owned(), "token: t", "::1"),
        (
            "server: 'https://[::ffff:127.0.0.1]'".to_owned(),
            "token: t",
            "127.0.0.1",
        ),
        (
            "server: 'https://169.254.169.254'".to_owned(),
            "token: t",
            "169.254.169.254",
        ),
        (
            "server: 'https://u@k8s.example.com'".to_owned(),
            "token: t",
            "user name",
        ),
        (
            "server: 'ftp://k8s.example.com'".to_owned(),
            "token: t",
            "https://",
        ),
    ] {
        let said = refusal(&cluster, user, &ClusterPolicy::default()).await;
        assert!(said.contains(names), "{cluster} {user}: {said}");
    }
}

#[tokio::test]
async fn the_operator_opens_one_thing_at_a_time() {
    let private = ClusterPolicy {
        allow_private: true,
        ..ClusterPolicy::default()
    };
    assert_eq!(
        refusal("server: 'https://127.0.0.1:1'", "token: t", &private).await,
        "accepted"
    );
    let said = refusal("server: 'http://127.0.0.1:1'", "token: t", &private).await;
    assert!(said.contains("plain http"), "{said}");
    let said = refusal("server: 'https://169.254.169.254'", "token: t", &private).await;
    assert!(
        said.contains("169.254.169.254"),
        "link-local stays closed: {said}"
    );
    let exec = ClusterPolicy {
        exec_commands: vec!["aws".to_owned()],
        ..ClusterPolicy::default()
    };
    assert_eq!(
        refusal(
            "server: 'https://k.example.com'",
            "exec: {apiVersion: v1, command: aws}",
            &exec
        )
        .await,
        "accepted"
    );
    let said = refusal(
        "server: 'https://k.example.com'",
        "exec: {apiVersion: v1, command: /tmp/aws}",
        &exec,
    )
    .await;
    assert!(said.contains("/tmp/aws"), "{said}");
}

#[tokio::test]
async fn attack_65_names_the_missing_context_and_never_quotes_the_file() {
    let config = kubeconfig("server: 'https://k.example.com'", "token: t");
    let error = read(&config, "prod", &ClusterPolicy::default())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("\"prod\""), "{error}");
    let broken = SecretString::from("token: s3cret: [".to_owned());
    let error = read(&broken, "", &ClusterPolicy::default())
        .await
        .err()
        .unwrap();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

/// Whatever is given for a kubeconfig: a refusal or a way in, and never one that runs, reads or reaches what is closed.
#[test]
fn fuzz_kubeconfigs() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let whole = kubeconfig("server: 'https://k8s.example.com'", "token: t");
    let exec = kubeconfig(
        "server: 'https://127.0.0.1', proxy-url: x, insecure-skip-tls-verify: true",
        "exec: {apiVersion: v1, command: aws}, tokenFile: /etc/passwd, as: a",
    );
    let seeds = [
        whole.expose_secret().as_bytes(),
        exec.expose_secret().as_bytes(),
    ];
    crate::fuzzing::run("kubeconfigs", &seeds, |bytes| {
        let text = SecretString::from(String::from_utf8_lossy(bytes).into_owned());
        let read = runtime.block_on(read(&text, "", &ClusterPolicy::default()));
        if let Ok(access) = read {
            assert!(access.server.starts_with("https://") && !access.server.contains("127.0.0.1"));
        }
    });
}
