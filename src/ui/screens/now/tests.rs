use super::*;
use crate::ui::testing::incident;

#[test]
fn show() {
    let mut world = incident();
    println!("{}", world.drawn(&mut Now::default()).join("\n"));
    world.size = (80, 24);
    println!("{}", world.drawn(&mut Now::default()).join("\n"));
    world.size = (120, 35);
    world.alerts(vec![]);
    println!("{}", world.drawn(&mut Now::default()).join("\n"));
}
