//! Standard output as a pipe: its end is noticed without writing to it, so that `midwatch follow | head -1` ends.

/// Resolves when nobody can read standard output any more. Never, where that cannot be told: a file, some systems.
#[cfg(unix)]
#[expect(deprecated, reason = "what replaces it is unsafe; standard output stays open as long as this waits")]
pub async fn closed() {
    use tokio::io::{Interest, unix::AsyncFd};
    // Only registered, not read; a file is refused here, and has no reader that could leave.
    if let Ok(out) = AsyncFd::with_interest(std::io::stdout(), Interest::ERROR) {
        loop {
            let Ok(mut ready) = out.ready(Interest::ERROR).await else { break };
            if ready.ready().is_error() || ready.ready().is_write_closed() {
                return;
            }
            ready.clear_ready();
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(not(unix))]
pub async fn closed() {
    std::future::pending().await
}
