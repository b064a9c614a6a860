//! `midwatch init`: writes a configuration from what is found, never over one that exists, and says what was found.

use std::{process::ExitCode, sync::Arc, time::Duration};

use color_eyre::{Result, eyre::eyre};

use super::{Global, report, setup};
use crate::{
    config::find::{self, Found, Line},
    model::BackendId,
    source::kubernetes::{self, ExecPolicy},
    time::Clock,
};

/// Longest look for Services in the cluster.
const LOOK: Duration = Duration::from_secs(8);

pub async fn run(global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let path = global.config.clone().unwrap_or_else(|| setup::paths().config);
    if path.exists() {
        return Err(eyre!(
            "'{}' exists already and was left as it is; `midwatch config check` reads it",
            path.display()
        ));
    }
    let mut found = find::find(global.kubeconfig.clone()).await;
    found.config = setup::with_flags(found.config, &global);
    if found.is_nothing() {
        report::print(&format!("{}\n", find::NOTHING.join("\n")))?;
        return Ok(ExitCode::from(2));
    }
    add_services(&mut found, &clock).await;
    find::write_new(&path, &found.config).map_err(|says| eyre!("{says}"))?;
    let cells: Vec<Vec<String>> = found.lines.iter().map(cells).collect();
    report::print(&format!(
        "{}\nwritten: {}\n`midwatch doctor` tries it; `midwatch` opens it\n",
        report::columns(&["", "", "", ""], &cells),
        path.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// One line as cells: found or not, what, and what mends it.
fn cells(line: &Line) -> Vec<String> {
    let word = if line.is_found { "found" } else { "not found" };
    vec![word.to_owned(), line.what.to_owned(), line.says.to_string(), line.fix.to_string()]
}

/// Services of the cluster that was found; an exec plugin that nobody allowed is not run.
async fn add_services(found: &mut Found, clock: &Arc<dyn Clock>) {
    let Some(wanted) = found.config.kubernetes.first().cloned() else { return };
    let policy =
        Arc::new(ExecPolicy::remembering(crate::wire::Remembered::read(&setup::paths().remembered()).allowed_plugins));
    let looked = async {
        let cluster = kubernetes::open(&wanted, found.config.timeouts, clock.clone(), policy)
            .await
            .map_err(|error| error.says.to_string())?;
        kubernetes::find::find(&cluster).await.map_err(|failure| failure.error.says.to_string())
    };
    let services = match tokio::time::timeout(LOOK, looked).await {
        Ok(Ok(services)) => services,
        Ok(Err(says)) => {
            found.lines.push(not_looked(&wanted.name, &says));
            return;
        }
        Err(_) => {
            found.lines.push(not_looked(&wanted.name, "no answer in time"));
            return;
        }
    };
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let more = find::within_cluster(&found.config, &BackendId::new(&wanted.name), &services, env);
    found.take(more);
}

fn not_looked(cluster: &str, says: &str) -> Line {
    let says = format!("Services of '{cluster}' could not be looked through: {says}");
    let (says, fix) = (crate::text::Clean::own(says), crate::text::Clean::default());
    Line { what: "Kubernetes", is_found: false, says, fix }
}
