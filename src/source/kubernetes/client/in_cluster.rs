//! The cluster this program runs in, by what every pod is given (client-go `rest.InClusterConfig`).

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Config};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::{model::Name, text::Clean};

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The API server's address, and the folder of the pod's service account.
#[derive(Clone, Debug)]
pub(super) struct InCluster {
    host: String,
    port: String,
    folder: PathBuf,
}

impl InCluster {
    /// `None`: this is no pod.
    pub fn here() -> Option<Self> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (host, port) = (set("KUBERNETES_SERVICE_HOST")?, set("KUBERNETES_SERVICE_PORT")?);
        Some(Self { host, port, folder: SERVICE_ACCOUNT.into() })
    }

    /// The pod's own namespace, and how its service account logs in; else why it cannot. kube reads the token anew each
    /// minute: it is renewed every hour.
    pub fn config(&self) -> Result<(Option<Name>, Config), String> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let address = format!("https://{host}:{}", self.port);
        let mut config = Config::new(address.parse::<http::Uri>().map_err(|error| format!("'{address}': {error}"))?);
        let (token, authority) = (self.folder.join("token"), self.folder.join("ca.crt"));
        read(&token)?;
        config.root_cert = Some(certificates(&authority)?);
        config.root_cert_file = Some(authority);
        config.auth_info = AuthInfo { token_file: Some(token.to_string_lossy().into_owned()), ..AuthInfo::default() };
        // It is in every pod, and nothing stands on it.
        let namespace = std::fs::read_to_string(self.folder.join("namespace")).unwrap_or_default();
        let namespace = Some(namespace.trim()).filter(|name| !name.is_empty()).map(Clean::line);
        Ok((namespace, config))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("'{}' cannot be read: {error}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let pem = read(path)?;
    let all: Result<Vec<Vec<u8>>, _> =
        CertificateDer::pem_slice_iter(&pem).map(|one| one.map(|one| one.to_vec())).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(format!("'{}' holds no certificate", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::Arc,
        thread::JoinHandle,
    };

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        config::file::{Kubernetes, Timeouts},
        source::{
            SourceError,
            kubernetes::{
                client::{Cluster, access::With},
                kubeconfig::{Loaded, load},
            },
        },
        time::SystemClock,
    };

    const CA: &[u8] = include_bytes!("../../../../tests/fixtures/tls/ca.pem");
    const SERVER: &[u8] = include_bytes!("../../../../tests/fixtures/tls/server.der");
    const KEY: &[u8] = include_bytes!("../../../../tests/fixtures/tls/server.key.der");

    /// Serves one answer over TLS, under a certificate of the fixtures' authority. Its port, and what it was asked.
    fn server() -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = std::thread::spawn(move || {
            let key = rustls::pki_types::PrivatePkcs8KeyDer::from(KEY.to_vec());
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![CertificateDer::from(SERVER.to_vec())], key.into())
                .unwrap();
            let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, listener.accept().unwrap().0);
            let (mut asked, mut piece) = (Vec::new(), [0; 1024]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                assert!(read > 0, "it hung up");
                asked.extend_from_slice(&piece[..read]);
            }
            let body = r#"{"gitVersion":"v1.36.0"}"#;
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            stream.flush().unwrap();
            String::from_utf8(asked).unwrap()
        });
        (port, asked)
    }

    type File = (&'static str, &'static [u8]);

    /// A service account's folder with these files.
    fn account(files: &[File]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    async fn open(port: u16, folder: &Path, loaded: &Loaded) -> Result<Cluster, SourceError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let within = Some(InCluster { host: "127.0.0.1".into(), port: port.to_string(), folder: folder.to_owned() });
        let with = With {
            wanted: Kubernetes::default(),
            timeouts: Timeouts::default(),
            policy: Arc::default(),
            clock: Arc::new(SystemClock),
            within,
        };
        Cluster::open_with(with, loaded).await
    }

    #[tokio::test]
    async fn a_pod_logs_in_with_its_service_account() {
        let (port, asked) = server();
        let folder = account(&[("token", b"service-token-1"), ("ca.crt", CA), ("namespace", b"tools")]);
        let cluster = open(port, folder.path(), &Loaded::default()).await.unwrap();
        assert_eq!((cluster.context().as_str(), cluster.id().0.as_str()), ("in-cluster", "in-cluster"));
        assert_eq!(cluster.own_namespace().map(Clean::as_str), Some("tools"));
        assert_eq!(cluster.server().as_str(), format!("https://127.0.0.1:{port}"));
        assert_eq!(cluster.get::<Value>("/version").await.unwrap(), json!({"gitVersion": "v1.36.0"}));
        let asked = asked.join().unwrap().to_ascii_lowercase();
        assert!(
            asked.starts_with("get /version ") && asked.contains("authorization: bearer service-token-1\r\n"),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn what_is_missing_in_the_folder_is_named() {
        let (token, authority, no_authority): (File, File, File) =
            (("token", b"t"), ("ca.crt", CA), ("ca.crt", b"none"));
        for (files, named) in [
            (&[authority][..], "token' cannot be read"),
            (&[token][..], "ca.crt' cannot be read"),
            (&[token, no_authority][..], "ca.crt' holds no certificate"),
        ] {
            let folder = account(files);
            let says = open(1, folder.path(), &Loaded::default()).await.err().expect("refused").says;
            assert!(says.contains("The cluster we run in cannot be used") && says.contains(named), "{says}");
        }
        let folder = account(&[token, authority]);
        assert_eq!(open(1, folder.path(), &Loaded::default()).await.unwrap().own_namespace(), None);
    }

    #[tokio::test]
    async fn a_kubeconfig_comes_first() {
        let folder = account(&[("token", b"t"), ("ca.crt", CA)]);
        let path = folder.path().join("config");
        let yaml = "current-context: eu\nclusters: [{name: eu, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                    contexts: [{name: eu, context: {cluster: eu, user: ann}}]\nusers: [{name: ann, user: {token: t}}]";
        std::fs::write(&path, yaml).unwrap();
        assert_eq!(open(1, folder.path(), &load(&[path])).await.unwrap().context().as_str(), "eu");
    }
}
