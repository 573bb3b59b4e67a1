"""What runs inside the sandbox around an operator's script. Standard library only; sent over as text.

It is no wall: a script can do here what it likes. All it says is checked by the other side.
"""

import builtins
import json
import linecache
import os
import sys

# ``socket`` and ``traceback`` are not imported before they are needed: they take as long to load as all the rest.


class Refused(Exception):
    """The endpoint, or the way of asking it, is not allowed; or the budget is used up."""


class Failed(Exception):
    """The endpoint was asked and could not do it. ``retryable``: asking again later may help."""

    def __init__(self, words, retryable=False):
        super().__init__(words)
        self.retryable = retryable


class Stop(Exception):
    """Ends the script with an outcome."""

    def __init__(self, outcome):
        super().__init__(outcome["outcome"])
        self.outcome = outcome


class Channel:
    """The inherited socket, read by lines."""

    def __init__(self, number):
        self._number = number
        self.lines = os.fdopen(number, "rb", closefd=False)

    def sendall(self, content):
        while content:
            content = content[os.write(self._number, content) :]


class Boss:
    """What a script is given beside its inputs."""

    Refused = Refused
    Failed = Failed

    def __init__(self, channel, told):
        self._channel = channel
        self._lines = channel.lines
        self.attempt = told["attempt"]
        self.key = told["key"]
        self.finished = told.get("finished", True)
        self.said = ""

    def call(self, endpoint, **request):
        """Ask a named endpoint; the answer is a dictionary. Raises boss.Refused and boss.Failed."""
        self._send({"call": endpoint, "request": request})
        answer = json.loads(self._lines.readline() or "null")
        if answer is None:
            raise SystemExit(1)
        if "answer" in answer:
            return answer["answer"]
        if answer.get("refused"):
            raise Refused(answer["error"])
        raise Failed(answer["error"], answer.get("retryable", False))

    def note(self, words):
        """One sentence for the journal."""
        self.said = str(words)[:500]

    def fail(self, why):
        """End: it cannot be done, a person must look."""
        raise Stop({"outcome": "fail", "error": str(why)[:2000]})

    def retry(self, why, after_seconds=None):
        """End: it could not be done now, and is worth another attempt."""
        raise Stop({"outcome": "retry", "error": str(why)[:2000], "after_seconds": after_seconds})

    def _send(self, message):
        self._channel.sendall(json.dumps(message).encode() + b"\n")


def main():
    channel = Channel(int(sys.argv[1]))
    told = json.loads(channel.lines.readline())
    boss = Boss(channel, told)
    source = told["source"]
    linecache.cache["script"] = (len(source), None, source.splitlines(True), "script")
    names = {"__name__": "script", "__builtins__": builtins}
    try:
        exec(compile(source, "script", "exec"), names)
        work = names.get(told["entry"])
        if work is None:
            raise Stop({"outcome": "fail", "error": "the script has no function " + told["entry"] + "()"})
        outputs = work(*told["arguments"], boss)
        outcome = {"outcome": "done", "outputs": {} if outputs is None else outputs, "note": boss.said}
        try:
            json.dumps(outcome)
        except (TypeError, ValueError, RecursionError) as error:
            outcome = {"outcome": "fail", "error": "what the script returned is no JSON: " + str(error)[:200]}
    except Stop as stop:
        outcome = stop.outcome
    except Failed as error:
        import traceback

        print("".join(traceback.format_exception(error)[-12:]), file=sys.stderr)
        outcome = {"outcome": "retry" if error.retryable else "fail", "error": str(error)[:2000]}
    except MemoryError:
        outcome = {"outcome": "fail", "error": "MemoryError: the script used more memory than it may"}
    except BaseException as error:
        import traceback

        lines = traceback.format_exception(
            type(error), error, error.__traceback__.tb_next if error.__traceback__ else None
        )
        print("".join(lines[-24:]), file=sys.stderr)
        outcome = {"outcome": "fail", "error": (type(error).__name__ + ": " + str(error))[:2000]}
    sys.stdout.flush()
    sys.stderr.flush()
    boss._send(outcome)


main()
