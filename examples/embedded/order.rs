//! What a request is for: a basket is priced and reserved, and added up.
//!
//! Nothing here knows of requests, of tokio, or of how its context came here.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use entourage::{CancelToken, Cancelled, Data, ParallelIteratorExt, Pipeline, PipelineError, node};
use opentelemetry::baggage::BaggageExt;
use rayon::prelude::*;

pub(crate) const BASKET: Data<str> = Data::text("basket");
const ITEMS: Data<[Item]> = Data::memory("items");
const PRICES: Data<[u64]> = Data::memory("prices");
const PIECES: Data<u64> = Data::memory("pieces");
pub(crate) const TOTAL: Data<u64> = Data::memory("total");

pub(crate) fn pipeline() -> Result<Pipeline, PipelineError> {
    Pipeline::new([
        node(read_basket).reads(BASKET).writes(ITEMS),
        node(price).reads(ITEMS).writes(PRICES),
        node(reserve).reads(ITEMS).writes(PIECES),
        node(add_up).reads((ITEMS, PRICES, PIECES)).writes(TOTAL),
    ])
}

/// One line of a basket, `17-pen 3`: an article, of the request with that number,
/// and how many of it.
#[derive(Clone)]
pub(crate) struct Item {
    article: String,
    pieces: u64,
}

fn read_basket(basket: &str) -> Result<Vec<Item>, String> {
    let item = |line: &str| {
        let (article, pieces) = line.split_once(' ').unwrap_or((line, ""));
        say(article, "read");
        let pieces = pieces.parse().map_err(|error| format!("`{line}`: {error}"))?;
        Ok(Item { article: article.to_owned(), pieces })
    };
    basket.lines().map(item).collect()
}

fn price(items: &[Item]) -> Result<Vec<u64>, Cancelled> {
    let price = |item: &Item| {
        say(&item.article, "priced");
        if item.article.ends_with("bespoke") {
            // Its maker takes long to answer. Nobody waits here for whom nobody waits.
            let token = CancelToken::current();
            token.wait_for(Duration::from_secs(60));
            token.check()?;
        }
        Ok(price_of(&item.article))
    };
    // Each item may go to another worker.
    items.par_iter().with_max_len(1).in_context().map(price).collect()
}

pub(crate) fn price_of(article: &str) -> u64 {
    100 + article.len() as u64
}

fn reserve(items: &[Item]) -> u64 {
    let reserve = |item: &Item| {
        say(&item.article, "reserved");
        item.pieces
    };
    items.par_iter().with_max_len(1).in_context().map(reserve).sum()
}

fn add_up(items: &[Item], prices: &[u64], pieces: &u64) -> u64 {
    let total = items.iter().zip(prices).map(|(item, price)| item.pieces * price).sum();
    if let Some(item) = items.first() {
        say(&item.article, &format!("{pieces} pieces for {total}"));
    }
    total
}

/// Says something about an article, and for whom: that is in the baggage.
fn say(article: &str, what: &str) {
    let tenant = opentelemetry::Context::map_current(|context| {
        context.baggage().get("tenant").map(ToString::to_string)
    });
    tracing::info!(article, tenant, "{what}");
    *SAID.lock().unwrap().entry(request_of(article)).or_default() += 1;
}

/// How often something was said about the articles of each request. No part of
/// the service: what its log has is compared with this.
pub(crate) static SAID: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());

/// The request that an article belongs to.
pub(crate) fn request_of(article: &str) -> u64 {
    article.split_once('-').and_then(|(number, _)| number.parse().ok()).unwrap_or_default()
}
