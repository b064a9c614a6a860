//! The pods of a selector, read page by page: of ten thousand a whole list is over the bound of one answer, and many times
//! that as JSON in memory.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    client::{Cluster, TOO_LARGE, segment},
    failure::Failure,
    rows::Rows,
    selector::query,
    watch::shapes::{Page, PageMeta},
};
use crate::model::kubernetes::Pod;

const PAGE: u32 = 500;
/// When a page of 500 is over the bound of one answer.
const SMALL_PAGE: u32 = 20;
/// The pages of a list expire together: it is begun again so often before that is said.
const RESTARTS: u32 = 3;

/// Which of them are of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Those that run or are to: ended ones stay behind and are counted by no controller.
    Alive,
}

/// The pods of a label selector.
#[derive(Clone, Copy)]
pub struct Selected<'a> {
    pub cluster: &'a Cluster,
    pub rows: &'a Rows,
    pub namespace: &'a str,
    pub selector: &'a str,
    pub which: Which,
}

impl Selected<'_> {
    /// One that cannot be read is left out.
    pub async fn read(&self) -> Result<Vec<Pod>, Failure> {
        let mut restarts = 0;
        loop {
            match self.all_pages().await {
                Err(failure) if failure.is_expired() && restarts < RESTARTS => restarts += 1,
                other => return other,
            }
        }
    }

    async fn all_pages(&self) -> Result<Vec<Pod>, Failure> {
        let (mut pods, mut size, mut next) = (Vec::new(), PAGE, None::<String>);
        loop {
            let limit = size.to_string();
            let mut asked = vec![("labelSelector", self.selector), ("limit", &*limit)];
            asked.extend(next.as_deref().map(|token| ("continue", token)));
            let path = format!("/api/v1/namespaces/{}/pods?{}", segment(self.namespace), query(asked));
            let answer = match self.cluster.get_bytes(&path, self.cluster.list_within()).await {
                Err(failure) if failure.reason == TOO_LARGE && size > SMALL_PAGE => {
                    size = SMALL_PAGE;
                    continue;
                }
                other => other?,
            };
            let meta = self.take(&answer, &mut pods).map_err(|error| self.cluster.unexpected(&path, &error))?;
            next = meta.continues.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(pods);
            }
        }
    }

    /// One by one: as the server says them, pods take many times the room.
    fn take(&self, answer: &[u8], pods: &mut Vec<Pod>) -> serde_json::Result<PageMeta> {
        let page: Page<'_> = serde_json::from_slice(answer)?;
        let wanted = page.items.into_iter().flatten().filter(|raw| self.which == Which::All || !has_ended(raw));
        pods.extend(wanted.filter_map(|raw| self.rows.pod(&mut serde_json::Deserializer::from_str(raw.get())).ok()));
        Ok(page.metadata.unwrap_or_default())
    }
}

fn has_ended(raw: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Lived {
        status: Option<Status>,
    }
    #[derive(Deserialize)]
    struct Status {
        phase: Option<String>,
    }
    let phase = serde_json::from_str::<Lived>(raw.get()).ok().and_then(|pod| pod.status?.phase);
    matches!(phase.as_deref(), Some("Succeeded" | "Failed"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        model::{
            BackendId,
            kubernetes::{WorkloadKey, WorkloadKind},
        },
        query::{ObjectRef, PageLine},
        source::kubernetes::{
            describe,
            scripted::{self, Asked},
        },
    };

    fn of_web<'a>(cluster: &'a Cluster, rows: &'a Rows, which: Which) -> Selected<'a> {
        Selected { cluster, rows, namespace: "shop", selector: "app=web", which }
    }

    /// As many pods as are asked for, of 1,200.
    fn listed(asked: &Asked) -> Value {
        let number = |name| asked.query(name).and_then(|number| number.parse::<usize>().ok());
        let (from, limit) = (number("continue").unwrap_or(0), number("limit").expect("a page is asked for"));
        let end = (from + limit).min(1_200);
        let pod = |number: usize| json!({"metadata": {"name": format!("web-{number}"), "namespace": "shop"}, "status": {"phase": "Running"}});
        let next = if end < 1_200 { end.to_string() } else { String::new() };
        json!({"metadata": {"continue": next}, "items": (from..end).map(pod).collect::<Vec<_>>()})
    }

    fn deployment() -> Value {
        json!({"metadata": {"name": "web", "namespace": "shop", "uid": "d1"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {"containers": []}}}, "status": {}})
    }

    #[tokio::test]
    async fn a_page_of_a_large_workload_reads_its_pods_in_pages() {
        let server = scripted::serve(|asked: &Asked| match asked.path.as_str() {
            "/api/v1/namespaces/shop/pods" => scripted::json_answer(200, &listed(asked)),
            "/apis/apps/v1/namespaces/shop/deployments/web" => scripted::json_answer(200, &deployment()),
            _ => scripted::json_answer(200, &json!({"items": []})),
        })
        .await;
        let (cluster, namespace) = (BackendId::new("c"), "shop".into());
        let key = WorkloadKey { cluster, namespace, kind: WorkloadKind::Deployment, name: "web".into() };
        let rows = Rows::new(&BackendId::new("c"));
        let page = describe::page(&server.cluster, &rows, &ObjectRef::Workload(key)).await.unwrap();
        let tally = page.iter().find_map(|line| match line {
            PageLine::Field(name, value, _) if *name == *"pods" => Some(value.as_str()),
            _ => None,
        });
        assert_eq!(tally, Some("1200 Running"));
        let asked = server.asked_with("GET", "/pods");
        let pages: Vec<_> = asked.iter().map(|asked| (asked.query("limit"), asked.query("continue"))).collect();
        assert_eq!(pages, [(Some("500"), None), (Some("500"), Some("500")), (Some("500"), Some("1000"))]);
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
        let server = scripted::serve(|asked: &Asked| {
            if asked.query("limit") == Some("500") {
                let blanks = Bytes::from(vec![b' '; 1 << 20]);
                return scripted::pieces(futures::stream::iter((0..65).map(move |_| Ok(blanks.clone()))));
            }
            scripted::json_answer(200, &listed(asked))
        })
        .await;
        let rows = Rows::new(&BackendId::new("c"));
        let pods = of_web(&server.cluster, &rows, Which::Alive).read().await.unwrap();
        assert_eq!((pods.len(), server.asked().len()), (1_200, 1 + 60));
    }

    #[tokio::test]
    async fn pages_that_expire_are_read_anew() {
        let server = scripted::serve(|asked: &Asked| match asked.query("continue") {
            Some("500") if asked.query("limit") == Some("500") => scripted::status(410, "Expired", "too old"),
            _ => scripted::json_answer(200, &listed(asked)),
        })
        .await;
        let rows = Rows::new(&BackendId::new("c"));
        let failure = of_web(&server.cluster, &rows, Which::All).read().await.unwrap_err();
        assert!(failure.is_expired());
        assert_eq!(server.asked().len(), 2 * (1 + RESTARTS as usize), "and not for ever");
    }
}
