"""``manage.py why`` on a real cloud: servers that are done, failed, waiting, stuck or deleted."""

from tests.cloud import Cloud, wait_for

WIDTH = 100


def why(cloud: Cloud, server: str, *options: str) -> str:
    told = cloud.manage("why", server, *options)
    assert max(len(line) for line in told.splitlines()) <= WIDTH, told
    return told


def meaning(told: str) -> str:
    return " ".join(told.split("What this means", 1)[1].split())


def test_done(cloud: Cloud) -> None:
    key = cloud.create("web", metadata={})
    cloud.settled(key)
    told = why(cloud, "web")
    assert told == why(cloud, key) or key in told
    for part in (key, "ACTIVE", "demo of the project demo", "m1.tiny", "schedule", "spawn", "success", "server.create"):
        assert part in told, part
    assert "Done: the server is active on sim-" in meaning(told)
    for secret in ("user_data", "password", "Fernet"):
        assert secret not in told


def test_failed_for_want_of_a_host(cloud: Cloud) -> None:
    cloud.rows("UPDATE scheduling_host SET enabled = false, disabled_reason = 'repair'")
    key = cloud.create("nowhere")
    cloud.settled(key)
    told = why(cloud, key)
    cloud.rows("UPDATE scheduling_host SET enabled = true")
    assert "3 hosts checked" in told
    assert "sim-001 is disabled" in told
    assert "Failed: No valid host was found" in meaning(told)
    assert "NoValidHost" in meaning(told)


def test_failed_on_hosts(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "retryable", "message": "This host cannot."})
    key = cloud.create("unlucky")
    cloud.settled(key)
    told = why(cloud, key)
    assert told.count("This host cannot.") >= 3
    assert "3 attempts" in meaning(told)


def test_waiting_for_an_agent_that_is_gone(cloud: Cloud) -> None:
    key = str(cloud.settled(cloud.create("stopped"))["id"])
    cloud.lose_hosts(seconds=1)
    try:
        down = "SELECT 1 FROM scheduling_host WHERE heartbeat_at > now() - interval '6 s'"
        wait_for(lambda: not cloud.rows(down), what="hosts down")
        answer = cloud.call("POST", f"/compute/v2.1/servers/{key}/action", {"os-stop": None})
        assert answer.status_code == 202
        told = why(cloud, key)
    finally:
        cloud.start("agent")
    assert "Waiting: the step power_off has waited" in meaning(told)
    assert "has not reported for" in meaning(told)
    assert "DOWN" in told
    assert cloud.settled(key)["status"] == "SHUTOFF"


def test_waiting_for_a_scheduler_that_is_gone(cloud: Cloud) -> None:
    cloud.kill("scheduler", restart=False)
    try:
        keys = [cloud.create(f"vm{number}") for number in range(3)]
        told = why(cloud, keys[2])
    finally:
        cloud.start("scheduler")
    assert "in the queue scheduler, 2 runs before it" in meaning(told)
    assert "no worker reads this queue. Start a scheduler worker" in meaning(told)
    for key in keys:
        cloud.settled(key)


def test_working_and_then_gone(cloud: Cloud) -> None:
    cloud.plan(spawn=12.0)  # longer than a new interpreter takes on a busy machine
    key = cloud.create("slow")
    running = "SELECT 1 FROM workflow_run WHERE subject_id = %s AND next_step = 'spawn' AND step_state = 'running'"
    wait_for(lambda: cloud.rows(running, key), what="a running spawn")
    told = why(cloud, key, "--no-workers")
    cloud.plan()
    assert "Working: the step spawn has been running on sim-" in meaning(told)
    assert "its worker is alive" in meaning(told)
    cloud.settled(key)
    cloud.delete(key)
    told = why(cloud, "slow")
    assert "Done: the server was deleted" in meaning(told)
    assert "no allocation" in told


def test_names_and_strangers(cloud: Cloud) -> None:
    keys = [cloud.create("twin") for _ in range(2)]
    for key in keys:
        cloud.settled(key)
    told = why(cloud, "twin")
    assert "2 servers have this name" in told
    assert all(key in told for key in keys)
    assert cloud.manage("why", "nothing of this name", check=False) == ""
