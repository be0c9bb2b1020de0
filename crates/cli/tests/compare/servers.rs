//! `xalloc compare` on servers: started, waited for, driven, stopped, and nothing left behind.

use super::common::{Place, installed, named, reason, row};

/// A server as a script: it is ready when a file is there, which it removes when it is told to end.
struct Server {
    place: Place,
    ready: String,
    script: String,
}

impl Server {
    fn new(at_the_end: &str) -> Self {
        let place = Place::new();
        let (ready, numbers) = (place.file("ready").display().to_string(), place.file("numbers").display().to_string());
        let script = format!(
            "echo $$ >> {numbers}; trap 'rm -f {ready}; {at_the_end}' TERM; touch {ready}; while :; do sleep 0.02; done"
        );
        Self { place, ready, script }
    }

    fn compare(&self, arguments: &[&str]) -> (serde_json::Value, std::process::Output) {
        let ready = format!("test -e {}", self.ready);
        let own = ["-n", "2", "--ready", &ready];
        self.place.compare(&[&own, arguments, &["--", "sh", "-c", &self.script]].concat())
    }

    /// How many were started; all are gone.
    fn count(&self) -> usize {
        let numbers = std::fs::read_to_string(self.place.file("numbers")).unwrap();
        for number in numbers.lines() {
            assert!(!std::path::Path::new("/proc").join(number).exists(), "{number} is still there");
        }
        numbers.lines().count()
    }
}

#[test]
fn starts_drives_and_stops() {
    let server = Server::new("exit 0");
    let mine = named("mine", &server.place.library());
    let load = "sleep 0.1; echo 250 requests per second";
    let metric = "(?<per_second>[0-9]+) requests";
    let (report, output) = server.compare(&["-a", &mine, "--load", load, "--metric", metric]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(server.count(), 2 * 3);
    for name in ["system", "mine"] {
        let statistics = &row(&report, name)["statistics"];
        assert_eq!(statistics["metric"]["mean"], 250.0);
        assert!(statistics["wall"]["least"].as_f64() >= Some(0.1), "the load's time: {statistics}");
        assert!(statistics["rss"]["least"].as_f64() > Some(0.0), "the server's memory: {statistics}");
    }
    assert_eq!((&report["load"], &report["metric"]), (&load.into(), &"per second".into()));
}

#[test]
fn kills_what_does_not_end_by_itself() {
    let server = Server::new("true");
    let (_, output) = server.compare(&["-a", "system", "--load", "true", "--stop-timeout", "0.1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(server.count(), 3);
}

#[test]
fn a_failing_load_and_a_server_that_crashes_are_failures() {
    let server = Server::new("exit 0");
    let mine = named("mine", &server.place.library());
    let once = server.place.file("once").display().to_string();
    let load = format!("test ! -e {once} && touch {once} || {{ echo refused >&2; exit 4; }}");
    let (report, output) = server.compare(&["-a", &mine, "--load", &load]);
    assert_eq!(reason(&report, "mine"), "the load: exit 4");
    assert_eq!(row(&report, "mine")["failure"]["stderr"], serde_json::json!(["refused"]));
    assert_eq!(output.status.code(), Some(1));

    let server = Server::new("exit 0");
    let mine = named("mine", &server.place.library());
    let (numbers, ready) = (server.place.file("numbers").display().to_string(), &server.ready);
    // The second one that is started, and all after it, are gone before the load is over.
    let load = format!(
        "test $(wc -l < {numbers}) -lt 2 || {{ kill -KILL $(tail -n 1 {numbers}); rm -f {ready}; sleep 0.1; }}"
    );
    let (report, _) = server.compare(&["-a", &mine, "--load", &load]);
    assert_eq!(reason(&report, "mine"), "the server ended under the load (the server: killed by SIGKILL)");
}

#[test]
fn the_library_must_be_in_the_server() {
    let server = Server::new("exit 0");
    let mine = named("mine", &server.place.library());
    let ready = format!("test -e {}", server.ready);
    let arguments = ["-n", "1", "-a", &mine, "--ready", &ready, "--load", "true", "--"];
    let program = ["env", "-u", "LD_PRELOAD", "sh", "-c", &server.script];
    let (report, _) = server.place.compare(&[&arguments[..], &program].concat());
    assert!(reason(&report, "mine").contains("was not loaded"), "{report}");
}

#[test]
fn redis() {
    if !installed("redis-server") || !installed("redis-benchmark") {
        return;
    }
    let place = Place::new();
    let (mine, socket) = (named("mine", &place.library()), place.file("socket").display().to_string());
    let ready = format!("redis-cli -s {socket} ping");
    let load = format!("redis-benchmark -s {socket} -q -t set -n 1000");
    let arguments = ["-n", "1", "-a", &mine, "--ready", &ready, "--load", &load];
    let metric = ["--metric", "SET: (?<SET>[0-9.]+) requests per second", "--"];
    let directory = place.file("").display().to_string();
    let server = ["redis-server", "--port", "0", "--unixsocket", &socket, "--save", "", "--dir", &directory];
    let (report, output) = place.compare(&[&arguments[..], &metric, &server].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let statistics = &row(&report, "mine")["statistics"];
    assert!(statistics["metric"]["mean"].as_f64() > Some(0.0), "{statistics}");
    assert!(statistics["rss"]["mean"].as_f64() > Some(4000.0), "the server's, not the load's: {statistics}");
}
