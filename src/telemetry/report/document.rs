//! The page, put together.

use super::super::record::RunRecord;
use super::data::Page;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = concat!(include_str!("page/page.css"), include_str!("page/print.css"));

/// The script, in parts: one names what the next uses.
pub(super) const SCRIPTS: [&str; 18] = [
    include_str!("page/dom.js"),
    include_str!("page/format.js"),
    include_str!("page/run.js"),
    include_str!("page/selection.js"),
    include_str!("page/view.js"),
    include_str!("page/head.js"),
    include_str!("page/logs.js"),
    include_str!("page/failures.js"),
    include_str!("page/groups.js"),
    include_str!("page/layout.js"),
    include_str!("page/graph.js"),
    include_str!("page/timeline.js"),
    include_str!("page/table.js"),
    include_str!("page/path.js"),
    include_str!("page/compare.js"),
    include_str!("page/settings.js"),
    include_str!("page/detail.js"),
    include_str!("page/main.js"),
];

/// The whole report. `is_beside` says that it will be in the run's folder, from
/// where it can lead to the report of another run.
pub(super) fn html(record: &RunRecord, is_beside: bool) -> String {
    let data = Page::of(record, is_beside);
    let data = serde_json::to_string(&data).expect("texts, numbers and lists of them are JSON");
    let data = embeddable(&data);
    // Whoever wrote the data could not know it.
    let nonce = uuid::Uuid::now_v7().simple().to_string();
    let script = format!("(() => {{\n\"use strict\";\n{}}})();", SCRIPTS.concat());
    fill(PAGE, |hole| match hole {
        "nonce" => &nonce,
        "style" => STYLE,
        "data" => &data,
        "script" => &script,
        _ => unreachable!("the page has no other holes"),
    })
}

/// `page` with what `fill` gives in the place of each `{{hole}}`, and what is filled
/// in left as it is.
fn fill<'a>(page: &str, fill: impl Fn(&str) -> &'a str) -> String {
    let mut html = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        let (hole, after) = after.split_once("}}").expect("a hole ends");
        html += before;
        html += fill(hole);
        rest = after;
    }
    html + rest
}

/// The same JSON without what could end the element it is in, begin another, or
/// end a line of a script. These characters occur in strings alone, where an escape
/// means the same.
pub(super) fn embeddable(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + json.len() / 16);
    let mut done = 0;
    for (at, character) in json.char_indices() {
        let escape = match character {
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            _ => continue,
        };
        escaped += &json[done..at];
        escaped += escape;
        done = at + character.len_utf8();
    }
    escaped + &json[done..]
}
