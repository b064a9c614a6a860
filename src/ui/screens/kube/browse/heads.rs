//! The heads of a table's columns: how wide each is, and which gives way first.

use super::{
    super::super::super::{
        View,
        widgets::{
            cells::width,
            virtual_table::{Column as Head, Sort},
        },
    },
    Browse,
    rows::{Column, Content},
};
use crate::model::kubernetes::table::CellKind;

/// Widest cell at first; what is longer takes what is left over.
const WIDEST: u16 = 44;

/// Of what a row is marked for, on a small screen: `Paused: CanaryPauseStep`.
const WIDEST_JUDGED: u16 = 24;

/// Of an event's object.
const WIDEST_OBJECT: u16 = 32;

/// Of one on a small screen, where the message needs the room.
const WIDEST_OBJECT_NARROW: u16 = 26;

/// When an event was last seen, on a small screen.
const WIDEST_SEEN: u16 = 5;

/// An age is whole: `9m59s`, `2y123d`.
const WHOLE_AGE: u16 = 6;

/// How a pod is takes no less: `CrashLoopBa…`, `7 (2m55s)`.
fn least_of_pod(title: &str, is_narrow: bool) -> u16 {
    match (is_narrow, title) {
        (false, _) => 16,
        (true, "restarts") => 9,
        (true, _) => 12,
    }
}

impl Browse {
    pub(super) fn head(&self, view: &View<'_>, place: Option<usize>) -> Head<'_> {
        let Some((index, column)) = place.and_then(|index| Some((index, self.columns.get(index)?))) else {
            return Head::new("", 2, 100);
        };
        let (are_events, are_pods) = (self.rows.are_events(), self.rows.are_pods());
        let is_object = are_events && column.title == "object";
        let is_short = self.is_seen_in_short(view, column);
        let title = if is_short { "seen" } else { &*column.title };
        // Rather left out than cut to pieces.
        let (priority, least) = match column.content {
            _ if column.is_wide => (20 - (index as u8).min(19), 10),
            _ if column.is_blank => (10, 12),
            // What a row is marked for is what it is looked at for.
            Content::Cell if column.is_judged && !are_events => (98, WIDEST_JUDGED),
            // How a pod is comes before whose it is.
            Content::Cell if are_pods && matches!(&*column.title, "ready" | "status" | "restarts") => {
                (98, least_of_pod(title, view.is_narrow()))
            }
            // On a small screen there is no room for both, and whose it is must be known.
            Content::Cluster if are_pods && view.is_narrow() => (98, 9),
            Content::Age if are_pods => (97, WHOLE_AGE),
            Content::Cluster if are_pods => (96, 14),
            Content::Namespace if are_pods => (95, 11),
            // What nobody is woken for.
            Content::Cell if matches!(title, "timezone" | "suspend" | "minpods") => (63, 7),
            Content::Age if self.rows.are_autoscalers() => (62, WHOLE_AGE),
            // On a small screen of what it is comes first, then what it says.
            Content::Cell if is_object && view.is_narrow() => (99, 18),
            Content::Cell if are_events && view.is_narrow() => match title {
                "message" => (97, 11),
                "reason" => (96, if view.size.0 < 80 { 9 } else { 12 }),
                _ => (96, WHOLE_AGE),
            },
            // Of an autoscaler its bounds and how far it is say more than whom it scales, which is called so too.
            Content::Cell if column.title == "reference" && view.is_narrow() => (75, 12),
            // People come for the ports.
            Content::Cell if column.title == "cluster-ip" => (60, 12),
            // Rather whole than beside what pods use: their names differ at their ends.
            Content::Name if are_pods && view.is_narrow() => (99, 22),
            Content::Name => (99, (view.size.0 / 4).max(if are_pods { 24 } else { 26 })),
            Content::Cluster if !are_events => (97, 14),
            // On a small screen what is wrong with it comes first.
            Content::Namespace if !are_events => (if view.is_narrow() { 93 } else { 96 }, 11),
            Content::Cluster => (75, 14),
            Content::Namespace => (72, 11),
            Content::Cell if column.kind.is_usage() => match column.kind {
                CellKind::MemoryShare => (74, 4),
                CellKind::CpuShare => (73, 4),
                CellKind::Memory => (71, 8),
                _ => (70, 8),
            },
            Content::Age => (94, WHOLE_AGE),
            // The message has the room before it.
            Content::Cell if is_object => (80, 16),
            Content::Cell if column.width > WIDEST => (98 - (index as u8).min(30), 20),
            // On a small screen the whole name comes before whole words.
            Content::Cell => (98 - (index as u8).min(30), if view.is_narrow() { 12 } else { 16 }),
        };
        let ideal = column.width.max(width(title).min(12)).min(if is_short { WIDEST_SEEN } else { WIDEST });
        let mut head = Head::new(title, ideal, priority).min(least.min(ideal.max(1)));
        if column.is_number || column.kind.is_usage() || column.content == Content::Age {
            head = head.right();
        }
        if is_object {
            // Pods of one template differ at their ends, and begin with whose they are.
            let widest = if view.is_narrow() { WIDEST_OBJECT_NARROW } else { WIDEST_OBJECT };
            head = Head { ideal: ideal.min(widest), ..head.ends() };
        } else if column.content == Content::Cluster {
            head = head.ends();
        } else if column.width > WIDEST {
            head = head.grows();
        }
        let direction = if self.is_reversed { Sort::Descending } else { Sort::Ascending };
        head.sorted((self.sort == Some(index)).then_some(direction))
    }

    /// On a small screen how often it was seen gives way to what the event says: `4m1s` of `4m1s (x3 over 12m)`.
    pub(super) fn is_seen_in_short(&self, view: &View<'_>, column: &Column) -> bool {
        self.rows.are_events() && view.is_narrow() && column.title == "last seen"
    }
}
