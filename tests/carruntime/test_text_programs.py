"""Programs over text, compiled, beside plain CPython."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

import carruntime as car

MISSIONS = (
    "pick up the green ball",
    "  open  the red Door ",
    "go to the blue key, then open a grey door",
    "",
    "get-the-box",
    "a",
    "the the thee",
    "x, y, z",
    "naïve ball",
    "KEY key",
)
PAIR: tuple[spaces.Space[Any], spaces.Space[Any]] = (
    spaces.Dict({"mission": spaces.Text(100), "n": spaces.Discrete(10)}),
    spaces.Discrete(3),
)
CASES = {
    "strip": """
        return len(mission.strip())*100+len(mission.lstrip())*10+len(mission.rstrip("or "))+len(mission.strip("abc"))
    """,
    "splitsep": """
        p=mission.split(" ")
        t=0
        for i,w in enumerate(p): t+=i*len(w)
        return t+100*len(p)+(p[-1]=="door")
    """,
    "splitsep2": """
        p=mission.split(", ")
        q=mission.split("the")
        return len(p)*10+len(q)+len(p[-1])*100+len(q[-1].strip())
    """,
    "split1": """
        p=mission.split(" ",1)
        if len(p)>1: return len(p[1])+0.5
        return len(p[0])
    """,
    "rsplit1": """
        p=mission.rsplit(" ",1)
        return len(p[-1])+10*len(p[0])+ (p[-1] in ("door","ball"))
    """,
    "partition": """
        a,b,c=mission.partition(" the ")
        d,e,f=mission.rpartition("the")
        return len(a)+10*len(b)+100*len(c)+1000*len(d)+3*len(e)+7*len(f)
    """,
    "replace": """
        m=mission.replace(",","").replace("the ","a ")
        return len(m)+10*len(m.split())+(m.split()[-1:]==["door"])*1000 if m else -1.0
    """,
    "replace2": """
        m=mission.lower().replace("the","that one").replace(" ","_").upper()
        return len(m)+("RED" in m)*100+m.count("_")*1000+m.find("E")
    """,
    "title": """
        m=mission.title()
        c=mission.capitalize()
        return ("Red" in m)+10*("Pick" in c)+100*(m==c)+1000*("Door" in c)+5*("The" in m)
    """,
    "words": """
        w=mission.split()
        if "the" in w:
            i=w.index("the")
            rest=w[i+1:]
            return i+10*len(rest)+100*(rest[-1]=="ball" if rest else 0)+w.count("the")*1000
        return -1.0
    """,
    "join": """
        w=mission.lower().split()
        k=" ".join(w[-2:])
        return {"green ball":1.0,"red door":2.0,"grey door":3.0}.get(k,0.0)+len(" ".join(w))*10+len("--".join(w[1:]))
    """,
    "chars": """
        t=0
        for i,c in enumerate(mission):
            if c.isalpha(): t+=i
            elif c==" ": t+=1000
        v=sum(1 for c in mission if c in "aeiou")
        return t+v*0.5
    """,
    "findidx": """
        return mission.index("the")+mission.rfind("e")*10+mission.count("e")*100
    """,
    "inTT": """
        w=mission.split()
        return 1.0*(w[-1] in mission)+2.0*(w[0] in w[-1])
    """,
    "remove": """
        return len(mission.removeprefix("pick up "))+10*len(mission.removesuffix("door"))+100*mission.isdigit()
    """,
    "parse": """
        colors=["red","green","blue","grey"]
        kinds={"ball":6,"door":4,"key":5}
        c=k=None
        for w in mission.strip().lower().replace(",","").split(" "):
            w=w.strip(".!?")
            if w in colors: c=colors.index(w)
            elif w in kinds: k=kinds[w]
        return -1.0 if c is None or k is None else c*10+k
    """,
}


@pytest.mark.parametrize("name", CASES)
def test_a_program_over_text_is_compiled_and_gives_what_cpython_gives(name: str) -> None:
    body = textwrap.indent(textwrap.dedent(CASES[name]), "    ")
    source = f"def reward(mission, n):\n{body}"
    program = car.load(source, spaces=PAIR, isolation="none", tier="compiled")
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - our own text
    count = len(MISSIONS)
    with program.start(count, on_error="nan") as session:
        seen = {"mission": MISSIONS, "n": np.arange(count)}
        session.reset(seen)
        batch = session.step(seen, np.zeros(count, int), seen)
        for k, mission in enumerate(MISSIONS):
            try:
                want: float | str = float(names["reward"](mission, k))
            except Exception as error:
                want = type(error).__name__
            failure = batch.failure(k)
            got: float | str = float(batch.reward[k]) if failure is None else failure.exception
            assert got == want, mission
