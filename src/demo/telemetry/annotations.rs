//! Grafana's annotations: what pipelines and people wrote on the charts.

use jiff::Timestamp;

use crate::demo::scenario::Scenario;

/// One annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    pub id: u64,
    pub at: Timestamp,
    /// End of a region; the same as `at` for a moment.
    pub until: Timestamp,
    pub text: String,
    pub tags: Vec<String>,
    pub login: String,
    pub dashboard_uid: Option<String>,
    pub panel_id: Option<u64>,
}

/// All annotations, and those of the scenario that are still to come.
#[derive(Debug, Default)]
pub struct Annotations {
    pub list: Vec<Annotation>,
    ahead: Vec<Annotation>,
    ids: u64,
}

impl Annotations {
    pub(super) fn new(scenario: &Scenario, start: Timestamp) -> Self {
        let mut ahead: Vec<_> = scenario
            .annotation
            .iter()
            .map(|spec| Annotation {
                id: 0,
                at: spec.at.after(start),
                until: spec.at.after(start),
                text: spec.text.clone(),
                tags: spec.tags.clone(),
                login: "sa-pipeline".to_owned(),
                dashboard_uid: None,
                panel_id: None,
            })
            .collect();
        ahead.sort_by_key(|annotation| std::cmp::Reverse(annotation.at));
        Self { list: Vec::new(), ahead, ids: 0 }
    }

    pub(super) fn step(&mut self, now: Timestamp) {
        while let Some(annotation) = self.ahead.pop_if(|annotation| annotation.at <= now) {
            self.add(annotation);
        }
    }

    /// Adds one; its id is given here.
    pub fn add(&mut self, mut annotation: Annotation) -> u64 {
        self.ids += 1;
        annotation.id = self.ids;
        self.list.push(annotation);
        self.ids
    }

    /// What a pipeline writes after a deploy.
    pub fn deployed(&mut self, at: Timestamp, text: &str) -> u64 {
        // "deploy myapp 412" is tagged `deploy` and `myapp`.
        let tags = text.split_whitespace().take(2).map(str::to_owned).collect();
        self.add(Annotation {
            id: 0,
            at,
            until: at,
            text: text.to_owned(),
            tags,
            login: "sa-pipeline".to_owned(),
            dashboard_uid: None,
            panel_id: None,
        })
    }
}
