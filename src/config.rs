//! Configuration: the shapes of `config.toml`, reading it, the folders it stands in, and tokens. Every key and its
//! default stands in `config.example.toml`.

pub mod file;
pub mod find;
pub mod load;
pub mod paths;
pub mod token;
