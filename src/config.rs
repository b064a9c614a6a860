//! Configuration: the shapes of `config.toml`. Every key and its default stands in `config.example.toml`.

pub mod file;
