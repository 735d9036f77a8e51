"""The parts of tools/test, run one after the other and counted. Called by tools/test, which sets up and builds first."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOGS = ROOT / "build" / "test-logs"
PARTS = ("unit", "e2e", "asan", "tsan", "fuzz")
QUICK_PARTS = ("unit", "e2e")

PART_TIMEOUT_S = 15 * 60
FUZZ_SECONDS = int(os.environ.get("ATTNSCOPE_FUZZ_SECONDS", "30"))
FUZZ_AT_ONCE = 2
# The parsers get at most 64 KiB, so a larger allocation than this is one made on a header's word.
FUZZ_MALLOC_LIMIT_MB = 256
FUZZ_MAX_BYTES = 65536
# With more random bits than this the shadow memory of older ThreadSanitizers does not fit.
TSAN_MAX_RANDOM_BITS = 28


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_logged(command, log, timeout=PART_TIMEOUT_S, environment=None):
    """Runs the command with its output in the log; the exit code, or None when the time ran out."""
    with open(log, "ab") as out:
        out.write(f"$ {' '.join(map(str, command))}\n".encode())
        out.flush()
        try:
            return subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT,
                                  timeout=timeout, env={**os.environ, **(environment or {})}).returncode
        except subprocess.TimeoutExpired:
            out.write(b"\n*** took too long, ended\n")
            return None


# ---- C unit tests -----------------------------------------------------------------------------------------------

def count_cmocka(text):
    """Sums over what every test executable printed under `ctest -V`, whose lines begin with the test's number. A test
    that began and did not report (a crash) counts as failed."""
    total = Count()
    by_executable = {}
    for line in text.splitlines():
        match = re.match(r"(\d+): (.*)", line)
        if match:
            by_executable.setdefault(match[1], []).append(match[2])
    for lines in by_executable.values():
        announced, seen = 0, Count()
        for line in lines:
            if match := re.match(r"\[=+\] .*?Running (\d+) test", line):
                announced += int(match[1])
            elif match := re.match(r"\[\s*(PASSED|FAILED|SKIPPED)\s*\] .*?(\d+) test\(s\)", line):
                seen += Count(**{match[1].lower(): int(match[2])})
        seen.failed += max(0, announced - seen.passed - seen.failed - seen.skipped)
        total += seen
    return total


def ctest_command(tree):
    beside = ROOT / ".venv" / "bin" / "ctest"
    return [str(beside) if beside.exists() else shutil.which("ctest") or "ctest", "--test-dir", str(tree), "-V", "-j2"]


def run_ctest(tree, log, prefix=()):
    code = run_logged([*prefix, *ctest_command(tree)], log)
    count = count_cmocka(log.read_text("utf-8", "replace"))
    if code != 0 and count.failed == 0:
        count.failed = 1  # a start-up failure, a sanitizer's exit code, a time-out
    if count.passed + count.failed == 0:
        count.failed = 1  # nothing ran at all
    return count


def build(preset, log):
    code = run_logged([ROOT / "tools" / "build", "--tests", "--preset", preset], log)
    if code != 0:
        print(f"  the {preset} build failed", flush=True)
    return code == 0


def part_unit(log):
    return run_ctest(ROOT / "build", log)


def part_asan(log):
    return run_ctest(ROOT / "build-asan", log) if build("asan", log) else Count(failed=1)


def without_address_randomisation():
    """The command prefix that ThreadSanitizer needs on kernels with many random address bits, if it works here."""
    try:
        bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text())
    except (OSError, ValueError):
        return []
    prefix = ["setarch", os.uname().machine, "-R"]
    if bits <= TSAN_MAX_RANDOM_BITS or not shutil.which("setarch"):
        return []
    return prefix if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0 else []


def part_tsan(log):
    if not build("tsan", log):
        return Count(failed=1)
    return run_ctest(ROOT / "build-tsan", log, without_address_randomisation())


# ---- end to end -----------------------------------------------------------------------------------------------------

def part_e2e(log):
    results = LOGS / "e2e.xml"
    results.unlink(missing_ok=True)
    code = run_logged([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "-q", f"--junitxml={results}",
                       "tests/e2e"], log)
    count = Count()
    if results.exists():
        for suite in xml.etree.ElementTree.parse(results).getroot().iter("testsuite"):
            tests, failed, errors, skipped = (int(suite.get(key, "0"))
                                              for key in ("tests", "failures", "errors", "skipped"))
            count += Count(tests - failed - errors - skipped, failed + errors, skipped)
    if code != 0 and count.failed == 0:
        count.failed = 1
    return count


# ---- fuzzing ---------------------------------------------------------------------------------------------------------

def fuzz_command(target, corpus, seeds):
    return [str(target), str(corpus), str(seeds), f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
            f"-malloc_limit_mb={FUZZ_MALLOC_LIMIT_MB}", f"-max_len={FUZZ_MAX_BYTES}", "-print_final_stats=1",
            f"-artifact_prefix={LOGS}/{target.name}-"]


def part_fuzz(log):
    if not build("fuzz", log):
        return Count(failed=1)
    tree = ROOT / "build-fuzz"
    targets = sorted(path for path in (tree / "fuzz").glob("fuzz_*") if os.access(path, os.X_OK) and path.is_file())
    if not targets or run_logged([sys.executable, "tests/fuzz/make_seeds.py", tree / "seeds"], log) != 0:
        return Count(failed=1)

    count, running, waiting = Count(), [], list(targets)
    while waiting or running:
        while waiting and len(running) < FUZZ_AT_ONCE:
            target = waiting.pop(0)
            corpus, seeds = tree / "corpus" / target.name, tree / "seeds" / target.name
            corpus.mkdir(parents=True, exist_ok=True)
            seeds.mkdir(parents=True, exist_ok=True)
            target_log = LOGS / f"{target.name}.log"
            with open(target_log, "wb") as out:
                running.append((target, target_log, time.monotonic(), subprocess.Popen(
                    fuzz_command(target, corpus, seeds), stdout=out, stderr=subprocess.STDOUT, cwd=tree)))
        time.sleep(0.2)
        for entry in list(running):
            target, target_log, began, process = entry
            if process.poll() is None and time.monotonic() - began > 2 * FUZZ_SECONDS + 120:
                process.kill()
                process.wait()
            if process.poll() is not None:
                running.remove(entry)
                count += fuzz_result(target, target_log, process.returncode)
    return count


def fuzz_result(target, log, code):
    text = log.read_text("utf-8", "replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    executions = int(executed[1]) if executed else 0
    verdict = "ok" if code == 0 and executions else f"FAILED (exit code {code}, see {log.relative_to(ROOT)})"
    print(f"  {target.name}: {executions:,} executions, {verdict}", flush=True)
    return Count(passed=1) if verdict == "ok" else Count(failed=1)


# ---- all -----------------------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(prog="tools/test")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in PARTS:
            parser.error(f"no part '{part}': {', '.join(PARTS)}")
    chosen = arguments.parts or (QUICK_PARTS if arguments.quick else PARTS)

    LOGS.mkdir(parents=True, exist_ok=True)
    total = Count()
    for part in chosen:
        print(f"{part}:", flush=True)
        log = LOGS / f"{part}.log"
        log.unlink(missing_ok=True)
        began = time.monotonic()
        count = globals()[f"part_{part}"](log)
        total += count
        where = f"  (see {log.relative_to(ROOT)})" if count.failed else ""
        print(f"  {count}  in {time.monotonic() - began:.0f} s{where}", flush=True)
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
