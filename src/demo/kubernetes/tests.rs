//! The server, spoken to over HTTP.
