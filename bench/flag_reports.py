"""Measures flag reports: 500 class pages as HTML and as PDF, and whether memory stays flat.

    python bench/flag_reports.py [--schools 25] [--classes 20] [--pupils 4]

Schools are invented in memory: classes of 24, in each some pupils with three flagged answers and
two earlier rounds, and two themes. Told are processor seconds, so that a busy machine says the
same; the least that anyone would do is to write down the view as JSON. Target: 500 class pages as
PDF in 120 s on 2 cores, with memory that does not grow with the number of reports.
"""

import argparse
import json
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from random import Random

from reports.model import ReportContext, ReportView
from reports.pdf.render import render_pdf
from reports.report_view import report_view
from reports.school_report import render, report_context
from schemas.instrument import shipped_instruments
from schemas.rule import PupilRule, shipped_rules
from schemas.settings import Settings
from schemas.survey import Survey
from warehouse.school_data import (
    ClassCount,
    ClassIndicator,
    Evidence,
    PastAnswer,
    PupilFlag,
    SchoolData,
    WaveInfo,
)

CORE = "klassepuls_core_v1"
DAY = date(2026, 11, 23)
WAVES = tuple(
    WaveInfo(name, name, "2026-27", date(2026, month, 1), date(2026, month, 20))
    for name, month in (("2026-A", 1), ("2026-B", 4), ("2026-C", 11))
)
RULES = {rule.id: rule for rule in shipped_rules()}
ITEMS = (
    ("rule.bullied_by_pupils", "bullied_by_pupils", (3, 5), 3),
    ("rule.unsafe", "safety", (1, 2), 2),
    ("rule.nobody_in_breaks", "company_in_breaks", (1, 2), 2),
)
SETTINGS = """
[municipality]
number = "4601"
name = "Benk"
[[school]]
id = "S01"
name = "Skole"
[[wave]]
id = "2026-C"
name = "2026-C"
school_year = "2026-27"
opens = 2026-11-01
closes = 2026-11-20
[routing]
decided_by = "benk"
decided_on = 2026-08-17
pupil_flags_to = "health_service"
bullied_by_adults_to = "health_service_lead"
"""


def flags(school: str, name: str, pupils: int, random: Random) -> list[PupilFlag]:
    """Three flags for each of some pupils, with what they answered in two earlier rounds."""
    made = []
    for pupil in range(pupils):
        for rule_id, item, span, limit in ITEMS:
            rule = RULES[rule_id]
            assert isinstance(rule, PupilRule)
            past = tuple(PastAnswer(one.wave_id, random.randint(1, 5), None) for one in WAVES[:2])
            answer = Evidence(f"{CORE}.{item}", random.randint(*span), limit, past)
            made.append(
                PupilFlag(
                    flag_id=f"{random.getrandbits(48):012x}",
                    pupil=f"{school}-{name}-{pupil}",
                    class_group=name,
                    level="flag",
                    situation=rule.situation,
                    rule_id=rule_id,
                    rule_version=rule.version,
                    review_due=date(2026, 11, 30),
                    expires_on=date(2027, 3, 23),
                    evidence=(answer,),
                    known_in=random.choice([(), ("2026-B",)]),
                    survey_id="core",
                )
            )
    return made


def school(number: int, classes: int, pupils: int) -> SchoolData:
    """One invented school, the same each time."""
    random, name = Random(number), f"S{number:03d}"
    groups = [f"{5 + at // 4}{'ABCD'[at % 4]}" for at in range(classes)]
    return SchoolData(
        school_id=name,
        school_name=f"Skole {name}",
        route="health_service",
        wave=WAVES[-1],
        waves=WAVES,
        is_linked=True,
        classes=tuple(ClassCount(one, 5 + at // 4, 22, 24) for at, one in enumerate(groups)),
        pupil_flags=tuple(flag for one in groups for flag in flags(name, one, pupils, random)),
        class_flags=(),
        indicators=tuple(
            ClassIndicator(
                one, rule, 1, 22, random.randint(3, 9), 24, 0.08, "grade_band", 0.2, "tested"
            )
            for one in groups
            for rule in ("rule.class_bullied", "rule.class_unsafe")
        ),
        held=0,
        held_shared=0,
        surveys=("core",),
        grades=tuple(sorted({5 + at // 4 for at in range(classes)})),
    )


def context() -> ReportContext:
    survey = Survey.from_toml(
        f'id = "core"\nname = "Puls"\ntool = "canonical"\nlinkage = "pseudonymous"\n'
        f'instruments = ["{CORE}"]\n',
        name="core.toml",
    )
    return report_context(
        settings=Settings.from_toml(SETTINGS, name="klassepuls.toml"),
        instruments=shipped_instruments(),
        rules=shipped_rules(),
        language="nb",
        issued_on=DAY,
        surveys={"core": survey},
    )


def resident() -> int:
    """Megabytes that the process holds now."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in one]
    return int(line.split()[1]) // 1024


def timed(spent: dict[str, float], step: str, do):
    started = time.process_time()
    made = do()
    spent[step] = spent.get(step, 0.0) + time.process_time() - started
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schools", type=int, default=25)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--pupils", type=int, default=4)
    asked = parser.parse_args()
    told, spent, held, sizes = context(), {}, [], [0, 0]
    for number in range(asked.schools):
        data = school(number, asked.classes, asked.pupils)
        codes = {flag.pupil: f"K{at:04d}" for at, flag in enumerate(data.pupil_flags)}
        own = replace(told, codes=codes)
        view: ReportView = timed(spent, "view", lambda d=data, o=own: report_view(d, o))
        timed(spent, "json", lambda v=view: json.dumps(asdict(v), default=str))
        page = timed(spent, "html", lambda v=view: render(v, told.texts))
        pdf = timed(spent, "pdf", lambda v=view: render_pdf(v, told.texts, issued_on=DAY))
        sizes = [sizes[0] + len(page), sizes[1] + len(pdf)]
        held.append(resident())
    pages = asked.schools * asked.classes
    print(f"{pages} class pages of {asked.schools} schools, processor seconds:")
    for step, seconds in spent.items():
        ratio = seconds / spent["json"]
        print(
            f"  {step}: {seconds:.2f} s, {1000 * seconds / pages:.1f} ms a page, {ratio:.1f} x json"
        )
    print(f"  HTML {sizes[0] / 1e6:.1f} MB, PDF {sizes[1] / 1e6:.1f} MB")
    third = len(held) // 3
    print(f"  memory after a third of the reports {held[third]} MB, after all {held[-1]} MB")


if __name__ == "__main__":
    main()
