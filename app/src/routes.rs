//! Which page answers which address. Every page is complete on the server (`SsrMode::Async`): links and
//! forms work before WASM arrives and without it.

use crate::components::clock::Clock;
use crate::components::layout::Layout;
use crate::pages::accept::AcceptPage;
use crate::pages::activity::ActivityPage;
use crate::pages::alerts::AlertsPage;
use crate::pages::application::ApplicationPage;
use crate::pages::approvals::ApprovalsPage;
use crate::pages::clusters::{ClusterPage, ClustersPage};
use crate::pages::commit::CommitPage;
use crate::pages::drift::DriftPage;
use crate::pages::edit::{AddPage, EditPage};
use crate::pages::fleet::FleetPage;
use crate::pages::holds::HoldsPage;
use crate::pages::leftovers::{LeftoversPage, RemovalPage};
use crate::pages::login::LoginPage;
use crate::pages::not_found::NotFoundPage;
use crate::pages::orphans::OrphansPage;
use crate::pages::parity::ParityPage;
use crate::pages::preview::PreviewPage;
use crate::pages::problems::ProblemsPage;
use crate::pages::promote::PromotePage;
use crate::pages::rebuild::RebuildPage;
use crate::pages::reestablish::ReestablishPage;
use crate::pages::rollback::RollbackPage;
use crate::pages::settings::SettingsPage;
use crate::pages::setup::SetupPage;
use crate::pages::sync_run::{OperationPage, SyncRunPage};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::SsrMode::Async;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

/// The application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Clock::provide();
    view! {
        <Title formatter=|text: String| page_title(&text) />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=LoginPage ssr=Async />
                <Route path=path!("/setup") view=SetupPage ssr=Async />
                <ParentRoute path=path!("") view=Layout ssr=Async>
                    <Route path=path!("/") view=FleetPage ssr=Async />
                    <Route path=path!("/apps/:id/:name") view=ApplicationPage ssr=Async />
                    <Route path=path!("/apps/:id/:name/rollback") view=RollbackPage ssr=Async />
                    <Route path=path!("/apps/:id/:name/accept") view=AcceptPage ssr=Async />
                    <Route path=path!("/apps/:id/:name/orphans") view=OrphansPage ssr=Async />
                    <Route path=path!("/apps/:id/:name/edit") view=EditPage ssr=Async />
                    <Route path=path!("/sources/:id/new") view=AddPage ssr=Async />
                    <Route path=path!("/operations/:id") view=OperationPage ssr=Async />
                    <Route path=path!("/syncs/:id") view=SyncRunPage ssr=Async />
                    <Route path=path!("/drift") view=DriftPage ssr=Async />
                    <Route path=path!("/parity") view=ParityPage ssr=Async />
                    <Route path=path!("/promote") view=PromotePage ssr=Async />
                    <Route path=path!("/activity") view=ActivityPage ssr=Async />
                    <Route path=path!("/commits/:repo/:sha") view=CommitPage ssr=Async />
                    <Route path=path!("/preview") view=PreviewPage ssr=Async />
                    <Route path=path!("/clusters") view=ClustersPage ssr=Async />
                    <Route path=path!("/clusters/:name") view=ClusterPage ssr=Async />
                    <Route path=path!("/clusters/:name/rebuild") view=RebuildPage ssr=Async />
                    <Route path=path!("/clusters/:name/reestablish") view=ReestablishPage ssr=Async />
                    <Route path=path!("/holds") view=HoldsPage ssr=Async />
                    <Route path=path!("/leftovers") view=LeftoversPage ssr=Async />
                    <Route path=path!("/leftovers/:target") view=RemovalPage ssr=Async />
                    <Route path=path!("/approvals") view=ApprovalsPage ssr=Async />
                    <Route path=path!("/alerts") view=AlertsPage ssr=Async />
                    <Route path=path!("/problems") view=ProblemsPage ssr=Async />
                    <Route path=path!("/settings") view=SettingsPage ssr=Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// The title of a page. The library writes it into the document as it is, so that on the server it must be text already;
/// in the browser it is set as text.
fn page_title(text: &str) -> String {
    let title = format!("{text} · Lockstep");
    if cfg!(feature = "ssr") {
        title
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    } else {
        title
    }
}
