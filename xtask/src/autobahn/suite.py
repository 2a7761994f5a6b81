"""Autobahn's suite for `cargo xtask autobahn`, in the Python that it was written for: 2.7.

suite.py cases PATTERN..      the names of the cases, as JSON
suite.py run [wstest's own]   wstest, which ends with its stdin, and as a server says where it listens
"""

import json
import os
import sys
import threading


def name_cases(patterns):
    from autobahntestsuite import case
    from autobahntestsuite.caseset import CaseSet

    suite = CaseSet(
        case.CaseSetname, case.CaseBasename, case.Cases, case.CaseCategories, case.CaseSubCategories
    )
    # One that is no pattern is taken for a case without being looked up.
    chosen = suite.parseSpecCases({"cases": patterns})
    print(json.dumps([name for name in chosen if name in suite.CasesById]))


def end_with_stdin():
    sys.stdin.read()
    os._exit(1)


def listen_anywhere():
    """On a port that the system chooses, not on the one of the URL, which nobody can reserve"""
    import autobahntestsuite.choosereactor
    from twisted.internet import reactor

    listen = reactor.listenTCP

    def listen_and_tell(port, factory, backlog=50, interface=""):
        # Else it lets in only who asks for the URL's.
        factory.externalPort = None
        listening = listen(0, factory, backlog, "127.0.0.1")
        print("listening 127.0.0.1:%d" % listening.getHost().port)
        return listening

    reactor.listenTCP = listen_and_tell


command = sys.argv.pop(1)
if command == "cases":
    name_cases(sys.argv[1:])
else:
    waiting = threading.Thread(target=end_with_stdin)
    waiting.daemon = True
    waiting.start()
    listen_anywhere()
    from autobahntestsuite import wstest

    wstest.run()
