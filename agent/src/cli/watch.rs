//! Starts, changes and stops the shared watch of a running agent, as its configuration says.

use std::sync::Arc;
use std::time::Duration;

use crate::app::Agent;
use crate::config::settings::{Api, ControlPlane};
use crate::control::panel::Panel;
use crate::control::status;
use crate::shared_watch::{Around, Error, SharedWatch};
use crate::state_dir::StateDir;

/// How long a file that leads to the API server is given before it is looked for again. Nothing is sent for it.
pub(super) const AGAIN: Duration = Duration::from_secs(30);

/// Brings `agent` to what `control_plane` says. A watch that cannot be had is no reason to end: local metrics go on, and
/// the log and `tare status` say why. Answers whether a later call may do better: a file is missing that somebody may
/// still be about to write.
pub(super) async fn apply(
    agent: &mut Agent,
    panel: &Panel,
    state_dir: &Arc<StateDir>,
    control_plane: &ControlPlane,
) -> bool {
    let running = agent.take_shared_watch();
    let (watch, result) = match (&control_plane.api, running) {
        (Api::Off(reason), running) => {
            if let Some(mut running) = running {
                running.stop().await;
                agent.kube_api().forget();
            }
            tracing::info!(%reason, "the API server is asked for nothing");
            panel.set_budget(Some(off(&reason.to_string())));
            return false;
        }
        (Api::On(api), Some(running)) => running.reconfigure(control_plane, api).await,
        (Api::On(api), None) => {
            let around = Around {
                state_dir: Arc::clone(state_dir),
                switch: Arc::clone(panel.switch()),
                telemetry: agent.kube_api(),
            };
            started(SharedWatch::start(control_plane, api, around))
        }
    };
    if let Err(error) = &result {
        tracing::error!(%error, "the declared budget or the way to the API server cannot be used");
    }
    panel.set_budget(Some(match (&watch, &result) {
        (Some(watch), _) => Arc::new(watch.budget()),
        (None, Err(error)) => off(&error.to_string()),
        (None, Ok(())) => off("the shared watch does not run"),
    }));
    let again = watch.is_none() && matches!(result, Err(Error::Client(_)));
    agent.set_shared_watch(watch);
    again
}

fn started(result: Result<SharedWatch, Error>) -> (Option<SharedWatch>, Result<(), Error>) {
    match result {
        Ok(watch) => (Some(watch), Ok(())),
        Err(error) => (None, Err(error)),
    }
}

/// The budget of an agent that asks for nothing.
fn off(why: &str) -> crate::control::panel::BudgetSource {
    let budget =
        status::Budget { state: "off".to_owned(), why: Some(status::line(why)), ..status::Budget::default() };
    Arc::new(move || budget.clone())
}
