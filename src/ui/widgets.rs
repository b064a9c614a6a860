//! Widgets: they know text, styles and closures, none of our nouns. Each is safe in an area of any size, also none.

pub mod cells;
pub mod chart;
pub mod dialog;
pub mod diff_view;
pub mod frame;
pub mod freshness;
pub mod gauge;
pub mod hints;
pub mod log_view;
pub mod sparkline;
pub mod tabs;
pub mod text_input;
pub mod toast;
pub mod virtual_table;
pub mod wrap;

#[cfg(test)]
mod gallery;
#[cfg(test)]
mod gallery_tests;
#[cfg(test)]
mod testing;
