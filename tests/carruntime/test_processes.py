"""Programs in other processes, in threads, in event loops, and where the system runs out of things.

Each host is a process of its own: what it leaves behind and what it prints is part of the claim.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from sandbox import meeting

ROOT = Path(car.__file__).parent.parent
SOURCE = """\
def reward(obs, next_obs):
    return float(next_obs[0] - obs[0]), {"speed": float(next_obs[1])}
"""
START = f"""\
import gymnasium as gym, numpy as np, os, sys, threading, time
import carruntime as car
SOURCE = {SOURCE!r}
def program():
    return car.load(SOURCE, gym.make("MountainCar-v0"), tier="interpreted")
def pays(given, rows=2):
    with given.start(rows) as session:
        now = np.zeros((rows, 2), np.float32)
        session.reset(now)
        after = now + np.float32(0.5)
        return session.step(now, np.zeros(rows, np.int64), after).reward.tolist()
"""


def host(code: str, tmp_path: Path, *, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    """Run a host; warnings are errors there, and it must end by itself."""
    script = tmp_path / "host.py"
    script.write_text(START + textwrap.dedent(code), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Give an environment in which a host starts a zygote of its own."""
    mine = {name: text for name, text in os.environ.items() if name != meeting.VARIABLE}
    return {**mine, "PYTHONPATH": str(ROOT)}


def said(code: str, tmp_path: Path) -> str:
    done = host(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


# Other processes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_program_that_is_sent_to_a_process_pays_there(method: str, tmp_path: Path) -> None:
    code = f"""
    import multiprocessing
    if __name__ == "__main__":
        given = program()
        assert pays(given) == [0.5, 0.5]
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            print(pool.map(pays, [given, given]))
    """
    assert said(code, tmp_path) == "[[0.5, 0.5], [0.5, 0.5]]\n"


def test_a_process_that_is_forked_while_other_threads_step_is_not_stuck(tmp_path: Path) -> None:
    code = """
    given = program()
    stop = threading.Event()
    def work():
        while not stop.is_set():
            pays(given)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    endings = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if pays(given) == [0.5, 0.5] else 1)
        endings.append(os.waitpid(pid, 0)[1])
    stop.set()
    for thread in threads:
        thread.join()
    print(endings)
    """
    # From Python 3.12 on a fork beside threads warns, which is what this is about.
    quiet = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
    assert said(quiet + textwrap.dedent(code), tmp_path) == "[0, 0, 0]\n"


def make_paid_env(program: car.RewardProgram) -> gym.Env:
    return car.CodeRewardWrapper(gym.make("MountainCar-v0"), program)


def test_environments_in_subprocesses_take_a_program_by_pickle_and_end_cleanly(
    tmp_path: Path,
) -> None:
    # As SB3's SubprocVecEnv does it too: a function is sent with cloudpickle, and makes the wrapper.
    code = """
    from gymnasium.vector import AsyncVectorEnv
    if __name__ == "__main__":
        given = program()
        def make():
            return car.CodeRewardWrapper(gym.make("MountainCar-v0"), given)
        venv = AsyncVectorEnv([make, make], context="spawn")
        before, _ = venv.reset(seed=3)
        before = before.copy()
        after, rewards, _, _, info = venv.step(np.array([0, 2]))
        assert rewards.tolist() == (after[:, 0] - before[:, 0]).astype(float).tolist()
        assert (info["outcome"] == 0).all()
        venv.close()
        print("fine")
    """
    assert said(code, tmp_path) == "fine\n"


def test_an_environment_that_holds_a_session_says_what_to_send_instead() -> None:
    program = car.load(SOURCE, gym.make("MountainCar-v0"), tier="interpreted")
    env = make_paid_env(program)
    with pytest.raises(TypeError, match="send the RewardProgram and start a session there"):
        pickle.dumps(env)
    env.close()


def test_a_session_that_is_dropped_without_close_gives_everything_back(tmp_path: Path) -> None:
    code = """
    import gc
    from pathlib import Path
    from sandbox import spawn
    given = program()
    pays(given)
    def state():
        gc.collect()
        zygote = spawn.shared_zygote()
        zygote.ping()
        workers = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()
        maps = Path("/proc/self/maps").read_text()
        return len(workers), len(os.listdir("/proc/self/fd")), maps.count("carruntime")
    before = state()
    for _ in range(12):
        session = given.start(4)
        session.reset(np.zeros((4, 2), np.float32))
    del session
    end = time.monotonic() + 10
    # Fewer is fine: what `load` kept for the first session may be gone by now.
    while any(now > then for now, then in zip(state(), before)):
        assert time.monotonic() < end, (before, state())
        time.sleep(0.05)
    print("fine")
    """
    if not Path("/proc/self/task").exists():
        pytest.skip("looks into /proc")
    assert said(code, tmp_path) == "fine\n"


# One zygote ------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs sockets without a file")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_processes_of_a_host_have_workers_of_one_zygote_that_end_with_each(
    method: str, tmp_path: Path
) -> None:
    code = f"""
    import multiprocessing, signal
    from pathlib import Path
    from sandbox import spawn
    def workers(zygote):
        return set(Path(f"/proc/{{zygote}}/task/{{zygote}}/children").read_text().split())
    def child(given, pipe):
        with given.start(1) as session:
            pipe.send(spawn.shared_zygote().pid)
            time.sleep(60)
    if __name__ == "__main__":
        given = program()
        mine = given.start(2)
        zygote = spawn.shared_zygote().pid
        before = workers(zygote)
        context = multiprocessing.get_context({method!r})
        ours, theirs = context.Pipe()
        processes = [context.Process(target=child, args=(given, theirs)) for _ in range(3)]
        for process in processes:
            process.start()
        assert [ours.recv() for _ in processes] == [zygote] * 3
        assert len(workers(zygote) - before) == 3
        for process in processes:
            process.kill()
            process.join()
        end = time.monotonic() + 1
        while workers(zygote) != before:
            assert time.monotonic() < end, (workers(zygote), before)
            time.sleep(0.01)
        mine.reset(np.zeros((2, 2), np.float32))
        assert mine.step(None, None, np.zeros((2, 2), np.float32)).outcome.tolist() == [0, 0]
        print("fine")
    """
    code = code.replace("mine.step(None, None, ", "mine.step(np.zeros((2, 2), np.float32), None, ")
    assert said(code, tmp_path) == "fine\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs sockets without a file")
def test_a_process_whose_zygote_ended_with_its_owner_goes_on_with_its_own(tmp_path: Path) -> None:
    code = """
    from sandbox import spawn
    given = program()
    pays(given)
    first = spawn.shared_zygote().pid
    (read, write), (told, tell) = os.pipe(), os.pipe()
    if os.fork() == 0:
        assert pays(given) == [0.5, 0.5]
        assert spawn.shared_zygote().pid == first
        os.write(tell, b".")
        os.read(read, 1)
        end = time.monotonic() + 10
        while os.path.exists(f"/proc/{first}") and time.monotonic() < end:
            time.sleep(0.01)
        assert pays(given) == [0.5, 0.5]
        assert spawn.shared_zygote().pid != first
        print("fine")
        sys.exit(0)
    os.read(told, 1)
    spawn.shared_zygote().close()
    os.write(write, b".")
    assert os.wait()[1] == 0
    """
    assert said(code, tmp_path) == "fine\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs sockets without a file")
def test_nobody_joins_a_zygote_of_another_installation_or_user() -> None:
    name = meeting.new_name()
    with meeting.listen(name) as listener:
        found = meeting.join(name)
        assert found is not None
        taken = meeting.accepted(listener, 1.0)
        assert taken is not None
        found.close()
        taken.close()
        assert meeting.join("carruntime-" + "0" * 16 + "-x") is None
        assert meeting.join(name + "x") is None
        if os.geteuid() != 0:
            return
        pid = os.fork()
        if pid == 0:
            os.setresuid(65534, 65534, 65534)
            os._exit(0 if meeting.join(name) is None else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert meeting.accepted(listener, 1.0) is None


# Event loops, notebooks, clusters ------------------------------------------------------------------


def test_many_sessions_step_at_once_in_an_event_loop(tmp_path: Path) -> None:
    code = """
    import asyncio
    given = program()
    async def main():
        return await asyncio.gather(*(asyncio.to_thread(pays, given, n + 1) for n in range(6)))
    print(asyncio.run(main()) == [[0.5] * (n + 1) for n in range(6)])
    """
    assert said(code, tmp_path) == "True\n"


def test_an_interrupt_of_an_event_loop_leaves_no_process(tmp_path: Path) -> None:
    code = """
    import asyncio, signal
    from sandbox import spawn
    # A shell that starts the tests in the background has them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = car.load("def reward(obs):\\n    while obs[0] == 0:\\n        pass\\n    return 0.0\\n",
                     gym.make("MountainCar-v0"), tier="interpreted",
                     limits=car.Limits(fuel=10**12, wall_s=60))
    session = given.start(1)
    session.reset(np.ones((1, 2), np.float32))
    async def main():
        await asyncio.sleep(0.1)
        # The first of them cancels the task, which a step does not hear; the second interrupts.
        for delay_s in (0.2, 0.5):
            threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGINT)).start()
        session.step(next_obs=np.zeros((1, 2), np.float32))
    print(spawn.shared_zygote().pid, flush=True)
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted")
    """
    begin = time.monotonic()
    done = host(code, tmp_path)
    assert time.monotonic() - begin < 45
    pid, word = done.stdout.split()
    assert word == "interrupted", done.stdout + done.stderr
    assert not Path(f"/proc/{pid}").exists()


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


NOTEBOOK = [
    START,
    "given = program()\nsession = given.start(2)",
    "pays(given)",
    # A cell that the user stops: the kernel gets SIGINT, as from the button.
    (
        "import signal\n"
        "slow = car.load('def reward(obs):\\n    while obs[0] == 0:\\n        pass\\n    return 0.0\\n',\n"
        "                gym.make('MountainCar-v0'), tier='interpreted',\n"
        "                limits=car.Limits(fuel=10**12, wall_s=120)).start(1)\n"
        "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "slow.reset(np.ones((1, 2), np.float32))\n"
        "slow.step(next_obs=np.zeros((1, 2), np.float32))"
    ),
    # The session that was interrupted and the others go on.
    "after = slow.step(next_obs=np.ones((1, 2), np.float32)).outcome.tolist(), pays(given)\nafter",
]


@pytest.mark.skipif(
    not (_installed("nbclient") and _installed("ipykernel")),
    reason="needs nbclient and ipykernel (pip install 'carruntime[notebook]')",
)
def test_a_notebook_runs_programs_and_goes_on_after_the_kernel_is_interrupted() -> None:
    import nbclient
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in NOTEBOOK])
    client = nbclient.NotebookClient(book, timeout=90, kernel_name="python3", allow_errors=True)
    client.execute(env=environment())
    outputs = [cell["outputs"] for cell in book["cells"]]
    assert outputs[2][0]["data"]["text/plain"] == "[0.5, 0.5]"
    assert outputs[3][0]["ename"] == "KeyboardInterrupt"
    assert outputs[4][0]["data"]["text/plain"] == "([0], [0.5, 0.5])"


@pytest.mark.skipif(not _installed("ray"), reason="needs ray (pip install 'carruntime[ray]')")
def test_a_program_is_sent_to_ray_tasks_and_actors_and_pays_there(tmp_path: Path) -> None:
    code = """
    import json, logging, warnings
    warnings.simplefilter("ignore")
    import ray
    if __name__ == "__main__":
        given = program()
        ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        class Payer:
            def __init__(self, program):
                self.session = program.start(2)
                self.session.reset(np.zeros((2, 2), np.float32))
            def pay(self, change):
                now = np.zeros((2, 2), np.float32)
                return self.session.step(now, np.zeros(2, np.int64), now + np.float32(change)).reward.tolist()
        task = ray.remote(pays)
        actor = ray.remote(Payer).remote(given)
        found = ray.get([task.remote(given), task.remote(given, 3), actor.pay.remote(0.25)])
        print("found", json.dumps(found))
        ray.shutdown()
    """
    done = host(code, tmp_path, timeout=180)
    told = [line for line in done.stdout.splitlines() if line.startswith("found")]
    assert told, done.stdout + done.stderr
    assert json.loads(told[0].removeprefix("found")) == [[0.5] * 2, [0.5] * 3, [0.25] * 2]


# Running out of things -----------------------------------------------------------------------------


def test_a_host_without_free_descriptors_is_told_so_and_goes_on_when_it_has_some(
    tmp_path: Path,
) -> None:
    code = """
    import resource
    given = program()
    pays(given)
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
    sessions = []
    for _ in range(40):
        try:
            sessions.append(given.start(2))
        except car.CarruntimeError as error:
            print(type(error).__name__)
            break
    assert sessions
    sessions[-1].reset(np.zeros((2, 2), np.float32))
    for session in sessions:
        session.close()
    print(pays(given))
    """
    first, then = said(code, tmp_path).splitlines()
    assert first.endswith("Error")
    assert then == "[0.5, 0.5]"


@pytest.mark.parametrize("call", ["memfd_create", "posix_fallocate", "ftruncate"])
def test_a_system_without_shared_memory_to_give_says_so(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, call):
        pytest.skip(f"no {call} here")
    program = car.load(SOURCE, gym.make("MountainCar-v0"), tier="interpreted")

    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(car.CarruntimeError, match=r"shared memory.*No space left on device"):
            program.start(2)
    with program.start(2) as session:
        session.reset(np.zeros((2, 2), np.float32))
