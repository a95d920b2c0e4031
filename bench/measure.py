#!/usr/bin/python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""Runs the benchmarks against nginx on the other core, in alternating rounds, and writes one JSON line a measurement."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
SERVER_CORE, CLIENT_CORE = "0", "1"
SIZES = (1, 10, 100, 1000)
LARGE_SIZES = (10_000, 100_000, 1_000_000)


def die(message: str) -> None:
    sys.exit("bench/run: " + message)


def pinned(core: str) -> list[str]:
    return ["taskset", "-c", core] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else []


def version(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


def machine() -> dict:
    model = ""
    with contextlib.suppress(OSError):
        for line in open("/proc/cpuinfo", encoding="ascii", errors="replace"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


class Client:
    """A program that does the work and says, as JSON on stdout, how many queries it did."""

    def __init__(self, name: str, command, version_command: list[str]):
        self.name = name
        self.command = command
        self.version = version(version_command)

    def run(self, url: str, ca: str, concurrency: int, seconds: float, more: list[str] | None = None) -> dict:
        command = pinned(CLIENT_CORE) + self.command(url, ca, concurrency, seconds) + (more or [])
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen(command, stdout=out, stdin=subprocess.DEVNULL, env=os.environ | {"NODE_NO_WARNINGS": "1"})
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read()
        if process.returncode != 0:
            die(f"{self.name} failed ({process.returncode}): {' '.join(command)}")
        # wrk writes a summary of its own before ours.
        result = json.loads(text[text.index('{"'):].splitlines()[0])
        if result["queries"] == 0:
            die(f"{self.name} did no query: {' '.join(command)}")
        result["process_cpu_us_per_query"] = (usage.ru_utime + usage.ru_stime) / result["queries"] * 1e6
        # What wait4 says is never below this program's own, which the child inherits.
        result.setdefault("peak_rss_kib", usage.ru_maxrss)
        return result


def clients(build: pathlib.Path, work: pathlib.Path) -> list[Client]:
    def common(*program: str):
        return lambda url, ca, n, s: [*program, "--url", url, "--ca", ca, "--concurrency", str(n), "--seconds", str(s)]

    found = [Client("jobmode", common(str(build / "bench" / "bench_fanout")), [str(build / "jobmode"), "--version"])]
    if shutil.which("wrk"):
        found.append(Client(
            "wrk",
            lambda url, ca, n, s: ["wrk", "-t1", f"-c{n}", f"-d{max(int(s), 1)}s", "-s", str(BENCH / "peers/wrk.lua"),
                                   url + "/obs/api/json/ListBackupJobMode.do"],
            ["wrk", "-v"]))
    if (build / "bench" / "curl_multi").exists():
        found.append(Client("curl_multi", common(str(build / "bench" / "curl_multi")), ["curl", "--version"]))
    node_modules = work / "node_modules"
    if shutil.which("node") and (node_modules / "undici").exists():
        shutil.copy(BENCH / "peers/undici_peer.mjs", work / "undici_peer.mjs")
        undici = json.loads((node_modules / "undici/package.json").read_text())["version"]
        peer = Client("undici", common("node", str(work / "undici_peer.mjs")), ["node", "--version"])
        peer.version = f"undici {undici}, node {peer.version}"
        found.append(peer)
    if (work / "nethttp").exists():
        found.append(Client("nethttp", common(str(work / "nethttp")), ["go", "version"]))
    if subprocess.run(["/usr/bin/python3", "-c", "import aiohttp"], capture_output=True, check=False).returncode == 0:
        found.append(Client("aiohttp", common("/usr/bin/python3", str(BENCH / "peers/aiohttp_peer.py")),
                            ["/usr/bin/python3", "-c", "import aiohttp; print('aiohttp', aiohttp.__version__)"]))
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def comes_up(server: subprocess.Popen, port: int) -> bool:
    """Waits until a server takes connections; false if it ends instead."""
    while server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.05)
    return False


NGINX = """daemon off; worker_processes 1; worker_rlimit_nofile 65536; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 32768; }}
http {{
  access_log off; client_body_temp_path {root}/body; types {{ }} default_type application/json;
  limit_req_zone $binary_remote_addr zone=slow:1m rate=1000r/s;
  keepalive_requests 1000000000; keepalive_timeout 600s; open_file_cache max=100 inactive=1h; ssl_session_tickets on;
  server {{
    listen 127.0.0.1:{port} ssl backlog=32768; ssl_certificate {root}/server.pem; ssl_certificate_key {root}/server.key;
    ssl_protocols TLSv1.3; root {root}/www; error_page 405 =200 $uri;
    location /slow/ {{ limit_req zone=slow burst=30000; alias {root}/www/; error_page 405 =200 $uri; }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(build: pathlib.Path, work: pathlib.Path, large: bool):
    """nginx with answers of every size, and the CA to trust; it ends with the block."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=work))
    quiet = {"check": True, "capture_output": True}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", root / "ca.key", "-out", root / "ca.pem", "-subj", "/CN=benchmark authority"], **quiet)
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    root / "server.key", "-out", root / "server.csr", "-subj", "/CN=localhost"], **quiet)
    (root / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    subprocess.run(["openssl", "x509", "-req", "-in", root / "server.csr", "-CA", root / "ca.pem", "-CAkey", root / "ca.key",
                    "-CAcreateserial", "-days", "2", "-extfile", root / "names", "-out", root / "server.pem"], **quiet)
    for size in (*SIZES, *(LARGE_SIZES if large else ())):
        folder = root / f"www/r{size}/obs/api/json"
        folder.mkdir(parents=True)
        with open(folder / "ListBackupJobMode.do", "wb") as answer:
            subprocess.run([build / "bench/make_answer", str(size)], stdout=answer, check=True)
    # Workers that drop root's rights could not read below a folder of root's own.
    user = "user root; " if os.geteuid() == 0 else ""
    # Somebody else can take the port before nginx does.
    for _ in range(20):
        port = free_port()
        (root / "nginx.conf").write_text(user + NGINX.format(root=root, port=port))
        server = subprocess.Popen(pinned(SERVER_CORE) +
                                  ["nginx", "-e", str(root / "error.log"), "-c", str(root / "nginx.conf")])
        if comes_up(server, port):
            break
    else:
        die("nginx ended: " + (root / "error.log").read_text())
    try:
        yield f"https://localhost:{port}", str(root / "ca.pem")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)


class Results:
    def __init__(self, path: pathlib.Path | None):
        self.file = open(path, "w", encoding="utf-8") if path else None
        self.common = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), "machine": machine()}

    def add(self, kind: str, **values) -> None:
        line = json.dumps({"kind": kind, **values, **self.common})
        print(json.dumps({"kind": kind, **values}), file=sys.stderr)
        if self.file:
            self.file.write(line + "\n")
            self.file.flush()


def median_of(rounds: list[dict], key: str) -> float:
    return statistics.median(one[key] for one in rounds)


def compare(results: Results, peers: list[Client], url: str, ca: str, rounds: int, seconds: float) -> None:
    """The cost of a query by answer size: every client in turn, again and again."""
    for size in SIZES:
        seen: dict[str, list[dict]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                seen[peer.name].append(peer.run(f"{url}/r{size}", ca, 64, seconds))
        for peer in peers:
            runs = seen[peer.name]
            if peer.name != "wrk" and any(one["records"] != one["queries"] * size for one in runs):
                die(f"{peer.name} did not decode every record of r{size}")
            results.add("cost", client=peer.name, version=peer.version, records=size, rounds=rounds,
                        cpu_us_per_query=round(median_of(runs, "process_cpu_us_per_query"), 3),
                        queries_per_second=round(statistics.median(one["queries"] / one["seconds"] for one in runs)),
                        peak_rss_kib=median_of(runs, "peak_rss_kib"),
                        allocations_per_query=runs[0].get("allocations_per_query"))


def pipelining(results: Results, ours: Client, url: str, ca: str, rounds: int, seconds: float) -> None:
    depths = (1, 4, 16)
    seen: dict[int, list[dict]] = {depth: [] for depth in depths}
    for _ in range(rounds):
        for depth in depths:
            seen[depth].append(ours.run(url + "/r1", ca, 64, seconds, ["--pipeline", str(depth)]))
    for depth in depths:
        results.add("pipeline", depth=depth, records=1,
                    cpu_us_per_query=round(median_of(seen[depth], "process_cpu_us_per_query"), 3))


def scaling(results: Results, ours: Client, url: str, ca: str, seconds: float, most: int) -> None:
    for in_flight in (1, 10, 100, 1000, 10000):
        if in_flight > most:
            break
        run = ours.run(url + "/r1", ca, in_flight, seconds + in_flight / 2000,
                       ["--connections", str(min(in_flight, 1000))])
        results.add("concurrency", in_flight=in_flight, cpu_us_per_query=run["cpu_us_per_query"],
                    queries_per_second=round(run["queries"] / run["seconds"]), latency_us=run["latency_us"])
    for connections in (1, 10, 100, 1000, 2000, 10000):
        if connections > most:
            break
        # The server is so slow with its answers that nearly always some query finds no idle connection.
        run = ours.run(url + "/slow/r1", ca, connections, seconds,
                       ["--connections", str(connections), "--queries", str(2 * connections)])
        results.add("connections", connections=run["connections"], cpu_us_per_query=run["cpu_us_per_query"],
                    peak_rss_kib=run["peak_rss_kib"],
                    kib_per_connection=round(run["peak_rss_kib"] / max(run["connections"], 1), 1))


def large_answers(results: Results, ours: Client, url: str, ca: str) -> None:
    """The cost of a record, however many are in one answer."""
    for size in (*SIZES, *LARGE_SIZES):
        run = ours.run(f"{url}/r{size}", ca, 1, 0, ["--queries", str(min(max(2_000_000 // size, 2), 20_000))])
        results.add("answers", records=size, cpu_us_per_query=run["process_cpu_us_per_query"],
                    cpu_ns_per_record=round(run["process_cpu_us_per_query"] / size * 1000, 1), peak_rss_kib=run["peak_rss_kib"])


def far_server(results: Results, ours: Client, url: str, ca: str, seconds: float) -> None:
    """What eight connections reach when an answer takes a tenth of a second to come."""
    port = url.rsplit(":", 1)[1]
    line = subprocess.Popen(pinned(SERVER_CORE) + ["/usr/bin/python3", str(BENCH / "delay.py"), port, "50"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        far = "https://localhost:" + line.stdout.readline().strip()
        for depth in (1, 4, 16):
            run = ours.run(far + "/r1", ca, 8 * depth, seconds + 2, ["--connections", "8", "--pipeline", str(depth)])
            results.add("far", round_trip_ms=100, connections=8, depth=depth,
                        queries_per_second=round(run["queries"] / run["seconds"]), latency_us=run["latency_us"])
    finally:
        line.stdin.close()
        line.wait()


def others(results: Results, ours: Client, url: str, ca: str, seconds: float) -> None:
    run = ours.run(url + "/r1", ca, 64, seconds, ["--rate", "5000"])
    results.add("arrivals", rate=5000, latency_us=run["latency_us"], cpu_us_per_query=run["cpu_us_per_query"])
    # Every connection but the first has a session that it could resume.
    run = ours.run(url + "/r1", ca, 64, seconds, ["--queries", "20000", "--max-uses", "100"])
    results.add("resumption", connections=run["connections"], resumed=run["resumed"],
                share=round(run["resumed"] / max(run["connections"] - 1, 1), 4))
    few = ours.run(url + "/r1", ca, 100, seconds, ["--queries", "100000", "--connections", "64"])
    many = ours.run(url + "/r1", ca, 100_000, seconds, ["--queries", "100000", "--connections", "64"])
    results.add("waiting", waiting=100_000,
                bytes_per_query=round((many["peak_rss_kib"] - few["peak_rss_kib"]) * 1024 / 100_000))


def decoding(results: Results, build: pathlib.Path, work: pathlib.Path, rounds: int) -> None:
    answer = work / "answer.json"
    with open(answer, "wb") as file:
        subprocess.run([build / "bench/make_answer", "10000"], stdout=file, check=True)
    done = subprocess.run(pinned(CLIENT_CORE) + [str(build / "bench/bench_decode"), str(answer), "--json"],
                          capture_output=True, text=True, check=True)
    results.add("decode", bytes=answer.stat().st_size, gb_per_second=json.loads(done.stdout), rounds=rounds)


def streaming(results: Results, build: pathlib.Path, work: pathlib.Path, records: int) -> None:
    """The memory of one answer of very many records, streamed from the simulated server by `jobmode query`."""
    for name in ("port", "ca.pem"):
        (work / name).unlink(missing_ok=True)
    environment = os.environ | {"JOBMODE_SYS_PWD": "system1"}
    server = subprocess.Popen([build / "jobmode", "serve", "--port-file", work / "port", "--ca-file", work / "ca.pem"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        while not (work / "port").exists():
            if server.poll() is not None:
                die("the simulated server did not start")
            time.sleep(0.05)
        url = "https://localhost:" + (work / "port").read_text().strip()
        command = [build / "jobmode", "query", "--url", url, "--ca", work / "ca.pem", "--sys-user", "system",
                   "--login-name", f"bulk-{records}", "--date", "2024-06-26", "--timeout", "0"]
        begin = time.monotonic()
        with open(os.devnull, "wb") as nowhere:
            process = subprocess.Popen(command, stdout=nowhere, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            die("streaming failed")
        results.add("stream", records=records, peak_rss_mib=round(usage.ru_maxrss / 1024, 1),
                    seconds=round(time.monotonic() - begin, 2))
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--form", choices=("full", "quick", "smoke"), default="full")
    options = parser.parse_args()
    options.build, options.work = options.build.resolve(), options.work.resolve()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = 10_000 if hard >= 11_000 else 1_000
    rounds, seconds = {"full": (5, 5.0), "quick": (5, 1.0), "smoke": (1, 1.0)}[options.form]
    options.work.mkdir(parents=True, exist_ok=True)
    results = Results(options.out)
    peers = clients(options.build, options.work)
    with nginx(options.build, options.work, options.form != "smoke") as (url, ca):
        if options.form == "smoke":
            for peer in peers:
                run = peer.run(url + "/r10", ca, 8, 1)
                if peer.name != "wrk" and run["records"] != 10 * run["queries"]:
                    die(f"{peer.name} did not decode every record")
            decoding(results, options.build, options.work, 1)
            print(f"{len(peers)} clients work: {', '.join(peer.name for peer in peers)}")
            return
        compare(results, peers, url, ca, rounds, seconds)
        pipelining(results, peers[0], url, ca, rounds, seconds)
        scaling(results, peers[0], url, ca, seconds, most)
        large_answers(results, peers[0], url, ca)
        far_server(results, peers[0], url, ca, seconds)
        others(results, peers[0], url, ca, seconds)
    decoding(results, options.build, options.work, rounds)
    streaming(results, options.build, options.work, 1_000_000)


if __name__ == "__main__":
    main()
