//! The flags of `midwatch logs`: those of kubectl and stern mean what they mean there.

mod words;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use regex::Regex;

use self::words::{
    Condition, State, Tail, Until, condition, expression, field, level, seconds, state, tail, template_file, time_zone,
    until,
};
use super::{super::setup, targets::Target, template::Template};
use crate::{
    model::log::LogLevel,
    query::{Containers, LogQuery, PodFilter},
    source::kubernetes::{log_field::Field, logs::Limits},
    text::Clean,
};

#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// deploy/NAME, sts/NAME, ds/NAME, pod/NAME, or NAME of either; KIND/NAME of any kind that has pods: job/NAME,
    /// cj/NAME (its newest Job), svc/NAME; else the pods whose names match this expression
    #[arg(required_unless_present_any = ["selector", "field_selector", "node"], value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// The pods with these labels: app=web,tier!=cache; with an expression for names, those of both
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub(super) selector: Option<String>,
    /// Only pods with these fields, as the API has them: spec.nodeName=node-1,status.phase=Running
    #[arg(long, value_name = "FIELDS")]
    field_selector: Option<String>,
    /// Only pods on this node
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// No pods whose names match this expression
    #[arg(long, value_name = "REGEX", value_parser = expression)]
    exclude_pod: Vec<String>,
    /// Only pods with this condition: ready, or ready=false; with --follow only after --tail=0
    #[arg(long, value_name = "CONDITION[=STATUS]", value_parser = condition)]
    condition: Option<Condition>,
    /// Only containers in this state: running, waiting, terminated or all; several with commas
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    container_state: Vec<State>,
    /// Longest time to wait for a container that runs, where none does yet
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pod_running_timeout: Option<u32>,
    /// All pods, as without it; each line begins with its pod
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    all_pods: bool,
    /// The container of this name; where no container of a pod is called so, those whose names match it as an expression
    #[arg(short, long, value_name = "NAME", value_parser = expression)]
    container: Option<String>,
    /// Every container: main, init and ephemeral ones
    #[arg(long, conflicts_with = "container", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    all_containers: bool,
    /// Init containers too; without it only one that holds its pod up
    #[arg(long, conflicts_with = "container", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    init_containers: bool,
    /// Ephemeral containers too
    #[arg(long, conflicts_with = "container", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    ephemeral_containers: bool,
    /// No lines of containers whose name matches this expression
    #[arg(short = 'E', long, value_name = "REGEX")]
    pub(super) exclude_container: Vec<Regex>,
    /// Connections at a time, at most 50; when there are more containers, some of them share a few in turn [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_log_requests: Option<u16>,
    /// The containers' previous instances; of which there is none is said on standard error
    #[arg(short, long, conflicts_with = "follow", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    pub(super) previous: bool,
    /// Lines of at most this long ago: 30s, 5m, 2h
    #[arg(short, long, value_name = "TIME", value_parser = seconds)]
    since: Option<u32>,
    /// Lines written at this time or later: 2026-03-14T03:00:00Z
    #[arg(long, value_name = "RFC3339", conflicts_with = "since")]
    pub(super) since_time: Option<Timestamp>,
    /// No lines written later than this: a time, or how long ago
    #[arg(long, value_name = "RFC3339|TIME", value_parser = until, conflicts_with = "follow")]
    until: Option<Until>,
    /// Newest lines of each container, -1 for all [default: 100, or all with --since]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = tail)]
    tail: Option<Tail>,
    /// Bytes of each container's lines, 0 for all; the last line may be cut
    #[arg(long, value_name = "N")]
    limit_bytes: Option<u64>,
    /// Go on with new lines; pods that come later too
    #[arg(short, long, overrides_with = "no_follow", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    pub(super) follow: bool,
    /// End when what was logged so far is read: the default, for those who come from stern
    #[arg(long, overrides_with = "follow")]
    no_follow: bool,
    /// A log that cannot be read is told, and no failure
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    pub(super) ignore_errors: bool,
    /// Begin each line with its time, or only with day and time of day; by a template, what {{.Message}} shows
    #[arg(short, long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "default", default_value_t = Stamps::None, hide_default_value = true, value_name = "FORM")]
    pub(super) timestamps: Stamps,
    /// The time zone of --timestamps: Local, UTC or a name as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "NAME", value_parser = time_zone)]
    pub(super) timezone: Option<TimeZone>,
    /// Begin each line with where it comes from, as kubectl does: [pod/NAME/CONTAINER]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    prefix: Option<bool>,
    /// How a line is written; of one of more than 16 KiB the rest is left out, and counted at its end
    #[arg(short, long, value_enum, default_value_t = Form::Default, value_name = "FORM")]
    pub(super) output: Form,
    /// The same as --output json
    #[arg(long, conflicts_with_all = ["output", "template", "template_file"])]
    pub(super) json: bool,
    /// A line's form, in stern's words: '{{color .PodColor .PodName}} {{.Message}}'; other fields: .ContainerName
    /// .ContainerColor .Namespace .NodeName .Labels .Annotations .Cluster .Version .Level .Time; stern's functions (parseJSON, tryExtractJSONParts,
    /// toTimestamp, levelColor...), pipes, variables, if and with
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["output", "template_file"])]
    template: Option<Template>,
    /// As --template, from a file
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with = "output", value_parser = template_file)]
    template_file: Option<Template>,
    /// Only log lines: no word of midwatch's own between them
    #[arg(long)]
    pub(super) only_log_lines: bool,
    /// Only lines of this level or worse: trace, debug, info, warn, error or fatal; a line without one counts as info
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub(super) level: Option<LogLevel>,
    /// Only lines that match this expression, or one of several
    #[arg(short, long, value_name = "REGEX")]
    pub(super) include: Vec<Regex>,
    /// No lines that match this expression, nor any of several
    #[arg(short, long, value_name = "REGEX")]
    pub(super) exclude: Vec<Regex>,
    /// Only lines, of JSON or logfmt, with a field whose value begins with this expression: status=5.., path=/api; of
    /// several, only lines that have them all
    #[arg(long, value_name = "NAME=VALUE", value_parser = field)]
    pub(super) field: Vec<Field>,
    /// Equal lines of a container one after another, whatever others write meanwhile: the first, and how many followed
    #[arg(long)]
    pub(super) fold: bool,
    /// In place of lines how often each version wrote each message, numbers and names left out; what only the new version
    /// wrote comes first
    #[arg(long, conflicts_with_all = ["follow", "fold", "template", "template_file", "timestamps"])]
    pub(super) signatures: bool,
    /// Mark what matches this expression, where there is colour
    #[arg(short = 'H', long, value_name = "REGEX")]
    pub(super) highlight: Vec<Regex>,
    /// Colours: auto is for terminals that have them
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(super) color: When,
    /// Containers have colours of their own beside those of their pods
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    pub(super) diff_container: bool,
    /// Write what looks like a credential as it is
    #[arg(long)]
    pub(super) unmasked: bool,
    #[command(flatten)]
    pub(super) within: setup::Within,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Pod and container before each line, where several can speak
    Default,
    /// The line alone
    Raw,
    /// One JSON object a line
    Json,
    /// As json; a line that is a JSON object itself stands in it as one
    Extjson,
    /// As extjson, indented
    Ppextjson,
}

/// stern's words; kubectl's are `true` and `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Stamps {
    /// 2026-03-14T03:00:00.000000000Z
    #[value(alias = "true")]
    Default,
    /// 03-14 03:00:00
    Short,
    #[value(alias = "false", hide = true)]
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

impl Logs {
    /// What the flags ask for together and cannot have.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let has_begun = self.tail != Some(Tail(Some(0)));
        (self.follow && self.condition.is_some() && has_begun)
            .then_some("--condition with --follow needs --tail=0: a pod that meets it again would be read again")
    }

    /// A number of connections above our own bound.
    pub(super) fn too_many_streams(&self) -> Option<u16> {
        self.max_log_requests.filter(|most| usize::from(*most) > Limits::default().max_streams)
    }

    /// Pods are chosen by their fields alone.
    pub(super) fn is_of_fields(&self) -> bool {
        self.fields().is_some()
    }

    fn fields(&self) -> Option<Clean> {
        let node = self.node.as_ref().map(|node| format!("spec.nodeName={node}"));
        let all: Vec<String> = node.into_iter().chain(self.field_selector.clone()).collect();
        (!all.is_empty()).then(|| Clean::line(&all.join(",")))
    }

    pub(super) fn template(&self) -> Option<Template> {
        self.template.clone().or_else(|| self.template_file.clone())
    }

    /// `None`: as there are pods that can speak.
    pub(super) fn prefix(&self) -> Option<bool> {
        self.prefix.or_else(|| self.all_pods.then_some(true))
    }

    pub(super) fn is_one_container(&self) -> bool {
        !(self.all_containers || self.init_containers || self.ephemeral_containers)
    }

    fn pods(&self, name: Option<&Clean>) -> PodFilter {
        let is_any_state = self.container_state.contains(&None);
        PodFilter {
            name: name.cloned(),
            not_names: self.exclude_pod.iter().map(|name| Clean::line(name)).collect(),
            fields: self.fields(),
            condition: self.condition.clone().map(|Condition(name, status)| (name, status)),
            states: self.container_state.iter().copied().flatten().filter(|_| !is_any_state).collect(),
        }
    }

    /// `now`: what `--since-time` is counted back from; a second more, since seconds are whole.
    pub(super) fn query(&self, target: &Target, now: Timestamp) -> LogQuery {
        let since = self.since.or_else(|| {
            let seconds = now.as_second().saturating_sub(self.since_time?.as_second()).saturating_add(1);
            Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
        });
        let tail = self.tail.map_or(if since.is_none() { Some(100) } else { None }, |tail| tail.0);
        LogQuery {
            target: target.of.clone(),
            pods: self.pods(target.name.as_ref()),
            containers: Containers {
                named: self.container.as_deref().map(Clean::line),
                main: self.all_containers,
                init: self.all_containers || self.init_containers,
                ephemeral: self.all_containers || self.ephemeral_containers,
            },
            most_streams: self.max_log_requests,
            previous: self.previous,
            since_seconds: since,
            until: self.until.map(|until| match until {
                Until::At(at) => at,
                Until::Ago(seconds) => now - SignedDuration::from_secs(i64::from(seconds)),
            }),
            tail,
            most_bytes: self.limit_bytes.filter(|bytes| *bytes > 0),
            patience: self.pod_running_timeout,
            follow: self.follow,
            // Whoever reads a pipe wants what was written, as from kubectl, not what is newest.
            keeps_all: true,
            has_keys: self.unmasked,
            // Messages counted stand in a table.
            has_tabs: !self.signatures,
            details: self.template().map(|template| template.details()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{query::LogTarget, ui::testing};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        logs: Logs,
    }

    fn parsed(flags: &str) -> Logs {
        let words = ["logs", "web"].into_iter().chain(flags.split_whitespace());
        Line::try_parse_from(words).unwrap_or_else(|error| panic!("{flags}: {error}")).logs
    }

    #[test]
    fn flags_take_the_values_that_they_take_elsewhere() {
        for (flags, expected) in [
            ("", Stamps::None),
            ("-t", Stamps::Default),
            ("--timestamps", Stamps::Default),
            ("--timestamps=true", Stamps::Default),
            ("--timestamps=default", Stamps::Default),
            ("--timestamps=short", Stamps::Short),
            ("--timestamps=false", Stamps::None),
        ] {
            assert_eq!(parsed(flags).timestamps, expected, "{flags}");
        }
        for (flags, expected) in [
            ("", (false, false)),
            ("-f", (true, false)),
            ("--follow=true", (true, false)),
            ("--follow=false", (false, false)),
            ("--follow --no-follow", (false, false)),
            ("-p", (false, true)),
            ("--previous=true", (false, true)),
        ] {
            let logs = parsed(flags);
            assert_eq!((logs.follow, logs.previous), expected, "{flags}");
        }
        assert!(parsed("-d").diff_container && !parsed("--diff-container=false").diff_container);
        assert_eq!(parsed("--timezone UTC").timezone, Some(TimeZone::UTC));
        assert_eq!(parsed("--max-log-requests 100").too_many_streams(), Some(100));
        assert_eq!(parsed("--max-log-requests 50").too_many_streams(), None);
    }

    #[test]
    fn whoever_reads_the_pipe_is_waited_for() {
        let target = Target::from(LogTarget::Pod(testing::object("p")));
        for flags in ["", "-f", "-f --tail 0"] {
            let query = parsed(flags).query(&target, testing::at("03:00"));
            assert!(query.keeps_all && query.has_tabs, "{flags}");
        }
        // There they would break the table.
        assert!(!parsed("--signatures").query(&target, testing::at("03:00")).has_tabs);
    }
}
