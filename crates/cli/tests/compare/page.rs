//! The page that `xalloc compare --html` writes: well-formed, complete, and quiet in a browser.

use super::common::{Place, installed, named};
use scraper::{Html, Selector};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A page of three candidates, one of which fails, and whose program has letters that HTML minds.
fn page(place: &Place) -> PathBuf {
    let page = place.file("page.html");
    let candidates = format!("{},gone=/no/such.so", named("mine", &place.library()));
    let (_, output) =
        place.compare(&["-n", "4", "-a", &candidates, "--html", page.to_str().unwrap(), "--", "sh", "-c", ": '<&\">'"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    page
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).map(|element| element.text().collect::<String>().trim().to_owned()).collect()
}

#[test]
fn is_well_formed_and_has_everything() {
    let place = Place::new();
    let text = std::fs::read_to_string(page(&place)).unwrap();
    let page = Html::parse_document(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    assert_eq!(texts(&page, "table:first-of-type tbody td:first-child"), ["system", "mine", "gone", "system", "mine"]);
    let command = texts(&page, ".command");
    assert_eq!(shlex::split(&command[0]).unwrap(), ["sh", "-c", ": '<&\">'"]);
    assert_eq!(texts(&page, "tr.failed td:last-child").len(), 1);
    let circles = texts(&page, "svg circle").len();
    assert_eq!(circles, 2 * 4 + 2 + 2 * (2 * 4), "the scatter's runs and means, and the runs of two strips");
    assert_eq!(texts(&page, ".verdict li").len(), 3);
}

/// What a browser makes of a page.
struct Browsed {
    /// Its standard error, with what the page's console says.
    complaints: String,
    /// What the page asked for, but for itself.
    requests: Vec<String>,
    /// The page as it is after its scripts ran.
    dom: String,
}

/// Opens the page in a browser that can reach nothing: it has errands of its own that are none of this test's.
fn browse(page: &Path, place: &Place) -> Browsed {
    let log = place.file("net.json");
    let mut command = Command::new("chromium");
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"])
        .args(["--v=0", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-proxy-server", "--no-first-run", "--dump-dom"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .arg(format!("--user-data-dir={}", place.file("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("file://{}", page.display()));
    let output = command.output().expect("chromium starts");
    assert!(output.status.success(), "{output:?}");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let requests = std::fs::read_to_string(log).unwrap().lines().filter_map(request).collect();
    Browsed { complaints: text(&output.stderr), requests, dom: text(&output.stdout) }
}

/// The address in a line of the browser's log that begins a request of a page that was opened from a file.
fn request(line: &str) -> Option<String> {
    let event: serde_json::Value = serde_json::from_str(line.trim_end_matches(',')).ok()?;
    let is_page = event["params"]["network_isolation_key"].as_str()?.starts_with("file://");
    let url = event["params"]["url"].as_str()?;
    (is_page && !url.starts_with("file:")).then(|| url.to_owned())
}

#[test]
fn a_browser_shows_it_without_complaint_and_without_the_network() {
    if !installed("chromium") {
        return;
    }
    let place = Place::new();
    let page = page(&place);
    // As if somebody clicked: by time, and by time the other way round.
    let text = std::fs::read_to_string(&page).unwrap();
    let click = "<script>for (const _ of [1, 2]) document.querySelectorAll('th button')[1].click();</script></body>";
    std::fs::write(&page, text.replace("</body>", click)).unwrap();
    let Browsed { complaints, requests, dom } = browse(&page, &place);
    assert!(!complaints.contains("CONSOLE"), "{complaints}");
    assert!(requests.is_empty(), "{requests:?}");
    let sorted = Html::parse_document(&dom);
    let column = Selector::parse("table tbody tr").unwrap();
    let numbers: Vec<Option<f64>> = sorted
        .select(&column)
        .take(3)
        .map(|row| {
            let cell = row.child_elements().nth(1).expect("a second cell");
            cell.value().attr("data-number").map(|number| number.parse().unwrap())
        })
        .collect();
    assert!(numbers[0] > numbers[1] && numbers[1].is_some() && numbers[2].is_none(), "{numbers:?}");
}

/// The test above sees what it looks for.
#[test]
fn a_page_that_complains_or_asks_is_noticed() {
    if !installed("chromium") {
        return;
    }
    let place = Place::new();
    let page = page(&place);
    let text = std::fs::read_to_string(&page).unwrap();
    let text = text.replace("</body>", "<img src=\"http://127.0.0.1:9/x.png\"></body>");
    std::fs::write(&page, &text).unwrap();
    let complaints = browse(&page, &place).complaints;
    assert!(complaints.contains("CONSOLE") && complaints.contains("Content Security Policy"), "{complaints}");
    std::fs::write(&page, text.replace("Content-Security-Policy", "x-nothing")).unwrap();
    assert!(browse(&page, &place).requests.contains(&"http://127.0.0.1:9/x.png".to_owned()));
}
