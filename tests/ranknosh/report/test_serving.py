"""ranknosh/report/serving.py: a real server on this machine, asked over HTTP."""

import socket
import threading
from http.client import HTTPConnection

import pytest

from ranknosh.errors import ConfigError
from ranknosh.report.serving import HOST, REFRESH, LivePage, served
from ranknosh.runs.folder import locked
from ranknosh.runs.journal import FILE
from ranknosh.workflows import open_run


def asked(server, path="/", host="localhost"):
    connection = HTTPConnection(HOST, server.server_port)
    connection.request("GET", path, headers={"Host": f"{host}:{server.server_port}"})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


@pytest.fixture
def folder(tmp_path, build):
    return build.run(tmp_path / "run", candidates=6, epochs=(1, 2))


@pytest.fixture
def server(folder):
    with served(LivePage(folder, open_run), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_page_is_that_of_the_journal_as_it_is_now(server, folder):
    status, headers, page = asked(server)
    assert (status, page) == (200, open_run(folder).page())
    assert "Refresh" not in headers
    journal = folder / FILE
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(True)[:20]))
    assert asked(server)[2] == open_run(folder).page() != page


def test_a_browser_asks_again_while_the_run_works_and_no_longer(server, folder):
    with locked(folder):
        _, headers, _ = asked(server)
        assert headers["Refresh"] == str(REFRESH)
    assert "Refresh" not in asked(server)[1]


def test_other_paths_other_hosts_and_damaged_journals_are_refused(server, folder):
    assert asked(server, "/etc/passwd")[0] == 404
    assert asked(server, host="evil.example")[0] == 403
    with (folder / FILE).open("ab") as journal:
        journal.write(b"no line of a journal\n")
    status, _, said = asked(server)
    assert status == 500
    assert "damaged at line" in said


def test_a_port_that_is_taken_is_named(folder):
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with (
            pytest.raises(ConfigError, match=f"port {other.getsockname()[1]} of this machine .*--port 0"),
            served(LivePage(folder, open_run), other.getsockname()[1]),
        ):
            pass
