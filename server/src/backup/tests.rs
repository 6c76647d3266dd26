use super::*;
use crate::store::source::SourceFields;
use lockstep_types::revision::TargetRevision;

struct Place {
    folder: tempfile::TempDir,
    config: Config,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lockstep.toml");
    fs::write(&file, "data_dir = \"data\"\n").unwrap();
    let config = Config::load(Some(&file), &|_| None).unwrap();
    let store = crate::compose::open_store(&config).await.unwrap();
    store.migrate().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let fields = SourceFields {
        name: "fleet".to_owned(),
        repo_url: "https://git.example.com/fleet.git".to_owned(),
        path: String::new(),
        target_revision: TargetRevision(String::new()),
        home_cluster: String::new(),
    };
    let source = store::source::create(&mut tx, &fields).await.unwrap();
    store::source::set_mode(&mut tx, source.id, Mode::Managed)
        .await
        .unwrap();
    let sealed = vault(&config).unwrap().seal("x", b"secret").unwrap();
    store::credential::put(&mut tx, source.id.0, &sealed.key_id, &sealed.blob)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    Place { folder, config }
}

impl Place {
    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    async fn store(&self) -> Store {
        crate::compose::open_store(&self.config).await.unwrap()
    }

    async fn refusal(&self) -> String {
        let refused = restore(&self.config, &self.copy(), false).await;
        format!("{:#}", refused.unwrap_err())
    }
}

async fn fact(store: &Store) -> Option<String> {
    store::installation::get(store, "a").await.unwrap()
}

async fn set(store: &Store, value: &str) {
    let mut tx = store.begin().await.unwrap();
    store::installation::set(&mut tx, "a", value).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_made_while_the_server_writes_and_comes_back_only_observed() {
    let place = place().await;
    let running = place.store().await;
    set(&running, "before").await;
    backup(&place.config, &place.copy()).await.unwrap();
    set(&running, "after").await;
    let again = backup(&place.config, &place.copy()).await;
    assert!(again.unwrap_err().to_string().contains("is there already"));

    let used = place.refusal().await;
    assert!(used.contains("is in use: stop the server first"), "{used}");
    assert_eq!(fact(&running).await.as_deref(), Some("after"));
    running.close().await;

    let restored = restore(&place.config, &place.copy(), false).await.unwrap();
    assert_eq!(restored.observed, ["fleet"]);
    assert_eq!((restored.sealed_otherwise, restored.steps.len()), (0, 0));
    assert!(restored.kept.unwrap().exists());
    let store = place.store().await;
    assert_eq!(fact(&store).await.as_deref(), Some("before"));
    let sources = store::source::list(&store).await.unwrap();
    assert_eq!(sources[0].mode, Mode::Observe);
    let log = store::audit::check_chain(&store).await.unwrap();
    assert!(log.sound > 0, "{log:?}");
}

#[tokio::test]
async fn nothing_is_put_back_that_does_not_fit() {
    let place = place().await;
    backup(&place.config, &place.copy()).await.unwrap();
    let data = &place.config.data_dir;

    // Another key.
    let key = fs::read(data.join("vault.key")).unwrap();
    fs::remove_file(data.join("vault.key")).unwrap();
    let refused = place.refusal().await;
    assert!(refused.contains("1 of 1 credentials"), "{refused}");
    let restored = restore(&place.config, &place.copy(), true).await.unwrap();
    assert_eq!(restored.sealed_otherwise, 1);
    fs::write(data.join("vault.key"), key).unwrap();

    // Another installation.
    let id = fs::read(data.join("installation")).unwrap();
    fs::write(data.join("installation"), Uuid::nil().to_string()).unwrap();
    let refused = place.refusal().await;
    assert!(refused.contains("is of the installation"), "{refused}");
    fs::write(data.join("installation"), id).unwrap();

    // A copy that was changed.
    let mut bytes = fs::read(place.copy().join(DATABASE)).unwrap();
    bytes[5000] ^= 1;
    fs::write(place.copy().join(DATABASE), &bytes).unwrap();
    let refused = place.refusal().await;
    assert!(refused.contains("changed or damaged"), "{refused}");

    // One that was cut off.
    fs::remove_file(place.copy().join(NOTE)).unwrap();
    let refused = place.refusal().await;
    assert!(refused.contains("cut off"), "{refused}");
}

#[tokio::test]
async fn a_lost_folder_gets_its_installation_back() {
    let place = place().await;
    backup(&place.config, &place.copy()).await.unwrap();
    let id = installation_id(&place.config.data_dir).unwrap();
    let key = fs::read(place.config.data_dir.join("vault.key")).unwrap();
    fs::remove_dir_all(&place.config.data_dir).unwrap();
    fs::create_dir(&place.config.data_dir).unwrap();
    fs::write(place.config.data_dir.join("vault.key"), key).unwrap();
    let restored = restore(&place.config, &place.copy(), false).await.unwrap();
    assert_eq!(restored.kept, None);
    assert_eq!(installation_id(&place.config.data_dir).unwrap(), id);
}
