"""Moments of a step's life at which a worker is held: before its work, inside it, after it, and as its revert begins.

PostgreSQL holds the worker, by triggers that wait for a lock of the test's: at the claim, at the first row that the
step writes, at its finish. A step that writes no row is held inside its first call of a driver, by the simulation's
plan. To be reverted, a step fails at its finish: there PostgreSQL refuses its statement. Nothing in the product knows
of it.
"""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from django.apps import apps

from apps.workflow import catalogue
from apps.workflow.services.claims import lock_key
from tests.cloud import Cloud, wait_for

BEFORE, INSIDE, AFTER, REVERT = "before", "inside", "after", "revert"
MOMENTS = (BEFORE, INSIDE, AFTER, REVERT)
LOCK = 7919  # the first key of the locks that hold


# The key of a subject's lease (apps/workflow/services/claims.py, lock_key).
LEASE = "('x' || left(encode(sha256(convert_to(s.type || ':' || s.id, 'UTF8')), 'hex'), 16))::bit(64)::bigint"
SETUP = f"""
CREATE TABLE test_moment (id serial PRIMARY KEY, name text, pipeline text, step text, moment text);
CREATE FUNCTION test_hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE key int;
BEGIN
    SELECT m.id INTO key FROM test_moment m JOIN workflow_run r ON r.id = NEW.run_id AND r.pipeline = m.pipeline
      JOIN test_subject s ON s.id = r.subject_id AND s.type = r.subject_type AND s.name = m.name
     WHERE m.step = NEW.name AND m.moment = TG_ARGV[0] LIMIT 1;
    IF key IS NOT NULL THEN PERFORM pg_advisory_xact_lock({LOCK}, key); END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION test_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM test_moment m JOIN workflow_run r ON r.id = NEW.run_id AND r.pipeline = m.pipeline
      JOIN test_subject s ON s.id = r.subject_id AND s.type = r.subject_type AND s.name = m.name
     WHERE m.step = NEW.name AND m.moment = '{REVERT}';
    IF FOUND THEN RAISE EXCEPTION 'the test lets this step fail'; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION test_hold_revert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE key int;
BEGIN
    SELECT m.id INTO key FROM test_moment m JOIN workflow_run r ON r.id = NEW.run_id AND r.pipeline = m.pipeline
      JOIN test_subject s ON s.id = r.subject_id AND s.type = r.subject_type AND s.name = m.name
     WHERE m.moment = '{REVERT}' LIMIT 1;
    IF key IS NOT NULL THEN PERFORM pg_advisory_xact_lock({LOCK}, key); END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION test_hold_inside() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE key int;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM test_moment WHERE moment = '{INSIDE}') THEN RETURN NULL; END IF;
    -- A claim changes the subject's row in the statement that changes the run: it is not inside yet.
    SELECT m.id INTO key FROM test_moment m JOIN test_subject s ON s.name = m.name
      JOIN workflow_run r ON r.subject_id = s.id AND r.subject_type = s.type AND r.pipeline = m.pipeline
       AND r.next_step = m.step
       AND r.state = 'running' AND r.step_state = 'running' AND r.xmin <> pg_current_xact_id()::xid
      JOIN pg_locks l ON l.pid = pg_backend_pid() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND ((l.classid::bigint << 32) | l.objid::bigint)
           = {LEASE}
     WHERE m.moment = '{INSIDE}' LIMIT 1;
    IF key IS NOT NULL THEN PERFORM pg_advisory_xact_lock({LOCK}, key); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER test_before BEFORE INSERT ON workflow_step FOR EACH ROW WHEN (NEW.direction = 'execute')
    EXECUTE FUNCTION test_hold('{BEFORE}');
CREATE TRIGGER test_after BEFORE UPDATE ON workflow_step FOR EACH ROW
    WHEN (NEW.direction = 'execute' AND OLD.result = '' AND NEW.result = 'success')
    EXECUTE FUNCTION test_hold('{AFTER}');
CREATE TRIGGER test_fail BEFORE UPDATE ON workflow_step FOR EACH ROW
    WHEN (NEW.direction = 'execute' AND OLD.result = '' AND NEW.result = 'success')
    EXECUTE FUNCTION test_fail();
CREATE TRIGGER test_revert BEFORE INSERT ON workflow_step FOR EACH ROW WHEN (NEW.direction = 'revert')
    EXECUTE FUNCTION test_hold_revert();
"""
# Rows that steps write, besides those of their subjects.
WRITTEN = ("compute_blockdevice", "images_image", "networking_port", "scheduling_allocation", "scheduling_inventory")


def _setup() -> str:
    """Return SETUP for all subjects of the catalogue: each has a table with IDs and names."""
    tables = {subject.name: apps.get_model(subject.model)._meta.db_table for subject in catalogue.subjects()}
    rows = [f"SELECT '{name}'::text AS type, id, name FROM {table}" for name, table in tables.items()]
    triggers = [
        f"CREATE TRIGGER test_inside BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT "
        "EXECUTE FUNCTION test_hold_inside();"
        for table in (*tables.values(), *WRITTEN)
    ]
    return "\n".join([f"CREATE VIEW test_subject AS {' UNION ALL '.join(rows)};", SETUP, *triggers])


@dataclass
class Moment:
    """One step of the pipeline of the subject ``name``, and whether its worker is held there. ``op``: inside of which
    call of a driver.
    """

    name: str
    pipeline: str
    step: str
    moment: str
    op: str = "*"
    id: int = 0
    fault: dict[str, Any] = field(default_factory=dict)


class Moments:
    """All held workers of one cloud, in one database session of the test."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._armed: list[Moment] = []
        cloud.rows(_setup())
        self._connect()

    def _connect(self) -> None:
        self._session = psycopg2.connect(self.cloud.environment["CELERITY_DATABASE_URL"])
        self._session.autocommit = True

    def close(self) -> None:
        self._session.close()

    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._session.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def arm(self, moment: Moment, *, subject_id: str = "") -> None:
        """Hold the worker that comes to this moment. ``subject_id``: known when it is ``INSIDE``."""
        # Locked before the row can be seen: a worker that finds it has to wait.
        with self._session.cursor() as cursor:
            cursor.execute("SELECT nextval('test_moment_id_seq')")
            [moment.id] = cursor.fetchone() or [0]
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, moment.id])
        statement = "INSERT INTO test_moment (id, name, pipeline, step, moment) VALUES (%s, %s, %s, %s, %s)"
        self._run(statement, moment.id, moment.name, moment.pipeline, moment.step, moment.moment)
        if moment.moment == INSIDE:
            context = {catalogue.get(moment.pipeline).subject: subject_id, "step": moment.step}
            moment.fault = {"op": moment.op, "when": "inside", "error": "hang", "times": 1, "context": context}
            moment.fault["id"] = str(uuid.uuid4())
        self._armed.append(moment)
        self._plan()

    def _plan(self) -> None:
        self.cloud.plan(*[moment.fault for moment in self._armed if moment.fault])

    def reached(self, moment: Moment) -> bool:
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND NOT granted"
        return bool(self._run(waiting, LOCK, moment.id)) or self._hangs(moment)

    def waits(self, pipeline: str, subject_id: str) -> bool:
        """Whether the worker that holds the subject waits for a lock: a held one has what it needs."""
        return bool(self._run(
            "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory'"
            " AND l.granted AND l.objsubid = 1 AND a.wait_event_type = 'Lock'"
            " AND ((l.classid::bigint << 32) | l.objid::bigint) = %s",
            lock_key(catalogue.get(pipeline).subject, uuid.UUID(subject_id)),
        ))  # fmt: skip

    def _hangs(self, moment: Moment) -> bool:
        if not moment.fault:
            return False
        # A claimed fault is a file named by the fault (workers/drivers/simulation.py).
        from workers.drivers.simulation import Fault

        claims = self.cloud.plan_file.with_name(f"{self.cloud.plan_file.name}.claims")
        return (claims / f"{Fault.parse(moment.fault).key}-0").exists()

    def disarm(self, moments: list[Moment]) -> None:
        """Hold no other worker there; a held one stays so until ``release``."""
        for moment in moments:
            self._run("DELETE FROM test_moment WHERE id = %s", moment.id)

    def release(self, moments: list[Moment]) -> None:
        """Release the held workers."""
        self.disarm(moments)
        for moment in moments:
            self._run("SELECT pg_advisory_unlock(%s, %s)", LOCK, moment.id)
            if moment in self._armed:
                self._armed.remove(moment)
        self._plan()

    def end(self) -> None:
        """Release all workers, whatever happened."""
        self._run("DELETE FROM test_moment")
        self._run("SELECT pg_advisory_unlock_all()")
        self._armed.clear()
        self._plan()

    def wait(self, moments: list[Moment]) -> None:
        for moment in moments:
            wait_for(lambda moment=moment: self.reached(moment), what=f"{json.dumps(moment.__dict__)} reached")

    def forget(self) -> None:
        """PostgreSQL was restarted: nothing is held any more."""
        self._session.close()
        self._connect()
        self._armed.clear()
        self._plan()
