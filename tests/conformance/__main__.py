"""`make conformance`: runs Tempest's suites against a private cloud, compares the outcome with what passed before."""

import argparse
import itertools
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from deploy.errors import DeployError
from tests.conformance import configuration, environments, records, report, target
from tests.conformance.clouds import CLOUDS
from tests.conformance.configuration import Options
from tests.conformance.records import Verdict
from tests.conformance.stestr import Outcome, Runner, bare
from tests.conformance.suites import LAB_SUITES, SERVICES, SLOW, SUITES, Suite, together


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("services", nargs="?", default=",".join(SERVICES), help="identity,image,compute,network,volume")
    parser.add_argument(
        "--cloud", choices=CLOUDS, default="simulated", help="lab: what needs several hosts, against `make lab`"
    )
    parser.add_argument("--match", default="", metavar="REGEX", help="only tests whose id matches")
    parser.add_argument("--concurrency", type=int, default=4, metavar="N", help="tests at a time (default 4)")
    parser.add_argument("--option", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for tempest.conf")
    parser.add_argument("--passing", action="store_true", help="only tests that passed before")
    parser.add_argument("--stable", action="store_true", help="--passing without the slow classes, for CI")
    parser.add_argument("--seconds", type=float, metavar="S", help="end each run of stestr after this time")
    parser.add_argument("--record", action="store_true", help="write passing.txt and docs/conformance.md")
    parser.add_argument("--keep", action="store_true", help="keep Tempest's logs and the cloud's")
    options = parser.parse_args(arguments)
    options.passing = options.passing or options.stable
    options.services = [name for name in options.services.split(",") if name]
    if unknown := set(options.services) - set(SERVICES):
        parser.error(f"no such service: {', '.join(sorted(unknown))} (there are {', '.join(SERVICES)})")
    return options


def overrides(texts: list[str]) -> Options:
    """Return --option's values. Raises DeployError for one that is not SECTION.KEY=VALUE."""
    parsed = {}
    for text in texts:
        match = re.fullmatch(r"([\w-]+)\.([\w-]+)=(.*)", text)
        if not match:
            raise DeployError(f"--option takes SECTION.KEY=VALUE, not {text}.")
        parsed[match[1], match[2]] = match[3]
    return parsed


def run_together(
    suites: Sequence[Suite], options: argparse.Namespace, site: configuration.Target, more: Options, work: Path,
    passing: set[str],
) -> dict[str, Outcome]:  # fmt: skip
    """Run suites that share an environment and a configuration in one directory, as one run of stestr.

    Starting Tempest costs seconds, and near the end of each run its processes wait for the slowest one. ``more`` is
    what the cloud adds to the configuration. Return how each selected test ended.
    """
    work.mkdir(parents=True)
    # Separate networks for each test class take time that CI does not have.
    networks = {("auth", "create_isolated_networks"): "false" if options.stable else "true"}
    path = configuration.write(work, site, networks, more, suites[0].options, overrides(options.option))
    runner = Runner(environments.ensure(suites[0].tempest), work, path)
    tests = [
        test
        for test in runner.list()
        if any(suite.selects(test) for suite in suites) and re.search(options.match, test)
    ]
    if options.passing:
        tests = [test for test in tests if bare(test) in passing and not (options.stable and SLOW.search(test))]
    print(f"-- {', '.join(suite.name for suite in suites)}: {len(tests)} tests", file=sys.stderr, flush=True)
    return runner.run(tests, concurrency=options.concurrency, seconds=options.seconds)


def run(options: argparse.Namespace, directory: Path) -> dict[str, Verdict]:
    """Have the cloud, and run every suite that was asked for; return the verdicts by suite."""
    passing, missing, skips = records.read_passing(), records.read_missing(), records.read_skips()
    offered = LAB_SUITES if options.cloud == "lab" else SUITES
    chosen = [suite for suite in offered if suite.service in options.services]
    runs = together([suite for suite in chosen if suite.in_ci or not options.stable])
    for suites in runs:
        environments.ensure(suites[0].tempest)
    web = directory / "web"
    web.mkdir()
    outcomes: dict[str, Outcome] = {}
    with (
        target.serve(web) as web_url,
        CLOUDS[options.cloud]() as cloud,
        target.prepared(cloud, web, web_url) as site,
    ):
        for number, suites in enumerate(runs):
            outcomes |= run_together(suites, options, site, cloud.options, directory / str(number), passing)
        if options.keep:
            shutil.copytree(cloud.log, directory / "cloud-log")
    verdicts = {}
    for suite in itertools.chain(*runs):
        if own := {test: outcome for test, outcome in outcomes.items() if suite.selects(test)}:
            verdicts[suite.name] = records.judge(own, passing, missing, skips)
    return {suite.name: verdicts[suite.name] for suite in offered if suite.name in verdicts}


def conclude(options: argparse.Namespace, verdicts: dict[str, Verdict]) -> int:
    """Print the tables; record what passes if asked to. Return the exit status."""
    print(f"\n{report.table(verdicts)}")
    if lines := report.failures(verdicts):
        print(f"\n{lines}")
    if options.record:
        if options.cloud == "simulated":  # what passes with real guests alone would fail with others from now on
            recorded = records.read_passing()
            records.write_passing(recorded.union(*(verdict.passed for verdict in verdicts.values())))
        if not (options.match or options.passing):
            report.record(verdicts)
    regressions = sum(len(verdict.regressions) for verdict in verdicts.values())
    unnamed = sum(len(verdict.unnamed) for verdict in verdicts.values())
    passed = sum(len(verdict.passed) for verdict in verdicts.values())
    print(f"\n{passed} tests pass. {regressions} that passed before fail now.")
    return 1 if regressions or unnamed or not passed else 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    directory = Path(tempfile.mkdtemp(prefix="celerity-conformance-"))
    try:
        return conclude(options, run(options, directory))
    except DeployError as error:
        print(f"{error.details}\n{error.message}\n{error.hint}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    finally:
        if options.keep:
            print(f"Logs: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
