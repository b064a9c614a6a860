//! Answers the queries about one cluster: logs, descriptions, YAML, revisions, kinds and tables of their objects.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;

use super::{
    client::{Cluster, segment},
    describe,
    discovery::Discovery,
    logs::LogReader,
    owners, revisions,
    rights::RightsReader,
    rows::Rows,
    secret_value, table, usage, yaml,
};
use crate::{
    model::BackendId,
    query::{Answer, ObjectRef, PageLine, Query},
    source::{AnswerSink, ErrorKind, Reader, SourceError},
    text::Clean,
};

/// Reads of one cluster.
pub struct ClusterReader {
    cluster: Cluster,
    rows: Arc<Rows>,
    logs: LogReader,
    discovery: Discovery,
    rights: RightsReader,
}

impl ClusterReader {
    pub fn new(cluster: Cluster) -> Self {
        Self {
            rows: Arc::new(Rows::new(cluster.id())),
            logs: LogReader::new(cluster.clone()),
            discovery: Discovery::new(cluster.clone()),
            rights: RightsReader::new(cluster.clone()),
            cluster,
        }
    }

    async fn page(&self, query: &Query) -> Result<Answer, SourceError> {
        let page = match query {
            Query::Describe(object) => describe::page(&self.cluster, &self.rows, object).await?,
            Query::Yaml(object) => lines_of(&yaml::shown(self.cluster.get(&path_of(object)).await?, false)),
            Query::ManagedYaml(object) => lines_of(&yaml::shown(self.cluster.get(&path_of(object)).await?, true)),
            Query::DescribeAny(key) => describe::any::page(&self.cluster, &self.rows, key).await?,
            Query::SecretKeys(object) => {
                return Ok(Answer::SecretKeys(secret_value::keys(&self.cluster, object).await?));
            }
            Query::SecretValue(key) => return Ok(Answer::SecretValue(secret_value::value(&self.cluster, key).await?)),
            Query::YamlAny(key) => lines_of(&describe::any::shown(&self.cluster, key, false).await?),
            Query::ManagedYamlAny(key) => lines_of(&describe::any::shown(&self.cluster, key, true).await?),
            _ => return Err(SourceError::new(ErrorKind::Bug, "This is no query for Kubernetes.")),
        };
        Ok(Answer::Page(page))
    }
}

fn lines_of(shown: &Value) -> Vec<PageLine> {
    yaml::lines(shown).iter().map(|line| PageLine::Text(Clean::line(line))).collect()
}

/// API path of an object.
pub(super) fn path_of(object: &ObjectRef) -> String {
    match object {
        ObjectRef::Pod(pod) => format!("/api/v1/namespaces/{}/pods/{}", segment(&pod.namespace), segment(&pod.name)),
        ObjectRef::Workload(workload) => revisions::workload_path(workload),
    }
}

impl Reader for ClusterReader {
    fn backend(&self) -> &BackendId {
        self.cluster.id()
    }

    fn forget(&self) {
        self.discovery.forget();
        self.rights.forget();
    }

    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            match query {
                Query::Logs(logs) => self.logs.read(logs, out).await,
                Query::Resources(_) => self.discovery.follow(&out).await,
                Query::Table(asked) => table::follow(&self.cluster, &self.rows, asked, &out).await,
                Query::Usage(asked) => usage::follow(&self.cluster, &asked.namespace, &out).await,
                Query::Standing(owner) => owners::follow(&self.cluster, owner, &out).await,
                Query::Rights(asked) => self.rights.follow(&asked.namespace, &out).await,
                Query::Revisions(workload) => revisions::follow(&self.cluster, &self.rows, workload, &out).await,
                query => {
                    out.send(self.page(query).await).await;
                }
            }
        }
        .boxed()
    }
}
