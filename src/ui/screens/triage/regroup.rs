//! The cursor where rows become others: an alert in a group that is closed, or left alone of its group by a filter.

use super::{
    super::super::{View, filter::Filter},
    Triage,
    groups::{self, Row},
};
use crate::model::alert::AlertKey;

impl Triage {
    /// Opens the group that holds an alert beside others, so that it has a row.
    pub(super) fn open_group_of(&mut self, alert: &AlertKey, view: &View<'_>) {
        let group = self.groups.iter().find(|group| group.alerts.contains(alert) && group.alerts.len() > 1);
        if let Some(key) = group.map(|group| group.key.clone()) {
            self.open.insert(key);
            let filter = Filter::parse(&self.filter);
            self.rows.show(groups::entries(view, &self.groups, &self.open, &filter));
        }
    }

    /// Selects what was selected under the former filter. What is a row of its own may change with the filter: the one
    /// alert that is left of a group, and again that group.
    pub(super) fn find_again(&mut self, sought: &Row, view: &View<'_>) {
        if self.rows.select(sought) {
            return;
        }
        let row = match sought {
            Row::Alert(key) => {
                self.open_group_of(key, view);
                sought.clone()
            }
            Row::Group(key) => match self.group(key).map(|group| group.alerts.as_slice()) {
                Some([only]) => Row::Alert(only.clone()),
                _ => return,
            },
            Row::Silence(_) => return,
        };
        self.rows.select(&row);
    }
}
