//! Who may do what: the policy, what is wrong with a newer one, and questions to it.

use super::{get, get_as, on_server};
use lockstep_types::account::Role;

#[test]
fn the_policy_is_shown_with_its_commit_problems_roles_and_people() {
    on_server(async {
        let page = get_as(Some(Role::Admin), "/settings?tab=access").await;
        for part in [
            "The newest policy has problems, at 9be01d7",
            "fleet/.lockstep/policy.csv:4 “maybe” is neither allow nor deny. End the line with allow or deny.",
            "The policy before it stays in force.",
            "2 p, role:shop, applications, *, shop/*, allow",
            "Everybody has: role:viewer, which no line can take away.",
            "role:shopjonp, role:shop",
            "jonviewerrole:shop, role:viewer",
            "Use it",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
    });
}

#[test]
fn a_question_is_a_plain_form_with_the_answer_on_the_page() {
    on_server(async {
        let page = get("/settings?tab=access&subject=&action=rollback&object=shop/cart").await;
        let said = "may applications, rollback on shop/cart: allowed by built-in:";
        assert!(page.text.contains(said), "{}", page.text);
        let page = get_as(
            Some(Role::Viewer),
            "/settings?tab=access&action=rollback&object=shop/cart",
        )
        .await;
        let said = "may not applications, rollback on shop/cart: no line allows applications, rollback on shop/cart.";
        assert!(page.text.contains(said), "{}", page.text);
        // The policy itself is not theirs to see, their own rights are.
        assert!(
            page.text.contains("Your account has the role viewer."),
            "{}",
            page.text
        );
        assert!(!page.text.contains("role:shop"), "{}", page.text);
    });
}
