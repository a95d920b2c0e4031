#!/usr/bin/env python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""What a browser makes of `jobmode report`.  usage: report_test.py JOBMODE [--screenshots FOLDER]

Ends with 77, which counts as skipped, when there is no Chromium.
"""

import argparse
import datetime
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

from devtools import Browser, find_chromium

USERS = 2000
DAYS = 90
FIRST_DAY = datetime.date(2024, 4, 2)
EVIL = '<img src=x onerror="hacked=1"><script>hacked=1</script>'
arguments = None


def write_crawl(folder):
    """A crawl's output of a fleet in which user 0007 stopped on 2024-05-01, 0008 backs up by hand, and 0009 never did;
    0014 has a second set, which stopped on 2024-06-10, and 0015 was not answered since 2024-06-26."""
    chance = random.Random(1)
    path = os.path.join(folder, "crawl.ndjson")
    with open(path, "w", encoding="utf-8") as records, open(path + ".failed.ndjson", "w", encoding="utf-8") as failed, open(
        path + ".asked.ndjson", "w", encoding="utf-8"
    ) as asked:
        for user in range(USERS):
            name = EVIL if user == 11 else f"customer-{user:04d}"
            gone = {12: range(40, 41), 15: range(85, DAYS)}.get(user, range(0))
            for begin, end in ((0, gone.start), (gone.stop, DAYS)) if gone else ((0, DAYS),):
                if begin == end:
                    continue
                first, last = (FIRST_DAY + datetime.timedelta(days=offset) for offset in (begin, end - 1))
                common = {"Server": "cbs.example.com", "LoginName": name, "From": str(first), "To": str(last)}
                asked.write(json.dumps(common | {"Ended": "answered", "At": "2024-07-01T07:00:00+02:00"}) + "\n")
            for offset in range(DAYS):
                day = FIRST_DAY + datetime.timedelta(days=offset)
                common = {"LoginName": name, "BackupDate": str(day), "Server": "cbs.example.com"}
                if offset in gone:
                    failed.write(json.dumps(common | {"Error": "server_busy", "Message": "the server is busy"}) + "\n")
                    continue
                if user == 9 or (user == 7 and day > datetime.date(2024, 5, 1)) or (user > 100 and chance.random() < 0.03):
                    continue
                mode = {8: "M", 10: "R", 13: "Q"}.get(user, "S")
                records.write(
                    json.dumps(
                        common
                        | {
                            "StartTime": f"{day}T22:{user % 60:02d}:00",
                            "EndTime": f"{day}T23:15:00",
                            "BackupSetName": EVIL if user == 11 else "Documents",
                            "BackupJobMode": mode,
                        }
                    )
                    + "\n"
                )
                if user == 14 and day <= datetime.date(2024, 6, 10):
                    records.write(json.dumps(common | {"BackupSetName": "Mail", "BackupJobMode": "S"}) + "\n")
    with open(os.path.join(folder, "users.txt"), "w", encoding="utf-8") as users:
        users.writelines(f"customer-{user:04d}\n" for user in range(USERS) if user != 11)
    return path


class ReportPage(unittest.TestCase):
    """Every test begins with the page as it is after loading."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="jobmode-report-")
        crawl = write_crawl(cls.folder.name)
        cls.page = os.path.join(cls.folder.name, "crawl.html")
        users = os.path.join(cls.folder.name, "users.txt")
        subprocess.run(
            [arguments.jobmode, "report", crawl, "--users", users, "--title", f"Fleet {EVIL}"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        cls.browser = Browser(find_chromium())

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.folder.cleanup()

    def setUp(self):
        self.browser.open(self.page)
        self.browser.settle()

    def tearDown(self):
        if arguments.screenshots:
            os.makedirs(arguments.screenshots, exist_ok=True)
            self.browser.screenshot(os.path.join(arguments.screenshots, self._testMethodName + ".png"))

    def text(self, selector):
        return self.browser.run(f"document.querySelector({json.dumps(selector)})?.textContent")

    def row(self, index):
        """The texts of a row in sight, by its place in the order: name, since, gaps."""
        return self.browser.run(
            f"""[...document.querySelector('#grid tbody tr[aria-rowindex="{index + 2}"]').cells]
                .slice(0, 3).map(cell => cell.textContent)"""
        )

    def spoken(self):
        """What assistive technology is told of the cell that the keyboard is at."""
        return self.browser.run(
            """document.getElementById(document.getElementById('grid').getAttribute('aria-activedescendant'))
                ?.getAttribute('aria-label')"""
        )

    def tip(self):
        return self.browser.run("tip.hidden ? null : tip.innerText")

    def test_it_loads_without_an_error_and_without_the_network(self):
        troubles = [
            event
            for event in self.browser.events
            if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        ]
        self.assertEqual(troubles, [])
        asked = [e["params"]["request"]["url"] for e in self.browser.events if e["method"] == "Network.requestWillBeSent"]
        self.assertEqual(asked, ["file://" + self.page])
        self.assertLess(os.path.getsize(self.page), 4 << 20)

    def test_names_are_text_and_never_markup(self):
        self.assertIsNone(self.browser.run("globalThis.hacked"))
        self.assertEqual(self.text("h1"), f"Fleet {EVIL}")
        self.assertEqual(self.browser.run("document.title"), f"Fleet {EVIL}")
        self.browser.press("/")
        self.browser.type("<img")
        self.assertEqual(self.row(0)[0], EVIL)
        self.browser.run("grid.focus(); moveTo(0, 5)")
        self.assertIn(EVIL, self.tip())
        self.assertEqual(self.browser.run("document.images.length"), 0)
        self.assertIsNone(self.browser.run("globalThis.hacked"))

    def test_the_worst_stand_first(self):
        self.assertEqual(self.row(0), ["customer-0009", "never", "88"])
        self.assertEqual(self.row(1), ["customer-0007", "60", "60"])
        self.assertEqual(self.row(2), ["customer-0014", "20", "20"])
        order = self.browser.run("shown.map(user => [rank(user), user.missed])")
        self.assertEqual(order, sorted(order, reverse=True))
        silent = self.browser.run("shown.filter(isSilent).length")
        self.assertGreater(silent, 30)
        self.assertEqual(self.browser.run(f"[shown[{silent}].n, sinceText(shown[{silent}])]"), ["customer-0015", "?"])
        self.assertEqual(self.text("#unknown").split(":")[0], "1 user is unknown")
        self.browser.run("byId('sort').value = 'name'; byId('sort').dispatchEvent(new Event('input', {bubbles: true}))")
        self.assertEqual(self.row(1)[0], "customer-0000")

    def test_rows_open_into_backup_sets(self):
        self.browser.press("/")
        self.browser.type("0014")
        self.browser.run("document.querySelector('.opener').click()")
        self.assertEqual(self.row(0), ["customer-0014", "20", "20"])
        self.assertEqual(self.row(1), ["Documents", "0", "0"])
        self.assertEqual(self.row(2), ["Mail", "20", "20"])
        self.assertEqual(self.text("#shown"), "1 of 2,000 users")
        self.assertEqual(self.browser.run("grid.getAttribute('aria-rowcount')"), "4")
        self.browser.press("ArrowDown")
        self.browser.press("ArrowDown")
        self.assertEqual(self.spoken(), "customer-0014, Mail, Sunday 2024-06-30, none")
        self.assertIn("silent, 20 expected days missing, last 2024-06-10", self.browser.run("rowOf(2).cells[0].title"))
        self.browser.press("Enter")
        self.assertEqual(self.browser.run("shown.length"), 1)
        self.browser.press("Enter")
        self.assertEqual(self.browser.run("shown.length"), 3)
        self.assertEqual(self.browser.run("document.querySelector('.opener').getAttribute('aria-expanded')"), "true")

    def test_only_the_rows_in_sight_are_in_the_document(self):
        self.assertEqual(self.browser.run("grid.getAttribute('aria-rowcount')"), str(USERS + 1))
        self.assertLess(self.browser.run("document.querySelectorAll('#grid tbody tr').length"), 100)
        self.browser.run("scrollTo(0, document.body.scrollHeight)")
        self.browser.settle()
        self.assertEqual(self.row(USERS - 1)[2], "0")
        self.assertLess(self.browser.run("document.querySelectorAll('#grid tbody tr').length"), 100)
        heights = "new Set([...document.querySelectorAll('tbody tr[aria-rowindex]')].map(row => row.offsetHeight))"
        self.assertEqual(self.browser.run(f"[...{heights}]"), [20])
        # The head stays in sight.
        self.assertEqual(self.browser.run("grid.tHead.rows[0].cells[0].getBoundingClientRect().top"), 0)

    def test_the_name_filter_is_reached_by_a_key(self):
        self.browser.press("/")
        self.browser.type("R-1234")
        self.assertEqual(self.text("#shown"), "1 of 2,000 users")
        self.assertEqual(self.row(0)[0], "customer-1234")
        self.browser.type("no such user")
        self.assertEqual(self.text("#shown"), "0 of 2,000 users")
        self.assertEqual(self.text("#grid tbody"), "No user has such a name.")

    def test_the_keyboard_moves_through_days_and_users(self):
        self.browser.run("byId('only').focus()")
        self.browser.press("Tab")
        self.assertEqual(self.browser.run("document.activeElement.id"), "grid")
        self.assertEqual(self.spoken(), "customer-0009, Sunday 2024-06-30, none")
        self.browser.press("ArrowDown")
        self.assertEqual(self.spoken(), "customer-0007, Sunday 2024-06-30, none")
        self.browser.press("ArrowLeft")
        self.assertEqual(self.spoken(), "customer-0007, Saturday 2024-06-29, none")
        self.browser.press("Home")
        self.assertEqual(
            self.spoken(), "customer-0007, Tuesday 2024-04-02, scheduled, 22:07–23:15 Documents, scheduled"
        )
        self.assertIn("22:07–23:15 Documents, scheduled", self.tip())
        self.browser.press("End", control=True)
        self.assertIn(", Sunday 2024-06-30, scheduled, 22:", self.spoken())
        self.assertEqual(self.browser.run("active.row"), USERS - 1)
        visible = "(box => box.top >= 40 && box.bottom <= innerHeight)(document.querySelector('.cell').getBoundingClientRect())"
        self.assertTrue(self.browser.run(visible))
        self.browser.press("PageUp")
        self.assertLess(self.browser.run("active.row"), USERS - 10)
        self.assertTrue(self.browser.run(visible))
        self.browser.press("Home", control=True)
        self.assertEqual(self.spoken(), "customer-0009, Tuesday 2024-04-02, none")
        self.assertTrue(self.browser.run(visible))
        self.browser.press("Escape")
        self.assertIsNone(self.tip())

    def test_the_mouse_shows_the_jobs_and_the_failure_of_a_day(self):
        self.browser.press("/")
        self.browser.type("0012")
        box = self.browser.run("(b => [b.left, b.top])(rowOf(0).cells[3].getBoundingClientRect())")
        width = self.browser.run("cellWidth")
        self.browser.point_at(box[0] + 39.5 * width, box[1] + 10)
        self.assertEqual(
            self.tip().split("\n"),
            ["customer-0012", "Saturday 2024-05-11: scheduled", "22:12–23:15 Documents, scheduled"],
        )
        self.browser.point_at(box[0] + 40.5 * width, box[1] + 10)
        self.assertEqual(
            self.tip().split("\n"),
            ["customer-0012", "Sunday 2024-05-12: query failed", "Query failed: the server is busy"],
        )
        self.browser.point_at(5, 5)
        self.assertIsNone(self.tip())

    def test_silent_users_are_counted_for_any_number_of_missed_days(self):
        silent = "data.users.filter(user => user.verdict === 's' && user.missed >= {}).length"
        self.assertEqual(self.text("#alarm-count"), f"{self.browser.run(silent.format(1))} users are")
        self.browser.run("byId('alarm-missed').focus(); byId('alarm-missed').select()")
        self.browser.type("20")
        self.assertEqual(self.text("#alarm-count"), "3 users are")
        self.assertEqual(self.browser.run("document.querySelectorAll('#alarm-list li').length"), 3)
        self.assertEqual(self.text("#alarm-list li:last-child"), "customer-00141 of 2 sets, last 2024-06-10")
        self.browser.run("byId('only').click()")
        self.assertEqual(self.text("#shown"), "3 of 2,000 users")
        self.browser.run("document.querySelector('#alarm-list li:nth-child(2) button').click()")
        self.assertIn("customer-0007, Sunday 2024-06-30, none", self.spoken())

    def test_assistive_technology_finds_a_name_for_everything(self):
        found = {}
        for node in self.browser.call("Accessibility.getFullAXTree")["nodes"]:
            if not node.get("ignored"):
                found.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        self.assertEqual(found["grid"], ["Backups by user and day"])
        self.assertEqual(found["searchbox"], ["Filter by name"])
        self.assertEqual(found["combobox"], ["Sort"])
        self.assertEqual(found["checkbox"], ["Only those named above"])
        self.assertEqual(found["spinbutton"], ["number of missed days"])
        self.assertEqual(found["columnheader"], ["User", "Since", "Missed", "Days"])
        self.assertIn("customer-0007", found["rowheader"])
        for role in ("button", "gridcell"):
            self.assertNotIn("", found[role])

    def test_states_differ_without_colour(self):
        shapes = self.browser.run(
            """[..."SMRUNPX."].map(state => marks([state], 0, 1, 12, 20).replace(/ class="[^"]*"/g, ''))"""
        )
        self.assertEqual(len(set(shapes)), 8)

    def test_print_has_every_row(self):
        self.browser.run(
            """addEventListener('beforeprint', () => {
                globalThis.printed = document.querySelectorAll('#print tbody tr').length; })"""
        )
        pages = len(re.findall(rb"/Type\s*/Page\b", self.browser.pdf()))
        self.assertEqual(self.browser.run("printed"), USERS)
        self.assertGreater(pages, USERS // 60)
        self.assertLess(pages, USERS // 40)
        self.assertEqual(self.browser.run("document.querySelectorAll('#print tr').length"), 0)


def main():
    global arguments
    parser = argparse.ArgumentParser()
    parser.add_argument("jobmode")
    parser.add_argument("--screenshots")
    arguments = parser.parse_args()
    if not find_chromium():
        print("skipped: there is no Chromium")
        return 77
    return 0 if unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
