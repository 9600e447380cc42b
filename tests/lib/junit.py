"""junit.py FILE: what ctest found, a line each: state, name, why."""
import sys
import xml.etree.ElementTree as xml


def state(case):
    if case.get("status") == "run":
        return "passed", ""
    skipped = case.find("skipped")
    # Not only a test that says so is "skipped": one that cannot be started
    # is too, and that is a failure.
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        said = (case.findtext("system-out") or "").strip().splitlines()
        return "skipped", said[-1].strip() if said else "no reason given"
    failure = case.find("failure")
    if failure is None:
        failure = skipped
    return "failed", "" if failure is None else failure.get("message", "")


for case in xml.parse(sys.argv[1]).getroot().iter("testcase"):
    print(*state(case)[:1], case.get("name"), *state(case)[1:])
