//! Credentials: where entries get them from, and that nothing printable shows
//! them.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/events.rs"]
mod events;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, CatalogBuilder, Data, Dataset, DatasetError, Pipeline, RunError, RunOptions, Secret,
    node,
};
use events::Events;
use pipelines::{Folder, with_each_runner};
use serde::Deserialize;

type BoxError = Box<dyn Error + Send + Sync>;

const PAGE: Data<str> = Data::text("page");
/// Hard to hide: each of its characters is written in another way somewhere.
const TOKEN: &str = "s3cr\"et/ to\\ken%é";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    url: String,
    #[serde(default)]
    fails: String,
    login: Login,
}

#[derive(Debug, Deserialize)]
struct Login {
    credentials: Keys,
}

#[derive(Debug, Deserialize)]
struct Keys {
    user: String,
    token: Secret,
    #[serde(default)]
    port: u16,
}

/// A dataset that tells all it knows, in every way there is.
#[derive(Debug)]
struct Page(Options);

#[derive(Debug)]
struct Leak {
    #[expect(dead_code, reason = "read by `Debug`")]
    token: String,
    shown: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Error for Leak {}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

impl Page {
    fn tells(&self, doing: &str) -> Result<(), BoxError> {
        let token = self.0.login.credentials.token.expose();
        let json = serde_json::json!({ "token": token });
        let shown =
            format!("{doing}: https://{}@{} {json} {token:?} {token}", encoded(token), self.0.url);
        match self.0.fails.as_str() {
            "panics" if doing != "exists" => panic!("{shown}"),
            "says" => Err(Leak { token: token.to_owned(), shown }.into()),
            "debugs" => Err(Leak { token: token.to_owned(), shown: "no".to_owned() }.into()),
            fails if fails == doing => Err(shown.into()),
            _ => Ok(()),
        }
    }
}

impl Dataset<str> for Page {
    fn load(&self) -> Result<String, BoxError> {
        self.tells("load")?;
        let Keys { user, token, port } = &self.0.login.credentials;
        Ok(format!("{user}:{}:{port}", token.expose()))
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        self.tells("save")
    }

    fn exists(&self) -> Result<bool, BoxError> {
        if self.0.fails != "says" && self.0.fails != "debugs" {
            self.tells("exists")?;
        }
        Ok(true)
    }

    fn release(&self) -> Result<(), BoxError> {
        self.tells("release")
    }

    fn confirm(&self) -> Result<(), BoxError> {
        self.tells("confirm")
    }

    fn describe(&self) -> Option<String> {
        Some(format!("{} with {}", self.0.url, self.0.login.credentials.token.expose()))
    }
}

fn page(options: Options) -> Result<Page, String> {
    match options.fails.as_str() {
        "making" => Err(format!("cannot use {:?}", options.login.credentials.token.expose())),
        "making panics" => panic!("cannot use {}", options.login.credentials.token.expose()),
        _ => Ok(Page(options)),
    }
}

fn builder(folder: &Folder, fails: &str) -> CatalogBuilder {
    let yaml = format!(
        "page:\n  type: my.page\n  url: example.org\n  fails: {fails}\n  login:\n    \
         credentials: web\n'{{name}}_page':\n  type: my.page\n  url: '{{name}}.org'\n  \
         fails: {fails}\n  login: {{credentials: web}}\n"
    );
    let credentials = format!(
        "web:\n  user: reader\n  token: '{TOKEN}'\n  port: 8443\nother: {{token: unused-secret}}\n"
    );
    Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .credentials_file(folder.write("credentials.yml", credentials))
        .dataset_type("my.page", page)
}

/// Fails if `shown` has the token, or half of it, in any of the ways to write it.
fn clean(shown: &str) {
    let half = TOKEN.split_at(5).0;
    let ways = [
        TOKEN.to_owned(),
        encoded(TOKEN),
        encoded(TOKEN).to_uppercase(),
        format!("{TOKEN:?}"),
        serde_json::json!(TOKEN).to_string(),
        TOKEN.escape_default().to_string(),
        half.to_owned(),
        encoded(half),
        "8443".to_owned(),
        "unused-secret".to_owned(),
    ];
    for way in ways {
        assert!(!shown.contains(&way), "{way} is in {shown}");
    }
}

/// Everything that a person may come to see of an error.
fn shown(error: &(dyn Error + 'static)) -> String {
    let mut shown = String::new();
    let mut at = Some(error);
    while let Some(error) = at {
        shown.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        at = error.source();
    }
    shown
}

fn shown_by_run(error: &RunError) -> String {
    let failures: Vec<_> = error.failures().map(|failure| shown(failure)).collect();
    format!("{}{}{:?}", shown(error), failures.join(""), error.report())
}

#[test]
fn credentials_take_the_place_of_their_name_at_any_depth() {
    let folder = Folder::new();
    let catalog = builder(&folder, "no").build().unwrap();
    let expected = format!("reader:{TOKEN}:8443");
    assert_eq!(*catalog.load(&PAGE).unwrap(), expected);
    assert_eq!(*catalog.load(&PAGE.named("news_page")).unwrap(), expected);
}

#[test]
fn credentials_are_given_by_the_program_too() {
    let folder = Folder::new();
    let yaml = "page: {type: my.page, url: u, login: {credentials: web}}\n";
    let keys = BTreeMap::from([("user", "me"), ("token", "abc123")]);
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .credentials("web", keys)
        .dataset_type("my.page", page)
        .build()
        .unwrap();
    assert_eq!(*catalog.load(&PAGE).unwrap(), "me:abc123:0");
}

#[test]
fn missing_credentials_are_told_with_their_place_before_anything_runs() {
    let folder = Folder::new();
    let yaml = "one: {type: my.page, url: u, login: {credentials: wab}}\n\
                '{name}_page':\n  type: my.page\n  url: u\n  login:\n    credentials: nobody\n\
                '{name}_open': {type: my.page, url: u, login: {credentials: '{name}'}}\n\
                three: {type: my.page, url: u, login: {credentials: 3}}\n";
    let path = folder.write("catalog.yml", yaml);
    let builder = || Catalog::builder().yaml_file(&path).dataset_type("my.page", page);
    let keys = BTreeMap::from([("user", "me"), ("token", "abc123")]);
    let error = builder().credentials("web", &keys).build().unwrap_err();
    let place = path.display().to_string();
    let told = error.problems().iter().map(|told| told.replace(&place, "catalog.yml"));
    let expected = [
        "catalog.yml:1: dataset `one`: there are no credentials `wab` (known: `web`)",
        "catalog.yml:8: dataset `three`: `credentials` is to be the name of credentials, or a map",
        "catalog.yml:6: dataset `{name}_page`: there are no credentials `nobody` (known: `web`)",
    ];
    let told: Vec<_> = told.filter(|told| told.contains("credentials")).collect();
    assert_eq!(told, expected);

    let yaml = "'{name}_open': {type: my.page, url: u, login: {credentials: '{name}'}}\n";
    let path = folder.write("catalog.yml", yaml);
    let catalog = Catalog::builder()
        .yaml_file(&path)
        .credentials("web", keys)
        .dataset_type("my.page", page)
        .build()
        .unwrap();
    assert_eq!(*catalog.load(&PAGE.named("web_open")).unwrap(), "me:abc123:0");
    let told = catalog.load(&PAGE.named("wub_open")).unwrap_err().to_string();
    assert!(told.contains("there are no credentials `wub` (known: `web`)"), "{told}");
}

#[test]
fn nothing_that_can_be_printed_shows_them() {
    for fails in ["no", "says", "debugs", "panics", "load", "save", "exists", "release", "confirm"]
    {
        let folder = Folder::new();
        let builder = builder(&folder, fails);
        clean(&format!("{builder:?} {builder:#?}"));
        let catalog = builder.build().unwrap();
        clean(&format!("{catalog:?} {catalog:#?}"));
        for name in ["page", "news_page"] {
            let described = catalog.describe(name).unwrap();
            assert!(described.to_string().contains("***"), "{described}");
            clean(&format!("{described} {described:?} {described:#?}"));
            let page = PAGE.named(name);
            let errors = [
                catalog.exists(name).map(drop),
                caught(|| catalog.load(&page).map(drop)),
                caught(|| catalog.save(&page, String::new())),
                caught(|| catalog.release(name)),
                caught(|| catalog.confirm(name)),
            ];
            for error in errors.iter().filter_map(|outcome| outcome.as_ref().err()) {
                clean(&shown(error));
            }
        }
        let count = |text: &str| text.len();
        let pipeline = Pipeline::new([
            node(count).reads(PAGE).writes(Data::<usize>::memory("n")).named("count"),
            node(String::new).reads(()).writes(PAGE.named("news_page")).named("write"),
        ])
        .unwrap();
        with_each_runner(|runner| {
            let events = Events::default();
            let options = RunOptions::new().keep_going().listener(events.clone());
            let (log, outcome) = logged(|| runner.run(&pipeline, &catalog, options));
            clean(&log);
            let told = format!("{:?}", events.all());
            clean(&told);
            if fails == "load" || fails == "save" || fails == "panics" {
                assert!(told.contains("***"), "{told}");
            }
            match outcome {
                Ok(report) => clean(&format!("{report:?}")),
                Err(error) => clean(&shown_by_run(&error)),
            }
        });
    }
}

/// Catches a panic, as a runner does, and looks at what it says.
fn caught(f: impl FnOnce() -> Result<(), DatasetError>) -> Result<(), DatasetError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        clean(payload.downcast_ref::<String>().unwrap());
        Ok(())
    })
}

/// What is logged while `f` runs, with every field.
fn logged<R>(f: impl FnOnce() -> R) -> (String, R) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let outcome = tracing::subscriber::with_default(subscriber, f);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (log, outcome)
}

#[test]
fn what_cannot_be_made_does_not_show_them_either() {
    for fails in ["making", "making panics"] {
        let folder = Folder::new();
        let error = builder(&folder, fails).build().unwrap_err();
        clean(&shown(&error));
        assert!(error.to_string().contains("cannot use") && error.to_string().contains("***"));
    }
}

#[test]
fn option_of_the_wrong_type_among_credentials_does_not_show_them() {
    let folder = Folder::new();
    let yaml = "page: {type: my.page, url: u, login: {credentials: web}}\n\
                '{n}_page': {type: my.page, url: u, login: {credentials: web}}\n\
                file: {type: csv, path: a, delimiter: {credentials: web}}\n";
    let credentials = format!("web: {{user: me, token: x, port: '{TOKEN}'}}\n");
    let error = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .credentials_file(folder.write("credentials.yml", credentials))
        .dataset_type("my.page", page)
        .build()
        .unwrap_err();
    clean(&shown(&error));
    assert_eq!(error.problems().len(), 3, "{error}");
    let told = &error.problems()[0];
    assert!(told.contains(":1: dataset `page`: `login.credentials.port`: "), "{told}");
    assert!(told.contains("***") && told.contains("expected u16"), "{told}");
}

#[test]
fn credentials_written_into_the_catalog_are_hidden_all_the_same() {
    let folder = Folder::new();
    let yaml = format!(
        "page:\n  type: my.page\n  url: u\n  fails: load\n  login:\n    \
         credentials: {{user: me, token: '{TOKEN}'}}\n"
    );
    let catalog = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .dataset_type("my.page", page)
        .build()
        .unwrap();
    clean(&shown(&catalog.load(&PAGE).unwrap_err()));
}

#[test]
fn credentials_given_twice_are_told_with_both_places_and_not_shown() {
    let folder = Folder::new();
    let one = folder.write("one.yml", format!("\nweb: {{token: '{TOKEN}'}}\n"));
    let builder = Catalog::builder().credentials_file(&one).credentials("web", TOKEN);
    let error = builder.build().unwrap_err();
    let place = one.display();
    let expected =
        format!("the credentials `web` are given twice: in {place}:2 and in the program");
    assert_eq!(error.problems(), [expected]);
}

#[test]
fn credentials_file_of_the_wrong_form_does_not_show_what_is_in_it() {
    let folder = Folder::new();
    let cases = [
        ("topsecret", "1: expected a map of names"),
        ("[topsecret]", "1: expected a map of names"),
        ("web:\n  token: !topsecret x", "2: this tag is not known: a text that begins with `!`"),
        ("web:\n  <<: topsecret", "2: `<<` takes a map"),
        ("web: {token: 'topsecret", "1: this is not YAML"),
        ("web: {token: *topsecret}", "1: this is not YAML"),
        ("web: !!int topsecret", "1: the value is not what its tag says"),
        ("web: {token: '${topsecret}'}", "1: credentials `web`: an unknown variable"),
        ("web: .inf", "1: this is not a finite number"),
    ];
    for (text, expected) in cases {
        let file = folder.write("credentials.yml", text);
        let error = Catalog::builder().credentials_file(file).build().unwrap_err();
        let told = &error.problems()[0];
        assert!(told.contains(&format!("credentials.yml:{expected}")), "{told}");
        assert!(!told.contains("topsecret") && !told.contains("inf"), "{told}");
    }
}

/// Says what it is not, and shows it.
#[derive(Debug)]
struct Even;

impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(from)?;
        match number % 2 {
            0 => Ok(Self),
            _ => Err(serde::de::Error::custom(format!("{number} is odd"))),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Short {
    credentials: ShortKeys,
    #[serde(default, rename = "size")]
    _size: u8,
}

#[derive(Debug, Deserialize)]
struct ShortKeys {
    #[serde(rename = "pin")]
    _pin: u64,
    #[serde(default, rename = "even")]
    _even: Option<Even>,
    #[serde(default, rename = "mode")]
    _mode: Option<Mode>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Read,
    Write,
}

/// All of it is read before it is looked at, so that no path leads to a mistake.
#[derive(Debug, Deserialize)]
struct Flat {
    #[serde(flatten)]
    short: Short,
}

impl Dataset<str> for Short {
    fn load(&self) -> Result<String, BoxError> {
        Ok(format!("{:?}", self.credentials))
    }

    fn save(&self, _: &str) -> Result<(), BoxError> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn secret_that_is_too_short_to_be_found_is_not_shown_where_it_stands() {
    let cases = [
        ("{pin: Q}", "`credentials.pin`: found ***, expected u64"),
        ("{pin: 'Q, expected Q'}", "`credentials.pin`: found ***, expected u64"),
        ("{pin: 1, even: 7}", "`credentials.even`: is not what the type takes"),
        ("{pin: 1, mode: Q}", "`credentials.mode`: found ***, expected `read` or `write`"),
        ("{pin: true}", "`credentials.pin`: found ***, expected u64"),
        ("{mode: read}", "`credentials`: missing field `pin`"),
        ("Q", "`credentials`: found ***, expected struct ShortKeys"),
    ];
    for (credentials, expected) in cases {
        for kind in ["short", "flat"] {
            let folder = Folder::new();
            let yaml = format!("a: {{type: my.{kind}, credentials: web}}\n");
            let error = Catalog::builder()
                .yaml_file(folder.write("catalog.yml", yaml))
                .credentials_file(folder.write("keys.yml", format!("web: {credentials}\n")))
                .dataset_type("my.short", |short: Short| Ok::<_, String>(short))
                .dataset_type("my.flat", |flat: Flat| Ok::<_, String>(flat.short))
                .build()
                .unwrap_err();
            let [told] = error.problems() else { panic!("{error}") };
            let told = told.split_once("dataset `a`: ").unwrap().1;
            assert!(!told.contains('Q') && !told.contains("true"), "{told}");
            if kind == "short" {
                assert_eq!(told, expected);
            }
        }
    }
    // What is not of the credentials is shown.
    let folder = Folder::new();
    let yaml = "a: {type: my.short, size: 300, credentials: web}\n";
    let error = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .credentials("web", BTreeMap::from([("pin", 1)]))
        .dataset_type("my.short", |short: Short| Ok::<_, String>(short))
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("`size`: invalid value: integer `300`, expected u8"));
}

#[test]
fn local_path_with_credentials_is_told_when_the_catalog_is_built() {
    let folder = Folder::new();
    let yaml = "a: {type: csv, path: data/a.csv, credentials: lake}\n\
                '{n}_b': {type: csv, path: 'data/{n}.csv', credentials: lake}\n\
                '{n}_c': {type: csv, path: 'c{n}.csv', credentials: lake}\n\
                '{n}_d': {type: csv, path: '{n}', storage_options: {region: r}}\n\
                '{n}_e': {type: csv, path: 's3://{n}', credentials: lake}\n";
    let error = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .credentials("lake", BTreeMap::from([("password", TOKEN)]))
        .build()
        .unwrap_err();
    let expected = ["1: dataset `a`", "2: dataset `{n}_b`"].map(|whose| {
        format!(
            "{}:{whose}: a path of the local file system takes no storage options, nor \
             credentials, found `password`",
            folder.path("catalog.yml").display()
        )
    });
    assert_eq!(error.problems(), expected, "of the others it is not known yet what they are");
}

#[test]
fn wrong_option_is_told_beside_credentials_that_are_missing() {
    let folder = Folder::new();
    let yaml = "a:\n  type: my.short\n  credentials: none\n  size: big\n\
                '{n}_b':\n  type: my.short\n  credentials: '{n}'\n  size: big\n";
    let error = Catalog::builder()
        .yaml_file(folder.write("catalog.yml", yaml))
        .dataset_type("my.short", |short: Short| Ok::<_, String>(short))
        .build()
        .unwrap_err();
    let wrong = "`size`: invalid type: string \"big\", expected u8";
    let expected = [
        "3: dataset `a`: there are no credentials `none` (known: none)",
        &format!("4: dataset `a`: {wrong}"),
        &format!("8: dataset `{{n}}_b`: {wrong}"),
    ];
    let place = folder.path("catalog.yml").display().to_string();
    assert_eq!(error.problems(), expected.map(|told| format!("{place}:{told}")));
}
