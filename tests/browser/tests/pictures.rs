//! Pictures of reports, for people to look at: light and dark, wide and narrow.

use entourage_browser_tests::browser::Browser;
use entourage_browser_tests::runs;

#[tokio::test]
async fn every_report_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    runs::small(&at("nightly"), "nightly-41", 0.8, false);
    let reports = [
        ("refused", runs::refused(&at("refused"))),
        ("failed", runs::small(&at("nightly"), "nightly-42", 1.25, true)),
        ("done", runs::small(&at("nightly"), "nightly-43", 1.25, false)),
        ("interrupted", runs::interrupted(&at("killed"), "nightly-44")),
        ("large", runs::large(&at("large"), "all-shards", 50)),
        ("one", runs::one_node(&at("one"))),
        ("none", runs::no_node(&at("none"))),
    ];
    eprintln!("made");
    let browser = Browser::start().await;
    for theme in ["light", "dark"] {
        browser.media("prefers-color-scheme", theme).await;
        for (width, shape) in [(1440, "wide"), (360, "narrow")] {
            browser.size(width, 900).await;
            for (name, report) in &reports {
                browser.open(report).await;
                browser.picture(&format!("{name}-{theme}-{shape}")).await;
                assert_eq!(browser.wrongs().await, [""; 0], "{name}");
            }
        }
    }
    for (width, shape) in [(1440, "wide"), (360, "narrow")] {
        browser.size(width, 900).await;
        browser.open(&reports[1].1).await;
        browser.click(".failure h3 button").await;
        browser.ask("document.getElementById('graph').scrollIntoView()").await;
        browser.view(&format!("chosen-dark-{shape}")).await;
    }
    browser.end().await;
}
