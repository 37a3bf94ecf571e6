//! A headless browser, and what is asked of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

/// What each page is given before its own script runs: it keeps whatever goes wrong.
const WATCH: &str = "
    window.__wrong = [];
    addEventListener('error', (event) => __wrong.push('error: ' + event.message), true);
    addEventListener('unhandledrejection', (event) => __wrong.push('rejection: ' + event.reason));
    addEventListener('securitypolicyviolation', (event) => __wrong.push('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
    for (const kind of ['error', 'warn']) {
        const said = console[kind];
        console[kind] = (...words) => { __wrong.push('console: ' + words.join(' ')); said(...words); };
    }
    for (const kind of ['alert', 'confirm', 'prompt', 'open', 'fetch']) {
        window[kind] = () => { __wrong.push('called: ' + kind); };
    }
";

/// A browser with one page. It ends with its driver when this is dropped.
pub struct Browser {
    /// Not dropped: that would wait for an answer, minutes long where a test failed in
    /// the midst. The driver ends what there is.
    pub page: ManuallyDrop<WebDriver>,
    _driver: Driver,
}

struct Driver {
    process: Child,
    profile: tempfile::TempDir,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A test that failed has left its browser. Where that is at work it says who
        // it is: `host-pid`.
        if let Ok(lock) = fs::read_link(self.profile.path().join("SingletonLock"))
            && let Some((_, process)) = lock.to_string_lossy().rsplit_once('-')
        {
            let _ = Command::new("kill").arg(process).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    pub async fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: see .ci/browser");
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = said.find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = port.expect("chromedriver says its port");
        // What it says later is read, so that it is never stuck with it.
        std::thread::spawn(move || said.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let mut capabilities = DesiredCapabilities::chrome();
        let folder = format!("--user-data-dir={}", profile.path().display());
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &folder,
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        let address = format!("http://127.0.0.1:{port}");
        let page = WebDriver::new(&address, capabilities).await.unwrap();
        let page = ManuallyDrop::new(page);
        let browser = Self { page, _driver: Driver { process, profile } };
        browser.tell("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        browser.size(1440, 900).await;
        browser.media("prefers-color-scheme", "light").await;
        browser
    }

    /// A command of the browser's own protocol.
    pub async fn tell(&self, command: &str, with: Value) -> Value {
        self.page.cdp().send_raw(command, with).await.unwrap()
    }

    pub async fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    pub async fn media(&self, name: &str, value: &str) {
        // Nothing is to be on its way when it is clicked.
        let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let features = json!({ "features": [still, { "name": name, "value": value }] });
        self.tell("Emulation.setEmulatedMedia", features).await;
    }

    pub async fn open(&self, report: &Path) {
        // A percent sign of a folder is one, and not the beginning of an escape.
        let address = report.display().to_string().replace('%', "%25");
        self.page.goto(&format!("file://{address}")).await.unwrap();
        let script = "return document.documentElement.dataset.ready !== undefined";
        let begun = Instant::now();
        while self.ask(script).await != true {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", self.wrongs().await);
        }
    }

    /// What the script returns.
    pub async fn ask(&self, script: &str) -> Value {
        self.page.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// The text of the first element that the selector finds, in one line.
    pub async fn text(&self, selector: &str) -> String {
        let text = self.find(selector).await.text().await.unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub async fn find(&self, selector: &str) -> WebElement {
        self.page.find(By::Css(selector)).await.unwrap_or_else(|_| panic!("there is no {selector}"))
    }

    pub async fn count(&self, selector: &str) -> usize {
        self.page.find_all(By::Css(selector)).await.unwrap().len()
    }

    pub async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    /// Presses one key that is no letter.
    pub async fn key(&self, key: Key) {
        self.press(key.value()).await;
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: impl Into<String>) {
        self.page.action_chain().send_keys(keys.into()).perform().await.unwrap();
    }

    /// Has the page go on until its frames are drawn and its delayed words said.
    pub async fn settle(&self) {
        let script = "const done = arguments[0];
            setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done())), 120);";
        self.page.execute_async(script, Vec::new()).await.unwrap();
    }

    /// What is beyond the window's right edge.
    pub async fn out(&self) -> Value {
        self.ask("return [...document.querySelectorAll('body *')].filter((at) => at.getBoundingClientRect().right > innerWidth + 1).slice(0, 20).map((at) => at.tagName + '.' + at.getAttribute('class') + '#' + at.id)").await
    }

    /// What went wrong on the page, and what it asked the network for.
    pub async fn wrongs(&self) -> Vec<String> {
        let wrong = self.ask("return [...__wrong, ...performance.getEntriesByType('resource').map((entry) => 'request: ' + entry.name)]").await;
        serde_json::from_value(wrong).unwrap()
    }

    /// A picture of the whole page, in the folder that `ENTOURAGE_SCREENSHOTS` names,
    /// or else among the temporary files.
    pub async fn picture(&self, name: &str) {
        self.settle().await;
        let folder = pictures();
        fs::create_dir_all(&folder).unwrap();
        let height = self.ask("scrollTo(0, 0); return document.documentElement.scrollHeight").await;
        let width = self.ask("return innerWidth").await;
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let shot = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.tell("Page.captureScreenshot", shot).await;
        fs::write(folder.join(format!("{name}.png")), decoded(shot["data"].as_str().unwrap()))
            .unwrap();
    }

    /// A picture of what is in the window.
    pub async fn view(&self, name: &str) {
        self.settle().await;
        let folder = pictures();
        fs::create_dir_all(&folder).unwrap();
        let shot = self.tell("Page.captureScreenshot", json!({ "format": "png" })).await;
        fs::write(folder.join(format!("{name}.png")), decoded(shot["data"].as_str().unwrap()))
            .unwrap();
    }

    pub async fn end(self) {
        WebDriver::clone(&self.page).quit().await.unwrap();
    }
}

fn pictures() -> PathBuf {
    let folder = std::env::var_os("ENTOURAGE_SCREENSHOTS").map(PathBuf::from);
    folder.unwrap_or_else(|| std::env::temp_dir().join("entourage-screenshots"))
}

fn decoded(base64: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}
