//! Where a run deploys to, as far as its workflow file tells: what deploys elsewhere is not stopped for this workload, and
//! what may be production's is not stopped by a `y`.

use crate::{
    action::{RunInspection, plan::Make},
    model::{
        BackendId, BackendKind,
        kubernetes::WorkloadKey,
        place::{PRODUCTION, has_part},
    },
    text::Clean,
};

/// Parts of names that mean anything but production.
const STAGES: [&str; 11] =
    ["staging", "stage", "stg", "dev", "develop", "development", "test", "testing", "qa", "uat", "preview"];

/// Where a run deploys to, seen from a workload.
#[derive(Clone, Debug, PartialEq)]
pub enum Aim {
    /// To the workload's own place, which is of production, or to nothing of production.
    Here,
    /// There, and to production as well.
    AlsoProduction(Clean),
    /// To nothing but these, none of them the workload's place.
    Elsewhere(Clean),
    Unknown,
}

/// What a word of a workflow file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Here,
    Production,
    Elsewhere,
    Unknown,
}

/// Where `run` deploys to, seen from `workload`.
pub fn aim(make: &Make<'_>, workload: &WorkloadKey, run: &RunInspection) -> Aim {
    let named = |words: &[&Clean]| {
        // Every line of a workflow that names a place is a word.
        let mut words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        words.sort();
        words.dedup();
        say!("{}", words.join(", "))
    };
    // A namespace means nothing in another cluster.
    let clusters: Vec<&Clean> = run.aims.iter().filter(|word| cluster_of(make, word).is_some()).collect();
    let own = make.settings.names_of(&workload.cluster);
    let names_own = clusters.iter().any(|word| cluster_of(make, word).is_some_and(|id| own.contains(id)));
    if !clusters.is_empty() && !names_own && !may_be_here(make, workload, run, &clusters) {
        return Aim::Elsewhere(named(&clusters));
    }
    let of = |wanted: Names| {
        let named = run.aims.iter().filter(|word| names(make, workload, word) == wanted);
        named.collect::<Vec<_>>()
    };
    let (here, production) = (of(Names::Here), of(Names::Production));
    let is_production = make.settings.is_production(&workload.cluster);
    match (here.is_empty(), production.is_empty()) {
        // What is only known while it runs may be production.
        (false, true) if !is_production && run.aims.iter().any(|word| word.contains('$')) => Aim::Unknown,
        (false, true) => Aim::Here,
        (false, false) => Aim::AlsoProduction(named(&production)),
        (true, _) if run.aims.is_empty() || !of(Names::Unknown).is_empty() => Aim::Unknown,
        (true, _) => Aim::Elsewhere(named(&run.aims.iter().collect::<Vec<_>>())),
    }
}

/// A run that names none but other `clusters` may deploy here all the same, by another of its words: one that is only known
/// while it runs, or production's, where no cluster of production is named.
fn may_be_here(make: &Make<'_>, workload: &WorkloadKey, run: &RunInspection, clusters: &[&Clean]) -> bool {
    let is_production = |cluster: &BackendId| make.settings.is_production(cluster);
    let names_production = clusters.iter().any(|word| cluster_of(make, word).is_some_and(is_production));
    let is_of_here = is_production(&workload.cluster) && !names_production;
    let mut others = run.aims.iter().filter(|word| cluster_of(make, word).is_none());
    others.any(|word| word.contains('$') || (is_of_here && has_part(word, &PRODUCTION)))
}

/// The cluster that a word names, by its name here or in the kubeconfig.
fn cluster_of<'a>(make: &Make<'a>, word: &str) -> Option<&'a BackendId> {
    let settings = make.settings;
    let mut clusters = settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::Kubernetes);
    clusters.find(|(id, _)| ***id == *word || *settings.context_of(id) == *word).map(|(id, _)| id)
}

fn names(make: &Make<'_>, workload: &WorkloadKey, word: &str) -> Names {
    let is_production = make.settings.is_production(&workload.cluster);
    let place: [&str; 2] = [&workload.cluster, &workload.namespace];
    if let Some(cluster) = cluster_of(make, word) {
        return if make.settings.names_of(&workload.cluster).contains(cluster) {
            Names::Here
        } else if make.settings.is_production(cluster) && !is_production {
            Names::Production
        } else {
            Names::Elsewhere
        };
    }
    if workload.namespace == *word {
        // Without its cluster, it may be production's of the same name.
        let is_of_production =
            |other: &WorkloadKey| other.namespace == *word && make.settings.is_production(&other.cluster);
        let is_shared = !is_production && make.store.kube.workloads.values().any(|one| is_of_production(&one.key));
        return if is_shared { Names::Unknown } else { Names::Here };
    }
    // What is only known while it runs: `${{ inputs.environment }}`.
    if word.contains('$') {
        return Names::Unknown;
    }
    let is_of_stage = place.iter().any(|name| has_part(name, &STAGES));
    if has_part(word, &PRODUCTION) {
        return match (is_production, is_of_stage) {
            (true, false) => Names::Here,
            // A namespace of production may be called `dev-portal`.
            (true, true) => Names::Unknown,
            (false, _) => Names::Production,
        };
    }
    let stage = STAGES.iter().find(|stage| has_part(word, &[**stage]));
    if stage.is_some_and(|stage| place.iter().any(|name| has_part(name, &[*stage]))) {
        return Names::Here;
    }
    let is_namespace = make.store.kube.workloads.values().any(|workload| workload.key.namespace == *word);
    let is_elsewhere = is_namespace || (stage.is_some() && is_production && !is_of_stage);
    if is_elsewhere { Names::Elsewhere } else { Names::Unknown }
}
