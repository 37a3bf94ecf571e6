use std::error::Error;
use std::fmt;

use proptest::prelude::*;
use serde_json::json;

use super::{FormatError, HIDDEN, Secrets};

fn secrets(texts: &[&str]) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add(&json!(texts));
    secrets
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn secret_is_hidden_however_it_is_written() {
    let hard = "pä\"ss\\ w/o%r\nd";
    let secrets = secrets(&[hard]);
    let some_encoded = "p%C3%A4%22ss%5C+w%2Fo%25r%0Ad";
    let ways = [
        hard.to_owned(),
        percent_encoded(hard),
        percent_encoded(hard).to_lowercase(),
        percent_encoded(hard).replace('%', "%25"),
        some_encoded.to_owned(),
        json!(hard).to_string(),
        json!(json!(hard).to_string()).to_string(),
        format!("{hard:?}"),
        format!("{:?}", format!("{hard:?}")),
        hard.escape_default().to_string(),
    ];
    for way in ways {
        let told = secrets.hide(&format!("to ftp://me:{way}@host"));
        assert!(told.contains(HIDDEN) && !told.contains("ss"), "{way}: {told}");
        assert!(told.starts_with("to ftp://me:") && told.ends_with("@host"), "{way}: {told}");
    }
}

#[test]
fn longer_secret_goes_before_one_that_it_begins_with() {
    let told = secrets(&["abc", "abcdef"]).hide("abcdefg abcd");
    assert_eq!(told, "***g ***d");
}

#[test]
fn numbers_are_secrets_and_what_is_shorter_than_three_characters_is_not() {
    let mut secrets = secrets(&["ab", ""]);
    secrets.add(&json!({"pin": 1234, "on": true, "none": null}));
    assert_eq!(secrets.hide("ab 1234 true null"), "ab *** true null");
}

/// Says one thing to people and another to developers.
#[derive(Debug)]
#[expect(dead_code, reason = "read by `Debug`")]
struct Told(&'static str);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it did not work")
    }
}

impl Error for Told {}

#[test]
fn error_is_kept_unless_it_gives_a_secret_away() {
    let secrets = secrets(&["hunter2"]);
    let source = |text| {
        let error = FormatError::caused("no hunter2", Told(text));
        let (message, source) = secrets.hide_in(error).into_parts();
        assert_eq!(message, "no ***");
        source.unwrap()
    };
    assert!(source("nothing").is::<Told>());
    let censored = source("hunter2");
    assert!(!censored.is::<Told>());
    assert_eq!(censored.to_string(), "it did not work");
    assert!(!format!("{censored:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn nothing_else_is_changed_and_nothing_hidden_remains(
        secret in "[a-z\"\\\\%/ \n]{3,8}",
        before in "[A-Z]{0,4}",
        after in "[A-Z]{0,4}",
    ) {
        prop_assume!(secret.trim().chars().count() >= 3);
        let secret = secret.trim();
        let secrets = secrets(&[secret]);
        for way in [secret.to_owned(), percent_encoded(secret), format!("{secret:?}")] {
            let told = secrets.hide(&format!("{before}{way}{after}"));
            prop_assert!(told.starts_with(&before) && told.ends_with(&after));
            prop_assert!(told.contains(HIDDEN) && !told.contains(&way), "{} {}", way, told);
        }
    }
}
