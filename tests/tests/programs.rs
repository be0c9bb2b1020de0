//! Real programs, a line for each: on the library they end as without it, and print the same.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::Output;
use std::time::Duration;
use xalloc_tests::{checkout, installed, plain, preloaded, run, tail};

const LIMIT: Duration = Duration::from_secs(300);

/// A program as a user would start it.
struct Program {
    name: &'static str,
    /// Without these, the row is skipped, visibly.
    needs: &'static [&'static str],
    /// For bash, in an empty directory; `$FIXTURES` is where the fixtures are.
    script: &'static str,
}

const fn program(name: &'static str, needs: &'static [&'static str], script: &'static str) -> Program {
    Program { name, needs, script }
}

/// Not a program: Debian's python3 comes without its tests.
const PYTHON_TEST_PACKAGE: &str = "python3's package 'test' (libpython3-testsuite)";

const GIT: &str = "export GIT_AUTHOR_DATE='2000-01-01T00:00:00Z' GIT_COMMITTER_DATE='2000-01-01T00:00:00Z' \
GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
set -e
git init -q .
for i in $(seq 30); do seq $((i * 100)) >file$i; git add .; git commit -qm \"commit $i\"; done
git gc -q
git fsck
git log --oneline";

const TERMINAL: &str = "python3 - <<'PYTHON'
import os, pty, sys, time, select, signal
pid, terminal = pty.fork()
if pid == 0:
    os.environ['TERM'] = 'xterm'
    os.execvp('htop', ['htop', '-d', '1'])
seen = b''
end = time.time() + 200
while time.time() < end and b'PID' not in seen:
    if select.select([terminal], [], [], 0.2)[0]:
        seen += os.read(terminal, 65536)
os.write(terminal, b'q')
while True:
    try:
        if not os.read(terminal, 65536): break
    except OSError:
        break
_, status = os.waitpid(pid, 0)
print(b'PID' in seen, status)
PYTHON";

const PROGRAMS: &[Program] = &[
    program("ls", &[], "ls -laR $FIXTURES"),
    program("bash pipeline", &[], "for i in $(seq 200); do echo $i $(( i * i )); done | sort -r | awk '{s += $2} END {print s, NR}' | sed 's/ /-/' | tee copy | md5sum"),
    program("find", &[], "mkdir -p {1..40}/{1..40} && touch {1..40}/{1..40}/{a..j} && find . -printf '%p %y %m\\n' | sort | md5sum"),
    program("python3 -c", &["python3"], "python3 -c 'import json, re, collections
data = [dict(key=str(i), value=[i] * (i % 20)) for i in range(50000)]
print(len(json.dumps(json.loads(json.dumps(data)))), collections.Counter(re.findall(\"1+\", json.dumps(data))).most_common(3))'"),
    program("python3's own tests", &[PYTHON_TEST_PACKAGE], "bash $FIXTURES/programs/python.sh list dict json re"),
    // They take longer than all others.
    program("python3's own tests of threads and processes", &[PYTHON_TEST_PACKAGE], "bash $FIXTURES/programs/python.sh threading subprocess"),
    program("git", &["git"], GIT),
    program("g++ and its program", &["g++"], "g++ -O1 -pthread -std=c++17 $FIXTURES/programs/templates.cpp -o program && ./program"),
    program("cargo build", &["cargo"], "bash $FIXTURES/programs/cargo.sh"),
    program("sqlite3", &["sqlite3"], "sqlite3 :memory: \"create table t(a integer primary key, b text);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 1000000) insert into t select x, 'value ' || x from n;
create index i on t(b); select count(*), sum(a), max(b) from t; select b from t order by b desc limit 5;\""),
    program("redis-server", &["redis-server", "redis-benchmark"], "bash $FIXTURES/programs/redis.sh"),
    program("node with workers", &["node"], "node $FIXTURES/programs/workers.js"),
    program("top", &["top"], "TERM=xterm top -bn3 -d 0.1 | grep -c 'load average'"),
    program("htop in a terminal", &["htop", "python3"], TERMINAL),
    program("gdb", &["gdb", "cc"], "echo 'int main(void){return 0;}' >p.c && cc -g p.c -o p && gdb --batch -ex 'break main' -ex run -ex bt -ex continue ./p | grep -c 'exited normally'"),
    program("perl", &["perl"], "perl -e 'my %h; for my $i (1..300000) { push @{$h{$i % 5000}}, \"value $i\" } my $n = 0; $n += @$_ for values %h; my $s = join \",\", map { $_ x 3 } sort keys %h; print \"$n \", length $s, \"\\n\"; ($s =~ s/1+/x/g) and print length $s, \"\\n\"'"),
    program("cmake", &["cmake", "cc"], "printf 'cmake_minimum_required(VERSION 3.10)\\nproject(p C)\\nadd_executable(p p.c)\\n' >CMakeLists.txt && echo 'int main(void){return 0;}' >p.c && cmake -B build >log && cmake --build build >>log && ./build/p && grep -c 'Build files' log"),
    program("tar and gzip", &[], "seq 200000 >numbers && tar cf - numbers | gzip -n | gunzip | tar xOf - | md5sum"),
];

fn main() {
    let arguments = Arguments::from_args();
    let trials = PROGRAMS
        .iter()
        .map(|program| {
            let missing: Vec<_> = program.needs.iter().copied().filter(|need| !is_there(need)).collect();
            if !missing.is_empty() {
                let name = format!("{} (SKIPPED: not installed: {})", program.name, missing.join(", "));
                return Trial::test(name, || Ok(())).with_ignored_flag(true);
            }
            Trial::test(program.name, || compare(program))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_there(need: &str) -> bool {
    if need != PYTHON_TEST_PACKAGE {
        return installed(need);
    }
    let status = plain("python3").args(["-c", "import test.test_list"]).stderr(std::process::Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn compare(program: &Program) -> Result<(), Failed> {
    let without = start(program, false)?;
    // A row that fails by itself would compare one failure with another, and hold whatever the library does.
    if !without.status.success() {
        return Err(format!("fails without the library: {}\n{}", without.status, tail(&without)).into());
    }
    let with = start(program, true)?;
    if with.status.code() != without.status.code() {
        return Err(format!("{}; without the library {}\n{}", with.status, without.status, tail(&with)).into());
    }
    if String::from_utf8_lossy(&with.stderr).contains("xalloc") {
        return Err(format!("the library complains:\n{}", tail(&with)).into());
    }
    if with.stdout != without.stdout {
        return Err(format!("prints\n{}\nand without the library\n{}", tail(&with), tail(&without)).into());
    }
    Ok(())
}

fn start(program: &Program, preload: bool) -> Result<Output, Failed> {
    let directory = tempfile::tempdir()?;
    let mut command = if preload { preloaded("bash", "") } else { plain("bash") };
    command
        .args(["-c", program.script])
        .env("FIXTURES", checkout().join("tests/fixtures"))
        .env("LC_ALL", "C")
        .current_dir(directory.path());
    Ok(run(&mut command, LIMIT)?)
}
