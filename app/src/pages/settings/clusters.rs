//! Registering a cluster.

use crate::api::clusters::{AddCluster, clusters};
use crate::components::button::{Look, Submit, refusal};
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::form::{FIELD, TextField};
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{Fold, LINK};
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::Permission;
use lockstep_types::cluster::ClusterView;

/// The part.
#[component]
pub fn ClustersPart(open: bool) -> impl IntoView {
    let add = ServerAction::<AddCluster>::new();
    let list: Loading<Vec<ClusterView>> = Resource::new(|| (), |()| clusters());
    let session = use_session();
    let failed = Signal::derive(move || add.value().get().and_then(Result::err));
    view! {
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = acting(session).await;
                let refused = refusal(actor.as_ref(), Permission::Cluster);
                match list.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok(list) => {
                        let number = list.len() as u64;
                        view! {
                            <p class="text-muted">
                                {if number == 0 { "No clusters are registered. ".to_owned() } else { format!("{} registered. ", format::plural(number, "cluster is", "clusters are")) }}
                                <a class=LINK href="/clusters">
                                    "Their state and how to remove one"
                                </a>
                            </p>
                            <Fold title="Add a cluster" open={open || number == 0}>
                                <ActionForm action=add attr:class="flex max-w-3xl flex-col gap-3" attr:autocomplete="off">
                                    <div class="grid gap-3 md:grid-cols-3">
                                        <TextField name="name" label="Name" required=true placeholder="prod-eu" />
                                        <TextField name="labels" label="Labels" placeholder="env=prod, region=eu" />
                                        <TextField name="context" label="Context" placeholder="the current one" />
                                    </div>
                                    <div class="flex flex-col gap-1">
                                        <label class="text-sm font-medium" for="field-kubeconfig">
                                            "Kubeconfig"
                                        </label>
                                        <textarea
                                            id="field-kubeconfig"
                                            name="kubeconfig"
                                            rows="10"
                                            required
                                            spellcheck="false"
                                            class=format!("{FIELD} font-mono text-sm")
                                            aria-describedby="field-kubeconfig-hint"
                                        ></textarea>
                                        <p id="field-kubeconfig-hint" class="text-xs text-muted">
                                            "With credentials inline: files and exec plugins of it are not used. Kept encrypted, never shown again."
                                        </p>
                                    </div>
                                    <div>
                                        <Submit look=Look::Primary refused=refused pending=add.pending()>
                                            "Add"
                                        </Submit>
                                    </div>
                                </ActionForm>
                            </Fold>
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
        <ActionFailure error=failed />
    }
}
