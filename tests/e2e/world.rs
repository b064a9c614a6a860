//! The demo's servers in a process of their own, and the control server that moves their time.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// `midwatch demo --serve`.
pub struct World {
    child: Child,
    line: Value,
}

impl World {
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// With these environment variables besides those of the test.
    pub fn start_with(args: &[&str], env: &[(&str, String)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .args(["demo", "--serve"])
            .args(args)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the world starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("one line");
        Self { line: serde_json::from_str(&line).expect("one JSON line"), child }
    }

    pub fn kubeconfig(&self) -> String {
        self.line["kubeconfig"].as_str().expect("a path").to_owned()
    }

    pub fn config(&self) -> String {
        self.line["config"].as_str().expect("a path").to_owned()
    }

    /// Moves the world's clock on.
    pub fn advance(&self, seconds: u32) {
        self.control("POST", &format!("/advance?seconds={seconds}"));
    }

    /// `up`, `down`, `hang`, `error500`, `html`.
    pub fn backend(&self, name: &str, mode: &str) {
        self.control("POST", &format!("/backend/{name}/{mode}"));
    }

    /// The live revision of a Deployment in production, from the API server.
    pub fn revision(&self, deployment: &str) -> i64 {
        let cluster = &self.line["clusters"][0];
        let path = format!("/apis/apps/v1/namespaces/production/deployments/{deployment}");
        let object = self.ask(cluster["url"].as_str().expect("a URL"), cluster["token"].as_str(), "GET", &path);
        let revision = &object["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
        revision.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no revision in {object}"))
    }

    /// Whether Alertmanager lists this alert.
    pub fn is_firing(&self, name: &str) -> bool {
        let alerts = self.ask(self.line["alertmanager"]["url"].as_str().expect("a URL"), None, "GET", "/api/v2/alerts");
        alerts.as_array().is_some_and(|alerts| alerts.iter().any(|alert| alert["labels"]["alertname"] == name))
    }

    /// Moves the world on in small steps until it is so.
    pub fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if is_so(self) {
                return;
            }
            self.advance(5);
        }
        panic!("waited in vain for {what}");
    }

    /// The address of `prod-eu1`, and a token for it.
    #[allow(dead_code)] // the tests without a screen share this file
    pub fn cluster(&self) -> (String, String) {
        let text = |key: &str| self.line["clusters"][0][key].as_str().expect("a text").to_owned();
        (text("url"), text("token"))
    }

    /// Address and token of its Grafana.
    #[allow(dead_code)] // the tests without a screen share this file
    pub fn grafana(&self) -> (String, String) {
        let text = |key: &str| self.line["grafana"][key].as_str().expect("a text").to_owned();
        (text("url"), text("token"))
    }

    /// Every token of the world.
    pub fn secrets(&self) -> Vec<String> {
        let token = |of: &Value| of["token"].as_str().map(str::to_owned);
        let clusters = self.line["clusters"].as_array().into_iter().flatten().filter_map(token);
        clusters.chain([&self.line["github"], &self.line["grafana"]].into_iter().filter_map(token)).collect()
    }

    /// Names of its clusters.
    #[allow(dead_code)] // the soak's alone
    pub fn clusters(&self) -> Vec<String> {
        let all = self.line["clusters"].as_array().into_iter().flatten();
        all.map(|cluster| cluster["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// Where the API server of a cluster is.
    #[allow(dead_code)] // the soak's alone
    pub fn url_of(&self, name: &str) -> String {
        self.cluster_of(name)["url"].as_str().expect("a URL").to_owned()
    }

    #[allow(dead_code)] // the soak's alone
    fn cluster_of(&self, name: &str) -> &Value {
        let mut all = self.line["clusters"].as_array().into_iter().flatten();
        all.find(|cluster| cluster["name"] == *name).expect("there is such a cluster")
    }

    /// A request to the API server of a cluster.
    #[allow(dead_code)] // the soak's alone
    pub fn on_cluster(&self, name: &str, method: &str, path: &str) -> Value {
        let cluster = self.cluster_of(name);
        self.ask(cluster["url"].as_str().expect("a URL"), cluster["token"].as_str(), method, path)
    }

    /// Stops the world's time.
    #[allow(dead_code)] // the soak's alone
    pub fn stop_time(&self) {
        self.control("POST", "/speed?x=0");
    }

    /// `expire`, `throttle`: as the control server has it.
    #[allow(dead_code)] // the soak's alone
    pub fn fault(&self, cluster: &str, fault: &str) {
        self.control("POST", &format!("/cluster/{cluster}/{fault}"));
    }

    fn control(&self, method: &str, path: &str) -> Value {
        let control = &self.line["control"];
        self.ask(control["url"].as_str().expect("a URL"), control["token"].as_str(), method, path)
    }

    /// One HTTP/1.0 exchange.
    fn ask(&self, url: &str, token: Option<&str>, method: &str, path: &str) -> Value {
        let (host, prefix) =
            url.trim_start_matches("http://").split_once('/').unwrap_or((url.trim_start_matches("http://"), ""));
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let mut stream = TcpStream::connect(host).expect("it listens");
        let token = token.unwrap_or_default();
        write!(stream, "{method} {prefix}{path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        let body = answer.split_once("\r\n\r\n").expect("head and body").1;
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Asked, not killed: its temporary files are removed.
        let _ =
            rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
