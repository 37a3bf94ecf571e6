//! The report, as a person with a browser has it.

use entourage_browser_tests::browser::Browser;
use entourage_browser_tests::runs;
use thirtyfour::Key;

/// A run of some twenty nodes in which one failed, and one the first time; before it
/// one in which all went well.
async fn failed() -> (Browser, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    runs::small(folder.path(), "nightly-41", 0.8, false);
    let report = runs::small(folder.path(), "nightly-42", 1.25, true);
    let browser = Browser::start().await;
    browser.open(&report).await;
    (browser, folder)
}

async fn end(browser: Browser) {
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.end().await;
}

#[tokio::test]
async fn what_failed_comes_first_with_its_cause_and_what_is_left_to_do() {
    let (browser, _folder) = failed().await;
    assert_eq!(browser.page.title().await.unwrap(), "nightly-42 – failed");
    assert!(browser.text(".told").await.starts_with("1 of 21 nodes failed after"));
    let failures = browser.text("#failures").await;
    assert!(browser.count("#failures + section").await == 1, "nothing is before it");
    for part in [
        "1 node failed",
        "score",
        "returned an error",
        "cannot upload the scores of region `overseas`",
        "quota of bucket `scores` exceeded: 50.0 GiB of 50 GiB",
        "Skipped because of it: calibrate, publish.",
        "from_nodes([\"score\"])",
    ] {
        assert!(failures.contains(part), "{part:?} is not in {failures}");
    }
    end(browser).await;
}

#[tokio::test]
async fn a_node_that_failed_has_the_lines_it_said() {
    let (browser, _folder) = failed().await;
    let log = browser.text("#failures .lines").await;
    assert!(log.contains("scored a batch batch=29"), "{log}");
    assert!(log.contains("ERROR the store does not take it batch=30 code=507"), "{log}");
    // The last one is the runner's.
    assert!(log.ends_with("node `score` failed: cannot upload the scores of region `overseas`"));
    assert_eq!(browser.count("#failures .lines li").await, 32);
    end(browser).await;
}

#[tokio::test]
async fn a_click_on_a_node_of_the_graph_shows_all_about_it() {
    let (browser, _folder) = failed().await;
    let node = "#graph .item[aria-label^='fit:']";
    browser.click(node).await;
    let detail = browser.text("#detail").await;
    for part in [
        "fit",
        "done",
        "Tags model",
        "Reads training_json",
        "loaded in",
        "from build_training_set_of_all_the_regions",
        "Writes model_json",
        "saved in",
        "to evaluate, plot, score",
        "Attempts",
        "failed, tried again",
    ] {
        assert!(detail.contains(part), "{part:?} is not in {detail}");
    }
    // Why the first attempt failed is told beside it.
    let attempts = browser.text("#detail [aria-label='Attempts'] tbody tr:first-child").await;
    assert!(attempts.contains("did not converge in 40 iterations"), "{attempts}");
    assert_eq!(browser.find(node).await.attr("aria-pressed").await.unwrap().unwrap(), "true");
    assert_eq!(browser.ask("return location.hash").await, "#node=fit");
    let chosen = browser.find("#nodes tr[data-chosen] button").await;
    assert_eq!(chosen.text().await.unwrap(), "fit");
    end(browser).await;
}

#[tokio::test]
async fn a_click_on_a_bar_of_the_timeline_shows_the_node() {
    let (browser, _folder) = failed().await;
    let frame = browser.find("#timeline .canvas").await;
    frame.scroll_into_view().await.unwrap();
    let at = "
        const { attempts, lanes, run } = JSON.parse(document.getElementById('data').textContent);
        const lane = [...new Set(attempts.lane)].map((lane) => lanes[lane]).sort().indexOf(lanes[attempts.lane[0]]);
        const frame = document.querySelector('#timeline .canvas');
        const box = frame.getBoundingClientRect();
        const time = (attempts.began[0] + attempts.ran[0] / 2) / run.took;
        return [box.left + 1 + 128 + time * (frame.clientWidth - 136), box.top + 1 + 24 + 38 + lane * 26 + 10].map(Math.round)";
    let at: (i64, i64) = serde_json::from_value(browser.ask(at).await).unwrap();
    browser.page.action_chain().move_to(at.0, at.1).click().perform().await.unwrap();
    assert_eq!(browser.text("#detail h2").await, "list_regions");
    end(browser).await;
}

#[tokio::test]
async fn what_attempts_that_failed_took_is_no_work_and_their_stripes_are_explained() {
    let (browser, _folder) = failed().await;
    let legend = browser.text("#timeline .legend").await;
    assert!(legend.contains("attempt that failed and was followed by another"), "{legend}");
    let lost = "
        const { attempts } = JSON.parse(document.getElementById('data').textContent);
        return attempts.ran.filter((_, at) => [2, 5].includes(attempts.outcome[at])).reduce((all, ran) => all + ran, 0)";
    assert!(browser.ask(lost).await.as_u64().unwrap() > 0);
    let keys = browser.text("#timeline .keys").await;
    assert!(keys.contains("attempts that failed "), "{keys}");
    end(browser).await;
}

#[tokio::test]
async fn a_panic_has_its_place_told_once_and_a_path_of_one_node_is_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::panicked(folder.path());
    let browser = Browser::start().await;
    browser.open(&report).await;
    let told = browser.text("#failures .failure > p").await;
    assert!(told.contains("src/runs.rs:"), "{told}");
    let cause = browser.ask("return [...document.querySelectorAll('#failures .failure > p')].map((at) => at.textContent).join(' ')").await;
    assert_eq!(cause.as_str().unwrap().matches("src/runs.rs:").count(), 1, "{cause}");
    let path = browser.text("#path .title p").await;
    assert!(path.starts_with("1 node ran ") && !path.contains("were ready"), "{path}");
    assert!(path.contains("and was ready "), "{path}");
    end(browser).await;
}

#[tokio::test]
async fn sizes_are_counted_in_thousands() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::saved(folder.path(), 1_234_567);
    let browser = Browser::start().await;
    browser.open(&report).await;
    browser.click("#nodes tbody button").await;
    let detail = browser.text("#detail").await;
    assert!(detail.contains("1.23 MB"), "{detail}");
    end(browser).await;
}

#[tokio::test]
async fn a_wait_of_less_than_a_pixel_is_seen_where_it_was_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::short_waits(folder.path());
    let browser = Browser::start().await;
    browser.open(&report).await;
    browser.settle().await;
    // Whether anything is drawn in the lane of those that wait, at a part of the run.
    let drawn = "
        const { run } = JSON.parse(document.getElementById('data').textContent);
        const canvas = document.querySelector('#timeline canvas');
        const wide = document.querySelector('#timeline .canvas').clientWidth - 136;
        const c = canvas.getContext('2d');
        return [0.3e9, 0.77e9, 2.37e9, 3.91e9, 4.63e9].map((time) => {
            const { data } = c.getImageData(Math.round(128 + (time / run.took) * wide) - 2, 40, 5, 1);
            return data.some((part) => part > 0);
        })";
    let drawn: [bool; 5] = serde_json::from_value(browser.ask(drawn).await).unwrap();
    assert_eq!(drawn, [false, true, false, true, false]);
    end(browser).await;
}

#[tokio::test]
async fn the_filter_leaves_what_matches_in_table_and_graph() {
    let (browser, _folder) = failed().await;
    let rows = async || browser.count("#nodes tbody tr[data-node]").await;
    assert_eq!(rows().await, 21);
    browser.click("#filter input").await;
    browser.press("join weather").await;
    assert_eq!(rows().await, 3);
    assert_eq!(browser.text("#filter output").await, "3 of 21");
    assert_eq!(browser.count("#graph .item:not(.faded)").await, 3);
    browser.key(Key::Enter).await;
    assert!(browser.text("#detail h2").await.ends_with("join_weather"));
    browser.key(Key::Escape).await;
    assert_eq!(rows().await, 21);
    browser.click(".states [data-state='6']").await;
    assert_eq!(rows().await, 2);
    browser.click(".states [data-state='6']").await;
    browser.click("#filter option:nth-child(2)").await;
    assert_eq!(browser.text("#filter option:nth-child(2)").await, "ingest (2)");
    assert_eq!(rows().await, 2);
    browser.click("#filter input").await;
    browser.press("nothing is called so").await;
    assert_eq!(browser.text("#nodes .empty").await, "No node matches. Show all");
    browser.click("#nodes .empty button").await;
    assert_eq!(rows().await, 21);
    end(browser).await;
}

#[tokio::test]
async fn a_click_on_a_heading_sorts_the_table() {
    let (browser, _folder) = failed().await;
    let first = async || browser.text("#nodes tbody tr[data-node] button").await;
    assert_eq!(first().await, "list_regions");
    browser.click("#nodes th:nth-child(1) button").await;
    assert_eq!(first().await, "score");
    browser.click("#nodes th:nth-child(2) button").await;
    assert_eq!(first().await, "build_training_set_of_all_the_regions");
    browser.click("#nodes th:nth-child(2) button").await;
    assert_eq!(first().await, "south.join_weather");
    let sorted = browser.find("#nodes th[aria-sort]").await.attr("aria-sort").await.unwrap();
    assert_eq!(sorted.unwrap(), "descending");
    browser.click("#nodes th:nth-child(2) button").await;
    assert_eq!(first().await, "list_regions");
    end(browser).await;
}

#[tokio::test]
async fn graph_and_timeline_zoom_and_fit() {
    let (browser, _folder) = failed().await;
    let scale = async || {
        browser.settle().await;
        let script = "return +/scale\\(([^)]*)/.exec(document.querySelector('#graph svg > g').getAttribute('transform'))[1]";
        browser.ask(script).await.as_f64().unwrap()
    };
    let before = scale().await;
    browser.click("#graph [aria-label^='Zoom into']").await;
    assert!((scale().await / before - 1.5).abs() < 0.01);
    let wheel = "document.querySelector('#graph .canvas').dispatchEvent(new WheelEvent('wheel', { deltaY: -300, ctrlKey: true, cancelable: true, bubbles: true }))";
    let zoomed = scale().await;
    browser.ask(wheel).await;
    assert!(scale().await > zoomed * 1.5);
    browser.click("#graph [aria-label^='Show the whole']").await;
    browser.settle().await;
    let inside = "const frame = document.querySelector('#graph .canvas').getBoundingClientRect();
        return [...document.querySelectorAll('#graph .item')].every((item) => { const box = item.getBoundingClientRect(); return box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom; })";
    assert_eq!(browser.ask(inside).await, true);
    let pixels =
        "const canvas = document.querySelector('#timeline canvas'); return canvas.toDataURL()";
    let whole = browser.ask(pixels).await;
    browser.click("#timeline [aria-label^='Zoom into']").await;
    browser.settle().await;
    assert_ne!(browser.ask(pixels).await, whole);
    browser.click("#timeline [aria-label^='Show the whole']").await;
    browser.settle().await;
    assert_eq!(browser.ask(pixels).await, whole);
    end(browser).await;
}

#[tokio::test]
async fn a_drag_moves_the_graph_and_chooses_nothing() {
    let (browser, _folder) = failed().await;
    browser.find("#graph .tools").await.scroll_into_view().await.unwrap();
    browser.ask("scrollBy(0, 200)").await;
    let node = browser.find("#graph .item[aria-label^='score:'] .box").await;
    let place = async || {
        browser
            .ask("return document.querySelector('#graph svg > g').getAttribute('transform')")
            .await
    };
    browser.settle().await;
    let before = place().await;
    let actions = browser.page.action_chain().move_to_element_center(&node).click_and_hold();
    actions.move_by_offset(-120, 30).release().perform().await.unwrap();
    browser.settle().await;
    assert_ne!(place().await, before);
    assert_eq!(browser.count("#detail:not([hidden])").await, 0);
    end(browser).await;
}

#[tokio::test]
async fn the_keyboard_alone_reaches_everything() {
    let (browser, _folder) = failed().await;
    let focused = async || {
        browser.ask("const at = document.activeElement; return at.getAttribute('aria-label') ?? at.textContent").await
    };
    let said = async || {
        browser.settle().await;
        browser.text("#live").await
    };
    browser.key(Key::Tab).await;
    assert_eq!(focused().await, "Skip to the table of nodes");
    // In the graph it is one node that the tab key comes to: that which failed.
    browser.ask("document.querySelector('#graph .tools button:last-child').focus()").await;
    browser.key(Key::Tab).await;
    assert!(focused().await.as_str().unwrap().starts_with("score: failed"), "{}", focused().await);
    browser.key(Key::Left).await;
    assert!(focused().await.as_str().unwrap().starts_with("fit: done"));
    browser.key(Key::Enter).await;
    assert_eq!(browser.text("#detail h2").await, "fit");
    assert!(said().await.starts_with("fit, done, ran "));
    browser.key(Key::Escape).await;
    assert_eq!(browser.count("#detail:not([hidden])").await, 0);
    assert!(focused().await.as_str().unwrap().starts_with("fit: done"));
    browser.key(Key::Right).await;
    browser.key(Key::Down).await;
    assert_ne!(focused().await, "fit");
    // From there to the timeline, which says what it is at.
    browser.ask("document.querySelector('#timeline .canvas').focus()").await;
    let words = said().await;
    assert!(words.starts_with("fit, on entourage-"), "{words}");
    browser.key(Key::Right).await;
    assert!(said().await.contains(", on entourage-"));
    browser.key(Key::Enter).await;
    assert_eq!(browser.count("#detail:not([hidden])").await, 1);
    browser.key(Key::Escape).await;
    // And in the table arrows go from row to row.
    browser.ask("document.querySelector('#nodes tbody button[tabindex=\"0\"]').focus()").await;
    browser.key(Key::Home).await;
    assert_eq!(focused().await, "list_regions");
    browser.key(Key::Down).await;
    assert_eq!(focused().await, "download");
    browser.key(Key::Enter).await;
    assert_eq!(browser.text("#detail h2").await, "download");
    browser.key(Key::Escape).await;
    assert_eq!(focused().await, "download");
    end(browser).await;
}

#[tokio::test]
async fn an_address_with_a_node_opens_at_it() {
    let (browser, folder) = failed().await;
    let report = folder.path().join("nightly-42/report.html");
    browser.page.goto("about:blank").await.unwrap();
    browser.page.goto(&format!("file://{}#node=north.clean", report.display())).await.unwrap();
    assert_eq!(browser.text("#detail h2").await, "north.clean");
    end(browser).await;
}

#[tokio::test]
async fn the_run_before_is_held_against_this_one() {
    let (browser, folder) = failed().await;
    let compare = browser.text("#compare").await;
    assert!(compare.contains("Another state (3)"), "{compare}");
    assert!(compare.contains("params:features.limit 0.8 1.25"), "{compare}");
    // By a way that does not leave the folder of the runs.
    browser.click("#compare a").await;
    let address = browser.page.current_url().await.unwrap();
    assert_eq!(address.path(), folder.path().join("nightly-41/report.html").to_str().unwrap());
    assert_eq!(browser.page.title().await.unwrap(), "nightly-41 – done");
    end(browser).await;
}

#[tokio::test]
async fn colours_are_those_of_the_system_until_others_are_chosen() {
    let (browser, _folder) = failed().await;
    let paper =
        async || browser.ask("return getComputedStyle(document.body).backgroundColor").await;
    browser.media("prefers-color-scheme", "light").await;
    let light = paper().await;
    browser.media("prefers-color-scheme", "dark").await;
    let dark = paper().await;
    assert_ne!(light, dark);
    browser.click(".themes [data-theme='light']").await;
    assert_eq!(paper().await, light);
    browser.page.refresh().await.unwrap();
    assert_eq!(paper().await, light);
    browser.click(".themes [data-theme='auto']").await;
    assert_eq!(paper().await, dark);
    end(browser).await;
}

#[tokio::test]
async fn a_run_that_was_interrupted_says_so_and_what_was_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let report = runs::interrupted(folder.path(), "nightly-44");
    let browser = Browser::start().await;
    browser.open(&report).await;
    assert!(browser.text("h1").await.contains("interrupted"));
    let told = browser.text("#failures").await;
    assert!(told.contains("Under way at the last event: "), "{told}");
    // What is left is all that is not done, and what that reads is named.
    let left = "
        const { nodes } = JSON.parse(document.getElementById('data').textContent);
        const left = nodes.name.filter((_, node) => ![3, 4].includes(nodes.state[node]));
        return [`${left.length} nodes of 21 are not done.`, `.nodes([${left.map((name) => JSON.stringify(name)).join(', ')}])`]";
    let left: Vec<String> = serde_json::from_value(browser.ask(left).await).unwrap();
    assert!(left.iter().all(|part| told.contains(part)), "{left:?} is not in {told}");
    assert!(told.contains("What was in memory alone went with the process. They read from "));
    // The last event is a start: how long that node ran, nobody knows.
    let running = "
        const { nodes, attempts } = JSON.parse(document.getElementById('data').textContent);
        return nodes.name[attempts.node[attempts.began.indexOf(Math.max(...attempts.began))]]";
    let running = browser.ask(running).await;
    browser.ask(&format!("location.hash = '#node=' + encodeURIComponent({running})")).await;
    browser.settle().await;
    let detail = browser.text("#detail").await;
    assert!(detail.contains("Ran 0 s or more"), "{detail}");
    assert!(browser.text("#timeline .legend").await.contains("interrupted"));
    assert!(browser.text("#nodes").await.contains("interrupted"));
    assert!(browser.count("#head .notice").await > 0);
    end(browser).await;
}

#[tokio::test]
async fn a_run_without_nodes_and_a_run_that_was_refused_are_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let (none, refused) = (runs::no_node(folder.path()), runs::refused(folder.path()));
    let browser = Browser::start().await;
    browser.open(&none).await;
    assert_eq!(browser.text(".told").await, "There was nothing to do.");
    assert_eq!(browser.wrongs().await, [""; 0]);
    browser.open(&refused).await;
    let told = browser.text("#failures").await;
    assert_eq!(told.matches("features.limit").count(), 1, "{told}");
    end(browser).await;
}
