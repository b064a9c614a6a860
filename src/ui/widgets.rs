//! Widgets: they know text, styles and closures, none of our nouns. Each is safe in an area of any size, also none.

pub mod cells;
pub mod frame;
pub mod virtual_table;

#[cfg(test)]
mod testing;
