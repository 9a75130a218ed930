"""A PostgreSQL 15 of its own: started unprivileged on a socket in a temporary directory, gone afterwards."""

import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

BINARIES = "/usr/lib/postgresql/15/bin"  # where Debian puts them

# One expression over the rows of table `t` (column `k` numbers them), as one line of JSON:
#   [type, [text | null | {"code":, "message":}, ...]]
# All rows at once; one by one only when that fails. OFFSET 0 keeps the planner from copying the expression into
# the outer query, where it would be evaluated several times. `inner_query` gives the rows.
SETUP = r"""
SET client_min_messages = fatal;
SET timezone = 'UTC';
SET statement_timeout = '20s';
CREATE OR REPLACE FUNCTION pg_temp.sr_rows(e text, source text, rows int) RETURNS text LANGUAGE plpgsql AS $f$
DECLARE
  kind text; answers json; answer json; every json[] := '{}'; state text; said text;
BEGIN
  BEGIN
    EXECUTE 'SELECT min(pg_typeof(v)::text), json_agg(CASE WHEN v IS NULL AND format(''%s'', v) = '''' THEN NULL '
      'ELSE format(''%s'', v) END ORDER BY k) FROM (SELECT k, (' || e || ') AS v FROM (' || source ||
      ') t OFFSET 0) s' INTO kind, answers;
    RETURN json_build_array(kind, answers)::text;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
    IF rows = 1 OR state IN ('42725', '42703', '42P18', '42846') THEN
      RETURN json_build_array(NULL, json_agg(json_build_object('code', state, 'message', said)))::text
        FROM generate_series(1, rows);
    END IF;
  END;
  FOR i IN 1..rows LOOP
    BEGIN
      EXECUTE 'SELECT pg_typeof(v)::text, to_json(CASE WHEN v IS NULL AND format(''%s'', v) = '''' THEN NULL '
        'ELSE format(''%s'', v) END) FROM (SELECT (' || e || ') AS v FROM (' || source ||
        ') t WHERE k = $1 OFFSET 0) s' INTO kind, answer USING i;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
      answer := json_build_object('code', state, 'message', said);
    END;
    every := every || coalesce(answer, 'null'::json);
  END LOOP;
  RETURN json_build_array(kind, array_to_json(every))::text;
END $f$;
"""


def dollar_quoted(text):
    tag = "$sr$"
    while tag in text:
        tag = tag[:-1] + "r$"
    return tag + text + tag


def _die_with_parent():
    """A killed test leaves no server behind (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


class Postgres:
    """Use with `with`. `available` says whether there is anything to start."""

    @staticmethod
    def available():
        return all(os.access(os.path.join(BINARIES, name), os.X_OK) for name in ("initdb", "postgres", "psql"))

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: exit(1))
        base = tempfile.gettempdir()
        # The path of a Unix socket has at most 107 bytes.
        self.directory = tempfile.mkdtemp(prefix="sr-pg-", dir=base if len(base) < 60 else "/tmp")
        self.server = None
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self):
        self.identity = {}
        if os.getuid() == 0:  # initdb refuses to run as root
            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            user = names.get("postgres") or names["nobody"]
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        data = os.path.join(self.directory, "data")
        made = subprocess.run(
            [f"{BINARIES}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
             "--no-sync", "--no-instructions"],
            cwd=self.directory, env=self._environment(), capture_output=True, text=True, **self.identity)
        if made.returncode != 0:
            raise RuntimeError("initdb failed: " + made.stderr)
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "wb") as log:
            self.server = subprocess.Popen(
                [f"{BINARIES}/postgres", "-D", data, "-c", "listen_addresses=", "-c",
                 f"unix_socket_directories={self.directory}", "-c", "timezone=UTC", "-c", "fsync=off", "-c",
                 "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "jit=off", "-c", "autovacuum=off"],
                cwd=self.directory, env=self._environment(), stdout=log, stderr=log, preexec_fn=_die_with_parent,
                **self.identity)
        for _ in range(300):
            if self.server.poll() is None and self._psql("SELECT 1").returncode == 0:
                return
            if self.server.poll() is not None:
                break
            time.sleep(0.1)
        with open(self.log) as log:
            raise RuntimeError("postgres did not start: " + log.read()[-2000:])

    def _environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": self.directory}

    def __exit__(self, *_):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)  # immediate shutdown: nothing here is worth a checkpoint
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _psql(self, sql):
        return subprocess.run(
            [f"{BINARIES}/psql", "-qAtX", "-h", self.directory, "-U", "postgres", "-d", "postgres"], input=sql,
            env=self._environment(), capture_output=True, text=True)

    def run(self, sql):
        done = self._psql("\\set ON_ERROR_STOP 1\n" + sql)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout

    def refusal(self, expression):
        """The message for `SELECT expression`, "" when there is none: where brackets of an evaluation hide it."""
        said = self._psql(f"SELECT {expression};").stderr
        return next((line.partition("ERROR:  ")[2] for line in said.split("\n") if "ERROR:  " in line), "")

    def evaluate(self, expressions, rows, source="SELECT * FROM t"):
        """Per expression: (type, [text | None | {"code", "message"}, ...]), or None when it took too long.

        `source` is the query of the rows, or a function from an expression's number to it.
        """
        lines = [SETUP]
        for number, expression in enumerate(expressions):
            query = source(number) if callable(source) else source
            lines.append(f"SELECT {number}, pg_temp.sr_rows({dollar_quoted(expression)}, {dollar_quoted(query)}, {rows});")
        done = self._psql("\n".join(lines))
        answers = [None] * len(expressions)
        for line in done.stdout.split("\n"):
            number, bar, answer = line.partition("|")
            if bar:
                kind, values = json.loads(answer)
                answers[int(number)] = (kind, values)
        if "sr_rows" in done.stderr and "does not exist" in done.stderr or self.server.poll() is not None:
            raise RuntimeError("PostgreSQL: " + done.stderr[:2000])
        return answers
