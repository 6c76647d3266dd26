//! Who may do what in the made-up fleet.

use super::NOW;
use super::answers::Fake;
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::access::{
    AccessView, MemberView, PersonView, PolicyInForce, PolicySource, Question, QuestionAnswer,
    RoleView,
};
use lockstep_types::account::{Actor, Permission, Role};
use lockstep_types::id::SourceId;
use lockstep_types::policy::{self, LineRef, PolicyFile, PolicyProblem};
use lockstep_types::ports::{AccessRules, Answer};
use lockstep_types::revision::Revision;
use uuid::Uuid;

const FILE: &str = "fleet/.lockstep/policy.csv";

fn line(line: u32, text: &str) -> LineRef {
    LineRef {
        file: FILE.into(),
        line,
        text: text.into(),
    }
}

#[async_trait]
impl AccessRules for Fake {
    async fn access(&self, actor: &Actor) -> Answer<AccessView> {
        if !actor.may(Permission::SeePolicy) {
            return Err(PortError::denied(Permission::SeePolicy));
        }
        let source = PolicySource {
            id: SourceId(Uuid::from_u128(1)),
            name: "fleet".into(),
        };
        let text = "# The shop's own people deliver the shop.\np, role:shop, applications, *, shop/*, allow\ng, jon, role:shop\n";
        Ok(AccessView {
            source: Some(source.clone()),
            in_force: Some(PolicyInForce {
                revision: Revision("4f2c1aa".repeat(6)[..40].to_owned()),
                since: Some(NOW.plus_seconds(-3_600)),
                files: vec![PolicyFile {
                    name: FILE.into(),
                    first_line: 1,
                    text: text.into(),
                }],
                default_role: Some("role:viewer".into()),
            }),
            problems: vec![PolicyProblem {
                file: FILE.into(),
                line: 4,
                message: "“maybe” is neither allow nor deny".into(),
                next: "End the line with allow or deny.".into(),
            }],
            tried: Some(Revision("9be01d7".repeat(6)[..40].to_owned())),
            read_at: Some(NOW.plus_seconds(-60)),
            roles: vec![RoleView {
                name: "role:shop".into(),
                built_in: false,
                lines: vec![line(2, "p, role:shop, applications, *, shop/*, allow")],
                members: vec![MemberView {
                    name: "jon".into(),
                    place: line(3, "g, jon, role:shop"),
                }],
            }],
            people: vec![
                PersonView {
                    name: "jon".into(),
                    account: Role::Viewer,
                    roles: vec!["role:shop".into(), "role:viewer".into()],
                    disabled: false,
                },
                PersonView {
                    name: "maria".into(),
                    account: Role::Admin,
                    roles: vec!["role:admin".into()],
                    disabled: false,
                },
            ],
            choices: vec![source],
        })
    }

    async fn can(&self, actor: &Actor, question: &Question) -> Answer<QuestionAnswer> {
        let (resource, action) = policy::parse_question(&question.action);
        let words = policy::asks_of_word(&resource, &action);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let verdict = actor
            .rights
            .decide_words(actor.role, &resource, &words, &question.object);
        Ok(QuestionAnswer {
            subject: question.subject.clone(),
            resource,
            action,
            object: question.object.clone(),
            verdict,
        })
    }

    async fn choose_policy_source(&self, actor: &Actor, _: Option<SourceId>) -> Answer<()> {
        if actor.may(Permission::Policy) {
            Ok(())
        } else {
            Err(PortError::denied(Permission::Policy))
        }
    }
}
