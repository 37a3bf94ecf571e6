//! Reports of very many nodes.

use std::fs;

use entourage_browser_tests::browser::Browser;
use entourage_browser_tests::runs;

#[tokio::test]
async fn ten_thousand_nodes_are_at_most_five_megabytes_and_answer_a_click_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::large(folder.path(), "all-shards", 50);
    let size = fs::metadata(&report).unwrap().len();
    assert!(size <= 5_000_000, "{size} bytes");
    let browser = Browser::start().await;
    let mut best = f64::MAX;
    // The machine may be busy with something else: the best of three.
    for _ in 0..3 {
        browser.page.goto("about:blank").await.unwrap();
        browser.open(&report).await;
        browser.click("#failures h3 button").await;
        assert_eq!(browser.text("#detail h2").await, "shard_005.step_120");
        let taken = browser.ask("return performance.now()").await.as_f64().unwrap();
        best = best.min(taken);
    }
    println!("{size} bytes, a click is answered after {best:.0} ms");
    assert!(best < 2_000.0, "{best} ms");
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.end().await;
}

#[tokio::test]
async fn groups_open_into_groups_and_nodes_and_lead_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::large(folder.path(), "all-shards", 50);
    let browser = Browser::start().await;
    browser.open(&report).await;
    assert_eq!(browser.count("#graph .item").await, 50);
    assert!(browser.text("#graph .title").await.contains("too many to draw at once"));
    browser.click("#graph [aria-label^='Show the whole']").await;
    browser.click("#graph .item[aria-label^='Group shard_005, 200 nodes: 1 failed']").await;
    assert_eq!(browser.count("#graph .item[aria-label^='shard_005.']").await, 200);
    assert!(browser.count("#graph .item.ghost").await > 0);
    assert_eq!(browser.text("#graph .crumbs").await, "All nodes shard_005");
    browser.click("#graph .crumbs button").await;
    assert_eq!(browser.count("#graph .item").await, 50);
    // What is chosen elsewhere is seen in its group.
    browser.click("#filter input").await;
    browser.press("shard_031.step_199").await;
    browser.key(thirtyfour::Key::Enter).await;
    assert_eq!(browser.count("#graph .item[aria-pressed='true']").await, 1);
    assert_eq!(browser.text("#graph .crumbs").await, "All nodes shard_031");
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.end().await;
}

#[tokio::test]
async fn the_table_of_many_nodes_has_the_rows_in_sight() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::large(folder.path(), "all-shards", 50);
    let browser = Browser::start().await;
    browser.open(&report).await;
    assert!(browser.count("#nodes tbody tr").await < 100);
    let rows = browser.find("#nodes table").await.attr("aria-rowcount").await.unwrap();
    assert_eq!(rows.unwrap(), "10001");
    browser.ask("document.querySelector('#nodes tbody button').focus()").await;
    browser.key(thirtyfour::Key::End).await;
    browser.settle().await;
    let last = browser
        .ask("return document.activeElement.closest('tr').getAttribute('aria-rowindex')")
        .await;
    assert_eq!(last, "10001");
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.end().await;
}

#[tokio::test]
async fn a_hundred_thousand_nodes_open() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::large(folder.path(), "all-shards", 500);
    let browser = Browser::start().await;
    browser.open(&report).await;
    let taken = browser.ask("return performance.now()").await;
    println!("{} bytes, opened after {taken} ms", fs::metadata(&report).unwrap().len());
    assert!(browser.text(".told").await.contains("of 100,000 nodes failed"));
    browser.click("#failures h3 button").await;
    assert_eq!(browser.text("#detail h2").await, "shard_005.step_120");
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.end().await;
}
