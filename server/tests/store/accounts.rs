//! People, sessions, tokens, and the guard at the door.

use crate::database::Db;
use crate::fixture::at;
use lockstep_types::account::Role;
use lockstep_types::id::UserId;
use server::store::session::{self, SessionRow};
use server::store::{StoreError, login, token, user};

on_both!(
    names_are_unique_in_any_case,
    a_revoked_session_stays_revoked,
    sessions_expire,
    tokens_open_only_while_they_may,
    a_setup_token_works_once,
    guesses_are_all_counted,
    what_a_person_saw_never_goes_back,
);

async fn person(db: &Db, name: &str) -> UserId {
    let mut tx = db.store.begin_at(at(0)).await.unwrap();
    let id = user::create(&mut tx, name, Role::Operator, Some("$argon2id$x"))
        .await
        .unwrap()
        .id;
    tx.commit().await.unwrap();
    id
}

fn session_of(user: UserId, id: &str) -> SessionRow {
    SessionRow {
        id: id.to_owned(),
        user: Some(user),
        data: "{}".to_owned(),
        created_at: at(0),
        last_seen_at: at(0),
        expires_at: at(100),
    }
}

async fn names_are_unique_in_any_case(db: &Db) {
    assert_eq!(user::count(&db.store).await.unwrap(), 0);
    let maria = person(db, "Märia").await;
    let mut tx = db.store.begin().await.unwrap();
    let taken = user::create(&mut tx, " MÄRIA ", Role::Viewer, None)
        .await
        .unwrap_err();
    assert_eq!(taken.to_string(), "the account MÄRIA exists already");
    user::set_role(&mut tx, maria, Role::Admin).await.unwrap();
    assert!(matches!(
        user::set_role(&mut tx, UserId(uuid::Uuid::nil()), Role::Admin).await,
        Err(StoreError::NotFound { .. })
    ));
    tx.commit().await.unwrap();
    let row = user::by_name(&db.store, "märia").await.unwrap().unwrap();
    assert_eq!(
        (row.id, row.name.as_str(), row.role),
        (maria, "Märia", Role::Admin)
    );
    assert!(
        !format!("{row:?}").contains("argon2"),
        "hashes are not for logs"
    );
    assert_eq!(user::by_name(&db.store, "jon").await.unwrap(), None);
    user::rehash(&db.store, maria, "not this one", "$new")
        .await
        .unwrap();
    assert_eq!(
        user::get(&db.store, maria)
            .await
            .unwrap()
            .password_hash
            .as_deref(),
        Some("$argon2id$x")
    );
    user::rehash(&db.store, maria, "$argon2id$x", "$new")
        .await
        .unwrap();
    assert_eq!(
        user::get(&db.store, maria)
            .await
            .unwrap()
            .password_hash
            .as_deref(),
        Some("$new")
    );
    let mut tx = db.store.begin().await.unwrap();
    token::create(&mut tx, maria, "ci", "h", None, None)
        .await
        .unwrap();
    user::delete(&mut tx, maria).await.unwrap();
    tx.commit().await.unwrap();
    assert!(user::list(&db.store).await.unwrap().is_empty());
}

async fn a_revoked_session_stays_revoked(db: &Db) {
    let maria = person(db, "maria").await;
    let one = session_of(maria, "one");
    assert!(session::create(&db.store, &one).await.unwrap());
    assert!(
        !session::create(&db.store, &one).await.unwrap(),
        "an id is used once"
    );
    for id in ["two", "three"] {
        session::create(&db.store, &session_of(maria, id))
            .await
            .unwrap();
    }
    let changed = SessionRow {
        data: r#"{"a":1}"#.to_owned(),
        ..one.clone()
    };
    assert!(session::save(&db.store, &changed).await.unwrap());
    assert_eq!(
        session::load(&db.store, "one", at(1)).await.unwrap(),
        Some(changed.clone())
    );
    session::delete(&db.store, "one").await.unwrap();
    assert!(
        !session::save(&db.store, &changed).await.unwrap(),
        "a request in flight does not bring it back"
    );
    assert!(
        !session::touch(&db.store, "one", at(2), at(200))
            .await
            .unwrap()
    );
    assert_eq!(session::load(&db.store, "one", at(1)).await.unwrap(), None);

    let mut tx = db.store.begin().await.unwrap();
    user::set_password_hash(&mut tx, maria, "$new")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(
        session::of_user(&db.store, maria, at(1))
            .await
            .unwrap()
            .is_empty(),
        "a new password ends them all"
    );
    session::create(&db.store, &session_of(maria, "four"))
        .await
        .unwrap();
    let mut tx = db.store.begin().await.unwrap();
    user::set_disabled(&mut tx, maria, true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(session::load(&db.store, "four", at(1)).await.unwrap(), None);
}

async fn sessions_expire(db: &Db) {
    let maria = person(db, "maria").await;
    session::create(&db.store, &session_of(maria, "one"))
        .await
        .unwrap();
    session::create(
        &db.store,
        &SessionRow {
            user: None,
            ..session_of(maria, "anonymous")
        },
    )
    .await
    .unwrap();
    assert!(
        session::touch(&db.store, "one", at(50), at(150))
            .await
            .unwrap()
    );
    assert_eq!(
        session::load(&db.store, "anonymous", at(100))
            .await
            .unwrap(),
        None,
        "over at its very end"
    );
    assert_eq!(session::sweep(&db.store, at(100)).await.unwrap(), 1);
    let left = session::load(&db.store, "one", at(100))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.last_seen_at, left.expires_at), (at(50), at(150)));
}

async fn tokens_open_only_while_they_may(db: &Db) {
    let maria = person(db, "maria").await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let forever = token::create(&mut tx, maria, "ci", "hash-1", None, None)
        .await
        .unwrap();
    token::create(&mut tx, maria, "short", "hash-2", Some(at(10)), None)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let opens = async |hash: &str, second| {
        token::holder(&db.store, hash, at(second))
            .await
            .unwrap()
            .map(|holder| holder.token)
    };
    assert_eq!(opens("hash-1", 5).await, Some(forever));
    assert_eq!(opens("hash-3", 5).await, None);
    assert!(opens("hash-2", 9).await.is_some());
    assert_eq!(opens("hash-2", 10).await, None, "expired");
    for (second, noted) in [(100, 100), (130, 100), (200, 200)] {
        token::used(&db.store, forever, at(second)).await.unwrap();
        let tokens = token::list(&db.store, Some(maria)).await.unwrap();
        let used = tokens
            .iter()
            .find(|view| view.id == forever)
            .and_then(|view| view.last_used);
        assert_eq!(used, Some(at(noted)), "at {second}");
    }
    let mut tx = db.store.begin().await.unwrap();
    user::set_disabled(&mut tx, maria, true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(opens("hash-1", 5).await, None, "its owner is disabled");
    let mut tx = db.store.begin().await.unwrap();
    user::set_disabled(&mut tx, maria, false).await.unwrap();
    assert!(token::revoke(&mut tx, forever).await.unwrap());
    assert!(!token::revoke(&mut tx, forever).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(opens("hash-1", 5).await, None, "revoked");
    assert_eq!(token::owner(&db.store, forever).await.unwrap(), maria);
    let all = token::list(&db.store, None).await.unwrap();
    assert_eq!(
        all.iter()
            .map(|view| (view.user.as_str(), view.revoked))
            .collect::<Vec<_>>(),
        [("maria", false), ("maria", true)]
    );
}

async fn a_setup_token_works_once(db: &Db) {
    token::put_setup(&db.store, "h", at(0), at(100))
        .await
        .unwrap();
    let mut tx = db.store.begin_at(at(100)).await.unwrap();
    assert!(!token::use_setup(&mut tx, "h").await.unwrap(), "expired");
    tx.roll_back().await.unwrap();
    let mut users = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let store = db.store.clone();
        users.spawn(async move {
            let mut tx = store.begin_at(at(1)).await.unwrap();
            let used = token::use_setup(&mut tx, "h").await.unwrap();
            tx.commit().await.unwrap();
            used
        });
    }
    assert_eq!(
        users
            .join_all()
            .await
            .into_iter()
            .filter(|used| *used)
            .count(),
        1
    );
    token::put_setup(&db.store, "unused", at(0), at(100))
        .await
        .unwrap();
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    token::void_setups(&mut tx).await.unwrap();
    assert!(!token::use_setup(&mut tx, "unused").await.unwrap());
}

async fn guesses_are_all_counted(db: &Db) {
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let store = db.store.clone();
        guesses.spawn(async move {
            login::fail(&store, "Maria", "10.0.0.9", at(10), 60)
                .await
                .unwrap()
        });
    }
    let mut counts = guesses.join_all().await;
    counts.sort_unstable();
    assert_eq!(
        counts,
        (1..=40).collect::<Vec<u32>>(),
        "each guess has its own number"
    );
    assert_eq!(
        login::failures(&db.store, "maria", "10.0.0.9", at(69), 60)
            .await
            .unwrap(),
        40
    );
    assert_eq!(
        login::failures(&db.store, "maria", "10.0.0.9", at(70), 60)
            .await
            .unwrap(),
        0,
        "the window is over"
    );
    assert_eq!(
        login::failures(&db.store, "maria", "10.0.0.8", at(11), 60)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        login::fail(&db.store, "maria", "10.0.0.9", at(70), 60)
            .await
            .unwrap(),
        1,
        "a new window"
    );
    assert_eq!(
        login::fail(&db.store, "maria", "10.0.0.9", at(129), 60)
            .await
            .unwrap(),
        2,
        "from its first failure"
    );
    login::clear(&db.store, "MARIA", "10.0.0.9").await.unwrap();
    assert_eq!(
        login::failures(&db.store, "maria", "10.0.0.9", at(129), 60)
            .await
            .unwrap(),
        0
    );
    for name in ["a", "b", "c"] {
        login::fail(&db.store, name, "10.0.0.7", at(130), 60)
            .await
            .unwrap();
    }
    assert!(
        login::sprays(&db.store, "10.0.0.7", at(131), 60, 3)
            .await
            .unwrap()
    );
    assert!(
        !login::sprays(&db.store, "10.0.0.7", at(131), 60, 4)
            .await
            .unwrap()
    );
    assert_eq!(login::sweep(&db.store, at(131)).await.unwrap(), 3);
}

async fn what_a_person_saw_never_goes_back(db: &Db) {
    let maria = person(db, "maria").await;
    user::saw(&db.store, maria, 5, at(5)).await.unwrap();
    user::saw(&db.store, maria, 3, at(9)).await.unwrap();
    let row = user::get(&db.store, maria).await.unwrap();
    assert_eq!((row.last_seen_seq, row.view().last_seen), (5, Some(at(5))));
}
