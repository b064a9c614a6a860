//! The README's pictures come from the running program: `MIDWATCH_PICTURES=write cargo test --test pictures` draws them
//! anew. Without that, the test proves that each can be drawn and shows what it is there to show. (Not byte for byte: the
//! demo's world goes on while one looks.)

#[path = "pictures/svg.rs"]
mod svg;
#[allow(dead_code)] // shared with the end-to-end tests, which use more of it
#[path = "e2e/terminal.rs"]
mod terminal;

use std::{num::NonZeroU16, path::Path};

use terminal::Terminal;

/// Larger is no picture for a README.
const LARGEST: usize = 150 * 1024;

/// One picture: the keys that lead to it from the one before, and what must be on it.
struct Picture {
    name: &'static str,
    title: &'static str,
    /// Each with the text that must have gone after it, if any.
    keys: &'static [(&'static str, &'static str)],
    words: &'static [&'static str],
    /// Worth waiting for when it is written.
    best: &'static str,
}

const PICTURES: [Picture; 5] = [
    Picture {
        name: "now",
        title: "Screen Now during the demo's incident: what is broken, why, and what to press",
        keys: &[],
        words: &["HighErrorRate", "roll back to 411", "DEMO", "deploy 411 -> 412"],
        best: "merge",
    },
    Picture {
        name: "kube",
        title: "Screen Kube: workloads and pods, with a stalled rollout",
        keys: &[("3", "")],
        words: &["WORKLOADS", "PODS of deploy/myapp", "CrashLoopBackOff", "FATAL startup"],
        best: "exceeded its progress deadline",
    },
    Picture {
        name: "plan",
        title: "The plan to roll myapp back: its target, its checks, and what must be typed",
        keys: &[("R", "")],
        words: &["ROLL BACK deploy/myapp 412 -> 411", "PRODUCTION", "right suspect", "type 13 or 411"],
        best: "stop deploy #412",
    },
    Picture {
        name: "logs",
        title: "Screen Logs: every pod of myapp merged, in colours of their own",
        keys: &[("\u{1b}", "ROLL BACK"), ("l", "WORKLOADS")],
        words: &["LOGS deploy/myapp", "follow ON", "ERROR"],
        best: "lines/s",
    },
    Picture {
        name: "metrics",
        title: "Screen Metrics: Grafana's panels with the deploy marked",
        keys: &[("6", "")],
        words: &["error rate by version", "p95 latency", "myapp 412"],
        best: "DB connections",
    },
];

#[test]
fn every_picture_of_the_readme_can_be_drawn_from_the_running_program() {
    let is_written = std::env::var("MIDWATCH_PICTURES").is_ok_and(|value| value == "write");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("assets/screens");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let mut screen =
        Terminal::start(&["demo", "--at", "2026-11-21T03:14:00Z", "--seed", "1487", "--theme", "dark"], (120, 35));
    screen.wait("HighErrorRate");
    for picture in &PICTURES {
        for (key, over) in picture.keys {
            screen.keys(key);
            if !over.is_empty() {
                screen.gone(over);
            }
        }
        let is_it = |shown: &str| {
            let is_best = !is_written || shown.contains(picture.best);
            is_best && picture.words.iter().all(|word| shown.contains(word)) && !shown.contains("loading")
        };
        let what = format!("picture '{}' with {:?}", picture.name, picture.words);
        let drawn = screen.look(&what, is_it, |shown| svg::draw(shown, picture.title));
        assert!(drawn.len() < LARGEST, "'{}' has {} bytes", picture.name, drawn.len());
        let file = format!("{}.svg", picture.name);
        assert!(readme.contains(&format!("assets/screens/{file}")), "the README does not show '{file}'");
        if is_written {
            std::fs::write(folder.join(&file), &drawn).expect("written");
        }
        assert!(folder.join(&file).exists(), "'{file}' was never drawn: MIDWATCH_PICTURES=write draws it");
    }
    screen.keys("\u{3}");
    screen.ended(0);
}

#[test]
fn what_a_screen_holds_cannot_break_out_of_its_picture() {
    let cells = |count| NonZeroU16::new(count).expect("at least one");
    let mut parser = vt100::Parser::new(cells(2), cells(60), 0);
    parser.process("<script>alert('a' & \"b\")</script> \u{1b}[1;7mbold\u{1b}[0m\r\n│⣿ 界 x".as_bytes());
    let drawn = svg::draw(parser.screen(), "<&\"'>");
    assert!(!drawn.contains("<script") && !drawn.contains("</script"), "{drawn}");
    assert!(drawn.contains("&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)"), "{drawn}");
    assert!(drawn.contains("<title>&lt;&amp;&quot;&#39;&gt;</title>"), "{drawn}");
    assert!(drawn.contains("font-weight=\"bold\">bold<") && drawn.contains("界 x<"), "{drawn}");
    assert_eq!(drawn.matches("<text").count(), drawn.matches("</text>").count());
}
