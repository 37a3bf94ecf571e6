//! Secrets stay out of what a store says.

use super::super::stores::StorageOptions;
use super::{secrets_hidden, unhappy};

fn options() -> StorageOptions {
    let mut options = StorageOptions::default();
    for (name, value) in
        [("aws_secret_access_key", "s/e\"c+r=t"), ("aws_region", "mars-1"), ("token", "hunter2")]
    {
        options.set(name.to_owned(), value.to_owned());
    }
    options
}

#[test]
fn values_of_options_are_hidden_plain_encoded_and_escaped() {
    let what = "s/e\"c+r=t and s%2Fe%22c%2Br%3Dt and s/e\\\"c+r=t and hunter2 in mars-1";
    assert_eq!(secrets_hidden(&options(), what), "… and … and … and … in mars-1");
    assert_eq!(format!("{:?}", options()), r#"{"aws_region", "aws_secret_access_key", "token"}"#);
}

#[test]
fn cause_that_shows_a_secret_is_not_kept() {
    use std::error::Error;
    let error = |source: &'static str| {
        let source = source.into();
        unhappy(&options(), object_store::Error::Generic { store: "cloud", source })
    };
    let shown = error("401 for https://cloud/?sig=hunter2");
    assert_eq!(shown.to_string(), "Generic cloud error: 401 for https://cloud/?sig=…");
    assert!(shown.source().is_none());
    assert!(error("500").source().is_some());
}
