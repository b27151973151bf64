//! A real browser: Chromium, driven through its `WebDriver`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::prelude::*;

/// Where screenshots are kept.
pub(crate) fn screenshots() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The process that browsers are driven through.
pub(crate) struct Service {
    child: Child,
    url: String,
}

impl Service {
    /// Starts it at a free port.
    pub(crate) fn start() -> Self {
        let program = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut child = Command::new(&program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start ({error}); tests/browser.sh installs it"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .find_map(|line| {
                let line = line.unwrap();
                let port = line.strip_prefix("ChromeDriver was started successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })
            .expect("it tells its port");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }

    /// Opens a browser of its own, that nothing was done in before, for the pages of `site`.
    pub(crate) async fn browser(&self, site: &str) -> Browser {
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            // The tests may run as root, in a container.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--lang=en-US",
            "--window-size=1440,1000",
        ] {
            wanted.add_arg(argument).unwrap();
        }
        wanted.set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All).unwrap();
        let driver = WebDriver::new(&self.url, wanted).await.unwrap();
        Browser { driver, site: site.to_owned() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One browser with one page.
pub(crate) struct Browser {
    pub driver: WebDriver,
    site: String,
}

impl Browser {
    /// Sends a command of the `DevTools` protocol.
    pub(crate) async fn command(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// What a script returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let told = self.driver.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"));
        told.json().clone()
    }

    /// Goes to a page of the site and waits until its charts are drawn.
    pub(crate) async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.site)).await.unwrap();
        self.drawn().await;
    }

    /// Waits until every chart of the page is drawn.
    pub(crate) async fn drawn(&self) {
        let drawn = "return [...document.querySelectorAll('.chart')].every((place) => place.querySelector('canvas'))";
        self.until(drawn, Duration::from_secs(20)).await;
    }

    /// Waits until a script returns true, and tells how long that took.
    pub(crate) async fn until(&self, script: &str, longest: Duration) -> Duration {
        let begun = Instant::now();
        loop {
            // While a page is being left, there is nothing to ask.
            let told = self.driver.execute(script, Vec::new()).await;
            if told.is_ok_and(|told| *told.json() == Value::Bool(true)) {
                return begun.elapsed();
            }
            if begun.elapsed() >= longest {
                let state = "return [location.href, document.hidden, document.activeElement?.outerHTML.slice(0, 200),
                    document.getElementById('live')?.textContent, document.querySelector('main')?.innerText]";
                panic!("not within {longest:?}: {script}: {:#}", self.run(state).await);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Makes the page as wide as that, in light or dark colours.
    pub(crate) async fn shape(&self, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.command("Emulation.setEmulatedMedia", json!({"features": features})).await;
        self.tall(width, 1_000).await;
    }

    async fn tall(&self, width: u32, height: u64) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.command("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Keeps a picture of the whole page.
    pub(crate) async fn picture(&self, name: &str, width: u32) {
        let height = self.run("return document.documentElement.scrollHeight").await.as_u64().unwrap();
        self.tall(width, height.clamp(600, 6_000)).await;
        // Charts take up a new size a moment later, and come to rest.
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.driver.screenshot(&screenshots().join(format!("{name}.png"))).await.unwrap();
        self.tall(width, 1_000).await;
    }

    /// No script of a customer ran, nothing that a customer wrote is markup, and the console holds no error.
    pub(crate) async fn is_clean(&self, page: &str) {
        assert_eq!(self.run("return window.attacked ?? null").await, Value::Null, "{page}: a script of a customer ran");
        // What a customer sent as a file is shown, what they wrote is not.
        let markup =
            "return document.querySelectorAll('x-attack, main img:not([src^=\"/media/\"]), main iframe').length";
        let markup = self.run(markup).await;
        assert_eq!(markup, json!(0), "{page}: what a customer wrote is markup");
        let log = self.driver.browser_log().await.unwrap();
        let errors: Vec<_> = log.iter().filter(|entry| entry.level == "SEVERE" || entry.level == "WARNING").collect();
        assert!(errors.is_empty(), "{page}: {errors:#?}");
    }

    /// axe-core finds nothing serious or critical.
    pub(crate) async fn is_accessible(&self, page: &str, axe: &str) {
        self.run(axe).await;
        // While colours fade into each other, there is no contrast to measure.
        let script = "const done = arguments[arguments.length - 1];
            const fading = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
            Promise.allSettled(fading.map((one) => one.finished)).then(() => axe.run(document, {resultTypes: ['violations']})).then((found) => done(found.violations
                .filter((one) => one.impact === 'serious' || one.impact === 'critical')
                .map((one) => one.id + ' (' + one.impact + '): ' + one.nodes.slice(0, 3).map((node) =>
                    node.target.join(' ') + ' — ' + node.failureSummary).join(' | '))), (error) => done([String(error)]));";
        let found = self.driver.execute_async(script, Vec::new()).await.unwrap();
        assert_eq!(*found.json(), json!([]), "{page}: {:#}", found.json());
    }

    /// The page itself does not scroll sideways: what is too wide does, within its card.
    pub(crate) async fn fits(&self, page: &str) {
        let wide = self
            .run(
                "const most = document.documentElement.clientWidth;
                 if (document.documentElement.scrollWidth <= most) return null;
                 return [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > most + 1)
                     .slice(0, 5).map((one) => one.tagName + '.' + one.className)",
            )
            .await;
        assert_eq!(wide, Value::Null, "{page} is too wide");
    }

    /// No chart leaves a part of itself outside, and where there are several colours it says what each stands for.
    pub(crate) async fn charts_are_whole(&self, page: &str) {
        let cut = self
            .run(
                "const faults = (place) => {
                     const chart = echarts.getInstanceByDom(place);
                     const data = JSON.parse(place.dataset.chart);
                     const round = data.kind === 'donut';
                     const found = [];
                     const legend = chart.getModel().getComponent('legend');
                     if (!legend && (round || data.lines.length > 1)) found.push('no legend');
                     if (legend && legend.get('orient') === 'vertical') {
                         const group = chart.getViewOfComponentModel(legend).group;
                         const box = group.getBoundingRect();
                         if (group.x + box.x + box.width > chart.getWidth() + 1) found.push('its legend is cut');
                     }
                     if (round) {
                         const ring = chart.getModel().getSeriesByIndex(0).getData().getItemLayout(0);
                         if (ring.cy < ring.r || ring.cx < ring.r) found.push('its ring is cut');
                     }
                     return found.map((fault) => data.title + ': ' + fault);
                 };
                 return [...document.querySelectorAll('.chart')].flatMap(faults)",
            )
            .await;
        assert_eq!(cut, json!([]), "{page}");
    }
}
