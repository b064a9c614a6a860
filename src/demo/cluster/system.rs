//! What is in a cluster besides workloads: namespaces, nodes, services, secrets.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster,
    condition::condition_mut,
    fields::{self, Writer},
    ids, json as js,
    kinds::Resource,
};

impl Cluster {
    pub(super) fn found_system(&mut self, now: Timestamp, nodes: u32) {
        for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            self.add_namespace(now, namespace);
        }
        for index in 1..=nodes {
            self.add_node(now, &format!("node-{index}"));
        }
        self.found_definitions(now);
    }

    /// Adds any object as it is, its uid from seed and name only; `failed` says which past runs of a CronJob failed, 1 being the last.
    pub fn found_object(
        &mut self,
        at: Timestamp,
        created: Timestamp,
        resource: Resource,
        mut value: Value,
        failed: &[u32],
    ) {
        let (namespace, name) =
            (js::text(&value, "/metadata/namespace").to_owned(), js::text(&value, "/metadata/name").to_owned());
        if !namespace.is_empty() {
            self.add_namespace(created, &namespace);
        }
        let uid = ids::uid(self.seed, &format!("{}/{namespace}/{name}", resource.kind().plural));
        js::set(&mut value, "/metadata/uid", json!(uid));
        js::set(&mut value, "/metadata/creationTimestamp", json!(js::stamp(created)));
        fields::record(None, &mut value, Writer { manager: "kubectl-client-side-apply", subresource: "", at: created });
        self.write(resource, value);
        if resource == Resource::CronJobs {
            self.found_runs(at, &namespace, &name, failed);
        }
    }

    /// A node whose kubelet reports MemoryPressure, with the taint that follows from it.
    pub fn press(&mut self, at: Timestamp, node: &str) {
        let Some(mut value) = self.store.get(Resource::Nodes, "", node).map(super::store::Object::value) else {
            return;
        };
        if let Some(condition) = condition_mut(&mut value, "MemoryPressure") {
            condition["status"] = json!("True");
            condition["reason"] = json!("KubeletHasInsufficientMemory");
            condition["message"] = json!("kubelet has insufficient memory available");
            condition["lastTransitionTime"] = json!(js::stamp(at));
        }
        let taint =
            json!({"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule", "timeAdded": js::stamp(at)});
        js::set(&mut value, "/spec/taints", json!([taint]));
        self.write(Resource::Nodes, value);
    }

    /// Adds a namespace with its default ServiceAccount. Its uid depends on seed, cluster, name and when it was made: that of
    /// `kube-system` is the cluster's own, and each start of the demo is a cluster of which nobody knows anything yet.
    pub fn add_namespace(&mut self, created: Timestamp, name: &str) {
        if self.store.get(Resource::Namespaces, "", name).is_some() {
            return;
        }
        let uid = ids::uid(self.seed, &format!("namespace/{name}/{created}"));
        self.write(
            Resource::Namespaces,
            json!({
                "kind": "Namespace", "apiVersion": "v1",
                "metadata": {"name": name, "uid": uid, "creationTimestamp": js::stamp(created),
                    "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
            }),
        );
        let account = self.uid("sa", name);
        self.write(
            Resource::ServiceAccounts,
            json!({
                "kind": "ServiceAccount", "apiVersion": "v1",
                "metadata": {"name": "default", "namespace": name, "uid": account, "creationTimestamp": js::stamp(created)},
            }),
        );
    }

    fn add_node(&mut self, created: Timestamp, name: &str) {
        self.nodes.push(name.to_owned());
        let ip = self.node_ip(name);
        let uid = self.uid("node", name);
        let condition = |kind: &str, is: bool, reason: &str, message: &str| {
            json!({"type": kind, "status": if is { "True" } else { "False" }, "reason": reason, "message": message,
                "lastHeartbeatTime": js::stamp(created), "lastTransitionTime": js::stamp(created)})
        };
        let index = self.nodes.len();
        let version = self.version.clone();
        self.write(
            Resource::Nodes,
            json!({
                "kind": "Node", "apiVersion": "v1",
                "metadata": {
                    "name": name, "uid": uid, "creationTimestamp": js::stamp(created),
                    "labels": {
                        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                        "topology.kubernetes.io/region": "eu1", "topology.kubernetes.io/zone": format!("eu1-{}", ["a", "b", "c"][index % 3]),
                        "node.kubernetes.io/instance-type": "m6.2xlarge",
                    },
                },
                "spec": {"podCIDR": format!("10.42.{}.0/21", (index - 1) * 8), "providerID": format!("acme://eu1/{name}")},
                "status": {
                    "capacity": {"cpu": "8", "memory": "32781840Ki", "pods": "110", "ephemeral-storage": "102350Mi"},
                    "allocatable": {"cpu": "7910m", "memory": "31629840Ki", "pods": "110", "ephemeral-storage": "95551679124"},
                    "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
                    "conditions": [
                        condition("MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                        condition("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                        condition("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                        condition("Ready", true, "KubeletReady", "kubelet is posting ready status"),
                    ],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                    "nodeInfo": {
                        "architecture": "amd64", "bootID": ids::uid(self.seed, &format!("boot/{name}")),
                        "containerRuntimeVersion": "containerd://2.0.5", "kernelVersion": "6.8.0-60-generic",
                        "kubeProxyVersion": "", "kubeletVersion": version, "machineID": ids::digest(self.seed, name)[..32],
                        "operatingSystem": "linux", "osImage": "Ubuntu 24.04.2 LTS", "systemUUID": ids::uid(self.seed, &format!("system/{name}")),
                    },
                },
            }),
        );
    }

    /// A node holds an image now, and will say so in its status. False: it held it before.
    pub(super) fn hold_image(&mut self, node: &str, image: &str) -> bool {
        let new = self.pulled.insert((node.to_owned(), image.to_owned()));
        if new {
            self.dirty.insert((Resource::Nodes, (String::new(), node.to_owned())));
        }
        new
    }

    pub(super) fn holds_image(&self, node: &str, image: &str) -> bool {
        self.pulled.contains(&(node.to_owned(), image.to_owned()))
    }

    /// The kubelet's part of a node's status: the images it holds, at most fifty (`nodeStatusMaxImages`).
    pub(super) fn sync_node(&mut self, node: &str) {
        let Some(mut value) = self.store.get(Resource::Nodes, "", node).map(super::store::Object::value) else {
            return;
        };
        let from = (node.to_owned(), String::new());
        let held = self.pulled.range(from..).take_while(|(on, _)| on == node).take(50);
        let images: Vec<_> = held
            .map(|(_, image)| json!({"names": [super::pod_status::image_id(image), image], "sizeBytes": 182_452_736}))
            .collect();
        value["status"]["images"] = json!(images);
        self.write(Resource::Nodes, value);
    }

    /// Adds a ClusterIP service for the pods labelled `app=APP`.
    pub fn add_service(&mut self, created: Timestamp, namespace: &str, name: &str, app: &str, port: u16) {
        let hash = ids::mix(self.seed, &format!("{namespace}/{name}"));
        let ip = format!("10.96.{}.{}", (hash >> 8) % 256, 1 + hash % 254);
        let uid = self.uid("svc", name);
        self.write(
            Resource::Services,
            json!({
                "kind": "Service", "apiVersion": "v1",
                "metadata": {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": js::stamp(created),
                    "labels": {"app": app}},
                "spec": {
                    "type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "selector": {"app": app},
                    "ports": [{"name": "http", "protocol": "TCP", "port": port, "targetPort": port}],
                    "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                    "internalTrafficPolicy": "Cluster",
                },
                "status": {"loadBalancer": {}},
            }),
        );
    }

    /// Adds the Service of a monitoring server. Its uid depends on seed, cluster and name only.
    pub fn add_monitoring(&mut self, created: Timestamp, namespace: &str, name: &str, port: u16) {
        let hash = ids::mix(self.seed, &format!("{namespace}/{name}"));
        let ip = format!("10.96.{}.{}", (hash >> 8) % 256, 1 + hash % 254);
        let uid = ids::uid(self.seed, &format!("service/{namespace}/{name}"));
        self.write(
            Resource::Services,
            json!({
                "kind": "Service", "apiVersion": "v1",
                "metadata": {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": js::stamp(created),
                    "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "kube-prometheus"}},
                "spec": {
                    "type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "selector": {"app.kubernetes.io/name": name},
                    "ports": [{"name": "web", "protocol": "TCP", "port": port, "targetPort": "web"}],
                    "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                    "internalTrafficPolicy": "Cluster",
                },
                "status": {"loadBalancer": {}},
            }),
        );
    }

    /// Adds a Secret whose values nobody needs: keys with made-up contents.
    pub fn add_secret(&mut self, created: Timestamp, namespace: &str, name: &str, keys: &[&str]) {
        let uid = self.uid("secret", name);
        let data: serde_json::Map<_, _> =
            keys.iter().map(|key| ((*key).to_owned(), json!("bm90LWEtcmVhbC1zZWNyZXQ="))).collect();
        self.write(
            Resource::Secrets,
            json!({
                "kind": "Secret", "apiVersion": "v1", "type": "Opaque", "data": data,
                "metadata": {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": js::stamp(created)},
            }),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_is_a_cluster_of_its_own() {
        let uid = |start: i64| {
            let cluster = Cluster::new("prod-eu1", true, 7, Timestamp::from_second(start).expect("a time"));
            let system = cluster.store.get(Resource::Namespaces, "", "kube-system").expect("it is founded").value();
            js::text(&system, "/metadata/uid").to_owned()
        };
        assert_eq!(uid(1_800_000_000), uid(1_800_000_000), "the same world again, for tests");
        assert_ne!(uid(1_800_000_000), uid(1_800_003_600));
    }
}
