//! What is drawn: colours and the widgets that know none of our nouns.

pub mod theme;
pub mod widgets;
