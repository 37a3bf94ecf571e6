//! The report for those who do not see it, or not well.

use entourage_browser_tests::browser::Browser;
use entourage_browser_tests::runs;
use serde_json::{Value, json};

async fn failed() -> (Browser, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    runs::small(folder.path(), "nightly-41", 0.8, false);
    let report = runs::small(folder.path(), "nightly-42", 1.25, true);
    let browser = Browser::start().await;
    browser.open(&report).await;
    browser.click("#failures h3 button").await;
    (browser, folder)
}

/// What a screen reader is given: role and name of each thing.
async fn tree(browser: &Browser) -> Vec<(String, String)> {
    let tree = browser.tell("Accessibility.getFullAXTree", json!({})).await;
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let seen = nodes.filter(|node| node["ignored"] != true);
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    seen.map(|node| (text(&node["role"]), text(&node["name"]))).collect()
}

#[tokio::test]
async fn everything_that_can_be_used_has_a_name_and_the_page_has_landmarks() {
    let (browser, _folder) = failed().await;
    let tree = tree(&browser).await;
    let used = ["button", "link", "searchbox", "combobox", "table", "region", "application"];
    for (role, name) in &tree {
        assert!(!used.contains(&&**role) || !name.is_empty(), "a {role} has no name");
    }
    let has = |role: &str, name: &str| tree.iter().any(|(r, n)| r == role && n.starts_with(name));
    for (role, name) in [
        ("banner", ""),
        ("navigation", "Sections and filter"),
        ("main", ""),
        ("search", "Nodes"),
        ("complementary", "score"),
        ("contentinfo", ""),
        ("heading", "nightly-42"),
        ("heading", "1 node failed"),
        ("heading", "Graph"),
        ("heading", "Critical path"),
        ("region", "Timeline"),
        ("application", "Timeline of 20 attempts on "),
        ("button", "score: failed, ran "),
        ("columnheader", "Ran"),
        ("status", ""),
    ] {
        assert!(has(role, name), "there is no {role} {name:?}");
    }
    browser.end().await;
}

#[tokio::test]
async fn the_tab_key_comes_to_few_places_and_each_shows_the_focus() {
    let (browser, _folder) = failed().await;
    // Of the graph and of the table one each.
    let stops = "return document.querySelectorAll('#graph .item[tabindex=\"0\"]').length + ' ' + document.querySelectorAll('#nodes tbody button[tabindex=\"0\"]').length";
    assert_eq!(browser.ask(stops).await, "1 1");
    browser.ask("document.activeElement.blur(); scrollTo(0, 0)").await;
    for _ in 0..40 {
        browser.key(thirtyfour::Key::Tab).await;
        let seen = browser
            .ask(
                "
            const at = document.activeElement;
            if (at === document.body) return true;
            const ring = at.querySelector(':scope > .ring');
            const style = getComputedStyle(ring ?? at);
            return ring === null ? style.outlineStyle !== 'none' : style.stroke !== 'none'",
            )
            .await;
        assert_eq!(seen, true, "{}", browser.ask("return document.activeElement.outerHTML").await);
    }
    browser.end().await;
}

/// Each text that is seen, with its contrast against what is behind it, where that is
/// less than what WCAG asks for at level AA.
const FAINT: &str = r"
    const numbers = (colour) => { const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true }); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1); return [...probe.getImageData(0, 0, 1, 1).data]; };
    const light = (rgb) => { const [r, g, b] = rgb.map((part) => { part /= 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const behind = (element) => {
        for (let at = element; at !== null; at = at.parentElement) {
            const style = getComputedStyle(at);
            const fill = at instanceof SVGElement ? getComputedStyle(at.querySelector(':scope > .box') ?? at).fill : null;
            if (fill !== null && at.querySelector(':scope > .box') !== null && numbers(fill)[3] === 255) return numbers(fill).slice(0, 3);
            if (numbers(style.backgroundColor)[3] === 255) return numbers(style.backgroundColor).slice(0, 3);
        }
        return [255, 255, 255];
    };
    const faint = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (walk.currentNode.textContent.trim() === '' || element.closest('script, noscript, title, [hidden], .skip, #live, .ghost') !== null) continue;
        const style = getComputedStyle(element);
        if (style.display === 'none' || style.visibility === 'hidden') continue;
        const colour = numbers(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
        const [a, b] = [light(colour), light(behind(element))].sort((a, b) => b - a);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < 4.5) faint.push(walk.currentNode.textContent.slice(0, 30) + ': ' + contrast.toFixed(2));
    }
    return faint";

#[tokio::test]
async fn texts_are_dark_enough_against_what_is_behind_them() {
    let (browser, _folder) = failed().await;
    for theme in ["light", "dark"] {
        browser.click(&format!(".themes [data-theme='{theme}']")).await;
        assert_eq!(browser.ask(FAINT).await, json!([]), "{theme}");
    }
    browser.end().await;
}

#[tokio::test]
async fn a_narrow_window_shows_all_without_scrolling_sideways() {
    let (browser, _folder) = failed().await;
    for width in [320, 360, 720, 1100] {
        browser.size(width, 800).await;
        browser.settle().await;
        let wide = browser.ask("return document.documentElement.scrollWidth").await;
        assert!(
            wide.as_u64().unwrap() <= u64::from(width),
            "{wide} of {width}: {}",
            browser.out().await
        );
    }
    browser.end().await;
}

#[tokio::test]
async fn a_state_is_told_by_a_word_and_a_shape() {
    let (browser, _folder) = failed().await;
    let shapes = "return [...document.querySelectorAll('#nodes .state')].every((state) => state.querySelector('use') !== null && state.textContent !== '')";
    assert_eq!(browser.ask(shapes).await, true);
    browser.end().await;
}

#[tokio::test]
async fn nothing_moves_by_itself_for_those_who_do_not_want_it() {
    let (browser, _folder) = failed().await;
    let moving = "return [getComputedStyle(document.documentElement).scrollBehavior, document.getAnimations().length].join(' ')";
    assert_eq!(browser.ask(moving).await, "auto 0");
    browser.end().await;
}

#[tokio::test]
async fn it_can_be_printed() {
    let (browser, _folder) = failed().await;
    let printed = browser.tell("Page.printToPDF", json!({ "printBackground": true })).await;
    assert!(printed["data"].as_str().unwrap().len() > 20_000);
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.end().await;
}
