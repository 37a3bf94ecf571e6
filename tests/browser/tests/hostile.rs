//! Whatever a run is called and says: it is text.

use entourage_browser_tests::browser::Browser;
use entourage_browser_tests::runs::{self, HOSTILE};

#[tokio::test]
async fn nothing_of_a_run_runs_or_becomes_an_element() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::hostile(folder.path());
    let browser = Browser::start().await;
    browser.open(&report).await;
    for button in ["#failures h3 button", "#nodes tbody tr:last-child button", "#graph .item"] {
        browser.click(button).await;
        assert_eq!(browser.count("img, iframe, object, embed, a[href^='javascript']").await, 0);
        assert_eq!(browser.count("body script").await, 2);
        assert_eq!(browser.count("[onerror], [onload], [style*='url']").await, 0);
    }
    browser.settle().await;
    assert_eq!(browser.wrongs().await, [""; 0]);
    // It is all there, and what would turn the text around is seen.
    let shown = HOSTILE.replace('\u{202e}', "\\u{202e}");
    for place in ["h1", "#failures .message", "#nodes tbody", "#parameters", "#detail"] {
        let text =
            browser.ask(&format!("return document.querySelector({place:?}).textContent")).await;
        assert!(text.as_str().unwrap().contains(&shown), "{place}: {text}");
    }
    browser.end().await;
}

#[tokio::test]
async fn names_without_measure_push_nothing_out_of_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::hostile(folder.path());
    let browser = Browser::start().await;
    for width in [1440, 800, 360] {
        browser.size(width, 900).await;
        browser.open(&report).await;
        browser.click("#failures h3 button").await;
        let wide = browser.ask("return document.documentElement.scrollWidth").await;
        assert!(
            wide.as_u64().unwrap() <= u64::from(width),
            "{wide} of {width}: {}",
            browser.out().await
        );
    }
    browser.end().await;
}
