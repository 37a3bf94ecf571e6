//! Clients, all at once, of whom a few do what clients do.

use std::fmt;
use std::net::SocketAddr;

use entourage::{BAGGAGE, Baggage, CancelToken, RUN_ID, TRACE_PARENT, TraceParent, Wire};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::order;
use crate::protocol::{Headers, block_of, write_line};

/// What a client is up to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Orderly,
    Failing,
    Leaving,
    Malformed,
    Late,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orderly => "wants its total",
            Self::Failing => "orders `many` of something",
            Self::Leaving => "hangs up when its run is at work",
            Self::Malformed => "has a `traceparent` that is none",
            Self::Late => "is at it when the service is to end",
        })
    }
}

/// Who it is.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
}

const ARTICLES: [&str; 6] = ["pen", "ink", "paper", "sand", "wax", "seal"];

impl Client {
    pub(crate) fn run_id(&self) -> String {
        format!("order-{}", self.number)
    }

    pub(crate) fn tenant(&self) -> String {
        format!("shop {}", self.number)
    }

    pub(crate) fn trace_id(&self) -> u128 {
        0xfeed_0000_0000_0000_0000_0000_0000_0000 + u128::from(self.number)
    }

    /// Each its own, and no two alike.
    fn items(&self) -> Vec<(String, u64)> {
        let item = |(at, article): (usize, &&str)| {
            (format!("{}-{article}", self.number), 1 + self.number % 7 + at as u64)
        };
        ARTICLES.iter().enumerate().map(item).collect()
    }

    fn headers(&self, wire: &Wire) -> Result<Headers, Box<dyn std::error::Error + Send + Sync>> {
        let mut headers = Headers::new();
        let parent = TraceParent::new(self.trace_id(), self.number, true);
        let baggage = Baggage::default().set("tenant", &self.tenant())?;
        let inject = || wire.inject(&wire.capture(), &mut headers);
        let inject = || RUN_ID.scope(self.run_id().into(), inject);
        let inject = || BAGGAGE.scope(baggage, inject);
        TRACE_PARENT.scope(parent.ok_or("no trace has the number 0")?, inject)?;
        if self.kind == Kind::Malformed {
            headers.retain(|(name, _)| name != "traceparent");
            headers.push(("traceparent".to_owned(), "none".to_owned()));
        }
        Ok(headers)
    }

    fn basket(&self) -> String {
        let mut basket: String =
            self.items().iter().map(|(article, pieces)| format!("{article} {pieces}\n")).collect();
        match self.kind {
            Kind::Failing => basket += &format!("{}-quill many\n", self.number),
            Kind::Leaving => basket += &format!("{}-bespoke 1\n", self.number),
            _ => {}
        }
        basket
    }

    /// What the last line of the answer has to be, or begin with.
    pub(crate) fn expected(&self) -> String {
        let total =
            self.items().iter().map(|(article, n)| n * order::price_of(article)).sum::<u64>();
        match self.kind {
            Kind::Orderly | Kind::Late => format!("total {total}"),
            Kind::Failing => "failed: node `read_basket`".to_owned(),
            Kind::Leaving => "started price".to_owned(),
            Kind::Malformed => "refused: ".to_owned(),
        }
    }

    /// The last line of the service's answer, or of what the client stayed for.
    pub(crate) async fn ask(
        self,
        service: SocketAddr,
        wire: Wire,
        shutdown: CancelToken,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let (reader, mut writer) = TcpStream::connect(service).await?.into_split();
        let mut lines = BufReader::new(reader).lines();
        write_line(&mut writer, &block_of(&self.headers(&wire)?)).await?;
        let accepted = lines.next_line().await?;
        if accepted.as_deref() != Some("accepted") {
            return Err(format!("expected `accepted`, found {accepted:?}").into());
        }
        if self.kind == Kind::Late {
            shutdown.cancel();
        }
        writer.write_all(format!("{}\n", self.basket()).as_bytes()).await?;
        let mut last = String::new();
        while let Some(line) = lines.next_line().await? {
            last = line;
            if self.kind == Kind::Leaving && last == self.expected() {
                break;
            }
        }
        Ok(last)
    }
}
