//! What a command means on an object, by the object's kind, wherever it is shown.

use crate::{
    action::{Request, SilenceDraft, Verdict},
    app::{App, Effect},
    command::{Command, ScreenId},
    model::{
        alert::{Alert, AlertKey},
        code::PullRequestKey,
        kubernetes::{Manager, ObjectKey, Workload, WorkloadKey, WorkloadKind, version::numbers_of},
    },
    query::{LogTarget, ObjectRef},
    store::timeline::deploys_of,
    text::Clean,
    time::{Now, seconds_between},
    ui::{
        Reply,
        overlays::{self, Whose},
        target::Target,
    },
};

impl App {
    /// The meaning of a command on an object, wherever it is shown.
    pub(super) fn on_target(&mut self, command: Command, target: &Target, now: Now) -> Reply {
        match (command, target) {
            (Command::Watch, _) => {
                self.toggle_watched(target, now);
                Reply::Done
            }
            (Command::Browse, _) => self.browse(target, now),
            (Command::CopyUrl, _) => self.copy_address(target, now),
            (Command::Copy, _) => Reply::Do(Effect::Copy(Clean::own(match target {
                Target::Pod(key) => key.name.to_string(),
                other => other.to_string(),
            }))),
            (Command::Why, _) => Reply::Push(overlays::why(target.clone())),
            (Command::Describe | Command::Events | Command::ManagedFields, _) => {
                Reply::Push(overlays::describe(target.clone(), command))
            }
            (Command::Owner, _) => {
                overlays::owner_of(&self.view(now), target).unwrap_or_else(|why| Reply::Say(Clean::own(why)))
            }
            (Command::Enter, _) => self.open(target),
            (Command::Login, Target::Backend(id)) => Reply::Do(Effect::Login(id.clone())),
            (Command::Edit, _) => self.edit(target),
            (Command::Reveal, Target::Object(key)) if key.resource.is_secret() => {
                Reply::Push(overlays::secret(key.clone()))
            }
            (Command::Reveal, Target::Object(_)) => Reply::Say("only a Secret's values are masked".into()),
            (Command::PortForward, _) => match overlays::forward_to(target) {
                Ok(to) => Reply::Push(overlays::forward(to)),
                Err(why) => Reply::Say(Clean::own(format!("{target}: {why}"))),
            },
            _ if let Some(request) = overlays::object_act(command, target, &self.view(now)) => match request {
                Ok(request) => Reply::Ask(request),
                Err(why) => Reply::Say(Clean::own(format!("{target}: {why}"))),
            },
            (Command::Logs | Command::PreviousLogs, Target::Object(key)) if key.resource.is_without_pods() => {
                Reply::Say(Clean::own(format!("{target}: {}", overlays::no_log(key))))
            }
            (Command::Logs | Command::PreviousLogs, Target::Object(key)) => Reply::OpenLog(self.log_query(
                LogTarget::Object(key.clone()),
                target,
                command == Command::PreviousLogs,
                now,
            )),
            (Command::RollBack | Command::DiffRevisions, Target::Object(key)) => {
                match overlays::revision_of(&self.view(now), key) {
                    Some((workload, Some(to))) if command == Command::RollBack => {
                        Reply::Ask(Request::RollBack { workload: workload.key.clone(), to: Some(to), alert: None })
                    }
                    // Without a number the version before would be meant, which need not be this row.
                    Some((_, None)) if command == Command::RollBack => {
                        Reply::Say(Clean::own(format!("{target}: {}", overlays::NO_NUMBER)))
                    }
                    Some((workload, _)) => Reply::Push(overlays::revisions(workload.key.clone())),
                    None => Reply::Say(Clean::own(format!("{target}: {}", overlays::NO_REVISION))),
                }
            }
            (_, Target::Pod(_) | Target::Workload(_)) => self.on_kube(command, target, now),
            (_, Target::Run(_) | Target::Job(_)) => self.on_run(command, target, now),
            (_, Target::PullRequest(key)) => self.on_pull_request(command, key),
            (_, Target::Alert(_)) => self.on_alert(command, target, now),
            (Command::ExpireSilence, Target::Silence(key)) => {
                Reply::Ask(Request::ExpireSilence { silence: key.clone() })
            }
            _ => Reply::Ignored,
        }
    }

    fn open(&self, target: &Target) -> Reply {
        match target {
            Target::Pod(_) | Target::Workload(_) => Reply::Go(ScreenId::Kube, Some(target.clone())),
            Target::Run(_) | Target::Job(_) => Reply::Go(ScreenId::Pipelines, Some(target.clone())),
            Target::PullRequest(_) => Reply::Go(ScreenId::PullRequests, Some(target.clone())),
            Target::Panel(_) => Reply::Go(ScreenId::Metrics, Some(target.clone())),
            Target::Object(_) | Target::Alert(_) | Target::Silence(_) | Target::Backend(_) | Target::Act(_) => {
                Reply::Push(overlays::describe(target.clone(), Command::Describe))
            }
        }
    }

    fn on_kube(&self, command: Command, target: &Target, now: Now) -> Reply {
        let workload = self.workload_of(target, now);
        let need = |workload: Option<&Workload>, reply: &dyn Fn(WorkloadKey) -> Reply| match workload {
            Some(workload) => reply(workload.key.clone()),
            None => Reply::Say(Clean::own(format!(
                "{target} belongs to no Deployment, StatefulSet or DaemonSet that is watched"
            ))),
        };
        match command {
            Command::Logs | Command::PreviousLogs => {
                let object = match target {
                    Target::Pod(key) => ObjectRef::Pod(key.clone()),
                    Target::Workload(key) => ObjectRef::Workload(key.clone()),
                    _ => return Reply::Ignored,
                };
                Reply::OpenLog(self.log_query(object, target, command == Command::PreviousLogs, now))
            }
            Command::RollBack => {
                need(workload, &|workload| Reply::Ask(Request::RollBack { workload, to: None, alert: None }))
            }
            Command::Limits => match target {
                Target::Pod(pod) => self.limits_of_pod(pod, workload),
                _ => need(workload, &|key| Reply::Push(self.limits(key))),
            },
            Command::ResumeSync => match workload {
                Some(workload) if !workload.managed_by.first().is_some_and(Manager::is_of_git) => {
                    Reply::Say(Clean::own(format!("{}: neither Flux nor Argo CD owns it", workload.key)))
                }
                _ => need(workload, &|workload| Reply::Ask(Request::ResumeSync { workload })),
            },
            Command::Restart => need(workload, &|workload| Reply::Ask(Request::Restart { workload })),
            Command::Scale if workload.is_some_and(|workload| workload.key.kind == WorkloadKind::DaemonSet) => {
                Reply::Say(Clean::own(format!("{target}: {}", overlays::ONE_A_NODE)))
            }
            Command::Scale => {
                need(workload, &|key| Reply::Push(overlays::scale(key, workload.map_or(0, |w| w.desired))))
            }
            Command::Shell => self.shell(target),
            Command::DiffRevisions => need(workload, &|workload| Reply::Push(overlays::revisions(workload))),
            _ => Reply::Ignored,
        }
    }

    /// The workload that a pod, run or alert is about.
    pub(in crate::app) fn workload_of(&self, target: &Target, now: Now) -> Option<&Workload> {
        overlays::workload_of(&self.view(now), target)
    }

    fn limits(&self, key: WorkloadKey) -> Box<dyn crate::ui::Overlay> {
        let workload = self.store.kube.workloads.get(&key);
        let pods = workload.map(|workload| self.store.kube.pods_of(workload)).unwrap_or_default();
        overlays::limits(vec![Whose::Template(key)], &pods)
    }

    /// In place where the server is not known to be too old for it, else by the template.
    fn limits_of_pod(&self, key: &ObjectKey, workload: Option<&Workload>) -> Reply {
        let Some(pod) = self.store.kube.pods.get(key) else { return Reply::Say("it is no longer listed".into()) };
        let version = self.store.backends.get(&key.cluster).and_then(|backend| backend.info.version.as_ref());
        let is_too_old = version.is_some_and(|version| !has_resize(version));
        let in_place = (!is_too_old).then(|| Whose::Pod(key.clone()));
        let template = workload.map(|workload| Whose::Template(workload.key.clone()));
        let whose: Vec<Whose> = in_place.into_iter().chain(template).collect();
        match version {
            Some(version) if whose.is_empty() => Reply::Say(Clean::own(format!(
                "nobody controls pod/{}, and {version} resizes none in place: 1.33 is the first that does",
                key.name
            ))),
            _ => Reply::Push(overlays::limits(whose, &[pod])),
        }
    }

    fn on_run(&self, command: Command, target: &Target, now: Now) -> Reply {
        let key = match target {
            Target::Run(key) => key,
            Target::Job(job) => &job.run,
            _ => return Reply::Ignored,
        };
        let Some(run) = self.store.runs.get(key) else { return Reply::Say("this run is no longer listed".into()) };
        match command {
            Command::Logs => Reply::Push(overlays::job_log(
                key.clone(),
                match target {
                    Target::Job(job) => Some(job.clone()),
                    _ => None,
                },
            )),
            Command::Rerun => Reply::Push(overlays::rerun(run)),
            Command::Cancel => Reply::Ask(Request::Cancel { run: key.clone(), attempt: run.attempt }),
            Command::RollBack => match self.workload_of(target, now) {
                Some(workload) => {
                    Reply::Ask(Request::RollBack { workload: workload.key.clone(), to: None, alert: None })
                }
                None => Reply::Say("no workload is known that this run deploys: name it in a [[service]]".into()),
            },
            _ => Reply::Ignored,
        }
    }

    fn on_pull_request(&self, command: Command, key: &PullRequestKey) -> Reply {
        let Some(pr) = self.store.pull_requests.get(key) else { return Reply::Say("it is no longer listed".into()) };
        match command {
            Command::DiffPr => Reply::Push(overlays::pull_request_diff(key.clone())),
            Command::Comment => Reply::Push(overlays::comment(pr, None)),
            Command::Approve => Reply::Ask(Request::Review {
                pull_request: key.clone(),
                head_sha: pr.head_sha.clone(),
                verdict: Verdict::Approve,
                body: String::new(),
            }),
            Command::RequestChanges => Reply::Push(overlays::comment(pr, Some(Verdict::RequestChanges))),
            Command::Merge => Reply::Push(overlays::merge(pr)),
            _ => Reply::Ignored,
        }
    }

    fn on_alert(&self, command: Command, target: &Target, now: Now) -> Reply {
        let Target::Alert(key) = target else { return Reply::Ignored };
        let Some(alert) = self.store.alerts.get(key) else { return Reply::Say("this alert is gone".into()) };
        let marked: Vec<_> = self
            .screens
            .get(self.screen)
            .marked()
            .into_iter()
            .filter_map(|target| if let Target::Alert(key) = target { Some(key) } else { None })
            .collect();
        let has_marks = !marked.is_empty();
        let is_live = |key: &AlertKey| self.store.alerts.get(key).is_some_and(|alert| !alert.has_ended());
        let marked: Vec<_> = marked.into_iter().filter(is_live).collect();
        // Else the selected row, which is another, would be meant.
        if matches!(command, Command::Acknowledge | Command::SilenceAlert) && has_marks && marked.is_empty() {
            return Reply::Say("what is marked is gone".into());
        }
        match command {
            Command::Acknowledge if marked.is_empty() && alert.is_alone() => {
                Reply::Ask(Request::Silence(SilenceDraft::acknowledging(alert, &self.settings.me)))
            }
            Command::Acknowledge => {
                Reply::Ask(Request::Acknowledge { alerts: if marked.is_empty() { vec![key.clone()] } else { marked } })
            }
            Command::SilenceAlert => {
                let me = &self.settings.me;
                let marked = marked.iter().filter_map(|key| self.store.alerts.get(key));
                let mut drafts: Vec<_> = marked.map(|alert| SilenceDraft::of(alert, me)).collect();
                Reply::Ask(if drafts.len() > 1 {
                    Request::Silences(drafts)
                } else {
                    Request::Silence(drafts.pop().unwrap_or_else(|| SilenceDraft::of(alert, me)))
                })
            }
            Command::RollBack => match self.workload_of(target, now) {
                Some(workload) if self.is_only_change(alert, workload) => {
                    Reply::Ask(Request::RollBack { workload: workload.key.clone(), to: None, alert: Some(key.clone()) })
                }
                Some(workload) => Reply::Push(overlays::choose_rollback(alert, workload)),
                None => {
                    Reply::Say("no workload is known for this alert: select the workload itself, on screen 3".into())
                }
            },
            Command::Logs => match self.workload_of(target, now) {
                Some(workload) => {
                    let workload = ObjectRef::Workload(workload.key.clone());
                    Reply::OpenLog(self.log_query(workload, target, false, now))
                }
                None => Reply::Say("no workload is known for this alert".into()),
            },
            _ => Reply::Ignored,
        }
    }

    /// Whether the alert's own workload was deployed shortly before it began, and no other workload was: then there is
    /// nothing to choose between. The plan still says what it would do, to what.
    fn is_only_change(&self, alert: &Alert, workload: &Workload) -> bool {
        const SHORTLY: i64 = 30 * 60;
        let Some(onset) = alert.active_since.or(alert.starts) else { return false };
        let before = |workload: &Workload| {
            deploys_of(&self.store, workload)
                .iter()
                .any(|deploy| (0..SHORTLY).contains(&seconds_between(deploy.at, onset)))
        };
        before(workload) && !self.store.kube.workloads.values().any(|other| other.key != workload.key && before(other))
    }
}

/// Whether a server of this version (`v1.33.5-eks-1`) has `pods/resize`; one that is not understood may.
fn has_resize(version: &str) -> bool {
    numbers_of(version).is_none_or(|numbers| numbers >= (1, 33))
}
