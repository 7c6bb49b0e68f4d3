//! Starts, changes and stops the shared watch of a running agent, as its configuration says.

use std::sync::Arc;
use std::time::Duration;

use crate::app::Agent;
use crate::config::settings::{Api, ControlPlane, KubeletReader};
use crate::control::panel::Panel;
use crate::control::status;
use crate::kubelet::reader::{self, Reader};
use crate::kubelet::slots::Free;
use crate::shared_watch::{self, Around, Error, SharedWatch};
use crate::state_dir::StateDir;
use shared_informer::clocks::{Clocks, System};
use shared_informer::reviews::Access;

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
    let again = watch(agent, panel, state_dir, control_plane).await;
    kubelet(agent, control_plane);
    again
}

/// The shared watch.
async fn watch(
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
            agent.set_shared_watch(None);
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
                kubelet: agent.kubelet().clone(),
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

/// The reader of the kubelet, where the shared watch has none: without an API server, or while there is no way to it, only
/// scrapes that cost it nothing are left.
fn kubelet(agent: &mut Agent, control_plane: &ControlPlane) {
    let running = agent.take_reader();
    let desk = agent.kubelet().clone();
    let shared = agent.shared_watch();
    let reader = match &control_plane.reader {
        // Also where the configuration before stays in force.
        _ if shared.is_some_and(SharedWatch::reads_kubelet) => None,
        KubeletReader::Off(why) => {
            if let Some(why) = why {
                tracing::info!(reason = %why, "the kubelet is not scraped");
            }
            desk.end(why.clone());
            None
        }
        KubeletReader::On(_) if shared.is_some() => None,
        KubeletReader::On(settings) if settings.access() == Access::ReadOnly => {
            let same = running.filter(|running| running.settings() == settings);
            Some(same.unwrap_or_else(|| {
                let clocks: Arc<dyn Clocks> = Arc::new(System::new());
                let slots = Free::new(&settings.node, settings.period, Arc::clone(&clocks));
                let around = reader::Around {
                    desk: desk.clone(),
                    kept: shared_watch::kept(&control_plane.choice),
                    clocks,
                };
                let reader = Reader::start(settings, Box::new(slots), around);
                desk.set_periods(Some(settings.period), None);
                reader
            }))
        }
        KubeletReader::On(_) => {
            desk.end(Some("no budget is kept for the reviews: the shared watch does not run".to_owned()));
            None
        }
    };
    agent.set_reader(reader);
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
