//! Keys that mean something, but not on what is selected.

use super::*;
use crate::ui::testing::incident;

#[test]
fn a_key_of_another_kind_of_row_says_so() {
    let mut desk = Desk::new(incident());
    desk.frame((120, 35));
    let effects = desk.keys("X");
    assert!(effects.is_empty(), "{effects:?}");
    assert!(desk.frame((120, 35)).contains("X (expire) is for a silence; selected: alert"));
}

#[test]
fn a_key_that_means_nothing_anywhere_is_passed_over() {
    let mut desk = Desk::new(incident());
    let before = desk.frame((120, 35));
    desk.press(KeyCode::F(9));
    assert_eq!(desk.frame((120, 35)), before);
}
