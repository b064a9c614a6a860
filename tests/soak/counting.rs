//! A proxy before an API server that counts the LISTs of whole collections that go through it.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

/// A request line is shorter; what is longer is a body.
const LONGEST_LINE: usize = 16 * 1024;

type Lists = Arc<Mutex<BTreeMap<String, usize>>>;

/// Until the test ends.
pub struct Counting {
    at: SocketAddr,
    lists: Lists,
}

impl Counting {
    /// Before the server of this URL.
    pub fn start(url: &str) -> Self {
        let to: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (at, lists) = (listener.local_addr().expect("bound"), Lists::default());
        let log = lists.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to) else { continue };
                let (from, into) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
                let (log, mut line) = (log.clone(), Vec::new());
                std::thread::spawn(move || pass(from, into, |piece| count(&log, &mut line, piece)));
                std::thread::spawn(move || pass(server, client, |_| {}));
            }
        });
        Self { at, lists }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// How often a whole collection was listed so far: its path, and its field selector where there is one.
    pub fn lists(&self, path: &str) -> usize {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied().unwrap_or(0)
    }
}

fn pass(mut from: TcpStream, mut into: TcpStream, mut note: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        note(&buffer[..read]);
        if into.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = into.shutdown(std::net::Shutdown::Both);
}

/// Takes the lines that end in this piece; `line` is the one that has not ended yet.
fn count(lists: &Lists, line: &mut Vec<u8>, piece: &[u8]) {
    for byte in piece {
        if *byte != b'\n' {
            if line.len() < LONGEST_LINE {
                line.push(*byte);
            }
            continue;
        }
        if let Some(path) = whole_list(&String::from_utf8_lossy(line)) {
            *lists.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_default() += 1;
        }
        line.clear();
    }
}

/// `GET /api/v1/pods?&limit=500 HTTP/1.1`: the first page of a LIST without labels.
fn whole_list(line: &str) -> Option<String> {
    let target = line.trim_end().strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is = |name: &str| query.split('&').any(|pair| pair.starts_with(name));
    if is("watch=") || is("continue=") || is("labelSelector=") {
        return None;
    }
    // `/as/TOKEN`, by which the demo knows who asks
    let path = path.strip_prefix("/as/").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path);
    let fields = query.split('&').find(|pair| pair.starts_with("fieldSelector="));
    Some(fields.map_or_else(|| path.to_owned(), |fields| format!("{path}?{fields}")))
}
